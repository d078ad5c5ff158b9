//! The order of a set, operation by operation, against a protocol that CPython
//! 3.13 wrote (protocol.txt, by protocol.py: an operation, then `=` and the
//! order after it).

use std::convert::Infallible;

use super::SetTable;
use crate::table::test_key::Key;
use crate::table::{Lookup, ProbeStep};
use crate::text::hash::small_int;

type Never<T> = Result<T, Infallible>;

/// Every key is made anew, so no two are identical and equality is asked.
struct Keys {
    values: Vec<i64>,
}

impl Keys {
    fn make(&mut self, value: i64) -> Key {
        self.values.push(value);
        Key(self.values.len() as u64 - 1)
    }
}

fn numbers(text: &str) -> Vec<i64> {
    text.split(',')
        .filter(|n| !n.is_empty())
        .map(|n| n.parse().unwrap())
        .collect()
}

fn run(protocol: &str) {
    let mut keys = Keys { values: Vec::new() };
    let mut sets: [SetTable<Key>; 4] = Default::default();
    for (number, line) in protocol.lines().enumerate() {
        let words: Vec<&str> = line.split(' ').collect();
        let place = |i: usize| words[i].parse::<usize>().unwrap();
        if let Some(order) = line.strip_prefix("= ") {
            let of = protocol
                .lines()
                .nth(number - 1)
                .unwrap()
                .split(' ')
                .nth(1)
                .unwrap();
            let set = &sets[of.parse::<usize>().unwrap()];
            let seen: Vec<i64> = set.iter().map(|(_, k)| keys.values[k.0 as usize]).collect();
            assert_eq!(seen, numbers(order), "line {number}");
            continue;
        }
        let given = match words[0] {
            "add" | "adds" | "dictupdate" | "discard" | "drop" => numbers(words[2]),
            _ => Vec::new(),
        };
        let given: Vec<Key> = given.into_iter().map(|value| keys.make(value)).collect();
        let value = |k: Key| keys.values[k.0 as usize];
        let eq = &mut |a, b| -> Never<bool> { Ok(value(a) == value(b)) };
        match words[0] {
            "reset" => sets = Default::default(),
            "add" | "adds" | "dictupdate" => {
                if words[0] == "dictupdate" {
                    sets[place(1)].reserve_for(given.len());
                }
                for key in given {
                    sets[place(1)]
                        .add(small_int(value(key)), key, |k| eq(k, key))
                        .unwrap();
                }
            }
            "discard" | "drop" => {
                for key in given {
                    sets[place(1)]
                        .discard(small_int(value(key)), key, eq)
                        .unwrap();
                }
            }
            "pop" => {
                let key = sets[place(1)].pop().unwrap();
                assert_eq!(
                    value(key),
                    words[2].parse::<i64>().unwrap(),
                    "line {number}"
                );
            }
            "clear" => sets[place(1)].clear(),
            "copy" => sets[place(1)] = sets[place(2)].copied(),
            "update" => {
                let other = sets[place(2)].clone();
                sets[place(1)].merge(&other, eq).unwrap();
            }
            "isub" => {
                let other = sets[place(2)].clone();
                sets[place(1)].difference_update(&other, eq).unwrap();
            }
            "iand" => {
                let result = sets[place(1)].intersection(&sets[place(2)], eq).unwrap();
                sets[place(1)].replace_with(result);
            }
            "ixor" => {
                let other = sets[place(2)].clone();
                sets[place(1)]
                    .symmetric_difference_update(&other, eq)
                    .unwrap();
            }
            "or" => {
                let mut result = sets[place(2)].copied();
                result.merge(&sets[place(3)], eq).unwrap();
                sets[place(1)] = result;
            }
            "and" => sets[place(1)] = sets[place(2)].intersection(&sets[place(3)], eq).unwrap(),
            "sub" => sets[place(1)] = sets[place(2)].difference(&sets[place(3)], eq).unwrap(),
            "xor" => {
                sets[place(1)] = sets[place(2)]
                    .symmetric_difference(&sets[place(3)], eq)
                    .unwrap();
            }
            other => panic!("unknown operation {other}"),
        }
    }
}

#[test]
fn order_is_cpythons() {
    run(include_str!("protocol.txt"));
}

#[test]
fn a_candidate_is_met_once_and_can_be_refused() {
    let mut set = SetTable::new();
    set.insert_new(7, Key(1));
    set.insert_new(7, Key(2));
    let Lookup::Ask(mut probe) = set.lookup(7, Key(3)) else {
        panic!("equal hashes must ask")
    };
    assert_eq!(set.probe_next(&mut probe), ProbeStep::Candidate(7, Key(1)));
    assert!(set.probe_valid(&probe, 7, Key(1)));
    assert_eq!(set.probe_next(&mut probe), ProbeStep::Candidate(4, Key(2)));
    assert!(matches!(set.probe_next(&mut probe), ProbeStep::Vacant(_)));
    set.remove_at(4);
    assert!(!set.probe_valid(&probe, 4, Key(2)));
    assert_eq!(set.lookup(8, Key(1)), Lookup::Absent);
    assert_eq!(set.lookup(7, Key(1)), Lookup::Found(7));
}
