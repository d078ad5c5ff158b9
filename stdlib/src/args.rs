//! Reading the arguments of natives: a value to a Rust type, or the TypeError
//! that CPython's argument clinic gives.

use lockstep_runtime::text::pystr::PyStr;
use lockstep_runtime::{B, PyResult, Value, Vm};

/// The text of a str argument of function `what`, which has number `at` (from 1).
pub fn text(vm: &mut Vm, what: &str, at: usize, v: Value) -> PyResult<PyStr> {
    match vm.heap.as_str(v) {
        Some(text) => Ok(text.clone()),
        None => {
            let message = format!(
                "{what}() argument {at} must be str, not {}",
                shown_type(vm, v)
            );
            Err(vm.type_error(message))
        }
    }
}

/// As `text`, of a function with one argument.
pub fn only_text(vm: &mut Vm, what: &str, v: Value) -> PyResult<PyStr> {
    match vm.heap.as_str(v) {
        Some(text) => Ok(text.clone()),
        None => {
            let message = format!("{what}() argument must be str, not {}", shown_type(vm, v));
            Err(vm.type_error(message))
        }
    }
}

/// The name of a value's class as argument errors show it: `None` for None.
pub fn shown_type(vm: &Vm, v: Value) -> String {
    if v.is_none() {
        String::from("None")
    } else {
        vm.type_name_within(v, 50)
    }
}

/// An index-sized int argument, or its default.
pub fn ssize_or(vm: &mut Vm, v: Value, default: i64) -> PyResult<i64> {
    match v.given() {
        Some(v) => vm.to_ssize(v),
        None => Ok(default),
    }
}

/// A size that may be None. CPython 3.13 abstract.c _Py_convert_optional_to_ssize_t.
pub fn optional_ssize(vm: &mut Vm, v: Value, default: i64) -> PyResult<i64> {
    match v.some() {
        None => Ok(default),
        Some(size) if vm.has_index(size) => vm.to_ssize(size),
        Some(size) => {
            let found = vm.type_name(size);
            Err(vm.type_error(format!("argument should be integer or None, not '{found}'")))
        }
    }
}

/// What CPython takes by the format "i": a C int.
///
/// # Errors
/// TypeError for what is no int, OverflowError for what a C int doesn't hold.
pub fn c_int(vm: &mut Vm, v: Value) -> PyResult<i32> {
    let wide = c_long(vm, v)?;
    i32::try_from(wide).map_err(|_| {
        vm.overflow_error(match wide > 0 {
            true => "signed integer is greater than maximum",
            false => "signed integer is less than minimum",
        })
    })
}

/// What CPython takes by the format "l": a C long.
///
/// # Errors
/// TypeError for what is no int, OverflowError for what a C long doesn't hold.
pub fn c_long(vm: &mut Vm, v: Value) -> PyResult<i64> {
    let n = vm.index(v)?;
    match vm.heap.as_i64(n) {
        Some(n) => Ok(n),
        None => Err(vm.overflow_error("Python int too large to convert to C long")),
    }
}

/// A slice bound: an index or None, clipped to what fits; else its default.
pub fn bound_or(vm: &mut Vm, v: Value, default: i64) -> PyResult<i64> {
    match v.some() {
        Some(v) => {
            if !vm.has_index(v) {
                return Err(vm.type_error(
                    "slice indices must be integers or None or have an __index__ method",
                ));
            }
            vm.index_clamped(v)
        }
        None => Ok(default),
    }
}

/// As `bound_or`, where None is no bound.
pub fn index_bound_or(vm: &mut Vm, v: Value, default: i64) -> PyResult<i64> {
    match v.given() {
        Some(v) if vm.has_index(v) => vm.index_clamped(v),
        Some(_) => Err(vm.type_error("slice indices must be integers or have an __index__ method")),
        None => Ok(default),
    }
}

/// The truth of a flag, or its default.
pub fn flag_or(vm: &mut Vm, v: Value, default: bool) -> PyResult<bool> {
    match v.given() {
        Some(v) => vm.truth(v),
        None => Ok(default),
    }
}

/// A str as a value.
pub fn str_value(vm: &mut Vm, text: impl Into<PyStr>) -> PyResult {
    Ok(vm.heap.str(text))
}

/// The keyword arguments in a `**kwargs` dict, names interned.
pub fn keywords(vm: &mut Vm, dict: Value) -> PyResult<Vec<(Value, Value)>> {
    vm.keywords_of(dict)
}

/// A list or tuple of the items that a `join` is given, held until the native returns.
///
/// # Errors
/// TypeError in the place of any other where it can't be iterated over; whatever iterating raises.
pub fn joined_items(vm: &mut Vm, iterable: Value) -> PyResult {
    if vm.heap.is_exact(iterable, B::List) || vm.heap.is_exact(iterable, B::Tuple) {
        return Ok(iterable);
    }
    let items = vm.collect_or(iterable, "can only join an iterable")?;
    let list = vm.heap.list(items);
    vm.root(list);
    Ok(list)
}

/// The items of an iterable in a list that is held until the native returns.
pub fn held_items(vm: &mut Vm, iterable: Value) -> PyResult<(Value, Vec<Value>)> {
    let items = vm.collect_iterable(iterable)?;
    let list = vm.heap.list(items.clone());
    vm.root(list);
    Ok((list, items))
}
