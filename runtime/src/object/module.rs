//! Modules.

use crate::heap::{Kind, Marker, Object};
use crate::value::Value;

/// A module; its variables are the entries of `dict`.
pub struct Module {
    pub name: Value,
    pub dict: Value,
}

impl Object for Module {
    const KIND: Kind = Kind::Module;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.name, self.dict]);
    }
}
