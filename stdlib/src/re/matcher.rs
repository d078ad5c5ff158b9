//! Runs a compiled expression over text by backtracking, as sre does, with
//! stacks of its own: no recursion, and it stops when its fuel is used up and
//! goes on where it was. It knows no VM; the text is given to it anew each time.
//!
//! ```text
//! choices: what to try next when this way fails (place, position, how long the trail was)
//! trail:   what marks and loops were before they changed, to undo on the way back
//! ```

use lockstep_runtime::text::pystr::Unit;

use super::charset::{Fold, in_class};
use super::program::{First, One, Op, Program};
use super::tree::{At, Class, Greed, MANY};

/// A mark, or a loop's last position, that is not set.
pub const UNSET: usize = usize::MAX;

/// Steps between two looks at the world outside.
const FUEL: usize = 50_000;

/// What a run of the matcher came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// From `Matcher::start` to `Matcher::end`.
    Match,
    Nothing,
    /// Call `go_on` again.
    OutOfFuel,
}

/// How a match is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// At the first place where it matches.
    Search,
    /// Where it begins.
    Match,
    /// There, up to the end.
    Full,
}

#[derive(Clone, Copy, Debug)]
struct Loop {
    /// Completed rounds; -1 before the loop asked for the first.
    count: i64,
    /// Where the last round began.
    last: usize,
}

#[derive(Clone, Copy, Debug)]
enum Then {
    /// Goes on at a place.
    Go(u32),
    /// The repeat of one character before the place gives one back, down to `lowest`.
    GiveBack { next: u32, lowest: usize },
    /// The lazy repeat at the place takes one more, up to `left`.
    TakeMore { at: u32, left: u32 },
    /// The lazy loop at the place runs its body once more.
    Again { at: u32 },
}

#[derive(Clone, Copy, Debug)]
struct Choice {
    then: Then,
    position: usize,
    trail_len: usize,
}

#[derive(Clone, Copy, Debug)]
enum Undo {
    Mark(u32, usize),
    LastGroup(usize),
    Loop(u32, Loop),
}

/// The state of a search.
pub struct Matcher {
    mode: Mode,
    /// Where it begins, or began.
    pub start: usize,
    /// Where the match ends.
    pub end: usize,
    /// As if the text ended here.
    limit: usize,
    /// The match may not end where it begins.
    must_advance: bool,
    /// Start and end of each group; `UNSET` where it did not match.
    pub marks: Vec<usize>,
    /// The group that was closed last; 0 for none.
    pub last_group: usize,
    loops: Vec<Loop>,
    /// By barrier: how many choices there were, and the position.
    barriers: Vec<(usize, usize)>,
    choices: Vec<Choice>,
    trail: Vec<Undo>,
    place: usize,
    position: usize,
    /// A start is being tried.
    running: bool,
}

impl Matcher {
    /// A matcher that has not been made fit for a program.
    pub fn new() -> Matcher {
        Matcher {
            mode: Mode::Search,
            start: 0,
            end: 0,
            limit: 0,
            must_advance: false,
            marks: Vec::new(),
            last_group: 0,
            loops: Vec::new(),
            barriers: Vec::new(),
            choices: Vec::new(),
            trail: Vec::new(),
            place: 0,
            position: 0,
            running: false,
        }
    }

    /// Makes it fit for a program, whatever it ran before.
    pub fn fit(&mut self, program: &Program) {
        let unset = Loop {
            count: -1,
            last: UNSET,
        };
        self.marks.clear();
        self.marks.resize(program.n_groups * 2, UNSET);
        self.loops.clear();
        self.loops.resize(program.n_loops, unset);
        self.barriers.clear();
        self.barriers.resize(program.n_barriers, (0, 0));
    }

    /// Sets out to look between two positions.
    pub fn begin(&mut self, mode: Mode, start: usize, limit: usize, must_advance: bool) {
        self.mode = mode;
        self.start = start;
        self.limit = limit;
        self.must_advance = must_advance;
        self.running = false;
    }

    /// Bytes that its stacks take.
    pub fn bytes(&self) -> usize {
        self.choices.capacity() * size_of::<Choice>() + self.trail.capacity() * size_of::<Undo>()
    }

