//! docs/performance.md: a page written by hand around blocks that are measured, between
//! `<!-- measured: NAME -->` and `<!-- end -->`. Takes a block, replaces its place and its pictures;
//! never touches the rest.

use super::Block;
use lockstep_tests::workspace;
use std::fs;
use std::process::Command;

/// Writes a block into the page.
///
/// # Errors
/// Where the page has no place for the block, or can't be written.
pub fn write(block: &Block, versions: &str) -> Result<(), String> {
    let docs = workspace::root().join("docs");
    let page = docs.join("performance.md");
    let text = fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
    let pictures = docs.join("performance");
    fs::create_dir_all(&pictures).map_err(|error| error.to_string())?;
    let commit = commit();
    let head = format!("<!-- measured: {} -->\n", block.name);
    let (before, rest) = text
        .split_once(&head)
        .ok_or_else(|| format!("no {head:?} in {}", page.display()))?;
    let (_, after) = rest
        .split_once("<!-- end -->")
        .ok_or_else(|| format!("{head:?} has no end"))?;
    let text = format!(
        "{before}{head}Measured on {commit} with {versions}.\n\n{}<!-- end -->{after}",
        block.text
    );
    for (name, svg) in &block.pictures {
        fs::write(pictures.join(name), svg).map_err(|error| error.to_string())?;
    }
    fs::write(&page, text).map_err(|error| format!("{}: {error}", page.display()))
}

/// The last commit that changed what was measured; others may be rebased away.
fn commit() -> String {
    let measured = ["lang", "runtime", "stdlib", "cli", "Cargo.toml"];
    let said = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .arg("--")
            .args(measured)
            .current_dir(workspace::root())
            .output()
            .ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = said(&["log", "-1", "--format=%h"]).unwrap_or_default();
    match said(&["status", "--porcelain"]).as_deref() {
        Some("") => commit,
        _ => format!("{commit} with changes"),
    }
}
