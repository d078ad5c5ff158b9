//! Mark and sweep. Marking is iterative: depth of data never becomes depth of
//! the Rust stack. It takes the VM's roots as a closure and runs no script code.
//!
//! A collection marks, and leaves the sweeping to those who allocate: a page is swept when its
//! class has no free cell left, so that its cells are used while they are in the cache, or a few
//! at a time when the VM looks up. Until then what died keeps its cell, and what tells it from
//! the living is its colour.

use std::ptr;

use super::page::{N_CLASSES, PageHead};
use super::prefetch;
use super::{FLAG_ATTRS, FLAG_COLOR, FLAG_WEAK, GC_THRESHOLD_MIN, Header, Heap, Kind, kind, page};
use crate::object::generator::{Flavor, GenState, Generator};
use crate::object::weak::WeakRef;
use crate::value::Value;

/// Collects what is reachable: hand every root, and every value an object holds, to `mark`.
pub struct Marker {
    /// Reached, and perhaps marked already.
    pending: Vec<*mut Header>,
    /// Bytes of what was marked, and of what hangs on it.
    bytes: usize,
}

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
}

impl Heap {
    /// Frees every cell not reachable from what `roots` marks. Values that are
    /// neither marked nor reachable must not be used afterwards.
    pub fn collect(&mut self, roots: impl FnOnce(&mut Marker)) {
        self.n_collections += 1;
        self.sweep_all();
        self.free = [ptr::null_mut(); N_CLASSES];
        self.color ^= FLAG_COLOR;
        let mut marker = Marker {
            pending: Vec::new(),
            bytes: 0,
        };
        roots(&mut marker);
        self.shapes.trace(&mut marker);
        marker.mark_all(&*self.latin1);
        marker.mark_all(&self.to_finalize);
        self.drain(&mut marker);
        // What is kept for a finalizer is garbage once that has run. Counted as
        // live it would put off the next collection, which would find more of it.
        self.gc_threshold = marker.bytes.max(GC_THRESHOLD_MIN);
        self.clear_weak();
        let lost = self.forget_unreachable();
        self.to_finalize.extend(lost);
        self.keep_finalizable(&mut marker);
        let mut loops = std::mem::take(&mut self.event_loops);
        loops.retain(|&l| self.is_marked(l));
        self.event_loops = loops;
        self.forget_interned();
        self.live_bytes = marker.bytes;
        self.bytes_since_gc = 0;
        for (unswept, pages) in self.unswept.iter_mut().zip(&self.pages) {
            *unswept = 0..pages.len();
        }
        if self.stress_ticks != 0 {
            self.sweep_all();
        }
    }

    /// Marks what is reachable from what was handed to the marker.
    fn drain(&mut self, marker: &mut Marker) {
        let mut ahead = [ptr::null_mut::<Header>(); AHEAD];
        let mut at = 0;
        let mut n_ahead = 0;
        loop {
            let next = marker.pending.pop().unwrap_or(ptr::null_mut());
            if next.is_null() {
                if n_ahead == 0 {
                    return;
                }
            } else {
                prefetch(next);
                n_ahead += 1;
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
                let class = (*cell).size_class as usize;
                marker.bytes += page::size_of_class(class) + kind::external_bytes(cell);
                kind::trace_cell(cell, marker);
                if (*cell).flags & FLAG_ATTRS != 0 {
                    let owner = Value::from_header(cell);
                    if let Some(&dict) = self.attrs.get(&owner) {
                        marker.mark(dict);
                    }
                    for &(descriptor, value) in self.slots.get(&owner).into_iter().flatten() {
                        marker.mark_all(&[descriptor, value]);
                    }
                }
            }
        }
    }

    /// All cells of a kind, those included that the next collection would free.
    pub(crate) fn cells_of(&self, kind: Kind) -> Vec<Value> {
        let mut found = Vec::new();
        for &page in self.pages.iter().flatten() {
            // SAFETY: the page is ours; a cell's kind is valid also when it is free.
            unsafe {
                for cell in page::cells(page) {
                    if (*cell).kind == kind && self.is_marked(Value::from_header(cell)) {
                        found.push(Value::from_header(cell));
                    }
                }
            }
        }
        found
    }

