//! The builtin iterators: one kind, an enum of what they walk over. Their
//! `next` is in `protocol::iter`, since some call script code.

use num_bigint::BigInt;

use crate::heap::{Kind, Marker, Object};
use crate::object::dict::ViewOf;
use crate::value::Value;

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
    /// `left` items are still to come.
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
}

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
        }
    }
}
