//! `with` and `async with`: finding and calling the two methods.

use crate::native::PyResult;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

impl Vm {
    /// The bound `__exit__` of a manager, and the result of its `__enter__`
    /// (for `async with`: the awaitable).
    ///
    /// # Errors
    /// TypeError when it is no context manager; what `__enter__` raises.
    pub(crate) fn enter_with(
        &mut self,
        manager: Value,
        is_async: bool,
    ) -> PyResult<(Value, Value)> {
        let (enter_name, exit_name) = if is_async {
            (N::aenter, N::aexit)
        } else {
            (N::enter, N::exit)
        };
        let class = self.heap.class_of(manager);
        let enter = self.special(manager, enter_name);
        let exit = self.special(manager, exit_name);
        let (Some(enter), Some(exit)) = (enter, exit) else {
            let protocol = if is_async {
                "asynchronous context manager"
            } else {
                "context manager"
            };
            let mut message = format!(
                "'{}' object does not support the {protocol} protocol",
                self.type_name(manager)
            );
            if enter.is_some() {
                let missing = exit_name.text();
                message.push_str(&format!(" (missed {missing} method)"));
            }
            return Err(self.type_error(message));
        };
        let exit = self.bind(exit, manager, class)?;
        self.root(exit);
        let entered = self.call_attr(enter, manager, class, &[])?;
        Ok((exit, entered))
    }

    /// `__exit__` after an exception.
    ///
    /// # Errors
    /// What it raises.
    pub(crate) fn exit_with_exception(&mut self, exit: Value, exception: Value) -> PyResult {
        let class = self.heap.class_of(exception);
        let traceback = self.traceback_of(exception);
        self.root(traceback);
        self.call(exit, &[class, exception, traceback])
    }
}
