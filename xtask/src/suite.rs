//! Runs a job on many cases at once, each worker with an interpreter of its own. Takes cases and
//! a job, gives the results in the order of the cases, never reads an expected file.

use lockstep_tests::case::{self, Case};
use lockstep_tests::oracle::Server;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Workers beyond the machine's cores would only distort each other.
fn n_workers() -> usize {
    std::thread::available_parallelism()
        .map_or(2, usize::from)
        .min(8)
}

/// The cases whose names contain `filter`, and what is wrong with those that can't be read.
pub fn select(filter: Option<&str>) -> (Vec<Case>, Vec<String>) {
    let mut cases = Vec::new();
    let mut unreadable = Vec::new();
    for case in case::all() {
        match case {
            Ok(case) if filter.is_none_or(|filter| case.name.contains(filter)) => cases.push(case),
            Ok(_) => {}
            Err(error) => unreadable.push(error),
        }
    }
    (cases, unreadable)
}

/// Calls `job` for every case with an oracle at hand.
///
/// # Errors
/// Where an interpreter can't be started.
pub fn for_each<R: Send>(
    python: &PathBuf,
    cases: &[Case],
    job: impl Fn(&mut Server, &Case) -> R + Sync,
) -> Result<Vec<R>, String> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let worker = || -> Result<(), String> {
            let mut server = Server::start(python)?;
            while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                let result = job(&mut server, case);
                let mut results = results
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                results.push((case.name.clone(), result));
            }
            Ok(())
        };
        let workers: Vec<_> = (0..n_workers().min(cases.len()))
            .map(|_| scope.spawn(worker))
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| "a worker panicked".to_owned())?)
    })?;
    let mut results = results
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    results.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(results.into_iter().map(|(_, result)| result).collect())
}
