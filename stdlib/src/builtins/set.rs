//! `set` and `frozenset`.

use lockstep_runtime::native::{ClassDef, NativeDef, class_method, method, static_method};
use lockstep_runtime::object::set::Set;
use lockstep_runtime::{B, Kind, PyResult, Value, Vm};

use super::{generic_alias, operators as op};

pub static SET: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new),
        method("__init__(self, iterable=(), /)", init),
        op::REPR,
        op::GETATTRIBUTE,
        op::LEN,
        op::CONTAINS.not_a_slot(),
        op::ITER,
        op::AND,
        op::RAND,
        op::OR,
        op::ROR,
        op::SUB,
        op::RSUB,
        op::XOR,
        op::RXOR,
        op::IAND,
        op::IOR,
        op::ISUB,
        op::IXOR,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
        CLASS_GETITEM,
        COPY,
        UNION,
        INTERSECTION,
        DIFFERENCE,
        SYMMETRIC_DIFFERENCE,
        ISDISJOINT,
        ISSUBSET,
        ISSUPERSET,
        REDUCE,
        method("add(self, object, /)", add),
        method("clear(self, /)", clear),
        method("discard(self, object, /)", discard),
        method("remove(self, object, /)", remove),
        method("pop(self, /)", pop),
        method("update(self, /, *others)", update),
        method("intersection_update(self, /, *others)", intersection_update),
        method("difference_update(self, /, *others)", difference_update),
        method(
            "symmetric_difference_update(self, other, /)",
            symmetric_difference_update,
        ),
    ],
    attributes: &[],
    doc: "Build an unordered collection of unique elements.",
};

pub static FROZEN: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, iterable=(), /)", frozen_new),
        op::REPR,
        op::HASH,
        op::LEN,
        op::CONTAINS.not_a_slot(),
        op::ITER,
        op::AND,
        op::RAND,
        op::OR,
        op::ROR,
        op::SUB,
        op::RSUB,
        op::XOR,
        op::RXOR,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
        CLASS_GETITEM,
        COPY,
        UNION,
        INTERSECTION,
        DIFFERENCE,
        SYMMETRIC_DIFFERENCE,
        ISDISJOINT,
        ISSUBSET,
        ISSUPERSET,
        REDUCE,
    ],
    attributes: &[],
    doc: "Build an immutable unordered collection of unique elements.",
};

const CLASS_GETITEM: NativeDef = class_method(
    "__class_getitem__(cls, object, /)",
    generic_alias::class_getitem,
);
const COPY: NativeDef = method("copy(self, /)", copy);
const UNION: NativeDef = method("union(self, /, *others)", union);
const INTERSECTION: NativeDef = method("intersection(self, /, *others)", intersection);
const DIFFERENCE: NativeDef = method("difference(self, /, *others)", difference);
const SYMMETRIC_DIFFERENCE: NativeDef =
    method("symmetric_difference(self, other, /)", symmetric_difference);
const ISDISJOINT: NativeDef = method("isdisjoint(self, other, /)", isdisjoint);
const ISSUBSET: NativeDef = method("issubset(self, other, /)", issubset);
const ISSUPERSET: NativeDef = method("issuperset(self, other, /)", issuperset);
const REDUCE: NativeDef = method("__reduce__(self, /)", reduce);

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let shape = vm.root_shape(a[0]);
    Ok(vm.heap.alloc(shape, Set::default()))
}

fn init(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.heap.cell_mut::<Set>(a[0]).table.clear();
    if let Some(iterable) = a[1].given() {
        vm.set_update(a[0], iterable)?;
    }
    Ok(Value::NONE)
}

fn frozen_new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let exact = a[0] == vm.class(B::FrozenSet);
    if let Some(v) = a[1].given()
        && exact
        && vm.heap.is_exact(v, B::FrozenSet)
    {
        return Ok(v);
    }
    let shape = vm.root_shape(a[0]);
    let set = vm.heap.alloc(shape, Set::default());
    vm.root(set);
    if let Some(iterable) = a[1].given() {
        vm.set_update(set, iterable)?;
    }
    Ok(set)
}

/// Results are of the builtin class, whatever subclass the operand has.
fn builtin_class(vm: &Vm, v: Value) -> B {
    if vm.is_instance_of(v, B::FrozenSet) {
        B::FrozenSet
    } else {
        B::Set
    }
}

fn copy(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.is_exact(a[0], B::FrozenSet) {
        return Ok(a[0]);
    }
    copy_as_builtin(vm, a[0])
}

