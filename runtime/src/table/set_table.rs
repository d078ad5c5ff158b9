//! The table of a set.
