//! Making classes: C3, metaclasses, slots, hooks; and looking attributes up
//! along the MRO, through a cache.

use crate::heap::{Kind, ShapeId};
use crate::native::{PyResult, QuickFn, Raised};
use crate::object::class::{B, Class, FastInit, Hooks};
use crate::object::descriptor::{ClassMethod, GetSet, StaticMethod};
use crate::object::function::{Cell, Native};
use crate::object::instance::SlotDescriptor;
use crate::object::weak::WeakRef;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

const CACHE_SIZE: usize = 2048;

#[derive(Clone, Copy)]
struct CacheEntry {
    version: u32,
    name: Value,
    /// `Value::EMPTY`: no class of the MRO has it.
    found: Value,
}

/// Answers of MRO lookups by (class version, name). A class that changes gets
/// a new version, so an answer is never stale; the collector clears it all.
#[derive(Default)]
pub struct MethodCache {
    entries: Vec<CacheEntry>,
}

impl MethodCache {
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    #[inline(always)]
    fn index(version: u32, name: Value) -> usize {
        ((name.bits() >> 5) as usize ^ (version as usize).wrapping_mul(31)) % CACHE_SIZE
    }
}

impl Vm {
    /// The attribute `name` (an interned str) of the first class of the MRO
    /// that has it, unbound.
    #[inline]
    pub fn lookup_class(&mut self, class: Value, name: Value) -> Option<Value> {
        let version = self.heap.cell::<Class>(class).version;
        let at = MethodCache::index(version, name);
        if let Some(entry) = self.method_cache().entries.get(at)
            && entry.version == version
            && entry.name == name
        {
            return entry.found.given();
        }
        self.lookup_class_slow(class, version, name, at)
    }

    #[inline(never)]
    fn lookup_class_slow(
        &mut self,
        class: Value,
        version: u32,
        name: Value,
        at: usize,
    ) -> Option<Value> {
        let found = self.lookup_class_uncached(class, name);
        if found.is_some_and(|v| self.is_plain_data(v)) {
            // May be changed without a new version: see `class_set_attr`.
            return found;
        }
        let cache = self.method_cache();
        if cache.entries.is_empty() {
            cache.entries = vec![
                CacheEntry {
                    version: 0,
                    name: Value::EMPTY,
                    found: Value::EMPTY
                };
                CACHE_SIZE
            ];
        }
        cache.entries[at] = CacheEntry {
            version,
            name,
            found: found.unwrap_or(Value::EMPTY),
        };
        found
    }

    /// Whether a class attribute is a mere value, never a descriptor.
    pub(crate) fn is_plain_data(&self, v: Value) -> bool {
        matches!(
            self.heap.kind(v),
            None | Some(
                Kind::Float
                    | Kind::BigInt
                    | Kind::Str
                    | Kind::Bytes
                    | Kind::List
                    | Kind::Tuple
                    | Kind::Dict
                    | Kind::Set
            )
        )
    }

    fn lookup_class_uncached(&self, class: Value, name: Value) -> Option<Value> {
        let c = self.heap.cell::<Class>(class);
        c.mro
            .iter()
            .find_map(|&base| self.heap.ns_get(self.heap.cell::<Class>(base).attrs, name))
    }

    /// The class of the MRO whose namespace has `name`, and the attribute.
    pub fn lookup_class_where(&self, class: Value, name: Value) -> Option<(Value, Value)> {
        let c = self.heap.cell::<Class>(class);
        c.mro.iter().find_map(|&base| {
            self.heap
                .ns_get(self.heap.cell::<Class>(base).attrs, name)
                .map(|v| (base, v))
        })
    }

    // ---- builtin classes -----------------------------------------------------

    pub(crate) fn make_builtin_classes(&mut self) {
        for &b in B::ALL {
            let shape = self.heap.shapes.new_root(Value::EMPTY, 0);
            debug_assert_eq!(shape, b.shape());
        }
        for &b in B::ALL {
            let name = self.heap.intern(b.name());
            let attrs = self.heap.dict();
            let base = (b != B::Object).then(|| self.class(b.base()));
            let is_exception = b.layout() == Kind::Exception;
            let has_dict = is_exception
                || matches!(
                    b,
                    B::Function | B::Module | B::Type | B::StaticMethod | B::ClassMethod
                );
            let version = self.new_version();
            let class = self.heap.alloc(
                B::Type.shape(),
                Class {
                    name,
                    qualname: name,
                    bases: base.into_iter().collect(),
                    base: base.unwrap_or(Value::NONE),
                    mro: Vec::new(),
                    attrs,
                    root_shape: b.shape(),
                    layout: b.layout(),
                    has_dict,
                    has_weakref: false,
                    is_final: !b.subclassable(),
                    is_heap: false,
                    builtin_base: b,
                    version,
                    data_varies: false,
                    named_with_module: false,
                    concatenates: false,
                    slot_hint: 4,
                    n_slots: 0,
                    own_slots: Box::default(),
                    subclasses: Vec::new(),
                    own_specials: 0,
                    hooks: Hooks::default(),
                    fast_init: FastInit::UNKNOWN,
                    constructor: None,
                },
            );
            let mut mro = vec![class];
            if let Some(base) = base {
                mro.extend_from_slice(&self.heap.cell::<Class>(base).mro);
                self.add_subclass(base, class);
            }
            self.heap.cell_mut::<Class>(class).mro = mro;
            self.heap.shapes.set_class(b.shape(), class);
            self.push_class(class);
        }
        self.give_exception_group_its_bases();
        self.make_refusals_of(B::AttributeError, B::UnsupportedAttribute);
        self.make_refusals_of(B::ImportError, B::UnsupportedImport);
    }

