//! Calls of the commonest builtin classes with positional arguments, made
//! without the tuples and look-ups of `__new__` and `__init__`. Each gives None
//! where the general way must be taken, errors included.

use lockstep_runtime::object::dict::Dict;
use lockstep_runtime::object::iter::Iter;
use lockstep_runtime::object::list::List;
use lockstep_runtime::object::set::Set;
use lockstep_runtime::text::pystr::PyStr;
use lockstep_runtime::text::{float as float_text, int as int_text};
use lockstep_runtime::{B, PyResult, Value, Vm};

use super::iterator::iters_of;

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
    vm.set_constructor(B::Enumerate, enumerate);
    vm.set_constructor(B::Zip, zip);
    vm.set_constructor(B::Map, map);
    vm.set_constructor(B::Filter, filter);
    vm.set_constructor(B::Reversed, reversed);
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
        // CPython 3.13 unicodeobject.c unicode_vectorcall reads its own arguments, and names
        // classes with their module; unicode_new, which takes keywords and subclasses, does not.
        [_, ref named @ ..] if named.len() <= 2 => {
            let mut named = named.iter().zip(["encoding", "errors"]);
            let Some((&wrong, name)) = named.find(|(v, _)| vm.heap.as_str(**v).is_none()) else {
                return Ok(None);
            };
            let class = vm.heap.class_of(wrong);
            let found = vm.qualified_class_name(class);
            let message = format!("str() argument '{name}' must be str, not {found}");
            Err(vm.type_error(message))
        }
        _ => Ok(None),
    }
}

/// The text of a str that is no subclass's.
fn exact_text(vm: &Vm, v: Value) -> Option<&PyStr> {
    vm.heap.as_str(v).filter(|_| vm.heap.is_exact(v, B::Str))
}

fn int(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    match *args {
        [v] if v.is_int() => Ok(Some(v)),
        [v] => Ok(match v.as_inline_float().map(f64::trunc) {
            // Below 2^53, where the conversion is exact.
            Some(f) if f.abs() < 9e15 => Some(vm.heap.int(f as i64)),
            Some(_) => None,
            None => exact_text(vm, v)
                .and_then(int_text::parse_small)
                .map(|n| vm.heap.int(n)),
        }),
        _ => Ok(None),
    }
}

fn float(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    Ok(match *args {
        [v] if v.as_inline_float().is_some() => Some(v),
        [v] => match v.as_int() {
            Some(n) if n.abs() < 1 << 53 => Some(vm.heap.float(n as f64)),
            Some(_) => None,
            None => exact_text(vm, v)
                .and_then(float_text::parse_plain)
                .map(|f| vm.heap.float(f)),
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
            Ok(Some(vm.heap.tuple_of_vec(items)))
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

fn enumerate(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    let (iterable, count) = match *args {
        [iterable] => (iterable, Value::small(0)),
        [iterable, start] if start.is_int() => (iterable, start),
        _ => return Ok(None),
    };
    let iter = vm.iter(iterable)?;
    let enumerated = Iter::Enumerate { iter, count };
    Ok(Some(vm.heap.alloc(B::Enumerate.shape(), enumerated)))
}

fn zip(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    let iters = iters_of(vm, args)?;
    let strict = false;
    let zipped = Iter::Zip { iters, strict };
    Ok(Some(vm.heap.alloc(B::Zip.shape(), zipped)))
}

fn map(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    let [func, ref iterables @ ..] = *args else {
        return Ok(None);
    };
    if iterables.is_empty() {
        return Ok(None);
    }
    let iters = iters_of(vm, iterables)?;
    let mapped = Iter::Map { func, iters };
    Ok(Some(vm.heap.alloc(B::Map.shape(), mapped)))
}

fn filter(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    let [func, iterable] = *args else {
        return Ok(None);
    };
    let iter = vm.iter(iterable)?;
    let filtered = Iter::Filter { func, iter };
    Ok(Some(vm.heap.alloc(B::Filter.shape(), filtered)))
}

fn reversed(vm: &mut Vm, args: &[Value]) -> PyResult<Option<Value>> {
    match *args {
        [sequence] => vm.reversed(sequence).map(Some),
        _ => Ok(None),
    }
}
