//! The str type against what CPython 3.13 answers.

use super::{PyStr, Side, TooLong, bytes_repr, clamp_range};
use crate::text::protocol::{Arg, check};

fn list(parts: Vec<PyStr>) -> Arg {
    Arg::List(parts.into_iter().map(Arg::Str).collect())
}

fn index(found: Option<usize>) -> Arg {
    Arg::Int((found.map_or(-1, |at| at as i64)).into())
}

fn evaluate(op: &str, args: &[Arg]) -> Arg {
    let s = args[0].str();
    let range = |i: usize| clamp_range(s.len(), args[i].int(), args[i + 1].int());
    let set = || match &args[1] {
        Arg::None => None,
        chars => Some(chars.str()),
    };
    Arg::Str(match op {
        "upper" => s.upper(),
        "lower" => s.lower(),
        "title" => s.title(),
        "capitalize" => s.capitalize(),
        "swapcase" => s.swapcase(),
        "casefold" => s.casefold(),
        "repr" => s.repr(),
        "ascii" => s.ascii(),
        "strip" => s.strip(set(), Side::Both),
        "lstrip" => s.strip(set(), Side::Left),
        "rstrip" => s.strip(set(), Side::Right),
        "slice" => s.slice(args[1].size()..args[2].size()),
        "step" => s.slice_step(
            args[1].int() as usize,
            args[2].int() as isize,
            args[3].size(),
        ),
        "center" => s.center(args[1].size(), args[2].str().char_at(0).unwrap()),
        "ljust" => s.ljust(args[1].size(), args[2].str().char_at(0).unwrap()),
        "rjust" => s.rjust(args[1].size(), args[2].str().char_at(0).unwrap()),
        "zfill" => s.zfill(args[1].size()),
        "tabs" => s.expand_tabs(args[1].size(), 1000).unwrap(),
        "concat" => {
            assert_eq!(s.append(args[1].str()), s.concat(args[1].str()));
            s.concat(args[1].str())
        }
        "repeat" => s.repeat(args[1].size()),
        "replace" => {
            let done = s
                .replace(args[1].str(), args[2].str(), args[3].limit(), 1000)
                .unwrap();
            done.unwrap_or_else(|| s.clone())
        }
        "join" => {
            let Arg::List(parts) = &args[1] else {
                panic!("join takes a list")
            };
            PyStr::join(s, parts.iter().map(Arg::str), 1000).unwrap()
        }
        "preds" => {
            let all = [
                s.is_alpha(),
                s.is_alnum(),
                s.is_decimal(),
                s.is_digit(),
                s.is_numeric(),
                s.is_space(),
                s.is_printable(),
                s.is_identifier(),
                s.is_lower(),
                s.is_upper(),
                s.is_title(),
                s.is_ascii(),
            ];
            return Arg::List(all.into_iter().map(Arg::Bool).collect());
        }
        "find" => return index(s.find(args[1].str(), range(2).0, range(2).1)),
        "rfind" => return index(s.rfind(args[1].str(), range(2).0, range(2).1)),
        "count" => return Arg::Int(s.count(args[1].str(), range(2).0, range(2).1).into()),
        "starts" => return Arg::Bool(s.starts_with(args[1].str(), range(2).0, range(2).1)),
        "ends" => return Arg::Bool(s.ends_with(args[1].str(), range(2).0, range(2).1)),
        "split" => return list(s.split(Some(args[1].str()), args[2].limit())),
        "rsplit" => return list(s.rsplit(Some(args[1].str()), args[2].limit())),
        "splitws" => return list(s.split(None, args[1].limit())),
        "rsplitws" => return list(s.rsplit(None, args[1].limit())),
        "lines" => return list(s.split_lines(args[1] == Arg::Bool(true))),
        "part" => {
            let sep = args[1].str().clone();
            let (a, sep, b) = match s.partition(&sep) {
                Some((a, b)) => (a, sep, b),
                None => (s.clone(), PyStr::empty(), PyStr::empty()),
            };
            return list(vec![a, sep, b]);
        }
        "rpart" => {
            let sep = args[1].str().clone();
            let (a, sep, b) = match s.rpartition(&sep) {
                Some((a, b)) => (a, sep, b),
                None => (PyStr::empty(), PyStr::empty(), s.clone()),
            };
            return list(vec![a, sep, b]);
        }
        "cmp" => return Arg::Int((s.cmp(args[1].str()) as i64).into()),
        "hash" => return Arg::Int(s.hash().into()),
        "utf8" => {
            let mut out = Vec::new();
            return match s.push_utf8(&mut out) {
                Ok(()) => Arg::List(out.into_iter().map(|b| Arg::Int(b.into())).collect()),
                Err(at) => Arg::Int(at.into()),
            };
        }
        other => panic!("unknown method {other}"),
    })
}

