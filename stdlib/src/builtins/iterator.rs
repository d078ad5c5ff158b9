//! The builtin iterators, and `enumerate`, `zip`, `map`, `filter`, `reversed`.

use lockstep_runtime::native::{ClassDef, NativeDef, method, static_method};
use lockstep_runtime::object::iter::{Iter, ORDERED};
use lockstep_runtime::{B, Kind, PyResult, Value, Vm};
use smallvec::SmallVec;

use super::iterator_state::{REDUCE, SETSTATE};
use super::operators::GETATTRIBUTE;
use crate::args;

pub(crate) const ITER: NativeDef = method("__iter__(self, /)", |_, a| Ok(a[0]));
pub(crate) const NEXT: NativeDef = method("__next__(self, /)", next);
const HINT: NativeDef = method("__length_hint__(self, /)", length_hint);

/// All builtin iterators without a constructor.
pub static ITERATOR: ClassDef = ClassDef {
    methods: &[ITER, NEXT, HINT, REDUCE, SETSTATE],
    attributes: &[],
    doc: "",
};

pub static ENUMERATE: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, iterable=None, start=0)", enumerate),
        GETATTRIBUTE,
        ITER,
        NEXT,
        REDUCE,
        CLASS_GETITEM,
    ],
    attributes: &[],
    doc: "Return an enumerate object.",
};
pub static ZIP: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *iterables, strict=False)", zip),
        GETATTRIBUTE,
        ITER,
        NEXT,
        REDUCE,
        SETSTATE,
    ],
    attributes: &[],
    doc: "The zip object yields n-length tuples, where n is the number of iterables\npassed as positional arguments to zip().",
};
pub static MAP: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args)", map),
        GETATTRIBUTE,
        ITER,
        NEXT,
        REDUCE,
    ],
    attributes: &[],
    doc: "Make an iterator that computes the function using arguments from\neach of the iterables.  Stops when the shortest iterable is exhausted.",
};
pub static FILTER: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, function, iterable, /)", filter),
        GETATTRIBUTE,
        ITER,
        NEXT,
        REDUCE,
    ],
    attributes: &[],
    doc: "Return an iterator yielding those items of iterable for which function(item)\nis true. If function is None, return the items that are true.",
};
pub static REVERSED: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, sequence, /)", reversed),
        GETATTRIBUTE,
        ITER,
        NEXT,
        HINT,
        REDUCE,
        SETSTATE,
    ],
    attributes: &[],
    doc: "Return a reverse iterator over the values of the given sequence.",
};

const CLASS_GETITEM: NativeDef = lockstep_runtime::native::class_method(
    "__class_getitem__(cls, object, /)",
    super::generic_alias::class_getitem,
);

fn next(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.builtin_next(a[0])? {
        Some(value) => Ok(value),
        None => Err(vm.stop_iteration(Value::NONE)),
    }
}

fn length_hint(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = match vm.heap.cell::<Iter>(a[0]) {
        Iter::Sequence { seq, at } => {
            let (seq, at) = (*seq, *at);
            vm.len(seq)?.saturating_sub(at)
        }
        // CPython 3.13 listobject.c listreviter_len: the list has become too short.
        Iter::Reverse { seq, at } => {
            let (seq, at) = (*seq, *at);
            if vm.len(seq)? < at { 0 } else { at }
        }
        Iter::Range { left, .. } => *left as usize,
        Iter::BigRange { left, .. } => {
            let left = (**left).clone();
            return Ok(vm.heap.big(left));
        }
        Iter::Dict {
            dict, len, left, ..
        } => {
            let (dict, len, left) = (*dict, *len, *left);
            // CPython 3.13 dictobject.c dictiter_len: it will say that the size has changed.
            if len & ORDERED == 0 && vm.len(dict)? != len {
                0
            } else {
                left as usize
            }
        }
        Iter::Set { set, len, .. } => {
            let (set, len) = (*set, *len);
            let now = vm.len(set)?;
            if now == len { count_left(vm, a[0]) } else { 0 }
        }
        Iter::GetItem { object, at } => {
            let (object, at) = (*object, *at);
            match vm.len_opt(object)? {
                Some(n) => n.saturating_sub(usize::try_from(at).unwrap_or(0)),
                None => return Ok(Value::NOT_IMPLEMENTED),
            }
        }
        Iter::ReverseGetItem { object, at } => {
            let (object, left) = (*object, usize::try_from(at + 1).unwrap_or(0));
            // It has become too short to go on where it is.
            if vm.len(object)? < left { 0 } else { left }
        }
        _ => 0,
    };
    Ok(vm.heap.usize(n))
}

/// How many keys a set iterator has yet to give.
fn count_left(vm: &Vm, iter: Value) -> usize {
    let Iter::Set { set, at, .. } = vm.heap.cell::<Iter>(iter) else {
        return 0;
    };
    let table = &vm
        .heap
        .cell::<lockstep_runtime::object::set::Set>(*set)
        .table;
    let (mut n, mut from) = (0, *at as u32);
    while let Some((slot, ..)) = table.next_from(from) {
        n += 1;
        from = slot + 1;
    }
    n
}

fn make(vm: &mut Vm, class: Value, iter: Iter) -> PyResult {
    let shape = vm.root_shape(class);
    Ok(vm.heap.alloc(shape, iter))
}

fn enumerate(vm: &mut Vm, a: &[Value]) -> PyResult {
    if a[1].is_empty() {
        return Err(vm.type_error(match a[2].given() {
            Some(_) => "'start' is an invalid keyword argument for enumerate()",
            None => "enumerate() missing required argument 'iterable'",
        }));
    }
    let count = match a[2].given() {
        Some(start) => vm.index(start)?,
        None => Value::small(0),
    };
    let iter = vm.iter(a[1])?;
    make(vm, a[0], Iter::Enumerate { iter, count })
}

/// `iter()` of each; they are held until the native returns.
pub(super) fn iters_of(vm: &mut Vm, iterables: &[Value]) -> PyResult<Box<[Value]>> {
    let mut iters: SmallVec<[Value; 4]> = SmallVec::with_capacity(iterables.len());
    for &iterable in iterables {
        let iter = vm.iter(iterable)?;
        vm.root(iter);
        iters.push(iter);
    }
    Ok(iters.as_slice().into())
}

fn zip(vm: &mut Vm, a: &[Value]) -> PyResult {
    // Keyword-only parameters come before `*iterables`.
    let strict = args::flag_or(vm, a[1], false)?;
    let iterables = vm.heap.tuple_items(a[2]).to_vec();
    let iters = iters_of(vm, &iterables)?;
    make(vm, a[0], Iter::Zip { iters, strict })
}

fn map(vm: &mut Vm, a: &[Value]) -> PyResult {
    let given = vm.heap.tuple_items(a[1]).to_vec();
    let [func, iterables @ ..] = &given[..] else {
        return Err(vm.type_error("map() must have at least two arguments."));
    };
    if iterables.is_empty() {
        return Err(vm.type_error("map() must have at least two arguments."));
    }
    let iters = iters_of(vm, iterables)?;
    make(vm, a[0], Iter::Map { func: *func, iters })
}

fn filter(vm: &mut Vm, a: &[Value]) -> PyResult {
    let iter = vm.iter(a[2])?;
    make(vm, a[0], Iter::Filter { func: a[1], iter })
}

fn reversed(vm: &mut Vm, a: &[Value]) -> PyResult {
    debug_assert!(vm.heap.kind(a[0]) == Some(Kind::Class) && B::Reversed.subclassable());
    vm.reversed(a[1])
}
