//! The heap: typed cells in size-class pages, a tracing mark-and-sweep collector.
//!
//! It gives `Value`s that point to cells and references into cells while it is
//! borrowed. It never runs script code and never collects by itself: the VM
//! calls `collect` at a safepoint, with its roots.
//!
//! ```text
//!  page (64 KiB of a chunk of 2 MiB; never unmapped while the heap lives)
//!  ┌───────────┬──────┬──────┬──────┬─
//!  │ page head │ cell │ cell │ cell │ …      all cells of one size class
//!  └───────────┴──────┴──────┴──────┴─
//!  cell
//!  ┌────────────────────┬──────────┬───────────────────┐
//!  │ Header (16 bytes)  │ T        │ tail: [Value; n]  │
//!  └────────────────────┴──────────┴───────────────────┘
//! ```
//!
//! Why stale values can't corrupt memory: a page's cells keep their size and
//! place, a swept cell's kind is `Free`, and each access compares the kind. A
//! value kept by mistake across a collection is refused, or names another
//! object of the same type; it never reads foreign memory. References borrow
//! the heap, and `collect` needs it mutably, so none survives a collection.

mod chunk;
mod gc;
mod kind;
mod mark;
mod page;
#[cfg(test)]
mod tests;

pub use kind::Kind;
pub use mark::{Marker, PART};

use std::cell::Cell;
use std::mem;
use std::ops::Range;
use std::ptr;

use crate::counts::Counts;
use crate::object::buffer::Export;
use crate::object::generator::{Flavor, GenState, Generator};
use crate::object::shape::Shapes;
use crate::object::str::RecentNames;
use crate::value::Value;
use chunk::Chunks;
use page::{CELL_SIZE_MAX, N_CLASSES, PageHead};

/// The hidden class of a cell: index into the VM's shapes. Builtin types have
/// fixed numbers (see `object::class`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
#[repr(transparent)]
pub struct ShapeId(pub u32);

/// The first 16 bytes of every cell.
#[repr(C, align(16))]
pub struct Header {
    kind: Kind,
    flags: u8,
    size_class: u8,
    _pad: u8,
    shape: ShapeId,
    /// Number of values in the tail. Invariant: fixed from allocation to sweep.
    tail_len: u32,
    /// Identity for `id()` and default hashes; 0 until asked for.
    id: u32,
}

impl Header {
    /// The header of a cell that was never used.
    const FREE: Header = Header {
        kind: Kind::Free,
        flags: 0,
        size_class: 0,
        _pad: 0,
        shape: ShapeId(0),
        tail_len: 0,
        id: 0,
    };
}

const FLAG_COLOR: u8 = 1;
/// The cell has an entry in the side table of attributes.
const FLAG_ATTRS: u8 = 2;
/// A weak reference to the cell may exist.
const FLAG_WEAK: u8 = 4;
/// `check_marks` has been here.
const FLAG_CHECKED: u8 = 8;
/// Marked, written to since, and noted to be looked at again.
const FLAG_NOTED: u8 = 16;

/// A type whose values live in cells.
pub trait Object: Sized + 'static {
    const KIND: Kind;
    /// Marks every value the object holds (its tail is marked by the heap).
    fn trace(&self, marker: &mut Marker);
    /// As `trace`, from a place on (0 at first) and about `PART` values at most, for what may
    /// hold very many; gives the place where to go on.
    fn trace_from(&self, _from: usize, marker: &mut Marker) -> Option<usize> {
        self.trace(marker);
        None
    }
    /// Bytes held outside the cell.
    fn external_bytes(&self) -> usize {
        0
    }
}

/// Longest tail a cell can have; longer sequences keep their items in a box.
pub const TAIL_MAX: usize = 200;

