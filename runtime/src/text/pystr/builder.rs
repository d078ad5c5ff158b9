//! Builds a str piece by piece. Starts with one byte per unit and widens when
//! a piece needs it, so the result is in its narrowest form.

use smallvec::SmallVec;

use super::unit::{Unit, narrowest};
use super::{PyStr, Store, Units};

/// Latin-1 units that need no allocation while the text grows.
const SHORT: usize = 64;

/// A growing text.
#[derive(Clone, Debug)]
pub struct StrBuilder(Buf);

#[derive(Clone, Debug)]
enum Buf {
    Latin1(SmallVec<[u8; SHORT]>),
    Ucs2(Vec<u16>),
    Ucs4(Vec<u32>),
}

impl Default for StrBuilder {
    fn default() -> Self {
        Self::new()
    }
}

fn widen<A: Unit, B: Unit>(units: &[A]) -> Vec<B> {
    let mut wide = Vec::with_capacity(units.len() + units.len() / 2 + 8);
    wide.extend(units.iter().map(|u| B::of_cp(u.cp())));
    wide
}

fn extend<A: Unit, B: Unit>(out: &mut Vec<A>, units: &[B]) {
    out.extend(units.iter().map(|u| A::of_cp(u.cp())));
}

impl StrBuilder {
    pub fn new() -> Self {
        StrBuilder(Buf::Latin1(SmallVec::new()))
    }

    /// With room for `n` Latin-1 code points.
    pub fn with_capacity(n: usize) -> Self {
        StrBuilder(Buf::Latin1(SmallVec::with_capacity(n)))
    }

    /// With room for `n` units of `bytes` bytes. The caller will push at least
    /// one code point that needs that width.
    pub(super) fn with_width(bytes: usize, n: usize) -> Self {
        StrBuilder(match bytes {
            1 => Buf::Latin1(SmallVec::with_capacity(n)),
            2 => Buf::Ucs2(Vec::with_capacity(n)),
            _ => Buf::Ucs4(Vec::with_capacity(n)),
        })
    }

    /// The number of code points so far.
    pub fn len(&self) -> usize {
        match &self.0 {
            Buf::Latin1(units) => units.len(),
            Buf::Ucs2(units) => units.len(),
            Buf::Ucs4(units) => units.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes units of at least `bytes` bytes.
    fn need(&mut self, bytes: usize) {
        match (&self.0, bytes) {
            (Buf::Latin1(units), 2) => self.0 = Buf::Ucs2(widen(units)),
            (Buf::Latin1(units), 4) => self.0 = Buf::Ucs4(widen(units)),
            (Buf::Ucs2(units), 4) => self.0 = Buf::Ucs4(widen(units)),
            _ => {}
        }
    }

    /// Appends a code point.
    #[inline]
    pub fn push_cp(&mut self, cp: u32) {
        match &mut self.0 {
            Buf::Latin1(units) if cp < 0x100 => units.push(cp as u8),
            Buf::Ucs2(units) if cp < 0x1_0000 => units.push(cp as u16),
            Buf::Ucs4(units) => units.push(cp),
            _ => {
                self.need(if cp < 0x1_0000 { 2 } else { 4 });
                self.push_cp(cp);
            }
        }
    }

    /// Appends a code point `times` times.
    pub fn push_repeated(&mut self, cp: u32, times: usize) {
        if times == 0 {
            return;
        }
        self.need(if cp < 0x100 {
            1
        } else if cp < 0x1_0000 {
            2
        } else {
            4
        });
        match &mut self.0 {
            Buf::Latin1(units) => units.resize(units.len() + times, cp as u8),
            Buf::Ucs2(units) => units.resize(units.len() + times, cp as u16),
            Buf::Ucs4(units) => units.resize(units.len() + times, cp),
        }
    }

    /// Appends a str.
    #[inline]
    pub fn push(&mut self, text: &PyStr) {
        self.push_units(text.read().units());
    }

    /// Appends units; those of a part of a str may be wider than they need.
    pub fn push_units(&mut self, units: Units<'_>) {
        match units {
            Units::Latin1(_) => {}
            Units::Ucs2(units) => self.need(narrowest(units)),
            Units::Ucs4(units) => self.need(narrowest(units)),
        }
        match (&mut self.0, units) {
            (Buf::Latin1(out), Units::Latin1(units)) => out.extend_from_slice(units),
            (Buf::Latin1(out), Units::Ucs2(units)) => out.extend(units.iter().map(|&u| u as u8)),
            (Buf::Latin1(out), Units::Ucs4(units)) => out.extend(units.iter().map(|&u| u as u8)),
            (Buf::Ucs2(out), Units::Latin1(units)) => extend(out, units),
            (Buf::Ucs2(out), Units::Ucs2(units)) => out.extend_from_slice(units),
            (Buf::Ucs2(out), Units::Ucs4(units)) => extend(out, units),
            (Buf::Ucs4(out), Units::Latin1(units)) => extend(out, units),
            (Buf::Ucs4(out), Units::Ucs2(units)) => extend(out, units),
            (Buf::Ucs4(out), Units::Ucs4(units)) => out.extend_from_slice(units),
        }
    }

    /// Appends a Rust string.
    pub fn push_str(&mut self, text: &str) {
        if text.is_ascii() {
            return self.push_units(Units::Latin1(text.as_bytes()));
        }
        for c in text.chars() {
            self.push_cp(c as u32);
        }
    }

    /// The finished str.
    pub fn finish(self) -> PyStr {
        match self.0 {
            Buf::Latin1(units) if units.len() <= SHORT => PyStr::from_latin1(&units),
            Buf::Latin1(units) => PyStr::from_latin1_vec(units.into_vec()),
            Buf::Ucs2(units) if units.len() <= super::SMALL_2 => PyStr::from_narrow_2(&units),
            Buf::Ucs2(units) => PyStr::of(Store::Heap2(units.into_boxed_slice())),
            Buf::Ucs4(units) if units.len() <= super::SMALL_4 => PyStr::from_narrow_4(&units),
            Buf::Ucs4(units) => PyStr::of(Store::Heap4(units.into_boxed_slice())),
        }
    }
}

impl std::fmt::Write for StrBuilder {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push_str(text);
        Ok(())
    }
}
