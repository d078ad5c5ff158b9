//! Streams: files on disk and the standard ones, as the classes of `io` show them; writing,
//! seeking and closing. `open` makes them, `read` reads from them. Plain blocking I/O of the host
//! process.
//!
//! A file is read whole at the first read, and text is kept as UTF-8 until it is given; one open
//! for writing keeps a buffer.

mod open;
mod read;

use std::cell::Cell;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::rc::{Rc, Weak};

use lockstep_runtime::native::{ClassDef, GetSetDef, attribute, getter, method};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::exception::Exception;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::text::pystr::PyStr;
use lockstep_runtime::{B, Kind, Marker, N, PyResult, Raised, Value, Vm};

pub use self::open::{open, write_what_is_forgotten};
use self::read::{newlines, next, peek, read, readinto, readline, readlines};
use super::exception;
use crate::args;

/// Where a stream's bytes come from or go to.
enum Device {
    Stdin,
    Stdout,
    Stderr,
    Disk(File),
}

/// As which of the classes of `io` a stream is shown.
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Text,
    Reader,
    Writer,
    Random,
    Raw,
}

/// What the ends of lines of a text are taken for (`open(…, newline=…)`).
#[derive(Clone, Copy, PartialEq)]
enum Newline {
    /// None: all of them end lines, and are read as `\n`.
    Universal,
    /// `""`: all of them end lines, and stay.
    Kept,
    Lf,
    Cr,
    CrLf,
}

impl Newline {
    /// Whether a lone `\r` ends a line as well.
    fn is_any(self) -> bool {
        matches!(self, Newline::Universal | Newline::Kept)
    }
}

/// The order in which `newlines` tells of them.
const LINE_ENDS: [&str; 3] = ["\r", "\n", "\r\n"];

/// CPython decodes a file in pieces of so many bytes: a mistake is told of when its piece is read.
const PIECE: usize = 8192;

/// A stream.
struct Stream {
    device: Device,
    shown: Shown,
    binary: bool,
    readable: bool,
    writable: bool,
    newline: Newline,
    /// Nothing was written since the start of the file: a byte order mark is due.
    fresh: bool,
    closed: bool,
    /// Bytes read ahead, and how many of them were taken. Of text they are UTF-8, whatever the
    /// file's encoding.
    ahead: Vec<u8>,
    taken: usize,
    /// How many of them have been checked to be text.
    looked_at: usize,
    /// The ends of lines that were seen, one bit each, as `LINE_ENDS` has them.
    line_ends: u8,
    /// A `for` loop has taken lines, so that the place in the file is not told.
    iterating: bool,
    /// Bytes still to be written.
    pending: Vec<u8>,
    /// Whether there are any, for who opens the same file.
    unwritten: Rc<Cell<bool>>,
    name: Value,
    mode: String,
    encoding: String,
    errors: String,
}

impl Native for Stream {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.name);
    }
    fn external_bytes(&self) -> usize {
        self.ahead.capacity() + self.pending.capacity()
    }
}

impl Stream {
    fn forget_ahead(&mut self) {
        self.ahead.clear();
        self.taken = 0;
        self.looked_at = 0;
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Device::Disk(file) = &mut self.device
            && !self.closed
        {
            // Nobody is left to hear of a failure.
            let _ = file.write_all(&self.pending);
        }
    }
}

/// What the streams of one VM share.
#[derive(Default)]
pub struct Streams {
    classes: [Option<Value>; 5],
    /// `sys.stdout` as it was made.
    stdout: Option<Value>,
    /// The files open for writing, and whether any of what was written waits in a buffer.
    written: Vec<(PathBuf, Weak<Cell<bool>>)>,
    /// The dict of module `sys`, once it was imported.
    pub sys_dict: Option<Value>,
}

impl Native for Streams {
    fn trace(&self, marker: &mut Marker) {
        for v in [self.stdout, self.sys_dict]
            .into_iter()
            .chain(self.classes)
            .flatten()
        {
            marker.mark(v);
        }
    }
}

