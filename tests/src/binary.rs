//! Builds, finds and runs the `lockstep` binary. Takes a cargo profile and cases, gives a path and
//! runs, never compares them.

use crate::case::Case;
use crate::process::{self, Run};
use crate::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The `lockstep` binary of the profile that the caller itself was built with.
///
/// # Errors
/// As `lockstep_of_profile`.
pub fn lockstep() -> Result<PathBuf, String> {
    let (_, profile) = workspace::target_and_profile();
    lockstep_of_profile(&profile)
}

/// The `lockstep` binary of a named profile (`dev`, `release`, `quick`), built if need be.
/// `LOCKSTEP_BIN` names another one, which is then not built.
///
/// # Errors
/// When cargo can't build it; the text is cargo's.
pub fn lockstep_of_profile(profile: &str) -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("LOCKSTEP_BIN") {
        // Programs run in their own folders, so a relative path would not be found from there.
        let path = std::fs::canonicalize(&path)
            .map_err(|error| format!("LOCKSTEP_BIN {}: {error}", PathBuf::from(path).display()))?;
        return Ok(path);
    }
    // The whole workspace, so that dependencies have the features that `cargo test --workspace`
    // has already built them with.
    let (target, _) = workspace::target_and_profile();
    build(
        "lockstep",
        &["--workspace", "--bin", "lockstep"],
        profile,
        &target,
    )
}

/// Has cargo build the binary `name`, which `what` selects, into a target folder.
///
/// # Errors
/// When cargo can't build it; the text is cargo's.
pub fn build(name: &str, what: &[&str], profile: &str, target: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--quiet"])
        .args(what)
        .args(["--profile", profile])
        .arg("--target-dir")
        .arg(target)
        .current_dir(workspace::root())
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let folder = if profile == "dev" { "debug" } else { profile };
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    Ok(target.join(folder).join(file))
}

/// How long a case may run on Lockstep.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Runs a case on Lockstep, with the clock and the options that its header asks for.
///
/// # Errors
/// When the binary can't be started.
pub fn run_case(binary: &Path, case: &Case) -> Result<Run, String> {
    run_case_in(&[], LIMIT, binary, case)
}

/// As `run_case`, with these variables in the environment and for so long at most.
///
/// # Errors
/// When the binary can't be started.
pub fn run_case_in(
    environment: &[(&str, &str)],
    limit: Duration,
    binary: &Path,
    case: &Case,
) -> Result<Run, String> {
    let clock = if case.header.real_clock {
        "real"
    } else {
        "virtual"
    };
    let mut command = Command::new(binary);
    command
        .args(["run", "--clock", clock])
        .args(&case.header.flags)
        .arg(&case.file)
        .args(&case.header.args)
        .current_dir(&case.dir)
        .env("NO_COLOR", "1")
        .envs(environment.iter().copied());
    let run = process::run(&mut command, case.header.stdin.as_bytes(), limit)?;
    Ok(case.header.mask(run))
}
