//! Turning values into plain numbers: `__index__`, `__float__`, `__len__`.

use crate::heap::Kind;
use crate::native::PyResult;
use crate::object::class::B;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

impl Vm {
    /// Whether `v` is an int or its class has `__index__`.
    pub fn has_index(&mut self, v: Value) -> bool {
        self.heap.is_int(v)
            || (self.exact_builtin(v).is_none() && self.special(v, N::index).is_some())
    }

    /// Whether the class of `v` makes a number of it: CPython 3.13 abstract.c PyNumber_Check.
    pub fn is_number(&mut self, v: Value) -> bool {
        [N::index, N::int, N::float]
            .into_iter()
            .any(|name| self.special(v, name).is_some())
    }

    /// The plain int that `v` stands for.
    ///
    /// # Errors
    /// TypeError if it has no `__index__`.
    pub fn index(&mut self, v: Value) -> PyResult {
        if v.is_int() || self.heap.is_exact(v, B::Int) {
            return Ok(v);
        }
        if let Some(n) = self.plain_int(v) {
            return Ok(n);
        }
        match self.call_special(v, N::index, &[])? {
            Some(result) => match self.plain_int(result) {
                Some(n) if result.is_int() || self.heap.is_exact(result, B::Int) => Ok(n),
                Some(n) => {
                    self.warn_of_subclass("__index__", "int", result)?;
                    Ok(n)
                }
                None => {
                    let name = self.type_name(result);
                    Err(self.type_error(format!("__index__ returned non-int (type {name})")))
                }
            },
            None => {
                let name = self.type_name(v);
                Err(self.type_error(format!(
                    "'{name}' object cannot be interpreted as an integer"
                )))
            }
        }
    }

    /// What `__index__` or another conversion gave is an instance of a subclass:
    /// CPython takes it with a warning.
    ///
    /// # Errors
    /// As `warn`.
    #[cold]
    pub fn warn_of_subclass(&mut self, what: &str, of: &str, result: Value) -> PyResult<()> {
        let name = self.type_name(result);
        let message = format!(
            "{what} returned non-{of} (type {name}).  The ability to return an instance of a \
             strict subclass of {of} is deprecated, and may not be supported in a future version \
             of Python."
        );
        self.holding(&[result], |vm| vm.warn(B::DeprecationWarning, &message))
    }

    /// The int in an int, a bool, or an instance of a subclass, as an exact int.
    pub fn plain_int(&mut self, v: Value) -> Option<Value> {
        if v.is_int() {
            return Some(v);
        }
        if let Some(b) = v.as_bool() {
            return Some(Value::small(b as i64));
        }
        if self.heap.is_exact(v, B::Int) {
            return Some(v);
        }
        let n = self.heap.as_big(v)?;
        Some(self.heap.big(n))
    }

    /// `v` as an index-sized integer.
    ///
    /// # Errors
    /// TypeError; OverflowError where it doesn't fit.
    pub fn index_i64(&mut self, v: Value) -> PyResult<i64> {
        self.index_i64_or(v, B::OverflowError)
    }

    /// As `index_i64`, with another class of error where it doesn't fit.
    ///
    /// # Errors
    /// As said.
    pub fn index_i64_or(&mut self, v: Value, too_large: B) -> PyResult<i64> {
        if let Some(n) = v.as_int() {
            return Ok(n);
        }
        let n = self.index(v)?;
        match self.heap.as_i64(n) {
            Some(n) => Ok(n),
            None => {
                let name = self.type_name(v);
                Err(self.raise(
                    too_large,
                    format!("cannot fit '{name}' into an index-sized integer"),
                ))
            }
        }
    }

    /// `v` as an index-sized integer; the nearest one where it doesn't fit.
    ///
    /// # Errors
    /// TypeError.
    pub fn index_clamped(&mut self, v: Value) -> PyResult<i64> {
        if let Some(n) = v.as_int() {
            return Ok(n);
        }
        let n = self.index(v)?;
        Ok(self.clamped(n))
    }

    /// The nearest i64 of an int.
    pub(crate) fn clamped(&self, n: Value) -> i64 {
        match self.heap.as_i64(n) {
            Some(n) => n,
            None if self
                .heap
                .as_big(n)
                .is_some_and(|n| n.sign() == num_bigint::Sign::Minus) =>
            {
                i64::MIN
            }
            None => i64::MAX,
        }
    }

