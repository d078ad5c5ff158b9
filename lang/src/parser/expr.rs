//! The rules of expressions, by precedence climbing. Each function gives the
//! expression that starts at the next token.

use chumsky::prelude::*;
use smallvec::SmallVec;

use super::{
    In, Res, Rule, bump, eat, expect, fail, grown, ident, last_end, look_ahead, nested, peek,
    peek_kind, peek_second, raise, span_from, token,
};
use super::{fstring, literal, params, target};
use crate::ast::*;
use crate::diagnostic::Diagnostic;
use crate::token::TokenKind as T;

fn node(kind: ExprKind, span: Span) -> Expr {
    Expr { kind, span }
}

/// `a, *b, c`: a tuple where there is a comma.
pub(super) fn star_expressions(inp: &mut In) -> Res<Expr> {
    tuple_of(inp, star_expression)
}

/// A tuple of at least one element, or the lone element without a comma.
pub(super) fn tuple_of<'t>(
    inp: &mut In<'t, '_>,
    element: fn(&mut In<'t, '_>) -> Res<Expr>,
) -> Res<Expr> {
    let start = peek(inp).span.start;
    let first = element(inp)?;
    if peek_kind(inp) != T::Comma {
        return Ok(first);
    }
    let mut elements = vec![first];
    while eat(inp, T::Comma) && starts_expression(peek_kind(inp)) {
        elements.push(element(inp)?);
    }
    Ok(node(ExprKind::Tuple(elements), span_from(inp, start)))
}

/// Whether an expression, starred or not, can start with this token.
pub(super) fn starts_expression(kind: T) -> bool {
    kind.is_name()
        || matches!(
            kind,
            T::Int
                | T::Float
                | T::Imaginary
                | T::Str
                | T::Bytes
                | T::FStringStart
                | T::False
                | T::None
                | T::True
                | T::Await
                | T::Lambda
                | T::Not
                | T::LParen
                | T::LBracket
                | T::LBrace
                | T::Ellipsis
                | T::Plus
                | T::Minus
                | T::Star
                | T::Tilde
        )
}

/// `*a` or an expression.
pub(super) fn star_expression(inp: &mut In) -> Res<Expr> {
    match peek_kind(inp) {
        T::Star => starred(inp),
        _ => expression(inp),
    }
}

/// `*a`, `a := b` or an expression.
pub(super) fn star_named_expression(inp: &mut In) -> Res<Expr> {
    match peek_kind(inp) {
        T::Star => starred(inp),
        _ => named_expression(inp),
    }
}

fn starred(inp: &mut In) -> Res<Expr> {
    let star = bump(inp);
    let value = nested(inp, bitwise_or)?;
    let span = span_from(inp, star.span.start);
    Ok(node(ExprKind::Starred(Box::new(value)), span))
}

/// `a := b` or an expression.
pub(super) fn named_expression(inp: &mut In) -> Res<Expr> {
    if peek_kind(inp).is_name() && peek_second(inp) == T::ColonEqual {
        let target = ident(inp)?;
        bump(inp);
        let value = Box::new(expression(inp)?);
        let span = span_from(inp, target.span.start);
        return Ok(node(ExprKind::Named { target, value }, span));
    }
    let expr = expression(inp)?;
    target::explain_named(inp, &expr)?;
    Ok(expr)
}

/// `yield`, `yield a, b` or `yield from a`.
pub(super) fn yield_expression(inp: &mut In) -> Res<Expr> {
    let keyword = expect(inp, T::Yield)?;
    let start = keyword.span.start;
    if eat(inp, T::From) {
        let value = Box::new(expression(inp)?);
        return Ok(node(ExprKind::YieldFrom(value), span_from(inp, start)));
    }
    let value = if starts_expression(peek_kind(inp)) {
        Some(Box::new(star_expressions(inp)?))
    } else {
        None
    };
    Ok(node(ExprKind::Yield(value), span_from(inp, start)))
}

