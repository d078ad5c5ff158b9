//! `_buffers`: bytes-like objects, for the library's modules that are written in the language.

use lockstep_runtime::native::function;
use lockstep_runtime::{PyResult, Value, Vm};

use crate::NativeModule;
use crate::builtins::bytes;

pub static MODULE: NativeModule = NativeModule {
    name: "_buffers",
    functions: &[
        function("bytes_of(v, /)", |vm, a| {
            let data = bytes::data_of(vm, a[0])?;
            Ok(vm.heap.bytes(data))
        }),
        function("check_resizable(v, /)", |vm, a| {
            vm.check_bytearray_resizable(a[0])?;
            Ok(Value::NONE)
        }),
        function("is_bytes_like(v, /)", |vm, a| {
            Ok(Value::bool(vm.is_bytes_like(a[0])))
        }),
        function("writable_len(v, /)", |vm, a| {
            Ok(match vm.writable_len(a[0])? {
                Some(n) => vm.heap.usize(n),
                None => Value::NONE,
            })
        }),
        function("write(v, offset, data, /)", write),
    ],
    init: |_, _| Ok(()),
};

/// Puts bytes over others; the caller has asked for their length.
fn write(vm: &mut Vm, a: &[Value]) -> PyResult {
    let offset = usize::try_from(vm.index_i64(a[1])?).unwrap_or(0);
    let data = bytes::data_of(vm, a[2])?;
    let room = vm.writable_len(a[0])?.unwrap_or(0);
    if offset.checked_add(data.len()).is_none_or(|end| end > room) {
        return Err(vm.value_error("the bytes do not fit"));
    }
    vm.write_bytes(a[0], offset, &data)?;
    Ok(Value::NONE)
}
