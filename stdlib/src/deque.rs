//! `_collections`: `deque`, which the module `collections` shows, and what its
//! OrderedDict has that a dict has not.

use std::collections::VecDeque;

use lockstep_runtime::native::{
    ClassDef, NativeDef, class_method, function, getter, method, static_method,
};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::dict::ViewOf;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::text::pystr::StrBuilder;
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

use crate::builtins::dict::{ordered_move, ordered_view};
use crate::{NativeModule, args};

pub static MODULE: NativeModule = NativeModule {
    name: "_collections",
    functions: &[
        function("odict_items(dict, /)", |vm, a| {
            ordered_view(vm, a[0], ViewOf::Items)
        }),
        function("odict_move(dict, key, last, /)", ordered_move),
        function("odict_keys(dict, /)", |vm, a| {
            ordered_view(vm, a[0], ViewOf::Keys)
        }),
        function("odict_values(dict, /)", |vm, a| {
            ordered_view(vm, a[0], ViewOf::Values)
        }),
    ],
    init,
};

/// `collections.deque`.
#[derive(Default)]
struct Deque {
    items: VecDeque<Value>,
    /// `None` when it may grow without end.
    maxlen: Option<usize>,
    /// Changes with every change of its length or order: iterators compare it.
    state: u64,
}

impl Native for Deque {
    fn trace(&self, marker: &mut Marker) {
        let (front, back) = self.items.as_slices();
        marker.mark_all(front);
        marker.mark_all(back);
    }
    fn external_bytes(&self) -> usize {
        self.items.capacity() * 8
    }
}

/// An iterator over a deque, from either end.
struct DequeIter {
    deque: Value,
    at: usize,
    /// How many items are still to come.
    left: usize,
    state: u64,
    reverse: bool,
}

impl Native for DequeIter {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.deque);
    }
}

/// The classes of one VM.
#[derive(Default)]
struct Classes {
    deque: Option<Value>,
    iter: Option<Value>,
    reverse_iter: Option<Value>,
}

impl Native for Classes {
    fn trace(&self, marker: &mut Marker) {
        for class in [self.deque, self.iter, self.reverse_iter]
            .into_iter()
            .flatten()
        {
            marker.mark(class);
        }
    }
}

static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new),
        method("__init__(self, /, iterable=(), maxlen=None)", init_deque),
        method("append(self, item, /)", append),
        method("appendleft(self, item, /)", appendleft),
        method("pop(self, /)", pop),
        method("popleft(self, /)", popleft),
        method("extend(self, iterable, /)", extend),
        method("extendleft(self, iterable, /)", extendleft),
        method("rotate(self, n=1, /)", rotate),
        method("clear(self, /)", clear),
        method("copy(self, /)", copy),
        method("__copy__(self, /)", copy),
        method("count(self, value, /)", count),
        method("index(self, value, start=0, stop=None, /)", index),
        method("insert(self, index, value, /)", insert),
        method("remove(self, value, /)", remove),
        method("reverse(self, /)", reverse),
        method("__len__(self, /)", |vm, a| {
            Ok(vm.heap.usize(items(vm, a[0]).len()))
        }),
        method("__getitem__(self, key, /)", getitem),
        method("__setitem__(self, key, value, /)", setitem),
        method("__delitem__(self, key, /)", delitem),
        method("__contains__(self, key, /)", contains),
        method("__iter__(self, /)", |vm, a| iterate(vm, a[0], false)),
        method("__reversed__(self, /)", |vm, a| iterate(vm, a[0], true)),
        method("__repr__(self, /)", repr),
        method("__eq__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Eq)
        }),
        method("__ne__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Ne)
        }),
        method("__lt__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Lt)
        }),
        method("__le__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Le)
        }),
        method("__gt__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Gt)
        }),
        method("__ge__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Ge)
        }),
        method("__add__(self, value, /)", add),
        method("__iadd__(self, value, /)", iadd),
        method("__mul__(self, value, /)", mul),
        method("__rmul__(self, value, /)", mul),
        method("__imul__(self, value, /)", imul),
        method("__reduce__(self, /)", reduce),
        class_method("__class_getitem__(cls, object, /)", |vm, a| {
            crate::builtins::generic_alias::make(vm, a[0], a[1])
        }),
    ],
    attributes: &[getter("maxlen", |vm, this| {
        Ok(match deque(vm, this).maxlen {
            Some(n) => vm.heap.usize(n),
            None => Value::NONE,
        })
    })],
    doc: "A list-like sequence optimized for data accesses near its endpoints.",
};

