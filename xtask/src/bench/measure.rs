//! Measures one run of a program. Takes a command, gives CPU time, memory or instructions; never
//! judges them.

use lockstep_tests::process::{self, Run};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A program that runs longer has hung.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs a program and gives what it printed, and its user and system time in seconds.
///
/// # Errors
/// Where it can't be started or fails.
pub fn cpu_s(command: &mut Command) -> Result<(String, f64), String> {
    cpu_s_within(command, LIMIT)
}

fn cpu_s_within(command: &mut Command, limit: Duration) -> Result<(String, f64), String> {
    let before_s = children_cpu_s()?;
    let run = process::run(command, b"", limit)?;
    let cpu_s = children_cpu_s()? - before_s;
    Ok((succeeded(run)?.stdout, cpu_s))
}

/// A program whose first round takes longer runs no second one.
const SLOW_S: f64 = 2.0;

/// A workload that takes longer than so much is given up: CPython takes half a second.
const WORKLOAD_LIMIT: Duration = Duration::from_secs(60);

/// The fastest round of each program. They take turns, so that a slow spell of the machine falls
/// on all of them; those behind the first `n_main` do with one round. What the first one prints
/// the others must print.
pub fn fastest_s(
    commands: &mut [Command],
    n_main: usize,
    n_rounds: usize,
) -> Vec<Result<f64, String>> {
    let mut results = vec![Ok(f64::INFINITY); commands.len()];
    let mut expected: Option<String> = None;
    for round in 0..n_rounds {
        for (index, (command, result)) in commands.iter_mut().zip(&mut results).enumerate() {
            let Ok(fastest_s) = *result else { continue };
            if round > 0 && (index >= n_main || fastest_s > SLOW_S) {
                continue;
            }
            *result = cpu_s_within(command, WORKLOAD_LIMIT).and_then(|(printed, cpu_s)| {
                let expected = expected.get_or_insert_with(|| printed.clone());
                if *expected == printed {
                    Ok(fastest_s.min(cpu_s))
                } else {
                    Err(format!("it prints {printed:?}, not {expected:?}"))
                }
            });
        }
    }
    results
}

fn succeeded(run: Run) -> Result<Run, String> {
    if run.exit == 0 {
        Ok(run)
    } else {
        Err(format!("exit {}: {}", run.exit, run.last_stderr_line()))
    }
}

/// User and system time of all children waited for so far. One child runs at a time, so that a
/// difference is one child's.
fn children_cpu_s() -> Result<f64, String> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 * 1e-6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// The peak of a program's resident memory, read when it has printed `parked` and waits for stdin.
///
/// # Errors
/// Where it can't be started or fails.
pub fn peak_rss_bytes(mut command: Command) -> Result<u64, String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut line = String::new();
    let stdout = child.stdout.take().expect("its stdout is a pipe");
    let read = BufReader::new(stdout).read_line(&mut line);
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    // It is killed while it waits, for its end would be another story.
    drop(child.kill());
    drop(child.wait());
    read.map_err(|error| error.to_string())?;
    if line.trim_end() != "parked" {
        return Err("it ended before its tasks were parked".to_owned());
    }
    let status = status.map_err(|error| format!("no /proc on this system: {error}"))?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or_default();
    let kib: Result<u64, _> = peak.trim().trim_end_matches("kB").trim().parse();
    kib.map(|kib| kib * 1024)
        .map_err(|error| format!("VmHWM: {error}"))
}

/// Whether instructions can be counted here.
pub fn has_callgrind() -> bool {
    Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The instructions that a program executes, under valgrind's callgrind.
///
/// # Errors
/// Where it can't be started or fails.
pub fn instructions(command: &Command) -> Result<u64, String> {
    // Where code and stack lie decides about hash tables keyed by address. valgrind itself leaves
    // little to chance, so a system that can't do without chance is no obstacle.
    let fixed = Command::new("setarch").args(["-R", "true"]).status();
    let mut counted = if fixed.is_ok_and(|status| status.success()) {
        let mut setarch = Command::new("setarch");
        setarch.args(["-R", "valgrind"]);
        setarch
    } else {
        Command::new("valgrind")
    };
    counted
        .arg("--tool=callgrind")
        .arg("--callgrind-out-file=/dev/null")
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        counted.env(name, value.unwrap_or_default());
    }
    if let Some(dir) = command.get_current_dir() {
        counted.current_dir(dir);
    }
    let run = succeeded(process::run(&mut counted, b"", LIMIT)?)?;
    // "==123== Collected : 4711"
    run.stderr
        .lines()
        .find_map(|line| line.split("Collected :").nth(1))
        .and_then(|count| count.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| "callgrind said no number".to_owned())
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

pub fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    let sum: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (!ratios.is_empty()).then(|| (sum / ratios.len() as f64).exp())
}
