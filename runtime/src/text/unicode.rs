//! What a code point is: the predicates and case mappings of CPython 3.13's
//! str. Takes one code point (a surrogate too), gives yes, no or text. The
//! tables are generated; nothing here knows of strings.

use super::unicode_tables as table;

/// One row of the generated table: flags, digit value, and the distances to
/// the upper, lower, title and folded code point.
pub struct Record(pub u16, pub u8, pub i32, pub i32, pub i32, pub i32);

#[inline]
fn record(cp: u32) -> &'static Record {
    let Some(&row) = table::STAGE_1.get((cp >> table::SHIFT) as usize) else {
        return &table::RECORDS[0];
    };
    let column = (cp & ((1 << table::SHIFT) - 1)) as usize;
    let index = table::STAGE_2[((row as usize) << table::SHIFT) + column];
    &table::RECORDS[index as usize]
}

#[inline]
fn has(cp: u32, flags: u16) -> bool {
    record(cp).0 & flags != 0
}

#[inline]
pub fn is_alpha(cp: u32) -> bool {
    has(cp, table::ALPHA)
}

#[inline]
pub fn is_decimal(cp: u32) -> bool {
    has(cp, table::DECIMAL)
}

#[inline]
pub fn is_digit(cp: u32) -> bool {
    has(cp, table::DIGIT)
}

#[inline]
pub fn is_numeric(cp: u32) -> bool {
    has(cp, table::NUMERIC)
}

#[inline]
pub fn is_alnum(cp: u32) -> bool {
    has(
        cp,
        table::ALPHA | table::DECIMAL | table::DIGIT | table::NUMERIC,
    )
}

#[inline]
pub fn is_lower(cp: u32) -> bool {
    has(cp, table::LOWER)
}

#[inline]
pub fn is_upper(cp: u32) -> bool {
    has(cp, table::UPPER)
}

/// A titlecase letter such as U+01C5; not an upper-case one.
#[inline]
pub fn is_title(cp: u32) -> bool {
    has(cp, table::TITLE)
}

#[inline]
pub fn is_space(cp: u32) -> bool {
    has(cp, table::SPACE)
}

/// Whether a terminal shows it as wide as two letters: East_Asian_Width W or F.
pub fn is_wide(cp: u32) -> bool {
    let at = table::WIDE.partition_point(|&(_, last)| last < cp);
    table::WIDE.get(at).is_some_and(|&(first, _)| first <= cp)
}

/// Whether `str.splitlines` breaks here.
#[inline]
pub fn is_line_end(cp: u32) -> bool {
    has(cp, table::LINE_END)
}

/// Whether `repr` shows the code point itself.
#[inline]
pub fn is_printable(cp: u32) -> bool {
    has(cp, table::PRINTABLE)
}

#[inline]
pub fn is_id_start(cp: u32) -> bool {
    has(cp, table::ID_START)
}

#[inline]
pub fn is_id_continue(cp: u32) -> bool {
    has(cp, table::ID_CONTINUE)
}

#[inline]
pub fn is_cased(cp: u32) -> bool {
    has(cp, table::CASED)
}

/// Whether the search for a final sigma looks past this code point.
pub fn is_case_ignorable(cp: u32) -> bool {
    has(cp, table::CASE_IGNORABLE)
}

/// The value of a decimal digit of any script: what `int()` and `float()` read.
#[inline]
pub fn decimal_value(cp: u32) -> Option<u8> {
    let record = record(cp);
    (record.0 & table::DECIMAL != 0).then_some(record.1)
}

/// One of the four case mappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Upper,
    Lower,
    Title,
    Fold,
}

/// Passes the full mapping of a code point on, of one to three code points.
#[inline]
pub fn map_case(cp: u32, case: Case, mut emit: impl FnMut(u32)) {
    let record = record(cp);
    if record.0 & table::SPECIAL != 0
        && let Ok(at) = table::SPECIAL_CASES.binary_search_by_key(&cp, |row| row.0)
    {
        for c in table::SPECIAL_CASES[at].1[case as usize].chars() {
            emit(c as u32);
        }
        return;
    }
    let distance = match case {
        Case::Upper => record.2,
        Case::Lower => record.3,
        Case::Title => record.4,
        Case::Fold => record.5,
    };
    emit(cp.wrapping_add_signed(distance));
}