    /// What an Unsupported is that `except error` catches too: so do scripts ask what there is.
    fn make_refusals_of(&mut self, error: B, refusal: B) {
        let [refusal, unsupported, error] = [refusal, B::Unsupported, error].map(|b| self.class(b));
        let last = self.heap.cell::<Class>(unsupported).mro.clone();
        let mut mro = self.heap.cell::<Class>(refusal).mro.clone();
        mro.retain(|class| !last.contains(class));
        mro.extend(last);
        let c = self.heap.cell_mut::<Class>(refusal);
        c.bases = vec![error, unsupported];
        c.mro = mro;
        self.add_subclass(unsupported, refusal);
    }

    /// ExceptionGroup is the one builtin class with two bases.
    fn give_exception_group_its_bases(&mut self) {
        let [group, base_group, exception] =
            [B::ExceptionGroup, B::BaseExceptionGroup, B::Exception].map(|b| self.class(b));
        let mut mro = vec![group, base_group];
        mro.extend_from_slice(&self.heap.cell::<Class>(exception).mro);
        let c = self.heap.cell_mut::<Class>(group);
        c.bases = vec![base_group, exception];
        c.mro = mro;
        self.add_subclass(exception, group);
    }

    fn add_subclass(&mut self, base: Value, class: Value) {
        let weak = self.heap.alloc(
            B::WeakRef.shape(),
            WeakRef {
                target: class,
                callback: Value::NONE,
                hash: None,
            },
        );
        self.heap.add_weak(weak, class);
        self.heap.cell_mut::<Class>(base).subclasses.push(weak);
    }

    /// Sets an attribute of a class that is being made; `class_changed` must follow.
    pub fn class_attr_init(&mut self, class: Value, name: &str, value: Value) {
        let name = self.heap.intern(name);
        let attrs = self.heap.cell::<Class>(class).attrs;
        self.heap.ns_set(attrs, name, value);
    }

    /// Gives a builtin class its own descriptor of a method that it inherits.
    pub fn own_native(&mut self, class: B, method: N) {
        let class = self.class(class);
        let key = self.n(method);
        let attrs = self.heap.cell::<Class>(class).attrs;
        // No cache is asked: it would remember what is found.
        let mro = self.heap.cell::<Class>(class).mro.iter();
        let inherited = mro
            .filter_map(|&c| self.heap.ns_get(self.heap.cell::<Class>(c).attrs, key))
            .next();
        if self.heap.ns_get(attrs, key).is_none()
            && let Some(inherited) = inherited
            && let Some(native) = self.heap.get::<Native>(inherited)
        {
            let native = Native {
                def: native.def,
                owner: class,
                this: native.this,
                module: native.module,
            };
            let own = self.heap.alloc(self.heap.shape_of(inherited), native);
            self.heap.ns_set(attrs, key, own);
        }
    }

    /// The live direct subclasses of a class, oldest first.
    pub fn subclasses(&self, class: Value) -> Vec<Value> {
        let c = self.heap.cell::<Class>(class);
        c.subclasses
            .iter()
            .filter_map(|&w| self.heap.get::<WeakRef>(w)?.target.given())
            .collect()
    }

    // ---- making classes ------------------------------------------------------

    /// The most derived of `meta` and the metaclasses of the bases.
    ///
    /// # Errors
    /// TypeError: metaclass conflict.
    pub fn metaclass_for(&mut self, meta: Value, bases: &[Value]) -> PyResult {
        let mut winner = meta;
        for &base in bases {
            let candidate = self.heap.class_of(base);
            if self.is_subclass(winner, candidate) {
                continue;
            }
            if self.is_subclass(candidate, winner) {
                winner = candidate;
                continue;
            }
            return Err(self.type_error(
                "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases",
            ));
        }
        Ok(winner)
    }

