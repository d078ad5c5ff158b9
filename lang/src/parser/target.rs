//! What can be assigned to, deleted or bound by a loop, and how CPython calls
//! what can't.

use super::expr::{bitwise_or, primary, tuple_of};
use super::{In, Res, bump, fail, look_ahead, nested, peek, peek_kind, raise, span_from};
use crate::ast::*;
use crate::diagnostic::Diagnostic;
use crate::token::TokenKind as T;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Purpose {
    Assign,
    Delete,
}

/// The first part of an expression that can't be a target; `None` if all can.
pub(super) fn invalid_part(expr: &Expr, purpose: Purpose) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => None,
        ExprKind::Tuple(elements) | ExprKind::List(elements) => elements
            .iter()
            .find_map(|element| invalid_part(element, purpose)),
        ExprKind::Starred(value) if purpose == Purpose::Assign => invalid_part(value, purpose),
        _ => Some(expr),
    }
}

/// How CPython calls an expression in "cannot assign to …".
pub(super) fn expr_name(expr: &Expr) -> &'static str {
    match &expr.kind {
        ExprKind::Name(_) => "name",
        ExprKind::None => "None",
        ExprKind::True => "True",
        ExprKind::False => "False",
        ExprKind::Ellipsis => "ellipsis",
        ExprKind::Int(_)
        | ExprKind::BigInt(_)
        | ExprKind::Float(_)
        | ExprKind::Complex(_)
        | ExprKind::Str(_)
        | ExprKind::Bytes(_) => "literal",
        ExprKind::FString(_) => "f-string expression",
        ExprKind::Unary { .. } | ExprKind::Binary(_) | ExprKind::BoolOp { .. } => "expression",
        ExprKind::Compare(_) => "comparison",
        ExprKind::Lambda(_) => "lambda",
        ExprKind::IfExp(_) => "conditional expression",
        ExprKind::Dict(_) => "dict literal",
        ExprKind::Set(_) => "set display",
        ExprKind::List(_) => "list",
        ExprKind::Tuple(_) => "tuple",
        ExprKind::ListComp(_) => "list comprehension",
        ExprKind::SetComp(_) => "set comprehension",
        ExprKind::DictComp(_) => "dict comprehension",
        ExprKind::Generator(_) => "generator expression",
        ExprKind::Await(_) => "await expression",
        ExprKind::Yield(_) | ExprKind::YieldFrom(_) => "yield expression",
        ExprKind::Call(_) => "function call",
        ExprKind::Attribute { .. } => "attribute",
        ExprKind::Subscript { .. } => "subscript",
        ExprKind::Slice(_) => "slice",
        ExprKind::Starred(_) => "starred",
        ExprKind::Named { .. } => "named expression",
    }
}

pub(super) fn cannot_assign(part: &Expr) -> Diagnostic {
    let message = format!("cannot assign to {}", expr_name(part));
    Diagnostic::syntax("E0111", message, part.span)
}

/// Fails unless every part can be assigned to.
pub(super) fn check_assignable(inp: &mut In, expr: &Expr) -> Res<()> {
    match invalid_part(expr, Purpose::Assign) {
        None => Ok(()),
        Some(part) => raise(inp, cannot_assign(part)),
    }
}

/// The target of a `for`: it ends before `in`.
pub(super) fn for_target(inp: &mut In) -> Res<Expr> {
    let target = tuple_of(inp, target_element)?;
    if peek_kind(inp) != T::In && !inp.state().explain {
        return fail();
    }
    check_assignable(inp, &target)?;
    Ok(target)
}

/// The target of a comprehension's `for`.
pub(super) fn clause_target(inp: &mut In) -> Res<Expr> {
    if inp.state().explain {
        let after = look_ahead(inp, |inp| {
            tuple_of(inp, bitwise_or)?;
            Ok(peek(inp))
        });
        if let Some(after) = after
            && after.kind != T::In
        {
            let message = "'in' expected after for-loop variables";
            return raise(inp, Diagnostic::syntax("E0109", message, after.span));
        }
    }
    for_target(inp)
}

/// One target after `as` in a `with`.
pub(super) fn with_target(inp: &mut In) -> Res<Expr> {
    let target = target_element(inp)?;
    if matches!(peek_kind(inp), T::Comma | T::RParen | T::Colon) {
        check_assignable(inp, &target)?;
    }
    Ok(target)
}

fn target_element(inp: &mut In) -> Res<Expr> {
    if peek_kind(inp) != T::Star {
        return bitwise_or(inp);
    }
    let star = bump(inp).span.start;
    let value = nested(inp, bitwise_or)?;
    let span = span_from(inp, star);
    Ok(Expr {
        kind: ExprKind::Starred(Box::new(value)),
        span,
    })
}

/// One target of a `del`.
pub(super) fn del_target(inp: &mut In) -> Res<Expr> {
    let target = if inp.state().explain {
        super::expr::star_expression(inp)?
    } else {
        primary(inp)?
    };
    match invalid_part(&target, Purpose::Delete) {
        None => Ok(target),
        Some(part) => {
            let message = format!("cannot delete {}", expr_name(part));
            raise(inp, Diagnostic::syntax("E0112", message, part.span))
        }
    }
}

/// Whether `=` and an operand follow that may have been meant as `==`.
fn meant_equality(inp: &mut In, left: &Expr) -> bool {
    let comparable = !matches!(
        left.kind,
        ExprKind::List(_)
            | ExprKind::Tuple(_)
            | ExprKind::Generator(_)
            | ExprKind::True
            | ExprKind::False
            | ExprKind::None
            | ExprKind::Compare(_)
            | ExprKind::BoolOp { .. }
            | ExprKind::IfExp(_)
            | ExprKind::Lambda(_)
            | ExprKind::Starred(_)
    ) && !matches!(
        left.kind,
        ExprKind::Unary {
            op: UnaryOp::Not,
            ..
        }
    );
    if !comparable {
        return false;
    }
    look_ahead(inp, |inp| {
        bump(inp);
        bitwise_or(inp)?;
        match peek_kind(inp) {
            T::Equal | T::ColonEqual => fail(),
            _ => Ok(()),
        }
    })
    .is_some()
}

/// After an expression where a walrus may stand: `=` or `:=` that can't be.
pub(super) fn explain_named(inp: &mut In, expr: &Expr) -> Res<()> {
    if !inp.state().explain {
        return Ok(());
    }
    match peek_kind(inp) {
        T::ColonEqual => {
            let message = format!("cannot use assignment expressions with {}", expr_name(expr));
            raise(inp, Diagnostic::syntax("E0113", message, expr.span))
        }
        T::Equal if meant_equality(inp, expr) => {
            let message = if matches!(expr.kind, ExprKind::Name(_)) {
                "invalid syntax. Maybe you meant '==' or ':=' instead of '='?".to_string()
            } else {
                format!(
                    "cannot assign to {} here. Maybe you meant '==' instead of '='?",
                    expr_name(expr)
                )
            };
            let here = peek(inp).span;
            let span = expr.span.to(here);
            raise(inp, Diagnostic::syntax("E0110", message, span))
        }
        _ => Ok(()),
    }
}
