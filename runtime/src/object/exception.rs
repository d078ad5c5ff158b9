//! Exceptions and tracebacks.

use crate::heap::{Heap, Kind, Marker, Object};
use crate::value::Value;

/// One line of a traceback: which code was at which instruction.
#[derive(Clone, Copy)]
pub struct TraceEntry {
    /// The `CodeObject` cell.
    pub code: Value,
    /// Word index of the instruction; its line is looked up only when shown.
    pub pc: u32,
}

impl TraceEntry {
    /// The `pc` of a frame that has not begun: a generator into which an
    /// exception was thrown. It stands at its `def`.
    pub const UNSTARTED: u32 = u32::MAX;
}

/// An instance of BaseException or a subclass. Other attributes are in the
/// heap's side table.
pub struct Exception {
    /// A tuple.
    pub args: Value,
    /// `__cause__`, `Value::NONE` when there is none.
    pub cause: Value,
    pub context: Value,
    pub suppress_context: bool,
    /// The frames left since `traceback` was made, innermost first, as unwinding
    /// meets them: they stand before it.
    pub trace: Vec<TraceEntry>,
    /// `__traceback__` as a script last saw or set it; None else.
    pub traceback: Value,
    /// What the class needs besides: StopIteration's value, SystemExit's code,
    /// a group's message and tuple of exceptions, OSError's errno, strerror and
    /// filename, a name error's name; `Value::EMPTY` when not set.
    pub fields: [Value; 4],
}

impl Object for Exception {
    const KIND: Kind = Kind::Exception;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.args, self.cause, self.context, self.traceback]);
        marker.mark_all(&self.fields);
        for entry in &self.trace {
            marker.mark(entry.code);
        }
    }
    fn external_bytes(&self) -> usize {
        self.trace.capacity() * size_of::<TraceEntry>()
    }
}

/// A traceback object: one frame, and those further in.
pub struct Traceback {
    pub entry: TraceEntry,
    /// The traceback of the frame that this one had called, or None.
    pub next: Value,
}

impl Object for Traceback {
    const KIND: Kind = Kind::Traceback;
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.entry.code);
        marker.mark(self.next);
    }
}

impl Exception {
    /// An exception with these arguments (a tuple) and nothing else set.
    pub fn new(args: Value) -> Exception {
        Exception {
            args,
            cause: Value::NONE,
            context: Value::NONE,
            suppress_context: false,
            trace: Vec::new(),
            traceback: Value::NONE,
            fields: [Value::EMPTY; 4],
        }
    }
}

impl Heap {
    /// Whether `v` is an exception object.
    pub fn is_exception(&self, v: Value) -> bool {
        self.kind(v) == Some(Kind::Exception)
    }
}
