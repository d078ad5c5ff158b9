//! The futures of the tasks that wait for a primitive, in the order they came,
//! and the loop that the primitive belongs to: the one in which a task first
//! had to wait. Which of them is woken, and when it leaves, is each primitive's
//! own policy; the queue only holds, finds and wakes.

use std::collections::VecDeque;

use lockstep_runtime::native::{GetSetDef, attribute};
use lockstep_runtime::object::future::{Future, State};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::planted::{self, Bug};
use lockstep_runtime::{Kind, Marker, PyResult, Value, Vm};

use super::object;
use crate::deque;

/// The queue, a part of its primitive.
pub struct WaitQueue {
    /// The loop it is bound to; None before anybody waited.
    pub event_loop: Value,
    futures: VecDeque<Value>,
    /// Once a script has asked for the queue, the deque that it was given,
    /// which holds the futures from then on; else `Value::EMPTY`.
    shown: Value,
}

impl WaitQueue {
    pub const fn new() -> WaitQueue {
        WaitQueue {
            event_loop: Value::NONE,
            futures: VecDeque::new(),
            shown: Value::EMPTY,
        }
    }

    pub fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.event_loop, self.shown]);
        for &future in &self.futures {
            marker.mark(future);
        }
    }

    pub fn external_bytes(&self) -> usize {
        self.futures.capacity() * size_of::<Value>()
    }
}

/// A primitive with one wait queue.
pub trait Waited: Native {
    fn waiters(&mut self) -> &mut WaitQueue;
}

/// The attribute `_loop`.
pub const fn loop_row<T: Waited>() -> GetSetDef {
    attribute(
        "_loop",
        |vm, this| Ok(object::<T>(vm, this).waiters().event_loop),
        |vm, this, value| {
            object::<T>(vm, this).waiters().event_loop = value.given().unwrap_or(Value::NONE);
            Ok(())
        },
    )
}

/// The attribute `_waiters`: a deque that is the queue itself.
pub const fn waiters_row<T: Waited>() -> GetSetDef {
    attribute(
        "_waiters",
        |vm, this| Ok(Waiters::of::<T>(this).shown(vm)),
        |vm, this, value| Waiters::of::<T>(this).replace(vm, value),
    )
}

/// As `waiters_row`, of a primitive that has no queue before anybody waited.
pub const fn late_waiters_row<T: Waited>() -> GetSetDef {
    attribute(
        "_waiters",
        |vm, this| {
            let queue = object::<T>(vm, this).waiters();
            if queue.shown.is_empty() && queue.futures.capacity() == 0 {
                return Ok(Value::NONE);
            }
            Ok(Waiters::of::<T>(this).shown(vm))
        },
        |vm, this, value| Waiters::of::<T>(this).replace(vm, value),
    )
}

/// Where a wait queue is: in which object, and which of its queues.
#[derive(Clone, Copy)]
pub struct Waiters {
    pub owner: Value,
    pub queue: fn(&mut Vm, Value) -> &mut WaitQueue,
}

impl Waiters {
    pub fn of<T: Waited>(this: Value) -> Waiters {
        Waiters {
            owner: this,
            queue: |vm, this| object::<T>(vm, this).waiters(),
        }
    }

    fn read<T>(self, vm: &mut Vm, body: impl FnOnce(&VecDeque<Value>) -> T) -> T {
        let queue = (self.queue)(vm, self.owner);
        if queue.shown.is_empty() {
            return body(&queue.futures);
        }
        let shown = queue.shown;
        body(deque::items(vm, shown))
    }

    fn change<T>(self, vm: &mut Vm, body: impl FnOnce(&mut VecDeque<Value>) -> T) -> T {
        let queue = (self.queue)(vm, self.owner);
        if queue.shown.is_empty() {
            return body(&mut queue.futures);
        }
        let shown = queue.shown;
        deque::change(vm, shown, body)
    }

    fn get(self, vm: &mut Vm, at: usize) -> Option<Value> {
        self.read(vm, |futures| futures.get(at).copied())
    }

    pub fn len(self, vm: &mut Vm) -> usize {
        self.read(vm, VecDeque::len)
    }

    /// Binds the queue to the running loop, or checks that it is the one it is
    /// bound to; gives that loop.
    ///
    /// # Errors
    /// RuntimeError: it is bound to another loop.
    pub fn bind_loop(self, vm: &mut Vm) -> PyResult {
        let running = vm.tasks.running_loop;
        let bound = &mut (self.queue)(vm, self.owner).event_loop;
        if bound.is_none() {
            *bound = running;
        } else if *bound != running {
            let shown = vm.repr_string(self.owner)?;
            return Err(vm.runtime_error(format!("{shown} is bound to a different event loop")));
        }
        Ok(running)
    }

