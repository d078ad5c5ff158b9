//! Parses the text of a regular expression. Takes code points (of a str, or
//! of bytes as Latin-1), gives a tree or CPython's error with its position.
//! It knows no VM; what it wants to warn of it returns.
//!
//! Follows CPython 3.13 `re/_parser.py`: the same grammar, the same checks in
//! the same order, so that the same error is found first.

use lockstep_runtime::text::pystr::{PyStr, StrBuilder};
use lockstep_runtime::text::unicode;

use super::tree::{
    ASCII, At, Class, DOTALL, Greed, IGNORECASE, Item, LOCALE, MANY, MULTILINE, Node, Seq,
    TEMPLATE_FLAGS, UNICODE, VERBOSE, Width,
};

/// As many groups as CPython allows.
pub const GROUPS_MAX: usize = 1_073_741_823;

/// How deep groups may nest. CPython's parser takes two frames for each, so that it runs into its
/// recursion limit a little later or earlier, by how deep the caller stands.
const NESTING_MAX: usize = 495;

/// What is wrong with an expression.
#[derive(Debug)]
pub enum Error {
    /// `re.error`.
    Pattern {
        message: PyStr,
        at: Option<usize>,
    },
    Overflow(&'static str),
    Value(&'static str),
    /// `\g<name>` of a template names no group.
    Index(PyStr),
    TooDeep,
}

pub type Result<T> = std::result::Result<T, Error>;

/// A warning that parsing gives rise to.
pub struct Warning {
    pub message: String,
}

/// What parsing gives.
pub struct Parsed {
    pub tree: Seq,
    pub flags: u32,
    /// Groups, the whole match not counted.
    pub groups: usize,
    /// Names in the order of their groups.
    pub names: Vec<(PyStr, usize)>,
    pub warnings: Vec<Warning>,
}

/// One character of an expression, or a backslash and the one after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    pub first: u32,
    pub escaped: Option<u32>,
}

impl Token {
    fn len(self) -> usize {
        1 + usize::from(self.escaped.is_some())
    }
    pub fn is(self, c: char) -> bool {
        self.first == c as u32 && self.escaped.is_none()
    }
    /// The plain character, if it is none of an escape and ASCII.
    pub fn plain(self) -> Option<char> {
        match self.escaped {
            None => char::from_u32(self.first).filter(char::is_ascii),
            Some(_) => None,
        }
    }
    fn is_one_of(self, set: &str) -> bool {
        self.plain().is_some_and(|c| set.contains(c))
    }
    fn push_to(self, out: &mut Vec<u32>) {
        out.push(self.first);
        out.extend(self.escaped);
    }
}

/// Reads tokens; knows where it stands.
pub struct Tokenizer<'a> {
    text: &'a [u32],
    pub is_text: bool,
    index: usize,
    pub next: Option<Token>,
}

impl<'a> Tokenizer<'a> {
    pub fn new(text: &'a [u32], is_text: bool) -> Result<Self> {
        let mut made = Tokenizer {
            text,
            is_text,
            index: 0,
            next: None,
        };
        made.advance()?;
        Ok(made)
    }

    fn advance(&mut self) -> Result<()> {
        let Some(&first) = self.text.get(self.index) else {
            self.next = None;
            return Ok(());
        };
        let mut escaped = None;
        if first == '\\' as u32 {
            escaped = self.text.get(self.index + 1).copied();
            if escaped.is_none() {
                return Err(Error::Pattern {
                    message: PyStr::from("bad escape (end of pattern)"),
                    at: Some(self.text.len() - 1),
                });
            }
        }
        let token = Token { first, escaped };
        self.index += token.len();
        self.next = Some(token);
        Ok(())
    }

