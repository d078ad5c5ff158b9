//! Tells whose natives know a value: the builtin class behind it, and whether
//! a method found on a class is that builtin's own. Takes values, never calls.

use crate::heap::ShapeId;
use crate::native::PyResult;
use crate::object::class::{B, Class};
use crate::object::function::Native;
use crate::value::Value;
use crate::vm::Vm;

/// The builtin class whose exact instances have this shape.
#[inline(always)]
pub(crate) fn builtin_of_shape(shape: ShapeId) -> Option<B> {
    B::ALL.get(shape.0 as usize).copied()
}

impl Vm {
    /// The builtin class that `v` is an exact instance of.
    #[inline(always)]
    pub fn exact_builtin(&self, v: Value) -> Option<B> {
        builtin_of_shape(self.heap.shape_of(v))
    }

    /// Whether both are exact instances of builtin classes: no method of theirs
    /// can be a script's.
    #[inline(always)]
    pub(crate) fn both_builtin(&self, a: Value, b: Value) -> bool {
        self.exact_builtin(a).is_some() && self.exact_builtin(b).is_some()
    }

    /// Which builtin class `class` is.
    pub(crate) fn as_builtin_class(&self, class: Value) -> Option<B> {
        let found = builtin_of_shape(self.heap.get::<Class>(class)?.root_shape)?;
        (self.class(found) == class).then_some(found)
    }

    /// The builtin class that has `method` among its natives; None for
    /// functions of scripts and natives of the standard library.
    pub(crate) fn builtin_owner(&self, method: Value) -> Option<B> {
        let owner = self.heap.get::<Native>(method)?.owner;
        self.as_builtin_class(owner)
    }

    /// Calls `method`, found on the class of `this`, as its method.
    ///
    /// # Errors
    /// What it raises.
    #[inline]
    pub(crate) fn call_unbound(&mut self, method: Value, this: Value, args: &[Value]) -> PyResult {
        let class = self.heap.class_of(this);
        self.call_attr(method, this, class, args)
    }
}
