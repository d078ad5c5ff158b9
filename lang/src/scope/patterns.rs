//! Takes the cases of a `match` statement, rejects the patterns that CPython's
//! compiler rejects. Binds nothing.

use num_bigint::BigInt;
use num_traits::FromPrimitive;
use rustc_hash::FxHashSet;

use super::Errors;
use crate::ast::*;
use crate::bytecode::Const;
use crate::{fold, unparse};

pub(super) fn check_cases(cases: &[MatchCase], errors: &mut Errors) {
    for (index, case) in cases.iter().enumerate() {
        if index + 1 < cases.len() && case.guard.is_none() {
            check_reachable_after(&case.pattern, errors);
        }
        let mut names = FxHashSet::default();
        check(&case.pattern, &mut names, errors);
    }
}

/// The part of a pattern that makes it match everything.
fn irrefutable(pattern: &Pattern) -> Option<&Pattern> {
    match &pattern.kind {
        PatternKind::Wildcard | PatternKind::Capture(_) => Some(pattern),
        PatternKind::As { pattern, .. } => irrefutable(pattern),
        PatternKind::Or(items) => items.last().and_then(irrefutable),
        _ => None,
    }
}

fn check_reachable_after(pattern: &Pattern, errors: &mut Errors) {
    let Some(all) = irrefutable(pattern) else {
        return;
    };
    let text = match &all.kind {
        PatternKind::Capture(name) => format!(
            "name capture '{}' makes remaining patterns unreachable",
            name.name
        ),
        _ => String::from("wildcard makes remaining patterns unreachable"),
    };
    errors.context("E0420", text, all.span);
}

fn capture<'a>(name: &'a Ident, names: &mut FxHashSet<&'a Name>, errors: &mut Errors) {
    if !names.insert(&name.name) {
        let text = format!("multiple assignments to name '{}' in pattern", name.name);
        errors.context("E0421", text, name.span);
    }
}

/// Checks one pattern; `names` are those bound so far, to which it adds its own.
fn check<'a>(pattern: &'a Pattern, names: &mut FxHashSet<&'a Name>, errors: &mut Errors) {
    match &pattern.kind {
        PatternKind::Value(_)
        | PatternKind::None
        | PatternKind::True
        | PatternKind::False
        | PatternKind::Wildcard
        | PatternKind::Star(None) => {}
        PatternKind::Capture(name) | PatternKind::Star(Some(name)) => {
            capture(name, names, errors);
        }
        PatternKind::Sequence(items) => {
            let stars = items
                .iter()
                .filter(|item| matches!(item.kind, PatternKind::Star(_)));
            if stars.count() > 1 {
                let text = "multiple starred names in sequence pattern";
                errors.context("E0422", text, pattern.span);
            }
            items.iter().for_each(|item| check(item, names, errors));
        }
        PatternKind::Mapping { entries, rest } => {
            let mut keys: FxHashSet<Key> = FxHashSet::default();
            for entry in entries {
                if let Some(value) = fold::constant(&entry.key)
                    && let Some(key) = Key::of(&value)
                    && !keys.insert(key)
                {
                    let key = unparse::constant(&value);
                    let text = format!("mapping pattern checks duplicate key ({key})");
                    errors.context("E0423", text, pattern.span);
                }
                check(&entry.pattern, names, errors);
            }
            if let Some(rest) = rest {
                capture(rest, names, errors);
            }
        }
        PatternKind::Class(node) => {
            let mut attrs: FxHashSet<&Name> = FxHashSet::default();
            node.positional
                .iter()
                .for_each(|item| check(item, names, errors));
            for (attr, item) in &node.keywords {
                if !attrs.insert(&attr.name) {
                    let text = format!("attribute name repeated in class pattern: {}", attr.name);
                    errors.context("E0424", text, item.span);
                }
                check(item, names, errors);
            }
        }
        PatternKind::As { pattern, name } => {
            check(pattern, names, errors);
            capture(name, names, errors);
        }
        PatternKind::Or(items) => check_or(pattern, items, names, errors),
    }
}

fn check_or<'a>(
    pattern: &'a Pattern,
    items: &'a [Pattern],
    names: &mut FxHashSet<&'a Name>,
    errors: &mut Errors,
) {
    let mut first: Option<FxHashSet<&Name>> = None;
    for (index, item) in items.iter().enumerate() {
        if index + 1 < items.len() {
            check_reachable_after(item, errors);
        }
        let mut own = FxHashSet::default();
        check(item, &mut own, errors);
        match &first {
            None => first = Some(own),
            Some(first) if *first != own => {
                let text = "alternative patterns bind different names";
                errors.context("E0425", text, pattern.span);
                break;
            }
            Some(_) => {}
        }
    }
    for name in first.unwrap_or_default() {
        if !names.insert(name) {
            let text = format!("multiple assignments to name '{name}' in pattern");
            errors.context("E0421", text, pattern.span);
        }
    }
}

/// What tells constant keys apart: the numbers that are equal are one.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    None,
    Int(BigInt),
    /// The bits of one that is no integer.
    Float(u64),
    Str(Vec<u32>),
    Bytes(Vec<u8>),
}

impl Key {
    /// `None` for what isn't a literal: a dotted name.
    fn of(value: &Const) -> Option<Key> {
        Some(match value {
            Const::None => Key::None,
            Const::False => Key::Int(BigInt::ZERO),
            Const::True => Key::Int(BigInt::from(1)),
            Const::Int(value) => Key::Int(BigInt::from(*value)),
            Const::BigInt(value) => Key::Int(value.clone()),
            Const::Float(value) => match BigInt::from_f64(*value) {
                Some(int) if value.fract() == 0.0 => Key::Int(int),
                _ => Key::Float(value.to_bits()),
            },
            Const::Str(value) => Key::Str(value.code_points()),
            Const::Bytes(value) => Key::Bytes(value.clone()),
            _ => return None,
        })
    }
}
