//! tuple. Short ones keep their items in the cell, long ones in a box.

use crate::heap::{Heap, Kind, Marker, Object, ShapeId, TAIL_MAX};
use crate::object::class::B;
use crate::value::Value;

/// A tuple; its items are the cell's tail unless there are more than `TAIL_MAX`.
pub struct Tuple {
    long: Option<Box<[Value]>>,
}

impl Object for Tuple {
    const KIND: Kind = Kind::Tuple;
    fn trace(&self, marker: &mut Marker) {
        if let Some(items) = &self.long {
            marker.mark_all(items);
        }
    }
    fn trace_from(&self, from: usize, marker: &mut Marker) -> Option<usize> {
        marker.mark_part(self.long.as_deref().unwrap_or_default(), from)
    }
    fn external_bytes(&self) -> usize {
        self.long.as_ref().map_or(0, |items| items.len() * 8)
    }
}

impl Heap {
    /// A tuple. There is one without items.
    #[inline]
    pub fn tuple(&mut self, items: &[Value]) -> Value {
        self.tuple_of_shape(B::Tuple.shape(), items)
    }

    /// As `tuple`, of a subclass if that is what the shape says.
    #[inline]
    pub fn tuple_of_shape(&mut self, shape: ShapeId, items: &[Value]) -> Value {
        let is_the_empty = items.is_empty() && shape == B::Tuple.shape();
        if is_the_empty && !self.empty_tuple.is_empty() {
            return self.empty_tuple;
        }
        let tuple = self.new_tuple(shape, items);
        if is_the_empty {
            self.empty_tuple = tuple;
        }
        tuple
    }

    /// As `tuple`, of items that may be many: they are not copied then.
    pub fn tuple_of_vec(&mut self, items: Vec<Value>) -> Value {
        if items.len() <= TAIL_MAX {
            return self.tuple(&items);
        }
        self.long_tuple(B::Tuple.shape(), items.into())
    }

    #[inline]
    fn new_tuple(&mut self, shape: ShapeId, items: &[Value]) -> Value {
        if items.len() <= TAIL_MAX {
            let tuple = self.alloc_tail(shape, Tuple { long: None }, items.len(), Value::EMPTY);
            self.tail_mut::<Tuple>(tuple).copy_from_slice(items);
            tuple
        } else {
            self.long_tuple(shape, items.into())
        }
    }

    fn long_tuple(&mut self, shape: ShapeId, items: Box<[Value]>) -> Value {
        self.charge(items.len() * 8);
        self.alloc(shape, Tuple { long: Some(items) })
    }

    /// The items of a tuple (subclass instances too).
    #[inline]
    pub fn as_tuple(&self, v: Value) -> Option<&[Value]> {
        let tuple = self.get::<Tuple>(v)?;
        Some(match &tuple.long {
            None => self.tail::<Tuple>(v),
            Some(items) => items,
        })
    }

    /// The items of a value known to be a tuple.
    ///
    /// # Panics
    /// If it is not one.
    #[inline]
    #[track_caller]
    pub fn tuple_items(&self, v: Value) -> &[Value] {
        let tuple = self.cell::<Tuple>(v);
        match &tuple.long {
            None => self.tail::<Tuple>(v),
            Some(items) => items,
        }
    }

    /// The items of a tuple or list (subclass instances too).
    pub fn as_sequence(&self, v: Value) -> Option<&[Value]> {
        match self.kind(v)? {
            Kind::Tuple => self.as_tuple(v),
            Kind::List => self
                .get::<crate::object::list::List>(v)
                .map(|l| &l.items[..]),
            _ => None,
        }
    }
}
