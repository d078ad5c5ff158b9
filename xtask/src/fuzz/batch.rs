//! Many programs in one process on each side, so that starting processes costs nothing. Takes
//! seeds and limits, gives how many programs differed; what differs is run again by itself and
//! shrunk. Never stops at the first difference unless the limits say so.

use super::difference::{self, Verdict};
use super::tasks;
use lockstep_tests::binary;
use lockstep_tests::oracle::Server;
use lockstep_tests::process::Run;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Programs in one file.
const BATCH: u64 = 200;
/// Printed before each program's output; no program prints such a line.
const MARK: &str = "=== program ";

/// When to stop.
pub struct Limits {
    pub first_seed: u64,
    pub programs: u64,
    pub until: Option<Instant>,
    pub differences: u64,
}

/// What a run came to.
#[derive(Default)]
pub struct Found {
    pub programs: u64,
    pub different: u64,
    pub unknown: u64,
    /// How many programs had been tried, about, when the first difference was seen.
    pub first_at: Option<u64>,
}

/// A program as a file of its own.
pub fn single(program: &str) -> String {
    format!("{}{program}program()\n", tasks::PRELUDE)
}

/// Programs as one file, each announced before it runs.
fn joined(seeds: std::ops::Range<u64>) -> String {
    let mut text = tasks::PRELUDE.to_owned();
    for seed in seeds {
        text.push_str(&tasks::program(seed));
        text.push_str(&format!("print('{MARK}{seed}')\n"));
        text.push_str("try:\n    program()\n");
        text.push_str("except BaseException as e:\n    print('raised', type(e).__name__, e)\n");
    }
    text
}

/// Runs batches until a limit is reached. `tell`: print each difference.
///
/// # Errors
/// Where the oracle or the binary can't be run.
pub fn run(
    python: &PathBuf,
    lockstep: &Path,
    dir: &Path,
    limits: &Limits,
    tell: bool,
) -> Result<Found, String> {
    let next = AtomicU64::new(0);
    let found = Mutex::new(Found::default());
    let worker = |index: usize| -> Result<(), String> {
        let mut server = Server::start(python)?;
        loop {
            let start = next.fetch_add(BATCH, Ordering::Relaxed);
            let enough = {
                let found = found.lock().unwrap_or_else(|e| e.into_inner());
                found.different >= limits.differences
            };
            let late = limits.until.is_some_and(|until| Instant::now() >= until);
            if start >= limits.programs || late || enough {
                return Ok(());
            }
            let n = BATCH.min(limits.programs - start);
            let first = limits.first_seed + start;
            let suspects = compare(&mut server, lockstep, dir, index, first..first + n)?;
            for seed in suspects {
                if found.lock().unwrap_or_else(|e| e.into_inner()).different >= limits.differences {
                    break;
                }
                let case = difference::program(
                    dir,
                    &format!("tasks{seed}"),
                    &single(&tasks::program(seed)),
                )?;
                let verdict = if tell {
                    difference::examine(&mut server, lockstep, &case)?
                } else {
                    // A self-check needs no smallest program.
                    Verdict::Differs {
                        file: String::new(),
                        text: String::new(),
                    }
                };
                let mut found = found.lock().unwrap_or_else(|e| e.into_inner());
                match verdict {
                    Verdict::Same => {
                        found.unknown += 1;
                        println!("seed {seed} differs only among its batch");
                    }
                    Verdict::Unknown => found.unknown += 1,
                    Verdict::Differs { file, text } => {
                        found.different += 1;
                        found.first_at.get_or_insert(start + n);
                        if tell {
                            println!("{file}\n{text}");
                        }
                    }
                }
            }
            found.lock().unwrap_or_else(|e| e.into_inner()).programs += n;
        }
    };
    std::thread::scope(|scope| {
        let n_workers = std::thread::available_parallelism()
            .map_or(2, usize::from)
            .min(4);
        let workers: Vec<_> = (0..n_workers)
            .map(|index| scope.spawn(move || worker(index)))
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| "a worker panicked".to_owned())?)
    })?;
    Ok(found.into_inner().unwrap_or_else(|e| e.into_inner()))
}

/// The seeds of a batch whose output differs. Where a program ends CPython's process, because it
/// could wait for ever, the rest of the batch begins anew after it.
fn compare(
    server: &mut Server,
    lockstep: &Path,
    dir: &Path,
    worker: usize,
    seeds: std::ops::Range<u64>,
) -> Result<Vec<u64>, String> {
    let mut suspects = Vec::new();
    let mut rest = seeds;
    while !rest.is_empty() {
        let (mut found, n_compared) = compare_once(server, lockstep, dir, worker, rest.clone())?;
        suspects.append(&mut found);
        rest.start += n_compared.max(1);
    }
    Ok(suspects)
}

/// As `compare`, and how many of the seeds CPython came to.
fn compare_once(
    server: &mut Server,
    lockstep: &Path,
    dir: &Path,
    worker: usize,
    seeds: std::ops::Range<u64>,
) -> Result<(Vec<u64>, u64), String> {
    let case = difference::program(dir, &format!("batch{worker}"), &joined(seeds.clone()))?;
    let (theirs, ours) = std::thread::scope(|scope| {
        let ours = scope.spawn(|| binary::run_case(lockstep, &case));
        let theirs = server.run(&case);
        let ours = ours.join().map_err(|_| "a worker panicked".to_owned());
        (theirs, ours)
    });
    let (theirs, ours) = (theirs?, ours??);
    let (theirs, ours) = (sections(&theirs), sections(&ours));
    let n_compared = seeds
        .clone()
        .filter(|seed| theirs.contains_key(seed))
        .count() as u64;
    let differs = |seed: &u64| theirs.contains_key(seed) && theirs.get(seed) != ours.get(seed);
    Ok((seeds.filter(differs).collect(), n_compared))
}

/// What each program printed, by its seed.
fn sections(run: &Run) -> std::collections::HashMap<u64, String> {
    run.stdout
        .split(MARK)
        .skip(1)
        .filter_map(|section| {
            let (seed, text) = section.split_once('\n')?;
            Some((seed.parse().ok()?, text.to_owned()))
        })
        .collect()
}
