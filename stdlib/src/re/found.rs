//! The class `re.Match`: where an expression and its groups matched.

use lockstep_runtime::native::{ClassDef, class_method, getter, method};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::text::pystr::StrBuilder;
use lockstep_runtime::{Kind, Marker, PyResult, Raised, Value, Vm};

use super::matcher::{Matcher, UNSET};
use super::subject::{self, Subject};
use super::{Classes, pattern, template};
use crate::args;

/// A match.
pub struct Match {
    pub string: Value,
    pattern: Value,
    pos: usize,
    endpos: usize,
    /// Start and end of the match and of each group; `UNSET` for one that did not match.
    spans: Box<[(usize, usize)]>,
    last_group: usize,
}

impl Native for Match {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.string);
        marker.mark(self.pattern);
    }
    fn external_bytes(&self) -> usize {
        self.spans.len() * size_of::<(usize, usize)>()
    }
}

impl Match {
    /// Where a group matched.
    pub fn span(&self, group: usize) -> Option<(usize, usize)> {
        let &(from, to) = self.spans.get(group)?;
        (from != UNSET).then_some((from, to))
    }
}

static CLASS: ClassDef = ClassDef {
    methods: &[
        method("group(self, /, *groups)", group).quick(|vm, a| match *a {
            [this, key] => one_group(vm, this, key).map(Some),
            _ => Ok(None),
        }),
        method("start(self, group=0, /)", |vm, a| edge(vm, a, |s| s.0)),
        method("end(self, group=0, /)", |vm, a| edge(vm, a, |s| s.1)),
        method("span(self, group=0, /)", |vm, a| {
            let at = group_index(vm, a[0], a[1])?;
            Ok(span_value(vm, a[0], at))
        }),
        method("groups(self, /, default=None)", groups),
        method("groupdict(self, /, default=None)", groupdict),
        method("expand(self, /, template)", expand),
        method("__getitem__(self, key, /)", |vm, a| {
            one_group(vm, a[0], a[1])
        }),
        method("__copy__(self, /)", |_, a| Ok(a[0])),
        method("__deepcopy__(self, memo, /)", |_, a| Ok(a[0])),
        method("__repr__(self, /)", repr),
        class_method("__class_getitem__(cls, object, /)", |vm, a| {
            crate::builtins::generic_alias::make(vm, a[0], a[1])
        }),
    ],
    attributes: &[
        getter("string", |vm, this| Ok(found(vm, this)?.string)),
        getter("re", |vm, this| Ok(found(vm, this)?.pattern)),
        getter("pos", |vm, this| {
            let at = found(vm, this)?.pos;
            Ok(vm.heap.usize(at))
        }),
        getter("endpos", |vm, this| {
            let at = found(vm, this)?.endpos;
            Ok(vm.heap.usize(at))
        }),
        getter("lastindex", |vm, this| {
            Ok(match found(vm, this)?.last_group {
                0 => Value::NONE,
                n => vm.heap.usize(n),
            })
        }),
        getter("lastgroup", lastgroup),
        getter("regs", regs),
    ],
    doc: "The result of re.match() and re.search().\nMatch objects always have a boolean value of True.",
};

pub fn class(vm: &mut Vm) -> Value {
    let object = vm.class(lockstep_runtime::B::Object);
    let class = vm.new_native_class("re", "Match", object, Kind::Opaque, &CLASS);
    let made = vm.heap.cell_mut::<Class>(class);
    (made.has_dict, made.named_with_module) = (false, true);
    class
}

/// The match that a matcher found.
pub fn new(
    vm: &mut Vm,
    pattern: Value,
    subject: &Subject,
    (pos, endpos): (usize, usize),
    matcher: &Matcher,
) -> PyResult {
    let Some(class) = vm.ext::<Classes>().found else {
        return Err(vm.runtime_error("re.Match is not there yet"));
    };
    let groups = matcher.marks.chunks_exact(2).map(|m| match (m[0], m[1]) {
        (from, to) if from == UNSET || to == UNSET || from > to => (UNSET, UNSET),
        span => span,
    });
    let whole = (matcher.start, matcher.end);
    let spans = std::iter::once(whole).chain(groups).collect();
    let shape = vm.root_shape(class);
    Ok(vm.heap.opaque(
        shape,
        Match {
            string: subject.string,
            pattern,
            pos,
            endpos,
            spans,
            last_group: matcher.last_group,
        },
    ))
}

fn found(vm: &mut Vm, this: Value) -> PyResult<&Match> {
    if vm.heap.native::<Match>(this).is_none() {
        let name = vm.type_name(this);
        return Err(vm.type_error(format!("a re.Match is required, not '{name}'")));
    }
    match vm.heap.native(this) {
        Some(found) => Ok(found),
        None => unreachable!("its type was just checked"),
    }
}

#[cold]
fn no_such_group(vm: &mut Vm) -> Raised {
    vm.index_error("no such group")
}

/// The number of the group that a script names.
fn group_index(vm: &mut Vm, this: Value, key: Value) -> PyResult<usize> {
    let Some(key) = key.given() else {
        return Ok(0);
    };
    let n_spans = found(vm, this)?.spans.len();
    let number = if vm.has_index(key) {
        Some(vm.index_clamped(key)?)
    } else {
        let pattern = found(vm, this)?.pattern;
        let groups = pattern::pattern(vm, pattern)?.group_index;
        match vm.dict_get(groups, key)? {
            Some(number) => number.as_int(),
            None => None,
        }
    };
    match number.map(usize::try_from) {
        Some(Ok(number)) if number < n_spans => Ok(number),
        _ => Err(no_such_group(vm)),
    }
}

