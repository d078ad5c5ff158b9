//! set and frozenset: membership and the operations between sets, step by step
//! in CPython 3.13's order, since the order of the steps is the order in which
//! a script sees the items of the result.

use super::number::BinaryOp;
use crate::heap::{Heap, Kind};
use crate::native::PyResult;
use crate::object::class::B;
use crate::object::dict::{Dict, DictView, ViewOf};
use crate::object::set::Set;
use crate::table::set_table::SetTable;
use crate::table::{Lookup, ProbeStep};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// The slot of a key, where its equality with others needs no script code; else None.
#[inline]
fn slot_shallow(
    heap: &Heap,
    table: &SetTable<Value>,
    hash: i64,
    key: Value,
) -> Option<Option<u32>> {
    match table.lookup(hash, key) {
        Lookup::Found(at) => Some(Some(at)),
        Lookup::Absent => Some(None),
        Lookup::Ask(_) => {
            let equal = |candidate| heap.eq_shallow(candidate, key).ok_or(());
            table.find(hash, key, equal).ok()
        }
    }
}

/// Adds a key, where that needs no script code; else None.
fn add_shallow(heap: &Heap, table: &mut SetTable<Value>, hash: i64, key: Value) -> Option<()> {
    if table.add_alone(hash, key).is_none() && slot_shallow(heap, table, hash, key)?.is_none() {
        table.insert_new(hash, key);
    }
    Some(())
}

/// Passes the keys of a table on until `take` gives none: `Some` is the slot of the key that it
/// did not take.
#[inline]
fn each_shallow(
    table: &SetTable<Value>,
    mut take: impl FnMut(i64, Value) -> Option<()>,
) -> Option<u32> {
    let mut from = 0;
    while let Some((at, hash, key)) = table.next_from(from) {
        if take(hash, key).is_none() {
            return Some(from);
        }
        from = at + 1;
    }
    None
}

impl Vm {
    /// The slot of `key` in a set cell.
    ///
    /// # Errors
    /// Whatever `__eq__` of the keys raises.
    #[inline]
    pub fn set_find(&mut self, set: Value, key: Value, hash: i64) -> PyResult<Option<u32>> {
        match self.heap.cell::<Set>(set).table.lookup(hash, key) {
            Lookup::Found(at) => Ok(Some(at)),
            Lookup::Absent => Ok(None),
            Lookup::Ask(_) => self.set_probe(set, key, hash),
        }
    }

