//! `_array`: the class `array`, which the module of that name shows: numbers of one of C's types,
//! side by side. What the types mean is `item`; who else looks at the bytes,
//! `runtime/src/object/buffer.rs`.

mod change;
mod convert;

use lockstep_runtime::native::{ClassDef, class_method, getter, method, static_method};
use lockstep_runtime::object::buffer::Shown;
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

use crate::builtins::memoryview;
use crate::{NativeModule, args};

pub static MODULE: NativeModule = NativeModule {
    name: "_array",
    functions: &[],
    init,
};

/// The type codes in the order in which CPython lists them.
const CODES: &str = "bBuwhHiIlLqQfd";

/// An `array`.
struct Array {
    code: u8,
    data: Vec<u8>,
}

impl Native for Array {
    fn trace(&self, _: &mut Marker) {}
    fn external_bytes(&self) -> usize {
        self.data.capacity()
    }
    fn shown(&self) -> Option<Shown<'_>> {
        Some(Shown {
            bytes: &self.data,
            // CPython's views know no code of two letters: a character is a 'w'.
            code: if self.code == b'u' { b'w' } else { self.code },
            item_bytes: size(self.code),
        })
    }
    fn shown_mut(&mut self) -> Option<&mut [u8]> {
        Some(&mut self.data)
    }
}

fn size(code: u8) -> usize {
    crate::item::size(if code == b'u' { b'w' } else { code }).unwrap_or(1)
}

/// The items of an array, one after another.
struct ArrayIter {
    /// None when it has come to the end.
    array: Option<Value>,
    at: usize,
}

impl Native for ArrayIter {
    fn trace(&self, marker: &mut Marker) {
        if let Some(array) = self.array {
            marker.mark(array);
        }
    }
}

/// The classes of one VM.
#[derive(Default)]
struct Classes {
    array: Option<Value>,
    iter: Option<Value>,
}

impl Native for Classes {
    fn trace(&self, marker: &mut Marker) {
        for class in [self.array, self.iter].into_iter().flatten() {
            marker.mark(class);
        }
    }
}

static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", convert::new),
        method("__add__(self, value, /)", change::add),
        method("__buffer__(self, flags, /)", memoryview::buffer),
        method(
            "__release_buffer__(self, buffer, /)",
            memoryview::release_buffer,
        ),
        class_method("__class_getitem__(cls, object, /)", |vm, a| {
            crate::builtins::generic_alias::make(vm, a[0], a[1])
        }),
        method("__contains__(self, key, /)", |vm, a| {
            Ok(Value::bool(find(vm, a[0], a[1], 0, usize::MAX)?.is_some()))
        }),
        method("__copy__(self, /)", |vm, a| {
            Ok(part(vm, a[0], |data| data.to_vec()))
        }),
        method("__deepcopy__(self, unused, /)", |vm, a| {
            Ok(part(vm, a[0], |data| data.to_vec()))
        }),
        method("__delitem__(self, key, /)", change::delitem),
        method("__eq__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Eq)
        }),
        method("__ge__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Ge)
        }),
        method("__getitem__(self, key, /)", getitem),
        method("__gt__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Gt)
        }),
        method("__iadd__(self, value, /)", change::iadd),
        method("__imul__(self, value, /)", change::imul),
        method("__iter__(self, /)", iter),
        method("__le__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Le)
        }),
        method("__len__(self, /)", |vm, a| Ok(vm.heap.usize(len(vm, a[0])))),
        method("__lt__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Lt)
        }),
        method("__mul__(self, value, /)", change::mul),
        method("__ne__(self, value, /)", |vm, a| {
            compare(vm, a, CompareOp::Ne)
        }),
        method("__reduce_ex__(self, value, /)", convert::reduce_ex),
        method("__repr__(self, /)", convert::repr),
        method("__rmul__(self, value, /)", change::mul),
        method("__setitem__(self, key, value, /)", change::setitem),
        method("append(self, v, /)", change::append),
        method("buffer_info(self, /)", |vm, a| {
            let address = vm.address(a[0]);
            let address = vm.heap.usize(address as usize);
            let n = vm.heap.usize(len(vm, a[0]));
            Ok(vm.heap.tuple(&[address, n]))
        }),
        method("byteswap(self, /)", change::byteswap),
        method("clear(self, /)", change::clear),
        method("count(self, v, /)", count),
        method("extend(self, bb, /)", change::extend),
        method("frombytes(self, buffer, /)", convert::frombytes),
        method("fromfile(self, f, n, /)", convert::fromfile),
        method("fromlist(self, list, /)", convert::fromlist),
        method("fromunicode(self, ustr, /)", convert::fromunicode),
        method(
            "index(self, v, start=0, stop=9223372036854775807, /)",
            index,
        ),
        method("insert(self, i, v, /)", change::insert),
        method("pop(self, i=-1, /)", change::pop),
        method("remove(self, v, /)", change::remove),
        method("reverse(self, /)", change::reverse),
        method("tobytes(self, /)", |vm, a| {
            let data = data(vm, a[0]).to_vec();
            Ok(vm.heap.bytes(data))
        }),
        method("tofile(self, f, /)", convert::tofile),
        method("tolist(self, /)", convert::tolist),
        method("tounicode(self, /)", convert::tounicode),
    ],
    attributes: &[
        getter("itemsize", |vm, this| {
            Ok(vm.heap.usize(size(code(vm, this))))
        }),
        getter("typecode", |vm, this| {
            let code = char::from(code(vm, this)).to_string();
            Ok(vm.heap.str(code))
        }),
    ],
    doc: "array(typecode [, initializer]) -> array\n\nReturn a new array whose items are restricted by typecode.",
};

