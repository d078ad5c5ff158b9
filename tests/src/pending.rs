//! Cases that are known to fail on Lockstep. Takes `tests/pending.txt` (a case's name on each
//! line, `#` begins a comment), gives the set; the golden runner demands that these do fail.

use std::collections::BTreeSet;

/// The names of the cases that may not pass yet.
///
/// # Errors
/// When the file is there and can't be read.
pub fn names() -> Result<BTreeSet<String>, String> {
    let path = crate::workspace::root().join("tests/pending.txt");
    if !path.exists() {
        return Ok(BTreeSet::new());
    }
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let name = |line: &str| line.split('#').next().unwrap_or("").trim().to_owned();
    Ok(text
        .lines()
        .map(name)
        .filter(|name| !name.is_empty())
        .collect())
}
