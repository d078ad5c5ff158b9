//! The str type: immutable text as CPython's PEP 393 stores it, in the
//! narrowest of one, two or four bytes per code point, lone surrogates
//! included. Takes and gives code points and indexes into them; never a VM
//! value, and never an error that the caller could not see coming.
//!
//! Indexes that callers pass are already those of Python's slicing rules: see
//! [`clamp_range`].

mod append;
mod builder;
mod case;
mod copy;
mod layout;
mod predicate;
mod repr;
mod search;
mod split;
mod unit;

use std::cell::{Cell, Ref, RefCell};
use std::cmp::Ordering;
use std::fmt;
use std::hash::Hasher as _;
use std::ops::Range;
use std::rc::Rc;

use siphasher::sip::SipHasher13;

use self::append::GrowBuf;
pub use self::builder::StrBuilder;
use self::copy::{Filled, copy_units};
pub use self::repr::bytes_repr;
pub use self::split::Side;
pub use self::unit::{Unit, Units};
use self::unit::{narrowest, on_units};

/// The result would be longer than the caller allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// An immutable str of 32 bytes; up to 21 Latin-1, 11 two-byte or 5 four-byte
/// units stand inside it.
///
/// ```
/// use lockstep_runtime::text::pystr::PyStr;
/// let s = PyStr::from("na\u{ef}ve \u{20ac}");
/// assert_eq!(s.len(), 7);
/// assert_eq!(s.char_at(6), Some(0x20ac));
/// assert_eq!(s.slice(0..5).unit_bytes(), 1);
/// ```
#[derive(Clone)]
pub struct PyStr {
    store: Store,
    /// 0 until the hash is asked for.
    hash: Cell<i64>,
}

const SMALL_1: usize = 21;
const SMALL_2: usize = 11;
const SMALL_4: usize = 5;

/// Invariant: the units are of the narrowest kind that holds the text, so that
/// equal texts have equal units.
#[derive(Clone)]
enum Store {
    Small1 {
        len: u8,
        ascii: bool,
        units: [u8; SMALL_1],
    },
    Small2 {
        len: u8,
        units: [u16; SMALL_2],
    },
    Small4 {
        len: u8,
        units: [u32; SMALL_4],
    },
    Heap1 {
        ascii: bool,
        units: Box<[u8]>,
    },
    Heap2(Box<[u16]>),
    Heap4(Box<[u32]>),
    /// The first `len` units of a buffer that longer strings share.
    Shared {
        ascii: bool,
        charged: u32,
        len: usize,
        buf: Rc<RefCell<GrowBuf>>,
    },
}

const _: () = assert!(size_of::<PyStr>() == 32);

/// Read access to a str's units; holding it keeps no append from working.
pub enum Text<'a> {
    Own(Units<'a>),
    Shared(Ref<'a, GrowBuf>, usize),
}

impl Text<'_> {
    #[inline]
    pub fn units(&self) -> Units<'_> {
        match self {
            Text::Own(units) => *units,
            Text::Shared(buf, len) => buf.prefix(*len),
        }
    }
}

/// Python's slice bounds as indexes: negative ones count from the end, all are
/// clipped to `0..=len`, except that a start beyond the end stays beyond it.
pub fn clamp_range(len: usize, start: i64, end: i64) -> (usize, usize) {
    let fix = |at: i64| {
        if at < 0 {
            at.saturating_add_unsigned(len as u64).max(0)
        } else {
            at
        }
    };
    (fix(start) as usize, (fix(end) as usize).min(len))
}

impl PyStr {
    /// The empty str.
    pub const fn empty() -> PyStr {
        PyStr::of(Store::Small1 {
            len: 0,
            ascii: true,
            units: [0; SMALL_1],
        })
    }

    const fn of(store: Store) -> Self {
        PyStr {
            store,
            hash: Cell::new(0),
        }
    }

    /// A str of one code point. None above U+10FFFF.
    pub fn from_code_point(cp: u32) -> Option<Self> {
        (cp <= 0x10_ffff).then(|| Self::from_cp(cp))
    }

    fn from_cp(cp: u32) -> Self {
        if cp < 0x100 {
            Self::from_latin1(&[cp as u8])
        } else if cp < 0x1_0000 {
            Self::from_narrow_2(&[cp as u16])
        } else {
            Self::from_narrow_4(&[cp])
        }
    }

