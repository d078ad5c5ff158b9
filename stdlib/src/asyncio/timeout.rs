//! `asyncio.Timeout`: cancels the task that runs its block when the time is up,
//! and makes a TimeoutError of the cancellation if nobody else asked for one.
//! `wait_for` uses it without the block.

use lockstep_runtime::native::{
    AtOnce, ClassDef, CoroutineBody, NativeDef, Step, attribute, coroutine, function, getter,
    method, static_method,
};
use lockstep_runtime::object::exception::Exception;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::protocol::number::BinaryOp;
use lockstep_runtime::{B, Marker, PyResult, Raised, Value, Vm};

use super::plain;
use crate::builtins::isinstance::{isinstance, issubclass};

/// Where a time limit stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Created,
    Entered,
    /// The task was cancelled; its block has not ended.
    Expiring,
    Expired,
    Exited,
}

impl State {
    fn text(self) -> &'static str {
        match self {
            State::Created => "created",
            State::Entered => "active",
            State::Expiring => "expiring",
            State::Expired => "expired",
            State::Exited => "finished",
        }
    }
}

/// The time limit.
struct Timeout {
    state: State,
    /// A time of the loop's clock; None for no limit.
    when: Value,
    /// The handle that will expire it; None where there is none.
    handler: Value,
    /// The task that entered it; None before.
    task: Value,
    /// How many requests to cancel the task there were when it was entered;
    /// unbound before.
    cancelling: Value,
}

impl Native for Timeout {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.when, self.handler, self.task, self.cancelling]);
    }
}

/// The class of one VM, and the method that its handles call.
struct Classes {
    timeout: Value,
    on_timeout: Value,
}

impl Default for Classes {
    fn default() -> Classes {
        Classes {
            timeout: Value::NONE,
            on_timeout: Value::NONE,
        }
    }
}

impl Native for Classes {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.timeout, self.on_timeout]);
    }
}

/// Notes the class, which was just made.
pub fn note_class(vm: &mut Vm, timeout: Value) {
    let on_timeout = plain::method_of(vm, timeout, "_on_timeout");
    *vm.ext::<Classes>() = Classes {
        timeout,
        on_timeout,
    };
}

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", |vm, args| {
            Ok(new_of(vm, args[0], Value::NONE))
        }),
        method("__init__(self, when)", |vm, args| {
            let t = timeout(vm, args[0]);
            t.state = State::Created;
            t.handler = Value::NONE;
            t.task = Value::NONE;
            t.when = args[1];
            Ok(Value::NONE)
        }),
        method("__repr__(self, /)", repr),
        method("when(self)", |vm, args| Ok(timeout(vm, args[0]).when)),
        method("reschedule(self, when)", |vm, args| {
            let plain = is_plain(vm, args[0]);
            reschedule(vm, args[0], args[1], plain)?;
            Ok(Value::NONE)
        }),
        method("expired(self)", |vm, args| {
            let state = timeout(vm, args[0]).state;
            Ok(Value::bool(matches!(
                state,
                State::Expiring | State::Expired
            )))
        }),
        method("_on_timeout(self)", on_timeout),
        static_method("_insert_timeout_error(exc_val)", |vm, args| {
            insert_timeout_error(vm, args[0])?;
            Ok(Value::NONE)
        }),
        coroutine("__aenter__(self)", ENTER),
        coroutine("__aexit__(self, exc_type, exc_val, exc_tb)", EXIT),
    ],
    attributes: &[
        getter("_state", |vm, this| {
            let text = timeout(vm, this).state.text();
            Ok(vm.heap.intern(text))
        }),
        attribute(
            "_when",
            |vm, this| Ok(timeout(vm, this).when),
            |vm, this, value| {
                timeout(vm, this).when = value.given().unwrap_or(Value::NONE);
                Ok(())
            },
        ),
        getter("_timeout_handler", |vm, this| Ok(timeout(vm, this).handler)),
        getter("_task", |vm, this| Ok(timeout(vm, this).task)),
        getter("_cancelling", |vm, this| {
            match timeout(vm, this).cancelling.given() {
                Some(n) => Ok(n),
                None => Err(vm.attribute_error("'Timeout' object has no attribute '_cancelling'")),
            }
        }),
    ],
    doc: "An async context manager that cancels its block when the time is up.",
};

/// `asyncio.timeout`.
pub static TIMEOUT: NativeDef = function("timeout(delay)", |vm, args| new(vm, args[0]));

/// `asyncio.timeout_at`.
pub static TIMEOUT_AT: NativeDef = function("timeout_at(when)", |vm, args| {
    let class = vm.ext::<Classes>().timeout;
    Ok(new_of(vm, class, args[0]))
});

