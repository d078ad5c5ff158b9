//! Joining strs: what f-strings end in.

use crate::native::PyResult;
use crate::text::pystr::StrBuilder;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// The strs put together.
    ///
    /// # Errors
    /// MemoryError.
    pub(crate) fn join_strs(&mut self, parts: &[Value]) -> PyResult {
        let mut units = 0usize;
        for &part in parts {
            units = units.saturating_add(self.heap.text(part).len());
        }
        if units > 1 << 20 {
            self.check_size(units.saturating_mul(4))?;
        }
        let mut builder = StrBuilder::with_capacity(units);
        for &part in parts {
            builder.push(self.heap.text(part));
        }
        Ok(self.heap.str(builder.finish()))
    }
}
