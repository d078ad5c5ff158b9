//! Replacement templates: `\1`, `\g<name>` and escapes among plain text.

use lockstep_runtime::text::pystr::PyStr;
use lockstep_runtime::{B, Kind, PyResult, Value, Vm};

use super::found::Match;
use super::parse::{
    DIGITS, Error, GROUPS_MAX, OCTAL, Result, Tokenizer, is_ascii_digit, is_number, is_octal,
    joined, number, same, simple_escape, text_of, trim_zeros,
};
use super::pattern::{Pattern, pattern};
use super::subject;

/// A piece of a template.
#[derive(Clone, Copy)]
pub enum Piece<T = Value> {
    /// A str or bytes, None where it is empty; or the code points of one.
    Text(T),
    Group(usize),
}

/// A parsed template.
pub struct Template {
    pub pieces: Vec<Piece>,
    pub is_text: bool,
}

/// Parses `repl` for an expression. The texts of its pieces live until the native that is
/// running returns.
///
/// # Errors
/// `re.error`, IndexError, TypeError.
pub fn parse(vm: &mut Vm, of: Value, repl: Value) -> PyResult<Template> {
    // CPython 3.13 _sre.c compile_template: parsed templates are kept by their hash, and what is
    // like bytes is made bytes for it.
    if vm.heap.kind(repl) != Some(Kind::Bytes) {
        vm.hash(repl)?;
    }
    let (units, is_text) = subject::source(vm, repl)?;
    let pattern = pattern(vm, of)?;
    let (groups, names) = (pattern.groups(), pattern.names.clone());
    match pieces(&units, is_text, groups, &names) {
        Ok(pieces) => {
            let made = |piece: Piece<Vec<u32>>| match piece {
                Piece::Group(group) => Piece::Group(group),
                Piece::Text(units) if units.is_empty() => Piece::Text(Value::NONE),
                Piece::Text(units) => {
                    let text = text_value(vm, &units, is_text);
                    Piece::Text(vm.root(text))
                }
            };
            let pieces = pieces.into_iter().map(made).collect();
            Ok(Template { pieces, is_text })
        }
        Err(error) => Err(super::raise(vm, error, repl)),
    }
}

/// Raises what is wrong with a template.
pub fn check(vm: &mut Vm, a: &[Value]) -> PyResult {
    parse(vm, a[0], a[1])?;
    Ok(Value::NONE)
}

/// The template with a match's groups filled in.
///
/// # Errors
/// TypeError, where the template is of the other kind than the text.
pub fn expand(vm: &mut Vm, template: &Template, found: &Match) -> PyResult {
    let parts = vm.heap.list(Vec::new());
    vm.root(parts);
    for piece in &template.pieces {
        let part = match *piece {
            Piece::Text(text) if text.is_none() => continue,
            Piece::Text(text) => text,
            Piece::Group(group) => match found.span(group) {
                Some((from, to)) => subject::slice(vm, found.string, from, to),
                None => continue,
            },
        };
        vm.heap.list_push(parts, part);
    }
    let is_text = match template.pieces.is_empty() {
        true => template.is_text,
        false => vm.heap.as_str(found.string).is_some(),
    };
    join(vm, parts, is_text)
}

fn text_value(vm: &mut Vm, units: &[u32], is_text: bool) -> Value {
    if is_text {
        vm.heap.str(text_of(units))
    } else {
        vm.heap.bytes(units.iter().map(|&u| u as u8).collect())
    }
}

