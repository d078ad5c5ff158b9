//! The scanner: JSON text to values. `token` reads the text; here the containers are kept on a
//! stack and the hooks are called.

use std::collections::HashMap;

use lockstep_runtime::object::dict::Dict;
use lockstep_runtime::object::list::List;
use lockstep_runtime::text::pystr::{PyStr, Unit, Units};
use lockstep_runtime::{B, PyResult, Raised, Value, Vm};

use super::token::{self, Bad, Quoted, Token, with_units};
use super::{DEPTH_MAX, Scanner, scanner};

/// Why there is no value.
enum Fault {
    Bad(Bad),
    Raised(Raised),
}

impl From<Bad> for Fault {
    fn from(bad: Bad) -> Self {
        Fault::Bad(bad)
    }
}

impl From<Raised> for Fault {
    fn from(raised: Raised) -> Self {
        Fault::Raised(raised)
    }
}

type Scanned<T = Value> = Result<T, Fault>;

/// A container whose items are being read.
struct Open {
    container: Value,
    /// Of an object, the key whose value comes.
    key: Option<Value>,
}

/// One run over a text.
struct Scan {
    text: Value,
    at: usize,
    keys: Keys,
    /// A list that keeps alive the open containers, in their order.
    held: Value,
    open: Vec<Open>,
}

/// What stands after a value.
enum Next {
    /// The end of the container.
    Close,
    /// One more item, which begins at `Scan::at`.
    Item,
    /// One more item of an object, and its key.
    Pair(Key),
}

enum Key {
    Known(Value),
    New(PyStr),
}

const RECENT_KEYS: usize = 64;

/// The keys that have come: equal ones are one str.
struct Keys {
    all: HashMap<PyStr, Value>,
    /// Some of them by a glance at their units, found without a hash.
    recent: Box<[Value; RECENT_KEYS]>,
}

impl Keys {
    fn place<U: Unit>(units: &[U]) -> usize {
        let [first, last] = [units.first(), units.last()].map(|u| u.map_or(0, |u| u.cp()));
        let glance = (first as usize).wrapping_mul(31) ^ (last as usize).wrapping_mul(7);
        (glance ^ units.len()) % RECENT_KEYS
    }

    fn find<U: Unit>(&self, vm: &Vm, key: Quoted<'_, U>) -> Key {
        if let Quoted::Part(units) = key {
            let recent = self.recent[Self::place(units)];
            if vm
                .heap
                .as_str(recent)
                .is_some_and(|text| token::is_text(text, units))
            {
                return Key::Known(recent);
            }
        }
        Key::New(key.into_text())
    }

    /// The one str of a key that `find` knew no value for.
    fn enter(&mut self, vm: &mut Vm, text: PyStr) -> Value {
        let place = {
            let read = text.read();
            with_units!(read.units(), units => Self::place(units))
        };
        let known = match self.all.get(&text) {
            Some(&known) => known,
            None => {
                let made = vm.heap.str(text.clone());
                // Hooks may throw the objects away, so the keys are held on their own.
                vm.root(made);
                self.all.insert(text, made);
                made
            }
        };
        self.recent[place] = known;
        known
    }
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
        keys: Keys {
            all: HashMap::new(),
            recent: Box::new([Value::EMPTY; RECENT_KEYS]),
        },
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
    let found = {
        let read = vm.heap.text(a[0]).read();
        with_units!(read.units(), units => {
            token::quoted(units, begin, strict).map(|(text, end)| (text.into_text(), end))
        })
    };
    match found {
        Ok((text, end)) => {
            let text = vm.heap.str(text);
            let end = vm.heap.usize(end);
            Ok(vm.heap.tuple(&[text, end]))
        }
        Err(bad) => Err(raise(vm, a[0], bad.into())),
    }
}

