//! Files and the standard streams: `open` and what it gives. Text is UTF-8.
//!
//! A file open for reading only is read at once; one open for writing keeps a
//! buffer. Both are plain blocking I/O of the host process.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};

use lockstep_runtime::native::{ClassDef, NativeDef, attribute, getter, method};
use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::object::exception::Exception;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::text::pystr::PyStr;
use lockstep_runtime::{B, Kind, Marker, N, PyResult, Raised, Value, Vm};

use super::exception;
use crate::args;

/// Where a stream's bytes come from or go to.
enum Device {
    Stdin,
    Stdout,
    Stderr,
    Disk(File),
}

/// A stream.
struct Stream {
    device: Device,
    binary: bool,
    readable: bool,
    writable: bool,
    /// Line ends are translated.
    universal: bool,
    closed: bool,
    /// Bytes read ahead, and how many of them were taken.
    ahead: Vec<u8>,
    taken: usize,
    /// Bytes still to be written.
    pending: Vec<u8>,
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
    text_class: Option<Value>,
    binary_class: Option<Value>,
    /// `sys.stdout` as it was made.
    stdout: Option<Value>,
    /// The dict of module `sys`, once it was imported.
    pub sys_dict: Option<Value>,
}

impl Native for Streams {
    fn trace(&self, marker: &mut Marker) {
        for v in [
            self.text_class,
            self.binary_class,
            self.stdout,
            self.sys_dict,
        ]
        .into_iter()
        .flatten()
        {
            marker.mark(v);
        }
    }
}

const METHODS: &[NativeDef] = &[
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
        Ok(Value::bool(stream(vm, a[0])?.readable))
    }),
    method("writable(self, /)", |vm, a| {
        Ok(Value::bool(stream(vm, a[0])?.writable))
    }),
    method("seekable(self, /)", |vm, a| {
        Ok(Value::bool(matches!(
            stream(vm, a[0])?.device,
            Device::Disk(_)
        )))
    }),
    method("isatty(self, /)", |_, _| Ok(Value::FALSE)),
    method("fileno(self, /)", fileno),
    method("reconfigure(self, /, **kwargs)", |_, _| Ok(Value::NONE)),
];

static TEXT: ClassDef = ClassDef {
    methods: METHODS,
    attributes: &[
        getter("closed", |vm, this| {
            Ok(Value::bool(stream(vm, this)?.closed))
        }),
        getter("name", |vm, this| Ok(stream(vm, this)?.name)),
        getter("mode", |vm, this| {
            let mode = stream(vm, this)?.mode.clone();
            args::str_value(vm, mode)
        }),
        getter("encoding", |vm, this| {
            let encoding = stream(vm, this)?.encoding.clone();
            args::str_value(vm, encoding)
        }),
        getter("errors", |vm, this| {
            let errors = stream(vm, this)?.errors.clone();
            args::str_value(vm, errors)
        }),
        getter("newlines", |_, _| Ok(Value::NONE)),
        getter("line_buffering", |_, _| Ok(Value::FALSE)),
        attribute("buffer", buffer, |vm, _, _| {
            Err(vm.attribute_error("readonly attribute"))
        }),
    ],
    doc: "Character and line based layer over a BufferedIOBase object, buffer.",
};

static BINARY: ClassDef = ClassDef {
    methods: METHODS,
    attributes: &[
        getter("closed", |vm, this| {
            Ok(Value::bool(stream(vm, this)?.closed))
        }),
        getter("name", |vm, this| Ok(stream(vm, this)?.name)),
        getter("mode", |vm, this| {
            let mode = stream(vm, this)?.mode.clone();
            args::str_value(vm, mode)
        }),
    ],
    doc: "Buffered access to the bytes of a file.",
};

fn class_of(vm: &mut Vm, binary: bool) -> Value {
    let streams = vm.ext::<Streams>();
    let known = if binary {
        streams.binary_class
    } else {
        streams.text_class
    };
    if let Some(class) = known {
        return class;
    }
    let object = vm.class(B::Object);
    let (name, def) = if binary {
        ("BufferedRandom", &BINARY)
    } else {
        ("TextIOWrapper", &TEXT)
    };
    let class = vm.new_native_class("_io", name, object, Kind::Opaque, def);
    let streams = vm.ext::<Streams>();
    if binary {
        streams.binary_class = Some(class);
    } else {
        streams.text_class = Some(class);
    }
    class
}