/// An expression without comma, star or walrus.
pub(super) fn expression(inp: &mut In) -> Res<Expr> {
    nested(inp, |inp| {
        let outer = std::mem::take(&mut inp.state().height);
        let start = peek(inp).span.start;
        if peek_kind(inp) == T::Lambda {
            let expr = lambda(inp)?;
            let height = inp.state().height + 1;
            grown(inp, outer, height)?;
            return Ok(expr);
        }
        let body = disjunction(inp)?;
        let mut height = inp.state().height;
        if peek_kind(inp) != T::If {
            super::stmt::explain_juxtaposed(inp, &body)?;
            grown(inp, outer, height)?;
            return Ok(body);
        }
        let before = inp.save();
        bump(inp);
        let test = disjunction(inp)?;
        if !eat(inp, T::Else) {
            if inp.state().explain && peek_kind(inp) != T::Colon {
                let span = body.span.to(test.span);
                let message = "expected 'else' after 'if' expression";
                return raise(inp, Diagnostic::syntax("E0120", message, span));
            }
            inp.rewind(before);
            grown(inp, outer, height)?;
            return Ok(body);
        }
        let orelse = expression(inp)?;
        height = height.max(inp.state().height) + 1;
        grown(inp, outer, height)?;
        let span = span_from(inp, start);
        let parts = IfExp { test, body, orelse };
        Ok(node(ExprKind::IfExp(Box::new(parts)), span))
    })
}

fn lambda(inp: &mut In) -> Res<Expr> {
    let start = bump(inp).span.start;
    let params = params::lambda_params(inp)?;
    if !eat(inp, T::Colon) {
        return fail();
    }
    if inp.state().explain && peek_kind(inp) == T::FStringMiddle {
        let message = "f-string: lambda expressions are not allowed without parentheses";
        let span = span_from(inp, start);
        return raise(inp, Diagnostic::syntax("E0044", message, span));
    }
    let body = expression(inp)?;
    let span = span_from(inp, start);
    Ok(node(
        ExprKind::Lambda(Box::new(Lambda { params, body })),
        span,
    ))
}

/// `a or b and not c`.
pub(super) fn disjunction(inp: &mut In) -> Res<Expr> {
    bool_op(inp, T::Or, BoolOp::Or, conjunction)
}

fn conjunction(inp: &mut In) -> Res<Expr> {
    bool_op(inp, T::And, BoolOp::And, inversion)
}

fn bool_op<'t>(
    inp: &mut In<'t, '_>,
    keyword: T,
    op: BoolOp,
    operand: fn(&mut In<'t, '_>) -> Res<Expr>,
) -> Res<Expr> {
    let start = peek(inp).span.start;
    let outer = std::mem::take(&mut inp.state().height);
    let first = operand(inp)?;
    let height = inp.state().height;
    if peek_kind(inp) != keyword {
        grown(inp, outer, height)?;
        return Ok(first);
    }
    let mut values = vec![first];
    while eat(inp, keyword) {
        values.push(operand(inp)?);
    }
    let height = inp.state().height + 1;
    grown(inp, outer, height)?;
    let span = span_from(inp, start);
    Ok(node(ExprKind::BoolOp { op, values }, span))
}

fn inversion(inp: &mut In) -> Res<Expr> {
    if peek_kind(inp) != T::Not {
        return comparison(inp);
    }
    let outer = std::mem::take(&mut inp.state().height);
    let mut starts: SmallVec<[u32; 4]> = SmallVec::new();
    while peek_kind(inp) == T::Not {
        starts.push(bump(inp).span.start);
    }
    let operand = comparison(inp)?;
    let height = inp.state().height + starts.len();
    fold_unary(
        inp,
        starts.into_iter().map(|start| (UnaryOp::Not, start)),
        operand,
        outer,
        height,
    )
}

/// Puts prefix operators around an operand, the last one first. Checks the
/// height before it builds, so that no tree is ever too tall to be dropped.
fn fold_unary(
    inp: &mut In,
    ops: impl DoubleEndedIterator<Item = (UnaryOp, u32)>,
    operand: Expr,
    outer: usize,
    height: usize,
) -> Res<Expr> {
    grown(inp, outer, height)?;
    let end = last_end(inp);
    Ok(ops.rev().fold(operand, |operand, (op, start)| {
        let operand = Box::new(operand);
        node(ExprKind::Unary { op, operand }, Span::new(start, end))
    }))
}

