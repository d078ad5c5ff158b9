//! `_traceback`: the report of an exception, for the module `traceback`.

use lockstep_runtime::native::function;
use lockstep_runtime::object::function::CodeObject;
use lockstep_runtime::{PyResult, Value, Vm};

use crate::NativeModule;

pub static MODULE: NativeModule = NativeModule {
    name: "_traceback",
    functions: &[
        function("format_chain(exception, /)", format_chain),
        function("source_line(code, lineno, /)", source_line),
    ],
    init: |_, _| Ok(()),
};

fn format_chain(vm: &mut Vm, a: &[Value]) -> PyResult {
    if !vm.heap.is_exception(a[0]) {
        let found = vm.type_name(a[0]);
        return Err(vm.type_error(format!("Exception expected for value, {found} found")));
    }
    let text = vm.format_exception(a[0]);
    Ok(vm.heap.str(text))
}

/// A line of the source that a code object comes from; None where there is none.
fn source_line(vm: &mut Vm, a: &[Value]) -> PyResult {
    let line = vm
        .heap
        .as_i64(a[1])
        .and_then(|line| u32::try_from(line).ok());
    let (Some(code), Some(line)) = (vm.heap.get::<CodeObject>(a[0]), line) else {
        return Ok(Value::NONE);
    };
    if line == 0 {
        return Ok(Value::NONE);
    }
    let text = code.code.source.line_text(line).trim().to_owned();
    Ok(vm.heap.str(text))
}
