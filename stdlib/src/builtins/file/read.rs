//! Reading: what fills a stream's buffer, decodes it and finds the ends of lines.

use std::io::Read;

use lockstep_runtime::{PyResult, Value, Vm};

use super::{
    Device, LINE_ENDS, Newline, PIECE, Stream, encode, io_error, is_utf8, readable_stream, stream,
};
use crate::args;
use crate::builtins::{bytes, codec};

/// Reads everything that is left into the read-ahead buffer.
pub(super) fn fill(vm: &mut Vm, this: Value) -> PyResult<()> {
    let s = stream(vm, this)?;
    match &mut s.device {
        Device::Disk(file) => {
            if s.binary || is_utf8(&s.encoding) {
                if let Err(error) = file.read_to_end(&mut s.ahead) {
                    return Err(io_error(vm, &error, None));
                }
            } else {
                let mut data = Vec::new();
                if let Err(error) = file.read_to_end(&mut data) {
                    return Err(io_error(vm, &error, None));
                }
                if !data.is_empty() {
                    return fill_decoded(vm, this, &data);
                }
            }
        }
        Device::Stdin => while fill_line(vm, this)? {},
        Device::Stdout | Device::Stderr => {}
    }
    Ok(())
}

/// Reads ahead what is in another encoding than UTF-8.
pub(super) fn fill_decoded(vm: &mut Vm, this: Value, data: &[u8]) -> PyResult<()> {
    let s = stream(vm, this)?;
    let (encoding, errors) = (s.encoding.clone(), s.errors.clone());
    let text = codec::decode(vm, data, &encoding, &errors)?;
    let mut utf8 = Vec::with_capacity(text.len());
    encode(vm, &text, &mut utf8, "surrogatepass")?;
    stream(vm, this)?.ahead.extend_from_slice(&utf8);
    Ok(())
}

/// Sees to it that the text up to `end` is text, in the pieces in which CPython decodes it, and
/// notes the ends of lines in them.
pub(super) fn look_at(vm: &mut Vm, this: Value, end: usize) -> PyResult<()> {
    let s = stream(vm, this)?;
    if s.binary || end <= s.looked_at {
        return Ok(());
    }
    let is_stdin = matches!(s.device, Device::Stdin);
    while s.looked_at < end {
        let from = s.looked_at;
        let to = s.ahead.len().min((from / PIECE + 1) * PIECE);
        let piece = &s.ahead[from..to];
        let valid = match std::str::from_utf8(piece) {
            Ok(_) => piece.len(),
            // A character may go on in the next piece.
            Err(error) if error.error_len().is_none() && to < s.ahead.len() => error.valid_up_to(),
            Err(_) if s.errors == "strict" && is_utf8(&s.encoding) => {
                let piece = piece.to_vec();
                if is_stdin {
                    // What was read comes no more.
                    s.ahead.truncate(from);
                }
                return codec::decode(vm, &piece, "utf-8", "strict").map(|_| ());
            }
            Err(_) => piece.len(),
        };
        if s.newline.is_any() {
            for (i, &byte) in s.ahead[from..from + valid].iter().enumerate() {
                s.line_ends |= match byte {
                    b'\r' if s.ahead.get(from + i + 1) != Some(&b'\n') => 1,
                    b'\n' if from + i == 0 || s.ahead[from + i - 1] != b'\r' => 2,
                    b'\n' => 4,
                    _ => 0,
                };
            }
        }
        s.looked_at = if valid == 0 { to } else { from + valid };
    }
    Ok(())
}

/// The ends of lines that were read: None, one of them, or a tuple.
pub(super) fn newlines(vm: &mut Vm, this: Value) -> PyResult {
    let seen = stream(vm, this)?.line_ends;
    let mut shown = Vec::new();
    for (bit, end) in LINE_ENDS.iter().enumerate() {
        if seen & (1 << bit) != 0 {
            shown.push(vm.heap.intern(end));
        }
    }
    Ok(match shown[..] {
        [] => Value::NONE,
        [one] => one,
        _ => vm.heap.tuple(&shown),
    })
}

/// Reads one more line of standard input ahead; false at its end.
pub(super) fn fill_line(vm: &mut Vm, this: Value) -> PyResult<bool> {
    match vm.host.read_line() {
        Ok(line) => {
            stream(vm, this)?.ahead.extend_from_slice(&line);
            Ok(!line.is_empty())
        }
        Err(error) => Err(io_error(vm, &error, None)),
    }
}

/// Bytes as what the stream gives: bytes, or text.
pub(super) fn give(vm: &mut Vm, this: Value, data: Vec<u8>) -> PyResult {
    let s = stream(vm, this)?;
    if s.binary {
        return Ok(vm.heap.bytes(data));
    }
    let universal = s.newline == Newline::Universal;
    let (encoding, errors) = match is_utf8(&s.encoding) {
        true => (String::from("utf-8"), s.errors.clone()),
        // It was decoded when it was read ahead.
        false => (String::from("utf-8"), String::from("surrogatepass")),
    };
    let data = if universal && data.contains(&b'\r') {
        translate(&data)
    } else {
        data
    };
    let text = codec::decode(vm, &data, &encoding, &errors)?;
    Ok(vm.heap.str(text))
}

/// Line ends `\r\n` and `\r` become `\n`.
pub(super) fn translate(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    for (i, &byte) in data.iter().enumerate() {
        match byte {
            b'\r' => out.push(b'\n'),
            b'\n' if i > 0 && data[i - 1] == b'\r' => {}
            byte => out.push(byte),
        }
    }
    out
}

