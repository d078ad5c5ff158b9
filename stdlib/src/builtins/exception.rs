//! `BaseException` and its subclasses: construction, the attributes that each
//! class has besides, and their texts. Groups are in `group`.

use lockstep_runtime::native::{
    ClassDef, GetSetDef, NativeDef, attribute, getter, method, static_method,
};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::dict::Dict;
use lockstep_runtime::object::exception::{Exception, Traceback};
use lockstep_runtime::text::suggest;
use lockstep_runtime::{B, Kind, N, PyResult, Raised, Value, Vm};

use super::{bytes, object, operators as op};
use crate::args;

pub static BASE: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new),
        method("__init__(self, /, *args, **kwargs)", init).quick(plain_init),
        op::REPR,
        op::GETATTRIBUTE,
        STR,
        method("__reduce__(self, /)", reduce),
        method("__setstate__(self, state, /)", setstate),
        method("with_traceback(self, tb, /)", with_traceback),
        method("add_note(self, note, /)", add_note),
    ],
    attributes: &[
        attribute("args", args_of, set_args),
        attribute("__cause__", cause, set_cause),
        attribute("__context__", context, set_context),
        attribute(
            "__suppress_context__",
            suppress_context,
            set_suppress_context,
        ),
        attribute("__traceback__", traceback, set_traceback),
    ],
    doc: "Common base class for all exceptions",
};

/// Whether the class has a `__new__` of its own, which messages name: those with fields and their
/// subclasses have none (CPython 3.13 exceptions.c), but OSError and the Unicode errors.
pub fn has_own_new(vm: &Vm, class: B) -> bool {
    const WITHOUT: [B; 8] = [
        B::SystemExit,
        B::StopIteration,
        B::OSError,
        B::SyntaxError,
        B::ImportError,
        B::NameError,
        B::AttributeError,
        B::KeyError,
    ];
    let class = vm.class(class);
    !WITHOUT.iter().any(|&b| vm.is_subclass(class, vm.class(b)))
}

/// A class whose constructor sets fields, beside what BaseException has.
const fn with_fields(
    methods: &'static [NativeDef],
    attributes: &'static [GetSetDef],
    doc: &'static str,
) -> ClassDef {
    ClassDef {
        methods,
        attributes,
        doc,
    }
}

/// An attribute kept in one of the fields, None until it is set.
macro_rules! field {
    ($name:literal, $at:literal) => {
        attribute(
            $name,
            |vm, this| {
                Ok(vm.heap.cell::<Exception>(this).fields[$at]
                    .given()
                    .unwrap_or(Value::NONE))
            },
            |vm, this, value| {
                vm.heap.cell_mut::<Exception>(this).fields[$at] = value;
                Ok(())
            },
        )
    };
}

/// A rare attribute, kept among the attributes that scripts set.
macro_rules! side_field {
    ($name:literal) => {
        attribute(
            $name,
            |vm, this| {
                let name = vm.heap.intern(concat!("\u{1}", $name));
                Ok(vm.own_attr(this, name).unwrap_or(Value::NONE))
            },
            |vm, this, value| {
                let name = vm.heap.intern(concat!("\u{1}", $name));
                set_side(vm, this, name, value.given().unwrap_or(Value::NONE));
                Ok(())
            },
        )
    };
}

const INIT: NativeDef = method("__init__(self, /, *args, **kwargs)", init);
const STR: NativeDef = method("__str__(self, /)", str);

