//! `bytes` and `bytearray`: one set of methods by the shared layout; results
//! are of the operand's builtin class.

use lockstep_runtime::native::{ClassDef, class_method, method, static_method};
use lockstep_runtime::object::buffer::MemoryView;
use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::protocol::number::BinaryOp;
use lockstep_runtime::text::pystr::{PyStr, clamp_range};
use lockstep_runtime::{B, N, PyResult, Value, Vm};

use super::{codec, memoryview, operators as op};
use crate::args;

macro_rules! shared {
    ($($own:expr,)*) => {
        &[
            op::REPR,
            op::GETATTRIBUTE,
            op::LEN,
            op::GETITEM,
            op::CONTAINS,
            op::ITER,
            op::ADD,
            op::MUL,
            op::RMUL,
            op::MOD,
            method("__rmod__(self, value, /)", |vm, a| {
                let is_bytearray = |vm: &Vm, v| vm.is_instance_of(v, B::ByteArray);
                match vm.heap.get::<Bytes>(a[1]) {
                    Some(_) if is_bytearray(vm, a[0]) == is_bytearray(vm, a[1]) => {
                        vm.reflected_method(BinaryOp::Mod, a[0], a[1])
                    }
                    _ => Ok(Value::NOT_IMPLEMENTED),
                }
            }),
            op::LT,
            op::LE,
            op::EQ,
            op::NE,
            op::GT,
            op::GE,
            method("__str__(self, /)", |vm, a| vm.builtin_repr(a[0])),
            method("__buffer__(self, flags, /)", memoryview::buffer),
            method("capitalize(self, /)", |vm, a| map(vm, a[0], capitalize)),
            method("center(self, width, fillchar=b' ', /)", |vm, a| justify(vm, a, Justify::Center, "center")),
            method("count(self, sub, start=None, end=None, /)", count),
            method("decode(self, /, encoding='utf-8', errors='strict')", decode),
            method("endswith(self, suffix, start=None, end=None, /)", |vm, a| affix(vm, a, "endswith", <[u8]>::ends_with)),
            method("expandtabs(self, /, tabsize=8)", expandtabs),
            method("find(self, sub, start=None, end=None, /)", |vm, a| found(vm, a, false)),
            class_method("fromhex(cls, string, /)", fromhex),
            method("hex(self, /, sep=None, bytes_per_sep=1)", hex),
            method("index(self, sub, start=None, end=None, /)", |vm, a| index(vm, a, false)),
            method("isalnum(self, /)", |vm, a| all(vm, a[0], |b| b.is_ascii_alphanumeric())),
            method("isalpha(self, /)", |vm, a| all(vm, a[0], |b| b.is_ascii_alphabetic())),
            method("isascii(self, /)", |vm, a| Ok(Value::bool(data(vm, a[0]).is_ascii()))),
            method("isdigit(self, /)", |vm, a| all(vm, a[0], |b| b.is_ascii_digit())),
            method("islower(self, /)", |vm, a| cased(vm, a[0], |b| b.is_ascii_lowercase(), |b| b.is_ascii_uppercase())),
            method("isspace(self, /)", |vm, a| all(vm, a[0], is_space)),
            method("istitle(self, /)", istitle),
            method("isupper(self, /)", |vm, a| cased(vm, a[0], |b| b.is_ascii_uppercase(), |b| b.is_ascii_lowercase())),
            method("join(self, iterable, /)", join),
            method("ljust(self, width, fillchar=b' ', /)", |vm, a| justify(vm, a, Justify::Left, "ljust")),
            method("lower(self, /)", |vm, a| map(vm, a[0], |d| d.to_ascii_lowercase())),
            method("lstrip(self, bytes=None, /)", |vm, a| strip(vm, a, true, false)),
            static_method("maketrans(frm, to, /)", maketrans),
            method("partition(self, sep, /)", |vm, a| partition(vm, a, false)),
            method("removeprefix(self, prefix, /)", removeprefix),
            method("removesuffix(self, suffix, /)", removesuffix),
            method("replace(self, old, new, count=-1, /)", replace),
            method("rfind(self, sub, start=None, end=None, /)", |vm, a| found(vm, a, true)),
            method("rindex(self, sub, start=None, end=None, /)", |vm, a| index(vm, a, true)),
            method("rjust(self, width, fillchar=b' ', /)", |vm, a| justify(vm, a, Justify::Right, "rjust")),
            method("rpartition(self, sep, /)", |vm, a| partition(vm, a, true)),
            method("rsplit(self, /, sep=None, maxsplit=-1)", |vm, a| split(vm, a, true)),
            method("rstrip(self, bytes=None, /)", |vm, a| strip(vm, a, false, true)),
            method("split(self, /, sep=None, maxsplit=-1)", |vm, a| split(vm, a, false)),
            method("splitlines(self, /, keepends=False)", splitlines),
            method("startswith(self, prefix, start=None, end=None, /)", |vm, a| affix(vm, a, "startswith", <[u8]>::starts_with)),
            method("strip(self, bytes=None, /)", |vm, a| strip(vm, a, true, true)),
            method("swapcase(self, /)", |vm, a| map(vm, a[0], swapcase)),
            method("title(self, /)", |vm, a| map(vm, a[0], title)),
            method("translate(self, table, /, delete=b'')", translate),
            method("upper(self, /)", |vm, a| map(vm, a[0], |d| d.to_ascii_uppercase())),
            method("zfill(self, width, /)", zfill),
            $($own,)*
        ]
    };
}

