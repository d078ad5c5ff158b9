//! String literals: adjacent ones are joined, f-strings are put together from
//! their pieces and fields.

use super::expr::{star_expressions, yield_expression};
use super::literal::{self, StrBuilder};
use super::{In, Res, bump, eat, fail, last_end, nested, peek, peek_kind, raise, raise_now};
use crate::ast::*;
use crate::diagnostic::Diagnostic;
use crate::token::TokenKind as T;

/// One or more string literals in a row.
pub(super) fn strings(inp: &mut In) -> Res<Expr> {
    let start = peek(inp).span.start;
    let mut text = TextJoiner::default();
    let mut bytes: Option<Vec<u8>> = None;
    let mut has_fstring = false;
    let mut has_str = false;
    loop {
        let token = peek(inp);
        match token.kind {
            T::Str | T::Bytes => {
                inp.skip();
                let (prefix, body) = literal::split(inp.state().source.slice(token.span));
                let raw = literal::is_raw(prefix);
                if token.kind == T::Str {
                    has_str = true;
                    literal::decode_str(inp, body, raw, token.span, &mut text.literal)?;
                } else {
                    let out = bytes.get_or_insert_default();
                    literal::decode_bytes(inp, body, raw, token.span, out)?;
                }
            }
            T::FStringStart => {
                has_fstring = true;
                fstring(inp, &mut text)?;
            }
            _ => break,
        }
    }
    let span = Span::new(start, last_end(inp));
    let kind = match bytes {
        Some(_) if has_fstring || has_str => {
            let message = "cannot mix bytes and nonbytes literals";
            return raise_now(inp, Diagnostic::syntax("E0053", message, span));
        }
        Some(bytes) => ExprKind::Bytes(bytes),
        None if has_fstring => ExprKind::FString(text.finish()),
        None => ExprKind::Str(text.literal.finish()),
    };
    Ok(Expr { kind, span })
}

/// Parts of an f-string; literal text that stands side by side is one part.
#[derive(Default)]
struct TextJoiner {
    parts: Vec<FStringPart>,
    literal: StrBuilder,
}

impl TextJoiner {
    fn push_field(&mut self, field: FStringField) {
        self.flush();
        self.parts.push(FStringPart::Field(Box::new(field)));
    }

    fn flush(&mut self) {
        if !self.literal.is_empty() {
            let literal = std::mem::take(&mut self.literal).finish();
            self.parts.push(FStringPart::Literal(literal));
        }
    }

    fn finish(mut self) -> FString {
        self.flush();
        FString { parts: self.parts }
    }
}

fn fstring(inp: &mut In, out: &mut TextJoiner) -> Res<()> {
    let opening = bump(inp);
    let raw = literal::is_raw(inp.state().source.slice(opening.span));
    // CPython warns of what is odd in the text at the line where the f-string ends.
    let mut odd: Vec<usize> = Vec::new();
    loop {
        match peek_kind(inp) {
            T::FStringEnd => {
                let end = bump(inp).span;
                for i in odd {
                    inp.state().warnings[i].span = end;
                }
                return Ok(());
            }
            T::FStringMiddle => {
                let token = bump(inp);
                if !raw {
                    warn_of_braces(inp, token.span);
                }
                let n_warnings = inp.state().warnings.len();
                let text = inp.state().source.slice(token.span);
                // Doubled braces stand for one, also where a backslash is before them.
                let body = text.replace("{{", "{").replace("}}", "}");
                let body = if has_named_escape(text, raw) {
                    undouble_outside_names(text)
                } else {
                    body
                };
                literal::decode_str(inp, &body, raw, token.span, &mut out.literal)?;
                let warnings = &mut inp.state().warnings;
                // Of braces was warned above, and then of nothing that follows.
                let is_of_brace =
                    |w: &Diagnostic| w.message.ends_with("{'") || w.message.ends_with("}'");
                if warnings.get(n_warnings).is_some_and(is_of_brace) {
                    warnings.truncate(n_warnings);
                }
                odd.extend(n_warnings..warnings.len());
            }
            T::LBrace => nested(inp, |inp| field(inp, raw, out))?,
            _ => return fail(),
        }
    }
}

