//! What arrays are made of and turned into: values, bytes, texts, files and pickles.

use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::object::class::Class;
use lockstep_runtime::text::pystr::{PyStr, Units};
use lockstep_runtime::{B, PyResult, Value, Vm};
use num_bigint::Sign;

use super::change::{extend_by, push, splice};
use super::{Array, CODES, Classes, code, data, is_array, item, len, size};
use crate::args;
use crate::builtins::codec;
use crate::item::{self as memory, BYTES_MAX, Misfit};

fn is_text(code: u8) -> bool {
    matches!(code, b'u' | b'w')
}

/// The value of an item.
///
/// # Errors
/// ValueError for what is no character.
pub(super) fn value(vm: &mut Vm, code: u8, bytes: &[u8]) -> PyResult {
    if !is_text(code) {
        return Ok(memory::value(vm, code, bytes));
    }
    let point = bytes.iter().rev().fold(0, |n, &b| n << 8 | u32::from(b));
    if point > 0x10_ffff {
        return Err(vm.value_error("chr() arg not in range(0x110000)"));
    }
    Ok(vm.heap.str(PyStr::from_units(Units::Ucs4(&[point]))))
}

/// The bytes of a value as an item; what follows them is 0.
///
/// # Errors
/// TypeError, OverflowError; what `__index__` and `__float__` raise.
pub(super) fn bytes(vm: &mut Vm, code: u8, v: Value) -> PyResult<[u8; BYTES_MAX]> {
    if is_text(code) {
        let mut bytes = [0; BYTES_MAX];
        let text = vm.heap.as_str(v).filter(|text| text.len() == 1);
        let Some(point) = text.and_then(|text| text.chars().next()) else {
            return Err(vm.type_error("array item must be unicode character"));
        };
        bytes[..4].copy_from_slice(&point.to_le_bytes());
        return Ok(bytes);
    }
    match memory::bytes(vm, code, v) {
        Ok(bytes) => Ok(bytes),
        Err(Misfit::Raised(raised) | Misfit::Type(Some(raised))) => Err(raised),
        Err(Misfit::Type(None)) => Err(vm.type_error("bad argument type for built-in operation")),
        Err(misfit) => {
            let message = overflow(vm, code, v, matches!(misfit, Misfit::Low))?;
            Err(vm.overflow_error(message))
        }
    }
}

/// What CPython 3.13 arraymodule.c says of an int that doesn't fit, by the C type that it reads
/// the int as and the one that it keeps.
fn overflow(vm: &mut Vm, code: u8, v: Value, low: bool) -> PyResult<&'static str> {
    let n = vm.index(v)?;
    let small = vm.heap.as_i64(n);
    let side = |less: &'static str, greater: &'static str| if low { less } else { greater };
    Ok(match (code, small) {
        (b'q', _) | (b'Q', _) if !low || code == b'q' => "int too big to convert",
        (b'Q', _) => "can't convert negative int to unsigned",
        (b'I' | b'L', _) if low => "can't convert negative value to unsigned int",
        (b'I' | b'L', None) if is_beyond_unsigned(vm, n) => {
            "Python int too large to convert to C unsigned long"
        }
        (b'I', _) => "unsigned int is greater than maximum",
        (_, None) => "Python int too large to convert to C long",
        (b'H', Some(n)) if i32::try_from(n).is_ok() => side(
            "unsigned short is less than minimum",
            "unsigned short is greater than maximum",
        ),
        (b'H' | b'i', _) => side(
            "signed integer is less than minimum",
            "signed integer is greater than maximum",
        ),
        (b'B', _) => side(
            "unsigned byte integer is less than minimum",
            "unsigned byte integer is greater than maximum",
        ),
        (b'b', Some(n)) if i16::try_from(n).is_ok() => side(
            "signed char is less than minimum",
            "signed char is greater than maximum",
        ),
        _ => side(
            "signed short integer is less than minimum",
            "signed short integer is greater than maximum",
        ),
    })
}

fn is_beyond_unsigned(vm: &Vm, n: Value) -> bool {
    let big = vm.heap.as_big(n).unwrap_or_default();
    big.sign() == Sign::Plus && big.bits() > 64
}