/// The methods of all streams, and some more.
macro_rules! methods {
    ($($more:expr),*) => {
        &[
            method("__enter__(self, /)", enter),
            method("__exit__(self, /, *args)", exit),
            method("__iter__(self, /)", enter),
            method("__next__(self, /)", next),
            method("__repr__(self, /)", repr),
            method("read(self, size=-1, /)", read),
            method("readline(self, size=-1, /)", readline),
            method("readlines(self, hint=-1, /)", readlines),
            method("write(self, text, /)", write),
            method("writelines(self, lines, /)", writelines),
            method("flush(self, /)", flush),
            method("close(self, /)", close),
            method("seek(self, cookie, whence=0, /)", seek),
            method("tell(self, /)", tell),
            method("truncate(self, pos=None, /)", truncate),
            method("readable(self, /)", |vm, a| {
                Ok(Value::bool(open_stream(vm, a[0])?.readable))
            }),
            method("writable(self, /)", |vm, a| {
                Ok(Value::bool(open_stream(vm, a[0])?.writable))
            }),
            method("seekable(self, /)", |vm, a| {
                Ok(Value::bool(matches!(
                    open_stream(vm, a[0])?.device,
                    Device::Disk(_)
                )))
            }),
            method("isatty(self, /)", |vm, a| {
                open_stream(vm, a[0])?;
                Ok(Value::FALSE)
            }),
            method("fileno(self, /)", fileno),
            $($more),*
        ]
    };
}

const CLOSED: GetSetDef = getter("closed", |vm, this| {
    Ok(Value::bool(stream(vm, this)?.closed))
});
const NAME: GetSetDef = getter("name", |vm, this| Ok(stream(vm, this)?.name));
const MODE: GetSetDef = getter("mode", |vm, this| {
    let mode = stream(vm, this)?.mode.clone();
    args::str_value(vm, mode)
});

static TEXT: ClassDef = ClassDef {
    methods: methods!(method("reconfigure(self, /, **kwargs)", |_, _| Ok(
        Value::NONE
    ))),
    attributes: &[
        CLOSED,
        NAME,
        MODE,
        getter("encoding", |vm, this| {
            let encoding = stream(vm, this)?.encoding.clone();
            args::str_value(vm, encoding)
        }),
        getter("errors", |vm, this| {
            let errors = stream(vm, this)?.errors.clone();
            args::str_value(vm, errors)
        }),
        getter("newlines", newlines),
        getter("line_buffering", |_, _| Ok(Value::FALSE)),
        getter("write_through", |_, _| Ok(Value::FALSE)),
        attribute("buffer", buffer, |vm, _, _| {
            Err(vm.attribute_error("readonly attribute"))
        }),
    ],
    doc: "Character and line based layer over a BufferedIOBase object, buffer.",
};

static READER: ClassDef = ClassDef {
    methods: methods!(
        method("peek(self, size=0, /)", peek),
        method("read1(self, size=-1, /)", read),
        method("readinto(self, buffer, /)", readinto),
        method("readinto1(self, buffer, /)", readinto)
    ),
    attributes: &[CLOSED, NAME, MODE],
    doc: "Create a new buffered reader using the given readable raw IO object.",
};

static RANDOM: ClassDef = ClassDef {
    doc: "A buffered interface to random access streams.",
    ..READER
};

static WRITER: ClassDef = ClassDef {
    methods: methods!(
        method("read1(self, size=-1, /)", |vm, _| Err(
            unsupported_operation(vm, "read1")
        )),
        method("readinto(self, buffer, /)", readinto),
        method("readinto1(self, buffer, /)", readinto)
    ),
    attributes: &[CLOSED, NAME, MODE],
    doc: "A buffer for a writeable sequential RawIO object.",
};

