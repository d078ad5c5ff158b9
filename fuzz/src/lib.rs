//! What the fuzz targets share: a world without an outside, and programs made
//! of bytes. CONTRIBUTING.md says how to run the targets.

#![forbid(unsafe_code)]

pub mod grammar;
pub mod mutation;
pub mod world;
