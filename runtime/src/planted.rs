//! Bugs that are put in on purpose, to see whether the fuzzers find them. They
//! exist only in a build with the feature `planted`, one at a time, chosen by
//! the environment variable `LOCKSTEP_PLANTED`; in any other build `is` is
//! false and what asks for it costs nothing.

/// Which fuzzer has to find a bug.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ground {
    /// Tasks and the loop: `cargo xtask fuzz-async`.
    Tasks,
    /// Statements and expressions: `cargo xtask fuzz-lang`.
    Language,
}

/// Declares the bugs once: the type, and the table that the fuzzers read.
macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident = $name:literal, $ground:ident;)*) => {
        /// One bug.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Bug {
            $($(#[$doc])* $bug,)*
        }

        /// Every bug, its name in the environment and who has to find it.
        pub const BUGS: &[(Bug, &str, Ground)] =
            &[$((Bug::$bug, $name, Ground::$ground),)*];
    };
}

bugs! {
    /// Callbacks of a future become ready in reverse.
    WakeOrder = "wake_order", Tasks;
    /// Waking the first waiter of a primitive stops at one that is done.
    LostWakeup = "lost_wakeup", Tasks;
    /// The end of a sleep takes one iteration more.
    ExtraHop = "extra_hop", Tasks;
    /// A cancel that finds the task between two waits is forgotten.
    SkippedCancel = "skipped_cancel", Tasks;
    /// A future keeps two callbacks at most.
    DroppedCallback = "dropped_callback", Tasks;
    /// Equal deadlines fire in reverse.
    TimerTies = "timer_ties", Tasks;
    /// An iteration also runs what became ready during it.
    RunsWhatCameMeanwhile = "runs_what_came_meanwhile", Tasks;
    /// A future forgets the message it was cancelled with.
    LostMessage = "lost_message", Tasks;
    /// Requests to cancel are not counted.
    UncountedCancel = "uncounted_cancel", Tasks;
    /// Timers fire a tenth of a second early.
    EarlyTimer = "early_timer", Tasks;
    /// Cancelling a task that awaits a task does not reach that one.
    CancelStopsShort = "cancel_stops_short", Tasks;
    /// A result that is there already wins over a later cancel.
    ResultBeatsCancel = "result_beats_cancel", Tasks;
    /// `round(x)` of a tie goes away from zero.
    WrongRounding = "wrong_rounding", Language;
    /// GeneratorExit passes by every `finally`.
    LostFinally = "lost_finally", Language;
    /// A slice with a negative step stops one item early.
    SliceStopsEarly = "slice_stops_early", Language;
    /// `%` of small ints has the sign of the left operand.
    ModuloSign = "modulo_sign", Language;
    /// An attribute's inline cache outlives a change of the class.
    StaleCache = "stale_cache", Language;
    /// The first two captured variables of a function change places.
    SwappedCells = "swapped_cells", Language;
    /// A subclass's reflected operator waits for its turn.
    ReflectedOrder = "reflected_order", Language;
    /// The last keyword-only parameter has no default.
    LostKeywordDefault = "lost_keyword_default", Language;
    /// `next` and `send` forget the value that a generator returns.
    LostReturnValue = "lost_return_value", Language;
    /// An exception has no `__context__`.
    LostContext = "lost_context", Language;
    /// `popitem` takes the first entry.
    PopsFirstItem = "pops_first_item", Language;
}

/// Whether the bug is switched on.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub const fn is(_: Bug) -> bool {
    false
}

/// Whether the bug is switched on.
#[cfg(feature = "planted")]
pub fn is(bug: Bug) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<Bug>> = std::sync::OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let name = std::env::var("LOCKSTEP_PLANTED").ok()?;
        BUGS.iter()
            .find_map(|(bug, known, _)| (*known == name).then_some(*bug))
    });
    *chosen == Some(bug)
}
