//! list.

use crate::heap::{Heap, Kind, Marker, Object};
use crate::object::class::B;
use crate::value::Value;

/// The items of a list.
pub struct List {
    pub items: Vec<Value>,
}

impl Object for List {
    const KIND: Kind = Kind::List;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&self.items);
    }
    fn trace_from(&self, from: usize, marker: &mut Marker) -> Option<usize> {
        marker.mark_part(&self.items, from)
    }
    fn external_bytes(&self) -> usize {
        self.items.capacity() * 8
    }
}

impl Heap {
    /// A new list.
    pub fn list(&mut self, items: Vec<Value>) -> Value {
        self.charge(items.capacity() * 8);
        self.alloc(B::List.shape(), List { items })
    }

    /// Appends to a list.
    ///
    /// # Panics
    /// If `list` is not a list cell.
    #[inline]
    pub fn list_push(&mut self, list: Value, item: Value) {
        let items = &mut self.cell_mut_storing::<List>(list, &[item]).items;
        let before = items.capacity();
        items.push(item);
        let grown = items.capacity() - before;
        if grown != 0 {
            self.charge(grown * 8);
        }
    }
}
