//! `_functools`: what of `functools` CPython has in C, which the module shows. The rest of it is
//! written in the language.

mod cache;
mod key;
mod partial;

use lockstep_runtime::native::{ClassDef, function};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::{B, Kind, PyResult, Value, Vm};

use crate::NativeModule;

pub static MODULE: NativeModule = NativeModule {
    name: "_functools",
    functions: &[
        function("reduce(function, iterable, initial=None, /)", reduce),
        function("cmp_to_key(mycmp)", key::cmp_to_key),
    ],
    init,
};

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    partial::init(vm, dict);
    cache::init(vm, dict);
    key::init(vm);
    Ok(())
}

/// A new class of the module, which messages call by the module's name too.
fn class(vm: &mut Vm, name: &str, def: &'static ClassDef) -> Value {
    let object = vm.class(B::Object);
    let class = vm.new_native_class("functools", name, object, Kind::Opaque, def);
    vm.heap.cell_mut::<Class>(class).named_with_module = true;
    class
}

fn show(vm: &mut Vm, dict: Value, name: &str, class: Value) {
    let name = vm.heap.intern(name);
    vm.heap.ns_set(dict, name, class);
}

/// CPython 3.13 _functoolsmodule.c functools_reduce: whatever TypeError `iter` raises is replaced.
fn reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    let iter = match vm.iter(a[1]) {
        Err(raised) if vm.is_instance_of(raised.0, B::TypeError) => {
            return Err(vm.type_error("reduce() arg 2 must support iteration"));
        }
        iter => iter?,
    };
    let function = a[0];
    vm.holding(&[iter], |vm| {
        let mut result = match a[2].given() {
            Some(initial) => initial,
            None => match vm.next(iter)? {
                Some(first) => first,
                None => {
                    let message = "reduce() of empty iterable with no initial value";
                    return Err(vm.type_error(message));
                }
            },
        };
        while let Some(item) = vm.holding(&[result], |vm| vm.next(iter))? {
            vm.holding(&[result, item], |vm| vm.tick())?;
            result = vm.call(function, &[result, item])?;
        }
        Ok(result)
    })
}
