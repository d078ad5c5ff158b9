//! The `%` operator against what CPython 3.13 answers. The test plays the part
//! of the VM: it fetches arguments and converts them.

use super::*;
use crate::text::float as floats;
use crate::text::protocol::{Arg, check};

const MAX: usize = 1 << 20;

/// None where CPython raises a TypeError about one value.
fn value_of(field: &Field, value: &Arg) -> Option<Result<Formatted, String>> {
    let letter = char::from_u32(field.conversion).unwrap();
    Some(Ok(match (letter, value) {
        ('s', Arg::Str(text)) => field.text(text),
        ('r', Arg::Str(text)) => field.text(&text.repr()),
        ('a', Arg::Str(text)) => field.text(&text.ascii()),
        ('s' | 'r' | 'a', Arg::Int(value)) => field.text(&value.to_string().into()),
        ('s' | 'r' | 'a', Arg::Float(value)) => field.text(&floats::repr(*value).into()),
        ('c', Arg::Str(text)) if text.len() == 1 => field.char(text.clone()),
        ('c', Arg::Int(value)) => match char_of(value) {
            Some(c) => field.char(c),
            None => return Some(Err("%c arg not in range(0x110000)".into())),
        },
        ('d' | 'i' | 'u', Arg::Float(value)) => {
            field.int(&floats::to_int(*value).unwrap(), 0, MAX).unwrap()
        }
        ('d' | 'i' | 'u' | 'o' | 'x' | 'X', Arg::Int(value)) => field.int(value, 0, MAX).unwrap(),
        ('e' | 'E' | 'f' | 'F' | 'g' | 'G', Arg::Int(value)) => {
            field.float(int::to_f64(value).unwrap(), MAX).unwrap()
        }
        ('e' | 'E' | 'f' | 'F' | 'g' | 'G', Arg::Float(value)) => field.float(*value, MAX).unwrap(),
        _ if !"diuoxXeEfFgGcsra".contains(letter) => return Some(Err(unsupported(field))),
        _ => return None,
    }))
}

fn evaluate(_: &str, args: &[Arg]) -> Arg {
    let mut values = args[1].list().iter();
    let mut out = StrBuilder::new();
    let template = args[0].str().read();
    for piece in Template::new(template.units()) {
        let mut field = match piece {
            Piece::Literal(text) => {
                out.push(&text);
                continue;
            }
            Piece::Field { key: Some(_), .. } => return Arg::None,
            Piece::Field {
                field: Err(error), ..
            } if error.fault == Fault::Key => return Arg::None,
            Piece::Field {
                field: Err(error), ..
            } => {
                for _ in 0..error.stars {
                    match values.next() {
                        None => return Arg::error(NOT_ENOUGH),
                        Some(Arg::Int(_)) => {}
                        Some(_) => return Arg::error(STAR_WANTS_INT),
                    }
                }
                return Arg::error(error.message());
            }
            Piece::Field {
                field: Ok(field), ..
            } => field,
        };
        let mut stars = [None, None];
        for (star, size) in stars.iter_mut().zip([field.width, field.precision]) {
            if size == Size::Argument {
                *star = match values.next() {
                    None => return Arg::error(NOT_ENOUGH),
                    Some(Arg::Int(value)) => value.to_i64(),
                    Some(_) => return Arg::error(STAR_WANTS_INT),
                };
            }
        }
        field = field.with_arguments(stars[0], stars[1]);
        let Some(value) = values.next() else {
            return Arg::error(NOT_ENOUGH);
        };
        match value_of(&field, value) {
            None => return Arg::None,
            Some(Err(message)) => return Arg::error(message),
            Some(Ok(formatted)) => field.put(&formatted, &mut out, MAX).unwrap(),
        }
    }
    if values.next().is_some() {
        Arg::error(NOT_ALL)
    } else {
        Arg::Str(out.finish())
    }
}

#[test]
fn every_template_answers_as_cpython() {
    check(include_str!("../protocol/percent.txt"), evaluate);
}

fn pieces_of(template: &str) -> Vec<Piece> {
    Template::new(PyStr::from(template).read().units()).collect()
}

#[test]
fn keys_come_before_the_errors_behind_them() {
    let pieces = pieces_of("a%(k(1))5d%%%(b");
    let Piece::Field {
        key: Some(key),
        field: Ok(field),
    } = &pieces[1]
    else {
        panic!("{:?} is no field with a key", pieces[1])
    };
    assert_eq!((key, field.width), (&"k(1)".into(), Size::Given(5)));
    assert_eq!(pieces[2], Piece::Literal("%".into()));
    assert_eq!(
        pieces[3],
        Piece::Field {
            key: None,
            field: Err(Malformed {
                fault: Fault::Key,
                stars: 0
            })
        }
    );
    let pieces = pieces_of("%(a)");
    let fault = Malformed {
        fault: Fault::Format,
        stars: 0,
    };
    assert_eq!(
        pieces,
        [Piece::Field {
            key: Some("a".into()),
            field: Err(fault)
        }]
    );
}

#[test]
fn sizes_are_checked_before_padding_is_made() {
    let pieces = pieces_of("%999999999d");
    let [
        Piece::Field {
            field: Ok(field), ..
        },
    ] = &pieces[..]
    else {
        panic!("a field with a width")
    };
    let one = field.int(&1.into(), 0, MAX).unwrap();
    assert_eq!(field.put(&one, &mut StrBuilder::new(), MAX), Err(TooLong));
    let field = field.with_arguments(None, Some(1 << 30));
    assert!(field.int(&1.into(), 0, MAX).is_err() && field.float(1.0, MAX).is_err());
}
