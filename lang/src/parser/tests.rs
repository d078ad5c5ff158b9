//! What the parser makes of good, bad and absurd text.

use expect_test::{Expect, expect};
use lockstep_tests::oracle;

use super::{Interactive, dump, parse_interactive, parse_module};
use crate::diagnostic::ErrorClass;
use crate::source::Source;
use crate::stack::with_deep_stack;

/// The tree's statements, one per line, and every diagnostic.
fn check(text: &str, expect: Expect) {
    let source = Source::new("test", text);
    let parsed = parse_module(&source);
    let mut out = dump::dump_module(&parsed.module);
    for diagnostic in &parsed.diagnostics {
        let at = source.line_col(diagnostic.span.start);
        out.push_str(&format!(
            "{}:{} {}\n",
            at.line,
            at.column,
            diagnostic.last_line()
        ));
    }
    expect.assert_eq(&out);
}

#[test]
fn operators_bind_as_in_python() {
    check(
        "a or b and not c < d | e ^ f & g << h + i * -j ** -k",
        expect![[r#"
            (or [a (and [b (not (cmp c [< (| d (^ e (& f (<< g (+ h (* i (- (** j (- k)))))))))]))])])
        "#]],
    );
    check(
        "a - b - c * d / e",
        expect![[r#"
        (- (- a b) (/ (* c d) e))
    "#]],
    );
    check(
        "2 ** 3 ** -1",
        expect![[r#"
        (** 2 (** 3 (- 1)))
    "#]],
    );
    check(
        "a < b <= c is not d not in e",
        expect![[r#"
        (cmp a [< b <= c is-not d not-in e])
    "#]],
    );
    check(
        "a if b else c if d else lambda: e",
        expect![[r#"
        (?: b a (?: d c (lambda [] e)))
    "#]],
    );
    check(
        "await a.b(c)[d] ** 2",
        expect![[r#"
        (** (await (@ (call (. a b) [c]) d)) 2)
    "#]],
    );
}

#[test]
fn displays_and_comprehensions() {
    check(
        "(), (a), (a,), (a, *b), [], [a, *b,], {}, {a: b, **c}, {a, *b}",
        expect![[r#"
            (tuple [(tuple []) a (tuple [a]) (tuple [a (* b)]) (list []) (list [a (* b)]) (dict []) (dict [a:b **c]) (set [a (* b)])])
        "#]],
    );
    check(
        "[a for b, *c in d if e if f async for g in h]",
        expect![[r#"
            (list-comp a [(for (tuple [b (* c)]) d [e f]) (async-for g h [])])
        "#]],
    );
    check(
        "{a: b for c in d}, {a for b in c}, (a for b in c), f(a for b in c)",
        expect![[r#"
            (tuple [(dict-comp a:b [(for c d [])]) (set-comp a [(for b c [])]) (gen a [(for b c [])]) (call f [(gen a [(for b c [])])])])
        "#]],
    );
    check(
        "(y := f(x)), [y := 1], x[y := 1], f(y := 2)",
        expect![[r#"
            (tuple [(:= y (call f [x])) (list [(:= y 1)]) (@ x (:= y 1)) (call f [(:= y 2)])])
        "#]],
    );
    check(
        "a[1], a[:], a[1:2:3], a[::2, ...], a[*b], a[b, *c]",
        expect![[r#"
            (tuple [(@ a 1) (@ a (slice - - -)) (@ a (slice 1 2 3)) (@ a (tuple [(slice - - 2) ...])) (@ a (tuple [(* b)])) (@ a (tuple [b (* c)]))])
        "#]],
    );
}

#[test]
fn calls_and_parameters() {
    check(
        "f(a, *b, c=d, *e, **g)",
        expect![[r#"
        (call f [a (* b) c=d (* e) **g])
    "#]],
    );
    check(
        "def f(a, /, b: int = 1, *c: *Ts, d, e=2, **g) -> h: pass",
        expect![[r#"
            (def f [] [(a) / ((b int) = 1) *(c (* Ts)) (d) ((e) = 2) **(g)] h [] [pass])
        "#]],
    );
    check(
        "lambda a, /, b=1, *, c, **d: 0",
        expect![[r#"
        (lambda [(a) / ((b) = 1) * (c) **(d)] 0)
    "#]],
    );
    check(
        "def f[T: int = str, *Ts = *a, **P = p](): pass\nclass C[T](A, metaclass=M): pass\ntype X[T] = T",
        expect![[r#"
            (def f [(T int str) (*Ts (* a)) (**P p)] [] - [] [pass])
            (class C [(T - -)] [A metaclass=M] [] [pass])
            (type X [(T - -)] T)
        "#]],
    );
    check(
        "@a.b\n@c()\nasync def f(): await g()",
        expect![[r#"
        (async-def f [] [] - [(. a b) (call c [])] [(await (call g []))])
    "#]],
    );
}

#[test]
fn literals() {
    check(
        r#"1_0, 0xff, 0o17, 0b11, 99999999999999999999, 1., .5e3, 'a' "b", b'\x41\101\q', r'\n'"#,
        expect![[r#"
            (tuple [10 255 15 3 99999999999999999999 f3ff0000000000000 f407f400000000000 'ab' b'AA\5c;q' '\5c;n'])
        "#]],
    );
    check(
        r#"'\n\x41\u00e9\U0001F600\N{BULLET}\ud800\
\777\q'"#,
        expect![[r#"
            '\a;A\e9;\1f600;\2022;\d800;\1ff;\5c;q'
        "#]],
    );
    check(
        "1j",
        expect![[r#"
        j3ff0000000000000
        1:1 Unsupported: complex numbers are not supported: the language has int and float
    "#]],
    );
}

#[test]
fn fstrings() {
    check(
        r#"f'a{{{b!r:>{w}.{p}}}}' 'c' f"{d = }" rf'\{e:\n}'"#,
        expect![[r#"
            f['a{' {b r ['>' {w - -} '.' {p - -}]} '}cd = ' {d r -} '\5c;' {e - ['\5c;n']}]
        "#]],
    );
    check(
        "f'{x=!s}{x=:y}{x:{{}}}{ {1: 2}[1] }'",
        expect![[r#"
        f['x=' {x s -} 'x=' {x - ['y']} {x - [{(dict []) - -}]} {(@ (dict [1:2]) 1) - -}]
    "#]],
    );
    check(
        "f'''{\na # c\n=\n}'''",
        expect![[r#"
        f['\a;a \a;=\a;' {a r -}]
    "#]],
    );
    check(
        "f'{*a, b}{yield c}{lambda_}{(lambda: 1)}'",
        expect![[r#"
            f[{(tuple [(* a) b]) - -} {(yield c) - -} {lambda_ - -} {(lambda [] 1) - -}]
        "#]],
    );
    check(
        "f'\\N{BULLET}{{\\x41'",
        expect![[r#"
        f['\2022;{A']
    "#]],
    );
}

#[test]
fn statements() {
    check(
        "a = b, c = d\nx: int = 1\n(y): int\nz.w: str\nx += yield\ndel a, b[c], (d, e)\n",
        expect![[r#"
            (= [a (tuple [b c])] d)
            (ann x int 1 1)
            (ann y int - 0)
            (ann (. z w) str - 0)
            (+= x (yield -))
            (del [a (@ b c) (tuple [d e])])
        "#]],
    );
    check(
        "import a.b as c, d\nfrom . import x\nfrom ...y.z import (p as q, r,)\nfrom m import *\n",
        expect![[r#"
            (import [(a.b c) (d -)])
            (from 1 - [(x -)])
            (from 3 y.z [(p q) (r -)])
            (from 0 m [(* -)])
        "#]],
    );
    check(
        "if a: b\nelif c:\n  d\nelse: e\nwhile x: break\nelse: pass\n",
        expect![[r#"
            (if [a [b] c [d]] [e])
            (while x [break] [pass])
        "#]],
    );
    check(
        "try: a\nexcept B as c: d\nexcept: e\nelse: f\nfinally: g\ntry: a\nexcept* B: c\n",
        expect![[r#"
            (try [a] [(B c [d]) (- - [e])] [f] [g])
            (try* [a] [(B - [c])] [] [])
        "#]],
    );
    check(
        "with a as b, c: d\nwith (a as b, c as (d, e),): f\nwith (a): b\nwith (a).b as c: d\nwith (a, b) as c: d\nasync def f():\n async with a: b\n async for a in b: c\n",
        expect![[r#"
            (with [a b c -] [d])
            (with [a b c (tuple [d e])] [f])
            (with [a -] [b])
            (with [(. a b) c] [d])
            (with [(tuple [a b]) c] [d])
            (async-def f [] [] - [] [(async-with [a -] [b]) (async-for a b [c] [])])
        "#]],
    );
    check(
        "raise\nraise a from b\nassert a, b\nglobal a, b\nnonlocal c\nreturn\nreturn *a, b\npass; continue\n",
        expect![[r#"
            (raise - -)
            (raise a b)
            (assert a b)
            (global [a b])
            (nonlocal [c])
            (return -)
            (return (tuple [(* a) b]))
            pass
            continue
        "#]],
    );
}

#[test]
fn match_statements() {
    check(
        "match a, *b:
  case 1 | -2.5 | 'x' 'y' | None | True: pass
  case [a, *_, b] | (c, *d) if e: pass
  case {'k': v, 1: w, a.b: _, **rest}: pass
  case A.B(x, y=C()) as z: pass
  case a, *b: pass
  case (x): pass
  case _: pass
",
        expect![[r#"
            (match (tuple [a (* b)]) [(case (| [(value 1) (value (- f4004000000000000)) (value 'xy') None True]) - [pass]) (case (| [(seq [$a *- $b]) (seq [$c *d])]) e [pass]) (case (map ['k':$v 1:$w (. a b):_] rest) - [pass]) (case (as (class (. A B) [$x] [y=(class C [] [])]) z) - [pass]) (case (seq [$a *b]) - [pass]) (case $x - [pass]) (case _ - [pass])])
        "#]],
    );
    check(
        "match = case = type = _ = 1\nmatch(x)\nmatch[x]\nmatch - x\ntype(x)\n",
        expect![[r#"
            (= [match case type _] 1)
            (call match [x])
            (@ match x)
            (- match x)
            (call type [x])
        "#]],
    );
    check(
        "match x:\n case [*a, *b]: pass\n",
        expect![[r#"
        (match x [(case (seq [*a *b]) - [pass])])
    "#]],
    );
}

#[test]
fn several_faults_in_one_run() {
    check(
        "x = = 1\ndef f(:\n  y = 2 3\n  return 1\nelse:\n  z\nprint 'x'\nok = 1\n",
        expect![[r#"
            (= [ok] 1)
            1:5 SyntaxError: invalid syntax
            2:7 SyntaxError: invalid syntax
            7:1 SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?
        "#]],
    );
    check(
        "if a\n  b\nelse:\n  c c\n",
        expect![[r#"
        1:5 SyntaxError: expected ':'
        4:5 SyntaxError: invalid syntax
    "#]],
    );
    check(
        "x = (1,\ny = 2\nz = 3\n",
        expect![[r#"
            1:5 SyntaxError: '(' was never closed
        "#]],
    );
    check(
        "a = '\nb b\n",
        expect![[r#"
        1:5 SyntaxError: unterminated string literal (detected at line 1)
        2:3 SyntaxError: invalid syntax
    "#]],
    );
}

#[test]
fn faults_are_named_as_in_cpython() {
    for (text, message) in [
        (
            "f() = 1",
            "cannot assign to function call here. Maybe you meant '==' instead of '='?",
        ),
        ("x = f() = 1", "cannot assign to function call"),
        ("(a, 1) = b", "cannot assign to literal"),
        ("None = 1", "cannot assign to None"),
        (
            "f() += 1",
            "'function call' is an illegal expression for augmented assignment",
        ),
        (
            "a, b: int",
            "only single target (not tuple) can be annotated",
        ),
        ("del f()", "cannot delete function call"),
        ("for 1 in x: pass", "cannot assign to literal"),
        ("with a as 1: pass", "cannot assign to literal"),
        ("f(a=1, b)", "positional argument follows keyword argument"),
        (
            "f(a for a in b, c)",
            "Generator expression must be parenthesized",
        ),
        (
            "f(1=2)",
            "expression cannot contain assignment, perhaps you meant \"==\"?",
        ),
        ("(a b)", "invalid syntax. Perhaps you forgot a comma?"),
        ("a b", "invalid syntax"),
        (
            "if x = 1: pass",
            "invalid syntax. Maybe you meant '==' or ':=' instead of '='?",
        ),
        (
            "print 'a'",
            "Missing parentheses in call to 'print'. Did you mean print(...)?",
        ),
        (
            "def f(a=1, b): pass",
            "parameter without a default follows parameter with a default",
        ),
        ("def f(*): pass", "named arguments must follow bare *"),
        (
            "def f(**a, b): pass",
            "arguments cannot follow var-keyword argument",
        ),
        ("class C\n  pass", "expected ':'"),
        ("if a\n  pass", "expected ':'"),
        ("def f\n  pass", "expected '('"),
        ("try: pass\nx", "expected 'except' or 'finally' block"),
        ("a if b", "expected 'else' after 'if' expression"),
        ("{1: }", "expression expected after dictionary key and ':'"),
        (
            "[*a for a in b]",
            "iterable unpacking cannot be used in comprehension",
        ),
        ("(*a)", "cannot use starred expression here"),
        (
            "from a import b,",
            "trailing comma not allowed without surrounding parentheses",
        ),
        (
            "import a from b",
            "Did you mean to use 'from ... import ...' instead?",
        ),
        ("f'{}'", "f-string: valid expression required before '}'"),
        (
            "f'{a!x}'",
            "f-string: invalid conversion character 'x': expected 's', 'r', or 'a'",
        ),
        ("f'{a b}'", "invalid syntax. Perhaps you forgot a comma?"),
        ("f'{a'", "f-string: expecting '}'"),
        ("f'{a:'", "f-string: expecting '}', or format specs"),
        (
            "(f'{a: ' )",
            "closing parenthesis ')' does not match opening parenthesis '{'",
        ),
        (
            "f'{a:{b:' } ]",
            "closing parenthesis ']' does not match opening parenthesis '{'",
        ),
        (
            "x = f'{a:' }'",
            "unterminated string literal (detected at line 1)",
        ),
        ("f'''{a:\n2'''\n", "'{' was never closed"),
        ("f'{a:' (2)", "f-string: expecting '}', or format specs"),
        ("'a' b'b'", "cannot mix bytes and nonbytes literals"),
        (
            "'\\x1'",
            "(unicode error) 'unicodeescape' codec can't decode bytes in position 0-2: truncated \\xXX escape",
        ),
        ("b'\\x1'", "(value error) invalid \\x escape at position 0"),
        ("b'é'", "bytes can only contain ASCII literal characters"),
    ] {
        let parsed = parse_module(&Source::new("test", text));
        let first = parsed.diagnostics.first().map(|d| d.message.as_str());
        assert_eq!(first, Some(message), "{text}");
    }
}

#[test]
fn indentation_faults_have_their_class() {
    for (text, class, message) in [
        (
            "if a:\nb",
            ErrorClass::IndentationError,
            "expected an indented block after 'if' statement on line 1",
        ),
        (
            "\n def f():\n  pass",
            ErrorClass::IndentationError,
            "unexpected indent",
        ),
        (
            "if a:\n  b\n c",
            ErrorClass::IndentationError,
            "unindent does not match any outer indentation level",
        ),
        (
            "if a:\n        b\n\tc",
            ErrorClass::TabError,
            "inconsistent use of tabs and spaces in indentation",
        ),
    ] {
        let parsed = parse_module(&Source::new("test", text));
        let first = &parsed.diagnostics[0];
        assert_eq!(
            (first.exception, first.message.as_str()),
            (class, message),
            "{text}"
        );
    }
}

// ------------------------------------------------------------------ the prompt

fn typed(text: &str) -> &'static str {
    match parse_interactive(&Source::new("<stdin>", text)) {
        Interactive::Incomplete => "more",
        Interactive::Complete(parsed) if parsed.diagnostics.is_empty() => "ok",
        Interactive::Complete(_) => "error",
    }
}

#[test]
fn the_prompt_asks_for_more_lines() {
    for (text, answer) in [
        ("", "ok"),
        ("x = 1\n", "ok"),
        ("x = 1", "ok"),
        ("f(\n", "more"),
        ("f(a,\n b)\n", "ok"),
        ("x = '''a\n", "more"),
        ("x = f'''a {b\n", "more"),
        ("x = 'a\n", "error"),
        ("x = 1 + \\\n", "more"),
        ("if a:\n", "more"),
        ("if a: b\n", "more"),
        ("if a: b\n\n", "ok"),
        ("if a:\n  b\n", "more"),
        ("if a:\n  b\n\n", "ok"),
        ("if a:\n  b\n   \n", "ok"),
        ("if a:\n  b\nelse:\n", "more"),
        ("if a:\n  b\nelse:\n  c\n\n", "ok"),
        ("def f():\n  if a:\n    b\n", "more"),
        ("@d\n", "more"),
        ("@d\ndef f(): pass\n\n", "ok"),
        ("try:\n  a\n", "more"),
        ("try:\n  a\nexcept E:\n  b\n", "more"),
        ("try:\n  a\nexcept E:\n  b\n\n", "ok"),
        ("match x:\n", "more"),
        ("match x:\n  case 1:\n", "more"),
        ("match x:\n  case 1:\n    a\n\n", "ok"),
        ("a b\n", "error"),
        ("f(]\n", "error"),
        ("if a b:\n", "error"),
        ("if a:\n  b b\n", "error"),
        ("# a\n", "ok"),
        ("class C:\n  # a\n", "more"),
    ] {
        assert_eq!(typed(text), answer, "{text:?}");
    }
}

// ---------------------------------------------------------------------- limits

fn first_message(text: &str) -> String {
    let parsed = parse_module(&Source::new("test", text));
    let message = parsed
        .diagnostics
        .first()
        .map_or("ok".to_string(), |d| d.message.clone());
    // The tree of the deepest kind can be walked and dropped.
    with_deep_stack(|| drop(parsed.module.clone()));
    message
}

#[test]
fn long_and_deep_text_never_overflows_the_stack() {
    let nested = |open: &str, inner: &str, close: &str, n: usize| {
        format!("{}{inner}{}\n", open.repeat(n), close.repeat(n))
    };
    for (text, message) in [
        (nested("(", "1", ")", 200), "ok"),
        (nested("(", "1", ")", 10_000), "too many nested parentheses"),
        (nested("[", "", "]", 200), "ok"),
        (nested("{1:", "1", "}", 200), "ok"),
        (nested("f(", "1", ")", 200), "ok"),
        (nested("not ", "x", "", 900), "ok"),
        (
            nested("not ", "x", "", 100_000),
            "too many nested expressions",
        ),
        (nested("-", "x", "", 100_000), "too many nested expressions"),
        (nested("- + ~ ", "x", "", 300), "ok"),
        (
            nested("lambda: ", "x", "", 100_000),
            "too many nested expressions",
        ),
        (nested("lambda: ", "x", "", 900), "ok"),
        (nested("x if y else ", "z", "", 900), "ok"),
        (
            nested("x if y else ", "z", "", 100_000),
            "too many nested expressions",
        ),
        (nested("x ** ", "z", "", 900), "ok"),
        (
            nested("x ** ", "z", "", 100_000),
            "too many nested expressions",
        ),
        (nested("await ", "x", "", 2), "invalid syntax"),
        (format!("x{}\n", ".a".repeat(900)), "ok"),
        (
            format!("x{}\n", ".a".repeat(100_000)),
            "too many nested expressions",
        ),
        (
            format!("x{}\n", "()".repeat(100_000)),
            "too many nested expressions",
        ),
        (
            format!("x{}\n", "[0]".repeat(100_000)),
            "too many nested expressions",
        ),
        (format!("1{}\n", " + 1".repeat(100_000)), "ok"),
        (format!("1{}\n", " + 1 * 2".repeat(100_000)), "ok"),
        (
            format!("a.b{}\n", " < a.b.c and a[0](1)".repeat(50_000)),
            "ok",
        ),
        (format!("x = {}1\n", "y = ".repeat(100_000)), "ok"),
        (format!("x = [{}]\n", "a, ".repeat(100_000)), "ok"),
        (format!("if a: b\n{}", "elif a: b\n".repeat(50_000)), "ok"),
        (format!("f{}\n", "(g".repeat(150) + &")".repeat(150)), "ok"),
        (format!("x = '{}'\n", "a".repeat(2_000_000)), "ok"),
        (format!("{} = 1\n", "a".repeat(2_000_000)), "ok"),
        (format!("x = {}\n", "1".repeat(4_301)), ""),
        (format!("x = 0x{}\n", "1".repeat(400_000)), "ok"),
        ("a ".repeat(200_000), "invalid syntax"),
        (
            format!("x = [{}b c]\n", "a, ".repeat(100_000)),
            "invalid syntax. Perhaps you forgot a comma?",
        ),
        (
            format!("{}b c d e f\n", "a, ".repeat(100_000)),
            "invalid syntax",
        ),
        (
            nested("(", "a b c d", ")", 150),
            "invalid syntax. Perhaps you forgot a comma?",
        ),
        (
            nested("f(", "a =", ")", 150),
            "expected argument value expression",
        ),
        (nested("a[", "*", "]", 150), "Invalid star expression"),
        (
            nested("{a:", "", "}", 150),
            "expression expected after dictionary key and ':'",
        ),
        (nested("f(a=", "lambda", ")", 150), "invalid syntax"),
        (nested("[f(x) for x in ", "a b", "]", 150), ""),
        (nested("(a, b ", "=", ")", 150), ""),
        ("f'{".repeat(100_000), "too many nested f-strings"),
        (
            "match x:\n case ".to_string()
                + &nested("[", "", "]: pass", 150).replace("]: pass]", "]]"),
            "",
        ),
        ("\\\n".repeat(100_000), "unexpected EOF while parsing"),
        ("\n".repeat(500_000), "ok"),
    ] {
        let got = first_message(&text);
        if !message.is_empty() {
            let start: String = text.chars().take(30).collect();
            assert_eq!(got, message, "{start}…");
        }
    }
    let mut blocks = String::new();
    for depth in 0..150 {
        blocks.push_str(&format!("{}if a:\n", " ".repeat(depth)));
    }
    assert_eq!(first_message(&blocks), "too many levels of indentation");
}

/// A small generator, the same on every machine: xorshift.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

#[test]
fn token_soup_never_panics() {
    const WORDS: &[&str] = &[
        "a", "b", "1", "2.5", "3j", "'s'", "b'x'", "f'", "f'{", "}'", "{", "}", "(", ")", "[", "]",
        ",", ":", ";", "\n", "\n  ", "\n    ", "\n\t", "=", "==", ":=", "+", "-", "*", "**", "/",
        "@", ".", "...", "->", "!", "!r", "|", "~", "<", "not", "in", "is", "and", "or", "if",
        "else", "elif", "for", "while", "def", "class", "return", "yield", "from", "import", "as",
        "with", "async", "await", "try", "except", "finally", "raise", "lambda", "match", "case",
        "type", "_", "None", "del", "global", "pass", "print", "é", "€", "\\", "\\\n", "'",
        "\"\"\"", "#", "\r", "\x0c", "0x", "01", "1_", "$", "\u{feff}", "\0", "\\N{", "{{", "}}",
    ];
    let mut rng = Rng(0x9E37_79B9_7F4A_7C15);
    for _ in 0..6_000 {
        let mut text = String::new();
        for _ in 0..rng.below(40) {
            text.push_str(WORDS[rng.below(WORDS.len())]);
            if rng.below(3) > 0 {
                text.push(' ');
            }
        }
        let source = Source::new("soup", text.as_str());
        let parsed = parse_module(&source);
        crate::render::render(&source, &parsed.diagnostics, false);
        parse_interactive(&source);
    }
}

#[test]
fn bytes_soup_never_panics() {
    let mut rng = Rng(42);
    for _ in 0..2_000 {
        let bytes: Vec<u8> = (0..rng.below(60)).map(|_| rng.below(256) as u8).collect();
        match Source::from_bytes("soup", &bytes) {
            Ok(source) => {
                parse_module(&source);
            }
            Err(refused) => {
                let (source, diagnostic) = *refused;
                crate::render::render(&source, &[diagnostic], false);
            }
        }
    }
}

// --------------------------------------------------------------- CPython's files

#[test]
fn cpythons_own_library_parses() {
    let Ok(lib) = oracle::find().and_then(|python| oracle::library(&python)) else {
        println!("skipped: no CPython 3.13 is installed");
        return;
    };
    let mut n_files = 0;
    for folder in ["", "asyncio", "json", "collections", "concurrent/futures"] {
        for entry in std::fs::read_dir(lib.join(folder))
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "py") {
                continue;
            }
            let bytes = std::fs::read(&path).expect("an installed library file can be read");
            let source = Source::from_bytes(path.to_string_lossy(), &bytes)
                .unwrap_or_else(|refused| panic!("{}: {:?}", path.display(), refused.1));
            let parsed = parse_module(&source);
            let faults: Vec<String> = parsed
                .diagnostics
                .iter()
                .filter(|diagnostic| diagnostic.exception != ErrorClass::Unsupported)
                .map(|diagnostic| format!("{:?} {}", diagnostic.span, diagnostic.last_line()))
                .collect();
            assert!(faults.is_empty(), "{}: {faults:?}", path.display());
            n_files += 1;
        }
    }
    println!("{n_files} files");
    assert!(n_files > 100, "the library of {} is small", lib.display());
}