pub static BYTES: ClassDef = ClassDef {
    methods: shared![
        method("__bytes__(self, /)", to_bytes),
        static_method(
            "__new__(cls, source=b'', encoding='utf-8', errors='strict')",
            new
        ),
        op::HASH,
        method("__getnewargs__(self, /)", getnewargs),
    ],
    attributes: &[],
    doc: "bytes(iterable_of_ints) -> bytes\nbytes(string, encoding[, errors]) -> bytes\nbytes(bytes_or_buffer) -> immutable copy of bytes_or_buffer\nbytes(int) -> bytes object of size given by the parameter initialized with null bytes\nbytes() -> empty bytes object",
};

pub static BYTEARRAY: ClassDef = ClassDef {
    methods: shared![
        static_method("__new__(cls, /, *args, **kwargs)", array_new),
        method(
            "__init__(self, /, source=b'', encoding='utf-8', errors='strict')",
            array_init
        ),
        method(
            "__release_buffer__(self, buffer, /)",
            memoryview::release_buffer
        ),
        op::SETITEM,
        op::DELITEM,
        op::IADD,
        op::IMUL,
        method("__reduce__(self, /)", |vm, a| array_reduce(vm, a[0], 2)),
        method("__reduce_ex__(self, protocol=0, /)", |vm, a| {
            let protocol = args::ssize_or(vm, a[1], 0)?;
            array_reduce(vm, a[0], protocol)
        }),
        method("append(self, item, /)", append),
        method("clear(self, /)", clear),
        method("copy(self, /)", copy),
        method("extend(self, iterable_of_ints, /)", extend),
        method("insert(self, index, item, /)", insert),
        method("pop(self, index=-1, /)", pop),
        method("remove(self, value, /)", remove),
        method("reverse(self, /)", reverse),
    ],
    attributes: &[],
    doc: "bytearray(iterable_of_ints) -> bytearray\nbytearray(string, encoding[, errors]) -> bytearray\nbytearray(bytes_or_buffer) -> mutable copy of bytes_or_buffer\nbytearray(int) -> bytes array of size given by the parameter initialized with null bytes\nbytearray() -> empty bytes array",
};

fn data(vm: &Vm, v: Value) -> &[u8] {
    &vm.heap.cell::<Bytes>(v).data
}

/// The bytes of a bytes-like argument.
///
/// # Errors
/// TypeError.
pub fn data_of(vm: &mut Vm, v: Value) -> PyResult<Vec<u8>> {
    match vm.bytes_like(v)? {
        Some(data) => Ok(data),
        None => {
            let message = format!("a bytes-like object is required, not '{}'", vm.type_name(v));
            Err(vm.type_error(message))
        }
    }
}

/// A result of the builtin class of `like`.
fn same(vm: &mut Vm, like: Value, data: Vec<u8>) -> PyResult {
    let class = if vm.is_instance_of(like, B::ByteArray) {
        B::ByteArray
    } else {
        B::Bytes
    };
    Ok(vm.heap.bytes_of(class, data))
}

/// As `Vm::check_size`, of a result of the builtin class of `like`.
fn check_width(vm: &mut Vm, like: Value, width: usize) -> PyResult<()> {
    if vm.is_instance_of(like, B::ByteArray) {
        vm.check_size(width)
    } else {
        vm.check_bytes_size(width)
    }
}

// ---- construction ------------------------------------------------------------------

/// What `bytes(source, encoding, errors)` holds.
fn source(vm: &mut Vm, a: &[Value], name: &str) -> PyResult<Vec<u8>> {
    let named = codec::arguments(vm, name, a[2], a[3], 2)?;
    let Some(v) = a[1].given() else {
        for (v, what) in [(a[2], "encoding"), (a[3], "errors")] {
            if !v.is_empty() {
                return Err(vm.type_error(format!("{what} without a string argument")));
            }
        }
        return Ok(Vec::new());
    };
    let is_text = vm.heap.as_str(v).is_some();
    if is_text && !a[2].is_empty() {
        let (encoding, errors) = named;
        return codec::encode_str(vm, v, &encoding, &errors);
    }
    if !a[2].is_empty() {
        return Err(vm.type_error("encoding without a string argument"));
    }
    if !a[3].is_empty() {
        return Err(vm.type_error(if is_text {
            "string argument without an encoding"
        } else {
            "errors without a string argument"
        }));
    }
    if is_text && (name == "bytearray" || vm.special(v, N::bytes).is_none()) {
        return Err(vm.type_error("string argument without an encoding"));
    }
    if let Some(bytes) = vm.heap.get::<Bytes>(v)
        && (vm.heap.is_exact(v, B::Bytes) || vm.heap.is_exact(v, B::ByteArray))
    {
        return Ok(bytes.data.clone());
    }
    if name == "bytes"
        && let Some(made) = vm.call_special(v, N::bytes, &[])?
    {
        return match vm.heap.get::<Bytes>(made) {
            Some(bytes) => Ok(bytes.data.clone()),
            None => {
                let message = format!("__bytes__ returned non-bytes (type {})", vm.type_name(made));
                Err(vm.type_error(message))
            }
        };
    }
    if vm.has_index(v) {
        match vm.index_i64(v) {
            Ok(n) => {
                let Ok(n) = usize::try_from(n) else {
                    return Err(vm.value_error("negative count"));
                };
                match name {
                    "bytes" => vm.check_bytes_size(n)?,
                    _ => vm.check_size(n)?,
                }
                return Ok(vec![0; n]);
            }
            // CPython 3.13 bytesobject.c bytes_new_impl: it may be iterable all the same.
            Err(raised) if vm.is_instance_of(raised.0, B::TypeError) => {}
            Err(raised) => return Err(raised),
        }
    }
    if let Some(data) = vm.bytes_gathered(v)? {
        return Ok(data);
    }
    iterable(vm, v, name, name == "bytes", |what| {
        format!("cannot convert '{what}' object to {name}")
    })
}

