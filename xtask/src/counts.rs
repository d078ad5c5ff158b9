//! `cargo xtask counts`: what ten small programs cost, in counts that no load of the machine can
//! disturb: opcodes executed, cells and bytes allocated (a build with the feature `counts`), and
//! instructions (callgrind on the release build). Takes `benches/counts`, fails where a count is
//! more than the tolerance away from the recorded one; `--update` records and shows what changed.

use crate::bench::{has_callgrind, instructions};
use crate::rustc;
use lockstep_tests::{process, workspace};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

#[derive(clap::Args)]
pub struct Options {
    /// Record the counts, and show how they differ from those recorded before
    #[arg(long)]
    update: bool,
}

const TOLERANCE: f64 = 0.05;
const LIMIT: Duration = Duration::from_secs(60);

/// The columns of the recorded file; the last one depends on the compiler.
const COLUMNS: [&str; 4] = ["opcodes", "allocations", "bytes", "instructions"];
const INSTRUCTIONS: usize = 3;

/// Counts by program, in the order of `COLUMNS`; what was not counted is missing.
type Counts = BTreeMap<String, [Option<u64>; 4]>;

/// The recorded file.
struct Recorded {
    /// The compiler and the machine whose instructions were counted.
    compiler: String,
    counts: Counts,
}

/// Runs the command.
///
/// # Errors
/// Where a build or a program fails, or a count has moved.
pub fn run(options: &Options) -> Result<(), String> {
    let file = workspace::root().join("benches/counts/recorded.txt");
    let recorded = read(&file)?;
    let (version, host) = rustc::version_and_host()?;
    let compiler = format!("{version}, {host}");
    let counts_instructions = if !has_callgrind() {
        println!("skipped: no instructions are counted without valgrind");
        false
    } else if !options.update && recorded.compiler != compiler {
        let theirs = &recorded.compiler;
        println!("skipped: instructions were recorded with {theirs}, this is {compiler}");
        false
    } else {
        true
    };
    let counting = build(&[
        "--workspace",
        "--bin",
        "lockstep",
        "--features",
        "lockstep/counts",
    ])?;
    // The next build puts a binary without the feature in its place.
    let copy = workspace::target_and_profile().0.join("lockstep-counts");
    fs::copy(counting.join("debug/lockstep"), &copy).map_err(|error| error.to_string())?;
    let release = if counts_instructions {
        Some(build(&["--release"])?.join("release/lockstep"))
    } else {
        None
    };

    let mut counts = Counts::new();
    for program in programs()? {
        let name = program.trim_end_matches(".async").to_owned();
        let [opcodes, allocations, bytes] = vm_counts(&copy, &program)?;
        let instructions = match &release {
            Some(release) => {
                let count = instructions(&command(release, &program));
                Some(count.map_err(|error| format!("{program}: {error}"))?)
            }
            None => None,
        };
        counts.insert(
            name,
            [Some(opcodes), Some(allocations), Some(bytes), instructions],
        );
    }

    let moved = compare(&recorded.counts, &counts);
    if options.update {
        if release.is_none() {
            return Err("not recorded: the file holds instructions too".to_owned());
        }
        let text = render(&compiler, &counts);
        return fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()));
    }
    if moved.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}\nbeyond {:.0}%: if that is meant, record it with `cargo xtask counts --update`",
        moved.join("\n"),
        TOLERANCE * 100.0
    ))
}

/// Prints every count with its change; gives those that moved too far.
fn compare(recorded: &Counts, counts: &Counts) -> Vec<String> {
    let mut moved = Vec::new();
    for (name, found) in counts {
        print!("{name:<12}");
        let before = recorded.get(name).copied().unwrap_or_default();
        for (index, column) in COLUMNS.iter().enumerate() {
            let Some(found) = found[index] else { continue };
            let change = before[index].map(|before| found as f64 / before as f64 - 1.0);
            match change {
                Some(change) => print!(" {found:>12} {:>+6.1}%", change * 100.0),
                None => print!(" {found:>12}     new"),
            }
            if change.is_none_or(|change| change.abs() > TOLERANCE) {
                let before = before[index].map_or("none".to_owned(), |n| n.to_string());
                moved.push(format!("{name}: {column} {before} -> {found}"));
            }
        }
        println!();
    }
    for name in recorded.keys().filter(|name| !counts.contains_key(*name)) {
        moved.push(format!("{name}: recorded, but there is no such program"));
    }
    moved
}

fn programs() -> Result<Vec<String>, String> {
    let dir = workspace::root().join("benches/counts");
    let entries = fs::read_dir(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let mut names: Vec<_> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".async"))
        .collect();
    names.sort();
    Ok(names)
}

/// A run whose counts depend on the program alone: virtual time, a fixed seed, no environment.
fn command(binary: &Path, program: &str) -> Command {
    let mut command = Command::new(binary);
    command
        .args(["run", "--clock", "virtual", "--seed", "0", program])
        .current_dir(workspace::root().join("benches/counts"));
    command
}

fn vm_counts(binary: &Path, program: &str) -> Result<[u64; 3], String> {
    let out = binary.with_extension("txt");
    let mut command = command(binary, program);
    command.env("LOCKSTEP_COUNTS", &out);
    let run = process::run(&mut command, b"", LIMIT)?;
    if run.exit != 0 {
        return Err(format!("{program}: {}", run.last_stderr_line()));
    }
    let text = fs::read_to_string(&out).map_err(|error| format!("{program}: {error}"))?;
    let numbers: Vec<u64> = text
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    numbers
        .try_into()
        .map_err(|_| format!("{program}: its counts read {text:?}"))
}

/// Builds with cargo into the usual folder; gives the folder.
fn build(arguments: &[&str]) -> Result<PathBuf, String> {
    let target = workspace::target_and_profile().0;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet"])
        .args(arguments)
        .arg("--target-dir")
        .arg(&target)
        .current_dir(workspace::root())
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if status.success() {
        Ok(target)
    } else {
        Err(format!("cargo build {} failed", arguments.join(" ")))
    }
}

fn read(file: &Path) -> Result<Recorded, String> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("{}: {error}", file.display())),
    };
    let compiler = text
        .lines()
        .find_map(|line| line.strip_prefix("# instructions of "))
        .unwrap_or("nothing")
        .to_owned();
    let mut counts = Counts::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split_whitespace();
        let Some(name) = fields.next() else { continue };
        let mut row = [None; 4];
        for (cell, field) in row.iter_mut().zip(fields) {
            *cell = field.parse().ok();
        }
        counts.insert(name.to_owned(), row);
    }
    Ok(Recorded { compiler, counts })
}

fn render(compiler: &str, counts: &Counts) -> String {
    let mut text = String::from(
        "# What the programs of this folder cost: written by `cargo xtask counts --update`.\n",
    );
    text += &format!("# instructions of {compiler}\n# {:<10}", "program");
    for column in COLUMNS {
        text += &format!(" {column:>12}");
    }
    text += "\n";
    for (name, row) in counts {
        text += &format!("{name:<12}");
        for count in row {
            text += &format!(" {:>12}", count.unwrap_or_default());
        }
        text += "\n";
    }
    debug_assert!(counts.values().all(|row| row[INSTRUCTIONS].is_some()));
    text
}
