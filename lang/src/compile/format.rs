//! Compiles text that is put together: f-strings, and a constant format with `%` and a tuple,
//! which CPython makes one of.

use super::expr::{BATCH, is_starred};
use super::frame::Frame;
use crate::ast::{BinaryOp, BinaryTerm, Conversion, Expr, ExprKind, FString, FStringPart, StrLit};
use crate::bytecode::{Const, Op, Reg};
use crate::fold;
use crate::source::Span;

/// CPython 3.13 ast_opt.c MAXDIGITS: a width or a precision with as many is left to `%`.
const DIGITS_MAX: usize = 3;

/// A part of the text.
pub(super) enum Piece<'a> {
    Literal(StrLit),
    Field {
        value: &'a Expr,
        conversion: Option<Conversion>,
        spec: Option<Spec<'a>>,
        span: Span,
    },
}

/// How a field is formatted.
pub(super) enum Spec<'a> {
    Constant(String),
    Parts(&'a FString),
}

/// The parts of an f-string.
pub(super) fn pieces(string: &FString) -> Vec<Piece<'_>> {
    let mut pieces = Vec::with_capacity(string.parts.len());
    for part in &string.parts {
        pieces.push(match part {
            FStringPart::Literal(text) => Piece::Literal(text.clone()),
            FStringPart::Field(field) => Piece::Field {
                value: &field.value,
                conversion: field.conversion,
                spec: field.format_spec.as_ref().map(Spec::Parts),
                span: field.span,
            },
        });
    }
    pieces
}

/// The parts of `format % (a, b)`, if all fields of the constant format are `%s`, `%r` and `%a`
/// and there is a value for each. Then the text of each value is asked for before the next value
/// is evaluated: CPython 3.13 ast_opt.c optimize_format.
pub(super) fn percent_pieces<'a>(format: &Const, term: &'a BinaryTerm) -> Option<Vec<Piece<'a>>> {
    let (Const::Str(StrLit::Text(format)), ExprKind::Tuple(items)) = (format, &term.operand.kind)
    else {
        return None;
    };
    if term.op != BinaryOp::Mod
        || items.iter().any(is_starred)
        || fold::constant(&term.operand).is_some()
    {
        return None;
    }
    let mut items = items.iter();
    let mut pieces = Vec::new();
    let mut rest = format.as_str();
    loop {
        let n = literal_bytes(rest);
        if n > 0 {
            let text = rest[..n].replace("%%", "%");
            pieces.push(Piece::Literal(StrLit::Text(text)));
        }
        rest = &rest[n..];
        if rest.is_empty() {
            break;
        }
        let value = items.next()?;
        let (conversion, spec, n) = percent_field(rest)?;
        pieces.push(Piece::Field {
            value,
            conversion: Some(conversion),
            spec: (!spec.is_empty()).then_some(Spec::Constant(spec)),
            span: value.span,
        });
        rest = &rest[n..];
    }
    items.next().is_none().then_some(pieces)
}

/// How much of a format stands for itself.
fn literal_bytes(format: &str) -> usize {
    let mut at = 0;
    while let Some(n) = format[at..].find('%') {
        at += n;
        if !format[at..].starts_with("%%") {
            return at;
        }
        at += 2;
    }
    format.len()
}

/// The conversion of a field such as `%-5.2s`, its format in the words of `format()`, and its
/// length. CPython 3.13 ast_opt.c simple_format_arg_parse, parse_format.
fn percent_field(format: &str) -> Option<(Conversion, String, usize)> {
    let rest = format.strip_prefix('%')?;
    let after_flags = rest.trim_start_matches(['-', '+', ' ', '#', '0']);
    let flags = &rest[..rest.len() - after_flags.len()];
    let (width, rest) = number(after_flags)?;
    let (precision, rest) = match rest.strip_prefix('.') {
        Some(rest) => {
            let (precision, rest) = number(rest)?;
            (Some(precision.unwrap_or(0)), rest)
        }
        None => (None, rest),
    };
    let conversion = match rest.chars().next()? {
        's' => Conversion::Str,
        'r' => Conversion::Repr,
        'a' => Conversion::Ascii,
        _ => return None,
    };
    let mut spec = String::new();
    if let Some(width) = width {
        // Flags come before, so that it does not begin with a 0.
        let side = if flags.contains('-') { "" } else { ">" };
        spec = format!("{side}{width}");
    }
    if let Some(precision) = precision {
        spec += &format!(".{precision}");
    }
    Some((conversion, spec, format.len() - rest.len() + 1))
}

