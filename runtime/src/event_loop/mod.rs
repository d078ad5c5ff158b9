//! The event loop: a ready queue, a heap of timers and the tasks that wait.
//! It takes calls and task steps to run, gives them their turn in order, and
//! never runs two at once. Hop for hop it is CPython 3.13's base_events.py.

mod deadlock;
mod interrupt;
mod ready;
mod run;
mod timers;
mod unreachable;

pub use interrupt::Interrupts;

use crate::heap::{Kind, Marker, Object};
use crate::native::{PyResult, Raised};
use crate::object::class::Class;
use crate::object::future::Future;
use crate::object::handle::Handle;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;
use ready::Ready;
use timers::Timers;

/// A loop.
pub struct EventLoop {
    ready: Ready,
    timers: Timers,
    pub closed: bool,
    /// `run_forever` ends after this iteration.
    pub stopping: bool,
    pub running: bool,
    pub debug: bool,
    /// A script's subclass replaces what the loop calls of itself: `time`,
    /// `call_soon`, `call_at` and the like. The short ways are left aside then.
    pub overridden: bool,
    /// `time` is among what it replaces.
    pub own_clock: bool,
    /// It has a `create_task` of a script's.
    own_create_task: bool,
    /// The version of its class when these three were noted.
    class_version: u32,
    /// The task whose step is running; None between steps.
    pub current_task: Value,
    /// Tasks in the order of their creation; those done are dropped now and
    /// then. They are not kept alive by it (see `unreachable`): a task that
    /// waits lives through what can wake it.
    tasks: Vec<Value>,
    /// How many of `tasks` may be done.
    n_done: usize,
    /// Futures that failed and whose exception nobody may have looked at; not
    /// kept alive either.
    failed: Vec<Value>,
    /// What `run_until_complete` waits for; None outside of it.
    pub main: Value,
    /// Async generators that have begun and may not have ended; not kept alive.
    async_generators: Vec<Value>,
    pub async_generators_closed: bool,
    /// The async generators' hooks there were before it ran.
    pub hooks_outside: [Value; 2],
    /// How deep coroutines noted where they were made before debug mode had
    /// them do so; None while it does not.
    pub origin_depth_outside: Option<usize>,
    /// It has a `_selector` of the script's.
    has_selector: bool,
    /// Operations of the world outside that will make something ready.
    pub n_outside: usize,
    /// DeadlockError was raised in `main`, and so many entries have run since.
    run_since_deadlock: Option<usize>,
    pub exception_handler: Value,
    pub task_factory: Value,
}

impl Default for EventLoop {
    fn default() -> EventLoop {
        EventLoop {
            ready: Ready::default(),
            timers: Timers::default(),
            closed: false,
            stopping: false,
            running: false,
            debug: false,
            overridden: false,
            own_clock: false,
            own_create_task: false,
            class_version: 0,
            current_task: Value::NONE,
            tasks: Vec::new(),
            n_done: 0,
            failed: Vec::new(),
            main: Value::NONE,
            async_generators: Vec::new(),
            async_generators_closed: false,
            hooks_outside: [Value::NONE; 2],
            origin_depth_outside: None,
            has_selector: false,
            n_outside: 0,
            run_since_deadlock: None,
            exception_handler: Value::NONE,
            task_factory: Value::NONE,
        }
    }
}

impl Object for EventLoop {
    const KIND: Kind = Kind::EventLoop;
    fn trace(&self, marker: &mut Marker) {
        self.ready.trace(marker);
        self.timers.trace(marker);
        marker.mark_all(&[
            self.current_task,
            self.main,
            self.exception_handler,
            self.task_factory,
        ]);
        marker.mark_all(&self.hooks_outside);
    }
    fn external_bytes(&self) -> usize {
        let lists =
            self.tasks.capacity() + self.failed.capacity() + self.async_generators.capacity();
        self.ready.heap_bytes() + self.timers.heap_bytes() + lists * size_of::<Value>()
    }
}

/// What a loop calls of itself.
const OWN_CALLS: [&str; 6] = [
    "time",
    "call_soon",
    "call_at",
    "call_later",
    "create_future",
    "_run_once",
];

/// Done tasks and generators are looked for when a list has at least this many.
const SWEEP_MIN: usize = 64;

