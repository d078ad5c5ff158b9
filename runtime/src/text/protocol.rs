//! Reads the protocols in protocol/, which CPython 3.13 wrote (by make.py):
//! each line is a function, its arguments and its result, parted by tabs.

use num_bigint::BigInt;

use super::pystr::{PyStr, StrBuilder};

/// An argument or result.
#[derive(Clone, Debug)]
pub enum Arg {
    None,
    Bool(bool),
    Int(BigInt),
    Float(f64),
    Str(PyStr),
    List(Vec<Arg>),
    /// The message of an exception.
    Error(PyStr),
}

impl PartialEq for Arg {
    fn eq(&self, other: &Arg) -> bool {
        match (self, other) {
            (Arg::None, Arg::None) => true,
            (Arg::Bool(a), Arg::Bool(b)) => a == b,
            (Arg::Int(a), Arg::Int(b)) => a == b,
            (Arg::Float(a), Arg::Float(b)) => {
                a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
            }
            (Arg::Str(a), Arg::Str(b)) | (Arg::Error(a), Arg::Error(b)) => a == b,
            (Arg::List(a), Arg::List(b)) => a == b,
            _ => false,
        }
    }
}

fn parse_text(cps: &str) -> PyStr {
    let mut out = StrBuilder::new();
    for cp in cps.split('.').filter(|cp| !cp.is_empty()) {
        out.push_cp(u32::from_str_radix(cp, 16).unwrap());
    }
    out.finish()
}

impl Arg {
    fn parse(text: &str) -> Arg {
        match text {
            "-" => return Arg::None,
            "T" => return Arg::Bool(true),
            "F" => return Arg::Bool(false),
            _ => {}
        }
        match text.as_bytes()[0] {
            b'"' => Arg::Str(parse_text(&text[1..])),
            b'!' => Arg::Error(parse_text(&text[1..])),
            b'x' => Arg::Float(f64::from_bits(u64::from_str_radix(&text[1..], 16).unwrap())),
            b'[' => {
                let items = text[1..].strip_suffix(']').unwrap();
                let mut depth = 0;
                let items = items.split(|c| {
                    match c {
                        '[' => depth += 1,
                        ']' => depth -= 1,
                        _ => {}
                    }
                    c == ';' && depth == 0
                });
                Arg::List(
                    items
                        .filter(|item| !item.is_empty())
                        .map(Arg::parse)
                        .collect(),
                )
            }
            _ => {
                let hex = text.strip_prefix("-0x").or(text.strip_prefix("0x"));
                let size = match hex {
                    Some(digits) => BigInt::parse_bytes(digits.as_bytes(), 16).unwrap(),
                    None => return Arg::Int(text.parse().unwrap()),
                };
                Arg::Int(if text.starts_with('-') { -size } else { size })
            }
        }
    }

    pub fn str(&self) -> &PyStr {
        match self {
            Arg::Str(text) => text,
            other => panic!("{other:?} is no str"),
        }
    }

    pub fn text(&self) -> String {
        self.str().to_lossy()
    }

    pub fn big(&self) -> &BigInt {
        match self {
            Arg::Int(value) => value,
            other => panic!("{other:?} is no int"),
        }
    }

    pub fn int(&self) -> i64 {
        self.big().try_into().unwrap()
    }

    pub fn size(&self) -> usize {
        self.big().try_into().unwrap()
    }

    /// A count where negative numbers mean no limit.
    pub fn limit(&self) -> Option<usize> {
        self.big().try_into().ok()
    }

    pub fn float(&self) -> f64 {
        match self {
            Arg::Float(value) => *value,
            other => panic!("{other:?} is no float"),
        }
    }

    pub fn bool(&self) -> bool {
        match self {
            Arg::Bool(value) => *value,
            other => panic!("{other:?} is no bool"),
        }
    }

    pub fn list(&self) -> &[Arg] {
        match self {
            Arg::List(items) => items,
            other => panic!("{other:?} is no list"),
        }
    }

    pub fn error(message: impl Into<PyStr>) -> Arg {
        Arg::Error(message.into())
    }
}

/// Runs every line of a protocol through `evaluate`.
pub fn check(protocol: &str, evaluate: impl Fn(&str, &[Arg]) -> Arg) {
    let mut wrong = 0;
    for (number, line) in protocol.lines().enumerate() {
        let mut fields = line.split('\t');
        let op = fields.next().unwrap();
        let mut args: Vec<Arg> = fields.map(Arg::parse).collect();
        let expect = args.pop().unwrap();
        let seen = evaluate(op, &args);
        if seen != expect {
            wrong += 1;
            if wrong <= 20 {
                eprintln!(
                    "line {}: {op} {args:?}\n  is {seen:?}\n  not {expect:?}",
                    number + 1
                );
            }
        }
    }
    assert_eq!(wrong, 0, "lines where CPython says something else");
}
