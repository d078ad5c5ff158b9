//! `tee`: iterators that share a source through a chain of blocks. A block holds items that
//! have been read; each iterator keeps the block it stands in, so what all have passed goes.

use lockstep_runtime::native::{ClassDef, method, static_method};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{Marker, N, PyResult, Value, Vm};

use super::{ITER, NEXT};

/// Items to a block, as CPython's LINKCELLS.
const BLOCK_ITEMS: usize = 57;

pub static TEE: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, iterable, /)", |vm, a| from_iterable(vm, a[1])),
        ITER,
        NEXT,
        method("__copy__(self, /)", |vm, a| copy(vm, a[0])),
    ],
    attributes: &[],
    doc: "Iterator wrapped to make it copyable.",
};

pub static DATA: ClassDef = ClassDef {
    methods: &[],
    attributes: &[],
    doc: "Data container common to multiple tee objects.",
};

/// The classes of one VM.
#[derive(Default)]
struct Classes {
    tee: Option<Value>,
    block: Option<Value>,
}

impl Native for Classes {
    fn trace(&self, marker: &mut Marker) {
        for class in [self.tee, self.block].into_iter().flatten() {
            marker.mark(class);
        }
    }
}

pub fn remember(vm: &mut Vm, tee: Value, block: Value) {
    let classes = vm.ext::<Classes>();
    (classes.tee, classes.block) = (Some(tee), Some(block));
}

struct Tee {
    block: Value,
    at: usize,
}

impl Native for Tee {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.block);
    }
}

struct Block {
    source: Value,
    items: Vec<Value>,
    /// The source is being asked for the next item.
    reading: bool,
    next: Value,
}

impl Native for Block {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.source);
        marker.mark_all(&self.items);
        marker.mark(self.next);
    }
    fn external_bytes(&self) -> usize {
        self.items.capacity() * 8
    }
}

fn new_block(vm: &mut Vm, source: Value) -> PyResult {
    let Some(class) = vm.ext::<Classes>().block else {
        return Err(vm.runtime_error("itertools is not loaded"));
    };
    let shape = vm.root_shape(class);
    let items = Vec::with_capacity(8);
    Ok(vm.heap.opaque(
        shape,
        Block {
            source,
            items,
            reading: false,
            next: Value::EMPTY,
        },
    ))
}

fn new_tee(vm: &mut Vm, block: Value, at: usize) -> PyResult {
    let Some(class) = vm.ext::<Classes>().tee else {
        return Err(vm.runtime_error("itertools is not loaded"));
    };
    let shape = vm.root_shape(class);
    Ok(vm.heap.native_iter(shape, tee_next, Tee { block, at }))
}

fn from_iterable(vm: &mut Vm, iterable: Value) -> PyResult {
    let iter = vm.iter(iterable)?;
    if vm.heap.iter_state::<Tee>(iter).is_some() {
        return copy(vm, iter);
    }
    let block = new_block(vm, iter)?;
    new_tee(vm, block, 0)
}

fn copy(vm: &mut Vm, this: Value) -> PyResult {
    let Some(&Tee { block, at }) = vm.heap.iter_state::<Tee>(this) else {
        return Err(vm.type_error("not a tee iterator"));
    };
    new_tee(vm, block, at)
}

fn tee_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some(&Tee { mut block, mut at }) = vm.heap.iter_state::<Tee>(this) else {
        return Ok(None);
    };
    let Some(state) = vm.heap.native::<Block>(block) else {
        return Ok(None);
    };
    if at >= BLOCK_ITEMS {
        let (source, next) = (state.source, state.next);
        let next = match next.given() {
            Some(next) => next,
            None => new_block(vm, source)?,
        };
        if let Some(state) = vm.heap.native_mut::<Block>(block) {
            state.next = next;
        }
        (block, at) = (next, 0);
        if let Some(state) = vm.heap.iter_state_mut::<Tee>(this) {
            (state.block, state.at) = (block, 0);
        }
    }
    let Some(item) = item_of(vm, block, at)? else {
        return Ok(None);
    };
    if let Some(state) = vm.heap.iter_state_mut::<Tee>(this) {
        state.at = at + 1;
    }
    Ok(Some(item))
}

/// Item `at` of a block, read from the source if nobody has come so far.
fn item_of(vm: &mut Vm, block: Value, at: usize) -> PyResult<Option<Value>> {
    let Some(state) = vm.heap.native_mut::<Block>(block) else {
        return Ok(None);
    };
    if let Some(&item) = state.items.get(at) {
        return Ok(Some(item));
    }
    if state.reading {
        return Err(vm.runtime_error("cannot re-enter the tee iterator"));
    }
    state.reading = true;
    let source = state.source;
    let item = vm.holding(&[block, source], |vm| vm.next(source));
    let Some(state) = vm.heap.native_mut::<Block>(block) else {
        return Ok(None);
    };
    state.reading = false;
    let item = item?;
    if let Some(item) = item {
        let before = state.items.capacity();
        state.items.push(item);
        let grown = state.items.capacity() - before;
        if grown > 0 {
            vm.heap.charge(grown * 8);
        }
    }
    Ok(item)
}

/// `tee(iterable, n=2, /)`
pub fn tee(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = match a[1].given() {
        Some(n) => vm.to_ssize(n)?,
        None => 2,
    };
    let Ok(n) = usize::try_from(n) else {
        return Err(vm.value_error("n must be >= 0"));
    };
    if n == 0 {
        return Ok(vm.heap.tuple(&[]));
    }
    vm.check_size(n.saturating_mul(8))?;
    let iter = vm.iter(a[0])?;
    vm.root(iter);
    let list = vm.heap.list(Vec::new());
    vm.root(list);
    // CPython 3.13 itertools_tee_impl: what can be copied is the first of them itself.
    let first = if vm.special(iter, N::copy).is_some() {
        iter
    } else {
        from_iterable(vm, iter)?
    };
    vm.heap.list_push(list, first);
    for _ in 1..n {
        vm.tick()?;
        let copied = vm.call_method(first, "__copy__", &[])?;
        vm.heap.list_push(list, copied);
    }
    let items = vm.collect_iterable(list)?;
    Ok(vm.heap.tuple(&items))
}
