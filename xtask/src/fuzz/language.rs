//! Random programs of ordinary statements and expressions. Takes a seed, gives a program that
//! prints values and the messages of the exceptions it runs into. It ends soon: loops are short
//! and nothing grows by more than a small factor per step.

use super::writer::Writer;

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Int,
    Float,
    Str,
    List,
    Dict,
    Tuple,
    Bool,
    Set,
    Any,
}

use Type::{Any, Bool, Dict, Float, Int, List, Set, Str, Tuple};

const VARIABLES: [(&str, Type); 10] = [
    ("i", Int),
    ("j", Int),
    ("x", Float),
    ("s", Str),
    ("t", Str),
    ("l", List),
    ("m", List),
    ("d", Dict),
    ("u", Tuple),
    ("k", Set),
];

/// Loops would double texts and lists with each round otherwise.
const KEEP_SMALL: &str = "s, t, l, m = s[:30], t[:30], l[:9], m[:9]";

struct Place {
    in_function: bool,
    in_loop: bool,
    in_generator: bool,
}

/// The program of a seed.
pub fn program(seed: u64) -> String {
    let mut w = Writer::new(seed);
    w.block("class Point:", |w| {
        w.block("def __init__(self, x=0, y=0):", |w| {
            w.line("self.x = x");
            w.line("self.y = y");
        });
        w.block("def __repr__(self):", |w| {
            w.line("return f'Point({self.x!r}, {self.y!r})'")
        });
        w.block("def __add__(self, other):", |w| {
            w.block("if not isinstance(other, Point):", |w| {
                w.line("return NotImplemented")
            });
            w.line("return Point(self.x + other.x, self.y + other.y)");
        });
        w.block("def __eq__(self, other):", |w| {
            w.line("return isinstance(other, Point) and (self.x, self.y) == (other.x, other.y)");
        });
        w.block("def __getitem__(self, index):", |w| {
            w.line("return (self.x, self.y)[index]")
        });
        w.block("def __enter__(self):", |w| {
            w.line("print('enter', self)");
            w.line("return self");
        });
        w.block("def __exit__(self, kind, value, trace):", |w| {
            w.line("print('exit', kind and kind.__name__, value)");
            w.line("return self.x == 1");
        });
    });
    w.line("i, j, x, s, t = 3, -7, 2.5, 'abc', 'Lorem ipsum'");
    w.line("l, m, d, u, k = [1, 2, 3], ['a', 'b'], {'a': 1, 2: 'b'}, (1, 'two', 3.0), {1, 2}");
    for n in 0..3 {
        let parameters = w.pick(&[
            "a, b=2",
            "a, *rest, key=1",
            "a, /, b=None, **options",
            "*args, **options",
            "a, b=i, *, c='c'",
        ]);
        w.block(format!("def f{n}({parameters}):"), |w| {
            w.line("i, j, x, s, t = 1, 2, 0.5, 'in', 'side'");
            w.line("l, m, d, u, k = [3, 1], ['q'], {'k': 5}, (4, 5), {'v'}");
            if parameters.starts_with('a') {
                w.line("print('called with', a)");
            } else {
                w.line("print('called with', args, options)");
            }
            let place = Place {
                in_function: true,
                in_loop: false,
                in_generator: false,
            };
            statements(w, 2, &place);
            let value = expression(w, Any, 2);
            w.line(format!("return {value}"));
        });
    }
    w.block("def g(n):", |w| {
        w.line("i, j, x, s, t = n, 2, 0.5, 'gen', 'erator'");
        w.line("l, m, d, u, k = [n], ['g'], {'g': n}, (n, n), {n}");
        let place = Place {
            in_function: false,
            in_loop: false,
            in_generator: true,
        };
        statements(w, 2, &place);
        w.line("yield n");
    });
    for _ in 0..8 {
        w.block("try:", |w| {
            let place = Place {
                in_function: false,
                in_loop: false,
                in_generator: false,
            };
            statements(w, 3, &place);
        });
        w.block("except Exception as e:", |w| {
            w.line("print(type(e).__name__, e)")
        });
        w.line("print(*(repr(value)[:80] for value in (i, j, x, s, t, l, m, d, u)))");
    }
    w.text
}

fn statements(w: &mut Writer, depth: usize, place: &Place) {
    for _ in 0..1 + w.below(3) {
        statement(w, depth, place);
    }
}

