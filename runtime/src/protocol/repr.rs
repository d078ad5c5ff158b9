//! `repr(v)`, `str(v)`, `ascii(v)`: text of every builtin type. What contains
//! itself is cut where it comes round again; depth is counted. The text of
//! exceptions is in `exception_text`.

use crate::heap::Kind;
use crate::native::PyResult;
use crate::object::bytes::Bytes;
use crate::object::class::{B, Class};
use crate::object::descriptor::{ClassMethod, GetSet, StaticMethod, Super};
use crate::object::dict::{Dict, DictView, MappingProxy, ViewOf};
use crate::object::function::{Cell, CodeObject, Function, Method, Native};
use crate::object::instance::SlotDescriptor;
use crate::object::list::List;
use crate::object::module::Module;
use crate::object::range::{Range, Slice};
use crate::object::set::Set;
use crate::object::weak::WeakRef;
use crate::text::float;
use crate::text::pystr::{PyStr, StrBuilder, bytes_repr};
use crate::text::spec::quick;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

impl Vm {
    /// `repr(v)`: a str.
    ///
    /// # Errors
    /// Whatever `__repr__` raises; TypeError if it gives no str.
    pub fn repr(&mut self, v: Value) -> PyResult {
        self.repr_for(v, "__repr__")
    }

    /// As `repr`; `method` is whose result the error speaks of, as `str` falls
    /// back on `__repr__`.
    fn repr_for(&mut self, v: Value, method: &str) -> PyResult {
        if self.exact_builtin(v).is_some() {
            return self.builtin_repr(v);
        }
        let class = self.heap.class_of(v);
        let Some(repr) = self.lookup_class(class, self.n(N::repr)) else {
            return self.builtin_repr(v);
        };
        let own = self.is_native_named(repr, "__repr__");
        match self.builtin_owner(repr).filter(|_| own) {
            Some(B::Object) => self.default_repr(v),
            Some(_) => self.builtin_repr(v),
            None => {
                let text = self.repr_deeper(|vm| vm.call_unbound(repr, v, &[]))?;
                self.checked_text(text, method)
            }
        }
    }

    fn repr_deeper<T>(&mut self, body: impl FnOnce(&mut Vm) -> PyResult<T>) -> PyResult<T> {
        self.deeper_in(" while getting the repr of an object", body)
    }

    fn checked_text(&mut self, text: Value, method: &str) -> PyResult {
        if self.heap.as_str(text).is_some() {
            return Ok(text);
        }
        let name = self.type_name_whole(text);
        Err(self.type_error(format!("{method} returned non-string (type {name})")))
    }

    /// `repr(v)` as a Rust string, surrogates replaced: for messages.
    ///
    /// # Errors
    /// As `repr`.
    pub fn repr_string(&mut self, v: Value) -> PyResult<String> {
        let text = self.repr(v)?;
        Ok(self.heap.string(text))
    }

    /// `str(v)`.
    ///
    /// # Errors
    /// Whatever `__str__` or `__repr__` raises; TypeError if it gives no str.
    pub fn str(&mut self, v: Value) -> PyResult {
        if self.heap.is_exact(v, B::Str) {
            return Ok(v);
        }
        if self.exact_builtin(v).is_some() {
            return self.builtin_str(v);
        }
        let class = self.heap.class_of(v);
        let Some(method) = self.lookup_class(class, self.n(N::str)) else {
            return self.builtin_str(v);
        };
        // A class may have another builtin method under this name, such as an
        // enum's `__str__ = int.__repr__`.
        let own = self.is_native_named(method, "__str__");
        match self.builtin_owner(method).filter(|_| own) {
            Some(B::Object) => self.repr_for(v, "__str__"),
            Some(_) => self.builtin_str(v),
            None => {
                let text = self.repr_deeper(|vm| vm.call_unbound(method, v, &[]))?;
                self.checked_text(text, "__str__")
            }
        }
    }

    /// `str(v)` as a Rust string, surrogates replaced.
    ///
    /// # Errors
    /// As `str`.
    pub fn str_string(&mut self, v: Value) -> PyResult<String> {
        let text = self.str(v)?;
        Ok(self.heap.string(text))
    }

    /// `ascii(v)`.
    ///
    /// # Errors
    /// As `repr`.
    pub fn ascii(&mut self, v: Value) -> PyResult {
        let repr = self.repr(v)?;
        let text = self.heap.text(repr);
        if text.is_ascii() {
            return Ok(repr);
        }
        let text = escaped(text);
        Ok(self.heap.str(text))
    }

