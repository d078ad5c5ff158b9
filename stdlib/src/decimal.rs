//! `_decimal_parts`: the commonest operations of module `decimal`, on finite numbers whose
//! coefficients fit 128 bits and whose exponents are far from the limits. None is what they give
//! for all others, with nothing done; the module has all the rules.

use lockstep_runtime::native::{ClassDef, method, static_method};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::instance::SlotDescriptor;
use lockstep_runtime::object::number::Big;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::object::set::Set;
use lockstep_runtime::text::pystr::{PyStr, Units};
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};
use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::ToPrimitive;

use crate::NativeModule;

pub static MODULE: NativeModule = NativeModule {
    name: "_decimal_parts",
    functions: &[],
    init,
};

static QUICK: ClassDef = ClassDef {
    methods: &[
        static_method(
            "__new__(cls, decimal, context, signals, inexact, rounded, roundings, /)",
            new,
        ),
        method("parse(self, text, /)", |vm, a| {
            let quick = quick(vm, a[0])?;
            let found = parse(vm, a[1]);
            give(vm, &quick, found)
        }),
        method("add(self, a, b, context, /)", |vm, a| {
            operate(vm, a, |a, b, _| a.plus(b))
        }),
        method("subtract(self, a, b, context, /)", |vm, a| {
            let negative = |b: Number| Number { sign: !b.sign, ..b };
            operate(vm, a, |a, b, _| a.plus(negative(b)))
        }),
        method("multiply(self, a, b, context, /)", |vm, a| {
            operate(vm, a, |a, b, _| a.times(b))
        }),
        method("divide(self, a, b, context, /)", |vm, a| {
            operate(vm, a, Number::over)
        }),
        method("quantize(self, a, b, rounding, context, /)", quantize),
        method("order(self, a, b, /)", order),
        method("text(self, a, /)", text),
        method("fixed(self, a, spec, context, /)", fixed),
    ],
    attributes: &[],
    doc: "Operations on small decimals.",
};

/// The classes of the module, and where their instances keep what.
#[derive(Clone, Copy)]
struct Quick {
    decimal: Value,
    context: Value,
    inexact: Value,
    rounded: Value,
    /// A tuple, in the order of `Rounding`.
    roundings: Value,
    /// Of a number: sign, coefficient, exponent, kind.
    number_slots: [u16; 4],
    /// Of a context: precision, rounding, the limits, clamp, flags, traps.
    context_slots: [u16; 7],
    /// Of the flags and the traps.
    on_slot: u16,
    empty: Value,
}

impl Native for Quick {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.decimal, self.context, self.inexact, self.rounded]);
        marker.mark_all(&[self.roundings, self.empty]);
    }
}

/// A finite number: `(-1)**sign * c * 10**e`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Number {
    sign: bool,
    c: u128,
    e: i64,
}

/// In the order of the module's `_ROUNDINGS`.
#[derive(Clone, Copy)]
enum Rounding {
    Up,
    Down,
    Ceiling,
    Floor,
    HalfUp,
    HalfDown,
    HalfEven,
    ZeroFiveUp,
}

const ROUNDINGS: [Rounding; 8] = [
    Rounding::Up,
    Rounding::Down,
    Rounding::Ceiling,
    Rounding::Floor,
    Rounding::HalfUp,
    Rounding::HalfDown,
    Rounding::HalfEven,
    Rounding::ZeroFiveUp,
];

/// What a context asks for. It has no clamp.
struct Setting {
    prec: i64,
    rounding: Rounding,
    emin: i64,
    emax: i64,
}

/// A result, and what was met on the way.
struct Found {
    number: Number,
    is_rounded: bool,
    is_inexact: bool,
}

impl Found {
    fn exact(number: Number) -> Found {
        Found {
            number,
            is_rounded: false,
            is_inexact: false,
        }
    }
}

