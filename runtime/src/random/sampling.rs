//! Whole numbers and picks: randbelow, randrange, shuffle, sample, choices.
//! Picks are given as indexes; the sequences are the caller's.

use std::collections::HashSet;

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::Random;

/// Why `randrange` refuses; all are ValueErrors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeError {
    /// `randrange(stop)`.
    Empty,
    /// `randrange(start, stop)`.
    EmptyFromTo,
    /// `randrange(start, stop, step)`.
    EmptySteps,
    ZeroStep,
}

impl RangeError {
    pub fn message(&self, start: &BigInt, stop: &BigInt, step: &BigInt) -> String {
        match self {
            RangeError::Empty => "empty range for randrange()".to_owned(),
            RangeError::EmptyFromTo => format!("empty range in randrange({start}, {stop})"),
            RangeError::EmptySteps => format!("empty range in randrange({start}, {stop}, {step})"),
            RangeError::ZeroStep => "zero step for randrange()".to_owned(),
        }
    }
}

/// ValueError: "Sample larger than population or is negative".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleTooLarge;

/// Why `choices` refuses; all are ValueErrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChoicesError {
    Length,
    NotPositive,
    NotFinite,
}

impl ChoicesError {
    pub fn message(self) -> &'static str {
        match self {
            ChoicesError::Length => "The number of weights does not match the population",
            ChoicesError::NotPositive => "Total of weights must be greater than zero",
            ChoicesError::NotFinite => "Total of weights must be finite",
        }
    }
}

impl Random {
    /// A number in `0..n`, for `n > 0`: `choice` takes it as an index.
    pub fn randbelow(&mut self, n: u64) -> u64 {
        let bits = 64 - n.leading_zeros();
        loop {
            let number = self.getrandbits_u64(bits);
            if number < n || n == 0 {
                return number;
            }
        }
    }

    /// The same for an n of any size.
    pub fn randbelow_big(&mut self, n: &BigInt) -> BigInt {
        if let Some(small) = n.to_u64() {
            return self.randbelow(small).into();
        }
        let bits = n.bits() as usize;
        loop {
            let number = self.getrandbits(bits);
            if &number < n {
                return number;
            }
        }
    }

    /// `randrange(stop)`.
    ///
    /// # Errors
    /// There is no such number.
    pub fn randrange(&mut self, stop: &BigInt) -> Result<BigInt, RangeError> {
        if stop.is_positive() {
            Ok(self.randbelow_big(stop))
        } else {
            Err(RangeError::Empty)
        }
    }

    /// `randrange(start, stop, step)`; `randint(a, b)` is
    /// `randrange(a, b + 1)`.
    ///
    /// # Errors
    /// There is no such number.
    pub fn randrange_from(
        &mut self,
        start: &BigInt,
        stop: &BigInt,
        step: &BigInt,
    ) -> Result<BigInt, RangeError> {
        let width = stop - start;
        if step.is_one() {
            if !width.is_positive() {
                return Err(RangeError::EmptyFromTo);
            }
            return Ok(start + self.randbelow_big(&width));
        }
        if step.is_zero() {
            return Err(RangeError::ZeroStep);
        }
        let towards = if step.is_positive() {
            width + step - 1
        } else {
            width + step + 1
        };
        let count = num_integer::Integer::div_floor(&towards, step);
        if !count.is_positive() {
            return Err(RangeError::EmptySteps);
        }
        Ok(start + step * self.randbelow_big(&count))
    }

    /// `shuffle`: the pairs of indexes to swap, in order, for a list of `len`.
    pub fn shuffle_swaps(&mut self, len: usize) -> impl Iterator<Item = (usize, usize)> {
        (1..len)
            .rev()
            .map(|i| (i, self.randbelow(i as u64 + 1) as usize))
    }

    /// `sample(range(n), k=k)`: the indexes that are picked.
    ///
    /// # Errors
    /// There are fewer than k.
    pub fn sample(&mut self, n: usize, k: usize) -> Result<Vec<usize>, SampleTooLarge> {
        if k > n {
            return Err(SampleTooLarge);
        }
        // CPython picks from a copy of the population while that is smaller
        // than a set of the picks would be; the two draw different numbers.
        let mut set_size = 21.0;
        if k > 5 {
            let exponent = ((k as f64 * 3.0).ln() / 4f64.ln()).ceil();
            set_size += 4f64.powf(exponent);
        }
        let mut picks = Vec::with_capacity(k);
        if n as f64 <= set_size {
            let mut pool: Vec<usize> = (0..n).collect();
            for i in 0..k {
                let at = self.randbelow((n - i) as u64) as usize;
                picks.push(pool[at]);
                pool[at] = pool[n - i - 1];
            }
        } else {
            let mut picked = HashSet::with_capacity(k);
            while picks.len() < k {
                let at = self.randbelow(n as u64) as usize;
                if picked.insert(at) {
                    picks.push(at);
                }
            }
        }
        Ok(picks)
    }

    /// `choices(range(n), k=k)` without weights; `n > 0`.
    pub fn choices(&mut self, n: usize, k: usize) -> Vec<usize> {
        (0..k)
            .map(|_| (self.random() * n as f64).floor() as usize)
            .collect()
    }

    /// `choices(range(n), cum_weights=cum_weights, k=k)`; `n > 0`. For `weights`
    /// the caller sums them up.
    ///
    /// # Errors
    /// See [`ChoicesError`].
    pub fn weighted_choices(
        &mut self,
        n: usize,
        cum_weights: &[f64],
        k: usize,
    ) -> Result<Vec<usize>, ChoicesError> {
        let total = match cum_weights.last() {
            Some(total) if cum_weights.len() == n => *total,
            _ => return Err(ChoicesError::Length),
        };
        if total <= 0.0 {
            return Err(ChoicesError::NotPositive);
        }
        if !total.is_finite() {
            return Err(ChoicesError::NotFinite);
        }
        let inner = &cum_weights[..n - 1];
        Ok((0..k)
            .map(|_| {
                let point = self.random() * total;
                inner.partition_point(|&weight| weight <= point)
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_the_only_number_below_a_power_of_one() {
        let mut random = Random::from_int(&BigInt::one());
        assert_eq!(random.randbelow(1), 0);
        assert_eq!(random.sample(3, 4), Err(SampleTooLarge));
        assert_eq!(random.shuffle_swaps(0).count(), 0);
    }
}
