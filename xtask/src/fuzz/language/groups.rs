//! Exception groups: made, split, filtered, derived, caught in parts, with notes. Gives lines that
//! tell of each part, of causes and contexts, and of what `except*` leaves over.

use super::super::writer::Writer;
use super::{lines, one_of};

const CLASSES: &[&str] = &[
    "class Own(ExceptionGroup): pass",
    "class Own(ExceptionGroup):\n    def derive(self, excs): return Own(self.message + '+', excs)",
    "class Own(ExceptionGroup):\n    def __new__(cls, message, excs, code=0):\n        made = super().__new__(cls, message, excs)\n        made.code = code\n        return made\n    def derive(self, excs): return Own(self.message, excs, self.code + 1)",
    "class Own(BaseExceptionGroup):\n    def derive(self, excs): return ExceptionGroup('derived', excs)",
    "class Own(ExceptionGroup):\n    def derive(self, excs): return $A",
    "class Own(ExceptionGroup, ValueError): pass",
    "class Own(BaseExceptionGroup, KeyError): tag = 1",
    "class Own(ExceptionGroup):\n    def __init__(self, *args): print('init', len(args)); super().__init__(*args)",
];

const MAKES: &[&str] = &[
    "o = ExceptionGroup('g', [$x(1), $x(2), ExceptionGroup('h', [$x(3), $x(4)])])",
    "o = Own('own', [$x(1), Own('inner', [$x(2)]), $x($S)])",
    "o = BaseExceptionGroup('b', [$x(1), KeyboardInterrupt(2), SystemExit(3)])",
    "o = BaseExceptionGroup('b', [$x(1)])",
    "o = ExceptionGroup('g', [KeyboardInterrupt()])",
    "o = ExceptionGroup($A, $L)",
    "o = ExceptionGroup('g', [$x(1), $A])",
    "o = ExceptionGroup('g', ())",
    "o = ExceptionGroup('g')",
    "o = ExceptionGroup('g', [$x(1)], 3)",
    "o = Own('own', [$x(1), KeyboardInterrupt()])",
    "o = Own($S, [$x()] * $n)",
    "p = o; o = ExceptionGroup('outer', [p, $x(9), p])",
    "o = ExceptionGroup('deep', [ExceptionGroup('er', [ExceptionGroup('est', [$x(1)]), $x(2)])])",
    "o = ExceptionGroup(message='g', exceptions=[$x(1)])",
];

const USES: &[&str] = &[
    "show(o)",
    "show(str(o), o.message, o.args)",
    "show(o.exceptions, type(o.exceptions).__name__)",
    "show(o.split($x))",
    "show(o.split(($x, $x)))",
    "show(o.subgroup($x))",
    "show(o.split(lambda e: isinstance(e, $x)))",
    "show(o.subgroup(lambda e: len(e.args) < $n))",
    "show(o.subgroup(lambda e: $A))",
    "show(o.split($A))",
    "show(o.subgroup(ExceptionGroup) is o)",
    "show(o.derive([$x(7)]))",
    "show(o.derive($A))",
    "show(type(o).__name__, [c.__name__ for c in type(o).__mro__])",
    "show(getattr(o, 'code', 'none'), getattr(o.subgroup($x), 'code', 'none'))",
    "o.add_note($S)",
    "o.add_note($A)",
    "o.exceptions[0].add_note('first')",
    "o.__notes__ = $A",
    "show(getattr(o, '__notes__', None), getattr(o.subgroup($x), '__notes__', None))",
    "o.exceptions = ()",
    "o.message = 'new'",
    "o.args = (1, 2); show(o, o.args, o.message)",
    "o.__cause__ = $x('cause')",
    "o.__context__ = $x('context')",
    "raise o",
    "raise o from $x('from')",
    "show(isinstance(o, $x), isinstance(o, Exception))",
    "show(ExceptionGroup[int], o == o, hash(o) == hash(o))",
    "show([e.__context__ for e in o.exceptions])",
    "show([type(e).__name__ for e in (o.split($x)[1] or o).exceptions])",
];

const RAISES: &[&str] = &[
    "raise o",
    "raise o",
    "raise $x('alone')",
    "raise o.exceptions[0]",
    "raise ExceptionGroup('new', [$x(1), o])",
    "raise $x(1) from o",
    "show('nothing')",
    "raise KeyboardInterrupt('base')",
    "try: raise $x('first')\nfinally: raise o",
];

const HANDLERS: &[&str] = &[
    "pass",
    "raise",
    "raise $x('in handler')",
    "raise $x('from handler') from caught",
    "raise caught",
    "raise caught.exceptions[0]",
    "raise caught.derive([$x('derived')])",
    "raise ExceptionGroup('wrapped', [caught])",
    "raise $x('no context') from None",
    "caught.add_note('handled')",
    "caught.add_note('again'); raise",
    "show(caught.__context__, caught.__cause__)",
    "o.add_note('from afar')",
    "raise o",
    "del caught",
    "show(sys.exception() is caught)",
];

/// A hierarchy of groups and what is done with it.
pub fn section(w: &mut Writer) {
    w.line("import sys");
    w.line("Own = ExceptionGroup");
    w.attempt(|w| lines(w, CLASSES));
    w.line("o = ExceptionGroup('first', [Oops(1), KeyError(2), ExceptionGroup('in', [Worse(3), OSError(4)])])");
    for _ in 0..6 + w.below(8) {
        match w.below(5) {
            0 => whole(w, |w| lines(w, MAKES)),
            1 | 2 => whole(w, |w| lines(w, USES)),
            _ => whole(w, caught_in_parts),
        }
    }
}

/// As `attempt`, for what may raise what is no Exception as well.
fn whole(w: &mut Writer, body: impl FnOnce(&mut Writer)) {
    w.block("try:", body);
    w.block("except BaseException as error:", |w| w.line("oops(error)"));
}

fn caught_in_parts(w: &mut Writer) {
    w.block("try:", |w| lines(w, RAISES));
    for _ in 0..1 + w.below(3) {
        let kinds = one_of(
            w,
            &[
                "$x",
                "$x",
                "($x, $x)",
                "Exception",
                "Oops",
                "BaseException",
                "Own",
                "$A",
            ],
            0,
        );
        w.block(format!("except* {kinds} as caught:"), |w| {
            w.line("oops(caught)");
            lines(w, HANDLERS);
        });
    }
    if w.once_in(4) {
        w.block("else:", |w| w.line("print('else')"));
    }
    if w.once_in(3) {
        w.block("finally:", |w| {
            let line = w.pick(&[
                "print('finally')",
                "show(sys.exception())",
                "raise Oops('late')",
            ]);
            w.line(line);
        });
    }
}
