//! Where the program is: lines of running frames and of tracebacks.

use lockstep_lang::source::Span;

use crate::object::class::B;
use crate::object::exception::{Exception, TraceEntry, Traceback};
use crate::object::function::CodeObject;
use crate::object::generator::{GenState, Generator};
use crate::text::underline::underlined;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::frame::Frame;
use crate::vm::names::N;

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

/// Where an instruction stands in the source: lines from 1, columns in bytes from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pub line: u32,
    pub end_line: u32,
    pub column: u32,
    pub end_column: u32,
}

impl Vm {
    /// The entry of a frame that has stopped at an instruction.
    pub(crate) fn trace_entry(&self, frame: &Frame) -> TraceEntry {
        let code = self.heap.cell::<CodeObject>(frame.code_value);
        let next = code.index_of(frame.pc);
        TraceEntry {
            code: frame.code_value,
            pc: (next as u32).saturating_sub(1),
        }
    }

    /// What a traceback shows for an entry.
    pub fn trace_line(&self, entry: TraceEntry) -> TraceLine {
        let code = &self.heap.cell::<CodeObject>(entry.code).code;
        let line = self.line_of(entry.code, entry.pc);
        TraceLine {
            file: code.source.name().to_string(),
            line,
            name: code.name.to_string(),
            text: code.source.line_text(line).trim().to_string(),
        }
    }

    /// What an entry's instruction covers; None of a frame that was never started, or of an
    /// instruction that stands nowhere.
    pub fn extent_of(&self, entry: TraceEntry) -> Option<Extent> {
        let code = &self.heap.cell::<CodeObject>(entry.code).code;
        let span = match entry.pc {
            TraceEntry::UNSTARTED => Span::NOWHERE,
            pc => code.span_at(pc),
        };
        if span == Span::NOWHERE {
            return None;
        }
        let source = &code.source;
        let (line, end_line) = (source.line(span.start), source.line(span.end));
        Some(Extent {
            line,
            end_line,
            column: span.start - source.line_start(line),
            end_column: span.end - source.line_start(end_line),
        })
    }

    /// The source lines that a traceback shows for an entry, indented, each with its newline.
    pub fn trace_excerpt(&self, entry: TraceEntry) -> String {
        let source = &self.heap.cell::<CodeObject>(entry.code).code.source;
        match self.extent_of(entry) {
            Some(extent) => underlined(
                source.lines_text(extent.line, extent.end_line),
                extent.column as usize,
                extent.end_column as usize,
            ),
            None => {
                let text = source.line_text(self.line_of(entry.code, entry.pc)).trim();
                match text {
                    "" => String::new(),
                    text => format!("    {text}\n"),
                }
            }
        }
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

    /// How many frames an exception's traceback has.
    pub(crate) fn n_trace_entries(&self, exception: Value) -> usize {
        let Some(e) = self.heap.get::<Exception>(exception) else {
            return 0;
        };
        let mut n = e.trace.len();
        let mut at = e.traceback;
        while let Some(t) = self.heap.get::<Traceback>(at) {
            n += 1;
            at = t.next;
        }
        n
    }

    /// Drops the outermost frames of an exception's traceback until it has `n_kept`.
    pub(crate) fn trim_traceback(&mut self, exception: Value, n_kept: usize) {
        let mut n = self.n_trace_entries(exception);
        while n > n_kept {
            n -= 1;
            let e = self.heap.cell_mut::<Exception>(exception);
            if e.trace.pop().is_none() {
                let outermost = e.traceback;
                let next = self.heap.cell::<Traceback>(outermost).next;
                self.heap.cell_mut::<Exception>(exception).traceback = next;
            }
        }
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

    /// Where the script's code stands that a native of the library serves.
    pub fn script_position(&self) -> Option<TraceEntry> {
        let frame = self.frames.last()?;
        if self
            .heap
            .cell::<CodeObject>(frame.code_value)
            .step
            .is_none()
        {
            return Some(self.trace_entry(frame));
        }
        let mut at = self.heap.get::<Generator>(frame.generator)?.awaiter;
        loop {
            let g = self.heap.get::<Generator>(at)?;
            if self.heap.cell::<CodeObject>(g.code).step.is_none() {
                return Some(TraceEntry {
                    code: g.code,
                    pc: g.pc.saturating_sub(1),
                });
            }
            at = g.awaiter;
        }
    }

    /// Notes where a coroutine is made, for `cr_origin`.
    #[cold]
    pub(crate) fn note_origin(&mut self, coroutine: Value) {
        let mut origin = Vec::new();
        for entry in self
            .running_entries()
            .into_iter()
            .take(self.coroutine_origin_depth)
        {
            let line = self.trace_line(entry);
            let (file, name) = (self.heap.str(line.file), self.heap.str(line.name));
            let text = self.heap.str(line.text);
            let number = Value::small(line.line.into());
            origin.push(self.heap.tuple(&[file, number, name, text]));
        }
        let origin = self.heap.tuple(&origin);
        let dict = self.attribute_dict(coroutine);
        self.heap.ns_set(dict, self.n(N::cr_origin), origin);
    }

    /// Where a coroutine was made, if that was noted: a tuple of files, lines,
    /// names and texts, innermost first.
    pub fn origin_of(&self, coroutine: Value) -> Option<Value> {
        self.own_attr(coroutine, self.n(N::cr_origin))
    }

    /// Where the frame of a generator or coroutine stands, running or not.
    pub fn entry_of(&self, generator: Value) -> Option<TraceEntry> {
        let g = self.heap.get::<Generator>(generator)?;
        let pc = match g.state {
            GenState::Created => TraceEntry::UNSTARTED,
            _ => g.pc.saturating_sub(1),
        };
        // While it runs, its own count is that of its last suspension.
        let running = match g.state {
            GenState::Running => self.frames.iter().rfind(|f| f.generator == generator),
            _ => None,
        };
        Some(match running {
            Some(frame) => self.trace_entry(frame),
            None => TraceEntry { code: g.code, pc },
        })
    }

    /// The line at which the frame of a generator or coroutine stands.
    pub fn line_where(&self, generator: Value) -> Option<TraceLine> {
        self.entry_of(generator).map(|entry| self.trace_line(entry))
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
