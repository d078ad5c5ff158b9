//! The tokens of a JSON text: units and an index in, what stands there out. Knows no VM values
//! and no hooks. Follows CPython 3.13 _json.c in what it accepts, in its messages and in the
//! positions that they name.

use lockstep_runtime::text::pystr::{PyStr, StrBuilder, Unit, Units};
use smallvec::SmallVec;

/// Why a text is no JSON.
#[derive(Debug, PartialEq)]
pub enum Bad {
    /// A message and the index it is about.
    Error(&'static str, usize),
    /// No value begins here.
    NoValue(usize),
}

/// What a value begins with; strs, numbers and words are all of it.
#[derive(Debug, PartialEq)]
pub enum Token {
    Str(PyStr),
    Int(i64),
    /// An int of more digits than an i64 surely holds.
    LongInt,
    Float(f64),
    Null,
    True,
    False,
    /// `NaN`, `Infinity` or `-Infinity`.
    Constant(&'static str),
    Array,
    Object,
}

/// A str that has been read: a part of the text, unless there were escapes in it.
pub enum Quoted<'a, U> {
    Part(&'a [U]),
    Made(PyStr),
}

impl<U: Unit> Quoted<'_, U> {
    pub fn into_text(self) -> PyStr {
        match self {
            Quoted::Part(units) => PyStr::from_units(U::wrap(units)),
            Quoted::Made(text) => text,
        }
    }
}

/// As many digits fit an i64 whatever they are.
const DIGITS_MAX: usize = 18;

/// The index of the first unit from `at` on that is no white space, and its code point; 0 at the
/// end of the text, where a NUL is as wrong as nothing.
#[inline]
pub fn after_space<U: Unit>(units: &[U], mut at: usize) -> (usize, u32) {
    loop {
        match units.get(at).map(|u| u.cp()) {
            Some(0x20 | 0x09 | 0x0a | 0x0d) => at += 1,
            Some(cp) => return (at, cp),
            None => return (at, 0),
        }
    }
}

/// What begins at `at`, and where it ends.
pub fn value<U: Unit>(units: &[U], at: usize, strict: bool) -> Result<(Token, usize), Bad> {
    let word = |text: &'static str, token| {
        let end = at + text.len();
        let found = units.get(at..end).is_some_and(|units| {
            let mut pairs = units.iter().zip(text.bytes());
            pairs.all(|(u, byte)| u.cp() == u32::from(byte))
        });
        found.then_some((token, end)).ok_or(Bad::NoValue(at))
    };
    let Some(first) = units.get(at) else {
        return Err(Bad::NoValue(at));
    };
    match u8::try_from(first.cp()).unwrap_or(0) {
        b'"' => {
            quoted(units, at + 1, strict).map(|(text, end)| (Token::Str(text.into_text()), end))
        }
        b'{' => Ok((Token::Object, at + 1)),
        b'[' => Ok((Token::Array, at + 1)),
        b'0'..=b'9' => number(units, at, at),
        b'-' => match word("-Infinity", Token::Constant("-Infinity")) {
            Err(_) => number(units, at, at + 1),
            found => found,
        },
        b'n' => word("null", Token::Null),
        b't' => word("true", Token::True),
        b'f' => word("false", Token::False),
        b'N' => word("NaN", Token::Constant("NaN")),
        b'I' => word("Infinity", Token::Constant("Infinity")),
        _ => Err(Bad::NoValue(at)),
    }
}

/// The number that begins at `start`; its sign is before `at`.
fn number<U: Unit>(units: &[U], start: usize, mut at: usize) -> Result<(Token, usize), Bad> {
    let digit = |at: usize| {
        let digit = units
            .get(at)
            .map_or(u32::MAX, |u| u.cp())
            .wrapping_sub(0x30);
        (digit < 10).then_some(digit)
    };
    let cp = |at: usize| units.get(at).map_or(0, |u| u.cp());
    let first = at;
    let mut whole = 0i64;
    match digit(at) {
        None => return Err(Bad::NoValue(start)),
        Some(0) => at += 1,
        Some(_) => {
            while let Some(digit) = digit(at) {
                whole = whole.wrapping_mul(10).wrapping_add(i64::from(digit));
                at += 1;
            }
        }
    }
    let n_digits = at - first;
    let digits_end = |mut at: usize| {
        while digit(at).is_some() {
            at += 1;
        }
        at
    };
    let mut is_float = false;
    if cp(at) == 0x2e && digit(at + 1).is_some() {
        is_float = true;
        at = digits_end(at + 2);
    }
    if matches!(cp(at), 0x65 | 0x45) {
        let signed = matches!(cp(at + 1), 0x2b | 0x2d);
        let from = at + 1 + usize::from(signed);
        if digit(from).is_some() {
            is_float = true;
            at = digits_end(from + 1);
        }
    }
    let token = if is_float {
        // A number is ASCII.
        let ascii: SmallVec<[u8; 32]> = units[start..at].iter().map(|u| u.cp() as u8).collect();
        let text = std::str::from_utf8(&ascii).unwrap_or_default();
        Token::Float(text.parse().unwrap_or(f64::NAN))
    } else if n_digits > DIGITS_MAX {
        Token::LongInt
    } else {
        Token::Int(if first > start { -whole } else { whole })
    };
    Ok((token, at))
}

