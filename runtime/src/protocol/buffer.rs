//! The buffer protocol: the bytes of bytes-like objects, read, written and viewed. A script's class
//! has its bytes by a `__buffer__` that gives a memoryview.

use crate::native::{PyResult, Raised};
use crate::object::buffer::MemoryView;
use crate::object::class::B;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// `inspect.BufferFlags.FULL_RO`: what natives ask a script's `__buffer__` for.
const FULL_RO: i64 = 0x11c;
/// `inspect.BufferFlags.WRITABLE`.
pub const WRITABLE: i64 = 1;

impl Vm {
    /// Whether `v` is a bytes-like object.
    pub fn is_bytes_like(&mut self, v: Value) -> bool {
        self.heap.shown(v).is_some()
            || self.heap.native::<MemoryView>(v).is_some()
            || v.is_ptr() && self.special(v, N::buffer).is_some()
    }

    /// The bytes of a bytes-like object; None for all others.
    ///
    /// # Errors
    /// ValueError for a released view, BufferError for one with gaps; what `__buffer__` raises.
    pub fn bytes_like(&mut self, v: Value) -> PyResult<Option<Vec<u8>>> {
        self.read_bytes(v, false)
    }

    /// As `bytes_like`; of a view with gaps, its items side by side.
    ///
    /// # Errors
    /// ValueError for a released view; what `__buffer__` raises.
    pub fn bytes_gathered(&mut self, v: Value) -> PyResult<Option<Vec<u8>>> {
        self.read_bytes(v, true)
    }

    /// As `bytes_like`, where any error means that it is none.
    pub fn bytes_or_none(&mut self, v: Value) -> Option<Vec<u8>> {
        self.bytes_like(v).ok().flatten()
    }

    fn read_bytes(&mut self, v: Value, with_gaps: bool) -> PyResult<Option<Vec<u8>>> {
        if let Some(shown) = self.heap.shown(v) {
            return Ok(Some(shown.bytes.to_vec()));
        }
        let Some(view) = self.viewed(v, FULL_RO)? else {
            return Ok(None);
        };
        let shown = self.live_view(view)?;
        if !with_gaps && !shown.is_c_contiguous() {
            return Err(self.not_contiguous());
        }
        let n_bytes = shown.n_bytes();
        self.check_size(n_bytes)?;
        Ok(Some(self.view_bytes(view)))
    }

    /// The view that stands for `v`: itself, or what its `__buffer__` gives. None for what is no
    /// bytes-like object, or shows its bytes without a view.
    fn viewed(&mut self, v: Value, flags: i64) -> PyResult<Option<Value>> {
        if !v.is_ptr() || self.heap.native::<MemoryView>(v).is_some() {
            return Ok(v.is_ptr().then_some(v));
        }
        let Some(made) = self.call_special(v, N::buffer, &[Value::small(flags)])? else {
            return Ok(None);
        };
        if self.heap.native::<MemoryView>(made).is_none() {
            return Err(self.type_error("__buffer__ returned non-memoryview object"));
        }
        Ok(Some(self.root(made)))
    }

    #[cold]
    fn not_contiguous(&mut self) -> Raised {
        let message = "memoryview: underlying buffer is not C-contiguous";
        self.raise(B::BufferError, message)
    }

    /// The view that `v` is.
    ///
    /// # Errors
    /// ValueError when it has been released.
    pub fn live_view(&mut self, v: Value) -> PyResult<&MemoryView> {
        match self.heap.native::<MemoryView>(v) {
            Some(view) if view.export.is_some() => {}
            _ => {
                let message = "operation forbidden on released memoryview object";
                return Err(self.value_error(message));
            }
        }
        match self.heap.native::<MemoryView>(v) {
            Some(view) => Ok(view),
            None => unreachable!("it was a view a moment ago"),
        }
    }

    /// The bytes of a view's items, in order.
    pub fn view_bytes(&self, view: Value) -> Vec<u8> {
        let Some(view) = self.heap.native::<MemoryView>(view) else {
            return Vec::new();
        };
        match self.heap.shown(view.base) {
            Some(shown) => view.gather(shown.bytes),
            None => Vec::new(),
        }
    }

    /// Puts `data` over the bytes of `v` from `offset` on; it must fit.
    ///
    /// # Errors
    /// As `writable_len`.
    pub fn write_bytes(&mut self, v: Value, offset: usize, data: &[u8]) -> PyResult<()> {
        let (base, start) = match self.viewed_unless_shown(v)? {
            Some(view) => {
                let view = self.live_view(view)?;
                (view.base, view.start)
            }
            None => (v, 0),
        };
        let at = start + offset;
        if let Some(bytes) = self.heap.shown_mut(base)
            && let Some(place) = bytes.get_mut(at..at + data.len())
        {
            place.copy_from_slice(data);
        }
        Ok(())
    }

    fn viewed_unless_shown(&mut self, v: Value) -> PyResult<Option<Value>> {
        if self.heap.shown(v).is_some() {
            return Ok(None);
        }
        self.viewed(v, FULL_RO | WRITABLE)
    }

    /// How many bytes can be written to `v`; None where it has none that can be.
    ///
    /// # Errors
    /// ValueError for a released view, BufferError for one with gaps; what `__buffer__` raises.
    pub fn writable_len(&mut self, v: Value) -> PyResult<Option<usize>> {
        if let Some(shown) = self.heap.shown(v) {
            let n_bytes = shown.bytes.len();
            return Ok(self.heap.is_writable(v).then_some(n_bytes));
        }
        let Some(view) = self.viewed(v, FULL_RO | WRITABLE)? else {
            return Ok(None);
        };
        let view = self.live_view(view)?;
        if view.readonly {
            return Ok(None);
        }
        if !view.is_c_contiguous() {
            return Err(self.not_contiguous());
        }
        Ok(Some(view.n_bytes()))
    }

    /// A view of `v`; None for what is no bytes-like object.
    ///
    /// # Errors
    /// ValueError for a released view; what `__buffer__` raises.
    pub fn make_view(&mut self, v: Value) -> PyResult<Option<MemoryView>> {
        let readonly = !self.heap.is_writable(v);
        if let Some(view) = self.heap.view_of(v, readonly) {
            return Ok(Some(view));
        }
        let Some(found) = self.viewed(v, FULL_RO)? else {
            return Ok(None);
        };
        let view = self.live_view(found)?.again();
        let obj = if found == v { view.obj } else { v };
        Ok(Some(MemoryView { obj, ..view }))
    }

    /// Asked before the bytes of `v` become more or fewer. A view that nobody reaches is forgotten
    /// here, as the reference count does in CPython: this may collect.
    ///
    /// # Errors
    /// BufferError while somebody looks at them.
    pub fn check_resizable(&mut self, v: Value, message: &str) -> PyResult<()> {
        if !self.heap.is_exported(v) {
            return Ok(());
        }
        let exported = self.holding(&[v], |vm| {
            vm.collect();
            vm.heap.sweep_all();
            vm.heap.is_exported(v)
        });
        match exported {
            true => Err(self.raise(B::BufferError, message)),
            false => Ok(()),
        }
    }

    /// As `check_resizable`, of a bytearray.
    ///
    /// # Errors
    /// BufferError.
    pub fn check_bytearray_resizable(&mut self, v: Value) -> PyResult<()> {
        self.check_resizable(v, "Existing exports of data: object cannot be re-sized")
    }
}
