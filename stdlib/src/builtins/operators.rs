//! The rows of operators that builtin classes share: `__add__`, `__lt__`,
//! `__getitem__` and their likes. Each body asks the runtime what the builtin
//! layout of its instance says; none of them looks for a script's methods.

use lockstep_runtime::native::{NativeDef, method};
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::protocol::number::BinaryOp;
use lockstep_runtime::protocol::unary::UnaryOp;
use lockstep_runtime::{PyResult, Value, Vm};

pub const ADD: NativeDef = method("__add__(self, value, /)", add_);
pub const RADD: NativeDef = method("__radd__(self, value, /)", radd);
pub const IADD: NativeDef = method("__iadd__(self, value, /)", iadd);
pub const SUB: NativeDef = method("__sub__(self, value, /)", sub_);
pub const RSUB: NativeDef = method("__rsub__(self, value, /)", rsub);
pub const ISUB: NativeDef = method("__isub__(self, value, /)", isub);
pub const MUL: NativeDef = method("__mul__(self, value, /)", mul_);
pub const RMUL: NativeDef = method("__rmul__(self, value, /)", rmul);
pub const IMUL: NativeDef = method("__imul__(self, value, /)", imul);
pub const TRUEDIV: NativeDef = method("__truediv__(self, value, /)", truediv_);
pub const RTRUEDIV: NativeDef = method("__rtruediv__(self, value, /)", rtruediv);
pub const FLOORDIV: NativeDef = method("__floordiv__(self, value, /)", floordiv_);
pub const RFLOORDIV: NativeDef = method("__rfloordiv__(self, value, /)", rfloordiv);
pub const MOD: NativeDef = method("__mod__(self, value, /)", mod_);
pub const RMOD: NativeDef = method("__rmod__(self, value, /)", rmod);
pub const LSHIFT: NativeDef = method("__lshift__(self, value, /)", lshift_);
pub const RLSHIFT: NativeDef = method("__rlshift__(self, value, /)", rlshift);
pub const RSHIFT: NativeDef = method("__rshift__(self, value, /)", rshift_);
pub const RRSHIFT: NativeDef = method("__rrshift__(self, value, /)", rrshift);
pub const AND: NativeDef = method("__and__(self, value, /)", and_);
pub const RAND: NativeDef = method("__rand__(self, value, /)", rand);
pub const IAND: NativeDef = method("__iand__(self, value, /)", iand);
pub const OR: NativeDef = method("__or__(self, value, /)", or_);
pub const ROR: NativeDef = method("__ror__(self, value, /)", ror);
pub const IOR: NativeDef = method("__ior__(self, value, /)", ior);
pub const XOR: NativeDef = method("__xor__(self, value, /)", xor_);
pub const RXOR: NativeDef = method("__rxor__(self, value, /)", rxor);
pub const IXOR: NativeDef = method("__ixor__(self, value, /)", ixor);
pub const DIVMOD: NativeDef = method("__divmod__(self, value, /)", divmod_);
pub const RDIVMOD: NativeDef = method("__rdivmod__(self, value, /)", rdivmod);
pub const POW: NativeDef = method("__pow__(self, value, mod=None, /)", pow_);
pub const RPOW: NativeDef = method("__rpow__(self, value, mod=None, /)", rpow);
pub const NEG: NativeDef = method("__neg__(self, /)", neg_);
pub const POS: NativeDef = method("__pos__(self, /)", pos_);
pub const INVERT: NativeDef = method("__invert__(self, /)", invert_);
pub const ABS: NativeDef = method("__abs__(self, /)", abs_);
pub const LT: NativeDef = method("__lt__(self, value, /)", lt_);
pub const LE: NativeDef = method("__le__(self, value, /)", le_);
pub const EQ: NativeDef = method("__eq__(self, value, /)", eq_);
pub const NE: NativeDef = method("__ne__(self, value, /)", ne_);
pub const GT: NativeDef = method("__gt__(self, value, /)", gt_);
pub const GE: NativeDef = method("__ge__(self, value, /)", ge_);
pub const LEN: NativeDef = method("__len__(self, /)", len_);
pub const GETITEM: NativeDef = method("__getitem__(self, key, /)", getitem);
pub const SETITEM: NativeDef = method("__setitem__(self, key, value, /)", setitem);
pub const DELITEM: NativeDef = method("__delitem__(self, key, /)", delitem);
pub const CONTAINS: NativeDef = method("__contains__(self, key, /)", contains);
pub const ITER: NativeDef = method("__iter__(self, /)", iter_);
pub const HASH: NativeDef = method("__hash__(self, /)", hash_);
/// Builtin classes that have one of their own come before a script's in the MRO of a heir of both.
pub const GETATTRIBUTE: NativeDef = method(
    "__getattribute__(self, name, /)",
    super::object::getattribute,
);
pub const REPR: NativeDef = method("__repr__(self, /)", repr_);
pub const BOOL: NativeDef = method("__bool__(self, /)", bool_);

