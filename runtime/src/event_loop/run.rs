//! Running a loop: iterations of taking what is due, then running what is
//! ready at that moment and nothing that becomes ready meanwhile.

use crate::event_loop::EventLoop;
use crate::event_loop::ready::Entry;
use crate::event_loop::timers::Timer;
use crate::heap::{Heap, Kind};
use crate::native::PyResult;
use crate::object::future::Future;
use crate::object::handle::Handle;
use crate::planted::{self, Bug};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// CPython's resolution of the monotonic clock: a timer is due this much early.
const CLOCK_RESOLUTION_S: f64 = 1e-9;

impl Vm {
    /// Runs iterations of a loop until it is told to stop.
    ///
    /// # Errors
    /// KeyboardInterrupt and SystemExit of what it runs; DeadlockError when
    /// nothing can ever wake.
    pub fn run_loop(&mut self, event_loop: Value) -> PyResult<()> {
        loop {
            self.holding(&[], |vm| vm.run_once(event_loop))?;
            if self.event_loop(event_loop).stopping {
                return Ok(());
            }
        }
    }

    /// Runs what is due and ready now, without waiting: for a session whose
    /// prompt waits. Gives the seconds until there is more to do; None when
    /// nothing is scheduled.
    ///
    /// # Errors
    /// KeyboardInterrupt and SystemExit of what it runs.
    pub fn run_due(&mut self, event_loop: Value) -> PyResult<Option<f64>> {
        self.drop_cancelled_timers(event_loop);
        let before = std::mem::replace(&mut self.tasks.running_loop, event_loop);
        let result = self.holding(&[], |vm| vm.run_ready(event_loop));
        self.tasks.running_loop = before;
        result?;
        let now_s = self.loop_time_s(event_loop)?;
        let l = self.event_loop(event_loop);
        if !l.ready.is_empty() {
            return Ok(Some(0.0));
        }
        Ok(l.timers
            .first()
            .map(|timer| (timer.when_s() - now_s).max(0.0)))
    }

    /// One iteration. Where a script has its own clock, it is asked for the time.
    ///
    /// # Errors
    /// As `run_loop`.
    pub fn run_once(&mut self, event_loop: Value) -> PyResult<()> {
        self.notice_changed_class(event_loop);
        self.drop_cancelled_timers(event_loop);
        let l = self.heap.cell::<EventLoop>(event_loop);
        if l.has_selector {
            self.ask_selector(event_loop)?;
        } else if l.ready.is_empty() && !l.stopping {
            let (first, own_clock, n_outside) = (l.timers.first(), l.own_clock, l.n_outside);
            match first {
                Some(timer) if own_clock => {
                    let delay_s = timer.when_s() - self.loop_time_s(event_loop)?;
                    let now_s = self.monotonic_s();
                    self.sleep_until_s(now_s + delay_s);
                }
                Some(timer) => self.sleep_until_s(timer.when_s()),
                None if n_outside == 0 => return self.deadlock(event_loop),
                None => {}
            }
        }
        self.run_ready(event_loop)
    }

    /// A script has given the loop a selector of its own: it is asked in each
    /// iteration, and does the waiting.
    #[cold]
    fn ask_selector(&mut self, event_loop: Value) -> PyResult<()> {
        let Some(selector) = self.own_attr(event_loop, self.n(N::selector)) else {
            return Ok(());
        };
        let l = self.event_loop(event_loop);
        let idle = l.ready.is_empty() && !l.stopping;
        let first_s = l.timers.first().filter(|_| idle).map(|t| t.when_s());
        let timeout = match first_s {
            Some(when_s) => {
                let delay_s = (when_s - self.loop_time_s(event_loop)?).max(0.0);
                self.heap.float(delay_s)
            }
            None if idle => Value::NONE,
            None => Value::small(0),
        };
        self.root(selector);
        self.root(timeout);
        let events = self.call_method(selector, "select", &[timeout])?;
        self.root(events);
        self.call_method(event_loop, "_process_events", &[events])?;
        let l = self.event_loop(event_loop);
        if let Some(when_s) = first_s
            && l.ready.is_empty()
            && !l.own_clock
            && self.host.is_virtual()
        {
            // No time goes by in a selector: what it was to wait for comes now.
            self.sleep_until_s(when_s);
        }
        Ok(())
    }

    /// The second half of an iteration: what is due becomes ready, and what is
    /// ready at that moment runs.
    fn run_ready(&mut self, event_loop: Value) -> PyResult<()> {
        if self.interrupted() {
            self.heap.countdown = 0;
        }
        self.tick()?;
        self.cancel_if_interrupted()?;
        self.take_due_timers(event_loop)?;
        let n = self.event_loop(event_loop).ready.len();
        let n = if planted::is(Bug::RunsWhatCameMeanwhile) {
            n + 16
        } else {
            n
        };
        for _ in 0..n {
            let l = self.event_loop(event_loop);
            let Some(entry) = l.ready.pick() else { break };
            if let Some(run) = &mut l.run_since_deadlock {
                *run += 1;
            }
            let later = l.ready.ahead(4);
            self.heap.will_use(later);
            self.holding(&[entry.target, entry.input], |vm| {
                if vm.event_loop(event_loop).debug {
                    return vm.run_entry_timed(event_loop, entry);
                }
                vm.run_entry(event_loop, entry)
            })?;
            self.cancel_if_interrupted()?;
        }
        Ok(())
    }

    fn drop_cancelled_timers(&mut self, event_loop: Value) {
        let l = self.event_loop(event_loop);
        if l.timers.n_cancelled == 0 {
            return;
        }
        let mut timers = std::mem::take(&mut l.timers);
        timers.drop_cancelled(|timer| is_cancelled(&self.heap, timer));
        self.event_loop(event_loop).timers = timers;
    }

