//! Finding text in text: find, rfind, count, contains, startswith, endswith
//! and replace. Every search takes time linear in both lengths.

use smallvec::SmallVec;

use super::copy::Filled;
#[cfg(test)]
use super::unit::narrowest;
use super::unit::{Unit, on_units};
use super::{PyStr, StrBuilder, TooLong, Units};

/// How a width searches.
pub(super) trait Search: Unit {
    fn find(hay: &[Self], needle: &[Self]) -> Option<usize> {
        let mut found = None;
        Self::each_match(hay, needle, &mut |at| {
            found = Some(at);
            false
        });
        found
    }

    fn rfind(hay: &[Self], needle: &[Self]) -> Option<usize> {
        let mut found = None;
        Self::each_match_back(hay, needle, &mut |at| {
            found = Some(at);
            false
        });
        found
    }

    /// Passes the non-overlapping matches on, left to right, while `take` says
    /// true. The needle is not empty.
    fn each_match(hay: &[Self], needle: &[Self], take: &mut dyn FnMut(usize) -> bool) {
        knuth_morris_pratt(hay.iter().copied(), needle.to_vec(), |end| {
            take(end - needle.len())
        });
    }

    /// The same, right to left.
    fn each_match_back(hay: &[Self], needle: &[Self], take: &mut dyn FnMut(usize) -> bool) {
        let mut backwards = needle.to_vec();
        backwards.reverse();
        knuth_morris_pratt(hay.iter().rev().copied(), backwards, |end| {
            take(hay.len() - end)
        });
    }
}

impl Search for u8 {
    fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
        match needle {
            [byte] => memchr::memchr(*byte, hay),
            _ => memchr::memmem::find(hay, needle),
        }
    }

    fn rfind(hay: &[u8], needle: &[u8]) -> Option<usize> {
        match needle {
            [byte] => memchr::memrchr(*byte, hay),
            _ => memchr::memmem::rfind(hay, needle),
        }
    }

    fn each_match(hay: &[u8], needle: &[u8], take: &mut dyn FnMut(usize) -> bool) {
        match needle {
            [byte] => drop(memchr::memchr_iter(*byte, hay).all(take)),
            _ => drop(memchr::memmem::find_iter(hay, needle).all(take)),
        }
    }

    fn each_match_back(hay: &[u8], needle: &[u8], take: &mut dyn FnMut(usize) -> bool) {
        match needle {
            [byte] => drop(memchr::memrchr_iter(*byte, hay).all(take)),
            _ => drop(memchr::memmem::rfind_iter(hay, needle).all(take)),
        }
    }
}

impl Search for u16 {}
impl Search for u32 {}

/// Passes on where each non-overlapping match ends, while `take` says true.
fn knuth_morris_pratt<U: Unit>(
    hay: impl Iterator<Item = U>,
    needle: Vec<U>,
    mut take: impl FnMut(usize) -> bool,
) {
    // borders[i]: the length of the longest proper border of needle[..=i].
    let mut borders = vec![0; needle.len()];
    let mut matched = 0;
    for i in 1..needle.len() {
        while matched > 0 && needle[i] != needle[matched] {
            matched = borders[matched - 1];
        }
        matched += usize::from(needle[i] == needle[matched]);
        borders[i] = matched;
    }
    matched = 0;
    for (at, unit) in hay.enumerate() {
        while matched > 0 && unit != needle[matched] {
            matched = borders[matched - 1];
        }
        matched += usize::from(unit == needle[matched]);
        if matched == needle.len() {
            if !take(at + 1) {
                return;
            }
            matched = 0;
        }
    }
}

impl Units<'_> {
    /// Where a character below U+0100 stands first, from `start` on.
    pub fn position(self, c: char, start: usize) -> Option<usize> {
        let found = match self {
            Units::Latin1(units) => memchr::memchr(c as u8, &units[start..]),
            units => on_units!(units, units => {
                units[start..].iter().position(|unit| unit.cp() == c as u32)
            }),
        };
        found.map(|at| start + at)
    }
}

/// The matches of a needle that is not empty, left to right.
pub(super) fn each_match(hay: Units<'_>, needle: Units<'_>, take: &mut dyn FnMut(usize) -> bool) {
    if needle.len() > hay.len() {
        return;
    }
    match (hay, needle) {
        (Units::Latin1(hay), Units::Latin1(needle)) => u8::each_match(hay, needle, take),
        _ => on_units!(hay, hay => {
            if let Some(needle) = needle.to_width() {
                Search::each_match(hay, &needle, take);
            }
        }),
    }
}

/// The matches of a needle that is not empty, right to left.
pub(super) fn each_match_back(
    hay: Units<'_>,
    needle: Units<'_>,
    take: &mut dyn FnMut(usize) -> bool,
) {
    if needle.len() > hay.len() {
        return;
    }
    on_units!(hay, hay => {
        if let Some(needle) = needle.to_width() {
            Search::each_match_back(hay, &needle, take);
        }
    })
}

/// Whether one view begins with the other.
pub(super) fn same_units(a: Units<'_>, b: Units<'_>) -> bool {
    match (a, b) {
        (Units::Latin1(a), Units::Latin1(b)) => a == b,
        (Units::Ucs2(a), Units::Ucs2(b)) => a == b,
        (Units::Ucs4(a), Units::Ucs4(b)) => a == b,
        _ => a.len() == b.len() && (0..a.len()).all(|at| a.at(at) == b.at(at)),
    }
}

