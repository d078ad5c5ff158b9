//! `BaseExceptionGroup` and `ExceptionGroup`.

use lockstep_runtime::native::{ClassDef, attribute, class_method, method, static_method};
use lockstep_runtime::object::exception::Exception;
use lockstep_runtime::{B, Kind, N, PyResult, Value, Vm};

use super::{exception, generic_alias};
use crate::args;

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new),
        method("__init__(self, /, *args)", init),
        method("__str__(self, /)", str),
        method("derive(self, excs, /)", derive),
        method("split(self, matcher_value, /)", split),
        method("subgroup(self, matcher_value, /)", subgroup),
        class_method(
            "__class_getitem__(cls, item, /)",
            generic_alias::class_getitem,
        ),
    ],
    attributes: &[
        attribute("message", message, read_only),
        attribute("exceptions", exceptions, read_only),
    ],
    doc: "A combination of multiple unrelated exceptions.",
};

fn read_only(vm: &mut Vm, _: Value, _: Value) -> PyResult<()> {
    Err(vm.attribute_error("readonly attribute"))
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mut class = a[0];
    let given = vm.heap.tuple_items(a[1]).to_vec();
    let [message, excs] = given[..] else {
        let message = format!(
            "BaseExceptionGroup.__new__() takes exactly 2 arguments ({} given)",
            given.len()
        );
        return Err(vm.type_error(message));
    };
    if vm.heap.as_str(message).is_none() {
        let text = format!(
            "BaseExceptionGroup.__new__() argument 1 must be str, not {}",
            args::shown_type(vm, message)
        );
        return Err(vm.type_error(text));
    }
    if vm.heap.as_sequence(excs).is_none() && !is_sequence(vm, excs) {
        return Err(vm.type_error("second argument (exceptions) must be a sequence"));
    }
    let items = vm.collect_iterable(excs)?;
    if items.is_empty() {
        return Err(vm.value_error("second argument (exceptions) must be a non-empty sequence"));
    }
    let mut only_exceptions = true;
    for (i, &item) in items.iter().enumerate() {
        if !vm.heap.is_exception(item) {
            return Err(vm.value_error(format!(
                "Item {i} of second argument (exceptions) is not an exception"
            )));
        }
        only_exceptions &= vm.is_instance_of(item, B::Exception);
    }
    let group = vm.class(B::ExceptionGroup);
    if class == vm.class(B::BaseExceptionGroup) {
        if only_exceptions {
            class = group;
        }
    } else if !only_exceptions {
        if class == group {
            return Err(vm.type_error("Cannot nest BaseExceptions in an ExceptionGroup"));
        }
        if vm.is_subclass(class, vm.class(B::Exception)) {
            let text = format!("Cannot nest BaseExceptions in '{}'", vm.class_name(class));
            return Err(vm.type_error(text));
        }
    }
    let tuple = vm.heap.tuple(&items);
    let e = exception::allocate(vm, class, a[1]);
    let fields = &mut vm.heap.cell_mut::<Exception>(e).fields;
    fields[0] = message;
    fields[1] = tuple;
    Ok(e)
}

fn init(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.heap.cell_mut::<Exception>(a[0]).args = a[1];
    Ok(Value::NONE)
}

fn str(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.builtin_str(a[0])
}

fn message(vm: &mut Vm, this: Value) -> PyResult {
    Ok(vm.heap.cell::<Exception>(this).fields[0]
        .given()
        .unwrap_or(Value::NONE))
}

fn exceptions(vm: &mut Vm, this: Value) -> PyResult {
    Ok(vm.heap.cell::<Exception>(this).fields[1]
        .given()
        .unwrap_or(Value::NONE))
}

/// Whether a value has items by number, as sequences of scripts do.
fn is_sequence(vm: &mut Vm, v: Value) -> bool {
    !matches!(vm.heap.kind(v), Some(Kind::Set | Kind::Dict)) && vm.special(v, N::getitem).is_some()
}

