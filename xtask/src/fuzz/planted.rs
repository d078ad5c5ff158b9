//! Shows that a fuzzer sees: bugs that a build with the feature `planted` has, one at a time,
//! must each be found among so many programs, by a program that without the bug runs as it does
//! on CPython. Takes a profile and a first seed, gives a table of bugs and how many programs, from
//! the first seed on, it takes to find each.

use super::Options;
use super::batch::{self, Plan};
use super::difference::{self, Subject, Verdict};
use super::family::Family;
use lockstep_runtime::planted::BUGS;
use lockstep_tests::{binary, workspace};
use std::path::{Path, PathBuf};

/// Each bug must be found among so many programs.
const PROGRAMS_MAX: u64 = 10_000;

/// Stands for all bugs where one could be named.
pub const EACH: &str = "each";

/// Builds the binary with the bugs and looks for each, or for the one that is named.
///
/// # Errors
/// Where one is not found, none has the name, or the build fails.
pub fn run(
    family: Family,
    python: &PathBuf,
    dir: &Path,
    options: &Options,
    wanted: &str,
) -> Result<(), String> {
    let (profile, first_seed) = (options.profile.as_str(), options.seed);
    let bugs: Vec<&str> = BUGS
        .iter()
        .filter(|(_, name, of)| *of == family.ground() && [EACH, name].contains(&wanted))
        .map(|(_, name, _)| *name)
        .collect();
    if bugs.is_empty() {
        return Err(format!("no bug {wanted} is planted for this fuzzer"));
    }
    let lockstep = if std::env::var_os("LOCKSTEP_BIN").is_some() {
        // It was built with the feature: in another one no bug would be found.
        binary::lockstep_of_profile(profile)?
    } else {
        // A build beside the normal one, which stays without bugs.
        binary::build(
            "lockstep",
            &["-p", "lockstep", "--features", "planted"],
            profile,
            &workspace::target_and_profile().0.join("planted"),
        )?
    };
    super::limit_memory();
    let healthy = Subject {
        binary: &lockstep,
        environment: &[],
    };
    let (mut table, mut missed) = (String::new(), Vec::new());
    for bug in bugs {
        let environment = [("LOCKSTEP_PLANTED", bug)];
        let sick = Subject {
            binary: &lockstep,
            environment: &environment,
        };
        let plan = Plan {
            family,
            python,
            subject: sick,
            dir,
            first_seed,
            programs: PROGRAMS_MAX,
            until: None,
            differences: 1,
        };
        let found = batch::run(&plan, |server, dir, seed| {
            let name = family.name(seed);
            let case = difference::program(dir, &name, &family.program(seed))?;
            // The control: what differs without the bug as well shows nothing about the bug.
            let is_found = difference::differs(server, &sick, &case)?
                && !difference::differs(server, &healthy, &case)?;
            Ok(if is_found {
                Verdict::Differs {
                    text: String::new(),
                }
            } else {
                Verdict::Same
            })
        })?;
        let row = match found.first {
            Some(seed) => format!("{bug:28} {:>8}  seed {seed}", seed - first_seed + 1),
            None => {
                missed.push(bug);
                format!("{bug:28} {:>8}  not found", found.programs)
            }
        };
        // One at a time as well: all of them take minutes.
        println!("{row}");
        table.push_str(&row);
        table.push('\n');
    }
    println!("\n{:28} {:>8}\n{table}", "bug", "programs");
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!("not found: {}", missed.join(", ")))
    }
}