pub(super) fn read(vm: &mut Vm, a: &[Value]) -> PyResult {
    readable_stream(vm, a[0])?;
    let size = args::optional_ssize(vm, a[1], -1)?;
    fill(vm, a[0])?;
    let s = stream(vm, a[0])?;
    let left = &s.ahead[s.taken..];
    let n = prefix(left, s.binary, usize::try_from(size).ok());
    let end = s.taken + n;
    // CPython decodes all that is left as one piece.
    let is_rest = n == left.len() && size < 0 && s.looked_at <= s.taken;
    if !is_rest || std::str::from_utf8(left).is_ok() {
        look_at(vm, a[0], end)?;
    }
    let s = stream(vm, a[0])?;
    let data = s.ahead[s.taken..end].to_vec();
    s.taken += n;
    compact(s);
    give(vm, a[0], data)
}

/// How many bytes so many of what the stream counts are: bytes, or characters of text.
pub(super) fn prefix(left: &[u8], binary: bool, limit: Option<usize>) -> usize {
    match limit {
        None => left.len(),
        Some(n) if binary => n.min(left.len()),
        // Those that begin in the first n places.
        Some(n) => left
            .iter()
            .enumerate()
            .filter(|(_, b)| **b & 0xc0 != 0x80)
            .nth(n)
            .map_or(left.len(), |(at, _)| at),
    }
}

/// Forgets what was taken when all of it was.
pub(super) fn compact(s: &mut Stream) {
    if s.taken == s.ahead.len() {
        s.forget_ahead();
    }
}

/// A line; of a longer one so many bytes, or characters of text.
pub(super) fn take_line(vm: &mut Vm, this: Value, limit: Option<usize>) -> PyResult<Vec<u8>> {
    let is_stdin = matches!(stream(vm, this)?.device, Device::Stdin);
    if is_stdin {
        if stream(vm, this)?.ahead.len() == stream(vm, this)?.taken {
            fill_line(vm, this)?;
        }
    } else {
        fill(vm, this)?;
    }
    let s = stream(vm, this)?;
    let left = &s.ahead[s.taken..];
    let newline = if s.binary { Newline::Lf } else { s.newline };
    let n = match newline {
        Newline::Lf => memchr::memchr(b'\n', left).map(|at| at + 1),
        Newline::Cr => memchr::memchr(b'\r', left).map(|at| at + 1),
        Newline::CrLf => memchr::memmem::find(left, b"\r\n").map(|at| at + 2),
        Newline::Universal | Newline::Kept => memchr::memchr2(b'\n', b'\r', left).map(|at| {
            if left[at..].starts_with(b"\r\n") {
                at + 2
            } else {
                at + 1
            }
        }),
    };
    let n = prefix(&left[..n.unwrap_or(left.len())], s.binary, limit);
    let end = s.taken + n;
    look_at(vm, this, end)?;
    let s = stream(vm, this)?;
    let data = s.ahead[s.taken..end].to_vec();
    s.taken += n;
    compact(s);
    Ok(data)
}

pub(super) fn readline(vm: &mut Vm, a: &[Value]) -> PyResult {
    readable_stream(vm, a[0])?;
    let size = match stream(vm, a[0])?.binary {
        true => args::optional_ssize(vm, a[1], -1)?,
        false => args::ssize_or(vm, a[1], -1)?,
    };
    let data = take_line(vm, a[0], usize::try_from(size).ok())?;
    give(vm, a[0], data)
}

pub(super) fn next(vm: &mut Vm, a: &[Value]) -> PyResult {
    readable_stream(vm, a[0])?;
    let data = take_line(vm, a[0], None)?;
    let s = stream(vm, a[0])?;
    s.iterating = !s.binary && !data.is_empty();
    if data.is_empty() {
        return Err(vm.stop_iteration(Value::NONE));
    }
    give(vm, a[0], data)
}

pub(super) fn readlines(vm: &mut Vm, a: &[Value]) -> PyResult {
    readable_stream(vm, a[0])?;
    let hint = args::optional_ssize(vm, a[1], -1)?;
    if hint > 0 {
        let s = stream(vm, a[0])?;
        s.iterating = !s.binary;
    }
    let mut n_given = 0;
    let list = vm.heap.list(Vec::new());
    vm.root(list);
    loop {
        let data = take_line(vm, a[0], None)?;
        if data.is_empty() {
            return Ok(list);
        }
        let line = give(vm, a[0], data)?;
        vm.heap.list_push(list, line);
        n_given += vm.len(line)? as i64;
        if hint > 0 && n_given > hint {
            return Ok(list);
        }
    }
}

/// What comes next, without taking it.
pub(super) fn peek(vm: &mut Vm, a: &[Value]) -> PyResult {
    readable_stream(vm, a[0])?;
    fill(vm, a[0])?;
    let s = stream(vm, a[0])?;
    let next = &s.ahead[s.taken..];
    let next = next[..next.len().min(PIECE)].to_vec();
    Ok(vm.heap.bytes(next))
}

/// Reads into a bytes-like object as much as it holds; gives how much that was.
pub(super) fn readinto(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(room) = vm.writable_len(a[1])? else {
        let message = format!(
            "readinto() argument must be read-write bytes-like object, not {}",
            vm.type_name(a[1])
        );
        return Err(vm.type_error(message));
    };
    let size = vm.heap.usize(room);
    let data = read(vm, &[a[0], size])?;
    let data = bytes::data_of(vm, data)?;
    vm.write_bytes(a[1], 0, &data)?;
    Ok(vm.heap.usize(data.len()))
}
