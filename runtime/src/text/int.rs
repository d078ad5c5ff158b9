//! Arithmetic and text of int as CPython 3.13 has them, for ints of any size.
//! Takes and gives BigInt, f64, bytes and strings. Results whose size an
//! argument decides are checked against a limit before they are made. Errors
//! are enums whose `message` is CPython's text.

pub mod divide;

use std::borrow::Cow;

use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::pystr::{PyStr, Units};
use super::unicode;

/// `sys.get_int_max_str_digits()` at the start.
pub const MAX_STR_DIGITS: usize = 4300;

/// Below this many digits CPython converts whatever the limit says.
const ALWAYS_DIGITS: usize = 640;

/// Why `int(text, base)` refuses; all are ValueErrors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    BadBase,
    Invalid,
    TooManyDigits { digits: usize, limit: usize },
}

impl ParseError {
    /// CPython's message for a text and the base that the caller gave.
    pub fn message(&self, text: &PyStr, base: i64) -> PyStr {
        match self {
            ParseError::BadBase => "int() base must be >= 2 and <= 36, or 0".into(),
            ParseError::Invalid => {
                let shown = text.repr();
                let shown = shown.slice(0..200);
                PyStr::from(format!("invalid literal for int() with base {base}: ")).concat(&shown)
            }
            ParseError::TooManyDigits { digits, limit } => format!(
                "Exceeds the limit ({limit} digits) for integer string conversion: value has \
                 {digits} digits; use sys.set_int_max_str_digits() to increase the limit"
            )
            .into(),
        }
    }
}

/// Digits that always fit an `i64`.
const SMALL_DIGITS: usize = 18;

/// `int(text)` where the text is a few ASCII digits, perhaps with a sign before
/// them, as most are. None: `parse` knows.
pub fn parse_small(text: &PyStr) -> Option<i64> {
    let text = text.read();
    let Units::Latin1(units) = text.units() else {
        return None;
    };
    let (negative, digits) = match units {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, units),
    };
    if digits.is_empty() || digits.len() > SMALL_DIGITS {
        return None;
    }
    let mut n = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n * 10 + i64::from(digit);
    }
    Some(if negative { -n } else { n })
}

/// `int(text, base)`; base 0 reads the prefix. `limit` is the greatest number
/// of digits for bases that aren't powers of two, 0 for none.
///
/// # Errors
/// The base or the text is wrong, or the text too long.
pub fn parse(text: &PyStr, base: i64, limit: usize) -> Result<BigInt, ParseError> {
    if base != 0 && !(2..=36).contains(&base) {
        return Err(ParseError::BadBase);
    }
    let mut ascii = Vec::with_capacity(text.len());
    for cp in text.chars() {
        ascii.push(match unicode::decimal_value(cp) {
            Some(digit) => b'0' + digit,
            // Of ASCII only some are blanks, and the separators are none.
            None if cp < 128 => cp as u8,
            None if unicode::is_space(cp) => b' ',
            None => return Err(ParseError::Invalid),
        });
    }
    parse_ascii(&ascii, base as u32, limit)
}

/// The same for ASCII bytes with whitespace around them and a valid base.
///
/// # Errors
/// The text is wrong or too long.
pub fn parse_ascii(text: &[u8], base: u32, limit: usize) -> Result<BigInt, ParseError> {
    let text = trim(text);
    let (negative, mut digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let prefixed = match digits {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 0,
    };
    let mut radix = base;
    let mut zeros_only = false;
    if prefixed != 0 && (base == 0 || base == prefixed) {
        radix = prefixed;
        digits = &digits[2..];
        // One underscore may follow the prefix.
        if let [b'_', rest @ ..] = digits {
            digits = rest;
        }
    } else if base == 0 {
        radix = 10;
        zeros_only = digits.first() == Some(&b'0');
    }
    let mut values = Vec::with_capacity(digits.len());
    let mut after_digit = false;
    for &byte in digits {
        match (byte as char).to_digit(radix) {
            Some(value) => {
                values.push(value as u8);
                after_digit = true;
            }
            None if byte == b'_' && after_digit => after_digit = false,
            None => return Err(ParseError::Invalid),
        }
    }
    if !after_digit || (zeros_only && values.iter().any(|&v| v != 0)) {
        return Err(ParseError::Invalid);
    }
    if !radix.is_power_of_two() && limit > 0 && values.len() > limit.max(ALWAYS_DIGITS) {
        return Err(ParseError::TooManyDigits {
            digits: values.len(),
            limit,
        });
    }
    let size = BigUint::from_radix_be(&values, radix).ok_or(ParseError::Invalid)?;
    Ok(BigInt::from_biguint(
        if negative { Sign::Minus } else { Sign::Plus },
        size,
    ))
}

fn trim(mut text: &[u8]) -> &[u8] {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 11 | 12);
    while let [first, rest @ ..] = text
        && space(first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && space(last)
    {
        text = rest;
    }
    text
}

/// The decimal text would have more digits than the limit: a ValueError.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyDigits {
    pub limit: usize,
}

