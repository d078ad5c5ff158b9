//! `object`: what every instance has.

use std::collections::HashSet;

use lockstep_runtime::native::{ClassDef, attribute, class_method, getter, method, static_method};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::dict::Dict;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::{B, Kind, N, PyResult, Value, Vm};

use crate::args;

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new),
        method("__repr__(self, /)", repr),
        method("__hash__(self, /)", hash),
        method("__str__(self, /)", str),
        method("__getattribute__(self, name, /)", getattribute),
        method("__setattr__(self, name, value, /)", setattr),
        method("__delattr__(self, name, /)", delattr),
        method("__lt__(self, value, /)", unordered),
        method("__le__(self, value, /)", unordered),
        method("__eq__(self, value, /)", eq),
        method("__ne__(self, value, /)", ne),
        method("__gt__(self, value, /)", unordered),
        method("__ge__(self, value, /)", unordered),
        method("__init__(self, /, *args, **kwargs)", init),
        method("__reduce_ex__(self, protocol, /)", reduce_ex),
        method("__reduce__(self, /)", reduce),
        method("__getstate__(self, /)", getstate),
        class_method("__subclasshook__(cls, object, /)", subclasshook),
        class_method("__init_subclass__(cls, /)", nothing),
        method("__format__(self, format_spec, /)", format),
        method("__sizeof__(self, /)", sizeof),
        method("__dir__(self, /)", dir),
    ],
    attributes: &[
        attribute("__class__", class, set_class),
        attribute("__dict__", dict, set_dict),
        getter("__weakref__", weakref),
    ],
    doc: "The base class of the class hierarchy.\n\nWhen called, it accepts no arguments and returns a new featureless\ninstance that has no instance attributes and cannot be given any.\n",
};

pub static NONE: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", none),
        method("__bool__(self, /)", none_bool),
        method("__repr__(self, /)", singleton_repr),
        super::operators::HASH,
        super::operators::LT,
        super::operators::LE,
        super::operators::EQ,
        super::operators::NE,
        super::operators::GT,
        super::operators::GE,
    ],
    attributes: &[],
    doc: "The type of the None singleton.",
};

pub static ELLIPSIS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", ellipsis),
        method("__repr__(self, /)", singleton_repr),
    ],
    attributes: &[],
    doc: "The type of the Ellipsis singleton.",
};

pub static NOT_IMPLEMENTED: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", not_implemented),
        method("__repr__(self, /)", singleton_repr),
        method("__bool__(self, /)", not_implemented_bool),
    ],
    attributes: &[],
    doc: "The type of the NotImplemented singleton.",
};

fn none(vm: &mut Vm, a: &[Value]) -> PyResult {
    single(vm, a, Value::NONE, "NoneType")
}

/// The only object of a class, which takes no arguments and calls itself `name` then.
fn single(vm: &mut Vm, a: &[Value], object: Value, name: &str) -> PyResult {
    if has_extra(vm, a[1], a[2]) {
        return Err(vm.type_error(format!("{name} takes no arguments")));
    }
    Ok(object)
}

fn none_bool(_: &mut Vm, _: &[Value]) -> PyResult {
    Ok(Value::FALSE)
}

fn ellipsis(vm: &mut Vm, a: &[Value]) -> PyResult {
    single(vm, a, Value::ELLIPSIS, "EllipsisType")
}

fn not_implemented(vm: &mut Vm, a: &[Value]) -> PyResult {
    single(vm, a, Value::NOT_IMPLEMENTED, "NotImplementedType")
}

fn not_implemented_bool(vm: &mut Vm, _: &[Value]) -> PyResult {
    Ok(Value::bool(vm.truth(Value::NOT_IMPLEMENTED)?))
}

fn singleton_repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    args::str_value(vm, format!("{:?}", a[0]))
}

/// Whether the class gets its method `name` from `object`.
fn inherits(vm: &mut Vm, class: Value, name: N) -> bool {
    let key = vm.n(name);
    let object = vm.class(B::Object);
    vm.lookup_class_where(class, key)
        .is_none_or(|(owner, _)| owner == object)
}

