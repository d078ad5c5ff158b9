//! `tuple`.

use lockstep_runtime::native::{ClassDef, class_method, method, static_method};
use lockstep_runtime::{B, PyResult, Value, Vm};

use super::{generic_alias, list, operators as op};
use crate::args;

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, iterable=(), /)", new),
        op::REPR,
        op::GETATTRIBUTE,
        op::HASH,
        op::LEN,
        op::GETITEM,
        op::CONTAINS,
        op::ITER,
        op::ADD,
        op::MUL,
        op::RMUL,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
        method("__getnewargs__(self, /)", getnewargs),
        class_method(
            "__class_getitem__(cls, object, /)",
            generic_alias::class_getitem,
        ),
        method("count(self, value, /)", count),
        method(
            "index(self, value, start=0, stop=9223372036854775807, /)",
            index,
        ),
    ],
    attributes: &[],
    doc: "Built-in immutable sequence.\n\nIf no argument is given, the constructor returns an empty tuple.\nIf iterable is specified the tuple is initialized from iterable's items.\n\nIf the argument is a tuple, the return value is the same object.",
};

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let exact = a[0] == vm.class(B::Tuple);
    let items = match a[1].given() {
        None => Vec::new(),
        Some(v) if exact && vm.heap.is_exact(v, B::Tuple) => return Ok(v),
        Some(v) => vm.collect_iterable(v)?,
    };
    let shape = vm.root_shape(a[0]);
    Ok(vm.heap.tuple_of_shape(shape, &items))
}

fn getnewargs(vm: &mut Vm, a: &[Value]) -> PyResult {
    let items = vm.heap.tuple_items(a[0]).to_vec();
    let plain = vm.heap.tuple(&items);
    Ok(vm.heap.tuple(&[plain]))
}

fn count(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (mut n, mut at) = (0, 0);
    while let Some(found) = vm.find_item(a[0], a[1], at, usize::MAX)? {
        n += 1;
        at = found + 1;
    }
    Ok(Value::small(n))
}

fn index(vm: &mut Vm, a: &[Value]) -> PyResult {
    let start = args::index_bound_or(vm, a[2], 0)?;
    let stop = args::index_bound_or(vm, a[3], i64::MAX)?;
    let len = vm.heap.tuple_items(a[0]).len();
    match vm.find_item(a[0], a[1], list::clip(start, len), list::clip(stop, len))? {
        Some(at) => Ok(vm.heap.usize(at)),
        None => Err(vm.value_error("tuple.index(x): x not in tuple")),
    }
}