    /// Whether the collection under way has reached a value.
    pub(crate) fn is_marked(&self, v: Value) -> bool {
        // SAFETY: as in `Marker::mark`.
        !v.is_ptr() || unsafe { (*v.header_ptr()).flags & FLAG_COLOR == self.color }
    }

    /// Cells with a finalizer that nothing reaches live until it has run; weak
    /// references to them are cleared by then.
    fn keep_finalizable(&mut self, marker: &mut Marker) {
        let all = std::mem::take(&mut self.finalizable);
        for v in all {
            // A coroutine has something to say only if it was never started.
            let done = self
                .get::<Generator>(v)
                .is_some_and(|g| g.flavor == Flavor::Coroutine && g.state != GenState::Created);
            if done {
                continue;
            }
            if self.is_marked(v) {
                self.finalizable.push(v)
            } else {
                self.to_finalize.push(v)
            }
        }
        marker.mark_all(&self.to_finalize);
        self.drain(marker);
    }

    fn clear_weak(&mut self) {
        let mut weak = std::mem::take(&mut self.weak);
        weak.retain(|&w| self.is_marked(w));
        // By the place of their target's first one: references with a callback to call.
        let mut lost: Vec<(usize, Value)> = Vec::new();
        let mut firsts = hashbrown::HashMap::new();
        for &w in &weak {
            let (target, callback) = {
                let w = self.cell::<WeakRef>(w);
                (w.target, w.callback)
            };
            if !target.is_empty() && !self.is_marked(target) {
                self.cell_mut::<WeakRef>(w).target = Value::EMPTY;
                if !callback.is_none() {
                    let first = *firsts.entry(target).or_insert(lost.len());
                    lost.push((first, w));
                }
            }
        }
        self.weak = weak;
        // CPython calls the callbacks of an object from the latest to the first.
        lost.reverse();
        lost.sort_by_key(|&(first, _)| first);
        self.to_finalize.extend(lost.into_iter().map(|(_, w)| w));
        let mut shared = std::mem::take(&mut self.shared_weak);
        shared.retain(|&target, &mut w| self.is_marked(target) && self.is_marked(w));
        self.shared_weak = shared;
    }

    fn forget_interned(&mut self) {
        self.recent_names.forget();
        let mut interned = std::mem::take(&mut self.interned);
        interned.retain(|v| self.is_marked(*v));
        self.interned = interned;
    }

    /// Sweeps some of the pages that are left, so that what died does not stay for long in
    /// classes of which no cell is asked for.
    pub(crate) fn sweep_some(&mut self) {
        for class in 0..N_CLASSES {
            let n = self.unswept[class].len().div_ceil(32);
            for _ in 0..n {
                if let Some(i) = self.unswept[class].next() {
                    self.sweep_page(self.pages[class][i]);
                }
            }
        }
    }

    /// Sweeps every page that is left.
    pub fn sweep_all(&mut self) {
        for class in 0..N_CLASSES {
            for i in std::mem::take(&mut self.unswept[class]) {
                self.sweep_page(self.pages[class][i]);
            }
        }
    }

    /// Drops what died in a page, and puts its free cells on the list of their class.
    ///
    /// A collection empties the lists. A free cell has the colour of the time it was put on one:
    /// one that was given back since (`free_now`) is on it already.
    pub(super) fn sweep_page(&mut self, page: *mut PageHead) {
        // SAFETY: the page is ours; unmarked cells are unreachable and are dropped once.
        unsafe {
            let class = page::class_of(page);
            let color = self.color;
            let mut first = self.free[class];
            for cell in page::cells_backwards(page) {
                if (*cell).flags & FLAG_COLOR == color {
                    continue;
                }
                if (*cell).flags & (FLAG_ATTRS | FLAG_WEAK) != 0 {
                    self.forget_attrs(Value::from_header(cell));
                }
                if kind::NEEDS_DROP[(*cell).kind as usize] {
                    kind::drop_cell(cell);
                }
                page::make_free(cell, first, color);
                first = cell;
            }
            self.free[class] = first;
        }
    }

    #[cold]
    fn forget_attrs(&mut self, owner: Value) {
        self.attrs.remove(&owner);
        self.slots.remove(&owner);
    }
}
