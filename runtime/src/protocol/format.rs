//! `format(v, spec)`, the fields of f-strings, and `str.format`. What a
//! specification means for a builtin type is in `text::spec`; what a template
//! consists of, in `text::strformat`.

use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::text::pystr::{PyStr, StrBuilder};
use crate::text::spec::{self, Limits, Quick, SpecError};
use crate::text::strformat::{self, Accessor, FieldName, First, Numbering, Template};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

impl Vm {
    /// The sizes that text about to be made may have.
    pub fn text_limits(&mut self) -> Limits {
        Limits {
            max_len: self.room().min(isize::MAX as usize),
            int_digits: self.int_digits_max(),
        }
    }

    fn spec_error(&mut self, error: SpecError) -> Raised {
        match error {
            SpecError::Value(message) => self.value_error(message),
            SpecError::Overflow(message) => self.overflow_error(message),
            SpecError::Memory => self.raise(B::MemoryError, ""),
        }
    }

    /// `format(v, spec)`; `spec` is a str.
    ///
    /// # Errors
    /// ValueError for a bad specification, TypeError where the type has none;
    /// whatever `__format__` raises.
    pub fn format(&mut self, v: Value, spec: Value) -> PyResult {
        if self.heap.as_str(spec).is_none() {
            let name = self.type_name(spec);
            return Err(self.type_error(format!("format() argument 2 must be str, not {name}")));
        }
        if self.exact_builtin(v).is_some() {
            return self.builtin_format(v, spec);
        }
        let class = self.heap.class_of(v);
        let Some(method) = self.lookup_class(class, self.n(N::format)) else {
            return self.builtin_format(v, spec);
        };
        match self.builtin_owner(method) {
            Some(B::Object) => self.object_format(v, spec),
            Some(_) => self.builtin_format(v, spec),
            None => {
                let text = self.call_unbound(method, v, &[spec])?;
                if self.heap.as_str(text).is_some() {
                    return Ok(text);
                }
                let name = self.type_name(text);
                Err(self.type_error(format!("__format__ must return a str, not {name}")))
            }
        }
    }

    /// `object.__format__`: `str(v)`, and no specification.
    ///
    /// # Errors
    /// TypeError with a specification; whatever `__str__` raises.
    pub fn object_format(&mut self, v: Value, spec: Value) -> PyResult {
        if self.heap.text(spec).is_empty() {
            return self.str(v);
        }
        let name = self.type_name(v);
        Err(self.type_error(format!(
            "unsupported format string passed to {name}.__format__"
        )))
    }

    /// What the builtin classes' own `__format__` gives, by the layout of `v`.
    ///
    /// # Errors
    /// As `format`.
    pub fn builtin_format(&mut self, v: Value, spec: Value) -> PyResult {
        if self.heap.text(spec).is_empty() {
            return self.str(v);
        }
        let number = match (v.as_int(), self.heap.as_float(v)) {
            (Some(n), _) => Some(Quick::Int(n)),
            (None, f) => f.map(Quick::Float),
        };
        if let Some(number) = number
            && let Some(text) = spec::quick(number, self.heap.text(spec))
        {
            return Ok(self.heap.str(text));
        }
        let name = self.type_name(v);
        let limits = self.text_limits();
        let text = if let Some(n) = self.heap.big_ref(v) {
            spec::format_int(&n, self.heap.text(spec), &name, limits)
        } else if let Some(f) = self.heap.as_float(v) {
            spec::format_float(f, self.heap.text(spec), &name, limits)
        } else if let Some(text) = self.heap.as_str(v) {
            spec::format_str(text, self.heap.text(spec), &name, limits)
        } else {
            return self.object_format(v, spec);
        };
        match text {
            Ok(text) => Ok(self.heap.str(text)),
            Err(error) => Err(self.spec_error(error)),
        }
    }

    /// A field of an f-string: `conversion` is 0 for none, 1 `!s`, 2 `!r`, 3 `!a`.
    ///
    /// # Errors
    /// As `format`.
    pub fn format_value(&mut self, v: Value, conversion: u8, spec: Option<Value>) -> PyResult {
        let v = match conversion {
            0 => v,
            1 => self.str(v)?,
            2 => self.repr(v)?,
            _ => self.ascii(v)?,
        };
        let spec = spec.filter(|&spec| !self.heap.as_str(spec).is_some_and(PyStr::is_empty));
        match spec {
            Some(spec) => self.holding(&[v], |vm| vm.format(v, spec)),
            None if self.heap.is_exact(v, B::Str) => Ok(v),
            None if self.exact_builtin(v).is_some() => self.str(v),
            None => {
                let spec = self.heap.str("");
                self.holding(&[v], |vm| vm.format(v, spec))
            }
        }
    }

