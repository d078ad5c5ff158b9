//! Many programs in one process on each side, so that starting processes costs nothing. Takes a
//! plan, gives what became of each program: every one that was begun is counted once. Never
//! judges a program that differs; that is the examiner's, which sees it by itself.

use super::difference::{self, Subject, Verdict};
use super::family::Family;
use lockstep_tests::compare;
use lockstep_tests::oracle::Server;
use lockstep_tests::process::Run;
use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Programs in one process.
const BATCH: u64 = 200;
/// Printed before each program's output; no program prints such a line.
const MARK: &str = "=== program ";
/// Runs a program as a module of its own, so that no name of it meets another program's. The
/// mark is written out at once: it tells where a process ended that came to a bad end.
const HEAD: &str = "\
import sys
def run(name):
    print('=== program ' + name, flush=True)
    try:
        __import__(name)
    except BaseException as e:
        print('raised', type(e).__name__, e)
    sys.modules.pop(name, None)
";

/// What to run and when to stop.
pub struct Plan<'a> {
    pub family: Family,
    pub python: &'a PathBuf,
    pub subject: Subject<'a>,
    pub dir: &'a Path,
    pub first_seed: u64,
    pub programs: u64,
    pub until: Option<Instant>,
    /// How many differences are enough.
    pub differences: u64,
}

/// What a run came to.
#[derive(Default)]
pub struct Found {
    /// Begun and counted below, each once.
    pub programs: u64,
    /// Those that differ by themselves.
    pub different: u64,
    /// Those that differ only after others in the same process.
    pub only_among_others: u64,
    /// Those that don't end in CPython.
    pub endless: u64,
    /// Of all, those that wait for what can't come, on both sides.
    pub deadlocked: u64,
    /// Of all, those that ended early because Lockstep refuses what CPython goes on with, and
    /// were the same up to there.
    pub refused: u64,
    /// The seed of the first difference that was found.
    pub first: Option<u64>,
}

/// What a batch shows of a program.
enum Shown {
    Same,
    Endless,
    Deadlocked,
    Refused,
    /// With where the two part.
    Differs(String),
}

