//! Case mappings of a whole str, with the special cases of Unicode that
//! CPython follows: one code point to several, and the final sigma.

use super::{PyStr, StrBuilder, Units};
use crate::text::unicode::{self, Case, map_case};

const SIGMA: u32 = 0x3a3;
const SMALL_SIGMA: u32 = 0x3c3;
const FINAL_SIGMA: u32 = 0x3c2;

/// A capital sigma is final after a cased letter and not before one; marks and
/// the like in between don't count.
fn sigma(units: Units<'_>, at: usize) -> u32 {
    let before = (0..at)
        .rev()
        .map(|i| units.at(i))
        .find(|&cp| !unicode::is_case_ignorable(cp));
    let after = (at + 1..units.len())
        .map(|i| units.at(i))
        .find(|&cp| !unicode::is_case_ignorable(cp));
    if before.is_some_and(unicode::is_cased) && !after.is_some_and(unicode::is_cased) {
        FINAL_SIGMA
    } else {
        SMALL_SIGMA
    }
}

fn push_lower(out: &mut StrBuilder, units: Units<'_>, at: usize) {
    match units.at(at) {
        SIGMA => out.push_cp(sigma(units, at)),
        cp => map_case(cp, Case::Lower, |cp| out.push_cp(cp)),
    }
}

impl PyStr {
    /// Maps each code point by itself, or ASCII bytes at once.
    fn map_all(&self, ascii: impl Fn(&[u8]) -> Vec<u8>, case: Case) -> PyStr {
        let text = self.read();
        match text.units() {
            Units::Latin1(units) if self.is_ascii() => PyStr::latin1_vec_known(ascii(units), true),
            units => {
                let mut out = StrBuilder::with_capacity(units.len());
                for at in 0..units.len() {
                    match case {
                        Case::Lower => push_lower(&mut out, units, at),
                        _ => map_case(units.at(at), case, |cp| out.push_cp(cp)),
                    }
                }
                out.finish()
            }
        }
    }

    /// `str.upper`.
    pub fn upper(&self) -> PyStr {
        self.map_all(<[u8]>::to_ascii_uppercase, Case::Upper)
    }

    /// `str.lower`.
    pub fn lower(&self) -> PyStr {
        self.map_all(<[u8]>::to_ascii_lowercase, Case::Lower)
    }

    /// `str.casefold`.
    pub fn casefold(&self) -> PyStr {
        self.map_all(<[u8]>::to_ascii_lowercase, Case::Fold)
    }

    /// `str.capitalize`: the first code point in title case, the rest lower.
    pub fn capitalize(&self) -> PyStr {
        let text = self.read();
        let units = text.units();
        let mut out = StrBuilder::with_capacity(units.len());
        for at in 0..units.len() {
            match at {
                0 => map_case(units.at(0), Case::Title, |cp| out.push_cp(cp)),
                _ => push_lower(&mut out, units, at),
            }
        }
        out.finish()
    }

    /// `str.title`: title case at the start of each run of cased letters.
    pub fn title(&self) -> PyStr {
        let text = self.read();
        let units = text.units();
        let mut out = StrBuilder::with_capacity(units.len());
        let mut inside = false;
        for at in 0..units.len() {
            let cp = units.at(at);
            if inside {
                push_lower(&mut out, units, at);
            } else {
                map_case(cp, Case::Title, |cp| out.push_cp(cp));
            }
            inside = unicode::is_cased(cp);
        }
        out.finish()
    }

    /// `str.swapcase`.
    pub fn swapcase(&self) -> PyStr {
        let text = self.read();
        let units = text.units();
        let mut out = StrBuilder::with_capacity(units.len());
        for at in 0..units.len() {
            let cp = units.at(at);
            if unicode::is_upper(cp) {
                push_lower(&mut out, units, at);
            } else if unicode::is_lower(cp) {
                map_case(cp, Case::Upper, |cp| out.push_cp(cp));
            } else {
                out.push_cp(cp);
            }
        }
        out.finish()
    }
}
