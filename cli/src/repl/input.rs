//! Where a session's lines come from: a line editor at a terminal, else plain
//! standard input; either way on a thread of its own.

use std::io::{BufRead, IsTerminal};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

/// What reading a line gave.
pub enum Line {
    Text(String),
    /// Ctrl-C at the prompt.
    Interrupted,
    /// Ctrl-D, or the end of the input.
    End,
}

/// The reading thread, seen from the session.
pub struct Lines {
    prompts: Sender<String>,
    lines: Receiver<Line>,
    at_terminal: bool,
}

impl Lines {
    /// Starts the thread; it reads a line for each `ask`.
    pub fn start() -> Lines {
        let at_terminal = std::io::stdin().is_terminal();
        let (prompts, asked) = channel::<String>();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut editor = if at_terminal {
                DefaultEditor::new().ok()
            } else {
                None
            };
            let history = history_file();
            if let (Some(editor), Some(file)) = (&mut editor, &history) {
                // The first session has no history yet.
                let _ = editor.load_history(file);
            }
            for prompt in asked {
                let line = match &mut editor {
                    Some(editor) => edit(editor, &prompt),
                    None => plain(),
                };
                if let (Some(editor), Some(file)) = (&mut editor, &history) {
                    // A history that can't be written is not worth a message.
                    let _ = editor.save_history(file);
                }
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Lines {
            prompts,
            lines,
            at_terminal,
        }
    }

    /// Whether somebody types.
    pub fn at_terminal(&self) -> bool {
        self.at_terminal
    }

    /// Lets the thread read one line.
    pub fn ask(&self, prompt: &str) {
        // If the thread is gone, `wait` finds the end of the input.
        let _ = self.prompts.send(prompt.to_string());
    }

    /// The line asked for.
    pub fn wait(&self) -> Line {
        self.lines.recv().unwrap_or(Line::End)
    }

    /// The line asked for if it comes in time.
    pub fn poll(&self, timeout: Duration) -> Option<Line> {
        match self.lines.recv_timeout(timeout) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Line::End),
        }
    }
}

fn edit(editor: &mut DefaultEditor, prompt: &str) -> Line {
    match editor.readline(prompt) {
        Ok(line) => {
            if !line.trim().is_empty() {
                // Only a full disk could refuse it.
                let _ = editor.add_history_entry(&line);
            }
            Line::Text(line)
        }
        Err(ReadlineError::Interrupted) => Line::Interrupted,
        Err(_) => Line::End,
    }
}

fn plain() -> Line {
    let mut bytes = Vec::new();
    match std::io::stdin().lock().read_until(b'\n', &mut bytes) {
        Ok(1..) => {
            let text = String::from_utf8_lossy(&bytes);
            Line::Text(text.trim_end_matches(['\n', '\r']).to_string())
        }
        _ => Line::End,
    }
}

/// `~/.lockstep_history`.
fn history_file() -> Option<std::path::PathBuf> {
    std::env::var_os("HOME").map(|home| std::path::Path::new(&home).join(".lockstep_history"))
}
