//! dict, its views, and the read-only proxy. What needs hashes and equality of
//! keys is in `protocol::dict`; here is only the storage.

use crate::heap::{Heap, Kind, Marker, Object};
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
}
