//! Subscription: `obj[key]`, `obj[key] = v`, `del obj[key]`, and `in`.

use num_traits::ToPrimitive;

use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::bytes::Bytes;
use crate::object::class::B;
use crate::object::dict::{DictView, MappingProxy, ViewOf};
use crate::object::list::List;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

impl Vm {
    /// `obj[key]`.
    ///
    /// # Errors
    /// TypeError, IndexError, KeyError; whatever `__getitem__` raises.
    pub fn get_item(&mut self, obj: Value, key: Value) -> PyResult {
        if let Some(at) = key.as_int()
            && self.heap.is_exact(obj, B::List)
        {
            let items = &self.heap.cell::<List>(obj).items;
            let at = if at < 0 { at + items.len() as i64 } else { at };
            return match items.get(at as usize) {
                Some(&item) => Ok(item),
                None => Err(self.index_error("list index out of range")),
            };
        }
        if self.heap.is_exact(obj, B::Dict) {
            return self.dict_get_item(obj, key);
        }
        if self.exact_builtin(obj).is_some()
            && let Some(item) = self.builtin_get_item(obj, key)?
        {
            return Ok(item);
        }
        self.get_item_by_method(obj, key)
    }

    /// The character of an exact str at an index that may count from its end; None where it is no
    /// str, or has no such.
    #[inline]
    pub(crate) fn char_of(&mut self, v: Value, at: i64) -> Option<Value> {
        if !self.heap.is_exact(v, B::Str) {
            return None;
        }
        let text = self.heap.as_str(v)?;
        let at = if at < 0 { at + text.len() as i64 } else { at };
        let cp = text.char_at(usize::try_from(at).ok()?)?;
        Some(self.char(cp))
    }

    fn get_item_by_method(&mut self, obj: Value, key: Value) -> PyResult {
        if let Some(method) = self.special(obj, N::getitem) {
            if self.builtin_owner(method).is_some()
                && let Some(item) = self.builtin_get_item(obj, key)?
            {
                return Ok(item);
            }
            return self.call_unbound(method, obj, &[key]);
        }
        if self.heap.kind(obj) == Some(Kind::Class) {
            return self.class_get_item(obj, key);
        }
        if let Some(item) = self.builtin_get_item(obj, key)? {
            return Ok(item);
        }
        let name = self.type_name(obj);
        Err(self.type_error(format!("'{name}' object is not subscriptable")))
    }

    /// `C[key]`: `__class_getitem__`.
    fn class_get_item(&mut self, class: Value, key: Value) -> PyResult {
        let name = self.n(N::class_getitem);
        if class == self.class(B::Type) {
            // `type` itself is generic, but what it is the class of is not.
            let list = self.class(B::List);
            if let Some(method) = self.lookup_class(list, name) {
                let method = self.bind(method, Value::EMPTY, class)?;
                return self.call(method, &[key]);
            }
        }
        match self.get_attr_opt(class, name)? {
            Some(method) if !method.is_none() => self.call(method, &[key]),
            _ => {
                let name = self.class_name(class);
                Err(self.type_error(format!("type '{name}' is not subscriptable")))
            }
        }
    }

    /// `obj[key]` by the layout of `obj`; None where it has no items. A dict
    /// subclass's `__missing__` is asked.
    ///
    /// # Errors
    /// As `get_item`.
    pub fn builtin_get_item(&mut self, obj: Value, key: Value) -> PyResult<Option<Value>> {
        let Some(kind) = self.heap.kind(obj) else {
            return Ok(None);
        };
        match kind {
            Kind::Dict => self.dict_get_item(obj, key).map(Some),
            Kind::MappingProxy => {
                let mapping = self.heap.cell::<MappingProxy>(obj).mapping;
                self.get_item(mapping, key).map(Some)
            }
            Kind::List | Kind::Tuple | Kind::Str | Kind::Bytes | Kind::Range => {
                if self.heap.kind(key) == Some(Kind::Slice) {
                    return self.get_slice(obj, key);
                }
                if kind == Kind::Range {
                    return self.range_get_item(obj, key).map(Some);
                }
                let at = self.item_index(obj, key)?;
                let len = self.builtin_len(obj)?.unwrap_or(0);
                let Some(at) = resolve(at, len) else {
                    return Err(self.out_of_range(obj));
                };
                Ok(match kind {
                    Kind::List => self.heap.cell::<List>(obj).items.get(at).copied(),
                    Kind::Tuple => self.heap.tuple_items(obj).get(at).copied(),
                    Kind::Str => {
                        let cp = self.heap.text(obj).char_at(at);
                        cp.map(|cp| self.char(cp))
                    }
                    _ => self
                        .heap
                        .cell::<Bytes>(obj)
                        .data
                        .get(at)
                        .map(|&b| Value::small(b as i64)),
                })
            }
            _ => Ok(None),
        }
    }

