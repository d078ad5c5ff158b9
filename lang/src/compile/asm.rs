//! Takes instructions one by one with labels for jump targets, gives the words,
//! constants, spans and handlers of a code object. Knows which registers are
//! bound at the point it has reached, and drops what can't be reached.

use num_bigint::BigInt;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::ast::{Name, StrLit};
use crate::bytecode::{Const, ConstIdx, Handler, LocalVar, Op, Reg, Word};
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
    /// Placed in code that moves to the end.
    is_cold: bool,
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
    /// Runs of words that move to the end of the code, so that what usually
    /// runs doesn't jump over them. Ascending; none holds another.
    cold: Vec<(u32, u32)>,
    in_cold: bool,
    /// Some instruction waits for another iterator: `yield from`.
    delegates: bool,
    /// The next instruction names its span even if it is that of the one before.
    span_is_due: bool,
}

/// An open run of cold code.
pub(super) struct Cold {
    /// What is bound where the usual way goes on.
    bound: Option<RegSet>,
    start: u32,
    /// Inside another cold run the code stays and is jumped over.
    after: Option<Label>,
}

/// What `finish` gives: parts of a code object.
pub(super) struct Assembled {
    /// The variables that were given, each as often as its code is in pieces.
    pub locals: Vec<LocalVar>,
    pub words: Vec<Word>,
    pub spans: Vec<(u32, Span)>,
    pub consts: Vec<Const>,
    pub handlers: Vec<Handler>,
    pub delegates: bool,
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
        let same = self
            .spans
            .last()
            .is_some_and(|&(_, span)| span == self.span);
        if !same || self.span_is_due {
            self.spans.push((at, self.span));
            self.span_is_due = false;
        }
        self.delegates |= op == Op::YieldFrom;
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

    /// What the instruction does last that was just emitted stands at `span`: a method is looked
    /// up in one place and called in another.
    pub fn go_on_at(&mut self, op: Op, span: Span) {
        self.span = span;
        if self.reachable() {
            self.spans
                .push((self.here() - op.extra_words() as u32, span));
        }
    }

    pub fn abc(&mut self, op: Op, a: Reg, b: Reg, c: Reg) {
        self.emit(op, 0, a.0, b.0, c.0, &[]);
    }

    pub fn ab(&mut self, op: Op, a: Reg, b: Reg) {
        self.emit(op, 0, a.0, b.0, 0, &[]);
    }

    /// `reg = await reg`; `given_by` is one of `await_of`.
    pub fn await_given(&mut self, reg: Reg, given_by: u8) {
        self.emit(Op::Await, given_by, reg.0, reg.0, 0, &[]);
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
        if state.position.is_some() {
            // A jump back: what it leads to was compiled for any way there.
            return;
        }
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
        state.is_cold = self.in_cold;
        self.bound = state.bound.take();
    }

