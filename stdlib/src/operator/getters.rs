//! `itemgetter`, `attrgetter` and `methodcaller`: callables that ask their argument for something.
//! They follow CPython 3.13 _operator.c.

use lockstep_runtime::native::{
    ClassDef, Forward, NativeDef, forward_method, method, static_method,
};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::text::pystr::{PyStr, StrBuilder};
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

use crate::args;

/// What a getter asks for: items, names of attributes, or a method's name and arguments.
struct Getter {
    /// A tuple.
    wanted: Value,
    /// Of `attrgetter`: for each name its parts between the dots, as a tuple of tuples.
    paths: Value,
    /// Of `methodcaller`: a dict.
    keywords: Value,
}

impl Native for Getter {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.wanted, self.paths, self.keywords]);
    }
}

const REPR: NativeDef = method("__repr__(self, /)", repr);
const REDUCE: NativeDef = method("__reduce__(self, /)", reduce);

static ITEM: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new_item),
        forward_method("__call__(self, obj, /)", call_item),
        REPR,
        REDUCE,
    ],
    attributes: &[],
    doc: "A callable that fetches the given items of its argument.",
};

static ATTR: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new_attr),
        forward_method("__call__(self, obj, /)", call_attr),
        REPR,
        REDUCE,
    ],
    attributes: &[],
    doc: "A callable that fetches the named attributes of its argument.",
};

static METHOD: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new_method),
        forward_method("__call__(self, obj, /)", call_method),
        REPR,
        REDUCE,
    ],
    attributes: &[],
    doc: "A callable that calls the named method of its argument.",
};

pub fn init(vm: &mut Vm, dict: Value) {
    for (name, def) in [
        ("itemgetter", &ITEM),
        ("attrgetter", &ATTR),
        ("methodcaller", &METHOD),
    ] {
        let object = vm.class(B::Object);
        let class = vm.new_native_class("operator", name, object, Kind::Opaque, def);
        let made = vm.heap.cell_mut::<Class>(class);
        made.named_with_module = true;
        (made.is_final, made.has_dict) = (true, false);
        let name = vm.heap.intern(name);
        vm.heap.ns_set(dict, name, class);
    }
}

fn parts(vm: &Vm, this: Value) -> (Value, Value, Value) {
    let getter = vm.heap.native::<Getter>(this);
    getter.map_or((Value::NONE, Value::NONE, Value::NONE), |g| {
        (g.wanted, g.paths, g.keywords)
    })
}

