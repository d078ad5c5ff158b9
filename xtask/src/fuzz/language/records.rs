//! Classes that the library makes: dataclasses, enums, flags, named tuples, and the callables of
//! functools and operator. Gives definitions and what is asked of them.

use super::super::writer::Writer;
use super::{lines, one_of};

const DATA: &[&str] = &[
    "@dataclass\nclass R:\n    a: int\n    b: str = 'b'\n    c: list = field(default_factory=list)",
    "@dataclass(order=True)\nclass R:\n    a: int\n    b: str = 'b'\n    c: int = field(default=0, compare=False)",
    "@dataclass(frozen=True)\nclass R:\n    a: int\n    b: tuple = ()\n    c: int = field(default=1, repr=False)",
    "@dataclass(kw_only=True)\nclass R:\n    a: int = 1\n    b: int\n    c: int = field(init=False, default=3)",
    "@dataclass(slots=True)\nclass R:\n    a: int\n    b: int = 2\n    c: float = 0.5",
    "@dataclass(eq=False)\nclass R:\n    a: int\n    b: int = 2\n    c: int = 3\n    def __post_init__(self): print('post', self.a)",
    "@dataclass\nclass B:\n    a: int = 0\n@dataclass\nclass R(B):\n    b: InitVar[int] = 5\n    c: ClassVar[int] = 7\n    def __post_init__(self, b): print('post', b)",
    "@dataclass(frozen=True, order=True)\nclass R:\n    a: int = 1\n    b: int = field(default=2, hash=False)\n    c: str = 'c'",
    "R = namedtuple('R', 'a b c', defaults=[$I])",
    "R = namedtuple('R', ['a', 'b', 'c'], rename=True, defaults=(1, 2))",
    "class R(NamedTuple):\n    a: int\n    b: str = 'b'\n    c: int = 3",
    "@dataclass\nclass R:\n    a: int = 1\n    b: int",
    "@dataclass\nclass R:\n    a: list = []",
];

const DATA_USES: &[&str] = &[
    "R($A)",
    "R($A, $A)",
    "R($A, $A, $A)",
    "R()",
    "R(a=$A)",
    "R(b=$I, a=$I)",
    "R(1, zzz=2)",
    "R(1) == R(1)",
    "R($I) == R($I, $S)",
    "R($I) < R($I)",
    "sorted([R(3), R(1), R(2)])",
    "[hash(a) == hash(b) for a, b in [(R(1), R(1))]]",
    "R(1).a, R(1).b, R(1).c",
    "replace(R(1), a=$A)",
    "replace(R(1), zzz=1)",
    "asdict(R($L))",
    "astuple(R($A))",
    "[f.name for f in fields(R)]",
    "is_dataclass(R), is_dataclass(R(1))",
    "R.__match_args__",
    "R(1)._asdict()",
    "R(1)._replace(b=$A)",
    "R._fields, R._field_defaults",
    "R._make([1, 2, 3])",
    "R._make($L)",
    "[*R(1)]",
    "R(1)[0], R(1)[-1]",
    "R(1) + (1,)",
    "R.__doc__",
    "vars(R(1))",
    "f'{R($A)}'",
    "R(1) != R(2)",
    "R(R(1))",
    "R.__name__, R.__qualname__",
    "repr(R('x'))",
    "R(*$U)",
    "R(**$D)",
    "R(1).nothing",
];

const DATA_CHANGES: &[&str] = &[
    "o = R(1); o.a = $A; show(o)",
    "o = R(1); del o.a; show(o)",
    "o = R(1); o.new = 1; show(o)",
    "match R(1):\n    case R(a, b): show(a, b)",
    "match R(1):\n    case R(a=1, c=n): show(n)",
    "a, b, c = R(1); show(a, b, c)",
    "class H(R): pass\nshow(H(1), H(1) == R(1))",
    "o = R(1); show(copy.copy(o), copy.deepcopy(o) == o)",
];

const ENUMS: &[&str] = &[
    "class E(Enum):\n    A = 1\n    B = 'b'\n    C = 1",
    "class E(Enum):\n    A = auto()\n    B = auto()\n    C = auto()\n    def m(self): return (self.name, self.value)",
    "class E(IntEnum):\n    A = 1\n    B = 2\n    C = 5",
    "class E(StrEnum):\n    A = auto()\n    B = 'bee'\n    C = auto()",
    "class E(Flag):\n    A = auto()\n    B = auto()\n    C = A | B",
    "class E(IntFlag):\n    A = 1\n    B = 2\n    C = 4",
    "@unique\nclass E(Enum):\n    A = 1\n    B = 2\n    C = 1",
    "class E(Enum):\n    A = (1, 'x')\n    B = (2, 'y')\n    C = (3, 'z')\n    def __init__(self, number, text): self.number = number",
    "E = Enum('E', 'A B C')",
    "E = Enum('E', {'A': 1, 'B': $A, 'C': 3})",
    "class E(Enum):\n    A = 1\n    B = 2\n    C = 3\n    @classmethod\n    def _missing_(cls, value): return cls.A if value == 9 else None",
    "class E(str, Enum):\n    A = 'a'\n    B = 'b'\n    C = 'c'",
    "class E(float, Enum):\n    A = 1.5\n    B = 2\n    C = 0.5",
    "class E(Enum):\n    A = 1\n    A = 2",
];

