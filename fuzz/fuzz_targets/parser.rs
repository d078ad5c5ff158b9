//! Any bytes: their syntax tree, and the report of what is wrong with them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_lang::parser::{parse_interactive, parse_module};
use lockstep_lang::render::render;
use lockstep_lang::source::Source;

fuzz_target!(|data: &[u8]| {
    let (source, bad) = match Source::from_bytes("fuzz.async", data) {
        Ok(source) => (source, None),
        Err(bad) => (bad.0, Some(bad.1)),
    };
    let mut diagnostics = parse_module(&source).diagnostics;
    diagnostics.extend(bad);
    let _ = render(&source, &diagnostics, false);
    let _ = parse_interactive(&source);
});
