//! Barrier: a place where a number of tasks wait until all of them are there.

use lockstep_runtime::native::{
    AtOnce, ClassDef, CoroutineBody, Step, StepFrame, attribute, coroutine, getter, method,
    static_method,
};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::{Input, Marker, PyResult, Raised, Value, Vm};

use super::{check, condition, lock, object, repr_with};

/// What the tasks at the barrier do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// They wait for the others.
    Filling,
    /// All were there: they leave, and who comes meanwhile waits outside.
    Draining,
    /// As `Draining`, but they leave with an error.
    Resetting,
    Broken,
}

const STATES: [(State, &str); 4] = [
    (State::Filling, "filling"),
    (State::Draining, "draining"),
    (State::Resetting, "resetting"),
    (State::Broken, "broken"),
];

impl State {
    fn name(self) -> &'static str {
        STATES
            .iter()
            .find(|(state, _)| *state == self)
            .map_or("", |(_, name)| name)
    }

    /// Whether tasks are on their way out.
    fn is_emptying(self) -> bool {
        matches!(self, State::Draining | State::Resetting)
    }
}

/// The barrier. As CPython's it is made of a condition: who waits joins its
/// queue, and takes its lock again before it leaves.
pub struct Barrier {
    parties: Value,
    state: State,
    /// How many are inside: waiting, or on their way out.
    count: i64,
    condition: Value,
    lock: Value,
}

impl Native for Barrier {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.parties, self.condition, self.lock]);
    }
}

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", |vm, args| {
            let (condition, lock) = condition::new(vm);
            let shape = vm.root_shape(args[0]);
            Ok(vm.heap.opaque(
                shape,
                Barrier {
                    parties: Value::small(1),
                    state: State::Filling,
                    count: 0,
                    condition,
                    lock,
                },
            ))
        }),
        method("__init__(self, parties)", |vm, args| {
            if vm.compare_bool(CompareOp::Lt, args[1], Value::small(1))? {
                return Err(vm.value_error("parties must be > 0"));
            }
            barrier(vm, args[0]).parties = args[1];
            Ok(Value::NONE)
        }),
        method("__repr__(self, /)", repr),
        coroutine("wait(self)", WAIT),
        coroutine("reset(self)", RESET),
        coroutine("abort(self)", ABORT),
        coroutine("__aenter__(self)", ENTER),
        coroutine("__aexit__(self, *args)", EXIT),
    ],
    attributes: &[
        getter("parties", |vm, this| Ok(barrier(vm, this).parties)),
        getter("n_waiting", |vm, this| {
            Ok(Value::small(barrier(vm, this).n_waiting()))
        }),
        getter("broken", |vm, this| {
            Ok(Value::bool(barrier(vm, this).state == State::Broken))
        }),
        attribute(
            "_state",
            |vm, this| {
                let name = barrier(vm, this).state.name();
                Ok(vm.heap.intern(name))
            },
            set_state,
        ),
        getter("_count", |vm, this| {
            Ok(Value::small(barrier(vm, this).count))
        }),
        getter("_parties", |vm, this| Ok(barrier(vm, this).parties)),
        getter("_cond", |vm, this| Ok(barrier(vm, this).condition)),
    ],
    doc: "A place where a number of tasks wait until all of them are there.",
};

const WAIT: CoroutineBody = CoroutineBody {
    n_registers: 6,
    step: wait_step,
    at_once: Some(|vm, args| {
        let number = pass_as_last(vm, args[0])?;
        Ok(AtOnce::done(number))
    }),
};

const RESET: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step: |vm, frame, input| {
        locked_step(vm, frame, input, |barrier| match barrier.count {
            0 => State::Filling,
            _ => State::Resetting,
        })
    },
    at_once: None,
};

const ABORT: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step: |vm, frame, input| locked_step(vm, frame, input, |_| State::Broken),
    at_once: None,
};