    /// Puts the label of a jump that comes later (a loop's head, a handler's
    /// start) here, with what is bound on every way to it.
    pub fn place_with(&mut self, label: Label, bound: RegSet) {
        let here = self.here();
        let state = &mut self.labels[label.0 as usize];
        debug_assert!(state.position.is_none(), "a label is placed once");
        state.position = Some(here);
        state.is_cold = self.in_cold;
        state.bound = None;
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

    // --------------------------------------------------------------- cold

    /// Starts code that is only reached by jumps and as a handler. The way
    /// that leads here goes on after `end_cold`.
    pub fn begin_cold(&mut self) -> Cold {
        let bound = self.bound.clone();
        let after = if self.in_cold {
            let after = self.label();
            self.jump(after);
            Some(after)
        } else {
            self.in_cold = true;
            None
        };
        self.end_flow();
        self.span_is_due = true;
        Cold {
            bound,
            start: self.here(),
            after,
        }
    }

    pub fn end_cold(&mut self, cold: Cold) {
        debug_assert!(
            !self.reachable(),
            "cold code doesn't run on into what follows"
        );
        if let Some(after) = cold.after {
            self.place(after);
            return;
        }
        self.in_cold = false;
        self.span_is_due = true;
        self.bound = cold.bound;
        let here = self.here();
        if cold.start < here {
            self.cold.push((cold.start, here));
        }
    }

    // ---------------------------------------------------------------- end

    /// Moves cold code to the end and fills in the jumps.
    ///
    /// # Errors
    /// The code is too long for a jump's 32 bits.
    pub fn finish(self, locals: &[LocalVar]) -> Result<Assembled, ()> {
        if self.words.len() >= i32::MAX as usize {
            return Err(());
        }
        let layout = FinalLayout::new(&self.cold, self.here());
        let mut words = layout.words(&self.words);
        for patch in &self.patches {
            let target = self.label_position(&layout, patch.label);
            let at = layout.instruction(patch.at) as usize;
            let op = Op::from_byte(words[at].op_byte()).expect("the assembler wrote it");
            let end = at + 1 + op.extra_words();
            let offset = (target as i64 - end as i64) as i32 as u32;
            if patch.in_extra {
                words[at + 1] = Word::extra(offset);
            } else {
                let word = words[at];
                words[at] = Word::abx(op, word.x(), word.a(), offset);
            }
        }
        let mut handlers = Vec::new();
        for region in &self.finished {
            let region = &self.regions[region.0 as usize];
            if region.ranges.is_empty() {
                continue;
            }
            let target = self.label_position(&layout, region.target);
            for &(start, end) in &region.ranges {
                for (start, end) in layout.ranges(start, end) {
                    handlers.push(Handler {
                        start,
                        end,
                        target,
                        exc: region.exc,
                    });
                }
            }
        }
        let at = |&(at, span): &(u32, Span)| (layout.instruction(at), span);
        let mut spans: Vec<(u32, Span)> = self.spans.iter().map(at).collect();
        if !self.cold.is_empty() {
            spans.sort_by_key(|&(at, _)| at);
        }
        let mut placed = Vec::with_capacity(locals.len());
        for local in locals {
            if local.end == u32::MAX {
                placed.push(local.clone());
                continue;
            }
            for (start, end) in layout.ranges(local.start, local.end) {
                placed.push(LocalVar {
                    start,
                    end,
                    ..local.clone()
                });
            }
        }
        Ok(Assembled {
            words,
            locals: placed,
            spans,
            consts: self.consts,
            handlers,
            delegates: self.delegates,
        })
    }

    fn label_position(&self, layout: &FinalLayout<'_>, label: Label) -> u32 {
        let state = &self.labels[label.0 as usize];
        let at = state
            .position
            .expect("what is jumped to, and the handler of what is protected, is placed");
        if state.is_cold {
            layout.instruction(at)
        } else {
            layout.hot(at)
        }
    }
}

/// Where words go when the cold runs move to the end.
struct FinalLayout<'a> {
    cold: &'a [(u32, u32)],
    /// For each cold run, how many cold words come before it.
    before: Vec<u32>,
    n_hot: u32,
}

impl FinalLayout<'_> {
    fn new(cold: &[(u32, u32)], n_words: u32) -> FinalLayout<'_> {
        let mut before = Vec::with_capacity(cold.len());
        let mut n_cold = 0;
        for (start, end) in cold {
            before.push(n_cold);
            n_cold += end - start;
        }
        FinalLayout {
            cold,
            before,
            n_hot: n_words - n_cold,
        }
    }

    fn words(&self, words: &[Word]) -> Vec<Word> {
        let mut moved = Vec::with_capacity(words.len());
        let mut from = 0;
        for &(start, end) in self.cold {
            moved.extend_from_slice(&words[from..start as usize]);
            from = end as usize;
        }
        moved.extend_from_slice(&words[from..]);
        for &(start, end) in self.cold {
            moved.extend_from_slice(&words[start as usize..end as usize]);
        }
        moved
    }

    /// The new place of a point outside of cold code. The place of a cold run,
    /// borders included, is where it was taken out.
    fn hot(&self, at: u32) -> u32 {
        let n = self.cold.partition_point(|&(start, _)| start < at);
        match n.checked_sub(1) {
            None => at,
            Some(last) => {
                let (start, end) = self.cold[last];
                start - self.before[last] + at.saturating_sub(end)
            }
        }
    }

    /// The new place of the instruction at `at`.
    fn instruction(&self, at: u32) -> u32 {
        let n = self.cold.partition_point(|&(start, _)| start <= at);
        match n.checked_sub(1) {
            Some(last) if at < self.cold[last].1 => {
                self.n_hot + self.before[last] + (at - self.cold[last].0)
            }
            _ => self.hot(at),
        }
    }

    /// The new places of a protected range: cold runs in it move on their own.
    fn ranges(&self, start: u32, end: u32) -> Vec<(u32, u32)> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let (hot_start, hot_end) = (self.hot(start), self.hot(end));
        if hot_start < hot_end {
            ranges.push((hot_start, hot_end));
        }
        let first = self.cold.partition_point(|&(_, to)| to <= start);
        for &(from, to) in &self.cold[first..] {
            if from >= end {
                break;
            }
            let (from, to) = (from.max(start), to.min(end));
            let moved = self.instruction(from);
            match ranges.last_mut() {
                Some(last) if last.1 == moved => last.1 += to - from,
                _ => ranges.push((moved, moved + (to - from))),
            }
        }
        ranges
    }
}

/// The constant index of a docstring.
pub(super) fn doc_index(asm: &mut Assembler, text: &StrLit) -> ConstIdx {
    ConstIdx(asm.constant(Const::Str(text.clone())))
}
