//! The kinds of random programs. Takes a seed, gives a whole file; never runs it.

use super::{language, tasks};
use lockstep_runtime::planted::Ground;

/// One kind of program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Tasks that meet at asyncio's primitives.
    Tasks,
    /// Statements and expressions.
    Language,
}

impl Family {
    /// The program of a seed, as a file of its own.
    pub fn program(self, seed: u64) -> String {
        match self {
            Family::Tasks => tasks::program(seed),
            Family::Language => language::program(seed),
        }
    }

    /// What the program of a seed is called: a module's name, so that batches can import it.
    pub fn name(self, seed: u64) -> String {
        match self {
            Family::Tasks => format!("tasks{seed}"),
            Family::Language => format!("language{seed}"),
        }
    }

    /// The module beside it that every program imports: its file and its text.
    pub fn library(self) -> Option<(String, &'static str)> {
        match self {
            Family::Tasks => None,
            Family::Language => Some((
                format!("{}.async", language::LIBRARY_NAME),
                language::LIBRARY,
            )),
        }
    }

    /// The planted bugs that programs of this kind have to find.
    pub fn ground(self) -> Ground {
        match self {
            Family::Tasks => Ground::Tasks,
            Family::Language => Ground::Language,
        }
    }
}