    /// `type.__new__`: a class of metaclass `meta` with this name (a str),
    /// these bases, and a copy of namespace dict `ns`. `keywords` go to
    /// `__init_subclass__`.
    ///
    /// # Errors
    /// TypeError for bad bases, MRO, slots; what `__set_name__` and
    /// `__init_subclass__` raise.
    pub fn new_class(
        &mut self,
        meta: Value,
        name: Value,
        bases: &[Value],
        ns: Value,
        keywords: &[(Value, Value)],
    ) -> PyResult {
        let object = self.class(B::Object);
        let bases: Vec<Value> = if bases.is_empty() {
            vec![object]
        } else {
            bases.to_vec()
        };
        for &base in &bases {
            let Some(c) = self.heap.get::<Class>(base) else {
                return Err(self.type_error("bases must be types"));
            };
            if c.is_final {
                let message = format!(
                    "type '{}' is not an acceptable base type",
                    self.qualified_class_name(base)
                );
                return Err(self.type_error(message));
            }
        }
        let best = self.best_base(&bases)?;
        let (layout, builtin_base, mut n_slots) = {
            let c = self.heap.cell::<Class>(best);
            (c.layout, c.builtin_base, c.n_slots)
        };
        // CPython: what is of variable size has no room for weak references.
        let sized = matches!(layout, Kind::Tuple | Kind::BigInt)
            || layout == Kind::Bytes && builtin_base == B::Bytes;
        // CPython 3.13 typeobject.c type_new_slots: only the base that lays the instances out counts
        // as having either. What another base has is added anew.
        let laid_out = self.heap.cell::<Class>(best);
        let had_dict = laid_out.has_dict;
        let had_weakref = laid_out.has_weakref || refers_weakly(layout);
        let of_base = |has: fn(&Class) -> bool| bases.iter().any(|&b| has(self.heap.cell(b)));
        let (any_dict, any_weakref) = (of_base(|c| c.has_dict), of_base(|c| c.has_weakref));

        let attrs = self.heap.dict();
        for (key, value) in self.heap.dict_entries(ns) {
            let key = if self.heap.as_str(key).is_some() {
                self.heap.intern_value(key)
            } else {
                key
            };
            if self.heap.as_str(key).is_some() {
                self.heap.ns_set(attrs, key, value);
            } else {
                let class = self.heap.string(name);
                let message = format!("non-string key in the __dict__ of class {class}");
                self.root(attrs);
                self.warn(B::RuntimeWarning, &message)?;
            }
        }
        let qualname = self.heap.ns_remove(attrs, self.n(N::qualname));
        let qualname = qualname.unwrap_or(name);
        let classcell = self.heap.ns_remove(attrs, self.n(N::classcell));
        let module = self.n(N::module);
        if self.heap.ns_get(attrs, module).is_none()
            && let Some(current) = self.current_module_name()
        {
            self.heap.ns_set(attrs, module, current);
        }
        self.wrap_special_methods(attrs);
        // Iterating over `__slots__` may collect, and nothing else has the attributes yet.
        let sized_base = sized.then_some(best);
        let slots = self.holding(&[attrs, qualname], |vm| {
            vm.slot_names(attrs, name, sized_base)
        })?;
        if let Some(slots) = &slots {
            for (name, n, had) in [
                ("__dict__", slots.dicts, had_dict),
                ("__weakref__", slots.weakrefs, had_weakref || sized),
            ] {
                if n > usize::from(!had) {
                    let message = format!("{name} slot disallowed: we already got one");
                    return Err(self.type_error(message));
                }
            }
        }
        for &name in slots.iter().flat_map(|slots| &slots.names) {
            if self.heap.ns_get(attrs, name).is_some() {
                let text = self.heap.string(name);
                let message = format!("'{text}' in __slots__ conflicts with class variable");
                return Err(self.value_error(message));
            }
        }
        // CPython 3.13 typeobject.c type_new_impl: slots come before the names of the class.
        if self.heap.as_str(qualname).is_none() {
            let found = self.type_name(qualname);
            let message = format!("type __qualname__ must be a str, not {found}");
            return Err(self.type_error(message));
        }
        let wants = |n: fn(&Slots) -> usize| slots.as_ref().is_none_or(|s| n(s) > 0);
        let adds_dict = !had_dict && (any_dict || wants(|s| s.dicts));
        let adds_weakref = !had_weakref && !sized && (any_weakref || wants(|s| s.weakrefs));
        let has_dict = had_dict || adds_dict;
        let has_weakref = had_weakref || adds_weakref;

        let version = self.new_version();
        let meta_shape = self.heap.cell::<Class>(meta).root_shape;
        let class = self.heap.alloc(
            meta_shape,
            Class {
                name,
                qualname,
                bases: bases.clone(),
                base: best,
                mro: Vec::new(),
                attrs,
                root_shape: ShapeId(0),
                layout,
                has_dict,
                has_weakref,
                is_final: false,
                is_heap: true,
                builtin_base,
                version,
                data_varies: false,
                named_with_module: false,
                concatenates: false,
                slot_hint: 4,
                n_slots,
                own_slots: Box::default(),
                subclasses: Vec::new(),
                own_specials: 0,
                hooks: Hooks::default(),
                fast_init: FastInit::UNKNOWN,
                constructor: None,
            },
        );
        self.root(class);
        // The methods know their class before its `mro` is called.
        if let Some(cell) = classcell {
            match self.heap.get_mut::<Cell>(cell) {
                Some(cell) => cell.value = class,
                None => {
                    let found = self.class_full_name(self.heap.class_of(cell));
                    return Err(self.type_error(format!(
                        "__classcell__ must be a nonlocal cell, not <class '{found}'>"
                    )));
                }
            }
        }
        self.relink(class, &bases)?;

        if let Some(slots) = slots {
            n_slots += self.add_slots(class, attrs, slots.names, n_slots)?;
        }
        for (name, adds) in [(N::dict, adds_dict), (N::weakref, adds_weakref)] {
            if adds {
                self.add_object_attribute(class, attrs, name);
            }
        }
        let doc = self.n(N::doc);
        if self.heap.ns_get(attrs, doc).is_none() {
            self.heap.ns_set(attrs, doc, Value::NONE);
        }
        // A class that says when its instances are equal says how they hash, or
        // they don't.
        let hash = self.n(N::hash);
        if self.heap.ns_get(attrs, self.n(N::eq)).is_some()
            && self.heap.ns_get(attrs, hash).is_none()
        {
            self.heap.ns_set(attrs, hash, Value::NONE);
        }
        let n_in_cell = if layout == Kind::Instance { n_slots } else { 0 };
        let root_shape = self.heap.shapes.new_root(class, n_in_cell);
        let c = self.heap.cell_mut::<Class>(class);
        c.root_shape = root_shape;
        c.n_slots = n_slots;
        c.slot_hint = n_in_cell + if has_dict { 4 } else { 0 };
        for &base in &bases {
            self.add_subclass(base, class);
        }
        self.class_changed(class);

        self.call_set_names(class, attrs)?;
        self.call_init_subclass(class, keywords)?;
        Ok(class)
    }

