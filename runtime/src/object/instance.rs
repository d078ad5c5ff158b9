//! Instances of script classes: their attributes lie in slots that the shape
//! describes; the first few in the cell itself.

use crate::heap::{Heap, Kind, Marker, Object, ShapeId, TAIL_MAX};
use crate::object::dict::Dict;
use crate::value::Value;

/// An instance of a class whose layout is `object`'s. Slot `i` is the cell's
/// tail at `i`, or `more[i - tail length]`.
#[derive(Default)]
pub struct Instance {
    more: Vec<Value>,
}

impl Object for Instance {
    const KIND: Kind = Kind::Instance;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&self.more);
    }
    fn external_bytes(&self) -> usize {
        self.more.capacity() * 8
    }
}

/// The descriptor that `__slots__` makes for one name.
pub struct SlotDescriptor {
    pub name: Value,
    pub class: Value,
    /// The instance's slot, counted from the first one of its bases.
    pub slot: u16,
    /// The value lies in the side table: instances are no `Instance` cells.
    pub is_beside: bool,
}

impl Object for SlotDescriptor {
    const KIND: Kind = Kind::SlotDescriptor;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.name, self.class]);
    }
}

impl Heap {
    /// A new instance with room for `n_slots` in its cell, all unbound.
    #[inline]
    pub fn instance(&mut self, shape: ShapeId, n_slots: u16) -> Value {
        self.alloc_tail(
            shape,
            Instance::default(),
            (n_slots as usize).min(TAIL_MAX),
            Value::EMPTY,
        )
    }

    /// Slot `slot` of an instance; `Value::EMPTY` when unbound.
    #[inline(always)]
    pub fn slot(&self, v: Value, slot: u16) -> Value {
        let tail = self.tail::<Instance>(v);
        match tail.get(slot as usize) {
            Some(&value) => value,
            None => {
                let at = slot as usize - tail.len();
                self.cell::<Instance>(v)
                    .more
                    .get(at)
                    .copied()
                    .unwrap_or(Value::EMPTY)
            }
        }
    }

    /// Stores into slot `slot` of an instance.
    #[inline(always)]
    pub fn set_slot(&mut self, v: Value, slot: u16, value: Value) {
        let tail = self.tail_mut::<Instance>(v);
        let n = tail.len();
        match tail.get_mut(slot as usize) {
            Some(place) => *place = value,
            None => self.set_slot_outside(v, slot as usize - n, value),
        }
    }

    #[cold]
    #[inline(never)]
    fn set_slot_outside(&mut self, v: Value, at: usize, value: Value) {
        let more = &mut self.cell_mut::<Instance>(v).more;
        if at >= more.len() {
            let before = more.capacity();
            more.resize(at + 1, Value::EMPTY);
            let grown = more.capacity() - before;
            more[at] = value;
            self.charge(grown * 8);
        } else {
            more[at] = value;
        }
    }

    /// The dict of a value's attributes, made from its slots at the first
    /// call; from then on the instance keeps its attributes there. Only for
    /// values whose class gives them a `__dict__`.
    pub fn attribute_dict(&mut self, v: Value, hash: impl Fn(&Heap, Value) -> i64) -> Value {
        if self.kind(v) != Some(Kind::Instance) {
            if let Some(dict) = self.attrs(v) {
                return dict;
            }
            let dict = self.dict();
            self.set_attrs(v, dict);
            return dict;
        }
        let shape = self.shape_of(v);
        if let Some(slot) = self.shapes.dict_slot(shape) {
            return self.slot(v, slot);
        }
        let names: Vec<Value> = self.shapes.names(shape).to_vec();
        let first = self.shapes.first_slot(shape);
        let mut dict = Dict::default();
        for (i, &name) in names.iter().enumerate() {
            let value = self.slot(v, first + i as u16);
            if !value.is_empty() {
                dict.table.insert_new(hash(self, name), name, value);
            }
        }
        let dict = self.alloc(crate::object::class::B::Dict.shape(), dict);
        let shape = self.shapes.with_dict(shape);
        for i in 1..names.len() as u16 {
            self.set_slot(v, first + i, Value::EMPTY);
        }
        self.set_slot(v, first, dict);
        self.set_shape(v, shape);
        dict
    }
}
