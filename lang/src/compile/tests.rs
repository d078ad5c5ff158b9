//! Listings of the shapes that matter, and CPython's library as a corpus.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use expect_test::{Expect, expect};
use lockstep_tests::oracle;

use super::{CompileOptions, Compiled, compile_source};
use crate::bytecode::dis::listing;
use crate::bytecode::verify::verify;
use crate::source::Source;

/// Compiles a text that is right and shows the code.
fn check(text: &str, expected: Expect) {
    let options = CompileOptions {
        top_level_await: true,
        ..CompileOptions::default()
    };
    let source = Arc::new(Source::new("test", text));
    let shown = match compile_source(source, options) {
        Ok(Compiled { code, .. }) => {
            if let Err(fault) = verify(&code) {
                panic!("{fault}\n{}", listing(&code));
            }
            let all = listing(&code);
            // The module's own code makes the function and stores it.
            let inner = all.split_once("\n\n").map(|(_, inner)| inner.to_owned());
            inner.unwrap_or(all)
        }
        Err(diagnostics) => {
            let lines = diagnostics
                .iter()
                .map(|diagnostic| diagnostic.last_line() + "\n");
            lines.collect()
        }
    };
    expected.assert_eq(&shown);
}

#[test]
fn arithmetic_goes_straight_into_the_local() {
    check(
        "\
def f(a, b):
    x = a + b * 2
    x -= 1
    return -x
",
        expect![[r#"
            f(a, b) line 1, 4 registers
              locals: r0=a, r1=b, r2=x
                2     0  MulI           r3, r1, 2
                      1  Add            r2, r0, r3
                3     2  SubI           r2, r2, 1, x=1
                4     3  Neg            r3, r2
                      4  Return         r3
        "#]],
    );
}

#[test]
fn an_operand_that_walrus_assigns_later_is_copied() {
    check(
        "\
def f(x):
    return x + (x := 1), f(x, (x := 2))
",
        expect![[r#"
            f(x) line 1, 6 registers
              locals: r0=x
                2     0  Move           r4, r0
                      1  LoadInt        r0, 1
                      2  Add            r2, r4, r0
                      3  LoadGlobal     r3, f
                      5  Move           r4, r0
                      6  LoadInt        r0, 2
                      7  Move           r5, r0
                      8  Call           r3, r3, n=2
                      9  BuildTuple     r1, r2, n=2
                     10  Return         r1
        "#]],
    );
}

#[test]
fn constants_are_folded_where_nobody_can_tell() {
    check(
        "\
def f(x):
    a = 2 * 3 * x
    b = (1, -2, 'a' 'b')
    c = 1 / 0
    d = [1, 2, 3]
    return x in [1, 2]
",
        expect![[r#"
            f(x) line 1, 7 registers
              locals: r0=x, r1=a, r2=b, r3=c, r4=d
                2     0  LoadInt        r5, 6
                      1  Mul            r1, r5, r0
                3     2  LoadConst      r2, (1, -2, "ab")
                4     3  LoadInt        r5, 1
                      4  LoadInt        r6, 0
                      5  TrueDiv        r3, r5, r6
                5     6  BuildList      r5, r0, n=0
                      7  LoadConst      r6, (1, 2, 3)
                      8  ListExtend     r5, r6
                      9  Move           r4, r5
                6    10  LoadConst      r6, (1, 2)
                     11  In             r5, r0, r6
                     12  Return         r5
        "#]],
    );
}

#[test]
fn comparisons_fuse_with_their_jump() {
    check(
        "\
def f(a, b):
    if a < b and not a == 3 or b is None:
        g()
    if 1 < a <= b:
        g()
",
        expect![[r#"
            f(a, b) line 1, 3 registers
              locals: r0=a, r1=b
                2     0  JumpLt         r0, r1, L1, x=0
                      2  JumpEqI        r0, 3, L2, x=0
              L1:
                      4  JumpIfNotNone  r1, L3
              L2:
                3     5  LoadGlobal     r2, g
                      7  Call           r2, r2, n=0
              L3:
                4     8  LoadInt        r2, 1
                      9  JumpLt         r2, r0, L4, x=0
                     11  JumpLe         r0, r1, L4, x=0
                5    13  LoadGlobal     r2, g
                     15  Call           r2, r2, n=0
              L4:
                     16  ReturnNone
        "#]],
    );
}

#[test]
fn loops_test_at_the_bottom() {
    check(
        "\
def f(n):
    t = 0
    for i in n:
        if i:
            continue
        t += i
    while t > 0:
        t -= 1
        if t == 5:
            break
    else:
        t = 7
    return t
",
        expect![[r#"
            f(n) line 1, 4 registers
              locals: r0=n, r1=t, r2=i
                2     0  LoadInt        r1, 0
                3     1  GetIter        r3, r0
                      2  Jump           L2
              L1:
                4     3  JumpIf         r2, L2
                6     4  Add            r1, r1, r2, x=1
              L2:
                3     5  ForIter        r2, r3, L1, x=0
                7     7  Jump           L4
              L3:
                8     8  SubI           r1, r1, 1, x=1
                9     9  JumpEqI        r1, 5, L5, x=1
              L4:
                7    11  JumpGtI        r1, 0, L3, x=1
               12    13  LoadInt        r1, 7
              L5:
               13    14  Return         r1
        "#]],
    );
}

#[test]
fn a_loop_closes_the_generator_its_header_made() {
    check(
        "\
def f(g):
    for x in g():
        if x:
            return x
        break
",
        expect![[r#"
            f(g) line 1, 4 registers
              locals: r0=g, r1=x
                2     0  Move           r3, r0
                      1  Call           r3, r3, n=0
                      2  GetIter        r2, r3
                      3  Jump           L3
              L1:
                3     4  JumpIfNot      r1, L2
                4     5  IterClose      r2
                      6  Return         r1
              L2:
                5     7  IterClose      r2
                      8  Jump           L4
              L3:
                2     9  ForIter        r1, r2, L1, x=0
              L4:
                     11  ReturnNone
              L5:
                     12  IterClose      r2
                     13  Reraise        r3
              4..5 -> L5 r3
              9..11 -> L5 r3
        "#]],
    );
}

#[test]
fn only_doubtful_locals_are_checked() {
    check(
        "\
def f(a):
    if a:
        x = 1
    print(x)
    print(x)
    for y in a:
        pass
    print(y)
    del a
    print(a)
",
        expect![[r#"
            f(a) line 1, 5 registers
              locals: r0=a, r1=x, r2=y
                2     0  JumpIfNot      r0, L1
                3     1  LoadInt        r1, 1
              L1:
                4     2  LoadGlobal     r3, print
                      4  CheckBound     r1
                      5  Move           r4, r1
                      6  Call           r3, r3, n=1
                5     7  LoadGlobal     r3, print
                      9  Move           r4, r1
                     10  Call           r3, r3, n=1
                6    11  GetIter        r3, r0
                     12  Jump           L2
              L2:
                     13  ForIter        r2, r3, L2, x=0
                8    15  LoadGlobal     r3, print
                     17  CheckBound     r2
                     18  Move           r4, r2
                     19  Call           r3, r3, n=1
                9    20  CheckBound     r0
                     21  LoadUnbound    r0
               10    22  LoadGlobal     r3, print
                     24  CheckBound     r0
                     25  Move           r4, r0
                     26  Call           r3, r3, n=1
                     27  ReturnNone
        "#]],
    );
}

#[test]
fn arguments_stand_in_the_call_window() {
    check(
        "\
def f(a, b):
    g(a, h(b), k=1)
    g(*a)
    g(1, *a, k=2, **b)
",
        expect![[r#"
            f(a, b) line 1, 7 registers
              locals: r0=a, r1=b
                2     0  LoadGlobal     r2, g
                      2  Move           r3, r0
                      3  LoadGlobal     r4, h
                      5  Move           r5, r1
                      6  Call           r4, r4, n=1
                      7  LoadInt        r5, 1
                      8  CallKw         r2, r2, n=3, ("k",)
                3    10  LoadGlobal     r2, g
                     12  Move           r3, r0
                     13  LoadNone       r4
                     14  CallEx         r2, r2, x=2
                4    15  LoadGlobal     r2, g
                     17  LoadInt        r5, 1
                     18  BuildList      r3, r5, n=1
                     19  ListExtend     r3, r0
                     20  LoadConst      r5, "k"
                     21  LoadInt        r6, 2
                     22  BuildDict      r4, r5, n=1
                     23  DictMerge      r4, r1, r2
                     24  CallEx         r2, r2
                     25  ReturnNone
        "#]],
    );
}

#[test]
fn a_method_is_looked_up_before_arguments_that_run_code() {
    check(
        "\
def f(a, b):
    a.m(b, 1)
    a.m(b())
    a.b.c(b, k=b)
",
        expect![[r#"
            f(a, b) line 1, 6 registers
              locals: r0=a, r1=b
                2     0  Move           r3, r0
                      1  Move           r4, r1
                      2  LoadInt        r5, 1
                      3  CallMethod     r2, r2, n=2, m
                3     8  LoadMethod     r2:r3, r0, m
                     12  Move           r4, r1
                     13  Call           r4, r4, n=0
                     14  CallLoaded     r2, r2, n=1
                4    15  LoadAttr       r3, r0, b
                     19  Move           r4, r1
                     20  Move           r5, r1
                     21  CallMethodKw   r2, r2, n=2, c, ("k",)
                     26  ReturnNone
        "#]],
    );
}

#[test]
fn await_follows_its_call_at_once() {
    check(
        "\
async def f(g):
    x = await g(1)
    try:
        x = await g(2)
    except E:
        return x
    await x
",
        expect![[r#"
            f(g) coroutine line 1, 6 registers
              locals: r0=g, r1=x
                2     0  Move           r2, r0
                      1  LoadInt        r3, 1
                      2  Call           r1, r2, n=1, x=1
                      3  Await          r1, r1
                4     4  Move           r4, r0
                      5  LoadInt        r5, 2
                      6  Call           r4, r4, n=1, x=1
                      7  Await          r4, r4
                      8  Move           r1, r4
                7     9  Await          r2, r1
                     10  ReturnNone
              L1:
                3    11  EnterHandler   r3, r2
                5    12  LoadGlobal     r5, E
                     14  JumpIfNoMatch  r2, r5, L2, x=0
                6    16  LeaveHandler   r3
                     17  Return         r1
              L2:
                     18  LeaveHandler   r3
                     19  Reraise        r2
              L3:
                     20  LeaveHandler   r3
                     21  Reraise        r4
              4..9 -> L1 r2
              12..16 -> L3 r4
        "#]],
    );
}

#[test]
fn an_early_write_would_show_in_a_handler() {
    check(
        "\
def f(y):
    x = y or g()
    try:
        x = y or g()
        x = [1, *y]
    except E:
        return x
",
        expect![[r#"
            f(y) line 1, 6 registers
              locals: r0=y, r1=x
                2     0  Move           r2, r0
                      1  JumpIf         r2, L1
                      2  LoadGlobal     r2, g
                      4  Call           r2, r2, n=0
              L1:
                      5  Move           r1, r2
                4     6  Move           r4, r0
                      7  JumpIf         r4, L2
                      8  LoadGlobal     r4, g
                     10  Call           r4, r4, n=0
              L2:
                     11  Move           r1, r4
                5    12  LoadInt        r5, 1
                     13  BuildList      r4, r5, n=1
                     14  ListExtend     r4, r0
                     15  Move           r1, r4
                7    16  ReturnNone
              L3:
                3    17  EnterHandler   r3, r2
                6    18  LoadGlobal     r5, E
                     20  JumpIfNoMatch  r2, r5, L4, x=0
                7    22  LeaveHandler   r3
                     23  Return         r1
              L4:
                     24  LeaveHandler   r3
                     25  Reraise        r2
              L5:
                     26  LeaveHandler   r3
                     27  Reraise        r4
              6..16 -> L3 r2
              18..22 -> L5 r4
        "#]],
    );
}

#[test]
fn try_except_else() {
    check(
        "\
def f():
    try:
        g()
    except E as e:
        h(e)
    except F:
        return 2
    else:
        k()
",
        expect![[r#"
            f() line 1, 7 registers
              locals: r0=e
                3     0  LoadGlobal     r3, g
                      2  Call           r3, r3, n=0
                9     3  LoadGlobal     r3, k
                      5  Call           r3, r3, n=0
              L1:
                7     6  ReturnNone
              L2:
                2     7  EnterHandler   r2, r1
                4     8  LoadGlobal     r4, E
                     10  JumpIfNoMatch  r1, r4, L4, x=0
                     12  Move           r0, r1
                5    13  LoadGlobal     r5, h
                     15  Move           r6, r0
                     16  Call           r5, r5, n=1
                     17  LeaveHandler   r2
                     18  LoadUnbound    r0
                     19  Jump           L1
              L3:
                     20  LeaveHandler   r2
                     21  LoadUnbound    r0
                     22  Reraise        r4
              L4:
                6    23  LoadGlobal     r4, F
                     25  JumpIfNoMatch  r1, r4, L5, x=0
                7    27  LoadInt        r4, 2
                     28  LeaveHandler   r2
                     29  Return         r4
              L5:
                     30  LeaveHandler   r2
                     31  Reraise        r1
              L6:
                     32  LeaveHandler   r2
                     33  Reraise        r3
              0..3 -> L2 r1
              13..17 -> L3 r4
              8..17 -> L6 r3
              23..28 -> L6 r3
        "#]],
    );
}

#[test]
fn a_short_finally_is_copied() {
    check(
        "\
def f(x):
    for i in x:
        try:
            if i:
                break
            return i
        finally:
            g()
",
        expect![[r#"
            f(x) line 1, 7 registers
              locals: r0=x, r1=i
                2     0  GetIter        r2, r0
                      1  Jump           L3
              L1:
                4     2  JumpIfNot      r1, L2
                8     3  LoadGlobal     r5, g
                      5  Call           r5, r5, n=0
                5     6  Jump           L4
              L2:
                6     7  Move           r5, r1
                8     8  LoadGlobal     r6, g
                     10  Call           r6, r6, n=0
                6    11  Return         r5
              L3:
                2    12  ForIter        r1, r2, L1, x=0
              L4:
                     14  ReturnNone
              L5:
                3    15  EnterHandler   r4, r3
                8    16  LoadGlobal     r6, g
                     18  Call           r6, r6, n=0
                     19  LeaveHandler   r4
                     20  Reraise        r3
              L6:
                     21  LeaveHandler   r4
                     22  Reraise        r5
              2..3 -> L5 r3
              7..8 -> L5 r3
              16..19 -> L6 r5
        "#]],
    );
}

#[test]
fn a_long_finally_stands_once() {
    check(
        "\
def f(x):
    try:
        return x
    finally:
        if x:
            g()
",
        expect![[r#"
            f(x) line 1, 7 registers
              locals: r0=x
                3     0  Move           r5, r0
                      1  Move           r4, r5
                      2  LoadInt        r3, 2
                      3  Jump           L1
              L1:
                5     4  JumpIfNot      r0, L2
                6     5  LoadGlobal     r6, g
                      7  Call           r6, r6, n=0
              L2:
                      8  JumpEqI        r3, 2, L3, x=0
                     10  Return         r4
              L3:
                     11  LeaveHandler   r2
                     12  Reraise        r1
              L4:
                2    13  LoadInt        r3, 1
                     14  EnterHandler   r2, r1
                     15  Jump           L1
              L5:
                6    16  JumpEqI        r3, 1, L6, x=0
                     18  LeaveHandler   r2
              L6:
                     19  Reraise        r5
              0..1 -> L4 r1
              4..8 -> L5 r5
        "#]],
    );
}

#[test]
fn with_and_its_exits() {
    check(
        "\
async def f(a, b):
    async with a as c:
        with b:
            return c
",
        expect![[r#"
            f(a, b) coroutine line 1, 12 registers
              locals: r0=a, r1=b, r2=c
                2     0  BeforeWith     r3:r4, r0, x=1
                      1  Await          r4, r4, x=1
                      2  Move           r2, r4
                3     3  BeforeWith     r7:r8, r1
                      4  WithExit       r11, r7
                2     5  WithExit       r11, r3, x=1
                      6  Await          r11, r11, x=2
                4     7  Return         r2
              L1:
                2     8  ReturnNone
              L2:
                      9  EnterHandler   r6, r5
                     10  WithExitExc    r8, r3, r5, x=1
                     11  Await          r8, r8, x=2
                     12  JumpIf         r8, L3
                     13  LeaveHandler   r6
                     14  Reraise        r5
              L3:
                     15  LeaveHandler   r6
                     16  Jump           L1
              L4:
                     17  LeaveHandler   r6
                     18  Reraise        r7
              2..5 -> L2 r5
              10..13 -> L4 r7
        "#]],
    );
}

#[test]
fn async_for() {
    check(
        "\
async def f(a):
    async for x in a:
        g(x)
    else:
        h()
",
        expect![[r#"
            f(a) coroutine line 1, 7 registers
              locals: r0=a, r1=x
                2     0  GetAiter       r2, r0
              L1:
                      1  GetAnext       r4, r2
                      2  Await          r4, r4, x=3
                      3  Move           r1, r4
                3     4  LoadGlobal     r5, g
                      6  Move           r6, r1
                      7  Call           r5, r5, n=1
                2     8  Jump           L1
              L2:
                      9  EndAsyncFor    r3
                5    10  LoadGlobal     r5, h
                     12  Call           r5, r5, n=0
                     13  ReturnNone
              1..3 -> L2 r3
        "#]],
    );
}

#[test]
fn except_star() {
    check(
        "\
def f():
    try:
        g()
    except* E as e:
        h(e)
",
        expect![[r#"
            f() line 1, 12 registers
              locals: r0=e
                3     0  LoadGlobal     r3, g
                      2  Call           r3, r3, n=0
              L1:
                0     3  ReturnNone
              L2:
                2     4  EnterHandler   r2, r1
                      5  BuildList      r4, r0, n=0
                      6  Move           r5, r1
                4     7  LoadGlobal     r8, E
                      9  SplitGroup     r6:r7, r5, r8
                     10  Move           r5, r7
                     11  JumpIfNone     r6, L4
                     12  EnterHandler   r9, r6
                     13  Move           r0, r6
                5    14  LoadGlobal     r10, h
                     16  Move           r11, r0
                     17  Call           r10, r10, n=1
                     18  LoadUnbound    r0
                     19  Jump           L4
              L3:
                     20  ListAppend     r4, r8
                     21  LoadUnbound    r0
              L4:
                     22  JumpIfNone     r5, L5
                     23  ListAppend     r4, r5
              L5:
                0    24  JoinGroups     r4, r1, r4
                     25  LeaveHandler   r2
                     26  JumpIfNone     r4, L1
                     27  Reraise        r4
              L6:
                     28  LeaveHandler   r2
                     29  Reraise        r3
              0..3 -> L2 r1
              13..18 -> L3 r8
              5..25 -> L6 r3
        "#]],
    );
}

#[test]
fn comprehensions_stand_in_their_frame() {
    check(
        "\
def f(a):
    return [x * y for x in a if x for y in x], [lambda: x for x in a]
",
        expect![[r#"
            f(a) line 1, 12 registers
              locals: r0=a, r5=x, r6=y, r5=x cell
                2     0  GetIter        r4, r0
                      1  LoadUnbound    r5
                      2  LoadUnbound    r6
                      3  BuildList      r2, r0, n=0
                      4  Jump           L4
              L1:
                      5  JumpIfNot      r5, L4
                      6  GetIter        r7, r5
                      7  Jump           L3
              L2:
                      8  Mul            r8, r5, r6
                      9  ListAppend     r2, r8
              L3:
                     10  ForIter        r6, r7, L2, x=0
              L4:
                     12  ForIter        r5, r4, L1, x=0
                     14  GetIter        r4, r0
                     15  LoadUnbound    r5
                     16  MakeCell       r5
                     17  BuildList      r3, r0, n=0
                     18  Jump           L6
              L5:
                     19  StoreCell      r5, r6
                     20  MakeFunction   r7, r8, <code f.<locals>.<lambda>>
                     22  ListAppend     r3, r7
              L6:
                     23  ForIter        r6, r4, L5, x=0
                     25  BuildTuple     r1, r2, n=2
                     26  Return         r1

            f.<locals>.<lambda>() line 2, 1 registers
              free: x=r5
                2     0  LoadFree       r0, free x
                      1  Return         r0
        "#]],
    );
}

#[test]
fn a_class_body_finds_outer_names_past_its_own() {
    check(
        "\
def f(v):
    class A(B, k=1):
        '''doc'''
        x: int = v
        def m(self):
            self.y = super().m()
    return A
",
        expect![[r#"
            f(v) line 1, 9 registers
              locals: r0=v cell, r1=A
                1     0  MakeCell       r0
                2     1  LoadBuildClass r2
                      2  MakeFunction   r3, r5, <code f.<locals>.A>
                      4  LoadConst      r4, "A"
                      5  LoadGlobal     r5, B
                      7  LoadInt        r6, 1
                      8  CallKw         r1, r2, n=4, ("k",)
                7    10  Return         r1

            f.<locals>.A(.namespace) class_body line 2, 7 registers
              locals: r1=__class__ cell
              free: v=r0
                2     0  MakeCell       r1
                      1  LoadName       r2, __name__
                      3  StoreName      r2, __module__
                      5  LoadConst      r2, "f.<locals>.A"
                      6  StoreName      r2, __qualname__
                      8  LoadInt        r2, 2
                      9  StoreName      r2, __firstlineno__
                     11  Intrinsic      r2, r0, r0, x=5
                     12  LoadConst      r2, "doc"
                     13  StoreName      r2, __doc__
                4    15  LoadClassFree  r2, free v
                     16  StoreName      r2, x
                     18  LoadName       r2, int
                     20  Intrinsic      r3, r0, r0, x=5
                     21  LoadConst      r4, "x"
                     22  StoreItem      r3, r4, r2
                5    23  MakeFunction   r2, r3, <code f.<locals>.A.m>
                     25  StoreName      r2, m
                2    27  LoadConst      r2, ("y",)
                     28  StoreName      r2, __static_attributes__
                     30  StoreName      r1, __classcell__
                     32  Return         r1

            f.<locals>.A.m(self) line 5, 5 registers
              locals: r0=self
              free: __class__=r1
                6     0  LoadGlobal     r2, super
                      2  LoadFree       r3, free __class__, x=1
                      3  Move           r4, r0
                      4  CallSuper      r2, r2
                      5  CallMethod     r1, r1, n=0, m
                     10  StoreAttr      r0, r1, y
                     14  ReturnNone
        "#]],
    );
}

#[test]
fn generators_and_yield_from() {
    check(
        "\
def f(a):
    x = yield a
    yield from (y for y in x)
",
        expect![[r#"
            f(a) generator line 1, 10 registers
              locals: r0=a, r1=x
                2     0  Yield          r1, r0
                3     1  MakeFunction   r5, r5, <code f.<locals>.<genexpr>>
                      3  GetIter        r6, r1
                      4  Call           r4, r5, n=1
                      5  GetYieldFromIter r3, r4
                      6  YieldFrom      r2, r3
                      7  ReturnNone

            f.<locals>.<genexpr>(.0) generator line 3, 3 registers
              locals: r0=.0, r1=y
                3     0  Jump           L2
              L1:
                      1  Yield          r2, r1
              L2:
                      2  ForIter        r1, r0, L1, x=0
                      4  ReturnNone
        "#]],
    );
}

#[test]
fn match_tests_in_order() {
    check(
        "\
def f(s):
    match s:
        case 1 | 'a' as x:
            return x
        case [a, *rest] if a:
            return rest
        case {'k': v, **r}:
            return v, r
        case C(0, y=z):
            return z
        case _:
            return None
",
        expect![[r#"
            f(s) line 1, 12 registers
              locals: r0=s, r1=x, r2=a, r3=rest, r4=v, r5=r, r6=z
                2     0  Move           r7, r0
                3     1  JumpEqI        r7, 1, L1, x=0
                      3  Jump           L2
              L1:
                      4  LoadConst      r8, "a"
                      5  JumpEq         r7, r8, L3, x=0
              L2:
                      7  Move           r1, r7
                4     8  Return         r1
              L3:
                5     9  MatchSequence  r8, r7
                     10  JumpIfNot      r8, L4
                     11  GetLen         r8, r7
                     12  JumpLtI        r8, 1, L4, x=1
                     14  UnpackEx       r7, r9, n=1, n=0
                     16  Move           r2, r9
                     17  Move           r3, r10
                     18  JumpIfNot      r2, L4
                6    19  Return         r3
              L4:
                7    20  MatchMapping   r8, r7
                     21  JumpIfNot      r8, L5
                     22  GetLen         r9, r7
                     23  JumpLtI        r9, 1, L5, x=1
                     25  LoadConst      r8, ("k",)
                     26  MatchKeys      r9, r7, r8
                     27  JumpIfNone     r9, L5
                     28  UnpackSeq      r9, r10, n=1
                     29  MatchRest      r11, r7, r8
                     30  Move           r4, r10
                     31  Move           r5, r11
                8    32  Move           r9, r4
                     33  Move           r10, r5
                     34  BuildTuple     r8, r9, n=2
                     35  Return         r8
              L5:
                9    36  LoadGlobal     r9, C
                     38  MatchClass     r8, r7, r9, n=1, ("y",)
                     41  JumpIfNone     r8, L6
                     42  UnpackSeq      r8, r9, n=2
                     43  JumpEqI        r9, 0, L6, x=0
                     45  Move           r6, r10
               10    46  Return         r6
              L6:
               12    47  ReturnNone
        "#]],
    );
}

#[test]
fn generic_functions_and_aliases() {
    check(
        "\
class A:
    type X[T: A] = list[T]
    def m[T](self, a: T) -> X: pass
",
        expect![[r#"
            A(.namespace) class_body line 1, 16 registers
              locals: r1=__classdict__ cell, r6=T cell, r7=T
                1     0  Move           r1, r0
                      1  MakeCell       r1
                      2  LoadName       r2, __name__
                      4  StoreName      r2, __module__
                      6  LoadConst      r2, "A"
                      7  StoreName      r2, __qualname__
                      9  LoadInt        r2, 1
                     10  StoreName      r2, __firstlineno__
                2    12  LoadConst      r3, "X"
                     13  LoadUnbound    r6
                     14  MakeCell       r6
                     15  LoadConst      r8, "T"
                     16  MakeFunction   r9, r12, <code A.T>
                     18  LoadNone       r10
                     19  LoadNone       r11
                     20  BuildTuple     r9, r9, n=3
                     21  Intrinsic      r7, r8, r9
                     22  StoreCell      r6, r7
                     23  BuildTuple     r4, r7, n=1
                     24  MakeFunction   r5, r7, <code A.X>
                     26  BuildTuple     r4, r4, n=2
                     27  Intrinsic      r2, r3, r4, x=3
                     28  StoreName      r2, X
                3    30  LoadConst      r9, "T"
                     31  LoadNone       r10
                     32  LoadNone       r11
                     33  LoadNone       r12
                     34  BuildTuple     r10, r10, n=3
                     35  Intrinsic      r8, r9, r10
                     36  Move           r7, r8
                     37  BuildTuple     r6, r8, n=1
                     38  LoadConst      r8, "a"
                     39  Move           r9, r7
                     40  LoadConst      r10, "return"
                     41  LoadName       r11, X
                     43  BuildDict      r5, r8, n=2
                     44  MakeFunction   r2, r3, <code A.m>, x=12
                     46  StoreName      r2, m
                1    48  LoadConst      r2, ()
                     49  StoreName      r2, __static_attributes__
                     51  ReturnNone

            A.T() line 2, 1 registers
              free: __classdict__=r1
                2     0  LoadFree       r0, free __classdict__
                      1  LoadDictGlobal r0, r0, A
                      3  Return         r0

            A.X() line 2, 2 registers
              free: __classdict__=r1, T=r6
                2     0  LoadFree       r0, free __classdict__
                      1  LoadDictGlobal r0, r0, list
                      3  LoadFree       r1, free T
                      4  LoadItem       r0, r0, r1
                      5  Return         r0

            A.m(self, a) line 3, 2 registers
              locals: r0=self, r1=a
                3     0  ReturnNone
        "#]],
    );
}

#[test]
fn assignments_side_by_side() {
    check(
        "\
def f(a, b):
    a, b = b, a
    a, b = b, a + b
    (c, d), *e = a
    a[b], b = b, 1
",
        expect![[r#"
            f(a, b) line 1, 7 registers
              locals: r0=a, r1=b, r2=c, r3=d, r4=e
                2     0  Move           r5, r0
                      1  Move           r0, r1
                      2  Move           r1, r5
                3     3  Add            r5, r0, r1
                      4  Move           r0, r1
                      5  Move           r1, r5
                4     6  UnpackEx       r0, r5, n=1, n=0
                      8  UnpackSeq      r5, r2, n=2
                      9  Move           r4, r6
                5    10  LoadInt        r5, 1
                     11  StoreItem      r0, r1, r1
                     12  Move           r1, r5
                     13  ReturnNone
        "#]],
    );
}

#[test]
fn f_strings() {
    check(
        "\
def f(x):
    return f'{x}', f'a{x!r:>{x}}b{{'
",
        expect![[r#"
            f(x) line 1, 10 registers
              locals: r0=x
                2     0  FormatValue    r2, r0, r0
                      1  LoadConst      r4, "a"
                      2  LoadConst      r8, ">"
                      3  FormatValue    r9, r0, r0
                      4  BuildString    r7, r8, n=2
                      5  FormatValue    r5, r0, r7, x=6
                      6  LoadConst      r6, "b{"
                      7  BuildString    r3, r4, n=3
                      8  BuildTuple     r1, r2, n=2
                      9  Return         r1
        "#]],
    );
}

/// The library's Python files, those left out that are meant to be bad.
fn library(python: &Path) -> Vec<PathBuf> {
    let Ok(root) = oracle::library(python) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    let mut dirs = vec![root];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && name != "site-packages" {
                dirs.push(path);
            } else if name.ends_with(".py") && !name.starts_with("bad") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[test]
fn the_library_of_cpython_compiles() {
    let Ok(python) = oracle::find() else {
        eprintln!("skipped: no CPython 3.13 found (LOCKSTEP_ORACLE names one)");
        return;
    };
    let mut n_files = 0;
    let mut wrong = Vec::new();
    for path in library(&python) {
        // Files in another encoding are of no use here.
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        n_files += 1;
        if let Err(message) = verdict(&path, text) {
            wrong.push(format!("{}: {message}", path.display()));
        }
    }
    assert!(n_files > 100, "the library has many files");
    let n_wrong = wrong.len();
    assert!(
        wrong.is_empty(),
        "{n_wrong} of {n_files}:\n{}",
        wrong.join("\n")
    );
}

/// What is wrong with the text or the code made of it.
fn verdict(path: &Path, text: String) -> Result<(), String> {
    let options = CompileOptions {
        refuse_late: true,
        ..CompileOptions::default()
    };
    let source = Arc::new(Source::new(path.display().to_string(), text));
    let compiled = compile_source(source, options).map_err(|errors| errors[0].message.clone())?;
    verify(&compiled.code).map_err(|fault| fault.to_string())
}

fn compiles(text: &str) -> Result<(), String> {
    verdict(Path::new("test"), text.to_owned())
}

#[test]
fn long_displays_and_calls_are_built_in_parts() {
    let list = |n: usize, item: &dyn Fn(usize) -> String| (0..n).map(item).collect::<String>();
    let numbers = list(20_000, &|n| format!("{n}, "));
    let names = list(20_000, &|n| format!("x{n}, "));
    let pairs = list(10_000, &|n| format!("x{n}: {n}, "));
    let fields = list(10_000, &|n| format!("{{x{n}}}-"));
    let args = list(2_000, &|n| format!("x{n}, "));
    let keywords = list(2_000, &|n| format!("x{n}={n}, "));
    for text in [
        format!("x = [{numbers}]\n"),
        format!("x = {{{numbers}}}\n"),
        format!("x = ({numbers})\n"),
        format!("x = [{names}]\n"),
        format!("x = ({names})\n"),
        format!("x = {{{names}}}\n"),
        format!("x = {{{pairs}}}\n"),
        format!("f({args})\n"),
        format!("f({args}*a, {keywords}**b)\n"),
        format!("class A({args} {keywords}): pass\n"),
        format!("a.f({keywords})\n"),
        format!("x = f'{fields}'\n"),
    ] {
        assert_eq!(compiles(&text), Ok(()), "{}", &text[..20]);
    }
}

#[test]
fn long_chains_take_no_time() {
    let text = |part: &str, n: usize| part.repeat(n);
    for text in [
        format!("def f(x): return x{}\n", text(" < x", 100_000)),
        format!("def f(x): return x{} + (x := 1)\n", text(" + x", 100_000)),
        format!("def f(x): return x{}\n", text(" and x", 100_000)),
        format!(
            "def f(x):\n if x: pass\n{}",
            text(" elif x: x = 1\n", 50_000)
        ),
        format!("def f(x):\n{}", text(" x = f(x)\n if x: x += 1\n", 50_000)),
        format!("def f(x):\n{}", text(" try: x()\n finally: y()\n", 10_000)),
        format!(
            "def f(x):\n while x:\n{}",
            text("  with x: return\n", 10_000)
        ),
    ] {
        assert_eq!(compiles(&text), Ok(()));
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let names: String = (0..70_000).map(|n| format!(" x{n} = 1\n")).collect();
    let message = "too many variables and nested values in one function";
    assert_eq!(
        compiles(&format!("def f():\n{names}")),
        Err(message.to_owned())
    );
    let params: String = (0..70_000).map(|n| format!("x{n}, ")).collect();
    assert_eq!(
        compiles(&format!("def f({params}): pass\n")),
        Err(message.to_owned())
    );
    let targets: String = (0..70_000).map(|n| format!("x{n}, ")).collect();
    assert_eq!(
        compiles(&format!("{targets} = y\n")),
        Err(message.to_owned())
    );
}

#[test]
fn deep_trees_compile() {
    let deep = |open: &str, close: &str, n: usize| {
        format!("def f(x): return {}x{}\n", open.repeat(n), close.repeat(n))
    };
    for text in [
        deep("(", ")", 150),
        deep("f(1, ", ")", 150),
        deep("[", "]", 150),
        deep("-", "", 900),
        deep("not ", "", 900),
        deep("lambda: ", "", 400),
        deep("", ".a", 900),
        deep("", "()", 900),
        deep("(lambda: [", " for y in x])", 60),
    ] {
        assert_eq!(compiles(&text), Ok(()), "{}", &text[..30]);
    }
    let mut nested = String::new();
    for depth in 0..20 {
        nested += &format!("{}try:\n", " ".repeat(depth));
    }
    nested += &format!("{}return x\n", " ".repeat(20));
    for depth in (0..20).rev() {
        let indent = " ".repeat(depth);
        nested += &format!("{indent}finally:\n{indent} y()\n");
    }
    let body: String = nested.lines().map(|line| format!(" {line}\n")).collect();
    assert_eq!(compiles(&format!("def f(x):\n{body}")), Ok(()));
    let mut inside = String::new();
    for depth in 0..18 {
        let indent = " ".repeat(depth + 1);
        inside += &format!("{indent}try: x()\n{indent}finally:\n");
    }
    inside += &format!("{}return x\n", " ".repeat(19));
    assert_eq!(compiles(&format!("def f(x):\n{inside}")), Ok(()));
}
