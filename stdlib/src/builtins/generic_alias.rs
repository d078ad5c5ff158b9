//! `types.GenericAlias`: what `list[int]` gives.

use lockstep_runtime::native::{ClassDef, getter, method, static_method};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

use super::object;
use super::operators as op;
use super::union::{self, TypingClasses};
use crate::args;

/// An alias of a class with arguments.
pub struct GenericAlias {
    pub origin: Value,
    /// A tuple.
    pub args: Value,
    /// Made by `*alias`.
    pub starred: bool,
}

impl Native for GenericAlias {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.origin, self.args]);
    }
}

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, origin, args, /)", new),
        method("__repr__(self, /)", repr),
        method("__eq__(self, value, /)", eq),
        method("__ne__(self, value, /)", ne),
        op::LT,
        op::LE,
        op::GT,
        op::GE,
        method("__hash__(self, /)", hash),
        method("__call__(self, /, *args, **kwargs)", call),
        method("__getitem__(self, key, /)", getitem),
        method("__iter__(self, /)", iter),
        method("__reduce__(self, /)", reduce),
        method("__setstate__(self, state, /)", setstate),
        method("__getattr__(self, name, /)", getattr),
        method("__mro_entries__(self, bases, /)", mro_entries),
        method("__or__(self, value, /)", or),
        method("__ror__(self, value, /)", ror),
        method("__instancecheck__(self, instance, /)", instancecheck),
        method("__subclasscheck__(self, subclass, /)", subclasscheck),
    ],
    attributes: &[
        getter("__origin__", origin),
        getter("__args__", arguments),
        getter("__parameters__", parameters),
        getter("__unpacked__", |vm, this| {
            Ok(Value::bool(is_starred(vm, this)))
        }),
        getter("__typing_unpacked_tuple_args__", |vm, this| {
            let (origin, arguments) = parts(vm, this);
            let of_tuple = is_starred(vm, this) && origin == vm.class(B::Tuple);
            Ok(if of_tuple { arguments } else { Value::NONE })
        }),
    ],
    doc: "Represent a PEP 585 generic type\n\nE.g. for t = list[int], t.__origin__ is list and t.__args__ is (int,).",
};

/// The class `types.GenericAlias`.
pub fn alias_class(vm: &mut Vm) -> Value {
    if let Some(class) = vm.ext::<TypingClasses>().alias {
        return class;
    }
    let object = vm.class(B::Object);
    let class = vm.new_native_class("types", "GenericAlias", object, Kind::Opaque, &CLASS);
    vm.heap.cell_mut::<Class>(class).named_with_module = true;
    vm.ext::<TypingClasses>().alias = Some(class);
    class
}

/// The body of a builtin class's `__class_getitem__`.
pub fn class_getitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    make(vm, a[0], a[1])
}

/// `origin[key]`.
///
/// # Errors
/// None of its own.
pub fn make(vm: &mut Vm, origin: Value, key: Value) -> PyResult {
    let class = alias_class(vm);
    make_alias(vm, class, origin, key, false)
}

/// An alias of this class: `GenericAlias` or one derived from it.
fn make_alias(vm: &mut Vm, class: Value, origin: Value, key: Value, starred: bool) -> PyResult {
    let args = if vm.heap.as_tuple(key).is_some() {
        key
    } else {
        vm.heap.tuple(&[key])
    };
    let shape = vm.root_shape(class);
    let alias = GenericAlias {
        origin,
        args,
        starred,
    };
    Ok(vm.heap.opaque(shape, alias))
}

fn is_starred(vm: &Vm, v: Value) -> bool {
    vm.heap
        .native::<GenericAlias>(v)
        .is_some_and(|alias| alias.starred)
}

/// Differs from CPython: there an unpacked alias is what its iterator gives, here a state says so.
fn reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (origin, args) = parts(vm, a[0]);
    let class = alias_class(vm);
    let pair = vm.heap.tuple(&[origin, args]);
    let parts = [class, pair, Value::TRUE];
    let n = if is_starred(vm, a[0]) { 3 } else { 2 };
    Ok(vm.heap.tuple(&parts[..n]))
}

