//! `math`. Functions that C's library has are Rust's, which are the same ones;
//! the exact ones (`fsum`, `hypot`, `comb`, `isqrt`) work as CPython's do.

// Coefficients are written as published, to more digits than an f64 holds.
#![allow(clippy::excessive_precision)]

use lockstep_runtime::c_math;
use lockstep_runtime::native::{NativeDef, function};
use lockstep_runtime::protocol::number::BinaryOp;
use lockstep_runtime::text::int as exact;
use lockstep_runtime::{B, N, PyResult, Value, Vm};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::{NativeModule, args};

pub static MODULE: NativeModule = NativeModule {
    name: "math",
    functions: FUNCTIONS,
    init,
};

/// A function of one float that fails where the result is no number.
macro_rules! unary {
    ($sig:literal, $f:expr) => {
        function($sig, |vm, a| one(vm, a[0], $f, false))
    };
}

/// As `unary`; an infinite result is an overflow.
macro_rules! growing {
    ($sig:literal, $f:expr) => {
        function($sig, |vm, a| one(vm, a[0], $f, true))
    };
}

const FUNCTIONS: &[NativeDef] = &[
    unary!("acos(x, /)", f64::acos),
    unary!("acosh(x, /)", acosh),
    unary!("asin(x, /)", f64::asin),
    unary!("asinh(x, /)", asinh),
    unary!("atan(x, /)", f64::atan),
    function("atan2(y, x, /)", |vm, a| {
        let (y, x) = (vm.to_float(a[0])?, vm.to_float(a[1])?);
        // CPython 3.13 mathmodule.c m_atan2 has one NaN for all.
        let is_nan = x.is_nan() || y.is_nan();
        Ok(vm.heap.float(if is_nan { f64::NAN } else { y.atan2(x) }))
    }),
    function("atanh(x, /)", atanh),
    unary!("cbrt(x, /)", cbrt),
    function("ceil(x, /)", |vm, a| whole(vm, a[0], N::ceil, f64::ceil)),
    function("comb(n, k, /)", comb),
    function("copysign(x, y, /)", |vm, a| {
        let (x, y) = (vm.to_float(a[0])?, vm.to_float(a[1])?);
        Ok(vm.heap.float(x.copysign(y)))
    }),
    unary!("cos(x, /)", f64::cos),
    growing!("cosh(x, /)", f64::cosh),
    function("degrees(x, /)", |vm, a| {
        let x = vm.to_float(a[0])?;
        Ok(vm.heap.float(x * (180.0 / std::f64::consts::PI)))
    }),
    function("dist(p, q, /)", dist),
    unary!("erf(x, /)", |x| c_math::erf(x)),
    unary!("erfc(x, /)", |x| c_math::erfc(x)),
    growing!("exp(x, /)", f64::exp),
    growing!("exp2(x, /)", f64::exp2),
    growing!("expm1(x, /)", f64::exp_m1),
    unary!("fabs(x, /)", f64::abs),
    function("factorial(n, /)", factorial),
    function("floor(x, /)", |vm, a| whole(vm, a[0], N::floor, f64::floor)),
    function("fma(x, y, z, /)", fma),
    function("fmod(x, y, /)", fmod),
    function("frexp(x, /)", frexp),
    function("fsum(seq, /)", fsum),
    function("gamma(x, /)", gamma),
    function("gcd(*integers)", gcd),
    function("hypot(*coordinates)", hypot),
    function("isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0)", isclose),
    function("isfinite(x, /)", |vm, a| {
        Ok(Value::bool(vm.to_float(a[0])?.is_finite()))
    }),
    function("isinf(x, /)", |vm, a| {
        Ok(Value::bool(vm.to_float(a[0])?.is_infinite()))
    }),
    function("isnan(x, /)", |vm, a| {
        Ok(Value::bool(vm.to_float(a[0])?.is_nan()))
    }),
    function("isqrt(n, /)", isqrt),
    function("lcm(*integers)", lcm),
    function("ldexp(x, i, /)", ldexp),
    function("lgamma(x, /)", lgamma),
    function("log(x, base=None, /)", log),
    function("log10(x, /)", |vm, a| {
        logarithm(vm, a[0], f64::log10, std::f64::consts::LOG10_2)
    }),
    function("log1p(x, /)", log1p),
    function("log2(x, /)", |vm, a| logarithm(vm, a[0], f64::log2, 1.0)),
    function("modf(x, /)", modf),
    function("nextafter(x, y, /, *, steps=None)", nextafter),
    function("perm(n, k=None, /)", perm),
    function("pow(x, y, /)", pow),
    function("prod(iterable, /, *, start=1)", prod),
    function("radians(x, /)", |vm, a| {
        let x = vm.to_float(a[0])?;
        Ok(vm.heap.float(x * (std::f64::consts::PI / 180.0)))
    }),
    function("remainder(x, y, /)", remainder),
    unary!("sin(x, /)", f64::sin),
    growing!("sinh(x, /)", f64::sinh),
    unary!("sqrt(x, /)", f64::sqrt),
    function("sumprod(p, q, /)", sumprod),
    unary!("tan(x, /)", f64::tan),
    unary!("tanh(x, /)", f64::tanh),
    function("trunc(x, /)", trunc),
    function("ulp(x, /)", ulp),
];

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    for (name, value) in [
        ("pi", std::f64::consts::PI),
        ("e", std::f64::consts::E),
        ("tau", std::f64::consts::TAU),
        ("inf", f64::INFINITY),
        ("nan", f64::NAN),
    ] {
        let (name, value) = (vm.heap.intern(name), vm.heap.float(value));
        vm.heap.ns_set(dict, name, value);
    }
    Ok(())
}

