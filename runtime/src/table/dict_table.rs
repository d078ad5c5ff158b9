//! The table of a dict: insertion-ordered, open addressing. Takes a hash and a
//! key, gives the index of an entry. It grows as CPython 3.13's dictobject.c
//! does, so a dict changed under iteration shows the same entries. It never
//! runs script code: see [`ProbeStep`](super::ProbeStep).

use super::{Lookup, ProbeStep, TableKey};

const EMPTY: u32 = u32::MAX;
const DELETED: u32 = u32::MAX - 1;
const MIN_SIZE: usize = 8;
const PERTURB_SHIFT: u32 = 5;

/// One entry in insertion order. A deleted entry has the key `K::VACANT`.
#[derive(Clone, Copy, Debug)]
pub struct Entry<K, V> {
    pub hash: i64,
    pub key: K,
    pub value: V,
}

/// An insertion-ordered hash table from `K` to `V`.
///
/// ```text
/// index:   [ -, 1, -, 0, x, -, 2, - ]   power of two; -: EMPTY, x: DELETED
/// entries: [ e0, e1, e2 ]               in insertion order, with holes
/// ```
#[derive(Clone, Debug)]
pub struct DictTable<K, V> {
    index: Box<[u32]>,
    entries: Vec<Entry<K, V>>,
    /// Live entries.
    used: u32,
    /// Entries that may still be appended before the index grows. As in
    /// CPython, deleting doesn't give a place back.
    usable: u32,
    /// Invariant: no entry before this one is live.
    first: u32,
    /// Counts changes of layout: entry indexes from before one mean nothing.
    layout: u32,
    /// Counts changes of any kind, value stores aside.
    version: u32,
}

/// Where a search stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe<K> {
    hash: i64,
    key: K,
    slot: usize,
    perturb: u64,
    layout: u32,
}

impl<K: TableKey, V: Copy> Default for DictTable<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// How many entries an index of `size` slots carries.
fn usable_of(size: usize) -> usize {
    (size << 1) / 3
}

/// The index size that CPython takes for at least `min_size` slots.
fn index_size(min_size: usize) -> usize {
    min_size.max(MIN_SIZE).next_power_of_two()
}

impl<K: TableKey, V: Copy> DictTable<K, V> {
    /// An empty table; it owns no memory until the first insertion.
    pub fn new() -> Self {
        DictTable {
            index: Box::default(),
            entries: Vec::new(),
            used: 0,
            usable: 0,
            first: 0,
            layout: 0,
            version: 0,
        }
    }

    /// A table that takes `n` entries without growing.
    pub fn with_capacity(n: usize) -> Self {
        let mut table = Self::new();
        if n > 0 {
            table.rebuild(index_size((n * 3).div_ceil(2)));
        }
        table
    }

    /// The number of live entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.used as usize
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Changes whenever a key enters or leaves.
    #[inline]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The bytes that the table owns outside itself.
    pub fn heap_bytes(&self) -> usize {
        self.index.len() * size_of::<u32>() + self.entries.capacity() * size_of::<Entry<K, V>>()
    }

    /// The bytes that one more insertion may allocate; 0 when there is room.
    pub fn growth_bytes(&self) -> usize {
        if self.usable > 0 {
            return 0;
        }
        let size = index_size(self.len() * 3);
        size * size_of::<u32>() + usable_of(size) * size_of::<Entry<K, V>>()
    }

    /// Looks a key up as far as no script code is needed: this is the fast path.
    #[inline]
    pub fn lookup(&self, hash: i64, key: K) -> Lookup<Probe<K>> {
        if self.index.is_empty() {
            return Lookup::Absent;
        }
        let mask = self.index.len() - 1;
        let mut slot = hash as usize & mask;
        let mut perturb = hash as u64;
        loop {
            let at = self.index[slot];
            if at < DELETED {
                let entry = &self.entries[at as usize];
                if entry.key == key {
                    return Lookup::Found(at);
                }
                if entry.hash == hash {
                    return Lookup::Ask(Probe {
                        hash,
                        key,
                        slot,
                        perturb,
                        layout: self.layout,
                    });
                }
            } else if at == EMPTY {
                return Lookup::Absent;
            }
            perturb >>= PERTURB_SHIFT;
            slot = (slot
                .wrapping_mul(5)
                .wrapping_add(perturb as usize)
                .wrapping_add(1))
                & mask;
        }
    }

