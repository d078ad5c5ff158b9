//! Objects of the standard library: a Rust type of their own behind one kind.

use std::any::Any;

use crate::heap::{Heap, Kind, Marker, Object, ShapeId};
use crate::native::PyResult;
use crate::object::buffer::Shown;
use crate::object::exception::TraceEntry;
use crate::typed::Typed;
use crate::value::Value;
use crate::vm::Vm;

/// What a type of the standard library must do to live in a cell.
pub trait Native: Any {
    /// Marks every value it holds.
    fn trace(&self, marker: &mut Marker);
    /// Bytes that it holds outside itself.
    fn external_bytes(&self) -> usize {
        0
    }
    /// The bytes that it shows, if it is bytes-like.
    fn shown(&self) -> Option<Shown<'_>> {
        None
    }
    /// As `shown`, to be written.
    fn shown_mut(&mut self) -> Option<&mut [u8]> {
        None
    }
    /// What takes the result of a call that it was the `then` of.
    fn finish(&self) -> Option<FinishFn> {
        None
    }
    /// Who holds it, if it is a lock that somebody holds.
    fn hold(&self) -> Option<Hold> {
        None
    }
}

/// Takes the object and the result of a call; gives the result that the caller sees.
pub type FinishFn = fn(&mut Vm, Value, Value) -> PyResult;

/// A task holds a lock: the deadlock report tells.
#[derive(Clone, Copy)]
pub struct Hold {
    pub task: Value,
    /// Where it took the lock; None where no script's code did.
    pub since: Option<TraceEntry>,
}

/// A cell that holds a `Native`.
pub struct Opaque(Typed);

impl Object for Opaque {
    const KIND: Kind = Kind::Opaque;
    fn trace(&self, marker: &mut Marker) {
        self.0.trace(marker);
    }
    fn external_bytes(&self) -> usize {
        self.0.external_bytes() + 32
    }
}

impl Opaque {
    pub(crate) fn shown(&self) -> Option<Shown<'_>> {
        self.0.shown()
    }

    pub(crate) fn shown_mut(&mut self) -> Option<&mut [u8]> {
        self.0.shown_mut()
    }
}

impl Heap {
    /// A new cell that holds `object`.
    pub fn opaque<T: Native>(&mut self, shape: ShapeId, object: T) -> Value {
        self.charge(size_of::<T>() + object.external_bytes());
        self.alloc(shape, Opaque(Typed::new(object)))
    }

    /// The locks that somebody holds.
    pub fn holds(&self) -> Vec<(Value, Hold)> {
        let opaque = self.cells_of(Kind::Opaque).into_iter();
        opaque
            .filter_map(|v| Some((v, self.get::<Opaque>(v)?.0.hold()?)))
            .collect()
    }

    /// What an opaque cell makes of a result.
    pub fn finish_of(&self, v: Value) -> Option<FinishFn> {
        self.get::<Opaque>(v)?.0.finish()
    }

    /// The object in an opaque cell if it is a `T`.
    #[inline]
    pub fn native<T: Native>(&self, v: Value) -> Option<&T> {
        self.get::<Opaque>(v)?.0.get()
    }

    /// As `native`, for writing.
    #[inline]
    pub fn native_mut<T: Native>(&mut self, v: Value) -> Option<&mut T> {
        self.get_mut::<Opaque>(v)?.0.get_mut()
    }
}
