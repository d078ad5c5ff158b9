//! Random programs of ordinary statements and expressions. Takes a seed, gives a program that
//! prints values and the messages of the exceptions it runs into. It ends soon: loops are short,
//! functions call only earlier ones, and what grows is cut. Nothing it prints depends on when
//! memory is freed, on addresses or on the order of a set of things hashed by identity.

mod async_generators;
mod calls;
mod classes;
mod closures;
mod containers;
mod coroutines;
mod descriptors;
mod exceptions;
mod formatting;
mod fstrings;
mod generators;
mod grammar;
mod groups;
mod library;
mod literals;
mod matching;
mod metaclasses;
mod methods;
mod numbers;
mod records;
mod statements;
mod templates;

use super::writer::Writer;
use grammar::Type;

/// The module that every program imports, and its name.
pub const LIBRARY_NAME: &str = "fuzzed";
pub const LIBRARY: &str = "\
import bisect, itertools, math, operator, traceback
from functools import reduce
class Oops(ValueError): pass
class Worse(Oops):
    def __init__(self, *args):
        super().__init__(*args)
        self.code = len(args)
    def __str__(self): return f'worse{self.args}'
def text(value):
    shown = repr(value)
    if ' with id=' in shown: return 'told of by its id'
    return shown if len(shown) < 300 or ' at 0x' in shown else f'{shown[:250]}...{len(shown)}'
def show(*values):
    # What has no steady hash comes in a set where its address says.
    print(*[text(ordered(value)) for value in values])
def oops(error, depth=0):
    # Places in a library module are its own affair. What has type parameters runs in its own
    # function where CPython has one more around it.
    found = traceback.extract_tb(error.__traceback__, 20)
    places = [p for p in found if 'language' in p.filename and '<generic' not in p.name][:5]
    extents = [f'{p.lineno}-{p.end_lineno}:{p.colno}-{p.end_colno}' for p in places]
    print(' ' * depth + '!', type(error).__name__, ascii(str(error)), *extents, *map(ascii, getattr(error, '__notes__', ())))
    if places and sum(map(len, extents)) % 4 == 0:
        shown = traceback.StackSummary.from_list(places[-1:]).format_frame_summary(places[-1])
        print(ascii(shown.partition(chr(10))[2]))
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            oops(one, depth + 1)
    if depth < 4 and error.__cause__ is not None:
        oops(error.__cause__, depth + 2)
    elif depth < 4 and error.__context__ is not None and not error.__suppress_context__:
        oops(error.__context__, depth + 1)
def small(value):
    kind = type(value)
    if kind in (list, tuple): return value[:9]
    if kind in (str, bytes): return value[:30]
    if kind is int and abs(value) > 10**40: return value % 10**9
    if kind is dict and len(value) > 9: return dict(list(value.items())[:9])
    if kind in (set, frozenset) and len(value) > 40: return {1, 2}
    return value
def low(value):
    return 2 if isinstance(value, int) and int.__gt__(int.__abs__(value), 9) else value
def fit(value):
    # What a machine may or may not have the memory for.
    return value % 1000 if isinstance(value, int) and 10**6 < abs(value) < 2**48 else value
def steady(value):
    kind = type(value)
    if kind in (tuple, frozenset): return all(map(steady, value))
    if kind is slice: return steady((value.start, value.stop, value.step))
    if kind is str: return ' at 0x' not in value
    return kind.__hash__ is not object.__hash__ and not (kind is float and value != value)
def stable(value): return value if steady(value) else 'unsteady'
def hashed(value): return hash(value if steady(value) else 'unsteady')
def ordered(value):
    if type(value) in (set, frozenset) and not all(map(steady, value)):
        return type(value)(sorted(filter(steady, value), key=repr))
    return value
def quiet(n):
    for number in range(n):
        yield number
    return 'quiet'
kept = []
def keep(generator):
    kept.append(generator)
    return generator
held = []
pinned = []
def pin(one):
    pinned.append(one)
    return one
def begin():
    # Programs of a batch share this module; what an earlier one left is none of theirs.
    past.extend([*kept, *held, *pinned])
    for ones in kept, held, pinned: ones.clear()