fn domain_error(vm: &mut Vm) -> lockstep_runtime::Raised {
    vm.value_error("math domain error")
}

fn range_error(vm: &mut Vm) -> lockstep_runtime::Raised {
    vm.overflow_error("math range error")
}

fn one(vm: &mut Vm, v: Value, f: fn(f64) -> f64, can_overflow: bool) -> PyResult {
    let x = vm.to_float(v)?;
    let y = f(x);
    if y.is_nan() && !x.is_nan() {
        return Err(domain_error(vm));
    }
    if y.is_infinite() && x.is_finite() {
        return Err(if can_overflow {
            range_error(vm)
        } else {
            domain_error(vm)
        });
    }
    Ok(vm.heap.float(y))
}

fn atanh(vm: &mut Vm, a: &[Value]) -> PyResult {
    let x = vm.to_float(a[0])?;
    if x.abs() >= 1.0 {
        return Err(domain_error(vm));
    }
    // As glibc's, to the last bit; so are the three that follow.
    let t = x.abs();
    let r = if t < 2f64.powi(-28) {
        t
    } else if t < 0.5 {
        0.5 * ((t + t) + (t + t) * t / (1.0 - t)).ln_1p()
    } else {
        0.5 * ((t + t) / (1.0 - t)).ln_1p()
    };
    Ok(vm.heap.float(r.copysign(x)))
}

fn acosh(x: f64) -> f64 {
    use std::f64::consts::LN_2;
    if x < 1.0 {
        f64::NAN
    } else if x > 2f64.powi(28) {
        x.ln() + LN_2
    } else if x > 2.0 {
        (2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt())).ln()
    } else {
        let t = x - 1.0;
        (t + (2.0 * t + t * t).sqrt()).ln_1p()
    }
}

fn asinh(x: f64) -> f64 {
    use std::f64::consts::LN_2;
    let t = x.abs();
    if !x.is_finite() || t < 2f64.powi(-28) {
        return x;
    }
    let r = if t > 2f64.powi(28) {
        t.ln() + LN_2
    } else if t > 2.0 {
        (2.0 * t + 1.0 / ((x * x + 1.0).sqrt() + t)).ln()
    } else {
        let square = x * x;
        (t + square / (1.0 + (1.0 + square).sqrt())).ln_1p()
    };
    r.copysign(x)
}

/// A polynomial for the mantissa, one step of Halley's method, a factor for
/// the exponent's rest.
fn cbrt(x: f64) -> f64 {
    const CBRT_2: f64 = 1.259_921_049_894_873_2;
    const CBRT_4: f64 = 1.587_401_051_968_199_5;
    const FACTORS: [f64; 5] = [1.0 / CBRT_4, 1.0 / CBRT_2, 1.0, CBRT_2, CBRT_4];
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let (m, e) = split(x.abs());
    let u = 0.354_895_765_043_919_86
        + (1.508_191_937_815_849
            - (2.114_994_941_673_712_9
                - (2.446_931_225_635_344_3
                    - (1.834_692_774_836_130_8
                        - (0.784_932_344_976_639_2 - 0.145_263_899_385_486_38 * m) * m)
                        * m)
                    * m)
                * m)
            * m;
    let cube = u * u * u;
    let r = u * (cube + 2.0 * m) / (2.0 * cube + m) * FACTORS[(2 + e % 3) as usize];
    scale(r, i64::from(e / 3)).copysign(x)
}

