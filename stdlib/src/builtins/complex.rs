//! `complex`: the class, so that `isinstance` can be asked, without instances.

use lockstep_runtime::native::{ClassDef, static_method};
use lockstep_runtime::{B, Kind, PyResult, Value, Vm};

static CLASS: ClassDef = ClassDef {
    methods: &[static_method("__new__(cls, /, *args, **kwargs)", refuse)],
    attributes: &[],
    doc: "Complex numbers are outside the subset.",
};

fn refuse(vm: &mut Vm, _: &[Value]) -> PyResult {
    Err(vm.unsupported("complex numbers are outside the subset: use a pair of floats"))
}

/// The class, for the builtins' names.
pub fn class(vm: &mut Vm) -> Value {
    let object = vm.class(B::Object);
    vm.new_native_class("builtins", "complex", object, Kind::Opaque, &CLASS)
}
