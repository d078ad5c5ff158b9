//! Coroutines, async generators, `async for` and `async with`, comprehensions of all of them,
//! driven by a loop that is only there to run them: no two tasks meet. Gives definitions and a
//! `main` that tells of each step.

use super::super::writer::Writer;
use super::{any, one_of};

const STEPS: &[&str] = &[
    "show(await twice($I))",
    "show(await twice(await twice($S)))",
    "await asyncio.sleep(0)",
    "show([n async for n in count($n)])",
    "show({n: n async for n in count($n) if n})",
    "show([(n, a) async for n in count($n) for a in $G][:9])",
    "show([await twice(n) for n in range($n)])",
    "show([await twice(n) async for n in count($n)])",
    "show([[a async for a in count(n)] for n in range($n)])",
    "show(sum([n async for n in count($n)]))",
    "async for i in count($n): show(i)",
    "async for i, j in count($n): show(i)",
    "async for i in $A: show(i)",
    "async with Guard('g', $B) as s: show(s)",
    "async with Guard('g'), Guard('h', True): raise $x($A)",
    "async with $A: pass",
    "show(await $A)",
    "show(type(twice(1).close()))",
    "g = hold(count(3)); show(await anext(g), await g.asend($A))",
    "g = hold(count(3)); show(await anext(g)); await g.aclose(); show(await anext(g, 'over'))",
    "g = hold(count(3)); await anext(g); show(await g.athrow($x($A)))",
    "g = hold(count($n)); show([await anext(g, None) for _ in range(3)])",
    "raise $x($A)",
    "show(await fails($A))",
    "show(await asyncio.gather(twice(1), fails($n), return_exceptions=True))",
    "show(tuple([n async for n in count(2)]), [*range(2)])",
    "i = await twice(j); j = i",
    "show((lambda: [n for n in $G])())",
    "for i in range($n): s = await twice(s[:2])",
    "show(await twice(i) if $B else await twice(j))",
    "show(f'{await twice($I)!r:>9}|{await twice($S)}')",
    "l[await twice(0)], d[await twice('k')] = await twice($A), 1",
    "assert await twice($B), await twice($S)",
    "match await twice($A):\n    case int() | float(): show('number')\n    case [a, *_]: show(a)\n    case a: show('other', a)",
    "while await twice(len(l)) < 2: l.append(await twice(i))",
    "return await twice($A)",
    "show(asyncio.iscoroutinefunction(twice), asyncio.iscoroutine(twice))",
];

/// Coroutines and what runs them.
pub fn section(w: &mut Writer) {
    w.line("import asyncio");
    w.block("async def twice(value):", |w| {
        w.block("if value is None:", |w| w.line("await asyncio.sleep(0)"));
        let line = w.pick(&["return value", "return value, value", "return value * 2"]);
        w.line(line);
    });
    w.block("async def fails(value):", |w| {
        w.block("try:", |w| {
            let line = one_of(w, &["raise $x(value)", "return value", "value.x"], 1);
            w.line(line);
        });
        w.block("finally:", |w| {
            let line = w.pick(&[
                "await twice(0)",
                "print('finally')",
                "await asyncio.sleep(0)",
            ]);
            w.line(line);
        });
    });
    w.block("async def count(n):", |w| {
        w.block("try:", |w| {
            w.block("for i in range(n):", |w| {
                let line = w.pick(&[
                    "yield i",
                    "show('sent', (yield i))",
                    "yield await twice(i)",
                    "await asyncio.sleep(0); yield i, i",
                ]);
                w.line(line);
            });
        });
        if w.once_in(2) {
            let kinds = w.pick(&["ValueError", "Exception", "(KeyError, TypeError)"]);
            w.block(format!("except {kinds} as error:"), |w| {
                w.line("print('caught', type(error).__name__, ascii(str(error)))");
                let line = w.pick(&["yield 'instead'", "raise", "pass"]);
                w.line(line);
            });
        }
        w.block("finally:", |w| {
            let line = w.pick(&["print('ended')", "await twice(0); print('ended')"]);
            w.line(line);
        });
    });
    w.block("class Guard:", |w| {
        w.line("def __init__(self, name, answer=False): self.name, self.answer = name, answer");
        w.block("async def __aenter__(self):", |w| {
            w.line("print('enter', self.name)");
            w.line("return await twice(self.name)");
        });
        w.block("async def __aexit__(self, kind, error, trace):", |w| {
            w.line("print('exit', self.name, kind and kind.__name__)");
            w.line("return self.answer");
        });
    });
    for n in 0..1 + w.below(3) {
        w.block(format!("async def main{n}():"), |w| {
            w.line("i, j, x, y, s, t, c = 1, 2, 0.5, -1.5, 'in', 'side', b'c'");
            w.line("l, m, d, e, u, v, k = [3, 1], ['q'], {'k': 5}, {}, (4, 5), (), {'v'}");
            w.block("try:", |w| {
                for _ in 0..2 + w.below(5) {
                    w.attempt(|w| {
                        let lines = one_of(w, STEPS, 1);
                        for line in lines.lines() {
                            w.line(line);
                        }
                    });
                }
                let value = any(w, 1);
                w.line(format!("return {value}"));
            });
            // When one that nobody holds is closed is no part of the contract.
            w.block("finally:", |w| {
                w.block("while held:", |w| {
                    w.attempt(|w| w.line("await held.pop().aclose()"));
                });
            });
        });
        w.attempt(|w| w.line(format!("show(asyncio.run(main{n}()))")));
    }
}