impl TooManyDigits {
    pub fn message(self) -> String {
        format!(
            "Exceeds the limit ({} digits) for integer string conversion; \
             use sys.set_int_max_str_digits() to increase the limit",
            self.limit
        )
    }
}

/// The decimal text of an int; `limit` as for [`parse`].
///
/// # Errors
/// The text would be too long.
pub fn to_decimal(value: &BigInt, limit: usize) -> Result<String, TooManyDigits> {
    let allowed = if limit == 0 {
        usize::MAX
    } else {
        limit.max(ALWAYS_DIGITS)
    };
    // A digit is 3.32 bits, so that far above the limit no text is made.
    if value.bits() as f64 / 3.33 > allowed as f64 + 2.0 {
        return Err(TooManyDigits { limit });
    }
    let text = value.to_string();
    let digits = text.len() - usize::from(value.is_negative());
    if digits > allowed {
        Err(TooManyDigits { limit })
    } else {
        Ok(text)
    }
}

/// The digits of an int's magnitude in base 2, 8 or 16, lower case, unsigned.
pub fn to_power_of_two(value: &BigInt, radix: u32) -> String {
    value.magnitude().to_str_radix(radix)
}

/// A float can't hold the result: OverflowError.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatOverflow {
    Conversion,
    Division,
    /// ZeroDivisionError in fact.
    ByZero,
}

impl FloatOverflow {
    pub fn message(self) -> &'static str {
        match self {
            FloatOverflow::Conversion => "int too large to convert to float",
            FloatOverflow::Division => "integer division result too large for a float",
            FloatOverflow::ByZero => "division by zero",
        }
    }
}

/// `x * 2**exponent` where the result is exact or overflows.
fn scale(x: f64, exponent: i64) -> f64 {
    let mut x = x;
    let mut left = exponent;
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        x *= 2f64.powi(step as i32);
        left -= step;
    }
    x
}

/// `float(value)`, correctly rounded, ties to even.
///
/// # Errors
/// The value is too large.
pub fn to_f64(value: &BigInt) -> Result<f64, FloatOverflow> {
    let bits = value.bits();
    if bits > 1024 {
        return Err(FloatOverflow::Conversion);
    }
    let size = value.magnitude();
    let shift = bits.saturating_sub(64);
    let top: BigUint = size >> shift;
    let mut top = top.to_u64().expect("64 bits are left");
    // What was shifted out decides ties: it lives on in the last bit.
    if shift > 0 && size.trailing_zeros().is_some_and(|zeros| zeros < shift) {
        top |= 1;
    }
    let result = scale(top as f64, shift as i64);
    if result.is_infinite() {
        return Err(FloatOverflow::Conversion);
    }
    Ok(if value.is_negative() { -result } else { result })
}

