//! bytes and bytearray: the same cell, told apart by their shape.

use crate::heap::{Heap, Kind, Marker, Object};
use crate::object::class::B;
use crate::value::Value;

/// The bytes of a `bytes` or `bytearray`.
pub struct Bytes {
    pub data: Vec<u8>,
}

impl Object for Bytes {
    const KIND: Kind = Kind::Bytes;
    fn trace(&self, _: &mut Marker) {}
    fn external_bytes(&self) -> usize {
        self.data.capacity()
    }
}

impl Heap {
    /// A new `bytes`.
    pub fn bytes(&mut self, data: Vec<u8>) -> Value {
        self.charge(data.capacity());
        self.alloc(B::Bytes.shape(), Bytes { data })
    }
}