/// A copy that is a plain set or frozenset.
fn copy_as_builtin(vm: &mut Vm, set: Value) -> PyResult {
    let class = builtin_class(vm, set);
    Ok(vm.set_copy(set, class))
}

fn union(vm: &mut Vm, a: &[Value]) -> PyResult {
    let class = builtin_class(vm, a[0]);
    let result = vm.set_copy(a[0], class);
    vm.root(result);
    for other in vm.heap.tuple_items(a[1]).to_vec() {
        // CPython 3.13 setobject.c set_union: its own items don't make the table larger.
        if other != a[0] {
            vm.set_update(result, other)?;
        }
    }
    Ok(result)
}

fn intersection(vm: &mut Vm, a: &[Value]) -> PyResult {
    let others = vm.heap.tuple_items(a[1]).to_vec();
    let mut result = a[0];
    for &other in &others {
        result = vm.set_intersection(result, other)?;
        vm.root(result);
    }
    if others.is_empty() {
        return copy_as_builtin(vm, a[0]);
    }
    Ok(result)
}

fn difference(vm: &mut Vm, a: &[Value]) -> PyResult {
    let others = vm.heap.tuple_items(a[1]).to_vec();
    let Some((&first, rest)) = others.split_first() else {
        return copy_as_builtin(vm, a[0]);
    };
    let result = vm.set_difference(a[0], first)?;
    vm.root(result);
    for &other in rest {
        vm.set_difference_update(result, other)?;
    }
    Ok(result)
}

fn symmetric_difference(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.set_symmetric_difference(a[0], a[1])
}

fn isdisjoint(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(Value::bool(vm.set_is_disjoint(a[0], a[1])?))
}

fn issubset(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.kind(a[1]) == Some(Kind::Set) {
        return Ok(Value::bool(vm.set_is_subset(a[0], a[1])?));
    }
    // CPython 3.13 setobject.c set_issubset: as many have to be in both.
    let common = vm.set_intersection(a[0], a[1])?;
    Ok(Value::bool(vm.set_len(common) == vm.set_len(a[0])))
}

fn issuperset(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.kind(a[1]) == Some(Kind::Set) {
        return Ok(Value::bool(vm.set_is_subset(a[1], a[0])?));
    }
    Ok(Value::bool(vm.set_holds_all(a[0], a[1])?))
}

fn reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    let class = vm.heap.class_of(a[0]);
    // CPython 3.13 setobject.c set___reduce___impl lists them through `__iter__`.
    let items = vm.collect_iterable(a[0])?;
    let items = vm.heap.list(items);
    let arguments = vm.heap.tuple(&[items]);
    vm.root(arguments);
    let state = vm.call_method(a[0], "__getstate__", &[])?;
    Ok(vm.heap.tuple(&[class, arguments, state]))
}

fn add(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.set_add(a[0], a[1])?;
    Ok(Value::NONE)
}

fn clear(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.heap.cell_mut::<Set>(a[0]).table.clear();
    Ok(Value::NONE)
}

fn discard(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.set_discard(a[0], a[1])?;
    Ok(Value::NONE)
}

fn remove(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.set_discard(a[0], a[1])? {
        Ok(Value::NONE)
    } else {
        Err(vm.key_error(a[1]))
    }
}

fn pop(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.heap.cell_mut::<Set>(a[0]).table.pop() {
        Some(key) => Ok(key),
        None => {
            let message = vm.heap.str("pop from an empty set");
            Err(vm.key_error(message))
        }
    }
}

fn update(vm: &mut Vm, a: &[Value]) -> PyResult {
    for other in vm.heap.tuple_items(a[1]).to_vec() {
        vm.set_update(a[0], other)?;
    }
    Ok(Value::NONE)
}

fn intersection_update(vm: &mut Vm, a: &[Value]) -> PyResult {
    // CPython 3.13 setobject.c set_intersection_multi: what fails at a later one changes nothing.
    let mut others = vm.heap.tuple_items(a[1]).to_vec();
    let Some(last) = others.pop() else {
        return Ok(Value::NONE);
    };
    let mut common = a[0];
    for other in others {
        common = vm.set_intersection(common, other)?;
        vm.root(common);
    }
    let common = vm.set_intersection(common, last)?;
    vm.set_replace(a[0], common);
    Ok(Value::NONE)
}

fn difference_update(vm: &mut Vm, a: &[Value]) -> PyResult {
    for other in vm.heap.tuple_items(a[1]).to_vec() {
        vm.set_difference_update(a[0], other)?;
    }
    Ok(Value::NONE)
}

fn symmetric_difference_update(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.set_symmetric_difference_update(a[0], a[1])?;
    Ok(Value::NONE)
}