/// `floor` and `ceil`: the method of an object that has one, else the float's.
fn whole(vm: &mut Vm, v: Value, name: N, f: fn(f64) -> f64) -> PyResult {
    if vm.heap.is_exact(v, B::Float) || v.is_inline_float() {
        let n = vm.float_to_int(f(vm.heap.as_float(v).unwrap_or(0.0)))?;
        return Ok(vm.heap.big(n));
    }
    if let Some(n) = vm.call_special(v, name, &[])? {
        return Ok(n);
    }
    let x = vm.to_float(v)?;
    let n = vm.float_to_int(f(x))?;
    Ok(vm.heap.big(n))
}

fn trunc(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.call_special(a[0], N::trunc, &[])? {
        Some(n) => Ok(n),
        None => {
            let message = format!(
                "type {} doesn't define __trunc__ method",
                vm.type_name(a[0])
            );
            Err(vm.type_error(message))
        }
    }
}

/// The int that an argument stands for.
fn integer(vm: &mut Vm, v: Value) -> PyResult<BigInt> {
    let n = vm.index(v)?;
    Ok(vm.heap.as_big(n).unwrap_or_default())
}

fn non_negative(vm: &mut Vm, v: Value, what: &str) -> PyResult<BigInt> {
    let n = integer(vm, v)?;
    if n.is_negative() {
        return Err(vm.value_error(format!("{what} must be a non-negative integer")));
    }
    Ok(n)
}

/// Factors that a result may be multiplied from before it takes too long.
fn count(vm: &mut Vm, n: &BigInt, what: &str) -> PyResult<u64> {
    match n.to_u64().filter(|&n| n <= i64::MAX as u64) {
        Some(n) => Ok(n),
        None => Err(vm.overflow_error(format!("{what} should not exceed {}", i64::MAX))),
    }
}

/// The product of `low..=high`, halved again and again so that factors stay of a size.
fn product(vm: &mut Vm, low: u64, high: u64) -> PyResult<BigInt> {
    if low > high {
        return Ok(BigInt::one());
    }
    if high - low < 16 {
        let mut n = BigInt::from(low);
        for factor in low + 1..=high {
            n *= factor;
        }
        vm.tick()?;
        vm.check_size(n.bits() as usize / 8)?;
        return Ok(n);
    }
    let middle = low + (high - low) / 2;
    let (a, b) = (product(vm, low, middle)?, product(vm, middle + 1, high)?);
    vm.check_size((a.bits() + b.bits()) as usize / 8)?;
    Ok(a * b)
}

fn factorial(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = integer(vm, a[0])?;
    if n.is_negative() {
        return Err(vm.value_error("factorial() not defined for negative values"));
    }
    let Some(n) = n.to_u64().filter(|&n| n <= i64::MAX as u64) else {
        return Err(vm.overflow_error(format!(
            "factorial() argument should not exceed {}",
            i64::MAX
        )));
    };
    let n = product(vm, 1, n)?;
    Ok(vm.heap.big(n))
}

fn perm(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(k) = a[1].some() else {
        return factorial(vm, a);
    };
    let n = non_negative(vm, a[0], "n")?;
    let k = non_negative(vm, k, "k")?;
    if k > n {
        return Ok(Value::small(0));
    }
    let k = count(vm, &k, "k")?;
    let result = match n.to_u64() {
        Some(n) => product(vm, n - k + 1, n)?,
        None => {
            let mut result = BigInt::one();
            for i in 0..k {
                result *= &n - i;
                vm.tick()?;
                vm.check_size(result.bits() as usize / 8)?;
            }
            result
        }
    };
    Ok(vm.heap.big(result))
}

fn comb(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = non_negative(vm, a[0], "n")?;
    let k = non_negative(vm, a[1], "k")?;
    if k > n {
        return Ok(Value::small(0));
    }
    let k = k.clone().min(&n - &k);
    let k = match k.to_u64().filter(|&k| k <= i64::MAX as u64) {
        Some(k) => k,
        None => {
            return Err(vm.overflow_error(format!("min(n - k, k) must not exceed {}", i64::MAX)));
        }
    };
    let mut result = BigInt::one();
    for i in 0..k {
        result = result * (&n - i) / (i + 1);
        vm.tick()?;
        vm.check_size(result.bits() as usize / 8)?;
    }
    Ok(vm.heap.big(result))
}

fn gcd(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mut result = BigInt::zero();
    for v in vm.heap.tuple_items(a[0]).to_vec() {
        result = result.gcd(&integer(vm, v)?);
    }
    Ok(vm.heap.big(result))
}

