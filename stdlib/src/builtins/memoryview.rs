//! `memoryview`: the class and its methods. What a view is, and who shows bytes to it, is
//! `runtime/src/object/buffer.rs`; what its items mean, `item`.

mod cast;
mod compare;

use lockstep_runtime::native::{ClassDef, getter, method, static_method};
use lockstep_runtime::object::buffer::MemoryView;
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::protocol::buffer::WRITABLE;
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};
use smallvec::smallvec;

use super::{bytes, operators as op};
use crate::item::{self, Misfit};

static CLASS: ClassDef = ClassDef {
    methods: &[
        op::GETATTRIBUTE,
        static_method("__new__(cls, object)", new),
        method("__buffer__(self, flags, /)", buffer),
        method("__release_buffer__(self, buffer, /)", release_buffer),
        method("__delitem__(self, key, /)", delitem),
        method("__enter__(self, /)", |vm, a| {
            vm.live_view(a[0])?;
            Ok(a[0])
        }),
        method("__eq__(self, value, /)", |vm, a| {
            compare::equal(vm, a, true)
        }),
        method("__exit__(self, /, *exc_info)", release),
        method("__ge__(self, value, /)", |_, _| Ok(Value::NOT_IMPLEMENTED)),
        method("__getitem__(self, key, /)", getitem),
        method("__gt__(self, value, /)", |_, _| Ok(Value::NOT_IMPLEMENTED)),
        method("__hash__(self, /)", hash),
        method("__iter__(self, /)", iter),
        method("__le__(self, value, /)", |_, _| Ok(Value::NOT_IMPLEMENTED)),
        method("__len__(self, /)", len),
        method("__lt__(self, value, /)", |_, _| Ok(Value::NOT_IMPLEMENTED)),
        method("__ne__(self, value, /)", |vm, a| {
            compare::equal(vm, a, false)
        }),
        method("__repr__(self, /)", repr),
        method("__setitem__(self, key, value, /)", setitem),
        method("cast(self, /, format, shape=None)", cast::cast),
        method("hex(self, /, sep=None, bytes_per_sep=1)", |vm, a| {
            vm.live_view(a[0])?;
            let data = vm.view_bytes(a[0]);
            bytes::hex_of(vm, &data, a[1], a[2])
        }),
        method("release(self, /)", release),
        method("tobytes(self, /, order='C')", tobytes),
        method("tolist(self, /)", tolist),
        method("toreadonly(self, /)", |vm, a| {
            let view = MemoryView {
                readonly: true,
                ..vm.live_view(a[0])?.again()
            };
            Ok(make(vm, view))
        }),
    ],
    attributes: &[
        getter("c_contiguous", |vm, this| {
            Ok(Value::bool(vm.live_view(this)?.is_c_contiguous()))
        }),
        getter("contiguous", |vm, this| {
            let view = vm.live_view(this)?;
            Ok(Value::bool(
                view.is_c_contiguous() || view.is_f_contiguous(),
            ))
        }),
        getter("f_contiguous", |vm, this| {
            Ok(Value::bool(vm.live_view(this)?.is_f_contiguous()))
        }),
        getter("format", |vm, this| {
            let view = vm.live_view(this)?;
            let format = match view.at_sign {
                true => format!("@{}", char::from(view.code)),
                false => char::from(view.code).to_string(),
            };
            Ok(vm.heap.str(format))
        }),
        getter("itemsize", |vm, this| {
            let n = vm.live_view(this)?.item_bytes;
            Ok(vm.heap.usize(n))
        }),
        getter("nbytes", |vm, this| {
            let n = vm.live_view(this)?.n_bytes();
            Ok(vm.heap.usize(n))
        }),
        getter("ndim", |vm, this| {
            let n = vm.live_view(this)?.shape.len();
            Ok(vm.heap.usize(n))
        }),
        getter("obj", |vm, this| Ok(vm.live_view(this)?.obj)),
        getter("readonly", |vm, this| {
            Ok(Value::bool(vm.live_view(this)?.readonly))
        }),
        getter("shape", |vm, this| {
            let shape = vm.live_view(this)?.shape.clone();
            let shape: Vec<Value> = shape.iter().map(|&n| vm.heap.usize(n)).collect();
            Ok(vm.heap.tuple(&shape))
        }),
        getter("strides", |vm, this| {
            let strides = vm.live_view(this)?.strides.clone();
            let strides: Vec<Value> = strides.iter().map(|&n| vm.heap.int(n as i64)).collect();
            Ok(vm.heap.tuple(&strides))
        }),
        getter("suboffsets", |vm, this| {
            vm.live_view(this)?;
            Ok(vm.heap.tuple(&[]))
        }),
    ],
    doc: "Create a new memoryview object which references the given object.",
};