    /// What the builtin classes' own `__str__` gives, by the layout of `v`.
    ///
    /// # Errors
    /// As `str`.
    pub fn builtin_str(&mut self, v: Value) -> PyResult {
        match self.heap.kind(v) {
            Some(Kind::Str) => {
                if self.heap.is_exact(v, B::Str) {
                    return Ok(v);
                }
                let text = self.heap.text(v).clone();
                Ok(self.heap.str(text))
            }
            Some(Kind::Exception) => self.exception_str(v),
            Some(Kind::MappingProxy) => {
                let mapping = self.heap.cell::<MappingProxy>(v).mapping;
                self.str(mapping)
            }
            _ => self.repr_for(v, "__str__"),
        }
    }

    /// `object.__repr__`: the class and an address.
    ///
    /// # Errors
    /// None of its own.
    pub fn default_repr(&mut self, v: Value) -> PyResult {
        let class = self.heap.class_of(v);
        let name = self.class_full_name(class);
        let address = self.address(v);
        Ok(self.heap.str(format!("<{name} object at {address:#x}>")))
    }

    /// `module.qualname` of a class; builtin ones go without the module.
    pub fn class_full_name(&self, class: Value) -> String {
        let Some(c) = self.heap.get::<Class>(class) else {
            return String::new();
        };
        let qualname = self.heap.string(c.qualname);
        match self.class_module(class) {
            Some(module) if module != "builtins" => format!("{module}.{qualname}"),
            _ => qualname,
        }
    }

    /// `__module__` of a class, where it is a str.
    pub fn class_module(&self, class: Value) -> Option<String> {
        let attrs = self.heap.get::<Class>(class)?.attrs;
        let module = self.dict_get_str(attrs, self.n(N::module))?;
        self.heap.as_str(module).map(PyStr::to_lossy)
    }

    /// Begins the repr of a container: false if it is under way already. Ends
    /// with `repr_leave`.
    pub fn repr_enter(&mut self, v: Value) -> bool {
        if self.repr_stack.contains(&v) {
            return false;
        }
        self.repr_stack.push(v);
        true
    }

    /// Ends the repr of a container.
    pub fn repr_leave(&mut self, v: Value) {
        if let Some(at) = self.repr_stack.iter().rposition(|&other| other == v) {
            self.repr_stack.truncate(at);
        }
    }

    /// The repr of a container, or `cut` where it comes round again.
    fn container_repr(
        &mut self,
        v: Value,
        cut: impl Into<PyStr>,
        body: impl FnOnce(&mut Vm, &mut StrBuilder) -> PyResult<()>,
    ) -> PyResult {
        if !self.repr_enter(v) {
            return Ok(self.heap.str(cut));
        }
        let mut out = StrBuilder::new();
        let result = self.repr_deeper(|vm| body(vm, &mut out));
        self.repr_leave(v);
        result?;
        self.check_size(out.len())?;
        Ok(self.heap.str(out.finish()))
    }

    /// Appends `repr(v)`.
    ///
    /// # Errors
    /// As `repr`.
    pub fn write_repr(&mut self, out: &mut StrBuilder, v: Value) -> PyResult<()> {
        if let Some(n) = v.as_int() {
            out.push_str(&n.to_string());
        } else if self.heap.is_exact(v, B::Str) {
            out.push(&self.heap.text(v).repr());
        } else {
            self.tick()?;
            let text = self.repr(v)?;
            out.push(self.heap.text(text));
        }
        Ok(())
    }

    /// Appends the arguments of a call that a repr shows, behind others if `more`: the values of a
    /// tuple, and `name=value` for a dict, or nothing for None.
    ///
    /// # Errors
    /// As `repr`.
    pub fn write_arguments(
        &mut self,
        out: &mut StrBuilder,
        more: bool,
        positional: Value,
        keywords: Value,
    ) -> PyResult<()> {
        let mut separator = if more { ", " } else { "" };
        for v in self.heap.tuple_items(positional).to_vec() {
            out.push_str(std::mem::replace(&mut separator, ", "));
            self.write_repr(out, v)?;
        }
        if keywords.is_none() {
            return Ok(());
        }
        for (name, value) in self.heap.dict_entries(keywords) {
            out.push_str(std::mem::replace(&mut separator, ", "));
            let name = self.str(name)?;
            out.push(self.heap.text(name));
            out.push_str("=");
            self.write_repr(out, value)?;
        }
        Ok(())
    }

