//! Methods of the builtin types and builtin functions in every form of arguments: too few, too
//! many, by name, of the wrong type, None for a bound. Gives calls that show what they return and
//! what they have made of their object.

use super::super::writer::Writer;
use super::grammar;

/// A type's object as a template, and its methods: each with what its arguments mostly are, and
/// then the names that it takes.
struct Methods {
    object: &'static str,
    all: &'static [(
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
    )],
}

const BOUNDS: &[&str] = &["$S", "$z", "$z"];

const STR: Methods = Methods {
    object: "$S",
    all: &[
        ("capitalize", &[], &[]),
        ("casefold", &[], &[]),
        ("center", &["$n * 3", "$S[:1]"], &["width", "fillchar"]),
        ("count", BOUNDS, &["sub", "start"]),
        ("encode", &["'utf-8'", "'replace'"], &["encoding", "errors"]),
        ("endswith", BOUNDS, &["suffix"]),
        ("expandtabs", &["$n"], &["tabsize"]),
        ("find", BOUNDS, &["sub"]),
        ("format", &["$A", "$A"], &["a", "b"]),
        ("format_map", &["$D"], &["mapping"]),
        ("index", BOUNDS, &["sub"]),
        ("isalnum", &[], &[]),
        ("isidentifier", &[], &[]),
        ("isspace", &[], &[]),
        ("istitle", &[], &[]),
        ("join", &["$G"], &["iterable"]),
        ("ljust", &["$n * 2", "$S[:1]"], &["width"]),
        ("lstrip", &["$S"], &["chars"]),
        ("maketrans", &["$S", "$S", "$S"], &["x"]),
        ("partition", &["$S"], &["sep"]),
        ("removeprefix", &["$S"], &["prefix"]),
        ("removesuffix", &["$S"], &["suffix"]),
        ("replace", &["$S", "$S", "$z"], &["old", "new", "count"]),
        ("rfind", BOUNDS, &["sub"]),
        ("rindex", BOUNDS, &["sub"]),
        ("rjust", &["$n * 2", "$S[:1]"], &["fillchar"]),
        ("rpartition", &["$S"], &["sep"]),
        ("rsplit", &["$S", "$z"], &["sep", "maxsplit"]),
        ("rstrip", &["$S"], &["chars"]),
        ("split", &["$S", "$z"], &["sep", "maxsplit"]),
        ("splitlines", &["$B"], &["keepends"]),
        ("startswith", BOUNDS, &["prefix"]),
        ("strip", &["$S"], &["chars"]),
        ("swapcase", &[], &[]),
        ("title", &[], &[]),
        ("translate", &["$D"], &["table"]),
        ("upper", &[], &[]),
        ("zfill", &["$n * 3"], &["width"]),
        ("__getitem__", &["$z"], &[]),
        ("__contains__", &["$S"], &[]),
        ("__mul__", &["$n"], &[]),
        ("__mod__", &["$A"], &[]),
        ("__format__", &["$S[:3]"], &[]),
        ("__eq__", &["$S"], &[]),
        ("__lt__", &["$S"], &[]),
    ],
};

const BYTE_BOUNDS: &[&str] = &["$Y", "$z", "$z"];
const BYTE_METHODS: &[(&str, &[&str], &[&str])] = &[
    ("capitalize", &[], &[]),
    ("center", &["$n * 3", "$Y[:1]"], &["width"]),
    ("count", BYTE_BOUNDS, &["sub"]),
    ("decode", &["'ascii'", "'ignore'"], &["encoding", "errors"]),
    ("endswith", BYTE_BOUNDS, &["suffix"]),
    ("expandtabs", &["$n"], &["tabsize"]),
    ("find", BYTE_BOUNDS, &["sub"]),
    ("fromhex", &["$S"], &["string"]),
    ("hex", &["'-'", "$z"], &["sep", "bytes_per_sep"]),
    ("index", BYTE_BOUNDS, &["sub"]),
    ("isalpha", &[], &[]),
    ("istitle", &[], &[]),
    ("join", &["[$Y, $Y]"], &["iterable"]),
    ("ljust", &["$n * 2", "b'.'"], &["fillchar"]),
    ("lower", &[], &[]),
    ("lstrip", &["$Y"], &["bytes"]),
    ("maketrans", &["$Y", "$Y"], &["frm"]),
    ("partition", &["$Y"], &["sep"]),
    ("removeprefix", &["$Y"], &["prefix"]),
    ("removesuffix", &["$Y"], &["suffix"]),
    ("replace", &["$Y", "$Y", "$z"], &["old", "count"]),
    ("rfind", BYTE_BOUNDS, &["sub"]),
    ("rindex", BYTE_BOUNDS, &["sub"]),
    ("rjust", &["$n * 2", "b'-'"], &["width"]),
    ("rpartition", &["$Y"], &["sep"]),
    ("rsplit", &["$Y", "$z"], &["sep", "maxsplit"]),
    ("split", &["$Y", "$z"], &["sep", "maxsplit"]),
    ("splitlines", &["$B"], &["keepends"]),
    ("startswith", BYTE_BOUNDS, &["prefix"]),
    ("strip", &["$Y"], &["bytes"]),
    ("title", &[], &[]),
    ("translate", &["None", "$Y"], &["delete"]),
    ("upper", &[], &[]),
    ("zfill", &["$n * 3"], &["width"]),
    ("__getitem__", &["$z"], &[]),
    ("__contains__", &["$A"], &[]),
    ("__add__", &["$Y"], &[]),
    ("__mod__", &["$A"], &[]),
];

