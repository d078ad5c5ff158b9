//! Character sets and case folding, as the flags of an expression have them.
//! A set is made once and asked for every character: ASCII and Latin-1 by a
//! bitmap, the rest by its ranges and classes.

use lockstep_runtime::text::unicode::{self, Case};

use super::tree::{ASCII, Class, IGNORECASE, Item, LOCALE, UNICODE};

/// Which letters are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    None,
    Ascii,
    Unicode,
}

impl Fold {
    pub fn of_flags(flags: u32) -> Fold {
        if flags & IGNORECASE == 0 {
            Fold::None
        } else if flags & UNICODE != 0 && flags & (LOCALE | ASCII) == 0 {
            Fold::Unicode
        } else {
            Fold::Ascii
        }
    }

    /// The one that stands for all that are the same, but for `same_as`.
    #[inline]
    pub fn lower(self, cp: u32) -> u32 {
        match self {
            Fold::None => cp,
            Fold::Ascii if (0x41..=0x5a).contains(&cp) => cp | 0x20,
            Fold::Ascii => cp,
            Fold::Unicode => mapped(cp, Case::Lower),
        }
    }

    /// Lower-case characters with the same upper-case one as this lower-case one.
    fn same_as(self, lower: u32) -> impl Iterator<Item = u32> {
        let families: &[&[u32]] = match self {
            Fold::Unicode => SAME_UPPER,
            _ => &[],
        };
        families
            .iter()
            .filter(move |family| family.contains(&lower))
            .flat_map(|family| family.iter().copied())
            .filter(move |&c| c != lower)
    }

    /// Whether the case of a character matters.
    pub fn is_cased(self, cp: u32) -> bool {
        match self {
            Fold::None => false,
            Fold::Ascii => char::from_u32(cp).is_some_and(|c| c.is_ascii_alphabetic()),
            Fold::Unicode => {
                let lower = mapped(cp, Case::Lower);
                cp != lower || cp != mapped(cp, Case::Upper)
            }
        }
    }

    /// Whether two characters are the same.
    pub fn same(self, a: u32, b: u32) -> bool {
        if a == b {
            return true;
        }
        let (a, b) = (self.lower(a), self.lower(b));
        a == b || self.same_as(a).any(|c| c == b)
    }

    /// Whether more than `lower` stands for a lower-case character.
    pub fn has_family(self, lower: u32) -> bool {
        self.same_as(lower).next().is_some()
    }
}

/// The simple mapping: the first character of the full one, as in CPython.
fn mapped(cp: u32, case: Case) -> u32 {
    let mut first = None;
    unicode::map_case(cp, case, |c| first = first.or(Some(c)));
    first.unwrap_or(cp)
}

/// Lower-case characters that share an upper-case one (Unicode 15.1).
const SAME_UPPER: &[&[u32]] = &[
    &[0x69, 0x131],
    &[0x73, 0x17f],
    &[0xb5, 0x3bc],
    &[0x345, 0x3b9, 0x1fbe],
    &[0x390, 0x1fd3],
    &[0x3b0, 0x1fe3],
    &[0x3b2, 0x3d0],
    &[0x3b5, 0x3f5],
    &[0x3b8, 0x3d1],
    &[0x3ba, 0x3f0],
    &[0x3c0, 0x3d6],
    &[0x3c1, 0x3f1],
    &[0x3c2, 0x3c3],
    &[0x3c6, 0x3d5],
    &[0x432, 0x1c80],
    &[0x434, 0x1c81],
    &[0x43e, 0x1c82],
    &[0x441, 0x1c83],
    &[0x442, 0x1c84, 0x1c85],
    &[0x44a, 0x1c86],
    &[0x463, 0x1c87],
    &[0x1c88, 0xa64b],
    &[0x1e61, 0x1e9b],
    &[0xfb05, 0xfb06],
];

/// Above the last letter that has a case.
const CASED_END: u32 = 0x1_e944;

/// Whether a character is of a class; the flags say of which alphabet.
pub fn in_class(class: Class, unicode_classes: bool, cp: u32) -> bool {
    if cp >= 128 && !unicode_classes {
        return false;
    }
    match class {
        Class::Digit => unicode::is_decimal(cp),
        // The separators 0x1c to 0x1f are spaces in Unicode alone.
        Class::Space if !unicode_classes => cp == 32 || (9..=13).contains(&cp),
        Class::Space => unicode::is_space(cp),
        Class::Word => cp == '_' as u32 || unicode::is_alnum(cp),
    }
}

/// A set of characters.
#[derive(Debug)]
pub struct CharSet {
    negated: bool,
    fold: Fold,
    unicode_classes: bool,
    /// The answer for each character below 256.
    low: [u64; 4],
    /// Sorted, not touching; of lower-case characters where case is ignored.
    ranges: Vec<(u32, u32)>,
    classes: Vec<(Class, bool)>,
}

impl CharSet {
    pub fn new(items: &[Item], negated: bool, flags: u32) -> CharSet {
        let mut fold = Fold::of_flags(flags);
        let mut ranges = Vec::new();
        let mut classes = Vec::new();
        let mut has_case = false;
        for &item in items {
            let (lo, hi) = match item {
                Item::Char(c) => (c, c),
                Item::Range(lo, hi) => (lo, hi),
                Item::Class(class, negated) => {
                    classes.push((class, negated));
                    continue;
                }
            };
            if fold == Fold::None {
                ranges.push((lo, hi));
                continue;
            }
            for cp in lo..=hi.min(CASED_END) {
                has_case |= fold.is_cased(cp);
                let lower = fold.lower(cp);
                ranges.push((lower, lower));
                ranges.extend(fold.same_as(lower).map(|c| (c, c)));
            }
            if hi > CASED_END {
                ranges.push((lo.max(CASED_END + 1), hi));
            }
        }
        if !has_case {
            fold = Fold::None;
        }
        let mut set = CharSet {
            negated,
            fold,
            unicode_classes: flags & UNICODE != 0 && flags & (LOCALE | ASCII) == 0,
            low: [0; 4],
            ranges: merged(ranges),
            classes,
        };
        for cp in 0..256 {
            if set.find(cp) {
                set.low[cp as usize / 64] |= 1 << (cp % 64);
            }
        }
        set
    }

    #[inline]
    pub fn has(&self, cp: u32) -> bool {
        if cp < 256 {
            self.low[cp as usize / 64] >> (cp % 64) & 1 != 0
        } else {
            self.find(cp)
        }
    }

    fn find(&self, cp: u32) -> bool {
        let cp = self.fold.lower(cp);
        let at = self.ranges.partition_point(|&(_, hi)| hi < cp);
        let found = self.ranges.get(at).is_some_and(|&(lo, _)| lo <= cp)
            || self
                .classes
                .iter()
                .any(|&(class, negated)| in_class(class, self.unicode_classes, cp) != negated);
        found != self.negated
    }
}

/// Ranges sorted, those that touch made one.
fn merged(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut result: Vec<(u32, u32)> = Vec::new();
    for (lo, hi) in ranges {
        match result.last_mut() {
            Some(last) if lo <= last.1.saturating_add(1) => last.1 = last.1.max(hi),
            _ => result.push((lo, hi)),
        }
    }
    result
}
