//! Attributes: reading, writing and deleting, with descriptors, as
//! `object.__getattribute__`, `type.__getattribute__` and `super` do.

use crate::heap::Kind;
use crate::native::{GetSetDef, PyResult, Raised};
use crate::object::class::{B, Class};
use crate::object::descriptor::{ClassMethod, GetSet, Property, StaticMethod, Super};
use crate::object::dict::Dict;
use crate::object::exception::Exception;
use crate::object::function::{Method, Native};
use crate::object::instance::SlotDescriptor;
use crate::object::module::Module;
use crate::text::pystr::PyStr;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

impl Vm {
    /// `getattr(obj, name)`; `name` an interned str.
    ///
    /// # Errors
    /// AttributeError; what descriptors and `__getattr__` raise.
    pub fn get_attr(&mut self, obj: Value, name: Value) -> PyResult {
        let found = match self.hooks_of(obj).custom_getattr {
            true => self.get_attr_custom(obj, name),
            false => match self.generic_get_attr(obj, name) {
                Ok(Some(value)) => return Ok(value),
                Ok(None) => return Err(self.no_attribute(obj, name)),
                Err(raised) => Err(raised),
            },
        };
        if let Err(Raised(e)) = found {
            self.note_attribute(e, obj, name);
        }
        found
    }

    /// An AttributeError on its way out of a look-up that doesn't say what was looked up learns it:
    /// CPython 3.13 object.c _PyObject_SetAttributeErrorContext.
    #[cold]
    fn note_attribute(&mut self, exception: Value, obj: Value, name: Value) {
        if self.is_instance_of(exception, B::AttributeError) {
            let e = self.heap.cell_mut::<Exception>(exception);
            if e.fields[0].is_empty() && e.fields[1].is_empty() {
                (e.fields[0], e.fields[1]) = (name, obj);
            }
        }
    }

    /// As `get_attr`, None where that raises AttributeError.
    ///
    /// # Errors
    /// Other exceptions.
    pub fn get_attr_opt(&mut self, obj: Value, name: Value) -> PyResult<Option<Value>> {
        let found = if self.hooks_of(obj).custom_getattr {
            self.get_attr_custom(obj, name).map(Some)
        } else {
            self.generic_get_attr(obj, name)
        };
        match found {
            Err(Raised(e)) if self.is_instance_of(e, B::AttributeError) => Ok(None),
            found => found,
        }
    }

    fn hooks_of(&self, obj: Value) -> crate::object::class::Hooks {
        self.heap.cell::<Class>(self.heap.class_of(obj)).hooks
    }

    /// `__getattribute__` of a script, then `__getattr__`.
    fn get_attr_custom(&mut self, obj: Value, name: Value) -> PyResult {
        let class = self.heap.class_of(obj);
        let getattribute = self.lookup_class(class, self.n(N::getattribute));
        let first = match getattribute {
            Some(f) if self.heap.kind(f) != Some(Kind::Native) => {
                let bound = self.bind(f, obj, class)?;
                self.call(bound, &[name])
            }
            _ => match self.generic_get_attr(obj, name) {
                Ok(Some(value)) => Ok(value),
                Ok(None) => {
                    if let Some(f) = self.lookup_class(class, self.n(N::getattr)) {
                        let bound = self.bind(f, obj, class)?;
                        return self.call(bound, &[name]);
                    }
                    Err(self.no_attribute(obj, name))
                }
                Err(raised) => Err(raised),
            },
        };
        match first {
            Err(Raised(e)) if self.is_instance_of(e, B::AttributeError) => {
                match self.lookup_class(class, self.n(N::getattr)) {
                    Some(f) => {
                        let bound = self.bind(f, obj, class)?;
                        self.call(bound, &[name])
                    }
                    None => Err(Raised(e)),
                }
            }
            result => result,
        }
    }

