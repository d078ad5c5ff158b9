//! The futures of the tasks that wait for a primitive, in the order they came,
//! and the loop that the primitive belongs to. Which of them is woken, and when
//! it leaves, is each primitive's own policy; the queue only holds, finds and
//! wakes.

use std::collections::VecDeque;

use lockstep_runtime::object::future::{Future, State};
use lockstep_runtime::planted::{self, Bug};
use lockstep_runtime::{Kind, Marker, PyResult, Value, Vm};

/// The queue, a part of its primitive.
pub struct WaitQueue {
    futures: VecDeque<Value>,
}

impl WaitQueue {
    pub const fn new() -> WaitQueue {
        WaitQueue {
            futures: VecDeque::new(),
        }
    }

    pub fn trace(&self, marker: &mut Marker) {
        for &future in &self.futures {
            marker.mark(future);
        }
    }

    pub fn external_bytes(&self) -> usize {
        self.futures.capacity() * size_of::<Value>()
    }
}

/// Where a wait queue is: in which object, and which of its queues.
#[derive(Clone, Copy)]
pub struct Waiters {
    pub owner: Value,
    pub queue: fn(&mut Vm, Value) -> &mut WaitQueue,
}

impl Waiters {
    fn futures(self, vm: &mut Vm) -> &mut VecDeque<Value> {
        &mut (self.queue)(vm, self.owner).futures
    }

    pub fn len(self, vm: &mut Vm) -> usize {
        self.futures(vm).len()
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
        let futures = self.futures(vm);
        let before = futures.capacity();
        futures.push_back(future);
        let grown = futures.capacity() - before;
        vm.heap.charge(grown * size_of::<Value>());
        Ok(future)
    }

    /// Takes a future out of the queue, if it is there.
    pub fn leave(self, vm: &mut Vm, future: Value) {
        let futures = self.futures(vm);
        // The one that leaves is nearly always the first.
        if futures.front() == Some(&future) {
            futures.pop_front();
        } else if let Some(at) = futures.iter().position(|&other| other == future) {
            futures.remove(at);
        }
    }

    /// Finishes the first future unless it is done: then its task is on its way.
    ///
    /// # Errors
    /// RuntimeError when its loop is closed.
    pub fn wake_head(self, vm: &mut Vm, result: Value) -> PyResult<()> {
        match self.futures(vm).front().copied() {
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
            && let Some(&future) = self.futures(vm).get(at)
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
        while let Some(future) = self.futures(vm).pop_front() {
            if is_pending(vm, future) {
                return finish(vm, future, result);
            }
        }
        Ok(())
    }

    /// Whether any future of the queue was not cancelled.
    pub fn someone_waits(self, vm: &mut Vm) -> bool {
        let mut at = 0;
        while let Some(&future) = self.futures(vm).get(at) {
            if state(vm, future) != Some(State::Cancelled) {
                return true;
            }
            at += 1;
        }
        false
    }

    /// The futures as a script's list, or None when there are none.
    pub fn shown(self, vm: &mut Vm) -> Value {
        let futures: Vec<Value> = self.futures(vm).iter().copied().collect();
        match futures.is_empty() {
            true => Value::NONE,
            false => vm.heap.list(futures),
        }
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
