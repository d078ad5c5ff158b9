//! set and frozenset: the same cell, told apart by their shape.

use crate::heap::{Heap, Kind, Marker, Object, PART};
use crate::object::class::B;
use crate::table::set_table::SetTable;
use crate::value::Value;

/// A set or frozenset.
#[derive(Default)]
pub struct Set {
    pub table: SetTable<Value>,
    /// A frozenset's hash once asked for.
    pub hash: Option<i64>,
}

impl Object for Set {
    const KIND: Kind = Kind::Set;
    fn trace(&self, marker: &mut Marker) {
        for (_, key) in self.table.iter() {
            marker.mark(key);
        }
    }
    fn trace_from(&self, from: usize, marker: &mut Marker) -> Option<usize> {
        if self.table.len() <= PART {
            self.trace(marker);
            return None;
        }
        let mut at = from as u32;
        for _ in 0..PART {
            let (place, _, key) = self.table.next_from(at)?;
            marker.mark(key);
            at = place + 1;
        }
        Some(at as usize)
    }
    fn external_bytes(&self) -> usize {
        self.table.heap_bytes()
    }
}

impl Heap {
    /// A new empty set.
    pub fn set(&mut self) -> Value {
        self.alloc(B::Set.shape(), Set::default())
    }
}