    /// The value under a key whose equality is identity (an interned str or a
    /// small int in a dict that holds only such keys).
    #[inline]
    pub fn get_identical(&self, hash: i64, key: K) -> Option<V> {
        if self.index.is_empty() {
            return None;
        }
        let mask = self.index.len() - 1;
        let mut slot = hash as usize & mask;
        let mut perturb = hash as u64;
        loop {
            let at = self.index[slot];
            if at < DELETED {
                let entry = &self.entries[at as usize];
                if entry.key == key {
                    return Some(entry.value);
                }
            } else if at == EMPTY {
                return None;
            }
            perturb >>= PERTURB_SHIFT;
            slot = (slot
                .wrapping_mul(5)
                .wrapping_add(perturb as usize)
                .wrapping_add(1))
                & mask;
        }
    }

    /// Begins a search for a key of this hash.
    #[inline]
    pub fn probe_start(&self, hash: i64, key: K) -> Probe<K> {
        Probe {
            hash,
            key,
            slot: hash as usize & self.index.len().wrapping_sub(1),
            perturb: hash as u64,
            layout: self.layout,
        }
    }

    /// Goes on with a search. The table must not have changed its layout since
    /// the probe started (`probe_valid`).
    #[inline]
    pub fn probe_next(&self, probe: &mut Probe<K>) -> ProbeStep<K> {
        if self.index.is_empty() {
            return ProbeStep::Vacant(0);
        }
        debug_assert_eq!(probe.layout, self.layout, "a stale probe was resumed");
        let mask = self.index.len() - 1;
        loop {
            let slot = probe.slot & mask;
            let at = self.index[slot];
            if at == EMPTY {
                return ProbeStep::Vacant(slot as u32);
            }
            probe.perturb >>= PERTURB_SHIFT;
            probe.slot = (slot.wrapping_mul(5))
                .wrapping_add(probe.perturb as usize)
                .wrapping_add(1)
                & mask;
            if at != DELETED {
                let entry = &self.entries[at as usize];
                if entry.key == probe.key {
                    return ProbeStep::Same(at);
                }
                if entry.hash == probe.hash {
                    return ProbeStep::Candidate(at, entry.key);
                }
            }
        }
    }

    /// Whether the candidate still stands where the probe found it. CPython 3.13
    /// dictobject.c starts a lookup over only when it doesn't, so an `__eq__`
    /// that merely inserts is not called a second time.
    #[inline]
    pub fn probe_valid(&self, probe: &Probe<K>, at: u32, candidate: K) -> bool {
        probe.layout == self.layout
            && self
                .entries
                .get(at as usize)
                .is_some_and(|e| e.key == candidate)
    }

    /// Finds a key with an equality that runs no script code.
    ///
    /// # Errors
    /// Whatever `eq` reports.
    pub fn find<E>(
        &self,
        hash: i64,
        key: K,
        mut eq: impl FnMut(K) -> Result<bool, E>,
    ) -> Result<Option<u32>, E> {
        let mut probe = match self.lookup(hash, key) {
            Lookup::Found(at) => return Ok(Some(at)),
            Lookup::Absent => return Ok(None),
            Lookup::Ask(probe) => probe,
        };
        loop {
            match self.probe_next(&mut probe) {
                ProbeStep::Vacant(_) => return Ok(None),
                ProbeStep::Same(at) => return Ok(Some(at)),
                ProbeStep::Candidate(at, candidate) => {
                    if eq(candidate)? {
                        return Ok(Some(at));
                    }
                }
            }
        }
    }

    /// The live entry at an index, or None for a hole or the end.
    #[inline]
    pub fn entry(&self, at: u32) -> Option<&Entry<K, V>> {
        self.entries.get(at as usize).filter(|e| e.key != K::VACANT)
    }

