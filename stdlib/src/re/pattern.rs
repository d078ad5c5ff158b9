//! The classes `re.Pattern` and its scanner: an expression and what can be
//! done with it.

use std::rc::Rc;

use lockstep_runtime::native::{ClassDef, class_method, getter, method};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::dict::MappingProxy;
use lockstep_runtime::object::iter::Iter;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::text::pystr::{PyStr, StrBuilder};
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

use super::matcher::{Matcher, Mode};
use super::parse::Parsed;
use super::program::Program;
use super::subject::{self, Subject, look};
use super::template::Piece;
use super::{Classes, found, template, tree};
use crate::args;

/// A compiled expression.
pub struct Pattern {
    pub program: Rc<Program>,
    /// The expression as it was given; None for that of a `re.Scanner`.
    source: Value,
    flags: u32,
    is_text: bool,
    /// The dict from name to group.
    pub group_index: Value,
    pub names: Rc<[(PyStr, usize)]>,
}

impl Native for Pattern {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.source);
        marker.mark(self.group_index);
    }
    fn external_bytes(&self) -> usize {
        self.program.bytes()
    }
}

/// Matches one after the other; what `finditer` walks.
struct Scanner {
    pattern: Value,
    subject: Subject,
    endpos: usize,
    pos: usize,
    /// Where to go on; None at the end.
    next: Option<usize>,
    must_advance: bool,
}

impl Native for Scanner {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.pattern);
        marker.mark(self.subject.string);
        marker.mark(self.subject.text);
    }
}

static PATTERN: ClassDef = ClassDef {
    methods: &[
        method(
            "match(self, /, string, pos=0, endpos=9223372036854775807)",
            |vm, a| once(vm, a, Mode::Match),
        ),
        method(
            "fullmatch(self, /, string, pos=0, endpos=9223372036854775807)",
            |vm, a| once(vm, a, Mode::Full),
        ),
        method(
            "search(self, /, string, pos=0, endpos=9223372036854775807)",
            |vm, a| once(vm, a, Mode::Search),
        ),
        method("sub(self, /, repl, string, count=0)", |vm, a| {
            Ok(substitute(vm, a)?.0)
        }),
        method("subn(self, /, repl, string, count=0)", |vm, a| {
            let (text, n) = substitute(vm, a)?;
            let n = vm.heap.usize(n);
            Ok(vm.heap.tuple(&[text, n]))
        }),
        method("split(self, /, string, maxsplit=0)", split),
        method(
            "findall(self, /, string, pos=0, endpos=9223372036854775807)",
            findall,
        ),
        method(
            "finditer(self, /, string, pos=0, endpos=9223372036854775807)",
            finditer,
        ),
        method(
            "scanner(self, /, string, pos=0, endpos=9223372036854775807)",
            scanner,
        ),
        method("__copy__(self, /)", |_, a| Ok(a[0])),
        method("__deepcopy__(self, memo, /)", |_, a| Ok(a[0])),
        method("__repr__(self, /)", repr),
        method("__eq__(self, value, /)", |vm, a| {
            Ok(match equal(vm, a[0], a[1])? {
                Some(equal) => Value::bool(equal),
                None => Value::NOT_IMPLEMENTED,
            })
        }),
        method("__ne__(self, value, /)", |vm, a| {
            Ok(match equal(vm, a[0], a[1])? {
                Some(equal) => Value::bool(!equal),
                None => Value::NOT_IMPLEMENTED,
            })
        }),
        method("__hash__(self, /)", hash),
        class_method("__class_getitem__(cls, object, /)", |vm, a| {
            crate::builtins::generic_alias::make(vm, a[0], a[1])
        }),
    ],
    attributes: &[
        getter("pattern", |vm, this| Ok(pattern(vm, this)?.source)),
        getter("flags", |vm, this| {
            Ok(Value::small(i64::from(pattern(vm, this)?.flags)))
        }),
        getter("groups", |vm, this| {
            let n = pattern(vm, this)?.groups();
            Ok(vm.heap.usize(n))
        }),
        getter("groupindex", |vm, this| {
            let mapping = pattern(vm, this)?.group_index;
            let shape = B::MappingProxy.shape();
            Ok(vm.heap.alloc(shape, MappingProxy { mapping }))
        }),
    ],
    doc: "Compiled regular expression object.",
};

