//! `property`, `staticmethod`, `classmethod`, `super`, and the descriptors of
//! native attributes and of slots.

use lockstep_runtime::native::{ClassDef, attribute, getter, method, static_method};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::descriptor::{ClassMethod, GetSet, Property, StaticMethod, Super};
use lockstep_runtime::object::instance::SlotDescriptor;
use lockstep_runtime::{B, Kind, N, PyResult, Value, Vm};

use super::object;
use crate::args;

pub static PROPERTY: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", property_new),
        super::operators::GETATTRIBUTE,
        method(
            "__init__(self, /, fget=None, fset=None, fdel=None, doc=None)",
            property_init,
        ),
        method("__get__(self, instance, owner=None, /)", bind_get),
        method("__set__(self, instance, value, /)", property_set),
        method("__delete__(self, instance, /)", property_delete),
        method("__set_name__(self, /, *args)", property_set_name),
        method("getter(self, fget, /)", |vm, a| {
            changed(vm, a[0], Some(a[1]), None, None)
        }),
        method("setter(self, fset, /)", |vm, a| {
            changed(vm, a[0], None, Some(a[1]), None)
        }),
        method("deleter(self, fdel, /)", |vm, a| {
            changed(vm, a[0], None, None, Some(a[1]))
        }),
    ],
    attributes: &[
        attribute("fget", |vm, this| Ok(property(vm, this).get), read_only),
        attribute("fset", |vm, this| Ok(property(vm, this).set), read_only),
        attribute("fdel", |vm, this| Ok(property(vm, this).del), read_only),
        attribute(
            "__doc__",
            |vm, this| Ok(vm.heap.cell::<Property>(this).doc),
            |vm, this, v| {
                vm.heap.cell_mut::<Property>(this).doc = v.given().unwrap_or(Value::NONE);
                Ok(())
            },
        ),
        attribute("__name__", property_name, |vm, this, v| {
            vm.heap.cell_mut::<Property>(this).name = v;
            Ok(())
        }),
        getter("__isabstractmethod__", property_is_abstract),
    ],
    doc: "Property attribute.",
};

fn property(vm: &Vm, this: Value) -> &Property {
    vm.heap.cell(this)
}

/// What writing to a member that is only read gives.
fn read_only(vm: &mut Vm, _: Value, _: Value) -> PyResult<()> {
    Err(vm.attribute_error("readonly attribute"))
}

fn property_new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let shape = vm.root_shape(a[0]);
    let none = Value::NONE;
    Ok(vm.heap.alloc(
        shape,
        Property {
            get: none,
            set: none,
            del: none,
            doc: none,
            getter_doc: false,
            name: Value::EMPTY,
        },
    ))
}

fn property_init(vm: &mut Vm, a: &[Value]) -> PyResult {
    let part = |v: Value| v.given().unwrap_or(Value::NONE);
    let mut doc = part(a[4]);
    let mut getter_doc = false;
    let p = vm.heap.cell_mut::<Property>(a[0]);
    (p.get, p.set, p.del) = (part(a[1]), part(a[2]), part(a[3]));
    (p.doc, p.getter_doc, p.name) = (Value::NONE, false, Value::EMPTY);
    let key = vm.n(N::doc);
    if doc.is_none() && !part(a[1]).is_none() {
        doc = vm.get_attr_opt(a[1], key)?.unwrap_or(Value::NONE);
        getter_doc = !doc.is_none();
        vm.root(doc);
        vm.heap.cell_mut::<Property>(a[0]).getter_doc = getter_doc;
    }
    if vm.heap.is_exact(a[0], B::Property) {
        vm.heap.cell_mut::<Property>(a[0]).doc = doc;
        return Ok(Value::NONE);
    }
    // A subclass's own docstring would hide this one: it goes to the instance.
    // CPython drops it in silence where there is no room, unless it is the getter's.
    match vm.set_attr(a[0], key, doc) {
        Err(raised) if getter_doc || !vm.is_instance_of(raised.0, B::AttributeError) => Err(raised),
        _ => Ok(Value::NONE),
    }
}

/// The error of asking a descriptor neither for an instance nor for a class.
///
/// # Errors
/// TypeError.
pub(super) fn check_get(vm: &mut Vm, a: &[Value]) -> PyResult<()> {
    match a[1].is_none() && a[2].given().is_none_or(Value::is_none) {
        true => Err(vm.type_error("__get__(None, None) is invalid")),
        false => Ok(()),
    }
}

