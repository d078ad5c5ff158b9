//! The opcode table: one row per instruction, from which the encoder, the
//! disassembler, the verifier and the VM's dispatch follow.
//!
//! An instruction is one 64-bit word and `Op::extra_words()` words after it:
//!
//! ```text
//!  bits   0..8   8..16   16..32   32..48   48..64
//!         op     x       a        b        c
//!                                 └── bc: u32/i32 ──┘
//! ```
//!
//! `a`, `b`, `c` are registers unless the row says otherwise. An extra word
//! holds a constant index or a jump offset in its low 32 bits ("e0"); its high
//! half and the words after it are zero in compiled code and belong to the
//! VM's inline caches. Jump offsets count words from the end of the
//! instruction; a taken jump with a negative offset ticks the countdown.

use std::fmt;

/// One unit of the instruction stream.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Word(pub u64);

impl Word {
    /// Packs an instruction with three 16-bit operands.
    pub const fn abc(op: Op, x: u8, a: u16, b: u16, c: u16) -> Word {
        Word(op as u64 | (x as u64) << 8 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48)
    }
    /// Packs an instruction with one 16-bit and one 32-bit operand.
    pub const fn abx(op: Op, x: u8, a: u16, bc: u32) -> Word {
        Word(op as u64 | (x as u64) << 8 | (a as u64) << 16 | (bc as u64) << 32)
    }
    /// An extra word: `e0` in the low half, nothing cached.
    pub const fn extra(e0: u32) -> Word {
        Word(e0 as u64)
    }
    #[inline(always)]
    pub const fn op_byte(self) -> u8 {
        self.0 as u8
    }
    #[inline(always)]
    pub const fn x(self) -> u8 {
        (self.0 >> 8) as u8
    }
    #[inline(always)]
    pub const fn a(self) -> u16 {
        (self.0 >> 16) as u16
    }
    #[inline(always)]
    pub const fn b(self) -> u16 {
        (self.0 >> 32) as u16
    }
    #[inline(always)]
    pub const fn c(self) -> u16 {
        (self.0 >> 48) as u16
    }
    /// `c` as a signed immediate.
    #[inline(always)]
    pub const fn ci(self) -> i16 {
        self.c() as i16
    }
    #[inline(always)]
    pub const fn bc(self) -> u32 {
        (self.0 >> 32) as u32
    }
    #[inline(always)]
    pub const fn bci(self) -> i32 {
        self.bc() as i32
    }
    /// The low half of an extra word.
    #[inline(always)]
    pub const fn e0(self) -> u32 {
        self.0 as u32
    }
    #[inline(always)]
    pub const fn e0i(self) -> i32 {
        self.0 as i32
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

/// What one operand field of an instruction holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    /// The field is unused and zero.
    None,
    /// A register that is written.
    Dst,
    /// A register that is read.
    Src,
    /// The first of `n` registers that are read, `n` being another operand.
    SrcN,
    /// The first of `n` registers that are written.
    DstN,
    /// A register pair `R[i]`, `R[i+1]` that is written.
    DstPair,
    /// A call window: `R[t]` callee, then the arguments (see the row).
    Window,
    /// An unsigned count.
    Count,
    /// A signed 16-bit immediate.
    Imm,
    /// An index into the function's free variables.
    Free,
    /// (`bc` or `e0`) an index into the constants.
    Const,
    /// (`bc` or `e0`) an index into the constants, of a `Const::Name`.
    Name,
    /// (`bc` or `e0`) a jump offset.
    Jump,
    /// (`bc`) a signed 32-bit immediate.
    Imm32,
}

/// The operand fields of one opcode. Where `bc` is not `None`, `b` and `c` are.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub a: Operand,
    pub b: Operand,
    pub c: Operand,
    pub bc: Operand,
    /// What the low half of the first extra word holds.
    pub e0: Operand,
    /// What the low half of the second extra word holds (`None`: cache only).
    pub e1: Operand,
    pub n_extra: u8,
}

