//! `module`.

use lockstep_runtime::native::{ClassDef, attribute, method, static_method};
use lockstep_runtime::object::module::Module;
use lockstep_runtime::{Kind, N, PyResult, Value, Vm};

use super::{object, operators as op};

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new),
        method("__init__(self, name, doc=None)", init),
        op::REPR,
        method("__dir__(self, /)", dir),
        op::GETATTRIBUTE,
    ],
    attributes: &[attribute("__annotations__", annotations, set_annotations)],
    doc: "Create a module object.\n\nThe name must be a string; the optional docstring can have any type.",
};

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let shape = vm.root_shape(a[0]);
    let dict = vm.heap.dict();
    Ok(vm.heap.alloc(
        shape,
        Module {
            name: Value::NONE,
            dict,
        },
    ))
}

fn init(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.as_str(a[1]).is_none() {
        let message = format!(
            "module.__init__() argument 1 must be str, not {}",
            crate::args::shown_type(vm, a[1])
        );
        return Err(vm.type_error(message));
    }
    let name = vm.heap.intern_value(a[1]);
    let module = vm.heap.cell_mut::<Module>(a[0]);
    module.name = name;
    let dict = module.dict;
    let doc = a[2].given().unwrap_or(Value::NONE);
    vm.heap.ns_set(dict, vm.n(N::name_), name);
    vm.heap.ns_set(dict, vm.n(N::doc), doc);
    for key in [N::package, N::loader, N::spec] {
        vm.heap.ns_set(dict, vm.n(key), Value::NONE);
    }
    Ok(Value::NONE)
}

fn dir(vm: &mut Vm, a: &[Value]) -> PyResult {
    let dict = vm.module_dict(a[0]);
    let key = vm.n(N::dir);
    if let Some(own) = vm.heap.ns_get(dict, key) {
        return vm.call(own, &[]);
    }
    Ok(object::keys_of(vm, dict))
}

fn annotations(vm: &mut Vm, this: Value) -> PyResult {
    let dict = vm.module_dict(this);
    let key = vm.n(N::annotations);
    if let Some(found) = vm.heap.ns_get(dict, key) {
        return Ok(found);
    }
    let made = vm.heap.dict();
    vm.heap.ns_set(dict, key, made);
    debug_assert!(vm.heap.kind(this) == Some(Kind::Module));
    Ok(made)
}

fn set_annotations(vm: &mut Vm, this: Value, value: Value) -> PyResult<()> {
    let dict = vm.module_dict(this);
    let key = vm.n(N::annotations);
    match value.given() {
        Some(value) => {
            vm.heap.ns_set(dict, key, value);
        }
        None => {
            if vm.heap.ns_remove(dict, key).is_none() {
                return Err(vm.attribute_error("__annotations__"));
            }
        }
    }
    Ok(())
}
