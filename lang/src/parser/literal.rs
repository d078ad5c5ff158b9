//! The values of number and string literals, from their text.

use std::borrow::Cow;

use num_bigint::BigInt;
use num_traits::Num;

use super::{In, Res, bump, raise_now};
use crate::ast::{ExprKind, Span, StrLit};
use crate::diagnostic::Diagnostic;
use crate::subset;
use crate::token::TokenKind as T;

/// CPython's limit on decimal digits, which keeps a long literal from taking
/// quadratic time.
const DECIMAL_DIGITS_MAX: usize = 4300;

/// Takes a number token.
pub(super) fn number(inp: &mut In) -> Res<ExprKind> {
    let token = bump(inp);
    let text = inp.state().source.slice(token.span);
    warn_of_keyword(inp, token.span);
    let digits: Cow<str> = if text.contains('_') {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    };
    let digits = digits.as_ref();
    match token.kind {
        T::Int => int(inp, digits, token.span),
        T::Imaginary => {
            let refusal = subset::COMPLEX_LITERAL.at(token.span);
            inp.state().refused.push(refusal);
            Ok(ExprKind::Complex(float(&digits[..digits.len() - 1])))
        }
        _ => Ok(ExprKind::Float(float(digits))),
    }
}

/// A number may stand right before a keyword; CPython will forbid it.
fn warn_of_keyword(inp: &mut In, span: Span) {
    let state = inp.state();
    let (text, rest) = (
        state.source.slice(span),
        &state.source.text()[span.end as usize..],
    );
    if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return;
    }
    let name = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => "hexadecimal",
        [b'0', b'o' | b'O', ..] => "octal",
        [b'0', b'b' | b'B', ..] => "binary",
        [.., b'j' | b'J'] => "imaginary",
        _ => "decimal",
    };
    warn(inp, format!("invalid {name} literal"), span);
}

pub(super) fn warn(inp: &mut In, message: String, span: Span) {
    let warning = Diagnostic::warning(message, span);
    inp.state().warnings.push(warning);
}

/// The lexer has checked the form; too large a number is infinity, as in CPython.
fn float(digits: &str) -> f64 {
    digits
        .parse()
        .expect("the lexer makes float tokens of what Rust can read")
}

fn int(inp: &mut In, text: &str, span: Span) -> Res<ExprKind> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', b'o' | b'O', ..] => (&text[2..], 8),
        [b'0', b'b' | b'B', ..] => (&text[2..], 2),
        _ => (text, 10),
    };
    if let Ok(value) = i64::from_str_radix(digits, radix) {
        return Ok(ExprKind::Int(value));
    }
    let n_digits = digits.trim_start_matches('0').len();
    if radix == 10 && n_digits > DECIMAL_DIGITS_MAX {
        let message = format!(
            "Exceeds the limit ({DECIMAL_DIGITS_MAX} digits) for integer string conversion: \
             value has {n_digits} digits; use sys.set_int_max_str_digits() to increase the \
             limit - Consider hexadecimal for huge integer literals to avoid decimal \
             conversion limits."
        );
        return raise_now(inp, Diagnostic::syntax("E0019", message, span));
    }
    let value = BigInt::from_str_radix(digits, radix)
        .expect("the lexer makes int tokens of digits of their base");
    Ok(ExprKind::BigInt(Box::new(value)))
}

/// A string token's prefix letters and the text between its quotes.
pub(super) fn split(text: &str) -> (&str, &str) {
    let quote_at = text.find(['"', '\'']).unwrap_or(0);
    let (prefix, quoted) = text.split_at(quote_at);
    let n_quotes =
        if quoted.len() >= 6 && (quoted.starts_with("\"\"\"") || quoted.starts_with("'''")) {
            3
        } else {
            1
        };
    let body = quoted.get(n_quotes..quoted.len() - n_quotes).unwrap_or("");
    (prefix, body)
}

pub(super) fn is_raw(prefix: &str) -> bool {
    prefix.contains(['r', 'R'])
}

/// Line ends in a literal are `\n`, whatever the file has.
pub(super) fn unify_newlines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Text that is being decoded; turns to code points at the first surrogate.
#[derive(Default)]
pub(super) struct StrBuilder {
    text: String,
    code_points: Option<Vec<u32>>,
}

