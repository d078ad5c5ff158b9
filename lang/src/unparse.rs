//! Takes an expression, gives the text that `from __future__ import
//! annotations` stores for it: CPython 3.13's ast_unparse.c. And a constant's
//! repr, for messages.

use std::fmt::Write;

use crate::ast::*;
use crate::bytecode::Const;

/// The expression's text.
pub(crate) fn expression(expr: &Expr) -> String {
    let mut out = String::new();
    write_expr(&mut out, expr, TEST);
    out
}

/// The repr of a constant that stands for one literal.
pub(crate) fn constant(value: &Const) -> String {
    match value {
        Const::True => String::from("True"),
        Const::False => String::from("False"),
        Const::Int(value) => value.to_string(),
        Const::BigInt(value) => value.to_string(),
        Const::Float(value) if value.is_infinite() => {
            String::from(if *value > 0.0 { "inf" } else { "-inf" })
        }
        Const::Float(value) => float_text(*value),
        Const::Str(text) => str_repr(&text.code_points()),
        Const::Bytes(bytes) => bytes_repr(bytes),
        _ => String::from("None"),
    }
}

// Precedence levels, as ast_unparse.c numbers them.
const TUPLE: u8 = 0;
const TEST: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
const NOT: u8 = 4;
const CMP: u8 = 5;
const BOR: u8 = 6;
const BXOR: u8 = 7;
const BAND: u8 = 8;
const SHIFT: u8 = 9;
const ARITH: u8 = 10;
const TERM: u8 = 11;
const FACTOR: u8 = 12;
const POWER: u8 = 13;
const AWAIT: u8 = 14;
const ATOM: u8 = 15;

fn in_parens(out: &mut String, parens: bool, body: impl FnOnce(&mut String)) {
    if parens {
        out.push('(');
    }
    body(out);
    if parens {
        out.push(')');
    }
}

fn comma_list<T>(out: &mut String, items: &[T], mut write: impl FnMut(&mut String, &T)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(out, item);
    }
}

fn binary_level(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::BitOr => BOR,
        BinaryOp::BitXor => BXOR,
        BinaryOp::BitAnd => BAND,
        BinaryOp::LShift | BinaryOp::RShift => SHIFT,
        BinaryOp::Add | BinaryOp::Sub => ARITH,
        BinaryOp::Pow => POWER,
        _ => TERM,
    }
}

fn compare_text(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => " == ",
        CmpOp::NotEq => " != ",
        CmpOp::Lt => " < ",
        CmpOp::LtE => " <= ",
        CmpOp::Gt => " > ",
        CmpOp::GtE => " >= ",
        CmpOp::Is => " is ",
        CmpOp::IsNot => " is not ",
        CmpOp::In => " in ",
        CmpOp::NotIn => " not in ",
    }
}

