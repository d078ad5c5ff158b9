//! What changes an array, and what makes a longer one.

use lockstep_runtime::{Kind, PyResult, Value, Vm};

use super::{Array, code, convert, data, find, is_array, item, len, make, place, resolve, size};
use crate::args;

/// Puts bytes in the place of the items `from..to`; nobody may look at them meanwhile if their
/// number changes.
///
/// # Errors
/// BufferError, MemoryError.
pub(super) fn splice(vm: &mut Vm, this: Value, from: usize, to: usize, new: &[u8]) -> PyResult<()> {
    let n = size(code(vm, this));
    if new.len() != (to - from) * n {
        if let Some(Array { data, .. }) = vm.heap.native(this) {
            let (len, capacity) = (data.len(), data.capacity());
            vm.check_growth(len, capacity, new.len(), 1)?;
        }
        vm.check_resizable(this, "cannot resize an array that is exporting buffers")?;
    }
    let Some(array) = vm.heap.native_mut::<Array>(this) else {
        return Ok(());
    };
    let before = array.data.capacity();
    // What ran since the caller looked may have taken items away.
    let end = (to * n).min(array.data.len());
    array
        .data
        .splice((from * n).min(end)..end, new.iter().copied());
    let grown = array.data.capacity().saturating_sub(before);
    if grown > 0 {
        vm.heap.charge(grown);
    }
    Ok(())
}

pub fn append(vm: &mut Vm, a: &[Value]) -> PyResult {
    push(vm, a[0], a[1])?;
    Ok(Value::NONE)
}

pub(super) fn push(vm: &mut Vm, this: Value, v: Value) -> PyResult<()> {
    let bytes = convert::bytes(vm, code(vm, this), v)?;
    let (end, n) = (len(vm, this), size(code(vm, this)));
    splice(vm, this, end, end, &bytes[..n])
}

pub fn insert(vm: &mut Vm, a: &[Value]) -> PyResult {
    let at = vm.to_ssize(a[1])?;
    let bytes = convert::bytes(vm, code(vm, a[0]), a[2])?;
    let (own_len, n) = (len(vm, a[0]) as i64, size(code(vm, a[0])));
    let at = if at < 0 {
        at.saturating_add(own_len)
    } else {
        at
    };
    let at = at.clamp(0, own_len) as usize;
    splice(vm, a[0], at, at, &bytes[..n])?;
    Ok(Value::NONE)
}

pub fn pop(vm: &mut Vm, a: &[Value]) -> PyResult {
    let index = args::ssize_or(vm, a[1], -1)?;
    let own_len = len(vm, a[0]);
    if own_len == 0 {
        return Err(vm.index_error("pop from empty array"));
    }
    let Some(at) = resolve(index, own_len) else {
        return Err(vm.index_error("pop index out of range"));
    };
    let popped = item(vm, a[0], at)?;
    vm.root(popped);
    splice(vm, a[0], at, at + 1, &[])?;
    Ok(popped)
}

pub fn remove(vm: &mut Vm, a: &[Value]) -> PyResult {
    match find(vm, a[0], a[1], 0, usize::MAX)? {
        Some(at) => splice(vm, a[0], at, at + 1, &[])?,
        None => return Err(vm.value_error("array.remove(x): x not in array")),
    }
    Ok(Value::NONE)
}

pub fn clear(vm: &mut Vm, a: &[Value]) -> PyResult {
    let own_len = len(vm, a[0]);
    splice(vm, a[0], 0, own_len, &[])?;
    Ok(Value::NONE)
}

pub fn reverse(vm: &mut Vm, a: &[Value]) -> PyResult {
    in_items(vm, a[0], |data, n| {
        data.reverse();
        data.chunks_exact_mut(n).for_each(<[u8]>::reverse);
    })
}

pub fn byteswap(vm: &mut Vm, a: &[Value]) -> PyResult {
    in_items(vm, a[0], |data, n| {
        data.chunks_exact_mut(n).for_each(<[u8]>::reverse);
    })
}

fn in_items(vm: &mut Vm, this: Value, body: impl FnOnce(&mut [u8], usize)) -> PyResult {
    if let Some(array) = vm.heap.native_mut::<Array>(this) {
        body(&mut array.data, size(array.code));
    }
    Ok(Value::NONE)
}

// ---- more items ----------------------------------------------------------------------

pub fn extend(vm: &mut Vm, a: &[Value]) -> PyResult {
    extend_by(vm, a[0], a[1])?;
    Ok(Value::NONE)
}

pub(super) fn extend_by(vm: &mut Vm, this: Value, more: Value) -> PyResult<()> {
    if !is_array(vm, more) {
        return vm.for_each(more, |vm, item| push(vm, this, item));
    }
    if code(vm, more) != code(vm, this) {
        return Err(vm.type_error("can only extend with array of same kind"));
    }
    let bytes = data(vm, more).to_vec();
    let end = len(vm, this);
    splice(vm, this, end, end, &bytes)
}

