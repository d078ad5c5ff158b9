//! Functions in functions: cells that are shared, rebound and deleted, late binding in loops and
//! comprehensions, names of classes' bodies, decorators. Gives functions and their calls.

use super::super::writer::Writer;
use super::{any, one_of};

const INNER: &[&str] = &[
    "return (a, b, j)",
    "nonlocal a; a = (a, n)[-1]; return a",
    "nonlocal b; b = [b, n][:2]; return b",
    "nonlocal a, b; a, b = b, a; return (a, b)",
    "return [a for b in range(2)]",
    "return [n + 1 for n in range(n)] + [b]",
    "nonlocal a; del a; return 0",
    "a = 5; return a",
    "return (lambda b: (a, b))(n)",
    "return (lambda: (a, n))",
    "nonlocal a; a += n; return a",
    "global shared; shared = n; return shared",
    "return {a: b for a in (1, n)}",
    "return [(lambda: (n, q)) for q in range(2)][0]()",
    "b: int; return n",
    "return max(range(3), key=lambda q: (q * n) % 3)",
    "nonlocal b; b = b if n else a; return b",
    "return (yield_to(a) for q in range(2)).__next__()",
];

/// Functions that make functions.
pub fn section(w: &mut Writer) {
    w.line("yield_to = lambda value: [value]");
    for _ in 0..1 + w.below(2) {
        let outer = w.name("outer");
        let n_inner = 1 + w.below(4);
        w.block(format!("def {outer}(a, b=2):"), |w| {
            w.line("j = 1");
            for n in 0..n_inner {
                let body = one_of(w, INNER, 1);
                if w.once_in(4) {
                    w.line(format!("inner{n} = lambda n, a=a: (a, b, n, j)"));
                } else {
                    w.line(format!("def inner{n}(n=0): {body}"));
                }
            }
            if w.once_in(2) {
                let line = one_of(
                    w,
                    &["a = $I", "b = [a, b]", "j = a", "a, j = j, a", "del b"],
                    1,
                );
                w.line(line);
            }
            if w.once_in(3) {
                w.block("class Local:", |w| {
                    w.line("c = (a, j)");
                    let line = w.pick(&[
                        "a = 'class'",
                        "b = 'class'",
                        "j = j",
                        "d = [a for _ in range(2)]",
                        "c = c, c",
                    ]);
                    w.line(line);
                    w.line("def method(self): return (a, j, __class__.__name__)");
                });
                w.line("show(Local.c, Local().method())");
            }
            let all: Vec<String> = (0..n_inner).map(|n| format!("inner{n}")).collect();
            w.line(format!("return {},", all.join(", ")));
        });
        let made = w.name("made");
        w.line(format!("{made} = ()"));
        w.attempt(|w| {
            let value = any(w, 1);
            w.line(format!("{made} = {outer}({value}) + {outer}(7, 8)"));
        });
        for _ in 0..3 + w.below(5) {
            w.attempt(|w| {
                let n = w.below(n_inner * 2);
                let line = w.pick(&[
                    "NAME[N](1)",
                    "NAME[N]()",
                    "NAME[N](2)()",
                    "[f(3) for f in NAME]",
                    "[f.__name__ for f in NAME]",
                    "[f.__qualname__ for f in NAME]",
                    "[len(f.__closure__ or ()) for f in NAME]",
                ]);
                w.line(format!(
                    "show({})",
                    line.replace("NAME", &made).replace('N', &n.to_string())
                ));
            });
        }
    }
    for _ in 0..1 + w.below(3) {
        w.attempt(|w| {
            let list = one_of(
                w,
                &[
                    "[lambda: q for q in $G]",
                    "[lambda q=q: q for q in $G]",
                    "[(lambda r: lambda: r)(q) for q in $G]",
                    "[lambda: (q, r) for q in range(2) for r in $G]",
                    "list(map(lambda q: lambda: q, $G))",
                ],
                1,
            );
            w.line(format!("show([f() for f in {list}][:9])"));
        });
    }
    if w.once_in(2) {
        let name = w.name("deco");
        w.block(format!("def {name}(*marks):"), |w| {
            w.line("print('marks', marks)");
            w.block("def wrap(f):", |w| {
                w.line("print('wrap', f.__name__)");
                w.block("def call(*args, **options):", |w| {
                    w.line("print('calls', marks)");
                    w.line("return f(*args, **options), marks");
                });
                w.line("return call");
            });
            w.line("return wrap");
        });
        let function = w.name("decorated");
        let value = any(w, 1);
        w.attempt(|w| {
            w.line(format!("@{name}(1)"));
            w.line(format!("@{name}({value})"));
            w.line("@lambda f: f");
            w.line(format!(
                "def {function}(a, b=3, *c, d='d'): return (a, b, c, d)"
            ));
            let arguments = w.pick(&[
                "1",
                "1, 2, 3, d=4",
                "",
                "a=1",
                "1, c=2",
                "*[1, 2]",
                "**{'a': 5}",
            ]);
            w.line(format!("show({function}({arguments}))"));
        });
    }
}
