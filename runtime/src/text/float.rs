//! Arithmetic and text of float as CPython 3.13 has them. Takes and gives f64,
//! BigInt and strings; every conversion is correctly rounded. Errors are enums
//! whose `message` is CPython's text.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_traits::{FromPrimitive, One, Zero};

use super::pystr::{PyStr, Units};
use super::unicode;

/// More digits after the point than any f64 has (1074).
const ALL_DIGITS: usize = 1100;

/// Decimal digits without point or sign; the value is `0.digits * 10**point`.
struct Decimal {
    digits: String,
    point: i32,
}

impl Decimal {
    /// The float that the digits stand for.
    fn value(&self) -> f64 {
        let text = format!("0.{}e{}", self.digits, self.point);
        text.parse()
            .expect("digits, a point and an exponent are a float")
    }
}

/// Reads back what `{:e}` printed of a positive finite number.
fn from_scientific(text: &str) -> Decimal {
    let (mantissa, exponent) = text.split_once('e').expect("{:e} prints an exponent");
    let exponent: i32 = exponent.parse().expect("{:e} prints a decimal exponent");
    let digits = mantissa.chars().filter(|&c| c != '.').collect();
    Decimal {
        digits,
        point: exponent + 1,
    }
}

/// The shortest digits that read back as the same number; of two that are as near, the even ones.
fn shortest(value: f64) -> Decimal {
    let decimal = from_scientific(&format!("{value:e}"));
    if is_between(value, &decimal) {
        let even = significant(value, decimal.digits.len());
        // Below a power of two the floats are twice as near: the text there may be another's.
        if even.value() == value {
            return even;
        }
    }
    decimal
}

/// Whether a number stands in the middle between two texts of as many digits: it has one binary
/// digit more after the point than they have decimal ones, and no other has.
fn is_between(value: f64, decimal: &Decimal) -> bool {
    let n_places = decimal.digits.len() as i64 - i64::from(decimal.point);
    // Such numbers have at most 53 bits, of which some are before the point.
    if !(1..=52).contains(&n_places) {
        return false;
    }
    let scaled = value * 2f64.powi(n_places as i32 + 1);
    scaled % 2.0 == 1.0
}

/// The number correctly rounded to `count >= 1` significant digits.
fn significant(value: f64, count: usize) -> Decimal {
    let mut decimal = from_scientific(&format!("{:.*e}", (count - 1).min(ALL_DIGITS), value));
    pad(&mut decimal.digits, count);
    decimal
}

fn pad(digits: &mut String, count: usize) {
    digits.extend(std::iter::repeat_n('0', count.saturating_sub(digits.len())));
}

/// Digits after the point, correctly rounded, as text with a point.
fn fixed(value: f64, places: usize) -> String {
    let mut text = format!("{:.*}", places.min(ALL_DIGITS), value);
    text.extend(std::iter::repeat_n('0', places.saturating_sub(ALL_DIGITS)));
    text
}

/// How a float is written: the `type` of a format specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `e`: with an exponent.
    Exponent,
    /// `f`: without one.
    Fixed,
    /// `g`: whichever is shorter; trailing zeros go.
    General,
    /// As `g`, but with a digit after the point: what a precision without a
    /// type asks for.
    GeneralPoint,
    /// `repr`: as many digits as needed, with a digit after the point.
    Repr,
    /// As `repr` but without the forced `.0`.
    Shortest,
}

/// `repr()` of a float.
///
/// ```
/// use lockstep_runtime::text::float::repr;
/// assert_eq!(repr(0.1 + 0.2), "0.30000000000000004");
/// assert_eq!(repr(1e16), "1e+16");
/// assert_eq!(repr(-0.0), "-0.0");
/// ```
pub fn repr(value: f64) -> String {
    format(value, Style::Repr, 0, false)
}

/// The same as a str.
pub fn repr_text(value: f64) -> PyStr {
    super::spec::quick::short_repr(value).unwrap_or_else(|| repr(value).into())
}