static ITER: ClassDef = ClassDef {
    methods: &[
        method("__iter__(self, /)", |_, a| Ok(a[0])),
        method("__next__(self, /)", next),
        method("__reduce__(self, /)", reduce_iter),
        method("__setstate__(self, state, /)", |vm, a| {
            let at = usize::try_from(vm.index_clamped(a[1])?).unwrap_or(0);
            if let Some(iter) = vm.heap.native_mut::<ArrayIter>(a[0]) {
                iter.at = at;
            }
            Ok(Value::NONE)
        }),
    ],
    attributes: &[],
    doc: "",
};

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    let object = vm.class(B::Object);
    let class = vm.new_native_class("array", "array", object, Kind::Opaque, &CLASS);
    vm.ext::<Classes>().array = Some(class);
    for (name, value) in [
        ("__match_sequence__", Value::TRUE),
        ("__hash__", Value::NONE),
    ] {
        vm.class_attr_init(class, name, value);
    }
    let iter = vm.new_native_class("array", "arrayiterator", object, Kind::Opaque, &ITER);
    vm.ext::<Classes>().iter = Some(iter);
    vm.heap.cell_mut::<Class>(iter).is_final = true;
    for class in [class, iter] {
        let made = vm.heap.cell_mut::<Class>(class);
        (made.has_dict, made.named_with_module) = (false, true);
        made.concatenates = true;
        vm.class_changed(class);
    }
    let codes = vm.heap.str(CODES);
    for (name, value) in [("array", class), ("typecodes", codes)] {
        let name = vm.heap.intern(name);
        vm.heap.ns_set(dict, name, value);
    }
    Ok(())
}

fn code(vm: &Vm, this: Value) -> u8 {
    vm.heap
        .native::<Array>(this)
        .map_or(b'b', |array| array.code)
}

fn data(vm: &Vm, this: Value) -> &[u8] {
    vm.heap
        .native::<Array>(this)
        .map_or(&[], |array| &array.data)
}

fn len(vm: &Vm, this: Value) -> usize {
    data(vm, this).len() / size(code(vm, this))
}

fn is_array(vm: &Vm, v: Value) -> bool {
    vm.heap.native::<Array>(v).is_some()
}

/// A new array of the plain class.
fn make(vm: &mut Vm, code: u8, data: Vec<u8>) -> Value {
    match vm.ext::<Classes>().array {
        Some(class) => {
            let shape = vm.root_shape(class);
            vm.heap.opaque(shape, Array { code, data })
        }
        None => unreachable!("its module has been made"),
    }
}

/// A new array of what is picked of another's bytes.
fn part(vm: &mut Vm, this: Value, pick: impl FnOnce(&[u8]) -> Vec<u8>) -> Value {
    let (code, data) = (code(vm, this), pick(data(vm, this)));
    make(vm, code, data)
}

/// The value at an index that is there.
fn item(vm: &mut Vm, this: Value, at: usize) -> PyResult {
    let code = code(vm, this);
    let n = size(code);
    let mut bytes = [0; crate::item::BYTES_MAX];
    bytes[..n].copy_from_slice(&data(vm, this)[at * n..][..n]);
    convert::value(vm, code, &bytes[..n])
}

/// The index that a key names.
fn place(vm: &mut Vm, this: Value, key: Value, error: &'static str) -> PyResult<usize> {
    if !vm.has_index(key) {
        return Err(vm.type_error("array indices must be integers"));
    }
    let index = vm.index_i64_or(key, B::IndexError)?;
    resolve(index, len(vm, this)).map_or_else(|| Err(vm.index_error(error)), Ok)
}

/// The index from the start; None outside.
fn resolve(index: i64, len: usize) -> Option<usize> {
    let from_start = match index < 0 {
        true => index.checked_add(len as i64)?,
        false => index,
    };
    usize::try_from(from_start).ok().filter(|&at| at < len)
}

