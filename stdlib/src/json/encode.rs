//! The encoder: values to JSON text, in one piece. Exact builtin values are written without
//! running script code; `default` and a script's own `encoder` are called for the rest.

use lockstep_runtime::object::dict::Dict;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::text::float;
use lockstep_runtime::text::pystr::{PyStr, StrBuilder};
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

use super::{DEPTH_MAX, text};

/// What an encoder was made with.
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
        items: Value,
        at: usize,
        any: bool,
    },
    /// `value` is what `default` gave, until it has been begun.
    Default {
        of: Value,
        value: Value,
    },
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
    encoder: Value,
    out: StrBuilder,
    open: Vec<Open>,
    /// A list that keeps what is open alive.
    held: Value,
    /// The indent of what stands around the outermost value.
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
    if vm.heap.native::<Encoder>(a[0]).is_none() {
        return Err(vm.type_error("not an encoder"));
    }
    let held = vm.heap.list(Vec::new());
    vm.root(held);
    let mut run = Run {
        encoder: a[0],
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
    Text(PyStr),
    Skipped,
}

impl Run {
    fn settings<'a>(&self, vm: &'a Vm) -> &'a Encoder {
        vm.heap
            .native(self.encoder)
            .expect("`call` has checked that it is one")
    }

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
                    let text = self.float_text(vm, f)?;
                    self.out.push(&text);
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
            self.out.push_cp('-' as u32);
        }
        self.out
            .push_units(lockstep_runtime::text::pystr::Units::Latin1(&digits[at..]));
    }

    fn push_str(&mut self, vm: &mut Vm, value: Value) -> PyResult<()> {
        if let Some(ascii) = self.settings(vm).ascii {
            text::push_quoted(&mut self.out, vm.heap.text(value), ascii);
            return Ok(());
        }
        let encoder = self.settings(vm).encoder;
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
            return Ok(PyStr::from(float::repr(f)));
        }
        if !self.settings(vm).allow_nan {
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
        let checks = !self.settings(vm).markers.is_none();
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
        if let Open::Dict { items, .. } = open {
            vm.heap.list_push(self.held, items);
        }
        self.open.push(open);
        Ok(())
    }

    fn leave(&mut self, vm: &mut Vm) {
        use lockstep_runtime::object::list::List;
        let n = match self.open.pop() {
            Some(Open::List { .. }) | None => 1,
            Some(_) => 2,
        };
        let held = &mut vm.heap.cell_mut::<List>(self.held).items;
        held.truncate(held.len().saturating_sub(n));
    }

    /// Begins a line, if there are lines.
    fn newline(&mut self, vm: &Vm) {
        let Some(indent) = self.settings(vm).indent.clone() else {
            return;
        };
        let depth = self
            .open
            .iter()
            .filter(|open| !matches!(open, Open::Default { .. }))
            .count();
        self.out.push_cp('\n' as u32);
        for _ in 0..self.level + depth {
            self.out.push(&indent);
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
        let items = if vm.heap.is_exact(of, B::Dict) {
            let pairs = self.pairs(vm, of);
            vm.heap.list(pairs)
        } else {
            let view = vm.call_method(of, "items", &[])?;
            vm.holding(&[view], |vm| vm.list_from(view))?
        };
        if self.settings(vm).sort_keys {
            vm.holding(&[items], |vm| vm.call_method(items, "sort", &[]))?;
        }
        let dict = Open::Dict {
            of,
            items,
            at: 0,
            any: false,
        };
        vm.holding(&[items], |vm| self.enter(vm, dict))?;
        self.out.push_cp('{' as u32);
        // The line begins even where all keys are skipped then.
        self.newline(vm);
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
        let default = self.settings(vm).default;
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
                    self.newline(vm);
                    self.out.push_cp(']' as u32);
                    return Ok(None);
                }
                self.between(vm, i > 0);
                Ok(item)
            }
            Some(Open::Dict { .. }) => self.advance_dict(vm),
        }
    }

    /// What stands before an item: the separator, if it is not the first, and the line break.
    fn between(&mut self, vm: &Vm, any: bool) {
        if any {
            self.out.push(&self.settings(vm).item_separator);
        }
        self.newline(vm);
    }

    fn advance_dict(&mut self, vm: &mut Vm) -> PyResult<Option<Value>> {
        loop {
            let Some(Open::Dict { items, at, any, .. }) = self.open.last_mut() else {
                return Ok(None);
            };
            let (items, i, had_any) = (*items, *at, *any);
            *at += 1;
            let pair = vm
                .heap
                .as_sequence(items)
                .and_then(|items| items.get(i).copied());
            let Some(pair) = pair else {
                self.leave(vm);
                self.newline(vm);
                self.out.push_cp('}' as u32);
                return Ok(None);
            };
            let Some(&[key, value]) = vm.heap.as_tuple(pair) else {
                return Err(vm.value_error("items must return 2-tuples"));
            };
            match self.key(vm, key)? {
                Key::Skipped => continue,
                Key::Text(text) => {
                    if let Some(Open::Dict { any, .. }) = self.open.last_mut() {
                        *any = true;
                    }
                    if had_any {
                        self.between(vm, true);
                    }
                    self.push_key(vm, key, text)?;
                }
            }
            self.out.push(&self.settings(vm).key_separator);
            return Ok(Some(value));
        }
    }

    fn push_key(&mut self, vm: &mut Vm, key: Value, shown: PyStr) -> PyResult<()> {
        if vm.heap.as_str(key).is_some() {
            return self.push_str(vm, key);
        }
        let shown = vm.heap.str(shown);
        self.push_str(vm, shown)
    }

    /// What a key is shown as, before it is quoted. A str's own text is left out.
    fn key(&mut self, vm: &mut Vm, key: Value) -> PyResult<Key> {
        if vm.heap.as_str(key).is_some() {
            return Ok(Key::Text(PyStr::default()));
        }
        let text = match key {
            Value::NONE => PyStr::from("null"),
            Value::TRUE => PyStr::from("true"),
            Value::FALSE => PyStr::from("false"),
            _ if vm.heap.is_int(key) => vm.int_text(key)?,
            _ => match vm.heap.as_float(key) {
                Some(f) => self.float_text(vm, f)?,
                None if self.settings(vm).skipkeys => return Ok(Key::Skipped),
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
