//! The allocator: mimalloc, but a block that grows beyond a few megabytes
//! becomes a mapping of its own, which the system moves by its page tables. A
//! list or a queue of a million items grows without being copied and touched
//! anew at each doubling; that was half of the page faults of a million tasks.

use std::alloc::{GlobalAlloc, Layout};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use libmimalloc_sys::mi_malloc;
use mimalloc::MiMalloc;

pub struct Allocator;

/// A block that grows to this size or more is moved to a mapping.
const LARGE: usize = 4 << 20;

/// What every block of mimalloc is aligned to, however small (MI_MAX_ALIGN_SIZE
/// is 16, but for blocks of 8 bytes): asking for it by name costs a test or two.
const ALIGN_ALWAYS: usize = 8;

/// Where the mappings lie. Its own nodes are small blocks.
static MAPPINGS: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

fn mappings() -> MutexGuard<'static, BTreeSet<usize>> {
    MAPPINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the block, of `size` bytes, is a mapping: no smaller one is.
fn is_mapping(block: *mut u8, size: usize) -> bool {
    size >= LARGE && mappings().contains(&block.addr())
}

// SAFETY: a block goes back to where it came from: it is a mapping if and only
// if its address stands in `MAPPINGS`, from `grow` to `dealloc`.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGN_ALWAYS {
            // SAFETY: any size will do.
            return unsafe { mi_malloc(layout.size()) }.cast();
        }
        // SAFETY: the caller's promise.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.size() >= LARGE && mappings().remove(&block.addr()) {
            // SAFETY: a mapping of this size, that nobody uses any more.
            unsafe { system::unmap(block, layout.size()) };
            return;
        }
        // SAFETY: the caller's promise, and it is none of the mappings.
        unsafe { MiMalloc.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let is_large = new_size >= LARGE && layout.align() <= system::ALIGN;
        match is_mapping(block, layout.size()) {
            true if is_large => {
                // Another thread may get the address as soon as it is free.
                let mut mappings = mappings();
                // SAFETY: a mapping of that size; from here on it is where it was moved to.
                let moved = unsafe { system::resize(block, layout.size(), new_size) };
                if !moved.is_null() {
                    mappings.remove(&block.addr());
                    mappings.insert(moved.addr());
                }
                moved
            }
            false if is_large && new_size > layout.size() => {
                let moved = system::map(new_size);
                // SAFETY: the caller's promise; both blocks hold what is copied.
                unsafe { self.replace(block, layout, moved, layout.size(), true) }
            }
            true => {
                // SAFETY: the caller's promise: the size fits the alignment and isn't 0.
                let moved = unsafe {
                    let new = Layout::from_size_align_unchecked(new_size, layout.align());
                    MiMalloc.alloc(new)
                };
                // SAFETY: as above; the new block is the smaller one.
                unsafe { self.replace(block, layout, moved, new_size, false) }
            }
            // SAFETY: the caller's promise, and it is none of the mappings.
            false => unsafe { MiMalloc.realloc(block, layout, new_size) },
        }
    }
}

impl Allocator {
    /// Copies `n_kept` bytes of a block to `moved`, which takes its place unless it is null.
    ///
    /// # Safety
    /// `block` was given for `layout`; both hold that many bytes.
    unsafe fn replace(
        &self,
        block: *mut u8,
        layout: Layout,
        moved: *mut u8,
        n_kept: usize,
        is_mapping: bool,
    ) -> *mut u8 {
        if moved.is_null() {
            return moved;
        }
        if is_mapping {
            mappings().insert(moved.addr());
        }
        // SAFETY: the caller's promise; a new block doesn't overlap an old one.
        unsafe {
            std::ptr::copy_nonoverlapping(block, moved, n_kept);
            self.dealloc(block, layout);
        }
        moved
    }
}

mod system {
    use nix::sys::mman::{
        MRemapFlags, MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, mremap, munmap,
    };
    use std::ffi::c_void;
    use std::num::NonZeroUsize;
    use std::ptr::{self, NonNull};

    /// What every mapping is aligned to at least.
    pub const ALIGN: usize = 4096;

    /// Asks for large pages: a first touch then costs one fault for 2 MiB instead of 512.
    fn with_large_pages(mapped: nix::Result<NonNull<c_void>>, size: usize) -> *mut u8 {
        let Ok(start) = mapped else {
            return ptr::null_mut();
        };
        // A system without large pages goes on with small ones.
        // SAFETY: the memory is ours, and the advice changes nothing that a program can see.
        let _ = unsafe { madvise(start, size, MmapAdvise::MADV_HUGEPAGE) };
        start.as_ptr().cast()
    }

    /// Null where there is no room.
    pub fn map(size: usize) -> *mut u8 {
        let Some(length) = NonZeroUsize::new(size) else {
            return ptr::null_mut();
        };
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
        // SAFETY: a fresh mapping anywhere; nobody else knows of it.
        let mapped = unsafe { mmap_anonymous(None, length, access, flags) };
        with_large_pages(mapped, size)
    }

    /// # Safety
    /// `block` is a mapping of this size and not used again.
    pub unsafe fn unmap(block: *mut u8, size: usize) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: the caller's promise.
            let _ = unsafe { munmap(block.cast(), size) };
        }
    }

    /// Null where there is no room, and then all is as it was.
    ///
    /// # Safety
    /// `block` is a mapping of `old` bytes; what this gives takes its place.
    pub unsafe fn resize(block: *mut u8, old: usize, new: usize) -> *mut u8 {
        let Some(block) = NonNull::new(block) else {
            return ptr::null_mut();
        };
        let flags = MRemapFlags::MREMAP_MAYMOVE;
        // SAFETY: the caller's promise.
        let mapped = unsafe { mremap(block.cast(), old, new, flags, None) };
        with_large_pages(mapped, new)
    }
}

#[cfg(test)]
mod tests {
    use super::{LARGE, is_mapping};

    fn mapped(v: &Vec<u64>) -> bool {
        is_mapping(v.as_ptr().cast_mut().cast(), v.capacity() * 8)
    }

    #[test]
    fn a_vector_keeps_its_items_on_the_way_to_a_mapping_and_back() {
        let n = 4 * LARGE as u64 / 8;
        let mut v: Vec<u64> = Vec::new();
        let mut n_moves = 0;
        for i in 0..n {
            let before = v.as_ptr();
            v.push(i);
            n_moves += usize::from(v.as_ptr() != before);
        }
        assert!(n_moves > 3);
        assert!(mapped(&v), "it grew beyond the limit");
        assert!(v.iter().copied().eq(0..n));
        v.truncate(LARGE / 16);
        v.shrink_to_fit();
        assert!(!mapped(&v), "it is small again");
        assert!(v.iter().copied().eq(0..LARGE as u64 / 16));
    }

    #[test]
    fn a_block_made_large_at_once_is_no_mapping_until_it_grows() {
        let mut v = vec![7_u64; LARGE / 8];
        assert!(!mapped(&v));
        v.extend_from_slice(&vec![8; LARGE / 8]);
        assert!(mapped(&v));
        assert_eq!((v[LARGE / 8 - 1], v[LARGE / 8]), (7, 8));
        let addr = v.as_mut_ptr().cast::<u8>();
        drop(v);
        assert!(!is_mapping(addr, 2 * LARGE));
    }
}
