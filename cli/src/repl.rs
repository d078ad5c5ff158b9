//! `lockstep repl`: reads, evaluates, prints. Tasks go on while the prompt
//! waits: lines are read on a thread of their own.

mod input;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lockstep_lang::compile::{CompileOptions, Compiled, compile_module};
use lockstep_lang::parser::{Interactive, parse_interactive};
use lockstep_lang::source::Source;
use lockstep_runtime::{B, PyResult, Raised, Value, Vm};

use crate::args::WorldArgs;
use crate::{run, source};
use input::{Line, Lines};

/// Longest that the session sleeps before it looks whether a line was typed.
const POLL: Duration = Duration::from_millis(10);

/// Runs a session; gives its exit status.
pub fn repl(world: &WorldArgs) -> u8 {
    let host = run::session_host(world);
    let pipe_closed = host.pipe_closed();
    let mut vm = run::new_vm(host);
    lockstep_stdlib::sys::set_command_line(&mut vm, &[OsString::new()], Path::new(""));
    let module = run::new_main_module(&mut vm, None);
    let globals = vm.module_dict(module);
    if let Err(raised) = add_exit(&mut vm) {
        return run::report_uncaught(&mut vm, raised, &pipe_closed);
    }
    let mut session = Session {
        vm,
        globals,
        event_loop: Value::NONE,
        n_inputs: 0,
    };
    let lines = Lines::start();
    if lines.at_terminal() {
        println!(
            "Lockstep {} (type exit() or press Ctrl-D to leave; await works at the prompt)",
            env!("CARGO_PKG_VERSION")
        );
    }
    let result = session.run(&lines, &pipe_closed);
    let mut vm = session.vm;
    run::finish(&mut vm, result.map(|()| Value::NONE), &pipe_closed)
}

/// `exit()` and `quit()`, which CPython gives to sessions.
fn add_exit(vm: &mut Vm) -> PyResult<()> {
    let sys = vm.heap.intern("sys");
    let sys = vm.import_name(sys, 0, Value::NONE, true)?;
    let name = vm.heap.intern("exit");
    let exit = vm.get_attr(sys, name)?;
    for name in ["exit", "quit"] {
        let name = vm.heap.intern(name);
        vm.heap.ns_set(vm.builtins, name, exit);
    }
    Ok(())
}

struct Session {
    vm: Vm,
    /// The variables of `__main__`.
    globals: Value,
    /// The loop that tasks run on between inputs; None until one is needed.
    event_loop: Value,
    /// How many inputs were read: their names in tracebacks are numbered.
    n_inputs: usize,
}

impl Session {
    /// # Errors
    /// SystemExit; every other exception is shown and forgotten.
    fn run(&mut self, lines: &Lines, pipe_closed: &std::sync::atomic::AtomicBool) -> PyResult<()> {
        let mut text = String::new();
        loop {
            let prompt = if text.is_empty() { ">>> " } else { "... " };
            let flushed = self.vm.host.flush_stdout();
            self.vm.os_result(flushed)?;
            lines.ask(prompt);
            let line = self.wait_for_line(lines)?;
            match &line {
                Line::Text(line) => {
                    text.push_str(line);
                    text.push('\n');
                }
                Line::Interrupted => {
                    text.clear();
                    self.say("KeyboardInterrupt\n");
                    continue;
                }
                Line::End if text.trim().is_empty() => return Ok(()),
                Line::End => text.push('\n'),
            }
            let at_end = matches!(line, Line::End);
            let Some(compiled) = self.compile(&mut text, at_end) else {
                if at_end {
                    return Ok(());
                }
                continue;
            };
            if let Err(Raised(e)) = self.evaluate(compiled) {
                if self.vm.is_instance_of(e, B::SystemExit) {
                    return Err(Raised(e));
                }
                run::report_uncaught(&mut self.vm, Raised(e), pipe_closed);
            }
        }
    }

