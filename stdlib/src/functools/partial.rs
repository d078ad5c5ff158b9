//! `partial`: a callable with its first arguments and some keywords. A call of it is handed on to
//! the callable within, without a frame. Follows CPython 3.13 _functoolsmodule.c partial.

use lockstep_runtime::native::{
    ClassDef, Forward, attribute, class_method, forward_method, method, static_method,
};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::text::pystr::StrBuilder;
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

use crate::args;

/// What a partial holds. Invariant: `args` is a tuple, `keywords` a dict.
struct Partial {
    func: Value,
    args: Value,
    keywords: Value,
}

impl Native for Partial {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.func, self.args, self.keywords]);
    }
}

static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new),
        forward_method("__call__(self, /, *args, **kwargs)", call),
        method("__get__(self, instance, owner=None, /)", get),
        method("__repr__(self, /)", repr),
        method("__reduce__(self, /)", reduce),
        method("__setstate__(self, state, /)", set_state),
        class_method("__class_getitem__(cls, object, /)", |vm, a| {
            crate::builtins::generic_alias::make(vm, a[0], a[1])
        }),
    ],
    attributes: &[
        attribute("func", |vm, this| Ok(parts(vm, this).0), read_only),
        attribute("args", |vm, this| Ok(parts(vm, this).1), read_only),
        attribute("keywords", |vm, this| Ok(parts(vm, this).2), read_only),
    ],
    doc: "Create a new function with partial application of the given arguments and keywords.",
};

pub fn init(vm: &mut Vm, dict: Value) {
    let class = super::class(vm, "partial", &CLASS);
    vm.heap
        .cell_mut::<lockstep_runtime::object::class::Class>(class)
        .has_weakref = true;
    super::show(vm, dict, "partial", class);
}

fn read_only(vm: &mut Vm, _: Value, _: Value) -> PyResult<()> {
    Err(vm.raise(B::AttributeError, "readonly attribute"))
}

fn parts(vm: &Vm, this: Value) -> (Value, Value, Value) {
    let partial = vm.heap.native::<Partial>(this);
    partial.map_or((Value::NONE, Value::NONE, Value::NONE), |p| {
        (p.func, p.args, p.keywords)
    })
}

/// Whether `v` is a partial without attributes of its own.
fn is_plain(vm: &Vm, v: Value) -> bool {
    vm.heap.native::<Partial>(v).is_some() && vm.heap.attrs(v).is_none()
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let given = vm.heap.tuple_items(a[1]).to_vec();
    let Some((&func, rest)) = given.split_first() else {
        return Err(vm.type_error("type 'partial' takes at least one argument"));
    };
    if !vm.is_callable(func) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    // A partial of a partial is one, unless someone gave it attributes.
    let (func, args, keywords) = if is_plain(vm, func) {
        let (inner, first, keywords) = parts(vm, func);
        let args = [vm.heap.tuple_items(first), rest].concat();
        let keywords = vm.dict_copy(keywords)?;
        vm.root(keywords);
        vm.dict_update(keywords, a[2])?;
        (inner, args, keywords)
    } else {
        (func, rest.to_vec(), a[2])
    };
    let args = vm.heap.tuple(&args);
    let shape = vm.root_shape(a[0]);
    let partial = Partial {
        func,
        args,
        keywords,
    };
    Ok(vm.heap.opaque(shape, partial))
}

fn call(vm: &mut Vm, a: &[Value], keywords: &[(Value, Value)]) -> PyResult<Forward> {
    let Some((&this, rest)) = a.split_first() else {
        return Err(
            vm.type_error("descriptor '__call__' of 'functools.partial' object needs an argument")
        );
    };
    let (func, first, own) = parts(vm, this);
    let args = vm
        .heap
        .tuple_items(first)
        .iter()
        .chain(rest)
        .copied()
        .collect();
    let mut all: smallvec::SmallVec<[(Value, Value); 4]> = args::keywords(vm, own)?.into();
    for &(name, value) in keywords {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => all.push((name, value)),
        }
    }
    Ok(Forward::Call {
        callee: func,
        args,
        keywords: all,
        then: None,
    })
}

fn get(vm: &mut Vm, a: &[Value]) -> PyResult {
    if !a[1].is_none() {
        vm.warn(
            B::FutureWarning,
            "functools.partial will be a method descriptor in future Python versions; wrap it in \
             staticmethod() if you want to preserve the old behavior",
        )?;
    }
    Ok(a[0])
}

fn repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let this = a[0];
    if !vm.repr_enter(this) {
        return Ok(vm.heap.str("..."));
    }
    let text = vm.enter(|vm| shown(vm, this));
    vm.repr_leave(this);
    text
}

fn shown(vm: &mut Vm, this: Value) -> PyResult {
    let mut out = StrBuilder::new();
    let class = vm.heap.class_of(this);
    out.push_str(&vm.class_full_name(class));
    out.push_str("(");
    let (func, first, keywords) = parts(vm, this);
    vm.write_repr(&mut out, func)?;
    vm.write_arguments(&mut out, true, first, keywords)?;
    out.push_str(")");
    Ok(vm.heap.str(out.finish()))
}

fn reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (func, args, keywords) = parts(vm, a[0]);
    let dict = vm.heap.attrs(a[0]).unwrap_or(Value::NONE);
    let class = vm.heap.class_of(a[0]);
    let of_new = vm.heap.tuple(&[func]);
    let state = vm.heap.tuple(&[func, args, keywords, dict]);
    Ok(vm.heap.tuple(&[class, of_new, state]))
}

fn set_state(vm: &mut Vm, a: &[Value]) -> PyResult {
    let state = match vm.heap.as_tuple(a[1]) {
        Some(&[func, args, keywords, dict]) => Some((func, args, keywords, dict)),
        _ => None,
    };
    let is_valid = |vm: &mut Vm, (func, args, keywords, _): (Value, Value, Value, Value)| {
        vm.is_callable(func)
            && vm.heap.kind(args) == Some(Kind::Tuple)
            && (keywords.is_none() || vm.heap.kind(keywords) == Some(Kind::Dict))
    };
    let Some((func, args, keywords, dict)) = state.filter(|&state| is_valid(vm, state)) else {
        return Err(vm.type_error("invalid partial state"));
    };
    // What is of a subclass is copied.
    let args = if vm.heap.is_exact(args, B::Tuple) {
        args
    } else {
        let items = vm.heap.tuple_items(args).to_vec();
        vm.heap.tuple(&items)
    };
    let own = if vm.heap.is_exact(keywords, B::Dict) {
        keywords
    } else {
        let own = vm.heap.dict();
        vm.holding(&[args, own], |vm| match keywords.is_none() {
            true => Ok(()),
            false => vm.dict_update(own, keywords),
        })?;
        own
    };
    if let Some(partial) = vm.heap.native_mut::<Partial>(a[0]) {
        *partial = Partial {
            func,
            args,
            keywords: own,
        };
    }
    if vm.heap.kind(dict) == Some(Kind::Dict) {
        vm.set_attribute_dict(a[0], dict);
    } else if vm.heap.attrs(a[0]).is_some() {
        let empty = vm.heap.dict();
        vm.set_attribute_dict(a[0], empty);
    }
    Ok(Value::NONE)
}