/// CPython 3.13 arraymodule.c array_new.
pub fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let given = vm.heap.tuple_items(a[1]).to_vec();
    if Some(a[0]) == vm.ext::<Classes>().array && vm.len(a[2])? > 0 {
        return Err(vm.type_error("array.array() takes no keyword arguments"));
    }
    let (code_value, initial) = match *given {
        [] => {
            let message = "array() takes at least 1 argument (0 given)";
            return Err(vm.type_error(message));
        }
        [code] => (code, None),
        [code, initial] => (code, Some(initial)),
        _ => {
            let n = given.len();
            let message = format!("array() takes at most 2 arguments ({n} given)");
            return Err(vm.type_error(message));
        }
    };
    let code = vm.heap.as_str(code_value).filter(|text| text.len() == 1);
    let Some(code) = code.and_then(|text| text.chars().next()) else {
        let found = args::shown_type(vm, code_value);
        let message = format!("array() argument 1 must be a unicode character, not {found}");
        return Err(vm.type_error(message));
    };
    let code = u8::try_from(code).unwrap_or(b'?');
    if code == b'u' {
        let message = "The 'u' type code is deprecated and will be removed in Python 3.16";
        let warnings = vm.import_module("warnings")?;
        let category = vm.class(B::DeprecationWarning);
        let message = vm.heap.str(message);
        vm.call_method(warnings, "warn", &[message, category])?;
    }
    if let Some(initial) = initial
        && !is_text(code)
    {
        let of_text = is_array(vm, initial) && is_text(super::code(vm, initial));
        let what = match vm.heap.as_str(initial) {
            Some(_) => Some("str"),
            None if of_text => Some("unicode array"),
            None => None,
        };
        if let Some(what) = what {
            let code = char::from(code);
            let message =
                format!("cannot use a {what} to initialize an array with typecode '{code}'");
            return Err(vm.type_error(message));
        }
    }
    if !CODES.as_bytes().contains(&code) {
        let message = "bad typecode (must be b, B, u, h, H, i, I, l, L, q, Q, f or d)";
        return Err(vm.value_error(message));
    }
    let shape = vm.root_shape(a[0]);
    let empty = Array {
        code,
        data: Vec::new(),
    };
    let made = vm.heap.opaque(shape, empty);
    vm.root(made);
    if let Some(initial) = initial {
        fill(vm, made, initial)?;
    }
    Ok(made)
}

fn fill(vm: &mut Vm, this: Value, initial: Value) -> PyResult<()> {
    if vm.heap.get::<Bytes>(initial).is_some() {
        return frombytes(vm, &[this, initial]).map(drop);
    }
    if is_text(code(vm, this)) && vm.heap.as_str(initial).is_some() {
        return fromunicode(vm, &[this, initial]).map(drop);
    }
    if is_array(vm, initial) && code(vm, initial) == code(vm, this) {
        return extend_by(vm, this, initial);
    }
    vm.for_each(initial, |vm, item| push(vm, this, item))
}

pub fn repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let class = vm.heap.class_of(a[0]);
    let name = vm.heap.cell::<Class>(class).name;
    let name = vm.heap.string(name);
    let code = char::from(code(vm, a[0]));
    if len(vm, a[0]) == 0 {
        return Ok(vm.heap.str(format!("{name}('{code}')")));
    }
    let items = match is_text(code as u8) {
        true => tounicode(vm, a)?,
        false => tolist(vm, a)?,
    };
    vm.root(items);
    let items = vm.repr_string(items)?;
    Ok(vm.heap.str(format!("{name}('{code}', {items})")))
}

pub fn tolist(vm: &mut Vm, a: &[Value]) -> PyResult {
    let list = vm.heap.list(Vec::new());
    vm.root(list);
    for at in 0..len(vm, a[0]) {
        let value = item(vm, a[0], at)?;
        vm.heap.list_push(list, value);
        vm.tick()?;
    }
    Ok(list)
}

pub fn fromlist(vm: &mut Vm, a: &[Value]) -> PyResult {
    if !vm.is_instance_of(a[1], B::List) {
        return Err(vm.type_error("arg must be list"));
    }
    let items = vm.heap.as_sequence(a[1]).unwrap_or_default().to_vec();
    let (own_code, n) = (code(vm, a[0]), size(code(vm, a[0])));
    let mut new = Vec::with_capacity(items.len() * n);
    for &item in &items {
        new.extend_from_slice(&bytes(vm, own_code, item)?[..n]);
        if vm.heap.as_sequence(a[1]).map_or(0, <[Value]>::len) != items.len() {
            return Err(vm.raise(B::RuntimeError, "list changed size during iteration"));
        }
    }
    let end = len(vm, a[0]);
    splice(vm, a[0], end, end, &new)?;
    Ok(Value::NONE)
}

pub fn frombytes(vm: &mut Vm, a: &[Value]) -> PyResult {
    let new = crate::builtins::bytes::data_of(vm, a[1])?;
    if !new.len().is_multiple_of(size(code(vm, a[0]))) {
        return Err(vm.value_error("bytes length not a multiple of item size"));
    }
    let end = len(vm, a[0]);
    splice(vm, a[0], end, end, &new)?;
    Ok(Value::NONE)
}

