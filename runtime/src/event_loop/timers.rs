//! The timers of a loop, ordered by deadline, and among equal deadlines by the
//! order they were set. It knows nothing of what they do.
//!
//! The earliest are in a binary heap that fits the cache. Those that are later
//! are in parts without an order, which are split when their time comes near: a
//! timer that is set among a million is put at the end of an array, and is moved
//! a few times, by all of them in a row, before it fires
//! (docs/decisions/0009-timers.md).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::heap::Marker;
use crate::planted::{self, Bug};
use crate::value::Value;

/// A deadline and what becomes ready at it (see `ready::Entry`).
#[derive(Clone, Copy, Debug)]
pub struct Timer {
    /// The deadline as an integer, in the same order.
    key: u64,
    sequence: u64,
    pub target: Value,
    pub input: Value,
}

const SIGN: u64 = 1 << 63;

impl Timer {
    fn new(when_s: f64, sequence: u64, target: Value, input: Value) -> Timer {
        // -0.0 and 0.0 are the same deadline.
        let bits = (when_s + 0.0).to_bits();
        Timer {
            key: if bits & SIGN == 0 { bits | SIGN } else { !bits },
            sequence,
            target,
            input,
        }
    }

    /// Seconds on the loop's clock.
    pub fn when_s(&self) -> f64 {
        f64::from_bits(if self.key & SIGN == 0 {
            !self.key
        } else {
            self.key & !SIGN
        })
    }

    /// What timers are ordered by.
    #[inline(always)]
    fn place(&self) -> u128 {
        u128::from(self.key) << 64 | u128::from(self.sequence)
    }

    #[inline(always)]
    fn is_before(&self, other: &Timer) -> bool {
        self.place() < other.place()
    }
}

impl Ord for Timer {
    /// The earlier timer is the greater one: `BinaryHeap` gives the greatest first.
    #[inline(always)]
    fn cmp(&self, other: &Timer) -> Ordering {
        other.place().cmp(&self.place())
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
    /// The earliest ones: not empty where there are any.
    near: BinaryHeap<Timer>,
    /// All others, the earliest part last.
    later: Vec<Part>,
    len: usize,
    next_sequence: u64,
    /// How many of all timers are known to be cancelled.
    pub n_cancelled: usize,
}

/// Timers in no order: none is before `from`, and each is before those of the part ahead of this
/// one in `Timers::later`.
struct Part {
    from: Timer,
    timers: Vec<Timer>,
}

/// CPython 3.13 base_events.py: below this many timers, cancelled ones stay
/// until their turn comes.
const REBUILD_MIN: usize = 100;

/// The most that `near` holds: 32 KiB, which stay in the first cache.
const NEAR_MAX: usize = 1024;

/// Into how many parts one that is too large for `near` is split at a time.
const N_PARTS: usize = 16;

impl Timers {
    pub fn push(&mut self, when_s: f64, target: Value, input: Value) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.len += 1;
        let sequence = if planted::is(Bug::TimerTies) {
            u64::MAX - sequence
        } else {
            sequence
        };
        let timer = Timer::new(when_s, sequence, target, input);
        match self.later.last() {
            Some(part) if !timer.is_before(&part.from) => {
                let i = self.later.partition_point(|p| timer.is_before(&p.from));
                self.later[i].timers.push(timer);
            }
            _ => {
                self.near.push(timer);
                if self.near.len() > NEAR_MAX {
                    self.put_off_half();
                }
            }
        }
    }

    /// Moves the later half of `near` out of it.
    #[cold]
    fn put_off_half(&mut self) {
        let mut timers = std::mem::take(&mut self.near).into_vec();
        let half = timers.len() / 2;
        // The greater a timer, the earlier it is.
        timers.select_nth_unstable_by(half, |a, b| b.cmp(a));
        let later = timers.split_off(half);
        let from = later[0];
        self.later.push(Part {
            from,
            timers: later,
        });
        self.near = BinaryHeap::from(timers);
    }

    /// Fills an empty `near` with the earliest of the others.
    #[cold]
    fn bring_near(&mut self) {
        while self.near.is_empty()
            && let Some(part) = self.later.pop()
        {
            if part.timers.len() <= NEAR_MAX {
                self.near = BinaryHeap::from(part.timers);
            } else {
                self.split(part);
            }
        }
    }

    /// Splits the earliest part, which has too many, at the borders that a sample of it suggests.
    fn split(&mut self, part: Part) {
        let step = part.timers.len() / (N_PARTS * 4);
        let mut sample: Vec<Timer> = part.timers.iter().step_by(step).copied().collect();
        sample.sort_unstable();
        let borders = sample.chunks_exact(sample.len() / N_PARTS).map(|c| c[0]);
        let n_before = self.later.len();
        let room = part.timers.len() / N_PARTS;
        // A sample is sorted from its latest timer to its earliest, as the parts are.
        for from in borders.take(N_PARTS - 1).chain([part.from]) {
            let timers = Vec::with_capacity(room);
            self.later.push(Part { from, timers });
        }
        let parts = &mut self.later[n_before..];
        // None is before the border of the last part.
        let mut borders = [0; N_PARTS - 1];
        for (border, part) in borders.iter_mut().zip(&*parts) {
            *border = part.from.place();
        }
        for timer in part.timers {
            parts[n_above(&borders, timer.place())].timers.push(timer);
        }
        self.later.retain(|part| !part.timers.is_empty());
    }

