//! Generators, coroutines, async generators and the awaitables of the latter.

use lockstep_runtime::native::{
    ClassDef, Flow, GetSetDef, NativeDef, attribute, flow_method, getter, method,
};
use lockstep_runtime::object::generator::{AsyncGenAction, GenState, Generator};
use lockstep_runtime::object::iter::Iter;
use lockstep_runtime::vm::{Input, Outcome};
use lockstep_runtime::{B, PyResult, Raised, Value, Vm};

use super::{generic_alias, operators as op};

const REPR: NativeDef = op::REPR;
const SEND: NativeDef = flow_method("send(self, value, /)", send);
const THROW: NativeDef = flow_method("throw(self, type, value=None, traceback=None, /)", throw);
const CLOSE: NativeDef = method("close(self, /)", close);
const CLASS_GETITEM: NativeDef = lockstep_runtime::native::class_method(
    "__class_getitem__(cls, object, /)",
    generic_alias::class_getitem,
);

pub static GENERATOR: ClassDef = ClassDef {
    methods: &[
        REPR,
        SEND,
        THROW,
        CLOSE,
        CLASS_GETITEM,
        method("__iter__(self, /)", |_, a| Ok(a[0])),
        flow_method("__next__(self, /)", |_, a| {
            Ok(Flow::Send {
                generator: a[0],
                value: Value::NONE,
            })
        }),
    ],
    attributes: &[
        NAME,
        QUALNAME,
        getter("gi_frame", frame),
        getter("gi_code", code),
        getter("gi_running", running),
        getter("gi_suspended", suspended),
        getter("gi_yieldfrom", delegate),
    ],
    doc: "",
};

pub static COROUTINE: ClassDef = ClassDef {
    methods: &[
        REPR,
        SEND,
        THROW,
        CLOSE,
        CLASS_GETITEM,
        method("__await__(self, /)", coroutine_await),
    ],
    attributes: &[
        NAME,
        QUALNAME,
        getter("cr_frame", frame),
        getter("cr_code", code),
        getter("cr_running", running),
        getter("cr_suspended", suspended),
        getter("cr_await", delegate),
        getter("cr_origin", origin),
    ],
    doc: "",
};

pub static ASYNC_GENERATOR: ClassDef = ClassDef {
    methods: &[
        REPR,
        CLASS_GETITEM,
        method("__aiter__(self, /)", |_, a| Ok(a[0])),
        method("__anext__(self, /)", |vm, a| {
            vm.async_gen_op(a[0], AsyncGenAction::Send, Value::NONE)
        }),
        method("asend(self, value, /)", |vm, a| {
            vm.async_gen_op(a[0], AsyncGenAction::Send, a[1])
        }),
        method("athrow(self, type, value=None, traceback=None, /)", athrow),
        method("aclose(self, /)", |vm, a| {
            vm.async_gen_op(a[0], AsyncGenAction::Close, Value::NONE)
        }),
    ],
    attributes: &[
        NAME,
        QUALNAME,
        getter("ag_frame", frame),
        getter("ag_code", code),
        getter("ag_running", |vm, this| {
            Ok(Value::bool(vm.heap.cell::<Generator>(this).op_running))
        }),
        getter("ag_suspended", suspended),
        getter("ag_await", delegate),
    ],
    doc: "",
};

const NAME: GetSetDef = attribute(
    "__name__",
    |vm, this| Ok(vm.heap.generator_names(this).0),
    |vm, this, v| {
        if vm.heap.as_str(v).is_none() {
            return Err(vm.type_error("__name__ must be set to a string object"));
        }
        let (_, qualname) = vm.heap.generator_names(this);
        vm.heap.set_generator_names(this, v, qualname);
        Ok(())
    },
);
const QUALNAME: GetSetDef = attribute(
    "__qualname__",
    |vm, this| Ok(vm.heap.generator_names(this).1),
    |vm, this, v| {
        if vm.heap.as_str(v).is_none() {
            return Err(vm.type_error("__qualname__ must be set to a string object"));
        }
        let (name, _) = vm.heap.generator_names(this);
        vm.heap.set_generator_names(this, name, v);
        Ok(())
    },
);

