//! Who is measured: Lockstep, and what is installed to compare it with. Takes the search path
//! and a build folder, gives commands and versions; never installs anything.

use lockstep_tests::{binary, oracle, workspace};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that runs benchmarks.
#[derive(Clone)]
pub struct Contender {
    pub label: &'static str,
    pub version: String,
    /// The program and its first arguments.
    pub command: Vec<OsString>,
    pub runs: Runs,
}

/// What a contender is given to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// Any `.async` file.
    AsyncFiles,
    /// Its own program in `benches/peers`, with a workload's name.
    CoreWorkloads,
}

impl Contender {
    /// Whether it is CPython or a build of Lockstep: they are compared by several rounds, and
    /// none of them may fail.
    pub fn is_main(&self) -> bool {
        ["lockstep", "CPython", "dist", "baseline"].contains(&self.label)
    }

    /// A command that runs a file with arguments (`AsyncFiles`).
    pub fn file(&self, file: &Path, arguments: &[&str]) -> Command {
        let mut command = self.command();
        command.arg(file).args(arguments);
        command
    }

    /// A command that runs its own program with arguments (`CoreWorkloads`).
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = self.command();
        command.args(arguments);
        command
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .env("PYTHONHASHSEED", "0")
            // Go: one thread for the program, as everyone has.
            .env("GOMAXPROCS", "1");
        command
    }
}

/// Those that were found, and why the others were not.
pub struct Contenders {
    pub found: Vec<Contender>,
    pub missing: Vec<String>,
}

impl Contenders {
    pub fn get(&self, label: &str) -> Option<&Contender> {
        self.found.iter().find(|contender| contender.label == label)
    }

    /// Those that run `.async` files, Lockstep first and CPython second.
    pub fn of_files(&self) -> Vec<Contender> {
        self.found
            .iter()
            .filter(|contender| contender.runs == Runs::AsyncFiles)
            .cloned()
            .collect()
    }

    /// Lockstep and CPython, and other builds of Lockstep where some are compared.
    pub fn main(&self) -> Vec<Contender> {
        self.found
            .iter()
            .filter(|contender| contender.is_main())
            .cloned()
            .collect()
    }

    /// "Lockstep 0.1.0, CPython 3.13.0, …; missing: …".
    pub fn versions(&self) -> String {
        let found: Vec<_> = self
            .found
            .iter()
            .map(|contender| contender.version.as_str())
            .collect();
        let mut text = found.join(", ");
        if !self.missing.is_empty() {
            text += &format!("; missing: {}", self.missing.join(", "));
        }
        text
    }
}

/// Finds Lockstep, CPython 3.13, other builds of Lockstep and, unless `few`, the peers.
///
/// # Errors
/// Where Lockstep can't be built.
pub fn find(
    profile: &str,
    builds: Vec<(&'static str, PathBuf)>,
    few: bool,
    dir: &Path,
) -> Result<Contenders, String> {
    let lockstep = binary::lockstep_of_profile(profile)?;
    let mut contenders = Contenders {
        found: vec![Contender {
            label: "lockstep",
            version: format!("Lockstep {} ({profile})", env!("CARGO_PKG_VERSION")),
            command: vec![lockstep.into(), "run".into()],
            runs: Runs::AsyncFiles,
        }],
        missing: Vec::new(),
    };
    let mut add =
        |label: &'static str, runs, result: Result<(String, Vec<OsString>), String>| match result {
            Ok((version, command)) => contenders.found.push(Contender {
                label,
                version,
                command,
                runs,
            }),
            Err(reason) => contenders.missing.push(format!("{label} ({reason})")),
        };
    let python = oracle::find();
    let cpython = python.and_then(|python| Ok((oracle::version(&python)?, vec![python.into()])));
    add("CPython", Runs::AsyncFiles, cpython);
    for (label, path) in builds {
        let command = vec![path.into(), "run".into()];
        add(label, Runs::AsyncFiles, Ok((label.to_owned(), command)));
    }
    if !few {
        add("uvloop", Runs::AsyncFiles, uvloop(dir));
        add("PyPy", Runs::AsyncFiles, pypy());
        for (label, name) in [("Lua", "lua5.4"), ("LuaJIT", "luajit")] {
            let script = peers().join("lua/core.lua").into();
            let found = said(name, "-v").map(|version| (version, vec![name.into(), script]));
            add(label, Runs::CoreWorkloads, found);
        }
        let script = peers().join("node/core.js").into();
        let found = said("node", "-v")
            .map(|version| (format!("Node {version}"), vec!["node".into(), script]));
        add("Node", Runs::CoreWorkloads, found);
        add("Go", Runs::CoreWorkloads, go(dir));
        add("tokio", Runs::CoreWorkloads, tokio(dir));
    }
    Ok(contenders)
}

fn peers() -> PathBuf {
    workspace::root().join("benches/peers")
}

/// The first line that a program says to one argument.
fn said(program: &str, argument: &str) -> Result<String, String> {
    let output = Command::new(program)
        .arg(argument)
        .output()
        .map_err(|_| "not installed".to_owned())?;
    let text = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    let text = String::from_utf8_lossy(&text).into_owned();
    let line = text.lines().next().unwrap_or_default();
    // "Lua 5.4.4  Copyright (C) …", "LuaJIT 2.1.0 -- Copyright (C) …".
    let version = line.split(" Copyright").next().unwrap_or(line);
    Ok(version.trim_end_matches(" --").trim().to_owned())
}

fn uvloop(dir: &Path) -> Result<(String, Vec<OsString>), String> {
    let python = dir.join("uvloop/bin/python");
    if !python.exists() {
        return Err("no environment, see benches/peers/README.md".to_owned());
    }
    let code = "import uvloop; print('uvloop', uvloop.__version__)";
    let output = Command::new(&python)
        .args(["-c", code])
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err("its environment lacks it".to_owned());
    }
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let script = peers().join("uvloop/run.py").into();
    Ok((version, vec![python.into(), script]))
}

fn pypy() -> Result<(String, Vec<OsString>), String> {
    let code = "import platform, sys; print('PyPy %d.%d.%d' % sys.pypy_version_info[:3], \
                'for Python ' + platform.python_version())";
    let output = Command::new("pypy3")
        .args(["-c", code])
        .output()
        .map_err(|_| "not installed".to_owned())?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok((version, vec!["pypy3".into()]))
}

fn go(dir: &Path) -> Result<(String, Vec<OsString>), String> {
    let version = said("go", "version")?;
    let version = version.replace("go version go", "Go ");
    let program = dir.join("peers/go-core");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg("core.go")
        .current_dir(peers().join("go"))
        .output()
        .map_err(|error| error.to_string())?;
    if !built.status.success() {
        return Err("its program doesn't build".to_owned());
    }
    Ok((version, vec![program.into()]))
}

fn tokio(dir: &Path) -> Result<(String, Vec<OsString>), String> {
    let manifest = peers().join("tokio/Cargo.toml");
    let target = dir.join("peers/tokio");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--manifest-path",
        ])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&target)
        .output()
        .map_err(|error| error.to_string())?;
    if !built.status.success() {
        return Err("its program doesn't build".to_owned());
    }
    let lock = std::fs::read_to_string(manifest.with_file_name("Cargo.lock")).unwrap_or_default();
    let version = lock
        .split("name = \"tokio\"\nversion = \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default();
    let program = target.join("release/lockstep-peer-tokio");
    Ok((format!("tokio {version}"), vec![program.into()]))
}
