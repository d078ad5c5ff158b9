//! The template of `str.format`: takes it apart into literal text and fields,
//! and a field's name into its first part and the accessors after it. Looks
//! nothing up. Errors are CPython's messages, all of ValueErrors, and come when
//! the piece is reached, as CPython raises them.

use super::pystr::{PyStr, StrBuilder};
use super::spec::read_number;

/// The message of a ValueError.
pub type Message = &'static str;

const TOO_MANY_DIGITS: Message = "Too many decimal digits in format string";

/// Fields may nest this deep: one level inside a format specification.
pub const MAX_DEPTH: usize = 2;
/// ValueError beyond [`MAX_DEPTH`].
pub const TOO_DEEP: Message = "Max string recursion exceeded";
/// ValueError of `format_map` for a field without a name.
pub const NO_POSITIONAL: Message = "Format string contains positional fields";

/// A field between braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What stands before `!` or `:`; see [`FieldName`].
    pub name: PyStr,
    /// The letter after `!`.
    pub conversion: Option<u32>,
    /// What stands after `:`.
    pub spec: PyStr,
    /// The specification is a template itself.
    pub spec_has_fields: bool,
}

/// Literal text and the field that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub literal: PyStr,
    pub field: Option<Field>,
}

/// The ValueError message of a conversion that isn't `r`, `s` or `a`.
pub fn unknown_conversion(cp: u32) -> String {
    match char::from_u32(cp) {
        Some(c @ '!'..='~') => format!("Unknown conversion specifier {c}"),
        _ => format!("Unknown conversion specifier \\x{cp:x}"),
    }
}

/// The pieces of a template. After an error no more come.
pub struct Template {
    cps: Vec<u32>,
    at: usize,
}

const OPEN: u32 = '{' as u32;
const CLOSE: u32 = '}' as u32;

fn text_of(cps: &[u32]) -> PyStr {
    let mut out = StrBuilder::with_capacity(cps.len());
    cps.iter().for_each(|&cp| out.push_cp(cp));
    out.finish()
}

impl Template {
    pub fn new(template: &PyStr) -> Self {
        Template {
            cps: template.chars().collect(),
            at: 0,
        }
    }

    fn read(&mut self) -> Option<u32> {
        let cp = self.cps.get(self.at).copied();
        self.at += usize::from(cp.is_some());
        cp
    }

    fn piece(&mut self) -> Result<Piece, Message> {
        let start = self.at;
        let rest = &self.cps[start..];
        let len = rest.iter().position(|&cp| cp == OPEN || cp == CLOSE);
        let Some(len) = len else {
            self.at = self.cps.len();
            return Ok(Piece {
                literal: text_of(&self.cps[start..]),
                field: None,
            });
        };
        let brace = rest[len];
        let doubled = rest.get(len + 1) == Some(&brace);
        self.at = start + len + 1;
        if doubled {
            self.at += 1;
            let literal = text_of(&self.cps[start..start + len + 1]);
            return Ok(Piece {
                literal,
                field: None,
            });
        }
        if brace == CLOSE {
            return Err("Single '}' encountered in format string");
        }
        if self.at == self.cps.len() {
            return Err("Single '{' encountered in format string");
        }
        let literal = text_of(&self.cps[start..start + len]);
        Ok(Piece {
            literal,
            field: Some(self.field()?),
        })
    }

    fn field(&mut self) -> Result<Field, Message> {
        let start = self.at;
        let end = loop {
            match self
                .read()
                .map(|cp| char::from_u32(cp).unwrap_or('\u{fffd}'))
            {
                None => return Err("expected '}' before end of string"),
                Some('{') => return Err("unexpected '{' in field name"),
                Some('[') => {
                    let rest = &self.cps[self.at..];
                    self.at += rest
                        .iter()
                        .position(|&cp| cp == ']' as u32)
                        .unwrap_or(rest.len());
                }
                Some(c @ ('}' | ':' | '!')) => break c,
                Some(_) => {}
            }
        };
        let name = text_of(&self.cps[start..self.at - 1]);
        let mut field = Field {
            name,
            conversion: None,
            spec: PyStr::empty(),
            spec_has_fields: false,
        };
        if end == '}' {
            return Ok(field);
        }
        if end == '!' {
            let conversion = self.read();
            let missing = "end of string while looking for conversion specifier";
            field.conversion = Some(conversion.ok_or(missing)?);
            match self.read() {
                Some(CLOSE) => return Ok(field),
                Some(cp) if cp != ':' as u32 => {
                    return Err("expected ':' after conversion specifier");
                }
                _ => {}
            }
        }
        let start = self.at;
        let mut depth = 1;
        while let Some(cp) = self.read() {
            if cp == OPEN {
                field.spec_has_fields = true;
                depth += 1;
            } else if cp == CLOSE {
                depth -= 1;
                if depth == 0 {
                    field.spec = text_of(&self.cps[start..self.at - 1]);
                    return Ok(field);
                }
            }
        }
        Err("unmatched '{' in format spec")
    }
}

