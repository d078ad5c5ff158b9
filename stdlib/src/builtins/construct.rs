//! Calls of the commonest builtin classes with positional arguments, made
//! without the tuples and look-ups of `__new__` and `__init__`. Each gives None
//! where the general way must be taken, errors included.

use lockstep_runtime::object::dict::Dict;
use lockstep_runtime::object::list::List;
use lockstep_runtime::object::set::Set;
use lockstep_runtime::{B, PyResult, Value, Vm};

/// The classes and how they are called. Subclasses take the general way.
pub fn install(vm: &mut Vm) {
    vm.set_constructor(B::Range, range);
    vm.set_constructor(B::Str, str);
    vm.set_constructor(B::Int, int);
    vm.set_constructor(B::Float, float);
    vm.set_constructor(B::Bool, bool);
    vm.set_constructor(B::List, list);
    vm.set_constructor(B::Tuple, tuple);
    vm.set_constructor(B::Dict, dict);
    vm.set_constructor(B::Set, set);
}

fn range(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    let (start, stop, step) = match *args {
        [stop] => (Value::small(0), stop, Value::small(1)),
        [start, stop] => (start, stop, Value::small(1)),
        [start, stop, step] => (start, stop, step),
        _ => return Ok(None),
    };
    if start.is_int() && stop.is_int() && step.is_int() {
        return vm.range(start, stop, step).map(Some);
    }
    Ok(None)
}

fn str(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    match *args {
        [v] => vm.str(v).map(Some),
        _ => Ok(None),
    }
}

fn int(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    match *args {
        [v] if v.is_int() => Ok(Some(v)),
        [v] => Ok(match v.as_inline_float().map(f64::trunc) {
            // Below 2^53, where the conversion is exact.
            Some(f) if f.abs() < 9e15 => Some(vm.heap.int(f as i64)),
            _ => None,
        }),
        _ => Ok(None),
    }
}

fn float(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    Ok(match *args {
        [v] if v.as_inline_float().is_some() => Some(v),
        [v] => match v.as_int() {
            Some(n) if n.abs() < 1 << 53 => Some(vm.heap.float(n as f64)),
            _ => None,
        },
        _ => None,
    })
}

fn bool(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    match *args {
        [v] => Ok(Some(Value::bool(vm.truth(v)?))),
        _ => Ok(None),
    }
}

fn list(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    let list = vm.heap.alloc(B::List.shape(), List { items: Vec::new() });
    match *args {
        [] => {}
        [iterable] => vm.holding(&[list], |vm| vm.list_extend(list, iterable))?,
        _ => return Ok(None),
    }
    Ok(Some(list))
}

fn tuple(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    match *args {
        [v] if vm.heap.is_exact(v, B::Tuple) => Ok(Some(v)),
        [v] => {
            let items = vm.collect_iterable(v)?;
            Ok(Some(vm.heap.tuple(&items)))
        }
        _ => Ok(None),
    }
}

fn dict(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    match args {
        [] => Ok(Some(vm.heap.alloc(B::Dict.shape(), Dict::default()))),
        _ => Ok(None),
    }
}

fn set(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    let set = vm.heap.alloc(B::Set.shape(), Set::default());
    match *args {
        [] => {}
        [iterable] => vm.holding(&[set], |vm| vm.set_update(set, iterable))?,
        _ => return Ok(None),
    }
    Ok(Some(set))
}