/// The bytes of an iterable of ints, for class `name`. `otherwise` is the message for the type of
/// what can't be iterated over; `__iter__` is called once, and its TypeErrors are not shown. A class
/// that asks `v` for its length does so after that.
fn iterable(
    vm: &mut Vm,
    v: Value,
    name: &str,
    asks_length: bool,
    otherwise: impl FnOnce(String) -> String,
) -> PyResult<Vec<u8>> {
    let iter = match vm.iter_opt(v) {
        Ok(Some(iter)) => iter,
        Err(raised) if !vm.is_instance_of(raised.0, B::TypeError) => return Err(raised),
        Ok(None) | Err(_) => {
            let message = otherwise(vm.type_name(v));
            return Err(vm.type_error(message));
        }
    };
    let mut data = Vec::new();
    vm.holding(&[iter], |vm| {
        if asks_length && let Some(n) = vm.ask_length_hint(v)? {
            vm.check_bytes_size(n)?;
        }
        while let Some(item) = vm.next(iter)? {
            vm.tick()?;
            data.push(vm.holding(&[item], |vm| byte(vm, item, name))?);
        }
        Ok(data)
    })
}

/// The text that `int` and `float` read of bytes. Bytes are no text: what isn't ASCII is no digit
/// and no blank.
pub fn number_text(data: &[u8]) -> PyStr {
    let ascii = |&b: &u8| if b.is_ascii() { b } else { b'?' };
    let data: Vec<u8> = data.iter().map(ascii).collect();
    PyStr::from_latin1(&data)
}

/// The byte that an item is, for class `name`.
fn byte(vm: &mut Vm, item: Value, name: &str) -> PyResult<u8> {
    match vm.byte_value(item) {
        Err(raised) if name == "bytes" && vm.is_instance_of(raised.0, B::ValueError) => {
            Err(vm.value_error("bytes must be in range(0, 256)"))
        }
        byte => byte,
    }
}

/// What `bytes(v)` holds for what is neither a text nor a count: `int.from_bytes` takes it.
///
/// # Errors
/// TypeError; what `__bytes__` and `__iter__` raise.
pub fn of_object(vm: &mut Vm, v: Value) -> PyResult<Vec<u8>> {
    if let Some(bytes) = vm.heap.get::<Bytes>(v)
        && (vm.heap.is_exact(v, B::Bytes) || vm.heap.is_exact(v, B::ByteArray))
    {
        return Ok(bytes.data.clone());
    }
    if let Some(made) = vm.call_special(v, N::bytes, &[])? {
        return match vm.heap.get::<Bytes>(made) {
            Some(bytes) => Ok(bytes.data.clone()),
            None => {
                let message = format!("__bytes__ returned non-bytes (type {})", vm.type_name(made));
                Err(vm.type_error(message))
            }
        };
    }
    if vm.heap.as_str(v).is_some() {
        return Err(vm.type_error("cannot convert 'str' object to bytes"));
    }
    if let Some(data) = vm.bytes_gathered(v)? {
        return Ok(data);
    }
    iterable(vm, v, "bytes", true, |what| {
        format!("cannot convert '{what}' object to bytes")
    })
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    if let Some(v) = a[1].given()
        && a[2].is_empty()
        && a[3].is_empty()
        && a[0] == vm.class(B::Bytes)
        && vm.heap.is_exact(v, B::Bytes)
    {
        return Ok(v);
    }
    // What `__bytes__` gives stays of its class, where no subclass is asked for.
    if let Some(v) = a[1].given()
        && a[2].is_empty()
        && a[3].is_empty()
        && a[0] == vm.class(B::Bytes)
        && let Some(made) = vm.call_special(v, N::bytes, &[])?
    {
        if vm.is_instance_of(made, B::Bytes) {
            return Ok(made);
        }
        let message = format!("__bytes__ returned non-bytes (type {})", vm.type_name(made));
        return Err(vm.type_error(message));
    }
    let data = source(vm, a, "bytes")?;
    let shape = vm.root_shape(a[0]);
    vm.heap.charge(data.len());
    Ok(vm.heap.alloc(shape, Bytes { data }))
}

fn array_new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let shape = vm.root_shape(a[0]);
    Ok(vm.heap.alloc(shape, Bytes { data: Vec::new() }))
}

