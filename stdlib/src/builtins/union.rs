//! `types.UnionType`: what `int | None` gives.

use lockstep_runtime::native::{ClassDef, getter, method};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::object::set::Set;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::protocol::number::BinaryOp;
use lockstep_runtime::{B, Kind, Marker, N, PyResult, Value, Vm};

use super::generic_alias::{self, GenericAlias};
use super::operators as op;
use crate::args;

/// A union; its members are classes, aliases or None.
pub struct Union {
    pub args: Vec<Value>,
}

impl Native for Union {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&self.args);
    }
}

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        method("__repr__(self, /)", repr),
        method("__eq__(self, value, /)", eq),
        method("__ne__(self, value, /)", ne),
        op::LT,
        op::LE,
        op::GT,
        op::GE,
        op::GETATTRIBUTE,
        method("__hash__(self, /)", hash),
        method("__getitem__(self, key, /)", getitem),
        method("__or__(self, value, /)", or),
        method("__ror__(self, value, /)", ror),
        method("__instancecheck__(self, instance, /)", instancecheck),
        method("__subclasscheck__(self, subclass, /)", subclasscheck),
    ],
    attributes: &[
        getter("__args__", members),
        getter("__parameters__", |vm, this| {
            let args = union_args(vm, this);
            let found = generic_alias::type_vars(vm, &args)?;
            Ok(vm.heap.tuple(&found))
        }),
    ],
    doc: "Represent a union type\n\nE.g. for int | str",
};

/// The classes that the aliases and unions of one VM have.
#[derive(Default)]
pub struct TypingClasses {
    pub union: Option<Value>,
    pub alias: Option<Value>,
}

impl Native for TypingClasses {
    fn trace(&self, marker: &mut Marker) {
        for class in [self.union, self.alias].into_iter().flatten() {
            marker.mark(class);
        }
    }
}

/// The class `types.UnionType`.
pub fn union_class(vm: &mut Vm) -> Value {
    if let Some(class) = vm.ext::<TypingClasses>().union {
        return class;
    }
    let object = vm.class(B::Object);
    let class = vm.new_native_class("types", "UnionType", object, Kind::Opaque, &CLASS);
    vm.heap.cell_mut::<Class>(class).named_with_module = true;
    vm.ext::<TypingClasses>().union = Some(class);
    class
}

/// `a | b` of two things that may stand in a union; NotImplemented else.
///
/// # Errors
/// What comparing members raises.
pub fn union_of(vm: &mut Vm, a: Value, b: Value) -> PyResult {
    let mut members: Vec<Value> = Vec::new();
    for v in [a, b] {
        match vm.heap.native::<Union>(v) {
            Some(union) => members.extend_from_slice(&union.args),
            None if v.is_none() => members.push(vm.class(B::NoneType)),
            None if vm.heap.kind(v) == Some(Kind::Class)
                || vm.heap.native::<GenericAlias>(v).is_some() =>
            {
                members.push(v);
            }
            None => return Ok(Value::NOT_IMPLEMENTED),
        }
    }
    make(vm, members)
}

/// A union of these members, doubles left out; the member itself if it is one.
///
/// # Errors
/// What comparing members raises.
pub fn make(vm: &mut Vm, members: Vec<Value>) -> PyResult {
    let mut args: Vec<Value> = Vec::new();
    for member in members {
        let mut known = false;
        for &arg in &args {
            // CPython 3.13 unionobject.c is_same: classes by identity, whatever a metaclass says.
            let is_alias = [arg, member]
                .iter()
                .all(|&v| vm.heap.kind(v) != Some(Kind::Class));
            known = known || arg == member || is_alias && vm.eq(arg, member)?;
        }
        if !known {
            args.push(member);
        }
    }
    if let [one] = args[..] {
        return Ok(one);
    }
    let class = union_class(vm);
    let shape = vm.root_shape(class);
    Ok(vm.heap.opaque(shape, Union { args }))
}

fn union_args(vm: &Vm, v: Value) -> Vec<Value> {
    vm.heap
        .native::<Union>(v)
        .map(|u| u.args.clone())
        .unwrap_or_default()
}

