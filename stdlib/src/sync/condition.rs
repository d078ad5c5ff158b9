//! Condition: a lock whose holder can wait until another holder says that
//! something changed.

use lockstep_runtime::native::{
    AtOnce, ClassDef, CoroutineBody, Step, StepFrame, coroutine, getter, method, static_method,
};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{Input, Marker, PyResult, Raised, Value, Vm};

use super::wait_queue::{WaitQueue, Waited, Waiters, loop_row, waiters_row};
use super::{check, is_cancelled_error, lock, object, repr_with};

/// The condition. Who was notified has to take the lock again before `wait`
/// ends, in the order of the lock's own queue.
pub struct Condition {
    /// A Lock, or what a script gave in its place; its methods are the condition's.
    lock: Value,
    waiters: WaitQueue,
}

impl Native for Condition {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.lock);
        self.waiters.trace(marker);
    }
    fn external_bytes(&self) -> usize {
        self.waiters.external_bytes()
    }
}

impl Waited for Condition {
    fn waiters(&mut self) -> &mut WaitQueue {
        &mut self.waiters
    }
}

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", |vm, args| {
            Ok(new_of(vm, args[0]).0)
        }),
        method("__init__(self, lock=None)", |vm, args| {
            if let Some(lock) = args[1].some() {
                // They are the condition's own, and looked up here.
                for name in ["locked", "acquire", "release"] {
                    let name = vm.heap.intern(name);
                    vm.get_attr(lock, name)?;
                }
                condition(vm, args[0]).lock = lock;
            }
            Ok(Value::NONE)
        }),
        method("__repr__(self, /)", repr),
        method("notify(self, n=1)", |vm, args| {
            let n = match args[1].given() {
                Some(n) => vm.index_i64(n)?,
                None => 1,
            };
            notify(vm, args[0], n)?;
            Ok(Value::NONE)
        }),
        method("notify_all(self)", |vm, args| {
            let n = waiters(args[0]).len(vm) as i64;
            if vm.heap.class_of(args[0]) == vm.ext::<super::Classes>().condition {
                notify(vm, args[0], n)?;
            } else {
                // A subclass may have a `notify` of its own.
                vm.call_method(args[0], "notify", &[Value::small(n)])?;
            }
            Ok(Value::NONE)
        }),
        coroutine("wait(self)", WAIT),
        coroutine("wait_for(self, predicate)", WAIT_FOR),
        coroutine("__aenter__(self)", ENTER),
        coroutine("__aexit__(self, exc_type, exc, tb)", EXIT),
    ],
    attributes: &[
        getter("locked", |vm, this| of_lock(vm, this, "locked")),
        getter("acquire", |vm, this| of_lock(vm, this, "acquire")),
        getter("release", |vm, this| of_lock(vm, this, "release")),
        getter("_lock", |vm, this| Ok(condition(vm, this).lock)),
        waiters_row::<Condition>(),
        loop_row::<Condition>(),
        getter("_holder", |vm, this| of_lock(vm, this, "_holder")),
    ],
    doc: "A lock whose holder can wait until another holder says that something changed.",
};

const WAIT: CoroutineBody = CoroutineBody {
    n_registers: 4,
    step: wait_step,
    at_once: None,
};

const WAIT_FOR: CoroutineBody = CoroutineBody {
    n_registers: 3,
    step: wait_for_step,
    at_once: None,
};

const ENTER: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step: enter_step,
    at_once: Some(|vm, args| {
        let Some(lock) = plain_lock(vm, args[0]) else {
            return Ok(AtOnce::Suspends);
        };
        let taken = lock::take_if_free(vm, lock);
        Ok(AtOnce::done(taken.then_some(Value::NONE)))
    }),
};

const EXIT: CoroutineBody = CoroutineBody {
    n_registers: 0,
    step: super::exit_step,
    at_once: Some(|vm, args| {
        let Some(lock) = plain_lock(vm, args[0]) else {
            return Ok(AtOnce::Suspends);
        };
        lock::release(vm, lock)?;
        Ok(AtOnce::Done(Value::NONE))
    }),
};

fn condition(vm: &mut Vm, this: Value) -> &mut Condition {
    object(vm, this)
}

fn waiters(this: Value) -> Waiters {
    Waiters::of::<Condition>(this)
}

