//! The protocols on builtin values, without a script: what each expression of
//! CPython gives.

use crate::host::Nowhere;
use crate::native::PyResult;
use crate::object::class::B;
use crate::object::exception::Exception;
use crate::protocol::compare::CompareOp;
use crate::protocol::number::BinaryOp;
use crate::value::Value;
use crate::vm::Vm;

fn vm() -> Vm {
    Vm::new(Box::new(Nowhere::default()))
}

/// The repr of a result, or the class and text of the exception.
fn shown(vm: &mut Vm, result: PyResult) -> String {
    match result {
        Ok(v) => vm
            .repr_string(v)
            .unwrap_or_else(|_| String::from("repr failed")),
        Err(raised) => {
            let class = vm.type_name(raised.0);
            let args = vm.heap.cell::<Exception>(raised.0).args;
            let text = match vm.heap.as_tuple(args) {
                Some(&[arg]) => vm.str_string(arg).unwrap_or_default(),
                _ => vm.repr_string(args).unwrap_or_default(),
            };
            format!("{class}: {text}")
        }
    }
}

/// A value from a few words of notation: ints, floats, 'text', [..], (..), None.
fn value(vm: &mut Vm, text: &str) -> Value {
    let mut rest = text;
    let v = parse(vm, &mut rest);
    assert!(rest.is_empty(), "{text}: {rest:?} is left");
    v
}

fn parse(vm: &mut Vm, rest: &mut &str) -> Value {
    *rest = rest.trim_start();
    for (open, close) in [("[", "]"), ("(", ")"), ("{", "}"), ("fs{", "}")] {
        let Some(mut inner) = rest.strip_prefix(open) else {
            continue;
        };
        let mut items = Vec::new();
        let dict = vm.heap.dict();
        let mut is_dict = false;
        loop {
            inner = inner.trim_start_matches([' ', ',']);
            if let Some(after) = inner.strip_prefix(close) {
                *rest = after;
                break;
            }
            let item = parse(vm, &mut inner);
            if let Some(after) = inner.strip_prefix(':') {
                inner = after;
                let value = parse(vm, &mut inner);
                vm.dict_set(dict, item, value).expect("hashable");
                is_dict = true;
            }
            items.push(item);
        }
        return match open {
            "[" => vm.heap.list(items),
            "(" => vm.heap.tuple(&items),
            "{" if is_dict || items.is_empty() => dict,
            _ => {
                let set = vm.new_set(if open == "{" { B::Set } else { B::FrozenSet });
                for item in items {
                    vm.set_add(set, item).expect("hashable");
                }
                set
            }
        };
    }
    if let Some(inner) = rest.strip_prefix('\'') {
        let end = inner.find('\'').expect("a closing quote");
        *rest = &inner[end + 1..];
        return vm.heap.str(&inner[..end]);
    }
    let end = rest
        .find([' ', ',', ']', ')', '}', ':'])
        .unwrap_or(rest.len());
    let word = &rest[..end];
    *rest = &rest[end..];
    match word {
        "None" => Value::NONE,
        "True" => Value::TRUE,
        "False" => Value::FALSE,
        _ if word.contains(['.', 'e']) || word == "inf" || word == "nan" => {
            vm.heap.float(word.parse().expect("a float"))
        }
        _ => vm.heap.big(word.parse().expect("an int")),
    }
}

fn op(symbol: &str) -> BinaryOp {
    match symbol {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::TrueDiv,
        "//" => BinaryOp::FloorDiv,
        "%" => BinaryOp::Mod,
        "**" => BinaryOp::Pow,
        "@" => BinaryOp::MatMul,
        "<<" => BinaryOp::LShift,
        ">>" => BinaryOp::RShift,
        "&" => BinaryOp::And,
        "|" => BinaryOp::Or,
        "^" => BinaryOp::Xor,
        "divmod" => BinaryOp::DivMod,
        _ => panic!("operator {symbol}"),
    }
}

/// Checks `a op b`, each part in the notation of `value`, parted by tabs.
fn check_binary(cases: &[(&str, &str, &str, &str)]) {
    let mut vm = vm();
    for (a, symbol, b, expected) in cases {
        let (x, y) = (value(&mut vm, a), value(&mut vm, b));
        let result = vm.binary(op(symbol), x, y, false);
        assert_eq!(shown(&mut vm, result), *expected, "{a} {symbol} {b}");
    }
}

