//! The standard library: the builtins, the modules written in Rust, and those
//! written in the language itself. It gives a VM that is ready to run scripts.

#![forbid(unsafe_code)]

mod args;
pub mod asyncio;
pub mod builtins;
pub mod contextvars;
mod deque;
mod function_marks;
mod gc;
mod math;
mod modules;
mod operator;
mod random;
mod re;
mod sync;
pub mod sys;
mod template_parts;
mod thread;
mod time;
mod traceback;
mod weakref;

use lockstep_runtime::host::Host;
use lockstep_runtime::native::NativeDef;
use lockstep_runtime::{PyResult, Value, Vm};

/// A module written in Rust.
pub struct NativeModule {
    pub name: &'static str,
    pub functions: &'static [NativeDef],
    /// Puts classes and constants into the module's dict.
    pub init: fn(&mut Vm, Value) -> PyResult<()>,
}

/// A module written in the language, compiled when it is first imported.
pub struct PyModule {
    pub name: &'static str,
    pub source: &'static str,
    pub package: bool,
}

/// A VM with the builtins and every module of the standard library at hand.
///
/// ```
/// # use lockstep_stdlib::new_vm;
/// # fn demo(host: Box<dyn lockstep_runtime::host::Host>) {
/// let vm = new_vm(host);
/// # let _ = vm;
/// # }
/// ```
pub fn new_vm(host: Box<dyn Host>) -> Vm {
    let mut vm = Vm::new(host);
    builtins::install(&mut vm);
    vm.add_finder(modules::find);
    vm
}
