//! Runs a child process to its end or to a time limit. Takes a command and its stdin, gives what
//! it printed and its exit status, never leaves a child running.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What is kept of each of stdout and stderr; a runaway program's rest is read and dropped.
const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    /// 128 plus the signal where one ended it; 124 after a timeout, as `timeout(1)` has it.
    pub exit: i32,
    pub timed_out: bool,
}

impl Run {
    /// The last line of stderr that isn't blank, or nothing.
    pub fn last_stderr_line(&self) -> &str {
        last_line(&self.stderr)
    }
}

/// The last line of a text that isn't blank, or nothing.
pub fn last_line(text: &str) -> &str {
    text.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("")
}

/// Runs `command` with `stdin`, and kills it after `limit`.
///
/// # Errors
/// When it can't be started.
pub fn run(command: &mut Command, stdin: &[u8], limit: Duration) -> Result<Run, String> {
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    Ok(finish(child, stdin, limit))
}

/// Waits for a child whose three streams are pipes, as far as they haven't been taken.
pub fn finish(mut child: Child, stdin: &[u8], limit: Duration) -> Run {
    std::thread::scope(|scope| {
        if let Some(mut pipe) = child.stdin.take() {
            // A child may end without reading it all: that is its own affair.
            scope.spawn(move || drop(pipe.write_all(stdin)));
        }
        let stdout = child
            .stdout
            .take()
            .map(|pipe| scope.spawn(|| read_kept(pipe)));
        let stderr = child
            .stderr
            .take()
            .map(|pipe| scope.spawn(|| read_kept(pipe)));
        let status = wait(&mut child, limit);
        let text = |reader: Option<std::thread::ScopedJoinHandle<'_, Vec<u8>>>| {
            let bytes = reader
                .and_then(|thread| thread.join().ok())
                .unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Run {
            stdout: text(stdout),
            stderr: text(stderr),
            exit: status.map_or(124, exit_code),
            timed_out: status.is_none(),
        }
    })
}

fn read_kept(mut pipe: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 64 * 1024];
    while let Ok(n_read @ 1..) = pipe.read(&mut buffer) {
        let n_kept = n_read.min(KEPT_BYTES_MAX.saturating_sub(kept.len()));
        kept.extend_from_slice(&buffer[..n_kept]);
    }
    kept
}

fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if start.elapsed() < limit => std::thread::sleep(pause),
            _ => {
                // The kill fails only where the child has ended by itself in between.
                drop(child.kill());
                drop(child.wait());
                return None;
            }
        }
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return 128 + signal;
        }
    }
    status.code().unwrap_or(-1)
}