/// How a type is shown inside an alias or a union.
///
/// # Errors
/// What `repr` raises.
pub fn shown(vm: &mut Vm, v: Value) -> PyResult<String> {
    if v == Value::ELLIPSIS {
        return Ok(String::from("..."));
    }
    if v == vm.class(B::NoneType) {
        return Ok(String::from("None"));
    }
    // CPython 3.13 unionobject.c _Py_typing_type_repr: what has both names goes by them, unless it
    // is an alias.
    let (origin, args) = (vm.heap.intern("__origin__"), vm.heap.intern("__args__"));
    let is_alias = vm.heap.native::<GenericAlias>(v).is_some()
        || vm.get_attr_opt(v, origin)?.is_some() && vm.get_attr_opt(v, args)?.is_some();
    if !is_alias {
        let (qualname, module) = (vm.n(N::qualname), vm.n(N::module));
        if let Some(name) = vm.get_attr_opt(v, qualname)?
            && let Some(module) = vm.get_attr_opt(v, module)?
            && !module.is_none()
        {
            let (name, module) = (vm.str(name)?, vm.str(module)?);
            let (name, module) = (vm.heap.string(name), vm.heap.string(module));
            return Ok(match &*module {
                "builtins" => name,
                module => format!("{module}.{name}"),
            });
        }
    }
    vm.repr_string(v)
}

fn repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mut parts = Vec::new();
    for arg in union_args(vm, a[0]) {
        parts.push(shown(vm, arg)?);
    }
    args::str_value(vm, parts.join(" | "))
}

fn same(vm: &mut Vm, a: Value, b: Value) -> PyResult<Option<bool>> {
    if vm.heap.native::<Union>(b).is_none() {
        return Ok(None);
    }
    let (x, y) = (union_args(vm, a), union_args(vm, b));
    if x.len() != y.len() {
        return Ok(Some(false));
    }
    for &m in &x {
        let mut found = false;
        for &n in &y {
            found = found || vm.compare_bool(CompareOp::Eq, m, n)?;
        }
        if !found {
            return Ok(Some(false));
        }
    }
    Ok(Some(true))
}

fn eq(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(same(vm, a[0], a[1])?.map_or(Value::NOT_IMPLEMENTED, Value::bool))
}

fn ne(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(same(vm, a[0], a[1])?.map_or(Value::NOT_IMPLEMENTED, |same| Value::bool(!same)))
}

fn hash(vm: &mut Vm, a: &[Value]) -> PyResult {
    // As that of a frozenset of its members: their order says nothing.
    let members = vm.heap.alloc(B::FrozenSet.shape(), Set::default());
    vm.root(members);
    for arg in union_args(vm, a[0]) {
        vm.set_add(members, arg)?;
    }
    let hash = vm.hash(members)?;
    Ok(vm.heap.int(hash))
}

fn or(vm: &mut Vm, a: &[Value]) -> PyResult {
    union_of(vm, a[0], a[1])
}

/// The union of the members with what is given for their type variables.
fn getitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    let args = union_args(vm, a[0]);
    let params = generic_alias::type_vars(vm, &args)?;
    let members = generic_alias::substituted(vm, a[0], &args, &params, a[1])?;
    let held = vm.heap.tuple(&members);
    vm.root(held);
    let Some((&first, rest)) = members.split_first() else {
        return Ok(Value::NONE);
    };
    let mut result = first;
    for &member in rest {
        result = vm.binary(BinaryOp::Or, result, member, false)?;
        vm.root(result);
    }
    Ok(result)
}

fn ror(vm: &mut Vm, a: &[Value]) -> PyResult {
    union_of(vm, a[1], a[0])
}

fn instancecheck(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(Value::bool(super::isinstance::isinstance(vm, a[1], a[0])?))
}

fn subclasscheck(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(Value::bool(super::isinstance::issubclass(vm, a[1], a[0])?))
}

fn members(vm: &mut Vm, this: Value) -> PyResult {
    let args = union_args(vm, this);
    Ok(vm.heap.tuple(&args))
}
