//! Compiles a syntax tree and its scopes to code objects. Rejects only what is
//! too large; scope.rs has refused bad input before.
//!
//! One pass: each expression is compiled into the register that its context
//! names, so that `x = a + b` is one instruction. Plain locals are operands
//! themselves; see expr.rs for the two rules that make that safe.

mod asm;
mod assign;
mod blocks;
mod call;
mod class;
mod comprehension;
mod cond;
mod docstring;
mod expr;
mod format;
mod fragment;
mod frame;
mod function;
mod pattern;
mod registers;
mod stmt;

pub use fragment::{FragmentKind, compile_fragment};

use std::cell::RefCell;
use std::sync::Arc;

use crate::ast;
use crate::bytecode::Code;
use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::parser::{self, Parsed};
use crate::refused_names;
use crate::scope::{self, ScopeOptions, ScopeTable};
use crate::source::Source;

/// What the host wants of the code.
#[derive(Clone, Copy, Default, Debug)]
pub struct CompileOptions {
    /// `await` outside of functions is allowed and makes the module's code a coroutine.
    pub top_level_await: bool,
    /// The values of expression statements are shown, as at a prompt.
    pub interactive: bool,
    /// What is outside the subset raises `Unsupported` when it is reached,
    /// rather than being refused now.
    pub refuse_late: bool,
    /// The source is one expression, whose value the code returns.
    pub expression: bool,
}

/// What a source was compiled to.
#[derive(Debug)]
pub struct Compiled {
    pub code: Arc<Code>,
    /// What CPython warns of when it compiles it, each as a SyntaxWarning.
    pub warnings: Vec<Diagnostic>,
}

/// What all frames of one compilation share.
struct Shared<'a> {
    table: &'a ScopeTable,
    source: &'a Arc<Source>,
    options: CompileOptions,
    errors: RefCell<Vec<Diagnostic>>,
}

/// Compiles a module; `name` is that of its code object, `<module>` by custom.
///
/// # Errors
/// Names that can't be resolved, statements out of place, what is outside the
/// subset, code that is too large.
pub fn compile_module(
    module: &ast::Module,
    source: &Arc<Source>,
    name: &str,
    options: CompileOptions,
) -> Result<Compiled, Vec<Diagnostic>> {
    crate::stack::with_deep_stack(|| {
        let scope_options = ScopeOptions {
            top_level_await: options.top_level_await,
        };
        let mut table = scope::resolve(module, scope_options)?;
        let mut warnings = module.warnings.clone();
        warnings.append(&mut table.warnings);
        let refused = match options.refuse_late {
            true => Vec::new(),
            false => refused_names::check(module),
        };
        let shared = Shared {
            table: &table,
            source,
            options,
            errors: RefCell::new(refused),
        };
        let code = frame::compile_module_body(&shared, module, name);
        let errors = shared.errors.into_inner();
        if errors.is_empty() {
            #[cfg(debug_assertions)]
            if let Err(fault) = crate::bytecode::verify::verify(&code) {
                panic!("the compiler makes code that the verifier accepts: {fault}");
            }
            let code = Arc::new(code);
            Ok(Compiled { code, warnings })
        } else {
            Err(errors)
        }
    })
}

/// Parses and compiles a script.
///
/// ```
/// use std::sync::Arc;
/// use lockstep_lang::{compile::{CompileOptions, compile_source}, source::Source};
/// let source = Arc::new(Source::new("demo.async", "x = 1\n"));
/// let compiled = compile_source(source, CompileOptions::default()).unwrap();
/// assert!(compiled.code.flags.module);
/// assert!(compiled.warnings.is_empty());
/// ```
///
/// # Errors
/// As the parser and [`compile_module`].
pub fn compile_source(
    source: Arc<Source>,
    options: CompileOptions,
) -> Result<Compiled, Vec<Diagnostic>> {
    let Parsed {
        module,
        mut diagnostics,
    } = parser::parse_module(&source);
    if options.refuse_late {
        diagnostics.retain(|diagnostic| diagnostic.exception != ErrorClass::Unsupported);
    }
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    compile_module(&module, &source, "<module>", options)
}

#[cfg(test)]
mod tests;