fn getitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.kind(a[1]) == Some(Kind::Slice) {
        let s = vm.slice_indices(a[1], len(vm, a[0]))?;
        let n = size(code(vm, a[0]));
        return Ok(part(vm, a[0], |data| {
            s.indexes()
                .flat_map(|at| data.get(at * n..(at + 1) * n).unwrap_or_default())
                .copied()
                .collect()
        }));
    }
    let at = place(vm, a[0], a[1], "array index out of range")?;
    item(vm, a[0], at)
}

/// Where an item that equals `value` first stands; the comparison may change the array.
fn find(vm: &mut Vm, this: Value, value: Value, from: usize, to: usize) -> PyResult<Option<usize>> {
    let mut at = from;
    while at < to.min(len(vm, this)) {
        vm.tick()?;
        let own = item(vm, this, at)?;
        if vm.holding(&[own], |vm| vm.eq(own, value))? {
            return Ok(Some(at));
        }
        at += 1;
    }
    Ok(None)
}

fn count(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (mut n, mut at) = (0, 0);
    while let Some(found) = find(vm, a[0], a[1], at, usize::MAX)? {
        n += 1;
        at = found + 1;
    }
    Ok(vm.heap.usize(n))
}

fn index(vm: &mut Vm, a: &[Value]) -> PyResult {
    let own_len = len(vm, a[0]) as i64;
    let mut bound = |v: Value, default: i64| -> PyResult<usize> {
        let at = args::index_bound_or(vm, v, default)?;
        let at = if at < 0 {
            at.saturating_add(own_len)
        } else {
            at
        };
        Ok(usize::try_from(at).unwrap_or(0))
    };
    let (from, to) = (bound(a[2], 0)?, bound(a[3], i64::MAX)?);
    match find(vm, a[0], a[1], from, to)? {
        Some(at) => Ok(vm.heap.usize(at)),
        None => Err(vm.value_error("array.index(x): x not in array")),
    }
}

fn compare(vm: &mut Vm, a: &[Value], op: CompareOp) -> PyResult {
    if !is_array(vm, a[0]) || !is_array(vm, a[1]) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (x, y) = (len(vm, a[0]), len(vm, a[1]));
    if x != y && op.is_equality() {
        return Ok(Value::bool(op == CompareOp::Ne));
    }
    for at in 0.. {
        if at >= len(vm, a[0]) || at >= len(vm, a[1]) {
            break;
        }
        vm.tick()?;
        let p = item(vm, a[0], at)?;
        let q = item(vm, a[1], at)?;
        let (equal, result) = vm.holding(&[p, q], |vm| -> PyResult<_> {
            match vm.eq(p, q)? {
                true => Ok((true, Value::TRUE)),
                false if op.is_equality() => Ok((false, Value::bool(op == CompareOp::Ne))),
                false => Ok((false, vm.compare(op, p, q)?)),
            }
        })?;
        if !equal {
            return Ok(result);
        }
    }
    let order = len(vm, a[0]).cmp(&len(vm, a[1]));
    Ok(Value::bool(op.holds(order)))
}

// ---- iteration -----------------------------------------------------------------------

fn iter(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(class) = vm.ext::<Classes>().iter else {
        unreachable!("its module has been made");
    };
    let shape = vm.root_shape(class);
    let array = Some(a[0]);
    Ok(vm.heap.opaque(shape, ArrayIter { array, at: 0 }))
}

fn next(vm: &mut Vm, a: &[Value]) -> PyResult {
    let found = vm.heap.native::<ArrayIter>(a[0]);
    let Some((array, at)) = found.and_then(|iter| Some((iter.array?, iter.at))) else {
        return Err(vm.raise(B::StopIteration, ""));
    };
    let is_over = at >= len(vm, array);
    if let Some(iter) = vm.heap.native_mut::<ArrayIter>(a[0]) {
        match is_over {
            true => iter.array = None,
            false => iter.at += 1,
        }
    }
    match is_over {
        true => Err(vm.raise(B::StopIteration, "")),
        false => item(vm, array, at),
    }
}

fn reduce_iter(vm: &mut Vm, a: &[Value]) -> PyResult {
    let builtins = vm.import_module("builtins")?;
    let maker = {
        let name = vm.heap.intern("iter");
        vm.get_attr(builtins, name)?
    };
    let found = vm.heap.native::<ArrayIter>(a[0]);
    match found.and_then(|iter| Some((iter.array?, iter.at))) {
        Some((array, at)) => {
            let of = vm.heap.tuple(&[array]);
            let at = vm.heap.usize(at);
            Ok(vm.heap.tuple(&[maker, of, at]))
        }
        None => {
            let nothing = vm.heap.tuple(&[]);
            let of = vm.heap.tuple(&[nothing]);
            Ok(vm.heap.tuple(&[maker, of]))
        }
    }
}