pub fn fromfile(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = vm.to_ssize(a[2])?;
    let Ok(n) = usize::try_from(n) else {
        return Err(vm.value_error("negative count"));
    };
    let n_bytes = n.saturating_mul(size(code(vm, a[0])));
    vm.check_size(n_bytes)?;
    let wanted = vm.heap.usize(n_bytes);
    let read = vm.call_method(a[1], "read", &[wanted])?;
    vm.root(read);
    if !vm.is_instance_of(read, B::Bytes) {
        return Err(vm.type_error("read() didn't return bytes"));
    }
    let found = vm.heap.get::<Bytes>(read).map_or(0, |b| b.data.len());
    frombytes(vm, &[a[0], read])?;
    match found == n_bytes {
        true => Ok(Value::NONE),
        false => Err(vm.raise(B::EOFError, "read() didn't return enough bytes")),
    }
}

pub fn tofile(vm: &mut Vm, a: &[Value]) -> PyResult {
    const BLOCK_BYTES: usize = 64 * 1024;
    let mut at = 0;
    while at < data(vm, a[0]).len() {
        let rest = &data(vm, a[0])[at..];
        let block = rest[..rest.len().min(BLOCK_BYTES)].to_vec();
        at += block.len();
        let block = vm.heap.bytes(block);
        vm.holding(&[block], |vm| vm.call_method(a[1], "write", &[block]))?;
    }
    Ok(Value::NONE)
}

pub fn fromunicode(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(text) = vm.heap.as_str(a[1]) else {
        let found = args::shown_type(vm, a[1]);
        let message = format!("fromunicode() argument must be str, not {found}");
        return Err(vm.type_error(message));
    };
    let new: Vec<u8> = text.chars().flat_map(u32::to_le_bytes).collect();
    if !is_text(code(vm, a[0])) {
        let message = "fromunicode() may only be called on unicode type arrays ('u' or 'w')";
        return Err(vm.value_error(message));
    }
    let end = len(vm, a[0]);
    splice(vm, a[0], end, end, &new)?;
    Ok(Value::NONE)
}

pub fn tounicode(vm: &mut Vm, a: &[Value]) -> PyResult {
    if !is_text(code(vm, a[0])) {
        let message = "tounicode() may only be called on unicode type arrays ('u' or 'w')";
        return Err(vm.value_error(message));
    }
    if code(vm, a[0]) == b'w' {
        let units = data(vm, a[0]).to_vec();
        let text = codec::decode_bytes(vm, &units, "utf-32-le", "strict")?;
        return Ok(vm.heap.str(text));
    }
    let points: Vec<u32> = data(vm, a[0])
        .chunks_exact(4)
        .map(|c| c.iter().rev().fold(0, |n, &b| n << 8 | u32::from(b)))
        .collect();
    if let Some(&point) = points.iter().find(|&&point| point > 0x10_ffff) {
        let message = format!("character U+{point:x} is not in range [U+0000; U+10ffff]");
        return Err(vm.value_error(message));
    }
    Ok(vm.heap.str(PyStr::from_units(Units::Ucs4(&points))))
}

/// The code of the machine's layout of a type: CPython 3.13 arraymodule.c `mformat_descriptors`.
fn machine_format(code: u8) -> i64 {
    match code {
        b'B' => 0,
        b'b' => 1,
        b'H' => 2,
        b'h' => 4,
        b'I' => 6,
        b'i' => 8,
        b'L' | b'Q' => 10,
        b'l' | b'q' => 12,
        b'f' => 14,
        b'd' => 16,
        _ => 20,
    }
}

pub fn reduce_ex(vm: &mut Vm, a: &[Value]) -> PyResult {
    if !vm.heap.is_int(a[1]) {
        return Err(vm.type_error("__reduce_ex__ argument should be an integer"));
    }
    let protocol = vm.index_clamped(a[1])?;
    let copyreg = vm.import_module("copyreg")?;
    let state = vm.call_method(copyreg, "_getstate", &[a[0]])?;
    vm.root(state);
    let class = vm.heap.class_of(a[0]);
    let own_code = code(vm, a[0]);
    let code = vm.heap.str(char::from(own_code).to_string());
    vm.root(code);
    if protocol < 3 {
        let list = tolist(vm, a)?;
        let arguments = vm.heap.tuple(&[code, list]);
        return Ok(vm.heap.tuple(&[class, arguments, state]));
    }
    let module = vm.import_module("array")?;
    let rebuild = {
        let name = vm.heap.intern("_array_reconstructor");
        vm.get_attr(module, name)?
    };
    vm.root(rebuild);
    let bytes = data(vm, a[0]).to_vec();
    let bytes = vm.heap.bytes(bytes);
    let format = vm.heap.int(machine_format(own_code));
    let arguments = vm.heap.tuple(&[class, code, format, bytes]);
    Ok(vm.heap.tuple(&[rebuild, arguments, state]))
}