pub static STOP_ITERATION: ClassDef = with_fields(
    &[INIT],
    &[field!("value", 0)],
    "Signal the end from iterator.__next__().",
);
pub static SYSTEM_EXIT: ClassDef = with_fields(
    &[INIT],
    &[field!("code", 0)],
    "Request to exit from the interpreter.",
);
pub static KEY_ERROR: ClassDef = with_fields(&[STR], &[], "Mapping key not found.");
pub static IMPORT_ERROR: ClassDef = with_fields(
    &[INIT, STR],
    &[
        field!("name", 0),
        field!("path", 1),
        field!("msg", 2),
        field!("name_from", 3),
    ],
    "Import can't find module, or can't find name in module.",
);
pub static NAME_ERROR: ClassDef = with_fields(
    &[INIT, STR],
    &[field!("name", 0)],
    "Name not found globally.",
);
pub static ATTRIBUTE_ERROR: ClassDef = with_fields(
    &[
        INIT,
        STR,
        method("__getstate__(self, /)", |vm, a| {
            Ok(attribute_error_state(vm, a[0]))
        }),
    ],
    &[field!("name", 0), field!("obj", 1)],
    "Attribute not found.",
);
pub static OS_ERROR: ClassDef = with_fields(
    &[
        INIT,
        static_method("__new__(cls, /, *args, **kwargs)", os_error_new),
        STR,
    ],
    &[
        field!("errno", 0),
        field!("strerror", 1),
        field!("filename", 2),
        field!("filename2", 3),
        attribute(
            "characters_written",
            characters_written,
            set_characters_written,
        ),
    ],
    "Base class for I/O related errors.",
);
pub static SYNTAX_ERROR: ClassDef = with_fields(
    &[INIT, STR],
    &[
        field!("msg", 0),
        field!("filename", 1),
        field!("lineno", 2),
        field!("offset", 3),
        side_field!("text"),
        side_field!("end_lineno"),
        side_field!("end_offset"),
        side_field!("print_file_and_line"),
    ],
    "Invalid syntax.",
);
pub static UNICODE_DECODE_ERROR: ClassDef =
    with_fields(&[INIT, STR], UNICODE_FIELDS, "Unicode decoding error.");
pub static UNICODE_ENCODE_ERROR: ClassDef =
    with_fields(&[INIT, STR], UNICODE_FIELDS, "Unicode encoding error.");
pub static UNICODE_TRANSLATE_ERROR: ClassDef =
    with_fields(&[INIT, STR], UNICODE_FIELDS, "Unicode translation error.");

const UNICODE_FIELDS: &[GetSetDef] = &[
    field!("encoding", 0),
    field!("object", 1),
    attribute(
        "start",
        |vm, this| Ok(range_of(vm, this).0),
        |vm, this, v| set_range(vm, this, v, 0),
    ),
    attribute(
        "end",
        |vm, this| Ok(range_of(vm, this).1),
        |vm, this, v| set_range(vm, this, v, 1),
    ),
    field!("reason", 2),
];

fn set_side(vm: &mut Vm, this: Value, name: Value, value: Value) {
    let dict = vm.attribute_dict(this);
    vm.heap.ns_set(dict, name, value);
}

// ---- construction ------------------------------------------------------------

/// A new exception of a class, its arguments a tuple, `__init__` still to come.
pub fn allocate(vm: &mut Vm, class: Value, args: Value) -> Value {
    let shape = vm.root_shape(class);
    vm.heap.alloc(shape, Exception::new(args))
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let e = allocate(vm, a[0], a[1]);
    // CPython fills these in __init__; without one that calls up they are as here.
    if vm.heap.cell::<Class>(a[0]).builtin_base == B::StopIteration {
        let first = vm.heap.tuple_items(a[1]).first().copied();
        vm.heap.cell_mut::<Exception>(e).fields[0] = first.unwrap_or(Value::NONE);
    }
    Ok(e)
}

/// `__init__` of an exception that has no fields to fill.
fn plain_init(vm: &mut Vm, a: &[Value]) -> PyResult<Option<Value>> {
    let Some((&this, args)) = a.split_first() else {
        return Ok(None);
    };
    let class = vm.heap.class_of(this);
    if vm.heap.kind(this) != Some(Kind::Exception)
        || !vm.heap.cell::<Class>(class).hooks.plain_exceptions
    {
        return Ok(None);
    }
    let args = vm.heap.tuple(args);
    vm.heap.cell_mut::<Exception>(this).args = args;
    Ok(Some(Value::NONE))
}