fn write_expr(out: &mut String, expr: &Expr, level: u8) {
    match &expr.kind {
        ExprKind::Name(name) => out.push_str(name),
        ExprKind::None => out.push_str("None"),
        ExprKind::True => out.push_str("True"),
        ExprKind::False => out.push_str("False"),
        ExprKind::Ellipsis => out.push_str("..."),
        ExprKind::Int(value) => out.push_str(&value.to_string()),
        ExprKind::BigInt(value) => out.push_str(&value.to_string()),
        ExprKind::Float(value) => out.push_str(&float_text(*value)),
        ExprKind::Complex(value) => {
            out.push_str(&float_text(*value));
            out.push('j');
        }
        ExprKind::Str(text) => out.push_str(&str_repr(&text.code_points())),
        ExprKind::Bytes(bytes) => out.push_str(&bytes_repr(bytes)),
        ExprKind::FString(string) => write_fstring(out, string),
        ExprKind::Unary { op, operand } => {
            let (text, own) = match op {
                UnaryOp::Not => ("not ", NOT),
                UnaryOp::Neg => ("-", FACTOR),
                UnaryOp::Pos => ("+", FACTOR),
                UnaryOp::Invert => ("~", FACTOR),
            };
            in_parens(out, level > own, |out| {
                out.push_str(text);
                write_expr(out, operand, own);
            });
        }
        ExprKind::Binary(node) => write_binary(out, node, level),
        ExprKind::BoolOp { op, values } => {
            let (text, own) = match op {
                BoolOp::And => (" and ", AND),
                BoolOp::Or => (" or ", OR),
            };
            in_parens(out, level > own, |out| {
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push_str(text);
                    }
                    write_expr(out, value, own + 1);
                }
            });
        }
        ExprKind::Compare(node) => in_parens(out, level > CMP, |out| {
            write_expr(out, &node.first, CMP + 1);
            for term in &node.rest {
                out.push_str(compare_text(term.op));
                write_expr(out, &term.operand, CMP + 1);
            }
        }),
        ExprKind::Lambda(lambda) => in_parens(out, level > TEST, |out| {
            let params = params_text(&lambda.params);
            out.push_str(if params.is_empty() {
                "lambda"
            } else {
                "lambda "
            });
            out.push_str(&params);
            out.push_str(": ");
            write_expr(out, &lambda.body, TEST);
        }),
        ExprKind::IfExp(node) => in_parens(out, level > TEST, |out| {
            write_expr(out, &node.body, TEST + 1);
            out.push_str(" if ");
            write_expr(out, &node.test, TEST + 1);
            out.push_str(" else ");
            write_expr(out, &node.orelse, TEST);
        }),
        ExprKind::Dict(items) => {
            out.push('{');
            comma_list(out, items, |out, item| match item {
                DictItem::Pair { key, value } => {
                    write_expr(out, key, TEST);
                    out.push_str(": ");
                    write_expr(out, value, TEST);
                }
                DictItem::Spread(value) => {
                    out.push_str("**");
                    write_expr(out, value, BOR);
                }
            });
            out.push('}');
        }
        ExprKind::Set(items) => {
            out.push('{');
            comma_list(out, items, |out, item| write_expr(out, item, TEST));
            out.push('}');
        }
        ExprKind::List(items) => {
            out.push('[');
            comma_list(out, items, |out, item| write_expr(out, item, TEST));
            out.push(']');
        }
        ExprKind::Tuple(items) => {
            if items.is_empty() {
                out.push_str("()");
                return;
            }
            in_parens(out, level > TUPLE, |out| {
                comma_list(out, items, |out, item| write_expr(out, item, TEST));
                if items.len() == 1 {
                    out.push(',');
                }
            });
        }
        ExprKind::ListComp(comp) => {
            out.push('[');
            write_expr(out, &comp.element, TEST);
            write_clauses(out, &comp.clauses);
            out.push(']');
        }
        ExprKind::SetComp(comp) => {
            out.push('{');
            write_expr(out, &comp.element, TEST);
            write_clauses(out, &comp.clauses);
            out.push('}');
        }
        ExprKind::DictComp(comp) => {
            out.push('{');
            write_expr(out, &comp.key, TEST);
            out.push_str(": ");
            write_expr(out, &comp.value, TEST);
            write_clauses(out, &comp.clauses);
            out.push('}');
        }
        ExprKind::Generator(comp) => {
            out.push('(');
            write_expr(out, &comp.element, TEST);
            write_clauses(out, &comp.clauses);
            out.push(')');
        }
        ExprKind::Await(value) => in_parens(out, level > AWAIT, |out| {
            out.push_str("await ");
            write_expr(out, value, ATOM);
        }),
        ExprKind::Yield(value) => {
            out.push_str("(yield");
            if let Some(value) = value {
                out.push(' ');
                write_expr(out, value, TUPLE);
            }
            out.push(')');
        }
        ExprKind::YieldFrom(value) => {
            out.push_str("(yield from ");
            write_expr(out, value, TEST);
            out.push(')');
        }
        ExprKind::Call(call) => {
            write_expr(out, &call.func, ATOM);
            if let [Arg::Positional(only)] = &call.args[..]
                && matches!(only.kind, ExprKind::Generator(_))
            {
                write_expr(out, only, TEST);
                return;
            }
            out.push('(');
            let (named, positional): (Vec<&Arg>, Vec<&Arg>) = call
                .args
                .iter()
                .partition(|arg| matches!(arg, Arg::Keyword { .. } | Arg::DoubleStar { .. }));
            let args: Vec<&Arg> = positional.into_iter().chain(named).collect();
            comma_list(out, &args, |out, arg| match arg {
                Arg::Positional(value) => write_expr(out, value, TEST),
                Arg::Star { value, .. } => {
                    out.push('*');
                    write_expr(out, value, BOR);
                }
                Arg::Keyword { name, value, .. } => {
                    out.push_str(&name.name);
                    out.push('=');
                    write_expr(out, value, TEST);
                }
                Arg::DoubleStar { value, .. } => {
                    out.push_str("**");
                    write_expr(out, value, TEST);
                }
            });
            out.push(')');
        }
        ExprKind::Attribute { value, attr } => {
            write_expr(out, value, ATOM);
            let is_int = matches!(value.kind, ExprKind::Int(_) | ExprKind::BigInt(_));
            out.push_str(if is_int { " ." } else { "." });
            out.push_str(&attr.name);
        }
        ExprKind::Subscript { value, index } => {
            write_expr(out, value, ATOM);
            out.push('[');
            write_expr(out, index, TUPLE);
            out.push(']');
        }
        ExprKind::Slice(slice) => {
            if let Some(lower) = &slice.lower {
                write_expr(out, lower, TEST);
            }
            out.push(':');
            if let Some(upper) = &slice.upper {
                write_expr(out, upper, TEST);
            }
            if let Some(step) = &slice.step {
                out.push(':');
                write_expr(out, step, TEST);
            }
        }
        ExprKind::Starred(value) => {
            out.push('*');
            write_expr(out, value, BOR);
        }
        ExprKind::Named { target, value } => {
            out.push('(');
            out.push_str(&target.name);
            out.push_str(" := ");
            write_expr(out, value, ATOM);
            out.push(')');
        }
    }
}