    /// Looks on.
    pub fn go_on<U: Unit>(&mut self, program: &Program, text: &[U]) -> Found {
        let text = &text[..self.limit.min(text.len())];
        let mut fuel = FUEL;
        loop {
            if !self.running {
                if text.len() < self.start || text.len() - self.start < program.min_width {
                    return Found::Nothing;
                }
                if self.mode == Mode::Search
                    && let Some(first) = &program.first
                {
                    let tail = &text[self.start..];
                    let looked = &tail[..tail.len().min(fuel)];
                    match find_first(program, first, looked) {
                        Some(n) => {
                            self.must_advance &= n == 0;
                            self.start += n;
                        }
                        None if looked.len() == tail.len() => return Found::Nothing,
                        None => {
                            self.must_advance = false;
                            self.start += looked.len();
                            return Found::OutOfFuel;
                        }
                    }
                }
                self.reset();
            }
            match self.run(program, text, &mut fuel) {
                Found::Nothing => {
                    self.running = false;
                    if self.mode != Mode::Search || program.anchored || self.start >= text.len() {
                        return Found::Nothing;
                    }
                    self.start += 1;
                    self.must_advance = false;
                }
                found => return found,
            }
        }
    }

    fn reset(&mut self) {
        self.marks.fill(UNSET);
        self.last_group = 0;
        self.choices.clear();
        self.trail.clear();
        self.place = 0;
        self.position = self.start;
        self.running = true;
    }

    fn choose(&mut self, then: Then, position: usize) {
        self.choices.push(Choice {
            then,
            position,
            trail_len: self.trail.len(),
        });
    }

    fn set_loop(&mut self, id: u32, to: Loop) {
        let before = std::mem::replace(&mut self.loops[id as usize], to);
        // What the newest choice goes back to already stands on the trail.
        let newest = self.choices.last().map_or(0, |c| c.trail_len);
        let known = matches!(self.trail.last(), Some(Undo::Loop(last, _)) if *last == id);
        if !(known && self.trail.len() > newest) {
            self.remember(Undo::Loop(id, before));
        }
    }

    fn remember(&mut self, undo: Undo) {
        // Without a choice there is no way back.
        if !self.choices.is_empty() {
            self.trail.push(undo);
        }
    }

    fn undo_to(&mut self, len: usize) {
        while self.trail.len() > len {
            match self.trail.pop() {
                Some(Undo::Mark(mark, before)) => self.marks[mark as usize] = before,
                Some(Undo::LastGroup(before)) => self.last_group = before,
                Some(Undo::Loop(id, before)) => self.loops[id as usize] = before,
                None => break,
            }
        }
    }

    /// Runs from the place and position until a match, or until no choice is left.
    fn run<U: Unit>(&mut self, program: &Program, text: &[U], fuel: &mut usize) -> Found {
        loop {
            if *fuel == 0 {
                return Found::OutOfFuel;
            }
            *fuel -= 1;
            let goes_on = match program.ops[self.place] {
                Op::Done => {
                    let refused = self.mode == Mode::Full && self.position != text.len()
                        || self.must_advance && self.position == self.start;
                    if !refused {
                        self.end = self.position;
                        return Found::Match;
                    }
                    false
                }
                op => self.step(program, text, op, fuel),
            };
            if !goes_on && !self.back(program, text) {
                return Found::Nothing;
            }
        }
    }