fn init(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (this, tuple) = (a[0], a[1]);
    let class = vm.heap.class_of(this);
    let base = vm.heap.cell::<Class>(class).builtin_base;
    let family = |vm: &Vm, of: B| vm.is_subclass(vm.class(base), vm.class(of));
    if family(vm, B::OSError) && !is_os_error_of_init(vm, class) {
        // `__new__` has done it.
        return Ok(Value::NONE);
    }
    vm.heap.cell_mut::<Exception>(this).args = tuple;
    let given = vm.heap.tuple_items(tuple).to_vec();
    let has_keywords = !vm.heap.cell::<Dict>(a[2]).table.is_empty();
    if family(vm, B::ImportError) {
        vm.heap.cell_mut::<Exception>(this).fields = [Value::EMPTY; 4];
        take_keywords(
            vm,
            a[2],
            "ImportError",
            this,
            &[("name", 0), ("path", 1), ("name_from", 3)],
        )?;
        let message = if let [one] = given[..] {
            one
        } else {
            Value::NONE
        };
        vm.heap.cell_mut::<Exception>(this).fields[2] = message;
        return Ok(Value::NONE);
    }
    if family(vm, B::AttributeError) {
        take_keywords(vm, a[2], "AttributeError", this, &[("name", 0), ("obj", 1)])?;
        return Ok(Value::NONE);
    }
    if family(vm, B::NameError) {
        take_keywords(vm, a[2], "NameError", this, &[("name", 0)])?;
        return Ok(Value::NONE);
    }
    if has_keywords {
        return Err(takes_no_keywords(vm, class));
    }
    if family(vm, B::StopIteration) {
        vm.heap.cell_mut::<Exception>(this).fields[0] =
            given.first().copied().unwrap_or(Value::NONE);
    } else if family(vm, B::SystemExit) {
        vm.heap.cell_mut::<Exception>(this).fields[0] = match given[..] {
            [] => Value::NONE,
            [one] => one,
            _ => tuple,
        };
    } else if family(vm, B::OSError) {
        init_os_error(vm, this, &given)?;
    } else if family(vm, B::SyntaxError) {
        init_syntax_error(vm, this, &given)?;
    } else {
        const WITH_TEXTS: [B; 3] = [
            B::UnicodeDecodeError,
            B::UnicodeEncodeError,
            B::UnicodeTranslateError,
        ];
        if let Some(&class) = WITH_TEXTS.iter().find(|&&class| family(vm, class)) {
            init_unicode_error(vm, this, &given, class)?;
        }
    }
    Ok(Value::NONE)
}

fn takes_no_keywords(vm: &mut Vm, class: Value) -> Raised {
    let message = format!("{}() takes no keyword arguments", vm.type_name_of(class));
    vm.type_error(message)
}

fn take_keywords(
    vm: &mut Vm,
    dict: Value,
    class: &str,
    this: Value,
    allowed: &[(&str, usize)],
) -> PyResult<()> {
    for (key, value) in args::keywords(vm, dict)? {
        let name = vm.heap.string(key);
        match allowed.iter().find(|(n, _)| *n == name) {
            Some(&(_, at)) => vm.heap.cell_mut::<Exception>(this).fields[at] = value,
            None => {
                let names: Vec<&str> = allowed.iter().map(|&(name, _)| name).collect();
                let hint = suggest::keyword_hint(&name, &names);
                let message =
                    format!("{class}() got an unexpected keyword argument '{name}'{hint}");
                return Err(vm.type_error(message));
            }
        }
    }
    Ok(())
}

