//! Takes an expression, gives its value where it is a constant whose
//! computation no script can observe: no exception, no large result. Folds
//! what CPython 3.13 ast_opt.c folds: in which order a set of constants
//! iterates tells.

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use crate::ast::{BinaryOp, Expr, ExprKind, StrLit, UnaryOp};
use crate::bytecode::Const;

/// Results wider than this are computed at run time.
const INT_BITS_MAX: u64 = 128;

/// The longest string that folding makes.
const LENGTH_MAX: usize = 4096;

/// The longest tuple that repeating makes, and how many items it may have with those inside.
const ITEMS_MAX: usize = 256;
const ITEMS_MAX_DEEP: usize = 1024;

/// The value of a constant expression.
pub(crate) fn constant(expr: &Expr) -> Option<Const> {
    Some(match &expr.kind {
        ExprKind::None => Const::None,
        ExprKind::True => Const::True,
        ExprKind::False => Const::False,
        ExprKind::Ellipsis => Const::Ellipsis,
        ExprKind::Int(value) => Const::Int(*value),
        ExprKind::BigInt(value) => Const::BigInt((**value).clone()),
        ExprKind::Float(value) => Const::Float(*value),
        ExprKind::Str(value) => Const::Str(value.clone()),
        ExprKind::Bytes(value) => Const::Bytes(value.clone()),
        ExprKind::Tuple(items) => Const::Tuple(constants(items)?),
        ExprKind::Name(name) if name.as_str() == "__debug__" => Const::True,
        ExprKind::Unary { op, operand } => unary(*op, constant(operand)?)?,
        ExprKind::Binary(node) => {
            let mut value = constant(&node.first)?;
            for term in &node.rest {
                value = binary(term.op, &value, &constant(&term.operand)?)?;
            }
            value
        }
        ExprKind::Subscript { value, index } => subscript(&constant(value)?, &constant(index)?)?,
        _ => return None,
    })
}

/// The values of expressions that are all constants.
pub(crate) fn constants(exprs: &[Expr]) -> Option<Vec<Const>> {
    exprs.iter().map(constant).collect()
}

/// The truth of a constant.
pub(crate) fn truth(value: &Const) -> bool {
    match value {
        Const::None | Const::False => false,
        Const::Int(value) => *value != 0,
        Const::Float(value) => *value != 0.0,
        Const::Str(value) => !value.is_empty(),
        Const::Bytes(value) => !value.is_empty(),
        Const::Tuple(items) | Const::FrozenSet(items) => !items.is_empty(),
        _ => true,
    }
}

/// An int of any size.
pub(crate) fn int(value: BigInt) -> Const {
    match value.to_i64() {
        Some(small) => Const::Int(small),
        None => Const::BigInt(value),
    }
}

fn big(value: &Const) -> Option<BigInt> {
    match value {
        Const::False => Some(BigInt::ZERO),
        Const::True => Some(BigInt::from(1)),
        Const::Int(value) => Some(BigInt::from(*value)),
        Const::BigInt(value) => Some(value.clone()),
        _ => None,
    }
}

fn unary(op: UnaryOp, value: Const) -> Option<Const> {
    match (op, &value) {
        (UnaryOp::Not, _) => Some(truth_value(!truth(&value))),
        (UnaryOp::Neg, Const::Float(float)) => Some(Const::Float(-float)),
        (UnaryOp::Pos, Const::Float(_)) => Some(value),
        (UnaryOp::Neg, _) => Some(int(-big(&value)?)),
        (UnaryOp::Pos, _) => Some(int(big(&value)?)),
        // CPython warns of it at run time.
        (UnaryOp::Invert, _) if is_bool(&value) => None,
        (UnaryOp::Invert, _) => Some(int(!big(&value)?)),
    }
}

pub(crate) fn binary(op: BinaryOp, left: &Const, right: &Const) -> Option<Const> {
    if let (Some(left_int), Some(right_int)) = (big(left), big(right)) {
        let is_logical = matches!(op, BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor);
        let value = int_binary(op, left_int, right_int)?;
        return Some(if is_logical && is_bool(left) && is_bool(right) {
            truth_value(truth(&value))
        } else {
            value
        });
    }
    match (left, right) {
        (Const::Float(_), _) | (_, Const::Float(_)) => {
            float_binary(op, as_float(left)?, as_float(right)?)
        }
        (Const::Str(StrLit::Text(left)), Const::Str(StrLit::Text(right)))
            if op == BinaryOp::Add && left.len() + right.len() <= LENGTH_MAX =>
        {
            Some(Const::Str(StrLit::Text(format!("{left}{right}"))))
        }
        (Const::Bytes(left), Const::Bytes(right))
            if op == BinaryOp::Add && left.len() + right.len() <= LENGTH_MAX =>
        {
            Some(Const::Bytes([&left[..], &right[..]].concat()))
        }
        (Const::Tuple(left), Const::Tuple(right))
            if op == BinaryOp::Add && left.len() + right.len() <= LENGTH_MAX =>
        {
            Some(Const::Tuple([&left[..], &right[..]].concat()))
        }
        (sequence, Const::Int(times)) | (Const::Int(times), sequence) if op == BinaryOp::Mul => {
            repeat(sequence, usize::try_from(*times).ok()?)
        }
        _ => None,
    }
}

fn is_bool(value: &Const) -> bool {
    matches!(value, Const::True | Const::False)
}

fn truth_value(truth: bool) -> Const {
    match truth {
        true => Const::True,
        false => Const::False,
    }
}

