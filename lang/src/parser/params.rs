//! Parameters of `def` and `lambda`, and type parameters.

use super::expr::{expression, star_expression};
use super::{In, Res, bump, eat, expect, fail, ident, peek, peek_kind, raise, span_from};
use crate::ast::*;
use crate::diagnostic::Diagnostic;
use crate::token::TokenKind as T;

/// `(a, /, b: int = 1, *c, d, **e)` of a `def`.
pub(super) fn def_params(inp: &mut In) -> Res<Params> {
    expect(inp, T::LParen)?;
    let params = params(inp, T::RParen, true)?;
    expect(inp, T::RParen)?;
    Ok(params)
}

/// The parameters between `lambda` and its colon, which the caller takes.
pub(super) fn lambda_params(inp: &mut In) -> Res<Params> {
    params(inp, T::Colon, false)
}

/// Where in the list a parameter stands.
#[derive(PartialEq)]
enum Section {
    Positional,
    /// After `*` or `*args`.
    KeywordOnly,
    /// After `**kwargs`.
    Done,
}

fn params(inp: &mut In, close: T, annotated: bool) -> Res<Params> {
    let mut params = Params::default();
    let mut section = Section::Positional;
    let mut seen_slash = false;
    let mut bare_star: Option<Span> = None;
    while peek_kind(inp) != close {
        let token = peek(inp);
        let here = token.span;
        if section == Section::Done {
            if !token.kind.is_name() && !matches!(token.kind, T::Star | T::DoubleStar | T::Slash) {
                return fail();
            }
            let message = "arguments cannot follow var-keyword argument";
            return raise(inp, Diagnostic::syntax("E0143", message, here));
        }
        match token.kind {
            T::Slash => {
                bump(inp);
                let message = match section {
                    _ if seen_slash => Some("/ may appear only once"),
                    Section::KeywordOnly => Some("/ must be ahead of *"),
                    _ if params.regular.is_empty() => {
                        if !inp.state().explain || peek_kind(inp) != T::Comma {
                            return fail();
                        }
                        Some("at least one argument must precede /")
                    }
                    _ if inp.state().explain && peek_kind(inp) == T::Star => {
                        let star = peek(inp).span;
                        let message = "expected comma between / and *";
                        return raise(inp, Diagnostic::syntax("E0155", message, star));
                    }
                    _ => None,
                };
                if let Some(message) = message {
                    return raise(inp, Diagnostic::syntax("E0144", message, here));
                }
                seen_slash = true;
                params.posonly = std::mem::take(&mut params.regular);
            }
            T::Star => {
                bump(inp);
                if section == Section::KeywordOnly {
                    let message = "* argument may appear only once";
                    return raise(inp, Diagnostic::syntax("E0145", message, here));
                }
                section = Section::KeywordOnly;
                if peek_kind(inp).is_name() {
                    let param = param(inp, annotated, true)?;
                    let is_starred = |a: &Expr| matches!(a.kind, ExprKind::Starred(_));
                    if !param.annotation.as_ref().is_some_and(is_starred) {
                        no_default(inp, "var-positional")?;
                    }
                    params.vararg = Some(Box::new(param));
                } else {
                    bare_star = Some(here);
                }
            }
            T::DoubleStar => {
                bump(inp);
                let param = param(inp, annotated, false)?;
                no_default(inp, "var-keyword")?;
                params.kwarg = Some(Box::new(param));
                section = Section::Done;
            }
            T::LParen if inp.state().explain && section == Section::Positional => {
                return explain_parenthesized(inp, annotated);
            }
            _ => {
                let mut param = param(inp, annotated, false)?;
                if eat(inp, T::Equal) {
                    if inp.state().explain
                        && (peek_kind(inp) == close || peek_kind(inp) == T::Comma)
                    {
                        let message = "expected default value expression";
                        return raise(inp, Diagnostic::syntax("E0141", message, param.span));
                    }
                    param.default = Some(expression(inp)?);
                }
                if section == Section::KeywordOnly {
                    params.kwonly.push(param);
                } else {
                    check_default(inp, &params, &param, close)?;
                    params.regular.push(param);
                }
            }
        }
        if !eat(inp, T::Comma) {
            break;
        }
    }
    if peek_kind(inp) != close {
        return fail();
    }
    if let Some(star) = bare_star
        && params.kwonly.is_empty()
    {
        let message = "named arguments must follow bare *";
        return raise(inp, Diagnostic::syntax("E0142", message, star));
    }
    Ok(params)
}

