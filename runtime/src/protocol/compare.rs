//! Comparison: `==`, `<` and their likes, and the equality that containers use.
//! Depth of data is counted: a deep structure ends in RecursionError.

use std::cmp::Ordering;

use num_bigint::BigInt;

use super::arith::Num;
use crate::heap::{Heap, Kind};
use crate::native::PyResult;
use crate::object::bytes::Bytes;
use crate::object::class::{B, Class};
use crate::object::dict::{Dict, DictView, MappingProxy, ViewOf};
use crate::object::function::{Cell, Method, Native};
use crate::object::list::List;
use crate::object::range::Slice;
use crate::object::set::Set;
use crate::object::str::Str;
use crate::object::weak::WeakRef;
use crate::text::float;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// A comparison operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompareOp {
    Lt,
    Le,
    Eq,
    Ne,
    Gt,
    Ge,
}

impl CompareOp {
    /// The operator as error messages show it.
    pub const fn symbol(self) -> &'static str {
        match self {
            CompareOp::Lt => "<",
            CompareOp::Le => "<=",
            CompareOp::Eq => "==",
            CompareOp::Ne => "!=",
            CompareOp::Gt => ">",
            CompareOp::Ge => ">=",
        }
    }

    /// The operator with its operands swapped.
    pub const fn swapped(self) -> CompareOp {
        match self {
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::Le => CompareOp::Ge,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::Ge => CompareOp::Le,
            same => same,
        }
    }

    /// The operands' method.
    pub const fn method(self) -> N {
        match self {
            CompareOp::Lt => N::lt,
            CompareOp::Le => N::le,
            CompareOp::Eq => N::eq,
            CompareOp::Ne => N::ne,
            CompareOp::Gt => N::gt,
            CompareOp::Ge => N::ge,
        }
    }

    /// Whether the operator holds of two things in this order.
    #[inline]
    pub const fn holds(self, order: Ordering) -> bool {
        match self {
            CompareOp::Lt => order.is_lt(),
            CompareOp::Le => order.is_le(),
            CompareOp::Eq => order.is_eq(),
            CompareOp::Ne => order.is_ne(),
            CompareOp::Gt => order.is_gt(),
            CompareOp::Ge => order.is_ge(),
        }
    }

    /// `==` or `!=`.
    pub const fn is_equality(self) -> bool {
        matches!(self, CompareOp::Eq | CompareOp::Ne)
    }
}

impl Heap {
    /// The equality of two values where it runs no script code and goes no
    /// deeper; identical values are equal. None where it takes more.
    #[inline]
    pub(crate) fn eq_shallow(&self, a: Value, b: Value) -> Option<bool> {
        if a == b {
            return Some(true);
        }
        if Value::both_ints(a, b) {
            return Some(false);
        }
        if self.is_exact(a, B::Str) && self.is_exact(b, B::Str) {
            let (x, y) = (self.cell::<Str>(a), self.cell::<Str>(b));
            return Some(!(x.interned && y.interned) && x.text == y.text);
        }
        self.eq_scalars(a, b)
    }

    fn eq_scalars(&self, a: Value, b: Value) -> Option<bool> {
        let (x, y) = (self.scalar(a)?, self.scalar(b)?);
        match (x, y) {
            (Scalar::Number, Scalar::Number) => {
                Some(number_order(self.num(a)?, self.num(b)?) == Some(Ordering::Equal))
            }
            (Scalar::Str, Scalar::Str) => Some(self.text(a) == self.text(b)),
            _ => Some(false),
        }
    }

    fn scalar(&self, v: Value) -> Option<Scalar> {
        if !v.is_ptr() {
            return Some(if v.is_special() && !v.is_bool() {
                Scalar::Special
            } else {
                Scalar::Number
            });
        }
        if self.is_exact(v, B::Str) {
            return Some(Scalar::Str);
        }
        (self.is_exact(v, B::Int) || self.is_exact(v, B::Float)).then_some(Scalar::Number)
    }
}

enum Scalar {
    Number,
    Str,
    Special,
}

