//! Where pages come from: regions of address space, asked of the system one at a time and given
//! back when the heap goes. Knows nothing of what a page holds.
//!
//! A region is address space only until it is touched. Behind its first 2 MiB the system is asked
//! to back it by large pages: a first touch then costs one fault for 2 MiB instead of 512, which
//! was most of the system's time in a heap of hundreds of megabytes
//! (docs/decisions/0008-sweeping-and-large-pages.md).

use std::ptr;

use super::page::{PAGE_SIZE, PageHead};

/// A multiple of what the system takes for a large page.
const REGION_SIZE: usize = 32 << 20;
const LARGE_PAGE: usize = 2 << 20;

/// See the module's text.
pub struct Chunks {
    regions: Vec<Region>,
    /// The first page of the last region that was not given yet.
    next: *mut u8,
    n_left: usize,
}

impl Chunks {
    pub fn new() -> Chunks {
        Chunks {
            regions: Vec::new(),
            next: ptr::null_mut(),
            n_left: 0,
        }
    }

    /// Memory for a page, aligned to its size, not written yet.
    #[cold]
    pub fn page(&mut self) -> *mut PageHead {
        if self.n_left == 0 {
            let region = Region::new();
            if self.regions.is_empty() {
                region.ask_for_large_pages(LARGE_PAGE);
            } else {
                region.ask_for_large_pages(0);
            }
            self.next = region.start;
            self.n_left = REGION_SIZE / PAGE_SIZE;
            self.regions.push(region);
        }
        let page = self.next;
        self.next = page.wrapping_add(PAGE_SIZE);
        self.n_left -= 1;
        page.cast()
    }
}

/// `REGION_SIZE` bytes from `start`, which is aligned to a large page.
struct Region {
    start: *mut u8,
    #[cfg(all(target_os = "linux", not(miri)))]
    mapped: ptr::NonNull<std::ffi::c_void>,
}

#[cfg(all(target_os = "linux", not(miri)))]
mod system {
    use super::{LARGE_PAGE, REGION_SIZE, Region};
    use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, munmap};
    use std::num::NonZeroUsize;
    use std::ptr::NonNull;

    const MAPPED: usize = REGION_SIZE + LARGE_PAGE;

    impl Region {
        pub fn new() -> Region {
            let length = NonZeroUsize::new(MAPPED).expect("a constant");
            let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
            let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
            // SAFETY: a fresh mapping anywhere; nobody else knows of it.
            let mapped = unsafe { mmap_anonymous(None, length, access, flags) };
            let Ok(mapped) = mapped else {
                let layout = std::alloc::Layout::new::<[u8; MAPPED]>();
                std::alloc::handle_alloc_error(layout)
            };
            let start = mapped.as_ptr().cast::<u8>();
            let start = start.wrapping_add(start.align_offset(LARGE_PAGE));
            Region { start, mapped }
        }

        /// For what lies behind the first `from` bytes.
        pub fn ask_for_large_pages(&self, from: usize) {
            let Some(start) = NonNull::new(self.start.wrapping_add(from).cast()) else {
                return;
            };
            // A system without large pages goes on with small ones.
            // SAFETY: the memory is ours, and the advice changes nothing that a program can see.
            let _ = unsafe { madvise(start, REGION_SIZE - from, MmapAdvise::MADV_HUGEPAGE) };
        }
    }

    impl Drop for Region {
        fn drop(&mut self) {
            // SAFETY: it was mapped with this length, and its pages go with the heap.
            let _ = unsafe { munmap(self.mapped, MAPPED) };
        }
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod system {
    use super::{LARGE_PAGE, REGION_SIZE, Region};
    use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};

    fn layout() -> Layout {
        Layout::from_size_align(REGION_SIZE, LARGE_PAGE).expect("a power of two")
    }

    impl Region {
        pub fn new() -> Region {
            // SAFETY: the layout's size is not zero.
            let start = unsafe { alloc(layout()) };
            if start.is_null() {
                handle_alloc_error(layout());
            }
            Region { start }
        }

        pub fn ask_for_large_pages(&self, _from: usize) {}
    }

    impl Drop for Region {
        fn drop(&mut self) {
            // SAFETY: it was allocated with this layout, and its pages go with the heap.
            unsafe { dealloc(self.start, layout()) };
        }
    }
}
