//! Tasks and futures: what happens to them. A task drives a coroutine: each
//! step resumes it and judges what it yields, as CPython 3.13's
//! `_asynciomodule.c` does. The loop decides when; see `event_loop`.

mod cancel;
mod context;
mod future;
mod step;

pub use step::{STEP, WAKEUP};

use crate::event_loop::Interrupts;
use crate::heap::{Kind, Marker};
use crate::native::PyResult;
use crate::object::future::{Future, TaskSlot};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// What a VM knows of its asynchronous side.
pub struct TaskState {
    /// The loop that is running; None when there is none.
    pub running_loop: Value,
    /// The loop of an interactive session, which runs between its inputs: what
    /// is typed there may make tasks on it. None in a script.
    pub prompt_loop: Value,
    /// The context that is current: a snapshot (see `object::context`), or a
    /// Context once a script has asked for it.
    pub(crate) context: Value,
    /// The task or handle whose context that is; None outside of them, and the
    /// Context itself inside `Context.run`.
    pub(crate) context_owner: Value,
    /// The number of the next unnamed task.
    pub next_task_number: i64,
    /// The current tasks of loops that scripts have written, a dict by loop;
    /// None when there never was one.
    pub foreign_current: Value,
    pub interrupts: Interrupts,
    pub classes: Classes,
    pub hooks: Hooks,
}

/// The classes of the async cells; None until the standard library has made them.
#[derive(Clone, Copy)]
pub struct Classes {
    pub future: Value,
    pub task: Value,
    pub handle: Value,
    pub timer_handle: Value,
    pub event_loop: Value,
    pub context: Value,
    pub context_var: Value,
    pub token: Value,
    pub future_iter: Value,
}

/// Functions of the standard library that the runtime calls; None until set.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// `(future) -> str`
    pub future_repr: Value,
    pub task_repr: Value,
    pub handle_repr: Value,
    /// `(handle) -> list`: the parts of its repr.
    pub handle_repr_info: Value,
    /// `(callback, args, loop) -> str`: how messages call it.
    pub callback_source: Value,
    /// `() -> loop`: the policy's, where none is running.
    pub default_loop: Value,
}

impl Default for TaskState {
    fn default() -> TaskState {
        let none = Value::NONE;
        TaskState {
            running_loop: none,
            prompt_loop: none,
            context: none,
            context_owner: none,
            next_task_number: 1,
            foreign_current: none,
            interrupts: Interrupts::default(),
            classes: Classes {
                future: none,
                task: none,
                handle: none,
                timer_handle: none,
                event_loop: none,
                context: none,
                context_var: none,
                token: none,
                future_iter: none,
            },
            hooks: Hooks {
                future_repr: none,
                task_repr: none,
                handle_repr: none,
                handle_repr_info: none,
                callback_source: none,
                default_loop: none,
            },
        }
    }
}

impl TaskState {
    pub(crate) fn trace(&self, marker: &mut Marker) {
        let c = &self.classes;
        marker.mark_all(&[
            self.running_loop,
            self.prompt_loop,
            self.context,
            self.context_owner,
            self.interrupts.main,
            self.foreign_current,
        ]);
        marker.mark_all(&[c.future, c.task, c.handle, c.timer_handle]);
        marker.mark_all(&[
            c.event_loop,
            c.context,
            c.context_var,
            c.token,
            c.future_iter,
        ]);
        let h = &self.hooks;
        marker.mark_all(&[
            h.future_repr,
            h.task_repr,
            h.handle_repr,
            h.handle_repr_info,
            h.callback_source,
            h.default_loop,
        ]);
    }
}

impl Vm {
    /// A new pending future of a loop.
    #[inline]
    pub fn new_future(&mut self, event_loop: Value) -> Value {
        let shape = self.root_shape(self.tasks.classes.future);
        self.heap.alloc(shape, Future::new(event_loop))
    }

    /// A new task of a loop that has no coroutine yet.
    #[inline]
    pub fn new_task(&mut self, event_loop: Value) -> Value {
        let shape = self.root_shape(self.tasks.classes.task);
        self.heap.task(shape, Future::new(event_loop))
    }

    /// Makes `task` (see `new_task`) drive a coroutine from the next
    /// iteration on. `name`: a str, or None for a numbered one; `context`: as
    /// `capture_context` gives it.
    ///
    /// # Errors
    /// TypeError unless it is a coroutine; RuntimeError when the loop is closed.
    pub fn start_task(
        &mut self,
        task: Value,
        coro: Value,
        event_loop: Value,
        name: Value,
        context: Value,
        eager: bool,
    ) -> PyResult<()> {
        if !self.is_coroutine(coro) {
            let message = format!("a coroutine was expected, got {}", self.repr_string(coro)?);
            return Err(self.type_error(message));
        }
        let name = if name.is_none() {
            self.tasks.next_task_number += 1;
            Value::small(self.tasks.next_task_number - 1)
        } else {
            name
        };
        self.heap.begin_task(task, coro, name, context);
        self.heap.cell_mut::<Future>(task).event_loop = event_loop;
        if eager
            && self
                .heap
                .get::<crate::event_loop::EventLoop>(event_loop)
                .is_some_and(|l| l.running)
        {
            return self.start_eagerly(task, event_loop);
        }
        // Listed first: where it can't be made ready it is told of as pending.
        self.register_task(event_loop, task);
        self.make_ready(event_loop, task, Value::NONE)
    }

    /// `asyncio.iscoroutine`: a coroutine of ours, or an object with the
    /// methods of one.
    pub fn is_coroutine(&mut self, v: Value) -> bool {
        use crate::object::generator::{Flavor, Generator};
        if let Some(g) = self.heap.get::<Generator>(v) {
            return g.flavor == Flavor::Coroutine;
        }
        let class = self.heap.class_of(v);
        [N::await_, N::send, N::throw, N::close]
            .into_iter()
            .all(|name| {
                let name = self.n(name);
                self.lookup_class(class, name)
                    .is_some_and(|attr| !attr.is_none())
            })
    }

    /// A task's name.
    pub fn task_name(&mut self, task: Value) -> String {
        if self.heap.kind(task) != Some(Kind::Future) {
            return String::new();
        }
        let name = self.heap.task_slot(task, TaskSlot::Name);
        match name.as_int() {
            Some(number) => format!("Task-{number}"),
            None => self
                .heap
                .as_str(name)
                .map_or(String::new(), |n| n.to_lossy()),
        }
    }
}