    /// The int that `int(v)` makes of the answer of `__trunc__`; None where `v` has none.
    ///
    /// # Errors
    /// TypeError for an answer that is no integer; what `__trunc__` raises, or a filter makes of
    /// the warning.
    pub fn truncated(&mut self, v: Value) -> PyResult<Option<Value>> {
        let Some(answer) = self.call_special(v, N::trunc, &[])? else {
            return Ok(None);
        };
        self.root(answer);
        let message = "The delegation of int() to __trunc__ is deprecated.";
        self.warn(B::DeprecationWarning, message)?;
        if !self.has_index(answer) {
            let name = self.type_name(answer);
            return Err(self.type_error(format!("__trunc__ returned non-Integral (type {name})")));
        }
        self.index(answer).map(Some)
    }

    /// `v` as the size a native takes: "n" of CPython's argument formats.
    ///
    /// # Errors
    /// TypeError, OverflowError.
    pub fn to_ssize(&mut self, v: Value) -> PyResult<i64> {
        let n = self.index(v)?;
        match self.heap.as_i64(n) {
            Some(n) => Ok(n),
            None => Err(self.overflow_error("Python int too large to convert to C ssize_t")),
        }
    }

    /// `v` as what CPython keeps in a C int: "i" of its argument formats.
    ///
    /// # Errors
    /// TypeError, OverflowError.
    pub fn to_c_int(&mut self, v: Value) -> PyResult<i32> {
        let n = self.index(v)?;
        let n = self.heap.as_i64(n).and_then(|n| i32::try_from(n).ok());
        n.ok_or_else(|| self.overflow_error("Python int too large to convert to C int"))
    }

    /// The float that `v` stands for.
    ///
    /// # Errors
    /// TypeError; OverflowError for a large int.
    pub fn to_float(&mut self, v: Value) -> PyResult<f64> {
        match self.float_of(v)? {
            Some(f) => Ok(f),
            None => {
                let name = self.type_name(v);
                Err(self.type_error(format!("must be real number, not {name}")))
            }
        }
    }

    /// As `to_float`, None where `v` is no number. A float is itself whatever its class says.
    ///
    /// # Errors
    /// As `converted_to_float`.
    pub fn float_of(&mut self, v: Value) -> PyResult<Option<f64>> {
        match self.heap.as_float(v) {
            Some(f) => Ok(Some(f)),
            None => self.converted_to_float(v),
        }
    }

    /// What `float(v)` makes of no text: a subclass of float may have a `__float__` of its own.
    /// None where `v` is no number.
    ///
    /// # Errors
    /// OverflowError for a large int; whatever `__float__` raises.
    pub fn converted_to_float(&mut self, v: Value) -> PyResult<Option<f64>> {
        if let Some(f) = v.as_inline_float() {
            return Ok(Some(f));
        }
        if let Some(n) = v.as_int() {
            return Ok(Some(n as f64));
        }
        let exact = self.exact_builtin(v).is_some();
        if !exact
            && let Some(method) = self.special(v, N::float)
            && self.builtin_owner(method).is_none()
        {
            let result = self.call_special(v, N::float, &[])?.unwrap_or(Value::NONE);
            return match self.heap.as_float(result) {
                Some(f) if result.is_inline_float() || self.heap.is_exact(result, B::Float) => {
                    Ok(Some(f))
                }
                Some(f) => {
                    let what = format!("{}.__float__", self.type_name(v));
                    self.warn_of_subclass(&what, "float", result)?;
                    Ok(Some(f))
                }
                None => {
                    let name = self.type_name_within(result, 50);
                    let own = self.type_name_within(v, 50);
                    Err(self
                        .type_error(format!("{own}.__float__ returned non-float (type {name})")))
                }
            };
        }
        if let Some(f) = self.heap.as_float(v) {
            return Ok(Some(f));
        }
        if self.heap.is_int(v) {
            return self.int_to_float(v).map(Some);
        }
        if !exact && self.special(v, N::index).is_some() {
            let n = self.index(v)?;
            return self.int_to_float(n).map(Some);
        }
        Ok(None)
    }

