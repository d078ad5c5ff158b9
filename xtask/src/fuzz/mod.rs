//! Random programs, run on Lockstep and on CPython 3.13. Takes a seed, gives the smallest program
//! found for each difference; the same seed gives the same programs. Never judges what no golden
//! would compare: all of stderr but its last line.

mod batch;
mod difference;
mod family;
mod language;
mod planted;
mod shrink;
mod tasks;
mod writer;

use difference::Subject;
pub use family::Family;
use lockstep_tests::oracle::{self, Server};
use lockstep_tests::{binary, workspace};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Options of `fuzz-async` and `fuzz-lang`.
#[derive(clap::Args)]
pub struct Options {
    /// Stop after so many seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// Stop after so many programs
    #[arg(long)]
    programs: Option<u64>,
    /// The first program's seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print the program of the seed and what CPython makes of it, and compare nothing
    #[arg(long)]
    show: bool,
    /// Only tell where programs differ, without shrinking them: quick, to sort many differences
    #[arg(long)]
    survey: bool,
    /// Show that the fuzzer sees: build with bugs planted, and find each, or the one that is named
    #[arg(long, value_name = "BUG", num_args = 0..=1, default_missing_value = planted::EACH)]
    planted: Option<String>,
    /// Cargo profile of the binary under test
    #[arg(long, default_value = "quick")]
    profile: String,
}

/// When neither a time nor a number says when to stop.
const PROGRAMS_DEFAULT: u64 = 2_000;

/// Runs programs of a family.
///
/// # Errors
/// Where programs differ, by themselves or among others, or there is no CPython 3.13.
pub fn run(family: Family, options: &Options) -> Result<(), String> {
    let python = oracle::find()?;
    let dir = folder()?;
    compare(family, options, &python, &dir)?;
    fs::remove_dir_all(&dir).map_err(|error| error.to_string())
}

fn compare(family: Family, options: &Options, python: &PathBuf, dir: &Path) -> Result<(), String> {
    if let Some((file, text)) = family.library() {
        fs::write(dir.join(file), text).map_err(|error| error.to_string())?;
    }
    if options.show {
        return show(family, python, dir, options.seed);
    }
    if let Some(bug) = &options.planted {
        return planted::run(family, python, dir, options, bug);
    }
    let lockstep = binary::lockstep_of_profile(&options.profile)?;
    limit_memory();
    let started = Instant::now();
    let unlimited = options.seconds.is_some() && options.programs.is_none();
    let plan = batch::Plan {
        family,
        python,
        subject: Subject {
            binary: &lockstep,
            environment: &[],
        },
        dir,
        first_seed: options.seed,
        programs: match options.programs {
            Some(programs) => programs,
            None if unlimited => u64::MAX,
            None => PROGRAMS_DEFAULT,
        },
        until: options.seconds.map(|s| started + Duration::from_secs(s)),
        differences: u64::MAX,
    };
    let found = batch::run(&plan, |server, dir, seed| {
        let case = difference::program(dir, &family.name(seed), &family.program(seed))?;
        if !options.survey {
            return difference::examine(server, &plan.subject, &case);
        }
        Ok(match difference::look(server, &plan.subject, &case)? {
            difference::Verdict::Differs { text } => difference::Verdict::Differs {
                text: format!("seed {seed}:\n{text}"),
            },
            verdict => verdict,
        })
    })?;
    println!(
        "{} programs from seed {} in {} s: {} different, {} different only among others, \
         {} deadlocked on both sides, {} endless in CPython, {} the same up to a refusal",
        found.programs,
        options.seed,
        started.elapsed().as_secs(),
        found.different,
        found.only_among_others,
        found.deadlocked,
        found.endless,
        found.refused,
    );
    if found.different + found.only_among_others == 0 {
        Ok(())
    } else {
        Err("programs differ".to_owned())
    }
}

/// Has Lockstep take as much memory as `oracle.py` gives CPython: of its addresses it uses a
/// third. What one side has room for and the other has not would differ, and take half a minute
/// to fill.
const ADDRESS_SPACE_BYTES_MAX: u64 = 3 * (1 << 30) + (550 << 20);

/// Has the processes that are begun from here on end a request beyond the limit in a MemoryError,
/// however large the machine is.
fn limit_memory() {
    let (_, most) = getrlimit(Resource::RLIMIT_AS).unwrap_or((0, u64::MAX));
    // Without it only programs that want more would differ.
    let _ = setrlimit(Resource::RLIMIT_AS, ADDRESS_SPACE_BYTES_MAX.min(most), most);
}

/// A folder for this process alone, so that several may run at once; it stays where programs
/// differ.
fn folder() -> Result<PathBuf, String> {
    let target = workspace::target_and_profile().0;
    let dir = target.join("fuzz").join(std::process::id().to_string());
    fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    Ok(dir)
}

fn show(family: Family, python: &PathBuf, dir: &Path, seed: u64) -> Result<(), String> {
    let text = family.program(seed);
    let case = difference::program(dir, &family.name(seed), &text)?;
    let run = Server::start(python)?.run(&case)?;
    println!(
        "{text}# prints:\n{}{}# exit {}",
        run.stdout, run.stderr, run.exit
    );
    Ok(())
}