/// The str or bytes that a list of parts makes.
///
/// # Errors
/// TypeError, MemoryError.
pub fn join(vm: &mut Vm, parts: Value, is_text: bool) -> PyResult {
    let items = vm.heap.as_sequence(parts).unwrap_or_default();
    if is_text && items.iter().all(|&item| vm.heap.is_exact(item, B::Str)) {
        if let [one] = *items {
            return Ok(one);
        }
        let texts = items.iter().map(|&item| vm.heap.text(item));
        let limit = vm.room();
        if let Ok(text) = PyStr::join(&PyStr::empty(), texts, limit) {
            return Ok(vm.heap.str(text));
        }
    }
    let nothing = text_value(vm, &[], is_text);
    let name = vm.heap.intern("join");
    let join = vm.get_attr(nothing, name)?;
    vm.root(join);
    vm.call(join, &[parts])
}

fn pieces(
    units: &[u32],
    is_text: bool,
    groups: usize,
    names: &[(PyStr, usize)],
) -> Result<Vec<Piece<Vec<u32>>>> {
    let mut source = Tokenizer::new(units, is_text)?;
    let mut pieces = Vec::new();
    let mut text = Vec::new();
    while let Some(token) = source.get()? {
        let Some(c) = token.escaped else {
            text.push(token.first);
            continue;
        };
        let mut escape = vec!['\\' as u32, c];
        let group = if c == 'g' as u32 {
            let (group, len) = named(&mut source, names)?;
            checked(&source, group, groups, len)?
        } else if c == '0' as u32 {
            source.take_while(2, OCTAL, &mut escape)?;
            text.push(number(&escape[1..], 8) as u32 & 0xff);
            continue;
        } else if is_ascii_digit(c) {
            source.take_while(1, DIGITS, &mut escape)?;
            if escape.len() == 3
                && is_octal(c)
                && is_octal(escape[2])
                && source.next_is_one_of(OCTAL)
            {
                source.take_while(1, OCTAL, &mut escape)?;
                let value = number(&escape[1..], 8) as u32;
                if value > 0o377 {
                    let shown = text_of(&escape).to_lossy();
                    let message = format!("octal escape value {shown} outside of range 0-0o377");
                    return Err(source.error(message.as_str(), escape.len()));
                }
                text.push(value);
                continue;
            }
            let group = number(&escape[1..], 10);
            checked(&source, group, groups, escape.len() - 1)?
        } else if let Some(c) = simple_escape(c) {
            text.push(c);
            continue;
        } else if char::from_u32(c).is_some_and(|c| c.is_ascii_alphabetic()) {
            return Err(source.error_with("bad escape ", &escape, escape.len()));
        } else {
            text.extend(escape);
            continue;
        };
        pieces.push(Piece::Text(std::mem::take(&mut text)));
        pieces.push(Piece::Group(group));
    }
    pieces.push(Piece::Text(text));
    Ok(pieces)
}

fn checked(source: &Tokenizer<'_>, group: u64, groups: usize, offset: usize) -> Result<usize> {
    match usize::try_from(group) {
        Ok(group) if group <= groups => Ok(group),
        _ => {
            let message = format!("invalid group reference {group}");
            Err(source.error(message.as_str(), offset))
        }
    }
}

/// The group of `\g<name>`, and how far back an error about it lies.
fn named(source: &mut Tokenizer<'_>, names: &[(PyStr, usize)]) -> Result<(u64, usize)> {
    if !source.accept('<')? {
        return Err(source.error("missing <", 0));
    }
    let name = source.take_until('>', "group name")?;
    let offset = name.len() + 1;
    if is_number(&name) {
        let group = number(&name, 10);
        if group >= GROUPS_MAX as u64 {
            let message = "invalid group reference ";
            return Err(source.error_with(message, trim_zeros(&name), offset));
        }
        return Ok((group, offset));
    }
    source.check_group_name(&name, 1)?;
    let text = text_of(&name);
    match names.iter().find(|(known, _)| same(known, &text)) {
        Some(&(_, group)) => Ok((group as u64, offset)),
        None => Err(Error::Index(joined("unknown group name ", &text.repr()))),
    }
}

impl Pattern {
    /// Groups, the whole match not counted.
    pub fn groups(&self) -> usize {
        self.program.n_groups
    }
}