fn array_init(vm: &mut Vm, a: &[Value]) -> PyResult {
    codec::arguments(vm, "bytearray", a[2], a[3], 2)?;
    // CPython 3.13 bytearrayobject.c bytearray___init___impl: it is emptied before it is filled.
    clear(vm, a)?;
    let data = source(vm, a, "bytearray")?;
    if !data.is_empty() {
        vm.check_bytearray_resizable(a[0])?;
    }
    vm.heap.charge(data.len());
    vm.heap.cell_mut::<Bytes>(a[0]).data = data;
    Ok(Value::NONE)
}

fn getnewargs(vm: &mut Vm, a: &[Value]) -> PyResult {
    let plain = to_bytes(vm, a)?;
    Ok(vm.heap.tuple(&[plain]))
}

fn to_bytes(vm: &mut Vm, a: &[Value]) -> PyResult {
    let data = data(vm, a[0]).to_vec();
    Ok(vm.heap.bytes(data))
}

fn fromhex(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(text) = vm.heap.as_str(a[1]).cloned() else {
        let message = format!(
            "fromhex() argument must be str, not {}",
            args::shown_type(vm, a[1])
        );
        return Err(vm.type_error(message));
    };
    let digits: Vec<u32> = text.chars().collect();
    let bad_digit = |vm: &mut Vm, at: usize| {
        vm.value_error(format!(
            "non-hexadecimal number found in fromhex() arg at position {at}"
        ))
    };
    // CPython 3.13 bytesobject.c _PyBytes_FromHex looks at these before it looks at any digit.
    if let Some(at) = digits.iter().position(|&cp| cp > 127) {
        return Err(bad_digit(vm, at));
    }
    let mut data = Vec::with_capacity(digits.len() / 2);
    let mut at = 0;
    let digit = |at: usize| {
        digits
            .get(at)
            .and_then(|&cp| char::from_u32(cp))
            .and_then(|c| c.to_digit(16))
    };
    while at < digits.len() {
        if matches!(digits[at], 9..=13 | 32) {
            at += 1;
            continue;
        }
        match (digit(at), digit(at + 1)) {
            (Some(high), Some(low)) => data.push((high << 4 | low) as u8),
            (first, _) => {
                let bad = if first.is_none() { at } else { at + 1 };
                return Err(bad_digit(vm, bad));
            }
        }
        at += 2;
    }
    if a[0] == vm.class(B::Bytes) {
        return Ok(vm.heap.bytes(data));
    }
    let made = vm.heap.bytes(data);
    vm.call(a[0], &[made])
}

// ---- methods of both ------------------------------------------------------------------

fn map(vm: &mut Vm, this: Value, f: fn(&[u8]) -> Vec<u8>) -> PyResult {
    let mapped = f(data(vm, this));
    same(vm, this, mapped)
}

fn capitalize(data: &[u8]) -> Vec<u8> {
    let mut out = data.to_ascii_lowercase();
    if let Some(first) = out.first_mut() {
        first.make_ascii_uppercase();
    }
    out
}

fn swapcase(data: &[u8]) -> Vec<u8> {
    data.iter()
        .map(|b| {
            if b.is_ascii_lowercase() {
                b.to_ascii_uppercase()
            } else {
                b.to_ascii_lowercase()
            }
        })
        .collect()
}

fn title(data: &[u8]) -> Vec<u8> {
    let mut inside = false;
    data.iter()
        .map(|b| {
            let mapped = if inside {
                b.to_ascii_lowercase()
            } else {
                b.to_ascii_uppercase()
            };
            inside = b.is_ascii_alphabetic();
            mapped
        })
        .collect()
}

fn is_space(b: u8) -> bool {
    matches!(b, 9..=13 | 32)
}

fn all(vm: &mut Vm, this: Value, f: fn(u8) -> bool) -> PyResult {
    let data = data(vm, this);
    Ok(Value::bool(!data.is_empty() && data.iter().all(|&b| f(b))))
}

fn cased(vm: &mut Vm, this: Value, some: fn(u8) -> bool, none: fn(u8) -> bool) -> PyResult {
    let data = data(vm, this);
    Ok(Value::bool(
        data.iter().any(|&b| some(b)) && !data.iter().any(|&b| none(b)),
    ))
}

fn istitle(vm: &mut Vm, a: &[Value]) -> PyResult {
    let data = data(vm, a[0]);
    Ok(Value::bool(
        title(data) == data && data.iter().any(u8::is_ascii_alphabetic),
    ))
}

enum Justify {
    Left,
    Right,
    Center,
}

fn justify(vm: &mut Vm, a: &[Value], how: Justify, name: &str) -> PyResult {
    let width = vm.to_ssize(a[1])?.max(0) as usize;
    let fill = match a[2].given() {
        None => b' ',
        Some(v) => match vm.heap.get::<Bytes>(v).map(|b| &b.data[..]) {
            Some(&[byte]) => byte,
            _ => {
                let found = args::shown_type(vm, v);
                return Err(vm.type_error(format!(
                    "{name}() argument 2 must be a byte string of length 1, not {found}"
                )));
            }
        },
    };
    check_width(vm, a[0], width)?;
    let own = data(vm, a[0]).to_vec();
    let room = width.saturating_sub(own.len());
    let left = match how {
        Justify::Left => 0,
        Justify::Right => room,
        Justify::Center => room / 2 + (room & width & 1),
    };
    let mut out = vec![fill; left];
    out.extend_from_slice(&own);
    out.resize(own.len() + room, fill);
    same(vm, a[0], out)
}

