//! Suspended frames: generators, coroutines and async generators. One type,
//! told apart by `flavor`; the frame's registers are the cell's tail (or a box
//! when there are more than `TAIL_MAX`).
//!
//! A frame that awaits or yields from another one is linked to it both ways
//! (`delegate` down, `awaiter` up). What drives a chain holds its outermost
//! frame, the root, whose `innermost` is where the chain was suspended, so
//! resuming costs the same at any depth.

use crate::heap::{Heap, Kind, Marker, Object, TAIL_MAX};
use crate::value::Value;

/// Which of the three.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flavor {
    Generator,
    Coroutine,
    AsyncGenerator,
}

/// Where a suspended frame stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GenState {
    /// Not started.
    Created,
    Suspended,
    Running,
    Closed,
}

/// A suspended or running frame.
pub struct Generator {
    pub flavor: Flavor,
    pub state: GenState,
    /// An async generator's: anext/asend/athrow is under way.
    pub op_running: bool,
    /// An async generator's: closed, or run to its end.
    pub agen_closed: bool,
    /// An async generator's: the first-iteration hook has been called.
    pub hooked: bool,
    /// Was given to a `for` that made it, before it started.
    pub fresh: bool,
    /// Made for an `await` of a call, and no script can refer to it: `cr_await` has not shown it.
    pub anonymous: bool,
    /// Word index of the next instruction to run.
    pub pc: u32,
    /// Register that takes what is sent in, or the delegate's result.
    pub dst: u16,
    /// How many frames await it, one through the other: they count as depth of calls.
    pub depth: u16,
    pub code: Value,
    /// The function: globals and free variables.
    pub func: Value,
    pub name: Value,
    pub qualname: Value,
    /// Who is resumed with this frame's result: a frame that awaits it, or
    /// `Value::EMPTY` when it is a root.
    pub awaiter: Value,
    /// What it awaits or yields from: a frame, an iterator, a future.
    pub delegate: Value,
    /// (of a root) the frame of the chain that was suspended.
    pub innermost: Value,
    /// The exception its own `except` blocks are handling; `Value::EMPTY` if none.
    pub handled: Value,
    /// The exception that was being handled where it was awaited.
    pub inherited: Value,
    /// (async generator) the finalizer hook.
    pub finalizer: Value,
    long: Option<Box<[Value]>>,
}

impl Object for Generator {
    const KIND: Kind = Kind::Generator;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[
            self.code,
            self.func,
            self.name,
            self.qualname,
            self.awaiter,
            self.delegate,
            self.innermost,
            self.handled,
            self.inherited,
            self.finalizer,
        ]);
        if let Some(regs) = &self.long {
            marker.mark_all(regs);
        }
    }
    fn external_bytes(&self) -> usize {
        self.long.as_ref().map_or(0, |regs| regs.len() * 8)
    }
}

impl Generator {
    /// A frame not yet started, without registers.
    pub fn new(
        flavor: Flavor,
        code: Value,
        func: Value,
        name: Value,
        qualname: Value,
    ) -> Generator {
        Generator {
            flavor,
            state: GenState::Created,
            op_running: false,
            agen_closed: false,
            hooked: false,
            fresh: false,
            pc: 0,
            dst: 0,
            depth: 0,
            code,
            func,
            name,
            qualname,
            awaiter: Value::EMPTY,
            delegate: Value::EMPTY,
            innermost: Value::EMPTY,
            handled: Value::EMPTY,
            inherited: Value::EMPTY,
            anonymous: false,
            finalizer: Value::EMPTY,
            long: None,
        }
    }
}

impl Heap {
    /// A new frame with `n_regs` registers, all unbound.
    pub fn generator(&mut self, generator: Generator, n_regs: usize) -> Value {
        use crate::object::class::B;
        let shape = match generator.flavor {
            Flavor::Generator => B::Generator.shape(),
            Flavor::Coroutine => B::Coroutine.shape(),
            Flavor::AsyncGenerator => B::AsyncGenerator.shape(),
        };
        if n_regs <= TAIL_MAX {
            self.alloc_tail(shape, generator, n_regs, Value::EMPTY)
        } else {
            self.charge(n_regs * 8);
            let long = Some(vec![Value::EMPTY; n_regs].into_boxed_slice());
            self.alloc(shape, Generator { long, ..generator })
        }
    }

    /// The registers of a frame.
    ///
    /// # Panics
    /// If `v` is not a generator cell.
    #[inline]
    pub fn generator_regs(&mut self, v: Value) -> &mut [Value] {
        if self.cell::<Generator>(v).long.is_some() {
            self.cell_mut::<Generator>(v)
                .long
                .as_deref_mut()
                .unwrap_or_default()
        } else {
            self.tail_mut::<Generator>(v)
        }
    }
}

/// What an awaitable of an async generator does when it is awaited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AsyncGenAction {
    /// `__anext__()` and `asend(value)`.
    Send,
    Throw,
    Close,
}

/// `agen.__anext__()`, `asend`, `athrow`, `aclose`: an awaitable, used once.
pub struct AsyncGenOp {
    pub generator: Value,
    pub action: AsyncGenAction,
    /// The value to send, or the exception to throw.
    pub value: Value,
    pub state: GenState,
}

impl Object for AsyncGenOp {
    const KIND: Kind = Kind::AsyncGenOp;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.generator, self.value]);
    }
}
