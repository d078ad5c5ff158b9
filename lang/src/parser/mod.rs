//! Takes a source, gives its syntax tree and what is wrong with it. Always gives both.
//!
//! Two halves. The rules of one logical line (expr, stmt, params, pattern,
//! fstring) are chumsky parsers over the layout pass's tokens. They are plain
//! functions put together from combinators, so that no grammar object has to
//! be built, and each decides by the next token or two, so that none reads a
//! line twice. [`blocks`] puts lines together to blocks and goes on after a
//! faulty line.
//!
//! A line is first read with no thought of messages: a failure is only known by
//! the furthest token that was looked at, as in CPython. Then it is read again
//! with `explain` set, where rules for common mistakes come in.

mod blocks;
#[cfg(test)]
mod dump;
mod expr;
mod fstring;
mod literal;
mod params;
mod pattern;
mod stmt;
mod target;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use chumsky::error::EmptyErr;
use chumsky::extra;
use chumsky::input::{Checkpoint, Cursor, InputRef};
use chumsky::inspector::Inspector;
use chumsky::prelude::*;

use crate::ast::{EXPR_DEPTH_MAX, Ident, Module, Name, Span};
use crate::diagnostic::Diagnostic;
use crate::layout::{LexicalFault, Weight, lay_out};
use crate::source::Source;
use crate::token::{Token, TokenKind};

/// A tree and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// What could be read; faulty statements are missing.
    pub module: Module,
    /// The first is the one that CPython would report; the rest follow in
    /// source order. Empty: the tree is complete.
    pub diagnostics: Vec<Diagnostic>,
}

/// What the REPL makes of the lines typed so far.
#[derive(Clone, Debug)]
pub enum Interactive {
    /// More lines may complete it.
    Incomplete,
    Complete(Parsed),
}

/// Parses a file.
///
/// ```
/// use lockstep_lang::{parser::parse_module, source::Source};
/// let parsed = parse_module(&Source::new("demo", "x = 1\n"));
/// assert!(parsed.diagnostics.is_empty());
/// assert_eq!(parsed.module.body.len(), 1);
/// ```
pub fn parse_module(source: &Source) -> Parsed {
    crate::stack::with_deep_stack(|| blocks::parse(source, &lay_out(source)))
}

/// Parses what was typed at a prompt. A block ends at an empty line, as in
/// CPython's `codeop`.
pub fn parse_interactive(source: &Source) -> Interactive {
    crate::stack::with_deep_stack(|| {
        let layout = lay_out(source);
        // More text mends what is cut off; a fault before it would stay.
        let is_other = |fault: &&LexicalFault| fault.weight != Weight::Unclosed;
        if layout.cut_off && layout.faults.iter().filter(is_other).count() <= 1 {
            return Interactive::Incomplete;
        }
        let parsed = blocks::parse(source, &layout);
        let typed = source.text().strip_suffix('\n').unwrap_or(source.text());
        let ends_empty = typed
            .rsplit('\n')
            .next()
            .is_some_and(|line| line.trim().is_empty());
        let in_block = blocks::ends_in_block(&layout.tokens) && !ends_empty;
        if in_block && blocks::only_wants_more(&parsed) {
            return Interactive::Incomplete;
        }
        Interactive::Complete(parsed)
    })
}

// What every rule is made of.

type Tokens<'t> = &'t [Token];
type Extra<'t> = extra::Full<EmptyErr, State<'t>, ()>;
type In<'t, 'p> = InputRef<'t, 'p, Tokens<'t>, Extra<'t>>;
type Res<T> = Result<T, EmptyErr>;

/// A chumsky parser of a line's tokens.
trait Rule<'t, O>: Parser<'t, Tokens<'t>, O, Extra<'t>> + Clone {}
impl<'t, O, P: Parser<'t, Tokens<'t>, O, Extra<'t>> + Clone> Rule<'t, O> for P {}

/// What the rules share while they read one line.
struct State<'t> {
    source: &'t Source,
    /// The line's tokens; the last is a NEWLINE.
    tokens: &'t [Token],
    names: HashMap<&'t str, Name>,
    /// Where the furthest token starts that a rule has looked at.
    furthest: u32,
    /// Whether the line is read again to find out what is wrong.
    explain: bool,
    /// Whether an `Error` token was looked at while no fault had a name yet.
    met_error: bool,
    /// The first fault that a rule could name. It decides, whatever other rules say.
    raised: Option<Box<Diagnostic>>,
    /// How many expressions are being read inside each other.
    depth: usize,
    /// The height of the tallest expression read since a rule last reset it.
    height: usize,
    /// How many expressions may still be read. Bounded only where a fault is
    /// explained: rules for mistakes read tokens again, which must not multiply
    /// with nesting.
    fuel: usize,
    /// The index of the simple statement's first token.
    stmt_start: usize,
    /// What of the language the subset leaves out.
    refused: Vec<Diagnostic>,
    /// What is to be warned of, as often as it was read.
    warnings: Vec<Diagnostic>,
}

impl<'t> State<'t> {
    fn raise(&mut self, diagnostic: Diagnostic) {
        self.raised.get_or_insert_with(|| Box::new(diagnostic));
    }

    fn intern(&mut self, span: Span) -> Name {
        let text: &'t str = self.source.slice(span);
        if let Some(name) = self.names.get(text) {
            return name.clone();
        }
        let name = if text.is_ascii() {
            Name::from(text)
        } else {
            use unicode_normalization::UnicodeNormalization;
            let normal: String = text.nfkc().collect();
            // Another spelling of the name may have come before.
            match self.names.get(normal.as_str()) {
                Some(name) => name.clone(),
                None => Name::from(normal.as_str()),
            }
        };
        self.names.insert(text, name.clone());
        name
    }
}

