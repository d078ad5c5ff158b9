//! The command line: arguments to a `Command`. It runs nothing itself.

use std::ffi::OsString;
use std::io::IsTerminal;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{dis, repl, run};

/// What the process was asked to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run a script
    Run(RunArgs),
    /// Start an interactive session
    Repl(ReplArgs),
    /// Show the bytecode of a script, without running it
    Dis(DisArgs),
}

#[derive(Parser)]
#[command(
    name = "lockstep",
    version,
    about = "A small Python-like language with async/await, in lockstep with CPython's asyncio",
    after_help = "`lockstep FILE [ARGS]` is short for `lockstep run FILE [ARGS]`; without arguments, \
                  at a terminal, an interactive session starts."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub world: WorldArgs,
    /// Raise what is outside the subset where it is reached, rather than refuse the file
    #[arg(long)]
    pub refuse_late: bool,
    /// The script; `-` reads it from standard input
    #[arg(value_name = "FILE")]
    pub file: OsString,
    /// Arguments for the script: `sys.argv[1:]`
    #[arg(
        value_name = "ARGS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub args: Vec<OsString>,
}

#[derive(Args)]
pub struct ReplArgs {
    #[command(flatten)]
    pub world: WorldArgs,
}

#[derive(Args)]
pub struct DisArgs {
    /// The script; `-` reads it from standard input
    #[arg(value_name = "FILE")]
    pub file: OsString,
}

/// The clock and the dice.
#[derive(Args, Clone, Default)]
pub struct WorldArgs {
    /// The clock: `virtual` jumps to the next deadline when nothing is ready
    #[arg(long, value_enum, default_value_t = Clock::Real)]
    pub clock: Clock,
    /// The seed of random numbers that the script does not seed
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Clock {
    #[default]
    Real,
    Virtual,
}

/// Exit status of wrong usage, as CPython's.
pub const USAGE_ERROR: u8 = 2;

/// Reads the process's arguments.
///
/// # Errors
/// The exit status when there is nothing to execute: `--help`, `--version`,
/// wrong usage.
pub fn parse() -> Result<Command, u8> {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    match args.get(1) {
        None if std::io::stdin().is_terminal() => args.push(OsString::from("repl")),
        None => {
            args.push(OsString::from("run"));
            args.push(OsString::from("-"));
        }
        Some(first) => {
            let text = first.to_string_lossy();
            let is_command = matches!(&*text, "run" | "repl" | "dis" | "help");
            if !is_command && (text == "-" || !text.starts_with('-')) {
                args.insert(1, OsString::from("run"));
            }
        }
    }
    end_options_at_file(&mut args);
    Cli::try_parse_from(args)
        .map(|cli| cli.command)
        .map_err(|error| {
            // A closed pipe is no reason to fail.
            let _ = error.print();
            if error.use_stderr() { USAGE_ERROR } else { 0 }
        })
}

/// What follows the script's name belongs to the script, `--help` too: puts a
/// `--` before it.
fn end_options_at_file(args: &mut Vec<OsString>) {
    if args.get(1).is_none_or(|command| command != "run") {
        return;
    }
    let mut at = 2;
    while let Some(arg) = args.get(at) {
        let text = arg.to_string_lossy();
        if text == "--" {
            return;
        }
        if text == "-" || !text.starts_with('-') {
            args.insert(at, OsString::from("--"));
            return;
        }
        let takes_value = matches!(&*text, "--clock" | "--seed");
        at += if takes_value { 2 } else { 1 };
    }
}

impl Command {
    /// Does what was asked; gives the exit status.
    pub fn execute(self) -> u8 {
        match self {
            Command::Run(args) => run::run(&args),
            Command::Repl(args) => repl::repl(&args.world),
            Command::Dis(args) => dis::dis(&args.file),
        }
    }
}