    /// Turns `__init_subclass__` and `__class_getitem__` into class methods and
    /// `__new__` into a static one, as a class statement does.
    fn wrap_special_methods(&mut self, attrs: Value) {
        for name in [N::init_subclass, N::class_getitem, N::new] {
            let key = self.n(name);
            let Some(func) = self.heap.ns_get(attrs, key) else {
                continue;
            };
            if self.heap.kind(func) != Some(Kind::Function) {
                continue;
            }
            let wrapped = if name == N::new {
                self.heap
                    .alloc(B::StaticMethod.shape(), StaticMethod { func })
            } else {
                self.heap
                    .alloc(B::ClassMethod.shape(), ClassMethod { func })
            };
            self.heap.ns_set(attrs, key, wrapped);
        }
    }

    /// A class's own descriptor of what `object` gives all that have it.
    fn add_object_attribute(&mut self, class: Value, attrs: Value, name: N) {
        let key = self.n(name);
        let object = self.class(B::Object);
        let of_object = self.heap.ns_get(self.heap.cell::<Class>(object).attrs, key);
        if let Some(getset) = of_object.and_then(|v| self.heap.get::<GetSet>(v))
            && self.heap.ns_get(attrs, key).is_none()
        {
            let def = getset.def;
            let shape = B::GetSet.shape();
            let own = self.heap.alloc(shape, GetSet { def, owner: class });
            self.heap.ns_set(attrs, key, own);
        }
    }

    /// What `__slots__` says, if it is there. It may name none beside a base of variable size.
    fn slot_names(
        &mut self,
        attrs: Value,
        class_name: Value,
        sized_base: Option<Value>,
    ) -> PyResult<Option<Slots>> {
        let Some(slots) = self.heap.ns_get(attrs, self.n(N::slots)) else {
            return Ok(None);
        };
        let items = if self.heap.as_str(slots).is_some() {
            vec![slots]
        } else {
            self.collect_iterable(slots)?
        };
        if let (Some(base), false) = (sized_base, items.is_empty()) {
            let base = self.class_name(base);
            let message = format!("nonempty __slots__ not supported for subtype of '{base}'");
            return Err(self.type_error(message));
        }
        let mut found = Slots::default();
        for item in items {
            let Some(text) = self.heap.as_str(item) else {
                let message = format!(
                    "__slots__ items must be strings, not '{}'",
                    self.type_name(item)
                );
                return Err(self.type_error(message));
            };
            if !text.is_identifier() {
                return Err(self.type_error("__slots__ must be identifiers"));
            }
            let text = text.to_lossy();
            if text == "__dict__" {
                found.dicts += 1;
            } else if text == "__weakref__" {
                found.weakrefs += 1;
            } else {
                let mangled = if text.starts_with("__") && !text.ends_with("__") {
                    let class = self.heap.string(class_name);
                    format!("_{}{text}", class.trim_start_matches('_'))
                } else {
                    text
                };
                found.names.push(self.heap.intern(&mangled));
            }
        }
        Ok(Some(found))
    }

