//! Arithmetic of int, bool and float, mixed as CPython mixes them. Takes the
//! numbers in values (instances of subclasses count as plain ones), gives exact
//! results; sizes are checked before a large int is made. Never calls methods.

use std::borrow::Cow;

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{Pow as _, Signed, ToPrimitive, Zero};

use super::number::BinaryOp;
use crate::heap::{Heap, Kind};
use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::object::exception::Exception;
use crate::object::number::{Big, FloatBox};
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
                _ => Some(x.div_floor(&y)),
            },
            BinaryOp::Mod => match y {
                0 => return Err(self.zero_division("integer modulo by zero")),
                _ => Some(x.mod_floor(&y)),
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
                    BinaryOp::FloorDiv => x.div_floor(&y),
                    BinaryOp::Mod => x.mod_floor(&y),
                    _ => {
                        let (q, r) = x.div_mod_floor(&y);
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

    fn int_power(&mut self, a: Value, b: Value) -> PyResult {
        let Some(base) = self.heap.as_big(a) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let exponent = match self.heap.num(b) {
            Some(Num::Int(y)) if y >= 0 => y as u64,
            Some(Num::Big(y)) if y.sign() != Sign::Minus => y.to_u64().unwrap_or(u64::MAX),
            _ => {
                let (x, y) = (self.int_to_float(a)?, self.int_to_float(b)?);
                return Ok(self
                    .float_binary(BinaryOp::Pow, x, y)?
                    .unwrap_or(Value::NOT_IMPLEMENTED));
            }
        };
        if base.magnitude().bits() <= 1 {
            // 0, 1 and -1: the exponent may be of any size.
            let odd = self.heap.big_ref(b).is_some_and(|y| y.is_odd());
            let n = match base.sign() {
                Sign::NoSign => (exponent == 0) as i64,
                Sign::Minus if odd => -1,
                _ => 1,
            };
            return Ok(Value::small(n));
        }
        let bits = base.bits().saturating_mul(exponent);
        self.check_size((bits / 8).min(usize::MAX as u64) as usize)?;
        let n = base.pow(u32::try_from(exponent).unwrap_or(u32::MAX));
        Ok(self.heap.big(n))
    }

    fn int_lshift(&mut self, a: Value, b: Value) -> PyResult {
        let Some(x) = self.heap.as_big(a) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let count = match self.heap.num(b) {
            Some(Num::Int(y)) if y >= 0 => Some(y as u64),
            Some(Num::Big(y)) if y.sign() != Sign::Minus => {
                y.to_u64().filter(|&y| y <= i64::MAX as u64)
            }
            _ => return Err(self.value_error("negative shift count")),
        };
        if x.is_zero() {
            return Ok(Value::small(0));
        }
        let Some(count) = count else {
            return Err(self.overflow_error("too many digits in integer"));
        };
        self.check_size(((x.bits().saturating_add(count)) / 8) as usize)?;
        Ok(self.heap.big(x << count))
    }

    fn int_rshift(&mut self, a: Value, b: Value) -> PyResult {
        let Some(x) = self.heap.as_big(a) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        let count = match self.heap.num(b) {
            Some(Num::Int(y)) if y >= 0 => y as u64,
            Some(Num::Big(y)) if y.sign() != Sign::Minus => y.to_u64().unwrap_or(u64::MAX),
            _ => return Err(self.value_error("negative shift count")),
        };
        if count >= x.bits() {
            return Ok(Value::small(-(x.is_negative() as i64)));
        }
        Ok(self.heap.big(x >> count))
    }

    fn int_true_div(&mut self, a: Value, b: Value) -> PyResult {
        let (Some(x), Some(y)) = (self.heap.big_ref(a), self.heap.big_ref(b)) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        if y.is_zero() {
            return Err(self.zero_division("division by zero"));
        }
        let quotient = true_div(&x, &y);
        match quotient {
            Some(f) => Ok(self.heap.float(f)),
            None => Err(self.overflow_error("integer division result too large for a float")),
        }
    }

    /// `pow(a, b, m)` of ints.
    pub(crate) fn int_power_mod(&mut self, a: Value, b: Value, m: Value) -> PyResult {
        let (Some(base), Some(exponent), Some(modulus)) = (
            self.heap.as_big(a),
            self.heap.as_big(b),
            self.heap.as_big(m),
        ) else {
            return Ok(Value::NOT_IMPLEMENTED);
        };
        if modulus.is_zero() {
            return Err(self.value_error("pow() 3rd argument cannot be 0"));
        }
        if exponent.is_negative() {
            let Some(inverse) = base.modinv(&modulus) else {
                return Err(self.value_error("base is not invertible for the given modulus"));
            };
            let n = inverse.modpow(&-exponent, &modulus);
            return Ok(self.heap.big(n));
        }
        let n = base.modpow(&exponent, &modulus);
        Ok(self.heap.big(n))
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
            BinaryOp::FloorDiv => float_div_mod(x, y).0,
            BinaryOp::Mod if y == 0.0 => return Err(self.zero_division("float modulo by zero")),
            BinaryOp::Mod => float_div_mod(x, y).1,
            BinaryOp::DivMod if y == 0.0 => return Err(self.zero_division("float divmod()")),
            BinaryOp::DivMod => {
                let (q, r) = float_div_mod(x, y);
                let (q, r) = (self.heap.float(q), self.heap.float(r));
                return Ok(Some(self.heap.tuple(&[q, r])));
            }
            BinaryOp::Pow => self.float_power(x, y)?,
            _ => return Ok(None),
        };
        Ok(Some(self.heap.float(f)))
    }

    fn float_power(&mut self, x: f64, y: f64) -> PyResult<f64> {
        // CPython 3.13 floatobject.c float_pow sorts these cases out before it
        // asks the C library.
        if y == 0.0 || x == 1.0 {
            return Ok(1.0);
        }
        if x.is_nan() || y.is_nan() {
            return Ok(f64::NAN);
        }
        if x == 0.0 && y < 0.0 && y.is_finite() {
            return Err(self.zero_division("0.0 cannot be raised to a negative power"));
        }
        if x == 0.0 && y == f64::NEG_INFINITY {
            return Ok(f64::INFINITY);
        }
        if x.is_finite() && x < 0.0 && y.is_finite() && y != y.floor() {
            return Err(self.unsupported("complex numbers are not part of the language: a negative number to a fractional power"));
        }
        let f = x.powf(y);
        if f.is_infinite() && x.is_finite() && y.is_finite() {
            return Err(self.range_error());
        }
        Ok(f)
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
            Some(Num::Int(n)) => n as f64,
            Some(Num::Big(n)) => n.to_f64().unwrap_or(f64::INFINITY),
            Some(Num::Float(f)) => return Ok(f),
            None => f64::NAN,
        };
        if f.is_infinite() {
            return Err(self.overflow_error("int too large to convert to float"));
        }
        Ok(f)
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

/// `divmod` of floats, `y` not 0.
pub fn float_div_mod(x: f64, y: f64) -> (f64, f64) {
    // CPython 3.13 floatobject.c _float_div_mod: the remainder is exact, the
    // quotient is rounded to the nearest integer that fits it.
    let mut remainder = x % y;
    let mut quotient = (x - remainder) / y;
    if remainder == 0.0 {
        remainder = 0f64.copysign(y);
    } else if (y < 0.0) != (remainder < 0.0) {
        remainder += y;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return (0f64.copysign(x / y), remainder);
    }
    let floor = quotient.floor();
    (
        if quotient - floor > 0.5 {
            floor + 1.0
        } else {
            floor
        },
        remainder,
    )
}

/// `x / y` rounded once, to the nearest float, ties to even; None when it is
/// too large. `y` is not 0.
pub fn true_div(x: &BigInt, y: &BigInt) -> Option<f64> {
    if x.is_zero() {
        return Some(if y.is_negative() { -0.0 } else { 0.0 });
    }
    let negative = x.is_negative() != y.is_negative();
    let (x, y) = (x.magnitude(), y.magnitude());
    // A quotient of 66 or 67 bits, its lowest bit sticky.
    let shift = 66 - (x.bits() as i64 - y.bits() as i64);
    let (quotient, remainder) = if shift >= 0 {
        (x << shift as u64).div_rem(y)
    } else {
        x.div_rem(&(y << (-shift) as u64))
    };
    let mut bits = quotient.to_u128()?;
    bits |= !remainder.is_zero() as u128;
    let exponent = (128 - bits.leading_zeros()) as i64 - shift;
    if exponent > 1024 {
        return None;
    }
    if exponent < -1080 {
        return Some(if negative { -0.0 } else { 0.0 });
    }
    // The weight of the float's lowest bit; below it are `drop` bits to round.
    let lowest = (exponent - 53).max(-1074);
    let drop = (lowest + shift).min(127) as u32;
    let (kept, dropped, half) = (bits >> drop, bits & ((1 << drop) - 1), 1u128 << (drop - 1));
    let rounded = kept + (dropped > half || dropped == half && kept & 1 == 1) as u128;
    let f = scaled(rounded as f64, lowest as i32);
    if f.is_infinite() {
        return None;
    }
    Some(if negative { -f } else { f })
}

/// `f * 2**exponent` in two steps, so that neither factor leaves the range.
fn scaled(f: f64, exponent: i32) -> f64 {
    let half = exponent / 2;
    f * 2f64.powi(half) * 2f64.powi(exponent - half)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn big(text: &str) -> BigInt {
        text.parse().expect("a number")
    }

    #[test]
    fn true_division_rounds_once() {
        assert_eq!(true_div(&big("1"), &big("3")), Some(1.0 / 3.0));
        assert_eq!(true_div(&big("-7"), &big("2")), Some(-3.5));
        assert_eq!(
            true_div(&BigInt::from(10).pow(400u32), &BigInt::from(10).pow(399u32)),
            Some(10.0)
        );
        assert_eq!(true_div(&BigInt::from(10).pow(400u32), &big("1")), None);
        assert_eq!(
            true_div(&big("1"), &(BigInt::from(1) << 1074u32)),
            Some(5e-324)
        );
        assert_eq!(
            true_div(&big("1"), &(BigInt::from(1) << 1075u32)),
            Some(0.0)
        );
        assert_eq!(
            true_div(&big("3"), &(BigInt::from(1) << 1076u32)),
            Some(5e-324)
        );
        assert_eq!(
            true_div(&big("9007199254740993"), &big("1")),
            Some(9007199254740992.0)
        );
        assert_eq!(
            true_div(&big("9007199254740993000001"), &big("1000000")),
            Some(9007199254740994.0)
        );
    }

    #[test]
    fn float_division_floors() {
        assert_eq!(float_div_mod(7.0, -2.0), (-4.0, -1.0));
        assert_eq!(float_div_mod(-7.5, 2.0), (-4.0, 0.5));
        assert_eq!(float_div_mod(-1.0, 0.1), (-10.0, 0.09999999999999995));
    }
}