static SCANNER: ClassDef = ClassDef {
    methods: &[
        method("match(self, /)", |vm, a| next(vm, a[0], Mode::Match)),
        method("search(self, /)", |vm, a| next(vm, a[0], Mode::Search)),
    ],
    attributes: &[getter("pattern", |vm, this| {
        Ok(vm
            .heap
            .native::<Scanner>(this)
            .map_or(Value::NONE, |s| s.pattern))
    })],
    doc: "",
};

/// The classes of expressions and scanners.
pub fn classes(vm: &mut Vm) -> (Value, Value) {
    let object = vm.class(B::Object);
    let pattern = vm.new_native_class("re", "Pattern", object, Kind::Opaque, &PATTERN);
    let scanner = vm.new_native_class("_sre", "SRE_Scanner", object, Kind::Opaque, &SCANNER);
    for class in [pattern, scanner] {
        let made = vm.heap.cell_mut::<Class>(class);
        (made.has_dict, made.named_with_module) = (false, true);
    }
    (pattern, scanner)
}

/// A new expression.
pub fn new(
    vm: &mut Vm,
    source: Value,
    is_text: bool,
    parsed: &Parsed,
    program: Rc<Program>,
) -> Value {
    let group_index = vm.heap.dict();
    for (name, group) in &parsed.names {
        let name = vm.heap.intern_text(name.clone());
        let group = vm.heap.usize(*group);
        vm.heap.ns_set(group_index, name, group);
    }
    let class = match vm.ext::<Classes>().pattern {
        Some(class) => class,
        None => vm.class(B::Object),
    };
    let shape = vm.root_shape(class);
    vm.heap.opaque(
        shape,
        Pattern {
            program,
            source,
            flags: parsed.flags,
            is_text,
            group_index,
            names: parsed.names.clone().into(),
        },
    )
}

/// The expression of a value.
///
/// # Errors
/// TypeError.
pub fn pattern(vm: &mut Vm, this: Value) -> PyResult<&Pattern> {
    if vm.heap.native::<Pattern>(this).is_none() {
        let name = vm.type_name(this);
        return Err(vm.type_error(format!("a re.Pattern is required, not '{name}'")));
    }
    match vm.heap.native(this) {
        Some(pattern) => Ok(pattern),
        None => unreachable!("its type was just checked"),
    }
}

/// The matcher of the last job that ended well: the next needs no stacks of its own.
#[derive(Default)]
struct Spare {
    matcher: Option<Matcher>,
}

impl Native for Spare {
    fn trace(&self, _: &mut Marker) {}
}

/// A matcher with larger stacks is not kept.
const SPARE_BYTES_MAX: usize = 1 << 16;

fn take_matcher(vm: &mut Vm, program: &Program) -> Matcher {
    let spare = vm.ext::<Spare>().matcher.take();
    let mut matcher = spare.unwrap_or_else(Matcher::new);
    matcher.fit(program);
    matcher
}

/// An expression at work on a subject.
struct Job {
    pattern: Value,
    program: Rc<Program>,
    subject: Subject,
    matcher: Matcher,
    pos: usize,
    endpos: usize,
}