const ENUM_USES: &[&str] = &[
    "E.A",
    "list(E)",
    "E.A.name, E.A.value",
    "E.C",
    "E(1)",
    "E(9)",
    "E($A)",
    "E['B']",
    "E['Z']",
    "E.Z",
    "E.A == 1",
    "E.A is E.C",
    "E.A == E(1)",
    "E.A < E.B",
    "sorted(E, key=str)",
    "len(E)",
    "E.B in E",
    "1 in E",
    "$A in E",
    "str(E.A), repr(E.B), f'{E.C}', f'{E.A:>9}'",
    "'%s|%r' % (E.A, E.B)",
    "E.A | E.B",
    "E.A & E.C",
    "~E.A",
    "E.A ^ E.C",
    "E.A + 1",
    "bool(E.A), hash(E.A) == hash(E.A)",
    "isinstance(E.A, E), type(E.A).__name__",
    "E.__members__",
    "{E.A: 1}[E.A]",
    "E(3)",
    "E(7)",
    "E(0)",
    "list(E.C)",
    "E.A.m()",
    "E.A.number",
    "E.A.B",
    "int(E.B)",
    "E.A.upper()",
    "copy.deepcopy(E.A) is E.A",
    "[e.value for e in reversed(E)]",
    "E.__name__, E.__doc__",
    "E.A._value_, E.A._name_",
    "max(E, key=lambda e: str(e.value))",
];

const ENUM_CHANGES: &[&str] = &[
    "E.A = 5",
    "E.A.value = 5",
    "del E.A",
    "E.new = 1; show(E.new)",
    "class F(E): pass",
    "class F(E):\n    Z = 1",
    "match E.B:\n    case E.A: show('a')\n    case E.B: show('b')",
    "match E(1):\n    case E.B | E.C: show('b or c')\n    case _: show('other')",
    "E.A.extra = 1; show(E.A.extra)",
];

const CALLABLES: &[&str] = &[
    "partial($g, $A)()",
    "partial(f0, $A)($A)",
    "partial(f1, a=$A)(b=$A)",
    "partial(partial(f2, $A), $A)(key=$A)",
    "partial(int, base=2)($S)",
    "partial(int, base=2)",
    "partial($A)",
    "partial(max, 5).args",
    "partial(sorted, key=str)($G)",
    "list(map(partial(lambda a, b: (a, b), $A), $G))",
    "cached($A)",
    "cached($H)",
    "[cached(n % 3) for n in range($n)]",
    "cached(a=$H)",
    "cached.cache_info()",
    "cached.cache_clear()",
    "reduce(lambda a, b: (a, b), $G)",
    "reduce(lambda a, b: [a, b], $G, $A)",
    "reduce($g, $L)",
    "reduce(max, $L, $A)",
    "sorted($L, key=cmp_to_key(lambda a, b: (str(a) > str(b)) - (str(a) < str(b))))",
    "sorted($G, key=cmp_to_key(lambda a, b: $A))",
    "sorted($L, key=cmp_to_key(lambda a, b: a - b))",
    "operator.itemgetter($z)($A)",
    "operator.itemgetter($z, $z)($L)",
    "operator.itemgetter($H)($D)",
    "list(map(operator.itemgetter(0), $L))",
    "operator.attrgetter('real', 'imag')($N)",
    "operator.attrgetter('__class__.__name__')($A)",
    "operator.attrgetter($S)($A)",
    "operator.methodcaller('upper')($A)",
    "operator.methodcaller('split', $S, maxsplit=$n)($S)",
    "operator.methodcaller('index', $A)($L)",
    "operator.methodcaller($A)",
    "operator.itemgetter($A)",
    "operator.concat($A, $A)",
    "operator.countOf($G, $A)",
    "operator.indexOf($L, $A)",
    "operator.contains($A, $A)",
    "operator.getitem($A, $z)",
    "operator.iadd($L, [*$G])",
    "operator.pow($I % 9, $n)",
    "operator.truth($A), operator.not_($A)",
    "list(itertools.starmap(operator.add, zip($L, $L)))",
    "list(itertools.accumulate($L, operator.add))",
    "list(map(operator.neg, $L))",
    "single($A)",
    "text(single.dispatch(type($A)))[:16]",
];

/// Definitions of one kind and what is asked of them.
pub fn section(w: &mut Writer) {
    w.line("import copy");
    let (uses, changes): (&[&str], &[&str]) = match w.below(3) {
        0 => {
            w.line("from dataclasses import *");
            w.line("from collections import namedtuple");
            w.line("from typing import ClassVar, NamedTuple");
            w.line("R = type('P', (P,), {})");
            w.attempt(|w| lines(w, DATA));
            (DATA_USES, DATA_CHANGES)
        }
        1 => {
            w.line("from enum import Enum, Flag, IntEnum, IntFlag, StrEnum, auto, unique");
            w.line("E = type('P', (P,), {})");
            w.attempt(|w| lines(w, ENUMS));
            (ENUM_USES, ENUM_CHANGES)
        }
        _ => {
            w.line("from functools import cache, cmp_to_key, lru_cache, partial, singledispatch");
            let how = w.pick(&[
                "cache",
                "lru_cache",
                "lru_cache(maxsize=2)",
                "lru_cache(2, typed=True)",
                "lru_cache(0)",
            ]);
            w.line(format!("@{how}"));
            w.line("def cached(a, b=1): print('computes'); return (a, b)");
            w.line("@singledispatch");
            w.line("def single(a): return ('any', a)");
            w.line("@single.register");
            w.line("def _(a: int): return ('int', a)");
            w.line("@single.register(list)");
            w.line("@single.register(tuple)");
            w.line("def _(a): return ('sequence', a)");
            (CALLABLES, CALLABLES)
        }
    };
    for _ in 0..8 + w.below(10) {
        w.attempt(|w| {
            if w.once_in(5) && changes.as_ptr() != uses.as_ptr() {
                lines(w, changes);
            } else {
                let value = one_of(w, uses, 1);
                w.line(format!("show({value})"));
            }
        });
    }
}
