//! `cargo xtask bless`: writes the expected files of goldens and examples. Takes Lockstep's
//! output, gives files; refuses where CPython 3.13 prints something else and the header doesn't
//! say so. Never touches spec.md, whose outputs are prose that a person wrote.

use crate::suite;
use lockstep_tests::case::{Case, Expected, Kind};
use lockstep_tests::oracle::Server;
use lockstep_tests::process::Run;
use lockstep_tests::{binary, compare, oracle};
use std::fs;
use std::io;
use std::path::Path;

#[derive(clap::Args)]
pub struct Options {
    /// Only cases whose name contains this
    filter: Option<String>,
    /// Write CPython's output, for goldens that are written before the code they test; cases
    /// that declare a difference are left alone
    #[arg(long)]
    cpython: bool,
}

enum Outcome {
    Written,
    Unchanged,
    Skipped,
}

/// Runs the command.
///
/// # Errors
/// Where a case was refused, or no CPython 3.13 is at hand.
pub fn run(options: &Options) -> Result<(), String> {
    let python = oracle::find()?;
    let (mut cases, mut failures) = suite::select(options.filter.as_deref());
    cases.retain(|case| case.kind != Kind::Spec);
    let lockstep = if options.cpython {
        None
    } else {
        Some(binary::lockstep()?)
    };
    let outcomes = suite::for_each(&python, &cases, |server, case| {
        bless(server, lockstep.as_deref(), case).map_err(|error| format!("{}: {error}", case.name))
    })?;
    let (mut n_written, mut n_unchanged, mut n_skipped) = (0, 0, 0);
    for outcome in outcomes {
        match outcome {
            Ok(Outcome::Written) => n_written += 1,
            Ok(Outcome::Unchanged) => n_unchanged += 1,
            Ok(Outcome::Skipped) => n_skipped += 1,
            Err(failure) => failures.push(failure),
        }
    }
    for failure in &failures {
        println!("{failure}\n");
    }
    println!(
        "{n_written} written, {n_unchanged} unchanged, {n_skipped} skipped, {} refused",
        failures.len()
    );
    if failures.is_empty() {
        Ok(())
    } else {
        Err("some expected files were not written".to_owned())
    }
}

fn bless(server: &mut Server, lockstep: Option<&Path>, case: &Case) -> Result<Outcome, String> {
    let cpython_run = server.run(case)?;
    let own_run = match lockstep {
        Some(binary) => binary::run_case(binary, case)?,
        None if case.header.differs.is_empty() => cpython_run.clone(),
        None => return Ok(Outcome::Skipped),
    };
    if own_run.timed_out {
        return Err("it doesn't end".to_owned());
    }
    let expected = expected_from(case, &own_run, lockstep.is_some());
    compare::conforms(case, &expected, &cpython_run)?;
    let own_differences = compare::lockstep(&expected, &own_run);
    if lockstep.is_some() && !own_differences.is_empty() {
        // Only the signs of a bug can differ from what was just made of the same run.
        return Err(own_differences.into_values().collect());
    }
    if expected == case.expected {
        return Ok(Outcome::Unchanged);
    }
    write(case, &expected).map_err(|error| error.to_string())?;
    Ok(Outcome::Written)
}

/// What a run makes the expected files say. All of stderr is kept only where a `NAME.stderr`
/// already asks for it; its last line where the program failed with words.
fn expected_from(case: &Case, run: &Run, is_own: bool) -> Expected {
    let keeps_all = case.expected.stderr.is_some();
    let failed_with_words = run.exit != 0 && !run.last_stderr_line().is_empty();
    Expected {
        stdout: run.stdout.clone(),
        last_stderr_line: (failed_with_words && !keeps_all)
            .then(|| run.last_stderr_line().trim_end().to_owned()),
        stderr: if is_own && keeps_all {
            Some(run.stderr.clone())
        } else {
            case.expected.stderr.clone()
        },
        exit: run.exit,
    }
}

fn write(case: &Case, expected: &Expected) -> io::Result<()> {
    let stdout = (!expected.stdout.is_empty()).then(|| expected.stdout.clone());
    // Examples are read by people: an empty NAME.out says that nothing is printed.
    let stdout = stdout.or((case.kind == Kind::Example).then(String::new));
    let default_exit = i32::from(expected.last_stderr_line.is_some());
    let exit = (expected.exit != default_exit).then(|| format!("{}\n", expected.exit));
    put(&case.beside("out"), stdout)?;
    put(
        &case.beside("err"),
        expected
            .last_stderr_line
            .as_ref()
            .map(|line| format!("{line}\n")),
    )?;
    put(&case.beside("stderr"), expected.stderr.clone())?;
    put(&case.beside("exit"), exit)
}

fn put(path: &Path, text: Option<String>) -> io::Result<()> {
    match text {
        Some(text) => fs::write(path, text),
        None => match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    }
}
