//! Pages and size classes: where cells lie. Knows nothing of what they hold.

use super::{Header, Kind};

pub const PAGE_SIZE: usize = 64 << 10;
pub const CELL_SIZE_MAX: usize = 2048;

/// Cell sizes in bytes, ascending, multiples of 16.
const SIZES: [usize; 20] = [
    32, 48, 64, 80, 96, 112, 128, 144, 160, 192, 224, 256, 320, 384, 512, 640, 768, 1024, 1536,
    2048,
];
pub const N_CLASSES: usize = SIZES.len();

/// Class by (size + 15) / 16.
const CLASS_OF: [u8; CELL_SIZE_MAX / 16 + 1] = {
    let mut table = [0u8; CELL_SIZE_MAX / 16 + 1];
    let mut granules = 0;
    let mut class = 0;
    while granules < table.len() {
        while SIZES[class] < granules * 16 {
            class += 1;
        }
        table[granules] = class as u8;
        granules += 1;
    }
    table
};

/// The class whose cells hold `size <= CELL_SIZE_MAX` bytes.
#[inline(always)]
pub fn class_of_size(size: usize) -> usize {
    CLASS_OF[size.div_ceil(16)] as usize
}

#[inline(always)]
pub fn size_of_class(class: usize) -> usize {
    SIZES[class]
}

/// The first 16 bytes of a page.
#[repr(C, align(16))]
pub struct PageHead {
    cell_size: u32,
    n_cells: u32,
    _pad: u64,
}

/// Turns a fresh page into free cells of `class`, chained in address order;
/// gives the first.
///
/// # Safety
/// `page` points to `PAGE_SIZE` writable bytes that nobody else uses.
pub unsafe fn format(page: *mut PageHead, class: usize) -> *mut Header {
    let size = SIZES[class];
    let n = (PAGE_SIZE - size_of::<PageHead>()) / size;
    // SAFETY: `n` cells of `size` bytes fit the page behind its head.
    unsafe {
        page.write(PageHead {
            cell_size: size as u32,
            n_cells: n as u32,
            _pad: 0,
        });
        let first = page.add(1).cast::<u8>();
        for i in (0..n).rev() {
            let next = if i + 1 < n {
                first.add((i + 1) * size).cast()
            } else {
                std::ptr::null_mut()
            };
            let cell = first.add(i * size).cast::<Header>();
            cell.write(Header::FREE);
            make_free(cell, next);
        }
        first.cast()
    }
}

/// Every cell of a page, free ones too.
///
/// # Safety
/// `page` was formatted and is still mapped while the iterator is used.
pub unsafe fn cells(page: *mut PageHead) -> impl Iterator<Item = *mut Header> {
    // SAFETY: the caller's promise.
    let (size, n) = unsafe { ((*page).cell_size as usize, (*page).n_cells as usize) };
    let first = page.wrapping_add(1).cast::<u8>();
    (0..n).map(move |i| first.wrapping_add(i * size).cast())
}

/// Where a free cell keeps its link: behind the header.
#[inline(always)]
pub fn next_link(cell: *mut Header) -> *mut *mut Header {
    cell.wrapping_add(1).cast()
}

/// Makes a cell free and links it to `next`.
///
/// # Safety
/// `cell` is a cell of a page, nothing in it needs dropping any more.
#[inline(always)]
pub unsafe fn make_free(cell: *mut Header, next: *mut Header) {
    // SAFETY: the caller's promise; a cell has at least 32 bytes.
    unsafe {
        (*cell).kind = Kind::Free;
        *next_link(cell) = next;
    }
}