static ITER: ClassDef = ClassDef {
    methods: &[
        method("__iter__(self, /)", |_, a| Ok(a[0])),
        method("__next__(self, /)", next),
    ],
    attributes: &[],
    doc: "",
};

/// The items of a view, one after another.
struct ViewIter {
    view: Value,
    at: usize,
}

impl Native for ViewIter {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.view);
    }
}

/// The classes of one VM.
#[derive(Default)]
struct Classes {
    view: Option<Value>,
    iter: Option<Value>,
}

impl Native for Classes {
    fn trace(&self, marker: &mut Marker) {
        for class in [self.view, self.iter].into_iter().flatten() {
            marker.mark(class);
        }
    }
}

/// Makes the class; it is asked for once.
pub fn class(vm: &mut Vm) -> Value {
    let object = vm.class(B::Object);
    let view = vm.new_native_class("builtins", "memoryview", object, Kind::Opaque, &CLASS);
    vm.ext::<Classes>().view = Some(view);
    vm.class_attr_init(view, "__match_sequence__", Value::TRUE);
    let iter = vm.new_native_class("builtins", "memory_iterator", object, Kind::Opaque, &ITER);
    vm.ext::<Classes>().iter = Some(iter);
    for class in [view, iter] {
        let made = vm.heap.cell_mut::<Class>(class);
        (made.is_final, made.has_dict) = (true, false);
        vm.class_changed(class);
    }
    view
}

fn make(vm: &mut Vm, view: MemoryView) -> Value {
    match vm.ext::<Classes>().view {
        Some(class) => {
            let shape = vm.root_shape(class);
            vm.heap.opaque(shape, view)
        }
        None => unreachable!("the builtins have the class"),
    }
}

/// A view of a bytes-like object.
///
/// # Errors
/// TypeError for what is none, ValueError for a released view; what `__buffer__` raises.
pub fn of(vm: &mut Vm, v: Value) -> PyResult {
    match vm.make_view(v)? {
        Some(view) => Ok(make(vm, view)),
        None => {
            let found = vm.type_name(v);
            let message = format!("memoryview: a bytes-like object is required, not '{found}'");
            Err(vm.type_error(message))
        }
    }
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    of(vm, a[1])
}

/// `__buffer__` of a native class.
///
/// # Errors
/// As `of`; OverflowError for flags that are none, BufferError where the flags ask to write into
/// what can't be written.
pub fn buffer(vm: &mut Vm, a: &[Value]) -> PyResult {
    let flags = vm.index_i64_or(a[1], B::OverflowError)?;
    if flags > i64::from(i32::MAX) {
        return Err(vm.raise(B::OverflowError, "buffer flags too large"));
    }
    let view = of(vm, a[0])?;
    if flags & WRITABLE != 0 && vm.live_view(view)?.readonly {
        let message = match vm.heap.native::<MemoryView>(a[0]) {
            Some(_) => "memoryview: underlying buffer is not writable",
            None => "Object is not writable.",
        };
        return Err(vm.raise(B::BufferError, message));
    }
    Ok(view)
}

/// `__release_buffer__` of a native class.
///
/// # Errors
/// TypeError for what is no memoryview.
pub fn release_buffer(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.native::<MemoryView>(a[1]).is_none() {
        return Err(vm.type_error("expected a memoryview object"));
    }
    release(vm, &a[1..])
}

fn release(vm: &mut Vm, a: &[Value]) -> PyResult {
    if let Some(view) = vm.heap.native_mut::<MemoryView>(a[0]) {
        view.export = None;
    }
    Ok(Value::NONE)
}

fn repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let address = vm.address(a[0]);
    let released = match vm.live_view(a[0]) {
        Ok(_) => "",
        Err(_) => "released ",
    };
    Ok(vm.heap.str(format!("<{released}memory at {address:#x}>")))
}

