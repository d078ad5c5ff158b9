//! The `%` operator of str and bytes: fetches the arguments and converts them;
//! what a template consists of and how a value fills its field is in
//! `text::percent`.

use std::borrow::Cow;

use num_bigint::BigInt;

use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::bytes::Bytes;
use crate::object::class::B;
use crate::text::float;
use crate::text::percent::{self, Fault, Field, Formatted, Piece, Size, Template, TooLong};
use crate::text::pystr::{PyStr, StrBuilder, Units};
use crate::text::spec::quick::{self, Quick};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// The arguments of a template: the items of a tuple, or one value.
struct Arguments {
    values: Value,
    /// Where the next one is; one value counts as a tuple of it.
    next: usize,
    is_tuple: bool,
}

impl Arguments {
    fn new(vm: &Vm, values: Value) -> Self {
        Arguments {
            values,
            next: 0,
            is_tuple: vm.heap.as_tuple(values).is_some(),
        }
    }

    /// One value, as under a mapping key.
    fn single(value: Value) -> Self {
        Arguments {
            values: value,
            next: 0,
            is_tuple: false,
        }
    }

    fn take(&mut self, vm: &mut Vm) -> PyResult {
        let found = match vm.heap.as_tuple(self.values).filter(|_| self.is_tuple) {
            Some(items) => items.get(self.next).copied(),
            None => (self.next == 0).then_some(self.values),
        };
        self.next += 1;
        found.ok_or_else(|| vm.type_error(percent::NOT_ENOUGH))
    }

    fn is_used_up(&self, vm: &Vm) -> bool {
        let n = vm
            .heap
            .as_tuple(self.values)
            .filter(|_| self.is_tuple)
            .map_or(1, <[Value]>::len);
        self.next >= n
    }

    /// The int for the `*` of a width.
    fn take_width(&mut self, vm: &mut Vm) -> PyResult<i64> {
        let v = self.take_star(vm)?;
        vm.to_ssize(v)
    }

    /// The int for the `*` of a precision.
    fn take_precision(&mut self, vm: &mut Vm) -> PyResult<i64> {
        let v = self.take_star(vm)?;
        Ok(vm.to_c_int(v)?.into())
    }

    fn take_star(&mut self, vm: &mut Vm) -> PyResult {
        let v = self.take(vm)?;
        if vm.heap.is_int(v) {
            Ok(v)
        } else {
            Err(vm.type_error(percent::STAR_WANTS_INT))
        }
    }
}

impl Vm {
    /// `template % args` of a str.
    ///
    /// # Errors
    /// ValueError for a bad template, TypeError for arguments that don't fit;
    /// whatever their methods raise.
    pub fn percent(&mut self, template: Value, args: Value) -> PyResult {
        let text = self.heap.text(template).clone();
        let out = self.holding(&[args], |vm| vm.percent_pieces(&text, args, false))?;
        // CPython 3.13 unicodeobject.c PyUnicode_Format: a template without a field is the result
        // itself, of a subclass as well.
        if !text.is_empty() && text.position('%').is_none() {
            return Ok(template);
        }
        Ok(self.heap.str(out))
    }

    /// `template % args` of bytes or bytearray.
    ///
    /// # Errors
    /// As `percent`.
    pub fn percent_bytes(&mut self, template: Value, args: Value) -> PyResult {
        let text = PyStr::from_latin1(&self.heap.cell::<Bytes>(template).data);
        let class = self.bytes_class(template);
        let out = self.holding(&[args], |vm| vm.percent_pieces(&text, args, true))?;
        let data = match out.read().units() {
            Units::Latin1(units) => units.to_vec(),
            _ => unreachable!("each piece of a bytes template is bytes or ASCII"),
        };
        Ok(self.heap.bytes_of(class, data))
    }

    fn percent_pieces(&mut self, template: &PyStr, args: Value, bytes: bool) -> PyResult<PyStr> {
        let mapping = self.percent_mapping(args, bytes);
        let mut arguments = Arguments::new(self, args);
        let mut out = StrBuilder::new();
        let text = template.read();
        for piece in Template::new(text.units()) {
            let (key, field) = match piece {
                Piece::Literal(text) => {
                    out.push(&text);
                    continue;
                }
                Piece::Field { key, field } => (key, field),
            };
            let bad_key = field.is_err_and(|malformed| malformed.fault == Fault::Key);
            if key.is_some() || bad_key {
                let Some(mapping) = mapping else {
                    return Err(self.type_error(percent::NEEDS_MAPPING));
                };
                if let Some(key) = key {
                    let key = if bytes {
                        self.latin1_bytes(&key)
                    } else {
                        self.heap.str(key)
                    };
                    let value = self.get_item(mapping, key)?;
                    self.root(value);
                    arguments = Arguments::single(value);
                }
            }
            let field = match field {
                Ok(field) => field,
                Err(malformed) => {
                    for _ in 0..malformed.stars {
                        arguments.take_width(self)?;
                    }
                    return Err(self.value_error(malformed.message()));
                }
            };
            self.percent_field(field, &mut arguments, &mut out, bytes)?;
        }
        if mapping.is_none() && !arguments.is_used_up(self) {
            let message = if bytes {
                "not all arguments converted during bytes formatting"
            } else {
                percent::NOT_ALL
            };
            return Err(self.type_error(message));
        }
        Ok(out.finish())
    }

