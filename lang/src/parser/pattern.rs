//! The patterns of `case`.

use chumsky::prelude::*;

use super::expr::star_expressions;
use super::{
    In, Res, Rule, bump, eat, expect, fail, fstring, ident, literal, nested, peek, peek_kind,
    peek_second, raise, raise_now, span_from, token,
};
use crate::ast::*;
use crate::diagnostic::Diagnostic;
use crate::token::TokenKind as T;

fn node(kind: PatternKind, span: Span) -> Pattern {
    Pattern { kind, span }
}

/// What stands between `case` and `if` or the colon: commas make a sequence.
pub(super) fn patterns(inp: &mut In) -> Res<Pattern> {
    let start = peek(inp).span.start;
    let first = maybe_star(inp)?;
    if peek_kind(inp) == T::Comma {
        let all = more(inp, first)?;
        return Ok(node(PatternKind::Sequence(all), span_from(inp, start)));
    }
    not_star(first)
}

fn not_star(pattern: Pattern) -> Res<Pattern> {
    match pattern.kind {
        PatternKind::Star(_) => fail(),
        _ => Ok(pattern),
    }
}

/// The elements after the first, a comma after the last included.
fn more(inp: &mut In, first: Pattern) -> Res<Vec<Pattern>> {
    let mut all = vec![first];
    if eat(inp, T::Comma) {
        all.append(&mut inp.parse(elements())?);
    }
    Ok(all)
}

fn elements<'t>() -> impl Rule<'t, Vec<Pattern>> {
    custom(maybe_star)
        .separated_by(token(T::Comma))
        .allow_trailing()
        .collect()
}

fn maybe_star(inp: &mut In) -> Res<Pattern> {
    let star = peek(inp).span;
    if !eat(inp, T::Star) {
        return pattern(inp);
    }
    let name = ident(inp)?;
    let span = star.to(name.span);
    let name = (name.name.as_str() != "_").then_some(name);
    Ok(node(PatternKind::Star(name), span))
}

/// Alternatives and `as`.
fn pattern(inp: &mut In) -> Res<Pattern> {
    nested(inp, |inp| {
        let start = peek(inp).span.start;
        let mut alternatives = vec![closed(inp)?];
        while eat(inp, T::VBar) {
            alternatives.push(closed(inp)?);
        }
        let pattern = match alternatives.pop() {
            Some(only) if alternatives.is_empty() => only,
            Some(last) => {
                alternatives.push(last);
                node(PatternKind::Or(alternatives), span_from(inp, start))
            }
            None => return fail(),
        };
        if !eat(inp, T::As) {
            return Ok(pattern);
        }
        let target = peek(inp);
        if target.kind == T::Underscore {
            let message = "cannot use '_' as a target";
            return raise(inp, Diagnostic::syntax("E0150", message, target.span));
        }
        if !target.kind.is_name() {
            if inp.state().explain {
                let expr = star_expressions(inp)?;
                let message = "invalid pattern target";
                return raise(inp, Diagnostic::syntax("E0151", message, expr.span));
            }
            return fail();
        }
        let name = ident(inp)?;
        let pattern = Box::new(pattern);
        let span = span_from(inp, start);
        Ok(node(PatternKind::As { pattern, name }, span))
    })
}

fn closed(inp: &mut In) -> Res<Pattern> {
    let first = peek(inp);
    let span = first.span;
    let simple = |inp: &mut In, kind| {
        bump(inp);
        Ok(node(kind, span))
    };
    match first.kind {
        T::None => simple(inp, PatternKind::None),
        T::True => simple(inp, PatternKind::True),
        T::False => simple(inp, PatternKind::False),
        T::Int | T::Float | T::Imaginary | T::Minus | T::Str | T::Bytes | T::FStringStart => {
            let value = literal_expr(inp)?;
            let span = value.span;
            Ok(node(PatternKind::Value(value), span))
        }
        T::LParen => parenthesized(inp),
        T::LBracket => bracketed(inp),
        T::LBrace => mapping(inp),
        kind if kind.is_name() => named(inp),
        _ => fail(),
    }
}

/// A capture, the wildcard, a dotted name or a class.
fn named(inp: &mut In) -> Res<Pattern> {
    let first = peek(inp);
    match peek_second(inp) {
        T::Dot | T::LParen => {}
        _ if first.kind == T::Underscore => {
            bump(inp);
            return Ok(node(PatternKind::Wildcard, first.span));
        }
        _ => {
            let name = ident(inp)?;
            return Ok(node(PatternKind::Capture(name), first.span));
        }
    }
    let value = dotted(inp)?;
    if peek_kind(inp) == T::LParen {
        return class(inp, value);
    }
    let span = value.span;
    Ok(node(PatternKind::Value(value), span))
}

/// `a` or `a.b.c`.
fn dotted(inp: &mut In) -> Res<Expr> {
    let first = ident(inp)?;
    let start = first.span.start;
    let mut expr = Expr {
        kind: ExprKind::Name(first.name),
        span: first.span,
    };
    let mut n_dots = 0;
    while eat(inp, T::Dot) {
        n_dots += 1;
        if n_dots > EXPR_DEPTH_MAX {
            let here = peek(inp).span;
            return raise_now(inp, super::too_deep(here));
        }
        let attr = ident(inp)?;
        let value = Box::new(expr);
        expr = Expr {
            kind: ExprKind::Attribute { value, attr },
            span: span_from(inp, start),
        };
    }
    Ok(expr)
}

