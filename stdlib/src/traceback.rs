//! `_traceback`: the lines that a report of an exception is made of, for the
//! module `traceback`.

use lockstep_runtime::native::function;
use lockstep_runtime::object::exception::Traceback;
use lockstep_runtime::object::function::CodeObject;
use lockstep_runtime::text::underline;
use lockstep_runtime::{PyResult, Value, Vm};

use crate::{NativeModule, args};

pub static MODULE: NativeModule = NativeModule {
    name: "_traceback",
    functions: &[
        function("exception_lines(exception, has_trace, /)", exception_lines),
        function("place_lines(exception, /)", place_lines),
        function("source_line(code, lineno, /)", source_line),
        function("extent(tb, /)", extent),
        function("underlined(text, start, end, /)", underlined),
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

/// What the instruction of a traceback covers: the text of its lines, the last one's number, and
/// the columns where it begins and ends, in bytes. The numbers are None where there are none.
fn extent(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(entry) = vm.heap.get::<Traceback>(a[0]).map(|tb| tb.entry) else {
        let found = vm.type_name(a[0]);
        return Err(vm.type_error(format!("expected traceback object, got '{found}'")));
    };
    let source = vm.heap.cell::<CodeObject>(entry.code).code.source.clone();
    let (text, numbers) = match vm.extent_of(entry) {
        Some(e) => {
            let numbers = [e.end_line, e.column, e.end_column];
            let text = source.lines_text(e.line, e.end_line);
            (text, numbers.map(|n| Value::small(n.into())))
        }
        None => {
            let line = vm.trace_line(entry).line;
            (source.line_text(line), [Value::NONE; 3])
        }
    };
    let text = vm.heap.str(text);
    let [end_line, column, end_column] = numbers;
    Ok(vm.heap.tuple(&[text, end_line, column, end_column]))
}

/// Lines of source, with lines of `^` below what stands between two columns.
fn underlined(vm: &mut Vm, a: &[Value]) -> PyResult {
    let text = match vm.heap.as_str(a[0]) {
        Some(text) => text.to_lossy(),
        None => String::new(),
    };
    let start = args::ssize_or(vm, a[1], 0)?;
    let end = args::ssize_or(vm, a[2], 0)?;
    let [start, end] = [start, end].map(|offset| usize::try_from(offset).unwrap_or(0));
    let shown = underline::underlined(&text, start, end);
    Ok(vm.heap.str(shown))
}