/// The largest precision with which quotients fit.
const PREC_MAX: i64 = 36;
/// The most digits of a text.
const TEXT_DIGITS_MAX: usize = 36;
/// Exponents of numbers here, in a text and otherwise: nothing overflows with them.
const EXPONENT_MAX: i64 = 1 << 40;

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    let object = vm.class(B::Object);
    let class = vm.new_native_class("_decimal_parts", "Quick", object, Kind::Opaque, &QUICK);
    let name = vm.heap.intern("Quick");
    vm.heap.ns_set(dict, name, class);
    Ok(())
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let number_slots = slots(vm, a[1], ["_s", "_c", "_e", "_k"]);
    let names = [
        "_prec",
        "_rounding",
        "_emin",
        "_emax",
        "_clamp",
        "_flags",
        "_traps",
    ];
    let context_slots = slots(vm, a[2], names);
    let on_slot = slots(vm, a[3], ["_on"]);
    let (Some(number_slots), Some(context_slots), Some([on_slot])) =
        (number_slots, context_slots, on_slot)
    else {
        return Err(vm.type_error("Quick() takes the classes of decimal"));
    };
    let empty = vm.heap.intern("");
    let shape = vm.root_shape(a[0]);
    Ok(vm.heap.opaque(
        shape,
        Quick {
            decimal: a[1],
            context: a[2],
            inexact: a[4],
            rounded: a[5],
            roundings: a[6],
            number_slots,
            context_slots,
            on_slot,
            empty,
        },
    ))
}

/// Where the instances of a class have these slots.
fn slots<const N: usize>(vm: &mut Vm, class: Value, names: [&str; N]) -> Option<[u16; N]> {
    vm.heap.get::<Class>(class)?;
    let mut found = [0; N];
    for (slot, name) in found.iter_mut().zip(names) {
        let name = vm.heap.intern(name);
        let descriptor = vm.lookup_class(class, name)?;
        let descriptor = vm.heap.get::<SlotDescriptor>(descriptor)?;
        if descriptor.is_beside {
            return None;
        }
        *slot = descriptor.slot;
    }
    Some(found)
}

fn quick(vm: &mut Vm, v: Value) -> PyResult<Quick> {
    match vm.heap.native::<Quick>(v) {
        Some(quick) => Ok(*quick),
        None => Err(vm.type_error("not a Quick")),
    }
}

impl Quick {
    fn slot(&self, vm: &Vm, v: Value, slot: u16) -> Value {
        vm.heap.slot(v, slot)
    }

    /// A finite number of the class itself.
    fn number(&self, vm: &Vm, v: Value) -> Option<Number> {
        if vm.heap.kind(v) != Some(Kind::Instance) || vm.heap.class_of(v) != self.decimal {
            return None;
        }
        let [sign, c, e, kind] = self.number_slots.map(|slot| self.slot(vm, v, slot));
        if kind != self.empty && !vm.heap.as_str(kind)?.is_empty() {
            return None;
        }
        let c = match c.as_int() {
            Some(c) => u128::try_from(c).ok()?,
            None => vm.heap.get::<Big>(c)?.0.to_u128()?,
        };
        let e = e.as_int().filter(|e| e.abs() < EXPONENT_MAX)?;
        let sign = sign.as_int()? != 0;
        Some(Number { sign, c, e })
    }

    fn make(&self, vm: &mut Vm, number: Number) -> PyResult {
        let c = match i64::try_from(number.c) {
            Ok(c) => vm.heap.int(c),
            Err(_) => vm.heap.big(BigInt::from(number.c)),
        };
        let e = vm.heap.int(number.e);
        let made = vm.holding(&[c, e], |vm| vm.new_instance(self.decimal))?;
        let parts = [Value::small(i64::from(number.sign)), c, e, self.empty];
        for (slot, part) in self.number_slots.into_iter().zip(parts) {
            vm.heap.set_slot(made, slot, part);
        }
        Ok(made)
    }

    fn setting(&self, vm: &Vm, context: Value) -> Option<Setting> {
        if vm.heap.kind(context) != Some(Kind::Instance)
            || vm.heap.class_of(context) != self.context
        {
            return None;
        }
        let [prec, rounding, emin, emax, clamp, ..] =
            self.context_slots.map(|slot| self.slot(vm, context, slot));
        if clamp.as_int()? != 0 {
            return None;
        }
        Some(Setting {
            prec: prec.as_int().filter(|&prec| prec <= PREC_MAX)?,
            rounding: self.rounding(vm, rounding)?,
            emin: emin.as_int()?,
            emax: emax.as_int()?,
        })
    }

    fn rounding(&self, vm: &Vm, v: Value) -> Option<Rounding> {
        let known = vm.heap.as_tuple(self.roundings)?;
        let at = known.iter().position(|&known| known == v)?;
        ROUNDINGS.get(at).copied()
    }

