//! `_base64`: the loops of `base64` over digits of 5 bits and of base 85. Takes and gives whole
//! pieces of bytes; what scripts see of it, most messages included, is `py/base64.async`.

use lockstep_runtime::native::function;
use lockstep_runtime::{PyResult, Value, Vm};

use crate::NativeModule;
use crate::binascii::{NO_DIGIT, values};
use crate::builtins::bytes;

pub static MODULE: NativeModule = NativeModule {
    name: "_base64",
    functions: &[
        function("b32encode(alphabet, data, /)", b32encode),
        function("b32decode(alphabet, digits, /)", b32decode),
        function(
            "b85encode(alphabet, data, pad, foldnuls, foldspaces, /)",
            b85encode,
        ),
        function("b85decode(alphabet, digits, /)", b85decode),
        function("a85decode(digits, foldspaces, ignorechars, /)", a85decode),
    ],
    init: |_, _| Ok(()),
};

/// Digits of an alphabet that the caller has from `py/base64.async`, of this length.
fn alphabet<const N: usize>(vm: &mut Vm, v: Value) -> PyResult<[u8; N]> {
    let digits = bytes::data_of(vm, v)?;
    <[u8; N]>::try_from(digits).map_err(|_| vm.value_error("the alphabet is of another base"))
}

// ---- base32 ------------------------------------------------------------------------

fn b32encode(vm: &mut Vm, a: &[Value]) -> PyResult {
    let alphabet = alphabet::<32>(vm, a[0])?;
    let data = bytes::data_of(vm, a[1])?;
    let n_digits = data.len().div_ceil(5) * 8;
    vm.check_size(n_digits)?;
    let mut out = Vec::with_capacity(n_digits);
    for piece in data.chunks(5) {
        let mut word = [0; 8];
        word[3..3 + piece.len()].copy_from_slice(piece);
        let n = u64::from_be_bytes(word);
        let n_kept = (piece.len() * 8).div_ceil(5);
        out.extend((0..8).map(|i| match i < n_kept {
            true => alphabet[(n >> (35 - 5 * i) & 31) as usize],
            false => b'=',
        }));
    }
    Ok(vm.heap.bytes(out))
}

/// The bytes of digits that stand there without padding; None where one is no digit.
fn b32decode(vm: &mut Vm, a: &[Value]) -> PyResult {
    let values = values(&alphabet::<32>(vm, a[0])?);
    let digits = bytes::data_of(vm, a[1])?;
    let mut out = Vec::with_capacity(digits.len() * 5 / 8);
    let (mut bits, mut n_bits) = (0u32, 0);
    for digit in digits {
        let value = values[usize::from(digit)];
        if value == NO_DIGIT {
            return Ok(Value::NONE);
        }
        bits = (bits << 5 | u32::from(value)) & 0xfff;
        n_bits += 5;
        if n_bits >= 8 {
            n_bits -= 8;
            out.push((bits >> n_bits) as u8);
        }
    }
    Ok(vm.heap.bytes(out))
}

// ---- base 85 -----------------------------------------------------------------------

/// Four bytes as five digits, the last padded with zeros; with letters for four zeros and four
/// spaces where they are asked for.
fn b85encode(vm: &mut Vm, a: &[Value]) -> PyResult {
    let alphabet = alphabet::<85>(vm, a[0])?;
    let data = bytes::data_of(vm, a[1])?;
    let n_lacking = data.len().next_multiple_of(4) - data.len();
    let is_cut = n_lacking > 0 && !vm.truth(a[2])?;
    let (fold_nuls, fold_spaces) = (vm.truth(a[3])?, vm.truth(a[4])?);
    let n_digits = data.len().div_ceil(4) * 5;
    vm.check_size(n_digits)?;
    let mut out = Vec::with_capacity(n_digits);
    for piece in data.chunks(4) {
        let mut word = [0; 4];
        word[..piece.len()].copy_from_slice(piece);
        let n = u32::from_be_bytes(word);
        let is_whole = piece.len() == 4 || !is_cut;
        if fold_nuls && n == 0 && is_whole {
            out.push(b'z');
        } else if fold_spaces && &word == b"    " {
            out.push(b'y');
        } else {
            let digit = |power: u32| alphabet[(n / power % 85) as usize];
            out.extend_from_slice(&[
                digit(85 * 85 * 85 * 85),
                digit(85 * 85 * 85),
                digit(85 * 85),
                digit(85),
                digit(1),
            ]);
        }
    }
    if is_cut {
        out.truncate(out.len() - n_lacking);
    }
    Ok(vm.heap.bytes(out))
}

/// The four bytes of five digits' values.
fn four_bytes(values: [u8; 5]) -> Option<[u8; 4]> {
    let n = values.iter().fold(0, |n, &v| n * 85 + u64::from(v));
    Some(u32::try_from(n).ok()?.to_be_bytes())
}

/// The bytes, or the message of what is wrong.
fn b85decode(vm: &mut Vm, a: &[Value]) -> PyResult {
    let values = values(&alphabet::<85>(vm, a[0])?);
    let digits = bytes::data_of(vm, a[1])?;
    let n_lacking = digits.len().next_multiple_of(5) - digits.len();
    let mut out = Vec::with_capacity(digits.len().div_ceil(5) * 4);
    for (i, piece) in digits.chunks(5).enumerate() {
        // What lacks is the highest digit.
        let mut five = [84; 5];
        for (j, &digit) in piece.iter().enumerate() {
            five[j] = values[usize::from(digit)];
            if five[j] == NO_DIGIT {
                let message = format!("bad base85 character at position {}", i * 5 + j);
                return Ok(vm.heap.str(message));
            }
        }
        let Some(four) = four_bytes(five) else {
            let message = format!("base85 overflow in hunk starting at byte {}", i * 5);
            return Ok(vm.heap.str(message));
        };
        out.extend_from_slice(&four);
    }
    out.truncate(out.len() - n_lacking);
    Ok(vm.heap.bytes(out))
}

/// The bytes of Ascii85; None where digits stand for more than four bytes hold.
fn a85decode(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mut digits = bytes::data_of(vm, a[0])?;
    // What lacks is the highest digit.
    digits.extend_from_slice(b"uuuu");
    let mut out = Vec::with_capacity(digits.len() / 5 * 4);
    let (mut five, mut n) = ([0; 5], 0);
    for digit in digits {
        let folded = match digit {
            b'!'..=b'u' => {
                five[n] = digit - b'!';
                n += 1;
                if n == 5 {
                    n = 0;
                    match four_bytes(five) {
                        Some(four) => out.extend_from_slice(&four),
                        None => return Ok(Value::NONE),
                    }
                }
                continue;
            }
            b'z' => b"\0\0\0\0",
            b'y' if vm.truth(a[1])? => b"    ",
            _ => {
                if vm.contains(a[2], Value::small(i64::from(digit)))? {
                    continue;
                }
                let shown = char::from(digit);
                return Err(vm.value_error(format!("Non-Ascii85 digit found: {shown}")));
            }
        };
        if n > 0 {
            let shown = char::from(digit);
            return Err(vm.value_error(format!("{shown} inside Ascii85 5-tuple")));
        }
        vm.check_size(out.len())?;
        out.extend_from_slice(folded);
    }
    // The digits that were added leave as many over as they have not filled up.
    out.truncate(out.len() - (4 - n));
    Ok(vm.heap.bytes(out))
}
