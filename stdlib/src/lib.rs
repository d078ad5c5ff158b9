//! The standard library: the builtins, the modules written in Rust, and those
//! written in the language itself. It gives a VM that is ready to run scripts.

#![forbid(unsafe_code)]

/// A module of the folder `py`, and whether it is a package.
macro_rules! py {
    ($name:literal, $file:literal) => {
        py!($name, $file, false)
    };
    ($name:literal, $file:literal, package) => {
        py!($name, $file, true)
    };
    ($name:literal, $file:literal, $package:literal) => {
        $crate::PyModule {
            name: $name,
            source: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/py/", $file)),
            image: include_bytes!(concat!(env!("OUT_DIR"), "/", $file, ".image")),
            package: $package,
        }
    };
}

mod args;
mod array;
pub mod asyncio;
mod base64;
mod binascii;
mod bisect;
mod buffers;
pub mod builtins;
mod calendar;
pub mod contextvars;
mod csv_line;
mod dataclass_code;
mod datetime;
mod decimal;
mod deque;
mod expression_text;
mod floats;
mod folder;
mod function_marks;
mod functools;
mod gc;
mod hash;
mod heapq;
mod item;
mod itertools;
mod json;
mod math;
mod modules;
mod operator;
mod os;
mod path_argument;
mod pickle;
mod random;
mod re;
mod struct_module;
mod sync;
pub mod sys;
mod template_parts;
mod thread;
mod time;
mod traceback;
mod unicodedata;
mod weakref;
mod zlib;

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

/// A module written in the language.
pub struct PyModule {
    pub name: &'static str,
    /// Its text, which tracebacks quote.
    pub source: &'static str,
    /// Its code, as `build.rs` has compiled it.
    pub image: &'static [u8],
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
    vm.set_refusals(modules::refusal);
    vm
}