    /// The index that a subscript of a sequence stands for.
    fn item_index(&mut self, obj: Value, key: Value) -> PyResult<i64> {
        if let Some(n) = key.as_int() {
            return Ok(n);
        }
        if !self.has_index(key) {
            let name = self.type_name(key);
            return Err(match self.heap.kind(obj) {
                Some(Kind::Str) => {
                    self.type_error(format!("string indices must be integers, not '{name}'"))
                }
                Some(Kind::Bytes) if self.bytes_class(obj) == B::Bytes => self.type_error(format!(
                    "byte indices must be integers or slices, not {name}"
                )),
                kind => {
                    let own = sequence_name(kind);
                    self.type_error(format!(
                        "{own} indices must be integers or slices, not {name}"
                    ))
                }
            });
        }
        self.index_i64_or(key, B::IndexError)
    }

    #[cold]
    fn out_of_range(&mut self, obj: Value) -> Raised {
        match self.heap.kind(obj) {
            Some(Kind::Str) => self.index_error("string index out of range"),
            Some(Kind::Bytes) if self.bytes_class(obj) == B::Bytes => {
                self.index_error("index out of range")
            }
            kind => self.index_error(format!("{} index out of range", sequence_name(kind))),
        }
    }

    fn range_get_item(&mut self, range: Value, key: Value) -> PyResult {
        if !self.has_index(key) {
            let name = self.type_name(key);
            return Err(self.type_error(format!(
                "range indices must be integers or slices, not {name}"
            )));
        }
        let at = self.index(key)?;
        match self.range_item(range, at) {
            Some(item) => Ok(item),
            None => Err(self.index_error("range object index out of range")),
        }
    }

    fn dict_get_item(&mut self, dict: Value, key: Value) -> PyResult {
        if let Some(value) = self.dict_get(dict, key)? {
            return Ok(value);
        }
        if !self.heap.is_exact(dict, B::Dict)
            && let Some(value) = self.call_special(dict, N::missing, &[key])?
        {
            return Ok(value);
        }
        Err(self.key_error(key))
    }

    /// `obj[key] = value`.
    ///
    /// # Errors
    /// TypeError, IndexError, ValueError; whatever `__setitem__` raises.
    pub fn set_item(&mut self, obj: Value, key: Value, value: Value) -> PyResult<()> {
        if let Some(at) = key.as_int()
            && self.heap.is_exact(obj, B::List)
        {
            let list = self.heap.cell_mut_storing::<List>(obj, &[value]);
            let items = &mut list.items;
            let at = if at < 0 { at + items.len() as i64 } else { at };
            return match items.get_mut(at as usize) {
                Some(place) => {
                    *place = value;
                    Ok(())
                }
                None => Err(self.index_error("list assignment index out of range")),
            };
        }
        if self.heap.is_exact(obj, B::Dict) {
            return self.dict_set(obj, key, value);
        }
        if self.exact_builtin(obj).is_some() && self.builtin_set_item(obj, key, value)? {
            return Ok(());
        }
        if let Some(method) = self.special(obj, N::setitem) {
            if self.builtin_owner(method).is_some() && self.builtin_set_item(obj, key, value)? {
                return Ok(());
            }
            return self.call_unbound(method, obj, &[key, value]).map(drop);
        }
        if self.builtin_set_item(obj, key, value)? {
            return Ok(());
        }
        if self.has_sequence_slots(obj) && self.has_index(key) {
            self.index_i64_or(key, B::IndexError)?;
        }
        // CPython has one slot for both: the other one's method is there, this one isn't.
        if self.special(obj, N::delitem).is_some() {
            return Err(self.attribute_error("__setitem__".to_owned()));
        }
        let name = self.type_name(obj);
        Err(self.type_error(format!("'{name}' object does not support item assignment")))
    }

