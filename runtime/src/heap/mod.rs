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

mod access;
mod chunk;
mod gc;
mod kind;
mod mark;
mod page;
mod release;
mod side_tables;
#[cfg(test)]
mod tests;

pub use kind::Kind;
pub use mark::{Marker, PART};

use std::mem;
use std::ops::Range;
use std::ptr;

use crate::counts::Counts;
use crate::object::buffer::Export;
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
    /// What stands in the `__slots__` of such cells, by the slot's number.
    slots: hashbrown::HashMap<Value, Vec<(u16, Value)>>,
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
    /// What lost a variable, for the sake of which the next collection is made.
    letting_go: Option<Value>,
    /// Bytes that may still be marked in collections that a variable's loss asks for.
    release_credit: usize,
    pub(crate) interned: hashbrown::HashTable<Value>,
    pub(crate) recent_names: RecentNames,
    /// The strs of one code point below 256, as far as they were asked for.
    pub(crate) latin1: Box<[Value; 256]>,
    /// The one tuple without items, once one was asked for.
    pub(crate) empty_tuple: Value,
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
            letting_go: None,
            release_credit: release::RELEASE_CREDIT,
            interned: hashbrown::HashTable::new(),
            recent_names: RecentNames::default(),
            latin1: Box::new([Value::EMPTY; 256]),
            empty_tuple: Value::EMPTY,
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
    /// Bytes live after the last collection.
    pub fn live_bytes(&self) -> usize {
        self.live_bytes
    }
    /// Has the next safepoint collect, however little was allocated since the last time.
    pub fn collect_soon(&mut self) {
        self.gc_threshold = self.bytes_since_gc;
        self.countdown = 0;
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

/// Where the tail of a cell that holds a `T` starts.
pub(crate) const fn tail_offset<T>() -> usize {
    16 + mem::size_of::<T>().next_multiple_of(8)
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
