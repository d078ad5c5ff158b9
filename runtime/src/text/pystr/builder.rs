//! Builds a str piece by piece. Starts with one byte per unit and widens when
//! a piece needs it, so the result is in its narrowest form.

use super::unit::{Unit, narrowest};
use super::{PyStr, Store, Units};

/// As many Latin-1 units need no allocation while the text grows.
const SHORT: usize = 46;

/// A growing text.
#[derive(Clone, Debug)]
pub struct StrBuilder(Buf);

#[derive(Clone, Debug)]
enum Buf {
    Short(Short),
    Latin1(Vec<u8>),
    Ucs2(Vec<u16>),
    Ucs4(Vec<u32>),
}

#[derive(Clone, Debug)]
struct Short {
    len: u8,
    units: [u8; SHORT],
}

impl Short {
    const EMPTY: Short = Short {
        len: 0,
        units: [0; SHORT],
    };

    #[inline]
    fn as_slice(&self) -> &[u8] {
        &self.units[..usize::from(self.len)]
    }

    /// Whether there was room for the units; else nothing was done.
    #[inline]
    fn push(&mut self, more: &[u8]) -> bool {
        let from = usize::from(self.len);
        match self.units.get_mut(from..from + more.len()) {
            Some(room) => {
                room.copy_from_slice(more);
                self.len += more.len() as u8;
                true
            }
            None => false,
        }
    }

    /// The same units with room for as many more, and at least `room`.
    #[cold]
    fn grown(&self, room: usize) -> Buf {
        let units = self.as_slice();
        let mut grown = Vec::with_capacity(units.len() + room.max(SHORT));
        grown.extend_from_slice(units);
        Buf::Latin1(grown)
    }
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
        StrBuilder(Buf::Short(Short::EMPTY))
    }

    /// With room for `n` Latin-1 code points.
    pub fn with_capacity(n: usize) -> Self {
        StrBuilder(match n {
            0..=SHORT => Buf::Short(Short::EMPTY),
            _ => Buf::Latin1(Vec::with_capacity(n)),
        })
    }

    /// With room for `n` units of `bytes` bytes. The caller will push at least
    /// one code point that needs that width.
    pub(super) fn with_width(bytes: usize, n: usize) -> Self {
        StrBuilder(match bytes {
            1 => return StrBuilder::with_capacity(n),
            2 => Buf::Ucs2(Vec::with_capacity(n)),
            _ => Buf::Ucs4(Vec::with_capacity(n)),
        })
    }

    /// The number of code points so far.
    pub fn len(&self) -> usize {
        match &self.0 {
            Buf::Short(short) => usize::from(short.len),
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
            (Buf::Short(short), 2) => self.0 = Buf::Ucs2(widen(short.as_slice())),
            (Buf::Short(short), 4) => self.0 = Buf::Ucs4(widen(short.as_slice())),
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
            Buf::Short(short) if cp < 0x100 => {
                if !short.push(&[cp as u8]) {
                    self.0 = short.grown(1);
                    self.push_cp(cp);
                }
            }
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
            Buf::Short(short) => {
                let from = usize::from(short.len);
                match short.units.get_mut(from..from.saturating_add(times)) {
                    Some(room) => {
                        room.fill(cp as u8);
                        short.len += times as u8;
                    }
                    None => {
                        self.0 = short.grown(times);
                        self.push_repeated(cp, times);
                    }
                }
            }
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
    #[inline]
    pub fn push_units(&mut self, units: Units<'_>) {
        if let Units::Latin1(units) = units {
            let done = match &mut self.0 {
                Buf::Short(short) => short.push(units),
                Buf::Latin1(out) => {
                    out.extend_from_slice(units);
                    true
                }
                _ => false,
            };
            if done {
                return;
            }
        }
        self.push_widening(units);
    }

    fn push_widening(&mut self, units: Units<'_>) {
        match units {
            Units::Latin1(_) => {}
            Units::Ucs2(units) => self.need(narrowest(units)),
            Units::Ucs4(units) => self.need(narrowest(units)),
        }
        if let Buf::Short(short) = &self.0 {
            self.0 = short.grown(units.len());
        }
        match (&mut self.0, units) {
            (Buf::Short(_), _) => unreachable!("it has just grown"),
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
            Buf::Short(short) => PyStr::from_latin1(short.as_slice()),
            Buf::Latin1(units) => PyStr::from_latin1_vec(units),
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
