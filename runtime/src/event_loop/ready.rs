//! The ready queue: what a loop runs next, first come first served. Making an
//! entry allocates nothing; which entry of a batch runs next is decided in
//! `Ready::pick` alone.

use std::collections::VecDeque;

use crate::heap::Marker;
use crate::value::Value;

/// One thing to run. The kind of its cells tells what:
///
/// ```text
/// target   input       meaning
/// task     None        go on
/// task     exception   go on with that raised
/// task     future      go on, the future it waits for is done
/// future   any value   finish it with that value unless it is done (a sleep's end)
/// native   future      call it with that in a context without variables
/// handle   None        make its call unless it was cancelled
/// ```
///
/// A finished sleep is told from a task by the future's lack of a `task` part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    pub target: Value,
    pub input: Value,
}

/// See the module's text.
#[derive(Default)]
pub struct Ready {
    entries: VecDeque<Entry>,
}

impl Ready {
    #[inline]
    pub fn push(&mut self, target: Value, input: Value) {
        self.entries.push_back(Entry { target, input });
    }

    /// The entry to run next.
    #[inline]
    pub fn pick(&mut self) -> Option<Entry> {
        self.entries.pop_front()
    }

    /// The target of the entry that is likely to run after `n` others.
    #[inline]
    pub fn ahead(&self, n: usize) -> Value {
        self.entries
            .get(n)
            .map_or(Value::NONE, |entry| entry.target)
    }

    /// What is in the queue, in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.entries.iter().copied().collect()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }

    pub fn trace(&self, marker: &mut Marker) {
        for entry in &self.entries {
            marker.mark(entry.target);
            marker.mark(entry.input);
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_come_first_served() {
        let mut ready = Ready::default();
        for n in 0..3 {
            ready.push(Value::small(n), Value::NONE);
        }
        assert_eq!(ready.len(), 3);
        let picked: Vec<_> = std::iter::from_fn(|| ready.pick())
            .map(|e| e.target.as_int())
            .collect();
        assert_eq!(picked, [Some(0), Some(1), Some(2)]);
        assert!(ready.is_empty());
    }
}
