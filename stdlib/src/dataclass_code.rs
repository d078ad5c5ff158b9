//! `_dataclasses`: makes functions of the text that `dataclass` and `namedtuple` write for a
//! class, as CPython does. The text holds nothing but the names of fields; it is no way to run a script's text.

use std::sync::Arc;

use lockstep_lang::compile::{CompileOptions, compile_source};
use lockstep_lang::source::Source;
use lockstep_runtime::native::function;
use lockstep_runtime::{B, PyResult, Value, Vm};

use crate::{NativeModule, args};

pub static MODULE: NativeModule = NativeModule {
    name: "_dataclasses",
    functions: &[function("define(text, name, /)", define)],
    init: |_, _| Ok(()),
};

/// The function `name` that `text` defines, in a namespace of its own.
fn define(vm: &mut Vm, a: &[Value]) -> PyResult {
    let text = args::text(vm, "define", 1, a[0])?;
    let name = vm.heap.as_str(a[1]).cloned().unwrap_or_default();
    let Ok(text) = text.to_utf8() else {
        return Err(vm.raise(B::SyntaxError, "invalid field name"));
    };
    let source = Arc::new(Source::new("<string>", text));
    let code = match compile_source(source, CompileOptions::default()) {
        Ok(compiled) => compiled.code,
        Err(diagnostics) => {
            let first = diagnostics.first();
            let message = first.map_or("invalid syntax", |d| d.message.as_str());
            return Err(vm.raise(B::SyntaxError, message));
        }
    };
    let module = vm.new_module("dataclasses");
    vm.root(module);
    let globals = vm.module_dict(module);
    vm.run_module_code(code, globals)?;
    let name = vm.heap.intern(&name.to_lossy());
    match vm.heap.ns_get(globals, name) {
        Some(function) => Ok(function),
        None => Err(vm.key_error(name)),
    }
}