    /// The arguments as a mapping, where they are one to CPython.
    fn percent_mapping(&mut self, args: Value, bytes: bool) -> Option<Value> {
        let is_mapping = match self.heap.kind(args)? {
            Kind::Tuple => false,
            Kind::Str => false,
            Kind::Bytes => !bytes,
            Kind::Dict | Kind::List | Kind::MappingProxy | Kind::Range => true,
            _ => self.special(args, N::getitem).is_some(),
        };
        is_mapping.then_some(args)
    }

    fn latin1_bytes(&mut self, text: &PyStr) -> Value {
        let data = text.chars().map(|cp| cp as u8).collect();
        self.heap.bytes(data)
    }

    fn percent_field(
        &mut self,
        field: Field,
        arguments: &mut Arguments,
        out: &mut StrBuilder,
        bytes: bool,
    ) -> PyResult<()> {
        let width = match field.width {
            Size::Argument => Some(arguments.take_width(self)?),
            _ => None,
        };
        let precision = match field.precision {
            Size::Argument => Some(arguments.take_precision(self)?),
            _ => None,
        };
        let field = field.with_arguments(width, precision);
        let value = arguments.take(self)?;
        let max_len = self.text_limits().max_len;
        if field.is_bare()
            && let Some(text) = self.bare_text(&field, value, bytes)
        {
            if out.len().saturating_add(text.len()) > max_len {
                return Err(self.raise(B::MemoryError, ""));
            }
            out.push(&text);
            return Ok(());
        }
        let formatted = self.percent_value(&field, value, bytes)?;
        match field.put(&formatted, out, max_len) {
            Ok(()) => Ok(()),
            Err(TooLong) => Err(self.raise(B::MemoryError, "")),
        }
    }

