//! Attributes of every making: descriptors with each set of methods, properties, slots and what
//! they collide with, `__getattribute__`, cached properties, `super()` in odd places, hooks that
//! fail. Gives classes in a row and steps on their objects.

use super::super::writer::Writer;
use super::one_of;

/// Methods of a descriptor's class; each is there half of the time.
const METHODS: &[&str] = &[
    "def __get__(self, one, owner=None): return ('get', self.name, one is None, owner and owner.__name__)",
    "def __get__(self, one, owner): return self if one is None else vars(one).get(self.name, 'unset')",
    "def __set__(self, one, value): print('set', self.name); vars(one)[self.name] = value",
    "def __set__(self, one, value): raise AttributeError('fixed')",
    "def __delete__(self, one): print('delete', self.name); del vars(one)[self.name]",
    "def __set_name__(self, owner, name): self.name = name",
    "def __set_name__(self, owner, name): print('named', owner.__name__, name)",
    "def __set_name__(self, owner, name): raise $x(name)",
    "def __call__(self, *args): return ('called', args)",
    "__isabstractmethod__ = True",
    "def __getattr__(self, name): raise AttributeError('no ' + name)",
];

/// Members of the classes `K0` to `K3`; `NAME` is the class itself.
const MEMBERS: &[&str] = &[
    "a = Make('a')",
    "b = Make('b')",
    "a = Other('a')",
    "a = 'plain a of NAME'",
    "a: int = 5",
    "__slots__ = ('a', 'b')",
    "__slots__ = ('a',)\na = 1",
    "__slots__ = 'b'",
    "__slots__ = ['a', '__dict__']",
    "__slots__ = ('a', '__weakref__')",
    "__slots__ = ('__private', 'c')",
    "__slots__ = $A",
    "__slots__ = {'a': 'of a', 'b': None}",
    "__slots__ = ()",
    "@property\ndef a(self): return ('prop', type(self).__name__)",
    "@property\ndef a(self): return self._a\n@a.setter\ndef a(self, value): print('setter'); self._a = value\n@a.deleter\ndef a(self): print('deleter'); del self._a",
    "@property\ndef b(self): raise AttributeError('inside b')",
    "@property\ndef b(self): return super().b",
    "a = property(None, lambda self, value: print('only set', value))",
    "a = property(lambda self: 'doc', doc='of a')",
    "@cached_property\ndef c(self): print('computes c'); return [type(self).__name__]",
    "@cached_property\ndef b(self): raise $x('cached')",
    "@classmethod\ndef c(cls): return cls.__name__",
    "@staticmethod\ndef c(*args): return args",
    "c = classmethod(Make('inner'))",
    "c = partialmethod(lambda self, *args, **named: (args, named), $A, k=1)",
    "c = partial(lambda *args: args, 'bound')",
    "c = lambda self, *args: ('lambda', args)",
    "@singledispatchmethod\ndef c(self, arg): return ('any', arg)\n@c.register\ndef _(self, arg: int): return ('int', arg)\n@c.register(str)\ndef _(self, arg): return ('str', arg)",
    "def c(self, *args): return ('NAME', super().c(*args))",
    "def c(self): return __class__.__name__, super().__thisclass__.__name__",
    "def c(self):\n    def deep(): return super(NAME, self).a\n    return deep()",
    "def c(self): return [super(NAME, self).c() for _ in range(1)]",
    "def c(self): return [super().a for _ in range(1)]",
    "def c(): return super()",
    "def c(self): del self; return super()",
    "def c(self): self = 5; return super().a",
    "def c(*args): return super().a",
    "def __getattribute__(self, name):\n    if name[0] != '_': print('asks', name)\n    return super().__getattribute__(name)",
    "def __getattr__(self, name):\n    if name[0] == '_': raise AttributeError(name)\n    return ('missing', name)",
    "def __getattr__(self, name): return self.__dict__[name]",
    "def __setattr__(self, name, value): print('sets', name); object.__setattr__(self, name, value)",
    "def __delattr__(self, name): print('deletes', name); super().__delattr__(name)",
    "def __init_subclass__(cls, /, k=0, **named): super().__init_subclass__(**named); print('sub', cls.__name__, k)",
    "def __init_subclass__(cls): raise $x('no subclasses')",
    "def __dir__(self): return ['z', 'a', 5][:$n]",
    "def __init__(self, *args): self.a = args",
    "def __new__(cls, *args): return super().__new__(cls)",
    "def __class_getitem__(cls, item): return (cls.__name__, item)",
    "def __set_name__(self, owner, name): print('instance named', name)",
    "__class__ = property(lambda self: int)",
    "__doc__ = 'of NAME'",
    "__qualname__ = 'Elsewhere'",
    "__qualname__ = int($I)",
    "__qualname__ = ascii($S)",
    "__match_args__ = ('a', 'b')",
    "__eq__ = lambda self, other: self.a == other.a",
    "__lt__ = lambda self, other: id(self) != id(other)",
    "__hash__ = None",
    "__call__ = Make('call')",
    "__len__ = Make('len')",
    "__iter__ = property(lambda self: lambda: iter('it'))",
    "__enter__ = lambda self: 'entered'\n__exit__ = lambda self, *a: print('exits', len(a))",
    "__index__ = lambda self: $n",
    "__bool__ = classmethod(lambda cls: $B)",
    "locals()['c'] = 'by locals'",
    "for b in range(2): pass",
    "c = [x for x in 'ab']\nd = [c for _ in 'ab']",
    "if True:\n    def c(self): return 'in if'",
    "type Alias = NAME",
    "nested = type('Nested', (), {'a': Make('deep')})",
    "@abstractmethod\ndef a(self): return 'abstract'",
];