    pub fn accept(&mut self, c: char) -> Result<bool> {
        let found = self.next.is_some_and(|t| t.is(c));
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub fn get(&mut self) -> Result<Option<Token>> {
        let this = self.next;
        self.advance()?;
        Ok(this)
    }

    /// Whether the next is one of these plain characters.
    pub fn next_is_one_of(&self, set: &str) -> bool {
        self.next.is_some_and(|t| t.is_one_of(set))
    }

    /// Appends up to `n` plain characters of a set.
    pub fn take_while(&mut self, n: usize, set: &str, out: &mut Vec<u32>) -> Result<()> {
        for _ in 0..n {
            match self.next {
                Some(token) if token.is_one_of(set) => out.push(token.first),
                _ => break,
            }
            self.advance()?;
        }
        Ok(())
    }

    pub fn take_until(&mut self, end: char, what: &str) -> Result<Vec<u32>> {
        let mut result = Vec::new();
        loop {
            let token = self.get()?;
            match token {
                None if result.is_empty() => return Err(self.error(format!("missing {what}"), 0)),
                None => {
                    let message = format!("missing {end}, unterminated name");
                    return Err(self.error(message, result.len()));
                }
                Some(token) if token.is(end) => {
                    if result.is_empty() {
                        return Err(self.error(format!("missing {what}"), 1));
                    }
                    return Ok(result);
                }
                Some(token) => token.push_to(&mut result),
            }
        }
    }

    pub fn tell(&self) -> usize {
        self.index - self.next.map_or(0, Token::len)
    }

    fn seek(&mut self, index: usize) -> Result<()> {
        self.index = index;
        self.advance()
    }

    /// An error that lies `offset` before where the tokenizer stands.
    pub fn error(&self, message: impl Into<PyStr>, offset: usize) -> Error {
        let mut message = message.into();
        if !self.is_text {
            message = escaped_ascii(&message);
        }
        Error::Pattern {
            message,
            at: Some(self.tell().saturating_sub(offset)),
        }
    }

    /// An error whose message ends in a piece of the expression.
    pub fn error_with(&self, message: &str, piece: &[u32], offset: usize) -> Error {
        self.error(with_piece(message, piece, ""), offset)
    }

    pub fn check_group_name(&self, name: &[u32], offset: usize) -> Result<()> {
        let text = text_of(name);
        let shown = if !self.is_text && !text.is_ascii() {
            text.ascii()
        } else if !text.is_identifier() {
            text.repr()
        } else {
            return Ok(());
        };
        let message = joined("bad character in group name ", &shown);
        Err(self.error(message, name.len() + offset))
    }
}

/// A str of code points.
pub fn text_of(units: &[u32]) -> PyStr {
    let mut out = StrBuilder::with_capacity(units.len());
    units.iter().for_each(|&cp| out.push_cp(cp));
    out.finish()
}

fn with_piece(before: &str, piece: &[u32], after: &str) -> PyStr {
    let mut out = StrBuilder::new();
    out.push_str(before);
    piece.iter().for_each(|&cp| out.push_cp(cp));
    out.push_str(after);
    out.finish()
}

pub fn joined(before: &str, text: &PyStr) -> PyStr {
    let mut out = StrBuilder::new();
    out.push_str(before);
    out.push(text);
    out.finish()
}

/// Latin-1 text with what is not ASCII as `\xNN`.
fn escaped_ascii(text: &PyStr) -> PyStr {
    let mut out = String::new();
    for cp in text.chars() {
        match u8::try_from(cp) {
            Ok(byte) if byte.is_ascii() => out.push(byte as char),
            Ok(byte) => out.push_str(&format!("\\x{byte:02x}")),
            Err(_) => out.push_str(&format!("\\u{cp:04x}")),
        }
    }
    PyStr::from(out.as_str())
}

pub const DIGITS: &str = "0123456789";
pub const OCTAL: &str = "01234567";
const HEX: &str = "0123456789abcdefABCDEF";
const SPACES: &str = " \t\n\r\x0b\x0c";

/// The character of a one-letter escape such as `\n`.
pub fn simple_escape(c: u32) -> Option<u32> {
    Some(match char::from_u32(c)? {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        '\\' => '\\' as u32,
        _ => return None,
    })
}

fn class_of(c: u32) -> Option<Item> {
    Some(match char::from_u32(c)? {
        'd' => Item::Class(Class::Digit, false),
        'D' => Item::Class(Class::Digit, true),
        's' => Item::Class(Class::Space, false),
        'S' => Item::Class(Class::Space, true),
        'w' => Item::Class(Class::Word, false),
        'W' => Item::Class(Class::Word, true),
        _ => return None,
    })
}

fn flag_of(c: u32) -> Option<u32> {
    Some(match char::from_u32(c)? {
        'i' => IGNORECASE,
        'L' => LOCALE,
        'm' => MULTILINE,
        's' => DOTALL,
        'x' => VERBOSE,
        'a' => ASCII,
        'u' => UNICODE,
        _ => return None,
    })
}

pub fn is_ascii_digit(c: u32) -> bool {
    char::from_u32(c).is_some_and(|c| c.is_ascii_digit())
}

pub fn is_octal(c: u32) -> bool {
    (0x30..0x38).contains(&c)
}

fn is_ascii_letter(c: u32) -> bool {
    char::from_u32(c).is_some_and(|c| c.is_ascii_alphabetic())
}

/// The number that digits spell; larger than any limit if they are many.
pub fn number(digits: &[u32], radix: u32) -> u64 {
    digits
        .iter()
        .filter_map(|&c| char::from_u32(c)?.to_digit(radix))
        .fold(0u64, |n, d| {
            n.saturating_mul(u64::from(radix))
                .saturating_add(u64::from(d))
        })
}

/// An ASCII decimal number, not a name.
pub fn is_number(name: &[u32]) -> bool {
    name.iter().all(|&c| is_ascii_digit(c))
}

/// What the whole expression shares.
struct State {
    flags: u32,
    names: Vec<(PyStr, usize)>,
    /// By group; None while it is open. The first is the whole match.
    widths: Vec<Option<Width>>,
    /// How many groups there were where the outermost lookbehind began.
    lookbehind_groups: Option<usize>,
    /// Where a group is first asked for by a conditional.
    conditionals: Vec<(usize, usize)>,
    warnings: Vec<Warning>,
}

impl State {
    fn group_named(&self, name: &[u32]) -> Option<usize> {
        let text = text_of(name);
        let found = self.names.iter().find(|(known, _)| same(known, &text));
        found.map(|&(_, group)| group)
    }