fn setstate(vm: &mut Vm, a: &[Value]) -> PyResult {
    if let Some(alias) = vm.heap.native_mut::<GenericAlias>(a[0]) {
        alias.starred = true;
    }
    Ok(Value::NONE)
}

/// `*alias` gives one alias, which says that it was unpacked.
fn iter(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (origin, args) = parts(vm, a[0]);
    let class = vm.heap.class_of(a[0]);
    let alias = make_alias(vm, class, origin, args, true)?;
    let one = vm.heap.tuple(&[alias]);
    vm.root(one);
    vm.iter(one)
}

fn parts(vm: &Vm, v: Value) -> (Value, Value) {
    vm.heap
        .native::<GenericAlias>(v)
        .map_or((Value::NONE, Value::NONE), |g| (g.origin, g.args))
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    make_alias(vm, a[0], a[1], a[2], false)
}

fn repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (origin, arguments) = parts(vm, a[0]);
    let name = union::shown(vm, origin)?;
    let mut shown = Vec::new();
    for arg in vm.heap.tuple_items(arguments).to_vec() {
        shown.push(match vm.heap.as_sequence(arg).map(<[Value]>::to_vec) {
            Some(items) if vm.heap.kind(arg) == Some(Kind::List) => {
                let mut inner = Vec::new();
                for item in items {
                    inner.push(union::shown(vm, item)?);
                }
                format!("[{}]", inner.join(", "))
            }
            _ => union::shown(vm, arg)?,
        });
    }
    let shown = if shown.is_empty() {
        String::from("()")
    } else {
        shown.join(", ")
    };
    let star = if is_starred(vm, a[0]) { "*" } else { "" };
    args::str_value(vm, format!("{star}{name}[{shown}]"))
}

fn eq(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(same(vm, a[0], a[1])?.map_or(Value::NOT_IMPLEMENTED, Value::bool))
}

fn ne(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(same(vm, a[0], a[1])?.map_or(Value::NOT_IMPLEMENTED, |same| Value::bool(!same)))
}

/// Whether two aliases are equal; None if the other isn't one.
fn same(vm: &mut Vm, this: Value, other: Value) -> PyResult<Option<bool>> {
    if vm.heap.native::<GenericAlias>(other).is_none() {
        return Ok(None);
    }
    let ((o1, a1), (o2, a2)) = (parts(vm, this), parts(vm, other));
    let same_star = is_starred(vm, this) == is_starred(vm, other);
    Ok(Some(same_star && vm.eq(o1, o2)? && vm.eq(a1, a2)?))
}

fn hash(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (origin, arguments) = parts(vm, a[0]);
    let hash = vm.hash(origin)? ^ vm.hash(arguments)?;
    Ok(vm.heap.int(if hash == -1 { -2 } else { hash }))
}

fn call(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (origin, _) = parts(vm, a[0]);
    let given = vm.heap.tuple_items(a[1]).to_vec();
    let keywords = args::keywords(vm, a[2])?;
    let made = vm.call_kw(origin, &given, &keywords)?;
    let key = vm.heap.intern("__orig_class__");
    // Instances without room for it go without.
    match vm.set_attr(made, key, a[0]) {
        Err(raised)
            if !vm.is_instance_of(raised.0, B::AttributeError)
                && !vm.is_instance_of(raised.0, B::TypeError) =>
        {
            Err(raised)
        }
        _ => Ok(made),
    }
}

/// An attribute of a dunder name, of what is no class.
fn asked(vm: &mut Vm, v: Value, name: &str) -> PyResult<Option<Value>> {
    if vm.heap.kind(v) == Some(Kind::Class) {
        return Ok(None);
    }
    let name = vm.heap.intern(name);
    vm.get_attr_opt(v, name)
}

