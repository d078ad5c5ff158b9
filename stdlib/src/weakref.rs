//! `_weakref`: the class `ref`. A reference is cleared by the collector, and its callback is
//! called after that, among the finalizers.

use lockstep_runtime::native::{ClassDef, function, getter, method, static_method};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::weak::WeakRef;
use lockstep_runtime::protocol::class::refers_weakly;
use lockstep_runtime::{B, PyResult, Value, Vm};

use crate::NativeModule;
use crate::builtins::operators;

pub static MODULE: NativeModule = NativeModule {
    name: "_weakref",
    functions: &[
        function("getweakrefcount(object, /)", |vm, a| {
            let n = vm.heap.weak_refs(a[0]).len();
            Ok(vm.heap.usize(n))
        }),
        function("getweakrefs(object, /)", |vm, a| {
            let found = vm.heap.weak_refs(a[0]);
            Ok(vm.heap.list(found))
        }),
    ],
    init,
};

static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, object, callback=None, /)", new),
        method("__init__(self, object, callback=None, /)", |_, _| {
            Ok(Value::NONE)
        }),
        method("__call__(self, /)", |vm, a| {
            Ok(target(vm, a[0]).unwrap_or(Value::NONE))
        }),
        operators::EQ,
        operators::NE,
        operators::LT,
        operators::LE,
        operators::GT,
        operators::GE,
        operators::HASH,
    ],
    attributes: &[getter("__callback__", |vm, this| {
        Ok(vm
            .heap
            .get::<WeakRef>(this)
            .map_or(Value::NONE, |w| w.callback))
    })],
    doc: "",
};

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    vm.install(B::WeakRef, &CLASS);
    let class = vm.class(B::WeakRef);
    for name in ["ref", "ReferenceType"] {
        let name = vm.heap.intern(name);
        vm.heap.ns_set(dict, name, class);
    }
    Ok(())
}

fn target(vm: &Vm, this: Value) -> Option<Value> {
    vm.heap.get::<WeakRef>(this)?.target.given()
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let object = a[1];
    let class = vm.heap.class_of(object);
    let refers =
        vm.heap.kind(object).is_some_and(refers_weakly) || vm.heap.cell::<Class>(class).has_weakref;
    if !refers {
        let name = vm.type_name(object);
        return Err(vm.type_error(format!("cannot create weak reference to '{name}' object")));
    }
    let callback = a[2].some().unwrap_or(Value::NONE);
    let shares = callback.is_none() && a[0] == vm.class(B::WeakRef);
    if shares && let Some(weak) = vm.heap.shared_weak(object) {
        return Ok(weak);
    }
    let shape = vm.root_shape(a[0]);
    let weak = vm.heap.alloc(
        shape,
        WeakRef {
            target: object,
            callback,
            hash: None,
        },
    );
    vm.heap.add_weak(weak, object);
    if shares {
        vm.heap.share_weak(weak, object);
    }
    Ok(weak)
}
