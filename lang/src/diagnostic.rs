//! What is wrong with a source text: data only. render.rs draws it.

use crate::source::Span;

/// The exception that the report stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ErrorClass {
    SyntaxError,
    IndentationError,
    TabError,
    /// Valid Python that is outside the subset.
    Unsupported,
}

impl ErrorClass {
    pub fn name(self) -> &'static str {
        match self {
            ErrorClass::SyntaxError => "SyntaxError",
            ErrorClass::IndentationError => "IndentationError",
            ErrorClass::TabError => "TabError",
            ErrorClass::Unsupported => "Unsupported",
        }
    }
}

/// A second place that the report points at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// One fault of a source text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Stable: `E0103`. The same fault keeps its code from release to release.
    pub code: &'static str,
    pub exception: ErrorClass,
    /// CPython's words.
    pub message: String,
    pub span: Span,
    pub labels: Vec<Label>,
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn new(
        code: &'static str,
        exception: ErrorClass,
        message: impl Into<String>,
        span: Span,
    ) -> Diagnostic {
        Diagnostic {
            code,
            exception,
            message: message.into(),
            span,
            labels: Vec::new(),
            help: None,
        }
    }

    /// A `SyntaxError`.
    pub fn syntax(code: &'static str, message: impl Into<String>, span: Span) -> Diagnostic {
        Diagnostic::new(code, ErrorClass::SyntaxError, message, span)
    }

    /// What CPython warns of by a SyntaxWarning: a `SyntaxError` where a filter makes it one.
    pub fn warning(message: impl Into<String>, span: Span) -> Diagnostic {
        Diagnostic::syntax("W0001", message, span)
    }

    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        let text = text.into();
        self.labels.push(Label { span, text });
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// The last line that CPython prints for it: `SyntaxError: invalid syntax`.
    pub fn last_line(&self) -> String {
        format!("{}: {}", self.exception.name(), self.message)
    }
}
