//! The iterators that pass items of their sources on: `accumulate`, `batched`, `chain`,
//! `cycle`, `islice`, `pairwise`, `zip_longest`.

use lockstep_runtime::native::{ClassDef, class_method, static_method};
use lockstep_runtime::object::list::List;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::protocol::number::BinaryOp;
use lockstep_runtime::{Marker, PyResult, Value, Vm};

use super::{ITER, NEXT, iters_of, next_of};
use crate::args;
use crate::builtins::generic_alias;

pub static ACCUMULATE: ClassDef = class!(
    "__new__(cls, /, iterable, func=None, *, initial=None)",
    accumulate,
    "Return series of accumulated sums."
);
pub static BATCHED: ClassDef = class!(
    "__new__(cls, /, iterable, n, *, strict=False)",
    batched,
    "Batch data into tuples of length n. The last batch may be shorter than n."
);
pub static CYCLE: ClassDef = class!(
    "__new__(cls, iterable, /)",
    cycle,
    "Return elements from the iterable until it is exhausted. Then repeat the sequence indefinitely."
);
pub static ISLICE: ClassDef = class!(
    "__new__(cls, /, *args)",
    islice,
    "islice(iterable, stop) --> islice object\nislice(iterable, start, stop[, step]) --> islice object"
);
pub static PAIRWISE: ClassDef = class!(
    "__new__(cls, iterable, /)",
    pairwise,
    "Return an iterator of overlapping pairs taken from the input iterator."
);
pub static ZIP_LONGEST: ClassDef = class!(
    "__new__(cls, /, *iterables, fillvalue=None)",
    zip_longest,
    "Return a zip_longest object whose .__next__() method returns a tuple where\nthe i-th element comes from the i-th iterable argument."
);
pub static CHAIN: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *iterables)", chain),
        class_method("from_iterable(cls, iterable, /)", from_iterable),
        class_method(
            "__class_getitem__(cls, object, /)",
            generic_alias::class_getitem,
        ),
        ITER,
        NEXT,
    ],
    attributes: &[],
    doc: "Return a chain object whose .__next__() method returns elements from the\nfirst iterable until it is exhausted, then elements from the next\niterable, until all of the iterables are exhausted.",
};

struct Chain {
    /// The iterator over the iterables.
    source: Value,
    /// The one whose items come now; unbound between two.
    active: Value,
}

impl Native for Chain {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.source, self.active]);
    }
}

fn chain(vm: &mut Vm, a: &[Value]) -> PyResult {
    let source = vm.iter(a[1])?;
    new_chain(vm, a[0], source)
}

fn from_iterable(vm: &mut Vm, a: &[Value]) -> PyResult {
    let source = vm.iter(a[1])?;
    new_chain(vm, a[0], source)
}

fn new_chain(vm: &mut Vm, class: Value, source: Value) -> PyResult {
    let shape = vm.root_shape(class);
    let state = Chain {
        source,
        active: Value::EMPTY,
    };
    Ok(vm.heap.native_iter(shape, chain_next, state))
}

fn chain_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    while let Some(&Chain { source, active }) = vm.heap.iter_state::<Chain>(this) {
        let active = match active.given() {
            Some(active) => active,
            None => {
                let found = next_iter(vm, source);
                let Ok(Some(iter)) = found else {
                    vm.heap.end_iter(this);
                    return found;
                };
                if let Some(state) = vm.heap.iter_state_mut::<Chain>(this) {
                    state.active = iter;
                }
                iter
            }
        };
        if let Some(item) = next_of(vm, active)? {
            return Ok(Some(item));
        }
        if let Some(state) = vm.heap.iter_state_mut::<Chain>(this) {
            state.active = Value::EMPTY;
        }
        vm.tick()?;
    }
    Ok(None)
}

/// `iter()` of the next iterable.
fn next_iter(vm: &mut Vm, source: Value) -> PyResult<Option<Value>> {
    match next_of(vm, source)? {
        Some(iterable) => vm.holding(&[iterable], |vm| vm.iter(iterable)).map(Some),
        None => Ok(None),
    }
}

