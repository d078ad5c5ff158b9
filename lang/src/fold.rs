//! Takes an expression, gives its value where it is a constant whose
//! computation no script can observe: no exception, no large result.

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use crate::ast::{BinaryOp, Expr, ExprKind, StrLit, UnaryOp};
use crate::bytecode::Const;

/// Results wider than this are computed at run time.
const INT_BITS_MAX: u64 = 128;

/// The longest string or tuple that folding makes.
const LENGTH_MAX: usize = 4096;

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
        Const::Int(value) => Some(BigInt::from(*value)),
        Const::BigInt(value) => Some(value.clone()),
        _ => None,
    }
}

fn unary(op: UnaryOp, value: Const) -> Option<Const> {
    match (op, &value) {
        (UnaryOp::Not, _) => Some(if truth(&value) {
            Const::False
        } else {
            Const::True
        }),
        (UnaryOp::Neg, Const::Float(float)) => Some(Const::Float(-float)),
        (UnaryOp::Pos, Const::Float(_)) => Some(value),
        (UnaryOp::Neg, _) => Some(int(-big(&value)?)),
        (UnaryOp::Pos, _) => Some(int(big(&value)?)),
        (UnaryOp::Invert, _) => Some(int(!big(&value)?)),
    }
}

pub(crate) fn binary(op: BinaryOp, left: &Const, right: &Const) -> Option<Const> {
    match (left, right) {
        (Const::Int(_) | Const::BigInt(_), Const::Int(_) | Const::BigInt(_)) => {
            int_binary(op, big(left)?, big(right)?)
        }
        (Const::Float(_), Const::Float(_) | Const::Int(_)) | (Const::Int(_), Const::Float(_)) => {
            float_binary(op, exact_float(left)?, exact_float(right)?)
        }
        (Const::Str(StrLit::Text(left)), Const::Str(StrLit::Text(right)))
            if op == BinaryOp::Add && left.len() + right.len() <= LENGTH_MAX =>
        {
            Some(Const::Str(StrLit::Text(format!("{left}{right}"))))
        }
        (Const::Str(StrLit::Text(text)), Const::Int(times)) if op == BinaryOp::Mul => {
            let times = usize::try_from(*times).ok()?;
            (text.len().checked_mul(times)? <= LENGTH_MAX)
                .then(|| Const::Str(StrLit::Text(text.repeat(times))))
        }
        (Const::Bytes(left), Const::Bytes(right))
            if op == BinaryOp::Add && left.len() + right.len() <= LENGTH_MAX =>
        {
            Some(Const::Bytes([&left[..], &right[..]].concat()))
        }
        (Const::Bytes(data), Const::Int(times)) if op == BinaryOp::Mul => {
            let times = usize::try_from(*times).ok()?;
            (data.len().checked_mul(times)? <= LENGTH_MAX).then(|| Const::Bytes(data.repeat(times)))
        }
        (Const::Tuple(left), Const::Tuple(right))
            if op == BinaryOp::Add && left.len() + right.len() <= LENGTH_MAX =>
        {
            Some(Const::Tuple([&left[..], &right[..]].concat()))
        }
        _ => None,
    }
}

/// A number as a float, when that loses nothing.
fn exact_float(value: &Const) -> Option<f64> {
    match value {
        Const::Float(value) => Some(*value),
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
        BinaryOp::Pow if left > 0.0 => Some(left.powf(right)).filter(|v| v.is_finite())?,
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
        BinaryOp::Mul => left * right,
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