    /// The value of a live entry.
    ///
    /// # Panics
    /// If `at` is not an index that a lookup gave.
    #[inline]
    pub fn value_at(&self, at: u32) -> V {
        self.entries[at as usize].value
    }

    /// Stores a value into a live entry; the key that was there first stays.
    ///
    /// # Panics
    /// If `at` is not an index that a lookup gave.
    #[inline]
    pub fn set_value_at(&mut self, at: u32, value: V) {
        self.entries[at as usize].value = value;
    }

    /// Appends a key that a lookup has shown to be absent; gives its index.
    #[inline]
    pub fn insert_new(&mut self, hash: i64, key: K, value: V) -> u32 {
        debug_assert!(key != K::VACANT);
        if self.usable == 0 {
            self.rebuild(index_size(self.len() * 3));
        }
        let mask = self.index.len() - 1;
        let slot = free_slot(&self.index, mask, hash);
        let at = self.entries.len() as u32;
        self.index[slot] = at;
        self.entries.push(Entry { hash, key, value });
        self.usable -= 1;
        self.used += 1;
        self.version = self.version.wrapping_add(1);
        at
    }

    /// Takes a live entry out.
    ///
    /// # Panics
    /// If `at` is not an index that a lookup gave.
    pub fn remove_at(&mut self, at: u32) -> Entry<K, V> {
        let entry = self.entries[at as usize];
        assert!(entry.key != K::VACANT, "the entry is already gone");
        let slot = self.slot_of(entry.hash, at);
        self.index[slot] = DELETED;
        self.entries[at as usize].key = K::VACANT;
        self.used -= 1;
        self.version = self.version.wrapping_add(1);
        if at == self.first {
            self.first += 1;
            while (self.first as usize) < self.entries.len()
                && self.entries[self.first as usize].key == K::VACANT
            {
                self.first += 1;
            }
        }
        entry
    }

    /// Makes a live entry the youngest.
    ///
    /// # Panics
    /// If `at` is not an index that a lookup gave.
    pub fn move_last(&mut self, at: u32) {
        let entry = self.remove_at(at);
        self.insert_new(entry.hash, entry.key, entry.value);
    }

    /// Makes a live entry the oldest. Takes the time that a copy takes where no
    /// entry was taken out at the front.
    ///
    /// # Panics
    /// If `at` is not an index that a lookup gave.
    pub fn move_first(&mut self, at: u32) {
        let entry = self.remove_at(at);
        if self.first > 0 && self.usable > 0 {
            self.first -= 1;
            let slot = free_slot(&self.index, self.index.len() - 1, entry.hash);
            self.index[slot] = self.first;
            self.entries[self.first as usize] = entry;
            // The slot that is now taken may have been an empty one, of which a
            // search needs some.
            self.usable -= 1;
            self.used += 1;
            self.version = self.version.wrapping_add(1);
            return;
        }
        let rest: Vec<_> = self.iter().copied().collect();
        self.clear();
        for entry in std::iter::once(entry).chain(rest) {
            self.insert_new(entry.hash, entry.key, entry.value);
        }
    }

    /// Takes the youngest entry out.
    pub fn pop_last(&mut self) -> Option<Entry<K, V>> {
        if self.used == 0 {
            return None;
        }
        let mut at = self.entries.len() as u32 - 1;
        while self.entries[at as usize].key == K::VACANT {
            at -= 1;
        }
        let entry = self.remove_at(at);
        self.entries.truncate(at as usize);
        self.first = self.first.min(at);
        Some(entry)
    }

    /// The first live entry at `from` or after it, with its index.
    #[inline]
    pub fn next_from(&self, from: u32) -> Option<(u32, &Entry<K, V>)> {
        let mut at = from.max(self.first);
        loop {
            let entry = self.entries.get(at as usize)?;
            if entry.key != K::VACANT {
                return Some((at, entry));
            }
            at += 1;
        }
    }

    /// The last live entry before `before`, with its index: for `reversed`.
    /// Start with `end()`.
    pub fn prev_before(&self, before: u32) -> Option<(u32, &Entry<K, V>)> {
        let mut at = before.min(self.end());
        while at > self.first {
            at -= 1;
            let entry = &self.entries[at as usize];
            if entry.key != K::VACANT {
                return Some((at, entry));
            }
        }
        None
    }