/// The order of two numbers; None with a NaN. Exact: no int is rounded.
pub(crate) fn number_order(a: Num<'_>, b: Num<'_>) -> Option<Ordering> {
    match (a, b) {
        (Num::Int(x), Num::Int(y)) => Some(x.cmp(&y)),
        (Num::Float(x), Num::Float(y)) => x.partial_cmp(&y),
        (Num::Big(x), Num::Big(y)) => Some(x.cmp(y)),
        (Num::Int(x), Num::Big(y)) => Some(BigInt::from(x).cmp(y)),
        (Num::Big(x), Num::Int(y)) => Some(x.cmp(&BigInt::from(y))),
        (Num::Int(x), Num::Float(y)) => float::compare_i64(y, x).map(Ordering::reverse),
        (Num::Float(x), Num::Int(y)) => float::compare_i64(x, y),
        (Num::Big(x), Num::Float(y)) => float::compare_big(y, x).map(Ordering::reverse),
        (Num::Float(x), Num::Big(y)) => float::compare_big(x, y),
    }
}

impl Vm {
    /// `a op b`.
    ///
    /// # Errors
    /// TypeError where the operands have no order; whatever methods raise.
    pub fn compare(&mut self, op: CompareOp, a: Value, b: Value) -> PyResult {
        if let Some(answer) = self.compare_texts(op, a, b) {
            return Ok(Value::bool(answer));
        }
        if self.both_builtin(a, b) {
            if let Some(v) = self.builtin_compare(op, a, b)? {
                return Ok(v);
            }
            if let Some(v) = self.builtin_compare(op.swapped(), b, a)? {
                return Ok(v);
            }
            // A class or a standard library object may still have methods.
        }
        self.compare_by_methods(op, a, b)
    }

    /// Whether two exact strs are equal, or not; None for anything else.
    #[inline]
    fn compare_texts(&self, op: CompareOp, a: Value, b: Value) -> Option<bool> {
        if !self.heap.both_exact(a, b, B::Str) {
            return None;
        }
        let equal = || a == b || self.heap.text(a) == self.heap.text(b);
        match op {
            CompareOp::Eq => Some(equal()),
            CompareOp::Ne => Some(!equal()),
            _ => None,
        }
    }

    /// Whether `a op b` is true.
    ///
    /// # Errors
    /// As `compare`.
    #[inline]
    pub fn compare_bool(&mut self, op: CompareOp, a: Value, b: Value) -> PyResult<bool> {
        if let Some(answer) = self.compare_texts(op, a, b) {
            return Ok(answer);
        }
        let v = self.compare(op, a, b)?;
        self.truth(v)
    }

    /// Whether two items of a container count as equal: identity goes first.
    ///
    /// # Errors
    /// Whatever `__eq__` raises.
    #[inline]
    pub fn eq(&mut self, a: Value, b: Value) -> PyResult<bool> {
        match self.heap.eq_shallow(a, b) {
            Some(equal) => Ok(equal),
            None => self.compare_bool(CompareOp::Eq, a, b),
        }
    }

    #[inline(never)]
    fn compare_by_methods(&mut self, op: CompareOp, a: Value, b: Value) -> PyResult {
        let (class_a, class_b) = (self.heap.class_of(a), self.heap.class_of(b));
        let mut reflected = true;
        if class_a != class_b && self.is_subclass(class_b, class_a) {
            reflected = false;
            if let Some(v) = self.compare_method(op.swapped(), b, a)? {
                return Ok(v);
            }
        }
        if let Some(v) = self.compare_method(op, a, b)? {
            return Ok(v);
        }
        if reflected && let Some(v) = self.compare_method(op.swapped(), b, a)? {
            return Ok(v);
        }
        match op {
            CompareOp::Eq => Ok(Value::bool(a == b)),
            CompareOp::Ne => Ok(Value::bool(a != b)),
            _ => {
                let symbol = op.symbol();
                let [a, b] = [a, b].map(|v| self.type_name_within(v, 100));
                Err(self.type_error(format!(
                    "'{symbol}' not supported between instances of '{a}' and '{b}'"
                )))
            }
        }
    }