/// The number that a text begins with, if it does, and what follows; None where it is too long.
fn number(text: &str) -> Option<(Option<u32>, &str)> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &text[..text.len() - rest.len()];
    (digits.len() < DIGITS_MAX).then(|| (digits.parse().ok(), rest))
}

impl<'a> Frame<'a> {
    /// `dst` = the text that the pieces make together.
    pub fn joined(&mut self, pieces: &[Piece<'a>], dst: Reg, span: Span) {
        match pieces {
            [] => {
                let empty = StrLit::Text(String::new());
                self.asm.load_const(dst, Const::Str(empty));
                return;
            }
            [piece] => {
                self.piece(piece, dst, span);
                return;
            }
            _ => {}
        }
        let mark = self.regs.mark();
        if pieces.len() <= BATCH {
            let first = self.pieces(pieces, span);
            self.at(span);
            self.build(Op::BuildString, dst, first, pieces.len());
        } else {
            // Part strings first, then their join.
            let n = pieces.len().div_ceil(BATCH);
            let joined = self.regs.alloc_n(n as u32);
            for (at, run) in pieces.chunks(BATCH).enumerate() {
                let inner = self.regs.mark();
                let first = self.pieces(run, span);
                self.at(span);
                let part = Reg(joined.0.wrapping_add(at as u16));
                self.build(Op::BuildString, part, first, run.len());
                self.regs.release(inner);
            }
            self.build(Op::BuildString, dst, joined, n);
        }
        self.regs.release(mark);
    }

    fn pieces(&mut self, pieces: &[Piece<'a>], span: Span) -> Reg {
        let first = self.regs.alloc_n(pieces.len() as u32);
        for (at, piece) in pieces.iter().enumerate() {
            self.piece(piece, Reg(first.0.wrapping_add(at as u16)), span);
        }
        first
    }

    fn piece(&mut self, piece: &Piece<'a>, dst: Reg, span: Span) {
        let (value, conversion, spec, span) = match piece {
            Piece::Literal(text) => {
                self.at(span);
                self.asm.load_const(dst, Const::Str(text.clone()));
                return;
            }
            Piece::Field {
                value,
                conversion,
                spec,
                span,
            } => (*value, conversion, spec, *span),
        };
        let mark = self.regs.mark();
        let mut value = self.operand(value);
        // A spec may hold fields of its own, which are evaluated later.
        if let Some(Spec::Parts(_)) = spec
            && !self.regs.is_temp(value)
            && self.walrus.contains(value)
        {
            let copy = self.regs.alloc();
            self.asm.move_to(copy, value);
            value = copy;
        }
        let conversion = match conversion {
            None => 0,
            Some(Conversion::Str) => 1,
            Some(Conversion::Repr) => 2,
            Some(Conversion::Ascii) => 3,
        };
        let spec = spec.as_ref().map(|spec| {
            let reg = self.regs.alloc();
            self.at(span);
            match spec {
                Spec::Constant(text) => {
                    let text = StrLit::Text(text.clone());
                    self.asm.load_const(reg, Const::Str(text));
                }
                Spec::Parts(string) => self.joined(&pieces(string), reg, span),
            }
            reg
        });
        self.regs.release(mark);
        self.at(span);
        let x = conversion | if spec.is_some() { 4 } else { 0 };
        let spec = spec.unwrap_or(Reg(0));
        self.asm
            .emit(Op::FormatValue, x, dst.0, value.0, spec.0, &[]);
    }
}
