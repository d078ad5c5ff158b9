//! Takes instructions one by one with labels for jump targets, gives the words,
//! constants, spans and handlers of a code object. Knows which registers are
//! bound at the point it has reached, and drops what can't be reached.

use num_bigint::BigInt;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::ast::{Name, StrLit};
use crate::bytecode::{Const, ConstIdx, Handler, Op, Reg, Word};
use crate::source::Span;

/// A set of registers, as bits.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct RegSet(SmallVec<[u64; 2]>);

impl RegSet {
    pub fn contains(&self, reg: Reg) -> bool {
        let (word, bit) = (reg.0 as usize / 64, reg.0 % 64);
        self.0.get(word).is_some_and(|word| word >> bit & 1 == 1)
    }

    pub fn insert(&mut self, reg: Reg) {
        let (word, bit) = (reg.0 as usize / 64, reg.0 % 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << bit;
    }

    pub fn remove(&mut self, reg: Reg) {
        let (word, bit) = (reg.0 as usize / 64, reg.0 % 64);
        if let Some(word) = self.0.get_mut(word) {
            *word &= !(1 << bit);
        }
    }

    fn intersect(&mut self, other: &RegSet) {
        self.0.truncate(other.0.len());
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine &= theirs;
        }
    }

    pub fn subtract(&mut self, other: &RegSet) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine &= !theirs;
        }
    }
}

/// A jump target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Label(u32);

#[derive(Default)]
struct LabelState {
    position: Option<u32>,
    /// What is bound on every way that leads here so far; `None`: no way does.
    bound: Option<RegSet>,
}

/// A jump whose offset is filled in at the end.
struct Patch {
    at: u32,
    label: Label,
    /// The offset stands in the first extra word, else in `bc`.
    in_extra: bool,
}

/// A protected region under construction.
struct Region {
    target: Label,
    exc: Reg,
    /// Where the range that is open began.
    open: Option<u32>,
    ranges: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RegionId(u32);

/// What makes two constants one: type and value; floats by their bits.
#[derive(PartialEq, Eq, Hash)]
enum ConstKey {
    None,
    True,
    False,
    Ellipsis,
    Int(i64),
    BigInt(BigInt),
    Float(u64),
    Str(StrLit),
    Bytes(Vec<u8>),
    Tuple(Vec<ConstKey>),
    FrozenSet(Vec<ConstKey>),
    Name(Name),
}

fn const_key(value: &Const) -> Option<ConstKey> {
    let all = |items: &[Const]| items.iter().map(const_key).collect::<Option<Vec<_>>>();
    Some(match value {
        Const::None => ConstKey::None,
        Const::True => ConstKey::True,
        Const::False => ConstKey::False,
        Const::Ellipsis => ConstKey::Ellipsis,
        Const::Int(value) => ConstKey::Int(*value),
        Const::BigInt(value) => ConstKey::BigInt(value.clone()),
        Const::Float(value) => ConstKey::Float(value.to_bits()),
        Const::Str(value) => ConstKey::Str(value.clone()),
        Const::Bytes(value) => ConstKey::Bytes(value.clone()),
        Const::Tuple(items) => ConstKey::Tuple(all(items)?),
        Const::FrozenSet(items) => ConstKey::FrozenSet(all(items)?),
        Const::Name(name) => ConstKey::Name(name.clone()),
        Const::Code(_) => return None,
    })
}

#[derive(Default)]
pub(super) struct Assembler {
    words: Vec<Word>,
    spans: Vec<(u32, Span)>,
    pub consts: Vec<Const>,
    const_index: FxHashMap<ConstKey, u32>,
    labels: Vec<LabelState>,
    patches: Vec<Patch>,
    regions: Vec<Region>,
    /// Regions in the order in which they were finished: inner before outer.
    finished: Vec<RegionId>,
    /// Where the instructions to come stand in the source.
    pub span: Span,
    /// Registers that are surely bound here; `None`: this point can't be reached.
    bound: Option<RegSet>,
}

/// What `finish` gives: parts of a code object.
pub(super) struct Assembled {
    pub words: Vec<Word>,
    pub spans: Vec<(u32, Span)>,
    pub consts: Vec<Const>,
    pub handlers: Vec<Handler>,
}

impl Assembler {
    pub fn new() -> Assembler {
        Assembler {
            bound: Some(RegSet::default()),
            ..Assembler::default()
        }
    }