fn has_extra(vm: &Vm, args: Value, kwargs: Value) -> bool {
    !vm.heap.tuple_items(args).is_empty() || !vm.heap.cell::<Dict>(kwargs).table.is_empty()
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.kind(a[0]) != Some(Kind::Class) {
        let message = format!(
            "object.__new__(X): X is not a type object ({})",
            vm.type_name(a[0])
        );
        return Err(vm.type_error(message));
    }
    if has_extra(vm, a[1], a[2]) {
        if !inherits(vm, a[0], N::new) {
            return Err(vm.type_error(
                "object.__new__() takes exactly one argument (the type to instantiate)",
            ));
        }
        if inherits(vm, a[0], N::init) {
            let name = vm.class_name_within(a[0], 200);
            let message = format!("{name}() takes no arguments");
            return Err(vm.type_error(message));
        }
    }
    vm.new_instance(a[0])
}

fn init(vm: &mut Vm, a: &[Value]) -> PyResult {
    if has_extra(vm, a[1], a[2]) {
        let class = vm.heap.class_of(a[0]);
        if !inherits(vm, class, N::init) {
            return Err(vm.type_error(
                "object.__init__() takes exactly one argument (the instance to initialize)",
            ));
        }
        // A builtin class that makes no instances for scripts has no `__new__` at all.
        let is_bare = vm.heap.cell::<Class>(class).builtin_base == B::Object;
        if is_bare && inherits(vm, class, N::new) {
            let message = format!(
                "{}.__init__() takes exactly one argument (the instance to initialize)",
                vm.class_name(class)
            );
            return Err(vm.type_error(message));
        }
    }
    Ok(Value::NONE)
}

fn repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.default_repr(a[0])
}

fn str(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.repr(a[0])
}

fn format(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(spec) = vm.heap.as_str(a[1]) else {
        let message = format!(
            "__format__() argument must be str, not {}",
            args::shown_type(vm, a[1])
        );
        return Err(vm.type_error(message));
    };
    if !spec.is_empty() {
        let message = format!(
            "unsupported format string passed to {}.__format__",
            vm.type_name(a[0])
        );
        return Err(vm.type_error(message));
    }
    vm.str(a[0])
}

fn hash(vm: &mut Vm, a: &[Value]) -> PyResult {
    let hash = vm.identity_hash(a[0]);
    Ok(vm.heap.int(hash))
}

fn eq(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(vm
        .object_compare(CompareOp::Eq, a[0], a[1])?
        .unwrap_or(Value::NOT_IMPLEMENTED))
}

fn ne(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(vm
        .object_compare(CompareOp::Ne, a[0], a[1])?
        .unwrap_or(Value::NOT_IMPLEMENTED))
}

fn unordered(_: &mut Vm, _: &[Value]) -> PyResult {
    Ok(Value::NOT_IMPLEMENTED)
}

/// An attribute name, interned.
pub fn attribute_name(vm: &mut Vm, name: Value) -> PyResult {
    if vm.heap.as_str(name).is_none() {
        let message = format!(
            "attribute name must be string, not '{}'",
            vm.type_name(name)
        );
        return Err(vm.type_error(message));
    }
    Ok(vm.heap.intern_value(name))
}

pub(super) fn getattribute(vm: &mut Vm, a: &[Value]) -> PyResult {
    let name = attribute_name(vm, a[1])?;
    match vm.generic_get_attr(a[0], name)? {
        Some(value) => Ok(value),
        None => Err(vm.no_attribute(a[0], name)),
    }
}

fn setattr(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.kind(a[0]) == Some(Kind::Class) {
        return Err(vm.type_error("can't apply this __setattr__ to type object"));
    }
    let name = attribute_name(vm, a[1])?;
    vm.generic_set_attr(a[0], name, a[2])?;
    Ok(Value::NONE)
}

fn delattr(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.kind(a[0]) == Some(Kind::Class) {
        return Err(vm.type_error("can't apply this __delattr__ to type object"));
    }
    let name = attribute_name(vm, a[1])?;
    vm.generic_set_attr(a[0], name, Value::EMPTY)?;
    Ok(Value::NONE)
}

