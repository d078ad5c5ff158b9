//! `time`: the host's clocks, and calendar times in UTC.

use lockstep_runtime::native::{NativeDef, function};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::text::pystr::{PyStr, StrBuilder};
use lockstep_runtime::{Marker, PyResult, Value, Vm};
use num_traits::ToPrimitive;

use crate::builtins::codec;
use crate::builtins::file::io_error;
use crate::calendar::{date_from_days, days_from_date};
use crate::{NativeModule, args, sys};

pub static MODULE: NativeModule = NativeModule {
    name: "time",
    functions: FUNCTIONS,
    init,
};

const FUNCTIONS: &[NativeDef] = &[
    function("time()", |vm, _| {
        let now_s = vm.time_s();
        Ok(vm.heap.float(now_s))
    }),
    function("time_ns()", |vm, _| {
        let ns = vm.host.time_ns();
        Ok(vm.heap.int(ns as i64))
    }),
    function("get_clock_info(name, /)", get_clock_info),
    function("monotonic()", |vm, _| {
        let now_s = vm.monotonic_s();
        Ok(vm.heap.float(now_s))
    }),
    function("monotonic_ns()", |vm, _| {
        let ns = vm.host.monotonic_ns();
        Ok(vm.heap.int(ns as i64))
    }),
    function("perf_counter()", |vm, _| {
        let now_s = vm.monotonic_s();
        Ok(vm.heap.float(now_s))
    }),
    function("perf_counter_ns()", |vm, _| {
        let ns = vm.host.monotonic_ns();
        Ok(vm.heap.int(ns as i64))
    }),
    function("process_time()", |vm, _| {
        let ns = vm.host.process_time_ns();
        Ok(vm.heap.float(ns as f64 / 1e9))
    }),
    function("process_time_ns()", |vm, _| {
        let ns = vm.host.process_time_ns();
        Ok(vm.heap.int(ns as i64))
    }),
    function("thread_time()", |vm, _| {
        let ns = vm.host.process_time_ns();
        Ok(vm.heap.float(ns as f64 / 1e9))
    }),
    function("sleep(seconds, /)", sleep),
    function("gmtime(seconds=None, /)", gmtime),
    function("localtime(seconds=None, /)", gmtime),
    function("mktime(seconds_tuple, /)", mktime),
    function("strftime(format, time_tuple=None, /)", strftime),
    function(
        "strptime(data_string, format='%a %b %d %H:%M:%S %Y', /)",
        |vm, a| {
            let name = vm.heap.intern("_strptime");
            let module = vm.import_name(name, 0, Value::NONE, true)?;
            let format = match a[1].given() {
                Some(format) => format,
                None => vm.heap.str("%a %b %d %H:%M:%S %Y"),
            };
            vm.call_method(module, "struct_time_of", &[a[0], format])
        },
    ),
    function("asctime(time_tuple=None, /)", asctime),
    function("ctime(seconds=None, /)", ctime),
    function("tzset()", |_, _| Ok(Value::NONE)),
];

/// The class `struct_time`.
#[derive(Default)]
struct TimeClass(Option<Value>);

impl Native for TimeClass {
    fn trace(&self, marker: &mut Marker) {
        if let Some(class) = self.0 {
            marker.mark(class);
        }
    }
}

const FIELDS: &[&str] = &[
    "tm_year", "tm_mon", "tm_mday", "tm_hour", "tm_min", "tm_sec", "tm_wday", "tm_yday", "tm_isdst",
];

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    let class = sys::named_tuple_class(vm, "time", "struct_time", FIELDS);
    let zone = vm.heap.intern("UTC");
    vm.class_attr_init(class, "tm_zone", zone);
    vm.class_attr_init(class, "tm_gmtoff", Value::small(0));
    vm.class_changed(class);
    vm.ext::<TimeClass>().0 = Some(class);
    let names = vm.heap.tuple(&[zone, zone]);
    for (name, value) in [
        ("struct_time", class),
        ("timezone", Value::small(0)),
        ("altzone", Value::small(0)),
        ("daylight", Value::small(0)),
        ("tzname", names),
    ] {
        let name = vm.heap.intern(name);
        vm.heap.ns_set(dict, name, value);
    }
    Ok(())
}

fn sleep(vm: &mut Vm, a: &[Value]) -> PyResult {
    let seconds = match vm.float_of(a[0])? {
        Some(f) => f,
        None => {
            let message = format!(
                "'{}' object cannot be interpreted as an integer",
                vm.type_name(a[0])
            );
            return Err(vm.type_error(message));
        }
    };
    if seconds.is_nan() {
        return Err(vm.value_error("Invalid value NaN (not a number)"));
    }
    if seconds < 0.0 {
        return Err(vm.value_error("sleep length must be non-negative"));
    }
    if seconds > 9_223_372_036.0 {
        return Err(vm.overflow_error("timestamp too large to convert to C PyTime_t"));
    }
    if vm.host.is_virtual() {
        vm.sleep_s(seconds);
    } else {
        vm.host.sleep_ns((seconds * 1e9).ceil() as u64);
    }
    vm.look_up()?;
    Ok(Value::NONE)
}