fn group_value(vm: &mut Vm, this: Value, at: usize, default: Value) -> PyResult {
    let found = found(vm, this)?;
    let string = found.string;
    Ok(match found.span(at) {
        Some((from, to)) => subject::slice(vm, string, from, to),
        None => default,
    })
}

fn one_group(vm: &mut Vm, this: Value, key: Value) -> PyResult {
    let at = group_index(vm, this, key)?;
    group_value(vm, this, at, Value::NONE)
}

fn group(vm: &mut Vm, a: &[Value]) -> PyResult {
    let keys = vm.heap.tuple_items(a[1]).to_vec();
    match keys.as_slice() {
        [] => group_value(vm, a[0], 0, Value::NONE),
        [key] => one_group(vm, a[0], *key),
        keys => {
            let list = vm.heap.list(Vec::new());
            vm.root(list);
            for &key in keys {
                let value = one_group(vm, a[0], key)?;
                vm.heap.list_push(list, value);
            }
            tuple_of(vm, list)
        }
    }
}

fn tuple_of(vm: &mut Vm, list: Value) -> PyResult {
    let items = vm.heap.as_sequence(list).unwrap_or_default().to_vec();
    Ok(vm.heap.tuple(&items))
}

fn edge(vm: &mut Vm, a: &[Value], of: fn((usize, usize)) -> usize) -> PyResult {
    let at = group_index(vm, a[0], a[1])?;
    Ok(match found(vm, a[0])?.span(at) {
        Some(span) => vm.heap.usize(of(span)),
        None => Value::small(-1),
    })
}

fn span_value(vm: &mut Vm, this: Value, at: usize) -> Value {
    let span = vm.heap.native::<Match>(this).and_then(|m| m.span(at));
    let (from, to) = match span {
        Some((from, to)) => (vm.heap.usize(from), vm.heap.usize(to)),
        None => (Value::small(-1), Value::small(-1)),
    };
    vm.heap.tuple(&[from, to])
}

fn regs(vm: &mut Vm, this: Value) -> PyResult {
    let n = found(vm, this)?.spans.len();
    let spans: Vec<Value> = (0..n).map(|at| span_value(vm, this, at)).collect();
    Ok(vm.heap.tuple(&spans))
}

fn groups(vm: &mut Vm, a: &[Value]) -> PyResult {
    let default = a[1].given().unwrap_or(Value::NONE);
    let n = found(vm, a[0])?.spans.len();
    let mut values = Vec::with_capacity(n);
    for at in 1..n {
        values.push(group_value(vm, a[0], at, default)?);
    }
    Ok(vm.heap.tuple(&values))
}

fn groupdict(vm: &mut Vm, a: &[Value]) -> PyResult {
    let default = a[1].given().unwrap_or(Value::NONE);
    let pattern = found(vm, a[0])?.pattern;
    let index = pattern::pattern(vm, pattern)?.group_index;
    let result = vm.heap.dict();
    vm.root(result);
    for (name, number) in vm.heap.dict_entries(index) {
        let at = number.as_int().and_then(|n| usize::try_from(n).ok());
        let value = group_value(vm, a[0], at.unwrap_or(0), default)?;
        vm.dict_set(result, name, value)?;
    }
    Ok(result)
}

fn lastgroup(vm: &mut Vm, this: Value) -> PyResult {
    let found = found(vm, this)?;
    let (last, pattern) = (found.last_group, found.pattern);
    let index = pattern::pattern(vm, pattern)?.group_index;
    let named = vm
        .heap
        .dict_entries(index)
        .into_iter()
        .find(|(_, number)| last > 0 && number.as_int() == Some(last as i64));
    Ok(named.map_or(Value::NONE, |(name, _)| name))
}

fn expand(vm: &mut Vm, a: &[Value]) -> PyResult {
    let pattern = found(vm, a[0])?.pattern;
    let template = template::parse(vm, pattern, a[1])?;
    expand_in(vm, a[0], &template)
}

/// A template with the groups of a match.
///
/// # Errors
/// As `template::expand`.
pub fn expand_in(vm: &mut Vm, this: Value, template: &template::Template) -> PyResult {
    let m = found(vm, this)?;
    let copy = Match {
        string: m.string,
        pattern: m.pattern,
        pos: m.pos,
        endpos: m.endpos,
        spans: m.spans.clone(),
        last_group: m.last_group,
    };
    template::expand(vm, template, &copy)
}

/// How much of the matched text a match shows.
const SHOWN_MAX: usize = 50;

fn repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let name = vm.heap.class_of(a[0]);
    let name = vm.class_full_name(name);
    let text = group_value(vm, a[0], 0, Value::NONE)?;
    vm.root(text);
    let shown = vm.repr(text)?;
    let (from, to) = found(vm, a[0])?.span(0).unwrap_or_default();
    let mut out = StrBuilder::new();
    out.push_str(&format!("<{name} object; span=({from}, {to}), match="));
    out.push(&vm.heap.text(shown).slice(0..SHOWN_MAX));
    out.push_str(">");
    args::str_value(vm, out.finish())
}