fn make(vm: &mut Vm, stream: Stream) -> Value {
    let class = class_of(vm, stream.binary);
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
            binary,
            readable,
            writable: !readable,
            universal: true,
            closed: false,
            ahead: Vec::new(),
            taken: 0,
            pending: Vec::new(),
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
    Raised(vm.heap.alloc(class.shape(), e))
}

// ---- opening --------------------------------------------------------------------

/// `open(file, mode, buffering, encoding, errors, newline, closefd, opener)`.
pub fn open(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mode = match a[1].given() {
        Some(mode) => args::text(vm, "open", 2, mode)?.to_lossy(),
        None => String::from("r"),
    };
    let path_value = path_of(vm, a[0])?;
    let path = vm.heap.string(path_value);
    if path.contains('\0') {
        return Err(vm.value_error("embedded null byte"));
    }
    let has = |c: char| mode.contains(c);
    if mode.chars().any(|c| !"rwaxbt+U".contains(c)) {
        return Err(vm.value_error(format!("invalid mode: '{mode}'")));
    }
    if mode.chars().filter(|c| "rwax".contains(*c)).count() != 1 {
        return Err(vm.value_error("must have exactly one of create/read/write/append mode"));
    }
    if has('b') && has('t') {
        return Err(vm.value_error("can't have text and binary mode at once"));
    }
    if has('b') && a[3].some().is_some() {
        return Err(vm.value_error("binary mode doesn't take an encoding argument"));
    }
    let encoding = match a[3].some() {
        Some(encoding) => args::text(vm, "open", 4, encoding)?.to_lossy(),
        None => String::from("UTF-8"),
    };
    let errors = match a[4].some() {
        Some(errors) => args::text(vm, "open", 5, errors)?.to_lossy(),
        None => String::from("strict"),
    };
    let plus = has('+');
    let mut options = OpenOptions::new();
    options
        .read(has('r') || plus)
        .write(!has('r') || plus)
        .append(has('a'));
    options
        .create(has('w') || has('a'))
        .truncate(has('w'))
        .create_new(has('x'));
    let file = match options.open(&path).and_then(|file| {
        if file.metadata()?.is_dir() {
            return Err(std::io::Error::from_raw_os_error(21));
        }
        Ok(file)
    }) {
        Ok(file) => file,
        Err(error) => return Err(io_error(vm, &error, Some(path_value))),
    };
    let universal = a[5].some().is_none();
    Ok(make(
        vm,
        Stream {
            device: Device::Disk(file),
            binary: has('b'),
            readable: has('r') || plus,
            writable: !has('r') || plus,
            universal,
            closed: false,
            ahead: Vec::new(),
            taken: 0,
            pending: Vec::new(),
            name: path_value,
            mode,
            encoding,
            errors,
        },
    ))
}

/// The str of a path argument; asks `__fspath__`.
fn path_of(vm: &mut Vm, v: Value) -> PyResult {
    if vm.heap.as_str(v).is_some() {
        return Ok(v);
    }
    if let Some(bytes) = vm.heap.get::<Bytes>(v) {
        let text = String::from_utf8_lossy(&bytes.data).into_owned();
        return args::str_value(vm, text);
    }
    match vm.call_special(v, N::fspath, &[])? {
        Some(path) if vm.heap.as_str(path).is_some() => Ok(path),
        _ => {
            let message = format!(
                "expected str, bytes or os.PathLike object, not {}",
                vm.type_name(v)
            );
            Err(vm.type_error(message))
        }
    }
}

// ---- methods ----------------------------------------------------------------------

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
    if !open_stream(vm, this)?.readable {
        return Err(unsupported_operation(vm, "not readable"));
    }
    write_pending(vm, this)
}

