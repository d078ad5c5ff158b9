//! Frame objects as far as scripts may see them: where code stands. They are
//! snapshots; the running frame can't be changed through one.

use lockstep_runtime::native::{ClassDef, getter, method};
use lockstep_runtime::object::exception::TraceEntry;
use lockstep_runtime::object::function::CodeObject;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

/// A place in the code of a frame.
struct Frame {
    entry: TraceEntry,
    /// The frames around it, innermost first.
    outer: Vec<TraceEntry>,
    /// Whether it was running when this was made.
    running: bool,
}

impl Native for Frame {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.entry.code);
        for entry in &self.outer {
            marker.mark(entry.code);
        }
    }
}

/// The class of frame objects, once one was made.
#[derive(Default)]
struct FrameClass(Option<Value>);

impl Native for FrameClass {
    fn trace(&self, marker: &mut Marker) {
        if let Some(class) = self.0 {
            marker.mark(class);
        }
    }
}

static CLASS: ClassDef = ClassDef {
    methods: &[
        method("__repr__(self, /)", repr),
        method("clear(self, /)", clear),
    ],
    attributes: &[
        getter("f_code", |vm, this| {
            Ok(entry(vm, this).map_or(Value::NONE, |e| e.code))
        }),
        getter("f_lineno", |vm, this| {
            let line = entry(vm, this).map_or(0, |e| vm.trace_line(e).line);
            Ok(Value::small(i64::from(line)))
        }),
        getter("f_lasti", |_, _| Ok(Value::small(0))),
        getter("f_globals", |vm, this| {
            Ok(entry(vm, this).map_or(Value::NONE, |e| vm.heap.cell::<CodeObject>(e.code).globals))
        }),
        getter("f_builtins", |vm, _| Ok(vm.builtins)),
        getter("f_back", back),
        getter("f_trace", |_, _| Ok(Value::NONE)),
        getter("f_locals", |vm, _| {
            Err(vm.unsupported(
                "the variables of another frame can't be read: use locals() inside it",
            ))
        }),
    ],
    doc: "",
};

fn entry(vm: &Vm, this: Value) -> Option<TraceEntry> {
    vm.heap.native::<Frame>(this).map(|f| f.entry)
}

fn repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(entry) = entry(vm, a[0]) else {
        return vm.default_repr(a[0]);
    };
    let at = vm.trace_line(entry);
    let file = vm.heap.str(at.file);
    let file = vm.repr_string(file)?;
    let address = vm.address(a[0]);
    let (line, name) = (at.line, at.name);
    Ok(vm.heap.str(format!(
        "<frame at {address:#x}, file {file}, line {line}, code {name}>"
    )))
}

/// A snapshot holds no variables, so that there is nothing to let go of.
fn clear(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.native::<Frame>(a[0]).is_some_and(|f| f.running) {
        return Err(vm.raise(B::RuntimeError, "cannot clear an executing frame"));
    }
    Ok(Value::NONE)
}

fn back(vm: &mut Vm, this: Value) -> PyResult {
    let outer = vm
        .heap
        .native::<Frame>(this)
        .map(|f| f.outer.clone())
        .unwrap_or_default();
    match outer.split_first() {
        Some((&entry, rest)) => {
            let rest = rest.to_vec();
            make(vm, entry, rest, true)
        }
        None => Ok(Value::NONE),
    }
}

/// The frame object of a traceback's entry.
///
/// # Errors
/// None of its own.
pub fn of_entry(vm: &mut Vm, entry: TraceEntry) -> PyResult {
    make(vm, entry, Vec::new(), false)
}

/// The frame object of the running frame `depth` calls up.
///
/// # Errors
/// ValueError when there are fewer.
pub fn running(vm: &mut Vm, depth: usize) -> PyResult {
    let entries = vm.running_entries();
    match entries.get(depth..) {
        Some([entry, rest @ ..]) => make(vm, *entry, rest.to_vec(), true),
        _ => Err(vm.value_error("call stack is not deep enough")),
    }
}

fn make(vm: &mut Vm, entry: TraceEntry, outer: Vec<TraceEntry>, running: bool) -> PyResult {
    let class = match vm.ext::<FrameClass>().0 {
        Some(class) => class,
        None => {
            let object = vm.class(B::Object);
            let class = vm.new_native_class("builtins", "frame", object, Kind::Opaque, &CLASS);
            vm.ext::<FrameClass>().0 = Some(class);
            class
        }
    };
    let shape = vm.root_shape(class);
    Ok(vm.heap.opaque(
        shape,
        Frame {
            entry,
            outer,
            running,
        },
    ))
}
