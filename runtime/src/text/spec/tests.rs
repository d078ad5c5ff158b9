//! Format specifications against what CPython 3.13 answers.

use super::*;
use crate::text::protocol::{Arg, check};

fn evaluate(_: &str, args: &[Arg]) -> Arg {
    let spec = args[1].str();
    let limits = Limits {
        max_len: 1 << 20,
        ..Limits::default()
    };
    let result = match &args[0] {
        Arg::Str(value) => format_str(value, spec, "str", limits),
        Arg::Int(value) => format_int(value, spec, "int", limits),
        Arg::Bool(value) => format_int(&i32::from(*value).into(), spec, "bool", limits),
        Arg::Float(value) => format_float(*value, spec, "float", limits),
        other => panic!("{other:?} can't be formatted here"),
    };
    match result {
        Ok(text) => Arg::Str(text),
        Err(SpecError::Value(message)) => Arg::Error(message),
        Err(SpecError::Overflow(message)) => Arg::error(message),
        Err(SpecError::Memory) => Arg::None,
    }
}

#[test]
fn every_specification_answers_as_cpython() {
    check(include_str!("../protocol/spec.txt"), evaluate);
}

#[test]
fn sizes_are_checked_before_padding_is_made() {
    let limits = Limits {
        max_len: 1000,
        ..Limits::default()
    };
    let wide = PyStr::from("9999999999");
    assert_eq!(
        format_str(&"x".into(), &wide, "str", limits),
        Err(SpecError::Memory)
    );
    assert_eq!(
        format_int(&1.into(), &wide, "int", limits),
        Err(SpecError::Memory)
    );
    assert_eq!(
        format_float(1.0, &".99999f".into(), "float", limits),
        Err(SpecError::Memory)
    );
    assert_eq!(
        format_float(1.0, &"0=9999".into(), "float", limits),
        Err(SpecError::Memory)
    );
}

#[test]
fn the_quick_way_gives_what_the_general_way_gives() {
    let specs = [
        "d", "5", ">8", "<8d", "^9", "07", "012d", ".0f", "8.2f", "<9.1f", "010.3f", ".17f",
    ];
    let ints = [0, 1, -1, 7, -42, 1_000_000, i64::MAX, i64::MIN];
    let floats = [
        0.0,
        -0.0,
        0.5,
        1.5,
        2.5,
        -0.125,
        0.045,
        1e15,
        123_456.789,
        1e-9,
        5e-324,
        1e22,
        2.675,
    ];
    let mut n_quick = 0;
    for spec in specs.map(PyStr::from) {
        for n in ints {
            if let Some(text) = quick(Quick::Int(n), &spec) {
                let general = format_int(&n.into(), &spec, "int", Limits::default());
                assert_eq!(general, Ok(text), "{n} {spec:?}");
                n_quick += 1;
            }
        }
        for f in floats
            .into_iter()
            .chain((0..500).map(|i| f64::from(i) * 0.375 - 77.7))
        {
            if let Some(text) = quick(Quick::Float(f), &spec) {
                let general = format_float(f, &spec, "float", Limits::default());
                assert_eq!(general, Ok(text), "{f} {spec:?}");
                n_quick += 1;
            }
        }
    }
    assert!(n_quick > 2000, "{n_quick}");
}

#[test]
fn short_reprs_are_the_general_ones() {
    let mut n_short = 0;
    let few_places = (-3000..3000).map(|i| f64::from(i) / 1000.0);
    let amounts = (0..4000).map(|i| f64::from(i) * 1.25 + 1e8);
    let sums = (0..2000).map(|i| f64::from(i) * 0.1 + 0.2);
    let odd = [
        0.0,
        -0.0,
        1e-4,
        1.5e-4,
        1e14,
        1e15,
        123_456_789_012_345.6,
        1e16,
        1e22,
        5e-324,
        0.3,
        f64::MAX,
        f64::NAN,
        f64::INFINITY,
    ];
    let powers = (-20..60).flat_map(|i| {
        let power = 2f64.powi(i);
        [power, power.next_up(), power.next_down()]
    });
    for f in few_places
        .chain(amounts)
        .chain(sums)
        .chain(odd)
        .chain(powers)
    {
        if let Some(text) = quick::short_repr(f) {
            assert_eq!(text, PyStr::from(crate::text::float::repr(f)), "{f:e}");
            n_short += 1;
        }
    }
    assert!(n_short > 10_000, "{n_short}");
}