const ENTER: CoroutineBody = CoroutineBody {
    n_registers: 0,
    step: |vm, frame, input| match input {
        Input::Send(v) if v.is_empty() => {
            let this = frame.get(vm, 0);
            vm.call_method(this, "wait", &[]).map(Step::Await)
        }
        Input::Send(number) => Ok(Step::Return(number)),
        Input::Throw(e) => Err(Raised(e)),
    },
    at_once: None,
};

const EXIT: CoroutineBody = CoroutineBody {
    n_registers: 0,
    step: |_, _, _| Ok(Step::Return(Value::NONE)),
    at_once: None,
};

impl Barrier {
    fn n_waiting(&self) -> i64 {
        match self.state {
            State::Filling => self.count,
            _ => 0,
        }
    }
}

fn barrier(vm: &mut Vm, this: Value) -> &mut Barrier {
    object(vm, this)
}

fn set_state(vm: &mut Vm, this: Value, value: Value) -> PyResult<()> {
    let name = vm.heap.as_str(value).map(|name| name.to_lossy());
    let found = STATES
        .iter()
        .find(|(_, known)| name.as_deref() == Some(known));
    match found {
        Some(&(state, _)) => {
            barrier(vm, this).state = state;
            Ok(())
        }
        None => Err(vm.value_error("not a state of a barrier")),
    }
}

fn change(vm: &mut Vm, this: Value, state: State) -> PyResult<()> {
    let barrier = barrier(vm, this);
    barrier.state = state;
    let condition = barrier.condition;
    condition::wake_all(vm, condition)
}

/// Comes in as one more; whether it is the last that was missing.
fn come_in(vm: &mut Vm, this: Value) -> PyResult<bool> {
    let b = barrier(vm, this);
    b.count += 1;
    let (count, parties) = (Value::small(b.count), b.parties);
    vm.compare_bool(CompareOp::Eq, count, parties)
}

/// Goes out; the last one opens the barrier for the next round.
fn go_out(vm: &mut Vm, this: Value) -> PyResult<()> {
    let b = barrier(vm, this);
    b.count -= 1;
    if b.count > 0 {
        return Ok(());
    }
    let state = match b.state.is_emptying() {
        true => State::Filling,
        false => b.state,
    };
    change(vm, this, state)
}

/// The whole of `wait` for the last that is missing, where nobody has the
/// lock: gives its number. None where there is something to wait for.
fn pass_as_last(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some(b) = vm.heap.native::<Barrier>(this) else {
        return Ok(None);
    };
    let (number, lock) = (b.count, b.lock);
    let is_last = b.parties.as_int() == Some(number + 1);
    if !is_last || b.state != State::Filling || !lock::take_if_free(vm, lock) {
        return Ok(None);
    }
    come_in(vm, this)?;
    change(vm, this, State::Draining)?;
    go_out(vm, this)?;
    lock::release(vm, lock)?;
    Ok(Some(Value::small(number)))
}

// Registers of `wait`: 0 the barrier, 1 what was awaited, 2 to 5 those of the
// lock's and the condition's waits, then its own.

/// What it waits for; unbound while that is the lock.
const STAGE: usize = 6;
/// How many were inside when it came in.
const NUMBER: usize = 7;

/// Those of the round before have to leave.
const OUTSIDE: Value = Value::small(1);
/// The others have to come.
const INSIDE: Value = Value::small(2);

fn wait_step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let this = frame.get(vm, 0);
    check::<Barrier>(vm, this, "wait")?;
    let (condition, lock) = (barrier(vm, this).condition, barrier(vm, this).lock);
    let stage = frame.get(vm, STAGE);
    if stage.is_empty() {
        return match lock::acquire_step(vm, lock, frame, input, Value::NONE)? {
            Step::Return(_) => outside(vm, this, frame),
            step => Ok(step),
        };
    }
    match condition::wait_in(vm, condition, frame, input) {
        Ok(Step::Return(_)) if stage == OUTSIDE => outside(vm, this, frame),
        Ok(Step::Return(_)) => inside(vm, this, frame),
        Ok(step) => Ok(step),
        Err(raised) => end(vm, this, stage == INSIDE, Err(raised)),
    }
}