/// See the module's text.
pub struct Heap {
    /// Free cells by class, chained.
    free: [*mut Header; N_CLASSES],
    chunks: Chunks,
    /// By class; the last one may have room for more cells.
    pages: [Vec<*mut PageHead>; N_CLASSES],
    /// By class, the pages that the last collection left to sweep.
    unswept: [Range<usize>; N_CLASSES],
    /// What is marked has it, or what was when marking ended.
    color: u8,
    /// What is allocated gets it: the other one while marking goes on.
    new_color: u8,
    /// Whether marking has begun and not ended: stores are noted.
    is_marking: bool,
    marker: Marker,
    /// Bytes allocated since the last collection.
    bytes_since_gc: usize,
    /// Collect when `bytes_since_gc` reaches this, or go on with it.
    gc_threshold: usize,
    /// When `bytes_since_gc` reaches this, a collection in steps goes to its end at once.
    steps_bytes_max: usize,
    /// Bytes live after the last collection.
    live_bytes: usize,
    next_id: u32,
    /// Ticks left until the VM looks up: set to 0 here when a collection is due.
    pub countdown: i32,
    /// Attributes of cells that are not plain instances, such as an instance
    /// of a subclass of list.
    attrs: hashbrown::HashMap<Value, Value>,
    /// What stands in the `__slots__` of such cells, each with its descriptor.
    slots: hashbrown::HashMap<Value, Vec<(Value, Value)>>,
    /// By what has the bytes: shared with each view of them.
    pub(crate) exports: hashbrown::HashMap<Value, Export>,
    weak: Vec<Value>,
    /// By its target the one plain reference without a callback, which all who ask for such share.
    shared_weak: hashbrown::HashMap<Value, Value>,
    /// Live cells that want their finalizer called before they go.
    finalizable: Vec<Value>,
    /// The live event loops, which list cells without keeping them alive.
    event_loops: Vec<Value>,
    /// Unreachable ones, kept for their finalizer.
    to_finalize: Vec<Value>,
    pub(crate) interned: hashbrown::HashTable<Value>,
    pub(crate) recent_names: RecentNames,
    /// The strs of one code point below 256, as far as they were asked for.
    pub(crate) latin1: Box<[Value; 256]>,
    n_collections: u64,
    /// The hidden classes of every cell.
    pub shapes: Shapes,
    stress: Stress,
    /// See `leave_memory`.
    leaves_memory: bool,
    pub counts: Counts,
}

impl Default for Heap {
    fn default() -> Self {
        Heap::new()
    }
}

/// How many pages are swept for one cell before it is made anew.
const REFILL_PAGES: usize = 16;

/// How much more often than is due there are collections, to find what is done without the
/// collector's knowledge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stress {
    Off,
    /// A whole one after so many ticks: values kept without a root are found.
    Whole(i32),
    /// Small steps, one after so many ticks: stores past the barrier are found.
    Steps(i32),
}

const GC_THRESHOLD_MIN: usize = 4 << 20;
/// How often the VM looks up when nothing is due: ticks of its countdown.
const COUNTDOWN_TICKS: i32 = 20_000;

impl Heap {
    pub fn new() -> Heap {
        Heap {
            free: [ptr::null_mut(); N_CLASSES],
            chunks: Chunks::new(),
            pages: [const { Vec::new() }; N_CLASSES],
            unswept: [const { 0..0 }; N_CLASSES],
            color: 0,
            new_color: 0,
            is_marking: false,
            marker: Marker::default(),
            bytes_since_gc: 0,
            gc_threshold: GC_THRESHOLD_MIN,
            steps_bytes_max: 0,
            live_bytes: 0,
            next_id: 1,
            countdown: COUNTDOWN_TICKS,
            attrs: hashbrown::HashMap::new(),
            slots: hashbrown::HashMap::new(),
            exports: hashbrown::HashMap::new(),
            weak: Vec::new(),
            shared_weak: hashbrown::HashMap::new(),
            finalizable: Vec::new(),
            event_loops: Vec::new(),
            to_finalize: Vec::new(),
            interned: hashbrown::HashTable::new(),
            recent_names: RecentNames::default(),
            latin1: Box::new([Value::EMPTY; 256]),
            n_collections: 0,
            shapes: Shapes::default(),
            stress: Stress::Off,
            leaves_memory: false,
            counts: Counts::default(),
        }
    }

