//! One step of a task: resume its coroutine, judge what it yields.
//!
//! CPython 3.13 _asynciomodule.c task_step_impl: the texts of errors and the
//! order of effects are its own.

use crate::event_loop::EventLoop;
use crate::heap::Kind;
use crate::native::{NativeDef, PyResult, Raised, method};
use crate::object::class::B;
use crate::object::function::Native;
use crate::object::future::{Callback, Future, TaskSlot};
use crate::object::generator::{Flavor, Generator};
use crate::planted::{self, Bug};
use crate::value::Value;
use crate::vm::names::N;
use crate::vm::{Input, Outcome, Vm};

/// The callables that stand for a task's next step in reprs, and that loops
/// and futures written in scripts get.
pub const STEP: NativeDef = method("task_step(self, exc=None, /)", step_native);
pub const WAKEUP: NativeDef = method("task_wakeup(self, future, /)", wakeup_native);
static STEP_DEF: NativeDef = STEP;
static WAKEUP_DEF: NativeDef = WAKEUP;

fn step_native(vm: &mut Vm, args: &[Value]) -> PyResult {
    let input = args[1].given().unwrap_or(Value::NONE);
    vm.task_step_in(args[0], input, true)?;
    Ok(Value::NONE)
}

fn wakeup_native(vm: &mut Vm, args: &[Value]) -> PyResult {
    let input = vm.wakeup_input(args[1]);
    vm.task_step_in(args[0], input, true)?;
    Ok(Value::NONE)
}

impl Vm {
    pub(crate) fn task_step_method(&mut self, task: Value) -> Value {
        self.bound_to_task(&STEP_DEF, task)
    }

    /// The callable that futures show for a task that waits for them.
    pub fn task_wakeup_method(&mut self, task: Value) -> Value {
        self.bound_to_task(&WAKEUP_DEF, task)
    }

    fn bound_to_task(&mut self, def: &'static NativeDef, task: Value) -> Value {
        let owner = self.tasks.classes.task;
        self.heap.alloc(
            B::NativeFunction.shape(),
            Native {
                def,
                owner,
                this: task,
                module: Value::NONE,
            },
        )
    }

    /// The future a task waits for is done.
    ///
    /// # Errors
    /// As `task_step`.
    pub(crate) fn task_wakeup(&mut self, task: Value, future: Value) -> PyResult<()> {
        let input = self.wakeup_input(future);
        self.task_step(task, input)
    }

    /// What a task gets from the future it has waited for: None, or the exception.
    fn wakeup_input(&mut self, future: Value) -> Value {
        if self.heap.kind(future) == Some(Kind::Future) {
            self.restore_traceback(future);
            return self.future_error(future).unwrap_or(Value::NONE);
        }
        match self.call_method(future, "result", &[]) {
            Ok(_) => Value::NONE,
            Err(Raised(exception)) => exception,
        }
    }

    /// Resumes a task's coroutine; `input` is None or the exception to raise in it.
    ///
    /// # Errors
    /// KeyboardInterrupt and SystemExit of the coroutine, which end the loop
    /// too; InvalidStateError when the task is done; RuntimeError when another
    /// task of its loop is running.
    pub(crate) fn task_step(&mut self, task: Value, input: Value) -> PyResult<()> {
        self.task_step_in(task, input, false)
    }

    /// As `task_step`; `entered`: whoever calls has entered the task's context,
    /// as a handle does that has the step for its callback.
    fn task_step_in(&mut self, task: Value, input: Value, entered: bool) -> PyResult<()> {
        let f = self.heap.cell_mut::<Future>(task);
        if f.is_done() {
            let message = format!(
                "__step(): already done: {} {}",
                self.repr_string(task)?,
                self.repr_string(input)?
            );
            return Err(self.invalid_state(&message));
        }
        let event_loop = f.event_loop;
        let mut input = input;
        let cancelled = f.must_cancel();
        self.heap
            .set_task_slot(task, TaskSlot::WaitingOn, Value::NONE);
        if cancelled {
            self.heap.cell_mut::<Future>(task).set_must_cancel(false);
            if planted::is(Bug::ResultBeatsCancel) {
                // The request is dropped.
            } else if !self.is_instance_of(input, B::CancelledError) {
                input = self.cancelled_error_of(task).0;
            }
        }
        let coro = self.heap.task_slot(task, TaskSlot::Coro);
        let context = self.heap.task_slot(task, TaskSlot::Context);
        self.enter_task(event_loop, task)?;
        let outcome = if entered {
            self.drive(coro, input)
        } else {
            self.in_context(context, task, |vm| vm.drive(coro, input))
        };
        self.leave_task(event_loop, Value::NONE);
        self.judge(task, event_loop, outcome)
    }