    /// One step forward; false if this way fails.
    #[inline]
    fn step<U: Unit>(&mut self, program: &Program, text: &[U], op: Op, fuel: &mut usize) -> bool {
        let here = self.position;
        let mut next = self.place + 1;
        match op {
            Op::One(one) => match text.get(here) {
                Some(unit) if accepts(program, one, unit.cp()) => self.position += 1,
                _ => return false,
            },
            Op::At(at, unicode) => {
                if !stands_at(at, unicode, text, here) {
                    return false;
                }
            }
            Op::Mark(mark) => {
                let slot = &mut self.marks[mark as usize];
                let before = std::mem::replace(slot, here);
                self.remember(Undo::Mark(mark, before));
                if mark & 1 != 0 {
                    self.remember(Undo::LastGroup(self.last_group));
                    self.last_group = mark as usize / 2 + 1;
                }
            }
            Op::Branch(other) => self.choose(Then::Go(other), here),
            Op::Jump(to) => next = to as usize,
            Op::Single {
                one,
                min,
                max,
                greed,
            } => {
                let wanted = if greed == Greed::Lazy { min } else { max };
                let n = count(program, one, &text[here..], wanted);
                *fuel = fuel.saturating_sub(n / 16).max(1);
                if n < min as usize {
                    return false;
                }
                self.position = here + n;
                match greed {
                    Greed::Greedy if n > min as usize => {
                        let lowest = here + min as usize;
                        let next = next as u32;
                        self.choose(Then::GiveBack { next, lowest }, here + n);
                        // The place after is tried where it can match at all.
                        return self.back(program, text);
                    }
                    Greed::Lazy if max > min => {
                        let left = if u64::from(max) == MANY {
                            max
                        } else {
                            max - min
                        };
                        let at = self.place as u32;
                        self.choose(Then::TakeMore { at, left }, here + n);
                    }
                    _ => {}
                }
            }
            Op::Enter { id, end } => {
                self.set_loop(
                    id,
                    Loop {
                        count: -1,
                        last: UNSET,
                    },
                );
                next = end as usize;
            }
            Op::Loop {
                id,
                min,
                max,
                body,
                lazy,
            } => {
                let Loop { count, last } = self.loops[id as usize];
                let count = count + 1;
                if count < i64::from(min) {
                    self.set_loop(id, Loop { count, last });
                    next = body as usize;
                } else if lazy {
                    let at = self.place as u32;
                    self.choose(Then::Again { at }, here);
                } else if (count < i64::from(max) || u64::from(max) == MANY) && here != last {
                    self.choose(Then::Go(next as u32), here);
                    self.set_loop(id, Loop { count, last: here });
                    next = body as usize;
                }
            }
            Op::Possess {
                id,
                min,
                max,
                after,
                barrier,
            } => {
                let Loop { count, last } = self.loops[id as usize];
                let count = count + 1;
                self.barriers[barrier as usize] = (self.choices.len(), here);
                if count < i64::from(min) {
                    self.set_loop(id, Loop { count, last });
                } else if (count < i64::from(max) || u64::from(max) == MANY) && here != last {
                    self.choose(Then::Go(after), here);
                    self.set_loop(id, Loop { count, last: here });
                } else {
                    next = after as usize;
                }
            }
            Op::Possessed { head, barrier } => {
                self.choices.truncate(self.barriers[barrier as usize].0);
                next = head as usize;
            }
            Op::Barrier(barrier) => self.barriers[barrier as usize] = (self.choices.len(), here),
            Op::Commit(barrier) => self.choices.truncate(self.barriers[barrier as usize].0),
            Op::Look { barrier, back } => {
                self.barriers[barrier as usize] = (self.choices.len(), here);
                match here.checked_sub(back as usize) {
                    Some(position) => self.position = position,
                    None => return false,
                }
            }
            Op::Looked(barrier) => {
                let (n_choices, position) = self.barriers[barrier as usize];
                self.choices.truncate(n_choices);
                self.position = position;
            }
            Op::LookNot {
                barrier,
                back,
                after,
            } => {
                self.barriers[barrier as usize] = (self.choices.len(), here);
                match here.checked_sub(back as usize) {
                    Some(position) => {
                        self.choose(Then::Go(after), here);
                        self.position = position;
                    }
                    None => next = after as usize,
                }
            }
            Op::LookedNot(barrier) => {
                self.choices.truncate(self.barriers[barrier as usize].0);
                return false;
            }
            Op::Ref { group, fold } => match self.group(group) {
                Some((from, to)) => {
                    let n = to - from;
                    *fuel = fuel.saturating_sub(n / 16).max(1);
                    if text.len() - here < n || !same(fold, &text[from..to], &text[here..here + n])
                    {
                        return false;
                    }
                    self.position += n;
                }
                None => return false,
            },
            Op::IfGroup { group, otherwise } => {
                if self.group(group).is_none() {
                    next = otherwise as usize;
                }
            }
            Op::Fail | Op::Done => return false,
        }
        self.place = next;
        true
    }

    /// Where a group, counted from 0, begins and ends.
    fn group(&self, group: u32) -> Option<(usize, usize)> {
        let at = group as usize * 2;
        let (from, to) = (self.marks[at], self.marks[at + 1]);
        (from != UNSET && to != UNSET && from <= to).then_some((from, to))
    }

