//! The language: text to tokens to a syntax tree to scopes to bytecode. Pure:
//! files, the clock and the environment are not known here.

#![forbid(unsafe_code)]

pub mod ast;
pub mod bytecode;
pub mod diagnostic;
pub mod source;
pub mod stack;
