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
