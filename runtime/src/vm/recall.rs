//! What inline caches have learnt, kept for the places that see objects of
//! several shapes: by shape and name, for all instructions together. An inline
//! cache that misses asks here before it learns anew.

use crate::heap::ShapeId;
use crate::value::Value;

/// What an instruction does with the attribute; each learns its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    Load,
    Method,
    Store,
}

/// What a cache line holds besides its name.
#[derive(Clone, Copy)]
pub(crate) struct Learnt {
    pub state: u8,
    pub word2: u64,
    pub word3: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    shape: ShapeId,
    access: Access,
    name: Value,
    learnt: Learnt,
}

/// Entries in all; each shape and name has one place.
const ENTRIES: usize = 1024;

/// The table. Names are compared by identity, so each collection empties it.
pub(crate) struct Recall {
    entries: Box<[Option<Entry>]>,
}

impl Default for Recall {
    fn default() -> Recall {
        Recall {
            entries: vec![None; ENTRIES].into_boxed_slice(),
        }
    }
}

impl Recall {
    #[inline]
    fn place(shape: ShapeId, name: Value, access: Access) -> usize {
        let mixed = (name.bits() >> 4) ^ (u64::from(shape.0) << 3) ^ ((access as u64) << 8);
        (mixed ^ (mixed >> 10)) as usize % ENTRIES
    }

    #[inline]
    pub fn get(&self, shape: ShapeId, name: Value, access: Access) -> Option<Learnt> {
        let entry = self.entries[Recall::place(shape, name, access)]?;
        let same = entry.shape == shape && entry.name == name && entry.access == access;
        same.then_some(entry.learnt)
    }

    pub fn put(&mut self, shape: ShapeId, name: Value, access: Access, learnt: Learnt) {
        self.entries[Recall::place(shape, name, access)] = Some(Entry {
            shape,
            access,
            name,
            learnt,
        });
    }

    pub fn forget(&mut self) {
        self.entries.fill(None);
    }
}
