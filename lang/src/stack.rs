//! Room on the stack for what recurses over a syntax tree. Knows nothing of the tree.

/// What one walk over a tree of the deepest kind may need, also unoptimised.
const STACK_BYTES: usize = 64 << 20;

/// Runs `f` with at least 64 MiB of stack. Inside another such call that has
/// most of it left it costs nothing, so entry points call it freely.
pub fn with_deep_stack<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(STACK_BYTES / 2, STACK_BYTES, f)
}
