//! The timers of a loop: a heap ordered by deadline, and among equal deadlines
//! by the order they were set. It knows nothing of what they do.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::heap::Marker;
use crate::planted::{self, Bug};
use crate::value::Value;

/// A deadline and what becomes ready at it (see `ready::Entry`).
#[derive(Clone, Copy, Debug)]
pub struct Timer {
    /// Seconds on the loop's clock.
    pub when_s: f64,
    sequence: u64,
    pub target: Value,
    pub input: Value,
}

impl Ord for Timer {
    /// The earlier timer is the greater one: `BinaryHeap` gives the greatest first.
    fn cmp(&self, other: &Timer) -> Ordering {
        other
            .when_s
            .total_cmp(&self.when_s)
            .then(other.sequence.cmp(&self.sequence))
    }
}
impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Timer) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Timer {
    fn eq(&self, other: &Timer) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Timer {}

/// See the module's text.
#[derive(Default)]
pub struct Timers {
    heap: BinaryHeap<Timer>,
    next_sequence: u64,
    /// How many timers in the heap are known to be cancelled.
    pub n_cancelled: usize,
}

/// CPython 3.13 base_events.py: below this many timers, cancelled ones stay
/// until their turn comes.
const REBUILD_MIN: usize = 100;

impl Timers {
    pub fn push(&mut self, when_s: f64, target: Value, input: Value) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let sequence = if planted::is(Bug::TimerTies) {
            u64::MAX - sequence
        } else {
            sequence
        };
        // -0.0 and 0.0 are the same deadline.
        self.heap.push(Timer {
            when_s: when_s + 0.0,
            sequence,
            target,
            input,
        });
    }

    /// What becomes ready at the deadlines, in no promised order.
    pub fn targets(&self) -> Vec<Value> {
        self.heap.iter().map(|timer| timer.target).collect()
    }

    /// The earliest timer.
    pub fn first(&self) -> Option<Timer> {
        self.heap.peek().copied()
    }

    pub fn pop(&mut self) -> Option<Timer> {
        self.heap.pop()
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    pub fn clear(&mut self) {
        self.heap.clear();
        self.n_cancelled = 0;
    }

    /// Drops cancelled timers: all of them when they are many, else those at
    /// the head, so that nobody waits for their deadline.
    pub fn drop_cancelled(&mut self, is_cancelled: impl Fn(Timer) -> bool) {
        if self.heap.len() > REBUILD_MIN && self.n_cancelled * 2 > self.heap.len() {
            self.heap.retain(|&timer| !is_cancelled(timer));
            self.n_cancelled = 0;
            return;
        }
        while self.first().is_some_and(&is_cancelled) {
            self.heap.pop();
            self.n_cancelled = self.n_cancelled.saturating_sub(1);
        }
    }

    pub fn trace(&self, marker: &mut Marker) {
        for timer in &self.heap {
            marker.mark(timer.target);
            marker.mark(timer.input);
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.heap.capacity() * size_of::<Timer>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(deadlines: &[f64]) -> Vec<i64> {
        let mut timers = Timers::default();
        for (i, &when) in deadlines.iter().enumerate() {
            timers.push(when, Value::small(i as i64), Value::NONE);
        }
        std::iter::from_fn(|| timers.pop())
            .filter_map(|t| t.target.as_int())
            .collect()
    }

    #[test]
    fn by_deadline_then_by_order_of_setting() {
        assert_eq!(order(&[3.0, 1.0, 2.0]), [1, 2, 0]);
        assert_eq!(order(&[1.0, 1.0, 0.5, 1.0]), [2, 0, 1, 3]);
        assert_eq!(order(&[0.0, -0.0, f64::INFINITY, -1.0]), [3, 0, 1, 2]);
    }

    #[test]
    fn cancelled_ones_leave_the_head_and_in_bulk() {
        let mut timers = Timers::default();
        for n in 0..4 {
            timers.push(n as f64, Value::small(n), Value::NONE);
        }
        let odd_or_zero = |t: Timer| t.target.as_int().is_some_and(|n| n == 0 || n % 2 == 1);
        timers.n_cancelled = 3;
        timers.drop_cancelled(odd_or_zero);
        assert_eq!((timers.len(), timers.n_cancelled), (2, 1));
        for n in 4..200 {
            timers.push(n as f64, Value::small(n), Value::NONE);
        }
        timers.n_cancelled = 150;
        timers.drop_cancelled(odd_or_zero);
        assert_eq!((timers.len(), timers.n_cancelled), (99, 0));
    }
}
