//! Semaphore and BoundedSemaphore: so many permits; who finds none waits, in
//! the order they came.

use lockstep_runtime::native::{
    AtOnce, ClassDef, CoroutineBody, Step, StepFrame, attribute, coroutine, getter, method,
    static_method,
};
use lockstep_runtime::object::future::State;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::{Input, Marker, PyResult, Raised, Value, Vm};

use super::wait_queue::{WaitQueue, Waited, Waiters, late_waiters_row, loop_row, state};
use super::{check, is_cancelled_error, object, repr_with};

/// The semaphore. A released permit is handed over to the first who waits at
/// once, not when it runs, so that no newcomer can take it first.
pub struct Semaphore {
    value: i64,
    /// A BoundedSemaphore's first value.
    bound: i64,
    waiters: WaitQueue,
}

impl Native for Semaphore {
    fn trace(&self, marker: &mut Marker) {
        self.waiters.trace(marker);
    }
    fn external_bytes(&self) -> usize {
        self.waiters.external_bytes()
    }
}

impl Waited for Semaphore {
    fn waiters(&mut self) -> &mut WaitQueue {
        &mut self.waiters
    }
}

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", |vm, args| {
            let shape = vm.root_shape(args[0]);
            Ok(vm.heap.opaque(
                shape,
                Semaphore {
                    value: 1,
                    bound: 1,
                    waiters: WaitQueue::new(),
                },
            ))
        }),
        method("__init__(self, value=1)", init),
        method("__repr__(self, /)", repr),
        method("locked(self)", |vm, args| {
            Ok(Value::bool(is_locked(vm, args[0])))
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
            "_value",
            |vm, this| {
                let value = semaphore(vm, this).value;
                Ok(vm.heap.int(value))
            },
            |vm, this, value| {
                let value = vm.index_i64(value.given().unwrap_or(Value::NONE))?;
                semaphore(vm, this).value = value;
                Ok(())
            },
        ),
        late_waiters_row::<Semaphore>(),
        loop_row::<Semaphore>(),
    ],
    doc: "So many permits; who finds none waits, in the order they came.",
};

pub static BOUNDED_CLASS: ClassDef = ClassDef {
    methods: &[
        method("__init__(self, value=1)", init),
        method("release(self)", |vm, args| {
            bounded_release(vm, args[0])?;
            Ok(Value::NONE)
        }),
    ],
    attributes: &[getter("_bound_value", |vm, this| {
        let bound = semaphore(vm, this).bound;
        Ok(vm.heap.int(bound))
    })],
    doc: "A semaphore that takes back no more permits than it began with.",
};

const ACQUIRE: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step: |vm, frame, input| acquire_step(vm, frame, input, Value::TRUE),
    at_once: Some(|vm, args| {
        let taken = take_if_free(vm, args[0]);
        Ok(AtOnce::done(taken.then_some(Value::TRUE)))
    }),
};

const ENTER: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step: |vm, frame, input| {
        let this = frame.get(vm, 0);
        match is_plain(vm, this) {
            true => acquire_step(vm, frame, input, Value::NONE),
            false => super::enter_step(vm, frame, input),
        }
    },
    at_once: Some(|vm, args| {
        let taken = is_plain(vm, args[0]) && take_if_free(vm, args[0]);
        Ok(AtOnce::done(taken.then_some(Value::NONE)))
    }),
};

const EXIT: CoroutineBody = CoroutineBody {
    n_registers: 0,
    step: super::exit_step,
    at_once: Some(|vm, args| {
        if super::is_exactly(vm, args[0], |c| c.semaphore) {
            release(vm, args[0])?;
            return Ok(AtOnce::Done(Value::NONE));
        }
        Ok(AtOnce::Suspends)
    }),
};

fn semaphore(vm: &mut Vm, this: Value) -> &mut Semaphore {
    object(vm, this)
}

fn waiters(this: Value) -> Waiters {
    Waiters::of::<Semaphore>(this)
}

/// Whether `acquire` is this file's.
fn is_plain(vm: &mut Vm, this: Value) -> bool {
    super::is_exactly(vm, this, |c| c.semaphore)
        || super::is_exactly(vm, this, |c| c.bounded_semaphore)
}

fn init(vm: &mut Vm, args: &[Value]) -> PyResult {
    let value = args[1].given().unwrap_or(Value::small(1));
    if vm.compare_bool(CompareOp::Lt, value, Value::small(0))? {
        return Err(vm.value_error("Semaphore initial value must be >= 0"));
    }
    let value = vm.index_i64(value)?;
    let s = semaphore(vm, args[0]);
    s.value = value;
    s.bound = value;
    Ok(Value::NONE)
}

fn is_locked(vm: &mut Vm, this: Value) -> bool {
    semaphore(vm, this).value == 0 || waiters(this).someone_waits(vm)
}

fn take_if_free(vm: &mut Vm, this: Value) -> bool {
    if vm.heap.native::<Semaphore>(this).is_none() || is_locked(vm, this) {
        return false;
    }
    semaphore(vm, this).value -= 1;
    true
}

/// Gives a permit back: to the first who waits, if anyone does.
fn release(vm: &mut Vm, this: Value) -> PyResult<()> {
    let s = semaphore(vm, this);
    s.value = s.value.saturating_add(1);
    let handed_over = waiters(this).wake(vm, 1, Value::TRUE)?;
    semaphore(vm, this).value -= handed_over;
    Ok(())
}

fn bounded_release(vm: &mut Vm, this: Value) -> PyResult<()> {
    let s = semaphore(vm, this);
    if s.value >= s.bound {
        return Err(vm.value_error("BoundedSemaphore released too many times"));
    }
    release(vm, this)
}

/// Hands out what permits there are to those who wait.
fn hand_out(vm: &mut Vm, this: Value) -> PyResult<()> {
    let free = semaphore(vm, this).value;
    if free > 0 {
        let handed_over = waiters(this).wake(vm, free, Value::TRUE)?;
        semaphore(vm, this).value -= handed_over;
    }
    Ok(())
}

/// Registers: 0 the semaphore, 1 what was awaited, 2 the future waited for.
fn acquire_step(vm: &mut Vm, frame: StepFrame, input: Input, result: Value) -> PyResult<Step> {
    let this = frame.get(vm, 0);
    let waiter = frame.get(vm, 2);
    if waiter.is_empty() {
        check::<Semaphore>(vm, this, "acquire")?;
        if take_if_free(vm, this) {
            return Ok(Step::Return(result));
        }
        let event_loop = waiters(this).bind_loop(vm)?;
        let waiter = waiters(this).join(vm, event_loop)?;
        frame.set(vm, 2, waiter);
        return Ok(Step::Await(waiter));
    }
    waiters(this).leave(vm, waiter);
    if let Input::Throw(e) = input
        && is_cancelled_error(vm, e)
        && state(vm, waiter) == Some(State::Finished)
    {
        // A permit handed over to a task that won't use it comes back.
        let s = semaphore(vm, this);
        s.value = s.value.saturating_add(1);
    }
    hand_out(vm, this)?;
    match input {
        Input::Send(_) => Ok(Step::Return(result)),
        Input::Throw(e) => Err(Raised(e)),
    }
}

fn repr(vm: &mut Vm, args: &[Value]) -> PyResult {
    let state = match is_locked(vm, args[0]) {
        true => String::from("locked"),
        false => format!("unlocked, value:{}", semaphore(vm, args[0]).value),
    };
    let n_waiting = waiters(args[0]).len(vm);
    repr_with(vm, args[0], &state, n_waiting)
}
