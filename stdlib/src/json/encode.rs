//! The encoder: values to JSON text, in one piece. Exact builtin values are written without
//! running script code; `default` and a script's own `encoder` are called for the rest.

use lockstep_runtime::object::dict::Dict;
use lockstep_runtime::object::list::List;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::text::float;
use lockstep_runtime::text::pystr::{PyStr, StrBuilder, Units};
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

use super::{DEPTH_MAX, text};

/// What an encoder was made with.
#[derive(Clone)]
struct Encoder {
    /// None: circles are not looked for.
    markers: Value,
    default: Value,
    encoder: Value,
    indent: Option<PyStr>,
    key_separator: PyStr,
    item_separator: PyStr,
    sort_keys: bool,
    skipkeys: bool,
    allow_nan: bool,
    /// Which native writes strs, if one does: with nothing beyond ASCII or as they are.
    ascii: Option<bool>,
}

impl Native for Encoder {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.markers, self.default, self.encoder]);
    }
}

/// A container that is being written, or what `default` stands for.
enum Open {
    List {
        of: Value,
        at: usize,
    },
    Dict {
        of: Value,
        items: Items,
        any: bool,
    },
    /// `value` is what `default` gave, until it has been begun.
    Default {
        of: Value,
        value: Value,
    },
}

/// What is left of a dict's items.
#[derive(Clone, Copy)]
enum Items {
    /// Of an exact dict, from an entry on: CPython 3.13 _json.c asks it for the next one each
    /// time, whatever has become of it.
    Own { at: u32 },
    /// A list of pairs, which may be sorted, from an index on.
    Listed { list: Value, at: usize },
}

impl Open {
    fn of(&self) -> Value {
        match *self {
            Open::List { of, .. } | Open::Dict { of, .. } | Open::Default { of, .. } => of,
        }
    }
}

/// One run of an encoder.
struct Run {
    settings: Encoder,
    out: StrBuilder,
    open: Vec<Open>,
    /// A list that keeps what is open alive.
    held: Value,
    /// How many indents a line begins with now: those around the outermost value, and one for
    /// each open list and dict.
    level: usize,
}

pub fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let markers = a[1];
    if !markers.is_none() && vm.heap.get::<Dict>(markers).is_none() {
        let found = vm.type_name(markers);
        return Err(vm.type_error(format!(
            "make_encoder() argument 1 must be dict or None, not {found}"
        )));
    }
    let key_separator = separator(vm, 6, a[5])?;
    let item_separator = separator(vm, 7, a[6])?;
    let indent = vm.heap.as_str(a[4]).cloned();
    let [sort_keys, skipkeys, allow_nan] = [vm.truth(a[7])?, vm.truth(a[8])?, vm.truth(a[9])?];
    let ascii = match a[3] {
        f if vm.is_native_named(f, "encode_basestring_ascii") => Some(true),
        f if vm.is_native_named(f, "encode_basestring") => Some(false),
        _ => None,
    };
    let shape = vm.root_shape(a[0]);
    Ok(vm.heap.opaque(
        shape,
        Encoder {
            markers,
            default: a[2],
            encoder: a[3],
            indent,
            key_separator,
            item_separator,
            sort_keys,
            skipkeys,
            allow_nan,
            ascii,
        },
    ))
}

fn separator(vm: &mut Vm, at: usize, v: Value) -> PyResult<PyStr> {
    crate::args::text(vm, "make_encoder", at, v)
}

/// `Encoder.__call__(obj, _current_indent_level)`: a tuple of pieces, of which there is one.
pub fn call(vm: &mut Vm, a: &[Value]) -> PyResult {
    let level = vm.to_ssize(a[2])?;
    let Some(settings) = vm.heap.native::<Encoder>(a[0]).cloned() else {
        return Err(vm.type_error("not an encoder"));
    };
    let held = vm.heap.list(Vec::new());
    vm.root(held);
    let mut run = Run {
        settings,
        out: StrBuilder::new(),
        open: Vec::new(),
        held,
        level: usize::try_from(level).unwrap_or(0),
    };
    run.write(vm, a[1])?;
    let text = vm.heap.str(run.out.finish());
    Ok(vm.heap.tuple(&[text]))
}

/// What a dict's key is written as.
enum Key {
    /// Itself: it is a str.
    Own,
    Text(PyStr),
    Skipped,
}

impl Run {
    fn write(&mut self, vm: &mut Vm, value: Value) -> PyResult<()> {
        self.begin(vm, value)?;
        while !self.open.is_empty() {
            vm.tick()?;
            if let Some(next) = self.advance(vm)? {
                self.begin(vm, next)?;
            }
        }
        Ok(())
    }