/// The exceptions in a group.
fn members(vm: &Vm, group: Value) -> Vec<Value> {
    let excs = vm.heap.cell::<Exception>(group).fields[1];
    vm.heap
        .as_tuple(excs)
        .map(<[Value]>::to_vec)
        .unwrap_or_default()
}

fn derive(vm: &mut Vm, a: &[Value]) -> PyResult {
    let message = vm.heap.cell::<Exception>(a[0]).fields[0];
    let class = vm.class(B::BaseExceptionGroup);
    vm.call(class, &[message, a[1]])
}

/// What `split` and `subgroup` select by.
#[derive(Clone, Copy)]
enum Matcher {
    /// A class or a tuple of classes.
    Class(Value),
    Callable(Value),
}

fn matcher(vm: &mut Vm, v: Value) -> PyResult<Matcher> {
    let is_class = |vm: &Vm, v: Value| {
        vm.heap.kind(v) == Some(Kind::Class) && vm.is_subclass(v, vm.class(B::BaseException))
    };
    if is_class(vm, v) {
        return Ok(Matcher::Class(v));
    }
    if let Some(items) = vm.heap.as_tuple(v)
        && items.iter().all(|&c| is_class(vm, c))
    {
        return Ok(Matcher::Class(v));
    }
    if vm.heap.kind(v) != Some(Kind::Class) && vm.is_callable(v) {
        return Ok(Matcher::Callable(v));
    }
    Err(vm.type_error("expected an exception type, a tuple of exception types, or a callable (other than a class)"))
}

fn matches(vm: &mut Vm, e: Value, by: Matcher) -> PyResult<bool> {
    match by {
        Matcher::Class(class) => {
            let own = vm.heap.class_of(e);
            Ok(match vm.heap.as_tuple(class) {
                Some(classes) => classes.iter().any(|&c| vm.is_subclass(own, c)),
                None => vm.is_subclass(own, class),
            })
        }
        Matcher::Callable(f) => {
            let answer = vm.call(f, &[e])?;
            vm.truth(answer)
        }
    }
}

/// The matching part of an exception and the rest; each None when empty.
fn partition(vm: &mut Vm, e: Value, by: Matcher, with_rest: bool) -> PyResult<(Value, Value)> {
    if matches(vm, e, by)? {
        return Ok((e, Value::NONE));
    }
    if !vm.is_instance_of(e, B::BaseExceptionGroup) {
        return Ok((Value::NONE, e));
    }
    let (yes, no) = (vm.heap.list(Vec::new()), vm.heap.list(Vec::new()));
    vm.root(yes);
    vm.root(no);
    for item in members(vm, e) {
        let (a, b) = vm.enter(|vm| partition(vm, item, by, with_rest))?;
        if !a.is_none() {
            vm.heap.list_push(yes, a);
        }
        if !b.is_none() {
            vm.heap.list_push(no, b);
        }
    }
    let matched = derived(vm, e, yes)?;
    vm.root(matched);
    let rest = if with_rest {
        derived(vm, e, no)?
    } else {
        Value::NONE
    };
    Ok((matched, rest))
}

/// A group like `group` of the exceptions in list `excs`; None when it is empty.
fn derived(vm: &mut Vm, group: Value, excs: Value) -> PyResult {
    if vm.heap.as_sequence(excs).is_none_or(<[Value]>::is_empty) {
        return Ok(Value::NONE);
    }
    vm.derived_group(group, excs)
}

fn split(vm: &mut Vm, a: &[Value]) -> PyResult {
    let by = matcher(vm, a[1])?;
    let (matched, rest) = partition(vm, a[0], by, true)?;
    Ok(vm.heap.tuple(&[matched, rest]))
}

fn subgroup(vm: &mut Vm, a: &[Value]) -> PyResult {
    let by = matcher(vm, a[1])?;
    Ok(partition(vm, a[0], by, false)?.0)
}