/// CPython 3.13 exceptions.c oserror_init: two to five arguments are errno,
/// text and file names; with a file name, `args` keeps the first two only.
fn init_os_error(vm: &mut Vm, this: Value, given: &[Value]) -> PyResult<()> {
    if !(2..=5).contains(&given.len()) {
        return Ok(());
    }
    let mut filename = given.get(2).copied().unwrap_or(Value::EMPTY);
    let is_blocking = vm.heap.class_of(this) == vm.class(B::BlockingIOError);
    if is_blocking && (vm.heap.is_int(filename) || vm.is_instance_of(filename, B::Float)) {
        set_characters_written(vm, this, filename)?;
        filename = Value::EMPTY;
    }
    let filename2 = given.get(4).copied().unwrap_or(Value::EMPTY);
    let fields = [given[0], given[1], filename, filename2];
    vm.heap.cell_mut::<Exception>(this).fields = fields;
    if filename.some().is_some() {
        let args = vm.heap.tuple(&given[..2]);
        vm.heap.cell_mut::<Exception>(this).args = args;
    }
    Ok(())
}

/// Whether OSError's `__init__` takes the arguments, not its `__new__`: CPython 3.13 exceptions.c
/// oserror_use_init.
fn is_os_error_of_init(vm: &mut Vm, class: Value) -> bool {
    if !vm.heap.cell::<Class>(class).is_heap {
        return false;
    }
    let base = vm.class(B::OSError);
    let mut is_own = |name| vm.lookup_class(class, vm.n(name)) != vm.lookup_class(base, vm.n(name));
    is_own(N::init) && !is_own(N::new)
}

const WRITTEN: &str = "\u{1}characters_written";

fn characters_written(vm: &mut Vm, this: Value) -> PyResult {
    let name = vm.heap.intern(WRITTEN);
    match vm.own_attr(this, name).and_then(Value::some) {
        Some(n) => Ok(n),
        None => Err(vm.raise(B::AttributeError, "characters_written")),
    }
}

fn set_characters_written(vm: &mut Vm, this: Value, value: Value) -> PyResult<()> {
    let value = match value.given() {
        Some(n) => vm.index(n)?,
        None => {
            characters_written(vm, this)?;
            Value::NONE
        }
    };
    let name = vm.heap.intern(WRITTEN);
    set_side(vm, this, name, value);
    Ok(())
}

/// The subclass of OSError for an errno, on Linux.
pub fn os_error_class(errno: i64) -> B {
    match errno {
        11 | 115 | 114 => B::BlockingIOError,
        32 | 108 => B::BrokenPipeError,
        10 => B::ChildProcessError,
        103 => B::ConnectionAbortedError,
        111 => B::ConnectionRefusedError,
        104 => B::ConnectionResetError,
        17 => B::FileExistsError,
        2 => B::FileNotFoundError,
        21 => B::IsADirectoryError,
        20 => B::NotADirectoryError,
        4 => B::InterruptedError,
        1 | 13 => B::PermissionError,
        3 => B::ProcessLookupError,
        110 => B::TimeoutError,
        _ => B::OSError,
    }
}

fn os_error_new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mut class = a[0];
    if is_os_error_of_init(vm, class) {
        let none = vm.heap.tuple(&[]);
        return Ok(allocate(vm, class, none));
    }
    if !vm.heap.cell::<Dict>(a[2]).table.is_empty() {
        return Err(takes_no_keywords(vm, class));
    }
    let given = vm.heap.tuple_items(a[1]);
    if class == vm.class(B::OSError)
        && (2..=5).contains(&given.len())
        && let Some(errno) = vm.heap.as_i64(given[0])
    {
        class = vm.class(os_error_class(errno));
    }
    let given = given.to_vec();
    let e = allocate(vm, class, a[1]);
    vm.root(e);
    init_os_error(vm, e, &given)?;
    Ok(e)
}

