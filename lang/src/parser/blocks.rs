//! Puts lines together to blocks, compound statements and the module, and goes
//! on after a faulty line. Decides which of the faults is CPython's.

use std::collections::{HashMap, HashSet};

use chumsky::prelude::*;

use super::stmt::{self, Header, Line};
use super::{In, Parsed, State};
use crate::ast::*;
use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::layout::{Layout, LexicalFault, Weight};
use crate::source::Source;
use crate::token::{Token, TokenKind as T};

/// How many faults are reported; beyond it they are hardly faults of the user.
const FAULTS_MAX: usize = 50;
/// How many expressions the second reading of a faulty line may go through,
/// beside a few for each of its tokens.
const EXPLAIN_FUEL: usize = 20_000;
const EXPLAIN_FUEL_PER_TOKEN: usize = 4;

pub(super) fn parse(source: &Source, layout: &Layout) -> Parsed {
    let mut blocks = Blocks {
        layout,
        tokens: &layout.tokens,
        pos: 0,
        last_end: 0,
        state: State {
            source,
            tokens: &layout.tokens,
            names: HashMap::new(),
            furthest: 0,
            explain: false,
            met_error: false,
            raised: None,
            depth: 0,
            height: 0,
            fuel: 0,
            stmt_start: 0,
            refused: Vec::new(),
            warnings: Vec::new(),
        },
        faults: Vec::new(),
        block_expected: false,
    };
    let mut body = Vec::new();
    while blocks.kind() != T::End {
        blocks.statement(&mut body);
    }
    let span = Span::new(0, source.text().len() as u32);
    let warnings = std::mem::take(&mut blocks.state.warnings);
    let module = Module {
        body,
        span,
        warnings: once_each(warnings),
    };
    let diagnostics = blocks.diagnostics();
    Parsed {
        module,
        diagnostics,
    }
}

/// In source order; rules that read a literal again warn of it again.
fn once_each(mut warnings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut seen = HashSet::new();
    warnings.retain(|warning| seen.insert((warning.span.start, warning.message.clone())));
    warnings.sort_by_key(|warning| warning.span.start);
    warnings
}

/// Whether the last statement is compound, so that at a prompt more of it may follow.
pub(super) fn ends_in_block(tokens: &[Token]) -> bool {
    let mut kinds = tokens.iter().rev().map(|token| token.kind);
    let is_end = kinds.next() == Some(T::End);
    let mut kinds = kinds.peekable();
    match kinds.peek() {
        // A block is open to the text's end.
        Some(T::Dedent) => is_end,
        // A header waits for its block, or a block stands on its header's line.
        Some(T::Newline) => {
            let line: Vec<T> = kinds
                .skip(1)
                .take_while(|kind| *kind != T::Newline)
                .collect();
            let first = line
                .iter()
                .rev()
                .find(|kind| !matches!(kind, T::Indent | T::Dedent));
            let compound = matches!(
                first,
                Some(
                    T::If
                        | T::Elif
                        | T::Else
                        | T::While
                        | T::For
                        | T::Try
                        | T::Except
                        | T::Finally
                        | T::With
                        | T::Def
                        | T::Class
                        | T::Async
                        | T::At
                )
            );
            let opens = line.first() == Some(&T::Colon);
            is_end && (compound || opens)
        }
        _ => false,
    }
}

/// Whether nothing is wrong but that the text stops too early.
pub(super) fn only_wants_more(parsed: &Parsed) -> bool {
    parsed
        .diagnostics
        .iter()
        .all(|diagnostic| matches!(diagnostic.code, "E0023" | "E0105" | "E0106"))
}

struct Blocks<'t> {
    layout: &'t Layout,
    tokens: &'t [Token],
    // Invariant: stands before a line's first token, or before what separates
    // lines; the last token, `End`, is never passed.
    pos: usize,
    // Where the last line that was read ends, without its NEWLINE.
    last_end: u32,
    state: State<'t>,
    faults: Vec<Fault>,
    // The last line failed where it might have been a header: an indented block
    // after it is no fault of its own.
    block_expected: bool,
}

/// A fault of the grammar.
struct Fault {
    diagnostic: Diagnostic,
    // Where the token starts that the parser could not go beyond.
    reached: u32,
    // Where the last token starts that was looked at to explain it.
    seen: u32,
    // Whether CPython looks no further once it has found it.
    is_final: bool,
}

/// A header that has been read, its block, and where it starts.
struct Clause {
    /// `None`: the line is faulty, and the block was read for its faults only.
    header: Option<Header>,
    start: u32,
    span: Span,
    body: Vec<Stmt>,
}

