//! Shapes: the hidden classes of cells. A shape says which class a cell is an
//! instance of and which attribute lies in which slot; adding an attribute
//! moves an instance along a tree of shapes that all its likes share.

use std::collections::HashMap;

use crate::heap::{Heap, Marker, ShapeId};
use crate::value::Value;

/// Attributes an instance may have before it is given a dict.
pub const SHAPE_SLOTS_MAX: usize = 128;
const LINEAR_MAX: usize = 8;

struct Shape {
    class: Value,
    /// Attribute names (interned strs) in slot order, behind the `__slots__` slots.
    names: Box<[Value]>,
    /// First slot that `names` describes: the number of `__slots__` descriptors.
    first: u16,
    index: Option<HashMap<Value, u16>>,
    next: Vec<(Value, ShapeId)>,
    /// The instance keeps its attributes in a dict, which its slot `first` holds.
    is_dict: bool,
    /// Where the instance goes when a dict is asked for.
    dict_shape: Option<ShapeId>,
}

/// Every shape of one VM.
#[derive(Default)]
pub struct Shapes {
    shapes: Vec<Shape>,
    /// By shape: the version of its class. One load tells an inline cache
    /// whether what it knows of shape and class still holds.
    versions: Vec<u32>,
}

impl Shapes {
    /// A root shape for instances of `class`, whose first `n_slots` slots belong to `__slots__`.
    pub fn new_root(&mut self, class: Value, n_slots: u16) -> ShapeId {
        self.push(class, Box::default(), n_slots, false, 0)
    }

    fn push(
        &mut self,
        class: Value,
        names: Box<[Value]>,
        first: u16,
        is_dict: bool,
        version: u32,
    ) -> ShapeId {
        let index = (names.len() > LINEAR_MAX).then(|| {
            names
                .iter()
                .enumerate()
                .map(|(i, &n)| (n, first + i as u16))
                .collect()
        });
        self.shapes.push(Shape {
            class,
            names,
            first,
            index,
            next: Vec::new(),
            is_dict,
            dict_shape: None,
        });
        self.versions.push(version);
        ShapeId(self.shapes.len() as u32 - 1)
    }

    /// The version of the shape's class.
    #[inline(always)]
    pub fn version(&self, shape: ShapeId) -> u32 {
        self.versions[shape.0 as usize]
    }

    /// Sets the version of a root shape and of every shape that grew from it.
    pub fn set_version(&mut self, root: ShapeId, version: u32) {
        let mut pending = vec![root];
        while let Some(shape) = pending.pop() {
            self.versions[shape.0 as usize] = version;
            let s = &self.shapes[shape.0 as usize];
            pending.extend(s.next.iter().map(|&(_, next)| next));
            pending.extend(s.dict_shape);
        }
    }

    /// The class of the shape's instances.
    #[inline(always)]
    pub fn class(&self, shape: ShapeId) -> Value {
        self.shapes[shape.0 as usize].class
    }

    /// Sets the class of a shape: only while the builtin classes are being made.
    pub(crate) fn set_class(&mut self, shape: ShapeId, class: Value) {
        self.shapes[shape.0 as usize].class = class;
    }

    /// The slot of attribute `name`; None when the shape has none, or has a dict.
    #[inline]
    pub fn slot(&self, shape: ShapeId, name: Value) -> Option<u16> {
        let s = &self.shapes[shape.0 as usize];
        match &s.index {
            None => s
                .names
                .iter()
                .position(|&n| n == name)
                .map(|i| s.first + i as u16),
            Some(index) => index.get(&name).copied(),
        }
    }

    /// Whether instances keep their attributes in a dict, and in which slot.
    #[inline]
    pub fn dict_slot(&self, shape: ShapeId) -> Option<u16> {
        let s = &self.shapes[shape.0 as usize];
        if s.is_dict { Some(s.first) } else { None }
    }

    /// The attribute names in order.
    pub fn names(&self, shape: ShapeId) -> &[Value] {
        &self.shapes[shape.0 as usize].names
    }

    /// The first slot after those of `__slots__`.
    pub fn first_slot(&self, shape: ShapeId) -> u16 {
        self.shapes[shape.0 as usize].first
    }

    /// The shape with `name` added, and its slot; None when a dict is due.
    pub fn add(&mut self, shape: ShapeId, name: Value) -> Option<(ShapeId, u16)> {
        let s = &self.shapes[shape.0 as usize];
        let slot = s.first + s.names.len() as u16;
        if let Some(&(_, next)) = s.next.iter().find(|(n, _)| *n == name) {
            return Some((next, slot));
        }
        if s.names.len() >= SHAPE_SLOTS_MAX {
            return None;
        }
        let names = s.names.iter().copied().chain([name]).collect();
        let (class, first) = (s.class, s.first);
        let version = self.versions[shape.0 as usize];
        let next = self.push(class, names, first, false, version);
        self.shapes[shape.0 as usize].next.push((name, next));
        Some((next, slot))
    }

    /// The shape of instances of the same class that keep a dict.
    pub fn with_dict(&mut self, shape: ShapeId) -> ShapeId {
        let s = &self.shapes[shape.0 as usize];
        if s.is_dict {
            return shape;
        }
        if let Some(id) = s.dict_shape {
            return id;
        }
        let (class, first) = (s.class, s.first);
        let version = self.versions[shape.0 as usize];
        let id = self.push(class, Box::default(), first, true, version);
        self.shapes[shape.0 as usize].dict_shape = Some(id);
        id
    }

    pub(crate) fn trace(&self, marker: &mut Marker) {
        for s in &self.shapes {
            marker.mark(s.class);
            marker.mark_all(&s.names);
        }
    }
}

impl Heap {
    /// The class of any value.
    #[inline]
    pub fn class_of(&self, v: Value) -> Value {
        self.shapes.class(self.shape_of(v))
    }

    /// The shape of any value: those kept inline have that of their builtin class.
    #[inline]
    pub fn shape_of(&self, v: Value) -> ShapeId {
        use crate::object::class::B;
        if let Some(shape) = self.shape(v) {
            return shape;
        }
        let class = if v.is_int() {
            B::Int
        } else if v.is_inline_float() {
            B::Float
        } else if v.is_bool() {
            B::Bool
        } else if v == Value::ELLIPSIS {
            B::Ellipsis
        } else if v == Value::NOT_IMPLEMENTED {
            B::NotImplemented
        } else {
            B::NoneType
        };
        class.shape()
    }

    /// Whether `v` is an exact instance of the builtin class.
    #[inline(always)]
    pub fn is_exact(&self, v: Value, class: crate::object::class::B) -> bool {
        self.shape(v) == Some(class.shape())
    }

    /// Whether both are exact instances of the builtin class.
    #[inline(always)]
    pub fn both_exact(&self, a: Value, b: Value, class: crate::object::class::B) -> bool {
        self.is_exact(a, class) && self.is_exact(b, class)
    }
}
