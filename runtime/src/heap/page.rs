//! Pages and size classes: where cells lie. Knows nothing of what they hold.

use super::{Header, Kind};

pub const PAGE_SIZE: usize = 64 << 10;
pub const CELL_SIZE_MAX: usize = 2048;

/// Cell sizes in bytes, ascending, multiples of 16.
const SIZES: [usize; 24] = [
    32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 256, 288, 320, 384, 448, 512, 640,
    768, 1024, 1536, 2048,
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
    /// How many cells fit.
    n_max: u32,
    /// How many were made: those behind them were never written.
    n_cells: u32,
    _pad: u32,
}

/// How many bytes of a page become cells at once: what is never asked for is never touched.
const SLICE: usize = 4096;

/// Turns fresh memory into a page of `class` without cells.
///
/// # Safety
/// `page` points to `PAGE_SIZE` writable bytes that nobody else uses.
pub unsafe fn format(page: *mut PageHead, class: usize) {
    let size = SIZES[class];
    let head = PageHead {
        cell_size: size as u32,
        n_max: ((PAGE_SIZE - size_of::<PageHead>()) / size) as u32,
        n_cells: 0,
        _pad: 0,
    };
    // SAFETY: the caller's promise.
    unsafe { page.write(head) };
}

/// Makes the next few cells of a page, free and chained in the order of their addresses; null
/// where the page is full.
///
/// # Safety
/// `page` was formatted, and nobody else uses it meanwhile.
pub unsafe fn more_cells(page: *mut PageHead, flags: u8) -> *mut Header {
    // SAFETY: the caller's promise; all cells up to `n_max` lie in the page.
    unsafe {
        let head = &mut *page;
        let size = head.cell_size as usize;
        let from = head.n_cells as usize;
        let to = (from + (SLICE / size).max(1)).min(head.n_max as usize);
        let first = page.add(1).cast::<u8>();
        let mut next = std::ptr::null_mut();
        for i in (from..to).rev() {
            let cell = first.add(i * size).cast::<Header>();
            cell.write(Header::FREE);
            make_free(cell, next, flags);
            next = cell;
        }
        head.n_cells = to as u32;
        next
    }
}

/// The class of a page's cells.
///
/// # Safety
/// `page` was formatted.
pub unsafe fn class_of(page: *mut PageHead) -> usize {
    // SAFETY: the caller's promise.
    class_of_size(unsafe { (*page).cell_size } as usize)
}

/// Every cell of a page that was made, free ones too.
///
/// # Safety
/// `page` was formatted and is still mapped while the iterator is used.
#[inline(always)]
pub unsafe fn cells(page: *mut PageHead) -> impl Iterator<Item = *mut Header> {
    // SAFETY: the caller's promise.
    let (size, n) = unsafe { ((*page).cell_size as usize, (*page).n_cells as usize) };
    let first = page.wrapping_add(1).cast::<u8>();
    (0..n).map(move |i| first.wrapping_add(i * size).cast())
}

/// As `cells`, from the last to the first: a list that each is put in front of
/// has the order of addresses.
///
/// # Safety
/// As `cells`.
#[inline(always)]
pub unsafe fn cells_backwards(page: *mut PageHead) -> impl Iterator<Item = *mut Header> {
    // SAFETY: the caller's promise.
    let (size, n) = unsafe { ((*page).cell_size as usize, (*page).n_cells as usize) };
    let mut left = n;
    let mut cell = page.wrapping_add(1).cast::<u8>().wrapping_add(n * size);
    std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        cell = cell.wrapping_sub(size);
        Some(cell.cast())
    })
}

/// Where a free cell keeps its link: behind the header.
#[inline(always)]
pub fn next_link(cell: *mut Header) -> *mut *mut Header {
    cell.wrapping_add(1).cast()
}

/// Makes a cell free and links it to `next`; `flags` tell on which list it is (see `Heap::sweep_page`).
///
/// # Safety
/// `cell` is a cell of a page, nothing in it needs dropping any more.
#[inline(always)]
pub unsafe fn make_free(cell: *mut Header, next: *mut Header, flags: u8) {
    // SAFETY: the caller's promise; a cell has at least 32 bytes.
    unsafe {
        (*cell).kind = Kind::Free;
        (*cell).flags = flags;
        *next_link(cell) = next;
    }
}
