//! `lockstep-conform LIB`: runs CPython's test methods, each in a fresh VM. Takes the folder of an
//! installed CPython's library, and requests on stdin, one JSON object a line:
//! `{"module": "test.test_grammar"}` asks which methods there are, a `"method"` beside it has that
//! one run. Gives one JSON object a line for each. It judges nothing: what a method came to is
//! said by the driver that it runs, `standins/_conform.async`.

#![forbid(unsafe_code)]

mod execution;
mod guard;
mod host;

use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use lockstep_runtime::{PyResult, Raised, Value, Vm};
use nix::sys::resource::{Resource, setrlimit};
use serde_json::{Value as Json, json};

use host::{CodeCache, ConformHost, Output};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As the `lockstep` binary has it.
const STACK_BYTES: usize = 256 << 20;

/// What one method's VM may hold: it gets MemoryError before the worker dies.
const HEAP_BYTES_MAX: usize = 1 << 30;
/// A test that wants more than this has gone wrong; the machine is to survive it.
const ADDRESS_SPACE_BYTES_MAX: u64 = 6 << 30;

/// What the driver's line begins with, among all that a test prints.
const MARK: &str = "\u{1}conform ";

fn main() {
    // Without the limit a runaway test is worse, but nothing else changes.
    let _ = setrlimit(
        Resource::RLIMIT_AS,
        ADDRESS_SPACE_BYTES_MAX,
        ADDRESS_SPACE_BYTES_MAX,
    );
    let Some(lib) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: lockstep-conform LIB");
        std::process::exit(2);
    };
    // What a panic says is part of the answer.
    std::panic::set_hook(Box::new(|_| {}));
    let worker = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || serve(&lib));
    let served = worker.map(std::thread::JoinHandle::join);
    if !matches!(served, Ok(Ok(()))) {
        std::process::exit(1);
    }
}

fn serve(lib: &Path) {
    let cache = CodeCache::default();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let answer = match serde_json::from_str::<Json>(&line) {
            Ok(request) => catch_unwind(AssertUnwindSafe(|| answer(lib, &cache, &request)))
                .unwrap_or_else(|panic| internal_error(&*panic)),
            Err(error) => failed(&format!("bad request: {error}"), ""),
        };
        let mut stdout = std::io::stdout().lock();
        if writeln!(stdout, "{answer}")
            .and_then(|()| stdout.flush())
            .is_err()
        {
            return;
        }
    }
}

fn failed(reason: &str, text: &str) -> Json {
    json!({ "outcome": "failed", "reason": reason, "text": text })
}

fn internal_error(panic: &(dyn std::any::Any + Send)) -> Json {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    failed(&format!("internal error: {text}"), "")
}

fn answer(lib: &Path, cache: &CodeCache, request: &Json) -> Json {
    let output = Output::default();
    let host = ConformHost::new(lib, cache.clone(), output.clone());
    let mut vm = lockstep_stdlib::new_vm(Box::new(host));
    vm.memory_max = HEAP_BYTES_MAX;
    execution::install(&mut vm);
    let file = lib.join("test/regrtest.py").into_os_string();
    lockstep_stdlib::sys::set_command_line(&mut vm, &[file], Path::new(""));
    let result = drive(&mut vm, request);
    let mut text = output.take();
    if let Some(at) = text.rfind(MARK) {
        let line = text.split_off(at);
        let line = line[MARK.len()..].lines().next().unwrap_or_default();
        if let Ok(Json::Object(mut found)) = serde_json::from_str(line) {
            found.insert("printed".to_owned(), Json::String(text));
            return Json::Object(found);
        }
    }
    match result {
        Ok(_) => failed("the test has ended the run", &text),
        Err(Raised(exception)) => {
            let report = vm.format_exception(exception);
            let last = report.lines().last().unwrap_or_default();
            failed(last, &report)
        }
    }
}

/// Has the driver do what is asked.
fn drive(vm: &mut Vm, request: &Json) -> PyResult {
    let main = vm.new_module("__main__");
    let key = vm.heap.intern("__main__");
    vm.heap.ns_set(vm.modules, key, main);
    let driver = vm.import_module("_conform")?;
    vm.root(driver);
    let mut args: Vec<Value> = Vec::new();
    for key in ["module", "method"] {
        let arg = match request[key].as_str() {
            Some(text) => vm.heap.str(text),
            None => Value::NONE,
        };
        vm.root(arg);
        args.push(arg);
    }
    vm.call_method(driver, "answer", &args)
}