    /// Appends the reprs of a list's or tuple's items, parted by commas. The
    /// sequence is looked at afresh after each.
    fn write_items(&mut self, out: &mut StrBuilder, seq: Value) -> PyResult<()> {
        let mut at = 0;
        while let Some(item) = self
            .heap
            .as_sequence(seq)
            .and_then(|items| items.get(at).copied())
        {
            if at > 0 {
                out.push_str(", ");
            }
            self.holding(&[item, seq], |vm| vm.write_repr(out, item))?;
            at += 1;
        }
        Ok(())
    }

    fn list_repr(&mut self, v: Value) -> PyResult {
        self.container_repr(v, "[...]", |vm, out| {
            out.push_str("[");
            vm.write_items(out, v)?;
            out.push_str("]");
            Ok(())
        })
    }

    fn tuple_repr(&mut self, v: Value) -> PyResult {
        self.container_repr(v, "(...)", |vm, out| {
            out.push_str("(");
            vm.write_items(out, v)?;
            out.push_str(if vm.heap.tuple_items(v).len() == 1 {
                ",)"
            } else {
                ")"
            });
            Ok(())
        })
    }

    fn dict_repr(&mut self, v: Value) -> PyResult {
        self.container_repr(v, "{...}", |vm, out| {
            out.push_str("{");
            let mut from = 0;
            while let Some((at, entry)) = vm.heap.cell::<Dict>(v).table.next_from(from) {
                let (key, value) = (entry.key, entry.value);
                if from > 0 {
                    out.push_str(", ");
                }
                from = at + 1;
                vm.holding(&[key, value, v], |vm| {
                    vm.write_repr(out, key)?;
                    out.push_str(": ");
                    vm.write_repr(out, value)
                })?;
            }
            out.push_str("}");
            Ok(())
        })
    }

    fn set_repr(&mut self, v: Value) -> PyResult {
        let name = self.type_name_whole(v);
        if self.heap.cell::<Set>(v).table.is_empty() {
            return Ok(self.heap.str(format!("{name}()")));
        }
        let plain = self.heap.is_exact(v, B::Set);
        self.container_repr(v, format!("{name}(...)"), |vm, out| {
            // A subclass's own `__iter__` is asked.
            let keys = vm.collect_iterable(v)?;
            let keys = vm.heap.list(keys);
            if !plain {
                out.push_str(&name);
                out.push_str("(");
            }
            out.push_str("{");
            vm.write_items(out, keys)?;
            out.push_str(if plain { "}" } else { "})" });
            Ok(())
        })
    }