    /// One past the index of the youngest entry.
    #[inline]
    pub fn end(&self) -> u32 {
        self.entries.len() as u32
    }

    /// The live entries in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry<K, V>> {
        self.entries[(self.first as usize).min(self.entries.len())..]
            .iter()
            .filter(|e| e.key != K::VACANT)
    }

    /// Lets a collector or a writer visit the values of the live entries.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries
            .iter_mut()
            .filter(|e| e.key != K::VACANT)
            .map(|e| &mut e.value)
    }

    /// Empties the table and gives its memory back.
    pub fn clear(&mut self) {
        let layout = self.layout.wrapping_add(1);
        let version = self.version.wrapping_add(1);
        *self = Self::new();
        self.layout = layout;
        self.version = version;
    }

    /// A copy without holes where CPython 3.13's `dict.copy` makes one too, and
    /// with them where it clones the keys as they stand.
    pub fn copied(&self) -> Self {
        if self.len() >= self.entries.len() * 2 / 3 {
            return self.clone();
        }
        let mut copy = Self::with_capacity(self.len());
        for entry in self.iter() {
            copy.insert_new(entry.hash, entry.key, entry.value);
        }
        copy
    }

    /// The slot that points at an entry.
    fn slot_of(&self, hash: i64, at: u32) -> usize {
        let mask = self.index.len() - 1;
        let mut slot = hash as usize & mask;
        let mut perturb = hash as u64;
        while self.index[slot] != at {
            perturb >>= PERTURB_SHIFT;
            slot = (slot
                .wrapping_mul(5)
                .wrapping_add(perturb as usize)
                .wrapping_add(1))
                & mask;
        }
        slot
    }

    /// Makes an index of `size` slots and closes the holes among the entries.
    #[cold]
    fn rebuild(&mut self, size: usize) {
        if self.len() != self.entries.len() {
            self.entries.retain(|e| e.key != K::VACANT);
        }
        let usable = usable_of(size);
        debug_assert!(usable > self.entries.len());
        self.entries.reserve_exact(usable - self.entries.len());
        let mut index = vec![EMPTY; size].into_boxed_slice();
        let mask = size - 1;
        for (at, entry) in self.entries.iter().enumerate() {
            let slot = free_slot(&index, mask, entry.hash);
            index[slot] = at as u32;
        }
        self.index = index;
        self.usable = (usable - self.entries.len()) as u32;
        self.first = 0;
        self.layout = self.layout.wrapping_add(1);
    }
}

