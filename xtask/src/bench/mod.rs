//! `cargo xtask bench`: measures Lockstep beside CPython 3.13 and what else is installed. Takes
//! the names of parts and how long to measure, gives tables, and docs/performance.md; never
//! compares the speed of programs whose outputs differ.

mod compile;
mod contender;
mod core;
mod growth;
mod measure;
mod memory;
mod operations;
mod page;
mod pauses;
mod picture;
mod startup;
mod table;
mod workloads;

pub(crate) use measure::{has_callgrind, instructions};

use contender::Contenders;
use lockstep_tests::workspace;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Options {
    /// Which parts; all of them when none is named
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Only workloads whose name contains this, against CPython alone
    #[arg(long)]
    filter: Option<String>,
    /// Rounds; the fastest counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// One round, smaller sizes, CPython alone
    #[arg(long)]
    quick: bool,
    /// Write the figures to a file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Another lockstep binary to compare with
    #[arg(long)]
    baseline: Option<PathBuf>,
    /// Build by the release recipe too (`cargo xtask dist`) and measure it beside the plain build
    #[arg(long)]
    dist: bool,
    /// Cargo profile of the binary that is measured
    #[arg(long, default_value = "release")]
    profile: String,
    /// Fail where a figure is beyond its floor
    #[arg(long)]
    check: bool,
    /// Write what was measured to docs/performance.md, as a full run does by itself
    #[arg(long)]
    write: bool,
}

/// One part of the suite, which is one block of docs/performance.md.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Workloads of tasks
    Async,
    /// Workloads without tasks
    Compute,
    /// The core async workloads in other languages
    Core,
    /// Memory per parked task
    Memory,
    /// Start-up
    Startup,
    /// Compiling a long file
    Compile,
    /// How cost grows with size
    Growth,
    /// The longest pause of the collector
    Pauses,
    /// Instructions per operation
    Operations,
}

const ALL: [Part; 9] = [
    Part::Async,
    Part::Compute,
    Part::Core,
    Part::Memory,
    Part::Startup,
    Part::Compile,
    Part::Growth,
    Part::Pauses,
    Part::Operations,
];

/// What every part is given.
struct Setting {
    contenders: Contenders,
    n_rounds: usize,
    quick: bool,
    filter: Option<String>,
    /// A folder for programs that are made here.
    dir: PathBuf,
}

/// What a part has found.
#[derive(Default)]
struct Block {
    name: &'static str,
    /// Markdown.
    text: String,
    /// File names and SVG texts.
    pictures: Vec<(String, String)>,
    records: Vec<Value>,
    /// Floors that don't hold.
    beyond: Vec<String>,
    failures: Vec<String>,
}

impl Block {
    fn new(name: &'static str) -> Block {
        Block {
            name,
            ..Block::default()
        }
    }

    /// Notes a failure and goes on without the figure.
    fn noted<T>(&mut self, what: &str, result: Result<T, String>) -> Option<T> {
        result
            .map_err(|error| self.failures.push(format!("{what}: {error}")))
            .ok()
    }

    /// Notes a floor that doesn't hold.
    fn floor(&mut self, holds: bool, text: String) {
        if !holds {
            self.beyond.push(text);
        }
    }

    fn picture(&mut self, file: &str, title: &str, svg: Result<String, String>) {
        if let Some(svg) = self.noted(file, svg) {
            self.text += &format!("\n![{title}](performance/{file})\n");
            self.pictures.push((file.to_owned(), svg));
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Where a program fails, outputs differ or, with `--check`, a floor doesn't hold.
pub fn run(options: &Options) -> Result<(), String> {
    let dir = workspace::target_and_profile().0.join("bench");
    fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let few = options.quick || options.filter.is_some();
    let mut builds = Vec::new();
    if options.dist {
        builds.push(("dist", crate::dist::build()?));
    }
    builds.extend(options.baseline.clone().map(|path| ("baseline", path)));
    let setting = Setting {
        contenders: contender::find(&options.profile, builds, few, &dir)?,
        n_rounds: if options.quick {
            1
        } else {
            options.runs.max(1)
        },
        quick: options.quick,
        filter: options.filter.clone(),
        dir,
    };
    println!("{}\n", setting.contenders.versions());

    let parts = match (&options.parts[..], &options.filter) {
        ([], None) => &ALL[..],
        ([], Some(_)) => &[Part::Async, Part::Compute][..],
        (parts, _) => parts,
    };
    let is_full = options.parts.is_empty() && !few && options.baseline.is_none();
    let writes = options.write || (is_full && options.profile == "release");
    let mut blocks = Vec::new();
    for part in parts {
        let block = match part {
            Part::Async => workloads::measure(&setting, &workloads::ASYNC),
            Part::Compute => workloads::measure(&setting, &workloads::COMPUTE),
            Part::Core => core::measure(&setting),
            Part::Memory => memory::measure(&setting),
            Part::Startup => startup::measure(&setting),
            Part::Compile => compile::measure(&setting),
            Part::Growth => growth::measure(&setting),
            Part::Pauses => pauses::measure(&setting),
            Part::Operations => operations::measure(&setting),
        };
        println!();
        // At once, so that a run that is stopped has not been for nothing.
        if writes {
            page::write(&block, &setting.contenders.versions())?;
        }
        blocks.push(block);
    }

    if let Some(path) = &options.json {
        let records: Vec<_> = blocks.iter().flat_map(|block| &block.records).collect();
        let text = serde_json::to_string_pretty(&records).map_err(|error| error.to_string())?;
        fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))?;
    }

    let mut complaints = Vec::new();
    for block in blocks {
        complaints.extend(block.failures);
        for text in block.beyond {
            if options.check {
                complaints.push(text);
            } else {
                println!("beyond its floor: {text}");
            }
        }
    }
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("\n"))
    }
}
