//! Arithmetic of int, bool and float, mixed as CPython mixes them. Takes the
//! numbers in values (instances of subclasses count as plain ones), gives exact
//! results; sizes are checked before a large int is made. Never calls methods.

use std::borrow::Cow;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use super::number::BinaryOp;
use crate::heap::{Heap, Kind};
use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::object::exception::Exception;
use crate::object::number::{Big, FloatBox};
use crate::text::float::{self, PowError};
use crate::text::int::{self, FloatOverflow, SizeError, divide};
use crate::value::Value;
use crate::vm::Vm;

/// A number as it lies in a value.
#[derive(Clone, Copy)]
pub(crate) enum Num<'a> {
    Int(i64),
    Big(&'a BigInt),
    Float(f64),
}

impl Heap {
    /// The number in `v`.
    #[inline]
    pub(crate) fn num(&self, v: Value) -> Option<Num<'_>> {
        if let Some(n) = v.as_int() {
            return Some(Num::Int(n));
        }
        if let Some(f) = v.as_inline_float() {
            return Some(Num::Float(f));
        }
        if let Some(b) = v.as_bool() {
            return Some(Num::Int(b as i64));
        }
        match self.kind(v)? {
            Kind::BigInt => Some(Num::Big(&self.cell::<Big>(v).0)),
            Kind::Float => Some(Num::Float(self.cell::<FloatBox>(v).0)),
            _ => None,
        }
    }

    /// The int in `v`, borrowed where it is large.
    pub(crate) fn big_ref(&self, v: Value) -> Option<Cow<'_, BigInt>> {
        match self.num(v)? {
            Num::Int(n) => Some(Cow::Owned(BigInt::from(n))),
            Num::Big(n) => Some(Cow::Borrowed(n)),
            Num::Float(_) => None,
        }
    }
}

/// Up to here ints are exact as floats.
const EXACT_MAX: u64 = 1 << 53;

impl Vm {
    /// `a op b` if both are numbers; None where numbers don't know it.
    ///
    /// # Errors
    /// ZeroDivisionError, OverflowError, ValueError, MemoryError.
    pub(crate) fn number_binary(
        &mut self,
        op: BinaryOp,
        a: Value,
        b: Value,
    ) -> PyResult<Option<Value>> {
        let (Some(x), Some(y)) = (self.heap.num(a), self.heap.num(b)) else {
            return Ok(None);
        };
        match (x, y) {
            (Num::Int(x), Num::Int(y)) => {
                if a.is_bool() && b.is_bool() {
                    match op {
                        BinaryOp::And => return Ok(Some(Value::bool(x & y != 0))),
                        BinaryOp::Or => return Ok(Some(Value::bool(x | y != 0))),
                        BinaryOp::Xor => return Ok(Some(Value::bool(x != y))),
                        _ => {}
                    }
                }
                match self.small_binary(op, x, y)? {
                    Some(v) => Ok(Some(v)),
                    None => self.big_binary(op, a, b),
                }
            }
            (Num::Float(x), Num::Float(y)) => self.float_binary(op, x, y),
            (Num::Float(x), _) if is_float_op(op) => {
                let y = self.int_to_float(b)?;
                self.float_binary(op, x, y)
            }
            (_, Num::Float(y)) if is_float_op(op) => {
                let x = self.int_to_float(a)?;
                self.float_binary(op, x, y)
            }
            (Num::Float(_), _) | (_, Num::Float(_)) => Ok(None),
            _ => self.big_binary(op, a, b),
        }
    }

    /// The result where i64 is enough on the way; None for `big_binary` to do it.
    fn small_binary(&mut self, op: BinaryOp, x: i64, y: i64) -> PyResult<Option<Value>> {
        let n = match op {
            BinaryOp::Add => x.checked_add(y),
            BinaryOp::Sub => x.checked_sub(y),
            BinaryOp::Mul => x.checked_mul(y),
            BinaryOp::And => Some(x & y),
            BinaryOp::Or => Some(x | y),
            BinaryOp::Xor => Some(x ^ y),
            BinaryOp::FloorDiv => match y {
                0 => return Err(self.zero_division("integer division or modulo by zero")),
                _ => Some(Integer::div_floor(&x, &y)),
            },
            BinaryOp::Mod => match y {
                0 => return Err(self.zero_division("integer modulo by zero")),
                _ => Some(Integer::mod_floor(&x, &y)),
            },
            BinaryOp::DivMod => {
                if y == 0 {
                    return Err(self.zero_division("integer division or modulo by zero"));
                }
                let (q, r) = x.div_mod_floor(&y);
                let (q, r) = (self.heap.int(q), self.heap.int(r));
                return Ok(Some(self.heap.tuple(&[q, r])));
            }
            BinaryOp::TrueDiv => {
                if y == 0 {
                    return Err(self.zero_division("division by zero"));
                }
                if x.unsigned_abs() > EXACT_MAX || y.unsigned_abs() > EXACT_MAX {
                    return Ok(None);
                }
                return Ok(Some(self.heap.float(x as f64 / y as f64)));
            }
            BinaryOp::Pow => {
                if y < 0 {
                    return self.float_binary(op, x as f64, y as f64);
                }
                u32::try_from(y).ok().and_then(|y| x.checked_pow(y))
            }
            BinaryOp::LShift => {
                if y < 0 {
                    return Err(self.value_error("negative shift count"));
                }
                if x == 0 { Some(0) } else { shifted_left(x, y) }
            }
            BinaryOp::RShift => {
                if y < 0 {
                    return Err(self.value_error("negative shift count"));
                }
                Some(x >> y.min(63))
            }
            BinaryOp::MatMul => return Ok(None),
        };
        Ok(n.map(|n| self.heap.int(n)))
    }

