//! The random numbers of CPython 3.13's `random.Random`, number for number:
//! the Mersenne Twister, its seeding, and the functions drawn from it. Knows
//! no entropy: unseeded generators are the caller's choice of a seed.

mod distribution;
mod sampling;
mod seed;

use num_bigint::{BigInt, BigUint};

pub use self::distribution::{BinomialError, GammaError, ln_gamma};
pub use self::sampling::{ChoicesError, RangeError, SampleTooLarge};
pub use self::seed::legacy_str_seed;

/// Words of state.
const N: usize = 624;
const M: usize = 397;
const UPPER: u32 = 0x8000_0000;
const LOWER: u32 = 0x7fff_ffff;
const TWIST: u32 = 0x9908_b0df;

/// A generator (MT19937) with the spare value that `gauss` keeps.
///
/// ```
/// use lockstep_runtime::random::Random;
/// let mut random = Random::from_int(&42.into());
/// assert_eq!(random.random(), 0.6394267984578837);
/// assert_eq!(random.randbelow(10), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    words: Box<[u32; N]>,
    /// Words of this round that are used up: 1 to 624.
    used: usize,
    gauss_next: Option<f64>,
}

/// What `getstate` shows: the words, how many are used, and the spare gauss.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub words: Vec<u32>,
    pub used: usize,
    pub gauss_next: Option<f64>,
}

impl Random {
    fn from_words(words: Box<[u32; N]>) -> Self {
        Random {
            words,
            used: N,
            gauss_next: None,
        }
    }

    /// The state of `getstate`.
    pub fn state(&self) -> State {
        State {
            words: self.words.to_vec(),
            used: self.used,
            gauss_next: self.gauss_next,
        }
    }

    /// A generator in a state; None if it has the wrong shape.
    pub fn from_state(state: &State) -> Option<Self> {
        let words: Box<[u32; N]> = state.words.clone().try_into().ok()?;
        let whole = state.used <= N;
        whole.then_some(Random {
            words,
            used: state.used,
            gauss_next: state.gauss_next,
        })
    }

    /// Makes the next 624 words.
    fn refill(&mut self) {
        let words = &mut self.words;
        for i in 0..N {
            let y = (words[i] & UPPER) | (words[(i + 1) % N] & LOWER);
            let twist = if y & 1 == 1 { TWIST } else { 0 };
            words[i] = words[(i + M) % N] ^ (y >> 1) ^ twist;
        }
        self.used = 0;
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used >= N {
            self.refill();
        }
        let mut y = self.words[self.used];
        self.used += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// `random()`: a float in `0.0 <= x < 1.0` of 53 random bits.
    pub fn random(&mut self) -> f64 {
        let high = f64::from(self.next_u32() >> 5);
        let low = f64::from(self.next_u32() >> 6);
        (high * 67_108_864.0 + low) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// `getrandbits(bits)`. The caller has limited the number of bits.
    pub fn getrandbits(&mut self, bits: usize) -> BigInt {
        let words: Vec<u32> = (0..bits.div_ceil(32))
            .map(|i| {
                let left = bits - 32 * i;
                let word = self.next_u32();
                if left < 32 { word >> (32 - left) } else { word }
            })
            .collect();
        BigUint::new(words).into()
    }

    /// The same for at most 64 bits.
    pub fn getrandbits_u64(&mut self, bits: u32) -> u64 {
        debug_assert!(bits <= 64);
        match bits {
            0 => 0,
            1..=32 => u64::from(self.next_u32() >> (32 - bits)),
            _ => {
                let low = u64::from(self.next_u32());
                let high = u64::from(self.next_u32() >> (64 - bits));
                high << 32 | low
            }
        }
    }
}

#[cfg(test)]
mod tests;
