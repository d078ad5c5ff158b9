//! Any bytes: their tokens, and what is wrong with them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_lang::layout::lay_out;
use lockstep_lang::source::Source;

fuzz_target!(|data: &[u8]| {
    let source = match Source::from_bytes("fuzz.async", data) {
        Ok(source) => source,
        Err(bad) => bad.0,
    };
    let layout = lay_out(&source);
    for token in &layout.tokens {
        let _ = source.slice(token.span);
        assert!(source.line(token.span.start) <= source.n_lines());
    }
});
