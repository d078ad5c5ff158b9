//! `cargo xtask stress`: runs every golden, example and spec example with a collection at each
//! look-up of the VM, so that a value kept without a root is found: it gives another output, or
//! the heap refuses it. Then with a small step of a collection at each, so that the heap finds a
//! store that went past the barrier. A program that would run for too long is collected in less
//! often.

use crate::suite;
use lockstep_tests::case::Case;
use lockstep_tests::{binary, compare, pending};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[derive(clap::Args)]
pub struct Options {
    /// Only cases whose name contains this
    filter: Option<String>,
}

/// What each case runs with: what stands before the ticks (whole collections, steps) and after
/// how many of them. What dies between two looks of the VM is found by one number or the other.
const KINDS: [(&str, u32); 3] = [("", 1), ("", 3), ("steps:", 1)];

/// Ticks where a case ran out of time.
const LONGER_TICKS: [u32; 2] = [101, 10_007];

/// How long a case may run.
const LIMIT: Duration = Duration::from_secs(40);

/// Runs the command.
///
/// # Errors
/// Where a case prints something else than it should.
pub fn run(options: &Options) -> Result<(), String> {
    let binary = binary::lockstep_of_profile("quick")?;
    let (mut cases, unreadable) = suite::select(options.filter.as_deref());
    let n_all = cases.len();
    let pending = pending::names()?;
    cases.retain(|case| !case.header.skips_stress && !pending.contains(&case.name));
    let failures = Mutex::new(unreadable);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let worker = || {
            while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Err(failure) = check(&binary, case) {
                    println!("{failure}\n");
                    let mut failures = failures
                        .lock()
                        .unwrap_or_else(|poisoned| poisoned.into_inner());
                    failures.push(case.name.clone());
                }
            }
        };
        for _ in 0..2 {
            scope.spawn(worker);
        }
    });
    let failures = failures
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    println!(
        "{} passed, {} skipped, {} failed",
        cases.len().saturating_sub(failures.len()),
        n_all - cases.len(),
        failures.len()
    );
    if failures.is_empty() {
        Ok(())
    } else {
        Err(format!("under stress: {}", failures.join(", ")))
    }
}

fn check(binary: &Path, case: &Case) -> Result<(), String> {
    KINDS
        .iter()
        .try_for_each(|&(kind, ticks)| check_kind(binary, case, kind, ticks))
}

fn check_kind(binary: &Path, case: &Case, kind: &str, ticks: u32) -> Result<(), String> {
    let mut failure = String::new();
    for ticks in std::iter::once(ticks).chain(LONGER_TICKS) {
        let wanted = format!("{kind}{ticks}");
        let environment = [("LOCKSTEP_GC_STRESS", wanted.as_str())];
        let run = binary::run_case_in(&environment, LIMIT, binary, case)?;
        let differences = compare::lockstep(&case.expected, &run);
        if differences.is_empty() {
            return Ok(());
        }
        let text: String = differences.into_values().collect();
        failure = format!("{} ({wanted})\n{text}", case.dir.join(&case.file).display());
        if !run.timed_out {
            break;
        }
        println!(
            "{}: too slow with a collection every {wanted} ticks",
            case.name
        );
    }
    Err(failure)
}
