//! Ordinary statements over the section's variables: assignments, conditions, loops, `try`,
//! `with`. Takes how deep they may nest, gives lines; never a loop of more than some rounds.

use super::super::writer::Writer;
use super::grammar::{Type, VARIABLES, expression};
use super::{CUT, any, exceptions, matching, one_of};

/// What may stand here.
#[derive(Clone, Copy, Default)]
pub struct Place {
    pub in_function: bool,
    pub in_loop: bool,
    pub in_generator: bool,
}

/// Statements, each with its exception told of, and the variables after each.
pub fn section(w: &mut Writer) {
    for _ in 0..3 + w.below(4) {
        w.attempt(|w| several(w, 3, Place::default()));
        w.line("show(i, j, x, y, s, t, c, l, m, d, e, u, v, k)");
        w.attempt(|w| w.line(CUT));
    }
}

/// One to three statements.
pub fn several(w: &mut Writer, depth: usize, place: Place) {
    for _ in 0..1 + w.below(3) {
        one(w, depth, place);
    }
}

/// Statements that change something, without a block.
const SIMPLE: &[&str] = &[
    "l.append($A)",
    "m.extend([*$G])",
    "l.insert($z, $A)",
    "l.remove($A)",
    "d.update($D)",
    "d.update([*$G])",
    "l.sort()",
    "l.sort(key=$k)",
    "m.reverse()",
    "k.add(stable($H))",
    "k.discard($H)",
    "k.remove($H)",
    "show(d.setdefault($H, $A))",
    "show(l.pop())",
    "show(l.pop($z))",
    "show(d.pop($H))",
    "show(d.popitem())",
    "show(k.pop())",
    "l.clear()",
    "d.clear()",
    "k.update(filter(steady, $G))",
    "k.intersection_update($G)",
    "k.difference_update($G)",
    "k ^= $K",
    "d |= $D",
    "d |= $L",
    "l += [*$G]",
    "l *= $n",
    "u += $U",
    "s += $S",
    "c += $Y",
    "i += $I",
    "i -= $N",
    "i //= $I",
    "i %= $I",
    "i &= $I",
    "i |= $I",
    "i ^= $I",
    "i >>= $n",
    "x += $N",
    "x /= $N",
    "x -= $F",
    "x **= 2",
    "l[$z] = $A",
    "d[$H] = $A",
    "e[$A] = $A",
    "l[$:] = $G",
    "m[$:] = $A",
    "u[$z] = $A",
    "s[0] = $S",
    "l[$z] += $I",
    "d[$H] += $I",
    "d['a'] -= $N",
    "l[$z], d[$H] = $A, $A",
    "del l[$z]",
    "del l[$:]",
    "del d[$H]",
    "del u[0]",
    "del m[$:], l[0]",
    "i, j = $A",
    "i, j = $I, $I",
    "i, j = j, i",
    "i, *l = $G",
    "*l, j = $G",
    "(i, j), s = $A",
    "i, (j, *l) = $U, $L",
    "[i, *l, j] = $S",
    "i = j = $I",
    "l = m = $L",
    "d['n'] = i = $I",
    "i, j, s = $G",
    "*l, = $G",
    "l[0], l[-1] = l[-1], l[0]",
    "show(i := $I, i)",
    "show(*$L)",
    "show(*$G, *$G)",
    "show(text($A), *$U)",
    "print($A, $A, sep=$S)",
    "print($S, end='|\\n')",
    "assert $B, $S",
    "assert $A",
    "show($f($A))",
    "show($f($A, $A))",
    "show($f(*$U))",
    "show($f(a=$A))",
    "show($f($A, b=$A))",
    "show($f($A, **$D))",
    "show($f())",
    "show($f($A, key=$A))",
    "show($f(*$G, **$D))",
    "i = len($G); j = i",
    "i: int = $I",
    "del i; i = 5",
    "show([i := i + 1 for n in range($n)], i)",
    "show((lambda *a, **b: (a, b))(*$G, *$U, **$D))",
    "show($w)",
    "show($w, $w)",
    "show($A, $A)",
    "show($G is None)",
    "show(i if $B else j)",
];