    /// `template.format(*args, **kwargs)`; `kwargs` is a dict, or any mapping
    /// for `format_map`.
    ///
    /// # Errors
    /// ValueError for a bad template, IndexError or KeyError for an argument
    /// that isn't there; whatever methods raise.
    pub fn str_format(&mut self, template: Value, args: &[Value], kwargs: Value) -> PyResult {
        let fields = Fields {
            args: Some(args),
            kwargs,
        };
        self.format_template(template, fields)
    }

    /// `template.format_map(mapping)`.
    ///
    /// # Errors
    /// As `str_format`.
    pub fn str_format_map(&mut self, template: Value, mapping: Value) -> PyResult {
        self.format_template(
            template,
            Fields {
                args: None,
                kwargs: mapping,
            },
        )
    }

    fn format_template(&mut self, template: Value, fields: Fields<'_>) -> PyResult {
        let text = self.heap.text(template).clone();
        let mut numbering = Numbering::default();
        let text = self.holding(&[fields.kwargs], |vm| {
            vm.render(&text, fields, &mut numbering, strformat::MAX_DEPTH)
        })?;
        Ok(self.heap.str(text))
    }

    fn render(
        &mut self,
        template: &PyStr,
        fields: Fields<'_>,
        numbering: &mut Numbering,
        depth: usize,
    ) -> PyResult<PyStr> {
        if depth == 0 {
            return Err(self.value_error(strformat::TOO_DEEP));
        }
        let mut out = StrBuilder::new();
        for piece in Template::new(template) {
            let piece = piece.map_err(|message| self.value_error(message))?;
            out.push(&piece.literal);
            let Some(field) = piece.field else { continue };
            let value = self.field_value(&field.name, fields, numbering)?;
            let text = self.holding(&[value], |vm| {
                let conversion = match field.conversion.map(char::from_u32) {
                    // NUL is CPython's mark for none.
                    None | Some(Some('\0')) => 0,
                    Some(Some('s')) => 1,
                    Some(Some('r')) => 2,
                    Some(Some('a')) => 3,
                    Some(_) => {
                        let cp = field.conversion.unwrap_or_default();
                        return Err(vm.value_error(strformat::unknown_conversion(cp)));
                    }
                };
                let spec = match field.spec_has_fields {
                    true => vm.render(&field.spec, fields, numbering, depth - 1)?,
                    false => field.spec.clone(),
                };
                let spec = vm.heap.str(spec);
                vm.holding(&[spec], |vm| vm.format_value(value, conversion, Some(spec)))
            })?;
            out.push(self.heap.text(text));
            if out.len() > 1 << 20 {
                self.check_size(out.len())?;
            }
        }
        Ok(out.finish())
    }

    /// The value that a field names.
    fn field_value(
        &mut self,
        name: &PyStr,
        fields: Fields<'_>,
        numbering: &mut Numbering,
    ) -> PyResult {
        let name =
            FieldName::parse(name, numbering).map_err(|message| self.value_error(message))?;
        let mut value = match &name.first {
            First::Index(at) => match fields.args {
                None => return Err(self.value_error(strformat::NO_POSITIONAL)),
                Some(args) => match args.get(*at) {
                    Some(&arg) => arg,
                    None => {
                        return Err(self.index_error(format!(
                            "Replacement index {at} out of range for positional args tuple"
                        )));
                    }
                },
            },
            First::Key(key) => {
                let key = self.heap.str(key.clone());
                if self.heap.is_exact(fields.kwargs, B::Dict) {
                    match self.dict_get(fields.kwargs, key)? {
                        Some(value) => value,
                        None => return Err(self.key_error(key)),
                    }
                } else if fields.kwargs.is_empty() {
                    return Err(self.key_error(key));
                } else {
                    self.get_item(fields.kwargs, key)?
                }
            }
        };
        for accessor in name {
            let accessor = accessor.map_err(|message| self.value_error(message))?;
            value = self.holding(&[value], |vm| match accessor {
                Accessor::Attribute(name) => {
                    let name = vm.heap.intern_text(name);
                    vm.get_attr(value, name)
                }
                Accessor::Index(at) => {
                    let at = vm.heap.usize(at);
                    vm.get_item(value, at)
                }
                Accessor::Key(key) => {
                    let key = vm.heap.str(key);
                    vm.get_item(value, key)
                }
            })?;
        }
        Ok(value)
    }
}

/// Where the fields of a template come from.
#[derive(Clone, Copy)]
struct Fields<'a> {
    /// None for `format_map`, which has no positional ones.
    args: Option<&'a [Value]>,
    kwargs: Value,
}
