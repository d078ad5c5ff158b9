//! Frames: the activations of one run, innermost last.
//!
//! A plain function's registers are a window of the VM's stack that begins at
//! its first argument, so a call copies nothing. A generator's or coroutine's
//! registers lie in its own cell; its activation is one frame however deep the
//! chain of awaits is, and `generator` names the frame of the chain that runs.

use lockstep_lang::bytecode::Word;

use crate::object::function::CodeObject;
use crate::value::Value;

/// What becomes of a frame's result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Ret {
    /// It goes to register `dst` of the frame below, which goes on.
    Value,
    /// The frame below goes on; the result is dropped.
    Discard,
    /// `__init__`: it must be None; the new instance goes to `dst`.
    Init,
    /// What `finish` of the activation's `instance` makes of it goes to `dst`.
    Then,
    /// `run` ends with it.
    Exit,
    /// A generator that a `for` drives: a yield goes to `dst` and the frame
    /// below jumps by `jump`; a return lets it fall through.
    ForIter,
    /// `send`, `throw`, `next`: a yield goes to `dst`, a return raises StopIteration.
    Send,
    /// `run` ends; a yield and a return are told apart.
    ExitGenerator,
}

/// One activation.
pub struct Frame {
    /// The next instruction, while the frame is not the running one. An
    /// instruction that raises or calls has stored the one after it.
    pub pc: *const Word,
    pub regs: *mut Value,
    /// The code object in `code_value`. Invariant: not null.
    pub code: *const CodeObject,
    pub code_value: Value,
    /// The function; its tail holds the cells of the free variables.
    pub func: Value,
    /// The generator cell whose registers are used; `Value::EMPTY` for a plain function.
    pub generator: Value,
    /// The VM's `sp` when the frame was pushed.
    pub saved_sp: u32,
    /// The jump of `Ret::ForIter`.
    pub jump: i32,
    pub dst: u16,
    pub ret: Ret,
}

/// What generators' frames, `__init__` frames and those of a `Ret::Then` have besides. Invariant: the
/// VM's activations are those of such frames, in the same order.
pub struct Activation {
    /// The outermost frame of the running chain; `Value::EMPTY` for a plain function's frame.
    pub root: Value,
    /// The new instance of `Ret::Init`; what takes the result of `Ret::Then`.
    pub instance: Value,
    /// The exception being handled when the frame was entered.
    pub outer_handled: Value,
    /// How many frames of the chain, from its root on, wait for what an exception was thrown into.
    pub n_thrown: u32,
}
