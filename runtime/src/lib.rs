//! The runtime: values, heap, VM, tasks and the event loop. Of the language it
//! knows bytecode and source only.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
pub mod c_math;
pub mod clock;
pub mod counts;
pub mod event_loop;
#[allow(unsafe_code)]
pub mod heap;
pub mod host;
pub mod native;
pub mod object;
pub mod planted;
pub mod protocol;
pub mod random;
pub mod table;
pub mod task;
pub mod text;
#[allow(unsafe_code)]
mod typed;
pub mod value;
pub mod vm;

pub use heap::{Heap, Kind, Marker};
pub use native::{NativeDef, PyResult, Raised};
pub use object::class::B;
pub use value::Value;
pub use vm::names::N;
pub use vm::{Input, Vm};