fn comparison(inp: &mut In) -> Res<Expr> {
    let start = peek(inp).span.start;
    let outer = std::mem::take(&mut inp.state().height);
    let first = bitwise_or(inp)?;
    let mut rest = Vec::new();
    loop {
        let before = inp.save();
        let Some((op, op_span)) = comparison_op(inp) else {
            break;
        };
        let Ok(operand) = bitwise_or(inp) else {
            if inp.state().raised.is_some() {
                return fail();
            }
            inp.rewind(before);
            break;
        };
        rest.push(CompareTerm {
            op,
            op_span,
            operand,
        });
    }
    if rest.is_empty() {
        let height = inp.state().height;
        grown(inp, outer, height)?;
        return Ok(first);
    }
    let height = inp.state().height + 1;
    grown(inp, outer, height)?;
    let span = span_from(inp, start);
    Ok(node(
        ExprKind::Compare(Box::new(Compare { first, rest })),
        span,
    ))
}

/// Takes a comparison operator, if one is next.
fn comparison_op(inp: &mut In) -> Option<(CmpOp, Span)> {
    let first = peek(inp);
    let op = match first.kind {
        T::EqEqual => CmpOp::Eq,
        T::NotEqual => CmpOp::NotEq,
        T::Less => CmpOp::Lt,
        T::LessEqual => CmpOp::LtE,
        T::Greater => CmpOp::Gt,
        T::GreaterEqual => CmpOp::GtE,
        T::In => CmpOp::In,
        T::Not => {
            let before = inp.save();
            inp.skip();
            if peek_kind(inp) != T::In {
                inp.rewind(before);
                return None;
            }
            CmpOp::NotIn
        }
        T::Is => {
            if peek_second(inp) == T::Not {
                inp.skip();
                CmpOp::IsNot
            } else {
                CmpOp::Is
            }
        }
        _ => return None,
    };
    inp.skip();
    Some((op, span_from(inp, first.span.start)))
}

/// Operators from `|` to `*` and what binds tighter.
pub(super) fn bitwise_or(inp: &mut In) -> Res<Expr> {
    binary(inp, 0)
}

/// An operator and how tightly it binds.
fn binary_op(kind: T) -> Option<(BinaryOp, u8)> {
    Some(match kind {
        T::VBar => (BinaryOp::BitOr, 0),
        T::Caret => (BinaryOp::BitXor, 1),
        T::Amper => (BinaryOp::BitAnd, 2),
        T::LeftShift => (BinaryOp::LShift, 3),
        T::RightShift => (BinaryOp::RShift, 3),
        T::Plus => (BinaryOp::Add, 4),
        T::Minus => (BinaryOp::Sub, 4),
        T::Star => (BinaryOp::Mul, 5),
        T::Slash => (BinaryOp::Div, 5),
        T::DoubleSlash => (BinaryOp::FloorDiv, 5),
        T::Percent => (BinaryOp::Mod, 5),
        T::At => (BinaryOp::MatMul, 5),
        _ => return None,
    })
}

/// Operators that bind at least as tightly as `level`. A run of one level is one node.
fn binary(inp: &mut In, level: u8) -> Res<Expr> {
    let start = peek(inp).span.start;
    let outer = std::mem::take(&mut inp.state().height);
    let mut left = factor(inp)?;
    let mut height = inp.state().height;
    // The level of the chain that `left` is, if this call made it.
    let mut chain_level = None;
    loop {
        let op_token = peek(inp);
        let Some((op, op_level)) = binary_op(op_token.kind) else {
            break;
        };
        if op_level < level {
            break;
        }
        let before = inp.save();
        inp.skip();
        inp.state().height = 0;
        no_bare_not(inp, op_token.kind)?;
        let Ok(operand) = binary(inp, op_level + 1) else {
            if inp.state().raised.is_some() {
                return fail();
            }
            // What stands before the operator may be enough to explain the fault.
            inp.rewind(before);
            break;
        };
        let operand_height = inp.state().height;
        let span = span_from(inp, start);
        let term = BinaryTerm {
            op,
            op_span: op_token.span,
            operand,
            span,
        };
        if let ExprKind::Binary(chain) = &mut left.kind
            && chain_level == Some(op_level)
        {
            chain.rest.push(term);
            left.span = span;
            height = height.max(operand_height + 1);
        } else {
            let rest = vec![term];
            let chain = Binary { first: left, rest };
            left = node(ExprKind::Binary(Box::new(chain)), span);
            chain_level = Some(op_level);
            height = height.max(operand_height) + 1;
        }
    }
    grown(inp, outer, height)?;
    Ok(left)
}

