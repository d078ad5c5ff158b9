//! `_datetime_parts`: the arithmetic of `datetime`. Takes and gives the plain ints that dates, times
//! of day, moments and durations consist of; the classes are in `datetime.async`. Days are counted
//! from 1 for the first of January of year 1, a moment in microseconds from the midnight before
//! that day.

use lockstep_runtime::native::function;
use lockstep_runtime::text::pystr::Units;
use lockstep_runtime::{PyResult, Value, Vm};
use num_bigint::BigInt;
use num_traits::ToPrimitive;

use crate::calendar::{date_from_days, days_from_date, month_length};
use crate::{NativeModule, args};

pub static MODULE: NativeModule = NativeModule {
    name: "_datetime_parts",
    functions: &[
        function("civil(ordinal, /)", civil),
        function("clock(hour, minute, second, microsecond, fold, /)", clock),
        function("date_text(year, month, day, /)", date_text),
        function("day(year, month, day, /)", day),
        function(
            "duration(days, seconds, microseconds, milliseconds, minutes, hours, weeks, /)",
            duration,
        ),
        function(
            "moment(year, month, day, hour, minute, second, microsecond, fold, /)",
            moment,
        ),
        function("moment_at(total, /)", moment_at),
        function("ordinal(year, month, day, /)", ordinal),
        function("parsed_day(text, /)", parsed_day),
        function("parsed_moment(text, /)", parsed_moment),
        function(
            "state(year, month, day, hour, minute, second, microsecond, fold, /)",
            state,
        ),
        function(
            "time_text(hour, minute, second, microsecond, spec, at, /)",
            time_text,
        ),
    ],
    init: |_, _| Ok(()),
};

const LAST_ORDINAL: i64 = 3_652_059;
const DAY_US: i64 = 86_400_000_000;
/// The ordinal of the first of January of 1970.
const EPOCH_ORDINAL: i64 = 719_163;

fn ordinal_of(year: i64, month: i64, day: i64) -> i64 {
    days_from_date(year, month, day) + EPOCH_ORDINAL
}

fn date_of(ordinal: i64) -> (i64, i64, i64) {
    date_from_days(ordinal - EPOCH_ORDINAL)
}

/// The ints at the start of the arguments, which the classes have checked.
fn known<const N: usize>(a: &[Value]) -> [i64; N] {
    std::array::from_fn(|i| a[i].as_int().unwrap_or(0))
}

/// The ints at the start of the arguments, which may be anything.
fn given<const N: usize>(vm: &mut Vm, a: &[Value]) -> PyResult<[i64; N]> {
    let mut numbers = [0; N];
    for (number, &v) in numbers.iter_mut().zip(a) {
        *number = i64::from(args::c_int(vm, v)?);
    }
    Ok(numbers)
}

fn tuple<const N: usize>(vm: &mut Vm, numbers: [i64; N]) -> Value {
    vm.heap.tuple(&numbers.map(Value::small))
}

fn check_date(vm: &mut Vm, [year, month, day]: [i64; 3]) -> PyResult<()> {
    if !(1..=9999).contains(&year) {
        return Err(vm.value_error(format!("year {year} is out of range")));
    }
    if !(1..=12).contains(&month) {
        return Err(vm.value_error("month must be in 1..12"));
    }
    if !(1..=month_length(year, month)).contains(&day) {
        return Err(vm.value_error("day is out of range for month"));
    }
    Ok(())
}

fn check_clock(vm: &mut Vm, [hour, minute, second, microsecond, fold]: [i64; 5]) -> PyResult<()> {
    let text = if !(0..24).contains(&hour) {
        "hour must be in 0..23"
    } else if !(0..60).contains(&minute) {
        "minute must be in 0..59"
    } else if !(0..60).contains(&second) {
        "second must be in 0..59"
    } else if !(0..1_000_000).contains(&microsecond) {
        "microsecond must be in 0..999999"
    } else if !(0..2).contains(&fold) {
        "fold must be either 0 or 1"
    } else {
        return Ok(());
    };
    Err(vm.value_error(text))
}

/// The ordinal of a date whose parts are known.
fn ordinal(_: &mut Vm, a: &[Value]) -> PyResult {
    let [year, month, day] = known(a);
    Ok(Value::small(ordinal_of(year, month, day)))
}

/// (year, month, day) of a known ordinal.
fn civil(vm: &mut Vm, a: &[Value]) -> PyResult {
    let [ordinal] = known(a);
    let (year, month, day) = date_of(ordinal);
    Ok(tuple(vm, [year, month, day]))
}

/// (year, month, day) as plain ints of a date.
///
/// # Errors
/// TypeError, OverflowError, ValueError where there is no such date.
fn day(vm: &mut Vm, a: &[Value]) -> PyResult {
    let date: [i64; 3] = given(vm, a)?;
    check_date(vm, date)?;
    Ok(tuple(vm, date))
}