static RAW: ClassDef = ClassDef {
    methods: methods!(
        method("readall(self, /)", |vm, a| read(vm, &[a[0], Value::NONE])),
        method("readinto(self, buffer, /)", readinto)
    ),
    attributes: &[
        CLOSED,
        NAME,
        MODE,
        getter("closefd", |_, _| Ok(Value::TRUE)),
    ],
    doc: "Open a file.",
};

fn class_of(vm: &mut Vm, shown: Shown) -> Value {
    if let Some(class) = vm.ext::<Streams>().classes[shown as usize] {
        return class;
    }
    let object = vm.class(B::Object);
    let (name, def) = match shown {
        Shown::Text => ("TextIOWrapper", &TEXT),
        Shown::Reader => ("BufferedReader", &READER),
        Shown::Writer => ("BufferedWriter", &WRITER),
        Shown::Random => ("BufferedRandom", &RANDOM),
        Shown::Raw => ("FileIO", &RAW),
    };
    let class = vm.new_native_class("_io", name, object, Kind::Opaque, def);
    vm.heap.cell_mut::<Class>(class).named_with_module = true;
    vm.ext::<Streams>().classes[shown as usize] = Some(class);
    class
}

fn make(vm: &mut Vm, stream: Stream) -> Value {
    let class = class_of(vm, stream.shown);
    let shape = vm.root_shape(class);
    vm.heap.opaque(shape, stream)
}

/// `sys.stdin`, `sys.stdout` or `sys.stderr`, by its name in `<…>`.
pub fn standard(vm: &mut Vm, name: &str) -> Value {
    standard_of(vm, name, false)
}

fn standard_of(vm: &mut Vm, name: &str, binary: bool) -> Value {
    let device = match name {
        "<stdin>" => Device::Stdin,
        "<stdout>" => Device::Stdout,
        _ => Device::Stderr,
    };
    let readable = matches!(device, Device::Stdin);
    let is_stdout = matches!(device, Device::Stdout) && !binary;
    let errors = if matches!(device, Device::Stderr) {
        "backslashreplace"
    } else {
        "strict"
    };
    let name = vm.heap.str(name);
    let made = make(
        vm,
        Stream {
            device,
            shown: match (binary, readable) {
                (false, _) => Shown::Text,
                (true, true) => Shown::Reader,
                (true, false) => Shown::Writer,
            },
            binary,
            readable,
            writable: !readable,
            newline: Newline::Universal,
            fresh: true,
            closed: false,
            ahead: Vec::new(),
            taken: 0,
            looked_at: 0,
            line_ends: 0,
            iterating: false,
            pending: Vec::new(),
            unwritten: Rc::default(),
            name,
            mode: String::from(if readable { "r" } else { "w" }),
            encoding: String::from("utf-8"),
            errors: String::from(errors),
        },
    );
    if is_stdout {
        vm.ext::<Streams>().stdout = Some(made);
    }
    made
}

/// What a script put in place of `sys.stdout`; None while it is the original.
pub fn replaced_stdout(vm: &mut Vm) -> Option<Value> {
    let streams = vm.ext::<Streams>();
    let (dict, original) = (streams.sys_dict?, streams.stdout);
    let name = vm.n(N::stdout);
    match vm.heap.ns_get(dict, name) {
        now if now == original => None,
        Some(now) => Some(now),
        None => Some(Value::NONE),
    }
}

/// What `sys.stdin` is now, with None for one that was deleted; None before `sys` was imported.
pub fn sys_stdin(vm: &mut Vm) -> Option<Value> {
    let dict = vm.ext::<Streams>().sys_dict?;
    let name = vm.heap.intern("stdin");
    Some(vm.heap.ns_get(dict, name).unwrap_or(Value::NONE))
}

