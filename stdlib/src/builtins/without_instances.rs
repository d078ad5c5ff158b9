//! `complex` and `memoryview`: the classes, so that `isinstance` can be asked, without instances.

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

static MEMORYVIEW: ClassDef = ClassDef {
    methods: &[static_method(
        "__new__(cls, /, *args, **kwargs)",
        |vm, _| {
            refuse(
                vm,
                "memoryview is outside the subset: slice the bytes instead",
            )
        },
    )],
    attributes: &[],
    doc: "Views of bytes are outside the subset.",
};

fn refuse(vm: &mut Vm, message: &str) -> PyResult {
    Err(vm.unsupported(message))
}

/// The classes and their names among the builtins.
pub fn classes(vm: &mut Vm) -> [(&'static str, Value); 2] {
    let object = vm.class(B::Object);
    [("complex", &COMPLEX), ("memoryview", &MEMORYVIEW)].map(|(name, def)| {
        let class = vm.new_native_class("builtins", name, object, Kind::Opaque, def);
        (name, class)
    })
}