struct Slice {
    iter: Value,
    /// How many items have been taken.
    taken: i64,
    /// The index of the item to give next.
    next: i64,
    /// -1: to the end.
    stop: i64,
    step: i64,
}

impl Native for Slice {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.iter);
    }
}

fn islice(vm: &mut Vm, a: &[Value]) -> PyResult {
    const STOP: &str =
        "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.";
    const INDICES: &str = "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.";
    let given = vm.heap.tuple_items(a[1]).to_vec();
    let (iterable, start, stop, step) = match given[..] {
        [iterable, stop] => (iterable, Value::NONE, stop, Value::NONE),
        [iterable, start, stop] => (iterable, start, stop, Value::NONE),
        [iterable, start, stop, step] => (iterable, start, stop, step),
        _ => {
            let (most, limit) = if given.len() < 2 {
                ("least", 2)
            } else {
                ("most", 4)
            };
            return Err(vm.type_error(format!(
                "islice expected at {most} {limit} argument{}, got {}",
                if limit == 1 { "" } else { "s" },
                given.len()
            )));
        }
    };
    // What is no index at all is told as what is out of range.
    let start = bound(vm, start, 0);
    let stop = match stop.some() {
        None => -1,
        Some(stop) => match bound(vm, stop, -1) {
            -1 => return Err(vm.value_error(STOP)),
            stop => stop,
        },
    };
    if start < 0 || stop < -1 {
        return Err(vm.value_error(INDICES));
    }
    let step = bound(vm, step, 1);
    if step < 1 {
        return Err(vm.value_error("Step for islice() must be a positive integer or None."));
    }
    let iter = vm.iter(iterable)?;
    let shape = vm.root_shape(a[0]);
    let state = Slice {
        iter,
        taken: 0,
        next: start,
        stop,
        step,
    };
    Ok(vm.heap.native_iter(shape, islice_next, state))
}

/// An index or None; -1 for what is neither.
fn bound(vm: &mut Vm, v: Value, default: i64) -> i64 {
    match v.some() {
        None => default,
        Some(v) => vm.to_ssize(v).unwrap_or(-1),
    }
}

fn islice_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    loop {
        let Some(state) = vm.heap.iter_state::<Slice>(this) else {
            return Ok(None);
        };
        let (iter, skips) = (state.iter, state.taken < state.next);
        if !skips && state.stop != -1 && state.taken >= state.stop {
            vm.heap.end_iter(this);
            return Ok(None);
        }
        let item = next_of(vm, iter);
        let Ok(Some(item)) = item else {
            vm.heap.end_iter(this);
            return item;
        };
        let Some(state) = vm.heap.iter_state_mut::<Slice>(this) else {
            return Ok((!skips).then_some(item));
        };
        state.taken += 1;
        if skips {
            vm.tick()?;
            continue;
        }
        // The items up to the stop are taken, whatever the step.
        state.next = match state.next.checked_add(state.step) {
            Some(next) if state.stop == -1 || next <= state.stop => next,
            _ => state.stop,
        };
        return Ok(Some(item));
    }
}

struct Cycle {
    /// Unbound when the first round is over.
    iter: Value,
    saved: Vec<Value>,
    at: usize,
}

impl Native for Cycle {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.iter);
        marker.mark_all(&self.saved);
    }
    fn external_bytes(&self) -> usize {
        self.saved.capacity() * 8
    }
}

fn cycle(vm: &mut Vm, a: &[Value]) -> PyResult {
    let iter = vm.iter(a[1])?;
    let shape = vm.root_shape(a[0]);
    let state = Cycle {
        iter,
        saved: Vec::new(),
        at: 0,
    };
    Ok(vm.heap.native_iter(shape, cycle_next, state))
}

