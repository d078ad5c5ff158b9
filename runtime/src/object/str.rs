//! str in the heap, and interning.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::heap::{Heap, Kind, Marker, Object};
use crate::object::class::B;
use crate::text::pystr::PyStr;
use crate::value::Value;

/// A str.
pub struct Str {
    pub text: PyStr,
    /// Whether it is the one str of its text that serves as a name.
    pub interned: bool,
}

impl Object for Str {
    const KIND: Kind = Kind::Str;
    fn trace(&self, _: &mut Marker) {}
    fn external_bytes(&self) -> usize {
        self.text.heap_bytes()
    }
}

/// Names that were interned lately, so that the next time costs no hash of the
/// kind that scripts see. Emptied by each collection.
pub(crate) struct RecentNames {
    names: Box<[Value; RECENT_NAMES]>,
}

const RECENT_NAMES: usize = 256;

impl Default for RecentNames {
    fn default() -> RecentNames {
        RecentNames {
            names: Box::new([Value::EMPTY; RECENT_NAMES]),
        }
    }
}

impl RecentNames {
    pub fn forget(&mut self) {
        self.names.fill(Value::EMPTY);
    }

    fn slot(&self, text: &str) -> usize {
        let mut hasher = FxHasher::default();
        hasher.write(text.as_bytes());
        hasher.finish() as usize % RECENT_NAMES
    }
}

impl Heap {
    /// A new str.
    pub fn str(&mut self, text: impl Into<PyStr>) -> Value {
        let text = text.into();
        if let Some(byte) = text.as_latin1_char() {
            return self.latin1_char(byte);
        }
        self.charge(text.heap_bytes());
        self.alloc(
            B::Str.shape(),
            Str {
                text,
                interned: false,
            },
        )
    }

    /// The one str of this code point; CPython keeps those of one byte, too.
    #[inline]
    pub fn latin1_char(&mut self, byte: u8) -> Value {
        match self.latin1[usize::from(byte)].given() {
            Some(v) => v,
            None => self.new_latin1_char(byte),
        }
    }

    #[cold]
    fn new_latin1_char(&mut self, byte: u8) -> Value {
        let v = self.intern_text(PyStr::from_latin1(&[byte]));
        self.latin1[usize::from(byte)] = v;
        v
    }

    /// The text of a str (subclass instances too).
    #[inline(always)]
    pub fn as_str(&self, v: Value) -> Option<&PyStr> {
        self.get::<Str>(v).map(|s| &s.text)
    }

    /// The text of a value known to be a str.
    ///
    /// # Panics
    /// If it is not one.
    #[track_caller]
    pub fn text(&self, v: Value) -> &PyStr {
        &self.cell::<Str>(v).text
    }

    /// A copy of the text of a value known to be a str, surrogates replaced.
    ///
    /// # Panics
    /// If it is not one.
    #[track_caller]
    pub fn string(&self, v: Value) -> String {
        self.text(v).to_lossy()
    }

    /// The one str that stands for the name `text`: equal names are identical.
    pub fn intern(&mut self, text: &str) -> Value {
        let recent = self.recent_names.slot(text);
        let v = self.recent_names.names[recent];
        if self.as_str(v).is_some_and(|name| name.is_the_ascii(text)) {
            return v;
        }
        let v = self.intern_text(PyStr::from(text));
        self.recent_names.names[recent] = v;
        v
    }

    /// As `intern`, from the str's own type.
    pub fn intern_text(&mut self, text: PyStr) -> Value {
        let hash = text.hash() as u64;
        let found = self
            .interned
            .find(hash, |&v| {
                self.get::<Str>(v).is_some_and(|s| s.text == text)
            })
            .copied();
        if let Some(v) = found {
            return v;
        }
        self.charge(text.heap_bytes());
        let v = self.alloc(
            B::Str.shape(),
            Str {
                text,
                interned: true,
            },
        );
        self.remember_interned(v, hash);
        v
    }

    /// The interned str equal to the exact or inexact str `v`.
    pub fn intern_value(&mut self, v: Value) -> Value {
        let s = self.cell::<Str>(v);
        if s.interned {
            return v;
        }
        let text = s.text.clone();
        self.intern_text(text)
    }

    fn remember_interned(&mut self, v: Value, hash: u64) {
        let mut table = std::mem::take(&mut self.interned);
        table.insert_unique(hash, v, |&v| self.text(v).hash() as u64);
        self.interned = table;
    }

    /// The hash of a str known to be one.
    #[inline]
    pub fn str_hash(&self, v: Value) -> i64 {
        self.text(v).hash()
    }
}
