//! Ways to what a cell holds, each behind a comparison of its kind; those that may write tell the
//! collector while it marks (the barrier, see `mark`).

use std::cell::Cell;

use super::{Header, Heap, Kind, Object, ShapeId, tail_offset};
use crate::value::Value;

impl Heap {
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
    pub(super) fn will_write(&mut self, cell: *mut Header) {
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
}

/// Has the processor fetch a cell's first bytes into its cache meanwhile.
#[inline(always)]
pub(super) fn prefetch(cell: *mut Header) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch reads nothing that could fault.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(cell.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = cell;
}

#[cold]
#[inline(never)]
#[track_caller]
fn wrong_kind(wanted: Kind, found: Option<Kind>) -> ! {
    panic!(
        "a {wanted:?} cell was expected, found {found:?}: a value outlived its root, or kinds were mixed up"
    )
}