    /// What `%s` of an exact str or a small int, and `%d` of a small int, put.
    fn bare_text(&self, field: &Field, v: Value, bytes: bool) -> Option<Cow<'_, PyStr>> {
        match char::from_u32(field.conversion)? {
            's' if bytes => None,
            's' if self.heap.is_exact(v, B::Str) => self.heap.as_str(v).map(Cow::Borrowed),
            's' | 'd' => v.as_int().map(quick::decimal).map(Cow::Owned),
            _ => None,
        }
    }

    fn percent_value(&mut self, field: &Field, v: Value, bytes: bool) -> PyResult<Formatted> {
        let limits = self.text_limits();
        let Some(letter) = char::from_u32(field.conversion) else {
            return Err(self.no_conversion(field, bytes));
        };
        let number = match (v.as_int(), v.as_inline_float()) {
            (Some(n), _) => Some(Quick::Int(n)),
            (None, f) => f.map(Quick::Float),
        };
        if let Some(formatted) = number.and_then(|number| field.quick(number)) {
            return Ok(formatted);
        }
        let text = match letter {
            's' | 'b' if bytes => return self.percent_bytes_value(field, v),
            'r' | 'a' if bytes => self.ascii(v)?,
            's' => self.str(v)?,
            'r' => self.repr(v)?,
            'a' => self.ascii(v)?,
            'c' if bytes => return self.percent_byte(field, v),
            'c' => return self.percent_char(field, v),
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => {
                let n = self.percent_int(letter, v)?;
                return field.int(&n, limits.int_digits, limits.max_len).map_err(
                    |error| match error {
                        Some(message) => self.value_error(message),
                        None => self.raise(B::MemoryError, ""),
                    },
                );
            }
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                let f = match self.float_of(v)? {
                    Some(f) => f,
                    None => {
                        let name = self.type_name(v);
                        return Err(self.type_error(match bytes {
                            true => format!("float argument required, not {name}"),
                            false => format!("must be real number, not {name}"),
                        }));
                    }
                };
                return field
                    .float(f, limits.max_len)
                    .map_err(|TooLong| self.raise(B::MemoryError, ""));
            }
            _ => return Err(self.no_conversion(field, bytes)),
        };
        Ok(field.text(self.heap.text(text)))
    }

    fn no_conversion(&mut self, field: &Field, bytes: bool) -> Raised {
        if !bytes {
            return self.value_error(percent::unsupported(field));
        }
        match percent::unsupported_in_bytes(field) {
            Some(message) => self.value_error(message),
            None => self.overflow_error("character argument not in range(0x110000)"),
        }
    }

    /// The int of `%d` and its likes.
    fn percent_int(&mut self, letter: char, v: Value) -> PyResult<BigInt> {
        if let Some(n) = self.heap.as_big(v) {
            return Ok(n);
        }
        let decimal = matches!(letter, 'd' | 'i' | 'u');
        let is_builtin = self.exact_builtin(v).is_some();
        let n = match (decimal, is_builtin) {
            (true, true) => match self.heap.as_float(v) {
                Some(f) => return self.float_to_int(f),
                None => None,
            },
            (true, false) => self.int_or_wrong_type(|vm| vm.int_of_number(v))?,
            (false, _) if self.has_index(v) => {
                self.int_or_wrong_type(|vm| vm.index(v).map(Some))?
            }
            (false, _) => None,
        };
        if let Some(n) = n.and_then(|n| self.heap.as_big(n)) {
            return Ok(n);
        }
        let name = self.type_name(v);
        let wanted = if decimal {
            "a real number"
        } else {
            "an integer"
        };
        Err(self.type_error(format!(
            "%{letter} format: {wanted} is required, not {name}"
        )))
    }

    /// `int(v)` where the class of `v` makes a number of it, of a text too, else None.
    fn int_of_number(&mut self, v: Value) -> PyResult<Option<Value>> {
        if !self.is_number(v) {
            return Ok(None);
        }
        if let Some(n) = self.call_special(v, N::int, &[])? {
            return Ok(Some(n));
        }
        if self.has_index(v) {
            return self.index(v).map(Some);
        }
        if let Some(answer) = self.truncated(v)? {
            return Ok(Some(answer));
        }
        match self.heap.as_str(v).cloned() {
            Some(text) => self.int_from_text_of(&text, 10, v).map(Some),
            None => Ok(None),
        }
    }

    /// What `convert` gives. None for a TypeError of its own: CPython 3.13
    /// unicodeobject.c mainformatlong words that anew.
    fn int_or_wrong_type(
        &mut self,
        convert: impl FnOnce(&mut Vm) -> PyResult<Option<Value>>,
    ) -> PyResult<Option<Value>> {
        match convert(self) {
            Ok(n) => Ok(n),
            Err(raised) if self.is_instance_of(raised.0, B::TypeError) => Ok(None),
            Err(raised) => Err(raised),
        }
    }

    /// `int(f)`.
    ///
    /// # Errors
    /// OverflowError for an infinity, ValueError for a NaN.
    pub fn float_to_int(&mut self, f: f64) -> PyResult<BigInt> {
        float::to_int(f).map_err(|_| self.not_finite(f, "integer"))
    }

    #[cold]
    fn not_finite(&mut self, f: f64, what: &str) -> Raised {
        if f.is_nan() {
            return self.value_error(format!("cannot convert float NaN to {what}"));
        }
        self.overflow_error(format!("cannot convert float infinity to {what}"))
    }

    fn percent_char(&mut self, field: &Field, v: Value) -> PyResult<Formatted> {
        if let Some(text) = self.heap.as_str(v)
            && text.len() == 1
        {
            return Ok(field.char(text.clone()));
        }
        if !self.has_index(v) {
            return Err(self.type_error("%c requires int or char"));
        }
        let n = self.index(v)?;
        match percent::char_of(&self.heap.as_big(n).unwrap_or_default()) {
            Some(c) => Ok(field.char(c)),
            None => Err(self.overflow_error("%c arg not in range(0x110000)")),
        }
    }

    fn percent_byte(&mut self, field: &Field, v: Value) -> PyResult<Formatted> {
        if let Some(bytes) = self.heap.get::<Bytes>(v)
            && bytes.data.len() == 1
        {
            return Ok(field.char(PyStr::from_latin1(&bytes.data)));
        }
        if !self.has_index(v) {
            return Err(self.type_error("%c requires an integer in range(256) or a single byte"));
        }
        let n = self.index(v)?;
        match self.heap.as_i64(n).and_then(|n| u8::try_from(n).ok()) {
            Some(byte) => Ok(field.char(PyStr::from_latin1(&[byte]))),
            None => Err(self.overflow_error("%c arg not in range(256)")),
        }
    }

    /// `%s` and `%b` of a bytes template.
    fn percent_bytes_value(&mut self, field: &Field, v: Value) -> PyResult<Formatted> {
        let v = match self.heap.kind(v) {
            Some(Kind::Bytes) => v,
            _ => self.call_special(v, N::bytes, &[])?.unwrap_or(v),
        };
        match self.bytes_gathered(v)? {
            Some(bytes) => Ok(field.text(&PyStr::from_latin1(&bytes))),
            None => {
                let name = self.type_name(v);
                Err(self.type_error(format!(
                    "%b requires a bytes-like object, or an object that implements __bytes__, not '{name}'"
                )))
            }
        }
    }
}