fn zfill(vm: &mut Vm, a: &[Value]) -> PyResult {
    let width = vm.to_ssize(a[1])?.max(0) as usize;
    check_width(vm, a[0], width)?;
    let own = data(vm, a[0]).to_vec();
    let room = width.saturating_sub(own.len());
    let signed = matches!(own.first(), Some(b'+' | b'-')) as usize;
    let mut out = own[..signed].to_vec();
    out.resize(signed + room, b'0');
    out.extend_from_slice(&own[signed..]);
    same(vm, a[0], out)
}

/// What is searched for: bytes, or an int that is a byte.
fn needle(vm: &mut Vm, v: Value) -> PyResult<Vec<u8>> {
    if let Some(data) = vm.bytes_like(v)? {
        return Ok(data);
    }
    if vm.has_index(v) {
        return Ok(vec![vm.byte_value(v)?]);
    }
    let message = format!(
        "argument should be integer or bytes-like object, not '{}'",
        vm.type_name(v)
    );
    Err(vm.type_error(message))
}

fn bounds(vm: &mut Vm, a: &[Value]) -> PyResult<(usize, usize)> {
    let start = args::bound_or(vm, a[2], 0)?;
    let end = args::bound_or(vm, a[3], i64::MAX)?;
    Ok(clamp_range(data(vm, a[0]).len(), start, end))
}

/// The place where `sub` begins first, or last.
fn place(data: &[u8], sub: &[u8], last: bool) -> Option<usize> {
    if last {
        memchr::memmem::rfind(data, sub)
    } else {
        memchr::memmem::find(data, sub)
    }
}

fn search(vm: &mut Vm, a: &[Value], last: bool) -> PyResult<Option<usize>> {
    let (start, end) = bounds(vm, a)?;
    let sub = needle(vm, a[1])?;
    if start > end {
        return Ok(None);
    }
    Ok(place(&data(vm, a[0])[start..end], &sub, last).map(|at| at + start))
}

fn found(vm: &mut Vm, a: &[Value], last: bool) -> PyResult {
    Ok(Value::small(
        search(vm, a, last)?.map_or(-1, |at| at as i64),
    ))
}

fn index(vm: &mut Vm, a: &[Value], last: bool) -> PyResult {
    match search(vm, a, last)? {
        Some(at) => Ok(Value::small(at as i64)),
        None => Err(vm.value_error("subsection not found")),
    }
}

fn count(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (start, end) = bounds(vm, a)?;
    let sub = needle(vm, a[1])?;
    if start > end {
        return Ok(Value::small(0));
    }
    let part = &data(vm, a[0])[start..end];
    if sub.is_empty() {
        return Ok(Value::small(part.len() as i64 + 1));
    }
    let n = memchr::memmem::find_iter(part, &sub).count();
    Ok(vm.heap.usize(n))
}

fn affix(vm: &mut Vm, a: &[Value], name: &str, f: fn(&[u8], &[u8]) -> bool) -> PyResult {
    let (start, end) = bounds(vm, a)?;
    let items = match vm.heap.as_tuple(a[1]).map(<[Value]>::to_vec) {
        Some(items) => items,
        None if vm.is_bytes_like(a[1]) => vec![a[1]],
        None => {
            let message = format!(
                "{name} first arg must be bytes or a tuple of bytes, not {}",
                vm.type_name(a[1])
            );
            return Err(vm.type_error(message));
        }
    };
    for item in items {
        let part = data_of(vm, item)?;
        if start <= end && f(&data(vm, a[0])[start..end], &part) {
            return Ok(Value::TRUE);
        }
    }
    Ok(Value::FALSE)
}

fn decode(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (encoding, errors) = codec::arguments(vm, "decode", a[1], a[2], 1)?;
    let own = data(vm, a[0]).to_vec();
    let text = codec::decode_bytes(vm, &own, &encoding, &errors)?;
    Ok(vm.heap.str(text))
}

fn expandtabs(vm: &mut Vm, a: &[Value]) -> PyResult {
    let size = match a[1].given() {
        Some(size) => vm.to_c_int(size)?.max(0) as usize,
        None => 8,
    };
    let (mut out, mut column) = (Vec::new(), 0usize);
    let own = data(vm, a[0]).to_vec();
    let n_tabs = own.iter().filter(|&&b| b == b'\t').count();
    vm.check_size(own.len().saturating_add(n_tabs.saturating_mul(size)))?;
    for b in own {
        match b {
            b'\t' => {
                let n = if size == 0 { 0 } else { size - column % size };
                out.resize(out.len() + n, b' ');
                column += n;
            }
            b'\n' | b'\r' => {
                out.push(b);
                column = 0;
            }
            b => {
                out.push(b);
                column += 1;
            }
        }
    }
    same(vm, a[0], out)
}

fn hex(vm: &mut Vm, a: &[Value]) -> PyResult {
    let own = data(vm, a[0]).to_vec();
    hex_of(vm, &own, a[1], a[2])
}