/// What `__new__` was given for one of the getters that take no keywords.
fn positional(vm: &mut Vm, a: &[Value], name: &str) -> PyResult<Vec<Value>> {
    if !vm.heap.dict_entries(a[2]).is_empty() {
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    let given = vm.heap.tuple_items(a[1]).to_vec();
    if given.is_empty() {
        return Err(vm.type_error(format!("{name} expected 1 argument, got 0")));
    }
    Ok(given)
}

fn make(vm: &mut Vm, class: Value, wanted: Value, paths: Value, keywords: Value) -> Value {
    let shape = vm.root_shape(class);
    let getter = Getter {
        wanted,
        paths,
        keywords,
    };
    vm.heap.opaque(shape, getter)
}

/// The one argument of a getter's call.
fn argument(
    vm: &mut Vm,
    a: &[Value],
    keywords: &[(Value, Value)],
    name: &str,
) -> PyResult<(Value, Value)> {
    if !keywords.is_empty() {
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    match *a {
        [this, object] => Ok((this, object)),
        _ => {
            let n = a.len().saturating_sub(1);
            Err(vm.type_error(format!("{name} expected 1 argument, got {n}")))
        }
    }
}

fn new_item(vm: &mut Vm, a: &[Value]) -> PyResult {
    positional(vm, a, "itemgetter")?;
    Ok(make(vm, a[0], a[1], Value::NONE, Value::NONE))
}

fn call_item(vm: &mut Vm, a: &[Value], keywords: &[(Value, Value)]) -> PyResult<Forward> {
    let (this, object) = argument(vm, a, keywords, "itemgetter")?;
    let (wanted, ..) = parts(vm, this);
    if let &[item] = vm.heap.tuple_items(wanted) {
        return vm.get_item(object, item).map(Forward::Return);
    }
    let found = vm.heap.list(Vec::new());
    vm.root(found);
    for item in vm.heap.tuple_items(wanted).to_vec() {
        let value = vm.get_item(object, item)?;
        vm.heap.list_push(found, value);
    }
    Ok(Forward::Return(as_tuple(vm, found)))
}

fn as_tuple(vm: &mut Vm, list: Value) -> Value {
    let items = vm.heap.as_sequence(list).unwrap_or_default().to_vec();
    vm.heap.tuple(&items)
}

fn new_attr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mut paths = Vec::new();
    let list = vm.heap.list(Vec::new());
    vm.root(list);
    for name in positional(vm, a, "attrgetter")? {
        if vm.heap.as_str(name).is_none() {
            return Err(vm.type_error("attribute name must be a string"));
        }
        let dot = PyStr::from(".");
        let mut parts = Vec::new();
        for part in vm.heap.text(name).split(Some(&dot), None) {
            let part = vm.heap.str(part);
            parts.push(vm.heap.intern_value(part));
        }
        let path = vm.heap.tuple(&parts);
        vm.heap.list_push(list, path);
        paths.push(path);
    }
    let paths = vm.heap.tuple(&paths);
    Ok(make(vm, a[0], a[1], paths, Value::NONE))
}

fn follow(vm: &mut Vm, object: Value, path: Value) -> PyResult {
    let mut value = object;
    for i in 0.. {
        let Some(&name) = vm.heap.tuple_items(path).get(i) else {
            break;
        };
        value = vm.holding(&[value], |vm| vm.get_attr(value, name))?;
    }
    Ok(value)
}

fn call_attr(vm: &mut Vm, a: &[Value], keywords: &[(Value, Value)]) -> PyResult<Forward> {
    let (this, object) = argument(vm, a, keywords, "attrgetter")?;
    let (_, paths, _) = parts(vm, this);
    if let &[path] = vm.heap.tuple_items(paths) {
        return follow(vm, object, path).map(Forward::Return);
    }
    let found = vm.heap.list(Vec::new());
    vm.root(found);
    for path in vm.heap.tuple_items(paths).to_vec() {
        let value = follow(vm, object, path)?;
        vm.heap.list_push(found, value);
    }
    Ok(Forward::Return(as_tuple(vm, found)))
}

fn new_method(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(&name) = vm.heap.tuple_items(a[1]).first() else {
        let message = "methodcaller needs at least one argument, the method name";
        return Err(vm.type_error(message));
    };
    if vm.heap.as_str(name).is_none() {
        return Err(vm.type_error("method name must be a string"));
    }
    Ok(make(vm, a[0], a[1], Value::NONE, a[2]))
}

fn call_method(vm: &mut Vm, a: &[Value], keywords: &[(Value, Value)]) -> PyResult<Forward> {
    let (this, object) = argument(vm, a, keywords, "methodcaller")?;
    let (wanted, _, own) = parts(vm, this);
    let Some((&name, args)) = vm.heap.tuple_items(wanted).split_first() else {
        return Ok(Forward::Return(Value::NONE));
    };
    let args = args.into();
    let name = vm.heap.intern_value(name);
    let callee = vm.get_attr(object, name)?;
    Ok(Forward::Call {
        callee,
        args,
        keywords: args::keywords(vm, own)?.into(),
        then: None,
    })
}

fn repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let this = a[0];
    let class = vm.heap.class_of(this);
    let name = vm.qualified_class_name(class);
    if !vm.repr_enter(this) {
        return Ok(vm.heap.str(format!("{name}(...)")));
    }
    let text = vm.enter(|vm| shown(vm, this, &name));
    vm.repr_leave(this);
    text
}

fn shown(vm: &mut Vm, this: Value, name: &str) -> PyResult {
    let (wanted, _, keywords) = parts(vm, this);
    let mut out = StrBuilder::new();
    out.push_str(name);
    out.push_str("(");
    vm.write_arguments(&mut out, false, wanted, keywords)?;
    out.push_str(")");
    Ok(vm.heap.str(out.finish()))
}

fn reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    let class = vm.heap.class_of(a[0]);
    let (wanted, _, keywords) = parts(vm, a[0]);
    if keywords.is_none() || vm.heap.dict_entries(keywords).is_empty() {
        return Ok(vm.heap.tuple(&[class, wanted]));
    }
    // A partial takes the keywords along.
    let functools = vm.import_module("functools")?;
    let name = vm.heap.intern("partial");
    let partial = vm.get_attr(functools, name)?;
    let (name, rest) = match vm.heap.tuple_items(wanted).to_vec()[..] {
        [name, ref rest @ ..] => (name, rest.to_vec()),
        [] => (Value::NONE, Vec::new()),
    };
    let keywords = args::keywords(vm, keywords)?;
    let made = vm.call_kw(partial, &[class, name], &keywords)?;
    let rest = vm.heap.tuple(&rest);
    Ok(vm.heap.tuple(&[made, rest]))
}
