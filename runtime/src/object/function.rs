//! Functions: of scripts and of Rust, bound methods, cells and code objects.

use std::sync::Arc;

use lockstep_lang::bytecode::liveness::Liveness;
use lockstep_lang::bytecode::{Code, Op, Word};

use crate::heap::{Kind, Marker, Object};
use crate::native::{AtOnceFn, NativeDef, StepFn};
use crate::value::Value;

/// A variable shared by a function and its closures; `Value::EMPTY` when unbound.
pub struct Cell {
    pub value: Value,
}

impl Object for Cell {
    const KIND: Kind = Kind::Cell;
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.value);
    }
}

/// The one instruction of code that was never called.
pub static NOT_LOADED: Word = Word::abc(Op::LoadBody, 0, 0, 0, 0);

/// A code object as one VM runs it, for one module's namespace.
pub struct CodeObject {
    pub code: Arc<Code>,
    /// The instructions with this VM's caches in them, none until the first call has loaded
    /// them (`Vm::load_body`). Invariant: not reallocated after that, running frames point into
    /// it. Cells, as the constants are: they change while frames read them.
    pub words: Box<[std::cell::Cell<Word>]>,
    /// The constants as values, loaded as the words are; names are interned, nested code objects
    /// are `Value::EMPTY` until first used.
    pub consts: Box<[std::cell::Cell<Value>]>,
    /// The first of `words`, or `NOT_LOADED`.
    pub first: *const Word,
    pub n_regs: u32,
    /// The names of functions made of it.
    pub name: Value,
    pub qualname: Value,
    /// The names of the parameters as interned strs.
    pub params: Box<[Value]>,
    /// The dict of the module's variables.
    pub globals: Value,
    /// Which registers a collector looks at; made when one first asks.
    pub liveness: std::cell::OnceCell<Box<Liveness>>,
    /// Marked by `types.coroutine`: what `co_flags` shows of it.
    pub iterable_coroutine: std::cell::Cell<bool>,
    /// What `NativeStep` runs, in the code of a coroutine written in Rust.
    pub step: Option<StepFn>,
}

impl CodeObject {
    /// The first instruction: `LoadBody` as long as nothing is loaded.
    #[inline(always)]
    pub fn first_word(&self) -> *const Word {
        self.first
    }

    /// The place of an instruction that a frame of this code is at.
    pub fn index_of(&self, pc: *const Word) -> usize {
        match pc == &raw const NOT_LOADED {
            true => 0,
            false => (pc.addr() - self.first.addr()) / size_of::<Word>(),
        }
    }

    /// Whether `pc` is that of an instruction of this code.
    pub fn contains(&self, pc: *const Word) -> bool {
        pc == &raw const NOT_LOADED || self.words.as_ptr_range().contains(&pc.cast())
    }

    /// Whether the first call is still to come.
    pub fn is_loaded(&self) -> bool {
        self.first != &raw const NOT_LOADED
    }
}

impl Object for CodeObject {
    const KIND: Kind = Kind::Code;
    fn trace(&self, marker: &mut Marker) {
        for constant in &self.consts {
            marker.mark(constant.get());
        }
        marker.mark_all(&self.params);
        marker.mark_all(&[self.globals, self.name, self.qualname]);
    }
    fn external_bytes(&self) -> usize {
        self.words.len() * 8 + self.consts.len() * 8
    }
}

/// A function made by `def` or `lambda`. The cells of its free variables are
/// the tail.
pub struct Function {
    pub code: Value,
    pub name: Value,
    pub qualname: Value,
    /// Tuple of positional defaults, or None.
    pub defaults: Value,
    /// Dict of keyword-only defaults, or None.
    pub kwdefaults: Value,
    /// Dict of annotations, or None until asked for.
    pub annotations: Value,
    /// `Value::EMPTY`: what its code says (see `Vm::function_doc`).
    pub doc: Value,
    pub module: Value,
    pub type_params: Value,
    /// A positional call with exactly this many arguments needs no binding:
    /// no `*args`, `**kwargs` or keyword-only parameters. `u16::MAX` when there
    /// is no such number.
    pub plain_args: u16,
    /// A call makes a generator, coroutine or async generator.
    pub suspends: bool,
    /// An `async def` without `yield`: an awaited call may run in place.
    pub is_coroutine: bool,
    /// A coroutine written in Rust that may be done without a frame.
    pub at_once: Option<AtOnceFn>,
    /// Marked by `types.coroutine`: its generators may be awaited.
    pub marked_coroutine: bool,
}

impl Object for Function {
    const KIND: Kind = Kind::Function;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[
            self.code,
            self.name,
            self.qualname,
            self.defaults,
            self.kwdefaults,
            self.annotations,
            self.doc,
            self.module,
            self.type_params,
        ]);
    }
}

/// A bound method.
pub struct Method {
    pub func: Value,
    pub this: Value,
}

impl Object for Method {
    const KIND: Kind = Kind::Method;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.func, self.this]);
    }
}

/// A function written in Rust. Its shape tells a plain function from the
/// descriptor of a method.
pub struct Native {
    pub def: &'static NativeDef,
    /// The class that has it as a method; `Value::EMPTY` for a function.
    pub owner: Value,
    /// What it is bound to; `Value::EMPTY` when it is not.
    pub this: Value,
    /// `__module__`: a str or None.
    pub module: Value,
}

impl Object for Native {
    const KIND: Kind = Kind::Native;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.owner, self.this, self.module]);
    }
}
