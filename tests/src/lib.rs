//! Finds the programs of the test suite, runs them on Lockstep and on CPython 3.13, and compares
//! what they print with the expected files. The test runners and `cargo xtask` both stand on it.
//! Knows nothing of the crates under test: it sees the `lockstep` binary only.

#![forbid(unsafe_code)]

pub mod binary;
pub mod case;
pub mod compare;
pub mod header;
pub mod launch;
pub mod oracle;
pub mod pending;
pub mod process;
pub mod refused_names;
pub mod spec;
pub mod workspace;