const ENTER: CoroutineBody = CoroutineBody {
    n_registers: 0,
    step: |vm, frame, _| {
        let this = frame.get(vm, 0);
        check(vm, this, "__aenter__")?;
        enter(vm, this)?;
        Ok(Step::Return(this))
    },
    at_once: Some(|vm, args| {
        check(vm, args[0], "__aenter__")?;
        enter(vm, args[0])?;
        Ok(AtOnce::Done(args[0]))
    }),
};

const EXIT: CoroutineBody = CoroutineBody {
    n_registers: 0,
    step: |vm, frame, _| {
        let [this, class, exception] = [0, 1, 2].map(|at| frame.get(vm, at));
        check(vm, this, "__aexit__")?;
        exit(vm, this, class, exception)?;
        Ok(Step::Return(Value::NONE))
    },
    at_once: Some(|vm, args| {
        check(vm, args[0], "__aexit__")?;
        exit(vm, args[0], args[1], args[2])?;
        Ok(AtOnce::Done(Value::NONE))
    }),
};

fn timeout(vm: &mut Vm, this: Value) -> &mut Timeout {
    match vm.heap.native_mut::<Timeout>(this) {
        Some(timeout) => timeout,
        None => unreachable!("a method is called with an instance of its class"),
    }
}

/// Checks the receiver of a coroutine, which the call has not done.
fn check(vm: &mut Vm, this: Value, method: &str) -> PyResult<()> {
    if vm.heap.native::<Timeout>(this).is_some() {
        return Ok(());
    }
    let found = vm.type_name(this);
    Err(vm.type_error(format!(
        "descriptor '{method}' doesn't apply to a '{found}' object"
    )))
}

/// Whether no script's method stands in for one of this file.
fn is_plain(vm: &mut Vm, this: Value) -> bool {
    vm.heap.class_of(this) == vm.ext::<Classes>().timeout && !vm.heap.has_attrs(this)
}

/// A time limit of so many seconds from now; None for none.
///
/// # Errors
/// RuntimeError when no loop is running; TypeError when it is no number.
pub fn new(vm: &mut Vm, delay: Value) -> PyResult {
    let event_loop = vm.running_loop()?;
    let when = if delay.is_none() {
        Value::NONE
    } else if plain::is_plain_loop(vm, event_loop) {
        let now_s = vm.monotonic_s();
        super::event_loop::deadline(vm, now_s, delay)?
    } else {
        let now = vm.call_method(event_loop, "time", &[])?;
        vm.binary(BinaryOp::Add, now, delay, false)?
    };
    let class = vm.ext::<Classes>().timeout;
    Ok(new_of(vm, class, when))
}

fn new_of(vm: &mut Vm, class: Value, when: Value) -> Value {
    let shape = vm.root_shape(class);
    vm.heap.opaque(
        shape,
        Timeout {
            state: State::Created,
            when,
            handler: Value::NONE,
            task: Value::NONE,
            cancelling: Value::EMPTY,
        },
    )
}

/// Begins the block.
///
/// # Errors
/// RuntimeError when it has begun before, or outside of a task.
pub fn enter(vm: &mut Vm, this: Value) -> PyResult<()> {
    if timeout(vm, this).state != State::Created {
        return Err(vm.runtime_error("Timeout has already been entered"));
    }
    let task = super::functions::current_task(vm, &[Value::NONE])?;
    if task.is_none() {
        return Err(vm.runtime_error("Timeout should be used inside a task"));
    }
    let t = timeout(vm, this);
    t.state = State::Entered;
    t.task = task;
    let when = t.when;
    let cancelling = plain::cancelling(vm, task)?;
    timeout(vm, this).cancelling = cancelling;
    if is_plain(vm, this) {
        return reschedule(vm, this, when, true);
    }
    vm.call_method(this, "reschedule", &[when])?;
    Ok(())
}

/// `plain`: whether `is_plain`, which the caller has asked.
fn reschedule(vm: &mut Vm, this: Value, when: Value, plain: bool) -> PyResult<()> {
    let t = timeout(vm, this);
    match t.state {
        State::Entered => {}
        State::Created => return Err(vm.runtime_error("Timeout has not been entered")),
        state => {
            let state = state.text();
            return Err(vm.runtime_error(format!("Cannot change state of {state} Timeout")));
        }
    }
    t.when = when;
    if let Some(handler) = t.handler.some() {
        plain::cancel_handle(vm, handler)?;
    }
    let handler = match when.some() {
        None => Value::NONE,
        Some(when) => schedule(vm, this, when, plain)?,
    };
    timeout(vm, this).handler = handler;
    Ok(())
}