    /// The first step of a task, at once, inside whatever is running.
    pub(super) fn start_eagerly(&mut self, task: Value, event_loop: Value) -> PyResult<()> {
        let outer = self.leave_task(event_loop, task);
        self.root(outer);
        self.register_task(event_loop, task);
        let coro = self.heap.task_slot(task, TaskSlot::Coro);
        let context = self.heap.task_slot(task, TaskSlot::Context);
        let outcome = self.in_context(context, task, |vm| vm.drive(coro, Value::NONE));
        let result = self.judge(task, event_loop, outcome);
        self.leave_task(event_loop, outer);
        if self.heap.cell::<Future>(task).is_done() {
            self.heap.set_task_slot(task, TaskSlot::Coro, Value::NONE);
        } else {
            self.register_after_eager_start(event_loop, task);
        }
        result
    }

    fn enter_task(&mut self, event_loop: Value, task: Value) -> PyResult<()> {
        let entered = self.heap.get_mut_storing::<EventLoop>(event_loop, &[task]);
        let Some(l) = entered else {
            return Ok(());
        };
        let current = l.current_task;
        if current.is_none() {
            l.current_task = task;
            return Ok(());
        }
        let message = format!(
            "Cannot enter into task {} while another task {} is being executed.",
            self.repr_string(task)?,
            self.repr_string(current)?
        );
        Err(self.runtime_error(message))
    }

    /// Makes `next` the current task; gives the one before.
    fn leave_task(&mut self, event_loop: Value, next: Value) -> Value {
        match self.heap.get_mut_storing::<EventLoop>(event_loop, &[next]) {
            Some(l) => std::mem::replace(&mut l.current_task, next),
            None => Value::NONE,
        }
    }

    fn drive(&mut self, coro: Value, input: Value) -> PyResult<Outcome> {
        let is_ours = self
            .heap
            .get::<Generator>(coro)
            .is_some_and(|g| g.flavor != Flavor::AsyncGenerator);
        if is_ours {
            return self.resume(
                coro,
                if input.is_none() {
                    Input::Send(input)
                } else {
                    Input::Throw(input)
                },
            );
        }
        let result = if input.is_none() {
            self.call_method(coro, "send", &[Value::NONE])
        } else {
            self.call_method(coro, "throw", &[input])
        };
        self.stop_as_return(result)
    }

    fn judge(
        &mut self,
        task: Value,
        event_loop: Value,
        outcome: PyResult<Outcome>,
    ) -> PyResult<()> {
        match outcome {
            Ok(Outcome::Yield(yielded)) => self.judge_yield(task, event_loop, yielded),
            Ok(Outcome::Return(value)) => {
                self.task_ended(event_loop);
                let f = self.heap.cell_mut::<Future>(task);
                if f.must_cancel() {
                    f.set_must_cancel(false);
                    let message = f.cancel_message;
                    self.cancel_plain_future(task, message)?;
                    return Ok(());
                }
                self.finish_future(task, value)
            }
            Err(Raised(exception)) if self.is_instance_of(exception, B::CancelledError) => {
                self.task_ended(event_loop);
                self.heap.cell_mut::<Future>(task).cancelled_exception = exception;
                self.cancel_plain_future(task, Value::NONE)?;
                Ok(())
            }
            Err(raised) => {
                self.task_ended(event_loop);
                self.fail_future(task, raised.0)?;
                if self.ends_the_loop(raised) {
                    Err(raised)
                } else {
                    Ok(())
                }
            }
        }
    }

