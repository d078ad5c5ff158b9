//! `with` and `async with`: finding and calling the two methods.

use crate::native::PyResult;
use crate::object::function::{Function, Method};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// What came of calling `__aenter__`, to be awaited.
pub(crate) enum Entered {
    /// It is done already.
    Done(Value),
    /// An async function of one argument, not called yet.
    Function(Value),
    Awaitable(Value),
}

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
        let class = self.heap.class_of(manager);
        let (enter, exit) = self.with_methods(manager, is_async)?;
        let exit = self.bind(exit, manager, class)?;
        self.root(exit);
        let entered = self.call_attr(enter, manager, class, &[])?;
        Ok((exit, entered))
    }

    /// As `enter_with` for `async with`, whose awaitable is awaited next: an
    /// async function's frame is left to the caller to make and link.
    ///
    /// # Errors
    /// As `enter_with`.
    pub(crate) fn enter_async_with(&mut self, manager: Value) -> PyResult<(Value, Entered)> {
        let class = self.heap.class_of(manager);
        let (enter, exit) = self.with_methods(manager, true)?;
        let exit = self.bind(exit, manager, class)?;
        self.root(exit);
        if let Some(f) = self.heap.get::<Function>(enter)
            && f.is_coroutine
            && f.plain_args == 1
        {
            return Ok((
                exit,
                match self.finish_at_once(enter, &[manager])? {
                    Some(value) => Entered::Done(value),
                    None => Entered::Function(enter),
                },
            ));
        }
        let awaitable = self.call_attr(enter, manager, class, &[])?;
        Ok((exit, Entered::Awaitable(awaitable)))
    }

    /// The async function and the instance behind a bound `__aexit__` that can
    /// be called without binding arguments.
    pub(crate) fn plain_async_exit(&self, exit: Value) -> Option<(Value, Value)> {
        let method = self.heap.get::<Method>(exit)?;
        let f = self.heap.get::<Function>(method.func)?;
        (f.is_coroutine && f.plain_args == 4).then_some((method.func, method.this))
    }

    /// The classes' attributes for entering and leaving.
    fn with_methods(&mut self, manager: Value, is_async: bool) -> PyResult<(Value, Value)> {
        let (enter_name, exit_name) = if is_async {
            (N::aenter, N::aexit)
        } else {
            (N::enter, N::exit)
        };
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
        Ok((enter, exit))
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
