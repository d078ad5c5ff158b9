//! Event: a flag that tasks can wait for.

use lockstep_runtime::native::{
    AtOnce, ClassDef, CoroutineBody, Step, StepFrame, attribute, coroutine, method, static_method,
};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{Input, Marker, PyResult, Raised, Value, Vm};

use super::wait_queue::{WaitQueue, Waited, Waiters, loop_row, waiters_row};
use super::{check, object, repr_with};

/// The event.
pub struct Event {
    is_set: bool,
    waiters: WaitQueue,
}

impl Native for Event {
    fn trace(&self, marker: &mut Marker) {
        self.waiters.trace(marker);
    }
    fn external_bytes(&self) -> usize {
        self.waiters.external_bytes()
    }
}

impl Waited for Event {
    fn waiters(&mut self) -> &mut WaitQueue {
        &mut self.waiters
    }
}

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", |vm, args| {
            Ok(new_of(vm, args[0], false))
        }),
        method("__init__(self)", |_, _| Ok(Value::NONE)),
        method("__repr__(self, /)", repr),
        method("is_set(self)", |vm, args| {
            Ok(Value::bool(event(vm, args[0]).is_set))
        }),
        method("set(self)", |vm, args| {
            set(vm, args[0])?;
            Ok(Value::NONE)
        }),
        method("clear(self)", |vm, args| {
            clear(vm, args[0]);
            Ok(Value::NONE)
        }),
        coroutine("wait(self)", WAIT),
    ],
    attributes: &[
        attribute(
            "_value",
            |vm, this| Ok(Value::bool(event(vm, this).is_set)),
            |vm, this, value| {
                event(vm, this).is_set = vm.truth(value.given().unwrap_or(Value::FALSE))?;
                Ok(())
            },
        ),
        waiters_row::<Event>(),
        loop_row::<Event>(),
    ],
    doc: "A flag that tasks can wait for.",
};

const WAIT: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step: wait_step,
    at_once: Some(|vm, args| {
        let is_set = vm.heap.native::<Event>(args[0]).is_some_and(|e| e.is_set);
        Ok(AtOnce::done(is_set.then_some(Value::TRUE)))
    }),
};

fn event(vm: &mut Vm, this: Value) -> &mut Event {
    object(vm, this)
}

fn waiters(this: Value) -> Waiters {
    Waiters::of::<Event>(this)
}

fn new_of(vm: &mut Vm, class: Value, is_set: bool) -> Value {
    let shape = vm.root_shape(class);
    vm.heap.opaque(
        shape,
        Event {
            is_set,
            waiters: WaitQueue::new(),
        },
    )
}

/// An event of the class itself.
pub fn new(vm: &mut Vm, is_set: bool) -> Value {
    let class = vm.ext::<super::Classes>().event;
    new_of(vm, class, is_set)
}

/// Sets the flag; all who wait go on.
///
/// # Errors
/// RuntimeError when their loop is closed.
pub fn set(vm: &mut Vm, this: Value) -> PyResult<()> {
    let event = event(vm, this);
    if !event.is_set {
        event.is_set = true;
        waiters(this).wake(vm, i64::MAX, Value::TRUE)?;
    }
    Ok(())
}

/// Takes the flag back; those woken already go on all the same.
pub fn clear(vm: &mut Vm, this: Value) {
    event(vm, this).is_set = false;
}

/// Registers: 0 the event, 1 what was awaited, 2 the future waited for.
fn wait_step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let this = frame.get(vm, 0);
    let waiter = frame.get(vm, 2);
    if !waiter.is_empty() {
        waiters(this).leave(vm, waiter);
        return match input {
            Input::Send(_) => Ok(Step::Return(Value::TRUE)),
            Input::Throw(e) => Err(Raised(e)),
        };
    }
    check::<Event>(vm, this, "wait")?;
    if event(vm, this).is_set {
        return Ok(Step::Return(Value::TRUE));
    }
    let event_loop = waiters(this).bind_loop(vm)?;
    let waiter = waiters(this).join(vm, event_loop)?;
    frame.set(vm, 2, waiter);
    Ok(Step::Await(waiter))
}

fn repr(vm: &mut Vm, args: &[Value]) -> PyResult {
    let state = match event(vm, args[0]).is_set {
        true => "set",
        false => "unset",
    };
    let n_waiting = waiters(args[0]).len(vm);
    repr_with(vm, args[0], state, n_waiting)
}