/// The handle that will expire it.
fn schedule(vm: &mut Vm, this: Value, when: Value, plain: bool) -> PyResult {
    let event_loop = vm.running_loop()?;
    let callback = if plain {
        let method = vm.ext::<Classes>().on_timeout;
        plain::bound(vm, method, this)
    } else {
        let name = vm.heap.intern("_on_timeout");
        vm.get_attr(this, name)?
    };
    let callback = vm.root(callback);
    if !plain::is_plain_loop(vm, event_loop) {
        let now = vm.call_method(event_loop, "time", &[])?;
        return if vm.compare_bool(CompareOp::Le, when, now)? {
            vm.call_method(event_loop, "call_soon", &[callback])
        } else {
            vm.call_method(event_loop, "call_at", &[when, callback])
        };
    }
    let now_s = vm.monotonic_s();
    let is_over = match vm.heap.as_float(when) {
        Some(when_s) => when_s <= now_s,
        None => {
            let now = vm.heap.float(now_s);
            vm.compare_bool(CompareOp::Le, when, now)?
        }
    };
    let context = vm.capture_context();
    if is_over {
        vm.call_soon(event_loop, callback, &[], context)
    } else {
        vm.call_at(event_loop, when, callback, &[], context)
    }
}

/// The time is up.
fn on_timeout(vm: &mut Vm, args: &[Value]) -> PyResult {
    let t = timeout(vm, args[0]);
    if t.state != State::Entered {
        return Err(vm.raise(B::AssertionError, ""));
    }
    let task = t.task;
    plain::cancel(vm, task)?;
    let t = timeout(vm, args[0]);
    t.state = State::Expiring;
    t.handler = Value::NONE;
    Ok(Value::NONE)
}

/// Ends the block, which an exception of a class has left, or (None) none.
///
/// # Errors
/// TimeoutError in place of the cancellation that the expired limit has caused.
pub fn exit(vm: &mut Vm, this: Value, class: Value, exception: Value) -> PyResult<()> {
    let t = timeout(vm, this);
    if !matches!(t.state, State::Entered | State::Expiring) {
        return Err(vm.raise(B::AssertionError, ""));
    }
    if let Some(handler) = t.handler.some() {
        plain::cancel_handle(vm, handler)?;
        timeout(vm, this).handler = Value::NONE;
    }
    let t = timeout(vm, this);
    if t.state == State::Entered {
        t.state = State::Exited;
        return Ok(());
    }
    t.state = State::Expired;
    let (task, at_start) = (t.task, t.cancelling);
    // Requests beyond those there were at the start come from elsewhere: then
    // the cancellation is not ours to turn into a TimeoutError.
    let left = plain::uncancel(vm, task)?;
    if !vm.compare_bool(CompareOp::Le, left, at_start)? || class.is_none() {
        return Ok(());
    }
    let cancelled_error = vm.class(B::CancelledError);
    if issubclass(vm, class, cancelled_error)? {
        let timeout_error = vm.class(B::TimeoutError);
        return Err(vm.raise_from(timeout_error, exception));
    }
    if exception.is_none() {
        return Ok(());
    }
    insert_timeout_error(vm, exception)?;
    let group = vm.class(B::ExceptionGroup);
    if isinstance(vm, exception, group)? {
        let name = vm.heap.intern("exceptions");
        let parts = vm.get_attr(exception, name)?;
        for part in vm.collect_iterable(parts)? {
            vm.root(part);
            insert_timeout_error(vm, part)?;
        }
    }
    Ok(())
}

/// Puts a TimeoutError before the first CancelledError on the way down an
/// exception's contexts.
fn insert_timeout_error(vm: &mut Vm, exception: Value) -> PyResult<()> {
    let mut at = exception;
    while let Some(e) = vm.heap.get::<Exception>(at) {
        let context = e.context;
        if context.is_none() {
            break;
        }
        if vm.is_instance_of(context, B::CancelledError) {
            let Raised(timeout_error) = vm.raise(B::TimeoutError, "");
            let e = vm.heap.cell_mut::<Exception>(timeout_error);
            e.context = context;
            e.cause = context;
            e.suppress_context = true;
            vm.heap.cell_mut::<Exception>(at).context = timeout_error;
            break;
        }
        at = context;
        vm.tick()?;
    }
    Ok(())
}

fn repr(vm: &mut Vm, args: &[Value]) -> PyResult {
    let t = timeout(vm, args[0]);
    let (state, when) = (t.state, t.when);
    let mut info = String::new();
    if state == State::Entered {
        let shown = match when.some() {
            None => Value::NONE,
            Some(when) => {
                let name = vm.heap.intern("round");
                let round = vm.heap.ns_get(vm.builtins, name).unwrap_or(Value::NONE);
                vm.call(round, &[when, Value::small(3)])?
            }
        };
        vm.root(shown);
        info = format!(" when={}", vm.str_string(shown)?);
    }
    Ok(vm.heap.str(format!("<Timeout [{}]{info}>", state.text())))
}