fn of_lock(vm: &mut Vm, this: Value, name: &str) -> PyResult {
    let lock = condition(vm, this).lock;
    let name = vm.heap.intern(name);
    vm.get_attr(lock, name)
}

/// The lock of a condition of this class, if it is one of Lock itself.
fn plain_lock(vm: &mut Vm, this: Value) -> Option<Value> {
    let classes = vm.ext::<super::Classes>();
    let (condition, lock) = (classes.condition, classes.lock);
    if vm.heap.class_of(this) != condition {
        return None;
    }
    let found = vm.heap.native::<Condition>(this)?.lock;
    (vm.heap.class_of(found) == lock).then_some(found)
}

fn is_locked(vm: &mut Vm, this: Value) -> PyResult<bool> {
    let lock = condition(vm, this).lock;
    if lock::is_plain(vm, lock) {
        return Ok(lock::is_locked(vm, lock));
    }
    let locked = vm.call_method(this, "locked", &[])?;
    vm.truth(locked)
}

/// A condition of the class itself, and its lock.
pub fn new(vm: &mut Vm) -> (Value, Value) {
    let class = vm.ext::<super::Classes>().condition;
    new_of(vm, class)
}

fn new_of(vm: &mut Vm, class: Value) -> (Value, Value) {
    let lock = lock::new(vm);
    let shape = vm.root_shape(class);
    let waiters = WaitQueue::new();
    (vm.heap.opaque(shape, Condition { lock, waiters }), lock)
}

/// Notifies all who wait for a condition whose lock is held.
///
/// # Errors
/// RuntimeError when their loop is closed.
pub fn wake_all(vm: &mut Vm, this: Value) -> PyResult<()> {
    waiters(this).wake(vm, i64::MAX, Value::FALSE)?;
    Ok(())
}

fn notify(vm: &mut Vm, this: Value, n: i64) -> PyResult<()> {
    if !is_locked(vm, this)? {
        return Err(vm.runtime_error("cannot notify on un-acquired lock"));
    }
    waiters(this).wake(vm, n, Value::FALSE)?;
    Ok(())
}

// Registers of a wait, in the frame of `wait` itself, of `wait_for` or of a
// barrier: those before are the frame's own.

/// The future waited for: the condition's own, then the lock's.
const WAITER: usize = 3;
/// Which of the phases below it is in; unbound before the first.
const PHASE: usize = 4;
/// The exception to end with once the lock is held again.
const PENDING: usize = 5;

/// Waits for a notification.
const NOTIFIED: Value = Value::small(1);
/// Waits in the queue of a plain lock.
const RELOCKED: Value = Value::small(2);
/// Awaits the `acquire` of another kind of lock.
const ACQUIRED: Value = Value::small(3);

fn wait_step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let this = frame.get(vm, 0);
    wait_in(vm, this, frame, input)
}

/// Begins another wait for a condition in a frame that may have waited before.
///
/// # Errors
/// RuntimeError: the lock is not held, or the condition belongs to another loop.
pub fn wait_anew(vm: &mut Vm, this: Value, frame: StepFrame) -> PyResult<Step> {
    for register in [WAITER, PHASE, PENDING] {
        frame.set(vm, register, Value::EMPTY);
    }
    wait_in(vm, this, frame, Input::Send(Value::EMPTY))
}

/// A step of `wait` of condition `this`, in a frame with its registers.
///
/// # Errors
/// As `wait_anew`; what was thrown in, once the lock is held again.
pub fn wait_in(vm: &mut Vm, this: Value, frame: StepFrame, input: Input) -> PyResult<Step> {
    match frame.get(vm, PHASE) {
        NOTIFIED => {
            let waiter = frame.get(vm, WAITER);
            waiters(this).leave(vm, waiter);
            if let Input::Throw(e) = input {
                frame.set(vm, PENDING, e);
            }
            relock(vm, this, frame)
        }
        RELOCKED => {
            let lock = condition(vm, this).lock;
            let waiter = frame.get(vm, WAITER);
            match input {
                Input::Send(_) => {
                    lock::woken(vm, lock, waiter);
                    end_wait(vm, this, frame)
                }
                Input::Throw(e) => {
                    lock::broken_off(vm, lock, waiter, e)?;
                    relock_again(vm, this, frame, e)
                }
            }
        }
        ACQUIRED => match input {
            Input::Send(_) => end_wait(vm, this, frame),
            Input::Throw(e) => relock_again(vm, this, frame, e),
        },
        _ => {
            check::<Condition>(vm, this, "wait")?;
            if !is_locked(vm, this)? {
                return Err(vm.runtime_error("cannot wait on un-acquired lock"));
            }
            let event_loop = waiters(this).bind_loop(vm)?;
            match plain_lock(vm, this) {
                Some(lock) => lock::release(vm, lock)?,
                None => {
                    vm.call_method(this, "release", &[])?;
                }
            }
            let waiter = waiters(this).join(vm, event_loop)?;
            frame.set(vm, WAITER, waiter);
            frame.set(vm, PHASE, NOTIFIED);
            Ok(Step::Await(waiter))
        }
    }
}

