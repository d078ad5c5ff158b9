//! `type`: what every class has, and making classes by calling it.

use lockstep_runtime::native::{ClassDef, attribute, class_method, getter, method, static_method};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::dict::MappingProxy;
use lockstep_runtime::protocol::class::refers_weakly;
use lockstep_runtime::{B, Kind, N, PyResult, Value, Vm};

use super::{object, operators as op, union};
use crate::args;

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(metacls, /, *args, **kwargs)", new),
        method("__init__(cls, /, *args, **kwargs)", init),
        method("__call__(self, /, *args, **kwargs)", call),
        op::REPR,
        op::GETATTRIBUTE,
        method("__setattr__(self, name, value, /)", setattr),
        method("__delattr__(self, name, /)", delattr),
        method("__instancecheck__(self, instance, /)", instancecheck),
        method("__subclasscheck__(self, subclass, /)", subclasscheck),
        method("__or__(self, value, /)", or),
        method("__ror__(self, value, /)", ror),
        method("__dir__(self, /)", dir),
        method("__subclasses__(self, /)", subclasses),
        method("__sizeof__(self, /)", sizeof),
        method("mro(self, /)", mro_method),
        class_method("__prepare__(metacls, /, *args, **kwargs)", prepare),
    ],
    attributes: &[
        attribute("__name__", name, set_name),
        attribute("__qualname__", qualname, set_qualname),
        attribute("__module__", module, set_module),
        attribute("__doc__", doc, set_doc),
        attribute("__bases__", bases, set_bases),
        getter("__base__", |vm, class| Ok(base(vm, class))),
        getter("__mro__", mro),
        getter("__dict__", dict),
        attribute("__annotations__", annotations, set_annotations),
        attribute("__type_params__", type_params, set_type_params),
        attribute("__abstractmethods__", abstractmethods, set_abstractmethods),
        getter("__basicsize__", |_, _| Ok(Value::small(16))),
        getter("__itemsize__", |_, _| Ok(Value::small(0))),
        getter("__flags__", flags),
    ],
    doc: "type(object) -> the object's type\ntype(name, bases, dict, **kwds) -> a new type",
};

fn own_module(vm: &mut Vm, class: Value) -> Value {
    let attrs = vm.heap.cell::<Class>(class).attrs;
    let key = vm.n(N::module);
    match vm.heap.ns_get(attrs, key) {
        // What `type` has under this name is the attribute of all classes.
        Some(module) if class != vm.class(B::Type) => module,
        _ => vm.heap.intern("builtins"),
    }
}

/// The live MRO's `name`, of the class itself alone.
fn own(vm: &mut Vm, class: Value, name: N) -> Option<Value> {
    let attrs = vm.heap.cell::<Class>(class).attrs;
    let key = vm.n(name);
    vm.heap.ns_get(attrs, key)
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let given = vm.heap.tuple_items(a[1]).to_vec();
    let keywords = args::keywords(vm, a[2])?;
    let [name, bases, ns] = given[..] else {
        if let ([v], true) = (&given[..], keywords.is_empty())
            && a[0] == vm.class(B::Type)
        {
            return Ok(vm.heap.class_of(*v));
        }
        if a[0] == vm.class(B::Type) {
            if given.len() == 1 {
                return Err(vm.type_error("type() takes no keyword arguments"));
            }
            return Err(vm.type_error("type() takes 1 or 3 arguments"));
        }
        let message = format!(
            "type.__new__() takes exactly 3 arguments ({} given)",
            given.len()
        );
        return Err(vm.type_error(message));
    };
    for (at, v, class) in [(1, name, B::Str), (2, bases, B::Tuple), (3, ns, B::Dict)] {
        if !vm.is_instance_of(v, class) {
            let message = format!(
                "type.__new__() argument {at} must be {}, not {}",
                class.name(),
                args::shown_type(vm, v)
            );
            return Err(vm.type_error(message));
        }
    }
    let bases = vm.heap.tuple_items(bases).to_vec();
    for &base in &bases {
        if vm.heap.kind(base) != Some(Kind::Class) {
            let entries = vm.n(N::mro_entries);
            if vm.get_attr_opt(base, entries)?.is_some() {
                return Err(vm.type_error(
                    "type() doesn't support MRO entry resolution; use types.new_class()",
                ));
            }
        }
    }
    let meta = vm.metaclass_for(a[0], &bases)?;
    if meta != a[0] {
        let key = vm.n(N::new);
        if let Some(new) = vm.lookup_class(meta, key)
            && vm.heap.kind(new) != Some(Kind::Native)
        {
            let new = vm.bind(new, Value::EMPTY, meta)?;
            let mut all = vec![meta];
            all.extend_from_slice(&given);
            return vm.call_kw(new, &all, &keywords);
        }
    }
    check_name(vm, name)?;
    let doc = vm.n(N::doc);
    if let Some(doc) = vm.heap.ns_get(ns, doc)
        && vm.heap.as_str(doc).is_some()
    {
        super::codec::encode(vm, doc, "utf-8", "strict")?;
    }
    let name = vm.heap.intern_value(name);
    vm.new_class(meta, name, &bases, ns, &keywords)
}

