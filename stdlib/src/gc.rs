//! `gc`: the collector, as far as scripts may steer it.

use lockstep_runtime::native::{NativeDef, function};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{Marker, PyResult, Value, Vm};

use crate::NativeModule;

pub static MODULE: NativeModule = NativeModule {
    name: "gc",
    functions: FUNCTIONS,
    init,
};

const FUNCTIONS: &[NativeDef] = &[
    function("collect(generation=2)", collect),
    function("enable()", |vm, _| switch(vm, true)),
    function("disable()", |vm, _| switch(vm, false)),
    function("isenabled()", |vm, _| {
        Ok(Value::bool(!vm.ext::<Switch>().off))
    }),
    function("get_count()", |vm, _| {
        Ok(vm.heap.tuple(&[Value::small(0); 3]))
    }),
    function("get_threshold()", |vm, _| {
        Ok(vm
            .heap
            .tuple(&[Value::small(2000), Value::small(10), Value::small(0)]))
    }),
    function(
        "set_threshold(threshold0, threshold1=10, threshold2=0, /)",
        |_, _| Ok(Value::NONE),
    ),
    function("get_debug()", |_, _| Ok(Value::small(0))),
    function("set_debug(flags, /)", |_, _| Ok(Value::NONE)),
    function("freeze()", |_, _| Ok(Value::NONE)),
    function("unfreeze()", |_, _| Ok(Value::NONE)),
    function("is_tracked(obj, /)", |_, a| Ok(Value::bool(a[0].is_ptr()))),
];

/// What `gc.disable()` said; memory is collected all the same.
#[derive(Default)]
struct Switch {
    off: bool,
}

impl Native for Switch {
    fn trace(&self, _: &mut Marker) {}
}

fn switch(vm: &mut Vm, on: bool) -> PyResult {
    vm.ext::<Switch>().off = !on;
    Ok(Value::NONE)
}

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    let garbage = vm.heap.list(Vec::new());
    let callbacks = vm.heap.list(Vec::new());
    for (name, value) in [("garbage", garbage), ("callbacks", callbacks)] {
        let name = vm.heap.intern(name);
        vm.heap.ns_set(dict, name, value);
    }
    Ok(())
}

/// A complete collection. What the frames and natives in progress use is
/// rooted, so it may happen inside a call as at any safepoint.
fn collect(vm: &mut Vm, _: &[Value]) -> PyResult {
    vm.collect();
    vm.run_finalizers()?;
    vm.collect();
    Ok(Value::small(0))
}