impl Vm {
    /// The loop in a cell known to be one.
    ///
    /// # Panics
    /// If it is not.
    #[inline]
    #[track_caller]
    pub fn event_loop(&mut self, event_loop: Value) -> &mut EventLoop {
        self.event_loop_storing(event_loop, &[])
    }

    /// As `event_loop`, to store these values in it. A million entries may be ready: they are not
    /// looked at again for each that comes.
    ///
    /// # Panics
    /// As `event_loop`.
    #[inline]
    #[track_caller]
    pub fn event_loop_storing(&mut self, event_loop: Value, stored: &[Value]) -> &mut EventLoop {
        self.heap.cell_mut_storing(event_loop, stored)
    }

    /// # Errors
    /// RuntimeError when the loop is closed.
    pub fn check_open(&mut self, event_loop: Value) -> PyResult<()> {
        if self
            .heap
            .get::<EventLoop>(event_loop)
            .is_some_and(|l| l.closed)
        {
            return Err(self.runtime_error("Event loop is closed"));
        }
        Ok(())
    }

    /// Puts an entry at the end of a loop's ready queue (see `ready::Entry`).
    ///
    /// # Errors
    /// RuntimeError when the loop is closed; what a script's own loop raises.
    #[inline]
    pub(crate) fn make_ready(
        &mut self,
        event_loop: Value,
        target: Value,
        input: Value,
    ) -> PyResult<()> {
        let stored = [target, input];
        match self.heap.get_mut_storing::<EventLoop>(event_loop, &stored) {
            Some(l) if !l.closed && !l.overridden => {
                l.ready.push(target, input);
                Ok(())
            }
            Some(l) if l.closed => Err(self.runtime_error("Event loop is closed")),
            _ => self.call_soon_elsewhere(event_loop, target, input),
        }
    }

    /// `make_ready` for a loop that a script has written, wholly or in part:
    /// its `call_soon`.
    #[cold]
    fn call_soon_elsewhere(
        &mut self,
        event_loop: Value,
        target: Value,
        input: Value,
    ) -> PyResult<()> {
        let (callback, args, context) = self.entry_as_call(target, input);
        let name = self.heap.intern("call_soon");
        if self.heap.kind(event_loop) == Some(Kind::EventLoop)
            && !self.class_overrides(event_loop, name)
        {
            self.event_loop_storing(event_loop, &[target, input])
                .ready
                .push(target, input);
            return Ok(());
        }
        let method = self.get_attr(event_loop, name)?;
        let method = self.root(method);
        let context = self.context_object(context);
        let key = self.heap.intern("context");
        self.call_kw(
            method,
            &[&[callback], &args[..]].concat(),
            &[(key, context)],
        )?;
        Ok(())
    }

    /// An entry of the ready queue as the call it amounts to.
    fn entry_as_call(&mut self, target: Value, input: Value) -> (Value, Vec<Value>, Value) {
        if let Some(h) = self.heap.get::<Handle>(target) {
            let (callback, context) = (h.callback, h.context);
            let args = self.heap.handle_args(target);
            return (callback, self.heap.tuple_items(args).to_vec(), context);
        }
        let is_callback = self.heap.kind(target) == Some(Kind::Native);
        let (callback, args) = match self.heap.kind(input) {
            _ if is_callback => (target, vec![input]),
            Some(Kind::Future) => (self.task_wakeup_method(target), vec![input]),
            _ if input.is_none() => (self.task_step_method(target), Vec::new()),
            _ => (self.task_step_method(target), vec![input]),
        };
        // The step runs in whatever context it is called in: a snapshot would
        // keep what the task sets in it to that one step.
        (self.root(callback), args, self.context_of(target))
    }

    /// A call to make, not yet in any queue.
    pub fn new_handle(
        &mut self,
        callback: Value,
        args: &[Value],
        event_loop: Value,
        context: Value,
        when: Value,
    ) -> Value {
        let (args, one_arg) = match args {
            &[arg] => (arg, true),
            args => (self.heap.tuple(args), false),
        };
        let class = if when.is_empty() {
            self.tasks.classes.handle
        } else {
            self.tasks.classes.timer_handle
        };
        let shape = self.root_shape(class);
        self.heap.alloc(
            shape,
            Handle {
                callback,
                args,
                one_arg,
                cancelled: false,
                scheduled: false,
                context,
                event_loop,
                when,
            },
        )
    }