fn bind_get(vm: &mut Vm, a: &[Value]) -> PyResult {
    check_get(vm, a)?;
    if a[1].is_none() {
        return Ok(a[0]);
    }
    let class = vm.heap.class_of(a[1]);
    vm.bind(a[0], a[1], class)
}

fn property_set(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.descriptor_set(a[0], a[1], a[2])?;
    Ok(Value::NONE)
}

fn property_delete(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.descriptor_set(a[0], a[1], Value::EMPTY)?;
    Ok(Value::NONE)
}

fn property_set_name(vm: &mut Vm, a: &[Value]) -> PyResult {
    let given = vm.heap.tuple_items(a[1]);
    let &[_, name] = given else {
        let message = format!(
            "__set_name__() takes 2 positional arguments but {} were given",
            given.len()
        );
        return Err(vm.type_error(message));
    };
    vm.heap.cell_mut::<Property>(a[0]).name = name;
    Ok(Value::NONE)
}

/// A copy with one part replaced, of the property's own class.
fn changed(
    vm: &mut Vm,
    this: Value,
    get: Option<Value>,
    set: Option<Value>,
    del: Option<Value>,
) -> PyResult {
    let p = property(vm, this);
    let (doc, name) = (p.doc, p.name);
    let part = |new: Option<Value>, old: Value| new.and_then(Value::some).unwrap_or(old);
    let parts = [part(get, p.get), part(set, p.set), part(del, p.del)];
    let inherited = p.getter_doc && !parts[0].is_none();
    // A docstring that came from the old getter gives way to the new one's.
    let doc = if inherited { Value::NONE } else { doc };
    let class = vm.heap.class_of(this);
    let new = vm.call(class, &[parts[0], parts[1], parts[2], doc])?;
    if let Some(p) = vm.heap.get_mut::<Property>(new) {
        p.name = name;
    }
    Ok(new)
}

fn property_name(vm: &mut Vm, this: Value) -> PyResult {
    let p = vm.heap.cell::<Property>(this);
    let (name, get) = (p.name, p.get);
    let key = vm.n(N::name_);
    if let Some(name) = name.given() {
        return Ok(name);
    }
    if !get.is_none()
        && let Some(name) = vm.get_attr_opt(get, key)?
    {
        return Ok(name);
    }
    Err(vm.no_attribute(this, key))
}

fn is_abstract(vm: &mut Vm, func: Value) -> PyResult<bool> {
    if func.is_none() {
        return Ok(false);
    }
    let key = vm.n(N::isabstractmethod);
    match vm.get_attr_opt(func, key)? {
        Some(flag) => vm.truth(flag),
        None => Ok(false),
    }
}

fn property_is_abstract(vm: &mut Vm, this: Value) -> PyResult {
    let p = vm.heap.cell::<Property>(this);
    let (get, set, del) = (p.get, p.set, p.del);
    Ok(Value::bool(
        is_abstract(vm, get)? || is_abstract(vm, set)? || is_abstract(vm, del)?,
    ))
}

// ---- staticmethod and classmethod -------------------------------------------------

pub static STATIC: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, function, /)", static_new),
        method("__init__(self, function, /)", |_, _| Ok(Value::NONE)),
        method("__get__(self, instance, owner=None, /)", |vm, a| {
            check_get(vm, a)?;
            Ok(wrapped(vm, a[0]))
        }),
        method("__call__(self, /, *args, **kwargs)", static_call),
        method("__repr__(self, /)", wrapper_repr),
        method("__getattr__(self, name, /)", wrapper_getattr),
    ],
    attributes: &[
        getter("__func__", |vm, this| Ok(wrapped(vm, this))),
        getter("__wrapped__", |vm, this| Ok(wrapped(vm, this))),
        getter("__doc__", |vm, this| of_wrapped(vm, this, N::doc)),
        getter("__isabstractmethod__", wrapper_is_abstract),
        getter("__dict__", wrapper_dict),
    ],
    doc: "Convert a function to be a static method.",
};

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, function, /)", class_new),
        method("__init__(self, function, /)", |_, _| Ok(Value::NONE)),
        method("__get__(self, instance, owner=None, /)", class_get),
        method("__repr__(self, /)", wrapper_repr),
        method("__getattr__(self, name, /)", wrapper_getattr),
    ],
    attributes: &[
        getter("__func__", |vm, this| Ok(wrapped(vm, this))),
        getter("__wrapped__", |vm, this| Ok(wrapped(vm, this))),
        getter("__doc__", |vm, this| of_wrapped(vm, this, N::doc)),
        getter("__isabstractmethod__", wrapper_is_abstract),
        getter("__dict__", wrapper_dict),
    ],
    doc: "Convert a function to be a class method.",
};

