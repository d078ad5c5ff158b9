//! What makes classes: metaclasses with each of their hooks, descriptors of every kind, class
//! decorators, `type` called by hand. Gives classes and what is asked of them.

use super::super::writer::Writer;
use super::one_of;

const HOOKS: &[&str] = &[
    "def __new__(meta, name, bases, space, **options):\n    print('new', name, sorted(options))\n    return super().__new__(meta, name, bases, space)",
    "def __init__(cls, name, bases, space, **options):\n    print('init', name)\n    super().__init__(name, bases, space)",
    "def __call__(cls, *args, **options):\n    print('call', cls.__name__, args)\n    return super().__call__(*args, **options)",
    "@classmethod\ndef __prepare__(meta, name, bases, **options): return {'given': name}",
    "def __instancecheck__(cls, one): return one == 1",
    "def __subclasscheck__(cls, other): return 'M' in other.__name__",
    "def __getattr__(cls, name):\n    if name[0] == '_': raise AttributeError(name)\n    return (cls.__name__, name)",
    "def __setattr__(cls, name, value):\n    print('meta sets', name)\n    super().__setattr__(name, value)",
    "def __iter__(cls): return iter((1, cls.__name__))",
    "def __len__(cls): return $n",
    "def __getitem__(cls, key):\n    if isinstance(key, int) and key > 3: raise IndexError('ends')\n    return (cls.__name__, key)",
    "def __contains__(cls, item): return $B",
    "def __repr__(cls): return 'repr of ' + cls.__name__",
    "def __eq__(cls, other): return $B\n__hash__ = type.__hash__",
    "def __bool__(cls): return $B",
    "def __add__(cls, other): return (cls.__name__, text(other))",
    "def __lt__(cls, other): return $B",
    "def __dir__(cls): return ['one', 'two']",
    "def mro(cls): return super().mro()",
    "tag = 'meta tag'",
    "@property\ndef size(cls): return cls.__name__ * 2",
    "def made(cls, *args): return (cls.__name__, args)",
];

const BODY: &[&str] = &[
    "tag = 'tag of NAME'",
    "def __init__(self, *args): self.v = args",
    "def __init_subclass__(cls, **options): super().__init_subclass__(); print('sub', cls.__name__, options)",
    "__slots__ = ('v',)",
    "__slots__ = ('v', '__dict__')",
    "attr = Desc('NAME')",
    "once = Once()",
    "lazy = Lazy('NAME')",
    "def m(self, a=1): return (type(self).__name__, a, __class__.__name__)",
    "@classmethod\ndef cm(cls): return cls.__name__",
    "@staticmethod\ndef sm(a=2): return a",
    "__private = 5\ndef read(self): return self.__private",
    "def __set_name__(self, owner, name): print('owned', owner.__name__, name)",
    "x: int = 1\ny: 'str'",
    "v = 'class v'",
    "def __getattr__(self, name): return ('found', name)",
    "def __class_getitem__(cls, item): return ('item', item)",
    "def __eq__(self, other): return $B",
    "def __hash__(self): return 5",
    "print('body of NAME', __qualname__, 'given' in vars())",
    "class Inner: z = 3",
    "del given",
    "size = property(lambda self: 'own size', lambda self, value: print('sets size'))",
];

const USES: &[&str] = &[
    "$q.tag",
    "$q.nothing",
    "$q.size",
    "$q()",
    "$q(1, 2).v",
    "$q(1).tag",
    "$q(1).once",
    "$q(1).lazy",
    "$q(1).size",
    "$q.attr",
    "$q(1).attr",
    "$q(1).m()",
    "$q.m($q(1))",
    "$q.cm(), $q.sm()",
    "$q.made(1)",
    "$q(1).made(1)",
    "$q(1).read()",
    "list($q)",
    "len($q)",
    "$q[int]",
    "1 in $q",
    "repr($q)[:20]",
    "$q == $q",
    "$q != $q",
    "bool($q)",
    "$q + 1",
    "$q < $q",
    "$q | int",
    "isinstance(1, $q)",
    "isinstance($q(1), $q)",
    "issubclass($q, $q)",
    "issubclass(int, $q)",
    "type($q).__name__",
    "[c.__name__ for c in $q.__mro__]",
    "[c.__name__ for c in type($q).__mro__]",
    "dir($q)[:2]",
    "sorted(n for n in vars($q) if n[0] != '_')",
    "$q.__annotations__",
    "vars($q(1))",
    "$q.Inner.__qualname__",
    "type('New', ($q,), {'tag': 'new'}).tag",
    "type('New', ($q, $q), {})",
    "type('New', ($q, int), {}).__base__.__name__",
    "type($q)('Made', (), {'a': 1}).a",
    "type.__call__($q, 1).tag",
    "$q.__class__ is type($q)",
    "hash($q) == hash($q)",
    "{$q: 1}[$q]",
    "callable($q)",
    "super($q, $q(1)).__init__(3)",
    "$q.__init_subclass__()",
    "$q.__dict__.get('tag')",
    "type.__getattribute__($q, 'tag')",
    "object.__getattribute__($q(1), 'tag')",
    "$q.__name__, $q.__module__ == __name__",
    "$q.__doc__",
    "$q.__bases__ == $q.__bases__",
];

