//! Futures and tasks: what a coroutine chain waits for. A task is a future
//! that drives a coroutine. Only storage: what happens to them is in `task`.

use smallvec::SmallVec;

use crate::heap::{Kind, Marker, Object};
use crate::value::Value;

/// Where a future stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Pending,
    /// Done with a result.
    Finished,
    /// Done with an exception.
    Failed,
    Cancelled,
}

/// Something to do when a future is done.
#[derive(Clone, Copy)]
pub struct Callback {
    /// A callable, or the task to wake.
    pub target: Value,
    /// The context to run it in; `Value::EMPTY` for a task, which has its own.
    pub context: Value,
}

/// What a task has besides its future.
pub struct TaskPart {
    /// The coroutine it drives; `Value::NONE` where there is none.
    pub coro: Value,
    /// A str; an int stands for "Task-" and the number, made when asked for.
    pub name: Value,
    /// Its context variables (see `task::context`): a snapshot, or a Context
    /// once a script has asked for it.
    pub context: Value,
    /// The future it waits for; `Value::NONE` when it is ready or running.
    pub waiting_on: Value,
    pub cancel_requests: u32,
    pub must_cancel: bool,
    pub log_destroy_pending: bool,
}

/// A future; with a `task`, a task.
pub struct Future {
    pub state: State,
    /// The task that waits for it does so through `await` (`_asyncio_future_blocking`).
    pub blocking: bool,
    /// Its exception was never looked at.
    pub log_traceback: bool,
    /// A timer of the loop will finish it (`asyncio.sleep`).
    pub timed: bool,
    /// The result or exception; `Value::NONE` while pending.
    pub value: Value,
    /// The loop it belongs to; `Value::EMPTY` before `__init__`.
    pub event_loop: Value,
    pub callbacks: SmallVec<[Callback; 1]>,
    pub cancel_message: Value,
    /// The CancelledError to raise next, `Value::EMPTY` if it must be made. Of a
    /// failed future, how many frames of its exception's traceback the next
    /// raise keeps.
    pub cancelled_exception: Value,
    pub task: Option<Box<TaskPart>>,
}

impl Future {
    /// A pending future of a loop.
    pub fn new(event_loop: Value) -> Future {
        Future {
            state: State::Pending,
            blocking: false,
            log_traceback: false,
            timed: false,
            value: Value::NONE,
            event_loop,
            callbacks: SmallVec::new(),
            cancel_message: Value::NONE,
            cancelled_exception: Value::EMPTY,
            task: None,
        }
    }

    #[inline(always)]
    pub fn is_done(&self) -> bool {
        self.state != State::Pending
    }
}

impl Object for Future {
    const KIND: Kind = Kind::Future;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[
            self.value,
            self.event_loop,
            self.cancel_message,
            self.cancelled_exception,
        ]);
        for callback in &self.callbacks {
            marker.mark_all(&[callback.target, callback.context]);
        }
        if let Some(task) = &self.task {
            marker.mark_all(&[task.coro, task.name, task.context, task.waiting_on]);
        }
    }
    fn external_bytes(&self) -> usize {
        let spilled = if self.callbacks.spilled() {
            self.callbacks.capacity() * size_of::<Callback>()
        } else {
            0
        };
        spilled + self.task.as_ref().map_or(0, |_| size_of::<TaskPart>())
    }
}