    /// A str of the code points U+0000 to U+00FF.
    #[inline]
    pub fn from_latin1(units: &[u8]) -> Self {
        Self::latin1_known(units, units.is_ascii())
    }

    /// A str of owned Latin-1 units, without a copy where they are many.
    pub fn from_latin1_vec(units: Vec<u8>) -> Self {
        if units.len() <= SMALL_1 {
            return Self::from_latin1(&units);
        }
        let ascii = units.is_ascii();
        Self::latin1_vec_known(units, ascii)
    }

    fn latin1_vec_known(units: Vec<u8>, ascii: bool) -> Self {
        if units.len() <= SMALL_1 {
            return Self::latin1_known(&units, ascii);
        }
        Self::of(Store::Heap1 {
            ascii,
            units: units.into_boxed_slice(),
        })
    }

    #[inline]
    fn latin1_known(units: &[u8], ascii: bool) -> Self {
        if units.len() <= SMALL_1 {
            let mut small = [0; SMALL_1];
            copy_units(&mut small, units);
            Self::of(Store::Small1 {
                len: units.len() as u8,
                ascii,
                units: small,
            })
        } else {
            Self::of(Store::Heap1 {
                ascii,
                units: units.into(),
            })
        }
    }

    /// From units of which one is known to need two bytes.
    fn from_narrow_2(units: &[u16]) -> Self {
        debug_assert!(narrowest(units) == 2);
        if units.len() <= SMALL_2 {
            let mut small = [0; SMALL_2];
            small[..units.len()].copy_from_slice(units);
            Self::of(Store::Small2 {
                len: units.len() as u8,
                units: small,
            })
        } else {
            Self::of(Store::Heap2(units.into()))
        }
    }

    /// From units of which one is known to need four bytes.
    fn from_narrow_4(units: &[u32]) -> Self {
        debug_assert!(narrowest(units) == 4);
        if units.len() <= SMALL_4 {
            let mut small = [0; SMALL_4];
            small[..units.len()].copy_from_slice(units);
            Self::of(Store::Small4 {
                len: units.len() as u8,
                units: small,
            })
        } else {
            Self::of(Store::Heap4(units.into()))
        }
    }

    /// A str of any units; it is stored in the narrowest kind. Units of four
    /// bytes must be code points.
    pub fn from_units(units: Units<'_>) -> Self {
        match units {
            Units::Latin1(units) => Self::from_latin1(units),
            Units::Ucs2(units) => match narrowest(units) {
                1 => Self::from_latin1_vec(units.iter().map(|&u| u as u8).collect()),
                _ => Self::from_narrow_2(units),
            },
            Units::Ucs4(units) => match narrowest(units) {
                1 => Self::from_latin1_vec(units.iter().map(|&u| u as u8).collect()),
                2 => Self::from_narrow_2(&units.iter().map(|&u| u as u16).collect::<Vec<_>>()),
                _ => Self::from_narrow_4(units),
            },
        }
    }

