//! `async for`: the asynchronous iterator and its next awaitable; the
//! operations of async generators.

use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::object::exception::Exception;
use crate::object::generator::{AsyncGenAction, AsyncGenOp, Flavor, GenState, Generator};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

impl Vm {
    /// What `async for` iterates over.
    ///
    /// # Errors
    /// TypeError when it is no asynchronous iterable; what `__aiter__` raises.
    pub fn aiter(&mut self, v: Value) -> PyResult {
        if let Some(g) = self.heap.get_mut::<Generator>(v)
            && g.flavor == Flavor::AsyncGenerator
        {
            g.fresh &= g.state == GenState::Created;
            return Ok(v);
        }
        let Some(iterator) = self.call_special(v, N::aiter, &[])? else {
            let message = format!(
                "'async for' requires an object with __aiter__ method, got {}",
                self.type_name_within(v, 100)
            );
            return Err(self.type_error(message));
        };
        if self.special(iterator, N::anext).is_none() {
            let message = format!(
                "'async for' received an object from __aiter__ that does not implement __anext__: {}",
                self.type_name_within(iterator, 100)
            );
            return Err(self.type_error(message));
        }
        Ok(iterator)
    }

    /// The awaitable of an asynchronous iterator's next item.
    ///
    /// # Errors
    /// TypeError; what `__anext__` raises.
    pub fn anext(&mut self, v: Value) -> PyResult {
        if self.heap.is_exact(v, B::AsyncGenerator) {
            return self.async_gen_op(v, AsyncGenAction::Send, Value::NONE);
        }
        match self.call_special(v, N::anext, &[])? {
            Some(awaitable) if self.is_awaitable(awaitable) => Ok(awaitable),
            Some(other) => {
                let name = self.type_name_within(other, 100);
                let cause =
                    self.type_error(format!("object {name} can't be used in 'await' expression"));
                Err(self.invalid_anext(other, cause.0))
            }
            None => {
                let message = format!(
                    "'async for' requires an iterator with __anext__ method, got {}",
                    self.type_name_within(v, 100)
                );
                Err(self.type_error(message))
            }
        }
    }

    /// The error of `async for` over what gives no awaitables.
    pub(crate) fn invalid_anext(&mut self, found: Value, cause: Value) -> Raised {
        let message = format!(
            "'async for' received an invalid object from __anext__: {}",
            self.type_name(found)
        );
        let raised = self.type_error(message);
        let e = self.heap.cell_mut::<Exception>(raised.0);
        e.cause = cause;
        e.context = cause;
        e.suppress_context = true;
        raised
    }

    /// `asend`, `athrow`, `aclose` of an async generator: an awaitable.
    ///
    /// # Errors
    /// What the loop's first-iteration hook raises.
    pub fn async_gen_op(
        &mut self,
        generator: Value,
        action: AsyncGenAction,
        value: Value,
    ) -> PyResult {
        let g = self.heap.cell_mut::<Generator>(generator);
        debug_assert!(g.flavor == Flavor::AsyncGenerator);
        if !g.hooked {
            g.hooked = true;
            g.set_finalizer(self.asyncgen_finalizer);
            let firstiter = self.asyncgen_firstiter;
            if firstiter.is_none() {
                self.async_generator_begins(generator);
            } else {
                self.holding(&[value], |vm| vm.call(firstiter, &[generator]))?;
            }
            // A loop lists those that it closes.
            let finalizer = self.heap.cell::<Generator>(generator).finalizer();
            if self.heap.kind(finalizer) != Some(Kind::EventLoop) {
                self.heap.add_finalizable(generator);
            }
        }
        let class = if action == AsyncGenAction::Send {
            B::AsyncGenAsend
        } else {
            B::AsyncGenAthrow
        };
        Ok(self.heap.alloc(
            class.shape(),
            AsyncGenOp {
                generator,
                action,
                value,
                state: GenState::Created,
            },
        ))
    }

    /// Whether two values are the same object.
    #[inline(always)]
    pub fn is_same(&self, a: Value, b: Value) -> bool {
        a == b
    }

    /// Whether `v` may stand behind `await`.
    pub fn is_awaitable(&mut self, v: Value) -> bool {
        match self.heap.kind(v) {
            Some(Kind::Generator) => {
                let g = self.heap.cell::<Generator>(v);
                let func = g.func;
                g.flavor == Flavor::Coroutine
                    || g.flavor == Flavor::Generator
                        && self
                            .heap
                            .get::<crate::object::function::Function>(func)
                            .is_some_and(|f| f.marked_coroutine)
            }
            Some(Kind::Future | Kind::AsyncGenOp) => true,
            _ => self.special(v, N::await_).is_some(),
        }
    }
}
