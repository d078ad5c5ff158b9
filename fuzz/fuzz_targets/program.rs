//! Bytes make a program by the grammar, token for token; it is compiled and
//! run. With `LOCKSTEP_FUZZ_PRINT` set the program is printed first.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_fuzz::{grammar, world};

fuzz_target!(|data: &[u8]| {
    let text = grammar::program(data);
    if std::env::var_os("LOCKSTEP_FUZZ_PRINT").is_some() {
        eprintln!("{text}");
    }
    if let Some(code) = world::compile(&text) {
        world::run(code, world::stress_of(data.len()));
    }
});
