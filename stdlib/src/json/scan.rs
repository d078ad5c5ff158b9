//! The scanner: JSON text to values. Follows CPython 3.13 _json.c in what it accepts, in its
//! messages and in the positions that they name.

use std::collections::HashMap;

use lockstep_runtime::object::dict::Dict;
use lockstep_runtime::object::list::List;
use lockstep_runtime::text::float;
use lockstep_runtime::text::pystr::{PyStr, StrBuilder, Units};
use lockstep_runtime::{B, PyResult, Raised, Value, Vm};

use super::{DEPTH_MAX, Scanner, scanner};

/// Why a text is no JSON.
enum Fault {
    /// A message and the index it is about.
    Error(&'static str, usize),
    /// No value begins here.
    NoValue(usize),
    Raised(Raised),
}

impl From<Raised> for Fault {
    fn from(raised: Raised) -> Self {
        Fault::Raised(raised)
    }
}

type Scanned<T = Value> = Result<T, Fault>;

/// What the scanner stands in.
enum Open {
    Array,
    /// An object and the key whose value comes.
    Object {
        key: Value,
    },
}

/// One run over a text.
struct Scan {
    text: Value,
    at: usize,
    /// The keys that have come: equal ones are one str.
    keys: HashMap<PyStr, Value>,
    /// A list that keeps alive the open containers, in their order.
    held: Value,
    open: Vec<Open>,
}

/// `Scanner.__call__(string, idx)`
pub fn call(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.as_str(a[1]).is_none() {
        return Err(super::first_not_str(vm, a[1]));
    }
    let at = vm.to_ssize(a[2])?;
    let Ok(at) = usize::try_from(at) else {
        return Err(vm.value_error("idx cannot be negative"));
    };
    let held = vm.heap.list(Vec::new());
    vm.root(held);
    let mut scan = Scan {
        text: a[1],
        at,
        keys: HashMap::new(),
        held,
        open: Vec::new(),
    };
    let context = scanner(vm, a[0])?;
    match scan.value(vm, &context) {
        Ok(value) => {
            vm.root(value);
            let end = vm.heap.usize(scan.at);
            Ok(vm.heap.tuple(&[value, end]))
        }
        Err(fault) => Err(raise(vm, a[1], fault)),
    }
}

/// `scanstring(string, end, strict=True)`
pub fn scanstring(vm: &mut Vm, a: &[Value]) -> PyResult {
    let end = vm.to_ssize(a[1])?;
    if vm.heap.as_str(a[0]).is_none() {
        return Err(super::first_not_str(vm, a[0]));
    }
    let strict = crate::args::flag_or(vm, a[2], true)?;
    let len = vm.heap.text(a[0]).len();
    let Some(begin) = usize::try_from(end).ok().filter(|&end| end <= len) else {
        return Err(vm.value_error("end is out of bounds"));
    };
    match string_at(vm.heap.text(a[0]), begin, strict) {
        Ok((text, end)) => {
            let text = vm.heap.str(text);
            let end = vm.heap.usize(end);
            Ok(vm.heap.tuple(&[text, end]))
        }
        Err(fault) => Err(raise(vm, a[0], fault)),
    }
}

fn raise(vm: &mut Vm, text: Value, fault: Fault) -> Raised {
    match fault {
        Fault::Raised(raised) => raised,
        Fault::NoValue(at) => {
            let at = vm.heap.usize(at);
            vm.stop_iteration(at)
        }
        Fault::Error(message, at) => decode_error(vm, text, message, at).unwrap_or_else(|e| e),
    }
}

/// A JSONDecodeError, whose class is written in the language.
fn decode_error(vm: &mut Vm, text: Value, message: &str, at: usize) -> PyResult<Raised> {
    let module = vm.import_module("json.decoder")?;
    vm.root(module);
    let name = vm.heap.intern("JSONDecodeError");
    let class = vm.get_attr(module, name)?;
    vm.root(class);
    let message = vm.heap.str(message);
    let at = vm.heap.usize(at);
    Ok(Raised(vm.call(class, &[message, text, at])?))
}

fn is_space(cp: u32) -> bool {
    matches!(cp, 0x20 | 0x09 | 0x0a | 0x0d)
}

impl Scan {
    /// The code point at an index.
    #[inline]
    fn cp(&self, vm: &Vm, at: usize) -> Option<u32> {
        let read = vm.heap.text(self.text).read();
        let units = read.units();
        (at < units.len()).then(|| units.at(at))
    }

