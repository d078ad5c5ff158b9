//! Shows that the fuzzer sees: bugs that a build with the feature `planted` has, one at a time,
//! must each be found among so many programs. Takes a profile and a first seed, gives a table.

use super::batch::{self, Limits};
use lockstep_tests::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each bug must be found among so many programs.
const PROGRAMS_MAX: u64 = 10_000;

/// The planted bugs, by the names that `runtime/src/planted.rs` gives them.
const BUGS: [&str; 12] = [
    "wake_order",
    "lost_wakeup",
    "extra_hop",
    "skipped_cancel",
    "dropped_callback",
    "timer_ties",
    "runs_what_came_meanwhile",
    "lost_message",
    "uncounted_cancel",
    "early_timer",
    "cancel_stops_short",
    "result_beats_cancel",
];

/// Builds the binary with the bugs and looks for each.
///
/// # Errors
/// Where one is not found, or the build fails.
pub fn run(python: &PathBuf, dir: &Path, profile: &str, first_seed: u64) -> Result<(), String> {
    let lockstep = build(profile)?;
    let mut missed = Vec::new();
    for bug in BUGS {
        let limits = Limits {
            first_seed,
            programs: PROGRAMS_MAX,
            until: None,
            differences: 1,
        };
        let planted = wrapper(dir, &lockstep, bug)?;
        let found = batch::run(python, &planted, dir, &limits, false)?;
        match found.first_at {
            Some(n) => println!("{bug}: found within {n} programs"),
            None => {
                println!("{bug}: not found in {} programs", found.programs);
                missed.push(bug);
            }
        }
    }
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!("not found: {}", missed.join(", ")))
    }
}

/// A build beside the normal one, which stays without bugs.
fn build(profile: &str) -> Result<PathBuf, String> {
    let target = workspace::target_and_profile().0.join("planted");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "-p",
            "lockstep",
            "--features",
            "planted",
        ])
        .args(["--profile", profile])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(workspace::root())
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err("the build with planted bugs failed".to_owned());
    }
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target.join(folder).join("lockstep"))
}

/// A program that starts the binary with one bug switched on.
fn wrapper(dir: &Path, lockstep: &Path, bug: &str) -> Result<PathBuf, String> {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join(format!("lockstep-{bug}"));
    let text = format!(
        "#!/bin/sh\nLOCKSTEP_PLANTED={bug} exec '{}' \"$@\"\n",
        lockstep.display()
    );
    std::fs::write(&path, text).map_err(|error| error.to_string())?;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, mode).map_err(|error| error.to_string())?;
    Ok(path)
}
