//! `cargo xtask oracle`: runs the suite on CPython 3.13. Takes a filter, gives the cases whose
//! expected files CPython contradicts, never changes a file.

use crate::suite;
use lockstep_tests::{compare, oracle};

#[derive(clap::Args)]
pub struct Options {
    /// Only cases whose name contains this
    filter: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When CPython prints something else than is expected, and no header says so.
pub fn run(options: &Options) -> Result<(), String> {
    let (cases, mut failures) = suite::select(options.filter.as_deref());
    let python = match oracle::find() {
        Ok(python) => python,
        Err(error) => {
            println!(
                "skipped: {} cases were not compared with CPython: {error}",
                cases.len()
            );
            return Ok(());
        }
    };
    let outcomes = suite::for_each(&python, &cases, |server, case| {
        server
            .run(case)
            .and_then(|run| compare::conforms(case, &case.expected, &run))
            .map_err(|error| format!("{}: {error}", case.name))
    })?;
    failures.extend(outcomes.into_iter().filter_map(Result::err));
    for failure in &failures {
        println!("{failure}\n");
    }
    let version = oracle::version(&python)?;
    println!(
        "{} cases on {version}, {} differ",
        cases.len(),
        failures.len()
    );
    if failures.is_empty() {
        Ok(())
    } else {
        Err("CPython contradicts expected files".to_owned())
    }
}
