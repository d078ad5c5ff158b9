//! The commonest specifications, `[<>^][0][width][.precision][d|f]`, of
//! numbers that fit into machine words: the same text as the general way gives,
//! without its allocations.

use super::{Align, align_of};
use crate::text::pystr::PyStr;

/// A number to be formatted.
#[derive(Clone, Copy)]
pub enum Quick {
    Int(i64),
    Float(f64),
}

const WIDTH_MAX: usize = 64;
const PRECISION_MAX: usize = 17;
/// Sign, digits of a u128, point.
const TEXT_MAX: usize = 48;

/// The formatted number; None where the general way must be taken.
pub fn quick(number: Quick, spec: &PyStr) -> Option<PyStr> {
    let (cps, n_cps) = ascii(spec)?;
    let mut at = 0;
    let peek = |at: usize| cps[..n_cps].get(at).copied();
    let mut align = Align::Right;
    if let Some(given) = peek(0).and_then(|c| align_of(u32::from(c))) {
        align = given;
        at = 1;
    }
    let mut fill = b' ';
    if peek(at) == Some(b'0') {
        if at != 0 {
            return None;
        }
        (fill, align, at) = (b'0', Align::Inside, 1);
    }
    let mut width = 0;
    while let Some(digit @ b'0'..=b'9') = peek(at) {
        width = width * 10 + usize::from(digit - b'0');
        at += 1;
        if width > WIDTH_MAX {
            return None;
        }
    }
    let mut precision = None;
    if peek(at) == Some(b'.') {
        at += 1;
        let mut n = None;
        while let Some(digit @ b'0'..=b'9') = peek(at) {
            n = Some(n.unwrap_or(0) * 10 + usize::from(digit - b'0'));
            at += 1;
            if n > Some(PRECISION_MAX) {
                return None;
            }
        }
        precision = Some(n?);
    }
    let kind = peek(at);
    if at + (kind.is_some() as usize) != n_cps {
        return None;
    }
    let mut text = [0; TEXT_MAX];
    let (negative, start) = match (number, kind, precision) {
        (Quick::Int(n), None | Some(b'd'), None) => {
            (n < 0, digits(u128::from(n.unsigned_abs()), 0, &mut text))
        }
        (Quick::Float(f), Some(b'f'), _) => {
            let precision = precision.unwrap_or(6);
            let scaled = scaled(f.abs(), precision)?;
            (f.is_sign_negative(), digits(scaled, precision, &mut text))
        }
        _ => return None,
    };
    Some(lay_out(negative, &text[start..], width, fill, align))
}

/// The decimal text of an int.
pub fn decimal(n: i64) -> PyStr {
    let mut text = [0; TEXT_MAX];
    let start = digits(u128::from(n.unsigned_abs()), 0, &mut text);
    lay_out(n < 0, &text[start..], 0, b' ', Align::Right)
}

/// The text of a float with so many digits after the point; None where the
/// general way must be taken.
pub fn fixed(f: f64, precision: usize) -> Option<PyStr> {
    if precision > PRECISION_MAX {
        return None;
    }
    let mut text = [0; TEXT_MAX];
    let start = digits(scaled(f.abs(), precision)?, precision, &mut text);
    let negative = f.is_sign_negative();
    Some(lay_out(negative, &text[start..], 0, b' ', Align::Right))
}

/// The repr of a float that is a decimal of few places, as amounts and measures are; None
/// where the general way must be taken.
pub fn short_repr(f: f64) -> Option<PyStr> {
    /// Decimals of so many digits are each read as another float, so one that is read as `f`
    /// is the shortest that is.
    const MANTISSA_END: f64 = 1e15;
    const SCALES: [f64; 5] = [1.0, 1e1, 1e2, 1e3, 1e4];
    let size = f.abs();
    // Both are exact, so their quotient is the float nearest to the decimal.
    let mantissa_at = |scale: f64| {
        let mantissa = (size * scale).round();
        (mantissa < MANTISSA_END && mantissa / scale == size).then_some(mantissa)
    };
    let found = SCALES.iter().enumerate().find_map(|(places, &scale)| {
        let mantissa = mantissa_at(scale)? as u128;
        Some((mantissa, places))
    });
    let (mantissa, places) = match found? {
        (whole, 0) => (whole * 10, 1),
        found => found,
    };
    let mut text = [0; TEXT_MAX];
    let start = digits(mantissa, places, &mut text);
    let negative = f.is_sign_negative();
    Some(lay_out(negative, &text[start..], 0, b' ', Align::Right))
}

/// The bytes of a short ASCII specification.
fn ascii(spec: &PyStr) -> Option<([u8; 12], usize)> {
    let mut cps = [0; 12];
    let n = spec.len();
    if n > cps.len() {
        return None;
    }
    for (slot, cp) in cps.iter_mut().zip(spec.chars()) {
        *slot = u8::try_from(cp).ok().filter(u8::is_ascii)?;
    }
    Some((cps, n))
}

/// `f * 10^precision` rounded half to even, exactly; None where it does not
/// fit, and for infinities and NaN.
fn scaled(f: f64, precision: usize) -> Option<u128> {
    let bits = f.to_bits();
    let exponent = (bits >> 52) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = match exponent {
        0 => (fraction, -1074),
        0x7ff => return None,
        _ => (fraction | 1 << 52, exponent - 1075),
    };
    // 53 bits times less than 57: no overflow.
    let product = u128::from(mantissa) * 10u128.pow(precision as u32);
    if exponent >= 0 {
        let fits = exponent as u32 <= product.leading_zeros();
        return fits.then(|| product << exponent);
    }
    let shift = exponent.unsigned_abs();
    if shift >= 127 {
        return None;
    }
    let (quotient, rest) = (product >> shift, product & ((1 << shift) - 1));
    let half = 1 << (shift - 1);
    let up = rest > half || rest == half && quotient & 1 == 1;
    Some(quotient + u128::from(up))
}

/// Writes decimal digits at the end of `text`, the last `after_point` of them
/// behind a point; gives where they begin.
fn digits(number: u128, after_point: usize, text: &mut [u8; TEXT_MAX]) -> usize {
    let mut at = TEXT_MAX;
    let mut written = 0;
    let mut put = |byte: u8| {
        at -= 1;
        text[at] = byte;
    };
    let mut high = number;
    while high > u128::from(u64::MAX) {
        put(b'0' + (high % 10) as u8);
        high /= 10;
        written += 1;
        if written == after_point {
            put(b'.');
        }
    }
    let mut low = high as u64;
    while low != 0 || written <= after_point {
        put(b'0' + (low % 10) as u8);
        low /= 10;
        written += 1;
        if written == after_point {
            put(b'.');
        }
    }
    at
}

fn lay_out(negative: bool, digits: &[u8], width: usize, fill: u8, align: Align) -> PyStr {
    let len = digits.len() + negative as usize;
    let room = width.saturating_sub(len);
    let before = match align {
        Align::Left => 0,
        Align::Center => room / 2,
        Align::Right | Align::Inside => room,
    };
    let mut out = [fill; WIDTH_MAX + TEXT_MAX];
    let sign_at = if align == Align::Inside { 0 } else { before };
    if negative {
        out[sign_at] = b'-';
    }
    let start = before + negative as usize;
    out[start..start + digits.len()].copy_from_slice(digits);
    PyStr::from_latin1(&out[..len + room])
}