fn add_(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.operator_method(BinaryOp::Add, a[0], a[1])
}
fn radd(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reflected_method(BinaryOp::Add, a[0], a[1])
}
fn iadd(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.inplace_method(BinaryOp::Add, a[0], a[1])
}
fn sub_(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.operator_method(BinaryOp::Sub, a[0], a[1])
}
fn rsub(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reflected_method(BinaryOp::Sub, a[0], a[1])
}
fn isub(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.inplace_method(BinaryOp::Sub, a[0], a[1])
}
fn mul_(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.operator_method(BinaryOp::Mul, a[0], a[1])
}
fn rmul(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reflected_method(BinaryOp::Mul, a[0], a[1])
}
fn imul(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.inplace_method(BinaryOp::Mul, a[0], a[1])
}
fn truediv_(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.operator_method(BinaryOp::TrueDiv, a[0], a[1])
}
fn rtruediv(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reflected_method(BinaryOp::TrueDiv, a[0], a[1])
}
fn floordiv_(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.operator_method(BinaryOp::FloorDiv, a[0], a[1])
}
fn rfloordiv(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reflected_method(BinaryOp::FloorDiv, a[0], a[1])
}
fn mod_(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.operator_method(BinaryOp::Mod, a[0], a[1])
}
fn rmod(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reflected_method(BinaryOp::Mod, a[0], a[1])
}
fn lshift_(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.operator_method(BinaryOp::LShift, a[0], a[1])
}
fn rlshift(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reflected_method(BinaryOp::LShift, a[0], a[1])
}
fn rshift_(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.operator_method(BinaryOp::RShift, a[0], a[1])
}
fn rrshift(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reflected_method(BinaryOp::RShift, a[0], a[1])
}
fn and_(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.operator_method(BinaryOp::And, a[0], a[1])
}
fn rand(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reflected_method(BinaryOp::And, a[0], a[1])
}
fn iand(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.inplace_method(BinaryOp::And, a[0], a[1])
}
fn or_(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.operator_method(BinaryOp::Or, a[0], a[1])
}
fn ror(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reflected_method(BinaryOp::Or, a[0], a[1])
}
fn ior(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.inplace_method(BinaryOp::Or, a[0], a[1])
}
fn xor_(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.operator_method(BinaryOp::Xor, a[0], a[1])
}
fn rxor(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reflected_method(BinaryOp::Xor, a[0], a[1])
}
fn ixor(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.inplace_method(BinaryOp::Xor, a[0], a[1])
}
fn divmod_(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.operator_method(BinaryOp::DivMod, a[0], a[1])
}
fn rdivmod(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reflected_method(BinaryOp::DivMod, a[0], a[1])
}
fn pow_(vm: &mut Vm, a: &[Value]) -> PyResult {
    match a[2].some() {
        Some(m) => vm.power_mod_method(a[0], a[1], m),
        None => vm.operator_method(BinaryOp::Pow, a[0], a[1]),
    }
}
fn rpow(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.reflected_method(BinaryOp::Pow, a[0], a[1])
}
fn neg_(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(vm
        .builtin_unary(UnaryOp::Neg, a[0])
        .unwrap_or(Value::NOT_IMPLEMENTED))
}
fn pos_(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(vm
        .builtin_unary(UnaryOp::Pos, a[0])
        .unwrap_or(Value::NOT_IMPLEMENTED))
}
fn invert_(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(vm
        .builtin_unary(UnaryOp::Invert, a[0])
        .unwrap_or(Value::NOT_IMPLEMENTED))
}
fn abs_(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(vm
        .builtin_unary(UnaryOp::Abs, a[0])
        .unwrap_or(Value::NOT_IMPLEMENTED))
}
fn compared(vm: &mut Vm, op: CompareOp, a: &[Value]) -> PyResult {
    if vm.is_int_among_others(a[0], a[1]) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    Ok(vm
        .builtin_compare(op, a[0], a[1])?
        .unwrap_or(Value::NOT_IMPLEMENTED))
}
fn lt_(vm: &mut Vm, a: &[Value]) -> PyResult {
    compared(vm, CompareOp::Lt, a)
}
fn le_(vm: &mut Vm, a: &[Value]) -> PyResult {
    compared(vm, CompareOp::Le, a)
}
fn eq_(vm: &mut Vm, a: &[Value]) -> PyResult {
    compared(vm, CompareOp::Eq, a)
}
fn ne_(vm: &mut Vm, a: &[Value]) -> PyResult {
    compared(vm, CompareOp::Ne, a)
}
fn gt_(vm: &mut Vm, a: &[Value]) -> PyResult {
    compared(vm, CompareOp::Gt, a)
}
fn ge_(vm: &mut Vm, a: &[Value]) -> PyResult {
    compared(vm, CompareOp::Ge, a)
}
fn len_(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = vm.builtin_len(a[0])?.unwrap_or(0);
    Ok(vm.heap.usize(n))
}
fn getitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.builtin_get_item(a[0], a[1])? {
        Some(value) => Ok(value),
        None => vm.get_item(a[0], a[1]),
    }
}
fn setitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.builtin_set_item(a[0], a[1], a[2])?;
    Ok(Value::NONE)
}
fn delitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.builtin_del_item(a[0], a[1])?;
    Ok(Value::NONE)
}
fn contains(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(Value::bool(
        vm.builtin_contains(a[0], a[1])?.unwrap_or(false),
    ))
}
fn iter_(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.builtin_iter(a[0])? {
        Some(iter) => Ok(iter),
        None => vm.iter(a[0]),
    }
}
fn hash_(vm: &mut Vm, a: &[Value]) -> PyResult {
    let hash = vm.builtin_hash(a[0])?;
    Ok(vm.heap.int(hash))
}
fn repr_(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.builtin_repr(a[0])
}
fn bool_(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(Value::bool(vm.builtin_truth(a[0])?))
}