fn raise(vm: &mut Vm, text: Value, fault: Fault) -> Raised {
    match fault {
        Fault::Raised(raised) => raised,
        Fault::Bad(Bad::NoValue(at)) => {
            let at = vm.heap.usize(at);
            vm.stop_iteration(at)
        }
        Fault::Bad(Bad::Error(message, at)) => {
            decode_error(vm, text, message, at).unwrap_or_else(|e| e)
        }
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
    let exception = vm.call(class, &[message, text, at])?;
    Ok(vm.raise_given(exception))
}

impl Scan {
    /// The value at `at`, with all that it contains.
    fn value(&mut self, vm: &mut Vm, context: &Scanner) -> Scanned {
        loop {
            // One value begins; an open container goes on with it when it is complete.
            let Some(mut value) = self.begin(vm, context)? else {
                continue;
            };
            while let Some(open) = self.open.last() {
                let container = open.container;
                match open.key {
                    None => vm.heap.list_push(container, value),
                    Some(key) if vm.heap.get::<Dict>(container).is_some() => {
                        vm.dict_set(container, key, value)?;
                    }
                    Some(key) => {
                        let pair = vm.heap.tuple(&[key, value]);
                        vm.heap.list_push(container, pair);
                    }
                }
                if !self.go_on(vm, context)? {
                    break;
                }
                // The container is closed: it is the value now.
                value = self.close(vm, context)?;
            }
            if self.open.is_empty() {
                return Ok(value);
            }
            vm.tick()?;
        }
    }

    /// Begins a value; None when that opened a container that is not empty.
    fn begin(&mut self, vm: &mut Vm, context: &Scanner) -> Scanned<Option<Value>> {
        let start = self.at;
        let (token, end) = {
            let read = vm.heap.text(self.text).read();
            with_units!(read.units(), units => token::value(units, start, context.strict))?
        };
        self.at = end;
        Ok(Some(match token {
            Token::Str(text) => vm.heap.str(text),
            Token::Null => Value::NONE,
            Token::True => Value::TRUE,
            Token::False => Value::FALSE,
            Token::Constant(name) => {
                let name = vm.heap.str(name);
                vm.call(context.parse_constant, &[name])?
            }
            Token::Object => return self.begin_object(vm, context),
            Token::Array => return self.begin_array(vm),
            Token::Float(f) if context.parse_float == vm.class(B::Float) => vm.heap.float(f),
            Token::Int(n) if context.parse_int == vm.class(B::Int) => vm.heap.int(n),
            number => {
                let text = vm.heap.text(self.text).slice(start..end);
                let parse = match number {
                    Token::Float(_) => context.parse_float,
                    _ if context.parse_int == vm.class(B::Int) => {
                        return Ok(Some(vm.int_from_str(&text, 10)?));
                    }
                    _ => context.parse_int,
                };
                let text = vm.heap.str(text);
                vm.call(parse, &[text])?
            }
        }))
    }

    fn enter(&mut self, vm: &mut Vm, what: &str, open: Open) -> Scanned<()> {
        if self.open.len() >= DEPTH_MAX {
            let message = format!(
                "maximum recursion depth exceeded while decoding a JSON {what} from a unicode string"
            );
            return Err(vm.raise(B::RecursionError, message).into());
        }
        vm.heap.list_push(self.held, open.container);
        self.open.push(open);
        Ok(())
    }

    /// Goes to the first thing after white space: its code point, 0 at the end.
    fn skip_space(&mut self, vm: &Vm) -> u32 {
        let read = vm.heap.text(self.text).read();
        let (at, cp) = with_units!(read.units(), units => token::after_space(units, self.at));
        self.at = at;
        cp
    }

    fn begin_array(&mut self, vm: &mut Vm) -> Scanned<Option<Value>> {
        let container = vm.heap.list(Vec::new());
        if self.skip_space(vm) == ']' as u32 {
            self.at += 1;
            return Ok(Some(container));
        }
        let key = None;
        self.enter(vm, "array", Open { container, key })?;
        Ok(None)
    }

    fn begin_object(&mut self, vm: &mut Vm, context: &Scanner) -> Scanned<Option<Value>> {
        // With a hook for the pairs, they are all that is kept.
        let container = if context.pairs_hook.is_none() {
            vm.heap.dict()
        } else {
            vm.heap.list(Vec::new())
        };
        let key = Some(Value::EMPTY);
        self.enter(vm, "object", Open { container, key })?;
        if self.skip_space(vm) == '}' as u32 {
            self.at += 1;
            return self.close(vm, context).map(Some);
        }
        let key = {
            let read = vm.heap.text(self.text).read();
            let (key, at) = with_units!(read.units(), units => {
                key_at(units, self.at, context.strict).map(|(key, at)| (self.keys.find(vm, key), at))
            })?;
            self.at = at;
            key
        };
        self.expect_value_of(vm, key);
        Ok(None)
    }

    fn expect_value_of(&mut self, vm: &mut Vm, key: Key) {
        let known = match key {
            Key::Known(known) => known,
            Key::New(text) => self.keys.enter(vm, text),
        };
        if let Some(open) = self.open.last_mut() {
            open.key = Some(known);
        }
    }

    /// Goes on to where the next item of the innermost container begins; whether there is none.
    fn go_on(&mut self, vm: &mut Vm, context: &Scanner) -> Scanned<bool> {
        let is_object = self.open.last().is_some_and(|open| open.key.is_some());
        let (next, at) = {
            let read = vm.heap.text(self.text).read();
            with_units!(read.units(), units => self.next(vm, units, is_object, context.strict))?
        };
        self.at = at;
        match next {
            Next::Close => return Ok(true),
            Next::Item => {}
            Next::Pair(key) => self.expect_value_of(vm, key),
        }
        Ok(false)
    }

    /// What stands after an item.
    fn next<U: Unit>(
        &self,
        vm: &Vm,
        units: &[U],
        is_object: bool,
        strict: bool,
    ) -> Result<(Next, usize), Bad> {
        let (close, trailing) = if is_object {
            ('}', "Illegal trailing comma before end of object")
        } else {
            (']', "Illegal trailing comma before end of array")
        };
        let (comma, cp) = token::after_space(units, self.at);
        if cp == close as u32 {
            return Ok((Next::Close, comma + 1));
        }
        if cp != ',' as u32 {
            return Err(Bad::Error("Expecting ',' delimiter", comma));
        }
        let (at, cp) = token::after_space(units, comma + 1);
        if cp == close as u32 {
            return Err(Bad::Error(trailing, comma));
        }
        if !is_object {
            return Ok((Next::Item, at));
        }
        let (key, at) = key_at(units, at, strict)?;
        Ok((Next::Pair(self.keys.find(vm, key)), at))
    }

    /// Closes the innermost container: what stands for it.
    fn close(&mut self, vm: &mut Vm, context: &Scanner) -> Scanned {
        let container = vm.heap.cell_mut::<List>(self.held).items.pop();
        let container = container.unwrap_or(Value::NONE);
        if self.open.pop().is_none_or(|open| open.key.is_none()) {
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
}

/// Reads a key and the colon after it, to where its value begins.
fn key_at<U: Unit>(units: &[U], at: usize, strict: bool) -> Result<(Quoted<'_, U>, usize), Bad> {
    if units.get(at).is_none_or(|u| u.cp() != '"' as u32) {
        return Err(Bad::Error(
            "Expecting property name enclosed in double quotes",
            at,
        ));
    }
    let (key, end) = token::quoted(units, at + 1, strict)?;
    let (colon, cp) = token::after_space(units, end);
    if cp != ':' as u32 {
        return Err(Bad::Error("Expecting ':' delimiter", colon));
    }
    let (begin, _) = token::after_space(units, colon + 1);
    Ok((key, begin))
}