impl<'t> Blocks<'t> {
    fn token(&self) -> Token {
        self.tokens[self.pos]
    }

    fn kind(&self) -> T {
        self.token().kind
    }

    /// The parser stands before the token that it can't go beyond.
    fn fault(&mut self, diagnostic: Diagnostic) {
        let reached = self.token().span.start;
        self.push_fault(diagnostic, reached, false);
    }

    fn push_fault(&mut self, diagnostic: Diagnostic, reached: u32, is_final: bool) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault {
                diagnostic,
                reached,
                seen: reached,
                is_final,
            });
        }
    }

    // -------------------------------------------------------------------- lines

    /// Reads the line that starts here, whatever it holds. `None`: it is faulty.
    fn line(&mut self, in_match: bool) -> Option<Line> {
        let start = self.pos;
        // Layout ends every line with NEWLINE; only layout tokens stand alone.
        let Some(len) = self.tokens[start..]
            .iter()
            .position(|token| token.kind == T::Newline)
        else {
            self.pos = self.tokens.len() - 1;
            return None;
        };
        let end = start + len;
        self.pos = end + 1;
        self.block_expected = true;
        let tokens = &self.tokens[start..=end];
        let after = |n: usize| self.tokens.get(end + n).map(|token| token.kind);
        // `match x:` is no expression, so that a match statement is meant also
        // where its block is missing.
        let opens = end > start && self.tokens[end - 1].kind == T::Colon;
        let is_match = tokens[0].kind == T::Match
            && match after(1) {
                Some(T::Indent) => after(2) == Some(T::Case),
                _ => opens,
            };
        let rule = custom(move |inp: &mut In<'t, '_>| {
            if in_match {
                stmt::case_line(inp)
            } else {
                stmt::line(inp, is_match)
            }
        });
        let state = &mut self.state;
        state.tokens = tokens;
        state.furthest = tokens[0].span.start;
        state.explain = false;
        state.met_error = false;
        state.raised = None;
        state.depth = 0;
        state.height = 0;
        state.fuel = usize::MAX;
        let n_refused = state.refused.len();
        let line = rule.parse_with_state(tokens, state).into_output();
        if let Some(line) = line
            && self.state.raised.is_none()
        {
            self.last_end = tokens[tokens.len().saturating_sub(2)].span.end;
            self.block_expected = false;
            return Some(line);
        }
        let state = &mut self.state;
        state.refused.truncate(n_refused);
        let furthest = state.furthest;
        if state.raised.is_none() {
            state.explain = true;
            state.fuel = EXPLAIN_FUEL + EXPLAIN_FUEL_PER_TOKEN * tokens.len();
            state.depth = 0;
            // A line that the second reading accepts is still faulty.
            let _ = rule.parse_with_state(tokens, state);
            state.refused.truncate(n_refused);
        }
        // CPython reports a faulty token as soon as it is looked at.
        if state.met_error {
            return None;
        }
        let raised = state.raised.take();
        self.explain_line(tokens, furthest, raised);
        None
    }

    /// Reports why a line could not be read.
    fn explain_line(&mut self, tokens: &[Token], furthest: u32, raised: Option<Box<Diagnostic>>) {
        let at = tokens
            .iter()
            .find(|token| token.span.start >= furthest)
            .unwrap_or(&tokens[tokens.len() - 1]);
        // Such a token has been reported by the layout pass.
        if at.kind == T::Error {
            return;
        }
        let diagnostic = match raised {
            Some(raised) => *raised,
            None => Diagnostic::syntax("E0100", "invalid syntax", at.span),
        };
        let seen = self.state.furthest;
        self.push_fault(diagnostic, at.span.start, false);
        if let Some(fault) = self.faults.last_mut() {
            fault.seen = seen;
        }
    }

    // --------------------------------------------------------------- statements

    fn statement(&mut self, out: &mut Vec<Stmt>) {
        let first = self.token();
        match first.kind {
            T::Indent => {
                if !self.block_expected {
                    let diagnostic = Diagnostic::new(
                        "E0024",
                        ErrorClass::IndentationError,
                        "unexpected indent",
                        first.span,
                    );
                    self.push_fault(diagnostic, first.span.start, true);
                }
                self.pos += 1;
                self.rest_of_block(out);
                return;
            }
            T::Dedent => {
                self.pos += 1;
                return;
            }
            T::Elif | T::Else | T::Except | T::Finally if self.block_expected => {
                // It continues a statement whose first line is faulty.
                self.clause();
                self.block_expected = true;
                return;
            }
            T::Elif | T::Else | T::Except | T::Finally => {
                self.fault(Diagnostic::syntax("E0100", "invalid syntax", first.span));
                self.clause();
                self.block_expected = true;
                return;
            }
            _ => {}
        }
        let mut decorators = Vec::new();
        let mut clause = self.clause();
        while let ClauseOrLine::Line(Line::Decorator(decorator)) = clause {
            decorators.push(decorator);
            let next = self.token();
            if !matches!(next.kind, T::Def | T::Class | T::Async | T::At) {
                if next.kind == T::Indent {
                    self.statement(out);
                    return;
                }
                let code = match next.kind {
                    T::End => "E0106",
                    _ => "E0100",
                };
                self.fault(Diagnostic::syntax(code, "invalid syntax", next.span));
                return;
            }
            clause = self.clause();
        }
        match clause {
            ClauseOrLine::Line(Line::Simple(stmts)) => out.extend(stmts),
            ClauseOrLine::Line(_) => {}
            ClauseOrLine::Clause(clause) => {
                let decorated = !decorators.is_empty();
                if let Some(Header::For { .. } | Header::With { .. }) = clause.header
                    && decorated
                {
                    // `async` was seen, a function was expected.
                    self.fault(Diagnostic::syntax("E0100", "invalid syntax", clause.span));
                }
                if let Some(stmt) = self.compound(clause, decorators) {
                    out.push(stmt);
                }
            }
        }
    }

    /// The line here and, after a header, its block.
    fn clause(&mut self) -> ClauseOrLine {
        let start = self.token().span.start;
        let line = self.line(false);
        self.finish_clause(line, start)
    }

    fn finish_clause(&mut self, line: Option<Line>, start: u32) -> ClauseOrLine {
        let clause = match line {
            None => {
                let mut body = Vec::new();
                if self.kind() == T::Indent {
                    self.pos += 1;
                    self.rest_of_block(&mut body);
                    self.block_expected = true;
                }
                Clause {
                    header: None,
                    start,
                    span: Span::new(start, start),
                    body: Vec::new(),
                }
            }
            Some(Line::Compound {
                header,
                span,
                inline,
            }) => {
                let body = match (&header, inline) {
                    (Header::Match(_), _) => Vec::new(),
                    (_, Some(body)) => body,
                    (header, None) => self.block(header, start),
                };
                Clause {
                    header: Some(header),
                    start,
                    span,
                    body,
                }
            }
            Some(line) => return ClauseOrLine::Line(line),
        };
        ClauseOrLine::Clause(clause)
    }

    /// The indented block of a header.
    fn block(&mut self, header: &Header, start: u32) -> Vec<Stmt> {
        let mut body = Vec::new();
        if self.kind() == T::Indent {
            self.pos += 1;
            self.rest_of_block(&mut body);
        } else {
            self.missing_block(block_name(header), start);
        }
        body
    }

    fn missing_block(&mut self, name: &str, start: u32) {
        let line = self.state.source.line(start);
        let message = format!("expected an indented block after {name} on line {line}");
        let here = self.token().span;
        let diagnostic = Diagnostic::new("E0023", ErrorClass::IndentationError, message, here)
            .label(Span::new(start, start), "its block is missing");
        self.fault(diagnostic);
    }

    /// The statements up to the DEDENT, which is taken.
    fn rest_of_block(&mut self, out: &mut Vec<Stmt>) {
        self.block_expected = false;
        while !matches!(self.kind(), T::Dedent | T::End) {
            self.statement(out);
        }
        if self.kind() == T::Dedent {
            self.pos += 1;
        }
        self.block_expected = false;
    }

    /// Where the statement ends that started at `start`.
    fn span_from(&self, start: u32) -> Span {
        Span::new(start, self.last_end.max(start))
    }

    /// The statement that a first clause begins, with the clauses that continue it.
    fn compound(&mut self, clause: Clause, decorators: Vec<Expr>) -> Option<Stmt> {
        let Clause {
            header,
            start,
            body,
            span,
        } = clause;
        let kind = match header? {
            Header::If(test) => self.if_stmt(test, body, start),
            Header::While(test) => StmtKind::While {
                test: Box::new(test),
                body,
                orelse: self.orelse(),
            },
            Header::For {
                target,
                iter,
                is_async,
            } => StmtKind::For(Box::new(For {
                target,
                iter,
                body,
                orelse: self.orelse(),
                is_async,
            })),
            Header::With { items, is_async } => StmtKind::With {
                items,
                body,
                is_async,
            },
            Header::Try => self.try_stmt(body, start)?,
            Header::Def {
                name,
                type_params,
                params,
                returns,
                is_async,
            } => StmtKind::FunctionDef(Box::new(FunctionDef {
                name,
                type_params,
                params,
                returns,
                body,
                decorators,
                is_async,
            })),
            Header::Class {
                name,
                type_params,
                args,
            } => StmtKind::ClassDef(Box::new(ClassDef {
                name,
                type_params,
                args,
                body,
                decorators,
            })),
            Header::Match(subject) => self.match_stmt(subject, start)?,
            // `statement` has dealt with the keywords of later clauses.
            Header::Elif(_)
            | Header::Else
            | Header::Except { .. }
            | Header::Finally
            | Header::Case { .. } => {
                self.fault(Diagnostic::syntax("E0100", "invalid syntax", span));
                return None;
            }
        };
        let span = self.span_from(start);
        Some(Stmt { kind, span })
    }

    /// The next clause, if it starts with this keyword.
    fn continuing(&mut self, keyword: T) -> Option<Clause> {
        if self.kind() != keyword {
            return None;
        }
        match self.clause() {
            ClauseOrLine::Clause(clause) => Some(clause),
            ClauseOrLine::Line(_) => None,
        }
    }

    fn orelse(&mut self) -> Vec<Stmt> {
        self.continuing(T::Else)
            .map_or_else(Vec::new, |clause| clause.body)
    }

    fn if_stmt(&mut self, test: Expr, body: Vec<Stmt>, start: u32) -> StmtKind {
        let span = self.span_from(start);
        let mut branches = vec![IfBranch { test, body, span }];
        while let Some(clause) = self.continuing(T::Elif) {
            let span = self.span_from(clause.start);
            if let Some(Header::Elif(test)) = clause.header {
                branches.push(IfBranch {
                    test,
                    body: clause.body,
                    span,
                });
            }
        }
        let orelse = self.orelse();
        StmtKind::If { branches, orelse }
    }

    fn try_stmt(&mut self, body: Vec<Stmt>, start: u32) -> Option<StmtKind> {
        let mut handlers: Vec<ExceptHandler> = Vec::new();
        let mut star = None;
        let mut faulty = false;
        let mut catches_all: Option<Span> = None;
        while let Some(clause) = self.continuing(T::Except) {
            let span = self.span_from(clause.start);
            let Some(Header::Except {
                exc_type,
                name,
                is_star,
            }) = clause.header
            else {
                faulty = true;
                continue;
            };
            if *star.get_or_insert(is_star) != is_star {
                let message = "cannot have both 'except' and 'except*' on the same 'try'";
                self.fault(Diagnostic::syntax("E0107", message, clause.span));
                faulty = true;
            }
            if let Some(bare) = catches_all.take() {
                let message = "default 'except:' must be last";
                self.fault(Diagnostic::syntax("E0108", message, bare));
                faulty = true;
            }
            if exc_type.is_none() {
                catches_all = Some(clause.span);
            }
            handlers.push(ExceptHandler {
                exc_type,
                name,
                body: clause.body,
                span,
            });
        }
        let orelse = if handlers.is_empty() && !faulty {
            Vec::new()
        } else {
            self.orelse()
        };
        let finalbody = match self.continuing(T::Finally) {
            Some(clause) => clause.body,
            None if handlers.is_empty() && !faulty => {
                // A body that is missing or faulty has been reported.
                if !body.is_empty() {
                    let here = self.token().span;
                    let message = "expected 'except' or 'finally' block";
                    let keyword = Span::new(start, start + 3);
                    let diagnostic =
                        Diagnostic::syntax("E0105", message, here).label(keyword, "of this 'try'");
                    self.fault(diagnostic);
                    self.block_expected = true;
                }
                return None;
            }
            None => Vec::new(),
        };
        Some(StmtKind::Try(Box::new(Try {
            body,
            handlers,
            orelse,
            finalbody,
            is_star: star.unwrap_or(false),
        })))
    }

    fn match_stmt(&mut self, subject: Expr, start: u32) -> Option<StmtKind> {
        let mut cases = Vec::new();
        if self.kind() != T::Indent {
            self.missing_block("'match' statement", start);
            return None;
        }
        self.pos += 1;
        while !matches!(self.kind(), T::Dedent | T::End) {
            let first = self.token();
            let line = if first.kind == T::Case {
                self.line(true)
            } else {
                self.fault(Diagnostic::syntax("E0100", "invalid syntax", first.span));
                self.statement(&mut Vec::new());
                continue;
            };
            let ClauseOrLine::Clause(clause) = self.finish_clause(line, first.span.start) else {
                continue;
            };
            let span = self.span_from(clause.start);
            if let Some(Header::Case { pattern, guard }) = clause.header {
                cases.push(MatchCase {
                    pattern,
                    guard,
                    body: clause.body,
                    span,
                });
            }
        }
        if self.kind() == T::Dedent {
            self.pos += 1;
        }
        self.block_expected = false;
        if cases.is_empty() {
            return None;
        }
        let subject = Box::new(subject);
        Some(StmtKind::Match { subject, cases })
    }

    // -------------------------------------------------------------- diagnostics

    /// All faults, CPython's first.
    fn diagnostics(self) -> Vec<Diagnostic> {
        let source = self.state.source;
        let lexical = &self.layout.faults;
        let primary = primary(source, &self.faults, lexical);
        // A bracket that is never closed and what fails behind it on its
        // logical line are one fault: the first of them that CPython names stays.
        let hides = |bracket: &LexicalFault, fault: &Fault| {
            bracket.weight == Weight::Unclosed
                && (bracket.diagnostic.span.start..=bracket.at).contains(&fault.reached)
        };
        let is_later = |bracket: &LexicalFault, fault: &Fault| {
            source.line(fault.seen) > source.line(bracket.diagnostic.span.start)
        };
        let of_grammar = self.faults.iter().filter(|fault| {
            !lexical
                .iter()
                .any(|bracket| hides(bracket, fault) && is_later(bracket, fault))
        });
        let of_characters = lexical.iter().filter(|bracket| {
            !self
                .faults
                .iter()
                .any(|fault| hides(bracket, fault) && !is_later(bracket, fault))
        });
        let mut all: Vec<Diagnostic> = of_grammar
            .map(|fault| &fault.diagnostic)
            .chain(of_characters.map(|fault| &fault.diagnostic))
            .filter(|diagnostic| Some(*diagnostic) != primary.as_ref())
            .cloned()
            .collect();
        all.sort_by_key(|diagnostic| diagnostic.span.start);
        all.splice(0..0, primary);
        let mut refused = self.state.refused;
        refused.dedup_by_key(|refusal| refusal.span);
        all.append(&mut refused);
        all
    }
}

