//! `_traceback`: the report of an exception, for the module `traceback`.

use lockstep_runtime::native::function;
use lockstep_runtime::{PyResult, Value, Vm};

use crate::NativeModule;

pub static MODULE: NativeModule = NativeModule {
    name: "_traceback",
    functions: &[function("format_chain(exception, /)", format_chain)],
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
