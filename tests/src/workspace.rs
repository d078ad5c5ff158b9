//! The folders of the workspace. Takes nothing but where this crate was compiled; gives paths;
//! never reads a file.

use std::path::{Path, PathBuf};

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate stands in a folder of the workspace")
}

/// `tests/golden`.
pub fn goldens() -> PathBuf {
    root().join("tests/golden")
}

/// `examples`.
pub fn examples() -> PathBuf {
    root().join("examples")
}

/// `spec.md`.
pub fn spec() -> PathBuf {
    root().join("spec.md")
}

/// The folder cargo builds into, and the name of the profile that the running program was built
/// with, as seen from its own path (`target/debug/deps/golden-…`, `target/debug/xtask`).
pub fn target_and_profile() -> (PathBuf, String) {
    let exe = std::env::current_exe().unwrap_or_default();
    let mut dir = exe.parent().unwrap_or(Path::new("."));
    if dir.file_name().is_some_and(|name| name == "deps") {
        dir = dir.parent().unwrap_or(dir);
    }
    let profile = match dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let target = dir.parent().unwrap_or(dir).to_path_buf();
    (target, profile.to_owned())
}
