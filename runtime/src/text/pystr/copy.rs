//! Copies of Latin-1 units. Most are of a few units, for which a call of
//! `memcpy` costs more than the copy.

/// Copies all of `from` over the beginning of `to`.
///
/// # Panics
/// If `to` is shorter.
#[inline(always)]
pub(super) fn copy_units(to: &mut [u8], from: &[u8]) {
    let n = from.len();
    let to = &mut to[..n];
    // Two blocks of one size, which overlap in the middle.
    match n {
        0 => {}
        1..4 => {
            to[0] = from[0];
            to[n / 2] = from[n / 2];
            to[n - 1] = from[n - 1];
        }
        4..8 => ends::<4>(to, from),
        8..16 => ends::<8>(to, from),
        16..=32 => ends::<16>(to, from),
        _ => to.copy_from_slice(from),
    }
}

#[inline(always)]
fn ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk::<N>()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk::<N>()) {
        *to = *from;
    }
}

/// A buffer of a known length that is filled piece by piece.
pub(super) struct Filled {
    units: Vec<u8>,
    at: usize,
}

impl Filled {
    pub fn new(len: usize) -> Filled {
        Filled {
            units: vec![0; len],
            at: 0,
        }
    }

    /// # Panics
    /// If there is no room.
    #[inline(always)]
    pub fn push(&mut self, units: &[u8]) {
        copy_units(&mut self.units[self.at..], units);
        self.at += units.len();
    }

    /// The units; all of the buffer must have been filled.
    pub fn finish(self) -> Vec<u8> {
        debug_assert_eq!(self.at, self.units.len(), "a part of the text is missing");
        self.units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_copied() {
        let from: Vec<u8> = (1..=80).collect();
        for n in 0..=from.len() {
            let mut to = vec![0; n + 3];
            copy_units(&mut to, &from[..n]);
            assert_eq!(to[..n], from[..n]);
            assert_eq!(to[n..], [0; 3]);
        }
    }
}