    fn closed_width(&self, group: usize) -> Option<Width> {
        self.widths.get(group).copied().flatten()
    }

    fn check_lookbehind(&self, group: usize, source: &Tokenizer<'_>) -> Result<()> {
        if let Some(outside) = self.lookbehind_groups {
            if self.closed_width(group).is_none() {
                return Err(source.error("cannot refer to an open group", 0));
            }
            if group >= outside {
                return Err(source.error(
                    "cannot refer to group defined in the same lookbehind subpattern",
                    0,
                ));
            }
        }
        Ok(())
    }
}

pub fn same(a: &PyStr, b: &PyStr) -> bool {
    a.len() == b.len() && a.chars().eq(b.chars())
}

/// Parses an expression.
///
/// # Errors
/// What CPython's parser says of it.
pub fn parse(text: &[u32], is_text: bool, flags: u32) -> Result<Parsed> {
    let mut source = Tokenizer::new(text, is_text)?;
    let mut state = State {
        flags,
        names: Vec::new(),
        widths: vec![None],
        lookbehind_groups: None,
        conditionals: Vec::new(),
        warnings: Vec::new(),
    };
    let mut parser = Parser {
        source: &mut source,
        state: &mut state,
    };
    let tree = parser.alternatives(flags & VERBOSE != 0, 0)?;
    let flags = fixed_flags(is_text, state.flags)?;
    if source.next.is_some() {
        return Err(source.error("unbalanced parenthesis", 0));
    }
    for &(group, at) in &state.conditionals {
        if group >= state.widths.len() {
            return Err(Error::Pattern {
                message: PyStr::from(format!("invalid group reference {group}").as_str()),
                at: Some(at),
            });
        }
    }
    Ok(Parsed {
        tree,
        flags,
        groups: state.widths.len() - 1,
        names: state.names,
        warnings: state.warnings,
    })
}

/// The flags as the kind of expression completes them.
fn fixed_flags(is_text: bool, flags: u32) -> Result<u32> {
    if is_text {
        if flags & LOCALE != 0 {
            return Err(Error::Value("cannot use LOCALE flag with a str pattern"));
        }
        if flags & ASCII == 0 {
            return Ok(flags | UNICODE);
        }
        if flags & UNICODE != 0 {
            return Err(Error::Value("ASCII and UNICODE flags are incompatible"));
        }
    } else {
        if flags & UNICODE != 0 {
            return Err(Error::Value("cannot use UNICODE flag with a bytes pattern"));
        }
        if flags & LOCALE != 0 && flags & ASCII != 0 {
            return Err(Error::Value("ASCII and LOCALE flags are incompatible"));
        }
    }
    Ok(flags)
}

struct Parser<'p, 'a> {
    source: &'p mut Tokenizer<'a>,
    state: &'p mut State,
}

impl Parser<'_, '_> {
    fn error<T>(&self, message: impl Into<PyStr>, offset: usize) -> Result<T> {
        Err(self.source.error(message, offset))
    }

