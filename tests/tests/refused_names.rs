//! The table of refused names, held to what there is.

use lockstep_tests::{launch, oracle, refused_names, workspace};

#[test]
fn no_refused_name_is_there() {
    let wrong = refused_names::refused_yet_there(launch::lockstep()).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_name_of_cpython_is_there_or_refused() {
    let python = match oracle::find() {
        Ok(python) => python,
        Err(error) => {
            eprintln!("skipped: {error}");
            return;
        }
    };
    let wrong = refused_names::differences(launch::lockstep(), &python).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_spec_lists_the_table() {
    let spec = std::fs::read_to_string(workspace::spec()).unwrap();
    let is_listed = refused_names::with_list(&spec).unwrap() == spec;
    assert!(is_listed, "spec.md is behind: run cargo xtask refusals");
}