    /// The error of an attribute that isn't there.
    #[cold]
    pub fn no_attribute(&mut self, obj: Value, name: Value) -> Raised {
        if self.heap.kind(obj) == Some(Kind::Module)
            && let Some(refusal) = self.refused_name(obj, name)
        {
            let raised = self.raise(B::UnsupportedAttribute, refusal);
            let e = self.heap.cell_mut::<Exception>(raised.0);
            (e.fields[0], e.fields[1]) = (name, obj);
            return raised;
        }
        let what = match self.heap.kind(obj) {
            Some(Kind::Class) => format!("type object '{}'", self.class_name_within(obj, 100)),
            Some(Kind::Module) => {
                let module = self.heap.cell::<Module>(obj).name;
                match self.heap.as_str(module) {
                    Some(module) => format!("module '{module}'"),
                    None => "module".to_owned(),
                }
            }
            Some(Kind::Super) => "'super' object".to_owned(),
            _ => format!("'{}' object", self.type_name_within(obj, 100)),
        };
        let message = self.missing(&what, name);
        self.attribute_error_of(message, obj, name)
    }

    /// What an AttributeError says of an object that it calls `what`.
    fn missing(&self, what: &str, name: Value) -> PyStr {
        // The name may hold lone surrogates.
        PyStr::from(format!("{what} has no attribute '"))
            .concat(self.heap.text(name))
            .concat(&PyStr::from("'"))
    }

    /// What an AttributeError says of an attribute to be deleted.
    fn none_to_delete(&self, obj: Value, name: Value) -> PyStr {
        let what = match self.heap.kind(obj) {
            Some(Kind::Class) => format!("type object '{}'", self.class_name_within(obj, 100)),
            _ => format!("'{}' object", self.type_name_within(obj, 100)),
        };
        self.missing(&what, name)
    }

    /// An AttributeError that knows its object and name.
    pub fn attribute_error_of(
        &mut self,
        message: impl Into<PyStr>,
        obj: Value,
        name: Value,
    ) -> Raised {
        let mut message: PyStr = message.into();
        // A message made as Rust's text can't hold the name's lone surrogates.
        if let Some(exact) = self.heap.as_str(name)
            && exact.unit_bytes() > 1
            && let shown = PyStr::from(exact.to_lossy())
            && *exact != shown
            && let Ok(Some(named)) = message.replace(&shown, exact, None, isize::MAX as usize)
        {
            message = named;
        }
        let raised = self.attribute_error(message);
        let e = self.heap.cell_mut::<Exception>(raised.0);
        e.fields[0] = name;
        e.fields[1] = obj;
        raised
    }

    /// What `object.__getattribute__` (for classes, modules and `super`: their
    /// own) finds, without hooks of scripts.
    ///
    /// # Errors
    /// What descriptors raise.
    pub fn generic_get_attr(&mut self, obj: Value, name: Value) -> PyResult<Option<Value>> {
        match self.heap.kind(obj) {
            Some(Kind::Class) => return self.class_get_attr(obj, name),
            Some(Kind::Super) => return self.super_get_attr(obj, name),
            _ => {}
        }
        let class = self.heap.class_of(obj);
        let in_class = self.lookup_class(class, name);
        if let Some(attr) = in_class
            && self.is_data_descriptor(attr)
            && self.has_get(attr)
        {
            return self.bind(attr, obj, class).map(Some);
        }
        if let Some(value) = self.own_attr(obj, name) {
            return Ok(Some(value));
        }
        if let Some(attr) = in_class {
            return self.bind(attr, obj, class).map(Some);
        }
        if let Some(method) = self.heap.get::<Method>(obj) {
            // A bound method has its function's attributes.
            let func = method.func;
            return self.get_attr(func, name).map(Some);
        }
        if self.heap.kind(obj) == Some(Kind::Module) {
            let dict = self.heap.cell::<Module>(obj).dict;
            if let Some(getattr) = self.heap.ns_get(dict, self.n(N::getattr)) {
                return self.holding(&[obj, name], |vm| match vm.call(getattr, &[name]) {
                    // A refusal tells more than the library's own AttributeError.
                    Err(raised)
                        if vm.is_instance_of(raised.0, B::AttributeError)
                            && vm.refused_name(obj, name).is_some() =>
                    {
                        Ok(None)
                    }
                    result => result.map(Some),
                });
            }
        }
        Ok(None)
    }

