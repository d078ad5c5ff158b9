//! Damaged code: the verifier refuses it, or it runs without touching foreign
//! memory. A panic of the VM over values that no compiled code has (a register
//! that holds no cell, say) is caught, as the binary catches it.
#![no_main]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use lockstep_fuzz::{mutation, world};
use lockstep_lang::bytecode::{dis, verify};
use lockstep_runtime::heap::Stress;

fuzz_target!(|data: &[u8]| {
    let Some(code) = mutation::damaged(data) else {
        return;
    };
    // Decoding and verifying may not panic.
    if verify::verify(&code).is_err() {
        return;
    }
    let _ = dis::listing(&code);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| {
        // A check of debug builds that has failed stands for foreign memory.
        let text = info.payload().downcast_ref::<&str>().copied();
        let text = text.or(info.payload().downcast_ref::<String>().map(String::as_str));
        if text.is_some_and(|text| text.contains("unchecked")) {
            eprintln!("{info}");
            std::process::abort();
        }
    }));
    let _ = catch_unwind(AssertUnwindSafe(|| world::run(Arc::new(code), Stress::Off)));
    std::panic::set_hook(hook);
});