fn wrapped(vm: &Vm, this: Value) -> Value {
    match vm.heap.get::<StaticMethod>(this) {
        Some(s) => s.func,
        None => vm.heap.cell::<ClassMethod>(this).func,
    }
}

fn static_new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let shape = vm.root_shape(a[0]);
    Ok(vm.heap.alloc(shape, StaticMethod { func: a[1] }))
}

fn class_new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let shape = vm.root_shape(a[0]);
    Ok(vm.heap.alloc(shape, ClassMethod { func: a[1] }))
}

fn static_call(vm: &mut Vm, a: &[Value]) -> PyResult {
    let func = wrapped(vm, a[0]);
    let given = vm.heap.tuple_items(a[1]).to_vec();
    let keywords = args::keywords(vm, a[2])?;
    vm.call_kw(func, &given, &keywords)
}

fn class_get(vm: &mut Vm, a: &[Value]) -> PyResult {
    check_get(vm, a)?;
    let owner = match a[2].some() {
        Some(owner) => owner,
        None => vm.heap.class_of(a[1]),
    };
    vm.bind(a[0], a[1], owner)
}

fn wrapper_repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let func = wrapped(vm, a[0]);
    let text = format!("<{}({})>", vm.type_name_whole(a[0]), vm.repr_string(func)?);
    args::str_value(vm, text)
}

fn of_wrapped(vm: &mut Vm, this: Value, name: N) -> PyResult {
    let func = wrapped(vm, this);
    let name = vm.n(name);
    vm.get_attr(func, name)
}

/// The wrapper shows the attributes of what it wraps, as CPython's, which
/// copies them.
/// What CPython's wrappers copy from their function.
const COPIED: [&str; 5] = [
    "__module__",
    "__name__",
    "__qualname__",
    "__annotations__",
    "__type_params__",
];

/// The attributes of a wrapper, with what is its function's put in when it is asked for.
fn wrapper_dict(vm: &mut Vm, this: Value) -> PyResult {
    let func = wrapped(vm, this);
    let dict = vm.attribute_dict(this);
    vm.root(dict);
    for name in COPIED[..4].iter().chain(&["__doc__"]) {
        let name = vm.heap.intern(name);
        if vm.heap.ns_get(dict, name).is_none()
            && let Some(value) = vm.get_attr_opt(func, name)?
        {
            vm.heap.ns_set(dict, name, value);
        }
    }
    Ok(dict)
}

fn wrapper_getattr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let func = wrapped(vm, a[0]);
    let name = object::attribute_name(vm, a[1])?;
    let text = vm.heap.string(name);
    if COPIED.contains(&text.as_str()) || vm.own_attr(func, name).is_some() {
        return vm.get_attr(func, name);
    }
    Err(vm.no_attribute(a[0], name))
}

fn wrapper_is_abstract(vm: &mut Vm, this: Value) -> PyResult {
    let func = wrapped(vm, this);
    Ok(Value::bool(is_abstract(vm, func)?))
}

// ---- super --------------------------------------------------------------------------

pub static SUPER: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", super_new),
        method(
            "__init__(self, type=None, object_or_type=None, /)",
            super_init,
        ),
        method("__repr__(self, /)", super_repr),
        method("__get__(self, instance, owner=None, /)", super_get),
        super::operators::GETATTRIBUTE,
    ],
    attributes: &[
        getter("__thisclass__", |vm, this| {
            Ok(vm.heap.cell::<Super>(this).class)
        }),
        getter("__self__", |vm, this| {
            Ok(vm
                .heap
                .cell::<Super>(this)
                .object
                .given()
                .unwrap_or(Value::NONE))
        }),
        getter("__self_class__", |vm, this| {
            Ok(vm
                .heap
                .cell::<Super>(this)
                .object_class
                .given()
                .unwrap_or(Value::NONE))
        }),
    ],
    doc: "super() -> same as super(__class__, <first argument>)\nsuper(type) -> unbound super object\nsuper(type, obj) -> bound super object; requires isinstance(obj, type)\nsuper(type, type2) -> bound super object; requires issubclass(type2, type)",
};

