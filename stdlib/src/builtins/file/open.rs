//! `open`: takes its arguments, checks them in CPython's order, gives a stream.

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use lockstep_runtime::{PyResult, Value, Vm};

use super::{Device, Newline, Shown, Stream, Streams, io_error, is_utf8, make};
use crate::builtins::codec;
use crate::path_argument;

/// `open(file, mode, buffering, encoding, errors, newline, closefd, opener)`.
pub fn open(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mode = match a[1].given() {
        Some(mode) => codec::c_text(vm, mode, ("open", "mode"), "str")?,
        None => String::from("r"),
    };
    for (v, name) in [(a[3], "encoding"), (a[4], "errors"), (a[5], "newline")] {
        if let Some(v) = v.some() {
            codec::c_text(vm, v, ("open", name), "str or None")?;
        }
    }
    if vm.has_index(a[0]) {
        return Err(vm.unsupported("open() of a file descriptor is not supported: give a path"));
    }
    let path_value = path_argument::fspath(vm, a[0])?;
    let has = |c: char| mode.contains(c);
    let count = |of: &str| mode.chars().filter(|c| of.contains(*c)).count();
    if mode
        .chars()
        .any(|c| !"rwaxbt+".contains(c) || count(c.encode_utf8(&mut [0; 4])) > 1)
    {
        return Err(vm.value_error(format!("invalid mode: '{mode}'")));
    }
    if has('b') && has('t') {
        return Err(vm.value_error("can't have text and binary mode at once"));
    }
    match count("rwax") {
        1 => {}
        0 => {
            return Err(vm.value_error(
                "Must have exactly one of create/read/write/append mode and at most one plus",
            ));
        }
        _ => {
            return Err(vm.value_error("must have exactly one of create/read/write/append mode"));
        }
    }
    if has('b') && a[3].some().is_some() {
        return Err(vm.value_error("binary mode doesn't take an encoding argument"));
    }
    if has('b') && a[4].some().is_some() {
        return Err(vm.value_error("binary mode doesn't take an errors argument"));
    }
    if has('b') && a[5].some().is_some() {
        return Err(vm.value_error("binary mode doesn't take a newline argument"));
    }
    // CPython 3.13 fileio.c _io_FileIO___init___impl: the mode is looked at before the path.
    let path = path_argument::plain(vm, path_value)?.resolved(vm);
    if !vm.truth(a[6])? {
        return Err(vm.value_error("Cannot use closefd=False with file name"));
    }
    let raw = a[2]
        .given()
        .is_some_and(|size| vm.heap.as_i64(size) == Some(0));
    if raw && !has('b') {
        return Err(vm.value_error("can't have unbuffered text I/O"));
    }
    let newline = newline_of(vm, a[5])?;
    let encoding = match a[3].some() {
        Some(encoding) => vm.heap.string(encoding),
        None => String::from("UTF-8"),
    };
    if !is_utf8(&encoding) {
        // An encoding that isn't there is an error now, not at the first read.
        codec::decode(vm, &[], &encoding, "strict")?;
    }
    let errors = match a[4].some() {
        Some(errors) => vm.heap.string(errors),
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
    write_what_is_forgotten(vm, &path);
    let file = match options.open(&path).and_then(|file| {
        if file.metadata()?.is_dir() {
            return Err(std::io::Error::from_raw_os_error(21));
        }
        Ok(file)
    }) {
        Ok(file) => file,
        Err(error) => return Err(io_error(vm, &error, Some(path_value))),
    };
    let kind = match (has('b'), raw) {
        (false, _) => Shown::Text,
        (true, true) => Shown::Raw,
        (true, false) if plus => Shown::Random,
        (true, false) if has('r') => Shown::Reader,
        (true, false) => Shown::Writer,
    };
    // CPython 3.13 fileio.c _io_FileIO___init__: what appends stands at the end at once, if it can.
    if has('a') {
        let _ = (&file).seek(SeekFrom::End(0));
    }
    let fresh = !has('a') || file.metadata().is_ok_and(|data| data.len() == 0);
    let mode = if has('b') {
        raw_mode(&mode)
    } else {
        mode.clone()
    };
    let unwritten = Rc::default();
    if let (true, Ok(path)) = (!has('r') || plus, std::fs::canonicalize(&path)) {
        let written = &mut vm.ext::<Streams>().written;
        written.retain(|(_, stream)| stream.strong_count() > 0);
        written.push((path, Rc::downgrade(&unwritten)));
    }
    Ok(make(
        vm,
        Stream {
            device: Device::Disk(file),
            shown: kind,
            binary: kind != Shown::Text,
            readable: has('r') || plus,
            writable: !has('r') || plus,
            newline,
            fresh,
            closed: false,
            ahead: Vec::new(),
            taken: 0,
            looked_at: 0,
            line_ends: 0,
            iterating: false,
            pending: Vec::new(),
            unwritten,
            name: path_value,
            mode,
            encoding,
            errors,
        },
    ))
}

/// Collects if this file may have a writer that nothing refers to any more, so that what it
/// still holds is written: CPython closes such a file at once.
pub fn write_what_is_forgotten(vm: &mut Vm, path: &Path) {
    if vm.ext::<Streams>().written.is_empty() {
        return;
    }
    let Ok(path) = std::fs::canonicalize(path) else {
        return;
    };
    let waits = |(other, stream): &(PathBuf, Weak<Cell<bool>>)| {
        *other == path && stream.upgrade().is_some_and(|unwritten| unwritten.get())
    };
    if vm.ext::<Streams>().written.iter().any(waits) {
        vm.collect();
        // A file is closed when its cell is swept.
        vm.heap.sweep_all();
    }
}

/// The mode of a file of bytes, as CPython's FileIO tells it.
fn raw_mode(mode: &str) -> String {
    let has = |c: char| mode.contains(c);
    let base = match () {
        () if has('x') => "xb",
        () if has('a') => "ab",
        () if has('r') || has('+') => "rb",
        () => "wb",
    };
    String::from(base) + if has('+') { "+" } else { "" }
}

fn newline_of(vm: &mut Vm, v: Value) -> PyResult<Newline> {
    let Some(v) = v.some() else {
        return Ok(Newline::Universal);
    };
    match vm.heap.string(v).as_str() {
        "" => Ok(Newline::Kept),
        "\n" => Ok(Newline::Lf),
        "\r" => Ok(Newline::Cr),
        "\r\n" => Ok(Newline::CrLf),
        other => Err(vm.value_error(format!("illegal newline value: {other}"))),
    }
}
