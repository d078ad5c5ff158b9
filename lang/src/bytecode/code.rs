//! The code object: one function, class body or module, compiled.
//!
//! Immutable and free of VM values, so that several VMs and threads share it;
//! each VM makes its own quickened copy of `words` at first run.

use std::fmt;
use std::sync::{Arc, OnceLock};

use num_bigint::BigInt;

use crate::ast::{Name, StrLit};
use crate::bytecode::{Word, image};
use crate::source::{Source, Span};

/// A register of a frame.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Reg(pub u16);

/// An index into `Body::consts`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConstIdx(pub u32);

/// A constant of a code object.
#[derive(Clone, Debug)]
pub enum Const {
    None,
    True,
    False,
    Ellipsis,
    Int(i64),
    BigInt(BigInt),
    Float(f64),
    Str(StrLit),
    Bytes(Vec<u8>),
    Tuple(Vec<Const>),
    FrozenSet(Vec<Const>),
    /// An identifier: of a variable, an attribute or a module.
    Name(Name),
    Code(Arc<Code>),
}

/// Where a closure's free variable comes from, seen from the frame that makes the function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Capture {
    /// The cell in this register of the maker.
    Local(Reg),
    /// The maker's own free variable with this index.
    Free(u16),
}

/// A protected region: an exception raised by an instruction that starts in
/// `start..end` puts it into `R[exc]` and goes on at `target`. Inner regions
/// come before outer ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handler {
    pub start: u32,
    pub end: u32,
    pub target: u32,
    pub exc: Reg,
}

/// A named variable of the frame, for error messages and `locals()`.
#[derive(Clone, Debug)]
pub struct LocalVar {
    pub name: Name,
    pub reg: Reg,
    /// The register holds a cell once the prologue has run.
    pub is_cell: bool,
    /// A comprehension's own variable: its register is this variable's only at the words
    /// `start..end`, and `locals()` leaves it out. For all others `0..u32::MAX`.
    pub hidden: bool,
    pub start: u32,
    pub end: u32,
}

/// What kind of code it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CodeFlags {
    /// Has a `yield` and is not async.
    pub generator: bool,
    /// `async def` without `yield`, or a module with top-level await.
    pub coroutine: bool,
    /// `async def` with `yield`.
    pub async_generator: bool,
    pub class_body: bool,
    pub module: bool,
    pub varargs: bool,
    pub varkw: bool,
    /// Closing it where it stands may run code: it has handlers, or asks another iterator.
    pub closes: bool,
}

impl CodeFlags {
    /// Whether a call makes a suspended frame rather than running one.
    pub fn suspends(self) -> bool {
        self.generator || self.coroutine || self.async_generator
    }
}

/// A compiled function, class body or module.
///
/// Registers at entry: `R[0..n_pos]` positional parameters (`n_posonly` of
/// them positional-only), then `n_kwonly` keyword-only ones, then `*args` and
/// `**kwargs` where the flags say so; all others unbound. A class body has one
/// parameter, its namespace.
#[derive(Debug)]
pub struct Code {
    pub name: Name,
    pub qualname: Name,
    pub source: Arc<Source>,
    pub flags: CodeFlags,
    pub n_posonly: u16,
    /// Positional parameters, positional-only ones included.
    pub n_pos: u16,
    pub n_kwonly: u16,
    /// Names of the parameters in the order of their registers.
    pub params: Vec<Name>,
    pub n_regs: u32,
    pub body: LazyBody,
    /// Names of the free variables, in closure order.
    pub free: Vec<Name>,
    /// One for each of `free`: where the maker finds its cell.
    pub captures: Vec<Capture>,
    /// The constant of the body that is the docstring.
    pub doc: Option<ConstIdx>,
    /// 1-based line of the `def`, `class` or lambda; of its first decorator where it has one.
    pub first_line: u32,
}

/// What a call of a code object needs: of a function that is only defined nobody looks at it.
#[derive(Debug, Default)]
pub struct Body {
    pub words: Vec<Word>,
    pub consts: Vec<Const>,
    pub handlers: Vec<Handler>,
    /// Pairs (word index of an instruction, its source span), ascending; an
    /// instruction without a pair of its own has that of the one before it. The
    /// first word of `CallMethod` and `CallMethodKw` has the span of the look-up,
    /// the others that of the call.
    pub spans: Vec<(u32, Span)>,
    pub locals: Vec<LocalVar>,
}

/// A body, or the part of an image that it is read from when somebody first asks.
pub struct LazyBody {
    read: OnceLock<Body>,
    unread: Option<image::Part>,
}

impl LazyBody {
    pub(super) fn later(part: image::Part) -> LazyBody {
        LazyBody {
            read: OnceLock::new(),
            unread: Some(part),
        }
    }
}

impl From<Body> for LazyBody {
    fn from(body: Body) -> LazyBody {
        LazyBody {
            read: OnceLock::from(body),
            unread: None,
        }
    }
}

impl fmt::Debug for LazyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read.get().fmt(f)
    }
}

impl Code {
    /// What a call runs.
    pub fn body(&self) -> &Body {
        self.body.read.get_or_init(|| {
            let part = self.body.unread.as_ref();
            part.map(|part| part.body(&self.source)).unwrap_or_default()
        })
    }

    /// The same for tools that change code.
    pub fn body_mut(&mut self) -> &mut Body {
        self.body();
        match self.body.read.get_mut() {
            Some(body) => body,
            None => unreachable!("it was read just now"),
        }
    }

    /// Number of parameter registers at entry.
    pub fn n_params(&self) -> usize {
        self.n_pos as usize
            + self.n_kwonly as usize
            + self.flags.varargs as usize
            + self.flags.varkw as usize
    }

    /// The name of the variable that `reg` holds at word `pc`: what CheckBound and LoadCell
    /// complain about.
    pub fn local_name(&self, reg: Reg, pc: u32) -> Option<&Name> {
        let at_pc = |var: &&LocalVar| var.reg == reg && var.start <= pc && pc < var.end;
        self.body().locals.iter().find(at_pc).map(|var| &var.name)
    }

    /// The source span of the instruction that starts at word `pc` or holds it.
    pub fn span_at(&self, pc: u32) -> Span {
        let spans = &self.body().spans;
        match spans.partition_point(|&(at, _)| at <= pc) {
            0 => Span::default(),
            n => spans[n - 1].1,
        }
    }

    /// 1-based source line of the instruction at `pc`; 0 for one that stands nowhere in the source.
    pub fn line_at(&self, pc: u32) -> u32 {
        match self.span_at(pc) {
            Span::NOWHERE => 0,
            span => self.source.line(span.start),
        }
    }
}
