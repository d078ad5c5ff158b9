//! Float arithmetic and text against what CPython 3.13 answers.

use super::*;
use crate::text::protocol::{Arg, check};

fn answer<T, E>(result: Result<T, E>, good: impl Fn(T) -> Arg, bad: impl Fn(E) -> String) -> Arg {
    match result {
        Ok(value) => good(value),
        Err(error) => Arg::error(bad(error)),
    }
}

fn evaluate(op: &str, args: &[Arg]) -> Arg {
    match op {
        "parse" => return parse(args[0].str()).map_or(Arg::None, Arg::Float),
        "fromhex" => {
            return answer(from_hex(&args[0].text()), Arg::Float, |e| {
                e.message().to_owned()
            });
        }
        _ => {}
    }
    let x = args[0].float();
    match op {
        "repr" => Arg::Str(repr(x).into()),
        "format" => {
            let style = match args[1].text().as_str() {
                "e" => Style::Exponent,
                "f" => Style::Fixed,
                _ => Style::General,
            };
            Arg::Str(format(x, style, args[2].size(), args[3].bool()).into())
        }
        "hex" => Arg::Str(hex(x).into()),
        "ratio" => answer(
            as_integer_ratio(x),
            |(a, b)| Arg::List(vec![Arg::Int(a), Arg::Int(b)]),
            |e| e.ratio_message().to_owned(),
        ),
        "round" => answer(round(x, args[1].int()), Arg::Float, |_| {
            "rounded value too large to represent".to_owned()
        }),
        "toint" => answer(to_int(x), Arg::Int, |e| e.message("integer")),
        "cmp" => {
            let order = compare_big(x, args[1].big());
            if let Ok(small) = args[1].big().try_into() {
                assert_eq!(compare_i64(x, small), order);
            }
            order.map_or(Arg::None, |order| Arg::Int((order as i64).into()))
        }
        "divmod" => {
            let (quotient, rest) = div_mod(x, args[1].float());
            Arg::List(vec![Arg::Float(quotient), Arg::Float(rest)])
        }
        "mod" => Arg::Float(modulo(x, args[1].float())),
        "pow" => match pow(x, args[1].float()) {
            Err(PowError::Complex) => Arg::None,
            other => answer(other, Arg::Float, |e| e.message().to_owned()),
        },
        other => panic!("unknown function {other}"),
    }
}

#[test]
fn every_function_answers_as_cpython() {
    check(include_str!("../protocol/float.txt"), evaluate);
}
