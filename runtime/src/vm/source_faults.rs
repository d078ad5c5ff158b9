//! What the compiler says of a source, as scripts meet it: exceptions and warnings.

use lockstep_lang::diagnostic::{Diagnostic, ErrorClass};
use lockstep_lang::source::Source;

use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// The exception for a fault of a source, with its place.
    #[cold]
    pub fn syntax_error(&mut self, source: &Source, fault: &Diagnostic) -> Raised {
        let class = match fault.exception {
            ErrorClass::SyntaxError => B::SyntaxError,
            ErrorClass::IndentationError => B::IndentationError,
            ErrorClass::TabError => B::TabError,
            ErrorClass::Unsupported => {
                let line = source.line(fault.span.start);
                let name = source.name();
                let file = name.rsplit('/').next().unwrap_or(name);
                return self.unsupported(format!("{} ({file}, line {line})", fault.message));
            }
        };
        let start = source.line_col(fault.span.start);
        let end = source.line_col(fault.span.end);
        let number = |n: u32| Value::small(i64::from(n));
        let mut line = source.line_text(start.line).to_owned();
        line.push('\n');
        let place = [
            self.heap.str(source.name()),
            number(start.line),
            number(start.column),
            self.heap.str(line.as_str()),
            number(end.line),
            number(end.column),
        ];
        let place = self.heap.tuple(&place);
        let message = self.heap.str(fault.message.as_str());
        self.root(place);
        self.root(message);
        let class = self.class(class);
        match self.call(class, &[message, place]) {
            Ok(exception) => self.raise_given(exception),
            Err(raised) => raised,
        }
    }

    /// Issues a SyntaxWarning for each of what the compiler warns of.
    ///
    /// # Errors
    /// SyntaxError where a filter makes the warning an error; what a script's `showwarning`
    /// raises.
    pub fn warn_of_source(&mut self, source: &Source, warnings: &[Diagnostic]) -> PyResult<()> {
        for warning in warnings {
            let module = self.import_module("warnings")?;
            let message = self.heap.str(warning.message.as_str());
            let category = self.class(B::SyntaxWarning);
            let file = self.heap.str(source.name());
            let line = Value::small(i64::from(source.line(warning.span.start)));
            let issued =
                self.call_method(module, "warn_explicit", &[message, category, file, line]);
            match issued {
                Err(Raised(e)) if self.is_instance_of(e, B::SyntaxWarning) => {
                    return Err(self.syntax_error(source, warning));
                }
                issued => issued?,
            };
        }
        Ok(())
    }
}
