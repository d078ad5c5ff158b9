//! The objects: what lives in the heap's cells, and how each is made and read.
//! Nothing here runs script code; that is `protocol`'s part.

pub mod buffer;
pub mod bytes;
pub mod class;
pub mod context;
pub mod descriptor;
pub mod dict;
pub mod exception;
pub mod function;
pub mod future;
pub mod generator;
pub mod handle;
pub mod instance;
pub mod iter;
pub mod list;
pub mod module;
pub mod number;
pub mod opaque;
pub mod range;
pub mod set;
pub mod shape;
pub mod str;
pub mod tuple;
pub mod weak;