    fn add_slots(
        &mut self,
        class: Value,
        attrs: Value,
        mut names: Vec<Value>,
        first: u16,
    ) -> PyResult<u16> {
        // CPython 3.13 typeobject.c type_new_slots sorts them, so that the same names make the
        // same layout, and `__class__` can be assigned.
        names.sort_by_key(|&name| self.heap.string(name));
        let is_beside = self.heap.cell::<Class>(class).layout != Kind::Instance;
        for (slot, &name) in (first..).zip(&names) {
            let descriptor = SlotDescriptor {
                name,
                class,
                slot,
                is_beside,
            };
            let descriptor = self.heap.alloc(B::Member.shape(), descriptor);
            self.heap.ns_set(attrs, name, descriptor);
        }
        let n = names.len() as u16;
        self.heap.cell_mut::<Class>(class).own_slots = names.into();
        Ok(n)
    }

    fn call_set_names(&mut self, class: Value, attrs: Value) -> PyResult<()> {
        for (name, value) in self.heap.dict_entries(attrs) {
            if matches!(
                self.heap.kind(value),
                None | Some(Kind::Function | Kind::Str | Kind::Tuple)
            ) {
                continue;
            }
            if self.heap.is_exact(value, B::Property) {
                self.heap
                    .cell_mut::<crate::object::descriptor::Property>(value)
                    .name = name;
                continue;
            }
            let value = self.root(value);
            if let Err(raised) = self.call_special(value, N::set_name, &[class, name]) {
                let note = format!(
                    "Error calling __set_name__ on '{}' instance '{}' in '{}'",
                    self.type_name(value),
                    self.heap.string(name),
                    self.class_name(class)
                );
                self.add_note(raised.0, &note);
                return Err(raised);
            }
        }
        Ok(())
    }

    fn call_init_subclass(&mut self, class: Value, keywords: &[(Value, Value)]) -> PyResult<()> {
        let name = self.n(N::init_subclass);
        let mro: Vec<Value> = self
            .heap
            .cell::<Class>(class)
            .mro
            .get(1..)
            .unwrap_or_default()
            .to_vec();
        let found = mro
            .iter()
            .find_map(|&base| self.heap.ns_get(self.heap.cell::<Class>(base).attrs, name));
        let func = match found {
            Some(attr) => match self.heap.get::<ClassMethod>(attr) {
                Some(m) => m.func,
                None => attr,
            },
            None => return Ok(()),
        };
        if self.heap.kind(func) == Some(Kind::Native) {
            if !keywords.is_empty() {
                let name = self.heap.string(self.heap.cell::<Class>(class).qualname);
                let message = format!("{name}.__init_subclass__() takes no keyword arguments");
                return Err(self.type_error(message));
            }
            return Ok(());
        }
        self.call_kw(func, &[class], keywords).map(|_| ())
    }

    /// The base whose instances' layout a class with these bases has; there is one at least.
    ///
    /// # Errors
    /// TypeError where two layouts can't be had at once.
    pub fn best_base(&mut self, bases: &[Value]) -> PyResult {
        let mut best = bases[0];
        let mut best_solid = self.solid_base(best);
        for &base in &bases[1..] {
            let solid = self.solid_base(base);
            if self.is_subclass(best_solid, solid) {
                continue;
            }
            if !self.is_subclass(solid, best_solid) {
                return Err(self.type_error("multiple bases have instance lay-out conflict"));
            }
            (best, best_solid) = (base, solid);
        }
        Ok(best)
    }

    /// The first class of the MRO that adds to the layout of instances: a
    /// builtin one with cells of its own kind or fields, or one with `__slots__`.
    pub fn solid_base(&self, class: Value) -> Value {
        let mro = &self.heap.cell::<Class>(class).mro;
        let adds = |&c: &Value| {
            let class = self.heap.cell::<Class>(c);
            let bases = class.bases.iter().map(|&b| self.heap.cell::<Class>(b));
            class.bases.is_empty()
                || EXCEPTIONS_WITH_FIELDS.contains(&class.builtin_base)
                    && self.class(class.builtin_base) == c
                || bases.clone().all(|b| b.layout != class.layout)
                || bases.clone().all(|b| b.n_slots < class.n_slots)
        };
        mro.iter().copied().find(adds).unwrap_or(class)
    }

