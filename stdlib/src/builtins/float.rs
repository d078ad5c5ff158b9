//! `float`.

use lockstep_runtime::native::{ClassDef, class_method, getter, method, static_method};
use lockstep_runtime::object::number::FloatBox;
use lockstep_runtime::planted::{self, Bug};
use lockstep_runtime::text::float as pure;
use lockstep_runtime::{B, N, PyResult, Value, Vm};

use super::{bytes, codec, int, operators as op};
use crate::args;

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, x=0, /)", new),
        op::REPR,
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
        op::NEG,
        op::POS,
        op::ABS,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
        method("__int__(self, /)", trunc),
        method("__trunc__(self, /)", trunc),
        method("__floor__(self, /)", floor),
        method("__ceil__(self, /)", ceil),
        method("__float__(self, /)", plain),
        method("__round__(self, ndigits=None, /)", round),
        method("__format__(self, format_spec, /)", int::format),
        method("__getnewargs__(self, /)", getnewargs),
        method("conjugate(self, /)", plain),
        method("is_integer(self, /)", is_integer),
        method("as_integer_ratio(self, /)", as_integer_ratio),
        method("hex(self, /)", hex),
        class_method("fromhex(cls, string, /)", fromhex),
        class_method("__getformat__(cls, typestr, /)", getformat),
    ],
    attributes: &[
        getter("real", |vm, this| plain(vm, &[this])),
        getter("imag", |vm, _| Ok(vm.heap.float(0.0))),
    ],
    doc: "Convert a string or number to a floating-point number, if possible.",
};

fn number(vm: &Vm, v: Value) -> f64 {
    vm.heap.as_float(v).unwrap_or(0.0)
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let f = match a[1].given() {
        None => 0.0,
        Some(x) => to_float(vm, x)?,
    };
    subclass_instance(vm, a[0], f)
}

fn subclass_instance(vm: &mut Vm, class: Value, f: f64) -> PyResult {
    // A NaN gets a cell of its own: as in CPython, two of them are not one object.
    if class == vm.class(B::Float) && !f.is_nan() {
        return Ok(vm.heap.float(f));
    }
    let shape = vm.root_shape(class);
    Ok(vm.heap.alloc(shape, FloatBox(f)))
}

fn to_float(vm: &mut Vm, x: Value) -> PyResult<f64> {
    // A subclass of str or bytes may say itself what number it is.
    let is_number = !vm.heap.is_exact(x, B::Str)
        && (vm.special(x, N::float).is_some() || vm.special(x, N::index).is_some());
    let text = match vm.heap.as_str(x) {
        _ if is_number => None,
        Some(text) => Some(text.clone()),
        None => vm.bytes_or_none(x).map(|data| bytes::number_text(&data)),
    };
    if let Some(text) = text {
        let v = vm.float_from_str(&text, x)?;
        return Ok(number(vm, v));
    }
    match vm.converted_to_float(x)? {
        Some(f) => Ok(f),
        None => {
            let message = format!(
                "float() argument must be a string or a real number, not '{}'",
                vm.type_name(x)
            );
            Err(vm.type_error(message))
        }
    }
}

fn plain(vm: &mut Vm, a: &[Value]) -> PyResult {
    let f = number(vm, a[0]);
    Ok(vm.heap.float(f))
}

fn trunc(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = vm.float_to_int(number(vm, a[0]))?;
    Ok(vm.heap.big(n))
}

fn floor(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = vm.float_to_int(number(vm, a[0]).floor())?;
    Ok(vm.heap.big(n))
}

fn ceil(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = vm.float_to_int(number(vm, a[0]).ceil())?;
    Ok(vm.heap.big(n))
}

fn round(vm: &mut Vm, a: &[Value]) -> PyResult {
    let f = number(vm, a[0]);
    let Some(digits) = a[1].some() else {
        let rounded = if planted::is(Bug::WrongRounding) {
            f.round()
        } else {
            f.round_ties_even()
        };
        let n = vm.float_to_int(rounded)?;
        return Ok(vm.heap.big(n));
    };
    let digits = vm.index_clamped(digits)?;
    match pure::round(f, digits) {
        Ok(f) => Ok(vm.heap.float(f)),
        Err(_) => Err(vm.overflow_error("rounded value too large to represent")),
    }
}

fn getnewargs(vm: &mut Vm, a: &[Value]) -> PyResult {
    let f = plain(vm, a)?;
    Ok(vm.heap.tuple(&[f]))
}

fn is_integer(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(Value::bool(pure::is_integer(number(vm, a[0]))))
}

fn as_integer_ratio(vm: &mut Vm, a: &[Value]) -> PyResult {
    match pure::as_integer_ratio(number(vm, a[0])) {
        Ok((n, d)) => {
            let (n, d) = (vm.heap.big(n), vm.heap.big(d));
            Ok(vm.heap.tuple(&[n, d]))
        }
        Err(error @ pure::NotFinite::Nan) => Err(vm.value_error(error.ratio_message())),
        Err(error) => Err(vm.overflow_error(error.ratio_message())),
    }
}

fn hex(vm: &mut Vm, a: &[Value]) -> PyResult {
    let text = pure::hex(number(vm, a[0]));
    args::str_value(vm, text)
}

fn getformat(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.as_str(a[1]).is_none() {
        let found = args::shown_type(vm, a[1]);
        return Err(vm.type_error(format!("__getformat__() argument must be str, not {found}")));
    }
    match codec::c_text(vm, a[1], ("__getformat__", "typestr"), "str")?.as_str() {
        // Rust's floats are IEEE 754's everywhere.
        "double" | "float" => args::str_value(vm, FORMAT),
        _ => Err(vm.value_error("__getformat__() argument 1 must be 'double' or 'float'")),
    }
}

const FORMAT: &str = if cfg!(target_endian = "big") {
    "IEEE, big-endian"
} else {
    "IEEE, little-endian"
};

fn fromhex(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.as_str(a[1]).is_none() {
        return Err(vm.type_error("bad argument type for built-in operation"));
    }
    let text = codec::utf8(vm, a[1])?;
    match pure::from_hex(&text) {
        Ok(f) => {
            let f = vm.heap.float(f);
            if a[0] == vm.class(B::Float) {
                Ok(f)
            } else {
                vm.call(a[0], &[f])
            }
        }
        Err(error @ pure::HexError::TooLarge) => Err(vm.overflow_error(error.message())),
        Err(error) => Err(vm.value_error(error.message())),
    }
}
