//! The format specification mini-language: what stands after the colon of a
//! field, `[[fill]align][sign][z][#][0][width][,|_][.precision][type]`. Takes
//! a plain str, int or float and the specification, gives the text. An empty
//! specification is the caller's: it means `str(value)`.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};

use super::float::{self, Style};
use super::int;
use super::pystr::{PyStr, StrBuilder};
use super::unicode;

/// Why a value can't be formatted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecError {
    /// ValueError with this message.
    Value(PyStr),
    /// OverflowError with this message.
    Overflow(&'static str),
    /// The text would be longer than the limit: MemoryError.
    Memory,
}

impl SpecError {
    fn value(message: impl Into<PyStr>) -> Self {
        SpecError::Value(message.into())
    }
}

/// The sizes that a caller allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Code points of a result.
    pub max_len: usize,
    /// Decimal digits of an int, 0 for any number.
    pub int_digits: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_len: isize::MAX as usize,
            int_digits: int::MAX_STR_DIGITS,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    Left,
    Right,
    Center,
    /// Between sign and digits.
    Inside,
}

fn align_of(cp: u32) -> Option<Align> {
    Some(match char::from_u32(cp)? {
        '<' => Align::Left,
        '>' => Align::Right,
        '^' => Align::Center,
        '=' => Align::Inside,
        _ => return None,
    })
}

/// A parsed specification.
#[derive(Clone, Debug)]
struct Spec {
    fill: u32,
    align: Align,
    /// `+`, `-` or a space; 0 if none is given.
    sign: u8,
    no_negative_zero: bool,
    alternate: bool,
    width: usize,
    /// `,` or `_`; 0 if none is given.
    separator: u8,
    precision: Option<usize>,
    /// The presentation type; 0 where a float has none.
    kind: u32,
}

/// A value whose type decides defaults and names itself in messages.
#[derive(Clone, Copy)]
struct Subject<'a> {
    type_name: &'a str,
    default_kind: u8,
    default_align: Align,
}

/// A character as CPython's messages show it.
fn shown(cp: u32) -> String {
    match char::from_u32(cp) {
        Some(c @ '!'..='\x7f') => c.to_string(),
        _ => format!("\\x{cp:x}"),
    }
}

/// Reads decimal digits of any script; None where there are none.
pub(super) fn read_number(text: &[u32], at: &mut usize) -> Result<Option<usize>, SpecError> {
    let mut number = None;
    while let Some(digit) = text.get(*at).and_then(|&cp| unicode::decimal_value(cp)) {
        let longer = number
            .unwrap_or(0usize)
            .checked_mul(10)
            .and_then(|n| n.checked_add(digit as usize));
        match longer {
            Some(n) if n <= isize::MAX as usize => number = Some(n),
            _ => return Err(SpecError::value("Too many decimal digits in format string")),
        }
        *at += 1;
    }
    Ok(number)
}