#[test]
fn numbers() {
    check_binary(&[
        ("1", "+", "2", "3"),
        ("2305843009213693951", "+", "1", "2305843009213693952"),
        ("-2305843009213693952", "-", "1", "-2305843009213693953"),
        ("1000000007", "*", "1000000009", "1000000016000000063"),
        (
            "2305843009213693951",
            "*",
            "2305843009213693951",
            "5316911983139663487003542222693990401",
        ),
        ("-7", "//", "2", "-4"),
        ("-7", "%", "2", "1"),
        ("7", "%", "-2", "-1"),
        ("-7", "divmod", "2", "(-4, 1)"),
        ("7", "/", "2", "3.5"),
        ("1", "/", "3", "0.3333333333333333"),
        ("2", "**", "10", "1024"),
        ("2", "**", "100", "1267650600228229401496703205376"),
        ("2", "**", "-1", "0.5"),
        (
            "0",
            "**",
            "-1",
            "ZeroDivisionError: 0.0 cannot be raised to a negative power",
        ),
        ("0", "**", "0", "1"),
        ("-1", "**", "100000000000000000000000000000000001", "-1"),
        (
            "10.0",
            "**",
            "400",
            "OverflowError: (34, 'Numerical result out of range')",
        ),
        ("1", "<<", "70", "1180591620717411303424"),
        ("-1", ">>", "1180591620717411303424", "-1"),
        ("1", "<<", "-1", "ValueError: negative shift count"),
        (
            "1",
            "<<",
            "1180591620717411303424",
            "OverflowError: too many digits in integer",
        ),
        ("1", "<<", "4611686018427387904", "MemoryError: ()"),
        ("7", "**", "4611686018427387904", "MemoryError: ()"),
        ("True", "+", "True", "2"),
        ("True", "&", "False", "False"),
        ("True", "|", "2", "3"),
        (
            "-1",
            "&",
            "340282366920938463463374607431768211455",
            "340282366920938463463374607431768211455",
        ),
        ("1.5", "+", "1", "2.5"),
        ("7.5", "//", "-2", "-4.0"),
        ("7.5", "%", "-2", "-0.5"),
        ("-0.0", "%", "3", "0.0"),
        ("1", "/", "0", "ZeroDivisionError: division by zero"),
        (
            "1",
            "//",
            "0",
            "ZeroDivisionError: integer division or modulo by zero",
        ),
        ("1", "%", "0", "ZeroDivisionError: integer modulo by zero"),
        ("1.0", "/", "0", "ZeroDivisionError: float division by zero"),
        (
            "1.0",
            "//",
            "0",
            "ZeroDivisionError: float floor division by zero",
        ),
        ("1.0", "%", "0", "ZeroDivisionError: float modulo by zero"),
        ("1.0", "divmod", "0", "ZeroDivisionError: float divmod()"),
        (
            "1.5",
            "&",
            "1",
            "TypeError: unsupported operand type(s) for &: 'float' and 'int'",
        ),
        (
            "1",
            "@",
            "2",
            "TypeError: unsupported operand type(s) for @: 'int' and 'int'",
        ),
        (
            "1",
            "+",
            "'a'",
            "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
        ),
        (
            "None",
            "+",
            "1",
            "TypeError: unsupported operand type(s) for +: 'NoneType' and 'int'",
        ),
    ]);
}

#[test]
fn sequences() {
    check_binary(&[
        ("'ab'", "+", "'cd'", "'abcd'"),
        (
            "'ab'",
            "+",
            "1",
            "TypeError: can only concatenate str (not \"int\") to str",
        ),
        ("'ab'", "*", "3", "'ababab'"),
        ("3", "*", "'ab'", "'ababab'"),
        ("'ab'", "*", "-1", "''"),
        ("'ab'", "*", "True", "'ab'"),
        (
            "'ab'",
            "*",
            "1.5",
            "TypeError: can't multiply sequence by non-int of type 'float'",
        ),
        (
            "1.5",
            "*",
            "'ab'",
            "TypeError: can't multiply sequence by non-int of type 'float'",
        ),
        (
            "'ab'",
            "*",
            "4611686018427387904",
            "OverflowError: repeated string is too long",
        ),
        (
            "'a'",
            "*",
            "1180591620717411303424",
            "OverflowError: cannot fit 'int' into an index-sized integer",
        ),
        ("[1]", "*", "4611686018427387904", "MemoryError: ()"),
        ("[1]", "+", "[2, 3]", "[1, 2, 3]"),
        (
            "[1]",
            "+",
            "(2,)",
            "TypeError: can only concatenate list (not \"tuple\") to list",
        ),
        ("(1,)", "+", "(2,)", "(1, 2)"),
        ("(1,)", "*", "2", "(1, 1)"),
        (
            "1",
            "+",
            "[1]",
            "TypeError: unsupported operand type(s) for +: 'int' and 'list'",
        ),
        (
            "[1]",
            "-",
            "[1]",
            "TypeError: unsupported operand type(s) for -: 'list' and 'list'",
        ),
    ]);
}

