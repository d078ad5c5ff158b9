//! Finalizers: `__del__`, callbacks of weak references, the end of frames that were left
//! suspended. The collector finds whose turn it is and in which order; here they are called.

use super::names::N;
use super::resume::flavor_name;
use super::{Input, Outcome, Vm};
use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::object::generator::{GenState, Generator};
use crate::object::weak::WeakRef;
use crate::value::Value;

impl Vm {
    /// Calls the finalizers of what the last collections found unreachable. What they raise is
    /// reported on standard error and forgotten.
    ///
    /// # Errors
    /// None at present; KeyboardInterrupt comes at the next look-up.
    pub fn run_finalizers(&mut self) -> PyResult<()> {
        let pending = self.heap.take_to_finalize();
        if !pending.is_empty() {
            self.finalize_all(&pending);
        }
        Ok(())
    }

    /// A variable has lost what it held. If somebody waits for its end, a finalizer or a weak
    /// reference, a collection finds out whether that has come, as long as such collections cost
    /// little beside the others.
    ///
    /// # Errors
    /// As `run_finalizers`.
    #[cold]
    #[inline(never)]
    pub(super) fn let_go(&mut self, v: Value) -> PyResult<()> {
        if self.heap.affords_release(v) {
            self.heap.let_go(v);
            self.collect();
            self.run_finalizers()?;
        }
        Ok(())
    }

    /// The script is over: what every loop still has to say about its tasks and futures is said
    /// now, and what is left goes, first what nothing refers to.
    pub fn finalize_what_is_left(&mut self) {
        self.report_what_is_left();
        let left = self.heap.take_finalizable();
        if left.is_empty() {
            return;
        }
        for v in left {
            self.heap.add_finalizable(v);
        }
        self.collect();
        // Nothing that it could raise has anywhere to go.
        let _ = self.run_finalizers();
        let left = self.heap.take_finalizable();
        let main = self.heap.ns_get(self.modules, self.n(N::main));
        let variables = main.map_or(Value::NONE, |main| self.module_dict(main));
        let left = self.heap.order_at_exit(variables, left);
        self.finalize_all(&left);
    }

    fn finalize_all(&mut self, pending: &[Value]) {
        self.holding(pending, |vm| {
            for &v in pending {
                if let Err(Raised(e)) = vm.finalize(v) {
                    vm.report_unraisable(e, v);
                }
            }
        });
    }

    fn finalize(&mut self, v: Value) -> PyResult<()> {
        match self.heap.kind(v) {
            // In the list for what their loop has to say, or to be closed; not for a `__del__`.
            Some(Kind::Future | Kind::Generator) => self.report_unreachable(v),
            // Its target has gone.
            Some(Kind::WeakRef) => {
                let callback = self.heap.cell::<WeakRef>(v).callback;
                self.call(callback, &[v]).map(|_| ())
            }
            _ => self.call_special(v, N::del, &[]).map(|_| ()),
        }
    }

    /// Tells `sys.unraisablehook` of an exception that a finalizer raised.
    fn report_unraisable(&mut self, exception: Value, finalized: Value) {
        // CPython 3.13 errors.c _PyErr_WriteUnraisableMsg: an exception that comes from no line
        // has the one that runs.
        if self.n_trace_entries(exception) == 0
            && let Some(frame) = self.frames.last()
        {
            let entry = self.trace_entry(frame);
            self.add_trace(exception, entry);
        }
        let reported = self.holding(&[exception, finalized], |vm| {
            let object = match vm.heap.kind(finalized) {
                Some(Kind::WeakRef) => vm.heap.cell::<WeakRef>(finalized).callback,
                Some(Kind::Generator) => finalized,
                _ => vm.special(finalized, N::del).unwrap_or(finalized),
            };
            let sys = vm.import_module("sys")?;
            vm.call_method(sys, "_report_unraisable", &[exception, object])
        });
        if let Err(Raised(e)) = reported {
            let text = format!(
                "Exception ignored in sys.unraisablehook:\n{}",
                self.format_exception(e)
            );
            // There is nobody left to tell that stderr is gone.
            let _ = self.host.write_stderr(text.as_bytes());
        }
    }

    /// Closes a suspended frame that nothing refers to any more. What that raises has nowhere to
    /// go, as in a finalizer.
    pub(crate) fn close_forgotten(&mut self, generator: Value) {
        if let Err(Raised(e)) = self.close_frame(generator) {
            self.report_unraisable(e, generator);
        }
    }

    /// Raises GeneratorExit where a frame stands; gives what it returns.
    ///
    /// CPython 3.13 genobject.c gen_close.
    ///
    /// # Errors
    /// RuntimeError if it yields; what it raises other than GeneratorExit and StopIteration.
    pub fn close_frame(&mut self, generator: Value) -> PyResult {
        let g = self.heap.cell::<Generator>(generator);
        let (state, flavor) = (g.state, g.flavor);
        if state == GenState::Closed {
            return Ok(Value::NONE);
        }
        let exit = self.raise(B::GeneratorExit, "").0;
        match self.resume(generator, Input::Throw(exit)) {
            Ok(Outcome::Yield(_)) => {
                let what = flavor_name(flavor);
                Err(self.runtime_error(format!("{what} ignored GeneratorExit")))
            }
            Ok(Outcome::Return(value)) => Ok(value),
            Err(Raised(e))
                if self.is_instance_of(e, B::GeneratorExit)
                    || self.is_instance_of(e, B::StopIteration) =>
            {
                Ok(Value::NONE)
            }
            Err(raised) => Err(raised),
        }
    }
}