impl StrBuilder {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.code_points.is_none()
    }

    pub(super) fn push_str(&mut self, text: &str) {
        match &mut self.code_points {
            Some(points) => points.extend(text.chars().map(u32::from)),
            None => self.text.push_str(text),
        }
    }

    /// `point` is at most 0x10FFFF.
    fn push_code_point(&mut self, point: u32) {
        match (char::from_u32(point), &mut self.code_points) {
            (Some(c), None) => self.text.push(c),
            (_, Some(points)) => points.push(point),
            (None, None) => {
                let mut points: Vec<u32> = self.text.chars().map(u32::from).collect();
                points.push(point);
                self.code_points = Some(points);
            }
        }
    }

    pub(super) fn finish(self) -> StrLit {
        match self.code_points {
            Some(points) => StrLit::CodePoints(points),
            None => StrLit::Text(self.text),
        }
    }
}

/// What is wrong with an escape: which bytes of the literal, as CPython's codec counts.
struct BadEscape {
    start: usize,
    end: usize,
    complaint: &'static str,
}

/// The first escape of a literal that means nothing, which stays as it is.
#[derive(Default)]
struct OddEscape(Option<String>);

impl OddEscape {
    fn note(&mut self, message: impl FnOnce() -> String) {
        self.0.get_or_insert_with(message);
    }

    fn character(&mut self, c: char) {
        // Nobody is warned of what is not ASCII.
        if c.is_ascii() {
            self.note(|| format!("invalid escape sequence '\\{c}'"));
        }
    }

    fn octal(&mut self, digits: &str) {
        self.note(|| format!("invalid octal escape sequence '\\{digits}'"));
    }
}

/// Decodes the body of a str literal or a piece of an f-string.
pub(super) fn decode_str(
    inp: &mut In,
    body: &str,
    raw: bool,
    span: Span,
    out: &mut StrBuilder,
) -> Res<()> {
    let body = unify_newlines(body);
    if raw || !body.contains('\\') {
        out.push_str(&body);
        return Ok(());
    }
    let mut odd = OddEscape::default();
    let result = unescape(&body, out, &mut odd);
    if let (Ok(()), Some(message)) = (&result, odd.0) {
        warn(inp, message, span);
    }
    result.or_else(|bad| {
        let range = if bad.end - bad.start > 1 {
            format!("bytes in position {}-{}", bad.start, bad.end - 1)
        } else {
            format!("byte 0x5c in position {}", bad.start)
        };
        let message = format!(
            "(unicode error) 'unicodeescape' codec can't decode {range}: {}",
            bad.complaint
        );
        raise_now(inp, Diagnostic::syntax("E0050", message, span))
    })
}

fn unescape(body: &str, out: &mut StrBuilder, odd: &mut OddEscape) -> Result<(), BadEscape> {
    let mut rest = body;
    // CPython writes every non-ASCII character as a ten-byte escape before it
    // decodes, which shows in the positions that it reports.
    let mut codec_position = 0;
    let codec_len = |text: &str| -> usize {
        text.chars()
            .map(|c| if c.is_ascii() { 1 } else { 10 })
            .sum()
    };
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        codec_position += codec_len(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else {
            // A piece of an f-string may end in a backslash: a field follows it.
            out.push_str("\\");
            return Ok(());
        };
        let after = &rest[c.len_utf8()..];
        let bad = |n_bytes: usize, complaint| BadEscape {
            start: codec_position,
            end: codec_position + n_bytes,
            complaint,
        };
        let n_bytes = match c {
            '\n' => 1,
            'x' => hex_escape(after, 2, out)
                .map_err(|n| bad(2 + n, "truncated \\xXX escape"))
                .map(|()| 3)?,
            'u' => hex_escape(after, 4, out)
                .map_err(|n| bad(2 + n, "truncated \\uXXXX escape"))
                .map(|()| 5)?,
            'U' => {
                let digits = hex_digits(after, 8)
                    .ok_or_else(|| bad(2 + n_hex(after, 8), "truncated \\UXXXXXXXX escape"))?;
                if digits > 0x10_FFFF {
                    return Err(bad(10, "illegal Unicode character"));
                }
                out.push_code_point(digits);
                9
            }
            'N' => {
                let Some(name) = after.strip_prefix('{') else {
                    return Err(bad(2, "malformed \\N character escape"));
                };
                let Some(close) = name.find('}') else {
                    return Err(bad(2 + after.len(), "malformed \\N character escape"));
                };
                if close == 0 {
                    return Err(bad(3, "malformed \\N character escape"));
                }
                let Some(named) = named_character(&name[..close]) else {
                    return Err(bad(4 + close, "unknown Unicode character name"));
                };
                out.push_str(named.encode_utf8(&mut [0; 4]));
                1 + 1 + close + 1
            }
            '0'..='7' => {
                let (value, n) = octal(rest);
                if value > 0o377 {
                    odd.octal(&rest[..n]);
                }
                out.push_code_point(value);
                n
            }
            _ => {
                match simple_escape(c) {
                    Some(escaped) => out.push_str(escaped.encode_utf8(&mut [0; 4])),
                    None => {
                        odd.character(c);
                        out.push_str("\\");
                        out.push_str(&rest[..c.len_utf8()]);
                    }
                }
                c.len_utf8()
            }
        };
        codec_position += 1 + codec_len(&rest[..n_bytes]);
        rest = &rest[n_bytes..];
    }
    out.push_str(rest);
    Ok(())
}