// ---- calendar ------------------------------------------------------------------------

/// The nine numbers of a struct_time.
type Broken = [i64; 9];

/// Linux's errno of "Value too large for defined data type".
const EOVERFLOW: i32 = 75;

/// The numbers of a moment, in UTC.
///
/// # Errors
/// OSError where C's struct tm doesn't hold the year.
fn broken_down(vm: &mut Vm, seconds: i64) -> PyResult<Broken> {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date_from_days(days);
    let weekday = (days + 3).rem_euclid(7);
    let yearday = days - days_from_date(year, 1, 1) + 1;
    // The years since 1900 are a C int there, and so is what CPython makes of them.
    let Ok(since) = i32::try_from(year - 1900) else {
        let error = std::io::Error::from_raw_os_error(EOVERFLOW);
        return Err(io_error(vm, &error, None));
    };
    Ok([
        i64::from(since.wrapping_add(1900)),
        month,
        day,
        rest / 3600,
        rest / 60 % 60,
        rest % 60,
        weekday,
        yearday,
        0,
    ])
}

/// Whole seconds since 1970 of an argument; of the present where it is None.
///
/// # Errors
/// TypeError, ValueError for a NaN, OverflowError for what 64 bits don't hold.
fn seconds_arg(vm: &mut Vm, v: Value) -> PyResult<i64> {
    let Some(v) = v.some() else {
        return Ok((vm.host.time_ns() / 1_000_000_000) as i64);
    };
    let seconds = match vm.heap.as_float(v) {
        Some(f) if f.is_nan() => {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        Some(f) => f.floor().to_i64(),
        None => {
            let n = vm.index(v)?;
            vm.heap.as_i64(n)
        }
    };
    seconds.ok_or_else(|| vm.overflow_error("timestamp out of range for platform time_t"))
}

fn gmtime(vm: &mut Vm, a: &[Value]) -> PyResult {
    let seconds = seconds_arg(vm, a[0])?;
    let items = broken_down(vm, seconds)?.map(|n| vm.heap.int(n));
    let Some(class) = vm.ext::<TimeClass>().0 else {
        return Ok(vm.heap.tuple(&items));
    };
    let shape = vm.root_shape(class);
    Ok(vm.heap.tuple_of_shape(shape, &items))
}

/// The numbers of a time tuple argument of `function`; the present when it is absent.
fn tuple_arg(vm: &mut Vm, function: &str, v: Value) -> PyResult<Broken> {
    let Some(v) = v.given() else {
        let now = seconds_arg(vm, Value::NONE)?;
        return broken_down(vm, now);
    };
    let Some(items) = vm.heap.as_tuple(v).map(<[Value]>::to_vec) else {
        return Err(vm.type_error("Tuple or struct_time argument required"));
    };
    if items.len() < 9 {
        return Err(vm.type_error(format!("{function}(): illegal time tuple argument")));
    }
    let mut numbers = [0; 9];
    for (number, &item) in numbers.iter_mut().zip(&items) {
        // C's struct tm holds ints.
        *number = i64::from(args::c_int(vm, item)?);
    }
    Ok(numbers)
}

/// The numbers of a time tuple argument that is to be shown. As CPython 3.13
/// timemodule.c checktm: a zero stands for the first month and day, and for
/// the first day of the year; anything else out of range is a ValueError.
fn shown_arg(vm: &mut Vm, function: &str, v: Value) -> PyResult<Broken> {
    let mut t = tuple_arg(vm, function, v)?;
    for at in [1, 2, 7] {
        if t[at] == 0 {
            t[at] = 1;
        }
    }
    let ranges = [
        (1, 1..=12, "month"),
        (2, 1..=31, "day of month"),
        (3, 0..=23, "hour"),
        (4, 0..=59, "minute"),
        (5, 0..=61, "seconds"),
        (6, -1..=i64::MAX, "day of week"),
        (7, 1..=366, "day of year"),
    ];
    for (at, range, what) in ranges {
        if !range.contains(&t[at]) {
            return Err(vm.value_error(format!("{what} out of range")));
        }
    }
    // Any day of the week from -1 on is taken modulo 7.
    t[6] = t[6].rem_euclid(7);
    Ok(t)
}

fn mktime(vm: &mut Vm, a: &[Value]) -> PyResult {
    let [year, month, day, hour, minute, second, ..] = tuple_arg(vm, "mktime", a[0])?;
    let (year, month) = (
        year + (month - 1).div_euclid(12),
        (month - 1).rem_euclid(12) + 1,
    );
    let days = days_from_date(year, month, 1) + day - 1;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    Ok(vm.heap.float(seconds as f64))
}

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn name_of(names: &'static [&'static str], at: i64) -> &'static str {
    usize::try_from(at)
        .ok()
        .and_then(|at| names.get(at))
        .copied()
        .unwrap_or("?")
}

