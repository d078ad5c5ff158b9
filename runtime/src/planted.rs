//! Bugs that are put in on purpose, to see whether the fuzzer finds them. They
//! exist only in a build with the feature `planted`, one at a time, chosen by
//! the environment variable `LOCKSTEP_PLANTED`; in any other build `is` is
//! false and what asks for it costs nothing.

/// One bug; its name in the environment is its snake-case name here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bug {
    /// Callbacks of a future become ready in reverse.
    WakeOrder,
    /// Waking the first waiter of a primitive stops at one that is done.
    LostWakeup,
    /// The end of a sleep takes one iteration more.
    ExtraHop,
    /// A cancel that finds the task between two waits is forgotten.
    SkippedCancel,
    /// A future keeps two callbacks at most.
    DroppedCallback,
    /// Equal deadlines fire in reverse.
    TimerTies,
    /// An iteration also runs what became ready during it.
    RunsWhatCameMeanwhile,
    /// A future forgets the message it was cancelled with.
    LostMessage,
    /// Requests to cancel are not counted.
    UncountedCancel,
    /// Timers fire a tenth of a second early.
    EarlyTimer,
    /// Cancelling a task that awaits a task does not reach that one.
    CancelStopsShort,
    /// A result that is there already wins over a later cancel.
    ResultBeatsCancel,
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
    use Bug::*;
    static CHOSEN: std::sync::OnceLock<Option<Bug>> = std::sync::OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let name = std::env::var("LOCKSTEP_PLANTED").ok()?;
        [
            ("wake_order", WakeOrder),
            ("lost_wakeup", LostWakeup),
            ("extra_hop", ExtraHop),
            ("skipped_cancel", SkippedCancel),
            ("dropped_callback", DroppedCallback),
            ("timer_ties", TimerTies),
            ("runs_what_came_meanwhile", RunsWhatCameMeanwhile),
            ("lost_message", LostMessage),
            ("uncounted_cancel", UncountedCancel),
            ("early_timer", EarlyTimer),
            ("cancel_stops_short", CancelStopsShort),
            ("result_beats_cancel", ResultBeatsCancel),
        ]
        .into_iter()
        .find_map(|(known, bug)| (known == name).then_some(bug))
    });
    *chosen == Some(bug)
}
