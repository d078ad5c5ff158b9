//! The `raise` statement, the exception being handled, and the host's errors
//! as exceptions. Finding a handler is `unwind`'s part.

use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::object::exception::Exception;
use crate::object::generator::Generator;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

impl Vm {
    pub(crate) fn raise_statement(&mut self, x: u8, exception: Value, cause: Value) -> Raised {
        if x == 0 {
            return match self.handled.given() {
                Some(e) => {
                    self.note_reraise();
                    Raised(e)
                }
                None => self.runtime_error("No active exception to reraise"),
            };
        }
        let exception = match self.exception_to_raise(exception) {
            Ok(e) => e,
            Err(raised) => return raised,
        };
        if x == 2 {
            self.root(exception);
            let is_class = self.heap.kind(cause) == Some(Kind::Class)
                && self.is_subclass(cause, self.class(B::BaseException));
            let cause = if cause.is_none() {
                Value::NONE
            } else if is_class || self.heap.is_exception(cause) {
                match self.exception_to_raise(cause) {
                    Ok(e) => e,
                    Err(raised) => return raised,
                }
            } else {
                return self.type_error("exception causes must derive from BaseException");
            };
            self.roots.pop();
            let e = self.heap.cell_mut::<Exception>(exception);
            e.cause = cause;
            e.suppress_context = true;
        }
        self.set_context(exception);
        Raised(exception)
    }

    /// What `raise exception` raises.
    pub fn raise_given(&mut self, exception: Value) -> Raised {
        self.raise_statement(1, exception, Value::EMPTY)
    }

    /// What `raise exception from cause` raises.
    pub fn raise_from(&mut self, exception: Value, cause: Value) -> Raised {
        self.raise_statement(2, exception, cause)
    }

    /// The exception that `throw(type, value, traceback)` means; what is not
    /// given is None.
    ///
    /// # Errors
    /// TypeError; what the class raises.
    pub fn exception_to_throw(&mut self, class: Value, value: Value, traceback: Value) -> PyResult {
        if let Some(traceback) = traceback.some()
            && self.heap.kind(traceback) != Some(Kind::Traceback)
        {
            return Err(self.type_error("throw() third argument must be a traceback object"));
        }
        let exception = if self.heap.is_exception(class) {
            if value.some().is_some() {
                return Err(self.type_error("instance exception may not have a separate value"));
            }
            class
        } else if self.heap.kind(class) == Some(Kind::Class)
            && self.is_subclass(class, self.class(B::BaseException))
        {
            // What goes wrong here is what the frame sees.
            match self.made_exception(class, value, traceback) {
                Ok(e) | Err(Raised(e)) => e,
            }
        } else {
            let message = format!(
                "exceptions must be classes or instances deriving from BaseException, not {}",
                self.type_name(class)
            );
            return Err(self.type_error(message));
        };
        if let Some(traceback) = traceback.some() {
            let name = self.n(N::traceback);
            self.holding(&[exception], |vm| vm.set_attr(exception, name, traceback))?;
        }
        Ok(exception)
    }

    fn made_exception(&mut self, class: Value, value: Value, traceback: Value) -> PyResult {
        let made = match value.some() {
            Some(v) if self.is_subclass(self.heap.class_of(v), class) => return Ok(v),
            Some(v) => {
                let args = self.heap.as_tuple(v).map_or(vec![v], <[Value]>::to_vec);
                self.holding(&[value, traceback], |vm| vm.call(class, &args))?
            }
            None => self.holding(&[traceback], |vm| vm.call(class, &[]))?,
        };
        if self.heap.is_exception(made) {
            return Ok(made);
        }
        let message = format!(
            "calling {} should have returned an instance of BaseException, not {}",
            self.repr_string(class)?,
            self.type_name(made)
        );
        Err(self.type_error(message))
    }

    /// Raising again adds no entry for the frame that does it: the frame stands
    /// in the traceback already, but where the traceback was replaced or the
    /// exception is a group that `except*` has put together.
    pub(crate) fn note_reraise(&mut self) {
        self.is_reraised = true;
    }

    pub(crate) fn enter_handler(&mut self, exception: Value) -> Value {
        let generator = self.frames.last().map_or(Value::EMPTY, |f| f.generator);
        let saved = match self.heap.get_mut::<Generator>(generator) {
            Some(g) => std::mem::replace(&mut g.handled, exception),
            None => self.handled,
        };
        self.handled = exception;
        saved
    }

    pub(crate) fn leave_handler(&mut self, saved: Value) {
        let Some(frame) = self.frames.last() else {
            return;
        };
        let generator = frame.generator;
        let outer = self.outer_handled();
        self.handled = match self.heap.get_mut::<Generator>(generator) {
            Some(g) => {
                g.handled = saved;
                g.handling().unwrap_or(outer)
            }
            None => saved,
        };
    }

    /// An error of the host as an OSError.
    ///
    /// # Errors
    /// OSError (BrokenPipeError for a closed pipe).
    pub fn os_result<T>(&mut self, result: std::io::Result<T>) -> PyResult<T> {
        result.map_err(|e| {
            let class = match e.kind() {
                std::io::ErrorKind::BrokenPipe => B::BrokenPipeError,
                std::io::ErrorKind::NotFound => B::FileNotFoundError,
                std::io::ErrorKind::PermissionDenied => B::PermissionError,
                _ => B::OSError,
            };
            let text = e.to_string();
            let text = text.split(" (os error").next().unwrap_or("").to_string();
            let args = match e.raw_os_error() {
                Some(code) => {
                    let text = self.heap.str(text);
                    self.heap.tuple(&[Value::small(code as i64), text])
                }
                None => {
                    let text = self.heap.str(text);
                    self.heap.tuple(&[text])
                }
            };
            let mut exception = Exception::new(args);
            if let Some(&[errno, strerror]) = self.heap.as_tuple(args) {
                exception.fields[0] = errno;
                exception.fields[1] = strerror;
            }
            let exception = self.heap.alloc(class.shape(), exception);
            self.raise_given(exception)
        })
    }
}