    pub fn here(&self) -> u32 {
        self.words.len() as u32
    }

    // ------------------------------------------------------ what is bound

    pub fn reachable(&self) -> bool {
        self.bound.is_some()
    }

    /// Nothing follows: the point after a jump, return or raise.
    pub fn end_flow(&mut self) {
        self.bound = None;
    }

    pub fn bound(&self) -> Option<&RegSet> {
        self.bound.as_ref()
    }

    pub fn is_bound(&self, reg: Reg) -> bool {
        self.bound.as_ref().is_none_or(|bound| bound.contains(reg))
    }

    pub fn set_bound(&mut self, reg: Reg) {
        if let Some(bound) = &mut self.bound {
            bound.insert(reg);
        }
    }

    pub fn set_unbound(&mut self, reg: Reg) {
        if let Some(bound) = &mut self.bound {
            bound.remove(reg);
        }
    }

    // ---------------------------------------------------------- constants

    pub fn constant(&mut self, value: Const) -> u32 {
        let key = const_key(&value);
        if let Some(key) = &key
            && let Some(&index) = self.const_index.get(key)
        {
            return index;
        }
        let index = self.consts.len() as u32;
        self.consts.push(value);
        if let Some(key) = key {
            self.const_index.insert(key, index);
        }
        index
    }

    pub fn name(&mut self, name: &Name) -> u32 {
        self.constant(Const::Name(name.clone()))
    }

    // ------------------------------------------------------- instructions

    fn push(&mut self, op: Op, word: Word, extra: &[u32]) -> u32 {
        let at = self.here();
        if self.spans.last().is_none_or(|&(_, span)| span != self.span) {
            self.spans.push((at, self.span));
        }
        self.words.push(word);
        for index in 0..op.extra_words() {
            let e0 = extra.get(index).copied().unwrap_or(0);
            self.words.push(Word::extra(e0));
        }
        at
    }

    /// An instruction with all its fields.
    pub fn emit(&mut self, op: Op, x: u8, a: u16, b: u16, c: u16, extra: &[u32]) {
        if self.reachable() {
            self.push(op, Word::abc(op, x, a, b, c), extra);
        }
    }

    pub fn abc(&mut self, op: Op, a: Reg, b: Reg, c: Reg) {
        self.emit(op, 0, a.0, b.0, c.0, &[]);
    }

    pub fn ab(&mut self, op: Op, a: Reg, b: Reg) {
        self.emit(op, 0, a.0, b.0, 0, &[]);
    }

    pub fn a(&mut self, op: Op, a: Reg) {
        self.emit(op, 0, a.0, 0, 0, &[]);
    }

    /// An instruction with one register and a 32-bit operand.
    pub fn abx(&mut self, op: Op, a: Reg, bc: u32) {
        if self.reachable() {
            self.push(op, Word::abx(op, 0, a.0, bc), &[]);
        }
    }

    pub fn move_to(&mut self, dst: Reg, src: Reg) {
        if dst != src {
            self.ab(Op::Move, dst, src);
        }
    }

    pub fn load_const(&mut self, dst: Reg, value: Const) {
        match value {
            Const::None => self.a(Op::LoadNone, dst),
            Const::True => self.a(Op::LoadTrue, dst),
            Const::False => self.a(Op::LoadFalse, dst),
            Const::Int(int) if i32::try_from(int).is_ok() => {
                self.abx(Op::LoadInt, dst, int as i32 as u32);
            }
            value => {
                if self.reachable() {
                    let index = self.constant(value);
                    self.abx(Op::LoadConst, dst, index);
                }
            }
        }
    }

    // -------------------------------------------------------------- jumps

    pub fn label(&mut self) -> Label {
        self.labels.push(LabelState::default());
        Label(self.labels.len() as u32 - 1)
    }

    fn arrive(&mut self, label: Label) {
        let Some(bound) = &self.bound else { return };
        let state = &mut self.labels[label.0 as usize];
        match &mut state.bound {
            Some(known) => known.intersect(bound),
            None => state.bound = Some(bound.clone()),
        }
    }

    pub fn jump(&mut self, label: Label) {
        if !self.reachable() {
            return;
        }
        self.arrive(label);
        let at = self.push(Op::Jump, Word::abx(Op::Jump, 0, 0, 0), &[]);
        self.patches.push(Patch {
            at,
            label,
            in_extra: false,
        });
        self.end_flow();
    }