/// `a + not b`.
fn no_bare_not(inp: &mut In, op: T) -> Res<()> {
    let keyword = peek(inp);
    let arithmetic = matches!(
        op,
        T::Plus | T::Minus | T::Tilde | T::Star | T::Slash | T::DoubleSlash | T::Percent | T::At
    );
    if !inp.state().explain || !arithmetic || keyword.kind != T::Not {
        return Ok(());
    }
    match look_ahead(inp, inversion) {
        Some(operand) => {
            let message = "'not' after an operator must be parenthesized";
            raise(inp, Diagnostic::syntax("E0123", message, operand.span))
        }
        None => Ok(()),
    }
}

/// `-a`, `+a`, `~a` and what binds tighter.
fn factor(inp: &mut In) -> Res<Expr> {
    let Some(first) = unary_op(peek_kind(inp)) else {
        return power(inp);
    };
    let outer = std::mem::take(&mut inp.state().height);
    let mut ops: SmallVec<[(UnaryOp, u32); 4]> = SmallVec::new();
    let mut next = Some(first);
    while let Some(op) = next {
        let token = bump(inp);
        ops.push((op, token.span.start));
        no_bare_not(inp, token.kind)?;
        next = unary_op(peek_kind(inp));
    }
    let operand = power(inp)?;
    let height = inp.state().height + ops.len();
    fold_unary(inp, ops.into_iter(), operand, outer, height)
}

fn unary_op(kind: T) -> Option<UnaryOp> {
    match kind {
        T::Plus => Some(UnaryOp::Pos),
        T::Minus => Some(UnaryOp::Neg),
        T::Tilde => Some(UnaryOp::Invert),
        _ => None,
    }
}

/// `a ** b`: the right side may have a sign and nests to the right.
fn power(inp: &mut In) -> Res<Expr> {
    let start = peek(inp).span.start;
    let base = if peek_kind(inp) == T::Await {
        await_primary(inp)?
    } else {
        primary(inp)?
    };
    let op_token = peek(inp);
    if op_token.kind != T::DoubleStar {
        return Ok(base);
    }
    inp.skip();
    let operand = nested(inp, factor)?;
    let height = inp.state().height + 1;
    grown(inp, height, height)?;
    let span = span_from(inp, start);
    let term = BinaryTerm {
        op: BinaryOp::Pow,
        op_span: op_token.span,
        operand,
        span,
    };
    let rest = vec![term];
    let chain = Binary { first: base, rest };
    Ok(node(ExprKind::Binary(Box::new(chain)), span))
}

fn await_primary(inp: &mut In) -> Res<Expr> {
    let start = bump(inp).span.start;
    let value = Box::new(primary(inp)?);
    inp.state().height += 1;
    Ok(node(ExprKind::Await(value), span_from(inp, start)))
}

/// An atom with its attributes, calls and subscripts.
pub(super) fn primary(inp: &mut In) -> Res<Expr> {
    let start = peek(inp).span.start;
    let outer = std::mem::take(&mut inp.state().height);
    let mut expr = atom(inp)?;
    let mut height = inp.state().height + 1;
    while matches!(peek_kind(inp), T::Dot | T::LParen | T::LBracket) {
        inp.state().height = 0;
        let before = inp.save();
        let Ok(trailer) = trailer(inp) else {
            if inp.state().raised.is_some() {
                return fail();
            }
            // What stands before it may be enough to explain the fault.
            inp.rewind(before);
            break;
        };
        let kind = match trailer {
            Trailer::Attribute(attr) => {
                let value = Box::new(expr);
                ExprKind::Attribute { value, attr }
            }
            Trailer::Call(args, args_span) => ExprKind::Call(Box::new(Call {
                func: expr,
                args,
                args_span,
            })),
            Trailer::Subscript(index) => {
                let value = Box::new(expr);
                ExprKind::Subscript { value, index }
            }
        };
        expr = node(kind, span_from(inp, start));
        height = height.max(inp.state().height) + 1;
        grown(inp, outer, height)?;
    }
    inp.state().height = outer.max(height);
    Ok(expr)
}

/// What may stand after an atom.
enum Trailer {
    Attribute(Ident),
    Call(Vec<Arg>, Span),
    Subscript(Box<Expr>),
}

