//! The hashes of CPython 3.13 under `PYTHONHASHSEED=0`. Takes plain numbers,
//! bytes and the hashes of parts; gives what `hash()` prints. It never caches.

use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;
use siphasher::sip::SipHasher13;

/// The modulus of every numeric hash, a Mersenne prime.
pub const MODULUS: u64 = (1 << 61) - 1;
/// `hash(None)`.
pub const NONE: i64 = 0xFCA8_6420;
/// `hash(float("inf"))`; its negation for `-inf`.
pub const INF: i64 = 314_159;

const PRIME_1: u64 = 11_400_714_785_074_694_791;
const PRIME_2: u64 = 14_029_467_366_897_019_727;
const PRIME_5: u64 = 2_870_177_450_012_600_261;

/// No hash is -1: CPython keeps that for errors.
#[inline]
fn not_minus_one(hash: i64) -> i64 {
    if hash == -1 { -2 } else { hash }
}

/// The hash of a bytes object, or of a str given its units in memory order.
#[inline]
pub fn bytes(data: &[u8]) -> i64 {
    if data.is_empty() {
        return 0;
    }
    not_minus_one(SipHasher13::new_with_keys(0, 0).hash(data) as i64)
}

/// The hash of a bool or of an int that fits a machine word.
#[inline]
pub fn small_int(value: i64) -> i64 {
    let magnitude = (value.unsigned_abs() % MODULUS) as i64;
    not_minus_one(if value < 0 { -magnitude } else { magnitude })
}

/// The hash of any int.
pub fn int(value: &BigInt) -> i64 {
    let magnitude = (value.magnitude() % MODULUS)
        .to_i64()
        .expect("the modulus fits 61 bits");
    not_minus_one(if value.sign() == Sign::Minus {
        -magnitude
    } else {
        magnitude
    })
}

/// The hash of a float, equal to the hash of an equal int; None for a NaN,
/// which hashes by its object's identity.
pub fn float(value: f64) -> Option<i64> {
    if value.is_nan() {
        return None;
    }
    if value.is_infinite() {
        return Some(if value > 0.0 { INF } else { -INF });
    }
    if value == 0.0 {
        return Some(0);
    }
    // value = significand * 2**exponent; modulo 2**61 - 1 a power of two is a
    // rotation of 61 bits.
    let bits = value.to_bits();
    let raw_exponent = (bits >> 52 & 0x7ff) as i64;
    let fraction = bits & ((1 << 52) - 1);
    let (significand, exponent) = if raw_exponent == 0 {
        (fraction, -1074)
    } else {
        (fraction | 1 << 52, raw_exponent - 1075)
    };
    let shift = exponent.rem_euclid(61) as u32;
    let mut magnitude =
        (significand << shift & MODULUS) | significand.checked_shr(61 - shift).unwrap_or(0);
    if magnitude == MODULUS {
        magnitude = 0;
    }
    let magnitude = magnitude as i64;
    Some(not_minus_one(if value < 0.0 {
        -magnitude
    } else {
        magnitude
    }))
}

/// The hash of an object that hashes by its identity, given its address or a
/// stable number in place of one.
#[inline]
pub fn identity(address: u64) -> i64 {
    not_minus_one(address.rotate_right(4) as i64)
}

/// Whether a hash is one of `identity`, given the addresses that the VM makes
/// up: they share their upper bits. Of other hashes one in 2^32 looks so.
#[inline]
pub fn is_identity(hash: i64) -> bool {
    hash >> 32 == IDENTITY_BASE >> 36
}

/// Where the addresses that the VM makes up for objects begin.
pub const IDENTITY_BASE: i64 = 0x7f00_0000_0000;

/// Mixes one item's hash into a tuple's.
#[inline]
fn mix(acc: u64, item: i64) -> u64 {
    acc.wrapping_add((item as u64).wrapping_mul(PRIME_2))
        .rotate_left(31)
        .wrapping_mul(PRIME_1)
}

/// The hash of a tuple, fed with its items' hashes in order.
#[derive(Clone, Copy, Debug)]
pub struct TupleHasher {
    acc: u64,
    len: u64,
}

impl Default for TupleHasher {
    fn default() -> Self {
        TupleHasher {
            acc: PRIME_5,
            len: 0,
        }
    }
}

impl TupleHasher {
    #[inline]
    pub fn item(&mut self, hash: i64) {
        self.acc = mix(self.acc, hash);
        self.len += 1;
    }

    #[inline]
    pub fn finish(self) -> i64 {
        let acc = self.acc.wrapping_add(self.len ^ (PRIME_5 ^ 3_527_539));
        if acc == u64::MAX {
            1_546_275_796
        } else {
            acc as i64
        }
    }
}

/// The hash of a tuple whose items have these hashes.
pub fn tuple(items: impl IntoIterator<Item = i64>) -> i64 {
    let mut hasher = TupleHasher::default();
    for item in items {
        hasher.item(item);
    }
    hasher.finish()
}

/// The hash of a slice: a tuple's, without the length.
pub fn slice(start: i64, stop: i64, step: i64) -> i64 {
    let acc = [start, stop, step].into_iter().fold(PRIME_5, mix);
    if acc == u64::MAX {
        1_546_275_796
    } else {
        acc as i64
    }
}