fn statement(w: &mut Writer, depth: usize, place: &Place) {
    let (name, kind) = VARIABLES[w.below(VARIABLES.len())];
    match w.below(if depth == 0 { 9 } else { 18 }) {
        0 | 1 => {
            let value = expression(w, kind, 3);
            w.line(format!("{name} = {value}"));
        }
        2 => {
            let value = expression(w, Any, 3);
            w.line(format!("print({value})"));
        }
        3 => {
            let (target, operator) = match kind {
                Int => (name, w.pick(&["+", "-", "//", "%", "&", "|", "^"])),
                Float => (name, w.pick(&["+", "-", "*", "/"])),
                Set => (name, w.pick(&["|", "&", "-", "^"])),
                Dict => ("d", "|"),
                _ => (name, "+"),
            };
            let value = expression(w, kind, 1);
            w.line(format!("{target} {operator}= {value}"));
        }
        4 => {
            let (index, value) = (expression(w, Int, 1), expression(w, Any, 1));
            let target = w.pick(&["l[{}]", "d[{}]", "m[{}:]", "l[::{}]", "u[{}]"]);
            w.line(format!("{} = {value}", target.replace("{}", &index)));
        }
        5 => {
            let value = expression(w, Any, 1);
            let targets = w.pick(&["i, j = {}", "i, *l = {}", "(i, j), s = {}", "*l, j = {}"]);
            w.line(targets.replace("{}", &value));
        }
        6 => {
            let index = expression(w, Int, 1);
            let target = w.pick(&["l[{}]", "d[{}]", "m[:{}]"]);
            w.line(format!("del {}", target.replace("{}", &index)));
        }
        7 => match (w.below(3), place) {
            (0, Place { in_loop: true, .. }) => {
                let word = w.pick(&["break", "continue"]);
                w.line(word);
            }
            (
                1,
                Place {
                    in_function: true, ..
                },
            ) => {
                let value = expression(w, Any, 2);
                w.line(format!("return {value}"));
            }
            (
                _,
                Place {
                    in_generator: true, ..
                },
            ) => {
                let value = expression(w, Any, 2);
                w.line(format!("yield {value}"));
            }
            _ => {
                let kind = w.pick(&[
                    "ValueError",
                    "KeyError",
                    "TypeError",
                    "IndexError",
                    "OSError",
                ]);
                let value = expression(w, Str, 1);
                w.line(format!("raise {kind}({value})"));
            }
        },
        8 => {
            let call = w.pick(&[
                "l.append({})",
                "m.extend({})",
                "l.insert(1, {})",
                "l.remove({})",
                "d.update({})",
                "l.sort()",
                "m.reverse()",
                "k.add({})",
                "k.discard({})",
                "d.setdefault({}, 1)",
            ]);
            let value = expression(w, Any, 1);
            w.line(call.replace("{}", &value));
        }
        9 | 10 => {
            let condition = expression(w, Bool, 2);
            w.block(format!("if {condition}:"), |w| {
                statements(w, depth - 1, place)
            });
            if w.once_in(2) {
                w.block("else:", |w| statements(w, depth - 1, place));
            }
        }
        11 | 12 => {
            let count = w.below(4);
            let header = match w.below(4) {
                0 => format!("for i in range({count}):"),
                1 => format!("for i, s in enumerate(str(t)[:{count}]):"),
                2 => format!("for j in list(l)[:{count}]:"),
                _ => format!("for s in list(d)[:{count}]:"),
            };
            let inside = Place {
                in_loop: true,
                ..*place
            };
            w.block(header, |w| {
                w.line(KEEP_SMALL);
                statements(w, depth - 1, &inside);
            });
            if w.once_in(3) {
                w.block("else:", |w| w.line("print('loop ran out')"));
            }
        }
        13 => {
            let counter = w.name("n");
            w.line(format!("{counter} = 0"));
            let limit = 1 + w.below(3);
            w.block(format!("while {counter} < {limit}:"), |w| {
                w.line(format!("{counter} += 1"));
                w.line(KEEP_SMALL);
                let inside = Place {
                    in_loop: true,
                    ..*place
                };
                statements(w, depth - 1, &inside);
            });
        }
        14 | 15 => {
            w.block("try:", |w| statements(w, depth - 1, place));
            let kinds = w.pick(&[
                "Exception",
                "ValueError",
                "(TypeError, KeyError)",
                "IndexError",
                "LookupError",
            ]);
            let has_handler = !w.once_in(4);
            if has_handler {
                w.block(format!("except {kinds} as e:"), |w| {
                    w.line("print('caught', type(e).__name__, e)");
                    statements(w, depth - 1, place);
                });
                if w.once_in(3) {
                    w.block("else:", |w| statements(w, depth - 1, place));
                }
            }
            if !has_handler || w.once_in(2) {
                w.block("finally:", |w| {
                    w.line("print('finally')");
                    // Leaving a finally block is for goldens: CPython warns of it.
                    let inside = Place {
                        in_function: false,
                        in_loop: false,
                        ..*place
                    };
                    statements(w, depth - 1, &inside);
                });
            }
        }
        16 => {
            let value = w.below(3);
            w.block(format!("with Point({value}) as p:"), |w| {
                statements(w, depth - 1, place)
            });
        }
        _ => {
            let subject = expression(w, Any, 1);
            w.block(format!("match {subject}:"), |w| {
                for _ in 0..1 + w.below(3) {
                    let pattern = w.pick(&[
                        "case int(n):",
                        "case [a, *b]:",
                        "case str() | None:",
                        "case {'a': v}:",
                        "case (1, b) | [b]:",
                        "case [_, _]:",
                        "case float(f) if f > 1:",
                    ]);
                    w.block(pattern, |w| statements(w, depth - 1, place));
                }
                w.block("case other:", |w| w.line("print('other', other)"));
            });
        }
    }
}