/// The digits of some bytes, in groups.
///
/// # Errors
/// TypeError and ValueError for what separates nothing.
pub fn hex_of(vm: &mut Vm, own: &[u8], sep: Value, bytes_per_sep: Value) -> PyResult {
    let digits = hex_digits(vm, own, sep, bytes_per_sep, 0x7f)?;
    args::str_value(vm, String::from_utf8_lossy(&digits).as_ref())
}

/// The digits of some bytes, in groups that a unit up to `sep_max` parts.
///
/// # Errors
/// As `hex_of`.
pub fn hex_digits(
    vm: &mut Vm,
    own: &[u8],
    sep: Value,
    bytes_per_sep: Value,
    sep_max: u8,
) -> PyResult<Vec<u8>> {
    let group = match bytes_per_sep.given() {
        Some(v) => vm.to_c_int(v)?,
        None => 1,
    };
    let sep = match sep.given() {
        None => None,
        Some(v) => {
            let units: Vec<u32> = match (vm.heap.as_str(v), vm.heap.get::<Bytes>(v)) {
                (Some(text), _) => text.chars().collect(),
                (_, Some(bytes)) => bytes.data.iter().map(|&b| u32::from(b)).collect(),
                _ => {
                    return Err(match vm.len(v)? {
                        1 => vm.type_error("sep must be str or bytes."),
                        _ => vm.value_error("sep must be length 1."),
                    });
                }
            };
            let &[unit] = units.as_slice() else {
                return Err(vm.value_error("sep must be length 1."));
            };
            match u8::try_from(unit).ok().filter(|&unit| unit <= sep_max) {
                Some(unit) => Some(unit),
                None => return Err(vm.value_error("sep must be ASCII.")),
            }
        }
    };
    vm.check_size(own.len().saturating_mul(3))?;
    let mut out = Vec::with_capacity(own.len() * 2);
    let (Some(sep), size @ 1..) = (sep, group.unsigned_abs() as usize) else {
        push_hex(&mut out, own);
        return Ok(out);
    };
    // Groups count from the right unless the size is negative.
    let n_first = match group > 0 {
        true => own.len() % size,
        false => 0,
    };
    let (first, rest) = own.split_at(n_first);
    push_hex(&mut out, first);
    for piece in rest.chunks(size) {
        if !out.is_empty() {
            out.push(sep);
        }
        push_hex(&mut out, piece);
    }
    Ok(out)
}

fn push_hex(out: &mut Vec<u8>, data: &[u8]) {
    let digit = |n: u8| b"0123456789abcdef"[usize::from(n & 15)];
    out.extend(data.iter().flat_map(|&b| [digit(b >> 4), digit(b)]));
}

fn join(vm: &mut Vm, a: &[Value]) -> PyResult {
    let items = args::joined_items(vm, a[1])?;
    let n_items = vm.heap.as_sequence(items).map_or(0, <[Value]>::len);
    let sep = data(vm, a[0]).to_vec();
    let mut out: Vec<u8> = Vec::new();
    for i in 0..n_items {
        let item = vm.heap.as_sequence(items).unwrap_or_default()[i];
        if i > 0 {
            out.extend_from_slice(&sep);
        }
        let part = match vm.heap.get::<Bytes>(item) {
            Some(bytes) => {
                out.extend_from_slice(&bytes.data);
                continue_joining(vm, out.len())?;
                continue;
            }
            None => vm.bytes_or_none(item),
        };
        match part {
            Some(part) => out.extend_from_slice(&part),
            None => {
                let found = vm.type_name_within(item, 80);
                let message =
                    format!("sequence item {i}: expected a bytes-like object, {found} found");
                return Err(vm.type_error(message));
            }
        }
        continue_joining(vm, out.len())?;
    }
    same(vm, a[0], out)
}

fn continue_joining(vm: &mut Vm, n_bytes: usize) -> PyResult<()> {
    match n_bytes > 1 << 20 {
        true => vm.check_size(n_bytes),
        false => Ok(()),
    }
}

fn strip(vm: &mut Vm, a: &[Value], left: bool, right: bool) -> PyResult {
    let chars = match a[1].some() {
        None => None,
        Some(v) => Some(data_of(vm, v)?),
    };
    let gone = |b: &u8| match &chars {
        None => is_space(*b),
        Some(chars) => chars.contains(b),
    };
    let own = data(vm, a[0]);
    let start = if left {
        own.iter().position(|b| !gone(b)).unwrap_or(own.len())
    } else {
        0
    };
    let end = if right {
        own.iter()
            .rposition(|b| !gone(b))
            .map_or(start, |at| at + 1)
    } else {
        own.len()
    };
    let part = own[start..end.max(start)].to_vec();
    same(vm, a[0], part)
}

fn maketrans(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (from, to) = (data_of(vm, a[0])?, data_of(vm, a[1])?);
    if from.len() != to.len() {
        return Err(vm.value_error("maketrans arguments must have same length"));
    }
    let mut table: Vec<u8> = (0..=255).collect();
    for (&x, &y) in from.iter().zip(&to) {
        table[x as usize] = y;
    }
    Ok(vm.heap.bytes(table))
}

