//! The value: eight bytes, `Copy`, ints and floats inline.
//!
//! ```text
//!  low 3 bits   meaning
//!  000          pointer to a heap cell (16-byte aligned)
//!  011, 111     int: (n << 2) | 3, so 62 bits
//!  001 010      float: rotate_left(bits, 4) - 2 (see below)
//!  110
//!  100          special: (number << 3) | 4
//! ```
//!
//! Rotating a float's bits left by 4 brings its sign and three highest
//! exponent bits into the low nibble; less 2, the exponents around 1.0 (011,
//! 100) get the tags 001 and 010 and those around zero (000) get 110. Other
//! floats live in a cell: a NaN has to, since two of them are two objects. Ints beyond 62 bits live in a cell as bigints.
//!
//! Only `heap` makes pointer values, and every access through the heap checks
//! the cell's kind.

use std::fmt;

use crate::heap::Header;

/// A value of the language. `==` on it is identity, not Python's equality.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Value(u64);

/// By tag: whether a float gets it.
const INLINE_FLOATS: u64 = 0b0100_0110;

/// Largest int that is kept inline.
pub const INT_MAX: i64 = (1 << 61) - 1;
/// Smallest int that is kept inline.
pub const INT_MIN: i64 = -(1 << 61);

impl Value {
    /// No value: an unbound local, an argument not given.
    pub const EMPTY: Value = Value::special(0);
    pub const NONE: Value = Value::special(1);
    pub const FALSE: Value = Value::special(2);
    pub const TRUE: Value = Value::special(3);
    pub const ELLIPSIS: Value = Value::special(4);
    pub const NOT_IMPLEMENTED: Value = Value::special(5);

    const fn special(number: u64) -> Value {
        Value(number << 3 | 4)
    }

    #[inline(always)]
    pub const fn bool(b: bool) -> Value {
        Value((2 + b as u64) << 3 | 4)
    }

    /// An int known to fit 62 bits, such as a length or a small constant.
    /// Others go through `Heap::int`.
    #[inline(always)]
    pub const fn small(n: i64) -> Value {
        debug_assert!(n >= INT_MIN && n <= INT_MAX);
        Value((n as u64) << 2 | 3)
    }

    /// The int if it fits inline.
    #[inline(always)]
    pub const fn try_int(n: i64) -> Option<Value> {
        let shifted = n << 2;
        if shifted >> 2 == n {
            Some(Value(shifted as u64 | 3))
        } else {
            None
        }
    }

    /// The float if it fits inline.
    #[inline(always)]
    pub fn try_float(f: f64) -> Option<Value> {
        let r = f.to_bits().rotate_left(4).wrapping_sub(2);
        if INLINE_FLOATS >> (r & 7) & 1 != 0 {
            Some(Value(r))
        } else {
            None
        }
    }