static ITER: ClassDef = ClassDef {
    methods: ITER_METHODS,
    attributes: &[],
    doc: "",
};

const ITER_METHODS: &[NativeDef] = &[
    method("__iter__(self, /)", |_, a| Ok(a[0])),
    method("__next__(self, /)", next),
    method("__length_hint__(self, /)", |vm, a| {
        let left = match vm.heap.native::<DequeIter>(a[0]) {
            Some(iter) => iter.left,
            None => 0,
        };
        Ok(vm.heap.usize(left))
    }),
];

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    let class = match vm.ext::<Classes>().deque {
        Some(class) => class,
        None => make_classes(vm),
    };
    let name = vm.heap.intern("deque");
    vm.heap.ns_set(dict, name, class);
    Ok(())
}

fn make_classes(vm: &mut Vm) -> Value {
    let object = vm.class(B::Object);
    let class = vm.new_native_class("collections", "deque", object, Kind::Opaque, &CLASS);
    vm.ext::<Classes>().deque = Some(class);
    let made = vm.heap.cell_mut::<Class>(class);
    made.has_dict = false;
    made.named_with_module = true;
    made.concatenates = true;
    vm.class_attr_init(class, "__hash__", Value::NONE);
    vm.class_attr_init(class, "__match_sequence__", Value::TRUE);
    vm.class_changed(class);
    let iter = vm.new_native_class(
        "_collections",
        "_deque_iterator",
        object,
        Kind::Opaque,
        &ITER,
    );
    vm.ext::<Classes>().iter = Some(iter);
    let name = "_deque_reverse_iterator";
    let iter = vm.new_native_class("_collections", name, object, Kind::Opaque, &ITER);
    vm.ext::<Classes>().reverse_iter = Some(iter);
    class
}

/// A new empty deque.
pub fn empty(vm: &mut Vm) -> Value {
    let class = match vm.ext::<Classes>().deque {
        Some(class) => class,
        None => make_classes(vm),
    };
    let shape = vm.root_shape(class);
    vm.heap.opaque(shape, Deque::default())
}

/// How many items `v` has; None when it is no deque.
pub fn len(vm: &Vm, v: Value) -> Option<usize> {
    vm.heap.native::<Deque>(v).map(|deque| deque.items.len())
}

/// Puts an item at the right end of a deque without `maxlen`.
pub fn push_back(vm: &mut Vm, this: Value, item: Value) {
    change(vm, this, |items| items.push_back(item));
}

/// Takes the item at the left end.
pub fn pop_front(vm: &mut Vm, this: Value) -> Option<Value> {
    change(vm, this, VecDeque::pop_front)
}

/// The deque of a method's `self`, which its class guarantees; a bare object
/// of a class that skipped `__new__` reads as empty.
fn deque(vm: &Vm, this: Value) -> &Deque {
    static EMPTY: Deque = Deque {
        items: VecDeque::new(),
        maxlen: None,
        state: 0,
    };
    vm.heap.native(this).unwrap_or(&EMPTY)
}

pub fn items(vm: &Vm, this: Value) -> &VecDeque<Value> {
    &deque(vm, this).items
}

/// Changes the items, and so the state; charges what they grow by.
pub fn change<T>(vm: &mut Vm, this: Value, f: impl FnOnce(&mut VecDeque<Value>) -> T) -> T {
    let Some(deque) = vm.heap.native_mut::<Deque>(this) else {
        return f(&mut VecDeque::new());
    };
    let before = deque.items.capacity();
    deque.state += 1;
    let result = f(&mut deque.items);
    let grown = deque.items.capacity().saturating_sub(before);
    if grown > 0 {
        vm.heap.charge(grown * 8);
    }
    result
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let shape = vm.root_shape(a[0]);
    Ok(vm.heap.opaque(shape, Deque::default()))
}

fn init_deque(vm: &mut Vm, a: &[Value]) -> PyResult {
    let maxlen = match a[2].some() {
        None => None,
        Some(v) if vm.heap.is_int(v) => match usize::try_from(vm.to_ssize(v)?) {
            Ok(n) => Some(n),
            Err(_) => return Err(vm.value_error("maxlen must be non-negative")),
        },
        Some(_) => return Err(vm.type_error("an integer is required")),
    };
    if let Some(deque) = vm.heap.native_mut::<Deque>(a[0]) {
        deque.maxlen = maxlen;
        deque.items.clear();
    }
    if let Some(iterable) = a[1].given() {
        extend(vm, &[a[0], iterable])?;
    }
    Ok(Value::NONE)
}

