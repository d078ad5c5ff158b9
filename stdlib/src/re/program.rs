//! Compiles a regular expression's tree to the program that the matcher runs.
//! The one error left is a lookbehind without a fixed width.

use lockstep_runtime::text::pystr::PyStr;

use super::charset::{CharSet, Fold};
use super::parse::{Error, Result};
use super::tree::{
    ASCII, At, DOTALL, Greed, LOCALE, MANY, MULTILINE, Node, Seq, TEMPLATE_FLAGS, UNICODE,
};

/// One step of a program. Places in it are indexes of `Program::ops`.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    /// One character.
    One(One),
    At(At, /* Unicode words */ bool),
    /// Keeps the position in a mark: 2n where group n+1 begins, 2n+1 where it ends.
    Mark(u32),
    /// Tries what follows, then the place.
    Branch(u32),
    Jump(u32),
    /// Repeats one character, `max` without end where it is `MANY`.
    Single {
        one: One,
        min: u32,
        max: u32,
        greed: Greed,
    },
    /// Begins a loop; its `Loop` or `Possess` is at `end`.
    Enter {
        id: u32,
        end: u32,
    },
    /// The end of a loop's body: again from `body`, or on.
    Loop {
        id: u32,
        min: u32,
        max: u32,
        body: u32,
        lazy: bool,
    },
    /// The head of a possessive loop: its body follows, `Possessed` ends it.
    Possess {
        id: u32,
        min: u32,
        max: u32,
        after: u32,
        barrier: u32,
    },
    Possessed {
        head: u32,
        barrier: u32,
    },
    /// What is between this and its `Commit` is not tried again.
    Barrier(u32),
    Commit(u32),
    /// Looks ahead, or `back` characters behind, and goes on from here.
    Look {
        barrier: u32,
        back: u32,
    },
    Looked(u32),
    /// As `Look`; goes on at `after` if nothing was found.
    LookNot {
        barrier: u32,
        back: u32,
        after: u32,
    },
    LookedNot(u32),
    Ref {
        group: u32,
        fold: Fold,
    },
    /// Goes on if the group matched, else at the place.
    IfGroup {
        group: u32,
        otherwise: u32,
    },
    Fail,
    Done,
}

/// What one character is asked.
#[derive(Clone, Copy, Debug)]
pub enum One {
    Is(u32),
    IsNot(u32),
    /// Of a lower-case character, case ignored.
    Same(u32, Fold),
    NotSame(u32, Fold),
    /// Any but a newline.
    Any,
    All,
    In(u32),
}

impl One {
    /// Whether a character is accepted.
    #[inline]
    pub fn accepts(self, sets: &[CharSet], cp: u32) -> bool {
        match self {
            One::Is(c) => cp == c,
            One::IsNot(c) => cp != c,
            One::Same(c, fold) => fold.lower(cp) == c,
            One::NotSame(c, fold) => fold.lower(cp) != c,
            One::Any => cp != '\n' as u32,
            One::All => true,
            One::In(set) => sets[set as usize].has(cp),
        }
    }
}

/// The characters that a match may begin with.
pub struct First {
    pub ones: Vec<One>,
    /// The answer for each character below 256.
    low: [u64; 4],
}

impl First {
    fn of(ops: &[Op], sets: &[CharSet]) -> Option<First> {
        let mut ones = Vec::new();
        if !first_of(ops, &mut ones) {
            return None;
        }
        let mut low = [0; 4];
        for cp in 0..256u32 {
            if ones.iter().any(|one| one.accepts(sets, cp)) {
                low[cp as usize / 64] |= 1 << (cp % 64);
            }
        }
        Some(First { ones, low })
    }

    #[inline]
    pub fn has(&self, sets: &[CharSet], cp: u32) -> bool {
        if cp < 256 {
            self.low[cp as usize / 64] >> (cp % 64) & 1 != 0
        } else {
            self.ones.iter().any(|one| one.accepts(sets, cp))
        }
    }
}

/// A compiled expression.
pub struct Program {
    pub ops: Vec<Op>,
    pub sets: Vec<CharSet>,
    pub n_groups: usize,
    pub n_loops: usize,
    pub n_barriers: usize,
    /// What a match begins with, if that is one character.
    pub first: Option<First>,
    /// Only at the beginning of the text can it match.
    pub anchored: bool,
    /// The least that it matches.
    pub min_width: usize,
}

impl Program {
    pub fn bytes(&self) -> usize {
        self.ops.len() * size_of::<Op>() + self.sets.len() * size_of::<CharSet>()
    }
}