fn repeat(sequence: &Const, times: usize) -> Option<Const> {
    let fits = |len: usize, max: usize| len.checked_mul(times).is_some_and(|len| len <= max);
    match sequence {
        Const::Str(StrLit::Text(text)) if fits(text.chars().count(), LENGTH_MAX) => {
            Some(Const::Str(StrLit::Text(text.repeat(times))))
        }
        Const::Bytes(data) if fits(data.len(), LENGTH_MAX) => {
            Some(Const::Bytes(data.repeat(times)))
        }
        Const::Tuple(items)
            if fits(items.len(), ITEMS_MAX) && fits(n_items(sequence), ITEMS_MAX_DEEP) =>
        {
            let repeated = std::iter::repeat_n(items, times).flatten();
            Some(Const::Tuple(repeated.cloned().collect()))
        }
        _ => None,
    }
}

/// The items of a constant tuple, with those of tuples in it.
fn n_items(value: &Const) -> usize {
    match value {
        Const::Tuple(items) => items.len() + items.iter().map(n_items).sum::<usize>(),
        _ => 0,
    }
}

/// An item of a constant, where it has that.
fn subscript(value: &Const, index: &Const) -> Option<Const> {
    let index = big(index)?.to_i64()?;
    let at = |len: usize| {
        let from_end = if index < 0 { len as i64 } else { 0 };
        usize::try_from(index.checked_add(from_end)?).ok()
    };
    match value {
        Const::Tuple(items) => items.get(at(items.len())?).cloned(),
        Const::Bytes(data) => Some(Const::Int(i64::from(*data.get(at(data.len())?)?))),
        Const::Str(StrLit::Text(text)) => {
            let char = text.chars().nth(at(text.chars().count())?)?;
            Some(Const::Str(StrLit::Text(char.to_string())))
        }
        _ => None,
    }
}

/// A number as the nearest float.
fn as_float(value: &Const) -> Option<f64> {
    match value {
        Const::Float(value) => Some(*value),
        _ => big(value)?.to_f64().filter(|value| value.is_finite()),
    }
}

/// A number as a float, when that loses nothing.
fn exact_float(value: &Const) -> Option<f64> {
    match value {
        Const::Int(value) if value.unsigned_abs() <= 1 << 53 => Some(*value as f64),
        _ => None,
    }
}

fn float_binary(op: BinaryOp, left: f64, right: f64) -> Option<Const> {
    let value = match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div if right != 0.0 => left / right,
        BinaryOp::Mod if right != 0.0 => floored_rest(left, right),
        BinaryOp::FloorDiv if right != 0.0 => floored_quotient(left, right),
        // Elsewhere it is complex, or an exception.
        BinaryOp::Pow if left > 0.0 || left < 0.0 && right.fract() == 0.0 => {
            Some(left.powf(right)).filter(|v| v.is_finite())?
        }
        _ => return None,
    };
    Some(Const::Float(value))
}

/// The remainder with the divisor's sign, as floats have it.
fn floored_rest(left: f64, right: f64) -> f64 {
    let rest = left % right;
    if rest == 0.0 {
        0.0_f64.copysign(right)
    } else if (rest < 0.0) != (right < 0.0) {
        rest + right
    } else {
        rest
    }
}

/// CPython 3.13 floatobject.c _float_div_mod: each step rounds, so that another way to the same
/// quotient gives another float where it is large.
fn floored_quotient(left: f64, right: f64) -> f64 {
    let rest = left % right;
    let mut quotient = (left - rest) / right;
    if rest != 0.0 && (rest < 0.0) != (right < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return 0.0_f64.copysign(left / right);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 {
        floor + 1.0
    } else {
        floor
    }
}

fn int_binary(op: BinaryOp, left: BigInt, right: BigInt) -> Option<Const> {
    if left.bits() > INT_BITS_MAX || right.bits() > INT_BITS_MAX {
        return None;
    }
    let zero = BigInt::from(0);
    let value = match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => {
            let is_zero = left == zero || right == zero;
            if !is_zero && left.bits() + right.bits() > INT_BITS_MAX {
                return None;
            }
            left * right
        }
        BinaryOp::BitAnd => left & right,
        BinaryOp::BitOr => left | right,
        BinaryOp::BitXor => left ^ right,
        BinaryOp::Div if right != zero => {
            let (left, right) = (exact_float(&int(left))?, exact_float(&int(right))?);
            return Some(Const::Float(left / right));
        }
        BinaryOp::FloorDiv | BinaryOp::Mod if right != zero => {
            // Floored, so that the remainder has the divisor's sign.
            let mut quotient = &left / &right;
            let mut rest = &left % &right;
            if rest != zero && (rest < zero) != (right < zero) {
                quotient -= 1;
                rest += right;
            }
            match op {
                BinaryOp::Mod => rest,
                _ => quotient,
            }
        }
        BinaryOp::Pow if right < zero => {
            return float_binary(op, as_float(&int(left))?, as_float(&int(right))?);
        }
        BinaryOp::Pow => {
            let exponent = right.to_u32()?;
            if left.bits().saturating_mul(exponent.into()) > INT_BITS_MAX {
                return None;
            }
            left.pow(exponent)
        }
        BinaryOp::LShift => {
            let bits = right.to_u64()?;
            if left.bits().saturating_add(bits) > INT_BITS_MAX {
                return None;
            }
            left << bits
        }
        BinaryOp::RShift => left >> right.to_u64()?,
        _ => return None,
    };
    Some(int(value))
}

/// The value of an int literal, sign included, that fits an immediate operand.
pub(crate) fn immediate(expr: &Expr) -> Option<i16> {
    match &expr.kind {
        ExprKind::Int(value) => i16::try_from(*value).ok(),
        ExprKind::Unary {
            op: UnaryOp::Neg,
            operand,
        } => match &operand.kind {
            ExprKind::Int(value) => i16::try_from(-*value).ok(),
            _ => None,
        },
        _ => None,
    }
}
