//! The rules of one logical line: simple statements, and the headers of
//! compound ones. Blocks are put together in blocks.rs.

use chumsky::prelude::*;

use super::expr::{
    class_args, expression, named_expression, star_expressions, star_named_expression,
    starts_expression, yield_expression,
};
use super::target::{self, expr_name};
use super::{
    In, Res, Rule, bump, eat, expect, fail, ident, look_ahead, params, pattern, peek, peek_kind,
    peek_second, raise, raise_now, span_from, token,
};
use crate::ast::*;
use crate::diagnostic::Diagnostic;
use crate::token::{Token, TokenKind as T};

/// What one logical line holds.
pub(super) enum Line {
    Simple(Vec<Stmt>),
    Compound {
        header: Header,
        /// From the first keyword to the colon.
        span: Span,
        /// The statements after the colon; `None` where a block follows.
        inline: Option<Vec<Stmt>>,
    },
    /// `@expression`.
    Decorator(Expr),
}

/// The first part of a compound statement, up to the colon.
pub(super) enum Header {
    If(Expr),
    Elif(Expr),
    Else,
    While(Expr),
    For {
        target: Expr,
        iter: Expr,
        is_async: bool,
    },
    Try,
    Except {
        exc_type: Option<Expr>,
        name: Option<Ident>,
        is_star: bool,
    },
    Finally,
    With {
        items: Vec<WithItem>,
        is_async: bool,
    },
    Def {
        name: Ident,
        type_params: Vec<TypeParam>,
        params: Params,
        returns: Option<Expr>,
        is_async: bool,
    },
    Class {
        name: Ident,
        type_params: Vec<TypeParam>,
        args: Vec<Arg>,
    },
    Match(Expr),
    Case {
        pattern: Pattern,
        guard: Option<Expr>,
    },
}

/// A whole line with its NEWLINE. `is_match`: the next line is an indented
/// `case`, so that a line that starts with `match` is a match statement.
pub(super) fn line(inp: &mut In, is_match: bool) -> Res<Line> {
    let first = peek(inp);
    let header = match first.kind {
        T::If => {
            bump(inp);
            Header::If(named_expression(inp)?)
        }
        T::Elif => {
            bump(inp);
            Header::Elif(named_expression(inp)?)
        }
        T::Else => {
            bump(inp);
            Header::Else
        }
        T::While => {
            bump(inp);
            Header::While(named_expression(inp)?)
        }
        T::For => for_header(inp, false)?,
        T::Try => {
            bump(inp);
            Header::Try
        }
        T::Except => except_header(inp)?,
        T::Finally => {
            bump(inp);
            Header::Finally
        }
        T::With => with_header(inp, false)?,
        T::Def => def_header(inp, false)?,
        T::Async => {
            bump(inp);
            match peek_kind(inp) {
                T::Def => def_header(inp, true)?,
                T::For => for_header(inp, true)?,
                T::With => with_header(inp, true)?,
                _ => return fail(),
            }
        }
        T::Class => class_header(inp)?,
        T::Match if is_match => {
            bump(inp);
            Header::Match(subject(inp)?)
        }
        T::At => {
            bump(inp);
            let decorator = named_expression(inp)?;
            expect(inp, T::Newline)?;
            return Ok(Line::Decorator(decorator));
        }
        T::Match if inp.state().explain => {
            explain_match(inp)?;
            return simple_line(inp).map(Line::Simple);
        }
        _ => return simple_line(inp).map(Line::Simple),
    };
    compound(inp, header, first)
}

/// `match x` without its colon.
fn explain_match(inp: &mut In) -> Res<()> {
    let missing = look_ahead(inp, |inp| {
        bump(inp);
        subject(inp)?;
        let here = peek(inp);
        if here.kind == T::Newline {
            Ok(here.span)
        } else {
            fail()
        }
    });
    match missing {
        Some(here) => raise(inp, Diagnostic::syntax("E0101", "expected ':'", here)),
        None => Ok(()),
    }
}

/// A line of a `match` block.
pub(super) fn case_line(inp: &mut In) -> Res<Line> {
    let first = expect(inp, T::Case)?;
    let pattern = pattern::patterns(inp)?;
    let guard = if eat(inp, T::If) {
        Some(named_expression(inp)?)
    } else {
        None
    };
    compound(inp, Header::Case { pattern, guard }, first)
}