fn trailer(inp: &mut In) -> Res<Trailer> {
    let open = peek(inp);
    match open.kind {
        T::Dot => {
            inp.skip();
            ident(inp).map(Trailer::Attribute)
        }
        T::LParen => {
            let args = call_args(inp)?;
            Ok(Trailer::Call(args, span_from(inp, open.span.start)))
        }
        _ => {
            inp.skip();
            let index = Box::new(inp.parse(subscript())?);
            expect(inp, T::RBracket)?;
            Ok(Trailer::Subscript(index))
        }
    }
}

/// What stands in a subscript's brackets: a tuple where there is a comma.
fn subscript<'t>() -> impl Rule<'t, Expr> {
    custom(|inp: &mut In<'t, '_>| {
        let start = peek(inp).span.start;
        let first = slice(inp)?;
        let is_starred = matches!(first.kind, ExprKind::Starred(_));
        if peek_kind(inp) != T::Comma && !is_starred {
            return Ok(first);
        }
        let mut all = vec![first];
        while eat(inp, T::Comma) && peek_kind(inp) != T::RBracket {
            all.push(slice(inp)?);
        }
        Ok(node(ExprKind::Tuple(all), span_from(inp, start)))
    })
}

/// One index of a subscript: `a`, `*a`, `a := b` or `a:b:c`.
fn slice(inp: &mut In) -> Res<Expr> {
    let start = peek(inp).span.start;
    let lower = match peek_kind(inp) {
        T::Star => {
            bump(inp);
            let value = Box::new(unpacked(inp)?);
            return Ok(node(ExprKind::Starred(value), span_from(inp, start)));
        }
        T::Colon => None,
        _ => {
            let is_named = peek_second(inp) == T::ColonEqual;
            let lower = named_expression(inp)?;
            if peek_kind(inp) != T::Colon || is_named {
                return Ok(lower);
            }
            Some(lower)
        }
    };
    expect(inp, T::Colon)?;
    let bound = |inp: &mut In| match peek_kind(inp) {
        T::Colon | T::Comma | T::RBracket => Ok(None),
        _ => expression(inp).map(Some),
    };
    let upper = bound(inp)?;
    let step = if eat(inp, T::Colon) {
        bound(inp)?
    } else {
        None
    };
    let parts = Slice { lower, upper, step };
    let span = span_from(inp, start);
    Ok(node(ExprKind::Slice(Box::new(parts)), span))
}

// ------------------------------------------------------------------ arguments

/// `(a, *b, c=d, **e)` of a call.
fn call_args(inp: &mut In) -> Res<Vec<Arg>> {
    args(inp, true)
}

/// The bases and keywords of a class: as a call's arguments, but no generator.
pub(super) fn class_args(inp: &mut In) -> Res<Vec<Arg>> {
    args(inp, false)
}

fn args(inp: &mut In, generator: bool) -> Res<Vec<Arg>> {
    let open = expect(inp, T::LParen)?;
    let mut args: Vec<Arg> = Vec::new();
    while peek_kind(inp) != T::RParen {
        let arg = argument(inp)?;
        let arg = match arg {
            Arg::Positional(element) if matches!(peek_kind(inp), T::For | T::Async) => {
                if !generator && args.is_empty() {
                    return fail();
                }
                generator_argument(inp, element, args.is_empty(), open.span)?
            }
            arg => {
                check_order(inp, &args, &arg)?;
                arg
            }
        };
        args.push(arg);
        if !eat(inp, T::Comma) {
            break;
        }
    }
    if !eat(inp, T::RParen) {
        return fail();
    }
    Ok(args)
}

