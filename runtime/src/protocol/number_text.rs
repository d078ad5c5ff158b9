//! Numbers from and to text, with the limit on the digits of large ints.

use crate::native::PyResult;
use crate::object::class::B;
use crate::text::float;
use crate::text::int::{self, ParseError};
use crate::text::pystr::PyStr;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// The limit on the digits of ints as text.
    pub fn int_digits_max(&self) -> usize {
        self.int_digits_max
    }

    /// Sets the limit; 0 is none.
    pub fn set_int_digits_max(&mut self, n: usize) {
        self.int_digits_max = n;
    }

    /// The decimal text of an int (subclass instances too).
    ///
    /// # Errors
    /// ValueError beyond the limit of digits.
    pub fn int_text(&mut self, v: Value) -> PyResult<PyStr> {
        if let Some(n) = self.heap.as_i64(v) {
            return Ok(n.to_string().into());
        }
        let limit = self.int_digits_max();
        let n = self.heap.as_big(v).unwrap_or_default();
        int::to_decimal(&n, limit)
            .map(PyStr::from)
            .map_err(|error| self.value_error(error.message()))
    }

    /// `int(text, base)`.
    ///
    /// # Errors
    /// ValueError.
    pub fn int_from_str(&mut self, text: &PyStr, base: i64) -> PyResult {
        let limit = self.int_digits_max();
        match int::parse(text, base, limit) {
            Ok(n) => Ok(self.heap.big(n)),
            Err(
                error @ (ParseError::BadBase
                | ParseError::Invalid
                | ParseError::TooManyDigits { .. }),
            ) => Err(self.value_error(error.message(text, base))),
        }
    }

    /// As `int_from_str`, where `given` has the text: what is no literal is shown by its own repr,
    /// and bytes of any class as plain ones.
    ///
    /// CPython 3.13 longobject.c PyLong_FromUnicodeObject, _PyLong_FromBytes.
    ///
    /// # Errors
    /// ValueError; what the repr raises.
    pub fn int_from_text_of(&mut self, text: &PyStr, base: i64, given: Value) -> PyResult {
        let is_plain = self.heap.is_exact(given, B::Str);
        let limit = self.int_digits_max();
        if is_plain || !matches!(int::parse(text, base, limit), Err(ParseError::Invalid)) {
            return self.int_from_str(text, base);
        }
        let shown = match self.bytes_or_none(given) {
            Some(mut data) => {
                data.truncate(200);
                self.heap.bytes(data)
            }
            None => given,
        };
        self.root(shown);
        let shown: String = self.repr_string(shown)?.chars().take(200).collect();
        Err(self.value_error(format!(
            "invalid literal for int() with base {base}: {shown}"
        )))
    }

    /// `float(text)`; `shown` is the argument, for the message.
    ///
    /// # Errors
    /// ValueError.
    pub fn float_from_str(&mut self, text: &PyStr, shown: Value) -> PyResult {
        match float::parse(text) {
            Some(f) => Ok(self.heap.float(f)),
            None => {
                let shown = self.repr_string(shown)?;
                Err(self.value_error(format!("could not convert string to float: {shown}")))
            }
        }
    }
}