macro_rules! operand {
    (_) => {
        Operand::None
    };
    (d) => {
        Operand::Dst
    };
    (s) => {
        Operand::Src
    };
    (sn) => {
        Operand::SrcN
    };
    (dn) => {
        Operand::DstN
    };
    (dp) => {
        Operand::DstPair
    };
    (w) => {
        Operand::Window
    };
    (n) => {
        Operand::Count
    };
    (i) => {
        Operand::Imm
    };
    (f) => {
        Operand::Free
    };
    (k) => {
        Operand::Const
    };
    (nm) => {
        Operand::Name
    };
    (j) => {
        Operand::Jump
    };
    (i32) => {
        Operand::Imm32
    };
}

macro_rules! layout {
    ($a:tt = $bc:tt) => {
        Layout { a: operand!($a), b: Operand::None, c: Operand::None, bc: operand!($bc),
                 e0: Operand::None, e1: Operand::None, n_extra: 0 }
    };
    ($a:tt $b:tt $c:tt) => { layout!($a $b $c + 0 _ _) };
    ($a:tt $b:tt $c:tt + $n:literal $e0:tt) => { layout!($a $b $c + $n $e0 _) };
    ($a:tt $b:tt $c:tt + $n:literal $e0:tt $e1:tt) => {
        Layout { a: operand!($a), b: operand!($b), c: operand!($c), bc: Operand::None,
                 e0: operand!($e0), e1: operand!($e1), n_extra: $n }
    };
}

