//! The `lockstep` binary: reads arguments, runs one command, gives its exit status.

#[cfg(target_os = "linux")]
mod allocator;
mod args;
mod dis;
mod host;
#[cfg(target_os = "linux")]
mod memory;
mod panic;
mod repl;
mod run;
mod source;
mod stdin;

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

#[cfg(not(target_os = "linux"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The Rust stack of the thread that runs scripts: natives that call script
/// code nest on it, up to a counted depth.
const STACK_BYTES: usize = 256 << 20;

fn main() -> std::process::ExitCode {
    panic::install_hook();
    let thread = std::thread::Builder::new()
        .name(String::from("main"))
        .stack_size(STACK_BYTES)
        .spawn(|| {
            panic::guard(|| args::parse().map_or_else(|status| status, args::Command::execute))
        });
    let status = match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(status)) => status,
        Ok(Err(_)) => panic::INTERNAL_ERROR,
        Err(error) => {
            eprintln!("lockstep: can't start the main thread: {error}");
            1
        }
    };
    std::process::ExitCode::from(status)
}