/// One statement.
pub fn one(w: &mut Writer, depth: usize, place: Place) {
    match w.below(if depth == 0 { 8 } else { 20 }) {
        0 | 1 => {
            let (name, kind) = VARIABLES[w.below(VARIABLES.len())];
            let value = expression(w, kind, 3);
            w.line(format!("{name} = {value}"));
        }
        2 => {
            let value = any(w, 3);
            w.line(format!("show({value})"));
        }
        3..=6 => {
            let line = one_of(w, SIMPLE, 2);
            w.line(line);
        }
        7 => leave(w, place),
        8..=10 => condition(w, depth, place),
        11..=13 => repeat(w, depth, place),
        14 | 15 => exceptions::guarded(w, depth, place),
        16 => {
            let managers = w.pick(&[
                "Manager('one')",
                "Manager('all', True)",
                "Manager('one') as l, Manager('two', i) as m",
                "(Manager(s), Manager(t, d))",
                "Manager(i) as l[0]",
                "Manager(j).name as s",
                "Manager(x, 1) as (i, j)",
            ]);
            w.block(format!("with {managers}:"), |w| {
                several(w, depth - 1, place)
            });
        }
        17 => matching::statement(w, |w| several(w, depth - 1, place)),
        18 => {
            let condition = expression(w, Type::Bool, 2);
            w.block(format!("if (n := {condition}):"), |w| {
                w.line("show(n)");
                several(w, depth - 1, place);
            });
        }
        _ => {
            let line = one_of(
                w,
                &[
                    "show([$g(n) for n in $G])",
                    "show({n: $I for n in $G if n not in $G})",
                    "show([(n, a) for n, a in enumerate($G) if a][$:])",
                    "show(sorted($G, key=$k, reverse=$B))",
                    "show([n for n in $G for n in $G][:20])",
                    "show([[n, *a] for n, *a in $G])",
                    "show(reduce(lambda a, b: [a, b], $G))",
                    "show(*zip(*[iter($G)] * 2))",
                    "show(max($G, key=$k), min($G, key=$k))",
                    "show([*map(lambda a, b=j: (b, a), $G)])",
                ],
                2,
            );
            w.line(line);
        }
    }
}

fn leave(w: &mut Writer, place: Place) {
    match w.below(3) {
        0 if place.in_loop => {
            let word = w.pick(&["break", "continue"]);
            w.line(word);
        }
        1 if place.in_function => {
            let value = any(w, 2);
            w.line(format!("return {value}"));
        }
        _ if place.in_generator => {
            let line = one_of(
                w,
                &[
                    "yield $A",
                    "show((yield $A))",
                    "i = yield",
                    "l = yield from quiet($n)",
                    "yield from $G",
                ],
                1,
            );
            w.line(line);
        }
        _ => {
            let line = one_of(
                w,
                &[
                    "raise $x($S)",
                    "raise $x",
                    "raise $x($A, $A)",
                    "raise $x($I) from $x($S)",
                    "raise $x() from None",
                    "raise $A",
                    "raise",
                ],
                1,
            );
            w.line(line);
        }
    }
}

fn condition(w: &mut Writer, depth: usize, place: Place) {
    let kind = if w.once_in(3) { Type::Any } else { Type::Bool };
    let condition = expression(w, kind, 2);
    w.block(format!("if {condition}:"), |w| several(w, depth - 1, place));
    if w.once_in(3) {
        let condition = expression(w, Type::Bool, 2);
        w.block(format!("elif {condition}:"), |w| {
            several(w, depth - 1, place)
        });
    }
    if w.once_in(2) {
        w.block("else:", |w| several(w, depth - 1, place));
    }
}

fn repeat(w: &mut Writer, depth: usize, place: Place) {
    let inside = Place {
        in_loop: true,
        ..place
    };
    let has_else = w.once_in(3);
    if w.once_in(4) {
        let counter = w.name("n");
        w.line(format!("{counter} = 0"));
        let header = match w.below(3) {
            0 => format!("while {counter} < {}:", 1 + w.below(3)),
            1 => format!("while ({counter} := {counter} + 1) < 4:"),
            _ => "while True:".to_owned(),
        };
        w.block(header, |w| {
            w.line(format!("{counter} += 1"));
            w.block(format!("if {counter} > 3:"), |w| w.line("break"));
            w.line(CUT);
            several(w, depth - 1, inside);
        });
    } else {
        let header = one_of(
            w,
            &[
                "for i in range($n):",
                "for i in range($z, $z, $z):",
                "for i, s in enumerate(str(t)[:$n]):",
                "for j in list(l)[:$n]:",
                "for s in list(d)[:$n]:",
                "for i in itertools.islice($G, $n):",
                "for i, j in list(zip($G, $G))[:4]:",
                "for i, *l in list($G)[:3]:",
                "for d['a'] in $L[:3]:",
                "for l[0] in range($n):",
                "for i in quiet($n):",
                "for s in $S[:4]:",
                "for i, (j, s) in list(enumerate($D.items()))[:3]:",
                "for i in *$L[:2], *$U[:2]:",
            ],
            1,
        );
        w.block(header, |w| {
            w.line(CUT);
            several(w, depth - 1, inside);
        });
    }
    if has_else {
        w.block("else:", |w| w.line("print('loop ran out')"));
    }
}