#[test]
fn sets_and_dicts() {
    check_binary(&[
        ("{1, 2}", "|", "{2, 3}", "{1, 2, 3}"),
        ("{1, 2, 3}", "&", "{2, 3, 4}", "{2, 3}"),
        ("{1, 2, 3}", "-", "{2}", "{1, 3}"),
        ("{1, 2}", "^", "{2, 3}", "{1, 3}"),
        ("fs{1}", "|", "{2}", "frozenset({1, 2})"),
        (
            "{1}",
            "|",
            "[1]",
            "TypeError: unsupported operand type(s) for |: 'set' and 'list'",
        ),
        ("{1: 2}", "|", "{1: 3, 4: 5}", "{1: 3, 4: 5}"),
        (
            "{1: 2}",
            "|",
            "1",
            "TypeError: unsupported operand type(s) for |: 'dict' and 'int'",
        ),
    ]);
}

#[test]
fn comparison() {
    let mut vm = vm();
    for (a, b, expected) in [
        ("1", "1.0", "=="),
        ("1", "True", "=="),
        ("9007199254740993", "9007199254740992.0", ">"),
        ("100000000000000000000", "1e20", "=="),
        ("'a'", "'b'", "<"),
        ("[1, 2]", "[1, 3]", "<"),
        ("[1, 2]", "[1, 2, 0]", "<"),
        ("(1, 2)", "(1, 2)", "=="),
        ("{1: [2]}", "{1.0: [2.0]}", "="),
        ("{1, 2}", "fs{2, 1}", "=="),
        ("{1}", "{1, 2}", "<"),
        ("nan", "nan", "!"),
        ("None", "None", "="),
        ("[1]", "(1,)", "!"),
        ("'1'", "1", "!"),
    ] {
        let (x, y) = (value(&mut vm, a), value(&mut vm, b));
        let eq = vm.compare_bool(CompareOp::Eq, x, y).expect("no error");
        let ne = vm.compare_bool(CompareOp::Ne, x, y).expect("no error");
        assert_eq!(eq, expected.starts_with('='), "{a} == {b}");
        assert_eq!(ne, !expected.starts_with('='), "{a} != {b}");
        if matches!(expected, "==" | "<" | ">") {
            for (op, holds) in [
                (CompareOp::Lt, expected == "<"),
                (CompareOp::Gt, expected == ">"),
                (CompareOp::Le, expected != ">"),
                (CompareOp::Ge, expected != "<"),
            ] {
                assert_eq!(
                    vm.compare_bool(op, x, y).expect("ordered"),
                    holds,
                    "{a} {} {b}",
                    op.symbol()
                );
                assert_eq!(
                    vm.compare_bool(op.swapped(), y, x).expect("ordered"),
                    holds,
                    "{b} {a}"
                );
            }
        }
    }
    for (a, b, expected) in [
        (
            "1",
            "'a'",
            "TypeError: '<' not supported between instances of 'int' and 'str'",
        ),
        (
            "[1]",
            "['a']",
            "TypeError: '<' not supported between instances of 'int' and 'str'",
        ),
        (
            "None",
            "None",
            "TypeError: '<' not supported between instances of 'NoneType' and 'NoneType'",
        ),
        (
            "{1: 1}",
            "{1: 1}",
            "TypeError: '<' not supported between instances of 'dict' and 'dict'",
        ),
    ] {
        let (x, y) = (value(&mut vm, a), value(&mut vm, b));
        let result = vm.compare(CompareOp::Lt, x, y);
        assert_eq!(shown(&mut vm, result), expected);
    }
}

