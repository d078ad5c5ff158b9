//! `_struct`: values as the bytes of a C structure and back, which the module `struct` shows. What
//! formats mean is `format`, what values look like `convert`; here are the calls of scripts, the
//! places in buffers, and the formats that were used of late.

mod convert;
mod format;

use std::collections::HashMap;
use std::sync::Arc;

use lockstep_runtime::native::{ClassDef, function, getter, method, static_method};
use lockstep_runtime::object::buffer::MemoryView;
use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::text::pystr::Units;
use lockstep_runtime::{B, Kind, Marker, N, PyResult, Raised, Value, Vm};

use crate::builtins::bytes;
use crate::{NativeModule, args};
use convert::Piece;
use format::Format;

pub static MODULE: NativeModule = NativeModule {
    name: "_struct",
    functions: &[
        function("calcsize(format, /)", |vm, a| {
            let format = argument(vm, a[0])?;
            Ok(vm.heap.usize(format.size))
        }),
        function("pack(*args)", |vm, a| {
            let given = vm.heap.tuple_items(a[0]).to_vec();
            pack_given(vm, &given)
        })
        .quick(|vm, a| pack_given(vm, a).map(Some)),
        function("pack_into(*args)", |vm, a| {
            let given = vm.heap.tuple_items(a[0]).to_vec();
            pack_into_given(vm, &given)
        })
        .quick(|vm, a| pack_into_given(vm, a).map(Some)),
        function("unpack(format, buffer, /)", |vm, a| {
            let format = argument(vm, a[0])?;
            unpack(vm, &format, a[1])
        }),
        function("unpack_from(format, /, buffer, offset=0)", |vm, a| {
            let format = argument(vm, a[0])?;
            unpack_from(vm, &format, a[1], a[2])
        }),
        function("iter_unpack(format, buffer, /)", |vm, a| {
            let format = argument(vm, a[0])?;
            iter_unpack(vm, format, a[1])
        }),
    ],
    init,
};

/// A `Struct`.
struct Struct {
    /// None before `__init__`.
    format: Option<Arc<Format>>,
}

impl Native for Struct {
    fn trace(&self, _: &mut Marker) {}
    fn external_bytes(&self) -> usize {
        self.format.as_ref().map_or(0, |format| format.heap_bytes())
    }
}

/// The structures of a buffer, one after another.
struct UnpackIter {
    format: Arc<Format>,
    /// None when it has come to the end.
    view: Option<MemoryView>,
    /// The next one's place. Invariant: a multiple of the format's size, which divides the view's.
    at: usize,
}

impl Native for UnpackIter {
    fn trace(&self, marker: &mut Marker) {
        if let Some(view) = &self.view {
            view.trace(marker);
        }
    }
}

/// What one VM keeps: its classes, and the formats that were used of late.
#[derive(Default)]
struct State {
    error: Option<Value>,
    iter: Option<Value>,
    formats: HashMap<Box<[u8]>, Arc<Format>>,
}

/// As many formats as CPython 3.13 _struct.c keeps.
const N_FORMATS_MAX: usize = 100;
/// Longer ones are read anew.
const KEPT_LEN_MAX: usize = 1000;

impl Native for State {
    fn trace(&self, marker: &mut Marker) {
        for class in [self.error, self.iter].into_iter().flatten() {
            marker.mark(class);
        }
    }
}

static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", |vm, a| {
            let shape = vm.root_shape(a[0]);
            Ok(vm.heap.opaque(shape, Struct { format: None }))
        }),
        method("__init__(self, /, format)", |vm, a| {
            let format = cached(vm, a[1])?;
            vm.heap.charge(format.heap_bytes());
            if let Some(this) = vm.heap.native_mut::<Struct>(a[0]) {
                this.format = Some(format);
            }
            Ok(Value::NONE)
        }),
        method("__repr__(self, /)", |vm, a| {
            let class = vm.heap.class_of(a[0]);
            let name = vm.class_name(class);
            let text = text(vm, a[0]);
            let shown = vm.repr_string(text)?;
            Ok(vm.heap.str(format!("{name}({shown})")))
        }),
        method("iter_unpack(self, buffer, /)", |vm, a| {
            let format = own(vm, a[0])?;
            iter_unpack(vm, format, a[1])
        }),
        method("pack(self, /, *values)", |vm, a| {
            let format = own(vm, a[0])?;
            let values = vm.heap.tuple_items(a[1]).to_vec();
            pack(vm, &format, &values)
        })
        .quick(|vm, a| {
            let Some((&this, values)) = a.split_first() else {
                return Ok(None);
            };
            let format = own(vm, this)?;
            pack(vm, &format, values).map(Some)
        }),
        method("pack_into(self, /, *args)", |vm, a| {
            let format = own(vm, a[0])?;
            let given = vm.heap.tuple_items(a[1]).to_vec();
            pack_into(vm, &format, &given)
        })
        .quick(|vm, a| {
            let Some((&this, given)) = a.split_first() else {
                return Ok(None);
            };
            let format = own(vm, this)?;
            pack_into(vm, &format, given).map(Some)
        }),
        method("unpack(self, buffer, /)", |vm, a| {
            let format = own(vm, a[0])?;
            unpack(vm, &format, a[1])
        }),
        method("unpack_from(self, /, buffer, offset=0)", |vm, a| {
            let format = own(vm, a[0])?;
            unpack_from(vm, &format, a[1], a[2])
        }),
    ],
    attributes: &[
        getter("format", |vm, this| Ok(text(vm, this))),
        getter("size", |vm, this| {
            let size = own_or_none(vm, this).map(|format| format.size);
            Ok(match size {
                Some(size) => vm.heap.usize(size),
                None => Value::small(-1),
            })
        }),
    ],
    doc: "A format, read once.",
};

