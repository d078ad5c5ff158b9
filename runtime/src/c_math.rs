//! Functions of C's library that Rust's library has no name for. CPython calls the same ones, so
//! that the last digit is the same too.

unsafe extern "C" {
    /// The error function: C99 7.12.8.1.
    // SAFETY: takes any double, touches no memory.
    pub safe fn erf(x: f64) -> f64;

    /// What the error function leaves of 1: C99 7.12.8.2.
    // SAFETY: as above.
    pub safe fn erfc(x: f64) -> f64;
}