/// The text of a float with a leading `-` where it is negative. `alternate`
/// keeps the point and the zeros (`#`). The caller has limited the precision.
pub fn format(value: f64, style: Style, precision: usize, alternate: bool) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let value = value.abs();
    if value.is_infinite() {
        return format!("{sign}inf");
    }
    let body = match style {
        Style::Fixed => {
            let mut text = fixed(value, precision);
            if alternate && precision == 0 {
                text.push('.');
            }
            text
        }
        Style::Exponent => {
            let decimal = significant(value, precision + 1);
            scientific(&decimal.digits, decimal.point - 1, alternate)
        }
        Style::General | Style::GeneralPoint => {
            let precision = precision.max(1);
            let mut decimal = significant(value, precision);
            if !alternate {
                let kept = decimal.digits.trim_end_matches('0').len().max(1);
                decimal.digits.truncate(kept);
            }
            let dot_0 = style == Style::GeneralPoint;
            let last = precision as i64 - i64::from(dot_0);
            let uses_exponent = decimal.point <= -4 || i64::from(decimal.point) > last;
            either(&decimal, uses_exponent, dot_0, alternate)
        }
        Style::Repr | Style::Shortest => {
            let decimal = shortest(value);
            let uses_exponent = decimal.point <= -4 || decimal.point > 16;
            either(&decimal, uses_exponent, style == Style::Repr, alternate)
        }
    };
    format!("{sign}{body}")
}

fn either(decimal: &Decimal, uses_exponent: bool, dot_0: bool, alternate: bool) -> String {
    if uses_exponent {
        return scientific(&decimal.digits, decimal.point - 1, alternate);
    }
    let digits = &decimal.digits;
    let (mut whole, mut rest) = (String::new(), String::new());
    match usize::try_from(decimal.point) {
        Err(_) | Ok(0) => {
            whole.push('0');
            pad(&mut rest, decimal.point.unsigned_abs() as usize);
            rest.push_str(digits);
        }
        Ok(point) if point >= digits.len() => {
            whole.push_str(digits);
            pad(&mut whole, point);
        }
        Ok(point) => {
            whole.push_str(&digits[..point]);
            rest.push_str(&digits[point..]);
        }
    }
    if rest.is_empty() && dot_0 {
        rest.push('0');
    }
    if rest.is_empty() && !alternate {
        whole
    } else {
        format!("{whole}.{rest}")
    }
}

fn scientific(digits: &str, exponent: i32, alternate: bool) -> String {
    let (first, rest) = digits.split_at(1);
    let dot = if rest.is_empty() && !alternate {
        ""
    } else {
        "."
    };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{dot}{rest}e{sign}{:02}", exponent.unsigned_abs())
}

/// `float(text)` where the text is an ASCII number with nothing around or within
/// it. None: `parse` knows.
pub fn parse_plain(text: &PyStr) -> Option<f64> {
    let text = text.read();
    let Units::Latin1(units) = text.units() else {
        return None;
    };
    let plain = |b: &u8| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    if !units.iter().all(plain) {
        return None;
    }
    std::str::from_utf8(units).ok()?.parse().ok()
}

/// `float(text)`: None where CPython says "could not convert string to float".
pub fn parse(text: &PyStr) -> Option<f64> {
    if let Some(f) = parse_plain(text) {
        return Some(f);
    }
    let mut ascii = String::with_capacity(text.len());
    for cp in text.chars() {
        match unicode::decimal_value(cp) {
            Some(digit) => ascii.push((b'0' + digit) as char),
            // Of ASCII only some are blanks, and the separators are none.
            None if cp < 128 => ascii.push(cp as u8 as char),
            None if unicode::is_space(cp) => ascii.push(' '),
            None => return None,
        }
    }
    parse_ascii(&ascii)
}

/// The same for ASCII text, with ASCII whitespace around it.
pub fn parse_ascii(text: &str) -> Option<f64> {
    let text = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let plain = without_underscores(text)?;
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let word = ["inf", "infinity", "nan"]
        .iter()
        .any(|w| unsigned.eq_ignore_ascii_case(w));
    let number = unsigned
        .bytes()
        .all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if word || number {
        plain.parse().ok()
    } else {
        None
    }
}

