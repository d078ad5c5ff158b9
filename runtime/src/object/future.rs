//! Futures and tasks: what a coroutine chain waits for. A task is a future
//! that drives a coroutine. Only storage: what happens to them is in `task`.

use smallvec::SmallVec;

use crate::heap::{Heap, Kind, Marker, Object, ShapeId};
use crate::object::generator::{Flavor, Generator};
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

/// What a task has besides its future: the values in its cell's tail.
#[derive(Clone, Copy)]
pub enum TaskSlot {
    /// The coroutine it drives; `Value::NONE` where there is none.
    Coro,
    /// A str; an int stands for "Task-" and the number, made when asked for.
    Name,
    /// Its context variables (see `task::context`): a snapshot, or a Context
    /// once a script has asked for it.
    Context,
    /// The future it waits for; `Value::NONE` when it is ready or running.
    WaitingOn,
}

const N_TASK_SLOTS: usize = TaskSlot::WaitingOn as usize + 1;

/// A future, or the part of a task that is one.
pub struct Future {
    pub state: State,
    /// The task that waits for it does so through `await` (`_asyncio_future_blocking`).
    pub blocking: bool,
    /// Its exception was never looked at.
    pub log_traceback: bool,
    /// Of `flag`: one byte, as all of these lie in each parked task twice.
    flags: u8,
    /// (of a task) How often `cancel` was called, less `uncancel`.
    pub cancel_requests: u32,
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
}

mod flag {
    pub const TIMED: u8 = 1;
    pub const TASK: u8 = 2;
    pub const MUST_CANCEL: u8 = 4;
    pub const LOG_DESTROY_PENDING: u8 = 8;
}

impl Future {
    /// A pending future of a loop.
    pub fn new(event_loop: Value) -> Future {
        Future {
            state: State::Pending,
            blocking: false,
            log_traceback: false,
            flags: 0,
            cancel_requests: 0,
            value: Value::NONE,
            event_loop,
            callbacks: SmallVec::new(),
            cancel_message: Value::NONE,
            cancelled_exception: Value::EMPTY,
        }
    }

    #[inline(always)]
    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    #[inline(always)]
    fn put(&mut self, flag: u8, on: bool) {
        self.flags = if on {
            self.flags | flag
        } else {
            self.flags & !flag
        };
    }

    /// A timer of the loop will finish it (`asyncio.sleep`).
    #[inline(always)]
    pub fn is_timed(&self) -> bool {
        self.has(flag::TIMED)
    }

    pub fn set_timed(&mut self, on: bool) {
        self.put(flag::TIMED, on);
    }

    /// A task that was given its coroutine.
    #[inline(always)]
    pub fn is_task(&self) -> bool {
        self.has(flag::TASK)
    }

    /// (of a task) CancelledError is raised at its next step.
    #[inline(always)]
    pub fn must_cancel(&self) -> bool {
        self.has(flag::MUST_CANCEL)
    }

    pub fn set_must_cancel(&mut self, on: bool) {
        self.put(flag::MUST_CANCEL, on);
    }

    /// (of a task) The exception handler is told when it goes while pending.
    pub fn log_destroy_pending(&self) -> bool {
        self.has(flag::LOG_DESTROY_PENDING)
    }

    pub fn set_log_destroy_pending(&mut self, on: bool) {
        self.put(flag::LOG_DESTROY_PENDING, on);
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
    }
    fn external_bytes(&self) -> usize {
        if self.callbacks.spilled() {
            self.callbacks.capacity() * size_of::<Callback>()
        } else {
            0
        }
    }
}

impl Heap {
    /// A new cell for a task, pending and without its coroutine.
    #[inline]
    pub fn task(&mut self, shape: ShapeId, future: Future) -> Value {
        self.alloc_tail(shape, future, N_TASK_SLOTS, Value::NONE)
    }

    /// Makes a task of a cell made by `task`: one that was done begins anew.
    ///
    /// # Panics
    /// If it isn't such a cell.
    pub fn begin_task(&mut self, task: Value, coro: Value, name: Value, context: Value) {
        self.tail_mut::<Future>(task)
            .copy_from_slice(&[coro, name, context, Value::NONE]);
        let f = self.cell_mut::<Future>(task);
        f.flags |= flag::TASK | flag::LOG_DESTROY_PENDING;
        if let Some(g) = self.get_mut_unnoted::<Generator>(coro)
            && g.flavor == Flavor::Coroutine
        {
            g.hooked = true;
        }
    }

    /// One of a task's values; None for what is no task.
    #[inline(always)]
    pub fn task_slot(&self, task: Value, slot: TaskSlot) -> Value {
        let slots = self.tail::<Future>(task);
        slots.get(slot as usize).copied().unwrap_or(Value::NONE)
    }

    /// Changes one of a task's values.
    ///
    /// # Panics
    /// If it is no task.
    #[inline(always)]
    pub fn set_task_slot(&mut self, task: Value, slot: TaskSlot, value: Value) {
        self.tail_mut::<Future>(task)[slot as usize] = value;
    }
}
