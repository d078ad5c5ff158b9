//! Queue: first in, first out, between tasks. With a `maxsize` above 0, `put`
//! waits for room.
//!
//! Unlike the locks, a queue takes a future out when it wakes it. What the
//! woken task was woken for may be gone when it runs; then it waits again, at
//! the end.
//!
//! A subclass may replace where the items are kept (`_init`, `_put`, `_get`)
//! and any other method: for instances of other classes than Queue itself each
//! step asks the instance.

use lockstep_runtime::native::{
    AtOnce, ClassDef, CoroutineBody, Step, StepFrame, attribute, class_method, coroutine, getter,
    method, static_method,
};
use lockstep_runtime::object::future::State;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::{Input, Marker, PyResult, Raised, Value, Vm};

use super::wait_queue::{WaitQueue, Waited, Waiters, loop_row, state};
use super::{check, event, object};
use crate::deque;

/// The queue.
pub struct Queue {
    /// What a script gave: 0 and less is no limit.
    maxsize: Value,
    getters: WaitQueue,
    putters: WaitQueue,
    /// Items put in for which `task_done` was not called yet.
    n_unfinished: i64,
    /// An Event: set while nothing is unfinished.
    finished: Value,
    is_shut_down: bool,
    /// The container that `_init` made.
    items: Value,
}

impl Native for Queue {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.maxsize, self.finished, self.items]);
        self.getters.trace(marker);
        self.putters.trace(marker);
    }
    fn external_bytes(&self) -> usize {
        self.getters.external_bytes() + self.putters.external_bytes()
    }
}

impl Waited for Queue {
    fn waiters(&mut self) -> &mut WaitQueue {
        &mut self.getters
    }
}

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new),
        method("__init__(self, maxsize=0)", init),
        method("__repr__(self, /)", |vm, args| {
            let class = vm.type_name(args[0]);
            let address = vm.address(args[0]);
            let state = format(vm, args[0])?;
            Ok(vm.heap.str(format!("<{class} at {address:#x} {state}>")))
        }),
        method("__str__(self, /)", |vm, args| {
            let class = vm.type_name(args[0]);
            let state = format(vm, args[0])?;
            Ok(vm.heap.str(format!("<{class} {state}>")))
        }),
        method("_format(self)", |vm, args| {
            let state = format(vm, args[0])?;
            Ok(vm.heap.str(state))
        }),
        method("_init(self, maxsize)", |vm, args| {
            let items = deque::empty(vm);
            queue(vm, args[0]).items = items;
            Ok(Value::NONE)
        }),
        method("_put(self, item)", |vm, args| {
            let items = queue(vm, args[0]).items;
            vm.call_method(items, "append", &[args[1]])?;
            Ok(Value::NONE)
        }),
        method("_get(self)", |vm, args| {
            let items = queue(vm, args[0]).items;
            vm.call_method(items, "popleft", &[])
        }),
        method("qsize(self)", |vm, args| {
            let n = n_items(vm, args[0])?;
            Ok(vm.heap.usize(n))
        }),
        method("empty(self)", |vm, args| {
            let items = queue(vm, args[0]).items;
            Ok(Value::bool(!vm.truth(items)?))
        }),
        method("full(self)", |vm, args| {
            let plain = is_plain(vm, args[0]);
            Ok(Value::bool(has_no_room(vm, args[0], plain)?))
        }),
        method("put_nowait(self, item)", |vm, args| {
            let plain = is_plain(vm, args[0]);
            put_nowait(vm, args[0], args[1], plain)?;
            Ok(Value::NONE)
        }),
        method("get_nowait(self)", |vm, args| {
            let plain = is_plain(vm, args[0]);
            get_nowait(vm, args[0], plain)
        }),
        method("task_done(self)", task_done),
        method("shutdown(self, immediate=False)", shutdown),
        coroutine("put(self, item)", PUT),
        coroutine("get(self)", GET),
        coroutine("join(self)", JOIN),
        class_method("__class_getitem__(cls, item, /)", |vm, args| {
            crate::builtins::generic_alias::make(vm, args[0], args[1])
        }),
    ],
    attributes: &[
        getter("maxsize", |vm, this| Ok(queue(vm, this).maxsize)),
        attribute(
            "_maxsize",
            |vm, this| Ok(queue(vm, this).maxsize),
            |vm, this, value| {
                queue(vm, this).maxsize = value.given().unwrap_or(Value::small(0));
                Ok(())
            },
        ),
        attribute(
            "_queue",
            |vm, this| Ok(queue(vm, this).items),
            |vm, this, value| {
                queue(vm, this).items = value.given().unwrap_or(Value::NONE);
                Ok(())
            },
        ),
        getter("_getters", |vm, this| Ok(getters(this).shown(vm))),
        getter("_putters", |vm, this| Ok(putters(this).shown(vm))),
        attribute(
            "_unfinished_tasks",
            |vm, this| {
                let n = queue(vm, this).n_unfinished;
                Ok(vm.heap.int(n))
            },
            |vm, this, value| {
                let n = vm.index_i64(value.given().unwrap_or(Value::NONE))?;
                queue(vm, this).n_unfinished = n;
                Ok(())
            },
        ),
        getter("_finished", |vm, this| Ok(queue(vm, this).finished)),
        getter("_is_shutdown", |vm, this| {
            Ok(Value::bool(queue(vm, this).is_shut_down))
        }),
        loop_row::<Queue>(),
    ],
    doc: "First in, first out. With a `maxsize` above 0, put() waits for room.",
};