/// Takes the underscores out; None unless each stands between two digits.
fn without_underscores(text: &str) -> Option<std::borrow::Cow<'_, str>> {
    if !text.contains('_') {
        return Some(text.into());
    }
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let fine =
        (0..bytes.len()).all(|at| bytes[at] != b'_' || (at > 0 && digit(at - 1) && digit(at + 1)));
    fine.then(|| text.replace('_', "").into())
}

/// A finite non-negative number as `significand * 2**exponent`.
fn decode(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    if exponent == 0 {
        (fraction, -1074)
    } else {
        (fraction | 1 << 52, exponent - 1075)
    }
}

/// `float.hex`.
pub fn hex(value: f64) -> String {
    if !value.is_finite() {
        return repr(value);
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let (significand, exponent) = decode(value.abs());
    let (whole, fraction) = (significand >> 52, significand & ((1 << 52) - 1));
    format!("{sign}0x{whole}.{fraction:013x}p{:+}", exponent + 52)
}

/// Why `float.fromhex` refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HexError {
    /// ValueError.
    Invalid,
    /// OverflowError.
    TooLarge,
}

impl HexError {
    pub fn message(self) -> &'static str {
        match self {
            HexError::Invalid => "invalid hexadecimal floating-point string",
            HexError::TooLarge => "hexadecimal value too large to represent as a float",
        }
    }
}

/// `float.fromhex`.
///
/// # Errors
/// The text is no hexadecimal float, or one that is too large.
pub fn from_hex(text: &str) -> Result<f64, HexError> {
    let text = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let negative = text.starts_with('-');
    let body = text
        .strip_prefix(['+', '-'])
        .unwrap_or(text)
        .to_ascii_lowercase();
    let value = match body.as_str() {
        "inf" | "infinity" => f64::INFINITY,
        "nan" => f64::NAN,
        _ => from_hex_digits(body.strip_prefix("0x").unwrap_or(&body))?,
    };
    Ok(if negative { -value } else { value })
}

/// Reads `digits.digits` with an exponent. As in CPython a number that is too
/// large is that even where what follows it is wrong.
fn from_hex_digits(body: &str) -> Result<f64, HexError> {
    let hex_end = |text: &str| {
        text.find(|c: char| !c.is_ascii_hexdigit())
            .unwrap_or(text.len())
    };
    let (whole, rest) = body.split_at(hex_end(body));
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(hex_end(rest)),
        None => ("", rest),
    };
    let (exponent, rest) = match rest.strip_prefix('p') {
        Some(rest) => parse_exponent(rest)?,
        None => (0, rest),
    };
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() {
        return Err(HexError::Invalid);
    }
    let significand = BigInt::parse_bytes(digits.as_bytes(), 16).unwrap_or_default();
    let exponent = exponent.saturating_sub(4 * fraction.len() as i64);
    let top = exponent.saturating_add(significand.bits() as i64);
    let value = if significand.is_zero() || top < -1080 {
        0.0
    } else if top > 1024 {
        return Err(HexError::TooLarge);
    } else {
        let power = BigInt::one() << exponent.unsigned_abs();
        if exponent >= 0 {
            super::int::to_f64(&(significand * power)).map_err(|_| HexError::TooLarge)?
        } else {
            super::int::true_divide(&significand, &power).map_err(|_| HexError::TooLarge)?
        }
    };
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(HexError::Invalid)
    }
}

/// Reads the exponent in front of a text; gives it and what follows.
fn parse_exponent(text: &str) -> Result<(i64, &str), HexError> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(unsigned.len());
    let (digits, rest) = unsigned.split_at(end);
    if digits.is_empty() {
        return Err(HexError::Invalid);
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(i64::MAX / 4);
    Ok((if text.starts_with('-') { -size } else { size }, rest))
}