    /// An attribute of the object itself, its class left aside.
    pub fn own_attr(&self, obj: Value, name: Value) -> Option<Value> {
        match self.heap.kind(obj)? {
            Kind::Instance => {
                let shape = self.heap.shape_of(obj);
                if let Some(slot) = self.heap.shapes.slot(shape, name) {
                    return self.heap.slot(obj, slot).given();
                }
                let dict_slot = self.heap.shapes.dict_slot(shape)?;
                self.heap.ns_get(self.heap.slot(obj, dict_slot), name)
            }
            Kind::Module => self.heap.ns_get(self.heap.cell::<Module>(obj).dict, name),
            _ => self.heap.ns_get(self.heap.attrs(obj)?, name),
        }
    }

    fn class_get_attr(&mut self, class: Value, name: Value) -> PyResult<Option<Value>> {
        let meta = self.heap.class_of(class);
        let in_meta = self.lookup_class(meta, name);
        if let Some(attr) = in_meta
            && self.is_data_descriptor(attr)
            && self.has_get(attr)
        {
            return self.bind(attr, class, meta).map(Some);
        }
        if let Some(attr) = self.lookup_class(class, name) {
            return self.bind(attr, Value::EMPTY, class).map(Some);
        }
        match in_meta {
            Some(attr) => self.bind(attr, class, meta).map(Some),
            None => Ok(None),
        }
    }

    fn super_get_attr(&mut self, obj: Value, name: Value) -> PyResult<Option<Value>> {
        let s = self.heap.cell::<Super>(obj);
        let (class, this, start) = (s.class, s.object, s.object_class);
        if !this.is_empty() && name != self.n(N::class) {
            let mro = self.heap.cell::<Class>(start).mro.clone();
            let after = mro
                .iter()
                .position(|&c| c == class)
                .map_or(mro.len(), |i| i + 1);
            for &base in &mro[after..] {
                if let Some(attr) = self.heap.ns_get(self.heap.cell::<Class>(base).attrs, name) {
                    let bound_to = if this == start { Value::EMPTY } else { this };
                    return self.bind(attr, bound_to, start).map(Some);
                }
            }
        }
        let own_class = self.heap.class_of(obj);
        match self.lookup_class(own_class, name) {
            Some(attr) => self.bind(attr, obj, own_class).map(Some),
            None => Ok(None),
        }
    }

    /// `super(class, object)`.
    ///
    /// # Errors
    /// TypeError when the object is neither an instance nor a subclass of the class.
    pub fn new_super(&mut self, class: Value, object: Value) -> PyResult {
        let object_class = self.super_start(class, object)?;
        Ok(self.heap.alloc(
            B::Super.shape(),
            Super {
                class,
                object,
                object_class,
            },
        ))
    }

    /// The class whose MRO `super(class, object)` searches.
    ///
    /// # Errors
    /// As `new_super`.
    pub fn super_start(&mut self, class: Value, object: Value) -> PyResult {
        let is_class = self.heap.kind(object) == Some(Kind::Class);
        if is_class && self.is_subclass(object, class) {
            return Ok(object);
        }
        let own_class = self.heap.class_of(object);
        if self.is_subclass(own_class, class) {
            return Ok(own_class);
        }
        let name = self.n(N::class);
        if let Some(claimed) = self.get_attr_opt(object, name)?
            && self.heap.kind(claimed) == Some(Kind::Class)
            && self.is_subclass(claimed, class)
        {
            return Ok(claimed);
        }
        let shown = if is_class {
            format!("type {}", self.class_name(object))
        } else {
            format!("instance of {}", self.class_name(own_class))
        };
        let message = format!(
            "super(type, obj): obj ({shown}) is not an instance or subtype of type ({}).",
            self.class_name(class)
        );
        Err(self.type_error(message))
    }

    /// Whether a class attribute goes before an instance's own.
    pub fn is_data_descriptor(&mut self, attr: Value) -> bool {
        match self.heap.kind(attr) {
            Some(Kind::Property | Kind::GetSet | Kind::SlotDescriptor) => true,
            Some(Kind::Instance) => {
                let class = self.heap.class_of(attr);
                self.lookup_class(class, self.n(N::set)).is_some()
                    || self.lookup_class(class, self.n(N::delete)).is_some()
            }
            _ => false,
        }
    }