    /// The code point that comes after white space, which is skipped.
    #[inline]
    fn after_space(&mut self, vm: &Vm) -> Option<u32> {
        let read = vm.heap.text(self.text).read();
        let units = read.units();
        while self.at < units.len() {
            let cp = units.at(self.at);
            if !is_space(cp) {
                return Some(cp);
            }
            self.at += 1;
        }
        None
    }

    /// Whether `word` comes; it is passed then.
    fn word(&mut self, vm: &Vm, word: &str) -> bool {
        let read = vm.heap.text(self.text).read();
        let units = read.units();
        let end = self.at + word.len();
        let comes = end <= units.len()
            && (self.at..end)
                .zip(word.bytes())
                .all(|(at, byte)| units.at(at) == byte as u32);
        if comes {
            self.at = end;
        }
        comes
    }

    /// The value at `at`, with all that it contains.
    fn value(&mut self, vm: &mut Vm, context: &Scanner) -> Scanned {
        loop {
            // One value begins; an open container goes on with it when it is complete.
            let mut value = match self.begin(vm, context)? {
                Some(value) => value,
                None => continue,
            };
            loop {
                match self.open.last() {
                    None => return Ok(value),
                    Some(_) => match self.put(vm, context, value)? {
                        // The container is closed: it is the value now.
                        Some(closed) => value = closed,
                        None => break,
                    },
                }
            }
            vm.tick()?;
        }
    }

    /// Begins a value; None when that opened a container that is not empty.
    fn begin(&mut self, vm: &mut Vm, context: &Scanner) -> Scanned<Option<Value>> {
        let start = self.at;
        let Some(cp) = self.cp(vm, start) else {
            return Err(Fault::NoValue(start));
        };
        let value = match char::from_u32(cp).unwrap_or(' ') {
            '"' => {
                let found = string_at(vm.heap.text(self.text), start + 1, context.strict);
                let (text, end) = found?;
                self.at = end;
                vm.heap.str(text)
            }
            '{' => return self.begin_object(vm, context),
            '[' => return self.begin_array(vm),
            'n' if self.word(vm, "null") => Value::NONE,
            't' if self.word(vm, "true") => Value::TRUE,
            'f' if self.word(vm, "false") => Value::FALSE,
            'N' if self.word(vm, "NaN") => constant(vm, context, "NaN")?,
            'I' if self.word(vm, "Infinity") => constant(vm, context, "Infinity")?,
            '-' if self.word(vm, "-Infinity") => constant(vm, context, "-Infinity")?,
            '-' | '0'..='9' => self.number(vm, context)?,
            _ => return Err(Fault::NoValue(start)),
        };
        Ok(Some(value))
    }

    fn enter(&mut self, vm: &mut Vm, what: &str, container: Value, open: Open) -> Scanned<()> {
        if self.open.len() >= DEPTH_MAX {
            let message = format!(
                "maximum recursion depth exceeded while decoding a JSON {what} from a unicode string"
            );
            return Err(vm.raise(B::RecursionError, message).into());
        }
        vm.heap.list_push(self.held, container);
        self.open.push(open);
        Ok(())
    }

    fn begin_array(&mut self, vm: &mut Vm) -> Scanned<Option<Value>> {
        let array = vm.heap.list(Vec::new());
        self.at += 1;
        if self.after_space(vm) == Some(']' as u32) {
            self.at += 1;
            return Ok(Some(array));
        }
        self.enter(vm, "array", array, Open::Array)?;
        Ok(None)
    }

    fn begin_object(&mut self, vm: &mut Vm, context: &Scanner) -> Scanned<Option<Value>> {
        self.at += 1;
        // With a hook for the pairs, they are all that is kept.
        let object = if context.pairs_hook.is_none() {
            vm.heap.dict()
        } else {
            vm.heap.list(Vec::new())
        };
        let key = Value::EMPTY;
        self.enter(vm, "object", object, Open::Object { key })?;
        if self.after_space(vm) == Some('}' as u32) {
            self.at += 1;
            return self.close(vm, context).map(Some);
        }
        self.key(vm, context)?;
        Ok(None)
    }