#[test]
fn deep_data_ends_in_an_error() {
    let mut vm = vm();
    let (mut a, mut b) = (vm.heap.list(Vec::new()), vm.heap.list(Vec::new()));
    for _ in 0..100_000 {
        a = vm.heap.list(vec![a]);
        b = vm.heap.list(vec![b]);
    }
    let result = vm.compare(CompareOp::Eq, a, b);
    assert_eq!(
        shown(&mut vm, result),
        "RecursionError: maximum recursion depth exceeded in comparison"
    );
    let result = vm.repr(a);
    assert_eq!(
        shown(&mut vm, result),
        "RecursionError: maximum recursion depth exceeded while getting the repr of an object"
    );
    let mut tuple = vm.heap.tuple(&[]);
    for _ in 0..100_000 {
        tuple = vm.heap.tuple(&[tuple]);
    }
    assert!(vm.hash(tuple).is_err());
}

#[test]
fn hashes() {
    let mut vm = vm();
    for (text, expected) in [
        ("1", 1),
        ("1.0", 1),
        ("True", 1),
        ("'abc'", -4594863902769663758),
        ("(1, 2)", -3550055125485641917),
        ("fs{1, 2}", -1826646154956904602),
        ("None", 4238894112),
        ("inf", 314159),
    ] {
        let v = value(&mut vm, text);
        assert_eq!(vm.hash(v).expect("hashable"), expected, "{text}");
    }
    for (text, expected) in [
        ("[1]", "TypeError: unhashable type: 'list'"),
        ("([1],)", "TypeError: unhashable type: 'list'"),
        ("{1: 2}", "TypeError: unhashable type: 'dict'"),
        ("{1}", "TypeError: unhashable type: 'set'"),
    ] {
        let v = value(&mut vm, text);
        let result = vm.hash(v).map(|_| Value::NONE);
        assert_eq!(shown(&mut vm, result), expected);
    }
}

#[test]
fn items() {
    let mut vm = vm();
    for (obj, key, expected) in [
        ("[1, 2, 3]", "-1", "3"),
        ("[1]", "1", "IndexError: list index out of range"),
        ("[1]", "-2", "IndexError: list index out of range"),
        (
            "[1]",
            "'a'",
            "TypeError: list indices must be integers or slices, not str",
        ),
        (
            "[1]",
            "1180591620717411303424",
            "IndexError: cannot fit 'int' into an index-sized integer",
        ),
        ("[1, 2]", "True", "2"),
        ("(1, 2)", "2", "IndexError: tuple index out of range"),
        ("'abc'", "1", "'b'"),
        ("'abc'", "3", "IndexError: string index out of range"),
        (
            "'abc'",
            "'a'",
            "TypeError: string indices must be integers, not 'str'",
        ),
        ("{1: 2}", "1.0", "2"),
        ("{1: 2}", "3", "KeyError: 3"),
        ("{1: 2}", "[1]", "TypeError: unhashable type: 'list'"),
        ("5", "1", "TypeError: 'int' object is not subscriptable"),
    ] {
        let (o, k) = (value(&mut vm, obj), value(&mut vm, key));
        let result = vm.get_item(o, k);
        assert_eq!(shown(&mut vm, result), expected, "{obj}[{key}]");
    }
}

#[test]
fn slices() {
    let mut vm = vm();
    for (obj, bounds, expected) in [
        ("[1, 2, 3, 4]", "(1, None, None)", "[2, 3, 4]"),
        ("[1, 2, 3, 4]", "(None, None, -1)", "[4, 3, 2, 1]"),
        ("'abcdef'", "(None, None, 2)", "'ace'"),
        ("(1, 2, 3)", "(-2, None, None)", "(2, 3)"),
        (
            "[1]",
            "(None, None, 0)",
            "ValueError: slice step cannot be zero",
        ),
        (
            "[1]",
            "('a', None, None)",
            "TypeError: slice indices must be integers or None or have an __index__ method",
        ),
        ("[1, 2]", "(None, 1180591620717411303424, None)", "[1, 2]"),
    ] {
        let (o, b) = (value(&mut vm, obj), value(&mut vm, bounds));
        let &[start, stop, step] = vm.heap.tuple_items(b) else {
            panic!("three bounds")
        };
        let slice = vm.heap.slice(start, stop, step);
        let result = vm.get_item(o, slice);
        assert_eq!(shown(&mut vm, result), expected, "{obj}[{bounds}]");
    }
}

