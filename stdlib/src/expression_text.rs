//! `_expressions`: whether a text reads as one expression, which is what `typing` asks of the
//! text of an annotation. Nothing is compiled or run.

use lockstep_lang::ast::StmtKind;
use lockstep_lang::diagnostic::ErrorClass;
use lockstep_lang::parser::parse_module;
use lockstep_lang::source::Source;
use lockstep_runtime::native::function;
use lockstep_runtime::{PyResult, Value, Vm};

use crate::{NativeModule, args};

pub static MODULE: NativeModule = NativeModule {
    name: "_expressions",
    functions: &[function("is_expression(text, /)", is_expression)],
    init: |_, _| Ok(()),
};

fn is_expression(vm: &mut Vm, a: &[Value]) -> PyResult {
    let text = args::text(vm, "is_expression", 1, a[0])?;
    let Ok(text) = text.to_utf8() else {
        return Ok(Value::FALSE);
    };
    let text = text.trim_start_matches([' ', '\t']);
    let parsed = parse_module(&Source::new("<string>", text));
    // What the language refuses is an expression all the same.
    let reads = parsed
        .diagnostics
        .iter()
        .all(|d| d.exception == ErrorClass::Unsupported);
    let is_one = match &parsed.module.body[..] {
        [stmt] => matches!(stmt.kind, StmtKind::Expr(_)),
        [] => !parsed.diagnostics.is_empty(),
        _ => false,
    };
    Ok(Value::bool(reads && is_one))
}