fn lcm(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mut result = BigInt::one();
    for v in vm.heap.tuple_items(a[0]).to_vec() {
        let n = integer(vm, v)?;
        result = if n.is_zero() {
            BigInt::zero()
        } else {
            result.lcm(&n)
        };
    }
    Ok(vm.heap.big(result.abs()))
}

fn isqrt(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = integer(vm, a[0])?;
    if n.is_negative() {
        return Err(vm.value_error("isqrt() argument must be nonnegative"));
    }
    let root = exact::isqrt(&n);
    Ok(vm.heap.big(root))
}

// ---- floats taken apart ----------------------------------------------------------------

/// x = m * 2**e with 0.5 <= |m| < 1.
fn split(x: f64) -> (f64, i32) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let (scaled, shift) = if x.is_normal() {
        (x, 0)
    } else {
        (x * (1u64 << 54) as f64, 54)
    };
    let bits = scaled.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1022 - shift;
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), exponent)
}

fn frexp(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (m, e) = split(vm.to_float(a[0])?);
    let m = vm.heap.float(m);
    Ok(vm.heap.tuple(&[m, Value::small(i64::from(e))]))
}

/// x * 2**e, rounded once.
fn scale(x: f64, e: i64) -> f64 {
    let (m, own) = split(x);
    if m == 0.0 || !m.is_finite() {
        return x;
    }
    let e = e.saturating_add(i64::from(own));
    if e > 1024 {
        return f64::INFINITY.copysign(x);
    }
    if e < -1100 {
        return 0.0f64.copysign(x);
    }
    let power = |e: i32| f64::from_bits(((e + 1023) as u64) << 52);
    let e = e as i32;
    if e > -1021 {
        // m * 2 * 2**(e - 1): 2**1024 is no float.
        return m * 2.0 * power(e - 1);
    }
    // The first product is exact, so that only the second one rounds.
    m * power(e + 200) * power(-200)
}

fn ldexp(vm: &mut Vm, a: &[Value]) -> PyResult {
    let x = vm.to_float(a[0])?;
    if !vm.heap.is_int(a[1]) {
        return Err(vm.type_error("Expected an int as second argument to ldexp."));
    }
    let e = vm.index_clamped(a[1])?;
    let y = scale(x, e);
    if y.is_infinite() && x.is_finite() {
        return Err(range_error(vm));
    }
    Ok(vm.heap.float(y))
}

fn modf(vm: &mut Vm, a: &[Value]) -> PyResult {
    let x = vm.to_float(a[0])?;
    let (fraction, whole) = if x.is_infinite() {
        (0.0f64.copysign(x), x)
    } else {
        ((x - x.trunc()).copysign(x), x.trunc())
    };
    let pair = [fraction, whole].map(|f| vm.heap.float(f));
    Ok(vm.heap.tuple(&pair))
}

fn fmod(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (x, y) = (vm.to_float(a[0])?, vm.to_float(a[1])?);
    if y.is_infinite() && x.is_finite() {
        return Ok(vm.heap.float(x));
    }
    let r = x % y;
    if r.is_nan() && !x.is_nan() && !y.is_nan() {
        return Err(domain_error(vm));
    }
    Ok(vm.heap.float(r))
}

/// IEEE 754 remainder: of the nearest multiple, ties to even.
fn remainder(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (x, y) = (vm.to_float(a[0])?, vm.to_float(a[1])?);
    if x.is_nan() || y.is_nan() {
        return Ok(vm.heap.float(x + y));
    }
    if x.is_infinite() || y == 0.0 {
        return Err(domain_error(vm));
    }
    if y.is_infinite() {
        return Ok(vm.heap.float(x));
    }
    let (absx, absy) = (x.abs(), y.abs());
    let m = absx % absy;
    let c = absy - m;
    let r = match m.partial_cmp(&c) {
        Some(std::cmp::Ordering::Less) => m,
        Some(std::cmp::Ordering::Greater) => -c,
        _ => m - 2.0 * ((0.5 * (absx - m)) % absy),
    };
    Ok(vm.heap.float(1.0f64.copysign(x) * r))
}

fn fma(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (x, y, z) = (vm.to_float(a[0])?, vm.to_float(a[1])?, vm.to_float(a[2])?);
    let r = x.mul_add(y, z);
    if r.is_nan() && ![x, y, z].iter().any(|f| f.is_nan()) {
        return Err(vm.value_error("invalid operation in fma"));
    }
    if r.is_infinite() && [x, y, z].iter().all(|f| f.is_finite()) {
        return Err(vm.overflow_error("overflow in fma"));
    }
    Ok(vm.heap.float(r))
}

