//! Units of one, two or four bytes, and views of them. Knows widths; never
//! knows where the units are kept.

/// A unit of text: `u8`, `u16` or `u32`, each one code point.
pub trait Unit: Copy + Ord + Default + 'static {
    const BYTES: usize;
    fn cp(self) -> u32;
    /// The unit of a code point that fits.
    fn of_cp(cp: u32) -> Self;
    fn wrap(units: &[Self]) -> Units<'_>;
}

impl Unit for u8 {
    const BYTES: usize = 1;
    #[inline]
    fn cp(self) -> u32 {
        self as u32
    }
    #[inline]
    fn of_cp(cp: u32) -> Self {
        cp as u8
    }
    #[inline]
    fn wrap(units: &[Self]) -> Units<'_> {
        Units::Latin1(units)
    }
}

impl Unit for u16 {
    const BYTES: usize = 2;
    #[inline]
    fn cp(self) -> u32 {
        self as u32
    }
    #[inline]
    fn of_cp(cp: u32) -> Self {
        cp as u16
    }
    #[inline]
    fn wrap(units: &[Self]) -> Units<'_> {
        Units::Ucs2(units)
    }
}

impl Unit for u32 {
    const BYTES: usize = 4;
    #[inline]
    fn cp(self) -> u32 {
        self
    }
    #[inline]
    fn of_cp(cp: u32) -> Self {
        cp
    }
    #[inline]
    fn wrap(units: &[Self]) -> Units<'_> {
        Units::Ucs4(units)
    }
}

/// A view of a str's units.
#[derive(Clone, Copy, Debug)]
pub enum Units<'a> {
    Latin1(&'a [u8]),
    Ucs2(&'a [u16]),
    Ucs4(&'a [u32]),
}

/// Runs one generic body for each width.
macro_rules! on_units {
    ($units:expr, $name:ident => $body:expr) => {
        match $units {
            $crate::text::pystr::Units::Latin1($name) => $body,
            $crate::text::pystr::Units::Ucs2($name) => $body,
            $crate::text::pystr::Units::Ucs4($name) => $body,
        }
    };
}
pub(super) use on_units;

impl<'a> Units<'a> {
    #[inline]
    pub fn len(self) -> usize {
        on_units!(self, units => units.len())
    }

    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The code point at an index.
    ///
    /// # Panics
    /// If the index is not below the length.
    #[inline]
    pub fn at(self, at: usize) -> u32 {
        on_units!(self, units => units[at].cp())
    }

    /// Bytes per unit.
    #[inline]
    pub fn bytes(self) -> usize {
        match self {
            Units::Latin1(_) => 1,
            Units::Ucs2(_) => 2,
            Units::Ucs4(_) => 4,
        }
    }

    /// A part of the view.
    ///
    /// # Panics
    /// If the range is not inside it.
    #[inline]
    pub fn part(self, range: std::ops::Range<usize>) -> Units<'a> {
        match self {
            Units::Latin1(units) => Units::Latin1(&units[range]),
            Units::Ucs2(units) => Units::Ucs2(&units[range]),
            Units::Ucs4(units) => Units::Ucs4(&units[range]),
        }
    }

    /// The units in another width, when they were stored narrowest and fit it.
    pub fn to_width<U: Unit>(self) -> Option<Vec<U>> {
        if self.bytes() > U::BYTES {
            return None;
        }
        Some(on_units!(self, units => units.iter().map(|u| U::of_cp(u.cp())).collect()))
    }
}

/// The bytes per unit that the text needs: 1, 2 or 4.
pub fn narrowest<U: Unit>(units: &[U]) -> usize {
    // Blocks let the compiler use vectors, and end early for wide text.
    let mut needed = 1;
    for block in units.chunks(64) {
        let all = block.iter().fold(0, |all, u| all | u.cp());
        if all > 0xffff {
            return 4;
        }
        if all > 0xff {
            needed = 2;
            if U::BYTES == 2 {
                return 2;
            }
        }
    }
    needed
}
