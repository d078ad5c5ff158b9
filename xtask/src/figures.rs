//! `cargo xtask figures`: what no ratio of workloads shows. Takes the `lockstep` binary and
//! CPython 3.13, gives start-up times, the speed of compiling, memory per parked task and how
//! cost grows with the number of tasks and timers.

use crate::bench::{Contender, contenders, timed};
use lockstep_tests::workspace;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(clap::Args)]
pub struct Options {
    /// Another lockstep binary to compare with
    #[arg(long)]
    baseline: Option<PathBuf>,
    /// Cargo profile of the binary that is measured
    #[arg(long, default_value = "release")]
    profile: String,
    /// Parked tasks, and the larger number of the growth figures
    #[arg(long, default_value_t = 1_000_000)]
    tasks: usize,
}

const MEDIAN_RUNS: usize = 15;
const COMPILED_LINES: usize = 100_000;
const GROWTH_BASE: usize = 10_000;

const RUN_A_TASK: &str = "import asyncio
async def main():
    await asyncio.create_task(asyncio.sleep(0))
asyncio.run(main())
";

/// Waits for a line on stdin while its tasks are parked.
const PARKED: &str = "import asyncio
async def park(event):
    await event.wait()
async def main():
    event = asyncio.Event()
    tasks = [asyncio.create_task(park(event)) for _ in range(N)]
    await asyncio.sleep(0)
    print('parked', flush=True)
    input()
asyncio.run(main())
";

const MANY_TASKS: &str = "import asyncio
async def job():
    await asyncio.sleep(0)
async def main():
    for task in [asyncio.create_task(job()) for _ in range(N)]:
        await task
asyncio.run(main())
";

const MANY_TIMERS: &str = "import asyncio
async def main():
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    def fire(i):
        if i == N - 1:
            done.set_result(None)
    for i in range(N):
        loop.call_later(0.001 + 0.5 * i / N, fire, i)
    await done
asyncio.run(main())
";

/// Runs the command.
///
/// # Errors
/// Where a program fails.
pub fn run(options: &Options) -> Result<(), String> {
    let contenders = contenders(&options.profile, options.baseline.as_ref())?;
    let dir = workspace::target_and_profile().0.join("figures");
    fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        fs::write(&path, text)
            .map(|()| path)
            .map_err(|error| error.to_string())
    };

    let mut failures = Vec::new();
    print!("{:<44}", "");
    for contender in &contenders {
        print!(" {:>12}", contender.label);
    }
    println!();

    let empty = write("empty.async", "")?;
    let task = write("task.async", RUN_A_TASK)?;
    row(
        &mut failures,
        "start-up, empty script",
        &contenders,
        |contender| Ok(format!("{:.1} ms", median_cpu_s(contender, &empty)? * 1e3)),
    );
    row(
        &mut failures,
        "start-up, asyncio and a task",
        &contenders,
        |contender| Ok(format!("{:.1} ms", median_cpu_s(contender, &task)? * 1e3)),
    );

    let long = write("long.async", &long_program())?;
    row(
        &mut failures,
        "compiling 100,000 lines",
        &contenders,
        |contender| Ok(format!("{:.2} s", cpu_s(contender, &long)?)),
    );

    let parked = |n: usize| write(&format!("parked{n}.async"), &format!("N = {n}\n{PARKED}"));
    let (none, many) = (parked(0)?, parked(options.tasks)?);
    let title = format!("memory per parked task, at {}", options.tasks);
    row(&mut failures, &title, &contenders, |contender| {
        let bytes =
            peak_rss_bytes(contender, &many)?.saturating_sub(peak_rss_bytes(contender, &none)?);
        Ok(format!("{} B", bytes / options.tasks.max(1) as u64))
    });

    for (name, text) in [("task", MANY_TASKS), ("timer", MANY_TIMERS)] {
        let program = |n: usize| write(&format!("{name}{n}.async"), &format!("N = {n}\n{text}"));
        let (few, many) = (program(GROWTH_BASE)?, program(options.tasks)?);
        let title = format!("time per {name}, {GROWTH_BASE} to {}", options.tasks);
        row(&mut failures, &title, &contenders, |contender| {
            let start_s = median_cpu_s(contender, &task)?;
            let each_s = |seconds: f64, n: usize| (seconds - start_s) / n as f64;
            let few_s = each_s(median_cpu_s(contender, &few)?, GROWTH_BASE);
            let growth = each_s(cpu_s(contender, &many)?, options.tasks) / few_s;
            Ok(format!("{growth:.2}x"))
        });
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n"))
    }
}

/// Prints one figure of every contender; what fails is noted and the rest goes on.
fn row(
    failures: &mut Vec<String>,
    title: &str,
    contenders: &[Contender],
    measure: impl Fn(&Contender) -> Result<String, String>,
) {
    print!("{title:<44}");
    for contender in contenders {
        let shown = measure(contender).unwrap_or_else(|error| {
            failures.push(format!("{title}, {}: {error}", contender.label));
            "failed".to_owned()
        });
        print!(" {shown:>12}");
    }
    println!();
}

/// Functions that are compiled and never called.
fn long_program() -> String {
    let function = "def f(a, b, *rest, key=None):
    total = 0
    for index, item in enumerate(rest):
        if item is not None and index % 2 == 0:
            total += item * a + b
        elif key:
            total -= len(f'{item!r:>10} of {key}')
    return [total, {'a': a, 'b': b}, (key, rest[1:])]


";
    function.repeat(COMPILED_LINES / function.lines().count())
}

fn cpu_s(contender: &Contender, file: &Path) -> Result<f64, String> {
    let (run, cpu_s) = timed(contender, file)?;
    if run.exit != 0 {
        return Err(format!(
            "{} exits with {}: {}",
            contender.label,
            run.exit,
            run.last_stderr_line()
        ));
    }
    Ok(cpu_s)
}

fn median_cpu_s(contender: &Contender, file: &Path) -> Result<f64, String> {
    let mut times = Vec::new();
    for _ in 0..MEDIAN_RUNS {
        times.push(cpu_s(contender, file)?);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[MEDIAN_RUNS / 2])
}

/// The peak of a program's resident memory, read while it waits for stdin.
fn peak_rss_bytes(contender: &Contender, file: &Path) -> Result<u64, String> {
    let mut child = Command::new(&contender.command[0])
        .args(&contender.command[1..])
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut line = String::new();
    let stdout = child.stdout.take().expect("its stdout is a pipe");
    let read = BufReader::new(stdout).read_line(&mut line);
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
    // It is killed while it waits, for its end would be another story.
    drop(child.kill());
    drop(child.wait());
    read.map_err(|error| error.to_string())?;
    if line.trim_end() != "parked" {
        return Err(format!("{} fails", contender.label));
    }
    let status = status.map_err(|error| format!("no /proc on this system: {error}"))?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or_default();
    let kib: u64 = peak
        .trim()
        .trim_end_matches("kB")
        .trim()
        .parse()
        .unwrap_or(0);
    Ok(kib * 1024)
}
