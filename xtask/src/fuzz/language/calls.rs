//! Functions with signatures of every kind, called rightly and wrongly; the messages of wrong
//! calls of builtins. Gives definitions and calls; no function calls a later one.

use super::super::writer::Writer;
use super::statements::{Place, several};
use super::{any, one_of};

/// The three functions that expressions of every section may call.
pub fn functions(w: &mut Writer) {
    for n in 0..3 {
        let parameters = signature(w);
        w.block(format!("def f{n}({}):", parameters.text), |w| {
            w.line("i, j, x, y, s, t, c = 1, 2, 0.5, -1.5, 'in', 'side', b'c'");
            w.line("l, m, d, e, u, v, k = [3, 1], ['q'], {'k': 5}, {}, (4, 5), (), {'v'}");
            w.line(format!("show({})", parameters.names.join(", ")));
            if w.once_in(2) {
                let place = Place {
                    in_function: true,
                    ..Place::default()
                };
                // Functions that called each other would do so without an end.
                let start = w.text.len();
                several(w, 1, place);
                let body = w.text.split_off(start);
                w.text.push_str(
                    &body
                        .replace("f0(", "text(")
                        .replace("f1(", "text(")
                        .replace("f2(", "text("),
                );
            }
            w.line(format!(
                "return {}",
                parameters.names.first().map_or("None", String::as_str)
            ));
        });
    }
}

struct Signature {
    text: String,
    names: Vec<String>,
}

/// Parameters of a random shape.
fn signature(w: &mut Writer) -> Signature {
    let mut parts = Vec::new();
    let mut names = Vec::new();
    let mut has_default = false;
    let pool = ["a", "b", "key", "n", "o"];
    let n_positional = w.below(4);
    let slash = if w.once_in(3) {
        w.below(n_positional + 1)
    } else {
        0
    };
    for (n, name) in pool.iter().take(n_positional).enumerate() {
        has_default |= w.once_in(3);
        let annotation = if w.once_in(8) { ": int" } else { "" };
        if has_default {
            let default = w.pick(&["1", "'d'", "None", "i", "[]", "(2, 3)", "x", "f'{s}'"]);
            parts.push(format!("{name}{annotation}={default}"));
        } else {
            parts.push(format!("{name}{annotation}"));
        }
        names.push((*name).to_owned());
        if n + 1 == slash {
            parts.push("/".to_owned());
        }
    }
    let mut has_star = false;
    if w.once_in(2) {
        parts.push("*rest".to_owned());
        names.push("rest".to_owned());
        has_star = true;
    }
    if w.once_in(2) {
        if !has_star {
            parts.push("*".to_owned());
        }
        for name in pool.iter().skip(n_positional).take(1 + w.below(2)) {
            let default = w.pick(&["", "", "='k'", "=j", "=None"]);
            parts.push(format!("{name}{default}"));
            names.push((*name).to_owned());
        }
    }
    if w.once_in(3) {
        parts.push("**options".to_owned());
        names.push("options".to_owned());
    }
    Signature {
        text: parts.join(", "),
        names,
    }
}

/// Arguments of a random shape.
fn arguments(w: &mut Writer) -> String {
    let mut parts = Vec::new();
    for _ in 0..w.below(4) {
        let part = one_of(w, &["$A", "$A", "$A", "*$U", "*$G", "*()"], 1);
        parts.push(part);
    }
    for name in ["a", "b", "key", "n", "o", "zzz"] {
        if w.once_in(5) {
            parts.push(format!("{name}={}", any(w, 1)));
        }
    }
    if w.once_in(4) {
        let part = one_of(
            w,
            &[
                "**{'a': $A}",
                "**{}",
                "**$D",
                "**{'key': $I, 'o': $S}",
                "**dict(b=$A)",
                "**$A",
            ],
            1,
        );
        parts.push(part);
    }
    parts.join(", ")
}