    /// `obj[key] = value` by the layout of `obj`; false where it can't be done.
    ///
    /// # Errors
    /// As `set_item`.
    pub fn builtin_set_item(&mut self, obj: Value, key: Value, value: Value) -> PyResult<bool> {
        match self.heap.kind(obj) {
            Some(Kind::Dict) => self.dict_set(obj, key, value)?,
            Some(Kind::List) => {
                if self.heap.kind(key) == Some(Kind::Slice) {
                    self.set_list_slice(obj, key, value)?;
                    return Ok(true);
                }
                let at = self.item_index(obj, key)?;
                let items = &mut self.heap.cell_mut::<List>(obj).items;
                match resolve(at, items.len()) {
                    Some(at) => items[at] = value,
                    None => return Err(self.index_error("list assignment index out of range")),
                }
            }
            Some(Kind::Bytes) if self.bytes_class(obj) == B::ByteArray => {
                if self.heap.kind(key) == Some(Kind::Slice) {
                    self.set_bytes_slice(obj, key, value)?;
                    return Ok(true);
                }
                let at = self.item_index(obj, key)?;
                let byte = self.byte_value(value)?;
                let data = &mut self.heap.cell_mut::<Bytes>(obj).data;
                match resolve(at, data.len()) {
                    Some(at) => data[at] = byte,
                    None => return Err(self.index_error("bytearray index out of range")),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `del obj[key]`.
    ///
    /// # Errors
    /// TypeError, IndexError, KeyError; whatever `__delitem__` raises.
    pub fn del_item(&mut self, obj: Value, key: Value) -> PyResult<()> {
        if self.exact_builtin(obj).is_some() && self.builtin_del_item(obj, key)? {
            return Ok(());
        }
        if let Some(method) = self.special(obj, N::delitem) {
            if self.builtin_owner(method).is_some() && self.builtin_del_item(obj, key)? {
                return Ok(());
            }
            return self.call_unbound(method, obj, &[key]).map(drop);
        }
        if self.builtin_del_item(obj, key)? {
            return Ok(());
        }
        if self.special(obj, N::setitem).is_some() {
            return Err(self.attribute_error("__delitem__".to_owned()));
        }
        let name = self.type_name(obj);
        // CPython 3.13 abstract.c PyObject_DelItem words it so where the type
        // has the slots of a sequence, as every class statement's has.
        let mut not = "does not";
        if self.has_sequence_slots(obj) && self.has_index(key) {
            self.index_i64_or(key, B::IndexError)?;
            not = "doesn't";
        }
        Err(self.type_error(format!("'{name}' object {not} support item deletion")))
    }

    /// Whether CPython's type has the slots of a sequence, as a class made by
    /// a class statement always has: some errors then come in another form.
    pub(crate) fn has_sequence_slots(&self, obj: Value) -> bool {
        self.exact_builtin(obj).is_none()
            || matches!(
                self.heap.kind(obj),
                Some(
                    Kind::List
                        | Kind::Tuple
                        | Kind::Str
                        | Kind::Bytes
                        | Kind::Range
                        | Kind::Set
                        | Kind::Dict
                        | Kind::DictView
                        | Kind::MappingProxy
                )
            )
    }

    /// `del obj[key]` by the layout of `obj`; false where it can't be done.
    ///
    /// # Errors
    /// As `del_item`.
    pub fn builtin_del_item(&mut self, obj: Value, key: Value) -> PyResult<bool> {
        match self.heap.kind(obj) {
            Some(Kind::Dict) => {
                if self.dict_remove(obj, key)?.is_none() {
                    return Err(self.key_error(key));
                }
            }
            Some(Kind::List) => {
                if self.heap.kind(key) == Some(Kind::Slice) {
                    self.del_list_slice(obj, key)?;
                    return Ok(true);
                }
                let at = self.item_index(obj, key)?;
                let items = &mut self.heap.cell_mut::<List>(obj).items;
                match resolve(at, items.len()) {
                    Some(at) => drop(items.remove(at)),
                    None => return Err(self.index_error("list assignment index out of range")),
                }
            }
            Some(Kind::Bytes) if self.bytes_class(obj) == B::ByteArray => {
                if self.heap.kind(key) == Some(Kind::Slice) {
                    self.del_bytes_slice(obj, key)?;
                    return Ok(true);
                }
                let at = self.item_index(obj, key)?;
                match resolve(at, self.heap.cell::<Bytes>(obj).data.len()) {
                    Some(at) => {
                        self.check_bytearray_resizable(obj)?;
                        self.heap.cell_mut::<Bytes>(obj).data.remove(at);
                    }
                    None => return Err(self.index_error("bytearray index out of range")),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// An int that fits a byte.
    ///
    /// # Errors
    /// TypeError, ValueError.
    pub fn byte_value(&mut self, v: Value) -> PyResult<u8> {
        let n = self.index(v)?;
        match self.heap.as_i64(n).and_then(|n| n.to_u8()) {
            Some(byte) => Ok(byte),
            None => Err(self.value_error("byte must be in range(0, 256)")),
        }
    }

    /// `item in container`.
    ///
    /// # Errors
    /// TypeError if it is no container; whatever methods raise.
    pub fn contains(&mut self, container: Value, item: Value) -> PyResult<bool> {
        if self.heap.is_exact(container, B::Str)
            && self.heap.is_exact(item, B::Str)
            && let Some(byte) = self.heap.text(item).as_latin1_char()
        {
            let text = self.heap.text(container);
            return Ok(text.position(char::from(byte)).is_some());
        }
        if self.heap.is_exact(container, B::Dict) {
            let hash = self.hash(item)?;
            return Ok(self.dict_find(container, item, hash)?.is_some());
        }
        if self.exact_builtin(container).is_some()
            && let Some(found) = self.builtin_contains(container, item)?
        {
            return Ok(found);
        }
        if let Some(method) = self.special(container, N::contains) {
            if method.is_none() {
                let name = self.type_name(container);
                return Err(self.type_error(format!("'{name}' object is not a container")));
            }
            if self.builtin_owner(method).is_some()
                && let Some(found) = self.builtin_contains(container, item)?
            {
                return Ok(found);
            }
            let answer = self.call_unbound(method, container, &[item])?;
            return self.truth(answer);
        }
        let iter = self.iter_searched(container)?;
        self.holding(&[iter, item], |vm| {
            while let Some(other) = vm.next(iter)? {
                vm.tick()?;
                if vm.holding(&[other], |vm| vm.eq(other, item))? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// An iterator over what is searched item by item. CPython 3.13 abstract.c
    /// _PySequence_IterSearch: any TypeError of `__iter__` is told of as this one.
    ///
    /// # Errors
    /// TypeError if it is not iterable; whatever else `__iter__` raises.
    pub fn iter_searched(&mut self, container: Value) -> PyResult {
        match self.iter_opt(container) {
            Ok(Some(iter)) => Ok(iter),
            Err(error) if !self.is_instance_of(error.0, B::TypeError) => Err(error),
            _ => {
                let name = self.type_name(container);
                Err(self.type_error(format!("argument of type '{name}' is not iterable")))
            }
        }
    }

    /// `item in container` by the layout of the container; None where it has no
    /// way of its own.
    ///
    /// # Errors
    /// As `contains`.
    pub fn builtin_contains(&mut self, container: Value, item: Value) -> PyResult<Option<bool>> {
        let Some(kind) = self.heap.kind(container) else {
            return Ok(None);
        };
        Ok(Some(match kind {
            Kind::Dict => {
                let hash = self.hash(item)?;
                self.dict_find(container, item, hash)?.is_some()
            }
            Kind::Set => self.set_contains(container, item)?,
            Kind::List | Kind::Tuple => self.find_item(container, item, 0, usize::MAX)?.is_some(),
            Kind::Str => match self.heap.as_str(item) {
                Some(part) => self.heap.text(container).contains(part),
                None => {
                    let name = self.type_name(item);
                    return Err(self.type_error(format!(
                        "'in <string>' requires string as left operand, not {name}"
                    )));
                }
            },
            Kind::Bytes => self.bytes_contain(container, item)?,
            Kind::Range if item.is_int() || item.is_bool() || self.heap.is_exact(item, B::Int) => {
                self.range_index(container, item).is_some()
            }
            // A float, or what says itself what it equals, is compared with each.
            Kind::Range => return self.range_holds(container, item).map(Some),
            Kind::DictView => {
                let DictView { dict, of } = *self.heap.cell::<DictView>(container);
                match of {
                    ViewOf::Keys => {
                        let hash = self.hash(item)?;
                        self.dict_find(dict, item, hash)?.is_some()
                    }
                    ViewOf::Items => self.items_contain(dict, item)?,
                    ViewOf::Values => return Ok(None),
                }
            }
            Kind::MappingProxy => {
                let mapping = self.heap.cell::<MappingProxy>(container).mapping;
                self.contains(mapping, item)?
            }
            _ => return Ok(None),
        }))
    }

    fn range_holds(&mut self, range: Value, item: Value) -> PyResult<bool> {
        let mut found = false;
        let iter = self.iter(range)?;
        self.root(iter);
        while !found && let Some(number) = self.next(iter)? {
            self.tick()?;
            found = self.eq(number, item)?;
        }
        Ok(found)
    }

    /// Where `item` first stands in a list or tuple, from `from` to before `to`.
    /// The sequence is looked at afresh after every comparison.
    ///
    /// # Errors
    /// Whatever `__eq__` raises.
    pub fn find_item(
        &mut self,
        seq: Value,
        item: Value,
        from: usize,
        to: usize,
    ) -> PyResult<Option<usize>> {
        let mut at = from;
        while at < to {
            let Some(other) = self
                .heap
                .as_sequence(seq)
                .and_then(|items| items.get(at).copied())
            else {
                break;
            };
            let equal = match self.heap.eq_shallow(other, item) {
                Some(equal) => equal,
                None => self.holding(&[other, item, seq], |vm| vm.eq(other, item))?,
            };
            if equal {
                return Ok(Some(at));
            }
            at += 1;
        }
        Ok(None)
    }

    fn bytes_contain(&mut self, bytes: Value, item: Value) -> PyResult<bool> {
        if let Some(part) = self.heap.get::<Bytes>(item) {
            let data = &self.heap.cell::<Bytes>(bytes).data;
            return Ok(memchr::memmem::find(data, &part.data).is_some());
        }
        if !self.has_index(item) {
            if let Some(part) = self.bytes_like(item)? {
                let data = &self.heap.cell::<Bytes>(bytes).data;
                return Ok(memchr::memmem::find(data, &part).is_some());
            }
            let name = self.type_name(item);
            return Err(self.type_error(format!("a bytes-like object is required, not '{name}'")));
        }
        let byte = self.byte_value(item)?;
        Ok(self.heap.cell::<Bytes>(bytes).data.contains(&byte))
    }

    fn items_contain(&mut self, dict: Value, item: Value) -> PyResult<bool> {
        let Some(&[key, value]) = self.heap.as_tuple(item) else {
            return Ok(false);
        };
        let Some(found) = self.dict_get(dict, key)? else {
            return Ok(false);
        };
        self.holding(&[found], |vm| vm.eq(found, value))
    }
}

/// The index from the start; None outside.
fn resolve(at: i64, len: usize) -> Option<usize> {
    let at = if at < 0 {
        at.checked_add(len as i64)?
    } else {
        at
    };
    usize::try_from(at).ok().filter(|&at| at < len)
}

fn sequence_name(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::List) => "list",
        Some(Kind::Tuple) => "tuple",
        Some(Kind::Bytes) => "bytearray",
        Some(Kind::Range) => "range",
        _ => "sequence",
    }
}