fn asctime_text(t: &Broken) -> String {
    format!(
        "{} {} {:2} {:02}:{:02}:{:02} {}",
        &name_of(&DAYS, t[6])[..3.min(name_of(&DAYS, t[6]).len())],
        &name_of(&MONTHS, t[1] - 1)[..3.min(name_of(&MONTHS, t[1] - 1).len())],
        t[2],
        t[3],
        t[4],
        t[5],
        t[0]
    )
}

fn asctime(vm: &mut Vm, a: &[Value]) -> PyResult {
    let t = shown_arg(vm, "asctime", a[0])?;
    args::str_value(vm, asctime_text(&t))
}

fn ctime(vm: &mut Vm, a: &[Value]) -> PyResult {
    let seconds = seconds_arg(vm, a[0])?;
    let t = broken_down(vm, seconds)?;
    args::str_value(vm, asctime_text(&t))
}

/// ISO 8601 year and week of a broken-down time.
fn iso_week(t: &Broken) -> (i64, i64) {
    let weeks_in = |year: i64| {
        let jan1 = (days_from_date(year, 1, 1) + 3).rem_euclid(7);
        let leap = days_from_date(year + 1, 1, 1) - days_from_date(year, 1, 1) == 366;
        if jan1 == 3 || (jan1 == 2 && leap) {
            53
        } else {
            52
        }
    };
    let week = (t[7] - (t[6] + 1) + 10) / 7;
    if week < 1 {
        (t[0] - 1, weeks_in(t[0] - 1))
    } else if week > weeks_in(t[0]) {
        (t[0] + 1, 1)
    } else {
        (t[0], week)
    }
}

fn strftime(vm: &mut Vm, a: &[Value]) -> PyResult {
    let format = args::text(vm, "strftime", 1, a[0])?;
    let t = shown_arg(vm, "strftime", a[1])?;
    if format.chars().any(|cp| cp == 0) {
        return Err(vm.value_error("embedded null character"));
    }
    let mut out = StrBuilder::new();
    let mut cps = format.chars().collect::<Vec<u32>>().into_iter();
    while let Some(cp) = cps.next() {
        if cp != u32::from('%') {
            out.push_cp(cp);
            continue;
        }
        // What is no character, a surrogate, is no flag, digit or directive either.
        let ahead = cps.as_slice().iter();
        let ahead = ahead.map(|&cp| char::from_u32(cp).unwrap_or('\u{fffd}'));
        let flags: Vec<char> = ahead.clone().take_while(|&c| "_-0^#".contains(c)).collect();
        let digits = ahead.clone().skip(flags.len());
        let width: String = digits.take_while(char::is_ascii_digit).collect();
        let n_before = flags.len() + width.len();
        let directive = ahead.clone().nth(n_before);
        let n_written = cps.len().min(n_before + 1);
        let written: Vec<u32> = cps.by_ref().take(n_written).collect();
        let width: Option<usize> = width.parse().ok();
        let known = directive.map(|directive| (directive, directive_text(directive, &t)));
        match known {
            Some((directive, text)) if directive == '%' || !text.starts_with('%') => {
                out.push(&PyStr::from(flagged(text, directive, &flags, width)));
            }
            // What isn't known stands as it was written.
            _ => {
                let width = width.unwrap_or(0).min(WIDTH_MAX);
                let n_missing = width.saturating_sub(1 + written.len());
                (0..n_missing).for_each(|_| out.push_cp(u32::from(' ')));
                out.push_cp(u32::from('%'));
                written.into_iter().for_each(|cp| out.push_cp(cp));
            }
        }
    }
    args::str_value(vm, out.finish())
}

/// Widths above this are taken for it: no input may take the memory.
const WIDTH_MAX: usize = 10_000;