    /// Writes a value, or opens it.
    fn begin(&mut self, vm: &mut Vm, value: Value) -> PyResult<()> {
        match value {
            Value::NONE => self.out.push_str("null"),
            Value::TRUE => self.out.push_str("true"),
            Value::FALSE => self.out.push_str("false"),
            _ => {
                if let Some(n) = value.as_int() {
                    self.push_int(n);
                    return Ok(());
                }
                match vm.heap.kind(value) {
                    Some(Kind::Str) => return self.push_str(vm, value),
                    Some(Kind::List) | Some(Kind::Tuple) => return self.begin_list(vm, value),
                    Some(Kind::Dict) => return self.begin_dict(vm, value),
                    _ => {}
                }
                if vm.heap.is_int(value) {
                    let text = vm.int_text(value)?;
                    self.out.push(&text);
                } else if let Some(f) = vm.heap.as_float(value) {
                    if f.is_finite() {
                        self.out.push(&float::repr_text(f));
                    } else {
                        let text = self.float_text(vm, f)?;
                        self.out.push(&text);
                    }
                } else {
                    return self.begin_default(vm, value);
                }
            }
        }
        Ok(())
    }

    fn push_int(&mut self, n: i64) {
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        let mut left = n.unsigned_abs();
        loop {
            at -= 1;
            digits[at] = b'0' + (left % 10) as u8;
            left /= 10;
            if left == 0 {
                break;
            }
        }
        if n < 0 {
            at -= 1;
            digits[at] = b'-';
        }
        self.out.push_units(Units::Latin1(&digits[at..]));
    }

    fn push_str(&mut self, vm: &mut Vm, value: Value) -> PyResult<()> {
        if let Some(ascii) = self.settings.ascii {
            text::push_quoted(&mut self.out, vm.heap.text(value), ascii);
            return Ok(());
        }
        let encoder = self.settings.encoder;
        let quoted = vm.call(encoder, &[value])?;
        match vm.heap.as_str(quoted) {
            Some(quoted) => self.out.push(quoted),
            None => {
                let found = vm.type_name(quoted);
                return Err(vm.type_error(format!("encoder() must return a string, not {found}")));
            }
        }
        Ok(())
    }