/// Raises MemoryError rather than let another item in beyond the cap.
#[inline]
fn make_room(vm: &mut Vm, this: Value) -> PyResult<()> {
    let items = items(vm, this);
    let (len, capacity) = (items.len(), items.capacity());
    vm.check_growth(len, capacity, 1, size_of::<Value>())
}

fn append(vm: &mut Vm, a: &[Value]) -> PyResult {
    make_room(vm, a[0])?;
    let maxlen = deque(vm, a[0]).maxlen;
    change(vm, a[0], |items| {
        items.push_back(a[1]);
        if maxlen.is_some_and(|n| items.len() > n) {
            items.pop_front();
        }
    });
    Ok(Value::NONE)
}

fn appendleft(vm: &mut Vm, a: &[Value]) -> PyResult {
    make_room(vm, a[0])?;
    let maxlen = deque(vm, a[0]).maxlen;
    change(vm, a[0], |items| {
        items.push_front(a[1]);
        if maxlen.is_some_and(|n| items.len() > n) {
            items.pop_back();
        }
    });
    Ok(Value::NONE)
}

fn pop(vm: &mut Vm, a: &[Value]) -> PyResult {
    match change(vm, a[0], VecDeque::pop_back) {
        Some(item) => Ok(item),
        None => Err(vm.index_error("pop from an empty deque")),
    }
}

fn popleft(vm: &mut Vm, a: &[Value]) -> PyResult {
    match change(vm, a[0], VecDeque::pop_front) {
        Some(item) => Ok(item),
        None => Err(vm.index_error("pop from an empty deque")),
    }
}

fn extend(vm: &mut Vm, a: &[Value]) -> PyResult {
    if a[0] == a[1] {
        let own: Vec<Value> = items(vm, a[0]).iter().copied().collect();
        for item in own {
            append(vm, &[a[0], item])?;
        }
        return Ok(Value::NONE);
    }
    let this = a[0];
    vm.for_each(a[1], |vm, item| append(vm, &[this, item]).map(drop))?;
    Ok(Value::NONE)
}

fn extendleft(vm: &mut Vm, a: &[Value]) -> PyResult {
    if a[0] == a[1] {
        let own: Vec<Value> = items(vm, a[0]).iter().copied().collect();
        for item in own {
            appendleft(vm, &[a[0], item])?;
        }
        return Ok(Value::NONE);
    }
    let this = a[0];
    vm.for_each(a[1], |vm, item| appendleft(vm, &[this, item]).map(drop))?;
    Ok(Value::NONE)
}

fn rotate(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = match a[1].given() {
        Some(n) => vm.index_clamped(n)?,
        None => 1,
    };
    change(vm, a[0], |items| {
        if let len @ 1.. = items.len() {
            let len_signed = i64::try_from(len).unwrap_or(i64::MAX);
            let by = usize::try_from(n.rem_euclid(len_signed)).unwrap_or(0);
            items.rotate_right(by);
        }
    });
    Ok(Value::NONE)
}

fn clear(vm: &mut Vm, a: &[Value]) -> PyResult {
    change(vm, a[0], VecDeque::clear);
    Ok(Value::NONE)
}

fn maxlen_value(vm: &mut Vm, this: Value) -> Value {
    match deque(vm, this).maxlen {
        Some(n) => vm.heap.usize(n),
        None => Value::NONE,
    }
}

fn copy(vm: &mut Vm, a: &[Value]) -> PyResult {
    let class = vm.heap.class_of(a[0]);
    if vm.ext::<Classes>().deque == Some(class) {
        let source = deque(vm, a[0]);
        let copied = Deque {
            items: source.items.clone(),
            maxlen: source.maxlen,
            state: 0,
        };
        let shape = vm.root_shape(class);
        return Ok(vm.heap.opaque(shape, copied));
    }
    if deque(vm, a[0]).maxlen.is_none() {
        return vm.call(class, &[a[0]]);
    }
    let maxlen = maxlen_value(vm, a[0]);
    vm.call(class, &[a[0], maxlen])
}

/// Finds an item equal to `value` at `start..stop`; the comparison may change
/// the deque, which is an error.
fn find(
    vm: &mut Vm,
    this: Value,
    value: Value,
    start: usize,
    stop: usize,
) -> PyResult<Option<usize>> {
    find_or(vm, this, value, (start, stop), B::RuntimeError)
}

