//! Generators driven step by step: `send`, `throw`, `close`, delegation, `finally`, the value they
//! return. Gives generators and their drivers; each is closed by name, so that nothing depends on
//! when it is freed.

use super::super::writer::Writer;
use super::statements::{Place, several};
use super::{any, one_of};

const STEPS: &[&str] = &[
    "show('gave', (yield $A))",
    "yield $A",
    "i = yield $I; show(i)",
    "show('sub', (yield from $G))",
    "l = yield from quiet($n)",
    "yield i",
    "raise $x($S)",
    "return $A",
    "print('step')",
    "s = (yield), (yield s); show(s)",
    "yield from ()",
    "x = yield; yield x, x",
    "show([(yield 1), (yield 2)])",
    "yield; yield",
    "for j in range($n): yield j, i",
];

const DRIVES: &[&str] = &[
    "show(next(@))",
    "show(next(@))",
    "show(next(@))",
    "show(@.send($A))",
    "show(@.send(None))",
    "show(@.throw($x($A)))",
    "show(@.throw($x))",
    "show(@.close())",
    "show(next(@, 'over'))",
    "show(list(@))",
    "for n in @: show('for', n)",
    "show([*zip(range(2), @)])",
    "show(@.gi_running)",
    "show(@.throw(GeneratorExit))",
    "show(@.throw(GeneratorExit()))",
    "show(sum(1 for n in @))",
    "show(next(@), next(@))",
    "a, *b = @; show(a, b)",
    "show(@.send(1), @.send(2))",
    "show(@.throw(StopIteration(3)))",
    "show(type(@).__name__, iter(@) is @)",
    "show(max(@, key=str))",
    "show($H in @)",
    "show(dict(enumerate(@)))",
    "show(' '.join(map(str, @)))",
    "show(@.__name__)",
    "for n in @:\n    show(n)\n    if n: break",
];

/// The body of a generator.
fn body(w: &mut Writer, depth: usize, earlier: usize) {
    for _ in 0..1 + w.below(3) {
        if earlier > 0 && w.once_in(5) {
            let n = w.below(earlier);
            let call = format!("show('ended', (yield from keep(gen{n}({}))))", w.below(4));
            w.line(call);
            continue;
        }
        match w.below(if depth == 0 { 6 } else { 11 }) {
            0..=5 => {
                let line = one_of(w, STEPS, 1);
                w.line(line);
            }
            6 | 7 => {
                w.block("try:", |w| body(w, depth - 1, earlier));
                let has_handler = w.once_in(2);
                if has_handler {
                    let kinds = w.pick(&[
                        "Exception",
                        "GeneratorExit",
                        "ValueError",
                        "BaseException",
                        "(KeyError, TypeError)",
                        "StopIteration",
                    ]);
                    w.block(format!("except {kinds} as caught:"), |w| {
                        w.line("print('caught', type(caught).__name__, ascii(str(caught)))");
                        if w.once_in(2) {
                            body(w, depth - 1, earlier);
                        } else {
                            let line = one_of(
                                w,
                                &[
                                    "raise",
                                    "return $A",
                                    "yield 'instead'",
                                    "raise $x($I)",
                                    "pass",
                                ],
                                1,
                            );
                            w.line(line);
                        }
                    });
                }
                if !has_handler || w.once_in(2) {
                    w.block("finally:", |w| {
                        w.line("print('finally')");
                        if w.once_in(4) {
                            let line = one_of(
                                w,
                                &["yield 'late'", "return $A", "raise $x($I)", "show(i)"],
                                1,
                            );
                            w.line(line);
                        }
                    });
                }
            }
            8 => {
                let count = w.below(4);
                w.block(format!("for i in range({count}):"), |w| {
                    body(w, depth - 1, earlier)
                });
            }
            9 => {
                let answer = w.pick(&["False", "True", "i"]);
                w.block(format!("with Manager('gen', {answer}):"), |w| {
                    body(w, depth - 1, earlier)
                });
            }
            _ => {
                let place = Place {
                    in_generator: true,
                    in_function: true,
                    in_loop: false,
                };
                several(w, 1, place);
            }
        }
    }
}

/// Generators and what drives them.
pub fn section(w: &mut Writer) {
    let n_generators = 1 + w.below(3);
    for n in 0..n_generators {
        w.block(format!("def gen{n}(i, s='gen', *rest):"), |w| {
            w.line("j, x, y, t, c = 2, 0.5, -1.5, 'side', b'c'");
            w.line("l, m, d, e, u, v, k = [3, 1], ['q'], {'k': 5}, {}, (4, 5), (), {'v'}");
            body(w, 2, n);
            w.line("yield i");
            let value = any(w, 1);
            w.line(format!("return {value}"));
        });
    }
    for _ in 0..2 + w.below(3) {
        let name = w.name("g");
        let (n, argument) = (w.below(n_generators), w.below(4));
        w.line(format!("{name} = keep(gen{n}({argument}))"));
        for _ in 0..2 + w.below(5) {
            w.block("try:", |w| {
                let line = one_of(w, DRIVES, 1);
                for line in line.replace('@', &name).lines() {
                    w.line(line);
                }
            });
            w.block("except BaseException as error:", |w| {
                w.line("oops(error)");
                w.block("if isinstance(error, StopIteration):", |w| {
                    w.line("show('value', error.value)")
                });
            });
        }
        for _ in 0..2 {
            w.attempt(|w| w.line(format!("{name}.close()")));
        }
    }
    // One that goes on after a GeneratorExit would see another when it is freed: it is held.
    w.block("while kept:", |w| {
        for call in [
            "kept[-1].close()",
            "kept[-1].close()",
            "hold(kept.pop()).close()",
        ] {
            w.attempt(|w| w.line(call));
        }
    });
}
