//! What the VM needs of the world: output, input, modules, the clock. The
//! `lockstep` binary and tests each bring their own.

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::Arc;

use lockstep_lang::bytecode::Code;
use lockstep_lang::diagnostic::Diagnostic;
use lockstep_lang::source::Source;

/// A module found by the host.
pub struct FoundModule {
    pub code: Arc<Code>,
    /// What the compiler warns of.
    pub warnings: Vec<Diagnostic>,
    /// `__file__`.
    pub file: OsString,
    /// `__path__` if it is a package.
    pub package_dir: Option<OsString>,
}

/// Why a module was not loaded.
pub enum LoadError {
    NotFound,
    /// Bad source, and what is wrong with it.
    Syntax(Box<(Source, Diagnostic)>),
    Io(String),
}

/// The world, as far as the VM asks for it.
pub trait Host {
    /// Writes to standard output; buffered.
    ///
    /// # Errors
    /// Of the underlying file.
    fn write_stdout(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Flushes standard output.
    ///
    /// # Errors
    /// Of the underlying file.
    fn flush_stdout(&mut self) -> io::Result<()>;
    /// Writes to standard error, after flushing standard output.
    ///
    /// # Errors
    /// Of the underlying file.
    fn write_stderr(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// The bytes of a line of standard input with its newline; empty at the end.
    ///
    /// # Errors
    /// Of the underlying file.
    fn read_line(&mut self) -> io::Result<Vec<u8>>;
    /// Finds and compiles module `name` (its last component) in these
    /// directories, or beside the script where there are none.
    ///
    /// # Errors
    /// That it isn't there, or is no good.
    fn load_module(
        &mut self,
        full_name: &str,
        package_path: Option<&OsStr>,
    ) -> Result<FoundModule, LoadError>;
    /// Nanoseconds on the monotonic clock.
    fn monotonic_ns(&mut self) -> u64;
    /// Nanoseconds since the epoch.
    fn time_ns(&mut self) -> u64;
    /// Waits; under a virtual clock, moves it.
    fn sleep_ns(&mut self, ns: u64);
    /// CPU nanoseconds used by the process.
    fn process_time_ns(&mut self) -> u64;
    /// Whether the clock is virtual.
    fn is_virtual(&self) -> bool;
    /// The seed of unseeded random numbers, if they are to be the same in every run.
    fn seed(&mut self) -> Option<u64>;
}

/// A world without files, input and network, whose clock is virtual: what is printed there is lost.
#[derive(Default)]
pub struct Nowhere {
    now_ns: u64,
}

impl Host for Nowhere {
    fn write_stdout(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn flush_stdout(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn write_stderr(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn read_line(&mut self) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }
    fn load_module(&mut self, _: &str, _: Option<&OsStr>) -> Result<FoundModule, LoadError> {
        Err(LoadError::NotFound)
    }
    fn monotonic_ns(&mut self) -> u64 {
        self.now_ns
    }
    fn time_ns(&mut self) -> u64 {
        self.now_ns
    }
    fn sleep_ns(&mut self, ns: u64) {
        self.now_ns = self.now_ns.saturating_add(ns);
    }
    fn process_time_ns(&mut self) -> u64 {
        self.now_ns
    }
    fn is_virtual(&self) -> bool {
        true
    }
    fn seed(&mut self) -> Option<u64> {
        Some(0)
    }
}
