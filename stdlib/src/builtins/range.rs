//! `range` and `slice`.

use lockstep_runtime::native::{ClassDef, getter, method, static_method};
use lockstep_runtime::object::range::{Range, Slice};
use lockstep_runtime::{Kind, PyResult, Value, Vm};
use num_bigint::BigInt;
use num_traits::{Signed, Zero};

use super::operators as op;

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args)", new),
        method("__reduce__(self, /)", |vm, a| {
            let Range { start, stop, step } = *vm.heap.cell::<Range>(a[0]);
            let parts = vm.heap.tuple(&[start, stop, step]);
            let class = vm.heap.class_of(a[0]);
            Ok(vm.heap.tuple(&[class, parts]))
        }),
        op::REPR,
        op::GETATTRIBUTE,
        op::HASH,
        op::BOOL,
        op::LEN,
        op::GETITEM,
        op::CONTAINS,
        op::ITER,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
        method("__reversed__(self, /)", reversed),
        method("count(self, value, /)", count),
        method("index(self, value, /)", index),
    ],
    attributes: &[
        getter("start", |vm, this| Ok(vm.heap.cell::<Range>(this).start)),
        getter("stop", |vm, this| Ok(vm.heap.cell::<Range>(this).stop)),
        getter("step", |vm, this| Ok(vm.heap.cell::<Range>(this).step)),
    ],
    doc: "range(stop) -> range object\nrange(start, stop[, step]) -> range object\n\nReturn an object that produces a sequence of integers from start (inclusive)\nto stop (exclusive) by step.  range(i, j) produces i, i+1, i+2, ..., j-1.",
};

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (start, stop, step) = match *vm.heap.tuple_items(a[1]) {
        [] => return Err(vm.type_error("range expected at least 1 argument, got 0")),
        [stop] => (Value::small(0), stop, Value::small(1)),
        [start, stop] => (start, stop, Value::small(1)),
        [start, stop, step] => (start, stop, step),
        ref more => {
            let message = format!("range expected at most 3 arguments, got {}", more.len());
            return Err(vm.type_error(message));
        }
    };
    let (start, stop, step) = (vm.index(start)?, vm.index(stop)?, vm.index(step)?);
    vm.range(start, stop, step)
}

fn reversed(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reversed(a[0])
}

fn count(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.is_int(a[1]) {
        return Ok(Value::small(i64::from(
            vm.range_index(a[0], a[1]).is_some(),
        )));
    }
    let mut n = 0;
    let iter = vm.iter(a[0])?;
    vm.root(iter);
    while let Some(item) = vm.next(iter)? {
        n += i64::from(vm.eq(item, a[1])?);
        vm.tick()?;
    }
    Ok(Value::small(n))
}

fn index(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.is_int(a[1]) {
        return match vm.range_index(a[0], a[1]) {
            Some(at) => Ok(vm.heap.big(at)),
            None => {
                let message = format!("{} is not in range", vm.repr_string(a[1])?);
                Err(vm.value_error(message))
            }
        };
    }
    let iter = vm.iter(a[0])?;
    vm.root(iter);
    let mut at = 0;
    while let Some(item) = vm.next(iter)? {
        if vm.eq(item, a[1])? {
            return Ok(Value::small(at));
        }
        at += 1;
        vm.tick()?;
    }
    Err(vm.value_error("sequence.index(x): x not in sequence"))
}

pub static SLICE: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args)", slice_new),
        op::REPR,
        op::GETATTRIBUTE,
        op::HASH,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
        method("indices(self, len, /)", indices),
        method("__reduce__(self, /)", |vm, a| {
            let Slice { start, stop, step } = *vm.heap.cell::<Slice>(a[0]);
            let parts = vm.heap.tuple(&[start, stop, step]);
            let class = vm.heap.class_of(a[0]);
            Ok(vm.heap.tuple(&[class, parts]))
        }),
    ],
    attributes: &[
        getter("start", |vm, this| Ok(vm.heap.cell::<Slice>(this).start)),
        getter("stop", |vm, this| Ok(vm.heap.cell::<Slice>(this).stop)),
        getter("step", |vm, this| Ok(vm.heap.cell::<Slice>(this).step)),
    ],
    doc: "slice(stop)\nslice(start, stop[, step])\n\nCreate a slice object.  This is used for extended slicing (e.g. a[0:10:2]).",
};

fn slice_new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let none = Value::NONE;
    let (start, stop, step) = match *vm.heap.tuple_items(a[1]) {
        [] => return Err(vm.type_error("slice expected at least 1 argument, got 0")),
        [stop] => (none, stop, none),
        [start, stop] => (start, stop, none),
        [start, stop, step] => (start, stop, step),
        ref more => {
            let message = format!("slice expected at most 3 arguments, got {}", more.len());
            return Err(vm.type_error(message));
        }
    };
    Ok(vm.heap.slice(start, stop, step))
}

/// A bound of a slice, resolved for a sequence of `len` items of any number.
fn resolve(
    vm: &mut Vm,
    bound: Value,
    len: &BigInt,
    low: &BigInt,
    high: &BigInt,
) -> PyResult<Option<BigInt>> {
    if bound.is_none() {
        return Ok(None);
    }
    if !vm.has_index(bound) {
        return Err(
            vm.type_error("slice indices must be integers or None or have an __index__ method")
        );
    }
    let n = vm.index(bound)?;
    let mut n = vm.heap.as_big(n).unwrap_or_default();
    if n.is_negative() {
        n += len;
    }
    Ok(Some(n.max(low.clone()).min(high.clone())))
}

fn indices(vm: &mut Vm, a: &[Value]) -> PyResult {
    let len = vm.index(a[1])?;
    let len = vm.heap.as_big(len).unwrap_or_default();
    if len.is_negative() {
        return Err(vm.value_error("length should not be negative"));
    }
    let Slice { start, stop, step } = *vm.heap.cell::<Slice>(a[0]);
    let step = if step.is_none() {
        Value::small(1)
    } else {
        vm.index(step)?
    };
    let step_big = vm.heap.as_big(step).unwrap_or_default();
    if step_big.is_zero() {
        return Err(vm.value_error("slice step cannot be zero"));
    }
    let down = step_big.is_negative();
    let (low, high) = if down {
        (BigInt::from(-1), &len - 1)
    } else {
        (BigInt::zero(), len.clone())
    };
    let first = resolve(vm, start, &len, &low, &high)?;
    let last = resolve(vm, stop, &len, &low, &high)?;
    let first = first.unwrap_or_else(|| if down { high.clone() } else { low.clone() });
    let last = last.unwrap_or(if down { low } else { high });
    let (first, last) = (vm.heap.big(first), vm.heap.big(last));
    debug_assert!(vm.heap.kind(a[0]) == Some(Kind::Slice));
    Ok(vm.heap.tuple(&[first, last, step]))
}