/// The str whose first character stands at `begin`, after the quote, and where it ends.
pub fn quoted<U: Unit>(
    units: &[U],
    begin: usize,
    strict: bool,
) -> Result<(Quoted<'_, U>, usize), Bad> {
    let mut at = begin;
    // Most strs have no escape: they are a part of the text.
    let mut out: Option<StrBuilder> = None;
    let unterminated = || Bad::Error("Unterminated string starting at", begin.wrapping_sub(1));
    loop {
        let rest = units.get(at..).ok_or_else(unterminated)?;
        let stop = at + special(rest, strict).ok_or_else(unterminated)?;
        let part = &units[at..stop];
        match units[stop].cp() {
            0x22 => {
                let text = match out {
                    None => Quoted::Part(part),
                    Some(mut out) => {
                        out.push_units(U::wrap(part));
                        Quoted::Made(out.finish())
                    }
                };
                return Ok((text, stop + 1));
            }
            0x5c => {}
            _ => return Err(Bad::Error("Invalid control character at", stop)),
        }
        let out = out.get_or_insert_default();
        out.push_units(U::wrap(part));
        let escape = units.get(stop + 1).ok_or_else(unterminated)?;
        let plain = match u8::try_from(escape.cp()).unwrap_or(0) {
            b'"' => 0x22,
            b'\\' => 0x5c,
            b'/' => 0x2f,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => 0x0a,
            b'r' => 0x0d,
            b't' => 0x09,
            b'u' => {
                at = push_unicode(out, units, stop + 1)?;
                continue;
            }
            _ => return Err(Bad::Error("Invalid \\escape", stop)),
        };
        out.push_cp(plain);
        at = stop + 2;
    }
}

/// The index of the first quote, backslash or, if `strict`, control character.
#[inline]
fn special<U: Unit>(units: &[U], strict: bool) -> Option<usize> {
    units.iter().position(|u| {
        let cp = u.cp();
        cp == 0x22 || cp == 0x5c || (cp < 0x20 && strict)
    })
}

/// Four hex digits from `at` on; `u` is where the error is told to be.
fn hex4<U: Unit>(units: &[U], at: usize, u: usize) -> Result<u32, Bad> {
    let digits = units.get(at..at + 4).ok_or(Bad::Error(BAD_HEX, u))?;
    digits.iter().try_fold(0, |code, unit| {
        let digit = char::from_u32(unit.cp()).and_then(|c| c.to_digit(16));
        Ok(code << 4 | digit.ok_or(Bad::Error(BAD_HEX, u))?)
    })
}

const BAD_HEX: &str = "Invalid \\uXXXX escape";

/// Appends what the escape whose `u` stands at `u` means, with the low surrogate that may
/// follow; gives where it ends.
fn push_unicode<U: Unit>(out: &mut StrBuilder, units: &[U], u: usize) -> Result<usize, Bad> {
    let mut end = u + 5;
    // CPython wants one more character to come, the quote at least.
    if end >= units.len() {
        return Err(Bad::Error(BAD_HEX, u));
    }
    let mut code = hex4(units, u + 1, u)?;
    if (0xd800..0xdc00).contains(&code)
        && end + 6 < units.len()
        && units[end].cp() == '\\' as u32
        && units[end + 1].cp() == 'u' as u32
    {
        let low = hex4(units, end + 2, end + 1)?;
        if (0xdc00..0xe000).contains(&low) {
            code = 0x1_0000 + ((code - 0xd800) << 10 | (low - 0xdc00));
            end += 6;
        }
    }
    out.push_cp(code);
    Ok(end)
}

/// Runs a body for the width of a text's units.
macro_rules! with_units {
    ($units:expr, $name:ident => $body:expr) => {
        match $units {
            Units::Latin1($name) => $body,
            Units::Ucs2($name) => $body,
            Units::Ucs4($name) => $body,
        }
    };
}
pub(super) use with_units;

/// Whether a str has these units.
#[inline]
pub fn is_text<U: Unit>(text: &PyStr, part: &[U]) -> bool {
    let read = text.read();
    with_units!(read.units(), units => {
        units.len() == part.len() && units.iter().zip(part).all(|(a, b)| a.cp() == b.cp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<(Token, usize), Bad>) {
        assert_eq!(value(text.as_bytes(), 0, true), expect, "{text}");
        let wide: Vec<u32> = text.chars().map(u32::from).collect();
        assert_eq!(value(&wide, 0, true), expect, "{text} of four bytes");
    }

    #[test]
    fn numbers() {
        check("-0", Ok((Token::Int(0), 2)));
        check("012", Ok((Token::Int(0), 1)));
        check("-12.", Ok((Token::Int(-12), 3)));
        check("1e", Ok((Token::Int(1), 1)));
        check("1e-2,", Ok((Token::Float(0.01), 4)));
        check(
            "123456789012345678",
            Ok((Token::Int(123_456_789_012_345_678), 18)),
        );
        check("1234567890123456789", Ok((Token::LongInt, 19)));
        check("-", Err(Bad::NoValue(0)));
        check("-I", Err(Bad::NoValue(0)));
    }

    #[test]
    fn strs() {
        check("\"ab\"c", Ok((Token::Str(PyStr::from("ab")), 4)));
        check("\"a\\u0041\"", Ok((Token::Str(PyStr::from("aA")), 9)));
        check("\"", Err(Bad::Error("Unterminated string starting at", 0)));
        check(
            "\"\\",
            Err(Bad::Error("Unterminated string starting at", 0)),
        );
        check("\"\\u12", Err(Bad::Error(BAD_HEX, 2)));
        check(
            "\"a\n\"",
            Err(Bad::Error("Invalid control character at", 2)),
        );
    }

    #[test]
    fn words() {
        check("nullx", Ok((Token::Null, 4)));
        check("nul", Err(Bad::NoValue(0)));
        check("-Infinity", Ok((Token::Constant("-Infinity"), 9)));
        check("", Err(Bad::NoValue(0)));
    }
}
