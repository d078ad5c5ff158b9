//! Script files: reading, decoding, compiling; bad ones reported on stderr.

use std::ffi::OsStr;
use std::io::{IsTerminal, Read};
use std::sync::Arc;

use lockstep_lang::compile::{CompileOptions, Compiled, compile_source};
use lockstep_lang::diagnostic::Diagnostic;
use lockstep_lang::render::render;
use lockstep_lang::source::Source;
use lockstep_runtime::text::os_text;

use crate::args::USAGE_ERROR;

/// The script in `file`, `-` being standard input.
///
/// # Errors
/// The exit status, after a message.
pub fn read(file: &OsStr) -> Result<Arc<Source>, u8> {
    let name = if file == "-" {
        String::from("<stdin>")
    } else {
        os_text::shown(file)
    };
    let mut bytes = Vec::new();
    let result = if file == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    if let Err(error) = result {
        eprintln!("lockstep: can't open file '{name}': {error}");
        return Err(USAGE_ERROR);
    }
    match Source::from_bytes(name, &bytes) {
        Ok(source) => Ok(Arc::new(source)),
        Err(bad) => {
            let (source, diagnostic) = *bad;
            report(&source, &[diagnostic]);
            Err(1)
        }
    }
}

/// Compiles a script.
///
/// # Errors
/// The exit status, after a report of every fault.
pub fn compile(source: &Arc<Source>, options: CompileOptions) -> Result<Compiled, u8> {
    compile_source(source.clone(), options).map_err(|diagnostics| {
        report(source, &diagnostics);
        1
    })
}

/// Writes a report of bad source to stderr; its last line is CPython's.
pub fn report(source: &Source, diagnostics: &[Diagnostic]) {
    let mut text = render(source, diagnostics, std::io::stderr().is_terminal());
    if let Some(first) = diagnostics.first() {
        let last = first.last_line();
        if !text.trim_end().ends_with(&last) {
            text.push_str(&last);
            text.push('\n');
        }
    }
    eprint!("{text}");
}
