//! Tasks, failed futures and async generators that nothing can reach any more,
//! as a collection finds them. A loop lists them without keeping them alive;
//! those about whose end there is something to say are kept once more, and
//! `report_unreachable` says it. Never decides when a collection happens.

use crate::event_loop::EventLoop;
use crate::heap::Heap;
use crate::native::PyResult;
use crate::object::class::B;
use crate::object::future::{Future, TaskSlot};
use crate::object::generator::{Flavor, GenState, Generator};
use crate::value::Value;
use crate::vm::Vm;

impl Heap {
    /// Drops from every loop's lists what is not marked; gives what must be
    /// kept for a report, in the order it was listed.
    pub(crate) fn forget_unreachable(&mut self) -> Vec<Value> {
        let mut lost = Vec::new();
        for event_loop in self.event_loops() {
            let l = self.cell_mut::<EventLoop>(event_loop);
            let (mut tasks, mut failed, mut generators) = (
                std::mem::take(&mut l.tasks),
                std::mem::take(&mut l.failed),
                std::mem::take(&mut l.async_generators),
            );
            tasks.retain(|&task| {
                let f = self.cell::<Future>(task);
                if f.is_done() {
                    return false;
                }
                let is_live = self.is_marked(task);
                let said = f.log_destroy_pending();
                if !is_live {
                    lost.extend(said.then_some(task));
                    let coro = self.task_slot(task, TaskSlot::Coro);
                    let is_begun = self
                        .get::<Generator>(coro)
                        .is_some_and(|g| g.state == GenState::Suspended);
                    if is_begun && !self.is_marked(coro) {
                        lost.push(coro);
                    }
                }
                is_live
            });
            failed.retain(|&future| {
                let logs = self.cell::<Future>(future).log_traceback;
                let is_live = self.is_marked(future);
                if !is_live && logs {
                    lost.push(future);
                }
                is_live && logs
            });
            generators.retain(|&generator| {
                let state = self.cell::<Generator>(generator).state;
                let is_live = self.is_marked(generator);
                if !is_live && state == GenState::Suspended {
                    lost.push(generator);
                }
                is_live && state != GenState::Closed
            });
            let l = self.cell_mut::<EventLoop>(event_loop);
            (l.tasks, l.failed, l.async_generators, l.n_done) = (tasks, failed, generators, 0);
        }
        lost
    }
}

impl Vm {
    /// What CPython does when a task, a future or a suspended frame goes: tells the loop's
    /// exception handler of a pending task and of an exception nobody looked at, closes the frame
    /// or, that of an async generator, has its loop close it.
    ///
    /// # Errors
    /// What the exception handler lets out.
    pub(crate) fn report_unreachable(&mut self, lost: Value) -> PyResult<()> {
        if let Some(g) = self.heap.get::<Generator>(lost) {
            return match (g.flavor, g.state) {
                (Flavor::Coroutine, GenState::Created) => self.warn_of_unawaited(lost),
                (Flavor::AsyncGenerator, _) => self.abandon_async_generator(lost),
                (_, GenState::Suspended) => self.close_frame(lost).map(|_| ()),
                _ => Ok(()),
            };
        }
        let f = self.heap.cell_mut::<Future>(lost);
        let event_loop = f.event_loop;
        if f.is_done() {
            if !std::mem::replace(&mut f.log_traceback, false) {
                return Ok(());
            }
            let exception = f.value;
            let class = self.heap.class_of(lost);
            let message = format!("{} exception was never retrieved", self.class_name(class));
            return self.report_to_loop(event_loop, &message, exception, "future", lost);
        }
        let context = self.heap.dict();
        let context = self.root(context);
        let text = self.heap.str("Task was destroyed but it is pending!");
        for (name, value) in [("task", lost), ("message", text)] {
            let name = self.heap.intern(name);
            self.heap.ns_set(context, name, value);
        }
        self.tell_source(context, lost);
        self.call_method(event_loop, "call_exception_handler", &[context])?;
        Ok(())
    }

    /// What every loop still has to say about its tasks and futures.
    pub(crate) fn report_what_is_left(&mut self) {
        for event_loop in self.heap.event_loops() {
            let l = self.event_loop(event_loop);
            let mut left = std::mem::take(&mut l.failed);
            left.extend(std::mem::take(&mut l.tasks).into_iter().filter(|&task| {
                self.heap
                    .get::<Future>(task)
                    .is_some_and(|f| !f.is_done() && f.log_destroy_pending())
            }));
            self.holding(&left, |vm| {
                for &lost in &left {
                    // There is nobody left to raise it to.
                    let _ = vm.report_unreachable(lost);
                    let coro = vm.heap.task_slot(lost, TaskSlot::Coro);
                    let g = vm.heap.get::<Generator>(coro);
                    if g.is_some_and(|g| g.state == GenState::Suspended) {
                        vm.close_forgotten(coro);
                    }
                }
            });
        }
    }

    /// A coroutine that was made and never awaited.
    ///
    /// # Errors
    /// The warning, where a filter makes it an error.
    fn warn_of_unawaited(&mut self, coroutine: Value) -> PyResult<()> {
        let warnings = self.import_module("warnings")?;
        let name = self.heap.intern("_warn_unawaited_coroutine");
        let warn = self.get_attr_opt(warnings, name)?;
        if let Some(warn) = warn {
            self.call(warn, &[coroutine])?;
            return Ok(());
        }
        // A script has taken it away.
        let (_, qualname) = self.heap.generator_names(coroutine);
        let qualname = self.heap.string(qualname);
        let message = self
            .heap
            .str(format!("coroutine '{qualname}' was never awaited"));
        let category = self.class(B::RuntimeWarning);
        self.call_method(warnings, "warn", &[message, category])?;
        Ok(())
    }
}
