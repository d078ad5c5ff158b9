//! Strs as JSON writes them: in quotes, with escapes.

use lockstep_runtime::text::pystr::{PyStr, StrBuilder, Units};
use lockstep_runtime::{PyResult, Value, Vm};

/// `encode_basestring` and `encode_basestring_ascii`.
pub fn quoted_value(vm: &mut Vm, v: Value, ascii: bool) -> PyResult {
    let Some(text) = vm.heap.as_str(v) else {
        return Err(super::first_not_str(vm, v));
    };
    let mut out = StrBuilder::with_capacity(text.len() + 2);
    push_quoted(&mut out, text, ascii);
    Ok(vm.heap.str(out.finish()))
}

/// Whether a code point stands for itself between quotes.
#[inline]
fn is_plain(cp: u32, ascii: bool) -> bool {
    cp >= 0x20 && cp != '"' as u32 && cp != '\\' as u32 && (!ascii || cp < 0x7f)
}

/// Appends `text` in quotes; with `ascii` nothing beyond ASCII.
pub fn push_quoted(out: &mut StrBuilder, text: &PyStr, ascii: bool) {
    out.push_cp('"' as u32);
    let read = text.read();
    match read.units() {
        Units::Latin1(units) => push_units(
            out,
            units,
            ascii,
            |u| u as u32,
            |out, part| {
                out.push_units(Units::Latin1(part));
            },
        ),
        Units::Ucs2(units) => push_units(
            out,
            units,
            ascii,
            |u| u as u32,
            |out, part| {
                out.push_units(Units::Ucs2(part));
            },
        ),
        Units::Ucs4(units) => push_units(
            out,
            units,
            ascii,
            |u| u,
            |out, part| {
                out.push_units(Units::Ucs4(part));
            },
        ),
    }
    out.push_cp('"' as u32);
}

fn push_units<U: Copy>(
    out: &mut StrBuilder,
    mut units: &[U],
    ascii: bool,
    cp_of: fn(U) -> u32,
    push: fn(&mut StrBuilder, &[U]),
) {
    loop {
        let end = units.iter().position(|&u| !is_plain(cp_of(u), ascii));
        let Some(end) = end else {
            push(out, units);
            return;
        };
        push(out, &units[..end]);
        push_escape(out, cp_of(units[end]));
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
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        let digit = unit >> shift & 0xf;
        out.push_cp(b"0123456789abcdef"[digit as usize] as u32);
    }
}