fn argument(inp: &mut In) -> Res<Arg> {
    let first = peek(inp);
    match first.kind {
        T::Star => {
            bump(inp);
            let value = unpacked(inp)?;
            let span = span_from(inp, first.span.start);
            no_unpacked_target(inp, span, "iterable argument unpacking")?;
            Ok(Arg::Star { value, span })
        }
        T::DoubleStar => {
            bump(inp);
            let value = expression(inp)?;
            let span = span_from(inp, first.span.start);
            no_unpacked_target(inp, span, "keyword argument unpacking")?;
            Ok(Arg::DoubleStar { value, span })
        }
        kind if kind.is_name() && peek_second(inp) == T::Equal => {
            let name = ident(inp)?;
            let equal = bump(inp);
            if inp.state().explain && matches!(peek_kind(inp), T::Comma | T::RParen) {
                let span = name.span.to(equal.span);
                let message = "expected argument value expression";
                return raise(inp, Diagnostic::syntax("E0132", message, span));
            }
            let value = expression(inp)?;
            if inp.state().explain && matches!(peek_kind(inp), T::For | T::Async) {
                let message = "invalid syntax. Maybe you meant '==' or ':=' instead of '='?";
                let span = name.span.to(equal.span);
                return raise(inp, Diagnostic::syntax("E0110", message, span));
            }
            let span = span_from(inp, first.span.start);
            Ok(Arg::Keyword { name, value, span })
        }
        kind => {
            if inp.state().explain
                && matches!(kind, T::True | T::False | T::None)
                && peek_second(inp) == T::Equal
            {
                let message = format!("cannot assign to {}", kind.text());
                return raise(inp, Diagnostic::syntax("E0111", message, first.span));
            }
            let value = argument_value(inp)?;
            if inp.state().explain && peek_kind(inp) == T::Equal {
                let equal = bump(inp);
                let message = "expression cannot contain assignment, perhaps you meant \"==\"?";
                let span = value.span.to(equal.span);
                return raise(inp, Diagnostic::syntax("E0133", message, span));
            }
            Ok(Arg::Positional(value))
        }
    }
}

/// What follows the star of an argument or index.
fn unpacked(inp: &mut In) -> Res<Expr> {
    let value = expression(inp);
    if value.is_err() && inp.state().explain {
        let at = inp.state().furthest;
        let message = "Invalid star expression";
        return raise(inp, Diagnostic::syntax("E0122", message, Span::new(at, at)));
    }
    value
}

/// `*a = b` among arguments.
fn no_unpacked_target(inp: &mut In, span: Span, what: &str) -> Res<()> {
    let equal = peek(inp);
    if !inp.state().explain || equal.kind != T::Equal {
        return Ok(());
    }
    let message = format!("cannot assign to {what}");
    raise(
        inp,
        Diagnostic::syntax("E0111", message, span.to(equal.span)),
    )
}

/// As named_expression, but what follows `=` is judged by the argument.
fn argument_value(inp: &mut In) -> Res<Expr> {
    if peek_second(inp) == T::ColonEqual {
        return named_expression(inp);
    }
    expression(inp)
}

/// `f(a for a in b)`: without parentheses of its own only as the sole argument.
fn generator_argument(inp: &mut In, element: Expr, alone: bool, open: Span) -> Res<Arg> {
    let start = element.span.start;
    let clauses = for_clauses(inp)?;
    let span = span_from(inp, start);
    let trailing_comma = peek_kind(inp) == T::Comma;
    if !alone || trailing_comma {
        let message = "Generator expression must be parenthesized";
        return raise(inp, Diagnostic::syntax("E0131", message, span));
    }
    let close = peek(inp).span;
    let kind = ExprKind::Generator(Box::new(Comprehension { element, clauses }));
    Ok(Arg::Positional(node(kind, open.to(close))))
}

fn check_order(inp: &mut In, before: &[Arg], arg: &Arg) -> Res<()> {
    let unpacked = before
        .iter()
        .any(|arg| matches!(arg, Arg::DoubleStar { .. }));
    let named = || before.iter().any(|arg| matches!(arg, Arg::Keyword { .. }));
    let message = match arg {
        Arg::Positional(_) if unpacked => "positional argument follows keyword argument unpacking",
        Arg::Positional(_) if named() => "positional argument follows keyword argument",
        Arg::Star { .. } if unpacked => {
            "iterable argument unpacking follows keyword argument unpacking"
        }
        _ => return Ok(()),
    };
    let span = match arg {
        Arg::Positional(value) => value.span,
        Arg::Star { span, .. } | Arg::Keyword { span, .. } | Arg::DoubleStar { span, .. } => *span,
    };
    raise(inp, Diagnostic::syntax("E0130", message, span))
}

// ---------------------------------------------------------------------- atoms