impl Job {
    fn new(vm: &mut Vm, this: Value, string: Value, pos: Value, endpos: Value) -> PyResult<Job> {
        let pattern = pattern(vm, this)?;
        let (program, is_text) = (Rc::clone(&pattern.program), pattern.is_text);
        let pos = args::ssize_or(vm, pos, 0)?;
        let endpos = args::ssize_or(vm, endpos, i64::MAX)?;
        let subject = Subject::new(vm, string, is_text)?;
        let clip =
            |at: i64| usize::try_from(at.max(0)).map_or(subject.len, |at| at.min(subject.len));
        Ok(Job {
            pattern: this,
            matcher: take_matcher(vm, &program),
            program,
            subject,
            pos: clip(pos),
            endpos: clip(endpos),
        })
    }

    fn look(&mut self, vm: &mut Vm, mode: Mode, from: usize, must_advance: bool) -> PyResult<bool> {
        self.matcher.begin(mode, from, self.endpos, must_advance);
        look(vm, &self.program, &mut self.matcher, self.subject.text)
    }

    /// Calls `body` for each match from the left, up to `max` of them.
    fn each(
        &mut self,
        vm: &mut Vm,
        max: usize,
        mut body: impl FnMut(&mut Vm, &mut Job) -> PyResult<()>,
    ) -> PyResult<usize> {
        let (mut from, mut must_advance) = (self.pos, false);
        let mut n = 0;
        while n < max && self.look(vm, Mode::Search, from, must_advance)? {
            vm.tick()?;
            (from, must_advance) = (self.matcher.end, self.matcher.end == self.matcher.start);
            n += 1;
            body(vm, self)?;
        }
        Ok(n)
    }

    /// Leaves the matcher to the next job.
    fn end(self, vm: &mut Vm) {
        if self.matcher.bytes() <= SPARE_BYTES_MAX {
            vm.ext::<Spare>().matcher = Some(self.matcher);
        }
    }

    fn found(&self, vm: &mut Vm) -> PyResult {
        let span = (self.pos, self.endpos);
        found::new(vm, self.pattern, &self.subject, span, &self.matcher)
    }

    /// The text of a group, counted from 1; `default` if it did not match.
    fn group(&self, vm: &mut Vm, group: usize, default: Value) -> Value {
        let at = (group - 1) * 2;
        let (from, to) = (self.matcher.marks[at], self.matcher.marks[at + 1]);
        if to == super::matcher::UNSET || from > to {
            return default;
        }
        subject::slice(vm, self.subject.text, from, to)
    }
}

fn once(vm: &mut Vm, a: &[Value], mode: Mode) -> PyResult {
    let mut job = Job::new(vm, a[0], a[1], a[2], a[3])?;
    let pos = job.pos;
    let found = if job.look(vm, mode, pos, false)? {
        job.found(vm)?
    } else {
        Value::NONE
    };
    job.end(vm);
    Ok(found)
}

/// How many: none given or 0 is without end, a negative number is none.
fn limit(vm: &mut Vm, v: Value) -> PyResult<usize> {
    Ok(match args::ssize_or(vm, v, 0)? {
        0 => usize::MAX,
        n => usize::try_from(n).unwrap_or(0),
    })
}

fn findall(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mut job = Job::new(vm, a[0], a[1], a[2], a[3])?;
    let list = vm.heap.list(Vec::new());
    vm.root(list);
    let string = job.subject.text;
    let nothing = subject::slice(vm, string, 0, 0);
    vm.root(nothing);
    job.each(vm, usize::MAX, |vm, job| {
        let item = match job.program.n_groups {
            0 => subject::slice(vm, string, job.matcher.start, job.matcher.end),
            1 => job.group(vm, 1, nothing),
            n => {
                let items: Vec<Value> = (1..=n).map(|g| job.group(vm, g, nothing)).collect();
                vm.heap.tuple(&items)
            }
        };
        vm.heap.list_push(list, item);
        Ok(())
    })?;
    job.end(vm);
    Ok(list)
}