fn cycle_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some(state) = vm.heap.iter_state::<Cycle>(this) else {
        return Ok(None);
    };
    if let Some(iter) = state.iter.given() {
        let item = next_of(vm, iter)?;
        let Some(state) = vm.heap.iter_state_mut::<Cycle>(this) else {
            return Ok(item);
        };
        if let Some(item) = item {
            let before = state.saved.capacity();
            state.saved.push(item);
            let grown = state.saved.capacity() - before;
            if grown > 0 {
                vm.heap.charge(grown * 8);
                vm.check_size(grown * 8)?;
            }
            return Ok(Some(item));
        }
        state.iter = Value::EMPTY;
    }
    let Some(state) = vm.heap.iter_state_mut::<Cycle>(this) else {
        return Ok(None);
    };
    let item = state.saved.get(state.at).copied();
    state.at += 1;
    if state.at >= state.saved.len() {
        state.at = 0;
    }
    Ok(item)
}

struct Accumulate {
    iter: Value,
    func: Value,
    /// Unbound before the first item.
    total: Value,
    /// None once it has been given.
    initial: Value,
}

impl Native for Accumulate {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.iter, self.func, self.total, self.initial]);
    }
}

fn accumulate(vm: &mut Vm, a: &[Value]) -> PyResult {
    let iter = vm.iter(a[1])?;
    let shape = vm.root_shape(a[0]);
    let state = Accumulate {
        iter,
        func: a[2].given().unwrap_or(Value::NONE),
        total: Value::EMPTY,
        initial: a[3].given().unwrap_or(Value::NONE),
    };
    Ok(vm.heap.native_iter(shape, accumulate_next, state))
}

fn accumulate_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some(state) = vm.heap.iter_state_mut::<Accumulate>(this) else {
        return Ok(None);
    };
    if !state.initial.is_none() {
        state.total = std::mem::replace(&mut state.initial, Value::NONE);
        return Ok(Some(state.total));
    }
    let (iter, func) = (state.iter, state.func);
    let Some(item) = vm.next(iter)? else {
        return Ok(None);
    };
    let total = match vm.heap.iter_state::<Accumulate>(this) {
        Some(state) => state.total,
        None => return Ok(None),
    };
    let total = if total.is_empty() {
        item
    } else if !func.is_none() {
        vm.call(func, &[total, item])?
    } else if let (Some(a), Some(b)) = (total.as_int(), item.as_int()) {
        vm.heap.int(a + b)
    } else {
        vm.holding(&[total, item], |vm| {
            vm.binary(BinaryOp::Add, total, item, false)
        })?
    };
    if let Some(state) = vm.heap.iter_state_mut::<Accumulate>(this) {
        state.total = total;
    }
    Ok(Some(total))
}

struct Pairwise {
    iter: Value,
    /// Unbound before the first pair.
    before: Value,
}

impl Native for Pairwise {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.iter, self.before]);
    }
}

fn pairwise(vm: &mut Vm, a: &[Value]) -> PyResult {
    let iter = vm.iter(a[1])?;
    let shape = vm.root_shape(a[0]);
    let state = Pairwise {
        iter,
        before: Value::EMPTY,
    };
    Ok(vm.heap.native_iter(shape, pairwise_next, state))
}

fn pairwise_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some(&Pairwise { iter, before }) = vm.heap.iter_state::<Pairwise>(this) else {
        return Ok(None);
    };
    let before = match before.given() {
        Some(before) => before,
        None => {
            let first = next_of(vm, iter);
            let Ok(Some(first)) = first else {
                vm.heap.end_iter(this);
                return first;
            };
            // Reading the first may have gone through all of it.
            let Some(state) = vm.heap.iter_state_mut::<Pairwise>(this) else {
                return Ok(None);
            };
            state.before = first;
            first
        }
    };
    let item = vm.holding(&[before, iter], |vm| vm.next(iter));
    let Ok(Some(item)) = item else {
        vm.heap.end_iter(this);
        return item;
    };
    if let Some(state) = vm.heap.iter_state_mut::<Pairwise>(this) {
        state.before = item;
    }
    Ok(Some(vm.heap.tuple(&[before, item])))
}