fn translate(vm: &mut Vm, a: &[Value]) -> PyResult {
    let table = match a[1].some() {
        None => None,
        Some(v) => Some(data_of(vm, v)?),
    };
    if table.as_ref().is_some_and(|t| t.len() != 256) {
        return Err(vm.value_error("translation table must be 256 characters long"));
    }
    let gone = match a[2].given() {
        Some(v) => data_of(vm, v)?,
        None => Vec::new(),
    };
    let out = data(vm, a[0])
        .iter()
        .filter(|b| !gone.contains(b))
        .map(|&b| table.as_ref().map_or(b, |t| t[b as usize]))
        .collect();
    same(vm, a[0], out)
}

fn partition(vm: &mut Vm, a: &[Value], last: bool) -> PyResult {
    let sep = data_of(vm, a[1])?;
    if sep.is_empty() {
        return Err(vm.value_error("empty separator"));
    }
    let own = data(vm, a[0]).to_vec();
    let found = place(&own, &sep, last);
    let parts = match found {
        Some(at) => [
            own[..at].to_vec(),
            sep.clone(),
            own[at + sep.len()..].to_vec(),
        ],
        None if last => [Vec::new(), Vec::new(), own],
        None => [own, Vec::new(), Vec::new()],
    };
    let mut values = Vec::with_capacity(3);
    for part in parts {
        values.push(same(vm, a[0], part)?);
    }
    // CPython 3.13 stringlib/partition.h: bytes give the separator itself back.
    if found.is_some() && vm.is_instance_of(a[0], B::Bytes) {
        values[1] = a[1];
    }
    Ok(vm.heap.tuple(&values))
}

fn removeprefix(vm: &mut Vm, a: &[Value]) -> PyResult {
    let prefix = data_of(vm, a[1])?;
    let own = data(vm, a[0]);
    let rest = own.strip_prefix(&prefix[..]).unwrap_or(own).to_vec();
    same(vm, a[0], rest)
}

fn removesuffix(vm: &mut Vm, a: &[Value]) -> PyResult {
    let suffix = data_of(vm, a[1])?;
    let own = data(vm, a[0]);
    let rest = own.strip_suffix(&suffix[..]).unwrap_or(own).to_vec();
    same(vm, a[0], rest)
}

fn replace(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (old, new) = (data_of(vm, a[1])?, data_of(vm, a[2])?);
    let limit = usize::try_from(args::ssize_or(vm, a[3], -1)?).unwrap_or(usize::MAX);
    let own = data(vm, a[0]).to_vec();
    let n = memchr::memmem::find_iter(&own, &old).take(limit).count();
    let grown = n.saturating_mul(new.len().saturating_sub(old.len()));
    vm.check_size(own.len().saturating_add(grown))?;
    let mut out = Vec::with_capacity(own.len());
    let mut last = 0;
    for at in memchr::memmem::find_iter(&own, &old).take(limit) {
        out.extend_from_slice(&own[last..at]);
        out.extend_from_slice(&new);
        last = at + old.len();
    }
    out.extend_from_slice(&own[last..]);
    same(vm, a[0], out)
}

fn split(vm: &mut Vm, a: &[Value], last: bool) -> PyResult {
    let limit = usize::try_from(args::ssize_or(vm, a[2], -1)?).unwrap_or(usize::MAX);
    let sep = match a[1].some() {
        None => None,
        Some(v) => Some(data_of(vm, v)?),
    };
    if sep.as_ref().is_some_and(Vec::is_empty) {
        return Err(vm.value_error("empty separator"));
    }
    let own = data(vm, a[0]).to_vec();
    let parts = match (&sep, last) {
        (None, false) => split_spaces(&own, limit),
        (None, true) => {
            let backwards: Vec<u8> = own.iter().rev().copied().collect();
            reversed(split_spaces(&backwards, limit))
        }
        (Some(sep), false) => split_by(&own, sep, limit),
        (Some(sep), true) => {
            let backwards: Vec<u8> = own.iter().rev().copied().collect();
            let sep: Vec<u8> = sep.iter().rev().copied().collect();
            reversed(split_by(&backwards, &sep, limit))
        }
    };
    let mut values = Vec::with_capacity(parts.len());
    for part in parts {
        values.push(same(vm, a[0], part)?);
    }
    Ok(vm.heap.list(values))
}

fn reversed(parts: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    parts
        .into_iter()
        .rev()
        .map(|part| part.into_iter().rev().collect())
        .collect()
}

fn split_spaces(data: &[u8], limit: usize) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut rest = skip_spaces(data);
    while !rest.is_empty() {
        if parts.len() == limit {
            parts.push(rest.to_vec());
            break;
        }
        let end = rest.iter().position(|&b| is_space(b)).unwrap_or(rest.len());
        parts.push(rest[..end].to_vec());
        rest = skip_spaces(&rest[end..]);
    }
    parts
}

fn skip_spaces(data: &[u8]) -> &[u8] {
    let n = data.iter().take_while(|&&b| is_space(b)).count();
    &data[n..]
}

fn split_by(data: &[u8], sep: &[u8], limit: usize) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut rest = data;
    while parts.len() < limit {
        let Some(at) = place(rest, sep, false) else {
            break;
        };
        parts.push(rest[..at].to_vec());
        rest = &rest[at + sep.len()..];
    }
    parts.push(rest.to_vec());
    parts
}

