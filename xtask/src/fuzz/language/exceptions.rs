//! Exceptions on their way: `try` in every shape, `finally` that leaves, causes and contexts,
//! groups. Gives lines that tell of each turn.

use super::super::writer::Writer;
use super::statements::{Place, several};
use super::{any, one_of};

const HANDLED: &[&str] = &[
    "Exception",
    "ValueError",
    "(TypeError, KeyError)",
    "IndexError",
    "LookupError",
    "Oops",
    "(Worse, ArithmeticError)",
    "BaseException",
    "RuntimeError",
    "TypeError",
    "tuple([OSError, Oops])",
];

/// A `try` of any shape.
pub fn guarded(w: &mut Writer, depth: usize, place: Place) {
    let is_star = w.once_in(6);
    // Nothing may leave a handler of groups.
    let inside = if is_star {
        Place {
            in_function: false,
            in_loop: false,
            ..place
        }
    } else {
        place
    };
    w.block("try:", |w| {
        if is_star {
            raise_group(w);
        }
        several(w, depth - 1, place);
    });
    let n_handlers = if is_star { 1 + w.below(2) } else { w.below(3) };
    let star = if is_star { "*" } else { "" };
    for _ in 0..n_handlers {
        let kinds = w.pick(HANDLED);
        let name = w.name("e");
        w.block(format!("except{star} {kinds} as {name}:"), |w| {
            w.line(format!(
                "print('caught', type({name}).__name__, ascii(str({name})))"
            ));
            several(w, depth - 1, inside);
            if w.once_in(4) {
                let line = one_of(w, &["raise", "raise $x($A)", "raise $x($A) from None"], 1);
                w.line(line);
            } else if w.once_in(5) {
                w.line(format!("raise $x from {name}").replace("$x", "Worse"));
            }
        });
    }
    if n_handlers > 0 && w.once_in(3) {
        w.block("else:", |w| several(w, depth - 1, place));
    }
    if n_handlers == 0 || w.once_in(2) {
        w.block("finally:", |w| {
            w.line("print('finally')");
            several(w, depth - 1, place);
        });
    }
}

fn raise_group(w: &mut Writer) {
    let line = one_of(
        w,
        &[
            "raise ExceptionGroup($S, [$x($A), $x($A), $x()])",
            "raise ExceptionGroup('outer', [$x(1), ExceptionGroup('inner', [$x(2), $x(3)])])",
            "raise BaseExceptionGroup('base', [$x(1), KeyboardInterrupt()])",
            "if $B: raise $x($A)",
            "show(ExceptionGroup('g', [$x(1), $x(2)]).split($x))",
            "show(ExceptionGroup('g', [$x(1), ExceptionGroup('h', [$x(2)])]).subgroup($x))",
            "raise ExceptionGroup('g', $L)",
        ],
        1,
    );
    w.line(line);
}

/// Functions whose ways out cross, called and told of.
pub fn section(w: &mut Writer) {
    for _ in 0..1 + w.below(3) {
        let name = w.name("risky");
        w.block(format!("def {name}(i, s='in'):"), |w| {
            w.line("j, x, y, t, c = 2, 0.5, -1.5, 'side', b'c'");
            w.line("l, m, d, e, u, v, k = [3, 1], ['q'], {'k': 5}, {}, (4, 5), (), {'v'}");
            let place = Place {
                in_function: true,
                ..Place::default()
            };
            if w.once_in(2) {
                w.block("for i in range(3):", |w| {
                    let place = Place {
                        in_loop: true,
                        ..place
                    };
                    guarded(w, 3, place);
                    w.line("print('round', i)");
                });
            } else {
                guarded(w, 3, place);
            }
            let value = any(w, 1);
            w.line(format!("return {value}"));
        });
        for n in 0..2 {
            w.attempt(|w| w.line(format!("show({name}({n}))")));
        }
        if w.once_in(2) {
            let again = w.name("again");
            w.block(format!("def {again}():"), |w| {
                w.block("try:", |w| w.line(format!("return {name}(5)")));
                let line = one_of(
                    w,
                    &[
                        "raise $x($S) from first",
                        "raise $x($A)",
                        "first.add_note($S); raise",
                        "raise first",
                        "raise first.with_traceback(None)",
                        "first = 5; raise $x(first)",
                        "raise $x() from None",
                        "raise $x from $x",
                        "del first; show(first)",
                        "return type(first).__mro__[1].__name__",
                        "return first.args",
                        "pass",
                    ],
                    1,
                );
                w.block("except Exception as first:", |w| w.line(line));
                let line = one_of(
                    w,
                    &["print('over')", "show(first)", "return $A", "raise $x(1)"],
                    1,
                );
                w.block("finally:", |w| w.line(line));
            });
            w.attempt(|w| w.line(format!("show({again}())")));
        }
    }
}
