//! `complex`: the class, so that `isinstance` can be asked, without instances.

use lockstep_runtime::native::{ClassDef, static_method};
use lockstep_runtime::{B, Kind, PyResult, Value, Vm};

static COMPLEX: ClassDef = ClassDef {
    methods: &[static_method(
        "__new__(cls, /, *args, **kwargs)",
        |vm, _| {
            refuse(
                vm,
                "complex numbers are outside the subset: use a pair of floats",
            )
        },
    )],
    attributes: &[],
    doc: "Complex numbers are outside the subset.",
};

fn refuse(vm: &mut Vm, message: &str) -> PyResult {
    Err(vm.unsupported(message))
}

/// The class.
pub fn complex(vm: &mut Vm) -> Value {
    let object = vm.class(B::Object);
    vm.new_native_class("builtins", "complex", object, Kind::Opaque, &COMPLEX)
}