#[test]
fn iteration_notices_changes() {
    let mut vm = vm();
    let dict = value(&mut vm, "{1: 2, 3: 4}");
    let iter = vm.iter(dict).expect("iterable");
    assert!(vm.next(iter).expect("an item").is_some());
    vm.dict_set(dict, Value::small(9), Value::NONE)
        .expect("hashable");
    for _ in 0..2 {
        let result = vm.next(iter).map(|_| Value::NONE);
        assert_eq!(
            shown(&mut vm, result),
            "RuntimeError: dictionary changed size during iteration"
        );
    }
    let set = value(&mut vm, "{1, 2}");
    let iter = vm.iter(set).expect("iterable");
    vm.set_add(set, Value::small(3)).expect("hashable");
    let result = vm.next(iter).map(|_| Value::NONE);
    assert_eq!(
        shown(&mut vm, result),
        "RuntimeError: Set changed size during iteration"
    );
}

#[test]
fn unpacking() {
    let mut vm = vm();
    let list = value(&mut vm, "[1, 2, 3]");
    assert_eq!(vm.unpack(list, 3).expect("three").len(), 3);
    let result = vm.unpack(list, 2).map(|_| Value::NONE);
    assert_eq!(
        shown(&mut vm, result),
        "ValueError: too many values to unpack (expected 2)"
    );
    let set = value(&mut vm, "{1}");
    let result = vm.unpack(set, 2).map(|_| Value::NONE);
    assert_eq!(
        shown(&mut vm, result),
        "ValueError: not enough values to unpack (expected 2, got 1)"
    );
    let result = vm.unpack(Value::small(1), 2).map(|_| Value::NONE);
    assert_eq!(
        shown(&mut vm, result),
        "TypeError: cannot unpack non-iterable int object"
    );
    let parts = vm.unpack_star(list, 1, 1).expect("enough");
    let tuple = vm.heap.tuple(&parts);
    assert_eq!(shown(&mut vm, Ok(tuple)), "(1, [2], 3)");
    let result = vm.unpack_star(set, 1, 1).map(|_| Value::NONE);
    assert_eq!(
        shown(&mut vm, result),
        "ValueError: not enough values to unpack (expected at least 2, got 1)"
    );
}

#[test]
fn reprs() {
    let mut vm = vm();
    for text in [
        "[1, 'a', (1,), (1, 2), {1: [2]}, None, True, 1.5, 1e+16]",
        "frozenset({1})",
        "set()",
        "{1, 2}",
        "{}",
    ] {
        let v = match text {
            "frozenset({1})" => value(&mut vm, "fs{1}"),
            "set()" => vm.heap.set(),
            "{}" => vm.heap.dict(),
            _ => value(&mut vm, text),
        };
        assert_eq!(vm.repr_string(v).expect("a repr"), text);
    }
    let list = vm.heap.list(Vec::new());
    vm.heap.list_push(list, list);
    assert_eq!(vm.repr_string(list).expect("a repr"), "[[...]]");
    let class = vm.class(B::ValueError);
    assert_eq!(
        vm.repr_string(class).expect("a repr"),
        "<class 'ValueError'>"
    );
    let raised = vm.value_error("x");
    assert_eq!(vm.repr_string(raised.0).expect("a repr"), "ValueError('x')");
    let key = vm.heap.str("k");
    let raised = vm.key_error(key);
    assert_eq!(vm.str_string(raised.0).expect("a str"), "'k'");
}

#[test]
fn membership() {
    let mut vm = vm();
    for (item, container, expected) in [
        ("1", "[2, 1.0]", "True"),
        ("3", "(1, 2)", "False"),
        ("'b'", "'abc'", "True"),
        (
            "1",
            "'abc'",
            "TypeError: 'in <string>' requires string as left operand, not int",
        ),
        ("1", "{1: 2}", "True"),
        ("[1]", "{1}", "TypeError: unhashable type: 'list'"),
        ("{1}", "{1}", "False"),
        (
            "1",
            "5",
            "TypeError: argument of type 'int' is not iterable",
        ),
    ] {
        let (i, c) = (value(&mut vm, item), value(&mut vm, container));
        let result = vm.contains(c, i).map(Value::bool);
        assert_eq!(shown(&mut vm, result), expected, "{item} in {container}");
    }
}

