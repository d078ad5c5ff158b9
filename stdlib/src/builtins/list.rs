//! `list`.

use lockstep_runtime::native::{ClassDef, class_method, method, static_method};
use lockstep_runtime::object::list::List;
use lockstep_runtime::{PyResult, Value, Vm};

use super::{generic_alias, operators as op, sort};
use crate::args;

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new),
        method("__init__(self, iterable=(), /)", init),
        op::REPR,
        op::GETATTRIBUTE,
        op::LEN,
        op::GETITEM.not_a_slot(),
        op::SETITEM,
        op::DELITEM,
        op::CONTAINS,
        op::ITER,
        op::ADD,
        op::MUL,
        op::RMUL,
        op::IADD,
        op::IMUL,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
        method("__reversed__(self, /)", reversed),
        class_method(
            "__class_getitem__(cls, object, /)",
            generic_alias::class_getitem,
        ),
        method("append(self, object, /)", append),
        method("clear(self, /)", clear),
        method("copy(self, /)", copy),
        method("count(self, value, /)", count),
        method("extend(self, iterable, /)", extend),
        method(
            "index(self, value, start=0, stop=9223372036854775807, /)",
            index,
        ),
        method("insert(self, index, object, /)", insert),
        method("pop(self, index=-1, /)", pop),
        method("remove(self, value, /)", remove),
        method("reverse(self, /)", reverse),
        method("sort(self, /, *, key=None, reverse=False)", sort_method),
    ],
    attributes: &[],
    doc: "Built-in mutable sequence.\n\nIf no argument is given, the constructor creates a new empty list.\nThe argument must be an iterable if specified.",
};

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let shape = vm.root_shape(a[0]);
    Ok(vm.heap.alloc(shape, List { items: Vec::new() }))
}

fn init(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.heap.cell_mut::<List>(a[0]).items.clear();
    if let Some(iterable) = a[1].given() {
        vm.list_extend(a[0], iterable)?;
    }
    Ok(Value::NONE)
}

fn items(vm: &Vm, this: Value) -> &[Value] {
    &vm.heap.cell::<List>(this).items
}

fn items_mut(vm: &mut Vm, this: Value) -> &mut Vec<Value> {
    &mut vm.heap.cell_mut::<List>(this).items
}

fn reversed(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.builtin_reversed(a[0]) {
        Some(iter) => Ok(iter),
        None => vm.reversed(a[0]),
    }
}

fn append(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.list_append(a[0], a[1])?;
    Ok(Value::NONE)
}

fn clear(vm: &mut Vm, a: &[Value]) -> PyResult {
    *items_mut(vm, a[0]) = Vec::new();
    Ok(Value::NONE)
}

fn copy(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = items(vm, a[0]).len();
    vm.check_items(n)?;
    let copy = items(vm, a[0]).to_vec();
    Ok(vm.heap.list(copy))
}

fn count(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (mut n, mut at) = (0, 0);
    while let Some(found) = vm.find_item(a[0], a[1], at, usize::MAX)? {
        n += 1;
        at = found + 1;
    }
    Ok(Value::small(n))
}

fn extend(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.list_extend(a[0], a[1])?;
    Ok(Value::NONE)
}

/// A place in a sequence of `len` items: negative ones count from the end, and
/// all are clipped.
pub fn clip(at: i64, len: usize) -> usize {
    let at = if at < 0 {
        at.saturating_add(len as i64).max(0)
    } else {
        at
    };
    (at as usize).min(len)
}

fn index(vm: &mut Vm, a: &[Value]) -> PyResult {
    let start = args::index_bound_or(vm, a[2], 0)?;
    let stop = args::index_bound_or(vm, a[3], i64::MAX)?;
    let len = items(vm, a[0]).len();
    match vm.find_item(a[0], a[1], clip(start, len), clip(stop, len))? {
        Some(at) => Ok(vm.heap.usize(at)),
        None => {
            let message = format!("{} is not in list", vm.repr_string(a[1])?);
            Err(vm.value_error(message))
        }
    }
}

fn insert(vm: &mut Vm, a: &[Value]) -> PyResult {
    let at = vm.to_ssize(a[1])?;
    vm.check_list_growth(a[0], 1)?;
    let list = items_mut(vm, a[0]);
    let at = clip(at, list.len());
    let before = list.capacity();
    list.insert(at, a[2]);
    let grown = list.capacity() - before;
    vm.heap.charge(grown * 8);
    Ok(Value::NONE)
}

fn pop(vm: &mut Vm, a: &[Value]) -> PyResult {
    let at = args::ssize_or(vm, a[1], -1)?;
    let len = items(vm, a[0]).len() as i64;
    if len == 0 {
        return Err(vm.index_error("pop from empty list"));
    }
    let at = if at < 0 { at.saturating_add(len) } else { at };
    if !(0..len).contains(&at) {
        return Err(vm.index_error("pop index out of range"));
    }
    Ok(if at == len - 1 {
        let list = vm.heap.cell_mut_storing::<List>(a[0], &[]);
        list.items.pop().unwrap_or(Value::NONE)
    } else {
        items_mut(vm, a[0]).remove(at as usize)
    })
}

fn remove(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.find_item(a[0], a[1], 0, usize::MAX)? {
        Some(at) => {
            let list = items_mut(vm, a[0]);
            if at < list.len() {
                list.remove(at);
            }
            Ok(Value::NONE)
        }
        None => Err(vm.value_error("list.remove(x): x not in list")),
    }
}

fn reverse(vm: &mut Vm, a: &[Value]) -> PyResult {
    items_mut(vm, a[0]).reverse();
    Ok(Value::NONE)
}

fn sort_method(vm: &mut Vm, a: &[Value]) -> PyResult {
    let reverse = match a[2].given() {
        Some(v) => vm.truth(v)?,
        None => false,
    };
    sort::sort_list(vm, a[0], a[1].some(), reverse)?;
    Ok(Value::NONE)
}
