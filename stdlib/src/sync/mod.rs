//! The synchronization primitives, with the wake policies of CPython 3.13's
//! asyncio. Each has a file and a policy of its own; what they share is the
//! wait queue and the rule which loop they belong to. `asyncio.locks` and
//! `asyncio.queues` show them to scripts.

mod barrier;
mod condition;
mod event;
mod lock;
pub mod queue;
mod semaphore;
mod wait_queue;

use lockstep_runtime::native::{ClassDef, NativeDef, Step, StepFrame, function};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{B, Input, Kind, Marker, PyResult, Raised, Value, Vm};

use crate::NativeModule;

/// `_sync`: the classes.
pub static MODULE: NativeModule = NativeModule {
    name: "_sync",
    functions: FUNCTIONS,
    init,
};

const FUNCTIONS: &[NativeDef] = &[
    function(
        "_set_queue_errors(empty, full, shut_down, /)",
        |vm, args| {
            let classes = vm.ext::<Classes>();
            classes.queue_empty = args[0];
            classes.queue_full = args[1];
            classes.queue_shut_down = args[2];
            Ok(Value::NONE)
        },
    ),
    function("_set_barrier_error(broken, /)", |vm, args| {
        vm.ext::<Classes>().broken_barrier = args[0];
        Ok(Value::NONE)
    }),
];

/// The classes of one VM; None before the module was made.
struct Classes {
    lock: Value,
    event: Value,
    condition: Value,
    semaphore: Value,
    bounded_semaphore: Value,
    broken_barrier: Value,
    queue: Value,
    queue_empty: Value,
    queue_full: Value,
    queue_shut_down: Value,
}

impl Default for Classes {
    fn default() -> Classes {
        Classes {
            lock: Value::NONE,
            event: Value::NONE,
            condition: Value::NONE,
            semaphore: Value::NONE,
            bounded_semaphore: Value::NONE,
            broken_barrier: Value::NONE,
            queue: Value::NONE,
            queue_empty: Value::NONE,
            queue_full: Value::NONE,
            queue_shut_down: Value::NONE,
        }
    }
}

impl Native for Classes {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[
            self.lock,
            self.event,
            self.condition,
            self.semaphore,
            self.bounded_semaphore,
            self.broken_barrier,
            self.queue,
            self.queue_empty,
            self.queue_full,
            self.queue_shut_down,
        ]);
    }
}

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    let object = vm.class(B::Object);
    let mut new = |module: &str, name: &str, base: Value, def: &'static ClassDef| {
        let class = vm.new_native_class(module, name, base, Kind::Opaque, def);
        let key = vm.heap.intern(name);
        vm.heap.ns_set(dict, key, class);
        class
    };
    let lock = new("asyncio.locks", "Lock", object, &lock::CLASS);
    let event = new("asyncio.locks", "Event", object, &event::CLASS);
    let condition = new("asyncio.locks", "Condition", object, &condition::CLASS);
    let semaphore = new("asyncio.locks", "Semaphore", object, &semaphore::CLASS);
    let bounded_semaphore = new(
        "asyncio.locks",
        "BoundedSemaphore",
        semaphore,
        &semaphore::BOUNDED_CLASS,
    );
    new("asyncio.locks", "Barrier", object, &barrier::CLASS);
    let queue = new("asyncio.queues", "Queue", object, &queue::CLASS);
    *vm.ext::<Classes>() = Classes {
        lock,
        event,
        condition,
        semaphore,
        bounded_semaphore,
        queue,
        ..Classes::default()
    };
    Ok(())
}

/// The Rust object behind `this`, the receiver of one of its class's methods.
fn object<T: Native>(vm: &mut Vm, this: Value) -> &mut T {
    match vm.heap.native_mut::<T>(this) {
        Some(object) => object,
        None => unreachable!("a method is called with an instance of its class"),
    }
}

/// Checks the receiver of a coroutine, which the call has not done.
///
/// # Errors
/// TypeError.
fn check<T: Native>(vm: &mut Vm, this: Value, method: &str) -> PyResult<()> {
    if vm.heap.native::<T>(this).is_some() {
        return Ok(());
    }
    let found = vm.type_name(this);
    Err(vm.type_error(format!(
        "descriptor '{method}' doesn't apply to a '{found}' object"
    )))
}

/// Whether `v` is an instance of exactly the class that `which` names, so that
/// no script's code stands in for its methods.
fn is_exactly(vm: &mut Vm, v: Value, which: fn(&Classes) -> Value) -> bool {
    let class = vm.heap.class_of(v);
    which(vm.ext::<Classes>()) == class
}

fn current_task(vm: &mut Vm) -> Value {
    let running = vm.tasks.running_loop;
    match vm.heap.kind(running) {
        Some(Kind::EventLoop) => vm.event_loop(running).current_task,
        _ => Value::NONE,
    }
}

fn is_cancelled_error(vm: &Vm, exception: Value) -> bool {
    vm.is_instance_of(exception, B::CancelledError)
}

/// `__aenter__` by the instance's own `acquire`. Registers: 0 the instance.
fn enter_step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    match input {
        Input::Send(v) if v.is_empty() => {
            let this = frame.get(vm, 0);
            vm.call_method(this, "acquire", &[]).map(Step::Await)
        }
        Input::Send(_) => Ok(Step::Return(Value::NONE)),
        Input::Throw(e) => Err(Raised(e)),
    }
}

/// `__aexit__` by the instance's own `release`. Registers: 0 the instance.
fn exit_step(vm: &mut Vm, frame: StepFrame, _: Input) -> PyResult<Step> {
    let this = frame.get(vm, 0);
    vm.call_method(this, "release", &[])?;
    Ok(Step::Return(Value::NONE))
}

/// `<asyncio.locks.Lock object at 0x… [locked, waiters:1]>`.
///
/// # Errors
/// None of its own.
fn repr_with(vm: &mut Vm, owner: Value, state: &str, n_waiting: usize) -> PyResult {
    let plain = vm.default_repr(owner)?;
    let plain = vm.heap.string(plain);
    let plain = plain.trim_end_matches('>');
    let waiters = match n_waiting {
        0 => String::new(),
        n => format!(", waiters:{n}"),
    };
    Ok(vm.heap.str(format!("{plain} [{state}{waiters}]>")))
}
