//! Inline caches of attribute access: what an instruction learnt last time,
//! kept in its extra words.
//!
//! ```text
//!  word 0: x = Cached       word 1: name index | shape << 32
//!  word 2: slot or entry | class version << 32      word 3: a value's bits
//! ```
//!
//! A cache holds while the object's shape is the same and the shape's class
//! has the same version; versions are never used twice, so values kept under a
//! dead class's version are never looked at.

use crate::planted::{self, Bug};
use lockstep_lang::bytecode::Word;

use crate::heap::{Kind, ShapeId};
use crate::native::{NativeFn, PyResult};
use crate::object::class::{B, Class};
use crate::object::descriptor::Property;
use crate::object::dict::Dict;
use crate::object::function::Native;
use crate::object::module::Module;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::recall::{Access, Learnt};

// What a cache knows: the instruction's `x`, whose bit 0 is left to calls; 0 is nothing.

/// The attribute is in the instance's slot.
pub(crate) const SLOT: u8 = 2;
/// The class has a function, native method or property: bind or call it.
pub(crate) const METHOD: u8 = 4;
/// The class has a value that binds to nothing.
pub(crate) const CLASS_VALUE: u8 = 6;
/// Entry of a module's dict.
pub(crate) const MODULE: u8 = 8;
/// The object is a class, and this is what its attribute gives.
pub(crate) const OF_CLASS: u8 = 10;
/// (store) The attribute is added: word 3 is the shape after it.
pub(crate) const ADD_SLOT: u8 = 12;
/// (method call) The class has a native method that takes just so many arguments as are given:
/// word 3 is its body.
pub(crate) const NATIVE_BODY: u8 = 12;

/// (method call) The attribute called is the instance's own: word 3 is its slot.
pub(crate) const OWN_CALLABLE: u8 = 14;

/// The bits of `x` that belong to the cache.
pub(crate) const CACHE_BITS: u8 = 0b1110;

/// The extra words of one instruction.
///
/// # Safety
/// Methods are only called with a pointer to an instruction, in this VM's own
/// copy of the code, that has three extra words or more.
#[derive(Clone, Copy)]
pub(crate) struct CacheLine(pub *const Word);

impl CacheLine {
    #[inline(always)]
    fn word(self, i: usize) -> u64 {
        // SAFETY: see the type.
        unsafe { (*self.0.add(i)).0 }
    }
    fn set_word(self, i: usize, bits: u64) {
        // SAFETY: see the type. The words belong to one CodeObject of this VM,
        // nobody holds a reference into them, only raw pointers.
        unsafe { self.0.cast_mut().add(i).write(Word(bits)) }
    }
    #[inline(always)]
    pub fn state(self) -> u8 {
        (self.word(0) >> 8) as u8 & CACHE_BITS
    }
    fn set_state(self, state: u8) {
        let word = self.word(0) & !((CACHE_BITS as u64) << 8);
        self.set_word(0, word | (state as u64) << 8);
    }
    #[inline(always)]
    pub fn shape(self) -> ShapeId {
        ShapeId((self.word(1) >> 32) as u32)
    }
    fn set_shape(self, shape: ShapeId) {
        self.set_word(1, self.word(1) & 0xffff_ffff | (shape.0 as u64) << 32);
    }
    #[inline(always)]
    pub fn version(self) -> u32 {
        (self.word(2) >> 32) as u32
    }
    #[inline(always)]
    pub fn slot(self) -> u32 {
        self.word(2) as u32
    }
}

/// A four-word cache keeps its value in word 3; `LoadMethod` and `CallMethod`
/// alike. `CallMethodKw` has its keyword names in the low half of word 2, so
/// no slot goes there.
impl Vm {
    #[inline(always)]
    fn cached_value(line: CacheLine) -> Value {
        Value::from_cache_bits(line.word(3))
    }

    fn remember(&mut self, line: CacheLine, state: u8, obj: Value, low: Option<u32>, value: Value) {
        let shape = self.heap.shape_of(obj);
        line.set_state(state);
        line.set_shape(shape);
        let low = low.map_or(line.word(2) & 0xffff_ffff, u64::from);
        line.set_word(2, low | (self.heap.shapes.version(shape) as u64) << 32);
        line.set_word(3, value.bits());
    }

