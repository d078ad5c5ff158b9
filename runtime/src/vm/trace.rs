//! Where the program is: lines of running frames and of tracebacks.

use crate::object::exception::{Exception, TraceEntry};
use crate::object::function::CodeObject;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::frame::Frame;

/// One line of a traceback, ready to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLine {
    pub file: String,
    pub line: u32,
    /// The function's qualified name.
    pub name: String,
    /// The source line, trimmed; empty when unknown.
    pub text: String,
}

impl Vm {
    /// The entry of a frame that has stopped at an instruction.
    pub(crate) fn trace_entry(&self, frame: &Frame) -> TraceEntry {
        let words = self
            .heap
            .cell::<CodeObject>(frame.code_value)
            .words
            .as_ptr();
        let next = (frame.pc as usize - words as usize) / 8;
        TraceEntry {
            code: frame.code_value,
            pc: (next as u32).saturating_sub(1),
        }
    }

    /// What a traceback shows for an entry.
    pub fn trace_line(&self, entry: TraceEntry) -> TraceLine {
        let code = &self.heap.cell::<CodeObject>(entry.code).code;
        let line = code.line_at(entry.pc);
        TraceLine {
            file: code.source.name().to_string(),
            line,
            name: code.qualname.to_string(),
            text: code.source.line_text(line).trim().to_string(),
        }
    }

    /// An exception's traceback, outermost frame first.
    pub fn trace_lines(&self, exception: Value) -> Vec<TraceLine> {
        let e = self.heap.cell::<Exception>(exception);
        e.trace
            .iter()
            .rev()
            .map(|&entry| self.trace_line(entry))
            .collect()
    }

    /// Where the running frames stand, innermost first.
    pub fn running_entries(&self) -> Vec<TraceEntry> {
        self.frames
            .iter()
            .rev()
            .map(|f| self.trace_entry(f))
            .collect()
    }

    /// The lines of the running frames, innermost first.
    pub fn current_lines(&self) -> Vec<TraceLine> {
        self.frames
            .iter()
            .rev()
            .map(|f| self.trace_line(self.trace_entry(f)))
            .collect()
    }

    /// Where a suspended frame stands.
    pub fn suspended_line(&self, generator: Value) -> Option<TraceLine> {
        let g = self
            .heap
            .get::<crate::object::generator::Generator>(generator)?;
        Some(self.trace_line(TraceEntry {
            code: g.code,
            pc: g.pc.saturating_sub(1),
        }))
    }
}

impl Vm {
    /// `exception.__traceback__`: a traceback object, or None.
    pub fn traceback_of(&mut self, exception: Value) -> Value {
        use crate::object::class::B;
        use crate::object::exception::Traceback;
        let e = self.heap.cell::<Exception>(exception);
        if e.trace.is_empty() {
            return e.traceback;
        }
        let mut entries: Vec<TraceEntry> = e.trace.iter().rev().copied().collect();
        if let Some(rest) = self.heap.get::<Traceback>(e.traceback) {
            entries.extend_from_slice(&rest.entries[rest.at..]);
        }
        entries.dedup_by(|a, b| a.code == b.code && a.pc == b.pc);
        self.heap
            .alloc(B::Traceback.shape(), Traceback { entries, at: 0 })
    }
}