    /// What the class of `this` says; None for NotImplemented.
    fn compare_method(
        &mut self,
        op: CompareOp,
        this: Value,
        other: Value,
    ) -> PyResult<Option<Value>> {
        let class = self.heap.class_of(this);
        if op.is_equality()
            && self.heap.kind(this) == Some(Kind::Instance)
            && !self.heap.cell::<Class>(class).hooks.custom_eq
        {
            return self.object_compare(op, this, other);
        }
        let Some(method) = self.lookup_class(class, self.n(op.method())) else {
            return match self.heap.kind(this) {
                Some(Kind::Instance | Kind::Opaque) => self.object_compare(op, this, other),
                _ => self.builtin_compare(op, this, other),
            };
        };
        match self.builtin_owner(method) {
            Some(B::Object) => self.object_compare(op, this, other),
            // It leaves that to the other operand, whose class a script may have made.
            Some(_) if self.is_int_among_others(this, other) => Ok(None),
            Some(_) => self.builtin_compare(op, this, other),
            None => {
                let v = self.call_unbound(method, this, &[other])?;
                Ok(if v == Value::NOT_IMPLEMENTED {
                    None
                } else {
                    Some(v)
                })
            }
        }
    }

    /// `object.__eq__`, `object.__ne__` and the rest, which know no order.
    ///
    /// # Errors
    /// Whatever a class's `__eq__` raises: `!=` asks it.
    pub fn object_compare(&mut self, op: CompareOp, a: Value, b: Value) -> PyResult<Option<Value>> {
        match op {
            CompareOp::Eq => Ok((a == b).then_some(Value::TRUE)),
            CompareOp::Ne => match self.compare_method(CompareOp::Eq, a, b)? {
                Some(equal) => {
                    let equal = self.truth(equal)?;
                    Ok(Some(Value::bool(!equal)))
                }
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// What the builtin classes' own methods say, by the layout of the
    /// operands; None stands for NotImplemented.
    ///
    /// # Errors
    /// Whatever the items' methods raise.
    pub fn builtin_compare(
        &mut self,
        op: CompareOp,
        a: Value,
        b: Value,
    ) -> PyResult<Option<Value>> {
        if let (Some(x), Some(y)) = (self.heap.num(a), self.heap.num(b)) {
            let holds = match number_order(x, y) {
                Some(order) => op.holds(order),
                None => op == CompareOp::Ne,
            };
            return Ok(Some(Value::bool(holds)));
        }
        let (Some(ka), kb) = (self.heap.kind(a), self.heap.kind(b)) else {
            return self.object_compare_plain(op, a, b);
        };
        if !matches!(ka, Kind::DictView | Kind::MappingProxy) && kb != Some(ka) {
            if ka == Kind::Bytes {
                return self.compare_with_bytes_like(op, a, b);
            }
            return Ok(None);
        }
        match ka {
            Kind::Str => Ok(Some(Value::bool(match op {
                CompareOp::Eq => self.heap.text(a) == self.heap.text(b),
                CompareOp::Ne => self.heap.text(a) != self.heap.text(b),
                _ => op.holds(self.heap.text(a).cmp(self.heap.text(b))),
            }))),
            Kind::Bytes => {
                let (x, y) = (
                    &self.heap.cell::<Bytes>(a).data,
                    &self.heap.cell::<Bytes>(b).data,
                );
                Ok(Some(Value::bool(op.holds(x.cmp(y)))))
            }
            Kind::List | Kind::Tuple => self.compare_sequences(op, a, b).map(Some),
            Kind::Dict if op.is_equality() => {
                let equal = self.comparing(|vm| vm.dict_eq(a, b))?;
                Ok(Some(Value::bool(equal == (op == CompareOp::Eq))))
            }
            Kind::Set => self
                .comparing(|vm| vm.compare_sets(op, a, b))
                .map(|v| Some(Value::bool(v))),
            Kind::DictView => self.compare_views(op, a, b),
            Kind::MappingProxy => {
                let mapping = self.heap.cell::<MappingProxy>(a).mapping;
                let v = self.comparing(|vm| vm.compare(op, mapping, b))?;
                Ok(Some(v))
            }
            Kind::Range if op.is_equality() => {
                let equal = self.range_eq(a, b);
                Ok(Some(Value::bool(equal == (op == CompareOp::Eq))))
            }
            Kind::Slice => {
                let x = self.slice_parts(a);
                let y = self.slice_parts(b);
                self.compare_sequences(op, x, y).map(Some)
            }
            Kind::Method if op.is_equality() => {
                let (x, y) = (self.heap.cell::<Method>(a), self.heap.cell::<Method>(b));
                let (same_self, f, g) = (x.this == y.this, x.func, y.func);
                let equal = same_self && self.eq(f, g)?;
                Ok(Some(Value::bool(equal == (op == CompareOp::Eq))))
            }
            Kind::Native if op.is_equality() => {
                let (x, y) = (self.heap.cell::<Native>(a), self.heap.cell::<Native>(b));
                let equal = a == b
                    || (!x.this.is_empty() && x.this == y.this && std::ptr::eq(x.def, y.def));
                Ok(Some(Value::bool(equal == (op == CompareOp::Eq))))
            }
            Kind::Cell => {
                let (x, y) = (
                    self.heap.cell::<Cell>(a).value,
                    self.heap.cell::<Cell>(b).value,
                );
                match (x.given(), y.given()) {
                    (Some(x), Some(y)) => self.comparing(|vm| vm.compare(op, x, y)).map(Some),
                    (x, y) => Ok(Some(Value::bool(op.holds(x.is_some().cmp(&y.is_some()))))),
                }
            }
            Kind::WeakRef if op.is_equality() => {
                let (x, y) = (
                    self.heap.cell::<WeakRef>(a).target,
                    self.heap.cell::<WeakRef>(b).target,
                );
                if x.is_empty() || y.is_empty() {
                    return self.object_compare_plain(op, a, b);
                }
                self.comparing(|vm| vm.compare(op, x, y)).map(Some)
            }
            _ => self.object_compare_plain(op, a, b),
        }
    }

    /// A bytearray and what has bytes to show; bytes leave it to the other.
    fn compare_with_bytes_like(
        &mut self,
        op: CompareOp,
        a: Value,
        b: Value,
    ) -> PyResult<Option<Value>> {
        if self.bytes_class(a) == B::Bytes {
            return Ok(None);
        }
        let Some(other) = self.bytes_or_none(b) else {
            return Ok(None);
        };
        let order = self.heap.cell::<Bytes>(a).data.cmp(&other);
        Ok(Some(Value::bool(op.holds(order))))
    }

    /// Identity, for objects without an equality of their own.
    fn object_compare_plain(
        &mut self,
        op: CompareOp,
        a: Value,
        b: Value,
    ) -> PyResult<Option<Value>> {
        Ok(match op {
            CompareOp::Eq if a == b => Some(Value::TRUE),
            CompareOp::Ne if a == b => Some(Value::FALSE),
            _ => None,
        })
    }

    /// Runs a comparison of parts one level deeper.
    fn comparing<T>(&mut self, body: impl FnOnce(&mut Vm) -> PyResult<T>) -> PyResult<T> {
        self.deeper_in(" in comparison", body)
    }

    /// A slice's three parts as a tuple.
    pub(crate) fn slice_parts(&mut self, v: Value) -> Value {
        let Slice { start, stop, step } = *self.heap.cell::<Slice>(v);
        self.heap.tuple(&[start, stop, step])
    }

    fn item_at(&self, seq: Value, at: usize) -> Option<Value> {
        match self.heap.get::<List>(seq) {
            Some(list) => list.items.get(at).copied(),
            None => self.heap.tuple_items(seq).get(at).copied(),
        }
    }

    /// Lists or tuples: by the first items that differ, else by length. The
    /// sequences are looked at afresh after every item, for `__eq__` may change
    /// a list.
    fn compare_sequences(&mut self, op: CompareOp, a: Value, b: Value) -> PyResult {
        if op.is_equality()
            && let (Some(x), Some(y)) = (self.heap.get::<List>(a), self.heap.get::<List>(b))
            && x.items.len() != y.items.len()
        {
            return Ok(Value::bool(op == CompareOp::Ne));
        }
        let mut at = 0;
        while let (Some(x), Some(y)) = (self.item_at(a, at), self.item_at(b, at)) {
            let equal = match self.heap.eq_shallow(x, y) {
                Some(equal) => equal,
                None => self.comparing(|vm| vm.holding(&[x, y, a, b], |vm| vm.eq(x, y)))?,
            };
            if !equal {
                return match op {
                    CompareOp::Eq => Ok(Value::FALSE),
                    CompareOp::Ne => Ok(Value::TRUE),
                    _ => self.comparing(|vm| vm.compare(op, x, y)),
                };
            }
            at += 1;
        }
        let (n, m) = (self.builtin_len(a)?, self.builtin_len(b)?);
        Ok(Value::bool(op.holds(n.cmp(&m))))
    }

    fn dict_eq(&mut self, a: Value, b: Value) -> PyResult<bool> {
        if self.heap.cell::<Dict>(a).table.len() != self.heap.cell::<Dict>(b).table.len() {
            return Ok(false);
        }
        let mut from = 0;
        while let Some((at, entry)) = self.heap.cell::<Dict>(a).table.next_from(from) {
            let (hash, key, value) = (entry.hash, entry.key, entry.value);
            from = at + 1;
            let equal = self.holding(&[key, value], |vm| match vm.dict_find(b, key, hash)? {
                None => Ok(false),
                Some(at) => {
                    let other = vm.heap.cell::<Dict>(b).table.value_at(at);
                    vm.holding(&[other], |vm| vm.eq(other, value))
                }
            })?;
            if !equal {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sets compare as sets: `<` is a proper subset.
    fn compare_sets(&mut self, op: CompareOp, a: Value, b: Value) -> PyResult<bool> {
        let (n, m) = (
            self.heap.cell::<Set>(a).table.len(),
            self.heap.cell::<Set>(b).table.len(),
        );
        match op {
            CompareOp::Eq => Ok(n == m && self.set_is_subset(a, b)?),
            CompareOp::Ne => Ok(n != m || !self.set_is_subset(a, b)?),
            CompareOp::Le => Ok(n <= m && self.set_is_subset(a, b)?),
            CompareOp::Lt => Ok(n < m && self.set_is_subset(a, b)?),
            CompareOp::Ge => Ok(n >= m && self.set_is_subset(b, a)?),
            CompareOp::Gt => Ok(n > m && self.set_is_subset(b, a)?),
        }
    }

    /// Keys and items of dicts compare as sets, also with sets.
    fn compare_views(&mut self, op: CompareOp, a: Value, b: Value) -> PyResult<Option<Value>> {
        let set_like = |vm: &Vm, v: Value| match vm.heap.kind(v) {
            Some(Kind::Set) => true,
            Some(Kind::DictView) => vm.heap.cell::<DictView>(v).of != ViewOf::Values,
            _ => false,
        };
        if !set_like(self, a) || !set_like(self, b) {
            return self.object_compare_plain(op, a, b);
        }
        let (n, m) = (self.len(a)?, self.len(b)?);
        let holds = self.comparing(|vm| match op {
            CompareOp::Eq => Ok(n == m && vm.all_in(a, b)?),
            CompareOp::Ne => Ok(n != m || !vm.all_in(a, b)?),
            CompareOp::Le => Ok(n <= m && vm.all_in(a, b)?),
            CompareOp::Lt => Ok(n < m && vm.all_in(a, b)?),
            CompareOp::Ge => Ok(n >= m && vm.all_in(b, a)?),
            CompareOp::Gt => Ok(n > m && vm.all_in(b, a)?),
        })?;
        Ok(Some(Value::bool(holds)))
    }

    /// Whether each item of `a` is in `b`.
    fn all_in(&mut self, a: Value, b: Value) -> PyResult<bool> {
        let iter = self.iter(a)?;
        self.holding(&[iter], |vm| {
            while let Some(item) = vm.next(iter)? {
                let found = vm.holding(&[item], |vm| {
                    vm.tick()?;
                    vm.contains(b, item)
                });
                if !found? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_and_floats_compare_exactly() {
        let big = BigInt::from(1u64 << 53) + 1;
        assert_eq!(
            number_order(Num::Big(&big), Num::Float((1u64 << 53) as f64)),
            Some(Ordering::Greater)
        );
        assert_eq!(
            number_order(Num::Int((1 << 53) + 1), Num::Float((1u64 << 53) as f64)),
            Some(Ordering::Greater)
        );
        assert_eq!(
            number_order(Num::Int(2), Num::Float(2.5)),
            Some(Ordering::Less)
        );
        assert_eq!(
            number_order(Num::Int(-2), Num::Float(-2.5)),
            Some(Ordering::Greater)
        );
        assert_eq!(
            number_order(Num::Big(&-big), Num::Float(f64::NEG_INFINITY)),
            Some(Ordering::Greater)
        );
        assert_eq!(number_order(Num::Int(1), Num::Float(f64::NAN)), None);
    }
}
