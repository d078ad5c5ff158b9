//! `repr()` and `ascii()` of a str, and the quoting that bytes share.

use super::{PyStr, StrBuilder, Units};
use crate::text::unicode;

/// The quote that a literal takes: double only where that saves an escape.
fn quote(has_single: bool, has_double: bool) -> u32 {
    if has_single && !has_double {
        '"' as u32
    } else {
        '\'' as u32
    }
}

fn push_hex(out: &mut StrBuilder, letter: char, digits: u32, cp: u32) {
    out.push_cp('\\' as u32);
    out.push_cp(letter as u32);
    for at in (0..digits).rev() {
        out.push_cp(b"0123456789abcdef"[(cp >> (4 * at) & 15) as usize] as u32);
    }
}

fn push_escape(out: &mut StrBuilder, cp: u32) {
    match cp {
        0..0x100 => push_hex(out, 'x', 2, cp),
        0x100..0x1_0000 => push_hex(out, 'u', 4, cp),
        _ => push_hex(out, 'U', 8, cp),
    }
}

impl PyStr {
    /// `repr()` of the str.
    pub fn repr(&self) -> PyStr {
        self.literal(unicode::is_printable)
    }

    /// `ascii()` of the str.
    pub fn ascii(&self) -> PyStr {
        self.literal(|cp| (32..127).contains(&cp))
    }

    fn literal(&self, shown: fn(u32) -> bool) -> PyStr {
        let text = self.read();
        let units = text.units();
        let quote = quote(
            self.chars().any(|cp| cp == '\'' as u32),
            self.chars().any(|cp| cp == '"' as u32),
        );
        let mut out = StrBuilder::with_capacity(units.len() + 2);
        out.push_cp(quote);
        for cp in self.chars() {
            match cp {
                9 => out.push_str("\\t"),
                10 => out.push_str("\\n"),
                13 => out.push_str("\\r"),
                92 => out.push_str("\\\\"),
                _ if cp == quote => {
                    out.push_cp(92);
                    out.push_cp(cp);
                }
                _ if shown(cp) => out.push_cp(cp),
                _ => push_escape(&mut out, cp),
            }
        }
        out.push_cp(quote);
        out.finish()
    }
}

/// `repr()` of a bytes object.
pub fn bytes_repr(data: &[u8]) -> PyStr {
    let quote = quote(data.contains(&b'\''), data.contains(&b'"'));
    let mut out = StrBuilder::with_capacity(data.len() + 3);
    out.push_cp('b' as u32);
    out.push_cp(quote);
    for &byte in data {
        match byte {
            9 => out.push_str("\\t"),
            10 => out.push_str("\\n"),
            13 => out.push_str("\\r"),
            92 => out.push_str("\\\\"),
            _ if byte as u32 == quote => out.push_units(Units::Latin1(&[92, byte])),
            32..127 => out.push_cp(byte as u32),
            _ => push_hex(&mut out, 'x', 2, byte as u32),
        }
    }
    out.push_cp(quote);
    out.finish()
}