fn init_syntax_error(vm: &mut Vm, this: Value, given: &[Value]) -> PyResult<()> {
    if let Some(&message) = given.first() {
        vm.heap.cell_mut::<Exception>(this).fields[0] = message;
    }
    if let [_, place] = given[..] {
        let items = vm.collect_iterable(place)?;
        let n = items.len();
        let message = match n {
            0..=3 => format!("function takes at least 4 arguments ({n} given)"),
            4 | 6 => String::new(),
            5 => String::from("end_offset must be provided when end_lineno is provided"),
            _ => format!("function takes at most 6 arguments ({n} given)"),
        };
        if !message.is_empty() {
            return Err(vm.type_error(message));
        }
        let fields = &mut vm.heap.cell_mut::<Exception>(this).fields;
        fields[1..4].copy_from_slice(&items[..3]);
        for (name, at) in [("text", 3), ("end_lineno", 4), ("end_offset", 5)] {
            if let Some(&value) = items.get(at) {
                let key = vm.heap.intern(&format!("\u{1}{name}"));
                set_side(vm, this, key, value);
            }
        }
    }
    Ok(())
}

/// Takes the arguments of one of the three Unicode errors: an encoding but for the last of them, a
/// text or bytes, where they start and end that are meant, a reason.
fn init_unicode_error(vm: &mut Vm, this: Value, given: &[Value], class: B) -> PyResult<()> {
    let n_before = usize::from(class != B::UnicodeTranslateError);
    if given.len() != 4 + n_before {
        let message = format!(
            "function takes exactly {} arguments ({} given)",
            4 + n_before,
            given.len()
        );
        return Err(vm.type_error(message));
    }
    let (encoding, rest) = given.split_at(n_before);
    let (mut object, reason) = (rest[0], rest[3]);
    if let Some(&encoding) = encoding.first() {
        check_text(vm, 1, encoding)?;
    }
    if class != B::UnicodeDecodeError {
        check_text(vm, 1 + n_before, object)?;
    }
    let (start, end) = (vm.to_ssize(rest[1])?, vm.to_ssize(rest[2])?);
    check_text(vm, 4 + n_before, reason)?;
    if class == B::UnicodeDecodeError && !vm.is_instance_of(object, B::Bytes) {
        let data = bytes::data_of(vm, object)?;
        object = vm.heap.bytes(data);
        vm.root(object);
    }
    let range = [vm.heap.int(start), vm.heap.int(end)];
    let range = vm.heap.tuple(&range);
    let encoding = encoding.first().copied().unwrap_or(Value::NONE);
    vm.heap.cell_mut::<Exception>(this).fields = [encoding, object, reason, range];
    Ok(())
}

fn check_text(vm: &mut Vm, at: usize, v: Value) -> PyResult<()> {
    if vm.heap.as_str(v).is_some() {
        return Ok(());
    }
    let found = args::shown_type(vm, v);
    Err(vm.type_error(format!("argument {at} must be str, not {found}")))
}

// ---- texts ---------------------------------------------------------------------

/// The text by the builtin class that the exception is an instance of.
fn str(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.builtin_str(a[0])
}

fn range_of(vm: &Vm, this: Value) -> (Value, Value) {
    let range = vm.heap.cell::<Exception>(this).fields[3];
    match vm.heap.as_tuple(range) {
        Some(&[start, end]) => (start, end),
        _ => (Value::small(0), Value::small(0)),
    }
}

fn set_range(vm: &mut Vm, this: Value, value: Value, at: usize) -> PyResult<()> {
    let value = vm.index(value)?;
    let (start, end) = range_of(vm, this);
    let pair = if at == 0 {
        [value, end]
    } else {
        [start, value]
    };
    let range = vm.heap.tuple(&pair);
    vm.heap.cell_mut::<Exception>(this).fields[3] = range;
    Ok(())
}

// ---- methods and attributes ------------------------------------------------------

