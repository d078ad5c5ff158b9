//! Ctrl-C. By itself it is a KeyboardInterrupt wherever the program is; while
//! `asyncio.run` has a main task, the first one cancels that task instead.

use crate::native::PyResult;
use crate::object::class::B;
use crate::object::future::Future;
use crate::value::Value;
use crate::vm::Vm;

/// Who answers Ctrl-C.
#[derive(Clone, Copy)]
pub struct Interrupts {
    /// The task to cancel; None when there is none.
    pub main: Value,
    /// How many came since `main` was set.
    pub count: u32,
    /// `main` is still to be cancelled, at the loop's next chance.
    cancel_due: bool,
}

impl Default for Interrupts {
    fn default() -> Interrupts {
        Interrupts {
            main: Value::NONE,
            count: 0,
            cancel_due: false,
        }
    }
}

impl Vm {
    /// From now on Ctrl-C cancels `main` (None: raises KeyboardInterrupt).
    /// Gives what it did before.
    pub fn catch_interrupts(&mut self, main: Value) -> Interrupts {
        std::mem::replace(
            &mut self.tasks.interrupts,
            Interrupts {
                main,
                count: 0,
                cancel_due: false,
            },
        )
    }

    /// Ctrl-C was pressed and the program is at a safepoint.
    ///
    /// # Errors
    /// KeyboardInterrupt, unless there is a main task to cancel.
    pub(crate) fn answer_interrupt(&mut self) -> PyResult<()> {
        // CPython 3.13 runners.py Runner._on_sigint: only the first one
        // cancels, so that a task that refuses can still be stopped.
        let interrupts = &mut self.tasks.interrupts;
        let main = interrupts.main;
        if !main.is_none() {
            interrupts.count += 1;
            // What a script's factory made need not be a task of ours.
            let is_done = self.heap.get::<Future>(main).is_some_and(Future::is_done);
            if interrupts.count == 1 && !is_done {
                interrupts.cancel_due = true;
                return Ok(());
            }
        }
        Err(self.raise(B::KeyboardInterrupt, ""))
    }

    /// Cancels the main task if Ctrl-C asked for it.
    ///
    /// # Errors
    /// What `cancel()` of what it waits for raises.
    #[inline]
    pub(crate) fn cancel_if_interrupted(&mut self) -> PyResult<()> {
        if self.tasks.interrupts.cancel_due {
            self.tasks.interrupts.cancel_due = false;
            self.call_method(self.tasks.interrupts.main, "cancel", &[])?;
        }
        Ok(())
    }
}