    fn warn(&mut self, what: &str, at: usize) {
        self.state.warnings.push(Warning {
            message: format!("Possible {what} at position {at}"),
        });
    }

    /// `a|b|c`
    fn alternatives(&mut self, mut verbose: bool, depth: usize) -> Result<Seq> {
        if depth > NESTING_MAX {
            return Err(Error::TooDeep);
        }
        let mut items = Vec::new();
        loop {
            let first = depth == 0 && items.is_empty();
            items.push(self.sequence(verbose, depth, first)?);
            if !self.source.accept('|')? {
                break;
            }
            if depth == 0 {
                verbose = self.state.flags & VERBOSE != 0;
            }
        }
        if items.len() == 1
            && let Some(item) = items.pop()
        {
            return Ok(item);
        }
        Ok(branch(items))
    }

    fn sequence(&mut self, mut verbose: bool, depth: usize, first: bool) -> Result<Seq> {
        let mut nodes: Vec<Node> = Vec::new();
        while let Some(this) = self.source.next {
            if this.is_one_of("|)") {
                break;
            }
            self.source.get()?;
            if verbose {
                if this.is_one_of(SPACES) {
                    continue;
                }
                if this.is('#') {
                    while let Some(token) = self.source.get()? {
                        if token.is('\n') {
                            break;
                        }
                    }
                    continue;
                }
            }
            if let Some(escaped) = this.escaped {
                nodes.push(self.escape(escaped)?);
                continue;
            }
            match this.plain() {
                Some('[') => nodes.push(self.set()?),
                Some(c @ ('*' | '+' | '?' | '{')) => self.repeat(c, &mut nodes)?,
                Some('.') => nodes.push(Node::Any),
                Some('^') => nodes.push(Node::At(At::Beginning)),
                Some('$') => nodes.push(Node::At(At::End)),
                Some('(') => {
                    let at_start = first && nodes.is_empty();
                    if let Some(node) = self.group(&mut verbose, depth, at_start)? {
                        nodes.push(node);
                    }
                }
                _ => nodes.push(Node::Char(this.first)),
            }
        }
        // Groups that only bracket are no groups any more.
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Node::Group {
                    number: None,
                    add_flags: 0,
                    del_flags: 0,
                    body,
                } => flat.extend(body.nodes),
                node => flat.push(node),
            }
        }
        Ok(Seq::new(flat))
    }

    /// What follows a backslash outside a set.
    fn escape(&mut self, c: u32) -> Result<Node> {
        match char::from_u32(c) {
            Some('A') => return Ok(Node::At(At::BeginningText)),
            Some('b') => return Ok(Node::At(At::Boundary)),
            Some('B') => return Ok(Node::At(At::NonBoundary)),
            Some('Z') => return Ok(Node::At(At::EndText)),
            _ => {}
        }
        if let Some(class) = class_of(c) {
            return Ok(Node::Set {
                negated: false,
                items: vec![class],
            });
        }
        if let Some(c) = simple_escape(c) {
            return Ok(Node::Char(c));
        }
        let mut escape = vec!['\\' as u32, c];
        if c == '0' as u32 {
            self.source.take_while(2, OCTAL, &mut escape)?;
            return Ok(Node::Char(number(&escape[1..], 8) as u32));
        }
        if is_ascii_digit(c) {
            return self.numbered(escape);
        }
        self.character_escape(c, escape).map(Node::Char)
    }

    /// `\1`: a back-reference, or three octal digits.
    fn numbered(&mut self, mut escape: Vec<u32>) -> Result<Node> {
        if self.source.next_is_one_of(DIGITS) {
            self.source.take_while(1, DIGITS, &mut escape)?;
            if is_octal(escape[1]) && is_octal(escape[2]) && self.source.next_is_one_of(OCTAL) {
                self.source.take_while(1, OCTAL, &mut escape)?;
                return self.octal(&escape).map(Node::Char);
            }
        }
        let group = number(&escape[1..], 10) as usize;
        if group >= self.state.widths.len() {
            return self.error(
                format!("invalid group reference {group}").as_str(),
                escape.len() - 1,
            );
        }
        match self.state.closed_width(group) {
            Some(width) => {
                self.state.check_lookbehind(group, self.source)?;
                Ok(Node::Ref(group, width))
            }
            None => self.error("cannot refer to an open group", escape.len()),
        }
    }

    fn octal(&mut self, escape: &[u32]) -> Result<u32> {
        let value = number(&escape[1..], 8) as u32;
        if value > 0o377 {
            let message = with_piece("octal escape value ", escape, " outside of range 0-0o377");
            return self.error(message, escape.len());
        }
        Ok(value)
    }

    /// An escape that stands for one character, inside a set and outside.
    fn character_escape(&mut self, c: u32, mut escape: Vec<u32>) -> Result<u32> {
        let digits = match char::from_u32(c) {
            Some('x') => 2,
            Some('u') if self.source.is_text => 4,
            Some('U') if self.source.is_text => 8,
            Some('N') if self.source.is_text => return self.named_character(),
            _ if is_ascii_letter(c) || is_ascii_digit(c) => 0,
            _ => return Ok(c),
        };
        if digits > 0 {
            self.source.take_while(digits, HEX, &mut escape)?;
            if escape.len() != digits + 2 {
                return Err(self
                    .source
                    .error_with("incomplete escape ", &escape, escape.len()));
            }
            let value = number(&escape[2..], 16);
            if value <= 0x10_ffff {
                return Ok(value as u32);
            }
        }
        Err(self.source.error_with("bad escape ", &escape, escape.len()))
    }

    /// `\N{NAME}`
    fn named_character(&mut self) -> Result<u32> {
        if !self.source.accept('{')? {
            return self.error("missing {", 0);
        }
        let name = self.source.take_until('}', "character name")?;
        let text = text_of(&name);
        if let Some(c) = unicode_names2::character(&text.to_lossy()) {
            return Ok(c as u32);
        }
        let message = joined("undefined character name ", &text.repr());
        self.error(message, name.len() + 4)
    }

    /// `[…]`, the bracket already taken.
    fn set(&mut self) -> Result<Node> {
        let here = self.source.tell() - 1;
        if self.source.next.is_some_and(|t| t.is('[')) {
            self.warn("nested set", self.source.tell());
        }
        let negated = self.source.accept('^')?;
        let mut items: Vec<Item> = Vec::new();
        let add = |items: &mut Vec<Item>, item: Item| {
            // A long set of single characters is not searched again and again.
            if items.len() > 64 || !items.contains(&item) {
                items.push(item);
            }
        };
        loop {
            let Some(this) = self.source.get()? else {
                return self.unterminated_set(here);
            };
            if this.is(']') && !items.is_empty() {
                break;
            }
            if !items.is_empty() && this.is_one_of("-&~|") && self.source.next == Some(this) {
                let what = match this.plain() {
                    Some('-') => "set difference",
                    Some('&') => "set intersection",
                    Some('~') => "set symmetric difference",
                    _ => "set union",
                };
                self.warn(what, self.source.tell() - 1);
            }
            let start = self.set_member(this)?;
            if !self.source.accept('-')? {
                add(&mut items, start);
                continue;
            }
            let Some(that) = self.source.get()? else {
                return self.unterminated_set(here);
            };
            if that.is(']') {
                add(&mut items, start);
                add(&mut items, Item::Char('-' as u32));
                break;
            }
            if that.is('-') {
                self.warn("set difference", self.source.tell() - 2);
            }
            let end = self.set_member(that)?;
            match (start, end) {
                (Item::Char(lo), Item::Char(hi)) if lo <= hi => {
                    add(&mut items, Item::Range(lo, hi));
                }
                _ => {
                    // The message shows the two tokens, not what they stand for.
                    let mut shown = Vec::new();
                    this.push_to(&mut shown);
                    shown.push('-' as u32);
                    that.push_to(&mut shown);
                    return Err(self.source.error_with(
                        "bad character range ",
                        &shown,
                        this.len() + 1 + that.len(),
                    ));
                }
            }
        }
        Ok(match (items.as_slice(), negated) {
            (&[Item::Char(c)], true) => Node::NotChar(c),
            (&[Item::Char(c)], false) => Node::Char(c),
            _ => Node::Set { negated, items },
        })
    }

    fn unterminated_set(&mut self, here: usize) -> Result<Node> {
        self.error("unterminated character set", self.source.tell() - here)
    }

    /// One member of a set.
    fn set_member(&mut self, token: Token) -> Result<Item> {
        let Some(c) = token.escaped else {
            return Ok(Item::Char(token.first));
        };
        if let Some(c) = simple_escape(c) {
            return Ok(Item::Char(c));
        }
        if let Some(class) = class_of(c) {
            return Ok(class);
        }
        let mut escape = vec!['\\' as u32, c];
        if is_octal(c) {
            self.source.take_while(2, OCTAL, &mut escape)?;
            return self.octal(&escape).map(Item::Char);
        }
        self.character_escape(c, escape).map(Item::Char)
    }

    /// `*`, `+`, `?` or `{…}` after a node.
    fn repeat(&mut self, c: char, nodes: &mut Vec<Node>) -> Result<()> {
        let here = self.source.tell();
        let (mut min, mut max) = match c {
            '?' => (0, 1),
            '+' => (1, MANY),
            _ => (0, MANY),
        };
        if c == '{' {
            if self.source.next.is_some_and(|t| t.is('}')) {
                nodes.push(Node::Char('{' as u32));
                return Ok(());
            }
            let (mut lo, mut hi) = (Vec::new(), Vec::new());
            self.source.take_while(usize::MAX, DIGITS, &mut lo)?;
            if self.source.accept(',')? {
                self.source.take_while(usize::MAX, DIGITS, &mut hi)?;
            } else {
                hi.clone_from(&lo);
            }
            if !self.source.accept('}')? {
                nodes.push(Node::Char('{' as u32));
                return self.source.seek(here);
            }
            if !lo.is_empty() {
                min = number(&lo, 10);
            }
            if !hi.is_empty() {
                max = number(&hi, 10);
            }
            if min >= MANY || !hi.is_empty() && max >= MANY {
                return Err(Error::Overflow("the repetition number is too large"));
            }
            if max < min {
                return self.error(
                    "min repeat greater than max repeat",
                    self.source.tell() - here,
                );
            }
        }
        let offset = self.source.tell() - here + 1;
        let node = match nodes.last() {
            None | Some(Node::At(_)) => return self.error("nothing to repeat", offset),
            Some(Node::Repeat { .. }) => return self.error("multiple repeat", offset),
            Some(_) => nodes.pop(),
        };
        let body = match node {
            Some(Node::Group {
                number: None,
                add_flags: 0,
                del_flags: 0,
                body,
            }) => body,
            node => Seq::new(node.into_iter().collect()),
        };
        let greed = if self.source.accept('?')? {
            Greed::Lazy
        } else if self.source.accept('+')? {
            Greed::Possessive
        } else {
            Greed::Greedy
        };
        nodes.push(Node::Repeat {
            greed,
            min,
            max,
            body,
        });
        Ok(())
    }

    /// What stands in parentheses, the first one taken; None for what matches nothing by itself.
    fn group(&mut self, verbose: &mut bool, depth: usize, at_start: bool) -> Result<Option<Node>> {
        let start = self.source.tell() - 1;
        let mut name = None;
        let (mut capture, mut atomic) = (true, false);
        let (mut add_flags, mut del_flags) = (0, 0);
        if self.source.accept('?')? {
            let Some(token) = self.source.get()? else {
                return self.error("unexpected end of pattern", 0);
            };
            match token.plain() {
                Some('P') => {
                    if self.source.accept('<')? {
                        let found = self.source.take_until('>', "group name")?;
                        self.source.check_group_name(&found, 1)?;
                        name = Some(found);
                    } else if self.source.accept('=')? {
                        return self.named_reference().map(Some);
                    } else {
                        return self.unknown_extension("?P", 2);
                    }
                }
                Some(':') => capture = false,
                Some('#') => return self.comment(start).map(|()| None),
                Some(c @ ('=' | '!' | '<')) => {
                    return self.look(c, *verbose, depth, start).map(Some);
                }
                Some('(') => return self.conditional(*verbose, depth, start).map(Some),
                Some('>') => (capture, atomic) = (false, true),
                Some(c) if c == '-' || flag_of(c as u32).is_some() => {
                    match self.flags(c)? {
                        None if at_start => {
                            *verbose = self.state.flags & VERBOSE != 0;
                            return Ok(None);
                        }
                        None => {
                            let offset = self.source.tell() - start;
                            return self
                                .error("global flags not at the start of the expression", offset);
                        }
                        Some(flags) => (add_flags, del_flags) = flags,
                    }
                    capture = false;
                }
                _ => return self.unknown_token("?", token, 1),
            }
        }
        let number = match capture {
            true => Some(self.open_group(name.as_deref())?),
            false => None,
        };
        let verbose_inside = (*verbose || add_flags & VERBOSE != 0) && del_flags & VERBOSE == 0;
        let body = self.alternatives(verbose_inside, depth + 1)?;
        self.close(start)?;
        if let Some(number) = number {
            self.state.widths[number] = Some(body.width);
        }
        Ok(Some(if atomic {
            Node::Atomic(body)
        } else {
            Node::Group {
                number,
                add_flags,
                del_flags,
                body,
            }
        }))
    }

    fn close(&mut self, start: usize) -> Result<()> {
        if self.source.accept(')')? {
            return Ok(());
        }
        let offset = self.source.tell() - start;
        self.error("missing ), unterminated subpattern", offset)
    }

    fn unknown_extension<T>(&mut self, prefix: &str, offset: usize) -> Result<T> {
        match self.source.get()? {
            None => self.error("unexpected end of pattern", 0),
            Some(token) => self.unknown_token(prefix, token, offset),
        }
    }

    fn unknown_token<T>(&mut self, prefix: &str, token: Token, offset: usize) -> Result<T> {
        let mut shown = Vec::new();
        token.push_to(&mut shown);
        let message = format!("unknown extension {prefix}");
        Err(self
            .source
            .error_with(&message, &shown, shown.len() + offset))
    }

    fn open_group(&mut self, name: Option<&[u32]>) -> Result<usize> {
        let number = self.state.widths.len();
        self.state.widths.push(None);
        if let Some(name) = name {
            let text = text_of(name);
            if let Some(before) = self.state.group_named(name) {
                let shown = joined("redefinition of group name ", &text.repr());
                let message = format!(" as group {number}; was group {before}");
                let mut out = StrBuilder::new();
                out.push(&shown);
                out.push_str(&message);
                return self.error(out.finish(), name.len() + 1);
            }
            self.state.names.push((text, number));
        }
        Ok(number)
    }

    /// `(?P=name)`
    fn named_reference(&mut self) -> Result<Node> {
        let name = self.source.take_until(')', "group name")?;
        self.source.check_group_name(&name, 1)?;
        let Some(group) = self.state.group_named(&name) else {
            return self.unknown_group(&name);
        };
        let Some(width) = self.state.closed_width(group) else {
            return self.error("cannot refer to an open group", name.len() + 1);
        };
        self.state.check_lookbehind(group, self.source)?;
        Ok(Node::Ref(group, width))
    }

    fn unknown_group<T>(&mut self, name: &[u32]) -> Result<T> {
        let message = joined("unknown group name ", &text_of(name).repr());
        self.error(message, name.len() + 1)
    }

    fn comment(&mut self, start: usize) -> Result<()> {
        loop {
            match self.source.get()? {
                Some(token) if token.is(')') => return Ok(()),
                Some(_) => {}
                None => {
                    let offset = self.source.tell() - start;
                    return self.error("missing ), unterminated comment", offset);
                }
            }
        }
    }

    /// `(?=…)`, `(?!…)`, `(?<=…)`, `(?<!…)`
    fn look(&mut self, first: char, verbose: bool, depth: usize, start: usize) -> Result<Node> {
        let behind = first == '<';
        let mut kind = first;
        let mut outermost = false;
        if behind {
            let Some(token) = self.source.get()? else {
                return self.error("unexpected end of pattern", 0);
            };
            kind = match token.plain() {
                Some(c @ ('=' | '!')) => c,
                _ => return self.unknown_token("?<", token, 2),
            };
            outermost = self.state.lookbehind_groups.is_none();
            if outermost {
                self.state.lookbehind_groups = Some(self.state.widths.len());
            }
        }
        let body = self.alternatives(verbose, depth + 1)?;
        if outermost {
            self.state.lookbehind_groups = None;
        }
        self.close(start)?;
        let negated = kind == '!';
        if negated && body.nodes.is_empty() {
            return Ok(Node::Fail);
        }
        Ok(Node::Look {
            behind,
            negated,
            body,
        })
    }

    /// `(?(group)yes|no)`
    fn conditional(&mut self, verbose: bool, depth: usize, start: usize) -> Result<Node> {
        let name = self.source.take_until(')', "group name")?;
        let group;
        if is_number(&name) {
            group = number(&name, 10) as usize;
            if group == 0 {
                return self.error("bad group number", name.len() + 1);
            }
            if group >= GROUPS_MAX {
                let message = with_piece("invalid group reference ", trim_zeros(&name), "");
                return self.error(message, name.len() + 1);
            }
            if !self.state.conditionals.iter().any(|&(g, _)| g == group) {
                let at = self.source.tell() - name.len() - 1;
                self.state.conditionals.push((group, at));
            }
        } else {
            self.source.check_group_name(&name, 1)?;
            group = match self.state.group_named(&name) {
                Some(group) => group,
                None => return self.unknown_group(&name),
            };
        }
        self.state.check_lookbehind(group, self.source)?;
        if depth > NESTING_MAX {
            return Err(Error::TooDeep);
        }
        let yes = self.sequence(verbose, depth + 1, false)?;
        let mut no = None;
        if self.source.accept('|')? {
            no = Some(self.sequence(verbose, depth + 1, false)?);
            if self.source.next.is_some_and(|t| t.is('|')) {
                return self.error("conditional backref with more than two branches", 0);
            }
        }
        self.close(start)?;
        Ok(Node::Conditional { group, yes, no })
    }

    /// Inline flags, the first letter taken; None for those of the whole expression.
    fn flags(&mut self, first: char) -> Result<Option<(u32, u32)>> {
        let (mut add, mut del) = (0, 0);
        let mut c = first;
        while c != '-' && c != ')' && c != ':' {
            let flag = flag_of(c as u32).unwrap_or(0);
            if self.source.is_text && c == 'L' {
                return self.error(
                    "bad inline flags: cannot use 'L' flag with a str pattern",
                    0,
                );
            }
            if !self.source.is_text && c == 'u' {
                return self.error(
                    "bad inline flags: cannot use 'u' flag with a bytes pattern",
                    0,
                );
            }
            add |= flag;
            if flag & TEMPLATE_FLAGS != 0 && add & TEMPLATE_FLAGS != flag {
                return self.error(
                    "bad inline flags: flags 'a', 'u' and 'L' are incompatible",
                    0,
                );
            }
            c = self.flag_letter(")-:", "missing -, : or )", "missing -, : or )")?;
        }
        if c == ')' {
            self.state.flags |= add;
            return Ok(None);
        }
        if c == '-' {
            c = self.flag_letter("", "missing flag", "missing flag")?;
            while c != ':' {
                let flag = flag_of(c as u32).unwrap_or(0);
                if flag & TEMPLATE_FLAGS != 0 {
                    return self.error(
                        "bad inline flags: cannot turn off flags 'a', 'u' and 'L'",
                        0,
                    );
                }
                del |= flag;
                c = self.flag_letter(":", "missing :", "missing :")?;
            }
        }
        if add & del != 0 {
            return self.error("bad inline flags: flag turned on and off", 1);
        }
        Ok(Some((add, del)))
    }

    /// The next flag, or one of the ends.
    fn flag_letter(&mut self, ends: &str, at_end: &str, otherwise: &str) -> Result<char> {
        let Some(token) = self.source.get()? else {
            return self.error(at_end, 0);
        };
        if let Some(c) = token.plain()
            && (ends.contains(c) || flag_of(c as u32).is_some())
        {
            return Ok(c);
        }
        let is_letter = token.escaped.is_none() && unicode::is_alpha(token.first);
        let message = if is_letter { "unknown flag" } else { otherwise };
        self.error(message, token.len())
    }
}

