//! `_floats`: the bytes of floats, for `pickle`; of 2 bytes, also for `item`. Gives and takes IEEE
//! 754 numbers of 2, 4 or 8 bytes.

use lockstep_runtime::native::function;
use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::{PyResult, Value, Vm};

use crate::NativeModule;

pub static MODULE: NativeModule = NativeModule {
    name: "_floats",
    functions: &[
        function("pack(value, size, big, /)", pack),
        function("unpack(data, big, /)", unpack),
    ],
    init: |_, _| Ok(()),
};

fn pack(vm: &mut Vm, a: &[Value]) -> PyResult {
    let value = vm.to_float(a[0])?;
    let size = vm.index_i64(a[1])?;
    let big = vm.truth(a[2])?;
    let mut data = match size {
        2 => half_of(value).map(|n| n.to_le_bytes().to_vec()),
        4 => {
            let single = value as f32;
            (single.is_finite() || !value.is_finite()).then(|| single.to_le_bytes().to_vec())
        }
        _ => Some(value.to_le_bytes().to_vec()),
    };
    if big && let Some(data) = &mut data {
        data.reverse();
    }
    match data {
        Some(data) => Ok(vm.heap.bytes(data)),
        None => {
            let format = if size == 2 { 'e' } else { 'f' };
            let message = format!("float too large to pack with {format} format");
            Err(vm.overflow_error(message))
        }
    }
}

fn unpack(vm: &mut Vm, a: &[Value]) -> PyResult {
    let big = vm.truth(a[1])?;
    let Some(bytes) = vm.heap.get::<Bytes>(a[0]) else {
        return Err(vm.type_error("a bytes-like object is required"));
    };
    let mut data = bytes.data.clone();
    if big {
        data.reverse();
    }
    let value = match *data {
        [a, b] => of_half(u16::from_le_bytes([a, b])),
        [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => return Err(vm.value_error("a float has 2, 4 or 8 bytes")),
    };
    Ok(vm.heap.float(value))
}

/// The nearest number of 2 bytes, ties to even; None where that would be infinite.
pub fn half_of(value: f64) -> Option<u16> {
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    let size = value.abs();
    if size.is_nan() {
        return Some(sign | 0x7e00);
    }
    if size.is_infinite() {
        return Some(sign | 0x7c00);
    }
    // In units of the last place: 2^-24 below the least normal number 2^-14.
    let exponent = if size < f64::exp2(-14.0) {
        -14
    } else {
        ((size.to_bits() >> 52) as i32) - 1023
    };
    let units = (size / f64::exp2(f64::from(exponent - 10))).round_ties_even();
    if exponent > 15 || exponent == 15 && units >= 2048.0 {
        return None;
    }
    let biased = if units < 1024.0 { 0 } else { exponent + 15 };
    // What rounds up to the next power of two carries into the exponent.
    let bits = match biased {
        0 => units as i32,
        _ => ((biased - 1) << 10) + units as i32,
    };
    Some(sign | bits as u16)
}

pub fn of_half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 != 0 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        0 => fraction * f64::exp2(-24.0),
        _ => (1024.0 + fraction) * f64::exp2(f64::from(exponent - 25)),
    }
}
