//! Holds the places of repr.rs and format.rs until they land; goes then.

use crate::native::PyResult;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    pub fn repr_string(&mut self, v: Value) -> PyResult<String> {
        Ok(match self.heap.as_str(v) {
            Some(s) => format!("'{}'", s.to_lossy()),
            None => format!("{v:?}"),
        })
    }
    pub fn percent(&mut self, _: Value, _: Value) -> PyResult {
        Err(self.unsupported("%"))
    }
    pub fn percent_bytes(&mut self, _: Value, _: Value) -> PyResult {
        Err(self.unsupported("%"))
    }
    pub fn format_value(&mut self, v: Value, _: u8, _: Option<Value>) -> PyResult {
        let text = self.repr_string(v)?;
        Ok(self.heap.str(text))
    }
}