/// The type variables among the arguments, each once.
///
/// # Errors
/// What asking for their attributes raises.
pub fn type_vars(vm: &mut Vm, arguments: &[Value]) -> PyResult<Vec<Value>> {
    let mut found: Vec<Value> = Vec::new();
    for &arg in arguments {
        let inner = if vm.heap.kind(arg) == Some(Kind::Class) {
            continue;
        } else if let Some(items) = vm.heap.as_sequence(arg).map(<[Value]>::to_vec) {
            vm.deeper(|vm| type_vars(vm, &items))?
        } else if asked(vm, arg, "__typing_subst__")?.is_some() {
            vec![arg]
        } else {
            match asked(vm, arg, "__parameters__")? {
                Some(inner) => vm.heap.as_tuple(inner).unwrap_or_default().to_vec(),
                None => Vec::new(),
            }
        };
        for v in inner {
            if !found.contains(&v) {
                found.push(v);
            }
        }
    }
    Ok(found)
}

/// What is unpacked, and of known length, stands for its items.
fn unpacked(vm: &mut Vm, given: &[Value]) -> PyResult<Vec<Value>> {
    let mut all = Vec::new();
    for &arg in given {
        let items = asked(vm, arg, "__typing_unpacked_tuple_args__")?
            .and_then(|items| vm.heap.as_tuple(items).map(<[Value]>::to_vec));
        match items {
            Some(items) if items.last() != Some(&Value::ELLIPSIS) => all.extend(items),
            _ => all.push(arg),
        }
    }
    Ok(all)
}

fn getitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (origin, arguments) = parts(vm, a[0]);
    let arguments = vm.heap.tuple_items(arguments).to_vec();
    let params = type_vars(vm, &arguments)?;
    let replaced = substituted(vm, a[0], &arguments, &params, a[1])?;
    let replaced = vm.heap.tuple(&replaced);
    let starred = is_starred(vm, a[0]);
    // CPython 3.13 genericaliasobject.c ga_getitem: a plain alias, whatever the class.
    let class = alias_class(vm);
    make_alias(vm, class, origin, replaced, starred)
}

/// The arguments with what is given for their type variables. Follows CPython 3.13
/// genericaliasobject.c _Py_subs_parameters.
///
/// # Errors
/// TypeError when they don't fit; whatever the type variables raise.
pub fn substituted(
    vm: &mut Vm,
    alias: Value,
    arguments: &[Value],
    params: &[Value],
    key: Value,
) -> PyResult<Vec<Value>> {
    if params.is_empty() {
        let message = format!("{} is not a generic class", vm.repr_string(alias)?);
        return Err(vm.type_error(message));
    }
    let given = vm
        .heap
        .as_tuple(key)
        .map_or_else(|| vec![key], <[Value]>::to_vec);
    let mut given = unpacked(vm, &given)?;
    for &param in params {
        if let Some(prepare) = asked(vm, param, "__typing_prepare_subst__")?
            && !prepare.is_none()
        {
            let before = vm.heap.tuple(&given);
            vm.root(before);
            let after = vm.call(prepare, &[alias, before])?;
            vm.root(after);
            given = vm.holding(&[after], |vm| {
                let list = vm.list_from(after)?;
                Ok(vm.heap.as_sequence(list).unwrap_or_default().to_vec())
            })?;
        }
    }
    if given.len() != params.len() {
        let few = if given.len() > params.len() {
            "many"
        } else {
            "few"
        };
        let message = format!(
            "Too {few} arguments for {}; actual {}, expected {}",
            vm.repr_string(alias)?,
            given.len(),
            params.len()
        );
        return Err(vm.type_error(message));
    }
    let given_tuple = vm.heap.tuple(&given);
    vm.root(given_tuple);
    replaced(vm, arguments, params, &given)
}