fn ulp(vm: &mut Vm, a: &[Value]) -> PyResult {
    let x = vm.to_float(a[0])?;
    if x.is_nan() {
        return Ok(vm.heap.float(x));
    }
    let x = x.abs();
    let r = if x.is_infinite() {
        x
    } else if x == f64::MAX {
        x - x.next_down()
    } else {
        x.next_up() - x
    };
    Ok(vm.heap.float(r))
}

fn nextafter(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (mut x, y) = (vm.to_float(a[0])?, vm.to_float(a[1])?);
    let steps = match a[2].some() {
        Some(steps) => {
            let n = integer(vm, steps)?;
            if n.is_negative() {
                return Err(vm.value_error("steps must be a non-negative integer"));
            }
            n.to_u64().unwrap_or(u64::MAX)
        }
        None => 1,
    };
    if x.is_nan() || y.is_nan() {
        return Ok(vm.heap.float(x + y));
    }
    // Floats in their order have neighbouring numbers; both zeros are number 0.
    let rank = |x: f64| {
        let magnitude = i128::from(x.to_bits() & !(1 << 63));
        if x.is_sign_negative() {
            -magnitude
        } else {
            magnitude
        }
    };
    let (from, to) = (rank(x), rank(y));
    let steps = i128::from(steps);
    if a[2].some().is_none() && x != y && to == 0 && from.abs() == 1 {
        // C's nextafter: zero keeps the sign of where the one step began.
        x = 0f64.copysign(x);
    } else if steps > 0 && (to - from).abs() <= steps {
        x = y;
    } else if steps > 0 {
        let at = if to > from {
            from + steps
        } else {
            from - steps
        };
        let magnitude = f64::from_bits(at.unsigned_abs() as u64);
        let is_negative = at < 0 || at == 0 && from < 0;
        x = if is_negative { -magnitude } else { magnitude };
    }
    Ok(vm.heap.float(x))
}

fn isclose(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (x, y) = (vm.to_float(a[0])?, vm.to_float(a[1])?);
    let relative = match a[2].given() {
        Some(v) => vm.to_float(v)?,
        None => 1e-9,
    };
    let absolute = match a[3].given() {
        Some(v) => vm.to_float(v)?,
        None => 0.0,
    };
    if relative < 0.0 || absolute < 0.0 {
        return Err(vm.value_error("tolerances must be non-negative"));
    }
    if x == y {
        return Ok(Value::TRUE);
    }
    if x.is_infinite() || y.is_infinite() {
        return Ok(Value::FALSE);
    }
    let difference = (y - x).abs();
    let close = difference <= (relative * y).abs()
        || difference <= (relative * x).abs()
        || difference <= absolute;
    Ok(Value::bool(close))
}

// ---- logarithms and powers ----------------------------------------------------------------

/// A logarithm of a float, or of an int of any size: log(m * 2**e) there.
fn logarithm(vm: &mut Vm, v: Value, f: fn(f64) -> f64, of_two: f64) -> PyResult {
    let y = log_of(vm, v, f, of_two)?;
    Ok(vm.heap.float(y))
}

fn log_of(vm: &mut Vm, v: Value, f: fn(f64) -> f64, of_two: f64) -> PyResult<f64> {
    if vm.heap.is_int(v) {
        let n = vm.heap.as_big(v).unwrap_or_default();
        if !n.is_positive() {
            return Err(domain_error(vm));
        }
        if let Ok(x) = exact::to_f64(&n) {
            return Ok(f(x));
        }
        let shift = n.bits().saturating_sub(1000);
        let x = exact::to_f64(&(n >> shift)).unwrap_or(f64::MAX);
        return Ok(f(x) + of_two * shift as f64);
    }
    let x = vm.to_float(v)?;
    if x.is_nan() || x == f64::INFINITY {
        return Ok(x);
    }
    if x <= 0.0 {
        return Err(domain_error(vm));
    }
    Ok(f(x))
}

fn log(vm: &mut Vm, a: &[Value]) -> PyResult {
    let x = log_of(vm, a[0], f64::ln, std::f64::consts::LN_2)?;
    let Some(base) = a[1].given() else {
        return Ok(vm.heap.float(x));
    };
    let base = log_of(vm, base, f64::ln, std::f64::consts::LN_2)?;
    if base == 0.0 {
        return Err(vm.zero_division("float division by zero"));
    }
    Ok(vm.heap.float(x / base))
}

