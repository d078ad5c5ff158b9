//! Truth: `if v`, `not v`, `bool(v)`.

use crate::heap::Kind;
use crate::native::PyResult;
use crate::object::class::{B, Class};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

const NOT_IMPLEMENTED_AS_BOOL: &str = "NotImplemented should not be used in a boolean context";

impl Vm {
    /// Whether `v` counts as true.
    ///
    /// # Errors
    /// Whatever `__bool__` or `__len__` raises; the warning of `NotImplemented` where that is one.
    #[inline]
    pub fn truth(&mut self, v: Value) -> PyResult<bool> {
        if let Some(b) = v.as_bool() {
            return Ok(b);
        }
        if let Some(n) = v.as_int() {
            return Ok(n != 0);
        }
        self.truth_slow(v)
    }

    fn truth_slow(&mut self, v: Value) -> PyResult<bool> {
        if let Some(f) = v.as_inline_float() {
            return Ok(f != 0.0);
        }
        if v.is_none() {
            return Ok(false);
        }
        if v == Value::NOT_IMPLEMENTED {
            self.warn(B::DeprecationWarning, NOT_IMPLEMENTED_AS_BOOL)?;
            return Ok(true);
        }
        match self.exact_builtin(v) {
            Some(_) => self.builtin_truth(v),
            None => self.truth_by_methods(v),
        }
    }

    /// Truth by the layout of `v`.
    ///
    /// # Errors
    /// None of its own.
    pub fn builtin_truth(&mut self, v: Value) -> PyResult<bool> {
        match self.heap.kind(v) {
            Some(Kind::BigInt) => Ok(self
                .heap
                .big_ref(v)
                .is_some_and(|n| n.sign() != num_bigint::Sign::NoSign)),
            _ if self.heap.is_int(v) => Ok(v != Value::small(0) && v != Value::FALSE),
            _ if self.heap.as_float(v).is_some() => Ok(self.heap.as_float(v) != Some(0.0)),
            Some(Kind::Range) => {
                let n = self.range_len(v);
                Ok(n != Value::small(0))
            }
            _ => Ok(self.builtin_len(v)?.is_none_or(|n| n != 0)),
        }
    }

    fn truth_by_methods(&mut self, v: Value) -> PyResult<bool> {
        let class = self.heap.class_of(v);
        if !self.heap.cell::<Class>(class).hooks.custom_truth
            && self.heap.kind(v) == Some(Kind::Instance)
        {
            return Ok(true);
        }
        if let Some(method) = self.special(v, N::bool) {
            if matches!(self.builtin_owner(method), Some(B::Int | B::Float)) {
                return self.builtin_truth(v);
            }
            let result = self.call_special(v, N::bool, &[])?.unwrap_or(Value::NONE);
            return match result.as_bool() {
                Some(b) => Ok(b),
                None => {
                    let name = self.type_name(result);
                    Err(self.type_error(format!("__bool__ should return bool, returned {name}")))
                }
            };
        }
        if self.special(v, N::len).is_some() {
            return Ok(self.len(v)? != 0);
        }
        match self.heap.kind(v) {
            Some(Kind::Instance | Kind::Opaque) => Ok(true),
            _ => self.builtin_truth(v),
        }
    }
}
