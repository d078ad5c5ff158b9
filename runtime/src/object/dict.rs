//! dict, its views, and the read-only proxy. What needs hashes and equality of
//! keys is in `protocol::dict`; here is only the storage.

use crate::heap::{Heap, Kind, Marker, Object, PART};
use crate::object::class::B;
use crate::table::TableKey;
use crate::table::dict_table::DictTable;
use crate::value::Value;

impl TableKey for Value {
    const VACANT: Value = Value::EMPTY;
}

/// A dict; also the namespace of a module or a class, and an instance's
/// `__dict__` where one was asked for.
#[derive(Default)]
pub struct Dict {
    pub table: DictTable<Value, Value>,
}

impl Object for Dict {
    const KIND: Kind = Kind::Dict;
    fn trace(&self, marker: &mut Marker) {
        for entry in self.table.iter() {
            marker.mark(entry.key);
            marker.mark(entry.value);
        }
    }
    fn trace_from(&self, from: usize, marker: &mut Marker) -> Option<usize> {
        if self.table.end() as usize <= PART {
            self.trace(marker);
            return None;
        }
        let mut at = from as u32;
        for _ in 0..PART {
            let (found, entry) = self.table.next_from(at)?;
            marker.mark(entry.key);
            marker.mark(entry.value);
            at = found + 1;
        }
        Some(at as usize)
    }
    fn external_bytes(&self) -> usize {
        self.table.heap_bytes()
    }
}

/// Which part of a dict a view shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ViewOf {
    Keys,
    Values,
    Items,
}

/// `d.keys()`, `d.values()`, `d.items()`.
pub struct DictView {
    pub dict: Value,
    pub of: ViewOf,
}

impl Object for DictView {
    const KIND: Kind = Kind::DictView;
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.dict);
    }
}

/// `types.MappingProxyType`, such as a class's `__dict__`.
pub struct MappingProxy {
    pub mapping: Value,
}

impl Object for MappingProxy {
    const KIND: Kind = Kind::MappingProxy;
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.mapping);
    }
}

impl Heap {
    /// A new empty dict.
    pub fn dict(&mut self) -> Value {
        self.alloc(B::Dict.shape(), Dict::default())
    }

    /// Appends a key that is known to be absent; gives its entry's index.
    ///
    /// # Panics
    /// If `dict` is not a dict cell.
    #[inline]
    pub fn dict_push(&mut self, dict: Value, hash: i64, key: Value, value: Value) -> u32 {
        let growth = self.cell::<Dict>(dict).table.growth_bytes();
        if growth == 0 {
            let dict = self.cell_mut_storing::<Dict>(dict, &[key, value]);
            return dict.table.insert_new(hash, key, value);
        }
        self.charge(growth);
        // Its entries close up when it grows.
        self.cell_mut::<Dict>(dict)
            .table
            .insert_new(hash, key, value)
    }

    /// Takes the entry at an index out, and gives its value.
    ///
    /// # Panics
    /// If `dict` is not a dict cell, or the index none that a look-up gave.
    #[inline]
    pub fn dict_take(&mut self, dict: Value, at: u32) -> Value {
        let dict = self.cell_mut_storing::<Dict>(dict, &[]);
        dict.table.remove_at(at).value
    }
}
