//! The builtin iterators: one kind, an enum of what they walk over. Their
//! `next` is in `protocol::iter`, since some call script code.

use num_bigint::BigInt;

use std::any::Any;

use crate::heap::{Heap, Kind, Marker, Object, ShapeId};
use crate::native::PyResult;
use crate::object::class::Class;
use crate::object::dict::ViewOf;
use crate::object::opaque::Native;
use crate::value::Value;
use crate::vm::Vm;

/// One step of an iterator of the standard library: its next item, or None at its end.
/// The iterator itself is kept alive by whoever steps it; what it lets go of meanwhile is not.
pub type StepIterFn = fn(&mut Vm, Value) -> PyResult<Option<Value>>;

/// A builtin iterator. An exhausted one turns into `Done`.
pub enum Iter {
    Done,
    /// list, tuple, str or bytes, from `at` on.
    Sequence {
        seq: Value,
        at: usize,
    },
    /// As `Sequence`, backwards; `at` counts down to 0.
    Reverse {
        seq: Value,
        at: usize,
    },
    Range {
        next: i64,
        step: i64,
        left: u64,
    },
    BigRange {
        next: Box<BigInt>,
        step: Box<BigInt>,
        left: Box<BigInt>,
    },
    /// `at` is an entry index; `len` the dict's length when it began, of which
    /// `left` items are still to come. Of an OrderedDict, whose order may change
    /// as well, `len` is `ORDERED` with its version.
    Dict {
        dict: Value,
        of: ViewOf,
        at: u32,
        len: usize,
        left: u32,
        reverse: bool,
    },
    Set {
        set: Value,
        at: usize,
        len: usize,
    },
    /// An object with `__getitem__` only.
    GetItem {
        object: Value,
        at: i64,
    },
    /// reversed() of an object with `__len__` and `__getitem__`.
    ReverseGetItem {
        object: Value,
        at: i64,
    },
    /// iter(callable, sentinel)
    Call {
        callable: Value,
        sentinel: Value,
    },
    Enumerate {
        iter: Value,
        count: Value,
    },
    Zip {
        iters: Box<[Value]>,
        strict: bool,
    },
    Map {
        func: Value,
        iters: Box<[Value]>,
    },
    Filter {
        func: Value,
        iter: Value,
    },
    /// `coroutine.__await__()`: drives the coroutine.
    Await {
        target: Value,
    },
    /// An iterator of the standard library.
    Native {
        step: StepIterFn,
        /// Whether its class is none of a script's, which could have a `__next__` of its own.
        own_next: bool,
        state: Box<dyn Native>,
    },
}

/// No length: marks what an iterator over an OrderedDict holds in its place.
pub const ORDERED: usize = 1 << (usize::BITS - 1);

impl Object for Iter {
    const KIND: Kind = Kind::Iter;
    fn trace(&self, marker: &mut Marker) {
        match self {
            Iter::Done | Iter::Range { .. } | Iter::BigRange { .. } => {}
            Iter::Sequence { seq, .. } | Iter::Reverse { seq, .. } => marker.mark(*seq),
            Iter::Dict { dict, .. } => marker.mark(*dict),
            Iter::Set { set, .. } => marker.mark(*set),
            Iter::GetItem { object, .. } | Iter::ReverseGetItem { object, .. } => {
                marker.mark(*object)
            }
            Iter::Call { callable, sentinel } => marker.mark_all(&[*callable, *sentinel]),
            Iter::Enumerate { iter, count } => marker.mark_all(&[*iter, *count]),
            Iter::Zip { iters, .. } => marker.mark_all(iters),
            Iter::Map { func, iters } => {
                marker.mark(*func);
                marker.mark_all(iters);
            }
            Iter::Filter { func, iter } => marker.mark_all(&[*func, *iter]),
            Iter::Await { target } => marker.mark(*target),
            Iter::Native { state, .. } => state.trace(marker),
        }
    }
    fn external_bytes(&self) -> usize {
        match self {
            Iter::Native { state, .. } => state.external_bytes() + 32,
            _ => 0,
        }
    }
}

impl Heap {
    /// A new iterator of the standard library.
    pub fn native_iter<T: Native>(&mut self, shape: ShapeId, step: StepIterFn, state: T) -> Value {
        self.charge(size_of::<T>() + state.external_bytes());
        let class = self.shapes.class(shape);
        let own_next = !self.cell::<Class>(class).is_heap;
        let state = Box::new(state);
        let iter = Iter::Native {
            step,
            own_next,
            state,
        };
        self.alloc(shape, iter)
    }

    /// What an iterator of the standard library holds, if it is a `T`. One that has ended holds
    /// nothing.
    #[inline]
    pub fn iter_state<T: Native>(&self, v: Value) -> Option<&T> {
        let Iter::Native { state, .. } = self.get::<Iter>(v)? else {
            return None;
        };
        let state: &dyn Any = &**state;
        state.downcast_ref()
    }

    /// As `iter_state`, for writing.
    #[inline]
    pub fn iter_state_mut<T: Native>(&mut self, v: Value) -> Option<&mut T> {
        let Iter::Native { state, .. } = self.get_mut::<Iter>(v)? else {
            return None;
        };
        let state: &mut dyn Any = &mut **state;
        state.downcast_mut()
    }

    /// Ends an iterator: it holds on to nothing.
    pub fn end_iter(&mut self, v: Value) {
        if let Some(iter) = self.get_mut::<Iter>(v) {
            *iter = Iter::Done;
        }
    }
}
