//! The random numbers of CPython.