/// An expression that is mostly of the type that is asked for.
fn expression(w: &mut Writer, kind: Type, depth: usize) -> String {
    // What is of the wrong type shows what the error says.
    let kind = match kind {
        Any => [Int, Float, Str, List, Dict, Tuple, Bool, Set][w.below(8)],
        _ if w.once_in(40) => [Int, Float, Str, List, Dict, Tuple, Bool][w.below(7)],
        kind => kind,
    };
    if depth == 0 || w.once_in(5) {
        return leaf(w, kind);
    }
    let template = w.pick(match kind {
        Int => &[
            "(I + I)",
            "(I - I)",
            "(I * (I % 100))",
            "(I // I)",
            "(I % I)",
            "(-I)",
            "(~I)",
            "len(A)",
            "(I if B else I)",
            "abs(I)",
            "(I & I)",
            "(I ^ I)",
            "l[I]",
            "s.find(S)",
            "int(F)",
            "min(I, I)",
            "max(I, I)",
            "sum(n for n in range(I % 9))",
            "ord(S[:1])",
            "int(S)",
            "d.get(A, I)",
            "(I % 5) ** 3",
            "(I << (I & 7))",
            "(I >> 2)",
            "m.index(A)",
            "hash(I)",
            "round(F)",
            "u[I]",
            "(lambda n: n + I)(I)",
            "divmod(I, I)[0]",
            "s.count(S)",
            "(I).bit_length()",
            "pow(I, 3, 7)",
            "Point(I, I).x",
            "next(iter(L))",
        ],
        Float => &[
            "(F + F)",
            "(F - F)",
            "(F * I)",
            "(F / F)",
            "(I / I)",
            "(F // F)",
            "(F % F)",
            "float(I)",
            "abs(F)",
            "round(F, 2)",
            "float(S)",
            "(-F)",
            "sum([F, F])",
            "max(F, I)",
        ],
        Str => &[
            "(S + S)",
            "(S * (I % 4))",
            "S[I]",
            "S[I:I]",
            "S[::-1]",
            "str(A)",
            "repr(A)",
            "(S).upper()",
            "(S).title()",
            "(S).replace(S, S)",
            "(S).join(['x', S])",
            "f'{I:>5}|{S!r:^9}|{F:.2f}'",
            "f'{A}{I:+d}'",
            "'%s %d' % (S, I)",
            "'{} {!r}'.format(A, S)",
            "(S).strip('a')",
            "chr(97 + I % 26)",
            "(S).zfill(7)",
            "(S).center(9, '*')",
            "(S or S)",
            "(S).split()[0]",
            "(S).partition(S)[2]",
            "type(A).__name__",
            "f'{I:x} {I:,} {F:e}'",
            "(S).swapcase()",
            "bin(I)",
            "format(F, '.3g')",
            "', '.join(map(str, L))",
            "s.capitalize()",
            "hex(I)",
            "(S).removeprefix(S)",
            "f'{S:<6}{I:06d}'",
        ],
        List => &[
            "(L + L)",
            "(L * (I % 3))",
            "L[I:I]",
            "L[::I]",
            "list(A)",
            "sorted(L)",
            "[A, A]",
            "[n for n in L]",
            "[n * 2 for n in L if n]",
            "list(range(I % 6))",
            "(S).split()",
            "list(map(str, L))",
            "[*L, *U]",
            "list(zip(L, S))",
            "list(enumerate(S[:3]))",
            "list(g(I % 3))",
            "list(filter(None, L))",
            "[(a, b) for a in L[:2] for b in L[:2]]",
            "list(reversed(L))",
            "sorted(L, key=str, reverse=True)",
            "list(d.items())",
            "[f(I) for f in (abs, str, bool)]",
            "sorted(map(str, K))",
        ],
        Dict => &[
            "{S: A, I: A}",
            "{**D, S: I}",
            "(D | D)",
            "{n: n for n in range(I % 4)}",
            "dict(zip(S, L))",
            "dict(a=I, b=S)",
            "{k: v for k, v in D.items() if v}",
            "dict.fromkeys(S[:3], I)",
            "dict(D)",
        ],
        Tuple => &[
            "(A, A)",
            "(A,)",
            "U[I:]",
            "(U + U)",
            "tuple(L)",
            "(*U, I)",
            "divmod(I, I)",
            "s.partition(S)",
            "tuple(n for n in L)",
            "(I, S, F)",
            "f0(A)",
            "f1(A, I)",
            "f2(A, b=I)",
            "f0(*U)",
            "f1(**{'a': I})",
            "Point(I, I)",
            "(Point(I, I) + Point(I, I))",
            "f2()",
            "f0(I, I, I)",
            "f1(I, zzz=I)",
        ],
        Bool => &[
            "(I < I)",
            "(S == S)",
            "(A in L)",
            "(not A)",
            "(B and B)",
            "(B or B)",
            "(I <= I < I)",
            "isinstance(A, int)",
            "(A is None)",
            "bool(A)",
            "(L < L)",
            "(F > I)",
            "(A == A)",
            "any(L)",
            "all(U)",
            "(S).isdigit()",
            "(S).startswith(S)",
            "(A not in D)",
            "(I != I)",
            "(S < S)",
            "(U >= U)",
            "callable(A)",
            "hasattr(A, 'x')",
            "(K <= K)",
            "(A < A)",
            "(S).isalpha()",
        ],
        Set | Any => &[
            "(K | K)",
            "(K & K)",
            "(K - K)",
            "(K ^ K)",
            "set(U)",
            "{I, I}",
            "set(S)",
            "frozenset(K)",
            "{n % 3 for n in range(I % 7)}",
        ],
    });
    let mut text = String::new();
    let mut previous = ' ';
    let mut chars = template.chars().peekable();
    while let Some(char) = chars.next() {
        let is_word_char = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let stands_alone =
            !is_word_char(previous) && chars.peek().is_none_or(|next| !is_word_char(*next));
        let operand = match char {
            'I' => Some(Int),
            'F' => Some(Float),
            'S' => Some(Str),
            'L' => Some(List),
            'D' => Some(Dict),
            'U' => Some(Tuple),
            'B' => Some(Bool),
            'K' => Some(Set),
            'A' => Some(Any),
            _ => None,
        };
        match operand {
            // Braces of an f-string would otherwise meet those of a dict.
            Some(kind) if stands_alone && template.starts_with("f'") => {
                text.push_str(&leaf_name(w, kind))
            }
            Some(kind) if stands_alone => text.push_str(&expression(w, kind, depth - 1)),
            _ => text.push(char),
        }
        previous = char;
    }
    text
}