const PUT: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step: put_step,
    at_once: Some(|vm, args| {
        if !is_plain(vm, args[0]) || has_no_room(vm, args[0], true)? {
            return Ok(AtOnce::Suspends);
        }
        put_nowait(vm, args[0], args[1], true)?;
        Ok(AtOnce::Done(Value::NONE))
    }),
};

const GET: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step: get_step,
    at_once: Some(|vm, args| take(vm, args[0]).map(AtOnce::done)),
};

const JOIN: CoroutineBody = CoroutineBody {
    n_registers: 0,
    step: |vm, frame, input| match input {
        Input::Send(v) if v.is_empty() => {
            let this = frame.get(vm, 0);
            check::<Queue>(vm, this, "join")?;
            let queue = queue(vm, this);
            if queue.n_unfinished <= 0 {
                return Ok(Step::Return(Value::NONE));
            }
            let finished = queue.finished;
            vm.call_method(finished, "wait", &[]).map(Step::Await)
        }
        Input::Send(_) => Ok(Step::Return(Value::NONE)),
        Input::Throw(e) => Err(Raised(e)),
    },
    at_once: None,
};

fn queue(vm: &mut Vm, this: Value) -> &mut Queue {
    object(vm, this)
}

fn getters(this: Value) -> Waiters {
    Waiters::of::<Queue>(this)
}

fn putters(this: Value) -> Waiters {
    Waiters {
        owner: this,
        queue: |vm, this| &mut queue(vm, this).putters,
    }
}

fn new(vm: &mut Vm, args: &[Value]) -> PyResult {
    Ok(new_with(vm, args[0], Value::NONE))
}

fn new_with(vm: &mut Vm, class: Value, items: Value) -> Value {
    let finished = event::new(vm, true);
    let shape = vm.root_shape(class);
    vm.heap.opaque(
        shape,
        Queue {
            maxsize: Value::small(0),
            getters: WaitQueue::new(),
            putters: WaitQueue::new(),
            n_unfinished: 0,
            finished,
            is_shut_down: false,
            items,
        },
    )
}

/// A queue of the class itself, without a limit.
pub fn new_plain(vm: &mut Vm) -> Value {
    let items = deque::empty(vm);
    let class = vm.ext::<super::Classes>().queue;
    new_with(vm, class, items)
}

/// `queue.put_nowait(item)`.
///
/// # Errors
/// QueueFull, QueueShutDown; RuntimeError when the loop of who waits is closed.
pub fn put(vm: &mut Vm, this: Value, item: Value) -> PyResult<()> {
    let plain = is_plain(vm, this);
    put_nowait(vm, this, item, plain)
}

/// The first item of a queue of the class itself, if there is one.
///
/// # Errors
/// RuntimeError when the loop of who waits for room is closed.
pub fn take(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    if !is_plain(vm, this) || n_items(vm, this)? == 0 {
        return Ok(None);
    }
    get_nowait(vm, this, true).map(Some)
}

fn init(vm: &mut Vm, args: &[Value]) -> PyResult {
    let maxsize = args[1].given().unwrap_or(Value::small(0));
    queue(vm, args[0]).maxsize = maxsize;
    vm.call_method(args[0], "_init", &[maxsize])?;
    Ok(Value::NONE)
}