/// (hour, minute, second, microsecond, fold) as plain ints.
///
/// # Errors
/// TypeError, OverflowError, ValueError where there is no such time of day.
fn clock(vm: &mut Vm, a: &[Value]) -> PyResult {
    let clock: [i64; 5] = given(vm, a)?;
    check_clock(vm, clock)?;
    Ok(tuple(vm, clock))
}

/// (total, year, month, day, hour, minute, second, microsecond, fold) as plain ints.
///
/// # Errors
/// TypeError, OverflowError, ValueError where there is no such moment.
fn moment(vm: &mut Vm, a: &[Value]) -> PyResult {
    let [year, month, day, hour, minute, second, us, fold] = given(vm, a)?;
    check_date(vm, [year, month, day])?;
    check_clock(vm, [hour, minute, second, us, fold])?;
    let seconds = (hour * 60 + minute) * 60 + second;
    let total = ordinal_of(year, month, day) * DAY_US + seconds * 1_000_000 + us;
    Ok(tuple(
        vm,
        [total, year, month, day, hour, minute, second, us, fold],
    ))
}

/// As `moment`, of a total.
///
/// # Errors
/// OverflowError outside of the years 1 to 9999.
fn moment_at(vm: &mut Vm, a: &[Value]) -> PyResult {
    let total = a[0].as_int().unwrap_or(-1);
    let (ordinal, us) = (total.div_euclid(DAY_US), total.rem_euclid(DAY_US));
    if !(1..=LAST_ORDINAL).contains(&ordinal) {
        return Err(vm.overflow_error("date value out of range"));
    }
    let (year, month, day) = date_of(ordinal);
    let (seconds, us) = (us / 1_000_000, us % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Ok(tuple(
        vm,
        [total, year, month, day, hour, minute, second, us, 0],
    ))
}

/// The bytes that a moment is pickled and hashed as.
fn state(vm: &mut Vm, a: &[Value]) -> PyResult {
    let [year, month, day, hour, minute, second, us, fold] = known(a);
    let parts = [
        year >> 8,
        year & 255,
        month + 128 * fold,
        day,
        hour,
        minute,
        second,
        us >> 16,
        us >> 8 & 255,
        us & 255,
    ];
    Ok(vm.heap.bytes(parts.map(|part| part as u8).to_vec()))
}

/// The microseconds of a duration.
///
/// # Errors
/// TypeError for what is neither an int nor a float, OverflowError above 999,999,999 days,
/// ValueError for a NaN.
fn duration(vm: &mut Vm, a: &[Value]) -> PyResult {
    // In the order in which CPython adds: what floats leave depends on it.
    let parts = [
        ("microseconds", a[2], 1),
        ("milliseconds", a[3], 1000),
        ("seconds", a[1], 1_000_000),
        ("minutes", a[4], 60_000_000),
        ("hours", a[5], 3_600_000_000),
        ("days", a[0], DAY_US),
        ("weeks", a[6], 7 * DAY_US),
    ];
    let mut total = Sum::default();
    let mut left = 0.0;
    for (name, v, unit) in parts {
        if let Some(n) = vm.heap.as_i64(v) {
            total.small += i128::from(n) * i128::from(unit);
        } else if let Some(n) = vm.heap.as_big(v) {
            total.large += n * unit;
        } else if let Some(value) = vm.heap.as_float(v) {
            let whole = vm.float_to_int(value.trunc())?;
            let part = value.fract() * unit as f64;
            total.large += whole * unit;
            total.small += part.trunc() as i128;
            left += part.fract();
        } else {
            let found = vm.type_name(v);
            return Err(vm.type_error(format!(
                "unsupported type for timedelta {name} component: {found}"
            )));
        }
    }
    if left != 0.0 {
        // To the nearest microsecond, ties to the even one of what it all comes to.
        let mut whole = left.round_ties_even();
        if (whole - left).abs() == 0.5 && total.is_odd() != (whole % 2.0 != 0.0) {
            whole += if left > whole { 1.0 } else { -1.0 };
        }
        total.small += whole as i128;
    }
    let us = total.value();
    let days = us.as_ref().map(|us| us.div_euclid(i128::from(DAY_US)));
    match (us, days) {
        (Some(us), Some(-999_999_999..=999_999_999)) => Ok(match i64::try_from(us) {
            Ok(us) => vm.heap.int(us),
            Err(_) => vm.heap.big(BigInt::from(us)),
        }),
        (_, Some(days)) if i32::try_from(days).is_ok() => {
            let text = format!("days={days}; must have magnitude <= 999999999");
            Err(vm.overflow_error(text))
        }
        _ => Err(vm.overflow_error("Python int too large to convert to C int")),
    }
}

/// A sum of ints of any size, most of them small.
#[derive(Default)]
struct Sum {
    small: i128,
    large: BigInt,
}

impl Sum {
    fn is_odd(&self) -> bool {
        (self.small & 1 == 1) != self.large.bit(0)
    }

    /// The sum, where an i128 holds it.
    fn value(self) -> Option<i128> {
        (self.large + self.small).to_i128()
    }
}

/// YYYY-MM-DD
fn date_text(vm: &mut Vm, a: &[Value]) -> PyResult {
    let [year, month, day] = known(a);
    Ok(vm.heap.str(format!("{year:04}-{month:02}-{day:02}")))
}

/// HH, HH:MM or HH:MM:SS[.fff[fff]], as `spec` says, which is argument `at` of `isoformat`.
///
/// # Errors
/// TypeError for what is no str, ValueError for an unknown spec.
fn time_text(vm: &mut Vm, a: &[Value]) -> PyResult {
    let [hour, minute, second, us] = known(a);
    let at = a[5].as_int().map_or(1, |at| at as usize);
    let spec = args::text(vm, "isoformat", at, a[4])?;
    let spec = match spec.to_string() {
        spec if spec != "auto" => spec,
        _ if us == 0 => "seconds".to_owned(),
        _ => "microseconds".to_owned(),
    };
    let text = match spec.as_str() {
        "hours" => format!("{hour:02}"),
        "minutes" => format!("{hour:02}:{minute:02}"),
        "seconds" => format!("{hour:02}:{minute:02}:{second:02}"),
        "milliseconds" => format!("{hour:02}:{minute:02}:{second:02}.{:03}", us / 1000),
        "microseconds" => format!("{hour:02}:{minute:02}:{second:02}.{us:06}"),
        _ => return Err(vm.value_error("Unknown timespec value")),
    };
    Ok(vm.heap.str(text))
}

/// (year, month, day) of YYYY-MM-DD; None for every other text.
fn parsed_day(vm: &mut Vm, a: &[Value]) -> PyResult {
    let found = ascii(vm, a[0]).and_then(|text| match text.len() {
        10 => date_at(&text),
        _ => None,
    });
    Ok(found.map_or(Value::NONE, |date| tuple(vm, date)))
}

/// (year, month, day, hour, minute, second, microsecond, offset from UTC in seconds or None) of
/// YYYY-MM-DD[xHH:MM[:SS[.ffffff]][Z|±HH:MM]], x being any character, without a look at ranges;
/// None for every other text: `datetime.async` reads those, or says what is wrong.
fn parsed_moment(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some((numbers, offset)) = ascii(vm, a[0]).and_then(|text| moment_in(&text)) else {
        return Ok(Value::NONE);
    };
    let offset = offset.map_or(Value::NONE, Value::small);
    let mut items = numbers.map(Value::small).to_vec();
    items.push(offset);
    Ok(vm.heap.tuple(&items))
}

fn ascii(vm: &Vm, v: Value) -> Option<Vec<u8>> {
    let text = vm.heap.as_str(v)?;
    match text.read().units() {
        Units::Latin1(units) if units.len() <= 64 && units.is_ascii() => Some(units.to_vec()),
        _ => None,
    }
}

/// The number that the whole of `digits` is.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |n, digit| {
        digit
            .is_ascii_digit()
            .then(|| n * 10 + i64::from(digit - b'0'))
    })
}