macro_rules! ops {
    ($($(#[doc = $doc:literal])* $name:ident [$($layout:tt)*];)*) => {
        /// An opcode. Each variant's doc is its equation.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        pub enum Op { $($(#[doc = $doc])* $name,)* }

        impl Op {
            /// Every opcode, in the order of its number.
            pub const ALL: &'static [Op] = &[$(Op::$name,)*];
            const LAYOUTS: &'static [Layout] = &[$(layout!($($layout)*),)*];

            /// The name the disassembler prints.
            pub const fn name(self) -> &'static str {
                match self { $(Op::$name => stringify!($name),)* }
            }
        }
    };
}

impl Op {
    /// The opcode with number `byte`, if there is one.
    pub fn from_byte(byte: u8) -> Option<Op> {
        Op::ALL.get(byte as usize).copied()
    }
    /// Where the operands are and what they mean.
    pub const fn layout(self) -> Layout {
        Self::LAYOUTS[self as usize]
    }
    /// How many words follow the instruction's first.
    pub const fn extra_words(self) -> usize {
        Self::LAYOUTS[self as usize].n_extra as usize
    }
}

ops! {
    /// Does nothing.
    Nop [_ _ _];

    // ---- moves and constants -------------------------------------------------
    /// R[a] = R[b]
    Move [d s _];
    /// R[a] = K[bc]
    LoadConst [d = k];
    /// R[a] = the int bc (signed 32 bits)
    LoadInt [d = i32];
    /// R[a] = None
    LoadNone [d _ _];
    /// R[a] = True
    LoadTrue [d _ _];
    /// R[a] = False
    LoadFalse [d _ _];
    /// R[a] = the unbound marker (`del x`, the end of `except … as x`)
    LoadUnbound [d _ _];
    /// UnboundLocalError if R[a] is unbound; emitted only where assignment before use can't be proved
    CheckBound [s _ _];

    // ---- variables -----------------------------------------------------------
    /// R[a] = a new cell holding R[a] (a captured parameter; R[a] may be unbound)
    MakeCell [d _ _];
    /// R[a] = contents of the cell in R[b]; UnboundLocalError when empty
    LoadCell [d s _];
    /// cell in R[a] := R[b]
    StoreCell [s s _];
    /// empties the cell in R[a]; UnboundLocalError when already empty
    DelCell [s _ _];
    /// R[a] = contents of free variable b; NameError when empty, unless x is 1
    LoadFree [d f _];
    /// free variable a := R[b]
    StoreFree [f s _];
    /// empties free variable a; NameError when already empty
    DelFree [f _ _];
    /// R[a] = module variable named K[e0], else the builtin of that name; NameError
    LoadGlobal [d _ _ + 1 nm];
    /// module variable named K[e0] := R[a]
    StoreGlobal [s _ _ + 1 nm];
    /// removes the module variable named K[e0]; NameError
    DelGlobal [_ _ _ + 1 nm];
    /// R[a] = module variable named K[e0], unbound if there is none
    TakeGlobal [d _ _ + 1 nm];
    /// R[a] has just lost a name (`del x`, `x = None`): if nothing else refers to it, and that is
    /// cheaply found, what waits for its end happens now; R[a] is unbound afterwards
    LetGo [s _ _];
    /// (class body; R[0] is its namespace) R[a] = R[0][K[e0]], else as LoadGlobal
    LoadName [d _ _ + 1 nm];
    /// (class body) R[a] = R[0][name of free variable b], else the contents of free variable b
    LoadClassFree [d f _];
    /// R[a] = R[b][K[e0]] when the class namespace R[b] has it, else as LoadGlobal (a lazily
    /// evaluated bound or alias value that stands in a class body)
    LoadDictGlobal [d s _ + 1 nm];
    /// R[a] = R[b][name of free variable c] when the class namespace R[b] has it, else the
    /// contents of free variable c
    LoadDictFree [d s f];
    /// (class body) R[0][K[e0]] = R[a]
    StoreName [s _ _ + 1 nm];
    /// (class body) del R[0][K[e0]]; NameError
    DelName [_ _ _ + 1 nm];

    // ---- attributes and items ------------------------------------------------
    /// R[a] = R[b].K[e0]
    LoadAttr [d s _ + 3 nm];
    /// R[a].K[e0] = R[b]
    StoreAttr [s s _ + 3 nm];
    /// del R[a].K[e0]
    DelAttr [s _ _ + 1 nm];
    /// R[a] = R[b][R[c]]
    LoadItem [d s s];
    /// R[a] = R[b][c], c an immediate int
    LoadItemI [d s i];
    /// R[a][R[b]] = R[c]
    StoreItem [s s s];
    /// del R[a][R[b]]
    DelItem [s s _];
    /// R[a] = slice(R[b], R[b+1], R[b+2])
    BuildSlice [d sn _];
    /// R[a] = R[b][R[c]:R[c+1]:R[c+2]]
    LoadSlice [d s sn];

    // ---- arithmetic: x = 1 for the in-place form -----------------------------
    /// R[a] = R[b] + R[c]
    Add [d s s];
    /// R[a] = R[b] - R[c]
    Sub [d s s];
    /// R[a] = R[b] * R[c]
    Mul [d s s];
    /// R[a] = R[b] / R[c]
    TrueDiv [d s s];
    /// R[a] = R[b] // R[c]
    FloorDiv [d s s];
    /// R[a] = R[b] % R[c]
    Mod [d s s];
    /// R[a] = R[b] ** R[c]
    Pow [d s s];
    /// R[a] = R[b] @ R[c]
    MatMul [d s s];
    /// R[a] = R[b] << R[c]
    LShift [d s s];
    /// R[a] = R[b] >> R[c]
    RShift [d s s];
    /// R[a] = R[b] & R[c]
    And [d s s];
    /// R[a] = R[b] | R[c]
    Or [d s s];
    /// R[a] = R[b] ^ R[c]
    Xor [d s s];
    /// R[a] = R[b] + c (immediate)
    AddI [d s i];
    /// R[a] = R[b] - c (immediate)
    SubI [d s i];
    /// R[a] = R[b] * c (immediate)
    MulI [d s i];
    /// R[a] = R[b] // c (immediate)
    FloorDivI [d s i];
    /// R[a] = R[b] % c (immediate)
    ModI [d s i];
    /// R[a] = R[b] & c (immediate)
    AndI [d s i];
    /// R[a] = R[b] << c (immediate)
    LShiftI [d s i];
    /// R[a] = R[b] >> c (immediate)
    RShiftI [d s i];
    /// R[a] = -R[b]
    Neg [d s _];
    /// R[a] = +R[b]
    Pos [d s _];
    /// R[a] = ~R[b]
    Invert [d s _];
    /// R[a] = not R[b]
    Not [d s _];

    // ---- comparison ----------------------------------------------------------
    /// R[a] = R[b] < R[c]
    Lt [d s s];
    /// R[a] = R[b] <= R[c]
    Le [d s s];
    /// R[a] = R[b] > R[c]
    Gt [d s s];
    /// R[a] = R[b] >= R[c]
    Ge [d s s];
    /// R[a] = R[b] == R[c]
    Eq [d s s];
    /// R[a] = R[b] != R[c]
    Ne [d s s];
    /// R[a] = R[b] is R[c]; x = 1: is not
    Is [d s s];
    /// R[a] = R[b] in R[c]; x = 1: not in
    In [d s s];

    // ---- jumps ---------------------------------------------------------------
    /// jump by bc
    Jump [_ = j];
    /// jump by bc when R[a] is true
    JumpIf [s = j];
    /// jump by bc when R[a] is false
    JumpIfNot [s = j];
    /// jump by bc when R[a] is None
    JumpIfNone [s = j];
    /// jump by bc when R[a] is not None
    JumpIfNotNone [s = j];
    /// jump by e0 when the truth of (R[a] < R[b]) is x
    JumpLt [s s _ + 1 j];
    /// jump by e0 when the truth of (R[a] <= R[b]) is x
    JumpLe [s s _ + 1 j];
    /// jump by e0 when the truth of (R[a] > R[b]) is x
    JumpGt [s s _ + 1 j];
    /// jump by e0 when the truth of (R[a] >= R[b]) is x
    JumpGe [s s _ + 1 j];
    /// jump by e0 when the truth of (R[a] == R[b]) is x
    JumpEq [s s _ + 1 j];
    /// jump by e0 when the truth of (R[a] != R[b]) is x
    JumpNe [s s _ + 1 j];
    /// jump by e0 when the truth of (R[a] < c) is x, c immediate
    JumpLtI [s _ i + 1 j];
    /// jump by e0 when the truth of (R[a] <= c) is x, c immediate
    JumpLeI [s _ i + 1 j];
    /// jump by e0 when the truth of (R[a] > c) is x, c immediate
    JumpGtI [s _ i + 1 j];
    /// jump by e0 when the truth of (R[a] >= c) is x, c immediate
    JumpGeI [s _ i + 1 j];
    /// jump by e0 when the truth of (R[a] == c) is x, c immediate
    JumpEqI [s _ i + 1 j];
    /// jump by e0 when the truth of (R[a] != c) is x, c immediate
    JumpNeI [s _ i + 1 j];
    /// jump by e0 when (R[a] is R[b]) is x
    JumpIs [s s _ + 1 j];
    /// jump by e0 when (R[a] in R[b]) is x
    JumpIn [s s _ + 1 j];

    // ---- iteration -----------------------------------------------------------
    /// R[a] = iter(R[b])
    GetIter [d s _];
    /// when R[b] has a next item: R[a] = it and jump by e0 (back to the loop's body); else fall through
    ForIter [d s _ + 1 j];
    /// leaves a loop early whose header made its own generator: closes R[a] if it is a
    /// generator that was not yet started when the loop took it, else nothing
    IterClose [s _ _];
    /// R[b .. b+c] = the c items of R[a]; ValueError on another number; x: nothing else reads
    /// R[a], which a loop's iterator gave
    UnpackSeq [s dn n];
    /// R[b ..] = c items, then a list of the rest, then e0 (a plain count) items from the end
    UnpackEx [s dn n + 1 n];

    // ---- building ------------------------------------------------------------
    /// R[a] = [R[b] .. R[b+c]]
    BuildList [d sn n];
    /// R[a] = (R[b] .. R[b+c])
    BuildTuple [d sn n];
    /// R[a] = {R[b] .. R[b+c]}
    BuildSet [d sn n];
    /// R[a] = {R[b]: R[b+1], …}, c pairs
    BuildDict [d sn n];
    /// R[a].append(R[b]), R[a] being a list under construction
    ListAppend [s s _];
    /// R[a].extend(R[b]), R[a] a list under construction
    ListExtend [s s _];
    /// R[a].add(R[b]), R[a] a set under construction
    SetAdd [s s _];
    /// R[a].update(R[b]), R[a] a set under construction
    SetUpdate [s s _];
    /// R[a][R[b]] = R[c], R[a] a dict under construction
    DictSet [s s s];
    /// R[a].update(R[b]) for `{**R[b]}`; R[b] must be a mapping
    DictUpdate [s s _];
    /// R[a].update(R[b]) for `f(**R[b])`; a name given twice is a TypeError that names callee R[c]
    DictMerge [s s s];
    /// R[a] = tuple(R[b]), R[b] a list under construction that is not used again
    ListToTuple [d s _];
    /// R[a] = "".join of the strs R[b] .. R[b+c]
    BuildString [d sn n];
    /// R[a] = format(conversion(R[b]), R[c]); x bits 0-1: 0 none, 1 str, 2 repr, 3 ascii; bit 2: R[c] holds a spec
    FormatValue [d s s];

    // ---- calls: R[b] is the callee, arguments follow it ----------------------
    // x bit 0 in every call: the next instruction is `Await a, a` on the result;
    // the VM may run an async function's frame in place and skip that Await.
    /// R[a] = R[b](R[b+1] .. R[b+1+c])
    Call [d w n];
    /// as Call; the last len(K[e0]) arguments are keywords named by the tuple of strs K[e0]
    CallKw [d w n + 1 k];
    /// R[a] = R[b](*R[b+1], **R[b+2]); R[b+1] a tuple or list, R[b+2] a dict or None. x bit 1:
    /// R[b+1] is the value of a lone `*` and may be anything; the TypeError of what is not
    /// iterable then names the callee ("f() argument after * must be an iterable, not int")
    CallEx [d w _];
    /// R[a] = R[b+1].K[e0](R[b+2] .. R[b+2+c]); R[b] is scratch
    CallMethod [d w n + 4 nm];
    /// as CallMethod; the last len(K[e1]) arguments are keywords named by K[e1]
    CallMethodKw [d w n + 4 nm k];
    /// R[a], R[a+1] = what to call for R[b].K[e0](…), looked up before the arguments are
    /// evaluated: a plain function and R[b] as its first argument, or the attribute's value
    /// and the unbound marker
    LoadMethod [dp s _ + 3 nm];
    /// the call after a LoadMethod into R[b], R[b+1]: R[a] = R[b](R[b+1], R[b+2] .. R[b+2+c]),
    /// without R[b+1] where that is the unbound marker
    CallLoaded [d w n];
    /// as CallLoaded; the last len(K[e0]) arguments are keywords named by K[e0]
    CallLoadedKw [d w n + 1 k];
    /// zero-argument `super()`: R[b] the global `super`, R[b+1] `__class__`, R[b+2] the first
    /// argument; when R[b] is not the builtin: R[a] = R[b](). x bit 1: the code has no positional
    /// parameter (R[b+2] is unbound); x bit 2: no `__class__` is in sight (R[b+1] is unbound)
    CallSuper [d w _];
    /// R[a] = the builtin that builds classes: called with (body function, name, *bases, **keywords)
    LoadBuildClass [d _ _];
    /// R[a] = function of Const::Code K[e0]; R[b..b+4] hold by bits of x: 1 tuple of positional
    /// defaults in R[b], 2 dict of keyword defaults in R[b+1], 4 dict of annotations in R[b+2],
    /// 8 tuple of type parameters in R[b+3]. Captures come from the child code's table.
    MakeFunction [d s _ + 1 k];

    // ---- generators and coroutines -------------------------------------------
    /// yields R[b] to the resumer; R[a] = what is sent in. In an async generator: its `yield`
    Yield [d s _];
    /// R[a] = the iterator that `yield from R[b]` drives
    GetYieldFromIter [d s _];
    /// R[a] = the value of `yield from` over the iterator R[b]
    YieldFrom [d s _];
    /// R[a] = await R[b]; x says what gave R[b] (`await_of`), for the error
    Await [d s _];
    /// (never compiled) stands where the body of the running code object will be: makes the VM's
    /// own copy of it and begins
    LoadBody [_ _ _];
    /// (in the code of a coroutine written in Rust) runs its next step, told R[a]: x = 0 the value
    /// awaited, 1 the exception raised; the step ends the frame or leaves in R[a] what to await
    NativeStep [d _ _];
    /// R[a] = aiter(R[b]) as `async for` does
    GetAiter [d s _];
    /// R[a] = the awaitable of anext(R[b]); followed by `Await a, a`
    GetAnext [d s _];
    /// (handler of the anext) re-raises R[a] unless it is StopAsyncIteration
    EndAsyncFor [s _ _];
    /// returns R[a] from the frame
    Return [s _ _];
    /// returns None from the frame
    ReturnNone [_ _ _];

    // ---- with ----------------------------------------------------------------
    /// R[a] = bound __exit__ of R[b], R[a+1] = R[b].__enter__(); x = 1: __aexit__ and the
    /// awaitable of __aenter__(), followed by `Await a+1, a+1`
    BeforeWith [dp s _];
    /// R[a] = R[b](None, None, None); x = 1: followed by `Await a, a`
    WithExit [d s _];
    /// R[a] = R[b](type(R[c]), R[c], R[c].__traceback__); x = 1: followed by `Await a, a`
    WithExitExc [d s s];

    // ---- exceptions ----------------------------------------------------------
    /// x = 0: re-raises the exception being handled; 1: raises R[a]; 2: raises R[a] from R[b]
    Raise [s s _];
    /// raises the exception object R[a] again, its traceback going on
    Reraise [s _ _];
    /// R[a] = saved handled exception; the exception being handled := R[b]
    EnterHandler [d s _];
    /// the exception being handled := R[a], as saved by EnterHandler
    LeaveHandler [s _ _];
    /// jump by e0 unless exception R[a] matches the class or tuple of classes R[b]
    JumpIfNoMatch [s s _ + 1 j];
    /// (except*) R[a] = the part of exception R[b] that matches R[c], or None; R[a+1] = the rest, or None
    SplitGroup [dp s s];
    /// (end of except*) R[a] = what to raise, or None: from the original R[b] and the list R[c]
    /// of exceptions raised in the handlers and of unhandled rests
    JoinGroups [d s s];
    /// R[a] = the class AssertionError
    LoadAssertionError [d _ _];

    // ---- match ---------------------------------------------------------------
    /// R[a] = whether R[b] is a sequence for patterns
    MatchSequence [d s _];
    /// R[a] = whether R[b] is a mapping for patterns
    MatchMapping [d s _];
    /// R[a] = tuple of the values of R[b] at the keys in tuple R[c], or None
    MatchKeys [d s s];
    /// R[a] = new dict of R[b] without the keys in tuple R[c]
    MatchRest [d s s];
    /// R[a] = tuple of e0 positional sub-subjects and those named by tuple K[e1], or None;
    /// R[b] the subject, R[c] the class
    MatchClass [d s s + 2 n k];
    /// R[a] = len(R[b])
    GetLen [d s _];

    // ---- modules and the rest ------------------------------------------------
    /// R[a] = module K[e0] imported with level b; x = 0: the top package, 1: the module itself;
    /// K[e1] is the tuple of names of a `from` import, or None
    Import [d n _ + 2 nm k];
    /// R[a] = R[b].K[e0], else the submodule; ImportError
    ImportFrom [d s _ + 1 nm];
    /// binds the public names of module R[a] in the module's namespace
    ImportStar [s _ _];
    /// (REPL) shows R[a] unless it is None
    PrintExpr [s _ _];
    /// R[a] = intrinsic number x applied to R[b], R[c] (see `Intrinsic`)
    Intrinsic [d s s];
}

/// Rare operations behind one opcode, `Op::Intrinsic`; the number is its `x`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Intrinsic {
    /// TypeVar named R[b] (a str); R[c] a tuple (bound thunk or None, constraints thunk or None, default thunk or None)
    TypeVar,
    /// ParamSpec named R[b]; R[c] as for TypeVar
    ParamSpec,
    /// TypeVarTuple named R[b]; R[c] as for TypeVar
    TypeVarTuple,
    /// the type alias named R[b]; R[c] a tuple (type parameters, value thunk)
    TypeAlias,
    /// `Generic[*R[b]]`, the implicit base of `class C[T]`
    SubscriptGeneric,
    /// (class body or module) makes sure that `__annotations__` is there and gives it
    Annotations,
    /// a frozenset of the items of tuple R[b]
    FrozenSet,
    /// raises `Unsupported(R[b])`: a refusal put off by `--refuse-late`
    Refuse,
    /// sets function R[b]'s `__type_params__` to tuple R[c], gives the function
    SetTypeParams,
}

impl Intrinsic {
    /// Every intrinsic, in the order of its number.
    pub const ALL: &'static [Intrinsic] = &[
        Intrinsic::TypeVar,
        Intrinsic::ParamSpec,
        Intrinsic::TypeVarTuple,
        Intrinsic::TypeAlias,
        Intrinsic::SubscriptGeneric,
        Intrinsic::Annotations,
        Intrinsic::FrozenSet,
        Intrinsic::Refuse,
        Intrinsic::SetTypeParams,
    ];
}
