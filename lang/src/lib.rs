//! The language: text to tokens to a syntax tree to scopes to bytecode. Pure:
//! files, the clock and the environment are not known here.

#![forbid(unsafe_code)]

pub mod ast;
pub mod bytecode;
pub mod compile;
pub mod diagnostic;
mod fold;
pub mod layout;
pub mod lexer;
pub mod parser;
pub mod refused_names;
pub mod render;
pub mod scope;
pub mod source;
pub mod stack;
pub mod subset;
mod suspicious;
pub mod token;
mod unparse;