fn send(_: &mut Vm, a: &[Value]) -> PyResult<Flow> {
    Ok(Flow::Send {
        generator: a[0],
        value: a[1],
    })
}

/// The exception that the arguments of `throw` mean, after self.
///
/// # Errors
/// TypeError; the DeprecationWarning of more than one, where that is an error.
pub fn thrown(vm: &mut Vm, a: &[Value]) -> PyResult {
    if a[2].given().is_some() {
        vm.holding(a, |vm| warn_of_signature(vm, "throw"))?;
    }
    let none = |v: Value| v.given().unwrap_or(Value::NONE);
    vm.exception_to_throw(a[1], none(a[2]), none(a[3]))
}

fn warn_of_signature(vm: &mut Vm, method: &str) -> PyResult<()> {
    let message = format!(
        "the (type, exc, tb) signature of {method}() is deprecated, use the single-arg signature instead."
    );
    vm.warn(B::DeprecationWarning, &message)
}

fn throw(vm: &mut Vm, a: &[Value]) -> PyResult<Flow> {
    let exception = thrown(vm, a)?;
    Ok(Flow::Throw {
        generator: a[0],
        exception,
    })
}

fn close(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.close_frame(a[0])
}

fn coroutine_await(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(vm
        .heap
        .alloc(B::CoroutineWrapper.shape(), Iter::Await { target: a[0] }))
}

fn athrow(vm: &mut Vm, a: &[Value]) -> PyResult {
    if a[2].given().is_some() {
        vm.holding(a, |vm| warn_of_signature(vm, "athrow"))?;
    }
    // Looked at when it is awaited.
    let none = |v: Value| v.given().unwrap_or(Value::NONE);
    let parts = vm.heap.tuple(&[a[1], none(a[2]), none(a[3])]);
    vm.async_gen_op(a[0], AsyncGenAction::Throw, parts)
}

fn frame(vm: &mut Vm, this: Value) -> PyResult {
    if vm.heap.cell::<Generator>(this).state == GenState::Closed {
        return Ok(Value::NONE);
    }
    match vm.entry_of(this) {
        Some(entry) => super::frame::of_entry(vm, entry),
        None => Ok(Value::NONE),
    }
}

fn code(vm: &mut Vm, this: Value) -> PyResult {
    Ok(vm.heap.cell::<Generator>(this).code)
}

fn running(vm: &mut Vm, this: Value) -> PyResult {
    Ok(Value::bool(is_running(vm, this)))
}

fn suspended(vm: &mut Vm, this: Value) -> PyResult {
    let suspended = vm.heap.cell::<Generator>(this).state == GenState::Suspended;
    Ok(Value::bool(suspended && !is_running(vm, this)))
}

/// Whether it runs, or a frame that it waits for.
fn is_running(vm: &Vm, this: Value) -> bool {
    let mut at = this;
    while let Some(g) = vm.heap.get::<Generator>(at) {
        match g.state {
            GenState::Running => return true,
            GenState::Suspended => {}
            GenState::Created | GenState::Closed => return false,
        }
        let inner = g.delegate;
        if vm
            .heap
            .get::<Generator>(inner)
            .is_none_or(|i| i.awaiter != at)
        {
            return false;
        }
        at = inner;
    }
    false
}

/// What a suspended frame waits for.
fn delegate(vm: &mut Vm, this: Value) -> PyResult {
    if is_running(vm, this) {
        return Ok(Value::NONE);
    }
    Ok(vm.delegate_of(this).unwrap_or(Value::NONE))
}

// ---- coroutine.__await__() --------------------------------------------------------