    /// A new future of loop `event_loop` at the end of the queue.
    ///
    /// # Errors
    /// What a loop class of the script raises.
    pub fn join(self, vm: &mut Vm, event_loop: Value) -> PyResult {
        let future = if vm.heap.kind(event_loop) == Some(Kind::EventLoop) {
            vm.new_future(event_loop)
        } else {
            vm.call_method(event_loop, "create_future", &[])?
        };
        let grown = self.change(vm, |futures| {
            let before = futures.capacity();
            futures.push_back(future);
            futures.capacity() - before
        });
        vm.heap.charge(grown * size_of::<Value>());
        Ok(future)
    }

    /// Takes a future out of the queue, if it is there.
    pub fn leave(self, vm: &mut Vm, future: Value) {
        self.change(vm, |futures| {
            // The one that leaves is nearly always the first.
            if futures.front() == Some(&future) {
                futures.pop_front();
            } else if let Some(at) = futures.iter().position(|&other| other == future) {
                futures.remove(at);
            }
        });
    }

    /// Finishes the first future unless it is done: then its task is on its way.
    ///
    /// # Errors
    /// RuntimeError when its loop is closed.
    pub fn wake_head(self, vm: &mut Vm, result: Value) -> PyResult<()> {
        match self.get(vm, 0) {
            Some(first) if is_pending(vm, first) => finish(vm, first, result),
            _ => Ok(()),
        }
    }

    /// Finishes the first `n` futures that are not done; gives how many there were.
    ///
    /// # Errors
    /// RuntimeError when their loop is closed.
    pub fn wake(self, vm: &mut Vm, n: i64, result: Value) -> PyResult<i64> {
        let mut woken = 0;
        let mut at = 0;
        while woken < n
            && let Some(future) = self.get(vm, at)
        {
            at += 1;
            if is_pending(vm, future) {
                woken += 1;
                finish(vm, future, result)?;
            } else if planted::is(Bug::LostWakeup) {
                break;
            }
        }
        Ok(woken)
    }

    /// Takes futures out from the front until one was not done, and finishes that.
    ///
    /// # Errors
    /// RuntimeError when its loop is closed.
    pub fn release_next(self, vm: &mut Vm, result: Value) -> PyResult<()> {
        while let Some(future) = self.change(vm, VecDeque::pop_front) {
            if is_pending(vm, future) {
                return finish(vm, future, result);
            }
        }
        Ok(())
    }

    /// Whether any future of the queue was not cancelled.
    pub fn someone_waits(self, vm: &mut Vm) -> bool {
        let mut at = 0;
        while let Some(future) = self.get(vm, at) {
            if state(vm, future) != Some(State::Cancelled) {
                return true;
            }
            at += 1;
        }
        false
    }

    /// The queue as a script's deque: from now on they are the same.
    pub fn shown(self, vm: &mut Vm) -> Value {
        let queue = (self.queue)(vm, self.owner);
        if !queue.shown.is_empty() {
            return queue.shown;
        }
        let futures = std::mem::take(&mut queue.futures);
        let shown = deque::empty(vm);
        deque::change(vm, shown, |items| *items = futures);
        (self.queue)(vm, self.owner).shown = shown;
        shown
    }

    /// Puts a script's deque in the queue's place; None or nothing empties it.
    ///
    /// # Errors
    /// TypeError when it is another thing.
    fn replace(self, vm: &mut Vm, value: Value) -> PyResult<()> {
        let shown = value.some().unwrap_or(Value::EMPTY);
        if !shown.is_empty() && deque::len(vm, shown).is_none() {
            let found = vm.type_name(shown);
            return Err(vm.type_error(format!("a queue of waiters must be a deque, not {found}")));
        }
        let queue = (self.queue)(vm, self.owner);
        queue.futures = VecDeque::new();
        queue.shown = shown;
        Ok(())
    }
}

/// The state of a future; None for what a loop class of the script made.
pub fn state(vm: &Vm, future: Value) -> Option<State> {
    vm.heap.get::<Future>(future).map(|f| f.state)
}

fn is_pending(vm: &Vm, future: Value) -> bool {
    state(vm, future) == Some(State::Pending)
}

fn finish(vm: &mut Vm, future: Value, result: Value) -> PyResult<()> {
    vm.finish_future(future, result)
}