fn reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    let class = vm.heap.class_of(a[0]);
    let mut args = vm.heap.cell::<Exception>(a[0]).args;
    let fields = vm.heap.cell::<Exception>(a[0]).fields;
    let given = vm.heap.tuple_items(args).to_vec();
    // CPython 3.13 exceptions.c OSError_reduce: `args` has lost the file names.
    if vm.is_instance_of(a[0], B::OSError)
        && let [errno, text] = given[..]
        && let Some(filename) = fields[2].some()
    {
        args = match fields[3].some() {
            Some(other) => vm.heap.tuple(&[errno, text, filename, Value::NONE, other]),
            None => vm.heap.tuple(&[errno, text, filename]),
        };
        vm.root(args);
    }
    if vm.is_instance_of(a[0], B::ImportError) {
        let mut named = vec![
            ("name", fields[0]),
            ("path", fields[1]),
            ("name_from", fields[3]),
        ];
        named.retain(|(_, value)| value.some().is_some());
        if !named.is_empty() {
            let state = state_with(vm, a[0], &named);
            return Ok(vm.heap.tuple(&[class, args, state]));
        }
    }
    if vm.is_instance_of(a[0], B::AttributeError) {
        let state = attribute_error_state(vm, a[0]);
        return Ok(vm.heap.tuple(&[class, args, state]));
    }
    match vm.heap.attrs(a[0]) {
        Some(dict) => Ok(vm.heap.tuple(&[class, args, dict])),
        None => Ok(vm.heap.tuple(&[class, args])),
    }
}

/// The attributes of an exception, and what it has besides by these names.
fn state_with(vm: &mut Vm, this: Value, named: &[(&str, Value)]) -> Value {
    let state = vm.heap.dict();
    vm.root(state);
    if let Some(own) = vm.heap.attrs(this) {
        for (key, value) in vm.heap.dict_entries(own) {
            vm.heap.ns_set(state, key, value);
        }
    }
    for &(name, value) in named {
        let name = vm.heap.intern(name);
        vm.heap.ns_set(state, name, value);
    }
    state
}

/// CPython 3.13 exceptions.c AttributeError_getstate: the object is left out.
fn attribute_error_state(vm: &mut Vm, this: Value) -> Value {
    let e = vm.heap.cell::<Exception>(this);
    let (name, args) = (e.fields[0], e.args);
    let named = [("name", name), ("args", args)];
    let n_absent = usize::from(name.given().is_none());
    state_with(vm, this, &named[n_absent..])
}

fn setstate(vm: &mut Vm, a: &[Value]) -> PyResult {
    if a[1].is_none() {
        return Ok(Value::NONE);
    }
    if vm.heap.kind(a[1]) != Some(Kind::Dict) {
        return Err(vm.type_error("state is not a dictionary"));
    }
    for (key, value) in vm.heap.dict_entries(a[1]) {
        let key = object::attribute_name(vm, key)?;
        vm.set_attr(a[0], key, value)?;
    }
    Ok(Value::NONE)
}

fn with_traceback(vm: &mut Vm, a: &[Value]) -> PyResult {
    set_traceback(vm, a[0], a[1])?;
    Ok(a[0])
}

fn add_note(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.as_str(a[1]).is_none() {
        let message = format!("note must be a str, not '{}'", vm.type_name(a[1]));
        return Err(vm.type_error(message));
    }
    let key = vm.n(N::notes);
    match vm.get_attr_opt(a[0], key)? {
        Some(list) if vm.heap.kind(list) == Some(Kind::List) => vm.heap.list_push(list, a[1]),
        Some(_) => return Err(vm.type_error("Cannot add note: __notes__ is not a list")),
        None => {
            let list = vm.heap.list(vec![a[1]]);
            vm.set_attr(a[0], key, list)?;
        }
    }
    Ok(Value::NONE)
}

fn args_of(vm: &mut Vm, this: Value) -> PyResult {
    Ok(vm.heap.cell::<Exception>(this).args)
}

fn set_args(vm: &mut Vm, this: Value, value: Value) -> PyResult<()> {
    if value.is_empty() {
        return Err(vm.type_error("args may not be deleted"));
    }
    let items = vm.collect_iterable(value)?;
    let args = vm.heap.tuple(&items);
    vm.heap.cell_mut::<Exception>(this).args = args;
    Ok(())
}

