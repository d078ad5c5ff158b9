//! Cancelling tasks and whatever they wait for.

use crate::heap::Kind;
use crate::native::PyResult;
use crate::object::class::B;
use crate::object::function::Native;
use crate::object::future::{Future, TaskSlot};
use crate::planted::{self, Bug};
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// `future.cancel(msg)`: of a task the request, of a future the deed; a
    /// script's own `cancel` is called. False when it is done already.
    ///
    /// # Errors
    /// What a script's `cancel` raises.
    pub fn cancel_future(&mut self, future: Value, message: Value) -> PyResult<bool> {
        if !self.has_native_cancel(future) {
            return self.cancel_by_method(future, message);
        }
        if self.heap.cell::<Future>(future).is_task() {
            self.cancel_task(future, message)
        } else {
            self.cancel_plain_future(future, message)
        }
    }

    /// Requests that a task be cancelled: CancelledError will be raised at its
    /// await. False when it is done already.
    ///
    /// # Errors
    /// What a script's `cancel` of the future waited for raises; RecursionError
    /// when tasks await each other in a circle.
    pub fn cancel_task(&mut self, task: Value, message: Value) -> PyResult<bool> {
        // CPython asks the future waited for, which may be a task, and so on;
        // a loop does the same without going deeper. Every task on the way
        // counts the request; the one whose future would not be cancelled
        // gets the error at its next step.
        let mut task = task;
        let mut first = true;
        // Tasks that await each other in a circle: the task met again is looked
        // for at distances that double, so that a long chain stays linear.
        let (mut mark, mut n_steps, mut n_steps_to_mark) = (task, 0_u64, 1_u64);
        loop {
            let f = self.heap.cell_mut::<Future>(task);
            f.log_traceback = false;
            if f.is_done() {
                debug_assert!(first, "a task is left as soon as what it waits for is done");
                return Ok(false);
            }
            first = false;
            if !f.is_task() {
                return self.cancel_plain_future(task, message);
            }
            f.cancel_requests += u32::from(!planted::is(Bug::UncountedCancel));
            let next = self.heap.task_slot(task, TaskSlot::WaitingOn);
            if !next.is_none() {
                let is_pending_task = self.has_native_cancel(next)
                    && self
                        .heap
                        .get::<Future>(next)
                        .is_some_and(|f| f.is_task() && !f.is_done());
                let stops_short = is_pending_task && planted::is(Bug::CancelStopsShort);
                if is_pending_task && !stops_short {
                    if next == mark {
                        let message =
                            "maximum recursion depth exceeded while calling a Python object";
                        return Err(self.raise(B::RecursionError, message));
                    }
                    n_steps += 1;
                    if n_steps == n_steps_to_mark {
                        mark = next;
                        n_steps_to_mark *= 2;
                    }
                    task = next;
                    continue;
                }
                if !stops_short && self.cancel_future(next, message)? {
                    return Ok(true);
                }
            }
            let f = self.heap.cell_mut::<Future>(task);
            f.cancel_message = message;
            f.set_must_cancel(!planted::is(Bug::SkippedCancel));
            return Ok(true);
        }
    }

    /// Whether `cancel` of this future is ours.
    #[inline]
    fn has_native_cancel(&mut self, future: Value) -> bool {
        if self.heap.kind(future) != Some(Kind::Future) {
            return false;
        }
        if self.heap.has_attrs(future) {
            let name = self.heap.intern("cancel");
            if self.own_attr(future, name).is_some() {
                return false;
            }
        }
        let class = self.heap.class_of(future);
        if class == self.tasks.classes.future || class == self.tasks.classes.task {
            return true;
        }
        let name = self.heap.intern("cancel");
        self.lookup_class(class, name)
            .is_some_and(|attr| self.heap.get::<Native>(attr).is_some())
    }

    fn cancel_by_method(&mut self, future: Value, message: Value) -> PyResult<bool> {
        let name = self.heap.intern("cancel");
        let cancel = self.get_attr(future, name)?;
        // CPython 3.13 _asynciomodule.c gives it by position.
        let answer = self.call(cancel, &[message])?;
        self.truth(answer)
    }
}