/// Writes text to standard output.
///
/// # Errors
/// UnicodeEncodeError, OSError.
pub fn write_stdout(vm: &mut Vm, text: &PyStr) -> PyResult<()> {
    let mut bytes = Vec::with_capacity(text.len());
    encode(vm, text, &mut bytes, "strict")?;
    match vm.host.write_stdout(&bytes) {
        Ok(()) => Ok(()),
        Err(error) => Err(io_error(vm, &error, None)),
    }
}

/// Flushes standard output.
///
/// # Errors
/// OSError.
pub fn flush_stdout(vm: &mut Vm) -> PyResult<()> {
    match vm.host.flush_stdout() {
        Ok(()) => Ok(()),
        Err(error) => Err(io_error(vm, &error, None)),
    }
}

fn encode(vm: &mut Vm, text: &PyStr, out: &mut Vec<u8>, errors: &str) -> PyResult<()> {
    if text.push_utf8(out).is_ok() {
        return Ok(());
    }
    let value = vm.heap.str(text.clone());
    vm.root(value);
    let data = super::codec::encode(vm, value, "utf-8", errors)?;
    out.extend_from_slice(&data);
    Ok(())
}

/// The OSError of a failed operation on a file.
#[cold]
pub fn io_error(vm: &mut Vm, error: &std::io::Error, filename: Option<Value>) -> Raised {
    if error.kind() == std::io::ErrorKind::Interrupted
        && let Err(interrupt) = vm.look_up()
    {
        // Ctrl-C ended a wait.
        return interrupt;
    }
    let errno = i64::from(error.raw_os_error().unwrap_or(5));
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text).to_string();
    let text = vm.heap.str(text);
    let args = vm.heap.tuple(&[Value::small(errno), text]);
    let class = exception::os_error_class(errno);
    let mut e = Exception::new(args);
    e.fields[0] = Value::small(errno);
    e.fields[1] = text;
    if let Some(filename) = filename {
        e.fields[2] = filename;
    }
    let exception = vm.heap.alloc(class.shape(), e);
    vm.raise_given(exception)
}

// ---- methods ----------------------------------------------------------------------

fn is_utf8(encoding: &str) -> bool {
    ["utf-8", "utf8", "utf_8"]
        .iter()
        .any(|name| encoding.eq_ignore_ascii_case(name))
}

fn stream(vm: &mut Vm, this: Value) -> PyResult<&mut Stream> {
    if vm.heap.native::<Stream>(this).is_none() {
        let message = format!("a stream is required, not '{}'", vm.type_name(this));
        return Err(vm.type_error(message));
    }
    match vm.heap.native_mut::<Stream>(this) {
        Some(stream) => Ok(stream),
        None => unreachable!("the kind was just checked"),
    }
}

/// The stream, if it is open.
fn open_stream(vm: &mut Vm, this: Value) -> PyResult<&mut Stream> {
    if stream(vm, this)?.closed {
        return Err(vm.value_error("I/O operation on closed file."));
    }
    stream(vm, this)
}

fn readable_stream(vm: &mut Vm, this: Value) -> PyResult<()> {
    let s = stream(vm, this)?;
    if s.closed && s.readable && s.binary && s.shown != Shown::Raw {
        return Err(vm.value_error("read of closed file"));
    }
    if s.readable || !s.binary {
        open_stream(vm, this)?;
    }
    let s = stream(vm, this)?;
    if !s.readable {
        let message = match s.shown {
            Shown::Text => "not readable",
            Shown::Raw => "File not open for reading",
            _ => "read",
        };
        return Err(unsupported_operation(vm, message));
    }
    write_pending(vm, this)
}

/// `io.UnsupportedOperation`, which is an OSError and a ValueError.
#[cold]
fn unsupported_operation(vm: &mut Vm, message: &str) -> Raised {
    let made = vm.import_module("io").and_then(|io| {
        let message = vm.heap.str(message);
        vm.call_method(io, "UnsupportedOperation", &[message])
    });
    match made {
        Ok(exception) => vm.raise_given(exception),
        Err(raised) => raised,
    }
}

