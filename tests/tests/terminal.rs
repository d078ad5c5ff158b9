//! The REPL at a terminal: prompt, line editing, Ctrl-C, and tasks that go on meanwhile.

#![cfg(unix)]

use lockstep_tests::launch;
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read, Write};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take to show on the screen.
const LIMIT: Duration = Duration::from_secs(20);

const PROMPTS: [&str; 2] = [">>> ", "... "];

struct Session {
    child: Child,
    keyboard: File,
    screen: Receiver<String>,
    /// What has shown since the last `expect`.
    shown: String,
    /// The prompt stands there and nothing was typed at it: what is typed
    /// before it does, a line editor may lose.
    at_prompt: bool,
}

impl Session {
    fn start() -> Session {
        let size = Winsize {
            ws_row: 50,
            ws_col: 200,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let terminal = openpty(&size, None).expect("the system has terminals");
        let end = || {
            terminal
                .slave
                .try_clone()
                .expect("a descriptor can be copied")
        };
        let child = launch::command()
            .env("TERM", "xterm")
            .env("HOME", launch::scratch())
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("the binary can be started");
        drop(terminal.slave);
        let keyboard = File::from(terminal.master);
        let mut reader = keyboard.try_clone().expect("a descriptor can be copied");
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Reading fails once the other end is closed.
            while let Ok(n_read @ 1..) = reader.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..n_read]).into_owned();
                if sender.send(text).is_err() {
                    break;
                }
            }
        });
        let mut session = Session {
            child,
            keyboard,
            screen,
            shown: String::new(),
            at_prompt: false,
        };
        session.expect(">>> ");
        session
    }

    /// Presses keys once a prompt waits for them, and forgets what has shown before.
    #[track_caller]
    fn press(&mut self, keys: &str) {
        if !self.at_prompt {
            self.expect_where("a prompt", |plain| {
                PROMPTS
                    .iter()
                    .any(|prompt| plain.ends_with(prompt))
                    .then_some(plain.len())
            });
        }
        self.at_prompt = false;
        self.shown.clear();
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("the REPL is there");
    }

    /// Types a line.
    #[track_caller]
    fn line(&mut self, text: &str) {
        self.press(&format!("{text}\r"));
    }

    /// Waits until a text shows after what was expected before.
    #[track_caller]
    fn expect(&mut self, text: &str) {
        if PROMPTS.contains(&text) {
            // A line that is being typed is drawn behind its prompt again and again.
            self.expect_where(text, |plain| plain.ends_with(text).then_some(plain.len()));
            self.at_prompt = true;
        } else {
            self.expect_where(text, |plain| plain.find(text).map(|at| at + text.len()));
        }
    }

    /// Waits until `end_of` finds what is meant in what has shown; forgets all
    /// up to its end.
    #[track_caller]
    fn expect_where(&mut self, text: &str, end_of: impl Fn(&str) -> Option<usize>) {
        let start = Instant::now();
        loop {
            let plain = without_escapes(&self.shown);
            if let Some(end) = end_of(&plain) {
                self.shown = plain[end..].to_owned();
                return;
            }
            let left = LIMIT.checked_sub(start.elapsed());
            match left.map(|left| self.screen.recv_timeout(left)) {
                Some(Ok(piece)) => self.shown.push_str(&piece),
                _ => panic!("{text:?} doesn't show, but:\n{plain}"),
            }
        }
    }

    fn interrupt(&self) {
        let pid = i32::try_from(self.child.id()).expect("a process id is an i32");
        kill(Pid::from_raw(pid), Signal::SIGINT).expect("it runs");
    }

    #[track_caller]
    fn ends_with(&mut self, exit: i32) {
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            if let Some(status) = self.child.try_wait().expect("it is a child") {
                assert_eq!(status.code(), Some(exit));
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the session doesn't end");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It has already ended where a test passed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a terminal would show of colours and cursor movements: nothing.
fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\x1b' => {
                if chars.next() == Some('[') {
                    chars.by_ref().find(|char| ('@'..='~').contains(char));
                }
            }
            '\r' => {}
            char => plain.push(char),
        }
    }
    plain
}

#[test]
fn values_and_several_lines() {
    let mut repl = Session::start();
    repl.line("20 + 22");
    repl.expect("\n42\n");
    repl.line("def double(n):");
    repl.expect("... ");
    repl.line("    return n * 2");
    repl.expect("... ");
    repl.line("");
    repl.expect(">>> ");
    repl.line("double(21)");
    repl.expect("\n42\n");
    repl.line("_ + 1");
    repl.expect("\n43\n");
    repl.press("\x04");
    repl.ends_with(0);
}

#[test]
fn errors_do_not_end_the_session() {
    let mut repl = Session::start();
    repl.line("1 / 0");
    repl.expect("ZeroDivisionError: division by zero");
    repl.line("x = = 1");
    repl.expect(">>> ");
    repl.line("import asyncio");
    repl.expect(">>> ");
    repl.line("await asyncio.Event().wait()");
    repl.expect("DeadlockError");
    repl.line("20 + 22");
    repl.expect("\n42\n");
    repl.line("raise SystemExit(3)");
    repl.ends_with(3);
}

#[test]
fn interrupts_end_the_evaluation_and_never_the_session() {
    let mut repl = Session::start();
    repl.line("while True: pass");
    repl.expect("... ");
    repl.line("");
    std::thread::sleep(Duration::from_millis(200));
    repl.interrupt();
    repl.expect("KeyboardInterrupt");
    repl.expect(">>> ");
    repl.line("import asyncio");
    repl.expect(">>> ");
    repl.line("await asyncio.sleep(1000)");
    std::thread::sleep(Duration::from_millis(200));
    repl.interrupt();
    repl.expect("KeyboardInterrupt");
    repl.expect(">>> ");
    // At the prompt the terminal is raw, and Ctrl-C is a key.
    repl.press("half a line\x03");
    repl.expect(">>> ");
    repl.line("20 + 22");
    repl.expect("\n42\n");
    repl.line("exit()");
    repl.ends_with(0);
}

#[test]
fn tasks_go_on_while_the_prompt_waits() {
    let mut repl = Session::start();
    for line in [
        "import asyncio",
        "async def tick():",
        "    await asyncio.sleep(0.2)",
    ] {
        repl.line(line);
    }
    repl.line("    print('ti' + 'ck')");
    repl.line("");
    repl.expect(">>> ");
    repl.line("task = asyncio.create_task(tick())");
    repl.expect(">>> ");
    repl.expect("tick\n");
    repl.line("task.done()");
    repl.expect("\nTrue\n");
    repl.press("\x04");
    repl.ends_with(0);
}