fn split(vm: &mut Vm, a: &[Value]) -> PyResult {
    let max = limit(vm, a[2])?;
    let mut job = Job::new(vm, a[0], a[1], Value::EMPTY, Value::EMPTY)?;
    let list = vm.heap.list(Vec::new());
    vm.root(list);
    let string = job.subject.text;
    let mut last = 0;
    job.each(vm, max, |vm, job| {
        let part = subject::slice(vm, string, last, job.matcher.start);
        vm.heap.list_push(list, part);
        for group in 1..=job.program.n_groups {
            let part = job.group(vm, group, Value::NONE);
            vm.heap.list_push(list, part);
        }
        last = job.matcher.end;
        Ok(())
    })?;
    let rest = subject::slice(vm, string, last, job.subject.len);
    vm.heap.list_push(list, rest);
    job.end(vm);
    Ok(list)
}

/// What each match is replaced with.
enum Replacement {
    /// The value itself.
    Literal,
    Template(template::Template),
    /// What the value gives when it is called with the match.
    Call,
}

fn replacement(vm: &mut Vm, this: Value, repl: Value) -> PyResult<Replacement> {
    if vm.is_callable(repl) {
        return Ok(Replacement::Call);
    }
    let is_text = vm.heap.as_str(repl).is_some() || vm.heap.kind(repl) == Some(Kind::Bytes);
    if is_text && !subject::source(vm, repl)?.0.contains(&('\\' as u32)) {
        return Ok(Replacement::Literal);
    }
    template::parse(vm, this, repl).map(Replacement::Template)
}

fn substitute(vm: &mut Vm, a: &[Value]) -> PyResult<(Value, usize)> {
    let [this, repl, string, ..] = *a else {
        unreachable!("the signature has four parameters")
    };
    let max = limit(vm, a[3])?;
    let by = replacement(vm, this, repl)?;
    let mut job = Job::new(vm, this, string, Value::EMPTY, Value::EMPTY)?;
    let parts = vm.heap.list(Vec::new());
    vm.root(parts);
    let text = job.subject.text;
    let mut last = 0;
    let n = job.each(vm, max, |vm, job| {
        if last < job.matcher.start {
            let part = subject::slice(vm, text, last, job.matcher.start);
            vm.heap.list_push(parts, part);
        }
        last = job.matcher.end;
        let part = match &by {
            Replacement::Literal => repl,
            Replacement::Template(template) if template.is_text == job.subject.is_text => {
                for &piece in &template.pieces {
                    let part = match piece {
                        Piece::Text(text) => text,
                        Piece::Group(0) => {
                            subject::slice(vm, text, job.matcher.start, job.matcher.end)
                        }
                        Piece::Group(group) => job.group(vm, group, Value::NONE),
                    };
                    if !part.is_none() {
                        vm.heap.list_push(parts, part);
                    }
                }
                return Ok(());
            }
            Replacement::Template(template) => {
                let found = job.found(vm)?;
                vm.holding(&[found], |vm| found::expand_in(vm, found, template))?
            }
            Replacement::Call => {
                let found = job.found(vm)?;
                vm.call(repl, &[found])?
            }
        };
        if !part.is_none() {
            vm.heap.list_push(parts, part);
        }
        Ok(())
    })?;
    if last < job.subject.len {
        let part = subject::slice(vm, text, last, job.subject.len);
        vm.heap.list_push(parts, part);
    }
    let joined = template::join(vm, parts, job.subject.is_text)?;
    job.end(vm);
    Ok((joined, n))
}

fn scanner(vm: &mut Vm, a: &[Value]) -> PyResult {
    let job = Job::new(vm, a[0], a[1], a[2], a[3])?;
    let Some(class) = vm.ext::<Classes>().scanner else {
        return Err(vm.runtime_error("the scanner's class is not there yet"));
    };
    let shape = vm.root_shape(class);
    Ok(vm.heap.opaque(
        shape,
        Scanner {
            pattern: a[0],
            subject: job.subject,
            pos: job.pos,
            endpos: job.endpos,
            next: Some(job.pos),
            must_advance: false,
        },
    ))
}