    /// What becomes ready at the deadlines, in no promised order.
    pub fn targets(&self) -> Vec<Value> {
        self.iter().map(|timer| timer.target).collect()
    }

    fn iter(&self) -> impl Iterator<Item = &Timer> {
        let later = self.later.iter().flat_map(|part| &part.timers);
        self.near.iter().chain(later)
    }

    /// The earliest timer.
    pub fn first(&self) -> Option<Timer> {
        self.near.peek().copied()
    }

    pub fn pop(&mut self) -> Option<Timer> {
        let first = self.near.pop()?;
        self.len -= 1;
        if self.near.is_empty() {
            self.bring_near();
        }
        Some(first)
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn clear(&mut self) {
        self.near.clear();
        self.later.clear();
        (self.len, self.n_cancelled) = (0, 0);
    }

    /// Drops cancelled timers: all of them when they are many, else those at
    /// the head, so that nobody waits for their deadline.
    pub fn drop_cancelled(&mut self, is_cancelled: impl Fn(Timer) -> bool) {
        if self.len > REBUILD_MIN && self.n_cancelled * 2 > self.len {
            self.near.retain(|&timer| !is_cancelled(timer));
            for part in &mut self.later {
                part.timers.retain(|&timer| !is_cancelled(timer));
            }
            self.later.retain(|part| !part.timers.is_empty());
            let later: usize = self.later.iter().map(|part| part.timers.len()).sum();
            (self.len, self.n_cancelled) = (self.near.len() + later, 0);
            self.bring_near();
            return;
        }
        while self.first().is_some_and(&is_cancelled) {
            self.pop();
            self.n_cancelled = self.n_cancelled.saturating_sub(1);
        }
    }

    pub fn trace(&self, marker: &mut Marker) {
        for timer in self.iter() {
            marker.mark(timer.target);
            marker.mark(timer.input);
        }
    }

    pub fn heap_bytes(&self) -> usize {
        let later = self.later.iter().map(|part| part.timers.capacity());
        (self.near.capacity() + later.sum::<usize>()) * size_of::<Timer>()
    }
}

/// How many of `borders`, which descend, are above a place: a binary search without jumps, for
/// which way each step goes can't be foreseen.
#[inline(always)]
fn n_above(borders: &[u128; N_PARTS - 1], place: u128) -> usize {
    let mut n = 0;
    let mut step = N_PARTS / 2;
    while step > 0 {
        n += step * usize::from(place < borders[n + step - 1]);
        step /= 2;
    }
    n
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

    /// What `Timers` must do, done simply.
    #[derive(Default)]
    struct Model(Vec<(f64, i64)>);

    impl Model {
        fn pop(&mut self) -> Option<i64> {
            let when = self
                .0
                .iter()
                .map(|&(when, _)| when)
                .min_by(f64::total_cmp)?;
            let at = self.0.iter().position(|&(w, _)| w == when)?;
            Some(self.0.remove(at).1)
        }
    }

    #[test]
    fn any_sequence_of_setting_firing_and_cancelling_keeps_the_order() {
        // Deadlines: any; few different ones; later and later; earlier and earlier.
        let shapes: [fn(u64, i64) -> f64; 4] = [
            |random, _| (random % 100_000) as f64,
            |random, _| (random % 3) as f64,
            |random, i| i as f64 + (random % 7) as f64,
            |_, i| -i as f64,
        ];
        let mut random = 88_172_645_463_325_252_u64;
        for deadline in shapes {
            let (mut timers, mut model) = (Timers::default(), Model::default());
            let n = if cfg!(miri) { 3_000 } else { 12_000 };
            for i in 0..n {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                // It grows to thousands, then shrinks to none.
                let grows = if i < n / 2 { 80 } else { 20 };
                if random % 100 < grows {
                    let when = deadline(random >> 8, i);
                    timers.push(when, Value::small(i), Value::NONE);
                    model.0.push((when, i));
                } else {
                    assert_eq!(timers.pop().and_then(|t| t.target.as_int()), model.pop());
                }
                assert_eq!(timers.len(), model.0.len());
                assert_eq!(timers.is_empty(), model.0.is_empty());
                if i == n / 2 {
                    let is_third = |n: i64| n % 3 == 0;
                    model.0.retain(|&(_, n)| !is_third(n));
                    timers.n_cancelled = timers.len();
                    timers.drop_cancelled(|t| t.target.as_int().is_some_and(is_third));
                }
            }
        }
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
