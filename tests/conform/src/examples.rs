//! The module `_examples`: runs a piece of source with given variables, as the REPL does. The
//! stand-in of `doctest` needs it; a script can't have it, since its names are resolved before
//! it runs.

use std::sync::Arc;

use lockstep_lang::compile::{CompileOptions, compile_source};
use lockstep_lang::source::Source;
use lockstep_runtime::native::{NativeDef, function};
use lockstep_runtime::{B, PyResult, Value, Vm};

static RUN: NativeDef = function("run(source, globals, /)", run);

/// Finds the module, for `Vm::add_finder`.
///
/// # Errors
/// None of its own.
pub fn find(vm: &mut Vm, name: &str) -> PyResult<Option<Value>> {
    if name != "_examples" {
        return Ok(None);
    }
    let module = vm.new_module(name);
    vm.root(module);
    let dict = vm.module_dict(module);
    let key = vm.heap.intern(name);
    let function = vm.native_function(&RUN, key);
    let run_key = vm.heap.intern("run");
    vm.heap.ns_set(dict, run_key, function);
    let modules = vm.modules;
    vm.heap.ns_set(modules, key, module);
    Ok(Some(module))
}

fn run(vm: &mut Vm, a: &[Value]) -> PyResult {
    let text = vm.str_string(a[0])?;
    let source = Arc::new(Source::new("<doctest>", text.as_str()));
    let options = CompileOptions {
        top_level_await: false,
        interactive: true,
        refuse_late: true,
    };
    let code = match compile_source(source, options) {
        Ok(code) => code,
        Err(diagnostics) => {
            let first = diagnostics.first();
            let message = first.map_or(String::new(), |d| d.message.clone());
            let class = match first.map(|d| d.exception.name()) {
                Some("IndentationError") => B::IndentationError,
                Some("TabError") => B::TabError,
                _ => B::SyntaxError,
            };
            return Err(vm.raise(class, message));
        }
    };
    vm.run_module_code(code, a[1])
}