fn len(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.live_view(a[0])?.shape.first().copied() {
        Some(n) => Ok(vm.heap.usize(n)),
        None => Err(vm.type_error("0-dim memory has no length")),
    }
}

/// CPython 3.13 memoryobject.c memory_hash: that of the bytes, where the base has a hash, too.
fn hash(vm: &mut Vm, a: &[Value]) -> PyResult {
    // A hash that was asked for once is known for good.
    if let Some(hash) = vm
        .heap
        .native::<MemoryView>(a[0])
        .and_then(|view| view.hash)
    {
        return Ok(vm.heap.int(hash));
    }
    let view = vm.live_view(a[0])?;
    let (readonly, code, obj) = (view.readonly, view.code, view.obj);
    if !readonly {
        return Err(vm.value_error("cannot hash writable memoryview object"));
    }
    if !matches!(code, b'B' | b'b' | b'c') {
        let message = "memoryview: hashing is restricted to formats 'B', 'b' or 'c'";
        return Err(vm.value_error(message));
    }
    vm.hash(obj)?;
    let hash = lockstep_runtime::text::hash::bytes(&vm.view_bytes(a[0]));
    if let Some(view) = vm.heap.native_mut::<MemoryView>(a[0]) {
        view.hash = Some(hash);
    }
    Ok(vm.heap.int(hash))
}

// ---- items ---------------------------------------------------------------------------

/// The value of the item at a place among the bytes of the base.
fn item_at(vm: &mut Vm, this: Value, place: usize) -> PyResult {
    let view = vm.live_view(this)?;
    let (base, code, n_bytes) = (view.base, view.code, view.item_bytes);
    if code == b'w' {
        return Err(vm.not_implemented_error("memoryview: format w not supported"));
    }
    let bytes = vm.heap.shown(base).map_or(&[][..], |shown| shown.bytes);
    let item: smallvec::SmallVec<[u8; item::BYTES_MAX]> =
        bytes.get(place..place + n_bytes).unwrap_or_default().into();
    Ok(item::value(vm, code, &item))
}

fn put_item(vm: &mut Vm, this: Value, place: usize, v: Value) -> PyResult<()> {
    let code = vm.live_view(this)?.code;
    if code == b'w' {
        return Err(vm.not_implemented_error("memoryview: format w not supported"));
    }
    let item = match item::bytes(vm, code, v) {
        Ok(item) => item,
        Err(Misfit::Type(_)) => {
            let message = format!("memoryview: invalid type for format '{}'", char::from(code));
            return Err(vm.type_error(message));
        }
        Err(Misfit::Low | Misfit::High) => return Err(invalid_value(vm, code)),
        Err(Misfit::Raised(raised)) => {
            let is_range = vm.is_instance_of(raised.0, B::OverflowError)
                || vm.is_instance_of(raised.0, B::ValueError);
            return Err(match is_range {
                true => invalid_value(vm, code),
                false => raised,
            });
        }
    };
    // `__index__` may have released it.
    let view = vm.live_view(this)?;
    let (base, n_bytes) = (view.base, view.item_bytes);
    if let Some(bytes) = vm.heap.shown_mut(base)
        && let Some(place) = bytes.get_mut(place..place + n_bytes)
    {
        place.copy_from_slice(&item[..n_bytes]);
    }
    Ok(())
}

fn invalid_value(vm: &mut Vm, code: u8) -> lockstep_runtime::Raised {
    let message = format!(
        "memoryview: invalid value for format '{}'",
        char::from(code)
    );
    vm.value_error(message)
}

/// What a key selects of a view.
enum Selected {
    /// An item, at this place.
    Item(usize),
    /// A part: a slice of the first dimension.
    Part(MemoryView),
    /// The view itself.
    All,
}

fn index_of(vm: &mut Vm, key: Value) -> PyResult<i64> {
    vm.index_i64_or(key, B::IndexError)
}

/// The place of the item of these indexes, one for each dimension.
fn place(vm: &mut Vm, this: Value, indexes: &[i64]) -> PyResult<usize> {
    let view = vm.live_view(this)?;
    let mut place = view.start as isize;
    for (d, &index) in indexes.iter().enumerate() {
        let n = view.shape[d] as i64;
        let at = if index < 0 {
            index.saturating_add(n)
        } else {
            index
        };
        if !(0..n).contains(&at) {
            let message = format!("index out of bounds on dimension {}", d + 1);
            return Err(vm.index_error(message));
        }
        place += at as isize * view.strides[d];
    }
    Ok(place as usize)
}