fn init(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = vm.heap.tuple_items(a[1]).len();
    if n != 1 && n != 3 {
        return Err(vm.type_error("type.__init__() takes 1 or 3 arguments"));
    }
    Ok(Value::NONE)
}

fn call(vm: &mut Vm, a: &[Value]) -> PyResult {
    let given = vm.heap.tuple_items(a[1]).to_vec();
    let keywords = args::keywords(vm, a[2])?;
    vm.type_call(a[0], &given, &keywords)
}

fn setattr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let name = object::attribute_name(vm, a[1])?;
    vm.generic_set_attr(a[0], name, a[2])?;
    Ok(Value::NONE)
}

fn delattr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let name = object::attribute_name(vm, a[1])?;
    vm.generic_set_attr(a[0], name, Value::EMPTY)?;
    Ok(Value::NONE)
}

fn instancecheck(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(Value::bool(super::isinstance::real_instance(
        vm, a[1], a[0],
    )?))
}

fn subclasscheck(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(Value::bool(super::isinstance::real_subclass(
        vm, a[1], a[0],
    )?))
}

fn or(vm: &mut Vm, a: &[Value]) -> PyResult {
    union::union_of(vm, a[0], a[1])
}

fn ror(vm: &mut Vm, a: &[Value]) -> PyResult {
    union::union_of(vm, a[1], a[0])
}

fn dir(vm: &mut Vm, a: &[Value]) -> PyResult {
    let names = vm.heap.dict();
    vm.root(names);
    object::names_of_class(vm, a[0], names)?;
    Ok(object::keys_of(vm, names))
}

fn subclasses(vm: &mut Vm, a: &[Value]) -> PyResult {
    let subs = vm.subclasses(a[0]);
    Ok(vm.heap.list(subs))
}

fn sizeof(vm: &mut Vm, _: &[Value]) -> PyResult {
    Ok(vm.heap.int(1064))
}

fn mro_method(vm: &mut Vm, a: &[Value]) -> PyResult {
    let bases = vm.heap.cell::<Class>(a[0]).bases.clone();
    let mro = vm.linearize(a[0], &bases)?;
    Ok(vm.heap.list(mro))
}

fn prepare(vm: &mut Vm, _: &[Value]) -> PyResult {
    Ok(vm.heap.dict())
}

// ---- attributes ------------------------------------------------------------

/// # Errors
/// TypeError for a builtin class.
fn check_mutable(vm: &mut Vm, class: Value, name: &str, value: Value) -> PyResult<()> {
    if !vm.heap.cell::<Class>(class).is_heap {
        let message = format!(
            "cannot set '{name}' attribute of immutable type '{}'",
            vm.class_name(class)
        );
        return Err(vm.type_error(message));
    }
    if value.is_empty() {
        let message = format!(
            "cannot delete '{name}' attribute of immutable type '{}'",
            vm.class_name(class)
        );
        return Err(vm.type_error(message));
    }
    Ok(())
}

fn set_own(vm: &mut Vm, class: Value, name: N, value: Value) {
    let attrs = vm.heap.cell::<Class>(class).attrs;
    let key = vm.n(name);
    if value.is_empty() {
        vm.heap.ns_remove(attrs, key);
    } else {
        vm.heap.ns_set(attrs, key, value);
    }
    vm.class_changed(class);
}

fn name(vm: &mut Vm, class: Value) -> PyResult {
    Ok(vm.heap.cell::<Class>(class).name)
}

fn set_name(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    check_mutable(vm, class, "__name__", value)?;
    if vm.heap.as_str(value).is_none() {
        let message = format!(
            "can only assign string to {}.__name__, not '{}'",
            vm.class_name(class),
            vm.type_name(value)
        );
        return Err(vm.type_error(message));
    }
    check_name(vm, value)?;
    vm.heap.cell_mut::<Class>(class).name = value;
    Ok(())
}

