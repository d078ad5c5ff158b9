//! Mark and sweep. Marking is iterative: depth of data never becomes depth of
//! the Rust stack. It takes the VM's roots as a closure and runs no script code.

use super::{FLAG_ATTRS, FLAG_COLOR, FLAG_WEAK, GC_THRESHOLD_MIN, Header, Heap, Kind, kind, page};
use crate::object::generator::{Flavor, GenState, Generator};
use crate::object::weak::WeakRef;
use crate::value::Value;

/// Collects what is reachable: hand every root, and every value an object holds, to `mark`.
pub struct Marker {
    pending: Vec<*mut Header>,
    /// Bytes of what was reached while they were counted.
    counted_bytes: usize,
    color: u8,
}

impl Marker {
    /// Marks a value; what it holds is marked later.
    #[inline]
    pub fn mark(&mut self, v: Value) {
        if v.is_ptr() {
            let cell = v.header_ptr();
            // SAFETY: pointer values are cells of mapped pages; marking has the heap to itself.
            unsafe {
                if (*cell).flags & FLAG_COLOR != self.color && (*cell).kind != Kind::Free {
                    (*cell).flags ^= FLAG_COLOR;
                    self.pending.push(cell);
                }
            }
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
        self.color ^= FLAG_COLOR;
        let mut marker = Marker {
            pending: Vec::new(),
            counted_bytes: 0,
            color: self.color,
        };
        roots(&mut marker);
        self.shapes.trace(&mut marker);
        marker.mark_all(&*self.latin1);
        marker.mark_all(&self.to_finalize);
        self.drain::<false>(&mut marker);
        self.clear_weak();
        let lost = self.forget_unreachable();
        self.to_finalize.extend(lost);
        self.keep_finalizable(&mut marker);
        let mut loops = std::mem::take(&mut self.event_loops);
        loops.retain(|&l| self.is_marked(l));
        self.event_loops = loops;
        self.forget_interned();
        self.sweep();
        // What was kept for a finalizer is garbage once that has run. Counted as
        // live it would put off the next collection, which would find more of it.
        let live = self.live_bytes.saturating_sub(marker.counted_bytes);
        self.gc_threshold = live.max(GC_THRESHOLD_MIN);
    }

    /// Marks what is reachable from what is marked; `COUNT`: with its bytes.
    fn drain<const COUNT: bool>(&mut self, marker: &mut Marker) {
        while let Some(cell) = marker.pending.pop() {
            // SAFETY: pending cells were live when marked, and nothing is freed while marking.
            unsafe {
                if COUNT {
                    let class = (*cell).size_class as usize;
                    marker.counted_bytes += page::size_of_class(class) + kind::external_bytes(cell);
                }
                kind::trace_cell(cell, marker);
                if (*cell).flags & FLAG_ATTRS != 0
                    && let Some(&dict) = self.attrs.get(&Value::from_header(cell))
                {
                    marker.mark(dict);
                }
            }
        }
    }

    /// All cells of a kind, those included that a collection would free.
    pub(crate) fn cells_of(&self, kind: Kind) -> Vec<Value> {
        let mut found = Vec::new();
        for &page in &self.pages {
            // SAFETY: the page is ours; a cell's kind is valid also when it is free.
            unsafe {
                for cell in page::cells(page) {
                    if (*cell).kind == kind {
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
        self.drain::<true>(marker);
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

    fn sweep(&mut self) {
        let mut live = 0;
        for i in 0..self.pages.len() {
            let page = self.pages[i];
            // SAFETY: the page is ours; unmarked cells are unreachable, are
            // dropped once and go to the free list of their class.
            unsafe {
                for cell in page::cells(page) {
                    if (*cell).kind == Kind::Free {
                        continue;
                    }
                    let class = (*cell).size_class as usize;
                    if (*cell).flags & FLAG_COLOR == self.color {
                        live += page::size_of_class(class) + kind::external_bytes(cell);
                        continue;
                    }
                    if (*cell).flags & (FLAG_ATTRS | FLAG_WEAK) != 0 {
                        self.attrs.remove(&Value::from_header(cell));
                    }
                    kind::drop_cell(cell);
                    page::make_free(cell, self.free[class]);
                    self.free[class] = cell;
                }
            }
        }
        self.live_bytes = live;
        self.bytes_since_gc = 0;
    }
}
