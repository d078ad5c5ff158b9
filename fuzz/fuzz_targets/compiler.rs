//! Any text: what compiles is what the verifier accepts, and survives being
//! written as an image and read again.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use lockstep_lang::bytecode::{dis, image, verify};
use lockstep_lang::compile::{CompileOptions, Compiled, compile_source};
use lockstep_lang::render::render;
use lockstep_lang::source::Source;

fuzz_target!(|text: &str| {
    let source = Arc::new(Source::new("fuzz.async", text));
    for refuse_late in [false, true] {
        let options = CompileOptions {
            top_level_await: refuse_late,
            refuse_late,
            interactive: !refuse_late,
            ..CompileOptions::default()
        };
        match compile_source(source.clone(), options) {
            Ok(Compiled { code, .. }) => {
                verify::verify(&code).expect("compiled code is verified");
                let image = image::encode(&code);
                let again = image::decode(&image, &source).expect("an image can be read");
                assert_eq!(image::encode(&again), image);
                let _ = dis::listing(&code);
            }
            Err(diagnostics) => {
                assert!(!diagnostics.is_empty());
                let _ = render(&source, &diagnostics, false);
            }
        }
    }
});
