//! range and slice.

use crate::heap::{Heap, Kind, Marker, Object};
use crate::object::class::B;
use crate::value::Value;

/// A range; its three numbers are ints of any size.
pub struct Range {
    pub start: Value,
    pub stop: Value,
    pub step: Value,
}

impl Object for Range {
    const KIND: Kind = Kind::Range;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.start, self.stop, self.step]);
    }
}

/// A slice object; its parts are any values.
#[derive(Clone, Copy)]
pub struct Slice {
    pub start: Value,
    pub stop: Value,
    pub step: Value,
}

impl Object for Slice {
    const KIND: Kind = Kind::Slice;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.start, self.stop, self.step]);
    }
}

impl Heap {
    /// A new slice object.
    pub fn slice(&mut self, start: Value, stop: Value, step: Value) -> Value {
        self.alloc(B::Slice.shape(), Slice { start, stop, step })
    }
}