    /// Whether a script's subclass has its own version of a method of the
    /// loop, or the instance itself.
    pub fn class_overrides(&mut self, event_loop: Value, name: Value) -> bool {
        if self.own_attr(event_loop, name).is_some() {
            return true;
        }
        let class = self.heap.class_of(event_loop);
        self.lookup_class(class, name)
            .is_some_and(|attr| self.heap.kind(attr) != Some(Kind::Native))
    }

    /// Notes what a loop's class, or the loop's own attributes, replace of the
    /// methods that the loop itself calls. To be told of each change of an
    /// attribute; `notice_changed_class` finds the changes of classes.
    pub fn note_overrides(&mut self, event_loop: Value) {
        let class = self.heap.class_of(event_loop);
        let class_version = self.heap.cell::<Class>(class).version;
        let overridden = OWN_CALLS.iter().any(|name| {
            let name = self.heap.intern(name);
            self.class_overrides(event_loop, name)
        });
        let time = self.heap.intern("time");
        let own_clock = overridden && self.class_overrides(event_loop, time);
        let has_selector = self.own_attr(event_loop, self.n(N::selector)).is_some();
        let create_task = self.heap.intern("create_task");
        let own_create_task = self.class_overrides(event_loop, create_task);
        let l = self.event_loop(event_loop);
        l.own_create_task = own_create_task;
        (l.overridden, l.own_clock) = (overridden, own_clock);
        l.has_selector = has_selector;
        l.class_version = class_version;
    }

    /// Whether a script has replaced `create_task` of a loop.
    pub fn has_own_create_task(&mut self, event_loop: Value) -> bool {
        self.notice_changed_class(event_loop);
        self.event_loop(event_loop).own_create_task
    }

    /// Between two iterations: a script may have replaced a method of the class.
    #[inline]
    fn notice_changed_class(&mut self, event_loop: Value) {
        let class = self.heap.class_of(event_loop);
        let version = self.heap.cell::<Class>(class).version;
        if self.event_loop(event_loop).class_version != version {
            self.note_overrides(event_loop);
        }
    }

    /// The loop's time in seconds, by its own `time` where a script has replaced it.
    ///
    /// # Errors
    /// What that raises; TypeError when it gives no number.
    pub fn loop_time_s(&mut self, event_loop: Value) -> PyResult<f64> {
        if !self
            .heap
            .get::<EventLoop>(event_loop)
            .is_none_or(|l| l.own_clock)
        {
            return Ok(self.monotonic_s());
        }
        let now = self.call_method(event_loop, "time", &[])?;
        match self
            .heap
            .as_float(now)
            .or(self.heap.as_i64(now).map(|n| n as f64))
        {
            Some(now_s) => Ok(now_s),
            None => {
                let name = self.type_name(now);
                Err(self.type_error(format!("must be real number, not {name}")))
            }
        }
    }

    /// The `call_soon` method itself: no subclass is asked.
    ///
    /// # Errors
    /// RuntimeError when the loop is closed.
    pub fn call_soon_here(
        &mut self,
        event_loop: Value,
        callback: Value,
        args: &[Value],
        context: Value,
    ) -> PyResult {
        self.check_open(event_loop)?;
        let handle = self.new_handle(callback, args, event_loop, context, Value::EMPTY);
        self.event_loop_storing(event_loop, &[handle])
            .ready
            .push(handle, Value::NONE);
        Ok(handle)
    }

    /// `loop.call_soon(callback, *args)`; `context` as `Vm::capture_context` gives it.
    ///
    /// # Errors
    /// RuntimeError when the loop is closed.
    pub fn call_soon(
        &mut self,
        event_loop: Value,
        callback: Value,
        args: &[Value],
        context: Value,
    ) -> PyResult {
        let handle = self.new_handle(callback, args, event_loop, context, Value::EMPTY);
        self.make_ready(event_loop, handle, Value::NONE)?;
        Ok(handle)
    }