    /// Whether a data descriptor can be read; one that can't leaves the word to
    /// the instance's own attribute.
    fn has_get(&mut self, attr: Value) -> bool {
        if self.heap.kind(attr) != Some(Kind::Instance) {
            return true;
        }
        let class = self.heap.class_of(attr);
        self.lookup_class(class, self.n(N::get)).is_some()
    }

    /// What class attribute `attr` gives on instance `obj` (`Value::EMPTY`: on
    /// the class itself) of `class`: calls `__get__`.
    ///
    /// # Errors
    /// What the getter raises.
    pub fn bind(&mut self, attr: Value, obj: Value, class: Value) -> PyResult {
        match self.heap.kind(attr) {
            Some(Kind::Function) => Ok(if obj.is_empty() {
                attr
            } else {
                self.new_method(attr, obj)
            }),
            Some(Kind::Native) => {
                let native = self.heap.cell::<Native>(attr);
                if obj.is_empty() || !native.this.is_empty() {
                    return Ok(attr);
                }
                let is_method = self.heap.is_exact(attr, B::MethodDescriptor)
                    || self.heap.is_exact(attr, B::WrapperDescriptor);
                if !is_method {
                    return Ok(attr);
                }
                let shape = if self.heap.is_exact(attr, B::WrapperDescriptor) {
                    B::MethodWrapper.shape()
                } else {
                    B::NativeFunction.shape()
                };
                let bound = Native {
                    def: native.def,
                    owner: native.owner,
                    this: obj,
                    module: native.module,
                };
                Ok(self.heap.alloc(shape, bound))
            }
            Some(Kind::StaticMethod) => Ok(self.heap.cell::<StaticMethod>(attr).func),
            Some(Kind::ClassMethod) => {
                let func = self.heap.cell::<ClassMethod>(attr).func;
                match self.heap.kind(func) {
                    Some(Kind::Native) => {
                        let n = self.heap.cell::<Native>(func);
                        let bound = Native {
                            def: n.def,
                            owner: n.owner,
                            this: class,
                            module: n.module,
                        };
                        Ok(self.heap.alloc(B::NativeFunction.shape(), bound))
                    }
                    _ => Ok(self.new_method(func, class)),
                }
            }
            Some(Kind::Property) => {
                if obj.is_empty() {
                    return Ok(attr);
                }
                let get = self.heap.cell::<Property>(attr).get;
                if get.is_none() {
                    return Err(self.property_error(attr, obj, "getter"));
                }
                self.call(get, &[obj])
            }
            Some(Kind::GetSet) => {
                if obj.is_empty() {
                    return Ok(attr);
                }
                let def = self.getset_of(attr, obj)?;
                (def.get)(self, obj)
            }
            Some(Kind::SlotDescriptor) => {
                if obj.is_empty() {
                    return Ok(attr);
                }
                let (name, slot, is_beside) = self.slot_of(attr, obj)?;
                let value = match is_beside {
                    true => self.heap.side_slot(obj, slot),
                    false => self.heap.slot(obj, slot).given(),
                };
                match value {
                    Some(value) => Ok(value),
                    None => Err(self.empty_slot(obj, name)),
                }
            }
            None | Some(Kind::Str | Kind::Tuple | Kind::List | Kind::Dict | Kind::Class) => {
                Ok(attr)
            }
            Some(_) => {
                let attr_class = self.heap.class_of(attr);
                match self.lookup_class(attr_class, self.n(N::get)) {
                    Some(get) => {
                        let instance = obj.given().unwrap_or(Value::NONE);
                        self.call(get, &[attr, instance, class])
                    }
                    None => Ok(attr),
                }
            }
        }
    }

    /// CPython 3.13 structmember.c PyMember_GetOne tells of an empty slot with
    /// the class's full name, unlike everything else.
    fn empty_slot(&mut self, obj: Value, name: Value) -> Raised {
        let class = self.heap.cell::<Class>(self.heap.class_of(obj));
        let (attrs, qualname) = (class.attrs, self.heap.string(class.qualname));
        let module = self.heap.ns_get(attrs, self.n(N::module));
        let module = module.and_then(|module| self.heap.as_str(module).map(ToString::to_string));
        let full = match module.as_deref() {
            None | Some("builtins" | "__main__") => qualname,
            Some(module) => format!("{module}.{qualname}"),
        };
        let text = self.heap.string(name);
        let message = format!("'{full}' object has no attribute '{text}'");
        self.attribute_error_of(message, obj, name)
    }