/// `a / b`, correctly rounded, ties to even.
///
/// # Errors
/// `b` is zero or the quotient too large.
pub fn true_divide(a: &BigInt, b: &BigInt) -> Result<f64, FloatOverflow> {
    if b.is_zero() {
        return Err(FloatOverflow::ByZero);
    }
    let negative = a.is_negative() != b.is_negative();
    let sign = |x: f64| if negative { -x } else { x };
    if a.is_zero() {
        return Ok(sign(0.0));
    }
    let excess = a.bits() as i64 - b.bits() as i64;
    if excess > 1024 {
        return Err(FloatOverflow::Division);
    }
    if excess < -1076 {
        return Ok(sign(0.0));
    }
    // quotient * 2**shift with 55 to 57 bits, fewer where it is subnormal: at
    // least two bits more than the float keeps.
    let shift = excess.max(-1021) - 55;
    let (quotient, rest) = if shift >= 0 {
        a.magnitude().div_rem(&(b.magnitude() << shift as u64))
    } else {
        (a.magnitude() << shift.unsigned_abs()).div_rem(b.magnitude())
    };
    let mut quotient = quotient.to_u64().expect("at most 57 bits");
    if !rest.is_zero() {
        quotient |= 1;
    }
    let bits = 64 - i64::from(quotient.leading_zeros());
    let drop = (bits - 53).max(-1074 - shift).max(0) as u32;
    let half = 1u64 << drop >> 1;
    let low = quotient & ((1 << drop) - 1);
    quotient >>= drop;
    if low > half || (low == half && half > 0 && quotient & 1 == 1) {
        quotient += 1;
    }
    let result = scale(quotient as f64, shift + i64::from(drop));
    if result.is_infinite() {
        Err(FloatOverflow::Division)
    } else {
        Ok(sign(result))
    }
}

/// `a // b` and `a % b` for `b != 0`.
pub fn div_mod(a: &BigInt, b: &BigInt) -> (BigInt, BigInt) {
    a.div_mod_floor(b)
}

/// `a // b` for `b != 0`; None where the result doesn't fit.
#[inline]
pub fn floor_div_i64(a: i64, b: i64) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) {
        quotient - 1
    } else {
        quotient
    })
}

/// `a % b` for `b != 0`.
#[inline]
pub fn modulo_i64(a: i64, b: i64) -> i64 {
    let rest = a.wrapping_rem(b);
    if rest != 0 && (rest < 0) != (b < 0) {
        rest + b
    } else {
        rest
    }
}

/// Why a shift or a power isn't made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeError {
    /// ValueError: "negative shift count".
    NegativeShift,
    /// The result would have more bits than the caller allows: MemoryError.
    TooLarge,
}

/// `value << count`.
///
/// # Errors
/// The count is negative, or the result longer than `max_bits`.
pub fn shift_left(value: &BigInt, count: &BigInt, max_bits: u64) -> Result<BigInt, SizeError> {
    if count.is_negative() {
        return Err(SizeError::NegativeShift);
    }
    if value.is_zero() {
        return Ok(BigInt::ZERO);
    }
    let count = count
        .to_u64()
        .filter(|&n| n.saturating_add(value.bits()) <= max_bits);
    Ok(value << count.ok_or(SizeError::TooLarge)?)
}

/// `value >> count`, towards minus infinity.
///
/// # Errors
/// The count is negative.
pub fn shift_right(value: &BigInt, count: &BigInt) -> Result<BigInt, SizeError> {
    if count.is_negative() {
        return Err(SizeError::NegativeShift);
    }
    Ok(match count.to_u64() {
        Some(count) if count < value.bits() => value >> count,
        _ if value.is_negative() => BigInt::from(-1),
        _ => BigInt::ZERO,
    })
}

/// `base ** exponent` for `exponent >= 0`.
///
/// # Errors
/// The result would be longer than `max_bits`.
pub fn pow(base: &BigInt, exponent: &BigInt, max_bits: u64) -> Result<BigInt, SizeError> {
    if exponent.is_zero() {
        return Ok(BigInt::one());
    }
    if base.bits() <= 1 {
        let flips = base.is_negative() && exponent.is_even();
        return Ok(if flips { BigInt::one() } else { base.clone() });
    }
    let fits = |&n: &u32| u64::from(n).saturating_mul(base.bits() - 1) <= max_bits;
    let exponent = exponent.to_u32().filter(fits).ok_or(SizeError::TooLarge)?;
    Ok(base.pow(exponent))
}

/// Why `pow(base, exponent, modulus)` refuses; both are ValueErrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowModError {
    ZeroModulus,
    NotInvertible,
}