impl Spec {
    fn parse(text: &PyStr, subject: Subject<'_>) -> Result<Spec, SpecError> {
        let cps: Vec<u32> = text.chars().collect();
        let mut at = 0;
        let mut spec = Spec {
            fill: ' ' as u32,
            align: subject.default_align,
            sign: 0,
            no_negative_zero: false,
            alternate: false,
            width: 0,
            separator: 0,
            precision: None,
            kind: subject.default_kind as u32,
        };
        let (mut has_fill, mut has_align) = (false, false);
        if let Some(align) = cps.get(1).and_then(|&cp| align_of(cp)) {
            spec.align = align;
            spec.fill = cps[0];
            (has_fill, has_align, at) = (true, true, 2);
        } else if let Some(align) = cps.first().and_then(|&cp| align_of(cp)) {
            spec.align = align;
            (has_align, at) = (true, 1);
        }
        let take = |at: &mut usize, wanted: &[u8]| {
            let cp = *cps.get(*at)?;
            let byte = u8::try_from(cp).ok().filter(|b| wanted.contains(b))?;
            *at += 1;
            Some(byte)
        };
        spec.sign = take(&mut at, b" +-").unwrap_or(0);
        spec.no_negative_zero = take(&mut at, b"z").is_some();
        spec.alternate = take(&mut at, b"#").is_some();
        if !has_fill && take(&mut at, b"0").is_some() {
            spec.fill = '0' as u32;
            if !has_align && subject.default_align == Align::Right {
                spec.align = Align::Inside;
            }
        }
        spec.width = read_number(&cps, &mut at)?.unwrap_or(0);
        spec.separator = take(&mut at, b",").unwrap_or(0);
        if take(&mut at, b"_").is_some() {
            if spec.separator != 0 {
                return Err(SpecError::value("Cannot specify both ',' and '_'."));
            }
            spec.separator = b'_';
        }
        if spec.separator == b'_' && cps.get(at) == Some(&(',' as u32)) {
            return Err(SpecError::value("Cannot specify both ',' and '_'."));
        }
        if take(&mut at, b".").is_some() {
            spec.precision = read_number(&cps, &mut at)?;
            if spec.precision.is_none() {
                return Err(SpecError::value("Format specifier missing precision"));
            }
        }
        match cps[at..] {
            [] => {}
            [kind] => spec.kind = kind,
            _ => {
                let mut message = StrBuilder::new();
                message.push_str("Invalid format specifier '");
                message.push(text);
                message.push_str(&format!("' for object of type '{}'", subject.type_name));
                return Err(SpecError::Value(message.finish()));
            }
        }
        spec.check_separator()?;
        Ok(spec)
    }

    fn check_separator(&self) -> Result<(), SpecError> {
        let kind = u8::try_from(self.kind).unwrap_or(255);
        let fits = match self.separator {
            0 => true,
            b'_' => b"defgEGF%boxX\0".contains(&kind),
            _ => b"defgEGF%\0".contains(&kind),
        };
        if fits {
            return Ok(());
        }
        let separator = self.separator as char;
        Err(SpecError::value(format!(
            "Cannot specify '{separator}' with '{}'.",
            shown(self.kind)
        )))
    }

    /// Fills the text up to the width.
    fn pad(&self, text: &PyStr, limits: Limits) -> Result<PyStr, SpecError> {
        if self.width.max(text.len()) > limits.max_len {
            return Err(SpecError::Memory);
        }
        let room = self.width.saturating_sub(text.len());
        let left = match self.align {
            Align::Left => 0,
            Align::Center => room / 2,
            Align::Right | Align::Inside => room,
        };
        Ok(text.padded(left, room - left, self.fill))
    }

    fn unknown_kind(&self, type_name: &str) -> SpecError {
        let kind = shown(self.kind);
        SpecError::value(format!(
            "Unknown format code '{kind}' for object of type '{type_name}'"
        ))
    }
}

/// A number in its parts, before padding.
struct Number {
    negative: bool,
    prefix: &'static str,
    /// The digits that separators group.
    digits: String,
    /// Point, fraction, exponent, percent sign; or `inf` and `nan`.
    rest: String,
}

impl Number {
    /// Sign, prefix, grouped digits and the rest in the width.
    fn lay_out(&self, spec: &Spec, limits: Limits) -> Result<PyStr, SpecError> {
        if spec.width > limits.max_len {
            return Err(SpecError::Memory);
        }
        let sign = match (self.negative, spec.sign) {
            (true, _) => "-",
            (false, b'+') => "+",
            (false, b' ') => " ",
            _ => "",
        };
        let fixed = sign.len() + self.prefix.len() + self.rest.len();
        let zero_filled = spec.fill == '0' as u32 && spec.align == Align::Inside;
        let min_width = if zero_filled {
            spec.width.saturating_sub(fixed)
        } else {
            0
        };
        let digits = if self.digits.is_empty() {
            String::new()
        } else {
            let group = match spec.separator {
                0 => usize::MAX,
                b'_' if matches!(u8::try_from(spec.kind), Ok(b'b' | b'o' | b'x' | b'X')) => 4,
                _ => 3,
            };
            grouped(&self.digits, group, spec.separator as char, min_width)
        };
        if fixed + digits.len() > limits.max_len {
            return Err(SpecError::Memory);
        }
        if spec.align != Align::Inside {
            let text = format!("{sign}{}{digits}{}", self.prefix, self.rest);
            return spec.pad(&text.into(), limits);
        }
        let mut out = StrBuilder::with_capacity(spec.width.max(fixed + digits.len()));
        out.push_str(sign);
        out.push_str(self.prefix);
        out.push_repeated(spec.fill, spec.width.saturating_sub(fixed + digits.len()));
        out.push_str(&digits);
        out.push_str(&self.rest);
        Ok(out.finish())
    }
}