    fn float_text(&self, vm: &mut Vm, f: f64) -> PyResult<PyStr> {
        if f.is_finite() {
            return Ok(float::repr_text(f));
        }
        if !self.settings.allow_nan {
            return Err(vm.value_error(format!(
                "Out of range float values are not JSON compliant: {}",
                float::repr(f)
            )));
        }
        Ok(PyStr::from(if f.is_nan() {
            "NaN"
        } else if f > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }))
    }

    /// Opens what contains others, unless it is open already or too deep.
    fn enter(&mut self, vm: &mut Vm, open: Open) -> PyResult<()> {
        let checks = !self.settings.markers.is_none();
        if checks && self.open.iter().any(|outer| outer.of() == open.of()) {
            return Err(vm.value_error("Circular reference detected"));
        }
        if self.open.len() + 1 >= DEPTH_MAX {
            return Err(vm.raise(
                B::RecursionError,
                "maximum recursion depth exceeded while encoding a JSON object",
            ));
        }
        vm.heap.list_push(self.held, open.of());
        match open {
            Open::Default { .. } => {}
            Open::List { .. } => self.level += 1,
            Open::Dict { items, .. } => {
                self.level += 1;
                if let Items::Listed { list, .. } = items {
                    vm.heap.list_push(self.held, list);
                }
            }
        }
        self.open.push(open);
        Ok(())
    }

    fn leave(&mut self, vm: &mut Vm) {
        let n = match self.open.pop() {
            None => return,
            Some(Open::Default { .. }) => 2,
            Some(Open::List { .. }) => {
                self.level -= 1;
                1
            }
            Some(Open::Dict { items, .. }) => {
                self.level -= 1;
                match items {
                    Items::Own { .. } => 1,
                    Items::Listed { .. } => 2,
                }
            }
        };
        let held = &mut vm.heap.cell_mut::<List>(self.held).items;
        held.truncate(held.len().saturating_sub(n));
    }

    /// Begins a line, if there are lines.
    fn newline(&mut self) {
        let Some(indent) = &self.settings.indent else {
            return;
        };
        self.out.push_cp('\n' as u32);
        for _ in 0..self.level {
            self.out.push(indent);
        }
    }

    fn begin_list(&mut self, vm: &mut Vm, of: Value) -> PyResult<()> {
        if vm.heap.as_sequence(of).is_none_or(<[Value]>::is_empty) {
            self.out.push_str("[]");
            return Ok(());
        }
        self.enter(vm, Open::List { of, at: 0 })?;
        self.out.push_cp('[' as u32);
        Ok(())
    }

    fn begin_dict(&mut self, vm: &mut Vm, of: Value) -> PyResult<()> {
        if vm.heap.cell::<Dict>(of).table.is_empty() {
            self.out.push_str("{}");
            return Ok(());
        }
        let is_exact = vm.heap.is_exact(of, B::Dict);
        let items = if is_exact && !self.settings.sort_keys {
            Items::Own { at: 0 }
        } else {
            let list = if is_exact {
                let pairs = self.pairs(vm, of);
                vm.heap.list(pairs)
            } else {
                vm.holding(&[of], |vm| {
                    let view = vm.call_method(of, "items", &[])?;
                    vm.holding(&[view], |vm| vm.list_from(view))
                })?
            };
            if self.settings.sort_keys {
                vm.holding(&[of, list], |vm| vm.call_method(list, "sort", &[]))?;
            }
            Items::Listed { list, at: 0 }
        };
        let any = false;
        self.enter(vm, Open::Dict { of, items, any })?;
        self.out.push_cp('{' as u32);
        // The line begins even where all keys are skipped then.
        self.newline();
        Ok(())
    }

    fn pairs(&self, vm: &mut Vm, of: Value) -> Vec<Value> {
        let table = &vm.heap.cell::<Dict>(of).table;
        let (mut entries, mut at) = (Vec::with_capacity(table.len()), 0);
        while let Some((found, entry)) = table.next_from(at) {
            entries.push([entry.key, entry.value]);
            at = found + 1;
        }
        entries.iter().map(|entry| vm.heap.tuple(entry)).collect()
    }

    fn begin_default(&mut self, vm: &mut Vm, of: Value) -> PyResult<()> {
        let value = Value::EMPTY;
        self.enter(vm, Open::Default { of, value })?;
        let default = self.settings.default;
        let given = vm.call(default, &[of])?;
        vm.heap.list_push(self.held, given);
        if let Some(Open::Default { value, .. }) = self.open.last_mut() {
            *value = given;
        }
        Ok(())
    }

    /// Goes on with the innermost container: the value to write next, or None when it is
    /// closed.
    fn advance(&mut self, vm: &mut Vm) -> PyResult<Option<Value>> {
        match self.open.last_mut() {
            None => Ok(None),
            Some(Open::Default { value, .. }) => {
                let begun = std::mem::replace(value, Value::EMPTY);
                if begun.is_empty() {
                    self.leave(vm);
                }
                Ok(begun.given())
            }
            Some(Open::List { of, at }) => {
                let (of, i) = (*of, *at);
                *at += 1;
                let item = vm
                    .heap
                    .as_sequence(of)
                    .and_then(|items| items.get(i).copied());
                if item.is_none() {
                    self.leave(vm);
                    self.newline();
                    self.out.push_cp(']' as u32);
                    return Ok(None);
                }
                self.between(i > 0);
                Ok(item)
            }
            Some(Open::Dict { .. }) => self.advance_dict(vm),
        }
    }

    /// What stands before an item: the separator, if it is not the first, and the line break.
    fn between(&mut self, any: bool) {
        if any {
            self.out.push(&self.settings.item_separator);
        }
        self.newline();
    }

    fn advance_dict(&mut self, vm: &mut Vm) -> PyResult<Option<Value>> {
        loop {
            let Some(Open::Dict { of, items, any }) = self.open.last_mut() else {
                return Ok(None);
            };
            let had_any = *any;
            let pair = match items {
                Items::Own { at } => {
                    let next = vm.heap.cell::<Dict>(*of).table.next_from(*at);
                    next.map(|(found, entry)| {
                        *at = found + 1;
                        (entry.key, entry.value)
                    })
                }
                Items::Listed { list, at } => {
                    let items = vm.heap.as_sequence(*list).unwrap_or_default();
                    let pair = items.get(*at).copied();
                    *at += 1;
                    match pair.map(|pair| vm.heap.as_tuple(pair)) {
                        None => None,
                        Some(Some(&[key, value])) => Some((key, value)),
                        Some(_) => return Err(vm.value_error("items must return 2-tuples")),
                    }
                }
            };
            let Some((key, value)) = pair else {
                self.leave(vm);
                self.newline();
                self.out.push_cp('}' as u32);
                return Ok(None);
            };
            let shown = self.key(vm, key)?;
            if let Key::Skipped = shown {
                continue;
            }
            if had_any {
                self.between(true);
            } else if let Some(Open::Dict { any, .. }) = self.open.last_mut() {
                *any = true;
            }
            let key = match shown {
                Key::Text(text) => vm.heap.str(text),
                _ => key,
            };
            vm.holding(&[value], |vm| self.push_str(vm, key))?;
            self.out.push(&self.settings.key_separator);
            return Ok(Some(value));
        }
    }

    /// What a key is shown as, before it is quoted.
    fn key(&mut self, vm: &mut Vm, key: Value) -> PyResult<Key> {
        if vm.heap.as_str(key).is_some() {
            return Ok(Key::Own);
        }
        let text = match key {
            Value::NONE => PyStr::from("null"),
            Value::TRUE => PyStr::from("true"),
            Value::FALSE => PyStr::from("false"),
            _ if vm.heap.is_int(key) => vm.int_text(key)?,
            _ => match vm.heap.as_float(key) {
                Some(f) => self.float_text(vm, f)?,
                None if self.settings.skipkeys => return Ok(Key::Skipped),
                None => {
                    let found = vm.type_name(key);
                    return Err(vm.type_error(format!(
                        "keys must be str, int, float, bool or None, not {found}"
                    )));
                }
            },
        };
        Ok(Key::Text(text))
    }
}
