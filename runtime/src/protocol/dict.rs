//! dict: lookups, stores and merges. Keys compare with `__eq__`, which may run
//! script code that changes the dict: then the search starts over, as CPython's
//! does. Values found are handed out, never kept.

use crate::heap::Kind;
use crate::native::PyResult;
use crate::object::class::B;
use crate::object::dict::{Dict, MappingProxy};
use crate::object::set::Set;
use crate::table::{Lookup, ProbeStep};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

impl Vm {
    /// The entry of `key` in a dict cell.
    ///
    /// # Errors
    /// Whatever `__eq__` of the keys raises.
    #[inline]
    pub fn dict_find(&mut self, dict: Value, key: Value, hash: i64) -> PyResult<Option<u32>> {
        match self.heap.cell::<Dict>(dict).table.lookup(hash, key) {
            Lookup::Found(at) => Ok(Some(at)),
            Lookup::Absent => Ok(None),
            Lookup::Ask(_) => self.dict_probe(dict, key, hash),
        }
    }

    fn dict_probe(&mut self, dict: Value, key: Value, hash: i64) -> PyResult<Option<u32>> {
        let mut probe = self.heap.cell::<Dict>(dict).table.probe_start(hash, key);
        loop {
            match self.heap.cell::<Dict>(dict).table.probe_next(&mut probe) {
                ProbeStep::Vacant(_) => return Ok(None),
                ProbeStep::Same(at) => return Ok(Some(at)),
                ProbeStep::Candidate(at, candidate) => {
                    let equal = match self.heap.eq_shallow(candidate, key) {
                        Some(equal) => equal,
                        None => {
                            let equal =
                                self.holding(&[candidate, key, dict], |vm| vm.eq(candidate, key))?;
                            let table = &self.heap.cell::<Dict>(dict).table;
                            if !table.probe_valid(&probe, at, candidate) {
                                probe = table.probe_start(hash, key);
                                continue;
                            }
                            equal
                        }
                    };
                    if equal {
                        return Ok(Some(at));
                    }
                }
            }
        }
    }

    /// The value under `key`.
    ///
    /// # Errors
    /// TypeError if `key` is not hashable; whatever its methods raise.
    pub fn dict_get(&mut self, dict: Value, key: Value) -> PyResult<Option<Value>> {
        let hash = self.hash(key)?;
        let at = self.dict_find(dict, key, hash)?;
        Ok(at.map(|at| self.heap.cell::<Dict>(dict).table.value_at(at)))
    }

    /// The value under a str key, in a dict whose keys that could be equal to a
    /// str are strs: a namespace.
    #[inline]
    pub fn dict_get_str(&self, dict: Value, key: Value) -> Option<Value> {
        let at = self.dict_find_str(dict, key)?;
        Some(self.heap.cell::<Dict>(dict).table.value_at(at))
    }

    /// The entry of a str key; see `dict_get_str`.
    #[inline]
    pub fn dict_find_str(&self, dict: Value, key: Value) -> Option<u32> {
        let table = &self.heap.cell::<Dict>(dict).table;
        let hash = self.heap.str_hash(key);
        match table.lookup(hash, key) {
            Lookup::Found(at) => Some(at),
            Lookup::Absent => None,
            Lookup::Ask(_) => table
                .find(hash, key, |k| {
                    Ok::<_, std::convert::Infallible>(self.heap.as_str(k) == self.heap.as_str(key))
                })
                .unwrap_or_else(|never| match never {}),
        }
    }

    /// Stores under a str key; see `dict_get_str`.
    pub fn dict_set_str(&mut self, dict: Value, key: Value, value: Value) {
        if let Some(at) = self.dict_find_str(dict, key) {
            self.heap
                .cell_mut_storing::<Dict>(dict, &[value])
                .table
                .set_value_at(at, value);
        } else {
            let hash = self.heap.str_hash(key);
            self.heap.dict_push(dict, hash, key, value);
        }
    }

    /// Takes a str key out; see `dict_get_str`.
    pub fn dict_remove_str(&mut self, dict: Value, key: Value) -> Option<Value> {
        let at = self.dict_find_str(dict, key)?;
        Some(self.heap.dict_take(dict, at))
    }

    /// Stores `value` under `key`.
    ///
    /// # Errors
    /// As `dict_get`; MemoryError.
    pub fn dict_set(&mut self, dict: Value, key: Value, value: Value) -> PyResult<()> {
        let hash = self.hash(key)?;
        self.dict_set_hashed(dict, key, hash, value)
    }