    /// Whether the cache's shape and class version are those of `obj`.
    #[inline(always)]
    fn cache_hit(&self, line: CacheLine, obj: Value) -> bool {
        match self.heap.shape(obj) {
            Some(shape) => {
                shape == line.shape()
                    && (self.heap.shapes.version(shape) == line.version()
                        || planted::is(Bug::StaleCache))
            }
            None => false,
        }
    }

    /// Writes what has been learnt about this object's shape elsewhere into the
    /// cache; false when that is nothing, or out of date.
    #[inline(always)]
    fn recall(&mut self, line: CacheLine, obj: Value, name: Value, access: Access) -> bool {
        let Some(shape) = self.heap.shape(obj) else {
            return false;
        };
        let Some(learnt) = self.recall.get(shape, name, access) else {
            return false;
        };
        if (learnt.word2 >> 32) as u32 != self.heap.shapes.version(shape) {
            return false;
        }
        line.set_state(learnt.state);
        line.set_shape(shape);
        let low = match access {
            Access::Method => line.word(2),
            Access::Load | Access::Store => learnt.word2,
        };
        line.set_word(2, learnt.word2 & !0xffff_ffff | low & 0xffff_ffff);
        line.set_word(3, learnt.word3);
        true
    }

    /// Keeps what the cache has just learnt about a shape for other places.
    fn keep(&mut self, line: CacheLine, shape: ShapeId, name: Value, access: Access) {
        let state = line.state();
        let by_shape = matches!(state, SLOT | METHOD | CLASS_VALUE | ADD_SLOT | OWN_CALLABLE);
        if by_shape && line.shape() == shape {
            let (word2, word3) = (line.word(2), line.word(3));
            let learnt = Learnt {
                state,
                word2,
                word3,
            };
            self.recall.put(shape, name, access, learnt);
        }
    }

    /// `obj.name` where the cache knows it, without running anything.
    #[inline(always)]
    pub(crate) fn load_attr_cached(&self, line: CacheLine, obj: Value) -> Option<Value> {
        if line.state() == SLOT && self.cache_hit(line, obj) {
            return self.heap.slot(obj, line.slot() as u16).given();
        }
        self.load_attr_cached_rare(line, obj)
    }

    #[inline]
    fn load_attr_cached_rare(&self, line: CacheLine, obj: Value) -> Option<Value> {
        match line.state() {
            CLASS_VALUE if self.cache_hit(line, obj) => Some(Self::cached_value(line)),
            MODULE => {
                let dict = self.heap.get::<Module>(obj)?.dict;
                let entry = self.heap.cell::<Dict>(dict).table.entry(line.slot())?;
                (entry.key == Self::cached_value(line)).then_some(entry.value)
            }
            OF_CLASS => {
                let class = self.heap.get::<Class>(obj)?;
                (class.version == line.version()).then(|| Self::cached_value(line))
            }
            _ => None,
        }
    }

    /// `obj.name`, and what can be learnt from it.
    pub(crate) fn load_attr_slow(&mut self, line: CacheLine, obj: Value, name: Value) -> PyResult {
        if self.recall(line, obj, name, Access::Load)
            && let Some(value) = self.load_attr_cached(line, obj)
        {
            return Ok(value);
        }
        if line.state() == METHOD && self.cache_hit(line, obj) && !self.heap.has_attrs(obj) {
            let class = self.heap.class_of(obj);
            return self.bind(Self::cached_value(line), obj, class);
        }
        let value = self.get_attr(obj, name)?;
        self.learn_load(line, obj, name, value);
        if let Some(shape) = self.heap.shape(obj) {
            self.keep(line, shape, name, Access::Load);
        }
        Ok(value)
    }

    /// The script's function behind a property that the cache knows: calling
    /// it with `obj` gives the attribute.
    #[inline]
    pub(crate) fn cached_getter(&self, line: CacheLine, obj: Value) -> Option<Value> {
        if line.state() != METHOD || !self.cache_hit(line, obj) {
            return None;
        }
        let get = self.heap.get::<Property>(Self::cached_value(line))?.get;
        (self.heap.kind(get) == Some(Kind::Function)).then_some(get)
    }

