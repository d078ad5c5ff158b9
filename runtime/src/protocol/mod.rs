//! What operations mean: attributes, calls, arithmetic, comparison, hashing,
//! iteration, text. Each file is one protocol, as methods of `Vm`; they may run
//! script code, one level of Rust deeper.

pub mod arith;
pub mod attr;
pub mod buffer;
pub mod class;
pub mod compare;
pub mod dict;
pub mod exception_text;
pub mod format;
pub mod hash;
mod hooks;
pub mod index;
pub mod item;
pub mod iter;
pub mod join;
pub mod layout;
pub mod namespace;
pub mod next;
pub mod number;
pub mod number_text;
pub mod percent;
pub mod range;
pub mod repr;
pub mod sequence;
pub mod set;
pub mod slice;
#[cfg(test)]
mod tests;
pub mod truth;
pub mod unary;