    /// As `dict_set`, the key's hash being known.
    ///
    /// # Errors
    /// As `dict_set`.
    pub fn dict_set_hashed(
        &mut self,
        dict: Value,
        key: Value,
        hash: i64,
        value: Value,
    ) -> PyResult<()> {
        if let Some(at) = self.dict_find(dict, key, hash)? {
            self.heap
                .cell_mut_storing::<Dict>(dict, &[value])
                .table
                .set_value_at(at, value);
            return Ok(());
        }
        let growth = self.heap.cell::<Dict>(dict).table.growth_bytes();
        self.check_size(growth)?;
        self.heap.dict_push(dict, hash, key, value);
        Ok(())
    }

    /// The value under `key`, which is `default` from now on if there was none.
    ///
    /// # Errors
    /// As `dict_set`.
    pub fn dict_set_default(&mut self, dict: Value, key: Value, default: Value) -> PyResult {
        let hash = self.hash(key)?;
        if let Some(at) = self.dict_find(dict, key, hash)? {
            return Ok(self.heap.cell::<Dict>(dict).table.value_at(at));
        }
        self.heap.dict_push(dict, hash, key, default);
        Ok(default)
    }

    /// Takes `key` out and gives its value.
    ///
    /// # Errors
    /// As `dict_get`.
    pub fn dict_remove(&mut self, dict: Value, key: Value) -> PyResult<Option<Value>> {
        let hash = self.hash(key)?;
        let at = self.dict_find(dict, key, hash)?;
        Ok(at.map(|at| self.heap.dict_take(dict, at)))
    }

    /// A new dict with the same entries; a subclass that overrides `__iter__` is asked for them.
    /// CPython 3.13 dictobject.c copy_lock_held.
    ///
    /// # Errors
    /// What those methods raise.
    pub fn dict_copy(&mut self, dict: Value) -> PyResult {
        if !self.iterates_as_dict(dict) && !self.heap.cell::<Dict>(dict).table.is_empty() {
            let copy = self.heap.dict();
            self.holding(&[copy], |vm| vm.dict_merge(copy, dict))?;
            return Ok(copy);
        }
        let table = self.heap.cell::<Dict>(dict).table.copied();
        self.heap.charge(table.heap_bytes());
        Ok(self.heap.alloc(B::Dict.shape(), Dict { table }))
    }

    /// Whether it is a dict, and not of a subclass that overrides `__iter__`.
    fn iterates_as_dict(&mut self, v: Value) -> bool {
        self.heap.kind(v) == Some(Kind::Dict)
            && (self.heap.is_exact(v, B::Dict)
                || self
                    .special(v, N::iter)
                    .is_none_or(|m| self.builtin_owner(m).is_some()))
    }

    /// `dict.update(other)`: a mapping, or an iterable of pairs.
    ///
    /// # Errors
    /// TypeError or ValueError for anything else; whatever methods raise.
    pub fn dict_update(&mut self, dict: Value, other: Value) -> PyResult<()> {
        if self.is_mapping(other)? {
            self.dict_merge(dict, other)
        } else {
            self.dict_update_pairs(dict, other)
        }
    }

    /// Whether `update` takes `v` as a mapping: it has `keys`.
    fn is_mapping(&mut self, v: Value) -> PyResult<bool> {
        match self.heap.kind(v) {
            Some(Kind::MappingProxy) => Ok(true),
            _ if self.heap.is_exact(v, B::Dict) => Ok(true),
            Some(Kind::List | Kind::Tuple | Kind::Set | Kind::Str | Kind::Iter)
                if self.exact_builtin(v).is_some() =>
            {
                Ok(false)
            }
            _ => {
                let name = self.n(N::keys);
                Ok(self.get_attr_opt(v, name)?.is_some())
            }
        }
    }

    /// Stores each entry of a mapping.
    ///
    /// # Errors
    /// Whatever methods raise; AttributeError if it has no `keys`.
    pub fn dict_merge(&mut self, dict: Value, other: Value) -> PyResult<()> {
        let other = match self.heap.get::<MappingProxy>(other) {
            Some(proxy) => proxy.mapping,
            None => other,
        };
        // CPython 3.13 dictobject.c dict_merge: a subclass that overrides
        // __iter__ is asked through keys().
        if self.iterates_as_dict(other) {
            return self.dict_merge_dict(dict, other);
        }
        let keys = self.n(N::keys);
        let keys = self.get_attr(other, keys)?;
        let keys = self.call(keys, &[])?;
        let keys = self.holding(&[keys, other, dict], |vm| vm.iter(keys))?;
        self.holding(&[keys, other, dict], |vm| {
            while let Some(key) = vm.next(keys)? {
                vm.holding(&[key], |vm| {
                    vm.tick()?;
                    let value = vm.get_item(other, key)?;
                    vm.holding(&[value], |vm| vm.dict_set(dict, key, value))
                })?;
            }
            Ok(())
        })
    }

