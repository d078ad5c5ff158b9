//! `int` and `bool`.

use lockstep_runtime::native::{ClassDef, class_method, getter, method, static_method};
use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::object::number::Big;
use lockstep_runtime::protocol::number::BinaryOp;
use lockstep_runtime::text::int as pure;
use lockstep_runtime::text::pystr::PyStr;
use lockstep_runtime::{B, N, PyResult, Value, Vm};
use num_bigint::BigInt;
use num_traits::Signed;

use super::{bytes, operators as op};
use crate::args;

/// What int's own methods make of a bool, which has others: an int.
fn number(v: Value) -> Value {
    v.as_bool().map_or(v, |b| Value::small(b.into()))
}

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, x=0, /, base=10)", new),
        method("__repr__(self, /)", |vm, a| vm.builtin_repr(number(a[0]))),
        op::GETATTRIBUTE,
        op::HASH,
        op::BOOL,
        op::ADD,
        op::RADD,
        op::SUB,
        op::RSUB,
        op::MUL,
        op::RMUL,
        op::TRUEDIV,
        op::RTRUEDIV,
        op::FLOORDIV,
        op::RFLOORDIV,
        op::MOD,
        op::RMOD,
        op::DIVMOD,
        op::RDIVMOD,
        op::POW,
        op::RPOW,
        op::LSHIFT,
        op::RLSHIFT,
        op::RSHIFT,
        op::RRSHIFT,
        method("__and__(self, value, /)", |vm, a| {
            vm.operator_method(BinaryOp::And, number(a[0]), a[1])
        }),
        method("__rand__(self, value, /)", |vm, a| {
            vm.reflected_method(BinaryOp::And, number(a[0]), a[1])
        }),
        method("__or__(self, value, /)", |vm, a| {
            vm.operator_method(BinaryOp::Or, number(a[0]), a[1])
        }),
        method("__ror__(self, value, /)", |vm, a| {
            vm.reflected_method(BinaryOp::Or, number(a[0]), a[1])
        }),
        method("__xor__(self, value, /)", |vm, a| {
            vm.operator_method(BinaryOp::Xor, number(a[0]), a[1])
        }),
        method("__rxor__(self, value, /)", |vm, a| {
            vm.reflected_method(BinaryOp::Xor, number(a[0]), a[1])
        }),
        op::NEG,
        op::POS,
        op::INVERT,
        op::ABS,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
        method("__int__(self, /)", plain),
        method("__index__(self, /)", plain),
        method("__trunc__(self, /)", plain),
        method("__floor__(self, /)", plain),
        method("__ceil__(self, /)", plain),
        method("__float__(self, /)", float),
        method("__round__(self, ndigits=None, /)", round),
        method("__format__(self, format_spec, /)", format),
        method("__getnewargs__(self, /)", getnewargs),
        method("conjugate(self, /)", plain),
        method("bit_length(self, /)", bit_length),
        method("bit_count(self, /)", bit_count),
        method("as_integer_ratio(self, /)", as_integer_ratio),
        method("is_integer(self, /)", |_, _| Ok(Value::TRUE)),
        method(
            "to_bytes(self, /, length=1, byteorder='big', *, signed=False)",
            to_bytes,
        ),
        class_method(
            "from_bytes(cls, /, bytes, byteorder='big', *, signed=False)",
            from_bytes,
        ),
    ],
    attributes: &[
        getter("real", |vm, this| plain(vm, &[this])),
        getter("imag", |_, _| Ok(Value::small(0))),
        getter("numerator", |vm, this| plain(vm, &[this])),
        getter("denominator", |_, _| Ok(Value::small(1))),
    ],
    doc: "int([x]) -> integer\nint(x, base=10) -> integer\n\nConvert a number or string to an integer, or return 0 if no arguments\nare given.",
};

pub static BOOL: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, object=False, /)", bool_new),
        op::REPR,
        op::AND,
        op::RAND,
        op::OR,
        op::ROR,
        op::XOR,
        op::RXOR,
        op::INVERT,
    ],
    attributes: &[],
    doc: "Returns True when the argument is true, False otherwise.\nThe builtins True and False are the only two instances of the class bool.\nThe class bool is a subclass of the class int, and cannot be subclassed.",
};

fn bool_new(vm: &mut Vm, a: &[Value]) -> PyResult {
    match a[1].given() {
        Some(v) => Ok(Value::bool(vm.truth(v)?)),
        None => Ok(Value::FALSE),
    }
}

/// The BigInt of an int known to be one.
fn big(vm: &Vm, v: Value) -> BigInt {
    vm.heap.as_big(v).unwrap_or_default()
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = match (a[1].given(), a[2].given()) {
        (None, None) => Value::small(0),
        (None, Some(_)) => return Err(vm.type_error("int() missing string argument")),
        (Some(x), None) => to_int(vm, x)?,
        (Some(x), Some(base)) => {
            let base = vm.index(base)?;
            let base = vm.heap.as_i64(base).unwrap_or(-1);
            if base != 0 && !(2..=36).contains(&base) {
                return Err(vm.value_error("int() base must be >= 2 and <= 36, or 0"));
            }
            let is_text = vm.heap.as_str(x).is_some() || vm.heap.get::<Bytes>(x).is_some();
            match text_of(vm, x).filter(|_| is_text) {
                Some(text) => vm.int_from_text_of(&text, base, x)?,
                None => {
                    return Err(vm.type_error("int() can't convert non-string with explicit base"));
                }
            }
        }
    };
    subclass_instance(vm, a[0], n)
}