    /// `loop.call_at(when, callback, *args)`.
    ///
    /// # Errors
    /// TypeError unless `when` is a number; RuntimeError when the loop is closed.
    pub fn call_at(
        &mut self,
        event_loop: Value,
        when: Value,
        callback: Value,
        args: &[Value],
        context: Value,
    ) -> PyResult {
        self.check_open(event_loop)?;
        let Some(when_s) = self
            .heap
            .as_float(when)
            .or(self.heap.as_i64(when).map(|n| n as f64))
        else {
            let message = format!(
                "'<' not supported between instances of '{}' and 'float'",
                self.type_name(when)
            );
            return Err(self.type_error(message));
        };
        let handle = self.new_handle(callback, args, event_loop, context, when);
        self.heap.cell_mut::<Handle>(handle).scheduled = true;
        self.event_loop_storing(event_loop, &[handle])
            .timers
            .push(when_s, handle, Value::NONE);
        Ok(handle)
    }

    /// Finishes `future` with `value` at `when_s` unless it is done by then.
    ///
    /// # Errors
    /// RuntimeError when the loop is closed.
    pub fn finish_at(
        &mut self,
        event_loop: Value,
        when_s: f64,
        future: Value,
        value: Value,
    ) -> PyResult<()> {
        self.check_open(event_loop)?;
        self.heap.cell_mut::<Future>(future).set_timed(true);
        self.event_loop_storing(event_loop, &[future, value])
            .timers
            .push(when_s, future, value);
        Ok(())
    }

    /// `handle.cancel()`.
    pub fn cancel_handle(&mut self, handle: Value) {
        let h = self.heap.cell_mut::<Handle>(handle);
        if h.cancelled {
            return;
        }
        h.cancelled = true;
        h.callback = Value::NONE;
        h.args = Value::NONE;
        h.one_arg = false;
        let (scheduled, event_loop) = (h.scheduled, h.event_loop);
        if scheduled && let Some(l) = self.heap.get_mut_storing::<EventLoop>(event_loop, &[]) {
            l.timers.n_cancelled += 1;
        }
    }

    /// A future with a timer was finished by something else.
    pub(crate) fn timed_future_cancelled(&mut self, event_loop: Value) {
        if let Some(l) = self.heap.get_mut_storing::<EventLoop>(event_loop, &[]) {
            l.timers.n_cancelled += 1;
        }
    }

    // ---- what a loop knows of its tasks ------------------------------------------

    /// Enters a new task in its loop's list.
    pub(crate) fn register_task(&mut self, event_loop: Value, task: Value) {
        let Some(l) = self.heap.get_mut_storing::<EventLoop>(event_loop, &[]) else {
            return;
        };
        if l.n_done > SWEEP_MIN && l.n_done * 2 > l.tasks.len() {
            let mut tasks = std::mem::take(&mut l.tasks);
            l.n_done = 0;
            tasks.retain(|&t| self.heap.get::<Future>(t).is_some_and(|f| !f.is_done()));
            self.event_loop(event_loop).tasks = tasks;
        }
        self.event_loop(event_loop).tasks.push(task);
    }

    /// A task that was begun eagerly goes on as others do: it is listed anew,
    /// behind those that it made meanwhile.
    pub(crate) fn register_after_eager_start(&mut self, event_loop: Value, task: Value) {
        let Some(l) = self.heap.get_mut_storing::<EventLoop>(event_loop, &[]) else {
            return;
        };
        if let Some(at) = l.tasks.iter().rposition(|&t| t == task) {
            l.tasks.remove(at);
            l.tasks.push(task);
        }
    }

    /// A task of the list is done.
    #[inline]
    pub(crate) fn task_ended(&mut self, event_loop: Value) {
        if let Some(l) = self.heap.get_mut_storing::<EventLoop>(event_loop, &[]) {
            l.n_done += 1;
        }
    }

    /// The tasks of a loop that are not done, in the order of their creation.
    pub fn pending_tasks(&self, event_loop: Value) -> Vec<Value> {
        let Some(l) = self.heap.get::<EventLoop>(event_loop) else {
            return Vec::new();
        };
        let pending = |&t: &Value| self.heap.get::<Future>(t).is_some_and(|f| !f.is_done());
        l.tasks.iter().copied().filter(pending).collect()
    }

