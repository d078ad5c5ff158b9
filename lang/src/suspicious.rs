//! Takes an expression, gives what CPython 3.13 warns of when it compiles it: literals that are
//! called, subscribed or compared by identity, and an `assert` of a tuple. The words and the
//! cases are those of compile.c (check_caller, check_subscripter, check_index, check_compare).

use crate::ast::{CmpOp, Compare, Expr, ExprKind, UnaryOp};
use crate::bytecode::Const;
use crate::diagnostic::Diagnostic;
use crate::fold;
use crate::source::Span;

/// What is to be warned of in the expression itself; what is inside is not looked at.
pub(crate) fn in_expr(expr: &Expr) -> Option<Diagnostic> {
    match &expr.kind {
        ExprKind::Call(call) => called(&call.func),
        ExprKind::Subscript { value, index } => subscribed(value, index),
        ExprKind::Compare(node) => compared(node, expr.span, false),
        ExprKind::Unary {
            op: UnaryOp::Not, ..
        } => {
            let (operand, node, is_negated) = comparison_below_not(expr)?;
            compared(node, operand.span, is_negated)
        }
        _ => None,
    }
}

/// The comparison that a `not`, or several, stands before, and whether they turn it round:
/// `not (a is b)` is compiled, and warned of, as `a is not b`.
pub(crate) fn comparison_below_not(expr: &Expr) -> Option<(&Expr, &Compare, bool)> {
    let (mut operand, mut is_negated) = (expr, false);
    while let ExprKind::Unary {
        op: UnaryOp::Not,
        operand: inner,
    } = &operand.kind
    {
        (operand, is_negated) = (inner, !is_negated);
    }
    match &operand.kind {
        ExprKind::Compare(node) => Some((operand, node, is_negated && node.rest.len() == 1)),
        _ => None,
    }
}

/// The condition of an `assert` statement at `span`.
pub(crate) fn in_assert(test: &Expr, span: Span) -> Option<Diagnostic> {
    let is_full = match &test.kind {
        ExprKind::Tuple(items) => !items.is_empty(),
        _ => matches!(fold::constant(test), Some(Const::Tuple(items)) if !items.is_empty()),
    };
    let message = "assertion is always true, perhaps remove parentheses?";
    is_full.then(|| Diagnostic::warning(message, span))
}

fn called(func: &Expr) -> Option<Diagnostic> {
    let name = match &func.kind {
        ExprKind::Lambda(_) => return None,
        _ => type_name(func)?,
    };
    let message = format!("'{name}' object is not callable; perhaps you missed a comma?");
    Some(Diagnostic::warning(message, func.span))
}

fn subscribed(value: &Expr, index: &Expr) -> Option<Diagnostic> {
    let name = type_name(value)?;
    match name {
        "dict" => None,
        "str" | "bytes" | "tuple" | "list" => {
            let of_index = type_name(index)?;
            let message = format!(
                "{name} indices must be integers or slices, not {of_index}; \
                 perhaps you missed a comma?"
            );
            (!matches!(of_index, "int" | "bool")).then(|| Diagnostic::warning(message, value.span))
        }
        _ => {
            let message =
                format!("'{name}' object is not subscriptable; perhaps you missed a comma?");
            Some(Diagnostic::warning(message, value.span))
        }
    }
}

/// The first `is` or `is not` beside a literal that is no singleton; each is the other where a
/// `not` before it is part of it.
fn compared(node: &Compare, span: Span, is_negated: bool) -> Option<Diagnostic> {
    let by_identity = |op: CmpOp| matches!(op, CmpOp::Is | CmpOp::IsNot);
    if !node.rest.iter().any(|term| by_identity(term.op)) {
        return None;
    }
    let mut left = literal_name(&node.first);
    for term in &node.rest {
        let right = literal_name(&term.operand);
        if by_identity(term.op)
            && let Some(name) = left.or(right)
        {
            let (is, equal) = match (term.op == CmpOp::Is) != is_negated {
                true => ("is", "=="),
                false => ("is not", "!="),
            };
            let message = format!("\"{is}\" with '{name}' literal. Did you mean \"{equal}\"?");
            return Some(Diagnostic::warning(message, span));
        }
        left = right;
    }
    None
}

/// The type of a constant of which there may be many equal ones.
fn literal_name(expr: &Expr) -> Option<&'static str> {
    match fold::constant(expr)? {
        Const::None | Const::False | Const::True | Const::Ellipsis => None,
        constant => Some(const_name(&constant)),
    }
}

/// The type of what a display, a comprehension or a constant gives.
fn type_name(expr: &Expr) -> Option<&'static str> {
    Some(match &expr.kind {
        ExprKind::Tuple(_) => "tuple",
        ExprKind::List(_) | ExprKind::ListComp(_) => "list",
        ExprKind::Dict(_) | ExprKind::DictComp(_) => "dict",
        ExprKind::Set(_) | ExprKind::SetComp(_) => "set",
        ExprKind::Generator(_) => "generator",
        ExprKind::Lambda(_) => "function",
        ExprKind::FString(_) => "str",
        _ => const_name(&fold::constant(expr)?),
    })
}

fn const_name(constant: &Const) -> &'static str {
    match constant {
        Const::None => "NoneType",
        Const::True | Const::False => "bool",
        Const::Ellipsis => "ellipsis",
        Const::Int(_) | Const::BigInt(_) => "int",
        Const::Float(_) => "float",
        Const::Str(_) | Const::Name(_) => "str",
        Const::Bytes(_) => "bytes",
        Const::Tuple(_) => "tuple",
        Const::FrozenSet(_) => "frozenset",
        Const::Code(_) => "code",
    }
}
