//! `_traceback`: the lines that a report of an exception is made of, for the
//! module `traceback`.

use lockstep_runtime::native::function;
use lockstep_runtime::object::function::CodeObject;
use lockstep_runtime::{PyResult, Value, Vm};

use crate::NativeModule;

pub static MODULE: NativeModule = NativeModule {
    name: "_traceback",
    functions: &[
        function("exception_lines(exception, has_trace, /)", exception_lines),
        function("place_lines(exception, /)", place_lines),
        function("source_line(code, lineno, /)", source_line),
    ],
    init: |_, _| Ok(()),
};

/// The last lines of a report, without newlines: the exception and its notes.
fn exception_lines(vm: &mut Vm, a: &[Value]) -> PyResult {
    if !vm.heap.is_exception(a[0]) {
        let found = vm.type_name(a[0]);
        return Err(vm.type_error(format!("Exception expected for value, {found} found")));
    }
    let lines = vm.exception_lines(a[0], a[1] == Value::TRUE);
    let lines = lines.into_iter().map(|line| vm.heap.str(line)).collect();
    Ok(vm.heap.list(lines))
}

/// The lines before those, of a SyntaxError.
fn place_lines(vm: &mut Vm, a: &[Value]) -> PyResult {
    let lines = vm.syntax_place_lines(a[0]);
    let lines = lines.into_iter().map(|line| vm.heap.str(line)).collect();
    Ok(vm.heap.list(lines))
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