const BYTES: Methods = Methods {
    object: "$Y",
    all: BYTE_METHODS,
};
const BYTE_ARRAY: Methods = Methods {
    object: "bytearray(fit($Y))",
    all: BYTE_METHODS,
};

const INT: Methods = Methods {
    object: "($I)",
    all: &[
        ("as_integer_ratio", &[], &[]),
        ("bit_count", &[], &[]),
        ("bit_length", &[], &[]),
        ("conjugate", &[], &[]),
        (
            "from_bytes",
            &["$Y", "'big'"],
            &["bytes", "byteorder", "signed"],
        ),
        ("is_integer", &[], &[]),
        (
            "to_bytes",
            &["$n * 3", "'little'"],
            &["length", "byteorder", "signed"],
        ),
        ("__round__", &["$z"], &["ndigits"]),
        ("__pow__", &["low($I)", "$I"], &["mod"]),
        ("__divmod__", &["$N"], &[]),
        ("__rsub__", &["$N"], &[]),
        ("__truediv__", &["$N"], &[]),
        ("__lshift__", &["$n"], &[]),
        ("__format__", &["'x'"], &[]),
        ("__getnewargs__", &[], &[]),
        ("__ceil__", &[], &[]),
        ("__bool__", &[], &[]),
        ("__eq__", &["$N"], &[]),
        ("__hash__", &[], &[]),
    ],
};

const FLOAT: Methods = Methods {
    object: "($F)",
    all: &[
        ("as_integer_ratio", &[], &[]),
        ("fromhex", &["$F.hex()"], &["string"]),
        ("hex", &[], &[]),
        ("is_integer", &[], &[]),
        ("__round__", &["$z"], &["ndigits"]),
        ("__pow__", &["$n", "$A"], &["mod"]),
        ("__rfloordiv__", &["$N"], &[]),
        ("__mod__", &["$N"], &[]),
        ("__divmod__", &["$N"], &[]),
        ("__int__", &[], &[]),
        ("__trunc__", &[], &[]),
        ("__format__", &["'.3'"], &[]),
        ("__ge__", &["$N"], &[]),
        ("__getformat__", &["'double'"], &[]),
    ],
};

const LIST: Methods = Methods {
    object: "$L",
    all: &[
        ("append", &["$A"], &["object"]),
        ("clear", &[], &[]),
        ("copy", &[], &[]),
        ("count", &["$A"], &["value"]),
        ("extend", &["$G"], &["iterable"]),
        ("index", &["$A", "$z", "$z"], &["value", "start"]),
        ("insert", &["$z", "$A"], &["index"]),
        ("pop", &["$z"], &["index"]),
        ("remove", &["$A"], &["value"]),
        ("reverse", &[], &[]),
        ("sort", &[], &["key", "reverse", "cmp"]),
        ("__getitem__", &["slice($z, $z)"], &[]),
        ("__setitem__", &["slice($z, $z, $z)", "$G"], &[]),
        ("__delitem__", &["slice($z, None, $z)"], &[]),
        ("__iadd__", &["$G"], &[]),
        ("__imul__", &["$n"], &[]),
        ("__add__", &["$L"], &[]),
        ("__contains__", &["$A"], &[]),
        ("__lt__", &["$L"], &[]),
        ("__init__", &["$G"], &["sequence"]),
        ("__class_getitem__", &["int"], &[]),
    ],
};