/// Digits in groups, with zeros in front up to a width that counts separators.
fn grouped(digits: &str, group: usize, separator: char, min_width: usize) -> String {
    let mut left = digits.as_bytes();
    let mut width_left = min_width;
    let mut backwards = Vec::with_capacity(digits.len().max(min_width));
    loop {
        let len = group.min(left.len().max(width_left).max(1));
        for _ in 0..len {
            backwards.push(match left {
                [rest @ .., digit] => {
                    left = rest;
                    *digit
                }
                [] => b'0',
            });
        }
        width_left = width_left.saturating_sub(len);
        if left.is_empty() && width_left == 0 {
            break;
        }
        backwards.push(separator as u8);
        width_left = width_left.saturating_sub(1);
    }
    backwards.iter().rev().map(|&b| b as char).collect()
}

/// `format(value, spec)` for a str.
///
/// # Errors
/// See [`SpecError`].
pub fn format_str(
    value: &PyStr,
    spec: &PyStr,
    type_name: &str,
    limits: Limits,
) -> Result<PyStr, SpecError> {
    let subject = Subject {
        type_name,
        default_kind: b's',
        default_align: Align::Left,
    };
    let spec = Spec::parse(spec, subject)?;
    if spec.kind != 's' as u32 {
        return Err(spec.unknown_kind(type_name));
    }
    let refused = if spec.sign == b' ' {
        "Space not allowed in string format specifier"
    } else if spec.sign != 0 {
        "Sign not allowed in string format specifier"
    } else if spec.no_negative_zero {
        "Negative zero coercion (z) not allowed in string format specifier"
    } else if spec.alternate {
        "Alternate form (#) not allowed in string format specifier"
    } else if spec.align == Align::Inside {
        "'=' alignment not allowed in string format specifier"
    } else {
        let kept = value.slice(0..spec.precision.unwrap_or(usize::MAX));
        return spec.pad(&kept, limits);
    };
    Err(SpecError::value(refused))
}

/// `format(value, spec)` for an int or a bool.
///
/// # Errors
/// See [`SpecError`].
pub fn format_int(
    value: &BigInt,
    spec: &PyStr,
    type_name: &str,
    limits: Limits,
) -> Result<PyStr, SpecError> {
    let subject = Subject {
        type_name,
        default_kind: b'd',
        default_align: Align::Right,
    };
    let spec = Spec::parse(spec, subject)?;
    let (radix, prefix): (u32, _) = match u8::try_from(spec.kind) {
        Ok(b'd' | b'n') => (10, ""),
        Ok(b'b') => (2, "0b"),
        Ok(b'o') => (8, "0o"),
        Ok(b'x') => (16, "0x"),
        Ok(b'X') => (16, "0X"),
        Ok(b'c') => return char_of(value, &spec, limits),
        Ok(b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'%') => {
            let value = int::to_f64(value).map_err(|e| SpecError::Overflow(e.message()))?;
            return float_with(value, &spec, limits);
        }
        _ => return Err(spec.unknown_kind(type_name)),
    };
    check_int_spec(&spec)?;
    let digits = if radix == 10 {
        let text = int::to_decimal(value, limits.int_digits);
        let text = text.map_err(|e| SpecError::value(e.message()))?;
        text.trim_start_matches('-').to_owned()
    } else {
        if value.bits() / u64::from(radix.ilog2()) > limits.max_len as u64 {
            return Err(SpecError::Memory);
        }
        int::to_power_of_two(value, radix)
    };
    let upper = spec.kind == 'X' as u32;
    let number = Number {
        negative: value.is_negative(),
        prefix: if spec.alternate { prefix } else { "" },
        digits: if upper {
            digits.to_ascii_uppercase()
        } else {
            digits
        },
        rest: String::new(),
    };
    number.lay_out(&spec, limits)
}