/// Whether all methods and the container are this file's: what is `plain` below, asked once for
/// an operation, in which no script's code runs then.
fn is_plain(vm: &mut Vm, this: Value) -> bool {
    super::is_exactly(vm, this, |c| c.queue) && !vm.heap.has_attrs(this) && {
        let items = queue(vm, this).items;
        deque::len(vm, items).is_some()
    }
}

fn n_items(vm: &mut Vm, this: Value) -> PyResult<usize> {
    let items = queue(vm, this).items;
    match deque::len(vm, items) {
        Some(n) => Ok(n),
        None => vm.len(items),
    }
}

/// `full()` of the class itself.
fn has_no_room(vm: &mut Vm, this: Value, plain: bool) -> PyResult<bool> {
    let maxsize = queue(vm, this).maxsize;
    if let Some(limit) = maxsize.as_int()
        && plain
    {
        return Ok(limit > 0 && n_items(vm, this)? as i64 >= limit);
    }
    if vm.compare_bool(CompareOp::Le, maxsize, Value::small(0))? {
        return Ok(false);
    }
    let n = vm.call_method(this, "qsize", &[])?;
    vm.compare_bool(CompareOp::Ge, n, maxsize)
}

/// `full()` as the instance has it.
fn is_full(vm: &mut Vm, this: Value, plain: bool) -> PyResult<bool> {
    if plain {
        return has_no_room(vm, this, true);
    }
    let full = vm.call_method(this, "full", &[])?;
    vm.truth(full)
}

/// `empty()` as the instance has it.
fn is_empty(vm: &mut Vm, this: Value, plain: bool) -> PyResult<bool> {
    if plain {
        return Ok(n_items(vm, this)? == 0);
    }
    let empty = vm.call_method(this, "empty", &[])?;
    vm.truth(empty)
}

fn put_nowait(vm: &mut Vm, this: Value, item: Value, plain: bool) -> PyResult<()> {
    if queue(vm, this).is_shut_down {
        return Err(error(vm, |c| c.queue_shut_down));
    }
    if is_full(vm, this, plain)? {
        return Err(error(vm, |c| c.queue_full));
    }
    if plain {
        let items = queue(vm, this).items;
        deque::push_back(vm, items, item);
    } else {
        vm.call_method(this, "_put", &[item])?;
    }
    let q = queue(vm, this);
    q.n_unfinished += 1;
    let finished = q.finished;
    event::clear(vm, finished);
    getters(this).release_next(vm, Value::NONE)
}

fn get_nowait(vm: &mut Vm, this: Value, plain: bool) -> PyResult {
    if is_empty(vm, this, plain)? {
        return Err(match queue(vm, this).is_shut_down {
            true => error(vm, |c| c.queue_shut_down),
            false => error(vm, |c| c.queue_empty),
        });
    }
    let items = queue(vm, this).items;
    let item = match plain {
        true => deque::pop_front(vm, items).unwrap_or(Value::NONE),
        false => vm.call_method(this, "_get", &[])?,
    };
    putters(this).release_next(vm, Value::NONE)?;
    Ok(item)
}

fn error(vm: &mut Vm, which: fn(&super::Classes) -> Value) -> Raised {
    let class = which(vm.ext::<super::Classes>());
    match vm.call(class, &[]) {
        Ok(exception) => vm.raise_given(exception),
        Err(raised) => raised,
    }
}

/// Registers: 0 the queue, 1 the item, 2 what was awaited, 3 the future waited for.
fn put_step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let (this, item) = (frame.get(vm, 0), frame.get(vm, 1));
    match input {
        Input::Throw(e) => {
            let waiter = frame.get(vm, 3);
            broken_off(vm, putters(this), waiter, is_full)?;
            Err(Raised(e))
        }
        Input::Send(_) => {
            check::<Queue>(vm, this, "put")?;
            let plain = is_plain(vm, this);
            if is_full(vm, this, plain)? {
                return wait_in(vm, putters(this), frame, 3);
            }
            if plain {
                put_nowait(vm, this, item, true)?;
                return Ok(Step::Return(Value::NONE));
            }
            vm.call_method(this, "put_nowait", &[item])
                .map(Step::Return)
        }
    }
}

/// Registers: 0 the queue, 1 what was awaited, 2 the future waited for.
fn get_step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let this = frame.get(vm, 0);
    get_in(vm, this, frame, input, 2)
}

