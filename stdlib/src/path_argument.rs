//! Paths that scripts give to natives: a str, bytes, or what has `__fspath__`, to the path that the
//! system is asked with. Raises what CPython 3.13's two converters raise: posixmodule.c
//! path_converter, which names function and argument, and PyUnicode_FSConverter, which `open` and
//! the environment take.

use std::ffi::OsString;
use std::path::PathBuf;

use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::text::os_text;
use lockstep_runtime::{B, N, PyResult, Value, Vm};

use crate::builtins::codec;
use crate::folder;

/// A path that a script gave.
pub struct GivenPath {
    /// The str or the bytes that errors show. Held until the native returns.
    pub value: Value,
    /// As it was given, relative to the script's folder.
    pub text: OsString,
}

impl GivenPath {
    /// The path as the process sees it.
    pub fn resolved(&self, vm: &mut Vm) -> PathBuf {
        folder::resolve(vm, &self.text)
    }
}

/// What may stand for the path in a function of `os`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Path,
    /// An int too, which is refused: it would be a file descriptor.
    PathOrNumber,
    /// The same and None, of which the module has made a path before.
    PathNumberOrNone,
}

impl Taken {
    fn shown(self) -> &'static str {
        match self {
            Taken::Path => "string, bytes or os.PathLike",
            Taken::PathOrNumber => "string, bytes, os.PathLike or integer",
            Taken::PathNumberOrNone => "string, bytes, os.PathLike, integer or None",
        }
    }
}

/// The path that `os.FUNCTION` is given as its `argument`.
///
/// # Errors
/// TypeError; ValueError for a null character; UnicodeEncodeError; what `__fspath__` raises.
pub fn of_function(
    vm: &mut Vm,
    v: Value,
    (function, argument): (&str, &str),
    taken: Taken,
) -> PyResult<GivenPath> {
    let value = text_of_function(vm, v, (function, argument), taken)?;
    let null = format!("{function}: embedded null character in {argument}");
    encoded(vm, value, &null)
}

/// As `of_function`, for what only looks at the text, which may be any.
///
/// # Errors
/// TypeError; what `__fspath__` raises.
pub fn text_of_function(
    vm: &mut Vm,
    v: Value,
    (function, argument): (&str, &str),
    taken: Taken,
) -> PyResult {
    if taken != Taken::Path && vm.has_index(v) {
        return Err(vm.unsupported(format!(
            "os.{function} of a file descriptor is not supported: give a path"
        )));
    }
    match text_or_bytes(vm, v)? {
        Some(value) => Ok(value),
        None => {
            let message = format!(
                "{function}: {argument} should be {}, not {}",
                taken.shown(),
                vm.type_name(v)
            );
            Err(vm.type_error(message))
        }
    }
}

/// The path that `open` is given, or a text of the environment.
///
/// # Errors
/// As `of_function`, in other words.
pub fn plain(vm: &mut Vm, v: Value) -> PyResult<GivenPath> {
    let value = fspath(vm, v)?;
    encoded(vm, value, "embedded null byte")
}

/// `os.fspath`: a str or bytes, held until the native returns.
///
/// # Errors
/// TypeError; what `__fspath__` raises.
pub fn fspath(vm: &mut Vm, v: Value) -> PyResult {
    match text_or_bytes(vm, v)? {
        Some(value) => Ok(value),
        None => {
            let message = format!(
                "expected str, bytes or os.PathLike object, not {}",
                vm.type_name(v)
            );
            Err(vm.type_error(message))
        }
    }
}

/// What a value is as a path, rooted; None for what is none.
fn text_or_bytes(vm: &mut Vm, v: Value) -> PyResult<Option<Value>> {
    if is_text_or_bytes(vm, v) {
        return Ok(Some(vm.root(v)));
    }
    if vm.special(v, N::fspath).is_none_or(Value::is_none) {
        return Ok(None);
    }
    let Some(found) = vm.call_special(v, N::fspath, &[])? else {
        return Ok(None);
    };
    if is_text_or_bytes(vm, found) {
        return Ok(Some(vm.root(found)));
    }
    let message = format!(
        "expected {}.__fspath__() to return str or bytes, not {}",
        vm.type_name(v),
        vm.type_name(found)
    );
    Err(vm.type_error(message))
}

fn is_text_or_bytes(vm: &Vm, v: Value) -> bool {
    vm.heap.as_str(v).is_some() || vm.is_instance_of(v, B::Bytes)
}

fn encoded(vm: &mut Vm, value: Value, null: &str) -> PyResult<GivenPath> {
    let text = match vm.heap.as_str(value).map(os_text::to_os) {
        Some(Ok(text)) => text,
        // It has the surrogates that make it fail.
        Some(Err(_)) => os_text::from_bytes(&codec::encode(vm, value, "utf-8", "surrogateescape")?),
        None => match vm.heap.get::<Bytes>(value) {
            Some(bytes) => os_text::from_bytes(&bytes.data),
            None => OsString::new(),
        },
    };
    if os_text::bytes(&text).contains(&0) {
        return Err(vm.value_error(null));
    }
    Ok(GivenPath { value, text })
}