/// The colon and what follows it.
fn compound(inp: &mut In, header: Header, first: Token) -> Res<Line> {
    let here = peek(inp);
    if here.kind != T::Colon {
        // CPython forces the colon where nothing else could follow; elsewhere
        // it misses it only at the line's end.
        let forced = matches!(
            header,
            Header::Else | Header::Try | Header::Finally | Header::Def { .. }
        );
        if forced || inp.state().explain && here.kind == T::Newline {
            return raise_now(inp, Diagnostic::syntax("E0101", "expected ':'", here.span));
        }
        return fail();
    }
    bump(inp);
    let span = span_from(inp, first.span.start);
    let inline = if eat(inp, T::Newline) {
        None
    } else {
        Some(simple_line(inp)?)
    };
    Ok(Line::Compound {
        header,
        span,
        inline,
    })
}

// -------------------------------------------------------------------- headers

fn for_header(inp: &mut In, is_async: bool) -> Res<Header> {
    bump(inp);
    let target = target::for_target(inp)?;
    expect(inp, T::In)?;
    let iter = star_expressions(inp)?;
    Ok(Header::For {
        target,
        iter,
        is_async,
    })
}

fn except_header(inp: &mut In) -> Res<Header> {
    bump(inp);
    let is_star = eat(inp, T::Star);
    if peek_kind(inp) == T::Colon {
        if is_star {
            let here = peek(inp).span;
            let message = "expected one or more exception types";
            return raise(inp, Diagnostic::syntax("E0102", message, here));
        }
        return Ok(Header::Except {
            exc_type: None,
            name: None,
            is_star,
        });
    }
    if inp.state().explain && peek_kind(inp) == T::Newline {
        let here = peek(inp).span;
        let message = if is_star {
            "expected one or more exception types"
        } else {
            "expected ':'"
        };
        return raise(inp, Diagnostic::syntax("E0101", message, here));
    }
    let exc_type = expression(inp)?;
    if inp.state().explain && peek_kind(inp) == T::Comma {
        let span = exc_type.span;
        bump(inp);
        let end = star_expressions(inp)?.span;
        let message = "multiple exception types must be parenthesized";
        return raise(inp, Diagnostic::syntax("E0103", message, span.to(end)));
    }
    let name = if eat(inp, T::As) {
        Some(ident(inp)?)
    } else {
        None
    };
    Ok(Header::Except {
        exc_type: Some(exc_type),
        name,
        is_star,
    })
}

fn with_header(inp: &mut In, is_async: bool) -> Res<Header> {
    bump(inp);
    let items = if peek_kind(inp) == T::LParen {
        let before = inp.save();
        match parenthesized_items(inp) {
            Ok(items) => items,
            Err(_) => {
                // The parenthesis belongs to the first item's expression. What
                // was wrong with the other reading is none of the user's faults.
                inp.rewind(before);
                inp.state().raised = None;
                inp.parse(with_items())?
            }
        }
    } else {
        inp.parse(with_items())?
    };
    Ok(Header::With { items, is_async })
}

/// `(a as b, c as d,)` before the colon.
fn parenthesized_items(inp: &mut In) -> Res<Vec<WithItem>> {
    let items = inp.parse(
        custom(with_item)
            .separated_by(token(T::Comma))
            .at_least(1)
            .allow_trailing()
            .collect()
            .delimited_by(token(T::LParen), token(T::RParen)),
    )?;
    match peek_kind(inp) {
        T::Colon => Ok(items),
        T::Newline if inp.state().explain => Ok(items),
        _ => fail(),
    }
}

fn with_items<'t>() -> impl Rule<'t, Vec<WithItem>> {
    custom(with_item)
        .separated_by(token(T::Comma))
        .at_least(1)
        .collect()
}

fn with_item(inp: &mut In) -> Res<WithItem> {
    let start = peek(inp).span.start;
    let context = expression(inp)?;
    let target = if eat(inp, T::As) {
        Some(target::with_target(inp)?)
    } else {
        None
    };
    Ok(WithItem {
        context,
        target,
        span: span_from(inp, start),
    })
}

fn def_header(inp: &mut In, is_async: bool) -> Res<Header> {
    bump(inp);
    let name = ident(inp)?;
    let bracket = peek(inp);
    let type_params = params::type_params(inp);
    if peek_kind(inp) != T::LParen || type_params.is_err() {
        let here = match type_params {
            Ok(_) => peek(inp).span,
            Err(_) => bracket.span,
        };
        return raise(inp, Diagnostic::syntax("E0104", "expected '('", here));
    }
    let type_params = type_params?;
    let params = params::def_params(inp)?;
    let returns = inp.parse(token(T::Arrow).ignore_then(custom(expression)).or_not())?;
    Ok(Header::Def {
        name,
        type_params,
        params,
        returns,
        is_async,
    })
}