static ITER: ClassDef = ClassDef {
    methods: &[
        method("__iter__(self, /)", |_, a| Ok(a[0])),
        method("__length_hint__(self, /)", |vm, a| {
            let iter = vm.heap.native::<UnpackIter>(a[0]);
            let left = iter.and_then(|iter| {
                let view = iter.view.as_ref()?;
                Some((view.n_bytes() - iter.at) / iter.format.size)
            });
            Ok(vm.heap.usize(left.unwrap_or(0)))
        }),
        method("__next__(self, /)", next),
    ],
    attributes: &[],
    doc: "",
};

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    let error = {
        let name = vm.heap.intern("error");
        let ns = vm.heap.dict();
        let module = vm.heap.intern("struct");
        let key = vm.n(N::module);
        vm.heap.ns_set(ns, key, module);
        let (meta, base) = (vm.class(B::Type), vm.class(B::Exception));
        vm.new_class(meta, name, &[base], ns, &[])?
    };
    vm.ext::<State>().error = Some(error);
    let object = vm.class(B::Object);
    let class = vm.new_native_class("_struct", "Struct", object, Kind::Opaque, &CLASS);
    let iter = vm.new_native_class("_struct", "unpack_iterator", object, Kind::Opaque, &ITER);
    vm.ext::<State>().iter = Some(iter);
    vm.heap.cell_mut::<Class>(class).has_weakref = true;
    vm.heap.cell_mut::<Class>(iter).is_final = true;
    for class in [class, iter] {
        let made = vm.heap.cell_mut::<Class>(class);
        (made.has_dict, made.named_with_module) = (false, true);
        vm.class_changed(class);
    }
    for (name, value) in [("Struct", class), ("error", error)] {
        let name = vm.heap.intern(name);
        vm.heap.ns_set(dict, name, value);
    }
    Ok(())
}

/// A `struct.error`.
#[cold]
fn error(vm: &mut Vm, message: &str) -> Raised {
    let Some(class) = vm.ext::<State>().error else {
        unreachable!("its module has been made");
    };
    let message = vm.heap.str(message);
    match vm.holding(&[message], |vm| vm.call(class, &[message])) {
        Ok(exception) => vm.raise_given(exception),
        Err(raised) => raised,
    }
}

// ---- formats -------------------------------------------------------------------------

/// The format that a script gives a function.
fn argument(vm: &mut Vm, v: Value) -> PyResult<Arc<Format>> {
    // CPython 3.13 _struct.c cache_struct_converter looks for it in a dict before it is read.
    if !vm.heap.is_exact(v, B::Str) {
        vm.hash(v)?;
    }
    cached(vm, v)
}

/// The format that a script gives.
fn cached(vm: &mut Vm, v: Value) -> PyResult<Arc<Format>> {
    let text = format_text(vm, v)?;
    if let Some(format) = vm.ext::<State>().formats.get(&*text) {
        return Ok(format.clone());
    }
    let format = match Format::parse(&text) {
        Ok(format) => Arc::new(format),
        Err(message) => return Err(error(vm, message)),
    };
    if text.len() <= KEPT_LEN_MAX {
        let formats = &mut vm.ext::<State>().formats;
        if formats.len() >= N_FORMATS_MAX {
            formats.clear();
        }
        formats.insert(text.to_vec().into(), format.clone());
    }
    Ok(format)
}