fn enter(vm: &mut Vm, a: &[Value]) -> PyResult {
    open_stream(vm, a[0])?;
    Ok(a[0])
}

fn exit(vm: &mut Vm, a: &[Value]) -> PyResult {
    close(vm, &a[..1])
}

fn close(vm: &mut Vm, a: &[Value]) -> PyResult {
    if stream(vm, a[0])?.closed {
        return Ok(Value::NONE);
    }
    let result = write_pending(vm, a[0]);
    let s = stream(vm, a[0])?;
    s.closed = true;
    s.pending.clear();
    result?;
    Ok(Value::NONE)
}

fn flush(vm: &mut Vm, a: &[Value]) -> PyResult {
    match open_stream(vm, a[0])?.device {
        Device::Stdout => flush_stdout(vm)?,
        _ => write_pending(vm, a[0])?,
    }
    Ok(Value::NONE)
}

fn write_pending(vm: &mut Vm, this: Value) -> PyResult<()> {
    let s = stream(vm, this)?;
    s.unwritten.set(false);
    let pending = std::mem::take(&mut s.pending);
    if pending.is_empty() {
        return Ok(());
    }
    if let Device::Disk(file) = &mut s.device
        && let Err(error) = file.write_all(&pending)
    {
        return Err(io_error(vm, &error, None));
    }
    Ok(())
}

/// Bytes that go out at once rather than wait for more.
const PENDING_MAX: usize = 1 << 16;

fn write(vm: &mut Vm, a: &[Value]) -> PyResult {
    let s = open_stream(vm, a[0])?;
    let (shown, writable) = (s.shown, s.writable);
    let (data, count) = if shown == Shown::Text {
        if vm.heap.as_str(a[1]).is_none() {
            let message = format!("write() argument must be str, not {}", vm.type_name(a[1]));
            return Err(vm.type_error(message));
        }
        if !writable {
            return Err(unsupported_operation(vm, "not writable"));
        }
        encoded(vm, a[0], a[1])?
    } else {
        if !writable {
            let message = match shown {
                Shown::Raw => "File not open for writing",
                _ => "write",
            };
            return Err(unsupported_operation(vm, message));
        }
        let data = super::bytes::data_of(vm, a[1])?;
        let n = data.len();
        (data, n)
    };
    let result = match &mut stream(vm, a[0])?.device {
        Device::Stdout => vm.host.write_stdout(&data),
        Device::Stderr => vm.host.write_stderr(&data),
        Device::Stdin => Ok(()),
        Device::Disk(_) => {
            // What was read ahead is not where the file stands.
            let back = not_taken(vm, a[0])? as i64;
            let s = stream(vm, a[0])?;
            s.forget_ahead();
            if back > 0
                && let Device::Disk(file) = &mut s.device
                && let Err(error) = file.seek(SeekFrom::Current(-back))
            {
                return Err(io_error(vm, &error, None));
            }
            let s = stream(vm, a[0])?;
            s.pending.extend_from_slice(&data);
            s.unwritten.set(true);
            let full = s.pending.len() >= PENDING_MAX;
            if full || shown == Shown::Raw {
                write_pending(vm, a[0])?;
            }
            Ok(())
        }
    };
    match result {
        Ok(()) => Ok(vm.heap.usize(count)),
        Err(error) => Err(io_error(vm, &error, None)),
    }
}