/// Takes the lock: the caller is going to release it, so it has to hold it
/// even when it is cancelled, however often.
fn relock(vm: &mut Vm, this: Value, frame: StepFrame) -> PyResult<Step> {
    let Some(lock) = plain_lock(vm, this) else {
        frame.set(vm, PHASE, ACQUIRED);
        return match vm.call_method(this, "acquire", &[]) {
            Ok(awaitable) => Ok(Step::Await(awaitable)),
            Err(Raised(e)) => give_up(vm, this, e),
        };
    };
    if lock::take_if_free(vm, lock) {
        return end_wait(vm, this, frame);
    }
    match lock::join(vm, lock) {
        Ok(waiter) => {
            frame.set(vm, PHASE, RELOCKED);
            frame.set(vm, WAITER, waiter);
            Ok(Step::Await(waiter))
        }
        Err(Raised(e)) => give_up(vm, this, e),
    }
}

/// Taking the lock was broken off by `exception`.
fn relock_again(vm: &mut Vm, this: Value, frame: StepFrame, exception: Value) -> PyResult<Step> {
    if !is_cancelled_error(vm, exception) {
        return give_up(vm, this, exception);
    }
    let before = frame.get(vm, PENDING);
    if let Some(before) = before.given() {
        vm.set_context_of(exception, before);
    }
    frame.set(vm, PENDING, exception);
    relock(vm, this, frame)
}

/// The lock is held.
fn end_wait(vm: &mut Vm, this: Value, frame: StepFrame) -> PyResult<Step> {
    match frame.get(vm, PENDING).given() {
        None => Ok(Step::Return(Value::TRUE)),
        Some(exception) => give_up(vm, this, exception),
    }
}

/// Ends with an exception. The notification, if there was one, is passed on.
fn give_up(vm: &mut Vm, this: Value, exception: Value) -> PyResult<Step> {
    waiters(this).wake(vm, 1, Value::FALSE)?;
    Err(Raised(exception))
}

/// Registers: 0 the condition, 1 the predicate, 2 what was awaited, then those
/// of a wait, which takes place in this frame unless the instance may have a
/// `wait` of its own.
fn wait_for_step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let (this, predicate) = (frame.get(vm, 0), frame.get(vm, 1));
    if !frame.get(vm, PHASE).is_empty() {
        match wait_in(vm, this, frame, input)? {
            Step::Return(_) => frame.set(vm, PHASE, Value::EMPTY),
            step => return Ok(step),
        }
    } else if let Input::Throw(e) = input {
        return Err(Raised(e));
    }
    let value = vm.call(predicate, &[])?;
    vm.root(value);
    if vm.truth(value)? {
        return Ok(Step::Return(value));
    }
    if plain_lock(vm, this).is_some() && !vm.heap.has_attrs(this) {
        return wait_anew(vm, this, frame);
    }
    vm.call_method(this, "wait", &[]).map(Step::Await)
}

/// Takes the lock. Registers: 0 the condition, 1 what was awaited, 2 the
/// future waited for.
fn enter_step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let this = frame.get(vm, 0);
    match plain_lock(vm, this) {
        Some(lock) => lock::acquire_step(vm, lock, frame, input, Value::NONE),
        None => super::enter_step(vm, frame, input),
    }
}

fn repr(vm: &mut Vm, args: &[Value]) -> PyResult {
    let state = match is_locked(vm, args[0])? {
        true => "locked",
        false => "unlocked",
    };
    let n_waiting = waiters(args[0]).len(vm);
    repr_with(vm, args[0], state, n_waiting)
}
