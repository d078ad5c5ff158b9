//! Classes that inherit from each other and from builtins, with dunders that log, answer wrongly
//! or call `super`; objects of them in every operation; classes that change while they are used.

use super::super::writer::Writer;
use super::{grammar, one_of};

/// Operators by the middle of their dunder's name, and how they are written.
const BINARY: &[(&str, &str)] = &[
    ("add", "+"),
    ("sub", "-"),
    ("mul", "*"),
    ("truediv", "/"),
    ("floordiv", "//"),
    ("mod", "%"),
    ("matmul", "@"),
    ("and", "&"),
    ("or", "|"),
    ("xor", "^"),
    ("lshift", "<<"),
    ("rshift", ">>"),
    ("pow", "**"),
    ("divmod", ","),
];
const COMPARED: &[&str] = &["lt", "le", "gt", "ge", "eq", "ne"];

/// Bodies of a binary dunder; `C` is its class, `D` the dunder.
const BINARY_BODIES: &[&str] = &[
    "return NotImplemented",
    "return NotImplemented",
    "return ('C', 'D', self.v, text(other))",
    "return self",
    "return super().D(other)",
    "raise TypeError('C.D')",
    "return (self.v, other) if isinstance(other, (int, str)) else NotImplemented",
    "return C($n)",
    "return other",
    "self.v = text(other)[:20]; return self",
];
const COMPARED_BODIES: &[&str] = &[
    "return NotImplemented",
    "return super().D(other)",
    "return True",
    "return False",
    "return text(self.v) < text(getattr(other, 'v', other))",
    "return []",
    "return 'yes'",
    "raise ValueError('C.D')",
    "return self.v == getattr(other, 'v', other)",
];

/// Other members; `C` is the class.
const MEMBERS: &[&str] = &[
    "def __len__(self): return $n",
    "def __len__(self): return -1",
    "def __len__(self): return self.v",
    "def __bool__(self): print('bool'); return $B",
    "def __bool__(self): return 1",
    "def __hash__(self): return 7",
    "def __hash__(self): return hash(text(self.v))",
    "def __hash__(self): return 'x'",
    "__hash__ = None",
    "def __iter__(self): return iter([1, self.v])",
    "def __iter__(self): yield from (self.v, 'C')",
    "def __iter__(self): return 5",
    "def __iter__(self): return self",
    "def __next__(self):\n    self.at = self.at + 1 if 'at' in vars(self) else 1\n    if self.at > 3: self.at = 0; raise StopIteration('C')\n    return self.at",
    "def __getitem__(self, key):\n    print('C getitem', text(key))\n    if isinstance(key, int) and not -3 < key < 3: raise IndexError('C ends')\n    return (key, 'C')",
    "def __getitem__(self, key): return super().__getitem__(key)",
    "def __setitem__(self, key, value): show('setitem', key, value)",
    "def __delitem__(self, key): show('delitem', key)",
    "def __contains__(self, item): show('contains', item); return $A",
    "def __call__(self, *args, **options): return ('C called', args, options)",
    "def __call__(self, a, b=2): return super().__call__(a)",
    "def __getattr__(self, name):\n    if name[0] == '_' or name in ('v', 'at'): raise AttributeError(name)\n    print('C getattr', name)\n    return name * 2",
    "def __getattr__(self, name): raise AttributeError('no ' + name)",
    "def __getattribute__(self, name):\n    if name == 'tag': return 'tag of C'\n    return super().__getattribute__(name)",
    "def __setattr__(self, name, value): print('C setattr', name); super().__setattr__(name, value)",
    "def __delattr__(self, name): print('C delattr', name); super().__delattr__(name)",
    "def __str__(self): return 'str of C'",
    "def __str__(self): return 5",
    "def __repr__(self): return f'C({self.v!r})'",
    "def __repr__(self): return super().__repr__()[:4] + '...'",
    "def __format__(self, spec): return f'[{spec}]'",
    "def __format__(self, spec): return 5",
    "def __int__(self): return $n",
    "def __int__(self): return 'x'",
    "def __float__(self): return 2.5",
    "def __index__(self): return $n",
    "def __index__(self): return 1.5",
    "def __round__(self, n=None): return ('round', n)",
    "def __neg__(self): return 'neg C'",
    "def __pos__(self): return super().__pos__()",
    "def __invert__(self): return self.v",
    "def __abs__(self): return C(3)",
    "def __reversed__(self): return iter('C')",
    "def __enter__(self): print('C enter'); return self.v",
    "def __exit__(self, *args): print('C exit', args[0] and args[0].__name__); return $B",
    "def __init_subclass__(cls, **options): super().__init_subclass__(); print('C sub', cls.__name__, options)",
    "def __class_getitem__(cls, item): return ('C class item', item)",
    "def __missing__(self, key): return ('C misses', key)",
    "def __eq__(self, other): return self is other",
    "attr = Desc('C')",
    "attr = 5",
    "tag = 'C tag'",
    "tag = property(lambda self: ('C', self.v))",
    "m = lambda self, *args: ('C m', args)",
    "def m(self, a, b=2, *args): return ('C.m', a, b, args)",
    "def m(self, *args): return ('C over', super().m(*args))",
    "def m(self, a, /, *, b=1): return (a, b, type(self).__name__, __class__.__name__)",
    "@classmethod\ndef cm(cls, *args): return (cls.__name__, args)",
    "@classmethod\ndef cm(cls, a=1): return ('C', super().cm(a))",
    "@staticmethod\ndef sm(a, b=3): return ('C', a, b)",
    "@property\ndef p(self): return ('C.p', self.v)\n@p.setter\ndef p(self, value): print('C sets p'); self.v = value",
    "@property\ndef p(self): return super().p",
    "@property\ndef p(self): raise AttributeError('C.p')",
    "p = property(None, lambda self, value: print('C only sets'))",
    "def __dir__(self): return ['v', 'C']",
    "def __trunc__(self): return 4",
    "def __ceil__(self): return 'ceil'",
    "def __bytes__(self): return b'C'",
    "def __length_hint__(self): return 2",
    "def __copy__(self): return 'copy of C'",
    "__match_args__ = ('v', 'tag')",
    "def __sizeof__(self): return 1",
    "def __contains__(self, item): return super().__contains__(item)",
    "v = 'class v'",
    "def __instancecheck__(cls, other): return True",
    "def __complex__(self): return 1",
    "x, y = 1, [2]",
    "z: int = 3",
    "w = [n for n in range(2)]",
];