const TUPLE: Methods = Methods {
    object: "$U",
    all: &[
        ("count", &["$A"], &["value"]),
        ("index", &["$A", "$z", "$z"], &["value"]),
        ("__getitem__", &["$z"], &[]),
        ("__add__", &["$U"], &[]),
        ("__rmul__", &["$n"], &[]),
        ("__eq__", &["$U"], &[]),
        ("__getnewargs__", &[], &[]),
    ],
};

const DICT: Methods = Methods {
    object: "$D",
    all: &[
        ("clear", &[], &[]),
        ("copy", &[], &[]),
        ("fromkeys", &["$G", "$A"], &["iterable", "value"]),
        ("get", &["$H", "$A"], &["key", "default"]),
        ("items", &[], &[]),
        ("keys", &[], &[]),
        ("pop", &["$H", "$A"], &["key", "default"]),
        ("popitem", &[], &["last"]),
        ("setdefault", &["$H", "$A"], &["default"]),
        ("update", &["$D"], &["a", "self"]),
        ("values", &[], &[]),
        ("__getitem__", &["$H"], &[]),
        ("__setitem__", &["$H", "$A"], &[]),
        ("__delitem__", &["$H"], &[]),
        ("__or__", &["$D"], &[]),
        ("__ror__", &["$A"], &[]),
        ("__ior__", &["$D"], &[]),
        ("__contains__", &["$A"], &[]),
        ("__eq__", &["$D"], &[]),
        ("__init__", &["$D"], &["a"]),
    ],
};

const SET: Methods = Methods {
    object: "{$n, 'a', 2.5}",
    all: &[
        ("add", &["$H"], &["elem"]),
        ("clear", &[], &[]),
        ("copy", &[], &[]),
        ("discard", &["$H"], &[]),
        ("isdisjoint", &["$G"], &[]),
        ("issubset", &["$G"], &["other"]),
        ("issuperset", &["$G"], &[]),
        ("remove", &["$H"], &[]),
        ("__and__", &["$A"], &[]),
        ("__rsub__", &["{1}"], &[]),
        ("__contains__", &["$A"], &[]),
        ("__le__", &["{1, 'a'}"], &[]),
        ("__ixor__", &["{1, 'a'}"], &[]),
    ],
};

const RANGE: Methods = Methods {
    object: "range($n, 20, $n)",
    all: &[
        ("count", &["$A"], &["value"]),
        ("index", &["$A"], &["value"]),
        ("__getitem__", &["slice($z, $z, $z)"], &[]),
        ("__contains__", &["$A"], &[]),
        ("__eq__", &["range(3)"], &[]),
        ("__len__", &[], &[]),
        ("__bool__", &[], &[]),
        ("__reversed__", &[], &[]),
    ],
};

const SLICE: Methods = Methods {
    object: "slice($z, $A, $z)",
    all: &[
        ("indices", &["$I"], &["length"]),
        ("__eq__", &["slice(1, 2, None)"], &[]),
        ("__lt__", &["slice(1, 2)"], &[]),
        ("__hash__", &[], &[]),
        ("__repr__", &[], &[]),
    ],
};

