//! Bytecode: what the compiler gives and the VM runs.
//!
//! `op` holds the one opcode table, `code` the code object; the disassembler
//! (`dis`) and the verifier (`verify`) read both.

pub mod code;
pub mod dis;
pub mod op;
pub mod verify;

pub use code::{Capture, Code, CodeFlags, Const, ConstIdx, Handler, LocalVar, Reg};
pub use op::{Op, Word};