/// A chain nests to the left: each prefix is an operand of the next operator.
fn write_binary(out: &mut String, node: &Binary, level: u8) {
    let Some(last) = node.rest.last() else { return };
    let own = binary_level(last.op);
    // `**` binds to the right, all others to the left.
    let (left_level, right_level) = if last.op == BinaryOp::Pow {
        (own + 1, own)
    } else {
        (own, own + 1)
    };
    in_parens(out, level > own, |out| {
        let left = if node.rest.len() > 1 { own } else { left_level };
        write_expr(out, &node.first, left);
        for term in &node.rest {
            let _ = write!(out, " {} ", term.op.symbol());
            write_expr(out, &term.operand, right_level);
        }
    });
}

fn write_clauses(out: &mut String, clauses: &[ForClause]) {
    for clause in clauses {
        out.push_str(if clause.is_async {
            " async for "
        } else {
            " for "
        });
        write_expr(out, &clause.target, TUPLE);
        out.push_str(" in ");
        write_expr(out, &clause.iter, TEST + 1);
        for condition in &clause.conditions {
            out.push_str(" if ");
            write_expr(out, condition, TEST + 1);
        }
    }
}

fn params_text(params: &Params) -> String {
    let plain = |param: &Param| {
        let mut text = param.name.name.to_string();
        if let Some(default) = &param.default {
            text.push('=');
            write_expr(&mut text, default, TEST);
        }
        text
    };
    let mut texts: Vec<String> = params.posonly.iter().map(plain).collect();
    if !texts.is_empty() {
        texts.push(String::from("/"));
    }
    texts.extend(params.regular.iter().map(plain));
    match &params.vararg {
        Some(vararg) => texts.push(format!("*{}", vararg.name.name)),
        None if !params.kwonly.is_empty() => texts.push(String::from("*")),
        None => {}
    }
    texts.extend(params.kwonly.iter().map(plain));
    if let Some(kwarg) = &params.kwarg {
        texts.push(format!("**{}", kwarg.name.name));
    }
    texts.join(", ")
}

fn write_fstring(out: &mut String, string: &FString) {
    let mut body = String::new();
    write_fstring_parts(&mut body, string);
    let units: Vec<u32> = body.chars().map(u32::from).collect();
    out.push('f');
    out.push_str(&str_repr(&units));
}

fn write_fstring_parts(out: &mut String, string: &FString) {
    for part in &string.parts {
        match part {
            FStringPart::Literal(text) => {
                for unit in text.code_points() {
                    let c = char::from_u32(unit).unwrap_or('\u{fffd}');
                    if matches!(c, '{' | '}') {
                        out.push(c);
                    }
                    out.push(c);
                }
            }
            FStringPart::Field(field) => {
                let value = expression(&field.value);
                out.push('{');
                if value.starts_with('{') {
                    out.push(' ');
                }
                out.push_str(&value);
                out.push_str(match field.conversion {
                    None => "",
                    Some(Conversion::Str) => "!s",
                    Some(Conversion::Repr) => "!r",
                    Some(Conversion::Ascii) => "!a",
                });
                if let Some(spec) = &field.format_spec {
                    out.push(':');
                    write_fstring_parts(out, spec);
                }
                out.push('}');
            }
        }
    }
}

/// CPython's repr of a float, with infinity as a literal that overflows to it.
fn float_text(value: f64) -> String {
    if value.is_infinite() {
        return String::from("1e309");
    }
    let magnitude = value.abs();
    if value == 0.0 || (1e-4..1e16).contains(&magnitude) {
        let text = format!("{value}");
        if text.contains('.') {
            text
        } else {
            text + ".0"
        }
    } else {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        format!("{digits}e{sign}{exponent:0>2}")
    }
}

fn str_repr(units: &[u32]) -> String {
    let has = |c: char| units.contains(&u32::from(c));
    let quote = if has('\'') && !has('"') { '"' } else { '\'' };
    let mut out = String::new();
    out.push(quote);
    for &unit in units {
        match char::from_u32(unit) {
            Some(c) if c == quote || c == '\\' => {
                out.push('\\');
                out.push(c);
            }
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(c) if (c as u32) < 0x20 || c as u32 == 0x7f => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            Some(c) => out.push(c),
            None => {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out.push(quote);
    out
}

fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::from("b");
    out.push(quote);
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            byte if byte == quote as u8 => {
                out.push('\\');
                out.push(quote);
            }
            0x20..=0x7e => out.push(byte as char),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
    out
}