    /// Sets the flags of what was met; false, with nothing done, where that is trapped.
    fn note(&self, vm: &mut Vm, context: Value, found: &Found) -> PyResult<bool> {
        if !found.is_rounded {
            return Ok(true);
        }
        let [.., flags, traps] = self.context_slots.map(|slot| self.slot(vm, context, slot));
        let [Some(flags), Some(traps)] = [flags, traps].map(|signals| self.on(vm, signals)) else {
            return Ok(false);
        };
        let met = [
            (found.is_rounded, self.rounded),
            (found.is_inexact, self.inexact),
        ];
        for (is_met, signal) in met {
            if is_met && vm.set_contains(traps, signal)? {
                return Ok(false);
            }
        }
        for (is_met, signal) in met {
            if is_met {
                vm.set_add(flags, signal)?;
            }
        }
        Ok(true)
    }

    /// The set of those that are on.
    fn on(&self, vm: &Vm, signals: Value) -> Option<Value> {
        if vm.heap.kind(signals) != Some(Kind::Instance) {
            return None;
        }
        let on = self.slot(vm, signals, self.on_slot);
        vm.heap.get::<Set>(on).map(|_| on)
    }
}

/// A number for the script, or None.
fn give(vm: &mut Vm, quick: &Quick, number: Option<Number>) -> PyResult {
    match number {
        Some(number) => quick.make(vm, number),
        None => Ok(Value::NONE),
    }
}

/// `method(self, a, b, context)` of an exact operation, which the context rounds.
fn operate(
    vm: &mut Vm,
    a: &[Value],
    operation: impl FnOnce(Number, Number, &Setting) -> Option<Number>,
) -> PyResult {
    let quick = quick(vm, a[0])?;
    let found = (|| {
        let (left, right) = (quick.number(vm, a[1])?, quick.number(vm, a[2])?);
        let setting = quick.setting(vm, a[3])?;
        operation(left, right, &setting)?.fixed(&setting)
    })();
    conclude(vm, &quick, a[3], found)
}

fn conclude(vm: &mut Vm, quick: &Quick, context: Value, found: Option<Found>) -> PyResult {
    match found {
        Some(found) if quick.note(vm, context, &found)? => quick.make(vm, found.number),
        _ => Ok(Value::NONE),
    }
}

fn power_of_ten(n: i64) -> Option<u128> {
    10u128.checked_pow(u32::try_from(n).ok()?)
}

/// How many digits a coefficient has.
fn size(c: u128) -> i64 {
    c.checked_ilog10().map_or(1, |log| i64::from(log) + 1)
}

impl Number {
    fn plus(self, other: Number) -> Option<Number> {
        if self.c == 0 || other.c == 0 {
            return None;
        }
        let e = self.e.min(other.e);
        let [mine, theirs] = [self, other].map(|n| n.c.checked_mul(power_of_ten(n.e - e)?));
        let (mine, theirs) = (mine?, theirs?);
        if self.sign == other.sign {
            let c = mine.checked_add(theirs)?;
            return Some(Number {
                sign: self.sign,
                c,
                e,
            });
        }
        // What comes to nothing has a sign that depends on the rounding.
        let c = mine.abs_diff(theirs);
        let sign = if mine > theirs { self.sign } else { other.sign };
        (c != 0).then_some(Number { sign, c, e })
    }

    fn times(self, other: Number) -> Option<Number> {
        let sign = self.sign != other.sign;
        let c = self.c.checked_mul(other.c)?;
        let e = self.e + other.e;
        Some(Number { sign, c, e })
    }

    /// The quotient with one or two digits more than the precision, the last of which tells of
    /// what was cut off.
    fn over(self, other: Number, setting: &Setting) -> Option<Number> {
        if self.c == 0 || other.c == 0 {
            return None;
        }
        let shift = size(other.c) - size(self.c) + setting.prec + 1;
        let (mut c, is_exact) = match power_of_ten(shift)?.checked_mul(self.c) {
            Some(high) => (high / other.c, high % other.c == 0),
            None => {
                let high = BigUint::from(power_of_ten(shift)?) * BigUint::from(self.c);
                let (c, rest) = high.div_rem(&BigUint::from(other.c));
                (c.to_u128()?, rest == BigUint::ZERO)
            }
        };
        let ideal = self.e - other.e;
        let mut e = ideal - shift;
        if !is_exact {
            c += u128::from(c % 5 == 0);
        }
        while is_exact && e < ideal && c % 10 == 0 {
            c /= 10;
            e += 1;
        }
        let sign = self.sign != other.sign;
        Some(Number { sign, c, e })
    }