/// As `find`; the error of a comparison that changes the deque is of this class.
fn find_or(
    vm: &mut Vm,
    this: Value,
    value: Value,
    (start, stop): (usize, usize),
    class: B,
) -> PyResult<Option<usize>> {
    let state = deque(vm, this).state;
    let mut at = start;
    while at < stop
        && let Some(&item) = items(vm, this).get(at)
    {
        if item == value || vm.holding(&[item], |vm| vm.eq(item, value))? {
            return Ok(Some(at));
        }
        check_state(vm, this, state, class)?;
        at += 1;
    }
    Ok(None)
}

fn check_state(vm: &mut Vm, this: Value, state: u64, class: B) -> PyResult<()> {
    if deque(vm, this).state == state {
        return Ok(());
    }
    Err(vm.raise(class, "deque mutated during iteration"))
}

fn count(vm: &mut Vm, a: &[Value]) -> PyResult {
    let state = deque(vm, a[0]).state;
    let (mut n, mut at) = (0, 0);
    while let Some(found) = find(vm, a[0], a[1], at, usize::MAX)? {
        check_state(vm, a[0], state, B::RuntimeError)?;
        n += 1;
        at = found + 1;
    }
    Ok(vm.heap.usize(n))
}

fn index(vm: &mut Vm, a: &[Value]) -> PyResult {
    let len = items(vm, a[0]).len();
    let signed = i64::try_from(len).unwrap_or(i64::MAX);
    let mut clip = |v: Value, default: i64| -> PyResult<usize> {
        let n = args::bound_or(vm, v, default)?;
        let n = if n < 0 { n.saturating_add(signed) } else { n };
        Ok(usize::try_from(n.clamp(0, signed)).unwrap_or(0))
    };
    let (start, stop) = (clip(a[2], 0)?, clip(a[3], signed)?);
    match find(vm, a[0], a[1], start, stop)? {
        Some(at) => Ok(vm.heap.usize(at)),
        None => {
            let shown = vm.repr_string(a[1])?;
            Err(vm.value_error(format!("{shown} is not in deque")))
        }
    }
}

fn insert(vm: &mut Vm, a: &[Value]) -> PyResult {
    let at = vm.index_clamped(a[1])?;
    let len = items(vm, a[0]).len();
    if deque(vm, a[0]).maxlen.is_some_and(|n| len >= n) {
        return Err(vm.index_error("deque already at its maximum size"));
    }
    let signed = i64::try_from(len).unwrap_or(i64::MAX);
    let at = if at < 0 {
        at.saturating_add(signed)
    } else {
        at
    };
    let at = usize::try_from(at.clamp(0, signed)).unwrap_or(0);
    make_room(vm, a[0])?;
    change(vm, a[0], |items| items.insert(at, a[2]));
    Ok(Value::NONE)
}

fn remove(vm: &mut Vm, a: &[Value]) -> PyResult {
    let state = deque(vm, a[0]).state;
    match find_or(vm, a[0], a[1], (0, usize::MAX), B::IndexError)? {
        Some(at) => {
            check_state(vm, a[0], state, B::IndexError)?;
            change(vm, a[0], |items| items.remove(at));
            Ok(Value::NONE)
        }
        None => {
            let shown = vm.repr_string(a[1])?;
            Err(vm.value_error(format!("{shown} is not in deque")))
        }
    }
}

fn reverse(vm: &mut Vm, a: &[Value]) -> PyResult {
    change(vm, a[0], |items| items.make_contiguous().reverse());
    Ok(Value::NONE)
}

/// The place that an index names.
fn place(vm: &mut Vm, this: Value, key: Value) -> PyResult<usize> {
    if !vm.has_index(key) {
        let found = vm.type_name(key);
        return Err(vm.type_error(format!("sequence index must be integer, not '{found}'")));
    }
    let n = vm.index_i64_or(key, B::IndexError)?;
    let len = items(vm, this).len();
    let signed = i64::try_from(len).unwrap_or(i64::MAX);
    let n = if n < 0 { n + signed } else { n };
    match usize::try_from(n) {
        Ok(at) if at < len => Ok(at),
        _ => Err(vm.index_error("deque index out of range")),
    }
}

fn getitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    let at = place(vm, a[0], a[1])?;
    Ok(items(vm, a[0])[at])
}

fn setitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    let at = place(vm, a[0], a[1])?;
    if let Some(deque) = vm.heap.native_mut::<Deque>(a[0]) {
        deque.items[at] = a[2];
    }
    Ok(Value::NONE)
}

fn delitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    let at = place(vm, a[0], a[1])?;
    change(vm, a[0], |items| items.remove(at));
    Ok(Value::NONE)
}