fn log1p(vm: &mut Vm, a: &[Value]) -> PyResult {
    let x = vm.to_float(a[0])?;
    if x <= -1.0 {
        return Err(domain_error(vm));
    }
    Ok(vm.heap.float(x.ln_1p()))
}

fn pow(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (x, y) = (vm.to_float(a[0])?, vm.to_float(a[1])?);
    let r = x.powf(y);
    if x.is_finite() && y.is_finite() {
        if r.is_nan() {
            return Err(domain_error(vm));
        }
        if r.is_infinite() {
            return Err(if x == 0.0 {
                domain_error(vm)
            } else {
                range_error(vm)
            });
        }
    }
    Ok(vm.heap.float(r))
}

// ---- gamma -----------------------------------------------------------------------------------

const LANCZOS_G: f64 = 6.024680040776729583740234375;
const LANCZOS_G_MINUS_HALF: f64 = 5.524680040776729583740234375;
const LANCZOS_NUM: [f64; 13] = [
    23531376880.410759688572007674451636754734846804940,
    42919803642.649098768957899047001988850926355848959,
    35711959237.355668049440185451547166705960488635843,
    17921034426.037209699919755754458931112671403265390,
    6039542586.3520280050642916443072979210699388420708,
    1439720407.3117216736632230727949123939715485786372,
    248874557.86205415651146038641322942321632125127801,
    31426415.585400194380614231628318205362874684987640,
    2876370.6289353724412254090516208496135991145378768,
    186056.26539522349504029498971604569928220784236328,
    8071.6720023658162106380029022722506138218516325024,
    210.82427775157934587250973392071336271166969580291,
    2.5066282746310002701649081771338373386264310793408,
];
const LANCZOS_DEN: [f64; 13] = [
    0.0,
    39916800.0,
    120543840.0,
    150917976.0,
    105258076.0,
    45995730.0,
    13339535.0,
    2637558.0,
    357423.0,
    32670.0,
    1925.0,
    66.0,
    1.0,
];

/// Lanczos' sum, evaluated so that neither end overflows.
fn lanczos_sum(x: f64) -> f64 {
    let (mut num, mut den) = (0.0, 0.0);
    if x < 5.0 {
        for i in (0..13).rev() {
            num = num * x + LANCZOS_NUM[i];
            den = den * x + LANCZOS_DEN[i];
        }
    } else {
        for i in 0..13 {
            num = num / x + LANCZOS_NUM[i];
            den = den / x + LANCZOS_DEN[i];
        }
    }
    num / den
}

/// sin(pi * x), exact at multiples of a half.
fn sin_pi(x: f64) -> f64 {
    use std::f64::consts::PI;
    let y = x.abs() % 2.0;
    let r = match (2.0 * y).round() as i32 {
        0 => (PI * y).sin(),
        1 => (PI * (y - 0.5)).cos(),
        2 => (PI * (1.0 - y)).sin(),
        3 => -(PI * (y - 1.5)).cos(),
        _ => (PI * (y - 2.0)).sin(),
    };
    1.0f64.copysign(x) * r
}

/// CPython 3.13 mathmodule.c m_tgamma: factorials of small ints are exact,
/// elsewhere Lanczos' approximation with its error folded back.
fn gamma(vm: &mut Vm, a: &[Value]) -> PyResult {
    let x = vm.to_float(a[0])?;
    if x.is_nan() || x == f64::INFINITY {
        return Ok(vm.heap.float(x));
    }
    if x == f64::NEG_INFINITY || x == 0.0 || (x < 0.0 && x == x.floor()) {
        return Err(domain_error(vm));
    }
    if x == x.floor() && x <= 23.0 {
        let r: f64 = (2..x as u64).map(|n| n as f64).product();
        return Ok(vm.heap.float(r));
    }
    let absx = x.abs();
    if absx < 1e-20 {
        let r = 1.0 / x;
        return if r.is_infinite() {
            Err(range_error(vm))
        } else {
            Ok(vm.heap.float(r))
        };
    }
    if absx > 200.0 {
        if x < 0.0 {
            return Ok(vm.heap.float(0.0 / sin_pi(x)));
        }
        return Err(range_error(vm));
    }
    let y = absx + LANCZOS_G_MINUS_HALF;
    let z = if absx > LANCZOS_G_MINUS_HALF {
        let q = y - absx;
        q - LANCZOS_G_MINUS_HALF
    } else {
        let q = y - LANCZOS_G_MINUS_HALF;
        q - absx
    };
    let z = z * LANCZOS_G / y;
    let r = if x < 0.0 {
        let mut r = -std::f64::consts::PI / sin_pi(absx) / absx * y.exp() / lanczos_sum(absx);
        r -= z * r;
        if absx < 140.0 {
            r / y.powf(absx - 0.5)
        } else {
            let half = y.powf(absx / 2.0 - 0.25);
            r / half / half
        }
    } else {
        let mut r = lanczos_sum(absx) / y.exp();
        r += z * r;
        if absx < 140.0 {
            r * y.powf(absx - 0.5)
        } else {
            let half = y.powf(absx / 2.0 - 0.25);
            r * half * half
        }
    };
    if r.is_infinite() {
        return Err(range_error(vm));
    }
    Ok(vm.heap.float(r))
}