pub static COROUTINE_WRAPPER: ClassDef = ClassDef {
    methods: &[
        method("__iter__(self, /)", |_, a| Ok(a[0])),
        flow_method("__next__(self, /)", |vm, a| {
            Ok(Flow::Send {
                generator: target(vm, a[0]),
                value: Value::NONE,
            })
        }),
        flow_method("send(self, value, /)", |vm, a| {
            Ok(Flow::Send {
                generator: target(vm, a[0]),
                value: a[1],
            })
        }),
        flow_method(
            "throw(self, type, value=None, traceback=None, /)",
            |vm, a| {
                let exception = thrown(vm, a)?;
                Ok(Flow::Throw {
                    generator: target(vm, a[0]),
                    exception,
                })
            },
        ),
        method("close(self, /)", |vm, a| {
            let target = target(vm, a[0]);
            close(vm, &[target])
        }),
    ],
    attributes: &[],
    doc: "A wrapper object implementing __await__ for coroutines.",
};

fn target(vm: &Vm, this: Value) -> Value {
    match vm.heap.get::<Iter>(this) {
        Some(Iter::Await { target }) => *target,
        _ => Value::NONE,
    }
}

// ---- awaitables of async generators -------------------------------------------------

pub static ASYNC_OP: ClassDef = ClassDef {
    methods: &[
        method("__await__(self, /)", |_, a| Ok(a[0])),
        method("__iter__(self, /)", |_, a| Ok(a[0])),
        method("__next__(self, /)", |vm, a| {
            drive(vm, a[0], Input::Send(Value::NONE))
        }),
        method("send(self, value, /)", |vm, a| {
            drive(vm, a[0], Input::Send(a[1]))
        }),
        method(
            "throw(self, type, value=None, traceback=None, /)",
            |vm, a| {
                vm.check_async_op(a[0])?;
                let exception = thrown(vm, a)?;
                drive(vm, a[0], Input::Throw(exception))
            },
        ),
        method("close(self, /)", async_op_close),
    ],
    attributes: &[],
    doc: "",
};

/// One step of such an awaitable; what it returns is StopIteration's value.
fn drive(vm: &mut Vm, op: Value, input: Input) -> PyResult {
    match vm.drive_async_op(op, input)? {
        Outcome::Yield(value) => Ok(value),
        Outcome::Return(value) => Err(vm.stop_iteration(value)),
    }
}

fn async_op_close(vm: &mut Vm, a: &[Value]) -> PyResult {
    use lockstep_runtime::object::generator::AsyncGenOp;
    if vm.heap.cell::<AsyncGenOp>(a[0]).state == GenState::Closed {
        return Ok(Value::NONE);
    }
    vm.check_async_op(a[0])?;
    let exit = vm.raise(B::GeneratorExit, "").0;
    match vm.drive_async_op(a[0], Input::Throw(exit)) {
        Ok(Outcome::Yield(_)) => Err(vm.runtime_error("coroutine ignored GeneratorExit")),
        Ok(Outcome::Return(_)) => Ok(Value::NONE),
        Err(Raised(e))
            if [B::GeneratorExit, B::StopIteration, B::StopAsyncIteration]
                .iter()
                .any(|&class| vm.is_instance_of(e, class)) =>
        {
            Ok(Value::NONE)
        }
        Err(raised) => Err(raised),
    }
}

/// Where a coroutine was made: a tuple of files, lines and names, or None.
fn origin(vm: &mut Vm, this: Value) -> PyResult {
    let Some(noted) = vm.origin_of(this) else {
        return Ok(Value::NONE);
    };
    let noted = vm.heap.tuple_items(noted).to_vec();
    let places: Vec<Value> = noted
        .into_iter()
        .map(|place| {
            let parts = vm.heap.tuple_items(place)[..3].to_vec();
            vm.heap.tuple(&parts)
        })
        .collect();
    Ok(vm.heap.tuple(&places))
}
