//! `_sre`: regular expressions. The module `re`, written in the language,
//! caches them and has the flags and the error class. See docs/decisions/0004.

mod charset;
mod found;
mod matcher;
mod parse;
mod pattern;
mod program;
mod subject;
mod template;
mod tree;

use std::rc::Rc;

use lockstep_runtime::native::{NativeDef, function};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::text::pystr::PyStr;
use lockstep_runtime::{B, Marker, PyResult, Raised, Value, Vm};
use num_bigint::BigInt;
use num_traits::ToPrimitive;

use crate::NativeModule;
use parse::{Error, Parsed};
use tree::{Node, Seq};

pub static MODULE: NativeModule = NativeModule {
    name: "_sre",
    functions: FUNCTIONS,
    init,
};

const FUNCTIONS: &[NativeDef] = &[
    function("compile(pattern, flags, /)", compile),
    function("compile_scanner(phrases, flags, /)", compile_scanner),
    function("template(pattern, repl, /)", template::check),
    function("set_error(error, /)", |vm, a| {
        vm.ext::<Classes>().error = Some(a[0]);
        Ok(Value::NONE)
    }),
];

/// The classes of one VM.
#[derive(Default)]
struct Classes {
    pattern: Option<Value>,
    found: Option<Value>,
    scanner: Option<Value>,
    /// `re.PatternError`.
    error: Option<Value>,
}

impl Native for Classes {
    fn trace(&self, marker: &mut Marker) {
        for class in [self.pattern, self.found, self.scanner, self.error]
            .into_iter()
            .flatten()
        {
            marker.mark(class);
        }
    }
}

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    let (pattern, scanner) = pattern::classes(vm);
    let found = found::class(vm);
    let classes = vm.ext::<Classes>();
    classes.pattern = Some(pattern);
    classes.scanner = Some(scanner);
    classes.found = Some(found);
    for (name, class) in [("Pattern", pattern), ("Match", found)] {
        let name = vm.heap.intern(name);
        vm.heap.ns_set(dict, name, class);
    }
    for (name, number) in [
        ("MAXREPEAT", tree::MANY as i64),
        ("MAXGROUPS", parse::GROUPS_MAX as i64),
        ("CODESIZE", 4),
        ("MAGIC", 20_230_612),
    ] {
        let name = vm.heap.intern(name);
        vm.heap.ns_set(dict, name, Value::small(number));
    }
    Ok(())
}

/// `(pattern, warnings)` of the text of an expression.
fn compile(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (flags, fits) = flags_of(vm, a[1])?;
    let (units, is_text) = subject::source(vm, a[0])?;
    let parsed = parse::parse(&units, is_text, flags).map_err(|e| raise(vm, e, a[0]))?;
    if !fits {
        return Err(vm.overflow_error("Python int too large to convert to C int"));
    }
    make(vm, a[0], is_text, parsed)
}

/// The flags that a parser knows of those given, and whether there are no others beside them that a
/// pattern has no room for: CPython's parser, written in Python, minds them not.
fn flags_of(vm: &mut Vm, v: Value) -> PyResult<(u32, bool)> {
    if !vm.heap.is_int(v) {
        let message = format!(
            "unsupported operand type(s) for &: '{}' and 'int'",
            vm.type_name(v)
        );
        return Err(vm.type_error(message));
    }
    let flags = vm.heap.as_big(v).unwrap_or_default();
    let low = &flags & BigInt::from(u32::MAX);
    let low = low.to_u32().unwrap_or(0);
    Ok((low, flags == BigInt::from(low) && low <= i32::MAX as u32))
}

fn make(vm: &mut Vm, source: Value, is_text: bool, parsed: Parsed) -> PyResult {
    let program = program::compile(&parsed.tree, parsed.groups, parsed.flags)
        .map_err(|e| raise(vm, e, source))?;
    let pattern = pattern::new(vm, source, is_text, &parsed, Rc::new(program));
    let warnings = parsed
        .warnings
        .iter()
        .map(|w| vm.heap.str(w.message.as_str()))
        .collect();
    let warnings = vm.heap.list(warnings);
    Ok(vm.heap.tuple(&[pattern, warnings]))
}

/// As `compile`, of a list of expressions of which the first that matches
/// counts: `re.Scanner`. Each is a group.
fn compile_scanner(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (flags, _) = flags_of(vm, a[1])?;
    let phrases = vm.collect_iterable(a[0])?;
    let mut items = Vec::new();
    let mut all = None;
    let mut n_inner = 0;
    for phrase in phrases {
        let (units, is_text) = subject::source(vm, phrase)?;
        let parsed = parse::parse(&units, is_text, flags).map_err(|e| raise(vm, e, phrase))?;
        // CPython 3.13 re/__init__.py Scanner: each phrase counts its groups from 1, so they share
        // their numbers with those of the scanner.
        n_inner = n_inner.max(parsed.groups);
        let number = Some(items.len() + 1);
        all = Some((is_text, parsed.flags));
        items.push(Seq::new(vec![Node::Group {
            number,
            add_flags: 0,
            del_flags: 0,
            body: parsed.tree,
        }]));
    }
    let (is_text, flags) = all.unwrap_or((true, flags));
    let groups = items.len().max(n_inner);
    let parsed = Parsed {
        tree: Seq::new(vec![Node::Branch(items)]),
        flags,
        groups,
        names: Vec::new(),
        warnings: Vec::new(),
    };
    make(vm, Value::NONE, is_text, parsed)
}

/// The exception of an error in the expression or template `source`.
#[cold]
fn raise(vm: &mut Vm, error: Error, source: Value) -> Raised {
    let (message, at): (PyStr, _) = match error {
        Error::Pattern { message, at } => (message, at),
        Error::Overflow(message) => return vm.overflow_error(message),
        Error::Value(message) => return vm.value_error(message),
        Error::Index(message) => return vm.index_error(message),
        Error::TooDeep => {
            return vm.raise(B::RecursionError, "maximum recursion depth exceeded");
        }
    };
    let Some(class) = vm.ext::<Classes>().error else {
        return vm.value_error(message);
    };
    let message = vm.heap.str(message);
    let made = match at {
        Some(at) => {
            let at = vm.heap.usize(at);
            vm.call(class, &[message, source, at])
        }
        None => vm.call(class, &[message]),
    };
    match made {
        Ok(exception) => vm.raise_given(exception),
        Err(raised) => raised,
    }
}