    /// One of the jumps that test one register and hold the offset in `bc`.
    pub fn jump_on(&mut self, op: Op, reg: Reg, label: Label) {
        if !self.reachable() {
            return;
        }
        self.arrive(label);
        let at = self.push(op, Word::abx(op, 0, reg.0, 0), &[]);
        self.patches.push(Patch {
            at,
            label,
            in_extra: false,
        });
    }

    /// One of the jumps that hold the offset in their first extra word.
    pub fn branch(&mut self, op: Op, x: u8, a: Reg, b: u16, c: u16, label: Label) {
        if !self.reachable() {
            return;
        }
        self.arrive(label);
        let at = self.push(op, Word::abc(op, x, a.0, b, c), &[]);
        self.patches.push(Patch {
            at,
            label,
            in_extra: true,
        });
    }

    /// Puts the label here. What follows is reached from the jumps to it so
    /// far and from above.
    pub fn place(&mut self, label: Label) {
        self.arrive(label);
        let here = self.here();
        let state = &mut self.labels[label.0 as usize];
        debug_assert!(state.position.is_none(), "a label is placed once");
        state.position = Some(here);
        self.bound = state.bound.clone();
    }

    /// Puts the label of a jump that comes later (a loop's head, a handler's
    /// start) here, with what is bound on every way to it.
    pub fn place_with(&mut self, label: Label, bound: RegSet) {
        let here = self.here();
        let state = &mut self.labels[label.0 as usize];
        debug_assert!(state.position.is_none(), "a label is placed once");
        state.position = Some(here);
        self.bound = Some(bound);
    }

    /// What is bound on every jump to the label so far; `None`: there is none.
    pub fn bound_at(&self, label: Label) -> Option<&RegSet> {
        self.labels[label.0 as usize].bound.as_ref()
    }

    // ------------------------------------------------------------ regions

    pub fn open_region(&mut self, target: Label, exc: Reg) -> RegionId {
        self.regions.push(Region {
            target,
            exc,
            open: Some(self.here()),
            ranges: Vec::new(),
        });
        RegionId(self.regions.len() as u32 - 1)
    }

    /// Leaves the region for code that stands inside it but isn't protected.
    pub fn pause_region(&mut self, region: RegionId) {
        let here = self.here();
        let region = &mut self.regions[region.0 as usize];
        if let Some(start) = region.open.take()
            && start < here
        {
            region.ranges.push((start, here));
        }
    }

    pub fn resume_region(&mut self, region: RegionId) {
        let here = self.here();
        self.regions[region.0 as usize].open = Some(here);
    }

    /// Ends the region; gives whether it protects anything.
    pub fn close_region(&mut self, region: RegionId) -> bool {
        self.pause_region(region);
        self.finished.push(region);
        !self.regions[region.0 as usize].ranges.is_empty()
    }

    // ---------------------------------------------------------------- end

    /// Fills in the jumps.
    ///
    /// # Errors
    /// The code is too long for a jump's 32 bits.
    pub fn finish(mut self) -> Result<Assembled, ()> {
        if self.words.len() >= i32::MAX as usize {
            return Err(());
        }
        for patch in &self.patches {
            let target = self.labels[patch.label.0 as usize]
                .position
                .expect("every label that is jumped to is placed");
            let at = patch.at as usize;
            let op = Op::from_byte(self.words[at].op_byte()).expect("the assembler wrote it");
            let end = at + 1 + op.extra_words();
            let offset = (target as i64 - end as i64) as i32 as u32;
            if patch.in_extra {
                self.words[at + 1] = Word::extra(offset);
            } else {
                let word = self.words[at];
                self.words[at] = Word::abx(op, word.x(), word.a(), offset);
            }
        }
        let mut handlers = Vec::new();
        for region in &self.finished {
            let region = &self.regions[region.0 as usize];
            if region.ranges.is_empty() {
                continue;
            }
            let target = self.labels[region.target.0 as usize]
                .position
                .expect("a region that protects something has its handler placed");
            for &(start, end) in &region.ranges {
                handlers.push(Handler {
                    start,
                    end,
                    target,
                    exc: region.exc,
                });
            }
        }
        Ok(Assembled {
            words: self.words,
            spans: self.spans,
            consts: self.consts,
            handlers,
        })
    }
}

/// The constant index of a docstring.
pub(super) fn doc_index(asm: &mut Assembler, text: &StrLit) -> ConstIdx {
    ConstIdx(asm.constant(Const::Str(text.clone())))
}
