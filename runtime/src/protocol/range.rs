//! range objects: their length, items and equality. Ints of any size.

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{Signed, Zero};

use crate::heap::ShapeId;
use crate::native::PyResult;
use crate::object::class::B;
use crate::object::range::Range;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// A new range of exact ints.
    ///
    /// # Errors
    /// ValueError for a step of 0.
    pub fn range(&mut self, start: Value, stop: Value, step: Value) -> PyResult {
        if step == Value::small(0) {
            return Err(self.value_error("range() arg 3 must not be zero"));
        }
        Ok(self
            .heap
            .alloc::<Range>(ShapeId(B::Range as u32), Range { start, stop, step }))
    }

    /// The three numbers of a range where all fit an i64.
    pub(crate) fn range_i64(&self, v: Value) -> Option<(i64, i64, i64)> {
        let r = self.heap.cell::<Range>(v);
        Some((r.start.as_int()?, r.stop.as_int()?, r.step.as_int()?))
    }

    /// How many ints a range has: an int of any size.
    pub(crate) fn range_len(&mut self, v: Value) -> Value {
        if let Some((start, stop, step)) = self.range_i64(v) {
            // Inline ints have 62 bits, so the difference fits.
            let n = range_len_i64(start, stop, step);
            return self.heap.usize(n as usize);
        }
        let n = self.range_len_big(v);
        self.heap.big(n)
    }

    pub(crate) fn range_len_big(&self, v: Value) -> BigInt {
        let r = self.heap.cell::<Range>(v);
        let big = |v| self.heap.as_big(v).unwrap_or_default();
        let (start, stop, step) = (big(r.start), big(r.stop), big(r.step));
        let (distance, step) = if step.is_negative() {
            (start - stop, -step)
        } else {
            (stop - start, step)
        };
        if distance.sign() != Sign::Plus {
            return BigInt::zero();
        }
        (distance - 1i32).div_floor(&step) + 1i32
    }

    /// Item `at` of a range, negative from the end; None outside.
    pub(crate) fn range_item(&mut self, v: Value, at: Value) -> Option<Value> {
        if let (Some((start, stop, step)), Some(at)) = (self.range_i64(v), at.as_int()) {
            let n = range_len_i64(start, stop, step) as i64;
            let at = if at < 0 { at + n } else { at };
            return (0..n)
                .contains(&at)
                .then(|| self.heap.int(start + at * step));
        }
        let n = self.range_len_big(v);
        let mut at = self.heap.as_big(at)?;
        if at.is_negative() {
            at += &n;
        }
        if at.is_negative() || at >= n {
            return None;
        }
        let item = self.range_at(v, &at);
        Some(self.heap.big(item))
    }

    /// `start + at * step`.
    pub(crate) fn range_at(&self, v: Value, at: &BigInt) -> BigInt {
        let r = self.heap.cell::<Range>(v);
        let big = |v| self.heap.as_big(v).unwrap_or_default();
        big(r.start) + at * big(r.step)
    }

    /// Whether an int is among the items of a range; where, counted from its start.
    pub fn range_index(&self, v: Value, item: Value) -> Option<BigInt> {
        let r = self.heap.cell::<Range>(v);
        let item = self.heap.as_big(item)?;
        let big = |v| self.heap.as_big(v).unwrap_or_default();
        let (at, rest) = (item - big(r.start)).div_mod_floor(&big(r.step));
        (rest.is_zero() && !at.is_negative() && at < self.range_len_big(v)).then_some(at)
    }

    /// Whether two ranges have the same items.
    pub(crate) fn range_eq(&mut self, a: Value, b: Value) -> bool {
        let n = self.range_len_big(a);
        if n != self.range_len_big(b) {
            return false;
        }
        let (a, b) = (self.heap.cell::<Range>(a), self.heap.cell::<Range>(b));
        let same = |x: Value, y: Value| self.heap.as_big(x) == self.heap.as_big(y);
        n.is_zero() || (same(a.start, b.start) && (n == BigInt::from(1) || same(a.step, b.step)))
    }
}

/// The length of a range of inline ints.
pub(crate) fn range_len_i64(start: i64, stop: i64, step: i64) -> u64 {
    let (distance, step) = if step > 0 {
        (stop.saturating_sub(start), step.unsigned_abs())
    } else {
        (start.saturating_sub(stop), step.unsigned_abs())
    };
    if distance <= 0 {
        0
    } else {
        (distance as u64 - 1) / step + 1
    }
}
