//! Marking what is reachable, in one go or in steps between which the script goes on. It is
//! iterative: depth of data never becomes depth of the Rust stack.
//!
//! While marking goes on, a cell of the new colour has been looked at. Whoever writes to one
//! (`get_mut` and its like, the barrier) has it noted; new cells don't have the colour. When
//! nothing is left to look at, the roots and what was noted are looked at once more: if that comes
//! to its end within its step, all that can be reached has the colour. What a script took out of
//! the heap meanwhile stands in a root, or was written to a cell that is noted.
//!
//! A noted cell keeps the colour. Without it each of a million waiters that knows its event would
//! have the event looked at again, and all the waiters that it knows.

use std::ptr;

use super::access::prefetch;
use super::{FLAG_ATTRS, FLAG_CHECKED, FLAG_COLOR, FLAG_NOTED, Header, Heap, Kind, kind, page};
use crate::value::Value;

/// Collects what is reachable: hand every root, and every value an object holds, to `mark`.
#[derive(Default)]
pub struct Marker {
    /// Reached, and perhaps marked already.
    pending: Vec<*mut Header>,
    /// Marked, but what they hold only up to a place.
    partly: Vec<(*mut Header, usize)>,
    /// Marked, and written to since (`FLAG_NOTED`).
    noted: Vec<*mut Header>,
    /// What was noted, to be looked at again.
    again: Vec<*mut Header>,
    /// Whether the last step has looked at everything: the next one tries to come to the end.
    pub(super) tries_next: bool,
    /// How often it was tried to come to the end in one step.
    n_tries: u32,
    /// Bytes of what was marked, and of what hangs on it.
    bytes: usize,
    /// The colour of what is marked.
    color: u8,
}

/// How many values of a container are looked at before the step may end.
pub const PART: usize = 4096;

/// How often a collection tries to come to its end in one step.
const TRIES_MAX: u32 = 3;

/// How many cells are fetched into the cache ahead of the one that is looked at.
const AHEAD: usize = 8;

impl Marker {
    /// Marks a value, and later what it holds.
    #[inline(always)]
    pub fn mark(&mut self, v: Value) {
        if v.is_ptr() {
            self.pending.push(v.header_ptr());
        }
    }

    /// Marks each value.
    pub fn mark_all(&mut self, values: &[Value]) {
        for &v in values {
            self.mark(v);
        }
    }

    /// Marks some of many values, from a place on; gives the next place: `Object::trace_from`.
    pub fn mark_part(&mut self, values: &[Value], from: usize) -> Option<usize> {
        let rest = values.get(from..).unwrap_or_default();
        self.mark_all(&rest[..rest.len().min(PART)]);
        (rest.len() > PART).then_some(from + PART)
    }

    /// As `mark`, for what is written to without the heap's knowledge: looks at it again even
    /// where it is marked.
    pub fn mark_running(&mut self, v: Value) {
        if v.is_ptr() {
            self.note(v.header_ptr());
            self.mark(v);
        }
    }

    /// Bytes of what was marked, and of what hangs on it.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Tries to come to the end. Whether it may take as long as it takes: where so much changes
    /// between steps, more of them would only be more work.
    pub(super) fn is_last_try(&mut self) -> bool {
        self.n_tries += 1;
        self.n_tries >= TRIES_MAX
    }

    /// Whether everything that was handed to it has been looked at.
    pub(super) fn is_done(&self) -> bool {
        self.pending.is_empty() && self.partly.is_empty() && self.again.is_empty()
    }

    /// Takes a cell that is marked and to be looked at all the same: one that was noted, or a
    /// large container from the place on up to which it was looked at.
    fn take_marked(&mut self) -> Option<(*mut Header, usize)> {
        loop {
            let (cell, from) = match self.partly.pop() {
                Some(part) => part,
                None => (self.again.pop()?, 0),
            };
            // SAFETY: cells stay mapped.
            unsafe {
                if from == 0 {
                    (*cell).flags &= !FLAG_NOTED;
                }
                // One without the colour was given back, and is perhaps another cell by now.
                if (*cell).flags & FLAG_COLOR == self.color {
                    return Some((cell, from));
                }
            }
        }
    }

    /// Has a cell looked at again if it is marked.
    fn note(&mut self, cell: *mut Header) {
        // SAFETY: cells stay mapped; marking has the heap to itself.
        unsafe {
            if (*cell).flags & (FLAG_COLOR | FLAG_NOTED) == self.color {
                (*cell).flags |= FLAG_NOTED;
                self.noted.push(cell);
            }
        }
    }
}

/// Bytes of a cell and of what it holds outside itself.
///
/// # Safety
/// `cell` is a live cell.
unsafe fn bytes_of(cell: *mut Header) -> usize {
    // SAFETY: the caller's promise.
    unsafe { page::size_of_class((*cell).size_class as usize) + kind::external_bytes(cell) }
}

impl Heap {
    /// Begins to mark: nothing has the new colour yet, and what is allocated has the old one.
    pub(super) fn begin_marking(&mut self, roots: &impl Fn(&mut Marker)) {
        self.color ^= FLAG_COLOR;
        self.is_marking = true;
        self.marker.color = self.color;
        self.mark_roots(roots);
    }