/// Compiles a tree.
///
/// # Errors
/// A lookbehind without a fixed width.
pub fn compile(tree: &Seq, n_groups: usize, flags: u32) -> Result<Program> {
    let mut compiler = Compiler {
        ops: Vec::new(),
        sets: Vec::new(),
        n_loops: 0,
        n_barriers: 0,
    };
    compiler.seq(tree, flags)?;
    compiler.ops.push(Op::Done);
    let anchored = matches!(
        compiler.ops.first(),
        Some(Op::At(At::Beginning | At::BeginningText, _))
    );
    Ok(Program {
        first: First::of(&compiler.ops, &compiler.sets),
        ops: compiler.ops,
        sets: compiler.sets,
        n_groups,
        n_loops: compiler.n_loops as usize,
        n_barriers: compiler.n_barriers as usize,
        anchored,
        min_width: usize::try_from(tree.width.0).unwrap_or(usize::MAX),
    })
}

/// The most characters that a match is known to begin with.
const FIRST_MAX: usize = 32;

/// Collects what a match begins with; false if that is not one character.
fn first_of(ops: &[Op], firsts: &mut Vec<One>) -> bool {
    let mut place = 0;
    // The alternatives that are still to be looked at. As many optional parts may follow each
    // other as the expression has characters.
    let mut others = Vec::new();
    loop {
        match ops[place] {
            Op::Mark(_) => place += 1,
            Op::Jump(to) => place = to as usize,
            Op::One(one) | Op::Single { one, min: 1.., .. } => {
                firsts.push(one);
                if firsts.len() > FIRST_MAX {
                    return false;
                }
                match others.pop() {
                    Some(other) => place = other,
                    None => return true,
                }
            }
            Op::Branch(other) => {
                others.push(other as usize);
                place += 1;
            }
            _ => return false,
        }
    }
}

/// The flags inside a group with flags of its own.
fn combined(flags: u32, add: u32, del: u32) -> u32 {
    let kept = if add & TEMPLATE_FLAGS != 0 {
        flags & !TEMPLATE_FLAGS
    } else {
        flags
    };
    (kept | add) & !del
}

struct Compiler {
    ops: Vec<Op>,
    sets: Vec<CharSet>,
    n_loops: u32,
    n_barriers: u32,
}

/// A place that is filled in later.
const LATER: u32 = u32::MAX;

impl Compiler {
    fn here(&self) -> u32 {
        self.ops.len() as u32
    }

    fn push(&mut self, op: Op) -> usize {
        self.ops.push(op);
        self.ops.len() - 1
    }

    fn new_loop(&mut self) -> u32 {
        self.n_loops += 1;
        self.n_loops - 1
    }

    fn new_barrier(&mut self) -> u32 {
        self.n_barriers += 1;
        self.n_barriers - 1
    }

    fn seq(&mut self, seq: &Seq, flags: u32) -> Result<()> {
        seq.nodes.iter().try_for_each(|node| self.node(node, flags))
    }

    fn node(&mut self, node: &Node, flags: u32) -> Result<()> {
        match node {
            Node::Char(_) | Node::NotChar(_) | Node::Any | Node::Set { .. } => {
                let one = self.one(node, flags);
                self.push(Op::One(one));
            }
            Node::At(at) => {
                let at = match at {
                    At::Beginning if flags & MULTILINE != 0 => At::BeginningLine,
                    At::End if flags & MULTILINE != 0 => At::EndLine,
                    at => *at,
                };
                let unicode = flags & UNICODE != 0 && flags & (LOCALE | ASCII) == 0;
                self.push(Op::At(at, unicode));
            }
            Node::Branch(items) => self.branch(items, flags)?,
            Node::Group {
                number,
                add_flags,
                del_flags,
                body,
            } => {
                let flags = combined(flags, *add_flags, *del_flags);
                let mark = number.map(|n| (n as u32 - 1) * 2);
                if let Some(mark) = mark {
                    self.push(Op::Mark(mark));
                }
                self.seq(body, flags)?;
                if let Some(mark) = mark {
                    self.push(Op::Mark(mark + 1));
                }
            }
            Node::Atomic(body) => {
                let barrier = self.new_barrier();
                self.push(Op::Barrier(barrier));
                self.seq(body, flags)?;
                self.push(Op::Commit(barrier));
            }
            Node::Repeat {
                greed,
                min,
                max,
                body,
            } => self.repeat(*greed, *min as u32, *max as u32, body, flags)?,
            Node::Ref(group, _) => {
                self.push(Op::Ref {
                    group: *group as u32 - 1,
                    fold: Fold::of_flags(flags),
                });
            }
            Node::Conditional { group, yes, no } => {
                let group = *group as u32 - 1;
                let test = self.push(Op::Fail);
                self.seq(yes, flags)?;
                let mut otherwise = self.here();
                if let Some(no) = no {
                    let jump = self.push(Op::Jump(LATER));
                    otherwise = self.here();
                    self.seq(no, flags)?;
                    self.ops[jump] = Op::Jump(self.here());
                }
                self.ops[test] = Op::IfGroup { group, otherwise };
            }
            Node::Look {
                behind,
                negated,
                body,
            } => self.look(*behind, *negated, body, flags)?,
            Node::Fail => {
                self.push(Op::Fail);
            }
        }
        Ok(())
    }