/// Adds the names of a class and its bases to a dict, in CPython's order
/// (typeobject.c merge_class_dict): each class before its bases.
///
/// # Errors
/// What `__dict__` and `__bases__` of a script's own raise.
pub fn names_of_class(vm: &mut Vm, class: Value, into: Value) -> PyResult<()> {
    let (dict, weakref, bases) = (vm.n(N::dict), vm.n(N::weakref), vm.n(N::bases));
    let mut seen = HashSet::new();
    let mut pending = vec![class];
    while let Some(class) = pending.pop() {
        if !seen.insert(class) {
            continue;
        }
        vm.root(class);
        if let Some(attrs) = vm.get_attr_opt(class, dict)? {
            // The getters of all instances stand in `object` here, in CPython in the class that adds them.
            let had = [dict, weakref].map(|name| vm.heap.ns_get(into, name).is_some());
            vm.root(attrs);
            vm.dict_update(into, attrs)?;
            if class == vm.class(B::Object) {
                for (name, had) in [dict, weakref].into_iter().zip(had) {
                    if !had {
                        vm.heap.ns_remove(into, name);
                    }
                }
            } else if vm
                .heap
                .get::<Class>(class)
                .is_some_and(|c| !c.is_heap && c.has_dict)
            {
                vm.heap.ns_set(into, dict, Value::NONE);
            }
        }
        if let Some(bases) = vm.get_attr_opt(class, bases)? {
            vm.root(bases);
            let bases = vm.collect_iterable(bases)?;
            pending.extend(bases.into_iter().rev());
        }
    }
    Ok(())
}

fn dir(vm: &mut Vm, a: &[Value]) -> PyResult {
    let names = vm.heap.dict();
    vm.root(names);
    let key = vm.n(N::dict);
    if let Some(dict) = vm.get_attr_opt(a[0], key)?
        && vm.heap.kind(dict) == Some(Kind::Dict)
    {
        vm.dict_update(names, dict)?;
    }
    let name = vm.n(N::class);
    if let Some(class) = vm.get_attr_opt(a[0], name)? {
        names_of_class(vm, class, names)?;
    }
    Ok(keys_of(vm, names))
}

/// The keys of a dict, listed.
pub fn keys_of(vm: &mut Vm, dict: Value) -> Value {
    let entries = vm.heap.dict_entries(dict);
    let keys = entries.into_iter().map(|(key, _)| key).collect();
    vm.heap.list(keys)
}

fn sizeof(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = match vm.heap.kind(a[0]) {
        None => 28,
        Some(_) => 16 + 8 * vm.builtin_len(a[0])?.unwrap_or(4),
    };
    Ok(vm.heap.usize(n))
}

fn getstate(vm: &mut Vm, a: &[Value]) -> PyResult {
    let copyreg = vm.import_module("copyreg")?;
    vm.call_method(copyreg, "_getstate", &[a[0]])
}

fn reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    let copyreg = vm.import_module("copyreg")?;
    vm.call_method(copyreg, "_reduce_ex", &[a[0], Value::small(0)])
}

fn reduce_ex(vm: &mut Vm, a: &[Value]) -> PyResult {
    let protocol = vm.index_i64(a[1])?;
    let name = vm.n(N::reduce);
    let class = vm.heap.class_of(a[0]);
    let own = vm.lookup_class(class, name);
    let object = vm.class(B::Object);
    if own != vm.lookup_class(object, name) {
        let method = vm.get_attr(a[0], name)?;
        return vm.call(method, &[]);
    }
    let copyreg = vm.import_module("copyreg")?;
    if protocol >= 2 {
        vm.call_method(copyreg, "_reduce_newobj", &[a[0]])
    } else {
        vm.call_method(copyreg, "_reduce_ex", &[a[0], Value::small(protocol)])
    }
}

fn nothing(_: &mut Vm, _: &[Value]) -> PyResult {
    Ok(Value::NONE)
}

fn subclasshook(_: &mut Vm, _: &[Value]) -> PyResult {
    Ok(Value::NOT_IMPLEMENTED)
}

fn class(vm: &mut Vm, this: Value) -> PyResult {
    Ok(vm.heap.class_of(this))
}