    /// Reads a key and the colon after it, to where its value begins.
    fn key(&mut self, vm: &mut Vm, context: &Scanner) -> Scanned<()> {
        if self.cp(vm, self.at) != Some('"' as u32) {
            return Err(Fault::Error(
                "Expecting property name enclosed in double quotes",
                self.at,
            ));
        }
        let (text, end) = string_at(vm.heap.text(self.text), self.at + 1, context.strict)?;
        self.at = end;
        let known = match self.keys.get(&text) {
            Some(&known) => known,
            None => {
                let made = vm.heap.str(text.clone());
                // Hooks may throw the objects away, so the keys are held on their own.
                vm.root(made);
                self.keys.insert(text, made);
                made
            }
        };
        if let Some(Open::Object { key }) = self.open.last_mut() {
            *key = known;
        }
        if self.after_space(vm) != Some(':' as u32) {
            return Err(Fault::Error("Expecting ':' delimiter", self.at));
        }
        self.at += 1;
        self.after_space(vm);
        Ok(())
    }

    /// Puts a value into the innermost container and goes on to where the next begins; gives
    /// the container when it ends there.
    fn put(&mut self, vm: &mut Vm, context: &Scanner, value: Value) -> Scanned<Option<Value>> {
        let Some(&container) = vm.heap.cell::<List>(self.held).items.last() else {
            return Ok(Some(value));
        };
        let (close, trailing) = match self.open.last() {
            Some(&Open::Object { key }) => {
                if vm.heap.get::<Dict>(container).is_some() {
                    vm.dict_set(container, key, value)?;
                } else {
                    let pair = vm.heap.tuple(&[key, value]);
                    vm.heap.list_push(container, pair);
                }
                ('}', "Illegal trailing comma before end of object")
            }
            _ => {
                vm.heap.list_push(container, value);
                (']', "Illegal trailing comma before end of array")
            }
        };
        let next = self.after_space(vm);
        if next == Some(close as u32) {
            self.at += 1;
            return self.close(vm, context).map(Some);
        }
        let comma = self.at;
        if next != Some(',' as u32) {
            return Err(Fault::Error("Expecting ',' delimiter", comma));
        }
        self.at += 1;
        if self.after_space(vm) == Some(close as u32) {
            return Err(Fault::Error(trailing, comma));
        }
        if let Some(Open::Object { .. }) = self.open.last() {
            self.key(vm, context)?;
        }
        Ok(None)
    }

    /// Closes the innermost container: what stands for it.
    fn close(&mut self, vm: &mut Vm, context: &Scanner) -> Scanned {
        let container = vm.heap.cell_mut::<List>(self.held).items.pop();
        let container = container.unwrap_or(Value::NONE);
        if let Some(Open::Array) | None = self.open.pop() {
            return Ok(container);
        }
        let hook = if context.pairs_hook.is_none() {
            context.object_hook
        } else {
            context.pairs_hook
        };
        if hook.is_none() {
            return Ok(container);
        }
        Ok(vm.call(hook, &[container])?)
    }

