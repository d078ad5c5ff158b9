//! Lock: one task at a time, the others in the order they came.

use lockstep_runtime::native::{
    AtOnce, ClassDef, CoroutineBody, Step, StepFrame, attribute, coroutine, getter, method,
    static_method,
};
use lockstep_runtime::object::exception::TraceEntry;
use lockstep_runtime::object::opaque::{Hold, Native};
use lockstep_runtime::{Input, Marker, PyResult, Raised, Value, Vm};

use super::wait_queue::{WaitQueue, Waited, Waiters, late_waiters_row, loop_row};
use super::{check, current_task, is_cancelled_error, object, repr_with};

/// The lock. A woken task takes it when it runs, not when it is woken: until
/// then a newcomer finds the queue occupied and waits behind it.
pub struct Lock {
    locked: bool,
    /// The task that holds it: the deadlock report tells. None when free.
    holder: Value,
    /// Where it took the lock; None too when free.
    since: Option<TraceEntry>,
    waiters: WaitQueue,
}

impl Native for Lock {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.holder);
        marker.mark(self.since.map_or(Value::NONE, |at| at.code));
        self.waiters.trace(marker);
    }
    fn external_bytes(&self) -> usize {
        self.waiters.external_bytes()
    }
    fn hold(&self) -> Option<Hold> {
        let (task, since) = (self.holder.some()?, self.since);
        self.locked.then_some(Hold { task, since })
    }
}

impl Waited for Lock {
    fn waiters(&mut self) -> &mut WaitQueue {
        &mut self.waiters
    }
}

impl Lock {
    pub const fn new() -> Lock {
        Lock {
            locked: false,
            holder: Value::NONE,
            since: None,
            waiters: WaitQueue::new(),
        }
    }
}

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", |vm, args| {
            let shape = vm.root_shape(args[0]);
            Ok(vm.heap.opaque(shape, Lock::new()))
        }),
        method("__init__(self)", |_, _| Ok(Value::NONE)),
        method("__repr__(self, /)", repr),
        method("locked(self)", |vm, args| {
            Ok(Value::bool(lock(vm, args[0]).locked))
        }),
        method("release(self)", |vm, args| {
            release(vm, args[0])?;
            Ok(Value::NONE)
        }),
        coroutine("acquire(self)", ACQUIRE),
        coroutine("__aenter__(self)", ENTER),
        coroutine("__aexit__(self, exc_type, exc, tb)", EXIT),
    ],
    attributes: &[
        attribute(
            "_locked",
            |vm, this| Ok(Value::bool(lock(vm, this).locked)),
            |vm, this, value| {
                lock(vm, this).locked = vm.truth(value.given().unwrap_or(Value::FALSE))?;
                Ok(())
            },
        ),
        late_waiters_row::<Lock>(),
        loop_row::<Lock>(),
        getter("_holder", |vm, this| Ok(lock(vm, this).holder)),
    ],
    doc: "One task at a time; the others in the order they came.",
};

const ACQUIRE: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step: |vm, frame, input| {
        let this = frame.get(vm, 0);
        check::<Lock>(vm, this, "acquire")?;
        acquire_step(vm, this, frame, input, Value::TRUE)
    },
    at_once: Some(|vm, args| {
        let taken = take_if_free(vm, args[0]);
        Ok(AtOnce::done(taken.then_some(Value::TRUE)))
    }),
};

const ENTER: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step: enter_step,
    at_once: Some(|vm, args| {
        let taken = super::is_exactly(vm, args[0], |c| c.lock) && take_if_free(vm, args[0]);
        Ok(AtOnce::done(taken.then_some(Value::NONE)))
    }),
};

const EXIT: CoroutineBody = CoroutineBody {
    n_registers: 0,
    step: super::exit_step,
    at_once: Some(|vm, args| {
        if !super::is_exactly(vm, args[0], |c| c.lock) {
            return Ok(AtOnce::Suspends);
        }
        release(vm, args[0])?;
        Ok(AtOnce::Done(Value::NONE))
    }),
};

fn lock(vm: &mut Vm, this: Value) -> &mut Lock {
    object(vm, this)
}

fn waiters(this: Value) -> Waiters {
    Waiters::of::<Lock>(this)
}

