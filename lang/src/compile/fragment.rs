//! Compiles a piece of source that is no file, for tools that hold a namespace: one expression
//! whose value is wanted, or statements whose variables live apart from the module's. No script
//! reaches this; `exec` and `eval` are outside the language.

use std::sync::Arc;

use super::{CompileOptions, Compiled, compile_module};
use crate::ast::{ClassDef, Ident, Module, Stmt, StmtKind};
use crate::bytecode::Const;
use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::parser;
use crate::source::{Source, Span};

/// The class that a fragment with variables of its own is compiled as the body of. No source
/// can write this name, and a class without a name mangles none.
const APART: &str = "";

/// What a fragment is.
#[derive(Clone, Copy, Default, Debug)]
pub struct FragmentKind {
    /// One expression, whose value the code returns; otherwise statements.
    pub expression: bool,
    /// Names are looked up and bound in a mapping that the code takes as its argument, and
    /// looked up in the module where they are not there, as in a class body.
    pub apart: bool,
}

/// Compiles a fragment.
///
/// # Errors
/// As [`super::compile_source`]; a SyntaxError for an expression that is none.
pub fn compile_fragment(
    source: &Arc<Source>,
    kind: FragmentKind,
    options: CompileOptions,
) -> Result<Compiled, Vec<Diagnostic>> {
    let options = CompileOptions {
        expression: kind.expression,
        ..options
    };
    let mut parsed = parser::parse_module(source);
    if options.refuse_late {
        parsed
            .diagnostics
            .retain(|diagnostic| diagnostic.exception != ErrorClass::Unsupported);
    }
    if !parsed.diagnostics.is_empty() {
        return Err(parsed.diagnostics);
    }
    if kind.expression {
        check_expression(&parsed.module)?;
    }
    // It is what reports names and statements out of place, also for the other form.
    let compiled = compile_module(&parsed.module, source, "<module>", options)?;
    if !kind.apart {
        return Ok(compiled);
    }
    let span = parsed.module.span;
    let body = ClassDef {
        name: Ident {
            name: APART.into(),
            span,
        },
        type_params: Vec::new(),
        args: Vec::new(),
        body: parsed.module.body,
        decorators: Vec::new(),
    };
    let wrapped = Module {
        body: vec![Stmt {
            kind: StmtKind::ClassDef(Box::new(body)),
            span,
        }],
        span,
        warnings: Vec::new(),
    };
    let module = compile_module(&wrapped, source, "<module>", options)?;
    let body = module
        .code
        .body()
        .consts
        .iter()
        .find_map(|constant| match constant {
            Const::Code(code) if code.flags.class_body => Some(code.clone()),
            _ => None,
        });
    Ok(Compiled {
        code: body.expect("a class statement has a body"),
        warnings: compiled.warnings,
    })
}

fn check_expression(module: &Module) -> Result<(), Vec<Diagnostic>> {
    let span = match &module.body[..] {
        [stmt] if matches!(stmt.kind, StmtKind::Expr(_)) => return Ok(()),
        [_, second, ..] => second.span,
        [stmt] => stmt.span,
        [] => Span::default(),
    };
    Err(vec![Diagnostic::syntax("E0100", "invalid syntax", span)])
}