    fn set_probe(&mut self, set: Value, key: Value, hash: i64) -> PyResult<Option<u32>> {
        let mut probe = self.heap.cell::<Set>(set).table.probe_start(hash, key);
        loop {
            match self.heap.cell::<Set>(set).table.probe_next(&mut probe) {
                ProbeStep::Vacant(_) => return Ok(None),
                ProbeStep::Same(at) => return Ok(Some(at)),
                ProbeStep::Candidate(at, candidate) => {
                    let equal = match self.heap.eq_shallow(candidate, key) {
                        Some(equal) => equal,
                        None => {
                            let equal =
                                self.holding(&[candidate, key, set], |vm| vm.eq(candidate, key))?;
                            let table = &self.heap.cell::<Set>(set).table;
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

    /// Adds `key`; says whether it was new.
    ///
    /// # Errors
    /// TypeError if it is not hashable; whatever its methods raise; MemoryError.
    pub fn set_add(&mut self, set: Value, key: Value) -> PyResult<bool> {
        let hash = self.hash(key)?;
        self.set_add_hashed(set, key, hash)
    }

    pub(crate) fn set_add_hashed(&mut self, set: Value, key: Value, hash: i64) -> PyResult<bool> {
        let cell = self.heap.cell_mut_storing::<Set>(set, &[key]);
        if let Some(added) = cell.table.add_alone(hash, key) {
            return Ok(added);
        }
        if self.set_find(set, key, hash)?.is_some() {
            return Ok(false);
        }
        let growth = self.heap.cell::<Set>(set).table.growth_bytes();
        if growth > 0 {
            self.check_items(growth / 8)?;
            self.heap.charge(growth);
        }
        let cell = if self.heap.cell::<Set>(set).table.moves_others(hash) {
            self.heap.cell_mut::<Set>(set)
        } else {
            self.heap.cell_mut_storing::<Set>(set, &[key])
        };
        cell.table.insert_new(hash, key);
        Ok(true)
    }

    /// Whether `key` is in a set. A set that is looked for counts as a frozenset.
    ///
    /// # Errors
    /// As `set_add`.
    pub fn set_contains(&mut self, set: Value, key: Value) -> PyResult<bool> {
        let hash = self.set_key_hash(key)?;
        Ok(self.set_find(set, key, hash)?.is_some())
    }

    /// Takes `key` out; says whether it was there.
    ///
    /// # Errors
    /// As `set_contains`.
    pub fn set_discard(&mut self, set: Value, key: Value) -> PyResult<bool> {
        let hash = self.set_key_hash(key)?;
        self.set_discard_hashed(set, key, hash)
    }

    fn set_discard_hashed(&mut self, set: Value, key: Value, hash: i64) -> PyResult<bool> {
        let found = self.set_find(set, key, hash)?;
        if let Some(at) = found {
            self.heap
                .cell_mut_storing::<Set>(set, &[])
                .table
                .remove_at(at);
        }
        Ok(found.is_some())
    }

    /// CPython 3.13 setobject.c set_contains: an unhashable set is looked up as
    /// a frozenset of its items.
    fn set_key_hash(&mut self, key: Value) -> PyResult<i64> {
        if self.heap.kind(key) == Some(Kind::Set) {
            let class = self.heap.class_of(key);
            let hash = self.lookup_class(class, self.n(N::hash));
            if hash.is_none_or(Value::is_none) {
                return Ok(self.heap.cell::<Set>(key).table.frozen_hash());
            }
        }
        self.hash(key)
    }

    /// set or frozenset, by what `v` is an instance of.
    fn set_class(&self, v: Value) -> B {
        if self.is_instance_of(v, B::FrozenSet) {
            B::FrozenSet
        } else {
            B::Set
        }
    }

    /// A new empty set or frozenset.
    pub(crate) fn new_set(&mut self, class: B) -> Value {
        self.heap.alloc(class.shape(), Set::default())
    }

    /// A copy, as a set or frozenset.
    pub fn set_copy(&mut self, set: Value, class: B) -> Value {
        let table = self.heap.cell::<Set>(set).table.copied();
        self.heap.charge(table.heap_bytes());
        self.heap.alloc(class.shape(), Set { table, hash: None })
    }

    /// Adds each item of an iterable.
    ///
    /// # Errors
    /// TypeError for what can't be iterated or hashed; whatever methods raise.
    pub fn set_update(&mut self, set: Value, other: Value) -> PyResult<()> {
        match self.heap.kind(other) {
            Some(Kind::Set) => self.set_merge(set, other),
            Some(Kind::Dict) if self.heap.is_exact(other, B::Dict) => {
                self.set_fill_from_dict(set, other)
            }
            _ => self.holding(&[set], |vm| {
                vm.for_each(other, |vm, item| vm.set_add(set, item).map(drop))
            }),
        }
    }

    fn set_merge(&mut self, set: Value, other: Value) -> PyResult<()> {
        if set == other {
            return Ok(());
        }
        // Our table is taken out so that the two cells are not borrowed at once.
        let mut table = std::mem::take(&mut self.heap.cell_mut::<Set>(set).table);
        let before = table.heap_bytes();
        let theirs = &self.heap.cell::<Set>(other).table;
        let rest = match table.absorb(theirs) {
            true => None,
            false => each_shallow(theirs, |hash, key| {
                add_shallow(&self.heap, &mut table, hash, key)
            }),
        };
        let grown = table.heap_bytes().saturating_sub(before);
        self.heap.cell_mut::<Set>(set).table = table;
        self.heap.charge(grown);
        let Some(rest) = rest else {
            return Ok(());
        };
        self.each_key_from(other, rest, |vm, hash, key| {
            vm.set_add_hashed(set, key, hash)?;
            Ok(true)
        })
    }

    /// Passes the keys of a set on with their hashes, while `take` says true.
    pub(super) fn each_key(
        &mut self,
        set: Value,
        take: impl FnMut(&mut Vm, i64, Value) -> PyResult<bool>,
    ) -> PyResult<()> {
        self.each_key_from(set, 0, take)
    }

    /// As `each_key`, from a slot on.
    fn each_key_from(
        &mut self,
        set: Value,
        mut from: u32,
        mut take: impl FnMut(&mut Vm, i64, Value) -> PyResult<bool>,
    ) -> PyResult<()> {
        self.holding(&[set], |vm| {
            while let Some((at, hash, key)) = vm.heap.cell::<Set>(set).table.next_from(from) {
                from = at + 1;
                vm.tick()?;
                if !vm.holding(&[key], |vm| take(vm, hash, key))? {
                    break;
                }
            }
            Ok(())
        })
    }

    /// How many items a set has.
    pub fn set_len(&self, set: Value) -> usize {
        self.heap.cell::<Set>(set).table.len()
    }

    /// `other` as a set: itself, or a new one of its items.
    fn as_set(&mut self, other: Value) -> PyResult {
        if self.heap.kind(other) == Some(Kind::Set) {
            return Ok(other);
        }
        let set = self.heap.set();
        self.set_update(set, other)?;
        Ok(set)
    }

    /// `set.union(other)`; `other` is any iterable, as in all of these.
    ///
    /// # Errors
    /// As `set_update`.
    pub fn set_union(&mut self, set: Value, other: Value) -> PyResult {
        let class = self.set_class(set);
        let result = self.set_copy(set, class);
        if set != other {
            self.holding(&[result], |vm| vm.set_update(result, other))?;
        }
        Ok(result)
    }

    /// `set.intersection(other)`.
    ///
    /// # Errors
    /// As `set_update`.
    pub fn set_intersection(&mut self, set: Value, other: Value) -> PyResult {
        let class = self.set_class(set);
        if set == other {
            return Ok(self.set_copy(set, class));
        }
        if self.heap.kind(other) == Some(Kind::Set)
            && let Some(made) = self.intersection_shallow(set, other)
        {
            return Ok(self.set_of(class, made));
        }
        let result = self.new_set(class);
        self.holding(&[result, set], |vm| {
            if vm.heap.kind(other) == Some(Kind::Set) {
                let (big, small) = if vm.set_len(other) > vm.set_len(set) {
                    (other, set)
                } else {
                    (set, other)
                };
                vm.each_key(small, |vm, hash, key| {
                    if vm.set_find(big, key, hash)?.is_some() {
                        vm.set_add_hashed(result, key, hash)?;
                    }
                    Ok(true)
                })?;
            } else {
                // CPython 3.13 setobject.c set_intersection: what comes after the last that can be
                // found is not asked for.
                vm.for_each_until(other, |vm, key| {
                    let hash = vm.hash(key)?;
                    if vm.set_find(set, key, hash)?.is_none() {
                        return Ok(false);
                    }
                    vm.set_add_hashed(result, key, hash)?;
                    Ok(vm.set_len(result) >= vm.set_len(set))
                })?;
            }
            Ok(result)
        })
    }

    /// The keys that both sets have, where it takes no script code to tell.
    fn intersection_shallow(&self, set: Value, other: Value) -> Option<SetTable<Value>> {
        let (a, b) = (
            &self.heap.cell::<Set>(set).table,
            &self.heap.cell::<Set>(other).table,
        );
        let (big, small) = if b.len() > a.len() { (b, a) } else { (a, b) };
        let mut made = self.room_for(small)?;
        each_shallow(small, |hash, key| {
            match slot_shallow(&self.heap, big, hash, key)? {
                Some(_) => add_shallow(&self.heap, &mut made, hash, key),
                None => Some(()),
            }
        })
        .is_none()
        .then_some(made)
    }

    /// The keys that only the first set has, where it takes no script code to tell.
    fn difference_shallow(&self, set: Value, other: Value) -> Option<SetTable<Value>> {
        let (mine, theirs) = (
            &self.heap.cell::<Set>(set).table,
            &self.heap.cell::<Set>(other).table,
        );
        let mut made = self.room_for(mine)?;
        each_shallow(mine, |hash, key| {
            match slot_shallow(&self.heap, theirs, hash, key)? {
                Some(_) => Some(()),
                None => add_shallow(&self.heap, &mut made, hash, key),
            }
        })
        .is_none()
        .then_some(made)
    }

    /// An empty table, if the cap on memory lets it grow to the size of another.
    fn room_for(&self, table: &SetTable<Value>) -> Option<SetTable<Value>> {
        let used_bytes = self.heap.used_bytes();
        let after = used_bytes.saturating_add(table.heap_bytes() * 2);
        (after <= self.memory_max).then(SetTable::new)
    }

    /// A new set or frozenset of a table.
    fn set_of(&mut self, class: B, table: SetTable<Value>) -> Value {
        self.heap.charge(table.heap_bytes());
        self.heap.alloc(class.shape(), Set { table, hash: None })
    }

    /// `set.intersection_update(other)`.
    ///
    /// # Errors
    /// As `set_update`.
    pub fn set_intersection_update(&mut self, set: Value, other: Value) -> PyResult<()> {
        let common = self.set_intersection(set, other)?;
        self.set_replace(set, common);
        Ok(())
    }

    /// Moves the items of `made`, which nothing else uses, into `set`.
    pub fn set_replace(&mut self, set: Value, made: Value) {
        let table = std::mem::take(&mut self.heap.cell_mut::<Set>(made).table);
        self.heap.cell_mut::<Set>(set).table.replace_with(table);
    }

    /// `set.difference_update(other)`.
    ///
    /// # Errors
    /// As `set_update`.
    pub fn set_difference_update(&mut self, set: Value, other: Value) -> PyResult<()> {
        if set == other {
            self.heap.cell_mut::<Set>(set).table.clear();
            return Ok(());
        }
        if self.heap.kind(other) == Some(Kind::Set) {
            let mut other = other;
            if self
                .heap
                .cell::<Set>(set)
                .table
                .difference_intersects(self.set_len(other))
            {
                other = self.set_intersection(set, other)?;
            }
            self.each_key(other, |vm, hash, key| {
                vm.set_discard_hashed(set, key, hash)?;
                Ok(true)
            })?;
        } else {
            self.holding(&[set], |vm| {
                vm.for_each(other, |vm, key| {
                    let hash = vm.hash(key)?;
                    vm.set_discard_hashed(set, key, hash).map(drop)
                })
            })?;
        }
        self.heap.cell_mut::<Set>(set).table.finish_difference();
        Ok(())
    }

    /// `set.difference(other)`.
    ///
    /// # Errors
    /// As `set_update`.
    pub fn set_difference(&mut self, set: Value, other: Value) -> PyResult {
        let class = self.set_class(set);
        let dict = self.heap.is_exact(other, B::Dict).then_some(other);
        let other_len = match (dict, self.heap.kind(other)) {
            (Some(dict), _) => Some(self.heap.cell::<Dict>(dict).table.len()),
            (_, Some(Kind::Set)) => Some(self.set_len(other)),
            _ => None,
        };
        // CPython 3.13 setobject.c set_difference: only what can be asked
        // directly is asked key by key, and only where it is not much smaller.
        let copies =
            other_len.is_none_or(|n| self.heap.cell::<Set>(set).table.difference_copies(n));
        if copies {
            let copy = self.set_copy(set, class);
            self.holding(&[copy, set], |vm| vm.set_difference_update(copy, other))?;
            return Ok(copy);
        }
        if dict.is_none()
            && let Some(made) = self.difference_shallow(set, other)
        {
            return Ok(self.set_of(class, made));
        }
        let result = self.new_set(class);
        self.holding(&[result], |vm| {
            vm.each_key(set, |vm, hash, key| {
                let found = match dict {
                    Some(dict) => vm.dict_find(dict, key, hash)?,
                    None => vm.set_find(other, key, hash)?,
                };
                if found.is_none() {
                    vm.set_add_hashed(result, key, hash)?;
                }
                Ok(true)
            })
        })?;
        Ok(result)
    }

    /// `set.symmetric_difference_update(other)`.
    ///
    /// # Errors
    /// As `set_update`.
    pub fn set_symmetric_difference_update(&mut self, set: Value, other: Value) -> PyResult<()> {
        if set == other {
            self.heap.cell_mut::<Set>(set).table.clear();
            return Ok(());
        }
        let other = self.as_set(other)?;
        let Some(rest) = self.symmetric_difference_shallow(set, other) else {
            return Ok(());
        };
        self.holding(&[set], |vm| {
            vm.each_key_from(other, rest, |vm, hash, key| {
                if !vm.set_discard_hashed(set, key, hash)? {
                    vm.set_add_hashed(set, key, hash)?;
                }
                Ok(true)
            })
        })
    }

    /// As far as no script code is needed; the slot in `other` to go on from, if that was not all.
    fn symmetric_difference_shallow(&mut self, set: Value, other: Value) -> Option<u32> {
        if self.room_for(&self.heap.cell::<Set>(other).table).is_none() {
            return Some(0);
        }
        let mut table = std::mem::take(&mut self.heap.cell_mut::<Set>(set).table);
        let before = table.heap_bytes();
        let theirs = &self.heap.cell::<Set>(other).table;
        let rest = each_shallow(theirs, |hash, key| {
            match slot_shallow(&self.heap, &table, hash, key)? {
                Some(at) => {
                    table.remove_at(at);
                    Some(())
                }
                None => add_shallow(&self.heap, &mut table, hash, key),
            }
        });
        let grown = table.heap_bytes().saturating_sub(before);
        self.heap.cell_mut::<Set>(set).table = table;
        self.heap.charge(grown);
        rest
    }

    /// `set.symmetric_difference(other)`.
    ///
    /// # Errors
    /// As `set_update`.
    pub fn set_symmetric_difference(&mut self, set: Value, other: Value) -> PyResult {
        let class = self.set_class(set);
        let result = self.new_set(class);
        self.holding(&[result, set], |vm| {
            vm.set_update(result, other)?;
            vm.set_symmetric_difference_update(result, set)?;
            Ok(result)
        })
    }

    /// Whether each key of `a` is in `b`; both sets.
    ///
    /// # Errors
    /// Whatever `__eq__` raises.
    pub fn set_is_subset(&mut self, a: Value, b: Value) -> PyResult<bool> {
        if self.set_len(a) > self.set_len(b) {
            return Ok(false);
        }
        let mut all = true;
        self.holding(&[b], |vm| {
            vm.each_key(a, |vm, hash, key| {
                all = vm.set_find(b, key, hash)?.is_some();
                Ok(all)
            })
        })?;
        Ok(all)
    }

    /// `set.isdisjoint(other)`.
    ///
    /// # Errors
    /// As `set_update`.
    pub fn set_is_disjoint(&mut self, set: Value, other: Value) -> PyResult<bool> {
        let mut common = false;
        self.holding(&[set, other], |vm| {
            if vm.heap.kind(other) == Some(Kind::Set) {
                let (big, small) = if vm.set_len(other) > vm.set_len(set) {
                    (other, set)
                } else {
                    (set, other)
                };
                return vm.each_key(small, |vm, hash, key| {
                    common = vm.set_find(big, key, hash)?.is_some();
                    Ok(!common)
                });
            }
            common = vm.any_found(set, other, true)?;
            Ok(())
        })?;
        Ok(!common)
    }

    /// Whether each item of an iterable is in the set. Those after one that isn't are not asked for.
    ///
    /// # Errors
    /// As `set_update`.
    pub fn set_holds_all(&mut self, set: Value, items: Value) -> PyResult<bool> {
        Ok(!self.any_found(set, items, false)?)
    }

    /// Whether there is an item of the iterable that is in the set (`wanted`) or is not; it goes
    /// no further than to that one. Unlike for `in`, a set as an item is not hashable.
    fn any_found(&mut self, set: Value, items: Value, wanted: bool) -> PyResult<bool> {
        self.holding(&[set], |vm| {
            vm.for_each_until(items, |vm, key| {
                let hash = vm.hash(key)?;
                Ok(vm.set_find(set, key, hash)?.is_some() == wanted)
            })
        })
    }

    /// `|`, `&`, `-`, `^` of sets, dicts and dict views; None for others.
    pub(crate) fn set_binary(
        &mut self,
        op: BinaryOp,
        a: Value,
        b: Value,
    ) -> PyResult<Option<Value>> {
        let (ka, kb) = (self.heap.kind(a), self.heap.kind(b));
        if ka == Some(Kind::Set) && kb == Some(Kind::Set) {
            return match op {
                BinaryOp::Or => self.set_union(a, b),
                BinaryOp::And => self.set_intersection(a, b),
                BinaryOp::Sub => self.set_difference(a, b),
                BinaryOp::Xor => self.set_symmetric_difference(a, b),
                _ => return Ok(None),
            }
            .map(Some);
        }
        if ka == Some(Kind::Dict) && kb == Some(Kind::Dict) && op == BinaryOp::Or {
            let result = self.dict_copy(a)?;
            self.holding(&[result], |vm| vm.dict_merge(result, b))?;
            return Ok(Some(result));
        }
        if ka == Some(Kind::MappingProxy) || kb == Some(Kind::MappingProxy) {
            let plain =
                |vm: &Vm, v: Value| match vm.heap.get::<crate::object::dict::MappingProxy>(v) {
                    Some(proxy) => proxy.mapping,
                    None => v,
                };
            let (a, b) = (plain(self, a), plain(self, b));
            return self.set_binary(op, a, b);
        }
        if self.is_set_view(a) || self.is_set_view(b) {
            return self.view_binary(op, a, b).map(Some);
        }
        Ok(None)
    }

    /// `|=` and its likes of a set; None where the operands don't allow it.
    pub(crate) fn set_binary_in_place(
        &mut self,
        op: BinaryOp,
        a: Value,
        b: Value,
    ) -> PyResult<Option<Value>> {
        if self.set_class(a) == B::FrozenSet || self.heap.kind(b) != Some(Kind::Set) {
            return Ok(None);
        }
        match op {
            BinaryOp::Or => self.set_update(a, b)?,
            BinaryOp::And => self.set_intersection_update(a, b)?,
            BinaryOp::Sub => self.set_difference_update(a, b)?,
            BinaryOp::Xor => self.set_symmetric_difference_update(a, b)?,
            _ => return Ok(None),
        }
        Ok(Some(a))
    }

    /// Whether `v` is a view of keys or items.
    fn is_set_view(&self, v: Value) -> bool {
        self.heap
            .get::<DictView>(v)
            .is_some_and(|view| view.of != ViewOf::Values)
    }

    /// Operators of dict views: the result is a set, the other operand any iterable.
    fn view_binary(&mut self, op: BinaryOp, a: Value, b: Value) -> PyResult {
        if op == BinaryOp::And {
            return self.view_intersection(a, b);
        }
        let result = self.heap.set();
        self.holding(&[result, a, b], |vm| {
            match vm.heap.get::<DictView>(a) {
                // CPython 3.13 dictobject.c dictviews_to_set: keys go over with
                // their hashes, sized at once.
                Some(view) if view.of == ViewOf::Keys => {
                    let dict = view.dict;
                    vm.set_update(result, dict)?;
                }
                _ => vm.set_update(result, a)?,
            }
            match op {
                BinaryOp::Or => vm.set_update(result, b)?,
                BinaryOp::Sub => vm.set_difference_update(result, b)?,
                _ => vm.set_symmetric_difference_update(result, b)?,
            }
            Ok(result)
        })
    }

    fn view_intersection(&mut self, a: Value, b: Value) -> PyResult {
        let (mut view, mut other) = if self.is_set_view(a) { (a, b) } else { (b, a) };
        let n = self.len(view)?;
        if self.heap.is_exact(other, B::Set) && n <= self.set_len(other) {
            return self.set_intersection(other, view);
        }
        if self.is_set_view(other) && self.len(other)? > n {
            (view, other) = (other, view);
        }
        let result = self.heap.set();
        self.holding(&[result, view, other], |vm| {
            vm.for_each(other, |vm, key| {
                if vm.contains(view, key)? {
                    vm.set_add(result, key)?;
                }
                Ok(())
            })?;
            Ok(result)
        })
    }
}
