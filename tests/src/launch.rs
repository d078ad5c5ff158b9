//! Starts the `lockstep` binary on source texts, for tests of the command line. Takes arguments
//! and bytes, gives runs; never leaves a file outside cargo's target folder.

use crate::process::{self, Run};
use crate::{binary, workspace};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The binary under test, built once per test program.
///
/// # Panics
/// When it can't be built: no test has a result then.
pub fn lockstep() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match binary::lockstep() {
        Ok(binary) => binary,
        Err(error) => panic!("the lockstep binary can't be built:\n{error}"),
    })
}

/// A folder of this test program's own.
pub fn scratch() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let (target, _) = workspace::target_and_profile();
        remove_old(&target.join("scratch"));
        let dir = target.join("scratch").join(std::process::id().to_string());
        fs::create_dir_all(&dir).expect("cargo's target folder can be written to");
        dir
    })
}

/// Removes what earlier test programs left, but for those that may still be running.
fn remove_old(scratch: &Path) {
    let is_old = |entry: &fs::DirEntry| {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age.as_secs() > 3600))
    };
    for entry in fs::read_dir(scratch)
        .into_iter()
        .flatten()
        .flatten()
        .filter(is_old)
    {
        // Another test program may be removing it at the same time.
        drop(fs::remove_dir_all(entry.path()));
    }
}

/// Writes a source text to a new file and gives its path.
pub fn file(source: impl AsRef<[u8]>) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = scratch().join(format!("script{number}.async"));
    fs::write(&path, source).expect("cargo's target folder can be written to");
    path
}

/// The command for the binary under test, without arguments.
pub fn command() -> Command {
    let mut command = Command::new(lockstep());
    command.env("NO_COLOR", "1").current_dir(scratch());
    command
}

/// Runs `lockstep ARGS` with `stdin`.
pub fn args<S: AsRef<std::ffi::OsStr>>(args: &[S], stdin: &str) -> Run {
    process::run(command().args(args), stdin.as_bytes(), binary::LIMIT)
        .expect("the binary can be started")
}

/// Runs a source text as a file, under the virtual clock.
pub fn source(source: impl AsRef<[u8]>) -> Run {
    let path = file(source);
    process::run(
        command().args(["run", "--clock", "virtual"]).arg(path),
        b"",
        binary::LIMIT,
    )
    .expect("the binary can be started")
}

/// Asserts that a run ended by itself and without a sign of a bug of ours.
///
/// # Panics
/// Where it didn't.
#[track_caller]
pub fn assert_clean(run: &Run) {
    let shown: String = run.stderr.chars().take(2_000).collect();
    assert!(!run.timed_out, "it hung; stderr:\n{shown}");
    for sign in [
        "panicked",
        "internal error",
        "RUST_BACKTRACE",
        "overflowed its stack",
    ] {
        assert!(
            !run.stderr.contains(sign),
            "stderr tells of a bug of ours:\n{shown}"
        );
    }
    // 70 is a bug of ours, 101 a panic; 128 and a signal's number, but SIGINT's, is a crash.
    let is_crash = matches!(run.exit, 70 | 101 | 129 | 131..=159);
    assert!(!is_crash, "exit status {}; stderr:\n{shown}", run.exit);
}

/// Asserts a clean failure: the exit status, and words on stderr.
///
/// # Panics
/// Where it isn't one.
#[track_caller]
pub fn assert_fails(run: &Run, exit: i32, words: &str) {
    assert_clean(run);
    let shown: String = run.stderr.chars().take(2_000).collect();
    assert_eq!(run.exit, exit, "exit status; stderr:\n{shown}");
    assert!(
        run.stderr.contains(words),
        "stderr doesn't say {words:?}:\n{shown}"
    );
    assert!(
        run.stderr.len() < 100_000,
        "a report of {} bytes",
        run.stderr.len()
    );
}
