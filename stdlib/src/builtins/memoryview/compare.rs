//! Equality of views: by the values of their items.
//! CPython 3.13 memoryobject.c memory_richcompare.

use lockstep_runtime::object::buffer::MemoryView;
use lockstep_runtime::{PyResult, Value, Vm};

use crate::item;

/// `a[0] == a[1]`, or `!=`.
pub fn equal(vm: &mut Vm, a: &[Value], expected: bool) -> PyResult {
    let Some(own) = living(vm, a[0]) else {
        return Ok(Value::bool((a[0] == a[1]) == expected));
    };
    let is_released = vm.heap.native::<MemoryView>(a[1]).is_some() && living(vm, a[1]).is_none();
    let other = match vm.make_view(a[1]) {
        Ok(Some(other)) => other,
        Err(_) if is_released => return Ok(Value::bool(!expected)),
        _ => return Ok(Value::NOT_IMPLEMENTED),
    };
    let equal = own.shape == other.shape && items_equal(vm, &own, &other)?;
    Ok(Value::bool(equal == expected))
}

fn living(vm: &Vm, v: Value) -> Option<MemoryView> {
    let view = vm.heap.native::<MemoryView>(v)?;
    view.export.is_some().then(|| view.again())
}

fn items_equal(vm: &mut Vm, x: &MemoryView, y: &MemoryView) -> PyResult<bool> {
    if x.code == b'w' || y.code == b'w' {
        // Their format is none that CPython's views read.
        return Ok(false);
    }
    vm.check_size(x.n_bytes() + y.n_bytes())?;
    let of = |view: &MemoryView| match vm.heap.shown(view.base) {
        Some(shown) => view.gather(shown.bytes),
        None => Vec::new(),
    };
    let (left, right) = (of(x), of(y));
    if x.code == y.code && !matches!(x.code, b'd' | b'f' | b'e' | b'?') {
        return Ok(left == right);
    }
    let items = left.chunks_exact(x.item_bytes);
    for (p, q) in items.zip(right.chunks_exact(y.item_bytes)) {
        vm.tick()?;
        let (p, q) = (item::value(vm, x.code, p), item::value(vm, y.code, q));
        if !vm.holding(&[p, q], |vm| vm.eq(p, q))? {
            return Ok(false);
        }
    }
    Ok(true)
}