/// Moves an instance to another class of the same layout.
fn set_class(vm: &mut Vm, this: Value, class: Value) -> PyResult<()> {
    if class.is_empty() {
        return Err(vm.type_error("can't delete __class__ attribute"));
    }
    if vm.heap.kind(class) != Some(Kind::Class) {
        let message = format!(
            "__class__ must be set to a class, not '{}' object",
            vm.type_name(class)
        );
        return Err(vm.type_error(message));
    }
    let old = vm.heap.class_of(this);
    let is_module = vm.heap.kind(this) == Some(Kind::Module);
    let (o, n) = (vm.heap.cell::<Class>(old), vm.heap.cell::<Class>(class));
    if !is_module && (!o.is_heap || !n.is_heap) {
        return Err(vm.type_error(
            "__class__ assignment only supported for mutable types or ModuleType subclasses",
        ));
    }
    super::class::check_same_layout(vm, old, class, "__class__")?;
    let n = vm.heap.cell::<Class>(class);
    let root = n.root_shape;
    if vm.heap.kind(this) != Some(Kind::Instance) {
        vm.heap.set_shape(this, root);
        return Ok(());
    }
    // The attributes go into a dict first: its slot is the same in both shapes.
    if n.has_dict {
        let dict = vm.attribute_dict(this);
        let entries = vm.heap.dict_entries(dict);
        let shape = vm.heap.shape_of(this);
        if let Some(slot) = vm.heap.shapes.dict_slot(shape) {
            vm.heap.set_slot(this, slot, Value::EMPTY);
        }
        let with_dict = vm.heap.shapes.with_dict(root);
        vm.heap.set_shape(this, with_dict);
        if let Some(slot) = vm.heap.shapes.dict_slot(with_dict) {
            vm.heap.set_slot(this, slot, dict);
        }
        debug_assert_eq!(vm.heap.dict_entries(dict).len(), entries.len());
    } else {
        vm.heap.set_shape(this, root);
    }
    Ok(())
}

fn dict(vm: &mut Vm, this: Value) -> PyResult {
    if vm.heap.kind(this) == Some(Kind::Class) {
        // Its metaclass has this before `type`'s own.
        return super::class::dict(vm, this);
    }
    let class = vm.heap.class_of(this);
    if !vm.heap.cell::<Class>(class).has_dict || !this.is_ptr() {
        let name = vm.n(N::dict);
        return Err(vm.no_attribute(this, name));
    }
    Ok(vm.attribute_dict(this))
}

fn weakref(vm: &mut Vm, this: Value) -> PyResult {
    if vm.heap.kind(this) == Some(Kind::Class) {
        // What it has of its own hides what `type` has of object.
        let (key, object) = (vm.n(N::weakref), vm.class(B::Object));
        return match vm.lookup_class_where(this, key) {
            Some((owner, getset)) if owner != object => Ok(getset),
            _ => Err(vm.no_attribute(this, key)),
        };
    }
    let class = vm.heap.class_of(this);
    if !vm.heap.cell::<Class>(class).has_weakref {
        let name = vm.n(N::weakref);
        return Err(vm.no_attribute(this, name));
    }
    Ok(vm
        .heap
        .weak_refs(this)
        .first()
        .copied()
        .unwrap_or(Value::NONE))
}

fn set_dict(vm: &mut Vm, this: Value, value: Value) -> PyResult<()> {
    let class = vm.heap.class_of(this);
    if !vm.heap.cell::<Class>(class).has_dict || !this.is_ptr() {
        let name = vm.n(N::dict);
        return Err(vm.no_dict_to_set(this, name));
    }
    if vm.heap.kind(this) == Some(Kind::Module) {
        return Err(vm.attribute_error("readonly attribute"));
    }
    if vm.heap.kind(this) == Some(Kind::Class) {
        let name = vm.type_name(this);
        return Err(vm.type_error(format!(
            "this __dict__ descriptor does not support '{name}' objects"
        )));
    }
    let value = match value.given() {
        None if has_native_dict(vm, class) => {
            return Err(vm.type_error("cannot delete __dict__"));
        }
        None => vm.heap.dict(),
        Some(v) if vm.heap.kind(v) == Some(Kind::Dict) => v,
        Some(v) => {
            let message = format!(
                "__dict__ must be set to a dictionary, not a '{}'",
                vm.type_name(v)
            );
            return Err(vm.type_error(message));
        }
    };
    vm.set_attribute_dict(this, value);
    Ok(())
}

/// Whether a native class gives the instances of `class` their dict: only the one that a class
/// statement gives can be deleted (CPython 3.13 object.c PyObject_GenericSetDict).
fn has_native_dict(vm: &Vm, class: Value) -> bool {
    let classes = &vm.heap.cell::<Class>(class).mro;
    classes
        .iter()
        .map(|&class| vm.heap.cell::<Class>(class))
        .any(|class| !class.is_heap && class.has_dict)
}

/// `__doc__` and the like of objects that keep it in no dict.
pub const NO_ATTRIBUTES: &[lockstep_runtime::native::GetSetDef] = &[];

/// A read-only attribute that is always None.
pub const fn none_attribute(name: &'static str) -> lockstep_runtime::native::GetSetDef {
    getter(name, |_, _| Ok(Value::NONE))
}