#[test]
fn ranges() {
    let mut vm = vm();
    let range = |vm: &mut Vm, text: &str| {
        let t = value(vm, text);
        let &[a, b, c] = vm.heap.tuple_items(t) else {
            panic!("three numbers")
        };
        vm.range(a, b, c).expect("a range")
    };
    for (text, items) in [
        ("(0, 3, 1)", "[0, 1, 2]"),
        ("(3, 0, -2)", "[3, 1]"),
        ("(3, 3, 1)", "[]"),
        (
            "(1180591620717411303424, 1180591620717411303427, 2)",
            "[1180591620717411303424, 1180591620717411303426]",
        ),
        (
            "(2305843009213693950, 2305843009213693953, 1)",
            "[2305843009213693950, 2305843009213693951, 2305843009213693952]",
        ),
    ] {
        let r = range(&mut vm, text);
        let list = vm.list_from(r).expect("items");
        assert_eq!(vm.repr_string(list).expect("a repr"), items);
        let back = vm.reversed(r).expect("reversible");
        let mut reversed = vm.collect_iterable(back).expect("items");
        reversed.reverse();
        let reversed = vm.heap.list(reversed);
        assert_eq!(
            vm.repr_string(reversed).expect("a repr"),
            items,
            "reversed {text}"
        );
    }
    let r = range(&mut vm, "(0, 10, 3)");
    assert!(vm.contains(r, Value::small(9)).expect("an answer"));
    assert!(!vm.contains(r, Value::small(8)).expect("an answer"));
    let nine = vm.heap.float(9.0);
    assert!(vm.contains(r, nine).expect("an answer"));
    let slice = vm.heap.slice(Value::NONE, Value::NONE, Value::small(-1));
    let back = vm.get_item(r, slice).expect("a range");
    assert_eq!(vm.repr_string(back).expect("a repr"), "range(9, -3, -3)");
}

#[test]
fn percent() {
    check_binary(&[
        ("'%s'", "%", "1", "'1'"),
        (
            "'%s %s'",
            "%",
            "(1,)",
            "TypeError: not enough arguments for format string",
        ),
        (
            "'%s'",
            "%",
            "(1, 2)",
            "TypeError: not all arguments converted during string formatting",
        ),
        (
            "'abc'",
            "%",
            "1",
            "TypeError: not all arguments converted during string formatting",
        ),
        ("'abc'", "%", "[1]", "'abc'"),
        ("'%(a)s'", "%", "{'a': 1}", "'1'"),
        ("'%(a)s'", "%", "{'b': 1}", "KeyError: a"),
        ("'%(a)s'", "%", "1", "TypeError: format requires a mapping"),
        (
            "'%(a)s'",
            "%",
            "[1]",
            "TypeError: list indices must be integers or slices, not str",
        ),
        (
            "'%(a)s %s'",
            "%",
            "{'a': 1}",
            "TypeError: not enough arguments for format string",
        ),
        ("'%d'", "%", "1.9", "'1'"),
        (
            "'%d'",
            "%",
            "'a'",
            "TypeError: %d format: a real number is required, not str",
        ),
        (
            "'%d'",
            "%",
            "None",
            "TypeError: %d format: a real number is required, not NoneType",
        ),
        (
            "'%x'",
            "%",
            "1.5",
            "TypeError: %x format: an integer is required, not float",
        ),
        (
            "'%f'",
            "%",
            "'a'",
            "TypeError: must be real number, not str",
        ),
        ("'%c'", "%", "65", "'A'"),
        ("'%c'", "%", "'ab'", "TypeError: %c requires int or char"),
        (
            "'%c'",
            "%",
            "-1",
            "OverflowError: %c arg not in range(0x110000)",
        ),
        (
            "'%z'",
            "%",
            "1",
            "ValueError: unsupported format character 'z' (0x7a) at index 1",
        ),
        ("'%'", "%", "1", "ValueError: incomplete format"),
        ("'%*d'", "%", "(5, 1)", "'    1'"),
        ("'%*d'", "%", "('a', 1)", "TypeError: * wants int"),
        ("'%.*f'", "%", "(2, 1.234)", "'1.23'"),
        ("'%5.2s|'", "%", "'abc'", "'   ab|'"),
        (
            "'%d'",
            "%",
            "inf",
            "OverflowError: cannot convert float infinity to integer",
        ),
        ("'%%'", "%", "()", "'%'"),
        (
            "'%%'",
            "%",
            "1",
            "TypeError: not all arguments converted during string formatting",
        ),
        ("'%r %a'", "%", "('x', 'y')", "\"'x' 'y'\""),
    ]);
}