    fn one(&mut self, node: &Node, flags: u32) -> One {
        let fold = Fold::of_flags(flags);
        match node {
            Node::Char(c) | Node::NotChar(c) => {
                let negated = matches!(node, Node::NotChar(_));
                let lower = fold.lower(*c);
                if fold.has_family(lower) {
                    return self.set(&[super::tree::Item::Char(*c)], negated, flags);
                }
                match (fold.is_cased(*c), negated) {
                    (true, false) => One::Same(lower, fold),
                    (true, true) => One::NotSame(lower, fold),
                    (false, false) => One::Is(*c),
                    (false, true) => One::IsNot(*c),
                }
            }
            Node::Set { negated, items } => self.set(items, *negated, flags),
            _ if flags & DOTALL != 0 => One::All,
            _ => One::Any,
        }
    }

    fn set(&mut self, items: &[super::tree::Item], negated: bool, flags: u32) -> One {
        self.sets.push(CharSet::new(items, negated, flags));
        One::In(self.sets.len() as u32 - 1)
    }

    fn branch(&mut self, items: &[Seq], flags: u32) -> Result<()> {
        let mut jumps = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let last = i + 1 == items.len();
            let branch = (!last).then(|| self.push(Op::Branch(LATER)));
            self.seq(item, flags)?;
            if let Some(branch) = branch {
                jumps.push(self.push(Op::Jump(LATER)));
                self.ops[branch] = Op::Branch(self.here());
            }
        }
        let end = self.here();
        for jump in jumps {
            self.ops[jump] = Op::Jump(end);
        }
        Ok(())
    }

    fn repeat(&mut self, greed: Greed, min: u32, max: u32, body: &Seq, flags: u32) -> Result<()> {
        // A group without a number may stand around the one character.
        let (mut inner, mut inner_flags) = (body, flags);
        while let [
            Node::Group {
                number: None,
                add_flags,
                del_flags,
                body,
            },
        ] = inner.nodes.as_slice()
        {
            inner_flags = combined(inner_flags, *add_flags, *del_flags);
            inner = body;
        }
        if let [node] = inner.nodes.as_slice()
            && node.is_one_wide()
        {
            let one = self.one(node, inner_flags);
            self.push(Op::Single {
                one,
                min,
                max,
                greed,
            });
            return Ok(());
        }
        let id = self.new_loop();
        let enter = self.push(Op::Fail);
        if greed == Greed::Possessive {
            let barrier = self.new_barrier();
            let head = self.push(Op::Fail);
            self.ops[enter] = Op::Enter {
                id,
                end: head as u32,
            };
            self.seq(body, flags)?;
            self.push(Op::Possessed {
                head: head as u32,
                barrier,
            });
            self.ops[head] = Op::Possess {
                id,
                min,
                max,
                after: self.here(),
                barrier,
            };
            return Ok(());
        }
        let start = self.here();
        self.seq(body, flags)?;
        let end = self.push(Op::Loop {
            id,
            min,
            max,
            body: start,
            lazy: greed == Greed::Lazy,
        });
        self.ops[enter] = Op::Enter {
            id,
            end: end as u32,
        };
        Ok(())
    }

    fn look(&mut self, behind: bool, negated: bool, body: &Seq, flags: u32) -> Result<()> {
        let (lo, hi) = body.width;
        let mut back = 0;
        if behind {
            let message = if lo > MANY {
                Some("looks too much behind")
            } else if lo != hi {
                Some("look-behind requires fixed-width pattern")
            } else {
                None
            };
            if let Some(message) = message {
                return Err(Error::Pattern {
                    message: PyStr::from(message),
                    at: None,
                });
            }
            back = lo as u32;
        }
        let barrier = self.new_barrier();
        let start = self.push(Op::Fail);
        self.seq(body, flags)?;
        if negated {
            self.push(Op::LookedNot(barrier));
            self.ops[start] = Op::LookNot {
                barrier,
                back,
                after: self.here(),
            };
        } else {
            self.push(Op::Looked(barrier));
            self.ops[start] = Op::Look { barrier, back };
        }
        Ok(())
    }
}