    /// Read access to the units.
    #[inline]
    pub fn read(&self) -> Text<'_> {
        Text::Own(match &self.store {
            Store::Small1 { len, units, .. } => Units::Latin1(&units[..*len as usize]),
            Store::Small2 { len, units } => Units::Ucs2(&units[..*len as usize]),
            Store::Small4 { len, units } => Units::Ucs4(&units[..*len as usize]),
            Store::Heap1 { units, .. } => Units::Latin1(units),
            Store::Heap2(units) => Units::Ucs2(units),
            Store::Heap4(units) => Units::Ucs4(units),
            Store::Shared { len, buf, .. } => return Text::Shared(buf.borrow(), *len),
        })
    }

    /// The units where they are of one byte and no others share them: what most strs are,
    /// asked before `read`.
    #[inline(always)]
    pub fn own_latin1(&self) -> Option<&[u8]> {
        match &self.store {
            Store::Small1 { len, units, .. } => Some(&units[..*len as usize]),
            Store::Heap1 { units, .. } => Some(units),
            _ => None,
        }
    }

    /// The number of code points.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.store {
            Store::Small1 { len, .. } | Store::Small2 { len, .. } | Store::Small4 { len, .. } => {
                *len as usize
            }
            Store::Heap1 { units, .. } => units.len(),
            Store::Heap2(units) => units.len(),
            Store::Heap4(units) => units.len(),
            Store::Shared { len, .. } => *len,
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `str.isascii`, known without looking at the text.
    #[inline]
    pub fn is_ascii(&self) -> bool {
        match &self.store {
            Store::Small1 { ascii, .. }
            | Store::Heap1 { ascii, .. }
            | Store::Shared { ascii, .. } => *ascii,
            _ => false,
        }
    }

    /// The one code point that it is, where that is below 256.
    #[inline]
    pub fn as_latin1_char(&self) -> Option<u8> {
        match &self.store {
            Store::Small1 { len: 1, units, .. } => Some(units[0]),
            _ => None,
        }
    }

    /// Whether it is this text, and that is ASCII.
    #[inline]
    pub fn is_the_ascii(&self, text: &str) -> bool {
        let units = match &self.store {
            Store::Small1 { len, units, ascii } if *ascii => &units[..*len as usize],
            Store::Heap1 { units, ascii, .. } if *ascii => &units[..],
            _ => return false,
        };
        units == text.as_bytes()
    }

    /// Bytes per code point: 1, 2 or 4.
    pub fn unit_bytes(&self) -> usize {
        match self.read().units() {
            Units::Latin1(_) => 1,
            Units::Ucs2(_) => 2,
            Units::Ucs4(_) => 4,
        }
    }

    /// The bytes that this str added to the heap outside itself. A str that
    /// shares a growing buffer counts only what it added to that.
    pub fn heap_bytes(&self) -> usize {
        match &self.store {
            Store::Heap1 { units, .. } => units.len(),
            Store::Heap2(units) => units.len() * 2,
            Store::Heap4(units) => units.len() * 4,
            Store::Shared { charged, .. } => *charged as usize,
            _ => 0,
        }
    }

    /// The code point at an index.
    #[inline]
    pub fn char_at(&self, at: usize) -> Option<u32> {
        if let Some(units) = self.own_latin1() {
            return units.get(at).map(|&u| u as u32);
        }
        match self.read().units() {
            Units::Latin1(units) => units.get(at).map(|&u| u as u32),
            Units::Ucs2(units) => units.get(at).map(|&u| u as u32),
            Units::Ucs4(units) => units.get(at).copied(),
        }
    }

    /// The one-character str at an index.
    #[inline]
    pub fn index(&self, at: usize) -> Option<PyStr> {
        self.char_at(at).map(Self::from_cp)
    }

    /// The code points in order.
    pub fn chars(&self) -> Chars<'_> {
        Chars {
            text: self.read(),
            at: 0,
            end: self.len(),
        }
    }

    /// The text between two indexes; they are clipped to the str.
    pub fn slice(&self, range: Range<usize>) -> PyStr {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        if let Some(units) = self.own_latin1() {
            let part = &units[start..end];
            return Self::latin1_known(part, self.is_ascii() || part.is_ascii());
        }
        match self.read().units() {
            Units::Latin1(units) => {
                let part = &units[start..end];
                Self::latin1_known(part, self.is_ascii() || part.is_ascii())
            }
            Units::Ucs2(units) => Self::from_units(Units::Ucs2(&units[start..end])),
            Units::Ucs4(units) => Self::from_units(Units::Ucs4(&units[start..end])),
        }
    }

    /// `count` code points from `start` on, each `step` after the one before:
    /// an extended slice whose bounds the caller has resolved. Indexes outside
    /// the str are skipped.
    pub fn slice_step(&self, start: usize, step: isize, count: usize) -> PyStr {
        let places = (0..count).map_while(|i| {
            isize::try_from(i)
                .ok()?
                .checked_mul(step)
                .and_then(|d| start.checked_add_signed(d))
        });
        on_units!(self.read().units(), units => {
            let picked: Vec<_> = places.map_while(|at| units.get(at).copied()).collect();
            Self::from_units(Unit::wrap(&picked))
        })
    }

    /// Both texts, one after the other, in an allocation of exactly their size.
    pub fn concat(&self, other: &PyStr) -> PyStr {
        let (a, b) = (self.read(), other.read());
        if let (Units::Latin1(a), Units::Latin1(b)) = (a.units(), b.units()) {
            let ascii = self.is_ascii() && other.is_ascii();
            let len = a.len() + b.len();
            if len <= SMALL_1 {
                let mut units = [0; SMALL_1];
                copy_units(&mut units, a);
                copy_units(&mut units[a.len()..], b);
                return Self::of(Store::Small1 {
                    len: len as u8,
                    ascii,
                    units,
                });
            }
            let units = [a, b].concat().into_boxed_slice();
            return Self::of(Store::Heap1 { ascii, units });
        }
        let mut builder = StrBuilder::with_width(
            a.units().bytes().max(b.units().bytes()),
            a.units().len() + b.units().len(),
        );
        builder.push_units(a.units());
        builder.push_units(b.units());
        builder.finish()
    }

    /// The text `times` times over. The caller has checked the size.
    pub fn repeat(&self, times: usize) -> PyStr {
        if times == 1 {
            return self.clone();
        }
        match self.read().units() {
            Units::Latin1(units) => {
                let units = units.repeat(times);
                if units.len() <= SMALL_1 {
                    return Self::latin1_known(&units, self.is_ascii() || times == 0);
                }
                let ascii = self.is_ascii();
                Self::of(Store::Heap1 {
                    ascii,
                    units: units.into_boxed_slice(),
                })
            }
            Units::Ucs2(units) => Self::from_units(Units::Ucs2(&units.repeat(times))),
            Units::Ucs4(units) => Self::from_units(Units::Ucs4(&units.repeat(times))),
        }
    }

    /// `separator.join(parts)`.
    ///
    /// # Errors
    /// The result would have more than `max_len` code points.
    pub fn join<'a>(
        separator: &PyStr,
        parts: impl Iterator<Item = &'a PyStr> + Clone,
        max_len: usize,
    ) -> Result<PyStr, TooLong> {
        let mut len = 0usize;
        let mut is_latin1 = separator.own_latin1().is_some();
        let mut is_ascii = separator.is_ascii();
        for (i, part) in parts.clone().enumerate() {
            let gap = if i == 0 { 0 } else { separator.len() };
            len = len.saturating_add(part.len()).saturating_add(gap);
            is_latin1 &= part.own_latin1().is_some();
            is_ascii &= part.is_ascii();
        }
        if len > max_len {
            return Err(TooLong);
        }
        if is_latin1 {
            let gap = separator.own_latin1().unwrap_or_default();
            let mut filled = Filled::new(len);
            for (i, part) in parts.enumerate() {
                if i > 0 {
                    filled.push(gap);
                }
                filled.push(part.own_latin1().unwrap_or_default());
            }
            let units = filled.finish();
            // A separator that stands nowhere says nothing about the text.
            let is_ascii = is_ascii || units.is_ascii();
            return Ok(Self::latin1_vec_known(units, is_ascii));
        }
        let mut builder = StrBuilder::with_capacity(len);
        let separator = separator.read();
        for (i, part) in parts.enumerate() {
            if i > 0 {
                builder.push_units(separator.units());
            }
            builder.push(part);
        }
        Ok(builder.finish())
    }

    /// `hash()` of the str, under the seed 0.
    #[inline]
    pub fn hash(&self) -> i64 {
        let cached = self.hash.get();
        if cached != 0 {
            return cached;
        }
        let hash = self.compute_hash();
        self.hash.set(hash);
        hash
    }

    #[cold]
    fn compute_hash(&self) -> i64 {
        let text = self.read();
        if let Units::Latin1(units) = text.units() {
            return super::hash::bytes(units);
        }
        let mut hasher = SipHasher13::new_with_keys(0, 0);
        match text.units() {
            Units::Latin1(_) => {}
            Units::Ucs2(units) => units.iter().for_each(|u| hasher.write(&u.to_le_bytes())),
            Units::Ucs4(units) => units.iter().for_each(|u| hasher.write(&u.to_le_bytes())),
        }
        match hasher.finish() as i64 {
            -1 => -2,
            hash => hash,
        }
    }

    /// Whether the text is this one.
    pub fn eq_str(&self, other: &str) -> bool {
        match self.read().units() {
            Units::Latin1(units) if self.is_ascii() => units == other.as_bytes(),
            _ => self.chars().eq(other.chars().map(|c| c as u32)),
        }
    }

    /// Appends the text as UTF-8.
    ///
    /// # Errors
    /// The index of the first surrogate; then nothing was appended.
    pub fn push_utf8(&self, out: &mut Vec<u8>) -> Result<(), usize> {
        let text = self.read();
        if let Units::Latin1(units) = text.units()
            && self.is_ascii()
        {
            out.extend_from_slice(units);
            return Ok(());
        }
        let before = out.len();
        out.reserve(self.len());
        for (at, cp) in self.chars().enumerate() {
            let Some(c) = char::from_u32(cp) else {
                out.truncate(before);
                return Err(at);
            };
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Ok(())
    }

    /// The text of ASCII that no others share, as a Rust string.
    fn as_ascii(&self) -> Option<&str> {
        let units = self.own_latin1().filter(|_| self.is_ascii())?;
        std::str::from_utf8(units).ok()
    }

    /// The text as a Rust string.
    ///
    /// # Errors
    /// The index of the first surrogate.
    pub fn to_utf8(&self) -> Result<String, usize> {
        if let Some(text) = self.as_ascii() {
            return Ok(text.to_owned());
        }
        let mut out = String::with_capacity(self.len());
        for (at, cp) in self.chars().enumerate() {
            out.push(char::from_u32(cp).ok_or(at)?);
        }
        Ok(out)
    }

    /// The text as it stands on standard error, whose handler is `backslashreplace`: a lone
    /// surrogate is `\udce9`.
    pub fn to_escaped(&self) -> String {
        self.to_utf8().unwrap_or_else(|_| {
            self.chars()
                .map(|cp| match char::from_u32(cp) {
                    Some(c) => c.to_string(),
                    None => format!("\\u{cp:04x}"),
                })
                .collect()
        })
    }

    /// The text as a Rust string, with U+FFFD for surrogates.
    pub fn to_lossy(&self) -> String {
        if let Some(text) = self.as_ascii() {
            return text.to_owned();
        }
        self.chars()
            .map(|cp| char::from_u32(cp).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    }
}

/// The code points of a str.
pub struct Chars<'a> {
    text: Text<'a>,
    at: usize,
    end: usize,
}

