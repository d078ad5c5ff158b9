//! The iterator of `asyncio.as_completed`, plain or async: things in the order
//! in which they are done.

use lockstep_runtime::native::{
    AtOnce, ClassDef, CoroutineBody, Step, StepFrame, coroutine, getter, method, static_method,
};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::object::set::Set;
use lockstep_runtime::{B, Input, Marker, PyResult, Value, Vm};

use super::plain;
use crate::sync::queue;

/// The iterator.
struct AsCompleted {
    /// A Queue of those that are done; of a None for each that is not when the
    /// time is up.
    done: Value,
    /// The set of those that are not.
    todo: Value,
    /// How many were not yet asked for.
    n_left: usize,
    /// None where there is no limit.
    timeout_handle: Value,
    /// Its `_handle_completion`, bound.
    callback: Value,
}

impl Native for AsCompleted {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.done, self.todo, self.timeout_handle, self.callback]);
    }
}

/// Methods of the class of one VM.
struct Classes {
    handle_completion: Value,
    handle_timeout: Value,
    wait_for_one: Value,
}

impl Default for Classes {
    fn default() -> Classes {
        Classes {
            handle_completion: Value::NONE,
            handle_timeout: Value::NONE,
            wait_for_one: Value::NONE,
        }
    }
}

impl Native for Classes {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[
            self.handle_completion,
            self.handle_timeout,
            self.wait_for_one,
        ]);
    }
}

/// Notes the methods of the class, which was just made.
pub fn note_class(vm: &mut Vm, class: Value) {
    *vm.ext::<Classes>() = Classes {
        handle_completion: plain::method_of(vm, class, "_handle_completion"),
        handle_timeout: plain::method_of(vm, class, "_handle_timeout"),
        wait_for_one: plain::method_of(vm, class, "_wait_for_one"),
    };
}

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", |vm, args| {
            let (done, todo) = (queue::new_plain(vm), vm.heap.set());
            let shape = vm.root_shape(args[0]);
            Ok(vm.heap.opaque(
                shape,
                AsCompleted {
                    done,
                    todo,
                    n_left: 0,
                    timeout_handle: Value::NONE,
                    callback: Value::NONE,
                },
            ))
        }),
        method("__init__(self, aws, timeout)", init),
        method("__aiter__(self)", |_, args| Ok(args[0])),
        method("__iter__(self)", |_, args| Ok(args[0])),
        method("__next__(self)", |vm, args| {
            if !count_one(vm, args[0]) {
                return Err(vm.stop_iteration(Value::NONE));
            }
            let wait_for_one = vm.ext::<Classes>().wait_for_one;
            vm.call(wait_for_one, &[args[0], Value::TRUE])
        }),
        method("_handle_timeout(self)", handle_timeout),
        method("_handle_completion(self, f)", handle_completion),
        coroutine("__anext__(self)", ANEXT),
        coroutine("_wait_for_one(self, resolve=False)", WAIT_FOR_ONE),
    ],
    attributes: &[
        getter("_done", |vm, this| Ok(iterator(vm, this).done)),
        getter("_todo", |vm, this| Ok(iterator(vm, this).todo)),
        getter("_todo_left", |vm, this| {
            let n_left = iterator(vm, this).n_left;
            Ok(vm.heap.usize(n_left))
        }),
        getter("_timeout_handle", |vm, this| {
            Ok(iterator(vm, this).timeout_handle)
        }),
    ],
    doc: "",
};

const ANEXT: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step: anext_step,
    at_once: Some(|vm, args| {
        let this = args[0];
        check(vm, this, "__anext__")?;
        let (n_left, done) = (iterator(vm, this).n_left, iterator(vm, this).done);
        if n_left == 0 {
            return Err(vm.raise(B::StopAsyncIteration, ""));
        }
        let Some(future) = queue::take(vm, done)? else {
            return Ok(AtOnce::Suspends);
        };
        count_one(vm, this);
        given(vm, future, false).map(AtOnce::Done)
    }),
};

const WAIT_FOR_ONE: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step: wait_for_one_step,
    at_once: None,
};

fn iterator(vm: &mut Vm, this: Value) -> &mut AsCompleted {
    match vm.heap.native_mut::<AsCompleted>(this) {
        Some(iterator) => iterator,
        None => unreachable!("a method is called with an instance of its class"),
    }
}

/// Checks the receiver of a coroutine, which the call has not done.
fn check(vm: &mut Vm, this: Value, method: &str) -> PyResult<()> {
    if vm.heap.native::<AsCompleted>(this).is_some() {
        return Ok(());
    }
    let found = vm.type_name(this);
    Err(vm.type_error(format!(
        "descriptor '{method}' doesn't apply to a '{found}' object"
    )))
}

