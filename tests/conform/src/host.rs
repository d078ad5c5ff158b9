//! The world of a test: a virtual clock, no input, what is printed collected, and modules from
//! three places: the stand-ins of this folder, the tests of an installed CPython (`.py`, read
//! where they are), and for what Lockstep's library lacks a module whose use is refused.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use lockstep_lang::bytecode::Code;
use lockstep_lang::compile::{CompileOptions, compile_module};
use lockstep_lang::diagnostic::{Diagnostic, ErrorClass};
use lockstep_lang::parser;
use lockstep_lang::source::Source;
use lockstep_runtime::host::{FoundModule, Host, LoadError};

use crate::guard::guard;

/// Where the virtual clock starts: seconds since 1970.
const VIRTUAL_EPOCH_NS: u64 = 1_000_000_000 * 1_000_000_000;

/// What is kept of what a test prints.
const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// The body of a module that Lockstep's library lacks.
const ABSENT: &str = "import _absent\n__getattr__ = _absent.module(__name__)\n";

/// Compiled files, shared by the VMs of a process.
pub type CodeCache = Rc<RefCell<HashMap<PathBuf, Arc<Code>>>>;

/// What a test has printed.
#[derive(Clone, Default)]
pub struct Output(Rc<RefCell<Vec<u8>>>);

impl Output {
    /// The text so far; empties it.
    pub fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.borrow_mut());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.borrow_mut();
        // The driver's line comes last and must be whole: the middle is what goes.
        if kept.len() + bytes.len() > OUTPUT_BYTES_MAX {
            kept.truncate(OUTPUT_BYTES_MAX / 2);
        }
        kept.extend_from_slice(bytes);
    }
}

/// See the module's text.
pub struct ConformHost {
    lib: PathBuf,
    standins: PathBuf,
    cache: CodeCache,
    output: Output,
    virtual_ns: u64,
}

impl ConformHost {
    pub fn new(lib: &Path, cache: CodeCache, output: Output) -> ConformHost {
        ConformHost {
            lib: lib.to_path_buf(),
            standins: Path::new(env!("CARGO_MANIFEST_DIR")).join("standins"),
            cache,
            output,
            virtual_ns: 0,
        }
    }

    /// The folder of a package relative to both roots: its parts of the full name.
    fn find(&self, full_name: &str) -> Option<Found> {
        let relative: PathBuf = full_name.split('.').collect();
        let standin = self.standins.join(&relative);
        let installed = self.lib.join(&relative);
        let init = standin.join("__init__.async");
        if init.is_file() {
            return Some(Found::Package(init, standin));
        }
        let plain = standin.with_extension("async");
        if plain.is_file() {
            return Some(Found::File(plain));
        }
        let init = installed.join("__init__.py");
        let plain = installed.with_extension("py");
        if full_name.starts_with("test.") {
            return if init.is_file() {
                Some(Found::Package(init, installed))
            } else {
                plain.is_file().then_some(Found::File(plain))
            };
        }
        // What begins with an underscore is CPython's own affair; its tests know how to do without,
        // but for some that they import first of all.
        if matches!(
            full_name,
            "_string" | "_testlimitedcapi" | "_testinternalcapi"
        ) {
            return Some(Found::Absent);
        }
        if relative
            .iter()
            .any(|part| part.to_string_lossy().starts_with('_'))
        {
            return None;
        }
        let is_there = init.is_file() || plain.is_file() || self.is_extension(full_name);
        is_there.then_some(Found::Absent)
    }

    /// Whether CPython has this module in C: in a file of its own, or inside the interpreter.
    fn is_extension(&self, name: &str) -> bool {
        const BUILT_IN: [&str; 7] = [
            "errno",
            "faulthandler",
            "gc",
            "itertools",
            "marshal",
            "posix",
            "pwd",
        ];
        let prefix = format!("{name}.cpython-");
        BUILT_IN.contains(&name)
            || std::fs::read_dir(self.lib.join("lib-dynload")).is_ok_and(|mut entries| {
                entries.any(|entry| {
                    entry.is_ok_and(|e| e.file_name().to_string_lossy().starts_with(&prefix))
                })
            })
    }

    fn compile_file(&self, file: &Path) -> Result<Arc<Code>, LoadError> {
        if let Some(code) = self.cache.borrow().get(file) {
            return Ok(code.clone());
        }
        let bytes = std::fs::read(file).map_err(|e| LoadError::Io(e.to_string()))?;
        let name = file.to_string_lossy().into_owned();
        let source = Source::from_bytes(name, &bytes).map_err(LoadError::Syntax)?;
        // The stand-ins are ours, and refuse on purpose.
        let is_test = !file.starts_with(&self.standins);
        let code = compile(source, is_test)?;
        self.cache
            .borrow_mut()
            .insert(file.to_path_buf(), code.clone());
        Ok(code)
    }
}

enum Found {
    File(PathBuf),
    /// Its `__init__` and its folder.
    Package(PathBuf, PathBuf),
    Absent,
}

impl Host for ConformHost {
    fn write_stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.push(bytes);
        Ok(())
    }

    fn flush_stdout(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn write_stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.push(bytes);
        Ok(())
    }

    fn read_line(&mut self) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn load_module(
        &mut self,
        full_name: &str,
        _package_path: Option<&OsStr>,
    ) -> Result<FoundModule, LoadError> {
        let (file, package_dir) = match self.find(full_name) {
            Some(Found::File(file)) => (file, None),
            Some(Found::Package(file, dir)) => (file, Some(dir)),
            Some(Found::Absent) => {
                return Ok(FoundModule {
                    code: compile(Source::new("<absent>", ABSENT), false)?,
                    warnings: Vec::new(),
                    file: OsString::from("<absent>"),
                    package_dir: Some(OsString::from("<absent>")),
                });
            }
            None => return Err(LoadError::NotFound),
        };
        Ok(FoundModule {
            code: self.compile_file(&file)?,
            warnings: Vec::new(),
            file: file.into_os_string(),
            package_dir: package_dir.map(PathBuf::into_os_string),
        })
    }

    fn monotonic_ns(&mut self) -> u64 {
        self.virtual_ns
    }

    fn time_ns(&mut self) -> u64 {
        VIRTUAL_EPOCH_NS + self.virtual_ns
    }

    fn sleep_ns(&mut self, ns: u64) {
        self.virtual_ns = self.virtual_ns.saturating_add(ns);
    }

    fn process_time_ns(&mut self) -> u64 {
        self.virtual_ns
    }

    fn is_virtual(&self) -> bool {
        true
    }

    fn seed(&mut self) -> Option<u64> {
        Some(0)
    }
}

fn compile(source: Source, guarded: bool) -> Result<Arc<Code>, LoadError> {
    let source = Arc::new(source);
    let options = CompileOptions {
        refuse_late: true,
        ..CompileOptions::default()
    };
    let bad = |fault: Diagnostic| LoadError::Syntax(Box::new(((*source).clone(), fault)));
    let mut parsed = parser::parse_module(&source);
    parsed
        .diagnostics
        .retain(|diagnostic| diagnostic.exception != ErrorClass::Unsupported);
    if let Some(first) = parsed.diagnostics.into_iter().next() {
        return Err(bad(first));
    }
    if guarded {
        guard(&mut parsed.module);
    }
    match compile_module(&parsed.module, &source, "<module>", options) {
        Ok(compiled) => Ok(compiled.code),
        Err(faults) => Err(faults.into_iter().next().map_or(LoadError::NotFound, bad)),
    }
}