/// What glibc's flags and width make of a directive's text: `-` takes the padding away, `_` and
/// `0` choose its character, `^` and `#` change the case.
fn flagged(text: String, directive: char, flags: &[char], width: Option<usize>) -> String {
    let is_number = "CdeGgHIjklmMSsuUVwWyY".contains(directive);
    let mut text = match (flags.contains(&'#'), flags.contains(&'^')) {
        (true, _) if "pZ".contains(directive) => text.to_lowercase(),
        (true, _) if "aAbBh".contains(directive) => text.to_uppercase(),
        (_, true) => text.to_uppercase(),
        _ => text,
    };
    let pad = flags.iter().rev().find(|flag| "_-0".contains(**flag));
    let n_least = if is_number { text.chars().count() } else { 0 };
    if is_number && pad.is_some() {
        let digits = text.trim_start_matches(' ').trim_start_matches('0');
        text = match digits.is_empty() {
            true => String::from("0"),
            false => digits.to_string(),
        };
    }
    let (fill, n_least) = match pad {
        Some('-') => return text,
        Some('_') => (' ', n_least),
        Some(_) => ('0', n_least),
        None if is_number && !"ekl".contains(directive) => ('0', 0),
        None => (' ', 0),
    };
    let n_least = width.map_or(n_least, |width| n_least.max(width.min(WIDTH_MAX)));
    let n_missing = n_least.saturating_sub(text.chars().count());
    let padding: String = std::iter::repeat_n(fill, n_missing).collect();
    padding + &text
}

fn directive_text(directive: char, t: &Broken) -> String {
    let [year, month, day, hour, minute, second, weekday, yearday, _] = *t;
    let hour12 = (hour + 11).rem_euclid(12) + 1;
    let short = |name: &'static str| name.chars().take(3).collect::<String>();
    match directive {
        'a' => short(name_of(&DAYS, weekday)),
        'A' => name_of(&DAYS, weekday).to_string(),
        'b' | 'h' => short(name_of(&MONTHS, month - 1)),
        'B' => name_of(&MONTHS, month - 1).to_string(),
        'c' => asctime_text(t),
        'C' => format!("{:02}", year.div_euclid(100)),
        'd' => format!("{day:02}"),
        'D' | 'x' => format!("{month:02}/{day:02}/{:02}", year.rem_euclid(100)),
        'e' => format!("{day:2}"),
        'F' => format!("{year}-{month:02}-{day:02}"),
        'G' => iso_week(t).0.to_string(),
        'g' => format!("{:02}", iso_week(t).0.rem_euclid(100)),
        'H' => format!("{hour:02}"),
        'I' => format!("{hour12:02}"),
        'j' => format!("{yearday:03}"),
        'k' => format!("{hour:2}"),
        'l' => format!("{hour12:2}"),
        'm' => format!("{month:02}"),
        'M' => format!("{minute:02}"),
        'n' => String::from("\n"),
        'p' => String::from(if hour < 12 { "AM" } else { "PM" }),
        'P' => String::from(if hour < 12 { "am" } else { "pm" }),
        'r' => format!(
            "{hour12:02}:{minute:02}:{second:02} {}",
            if hour < 12 { "AM" } else { "PM" }
        ),
        'R' => format!("{hour:02}:{minute:02}"),
        's' => (days_from_date(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
            .to_string(),
        'S' => format!("{second:02}"),
        't' => String::from("\t"),
        'T' | 'X' => format!("{hour:02}:{minute:02}:{second:02}"),
        'u' => (weekday + 1).to_string(),
        'U' => format!("{:02}", (yearday + 6 - (weekday + 1) % 7) / 7),
        'V' => format!("{:02}", iso_week(t).1),
        'w' => ((weekday + 1) % 7).to_string(),
        'W' => format!("{:02}", (yearday + 6 - weekday) / 7),
        'y' => format!("{:02}", year.rem_euclid(100)),
        'Y' => year.to_string(),
        'z' => String::from("+0000"),
        'Z' => String::from("UTC"),
        '%' => String::from("%"),
        other => format!("%{other}"),
    }
}

/// What CPython on Linux says of a clock.
fn get_clock_info(vm: &mut Vm, a: &[Value]) -> PyResult {
    args::text(vm, "get_clock_info", 1, a[0])?;
    let name = codec::utf8_without_nul(vm, a[0])?;
    let (clock, adjustable) = match name.as_str() {
        "monotonic" | "perf_counter" => ("CLOCK_MONOTONIC", false),
        "process_time" => ("CLOCK_PROCESS_CPUTIME_ID", false),
        "thread_time" => ("CLOCK_THREAD_CPUTIME_ID", false),
        "time" => ("CLOCK_REALTIME", true),
        _ => return Err(vm.value_error("unknown clock")),
    };
    let types = vm.import_module("types")?;
    let name = vm.heap.intern("SimpleNamespace");
    let class = vm.get_attr(types, name)?;
    let clock = vm.heap.str(format!("clock_gettime({clock})"));
    let resolution = vm.heap.float(1e-9);
    let fields = [
        ("implementation", clock),
        ("monotonic", Value::bool(!adjustable)),
        ("adjustable", Value::bool(adjustable)),
        ("resolution", resolution),
    ]
    .map(|(name, value)| (vm.heap.intern(name), value));
    vm.call_kw(class, &[], &fields)
}