fn super_new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let shape = vm.root_shape(a[0]);
    let empty = Value::EMPTY;
    Ok(vm.heap.alloc(
        shape,
        Super {
            class: Value::NONE,
            object: empty,
            object_class: empty,
        },
    ))
}

fn super_init(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(class) = a[1].given() else {
        return Err(vm.runtime_error("super(): no arguments"));
    };
    if vm.heap.kind(class) != Some(Kind::Class) {
        let message = format!(
            "super() argument 1 must be a type, not {}",
            vm.type_name(class)
        );
        return Err(vm.type_error(message));
    }
    let (object, object_class) = match a[2].some() {
        Some(obj) => (obj, vm.super_start(class, obj)?),
        None => (Value::EMPTY, Value::EMPTY),
    };
    let s = vm.heap.cell_mut::<Super>(a[0]);
    (s.class, s.object, s.object_class) = (class, object, object_class);
    Ok(Value::NONE)
}

fn super_repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let s = vm.heap.cell::<Super>(a[0]);
    let (class, object_class) = (s.class, s.object_class);
    let name = vm.class_name(class);
    let text = match object_class.given() {
        Some(c) => format!("<super: <class '{name}'>, <{} object>>", vm.class_name(c)),
        None => format!("<super: <class '{name}'>, NULL>"),
    };
    args::str_value(vm, text)
}

fn super_get(vm: &mut Vm, a: &[Value]) -> PyResult {
    check_get(vm, a)?;
    let s = vm.heap.cell::<Super>(a[0]);
    let class = s.class;
    if a[1].is_none() || !s.object.is_empty() {
        return Ok(a[0]);
    }
    let object_class = vm.super_start(class, a[1])?;
    let shape = vm.heap.shape_of(a[0]);
    Ok(vm.heap.alloc(
        shape,
        Super {
            class,
            object: a[1],
            object_class,
        },
    ))
}

// ---- native attributes and slots --------------------------------------------------------

pub static GETSET: ClassDef = ClassDef {
    methods: &[
        method("__repr__(self, /)", getset_repr),
        method("__get__(self, instance, owner=None, /)", bind_get),
        method("__set__(self, instance, value, /)", property_set),
        method("__delete__(self, instance, /)", property_delete),
    ],
    attributes: &[
        getter("__name__", |vm, this| {
            let name = vm.heap.cell::<GetSet>(this).def.name;
            Ok(vm.heap.intern(name))
        }),
        getter("__objclass__", |vm, this| {
            Ok(vm.heap.cell::<GetSet>(this).owner)
        }),
        getter("__qualname__", |vm, this| {
            let g = vm.heap.cell::<GetSet>(this);
            let text = format!("{}.{}", vm.class_name(g.owner), g.def.name);
            args::str_value(vm, text)
        }),
        object::none_attribute("__doc__"),
    ],
    doc: "",
};

fn getset_repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let g = vm.heap.cell::<GetSet>(a[0]);
    let text = format!(
        "<attribute '{}' of '{}' objects>",
        g.def.name,
        vm.class_name(g.owner)
    );
    args::str_value(vm, text)
}

pub static MEMBER: ClassDef = ClassDef {
    methods: &[
        method("__repr__(self, /)", member_repr),
        method("__get__(self, instance, owner=None, /)", bind_get),
        method("__set__(self, instance, value, /)", property_set),
        method("__delete__(self, instance, /)", property_delete),
    ],
    attributes: &[
        getter("__name__", |vm, this| {
            Ok(vm.heap.cell::<SlotDescriptor>(this).name)
        }),
        getter("__objclass__", |vm, this| {
            Ok(vm.heap.cell::<SlotDescriptor>(this).class)
        }),
        getter("__qualname__", |vm, this| {
            let d = vm.heap.cell::<SlotDescriptor>(this);
            let class = vm.heap.cell::<Class>(d.class).qualname;
            let text = format!("{}.{}", vm.heap.string(class), vm.heap.string(d.name));
            args::str_value(vm, text)
        }),
        object::none_attribute("__doc__"),
    ],
    doc: "",
};

fn member_repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let d = vm.heap.cell::<SlotDescriptor>(a[0]);
    let text = format!(
        "<member '{}' of '{}' objects>",
        vm.heap.string(d.name),
        vm.heap.string(vm.heap.cell::<Class>(d.class).name)
    );
    args::str_value(vm, text)
}
