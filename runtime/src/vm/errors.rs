//! Making exceptions: one function per common class, texts as CPython's.

use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::object::exception::Exception;
use crate::text::pystr::PyStr;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

macro_rules! error_fns {
    ($($name:ident = $class:ident;)*) => {
        impl Vm {
            $(#[doc = concat!("A new ", stringify!($class), ".")]
            #[cold]
            pub fn $name(&mut self, message: impl Into<PyStr>) -> Raised {
                self.raise(B::$class, message)
            })*
        }
    };
}

error_fns! {
    type_error = TypeError;
    value_error = ValueError;
    index_error = IndexError;
    attribute_error = AttributeError;
    name_error = NameError;
    runtime_error = RuntimeError;
    overflow_error = OverflowError;
    zero_division = ZeroDivisionError;
    import_error = ImportError;
    lookup_error = LookupError;
    unsupported = Unsupported;
    not_implemented_error = NotImplementedError;
}

/// A class's name as CPython's `%.100s` and its likes show it in UTF-8: what is left of a
/// character is no character.
fn cut(name: String, bytes_max: usize) -> String {
    if name.len() <= bytes_max {
        return name;
    }
    String::from_utf8_lossy(&name.as_bytes()[..bytes_max]).into_owned()
}

impl Vm {
    /// A new exception of a builtin class with one argument, its message; none
    /// when that is empty. Its context is the exception being handled.
    #[cold]
    pub fn raise(&mut self, class: B, message: impl Into<PyStr>) -> Raised {
        let message = message.into();
        let args = if message.is_empty() {
            self.heap.tuple(&[])
        } else {
            let message = self.heap.str(message);
            self.heap.tuple(&[message])
        };
        self.raise_args(class, args)
    }

    /// A new exception of a builtin class with one argument.
    #[cold]
    pub fn raise_value(&mut self, class: B, arg: Value) -> Raised {
        let args = self.heap.tuple(&[arg]);
        self.raise_args(class, args)
    }

    /// A KeyError for `key`.
    #[cold]
    pub fn key_error(&mut self, key: Value) -> Raised {
        self.raise_value(B::KeyError, key)
    }

    /// A KeyError as `PyErr_SetObject` of CPython makes it: a tuple is all its arguments, None is
    /// no argument.
    #[cold]
    pub fn key_error_of(&mut self, key: Value) -> Raised {
        let args = match self.heap.as_tuple(key) {
            Some(_) => key,
            None if key.is_none() => self.heap.tuple(&[]),
            None => self.heap.tuple(&[key]),
        };
        self.raise_args(B::KeyError, args)
    }

    /// StopIteration, its value `value` (no argument when that is None).
    #[cold]
    pub fn stop_iteration(&mut self, value: Value) -> Raised {
        let args = if value.is_none() {
            self.heap.tuple(&[])
        } else {
            self.heap.tuple(&[value])
        };
        let raised = self.raise_args(B::StopIteration, args);
        self.heap.cell_mut::<Exception>(raised.0).fields[0] = value;
        raised
    }

    fn raise_args(&mut self, class: B, args: Value) -> Raised {
        let mut exception = Exception::new(args);
        // CPython 3.13 errors.c _PyErr_NoMemory: there may be no memory to look for a context.
        if let Some(handled) = self.handled.given()
            && class != B::MemoryError
        {
            exception.context = handled;
        }
        if class == B::StopIteration {
            exception.fields[0] = self
                .heap
                .tuple_items(args)
                .first()
                .copied()
                .unwrap_or(Value::NONE);
        }
        Raised(self.heap.alloc(class.shape(), exception))
    }

    /// The name of a value's class, for messages: CPython cuts it, mostly at this length.
    pub fn type_name(&self, v: Value) -> String {
        self.type_name_within(v, 200)
    }

    /// As `type_name`, where CPython cuts it at another number of bytes.
    pub fn type_name_within(&self, v: Value, bytes_max: usize) -> String {
        cut(self.type_name_of(self.heap.class_of(v)), bytes_max)
    }

    /// The name of a value's class, for what shows all of it.
    pub fn type_name_whole(&self, v: Value) -> String {
        self.type_name_of(self.heap.class_of(v))
    }

    /// As `type_name_whole`, of the class itself.
    pub fn type_name_of(&self, class: Value) -> String {
        let name = self.class_name(class);
        match self.heap.get::<crate::object::class::Class>(class) {
            Some(c) if c.named_with_module => match self.heap.ns_get(c.attrs, self.n(N::module)) {
                Some(module) => format!("{}.{name}", self.heap.string(module)),
                None => name,
            },
            _ => name,
        }
    }

    /// As `type_name_of`, cut at a number of bytes as CPython's messages do.
    pub fn type_name_of_within(&self, class: Value, bytes_max: usize) -> String {
        cut(self.type_name_of(class), bytes_max)
    }

    /// The `__name__` of a class.
    pub fn class_name(&self, class: Value) -> String {
        match self.heap.get::<crate::object::class::Class>(class) {
            Some(c) => self.heap.string(c.name),
            None => String::from("?"),
        }
    }

    /// As `class_name`, cut at a number of bytes as CPython's messages do.
    pub fn class_name_within(&self, class: Value, bytes_max: usize) -> String {
        cut(self.class_name(class), bytes_max)
    }

    /// Whether an exception is an instance of a builtin class or of a subclass.
    pub fn is_instance_of(&self, v: Value, class: B) -> bool {
        self.is_subclass(self.heap.class_of(v), self.class(class))
    }

    /// Whether `class` has `of` in its MRO.
    pub fn is_subclass(&self, class: Value, of: Value) -> bool {
        class == of
            || self
                .heap
                .get::<crate::object::class::Class>(class)
                .is_some_and(|c| c.mro.contains(&of))
    }
}

impl Vm {
    /// `warnings.warn(message, category)` for the code that called a native.
    ///
    /// # Errors
    /// The warning, where a filter makes it an error; what a script's
    /// `showwarning` raises.
    pub fn warn(&mut self, category: B, message: &str) -> PyResult<()> {
        let warnings = self.import_module("warnings")?;
        let category = self.class(category);
        let message = self.heap.str(message);
        self.call_method(warnings, "warn", &[message, category])?;
        Ok(())
    }
}