/// A step of `get` of queue `this`, in a frame that keeps the future waited
/// for in register `at`.
///
/// # Errors
/// QueueShutDown; what was thrown in.
pub fn get_in(
    vm: &mut Vm,
    this: Value,
    frame: StepFrame,
    input: Input,
    at: usize,
) -> PyResult<Step> {
    match input {
        Input::Throw(e) => {
            let waiter = frame.get(vm, at);
            broken_off(vm, getters(this), waiter, is_empty)?;
            Err(Raised(e))
        }
        Input::Send(_) => {
            check::<Queue>(vm, this, "get")?;
            let plain = is_plain(vm, this);
            if is_empty(vm, this, plain)? {
                return wait_in(vm, getters(this), frame, at);
            }
            if plain {
                return get_nowait(vm, this, true).map(Step::Return);
            }
            vm.call_method(this, "get_nowait", &[]).map(Step::Return)
        }
    }
}

/// Waits for a wake-up, the future in register `at`.
fn wait_in(vm: &mut Vm, waiters: Waiters, frame: StepFrame, at: usize) -> PyResult<Step> {
    let this = waiters.owner;
    if queue(vm, this).is_shut_down {
        return Err(error(vm, |c| c.queue_shut_down));
    }
    // Both queues belong to the loop that the getters' is bound to.
    let event_loop = getters(this).bind_loop(vm)?;
    let waiter = waiters.join(vm, event_loop)?;
    frame.set(vm, at, waiter);
    Ok(Step::Await(waiter))
}

/// The wait was broken off. Woken, yet about to leave: the wake-up goes to the
/// next one, if there is anything to wake for.
fn broken_off(
    vm: &mut Vm,
    waiters: Waiters,
    waiter: Value,
    still_blocked: fn(&mut Vm, Value, bool) -> PyResult<bool>,
) -> PyResult<()> {
    if state(vm, waiter).is_some() {
        vm.cancel_plain_future(waiter, Value::NONE)?;
    }
    waiters.leave(vm, waiter);
    let plain = is_plain(vm, waiters.owner);
    if !still_blocked(vm, waiters.owner, plain)? && state(vm, waiter) != Some(State::Cancelled) {
        waiters.release_next(vm, Value::NONE)?;
    }
    Ok(())
}

fn task_done(vm: &mut Vm, args: &[Value]) -> PyResult {
    let q = queue(vm, args[0]);
    if q.n_unfinished <= 0 {
        return Err(vm.value_error("task_done() called too many times"));
    }
    q.n_unfinished -= 1;
    if q.n_unfinished == 0 {
        let finished = q.finished;
        event::set(vm, finished)?;
    }
    Ok(Value::NONE)
}

/// From now on `put` raises QueueShutDown, and so does `get` once the queue is
/// empty, or at once when `immediate`.
fn shutdown(vm: &mut Vm, args: &[Value]) -> PyResult {
    let this = args[0];
    queue(vm, this).is_shut_down = true;
    if vm.truth(args[1].given().unwrap_or(Value::FALSE))? {
        loop {
            let plain = is_plain(vm, this);
            if is_empty(vm, this, plain)? {
                break;
            }
            vm.call_method(this, "_get", &[])?;
            let q = queue(vm, this);
            q.n_unfinished = (q.n_unfinished - 1).max(0);
        }
        let q = queue(vm, this);
        if q.n_unfinished == 0 {
            let finished = q.finished;
            event::set(vm, finished)?;
        }
    }
    // They look again and find that it is shut down.
    for waiters in [getters(this), putters(this)] {
        while waiters.len(vm) > 0 {
            waiters.release_next(vm, Value::NONE)?;
        }
    }
    Ok(Value::NONE)
}

fn format(vm: &mut Vm, this: Value) -> PyResult<String> {
    let q = queue(vm, this);
    let (maxsize, items, n_unfinished, is_shut_down) =
        (q.maxsize, q.items, q.n_unfinished, q.is_shut_down);
    let mut parts = vec![format!("maxsize={}", vm.repr_string(maxsize)?)];
    if vm.truth(items)? {
        let items = vm.collect_iterable(items)?;
        let list = vm.heap.list(items);
        vm.root(list);
        parts.push(format!("_queue={}", vm.repr_string(list)?));
    }
    for (name, waiters) in [("_getters", getters(this)), ("_putters", putters(this))] {
        match waiters.len(vm) {
            0 => {}
            n => parts.push(format!("{name}[{n}]")),
        }
    }
    if n_unfinished != 0 {
        parts.push(format!("tasks={n_unfinished}"));
    }
    if is_shut_down {
        parts.push(String::from("shutdown"));
    }
    Ok(parts.join(" "))
}