/// The arguments with each type variable replaced by what is given for it.
fn replaced(
    vm: &mut Vm,
    arguments: &[Value],
    params: &[Value],
    given: &[Value],
) -> PyResult<Vec<Value>> {
    let mut all = Vec::new();
    for &arg in arguments {
        if vm.heap.kind(arg) == Some(Kind::Class) {
            all.push(arg);
            continue;
        }
        if let Some(items) = vm.heap.as_sequence(arg).map(<[Value]>::to_vec) {
            let inner = vm.deeper(|vm| replaced(vm, &items, params, given))?;
            let inner = match vm.heap.kind(arg) {
                Some(Kind::List) => vm.heap.list(inner),
                _ => vm.heap.tuple(&inner),
            };
            vm.root(inner);
            all.push(inner);
            continue;
        }
        let spreads = match asked(vm, arg, "__typing_is_unpacked_typevartuple__")? {
            Some(answer) => vm.truth(answer)?,
            None => false,
        };
        let new = match asked(vm, arg, "__typing_subst__")? {
            Some(substitute) => match params.iter().position(|&p| p == arg) {
                Some(i) => vm.call(substitute, &[given[i]])?,
                None => arg,
            },
            None => inner_replaced(vm, arg, params, given)?,
        };
        vm.root(new);
        match vm.heap.as_tuple(new).map(<[Value]>::to_vec) {
            Some(items) if spreads => all.extend(items),
            _ => all.push(new),
        }
    }
    Ok(all)
}

/// `arg[…]` with what is given for the type variables that it has itself.
fn inner_replaced(vm: &mut Vm, arg: Value, params: &[Value], given: &[Value]) -> PyResult {
    let inner = match asked(vm, arg, "__parameters__")? {
        Some(inner) => vm.heap.as_tuple(inner).unwrap_or_default().to_vec(),
        None => Vec::new(),
    };
    if inner.is_empty() {
        return Ok(arg);
    }
    let mut picked = Vec::new();
    for param in inner {
        let Some(i) = params.iter().position(|&p| p == param) else {
            picked.push(param);
            continue;
        };
        // A TypeVarTuple stands for all that it was given.
        let many = vm.heap.as_tuple(given[i]).map(<[Value]>::to_vec);
        match many {
            Some(items) if asked(vm, param, "__iter__")?.is_some() => picked.extend(items),
            _ => picked.push(given[i]),
        }
    }
    let picked = vm.heap.tuple(&picked);
    vm.root(picked);
    vm.get_item(arg, picked)
}

/// What the alias has not itself, its origin may have.
fn getattr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (origin, _) = parts(vm, a[0]);
    let name = object::attribute_name(vm, a[1])?;
    if origin.is_none()
        || vm.heap.text(name).eq_str("__copy__")
        || vm.heap.text(name).eq_str("__deepcopy__")
    {
        return Err(vm.no_attribute(a[0], name));
    }
    vm.get_attr(origin, name)
}

fn mro_entries(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (origin, _) = parts(vm, a[0]);
    Ok(vm.heap.tuple(&[origin]))
}

fn or(vm: &mut Vm, a: &[Value]) -> PyResult {
    union::union_of(vm, a[0], a[1])
}

fn ror(vm: &mut Vm, a: &[Value]) -> PyResult {
    union::union_of(vm, a[1], a[0])
}

fn instancecheck(vm: &mut Vm, _: &[Value]) -> PyResult {
    Err(vm.type_error("isinstance() argument 2 cannot be a parameterized generic"))
}

fn subclasscheck(vm: &mut Vm, _: &[Value]) -> PyResult {
    Err(vm.type_error("issubclass() argument 2 cannot be a parameterized generic"))
}

fn origin(vm: &mut Vm, this: Value) -> PyResult {
    Ok(parts(vm, this).0)
}

fn arguments(vm: &mut Vm, this: Value) -> PyResult {
    Ok(parts(vm, this).1)
}

fn parameters(vm: &mut Vm, this: Value) -> PyResult {
    let (_, arguments) = parts(vm, this);
    let arguments = vm.heap.tuple_items(arguments).to_vec();
    let found = type_vars(vm, &arguments)?;
    Ok(vm.heap.tuple(&found))
}