const USES: &[&str] = &[
    "$o + $o",
    "$o + $A",
    "$A + $o",
    "$o - $o",
    "$o * $n",
    "$n * $o",
    "$o / $o",
    "$o // 2",
    "$o % $A",
    "$o @ $o",
    "$o ** 2",
    "2 ** low($o)",
    "$o & $o",
    "$o | 1",
    "1 ^ $o",
    "$o << $o",
    "$A >> $o",
    "divmod($o, $A)",
    "divmod(7, $o)",
    "pow($o, 2)",
    "pow(2, $o, 3)",
    "$o < $o",
    "$o <= $A",
    "$A > $o",
    "$o >= $o",
    "$o == $o",
    "$o == $A",
    "$o != $o",
    "$A != $o",
    "$o < $o < $o",
    "not $o",
    "$o and 1",
    "$o or 2",
    "-$o",
    "+$o",
    "~$o",
    "abs($o)",
    "round($o)",
    "round($o, 1)",
    "bool($o)",
    "len($o)",
    "int($o)",
    "float($o)",
    "str($o)",
    "repr($o)",
    "f'{$o}'",
    "f'{$o!r:>30}'",
    "f'{$o:>9}'",
    "'%s %r' % ($o, $o)",
    "'%d' % $o",
    "'{:5}|{!s}'.format($o, $o)",
    "format($o)",
    "hash($o) == hash($o)",
    "$o[$z]",
    "$o[$:]",
    "$o['k']",
    "$o[1, 2]",
    "$A in $o",
    "$o in [$o, 1]",
    "$o not in ($o,)",
    "list($o)",
    "tuple($o)",
    "[*$o, *$o]",
    "sorted($o, key=str)",
    "sorted([$o, $o, $o])",
    "max($o, $o)",
    "min([$o, $o, $o])",
    "sum([$o, $o])",
    "sum($o)",
    "reversed($o)",
    "list(reversed($o))",
    "iter($o) is $o",
    "next($o)",
    "next(iter($o))",
    "dict($o)",
    "{**$o}",
    "{$o: 1, $o: 2}",
    "len({$o, $o, $o})",
    "{$o: 1}.get($o)",
    "[1, 2, 3][$o]",
    "range(9)[$o]",
    "[0, 1, 2, 3][$o:]",
    "operator.index($o)",
    "math.floor($o)",
    "math.ceil($o)",
    "math.trunc($o)",
    "$o()",
    "$o($A)",
    "$o(1, b=$A)",
    "$o.v",
    "$o.tag",
    "$o.attr",
    "$o.p",
    "$o.nothing",
    "$o.m($A)",
    "$o.m()",
    "$o.m(1, 2, 3)",
    "$o.m(1, b=5)",
    "$o.cm()",
    "$o.cm($A)",
    "$o.sm(1)",
    "$q.cm(2)",
    "$q.sm()",
    "$q.tag",
    "$q.attr",
    "$q.p",
    "$q.m($o, 1)",
    "$q.m()",
    "$q.nothing",
    "$q[int]",
    "$q.v",
    "getattr($o, 'tag', 0)",
    "hasattr($o, 'p')",
    "hasattr($o, 'nothing')",
    "isinstance($o, $q)",
    "issubclass($q, $q)",
    "[c.__name__ for c in $q.__mro__]",
    "$q.__name__, $q.__qualname__, [c.__name__ for c in $q.__bases__]",
    "type($o).__name__",
    "super($q, $o).m(1)",
    "super($q, $o).tag",
    "super($q, $q).cm()",
    "callable($o)",
    "[n for n in dir($o) if n[0] != '_'][:9]",
    "sorted(vars($o))",
    "vars($o)",
    "$q.__dict__.get('tag')",
    "$q.__hash__ is None",
    "'{0.v} {0.tag}'.format($o)",
    "type('New', ($q,), {'tag': 'new'})(1).tag",
    "type('New', ($q, $q), {})",
    "$q.__add__($o, 1)",
    "$o.__eq__($o)",
    "$o.__lt__(1)",
    "$o.__len__()",
    "$q.__init__($o)",
    "object.__repr__($o)[:4]",
    "$q.__new__($q).v",
    "isinstance($o, (int, list, $q))",
    "bytes($o)",
    "$o.__class__ is $q",
    "operator.attrgetter('v')($o)",
    "copy.copy($o)",
    "[n for n in $o if n]",
    "zip($o, $o).__next__()",
    "enumerate($o).__next__()",
    "(lambda *a: a)(*$o)",
    "(lambda **a: a)(**$o)",
    "' '.join($o)",
    "map(str, $o).__next__()",
    "any($o), all($o)",
    "$q($n).v",
    "$q() == $q()",
    "$q(1) in {$q(1): 2}",
    "len($o) or $o",
    "$o.__dict__",
    "$o if $o else 0",
    "print($o)",
    "{1, 2} | $o",
    "[1] + $o",
    "'a' + $o",
    "str.join(',', $o)",
    "int.__add__($o, 1)",
    "list.append($o, 1)",
];