/// The first empty or deleted slot on the way of a hash.
#[inline]
fn free_slot(index: &[u32], mask: usize, hash: i64) -> usize {
    let mut slot = hash as usize & mask;
    let mut perturb = hash as u64;
    while index[slot] < DELETED {
        perturb >>= PERTURB_SHIFT;
        slot = (slot
            .wrapping_mul(5)
            .wrapping_add(perturb as usize)
            .wrapping_add(1))
            & mask;
    }
    slot
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::table::test_key::Key;

    type Table = DictTable<Key, u64>;

    fn put(table: &mut Table, key: u64, value: u64) {
        match table.lookup(key as i64, Key(key)) {
            Lookup::Found(at) => table.set_value_at(at, value),
            Lookup::Absent => drop(table.insert_new(key as i64, Key(key), value)),
            Lookup::Ask(_) => panic!("every key has its own hash here"),
        }
    }

    fn take(table: &mut Table, key: u64) -> Option<u64> {
        let found = table.find(key as i64, Key(key), |_| Ok::<_, Infallible>(false));
        found.unwrap().map(|at| table.remove_at(at).value)
    }

    fn keys(table: &Table) -> Vec<u64> {
        table.iter().map(|e| e.key.0).collect()
    }

    #[test]
    fn keeps_insertion_order_like_a_list_of_pairs() {
        let mut table = Table::new();
        let mut model: Vec<(u64, u64)> = Vec::new();
        let mut random = 1u64;
        for step in 0..20_000u64 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            // Multiples of a power of two share their low bits.
            let key = (random >> 33) % 97 * if step % 2 == 0 { 1 } else { 1 << 20 };
            match random >> 60 {
                0..2 => {
                    let found = table.find(key as i64, Key(key), |_| Ok::<_, Infallible>(false));
                    let at = model.iter().position(|pair| pair.0 == key);
                    assert_eq!(found.unwrap().is_some(), at.is_some());
                    if let (Some(entry), Some(at)) = (found.unwrap(), at) {
                        let pair = model.remove(at);
                        if random & (1 << 40) == 0 {
                            table.move_first(entry);
                            model.insert(0, pair);
                        } else {
                            table.move_last(entry);
                            model.push(pair);
                        }
                    }
                }
                2..9 => {
                    put(&mut table, key, step);
                    match model.iter_mut().find(|pair| pair.0 == key) {
                        Some(pair) => pair.1 = step,
                        None => model.push((key, step)),
                    }
                }
                9..14 => {
                    let at = model.iter().position(|pair| pair.0 == key);
                    assert_eq!(take(&mut table, key), at.map(|at| model.remove(at).1));
                }
                14 => assert_eq!(table.pop_last().map(|e| (e.key.0, e.value)), model.pop()),
                _ if step % 50 == 0 => {
                    table.clear();
                    model.clear();
                }
                _ => table = table.copied(),
            }
            assert_eq!(table.len(), model.len());
            assert!(
                table
                    .iter()
                    .map(|e| (e.key.0, e.value))
                    .eq(model.iter().copied())
            );
            assert_eq!(
                table.next_from(0).map(|(_, e)| e.key.0),
                model.first().map(|p| p.0)
            );
            assert_eq!(
                table.prev_before(table.end()).map(|(_, e)| e.key.0),
                model.last().map(|p| p.0)
            );
        }
    }

    #[test]
    fn deleting_from_the_front_is_not_quadratic() {
        let mut table = Table::with_capacity(200_000);
        for key in 0..200_000 {
            put(&mut table, key, 0);
        }
        for key in 0..200_000 {
            let (at, entry) = table.next_from(0).unwrap();
            assert_eq!(entry.key.0, key);
            table.remove_at(at);
        }
        assert!(table.is_empty() && table.next_from(0).is_none());
    }

    #[test]
    fn equal_hashes_are_met_in_order_and_can_be_refused() {
        let mut table = Table::new();
        table.insert_new(3, Key(1), 10);
        table.insert_new(3, Key(2), 20);
        assert_eq!(table.lookup(3, Key(1)), Lookup::Found(0));
        let Lookup::Ask(mut probe) = table.lookup(3, Key(9)) else {
            panic!("must ask")
        };
        assert_eq!(
            table.probe_next(&mut probe),
            ProbeStep::Candidate(0, Key(1))
        );
        table.insert_new(50, Key(50), 0);
        assert!(
            table.probe_valid(&probe, 0, Key(1)),
            "an insertion that fits moves nothing"
        );
        assert_eq!(
            table.probe_next(&mut probe),
            ProbeStep::Candidate(1, Key(2))
        );
        table.remove_at(1);
        assert!(!table.probe_valid(&probe, 1, Key(2)));
        for key in 60..70 {
            table.insert_new(key as i64, Key(key), 0);
        }
        assert!(
            !table.probe_valid(&probe, 0, Key(1)),
            "growing moves everything"
        );
        assert_eq!(table.get_identical(3, Key(1)), Some(10));
        assert_eq!(table.get_identical(3, Key(2)), None);
        assert_eq!(keys(&table)[..2], [1, 50]);
    }

    #[test]
    fn grows_as_cpython_does() {
        // sys.getsizeof shows the same steps: 5, 10, 21, 42 entries.
        let mut table = Table::new();
        assert_eq!(table.heap_bytes(), 0);
        let mut grown_at = Vec::new();
        for key in 0..50 {
            if table.growth_bytes() > 0 {
                grown_at.push(table.len());
            }
            put(&mut table, key, 0);
        }
        assert_eq!(grown_at, [0, 5, 10, 21, 42]);
    }
}
