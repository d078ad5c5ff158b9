//! One program on both sides. Takes a program, gives where the two differ and the smallest
//! program that still does. Never says which side is right.

use super::shrink;
use lockstep_tests::case::{Case, Expected, Kind};
use lockstep_tests::header::Header;
use lockstep_tests::oracle::Server;
use lockstep_tests::{binary, compare};
use std::fs;
use std::path::Path;

/// What came of a program.
pub enum Verdict {
    Same,
    /// Not comparable: the program can't end, on either.
    Unknown,
    Differs {
        file: String,
        text: String,
    },
}

/// A program as a case that the oracle and the binary run.
///
/// # Errors
/// When the file can't be written.
pub fn program(dir: &Path, name: &str, text: &str) -> Result<Case, String> {
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
///
/// # Errors
/// Where the oracle or the binary can't be run.
pub fn examine(server: &mut Server, lockstep: &Path, case: &Case) -> Result<Verdict, String> {
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
    // A smaller program that no longer parses, or that waits for ever, says nothing. One that
    // has lost the definition of a name fails the same way everywhere: its order is not at stake.
    let meaningless = [
        "SyntaxError",
        "IndentationError",
        "DeadlockError",
        "NameError",
    ];
    let says = |error: &&str| theirs.stderr.lines().any(|line| line.starts_with(error));
    if theirs.timed_out || meaningless.iter().any(says) {
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
