//! The `%` operator of str: takes the template apart, piece by piece, and
//! formats single values that the caller has fetched. The caller owns the
//! arguments, their conversion and the errors about their number and type.

use std::ops::Range;

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};

use super::float::{self, Style};
use super::int;
use super::pystr::{PyStr, StrBuilder, Units};
use super::spec::quick::{self, Quick};

/// What stands where a width or a precision may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    None,
    Given(usize),
    /// `*`: the next argument has it.
    Argument,
}

/// One conversion of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub left: bool,
    pub plus: bool,
    pub blank: bool,
    pub alternate: bool,
    pub zero: bool,
    pub width: Size,
    pub precision: Size,
    /// The letter, of whatever kind: see [`unsupported`], which is raised after
    /// a value was taken for it.
    pub conversion: u32,
    /// Where the letter stands in the template.
    pub index: usize,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text that stands for itself.
    Literal(PyStr),
    /// A conversion, with its mapping key. The key is looked up before an
    /// error in what follows it is raised, so that comes with it.
    Field {
        key: Option<PyStr>,
        field: Result<Field, Malformed>,
    },
}

/// What is wrong with a template; all are ValueErrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Raised after [`NEEDS_MAPPING`].
    Key,
    Format,
    Width,
    Precision,
}

/// A field that can't be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub fault: Fault,
    /// How many `*` stand before the fault: their arguments are fetched first.
    pub stars: u8,
}

impl Malformed {
    pub fn message(self) -> &'static str {
        match self.fault {
            Fault::Key => "incomplete format key",
            Fault::Format => "incomplete format",
            Fault::Width => "width too big",
            Fault::Precision => "precision too big",
        }
    }
}

/// TypeError where a mapping key meets arguments that are no mapping.
pub const NEEDS_MAPPING: &str = "format requires a mapping";
/// TypeError where the arguments run out.
pub const NOT_ENOUGH: &str = "not enough arguments for format string";
/// TypeError where arguments are left over.
pub const NOT_ALL: &str = "not all arguments converted during string formatting";
/// TypeError where the argument of a `*` is no int.
pub const STAR_WANTS_INT: &str = "* wants int";

/// As [`unsupported`], of bytes: the letter is shown as it is. None where CPython 3.13's
/// bytesobject.c has a negative `char`, which its message has no character for.
pub fn unsupported_in_bytes(field: &Field) -> Option<String> {
    let shown = char::from_u32(field.conversion).filter(char::is_ascii)?;
    Some(format!(
        "unsupported format character '{shown}' (0x{:x}) at index {}",
        field.conversion, field.index
    ))
}

/// The ValueError message of a letter that stands for no conversion.
pub fn unsupported(field: &Field) -> String {
    let cp = field.conversion;
    let shown = char::from_u32(cp)
        .filter(|c| ('\x1f'..='~').contains(c))
        .unwrap_or('?');
    format!(
        "unsupported format character '{shown}' (0x{cp:x}) at index {}",
        field.index
    )
}

/// The pieces of a template in order. After a malformed field no more come.
pub struct Template<'a> {
    units: Units<'a>,
    at: usize,
}

impl<'a> Template<'a> {
    pub fn new(units: Units<'a>) -> Self {
        Template { units, at: 0 }
    }

    fn cp(&self) -> Option<u32> {
        (self.at < self.units.len()).then(|| self.units.at(self.at))
    }

    fn part(&self, part: Range<usize>) -> PyStr {
        PyStr::from_units(self.units.part(part))
    }

    fn peek(&self) -> Option<char> {
        self.cp().map(|cp| char::from_u32(cp).unwrap_or('\u{fffd}'))
    }