fn class_header(inp: &mut In) -> Res<Header> {
    bump(inp);
    let name = ident(inp)?;
    let type_params = params::type_params(inp)?;
    let args = if peek_kind(inp) == T::LParen {
        class_args(inp)?
    } else {
        Vec::new()
    };
    Ok(Header::Class {
        name,
        type_params,
        args,
    })
}

/// `match` takes a tuple without parentheses too: `match a, *b:`.
fn subject(inp: &mut In) -> Res<Expr> {
    let start = peek(inp).span.start;
    let first = star_named_expression(inp)?;
    if peek_kind(inp) != T::Comma {
        return match first.kind {
            ExprKind::Starred(_) => fail(),
            _ => Ok(first),
        };
    }
    let mut elements = vec![first];
    while eat(inp, T::Comma) && starts_expression(peek_kind(inp)) {
        elements.push(star_named_expression(inp)?);
    }
    let span = span_from(inp, start);
    Ok(Expr {
        kind: ExprKind::Tuple(elements),
        span,
    })
}

// ---------------------------------------------------------- simple statements

/// Simple statements with semicolons between them, and the NEWLINE.
fn simple_line(inp: &mut In) -> Res<Vec<Stmt>> {
    let mut stmts = vec![simple(inp)?];
    while eat(inp, T::Semicolon) {
        if peek_kind(inp) == T::Newline {
            break;
        }
        stmts.push(simple(inp)?);
    }
    expect(inp, T::Newline)?;
    Ok(stmts)
}

fn simple(inp: &mut In) -> Res<Stmt> {
    let first = peek(inp);
    inp.state().stmt_start = *inp.cursor().inner();
    let kind = match first.kind {
        T::Return => inp.parse(return_stmt())?,
        T::Raise => inp.parse(raise_stmt())?,
        T::Assert => inp.parse(assert_stmt())?,
        T::Global => inp.parse(names_after(T::Global))?.pipe(StmtKind::Global),
        T::Nonlocal => inp
            .parse(names_after(T::Nonlocal))?
            .pipe(StmtKind::Nonlocal),
        T::Del => del_stmt(inp)?,
        T::Import => import_stmt(inp)?,
        T::From => from_stmt(inp)?,
        T::Pass => taken(inp, StmtKind::Pass),
        T::Break => taken(inp, StmtKind::Break),
        T::Continue => taken(inp, StmtKind::Continue),
        T::Type if peek_second(inp).is_name() => type_alias(inp)?,
        _ => expression_stmt(inp)?,
    };
    let span = span_from(inp, first.span.start);
    Ok(Stmt { kind, span })
}

fn taken(inp: &mut In, kind: StmtKind) -> StmtKind {
    bump(inp);
    kind
}

/// Calls a function on a value, to read from left to right.
trait Pipe: Sized {
    fn pipe<O>(self, f: impl FnOnce(Self) -> O) -> O {
        f(self)
    }
}

impl<T> Pipe for T {}

fn boxed_expression<'t>() -> impl Rule<'t, Box<Expr>> {
    custom(expression).map(Box::new)
}

fn return_stmt<'t>() -> impl Rule<'t, StmtKind> {
    token(T::Return)
        .ignore_then(custom(optional_expressions))
        .map(|value| StmtKind::Return(value.map(Box::new)))
}

fn optional_expressions(inp: &mut In) -> Res<Option<Expr>> {
    if starts_expression(peek_kind(inp)) {
        star_expressions(inp).map(Some)
    } else {
        Ok(None)
    }
}

fn raise_stmt<'t>() -> impl Rule<'t, StmtKind> {
    let cause = token(T::From).ignore_then(boxed_expression());
    let exc = custom(|inp: &mut In| match peek_kind(inp) {
        T::Newline | T::Semicolon => fail(),
        _ => expression(inp).map(Box::new),
    });
    token(T::Raise)
        .ignore_then(exc.then(cause.or_not()).or_not())
        .map(|parts| match parts {
            Some((exc, cause)) => StmtKind::Raise {
                exc: Some(exc),
                cause,
            },
            None => StmtKind::Raise {
                exc: None,
                cause: None,
            },
        })
}

