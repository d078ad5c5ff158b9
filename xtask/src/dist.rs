//! `cargo xtask dist`: the release recipe. Builds Lockstep with counters in it, runs the programs
//! of the benches and the goldens, and builds it again guided by what was counted. Gives
//! `target/dist/lockstep`; fails where the guided build prints something else than the other.

use crate::rustc;
use lockstep_tests::{binary, case, process, workspace};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A program of the benches that runs longer with counters in it has hung.
const LIMIT: Duration = Duration::from_secs(120);

/// rustc's own LLVM writes counts in a format that older tools can't read.
const LLVM_MIN: u32 = 19;

/// Runs the command.
///
/// # Errors
/// Where there is no `llvm-profdata`, a build fails, or the two builds disagree.
pub fn run() -> Result<(), String> {
    let built = build()?;
    println!("{}", built.display());
    Ok(())
}

/// Builds `target/dist/lockstep` and gives its path.
///
/// # Errors
/// As `run`.
pub fn build() -> Result<PathBuf, String> {
    let tool = profdata()?;
    let dir = workspace::target_and_profile().0.join("dist");
    let counts = dir.join("counts");
    let merged = dir.join("lockstep.profdata");
    if counts.exists() {
        fs::remove_dir_all(&counts).map_err(|error| format!("{}: {error}", counts.display()))?;
    }

    println!("building with counters");
    let flag = format!("-Cprofile-generate={}", counts.display());
    let counting = built_with(&flag, &dir.join("counting"))?;
    let benches = benches()?;
    println!("counting: {} programs of benches/", benches.len());
    let printed = benches
        .iter()
        .map(|file| output(&counting, file))
        .collect::<Result<Vec<_>, _>>()?;
    // What is tested but not measured would count as never used, and be laid aside as cold.
    let goldens: Vec<_> = case::goldens().into_iter().flatten().collect();
    println!("counting: {} goldens", goldens.len());
    for golden in &goldens {
        binary::run_case_in(&[], LIMIT, &counting, golden)?;
    }
    let mut merge = Command::new(&tool);
    merge.args(["merge", "--output"]).arg(&merged).arg(&counts);
    let merge = process::run(&mut merge, b"", LIMIT)?;
    if merge.exit != 0 {
        return Err(format!("{}: {}", tool.display(), merge.stderr));
    }

    println!("building with what was counted");
    let flag = format!("-Cprofile-use={}", merged.display());
    let guided = built_with(&flag, &dir.join("guided"))?;
    for (file, printed) in benches.iter().zip(&printed) {
        if output(&guided, file)? != *printed {
            return Err(format!(
                "{}: the guided build prints something else",
                file.display()
            ));
        }
    }
    let copy = dir.join(format!("lockstep{}", std::env::consts::EXE_SUFFIX));
    fs::copy(&guided, &copy).map_err(|error| format!("{}: {error}", copy.display()))?;
    Ok(copy)
}

/// What a program prints; it must succeed.
fn output(lockstep: &Path, file: &Path) -> Result<String, String> {
    let mut command = Command::new(lockstep);
    command.arg("run").arg(file);
    let run = process::run(&mut command, b"", LIMIT)?;
    if run.exit == 0 {
        Ok(run.stdout)
    } else {
        Err(format!("{}: {}", file.display(), run.last_stderr_line()))
    }
}

/// The programs that are measured, by whose counts the build is guided.
fn benches() -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for folder in ["async", "compute", "startup"] {
        let dir = workspace::root().join("benches").join(folder);
        let entries = fs::read_dir(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let paths = entries.flatten().map(|entry| entry.path());
        files.extend(paths.filter(|path| path.extension().is_some_and(|end| end == "async")));
    }
    files.sort();
    Ok(files)
}

/// A release build with a flag for rustc. Only the named target is built with it: build scripts
/// and macros are programs of their own.
fn built_with(flag: &str, target: &Path) -> Result<PathBuf, String> {
    let (_, host) = rustc::version_and_host()?;
    let mut flags: Vec<String> = std::env::var("RUSTFLAGS")
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    flags.push(flag.to_owned());
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--release", "--package", "lockstep"])
        .args(["--target", &host, "--target-dir"])
        .arg(target)
        .current_dir(workspace::root())
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    let output = command
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let file = format!("lockstep{}", std::env::consts::EXE_SUFFIX);
    Ok(target.join(host).join("release").join(file))
}

/// The tool that merges counts: the toolchain's own, or one that is installed.
fn profdata() -> Result<PathBuf, String> {
    let name = format!("llvm-profdata{}", std::env::consts::EXE_SUFFIX);
    let libdir = PathBuf::from(rustc::said(&["--print", "target-libdir"])?.trim());
    let mut candidates = vec![libdir.with_file_name("bin").join(&name)];
    candidates.push(PathBuf::from(&name));
    for version in (LLVM_MIN..LLVM_MIN + 10).rev() {
        candidates.push(PathBuf::from(format!("llvm-profdata-{version}")));
        candidates.push(PathBuf::from(format!(
            "/usr/lib/llvm-{version}/bin/llvm-profdata"
        )));
    }
    candidates
        .into_iter()
        .find(|tool| llvm_version(tool).is_some_and(|version| version >= LLVM_MIN))
        .ok_or_else(|| {
            format!(
                "no llvm-profdata of LLVM {LLVM_MIN} or later was found: \
                 `rustup component add llvm-tools` or a package `llvm-{LLVM_MIN}` has it"
            )
        })
}

/// The major version that a tool says it is of.
fn llvm_version(tool: &Path) -> Option<u32> {
    let output = Command::new(tool).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let rest = text.split("LLVM version ").nth(1)?;
    rest.split('.').next()?.trim().parse().ok()
}
