//! Finishing futures: result, exception, callbacks.

use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::object::exception::Exception;
use crate::object::future::{Callback, Future, State, TaskSlot};
use crate::planted::{self, Bug};
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// An InvalidStateError.
    #[cold]
    pub fn invalid_state(&mut self, message: &str) -> Raised {
        let class = self.invalid_state_error;
        let message = self.heap.str(message);
        match self.call(class, &[message]) {
            Ok(exception) => self.raise_given(exception),
            Err(raised) => raised,
        }
    }

    /// `future.set_result(value)` of a future known to be pending.
    ///
    /// # Errors
    /// RuntimeError when its loop is closed and somebody waits.
    #[inline]
    pub fn finish_future(&mut self, future: Value, value: Value) -> PyResult<()> {
        let f = self.heap.cell_mut::<Future>(future);
        debug_assert_eq!(f.state, State::Pending);
        f.state = State::Finished;
        f.value = value;
        self.schedule_callbacks(future)
    }

    /// `future.set_exception(exception)` of a future known to be pending, with
    /// an exception object that is no StopIteration.
    ///
    /// # Errors
    /// As `finish_future`.
    pub fn fail_future(&mut self, future: Value, exception: Value) -> PyResult<()> {
        let n_frames = self.n_trace_entries(exception);
        let f = self.heap.cell_mut::<Future>(future);
        debug_assert_eq!(f.state, State::Pending);
        f.state = State::Failed;
        f.value = exception;
        f.cancelled_exception = Value::small(n_frames as i64);
        f.log_traceback = true;
        let event_loop = f.event_loop;
        self.note_failure(event_loop, future);
        self.schedule_callbacks(future)
    }

    /// The exception object that a future can hold for what a script gave to
    /// `set_exception`: an instance, or a class to call.
    ///
    /// # Errors
    /// TypeError when it is no exception; what the class raises.
    pub fn exception_for_future(&mut self, given: Value) -> PyResult {
        let mut exception = given;
        if self.heap.kind(given) == Some(Kind::Class)
            && self.is_subclass(given, self.class(B::BaseException))
        {
            exception = self.call(given, &[])?;
        }
        if !self.heap.is_exception(exception) {
            return Err(self.type_error("invalid exception object"));
        }
        // CPython 3.13 futures.py Future.set_exception: raised into the
        // coroutine that waits, it would end that coroutine's caller instead.
        if self.is_instance_of(exception, B::StopIteration) {
            let wrapped = self.runtime_error(
                "StopIteration interacts badly with generators and cannot be raised into a Future",
            );
            let e = self.heap.cell_mut::<Exception>(wrapped.0);
            e.cause = exception;
            e.context = exception;
            e.suppress_context = true;
            return Ok(wrapped.0);
        }
        Ok(exception)
    }

    /// Cancels a future as `Future.cancel` does, whatever its class; false when it is done.
    ///
    /// # Errors
    /// As `finish_future`.
    pub fn cancel_plain_future(&mut self, future: Value, message: Value) -> PyResult<bool> {
        let f = self.heap.cell_mut::<Future>(future);
        f.log_traceback = false;
        if f.is_done() {
            return Ok(false);
        }
        f.state = State::Cancelled;
        f.cancel_message = if planted::is(Bug::LostMessage) {
            Value::NONE
        } else {
            message
        };
        let (timed, event_loop) = (f.is_timed(), f.event_loop);
        if timed {
            self.timed_future_cancelled(event_loop);
        }
        self.schedule_callbacks(future)?;
        Ok(true)
    }

    /// Makes everything ready that waited for the future, in order.
    #[inline]
    fn schedule_callbacks(&mut self, future: Value) -> PyResult<()> {
        let f = self.heap.cell_mut::<Future>(future);
        if f.callbacks.is_empty() {
            return Ok(());
        }
        let event_loop = f.event_loop;
        if planted::is(Bug::WakeOrder) {
            f.callbacks.reverse();
        }
        for callback in std::mem::take(&mut f.callbacks) {
            self.schedule_callback(event_loop, future, callback)?;
        }
        Ok(())
    }

    #[inline]
    fn schedule_callback(
        &mut self,
        event_loop: Value,
        future: Value,
        callback: Callback,
    ) -> PyResult<()> {
        if callback.context.is_empty() {
            return self.make_ready(event_loop, callback.target, future);
        }
        if callback.context.is_none() && self.heap.kind(callback.target) == Some(Kind::Native) {
            // Nobody has the handle, and there is no context to keep.
            return self.make_ready(event_loop, callback.target, future);
        }
        self.call_soon(event_loop, callback.target, &[future], callback.context)?;
        Ok(())
    }

    /// `future.add_done_callback`; see `Callback`.
    ///
    /// # Errors
    /// As `finish_future`, when it is done already.
    pub fn add_callback(&mut self, future: Value, callback: Callback) -> PyResult<()> {
        let f = self.heap.cell_mut::<Future>(future);
        if !f.is_done() {
            if planted::is(Bug::DroppedCallback) && f.callbacks.len() >= 2 {
                return Ok(());
            }
            let before = f.callbacks.spilled();
            f.callbacks.push(callback);
            if !before && f.callbacks.spilled() {
                let grown = f.callbacks.capacity() * size_of::<Callback>();
                self.heap.charge(grown);
            }
            return Ok(());
        }
        let event_loop = f.event_loop;
        self.schedule_callback(event_loop, future, callback)
    }

    /// Ends the wait of a task for the future it waits for.
    pub(crate) fn detach_waiter(&mut self, task: Value) {
        if !self.heap.get::<Future>(task).is_some_and(Future::is_task) {
            return;
        }
        let waiting_on = self.heap.task_slot(task, TaskSlot::WaitingOn);
        self.heap
            .set_task_slot(task, TaskSlot::WaitingOn, Value::NONE);
        if let Some(f) = self.heap.get_mut::<Future>(waiting_on) {
            f.callbacks
                .retain(|c| !(c.target == task && c.context.is_empty()));
        }
    }

    /// Before a failed future's exception is raised by it: the first time its
    /// traceback is what it was when the future failed, later it begins anew.
    /// CPython 3.13.0 _asynciomodule.c future_get_result keeps no traceback for
    /// a second time; so it doesn't grow with each `await`.
    pub(crate) fn restore_traceback(&mut self, future: Value) {
        let f = self.heap.cell_mut::<Future>(future);
        if f.state == State::Failed {
            let exception = f.value;
            let n_frames = std::mem::replace(&mut f.cancelled_exception, Value::small(0));
            self.trim_traceback(exception, n_frames.as_int().unwrap_or(0) as usize);
        }
    }

    /// The exception that a done future ends in, and None for a result. It
    /// counts as looked at.
    pub fn future_error(&mut self, future: Value) -> Option<Value> {
        let f = self.heap.cell_mut::<Future>(future);
        f.log_traceback = false;
        match f.state {
            State::Pending | State::Finished => None,
            State::Failed => Some(f.value),
            State::Cancelled => Some(self.cancelled_error_of(future).0),
        }
    }
}
