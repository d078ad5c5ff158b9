//! One program on both sides. Takes a program, gives where the two differ and the smallest
//! program that still does. Never says which side is right.

use super::shrink;
use lockstep_tests::case::{Case, Expected, Kind};
use lockstep_tests::header::Header;
use lockstep_tests::oracle::Server;
use lockstep_tests::process::Run;
use lockstep_tests::{binary, compare};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What is compared with CPython: a binary and what it finds in its environment.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub binary: &'a Path,
    pub environment: &'a [(&'a str, &'a str)],
}

/// How long a run may take on either side. A batch of programs takes a second or two, so that
/// what is still at work then does not end; each that doesn't costs this much twice over.
const LIMIT: Duration = Duration::from_secs(15);

/// What came of a program by itself.
pub enum Verdict {
    Same,
    /// The program does not end in time in CPython.
    Endless,
    /// The text names the file, and shows the smallest program and the difference.
    Differs {
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
        header: Header {
            masks_addresses: true,
            ..Header::default()
        },
        expected: Expected::default(),
    })
}

/// CPython's run of a case and ours, at the same time.
///
/// # Errors
/// Where the oracle or the binary can't be run.
pub fn both(server: &mut Server, subject: &Subject, case: &Case) -> Result<(Run, Run), String> {
    std::thread::scope(|scope| {
        let ours =
            scope.spawn(|| binary::run_case_in(subject.environment, LIMIT, subject.binary, case));
        let theirs = server.run_within(LIMIT, case);
        let ours = ours.join().map_err(|_| "a worker panicked".to_owned())??;
        Ok((theirs?, ours))
    })
}

/// Whether the oracle ended a run because nothing could ever wake again.
pub fn is_deadlock(theirs: &Run) -> bool {
    theirs.last_stderr_line().starts_with("DeadlockError")
}

/// Whether CPython comes to no end in time. Lockstep may have come further: it rounds an int to
/// 10**20 digits at once.
pub fn is_endless(theirs: &Run, ours: &Run) -> bool {
    theirs.timed_out && (ours.timed_out || ours.stdout.starts_with(&theirs.stdout))
}

/// Compares one program by itself, and leaves its file behind only if the two differ.
///
/// # Errors
/// Where the oracle or the binary can't be run.
pub fn look(server: &mut Server, subject: &Subject, case: &Case) -> Result<Verdict, String> {
    Ok(match compare(server, subject, case)? {
        Compared::Endless => Verdict::Endless,
        Compared::Same => {
            // Only what differs is of interest later.
            drop(fs::remove_file(case.dir.join(&case.file)));
            Verdict::Same
        }
        Compared::Differs { text, .. } => Verdict::Differs { text },
    })
}

/// As `look`, and shrinks a program that differs.
///
/// # Errors
/// As `look`.
pub fn examine(server: &mut Server, subject: &Subject, case: &Case) -> Result<Verdict, String> {
    let path = case.dir.join(&case.file);
    let difference = match look(server, subject, case)? {
        Verdict::Differs { text } => text,
        verdict => return Ok(verdict),
    };
    let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let smallest = shrink::shrink(&text, |smaller| {
        fs::write(&path, smaller).is_ok() && still_differs(server, subject, case).is_some()
    });
    fs::write(&path, &smallest).map_err(|error| error.to_string())?;
    let text = still_differs(server, subject, case).unwrap_or(difference);
    Ok(Verdict::Differs {
        text: format!("{}\n{smallest}\n{text}", path.display()),
    })
}

/// Whether a program by itself runs differently on the two sides.
///
/// # Errors
/// Where the oracle or the binary can't be run.
pub fn differs(server: &mut Server, subject: &Subject, case: &Case) -> Result<bool, String> {
    let compared = compare(server, subject, case)?;
    Ok(matches!(compared, Compared::Differs { .. }))
}

/// The difference, where a smaller program still says something.
fn still_differs(server: &mut Server, subject: &Subject, case: &Case) -> Option<String> {
    match compare(server, subject, case) {
        Ok(Compared::Differs {
            text,
            is_meaningful: true,
        }) => Some(text),
        _ => None,
    }
}

enum Compared {
    Same,
    Endless,
    Differs { text: String, is_meaningful: bool },
}

fn compare(server: &mut Server, subject: &Subject, case: &Case) -> Result<Compared, String> {
    let (theirs, ours) = both(server, subject, case)?;
    if is_endless(&theirs, &ours) {
        return Ok(Compared::Endless);
    }
    let text = if is_deadlock(&theirs) {
        deadlock_difference(&theirs, &ours)
    } else {
        let expected = Expected {
            stdout: theirs.stdout.clone(),
            last_stderr_line: (theirs.exit != 0).then(|| theirs.last_stderr_line().to_owned()),
            stderr: None,
            exit: theirs.exit,
        };
        compare::lockstep(&expected, &ours).into_values().collect()
    };
    // A smaller program that no longer parses says nothing. One that has lost the definition of
    // a name fails the same way everywhere: its order is not at stake.
    let meaningless = ["SyntaxError", "IndentationError", "NameError"];
    let says = |error: &&str| {
        theirs
            .stderr
            .lines()
            .chain(theirs.stdout.lines())
            .any(|line| line.starts_with(error))
    };
    Ok(if text.is_empty() {
        Compared::Same
    } else {
        Compared::Differs {
            text,
            is_meaningful: !theirs.timed_out && !meaningless.iter().any(says),
        }
    })
}

/// CPython's process ends where nothing can wake again; ours raises, so that it may print more.
fn deadlock_difference(theirs: &Run, ours: &Run) -> String {
    let is_same = ours.stdout.starts_with(&theirs.stdout)
        && ours.last_stderr_line().starts_with("DeadlockError");
    if is_same {
        return String::new();
    }
    let diff = compare::diff("stdout up to a deadlock", &theirs.stdout, &ours.stdout);
    format!("{diff}stderr: {}\n", ours.stderr)
}
