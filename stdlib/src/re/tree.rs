//! The syntax tree of a regular expression, and how wide what it matches is.
//! Pure data: the parser makes it, the compiler reads it.

/// A width, or a repeat count, without an upper end.
pub const MANY: u64 = u32::MAX as u64;

/// Wider than any text.
const WIDTH_MAX: u64 = u64::MAX;

pub const TEMPLATE_FLAGS: u32 = ASCII | LOCALE | UNICODE;
pub const IGNORECASE: u32 = 2;
pub const LOCALE: u32 = 4;
pub const MULTILINE: u32 = 8;
pub const DOTALL: u32 = 16;
pub const UNICODE: u32 = 32;
pub const VERBOSE: u32 = 64;
pub const DEBUG: u32 = 128;
pub const ASCII: u32 = 256;

/// A class of characters, before the flags say of which alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Digit,
    Space,
    Word,
}

/// One member of a character set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    Char(u32),
    Range(u32, u32),
    Class(Class, /* negated */ bool),
}

/// A condition on a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// `^`
    Beginning,
    /// `^` under MULTILINE
    BeginningLine,
    /// `\A`
    BeginningText,
    /// `$`
    End,
    /// `$` under MULTILINE
    EndLine,
    /// `\Z`
    EndText,
    Boundary,
    NonBoundary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greed {
    Greedy,
    Lazy,
    /// Takes what it can and never gives back.
    Possessive,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Char(u32),
    NotChar(u32),
    Any,
    Set {
        negated: bool,
        items: Vec<Item>,
    },
    At(At),
    Branch(Vec<Seq>),
    Group {
        /// None for one that captures nothing.
        number: Option<usize>,
        add_flags: u32,
        del_flags: u32,
        body: Seq,
    },
    Atomic(Seq),
    Repeat {
        greed: Greed,
        min: u64,
        max: u64,
        body: Seq,
    },
    /// A back-reference, with the group's width.
    Ref(usize, Width),
    /// `(?(group)yes|no)`
    Conditional {
        group: usize,
        yes: Seq,
        no: Option<Seq>,
    },
    Look {
        behind: bool,
        negated: bool,
        body: Seq,
    },
    Fail,
}

/// Least and greatest width.
pub type Width = (u64, u64);

/// Nodes one after the other.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Seq {
    pub nodes: Vec<Node>,
    /// Kept from when the sequence was complete, so that asking is O(1) however deep it is.
    pub width: Width,
}

impl Seq {
    pub fn new(nodes: Vec<Node>) -> Seq {
        let (mut lo, mut hi) = (0u64, 0u64);
        for node in &nodes {
            let (l, h) = node.width();
            lo = lo.saturating_add(l);
            hi = hi.saturating_add(h);
        }
        Seq {
            nodes,
            width: (lo, hi),
        }
    }
}

impl Node {
    fn width(&self) -> Width {
        match self {
            Node::Char(_) | Node::NotChar(_) | Node::Any | Node::Set { .. } => (1, 1),
            Node::At(_) | Node::Look { .. } | Node::Fail => (0, 0),
            Node::Branch(items) => (
                items.iter().map(|s| s.width.0).min().unwrap_or(0),
                items.iter().map(|s| s.width.1).max().unwrap_or(0),
            ),
            Node::Group { body, .. } | Node::Atomic(body) => body.width,
            Node::Repeat { min, max, body, .. } => {
                let (lo, hi) = body.width;
                let hi = match *max {
                    MANY if hi > 0 => WIDTH_MAX,
                    max => hi.saturating_mul(max),
                };
                (lo.saturating_mul(*min), hi)
            }
            Node::Ref(_, width) => *width,
            Node::Conditional { yes, no, .. } => match no {
                Some(no) => (yes.width.0.min(no.width.0), yes.width.1.max(no.width.1)),
                None => (0, yes.width.1),
            },
        }
    }

    /// Whether it matches exactly one character, whatever stands around it.
    pub fn is_one_wide(&self) -> bool {
        matches!(
            self,
            Node::Char(_) | Node::NotChar(_) | Node::Any | Node::Set { .. }
        )
    }
}