    /// Without its last `n` digits; whether that changed it.
    fn dropped(self, n: i64, rounding: Rounding) -> Option<(u128, bool)> {
        let unit = power_of_ten(n)?;
        let (q, r) = (self.c / unit, self.c % unit);
        let half = unit / 2;
        let up = r != 0
            && match rounding {
                Rounding::Up => true,
                Rounding::Down => false,
                Rounding::Ceiling => !self.sign,
                Rounding::Floor => self.sign,
                Rounding::HalfUp => r >= half,
                Rounding::HalfDown => r > half,
                Rounding::HalfEven => r > half || r == half && q % 2 == 1,
                Rounding::ZeroFiveUp => q % 5 == 0,
            };
        Some((q + u128::from(up), r != 0))
    }

    /// With the exponent `e`; whether that changed it.
    fn rescaled(self, e: i64, rounding: Rounding) -> Option<(Number, bool)> {
        let (c, is_inexact) = if e <= self.e {
            (self.c.checked_mul(power_of_ten(self.e - e)?)?, false)
        } else {
            self.dropped(e - self.e, rounding)?
        };
        Some((Number { c, e, ..self }, is_inexact))
    }

    /// What the context makes of an exact number: the module's `_fix`.
    fn fixed(self, setting: &Setting) -> Option<Found> {
        let tiny = setting.emin - setting.prec + 1;
        if self.c == 0 {
            return (tiny..=setting.emax)
                .contains(&self.e)
                .then(|| Found::exact(self));
        }
        let top = setting.emax - setting.prec + 1;
        let mut e = size(self.c) + self.e - setting.prec;
        if e < tiny || e >= top {
            return None;
        }
        if self.e >= e {
            return Some(Found::exact(self));
        }
        let (mut c, is_inexact) = self.dropped(e - self.e, setting.rounding)?;
        if size(c) > setting.prec {
            c /= 10;
            e += 1;
        }
        Some(Found {
            number: Number { c, e, ..self },
            is_rounded: true,
            is_inexact,
        })
    }

    fn adjusted(self) -> i64 {
        self.e + size(self.c) - 1
    }

    fn cmp(self, other: Number) -> Option<std::cmp::Ordering> {
        let side = |n: Number| match n.sign {
            _ if n.c == 0 => 0,
            true => -1,
            false => 1,
        };
        let (mine, theirs) = (side(self), side(other));
        if mine != theirs || mine == 0 {
            return Some(mine.cmp(&theirs));
        }
        let of_magnitudes = match self.adjusted().cmp(&other.adjusted()) {
            std::cmp::Ordering::Equal => {
                let e = self.e.min(other.e);
                let [mine, theirs] = [self, other].map(|n| n.c.checked_mul(power_of_ten(n.e - e)?));
                mine?.cmp(&theirs?)
            }
            found => found,
        };
        Some(if self.sign {
            of_magnitudes.reverse()
        } else {
            of_magnitudes
        })
    }

    /// Its text without an exponent, where it has so many places or more.
    fn text(self) -> String {
        let digits = self.c.to_string();
        let places = usize::try_from(-self.e).unwrap_or(0);
        let sign = if self.sign { "-" } else { "" };
        if places == 0 {
            return format!("{sign}{digits}");
        }
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, part) = digits.split_at(digits.len() - places);
        format!("{sign}{whole}.{part}")
    }
}

/// The number of a text in ASCII with few digits: no spaces, no names.
fn parse(vm: &Vm, v: Value) -> Option<Number> {
    if !vm.heap.is_exact(v, B::Str) {
        return None;
    }
    let text = vm.heap.text(v).read();
    let Units::Latin1(units) = text.units() else {
        return None;
    };
    parse_units(units)
}

fn parse_units(units: &[u8]) -> Option<Number> {
    let (sign, mut rest) = match units {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, units),
    };
    let (mut c, mut n_digits, mut places, mut has_dot) = (0u128, 0, 0, false);
    while let [unit, after @ ..] = rest {
        match unit {
            b'0'..=b'9' => {
                c = c * 10 + u128::from(unit - b'0');
                n_digits += 1;
                places += i64::from(has_dot);
                if n_digits > TEXT_DIGITS_MAX {
                    return None;
                }
            }
            b'.' if !has_dot => has_dot = true,
            b'e' | b'E' => break,
            _ => return None,
        }
        rest = after;
    }
    if n_digits == 0 {
        return None;
    }
    let exponent = match rest {
        [] => 0,
        [_, digits @ ..] if digits.len() <= 6 => std::str::from_utf8(digits).ok()?.parse().ok()?,
        _ => return None,
    };
    let e = exponent - places;
    Some(Number { sign, c, e })
}

