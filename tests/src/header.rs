//! Parses the header comments at the top of a golden, an example or a spec example. Takes the
//! source, gives a `Header`, never interprets the program below it.

use crate::process::Run;
use std::collections::BTreeSet;

/// One of the three things that a run is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    Stdout,
    Stderr,
    Exit,
}

/// What the lines `# key: value` at the top of a program say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Rules of spec.md that the program shows.
    pub rules: Vec<String>,
    /// Where CPython is known to differ; empty where it must agree.
    pub differs: BTreeSet<Stream>,
    pub real_clock: bool,
    pub args: Vec<String>,
    pub stdin: String,
    /// Addresses in the output are compared as `0x...`.
    pub masks_addresses: bool,
    /// More options of `lockstep run`.
    pub flags: Vec<String>,
    /// What it prints depends on what has been collected by then: `cargo xtask stress` leaves it
    /// out.
    pub skips_stress: bool,
}

/// Reads the header of a program.
///
/// # Errors
/// What is wrong with it, for the author of the program.
pub fn parse(source: &str) -> Result<Header, String> {
    let mut header = Header::default();
    for line in source.lines() {
        let Some(comment) = line.strip_prefix('#') else {
            break;
        };
        let Some((key, value)) = comment.split_once(':') else {
            continue;
        };
        let value = value.trim();
        match key.trim() {
            "rule" => header.rules.extend(words(&value.replace(',', " "))),
            "cpython" => header.differs = parse_differs(value)?,
            "clock" => {
                header.real_clock = match value {
                    "real" => true,
                    "virtual" => false,
                    _ => return Err(format!("unknown clock {value:?} in the header")),
                }
            }
            "mask" if value == "addresses" => header.masks_addresses = true,
            "args" => header.args = words(value),
            "stdin" => header.stdin = unescape(value),
            "flags" => header.flags = words(value),
            "stress" => header.skips_stress = parse_stress(value)?,
            // Any other comment with a colon is prose.
            _ => {}
        }
    }
    Ok(header)
}

impl Header {
    /// What of a run is compared: all of it, with addresses masked where the header asks for it,
    /// and lines of the library's own files in tracebacks, which every edit there moves.
    pub fn mask(&self, mut run: Run) -> Run {
        run.stderr = without_library_lines(&run.stderr);
        if self.masks_addresses {
            run.stdout = without_addresses(&run.stdout);
            run.stderr = without_addresses(&run.stderr);
        }
        run
    }

    /// The value of `--seed` among the flags, which the oracle follows too.
    pub fn seed(&self) -> u64 {
        let position = self.flags.iter().position(|flag| flag == "--seed");
        position
            .and_then(|index| self.flags.get(index + 1))
            .and_then(|value| value.parse().ok())
            .unwrap_or(0)
    }
}

fn without_library_lines(text: &str) -> String {
    let mask = |line: &str| match line.split_once(".async\", line ") {
        Some((file, rest)) if file.contains("File \"<stdlib>/") => {
            let rest = rest.trim_start_matches(|char: char| char.is_ascii_digit());
            format!("{file}.async\", line ...{rest}")
        }
        _ => line.to_owned(),
    };
    text.split_inclusive('\n').map(mask).collect()
}

fn without_addresses(text: &str) -> String {
    let mut pieces = text.split("0x");
    let mut masked = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.trim_start_matches(|char: char| char.is_ascii_hexdigit());
        let is_address = rest.len() < piece.len();
        masked.push_str(if is_address { "0x..." } else { "0x" });
        masked.push_str(rest);
    }
    masked
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Parses `skip (reason)`.
fn parse_stress(value: &str) -> Result<bool, String> {
    let reason = value
        .strip_prefix("skip (")
        .map(|reason| reason.trim_end_matches(')'));
    match reason {
        Some(reason) if !reason.trim().is_empty() => Ok(true),
        _ => Err(format!("`# stress: {value}` should read `skip (reason)`")),
    }
}

/// Parses `differs (reason)` or `differs in stdout, exit (reason)`.
fn parse_differs(value: &str) -> Result<BTreeSet<Stream>, String> {
    let wrong = || {
        format!(
            "`# cpython: {value}` should read `differs (reason)` or `differs in stdout (reason)`"
        )
    };
    let (what, reason) = value.split_once('(').ok_or_else(wrong)?;
    if reason.trim_end_matches(')').trim().is_empty() {
        return Err(wrong());
    }
    let rest = what
        .trim()
        .strip_prefix("differs")
        .ok_or_else(wrong)?
        .trim();
    if rest.is_empty() {
        return Ok([Stream::Stdout, Stream::Stderr, Stream::Exit].into());
    }
    let names = rest.strip_prefix("in ").ok_or_else(wrong)?;
    names
        .split([',', ' '])
        .filter(|name| !name.is_empty() && *name != "and")
        .map(|name| match name {
            "stdout" => Ok(Stream::Stdout),
            "stderr" => Ok(Stream::Stderr),
            "exit" => Ok(Stream::Exit),
            _ => Err(wrong()),
        })
        .collect()
}

fn unescape(value: &str) -> String {
    let mut text = String::new();
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        match (char, char == '\\') {
            (_, true) => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(other) => text.push(other),
                None => {}
            },
            (char, false) => text.push(char),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_and_prose_is_left_alone() {
        let header = parse(
            "# rule: a.b, c.d\n# Note: this is prose\n# rule: e.f\n# clock: real\n# args: x y\n\
             # stdin: one\\ntwo\n# flags: --seed 7\nprint(1)\n# rule: too.late\n",
        )
        .unwrap();
        assert_eq!(header.rules, ["a.b", "c.d", "e.f"]);
        assert!(header.real_clock);
        assert_eq!(header.args, ["x", "y"]);
        assert_eq!(header.stdin, "one\ntwo");
        assert_eq!(header.seed(), 7);
        assert!(header.differs.is_empty());
    }

    #[test]
    fn addresses_are_masked() {
        assert_eq!(
            without_addresses("at 0x7f60 [x], 0x, at 0xFF"),
            "at 0x... [x], 0x, at 0x..."
        );
    }

    #[test]
    fn less_stress_needs_a_reason() {
        let skips = |value: &str| parse(&format!("# stress: {value}\n")).map(|h| h.skips_stress);
        assert_eq!(skips("skip (finalizers)"), Ok(true));
        for wrong in ["skip", "skip ()", "often (x)"] {
            assert!(skips(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_difference_needs_a_reason() {
        let differs = |value: &str| parse(&format!("# cpython: {value}\n")).map(|h| h.differs);
        assert_eq!(differs("differs (addresses)").unwrap().len(), 3);
        assert_eq!(
            differs("differs in stderr and exit (a report)").unwrap(),
            [Stream::Stderr, Stream::Exit].into()
        );
        assert!(differs("differs").is_err());
        assert!(differs("differs ()").is_err());
        assert!(differs("differs in stdin (x)").is_err());
    }
}
