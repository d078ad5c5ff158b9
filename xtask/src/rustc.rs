//! Asks the compiler what it is. Takes questions, gives its answers; never compiles.

use std::process::Command;

/// What rustc prints when it is asked.
///
/// # Errors
/// Where there is none.
pub fn said(arguments: &[&str]) -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(arguments)
        .output()
        .map_err(|error| format!("rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Its version, "rustc 1.90.0 (…)", and the machine that it runs on and compiles for,
/// "x86_64-unknown-linux-gnu".
///
/// # Errors
/// As `said`.
pub fn version_and_host() -> Result<(String, String), String> {
    let text = said(&["-vV"])?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    let version = text.lines().next().unwrap_or_default();
    Ok((version.to_owned(), host.unwrap_or_default().to_owned()))
}