pub fn is_locked(vm: &mut Vm, this: Value) -> bool {
    lock(vm, this).locked
}

/// Takes the lock unless it is held or somebody is in line for it. False too
/// when `this` is no lock.
pub fn take_if_free(vm: &mut Vm, this: Value) -> bool {
    match vm.heap.native::<Lock>(this) {
        Some(lock) if !lock.locked => {}
        _ => return false,
    }
    if waiters(this).someone_waits(vm) {
        return false;
    }
    take(vm, this);
    true
}

/// Makes the running task the holder.
pub fn take(vm: &mut Vm, this: Value) {
    let (task, since) = (current_task(vm), vm.script_position());
    let lock = lock(vm, this);
    lock.locked = true;
    lock.holder = task;
    lock.since = since;
}

/// Joins the queue: the future to await before `take`.
///
/// # Errors
/// RuntimeError when the lock belongs to another loop.
pub fn join(vm: &mut Vm, this: Value) -> PyResult {
    let event_loop = waiters(this).bind_loop(vm)?;
    waiters(this).join(vm, event_loop)
}

/// The awaited future is done: leaves the queue and takes the lock.
pub fn woken(vm: &mut Vm, this: Value, waiter: Value) {
    waiters(this).leave(vm, waiter);
    take(vm, this);
}

/// The wait was broken off by `exception`. If this one had been woken before
/// it was cancelled, the next one must be.
///
/// # Errors
/// As `release`.
pub fn broken_off(vm: &mut Vm, this: Value, waiter: Value, exception: Value) -> PyResult<()> {
    waiters(this).leave(vm, waiter);
    if is_cancelled_error(vm, exception) && !lock(vm, this).locked {
        waiters(this).wake_head(vm, Value::TRUE)?;
    }
    Ok(())
}

/// Frees the lock and wakes the first in the queue.
///
/// # Errors
/// RuntimeError when it is not held.
pub fn release(vm: &mut Vm, this: Value) -> PyResult<()> {
    let lock = lock(vm, this);
    if !lock.locked {
        return Err(vm.runtime_error("Lock is not acquired."));
    }
    lock.locked = false;
    lock.holder = Value::NONE;
    lock.since = None;
    waiters(this).wake_head(vm, Value::TRUE)
}

/// Takes `lock`, waiting for it if need be, then gives `result`: the steps of
/// `acquire`, and of a condition's `__aenter__`. Registers: 1 what was awaited,
/// 2 the future waited for.
pub fn acquire_step(
    vm: &mut Vm,
    lock: Value,
    frame: StepFrame,
    input: Input,
    result: Value,
) -> PyResult<Step> {
    let waiter = frame.get(vm, 2);
    match input {
        Input::Send(_) if waiter.is_empty() => {
            if take_if_free(vm, lock) {
                return Ok(Step::Return(result));
            }
            let waiter = join(vm, lock)?;
            frame.set(vm, 2, waiter);
            Ok(Step::Await(waiter))
        }
        Input::Send(_) => {
            woken(vm, lock, waiter);
            Ok(Step::Return(result))
        }
        Input::Throw(e) => {
            broken_off(vm, lock, waiter, e)?;
            Err(Raised(e))
        }
    }
}

/// `acquire` in place where it is this class's own; a subclass's is called.
fn enter_step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let this = frame.get(vm, 0);
    if super::is_exactly(vm, this, |c| c.lock) {
        return acquire_step(vm, this, frame, input, Value::NONE);
    }
    super::enter_step(vm, frame, input)
}

fn repr(vm: &mut Vm, args: &[Value]) -> PyResult {
    let state = match lock(vm, args[0]).locked {
        true => "locked",
        false => "unlocked",
    };
    let n_waiting = waiters(args[0]).len(vm);
    repr_with(vm, args[0], state, n_waiting)
}

/// A lock of the class itself.
pub fn new(vm: &mut Vm) -> Value {
    let class = vm.ext::<super::Classes>().lock;
    let shape = vm.root_shape(class);
    vm.heap.opaque(shape, Lock::new())
}

/// Whether `v` is a lock whose methods are this file's.
pub fn is_plain(vm: &mut Vm, v: Value) -> bool {
    super::is_exactly(vm, v, |c| c.lock)
}
