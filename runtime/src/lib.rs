pub mod random;
pub mod table;
pub mod text;
