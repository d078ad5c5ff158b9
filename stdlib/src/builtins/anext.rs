//! `anext(iterator, default)`: an awaitable that gives the default where the
//! iterator has ended.

use lockstep_lang::bytecode::await_of;
use lockstep_runtime::native::{ClassDef, method};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::vm::Input;
use lockstep_runtime::{B, Kind, Marker, PyResult, Raised, Value, Vm};

use super::generator;

struct AnextAwaitable {
    awaitable: Value,
    default: Value,
    /// What `__await__` of the awaitable gave, once asked.
    iterator: Value,
}

impl Native for AnextAwaitable {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.awaitable, self.default, self.iterator]);
    }
}

#[derive(Default)]
struct AnextClass(Option<Value>);

impl Native for AnextClass {
    fn trace(&self, marker: &mut Marker) {
        if let Some(class) = self.0 {
            marker.mark(class);
        }
    }
}

static CLASS: ClassDef = ClassDef {
    methods: &[
        method("__await__(self, /)", |_, a| Ok(a[0])),
        method("__iter__(self, /)", |_, a| Ok(a[0])),
        method("__next__(self, /)", |vm, a| {
            step(vm, a[0], Input::Send(Value::NONE))
        }),
        method("send(self, value, /)", send),
        method(
            "throw(self, type, value=None, traceback=None, /)",
            |vm, a| {
                let exception = generator::thrown(vm, a)?;
                step(vm, a[0], Input::Throw(exception))
            },
        ),
        method("close(self, /)", close),
    ],
    attributes: &[],
    doc: "",
};

/// `awaitable`, its StopAsyncIteration turned into a result of `default`.
///
/// # Errors
/// None of its own.
pub fn with_default(vm: &mut Vm, awaitable: Value, default: Value) -> PyResult {
    let class = match vm.ext::<AnextClass>().0 {
        Some(class) => class,
        None => {
            let object = vm.class(B::Object);
            let class =
                vm.new_native_class("builtins", "anext_awaitable", object, Kind::Opaque, &CLASS);
            vm.ext::<AnextClass>().0 = Some(class);
            class
        }
    };
    let shape = vm.root_shape(class);
    Ok(vm.heap.opaque(
        shape,
        AnextAwaitable {
            awaitable,
            default,
            iterator: Value::EMPTY,
        },
    ))
}

fn parts(vm: &Vm, this: Value) -> (Value, Value, Value) {
    match vm.heap.native::<AnextAwaitable>(this) {
        Some(a) => (a.awaitable, a.default, a.iterator),
        None => (Value::NONE, Value::NONE, Value::EMPTY),
    }
}

/// The iterator that drives the awaitable.
fn iterator(vm: &mut Vm, this: Value) -> PyResult {
    let (awaitable, _, iterator) = parts(vm, this);
    if let Some(iterator) = iterator.given() {
        return Ok(iterator);
    }
    // A coroutine drives itself; so does a generator that is marked as one.
    let iterator = if vm.heap.kind(awaitable) == Some(Kind::Generator) && vm.is_awaitable(awaitable)
    {
        awaitable
    } else {
        vm.await_iterator(awaitable, await_of::AWAIT)?
    };
    if let Some(a) = vm.heap.native_mut::<AnextAwaitable>(this) {
        a.iterator = iterator;
    }
    Ok(iterator)
}

fn step(vm: &mut Vm, this: Value, input: Input) -> PyResult {
    let iterator = iterator(vm, this)?;
    let is_frame = vm.heap.kind(iterator) == Some(Kind::Generator);
    let result = match input {
        Input::Send(v) if v.is_none() && is_frame => {
            vm.call_method(iterator, "send", &[Value::NONE])
        }
        Input::Send(v) if v.is_none() => vm.call_method(iterator, "__next__", &[]),
        Input::Send(v) => vm.call_method(iterator, "send", &[v]),
        Input::Throw(e) => vm.call_method(iterator, "throw", &[e]),
    };
    match result {
        Err(Raised(e)) if vm.is_instance_of(e, B::StopAsyncIteration) => {
            let (_, default, _) = parts(vm, this);
            Err(vm.stop_iteration(default))
        }
        result => result,
    }
}

/// CPython 3.13 iterobject.c anextawaitable_proxy calls by `PyObject_CallMethod(…, "O", value)`,
/// which takes a tuple for the arguments.
fn send(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.heap.as_tuple(a[1]).map(<[Value]>::to_vec).as_deref() {
        None => step(vm, a[0], Input::Send(a[1])),
        Some(&[value]) => step(vm, a[0], Input::Send(value)),
        Some(values) => {
            let iterator = iterator(vm, a[0])?;
            vm.call_method(iterator, "send", values)
        }
    }
}

fn close(vm: &mut Vm, a: &[Value]) -> PyResult {
    let iterator = iterator(vm, a[0])?;
    vm.call_method(iterator, "close", &[])
}
