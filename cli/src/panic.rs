//! A bug of ours: said in words, with what to report, and exit status 70.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The exit status of an internal error (EX_SOFTWARE).
pub const INTERNAL_ERROR: u8 = 70;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Replaces Rust's panic message by ours.
pub fn install_hook() {
    std::panic::set_hook(Box::new(|info| {
        if QUIET.get() {
            return;
        }
        let place = info
            .location()
            .map_or(String::new(), |l| format!(" at {}:{}", l.file(), l.line()));
        let text = info
            .payload()
            .downcast_ref::<&str>()
            .map(|s| (*s).to_string())
            .or_else(|| info.payload().downcast_ref::<String>().cloned())
            .unwrap_or_default();
        eprintln!("lockstep: internal error{place}: {text}");
        eprintln!(
            "This is a bug in lockstep {}, not in your script. Please report it with the script and this text.",
            env!("CARGO_PKG_VERSION")
        );
    }));
}

/// Runs `body`; a panic in it becomes exit status 70.
pub fn guard(body: impl FnOnce() -> u8) -> u8 {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(INTERNAL_ERROR)
}
