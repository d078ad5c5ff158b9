//! `cargo xtask refusals`: compares the table of refused names with Lockstep and CPython 3.13, and
//! writes the list of it in spec.md. Never changes the table.

use lockstep_tests::{binary, oracle, refused_names, workspace};

#[derive(clap::Args)]
pub struct Options {
    /// Cargo profile of the binary under test
    #[arg(long, default_value = "quick")]
    profile: String,
}

/// Runs the command.
///
/// # Errors
/// Where the table is wrong, or there is no CPython 3.13.
pub fn run(options: &Options) -> Result<(), String> {
    let path = workspace::spec();
    let spec = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let listed = refused_names::with_list(&spec)?;
    if listed != spec {
        std::fs::write(&path, listed).map_err(|error| error.to_string())?;
    }
    let lockstep = binary::lockstep_of_profile(&options.profile)?;
    let mut wrong = refused_names::refused_yet_there(&lockstep)?;
    wrong.extend(refused_names::differences(&lockstep, &oracle::find()?)?);
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("refused_names.txt:\n{}", wrong.join("\n"))),
    }
}