/// A class's name is UTF-8 without null characters.
fn check_name(vm: &mut Vm, name: Value) -> PyResult<()> {
    let bytes = super::codec::encode(vm, name, "utf-8", "strict")?;
    if bytes.contains(&0) {
        return Err(vm.value_error("type name must not contain null characters"));
    }
    Ok(())
}

fn qualname(vm: &mut Vm, class: Value) -> PyResult {
    Ok(vm.heap.cell::<Class>(class).qualname)
}

fn set_qualname(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    check_mutable(vm, class, "__qualname__", value)?;
    if vm.heap.as_str(value).is_none() {
        let message = format!(
            "can only assign string to {}.__qualname__, not '{}'",
            vm.class_name(class),
            vm.type_name(value)
        );
        return Err(vm.type_error(message));
    }
    vm.heap.cell_mut::<Class>(class).qualname = value;
    Ok(())
}

fn module(vm: &mut Vm, class: Value) -> PyResult {
    Ok(own_module(vm, class))
}

fn set_module(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    check_mutable(vm, class, "__module__", value)?;
    set_own(vm, class, N::module, value);
    // It tells where the class was written, which is no longer said.
    let line = vm.heap.intern("__firstlineno__");
    let attrs = vm.heap.cell::<Class>(class).attrs;
    if vm.heap.ns_remove(attrs, line).is_some() {
        vm.class_changed(class);
    }
    Ok(())
}

fn doc(vm: &mut Vm, class: Value) -> PyResult {
    if class == vm.class(B::Type) {
        return Ok(vm.heap.str(CLASS.doc));
    }
    match own(vm, class, N::doc) {
        Some(doc) => vm.bind(doc, Value::EMPTY, class),
        None => Ok(Value::NONE),
    }
}

fn set_doc(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    check_mutable(vm, class, "__doc__", value)?;
    set_own(vm, class, N::doc, value);
    Ok(())
}

fn bases(vm: &mut Vm, class: Value) -> PyResult {
    let bases = vm.heap.cell::<Class>(class).bases.clone();
    Ok(vm.heap.tuple(&bases))
}

fn set_bases(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    check_mutable(vm, class, "__bases__", value)?;
    let Some(items) = vm.heap.as_tuple(value).map(<[Value]>::to_vec) else {
        let message = format!(
            "can only assign tuple to {}.__bases__, not {}",
            vm.class_name(class),
            vm.type_name(value)
        );
        return Err(vm.type_error(message));
    };
    for &base in &items {
        if vm.heap.kind(base) != Some(Kind::Class) {
            let message = format!(
                "{}.__bases__ must be tuple of classes, not '{}'",
                vm.class_name(class),
                vm.type_name(base)
            );
            return Err(vm.type_error(message));
        }
        if vm.is_subclass(base, class) {
            return Err(vm.type_error("a __bases__ item causes an inheritance cycle"));
        }
    }
    if items.is_empty() {
        let message = format!(
            "can only assign non-empty tuple to {}.__bases__, not ()",
            vm.class_name(class)
        );
        return Err(vm.type_error(message));
    }
    let (old, new) = (vm.heap.cell::<Class>(class).base, vm.best_base(&items)?);
    check_same_layout(vm, old, new, "__bases__")?;
    vm.set_bases(class, &items, new)
}

/// CPython 3.13 typeobject.c compatible_for_assignment: the collector must know the instances of
/// both or of neither, and what the two add to a common base must be the same.
///
/// # Errors
/// TypeError where that is not so, naming what is assigned.
pub fn check_same_layout(vm: &mut Vm, old: Value, new: Value, what: &str) -> PyResult<()> {
    let class = |c: Value| vm.heap.cell::<Class>(c);
    let is_collected = |c: Value| {
        let plain = [
            Kind::Instance,
            Kind::BigInt,
            Kind::Float,
            Kind::Str,
            Kind::Bytes,
        ];
        class(c).is_heap || !plain.contains(&class(c).layout)
    };
    let is_freed_alike = is_collected(old) == is_collected(new);
    let (one, two) = (adding_base(vm, old), adding_base(vm, new));
    let class = |c: Value| vm.heap.cell::<Class>(c);
    let (is_heap_one, is_heap_two) = (class(one).is_heap, class(two).is_heap);
    let is_same_cell = class(old).layout == class(new).layout;
    let is_alike = one == two
        || is_heap_one
            && is_heap_two
            && extras(vm, one) == extras(vm, two)
            && class(one).own_slots == class(two).own_slots
            && base(vm, one) == base(vm, two);
    if is_freed_alike && is_same_cell && is_alike {
        return Ok(());
    }
    let differing = if is_freed_alike {
        "object layout"
    } else {
        "deallocator"
    };
    let (new, old) = (vm.class_name(new), vm.class_name(old));
    Err(vm.type_error(format!(
        "{what} assignment: '{new}' {differing} differs from '{old}'"
    )))
}