fn date_at(text: &[u8]) -> Option<[i64; 3]> {
    match text {
        [year @ .., b'-', m1, m2, b'-', d1, d2] if year.len() == 4 => {
            Some([number(year)?, number(&[*m1, *m2])?, number(&[*d1, *d2])?])
        }
        _ => None,
    }
}

fn moment_in(text: &[u8]) -> Option<([i64; 7], Option<i64>)> {
    let (date, rest) = text.split_at_checked(10)?;
    let [year, month, day] = date_at(date)?;
    let mut clock = [0; 4];
    let mut offset = None;
    if let Some((_, mut rest)) = rest.split_first() {
        let (time, after) = rest.split_at_checked(5)?;
        clock[0] = number(&time[..2])?;
        clock[1] = number(&time[3..])?;
        if time[2] != b':' {
            return None;
        }
        rest = after;
        if let [b':', second @ ..] = rest {
            let (second, after) = second.split_at_checked(2)?;
            clock[2] = number(second)?;
            rest = after;
            if let [b'.', fraction @ ..] = rest {
                let (fraction, after) = fraction.split_at_checked(6)?;
                clock[3] = number(fraction)?;
                rest = after;
            }
        }
        offset = match rest {
            [] => None,
            [b'Z'] => Some(0),
            [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
                let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let seconds = (hours * 60 + minutes) * 60;
                Some(if *sign == b'-' { -seconds } else { seconds })
            }
            _ => return None,
        };
    }
    if clock[0] == 24 {
        return None;
    }
    let [hour, minute, second, us] = clock;
    Some(([year, month, day, hour, minute, second, us], offset))
}
