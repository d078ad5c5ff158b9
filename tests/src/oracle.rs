//! Finds a CPython 3.13 and runs cases on it through `tests/oracle/oracle.py`. Takes cases, gives
//! runs, never compares them.

use crate::case::Case;
use crate::process::Run;
use crate::workspace;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// How long a program may run on CPython.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Finds a CPython 3.13: `LOCKSTEP_ORACLE`, then `python3.13` on PATH, then pyenv's.
///
/// # Errors
/// Where none was found, with all that was tried.
pub fn find() -> Result<PathBuf, String> {
    let mut tried = Vec::new();
    let mut candidates: Vec<PathBuf> = Vec::new();
    if let Some(path) = std::env::var_os("LOCKSTEP_ORACLE") {
        candidates.push(path.into());
    } else {
        candidates.push("python3.13".into());
        candidates.extend(of_pyenv());
    }
    for candidate in candidates {
        match version(&candidate) {
            Ok(version) if version.starts_with("CPython 3.13.") => return Ok(candidate),
            Ok(version) => tried.push(format!("{} is {version}", candidate.display())),
            Err(error) => tried.push(format!("{}: {error}", candidate.display())),
        }
    }
    Err(format!(
        "no CPython 3.13 found ({}); set LOCKSTEP_ORACLE to one",
        tried.join("; ")
    ))
}

/// "CPython 3.13.0" for an interpreter.
///
/// # Errors
/// Where it can't be run.
pub fn version(python: &PathBuf) -> Result<String, String> {
    let code =
        "import platform; print(platform.python_implementation(), platform.python_version())";
    let output = Command::new(python)
        .args(["-I", "-c", code])
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err("it doesn't run".to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The folder of an interpreter's library.
///
/// # Errors
/// Where it can't be run.
pub fn library(python: &Path) -> Result<PathBuf, String> {
    let output = Command::new(python)
        .args([
            "-I",
            "-c",
            "import sysconfig; print(sysconfig.get_path('stdlib'))",
        ])
        .output()
        .map_err(|error| error.to_string())?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "" => Err(format!("{} has no library", python.display())),
        path => Ok(path.into()),
    }
}

fn of_pyenv() -> Option<PathBuf> {
    let versions = Command::new("pyenv")
        .args(["versions", "--bare"])
        .output()
        .ok()?;
    let versions = String::from_utf8_lossy(&versions.stdout).into_owned();
    let newest = versions
        .lines()
        .map(str::trim)
        .filter(|version| version.starts_with("3.13.") && !version.ends_with('t'))
        .max_by_key(|version| version[5..].parse::<u32>().unwrap_or(0))?;
    let path = Command::new("pyenv")
        .args(["which", "python"])
        .env("PYENV_VERSION", newest)
        .output()
        .ok()?;
    let path = String::from_utf8_lossy(&path.stdout).trim().to_owned();
    (!path.is_empty()).then(|| path.into())
}

/// A warmed interpreter that runs one case after another.
pub struct Server {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// Starts an interpreter.
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn start(python: &PathBuf) -> Result<Server, String> {
        let mut child = Command::new(python)
            .arg("-s")
            .arg(workspace::root().join("tests/oracle/oracle.py"))
            .arg("--serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", python.display()))?;
        let requests = child.stdin.take().expect("its stdin is a pipe");
        let answers = BufReader::new(child.stdout.take().expect("its stdout is a pipe"));
        Ok(Server {
            child,
            requests,
            answers,
        })
    }

    /// Runs a case.
    ///
    /// # Errors
    /// Where the interpreter itself fails; a program that fails is a `Run`.
    pub fn run(&mut self, case: &Case) -> Result<Run, String> {
        self.run_within(LIMIT, case)
    }

    /// As `run`, for so long at most.
    ///
    /// # Errors
    /// As `run`.
    pub fn run_within(&mut self, limit: Duration, case: &Case) -> Result<Run, String> {
        let request = json!({
            "file": case.file,
            "cwd": case.dir,
            "args": case.header.args,
            "stdin": case.header.stdin,
            "clock": if case.header.real_clock { "real" } else { "virtual" },
            "seed": case.header.seed(),
            "timeout": limit.as_secs_f64(),
        });
        let mut line = String::new();
        writeln!(self.requests, "{request}")
            .and_then(|()| self.requests.flush())
            .and_then(|()| self.answers.read_line(&mut line))
            .map_err(|error| format!("the oracle has ended: {error}"))?;
        let answer: Value = serde_json::from_str(&line)
            .map_err(|error| format!("the oracle answered {line:?}: {error}"))?;
        let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        let exit = answer["exit"]
            .as_i64()
            .and_then(|exit| exit.try_into().ok())
            .unwrap_or(-1);
        let run = Run {
            stdout: text("stdout"),
            stderr: text("stderr"),
            exit,
            timed_out: exit == 124,
        };
        Ok(case.header.mask(run))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It runs nothing between requests, and has already ended where the kill fails.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
