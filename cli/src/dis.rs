//! `lockstep dis`: a listing of a script's bytecode.

use std::ffi::OsStr;
use std::io::Write;

use lockstep_lang::bytecode::dis;
use lockstep_lang::compile::CompileOptions;

use crate::source;

/// Prints the listing; gives the exit status.
pub fn dis(file: &OsStr) -> u8 {
    let options = CompileOptions {
        top_level_await: true,
        ..CompileOptions::default()
    };
    let code = match source::read(file).and_then(|s| source::compile(&s, options)) {
        Ok(compiled) => compiled.code,
        Err(status) => return status,
    };
    // A closed pipe ends quietly.
    let _ = std::io::stdout()
        .lock()
        .write_all(dis::listing(&code).as_bytes());
    0
}
