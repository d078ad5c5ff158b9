//! `cargo xtask bench`: runs every workload of `benches/` on Lockstep and on CPython 3.13 in
//! turn. Takes a filter and a number of rounds, gives CPU times, ratios and geometric means;
//! never compares the speed of programs whose outputs differ.

use lockstep_tests::process::{self, Run};
use lockstep_tests::{binary, oracle, workspace};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A workload that runs longer has hung.
const LIMIT: Duration = Duration::from_secs(300);

/// The folders of `benches/`, and the geometric mean that `--check` asks of each.
const GROUPS: [(&str, f64); 2] = [("async", 6.0), ("compute", 1.5)];

/// What `--check` asks of every single workload.
const SINGLE_RATIO_MIN: f64 = 0.8;

#[derive(clap::Args)]
pub struct Options {
    /// Only workloads whose name contains this
    #[arg(long)]
    filter: Option<String>,
    /// Rounds; the fastest counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Write the figures to a file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Another lockstep binary to compare with
    #[arg(long)]
    baseline: Option<PathBuf>,
    /// Cargo profile of the binary that is measured
    #[arg(long, default_value = "release")]
    profile: String,
    /// Fail where a ratio is below the floor
    #[arg(long)]
    check: bool,
}

struct Workload {
    group: &'static str,
    name: String,
    file: PathBuf,
}

/// A program that runs workloads.
pub struct Contender {
    pub label: &'static str,
    pub command: Vec<PathBuf>,
}

/// Seconds of user and system time of each contender, in their order, or why there are none.
type Times = Result<Vec<f64>, String>;

/// Runs the command.
///
/// # Errors
/// Where there is nothing to compare with, a workload fails or outputs differ.
pub fn run(options: &Options) -> Result<(), String> {
    let contenders = contenders(&options.profile, options.baseline.as_ref())?;

    let mut records = Vec::new();
    let mut failures = Vec::new();
    for (group, mean_min) in GROUPS {
        print_head(group, &contenders);
        let mut ratios: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
        for workload in workloads(group, options.filter.as_deref())? {
            match measure(&workload, &contenders, options.runs.max(1)) {
                Ok(times) => {
                    print_row(&workload.name, &times);
                    for (index, time) in times.iter().enumerate() {
                        ratios[index].push(time / times[0]);
                    }
                    records.push(record(&workload, &contenders, &times));
                    let cpython = contenders.iter().position(|c| c.label == "cpython");
                    if let Some(index) = cpython
                        && options.check
                        && times[index] / times[0] < SINGLE_RATIO_MIN
                    {
                        failures.push(format!("{} is below {SINGLE_RATIO_MIN}x", workload.name));
                    }
                }
                Err(error) => {
                    println!("{:<22} failed", workload.name);
                    failures.push(format!("{}/{}: {error}", workload.group, workload.name));
                }
            }
        }
        for (contender, ratios) in contenders.iter().zip(&ratios).skip(1) {
            let Some(mean) = geometric_mean(ratios) else {
                continue;
            };
            let title = format!(
                "geometric mean of {} against {}",
                ratios.len(),
                contender.label
            );
            println!("{title:<47} {mean:>7.2}x");
            if options.check && contender.label == "cpython" && mean < mean_min {
                failures.push(format!("{group}: {mean:.2}x is below {mean_min}x"));
            }
        }
        println!();
    }
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&records).map_err(|error| error.to_string())?;
        fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n"))
    }
}

/// Lockstep, CPython 3.13 where there is one, and the baseline where there is one.
///
/// # Errors
/// Where Lockstep can't be built.
pub fn contenders(profile: &str, baseline: Option<&PathBuf>) -> Result<Vec<Contender>, String> {
    let lockstep = binary::lockstep_of_profile(profile)?;
    let mut contenders = vec![Contender {
        label: "lockstep",
        command: vec![lockstep, "run".into()],
    }];
    match oracle::find() {
        Ok(python) => {
            println!("{}", oracle::version(&python)?);
            contenders.push(Contender {
                label: "cpython",
                command: vec![python],
            });
        }
        Err(error) => println!("skipped: no comparison with CPython: {error}"),
    }
    if let Some(path) = baseline {
        let command = vec![path.clone(), "run".into()];
        contenders.push(Contender {
            label: "baseline",
            command,
        });
    }
    Ok(contenders)
}

fn workloads(group: &'static str, filter: Option<&str>) -> Result<Vec<Workload>, String> {
    let dir = workspace::root().join("benches").join(group);
    let entries = fs::read_dir(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let mut workloads: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "async")
        })
        .map(|file| {
            let name = file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            Workload { group, name, file }
        })
        .filter(|workload| {
            let full = format!("{group}/{}", workload.name);
            filter.is_none_or(|filter| full.contains(filter))
        })
        .collect();
    workloads.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(workloads)
}

/// The fastest round of each contender. They take turns, so that a slow spell of the machine
/// falls on all of them.
fn measure(workload: &Workload, contenders: &[Contender], n_rounds: usize) -> Times {
    let mut fastest = vec![f64::INFINITY; contenders.len()];
    let mut output: Option<String> = None;
    for _ in 0..n_rounds {
        for (contender, fastest) in contenders.iter().zip(&mut fastest) {
            let (run, cpu_s) = timed(contender, &workload.file)?;
            if run.exit != 0 {
                let last = run.last_stderr_line();
                return Err(format!(
                    "{} exits with {}: {last}",
                    contender.label, run.exit
                ));
            }
            match &output {
                None => output = Some(run.stdout),
                Some(first) if *first != run.stdout => {
                    return Err(format!("{} prints something else", contender.label));
                }
                Some(_) => {}
            }
            *fastest = fastest.min(cpu_s);
        }
    }
    Ok(fastest)
}

/// Runs a program and gives its user and system time in seconds.
///
/// # Errors
/// Where it can't be started.
pub fn timed(contender: &Contender, file: &Path) -> Result<(Run, f64), String> {
    let before_s = children_cpu_s()?;
    let mut child = Command::new(&contender.command[0]);
    child
        .args(&contender.command[1..])
        .arg(file)
        .env("PYTHONHASHSEED", "0");
    let run = process::run(&mut child, b"", LIMIT)?;
    Ok((run, children_cpu_s()? - before_s))
}

/// User and system time of all children waited for so far. One child runs at a time, so that a
/// difference is one child's.
fn children_cpu_s() -> Result<f64, String> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 * 1e-6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    let sum: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (!ratios.is_empty()).then(|| (sum / ratios.len() as f64).exp())
}

fn print_head(group: &str, contenders: &[Contender]) {
    print!("{group:<22}");
    for contender in contenders {
        print!(" {:>10}", contender.label);
        if contender.label != "lockstep" {
            print!("   ratio");
        }
    }
    println!();
}

fn print_row(name: &str, times: &[f64]) {
    print!("{name:<22}");
    for (index, time) in times.iter().enumerate() {
        print!(" {time:>8.3} s");
        if index > 0 {
            print!(" {:>6.2}x", time / times[0]);
        }
    }
    println!();
}

fn record(workload: &Workload, contenders: &[Contender], times: &[f64]) -> serde_json::Value {
    let mut record = json!({ "group": workload.group, "name": workload.name });
    for (contender, time) in contenders.iter().zip(times) {
        record[format!("{}_cpu_s", contender.label)] = json!(time);
    }
    record
}
