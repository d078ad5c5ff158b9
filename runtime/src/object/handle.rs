//! Handles: calls that a loop has been asked to make, soon or at a time.

use crate::heap::{Heap, Kind, Marker, Object};
use crate::value::Value;

/// `asyncio.Handle`, and with a `when` `asyncio.TimerHandle`.
pub struct Handle {
    /// What to call; None once cancelled.
    pub callback: Value,
    /// The one argument, or a tuple of them.
    pub args: Value,
    /// `args` is the argument itself rather than a tuple.
    pub one_arg: bool,
    pub cancelled: bool,
    /// It is in its loop's heap of timers.
    pub scheduled: bool,
    /// The context to call it in: a snapshot or a Context.
    pub context: Value,
    pub event_loop: Value,
    /// The deadline, a number as the script gave it; `Value::EMPTY` when there is none.
    pub when: Value,
}

impl Object for Handle {
    const KIND: Kind = Kind::Handle;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[
            self.callback,
            self.args,
            self.context,
            self.event_loop,
            self.when,
        ]);
    }
}

impl Heap {
    /// The arguments of a handle's call, as a tuple.
    pub fn handle_args(&mut self, handle: Value) -> Value {
        let h = self.cell::<Handle>(handle);
        let args = h.args;
        if h.one_arg { self.tuple(&[args]) } else { args }
    }
}