struct Batched {
    iter: Value,
    n: usize,
    strict: bool,
}

impl Native for Batched {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.iter);
    }
}

fn batched(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = vm.to_ssize(a[2])?;
    let strict = args::flag_or(vm, a[3], false)?;
    let Some(n) = usize::try_from(n).ok().filter(|&n| n > 0) else {
        return Err(vm.value_error("n must be at least one"));
    };
    let iter = vm.iter(a[1])?;
    let shape = vm.root_shape(a[0]);
    let state = Batched { iter, n, strict };
    Ok(vm.heap.native_iter(shape, batched_next, state))
}

fn batched_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some(&Batched { iter, n, strict }) = vm.heap.iter_state::<Batched>(this) else {
        return Ok(None);
    };
    // CPython makes room for all n before it reads.
    vm.check_size(n.saturating_mul(8))?;
    let items = vm.heap.list(Vec::with_capacity(n.min(64)));
    vm.holding(&[items, iter], |vm| {
        for at in 0..n {
            match vm.next(iter) {
                Ok(Some(item)) => vm.heap.list_push(items, item),
                Ok(None) if at == 0 => {
                    vm.heap.end_iter(this);
                    return Ok(None);
                }
                Ok(None) if strict => {
                    vm.heap.end_iter(this);
                    return Err(vm.value_error("batched(): incomplete batch"));
                }
                Ok(None) => break,
                Err(raised) => {
                    vm.heap.end_iter(this);
                    return Err(raised);
                }
            }
            vm.tick()?;
        }
        let items = std::mem::take(&mut vm.heap.cell_mut::<List>(items).items);
        Ok(Some(vm.heap.tuple(&items)))
    })
}

struct ZipLongest {
    /// Unbound where one has ended.
    iters: Box<[Value]>,
    n_active: usize,
    fill: Value,
}

impl Native for ZipLongest {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&self.iters);
        marker.mark(self.fill);
    }
    fn external_bytes(&self) -> usize {
        self.iters.len() * 8
    }
}

fn zip_longest(vm: &mut Vm, a: &[Value]) -> PyResult {
    let fill = a[1].given().unwrap_or(Value::NONE);
    let iterables = vm.heap.tuple_items(a[2]).to_vec();
    let iters = iters_of(vm, &iterables)?;
    let shape = vm.root_shape(a[0]);
    let state = ZipLongest {
        n_active: iters.len(),
        iters,
        fill,
    };
    Ok(vm.heap.native_iter(shape, zip_longest_next, state))
}

fn zip_longest_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some(state) = vm.heap.iter_state::<ZipLongest>(this) else {
        return Ok(None);
    };
    if state.n_active == 0 {
        return Ok(None);
    }
    let (n, fill) = (state.iters.len(), state.fill);
    let items = vm.heap.list(Vec::with_capacity(n));
    vm.holding(&[items, fill], |vm| {
        for at in 0..n {
            let iter = match vm.heap.iter_state::<ZipLongest>(this) {
                Some(state) => state.iters[at],
                None => return Ok(None),
            };
            let item = match iter.given() {
                None => fill,
                Some(iter) => match next_of(vm, iter) {
                    Ok(Some(item)) => item,
                    Ok(None) => {
                        let Some(state) = vm.heap.iter_state_mut::<ZipLongest>(this) else {
                            return Ok(None);
                        };
                        state.n_active = state.n_active.saturating_sub(1);
                        if state.n_active == 0 {
                            return Ok(None);
                        }
                        state.iters[at] = Value::EMPTY;
                        fill
                    }
                    Err(raised) => {
                        if let Some(state) = vm.heap.iter_state_mut::<ZipLongest>(this) {
                            state.n_active = 0;
                        }
                        return Err(raised);
                    }
                },
            };
            vm.heap.list_push(items, item);
        }
        let items = std::mem::take(&mut vm.heap.cell_mut::<List>(items).items);
        Ok(Some(vm.heap.tuple(&items)))
    })
}