    fn dict_merge_dict(&mut self, dict: Value, other: Value) -> PyResult<()> {
        if dict == other {
            return Ok(());
        }
        let (mine, theirs) = (
            &self.heap.cell::<Dict>(dict).table,
            &self.heap.cell::<Dict>(other).table,
        );
        if mine.is_empty() && !theirs.is_empty() {
            let table = theirs.copied();
            self.heap.charge(table.heap_bytes());
            self.heap.cell_mut::<Dict>(dict).table = table;
            return Ok(());
        }
        let len = theirs.len();
        let mut from = 0;
        while let Some((at, entry)) = self.heap.cell::<Dict>(other).table.next_from(from) {
            let (hash, key, value) = (entry.hash, entry.key, entry.value);
            from = at + 1;
            self.holding(&[key, value], |vm| {
                vm.dict_set_hashed(dict, key, hash, value)
            })?;
            if self.heap.cell::<Dict>(other).table.len() != len {
                return Err(self.runtime_error("dict mutated during update"));
            }
        }
        Ok(())
    }

    fn dict_update_pairs(&mut self, dict: Value, pairs: Value) -> PyResult<()> {
        let iter = self.iter(pairs)?;
        self.holding(&[iter, dict], |vm| {
            let mut at = 0usize;
            while let Some(item) = vm.next(iter)? {
                vm.holding(&[item], |vm| {
                    vm.tick()?;
                    let pair = if vm.exact_builtin(item) == Some(B::Tuple) {
                        vm.heap.tuple_items(item).to_vec()
                    } else {
                        let message = format!(
                            "cannot convert dictionary update sequence element #{at} to a sequence"
                        );
                        vm.collect_or(item, &message)?
                    };
                    let &[key, value] = &pair[..] else {
                        return Err(vm.value_error(format!(
                            "dictionary update sequence element #{at} has length {}; 2 is required",
                            pair.len()
                        )));
                    };
                    vm.holding(&[key, value], |vm| vm.dict_set(dict, key, value))
                })?;
                at += 1;
            }
            Ok(())
        })
    }

    /// A new dict with each key of an iterable.
    ///
    /// # Errors
    /// Whatever methods raise.
    pub fn dict_from_keys(&mut self, keys: Value, value: Value) -> PyResult {
        let dict = self.heap.dict();
        let is_exact = |vm: &Vm, class| vm.heap.is_exact(keys, class);
        self.holding(&[dict, value, keys], |vm| {
            // CPython 3.13 dictobject.c _PyDict_FromKeys: the hashes go over with the keys.
            if is_exact(vm, B::Dict) {
                let mut from = 0;
                while let Some((at, entry)) = vm.heap.cell::<Dict>(keys).table.next_from(from) {
                    let (hash, key) = (entry.hash, entry.key);
                    from = at + 1;
                    vm.tick()?;
                    vm.holding(&[key], |vm| vm.dict_set_hashed(dict, key, hash, value))?;
                }
            } else if is_exact(vm, B::Set) || is_exact(vm, B::FrozenSet) {
                vm.each_key(keys, |vm, hash, key| {
                    vm.dict_set_hashed(dict, key, hash, value)?;
                    Ok(true)
                })?;
            } else {
                vm.for_each(keys, |vm, key| vm.dict_set(dict, key, value))?;
            }
            Ok(dict)
        })
    }

    /// Empties a dict.
    pub fn dict_clear(&mut self, dict: Value) {
        self.heap.cell_mut::<Dict>(dict).table.clear();
    }

    /// Fills an empty set with a dict's keys, as CPython's `set(d)` orders them.
    pub(crate) fn set_fill_from_dict(&mut self, set: Value, dict: Value) -> PyResult<()> {
        let n = self.heap.cell::<Dict>(dict).table.len();
        self.check_items(n.saturating_mul(6))?;
        let table = &mut self.heap.cell_mut::<Set>(set).table;
        let before = table.heap_bytes();
        table.reserve_for(n);
        let grown = table.heap_bytes().saturating_sub(before);
        self.heap.charge(grown);
        let mut from = 0;
        while let Some((at, entry)) = self.heap.cell::<Dict>(dict).table.next_from(from) {
            let (hash, key) = (entry.hash, entry.key);
            from = at + 1;
            self.holding(&[key], |vm| vm.set_add_hashed(set, key, hash))?;
        }
        Ok(())
    }
}
