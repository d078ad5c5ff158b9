//! `print`, `input` and `help`.

use lockstep_runtime::text::pystr::PyStr;
use lockstep_runtime::{B, N, PyResult, Value, Vm};

use super::{codec, file};
use crate::args;

/// A separator or end: a str, or None for the default.
fn part(vm: &mut Vm, v: Value, name: &str, default: &'static str) -> PyResult<PyStr> {
    match v.some() {
        None => Ok(PyStr::from(default)),
        Some(v) => match vm.heap.as_str(v) {
            Some(text) => Ok(text.clone()),
            None => {
                let message = format!("{name} must be None or a string, not {}", vm.type_name(v));
                Err(vm.type_error(message))
            }
        },
    }
}

/// `a` is sep, end, file, flush and the tuple of values.
pub fn print(vm: &mut Vm, a: &[Value]) -> PyResult {
    let sep = part(vm, a[0], "sep", " ")?;
    let end = part(vm, a[1], "end", "\n")?;
    let out = match a[2].some() {
        Some(file) => Some(file),
        None => file::replaced_stdout(vm),
    };
    let n = vm.heap.tuple_items(a[4]).len();
    let Some(out) = out else {
        // The plain case: bytes straight to the host, item by item, so that
        // what an item's `__str__` prints comes in between as in CPython.
        for i in 0..n {
            if i > 0 {
                file::write_stdout(vm, &sep)?;
            }
            let item = vm.heap.tuple_items(a[4])[i];
            let text = vm.str(item)?;
            let text = vm.heap.text(text).clone();
            file::write_stdout(vm, &text)?;
        }
        file::write_stdout(vm, &end)?;
        if args::flag_or(vm, a[3], false)? {
            file::flush_stdout(vm)?;
        }
        return Ok(Value::NONE);
    };
    if out.is_none() {
        return Ok(Value::NONE);
    }
    let name = vm.n(N::write);
    let write = vm.get_attr(out, name)?;
    vm.root(write);
    for i in 0..n {
        if i > 0 {
            let sep = vm.heap.str(sep.clone());
            vm.call(write, &[sep])?;
        }
        let item = vm.heap.tuple_items(a[4])[i];
        let text = vm.str(item)?;
        vm.call(write, &[text])?;
    }
    let end = vm.heap.str(end);
    vm.call(write, &[end])?;
    if args::flag_or(vm, a[3], false)? {
        vm.call_method(out, "flush", &[])?;
    }
    Ok(Value::NONE)
}

/// `input(prompt)`: a line of standard input without its newline.
pub fn input(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (stdin, stdout) = (file::sys_stdin(vm), file::replaced_stdout(vm));
    for (stream, name) in [(stdin, "stdin"), (stdout, "stdout")] {
        if stream.is_some_and(|stream| stream.is_none()) {
            return Err(vm.runtime_error(format!("input(): lost sys.{name}")));
        }
    }
    prompt(vm, stdout, a[0])?;
    if let Some(stdin) = stdin {
        return line_of(vm, stdin);
    }
    let line = match vm.host.read_line() {
        Ok(line) => line,
        Err(error) => return Err(file::io_error(vm, &error, None)),
    };
    if line.is_empty() {
        return Err(vm.raise(B::EOFError, "EOF when reading a line"));
    }
    let has_end = line.ends_with(b"\n");
    let text = codec::decode(vm, &line, "utf-8", "strict")?;
    let n = text.len() - usize::from(has_end);
    args::str_value(vm, text.slice(0..n))
}

fn prompt(vm: &mut Vm, stdout: Option<Value>, prompt: Value) -> PyResult<()> {
    let text = match prompt.given() {
        Some(prompt) => Some(vm.str(prompt)?),
        None => None,
    };
    match (stdout, text) {
        (Some(stdout), text) => {
            if let Some(text) = text {
                vm.call_method(stdout, "write", &[text])?;
            }
            // CPython 3.13 bltinmodule.c builtin_input: what can't be flushed isn't.
            let _ = vm.call_method(stdout, "flush", &[]);
        }
        (None, text) => {
            if let Some(text) = text {
                let text = vm.heap.text(text).clone();
                file::write_stdout(vm, &text)?;
            }
            file::flush_stdout(vm)?;
        }
    }
    Ok(())
}

/// A line of `sys.stdin`, which may be anything.
fn line_of(vm: &mut Vm, stdin: Value) -> PyResult {
    let line = vm.call_method(stdin, "readline", &[])?;
    let Some(text) = vm.heap.as_str(line).cloned() else {
        return Err(vm.type_error("object.readline() returned non-string"));
    };
    if text.is_empty() {
        return Err(vm.raise(B::EOFError, "EOF when reading a line"));
    }
    let has_end = text.char_at(text.len() - 1) == Some(u32::from(b'\n'));
    let n = text.len() - usize::from(has_end);
    let text = text.slice(0..n);
    Ok(vm.heap.str(text))
}

/// `help(object)`: its signature and docstring, and what a class or module has.
pub fn help(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(obj) = a[0].given() else {
        let text = PyStr::from("help(object) shows the signature and docstring of an object.\n");
        file::write_stdout(vm, &text)?;
        return Ok(Value::NONE);
    };
    let name = vm.heap.intern("_help");
    let module = vm.import_name(name, 0, Value::NONE, true)?;
    vm.call_method(module, "show", &[obj])
}