/// A NaN or an infinity where an integer is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFinite {
    /// ValueError.
    Nan,
    /// OverflowError.
    Infinity,
}

impl NotFinite {
    /// The message of a conversion to `what`: "integer" or "integer ratio".
    pub fn message(self, what: &str) -> String {
        match self {
            NotFinite::Nan => format!("cannot convert float NaN to {what}"),
            NotFinite::Infinity => format!("cannot convert float infinity to {what}"),
        }
    }

    /// The message of `float.as_integer_ratio`.
    pub fn ratio_message(self) -> &'static str {
        match self {
            NotFinite::Nan => "cannot convert NaN to integer ratio",
            NotFinite::Infinity => "cannot convert Infinity to integer ratio",
        }
    }
}

fn finite(value: f64) -> Result<f64, NotFinite> {
    if value.is_nan() {
        Err(NotFinite::Nan)
    } else if value.is_infinite() {
        Err(NotFinite::Infinity)
    } else {
        Ok(value)
    }
}

/// `int(value)`: towards zero.
///
/// # Errors
/// The value is no number that an int can be.
pub fn to_int(value: f64) -> Result<BigInt, NotFinite> {
    let value = finite(value)?;
    Ok(BigInt::from_f64(value.trunc()).expect("a finite float has an integer part"))
}

/// `float.as_integer_ratio`: numerator and denominator in lowest terms.
///
/// # Errors
/// The value is a NaN or an infinity.
pub fn as_integer_ratio(value: f64) -> Result<(BigInt, BigInt), NotFinite> {
    let (significand, exponent) = decode(finite(value)?.abs());
    if significand == 0 {
        return Ok((BigInt::ZERO, BigInt::one()));
    }
    let zeros = significand.trailing_zeros();
    let (significand, exponent) = (BigInt::from(significand >> zeros), exponent + zeros as i32);
    let power = BigInt::one() << exponent.unsigned_abs();
    let (numerator, denominator) = if exponent >= 0 {
        (significand * power, BigInt::one())
    } else {
        (significand, power)
    };
    Ok((
        if value < 0.0 { -numerator } else { numerator },
        denominator,
    ))
}

/// The rounded value is too large: OverflowError, "rounded value too large to
/// represent".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundOverflow;

/// `round(value, places)`, correctly rounded, ties to even.
///
/// # Errors
/// The result would be infinite.
pub fn round(value: f64, places: i64) -> Result<f64, RoundOverflow> {
    if !value.is_finite() || value == 0.0 || places > 323 {
        return Ok(value);
    }
    if places < -308 {
        return Ok(0.0f64.copysign(value));
    }
    let text = if places >= 0 {
        fixed(value.abs(), places as usize)
    } else {
        round_up_left(value.abs(), places.unsigned_abs() as i32)
    };
    let rounded: f64 = text.parse().expect("digits are a number");
    if rounded.is_infinite() {
        Err(RoundOverflow)
    } else {
        Ok(rounded.copysign(value))
    }
}

/// Rounds to a multiple of `10**zeros`, as text.
fn round_up_left(value: f64, zeros: i32) -> String {
    let point = from_scientific(&format!("{value:.*e}", ALL_DIGITS)).point;
    match point - zeros {
        kept @ 1.. => {
            let decimal = significant(value, kept as usize);
            format!("0.{}e{}", decimal.digits, decimal.point)
        }
        0 => {
            // All digits go: the answer is 0 or 10**zeros, by the exact half.
            let half: BigInt = BigInt::from(5) * BigInt::from(10).pow(zeros as u32 - 1);
            match compare_big(value, &half) {
                Some(Ordering::Greater) => format!("1e{zeros}"),
                _ => "0".to_owned(),
            }
        }
        _ => "0".to_owned(),
    }
}

/// `value <=> other`, exactly; None if the value is a NaN.
pub fn compare_i64(value: f64, other: i64) -> Option<Ordering> {
    if value.is_nan() {
        return None;
    }
    // 2**63 is a float; beyond it every float is beyond every i64.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if value >= LIMIT {
        return Some(Ordering::Greater);
    }
    if value < -LIMIT {
        return Some(Ordering::Less);
    }
    let whole = value.trunc();
    let order = (whole as i64).cmp(&other);
    Some(order.then_with(|| value.partial_cmp(&whole).expect("neither is a NaN")))
}