fn check_int_spec(spec: &Spec) -> Result<(), SpecError> {
    if spec.precision.is_some() {
        return Err(SpecError::value(
            "Precision not allowed in integer format specifier",
        ));
    }
    if spec.no_negative_zero {
        let message = "Negative zero coercion (z) not allowed in integer format specifier";
        return Err(SpecError::value(message));
    }
    Ok(())
}

fn char_of(value: &BigInt, spec: &Spec, limits: Limits) -> Result<PyStr, SpecError> {
    check_int_spec(spec)?;
    if spec.sign != 0 {
        return Err(SpecError::value(
            "Sign not allowed with integer format specifier 'c'",
        ));
    }
    if spec.alternate {
        let message = "Alternate form (#) not allowed with integer format specifier 'c'";
        return Err(SpecError::value(message));
    }
    if value.to_i64().is_none() {
        return Err(SpecError::Overflow(
            "Python int too large to convert to C long",
        ));
    }
    let text = value.to_u32().and_then(PyStr::from_code_point);
    spec.pad(
        &text.ok_or(SpecError::Overflow("%c arg not in range(0x110000)"))?,
        limits,
    )
}

/// `format(value, spec)` for a float.
///
/// # Errors
/// See [`SpecError`].
pub fn format_float(
    value: f64,
    spec: &PyStr,
    type_name: &str,
    limits: Limits,
) -> Result<PyStr, SpecError> {
    let subject = Subject {
        type_name,
        default_kind: 0,
        default_align: Align::Right,
    };
    let spec = Spec::parse(spec, subject)?;
    match u8::try_from(spec.kind) {
        Ok(0 | b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'n' | b'%') => {
            float_with(value, &spec, limits)
        }
        _ => Err(spec.unknown_kind(type_name)),
    }
}

fn float_with(value: f64, spec: &Spec, limits: Limits) -> Result<PyStr, SpecError> {
    let kind = u8::try_from(spec.kind).unwrap_or(0);
    let precision = spec.precision.unwrap_or(6);
    if precision > i32::MAX as usize {
        return Err(SpecError::value("precision too big"));
    }
    if precision > limits.max_len {
        return Err(SpecError::Memory);
    }
    let style = match kind.to_ascii_lowercase() {
        0 if spec.precision.is_none() => Style::Repr,
        0 => Style::GeneralPoint,
        b'e' => Style::Exponent,
        b'f' | b'%' => Style::Fixed,
        _ => Style::General,
    };
    let value = if kind == b'%' { value * 100.0 } else { value };
    let mut text = float::format(value, style, precision, spec.alternate);
    if kind.is_ascii_uppercase() {
        text.make_ascii_uppercase();
    }
    if kind == b'%' {
        text.push('%');
    }
    let mut negative = text.starts_with('-');
    let unsigned = text.trim_start_matches('-');
    if spec.no_negative_zero && value.is_finite() {
        let significand = unsigned.split(['e', 'E']).next().unwrap_or("");
        negative &= significand.bytes().any(|b| (b'1'..=b'9').contains(&b));
    }
    let end = unsigned
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(unsigned.len());
    let (digits, rest) = unsigned.split_at(end);
    Number {
        negative,
        prefix: "",
        digits: digits.to_owned(),
        rest: rest.to_owned(),
    }
    .lay_out(spec, limits)
}

pub mod quick;
pub use quick::{Quick, quick};

#[cfg(test)]
mod tests;
