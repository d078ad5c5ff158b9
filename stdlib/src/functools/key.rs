//! `cmp_to_key`: what makes keys of a function that compares two. A maker holds the function; a
//! key, which is of the same class, an object besides.

use lockstep_runtime::native::{ClassDef, attribute, method};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::{B, Marker, PyResult, Value, Vm};

/// A key, or what makes them.
struct Key {
    compare: Value,
    /// `Value::EMPTY` in what makes keys.
    object: Value,
}

impl Native for Key {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.compare, self.object]);
    }
}

/// The class of one VM.
#[derive(Default)]
struct KeyClass(Option<Value>);

impl Native for KeyClass {
    fn trace(&self, marker: &mut Marker) {
        if let Some(class) = self.0 {
            marker.mark(class);
        }
    }
}

static CLASS: ClassDef = ClassDef {
    methods: &[
        method("__call__(self, /, *args, **kwargs)", call),
        method("__lt__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Lt)
        }),
        method("__le__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Le)
        }),
        method("__eq__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Eq)
        }),
        method("__ne__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Ne)
        }),
        method("__gt__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Gt)
        }),
        method("__ge__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Ge)
        }),
    ],
    attributes: &[attribute("obj", object, set_object)],
    doc: "",
};

pub fn init(vm: &mut Vm) {
    let class = super::class(vm, "KeyWrapper", &CLASS);
    let made = vm.heap.cell_mut::<Class>(class);
    (made.is_final, made.has_dict) = (true, false);
    vm.ext::<KeyClass>().0 = Some(class);
    vm.class_attr_init(class, "__hash__", Value::NONE);
    vm.class_changed(class);
}

fn new(vm: &mut Vm, compare: Value, object: Value) -> PyResult {
    let Some(class) = vm.ext::<KeyClass>().0 else {
        return Err(vm.runtime_error("functools is not loaded"));
    };
    let shape = vm.root_shape(class);
    Ok(vm.heap.opaque(shape, Key { compare, object }))
}

pub fn cmp_to_key(vm: &mut Vm, a: &[Value]) -> PyResult {
    new(vm, a[0], Value::EMPTY)
}

fn key(vm: &Vm, this: Value) -> (Value, Value) {
    let key = vm.heap.native::<Key>(this);
    key.map_or((Value::NONE, Value::EMPTY), |k| (k.compare, k.object))
}

/// CPython 3.13 _functoolsmodule.c keyobject_call, whose messages name a function `K`.
fn call(vm: &mut Vm, a: &[Value]) -> PyResult {
    let given = vm.heap.tuple_items(a[1]).to_vec();
    let keywords = crate::args::keywords(vm, a[2])?;
    if given.len() + keywords.len() > 1 {
        let message = format!(
            "K() takes at most 1 argument ({} given)",
            given.len() + keywords.len()
        );
        return Err(vm.type_error(message));
    }
    let by_name = keywords
        .iter()
        .find(|(name, _)| vm.heap.string(*name) == "obj")
        .map(|&(_, value)| value);
    match given.first().copied().or(by_name) {
        Some(object) => {
            let (compare, _) = key(vm, a[0]);
            new(vm, compare, object)
        }
        None => Err(vm.type_error("K() missing required argument 'obj' (pos 1)")),
    }
}

fn compare(vm: &mut Vm, a: &[Value], op: CompareOp) -> PyResult {
    if vm.heap.native::<Key>(a[1]).is_none() {
        return Err(vm.type_error("other argument must be K instance"));
    }
    let ((function, one), (_, two)) = (key(vm, a[0]), key(vm, a[1]));
    if one.is_empty() || two.is_empty() {
        return Err(vm.raise(B::AttributeError, "object"));
    }
    let answer = vm.call(function, &[one, two])?;
    vm.holding(&[answer], |vm| vm.compare(op, answer, Value::small(0)))
}

fn object(vm: &mut Vm, this: Value) -> PyResult {
    let (_, object) = key(vm, this);
    // CPython 3.13 structmember.c T_OBJECT: what is not there reads as None.
    Ok(object.given().unwrap_or(Value::NONE))
}

fn set_object(vm: &mut Vm, this: Value, value: Value) -> PyResult<()> {
    if let Some(key) = vm.heap.native_mut::<Key>(this) {
        key.object = value;
    }
    Ok(())
}