/// The hash of a range, given the hashes of its length, start and step; two
/// ranges of the same items are equal, so start and step count only where they
/// show.
pub fn range(len: &BigInt, start: i64, step: i64) -> i64 {
    let hash = int(len);
    match len.to_u8() {
        Some(0) => tuple([hash, NONE, NONE]),
        Some(1) => tuple([hash, start, NONE]),
        _ => tuple([hash, start, step]),
    }
}

/// The hash of a frozenset, fed with its items' hashes in any order.
pub fn frozenset(items: impl IntoIterator<Item = i64>) -> i64 {
    let mut hash = 0u64;
    let mut len = 0u64;
    for item in items {
        let item = item as u64;
        hash ^= (item ^ 89_869_747 ^ (item << 16)).wrapping_mul(3_644_798_167);
        len += 1;
    }
    hash ^= (len + 1).wrapping_mul(1_927_868_237);
    hash ^= (hash >> 11) ^ (hash >> 25);
    hash = hash.wrapping_mul(69_069).wrapping_add(907_133_923);
    if hash == u64::MAX {
        590_923_713
    } else {
        hash as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_strings() {
        assert_eq!(bytes(b""), 0);
        assert_eq!(bytes(b"\x61"), 4644417185603328019);
        assert_eq!(bytes(b"\x61\x62\x63"), -4594863902769663758);
        assert_eq!(
            bytes(b"\x68\x65\x6c\x6c\x6f\x20\x77\x6f\x72\x6c\x64"),
            -5642461784034726774
        );
        assert_eq!(bytes(b"\x78\x78\x78\x78\x78\x78\x78"), 4423015880544474238);
        assert_eq!(
            bytes(b"\x78\x78\x78\x78\x78\x78\x78\x78"),
            -4724777423671707232
        );
        assert_eq!(bytes(b"\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78\x78"), 2031275847745709890);
        assert_eq!(bytes(b"\xe9"), 6047309291227476195);
        // A str of two-byte units.
        assert_eq!(
            bytes(b"\xac\x20\x75\x00\x72\x00\x6f\x00"),
            7542247858446192590
        );
    }

    #[test]
    fn ints() {
        assert_eq!(small_int(0), 0);
        assert_eq!(small_int(1), 1);
        assert_eq!(small_int(-1), -2);
        assert_eq!(small_int(-2), -2);
        assert_eq!(small_int(2305843009213693951), 0);
        assert_eq!(small_int(2305843009213693950), 2305843009213693950);
        assert_eq!(small_int(-2305843009213693951), 0);
        assert_eq!(small_int(2305843009213693952), 1);
        assert_eq!(small_int(-9223372036854775808), -4);
        assert_eq!(small_int(9223372036854775807), 3);
        assert_eq!(int(&"0".parse().unwrap()), 0);
        assert_eq!(int(&"-1".parse().unwrap()), -2);
        assert_eq!(int(&"18446744073709551616".parse().unwrap()), 8);
        assert_eq!(
            int(&"100000000000000000000000000000000000000000000000000"
                .parse()
                .unwrap()),
            619332571178673746
        );
        assert_eq!(
            int(&"-100000000000000000000000000000000000000000000000000"
                .parse()
                .unwrap()),
            -619332571178673746
        );
        assert_eq!(int(&"2305843009213693951".parse().unwrap()), 0);
    }

    #[test]
    fn floats() {
        assert_eq!(float(0.0), Some(0));
        assert_eq!(float(-0.0), Some(0));
        assert_eq!(float(1.0), Some(1));
        assert_eq!(float(-1.0), Some(-2));
        assert_eq!(float(0.5), Some(1152921504606846976));
        assert_eq!(float(1.5), Some(1152921504606846977));
        assert_eq!(float(-2.5), Some(-1152921504606846978));
        assert_eq!(float(1e+300), Some(1224995262755759164));
        assert_eq!(float(-1e+300), Some(-1224995262755759164));
        assert_eq!(float(5e-324), Some(16777216));
        assert_eq!(float(2.305843009213694e+18), Some(1));
        assert_eq!(float(1e+100), Some(1822893315824342674));
        assert_eq!(float(3.1), Some(230584300921369603));
        assert_eq!(float(2.2250738585072014e-308), Some(32768));
        assert_eq!(float(1.7976931348623157e+308), Some(2234066890152476671));
        assert_eq!(float(f64::NEG_INFINITY), Some(-314159));
        assert_eq!(float(f64::NAN), None);
    }

    #[test]
    fn compounds() {
        let t = |items: &[i64]| tuple(items.iter().copied());
        assert_eq!(t(&[]), 5740354900026072187);
        assert_eq!(t(&[1]), -6644214454873602895);
        assert_eq!(t(&[1, 2]), -3550055125485641917);
        assert_eq!(t(&[0, 0, 0]), 3010437511937009226);
        assert_eq!(t(&[-2, 5]), 7913930892179122687);
        assert_eq!(frozenset([]), 133146708735736);
        assert_eq!(frozenset([1]), -558064481276695278);
        assert_eq!(frozenset([1, 2]), -1826646154956904602);
        assert_eq!(frozenset([3, -7, 100]), -7360889728279365860);
        assert_eq!(slice(1, 2, 3), -2340833382717974474);
        assert_eq!(slice(1, 2, NONE), -2178470213028018262);
        assert_eq!(range(&0.into(), 0, 1), 2676694398852732306);
        assert_eq!(range(&1.into(), 5, 1), -7048428680432378585);
        assert_eq!(range(&3.into(), 0, 1), -8338477496398685190);
        assert_eq!(range(&4.into(), 0, 3), -1816567394155750349);
    }
}
