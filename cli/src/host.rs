//! The world that the binary gives to the VM: standard streams, files beside
//! the script, the clock and the dice.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lockstep_lang::compile::{CompileOptions, Compiled, compile_source};
use lockstep_lang::source::Source;
use lockstep_runtime::host::{FoundModule, Host, LoadError};
use lockstep_runtime::text::os_text;

use crate::args::{Clock, WorldArgs};
use crate::stdin::Stdin;

/// Where the virtual clock starts: seconds since 1970.
const VIRTUAL_EPOCH_NS: u64 = 1_000_000_000 * 1_000_000_000;

/// Seed of the virtual world when none is given.
const VIRTUAL_SEED: u64 = 0;

const STDOUT_BUFFER_BYTES: usize = 64 << 10;

/// See the module's text.
pub struct ScriptHost {
    out: Vec<u8>,
    line_buffered: bool,
    /// Where modules are looked for.
    dir: PathBuf,
    clock: Clock,
    seed: Option<u64>,
    started: Instant,
    virtual_ns: u64,
    refuse_late: bool,
    interrupt: Option<Arc<AtomicBool>>,
    pipe_closed: Arc<AtomicBool>,
    /// Started when the script first reads.
    stdin: Option<Stdin>,
}

impl ScriptHost {
    /// A host for the script in `file`, or for a session.
    pub fn new(file: Option<&Path>, world: &WorldArgs, refuse_late: bool) -> ScriptHost {
        let dir = file
            .and_then(Path::parent)
            .map_or_else(PathBuf::new, Path::to_path_buf);
        ScriptHost {
            out: Vec::with_capacity(STDOUT_BUFFER_BYTES),
            line_buffered: io::stdout().is_terminal(),
            dir,
            clock: world.clock,
            seed: world.seed,
            started: Instant::now(),
            virtual_ns: 0,
            refuse_late,
            interrupt: None,
            pipe_closed: Arc::new(AtomicBool::new(false)),
            stdin: None,
        }
    }

    /// Lets sleeps end early when `flag` is set.
    pub fn set_interrupt(&mut self, flag: Arc<AtomicBool>) {
        self.interrupt = Some(flag);
    }

    /// Set once writing to standard output has failed for want of a reader.
    pub fn pipe_closed(&self) -> Arc<AtomicBool> {
        self.pipe_closed.clone()
    }

    fn write_out(&mut self) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        let result = stdout.write_all(&self.out).and_then(|()| stdout.flush());
        self.out.clear();
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            self.pipe_closed.store(true, Ordering::Relaxed);
        }
        result
    }

    fn interrupted(&self) -> bool {
        self.interrupt
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

impl Host for ScriptHost {
    fn write_stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.extend_from_slice(bytes);
        if self.out.len() >= STDOUT_BUFFER_BYTES || self.line_buffered && bytes.contains(&b'\n') {
            self.write_out()?;
        }
        Ok(())
    }

    fn flush_stdout(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            Ok(())
        } else {
            self.write_out()
        }
    }

    fn write_stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.flush_stdout()?;
        io::stderr().lock().write_all(bytes)
    }

    fn read_line(&mut self) -> io::Result<Vec<u8>> {
        self.flush_stdout()?;
        let stdin = self.stdin.get_or_insert_with(Stdin::start);
        stdin.read_line(self.interrupt.as_deref())
    }

    fn load_module(
        &mut self,
        full_name: &str,
        package_path: Option<&OsStr>,
    ) -> Result<FoundModule, LoadError> {
        let last = full_name.rsplit('.').next().unwrap_or(full_name);
        let dir = package_path.map_or_else(|| self.dir.clone(), PathBuf::from);
        let package_dir = dir.join(last);
        let init = package_dir.join("__init__.async");
        let plain = dir.join(format!("{last}.async"));
        let (file, package_dir) = if init.is_file() {
            (init, Some(package_dir))
        } else if plain.is_file() {
            (plain, None)
        } else if package_dir.is_dir() {
            return Ok(namespace_package(&package_dir));
        } else {
            return Err(LoadError::NotFound);
        };
        let bytes = std::fs::read(&file).map_err(|e| LoadError::Io(e.to_string()))?;
        let name = os_text::shown(file.as_os_str());
        let source = Arc::new(Source::from_bytes(name, &bytes).map_err(LoadError::Syntax)?);
        let options = CompileOptions {
            refuse_late: self.refuse_late,
            ..CompileOptions::default()
        };
        let Compiled { code, warnings } =
            compile_source(source.clone(), options).map_err(|diagnostics| {
                match diagnostics.into_iter().next() {
                    Some(first) => LoadError::Syntax(Box::new(((*source).clone(), first))),
                    None => LoadError::NotFound,
                }
            })?;
        Ok(FoundModule {
            code,
            warnings,
            file: file.into_os_string(),
            package_dir: package_dir.map(PathBuf::into_os_string),
        })
    }

    fn monotonic_ns(&mut self) -> u64 {
        match self.clock {
            Clock::Virtual => self.virtual_ns,
            Clock::Real => self.started.elapsed().as_nanos() as u64,
        }
    }

    fn time_ns(&mut self) -> u64 {
        match self.clock {
            Clock::Virtual => VIRTUAL_EPOCH_NS + self.virtual_ns,
            Clock::Real => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| d.as_nanos() as u64),
        }
    }

    fn sleep_ns(&mut self, ns: u64) {
        if self.clock == Clock::Virtual {
            self.virtual_ns = self.virtual_ns.saturating_add(ns);
            return;
        }
        // A signal ends no sleep of another thread: look up now and then.
        const SLICE: Duration = Duration::from_millis(20);
        let until = Instant::now() + Duration::from_nanos(ns);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.interrupted() {
                return;
            }
            std::thread::sleep(left.min(SLICE));
        }
    }

    fn process_time_ns(&mut self) -> u64 {
        match self.clock {
            Clock::Virtual => self.virtual_ns,
            Clock::Real => {
                process_cpu_ns().unwrap_or_else(|| self.started.elapsed().as_nanos() as u64)
            }
        }
    }

    fn is_virtual(&self) -> bool {
        self.clock == Clock::Virtual
    }

    fn seed(&mut self) -> Option<u64> {
        match (self.seed, self.clock) {
            (Some(seed), _) => Some(seed),
            (None, Clock::Virtual) => Some(VIRTUAL_SEED),
            (None, Clock::Real) => None,
        }
    }
}

/// User and system time of the process.
#[cfg(unix)]
fn process_cpu_ns() -> Option<u64> {
    use nix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).ok()?;
    u64::try_from(Duration::from(time).as_nanos()).ok()
}

#[cfg(not(unix))]
fn process_cpu_ns() -> Option<u64> {
    None
}

/// A folder without `__init__.async` is an empty package.
fn namespace_package(dir: &Path) -> FoundModule {
    let source = Arc::new(Source::new("<namespace>", ""));
    let code = match compile_source(source, CompileOptions::default()) {
        Ok(compiled) => compiled.code,
        Err(_) => unreachable!("an empty source compiles"),
    };
    FoundModule {
        code,
        warnings: Vec::new(),
        file: OsString::new(),
        package_dir: Some(dir.as_os_str().to_owned()),
    }
}
