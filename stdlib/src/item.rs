//! Items of memory: the bytes of a number of one of C's types, as `memoryview`, `array` and
//! `struct` keep them. Takes and gives values of scripts; knows nothing of where the bytes stand.

use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::{B, PyResult, Raised, Value, Vm};
use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;

use crate::floats;

/// The longest item.
pub const BYTES_MAX: usize = 8;

/// Why a value is no item of a type.
pub enum Misfit {
    /// It is of another type: what a conversion of it raised, if one was tried.
    Type(Option<Raised>),
    /// It is less than the least.
    Low,
    /// It is more than the most, or of a wrong length.
    High,
    Raised(Raised),
}

impl From<Raised> for Misfit {
    fn from(raised: Raised) -> Misfit {
        Misfit::Raised(raised)
    }
}

/// How many bytes an item of a type takes on a 64-bit machine; None for what is no type.
pub fn size(code: u8) -> Option<usize> {
    Some(match code {
        b'c' | b'b' | b'B' | b'?' => 1,
        b'h' | b'H' | b'e' => 2,
        b'i' | b'I' | b'f' | b'w' => 4,
        b'l' | b'L' | b'q' | b'Q' | b'n' | b'N' | b'P' | b'd' => 8,
        _ => return None,
    })
}

pub fn is_signed(code: u8) -> bool {
    matches!(code, b'b' | b'h' | b'i' | b'l' | b'q' | b'n')
}

/// The value of an item's bytes.
pub fn value(vm: &mut Vm, code: u8, item: &[u8]) -> Value {
    let mut whole = [0; BYTES_MAX];
    whole[..item.len()].copy_from_slice(item);
    let bits = u64::from_le_bytes(whole);
    match code {
        b'c' => vm.heap.bytes(item.to_vec()),
        b'?' => Value::bool(bits != 0),
        b'e' => vm.heap.float(floats::of_half(bits as u16)),
        b'f' => vm.heap.float(f64::from(f32::from_bits(bits as u32))),
        b'd' => vm.heap.float(f64::from_bits(bits)),
        _ if is_signed(code) => {
            let unused = 64 - 8 * item.len() as u32;
            vm.heap.int((bits << unused) as i64 >> unused)
        }
        _ => match i64::try_from(bits) {
            Ok(n) => vm.heap.int(n),
            Err(_) => vm.heap.big(BigInt::from(bits)),
        },
    }
}

/// The bytes of a value as an item of `size(code)` bytes; what follows them is 0.
///
/// # Errors
/// What makes it none.
pub fn bytes(vm: &mut Vm, code: u8, v: Value) -> Result<[u8; BYTES_MAX], Misfit> {
    let bits = match code {
        b'c' => match vm.heap.get::<Bytes>(v) {
            Some(bytes) if vm.is_instance_of(v, B::Bytes) => match *bytes.data {
                [byte] => u64::from(byte),
                _ => return Err(Misfit::High),
            },
            _ => return Err(Misfit::Type(None)),
        },
        b'?' => u64::from(vm.truth(v)?),
        b'e' | b'f' | b'd' => float_bits(vm, code, v)?,
        _ => int_bits(vm, code, v)?,
    };
    Ok(bits.to_le_bytes())
}

fn float_bits(vm: &mut Vm, code: u8, v: Value) -> Result<u64, Misfit> {
    let value = match vm.to_float(v) {
        Ok(value) => value,
        Err(raised) if vm.is_instance_of(raised.0, B::TypeError) => {
            return Err(Misfit::Type(Some(raised)));
        }
        Err(raised) => return Err(raised.into()),
    };
    Ok(number_bits(vm, code, value)?)
}

/// As `bytes`, of a number for a type that keeps one with a fraction.
///
/// # Errors
/// OverflowError.
pub fn number_bytes(vm: &mut Vm, code: u8, value: f64) -> PyResult<[u8; BYTES_MAX]> {
    Ok(number_bits(vm, code, value)?.to_le_bytes())
}

fn number_bits(vm: &mut Vm, code: u8, value: f64) -> PyResult<u64> {
    Ok(match code {
        b'd' => value.to_bits(),
        b'f' => u64::from((value as f32).to_bits()),
        _ => match floats::half_of(value) {
            Some(bits) => u64::from(bits),
            None => {
                let message = "float too large to pack with e format";
                return Err(vm.overflow_error(message));
            }
        },
    })
}

fn int_bits(vm: &mut Vm, code: u8, v: Value) -> Result<u64, Misfit> {
    let n = match vm.index(v) {
        Ok(n) => n,
        Err(raised) if vm.is_instance_of(raised.0, B::TypeError) => {
            return Err(Misfit::Type(Some(raised)));
        }
        Err(raised) => return Err(raised.into()),
    };
    let bits = size(code).unwrap_or(1) as u32 * 8;
    let (low, high) = match is_signed(code) {
        true => (-1i128 << (bits - 1), (1i128 << (bits - 1)) - 1),
        false => (0, (1i128 << bits) - 1),
    };
    let n = match vm.heap.as_i64(n) {
        Some(n) => i128::from(n),
        None => {
            let big = vm.heap.as_big(n).unwrap_or_default();
            let far = match big.sign() {
                Sign::Minus => i128::MIN,
                _ => i128::MAX,
            };
            big.to_i128().unwrap_or(far)
        }
    };
    if n < low {
        return Err(Misfit::Low);
    }
    if n > high {
        return Err(Misfit::High);
    }
    Ok(n as u64 & (u64::MAX >> (64 - bits)))
}
