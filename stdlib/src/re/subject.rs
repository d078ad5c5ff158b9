//! The texts that expressions are made of and looked for in: str, and bytes
//! as Latin-1. Gives units and slices of them.

use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::text::pystr::Units;
use lockstep_runtime::{B, PyResult, Value, Vm};

use super::matcher::{Found, Matcher};
use super::program::Program;

/// The code points of an expression or template, and whether it is a str.
///
/// # Errors
/// TypeError.
pub fn source(vm: &mut Vm, v: Value) -> PyResult<(Vec<u32>, bool)> {
    if let Some(text) = vm.heap.as_str(v) {
        return Ok((text.chars().collect(), true));
    }
    if let Some(data) = vm.bytes_like(v)? {
        return Ok((data.into_iter().map(u32::from).collect(), false));
    }
    let found = vm.type_name(v);
    Err(vm.type_error(format!(
        "decoding to str: need a bytes-like object, {found} found"
    )))
}

/// What an expression looks through: `string` as the script gave it, and the
/// str or bytes that is searched. These are two where a bytearray could change.
#[derive(Clone, Copy)]
pub struct Subject {
    pub string: Value,
    pub text: Value,
    pub is_text: bool,
    pub len: usize,
}

impl Subject {
    /// # Errors
    /// TypeError, where the expression is of the other kind.
    pub fn new(vm: &mut Vm, string: Value, wants_text: bool) -> PyResult<Subject> {
        let is_text = vm.heap.as_str(string).is_some();
        let mut text = string;
        if !is_text {
            if !vm.is_bytes_like(string) {
                let found = vm.type_name(string);
                let message = format!("expected string or bytes-like object, got '{found}'");
                return Err(vm.type_error(message));
            }
            if !vm.is_instance_of(string, B::Bytes) {
                let data = crate::builtins::bytes::data_of(vm, string)?;
                text = vm.heap.bytes(data);
                vm.root(text);
            }
        }
        if wants_text && !is_text {
            return Err(vm.type_error("cannot use a string pattern on a bytes-like object"));
        }
        if !wants_text && is_text {
            return Err(vm.type_error("cannot use a bytes pattern on a string-like object"));
        }
        let len = on_text(vm, text, |units| units.len());
        Ok(Subject {
            string,
            text,
            is_text,
            len,
        })
    }
}

/// Runs `body` on the units of a str or bytes.
fn on_text<R>(vm: &Vm, text: Value, body: impl FnOnce(Units<'_>) -> R) -> R {
    match vm.heap.as_str(text) {
        Some(text) => body(text.read().units()),
        None => body(Units::Latin1(
            vm.heap.get::<Bytes>(text).map_or(&[], |b| &b.data),
        )),
    }
}

/// A part of a str or bytes-like object; the object itself if that is all of
/// it. What a bytearray has lost since is left out.
pub fn slice(vm: &mut Vm, string: Value, from: usize, to: usize) -> Value {
    if let Some(text) = vm.heap.as_str(string) {
        if from == 0 && to >= text.len() && vm.heap.is_exact(string, B::Str) {
            return string;
        }
        let part = text.slice(from..to);
        return vm.heap.str(part);
    }
    if vm.heap.is_exact(string, B::Bytes)
        && vm
            .heap
            .get::<Bytes>(string)
            .is_some_and(|bytes| from == 0 && to >= bytes.data.len())
    {
        return string;
    }
    if let Some(bytes) = vm.heap.get::<Bytes>(string) {
        let to = to.min(bytes.data.len());
        let part = bytes.data[from.min(to)..to].to_vec();
        return vm.heap.bytes(part);
    }
    let data = match vm.bytes_or_none(string) {
        Some(data) => {
            let to = to.min(data.len());
            data[from.min(to)..to].to_vec()
        }
        None => Vec::new(),
    };
    vm.heap.bytes(data)
}

/// Runs a matcher that has begun to its end; true if it found something.
/// Ctrl-C is answered on the way. The text must be held by the caller.
///
/// # Errors
/// KeyboardInterrupt, MemoryError.
pub fn look(vm: &mut Vm, program: &Program, matcher: &mut Matcher, text: Value) -> PyResult<bool> {
    loop {
        let found = on_text(vm, text, |units| match units {
            Units::Latin1(units) => matcher.go_on(program, units),
            Units::Ucs2(units) => matcher.go_on(program, units),
            Units::Ucs4(units) => matcher.go_on(program, units),
        });
        match found {
            Found::Match => return Ok(true),
            Found::Nothing => return Ok(false),
            Found::OutOfFuel => {
                vm.check_size(matcher.bytes())?;
                vm.look_up()?;
            }
        }
    }
}