/// The lock is held: comes in as soon as nobody is on the way out.
fn outside(vm: &mut Vm, this: Value, frame: StepFrame) -> PyResult<Step> {
    let state = barrier(vm, this).state;
    if state.is_emptying() {
        return wait_on(vm, this, frame, OUTSIDE);
    }
    if state == State::Broken {
        let error = broken(vm, "Barrier aborted");
        return end(vm, this, false, Err(error));
    }
    let number = Value::small(barrier(vm, this).count);
    frame.set(vm, NUMBER, number);
    if come_in(vm, this)? {
        change(vm, this, State::Draining)?;
        return end(vm, this, true, Ok(number));
    }
    inside(vm, this, frame)
}

/// The lock is held, and this one is counted: waits for the others.
fn inside(vm: &mut Vm, this: Value, frame: StepFrame) -> PyResult<Step> {
    let result = match barrier(vm, this).state {
        State::Filling => return wait_on(vm, this, frame, INSIDE),
        State::Draining => Ok(frame.get(vm, NUMBER)),
        State::Resetting | State::Broken => Err(broken(vm, "Abort or reset of barrier")),
    };
    end(vm, this, true, result)
}

/// Waits for the condition, to go on at `stage`.
fn wait_on(vm: &mut Vm, this: Value, frame: StepFrame, stage: Value) -> PyResult<Step> {
    frame.set(vm, STAGE, stage);
    let condition = barrier(vm, this).condition;
    match condition::wait_anew(vm, condition, frame) {
        Ok(step) => Ok(step),
        Err(raised) => end(vm, this, stage == INSIDE, Err(raised)),
    }
}

/// Frees the lock, and goes out if it was counted.
fn end(vm: &mut Vm, this: Value, counted: bool, result: PyResult) -> PyResult<Step> {
    let (Ok(value) | Err(Raised(value))) = result;
    vm.root(value);
    let lock = barrier(vm, this).lock;
    let left = match counted {
        true => go_out(vm, this),
        false => Ok(()),
    };
    match (left.and(lock::release(vm, lock)), result) {
        (Ok(()), result) => result.map(Step::Return),
        (Err(Raised(error)), Err(Raised(first))) => {
            vm.set_context_of(error, first);
            Err(Raised(error))
        }
        (Err(raised), Ok(_)) => Err(raised),
    }
}

/// Changes the state with the lock held. Registers: 0 the barrier, 1 what was
/// awaited, 2 the future waited for.
fn locked_step(
    vm: &mut Vm,
    frame: StepFrame,
    input: Input,
    state: fn(&Barrier) -> State,
) -> PyResult<Step> {
    let this = frame.get(vm, 0);
    check::<Barrier>(vm, this, "reset")?;
    let lock = barrier(vm, this).lock;
    let step = lock::acquire_step(vm, lock, frame, input, Value::NONE)?;
    if let Step::Return(_) = step {
        let state = state(barrier(vm, this));
        change(vm, this, state)?;
        lock::release(vm, lock)?;
    }
    Ok(step)
}

fn broken(vm: &mut Vm, message: &str) -> Raised {
    let class = vm.ext::<super::Classes>().broken_barrier;
    let message = vm.heap.str(message);
    match vm.call(class, &[message]) {
        Ok(error) => vm.raise_given(error),
        Err(raised) => raised,
    }
}

fn repr(vm: &mut Vm, args: &[Value]) -> PyResult {
    let b = barrier(vm, args[0]);
    let (state, n_waiting, parties) = (b.state, b.n_waiting(), b.parties);
    let mut shown = state.name().to_owned();
    if state != State::Broken {
        let parties = vm.str_string(parties)?;
        shown += &format!(", waiters:{n_waiting}/{parties}");
    }
    repr_with(vm, args[0], &shown, 0)
}
