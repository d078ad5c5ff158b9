//! `groupby` and the groups it gives, which read the source through it.

use lockstep_runtime::native::{ClassDef, static_method};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{Marker, PyResult, Value, Vm};

use super::{ITER, NEXT};

pub static GROUPBY: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, iterable, key=None)", groupby),
        ITER,
        NEXT,
    ],
    attributes: &[],
    doc: "make an iterator that returns consecutive keys and groups from the iterable",
};

pub static GROUPER: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, parent, tgtkey, /)", grouper),
        ITER,
        NEXT,
    ],
    attributes: &[],
    doc: "",
};

/// The class of the groups.
#[derive(Default)]
struct Classes {
    grouper: Option<Value>,
}

impl Native for Classes {
    fn trace(&self, marker: &mut Marker) {
        if let Some(class) = self.grouper {
            marker.mark(class);
        }
    }
}

pub fn remember(vm: &mut Vm, grouper: Value) {
    vm.ext::<Classes>().grouper = Some(grouper);
}

struct GroupBy {
    iter: Value,
    key_fn: Value,
    /// The key of the group that was given last; unbound before the first.
    target: Value,
    /// The key and item that were read last; unbound when a group has given them away.
    key: Value,
    item: Value,
    /// The only group that may still read.
    group: Value,
}

impl Native for GroupBy {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.iter, self.key_fn, self.target]);
        marker.mark_all(&[self.key, self.item, self.group]);
    }
}

struct Group {
    parent: Value,
    target: Value,
}

impl Native for Group {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.parent, self.target]);
    }
}

fn groupby(vm: &mut Vm, a: &[Value]) -> PyResult {
    let iter = vm.iter(a[1])?;
    let shape = vm.root_shape(a[0]);
    let state = GroupBy {
        iter,
        key_fn: a[2].given().unwrap_or(Value::NONE),
        target: Value::EMPTY,
        key: Value::EMPTY,
        item: Value::EMPTY,
        group: Value::EMPTY,
    };
    Ok(vm.heap.native_iter(shape, groupby_next, state))
}

fn grouper(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.iter_state::<GroupBy>(a[1]).is_none() {
        let found = vm.type_name(a[1]);
        return Err(vm.type_error(format!(
            "_grouper() argument 1 must be itertools.groupby, not {found}"
        )));
    }
    new_group(vm, a[0], a[1], a[2])
}

fn new_group(vm: &mut Vm, class: Value, parent: Value, target: Value) -> PyResult {
    let shape = vm.root_shape(class);
    let group = vm
        .heap
        .native_iter(shape, group_next, Group { parent, target });
    if let Some(state) = vm.heap.iter_state_mut::<GroupBy>(parent) {
        state.group = group;
    }
    Ok(group)
}

/// Reads one item and its key; false at the end.
fn read(vm: &mut Vm, this: Value) -> PyResult<bool> {
    let Some(state) = vm.heap.iter_state::<GroupBy>(this) else {
        return Ok(false);
    };
    let (iter, key_fn) = (state.iter, state.key_fn);
    let Some(item) = vm.next(iter)? else {
        return Ok(false);
    };
    let key = if key_fn.is_none() {
        item
    } else {
        vm.holding(&[item], |vm| vm.call_one(key_fn, item))?
    };
    if let Some(state) = vm.heap.iter_state_mut::<GroupBy>(this) {
        state.item = item;
        state.key = key;
    }
    Ok(true)
}

fn same_key(vm: &mut Vm, target: Value, key: Value) -> PyResult<bool> {
    if target.is_int() && key.is_int() {
        return Ok(target == key);
    }
    Ok(target == key || vm.holding(&[target, key], |vm| vm.eq(target, key))?)
}

fn groupby_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    if let Some(state) = vm.heap.iter_state_mut::<GroupBy>(this) {
        state.group = Value::EMPTY;
    }
    // The rest of the group before is skipped.
    let key = loop {
        let Some(state) = vm.heap.iter_state::<GroupBy>(this) else {
            return Ok(None);
        };
        let (target, key) = (state.target, state.key);
        if !key.is_empty() && (target.is_empty() || !same_key(vm, target, key)?) {
            // A comparison may have read on.
            let now = vm.heap.iter_state::<GroupBy>(this).map(|state| state.key);
            break now.and_then(Value::given).unwrap_or(key);
        }
        vm.tick()?;
        if !read(vm, this)? {
            return Ok(None);
        }
    };
    if let Some(state) = vm.heap.iter_state_mut::<GroupBy>(this) {
        state.target = key;
    }
    let Some(class) = vm.ext::<Classes>().grouper else {
        return Ok(None);
    };
    let group = new_group(vm, class, this, key)?;
    Ok(Some(vm.heap.tuple(&[key, group])))
}

fn group_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some(&Group { parent, target }) = vm.heap.iter_state::<Group>(this) else {
        return Ok(None);
    };
    let Some(state) = vm.heap.iter_state::<GroupBy>(parent) else {
        return Ok(None);
    };
    if state.group != this {
        return Ok(None);
    }
    if state.item.is_empty() && !read(vm, parent)? {
        return Ok(None);
    }
    let Some(key) = vm.heap.iter_state::<GroupBy>(parent).map(|state| state.key) else {
        return Ok(None);
    };
    if !same_key(vm, target, key)? {
        return Ok(None);
    }
    let Some(state) = vm.heap.iter_state_mut::<GroupBy>(parent) else {
        return Ok(None);
    };
    state.key = Value::EMPTY;
    Ok(std::mem::replace(&mut state.item, Value::EMPTY).given())
}