fn select(vm: &mut Vm, this: Value, key: Value, writes: bool) -> PyResult<Selected> {
    let view = vm.live_view(this)?;
    let (n_dimensions, start) = (view.shape.len(), view.start);
    let parts = vm.heap.as_tuple(key).map(<[Value]>::to_vec);
    if n_dimensions == 0 {
        return match parts {
            Some(parts) if parts.is_empty() => Ok(Selected::Item(start)),
            _ if key == Value::ELLIPSIS => Ok(Selected::All),
            _ => Err(vm.type_error("invalid indexing of 0-dim memory")),
        };
    }
    if let Some(parts) = parts {
        return select_by_tuple(vm, this, &parts, n_dimensions);
    }
    if vm.heap.kind(key) == Some(Kind::Slice) {
        if writes && n_dimensions > 1 {
            let message = "memoryview slice assignments are currently restricted to ndim = 1";
            return Err(vm.not_implemented_error(message));
        }
        // The part is a view of its own already when the bounds are asked for.
        let mut part = vm.live_view(this)?.again();
        let s = vm.slice_indices(key, part.shape[0])?;
        let stride = part.strides[0];
        if s.count > 0 {
            part.start = (part.start as isize + s.start as isize * stride) as usize;
        }
        part.shape[0] = s.count;
        part.strides[0] = stride.wrapping_mul(s.step as isize);
        return Ok(Selected::Part(part));
    }
    if !vm.has_index(key) {
        return Err(vm.type_error("memoryview: invalid slice key"));
    }
    if n_dimensions > 1 {
        let message = match writes {
            true => "sub-views are not implemented",
            false => "multi-dimensional sub-views are not implemented",
        };
        return Err(vm.not_implemented_error(message));
    }
    let index = index_of(vm, key)?;
    place(vm, this, &[index]).map(Selected::Item)
}

fn select_by_tuple(
    vm: &mut Vm,
    this: Value,
    parts: &[Value],
    n_dimensions: usize,
) -> PyResult<Selected> {
    let all_indexes = parts.iter().all(|&part| vm.has_index(part));
    if !all_indexes {
        let all_slices = parts
            .iter()
            .all(|&part| vm.heap.kind(part) == Some(Kind::Slice));
        return Err(match all_slices {
            true => vm.not_implemented_error("multi-dimensional slicing is not implemented"),
            false => vm.type_error("memoryview: invalid slice key"),
        });
    }
    if parts.len() > n_dimensions {
        return Err(vm.type_error(format!(
            "cannot index {n_dimensions}-dimension view with {}-element tuple",
            parts.len()
        )));
    }
    if parts.len() < n_dimensions {
        return Err(vm.not_implemented_error("sub-views are not implemented"));
    }
    let mut indexes = Vec::with_capacity(parts.len());
    for &part in parts {
        indexes.push(index_of(vm, part)?);
    }
    place(vm, this, &indexes).map(Selected::Item)
}

fn getitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    match select(vm, a[0], a[1], false)? {
        Selected::Item(place) => item_at(vm, a[0], place),
        Selected::Part(part) => Ok(make(vm, part)),
        Selected::All => Ok(a[0]),
    }
}

fn delitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    let readonly = vm.live_view(a[0])?.readonly;
    Err(match readonly {
        true => vm.type_error("cannot modify read-only memory"),
        false => vm.type_error("cannot delete memory"),
    })
}

fn setitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    let view = vm.live_view(a[0])?;
    let start = view.start;
    if view.readonly {
        return Err(vm.type_error("cannot modify read-only memory"));
    }
    match select(vm, a[0], a[1], true)? {
        Selected::Item(place) => put_item(vm, a[0], place, a[2])?,
        Selected::All => put_item(vm, a[0], start, a[2])?,
        Selected::Part(part) => {
            vm.live_view(a[0])?;
            put_part(vm, &part, a[2])?;
        }
    }
    Ok(Value::NONE)
}