const CHANGES: &[&str] = &[
    "$o.v = $A",
    "del $o.v",
    "$o.p = $A",
    "del $o.p",
    "$o.attr = $A",
    "del $o.attr",
    "$o.new = $A",
    "$o.tag = 'own'",
    "$o[$z] = $A",
    "del $o[$z]",
    "$o[$:] = [1]",
    "$o += 1",
    "$o -= $o",
    "$o *= 2",
    "$o |= $o",
    "$q.tag = $A",
    "del $q.tag",
    "$q.m = lambda self, *a: ('patched', a)",
    "del $q.m",
    "$q.__len__ = lambda self: $n",
    "del $q.__len__",
    "$q.__eq__ = lambda self, other: $B",
    "$q.__add__ = lambda self, other: 'patched add'",
    "$q.__getattr__ = lambda self, name: 'found ' + name",
    "$q.__call__ = lambda self, *a: a",
    "$q.__bool__ = lambda self: $B",
    "$q.attr = Desc(2)",
    "$q.p = property(lambda self: 'new p')",
    "$o.__class__ = $q",
    "$o.m = lambda *a: ('own m', a)",
    "$q.__repr__ = lambda self: 'patched'",
    "a, b = $o",
    "a, *b = $o; show(a, b)",
    "for a in $o: show(a)",
    "for a, b in $o: show(a)",
    "with $o as a: show(a)",
    "with $o: raise KeyError(1)",
    "assert $o == $o, 'unequal'",
    "$q.__iter__ = lambda self: iter((1, 2))",
    "$q.__iter__ = None",
    "$q.__hash__ = None",
    "setattr($o, 'tag', 1)",
    "delattr($o, 'tag')",
    "$o.__dict__['tag'] = 'dict'",
    "vars($o)['v'] = 9",
    "$q.cm = 5",
    "$o, $o = $o, $o",
    "$q.__setattr__ = lambda self, name, value: print('no', name)",
    "$o = $q($n)",
    "$o = $q()",
    "$q.__lt__ = lambda self, other: $B",
    "$q.v = property(lambda self: 'v', lambda self, value: print('v set'))",
    "del $o.tag",
    "match $o:\n    case C0(v=1): show('one')\n    case C1(a, b): show(a, b)\n    case [a, *b]: show(a, b)\n    case {'k': a}: show(a)\n    case C2() | C3(): show('late')",
];

