//! `count` and `repeat`: iterators without a source.

use lockstep_runtime::native::{ClassDef, method, static_method};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::protocol::number::BinaryOp;
use lockstep_runtime::{Marker, PyResult, Value, Vm};

use super::{ITER, NEXT};
use crate::args;

pub static COUNT: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, start=0, step=1)", count),
        ITER,
        NEXT,
        method("__repr__(self, /)", count_repr),
        method("__reduce__(self, /)", count_reduce),
    ],
    attributes: &[],
    doc: "Return a count object whose .__next__() method returns consecutive values.",
};

pub static REPEAT: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, object=None, times=None)", repeat),
        ITER,
        NEXT,
        method("__length_hint__(self, /)", repeat_hint),
        method("__repr__(self, /)", repeat_repr),
        method("__reduce__(self, /)", repeat_reduce),
    ],
    attributes: &[],
    doc: "repeat(object [,times]) -> create an iterator which returns the object\nfor the specified number of times.  If not specified, returns the object\nendlessly.",
};

struct Count {
    value: Value,
    step: Value,
}

impl Native for Count {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.value, self.step]);
    }
}

fn count(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (start, step) = (
        a[1].given().unwrap_or(Value::small(0)),
        a[2].given().unwrap_or(Value::small(1)),
    );
    for number in [start, step] {
        if !vm.is_number(number) {
            return Err(vm.type_error("a number is required"));
        }
    }
    // CPython counts in steps of one without asking the start's class.
    let value = if vm.heap.is_int(start) && is_one(vm, step) {
        vm.index(start)?
    } else {
        start
    };
    let shape = vm.root_shape(a[0]);
    Ok(vm
        .heap
        .native_iter(shape, count_next, Count { value, step }))
}

fn is_one(vm: &Vm, step: Value) -> bool {
    vm.heap.is_int(step) && vm.heap.as_i64(step) == Some(1)
}

fn count_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some(&Count { value, step }) = vm.heap.iter_state::<Count>(this) else {
        return Ok(None);
    };
    let after = match (value.as_int(), step.as_int()) {
        (Some(n), Some(by)) => vm.heap.int(n + by),
        _ => vm.holding(&[value, step], |vm| {
            vm.binary(BinaryOp::Add, value, step, false)
        })?,
    };
    if let Some(count) = vm.heap.iter_state_mut::<Count>(this) {
        count.value = after;
    }
    Ok(Some(value))
}

fn count_repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let class = vm.heap.class_of(a[0]);
    let name = vm.class_name(class);
    let Some(&Count { value, step }) = vm.heap.iter_state::<Count>(a[0]) else {
        return args::str_value(vm, name);
    };
    let shown = vm.repr_string(value)?;
    let text = if is_one(vm, step) {
        format!("{name}({shown})")
    } else {
        let step = vm.repr_string(step)?;
        format!("{name}({shown}, {step})")
    };
    args::str_value(vm, text)
}

fn count_reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    super::warn_copies(vm)?;
    let class = vm.heap.class_of(a[0]);
    let (value, step) = match vm.heap.iter_state::<Count>(a[0]) {
        Some(count) => (count.value, count.step),
        None => (Value::small(0), Value::small(1)),
    };
    let args = if is_one(vm, step) {
        vm.heap.tuple(&[value])
    } else {
        vm.heap.tuple(&[value, step])
    };
    Ok(vm.heap.tuple(&[class, args]))
}

struct Repeat {
    object: Value,
    /// None: without end.
    left: Option<i64>,
}

impl Native for Repeat {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.object);
    }
}

fn repeat(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(object) = a[1].given() else {
        return Err(vm.type_error("repeat() missing required argument 'object' (pos 1)"));
    };
    let left = match a[2].given() {
        Some(times) => Some(vm.to_ssize(times)?.max(0)),
        None => None,
    };
    let shape = vm.root_shape(a[0]);
    Ok(vm
        .heap
        .native_iter(shape, repeat_next, Repeat { object, left }))
}

fn repeat_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some(repeat) = vm.heap.iter_state_mut::<Repeat>(this) else {
        return Ok(None);
    };
    match &mut repeat.left {
        Some(0) => return Ok(None),
        Some(left) => *left -= 1,
        None => {}
    }
    Ok(Some(repeat.object))
}

fn repeat_hint(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.heap.iter_state::<Repeat>(a[0]) {
        Some(&Repeat { left: None, .. }) => Err(vm.type_error("len() of unsized object")),
        Some(&Repeat {
            left: Some(left), ..
        }) => Ok(vm.heap.int(left)),
        None => Ok(Value::small(0)),
    }
}

fn repeat_repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let class = vm.heap.class_of(a[0]);
    let name = vm.class_name(class);
    let Some(&Repeat { object, left }) = vm.heap.iter_state::<Repeat>(a[0]) else {
        return args::str_value(vm, name);
    };
    let shown = vm.repr_string(object)?;
    let text = match left {
        None => format!("{name}({shown})"),
        Some(left) => format!("{name}({shown}, {left})"),
    };
    args::str_value(vm, text)
}

fn repeat_reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    super::warn_copies(vm)?;
    let class = vm.heap.class_of(a[0]);
    let (object, left) = match vm.heap.iter_state::<Repeat>(a[0]) {
        Some(repeat) => (repeat.object, repeat.left),
        None => (Value::NONE, Some(0)),
    };
    let args = match left {
        Some(left) => {
            let left = vm.heap.int(left);
            vm.heap.tuple(&[object, left])
        }
        None => vm.heap.tuple(&[object]),
    };
    Ok(vm.heap.tuple(&[class, args]))
}
