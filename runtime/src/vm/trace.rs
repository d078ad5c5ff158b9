//! Where the program is: lines of running frames and of tracebacks.

use crate::object::class::B;
use crate::object::exception::{Exception, TraceEntry, Traceback};
use crate::object::function::CodeObject;
use crate::object::generator::Generator;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::frame::Frame;

/// One line of a traceback, ready to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLine {
    pub file: String,
    pub line: u32,
    /// The function's name.
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
            name: code.name.to_string(),
            text: code.source.line_text(line).trim().to_string(),
        }
    }

    /// An exception's traceback, outermost frame first.
    pub fn trace_lines(&self, exception: Value) -> Vec<TraceLine> {
        self.trace_entries(exception)
            .into_iter()
            .map(|entry| self.trace_line(entry))
            .collect()
    }

    /// The frames of an exception's traceback, outermost first.
    pub fn trace_entries(&self, exception: Value) -> Vec<TraceEntry> {
        let e = self.heap.cell::<Exception>(exception);
        let mut entries: Vec<TraceEntry> = e.trace.iter().rev().copied().collect();
        let mut at = e.traceback;
        while let Some(t) = self.heap.get::<Traceback>(at) {
            entries.push(t.entry);
            at = t.next;
        }
        entries
    }

    /// The frame that an exception's traceback begins with.
    pub(crate) fn outermost_entry(&self, exception: Value) -> Option<TraceEntry> {
        let e = self.heap.get::<Exception>(exception)?;
        let made = self.heap.get::<Traceback>(e.traceback).map(|t| t.entry);
        e.trace.last().copied().or(made)
    }

    /// Where the running frames stand, innermost first.
    pub fn running_entries(&self) -> Vec<TraceEntry> {
        let mut entries = Vec::new();
        for frame in self.frames.iter().rev() {
            entries.push(self.trace_entry(frame));
            // Those that wait for it stand below it, as if they had called it.
            let mut at = frame.generator;
            while let Some(g) = self.heap.get::<Generator>(at)
                && let Some(outer) = self.heap.get::<Generator>(g.awaiter)
            {
                at = g.awaiter;
                entries.push(TraceEntry {
                    code: outer.code,
                    pc: outer.pc.saturating_sub(1),
                });
            }
        }
        entries
    }

    /// The lines of the running frames, innermost first.
    pub fn current_lines(&self) -> Vec<TraceLine> {
        self.running_entries()
            .into_iter()
            .map(|entry| self.trace_line(entry))
            .collect()
    }

    /// Where a suspended frame stands.
    pub fn suspended_line(&self, generator: Value) -> Option<TraceLine> {
        let g = self.heap.get::<Generator>(generator)?;
        Some(self.trace_line(TraceEntry {
            code: g.code,
            pc: g.pc.saturating_sub(1),
        }))
    }
}

impl Vm {
    /// `exception.__traceback__`: a traceback object, or None. It is the same
    /// one until unwinding leaves another frame.
    pub fn traceback_of(&mut self, exception: Value) -> Value {
        let e = self.heap.cell_mut::<Exception>(exception);
        let mut traceback = e.traceback;
        for entry in std::mem::take(&mut e.trace) {
            let next = traceback;
            traceback = self
                .heap
                .alloc(B::Traceback.shape(), Traceback { entry, next });
        }
        self.heap.cell_mut::<Exception>(exception).traceback = traceback;
        traceback
    }
}