fn format_text(vm: &mut Vm, v: Value) -> PyResult<Piece> {
    if let Some(text) = vm.heap.as_str(v) {
        if text.is_ascii()
            && let Units::Latin1(units) = text.read().units()
        {
            return Ok(Piece::from_slice(units));
        }
        let ascii = vm.heap.str("ascii");
        let encoded = vm.call_method(v, "encode", &[ascii])?;
        return Ok(Piece::from_vec(bytes::data_of(vm, encoded)?));
    }
    match vm.heap.get::<Bytes>(v) {
        Some(text) if vm.is_instance_of(v, B::Bytes) => Ok(Piece::from_slice(&text.data)),
        _ => {
            let found = vm.type_name_whole(v);
            let message = format!("Struct() argument 1 must be a str or bytes object, not {found}");
            Err(vm.type_error(message))
        }
    }
}

fn own_or_none(vm: &Vm, this: Value) -> Option<&Arc<Format>> {
    vm.heap.native::<Struct>(this)?.format.as_ref()
}

/// The format of a `Struct`.
fn own(vm: &mut Vm, this: Value) -> PyResult<Arc<Format>> {
    match own_or_none(vm, this) {
        Some(format) => Ok(format.clone()),
        None => Err(vm.raise(B::RuntimeError, "Struct object is not initialized")),
    }
}

fn text(vm: &mut Vm, this: Value) -> Value {
    let text = own_or_none(vm, this).map_or("", |format| &format.text);
    let text = String::from(text);
    vm.heap.str(text)
}

// ---- packing -------------------------------------------------------------------------

fn pack_given(vm: &mut Vm, given: &[Value]) -> PyResult {
    let Some((&format, values)) = given.split_first() else {
        return Err(vm.type_error("missing format argument"));
    };
    let format = argument(vm, format)?;
    pack(vm, &format, values)
}

fn pack_into_given(vm: &mut Vm, given: &[Value]) -> PyResult {
    let Some((&format, given)) = given.split_first() else {
        return Err(vm.type_error("missing format argument"));
    };
    let format = argument(vm, format)?;
    pack_into(vm, &format, given)
}

fn pack(vm: &mut Vm, format: &Format, values: &[Value]) -> PyResult {
    if values.len() != format.n_values {
        let (n, found) = (format.n_values, values.len());
        let message = format!("pack expected {n} items for packing (got {found})");
        return Err(error(vm, &message));
    }
    let mut out = convert::zeros(vm, format)?;
    convert::pack(vm, format, values, &mut out)?;
    Ok(vm.heap.bytes(out))
}

/// `given` is the buffer, the offset and the values.
fn pack_into(vm: &mut Vm, format: &Format, given: &[Value]) -> PyResult {
    let (buffer, offset, values) = match *given {
        [] => return Err(error(vm, "pack_into expected buffer argument")),
        [_] => return Err(error(vm, "pack_into expected offset argument")),
        [buffer, offset, ref values @ ..] => (buffer, offset, values),
    };
    if values.len() != format.n_values {
        let (n, found) = (format.n_values, values.len());
        let message = format!("pack_into expected {n} items for packing (got {found})");
        return Err(error(vm, &message));
    }
    let Some(len) = vm.writable_len(buffer)? else {
        let found = args::shown_type(vm, buffer);
        let message = format!("argument must be read-write bytes-like object, not {found}");
        return Err(vm.type_error(message));
    };
    let offset = vm.index_i64_or(offset, B::IndexError)?;
    let at = place(vm, format, len, offset, &PACK_INTO)?;
    let mut out = convert::zeros(vm, format)?;
    // The values' own code must not change the buffer's length.
    let held = vm.heap.view_of(buffer, false);
    let packed = convert::pack(vm, format, values, &mut out);
    drop(held);
    // As CPython does, what was packed before an error is written, and zeros after it.
    vm.write_bytes(buffer, at, &out)?;
    packed.map(|()| Value::NONE)
}

// ---- places --------------------------------------------------------------------------

/// How errors tell of a place.
struct Wording {
    /// What there is none of, with a negative offset.
    lack: &'static str,
    name: &'static str,
    doing: &'static str,
}

static PACK_INTO: Wording = Wording {
    lack: "no space to pack",
    name: "pack_into",
    doing: "packing",
};
static UNPACK_FROM: Wording = Wording {
    lack: "not enough data to unpack",
    name: "unpack_from",
    doing: "unpacking",
};