fn finditer(vm: &mut Vm, a: &[Value]) -> PyResult {
    let scanner = scanner(vm, a)?;
    vm.root(scanner);
    let name = vm.heap.intern("search");
    let callable = vm.get_attr(scanner, name)?;
    let iter = Iter::Call {
        callable,
        sentinel: Value::NONE,
    };
    Ok(vm.heap.alloc(B::CallableIterator.shape(), iter))
}

/// A scanner's next match.
fn next(vm: &mut Vm, this: Value, mode: Mode) -> PyResult {
    let Some(scanner) = vm.heap.native::<Scanner>(this) else {
        return Err(vm.type_error("a scanner is required"));
    };
    let Some(from) = scanner.next else {
        return Ok(Value::NONE);
    };
    let (of, subject, must_advance) = (scanner.pattern, scanner.subject, scanner.must_advance);
    let (pos, endpos) = (scanner.pos, scanner.endpos);
    let program = Rc::clone(&pattern(vm, of)?.program);
    let mut job = Job {
        pattern: of,
        matcher: take_matcher(vm, &program),
        program,
        subject,
        pos,
        endpos,
    };
    let matched = job.look(vm, mode, from, must_advance)?;
    if let Some(scanner) = vm.heap.native_mut::<Scanner>(this) {
        scanner.next = matched.then_some(job.matcher.end);
        scanner.must_advance = job.matcher.end == job.matcher.start;
    }
    let found = if matched { job.found(vm)? } else { Value::NONE };
    job.end(vm);
    Ok(found)
}

/// Whether two expressions are the same; None if one is none.
fn equal(vm: &mut Vm, a: Value, b: Value) -> PyResult<Option<bool>> {
    let (Some(x), Some(y)) = (vm.heap.native::<Pattern>(a), vm.heap.native::<Pattern>(b)) else {
        return Ok(None);
    };
    if x.flags != y.flags || x.is_text != y.is_text {
        return Ok(Some(false));
    }
    let (x, y) = (x.source, y.source);
    vm.eq(x, y).map(Some)
}

fn hash(vm: &mut Vm, a: &[Value]) -> PyResult {
    let pattern = pattern(vm, a[0])?;
    let (flags, source) = (i64::from(pattern.flags), pattern.source);
    let hash = vm.hash(source)? ^ flags;
    Ok(vm.heap.int(if hash == -1 { -2 } else { hash }))
}

/// Flags by name, in the order in which CPython shows them.
const FLAG_NAMES: [(&str, u32); 8] = [
    ("re.IGNORECASE", tree::IGNORECASE),
    ("re.LOCALE", tree::LOCALE),
    ("re.MULTILINE", tree::MULTILINE),
    ("re.DOTALL", tree::DOTALL),
    ("re.UNICODE", tree::UNICODE),
    ("re.VERBOSE", tree::VERBOSE),
    ("re.DEBUG", tree::DEBUG),
    ("re.ASCII", tree::ASCII),
];

/// How much of an expression is shown.
const SHOWN_MAX: usize = 200;

fn repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let pattern = pattern(vm, a[0])?;
    let (mut flags, source) = (pattern.flags, pattern.source);
    if pattern.is_text && flags & tree::TEMPLATE_FLAGS == tree::UNICODE {
        flags &= !tree::UNICODE;
    }
    let mut names = Vec::new();
    for (name, flag) in FLAG_NAMES {
        if flags & flag != 0 {
            names.push(String::from(name));
            flags &= !flag;
        }
    }
    if flags != 0 {
        names.push(format!("0x{flags:x}"));
    }
    let shown = vm.repr(source)?;
    let mut out = StrBuilder::new();
    out.push_str("re.compile(");
    out.push(&vm.heap.text(shown).slice(0..SHOWN_MAX));
    if !names.is_empty() {
        out.push_str(", ");
        out.push_str(&names.join("|"));
    }
    out.push_str(")");
    args::str_value(vm, out.finish())
}
