//! `match` with every kind of pattern. Gives statements over subjects that often fit.

use super::super::writer::Writer;
use super::{any, grammar, one_of};
use grammar::Type;

/// A `match` whose cases hold what `body` writes.
pub fn statement(w: &mut Writer, body: impl Fn(&mut Writer)) {
    let subject = subject(w);
    w.block(format!("match {subject}:"), |w| {
        for _ in 0..1 + w.below(4) {
            let mut names = Vec::new();
            let pattern = pattern(w, 2, &mut names);
            let guard = if w.once_in(5) {
                format!(" if {}", grammar::expression(w, Type::Bool, 1))
            } else {
                String::new()
            };
            w.block(format!("case {pattern}{guard}:"), |w| {
                w.line(format!("show('case', {})", names.join(", ")));
                body(w);
            });
            // A name or a wildcard takes all; nothing may follow it.
            if guard.is_empty() && is_irrefutable(&pattern) {
                return;
            }
        }
        if w.once_in(2) {
            w.block("case other:", |w| w.line("show('other', other)"));
        }
    });
}

fn is_irrefutable(pattern: &str) -> bool {
    let inner = pattern.trim_matches(['(', ')']);
    let first = inner.split(" as ").next().unwrap_or(inner);
    inner.contains(" | _")
        || (first.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && first.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

fn subject(w: &mut Writer) -> String {
    one_of(
        w,
        &[
            "$A",
            "$A, $A",
            "[$A, $I, $S]",
            "{'a': $A, 'b': $I, 3: $S}",
            "P($I, $A)",
            "P($I)",
            "$L",
            "$D",
            "$U",
            "($I, [$I, *$L], {'k': $A})",
            "$S",
            "$N",
            "P([1, $A], {'a': 2})",
            "range($n)",
            "{'a': {'a': $A}}",
        ],
        1,
    )
}

/// A pattern; the names it binds are added to `names`.
fn pattern(w: &mut Writer, depth: usize, names: &mut Vec<String>) -> String {
    match w.below(if depth == 0 { 6 } else { 14 }) {
        0 | 1 => {
            let literals = [
                "1", "-1", "0", "2.5", "'a'", "'abc'", "b'a'", "None", "True", "False", "-0.0",
                "''", "math.pi", "3",
            ];
            w.pick(&literals).to_owned()
        }
        2 => "_".to_owned(),
        3 | 4 => {
            let name = w.name("p");
            names.push(name.clone());
            name
        }
        5 => w
            .pick(&[
                "int()", "str()", "float()", "list()", "dict()", "P()", "tuple()", "bool()",
                "bytes()", "object()",
            ])
            .to_owned(),
        6 => {
            // Alternatives bind nothing here; none but the last may take all.
            let mut unused = Vec::new();
            let mut all: Vec<String> = Vec::new();
            while all.len() < 2 {
                unused.clear();
                let one = pattern(w, depth - 1, &mut unused);
                if unused.is_empty() && !is_irrefutable(&one) && !one.contains(" as ") {
                    all.push(one);
                }
            }
            format!("({})", all.join(" | "))
        }
        7 => {
            let inner = pattern(w, depth - 1, names);
            if is_irrefutable(&inner) {
                return inner;
            }
            let name = w.name("p");
            names.push(name.clone());
            format!("({inner} as {name})")
        }
        8 | 9 => {
            let mut parts: Vec<String> = (0..w.below(4))
                .map(|_| pattern(w, depth - 1, names))
                .collect();
            if w.once_in(2) {
                let star = if w.once_in(3) {
                    "*_".to_owned()
                } else {
                    let name = w.name("p");
                    names.push(name.clone());
                    format!("*{name}")
                };
                parts.insert(w.below(parts.len() + 1), star);
            }
            if w.once_in(3) && !parts.is_empty() {
                format!("({},)", parts.join(", "))
            } else {
                format!("[{}]", parts.join(", "))
            }
        }
        10 | 11 => {
            let keys = ["'a'", "'b'", "3", "'k'", "1", "None"];
            let first = w.below(keys.len());
            let mut parts: Vec<String> = (0..w.below(3))
                .map(|n| {
                    format!(
                        "{}: {}",
                        keys[(first + n) % keys.len()],
                        pattern(w, depth - 1, names)
                    )
                })
                .collect();
            if w.once_in(3) {
                let name = w.name("p");
                names.push(name.clone());
                parts.push(format!("**{name}"));
            }
            format!("{{{}}}", parts.join(", "))
        }
        12 => {
            let class = w.pick(&["int", "str", "float", "P", "list", "tuple", "bool"]);
            let inner = pattern(w, depth - 1, names);
            format!("{class}({inner})")
        }
        _ => {
            let (one, two) = (pattern(w, depth - 1, names), pattern(w, depth - 1, names));
            let form = w.pick(&[
                "P(A, B)",
                "P(x=A, y=B)",
                "P(A, y=B)",
                "P(x=A, z=B)",
                "P(A, x=B)",
                "P(A, B, _)",
            ]);
            form.replace('A', "\u{1}")
                .replace('B', &two)
                .replace('\u{1}', &one)
        }
    }
}

/// Statements that match.
pub fn section(w: &mut Writer) {
    for _ in 0..4 + w.below(6) {
        w.attempt(|w| {
            statement(w, |w| {
                let value = any(w, 1);
                w.line(format!("show({value})"));
            });
        });
    }
}
