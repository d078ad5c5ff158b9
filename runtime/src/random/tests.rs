//! Numbers of a seeded generator against CPython 3.13's: each line of the
//! protocol is a seed, a list of calls, and what they gave.

use num_bigint::BigInt;
use num_traits::One;

use super::*;
use crate::text::protocol::{Arg, check};

fn indexes(picks: Vec<usize>) -> Arg {
    Arg::List(picks.into_iter().map(|at| Arg::Int(at.into())).collect())
}

fn call(random: &mut Random, name: &str, args: &[Arg]) -> Arg {
    let x = |i: usize| args[i].float();
    Arg::Float(match name {
        "random" => random.random(),
        "uniform" => random.uniform(x(0), x(1)),
        "triangular" => random.triangular(x(0), x(1), args.get(2).map(Arg::float)),
        "normalvariate" => random.normalvariate(x(0), x(1)),
        "gauss" => random.gauss(x(0), x(1)),
        "lognormvariate" => random.lognormvariate(x(0), x(1)),
        "expovariate" => random.expovariate(x(0)),
        "vonmisesvariate" => random.vonmisesvariate(x(0), x(1)),
        "gammavariate" => random.gammavariate(x(0), x(1)).unwrap(),
        "betavariate" => random.betavariate(x(0), x(1)).unwrap(),
        "paretovariate" => random.paretovariate(x(0)),
        "weibullvariate" => random.weibullvariate(x(0), x(1)),
        "binomialvariate" => {
            return Arg::Int(random.binomialvariate(args[0].int(), x(1)).unwrap().into());
        }
        "getrandbits" => {
            let bits = args[0].size();
            let mut copy = random.clone();
            let number = random.getrandbits(bits);
            if bits <= 64 {
                assert_eq!(number, BigInt::from(copy.getrandbits_u64(bits as u32)));
            }
            return Arg::Int(number);
        }
        "randrange" => {
            let one = BigInt::one();
            let step = args.get(2).map_or(&one, Arg::big);
            let result = match args {
                [stop] => random.randrange(stop.big()),
                _ => random.randrange_from(args[0].big(), args[1].big(), step),
            };
            let start = args[0].big();
            let stop = args.get(1).map_or(start, Arg::big);
            return result.map_or_else(|e| Arg::error(e.message(start, stop, step)), Arg::Int);
        }
        "shuffle" => {
            let mut items: Vec<usize> = (0..args[0].size()).collect();
            let swaps: Vec<_> = random.shuffle_swaps(items.len()).collect();
            swaps.into_iter().for_each(|(i, j)| items.swap(i, j));
            return indexes(items);
        }
        "sample" => {
            let picks = random.sample(args[0].size(), args[1].size());
            return picks.map_or_else(|_| Arg::None, indexes);
        }
        "choices" => return indexes(random.choices(args[0].size(), args[1].size())),
        "weighted" => {
            let mut sum = 0.0;
            let weights = args[0].list().iter().map(|w| {
                sum += w.float();
                sum
            });
            let weights: Vec<f64> = weights.collect();
            let picks = random.weighted_choices(weights.len(), &weights, args[1].size());
            return picks.map_or_else(|e| Arg::error(e.message()), indexes);
        }
        other => panic!("unknown function {other}"),
    })
}

fn evaluate(op: &str, args: &[Arg]) -> Arg {
    let mut random = match &args[0] {
        Arg::Int(seed) => Random::from_int(seed),
        Arg::Float(seed) => Random::from_hash(crate::text::hash::float(*seed).unwrap()),
        seed if op == "version1" => Random::from_int(&legacy_str_seed(seed.str())),
        seed => Random::from_bytes(seed.text().as_bytes()),
    };
    let calls = args[1]
        .list()
        .chunk_by(|_, next| !matches!(next, Arg::Str(_)));
    Arg::List(
        calls
            .map(|one| call(&mut random, &one[0].text(), &one[1..]))
            .collect(),
    )
}

#[test]
fn every_number_is_cpythons() {
    check(include_str!("../text/protocol/random.txt"), evaluate);
}

#[test]
fn a_state_can_be_restored() {
    let mut random = Random::from_int(&7.into());
    random.gauss(0.0, 1.0);
    let state = random.state();
    let first: Vec<f64> = (0..4).map(|_| random.gauss(0.0, 1.0)).collect();
    let mut again = Random::from_state(&state).unwrap();
    assert!((0..4).map(|_| again.gauss(0.0, 1.0)).eq(first));
    assert!(
        Random::from_state(&State {
            words: vec![1; 3],
            ..state
        })
        .is_none()
    );
}
