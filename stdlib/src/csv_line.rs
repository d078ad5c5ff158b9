//! `_csv_line`: the fields of a line of a table, where the line is a whole row and nothing in it
//! needs more than a look ahead by one character. `csv.async` has all the rules, and reads what
//! this leaves to it.

use std::ops::Range;

use lockstep_runtime::native::function;
use lockstep_runtime::text::pystr::{PyStr, Units};
use lockstep_runtime::{PyResult, Value, Vm};

use crate::{NativeModule, args};

pub static MODULE: NativeModule = NativeModule {
    name: "_csv_line",
    functions: &[function(
        "fields(line, delimiter, quote, doubles, limit, /)",
        fields,
    )],
    init: |_, _| Ok(()),
};

/// Where a field's text is, and whether quotes in it stand for one each two.
struct Field {
    range: Range<usize>,
    has_doubled: bool,
}

/// The fields, a list of str; None where the line is for the rules.
fn fields(vm: &mut Vm, a: &[Value]) -> PyResult {
    let line = args::text(vm, "fields", 1, a[0])?;
    let Some(delimiter) = single(vm, a[1]) else {
        return Ok(Value::NONE);
    };
    let quote = single(vm, a[2]);
    let doubles = a[3] == Value::TRUE;
    let limit = a[4].as_int().unwrap_or(0);
    let text = line.read();
    let found = match text.units() {
        Units::Latin1(units) => split(units, delimiter, quote, doubles),
        Units::Ucs2(units) => split(units, delimiter, quote, doubles),
        Units::Ucs4(units) => split(units, delimiter, quote, doubles),
    };
    let Some(found) = found else {
        return Ok(Value::NONE);
    };
    if found.iter().any(|field| field.range.len() as i64 > limit) {
        return Ok(Value::NONE);
    }
    let one = quote.and_then(PyStr::from_code_point).unwrap_or_default();
    let two = one.concat(&one);
    let mut items = Vec::with_capacity(found.len());
    for field in found {
        let mut text = line.slice(field.range);
        if field.has_doubled
            && let Ok(Some(single)) = text.replace(&two, &one, None, usize::MAX)
        {
            text = single;
        }
        let item = vm.heap.str(text);
        items.push(vm.root(item));
    }
    Ok(vm.heap.list(items))
}

/// The code of a text of one character.
fn single(vm: &Vm, text: Value) -> Option<u32> {
    let text = vm.heap.as_str(text)?;
    (text.len() == 1).then(|| text.read().units().at(0))
}

fn split<U: Copy + Into<u32>>(
    units: &[U],
    delimiter: u32,
    quote: Option<u32>,
    doubles: bool,
) -> Option<Vec<Field>> {
    let is = |at: usize, c: char| units.get(at).is_some_and(|&u| u.into() == u32::from(c));
    let mut end = units.len();
    if end > 0 && is(end - 1, '\n') {
        end -= 1;
    }
    if end > 0 && is(end - 1, '\r') {
        end -= 1;
    }
    if end == 0 {
        return None;
    }
    let units = &units[..end];
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let is_quoted = at < end && Some(units[at].into()) == quote;
        let (field, after) = if is_quoted {
            quoted(units, at + 1, quote?, doubles)?
        } else {
            let text = &units[at..];
            let ends = |&u: &U| u.into() == delimiter || matches!(u.into(), 10 | 13);
            let range = at..at + text.iter().position(ends).unwrap_or(text.len());
            let after = range.end;
            let has_doubled = false;
            (Field { range, has_doubled }, after)
        };
        found.push(field);
        match units.get(after) {
            None => return Some(found),
            Some(&u) if u.into() == delimiter => at = after + 1,
            Some(_) => return None,
        }
    }
}

/// The field whose first character behind the quote is at `start`, and where the text goes on.
fn quoted<U: Copy + Into<u32>>(
    units: &[U],
    start: usize,
    quote: u32,
    doubles: bool,
) -> Option<(Field, usize)> {
    let mut has_doubled = false;
    let mut at = start;
    loop {
        at += units[at..].iter().position(|&u| u.into() == quote)?;
        let is_doubled = units.get(at + 1).is_some_and(|&u| u.into() == quote);
        if !is_doubled {
            let range = start..at;
            return Some((Field { range, has_doubled }, at + 1));
        }
        if !doubles {
            return None;
        }
        has_doubled = true;
        at += 2;
    }
}