    #[inline]
    fn judge_yield(&mut self, task: Value, event_loop: Value, yielded: Value) -> PyResult<()> {
        if yielded.is_none() {
            return self.make_ready(event_loop, task, Value::NONE);
        }
        self.root(yielded);
        if let Some(f) = self.heap.get_mut::<Future>(yielded) {
            if f.event_loop != event_loop || !f.blocking || yielded == task {
                let (blocking, same_loop) = (f.blocking, f.event_loop == event_loop);
                return self.refuse_future(task, event_loop, yielded, same_loop, blocking);
            }
            f.blocking = false;
            if !self.has_native_callbacks(yielded) {
                self.add_wakeup_by_method(task, yielded)?;
                return self.wait_for(task, yielded);
            }
            self.add_callback(
                yielded,
                Callback {
                    target: task,
                    context: Value::EMPTY,
                },
            )?;
            return self.wait_for(task, yielded);
        }
        let blocking = self.n(N::asyncio_future_blocking);
        let flag = match self.get_attr_opt(yielded, blocking)? {
            Some(flag) if !flag.is_none() => flag,
            _ => return self.refuse_value(task, event_loop, yielded),
        };
        // Something that a script has made to look like a future.
        let its_loop = self.loop_of(yielded)?;
        let is_blocking = self.truth(flag)?;
        if its_loop != event_loop || !is_blocking {
            return self.refuse_future(
                task,
                event_loop,
                yielded,
                its_loop == event_loop,
                is_blocking,
            );
        }
        self.set_attr(yielded, blocking, Value::FALSE)?;
        self.add_wakeup_by_method(task, yielded)?;
        self.wait_for(task, yielded)
    }

    /// Whether `add_done_callback` of this future is ours.
    #[inline]
    fn has_native_callbacks(&mut self, future: Value) -> bool {
        let class = self.heap.class_of(future);
        if class == self.tasks.classes.future || class == self.tasks.classes.task {
            return true;
        }
        let name = self.heap.intern("add_done_callback");
        if self.own_attr(future, name).is_some() {
            return false;
        }
        self.lookup_class(class, name)
            .is_some_and(|attr| self.heap.kind(attr) == Some(Kind::Native))
    }

    fn add_wakeup_by_method(&mut self, task: Value, future: Value) -> PyResult<()> {
        let wakeup = self.task_wakeup_method(task);
        let wakeup = self.root(wakeup);
        let context = self.context_of(task);
        let key = self.heap.intern("context");
        let name = self.heap.intern("add_done_callback");
        let add = self.get_attr(future, name)?;
        let add = self.root(add);
        self.call_kw(add, &[wakeup], &[(key, context)])?;
        Ok(())
    }

    fn wait_for(&mut self, task: Value, future: Value) -> PyResult<()> {
        self.heap.set_task_slot(task, TaskSlot::WaitingOn, future);
        let f = self.heap.cell::<Future>(task);
        if f.must_cancel() {
            let message = f.cancel_message;
            if self.cancel_future(future, message)? {
                self.heap.cell_mut::<Future>(task).set_must_cancel(false);
            }
        }
        Ok(())
    }

    /// The loop of anything that is, or looks like, a future.
    ///
    /// # Errors
    /// What its `get_loop` raises; AttributeError.
    pub fn loop_of(&mut self, future: Value) -> PyResult {
        if let Some(f) = self.heap.get::<Future>(future) {
            return Ok(f.event_loop);
        }
        let name = self.heap.intern("get_loop");
        match self.get_attr_opt(future, name)? {
            Some(get_loop) => self.call(get_loop, &[]),
            None => {
                let name = self.heap.intern("_loop");
                self.get_attr(future, name)
            }
        }
    }

    #[cold]
    fn refuse_future(
        &mut self,
        task: Value,
        event_loop: Value,
        future: Value,
        same_loop: bool,
        blocking: bool,
    ) -> PyResult<()> {
        let shown = self.repr_string(task)?;
        // CPython 3.13 _asynciomodule.c task_step_handle_result_impl: itself comes first.
        let message = if future == task {
            format!("Task cannot await on itself: {shown}")
        } else if !same_loop {
            format!(
                "Task {shown} got Future {} attached to a different loop",
                self.repr_string(future)?
            )
        } else {
            debug_assert!(!blocking, "a future that may be waited for is not refused");
            format!(
                "yield was used instead of yield from in task {shown} with {}",
                self.repr_string(future)?
            )
        };
        let error = self.runtime_error(message);
        self.make_ready(event_loop, task, error.0)
    }

    #[cold]
    fn refuse_value(&mut self, task: Value, event_loop: Value, yielded: Value) -> PyResult<()> {
        let is_generator = self
            .heap
            .get::<Generator>(yielded)
            .is_some_and(|g| g.flavor == Flavor::Generator);
        let shown = self.repr_string(yielded)?;
        let message = if is_generator {
            let task = self.repr_string(task)?;
            format!(
                "yield was used instead of yield from for generator in task {task} with {shown}"
            )
        } else {
            format!("Task got bad yield: {shown}")
        };
        let error = self.runtime_error(message);
        self.make_ready(event_loop, task, error.0)
    }
}
