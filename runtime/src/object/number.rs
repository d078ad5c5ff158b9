//! Numbers that don't fit a `Value`: bigints and rare floats.

use num_bigint::BigInt;

use crate::heap::{Heap, Kind, Marker, Object};
use crate::object::class::B;
use crate::value::Value;

/// A float whose exponent keeps it out of a `Value`.
pub struct FloatBox(pub f64);

impl Object for FloatBox {
    const KIND: Kind = Kind::Float;
    fn trace(&self, _: &mut Marker) {}
}

/// An int; as an exact int it is never one that fits a `Value` inline (an
/// instance of a subclass of int may be).
pub struct Big(pub BigInt);

impl Object for Big {
    const KIND: Kind = Kind::BigInt;
    fn trace(&self, _: &mut Marker) {}
    fn external_bytes(&self) -> usize {
        self.0.bits() as usize / 8
    }
}

impl Heap {
    /// The int `n`.
    #[inline(always)]
    pub fn int(&mut self, n: i64) -> Value {
        match Value::try_int(n) {
            Some(v) => v,
            None => self.alloc(B::Int.shape(), Big(BigInt::from(n))),
        }
    }

    /// The int `n`.
    pub fn usize(&mut self, n: usize) -> Value {
        match i64::try_from(n) {
            Ok(n) => self.int(n),
            Err(_) => self.big(BigInt::from(n)),
        }
    }

    /// The int `n`, inline where it fits.
    pub fn big(&mut self, n: BigInt) -> Value {
        use num_traits::ToPrimitive;
        if let Some(v) = n.to_i64().and_then(Value::try_int) {
            return v;
        }
        self.charge(n.bits() as usize / 8);
        self.alloc(B::Int.shape(), Big(n))
    }

    /// The float `f`.
    #[inline(always)]
    pub fn float(&mut self, f: f64) -> Value {
        match Value::try_float(f) {
            Some(v) => v,
            None => self.alloc(B::Float.shape(), FloatBox(f)),
        }
    }

    /// The number in a float (subclass instances too).
    #[inline(always)]
    pub fn as_float(&self, v: Value) -> Option<f64> {
        match v.as_inline_float() {
            Some(f) => Some(f),
            None => self.get::<FloatBox>(v).map(|f| f.0),
        }
    }

    /// The int in `v` as an i64 if `v` is an int or bool (subclass instances
    /// too) and fits.
    #[inline(always)]
    pub fn as_i64(&self, v: Value) -> Option<i64> {
        if let Some(n) = v.as_int() {
            return Some(n);
        }
        if let Some(b) = v.as_bool() {
            return Some(b as i64);
        }
        use num_traits::ToPrimitive;
        self.get::<Big>(v).and_then(|b| b.0.to_i64())
    }

    /// The int in `v` if `v` is an int or bool (subclass instances too).
    pub fn as_big(&self, v: Value) -> Option<BigInt> {
        if let Some(n) = v.as_int() {
            return Some(BigInt::from(n));
        }
        if let Some(b) = v.as_bool() {
            return Some(BigInt::from(b as i64));
        }
        self.get::<Big>(v).map(|b| b.0.clone())
    }

    /// Whether `v` is an int, a bool, or an instance of a subclass of int.
    #[inline(always)]
    pub fn is_int(&self, v: Value) -> bool {
        v.is_int() || v.is_bool() || self.kind(v) == Some(Kind::BigInt)
    }
}