/// Calls of builtins and methods with what they don't take, and with what they do.
const MISUSED: &[&str] = &[
    "len()",
    "len($A, $A)",
    "len($I)",
    "int($S, $I)",
    "int($A)",
    "float($A)",
    "str($A, $A)",
    "abs()",
    "abs($A)",
    "[].append()",
    "[].append(1, 2)",
    "$L.index()",
    "$L.pop($S)",
    "$L.insert($A)",
    "$L.sort($k)",
    "$L.sort(key=$A)",
    "$L.extend($A)",
    "'a'.split(1)",
    "'a'.split('')",
    "'a'.join($A)",
    "'a'.replace('b')",
    "'a'.center()",
    "'a'.center(3, 'xy')",
    "'a'.zfill('3')",
    "'a'.startswith($A)",
    "'a'.find($A)",
    "'a'.encode($A)",
    "'a'.strip($A)",
    "'a'.nothing",
    "(5).real()",
    "{}.pop()",
    "{}.pop($H)",
    "{}.popitem()",
    "{}.update($A)",
    "{}.fromkeys()",
    "{}.get()",
    "{}[$A]",
    "[][$A]",
    "()[$A]",
    "''[$A]",
    "$A[$A]",
    "$A.nothing",
    "$A()",
    "set().pop()",
    "{1}.add($A)",
    "{1}.remove($H)",
    "ordered(set($A))",
    "dict($A)",
    "list($A)",
    "tuple($A)",
    "range($A)",
    "range(1, $A)",
    "range(1, 2, 0)",
    "range()",
    "sorted($A)",
    "sorted($L, $k)",
    "sorted($L, key=5)",
    "reversed($A)",
    "enumerate($A)",
    "enumerate()",
    "zip($A)",
    "zip([1], [], strict=True)",
    "map()",
    "map($g)",
    "list(map(5, [1]))",
    "filter($g)",
    "next($A)",
    "next(iter([]))",
    "iter($A)",
    "iter($A, $A)",
    "sum($A)",
    "sum(['a'])",
    "sum([[1]], [])",
    "sum(['a'], '')",
    "min()",
    "min($A)",
    "min([])",
    "max([], default=$A)",
    "max(1, 2, default=3)",
    "max($A, $A)",
    "round($A)",
    "round(1.5, $A)",
    "pow($A, $A)",
    "pow(2, -1, 4)",
    "pow(2, 3, 0)",
    "divmod($A, $A)",
    "divmod(1, 0)",
    "ord($A)",
    "ord('ab')",
    "chr($I)",
    "chr($A)",
    "chr(-1)",
    "hex($A)",
    "bin($A)",
    "isinstance(1, $A)",
    "issubclass($A, int)",
    "hasattr(1, $A)",
    "getattr(1, $S)",
    "getattr(1, 'x', $A)",
    "setattr(1, 'x', 2)",
    "type($A, $A)",
    "hashed($A)",
    "format($A, $S[:3])",
    "format($A, $A)",
    "$S.format()",
    "$S.format_map($A)",
    "print(sep=$A)",
    "print(1, zzz=2)",
    "bytes(fit($S))",
    "bytes([$I])",
    "bytes([256])",
    "b'a' + 'a'",
    "'a' + b'a'",
    "'a' + 1",
    "1 + 'a'",
    "[1] + (2,)",
    "$A + $A",
    "$A - $A",
    "fit($A) * 'x'",
    "$A // 0",
    "$A % 0",
    "1 / 0",
    "1.0 // 0",
    "1.0 % 0",
    "0 ** -1",
    "$A @ $A",
    "-$A",
    "~$A",
    "$A < $A",
    "$A in $A",
    "1 << -1",
    "1 >> -1",
    "$A | $A",
    "$A & $A",
    "not $A",
    "[1, 2][$F]",
    "int('$w')",
    "int('')",
    "int('0x', 16)",
    "int('9', 8)",
    "int(5, 5)",
    "int('1', 99)",
    "float('')",
    "float('1_')",
    "float('nano')",
    "slice()",
    "slice(1, 2, 3, 4)",
    "[1, 2, 3][::0]",
    "'abc'[1.0]",
    "object().x",
    "object(1)",
    "int.from_bytes($A, 'big')",
    "(300).to_bytes(1, 'big')",
    "(-1).to_bytes(2, 'big')",
    "(1).to_bytes(1, 'up')",
    "bool(1, 2)",
    "str(b'a', 'nothing')",
    "b'\\xff'.decode()",
    "'é'.encode('ascii')",
    "math.sqrt(-1)",
    "math.floor($A)",
    "math.factorial($z)",
    "math.comb($z, $n)",
    "math.gcd($A, 2)",
    "reduce($g, [])",
    "itertools.islice([], -1)",
    "operator.itemgetter($z)($A)",
    "operator.attrgetter('real')($A)",
    "operator.add($A, $A)",
    "super()",
    "type('T', (int, str), {})",
    "type('T', (bool,), {})",
    "type('T', 5, {})",
    "class_getter",
    "ordered(frozenset($A))",
    "frozenset().add(1)",
    "int.bit_length('x')",
    "str.upper(5)",
    "list.append({}, 1)",
    "dict.get([], 1)",
    "[].sort(1)",
    "{}.setdefault()",
    "{[]: 1}",
    "{{}}",
    "{$A: $A}",
    "{$A}",
    "'%d' % $A",
    "'%s %s' % $A",
    "'%q' % 1",
    "'%(a)s' % 5",
    "'%' % ()",
    "b'%s' % $A",
    "'{' .format()",
    "'{:d}'.format($A)",
    "f'{$S:d}'",
    "f'{($L):5}'",
    "f'{($N):,s}'",
];