/// `$o` is one of their objects, `K` one of the classes.
const USES: &[&str] = &[
    "show($o.a)",
    "show($o.b)",
    "show($o.c)",
    "show($o.c())",
    "show($o.c($A))",
    "show(K.a)",
    "show(K.b)",
    "show(K.c)",
    "show(K.c($o))",
    "$o.a = $A",
    "$o.b = $A",
    "$o.c = $A",
    "$o.z = $A",
    "del $o.a",
    "del $o.b",
    "del $o.c",
    "show(K.__dict__['a'].__get__($o, K))",
    "show(type(vars(K).get('a')).__name__)",
    "show(K.a.fget is None, K.a.__doc__)",
    "K.a = Make('late'); show($o.a)",
    "K.a = property(lambda self: 'new prop'); show($o.a)",
    "K.a = $A; show($o.a)",
    "del K.a",
    "del K.c",
    "K.c = lambda self: 'patched'; show($o.c())",
    "show(vars($o))",
    "$o.__dict__ = {'a': 'from dict'}; show($o.a)",
    "$o.__dict__ = $A",
    "del $o.__dict__",
    "show(getattr($o, 'a', 'default'), getattr($o, 'zz', 'default'))",
    "show(hasattr($o, 'a'), hasattr($o, 'b'), hasattr(K, 'c'))",
    "show(super(K, $o).a)",
    "show(super(K, $o).c())",
    "show(super(K, K).c)",
    "show(super(K, $o).zz)",
    "show(super(K).__self__, super(K, $o).__self_class__.__name__)",
    "super(K, $o).a = $A",
    "show(object.__getattribute__($o, 'a'))",
    "object.__setattr__($o, 'a', $A); show($o.a)",
    "object.__delattr__($o, 'a')",
    "show(type.__getattribute__(K, 'a'))",
    "show(isinstance($o, K), issubclass(K, K))",
    "show($o.__class__.__name__, type($o).__name__)",
    "$o.__class__ = K",
    "show(K.__slots__)",
    "show([n for n in dir($o) if n[0] != '_'])",
    "show(sorted(n for n in vars(K) if n[:2] != '__'))",
    "show(K.__qualname__, K.__doc__, K.__module__ == __name__)",
    "show([c.__name__ for c in K.__mro__])",
    "show(K.__abstractmethods__)",
    "show($o())",
    "show(len($o), [*$o])",
    "show(bool($o), $o == $o)",
    "with $o as n: show(n)",
    "match $o:\n    case K(a): show('by place', a)\n    case K(b=n): show('by name', n)\n    case _: show('none')",
    "show(copy.copy($o).a)",
    "show(operator.attrgetter('a', 'b')($o))",
    "show(K[$I])",
    "$o = K()",
    "$o = K($A)",
    "$o = K.__new__(K)",
    "class L(K, k=2): pass",
    "class L(K, int): pass\nshow(L().a)",
    "class L(K): __slots__ = ('a', 'z')\nl0 = L(); l0.z = 5; show(l0.z, hasattr(l0, 'a'))",
    "class L(K, K): pass",
    "show(type('L', (K,), {'c': lambda self: super(L, self).c()}).__name__)",
    "show(K.c.__name__, K.c.__qualname__)",
    "show($o.c.__self__ is $o)",
    "show($o.c.__func__ is K.c)",
    "[$o.a for $o.a in $G]",
    "for $o.b in $G: pass",
    "$o.a += 1",
    "$o.a, $o.b = $U",
    "show(inspect_of(K))",
];