/// The operators that a hierarchy is about: its classes define them time and again, so that methods
/// of both sides and of classes above and below meet.
type Favourites = [(&'static str, &'static str); 2];

/// A hierarchy and what is done with its objects.
pub fn section(w: &mut Writer) {
    w.line("import copy");
    w.line("o0 = o1 = o2 = o3 = 5");
    let favourites = [0; 2].map(|_: usize| BINARY[w.below(BINARY.len())]);
    for n in 0..4 {
        class(w, n, favourites);
    }
    for n in 0..4 {
        w.attempt(|w| {
            let made = one_of(
                w,
                &[
                    "$q($n)",
                    "$q($n)",
                    "$q('ab')",
                    "$q([1, 2])",
                    "$q()",
                    "$q({'a': 1})",
                    "$q(1.5)",
                    "$q(3, k=1)",
                    "$q(1, 2, 3)",
                    "C3($n)",
                    "C3('c')",
                ],
                1,
            );
            w.line(format!("o{n} = {made}"));
        });
    }
    for _ in 0..10 + w.below(14) {
        match w.below(10) {
            0..=4 => w.attempt(|w| {
                let value = one_of(w, USES, 1);
                w.line(format!("show({value})"));
            }),
            5 | 6 => w.attempt(change),
            7 | 8 => w.attempt(|w| operate(w, favourites)),
            // The same site sees an object, its class or its type change.
            _ => {
                let (one, two) = (one_of(w, USES, 1), one_of(w, USES, 1));
                w.block("for a in range(5):", |w| {
                    w.attempt(|w| w.line(format!("show({one})")));
                    w.attempt(|w| w.line(format!("show({two})")));
                    w.block("if a == 2:", |w| w.attempt(change));
                });
            }
        }
    }
}

/// One of the operators, between objects mostly. `OP` stands for it, `D` for its dunder's middle.
fn operate(w: &mut Writer, favourites: Favourites) {
    const USES: &[&str] = &[
        "show($o OP $o)",
        "show($o OP $o)",
        "show($o OP $o OP $o)",
        "show($o OP $A)",
        "show($A OP $o)",
        "$o OP= $o",
        "$o OP= $A",
        "show([a OP $o for a in (o0, o1, o2, o3)])",
    ];
    const CALLS: &[&str] = &[
        "show($q.__D__($o, $o))",
        "show($o.__rD__($o))",
        "show(super($q, $o).__D__($o))",
        "$q.__rD__ = lambda self, other: ('patched', type(other).__name__)",
        "del $q.__rD__",
        "$q.__iD__ = lambda self, other: NotImplemented",
    ];
    let (dunder, operator) = favourites[w.below(2)];
    // An int to the power of large ones ends on no side, a list times large ones has no room.
    const POWERS: &[&str] = &[
        "show($o OP low($o))",
        "show($o OP low($o OP low($o)))",
        "show($o OP low($A))",
        "show(low($A) OP low($o))",
        "$o OP= low($o)",
        "$o OP= low($A)",
        "show([a OP low($o) for a in (o0, o1, o2, o3)])",
    ];
    // A type of CPython keeps a number's slot that has lost its method, or whose method came late:
    // where its base is a sequence, which has another, that shows.
    let calls = match operator {
        "+" | "*" => &CALLS[..CALLS.len() - 3],
        _ => CALLS,
    };
    let template = match operator {
        _ if w.once_in(3) => w.pick(calls),
        "**" | "<<" | "*" => w.pick(POWERS),
        "," => w.pick(&["show(divmod($o, $o))", "show(divmod($A, $o))"]),
        _ => w.pick(USES),
    };
    let template = template
        .replace("OP", operator)
        .replace("D__", &format!("{dunder}__"));
    let line = grammar::fill(w, &template, 1);
    w.line(line);
}

