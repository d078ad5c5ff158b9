//! Random programs, run on Lockstep and on CPython 3.13. Takes a seed, gives the smallest program
//! found for each difference; the same seed gives the same programs. Never judges what no golden
//! would compare: all of stderr but its last line.

mod batch;
mod difference;
mod language;
mod planted;
mod shrink;
mod tasks;
mod writer;

use crate::suite;
use difference::Verdict;
use lockstep_tests::case::Case;
use lockstep_tests::{binary, oracle, workspace};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Options of `fuzz-async`.
#[derive(clap::Args)]
pub struct AsyncOptions {
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
    /// Show that the fuzzer sees: build with bugs planted, and find each
    #[arg(long)]
    planted: bool,
    /// Cargo profile of the binary under test
    #[arg(long, default_value = "quick")]
    profile: String,
}

/// Options of `fuzz-lang`.
#[derive(clap::Args)]
pub struct LanguageOptions {
    /// The first program's seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many programs
    #[arg(long, default_value_t = 200)]
    programs: u64,
    /// Print each program and what CPython makes of it, and compare nothing
    #[arg(long)]
    show: bool,
    /// Cargo profile of the binary under test
    #[arg(long, default_value = "dev")]
    profile: String,
}

/// When neither a time nor a number says when to stop.
const PROGRAMS_DEFAULT: u64 = 2_000;

/// Runs `fuzz-async`.
///
/// # Errors
/// Where programs differ, or there is no CPython 3.13.
pub fn run_async(options: &AsyncOptions) -> Result<(), String> {
    let python = oracle::find()?;
    let dir = folder()?;
    if options.show {
        let text = batch::single(&tasks::program(options.seed));
        let name = format!("tasks{}", options.seed);
        return show(&python, &[difference::program(&dir, &name, &text)?]);
    }
    if options.planted {
        return planted::run(&python, &dir, &options.profile, options.seed);
    }
    let lockstep = binary::lockstep_of_profile(&options.profile)?;
    let started = Instant::now();
    let unlimited = options.seconds.is_some() && options.programs.is_none();
    let limits = batch::Limits {
        first_seed: options.seed,
        programs: match options.programs {
            Some(programs) => programs,
            None if unlimited => u64::MAX,
            None => PROGRAMS_DEFAULT,
        },
        until: options.seconds.map(|s| started + Duration::from_secs(s)),
        differences: u64::MAX,
    };
    let found = batch::run(&python, &lockstep, &dir, &limits, true)?;
    println!(
        "{} programs from seed {} in {} s: {} different, {} not comparable",
        found.programs,
        options.seed,
        started.elapsed().as_secs(),
        found.different,
        found.unknown,
    );
    if found.different == 0 {
        Ok(())
    } else {
        Err("programs differ".to_owned())
    }
}

/// Runs `fuzz-lang`.
///
/// # Errors
/// As `run_async`.
pub fn run_language(options: &LanguageOptions) -> Result<(), String> {
    let python = oracle::find()?;
    let dir = folder()?;
    let programs: Vec<Case> = (options.seed..options.seed + options.programs)
        .map(|seed| {
            let name = format!("language{seed}");
            difference::program(&dir, &name, &language::program(seed))
        })
        .collect::<Result<_, _>>()?;
    if options.show {
        return show(&python, &programs);
    }
    let lockstep = binary::lockstep_of_profile(&options.profile)?;
    let verdicts = suite::for_each(&python, &programs, |server, case| {
        difference::examine(server, &lockstep, case)
    })?;
    let (mut n_same, mut n_unknown, mut n_different) = (0, 0, 0);
    for verdict in verdicts {
        match verdict? {
            Verdict::Same => n_same += 1,
            Verdict::Unknown => n_unknown += 1,
            Verdict::Differs { file, text } => {
                n_different += 1;
                println!("{file}\n{text}");
            }
        }
    }
    println!("{n_same} the same, {n_unknown} not comparable, {n_different} different");
    if n_different == 0 {
        Ok(())
    } else {
        Err("programs differ".to_owned())
    }
}

fn folder() -> Result<PathBuf, String> {
    let dir = workspace::target_and_profile().0.join("fuzz");
    fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    Ok(dir)
}

fn show(python: &PathBuf, programs: &[Case]) -> Result<(), String> {
    for (case, run) in programs
        .iter()
        .zip(suite::for_each(python, programs, |server, case| {
            server.run(case)
        })?)
    {
        let text = fs::read_to_string(case.dir.join(&case.file)).unwrap_or_default();
        let run = run?;
        println!(
            "# {}\n{text}# prints:\n{}{}# exit {}",
            case.name, run.stdout, run.stderr, run.exit
        );
    }
    Ok(())
}
