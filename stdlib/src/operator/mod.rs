//! `_operator`: the functions and classes of module `operator`, which shows them.

mod getters;

use lockstep_runtime::native::{NativeDef, function};
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::protocol::number::BinaryOp;
use lockstep_runtime::protocol::unary::UnaryOp;
use lockstep_runtime::{Kind, N, PyResult, Value, Vm};

use crate::{NativeModule, args};

pub static MODULE: NativeModule = NativeModule {
    name: "_operator",
    functions: FUNCTIONS,
    init: |vm, dict| {
        getters::init(vm, dict);
        Ok(())
    },
};

macro_rules! binary {
    ($sig:literal, $op:ident, $inplace:literal) => {
        function($sig, |vm, a| vm.binary(BinaryOp::$op, a[0], a[1], $inplace))
    };
}

macro_rules! compare {
    ($sig:literal, $op:ident) => {
        function($sig, |vm, a| vm.compare(CompareOp::$op, a[0], a[1]))
    };
}

const FUNCTIONS: &[NativeDef] = &[
    binary!("add(a, b, /)", Add, false),
    binary!("sub(a, b, /)", Sub, false),
    binary!("mul(a, b, /)", Mul, false),
    binary!("truediv(a, b, /)", TrueDiv, false),
    binary!("floordiv(a, b, /)", FloorDiv, false),
    binary!("mod(a, b, /)", Mod, false),
    binary!("pow(a, b, /)", Pow, false),
    binary!("matmul(a, b, /)", MatMul, false),
    binary!("lshift(a, b, /)", LShift, false),
    binary!("rshift(a, b, /)", RShift, false),
    binary!("and_(a, b, /)", And, false),
    binary!("or_(a, b, /)", Or, false),
    binary!("xor(a, b, /)", Xor, false),
    binary!("iadd(a, b, /)", Add, true),
    binary!("isub(a, b, /)", Sub, true),
    binary!("imul(a, b, /)", Mul, true),
    binary!("itruediv(a, b, /)", TrueDiv, true),
    binary!("ifloordiv(a, b, /)", FloorDiv, true),
    binary!("imod(a, b, /)", Mod, true),
    binary!("ipow(a, b, /)", Pow, true),
    binary!("imatmul(a, b, /)", MatMul, true),
    binary!("ilshift(a, b, /)", LShift, true),
    binary!("irshift(a, b, /)", RShift, true),
    binary!("iand(a, b, /)", And, true),
    binary!("ior(a, b, /)", Or, true),
    binary!("ixor(a, b, /)", Xor, true),
    compare!("lt(a, b, /)", Lt),
    compare!("le(a, b, /)", Le),
    compare!("eq(a, b, /)", Eq),
    compare!("ne(a, b, /)", Ne),
    compare!("gt(a, b, /)", Gt),
    compare!("ge(a, b, /)", Ge),
    function("neg(a, /)", |vm, a| vm.unary(UnaryOp::Neg, a[0])),
    function("pos(a, /)", |vm, a| vm.unary(UnaryOp::Pos, a[0])),
    function("invert(a, /)", |vm, a| vm.unary(UnaryOp::Invert, a[0])),
    function("inv(a, /)", |vm, a| vm.unary(UnaryOp::Invert, a[0])),
    function("abs(a, /)", |vm, a| vm.abs(a[0])),
    function("not_(a, /)", |vm, a| Ok(Value::bool(!vm.truth(a[0])?))),
    function("truth(a, /)", |vm, a| Ok(Value::bool(vm.truth(a[0])?))),
    function("is_(a, b, /)", |vm, a| {
        Ok(Value::bool(vm.is_same(a[0], a[1])))
    }),
    function("is_not(a, b, /)", |vm, a| {
        Ok(Value::bool(!vm.is_same(a[0], a[1])))
    }),
    function("index(a, /)", |vm, a| vm.index(a[0])),
    function("concat(a, b, /)", |vm, a| concat(vm, a[0], a[1], false)),
    function("iconcat(a, b, /)", |vm, a| concat(vm, a[0], a[1], true)),
    function("contains(a, b, /)", |vm, a| {
        Ok(Value::bool(vm.contains(a[0], a[1])?))
    }),
    function("getitem(a, b, /)", |vm, a| vm.get_item(a[0], a[1])),
    function("setitem(a, b, c, /)", |vm, a| {
        vm.set_item(a[0], a[1], a[2])?;
        Ok(Value::NONE)
    }),
    function("delitem(a, b, /)", |vm, a| {
        vm.del_item(a[0], a[1])?;
        Ok(Value::NONE)
    }),
    function("countOf(a, b, /)", count_of),
    function("indexOf(a, b, /)", index_of),
    function("length_hint(obj, default=0, /)", length_hint),
    function("call(obj, /, *args, **kwargs)", call),
];

/// `a + b`, or `a += b` where `in_place`, of two sequences.
fn concat(vm: &mut Vm, a: Value, b: Value, in_place: bool) -> PyResult {
    // CPython 3.13 abstract.c PySequence_Concat: both have to be sequences, no mappings.
    let is_sequence = |vm: &mut Vm, v: Value| {
        vm.heap.kind(v) != Some(Kind::Dict) && vm.special(v, N::getitem).is_some()
    };
    let is_builtin = vm.heap.as_sequence(a).is_some()
        || vm.heap.as_str(a).is_some()
        || vm.heap.kind(a) == Some(Kind::Bytes);
    if !is_sequence(vm, a) || !is_builtin && !is_sequence(vm, b) {
        let message = format!("'{}' object can't be concatenated", vm.type_name(a));
        return Err(vm.type_error(message));
    }
    vm.binary(BinaryOp::Add, a, b, in_place)
}

fn count_of(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (wanted, mut n) = (a[1], 0);
    let iter = vm.iter_searched(a[0])?;
    vm.for_each(iter, |vm, item| {
        n += i64::from(vm.eq(item, wanted)?);
        Ok(())
    })?;
    Ok(Value::small(n))
}

fn index_of(vm: &mut Vm, a: &[Value]) -> PyResult {
    let iter = vm.iter_searched(a[0])?;
    vm.root(iter);
    let mut at = 0;
    // An iterator goes no further than to what was found.
    while let Some(item) = vm.next(iter)? {
        vm.tick()?;
        if vm.holding(&[item], |vm| vm.eq(item, a[1]))? {
            return Ok(vm.heap.usize(at));
        }
        at += 1;
    }
    Err(vm.value_error("sequence.index(x): x not in sequence"))
}

fn length_hint(vm: &mut Vm, a: &[Value]) -> PyResult {
    let default = match a[1].given() {
        Some(default) if !vm.heap.is_int(default) => {
            let message = format!(
                "'{}' object cannot be interpreted as an integer",
                vm.type_name(default)
            );
            return Err(vm.type_error(message));
        }
        Some(default) => vm.to_ssize(default)?,
        None => 0,
    };
    Ok(match vm.length_hint(a[0])? {
        Some(n) => vm.heap.usize(n),
        None => vm.heap.int(default),
    })
}

fn call(vm: &mut Vm, a: &[Value]) -> PyResult {
    let given = vm.heap.tuple_items(a[1]).to_vec();
    let keywords = args::keywords(vm, a[2])?;
    vm.call_kw(a[0], &given, &keywords)
}