    /// C3: the class, then a merge of the bases' MROs that keeps the order of
    /// each and of the bases.
    ///
    /// # Errors
    /// TypeError when there is no such order.
    pub fn linearize(&mut self, class: Value, bases: &[Value]) -> PyResult<Vec<Value>> {
        for (i, &base) in bases.iter().enumerate() {
            if bases[..i].contains(&base) {
                let message = format!("duplicate base class {}", self.class_name(base));
                return Err(self.type_error(message));
            }
        }
        let mut lists: Vec<Vec<Value>> = bases
            .iter()
            .map(|&b| self.heap.cell::<Class>(b).mro.clone())
            .collect();
        lists.push(bases.to_vec());
        let mut heads = vec![0usize; lists.len()];
        let mut mro = vec![class];
        loop {
            let mut pending = false;
            let mut chosen = None;
            for (list, &head) in lists.iter().zip(&heads) {
                let Some(&candidate) = list.get(head) else {
                    continue;
                };
                pending = true;
                let blocked = lists
                    .iter()
                    .zip(&heads)
                    .any(|(l, &h)| l.get(h + 1..).is_some_and(|rest| rest.contains(&candidate)));
                if !blocked {
                    chosen = Some(candidate);
                    break;
                }
            }
            match chosen {
                Some(next) => {
                    mro.push(next);
                    for (list, head) in lists.iter().zip(&mut heads) {
                        if list.get(*head) == Some(&next) {
                            *head += 1;
                        }
                    }
                }
                None if !pending => return Ok(mro),
                None => {
                    let mut left: Vec<Value> = Vec::new();
                    for (list, &head) in lists.iter().zip(&heads) {
                        if let Some(&c) = list.get(head)
                            && !left.contains(&c)
                        {
                            left.push(c);
                        }
                    }
                    let names: Vec<String> = left.iter().map(|&c| self.class_name(c)).collect();
                    return Err(self.type_error(format!(
                        "Cannot create a consistent method resolution order (MRO) for bases {}",
                        names.join(", ")
                    )));
                }
            }
        }
    }

    /// Lets a metaclass's own `mro()` decide.
    fn apply_custom_mro(&mut self, class: Value, meta: Value) -> PyResult<()> {
        if !self.has_own_mro(meta) {
            return Ok(());
        }
        let result = self.call_method(class, "mro", &[])?;
        self.root(result);
        let mro = self.collect_iterable(result)?;
        if mro.is_empty() {
            return Err(self.type_error("type MRO must not be empty"));
        }
        for &base in &mro {
            self.check_in_mro(class, base)?;
        }
        self.heap.cell_mut::<Class>(class).mro = mro;
        Ok(())
    }

    /// Whether a metaclass has an `mro` that is not `type`'s.
    fn has_own_mro(&self, meta: Value) -> bool {
        self.lookup_class_where(meta, self.n(N::mro))
            .is_some_and(|(owner, _)| owner != self.class(B::Type))
    }

    /// CPython 3.13 typeobject.c type_mro_check, which all metaclasses but `type` itself ask for:
    /// the class that lays out the instances of one with new bases has to be below those that lay
    /// out instances of the others in its new `mro`. A class that adds slots is below its old ones.
    fn check_solid(&mut self, class: Value, mro: &[Value]) -> PyResult<()> {
        let best = self.heap.cell::<Class>(class).base;
        let n_slots = |class: Value| self.heap.cell::<Class>(class).n_slots;
        let solid = match n_slots(class) > n_slots(best) {
            true => class,
            false => self.solid_base(best),
        };
        for &base in &mro[1..] {
            if !self.is_subclass(solid, self.solid_base(base)) {
                return Err(self.unsuitable_layout(base));
            }
        }
        Ok(())
    }

    fn unsuitable_layout(&mut self, base: Value) -> Raised {
        let name = self.class_name(base);
        self.type_error(format!(
            "mro() returned base with unsuitable layout ('{name}')"
        ))
    }

    /// Whether instances of `class` are laid out as a class that its metaclass
    /// put into its MRO expects.
    fn check_in_mro(&mut self, class: Value, base: Value) -> PyResult<()> {
        let Some(b) = self.heap.get::<Class>(base) else {
            let found = self.type_name(base);
            return Err(self.type_error(format!("mro() returned a non-class ('{found}')")));
        };
        let (layout, slots) = (b.builtin_base, b.n_slots);
        let own = self.heap.cell::<Class>(class);
        let is_base = own.mro.contains(&base);
        let builtin = self.class(own.builtin_base);
        if is_base || slots == 0 && self.is_subclass(builtin, self.class(layout)) {
            return Ok(());
        }
        Err(self.unsuitable_layout(base))
    }

