//! `cargo xtask soak`: does memory stay constant? Takes the `lockstep` binary and programs that
//! make and end millions of tasks and generators, samples their resident memory while they run,
//! and writes docs/soak.md with its curves in docs/soak.svg. Fails where memory grew.

use lockstep_tests::{binary, workspace};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub struct Options {
    /// Cargo profile of the binary
    #[arg(long, default_value = "release")]
    profile: String,
    /// A hundredth of everything, and nothing is written: does it work?
    #[arg(long)]
    short: bool,
}

struct Program {
    name: &'static str,
    /// How many `N` of the text is.
    count: usize,
    text: &'static str,
}

const PROGRAMS: &[Program] = &[
    Program {
        name: "tasks created and finished",
        count: 10_000_000,
        text: "
async def job():
    await asyncio.sleep(0)
async def main():
    for _ in range(N // 100):
        for task in [asyncio.create_task(job()) for _ in range(100)]:
            await task
",
    },
    Program {
        name: "tasks cancelled",
        count: 1_000_000,
        text: "
async def job(event):
    await event.wait()
async def main():
    event = asyncio.Event()
    for _ in range(N // 100):
        tasks = [asyncio.create_task(job(event)) for _ in range(100)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
",
    },
    Program {
        name: "blocks timed out",
        count: 1_000_000,
        text: "
async def main():
    event = asyncio.Event()
    for i in range(N):
        try:
            if i % 2:
                await asyncio.wait_for(event.wait(), 0.001)
            else:
                async with asyncio.timeout(0.001):
                    await asyncio.sleep(60)
        except TimeoutError:
            pass
",
    },
    Program {
        name: "async generators opened, one in two left early",
        count: 1_000_000,
        text: "
async def numbers():
    yield 1
    await asyncio.sleep(0)
    yield 2
async def main():
    for i in range(N // 2):
        async for _ in numbers():
            pass
        await anext(numbers())
",
    },
    Program {
        name: "generators opened, one in two dropped",
        count: 1_000_000,
        text: "
def numbers():
    yield 1
    yield 2
async def main():
    for i in range(N // 2):
        for _ in numbers():
            pass
        next(numbers())
        if i % 1000 == 0:
            await asyncio.sleep(0)
",
    },
    Program {
        name: "tasks that fail, unlooked at",
        count: 1_000_000,
        text: "
async def job():
    raise ValueError
async def main():
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    for _ in range(N // 100):
        for _ in range(100):
            asyncio.create_task(job())
        await asyncio.sleep(0)
",
    },
];

/// Memory may be this much larger in the last third than it ever was in the middle one.
const GROWTH_MAX: f64 = 1.1;
const INTERVAL: Duration = Duration::from_millis(20);
/// Points of a curve, at most.
const N_POINTS: usize = 200;

/// Resident bytes over the time of a run.
struct Curve {
    program: &'static Program,
    seconds: f64,
    samples: Vec<u64>,
}

impl Curve {
    fn peak(&self, part: std::ops::Range<usize>) -> u64 {
        self.samples[part].iter().copied().max().unwrap_or(0)
    }

    /// The peak of the last third over that of the middle one.
    fn growth(&self) -> f64 {
        let n = self.samples.len();
        self.peak(2 * n / 3..n) as f64 / self.peak(n / 3..2 * n / 3).max(1) as f64
    }
}

/// Runs the command.
///
/// # Errors
/// Where a program fails, or its memory grows.
pub fn run(options: &Options) -> Result<(), String> {
    let binary = binary::lockstep_of_profile(&options.profile)?;
    let dir = workspace::target_and_profile().0.join("soak");
    fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    let mut curves = Vec::new();
    for (i, program) in PROGRAMS.iter().enumerate() {
        let count = program.count / if options.short { 100 } else { 1 };
        let path = dir.join(format!("{i}.async"));
        let text = format!(
            "import asyncio\nN = {count}\n{}asyncio.run(main())\n",
            program.text
        );
        fs::write(&path, text).map_err(|error| error.to_string())?;
        let curve = sample(&binary, &path, program)?;
        println!("{}", row(&curve, count));
        curves.push(curve);
    }
    if !options.short {
        let docs = workspace::root().join("docs");
        let written = fs::write(docs.join("soak.md"), report(&curves))
            .and_then(|()| fs::write(docs.join("soak.svg"), drawing(&curves)));
        written.map_err(|error| error.to_string())?;
        let grown = curves.iter().find(|curve| curve.growth() > GROWTH_MAX);
        if let Some(curve) = grown {
            return Err(format!("memory grows: {}", curve.program.name));
        }
    }
    Ok(())
}

fn sample(binary: &Path, script: &Path, program: &'static Program) -> Result<Curve, String> {
    let start = Instant::now();
    let mut child = Command::new(binary)
        .args(["run", "--clock", "virtual"])
        .arg(script)
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let statm = format!("/proc/{}/statm", child.id());
    let mut samples = Vec::new();
    let status = loop {
        // The second number is the resident pages; an ended process has none.
        let pages = fs::read_to_string(&statm).ok();
        let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
        samples.extend(pages.filter(|&n| n > 0).map(|n| n * 4096));
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        std::thread::sleep(INTERVAL);
    };
    if !status.success() {
        return Err(format!("{} ended with {status}", program.name));
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(Curve {
        program,
        seconds,
        samples,
    })
}

fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1024.0 / 1024.0)
}

fn row(curve: &Curve, count: usize) -> String {
    let n = curve.samples.len();
    format!(
        "| {count} {} | {:.1} | {} | {} | {} | {:.2} |",
        curve.program.name,
        curve.seconds,
        mib(curve.peak(0..n / 3)),
        mib(curve.peak(n / 3..2 * n / 3)),
        mib(curve.peak(2 * n / 3..n)),
        curve.growth(),
    )
}

fn report(curves: &[Curve]) -> String {
    let mut text = String::from(
        "# Memory over millions of tasks\n\nWritten by `cargo xtask soak`, which samples the resident memory of the binary while each \
         program runs. The peaks are those of the three thirds of its time, in MiB; growth is the last by the second.\n\n\
         | program | seconds | first third | second | last | growth |\n|---|---|---|---|---|---|\n",
    );
    for curve in curves {
        let _ = writeln!(text, "{}", row(curve, curve.program.count));
    }
    text + "\n![Resident memory over the time of each run](soak.svg)\n"
}

const COLOURS: [&str; 6] = [
    "#1b6ca8", "#c0392b", "#27802f", "#8e44ad", "#b9770e", "#555555",
];
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 50.0;

/// One line for each program: its time stretched to the same width, memory upwards.
fn drawing(curves: &[Curve]) -> String {
    let top = curves.iter().map(|c| c.peak(0..c.samples.len())).max();
    let top = top.unwrap_or(1).max(1) as f64 * 1.1;
    let total = HEIGHT + 50.0 + 18.0 * curves.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {total}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        WIDTH + LEFT + 20.0
    );
    for i in 0..=4 {
        let y = 10.0 + HEIGHT * (1.0 - f64::from(i) / 4.0);
        let label = mib((top * f64::from(i) / 4.0) as u64);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{label}</text>",
            LEFT + WIDTH,
            LEFT - 6.0,
            y + 4.0
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{}\">MiB resident; each run from start to end</text>",
        HEIGHT + 28.0
    );
    for (i, curve) in curves.iter().enumerate() {
        let step = curve.samples.len().div_ceil(N_POINTS).max(1);
        let n = curve.samples.len().max(2) - 1;
        let mut points = String::new();
        for (at, part) in curve.samples.chunks(step).enumerate() {
            let x = LEFT + WIDTH * (at * step) as f64 / n as f64;
            let bytes = part.iter().copied().max().unwrap_or(0);
            let y = 10.0 + HEIGHT * (1.0 - bytes as f64 / top);
            let _ = write!(points, "{x:.1},{y:.1} ");
        }
        let colour = COLOURS[i % COLOURS.len()];
        let y = HEIGHT + 48.0 + 18.0 * i as f64;
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\n\
             <text x=\"{LEFT}\" y=\"{y}\" fill=\"{colour}\">{} {} ({:.1} s)</text>",
            points.trim_end(),
            curve.program.count,
            curve.program.name,
            curve.seconds
        );
    }
    svg + "</svg>\n"
}