fn quantize(vm: &mut Vm, a: &[Value]) -> PyResult {
    let quick = quick(vm, a[0])?;
    let found = (|| {
        let (number, to) = (quick.number(vm, a[1])?, quick.number(vm, a[2])?);
        let setting = quick.setting(vm, a[4])?;
        let rounding = match a[3] {
            Value::NONE => setting.rounding,
            given => quick.rounding(vm, given)?,
        };
        let tiny = setting.emin - setting.prec + 1;
        if !(tiny..=setting.emax).contains(&to.e) {
            return None;
        }
        if number.c == 0 {
            return Some(Found::exact(Number { e: to.e, ..number }));
        }
        let fits = |n: Number| {
            n.c == 0
                || size(n.c) <= setting.prec
                    && (setting.emin..=setting.emax).contains(&n.adjusted())
        };
        if number.adjusted() > setting.emax || number.adjusted() - to.e + 1 > setting.prec {
            return None;
        }
        let (made, is_inexact) = number.rescaled(to.e, rounding)?;
        fits(made).then_some(Found {
            number: made,
            is_rounded: made.e > number.e,
            is_inexact,
        })
    })();
    conclude(vm, &quick, a[4], found)
}

/// -1, 0 or 1; the other one may be an int.
fn order(vm: &mut Vm, a: &[Value]) -> PyResult {
    let quick = quick(vm, a[0])?;
    let found = (|| {
        let other = match a[2].as_int() {
            Some(n) => Number {
                sign: n < 0,
                c: u128::from(n.unsigned_abs()),
                e: 0,
            },
            None => quick.number(vm, a[2])?,
        };
        quick.number(vm, a[1])?.cmp(other)
    })();
    Ok(found.map_or(Value::NONE, |found| Value::small(found as i64)))
}

fn text(vm: &mut Vm, a: &[Value]) -> PyResult {
    let quick = quick(vm, a[0])?;
    let number = quick.number(vm, a[1]);
    Ok(match number.filter(|n| n.e <= 0 && n.e + size(n.c) > -6) {
        Some(number) => vm.heap.str(number.text()),
        None => Value::NONE,
    })
}

/// `format(a, ".2f")`, with any such number of places.
fn fixed(vm: &mut Vm, a: &[Value]) -> PyResult {
    let quick = quick(vm, a[0])?;
    let found = (|| {
        let places = places_of(vm.heap.as_str(a[2])?)?;
        let setting = quick.setting(vm, a[3])?;
        let (made, _) = quick
            .number(vm, a[1])?
            .rescaled(-places, setting.rounding)?;
        Some(made.text())
    })();
    Ok(found.map_or(Value::NONE, |text| vm.heap.str(text)))
}

fn places_of(spec: &PyStr) -> Option<i64> {
    let text = spec.read();
    match text.units() {
        Units::Latin1(&[b'.', n @ b'0'..=b'9', b'f']) => Some(i64::from(n - b'0')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTING: Setting = Setting {
        prec: 5,
        rounding: Rounding::HalfEven,
        emin: -999,
        emax: 999,
    };

    fn number(text: &str) -> Number {
        parse_units(text.as_bytes()).expect("a number")
    }

    fn check(found: Option<Number>, expect: &str, is_inexact: bool) {
        let found = found.and_then(|n| n.fixed(&SETTING)).expect("a small one");
        assert_eq!(found.number.text(), expect);
        assert_eq!(found.is_inexact, is_inexact, "{expect}");
    }

    #[test]
    fn results_are_rounded() {
        let [a, b] = ["1.2345", "-0.00003"].map(number);
        check(a.plus(b), "1.2345", true);
        check(a.times(b), "-0.000037035", false);
        check(number("1").over(number("3"), &SETTING), "0.33333", true);
        check(number("2").over(number("3"), &SETTING), "0.66667", true);
        check(number("1").over(number("4"), &SETTING), "0.25", false);
        check(number("99999.5").times(number("1.0")), "10000", true);
    }

    #[test]
    fn texts() {
        assert_eq!(number("-0.050").text(), "-0.050");
        assert_eq!(number("12e-2").text(), "0.12");
        for none in ["", ".", "-", "1e", "1.2.3", "1_0", " 1", "1ee", "1e1000000"] {
            assert_eq!(parse_units(none.as_bytes()), None, "{none}");
        }
    }
}