fn check_link(vm: &mut Vm, value: Value, what: &str) -> PyResult<()> {
    if value.is_empty() {
        return Err(vm.type_error(format!("__{what}__ may not be deleted")));
    }
    if !value.is_none() && !vm.heap.is_exception(value) {
        return Err(vm.type_error(format!(
            "exception {what} must be None or derive from BaseException"
        )));
    }
    Ok(())
}

fn cause(vm: &mut Vm, this: Value) -> PyResult {
    Ok(vm.heap.cell::<Exception>(this).cause)
}

fn set_cause(vm: &mut Vm, this: Value, value: Value) -> PyResult<()> {
    check_link(vm, value, "cause")?;
    let e = vm.heap.cell_mut::<Exception>(this);
    e.cause = value;
    e.suppress_context = true;
    Ok(())
}

fn context(vm: &mut Vm, this: Value) -> PyResult {
    Ok(vm.heap.cell::<Exception>(this).context)
}

fn set_context(vm: &mut Vm, this: Value, value: Value) -> PyResult<()> {
    check_link(vm, value, "context")?;
    vm.heap.cell_mut::<Exception>(this).context = value;
    Ok(())
}

fn suppress_context(vm: &mut Vm, this: Value) -> PyResult {
    Ok(Value::bool(
        vm.heap.cell::<Exception>(this).suppress_context,
    ))
}

fn set_suppress_context(vm: &mut Vm, this: Value, value: Value) -> PyResult<()> {
    match value.as_bool() {
        Some(b) => {
            vm.heap.cell_mut::<Exception>(this).suppress_context = b;
            Ok(())
        }
        None => Err(vm.type_error("attribute value type must be bool")),
    }
}

fn traceback(vm: &mut Vm, this: Value) -> PyResult {
    Ok(vm.traceback_of(this))
}

fn set_traceback(vm: &mut Vm, this: Value, value: Value) -> PyResult<()> {
    if value.is_empty() {
        return Err(vm.type_error("__traceback__ may not be deleted"));
    }
    if !value.is_none() && vm.heap.kind(value) != Some(Kind::Traceback) {
        return Err(vm.type_error("__traceback__ must be a traceback or None"));
    }
    let e = vm.heap.cell_mut::<Exception>(this);
    e.trace.clear();
    e.traceback = value;
    Ok(())
}

// ---- traceback objects -------------------------------------------------------------

pub static TRACEBACK: ClassDef = ClassDef {
    methods: &[],
    attributes: &[
        attribute("tb_next", tb_next, set_tb_next),
        getter("tb_lineno", tb_lineno),
        getter("tb_lasti", |_, _| Ok(Value::small(0))),
        getter("tb_frame", tb_frame),
    ],
    doc: "Create a new traceback object.",
};

fn tb_next(vm: &mut Vm, this: Value) -> PyResult {
    Ok(vm.heap.cell::<Traceback>(this).next)
}

fn set_tb_next(vm: &mut Vm, this: Value, value: Value) -> PyResult<()> {
    if value.is_empty() {
        return Err(vm.type_error("can't delete tb_next attribute"));
    }
    if !value.is_none() && vm.heap.get::<Traceback>(value).is_none() {
        let found = vm.type_name(value);
        let message = format!("expected traceback object or None, got '{found}'");
        return Err(vm.type_error(message));
    }
    let mut at = value;
    while let Some(t) = vm.heap.get::<Traceback>(at) {
        if at == this {
            return Err(vm.value_error("traceback loop detected"));
        }
        at = t.next;
    }
    vm.heap.cell_mut::<Traceback>(this).next = value;
    Ok(())
}

fn tb_lineno(vm: &mut Vm, this: Value) -> PyResult {
    let entry = vm.heap.cell::<Traceback>(this).entry;
    Ok(match vm.trace_line(entry).line {
        0 => Value::NONE,
        line => Value::small(line.into()),
    })
}

fn tb_frame(vm: &mut Vm, this: Value) -> PyResult {
    let entry = vm.heap.cell::<Traceback>(this).entry;
    super::frame::of_entry(vm, entry)
}
