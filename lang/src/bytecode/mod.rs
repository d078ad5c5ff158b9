//! Bytecode: what the compiler gives and the VM runs.
//!
//! `op` holds the one opcode table, `code` the code object; the disassembler
//! (`dis`) and the verifier (`verify`) read both and know no opcode by name.

pub mod code;
pub mod op;

pub use code::{Capture, Code, CodeFlags, Const, ConstIdx, Handler, LocalVar, Reg};
pub use op::{Op, Word};
