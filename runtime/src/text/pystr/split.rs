//! Cutting text: split, rsplit, splitlines, partition, the strip family and
//! the removal of prefixes and suffixes.

use std::ops::Range;

use smallvec::SmallVec;

use super::search::{each_match, each_match_back};
use super::unit::{Unit, on_units};
use super::{PyStr, Units};
use crate::text::unicode;

/// Where the parts of a text lie.
type Ranges = SmallVec<[Range<usize>; 8]>;

/// Which ends `strip` works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
    Both,
}

fn is_space<U: Unit>(unit: U) -> bool {
    unicode::is_space(unit.cp())
}

/// The words between runs of whitespace, at most `max_cuts` of them cut off.
fn words<U: Unit>(units: &[U], max_cuts: usize) -> Ranges {
    let mut parts = Ranges::new();
    let mut at = 0;
    loop {
        while at < units.len() && is_space(units[at]) {
            at += 1;
        }
        if at == units.len() {
            return parts;
        }
        if parts.len() == max_cuts {
            parts.push(at..units.len());
            return parts;
        }
        let start = at;
        while at < units.len() && !is_space(units[at]) {
            at += 1;
        }
        parts.push(start..at);
    }
}

/// The same from the right.
fn words_back<U: Unit>(units: &[U], max_cuts: usize) -> Ranges {
    let mut parts = Ranges::new();
    let mut end = units.len();
    loop {
        while end > 0 && is_space(units[end - 1]) {
            end -= 1;
        }
        if end == 0 {
            break;
        }
        if parts.len() == max_cuts {
            parts.push(0..end);
            break;
        }
        let stop = end;
        while end > 0 && !is_space(units[end - 1]) {
            end -= 1;
        }
        parts.push(end..stop);
    }
    parts.reverse();
    parts
}

fn lines<U: Unit>(units: &[U], keep_ends: bool) -> Ranges {
    let mut parts = Ranges::new();
    let mut at = 0;
    while at < units.len() {
        let start = at;
        while at < units.len() && !unicode::is_line_end(units[at].cp()) {
            at += 1;
        }
        let end = at;
        if at < units.len() {
            let pair = units[at].cp() == 13 && units.get(at + 1).is_some_and(|u| u.cp() == 10);
            at += if pair { 2 } else { 1 };
        }
        parts.push(start..if keep_ends { at } else { end });
    }
    parts
}

impl PyStr {
    fn parts(&self, ranges: Ranges) -> Vec<PyStr> {
        ranges.into_iter().map(|range| self.slice(range)).collect()
    }

    /// `str.split`: by whitespace (None) or by a separator that isn't empty, in
    /// at most `max_cuts` places (None: all).
    pub fn split(&self, separator: Option<&PyStr>, max_cuts: Option<usize>) -> Vec<PyStr> {
        let max_cuts = max_cuts.unwrap_or(usize::MAX);
        let text = self.read();
        let Some(separator) = separator.filter(|s| !s.is_empty()) else {
            let ranges = on_units!(text.units(), units => words(units, max_cuts));
            return self.parts(ranges);
        };
        if let (Some(units), Some(&[cut])) = (self.own_latin1(), separator.own_latin1()) {
            return self.split_at_units(units, cut, max_cuts);
        }
        let mut ranges = Ranges::new();
        let mut from = 0;
        if max_cuts > 0 {
            each_match(text.units(), separator.read().units(), &mut |at| {
                ranges.push(from..at);
                from = at + separator.len();
                ranges.len() < max_cuts
            });
        }
        ranges.push(from..self.len());
        self.parts(ranges)
    }

    /// The parts of its own `units` between those that are `cut`.
    fn split_at_units(&self, units: &[u8], cut: u8, max_cuts: usize) -> Vec<PyStr> {
        let part = |range: Range<usize>| {
            let part = &units[range];
            PyStr::latin1_known(part, self.is_ascii() || part.is_ascii())
        };
        let mut parts = Vec::new();
        let mut from = 0;
        for at in memchr::memchr_iter(cut, units).take(max_cuts) {
            parts.push(part(from..at));
            from = at + 1;
        }
        parts.push(part(from..units.len()));
        parts
    }

