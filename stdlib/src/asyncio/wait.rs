//! The waiting of `asyncio.wait`: until the first of some futures is done, or
//! fails, or all are; the checks before it are written in the language.

use lockstep_runtime::native::{
    ClassDef, CoroutineBody, NativeDef, Step, StepFrame, coroutine_function, method,
};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::object::set::Set;
use lockstep_runtime::{B, Input, Marker, PyResult, Raised, Value, Vm};

use super::plain;

pub static WAIT: NativeDef = coroutine_function("_wait(fs, timeout, return_when, loop)", BODY);

pub const BODY: CoroutineBody = CoroutineBody {
    n_registers: 2,
    step,
    at_once: None,
};

/// Which of the futures ends the wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    First,
    FirstException,
    All,
}

/// What the futures' callback knows.
struct Waiting {
    n_left: usize,
    until: Until,
    /// The future that ends the wait.
    waiter: Value,
    /// The handle that ends it when the time is up; None for no limit.
    timeout_handle: Value,
}

impl Native for Waiting {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.waiter, self.timeout_handle]);
    }
}

/// The class of one VM, and its method.
struct Classes {
    waiting: Value,
    on_completion: Value,
}

impl Default for Classes {
    fn default() -> Classes {
        Classes {
            waiting: Value::NONE,
            on_completion: Value::NONE,
        }
    }
}

impl Native for Classes {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.waiting, self.on_completion]);
    }
}

/// The name of the class of the callback's object: a future that is waited for shows the callback
/// as CPython's does, where it is a function inside of `_wait`.
pub const CLASS_NAME: &str = "_wait.<locals>";

pub static CLASS: ClassDef = ClassDef {
    methods: &[method("_on_completion(self, f)", on_completion)],
    attributes: &[],
    doc: "",
};

/// Notes the class, which was just made.
pub fn note_class(vm: &mut Vm, waiting: Value) {
    let on_completion = plain::method_of(vm, waiting, "_on_completion");
    *vm.ext::<Classes>() = Classes {
        waiting,
        on_completion,
    };
}

// Registers: 0 the set of futures, 1 the seconds, 2 what ends the wait, 3 the
// loop, 4 what was awaited, then its own.

/// The `Waiting`; unbound before the first step.
const WAITING: usize = 5;
const CALLBACK: usize = 6;

fn step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let fs = frame.get(vm, 0);
    if frame.get(vm, WAITING).is_empty() {
        return begin(vm, fs, frame).map(Step::Await);
    }
    end(vm, fs, frame)?;
    match input {
        Input::Send(_) => sorted_out(vm, fs).map(Step::Return),
        Input::Throw(e) => Err(Raised(e)),
    }
}

fn items(vm: &Vm, set: Value) -> Vec<Value> {
    let table = &vm.heap.cell::<Set>(set).table;
    table.iter().map(|(_, item)| item).collect()
}

/// The future to await.
fn begin(vm: &mut Vm, fs: Value, frame: StepFrame) -> PyResult {
    let [timeout, return_when, event_loop] = [1, 2, 3].map(|at| frame.get(vm, at));
    if !vm.heap.is_exact(fs, B::Set) {
        return Err(vm.type_error("a set is required"));
    }
    let waiter = plain::create_future(vm, event_loop)?;
    let waiter = vm.root(waiter);
    let timeout_handle = match timeout.some() {
        None => Value::NONE,
        Some(timeout) => {
            let module = vm.import_module("asyncio.tasks")?;
            let name = vm.heap.intern("_release_waiter");
            let release = vm.get_attr(module, name)?;
            vm.root(release);
            vm.call_method(event_loop, "call_later", &[timeout, release, waiter])?
        }
    };
    vm.root(timeout_handle);
    let until = until(vm, return_when)?;
    let &mut Classes {
        waiting,
        on_completion,
    } = vm.ext();
    let shape = vm.root_shape(waiting);
    let waiting = vm.heap.opaque(
        shape,
        Waiting {
            n_left: vm.set_len(fs),
            until,
            waiter,
            timeout_handle,
        },
    );
    let callback = plain::bound(vm, on_completion, waiting);
    frame.set(vm, WAITING, waiting);
    frame.set(vm, CALLBACK, callback);
    for future in items(vm, fs) {
        plain::add_done_callback(vm, future, callback)?;
    }
    Ok(waiter)
}

fn until(vm: &mut Vm, return_when: Value) -> PyResult<Until> {
    for (name, until) in [
        ("FIRST_COMPLETED", Until::First),
        ("FIRST_EXCEPTION", Until::FirstException),
    ] {
        let name = vm.heap.intern(name);
        if vm.eq(return_when, name)? {
            return Ok(until);
        }
    }
    Ok(Until::All)
}

fn waiting(vm: &mut Vm, this: Value) -> &mut Waiting {
    match vm.heap.native_mut::<Waiting>(this) {
        Some(waiting) => waiting,
        None => unreachable!("a method is called with an instance of its class"),
    }
}

/// One of the futures is done.
fn on_completion(vm: &mut Vm, args: &[Value]) -> PyResult {
    let (this, future) = (args[0], args[1]);
    let w = waiting(vm, this);
    w.n_left = w.n_left.saturating_sub(1);
    let (n_left, until) = (w.n_left, w.until);
    let is_over = n_left == 0
        || until == Until::First
        || until == Until::FirstException && plain::failure(vm, future)?.is_some();
    if is_over {
        let w = waiting(vm, this);
        let (waiter, timeout_handle) = (w.waiter, w.timeout_handle);
        if let Some(handle) = timeout_handle.some() {
            plain::cancel_handle(vm, handle)?;
        }
        plain::finish(vm, waiter, Value::NONE)?;
    }
    Ok(Value::NONE)
}

/// The wait is over, or broken off.
fn end(vm: &mut Vm, fs: Value, frame: StepFrame) -> PyResult<()> {
    let [this, callback] = [WAITING, CALLBACK].map(|at| frame.get(vm, at));
    if let Some(handle) = waiting(vm, this).timeout_handle.some() {
        plain::cancel_handle(vm, handle)?;
    }
    for future in items(vm, fs) {
        plain::remove_done_callback(vm, future, callback)?;
    }
    Ok(())
}

/// Those that are done, and those that are not.
fn sorted_out(vm: &mut Vm, fs: Value) -> PyResult {
    let sets = [vm.heap.set(), vm.heap.set()];
    let [done, pending] = sets.map(|set| vm.root(set));
    for future in items(vm, fs) {
        let is_done = plain::is_done(vm, future)?;
        vm.set_add(if is_done { done } else { pending }, future)?;
    }
    Ok(vm.heap.tuple(&[done, pending]))
}