fn items(vm: &Vm, set: Value) -> Vec<Value> {
    let table = &vm.heap.cell::<Set>(set).table;
    table.iter().map(|(_, item)| item).collect()
}

fn init(vm: &mut Vm, args: &[Value]) -> PyResult {
    let (this, timeout) = (args[0], args[2]);
    let event_loop = super::functions::get_event_loop(vm, &[])?;
    let event_loop = vm.root(event_loop);
    let set = vm.class(B::Set);
    let given = vm.call(set, &[args[1]])?;
    let given = vm.root(given);
    let todo = vm.heap.set();
    let todo = vm.root(todo);
    for awaitable in items(vm, given) {
        let future = plain::ensure_future(vm, awaitable, event_loop)?;
        vm.holding(&[future], |vm| vm.set_add(todo, future))?;
    }
    let &mut Classes {
        handle_completion,
        handle_timeout,
        ..
    } = vm.ext();
    let callback = plain::bound(vm, handle_completion, this);
    iterator(vm, this).callback = callback;
    let futures = items(vm, todo);
    for &future in &futures {
        plain::add_done_callback(vm, future, callback)?;
    }
    if !futures.is_empty() && !timeout.is_none() {
        let on_timeout = plain::bound(vm, handle_timeout, this);
        vm.root(on_timeout);
        let handle = vm.call_method(event_loop, "call_later", &[timeout, on_timeout])?;
        iterator(vm, this).timeout_handle = handle;
    }
    let iterator = iterator(vm, this);
    iterator.todo = todo;
    iterator.n_left = futures.len();
    Ok(Value::NONE)
}

/// Counts one that is asked for; false when all were.
fn count_one(vm: &mut Vm, this: Value) -> bool {
    let iterator = iterator(vm, this);
    match iterator.n_left.checked_sub(1) {
        Some(n) => {
            iterator.n_left = n;
            true
        }
        None => false,
    }
}

/// The time is up: everybody who waits for one is told.
fn handle_timeout(vm: &mut Vm, args: &[Value]) -> PyResult {
    let it = iterator(vm, args[0]);
    let (done, todo, callback) = (it.done, it.todo, it.callback);
    for future in items(vm, todo) {
        plain::remove_done_callback(vm, future, callback)?;
        queue::put(vm, done, Value::NONE)?;
    }
    vm.heap.cell_mut::<Set>(todo).table.clear();
    Ok(Value::NONE)
}

fn handle_completion(vm: &mut Vm, args: &[Value]) -> PyResult {
    let it = iterator(vm, args[0]);
    let (done, todo, timeout_handle) = (it.done, it.todo, it.timeout_handle);
    if vm.set_len(todo) == 0 {
        // The timeout was first.
        return Ok(Value::NONE);
    }
    if !vm.set_discard(todo, args[1])? {
        return Err(vm.key_error(args[1]));
    }
    queue::put(vm, done, args[1])?;
    if vm.set_len(todo) == 0
        && let Some(handle) = timeout_handle.some()
    {
        plain::cancel_handle(vm, handle)?;
    }
    Ok(Value::NONE)
}

/// What `_wait_for_one` gives for what came out of the queue.
fn given(vm: &mut Vm, future: Value, resolve: bool) -> PyResult {
    if future.is_none() {
        return Err(vm.raise(B::TimeoutError, ""));
    }
    if !resolve {
        return Ok(future);
    }
    if plain::is_plain(vm, future) {
        return vm.future_result(future);
    }
    vm.call_method(future, "result", &[])
}

/// Registers: 0 the iterator, 1 what was awaited, 2 the future waited for.
fn anext_step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let this = frame.get(vm, 0);
    if matches!(input, Input::Send(v) if v.is_empty()) {
        check(vm, this, "__anext__")?;
        if !count_one(vm, this) {
            return Err(vm.raise(B::StopAsyncIteration, ""));
        }
    }
    let done = iterator(vm, this).done;
    match queue::get_in(vm, done, frame, input, 2)? {
        Step::Return(future) => given(vm, future, false).map(Step::Return),
        step => Ok(step),
    }
}

/// Registers: 0 the iterator, 1 whether to give the result, 2 what was awaited,
/// 3 the future waited for.
fn wait_for_one_step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let [this, resolve] = [0, 1].map(|at| frame.get(vm, at));
    if matches!(input, Input::Send(v) if v.is_empty()) {
        check(vm, this, "_wait_for_one")?;
    }
    let done = iterator(vm, this).done;
    match queue::get_in(vm, done, frame, input, 3)? {
        Step::Return(future) => {
            let resolve = vm.truth(resolve.given().unwrap_or(Value::FALSE))?;
            given(vm, future, resolve).map(Step::Return)
        }
        step => Ok(step),
    }
}