fn assert_stmt<'t>() -> impl Rule<'t, StmtKind> {
    let msg = token(T::Comma).ignore_then(boxed_expression());
    token(T::Assert)
        .ignore_then(boxed_expression())
        .then(msg.or_not())
        .map(|(test, msg)| StmtKind::Assert { test, msg })
}

fn names_after<'t>(keyword: T) -> impl Rule<'t, Vec<Ident>> {
    token(keyword).ignore_then(
        custom(ident)
            .separated_by(token(T::Comma))
            .at_least(1)
            .collect(),
    )
}

fn del_stmt(inp: &mut In) -> Res<StmtKind> {
    let targets = inp.parse(
        token(T::Del).ignore_then(
            custom(target::del_target)
                .separated_by(token(T::Comma))
                .at_least(1)
                .allow_trailing()
                .collect(),
        ),
    )?;
    if !matches!(peek_kind(inp), T::Newline | T::Semicolon) {
        return fail();
    }
    Ok(StmtKind::Delete(targets))
}

fn type_alias(inp: &mut In) -> Res<StmtKind> {
    bump(inp);
    let name = ident(inp)?;
    let type_params = params::type_params(inp)?;
    expect(inp, T::Equal)?;
    let value = Box::new(expression(inp)?);
    Ok(StmtKind::TypeAlias {
        name,
        type_params,
        value,
    })
}

// -------------------------------------------------------------------- imports

fn dotted_name(inp: &mut In) -> Res<DottedName> {
    let parts: Vec<Ident> = inp.parse(
        custom(ident)
            .separated_by(token(T::Dot))
            .at_least(1)
            .collect(),
    )?;
    let span = parts[0].span.to(parts[parts.len() - 1].span);
    Ok(DottedName { parts, span })
}

fn as_name(inp: &mut In) -> Res<Option<Ident>> {
    if eat(inp, T::As) {
        return ident(inp).map(Some);
    }
    Ok(None)
}

fn import_stmt(inp: &mut In) -> Res<StmtKind> {
    let keyword = bump(inp).span;
    if inp.state().explain && peek_kind(inp) == T::Newline {
        let message = "Expected one or more names after 'import'";
        return raise(inp, Diagnostic::syntax("E0161", message, keyword));
    }
    let module = custom(|inp: &mut In| {
        let start = peek(inp).span.start;
        let path = dotted_name(inp)?;
        let asname = as_name(inp)?;
        let span = span_from(inp, start);
        Ok(ImportModule { path, asname, span })
    });
    let modules = inp.parse(
        module
            .separated_by(token(T::Comma))
            .at_least(1)
            .collect::<Vec<_>>(),
    )?;
    if inp.state().explain && peek_kind(inp) == T::From {
        let message = "Did you mean to use 'from ... import ...' instead?";
        return raise(inp, Diagnostic::syntax("E0162", message, keyword));
    }
    Ok(StmtKind::Import(modules))
}

fn from_stmt(inp: &mut In) -> Res<StmtKind> {
    bump(inp);
    let mut level = 0;
    loop {
        level += match peek_kind(inp) {
            T::Dot => 1,
            T::Ellipsis => 3,
            _ => break,
        };
        bump(inp);
    }
    let module = if peek_kind(inp).is_name() {
        Some(dotted_name(inp)?)
    } else if level > 0 {
        None
    } else {
        return fail();
    };
    let keyword = expect(inp, T::Import)?.span;
    let here = peek(inp);
    let names = match here.kind {
        T::Star => {
            bump(inp);
            ImportNames::Star(here.span)
        }
        T::LParen => {
            bump(inp);
            let names = inp.parse(
                custom(import_name)
                    .separated_by(token(T::Comma))
                    .at_least(1)
                    .allow_trailing()
                    .collect(),
            )?;
            expect(inp, T::RParen)?;
            ImportNames::Names(names)
        }
        T::Newline => {
            let message = "Expected one or more names after 'import'";
            return raise(inp, Diagnostic::syntax("E0161", message, keyword));
        }
        _ => {
            let names = inp.parse(
                custom(import_name)
                    .separated_by(token(T::Comma))
                    .at_least(1)
                    .collect(),
            )?;
            let comma = peek(inp);
            if comma.kind == T::Comma {
                bump(inp);
                if peek_kind(inp) == T::Newline {
                    let message = "trailing comma not allowed without surrounding parentheses";
                    return raise(inp, Diagnostic::syntax("E0163", message, comma.span));
                }
                return fail();
            }
            ImportNames::Names(names)
        }
    };
    Ok(StmtKind::ImportFrom(Box::new(ImportFrom {
        level,
        module,
        names,
    })))
}

