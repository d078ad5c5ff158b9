//! f-strings in every shape, comprehensions and names that are bound inside of them. Gives lines
//! that show the text or the value; nothing in them is longer than a line.

use super::super::writer::Writer;
use super::formatting::spec;
use super::grammar::{self, Type};
use super::{lines, one_of};

/// None asks for `locals()`: CPython 3.13.0 crashes in some.
const COMPREHENSIONS: &[&str] = &[
    "show([(n := a) for a in $G], n)",
    "show([y for a in $G if (y := a)], y)",
    "show([[(n := a, b) for b in 'xy'] for a in $G][:3], n)",
    "show({(n := a): b for a, b in zip($S, $G)}, n)",
    "show([a for a in $G for b in [a] if b])",
    "show([a for a, in zip($G)])",
    "show([*(a for a in $G), *[b for b in $G]][:9])",
    "show([a for a in (lambda: $G)()])",
    "show([(a, b) for a in 'ab' for b in a for a in [b]])",
    "show([i for i in $G], i)",
    "show([s for s in s][:4], s)",
    "show([(lambda: a + 1)() for a in range($n)])",
    "show([[a, b][c] for a in $G for b in $S[:2] for c in (0, 1)][:6])",
    "show({a: {b: w for b, w in zip('xy', $G)} for a in $S[:2]})",
    "show([l[0] for l[0] in $G], l)",
    "show([d['k'] for d['k'] in $G], d)",
    "show(sum(a if isinstance(a, int) else 1 for a in $G))",
    "show(any((n := a) for a in $G), n)",
    "show([a for a in $G if not a or $B])",
    "show([x if x else y for x in $G for y in [x, x]][:6])",
    "class Body:\n    a = $n\n    b = [a for a in range(a)]\n    try: c = [a for _ in range(2)]\n    except NameError as error: c = str(error)\n    d = [b for b in b]\nshow(Body.b, Body.c, Body.d)",
    "def outer(a):\n    def inner(): return [a for _ in range(2)], {a for a in range(2)}, a\n    b = [(a := n) for n in range($n)]\n    return inner(), a, b\nshow(outer($A))",
    "def outer(*a):\n    return [lambda: (a, n) for n in a]\nshow([f() for f in outer($I, $S)])",
    "def outer():\n    global shared\n    return [(shared := n) for n in $G]\nshow(outer(), shared)",
    "def outer():\n    q = [r for r in $G if (last := r)]\n    return q, last\nshow(outer())",
    "show(*[[a := 1, a + 1] for _ in range(1)], a)",
    "if (n := len($S)) > 2 and (x := n * 2): show(n, x)",
    "while (n := len(l)) > 2: l.pop()\nshow(n)",
    "show((n := 1, n + 1), (n := $A))",
    "show(f(n := 2) if callable(f := lambda a: a) else f, n)",
    "show([0, n := 1, n][n := 2], {n := 'k': n})",
    "show(s[(n := 1):], n, l[n := 0])",
    "*a, b = [n for n in $G]; show(a, b)",
    "a, (b, *c) = $A, $G; show(a, b, c)",
    "[a, [b, c]] = $I, $S[:2]; show(a, b, c)",
    "(a), l[0], d['u'] = $U; show(a, l, d)",
    "a = b = c = $L; a += [1]; show(b, c is a)",
    "l[0:2], a = $G, $I; show(l, a)",
    "for l[0], d[1] in zip($G, $G): pass\nshow(l, d)",
    "for a, *b in [$U, $S]: show(a, b)",
    "with Manager($A) as l[0], Manager(1) as (a): show(l, a)",
    "with (Manager(1) as a, Manager(a, $B)): raise $x($S)",
    "del (a), [b]; show(a)",
    "a: int = 5; show(a)\n(b): int = 6; show(b)\nl[0]: int = 7; show(l)",
    "assert (n := $A), f'{n=}'",
];

/// Lines of f-strings and comprehensions.
pub fn section(w: &mut Writer) {
    w.line("a, b, n, width = 1, 'b', 3, 7");
    for _ in 0..8 + w.below(8) {
        if w.once_in(2) {
            w.attempt(|w| lines(w, COMPREHENSIONS));
        } else {
            let text = literal(w, 2);
            w.attempt(|w| w.line(format!("show({text})")));
        }
    }
}

/// An f-string, mostly of some parts; in its fields stand others.
fn literal(w: &mut Writer, depth: usize) -> String {
    let prefix = w.pick(&["f", "f", "f", "rf", "fr", "F"]);
    let quote = w.pick(&["'", "\"", "'''", "\"\"\""]);
    let mut text = format!("{prefix}{quote}");
    for _ in 0..1 + w.below(4) {
        if w.once_in(3) {
            text += w.pick(&[
                "é", "{{", "}}", " ", "%s", "\\n", "\\t|", "\\x41", "\\u00e9", "-", "\\\\", ":",
                "!r", "=",
            ]);
        }
        text += &field(w, depth);
    }
    text + quote
}

fn field(w: &mut Writer, depth: usize) -> String {
    let kind = [
        Type::Int,
        Type::Float,
        Type::Str,
        Type::Bool,
        Type::List,
        Type::Any,
    ][w.below(6)];
    let value = match w.below(12) {
        0 if depth > 0 => literal(w, depth - 1),
        1 => one_of(
            w,
            &[
                "(lambda a: a)($A)",
                "(n := $n)",
                "$A if $B else $A",
                "*$L, 1",
                "[*$G][:2]",
                "{$H: $A}",
                "{'k': 1}['k']",
            ],
            1,
        ),
        2 => w
            .pick(&[
                "s", "i", "x", "l[0]", "d['a']", "n", "P(1)", "P", "None", "...",
            ])
            .to_owned(),
        3 => grammar::leaf(w, kind),
        _ => grammar::expression(w, kind, 1),
    };
    // A brace, a lambda's colon or a walrus would be read as something else.
    let value = if value.starts_with('{') || value.contains("lambda") || value.contains(":=") {
        format!("({value})")
    } else {
        value
    };
    let spaces = w.pick(&["", "", "", " ", "  "]);
    // CPython 3.13.0 takes what follows a # inside of a text for a comment, and loses parts of the
    // text of an expression with a keyword argument.
    let is_argument = |pair: &[u8]| matches!(pair, [b'a'..=b'z' | b'_', b'=']);
    let misread = value.contains('#') || value.as_bytes().windows(2).any(is_argument);
    let equals = if w.once_in(4) && !misread {
        w.pick(&["=", " = ", "= "])
    } else {
        ""
    };
    let conversion = w.pick(&["", "", "", "", "!r", "!s", "!a"]);
    let format = match w.below(6) {
        0 => format!(":{}", spec(w, "sdxfegn")),
        1 => format!(":{{width}}{}", w.pick(&["", "d", "s", ".2f"])),
        2 if depth > 0 => format!(
            ":{{{}}}",
            w.pick(&["'>9'", "s", "width + 2", "'x'!r", "i=", "''"])
        ),
        3 => format!(
            ":{}{{{}}}.{{{}}}",
            w.pick(&["", ">", "*^", "0"]),
            w.below(12),
            w.below(6)
        ),
        _ => String::new(),
    };
    format!("{{{spaces}{value}{equals}{conversion}{format}}}")
}
