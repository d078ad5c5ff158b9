//! Concatenation and repetition of str, bytes, bytearray, list and tuple.
//! Lengths are checked before anything is made.

use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::bytes::Bytes;
use crate::object::class::B;
use crate::object::list::List;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// `a + b` of two sequences of a kind; None when they are not.
    pub(crate) fn concat(&mut self, a: Value, b: Value) -> PyResult<Option<Value>> {
        let Some(kind) = self.heap.kind(a) else {
            return Ok(None);
        };
        if kind == Kind::Bytes && self.heap.kind(b) != Some(kind) {
            return self.concat_bytes_like(a, b);
        }
        if self.heap.kind(b) != Some(kind) {
            return Ok(None);
        }
        match kind {
            Kind::Str => {
                let len = self.heap.text(a).len() + self.heap.text(b).len();
                if len > 1 << 20 {
                    self.check_size(len)?;
                }
                let text = self.heap.text(a).append(self.heap.text(b));
                Ok(Some(self.heap.str(text)))
            }
            Kind::List => {
                let n =
                    self.heap.cell::<List>(a).items.len() + self.heap.cell::<List>(b).items.len();
                self.check_items(n)?;
                let mut items = Vec::with_capacity(n);
                items.extend_from_slice(&self.heap.cell::<List>(a).items);
                items.extend_from_slice(&self.heap.cell::<List>(b).items);
                Ok(Some(self.heap.list(items)))
            }
            Kind::Tuple => {
                let (x, y) = (self.heap.tuple_items(a), self.heap.tuple_items(b));
                // CPython gives the other one back when one is empty and exact.
                if y.is_empty() && self.heap.is_exact(a, B::Tuple) {
                    return Ok(Some(a));
                }
                if x.is_empty() && self.heap.is_exact(b, B::Tuple) {
                    return Ok(Some(b));
                }
                self.check_items(x.len() + y.len())?;
                let items = [self.heap.tuple_items(a), self.heap.tuple_items(b)].concat();
                Ok(Some(self.heap.tuple_of_vec(items)))
            }
            Kind::Bytes => {
                let len = |v| self.heap.cell::<Bytes>(v).data.len();
                self.check_size(len(a) + len(b))?;
                let data = [
                    &self.heap.cell::<Bytes>(a).data[..],
                    &self.heap.cell::<Bytes>(b).data[..],
                ]
                .concat();
                let base = self.bytes_class(a);
                Ok(Some(self.heap.bytes_of(base, data)))
            }
            _ => Ok(None),
        }
    }

    /// bytes or a bytearray and what has bytes to show; None for what has none.
    fn concat_bytes_like(&mut self, a: Value, b: Value) -> PyResult<Option<Value>> {
        let Some(more) = self.bytes_or_none(b) else {
            return Ok(None);
        };
        self.check_size(self.heap.cell::<Bytes>(a).data.len() + more.len())?;
        let data = [&self.heap.cell::<Bytes>(a).data[..], &more].concat();
        let base = self.bytes_class(a);
        Ok(Some(self.heap.bytes_of(base, data)))
    }

    /// bytes or bytearray, by the layout of `v`.
    pub(crate) fn bytes_class(&self, v: Value) -> B {
        if self.is_instance_of(v, B::ByteArray) {
            B::ByteArray
        } else {
            B::Bytes
        }
    }

    /// The TypeError of `a + b` where `a` is a sequence.
    #[cold]
    pub(crate) fn concat_error(&mut self, a: Value, b: Value) -> Raised {
        let other = self.type_name(b);
        let own = match self.heap.kind(a) {
            Some(Kind::List) => "list",
            Some(Kind::Tuple) => "tuple",
            Some(Kind::Str) => "str",
            _ => {
                let [own, other] = [a, b].map(|v| self.type_name_within(v, 100));
                return self.type_error(format!("can't concat {other} to {own}"));
            }
        };
        self.type_error(format!(
            "can only concatenate {own} (not \"{other}\") to {own}"
        ))
    }

    /// The TypeError of a sequence times `times`.
    #[cold]
    pub(crate) fn repeat_error(&mut self, times: Value) -> Raised {
        let name = self.type_name(times);
        self.type_error(format!(
            "can't multiply sequence by non-int of type '{name}'"
        ))
    }

    /// `seq * times`; None when `times` is no index.
    pub(crate) fn repeat(&mut self, seq: Value, times: Value) -> PyResult<Option<Value>> {
        if !self.has_index(times) {
            return Ok(None);
        }
        let times = self.index_i64(times)?.max(0) as usize;
        match self.heap.kind(seq) {
            Some(Kind::Str) => {
                let text = self.heap.text(seq);
                let (len, width) = (text.len(), text.unit_bytes());
                if times == 1 && self.heap.is_exact(seq, B::Str) {
                    return Ok(Some(seq));
                }
                match len.checked_mul(times).filter(|&n| n <= isize::MAX as usize) {
                    None => return Err(self.overflow_error("repeated string is too long")),
                    Some(n) => self.check_size(n.saturating_mul(width))?,
                }
                let text = self.heap.text(seq).repeat(times);
                Ok(Some(self.heap.str(text)))
            }
            Some(Kind::List) => {
                let n = self.heap.cell::<List>(seq).items.len();
                self.check_items(n.saturating_mul(times))?;
                let items = self.heap.cell::<List>(seq).items.repeat(times);
                Ok(Some(self.heap.list(items)))
            }
            Some(Kind::Tuple) => {
                if times == 1 && self.heap.is_exact(seq, B::Tuple) {
                    return Ok(Some(seq));
                }
                let n = self.heap.tuple_items(seq).len();
                self.check_items(n.saturating_mul(times))?;
                let items = self.heap.tuple_items(seq).repeat(times);
                Ok(Some(self.heap.tuple_of_vec(items)))
            }
            Some(Kind::Bytes) => {
                let n = self.heap.cell::<Bytes>(seq).data.len();
                let size = n.saturating_mul(times);
                if size > isize::MAX as usize && self.bytes_class(seq) == B::Bytes {
                    return Err(self.overflow_error("repeated bytes are too long"));
                }
                self.check_size(size)?;
                let data = self.heap.cell::<Bytes>(seq).data.repeat(times);
                let base = self.bytes_class(seq);
                Ok(Some(self.heap.bytes_of(base, data)))
            }
            _ => Ok(None),
        }
    }

    /// `seq *= times` of a list or bytearray; None when it is neither, or
    /// `times` no index.
    pub(crate) fn repeat_in_place(&mut self, seq: Value, times: Value) -> PyResult<Option<Value>> {
        if !self.has_index(times) {
            return Ok(None);
        }
        if self.heap.kind(seq) == Some(Kind::Bytes) && self.bytes_class(seq) == B::Bytes {
            return Ok(None);
        }
        let times = self.index_i64(times)?.max(0) as usize;
        if let Some(list) = self.heap.get::<List>(seq) {
            let n = list.items.len();
            self.check_items(n.saturating_mul(times))?;
            let items = self.heap.cell::<List>(seq).items.repeat(times);
            self.heap.charge(items.capacity() * 8);
            self.heap.cell_mut::<List>(seq).items = items;
        } else if let Some(bytes) = self.heap.get::<Bytes>(seq) {
            let n = bytes.data.len();
            self.check_size(n.saturating_mul(times))?;
            if n > 0 && times != 1 {
                self.check_bytearray_resizable(seq)?;
            }
            let data = self.heap.cell::<Bytes>(seq).data.repeat(times);
            self.heap.charge(data.capacity());
            self.heap.cell_mut::<Bytes>(seq).data = data;
        }
        Ok(Some(seq))
    }

    /// `a += b` of a bytearray; None for bytes.
    pub(crate) fn bytes_extend(&mut self, a: Value, b: Value) -> PyResult<Option<Value>> {
        if self.bytes_class(a) == B::Bytes {
            return Ok(None);
        }
        let Some(more) = self.bytes_or_none(b) else {
            return Err(self.concat_error(a, b));
        };
        if !more.is_empty() {
            self.check_bytearray_resizable(a)?;
        }
        self.grow_bytearray(a, more.len())?;
        self.heap.cell_mut::<Bytes>(a).data.extend_from_slice(&more);
        Ok(Some(a))
    }

    /// Makes room for `more` bytes in a bytearray.
    ///
    /// # Errors
    /// MemoryError.
    pub fn grow_bytearray(&mut self, array: Value, more: usize) -> PyResult<()> {
        let data = &self.heap.cell::<Bytes>(array).data;
        let (len, before) = (data.len(), data.capacity());
        self.check_growth(len, before, more, 1)?;
        let data = &mut self.heap.cell_mut::<Bytes>(array).data;
        data.reserve(more);
        let grown = data.capacity() - before;
        self.heap.charge(grown);
        Ok(())
    }

    /// Appends to a list.
    ///
    /// # Errors
    /// MemoryError.
    ///
    /// # Panics
    /// If `list` is not a list cell.
    #[inline]
    pub fn list_append(&mut self, list: Value, item: Value) -> PyResult<()> {
        let items = &self.heap.cell::<List>(list).items;
        if items.len() == items.capacity() {
            self.check_list_growth(list, 1)?;
        }
        self.heap.list_push(list, item);
        Ok(())
    }

    /// Raises MemoryError rather than let a list grow by `n` items beyond the cap.
    ///
    /// # Errors
    /// MemoryError.
    #[inline]
    pub fn check_list_growth(&mut self, list: Value, n: usize) -> PyResult<()> {
        let items = &self.heap.cell::<List>(list).items;
        self.check_growth(items.len(), items.capacity(), n, size_of::<Value>())
    }

    /// Raises MemoryError rather than let something that grows as `Vec` does, of `len` items in
    /// room for `capacity`, get `more` of them beyond the cap.
    ///
    /// # Errors
    /// MemoryError.
    #[inline]
    pub fn check_growth(
        &mut self,
        len: usize,
        capacity: usize,
        more: usize,
        item_bytes: usize,
    ) -> PyResult<()> {
        if capacity - len >= more {
            return Ok(());
        }
        // What it holds now stays until it is moved.
        let grown = capacity.saturating_mul(2).max(len.saturating_add(more));
        self.check_size(grown.saturating_mul(item_bytes))
    }

    /// Raises MemoryError rather than let `n` values be allocated beyond the cap.
    ///
    /// # Errors
    /// MemoryError.
    pub fn check_items(&mut self, n: usize) -> PyResult<()> {
        self.check_size(n.saturating_mul(size_of::<Value>()))
    }
}

impl crate::heap::Heap {
    /// A new bytes or bytearray.
    pub fn bytes_of(&mut self, class: B, data: Vec<u8>) -> Value {
        self.charge(data.capacity());
        self.alloc(class.shape(), Bytes { data })
    }
}