    /// Takes the newest choice; false if there is none.
    fn back<U: Unit>(&mut self, program: &Program, text: &[U]) -> bool {
        while let Some(choice) = self.choices.last_mut() {
            let position = choice.position;
            let trail_len = choice.trail_len;
            let place = match &mut choice.then {
                Then::Go(place) => {
                    let place = *place;
                    self.choices.pop();
                    self.position = position;
                    place
                }
                Then::GiveBack { next, lowest } => {
                    let (next, lowest) = (*next, *lowest);
                    // Before a certain character only the places where it stands are tried.
                    let found = match program.ops[next as usize] {
                        Op::One(One::Is(c)) => (lowest..=position)
                            .rev()
                            .find(|&at| text.get(at).is_some_and(|u| u.cp() == c)),
                        _ => Some(position),
                    };
                    match found {
                        Some(at) if at > lowest => {
                            choice.position = at - 1;
                            self.position = at;
                        }
                        Some(at) => {
                            self.choices.pop();
                            self.position = at;
                        }
                        None => {
                            self.choices.pop();
                            continue;
                        }
                    }
                    next
                }
                Then::TakeMore { at, left } => {
                    let at = *at;
                    let Op::Single { one, .. } = program.ops[at as usize] else {
                        unreachable!("only a repeat of one character makes this choice")
                    };
                    if *left == 0
                        || !text
                            .get(position)
                            .is_some_and(|u| accepts(program, one, u.cp()))
                    {
                        self.choices.pop();
                        continue;
                    }
                    if u64::from(*left) != MANY {
                        *left -= 1;
                    }
                    choice.position = position + 1;
                    self.position = position + 1;
                    at + 1
                }
                Then::Again { at } => {
                    let at = *at;
                    self.choices.pop();
                    self.undo_to(trail_len);
                    let Op::Loop { id, max, body, .. } = program.ops[at as usize] else {
                        unreachable!("only a loop makes this choice")
                    };
                    let Loop { count, last } = self.loops[id as usize];
                    let count = count + 1;
                    if count >= i64::from(max) && u64::from(max) != MANY || last == position {
                        continue;
                    }
                    self.set_loop(
                        id,
                        Loop {
                            count,
                            last: position,
                        },
                    );
                    self.position = position;
                    self.place = body as usize;
                    return true;
                }
            };
            self.undo_to(trail_len);
            self.place = place as usize;
            return true;
        }
        false
    }
}

#[inline]
fn accepts(program: &Program, one: One, cp: u32) -> bool {
    one.accepts(&program.sets, cp)
}

/// How many characters, up to `max`, are accepted from the beginning of `text`.
fn count<U: Unit>(program: &Program, one: One, text: &[U], max: u32) -> usize {
    let text = match u64::from(max) {
        MANY => text,
        max => &text[..text.len().min(max as usize)],
    };
    let stop = match one {
        One::All => None,
        One::Is(c) => text.iter().position(|u| u.cp() != c),
        One::IsNot(c) => text.iter().position(|u| u.cp() == c),
        One::Any => text.iter().position(|u| u.cp() == '\n' as u32),
        One::In(set) => {
            let set = &program.sets[set as usize];
            text.iter().position(|u| !set.has(u.cp()))
        }
        one => text.iter().position(|u| !accepts(program, one, u.cp())),
    };
    stop.unwrap_or(text.len())
}

fn find_first<U: Unit>(program: &Program, first: &First, text: &[U]) -> Option<usize> {
    match *first.ones.as_slice() {
        [One::Is(c)] => text.iter().position(|u| u.cp() == c),
        _ => text.iter().position(|u| first.has(&program.sets, u.cp())),
    }
}

fn same<U: Unit>(fold: Fold, a: &[U], b: &[U]) -> bool {
    match fold {
        Fold::None => a == b,
        fold => a.iter().zip(b).all(|(a, b)| fold.same(a.cp(), b.cp())),
    }
}

fn stands_at<U: Unit>(at: At, unicode: bool, text: &[U], here: usize) -> bool {
    let is_newline = |at: usize| text.get(at).is_some_and(|u| u.cp() == '\n' as u32);
    match at {
        At::Beginning | At::BeginningText => here == 0,
        At::BeginningLine => here == 0 || is_newline(here - 1),
        At::End => here == text.len() || here + 1 == text.len() && is_newline(here),
        At::EndLine => here == text.len() || is_newline(here),
        At::EndText => here == text.len(),
        // CPython 3.13: in an empty text there is neither.
        At::Boundary | At::NonBoundary if text.is_empty() => false,
        At::Boundary => boundary(unicode, text, here),
        At::NonBoundary => !boundary(unicode, text, here),
    }
}

fn boundary<U: Unit>(unicode: bool, text: &[U], here: usize) -> bool {
    let is_word = |at: Option<usize>| {
        at.and_then(|at| text.get(at))
            .is_some_and(|u| in_class(Class::Word, unicode, u.cp()))
    };
    is_word(here.checked_sub(1)) != is_word(Some(here))
}
