//! Weak references: cleared by the collector when their target dies.

use crate::heap::{Kind, Marker, Object};
use crate::value::Value;

/// `weakref.ref`; `target` is `Value::EMPTY` once it is dead.
pub struct WeakRef {
    pub target: Value,
    /// Called with the reference after the target died, or None.
    pub callback: Value,
    /// Its target's hash, once it was asked for: a dead reference keeps it.
    pub hash: Option<i64>,
}

impl Object for WeakRef {
    const KIND: Kind = Kind::WeakRef;
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.callback);
    }
}
