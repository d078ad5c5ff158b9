//! `cargo xtask fuzz`: runs random programs on Lockstep and on CPython 3.13. Takes a seed and a
//! count, gives the smallest program found for each difference; the same seed gives the same
//! programs. Never judges what no golden would compare: all of stderr but its last line.

mod language;
mod shrink;
mod tasks;
mod writer;

use crate::suite;
use lockstep_tests::case::{Case, Expected, Kind};
use lockstep_tests::header::Header;
use lockstep_tests::oracle::Server;
use lockstep_tests::{binary, compare, oracle, workspace};
use std::fs;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Options {
    /// What the programs are made of
    #[arg(long, value_enum, default_value = "tasks")]
    kind: Subject,
    /// The first program's seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many programs
    #[arg(long, default_value_t = 200)]
    count: u64,
    /// Print each program and what CPython makes of it, and compare nothing
    #[arg(long)]
    show: bool,
    /// Cargo profile of the binary under test
    #[arg(long, default_value = "dev")]
    profile: String,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Subject {
    /// Tasks, primitives, timeouts and cancellation
    Tasks,
    /// Statements, expressions and error messages
    Language,
}

enum Verdict {
    Same,
    /// Not comparable: the program can't end, on either.
    Unknown,
    Differs {
        file: String,
        text: String,
    },
}

/// Runs the command.
///
/// # Errors
/// Where programs differ, or there is no CPython 3.13.
pub fn run(options: &Options) -> Result<(), String> {
    let python = oracle::find()?;
    let dir = workspace::target_and_profile().0.join("fuzz");
    fs::create_dir_all(&dir).map_err(|error| error.to_string())?;

    let programs: Vec<Case> = (options.seed..options.seed + options.count)
        .map(|seed| {
            let (name, text) = match options.kind {
                Subject::Tasks => (format!("tasks{seed}"), tasks::program(seed)),
                Subject::Language => (format!("language{seed}"), language::program(seed)),
            };
            program(&dir, &name, &text)
        })
        .collect::<Result<_, _>>()?;
    if options.show {
        return show(&python, &programs);
    }
    let lockstep = binary::lockstep_of_profile(&options.profile)?;
    let verdicts = suite::for_each(&python, &programs, |server, case| {
        examine(server, &lockstep, case)
    })?;

    let (mut n_same, mut n_unknown, mut n_different) = (0, 0, 0);
    for verdict in verdicts {
        match verdict? {
            Verdict::Same => n_same += 1,
            Verdict::Unknown => n_unknown += 1,
            Verdict::Differs { file, text } => {
                n_different += 1;
                println!("{file}\n{text}");
            }
        }
    }
    println!("{n_same} the same, {n_unknown} not comparable, {n_different} different");
    if n_different == 0 {
        Ok(())
    } else {
        Err("programs differ".to_owned())
    }
}

fn show(python: &PathBuf, programs: &[Case]) -> Result<(), String> {
    for (case, run) in programs
        .iter()
        .zip(suite::for_each(python, programs, Server::run)?)
    {
        let text = fs::read_to_string(case.dir.join(&case.file)).unwrap_or_default();
        let run = run?;
        println!(
            "# {}\n{text}# prints:\n{}{}# exit {}",
            case.name, run.stdout, run.stderr, run.exit
        );
    }
    Ok(())
}

fn program(dir: &Path, name: &str, text: &str) -> Result<Case, String> {
    let file = format!("{name}.async");
    fs::write(dir.join(&file), text).map_err(|error| error.to_string())?;
    Ok(Case {
        name: name.to_owned(),
        kind: Kind::Golden,
        dir: dir.to_path_buf(),
        file,
        header: Header::default(),
        expected: Expected::default(),
    })
}

/// Compares one program, and shrinks it where the two differ.
fn examine(server: &mut Server, lockstep: &Path, case: &Case) -> Result<Verdict, String> {
    let path = case.dir.join(&case.file);
    let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let Some(difference) = difference(server, lockstep, case)? else {
        return Ok(Verdict::Unknown);
    };
    if difference.is_empty() {
        // Only what differs is of interest later.
        drop(fs::remove_file(&path));
        return Ok(Verdict::Same);
    }
    let smallest = shrink::shrink(&text, |smaller| {
        fs::write(&path, smaller).is_ok()
            && difference_of(server, lockstep, case).is_some_and(|text| !text.is_empty())
    });
    fs::write(&path, &smallest).map_err(|error| error.to_string())?;
    let text = difference_of(server, lockstep, case).unwrap_or(difference);
    Ok(Verdict::Differs {
        file: path.display().to_string(),
        text: format!("{smallest}\n{text}"),
    })
}

fn difference_of(server: &mut Server, lockstep: &Path, case: &Case) -> Option<String> {
    difference(server, lockstep, case).ok().flatten()
}

/// Where the two differ, as text; empty where they don't, nothing where that can't be said.
fn difference(server: &mut Server, lockstep: &Path, case: &Case) -> Result<Option<String>, String> {
    let theirs = server.run(case)?;
    let last = theirs.last_stderr_line();
    // A smaller program that no longer parses, or that waits for ever, says nothing.
    if theirs.timed_out || last.starts_with("SyntaxError") || last.starts_with("DeadlockError") {
        return Ok(None);
    }
    let expected = Expected {
        stdout: theirs.stdout.clone(),
        last_stderr_line: (theirs.exit != 0).then(|| last.to_owned()),
        stderr: None,
        exit: theirs.exit,
    };
    let ours = binary::run_case(lockstep, case)?;
    Ok(Some(
        compare::lockstep(&expected, &ours).into_values().collect(),
    ))
}