/// Python 2 took parameters apart: `def f(a, (b, c))`.
fn explain_parenthesized(inp: &mut In, is_def: bool) -> Res<Params> {
    let open = bump(inp).span;
    let mut n = 0;
    while peek_kind(inp).is_name() {
        bump(inp);
        n += 1;
        if !eat(inp, T::Comma) {
            break;
        }
    }
    let close = expect(inp, T::RParen)?.span;
    if n == 0 {
        return fail();
    }
    let what = if is_def {
        "Function parameters"
    } else {
        "Lambda expression parameters"
    };
    let message = format!("{what} cannot be parenthesized");
    raise(inp, Diagnostic::syntax("E0149", message, open.to(close)))
}

fn param(inp: &mut In, annotated: bool, starred: bool) -> Res<Param> {
    let name = ident(inp)?;
    let start = name.span.start;
    let annotation = if annotated && eat(inp, T::Colon) {
        Some(if starred {
            star_expression(inp)?
        } else {
            expression(inp)?
        })
    } else {
        None
    };
    Ok(Param {
        name,
        annotation,
        default: None,
        span: span_from(inp, start),
    })
}

fn no_default(inp: &mut In, which: &str) -> Res<()> {
    let token = peek(inp);
    if token.kind == T::Equal {
        let message = format!("{which} argument cannot have default value");
        return raise(inp, Diagnostic::syntax("E0146", message, token.span));
    }
    Ok(())
}

fn check_default(inp: &mut In, params: &Params, param: &Param, close: T) -> Res<()> {
    let before = params.regular.last().or(params.posonly.last());
    if param.default.is_none() && before.is_some_and(|before| before.default.is_some()) {
        let next = peek_kind(inp);
        if next != T::Comma && next != close {
            return fail();
        }
        let message = "parameter without a default follows parameter with a default";
        return raise(inp, Diagnostic::syntax("E0140", message, param.span));
    }
    Ok(())
}

/// `[T: bound = default, *Ts, **P]`, or nothing where there is no bracket.
pub(super) fn type_params(inp: &mut In) -> Res<Vec<TypeParam>> {
    let open = peek(inp).span;
    if !eat(inp, T::LBracket) {
        return Ok(Vec::new());
    }
    if inp.state().explain && peek_kind(inp) == T::RBracket {
        let message = "Type parameter list cannot be empty";
        return raise(inp, Diagnostic::syntax("E0147", message, open));
    }
    let mut params: Vec<TypeParam> = Vec::new();
    loop {
        let param = type_param(inp)?;
        if param.default.is_none() && params.last().is_some_and(|last| last.default.is_some()) {
            if !inp.state().explain {
                return fail();
            }
            let name = &param.name.name;
            let message =
                format!("non-default type parameter '{name}' follows default type parameter");
            return raise(inp, Diagnostic::syntax("E0150", message, param.span));
        }
        params.push(param);
        if !eat(inp, T::Comma) || peek_kind(inp) == T::RBracket {
            break;
        }
    }
    expect(inp, T::RBracket)?;
    Ok(params)
}

fn type_param(inp: &mut In) -> Res<TypeParam> {
    let start = peek(inp).span.start;
    let mut kind = match peek_kind(inp) {
        T::Star => TypeParamKind::TypeVarTuple,
        T::DoubleStar => TypeParamKind::ParamSpec,
        _ => TypeParamKind::TypeVar { bound: None },
    };
    if !matches!(kind, TypeParamKind::TypeVar { .. }) {
        bump(inp);
    }
    let name = ident(inp)?;
    let colon = peek(inp);
    if colon.kind == T::Colon {
        let what = match &mut kind {
            TypeParamKind::TypeVar { bound } => {
                bump(inp);
                *bound = Some(expression(inp)?);
                None
            }
            TypeParamKind::TypeVarTuple => Some("TypeVarTuple"),
            TypeParamKind::ParamSpec => Some("ParamSpec"),
        };
        if let Some(what) = what {
            if !inp.state().explain {
                return fail();
            }
            bump(inp);
            let bound = expression(inp)?;
            let plural = if matches!(bound.kind, ExprKind::Tuple(_)) {
                "constraints"
            } else {
                "bound"
            };
            let message = format!("cannot use {plural} with {what}");
            return raise(inp, Diagnostic::syntax("E0148", message, colon.span));
        }
    }
    let default = if eat(inp, T::Equal) {
        Some(match kind {
            TypeParamKind::TypeVarTuple => star_expression(inp)?,
            _ => expression(inp)?,
        })
    } else {
        None
    };
    Ok(TypeParam {
        kind,
        name,
        default,
        span: span_from(inp, start),
    })
}