/// `value <=> other`, exactly; None if the value is a NaN.
pub fn compare_big(value: f64, other: &BigInt) -> Option<Ordering> {
    if value.is_nan() {
        return None;
    }
    if value.is_infinite() {
        return Some(if value > 0.0 {
            Ordering::Greater
        } else {
            Ordering::Less
        });
    }
    let whole = value.trunc();
    let order = BigInt::from_f64(whole).expect("a finite float").cmp(other);
    Some(order.then_with(|| value.partial_cmp(&whole).expect("neither is a NaN")))
}

/// `divmod(a, b)` for `b != 0`.
pub fn div_mod(a: f64, b: f64) -> (f64, f64) {
    let mut remainder = a % b;
    let mut quotient = (a - remainder) / b;
    if remainder == 0.0 {
        remainder = 0.0f64.copysign(b);
    } else if (b < 0.0) != (remainder < 0.0) {
        remainder += b;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return (0.0f64.copysign(a / b), remainder);
    }
    let mut floor = quotient.floor();
    if quotient - floor > 0.5 {
        floor += 1.0;
    }
    (floor, remainder)
}

/// `a // b` for `b != 0`.
pub fn floor_div(a: f64, b: f64) -> f64 {
    div_mod(a, b).0
}

/// `a % b` for `b != 0`.
pub fn modulo(a: f64, b: f64) -> f64 {
    let remainder = a % b;
    if remainder == 0.0 {
        0.0f64.copysign(b)
    } else if (b < 0.0) != (remainder < 0.0) {
        remainder + b
    } else {
        remainder
    }
}

/// Why a power isn't a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowError {
    /// ZeroDivisionError.
    ZeroToNegative,
    /// The result is complex, which Lockstep refuses.
    Complex,
    /// OverflowError, whose arguments are 34 and this message.
    Overflow,
}

impl PowError {
    pub fn message(self) -> &'static str {
        match self {
            PowError::ZeroToNegative => "0.0 cannot be raised to a negative power",
            PowError::Complex => "a negative number to a fractional power is complex",
            PowError::Overflow => "Numerical result out of range",
        }
    }
}

/// `base ** exponent`.
///
/// # Errors
/// See [`PowError`].
pub fn pow(base: f64, exponent: f64) -> Result<f64, PowError> {
    if exponent == 0.0 || base == 1.0 {
        return Ok(1.0);
    }
    // With its sign: the one that is none.
    if base.is_nan() {
        return Ok(base);
    }
    if exponent.is_nan() {
        return Ok(exponent);
    }
    let odd = exponent.is_finite() && (exponent % 2.0).abs() == 1.0;
    if exponent.is_infinite() {
        let size = base.abs();
        return Ok(if size == 1.0 {
            1.0
        } else if (exponent > 0.0) == (size > 1.0) {
            f64::INFINITY
        } else {
            0.0
        });
    }
    if base.is_infinite() {
        let size = if exponent > 0.0 { f64::INFINITY } else { 0.0 };
        return Ok(if odd { size.copysign(base) } else { size });
    }
    if base == 0.0 {
        return match exponent < 0.0 {
            true => Err(PowError::ZeroToNegative),
            false => Ok(if odd { base } else { 0.0 }),
        };
    }
    if base < 0.0 && exponent != exponent.floor() {
        return Err(PowError::Complex);
    }
    let size = base.abs().powf(exponent);
    if size.is_infinite() {
        return Err(PowError::Overflow);
    }
    Ok(if base < 0.0 && odd { -size } else { size })
}

/// Whether a float is a whole number: `float.is_integer`.
pub fn is_integer(value: f64) -> bool {
    value.is_finite() && value == value.floor()
}

#[cfg(test)]
mod tests;
