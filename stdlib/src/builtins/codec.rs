//! Text to bytes and back: UTF-8, UTF-16, UTF-32, ASCII and Latin-1, with
//! CPython's error handlers.

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
        "utf_8_sig" => (Codec::Utf8Sig, "utf-8-sig"),
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

/// A function of module `codecs`, if that was imported.
fn of_codecs(vm: &mut Vm, name: &str) -> PyResult<Option<Value>> {
    let (key, modules) = (vm.heap.intern("codecs"), vm.modules);
    let Some(module) = vm.heap.ns_get(modules, key) else {
        return Ok(None);
    };
    let name = vm.heap.intern(name);
    vm.get_attr_opt(module, name)
}

/// What a codec that a script registered makes of a value: item `at` of its
/// functions is called, which must give a `wanted`.
fn with_registered(
    vm: &mut Vm,
    value: Value,
    (encoding, errors): (&str, &str),
    (at, what, wanted): (usize, &str, B),
) -> PyResult {
    let name = vm.heap.str(encoding);
    let info = match of_codecs(vm, "_registered")? {
        Some(search) => vm.call(search, &[name])?,
        None => Value::NONE,
    };
    vm.root(info);
    let Some(&function) = vm.heap.as_tuple(info).and_then(|info| info.get(at)) else {
        return Err(vm.raise(B::LookupError, format!("unknown encoding: {encoding}")));
    };
    let errors = vm.heap.str(errors);
    let given = vm.call(function, &[value, errors])?;
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

/// What a registered error handler puts in place of what `error` names, and
/// where to go on.
fn handled(vm: &mut Vm, error: Raised, errors: &str, len: usize) -> PyResult<(Value, usize)> {
    vm.root(error.0);
    let name = vm.heap.str(errors);
    let handler = match of_codecs(vm, "lookup_error")? {
        Some(lookup) => vm.call(lookup, &[name])?,
        None => {
            let message = format!("unknown error handler name '{errors}'");
            return Err(vm.raise(B::LookupError, message));
        }
    };
    vm.root(handler);
    let given = vm.call(handler, &[error.0])?;
    vm.root(given);
    let kind = match vm.is_instance_of(error.0, B::UnicodeEncodeError) {
        true => "encoding error handler must return (str/bytes, int) tuple",
        false => "decoding error handler must return (str, int) tuple",
    };
    let Some(&[text, at]) = vm.heap.as_tuple(given) else {
        return Err(vm.type_error(kind));
    };
    if vm.heap.as_str(text).is_none() && vm.heap.get::<Bytes>(text).is_none() || !vm.has_index(at) {
        return Err(vm.type_error(kind));
    }
    let at = vm.index_clamped(at)?;
    let place = if at < 0 {
        at.saturating_add(len as i64)
    } else {
        at
    };
    match usize::try_from(place) {
        Ok(place) if place <= len => Ok((text, place)),
        _ => Err(vm.index_error(format!("position {at} from error handler out of bounds"))),
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
    let mut named = |v: Value, name: &str, default: &str| match v.given() {
        None => Ok(default.to_string()),
        Some(v) => match vm.heap.as_str(v) {
            Some(text) => Ok(text.to_lossy()),
            None => {
                debug_assert!(at > 0);
                let message = format!(
                    "{what}() argument '{name}' must be str, not {}",
                    args::shown_type(vm, v)
                );
                Err(vm.type_error(message))
            }
        },
    };
    let encoding = named(encoding, "encoding", "utf-8")?;
    Ok((encoding, named(errors, "errors", "strict")?))
}

fn reason_of(codec: Codec) -> &'static str {
    match codec {
        Codec::Ascii => "ordinal not in range(128)",
        Codec::Latin1 => "ordinal not in range(256)",
        _ => "surrogates not allowed",
    }
}

/// The bytes of a text.
///
/// # Errors
/// UnicodeEncodeError; LookupError for an unknown codec or handler.
pub fn encode(vm: &mut Vm, text: &PyStr, encoding: &str, errors: &str) -> PyResult<Vec<u8>> {
    let Some((codec, shown)) = codec_of(encoding) else {
        let value = vm.heap.str(text.clone());
        vm.root(value);
        let made = with_registered(vm, value, (encoding, errors), (0, "encode", B::Bytes))?;
        return Ok(vm.heap.cell::<Bytes>(made).data.clone());
    };
    let mut out = Vec::with_capacity(text.len());
    match codec {
        Codec::Utf8 if text.push_utf8(&mut out).is_ok() => return Ok(out),
        Codec::Utf8Sig => out.extend_from_slice(&[0xef, 0xbb, 0xbf]),
        Codec::Utf16(Order::Marked) => out.extend_from_slice(&[0xff, 0xfe]),
        Codec::Utf32(Order::Marked) => out.extend_from_slice(&[0xff, 0xfe, 0, 0]),
        _ => {}
    }
    let units: Vec<u32> = text.chars().collect();
    let mut at = 0;
    while let Some(&cp) = units.get(at) {
        if put(codec, cp, &mut out) {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        while units
            .get(end)
            .is_some_and(|&cp| !put(codec, cp, &mut Vec::new()))
        {
            end += 1;
        }
        match errors {
            "ignore" => {}
            "replace" => {
                for _ in at..end {
                    put(codec, u32::from(b'?'), &mut out);
                }
            }
            "backslashreplace" | "xmlcharrefreplace" => {
                for &cp in &units[at..end] {
                    let text = if errors == "xmlcharrefreplace" {
                        format!("&#{cp};")
                    } else {
                        escape(cp)
                    };
                    for b in text.bytes() {
                        put(codec, u32::from(b), &mut out);
                    }
                }
            }
            "surrogateescape"
                if units[at..end]
                    .iter()
                    .all(|cp| (0xdc80..=0xdcff).contains(cp)) =>
            {
                out.extend(units[at..end].iter().map(|cp| (cp - 0xdc00) as u8));
            }
            "surrogatepass"
                if matches!(codec, Codec::Utf8 | Codec::Utf8Sig)
                    && units[at..end]
                        .iter()
                        .all(|cp| (0xd800..=0xdfff).contains(cp)) =>
            {
                for &cp in &units[at..end] {
                    out.extend_from_slice(&[
                        0xe0 | (cp >> 12) as u8,
                        0x80 | (cp >> 6 & 0x3f) as u8,
                        0x80 | (cp & 0x3f) as u8,
                    ]);
                }
            }
            "strict" | "surrogateescape" | "surrogatepass" => {
                let reason = reason_of(codec);
                let object = vm.heap.str(text.clone());
                return Err(unicode_error(
                    vm,
                    B::UnicodeEncodeError,
                    shown,
                    object,
                    at,
                    end,
                    reason,
                ));
            }
            _ => {
                let object = vm.heap.str(text.clone());
                let class = B::UnicodeEncodeError;
                let reason = reason_of(codec);
                let error = unicode_error(vm, class, shown, object, at, end, reason);
                let (instead, next) = handled(vm, error, errors, units.len())?;
                if let Some(bytes) = vm.heap.get::<Bytes>(instead) {
                    out.extend_from_slice(&bytes.data);
                } else {
                    for cp in vm.heap.text(instead).clone().chars() {
                        if !put(codec, cp, &mut out) {
                            return Err(unicode_error(vm, class, shown, object, at, end, reason));
                        }
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

/// The error of bytes or text that a codec can't take.
#[cold]
fn unicode_error(
    vm: &mut Vm,
    class: B,
    encoding: &str,
    object: Value,
    start: usize,
    end: usize,
    reason: &str,
) -> Raised {
    let (encoding, reason) = (vm.heap.str(encoding), vm.heap.str(reason));
    let (start, end) = (Value::small(start as i64), Value::small(end as i64));
    let args = vm.heap.tuple(&[encoding, object, start, end, reason]);
    let range = vm.heap.tuple(&[start, end]);
    let mut e = Exception::new(args);
    e.fields = [encoding, object, reason, range];
    if !vm.handled_exception().is_none() {
        e.context = vm.handled_exception();
    }
    Raised(vm.heap.alloc(class.shape(), e))
}

/// The text of bytes.
///
/// # Errors
/// UnicodeDecodeError; LookupError for an unknown codec or handler.
pub fn decode(vm: &mut Vm, data: &[u8], encoding: &str, errors: &str) -> PyResult<PyStr> {
    let Some((codec, shown)) = codec_of(encoding) else {
        let value = vm.heap.bytes(data.to_vec());
        vm.root(value);
        let made = with_registered(vm, value, (encoding, errors), (1, "decode", B::Str))?;
        return Ok(vm.heap.text(made).clone());
    };
    let mut data = data;
    let mut codec = codec;
    match codec {
        Codec::Utf8Sig => data = data.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(data),
        Codec::Utf16(Order::Marked) => {
            codec = Codec::Utf16(Order::Little);
            if let Some(rest) = data.strip_prefix(&[0xff, 0xfe]) {
                data = rest;
            } else if let Some(rest) = data.strip_prefix(&[0xfe, 0xff]) {
                data = rest;
                codec = Codec::Utf16(Order::Big);
            }
        }
        Codec::Utf32(Order::Marked) => {
            codec = Codec::Utf32(Order::Little);
            if let Some(rest) = data.strip_prefix(&[0xff, 0xfe, 0, 0]) {
                data = rest;
            } else if let Some(rest) = data.strip_prefix(&[0, 0, 0xfe, 0xff]) {
                data = rest;
                codec = Codec::Utf32(Order::Big);
            }
        }
        _ => {}
    }
    if matches!(codec, Codec::Utf8 | Codec::Utf8Sig)
        && let Ok(text) = std::str::from_utf8(data)
    {
        return Ok(PyStr::from(text));
    }
    if codec == Codec::Latin1 {
        return Ok(PyStr::from_latin1(data));
    }
    let mut out = StrBuilder::with_capacity(data.len());
    let mut at = 0;
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
                if let Some(cp) = surrogate(codec, &data[at..]) {
                    out.push_cp(cp);
                }
                at += 3;
                continue;
            }
            "strict" | "surrogateescape" | "surrogatepass" => {
                let object = vm.heap.bytes(data.to_vec());
                return Err(unicode_error(
                    vm,
                    B::UnicodeDecodeError,
                    shown,
                    object,
                    at,
                    end,
                    reason,
                ));
            }
            _ => {
                let object = vm.heap.bytes(data.to_vec());
                let class = B::UnicodeDecodeError;
                let error = unicode_error(vm, class, shown, object, at, end, reason);
                let (instead, next) = handled(vm, error, errors, data.len())?;
                match vm.heap.as_str(instead) {
                    Some(text) => out.push(text),
                    None => {
                        return Err(
                            vm.type_error("decoding error handler must return (str, int) tuple")
                        );
                    }
                }
                at = next;
                continue;
            }
        }
        at = end;
    }
    Ok(out.finish())
}

/// The surrogate that three bytes of UTF-8 would stand for.
fn surrogate(codec: Codec, data: &[u8]) -> Option<u32> {
    match (codec, data) {
        (Codec::Utf8 | Codec::Utf8Sig, [0xed, b @ 0xa0..=0xbf, c @ 0x80..=0xbf, ..]) => {
            Some(0xd000 | (u32::from(*b) & 0x3f) << 6 | (u32::from(*c) & 0x3f))
        }
        _ => None,
    }
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
