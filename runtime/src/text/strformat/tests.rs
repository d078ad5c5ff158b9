//! Templates of `str.format` against what CPython 3.13 answers. The test plays
//! the part of the VM: it has the arguments and formats them.

use super::*;
use crate::text::protocol::{Arg, check};
use crate::text::spec::{Limits, SpecError, format_int, format_str};

/// A failure: the message of a ValueError, or None for any other exception.
type Failure = Option<PyStr>;

fn lookup(name: &mut FieldName) -> Result<Arg, Failure> {
    let int = |value: i32| Ok(Arg::Int(value.into()));
    let mut value = match &name.first {
        First::Index(0) => int(3),
        First::Index(1) => Ok(Arg::Str("xy".into())),
        First::Index(2) => int(12),
        First::Key(key) if key.eq_str("a") => int(7),
        First::Key(key) if key.eq_str("b") => Ok(Arg::Str("zz".into())),
        _ => Err(None),
    }?;
    for accessor in name {
        value = match (accessor.map_err(|message| Some(message.into()))?, value) {
            (Accessor::Index(at), Arg::Str(text)) => Arg::Str(text.index(at).ok_or(None)?),
            _ => return Err(None),
        };
    }
    Ok(value)
}

fn expand(template: &PyStr, numbering: &mut Numbering, depth: usize) -> Result<PyStr, Failure> {
    if depth == 0 {
        return Err(Some(TOO_DEEP.into()));
    }
    let mut out = StrBuilder::new();
    for piece in Template::new(template) {
        let piece = piece.map_err(|message| Some(message.into()))?;
        out.push(&piece.literal);
        let Some(field) = piece.field else { continue };
        let mut name = FieldName::parse(&field.name, numbering).map_err(|m| Some(m.into()))?;
        let mut value = lookup(&mut name)?;
        let shown = match &value {
            Arg::Str(text) => text.clone(),
            other => other.big().to_string().into(),
        };
        match field.conversion.map(|cp| char::from_u32(cp).unwrap()) {
            None => {}
            Some('s') => value = Arg::Str(shown.clone()),
            Some('r' | 'a') => {
                value = Arg::Str(if let Arg::Str(text) = &value {
                    text.repr()
                } else {
                    shown.clone()
                });
            }
            Some(other) => return Err(Some(unknown_conversion(other as u32).into())),
        }
        let mut spec = field.spec;
        if field.spec_has_fields {
            spec = expand(&spec, numbering, depth - 1)?;
        }
        let limits = Limits::default();
        let text = match &value {
            Arg::Str(text) if spec.is_empty() => Ok(text.clone()),
            Arg::Str(text) => format_str(text, &spec, "str", limits),
            value if spec.is_empty() => Ok(value.big().to_string().into()),
            value => format_int(value.big(), &spec, "int", limits),
        };
        out.push(&text.map_err(|error| match error {
            SpecError::Value(message) => Some(message),
            _ => None,
        })?);
    }
    Ok(out.finish())
}

#[test]
fn every_template_answers_as_cpython() {
    check(
        include_str!("../protocol/format.txt"),
        |_, args| match expand(args[0].str(), &mut Numbering::default(), MAX_DEPTH) {
            Ok(text) => Arg::Str(text),
            Err(Some(message)) => Arg::Error(message),
            Err(None) => Arg::None,
        },
    );
}