/// Decodes the body of a bytes literal.
pub(super) fn decode_bytes(
    inp: &mut In,
    body: &str,
    raw: bool,
    span: Span,
    out: &mut Vec<u8>,
) -> Res<()> {
    if !body.is_ascii() {
        let message = "bytes can only contain ASCII literal characters";
        return raise_now(inp, Diagnostic::syntax("E0051", message, span));
    }
    let body = unify_newlines(body);
    let mut odd = OddEscape::default();
    let mut bytes = body.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        if byte != b'\\' || raw {
            out.push(byte);
            continue;
        }
        let Some((_, escape)) = bytes.next() else {
            out.push(byte);
            break;
        };
        match escape {
            b'\n' => {}
            b'x' => {
                let Some(value) = hex_digits(&body[at + 2..], 2) else {
                    let message = format!("(value error) invalid \\x escape at position {at}");
                    return raise_now(inp, Diagnostic::syntax("E0052", message, span));
                };
                out.push(value as u8);
                bytes.nth(1);
            }
            b'0'..=b'7' => {
                let (value, n) = octal(&body[at + 1..]);
                if value > 0o377 {
                    odd.octal(&body[at + 1..at + 1 + n]);
                }
                // Too large an octal escape keeps its low eight bits.
                out.push(value as u8);
                if n > 1 {
                    bytes.nth(n - 2);
                }
            }
            _ => match simple_escape(escape as char) {
                Some(escaped) => out.push(escaped as u8),
                None => {
                    odd.character(escape as char);
                    out.extend([byte, escape]);
                }
            },
        }
    }
    if let Some(message) = odd.0 {
        warn(inp, message, span);
    }
    Ok(())
}

fn simple_escape(c: char) -> Option<char> {
    Some(match c {
        '\\' | '\'' | '"' => c,
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        _ => return None,
    })
}

/// The value of one to three octal digits and their number.
fn octal(text: &str) -> (u32, usize) {
    let n = text
        .bytes()
        .take(3)
        .take_while(|byte| (b'0'..=b'7').contains(byte))
        .count();
    let value = u32::from_str_radix(&text[..n], 8).unwrap_or(0);
    (value, n)
}

fn n_hex(text: &str, n_max: usize) -> usize {
    text.bytes()
        .take(n_max)
        .take_while(u8::is_ascii_hexdigit)
        .count()
}

/// The value of exactly `n` hexadecimal digits.
fn hex_digits(text: &str, n: usize) -> Option<u32> {
    if n_hex(text, n) < n {
        return None;
    }
    u32::from_str_radix(&text[..n], 16).ok()
}

/// Decodes `n` digits; the error is how many are there.
fn hex_escape(text: &str, n: usize, out: &mut StrBuilder) -> Result<(), usize> {
    let value = hex_digits(text, n).ok_or_else(|| n_hex(text, n))?;
    out.push_code_point(value);
    Ok(())
}

/// CPython takes a name or an alias in any case, but with its blanks and
/// hyphens; the library is laxer with those.
fn named_character(name: &str) -> Option<char> {
    let c = unicode_names2::character(name)?;
    let canonical = unicode_names2::name(c).map_or_else(String::new, |name| name.to_string());
    let is_letter = |c: &char| c.is_ascii_alphanumeric();
    let letters = |name: &str| -> String {
        let kept = name.chars().filter(is_letter);
        kept.map(|c| c.to_ascii_uppercase()).collect()
    };
    // With other letters it is an alias.
    let is_alias = letters(name) != letters(&canonical);
    (is_alias || canonical.eq_ignore_ascii_case(name)).then_some(c)
}