#[test]
fn formats() {
    let mut vm = vm();
    for (v, spec, expected) in [
        ("True", "''", "'True'"),
        ("True", "'5'", "'    1'"),
        ("1", "'>4'", "'   1'"),
        (
            "'a'",
            "'d'",
            "ValueError: Unknown format code 'd' for object of type 'str'",
        ),
        ("1.5", "'.3f'", "'1.500'"),
        (
            "1.5",
            "'d'",
            "ValueError: Unknown format code 'd' for object of type 'float'",
        ),
        ("[1]", "''", "'[1]'"),
        (
            "[1]",
            "'5'",
            "TypeError: unsupported format string passed to list.__format__",
        ),
        (
            "None",
            "'5'",
            "TypeError: unsupported format string passed to NoneType.__format__",
        ),
        ("12345", "','", "'12,345'"),
        (
            "1",
            "5",
            "TypeError: format() argument 2 must be str, not int",
        ),
        ("3", "'c'", "'\\x03'"),
        ("-3", "'c'", "OverflowError: %c arg not in range(0x110000)"),
        (
            "3.5",
            "'.1000000000000000000f'",
            "ValueError: precision too big",
        ),
        (
            "'x'",
            "'99999999999999999999'",
            "ValueError: Too many decimal digits in format string",
        ),
    ] {
        let (x, y) = (value(&mut vm, v), value(&mut vm, spec));
        let result = vm.format(x, y);
        assert_eq!(shown(&mut vm, result), expected, "format({v}, {spec})");
    }
}

#[test]
fn templates() {
    let mut vm = vm();
    for (template, args, kwargs, expected) in [
        (
            "'{}'",
            "()",
            "{}",
            "IndexError: Replacement index 0 out of range for positional args tuple",
        ),
        (
            "'{} {}'",
            "(1,)",
            "{}",
            "IndexError: Replacement index 1 out of range for positional args tuple",
        ),
        ("'{0} {1}'", "(1, 2)", "{}", "'1 2'"),
        ("'{a}'", "()", "{'a': 1}", "'1'"),
        ("'{a}'", "()", "{}", "KeyError: a"),
        (
            "'{0.x}'",
            "(1,)",
            "{}",
            "AttributeError: 'int' object has no attribute 'x'",
        ),
        ("'{0[x]}'", "({'x': 5},)", "{}", "'5'"),
        ("'{0[0]}'", "([7],)", "{}", "'7'"),
        (
            "'{0[a]}'",
            "([7],)",
            "{}",
            "TypeError: list indices must be integers or slices, not str",
        ),
        ("'{:>{w}}'", "('x',)", "{'w': 5}", "'    x'"),
        ("'{!r}'", "('x',)", "{}", "\"'x'\""),
        (
            "'{!z}'",
            "('x',)",
            "{}",
            "ValueError: Unknown conversion specifier z",
        ),
        (
            "'{'",
            "(1,)",
            "{}",
            "ValueError: Single '{' encountered in format string",
        ),
        (
            "'}'",
            "(1,)",
            "{}",
            "ValueError: Single '}' encountered in format string",
        ),
        (
            "'{}{0}'",
            "(1,)",
            "{}",
            "ValueError: cannot switch from automatic field numbering to manual field specification",
        ),
        (
            "'{0}{}'",
            "(1,)",
            "{}",
            "ValueError: cannot switch from manual field specification to automatic field numbering",
        ),
        (
            "'{:{:{}}}'",
            "(1, 2, 3)",
            "{}",
            "ValueError: Max string recursion exceeded",
        ),
        (
            "'{:x}'",
            "('a',)",
            "{}",
            "ValueError: Unknown format code 'x' for object of type 'str'",
        ),
        ("'{-1}'", "(1,)", "{}", "KeyError: -1"),
        ("'{{{}}}'", "(1,)", "{}", "'{1}'"),
    ] {
        let template_value = template_text(&mut vm, template);
        let (args, kwargs) = (value(&mut vm, args), value(&mut vm, kwargs));
        let args = vm.heap.tuple_items(args).to_vec();
        let result = vm.str_format(template_value, &args, kwargs);
        assert_eq!(shown(&mut vm, result), expected, "{template}");
    }
}

fn template_text(vm: &mut Vm, quoted: &str) -> Value {
    vm.heap.str(quoted.trim_matches('\''))
}