fn import_name(inp: &mut In) -> Res<ImportName> {
    let name = ident(inp)?;
    let start = name.span.start;
    let asname = as_name(inp)?;
    let span = span_from(inp, start);
    Ok(ImportName { name, asname, span })
}

// ---------------------------------------------------------------- assignments

fn augmented_op(kind: T) -> Option<BinaryOp> {
    Some(match kind {
        T::PlusEqual => BinaryOp::Add,
        T::MinusEqual => BinaryOp::Sub,
        T::StarEqual => BinaryOp::Mul,
        T::AtEqual => BinaryOp::MatMul,
        T::SlashEqual => BinaryOp::Div,
        T::DoubleSlashEqual => BinaryOp::FloorDiv,
        T::PercentEqual => BinaryOp::Mod,
        T::AmperEqual => BinaryOp::BitAnd,
        T::VBarEqual => BinaryOp::BitOr,
        T::CaretEqual => BinaryOp::BitXor,
        T::LeftShiftEqual => BinaryOp::LShift,
        T::RightShiftEqual => BinaryOp::RShift,
        T::DoubleStarEqual => BinaryOp::Pow,
        _ => return None,
    })
}

/// What may stand to the right of `=`.
fn right_side(inp: &mut In) -> Res<Expr> {
    match peek_kind(inp) {
        T::Yield => yield_expression(inp),
        _ => star_expressions(inp),
    }
}

/// An expression by itself, or an assignment of any form.
fn expression_stmt(inp: &mut In) -> Res<StmtKind> {
    let first_token = peek(inp).kind;
    let first = right_side(inp)?;
    let next = peek(inp);
    match next.kind {
        T::Equal => assignment(inp, first),
        T::Colon => annotated(inp, first, first_token == T::LParen),
        kind => {
            if let Some(op) = augmented_op(kind) {
                return augmented(inp, first, op, next.span);
            }
            if inp.state().explain && matches!(first.kind, ExprKind::Tuple(_)) {
                reread_as_expressions(inp);
            }
            Ok(StmtKind::Expr(Box::new(first)))
        }
    }
}

fn assignment(inp: &mut In, first: Expr) -> Res<StmtKind> {
    let mut targets = Vec::new();
    let mut value = first;
    while peek_kind(inp) == T::Equal {
        if let Some(part) = target::invalid_part(&value, target::Purpose::Assign) {
            let part = part.clone();
            return explain_assignment(inp, &value, part);
        }
        bump(inp);
        targets.push(value);
        value = right_side(inp)?;
    }
    let value = Box::new(value);
    Ok(StmtKind::Assign { targets, value })
}

/// `=` follows what can't be assigned to.
fn explain_assignment(inp: &mut In, target: &Expr, part: Expr) -> Res<StmtKind> {
    if !inp.state().explain {
        return fail();
    }
    let before = inp
        .state()
        .tokens
        .iter()
        .take_while(|token| token.span.start < target.span.start)
        .last();
    let is_bare_yield = matches!(target.kind, ExprKind::Yield(_) | ExprKind::YieldFrom(_))
        && before.is_none_or(|token| token.kind != T::LParen);
    if is_bare_yield {
        let message = "assignment to yield expression not possible";
        return raise(inp, Diagnostic::syntax("E0114", message, target.span));
    }
    reread_as_expressions(inp);
    raise(inp, target::cannot_assign(&part))
}

/// Reads the statement anew as expressions, in which `==` may have been meant
/// where `=` stands. CPython looks for lists of them without anything between.
fn reread_as_expressions(inp: &mut In) {
    let state = inp.state();
    let tokens = &state.tokens[state.stmt_start..];
    let reread = custom(|inp: &mut In| {
        star_named_expression(inp)?;
        while eat(inp, T::Comma) || starts_expression(peek_kind(inp)) {
            star_named_expression(inp)?;
        }
        Ok(())
    });
    // Only what it raises matters.
    let _ = reread.lazy().parse_with_state(tokens, state);
}