    fn number(&mut self, vm: &mut Vm, context: &Scanner) -> Scanned {
        let start = self.at;
        let (end, is_float) = {
            let read = vm.heap.text(self.text).read();
            number_end(read.units(), start).ok_or(Fault::NoValue(start))?
        };
        self.at = end;
        let parse = if is_float {
            context.parse_float
        } else {
            context.parse_int
        };
        if parse != vm.class(if is_float { B::Float } else { B::Int }) {
            let text = vm.heap.text(self.text).slice(start..end);
            let text = vm.heap.str(text);
            return Ok(vm.call(parse, &[text])?);
        }
        let digits: smallvec::SmallVec<[u8; 24]> = {
            let read = vm.heap.text(self.text).read();
            let units = read.units();
            // A number is ASCII.
            (start..end).map(|at| units.at(at) as u8).collect()
        };
        let text = std::str::from_utf8(&digits).unwrap_or_default();
        if is_float {
            let value = float::parse_ascii(text).unwrap_or(f64::NAN);
            return Ok(vm.heap.float(value));
        }
        match text.parse::<i64>() {
            Ok(n) => Ok(vm.heap.int(n)),
            Err(_) => Ok(vm.int_from_str(&PyStr::from(text), 10)?),
        }
    }
}

fn constant(vm: &mut Vm, context: &Scanner, name: &str) -> PyResult {
    let name = vm.heap.str(name);
    vm.call(context.parse_constant, &[name])
}

/// Where the number that begins at `start` ends, and whether it is a float.
fn number_end(units: Units<'_>, start: usize) -> Option<(usize, bool)> {
    let cp = |at: usize| if at < units.len() { units.at(at) } else { 0 };
    let is_digit = |at: usize| (0x30..=0x39).contains(&cp(at));
    let mut at = start;
    if cp(at) == '-' as u32 {
        at += 1;
    }
    if !is_digit(at) {
        return None;
    }
    if cp(at) == '0' as u32 {
        at += 1;
    } else {
        while is_digit(at) {
            at += 1;
        }
    }
    let mut is_float = false;
    if cp(at) == '.' as u32 && is_digit(at + 1) {
        is_float = true;
        at += 2;
        while is_digit(at) {
            at += 1;
        }
    }
    if matches!(cp(at), 0x65 | 0x45) {
        let mut end = at + 1;
        if matches!(cp(end), 0x2b | 0x2d) {
            end += 1;
        }
        if is_digit(end) {
            is_float = true;
            while is_digit(end) {
                end += 1;
            }
            at = end;
        }
    }
    Some((at, is_float))
}

/// The str whose first character stands at `begin`, after the quote, and where it ends.
fn string_at(text: &PyStr, begin: usize, strict: bool) -> Scanned<(PyStr, usize)> {
    let read = text.read();
    let units = read.units();
    let mut at = begin;
    // Most strs have no escape: they are a part of the text.
    let mut out: Option<StrBuilder> = None;
    let unterminated = || Fault::Error("Unterminated string starting at", begin.wrapping_sub(1));
    loop {
        let stop = next_special(units, at, strict);
        let Some(stop) = stop else {
            return Err(unterminated());
        };
        let part = units.part(at..stop);
        let cp = units.at(stop);
        if cp == '"' as u32 {
            let text = match out {
                None => PyStr::from_units(part),
                Some(mut out) => {
                    out.push_units(part);
                    out.finish()
                }
            };
            return Ok((text, stop + 1));
        }
        if cp != '\\' as u32 {
            return Err(Fault::Error("Invalid control character at", stop));
        }
        let out = out.get_or_insert_default();
        out.push_units(part);
        if stop + 1 >= units.len() {
            return Err(unterminated());
        }
        let plain = match char::from_u32(units.at(stop + 1)).unwrap_or(' ') {
            '"' => 0x22,
            '\\' => 0x5c,
            '/' => 0x2f,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => 0x0a,
            'r' => 0x0d,
            't' => 0x09,
            'u' => {
                at = push_unicode(out, units, stop + 1)?;
                continue;
            }
            _ => return Err(Fault::Error("Invalid \\escape", stop)),
        };
        out.push_cp(plain);
        at = stop + 2;
    }
}

/// The index of the next quote, backslash or, if `strict`, control character.
fn next_special(units: Units<'_>, at: usize, strict: bool) -> Option<usize> {
    fn find<U: Copy>(units: &[U], strict: bool, cp_of: fn(U) -> u32) -> Option<usize> {
        units.iter().position(|&u| {
            let cp = cp_of(u);
            cp == 0x22 || cp == 0x5c || (strict && cp < 0x20)
        })
    }
    let found = match units {
        Units::Latin1(units) => find(units.get(at..)?, strict, u32::from),
        Units::Ucs2(units) => find(units.get(at..)?, strict, u32::from),
        Units::Ucs4(units) => find(units.get(at..)?, strict, |u| u),
    };
    found.map(|offset| at + offset)
}

/// Four hex digits from `at` on; `u` is where the error is told to be.
fn hex4(units: Units<'_>, at: usize, u: usize) -> Scanned<u32> {
    let mut code = 0;
    for place in at..at + 4 {
        let digit = (place < units.len())
            .then(|| char::from_u32(units.at(place)))
            .flatten()
            .and_then(|c| c.to_digit(16));
        let Some(digit) = digit else {
            return Err(Fault::Error("Invalid \\uXXXX escape", u));
        };
        code = code << 4 | digit;
    }
    Ok(code)
}

/// Appends what the escape whose `u` stands at `u` means, with the low surrogate that may
/// follow; gives where it ends.
fn push_unicode(out: &mut StrBuilder, units: Units<'_>, u: usize) -> Scanned<usize> {
    let mut end = u + 5;
    // CPython wants one more character to come, the quote at least.
    if end >= units.len() {
        return Err(Fault::Error("Invalid \\uXXXX escape", u));
    }
    let mut code = hex4(units, u + 1, u)?;
    if (0xd800..0xdc00).contains(&code)
        && end + 6 < units.len()
        && units.at(end) == '\\' as u32
        && units.at(end + 1) == 'u' as u32
    {
        let low = hex4(units, end + 2, end + 1)?;
        if (0xdc00..0xe000).contains(&low) {
            code = 0x1_0000 + ((code - 0xd800) << 10 | (low - 0xdc00));
            end += 6;
        }
    }
    out.push_cp(code);
    Ok(end)
}
