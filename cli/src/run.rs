//! `lockstep run`: a script, from its file to its exit status.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockstep_lang::compile::{CompileOptions, Compiled};
use lockstep_runtime::heap::Stress;
use lockstep_runtime::object::exception::Exception;
use lockstep_runtime::text::os_text;
use lockstep_runtime::text::pystr::PyStr;
use lockstep_runtime::{B, N, PyResult, Raised, Value, Vm};

use crate::args::{RunArgs, WorldArgs};
use crate::host::ScriptHost;
use crate::source;

/// Exit status after Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// Runs a script; gives its exit status.
pub fn run(args: &RunArgs) -> u8 {
    let options = CompileOptions {
        top_level_await: true,
        refuse_late: args.refuse_late,
        ..CompileOptions::default()
    };
    let compiled = match source::read(&args.file).and_then(|s| source::compile(&s, options)) {
        Ok(compiled) => compiled,
        Err(status) => return status,
    };
    let file = (args.file != "-").then(|| Path::new(&args.file));
    let host = ScriptHost::new(file, &args.world, args.refuse_late);
    let pipe_closed = host.pipe_closed();
    let mut vm = new_vm(host);
    let argv: Vec<OsString> = std::iter::once(&args.file)
        .chain(&args.args)
        .cloned()
        .collect();
    let dir = file.and_then(Path::parent).unwrap_or(Path::new(""));
    lockstep_stdlib::sys::set_command_line(&mut vm, &argv, dir);
    let result = run_main(&mut vm, compiled, &args.file);
    vm.heap.leave_memory();
    finish(&mut vm, result, &pipe_closed)
}

/// What `LOCKSTEP_GC_STRESS` asks for: `N` or `steps:N`, N ticks.
fn stress(wanted: &str) -> Stress {
    let (make, ticks): (fn(i32) -> Stress, _) = match wanted.strip_prefix("steps:") {
        Some(ticks) => (Stress::Steps, ticks),
        None => (Stress::Whole, wanted),
    };
    make(ticks.parse().unwrap_or(1).max(1))
}

/// A VM with the standard library that answers Ctrl-C.
pub fn new_vm(mut host: ScriptHost) -> Vm {
    let flag = Arc::new(AtomicBool::new(false));
    host.set_interrupt(flag.clone());
    let mut vm = lockstep_stdlib::new_vm(Box::new(host));
    vm.interrupt = flag.clone();
    #[cfg(target_os = "linux")]
    {
        vm.memory_max = crate::memory::cap();
    }
    if let Some(wanted) = std::env::var_os("LOCKSTEP_GC_STRESS") {
        vm.heap.set_stress(stress(&wanted.to_string_lossy()));
    }
    // Without the handler Ctrl-C ends the process, which is no worse than that.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, flag);
    vm
}

fn run_main(vm: &mut Vm, compiled: Compiled, file: &OsStr) -> PyResult {
    let Compiled { code, warnings } = compiled;
    let awaits = code.flags.coroutine;
    vm.warn_of_source(&code.source, &warnings)?;
    let module = new_main_module(vm, Some(file));
    let globals = vm.module_dict(module);
    let result = vm.run_module_code(code, globals)?;
    if awaits {
        run_coroutine(vm, result)
    } else {
        Ok(result)
    }
}

/// Top-level await makes the script's body the main task.
fn run_coroutine(vm: &mut Vm, coroutine: Value) -> PyResult {
    vm.root(coroutine);
    let name = vm.heap.intern("asyncio");
    let asyncio = vm.import_name(name, 0, Value::NONE, true)?;
    vm.call_method(asyncio, "run", &[coroutine])
}

/// The module `__main__`, entered in `sys.modules`.
pub fn new_main_module(vm: &mut Vm, file: Option<&OsStr>) -> Value {
    let module = vm.new_module("__main__");
    let name = vm.n(N::main);
    vm.heap.ns_set(vm.modules, name, module);
    let globals = vm.module_dict(module);
    let builtins = vm.heap.intern("builtins");
    if let Ok(builtins) = vm.import_name(builtins, 0, Value::NONE, true) {
        let key = vm.n(N::builtins);
        vm.heap.ns_set(globals, key, builtins);
    }
    if let Some(file) = file {
        let file = vm.heap.str(match file.to_str() {
            Some("-") => PyStr::from("<stdin>"),
            _ => os_text::from_os(file),
        });
        let key = vm.n(N::file);
        vm.heap.ns_set(globals, key, file);
    }
    module
}

