//! Descriptors: property, staticmethod, classmethod, native attributes, super.

use crate::heap::{Kind, Marker, Object};
use crate::native::GetSetDef;
use crate::value::Value;

/// `property`; each part a callable or None.
pub struct Property {
    pub get: Value,
    pub set: Value,
    pub del: Value,
    pub doc: Value,
    /// The docstring came from the getter.
    pub getter_doc: bool,
    /// The attribute's name from `__set_name__`; empty if it has none yet.
    pub name: Value,
}

impl Object for Property {
    const KIND: Kind = Kind::Property;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.get, self.set, self.del, self.doc, self.name]);
    }
}

/// `staticmethod`.
pub struct StaticMethod {
    pub func: Value,
}

impl Object for StaticMethod {
    const KIND: Kind = Kind::StaticMethod;
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.func);
    }
}

/// `classmethod`.
pub struct ClassMethod {
    pub func: Value,
}

impl Object for ClassMethod {
    const KIND: Kind = Kind::ClassMethod;
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.func);
    }
}

/// An attribute of a native class, read and written by Rust functions.
pub struct GetSet {
    pub def: &'static GetSetDef,
    pub owner: Value,
}

impl Object for GetSet {
    const KIND: Kind = Kind::GetSet;
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.owner);
    }
}

/// `super(class, object)`.
pub struct Super {
    pub class: Value,
    /// The instance or class; `Value::EMPTY` when unbound.
    pub object: Value,
    /// The class whose MRO is searched after `class`.
    pub object_class: Value,
}

impl Object for Super {
    const KIND: Kind = Kind::Super;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.class, self.object, self.object_class]);
    }
}