    /// The name and slot of a slot's descriptor, for an instance of its class, and whether the
    /// value lies beside the instance.
    fn slot_of(&mut self, descriptor: Value, obj: Value) -> PyResult<(Value, u16, bool)> {
        let d = self.heap.cell::<SlotDescriptor>(descriptor);
        let (name, class, found) = (d.name, d.class, (d.name, d.slot, d.is_beside));
        self.check_applies(class, obj, |vm| vm.heap.string(name).to_string())?;
        Ok(found)
    }

    /// What a native attribute's descriptor does, for an instance of its class.
    #[inline]
    fn getset_of(&mut self, descriptor: Value, obj: Value) -> PyResult<&'static GetSetDef> {
        let &GetSet { def, owner } = self.heap.cell::<GetSet>(descriptor);
        self.check_applies(owner, obj, |_| def.name.to_owned())?;
        Ok(def)
    }

    /// A descriptor of `class`, called `name`, is asked about `obj`.
    ///
    /// # Errors
    /// TypeError unless that is an instance.
    #[inline]
    fn check_applies(
        &mut self,
        class: Value,
        obj: Value,
        name: impl FnOnce(&Vm) -> String,
    ) -> PyResult<()> {
        let found = self.heap.class_of(obj);
        if found == class || self.is_subclass(found, class) {
            return Ok(());
        }
        let message = format!(
            "descriptor '{}' for '{}' objects doesn't apply to a '{}' object",
            name(self),
            self.type_name_of_within(class, 100),
            self.type_name_of_within(found, 100)
        );
        Err(self.type_error(message))
    }

    #[cold]
    fn property_error(&mut self, property: Value, obj: Value, what: &str) -> Raised {
        let p = self.heap.cell::<Property>(property);
        let (name, get) = (p.name, p.get);
        let key = self.n(N::name_);
        let name = match name.given() {
            Some(name) => Some(name),
            None if get.is_none() => None,
            // Without a name of its own it goes by its getter's.
            None => match self.get_attr_opt(get, key) {
                Ok(name) => name,
                Err(raised) => return raised,
            },
        };
        let class = self.heap.class_of(obj);
        let qualname = self.heap.cell::<Class>(class).qualname;
        let shown = match name.map(|name| self.repr_string(name)).transpose() {
            Ok(name) => name.map_or(String::new(), |name| format!(" {name}")),
            Err(raised) => return raised,
        };
        let class = self.heap.text(qualname).repr().to_lossy();
        self.attribute_error(format!("property{shown} of {class} object has no {what}"))
    }

    /// A bound method.
    #[inline]
    pub fn new_method(&mut self, func: Value, this: Value) -> Value {
        self.heap.alloc(B::Method.shape(), Method { func, this })
    }

    /// `setattr(obj, name, value)`; `name` an interned str.
    ///
    /// # Errors
    /// AttributeError, TypeError; what descriptors and `__setattr__` raise.
    pub fn set_attr(&mut self, obj: Value, name: Value, value: Value) -> PyResult<()> {
        if self.hooks_of(obj).custom_setattr {
            self.call_special(obj, N::setattr, &[name, value])?;
            return Ok(());
        }
        self.generic_set_attr(obj, name, value)
    }

    /// `delattr(obj, name)`; `name` an interned str.
    ///
    /// # Errors
    /// As `set_attr`.
    pub fn del_attr(&mut self, obj: Value, name: Value) -> PyResult<()> {
        if self.hooks_of(obj).custom_setattr {
            self.call_special(obj, N::delattr, &[name])?;
            return Ok(());
        }
        self.generic_set_attr(obj, name, Value::EMPTY)
    }

    /// `object.__setattr__`, or with `Value::EMPTY` `object.__delattr__`,
    /// without hooks of scripts.
    ///
    /// # Errors
    /// As `set_attr`.
    pub fn generic_set_attr(&mut self, obj: Value, name: Value, value: Value) -> PyResult<()> {
        let class = self.heap.class_of(obj);
        if let Some(attr) = self.lookup_class(class, name)
            && self.set_by_descriptor(attr, obj, value)?
        {
            return Ok(());
        }
        match self.heap.kind(obj) {
            Some(Kind::Class) => self.class_set_attr(obj, name, value),
            Some(Kind::Module) => {
                let dict = self.heap.cell::<Module>(obj).dict;
                self.set_in_dict(dict, obj, name, value)
            }
            Some(Kind::Instance) => self.instance_set_attr(obj, class, name, value),
            kind if self.heap.cell::<Class>(class).has_dict && obj.is_ptr() => {
                let dict = match self.heap.attrs(obj) {
                    Some(dict) => dict,
                    None if value.is_empty() => return Err(self.no_attribute(obj, name)),
                    None => {
                        let dict = self.heap.dict();
                        self.heap.set_attrs(obj, dict);
                        dict
                    }
                };
                self.set_in_dict(dict, obj, name, value)?;
                if kind == Some(Kind::EventLoop) {
                    self.note_overrides(obj);
                }
                Ok(())
            }
            _ => Err(self.no_attribute_to_set(obj, class, name)),
        }
    }

    fn set_in_dict(&mut self, dict: Value, obj: Value, name: Value, value: Value) -> PyResult<()> {
        if value.is_empty() {
            return match self.heap.ns_remove(dict, name) {
                Some(_) => Ok(()),
                None => {
                    let message = self.none_to_delete(obj, name);
                    Err(self.attribute_error_of(message, obj, name))
                }
            };
        }
        self.heap.ns_set(dict, name, value);
        Ok(())
    }

    fn no_attribute_to_set(&mut self, obj: Value, class: Value, name: Value) -> Raised {
        let (text, class_text) = (self.heap.string(name), self.type_name_within(obj, 100));
        match self.lookup_class(class, name) {
            Some(_) => self.attribute_error(format!(
                "'{class_text}' object attribute '{text}' is read-only"
            )),
            None => self.no_dict_to_set(obj, name),
        }
    }

    /// The error of setting or deleting what neither a class nor a dict has.
    pub fn no_dict_to_set(&mut self, obj: Value, name: Value) -> Raised {
        let (text, class_text) = (self.heap.string(name), self.type_name_within(obj, 100));
        let mut message = format!("'{class_text}' object has no attribute '{text}'");
        // CPython 3.13 object.c _PyObject_GenericSetAttrWithDict says more only of what has
        // no `__setattr__` or `__delattr__` of its own.
        if !self.hooks_of(obj).custom_setattr {
            message.push_str(" and no __dict__ for setting new attributes");
        }
        self.attribute_error_of(message, obj, name)
    }

    /// `descriptor.__set__(obj, value)`, or with `Value::EMPTY` `__delete__`,
    /// of a builtin data descriptor.
    ///
    /// # Errors
    /// What the setter raises; TypeError when it is none.
    pub fn descriptor_set(&mut self, descriptor: Value, obj: Value, value: Value) -> PyResult<()> {
        if self.set_by_descriptor(descriptor, obj, value)? {
            return Ok(());
        }
        Err(self.type_error("not a data descriptor"))
    }

    /// Writes or deletes through a data descriptor; false when it is none.
    fn set_by_descriptor(&mut self, attr: Value, obj: Value, value: Value) -> PyResult<bool> {
        match self.heap.kind(attr) {
            Some(Kind::Property) => {
                let p = self.heap.cell::<Property>(attr);
                let (func, what) = if value.is_empty() {
                    (p.del, "deleter")
                } else {
                    (p.set, "setter")
                };
                if func.is_none() {
                    return Err(self.property_error(attr, obj, what));
                }
                if value.is_empty() {
                    self.call(func, &[obj])?;
                } else {
                    self.call(func, &[obj, value])?;
                }
                Ok(true)
            }
            Some(Kind::GetSet) => {
                let def = self.getset_of(attr, obj)?;
                match def.set {
                    Some(set) => set(self, obj, value)?,
                    None => {
                        let owner = self.heap.cell::<GetSet>(attr).owner;
                        let (name, class) = (def.name, self.class_name(owner));
                        let message = if self.is_python_in_cpython(owner) {
                            let what = if value.is_empty() {
                                "deleter"
                            } else {
                                "setter"
                            };
                            format!("property '{name}' of '{class}' object has no {what}")
                        } else {
                            format!("attribute '{name}' of '{class}' objects is not writable")
                        };
                        return Err(self.attribute_error(message));
                    }
                }
                Ok(true)
            }
            Some(Kind::SlotDescriptor) => {
                let (name, slot, is_beside) = self.slot_of(attr, obj)?;
                let is_unbound = match is_beside {
                    true => self.heap.side_slot(obj, slot).is_none(),
                    false => self.heap.slot(obj, slot).is_empty(),
                };
                if value.is_empty() && is_unbound {
                    let text = self.heap.text(name).clone();
                    return Err(self.attribute_error(text));
                }
                if is_beside {
                    self.heap.set_side_slot(obj, slot, value);
                } else {
                    self.heap.set_slot(obj, slot, value);
                }
                Ok(true)
            }
            Some(Kind::Instance) => {
                let attr_class = self.heap.class_of(attr);
                let (name, args): (_, &[Value]) = if value.is_empty() {
                    (N::delete, &[obj])
                } else {
                    (N::set, &[obj, value])
                };
                if self.lookup_class(attr_class, self.n(name)).is_some() {
                    self.call_special(attr, name, args)?;
                    return Ok(true);
                }
                let other = if value.is_empty() { N::set } else { N::delete };
                if self.lookup_class(attr_class, self.n(other)).is_some() {
                    return Err(self.attribute_error(if value.is_empty() {
                        "__delete__"
                    } else {
                        "__set__"
                    }));
                }
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    fn instance_set_attr(
        &mut self,
        obj: Value,
        class: Value,
        name: Value,
        value: Value,
    ) -> PyResult<()> {
        let shape = self.heap.shape_of(obj);
        if let Some(slot) = self.heap.shapes.slot(shape, name)
            && !value.is_empty()
        {
            self.heap.set_slot(obj, slot, value);
            return Ok(());
        }
        if let Some(slot) = self.heap.shapes.dict_slot(shape) {
            let dict = self.heap.slot(obj, slot);
            return self.set_in_dict(dict, obj, name, value);
        }
        if !self.heap.cell::<Class>(class).has_dict {
            return Err(self.no_attribute_to_set(obj, class, name));
        }
        if value.is_empty() {
            if self.own_attr(obj, name).is_none() {
                let message = self.none_to_delete(obj, name);
                return Err(self.attribute_error(message));
            }
            let dict = self.attribute_dict(obj);
            return self.set_in_dict(dict, obj, name, value);
        }
        match self.heap.shapes.add(shape, name) {
            Some((next, slot)) => {
                self.heap.set_slot(obj, slot, value);
                self.heap.set_shape(obj, next);
                let c = self.heap.cell_mut::<Class>(class);
                if slot >= c.slot_hint {
                    c.slot_hint = slot + 1;
                }
                Ok(())
            }
            None => {
                let dict = self.attribute_dict(obj);
                self.set_in_dict(dict, obj, name, value)
            }
        }
    }

    /// `obj.__dict__` of an object whose class gives it one: a live dict.
    pub fn attribute_dict(&mut self, obj: Value) -> Value {
        match self.heap.kind(obj) {
            Some(Kind::Module) => self.heap.cell::<Module>(obj).dict,
            _ => self
                .heap
                .attribute_dict(obj, |heap, name| heap.str_hash(name)),
        }
    }

    /// Makes `dict` the `__dict__` of an object.
    pub fn set_attribute_dict(&mut self, obj: Value, dict: Value) {
        if self.heap.kind(obj) == Some(Kind::Instance) {
            self.attribute_dict(obj);
            let shape = self.heap.shape_of(obj);
            if let Some(slot) = self.heap.shapes.dict_slot(shape) {
                self.heap.set_slot(obj, slot, dict);
            }
        } else {
            self.heap.set_attrs(obj, dict);
        }
    }

    fn class_set_attr(&mut self, class: Value, name: Value, value: Value) -> PyResult<()> {
        let c = self.heap.cell::<Class>(class);
        if !c.is_heap {
            let (text, class_text) = (self.heap.string(name), self.class_name(class));
            if self.is_python_in_cpython(class) {
                return Err(self.unsupported(format!(
                    "setting {class_text}.{text} is not supported: the class is written in Rust; make a subclass, or set it in an instance"
                )));
            }
            return Err(self.type_error(format!(
                "cannot set '{text}' attribute of immutable type '{class_text}'"
            )));
        }
        let attrs = c.attrs;
        let before = self.heap.ns_get(attrs, name);
        self.set_in_dict(attrs, class, name, value)?;
        // A value that takes another value's place stales the caches the first time only: from
        // then on those look into the namespace each time.
        let mere_value = !value.is_empty()
            && self.is_plain_data(value)
            && before.is_some_and(|v| self.is_plain_data(v))
            && !self.heap.text(name).eq_str("__hash__");
        let c = self.heap.cell_mut::<Class>(class);
        if !mere_value || !c.data_varies {
            c.data_varies |= mere_value;
            self.class_changed(class);
        }
        Ok(())
    }

    // ---- special methods -------------------------------------------------------

    /// The attribute `name` of the object's class, unbound: where the language
    /// looks for special methods.
    #[inline]
    pub fn special(&mut self, obj: Value, name: N) -> Option<Value> {
        let class = self.heap.class_of(obj);
        self.lookup_class(class, self.n(name))
    }

    /// Calls a special method of the object; None when its class has none.
    ///
    /// # Errors
    /// What it raises.
    pub fn call_special(&mut self, obj: Value, name: N, args: &[Value]) -> PyResult<Option<Value>> {
        let class = self.heap.class_of(obj);
        let Some(attr) = self.lookup_class(class, self.n(name)) else {
            return Ok(None);
        };
        self.call_attr(attr, obj, class, args).map(Some)
    }

    /// Calls class attribute `attr` as a method of `obj`.
    ///
    /// # Errors
    /// What it raises.
    pub fn call_attr(&mut self, attr: Value, obj: Value, class: Value, args: &[Value]) -> PyResult {
        match self.heap.kind(attr) {
            Some(Kind::Function) => self.call_with_self(attr, obj, args),
            Some(Kind::Native)
                if self.heap.is_exact(attr, B::WrapperDescriptor)
                    || self.heap.is_exact(attr, B::MethodDescriptor) =>
            {
                self.call_with_self(attr, obj, args)
            }
            _ => {
                let bound = self.bind(attr, obj, class)?;
                self.root(bound);
                self.call(bound, args)
            }
        }
    }

    fn call_with_self(&mut self, func: Value, this: Value, args: &[Value]) -> PyResult {
        if let Some(result) = self.call_fitting(func, &[this], args) {
            return result;
        }
        let mut all = smallvec::SmallVec::<[Value; 6]>::with_capacity(args.len() + 1);
        all.push(this);
        all.extend_from_slice(args);
        self.call(func, &all)
    }

    /// Calls the method `name` of an object.
    ///
    /// # Errors
    /// AttributeError; what it raises.
    pub fn call_method(&mut self, obj: Value, name: &str, args: &[Value]) -> PyResult {
        let name = self.heap.intern(name);
        let method = self.get_attr(obj, name)?;
        self.root(method);
        self.call(method, args)
    }

    /// Adds a note to an exception.
    pub fn add_note(&mut self, exception: Value, note: &str) {
        let note = self.heap.str(note);
        let key = self.n(N::notes);
        match self.own_attr(exception, key) {
            Some(list) if self.heap.kind(list) == Some(Kind::List) => {
                self.heap.list_push(list, note)
            }
            _ => {
                let list = self.heap.list(vec![note]);
                let dict = self.attribute_dict(exception);
                self.heap.ns_set(dict, key, list);
            }
        }
    }

    /// The entries of a dict keyed by strs, as keyword arguments; names interned.
    ///
    /// # Errors
    /// TypeError: keywords must be strings.
    pub fn keywords_of(&mut self, dict: Value) -> PyResult<Vec<(Value, Value)>> {
        let mut keywords = Vec::with_capacity(self.heap.cell::<Dict>(dict).table.len());
        for (key, value) in self.heap.dict_entries(dict) {
            if self.heap.as_str(key).is_none() {
                return Err(self.type_error("keywords must be strings"));
            }
            keywords.push((self.heap.intern_value(key), value));
        }
        Ok(keywords)
    }
}