impl PyStr {
    /// `needle in self`.
    pub fn contains(&self, needle: &PyStr) -> bool {
        if let (Some(hay), Some(&[unit])) = (self.own_latin1(), needle.own_latin1()) {
            return match hay.len() {
                0..=16 => hay.contains(&unit),
                _ => memchr::memchr(unit, hay).is_some(),
            };
        }
        self.find(needle, 0, self.len()).is_some()
    }

    /// The first match inside `start..end`, or None. The bounds come from
    /// [`clamp_range`](super::clamp_range).
    pub fn find(&self, needle: &PyStr, start: usize, end: usize) -> Option<usize> {
        if end < start || end - start < needle.len() {
            return None;
        }
        if needle.is_empty() {
            return Some(start);
        }
        let (hay, needle) = (self.read(), needle.read());
        let found = match (hay.units().part(start..end), needle.units()) {
            (Units::Latin1(hay), Units::Latin1(needle)) => u8::find(hay, needle),
            (hay, needle) => on_units!(hay, hay => Search::find(hay, &needle.to_width()?)),
        };
        found.map(|at| start + at)
    }

    /// Where a character below U+0100 stands first.
    pub fn position(&self, c: char) -> Option<usize> {
        self.read().units().position(c, 0)
    }

    /// The last match inside `start..end`, or None.
    pub fn rfind(&self, needle: &PyStr, start: usize, end: usize) -> Option<usize> {
        if end < start || end - start < needle.len() {
            return None;
        }
        if needle.is_empty() {
            return Some(end);
        }
        let (hay, needle) = (self.read(), needle.read());
        let found = on_units!(hay.units().part(start..end), hay => {
            Search::rfind(hay, &needle.units().to_width()?)
        });
        found.map(|at| start + at)
    }

    /// How many non-overlapping matches stand inside `start..end`.
    pub fn count(&self, needle: &PyStr, start: usize, end: usize) -> usize {
        if end < start {
            return 0;
        }
        if needle.is_empty() {
            return end - start + 1;
        }
        let mut count = 0;
        let (hay, needle) = (self.read(), needle.read());
        each_match(hay.units().part(start..end), needle.units(), &mut |_| {
            count += 1;
            true
        });
        count
    }

    /// Whether the text inside `start..end` begins with `part`.
    pub fn starts_with(&self, part: &PyStr, start: usize, end: usize) -> bool {
        if end < start || end - start < part.len() {
            return false;
        }
        if let (Some(text), Some(part)) = (self.own_latin1(), part.own_latin1()) {
            return text[start..].starts_with(part);
        }
        let (text, part) = (self.read(), part.read());
        let part = part.units();
        same_units(text.units().part(start..start + part.len()), part)
    }

    /// Whether the text inside `start..end` ends with `part`.
    pub fn ends_with(&self, part: &PyStr, start: usize, end: usize) -> bool {
        if end < start || end - start < part.len() {
            return false;
        }
        if let (Some(text), Some(part)) = (self.own_latin1(), part.own_latin1()) {
            return text[..end].ends_with(part);
        }
        let (text, part) = (self.read(), part.read());
        let part = part.units();
        same_units(text.units().part(end - part.len()..end), part)
    }

    /// `str.replace`: at most `max_count` matches (None: all), left to right.
    /// `Ok(None)` where nothing is replaced.
    ///
    /// # Errors
    /// The result would have more than `max_len` code points.
    pub fn replace(
        &self,
        old: &PyStr,
        new: &PyStr,
        max_count: Option<usize>,
        max_len: usize,
    ) -> Result<Option<PyStr>, TooLong> {
        let max_count = max_count.unwrap_or(usize::MAX);
        let text = self.read();
        let text = text.units();
        let mut places: SmallVec<[usize; 16]> = SmallVec::new();
        if max_count == 0 || old == new {
            return Ok(None);
        } else if old.is_empty() {
            places.extend((0..=text.len()).take(max_count));
        } else {
            let old = old.read();
            each_match(text, old.units(), &mut |at| {
                places.push(at);
                places.len() < max_count
            });
        }
        if places.is_empty() {
            return Ok(None);
        }
        let kept = text.len() - places.len() * old.len();
        let len = places
            .len()
            .checked_mul(new.len())
            .and_then(|n| n.checked_add(kept));
        let len = len.filter(|&len| len <= max_len).ok_or(TooLong)?;
        if let (Units::Latin1(units), Some(put)) = (text, new.own_latin1()) {
            let mut filled = Filled::new(len);
            let mut from = 0;
            for at in places {
                filled.push(&units[from..at]);
                filled.push(put);
                from = at + old.len();
            }
            filled.push(&units[from..]);
            let units = filled.finish();
            // What was cut out may have been all that was beyond ASCII.
            let is_ascii = (self.is_ascii() && new.is_ascii()) || units.is_ascii();
            return Ok(Some(PyStr::latin1_vec_known(units, is_ascii)));
        }
        let new = new.read();
        let new = new.units();
        let mut builder = StrBuilder::with_capacity(len);
        // Cutting a text short can leave only narrow units, so each part is
        // looked at: push_units does.
        let mut from = 0;
        for at in places {
            builder.push_units(text.part(from..at));
            builder.push_units(new);
            from = at + old.len();
        }
        builder.push_units(text.part(from..text.len()));
        Ok(Some(builder.finish()))
    }

    /// Whether every unit stands in narrower form; for the tests.
    #[cfg(test)]
    pub(super) fn is_canonical(&self) -> bool {
        on_units!(self.read().units(), units => {
            narrowest(units) == self.unit_bytes()
                && self.is_ascii() == units.iter().all(|u| u.cp() < 128)
        })
    }
}
