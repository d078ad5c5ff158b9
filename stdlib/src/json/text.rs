//! Strs as JSON writes them: in quotes, with escapes.

use lockstep_runtime::text::pystr::{PyStr, StrBuilder, Unit, Units};
use lockstep_runtime::{PyResult, Value, Vm};

use super::token::with_units;

/// `encode_basestring` and `encode_basestring_ascii`.
pub fn quoted_value(vm: &mut Vm, v: Value, ascii: bool) -> PyResult {
    let Some(text) = vm.heap.as_str(v) else {
        return Err(super::first_not_str(vm, v));
    };
    let mut out = StrBuilder::with_capacity(text.len() + 2);
    push_quoted(&mut out, text, ascii);
    Ok(vm.heap.str(out.finish()))
}

/// Beside each code point below 256, how it can stand for itself between quotes.
static PLAIN: [u8; 256] = {
    let mut table = [PLAIN_WIDE; 256];
    let mut cp = 0;
    while cp < 0x7f {
        table[cp] = match cp as u8 {
            b'"' | b'\\' | 0..0x20 => 0,
            _ => PLAIN_ASCII | PLAIN_WIDE,
        };
        cp += 1;
    }
    table
};

/// It may stand in text of ASCII alone.
const PLAIN_ASCII: u8 = 1;
/// It may stand where what is beyond ASCII may.
const PLAIN_WIDE: u8 = 2;

/// Appends `text` in quotes; with `ascii` nothing beyond ASCII.
#[inline]
pub fn push_quoted(out: &mut StrBuilder, text: &PyStr, ascii: bool) {
    out.push_cp('"' as u32);
    let read = text.read();
    with_units!(read.units(), units => push_units(out, units, ascii));
    out.push_cp('"' as u32);
}

fn push_units<U: Unit>(out: &mut StrBuilder, mut units: &[U], ascii: bool) {
    let asked = if ascii { PLAIN_ASCII } else { PLAIN_WIDE };
    let is_plain = |u: &U| match PLAIN.get(u.cp() as usize) {
        Some(how) => how & asked != 0,
        None => !ascii,
    };
    loop {
        let end = units.iter().position(|u| !is_plain(u));
        let Some(end) = end else {
            out.push_units(U::wrap(units));
            return;
        };
        out.push_units(U::wrap(&units[..end]));
        push_escape(out, units[end].cp());
        units = &units[end + 1..];
    }
}

fn push_escape(out: &mut StrBuilder, cp: u32) {
    let short = match cp {
        0x22 => "\\\"",
        0x5c => "\\\\",
        0x0a => "\\n",
        0x0d => "\\r",
        0x09 => "\\t",
        0x0c => "\\f",
        0x08 => "\\b",
        0x1_0000.. => {
            let above = cp - 0x1_0000;
            push_hex(out, 0xd800 | above >> 10);
            return push_hex(out, 0xdc00 | above & 0x3ff);
        }
        _ => return push_hex(out, cp),
    };
    out.push_str(short);
}

fn push_hex(out: &mut StrBuilder, unit: u32) {
    let digit = |shift: u32| b"0123456789abcdef"[(unit >> shift & 0xf) as usize];
    let escape = [b'\\', b'u', digit(12), digit(8), digit(4), digit(0)];
    out.push_units(Units::Latin1(&escape));
}