impl PowModError {
    pub fn message(self) -> &'static str {
        match self {
            PowModError::ZeroModulus => "pow() 3rd argument cannot be 0",
            PowModError::NotInvertible => "base is not invertible for the given modulus",
        }
    }
}

/// `pow(base, exponent, modulus)`; the result has the modulus's sign.
///
/// # Errors
/// See [`PowModError`].
pub fn pow_mod(base: &BigInt, exponent: &BigInt, modulus: &BigInt) -> Result<BigInt, PowModError> {
    if modulus.is_zero() {
        return Err(PowModError::ZeroModulus);
    }
    let size = modulus.abs();
    let mut base = Cow::Borrowed(base);
    if exponent.is_negative() {
        let extended = base.mod_floor(&size).extended_gcd(&size);
        if !extended.gcd.is_one() {
            return Err(PowModError::NotInvertible);
        }
        base = Cow::Owned(extended.x);
    }
    let result = base.mod_floor(&size).modpow(&exponent.abs(), &size);
    Ok(result.mod_floor(modulus))
}

/// `math.isqrt` for a value that isn't negative.
pub fn isqrt(value: &BigInt) -> BigInt {
    value.magnitude().sqrt().into()
}

/// `int.bit_length`.
pub fn bit_length(value: &BigInt) -> u64 {
    value.bits()
}

/// `int.bit_count`.
pub fn bit_count(value: &BigInt) -> u64 {
    value.magnitude().count_ones()
}

/// Why `int.to_bytes` refuses; both are OverflowErrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BytesError {
    NegativeUnsigned,
    TooBig,
}

impl BytesError {
    pub fn message(self) -> &'static str {
        match self {
            BytesError::NegativeUnsigned => "can't convert negative int to unsigned",
            BytesError::TooBig => "int too big to convert",
        }
    }
}

/// `int.to_bytes`. The caller has limited the length.
///
/// # Errors
/// See [`BytesError`].
pub fn to_bytes(
    value: &BigInt,
    len: usize,
    big_endian: bool,
    signed: bool,
) -> Result<Vec<u8>, BytesError> {
    if value.is_negative() && !signed {
        return Err(BytesError::NegativeUnsigned);
    }
    let mut bytes = if value.is_zero() {
        Vec::new()
    } else if signed {
        value.to_signed_bytes_le()
    } else {
        value.magnitude().to_bytes_le()
    };
    // CPython 3.13 longobject.c _PyLong_AsByteArray: -1 is all sign, and fits in no bytes.
    if len == 0 && *value == BigInt::from(-1) {
        return Ok(Vec::new());
    }
    if bytes.len() > len {
        return Err(BytesError::TooBig);
    }
    bytes.resize(len, if value.is_negative() { 0xff } else { 0 });
    if big_endian {
        bytes.reverse();
    }
    Ok(bytes)
}

/// `int.from_bytes`.
pub fn from_bytes(bytes: &[u8], big_endian: bool, signed: bool) -> BigInt {
    match (big_endian, signed) {
        (true, true) => BigInt::from_signed_bytes_be(bytes),
        (false, true) => BigInt::from_signed_bytes_le(bytes),
        (true, false) => BigInt::from_bytes_be(Sign::Plus, bytes),
        (false, false) => BigInt::from_bytes_le(Sign::Plus, bytes),
    }
}

/// `round(value, -zeros)`: to a multiple of `10**zeros`, ties to even.
pub fn round_to_ten_power(value: &BigInt, zeros: &BigInt) -> BigInt {
    // 10**n has more than 3n bits: beyond the value's size all digits go.
    let Some(zeros) = zeros
        .to_u32()
        .filter(|&n| u64::from(n) * 3 <= value.bits() + 3)
    else {
        return BigInt::ZERO;
    };
    let unit = BigInt::from(10).pow(zeros);
    let (quotient, rest) = value.div_mod_floor(&unit);
    let twice: BigInt = rest * 2;
    let up = twice > unit || (twice == unit && quotient.is_odd());
    (if up { quotient + 1 } else { quotient }) * unit
}

#[cfg(test)]
mod tests;