    /// Reads `(key)`, in which parentheses may nest.
    fn key(&mut self) -> Result<Option<PyStr>, Malformed> {
        if self.peek() != Some('(') {
            return Ok(None);
        }
        let start = self.at + 1;
        let mut depth = 0usize;
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(Some(self.part(start..self.at - 1)));
            }
        }
        Err(Malformed {
            fault: Fault::Key,
            stars: 0,
        })
    }

    fn size(&mut self, max: usize, fault: Fault, stars: u8) -> Result<Size, Malformed> {
        if self.peek() == Some('*') {
            self.at += 1;
            return Ok(Size::Argument);
        }
        let mut size = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            self.at += 1;
            let longer = size
                .unwrap_or(0usize)
                .saturating_mul(10)
                .saturating_add(digit as usize);
            if longer > max {
                return Err(Malformed { fault, stars });
            }
            size = Some(longer);
        }
        Ok(size.map_or(Size::None, Size::Given))
    }

    fn field(&mut self) -> Result<Field, Malformed> {
        let (mut left, mut plus, mut blank, mut alternate, mut zero) = Default::default();
        loop {
            *match self.peek() {
                Some('-') => &mut left,
                Some('+') => &mut plus,
                Some(' ') => &mut blank,
                Some('#') => &mut alternate,
                Some('0') => &mut zero,
                _ => break,
            } = true;
            self.at += 1;
        }
        let width = self.size(isize::MAX as usize, Fault::Width, 0)?;
        let mut stars = u8::from(width == Size::Argument);
        let mut precision = Size::None;
        if self.peek() == Some('.') {
            self.at += 1;
            precision = match self.size(i32::MAX as usize, Fault::Precision, stars)? {
                Size::None => Size::Given(0),
                size => size,
            };
            stars += u8::from(precision == Size::Argument);
        }
        if let Some('h' | 'l' | 'L') = self.peek() {
            self.at += 1;
        }
        let conversion = self.cp().ok_or(Malformed {
            fault: Fault::Format,
            stars,
        })?;
        self.at += 1;
        let index = self.at - 1;
        Ok(Field {
            left,
            plus,
            blank,
            alternate,
            zero,
            width,
            precision,
            conversion,
            index,
        })
    }
}

impl Iterator for Template<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let start = self.at;
        let len = self.units.len();
        if start == len {
            return None;
        }
        let percent = self.units.position('%', start);
        if percent != Some(start) {
            self.at = percent.unwrap_or(len);
            return Some(Piece::Literal(self.part(start..self.at)));
        }
        self.at += 1;
        if self.peek() == Some('%') {
            self.at += 1;
            return Some(Piece::Literal('%'.into()));
        }
        if let Some(conversion @ ('s' | 'd' | 'r')) = self.peek() {
            self.at += 1;
            let field = Field::plain(conversion, self.at - 1);
            return Some(Piece::Field {
                key: None,
                field: Ok(field),
            });
        }
        let piece = match self.key() {
            Err(error) => Piece::Field {
                key: None,
                field: Err(error),
            },
            Ok(key) => Piece::Field {
                key,
                field: self.field(),
            },
        };
        if let Piece::Field { field: Err(_), .. } = piece {
            self.at = self.units.len();
        }
        Some(piece)
    }
}

/// A text to be put into its width: the letters as they came out.
pub struct Formatted {
    text: PyStr,
    /// Numbers have a sign and may be filled with zeros.
    number: bool,
    /// Code points of a `0x` that stays in front of the zeros.
    prefix: usize,
}