    fn take_due_timers(&mut self, event_loop: Value) -> PyResult<()> {
        if self.event_loop(event_loop).timers.is_empty() {
            return Ok(());
        }
        let end_s = self.loop_time_s(event_loop)? + CLOCK_RESOLUTION_S;
        let end_s = if planted::is(Bug::EarlyTimer) {
            end_s + 0.1
        } else {
            end_s
        };
        let l = self.event_loop(event_loop);
        while let Some(timer) = l.timers.first()
            && timer.when_s() < end_s
        {
            l.timers.pop();
            l.ready.push(timer.target, timer.input);
        }
        Ok(())
    }

    /// `run_entry` in debug mode: one that takes long is told of.
    #[cold]
    fn run_entry_timed(&mut self, event_loop: Value, entry: Entry) -> PyResult<()> {
        let start_s = self.loop_time_s(event_loop)?;
        self.run_entry(event_loop, entry)?;
        let duration_s = self.loop_time_s(event_loop)? - start_s;
        let handle = match self.heap.kind(entry.target) {
            Some(Kind::Handle) => entry.target,
            _ => {
                let (callback, args, context) = self.entry_as_call(entry.target, entry.input);
                self.new_handle(callback, &args, event_loop, context, Value::EMPTY)
            }
        };
        let handle = self.root(handle);
        let duration = self.heap.float(duration_s);
        self.call_method(event_loop, "_has_run", &[handle, duration])?;
        Ok(())
    }

    fn run_entry(&mut self, event_loop: Value, entry: Entry) -> PyResult<()> {
        let Entry { target, input } = entry;
        match self.heap.kind(target) {
            Some(Kind::Future) => {
                let f = self.heap.cell::<Future>(target);
                if !f.is_task() {
                    if planted::is(Bug::ExtraHop) && f.is_timed() {
                        self.heap.cell_mut::<Future>(target).set_timed(false);
                        return self.make_ready(event_loop, target, input);
                    }
                    return if f.is_done() {
                        Ok(())
                    } else {
                        self.finish_future(target, input)
                    };
                }
                let result = if self.heap.kind(input) == Some(Kind::Future) {
                    self.task_wakeup(target, input)
                } else {
                    self.task_step(target, input)
                };
                match result {
                    Err(raised) if !self.ends_the_loop(raised) => {
                        let (callback, args, context) = self.entry_as_call(target, input);
                        let handle =
                            self.new_handle(callback, &args, event_loop, context, Value::EMPTY);
                        self.callback_failed(handle, raised.0)
                    }
                    result => result,
                }
            }
            Some(Kind::Native) => self.run_callback(event_loop, target, input),
            _ => self.run_handle(target),
        }
    }

    /// Calls a native that waited for a future without a handle.
    fn run_callback(&mut self, event_loop: Value, callback: Value, future: Value) -> PyResult<()> {
        let context = Value::NONE;
        let result = self.in_context(context, callback, |vm| vm.call_one(callback, future));
        match result {
            Ok(_) => Ok(()),
            Err(raised) if self.ends_the_loop(raised) => Err(raised),
            Err(raised) => {
                self.root(raised.0);
                let handle =
                    self.new_handle(callback, &[future], event_loop, context, Value::EMPTY);
                self.callback_failed(handle, raised.0)
            }
        }
    }

    /// Makes a handle's call unless it was cancelled.
    ///
    /// # Errors
    /// KeyboardInterrupt and SystemExit; others go to the loop's exception handler.
    pub fn run_handle(&mut self, handle: Value) -> PyResult<()> {
        let h = self.heap.cell_mut::<Handle>(handle);
        h.scheduled = false;
        if h.cancelled {
            return Ok(());
        }
        let (callback, args, one_arg, context) = (h.callback, h.args, h.one_arg, h.context);
        let result = self.in_context(context, handle, |vm| {
            if one_arg {
                return vm.call_one(callback, args);
            }
            let args: smallvec::SmallVec<[Value; 4]> = vm.heap.tuple_items(args).into();
            vm.call(callback, &args)
        });
        match result {
            Ok(_) => Ok(()),
            Err(raised) if self.ends_the_loop(raised) => Err(raised),
            Err(raised) => self.callback_failed(handle, raised.0),
        }
    }

    fn callback_failed(&mut self, handle: Value, exception: Value) -> PyResult<()> {
        self.root(handle);
        self.root(exception);
        let h = self.heap.cell::<Handle>(handle);
        let (callback, event_loop) = (h.callback, h.event_loop);
        let args = self.heap.handle_args(handle);
        let shown = self.callback_source(callback, args, event_loop)?;
        self.report_to_loop(
            event_loop,
            &format!("Exception in callback {shown}"),
            exception,
            "handle",
            handle,
        )
    }

    /// How messages call a callback: name, arguments left out, place.
    fn callback_source(
        &mut self,
        callback: Value,
        args: Value,
        event_loop: Value,
    ) -> PyResult<String> {
        let hook = self.tasks.hooks.callback_source;
        if hook.is_none() {
            return self.repr_string(callback);
        }
        let text = self.call(hook, &[callback, args, event_loop])?;
        Ok(self
            .heap
            .as_str(text)
            .map_or(String::new(), |t| t.to_lossy()))
    }
}

/// Whether a timer has nothing left to do.
fn is_cancelled(heap: &Heap, timer: Timer) -> bool {
    match heap.get::<Handle>(timer.target) {
        Some(handle) => handle.cancelled,
        None => heap.get::<Future>(timer.target).is_none_or(|f| f.is_done()),
    }
}