/// The place in a buffer of `len` bytes that an offset means.
fn place(
    vm: &mut Vm,
    format: &Format,
    len: usize,
    offset: i64,
    words: &Wording,
) -> PyResult<usize> {
    let size = format.size;
    let (mut at, n) = (i128::from(offset), size as i128);
    if offset < 0 {
        if at + n > 0 {
            let lack = words.lack;
            let message = format!("{lack} {size} bytes at offset {offset}");
            return Err(error(vm, &message));
        }
        at += len as i128;
        if at < 0 {
            let message = format!("offset {offset} out of range for {len}-byte buffer");
            return Err(error(vm, &message));
        }
    }
    if len as i128 - at < n {
        let Wording { name, doing, .. } = words;
        let message = format!(
            "{name} requires a buffer of at least {} bytes for {doing} {size} bytes at offset {at} \
             (actual buffer size is {len})",
            at + n
        );
        return Err(error(vm, &message));
    }
    // It is in the buffer.
    Ok(at as usize)
}

/// Bytes that can be looked at.
enum Source {
    /// From a place on, so many bytes of an object that shows them.
    Shown(Value, usize, usize),
    Copied(Vec<u8>),
}

impl Source {
    fn of(vm: &mut Vm, buffer: Value) -> PyResult<Source> {
        if let Some(shown) = vm.heap.shown(buffer) {
            return Ok(Source::Shown(buffer, 0, shown.bytes.len()));
        }
        match vm.make_view(buffer)? {
            Some(view) if view.is_c_contiguous() => {
                Ok(Source::Shown(view.base, view.start, view.n_bytes()))
            }
            _ => Ok(Source::Copied(bytes::data_of(vm, buffer)?)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Source::Shown(_, _, len) => *len,
            Source::Copied(data) => data.len(),
        }
    }

    /// The values of the structure at a place.
    fn unpacked(&self, vm: &mut Vm, format: &Format, at: usize) -> PyResult {
        match self {
            Source::Shown(base, start, _) => shown_at(vm, format, *base, start + at),
            Source::Copied(data) => convert::unpacked(vm, format, &data[at..][..format.size]),
        }
    }
}

/// The values of the structure at a place among the bytes of `base`.
fn shown_at(vm: &mut Vm, format: &Format, base: Value, at: usize) -> PyResult {
    let shown = vm.heap.shown(base).map(|shown| shown.bytes);
    let piece = shown.and_then(|bytes| bytes.get(at..at.checked_add(format.size)?));
    let Some(piece) = piece.map(Piece::from_slice) else {
        // Whoever holds a view of the bytes keeps their number.
        return Err(vm.raise(B::SystemError, "the bytes of a buffer are gone"));
    };
    convert::unpacked(vm, format, &piece)
}

// ---- unpacking -----------------------------------------------------------------------

fn unpack(vm: &mut Vm, format: &Format, buffer: Value) -> PyResult {
    let source = Source::of(vm, buffer)?;
    if source.len() != format.size {
        let message = format!("unpack requires a buffer of {} bytes", format.size);
        return Err(error(vm, &message));
    }
    source.unpacked(vm, format, 0)
}

fn unpack_from(vm: &mut Vm, format: &Format, buffer: Value, offset: Value) -> PyResult {
    let offset = args::ssize_or(vm, offset, 0)?;
    let source = Source::of(vm, buffer)?;
    let at = place(vm, format, source.len(), offset, &UNPACK_FROM)?;
    source.unpacked(vm, format, at)
}

fn iter_unpack(vm: &mut Vm, format: Arc<Format>, buffer: Value) -> PyResult {
    let size = format.size;
    if size == 0 {
        let message = "cannot iteratively unpack with a struct of length 0";
        return Err(error(vm, message));
    }
    let view = match vm.make_view(buffer)? {
        Some(view) if view.is_c_contiguous() => view,
        _ => {
            let data = bytes::data_of(vm, buffer)?;
            let copied = vm.heap.bytes(data);
            match vm.heap.view_of(copied, true) {
                Some(view) => view,
                None => unreachable!("bytes show themselves"),
            }
        }
    };
    if !view.n_bytes().is_multiple_of(size) {
        let message =
            format!("iterative unpacking requires a buffer of a multiple of {size} bytes");
        return Err(error(vm, &message));
    }
    let Some(class) = vm.ext::<State>().iter else {
        unreachable!("its module has been made");
    };
    let shape = vm.root_shape(class);
    let iter = UnpackIter {
        format,
        view: Some(view),
        at: 0,
    };
    Ok(vm.heap.opaque(shape, iter))
}

fn next(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(iter) = vm.heap.native_mut::<UnpackIter>(a[0]) else {
        return Err(vm.raise(B::StopIteration, ""));
    };
    let found = match &iter.view {
        Some(view) if iter.at < view.n_bytes() => Some((view.base, view.start + iter.at)),
        _ => None,
    };
    let Some((base, at)) = found else {
        // The buffer is let go.
        iter.view = None;
        return Err(vm.raise(B::StopIteration, ""));
    };
    iter.at += iter.format.size;
    let format = iter.format.clone();
    shown_at(vm, &format, base, at)
}