/// The first class on the way up that adds something to its base's instances.
fn adding_base(vm: &Vm, class: Value) -> Value {
    let mut at = class;
    while vm.heap.cell::<Class>(at).is_heap {
        let base = base(vm, at);
        let (own, of_base) = (vm.heap.cell::<Class>(at), vm.heap.cell::<Class>(base));
        if own.layout != of_base.layout || extras(vm, at) != extras(vm, base) {
            return at;
        }
        at = base;
    }
    match vm.heap.cell::<Class>(at).layout {
        Kind::Exception => vm.solid_base(at),
        _ => at,
    }
}

/// What a class's instances have room for: how many slots, a dict, weak references.
fn extras(vm: &Vm, class: Value) -> (u16, bool, bool) {
    let class = vm.heap.cell::<Class>(class);
    let has_weakref = class.has_weakref || refers_weakly(class.layout);
    (class.n_slots, class.has_dict, has_weakref)
}

fn base(vm: &Vm, class: Value) -> Value {
    vm.heap.cell::<Class>(class).base
}

fn mro(vm: &mut Vm, class: Value) -> PyResult {
    let mro = vm.heap.cell::<Class>(class).mro.clone();
    Ok(vm.heap.tuple(&mro))
}

pub fn dict(vm: &mut Vm, class: Value) -> PyResult {
    let mapping = vm.heap.cell::<Class>(class).attrs;
    Ok(vm
        .heap
        .alloc(B::MappingProxy.shape(), MappingProxy { mapping }))
}

fn annotations(vm: &mut Vm, class: Value) -> PyResult {
    if !vm.heap.cell::<Class>(class).is_heap {
        let name = vm.n(N::annotations);
        return Err(vm.no_attribute(class, name));
    }
    if let Some(found) = own(vm, class, N::annotations) {
        return vm.bind(found, Value::EMPTY, class);
    }
    let dict = vm.heap.dict();
    set_own(vm, class, N::annotations, dict);
    Ok(dict)
}

fn set_annotations(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    if !vm.heap.cell::<Class>(class).is_heap {
        return check_mutable(vm, class, "__annotations__", value);
    }
    if value.is_empty() && own(vm, class, N::annotations).is_none() {
        let name = vm.n(N::annotations);
        let name = vm.heap.string(name);
        return Err(vm.attribute_error(name));
    }
    set_own(vm, class, N::annotations, value);
    Ok(())
}

fn type_params(vm: &mut Vm, class: Value) -> PyResult {
    match own(vm, class, N::type_params) {
        // That of `type` itself is the attribute's.
        Some(params) if class != vm.class(B::Type) => Ok(params),
        _ => Ok(vm.heap.tuple(&[])),
    }
}

fn set_type_params(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    check_mutable(vm, class, "__type_params__", value)?;
    set_own(vm, class, N::type_params, value);
    Ok(())
}

fn abstractmethods(vm: &mut Vm, class: Value) -> PyResult {
    // What `type` has under this name is this attribute itself.
    match own(vm, class, N::abstractmethods) {
        Some(names) if class != vm.class(B::Type) => Ok(names),
        _ => {
            let name = vm.n(N::abstractmethods);
            let name = vm.heap.string(name);
            Err(vm.attribute_error(name))
        }
    }
}

fn set_abstractmethods(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    if !vm.heap.cell::<Class>(class).is_heap {
        return check_mutable(vm, class, "__abstractmethods__", value);
    }
    if value.is_empty() && own(vm, class, N::abstractmethods).is_none() {
        return Err(vm.attribute_error("__abstractmethods__"));
    }
    set_own(vm, class, N::abstractmethods, value);
    Ok(())
}

/// The bits of CPython's `tp_flags` that scripts look at: heap type, base
/// type, abstract.
fn flags(vm: &mut Vm, class: Value) -> PyResult {
    let c = vm.heap.cell::<Class>(class);
    let (is_heap, is_final) = (c.is_heap, c.is_final);
    let is_abstract = own(vm, class, N::abstractmethods).is_some();
    let bits = i64::from(is_heap) << 9 | i64::from(!is_final) << 10 | i64::from(is_abstract) << 20;
    Ok(Value::small(bits))
}