    #[inline(always)]
    pub const fn is_int(self) -> bool {
        self.0 & 3 == 3
    }
    /// Whether both are inline ints.
    #[inline(always)]
    pub const fn both_ints(a: Value, b: Value) -> bool {
        a.0 & b.0 & 3 == 3
    }
    /// The inline int.
    #[inline(always)]
    pub const fn as_int(self) -> Option<i64> {
        if self.is_int() {
            Some(self.0 as i64 >> 2)
        } else {
            None
        }
    }
    /// The inline int, unchecked: meaningless on anything else.
    #[inline(always)]
    pub const fn int_unchecked(self) -> i64 {
        self.0 as i64 >> 2
    }
    #[inline(always)]
    pub const fn is_inline_float(self) -> bool {
        self.0.wrapping_add(1) & 2 != 0
    }
    /// Whether both are floats kept inline.
    #[inline(always)]
    pub const fn both_inline_floats(a: Value, b: Value) -> bool {
        a.0.wrapping_add(1) & b.0.wrapping_add(1) & 2 != 0
    }
    /// The float, unchecked: meaningless on anything but an inline float.
    #[inline(always)]
    pub const fn float_unchecked(self) -> f64 {
        f64::from_bits(self.0.wrapping_add(2).rotate_right(4))
    }
    /// The float if it is kept inline.
    #[inline(always)]
    pub const fn as_inline_float(self) -> Option<f64> {
        if self.is_inline_float() {
            Some(f64::from_bits(self.0.wrapping_add(2).rotate_right(4)))
        } else {
            None
        }
    }
    #[inline(always)]
    pub const fn is_ptr(self) -> bool {
        self.0 & 7 == 0
    }
    #[inline(always)]
    pub const fn is_special(self) -> bool {
        self.0 & 7 == 4
    }
    #[inline(always)]
    pub fn is_none(self) -> bool {
        self == Value::NONE
    }
    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self == Value::EMPTY
    }
    #[inline(always)]
    pub const fn is_bool(self) -> bool {
        self.0 | 8 == Value::TRUE.0
    }
    #[inline(always)]
    pub const fn as_bool(self) -> Option<bool> {
        if self.is_bool() {
            Some(self.0 == Value::TRUE.0)
        } else {
            None
        }
    }
    /// `Some(self)` unless it is the empty marker.
    #[inline(always)]
    pub fn given(self) -> Option<Value> {
        if self.is_empty() { None } else { Some(self) }
    }
    /// `Some(self)` unless it is the empty marker or None.
    #[inline(always)]
    pub fn some(self) -> Option<Value> {
        if self.is_empty() || self.is_none() {
            None
        } else {
            Some(self)
        }
    }

    /// The raw word: for hashing by identity.
    #[inline(always)]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// a + b on inline ints, unless it overflows 62 bits. Meaningless on anything else.
    #[inline(always)]
    pub fn int_add(a: Value, b: Value) -> Option<Value> {
        (a.0 as i64)
            .checked_add((b.0 as i64) - 3)
            .map(|v| Value(v as u64))
    }
    /// a - b on inline ints, unless it overflows 62 bits. Meaningless on anything else.
    #[inline(always)]
    pub fn int_sub(a: Value, b: Value) -> Option<Value> {
        (a.0 as i64)
            .checked_sub((b.0 as i64) - 3)
            .map(|v| Value(v as u64))
    }
    /// a * b on inline ints, unless it overflows 62 bits. Meaningless on anything else.
    #[inline(always)]
    pub fn int_mul(a: Value, b: Value) -> Option<Value> {
        (a.0 as i64 >> 2)
            .checked_mul((b.0 as i64) - 3)
            .map(|v| Value((v as u64) | 3))
    }
    /// Orders inline ints as their numbers. Meaningless on anything else.
    #[inline(always)]
    pub const fn int_order_key(self) -> i64 {
        self.0 as i64
    }

    /// Only for inline caches: bits that `bits` gave.
    #[inline(always)]
    pub(crate) const fn from_cache_bits(bits: u64) -> Value {
        Value(bits)
    }

    /// Only for the heap: the cell is live and starts at `header`.
    #[inline(always)]
    pub(crate) fn from_header(header: *mut Header) -> Value {
        Value(header as u64)
    }
    /// The cell's address; meaningful only where `is_ptr`.
    #[inline(always)]
    pub(crate) fn header_ptr(self) -> *mut Header {
        self.0 as *mut Header
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::EMPTY => f.write_str("<empty>"),
            Value::NONE => f.write_str("None"),
            Value::FALSE => f.write_str("False"),
            Value::TRUE => f.write_str("True"),
            Value::ELLIPSIS => f.write_str("Ellipsis"),
            Value::NOT_IMPLEMENTED => f.write_str("NotImplemented"),
            v => match (v.as_int(), v.as_inline_float()) {
                (Some(n), _) => write!(f, "{n}"),
                (_, Some(x)) => write!(f, "{x:?}"),
                _ => write!(f, "<cell {:#x}>", v.0),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_keep_their_value_and_order() {
        for n in [0, 1, -1, 7, INT_MAX, INT_MIN, 1 << 40] {
            let v = Value::try_int(n).expect("fits");
            assert_eq!(v.as_int(), Some(n));
            assert!(!v.is_ptr() && !v.is_inline_float() && !v.is_special());
        }
        assert_eq!(Value::try_int(INT_MAX + 1), None);
        assert!(Value::small(-5).int_order_key() < Value::small(3).int_order_key());
    }

    #[test]
    fn arithmetic_stops_at_the_edge() {
        let max = Value::small(INT_MAX);
        assert_eq!(Value::int_add(max, Value::small(1)), None);
        assert_eq!(
            Value::int_add(max, Value::small(-1)),
            Some(Value::small(INT_MAX - 1))
        );
        assert_eq!(Value::int_sub(Value::small(INT_MIN), Value::small(1)), None);
        assert_eq!(
            Value::int_sub(Value::small(4), Value::small(9)),
            Some(Value::small(-5))
        );
        assert_eq!(
            Value::int_mul(Value::small(-4), Value::small(9)),
            Some(Value::small(-36))
        );
        assert_eq!(Value::int_mul(max, Value::small(2)), None);
    }

    #[test]
    fn common_floats_are_inline_and_exact() {
        for x in [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.1,
            1e70,
            -3.5e-70,
            f64::MIN_POSITIVE,
            1e-300,
        ] {
            if let Some(v) = Value::try_float(x) {
                assert_eq!(v.as_inline_float().map(f64::to_bits), Some(x.to_bits()));
                assert!(!v.is_int() && !v.is_ptr() && !v.is_special());
            }
        }
        for x in [0.0, 1.0, -1.0, 0.1, 1e70, -3.5e-70] {
            assert!(Value::try_float(x).is_some(), "{x}");
        }
        assert!(Value::try_float(f64::INFINITY).is_none() && Value::try_float(f64::NAN).is_none());
        assert!(Value::try_float(1e-200).is_none());
    }
}
