//! A collection: marking, what follows from it, sweeping. It takes the VM's roots as a closure
//! and runs no script code.
//!
//! A small heap is marked at once, a large one in steps between which the script goes on (see
//! `mark`). A collection then leaves the sweeping to those who allocate: a page is swept when its
//! class has no free cell left, so that its cells are used while they are in the cache, or a few
//! at a time when the VM looks up. Until then what died keeps its cell, and what tells it from
//! the living is its colour.

use std::ptr;

use super::mark::Marker;
use super::page::{N_CLASSES, PageHead};
use super::{FLAG_ATTRS, FLAG_COLOR, FLAG_WEAK, GC_THRESHOLD_MIN, Heap, Kind, Stress, kind, page};
use crate::object::weak::WeakRef;
use crate::value::Value;

/// A heap that is smaller is collected at once: it takes no longer than a step.
const STEPS_BYTES_MIN: usize = 8 << 20;
/// How many cells a step marks, half a millisecond's worth.
const STEP_CELLS: usize = 10_000;
/// How many pages a step sweeps.
const STEP_PAGES: usize = 32;
/// A step is due after so many bytes were allocated: a fifth, at most, of what a step marks.
const STEP_BYTES: usize = 64 << 10;
/// Both, under stress.
const STRESS_STEP: usize = 25;

impl Heap {
    /// Frees every cell not reachable from what `roots` marks. Values that are
    /// neither marked nor reachable must not be used afterwards.
    pub fn collect(&mut self, roots: impl Fn(&mut Marker)) {
        if self.is_marking {
            // What died since it was marked is left for the collection after this one.
            self.mark_roots(&roots);
            self.drain(usize::MAX);
            self.finish_collection(&roots);
        }
        self.sweep_all();
        self.begin_marking(&roots);
        self.drain(usize::MAX);
        self.finish_collection(&roots);
    }

    /// Whether what is due is done in steps.
    pub fn collects_in_steps(&self) -> bool {
        self.is_marking
            || match self.stress {
                Stress::Off => self.used_bytes() >= STEPS_BYTES_MIN,
                Stress::Whole(_) => false,
                Stress::Steps(_) => true,
            }
    }

    /// Whether the next step looks at the roots.
    pub fn step_wants_roots(&self) -> bool {
        !self.is_marking || self.marker.tries_next
    }

    /// Does a part of a collection, of a length that doesn't depend on the size of the heap.
    /// Whether the collection has come to its end; values as in `collect` then.
    pub fn collect_some(&mut self, roots: impl Fn(&mut Marker)) -> bool {
        let (n_pages, n_cells) = match self.stress {
            Stress::Off => (STEP_PAGES, STEP_CELLS),
            _ => (STRESS_STEP, STRESS_STEP),
        };
        let goes_on = if self.is_marking {
            let wants_roots = self.marker.tries_next;
            if wants_roots {
                self.mark_roots(&roots);
            }
            // A script that allocates faster than is marked here waits for once.
            let waits = self.bytes_since_gc >= self.steps_bytes_max
                || (wants_roots && self.marker.is_last_try());
            let is_done = self.drain(if waits { usize::MAX } else { n_cells });
            // What a script stores until then is looked at with the roots.
            self.marker.tries_next = is_done;
            !(is_done && wants_roots)
        } else {
            if self.sweep_pages(n_pages) {
                self.begin_marking(&roots);
                self.steps_bytes_max = self.bytes_since_gc.saturating_mul(2).max(STEPS_BYTES_MIN);
            }
            true
        };
        if goes_on {
            self.gc_threshold = self.bytes_since_gc + STEP_BYTES;
        } else {
            self.finish_collection(&roots);
        }
        !goes_on
    }

    /// All that is reachable has been marked: forgets the rest.
    fn finish_collection(&mut self, roots: &impl Fn(&mut Marker)) {
        self.end_marking();
        if matches!(self.stress, Stress::Steps(_)) {
            self.check_marks(roots);
        }
        self.n_collections += 1;
        self.free = [ptr::null_mut(); N_CLASSES];
        // What is kept for a finalizer is garbage once that has run. Counted as
        // live it would put off the next collection, which would find more of it.
        self.gc_threshold = self.marker.bytes().max(GC_THRESHOLD_MIN);
        let released = self.letting_go.take().map(|v| self.keep_rings(v));
        self.clear_weak();
        let lost = self.forget_unreachable();
        self.to_finalize.extend(lost);
        self.keep_finalizable(released);
        let mut loops = std::mem::take(&mut self.event_loops);
        loops.retain(|&l| self.is_marked(l));
        self.event_loops = loops;
        self.forget_interned();
        self.live_bytes = self.marker.bytes();
        // Its lists are as long as the heap was wide.
        self.marker = Marker::default();
        self.release_credit = self.release_credit.saturating_add(self.bytes_since_gc);
        self.bytes_since_gc = 0;
        for (unswept, pages) in self.unswept.iter_mut().zip(&self.pages) {
            *unswept = 0..pages.len();
        }
        if self.stress != Stress::Off {
            self.sweep_all();
        }
    }

    /// All cells of a kind, those included that the next collection would free.
    pub(crate) fn cells_of(&self, kind: Kind) -> Vec<Value> {
        let mut found = Vec::new();
        for &page in self.pages.iter().flatten() {
            // SAFETY: the page is ours; a cell's kind is valid also when it is free.
            unsafe {
                for cell in page::cells(page) {
                    // While marking goes on nothing says yet who is dead.
                    let v = Value::from_header(cell);
                    if (*cell).kind == kind && (self.is_marking || self.is_marked(v)) {
                        found.push(v);
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
    fn keep_finalizable(&mut self, released: Option<Vec<Value>>) {
        let mut dead = Vec::new();
        let mut all = std::mem::take(&mut self.finalizable);
        all.retain(|&v| {
            let is_live = self.is_marked(v);
            if !is_live && self.has_finalizer_now(v) {
                dead.push(v);
            }
            is_live && self.may_need_finalizer(v)
        });
        self.finalizable = all;
        match released {
            // What counts references tells of an end after the finalizer.
            Some(released) => drop(self.to_finalize.splice(0..0, released)),
            None => {
                let dead = self.order_of_dead(dead);
                self.to_finalize.extend(dead);
            }
        }
        self.marker.mark_all(&self.to_finalize);
        self.drain(usize::MAX);
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
            let n = self.unswept[class].len().div_ceil(32).min(STEP_PAGES);
            for _ in 0..n {
                if let Some(i) = self.unswept[class].next() {
                    self.sweep_page(self.pages[class][i]);
                }
            }
        }
    }

    /// Sweeps so many of the pages that are left. Whether none is left now.
    fn sweep_pages(&mut self, n_max: usize) -> bool {
        let mut n = 0;
        for class in 0..N_CLASSES {
            while let Some(i) = self.unswept[class].next() {
                self.sweep_page(self.pages[class][i]);
                n += 1;
                if n >= n_max {
                    return self.unswept.iter().all(|left| left.is_empty());
                }
            }
        }
        true
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