    /// Hands the marker the roots, and what was written to since it was marked.
    pub(super) fn mark_roots(&mut self, roots: &impl Fn(&mut Marker)) {
        roots(&mut self.marker);
        let marker = &mut self.marker;
        marker.again.append(&mut marker.noted);
        self.shapes.trace(&mut self.marker);
        self.marker.mark_all(&*self.latin1);
        self.marker.mark(self.empty_tuple);
        self.marker.mark_all(&self.to_finalize);
    }

    /// Everything reachable is marked: writes are nobody's concern again.
    pub(super) fn end_marking(&mut self) {
        debug_assert!(self.marker.is_done(), "something is left to mark");
        self.is_marking = false;
        self.new_color = self.color;
    }

    /// A cell is about to be written to while marking goes on.
    #[cold]
    #[inline(never)]
    pub(super) fn note_write(&mut self, cell: *mut Header) {
        self.marker.note(cell);
    }

    /// As `note_write`, where only `stored` is new in the cell.
    #[cold]
    #[inline(never)]
    pub(super) fn note_store(&mut self, cell: *mut Header, stored: &[Value]) {
        // SAFETY: cells stay mapped; the heap is borrowed mutably.
        if unsafe { (*cell).flags & FLAG_COLOR == self.color } {
            self.marker.mark_all(stored);
        }
    }

    /// Marks what is reachable from what was handed to the marker, and looks at about `n_max`
    /// cells at most. Whether nothing is left.
    pub(super) fn drain(&mut self, n_max: usize) -> bool {
        let mut marker = std::mem::take(&mut self.marker);
        let mut ahead = [ptr::null_mut::<Header>(); AHEAD];
        let mut at = 0;
        let mut n_ahead = 0;
        let mut n_left = n_max;
        loop {
            // At the end of the step those ahead are looked at without others behind them.
            let next = match n_left {
                0 => ptr::null_mut(),
                _ => marker.pending.pop().unwrap_or(ptr::null_mut()),
            };
            if next.is_null() {
                if n_ahead == 0 {
                    if n_left > 0
                        && let Some((cell, from)) = marker.take_marked()
                    {
                        n_left -= 1;
                        // SAFETY: as below.
                        unsafe { self.trace(cell, from, &mut marker) };
                        continue;
                    }
                    break;
                }
            } else {
                prefetch(next);
                n_ahead += 1;
                n_left -= 1;
            }
            let cell = std::mem::replace(&mut ahead[at], next);
            at = (at + 1) % AHEAD;
            if cell.is_null() {
                continue;
            }
            n_ahead -= 1;
            // SAFETY: pointer values are cells of mapped pages; marking has the heap to itself,
            // and nothing is freed meanwhile.
            unsafe {
                if (*cell).flags & FLAG_COLOR == self.color || (*cell).kind == Kind::Free {
                    continue;
                }
                (*cell).flags ^= FLAG_COLOR;
                marker.bytes += bytes_of(cell);
                self.trace(cell, 0, &mut marker);
            }
        }
        let is_done = marker.is_done();
        self.marker = marker;
        is_done
    }

    /// Hands what a cell holds to a marker, from a place on.
    ///
    /// # Safety
    /// `cell` is a live cell.
    #[inline(always)]
    unsafe fn trace(&self, cell: *mut Header, from: usize, marker: &mut Marker) {
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(next) = kind::trace_cell(cell, from, marker) {
                marker.partly.push((cell, next));
            }
            if (*cell).flags & FLAG_ATTRS != 0 {
                let owner = Value::from_header(cell);
                if let Some(&dict) = self.attrs.get(&owner) {
                    marker.mark(dict);
                }
                for &(_, value) in self.slots.get(&owner).into_iter().flatten() {
                    marker.mark(value);
                }
            }
        }
    }

    /// What a cell refers to, as its object tells it to a marker.
    pub(super) fn traced(&self, v: Value) -> Vec<Value> {
        // Of no colour: nothing is marked.
        let mut marker = Marker {
            color: !0,
            ..Marker::default()
        };
        if v.is_ptr() {
            marker.partly.push((v.header_ptr(), 0));
        }
        while let Some((cell, from)) = marker.partly.pop() {
            // SAFETY: as in `drain`.
            unsafe { self.trace(cell, from, &mut marker) };
        }
        let cells = marker.pending.into_iter();
        cells.map(Value::from_header).collect()
    }

    /// Under stress: looks from the roots at everything once more, for something that the steps
    /// have missed.
    ///
    /// # Panics
    /// Where there is such a cell: something was written to without the barrier.
    pub(super) fn check_marks(&self, roots: &impl Fn(&mut Marker)) {
        // Of no colour, so that nothing loses its own.
        let mut marker = Marker {
            color: !0,
            ..Marker::default()
        };
        roots(&mut marker);
        let mut seen = Vec::new();
        while let Some(cell) = marker.pending.pop() {
            // SAFETY: as in `drain`.
            unsafe {
                if (*cell).flags & FLAG_CHECKED != 0 || (*cell).kind == Kind::Free {
                    continue;
                }
                let (is_marked, kind) = ((*cell).flags & FLAG_COLOR == self.color, (*cell).kind);
                assert!(is_marked, "a {kind:?} cell was stored past the barrier");
                (*cell).flags |= FLAG_CHECKED;
                seen.push(cell);
                self.trace(cell, 0, &mut marker);
                while let Some((cell, from)) = marker.partly.pop() {
                    self.trace(cell, from, &mut marker);
                }
            }
        }
        for cell in seen {
            // SAFETY: as in `drain`.
            unsafe { (*cell).flags &= !FLAG_CHECKED }
        }
    }
}