/// A number with its sign, `1 + 2j`, or strings.
fn literal_expr(inp: &mut In) -> Res<Expr> {
    let start = peek(inp).span.start;
    if matches!(peek_kind(inp), T::Str | T::Bytes | T::FStringStart) {
        let value = fstring::strings(inp)?;
        if matches!(value.kind, ExprKind::FString(_)) {
            let message = "patterns may only match literals and attribute lookups";
            return raise_now(inp, Diagnostic::syntax("E0152", message, value.span));
        }
        return Ok(value);
    }
    let negative_start = peek_kind(inp) == T::Minus;
    let first = if negative_start {
        peek_second(inp)
    } else {
        peek_kind(inp)
    };
    let real = signed_number(inp)?;
    let op_token = peek(inp);
    let op = match op_token.kind {
        T::Plus => BinaryOp::Add,
        T::Minus => BinaryOp::Sub,
        _ => return Ok(real),
    };
    if first == T::Imaginary {
        if !inp.state().explain {
            return fail();
        }
        let message = "real number required in complex literal";
        return raise(inp, Diagnostic::syntax("E0153", message, real.span));
    }
    bump(inp);
    let right = peek(inp);
    if right.kind != T::Imaginary {
        if matches!(right.kind, T::Int | T::Float) {
            let message = "imaginary number required in complex literal";
            return raise(inp, Diagnostic::syntax("E0153", message, right.span));
        }
        return fail();
    }
    let kind = literal::number(inp)?;
    let span = span_from(inp, start);
    let operand = Expr {
        kind,
        span: right.span,
    };
    let rest = vec![BinaryTerm {
        op,
        op_span: op_token.span,
        operand,
        span,
    }];
    let kind = ExprKind::Binary(Box::new(Binary { first: real, rest }));
    Ok(Expr { kind, span })
}

fn signed_number(inp: &mut In) -> Res<Expr> {
    let start = peek(inp).span.start;
    let negative = eat(inp, T::Minus);
    let token = peek(inp);
    if !matches!(token.kind, T::Int | T::Float | T::Imaginary) {
        return fail();
    }
    let number = Expr {
        kind: literal::number(inp)?,
        span: token.span,
    };
    if !negative {
        return Ok(number);
    }
    Ok(Expr {
        kind: ExprKind::Unary {
            op: UnaryOp::Neg,
            operand: Box::new(number),
        },
        span: span_from(inp, start),
    })
}

/// A group, or a sequence where there is a comma or nothing.
fn parenthesized(inp: &mut In) -> Res<Pattern> {
    let start = bump(inp).span.start;
    if eat(inp, T::RParen) {
        return Ok(node(
            PatternKind::Sequence(Vec::new()),
            span_from(inp, start),
        ));
    }
    let first = maybe_star(inp)?;
    if peek_kind(inp) == T::Comma {
        let all = more(inp, first)?;
        expect(inp, T::RParen)?;
        return Ok(node(PatternKind::Sequence(all), span_from(inp, start)));
    }
    expect(inp, T::RParen)?;
    not_star(first)
}

fn bracketed(inp: &mut In) -> Res<Pattern> {
    let start = bump(inp).span.start;
    let all = inp.parse(elements())?;
    expect(inp, T::RBracket)?;
    Ok(node(PatternKind::Sequence(all), span_from(inp, start)))
}

fn mapping(inp: &mut In) -> Res<Pattern> {
    let start = bump(inp).span.start;
    let mut entries = Vec::new();
    let mut rest = None;
    while peek_kind(inp) != T::RBrace {
        if rest.is_some() {
            return fail();
        }
        if eat(inp, T::DoubleStar) {
            let name = peek(inp);
            if name.kind == T::Underscore {
                return fail();
            }
            rest = Some(ident(inp)?);
        } else {
            let key = mapping_key(inp)?;
            expect(inp, T::Colon)?;
            let pattern = pattern(inp)?;
            entries.push(MappingEntry { key, pattern });
        }
        if !eat(inp, T::Comma) {
            break;
        }
    }
    expect(inp, T::RBrace)?;
    let span = span_from(inp, start);
    Ok(node(PatternKind::Mapping { entries, rest }, span))
}

fn mapping_key(inp: &mut In) -> Res<Expr> {
    let first = peek(inp);
    let kind = match first.kind {
        T::None => ExprKind::None,
        T::True => ExprKind::True,
        T::False => ExprKind::False,
        kind if kind.is_name() => {
            if peek_second(inp) != T::Dot {
                bump(inp);
                return fail();
            }
            return dotted(inp);
        }
        _ => return literal_expr(inp),
    };
    bump(inp);
    Ok(Expr {
        kind,
        span: first.span,
    })
}

/// `Class(pattern, name=pattern)` after the class.
fn class(inp: &mut In, class: Expr) -> Res<Pattern> {
    let start = class.span.start;
    bump(inp);
    let mut positional = Vec::new();
    let mut keywords: Vec<(Ident, Pattern)> = Vec::new();
    while peek_kind(inp) != T::RParen {
        if peek_kind(inp).is_name() && peek_second(inp) == T::Equal {
            let name = ident(inp)?;
            bump(inp);
            keywords.push((name, pattern(inp)?));
        } else {
            let pattern = pattern(inp)?;
            if !keywords.is_empty() {
                let message = "positional patterns follow keyword patterns";
                return raise(inp, Diagnostic::syntax("E0154", message, pattern.span));
            }
            positional.push(pattern);
        }
        if !eat(inp, T::Comma) {
            break;
        }
    }
    expect(inp, T::RParen)?;
    let span = span_from(inp, start);
    let parts = ClassPattern {
        class,
        positional,
        keywords,
    };
    Ok(node(PatternKind::Class(Box::new(parts)), span))
}