fn atom(inp: &mut In) -> Res<Expr> {
    let first = peek(inp);
    let span = first.span;
    let kind = match first.kind {
        kind if kind.is_name() => {
            inp.skip();
            ExprKind::Name(inp.state().intern(span))
        }
        T::None => constant(inp, ExprKind::None),
        T::True => constant(inp, ExprKind::True),
        T::False => constant(inp, ExprKind::False),
        T::Ellipsis => constant(inp, ExprKind::Ellipsis),
        T::Int | T::Float | T::Imaginary => literal::number(inp)?,
        T::Str | T::Bytes | T::FStringStart => return fstring::strings(inp),
        T::LParen => return nested(inp, parenthesized),
        T::LBracket => return nested(inp, list),
        T::LBrace => return nested(inp, braces),
        _ => return fail(),
    };
    Ok(node(kind, span))
}

fn constant(inp: &mut In, kind: ExprKind) -> ExprKind {
    inp.skip();
    kind
}

/// Elements separated by commas, a comma after the last included.
fn elements<'t>() -> impl Rule<'t, Vec<Expr>> {
    custom(star_named_expression)
        .separated_by(token(T::Comma))
        .allow_trailing()
        .collect()
}

/// A group, a tuple, a generator or a `yield`.
fn parenthesized(inp: &mut In) -> Res<Expr> {
    let open = bump(inp);
    let start = open.span.start;
    match peek_kind(inp) {
        T::RParen => {
            bump(inp);
            return Ok(node(ExprKind::Tuple(Vec::new()), span_from(inp, start)));
        }
        T::Yield => {
            let value = yield_expression(inp)?;
            expect(inp, T::RParen)?;
            return Ok(value);
        }
        _ => {}
    }
    let first = star_named_expression(inp)?;
    match peek_kind(inp) {
        T::For | T::Async => {
            let kind = comprehension(inp, first, ExprKind::Generator)?;
            expect(inp, T::RParen)?;
            Ok(node(kind, span_from(inp, start)))
        }
        T::Comma => {
            bump(inp);
            let rest = inp.parse(elements())?;
            expect(inp, T::RParen)?;
            let mut all = Vec::with_capacity(rest.len() + 1);
            all.push(first);
            all.extend(rest);
            Ok(node(ExprKind::Tuple(all), span_from(inp, start)))
        }
        T::RParen => {
            if matches!(first.kind, ExprKind::Starred(_)) {
                let message = "cannot use starred expression here";
                return raise(inp, Diagnostic::syntax("E0121", message, first.span));
            }
            bump(inp);
            Ok(first)
        }
        _ => fail(),
    }
}

fn list(inp: &mut In) -> Res<Expr> {
    let start = bump(inp).span.start;
    if eat(inp, T::RBracket) {
        return Ok(node(ExprKind::List(Vec::new()), span_from(inp, start)));
    }
    let first = star_named_expression(inp)?;
    let kind = if matches!(peek_kind(inp), T::For | T::Async) {
        comprehension(inp, first, ExprKind::ListComp)?
    } else {
        let all = more_elements(inp, first)?;
        explain_bare_tuple(inp, &all)?;
        ExprKind::List(all)
    };
    expect(inp, T::RBracket)?;
    Ok(node(kind, span_from(inp, start)))
}

fn more_elements(inp: &mut In, first: Expr) -> Res<Vec<Expr>> {
    let mut all = vec![first];
    if eat(inp, T::Comma) {
        let mut rest = inp.parse(elements())?;
        all.append(&mut rest);
    }
    Ok(all)
}

/// `[a, b for …]`.
fn explain_bare_tuple(inp: &mut In, elements: &[Expr]) -> Res<()> {
    let explain = inp.state().explain;
    if !explain || !matches!(peek_kind(inp), T::For | T::Async) {
        return Ok(());
    }
    let (Some(first), Some(last)) = (elements.first(), elements.last()) else {
        return Ok(());
    };
    if look_ahead(inp, for_clauses).is_none() {
        return Ok(());
    }
    let message = "did you forget parentheses around the comprehension target?";
    let span = first.span.to(last.span);
    raise(inp, Diagnostic::syntax("E0139", message, span))
}

