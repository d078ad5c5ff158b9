//! `_bisect`: binary search, which the module `bisect` shows. Follows CPython 3.13
//! _bisectmodule.c.

use lockstep_runtime::native::{NativeDef, function};
use lockstep_runtime::object::list::List;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::{B, Kind, N, PyResult, Value, Vm};

use crate::NativeModule;
use crate::args;
use crate::heapq::quick;

pub static MODULE: NativeModule = NativeModule {
    name: "_bisect",
    functions: FUNCTIONS,
    init: |vm, dict| {
        for (alias, name) in [("bisect", "bisect_right"), ("insort", "insort_right")] {
            let name = vm.heap.intern(name);
            if let Some(function) = vm.heap.ns_get(dict, name) {
                let alias = vm.heap.intern(alias);
                vm.heap.ns_set(dict, alias, function);
            }
        }
        Ok(())
    },
};

const FUNCTIONS: &[NativeDef] = &[
    function("bisect_right(a, x, lo=0, hi=None, *, key=None)", |vm, a| {
        let at = search(vm, a, a[1], Side::Right)?;
        Ok(vm.heap.usize(at))
    }),
    function("bisect_left(a, x, lo=0, hi=None, *, key=None)", |vm, a| {
        let at = search(vm, a, a[1], Side::Left)?;
        Ok(vm.heap.usize(at))
    }),
    function("insort_right(a, x, lo=0, hi=None, *, key=None)", |vm, a| {
        insert(vm, a, Side::Right)
    }),
    function("insort_left(a, x, lo=0, hi=None, *, key=None)", |vm, a| {
        insert(vm, a, Side::Left)
    }),
];

/// On which side of equal items the place is.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

fn search(vm: &mut Vm, a: &[Value], wanted: Value, side: Side) -> PyResult<usize> {
    let (sequence, key) = (a[0], a[4].some());
    let lo = match a[2].given() {
        Some(lo) => vm.to_ssize(lo)?,
        None => 0,
    };
    let hi = args::optional_ssize(vm, a[3], -1)?;
    let Ok(mut lo) = usize::try_from(lo) else {
        return Err(vm.value_error("lo must be non-negative"));
    };
    let is_mapping = vm.heap.kind(sequence) == Some(Kind::Dict);
    let mut hi = match hi {
        -1 if !is_mapping => vm.len(sequence)?,
        // A negative one leaves nothing to search.
        hi => usize::try_from(hi).unwrap_or(0),
    };
    // CPython 3.13 _bisectmodule.c get_sq_item: what is no sequence is told of before the search.
    if is_mapping || vm.special(sequence, N::getitem).is_none() {
        let name = vm.type_name(sequence);
        return Err(vm.type_error(match is_mapping {
            true => format!("{name} is not a sequence"),
            false => format!("'{name}' object does not support indexing"),
        }));
    }
    while lo < hi {
        let middle = lo + (hi - lo) / 2;
        let item = item_at(vm, sequence, middle)?;
        let item = match key {
            Some(key) => vm.call(key, &[item])?,
            None => item,
        };
        let goes_right = match side {
            Side::Left => less(vm, item, wanted)?,
            Side::Right => !less(vm, wanted, item)?,
        };
        if goes_right {
            lo = middle + 1;
        } else {
            hi = middle;
        }
    }
    Ok(lo)
}

fn item_at(vm: &mut Vm, sequence: Value, at: usize) -> PyResult {
    if vm.heap.is_exact(sequence, B::List)
        && let Some(&item) = vm.heap.cell::<List>(sequence).items.get(at)
    {
        return Ok(item);
    }
    let at = vm.heap.usize(at);
    vm.get_item(sequence, at)
}

fn less(vm: &mut Vm, a: Value, b: Value) -> PyResult<bool> {
    match quick(&vm.heap, a, b) {
        Some(less) => Ok(less),
        None => vm.holding(&[a, b], |vm| vm.compare_bool(CompareOp::Lt, a, b)),
    }
}

fn insert(vm: &mut Vm, a: &[Value], side: Side) -> PyResult {
    let wanted = match a[4].some() {
        Some(key) => vm.call(key, &[a[1]])?,
        None => a[1],
    };
    vm.root(wanted);
    let at = search(vm, a, wanted, side)?;
    let at = vm.heap.usize(at);
    vm.call_method(a[0], "insert", &[at, a[1]])?;
    Ok(Value::NONE)
}