/// The fault that CPython 3.13 would report.
///
/// pegen_errors.c: the parser asks for tokens as it goes, so that of a fault of
/// the grammar and one of the characters the earlier counts; but after the
/// former it reads on for the latter.
fn primary(source: &Source, faults: &[Fault], lexical: &[LexicalFault]) -> Option<Diagnostic> {
    let Some(fault) = faults.first() else {
        let named = lexical
            .iter()
            .find(|lexical| lexical.weight != Weight::Unclosed);
        return named.or(lexical.first()).map(|l| l.diagnostic.clone());
    };
    let mut chosen = &fault.diagnostic;
    for lexical in lexical {
        let first = lexical.at <= fault.reached;
        match lexical.weight {
            Weight::Overrides if first || !fault.is_final => {
                return Some(lexical.diagnostic.clone());
            }
            Weight::Quiet if first => return Some(lexical.diagnostic.clone()),
            Weight::Overrides | Weight::Quiet => break,
            Weight::Unclosed => {
                // On the bracket's own line the parser's fault says more.
                let bracket = lexical.diagnostic.span.start;
                let later = source.line(fault.seen) > source.line(bracket);
                if first || bracket <= fault.reached && later && !fault.is_final {
                    chosen = &lexical.diagnostic;
                }
            }
        }
    }
    Some(chosen.clone())
}

enum ClauseOrLine {
    Clause(Clause),
    Line(Line),
}

/// How CPython calls what a block is missing after.
fn block_name(header: &Header) -> &'static str {
    match header {
        Header::If(_) => "'if' statement",
        Header::Elif(_) => "'elif' statement",
        Header::Else => "'else' statement",
        Header::While(_) => "'while' statement",
        Header::For { .. } => "'for' statement",
        Header::Try => "'try' statement",
        Header::Except { is_star: true, .. } => "'except*' statement",
        Header::Except { .. } => "'except' statement",
        Header::Finally => "'finally' statement",
        Header::With { .. } => "'with' statement",
        Header::Def { .. } => "function definition",
        Header::Class { .. } => "class definition",
        Header::Match(_) => "'match' statement",
        Header::Case { .. } => "'case' statement",
    }
}