/// A text as the bytes that the stream writes, and its length.
fn encoded(vm: &mut Vm, this: Value, text: Value) -> PyResult<(Vec<u8>, usize)> {
    let s = stream(vm, this)?;
    let line_end = match s.newline {
        Newline::Cr => Some("\r"),
        Newline::CrLf => Some("\r\n"),
        _ => None,
    };
    let (encoding, errors, fresh) = (s.encoding.clone(), s.errors.clone(), s.fresh);
    s.fresh = false;
    let length = vm.heap.as_str(text).map_or(0, PyStr::len);
    let text = match line_end {
        Some(end) => {
            let (old, new) = (vm.heap.str("\n"), vm.heap.str(end));
            vm.root(new);
            vm.call_method(text, "replace", &[old, new])?
        }
        None => text,
    };
    vm.root(text);
    if is_utf8(&encoding) {
        let mut data = Vec::with_capacity(length);
        let text = vm.heap.as_str(text).cloned().unwrap_or_default();
        encode(vm, &text, &mut data, &errors)?;
        return Ok((data, length));
    }
    // Only the start of a file has a byte order mark.
    let encoding = match encoding.to_ascii_lowercase().replace('_', "-").as_str() {
        "utf-16" | "utf16" if !fresh => String::from("utf-16-le"),
        "utf-32" | "utf32" if !fresh => String::from("utf-32-le"),
        "utf-8-sig" if !fresh => String::from("utf-8"),
        _ => encoding,
    };
    let data = super::codec::encode(vm, text, &encoding, &errors)?;
    Ok((data, length))
}

/// How many bytes of the file were read ahead and not taken.
fn not_taken(vm: &mut Vm, this: Value) -> PyResult<usize> {
    let s = stream(vm, this)?;
    let left = s.ahead.len() - s.taken;
    if s.binary || is_utf8(&s.encoding) || left == 0 {
        return Ok(left);
    }
    let (text, encoding, errors) = (
        s.ahead[s.taken..].to_vec(),
        s.encoding.clone(),
        s.errors.clone(),
    );
    let encoding = match encoding.to_ascii_lowercase().replace('_', "-").as_str() {
        // What is left has no byte order mark, unless nothing was taken.
        "utf-16" | "utf16" if s.taken > 0 => String::from("utf-16-le"),
        "utf-32" | "utf32" if s.taken > 0 => String::from("utf-32-le"),
        "utf-8-sig" if s.taken > 0 => String::from("utf-8"),
        _ => encoding,
    };
    let text = super::codec::decode(vm, &text, "utf-8", "surrogatepass")?;
    let text = vm.heap.str(text);
    vm.root(text);
    Ok(super::codec::encode(vm, text, &encoding, &errors)?.len())
}

fn writelines(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (_, lines) = args::held_items(vm, a[1])?;
    for line in lines {
        write(vm, &[a[0], line])?;
    }
    Ok(Value::NONE)
}

fn seek(vm: &mut Vm, a: &[Value]) -> PyResult {
    open_stream(vm, a[0])?;
    write_pending(vm, a[0])?;
    let offset = vm.to_ssize(a[1])?;
    let whence = args::ssize_or(vm, a[2], 0)?;
    let s = stream(vm, a[0])?;
    let is_text = s.shown == Shown::Text;
    if !matches!(s.device, Device::Disk(_)) {
        let message = "underlying stream is not seekable";
        return Err(unsupported_operation(vm, message));
    }
    let wrong = match whence {
        1 if is_text && offset != 0 => Some("can't do nonzero cur-relative seeks"),
        2 if is_text && offset != 0 => Some("can't do nonzero end-relative seeks"),
        _ => None,
    };
    if let Some(message) = wrong {
        return Err(unsupported_operation(vm, message));
    }
    if !(0..=2).contains(&whence) {
        return Err(vm.value_error(match is_text {
            true => format!("invalid whence ({whence}, should be 0, 1 or 2)"),
            false => format!("whence value {whence} unsupported"),
        }));
    }
    if is_text && offset < 0 {
        return Err(vm.value_error(format!("negative seek position {offset}")));
    }
    if whence == 0 && offset < 0 {
        return Err(io_error(vm, &invalid_argument(), None));
    }
    let back = not_taken(vm, a[0])? as i64;
    let s = stream(vm, a[0])?;
    s.forget_ahead();
    s.iterating = false;
    s.fresh = whence == 0 && offset == 0;
    let Device::Disk(file) = &mut s.device else {
        unreachable!("only files on disk got here");
    };
    let to = match whence {
        0 => SeekFrom::Start(offset as u64),
        1 => SeekFrom::Current(offset.saturating_sub(back)),
        _ => SeekFrom::End(offset),
    };
    match file.seek(to) {
        Ok(at) => Ok(vm.heap.usize(at as usize)),
        Err(error) => Err(io_error(vm, &error, None)),
    }
}