fn canonical(arg: &Arg) -> bool {
    match arg {
        Arg::Str(text) => text.is_canonical(),
        Arg::List(items) => items.iter().all(canonical),
        _ => true,
    }
}

#[test]
fn every_method_answers_as_cpython() {
    check(include_str!("../protocol/str.txt"), |op, args| {
        let seen = evaluate(op, args);
        assert!(canonical(&seen), "{op} {args:?}: not in the narrowest form");
        seen
    });
}

#[test]
fn appending_shares_and_never_changes_older_strings() {
    let mut all = vec![PyStr::from("x".repeat(70))];
    for i in 0..400 {
        let last = all.last().unwrap();
        let next = last.append(&PyStr::from(if i % 2 == 0 { "ab" } else { "\u{e9}" }));
        assert!(
            next.heap_bytes() < 200,
            "only the first pays for the buffer"
        );
        all.push(next);
    }
    for (i, s) in all.iter().enumerate() {
        assert_eq!(s.len(), 70 + i + i.div_ceil(2));
        assert_eq!(s.is_ascii(), i < 2);
        assert!(s.is_canonical());
    }
    // A second child of the same parent can't share; nor can a wider one.
    let parent = &all[10];
    let (a, b) = (
        parent.append(&PyStr::from("1")),
        parent.append(&PyStr::from("\u{20ac}")),
    );
    assert_eq!(a.char_at(parent.len()), Some('1' as u32));
    assert_eq!(b.char_at(parent.len()), Some(0x20ac));
    assert_eq!(parent, &all[10].slice(0..1000));
    // A str and itself; a read guard held over an append.
    let last = all.last().unwrap();
    assert_eq!(last.append(last), last.repeat(2));
    let guard = last.read();
    let longer = last.append(&PyStr::from("z"));
    assert_eq!(guard.units().len() + 1, longer.len());
}

#[test]
fn a_million_appends_are_quick() {
    let mut s = PyStr::empty();
    let x = PyStr::from("x");
    for _ in 0..1_000_000 {
        s = s.append(&x);
    }
    assert_eq!(s.len(), 1_000_000);
}

#[test]
fn searching_wide_text_is_linear() {
    let hay = PyStr::from("\u{3b1}".repeat(200_000));
    let needle = PyStr::from("\u{3b1}".repeat(50_000) + "\u{3b2}");
    assert_eq!(hay.find(&needle, 0, hay.len()), None);
    assert_eq!(hay.rfind(&needle, 0, hay.len()), None);
    assert_eq!(hay.count(&needle, 0, hay.len()), 0);
}

#[test]
fn results_past_the_limit_are_refused() {
    let s = PyStr::from("aaaa");
    assert_eq!(
        s.replace(&PyStr::from("a"), &PyStr::from("bbb"), None, 11),
        Err(TooLong)
    );
    assert_eq!(PyStr::from("\t").expand_tabs(usize::MAX, 100), Err(TooLong));
    assert_eq!(PyStr::join(&s, [&s, &s].into_iter(), 11), Err(TooLong));
}

#[test]
fn bytes_are_quoted_as_cpython_does() {
    let same = |data: &[u8], expect: &str| assert_eq!(bytes_repr(data).to_utf8().unwrap(), expect);
    same(b"", "b''");
    same(b"it's \xff\0\t", r#"b"it's \xff\x00\t""#);
    same(b"'\"\\", r#"b'\'"\\'"#);
}
