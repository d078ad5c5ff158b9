//! Text and numbers as text, apart from any VM value: the str type, the exact
//! arithmetic of int and float that scripts see, and the formatting
//! mini-languages. Nothing here raises: errors are plain enums and messages
//! that the caller turns into exceptions.

pub mod float;
pub mod hash;
pub mod int;
pub mod library_names;
pub mod os_text;
pub mod percent;
#[cfg(test)]
pub(crate) mod protocol;
pub mod pystr;
pub mod spec;
pub mod strformat;
pub mod suggest;
pub mod underline;
pub mod unicode;
mod unicode_tables;