    fn learn_load(&mut self, line: CacheLine, obj: Value, name: Value, value: Value) {
        let Some(kind) = self.heap.kind(obj) else {
            return;
        };
        if kind == Kind::Module {
            let dict = self.heap.cell::<Module>(obj).dict;
            if let Some(at) = self.heap.ns_find(dict, name)
                && let Some(key) = self.heap.cell::<Dict>(dict).table.entry(at).map(|e| e.key)
            {
                self.remember(line, MODULE, obj, Some(at), key);
            }
            return;
        }
        if kind == Kind::Class {
            self.learn_of_class(line, obj, name, value);
            return;
        }
        let class = self.heap.class_of(obj);
        if kind == Kind::Super || self.heap.cell::<Class>(class).hooks.custom_getattr {
            return;
        }
        let in_class = self.lookup_class(class, name);
        match in_class {
            None => {
                if kind == Kind::Instance
                    && let Some(slot) = self.heap.shapes.slot(self.heap.shape_of(obj), name)
                {
                    self.remember(line, SLOT, obj, Some(slot as u32), Value::NONE);
                }
            }
            Some(attr) if self.is_data_descriptor(attr) => {
                if let Some(d) = self
                    .heap
                    .get::<crate::object::instance::SlotDescriptor>(attr)
                    && kind == Kind::Instance
                    && self.is_subclass(self.heap.class_of(obj), d.class)
                {
                    let slot = d.slot as u32;
                    self.remember(line, SLOT, obj, Some(slot), Value::NONE);
                } else if matches!(self.heap.kind(attr), Some(Kind::Property | Kind::GetSet)) {
                    self.remember(line, METHOD, obj, Some(0), attr);
                }
            }
            Some(attr) => {
                if kind == Kind::Instance
                    && let Some(slot) = self.heap.shapes.slot(self.heap.shape_of(obj), name)
                {
                    self.remember(line, SLOT, obj, Some(slot as u32), Value::NONE);
                } else if kind == Kind::Instance
                    && self
                        .heap
                        .shapes
                        .dict_slot(self.heap.shape_of(obj))
                        .is_some()
                    || self.heap.attrs(obj).is_some()
                {
                    // Its own dict may get the name at any time.
                } else if self.heap.kind(attr) == Some(Kind::Function) {
                    self.remember(line, METHOD, obj, Some(0), attr);
                } else if kind == Kind::Instance && !self.binds(attr) && !self.varies(class, name) {
                    self.remember(line, CLASS_VALUE, obj, Some(0), attr);
                }
            }
        }
    }

    /// Whether accessing a class's attribute may give something else than it.
    fn binds(&mut self, attr: Value) -> bool {
        self.special(attr, crate::vm::names::N::get).is_some()
    }

    /// Whether the class along the MRO that has the attribute replaces mere values without a new
    /// version: see `class_set_attr`.
    fn varies(&self, class: Value, name: Value) -> bool {
        self.lookup_class_where(class, name)
            .is_some_and(|(owner, attr)| {
                self.is_plain_data(attr) && self.heap.cell::<Class>(owner).data_varies
            })
    }

    fn learn_of_class(&mut self, line: CacheLine, class: Value, name: Value, value: Value) {
        let meta = self.heap.class_of(class);
        if meta != self.class(B::Type) && self.heap.cell::<Class>(meta).hooks.custom_getattr {
            return;
        }
        if self.lookup_class(meta, name).is_some() {
            return;
        }
        let Some(attr) = self.lookup_class(class, name) else {
            return;
        };
        // A function or static method of a class gives the same at each access.
        let stays = matches!(
            self.heap.kind(attr),
            Some(Kind::Function | Kind::StaticMethod)
        ) || !self.binds(attr);
        if !stays || self.varies(class, name) {
            return;
        }
        let version = self.heap.cell::<Class>(class).version;
        line.set_state(OF_CLASS);
        line.set_word(2, line.word(2) & 0xffff_ffff | (version as u64) << 32);
        line.set_word(3, value.bits());
    }

