//! `_types`: what the module `types` can't do in the language itself.

use lockstep_runtime::native::function;
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::function::{CodeObject, Function};
use lockstep_runtime::{PyResult, Value, Vm};

use crate::NativeModule;

pub static MODULE: NativeModule = NativeModule {
    name: "_types",
    functions: &[
        function("mark_coroutine(function, /)", mark_coroutine),
        function("name_with_module(cls, /)", name_with_module),
        function("module_names()", module_names),
    ],
    init: |_, _| Ok(()),
};

/// Makes the generators of a generator function awaitable.
fn mark_coroutine(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.heap.get_mut::<Function>(a[0]) {
        Some(f) => {
            f.marked_coroutine = true;
            let code = f.code;
            vm.heap
                .cell::<CodeObject>(code)
                .iterable_coroutine
                .set(true);
            Ok(a[0])
        }
        None => Err(vm.type_error("mark_coroutine() argument must be a function")),
    }
}

/// The names of the library's modules: `sys.stdlib_module_names` has CPython's.
fn module_names(vm: &mut Vm, _: &[Value]) -> PyResult {
    let names = crate::modules::names().map(|name| vm.heap.str(name));
    let names = names.collect();
    Ok(vm.heap.list(names))
}

/// Has messages about a class's instances name its module, too.
fn name_with_module(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.heap.get_mut::<Class>(a[0]) {
        Some(class) => {
            class.named_with_module = true;
            Ok(a[0])
        }
        None => Err(vm.type_error("name_with_module() argument must be a class")),
    }
}