/// Runs batches until a limit is reached, and gives each program that differs to `examine`, which
/// sees it by itself.
///
/// # Errors
/// Where the oracle or the binary can't be run.
pub fn run(
    plan: &Plan,
    examine: impl Fn(&mut Server, &Path, u64) -> Result<Verdict, String> + Sync,
) -> Result<Found, String> {
    let next = AtomicU64::new(0);
    let found = Mutex::new(Found::default());
    let locked = || found.lock().unwrap_or_else(|e| e.into_inner());
    let worker = |index: usize| -> Result<(), String> {
        let mut server = Server::start(plan.python)?;
        loop {
            let start = next.fetch_add(BATCH, Ordering::Relaxed);
            let late = plan.until.is_some_and(|until| Instant::now() >= until);
            if start >= plan.programs || late || locked().different >= plan.differences {
                return Ok(());
            }
            let n = BATCH.min(plan.programs - start);
            let first = plan.first_seed + start;
            let folder = plan.dir.join(format!("batch{index}"));
            let shown = compare_all(&mut server, plan, &folder, first..first + n)?;
            for (seed, shown) in shown {
                locked().programs += 1;
                let difference = match shown {
                    Shown::Same => continue,
                    Shown::Endless => {
                        locked().endless += 1;
                        println!("seed {seed} does not end in CPython");
                        continue;
                    }
                    Shown::Deadlocked => {
                        locked().deadlocked += 1;
                        continue;
                    }
                    Shown::Refused => {
                        locked().refused += 1;
                        continue;
                    }
                    Shown::Differs(difference) => difference,
                };
                if locked().different >= plan.differences {
                    break;
                }
                let verdict = examine(&mut server, plan.dir, seed)?;
                let mut found = locked();
                match verdict {
                    Verdict::Endless => {
                        found.endless += 1;
                        println!("seed {seed} does not end in CPython");
                    }
                    Verdict::Same => {
                        found.only_among_others += 1;
                        println!("seed {seed} differs only among its batch:\n{difference}");
                    }
                    Verdict::Differs { text } => {
                        found.different += 1;
                        found.first.get_or_insert(seed);
                        if !text.is_empty() {
                            println!("{text}");
                        }
                    }
                }
            }
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

/// What a batch shows of each of its programs. Where one ends its process, on either side, the
/// rest begins anew after it.
fn compare_all(
    server: &mut Server,
    plan: &Plan,
    folder: &Path,
    seeds: Range<u64>,
) -> Result<Vec<(u64, Shown)>, String> {
    // What an earlier batch left is not wanted, and may not be there.
    drop(fs::remove_dir_all(folder));
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    if let Some((file, text)) = plan.family.library() {
        fs::write(folder.join(file), text).map_err(|error| error.to_string())?;
    }
    for seed in seeds.clone() {
        let file = format!("{}.async", plan.family.name(seed));
        fs::write(folder.join(file), plan.family.program(seed))
            .map_err(|error| error.to_string())?;
    }
    let mut all = Vec::new();
    let mut rest = seeds;
    while !rest.is_empty() {
        let mut shown = compare_once(server, plan, folder, rest.clone())?;
        if shown.is_empty() {
            return Err(format!("neither side came to seed {}", rest.start));
        }
        rest.start += shown.len() as u64;
        all.append(&mut shown);
    }
    Ok(all)
}

/// As `compare_all`, as far as both processes came.
fn compare_once(
    server: &mut Server,
    plan: &Plan,
    folder: &Path,
    seeds: Range<u64>,
) -> Result<Vec<(u64, Shown)>, String> {
    let mut text = HEAD.to_owned();
    for seed in seeds.clone() {
        text.push_str(&format!("run('{}')\n", plan.family.name(seed)));
    }
    // What the end of the process finalizes, in CPython, belongs to no program.
    text.push_str(&format!("print('{MARK}')\n"));
    let case = difference::program(folder, "batch", &text)?;
    let (theirs, ours) = difference::both(server, &plan.subject, &case)?;
    let deadlocked = difference::is_deadlock(&theirs);
    let n_begun = theirs.stdout.matches(MARK).count();
    if difference::is_endless(&theirs, &ours) && n_begun == 1 {
        return Ok(vec![(seeds.start, Shown::Endless)]);
    }
    let (theirs, ours) = (sections(&theirs), sections(&ours));
    let n_theirs = theirs.len() as u64;
    let mut shown = Vec::new();
    for seed in seeds {
        let name = plan.family.name(seed);
        let (theirs, ours) = match (theirs.get(&name), ours.get(&name)) {
            (Some(theirs), Some(ours)) => (theirs, ours),
            // This is where one of the two ended; who comes first is tried again.
            _ if !shown.is_empty() => break,
            (Some(theirs), None) => (theirs, &String::new()),
            (None, ours) => {
                return Err(format!("CPython never came to {name}; Lockstep: {ours:?}"));
            }
        };
        // CPython's process ends in a deadlock; an exception in ours may still show more.
        let is_last = shown.len() as u64 + 1 == n_theirs;
        let is_deadlock = deadlocked && is_last;
        let is_same = if is_deadlock {
            ours.starts_with(theirs) && ours.contains("DeadlockError")
        } else {
            ours == theirs
        };
        shown.push((
            seed,
            match (is_same, is_deadlock) {
                (true, false) => Shown::Same,
                (true, true) => Shown::Deadlocked,
                (false, _) if is_refused(theirs, ours) => Shown::Refused,
                (false, _) => Shown::Differs(compare::diff("in a batch", theirs, ours)),
            },
        ));
    }
    Ok(shown)
}

/// Whether a program went on in CPython where it was refused in Lockstep.
fn is_refused(theirs: &str, ours: &str) -> bool {
    let last = ours
        .trim_end_matches('\n')
        .rfind('\n')
        .map_or(0, |at| at + 1);
    ours[last..].starts_with("raised Unsupported ") && theirs.starts_with(&ours[..last])
}

/// What each program printed, by its name.
fn sections(run: &Run) -> HashMap<String, String> {
    let mut all: Vec<_> = run
        .stdout
        .split(MARK)
        .skip(1)
        .filter_map(|section| section.split_once('\n'))
        .collect();
    // Where time ran out, whoever was at work may only have come late: it is tried again first.
    if run.timed_out && all.len() > 1 {
        all.pop();
    }
    all.into_iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}
