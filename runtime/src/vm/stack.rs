//! The value stack of a VM: one block that never moves, so that frames and
//! natives may point into it. It is zeroed lazily by the system; a value is
//! written before it is read.

use std::alloc::{self, Layout};

use crate::value::Value;

/// Values in the block: some 80,000 frames of ordinary size.
pub const STACK_VALUES: usize = (1 << 20) - 8;

/// Values beyond `STACK_VALUES` that clearing may overwrite.
const MARGIN: usize = 8;

/// The block.
pub struct Stack {
    base: *mut Value,
}

impl Stack {
    pub fn new() -> Stack {
        let layout = Self::layout();
        // SAFETY: the layout's size is not zero.
        let base = unsafe { alloc::alloc_zeroed(layout) }.cast::<Value>();
        if base.is_null() {
            alloc::handle_alloc_error(layout);
        }
        Stack { base }
    }

    fn layout() -> Layout {
        Layout::array::<Value>(STACK_VALUES + MARGIN).expect("the stack's size fits a layout")
    }

    /// Pointer to value `index`.
    #[inline(always)]
    pub fn at(&self, index: usize) -> *mut Value {
        debug_assert!(index <= STACK_VALUES);
        self.base.wrapping_add(index)
    }

    /// Index of a value of the block.
    #[inline(always)]
    pub fn index_of(&self, p: *mut Value) -> usize {
        (p as usize - self.base as usize) / size_of::<Value>()
    }

    /// The first `n` values.
    ///
    /// # Safety
    /// They have been written.
    pub unsafe fn used(&self, n: usize) -> &[Value] {
        // SAFETY: the caller's promise; `n` is within the block.
        unsafe { std::slice::from_raw_parts(self.base, n) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout.
        unsafe { alloc::dealloc(self.base.cast(), Self::layout()) }
    }
}

/// Marks the first `n` values.
pub fn mark_used(stack: &Stack, n: usize, marker: &mut crate::heap::Marker) {
    // SAFETY: values below the VM's `sp` have been written.
    marker.mark_all(unsafe { stack.used(n) });
}