/// A backslash escapes no brace, doubled or not.
fn warn_of_braces(inp: &mut In, span: Span) {
    let text = inp.state().source.slice(span);
    let before_field = matches!(peek_kind(inp), T::LBrace).then_some('{');
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        at += found + 1;
        let Some(c) = text[at..].chars().next().or(before_field) else {
            return;
        };
        if matches!(c, '{' | '}') {
            let place = span.start + at as u32;
            let message = format!("invalid escape sequence '\\{c}'");
            literal::warn(inp, message, Span::new(place - 1, place));
        } else if text[at..].starts_with("N{") {
            at += text[at..].find('}').unwrap_or(0);
        } else {
            at += c.len_utf8();
        }
        if at >= text.len() {
            return;
        }
    }
}

fn has_named_escape(text: &str, raw: bool) -> bool {
    !raw && text.contains("\\N{")
}

/// As the plain replacement, but the braces of `\N{name}` are left alone.
fn undouble_outside_names(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = if rest.starts_with("\\N{") {
            rest.find('}').map_or(3, |close| close + 1)
        } else if c == '\\' {
            1 + rest[1..].chars().next().map_or(0, char::len_utf8)
        } else if rest.starts_with("{{") || rest.starts_with("}}") {
            rest = &rest[1..];
            1
        } else {
            c.len_utf8()
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

/// `{value=!r:spec}`.
fn field(inp: &mut In, raw: bool, out: &mut TextJoiner) -> Res<()> {
    let open = bump(inp).span;
    let missing = peek(inp);
    if let T::RBrace | T::Colon | T::Exclamation | T::Equal = missing.kind {
        let message = format!(
            "f-string: valid expression required before '{}'",
            missing.kind.text()
        );
        return raise(inp, Diagnostic::syntax("E0045", message, missing.span));
    }
    let value = match peek_kind(inp) {
        T::Yield => yield_expression(inp)?,
        _ => match star_expressions(inp) {
            Ok(value) => value,
            Err(error) => {
                explain_field(inp, open);
                return Err(error);
            }
        },
    };
    let is_debug = eat(inp, T::Equal);
    if is_debug {
        // The text from the brace to the next token is a piece of the f-string as the others are:
        // CPython 3.13 action_helpers.c _get_resized_exprs decodes the escapes in it.
        let span = Span::new(open.end, peek(inp).span.start);
        let text = debug_text(inp, span);
        literal::decode_str(inp, &text, raw, span, &mut out.literal)?;
    }
    let mut conversion = None;
    if eat(inp, T::Exclamation) {
        conversion = Some(conversion_of(inp)?);
    }
    let mut format_spec = None;
    if eat(inp, T::Colon) {
        format_spec = Some(spec(inp, raw)?);
    }
    if !eat(inp, T::RBrace) {
        return not_closed(
            inp,
            open,
            is_debug,
            conversion.is_some(),
            format_spec.is_some(),
        );
    }
    let mut conversion = match conversion {
        Some(Err(name)) => {
            let message = format!(
                "f-string: invalid conversion character '{}': expected 's', 'r', or 'a'",
                inp.state().source.slice(name)
            );
            return raise_now(inp, Diagnostic::syntax("E0046", message, name));
        }
        Some(Ok(conversion)) => Some(conversion),
        None => None,
    };
    if is_debug && conversion.is_none() && format_spec.is_none() {
        conversion = Some(Conversion::Repr);
    }
    out.push_field(FStringField {
        value,
        conversion,
        format_spec,
        span: Span::new(open.start, last_end(inp)),
    });
    Ok(())
}

/// The text of a field as it stands, but without comments.
fn debug_text(inp: &mut In, span: Span) -> String {
    let state = inp.state();
    let text = state.source.slice(span);
    if !text.contains('#') {
        return text.to_string();
    }
    // A `#` inside a token is none that starts a comment.
    let tokens = state
        .tokens
        .iter()
        .filter(|token| span.start <= token.span.start && token.span.end <= span.end);
    let mut out = String::new();
    let mut at = span.start;
    let push_gap = |out: &mut String, gap: Span| {
        let mut rest = state.source.slice(gap);
        while let Some(hash) = rest.find('#') {
            out.push_str(&rest[..hash]);
            let line_end = rest[hash..].find(['\n', '\r']);
            rest = line_end.map_or("", |len| &rest[hash + len..]);
        }
        out.push_str(rest);
    };
    for token in tokens {
        push_gap(&mut out, Span::new(at, token.span.start));
        out.push_str(state.source.slice(token.span));
        at = token.span.end;
    }
    push_gap(&mut out, Span::new(at, span.end));
    out
}

/// The text and fields after a colon.
fn spec(inp: &mut In, raw: bool) -> Res<FString> {
    let mut out = TextJoiner::default();
    loop {
        match peek_kind(inp) {
            T::FStringMiddle => {
                let token = bump(inp);
                let text = inp.state().source.slice(token.span);
                literal::decode_str(inp, text, raw, token.span, &mut out.literal)?;
            }
            T::LBrace => nested(inp, |inp| field(inp, raw, &mut out))?,
            _ => return Ok(out.finish()),
        }
    }
}

/// What stands after an exclamation mark; the place of a name that means nothing, which is told of
/// when the field is closed.
fn conversion_of(inp: &mut In) -> Res<Result<Conversion, Span>> {
    let before = last_end(inp);
    let token = peek(inp);
    if !token.kind.is_name() && !token.kind.is_keyword() {
        let message = match token.kind {
            T::Colon | T::RBrace => "f-string: missing conversion character",
            _ => "f-string: invalid conversion character",
        };
        return raise(inp, Diagnostic::syntax("E0046", message, token.span));
    }
    if token.span.start != before {
        // CPython 3.13 spells it so.
        let message = "f-string: conversion type must come right after the exclamanation mark";
        return raise(inp, Diagnostic::syntax("E0046", message, token.span));
    }
    inp.skip();
    Ok(match inp.state().source.slice(token.span) {
        "s" => Ok(Conversion::Str),
        "r" => Ok(Conversion::Repr),
        "a" => Ok(Conversion::Ascii),
        _ => Err(token.span),
    })
}

/// Names what is missing after a field's expression.
fn not_closed(
    inp: &mut In,
    open: Span,
    is_debug: bool,
    has_conversion: bool,
    has_spec: bool,
) -> Res<()> {
    if !inp.state().explain {
        return fail();
    }
    let message = if has_spec {
        "f-string: expecting '}', or format specs"
    } else if has_conversion {
        "f-string: expecting ':' or '}'"
    } else if is_debug {
        "f-string: expecting '!', or ':', or '}'"
    } else {
        "f-string: expecting '=', or '!', or ':', or '}'"
    };
    let here = peek(inp).span;
    raise(
        inp,
        Diagnostic::syntax("E0040", message, here).label(open, "of this field"),
    )
}

fn explain_field(inp: &mut In, open: Span) {
    let here = Span::new(inp.state().furthest, inp.state().furthest);
    let state = inp.state();
    if state.explain {
        let mut tokens = state
            .tokens
            .iter()
            .skip_while(|token| token.span.start <= open.start);
        let is_lambda = tokens.next().is_some_and(|token| token.kind == T::Lambda);
        let at_colon = tokens
            .take_while(|token| token.span.start < here.start)
            .last()
            .is_some_and(|token| token.kind == T::Colon);
        if is_lambda && at_colon {
            let message = "f-string: lambda expressions are not allowed without parentheses";
            state.raise(Diagnostic::syntax("E0044", message, open));
            return;
        }
        let message = "f-string: expecting a valid expression after '{'";
        state.raise(Diagnostic::syntax("E0045", message, open));
    }
}
