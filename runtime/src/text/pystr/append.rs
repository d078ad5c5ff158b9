//! What makes `s += x` in a loop linear: a str may be the first part of a
//! buffer that the next, longer str shares. Appending to the str that ends
//! where the buffer ends extends the buffer; no str's text ever changes.

use std::cell::RefCell;
use std::rc::Rc;

use super::unit::{Unit, on_units};
use super::{PyStr, Store, Units};

/// Below this many code points a plain copy is cheaper.
const SHARED_MIN: usize = 64;

/// A buffer of units that only grows.
#[derive(Debug)]
pub enum GrowBuf {
    Latin1(Vec<u8>),
    Ucs2(Vec<u16>),
    Ucs4(Vec<u32>),
}

impl GrowBuf {
    pub(super) fn prefix(&self, len: usize) -> Units<'_> {
        match self {
            GrowBuf::Latin1(units) => Units::Latin1(&units[..len]),
            GrowBuf::Ucs2(units) => Units::Ucs2(&units[..len]),
            GrowBuf::Ucs4(units) => Units::Ucs4(&units[..len]),
        }
    }

    fn len(&self) -> usize {
        match self {
            GrowBuf::Latin1(units) => units.len(),
            GrowBuf::Ucs2(units) => units.len(),
            GrowBuf::Ucs4(units) => units.len(),
        }
    }

    fn unit_bytes(&self) -> usize {
        match self {
            GrowBuf::Latin1(_) => 1,
            GrowBuf::Ucs2(_) => 2,
            GrowBuf::Ucs4(_) => 4,
        }
    }

    /// Appends units that are no wider than the buffer's own.
    fn extend(&mut self, more: Units<'_>) {
        fn add<A: Unit>(out: &mut Vec<A>, more: Units<'_>) {
            on_units!(more, units => out.extend(units.iter().map(|u| A::of_cp(u.cp()))));
        }
        match (self, more) {
            (GrowBuf::Latin1(out), Units::Latin1(more)) => out.extend_from_slice(more),
            (GrowBuf::Latin1(out), more) => add(out, more),
            (GrowBuf::Ucs2(out), more) => add(out, more),
            (GrowBuf::Ucs4(out), more) => add(out, more),
        }
    }
}

impl PyStr {
    /// Both texts, one after the other, with room to grow: for `s += x`. A
    /// chain of appends copies each code point a bounded number of times.
    pub fn append(&self, other: &PyStr) -> PyStr {
        let len = self.len() + other.len();
        if other.is_empty() {
            return self.clone();
        }
        if len < SHARED_MIN || self.is_empty() {
            return self.concat(other);
        }
        self.append_in_place(other)
            .unwrap_or_else(|| self.append_to_copy(other))
    }

    /// Extends the buffer, if this str ends where it ends and nobody reads it.
    fn append_in_place(&self, other: &PyStr) -> Option<PyStr> {
        let Store::Shared {
            ascii, len, buf, ..
        } = &self.store
        else {
            return None;
        };
        // A str appended to itself, or to a longer sibling: its text is copied
        // first, for the buffer can't be read and written at once.
        let copied: PyStr;
        let other = match &other.store {
            Store::Shared { buf: theirs, .. } if Rc::ptr_eq(buf, theirs) => {
                copied = PyStr::from_units(other.read().units());
                &copied
            }
            _ => other,
        };
        let more = other.read();
        let mut grow = buf.try_borrow_mut().ok()?;
        if grow.len() != *len || more.units().bytes() > grow.unit_bytes() {
            return None;
        }
        grow.extend(more.units());
        let added = more.units().len() * grow.unit_bytes();
        Some(PyStr::of(Store::Shared {
            ascii: *ascii && other.is_ascii(),
            charged: added.min(u32::MAX as usize) as u32,
            len: *len + more.units().len(),
            buf: Rc::clone(buf),
        }))
    }

    /// Starts a new buffer with both texts and some room.
    fn append_to_copy(&self, other: &PyStr) -> PyStr {
        let (a, b) = (self.read(), other.read());
        let (a, b) = (a.units(), b.units());
        let len = a.len() + b.len();
        let room = len + len / 4;
        let mut grow = match a.bytes().max(b.bytes()) {
            1 => GrowBuf::Latin1(Vec::with_capacity(room)),
            2 => GrowBuf::Ucs2(Vec::with_capacity(room)),
            _ => GrowBuf::Ucs4(Vec::with_capacity(room)),
        };
        grow.extend(a);
        grow.extend(b);
        let charged = room * grow.unit_bytes();
        PyStr::of(Store::Shared {
            ascii: self.is_ascii() && other.is_ascii(),
            charged: charged.min(u32::MAX as usize) as u32,
            len,
            buf: Rc::new(RefCell::new(grow)),
        })
    }
}
