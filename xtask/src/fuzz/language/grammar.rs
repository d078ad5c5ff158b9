//! Expressions. Takes a type, gives an expression that is mostly of it, from templates in which
//! `$I` stands for an int, `$S` for a string and so on. Never grows without bounds: exponents,
//! shifts and repetitions are small.

use super::super::writer::Writer;
use super::literals;
use super::templates;

/// What an expression is meant to be.
#[derive(Clone, Copy, PartialEq)]
pub enum Type {
    Int,
    Float,
    Str,
    Bytes,
    List,
    Dict,
    Tuple,
    Bool,
    Set,
    Any,
}

use Type::{Any, Bool, Bytes, Dict, Float, Int, List, Set, Str, Tuple};

/// The names that every section has, with what they hold at first.
pub const VARIABLES: [(&str, Type); 14] = [
    ("i", Int),
    ("j", Int),
    ("x", Float),
    ("y", Float),
    ("s", Str),
    ("t", Str),
    ("c", Bytes),
    ("l", List),
    ("m", List),
    ("d", Dict),
    ("e", Dict),
    ("u", Tuple),
    ("v", Tuple),
    ("k", Set),
];

const CONCRETE: [Type; 9] = [Int, Float, Str, Bytes, List, Dict, Tuple, Bool, Set];

/// An expression that is mostly of the type that is asked for.
pub fn expression(w: &mut Writer, kind: Type, depth: usize) -> String {
    let kind = match kind {
        Any => CONCRETE[w.below(CONCRETE.len())],
        // What is of the wrong type shows what the error says.
        _ if w.once_in(50) => CONCRETE[w.below(CONCRETE.len())],
        kind => kind,
    };
    if depth == 0 || w.once_in(5) {
        return leaf(w, kind);
    }
    let template = w.pick(templates::of(kind));
    let value = fill(w, template, depth - 1);
    if kind == Set {
        // What is hashed by identity would come in an order of its own.
        format!("ordered({value})")
    } else {
        value
    }
}

/// A name or a literal.
pub fn leaf(w: &mut Writer, kind: Type) -> String {
    let kind = match kind {
        Any => CONCRETE[w.below(CONCRETE.len())],
        kind => kind,
    };
    let names: Vec<&str> = VARIABLES
        .iter()
        .filter(|(_, of)| *of == kind)
        .map(|(name, _)| *name)
        .collect();
    if !names.is_empty() && w.once_in(2) {
        w.pick(&names).to_owned()
    } else {
        let literal = w.pick(literals::of(kind));
        let is_number = matches!(kind, Int | Float);
        if is_number && literal.contains(['*', '/', '-', ' ']) {
            format!("({literal})")
        } else {
            literal.to_owned()
        }
    }
}

/// A template with its holes filled: `$I` and the like with expressions, `$n` and the like with
/// small pieces. A hole's name ends where its table says.
pub fn fill(w: &mut Writer, template: &str, depth: usize) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        let hole = rest[at + 1..].chars().next().unwrap_or(' ');
        rest = &rest[at + 1 + hole.len_utf8()..];
        let piece = match hole {
            'I' => expression(w, Int, depth),
            'F' => expression(w, Float, depth),
            'S' => expression(w, Str, depth),
            'Y' => expression(w, Bytes, depth),
            'L' => expression(w, List, depth),
            'D' => expression(w, Dict, depth),
            'U' => expression(w, Tuple, depth),
            'B' => expression(w, Bool, depth),
            'K' => expression(w, Set, depth),
            'A' => expression(w, Any, depth),
            'N' => {
                let kind = [Int, Float, Bool][w.below(3)];
                expression(w, kind, depth)
            }
            'G' => iterable(w, depth),
            'H' => {
                // What can be a key or stand in a set: a nan comes there where its address says.
                let kind = [Int, Float, Str, Bytes, Bool][w.below(5)];
                let text = expression(w, kind, depth);
                match kind == Float && text.contains("'inf'") {
                    true => format!("stable({text})"),
                    false => text,
                }
            }
            // Pieces that are no expressions of a section's own.
            'n' => w.below(5).to_string(),
            'z' => w
                .pick(&["-1", "0", "1", "2", "3", "-2", "5", "-9", "9"])
                .to_owned(),
            ':' => slice(w),
            'f' => w.pick(&["f0", "f1", "f2"]).to_owned(),
            'g' => w.pick(literals::CALLABLES).to_owned(),
            'k' => w.pick(literals::KEYS).to_owned(),
            'o' => w.pick(&["o0", "o1", "o2", "o3"]).to_owned(),
            'q' => w.pick(&["C0", "C1", "C2", "C3"]).to_owned(),
            'x' => w.pick(literals::EXCEPTIONS).to_owned(),
            'p' => super::formatting::spec(w, "dboxXcn%eEfFgGs"),
            'w' => w.pick(&["i", "j", "x", "s", "l", "d", "u"]).to_owned(),
            other => format!("${other}"),
        };
        // What follows would bind to a part of it, or make a number's point of a method's.
        let is_postfixed = rest.starts_with(['.', '[', '(']);
        if is_postfixed && !is_closed(&piece) {
            text.push_str(&format!("({piece})"));
        } else {
            text.push_str(&piece);
        }
    }
    text.push_str(rest);
    text
}

/// What a `for` can run over.
fn iterable(w: &mut Writer, depth: usize) -> String {
    if w.once_in(3) {
        let template = w.pick(templates::ITERABLES);
        return fill(w, template, depth);
    }
    let kind = [List, Tuple, Str, Dict, Set, Bytes][w.below(6)];
    expression(w, kind, depth)
}

/// The inside of the brackets of a slice.
fn slice(w: &mut Writer) -> String {
    const BOUNDS: &[&str] = &[
        "", "", "0", "1", "2", "3", "-1", "-2", "-3", "7", "-7", "100", "-100", "i", "None",
    ];
    const STEPS: &[&str] = &[
        "", "", ":", ":1", ":-1", ":2", ":-2", ":3", ":100", ":-100", ":0",
    ];
    let (start, stop) = (w.pick(BOUNDS), w.pick(BOUNDS));
    format!("{start}:{stop}{}", w.pick(STEPS))
}

/// Whether a text is one operand: no number, and no operator outside brackets and quotes.
fn is_closed(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for char in text.chars() {
        match (quote, char) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if char == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(char),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ' ' | '-' | '+' | '~') if depth == 0 => return false,
            _ => {}
        }
    }
    !text.starts_with(|c: char| c.is_ascii_digit())
}
