//! Standard input by lines, read on a thread of its own so that Ctrl-C ends the
//! wait. Nothing is read that was not asked for.

use std::io::{self, BufRead};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often the wait looks whether Ctrl-C was pressed.
const POLL: Duration = Duration::from_millis(20);

/// The reading thread.
pub struct Stdin {
    ask: Sender<()>,
    lines: Receiver<io::Result<Vec<u8>>>,
    /// A line was asked for and has not come: the wait for it was interrupted.
    asked: bool,
}

impl Stdin {
    /// Starts the thread.
    pub fn start() -> Stdin {
        let (ask, asked) = channel();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for () in asked {
                let mut line = Vec::new();
                let result = io::stdin().lock().read_until(b'\n', &mut line);
                if sender.send(result.map(|_| line)).is_err() {
                    return;
                }
            }
        });
        Stdin {
            ask,
            lines,
            asked: false,
        }
    }

    /// The next line with its newline; empty at the end.
    ///
    /// # Errors
    /// `Interrupted` once the flag is set, which stays set; those of the file.
    pub fn read_line(&mut self, interrupt: Option<&AtomicBool>) -> io::Result<Vec<u8>> {
        if !self.asked && self.ask.send(()).is_err() {
            return Ok(Vec::new());
        }
        self.asked = true;
        loop {
            match self.lines.recv_timeout(POLL) {
                Ok(line) => {
                    self.asked = false;
                    return line;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
                Err(RecvTimeoutError::Timeout) => {
                    if interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
                        return Err(io::ErrorKind::Interrupted.into());
                    }
                }
            }
        }
    }
}
