//! Seeding: from an int, from text and bytes, from a hash.

use num_bigint::{BigInt, BigUint};
use sha2::{Digest, Sha512};

use super::{N, Random};
use crate::text::pystr::PyStr;

impl Random {
    /// `seed(value)` with an int; its sign doesn't count.
    pub fn from_int(value: &BigInt) -> Self {
        let mut key = value.magnitude().to_u32_digits();
        if key.is_empty() {
            key.push(0);
        }
        Self::from_key(&key)
    }

    /// `seed(value)` with a str (as UTF-8), bytes or bytearray.
    pub fn from_bytes(data: &[u8]) -> Self {
        let mut all = data.to_vec();
        all.extend_from_slice(&Sha512::digest(data));
        Self::from_int(&BigUint::from_bytes_be(&all).into())
    }

    /// `seed(value)` with a value that only has a hash, such as a float.
    pub fn from_hash(hash: i64) -> Self {
        Self::from_int(&(hash as u64).into())
    }

    /// The generator's `init_by_array`.
    fn from_key(key: &[u32]) -> Self {
        let mut words = Box::new([0; N]);
        words[0] = 19_650_218;
        for i in 1..N {
            words[i] = 1_812_433_253u32
                .wrapping_mul(words[i - 1] ^ (words[i - 1] >> 30))
                .wrapping_add(i as u32);
        }
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(key.len()) {
            let mixed = (words[i - 1] ^ (words[i - 1] >> 30)).wrapping_mul(1_664_525);
            words[i] = (words[i] ^ mixed)
                .wrapping_add(key[j])
                .wrapping_add(j as u32);
            i += 1;
            j = (j + 1) % key.len();
            if i == N {
                words[0] = words[N - 1];
                i = 1;
            }
        }
        for _ in 1..N {
            let mixed = (words[i - 1] ^ (words[i - 1] >> 30)).wrapping_mul(1_566_083_941);
            words[i] = (words[i] ^ mixed).wrapping_sub(i as u32);
            i += 1;
            if i == N {
                words[0] = words[N - 1];
                i = 1;
            }
        }
        words[0] = 0x8000_0000;
        Self::from_words(words)
    }
}

/// The int that `seed(text, version=1)` takes for a str (or for bytes, as
/// Latin-1).
pub fn legacy_str_seed(text: &PyStr) -> BigInt {
    let mut x = u64::from(text.char_at(0).unwrap_or(0)) << 7;
    for cp in text.chars() {
        x = x.wrapping_mul(1_000_003) ^ u64::from(cp);
    }
    x ^= text.len() as u64;
    if x == u64::MAX {
        BigInt::from(-2)
    } else {
        x.into()
    }
}