fn contains(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(Value::bool(find(vm, a[0], a[1], 0, usize::MAX)?.is_some()))
}

fn iterate(vm: &mut Vm, this: Value, reverse: bool) -> PyResult {
    let classes = vm.ext::<Classes>();
    let class = if reverse {
        classes.reverse_iter
    } else {
        classes.iter
    };
    let Some(class) = class else {
        return Err(vm.runtime_error("deque has no iterator class"));
    };
    let shape = vm.root_shape(class);
    let source = deque(vm, this);
    let (state, left) = (source.state, source.items.len());
    Ok(vm.heap.opaque(
        shape,
        DequeIter {
            deque: this,
            at: 0,
            left,
            state,
            reverse,
        },
    ))
}

fn next(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(iter) = vm.heap.native::<DequeIter>(a[0]) else {
        return Err(vm.stop_iteration(Value::NONE));
    };
    let source = deque(vm, iter.deque);
    if source.state != iter.state {
        if let Some(iter) = vm.heap.native_mut::<DequeIter>(a[0]) {
            iter.left = 0;
        }
        return Err(vm.runtime_error("deque mutated during iteration"));
    }
    let item = if iter.reverse {
        source
            .items
            .len()
            .checked_sub(iter.at + 1)
            .map(|at| source.items[at])
    } else {
        source.items.get(iter.at).copied()
    };
    match item {
        Some(item) => {
            if let Some(iter) = vm.heap.native_mut::<DequeIter>(a[0]) {
                iter.at += 1;
                iter.left -= 1;
            }
            Ok(item)
        }
        None => Err(vm.stop_iteration(Value::NONE)),
    }
}

fn repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    if !vm.repr_enter(a[0]) {
        return args::str_value(vm, "[...]");
    }
    let held = items(vm, a[0]).iter().copied().collect();
    let list = vm.heap.list(held);
    vm.root(list);
    let text = vm.items_repr(list);
    vm.repr_leave(a[0]);
    let (text, class) = (text?, vm.class_name(vm.heap.class_of(a[0])));
    let mut out = StrBuilder::new();
    out.push_str(&format!("{class}(["));
    out.push(&text);
    match deque(vm, a[0]).maxlen {
        Some(n) => out.push_str(&format!("], maxlen={n})")),
        None => out.push_str("])"),
    }
    args::str_value(vm, out.finish())
}

fn compare(vm: &mut Vm, a: &[Value], op: CompareOp) -> PyResult {
    if vm.heap.native::<Deque>(a[1]).is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let [left, right] = [a[0], a[1]].map(|v| {
        let held = items(vm, v).iter().copied().collect();
        let list = vm.heap.list(held);
        vm.root(list)
    });
    vm.compare(op, left, right)
}

fn add(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.native::<Deque>(a[1]).is_none() {
        let found = vm.type_name(a[1]);
        return Err(vm.type_error(format!(
            "can only concatenate deque (not \"{found}\") to deque"
        )));
    }
    let sum = copy(vm, &a[..1])?;
    vm.root(sum);
    extend(vm, &[sum, a[1]])?;
    Ok(sum)
}

fn iadd(vm: &mut Vm, a: &[Value]) -> PyResult {
    extend(vm, a)?;
    Ok(a[0])
}

fn imul(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = vm.index_i64(a[1])?;
    let source = deque(vm, a[0]);
    let (len, maxlen) = (source.items.len(), source.maxlen);
    let times = usize::try_from(n).unwrap_or(0);
    let total = len.saturating_mul(times);
    // Only the last `maxlen` of the repeated items would stay.
    let kept = maxlen.map_or(total, |max| total.min(max));
    vm.check_size(kept.saturating_mul(8))?;
    change(vm, a[0], |items| {
        let own: Vec<Value> = items.iter().copied().collect();
        items.clear();
        items.extend((total - kept..total).map(|i| own[i % len]));
    });
    Ok(a[0])
}

fn mul(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.index(a[1])?;
    let product = copy(vm, &a[..1])?;
    vm.root(product);
    imul(vm, &[product, a[1]])
}

fn reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    let class = vm.heap.class_of(a[0]);
    let state = vm.call_method(a[0], "__getstate__", &[])?;
    vm.root(state);
    let empty = vm.heap.tuple(&[]);
    vm.root(empty);
    let args = match maxlen_value(vm, a[0]) {
        Value::NONE => empty,
        maxlen => vm.heap.tuple(&[empty, maxlen]),
    };
    vm.root(args);
    let iter = vm.iter(a[0])?;
    Ok(vm.heap.tuple(&[class, args, state, iter]))
}