fn annotated(inp: &mut In, target: Expr, in_parens: bool) -> Res<StmtKind> {
    let simple = match &target.kind {
        ExprKind::Name(_) => !in_parens,
        ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => false,
        kind => {
            if !inp.state().explain {
                return fail();
            }
            let message = match kind {
                ExprKind::List(_) => "only single target (not list) can be annotated",
                ExprKind::Tuple(_) => "only single target (not tuple) can be annotated",
                _ => "illegal target for annotation",
            };
            bump(inp);
            // It is an annotation only if one follows.
            expression(inp)?;
            return raise(inp, Diagnostic::syntax("E0115", message, target.span));
        }
    };
    bump(inp);
    let annotation = Box::new(expression(inp)?);
    let value = if eat(inp, T::Equal) {
        Some(Box::new(right_side(inp)?))
    } else {
        None
    };
    Ok(StmtKind::AnnAssign {
        target: Box::new(target),
        annotation,
        value,
        simple,
    })
}

fn augmented(inp: &mut In, target: Expr, op: BinaryOp, op_span: Span) -> Res<StmtKind> {
    if !matches!(
        target.kind,
        ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Subscript { .. }
    ) {
        let message = format!(
            "'{}' is an illegal expression for augmented assignment",
            expr_name(&target)
        );
        return raise(inp, Diagnostic::syntax("E0116", message, target.span));
    }
    bump(inp);
    Ok(StmtKind::AugAssign {
        target: Box::new(target),
        op,
        op_span,
        value: Box::new(right_side(inp)?),
    })
}

// ----------------------------------------------------- what may have been meant

/// After an operand that another follows: a missing comma, or Python 2's `print`.
pub(super) fn explain_juxtaposed(inp: &mut In, left: &Expr) -> Res<()> {
    if !inp.state().explain || !starts_expression(peek_kind(inp)) {
        return Ok(());
    }
    let is_legacy = matches!(&left.kind, ExprKind::Name(name)
        if matches!(name.as_str(), "print" | "exec"))
        && peek_kind(inp) != T::LParen;
    let Some((right, end)) = look_ahead(inp, |inp| {
        let right = if is_legacy {
            star_expressions(inp)
        } else {
            expression(inp)
        };
        right.map(|right| (right, *inp.cursor().inner()))
    }) else {
        return explain_after_name(inp, left);
    };
    if is_legacy {
        let name = inp.state().source.slice(left.span);
        let message = format!("Missing parentheses in call to '{name}'. Did you mean {name}(...)?");
        let span = left.span.to(right.span);
        return raise(inp, Diagnostic::syntax("E0117", message, span));
    }
    let state = inp.state();
    let last = end.saturating_sub(1).min(state.tokens.len() - 1);
    let level = bracket_level(&state.tokens[..=last]);
    let left_start = state
        .tokens
        .iter()
        .position(|token| token.span.start >= left.span.start)
        .unwrap_or(0);
    let starts_softly = match &state.tokens[left_start..] {
        [first, second, ..] if first.kind.is_name() => {
            let text = state.source.slice(first.span);
            matches!(second.kind, T::Str | T::Bytes | T::FStringStart)
                || ["_", "case", "match", "type"]
                    .iter()
                    // CPython 3.13 pegen.c compares only as many characters as
                    // the name has, so that `c` counts as a soft keyword too.
                    .any(|keyword| keyword.starts_with(text))
        }
        _ => false,
    };
    if level == 0 || starts_softly {
        return explain_after_name(inp, left);
    }
    let message = "invalid syntax. Perhaps you forgot a comma?";
    let span = left.span.to(right.span);
    raise(inp, Diagnostic::syntax("E0118", message, span))
}

/// How deep a run of names is followed.
const NAME_RUN_MAX: usize = 50;

/// CPython tries a name as a statement of Python 2, `print a, b`, and so finds
/// what is faulty in the expressions after it.
fn explain_after_name(inp: &mut In, left: &Expr) -> Res<()> {
    // Each further name of a run is read inside this call: a long run is prose,
    // of which nothing can be explained.
    let is_name = matches!(left.kind, ExprKind::Name(_));
    if !is_name || peek_kind(inp) == T::LParen || inp.state().depth > NAME_RUN_MAX {
        return Ok(());
    }
    let before = inp.save();
    let _ = star_expressions(inp);
    inp.rewind(before);
    match inp.state().raised {
        Some(_) => fail(),
        None => Ok(()),
    }
}

/// How many brackets are open after these tokens.
fn bracket_level(tokens: &[Token]) -> usize {
    tokens.iter().fold(0usize, |level, token| match token.kind {
        T::LParen | T::LBracket | T::LBrace => level + 1,
        T::RParen | T::RBracket | T::RBrace => level.saturating_sub(1),
        _ => level,
    })
}
