//! Int arithmetic and text against what CPython 3.13 answers.

use super::*;
use crate::text::hash;
use crate::text::protocol::{Arg, check};

fn answer<T, E>(result: Result<T, E>, good: impl Fn(T) -> Arg, bad: impl Fn(E) -> PyStr) -> Arg {
    match result {
        Ok(value) => good(value),
        Err(error) => Arg::Error(bad(error)),
    }
}

fn pair((a, b): (BigInt, BigInt)) -> Arg {
    Arg::List(vec![Arg::Int(a), Arg::Int(b)])
}

fn evaluate(op: &str, args: &[Arg]) -> Arg {
    match op {
        "parse" => {
            let (text, base) = (args[0].str(), args[1].int());
            let result = parse(text, base, MAX_STR_DIGITS);
            return answer(result, Arg::Int, |e| e.message(text, base));
        }
        "frombytes" => {
            let bytes: Vec<u8> = args[0].list().iter().map(|b| b.size() as u8).collect();
            return Arg::Int(from_bytes(&bytes, args[1].bool(), args[2].bool()));
        }
        _ => {}
    }
    let a = args[0].big();
    let b = args.get(1).map(Arg::big);
    let second = || b.unwrap();
    match op {
        "decimal" => answer(
            to_decimal(a, MAX_STR_DIGITS),
            |s| Arg::Str(s.into()),
            |e| e.message().into(),
        ),
        "div" => answer(true_divide(a, second()), Arg::Float, |e| e.message().into()),
        "divmod" => {
            let result = div_mod(a, second());
            if let (Ok(x), Ok(y)) = (i64::try_from(a), i64::try_from(second())) {
                assert_eq!(
                    floor_div_i64(x, y).map(BigInt::from),
                    Some(result.0.clone())
                );
                assert_eq!(BigInt::from(modulo_i64(x, y)), result.1);
            }
            pair(result)
        }
        "shl" => answer(shift_left(a, second(), 1 << 20), Arg::Int, |_| {
            "negative shift count".into()
        }),
        "shr" => answer(shift_right(a, second()), Arg::Int, |_| {
            "negative shift count".into()
        }),
        "pow" => Arg::Int(pow(a, second(), 1 << 20).unwrap()),
        "powmod" => answer(pow_mod(a, second(), args[2].big()), Arg::Int, |e| {
            e.message().into()
        }),
        "isqrt" => Arg::Int(isqrt(a)),
        "bits" => {
            let hash = hash::int(a);
            if let Ok(small) = i64::try_from(a) {
                assert_eq!(hash::small_int(small), hash);
            }
            Arg::List(vec![
                Arg::Int(bit_length(a).into()),
                Arg::Int(bit_count(a).into()),
                Arg::Int(hash.into()),
            ])
        }
        "tofloat" => answer(to_f64(a), Arg::Float, |e| e.message().into()),
        "round" => Arg::Int(round_to_ten_power(a, second())),
        other => panic!("unknown function {other}"),
    }
}

fn evaluate_all(op: &str, args: &[Arg]) -> Arg {
    if op != "tobytes" {
        return evaluate(op, args);
    }
    let (len, big_endian, signed) = (args[1].size(), args[2].bool(), args[3].bool());
    answer(
        to_bytes(args[0].big(), len, big_endian, signed),
        |bytes| Arg::List(bytes.into_iter().map(|b| Arg::Int(b.into())).collect()),
        |e| e.message().into(),
    )
}

#[test]
fn every_function_answers_as_cpython() {
    check(include_str!("../protocol/int.txt"), evaluate_all);
}

#[test]
fn sizes_are_checked_before_anything_is_made() {
    let huge: BigInt = BigInt::from(10).pow(30);
    assert_eq!(
        shift_left(&BigInt::one(), &huge, 1 << 30),
        Err(SizeError::TooLarge)
    );
    assert_eq!(
        pow(&BigInt::from(3), &huge, 1 << 30),
        Err(SizeError::TooLarge)
    );
    assert_eq!(pow(&BigInt::from(-1), &huge, 64), Ok(BigInt::one()));
    assert_eq!(round_to_ten_power(&BigInt::from(7), &huge), BigInt::ZERO);
    assert_eq!(floor_div_i64(i64::MIN, -1), None);
    assert_eq!(modulo_i64(i64::MIN, -1), 0);
}