/// The text would be longer than the caller allows: MemoryError.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Field {
    /// Nothing but the letter.
    fn plain(conversion: char, index: usize) -> Field {
        Field {
            left: false,
            plus: false,
            blank: false,
            alternate: false,
            zero: false,
            width: Size::None,
            precision: Size::None,
            conversion: conversion as u32,
            index,
        }
    }

    /// Whether a text that needs no padding and no sign is put as it is.
    pub fn is_bare(&self) -> bool {
        self.width == Size::None && self.precision == Size::None && !self.plus && !self.blank
    }

    /// The precision as a number; `*` must have been replaced.
    fn digits(&self) -> Option<usize> {
        match self.precision {
            Size::Given(n) => Some(n),
            _ => None,
        }
    }

    /// Puts the `*` arguments into the field. A negative width is a width to
    /// the left, a negative precision is 0.
    pub fn with_arguments(mut self, width: Option<i64>, precision: Option<i64>) -> Field {
        if let Some(width) = width {
            self.left |= width < 0;
            self.width = Size::Given(width.unsigned_abs() as usize);
        }
        if let Some(precision) = precision {
            self.precision = Size::Given(precision.max(0) as usize);
        }
        self
    }

    /// `%s`, `%r`, `%a`: a text made by the caller, cut to the precision.
    pub fn text(&self, text: &PyStr) -> Formatted {
        let text = text.slice(0..self.digits().unwrap_or(usize::MAX));
        Formatted {
            text,
            number: false,
            prefix: 0,
        }
    }

    /// `%c` of a code point or a str of one.
    pub fn char(&self, c: PyStr) -> Formatted {
        Formatted {
            text: c,
            number: false,
            prefix: 0,
        }
    }

    /// The commonest numbers, without the general way's allocations: an int that
    /// is no bigint by `%d`, a float by `%f`. None for all others.
    pub fn quick(&self, number: Quick) -> Option<Formatted> {
        let conversion = char::from_u32(self.conversion)?;
        let text = match (number, conversion, self.precision) {
            (Quick::Int(n), 'd' | 'i' | 'u', Size::None) => quick::decimal(n),
            (Quick::Float(f), 'f' | 'F', Size::None | Size::Given(_)) if !self.alternate => {
                quick::fixed(f, self.digits().unwrap_or(6))?
            }
            _ => return None,
        };
        Some(Formatted {
            text,
            number: true,
            prefix: 0,
        })
    }

    /// `%d`, `%i`, `%u`, `%o`, `%x`, `%X`.
    ///
    /// # Errors
    /// The decimal text has too many digits (a ValueError with this message),
    /// or the precision is longer than `max_len` (None: MemoryError).
    pub fn int(
        &self,
        value: &BigInt,
        int_digits: usize,
        max_len: usize,
    ) -> Result<Formatted, Option<String>> {
        let conversion = u8::try_from(self.conversion).unwrap_or(b'd');
        let (digits, prefix) = match conversion {
            b'o' => (int::to_power_of_two(value, 8), "0o"),
            b'x' | b'X' => (int::to_power_of_two(value, 16), "0x"),
            _ => {
                let text = int::to_decimal(value, int_digits).map_err(|e| Some(e.message()))?;
                (text.trim_start_matches('-').to_owned(), "")
            }
        };
        let sign = if value.is_negative() { "-" } else { "" };
        let prefix = if self.alternate { prefix } else { "" };
        let zeros = self.digits().unwrap_or(0).saturating_sub(digits.len());
        if zeros > max_len {
            return Err(None);
        }
        let mut text = format!("{sign}{prefix}{}{digits}", "0".repeat(zeros));
        if conversion == b'X' {
            text.make_ascii_uppercase();
        }
        Ok(Formatted {
            text: text.into(),
            number: true,
            prefix: prefix.len(),
        })
    }

    /// `%e`, `%E`, `%f`, `%F`, `%g`, `%G`.
    ///
    /// # Errors
    /// The precision is longer than `max_len`.
    pub fn float(&self, value: f64, max_len: usize) -> Result<Formatted, TooLong> {
        let conversion = u8::try_from(self.conversion).unwrap_or(b'f');
        let style = match conversion.to_ascii_lowercase() {
            b'e' => Style::Exponent,
            b'f' => Style::Fixed,
            _ => Style::General,
        };
        let precision = self.digits().unwrap_or(6);
        if precision > max_len {
            return Err(TooLong);
        }
        let mut text = float::format(value, style, precision, self.alternate);
        if conversion.is_ascii_uppercase() {
            text.make_ascii_uppercase();
        }
        Ok(Formatted {
            text: text.into(),
            number: true,
            prefix: 0,
        })
    }

    /// Appends a formatted value in the field's width.
    ///
    /// # Errors
    /// The result would have more than `max_len` code points.
    pub fn put(
        &self,
        value: &Formatted,
        out: &mut StrBuilder,
        max_len: usize,
    ) -> Result<(), TooLong> {
        let text = value.text.read();
        let mut body = text.units();
        let mut sign = None;
        if value.number {
            let first = value.text.char_at(0);
            if first == Some('-' as u32) {
                sign = first;
                body = body.part(1..body.len());
            } else if self.plus {
                sign = Some('+' as u32);
            } else if self.blank {
                sign = Some(' ' as u32);
            }
        }
        let len = body.len() + usize::from(sign.is_some());
        let width = match self.width {
            Size::Given(width) => width,
            _ => 0,
        };
        if out.len().saturating_add(width.max(len)) > max_len {
            return Err(TooLong);
        }
        let room = width.saturating_sub(len);
        let zeros = if self.zero && value.number && !self.left {
            room
        } else {
            0
        };
        let before = if self.left { 0 } else { room - zeros };
        out.push_repeated(' ' as u32, before);
        sign.into_iter().for_each(|sign| out.push_cp(sign));
        out.push_units(body.part(0..value.prefix));
        out.push_repeated('0' as u32, zeros);
        out.push_units(body.part(value.prefix..body.len()));
        out.push_repeated(' ' as u32, room - zeros - before);
        Ok(())
    }
}

/// `%c` of an int: None where CPython raises OverflowError, "%c arg not in
/// range(0x110000)".
pub fn char_of(value: &BigInt) -> Option<PyStr> {
    value.to_u32().and_then(PyStr::from_code_point)
}

#[cfg(test)]
mod tests;