/// The int as an instance of `class`.
fn subclass_instance(vm: &mut Vm, class: Value, n: Value) -> PyResult {
    if class == vm.class(B::Int) {
        return Ok(n);
    }
    let n = big(vm, n);
    let shape = vm.root_shape(class);
    Ok(vm.heap.alloc(shape, Big(n)))
}

/// The text of a str, bytes or bytearray.
fn text_of(vm: &mut Vm, v: Value) -> Option<PyStr> {
    if let Some(text) = vm.heap.as_str(v) {
        return Some(text.clone());
    }
    vm.bytes_or_none(v).map(|data| bytes::number_text(&data))
}

/// `int(x)`.
///
/// # Errors
/// TypeError, ValueError; what `__int__` raises.
pub fn to_int(vm: &mut Vm, x: Value) -> PyResult {
    if x.is_int() || vm.heap.is_exact(x, B::Int) {
        return Ok(x);
    }
    if let Some(f) = x.as_inline_float() {
        let n = vm.float_to_int(f)?;
        return Ok(vm.heap.big(n));
    }
    if let Some(answer) = vm.call_special(x, N::int, &[])? {
        return match vm.plain_int(answer) {
            Some(n) if answer.is_int() || vm.heap.is_exact(answer, B::Int) => Ok(n),
            Some(n) => {
                vm.warn_of_subclass("__int__", "int", answer)?;
                Ok(n)
            }
            None => {
                let message = format!("__int__ returned non-int (type {})", vm.type_name(answer));
                Err(vm.type_error(message))
            }
        };
    }
    if vm.has_index(x) {
        return vm.index(x);
    }
    if let Some(n) = vm.truncated(x)? {
        return Ok(n);
    }
    match text_of(vm, x) {
        Some(text) => vm.int_from_text_of(&text, 10, x),
        None => {
            let message = format!(
                "int() argument must be a string, a bytes-like object or a real number, not '{}'",
                vm.type_name(x)
            );
            Err(vm.type_error(message))
        }
    }
}

fn plain(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(vm.plain_int(a[0]).unwrap_or(a[0]))
}

fn float(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = plain(vm, a)?;
    let f = vm.to_float(n)?;
    Ok(vm.heap.float(f))
}

fn round(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(digits) = a[1].given() else {
        return plain(vm, a);
    };
    let digits = vm.index(digits)?;
    let digits = big(vm, digits);
    if !digits.is_negative() {
        return plain(vm, a);
    }
    let n = pure::round_to_ten_power(&big(vm, a[0]), &-digits);
    Ok(vm.heap.big(n))
}

pub(super) fn format(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.as_str(a[1]).is_none() {
        let message = format!(
            "__format__() argument must be str, not {}",
            args::shown_type(vm, a[1])
        );
        return Err(vm.type_error(message));
    }
    vm.builtin_format(a[0], a[1])
}

fn getnewargs(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = plain(vm, a)?;
    Ok(vm.heap.tuple(&[n]))
}

fn bit_length(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = pure::bit_length(&big(vm, a[0]));
    Ok(vm.heap.usize(n as usize))
}

fn bit_count(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = pure::bit_count(&big(vm, a[0]));
    Ok(vm.heap.usize(n as usize))
}

fn as_integer_ratio(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = plain(vm, a)?;
    Ok(vm.heap.tuple(&[n, Value::small(1)]))
}

/// Whether a byte order argument says big-endian.
fn is_big_endian(vm: &mut Vm, name: &str, v: Value) -> PyResult<bool> {
    let Some(v) = v.given() else { return Ok(true) };
    match vm.heap.as_str(v).map(PyStr::to_lossy).as_deref() {
        Some("big") => Ok(true),
        Some("little") => Ok(false),
        Some(_) => Err(vm.value_error("byteorder must be either 'little' or 'big'")),
        None => {
            let message = format!(
                "{name}() argument 'byteorder' must be str, not {}",
                args::shown_type(vm, v)
            );
            Err(vm.type_error(message))
        }
    }
}

fn to_bytes(vm: &mut Vm, a: &[Value]) -> PyResult {
    let length = args::ssize_or(vm, a[1], 1)?;
    let big_endian = is_big_endian(vm, "to_bytes", a[2])?;
    let signed = args::flag_or(vm, a[3], false)?;
    let Ok(length) = usize::try_from(length) else {
        return Err(vm.value_error("length argument must be non-negative"));
    };
    vm.check_bytes_size(length)?;
    match pure::to_bytes(&big(vm, a[0]), length, big_endian, signed) {
        Ok(data) => Ok(vm.heap.bytes(data)),
        Err(error) => Err(vm.overflow_error(error.message())),
    }
}

fn from_bytes(vm: &mut Vm, a: &[Value]) -> PyResult {
    let big_endian = is_big_endian(vm, "from_bytes", a[2])?;
    let signed = args::flag_or(vm, a[3], false)?;
    let data = super::bytes::of_object(vm, a[1])?;
    let n = pure::from_bytes(&data, big_endian, signed);
    let n = vm.heap.big(n);
    if a[0] == vm.class(B::Int) {
        Ok(n)
    } else {
        vm.call(a[0], &[n])
    }
}