    /// `len(v)`.
    ///
    /// # Errors
    /// TypeError if it has none; whatever `__len__` raises.
    pub fn len(&mut self, v: Value) -> PyResult<usize> {
        if self.heap.is_exact(v, B::List) {
            return Ok(self.heap.cell::<crate::object::list::List>(v).items.len());
        }
        match self.len_opt(v)? {
            Some(n) => Ok(n),
            None => {
                let name = self.type_name(v);
                Err(self.type_error(format!("object of type '{name}' has no len()")))
            }
        }
    }

    /// How long `v` says it is, by `__len__` or `__length_hint__`; None where it can't tell.
    ///
    /// # Errors
    /// TypeError and ValueError for a hint that is no length; what the methods raise but TypeError.
    pub fn length_hint(&mut self, v: Value) -> PyResult<Option<usize>> {
        match self.len_opt(v) {
            Ok(None) => {}
            Err(raised) if self.is_instance_of(raised.0, B::TypeError) => {}
            found => return found,
        }
        let hint = match self.call_special(v, N::length_hint, &[]) {
            Ok(None) => return Ok(None),
            Ok(Some(hint)) if hint == Value::NOT_IMPLEMENTED => return Ok(None),
            Ok(Some(hint)) => hint,
            Err(raised) if self.is_instance_of(raised.0, B::TypeError) => return Ok(None),
            Err(raised) => return Err(raised),
        };
        if !self.heap.is_int(hint) {
            let message = format!(
                "__length_hint__ must be an integer, not {}",
                self.type_name(hint)
            );
            return Err(self.type_error(message));
        }
        match self.heap.as_i64(hint) {
            Some(n) if n < 0 => Err(self.value_error("__length_hint__() should return >= 0")),
            Some(n) => Ok(Some(n as usize)),
            None => Err(self.overflow_error("Python int too large to convert to C ssize_t")),
        }
    }

    /// `len(v)`, None where its class has none.
    ///
    /// # Errors
    /// Whatever `__len__` raises.
    pub fn len_opt(&mut self, v: Value) -> PyResult<Option<usize>> {
        if self.exact_builtin(v).is_some()
            && let Some(n) = self.builtin_len(v)?
        {
            return Ok(Some(n));
        }
        let Some(method) = self.special(v, N::len) else {
            return Ok(None);
        };
        if self.builtin_owner(method).is_some() {
            return self.builtin_len(v);
        }
        let Some(result) = self.call_special(v, N::len, &[])? else {
            return Ok(None);
        };
        let n = self.index(result)?;
        if self
            .heap
            .big_ref(n)
            .is_some_and(|n| n.sign() == num_bigint::Sign::Minus)
        {
            return Err(self.value_error("__len__() should return >= 0"));
        }
        self.index_i64(n).map(|n| Some(n as usize))
    }

    /// `len` by the layout of `v`; None where it has none.
    ///
    /// # Errors
    /// OverflowError for a huge range.
    pub fn builtin_len(&mut self, v: Value) -> PyResult<Option<usize>> {
        use crate::object::{
            bytes::Bytes, dict::Dict, dict::DictView, dict::MappingProxy, list::List, set::Set,
        };
        let Some(kind) = self.heap.kind(v) else {
            return Ok(None);
        };
        Ok(Some(match kind {
            Kind::Str => self.heap.text(v).len(),
            Kind::List => self.heap.cell::<List>(v).items.len(),
            Kind::Tuple => self.heap.tuple_items(v).len(),
            Kind::Dict => self.heap.cell::<Dict>(v).table.len(),
            Kind::Set => self.heap.cell::<Set>(v).table.len(),
            Kind::Bytes => self.heap.cell::<Bytes>(v).data.len(),
            Kind::DictView => {
                let dict = self.heap.cell::<DictView>(v).dict;
                self.heap.cell::<Dict>(dict).table.len()
            }
            Kind::MappingProxy => {
                let mapping = self.heap.cell::<MappingProxy>(v).mapping;
                return self.len_opt(mapping);
            }
            Kind::Range => {
                let n = self.range_len(v);
                return self.to_ssize(n).map(|n| Some(n as usize));
            }
            _ => return Ok(None),
        }))
    }
}