fn lgamma(vm: &mut Vm, a: &[Value]) -> PyResult {
    let x = vm.to_float(a[0])?;
    if x.is_nan() {
        return Ok(vm.heap.float(x));
    }
    if x.is_infinite() {
        return Ok(vm.heap.float(f64::INFINITY));
    }
    if x == x.floor() && x <= 2.0 {
        if x <= 0.0 {
            return Err(domain_error(vm));
        }
        return Ok(vm.heap.float(0.0));
    }
    let absx = x.abs();
    if absx < 1e-20 {
        return Ok(vm.heap.float(-absx.ln()));
    }
    let mut r = lanczos_sum(absx).ln() - LANCZOS_G;
    r += (absx - 0.5) * ((absx + LANCZOS_G - 0.5).ln() - 1.0);
    if x < 0.0 {
        r = std::f64::consts::PI.ln() - sin_pi(absx).abs().ln() - absx.ln() - r;
    }
    if r.is_infinite() {
        return Err(range_error(vm));
    }
    Ok(vm.heap.float(r))
}

// ---- exact sums ------------------------------------------------------------------------------

/// The floats of an iterable.
fn floats(vm: &mut Vm, v: Value) -> PyResult<Vec<f64>> {
    let (_, items) = args::held_items(vm, v)?;
    to_floats(vm, &items)
}

fn to_floats(vm: &mut Vm, items: &[Value]) -> PyResult<Vec<f64>> {
    items.iter().map(|&item| vm.to_float(item)).collect()
}

/// Shewchuk's algorithm: partial sums that don't overlap hold the exact total.
fn fsum(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mut partials: Vec<f64> = Vec::new();
    let (mut special, mut infinities) = (0.0, 0.0);
    for x in floats(vm, a[0])? {
        let original = x;
        let mut x = x;
        let mut kept = 0;
        for j in 0..partials.len() {
            let mut y = partials[j];
            if x.abs() < y.abs() {
                std::mem::swap(&mut x, &mut y);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                partials[kept] = low;
                kept += 1;
            }
            x = high;
        }
        partials.truncate(kept);
        if x == 0.0 {
            continue;
        }
        if x.is_finite() {
            partials.push(x);
        } else {
            if original.is_finite() {
                return Err(vm.overflow_error("intermediate overflow in fsum"));
            }
            if original.is_infinite() {
                infinities += original;
            }
            special += original;
            partials.clear();
        }
    }
    if special != 0.0 {
        if f64::is_nan(infinities) {
            return Err(vm.value_error("-inf + inf in fsum"));
        }
        return Ok(vm.heap.float(special));
    }
    let mut high = 0.0;
    if let Some(last) = partials.pop() {
        high = last;
        let mut low = 0.0;
        while let Some(y) = partials.pop() {
            let x = high;
            high = x + y;
            low = y - (high - x);
            if low != 0.0 {
                break;
            }
        }
        // Half-way cases round by what is still below.
        if let Some(&next) = partials.last()
            && ((low < 0.0 && next < 0.0) || (low > 0.0 && next > 0.0))
        {
            let y = low * 2.0;
            let x = high + y;
            if y == x - high {
                high = x;
            }
        }
    }
    Ok(vm.heap.float(high))
}

