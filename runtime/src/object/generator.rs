//! Suspended frames: generators, coroutines and async generators. One type,
//! told apart by `flavor`; the frame's registers are the cell's tail (or a box
//! when there are more than `TAIL_MAX`).
//!
//! A frame that awaits or yields from another one is linked to it both ways
//! (`delegate` down, `awaiter` up). What drives a chain holds its outermost
//! frame, the root, whose `innermost` is where the chain was suspended, so
//! resuming costs the same at any depth.

use std::cell::Cell;

use crate::heap::{Heap, Kind, Marker, Object, TAIL_MAX};
use crate::object::function::CodeObject;
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
    /// An async generator's: the first-iteration hook has been called. A coroutine's: a task runs
    /// it.
    pub hooked: bool,
    /// Was made for a `for`, which got it before it started: nobody else has it.
    pub fresh: bool,
    /// Made for an `await` of a call, and no script can refer to it: `cr_await` has not shown it.
    pub anonymous: bool,
    /// It was awaited where an exception was being handled, which `rare` holds.
    inherits: bool,
    /// Word index of the next instruction to run.
    pub pc: u32,
    /// Register that takes what is sent in, or the delegate's result.
    pub dst: u16,
    /// How many frames await it, one through the other: they count as depth of calls.
    pub depth: u16,
    pub code: Value,
    /// The function: globals and free variables.
    pub func: Value,
    /// Who is resumed with this frame's result: a frame that awaits it, or
    /// `Value::EMPTY` when it is a root.
    pub awaiter: Value,
    /// What it awaits or yields from: a frame, an iterator, a future.
    pub delegate: Value,
    /// (of a root) the frame of the chain that was suspended.
    pub innermost: Value,
    /// The exception its own `except` blocks are handling; `Value::EMPTY` if none.
    pub handled: Value,
    rare: Option<Box<Rare>>,
}

/// What few frames have: it would make each parked task larger by a tenth.
struct Rare {
    /// Its name and qualified name where they aren't its code's.
    names: Option<(Value, Value)>,
    /// (async generator) the finalizer hook; `Value::EMPTY` before the first iteration.
    finalizer: Value,
    /// The exception that was being handled where it was awaited; `Value::EMPTY` if none.
    inherited: Value,
    /// The registers, when there are more than `TAIL_MAX`.
    long: Box<[Cell<Value>]>,
}

impl Rare {
    fn new() -> Box<Rare> {
        Box::new(Rare {
            names: None,
            finalizer: Value::EMPTY,
            inherited: Value::EMPTY,
            long: Box::default(),
        })
    }
}

impl Object for Generator {
    const KIND: Kind = Kind::Generator;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[
            self.code,
            self.func,
            self.awaiter,
            self.delegate,
            self.innermost,
            self.handled,
        ]);
        if let Some(rare) = &self.rare {
            if let Some((name, qualname)) = rare.names {
                marker.mark_all(&[name, qualname]);
            }
            marker.mark_all(&[rare.finalizer, rare.inherited]);
            for reg in &rare.long {
                marker.mark(reg.get());
            }
        }
    }
    fn external_bytes(&self) -> usize {
        let rare = self.rare.as_ref();
        rare.map_or(0, |rare| size_of::<Rare>() + rare.long.len() * 8)
    }
}

impl Generator {
    /// A frame not yet started, without registers.
    pub fn new(flavor: Flavor, code: Value, func: Value) -> Generator {
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
            awaiter: Value::EMPTY,
            delegate: Value::EMPTY,
            innermost: Value::EMPTY,
            handled: Value::EMPTY,
            anonymous: false,
            inherits: false,
            rare: None,
        }
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(Rare::new)
    }

    /// The finalizer hook of an async generator; `Value::EMPTY` before its first iteration.
    pub fn finalizer(&self) -> Value {
        self.rare
            .as_ref()
            .map_or(Value::EMPTY, |rare| rare.finalizer)
    }

    pub fn set_finalizer(&mut self, hook: Value) {
        self.rare_mut().finalizer = hook;
    }

    /// The exception that is being handled in the frame: by its own `except`
    /// blocks, or else where it was awaited.
    #[inline(always)]
    pub fn handling(&self) -> Option<Value> {
        self.handled.given().or_else(|| match &self.rare {
            Some(rare) if self.inherits => rare.inherited.given(),
            _ => None,
        })
    }

    /// What was being handled where it was awaited; `Value::EMPTY` if nothing was.
    #[inline(always)]
    pub fn set_inherited(&mut self, exception: Value) {
        if self.inherits || !exception.is_empty() {
            self.inherits = true;
            self.rare_mut().inherited = exception;
        }
    }
}

impl Heap {
    /// A new frame with `n_regs` registers, all unbound.
    #[inline(always)]
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
            let mut generator = generator;
            generator.rare_mut().long = vec![Cell::new(Value::EMPTY); n_regs].into_boxed_slice();
            self.alloc(shape, generator)
        }
    }

    /// The name and the qualified name of a frame.
    ///
    /// # Panics
    /// If `v` is not a generator cell.
    pub fn generator_names(&self, v: Value) -> (Value, Value) {
        let g = self.cell::<Generator>(v);
        let own = g.rare.as_ref().and_then(|rare| rare.names);
        own.unwrap_or_else(|| {
            let code = self.cell::<CodeObject>(g.code);
            (code.name, code.qualname)
        })
    }

    /// Names a frame otherwise than its code.
    ///
    /// # Panics
    /// As `generator_names`.
    pub fn set_generator_names(&mut self, v: Value, name: Value, qualname: Value) {
        self.cell_mut::<Generator>(v).rare_mut().names = Some((name, qualname));
    }

    /// The registers of a frame.
    ///
    /// # Panics
    /// If `v` is not a generator cell.
    #[inline]
    pub fn generator_regs(&self, v: Value) -> &[Cell<Value>] {
        match &self.cell::<Generator>(v).rare {
            Some(rare) if !rare.long.is_empty() => &rare.long,
            _ => self.tail_cells::<Generator>(v),
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
