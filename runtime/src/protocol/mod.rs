//! What operations mean: attributes, calls, arithmetic, comparison, hashing,
//! iteration, text. Each file is one protocol, as methods of `Vm`; they may run
//! script code, one level of Rust deeper.

pub mod attr;
pub mod class;
pub mod namespace;