/// Functions and types as callables of their own: the object is a namespace.
const FUNCTIONS: Methods = Methods {
    object: "builtins",
    all: &[
        ("abs", &["$N"], &["x"]),
        ("all", &["$G"], &["iterable"]),
        ("ascii", &["$A"], &["obj"]),
        ("bin", &["$I"], &["number"]),
        ("bool", &["$A"], &["x"]),
        ("bytearray", &["fit($Y)"], &["source", "encoding"]),
        (
            "bytes",
            &["fit($S)", "'ascii'", "'replace'"],
            &["source", "encoding", "errors"],
        ),
        ("callable", &["$A"], &["obj"]),
        ("chr", &["$I"], &["i"]),
        ("dict", &["$D"], &["a", "b"]),
        ("divmod", &["$N", "$N"], &["x"]),
        ("enumerate", &["$G", "$n"], &["iterable", "start"]),
        ("filter", &["$g", "$G"], &["function"]),
        ("float", &["$S"], &["x"]),
        ("format", &["$A", "'>5'"], &["format_spec"]),
        ("frozenset", &["$S[:1]"], &["iterable"]),
        ("getattr", &["$A", "'real'", "$A"], &["default"]),
        ("hasattr", &["$A", "'real'"], &["name"]),
        ("hex", &["$I"], &["number"]),
        ("int", &["$S", "$n * 9"], &["x", "base"]),
        ("isinstance", &["$A", "(int, str)"], &["obj"]),
        ("issubclass", &["bool", "int"], &["cls"]),
        ("iter", &["$G", "$A"], &["object"]),
        ("len", &["$G"], &["obj"]),
        ("list", &["$G"], &["iterable"]),
        ("map", &["$g", "$G", "$G"], &["func", "strict"]),
        ("max", &["$G"], &["key", "default"]),
        ("min", &["$I", "$N"], &["key", "default"]),
        ("next", &["iter($G)", "$A"], &["default"]),
        ("oct", &["$I"], &["number"]),
        ("ord", &["$S[:1]"], &["c"]),
        ("print", &["$A", "$A"], &["sep", "end", "file", "flush"]),
        ("range", &["$n", "$n", "$z"], &["start"]),
        ("repr", &["$A"], &["obj"]),
        ("reversed", &["$L"], &["sequence"]),
        ("round", &["$N", "$z"], &["number", "ndigits"]),
        ("slice", &["$z", "$z", "$z"], &["start"]),
        ("sorted", &["$G"], &["key", "reverse", "iterable"]),
        (
            "str",
            &["$Y", "'ascii'", "'replace'"],
            &["object", "encoding", "errors"],
        ),
        ("sum", &["$L", "$N"], &["start", "iterable"]),
        ("tuple", &["$G"], &["iterable"]),
        ("type", &["$A"], &["object"]),
        ("zip", &["$G", "$G"], &["strict"]),
    ],
};

const ALL: &[Methods] = &[
    STR, STR, STR, BYTES, BYTE_ARRAY, INT, FLOAT, LIST, TUPLE, DICT, SET, RANGE, SLICE, FUNCTIONS,
    FUNCTIONS,
];

/// Calls of one type's methods.
pub fn section(w: &mut Writer) {
    w.line("import builtins");
    let methods = &ALL[w.below(ALL.len())];
    for _ in 0..8 + w.below(10) {
        let (name, arguments, named) = methods.all[w.below(methods.all.len())];
        let arguments = arguments_of(w, name, arguments, named);
        w.attempt(|w| {
            let object = grammar::fill(w, methods.object, 1);
            w.line(format!("o = {object}"));
            // A class's method takes its object first; another's is told of.
            let call = match w.below(8) {
                0 if methods.object != "builtins" => format!("type(o).{name}(o, {arguments})"),
                // Another base would have any int for its exponent, which ends on no side.
                1 if methods.object != "builtins" && name != "__pow__" => {
                    format!("type(o).{name}({arguments})")
                }
                _ => format!("o.{name}({arguments})"),
            };
            w.line(format!("p = {call}"));
            if name == "__hash__" {
                w.line("p = p if steady(o) else 'unsteady'");
            }
            w.line("show([*itertools.islice(p, 9)] if hasattr(p, '__next__') else p)");
            if methods.object != "builtins" {
                w.line("show(o)");
            }
        });
    }
}

/// What stands in the brackets of a call: mostly what is meant, else less, more, something else.
fn arguments_of(w: &mut Writer, name: &str, meant: &[&str], named: &[&str]) -> String {
    // A power of ten or two that is beyond all memory takes as long as there is some.
    let stray = match name {
        "__pow__" | "__round__" | "round" => "low($A)",
        _ => "fit($A)",
    };
    let n = match w.below(8) {
        0 => meant.len().saturating_sub(1),
        1 => meant.len() + 1,
        2 => 0,
        3 => 1,
        _ => meant.len(),
    };
    let mut parts: Vec<String> = (0..n)
        .map(|at| match meant.get(at) {
            Some(template) if !w.once_in(6) => grammar::fill(w, template, 1),
            _ if w.once_in(3) => "None".to_owned(),
            _ => grammar::fill(w, stray, 1),
        })
        .collect();
    if !named.is_empty() && w.once_in(3) {
        // By its name, what comes last by place, or something that is there already.
        if w.once_in(2) {
            parts.pop();
        }
        let name = w.pick(named);
        let value = match meant.get(parts.len()) {
            _ if name == "key" => grammar::fill(w, "$k", 1),
            Some(template) if !w.once_in(3) => grammar::fill(w, template, 1),
            _ => grammar::fill(w, stray, 1),
        };
        parts.push(format!("{name}={value}"));
    } else if w.once_in(30) {
        parts.push("wrong=1".to_owned());
    }
    parts.join(", ")
}
