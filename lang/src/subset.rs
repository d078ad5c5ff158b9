//! What valid Python the language leaves out and the source text shows: one
//! row per refusal. The parser and the compiler find the places.

use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::source::Span;

/// One thing that is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub code: &'static str,
    /// What is refused, as it stands in a message.
    pub what: &'static str,
    pub reason: &'static str,
    /// What to do instead.
    pub way_out: &'static str,
}

impl Refusal {
    pub fn message(&self) -> String {
        format!("{}: {}", self.what, self.reason)
    }

    pub fn at(&self, span: Span) -> Diagnostic {
        Diagnostic::new(self.code, ErrorClass::Unsupported, self.message(), span).help(self.way_out)
    }
}

pub const COMPLEX_LITERAL: Refusal = Refusal {
    code: "E0901",
    what: "complex numbers are not supported",
    reason: "the language has int and float",
    way_out: "keep the real and the imaginary part in two floats",
};

/// A call of the builtin by its bare name.
pub const EXEC: Refusal = Refusal {
    code: "E0902",
    what: "exec is not supported",
    reason: "names are resolved before the script runs",
    way_out: "put the code into a function or a module of its own",
};

/// A call of the builtin by its bare name.
pub const EVAL: Refusal = Refusal {
    code: "E0903",
    what: "eval is not supported",
    reason: "names are resolved before the script runs",
    way_out: "parse the text yourself, or look names up in a dict",
};

/// A call of the builtin by its bare name.
pub const COMPILE: Refusal = Refusal {
    code: "E0904",
    what: "compile is not supported",
    reason: "code objects can't be made while a script runs",
    way_out: "put the code into a function or a module of its own",
};

/// A comment that declares an encoding, in a file that is not plain ASCII.
pub const SOURCE_ENCODING: Refusal = Refusal {
    code: "E0905",
    what: "source encodings other than UTF-8 are not supported",
    reason: "a script is UTF-8 on every machine",
    way_out: "save the file as UTF-8 and drop the encoding comment",
};

/// Every row.
pub const REFUSALS: &[Refusal] = &[COMPLEX_LITERAL, EXEC, EVAL, COMPILE, SOURCE_ENCODING];

/// The row for a call of this builtin by its bare name.
pub fn refused_call(name: &str) -> Option<&'static Refusal> {
    match name {
        "exec" => Some(&EXEC),
        "eval" => Some(&EVAL),
        "compile" => Some(&COMPILE),
        _ => None,
    }
}