    // ---- allocation ------------------------------------------------------

    /// A new cell without a tail.
    #[inline]
    pub fn alloc<T: Object>(&mut self, shape: ShapeId, object: T) -> Value {
        self.alloc_tail(shape, object, 0, Value::EMPTY)
    }

    /// A new cell with a tail of `tail_len <= TAIL_MAX` values, each `fill`.
    #[inline]
    pub fn alloc_tail<T: Object>(
        &mut self,
        shape: ShapeId,
        object: T,
        tail_len: usize,
        fill: Value,
    ) -> Value {
        const {
            assert!(
                mem::align_of::<T>() <= 16
                    && mem::size_of::<T>() + TAIL_MAX * 8 + 16 <= CELL_SIZE_MAX
            )
        }
        assert!(tail_len <= TAIL_MAX, "a tail of {tail_len} values");
        let size = tail_offset::<T>() + tail_len * 8;
        let class = page::class_of_size(size);
        let cell = self.take_cell(class);
        // SAFETY: `cell` is a free cell of a class that holds `size` bytes; it
        // is written whole (header, object, tail) before anyone can read it.
        unsafe {
            ptr::write(
                cell,
                Header {
                    kind: T::KIND,
                    flags: self.new_color,
                    size_class: class as u8,
                    _pad: 0,
                    shape,
                    tail_len: tail_len as u32,
                    id: 0,
                },
            );
            ptr::write(cell.cast::<u8>().add(16).cast::<T>(), object);
            let tail = cell.cast::<u8>().add(tail_offset::<T>()).cast::<Value>();
            for i in 0..tail_len {
                ptr::write(tail.add(i), fill);
            }
        }
        Value::from_header(cell)
    }

    #[inline(always)]
    fn take_cell(&mut self, class: usize) -> *mut Header {
        self.charge(page::size_of_class(class));
        self.counts.allocation();
        if self.free[class].is_null() {
            self.refill(class);
        }
        let cell = self.free[class];
        // SAFETY: cells on a free list are free cells of our pages, whose
        // second word links to the next one.
        unsafe { self.free[class] = *page::next_link(cell) };
        cell
    }

