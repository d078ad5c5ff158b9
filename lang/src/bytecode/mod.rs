//! Bytecode: what the compiler gives and the VM runs.
//!
//! `op` holds the one opcode table, `code` the code object; the disassembler
//! (`dis`) and the verifier (`verify`) read both; `image` makes bytes of code and back.

pub mod code;
pub mod dis;
pub mod image;
pub mod liveness;
pub mod op;
pub mod verify;

pub use code::{Body, Capture, Code, CodeFlags, Const, ConstIdx, Handler, LocalVar, Reg};
pub use op::{Op, Word};

/// What gave the value that an `Await` awaits: its operand x.
pub mod await_of {
    /// An expression behind `await`.
    pub const AWAIT: u8 = 0;
    pub const AENTER: u8 = 1;
    pub const AEXIT: u8 = 2;
    pub const ANEXT: u8 = 3;
}