/// The length of a vector, as exact as CPython 3.13's vector_norm: squares and
/// their rounding errors are summed apart, and the root is corrected once.
fn norm(coordinates: &[f64]) -> f64 {
    let max = coordinates.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    if coordinates.iter().any(|x| x.is_infinite()) {
        return f64::INFINITY;
    }
    if coordinates.iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    if max == 0.0 || coordinates.len() <= 1 {
        return max;
    }
    let (_, e) = split(max);
    if e < -1023 {
        // Subnormal numbers are scaled up first.
        let scaled: Vec<f64> = coordinates.iter().map(|x| x / f64::MIN_POSITIVE).collect();
        return f64::MIN_POSITIVE * norm(&scaled);
    }
    let factor = scale(1.0, i64::from(-e));
    let (mut sum, mut error1, mut error2) = (1.0f64, 0.0f64, 0.0f64);
    let mut add = |high: f64, low: f64| {
        let total = sum + high;
        error1 += low;
        error2 += (sum - total) + high;
        sum = total;
    };
    let mut square = |x: f64, sign: f64| {
        let p = x * x;
        add(sign * p, sign * x.mul_add(x, -p));
    };
    for x in coordinates {
        square(x * factor, 1.0);
    }
    let root = (sum - 1.0 + (error1 + error2)).sqrt();
    let (mut sum, mut error1, mut error2) = (sum, error1, error2);
    let p = root * root;
    let low = root.mul_add(root, -p);
    let total = sum - p;
    error1 -= low;
    error2 += (sum - total) - p;
    sum = total;
    let rest = sum - 1.0 + (error1 + error2);
    (root + rest / (2.0 * root)) / factor
}

fn hypot(vm: &mut Vm, a: &[Value]) -> PyResult {
    let coordinates = floats(vm, a[0])?;
    Ok(vm.heap.float(norm(&coordinates)))
}

fn dist(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (_, p) = args::held_items(vm, a[0])?;
    let (_, q) = args::held_items(vm, a[1])?;
    if p.len() != q.len() {
        return Err(vm.value_error("both points must have the same number of dimensions"));
    }
    let (p, q) = (to_floats(vm, &p)?, to_floats(vm, &q)?);
    let differences: Vec<f64> = p.iter().zip(&q).map(|(x, y)| x - y).collect();
    Ok(vm.heap.float(norm(&differences)))
}

fn prod(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mut total = a[1].given().unwrap_or(Value::small(1));
    let iter = vm.iter(a[0])?;
    vm.root(iter);
    let held = vm.heap.list(vec![total]);
    vm.root(held);
    while let Some(item) = vm.next(iter)? {
        total = vm.binary(BinaryOp::Mul, total, item, false)?;
        vm.set_item(held, Value::small(0), total)?;
        vm.tick()?;
    }
    Ok(total)
}

/// The sum of products; of floats exact up to one rounding, as CPython's.
fn sumprod(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (_, p) = args::held_items(vm, a[0])?;
    let (_, q) = args::held_items(vm, a[1])?;
    let is_same_length = p.len() == q.len();
    let is_float = |vm: &Vm, v: Value| vm.heap.as_float(v).is_some();
    let all_floats = is_same_length
        && !p.is_empty()
        && p.iter().chain(&q).all(|&v| is_float(vm, v) || v.is_int())
        && p.iter()
            .zip(&q)
            .all(|(&x, &y)| is_float(vm, x) || is_float(vm, y));
    if all_floats {
        let (mut high, mut low, mut lowest) = (0.0, 0.0, 0.0);
        for (&x, &y) in p.iter().zip(&q) {
            let (x, y) = (vm.to_float(x)?, vm.to_float(y)?);
            let product = x * y;
            let error = x.mul_add(y, -product);
            let (sum, e1) = two_sum(high, product);
            let (mid, e2) = two_sum(low, error);
            let (mid, e3) = two_sum(mid, e1);
            (high, low) = (sum, mid);
            lowest += e2 + e3;
        }
        let total = high + (low + lowest);
        let total = if total.is_nan() {
            p_dot_q(vm, &p, &q)?
        } else {
            total
        };
        return Ok(vm.heap.float(total));
    }
    let mut total = Value::small(0);
    let held = vm.heap.list(vec![total]);
    vm.root(held);
    for (&x, &y) in p.iter().zip(&q) {
        let product = vm.binary(BinaryOp::Mul, x, y, false)?;
        vm.root(product);
        total = vm.binary(BinaryOp::Add, total, product, false)?;
        vm.set_item(held, Value::small(0), total)?;
    }
    // CPython 3.13 mathmodule.c math_sumprod_impl learns of it when one of them ends.
    if !is_same_length {
        return Err(vm.value_error("Inputs are not the same length"));
    }
    Ok(total)
}

fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let other = sum - a;
    (sum, (a - (sum - other)) + (b - other))
}

/// The plain sum of products, for infinities and NaNs.
fn p_dot_q(vm: &mut Vm, p: &[Value], q: &[Value]) -> PyResult<f64> {
    let mut total = 0.0;
    for (&x, &y) in p.iter().zip(q) {
        total += vm.to_float(x)? * vm.to_float(y)?;
    }
    Ok(total)
}