fn splitlines(vm: &mut Vm, a: &[Value]) -> PyResult {
    let keep = args::flag_or(vm, a[1], false)?;
    let own = data(vm, a[0]).to_vec();
    let (mut lines, mut start) = (Vec::new(), 0);
    while start < own.len() {
        let end = own[start..]
            .iter()
            .position(|b| matches!(b, b'\n' | b'\r'))
            .map(|n| start + n);
        let (end, next) = match end {
            None => (own.len(), own.len()),
            Some(at) if own[at] == b'\r' && own.get(at + 1) == Some(&b'\n') => (at, at + 2),
            Some(at) => (at, at + 1),
        };
        let line = own[start..if keep { next } else { end }].to_vec();
        lines.push(same(vm, a[0], line)?);
        start = next;
    }
    Ok(vm.heap.list(lines))
}

// ---- methods of bytearray ----------------------------------------------------------------

fn array(vm: &mut Vm, v: Value) -> &mut Vec<u8> {
    &mut vm.heap.cell_mut::<Bytes>(v).data
}

/// `(class, arguments, state)`; below protocol 3 the bytes stand as a text in Latin-1.
fn array_reduce(vm: &mut Vm, this: Value, protocol: i64) -> PyResult {
    let copyreg = vm.import_module("copyreg")?;
    let state = vm.call_method(copyreg, "_getstate", &[this])?;
    vm.root(state);
    let own = data(vm, this).to_vec();
    let arguments = if own.is_empty() {
        vm.heap.tuple(&[])
    } else if protocol < 3 {
        let text = vm.heap.str(PyStr::from_latin1(&own));
        let codec = vm.heap.str("latin-1");
        vm.heap.tuple(&[text, codec])
    } else {
        let plain = vm.heap.bytes(own);
        vm.heap.tuple(&[plain])
    };
    let class = vm.heap.class_of(this);
    Ok(vm.heap.tuple(&[class, arguments, state]))
}

fn append(vm: &mut Vm, a: &[Value]) -> PyResult {
    let byte = vm.byte_value(a[1])?;
    vm.check_bytearray_resizable(a[0])?;
    vm.grow_bytearray(a[0], 1)?;
    array(vm, a[0]).push(byte);
    Ok(Value::NONE)
}

fn clear(vm: &mut Vm, a: &[Value]) -> PyResult {
    if !data(vm, a[0]).is_empty() {
        vm.check_bytearray_resizable(a[0])?;
    }
    array(vm, a[0]).clear();
    Ok(Value::NONE)
}

fn copy(vm: &mut Vm, a: &[Value]) -> PyResult {
    let own = array(vm, a[0]).clone();
    Ok(vm.heap.bytes_of(B::ByteArray, own))
}

fn extend(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.native::<MemoryView>(a[1]).is_some() && vm.bytes_or_none(a[1]).is_none() {
        let message = format!("can't set bytearray slice from {}", vm.type_name(a[1]));
        return Err(vm.type_error(message));
    }
    let bytes = vm.bytes_like(a[1])?;
    let more = match bytes {
        Some(bytes) => bytes,
        None if vm.heap.as_str(a[1]).is_some_and(|text| !text.is_empty()) => {
            return Err(vm.type_error("expected iterable of integers; got: 'str'"));
        }
        None => iterable(vm, a[1], "bytearray", true, |what| {
            format!("can't extend bytearray with {what}")
        })?,
    };
    if !more.is_empty() {
        vm.check_bytearray_resizable(a[0])?;
    }
    vm.grow_bytearray(a[0], more.len())?;
    array(vm, a[0]).extend_from_slice(&more);
    Ok(Value::NONE)
}

fn insert(vm: &mut Vm, a: &[Value]) -> PyResult {
    let at = vm.to_ssize(a[1])?;
    let byte = vm.byte_value(a[2])?;
    vm.check_bytearray_resizable(a[0])?;
    vm.grow_bytearray(a[0], 1)?;
    let own = array(vm, a[0]);
    let at = super::list::clip(at, own.len());
    own.insert(at, byte);
    Ok(Value::NONE)
}

fn pop(vm: &mut Vm, a: &[Value]) -> PyResult {
    let at = args::ssize_or(vm, a[1], -1)?;
    let own = array(vm, a[0]);
    let len = own.len() as i64;
    if len == 0 {
        return Err(vm.index_error("pop from empty bytearray"));
    }
    let at = if at < 0 { at.saturating_add(len) } else { at };
    if !(0..len).contains(&at) {
        return Err(vm.index_error("pop index out of range"));
    }
    vm.check_bytearray_resizable(a[0])?;
    Ok(Value::small(i64::from(array(vm, a[0]).remove(at as usize))))
}

fn remove(vm: &mut Vm, a: &[Value]) -> PyResult {
    let byte = vm.byte_value(a[1])?;
    let own = array(vm, a[0]);
    match own.iter().position(|&b| b == byte) {
        Some(at) => {
            vm.check_bytearray_resizable(a[0])?;
            array(vm, a[0]).remove(at);
            Ok(Value::NONE)
        }
        None => Err(vm.value_error("value not found in bytearray")),
    }
}

fn reverse(vm: &mut Vm, a: &[Value]) -> PyResult {
    array(vm, a[0]).reverse();
    Ok(Value::NONE)
}