/// Classes in a row and what is done with their objects.
pub fn section(w: &mut Writer) {
    w.line("import copy");
    w.line("from abc import ABC, abstractmethod");
    w.line("from functools import cached_property, partial, partialmethod, singledispatchmethod, total_ordering");
    w.line("inspect_of = lambda c: sorted((n, type(v).__name__) for n, v in vars(c).items() if n[:2] != '__')");
    for name in ["Make", "Other"] {
        w.block(format!("class {name}:"), |w| {
            w.line("def __init__(self, name): self.name = name");
            w.line(format!(
                "def __repr__(self): return f'{name}({{self.name!r}})'"
            ));
            for method in METHODS {
                if w.once_in(4) {
                    let method = one_of(w, &[*method], 0);
                    w.line(method);
                }
            }
        });
    }
    w.line("K0 = K1 = K2 = K3 = type('P', (P,), {})");
    for n in 0..4 {
        w.attempt(|w| class(w, n));
    }
    w.line("o0, o1, o2, o3 = P(), P(1), P(1, 2), P()");
    for n in 0..4 {
        w.attempt(|w| {
            let made = w.pick(&["()", "()", "(1)", "(1, 2)"]);
            w.line(format!("o{n} = K{n}{made}"));
        });
    }
    for _ in 0..10 + w.below(14) {
        w.attempt(|w| {
            let class = w.pick(&["K0", "K1", "K2", "K3"]);
            let text = one_of(w, USES, 1);
            for line in named(&text, 'K', class).lines() {
                w.line(line);
            }
        });
    }
}

fn class(w: &mut Writer, n: usize) {
    let bases = match n {
        0 => w.pick(&["", "", "object", "ABC", "int", "list", "dict", "Exception"]),
        1 => w.pick(&["K0", "K0", "", "K0, k=3", "tuple", "K0, object"]),
        2 => w.pick(&["K0", "K1", "K1", "", "K1, K0", "K0, K1"]),
        _ => w.pick(&["K2", "K2", "K1, K2", "K2, K1", "K0", "K2, k=1"]),
    };
    if w.once_in(8) {
        w.line("@total_ordering");
    }
    w.block(format!("class K{n}({bases}):"), |w| {
        for _ in 0..1 + w.below(5) {
            let text = one_of(w, MEMBERS, 1).replace("NAME", &format!("K{n}"));
            for line in text.lines() {
                w.line(line);
            }
        }
    });
}

/// A text with a name of one letter replaced where it stands by itself.
fn named(text: &str, name: char, by: &str) -> String {
    let mut all = String::new();
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(char) = rest.next() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '\'';
        if char == name && !is_part(before) && !rest.peek().is_some_and(|&c| is_part(c)) {
            all.push_str(by);
        } else {
            all.push(char);
        }
        before = char;
    }
    all
}
