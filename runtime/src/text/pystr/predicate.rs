//! The `is…` methods of str.

use super::PyStr;
use super::unit::{Unit, on_units};
use crate::text::unicode;

impl PyStr {
    #[inline]
    fn all_some(&self, test: impl Fn(u32) -> bool) -> bool {
        on_units!(self.read().units(), units => {
            !units.is_empty() && units.iter().all(|unit| test(unit.cp()))
        })
    }

    /// `str.isalpha`.
    pub fn is_alpha(&self) -> bool {
        self.all_some(unicode::is_alpha)
    }

    /// `str.isalnum`.
    pub fn is_alnum(&self) -> bool {
        self.all_some(unicode::is_alnum)
    }

    /// `str.isdecimal`.
    pub fn is_decimal(&self) -> bool {
        self.all_some(unicode::is_decimal)
    }

    /// `str.isdigit`.
    pub fn is_digit(&self) -> bool {
        self.all_some(unicode::is_digit)
    }

    /// `str.isnumeric`.
    pub fn is_numeric(&self) -> bool {
        self.all_some(unicode::is_numeric)
    }

    /// `str.isspace`.
    pub fn is_space(&self) -> bool {
        self.all_some(unicode::is_space)
    }

    /// `str.isprintable`; true of the empty str.
    pub fn is_printable(&self) -> bool {
        self.chars().all(unicode::is_printable)
    }

    /// `str.isidentifier`.
    pub fn is_identifier(&self) -> bool {
        let mut chars = self.chars();
        chars.next().is_some_and(unicode::is_id_start) && chars.all(unicode::is_id_continue)
    }

    /// `str.islower`: a lower-case letter and none of another case.
    pub fn is_lower(&self) -> bool {
        let other = |cp| unicode::is_upper(cp) || unicode::is_title(cp);
        !self.chars().any(other) && self.chars().any(unicode::is_lower)
    }

    /// `str.isupper`.
    pub fn is_upper(&self) -> bool {
        let other = |cp| unicode::is_lower(cp) || unicode::is_title(cp);
        !self.chars().any(other) && self.chars().any(unicode::is_upper)
    }

    /// `str.istitle`.
    pub fn is_title(&self) -> bool {
        let (mut inside, mut cased) = (false, false);
        for cp in self.chars() {
            if unicode::is_upper(cp) || unicode::is_title(cp) {
                if inside {
                    return false;
                }
                (inside, cased) = (true, true);
            } else if unicode::is_lower(cp) {
                if !inside {
                    return false;
                }
                cased = true;
            } else {
                inside = false;
            }
        }
        cased
    }
}
