//! Values to the bytes of a `Format` and back. What numbers look like in memory is `item`.

use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::{PyResult, Raised, Value, Vm};
use smallvec::SmallVec;

use super::error;
use super::format::{Format, Part};
use crate::item::{self, BYTES_MAX, Misfit};

/// So many values or bytes are made without asking for room.
const UNASKED_MAX: usize = 1024;

/// The bytes of a structure that is about to be read.
pub type Piece = SmallVec<[u8; 64]>;

/// The values that `data`, of the format's size, stands for: a tuple.
///
/// # Errors
/// MemoryError.
pub fn unpacked(vm: &mut Vm, format: &Format, data: &[u8]) -> PyResult {
    if format.n_values > UNASKED_MAX {
        vm.check_size(format.n_values.saturating_mul(4 * size_of::<Value>()))?;
    }
    let mut values: SmallVec<[Value; 8]> = SmallVec::with_capacity(format.n_values);
    for part in &format.parts {
        let n_bytes = part.count * part.size;
        let bytes = &data[part.offset..][..n_bytes];
        match part.letter {
            b's' => values.push(vm.heap.bytes(bytes.to_vec())),
            b'p' => {
                let text = match bytes.split_first() {
                    Some((&n, text)) => &text[..text.len().min(usize::from(n))],
                    None => &[],
                };
                values.push(vm.heap.bytes(text.to_vec()));
            }
            _ => {
                for bytes in bytes.chunks_exact(part.size) {
                    values.push(unpacked_item(vm, format, part, bytes));
                }
            }
        }
    }
    Ok(vm.heap.tuple(&values))
}

fn unpacked_item(vm: &mut Vm, format: &Format, part: &Part, bytes: &[u8]) -> Value {
    if !format.is_big_endian {
        return item::value(vm, part.code, bytes);
    }
    let mut own = [0; BYTES_MAX];
    own[..part.size].copy_from_slice(bytes);
    own[..part.size].reverse();
    item::value(vm, part.code, &own[..part.size])
}

/// Room for a structure.
///
/// # Errors
/// MemoryError.
pub fn zeros(vm: &mut Vm, format: &Format) -> PyResult<Vec<u8>> {
    if format.size > UNASKED_MAX {
        vm.check_size(format.size)?;
    }
    Ok(vec![0; format.size])
}

/// Puts values, as many as the format has, into `out`, which is 0 and of the format's size. Those
/// before one that raises stand there then.
///
/// # Errors
/// `struct.error`, OverflowError; what the values' conversions raise.
pub fn pack(vm: &mut Vm, format: &Format, values: &[Value], out: &mut [u8]) -> PyResult<()> {
    let mut values = values.iter();
    for part in &format.parts {
        let place = &mut out[part.offset..][..part.count * part.size];
        if part.is_text() {
            if let Some(&v) = values.next() {
                pack_text(vm, part, v, place)?;
            }
            continue;
        }
        for (place, &v) in place.chunks_exact_mut(part.size).zip(&mut values) {
            let bytes = packed_item(vm, format, part, v)?;
            place.copy_from_slice(&bytes[..part.size]);
            if format.is_big_endian {
                place.reverse();
            }
        }
    }
    Ok(())
}

fn pack_text(vm: &mut Vm, part: &Part, v: Value, place: &mut [u8]) -> PyResult<()> {
    let Some(text) = vm.heap.get::<Bytes>(v) else {
        let letter = char::from(part.letter);
        return Err(error(
            vm,
            &format!("argument for '{letter}' must be a bytes object"),
        ));
    };
    if part.letter == b's' {
        let n = text.data.len().min(place.len());
        place[..n].copy_from_slice(&text.data[..n]);
    } else if let Some((first, place)) = place.split_first_mut() {
        let n = text.data.len().min(place.len());
        place[..n].copy_from_slice(&text.data[..n]);
        *first = u8::try_from(n).unwrap_or(u8::MAX);
    }
    Ok(())
}

fn packed_item(vm: &mut Vm, format: &Format, part: &Part, v: Value) -> PyResult<[u8; BYTES_MAX]> {
    if matches!(part.code, b'e' | b'f' | b'd') {
        // CPython 3.13 _struct.c np_double: whatever the conversion raised is told as this.
        let Ok(number) = vm.to_float(v) else {
            return Err(error(vm, "required argument is not a float"));
        };
        // A C compiler's own floats become infinite.
        if part.code == b'f'
            && !format.is_native
            && number.is_finite()
            && !(number as f32).is_finite()
        {
            return Err(vm.overflow_error("float too large to pack with f format"));
        }
        return item::number_bytes(vm, part.code, number);
    }
    match item::bytes(vm, part.code, v) {
        Ok(bytes) => Ok(bytes),
        Err(misfit) => not_packed(vm, part, v, misfit),
    }
}

#[cold]
fn not_packed(vm: &mut Vm, part: &Part, v: Value, misfit: Misfit) -> PyResult<[u8; BYTES_MAX]> {
    Err(match misfit {
        Misfit::Raised(raised) => raised,
        Misfit::Type(Some(raised)) if vm.has_index(v) => raised,
        _ if part.code == b'c' => error(vm, "char format requires a bytes object of length 1"),
        Misfit::Type(_) => error(vm, "required argument is not an integer"),
        // CPython 3.13 longobject.c PyLong_AsVoidPtr: addresses may be negative, too.
        Misfit::Low if part.code == b'P' => {
            return item::bytes(vm, b'q', v).map_err(|_| error(vm, "int too large to convert"));
        }
        Misfit::High if part.code == b'P' => error(vm, "int too large to convert"),
        Misfit::Low | Misfit::High => out_of_range(vm, part),
    })
}

fn out_of_range(vm: &mut Vm, part: &Part) -> Raised {
    let bits = 8 * part.size as u32;
    let (low, high) = match item::is_signed(part.code) {
        true => (-1i128 << (bits - 1), (1i128 << (bits - 1)) - 1),
        false => (0, (1i128 << bits) - 1),
    };
    let letter = char::from(part.letter);
    let message = format!("'{letter}' format requires {low} <= number <= {high}");
    error(vm, &message)
}
