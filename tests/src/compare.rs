//! Compares a run with what was expected. Takes both, gives the differences as text for a reader,
//! never decides what follows from them.

use crate::case::{Case, Expected};
use crate::header::Stream;
use crate::process::Run;
use similar::TextDiff;
use std::collections::BTreeMap;

/// How much of a difference is shown.
const SHOWN_LINES_MAX: usize = 60;

/// The streams in which Lockstep's run is not what was expected, each with a diff.
pub fn lockstep(expected: &Expected, run: &Run) -> BTreeMap<Stream, String> {
    let mut differences = with_last_line(expected, run);
    if let Some(stderr) = &expected.stderr
        && *stderr != run.stderr
    {
        differences.insert(Stream::Stderr, diff("stderr", stderr, &run.stderr));
    }
    if run.timed_out {
        differences.insert(
            Stream::Exit,
            "it didn't end in time and was killed\n".to_owned(),
        );
    }
    for sign_of_a_bug in ["panicked at", "internal error"] {
        if run.stderr.contains(sign_of_a_bug) {
            let text = format!("stderr tells of a bug of ours:\n{}\n", run.stderr);
            differences.insert(Stream::Stderr, text);
        }
    }
    if !differences.is_empty()
        && !differences.contains_key(&Stream::Stderr)
        && expected.stderr.is_none()
        && !run.stderr.is_empty()
    {
        let shown = format!("stderr, for information:\n{}\n", head(&run.stderr));
        differences
            .entry(Stream::Exit)
            .or_default()
            .push_str(&shown);
    }
    differences
}

/// The streams in which CPython's run is not what was expected of Lockstep's.
pub fn cpython(expected: &Expected, run: &Run) -> BTreeMap<Stream, String> {
    with_last_line(expected, run)
}

/// Holds CPython's run against a case and its header: nothing may differ but what the header
/// declares, and something of that must.
///
/// # Errors
/// The differences, or that the declared one is none.
pub fn conforms(case: &Case, expected: &Expected, run: &Run) -> Result<(), String> {
    let differences = cpython(expected, run);
    let undeclared: String = differences
        .iter()
        .filter(|(stream, _)| !case.header.differs.contains(stream))
        .map(|(_, diff)| diff.as_str())
        .collect();
    if !undeclared.is_empty() {
        return Err(format!(
            "CPython (+) prints something else than is expected of Lockstep (-):\n{undeclared}"
        ));
    }
    // A report that is ours alone is compared in full with Lockstep's, never with CPython's, so
    // that it differs can't be seen here.
    let compared = case
        .header
        .differs
        .iter()
        .any(|stream| *stream != Stream::Stderr || expected.stderr.is_none());
    if compared && differences.is_empty() {
        return Err("the header says that CPython differs, but it doesn't".to_owned());
    }
    Ok(())
}

fn with_last_line(expected: &Expected, run: &Run) -> BTreeMap<Stream, String> {
    let mut differences = BTreeMap::new();
    if expected.stdout != run.stdout {
        differences.insert(
            Stream::Stdout,
            diff("stdout", &expected.stdout, &run.stdout),
        );
    }
    if let Some(line) = &expected.last_stderr_line
        && line != run.last_stderr_line()
    {
        let text = diff("last line of stderr", line, run.last_stderr_line());
        differences.insert(Stream::Stderr, text);
    }
    if expected.exit != run.exit {
        let text = format!(
            "exit status: expected {}, got {}\n",
            expected.exit, run.exit
        );
        differences.insert(Stream::Exit, text);
    }
    differences
}

/// A line diff under a title, cut where it grows long.
pub fn diff(title: &str, expected: &str, actual: &str) -> String {
    // A difference in the millions of lines would take long to compute and is never read.
    if expected.len().max(actual.len()) > 1_000_000 {
        return format!(
            "{title}: {} bytes expected, {} found\n",
            expected.len(),
            actual.len()
        );
    }
    let diff = TextDiff::from_lines(expected, actual);
    let text = diff
        .unified_diff()
        .context_radius(3)
        .header("expected", "found")
        .to_string();
    format!("{title}:\n{}\n", head(&text))
}

fn head(text: &str) -> String {
    let mut lines: Vec<_> = text.lines().take(SHOWN_LINES_MAX + 1).collect();
    if lines.len() > SHOWN_LINES_MAX {
        lines[SHOWN_LINES_MAX] = "…";
    }
    lines.join("\n")
}