    /// `str.rsplit`: the same from the right.
    pub fn rsplit(&self, separator: Option<&PyStr>, max_cuts: Option<usize>) -> Vec<PyStr> {
        let max_cuts = max_cuts.unwrap_or(usize::MAX);
        let text = self.read();
        let Some(separator) = separator.filter(|s| !s.is_empty()) else {
            let ranges = on_units!(text.units(), units => words_back(units, max_cuts));
            return self.parts(ranges);
        };
        let mut ranges = Ranges::new();
        let mut end = self.len();
        if max_cuts > 0 {
            each_match_back(text.units(), separator.read().units(), &mut |at| {
                ranges.push(at + separator.len()..end);
                end = at;
                ranges.len() < max_cuts
            });
        }
        ranges.push(0..end);
        ranges.reverse();
        self.parts(ranges)
    }

    /// `str.splitlines`.
    pub fn split_lines(&self, keep_ends: bool) -> Vec<PyStr> {
        let ranges = on_units!(self.read().units(), units => lines(units, keep_ends));
        self.parts(ranges)
    }

    /// `str.partition` by a separator that isn't empty: what stands before and
    /// after its first match; None without a match.
    pub fn partition(&self, separator: &PyStr) -> Option<(PyStr, PyStr)> {
        let at = self.find(separator, 0, self.len())?;
        Some((
            self.slice(0..at),
            self.slice(at + separator.len()..self.len()),
        ))
    }

    /// `str.rpartition`: around the last match.
    pub fn rpartition(&self, separator: &PyStr) -> Option<(PyStr, PyStr)> {
        let at = self.rfind(separator, 0, self.len())?;
        Some((
            self.slice(0..at),
            self.slice(at + separator.len()..self.len()),
        ))
    }

    /// `str.strip` and its kin: without whitespace (None) or the given
    /// characters at the ends.
    pub fn strip(&self, chars: Option<&PyStr>, side: Side) -> PyStr {
        let text = self.read();
        let range = match chars {
            None => on_units!(text.units(), units => trimmed(units, side, unicode::is_space)),
            Some(chars) => {
                let chars = chars.read();
                let chars = chars.units();
                let narrow: Vec<bool> = match chars {
                    Units::Latin1(set) => {
                        let mut narrow = vec![false; 256];
                        set.iter().for_each(|&u| narrow[u as usize] = true);
                        narrow
                    }
                    _ => Vec::new(),
                };
                let wide: std::collections::BTreeSet<u32> = match chars {
                    Units::Latin1(_) => Default::default(),
                    set => (0..set.len()).map(|at| set.at(at)).collect(),
                };
                let drop = |cp: u32| {
                    narrow.get(cp as usize).copied().unwrap_or(false) || wide.contains(&cp)
                };
                on_units!(text.units(), units => trimmed(units, side, drop))
            }
        };
        if range.len() == self.len() {
            self.clone()
        } else {
            self.slice(range)
        }
    }

    /// `str.removeprefix`.
    pub fn remove_prefix(&self, prefix: &PyStr) -> PyStr {
        let from = if self.starts_with(prefix, 0, self.len()) {
            prefix.len()
        } else {
            0
        };
        self.slice(from..self.len())
    }

    /// `str.removesuffix`.
    pub fn remove_suffix(&self, suffix: &PyStr) -> PyStr {
        let cut = if self.ends_with(suffix, 0, self.len()) {
            suffix.len()
        } else {
            0
        };
        self.slice(0..self.len() - cut)
    }
}

fn trimmed<U: Unit>(units: &[U], side: Side, drop: impl Fn(u32) -> bool) -> Range<usize> {
    let (mut start, mut end) = (0, units.len());
    if side != Side::Right {
        while start < end && drop(units[start].cp()) {
            start += 1;
        }
    }
    if side != Side::Left {
        while end > start && drop(units[end - 1].cp()) {
            end -= 1;
        }
    }
    start..end
}