    fn view_repr(&mut self, v: Value) -> PyResult {
        let DictView { dict, of } = *self.heap.cell::<DictView>(v);
        let name = self.type_name_whole(v);
        self.container_repr(v, "...", |vm, out| {
            let entries: Vec<(Value, Value)> = vm
                .heap
                .cell::<Dict>(dict)
                .table
                .iter()
                .map(|e| (e.key, e.value))
                .collect();
            let mut items = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                items.push(match of {
                    ViewOf::Keys => key,
                    ViewOf::Values => value,
                    ViewOf::Items => vm.heap.tuple(&[key, value]),
                });
            }
            let items = vm.heap.list(items);
            out.push_str(&name);
            out.push_str("([");
            // The list counts as a level, as in CPython.
            vm.repr_deeper(|vm| vm.write_items(out, items))?;
            out.push_str("])");
            Ok(())
        })
    }

    /// `name(repr(v))`.
    fn wrapped_repr(&mut self, open: &str, v: Value, close: &str) -> PyResult {
        let mut out = StrBuilder::new();
        out.push_str(open);
        self.repr_deeper(|vm| vm.write_repr(&mut out, v))?;
        out.push_str(close);
        Ok(self.heap.str(out.finish()))
    }

    /// What the builtin classes' own `__repr__` gives, by the layout of `v`.
    ///
    /// # Errors
    /// As `repr`.
    pub fn builtin_repr(&mut self, v: Value) -> PyResult {
        let Some(kind) = self.heap.kind(v) else {
            return self.inline_repr(v);
        };
        let text = match kind {
            Kind::BigInt => self.int_text(v)?,
            Kind::Float => float::repr_text(self.heap.as_float(v).unwrap_or_default()),
            Kind::Str => self.heap.text(v).repr(),
            Kind::Bytes => {
                let text = bytes_repr(&self.heap.cell::<Bytes>(v).data);
                if self.bytes_class(v) == B::Bytes {
                    text
                } else {
                    let mut out = StrBuilder::new();
                    out.push_str(&self.type_name_whole(v));
                    out.push_str("(");
                    // CPython 3.13 bytearrayobject.c escapes ' even between ".
                    if text.char_at(1) == Some(u32::from(b'"')) {
                        out.push_str(&text.to_lossy().replace('\'', "\\'"));
                    } else {
                        out.push(&text);
                    }
                    out.push_str(")");
                    out.finish()
                }
            }
            Kind::List => return self.list_repr(v),
            Kind::Tuple => return self.tuple_repr(v),
            Kind::Dict => return self.dict_repr(v),
            Kind::DictView => return self.view_repr(v),
            Kind::Set => return self.set_repr(v),
            Kind::MappingProxy => {
                let mapping = self.heap.cell::<MappingProxy>(v).mapping;
                return self.wrapped_repr("mappingproxy(", mapping, ")");
            }
            Kind::Range => {
                let Range { start, stop, step } = *self.heap.cell::<Range>(v);
                let (first, last) = (self.repr_string(start)?, self.repr_string(stop)?);
                if step == Value::small(1) {
                    format!("range({first}, {last})").into()
                } else {
                    format!("range({first}, {last}, {})", self.repr_string(step)?).into()
                }
            }
            Kind::Slice => {
                let Slice { start, stop, step } = *self.heap.cell::<Slice>(v);
                let mut out = StrBuilder::new();
                out.push_str("slice(");
                self.repr_deeper(|vm| {
                    vm.write_repr(&mut out, start)?;
                    out.push_str(", ");
                    vm.write_repr(&mut out, stop)?;
                    out.push_str(", ");
                    vm.write_repr(&mut out, step)
                })?;
                out.push_str(")");
                out.finish()
            }
            Kind::Class => format!("<class '{}'>", self.class_full_name(v)).into(),
            Kind::Function => {
                let qualname = self.heap.string(self.heap.cell::<Function>(v).qualname);
                let address = self.address(v);
                format!("<function {qualname} at {address:#x}>").into()
            }
            Kind::Method => return self.method_repr(v),
            Kind::Native => self.native_repr(v),
            Kind::Module => return self.module_repr(v),
            Kind::Exception => return self.exception_repr(v),
            Kind::Generator => {
                let qualname = self.heap.string(self.heap.generator_names(v).1);
                let (name, address) = (self.type_name_whole(v), self.address(v));
                format!("<{name} object {qualname} at {address:#x}>").into()
            }
            Kind::Code => {
                let address = self.address(v);
                let code = &self.heap.cell::<CodeObject>(v).code;
                let (name, file, line) = (&code.name, code.source.name(), code.first_line);
                format!("<code object {name} at {address:#x}, file \"{file}\", line {line}>").into()
            }
            Kind::Cell => {
                let value = self.heap.cell::<Cell>(v).value;
                let address = self.address(v);
                match value.given() {
                    Some(value) => {
                        let (name, inner) = (self.type_name_whole(value), self.address(value));
                        format!("<cell at {address:#x}: {name} object at {inner:#x}>").into()
                    }
                    None => format!("<cell at {address:#x}: empty>").into(),
                }
            }
            Kind::StaticMethod => {
                let func = self.heap.cell::<StaticMethod>(v).func;
                return self.wrapped_repr("<staticmethod(", func, ")>");
            }
            Kind::ClassMethod => {
                let func = self.heap.cell::<ClassMethod>(v).func;
                return self.wrapped_repr("<classmethod(", func, ")>");
            }
            Kind::GetSet => {
                let GetSet { def, owner } = self.heap.cell::<GetSet>(v);
                let (name, owner) = (def.name, self.class_name(*owner));
                format!("<attribute '{name}' of '{owner}' objects>").into()
            }
            Kind::SlotDescriptor => {
                let SlotDescriptor { name, class, .. } = *self.heap.cell::<SlotDescriptor>(v);
                let (name, class) = (self.heap.string(name), self.class_name(class));
                format!("<member '{name}' of '{class}' objects>").into()
            }
            Kind::Super => {
                let Super {
                    class,
                    object,
                    object_class,
                } = *self.heap.cell::<Super>(v);
                let class = self.class_name(class);
                if object.is_empty() {
                    format!("<super: <class '{class}'>, NULL>").into()
                } else {
                    let own = self.class_name(object_class);
                    format!("<super: <class '{class}'>, <{own} object>>").into()
                }
            }
            Kind::WeakRef => {
                let target = self.heap.cell::<WeakRef>(v).target;
                let address = self.address(v);
                match target.given() {
                    Some(target) => {
                        let (name, at) = (self.type_name_whole(target), self.address(target));
                        format!("<weakref at {address:#x}; to '{name}' at {at:#x}>").into()
                    }
                    None => format!("<weakref at {address:#x}; dead>").into(),
                }
            }
            _ => return self.default_repr(v),
        };
        Ok(self.heap.str(text))
    }

    /// The repr of what is kept inside a value.
    fn inline_repr(&mut self, v: Value) -> PyResult {
        let text: PyStr = match v {
            Value::NONE => "None".into(),
            Value::TRUE => "True".into(),
            Value::FALSE => "False".into(),
            Value::ELLIPSIS => "Ellipsis".into(),
            Value::NOT_IMPLEMENTED => "NotImplemented".into(),
            _ => match (v.as_int(), v.as_inline_float()) {
                (Some(n), _) => quick::decimal(n),
                (_, Some(f)) => float::repr_text(f),
                _ => "<unbound>".into(),
            },
        };
        Ok(self.heap.str(text))
    }

    fn method_repr(&mut self, v: Value) -> PyResult {
        let Method { func, this } = *self.heap.cell::<Method>(v);
        let name = match self.heap.get::<Function>(func) {
            Some(f) => self.heap.string(f.qualname),
            None => {
                let (qualname, name) = (self.n(N::qualname), self.n(N::name_));
                let found = match self.get_attr_opt(func, qualname)? {
                    Some(found) => Some(found),
                    None => self.get_attr_opt(func, name)?,
                };
                match found {
                    Some(found) if self.heap.as_str(found).is_some() => self.heap.string(found),
                    _ => String::from("?"),
                }
            }
        };
        self.wrapped_repr(&format!("<bound method {name} of "), this, ">")
    }

    fn native_repr(&mut self, v: Value) -> PyStr {
        let &Native {
            def, owner, this, ..
        } = self.heap.cell::<Native>(v);
        let name = def.name;
        if let Some(this) = this.given()
            && self.heap.kind(this) != Some(Kind::Module)
        {
            let (class, address) = (self.type_name_whole(this), self.address(this));
            let what = match self.heap.is_exact(v, B::MethodWrapper) {
                true => format!("method-wrapper '{name}'"),
                false => format!("built-in method {name}"),
            };
            return format!("<{what} of {class} object at {address:#x}>").into();
        }
        let owner = self.class_name(owner);
        if self.heap.is_exact(v, B::WrapperDescriptor) {
            return format!("<slot wrapper '{name}' of '{owner}' objects>").into();
        }
        if self.heap.is_exact(v, B::MethodDescriptor) {
            return format!("<method '{name}' of '{owner}' objects>").into();
        }
        format!("<built-in function {name}>").into()
    }

    fn module_repr(&mut self, v: Value) -> PyResult {
        let Module { name, dict } = *self.heap.cell::<Module>(v);
        let name = match self.dict_get_str(dict, self.n(N::name_)) {
            Some(name) => name,
            None => name,
        };
        let name = self.repr_string(name)?;
        let text = match self.dict_get_str(dict, self.n(N::file)) {
            Some(file) => format!("<module {name} from {}>", self.repr_string(file)?),
            None if self
                .dict_get_str(dict, self.n(N::loader))
                .is_some_and(|loader| loader.is_none()) =>
            {
                format!("<module {name}>")
            }
            None => format!("<module {name} (built-in)>"),
        };
        Ok(self.heap.str(text))
    }

    /// The items of a list that a native builds its own repr from, parted by
    /// commas.
    ///
    /// # Errors
    /// As `repr`.
    pub fn items_repr(&mut self, list: Value) -> PyResult<PyStr> {
        debug_assert!(self.heap.get::<List>(list).is_some());
        let mut out = StrBuilder::new();
        self.holding(&[list], |vm| vm.write_items(&mut out, list))?;
        Ok(out.finish())
    }
}

/// Text with what is not ASCII escaped, as `ascii` does to a repr.
fn escaped(text: &PyStr) -> PyStr {
    let mut out = StrBuilder::with_capacity(text.len());
    for cp in text.chars() {
        match cp {
            0..0x80 => out.push_cp(cp),
            0x80..0x100 => out.push_str(&format!("\\x{cp:02x}")),
            0x100..0x1_0000 => out.push_str(&format!("\\u{cp:04x}")),
            _ => out.push_str(&format!("\\U{cp:08x}")),
        }
    }
    out.finish()
}