    /// Gives a class other bases, of which `base` lays out its instances; all were checked. The
    /// MROs of the class and of all below it are made anew. After an error all is as before.
    ///
    /// # Errors
    /// TypeError where there is no MRO; what a metaclass's `mro` raises.
    pub fn set_bases(&mut self, class: Value, bases: &[Value], base: Value) -> PyResult<()> {
        // While a metaclass's `mro` runs, bases and MROs may disagree: the bases count.
        let mut above = bases.to_vec();
        let mut seen = Vec::new();
        while let Some(base) = above.pop() {
            if base == class {
                return Err(self.type_error("a __bases__ item causes an inheritance cycle"));
            }
            if !seen.contains(&base) {
                seen.push(base);
                above.extend_from_slice(&self.heap.cell::<Class>(base).bases);
            }
        }
        let old_bases = self.heap.cell::<Class>(class).bases.clone();
        let old_base = self.heap.cell::<Class>(class).base;
        let changed = self.heap.cell_mut::<Class>(class);
        (changed.bases, changed.base) = (bases.to_vec(), base);
        let mut before: Vec<(Value, Vec<Value>)> = Vec::new();
        // A class with two changed bases comes up twice; the second time counts.
        let mut pending = vec![class];
        while let Some(changed) = pending.pop() {
            let own_bases = self.heap.cell::<Class>(changed).bases.clone();
            let old = self.heap.cell::<Class>(changed).mro.clone();
            before.push((changed, old));
            if let Err(raised) = self.relink(changed, &own_bases) {
                self.root(raised.0);
                for (class, mro) in before.into_iter().rev() {
                    self.heap.cell_mut::<Class>(class).mro = mro;
                }
                if self.heap.cell::<Class>(class).bases == bases {
                    let class = self.heap.cell_mut::<Class>(class);
                    (class.bases, class.base) = (old_bases, old_base);
                }
                self.class_changed(class);
                return Err(raised);
            }
            pending.extend(self.subclasses(changed));
        }
        if self.heap.cell::<Class>(class).bases != bases {
            // A metaclass's `mro` has assigned others meanwhile: they stay.
            self.class_changed(class);
            return Ok(());
        }
        for base in old_bases {
            let known = self.heap.cell::<Class>(base).subclasses.clone();
            let others = known.into_iter().filter(|&w| {
                let target = self.heap.get::<WeakRef>(w).map(|w| w.target);
                target != Some(class)
            });
            self.heap.cell_mut::<Class>(base).subclasses = others.collect();
        }
        for &base in bases {
            self.add_subclass(base, class);
        }
        self.class_changed(class);
        Ok(())
    }

    /// The MRO of a class that is new, has new bases, or above which there are some.
    fn relink(&mut self, class: Value, bases: &[Value]) -> PyResult<()> {
        let meta = self.heap.class_of(class);
        match self.linearize(class, bases) {
            Ok(mro) => {
                if meta != self.class(B::Type) && !self.has_own_mro(meta) {
                    self.check_solid(class, &mro)?;
                }
                self.heap.cell_mut::<Class>(class).mro = mro;
            }
            // A metaclass's own `mro` may ask for the same, and is part of the traceback then.
            Err(_) if self.has_own_mro(meta) => {}
            Err(raised) => return Err(raised),
        }
        self.apply_custom_mro(class, meta)
    }

    /// What `__prepare__` gave must be a mapping.
    fn check_namespace(&mut self, meta: Value, namespace: Value) -> PyResult<()> {
        let getitem = self.n(N::getitem);
        let class = self.heap.class_of(namespace);
        if self.lookup_class(class, getitem).is_some() {
            return Ok(());
        }
        let shown = match self.heap.kind(meta) {
            Some(Kind::Class) => self.class_name(meta),
            _ => String::from("<metaclass>"),
        };
        let found = self.type_name(namespace);
        Err(self.type_error(format!(
            "{shown}.__prepare__() must return a mapping, not {found}"
        )))
    }

    /// The metaclass-independent part of a class statement: called by the
    /// builtin `__build_class__`.
    ///
    /// # Errors
    /// Whatever the body, the metaclass or the bases raise.
    pub fn build_class(
        &mut self,
        body: Value,
        name: Value,
        orig_bases: &[Value],
        keywords: &[(Value, Value)],
    ) -> PyResult {
        let bases = self.resolve_bases(orig_bases)?;
        let bases_tuple = self.heap.tuple(&bases);
        self.root(bases_tuple);
        let metaclass_key = self.n(N::metaclass);
        let mut keywords = keywords.to_vec();
        let explicit = keywords
            .iter()
            .position(|&(k, _)| k == metaclass_key)
            .map(|i| keywords.remove(i).1);
        let mut meta = explicit.unwrap_or_else(|| match bases.first() {
            Some(&base) => self.heap.class_of(base),
            None => self.class(B::Type),
        });
        if self.heap.kind(meta) == Some(Kind::Class) {
            meta = self.metaclass_for(meta, &bases)?;
        }
        let prepare = self.n(N::prepare);
        let ns = match self.get_attr_opt(meta, prepare)? {
            Some(prepare) if self.heap.kind(prepare) != Some(Kind::Native) => {
                let namespace = self.call_kw(prepare, &[name, bases_tuple], &keywords)?;
                self.check_namespace(meta, namespace)?;
                namespace
            }
            _ => self.heap.dict(),
        };
        self.root(ns);
        if bases.as_slice() != orig_bases {
            let orig = self.heap.tuple(orig_bases);
            let key = self.n(N::orig_bases);
            self.set_item(ns, key, orig)?;
        }
        let cell = self.call(body, &[ns])?;
        self.root(cell);
        let class = self.call_kw(meta, &[name, bases_tuple, ns], &keywords)?;
        if let Some(c) = self.heap.get::<Cell>(cell)
            && self.heap.kind(class) == Some(Kind::Class)
            && c.value != class
        {
            let set = c.value;
            let text = self.heap.string(name);
            let shown = self.repr_string(class)?;
            if set.is_empty() {
                return Err(self.runtime_error(format!(
                    "__class__ not set defining '{text}' as {shown}. Was __classcell__ propagated to type.__new__?"
                )));
            }
            let set = self.repr_string(set)?;
            return Err(self.type_error(format!(
                "__class__ set to {set} defining '{text}' as {shown}"
            )));
        }
        Ok(class)
    }