fn leaf_name(w: &mut Writer, kind: Type) -> String {
    let names: Vec<&str> = VARIABLES
        .iter()
        .filter(|(_, of)| *of == kind || kind == Any)
        .map(|(name, _)| *name)
        .collect();
    if names.is_empty() {
        "None".to_owned()
    } else {
        w.pick(&names).to_owned()
    }
}

fn leaf(w: &mut Writer, kind: Type) -> String {
    if w.once_in(2) {
        return leaf_name(w, kind);
    }
    let literal = w.pick(match kind {
        Int => &[
            "0", "1", "2", "-1", "7", "10", "255", "-13", "1000003", "2**40", "True",
        ],
        Float => &[
            "0.0",
            "1.5",
            "-2.25",
            "1e10",
            "0.1",
            "-0.0",
            "3.0",
            "1e-7",
            "float('inf')",
        ],
        Str => &[
            "''", "'a'", "'abc'", "'b c'", "'42'", "'éß'", "'x\\ty'", "\"it's\"", "'Ab'", "' pad '",
        ],
        List => &[
            "[]",
            "[1]",
            "[3, 1, 2]",
            "['b', 'a']",
            "[None, 0, '']",
            "[[1], [2]]",
            "[1.5, 1]",
        ],
        Dict => &["{}", "{'a': 1}", "{1: 'x', 2: 'y'}", "{(1, 2): [3]}"],
        Tuple => &["()", "(1,)", "(1, 2)", "('a', None)", "((1, 2), 'z')"],
        Bool => &["True", "False"],
        Set => &[
            "set()",
            "{1}",
            "{1, 2, 3}",
            "{'a', 'b', 'c'}",
            "frozenset('xy')",
        ],
        Any => &["None", "...", "print", "int"],
    });
    literal.to_owned()
}