impl Iterator for Template {
    type Item = Result<Piece, Message>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.cps.len() {
            return None;
        }
        let piece = self.piece();
        if piece.is_err() {
            self.at = self.cps.len();
        }
        Some(piece)
    }
}

/// Whether a template numbers its fields itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbering {
    #[default]
    Open,
    /// The number of the next field.
    Automatic(usize),
    Manual,
}

/// Where a field's value comes from first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// The positional argument of this number.
    Index(usize),
    /// The keyword argument of this name.
    Key(PyStr),
}

/// A step from the first value to the field's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accessor {
    Attribute(PyStr),
    Index(usize),
    Key(PyStr),
}

/// A field's name: its first part, then an iterator over the accessors.
pub struct FieldName {
    pub first: First,
    rest: Vec<u32>,
    at: usize,
}

/// The text as an index: None if it isn't made of digits alone.
fn as_index(cps: &[u32]) -> Result<Option<usize>, Message> {
    let mut at = 0;
    let number = read_number(cps, &mut at).map_err(|_| TOO_MANY_DIGITS)?;
    Ok(number.filter(|_| at == cps.len()))
}

impl FieldName {
    /// # Errors
    /// The name's number is too long, or numbered by hand where the others
    /// number themselves.
    pub fn parse(name: &PyStr, numbering: &mut Numbering) -> Result<Self, Message> {
        let cps: Vec<u32> = name.chars().collect();
        let end = cps
            .iter()
            .position(|&cp| cp == '.' as u32 || cp == '[' as u32);
        let (first, rest) = cps.split_at(end.unwrap_or(cps.len()));
        let index = as_index(first)?;
        let first = match (index, first.is_empty(), *numbering) {
            (None, false, _) => First::Key(text_of(first)),
            (_, true, Numbering::Manual) => {
                return Err(
                    "cannot switch from manual field specification to automatic field numbering",
                );
            }
            (Some(_), _, Numbering::Automatic(_)) => {
                return Err(
                    "cannot switch from automatic field numbering to manual field specification",
                );
            }
            (Some(index), ..) => {
                *numbering = Numbering::Manual;
                First::Index(index)
            }
            (None, true, numbered) => {
                let next = if let Numbering::Automatic(next) = numbered {
                    next
                } else {
                    0
                };
                *numbering = Numbering::Automatic(next + 1);
                First::Index(next)
            }
        };
        Ok(FieldName {
            first,
            rest: rest.to_vec(),
            at: 0,
        })
    }

    fn accessor(&mut self) -> Result<Accessor, Message> {
        let rest = &self.rest[self.at..];
        let body = &rest[1..];
        let attribute = rest[0] == '.' as u32;
        let (name, used) = if attribute {
            let stop = body
                .iter()
                .position(|&cp| cp == '.' as u32 || cp == '[' as u32);
            let len = stop.unwrap_or(body.len());
            (&body[..len], len + 1)
        } else if rest[0] == '[' as u32 {
            let len = body.iter().position(|&cp| cp == ']' as u32);
            let len = len.ok_or("Missing ']' in format string")?;
            (&body[..len], len + 2)
        } else {
            return Err("Only '.' or '[' may follow ']' in format field specifier");
        };
        let index = if attribute { None } else { as_index(name)? };
        if name.is_empty() {
            return Err("Empty attribute in format string");
        }
        let accessor = match index {
            Some(index) => Accessor::Index(index),
            None if attribute => Accessor::Attribute(text_of(name)),
            None => Accessor::Key(text_of(name)),
        };
        self.at += used;
        Ok(accessor)
    }
}

impl Iterator for FieldName {
    type Item = Result<Accessor, Message>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.rest.len() {
            return None;
        }
        let accessor = self.accessor();
        if accessor.is_err() {
            self.at = self.rest.len();
        }
        Some(accessor)
    }
}

#[cfg(test)]
mod tests;