const CHANGES: &[&str] = &[
    "$q.tag = $A",
    "del $q.tag",
    "$q.attr = 5",
    "$q(1).once = $A",
    "o = $q(1); o.once = 2; show(o.once); del o.once; show(o.once)",
    "o = $q(1); show(o.lazy, o.lazy, 'lazy' in vars(o))",
    "o = $q(1); o.size = 5",
    "$q.size = 7",
    "$q.__name__ = 'Named'; show($q.__name__)",
    "$q.m = lambda self: 'patched'; show($q(1).m())",
    "$q.once = Once()",
    "setattr($q, 'w', Lazy('w')); show($q(1).w)",
    "$q.__bases__ = ($q,)",
    "$q.__class__ = type",
    "class D($q): pass\nshow(D.tag)",
    "class D($q, k=1): tag = 'D'\nshow(D().tag)",
    "class D($q, metaclass=type): pass\nshow(type(D).__name__)",
    "class D(metaclass=M0): x = 1\nshow(D.x)",
    "class D($q, $q): pass",
    "class D(int, metaclass=M1): pass\nshow(D(3) + 1)",
    "class D[T]($q):\n    def m(self: T) -> T: return 'generic'\nshow(D(1).m(), D.__type_params__)",
    "@lambda c: (c.__name__, 'decorated')\nclass D($q): pass\nshow(D)",
];

/// Metaclasses, their classes, and what is asked of them.
pub fn section(w: &mut Writer) {
    w.block("class Once:", |w| {
        w.line("def __set_name__(self, owner, name): self.name = '_' + name");
        w.line("def __get__(self, one, owner=None): return getattr(one, self.name, 'unset')");
        w.line("def __set__(self, one, value): print('once set'); setattr(one, self.name, value)");
        w.line("def __delete__(self, one): delattr(one, self.name)");
    });
    w.block("class Lazy:", |w| {
        w.line("def __init__(self, value): self.value = value");
        w.line("def __set_name__(self, owner, name): self.name = name");
        w.block("def __get__(self, one, owner):", |w| {
            w.line("if one is None: return self.value");
            w.line("vars(one)[self.name] = found = ('lazy', self.value)");
            w.line("return found");
        });
    });
    for n in 0..2 {
        let base = w.pick(&["type", "M0"]);
        let base = if n == 0 { "type" } else { base };
        w.line(format!("M{n} = {base}"));
        w.attempt(|w| {
            w.block(format!("class M{n}({base}):"), |w| {
                w.line("kind = 'metaclass'");
                for _ in 0..w.below(4) {
                    lines(w, HOOKS, "");
                }
            });
        });
    }
    for n in 0..4 {
        let header = w.pick(&[
            "metaclass=M0",
            "metaclass=M1",
            "C0",
            "C1",
            "C0, metaclass=M1",
            "C1, k=2",
            "",
            "C0, C1",
            "list, metaclass=M0",
        ]);
        let header = if n == 0 { "metaclass=M0" } else { header };
        let before = if n == 0 {
            "P".to_owned()
        } else {
            format!("C{}", n - 1)
        };
        w.line(format!("C{n} = {before}"));
        // An earlier class that is not yet there.
        let header = if n == 1 {
            header.replace("C1", "C0")
        } else {
            header.to_owned()
        };
        let header = header.replace("C0, C0", "C0");
        w.attempt(|w| {
            w.block(format!("class C{n}({header}):"), |w| {
                w.line("kind = 'class'");
                for _ in 0..1 + w.below(4) {
                    lines(w, BODY, &format!("C{n}"));
                }
            });
        });
    }
    for _ in 0..8 + w.below(10) {
        w.attempt(|w| {
            if w.once_in(4) {
                lines(w, CHANGES, "");
            } else {
                let value = one_of(w, USES, 1);
                w.line(format!("show({value})"));
            }
        });
    }
}

fn lines(w: &mut Writer, templates: &[&str], name: &str) {
    let lines = one_of(w, templates, 1).replace("NAME", name);
    for line in lines.lines() {
        w.line(line);
    }
}
