//! `cargo xtask`: the project's own tools. Takes a subcommand, gives its exit status.

#![forbid(unsafe_code)]

mod bench;
mod bless;
mod conform;
mod conformance;
mod counts;
mod dist;
mod fuzz;
mod matrix;
mod refusals;
mod rustc;
mod soak;
mod stress;
mod suite;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own tools")]
struct Arguments {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Subcommand)]
enum Subcommands {
    /// Write expected files from Lockstep's output, where CPython 3.13 prints the same
    Bless(bless::Options),
    /// Run the suite on CPython 3.13 and fail on a difference to the expected files
    Oracle(conformance::Options),
    /// Run CPython's own test files on Lockstep
    Conform(conform::Options),
    /// Measure Lockstep beside CPython 3.13 and others
    Bench(bench::Options),
    /// Run programs of millions of tasks and draw their memory
    Soak(soak::Options),
    /// Run the suite with a collection wherever there can be one
    Stress(stress::Options),
    /// Check opcodes, allocations and instructions of small programs against a recorded file
    Counts(counts::Options),
    /// Build the release guided by a profile of the benches and the goldens
    Dist,
    /// Compare random programs of tasks with CPython 3.13
    FuzzAsync(fuzz::Options),
    /// Compare random programs of statements and expressions with CPython 3.13
    FuzzLang(fuzz::Options),
    /// Check the table of refused names and write its list in spec.md
    Refusals(refusals::Options),
    /// Compare calls of everything with arguments of all kinds, and the names that there are, with CPython 3.13
    Matrix(matrix::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Subcommands::Bless(options) => bless::run(&options),
        Subcommands::Oracle(options) => conformance::run(&options),
        Subcommands::Conform(options) => conform::run(&options),
        Subcommands::Bench(options) => bench::run(&options),
        Subcommands::Soak(options) => soak::run(&options),
        Subcommands::Stress(options) => stress::run(&options),
        Subcommands::Counts(options) => counts::run(&options),
        Subcommands::Dist => dist::run(),
        Subcommands::FuzzAsync(options) => fuzz::run(fuzz::Family::Tasks, &options),
        Subcommands::FuzzLang(options) => fuzz::run(fuzz::Family::Language, &options),
        Subcommands::Refusals(options) => refusals::run(&options),
        Subcommands::Matrix(options) => matrix::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