    /// What to call for `obj.name(…)` where the cache knows it: a function and `obj`, or a callable
    /// and `Value::EMPTY`.
    #[inline(always)]
    pub(crate) fn cached_method(&mut self, line: CacheLine, obj: Value) -> Option<(Value, Value)> {
        if line.state() == METHOD && self.cache_hit(line, obj) && !self.heap.has_attrs(obj) {
            return Some((Self::cached_value(line), obj));
        }
        if line.state() == OWN_CALLABLE
            && self.cache_hit(line, obj)
            && let Some(value) = self.heap.slot(obj, line.word(3) as u16).given()
        {
            return Some((value, Value::EMPTY));
        }
        None
    }

    /// The body of the native method that a call with this cache calls, where it takes the
    /// instance and the arguments as they are.
    #[inline(always)]
    pub(crate) fn cached_body(&self, line: CacheLine, obj: Value) -> Option<NativeFn> {
        if line.state() != NATIVE_BODY || !self.cache_hit(line, obj) || self.heap.has_attrs(obj) {
            return None;
        }
        let body = std::ptr::with_exposed_provenance::<()>(line.word(3) as usize);
        // SAFETY: word 3 was written by `learn_body`, as the state says.
        Some(unsafe { std::mem::transmute::<*const (), NativeFn>(body) })
    }

    /// Lets the cache of a method call, which has found a native, keep its body instead if it
    /// takes as many arguments as this call gives, the instance included.
    pub(crate) fn learn_body(&mut self, line: CacheLine, n_args: usize) {
        if line.state() == METHOD
            && let Some(native) = self.heap.get::<Native>(Self::cached_value(line))
            && native.def.quick.is_none()
            && let Some((n_params, body)) = native.def.exact
            && usize::from(n_params) == n_args
        {
            line.set_state(NATIVE_BODY);
            line.set_word(3, body as usize as u64);
        }
    }

    /// As `cached_method`, where the cache does not know; it learns.
    ///
    /// # Errors
    /// AttributeError, or what a script's look-up raises.
    #[inline(never)]
    pub(crate) fn load_method_slow(
        &mut self,
        line: CacheLine,
        obj: Value,
        name: Value,
    ) -> PyResult<(Value, Value)> {
        if line.state() == MODULE
            && let Some(value) = self.module_callable(line, obj)
        {
            return Ok((value, Value::EMPTY));
        }
        if matches!(line.state(), OF_CLASS | CLASS_VALUE)
            && let Some(value) = self.load_attr_cached_rare(line, obj)
        {
            return Ok((value, Value::EMPTY));
        }
        if self.recall(line, obj, name, Access::Method) {
            if line.state() == METHOD && !self.heap.has_attrs(obj) {
                return Ok((Self::cached_value(line), obj));
            }
            if line.state() == OWN_CALLABLE
                && let Some(value) = self.heap.slot(obj, line.word(3) as u16).given()
            {
                return Ok((value, Value::EMPTY));
            }
        }
        let kind = self.heap.kind(obj);
        if kind == Some(Kind::Class) {
            let value = self.get_attr(obj, name)?;
            self.learn_of_class(line, obj, name, value);
            return Ok((value, Value::EMPTY));
        }
        if kind == Some(Kind::Module) {
            let value = self.get_attr(obj, name)?;
            self.learn_module_callable(line, obj, name);
            return Ok((value, Value::EMPTY));
        }
        let class = self.heap.class_of(obj);
        if kind != Some(Kind::Super) && !self.heap.cell::<Class>(class).hooks.custom_getattr {
            let in_class = self.lookup_class(class, name);
            let hidden = in_class.is_none_or(|attr| !self.is_data_descriptor(attr));
            if hidden
                && kind == Some(Kind::Instance)
                && let Some(slot) = self.heap.shapes.slot(self.heap.shape_of(obj), name)
                && let Some(value) = self.heap.slot(obj, slot).given()
            {
                self.remember(line, OWN_CALLABLE, obj, None, Value::NONE);
                line.set_word(3, slot as u64);
                self.keep(line, self.heap.shape_of(obj), name, Access::Method);
                return Ok((value, Value::EMPTY));
            }
            if let Some(attr) = in_class
                && self.is_callable_unbound(attr)
                && self.own_attr(obj, name).is_none()
            {
                let may_get_own = match kind {
                    Some(Kind::Instance) => self
                        .heap
                        .shapes
                        .dict_slot(self.heap.shape_of(obj))
                        .is_some(),
                    // Attributes of its own are looked for at each hit.
                    _ => false,
                };
                if !may_get_own && obj.is_ptr() {
                    self.remember(line, METHOD, obj, None, attr);
                    self.keep(line, self.heap.shape_of(obj), name, Access::Method);
                }
                return Ok((attr, obj));
            }
        }
        let value = self.get_attr(obj, name)?;
        Ok((value, Value::EMPTY))
    }

