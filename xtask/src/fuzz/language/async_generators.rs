//! Async generators and coroutines driven by hand, without a loop: each `asend`, `athrow` and
//! `aclose` stepped with `send`, `throw` and `close`, in and out of turn. Gives what is driven and
//! its drivers; all of it is kept, so that nothing depends on when it is freed.

use super::super::writer::Writer;
use super::{any, lines, one_of};

const STEPS: &[&str] = &[
    "yield $A",
    "show('sent', (yield $I))",
    "await Pause($n)",
    "show('woken', await Pause('p'))",
    "i = yield i",
    "raise $x($S)",
    "return",
    "show(await inner($n))",
    "yield await Pause(1)",
    "await inner(1); yield i",
    "async for n in pin(other(2)): yield n",
    "show([n async for n in pin(other($n))])",
    "async with Room('r', $B): yield 'in'",
    "yield (yield 1), (yield 2)",
    "for n in range($n): yield n",
    "await $A",
];

/// `@` is a generator, `#` one of its operations or a coroutine.
const DRIVES: &[&str] = &[
    "# = pin(anext(@))",
    "# = pin(@.__anext__())",
    "# = pin(@.asend($A))",
    "# = pin(@.asend(None))",
    "# = pin(@.athrow($x($A)))",
    "# = pin(@.athrow($x))",
    "# = pin(@.athrow(GeneratorExit))",
    "# = pin(@.aclose())",
    "# = pin(anext(@, 'over'))",
    "# = pin(inner($n))",
    "# = pin(inner($n).__await__())",
    "# = pin(Room('r', $B).__aenter__())",
    "@ = pin(main($n))",
    "@ = pin(other($n))",
    "show(#.send(None))",
    "show(#.send(None))",
    "show(#.send(None))",
    "show(#.send(None))",
    "show(#.send($A))",
    "show(#.throw($x($A)))",
    "show(#.throw($x))",
    "show(#.close())",
    "show(next(#))",
    "show(next(iter(#)))",
    "show(drive(#))",
    "show(drive(anext(@)))",
    "show(drive(anext(@)))",
    "show(drive(@.asend($A)))",
    "show(drive(@.athrow($x(1))))",
    "show(drive(@.aclose()))",
    "show(drive(inner($n)))",
    "show(type(#).__name__, type(@).__name__)",
    "show(@.ag_running, @.ag_await is None, @.ag_frame is None)",
    "show(#.cr_running, #.cr_await is None)",
    "show(aiter(@) is @, hasattr(#, '__await__'), hasattr(#, '__next__'))",
    "show(@.__name__, @.__qualname__)",
    "for n in @: show(n)",
    "show(drive(drive(@)))",
];

/// What is driven and what drives it.
pub fn section(w: &mut Writer) {
    w.block("class Pause:", |w| {
        w.line("def __init__(self, name): self.name = name");
        w.block("def __await__(self):", |w| {
            let line = w.pick(&[
                "back = yield ('pause', self.name)",
                "back = yield 1; back = (back, (yield 2))",
                "back = (yield from [])",
            ]);
            w.line(line);
            w.line("return ('back', back)");
        });
    });
    w.block("class Room:", |w| {
        w.line("def __init__(self, name, answer): self.name, self.answer = name, answer");
        w.line("async def __aenter__(self): print('enters'); return await Pause(self.name)");
        w.line("async def __aexit__(self, kind, error, trace): print('leaves', kind and kind.__name__); return self.answer");
    });
    w.block("def drive(one, n=4):", |w| {
        w.line("step = one.__await__() if hasattr(one, '__await__') else one");
        w.block("try:", |w| {
            w.line("for _ in range(n): print('paused', text(step.send(None)))");
        });
        w.line("except StopIteration as end: return ('value', end.value)");
        w.line("except StopAsyncIteration as end: return ('over', end.args)");
        w.line("return 'not over'");
    });
    w.block("async def inner(i):", |w| {
        w.block("try:", |w| {
            let line = one_of(w, &["return await Pause(i)", "raise $x(i)", "return i"], 1);
            w.line(line);
        });
        w.line("finally: print('inner ends')");
    });
    w.block("async def other(i):", |w| {
        w.block("try:", |w| {
            w.line("for n in range(i): yield n; await Pause(n)")
        });
        w.line("finally: print('other ends')");
    });
    w.block("async def main(i, s='gen'):", |w| {
        w.line("j, x, y, t, c = 2, 0.5, -1.5, 'side', b'c'");
        w.line("l, m, d, e, u, v, k = [3, 1], ['q'], {'k': 5}, {}, (4, 5), (), {'v'}");
        body(w, 2);
        w.line("yield i");
    });
    for n in 0..2 {
        let made = w.pick(&["main(1)", "main(2)", "other(2)"]);
        w.line(format!("g{n} = pin({made})"));
        w.line(format!("a{n} = pin(inner({n}))"));
    }
    for _ in 0..8 + w.below(10) {
        let (generator, operation) = (w.pick(&["g0", "g0", "g1"]), w.pick(&["a0", "a0", "a1"]));
        let line = one_of(w, DRIVES, 1)
            .replace('@', generator)
            .replace('#', operation);
        whole(w, |w| w.line(line));
    }
    // What was left in the middle ends here, and prints what it prints.
    w.line("finish()");
}

/// As `attempt`, for what may raise what is no Exception as well.
fn whole(w: &mut Writer, body: impl FnOnce(&mut Writer)) {
    w.block("try:", body);
    w.block("except BaseException as error:", |w| {
        w.line("oops(error)");
        w.line("show('value', getattr(error, 'value', 'none'))");
    });
}

fn body(w: &mut Writer, depth: usize) {
    for _ in 0..1 + w.below(3) {
        if depth == 0 || w.once_in(2) {
            lines(w, STEPS);
            continue;
        }
        w.block("try:", |w| body(w, depth - 1));
        let has_handler = w.once_in(2);
        if has_handler {
            let kinds = w.pick(&[
                "Exception",
                "GeneratorExit",
                "BaseException",
                "(KeyError, TypeError, ValueError)",
                "StopAsyncIteration",
            ]);
            w.block(format!("except {kinds} as caught:"), |w| {
                w.line("print('caught', type(caught).__name__, ascii(str(caught)))");
                let line = one_of(
                    w,
                    &[
                        "raise",
                        "return",
                        "yield 'instead'",
                        "raise $x($I)",
                        "await Pause('h')",
                        "pass",
                    ],
                    1,
                );
                w.line(line);
            });
        }
        if !has_handler || w.once_in(2) {
            w.block("finally:", |w| {
                w.line("print('finally')");
                if w.once_in(3) {
                    let line = one_of(
                        w,
                        &[
                            "yield 'late'",
                            "await Pause('f')",
                            "raise $x($I)",
                            "show(i)",
                        ],
                        1,
                    );
                    w.line(line);
                }
            });
        }
    }
    if w.once_in(6) {
        let value = any(w, 1);
        w.line(format!("yield {value}"));
    }
}