    /// A future failed: if nobody looks at its exception, its loop says so in the end.
    pub(crate) fn note_failure(&mut self, event_loop: Value, future: Value) {
        let Some(l) = self.heap.get_mut_storing::<EventLoop>(event_loop, &[]) else {
            return;
        };
        if l.failed.len() >= SWEEP_MIN && l.failed.len().is_power_of_two() {
            let mut failed = std::mem::take(&mut l.failed);
            failed.retain(|&f| self.heap.get::<Future>(f).is_some_and(|f| f.log_traceback));
            self.event_loop(event_loop).failed = failed;
        }
        self.event_loop(event_loop).failed.push(future);
    }

    /// Whether a future of the loop failed and nobody has looked at its exception.
    pub fn has_unretrieved(&mut self, event_loop: Value) -> bool {
        let failed = std::mem::take(&mut self.event_loop(event_loop).failed);
        let found = failed
            .iter()
            .any(|&f| self.heap.get::<Future>(f).is_some_and(|f| f.log_traceback));
        self.event_loop(event_loop).failed = failed;
        found
    }

    /// Takes a task off its loop's list, as `_unregister_task` does.
    pub fn forget_task(&mut self, event_loop: Value, task: Value) {
        self.event_loop(event_loop).tasks.retain(|&t| t != task);
    }

    /// Puts a script's handle at the end of the ready queue.
    pub fn push_ready_handle(&mut self, event_loop: Value, handle: Value) {
        if self.heap.kind(handle) == Some(Kind::Handle) {
            self.event_loop_storing(event_loop, &[handle])
                .ready
                .push(handle, Value::NONE);
        }
    }

    /// What is ready, as handles, in order.
    pub fn ready_handles(&mut self, event_loop: Value) -> Vec<Value> {
        let entries = self.event_loop(event_loop).ready.entries();
        let mut handles = Vec::with_capacity(entries.len());
        for entry in entries {
            let handle = if self.heap.kind(entry.target) == Some(Kind::Handle) {
                entry.target
            } else {
                let (callback, args, context) = self.entry_as_call(entry.target, entry.input);
                self.new_handle(callback, &args, event_loop, context, Value::EMPTY)
            };
            handles.push(self.root(handle));
        }
        handles
    }

    /// The timers that scripts have set, in no promised order.
    pub fn timer_handles(&mut self, event_loop: Value) -> Vec<Value> {
        let l = self.event_loop(event_loop);
        let mut targets = l.timers.targets();
        targets.retain(|&target| self.heap.kind(target) == Some(Kind::Handle));
        targets
    }

    /// `loop.close()`: what was to be run never will be.
    ///
    /// # Errors
    /// RuntimeError while it runs.
    pub fn close_loop(&mut self, event_loop: Value) -> PyResult<()> {
        let l = self.event_loop(event_loop);
        if l.running {
            return Err(self.runtime_error("Cannot close a running event loop"));
        }
        l.closed = true;
        l.ready.clear();
        l.timers.clear();
        l.async_generators.clear();
        Ok(())
    }

    // ---- async generators ----------------------------------------------------------

    /// An async generator is about to run for the first time: the running loop
    /// will close it if nobody else does.
    pub fn async_generator_begins(&mut self, generator: Value) {
        self.async_generator_begins_on(self.tasks.running_loop, generator);
    }

    /// As `async_generator_begins`, of a given loop.
    pub fn async_generator_begins_on(&mut self, event_loop: Value, generator: Value) {
        use crate::object::generator::{GenState, Generator};
        if self.heap.kind(generator) != Some(Kind::Generator) {
            return;
        }
        let Some(l) = self.heap.get_mut_storing::<EventLoop>(event_loop, &[]) else {
            return;
        };
        if l.async_generators.len() >= SWEEP_MIN && l.async_generators.len().is_power_of_two() {
            let mut list = std::mem::take(&mut l.async_generators);
            list.retain(|&g| {
                self.heap
                    .get::<Generator>(g)
                    .is_some_and(|g| g.state != GenState::Closed)
            });
            self.event_loop(event_loop).async_generators = list;
        }
        self.event_loop(event_loop).async_generators.push(generator);
        let g = self.heap.cell_mut::<Generator>(generator);
        if g.finalizer().is_empty() || g.finalizer().is_none() {
            g.set_finalizer(event_loop);
        }
    }