    /// Ints of any size.
    fn big_binary(&mut self, op: BinaryOp, a: Value, b: Value) -> PyResult<Option<Value>> {
        macro_rules! with_scalar {
            ($op:tt) => {
                match (self.heap.num(a), self.heap.num(b)) {
                    (Some(Num::Big(x)), Some(Num::Big(y))) => x $op y,
                    (Some(Num::Big(x)), Some(Num::Int(y))) => x $op y,
                    (Some(Num::Int(x)), Some(Num::Big(y))) => x $op y,
                    (Some(Num::Int(x)), Some(Num::Int(y))) => BigInt::from(x) $op y,
                    _ => return Ok(None),
                }
            };
        }
        let result = match op {
            BinaryOp::Add => with_scalar!(+),
            BinaryOp::Sub => with_scalar!(-),
            BinaryOp::Mul => {
                let bits = self.bits(a) + self.bits(b);
                if bits > 1 << 20 {
                    self.check_size(bits as usize / 4)?;
                }
                with_scalar!(*)
            }
            BinaryOp::Pow => return self.int_power(a, b).map(Some),
            BinaryOp::LShift => return self.int_lshift(a, b).map(Some),
            BinaryOp::RShift => return self.int_rshift(a, b).map(Some),
            BinaryOp::MatMul => return Ok(None),
            BinaryOp::TrueDiv => return self.int_true_div(a, b).map(Some),
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
                let (Some(x), Some(y)) = (self.heap.big_ref(a), self.heap.big_ref(b)) else {
                    return Ok(None);
                };
                match op {
                    BinaryOp::And => &*x & &*y,
                    BinaryOp::Or => &*x | &*y,
                    _ => &*x ^ &*y,
                }
            }
            BinaryOp::FloorDiv | BinaryOp::Mod | BinaryOp::DivMod => {
                let (Some(x), Some(y)) = (self.heap.big_ref(a), self.heap.big_ref(b)) else {
                    return Ok(None);
                };
                if y.is_zero() {
                    let text = if op == BinaryOp::Mod {
                        "integer modulo by zero"
                    } else {
                        "integer division or modulo by zero"
                    };
                    return Err(self.zero_division(text));
                }
                match op {
                    BinaryOp::FloorDiv => divide::div_floor(&x, &y),
                    BinaryOp::Mod => divide::mod_floor(&x, &y),
                    _ => {
                        let (q, r) = divide::div_mod_floor(&x, &y);
                        let (q, r) = (self.heap.big(q), self.heap.big(r));
                        return Ok(Some(self.heap.tuple(&[q, r])));
                    }
                }
            }
        };
        Ok(Some(self.heap.big(result)))
    }

    /// Bits of the magnitude of an int.
    fn bits(&self, v: Value) -> u64 {
        match self.heap.num(v) {
            Some(Num::Int(n)) => 64 - n.unsigned_abs().leading_zeros() as u64,
            Some(Num::Big(n)) => n.bits(),
            _ => 0,
        }
    }

    /// Bits that an int about to be made may have.
    fn max_bits(&self) -> u64 {
        self.room() as u64 * 8
    }

    fn int_power(&mut self, a: Value, b: Value) -> PyResult {
        let (Some(base), Some(exponent)) = (self.heap.big_ref(a), self.heap.big_ref(b)) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        if exponent.is_negative() {
            let (x, y) = (self.int_to_float(a)?, self.int_to_float(b)?);
            return Ok(self
                .float_binary(BinaryOp::Pow, x, y)?
                .unwrap_or(Value::NOT_IMPLEMENTED));
        }
        let power = int::pow(&base, &exponent, self.max_bits());
        self.sized(power)
    }

    fn int_lshift(&mut self, a: Value, b: Value) -> PyResult {
        let (Some(x), Some(count)) = (self.heap.big_ref(a), self.heap.big_ref(b)) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        // CPython 3.13 longobject.c MAX_LONG_DIGITS: an index's worth of bytes, without the head.
        const DIGIT_BITS: u128 = 30;
        const DIGITS_MAX: u128 = (i64::MAX as u128 - 24) / 4;
        if !x.is_zero() && !count.is_negative() {
            let digits = count.to_u128().map(|n| {
                let shifted = (n / DIGIT_BITS) + u128::from(n % DIGIT_BITS != 0);
                shifted + u128::from(x.bits()).div_ceil(DIGIT_BITS)
            });
            if digits.is_none_or(|n| n > DIGITS_MAX) {
                return Err(self.overflow_error("too many digits in integer"));
            }
        }
        let shifted = int::shift_left(&x, &count, self.max_bits());
        self.sized(shifted)
    }

    fn int_rshift(&mut self, a: Value, b: Value) -> PyResult {
        let (Some(x), Some(count)) = (self.heap.big_ref(a), self.heap.big_ref(b)) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let shifted = int::shift_right(&x, &count);
        self.sized(shifted)
    }

    fn sized(&mut self, result: Result<BigInt, SizeError>) -> PyResult {
        match result {
            Ok(n) => Ok(self.heap.big(n)),
            Err(SizeError::NegativeShift) => Err(self.value_error("negative shift count")),
            Err(SizeError::TooLarge) => Err(self.raise(B::MemoryError, "")),
        }
    }

    fn int_true_div(&mut self, a: Value, b: Value) -> PyResult {
        let (Some(x), Some(y)) = (self.heap.big_ref(a), self.heap.big_ref(b)) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        match int::true_divide(&x, &y) {
            Ok(f) => Ok(self.heap.float(f)),
            Err(error @ FloatOverflow::ByZero) => Err(self.zero_division(error.message())),
            Err(error) => Err(self.overflow_error(error.message())),
        }
    }

    /// `pow(a, b, m)` of ints.
    pub(crate) fn int_power_mod(&mut self, a: Value, b: Value, m: Value) -> PyResult {
        let (Some(base), Some(exponent), Some(modulus)) = (
            self.heap.big_ref(a),
            self.heap.big_ref(b),
            self.heap.big_ref(m),
        ) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        match int::pow_mod(&base, &exponent, &modulus) {
            Ok(n) => Ok(self.heap.big(n)),
            Err(error) => Err(self.value_error(error.message())),
        }
    }

    fn float_binary(&mut self, op: BinaryOp, x: f64, y: f64) -> PyResult<Option<Value>> {
        let f = match op {
            BinaryOp::Add => x + y,
            BinaryOp::Sub => x - y,
            BinaryOp::Mul => x * y,
            BinaryOp::TrueDiv if y == 0.0 => {
                return Err(self.zero_division("float division by zero"));
            }
            BinaryOp::TrueDiv => x / y,
            BinaryOp::FloorDiv if y == 0.0 => {
                return Err(self.zero_division("float floor division by zero"));
            }
            BinaryOp::FloorDiv => float::floor_div(x, y),
            BinaryOp::Mod if y == 0.0 => return Err(self.zero_division("float modulo by zero")),
            BinaryOp::Mod => float::modulo(x, y),
            BinaryOp::DivMod if y == 0.0 => return Err(self.zero_division("float divmod()")),
            BinaryOp::DivMod => {
                let (q, r) = float::div_mod(x, y);
                let (q, r) = (self.heap.float(q), self.heap.float(r));
                return Ok(Some(self.heap.tuple(&[q, r])));
            }
            BinaryOp::Pow => self.float_power(x, y)?,
            _ => return Ok(None),
        };
        Ok(Some(self.heap.float(f)))
    }

    fn float_power(&mut self, x: f64, y: f64) -> PyResult<f64> {
        float::pow(x, y).map_err(|error| match error {
            PowError::ZeroToNegative => self.zero_division(error.message()),
            PowError::Complex => self.unsupported(error.message()),
            PowError::Overflow => self.range_error(),
        })
    }

    /// OverflowError(34, 'Numerical result out of range').
    #[cold]
    pub fn range_error(&mut self) -> Raised {
        let raised = self.raise(B::OverflowError, "");
        let text = self.heap.str("Numerical result out of range");
        let args = self.heap.tuple(&[Value::small(34), text]);
        self.heap.cell_mut::<Exception>(raised.0).args = args;
        raised
    }

    /// The nearest float of an int.
    ///
    /// # Errors
    /// OverflowError.
    pub(crate) fn int_to_float(&mut self, v: Value) -> PyResult<f64> {
        let f = match self.heap.num(v) {
            Some(Num::Int(n)) => Ok(n as f64),
            Some(Num::Big(n)) => int::to_f64(n),
            Some(Num::Float(f)) => Ok(f),
            None => Ok(f64::NAN),
        };
        f.map_err(|error| self.overflow_error(error.message()))
    }
}

/// Whether floats know the operator.
fn is_float_op(op: BinaryOp) -> bool {
    !matches!(
        op,
        BinaryOp::MatMul
            | BinaryOp::LShift
            | BinaryOp::RShift
            | BinaryOp::And
            | BinaryOp::Or
            | BinaryOp::Xor
    )
}

fn shifted_left(x: i64, count: i64) -> Option<i64> {
    if count > 62 {
        return None;
    }
    let n = x << count;
    (n >> count == x).then_some(n)
}