pub fn trim_zeros(digits: &[u32]) -> &[u32] {
    let zeros = digits.iter().take_while(|&&c| c == '0' as u32).count();
    &digits[zeros..]
}

/// Alternatives in their simplest form: what all begin with stands before
/// them, and single characters are a set.
fn branch(mut items: Vec<Seq>) -> Seq {
    let mut nodes = Vec::new();
    let mut n_shared = 0;
    while let Some(first) = items.first().and_then(|s| s.nodes.get(n_shared))
        && items.iter().all(|s| s.nodes.get(n_shared) == Some(first))
    {
        n_shared += 1;
    }
    if n_shared > 0 {
        for (i, item) in items.iter_mut().enumerate() {
            let shared: Vec<Node> = item.nodes.drain(..n_shared).collect();
            if i == 0 {
                nodes = shared;
            }
            *item = Seq::new(std::mem::take(&mut item.nodes));
        }
    }
    let mut set = Vec::new();
    for item in &items {
        match item.nodes.as_slice() {
            [Node::Char(c)] => set.push(Item::Char(*c)),
            [
                Node::Set {
                    negated: false,
                    items,
                },
            ] => set.extend_from_slice(items),
            _ => {
                nodes.push(Node::Branch(items));
                return Seq::new(nodes);
            }
        }
    }
    nodes.push(Node::Set {
        negated: false,
        items: set,
    });
    Seq::new(nodes)
}