/// `io.UnsupportedOperation`, which is an OSError and a ValueError.
fn unsupported_operation(vm: &mut Vm, message: &str) -> Raised {
    vm.raise(B::OSError, message)
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
    if !open_stream(vm, a[0])?.writable {
        return Err(unsupported_operation(vm, "not writable"));
    }
    let (binary, errors) = {
        let s = stream(vm, a[0])?;
        (s.binary, s.errors.clone())
    };
    let encoding = stream(vm, a[0])?.encoding.clone();
    let (data, count) = if binary {
        let data = super::bytes::data_of(vm, a[1])?;
        let n = data.len();
        (data, n)
    } else {
        let Some(text) = vm.heap.as_str(a[1]).cloned() else {
            let message = format!("write() argument must be str, not {}", vm.type_name(a[1]));
            return Err(vm.type_error(message));
        };
        let mut data = Vec::with_capacity(text.len());
        if encoding.eq_ignore_ascii_case("utf-8") {
            encode(vm, &text, &mut data, &errors)?;
        } else {
            data = super::codec::encode(vm, a[1], &encoding, &errors)?;
        }
        (data, text.len())
    };
    let result = match &mut stream(vm, a[0])?.device {
        Device::Stdout => vm.host.write_stdout(&data),
        Device::Stderr => vm.host.write_stderr(&data),
        Device::Stdin => Ok(()),
        Device::Disk(_) => {
            // What was read ahead is not where the file stands.
            let s = stream(vm, a[0])?;
            let back = (s.ahead.len() - s.taken) as i64;
            s.ahead.clear();
            s.taken = 0;
            if back > 0
                && let Device::Disk(file) = &mut s.device
                && let Err(error) = file.seek(SeekFrom::Current(-back))
            {
                return Err(io_error(vm, &error, None));
            }
            let s = stream(vm, a[0])?;
            s.pending.extend_from_slice(&data);
            let full = s.pending.len() >= PENDING_MAX;
            if full {
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

fn writelines(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (_, lines) = args::held_items(vm, a[1])?;
    for line in lines {
        write(vm, &[a[0], line])?;
    }
    Ok(Value::NONE)
}

/// Reads everything that is left into the read-ahead buffer.
fn fill(vm: &mut Vm, this: Value) -> PyResult<()> {
    let s = stream(vm, this)?;
    match &mut s.device {
        Device::Disk(file) => {
            if let Err(error) = file.read_to_end(&mut s.ahead) {
                return Err(io_error(vm, &error, None));
            }
        }
        Device::Stdin => while fill_line(vm, this)? {},
        Device::Stdout | Device::Stderr => {}
    }
    Ok(())
}

/// Reads one more line of standard input ahead; false at its end.
fn fill_line(vm: &mut Vm, this: Value) -> PyResult<bool> {
    match vm.host.read_line() {
        Ok(line) => {
            stream(vm, this)?.ahead.extend_from_slice(line.as_bytes());
            Ok(!line.is_empty())
        }
        Err(error) => Err(io_error(vm, &error, None)),
    }
}

/// Bytes as what the stream gives: bytes, or text.
fn give(vm: &mut Vm, this: Value, data: Vec<u8>) -> PyResult {
    let s = stream(vm, this)?;
    if s.binary {
        return Ok(vm.heap.bytes(data));
    }
    let (encoding, errors, universal) = (s.encoding.clone(), s.errors.clone(), s.universal);
    let data = if universal && data.contains(&b'\r') {
        translate(&data)
    } else {
        data
    };
    let text = super::codec::decode(vm, &data, &encoding, &errors)?;
    Ok(vm.heap.str(text))
}

/// Line ends `\r\n` and `\r` become `\n`.
fn translate(data: &[u8]) -> Vec<u8> {
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

fn read(vm: &mut Vm, a: &[Value]) -> PyResult {
    readable_stream(vm, a[0])?;
    let size = match a[1].some() {
        Some(v) => vm.to_ssize(v)?,
        None => -1,
    };
    fill(vm, a[0])?;
    let s = stream(vm, a[0])?;
    let left = &s.ahead[s.taken..];
    let n = prefix(left, s.binary, usize::try_from(size).ok());
    let data = left[..n].to_vec();
    s.taken += n;
    compact(s);
    give(vm, a[0], data)
}

/// How many bytes so many of what the stream counts are: bytes, or characters of text.
fn prefix(left: &[u8], binary: bool, limit: Option<usize>) -> usize {
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
fn compact(s: &mut Stream) {
    if s.taken == s.ahead.len() {
        s.ahead.clear();
        s.taken = 0;
    }
}

/// A line; of a longer one so many bytes, or characters of text.
fn take_line(vm: &mut Vm, this: Value, limit: Option<usize>) -> PyResult<Vec<u8>> {
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
    let universal = s.universal && !s.binary;
    let end = left
        .iter()
        .position(|&b| b == b'\n' || (universal && b == b'\r'));
    let n = match end {
        None => left.len(),
        Some(at) if left[at] == b'\r' && left.get(at + 1) == Some(&b'\n') => at + 2,
        Some(at) => at + 1,
    };
    let n = prefix(&left[..n], s.binary, limit);
    let data = left[..n].to_vec();
    s.taken += n;
    compact(s);
    Ok(data)
}

fn readline(vm: &mut Vm, a: &[Value]) -> PyResult {
    readable_stream(vm, a[0])?;
    let size = match a[1].some() {
        Some(v) => vm.to_ssize(v)?,
        None => -1,
    };
    let data = take_line(vm, a[0], usize::try_from(size).ok())?;
    give(vm, a[0], data)
}

fn next(vm: &mut Vm, a: &[Value]) -> PyResult {
    readable_stream(vm, a[0])?;
    let data = take_line(vm, a[0], None)?;
    if data.is_empty() {
        return Err(vm.stop_iteration(Value::NONE));
    }
    give(vm, a[0], data)
}

fn readlines(vm: &mut Vm, a: &[Value]) -> PyResult {
    readable_stream(vm, a[0])?;
    let list = vm.heap.list(Vec::new());
    vm.root(list);
    loop {
        let data = take_line(vm, a[0], None)?;
        if data.is_empty() {
            return Ok(list);
        }
        let line = give(vm, a[0], data)?;
        vm.heap.list_push(list, line);
    }
}

fn seek(vm: &mut Vm, a: &[Value]) -> PyResult {
    open_stream(vm, a[0])?;
    write_pending(vm, a[0])?;
    let offset = vm.to_ssize(a[1])?;
    let whence = args::ssize_or(vm, a[2], 0)?;
    let s = stream(vm, a[0])?;
    let back = (s.ahead.len() - s.taken) as i64;
    s.ahead.clear();
    s.taken = 0;
    let Device::Disk(file) = &mut s.device else {
        return Err(unsupported_operation(
            vm,
            "underlying stream is not seekable",
        ));
    };
    let to = match whence {
        0 if offset < 0 => {
            return Err(vm.value_error(format!("negative seek position {offset}")));
        }
        0 => SeekFrom::Start(offset as u64),
        1 => SeekFrom::Current(offset - back),
        2 => SeekFrom::End(offset),
        _ => {
            return Err(vm.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)")));
        }
    };
    match file.seek(to) {
        Ok(at) => Ok(vm.heap.usize(at as usize)),
        Err(error) => Err(io_error(vm, &error, None)),
    }
}

fn tell(vm: &mut Vm, a: &[Value]) -> PyResult {
    open_stream(vm, a[0])?;
    write_pending(vm, a[0])?;
    let s = stream(vm, a[0])?;
    let back = (s.ahead.len() - s.taken) as u64;
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
    let at = match a[1].some() {
        Some(v) => v,
        None => tell(vm, a)?,
    };
    let size = vm.to_ssize(at)?;
    write_pending(vm, a[0])?;
    let s = stream(vm, a[0])?;
    let Device::Disk(file) = &mut s.device else {
        return Err(unsupported_operation(vm, "truncate"));
    };
    match file.set_len(size.max(0) as u64) {
        Ok(()) => Ok(at),
        Err(error) => Err(io_error(vm, &error, None)),
    }
}

fn fileno(vm: &mut Vm, a: &[Value]) -> PyResult {
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
    let (name, mode, encoding, binary) = (s.name, s.mode.clone(), s.encoding.clone(), s.binary);
    let name = vm.repr_string(name)?;
    let text = if binary {
        format!("<_io.BufferedReader name={name}>")
    } else {
        format!("<_io.TextIOWrapper name={name} mode='{mode}' encoding='{encoding}'>")
    };
    args::str_value(vm, text)
}