    /// Replaces bases that are not classes by what their `__mro_entries__` gives.
    fn resolve_bases(&mut self, bases: &[Value]) -> PyResult<Vec<Value>> {
        let mut resolved = Vec::with_capacity(bases.len());
        for &base in bases {
            if self.heap.kind(base) == Some(Kind::Class) {
                resolved.push(base);
                continue;
            }
            let tuple = self.heap.tuple(bases);
            let tuple = self.root(tuple);
            let name = self.n(N::mro_entries);
            match self.get_attr_opt(base, name)? {
                Some(method) => {
                    let entries = self.call(method, &[tuple])?;
                    self.root(entries);
                    match self.heap.as_tuple(entries) {
                        Some(items) => resolved.extend_from_slice(items),
                        None => return Err(self.type_error("__mro_entries__ must return a tuple")),
                    }
                }
                None => resolved.push(base),
            }
        }
        Ok(resolved)
    }

    /// A native class of the standard library: a subclass of `base` whose
    /// instances are cells of kind `layout`.
    pub fn new_native_class(
        &mut self,
        module: &str,
        name: &str,
        base: Value,
        layout: Kind,
        def: &'static crate::native::ClassDef,
    ) -> Value {
        let name = self.heap.intern(name);
        let module_name = self.heap.intern(module);
        let attrs = self.heap.dict();
        self.heap.ns_set(attrs, self.n(N::module), module_name);
        let version = self.new_version();
        let builtin_base = self.heap.cell::<Class>(base).builtin_base;
        let class = self.heap.alloc(
            B::Type.shape(),
            Class {
                name,
                qualname: name,
                bases: vec![base],
                base,
                mro: Vec::new(),
                attrs,
                root_shape: ShapeId(0),
                layout,
                has_dict: true,
                has_weakref: false,
                is_final: false,
                is_heap: false,
                builtin_base,
                version,
                data_varies: false,
                named_with_module: false,
                concatenates: false,
                slot_hint: 4,
                n_slots: 0,
                own_slots: Box::default(),
                subclasses: Vec::new(),
                own_specials: 0,
                hooks: Hooks::default(),
                fast_init: FastInit::UNKNOWN,
                constructor: None,
            },
        );
        let mut mro = vec![class];
        mro.extend_from_slice(&self.heap.cell::<Class>(base).mro);
        let root_shape = self.heap.shapes.new_root(class, 0);
        let c = self.heap.cell_mut::<Class>(class);
        c.mro = mro;
        c.root_shape = root_shape;
        self.add_subclass(base, class);
        self.install_in(class, def);
        class
    }

    /// The shape of a new instance of a class.
    #[inline]
    pub fn root_shape(&self, class: Value) -> ShapeId {
        self.heap.cell::<Class>(class).root_shape
    }

    /// Gives a builtin class its short way of being called.
    pub fn set_constructor(&mut self, class: B, constructor: QuickFn) {
        let class = self.class(class);
        self.heap.cell_mut::<Class>(class).constructor = Some(constructor);
    }

    /// Whether an attribute found in a class is one of Rust's functions with this body's name.
    pub fn is_native_named(&self, v: Value, name: &str) -> bool {
        self.heap
            .get::<Native>(v)
            .is_some_and(|n| n.def.name == name)
    }
}

/// What `__slots__` says.
#[derive(Default)]
struct Slots {
    names: Vec<Value>,
    /// How often `__dict__` and `__weakref__` are among them.
    dicts: usize,
    weakrefs: usize,
}

/// Whether the builtin objects of a layout can be weakly referenced.
pub fn refers_weakly(layout: Kind) -> bool {
    matches!(
        layout,
        Kind::Class
            | Kind::Function
            | Kind::Method
            | Kind::Native
            | Kind::Module
            | Kind::Generator
            | Kind::Set
            | Kind::Future
            | Kind::Handle
            | Kind::Opaque
            | Kind::EventLoop
            | Kind::Code
    )
}

/// Exceptions with fields of their own; all others are laid out like
/// BaseException, so that `class E(OSError, ValueError)` has one layout.
pub(crate) const EXCEPTIONS_WITH_FIELDS: [B; 11] = [
    B::BaseExceptionGroup,
    B::SystemExit,
    B::StopIteration,
    B::ImportError,
    B::OSError,
    B::SyntaxError,
    B::UnicodeDecodeError,
    B::UnicodeEncodeError,
    B::UnicodeTranslateError,
    B::NameError,
    B::AttributeError,
];