impl<'t> Inspector<'t, Tokens<'t>> for State<'t> {
    type Checkpoint = ();

    fn on_token(&mut self, _: &Token) {}

    fn on_save<'p>(&self, _: &Cursor<'t, 'p, Tokens<'t>>) {}

    fn on_rewind<'p>(&mut self, _: &Checkpoint<'t, 'p, Tokens<'t>, ()>) {}
}

fn fail<T>() -> Res<T> {
    Err(EmptyErr::default())
}

/// Fails for a reason that has a name. The name counts when the line is read
/// again to find out what is wrong, in the order of that reading.
fn raise<T>(inp: &mut In, diagnostic: Diagnostic) -> Res<T> {
    let state = inp.state();
    if state.explain {
        state.raise(diagnostic);
    }
    fail()
}

/// Fails for a reason that counts at the first reading: nothing else can be meant.
fn raise_now<T>(inp: &mut In, diagnostic: Diagnostic) -> Res<T> {
    inp.state().raise(diagnostic);
    fail()
}

/// The next token, which counts as looked at. At the end it is the line's NEWLINE again.
fn peek(inp: &mut In) -> Token {
    let token = inp.peek();
    let state = inp.state();
    match token {
        Some(token) => {
            state.furthest = state.furthest.max(token.span.start);
            state.met_error |= token.kind == TokenKind::Error && state.raised.is_none();
            token
        }
        None => end_token(state),
    }
}

fn end_token(state: &State) -> Token {
    let at = state.tokens.last().map_or(0, |token| token.span.end);
    Token {
        kind: TokenKind::End,
        span: Span::new(at, at),
    }
}

fn peek_kind(inp: &mut In) -> TokenKind {
    peek(inp).kind
}

/// The token after the next, which does not count as looked at.
fn peek_second(inp: &mut In) -> TokenKind {
    peek_nth(inp, 1)
}

fn peek_nth(inp: &mut In, n: usize) -> TokenKind {
    let at = *inp.cursor().inner() + n;
    let tokens = inp.state().tokens;
    tokens.get(at).map_or(TokenKind::End, |token| token.kind)
}

/// The next token, taken.
fn bump(inp: &mut In) -> Token {
    let token = peek(inp);
    inp.skip();
    token
}

/// Takes the next token if it is of this kind.
fn eat(inp: &mut In, kind: TokenKind) -> bool {
    let found = peek_kind(inp) == kind;
    if found {
        inp.skip();
    }
    found
}

fn expect(inp: &mut In, kind: TokenKind) -> Res<Token> {
    let token = peek(inp);
    if token.kind != kind {
        return fail();
    }
    inp.skip();
    Ok(token)
}

/// Where the last taken token ends.
fn last_end(inp: &mut In) -> u32 {
    let at = *inp.cursor().inner();
    let state = inp.state();
    at.checked_sub(1)
        .and_then(|last| state.tokens.get(last))
        .map_or(0, |token| token.span.end)
}

/// From `start` to the end of the last taken token.
fn span_from(inp: &mut In, start: u32) -> Span {
    Span::new(start, last_end(inp))
}

/// One token of this kind, as a rule.
fn token<'t>(kind: TokenKind) -> impl Rule<'t, Token> + Copy {
    custom(move |inp: &mut In<'t, '_>| expect(inp, kind))
}

/// An identifier, soft keywords included.
fn ident(inp: &mut In) -> Res<Ident> {
    let token = peek(inp);
    if !token.kind.is_name() {
        return fail();
    }
    inp.skip();
    let name = inp.state().intern(token.span);
    Ok(Ident {
        name,
        span: token.span,
    })
}

/// Reads something that holds an expression inside another. Bounds how deep rules recurse.
fn nested<'t, T>(inp: &mut In<'t, '_>, rule: impl FnOnce(&mut In<'t, '_>) -> Res<T>) -> Res<T> {
    let here = peek(inp).span;
    let state = inp.state();
    if state.depth >= EXPR_DEPTH_MAX {
        return raise_now(inp, too_deep(here));
    }
    if state.fuel == 0 {
        return fail();
    }
    state.fuel -= 1;
    state.depth += 1;
    let result = rule(inp);
    inp.state().depth -= 1;
    result
}

/// What a rule would give here, with nothing taken and no fault named.
fn look_ahead<'t, T>(
    inp: &mut In<'t, '_>,
    rule: impl FnOnce(&mut In<'t, '_>) -> Res<T>,
) -> Option<T> {
    if inp.state().raised.is_some() {
        return None;
    }
    let before = inp.save();
    let state = inp.state();
    let explain = std::mem::replace(&mut state.explain, false);
    let result = rule(inp);
    inp.rewind(before);
    let state = inp.state();
    state.raised = None;
    state.explain = explain;
    result.ok()
}

/// Notes that an expression of this height was read. Keeps trees low enough to recurse over.
fn grown(inp: &mut In, outer: usize, height: usize) -> Res<()> {
    inp.state().height = outer.max(height);
    if height > EXPR_DEPTH_MAX {
        let here = peek(inp).span;
        return raise_now(inp, too_deep(here));
    }
    Ok(())
}

fn too_deep(here: Span) -> Diagnostic {
    Diagnostic::syntax("E0034", "too many nested expressions", here)
        .help("give a part of the expression a name of its own")
}