/// A dict, a set or a comprehension of one of them.
fn braces(inp: &mut In) -> Res<Expr> {
    let start = bump(inp).span.start;
    if eat(inp, T::RBrace) {
        return Ok(node(ExprKind::Dict(Vec::new()), span_from(inp, start)));
    }
    let kind = if peek_kind(inp) == T::DoubleStar {
        let spread = dict_item(inp)?;
        dict(inp, spread)?
    } else {
        let can_be_key = peek_kind(inp) != T::Star && peek_second(inp) != T::ColonEqual;
        let first = star_named_expression(inp)?;
        match peek_kind(inp) {
            T::Colon if can_be_key => {
                let value = dict_value(inp)?;
                dict(inp, DictItem::Pair { key: first, value })?
            }
            T::For | T::Async => comprehension(inp, first, ExprKind::SetComp)?,
            _ => {
                let all = more_elements(inp, first)?;
                explain_bare_tuple(inp, &all)?;
                ExprKind::Set(all)
            }
        }
    };
    expect(inp, T::RBrace)?;
    Ok(node(kind, span_from(inp, start)))
}

/// `: value`.
fn dict_value(inp: &mut In) -> Res<Expr> {
    let colon = expect(inp, T::Colon)?;
    if inp.state().explain {
        match peek_kind(inp) {
            T::RBrace | T::Comma => {
                let message = "expression expected after dictionary key and ':'";
                return raise(inp, Diagnostic::syntax("E0134", message, colon.span));
            }
            T::Star => {
                let here = peek(inp).span;
                let message = "cannot use a starred expression in a dictionary value";
                return raise(inp, Diagnostic::syntax("E0135", message, here));
            }
            _ => {}
        }
    }
    expression(inp)
}

fn dict_item(inp: &mut In) -> Res<DictItem> {
    if eat(inp, T::DoubleStar) {
        return nested(inp, bitwise_or).map(DictItem::Spread);
    }
    let explain = std::mem::replace(&mut inp.state().explain, false);
    let key = expression(inp);
    inp.state().explain = explain;
    let key = key?;
    if peek_kind(inp) != T::Colon {
        let message = "':' expected after dictionary key";
        return raise(inp, Diagnostic::syntax("E0136", message, key.span));
    }
    let value = dict_value(inp)?;
    Ok(DictItem::Pair { key, value })
}

/// The rest of a dict after its first item.
fn dict(inp: &mut In, first: DictItem) -> Res<ExprKind> {
    if matches!(peek_kind(inp), T::For | T::Async) {
        return match first {
            DictItem::Pair { key, value } => {
                let clauses = for_clauses(inp)?;
                let parts = DictComprehension {
                    key,
                    value,
                    clauses,
                };
                Ok(ExprKind::DictComp(Box::new(parts)))
            }
            DictItem::Spread(value) => {
                let message = "dict unpacking cannot be used in dict comprehension";
                raise(inp, Diagnostic::syntax("E0137", message, value.span))
            }
        };
    }
    let mut items = vec![first];
    if eat(inp, T::Comma) {
        let rest = custom(dict_item)
            .separated_by(token(T::Comma))
            .allow_trailing()
            .collect::<Vec<_>>();
        items.append(&mut inp.parse(rest)?);
    }
    Ok(ExprKind::Dict(items))
}

/// The clauses after an element, and the comprehension that they make.
fn comprehension(
    inp: &mut In,
    element: Expr,
    kind: fn(Box<Comprehension>) -> ExprKind,
) -> Res<ExprKind> {
    if matches!(element.kind, ExprKind::Starred(_)) {
        let message = "iterable unpacking cannot be used in comprehension";
        return raise(inp, Diagnostic::syntax("E0138", message, element.span));
    }
    let clauses = for_clauses(inp)?;
    Ok(kind(Box::new(Comprehension { element, clauses })))
}

fn for_clauses(inp: &mut In) -> Res<Vec<ForClause>> {
    let mut clauses = Vec::new();
    while matches!(peek_kind(inp), T::For | T::Async) {
        clauses.push(for_clause(inp)?);
    }
    Ok(clauses)
}

fn for_clause(inp: &mut In) -> Res<ForClause> {
    let start = peek(inp).span.start;
    let is_async = eat(inp, T::Async);
    expect(inp, T::For)?;
    let target = target::clause_target(inp)?;
    expect(inp, T::In)?;
    let iter = nested(inp, disjunction)?;
    let conditions = inp.parse(
        token(T::If)
            .ignore_then(custom(|inp: &mut In| nested(inp, disjunction)))
            .repeated()
            .collect(),
    )?;
    Ok(ForClause {
        target,
        iter,
        conditions,
        is_async,
        span: span_from(inp, start),
    })
}
