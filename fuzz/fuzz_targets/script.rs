//! Any text that compiles is run. Fed with the goldens, so that it does
//! something.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep_fuzz::world;

fuzz_target!(|text: &str| {
    if let Some(code) = world::compile(text) {
        world::run(code, world::stress_of(text.len()));
    }
});