past = []
def hold(generator):
    held.append(generator)
    return generator
def finish():
    for one in pinned[::-1] * 3:
        for _ in range(8):
            try:
                (one if hasattr(one, 'send') else one.aclose()).send(None)
            except BaseException as error:
                if isinstance(error, (RuntimeError, StopIteration)): break
class P:
    __match_args__ = ('x', 'y')
    def __init__(self, x=0, y=0): self.x, self.y = x, y
    def __repr__(self): return f'P({self.x!r}, {self.y!r})'
    def __eq__(self, other): return isinstance(other, P) and (self.x, self.y) == (other.x, other.y)
    __hash__ = None
class Desc:
    def __init__(self, value): self.value = value
    def __set_name__(self, owner, name): print('named', owner.__name__, name)
    def __get__(self, instance, owner): return ('got', instance is None, owner.__name__, self.value)
    def __set__(self, instance, value): print('set'); self.value = text(value)[:30]
class Manager:
    def __init__(self, name, answer=False): self.name, self.answer = name, answer
    def __repr__(self): return f'Manager({text(self.name)})'
    def __hash__(self): return 7
    def __enter__(self): print('enter', self.name); return self
    def __exit__(self, kind, error, trace):
        print('exit', self.name, kind and kind.__name__, error)
        return self.answer
";

/// What every section's variables hold at first.
const INITIAL: [&str; 3] = [
    "i, j, x, y, s, t, c = 3, -7, 2.5, 0.1, 'abc', 'Lorem ipsum', b'xyz'",
    "l, m, d, e = [1, 2, 3], ['a', 'b'], {'a': 1, 2: 'b'}, {1: 2}",
    "u, v, k = (1, 'two', 3.0), (4, 5), {1, 2}",
];
/// Loops would double texts and lists with each round otherwise.
const CUT: &str = "i, j, x, y, s, t, c, l, m, d, e, u, v, k = map(small, (i, j, x, y, s, t, c, l, m, d, e, u, v, k))";

/// The program of a seed.
pub fn program(seed: u64) -> String {
    let mut w = Writer::new(seed);
    w.line(format!("from {LIBRARY_NAME} import *"));
    w.line("begin()");
    initial(&mut w);
    calls::functions(&mut w);
    for n in 0..3 + w.below(2) {
        // A section's names are globals, or a function's own.
        if w.once_in(2) {
            section(&mut w);
            continue;
        }
        w.block(format!("def section{n}():"), |w| {
            initial(w);
            section(w);
        });
        w.attempt(|w| w.line(format!("show(section{n}())")));
    }
    w.text
}

fn initial(w: &mut Writer) {
    for line in INITIAL {
        w.line(line);
    }
}

fn section(w: &mut Writer) {
    match w.below(32) {
        0..=3 => statements::section(w),
        4 => formatting::section(w),
        5 => numbers::section(w),
        6 | 7 => classes::section(w),
        8 => generators::section(w),
        9 | 10 => exceptions::section(w),
        11 => calls::section(w),
        12 => matching::section(w),
        13 => closures::section(w),
        14 | 15 => metaclasses::section(w),
        16 | 17 => records::section(w),
        18 => coroutines::section(w),
        19..=21 => library::section(w),
        22 | 23 => methods::section(w),
        24 => groups::section(w),
        25 | 26 => descriptors::section(w),
        27 => fstrings::section(w),
        28 => async_generators::section(w),
        _ => containers::section(w),
    }
}

/// An expression of any type.
fn any(w: &mut Writer, depth: usize) -> String {
    grammar::expression(w, Type::Any, depth)
}

/// One of several templates, filled.
fn one_of(w: &mut Writer, templates: &[&str], depth: usize) -> String {
    let template = w.pick(templates);
    grammar::fill(w, template, depth)
}

/// The lines of one of several templates, filled.
fn lines(w: &mut Writer, templates: &[&str]) {
    let lines = one_of(w, templates, 1);
    for line in lines.lines() {
        w.line(line);
    }
}