/// Puts the items of a bytes-like object over those of `part`, of which there must be as many.
fn put_part(vm: &mut Vm, part: &MemoryView, source: Value) -> PyResult<()> {
    let Some(given) = vm.make_view(source)? else {
        let found = vm.type_name(source);
        return Err(vm.type_error(format!("a bytes-like object is required, not '{found}'")));
    };
    if given.shape != part.shape || given.code != part.code {
        let message = "memoryview assignment: lvalue and rvalue have different structures";
        return Err(vm.value_error(message));
    }
    vm.check_size(part.n_bytes())?;
    let data = match vm.heap.shown(given.base) {
        Some(shown) => given.gather(shown.bytes),
        None => Vec::new(),
    };
    if let Some(bytes) = vm.heap.shown_mut(part.base) {
        let mut items = data.chunks_exact(part.item_bytes);
        part.each_place(|at| {
            if let (Some(item), Some(place)) =
                (items.next(), bytes.get_mut(at..at + part.item_bytes))
            {
                place.copy_from_slice(item);
            }
        });
    }
    Ok(())
}

// ---- copies ----------------------------------------------------------------------------

fn tobytes(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.live_view(a[0])?;
    let order = match a[1].some() {
        None => String::from("C"),
        Some(v) => match vm.heap.as_str(v) {
            Some(text) => text.to_lossy(),
            None => {
                let found = vm.type_name(v);
                let message =
                    format!("tobytes() argument 'order' must be str or None, not {found}");
                return Err(vm.type_error(message));
            }
        },
    };
    if !matches!(order.as_str(), "C" | "F" | "A") {
        return Err(vm.value_error("order must be 'C', 'F' or 'A'"));
    }
    let n_bytes = vm.live_view(a[0])?.n_bytes();
    vm.check_size(n_bytes)?;
    let mut view = vm.live_view(a[0])?.again();
    if order == "F" {
        view.shape.reverse();
        view.strides.reverse();
    }
    let data = match vm.heap.shown(view.base) {
        Some(shown) => view.gather(shown.bytes),
        None => Vec::new(),
    };
    Ok(vm.heap.bytes(data))
}

fn tolist(vm: &mut Vm, a: &[Value]) -> PyResult {
    let view = vm.live_view(a[0])?;
    let shape = view.shape.clone();
    let mut places = Vec::with_capacity(view.n_items());
    view.each_place(|at| places.push(at));
    let list = vm.heap.list(Vec::new());
    vm.root(list);
    for at in places {
        let value = item_at(vm, a[0], at)?;
        vm.heap.list_push(list, value);
        vm.tick()?;
    }
    if shape.is_empty() {
        return Ok(vm.heap.as_sequence(list).unwrap_or_default()[0]);
    }
    // The innermost lists first.
    let mut rows = list;
    for &n in shape.iter().skip(1).rev() {
        let items = vm.heap.as_sequence(rows).unwrap_or_default().to_vec();
        rows = vm.heap.list(Vec::new());
        vm.root(rows);
        for row in items.chunks(n.max(1)) {
            let row = vm.heap.list(row.to_vec());
            vm.heap.list_push(rows, row);
        }
    }
    Ok(rows)
}

fn iter(vm: &mut Vm, a: &[Value]) -> PyResult {
    let view = vm.live_view(a[0])?;
    let n_dimensions = view.shape.len();
    if n_dimensions == 0 {
        return Err(vm.type_error("invalid indexing of 0-dim memory"));
    }
    if n_dimensions > 1 {
        let message = "multi-dimensional sub-views are not implemented";
        return Err(vm.not_implemented_error(message));
    }
    let Some(class) = vm.ext::<Classes>().iter else {
        unreachable!("the builtins have the class");
    };
    let shape = vm.root_shape(class);
    Ok(vm.heap.opaque(shape, ViewIter { view: a[0], at: 0 }))
}

fn next(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(iter) = vm.heap.native_mut::<ViewIter>(a[0]) else {
        return Err(vm.raise(B::StopIteration, ""));
    };
    let (view, at) = (iter.view, iter.at);
    iter.at += 1;
    let shown = vm.live_view(view)?;
    if at >= shown.shape.first().copied().unwrap_or(0) {
        return Err(vm.raise(B::StopIteration, ""));
    }
    let place = shown.start as isize + at as isize * shown.strides[0];
    item_at(vm, view, place as usize)
}

/// The shape of a view of one dimension.
fn flat(view: &mut MemoryView, n_items: usize) {
    view.shape = smallvec![n_items];
    view.strides = smallvec![view.item_bytes as isize];
}