impl Iterator for Chars<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        if self.at == self.end {
            return None;
        }
        let cp = self.text.units().at(self.at);
        self.at += 1;
        Some(cp)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.at;
        (left, Some(left))
    }
}

impl DoubleEndedIterator for Chars<'_> {
    fn next_back(&mut self) -> Option<u32> {
        if self.at == self.end {
            return None;
        }
        self.end -= 1;
        Some(self.text.units().at(self.end))
    }
}

impl ExactSizeIterator for Chars<'_> {}

impl From<&str> for PyStr {
    fn from(text: &str) -> Self {
        if text.is_ascii() {
            return Self::latin1_known(text.as_bytes(), true);
        }
        let mut builder = StrBuilder::with_capacity(text.len());
        builder.push_str(text);
        builder.finish()
    }
}

impl From<String> for PyStr {
    fn from(text: String) -> Self {
        if text.len() > SMALL_1 && text.is_ascii() {
            let units = text.into_bytes().into_boxed_slice();
            return Self::of(Store::Heap1 { ascii: true, units });
        }
        Self::from(text.as_str())
    }
}

impl From<char> for PyStr {
    fn from(c: char) -> Self {
        Self::from_cp(c as u32)
    }
}

impl Default for PyStr {
    fn default() -> Self {
        Self::empty()
    }
}

impl PartialEq for PyStr {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        if let (Some(a), Some(b)) = (self.own_latin1(), other.own_latin1()) {
            return a == b;
        }
        if self.len() != other.len() {
            return false;
        }
        match (self.read().units(), other.read().units()) {
            (Units::Latin1(a), Units::Latin1(b)) => a == b,
            (Units::Ucs2(a), Units::Ucs2(b)) => a == b,
            (Units::Ucs4(a), Units::Ucs4(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for PyStr {}

impl PartialOrd for PyStr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PyStr {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Some(a), Some(b)) = (self.own_latin1(), other.own_latin1()) {
            return a.cmp(b);
        }
        match (self.read().units(), other.read().units()) {
            (Units::Latin1(a), Units::Latin1(b)) => a.cmp(b),
            (Units::Ucs2(a), Units::Ucs2(b)) => a.cmp(b),
            _ => self.chars().cmp(other.chars()),
        }
    }
}

impl std::hash::Hash for PyStr {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_i64(PyStr::hash(self));
    }
}

impl fmt::Display for PyStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_lossy())
    }
}

impl fmt::Debug for PyStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repr())
    }
}

#[cfg(test)]
mod tests;