fn change(w: &mut Writer) {
    let lines = one_of(w, CHANGES, 1);
    for line in lines.lines() {
        w.line(line);
    }
}

fn class(w: &mut Writer, n: usize, favourites: Favourites) {
    let builtin = w.pick(&[
        "int",
        "list",
        "str",
        "dict",
        "tuple",
        "float",
        "Exception",
        "object",
        "set",
    ]);
    let bases: String = match n {
        0 if w.once_in(3) => builtin.to_owned(),
        0 => String::new(),
        1 => "C0".to_owned(),
        2 => w
            .pick(&["C0", "C0", "", "C1", "object", "list", "C0, dict"])
            .to_owned(),
        _ => w
            .pick(&[
                "C1, C2",
                "C2, C1",
                "C1",
                "C2",
                "C0, C1",
                "C1, C2, C0",
                "P, C2",
                "C2, int",
            ])
            .to_owned(),
    };
    let keyword = if n > 0 && w.once_in(8) { ", k=1" } else { "" };
    let header = match (bases.as_str(), keyword) {
        ("", _) => format!("class C{n}:"),
        (bases, keyword) => format!("class C{n}({bases}{keyword}):"),
    };
    // Where the class can't be made its name means an earlier one.
    w.line(format!(
        "C{n} = {}",
        if n == 0 {
            "P".to_owned()
        } else {
            format!("C{}", n - 1)
        }
    ));
    w.attempt(|w| {
        w.block(header, |w| {
            if w.once_in(10) {
                w.line("__slots__ = ('v', 'w')");
            }
            let is_plain = bases.is_empty();
            match w.below(5) {
                0 | 1 if is_plain => w.line("def __init__(self, v=1): self.v = v"),
                2 => w.block("def __init__(self, *args, **options):", |w| {
                    w.line(format!("print('C{n} init', len(args), options)"));
                    w.line("self.v = args[0] if args else 'none'");
                    if w.once_in(2) {
                        w.line("super().__init__(*args, **options)");
                    }
                }),
                3 => w.block("def __new__(cls, *args, **options):", |w| {
                    w.line(format!("print('C{n} new', cls.__name__)"));
                    let how = w.pick(&[
                        "super().__new__(cls)",
                        "super().__new__(cls, *args)",
                        "object.__new__(cls)",
                        "'not one'",
                    ]);
                    w.line(format!("made = {how}"));
                    w.line("return made");
                }),
                _ if is_plain => w.line("def __init__(self, v=2): self.v, self.tag = v, 'own tag'"),
                _ => w.line("kind = 'heir'"),
            }
            for _ in 0..2 + w.below(6) {
                member(w, n, favourites);
            }
        });
    });
}

fn member(w: &mut Writer, n: usize, favourites: Favourites) {
    let own = format!("C{n}");
    let lines = match w.below(6) {
        0 | 1 => {
            let side = w.pick(&["", "r", "r", "i"]);
            let (operator, _) = match w.below(4) {
                0 => BINARY[w.below(BINARY.len())],
                favourite => favourites[favourite % 2],
            };
            let dunder = format!("__{side}{operator}__");
            let body = one_of(w, BINARY_BODIES, 1);
            format!("def {dunder}(self, other): {}", body.replace('D', &dunder))
        }
        2 => {
            let dunder = format!("__{}__", w.pick(COMPARED));
            let body = one_of(w, COMPARED_BODIES, 1);
            format!("def {dunder}(self, other): {}", body.replace('D', &dunder))
        }
        _ => one_of(w, MEMBERS, 1),
    };
    for line in named(&lines, &own).lines() {
        w.line(line);
    }
}

/// A member with `C` standing for its class.
fn named(lines: &str, own: &str) -> String {
    let mut text = String::new();
    let mut previous = ' ';
    let mut chars = lines.chars().peekable();
    while let Some(char) = chars.next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if char == 'C' && !is_word(previous) && chars.peek().is_none_or(|next| !is_word(*next)) {
            text.push_str(own);
        } else {
            text.push(char);
        }
        previous = char;
    }
    text
}
