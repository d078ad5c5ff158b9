//! Values as text. Gives format specs of the mini-language, `%` formats and `str.format` fields,
//! right and wrong ones; never a width beyond some dozens.

use super::super::writer::Writer;
use super::grammar::{self, Type};

/// A spec of the mini-language, with one of these presentation types or none.
pub fn spec(w: &mut Writer, kinds: &str) -> String {
    let mut text = String::new();
    if w.once_in(2) {
        if w.once_in(3) {
            text += w.pick(&["*", "0", "x", "é", " ", "-", "<"]);
        }
        text += w.pick(&["<", ">", "^", "="]);
    }
    if w.once_in(3) {
        text += w.pick(&["+", "-", " "]);
    }
    if w.once_in(9) {
        text += "z";
    }
    if w.once_in(4) {
        text += "#";
    }
    if w.once_in(4) {
        text += "0";
    }
    if w.once_in(2) {
        text += &w.below(25).to_string();
    }
    if w.once_in(4) {
        text += w.pick(&[",", "_"]);
    }
    if w.once_in(3) {
        text += &format!(".{}", w.below(22));
    }
    if !w.once_in(4) {
        let all: Vec<char> = kinds.chars().collect();
        text.push(all[w.below(all.len())]);
    }
    text
}

/// Lines that show values in many forms.
pub fn section(w: &mut Writer) {
    for _ in 0..5 + w.below(8) {
        let line = one(w);
        w.attempt(|w| w.line(format!("show({line})")));
    }
}

fn one(w: &mut Writer) -> String {
    let (kind, kinds) = match w.below(5) {
        0 => (Type::Int, "dbcoxXneEfFgG%s"),
        1 | 2 => (Type::Float, "eEfFgGn%d"),
        3 => (Type::Str, "sd"),
        _ => (Type::Bool, "dsxf"),
    };
    let value = grammar::expression(w, kind, 1);
    match w.below(7) {
        0 | 1 => format!("format({value}, '{}')", spec(w, kinds)),
        2 => format!("f'{{({value}):{}}}'", spec(w, kinds)),
        3 => {
            let other = grammar::expression(w, Type::Any, 1);
            let conversion = w.pick(&["", "!r", "!s", "!a"]);
            let outer = spec(w, "s");
            format!(
                "'{{0{conversion}:{outer}}}|{{1:{}}}'.format({other}, {value})",
                spec(w, kinds)
            )
        }
        4 => {
            let width = w.below(12);
            let fill = grammar::leaf(w, Type::Str);
            format!(
                "'{{:{{}}>{{w}}.{{p}}}}'.format({value}, {fill}[:1], w={width}, p={})",
                w.below(5)
            )
        }
        5 => {
            let flags = w.pick(&["", "-", "+", "0", "#", " ", "-0", "+#"]);
            let width = w.pick(&["", "3", "12", "20"]);
            let precision = w.pick(&["", ".0", ".1", ".3", ".10", "."]);
            let letter = w.pick(&[
                "d", "i", "u", "x", "X", "o", "e", "E", "f", "g", "G", "s", "r", "a", "c", "y",
            ]);
            format!("'[%{flags}{width}{precision}{letter}]' % {value}")
        }
        _ => {
            let field = w.pick(&[
                "{}",
                "{0}",
                "{1}",
                "{a}",
                "{0[0]}",
                "{a.real}",
                "{0!r:>{1}}",
                "{",
                "}",
                "{0.x}",
                "{!x}",
                "{0[a]}",
                "{{{}}}",
                "{:{}}",
                "{} {0}",
            ]);
            let other = grammar::leaf(w, Type::Any);
            format!("'{field}'.format({value}, {}, a={other})", w.below(9))
        }
    }
}