    /// What a call of a module's function has learnt: the entry's index stands
    /// where others have the class version, its key in word 3.
    fn module_callable(&self, line: CacheLine, obj: Value) -> Option<Value> {
        let dict = self.heap.get::<Module>(obj)?.dict;
        let table = &self.heap.cell::<Dict>(dict).table;
        let entry = table.entry(line.version())?;
        (entry.key == Self::cached_value(line)).then_some(entry.value)
    }

    fn learn_module_callable(&mut self, line: CacheLine, module: Value, name: Value) {
        let dict = self.heap.cell::<Module>(module).dict;
        if let Some(at) = self.heap.ns_find(dict, name)
            && let Some(key) = self.heap.cell::<Dict>(dict).table.entry(at).map(|e| e.key)
        {
            line.set_state(MODULE);
            line.set_word(2, line.word(2) & 0xffff_ffff | (at as u64) << 32);
            line.set_word(3, key.bits());
        }
    }

    /// Whether a class attribute is called with the instance put first.
    fn is_callable_unbound(&self, attr: Value) -> bool {
        match self.heap.kind(attr) {
            Some(Kind::Function) => true,
            Some(Kind::Native) => {
                self.heap.is_exact(attr, B::MethodDescriptor)
                    || self.heap.is_exact(attr, B::WrapperDescriptor)
            }
            _ => false,
        }
    }

    /// `obj.name = value` where the cache knows how; false when it doesn't.
    #[inline(always)]
    pub(crate) fn store_attr_cached(&mut self, line: CacheLine, obj: Value, value: Value) -> bool {
        match line.state() {
            SLOT if self.cache_hit(line, obj) => {
                self.heap.set_slot(obj, line.slot() as u16, value);
                true
            }
            ADD_SLOT if self.cache_hit(line, obj) => {
                self.heap.set_slot(obj, line.slot() as u16, value);
                self.heap.set_shape(obj, ShapeId(line.word(3) as u32));
                true
            }
            _ => false,
        }
    }

    /// `obj.name = value`, and what can be learnt from it.
    pub(crate) fn store_attr_slow(
        &mut self,
        line: CacheLine,
        obj: Value,
        name: Value,
        value: Value,
    ) -> PyResult<()> {
        if self.heap.kind(obj) != Some(Kind::Instance) {
            return self.set_attr(obj, name, value);
        }
        if self.recall(line, obj, name, Access::Store) && self.store_attr_cached(line, obj, value) {
            return Ok(());
        }
        let class = self.heap.class_of(obj);
        let before = self.heap.shape_of(obj);
        self.set_attr(obj, name, value)?;
        if self.heap.cell::<Class>(class).hooks.custom_setattr || self.heap.class_of(obj) != class {
            return Ok(());
        }
        match self.lookup_class(class, name) {
            Some(attr) if self.is_data_descriptor(attr) => {
                if let Some(d) = self
                    .heap
                    .get::<crate::object::instance::SlotDescriptor>(attr)
                    && self.heap.kind(obj) == Some(Kind::Instance)
                    && self.is_subclass(class, d.class)
                {
                    let slot = d.slot as u32;
                    self.remember(line, SLOT, obj, Some(slot), Value::NONE);
                    self.keep(line, before, name, Access::Store);
                }
                return Ok(());
            }
            _ => {}
        }
        let after = self.heap.shape_of(obj);
        if let Some(slot) = self.heap.shapes.slot(after, name) {
            self.remember(
                line,
                if before == after { SLOT } else { ADD_SLOT },
                obj,
                Some(slot as u32),
                Value::NONE,
            );
            if before != after {
                line.set_shape(before);
                line.set_word(3, after.0 as u64);
            }
            self.keep(line, before, name, Access::Store);
        }
        Ok(())
    }
}