fn tell(vm: &mut Vm, a: &[Value]) -> PyResult {
    open_stream(vm, a[0])?;
    write_pending(vm, a[0])?;
    if stream(vm, a[0])?.iterating {
        return Err(vm.raise(B::OSError, "telling position disabled by next() call"));
    }
    let back = not_taken(vm, a[0])? as u64;
    let s = stream(vm, a[0])?;
    let Device::Disk(file) = &mut s.device else {
        return Err(unsupported_operation(
            vm,
            "underlying stream is not seekable",
        ));
    };
    match file.stream_position() {
        Ok(at) => Ok(vm.heap.usize(at.saturating_sub(back) as usize)),
        Err(error) => Err(io_error(vm, &error, None)),
    }
}

fn truncate(vm: &mut Vm, a: &[Value]) -> PyResult {
    let s = open_stream(vm, a[0])?;
    if !s.writable {
        let message = match s.shown {
            Shown::Raw => "File not open for writing",
            _ => "truncate",
        };
        return Err(unsupported_operation(vm, message));
    }
    let at = match a[1].some() {
        Some(v) => v,
        None => tell(vm, a)?,
    };
    let size = vm.to_ssize(at)?;
    if size < 0 {
        return Err(io_error(vm, &invalid_argument(), None));
    }
    write_pending(vm, a[0])?;
    let s = stream(vm, a[0])?;
    let Device::Disk(file) = &mut s.device else {
        return Err(unsupported_operation(vm, "truncate"));
    };
    match file.set_len(size as u64) {
        Ok(()) => Ok(at),
        Err(error) => Err(io_error(vm, &error, None)),
    }
}

fn invalid_argument() -> std::io::Error {
    std::io::Error::from_raw_os_error(22)
}

fn fileno(vm: &mut Vm, a: &[Value]) -> PyResult {
    if stream(vm, a[0])?.closed {
        // CPython 3.13 fileio.c err_closed, which a stream of text asks too.
        return Err(vm.value_error("I/O operation on closed file"));
    }
    let n = match &open_stream(vm, a[0])?.device {
        Device::Stdin => 0,
        Device::Stdout => 1,
        Device::Stderr => 2,
        Device::Disk(_) => 3,
    };
    Ok(Value::small(n))
}

/// The stream of bytes below a text stream.
fn buffer(vm: &mut Vm, this: Value) -> PyResult {
    let name = match stream(vm, this)?.device {
        Device::Stdin => "<stdin>",
        Device::Stdout => "<stdout>",
        Device::Stderr => "<stderr>",
        Device::Disk(_) => {
            return Err(vm.unsupported("the buffer of a text file: open it in binary mode"));
        }
    };
    Ok(standard_of(vm, name, true))
}

fn repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let s = stream(vm, a[0])?;
    let (name, mode, encoding, shown) = (s.name, s.mode.clone(), s.encoding.clone(), s.shown);
    let name = vm.repr_string(name)?;
    let text = match shown {
        Shown::Text => {
            format!("<_io.TextIOWrapper name={name} mode='{mode}' encoding='{encoding}'>")
        }
        Shown::Reader => format!("<_io.BufferedReader name={name}>"),
        Shown::Writer => format!("<_io.BufferedWriter name={name}>"),
        Shown::Random => format!("<_io.BufferedRandom name={name}>"),
        Shown::Raw => format!("<_io.FileIO name={name} mode='{mode}' closefd=True>"),
    };
    args::str_value(vm, text)
}
