//! Buffers: which objects hold bytes that others may look at, and `memoryview`, a window on such
//! bytes: where its items stand in them. Nothing here runs script code or knows what items mean.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::heap::{Heap, Marker};
use crate::object::bytes::Bytes;
use crate::object::class::{B, Class};
use crate::object::opaque::{Native, Opaque};
use crate::value::Value;

/// The bytes of an object, and the items that they are.
pub struct Shown<'a> {
    pub bytes: &'a [u8],
    /// The code of an item, as in `struct`.
    pub code: u8,
    pub item_bytes: usize,
}

/// What tells that an object's bytes are looked at: as long as there is more than the heap's own,
/// they keep their place and number.
pub type Export = Arc<()>;

/// A `memoryview`.
pub struct MemoryView {
    /// What has the bytes: a bytes, a bytearray or a native object that shows its own.
    pub base: Value,
    /// The object that the view was asked of: `base`, or one whose `__buffer__` gave it.
    pub obj: Value,
    /// The place of the first item among the bytes of `base`.
    pub start: usize,
    /// Items in each dimension.
    pub shape: SmallVec<[usize; 1]>,
    /// From one item to the next in each dimension, in bytes.
    pub strides: SmallVec<[isize; 1]>,
    pub code: u8,
    /// Whether the format was given with an `@`.
    pub at_sign: bool,
    pub item_bytes: usize,
    pub readonly: bool,
    /// None when it is released.
    pub export: Option<Export>,
    pub hash: Option<i64>,
}

impl Native for MemoryView {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.base);
        marker.mark(self.obj);
    }
}

impl MemoryView {
    /// Another view of the same.
    pub fn again(&self) -> MemoryView {
        MemoryView {
            shape: self.shape.clone(),
            strides: self.strides.clone(),
            export: self.export.clone(),
            hash: None,
            ..*self
        }
    }

    /// The number of items.
    pub fn n_items(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn n_bytes(&self) -> usize {
        self.n_items() * self.item_bytes
    }

    /// Whether the items stand side by side, those of the last dimension closest.
    pub fn is_c_contiguous(&self) -> bool {
        self.is_contiguous(self.shape.iter().zip(&self.strides).rev())
    }

    /// Whether they stand side by side, those of the first dimension closest.
    pub fn is_f_contiguous(&self) -> bool {
        self.is_contiguous(self.shape.iter().zip(&self.strides))
    }

    fn is_contiguous<'a>(&self, dimensions: impl Iterator<Item = (&'a usize, &'a isize)>) -> bool {
        if self.n_items() == 0 {
            return true;
        }
        let mut expected = self.item_bytes as isize;
        for (&n, &stride) in dimensions {
            if n > 1 && stride != expected {
                return false;
            }
            expected *= n as isize;
        }
        true
    }

    /// Gives the place of each item in the order of the indexes.
    pub fn each_place(&self, mut body: impl FnMut(usize)) {
        if self.n_items() == 0 {
            return;
        }
        let mut index: SmallVec<[usize; 1]> = SmallVec::from_elem(0, self.shape.len());
        let mut place = self.start as isize;
        loop {
            body(place as usize);
            let mut dimension = self.shape.len();
            loop {
                let Some(d) = dimension.checked_sub(1) else {
                    return;
                };
                place += self.strides[d];
                index[d] += 1;
                if index[d] < self.shape[d] {
                    break;
                }
                place -= self.strides[d] * self.shape[d] as isize;
                index[d] = 0;
                dimension = d;
            }
        }
    }

    /// The bytes of its items, in order, of the bytes of its base.
    pub fn gather(&self, bytes: &[u8]) -> Vec<u8> {
        if self.is_c_contiguous() {
            let end = self.start + self.n_bytes();
            return bytes.get(self.start..end).unwrap_or_default().to_vec();
        }
        let mut out = Vec::with_capacity(self.n_bytes());
        self.each_place(|at| {
            let item = bytes.get(at..at + self.item_bytes);
            out.extend_from_slice(item.unwrap_or_default());
        });
        out
    }
}

impl Heap {
    /// The bytes that an object holds itself; None for a view and for all that has none.
    pub fn shown(&self, v: Value) -> Option<Shown<'_>> {
        if let Some(bytes) = self.get::<Bytes>(v) {
            return Some(Shown {
                bytes: &bytes.data,
                code: b'B',
                item_bytes: 1,
            });
        }
        self.get::<Opaque>(v)?.shown()
    }

    /// As `shown`, to be written.
    pub fn shown_mut(&mut self, v: Value) -> Option<&mut [u8]> {
        if self.get::<Bytes>(v).is_some() {
            return Some(&mut self.cell_mut::<Bytes>(v).data);
        }
        self.get_mut::<Opaque>(v)?.shown_mut()
    }

    /// A view of all the bytes of an object that shows its own.
    pub fn view_of(&mut self, v: Value, readonly: bool) -> Option<MemoryView> {
        let Shown {
            bytes,
            code,
            item_bytes,
        } = self.shown(v)?;
        let n_items = bytes.len() / item_bytes;
        let export = match readonly {
            true => Export::default(),
            false => self.export(v),
        };
        Some(MemoryView {
            base: v,
            obj: v,
            start: 0,
            shape: SmallVec::from_elem(n_items, 1),
            strides: SmallVec::from_elem(item_bytes as isize, 1),
            code,
            at_sign: false,
            item_bytes,
            readonly,
            export: Some(export),
            hash: None,
        })
    }

    /// Notes that the bytes of `v` are looked at until the result is dropped.
    fn export(&mut self, v: Value) -> Export {
        if self.exports.len() == self.exports.capacity() {
            self.exports
                .retain(|_, export| Arc::strong_count(export) > 1);
        }
        self.exports.entry(v).or_default().clone()
    }

    /// Whether somebody looks at the bytes of `v`, garbage included.
    pub fn is_exported(&self, v: Value) -> bool {
        !self.exports.is_empty()
            && self
                .exports
                .get(&v)
                .is_some_and(|export| Arc::strong_count(export) > 1)
    }

    /// Whether what an object shows can be written.
    pub fn is_writable(&self, v: Value) -> bool {
        self.get::<Bytes>(v).is_none()
            || self.cell::<Class>(self.class_of(v)).builtin_base == B::ByteArray
    }
}