pub fn iadd(vm: &mut Vm, a: &[Value]) -> PyResult {
    if !is_array(vm, a[1]) {
        let found = vm.type_name(a[1]);
        return Err(vm.type_error(format!(
            "can only extend array with array (not \"{found}\")"
        )));
    }
    extend_by(vm, a[0], a[1])?;
    Ok(a[0])
}

pub fn add(vm: &mut Vm, a: &[Value]) -> PyResult {
    if !is_array(vm, a[1]) {
        let found = vm.type_name(a[1]);
        return Err(vm.type_error(format!("can only append array (not \"{found}\") to array")));
    }
    if code(vm, a[0]) != code(vm, a[1]) {
        return Err(vm.type_error("bad argument type for built-in operation"));
    }
    vm.check_size(data(vm, a[0]).len() + data(vm, a[1]).len())?;
    let both = [data(vm, a[0]), data(vm, a[1])].concat();
    let code = code(vm, a[0]);
    Ok(make(vm, code, both))
}

/// The bytes of the array so many times.
fn repeated(vm: &mut Vm, this: Value, times: Value) -> PyResult<Vec<u8>> {
    let times = usize::try_from(vm.to_ssize(times)?).unwrap_or(0);
    vm.check_size(data(vm, this).len().saturating_mul(times))?;
    Ok(data(vm, this).repeat(times))
}

pub fn mul(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.index(a[1])?;
    let all = repeated(vm, a[0], a[1])?;
    let code = code(vm, a[0]);
    Ok(make(vm, code, all))
}

pub fn imul(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.index(a[1])?;
    let all = repeated(vm, a[0], a[1])?;
    let own_len = len(vm, a[0]);
    splice(vm, a[0], 0, own_len, &all)?;
    Ok(a[0])
}

// ---- by key --------------------------------------------------------------------------

pub fn setitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.kind(a[1]) == Some(Kind::Slice) {
        return set_slice(vm, a[0], a[1], a[2]);
    }
    let at = place(vm, a[0], a[1], "array assignment index out of range")?;
    let bytes = convert::bytes(vm, code(vm, a[0]), a[2])?;
    let n = size(code(vm, a[0]));
    if at >= len(vm, a[0]) {
        // `__index__` of the item took items away.
        return Err(vm.index_error("array assignment index out of range"));
    }
    splice(vm, a[0], at, at + 1, &bytes[..n])?;
    Ok(Value::NONE)
}

fn set_slice(vm: &mut Vm, this: Value, slice: Value, value: Value) -> PyResult {
    let s = vm.slice_indices(slice, len(vm, this))?;
    if !is_array(vm, value) {
        let found = vm.type_name(value);
        let message = format!("can only assign array (not \"{found}\") to array slice");
        return Err(vm.type_error(message));
    }
    if code(vm, value) != code(vm, this) {
        return Err(vm.type_error("bad argument type for built-in operation"));
    }
    let new = data(vm, value).to_vec();
    if s.step == 1 {
        splice(vm, this, s.start as usize, s.stop as usize, &new)?;
        return Ok(Value::NONE);
    }
    let n_new = len(vm, value);
    if n_new == 0 {
        return del_selected(vm, this, slice);
    }
    if n_new != s.count {
        return Err(vm.value_error(format!(
            "attempt to assign array of size {n_new} to extended slice of size {}",
            s.count
        )));
    }
    in_items(vm, this, |data, n| {
        for (at, item) in s.indexes().zip(new.chunks_exact(n)) {
            if let Some(place) = data.get_mut(at * n..(at + 1) * n) {
                place.copy_from_slice(item);
            }
        }
    })
}

pub fn delitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.kind(a[1]) == Some(Kind::Slice) {
        return del_selected(vm, a[0], a[1]);
    }
    let at = place(vm, a[0], a[1], "array assignment index out of range")?;
    splice(vm, a[0], at, at + 1, &[])?;
    Ok(Value::NONE)
}

fn del_selected(vm: &mut Vm, this: Value, slice: Value) -> PyResult {
    let own_len = len(vm, this);
    let s = vm.slice_indices(slice, own_len)?;
    let mut gone = vec![false; own_len];
    for at in s.indexes() {
        if let Some(place) = gone.get_mut(at) {
            *place = true;
        }
    }
    let n = size(code(vm, this));
    let items = data(vm, this).chunks_exact(n).zip(&gone);
    let kept: Vec<u8> = items
        .filter(|(_, gone)| !**gone)
        .flat_map(|(item, _)| item)
        .copied()
        .collect();
    splice(vm, this, 0, own_len, &kept)?;
    Ok(Value::NONE)
}
