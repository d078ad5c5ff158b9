//! Unit tests of the str type; expectations printed by CPython 3.13.
