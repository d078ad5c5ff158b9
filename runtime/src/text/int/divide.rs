//! Floor division of large ints. Three kinds of divisors are common and need no
//! long division: powers of two, those of one machine word, and those of about
//! the dividend's size. The divisor is never 0.

use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{ToPrimitive, Zero};

/// `x // y`.
pub fn div_floor(x: &BigInt, y: &BigInt) -> BigInt {
    match power_of_two(y) {
        // A shift to the right rounds down.
        Some(exponent) => x >> exponent,
        None => match short(x, y) {
            Some((quotient, _)) => quotient,
            None => x.div_floor(y),
        },
    }
}

/// `x % y`.
pub fn mod_floor(x: &BigInt, y: &BigInt) -> BigInt {
    if let Some(exponent) = power_of_two(y) {
        return low_bits(x, y, exponent);
    }
    if let Some(word) = y.magnitude().to_u64() {
        let rest = (x.magnitude() % word).to_u64().unwrap_or(0);
        return signed_rest(BigUint::from(rest), x, y);
    }
    match short(x, y) {
        Some((_, rest)) => rest,
        None => x.mod_floor(y),
    }
}

/// `divmod(x, y)`.
pub fn div_mod_floor(x: &BigInt, y: &BigInt) -> (BigInt, BigInt) {
    match power_of_two(y) {
        Some(exponent) => (x >> exponent, low_bits(x, y, exponent)),
        None => short(x, y).unwrap_or_else(|| x.div_mod_floor(y)),
    }
}

/// The exponent of a positive power of two.
fn power_of_two(y: &BigInt) -> Option<u64> {
    let top = y.bits().wrapping_sub(1);
    (y.sign() == Sign::Plus && y.trailing_zeros() == Some(top)).then_some(top)
}

/// `x % y`, where `y` is 2 to the power of `exponent`.
fn low_bits(x: &BigInt, y: &BigInt, exponent: u64) -> BigInt {
    let rest = if exponent < 128 {
        let mut words = x.iter_u64_digits();
        let [low, high] = [words.next(), words.next()].map(|word| u128::from(word.unwrap_or(0)));
        BigUint::from((high << 64 | low) & ((1 << exponent) - 1))
    } else {
        x.magnitude() & (y.magnitude() - 1u32)
    };
    signed_rest(rest, x, y)
}

/// The rest of a floor division, from that of the magnitudes.
fn signed_rest(rest: BigUint, x: &BigInt, y: &BigInt) -> BigInt {
    let rest = match rest.is_zero() || x.sign() == y.sign() {
        true => rest,
        false => y.magnitude() - rest,
    };
    BigInt::from_biguint(y.sign(), rest)
}

/// Shorter divisors are left to schoolbook division.
const LONG_BITS: u64 = 64 * 8;

/// Quotient and rest, where the divisor is long and the quotient fits a word: estimated from the
/// topmost words, of which it is too small by a few at most.
fn short(x: &BigInt, y: &BigInt) -> Option<(BigInt, BigInt)> {
    let (bits, extra) = (y.bits(), x.bits().checked_sub(y.bits())?);
    if bits < LONG_BITS || extra > 62 {
        return None;
    }
    let below = bits - 64;
    let divisor = y.magnitude();
    let top = top_from(x.magnitude(), below) / (top_from(divisor, below) + 1);
    let mut quotient = u64::try_from(top).ok()?;
    let mut rest = x.magnitude() - divisor * quotient;
    while rest >= *divisor {
        rest -= divisor;
        quotient += 1;
    }
    let differ = x.sign() != y.sign();
    let rounded = quotient + u64::from(differ && !rest.is_zero());
    let sign = if differ { Sign::Minus } else { Sign::Plus };
    let quotient = BigInt::from_biguint(sign, BigUint::from(rounded));
    Some((quotient, signed_rest(rest, x, y)))
}

/// The bits of a number from bit `below` on, which are fewer than 128.
fn top_from(n: &BigUint, below: u64) -> u128 {
    let (first, shift) = ((below / 64) as usize, below % 64);
    let n_words = n.bits().div_ceil(64) as usize;
    let mut words = n.iter_u64_digits().rev();
    // From the topmost word down to the one that bit `below` is in: three at most.
    let mut top = 0u128;
    for at in (first..n_words).rev() {
        let word = u128::from(words.next().unwrap_or(0));
        if at > first {
            top = top << 64 | word;
        } else {
            top = top << (64 - shift) | word >> shift;
        }
    }
    top
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(x: &BigInt, y: &BigInt) {
        let general = x.div_mod_floor(y);
        assert_eq!(div_floor(x, y), general.0, "{x} // {y}");
        assert_eq!(mod_floor(x, y), general.1, "{x} % {y}");
        assert_eq!(div_mod_floor(x, y), general, "divmod({x}, {y})");
    }

    #[test]
    fn each_kind_of_divisor_divides_as_long_division() {
        let power = |exponent: u32| BigInt::from(1) << exponent;
        let mut noise = BigInt::from(0x9e37_79b9_7f4a_7c15u64);
        for _ in 0..5 {
            noise = &noise * &noise + 12345;
        }
        let mut numbers = vec![noise.clone(), BigInt::from(7), BigInt::from(u64::MAX)];
        for exponent in [1, 63, 64, 65, 127, 128, 129, 511, 512, 513, 576, 640, 1000] {
            for offset in -1..=1 {
                numbers.push(power(exponent) + offset);
            }
            numbers.push((&noise >> exponent) + 1);
            numbers.push((&noise >> exponent) * 3 - 1);
        }
        for x in &numbers {
            for y in numbers.iter().filter(|y| !y.is_zero()) {
                check(x, y);
                check(&-x, y);
                check(x, &-y);
                check(&-x, &-y);
                check(&(x * y), y);
            }
        }
    }
}