    /// The async generators of a loop that have begun and not ended; it forgets them.
    pub fn take_async_generators(&mut self, event_loop: Value) -> Vec<Value> {
        use crate::object::generator::{GenState, Generator};
        let list = std::mem::take(&mut self.event_loop(event_loop).async_generators);
        let open = |&g: &Value| {
            self.heap
                .get::<Generator>(g)
                .is_some_and(|g| g.state != GenState::Closed)
        };
        list.into_iter().filter(open).collect()
    }

    /// An async generator was left unfinished and nothing refers to it any
    /// more: the finalizer hook gets it, which is the loop that first ran it
    /// unless a script has set one. The loop closes it in a task of its own, at
    /// the hop after next. Without a hook it is closed at once, like any generator.
    ///
    /// # Errors
    /// What making the task raises; what a script's hook raises.
    pub fn abandon_async_generator(&mut self, generator: Value) -> PyResult<()> {
        use crate::object::generator::{GenState, Generator};
        let Some(g) = self.heap.get_mut::<Generator>(generator) else {
            return Ok(());
        };
        if g.state != GenState::Suspended {
            return Ok(());
        }
        let hook = g.finalizer();
        if hook.is_empty() {
            return Ok(());
        }
        // It is told once: a collection may find the same generator later.
        g.set_finalizer(Value::EMPTY);
        if hook.is_none() {
            self.close_forgotten(generator);
            return Ok(());
        }
        if self.heap.kind(hook) == Some(Kind::EventLoop) {
            return self.close_async_generator(hook, generator);
        }
        self.call(hook, &[generator])?;
        Ok(())
    }

    /// Has a loop close an async generator in a task of its own, at the hop after next.
    ///
    /// # Errors
    /// What making the task raises.
    pub fn close_async_generator(&mut self, event_loop: Value, generator: Value) -> PyResult<()> {
        let l = self.event_loop(event_loop);
        if l.closed {
            return Ok(());
        }
        l.async_generators.retain(|&g| g != generator);
        let closing = self.call_method(generator, "aclose", &[])?;
        self.root(closing);
        let name = self.heap.intern("create_task");
        let create_task = self.get_attr(event_loop, name)?;
        let context = self.capture_context();
        self.call_soon(event_loop, create_task, &[closing], context)?;
        Ok(())
    }

    /// The loop that is running.
    ///
    /// # Errors
    /// RuntimeError when there is none.
    #[inline]
    pub fn running_loop(&mut self) -> PyResult {
        if self.tasks.running_loop.is_none() {
            if !self.tasks.prompt_loop.is_none() {
                return Ok(self.tasks.prompt_loop);
            }
            return Err(self.runtime_error("no running event loop"));
        }
        Ok(self.tasks.running_loop)
    }

    /// Hands an error to the loop's exception handler.
    ///
    /// # Errors
    /// What the handler lets out: KeyboardInterrupt and SystemExit.
    pub fn report_to_loop(
        &mut self,
        event_loop: Value,
        message: &str,
        exception: Value,
        key: &str,
        value: Value,
    ) -> PyResult<()> {
        let context = self.heap.dict();
        let context = self.root(context);
        let text = self.heap.str(message);
        for (name, value) in [("message", text), ("exception", exception), (key, value)] {
            let name = self.heap.intern(name);
            if !value.is_empty() {
                self.heap.ns_set(context, name, value);
            }
        }
        self.tell_source(context, value);
        self.call_method(event_loop, "call_exception_handler", &[context])?;
        Ok(())
    }

    /// Adds to a report where its subject was made, which debug mode has noted.
    pub(super) fn tell_source(&mut self, context: Value, subject: Value) {
        let name = self.heap.intern("_source_traceback");
        if let Some(source) = self.own_attr(subject, name) {
            let key = self.heap.intern("source_traceback");
            self.heap.ns_set(context, key, source);
        }
    }

    /// Whether an exception leaves the loop rather than being handled in it.
    pub(crate) fn ends_the_loop(&self, raised: Raised) -> bool {
        use crate::object::class::B;
        self.is_instance_of(raised.0, B::KeyboardInterrupt)
            || self.is_instance_of(raised.0, B::SystemExit)
    }
}