    /// Puts cells on an empty free list: of the next page that has any, of the room behind the
    /// last page's cells, or of a new page.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, class: usize) {
        // Where everything is alive the next look-ups sweep on.
        for _ in 0..REFILL_PAGES {
            let Some(i) = self.unswept[class].next() else {
                break;
            };
            self.sweep_page(self.pages[class][i]);
            if !self.free[class].is_null() {
                return;
            }
        }
        if let Some(&last) = self.pages[class].last() {
            // SAFETY: the page is ours and formatted.
            self.free[class] = unsafe { page::more_cells(last, self.new_color) };
        }
        if self.free[class].is_null() {
            let page = self.chunks.page();
            // SAFETY: the page is ours alone.
            self.free[class] = unsafe {
                page::format(page, class);
                page::more_cells(page, self.new_color)
            };
            self.pages[class].push(page);
        }
    }

    /// Counts `bytes` that a cell holds outside itself towards the next
    /// collection: whoever grows a buffer calls it.
    #[inline(always)]
    pub fn charge(&mut self, bytes: usize) {
        self.bytes_since_gc += bytes;
        self.counts.bytes(bytes);
        if self.bytes_since_gc >= self.gc_threshold {
            self.countdown = 0;
        }
    }

    /// Gives a cell back at once: only for a cell that nothing refers to any more.
    pub(crate) fn free_now<T: Object>(&mut self, v: Value) {
        if self.kind(v) != Some(T::KIND) {
            return;
        }
        let cell = v.header_ptr();
        // SAFETY: the kind was checked: the cell is live and holds a T.
        unsafe {
            if (*cell).flags & (FLAG_ATTRS | FLAG_WEAK) != 0 {
                return; // The collector unlinks those.
            }
            ptr::drop_in_place(cell.cast::<u8>().add(16).cast::<T>());
            let class = (*cell).size_class as usize;
            page::make_free(cell, self.free[class], self.new_color);
            self.free[class] = cell;
        }
    }

    // ---- access ------------------------------------------------------------

    /// The cell's kind; None for ints, floats and specials kept inline.
    #[inline(always)]
    pub fn kind(&self, v: Value) -> Option<Kind> {
        if v.is_ptr() {
            // SAFETY: pointer values are cells of our pages, which stay mapped.
            Some(unsafe { (*v.header_ptr()).kind })
        } else {
            None
        }
    }

    /// Tells that a cell will soon be looked at, one that is not likely to be in the cache.
    #[inline(always)]
    pub fn will_use(&self, v: Value) {
        if v.is_ptr() {
            let cell = v.header_ptr();
            prefetch(cell);
            prefetch(cell.wrapping_add(4));
        }
    }

    /// The cell's shape; meaningful only for a cell.
    #[inline(always)]
    pub fn shape(&self, v: Value) -> Option<ShapeId> {
        if v.is_ptr() {
            // SAFETY: as in `kind`.
            Some(unsafe { (*v.header_ptr()).shape })
        } else {
            None
        }
    }

    /// Changes the shape of a cell.
    #[inline]
    pub fn set_shape(&mut self, v: Value, shape: ShapeId) {
        if v.is_ptr() {
            // SAFETY: as in `kind`; the heap is borrowed mutably.
            unsafe { (*v.header_ptr()).shape = shape }
        }
    }

    /// The object in the cell if it is a `T`.
    #[inline(always)]
    pub fn get<T: Object>(&self, v: Value) -> Option<&T> {
        if self.kind(v) == Some(T::KIND) {
            // SAFETY: a live cell of kind T::KIND holds a T right after its
            // header; the reference borrows the heap.
            Some(unsafe { &*v.header_ptr().cast::<u8>().add(16).cast::<T>() })
        } else {
            None
        }
    }

    /// # Safety
    /// `v` is a live cell of kind `T::KIND`.
    #[inline(always)]
    unsafe fn object_mut<T: Object>(&mut self, v: Value) -> &mut T {
        // SAFETY: the caller's promise: it holds a T right after its header; the reference
        // borrows the heap mutably.
        unsafe { &mut *v.header_ptr().cast::<u8>().add(16).cast::<T>() }
    }

    /// The barrier: a cell is about to be written to.
    #[inline(always)]
    fn will_write(&mut self, cell: *mut Header) {
        if self.is_marking {
            self.note_write(cell);
        }
    }

    /// Tells the collector of a store that neither `get_mut` nor `tail_mut` is asked for: into a
    /// `Cell` that an object holds.
    #[inline]
    pub fn will_change(&mut self, v: Value) {
        if v.is_ptr() {
            self.will_write(v.header_ptr());
        }
    }

    /// The object in the cell if it is a `T`, for writing: with `tail_mut` and `will_change` the
    /// one way to store into a cell, but for the registers of frames that run.
    #[inline(always)]
    pub fn get_mut<T: Object>(&mut self, v: Value) -> Option<&mut T> {
        if self.kind(v) == Some(T::KIND) {
            self.will_write(v.header_ptr());
            // SAFETY: the kind was compared.
            Some(unsafe { self.object_mut(v) })
        } else {
            None
        }
    }

    /// As `get_mut` without the barrier: where what is written is no value, or is written to a
    /// frame that runs, at which a collection looks in any case.
    #[inline(always)]
    pub(crate) fn get_mut_unnoted<T: Object>(&mut self, v: Value) -> Option<&mut T> {
        if self.kind(v) == Some(T::KIND) {
            // SAFETY: the kind was compared.
            Some(unsafe { self.object_mut(v) })
        } else {
            None
        }
    }

    /// As `get_mut_unnoted`, of what the caller knows to be a `T`.
    ///
    /// # Panics
    /// As `cell`.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn cell_mut_unnoted<T: Object>(&mut self, v: Value) -> &mut T {
        let kind = self.kind(v);
        match self.get_mut_unnoted(v) {
            Some(object) => object,
            None => wrong_kind(T::KIND, kind),
        }
    }

    /// As `get_mut`, for a container that may be large: the caller stores or takes out, of what
    /// it stores only `stored` is new in it, and nothing moves to a lower place (see
    /// `Object::trace_from`). Then there is nothing to look at again but what was stored.
    #[inline(always)]
    pub fn get_mut_storing<T: Object>(&mut self, v: Value, stored: &[Value]) -> Option<&mut T> {
        if self.kind(v) == Some(T::KIND) {
            if self.is_marking {
                self.note_store(v.header_ptr(), stored);
            }
            // SAFETY: the kind was compared.
            Some(unsafe { self.object_mut(v) })
        } else {
            None
        }
    }

    /// As `get_mut_storing`, of what the caller knows to be a `T`.
    ///
    /// # Panics
    /// As `cell`.
    #[inline(always)]
    #[track_caller]
    pub fn cell_mut_storing<T: Object>(&mut self, v: Value, stored: &[Value]) -> &mut T {
        let kind = self.kind(v);
        match self.get_mut_storing(v, stored) {
            Some(object) => object,
            None => wrong_kind(T::KIND, kind),
        }
    }

    /// The object in the cell, which the caller knows to be a `T`.
    ///
    /// # Panics
    /// If it is not: the caller kept a value without a root, or mixed kinds up.
    #[inline(always)]
    #[track_caller]
    pub fn cell<T: Object>(&self, v: Value) -> &T {
        match self.get(v) {
            Some(object) => object,
            None => wrong_kind(T::KIND, self.kind(v)),
        }
    }

    /// As `cell`, for writing.
    ///
    /// # Panics
    /// As `cell`.
    #[inline(always)]
    #[track_caller]
    pub fn cell_mut<T: Object>(&mut self, v: Value) -> &mut T {
        let kind = self.kind(v);
        match self.get_mut(v) {
            Some(object) => object,
            None => wrong_kind(T::KIND, kind),
        }
    }

    /// The values after the object in its cell.
    ///
    /// # Panics
    /// If the cell does not hold a `T`.
    #[inline(always)]
    #[track_caller]
    pub fn tail<T: Object>(&self, v: Value) -> &[Value] {
        if self.kind(v) != Some(T::KIND) {
            wrong_kind(T::KIND, self.kind(v));
        }
        // SAFETY: a live cell of kind T::KIND has `tail_len` values at T's tail offset.
        unsafe {
            let cell = v.header_ptr();
            std::slice::from_raw_parts(
                cell.cast::<u8>().add(tail_offset::<T>()).cast::<Value>(),
                (*cell).tail_len as usize,
            )
        }
    }

    /// As `tail`, of cells: frames read and write them through pointers meanwhile.
    ///
    /// # Panics
    /// As `tail`.
    #[inline(always)]
    #[track_caller]
    pub fn tail_cells<T: Object>(&self, v: Value) -> &[Cell<Value>] {
        if self.kind(v) != Some(T::KIND) {
            wrong_kind(T::KIND, self.kind(v));
        }
        // SAFETY: as in `tail`; a Cell lies in memory as what it holds.
        unsafe {
            let cell = v.header_ptr();
            std::slice::from_raw_parts(
                cell.cast::<u8>()
                    .add(tail_offset::<T>())
                    .cast::<Cell<Value>>(),
                (*cell).tail_len as usize,
            )
        }
    }

    /// As `tail`, for writing.
    ///
    /// # Panics
    /// As `tail`.
    #[inline(always)]
    #[track_caller]
    pub fn tail_mut<T: Object>(&mut self, v: Value) -> &mut [Value] {
        if self.kind(v) != Some(T::KIND) {
            wrong_kind(T::KIND, self.kind(v));
        }
        self.will_write(v.header_ptr());
        // SAFETY: as in `tail`; the heap is borrowed mutably.
        unsafe {
            let cell = v.header_ptr();
            std::slice::from_raw_parts_mut(
                cell.cast::<u8>().add(tail_offset::<T>()).cast::<Value>(),
                (*cell).tail_len as usize,
            )
        }
    }

    /// The identity of a cell: small, unique while it lives, the same in every run.
    pub fn id(&mut self, v: Value) -> u32 {
        if !v.is_ptr() {
            return 0;
        }
        // SAFETY: as in `kind`; the heap is borrowed mutably.
        unsafe {
            let cell = v.header_ptr();
            if (*cell).id == 0 {
                (*cell).id = self.next_id;
                self.next_id = self.next_id.checked_add(1).unwrap_or(1);
            }
            (*cell).id
        }
    }

    // ---- side tables ---------------------------------------------------------

    /// The dict of attributes of a cell that is not a plain instance.
    pub fn attrs(&self, v: Value) -> Option<Value> {
        if !v.is_ptr() {
            return None;
        }
        // SAFETY: as in `kind`.
        if unsafe { (*v.header_ptr()).flags } & FLAG_ATTRS == 0 {
            None
        } else {
            self.attrs.get(&v).copied()
        }
    }

    /// Whether the cell has a dict of attributes in the side table.
    #[inline(always)]
    pub fn has_attrs(&self, v: Value) -> bool {
        // SAFETY: as in `kind`.
        v.is_ptr() && unsafe { (*v.header_ptr()).flags } & FLAG_ATTRS != 0
    }

    /// Gives a cell a dict of attributes.
    pub fn set_attrs(&mut self, v: Value, dict: Value) {
        if v.is_ptr() {
            self.will_write(v.header_ptr());
            // SAFETY: as in `kind`; the heap is borrowed mutably.
            unsafe { (*v.header_ptr()).flags |= FLAG_ATTRS };
            self.attrs.insert(v, dict);
        }
    }

    /// What stands in a slot of a cell that is not a plain instance.
    pub fn side_slot(&self, v: Value, descriptor: Value) -> Option<Value> {
        let slots = self.slots.get(&v)?;
        let slot = slots.iter().find(|(of, _)| *of == descriptor);
        slot.map(|&(_, value)| value)
    }

    /// Stores into such a slot, or with `Value::EMPTY` empties it.
    pub fn set_side_slot(&mut self, v: Value, descriptor: Value, value: Value) {
        if !v.is_ptr() {
            return;
        }
        self.will_write(v.header_ptr());
        // SAFETY: as in `kind`; the heap is borrowed mutably.
        unsafe { (*v.header_ptr()).flags |= FLAG_ATTRS };
        let slots = self.slots.entry(v).or_default();
        slots.retain(|(of, _)| *of != descriptor);
        if !value.is_empty() {
            slots.push((descriptor, value));
        }
    }

    /// When the cell becomes unreachable it is kept once more, for
    /// `take_to_finalize` to give.
    pub fn add_finalizable(&mut self, v: Value) {
        self.finalizable.push(v);
    }

    /// Registers a new event loop.
    pub fn add_event_loop(&mut self, event_loop: Value) {
        self.event_loops.push(event_loop);
    }

    /// The event loops there are.
    pub fn event_loops(&self) -> Vec<Value> {
        self.event_loops.clone()
    }

    /// Cells found unreachable that want their finalizer called, oldest first.
    /// They are nobody's any more: the caller roots them.
    pub fn take_to_finalize(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.to_finalize)
    }

    /// The coroutines that were never started, alive or not.
    pub(crate) fn take_unawaited(&mut self) -> Vec<Value> {
        let all = std::mem::take(&mut self.finalizable);
        let unawaited = |&v: &Value| {
            self.get::<Generator>(v)
                .is_some_and(|g| g.flavor == Flavor::Coroutine && g.state == GenState::Created)
        };
        let (found, rest) = all.into_iter().partition(unawaited);
        self.finalizable = rest;
        found
    }

    /// Registers weak-reference cell `weak`, so that the collector clears it.
    pub fn add_weak(&mut self, weak: Value, target: Value) {
        if target.is_ptr() {
            // SAFETY: as in `kind`; the heap is borrowed mutably.
            unsafe { (*target.header_ptr()).flags |= FLAG_WEAK };
        }
        self.weak.push(weak);
    }

    /// The plain weak reference without a callback to an object, if there is one.
    pub fn shared_weak(&self, target: Value) -> Option<Value> {
        self.shared_weak.get(&target).copied()
    }

    /// Makes a reference the one that `shared_weak` gives for its target.
    pub fn share_weak(&mut self, weak: Value, target: Value) {
        self.shared_weak.insert(target, weak);
    }

    /// The weak references to an object: the shared one first, then the others, the latest first.
    pub fn weak_refs(&self, target: Value) -> Vec<Value> {
        // SAFETY: as in `kind`.
        if !target.is_ptr() || unsafe { (*target.header_ptr()).flags & FLAG_WEAK == 0 } {
            return Vec::new();
        }
        let shared = self.shared_weak(target);
        let refers = |w: &Value| {
            self.get::<crate::object::weak::WeakRef>(*w)
                .is_some_and(|w| w.target == target)
        };
        let others = self.weak.iter().rev().copied();
        let others = others.filter(|w| Some(*w) != shared && refers(w));
        shared.into_iter().chain(others).collect()
    }

    // ---- figures ---------------------------------------------------------------

    /// Says that the process ends with this heap: what owns nothing but memory is left to the
    /// system, which takes it back at once.
    pub fn leave_memory(&mut self) {
        self.leaves_memory = true;
    }

    /// From now on collects so often.
    pub fn set_stress(&mut self, stress: Stress) {
        self.stress = stress;
        self.countdown = self.countdown.min(self.ticks());
    }
    /// The ticks until the VM looks up when nothing is due.
    pub fn ticks(&self) -> i32 {
        match self.stress {
            Stress::Off => COUNTDOWN_TICKS,
            Stress::Whole(ticks) | Stress::Steps(ticks) => ticks,
        }
    }
    /// Whether a collection is due, or has begun.
    #[inline]
    pub fn wants_collection(&self) -> bool {
        self.bytes_since_gc >= self.gc_threshold || self.is_marking || self.stress != Stress::Off
    }
    /// Bytes live after the last collection plus those allocated since.
    pub fn used_bytes(&self) -> usize {
        self.live_bytes + self.bytes_since_gc
    }
    /// How many collections there were.
    pub fn collections(&self) -> u64 {
        self.n_collections
    }
}

/// Has the processor fetch a cell's first bytes into its cache meanwhile.
#[inline(always)]
fn prefetch(cell: *mut Header) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch reads nothing that could fault.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(cell.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = cell;
}

/// Where the tail of a cell that holds a `T` starts.
pub(crate) const fn tail_offset<T>() -> usize {
    16 + mem::size_of::<T>().next_multiple_of(8)
}

#[cold]
#[inline(never)]
#[track_caller]
fn wrong_kind(wanted: Kind, found: Option<Kind>) -> ! {
    panic!(
        "a {wanted:?} cell was expected, found {found:?}: a value outlived its root, or kinds were mixed up"
    )
}

impl Drop for Heap {
    fn drop(&mut self) {
        for &page in self.pages.iter().flatten() {
            // SAFETY: pages are ours and formatted; each cell that is not free is dropped once.
            unsafe {
                for cell in page::cells(page) {
                    // Of natives' objects alone (a file with a buffer) somebody outside hears.
                    if !self.leaves_memory || (*cell).kind == Kind::Opaque {
                        kind::drop_cell(cell);
                    }
                }
            }
        }
    }
}