    fn say(&mut self, text: &str) {
        // A session whose terminal is gone has nobody to tell.
        let _ = self.vm.host.write_stderr(text.as_bytes());
    }

    /// The next line; runs the loop's tasks meanwhile.
    fn wait_for_line(&mut self, lines: &Lines) -> PyResult<Line> {
        loop {
            if self.event_loop.is_none() {
                return Ok(lines.wait());
            }
            if let Some(line) = lines.poll(Duration::ZERO) {
                return Ok(line);
            }
            let wait = match self.vm.run_due(self.event_loop) {
                Ok(Some(seconds)) => Duration::try_from_secs_f64(seconds.max(0.0))
                    .unwrap_or(POLL)
                    .min(POLL),
                Ok(None) => return Ok(lines.wait()),
                Err(Raised(e)) if self.vm.is_instance_of(e, B::SystemExit) => {
                    return Err(Raised(e));
                }
                Err(Raised(e)) => {
                    let text = self.vm.format_exception(e);
                    self.say(&text);
                    Duration::ZERO
                }
            };
            let flushed = self.vm.host.flush_stdout();
            self.vm.os_result(flushed)?;
            if self.vm.host.is_virtual() {
                self.vm.host.sleep_ns(wait.as_nanos() as u64);
            } else if let Some(line) = lines.poll(wait) {
                return Ok(line);
            }
        }
    }

    /// The code of a complete input, which is taken out of `text`; None when
    /// more lines are needed or it was reported as bad.
    fn compile(&mut self, text: &mut String, at_end: bool) -> Option<Compiled> {
        let source = Arc::new(Source::new(
            format!("<stdin-{}>", self.n_inputs),
            text.as_str(),
        ));
        let parsed = match parse_interactive(&source) {
            Interactive::Incomplete if !at_end => return None,
            Interactive::Incomplete => lockstep_lang::parser::parse_module(&source),
            Interactive::Complete(parsed) => parsed,
        };
        self.n_inputs += 1;
        text.clear();
        if !parsed.diagnostics.is_empty() {
            source::report(&source, &parsed.diagnostics);
            return None;
        }
        let options = CompileOptions {
            top_level_await: true,
            interactive: true,
            ..CompileOptions::default()
        };
        match compile_module(&parsed.module, &source, "<module>", options) {
            Ok(compiled) => Some(compiled),
            Err(diagnostics) => {
                source::report(&source, &diagnostics);
                None
            }
        }
    }

    fn evaluate(&mut self, compiled: Compiled) -> PyResult<()> {
        let Compiled { code, warnings } = compiled;
        self.vm.warn_of_source(&code.source, &warnings)?;
        let awaits = code.flags.coroutine;
        if awaits {
            self.make_loop()?;
        }
        let result = self.vm.run_module_code(code, self.globals);
        if self.event_loop.is_none() {
            self.notice_asyncio()?;
        }
        let result = result?;
        if awaits {
            let event_loop = self.event_loop;
            self.vm
                .call_method(event_loop, "run_until_complete", &[result])?;
        }
        Ok(())
    }

    /// Once asyncio was imported, tasks may be made at the prompt.
    fn notice_asyncio(&mut self) -> PyResult<()> {
        let name = self.vm.heap.intern("asyncio");
        if self.vm.heap.ns_get(self.vm.modules, name).is_some() {
            self.make_loop()
        } else {
            Ok(())
        }
    }

    fn make_loop(&mut self) -> PyResult<()> {
        if !self.event_loop.is_none() {
            return Ok(());
        }
        let name = self.vm.heap.intern("asyncio");
        let asyncio = self.vm.import_name(name, 0, Value::NONE, true)?;
        let event_loop = self.vm.call_method(asyncio, "new_event_loop", &[])?;
        self.vm
            .call_method(asyncio, "set_event_loop", &[event_loop])?;
        self.vm.tasks.prompt_loop = event_loop;
        self.event_loop = event_loop;
        Ok(())
    }
}
