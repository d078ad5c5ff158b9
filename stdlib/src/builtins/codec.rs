//! Text to bytes and back: UTF-8, UTF-16, UTF-32, ASCII and Latin-1, with
//! CPython's error handlers.

use std::borrow::Cow;

use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::object::exception::Exception;
use lockstep_runtime::text::pystr::{PyStr, StrBuilder};
use lockstep_runtime::{B, PyResult, Raised, Value, Vm};

use crate::args;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Codec {
    Utf8,
    /// A byte order mark before UTF-8.
    Utf8Sig,
    Ascii,
    Latin1,
    Utf16(Order),
    Utf32(Order),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Little-endian behind a mark.
    Marked,
    Little,
    Big,
}

/// The codec of a name, and the name that errors show.
fn codec_of(name: &str) -> Option<(Codec, &'static str)> {
    let plain: String = name
        .chars()
        .map(|c| {
            if matches!(c, '-' | ' ' | '_') {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect();
    Some(match plain.as_str() {
        "utf_8" | "utf8" | "u8" | "utf" | "cp65001" => (Codec::Utf8, "utf-8"),
        "utf_8_sig" => (Codec::Utf8Sig, "utf-8"),
        "ascii" | "us_ascii" | "646" => (Codec::Ascii, "ascii"),
        "latin_1" | "latin1" | "iso_8859_1" | "iso8859_1" | "8859" | "l1" | "cp819" => {
            (Codec::Latin1, "latin-1")
        }
        "utf_16" | "utf16" | "u16" => (Codec::Utf16(Order::Marked), "utf-16"),
        "utf_16_le" | "utf_16le" => (Codec::Utf16(Order::Little), "utf-16-le"),
        "utf_16_be" | "utf_16be" => (Codec::Utf16(Order::Big), "utf-16-be"),
        "utf_32" | "utf32" | "u32" => (Codec::Utf32(Order::Marked), "utf-32"),
        "utf_32_le" | "utf_32le" => (Codec::Utf32(Order::Little), "utf-32-le"),
        "utf_32_be" | "utf_32be" => (Codec::Utf32(Order::Big), "utf-32-be"),
        _ => return None,
    })
}

/// A function of module `codecs`: what is not built in here is known there.
fn of_codecs(vm: &mut Vm, name: &str) -> PyResult {
    let module = vm.import_module("codecs")?;
    let name = vm.heap.intern(name);
    vm.get_attr(module, name)
}

/// What a codec that a script registered makes of a value: item `at` of its
/// functions is called, which must give a `wanted`.
fn with_registered(
    vm: &mut Vm,
    value: Value,
    (encoding, errors): (&str, &str),
    (at, what, wanted): (usize, &str, B),
) -> PyResult {
    if encoding.contains('\0') {
        return Err(vm.value_error("embedded null character"));
    }
    let name = vm.heap.str(encoding);
    vm.root(name);
    let search = of_codecs(vm, "_registered")?;
    vm.root(search);
    let info = vm.call(search, &[name])?;
    vm.root(info);
    let Some(&function) = vm.heap.as_tuple(info).and_then(|info| info.get(at)) else {
        return Err(vm.raise(B::LookupError, format!("unknown encoding: {encoding}")));
    };
    let mark = vm.heap.intern("_is_text_encoding");
    if vm.get_attr_opt(info, mark)? == Some(Value::FALSE) {
        let message = format!(
            "'{encoding}' is not a text encoding; use codecs.{what}() to handle arbitrary codecs"
        );
        return Err(vm.raise(B::LookupError, message));
    }
    let errors = vm.heap.str(errors);
    let given = vm.call(function, &[value, errors]);
    let given = noted(vm, given, what, encoding)?;
    vm.root(given);
    let Some(&[result, _]) = vm.heap.as_tuple(given) else {
        return Err(vm.type_error(match at {
            0 => "encoder must return a tuple (object, integer)",
            _ => "decoder must return a tuple (object,integer)",
        }));
    };
    if !vm.is_instance_of(result, wanted) {
        let message = format!(
            "'{encoding}' {what}r returned '{}' instead of '{}'; use codecs.{what}() to {what} to arbitrary types",
            vm.type_name(result),
            wanted.name()
        );
        return Err(vm.type_error(message));
    }
    Ok(result)
}

/// A registered error handler at work in one call: it is looked up at the first error, and the
/// exception that it is given is told the place of each later one, as CPython does.
#[derive(Default)]
struct Handling(Option<(Value, Value)>);

/// What can't be encoded or decoded: the class of the error, the codec's name, the whole input,
/// from where to where, and why.
struct Bad {
    class: B,
    encoding: &'static str,
    object: Value,
    start: usize,
    end: usize,
    reason: &'static str,
}

impl Bad {
    #[cold]
    fn raise(&self, vm: &mut Vm) -> Raised {
        let (encoding, reason) = (vm.heap.str(self.encoding), vm.heap.str(self.reason));
        let start = Value::small(self.start as i64);
        let end = Value::small(self.end as i64);
        let args = vm.heap.tuple(&[encoding, self.object, start, end, reason]);
        let range = vm.heap.tuple(&[start, end]);
        let mut e = Exception::new(args);
        e.fields = [encoding, self.object, reason, range];
        if !vm.handled_exception().is_none() {
            e.context = vm.handled_exception();
        }
        Raised(vm.heap.alloc(self.class.shape(), e))
    }
}

impl Handling {
    /// The handler and the exception for what is bad. Both are held until the native returns.
    fn begin(&mut self, vm: &mut Vm, bad: &Bad, errors: &str) -> PyResult<(Value, Value)> {
        if let Some((handler, error)) = self.0 {
            let range = [bad.start, bad.end].map(|at| Value::small(at as i64));
            let range = vm.heap.tuple(&range);
            let reason = vm.heap.str(bad.reason);
            let fields = &mut vm.heap.cell_mut::<Exception>(error).fields;
            (fields[2], fields[3]) = (reason, range);
            return Ok((handler, error));
        }
        let error = bad.raise(vm).0;
        vm.root(error);
        let name = vm.heap.str(errors);
        vm.root(name);
        let lookup = of_codecs(vm, "lookup_error")?;
        vm.root(lookup);
        let handler = vm.call(lookup, &[name])?;
        vm.root(handler);
        self.0 = Some((handler, error));
        Ok((handler, error))
    }

    /// What the handler puts in place of what is bad, where to go on, and the input as the
    /// handler left it.
    fn handle(
        &mut self,
        vm: &mut Vm,
        bad: &Bad,
        errors: &str,
        len: usize,
    ) -> PyResult<(Value, usize, Value)> {
        let (handler, error) = self.begin(vm, bad, errors)?;
        let given = vm.call(handler, &[error])?;
        let encodes = bad.class == B::UnicodeEncodeError;
        let kind = match encodes {
            true => "encoding error handler must return (str/bytes, int) tuple",
            false => "decoding error handler must return (str, int) tuple",
        };
        let Some(&[text, at]) = vm.heap.as_tuple(given) else {
            return Err(vm.type_error(kind));
        };
        let is_text = vm.heap.as_str(text).is_some();
        if !(is_text || encodes && vm.heap.is_exact(text, B::Bytes)) || !vm.has_index(at) {
            return Err(vm.type_error(kind));
        }
        let at = vm.holding(&[given], |vm| vm.index_clamped(at))?;
        let object = vm.heap.cell::<Exception>(error).fields[1];
        let len = match vm.heap.get::<Bytes>(object) {
            Some(bytes) if !encodes => bytes.data.len(),
            _ => len,
        };
        let place = if at < 0 {
            at.saturating_add(len as i64)
        } else {
            at
        };
        match usize::try_from(place) {
            Ok(place) if place <= len => Ok((text, place, object)),
            _ => Err(vm.index_error(format!("position {at} from error handler out of bounds"))),
        }
    }
}

/// The encoding and error handler that arguments name; `at` is the number of the first.
///
/// # Errors
/// TypeError.
pub fn arguments(
    vm: &mut Vm,
    what: &str,
    encoding: Value,
    errors: Value,
    at: usize,
) -> PyResult<(String, String)> {
    debug_assert!(at > 0);
    let mut named = |v: Value, name: &str, default: &str| match v.given() {
        None => Ok(default.to_string()),
        Some(v) => c_text(vm, v, (what, name), "str"),
    };
    let encoding = named(encoding, "encoding", "utf-8")?;
    Ok((encoding, named(errors, "errors", "strict")?))
}

/// The str argument of a function that CPython takes as a text of C: UTF-8 without a null
/// character. `wanted` is what the TypeError asks for.
///
/// # Errors
/// TypeError, ValueError, UnicodeEncodeError.
pub fn c_text(vm: &mut Vm, v: Value, (what, name): (&str, &str), wanted: &str) -> PyResult<String> {
    match vm.heap.as_str(v) {
        Some(_) => utf8_without_nul(vm, v),
        None => {
            let message = format!(
                "{what}() argument '{name}' must be {wanted}, not {}",
                args::shown_type(vm, v)
            );
            Err(vm.type_error(message))
        }
    }
}

/// As `utf8`, for a function of C's texts: a NUL is refused.
///
/// # Errors
/// UnicodeEncodeError, ValueError.
pub fn utf8_without_nul(vm: &mut Vm, v: Value) -> PyResult<String> {
    let text = utf8(vm, v)?;
    match text.contains('\0') {
        true => Err(vm.value_error("embedded null character")),
        false => Ok(text),
    }
}

/// What a str holds; without its surrogates there is no such text.
///
/// # Errors
/// UnicodeEncodeError.
pub fn utf8(vm: &mut Vm, v: Value) -> PyResult<String> {
    match vm.heap.as_str(v).map(PyStr::to_utf8) {
        Some(Ok(text)) => Ok(text),
        // It has the surrogates that make it fail.
        _ => encode(vm, v, "utf-8", "strict").map(|_| String::new()),
    }
}

fn reason_of(codec: Codec) -> &'static str {
    match codec {
        Codec::Ascii => "ordinal not in range(128)",
        Codec::Latin1 => "ordinal not in range(256)",
        _ => "surrogates not allowed",
    }
}

/// Adds to what a codec has raised the note that CPython adds (3.13 codecs.c wrap_codec_error).
fn noted<T>(vm: &mut Vm, result: PyResult<T>, what: &str, encoding: &str) -> PyResult<T> {
    if let Err(raised) = &result {
        let doing = match what {
            "encode" => "encoding",
            _ => "decoding",
        };
        vm.add_note(raised.0, &format!("{doing} with '{encoding}' codec failed"));
    }
    result
}

/// Whether CPython asks its registry for this codec, which is known here: by its other names it
/// takes a shorter way (unicodeobject.c PyUnicode_Decode).
fn is_of_registry(encoding: &str) -> bool {
    let plain = encoding.to_ascii_lowercase().replace(['-', ' '], "_");
    let short = [
        "utf_8",
        "utf8",
        "utf_16",
        "utf16",
        "utf_32",
        "utf32",
        "ascii",
        "us_ascii",
        "latin_1",
        "latin1",
        "iso_8859_1",
        "iso8859_1",
    ];
    !short.contains(&plain.as_str()) && codec_of(encoding).is_some()
}

/// `str.encode`: as `encode`, with CPython's notes on errors.
///
/// # Errors
/// As `encode`.
pub fn encode_str(vm: &mut Vm, value: Value, encoding: &str, errors: &str) -> PyResult<Vec<u8>> {
    let result = encode(vm, value, encoding, errors);
    match is_of_registry(encoding) {
        true => noted(vm, result, "encode", encoding),
        false => result,
    }
}

/// `bytes.decode`: as `decode`, with CPython's notes on errors; nothing is decoded by any codec.
///
/// # Errors
/// As `decode`.
pub fn decode_bytes(vm: &mut Vm, data: &[u8], encoding: &str, errors: &str) -> PyResult<PyStr> {
    if data.is_empty() {
        return Ok(PyStr::empty());
    }
    let result = decode(vm, data, encoding, errors);
    match is_of_registry(encoding) {
        true => noted(vm, result, "decode", encoding),
        false => result,
    }
}

/// The bytes of a str that the caller holds.
///
/// # Errors
/// UnicodeEncodeError; LookupError for an unknown codec or handler.
pub fn encode(vm: &mut Vm, value: Value, encoding: &str, errors: &str) -> PyResult<Vec<u8>> {
    let Some((codec, shown)) = codec_of(encoding) else {
        let made = with_registered(vm, value, (encoding, errors), (0, "encode", B::Bytes))?;
        return Ok(vm.heap.cell::<Bytes>(made).data.clone());
    };
    let text = vm.heap.text(value);
    let mut out = Vec::with_capacity(text.len());
    match codec {
        Codec::Utf8 if text.push_utf8(&mut out).is_ok() => return Ok(out),
        Codec::Utf8Sig => out.extend_from_slice(&[0xef, 0xbb, 0xbf]),
        Codec::Utf16(Order::Marked) => out.extend_from_slice(&[0xff, 0xfe]),
        Codec::Utf32(Order::Marked) => out.extend_from_slice(&[0xff, 0xfe, 0, 0]),
        _ => {}
    }
    let units: Vec<u32> = text.chars().collect();
    let mut handling = Handling::default();
    let mut at = 0;
    while let Some(&cp) = units.get(at) {
        if put(codec, cp, &mut out) {
            at += 1;
            continue;
        }
        if errors == "surrogateescape"
            && matches!(
                codec,
                Codec::Utf8 | Codec::Utf8Sig | Codec::Ascii | Codec::Latin1
            )
            && (0xdc80..=0xdcff).contains(&cp)
        {
            // CPython 3.13 unicodeobject.c unicode_encode_utf8 and unicode_encode_ucs1: what stands
            // for a byte is one, whatever comes behind it.
            out.push((cp - 0xdc00) as u8);
            at += 1;
            continue;
        }
        let mut end = at + 1;
        // The encoders of wider units tell of one code point at a time.
        while !matches!(codec, Codec::Utf16(_) | Codec::Utf32(_))
            && units
                .get(end)
                .is_some_and(|&cp| !put(codec, cp, &mut Vec::new()))
        {
            end += 1;
        }
        let bad = |object: Value, start: usize, end: usize| Bad {
            class: B::UnicodeEncodeError,
            encoding: shown,
            object,
            start,
            end,
            reason: reason_of(codec),
        };
        match errors {
            "ignore" => {}
            "replace" => {
                for _ in at..end {
                    put(codec, u32::from(b'?'), &mut out);
                }
            }
            "backslashreplace" | "xmlcharrefreplace" | "namereplace" => {
                for &cp in &units[at..end] {
                    let text = match errors {
                        "xmlcharrefreplace" => format!("&#{cp};"),
                        "namereplace" => named(cp),
                        _ => escape(cp),
                    };
                    for b in text.bytes() {
                        put(codec, u32::from(b), &mut out);
                    }
                }
            }
            "surrogatepass"
                if !matches!(codec, Codec::Ascii | Codec::Latin1)
                    && units[at..end]
                        .iter()
                        .all(|cp| (0xd800..=0xdfff).contains(cp)) =>
            {
                for &cp in &units[at..end] {
                    put_surrogate(codec, cp, &mut out);
                }
            }
            "strict" | "surrogateescape" | "surrogatepass" => {
                return Err(bad(value, at, end).raise(vm));
            }
            _ => {
                let bad = bad(value, at, end);
                let (instead, next, _) = handling.handle(vm, &bad, errors, units.len())?;
                if let Some(bytes) = vm.heap.get::<Bytes>(instead) {
                    out.extend_from_slice(&bytes.data);
                } else {
                    let fits = vm
                        .heap
                        .text(instead)
                        .chars()
                        .all(|cp| put(codec, cp, &mut out));
                    if !fits {
                        return Err(bad.raise(vm));
                    }
                }
                at = next;
                continue;
            }
        }
        at = end;
    }
    Ok(out)
}

fn escape(cp: u32) -> String {
    match cp {
        0..=0xff => format!("\\x{cp:02x}"),
        0x100..=0xffff => format!("\\u{cp:04x}"),
        _ => format!("\\U{cp:08x}"),
    }
}

/// `\N{name}` of a code point that has one.
fn named(cp: u32) -> String {
    match char::from_u32(cp).and_then(unicode_names2::name) {
        Some(name) => format!("\\N{{{name}}}"),
        None => escape(cp),
    }
}

/// Appends a code point; false where the codec has no bytes for it.
fn put(codec: Codec, cp: u32, out: &mut Vec<u8>) -> bool {
    match codec {
        Codec::Ascii if cp < 0x80 => out.push(cp as u8),
        Codec::Latin1 if cp < 0x100 => out.push(cp as u8),
        Codec::Ascii | Codec::Latin1 => return false,
        _ => {
            let Some(c) = char::from_u32(cp) else {
                return false;
            };
            match codec {
                Codec::Utf16(order) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let bytes = if order == Order::Big {
                            unit.to_be_bytes()
                        } else {
                            unit.to_le_bytes()
                        };
                        out.extend_from_slice(&bytes);
                    }
                }
                Codec::Utf32(order) => {
                    let bytes = if order == Order::Big {
                        cp.to_be_bytes()
                    } else {
                        cp.to_le_bytes()
                    };
                    out.extend_from_slice(&bytes);
                }
                _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
    true
}

/// The text of bytes.
///
/// # Errors
/// UnicodeDecodeError; LookupError for an unknown codec or handler.
pub fn decode(vm: &mut Vm, data: &[u8], encoding: &str, errors: &str) -> PyResult<PyStr> {
    let Some((codec, mut shown)) = codec_of(encoding) else {
        let value = vm.heap.bytes(data.to_vec());
        vm.root(value);
        let made = with_registered(vm, value, (encoding, errors), (1, "decode", B::Str))?;
        return Ok(vm.heap.text(made).clone());
    };
    let mut data = Cow::Borrowed(data);
    let (mut codec, mut at) = (codec, 0);
    match codec {
        Codec::Utf8Sig => {
            shown = "utf-8";
            if data.starts_with(&[0xef, 0xbb, 0xbf]) {
                data = Cow::Owned(data[3..].to_vec());
            }
        }
        Codec::Utf16(Order::Marked) => {
            (codec, shown) = (Codec::Utf16(Order::Little), "utf-16-le");
            if data.starts_with(&[0xff, 0xfe]) {
                at = 2;
            } else if data.starts_with(&[0xfe, 0xff]) {
                (codec, at, shown) = (Codec::Utf16(Order::Big), 2, "utf-16-be");
            }
        }
        Codec::Utf32(Order::Marked) => {
            (codec, shown) = (Codec::Utf32(Order::Little), "utf-32-le");
            if data.starts_with(&[0xff, 0xfe, 0, 0]) {
                at = 4;
            } else if data.starts_with(&[0, 0, 0xfe, 0xff]) {
                (codec, at, shown) = (Codec::Utf32(Order::Big), 4, "utf-32-be");
            }
        }
        _ => {}
    }
    if matches!(codec, Codec::Utf8 | Codec::Utf8Sig)
        && let Ok(text) = std::str::from_utf8(&data)
    {
        return Ok(PyStr::from(text));
    }
    if codec == Codec::Latin1 {
        return Ok(PyStr::from_latin1(&data));
    }
    let mut out = StrBuilder::with_capacity(data.len());
    let mut handling = Handling::default();
    // The input as an object, made at the first error.
    let mut object = None;
    while at < data.len() {
        let (end, reason) = match take(codec, &data[at..]) {
            Taken::Char(cp, n) => {
                out.push_cp(cp);
                at += n;
                continue;
            }
            Taken::Bad(n, reason) => (at + n, reason),
        };
        match errors {
            "ignore" => {}
            "replace" => out.push_cp(0xfffd),
            "backslashreplace" => {
                data[at..end]
                    .iter()
                    .for_each(|b| out.push_str(&format!("\\x{b:02x}")));
            }
            "surrogateescape" if data[at..end].iter().all(|&b| b >= 0x80) => {
                data[at..end]
                    .iter()
                    .for_each(|&b| out.push_cp(0xdc00 + u32::from(b)));
            }
            "surrogatepass" if surrogate(codec, &data[at..]).is_some() => {
                if let Some((cp, n)) = surrogate(codec, &data[at..]) {
                    out.push_cp(cp);
                    at += n;
                }
                continue;
            }
            _ => {
                let whole = match object {
                    Some(object) => object,
                    None => vm.heap.bytes(data.to_vec()),
                };
                object = Some(whole);
                let bad = Bad {
                    class: B::UnicodeDecodeError,
                    encoding: shown,
                    object: whole,
                    start: at,
                    end,
                    reason,
                };
                if matches!(errors, "strict" | "surrogateescape" | "surrogatepass") {
                    return Err(bad.raise(vm));
                }
                // From its first error on the exception holds the object.
                let (instead, next, left) = handling.handle(vm, &bad, errors, data.len())?;
                out.push(vm.heap.text(instead));
                if left != whole {
                    let Some(bytes) = vm.heap.get::<Bytes>(left) else {
                        return Err(vm.type_error("object attribute must be bytes"));
                    };
                    data = Cow::Owned(bytes.data.clone());
                    object = Some(left);
                }
                at = next;
                continue;
            }
        }
        at = end;
    }
    Ok(out.finish())
}

/// Appends what would stand for a surrogate, were it a code point like others.
fn put_surrogate(codec: Codec, cp: u32, out: &mut Vec<u8>) {
    match codec {
        Codec::Utf16(Order::Big) => out.extend_from_slice(&(cp as u16).to_be_bytes()),
        Codec::Utf16(_) => out.extend_from_slice(&(cp as u16).to_le_bytes()),
        Codec::Utf32(Order::Big) => out.extend_from_slice(&cp.to_be_bytes()),
        Codec::Utf32(_) => out.extend_from_slice(&cp.to_le_bytes()),
        _ => out.extend_from_slice(&[
            0xe0 | (cp >> 12) as u8,
            0x80 | (cp >> 6 & 0x3f) as u8,
            0x80 | (cp & 0x3f) as u8,
        ]),
    }
}

/// The surrogate that the first bytes would stand for, and how many they are.
fn surrogate(codec: Codec, data: &[u8]) -> Option<(u32, usize)> {
    let (cp, n) = match (codec, data) {
        (Codec::Utf8 | Codec::Utf8Sig, [0xed, b @ 0xa0..=0xbf, c @ 0x80..=0xbf, ..]) => (
            0xd000 | (u32::from(*b) & 0x3f) << 6 | (u32::from(*c) & 0x3f),
            3,
        ),
        (Codec::Utf16(Order::Big), [a, b, ..]) => (u32::from_be_bytes([0, 0, *a, *b]), 2),
        (Codec::Utf16(_), [a, b, ..]) => (u32::from_le_bytes([*a, *b, 0, 0]), 2),
        (Codec::Utf32(Order::Big), [a, b, c, d, ..]) => (u32::from_be_bytes([*a, *b, *c, *d]), 4),
        (Codec::Utf32(_), [a, b, c, d, ..]) => (u32::from_le_bytes([*a, *b, *c, *d]), 4),
        _ => return None,
    };
    (0xd800..=0xdfff).contains(&cp).then_some((cp, n))
}

/// What stands at the beginning of bytes.
enum Taken {
    /// A code point and its number of bytes.
    Char(u32, usize),
    /// So many bad bytes, and why.
    Bad(usize, &'static str),
}

fn take(codec: Codec, data: &[u8]) -> Taken {
    match codec {
        Codec::Ascii if data[0] < 0x80 => Taken::Char(u32::from(data[0]), 1),
        Codec::Ascii => Taken::Bad(1, "ordinal not in range(128)"),
        Codec::Latin1 => Taken::Char(u32::from(data[0]), 1),
        Codec::Utf8 | Codec::Utf8Sig => take_utf8(data),
        Codec::Utf16(order) => take_utf16(data, order),
        Codec::Utf32(order) => {
            let Some(&[a, b, c, d]) = data.first_chunk::<4>() else {
                return Taken::Bad(data.len(), "truncated data");
            };
            let cp = if order == Order::Big {
                u32::from_be_bytes([a, b, c, d])
            } else {
                u32::from_le_bytes([a, b, c, d])
            };
            match cp {
                0xd800..=0xdfff => Taken::Bad(
                    4,
                    "code point in surrogate code point range(0xd800, 0xe000)",
                ),
                0..=0x10_ffff => Taken::Char(cp, 4),
                _ => Taken::Bad(4, "code point not in range(0x110000)"),
            }
        }
    }
}

fn take_utf8(data: &[u8]) -> Taken {
    let first = data[0];
    let (n, low, high) = match first {
        0..=0x7f => return Taken::Char(u32::from(first), 1),
        0xc2..=0xdf => (2, 0x80, 0xbf),
        0xe0 => (3, 0xa0, 0xbf),
        0xed => (3, 0x80, 0x9f),
        0xe1..=0xef => (3, 0x80, 0xbf),
        0xf0 => (4, 0x90, 0xbf),
        0xf4 => (4, 0x80, 0x8f),
        0xf1..=0xf3 => (4, 0x80, 0xbf),
        _ => return Taken::Bad(1, "invalid start byte"),
    };
    let mut cp = u32::from(first) & (0x7f >> n);
    for i in 1..n {
        let (low, high) = if i == 1 { (low, high) } else { (0x80, 0xbf) };
        match data.get(i) {
            None => return Taken::Bad(i, "unexpected end of data"),
            Some(&b) if (low..=high).contains(&b) => cp = cp << 6 | (u32::from(b) & 0x3f),
            Some(_) => return Taken::Bad(i, "invalid continuation byte"),
        }
    }
    Taken::Char(cp, n)
}

fn take_utf16(data: &[u8], order: Order) -> Taken {
    let unit = |at: usize| {
        let pair = data.get(at..at + 2)?;
        let pair = [pair[0], pair[1]];
        Some(if order == Order::Big {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
        })
    };
    let Some(first) = unit(0) else {
        return Taken::Bad(data.len(), "truncated data");
    };
    match first {
        0xd800..=0xdbff => match unit(2) {
            Some(second @ 0xdc00..=0xdfff) => {
                let cp =
                    0x1_0000 + ((u32::from(first) & 0x3ff) << 10 | (u32::from(second) & 0x3ff));
                Taken::Char(cp, 4)
            }
            Some(_) => Taken::Bad(2, "illegal UTF-16 surrogate"),
            None => Taken::Bad(data.len(), "unexpected end of data"),
        },
        0xdc00..=0xdfff => Taken::Bad(2, "illegal encoding"),
        _ => Taken::Char(u32::from(first), 2),
    }
}
