//! `_asyncio.WaitQueue`: the futures of the tasks that wait for a primitive, in
//! the order they came. Which of them is woken, and when it leaves, is each
//! primitive's own policy; the queue only holds, finds and wakes.

use std::collections::VecDeque;

use lockstep_runtime::native::{ClassDef, method, static_method};
use lockstep_runtime::object::future::{Future, State};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{Kind, Marker, PyResult, Value, Vm};

/// The queue.
#[derive(Default)]
struct WaitQueue {
    futures: VecDeque<Value>,
}

impl Native for WaitQueue {
    fn trace(&self, marker: &mut Marker) {
        for &future in &self.futures {
            marker.mark(future);
        }
    }
    fn external_bytes(&self) -> usize {
        self.futures.capacity() * size_of::<Value>()
    }
}

/// The class.
pub static WAIT_QUEUE: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /)", |vm, args| {
            let shape = vm.root_shape(args[0]);
            Ok(vm.heap.opaque(shape, WaitQueue::default()))
        }),
        method("join(self, owner, /)", join),
        method("leave(self, future, /)", leave),
        method("wake_head(self, result, /)", wake_head),
        method("wake(self, n, result, /)", wake),
        method("wake_all(self, result, /)", wake_all),
        method("release_next(self, result, /)", release_next),
        method("someone_waits(self, /)", someone_waits),
        method("__len__(self, /)", |vm, args| {
            Ok(Value::small(queue(vm, args[0]).len() as i64))
        }),
        method("__iter__(self, /)", |vm, args| {
            let items = queue(vm, args[0]).iter().copied().collect();
            let list = vm.heap.list(items);
            vm.iter(list)
        }),
    ],
    attributes: &[],
    doc: "",
};

fn queue(vm: &mut Vm, this: Value) -> &mut VecDeque<Value> {
    match vm.heap.native_mut::<WaitQueue>(this) {
        Some(queue) => &mut queue.futures,
        None => unreachable!("a method of WaitQueue is called with one"),
    }
}

fn state(vm: &Vm, future: Value) -> State {
    vm.heap.cell::<Future>(future).state
}

/// A new future at the end of the queue. `owner` is the primitive: it belongs
/// to the loop in which a task first waited for it.
fn join(vm: &mut Vm, args: &[Value]) -> PyResult {
    let (this, owner) = (args[0], args[1]);
    let running = vm.tasks.running_loop;
    let name = vm.heap.intern("_loop");
    let bound = vm.get_attr(owner, name)?;
    if bound.is_none() {
        vm.set_attr(owner, name, running)?;
    } else if bound != running {
        let shown = vm.repr_string(owner)?;
        return Err(vm.runtime_error(format!("{shown} is bound to a different event loop")));
    }
    let future = if vm.heap.kind(running) == Some(Kind::EventLoop) {
        vm.new_future(running)
    } else {
        vm.call_method(running, "create_future", &[])?
    };
    let before = queue(vm, this).capacity();
    queue(vm, this).push_back(future);
    let grown = queue(vm, this).capacity() - before;
    vm.heap.charge(grown * size_of::<Value>());
    Ok(future)
}

/// Takes a future out of the queue; false when it is not there.
fn leave(vm: &mut Vm, args: &[Value]) -> PyResult {
    let queue = queue(vm, args[0]);
    // The one that leaves is nearly always the first.
    if queue.front() == Some(&args[1]) {
        queue.pop_front();
        return Ok(Value::TRUE);
    }
    match queue.iter().position(|&future| future == args[1]) {
        Some(at) => {
            queue.remove(at);
            Ok(Value::TRUE)
        }
        None => Ok(Value::FALSE),
    }
}

/// Finishes the first future unless it is done: then its task is on its way.
fn wake_head(vm: &mut Vm, args: &[Value]) -> PyResult {
    if let Some(&first) = queue(vm, args[0]).front()
        && state(vm, first) == State::Pending
    {
        vm.finish_future(first, args[1])?;
    }
    Ok(Value::NONE)
}

/// Finishes the first `n` futures that are not done; gives how many there were.
fn wake(vm: &mut Vm, args: &[Value]) -> PyResult {
    let wanted = vm.heap.as_i64(args[1]).unwrap_or(i64::MAX);
    wake_up_to(vm, args[0], wanted, args[2])
}

fn wake_all(vm: &mut Vm, args: &[Value]) -> PyResult {
    wake_up_to(vm, args[0], i64::MAX, args[1])
}

fn wake_up_to(vm: &mut Vm, this: Value, n: i64, result: Value) -> PyResult {
    let mut woken = 0;
    let mut at = 0;
    while woken < n
        && let Some(&future) = queue(vm, this).get(at)
    {
        at += 1;
        if state(vm, future) == State::Pending {
            woken += 1;
            vm.finish_future(future, result)?;
        }
    }
    Ok(Value::small(woken))
}

/// Takes futures out from the front until one was not done, and finishes that.
fn release_next(vm: &mut Vm, args: &[Value]) -> PyResult {
    while let Some(future) = queue(vm, args[0]).pop_front() {
        if state(vm, future) == State::Pending {
            vm.finish_future(future, args[1])?;
            break;
        }
    }
    Ok(Value::NONE)
}

/// Whether any future of the queue was not cancelled.
fn someone_waits(vm: &mut Vm, args: &[Value]) -> PyResult {
    let mut at = 0;
    while let Some(&future) = queue(vm, args[0]).get(at) {
        if state(vm, future) != State::Cancelled {
            return Ok(Value::TRUE);
        }
        at += 1;
    }
    Ok(Value::FALSE)
}