/// Reports how a script ended, flushes, gives the exit status.
pub fn finish(vm: &mut Vm, result: PyResult, pipe_closed: &AtomicBool) -> u8 {
    #[cfg(feature = "counts")]
    write_counts(vm);
    let mut status = match result {
        Ok(_) => 0,
        Err(raised) => report_uncaught(vm, raised, pipe_closed),
    };
    run_at_exit(vm);
    vm.finalize_what_is_left();
    if let Err(error) = vm.host.flush_stdout()
        && status == 0
    {
        status = 1;
        if !pipe_closed.load(Ordering::Relaxed) {
            eprintln!("lockstep: can't write standard output: {}", os_text(&error));
        }
    }
    status
}

/// Calls what the script registered with `atexit`, if it did.
fn run_at_exit(vm: &mut Vm) {
    let name = vm.heap.intern("atexit");
    if let Some(module) = vm.heap.ns_get(vm.modules, name)
        && let Err(raised) = vm.call_method(module, "_run_exitfuncs", &[])
    {
        let text = vm.format_exception(raised.0);
        // There is nowhere left to say that stderr can't be written.
        let _ = vm.host.write_stderr(text.as_bytes());
    }
}

/// Writes what the VM counted into the file that `LOCKSTEP_COUNTS` names.
#[cfg(feature = "counts")]
fn write_counts(vm: &Vm) {
    let counts = vm.heap.counts;
    if let Some(path) = std::env::var_os("LOCKSTEP_COUNTS") {
        let text = format!(
            "{} {} {}\n",
            counts.opcodes, counts.allocations, counts.allocated_bytes
        );
        if let Err(error) = std::fs::write(path, text) {
            eprintln!("lockstep: can't write the counts: {error}");
        }
    }
}

fn os_text(error: &std::io::Error) -> String {
    error.to_string()
}

/// Prints the traceback of an uncaught exception, unless it asks for exit.
pub fn report_uncaught(vm: &mut Vm, Raised(exception): Raised, pipe_closed: &AtomicBool) -> u8 {
    if vm.is_instance_of(exception, B::SystemExit) {
        return exit_status(vm, exception);
    }
    if pipe_closed.load(Ordering::Relaxed) && vm.is_instance_of(exception, B::BrokenPipeError) {
        return 1;
    }
    if let Some(status) = call_excepthook(vm, exception) {
        return status;
    }
    if vm.is_instance_of(exception, B::KeyboardInterrupt) {
        INTERRUPTED
    } else {
        1
    }
}

/// Has `sys.excepthook` report an exception; gives the status if the hook itself asks for exit.
fn call_excepthook(vm: &mut Vm, exception: Value) -> Option<u8> {
    let show = |vm: &mut Vm, before: &str, exception: Value| {
        let text = format!("{before}{}", vm.format_exception(exception));
        // There is nowhere left to say that stderr can't be written.
        let _ = vm.host.write_stderr(text.as_bytes());
    };
    let [sys, name, original] = ["sys", "excepthook", "__excepthook__"].map(|n| vm.heap.intern(n));
    let Some(sys) = vm.heap.ns_get(vm.modules, sys) else {
        show(vm, "", exception);
        return None;
    };
    let hook = match (vm.get_attr_opt(sys, name), vm.get_attr_opt(sys, original)) {
        (Ok(Some(hook)), Ok(Some(original))) if hook == original => {
            show(vm, "", exception);
            return None;
        }
        (Ok(Some(hook)), _) => hook,
        _ => {
            show(vm, "sys.excepthook is missing\n", exception);
            return None;
        }
    };
    let class = vm.heap.class_of(exception);
    let traceback = vm.heap.intern("__traceback__");
    let called = vm.holding(&[exception, hook], |vm| {
        let traceback = vm.get_attr(exception, traceback)?;
        vm.call(hook, &[class, exception, traceback])
    });
    let Err(Raised(of_hook)) = called else {
        return None;
    };
    if vm.is_instance_of(of_hook, B::SystemExit) {
        return Some(exit_status(vm, of_hook));
    }
    vm.holding(&[exception, of_hook], |vm| {
        show(vm, "Error in sys.excepthook:\n", of_hook);
        show(vm, "\nOriginal exception was:\n", exception);
    });
    None
}

/// What `sys.exit(code)` means: None is 0, an int itself, anything else is
/// printed and is 1.
fn exit_status(vm: &mut Vm, exception: Value) -> u8 {
    let code = match vm.heap.get::<Exception>(exception) {
        Some(e) => e.fields[0].given().unwrap_or(Value::NONE),
        None => Value::NONE,
    };
    if code.is_none() {
        return 0;
    }
    if vm.heap.is_int(code) {
        return vm.heap.as_i64(code).map_or(255, |n| n as u8);
    }
    let text = match vm.str(code) {
        Ok(text) => vm.heap.text(text).to_escaped(),
        Err(_) => String::new(),
    };
    let _ = vm.host.write_stderr(format!("{text}\n").as_bytes());
    1
}

/// The world of a session: as of a script's.
pub fn session_host(world: &WorldArgs) -> ScriptHost {
    ScriptHost::new(None, world, false)
}
