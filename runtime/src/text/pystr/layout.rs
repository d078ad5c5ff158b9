//! Padding and tabs. Widths come checked from the caller; only expandtabs,
//! whose result can't be foreseen, takes a limit.

use super::{PyStr, StrBuilder, TooLong};

impl PyStr {
    /// The text between `left` and `right` copies of a code point.
    pub fn padded(&self, left: usize, right: usize, fill: u32) -> PyStr {
        if left + right == 0 {
            return self.clone();
        }
        let mut out = StrBuilder::with_capacity(left + self.len() + right);
        out.push_repeated(fill, left);
        out.push(self);
        out.push_repeated(fill, right);
        out.finish()
    }

    /// `str.center`: an odd place goes left where the width is odd.
    pub fn center(&self, width: usize, fill: u32) -> PyStr {
        let room = width.saturating_sub(self.len());
        let left = room / 2 + (room & width & 1);
        self.padded(left, room - left, fill)
    }

    /// `str.ljust`.
    pub fn ljust(&self, width: usize, fill: u32) -> PyStr {
        self.padded(0, width.saturating_sub(self.len()), fill)
    }

    /// `str.rjust`.
    pub fn rjust(&self, width: usize, fill: u32) -> PyStr {
        self.padded(width.saturating_sub(self.len()), 0, fill)
    }

    /// `str.zfill`: zeros after the sign.
    pub fn zfill(&self, width: usize) -> PyStr {
        let zeros = width.saturating_sub(self.len());
        let signed = self
            .char_at(0)
            .filter(|&cp| cp == '+' as u32 || cp == '-' as u32);
        match signed {
            Some(sign) if zeros > 0 => {
                let mut out = StrBuilder::with_capacity(width);
                out.push_cp(sign);
                out.push_repeated('0' as u32, zeros);
                let text = self.read();
                out.push_units(text.units().part(1..self.len()));
                out.finish()
            }
            _ => self.padded(zeros, 0, '0' as u32),
        }
    }

    /// `str.expandtabs`.
    ///
    /// # Errors
    /// The result would have more than `max_len` code points.
    pub fn expand_tabs(&self, tab_size: usize, max_len: usize) -> Result<PyStr, TooLong> {
        let mut out = StrBuilder::with_capacity(self.len());
        let mut column = 0usize;
        for cp in self.chars() {
            match cp {
                9 => {
                    if let Some(into) = column.checked_rem(tab_size) {
                        let spaces = tab_size - into;
                        if out.len().saturating_add(spaces) > max_len {
                            return Err(TooLong);
                        }
                        out.push_repeated(32, spaces);
                        column += spaces;
                    }
                }
                _ => {
                    out.push_cp(cp);
                    column = if cp == 10 || cp == 13 { 0 } else { column + 1 };
                }
            }
        }
        Ok(out.finish())
    }
}