/// Calls, each told of.
pub fn section(w: &mut Writer) {
    if w.once_in(3) {
        for _ in 0..8 + w.below(8) {
            w.attempt(|w| {
                let call = one_of(w, MISUSED, 1);
                w.line(format!("show({call})"));
            });
        }
        return;
    }
    for _ in 0..1 + w.below(3) {
        let name = w.name("call");
        let parameters = signature(w);
        // One name alone would be no tuple.
        let shown = parameters
            .names
            .iter()
            .map(|name| format!("{name}, "))
            .collect::<String>();
        let callable = match w.below(6) {
            0 => {
                w.line(format!(
                    "{name} = lambda {}: ({shown})",
                    parameters.text.replace(": int", "")
                ));
                name
            }
            1 => {
                w.block(format!("class {name}:"), |w| {
                    let separator = if parameters.text.is_empty() { "" } else { ", " };
                    w.block(
                        format!("def __init__(self{separator}{}):", parameters.text),
                        |w| {
                            w.line(format!("show({shown})"));
                        },
                    );
                    w.line(format!(
                        "def method(self{separator}{}): return ({shown})",
                        parameters.text
                    ));
                    w.line("@classmethod");
                    w.line(format!(
                        "def made(cls{separator}{}): return ({shown})",
                        parameters.text
                    ));
                    w.line("@staticmethod");
                    w.line(format!("def still({}): return ({shown})", parameters.text));
                });
                let how = w.pick(&[
                    "",
                    ".made",
                    ".still",
                    ".method",
                    ".__new__(NAME).method",
                    ".__new__(NAME).made",
                ]);
                format!("{name}{}", how.replace("NAME", &name))
            }
            _ => {
                w.block(format!("def {name}({}):", parameters.text), |w| {
                    w.line(format!("show({shown})"));
                    w.line(format!("return {}", parameters.names.len()));
                });
                if w.once_in(5) {
                    let line = one_of(
                        w,
                        &[
                            "NAME.__defaults__ = ($A,)",
                            "NAME.__kwdefaults__ = {'b': $A}",
                            "NAME.__defaults__ = None",
                        ],
                        1,
                    );
                    w.line(line.replace("NAME", &name));
                }
                name
            }
        };
        for _ in 0..3 + w.below(4) {
            w.attempt(|w| {
                let arguments = arguments(w);
                // In a loop the call site is the same each time.
                if w.once_in(4) {
                    w.line(format!("for i in range(3): show(text({callable}({arguments}))[:60].partition(' object')[0])"));
                } else {
                    w.line(format!("show(text({callable}({arguments}))[:60].partition(' object')[0])"));
                }
            });
        }
    }
}
