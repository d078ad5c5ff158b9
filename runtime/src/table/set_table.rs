//! The table of a set or frozenset: CPython 3.13's setobject.c slot for slot,
//! because the slots are the order in which a script sees the items. Takes
//! hashes and keys, gives slots. It never runs script code: lookups are
//! resumable, see [`ProbeStep`](super::ProbeStep).
//!
//! Operations between two sets come in two forms: steps for a caller whose
//! equality may run script code (`reserve_for`, `next_from`, `lookup`,
//! `insert_new`, `finish_difference`), and whole operations for an equality
//! that doesn't (`merge`, `intersection`, …), which also document the order of
//! the steps.

use super::{Lookup, ProbeStep, TableKey};
use crate::text::hash;

const MIN_SIZE: usize = 8;
const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;

/// The hash that marks a deleted slot; no key has it.
const DELETED: i64 = -1;

#[derive(Clone, Copy, Debug)]
struct Slot<K> {
    hash: i64,
    /// `K::VACANT` when the slot is free (hash 0) or deleted (hash -1).
    key: K,
}

impl<K: TableKey> Slot<K> {
    const FREE: Self = Slot {
        hash: 0,
        key: K::VACANT,
    };

    #[inline]
    fn is_free(&self) -> bool {
        self.key == K::VACANT && self.hash == 0
    }
}

/// Marks a place in the order whose key has gone.
const GONE: u32 = u32::MAX;

/// The order of insertion, kept beside the slots.
#[derive(Clone, Debug, Default)]
struct Order {
    /// The slots in the order in which their keys came; `GONE` where one left.
    list: Vec<u32>,
    /// Where in `list` each slot stands.
    place_of: Vec<u32>,
}

impl Order {
    fn push(&mut self, slot: usize) {
        self.place_of[slot] = self.list.len() as u32;
        self.list.push(slot as u32);
    }

    /// Forgets the gaps once they are the larger part; says whether it did. Only where a key is
    /// added: whoever iterates is told of the change anyway.
    fn close_gaps(&mut self, used: usize) -> bool {
        if self.list.len() <= 2 * used + MIN_SIZE {
            return false;
        }
        self.list.retain(|&slot| slot != GONE);
        for (place, &slot) in self.list.iter().enumerate() {
            self.place_of[slot as usize] = place as u32;
        }
        true
    }
}

/// A set of keys in CPython's order; in the order of insertion once a key came
/// that is hashed by its identity: there CPython's is the order of addresses,
/// another one in each run.
#[derive(Clone, Debug)]
pub struct SetTable<K> {
    /// Empty stands for eight free slots: an empty set owns no memory.
    slots: Box<[Slot<K>]>,
    order: Option<Box<Order>>,
    /// Slots that are not free: live and deleted.
    fill: usize,
    used: usize,
    /// Where `pop` begins to look: a slot, or a place in the order.
    finger: usize,
    /// Counts changes of layout: slots from before one mean nothing.
    layout: u32,
    /// Counts changes of any kind.
    version: u32,
}

/// Where a search stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe<K> {
    hash: i64,
    key: K,
    /// The group's first slot, and the place inside the group.
    base: usize,
    offset: usize,
    perturb: u64,
    layout: u32,
}

impl<K: TableKey> Default for SetTable<K> {
    fn default() -> Self {
        Self::new()
    }
}

/// How many slots after the first one a group has.
#[inline]
fn group(base: usize, mask: usize) -> usize {
    if base + LINEAR_PROBES <= mask {
        LINEAR_PROBES
    } else {
        0
    }
}

#[inline]
fn next_base(base: usize, perturb: u64, mask: usize) -> usize {
    base.wrapping_mul(5)
        .wrapping_add(1)
        .wrapping_add(perturb as usize)
        & mask
}

impl<K: TableKey> SetTable<K> {
    /// An empty set.
    pub fn new() -> Self {
        SetTable {
            slots: Box::default(),
            order: None,
            fill: 0,
            used: 0,
            finger: 0,
            layout: 0,
            version: 0,
        }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.used
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
        let order = self.order.as_ref().map_or(0, |order| {
            (order.list.capacity() + order.place_of.capacity()) * size_of::<u32>()
        });
        self.slots.len() * size_of::<Slot<K>>() + order
    }

    /// The bytes that one more insertion may allocate; 0 when there is room.
    pub fn growth_bytes(&self) -> usize {
        if (self.fill + 1) * 5 < self.mask() * 3 && !self.slots.is_empty() {
            return 0;
        }
        size_above(grown(self.used + 1)) * size_of::<Slot<K>>()
    }

    /// Whether adding a key of this hash may give others another place.
    pub fn moves_others(&self, hash: i64) -> bool {
        self.growth_bytes() > 0 || (self.order.is_none() && hash::is_identity(hash))
    }

    #[inline]
    fn mask(&self) -> usize {
        self.slots.len().max(MIN_SIZE) - 1
    }

    /// Looks a key up as far as no script code is needed.
    #[inline]
    pub fn lookup(&self, hash: i64, key: K) -> Lookup<Probe<K>> {
        let mut probe = self.probe_start(hash, key);
        let before = probe;
        match self.probe_next(&mut probe) {
            ProbeStep::Same(at) => Lookup::Found(at),
            ProbeStep::Vacant(_) => Lookup::Absent,
            // The caller resumes in front of the candidate and meets it first;
            // skipping the slots in between again is cheap.
            ProbeStep::Candidate(..) => Lookup::Ask(before),
        }
    }

    /// Begins a search for a key of this hash.
    #[inline]
    pub fn probe_start(&self, hash: i64, key: K) -> Probe<K> {
        Probe {
            hash,
            key,
            base: hash as usize & self.mask(),
            offset: 0,
            perturb: hash as u64,
            layout: self.layout,
        }
    }

    /// Goes on with a search. The table must not have changed its layout since
    /// the probe started (`probe_valid`).
    #[inline]
    pub fn probe_next(&self, probe: &mut Probe<K>) -> ProbeStep<K> {
        if self.slots.is_empty() {
            return ProbeStep::Vacant(0);
        }
        debug_assert_eq!(probe.layout, self.layout, "a stale probe was resumed");
        let mask = self.mask();
        loop {
            let last = group(probe.base, mask);
            while probe.offset <= last {
                let at = probe.base + probe.offset;
                let slot = &self.slots[at];
                if slot.is_free() {
                    return ProbeStep::Vacant(at as u32);
                }
                probe.offset += 1;
                if slot.hash == probe.hash {
                    if slot.key == probe.key {
                        return ProbeStep::Same(at as u32);
                    }
                    return ProbeStep::Candidate(at as u32, slot.key);
                }
            }
            probe.perturb >>= PERTURB_SHIFT;
            probe.base = next_base(probe.base, probe.perturb, mask);
            probe.offset = 0;
        }
    }

    /// Whether the candidate still stands where the probe found it.
    #[inline]
    pub fn probe_valid(&self, probe: &Probe<K>, at: u32, candidate: K) -> bool {
        probe.layout == self.layout
            && self
                .slots
                .get(at as usize)
                .is_some_and(|s| s.key == candidate)
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
        let mut probe = self.probe_start(hash, key);
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

    /// The live key in a slot with its hash.
    #[inline]
    pub fn key_at(&self, at: u32) -> Option<(i64, K)> {
        self.slots
            .get(at as usize)
            .filter(|s| s.key != K::VACANT)
            .map(|s| (s.hash, s.key))
    }

    /// Adds a key that a lookup has shown to be absent.
    pub fn insert_new(&mut self, hash: i64, key: K) {
        debug_assert!(key != K::VACANT && hash != DELETED);
        if self.slots.is_empty() {
            self.slots = vec![Slot::FREE; MIN_SIZE].into();
            self.order = None;
            self.layout = self.layout.wrapping_add(1);
        }
        if self.order.is_none() && hash::is_identity(hash) {
            self.keep_order();
        }
        // CPython 3.13 takes the last deleted slot on the way to the free one.
        let mask = self.mask();
        let mut base = hash as usize & mask;
        let mut perturb = hash as u64;
        let mut deleted = None;
        let free = 'found: loop {
            for at in base..=base + group(base, mask) {
                let slot = &self.slots[at];
                if slot.key == K::VACANT {
                    if slot.hash != DELETED {
                        break 'found at;
                    }
                    deleted = Some(at);
                }
            }
            perturb >>= PERTURB_SHIFT;
            base = next_base(base, perturb, mask);
        };
        self.used += 1;
        self.version = self.version.wrapping_add(1);
        let at = deleted.unwrap_or(free);
        self.slots[at] = Slot { hash, key };
        if let Some(order) = &mut self.order {
            if order.close_gaps(self.used) {
                self.finger = 0;
            }
            order.push(at);
        }
        if deleted.is_none() {
            self.fill += 1;
            if self.fill * 5 >= mask * 3 {
                self.resize(grown(self.used));
            }
        }
    }

    /// As `add`, in one search: the usual case, in which no other key has this hash, the table
    /// has room and nobody asks for an order. None where one of these is not so; nothing was done.
    #[inline(always)]
    pub fn add_alone(&mut self, hash: i64, key: K) -> Option<bool> {
        if self.slots.is_empty() || self.order.is_some() || hash::is_identity(hash) {
            return None;
        }
        let mask = self.mask();
        if (self.fill + 1) * 5 >= mask * 3 {
            return None;
        }
        let mut base = hash as usize & mask;
        let mut perturb = hash as u64;
        let mut deleted = None;
        loop {
            for at in base..=base + group(base, mask) {
                let slot = &mut self.slots[at];
                if slot.key == K::VACANT {
                    if slot.hash == DELETED {
                        deleted = Some(at);
                        continue;
                    }
                    match deleted {
                        // As in `insert_new`: the last deleted one on the way.
                        Some(at) => self.slots[at] = Slot { hash, key },
                        None => {
                            *slot = Slot { hash, key };
                            self.fill += 1;
                        }
                    }
                    self.used += 1;
                    self.version = self.version.wrapping_add(1);
                    return Some(true);
                }
                if slot.hash == hash {
                    return (slot.key == key).then_some(false);
                }
            }
            perturb >>= PERTURB_SHIFT;
            base = next_base(base, perturb, mask);
        }
    }

    /// Adds a key unless an equal one is there; says whether it was added.
    ///
    /// # Errors
    /// Whatever `eq` reports.
    pub fn add<E>(
        &mut self,
        hash: i64,
        key: K,
        eq: impl FnMut(K) -> Result<bool, E>,
    ) -> Result<bool, E> {
        let absent = self.find(hash, key, eq)?.is_none();
        if absent {
            self.insert_new(hash, key);
        }
        Ok(absent)
    }

    /// Takes the key of a live slot out.
    ///
    /// # Panics
    /// If `at` is not a slot that a lookup gave.
    pub fn remove_at(&mut self, at: u32) -> K {
        let slot = &mut self.slots[at as usize];
        let key = slot.key;
        assert!(key != K::VACANT, "the key is already gone");
        *slot = Slot {
            hash: DELETED,
            key: K::VACANT,
        };
        if let Some(order) = &mut self.order {
            let place = order.place_of[at as usize];
            order.list[place as usize] = GONE;
        }
        self.used -= 1;
        self.version = self.version.wrapping_add(1);
        key
    }

    /// From now on the order of insertion counts. What is there already comes
    /// first, as it stood.
    #[cold]
    fn keep_order(&mut self) {
        let mut order = Order {
            list: Vec::new(),
            place_of: vec![GONE; self.slots.len()],
        };
        for (at, slot) in self.slots.iter().enumerate() {
            if slot.key != K::VACANT {
                order.push(at);
            }
        }
        self.order = Some(Box::new(order));
        self.finger = 0;
    }

    /// `set.pop`: the next key after the one that was popped last.
    pub fn pop(&mut self) -> Option<K> {
        if self.used == 0 {
            return None;
        }
        if self.order.is_some() {
            let next = self.next_in_order(self.finger as u32);
            let (place, at) = next.or_else(|| self.next_in_order(0))?;
            self.finger = place as usize + 1;
            return Some(self.remove_at(at));
        }
        let mask = self.mask();
        let mut at = self.finger & mask;
        while self.slots[at].key == K::VACANT {
            at = (at + 1) & mask;
        }
        self.finger = at + 1;
        Some(self.remove_at(at as u32))
    }

    /// Empties the set.
    pub fn clear(&mut self) {
        self.slots = Box::default();
        self.order = None;
        self.fill = 0;
        self.used = 0;
        self.layout = self.layout.wrapping_add(1);
        self.version = self.version.wrapping_add(1);
    }

    /// Takes over the contents of another table, as the in-place intersection
    /// does with its result.
    pub fn replace_with(&mut self, other: SetTable<K>) {
        self.slots = other.slots;
        self.order = other.order;
        self.fill = other.fill;
        self.used = other.used;
        self.layout = self.layout.wrapping_add(1);
        self.version = self.version.wrapping_add(1);
    }

    /// The first live key at place `from` or after it, in the order kept
    /// beside the slots: its place and slot.
    fn next_in_order(&self, from: u32) -> Option<(u32, u32)> {
        let order = self.order.as_ref()?;
        let rest = order.list.get(from as usize..)?;
        let skipped = rest.iter().position(|&slot| slot != GONE)?;
        Some((from + skipped as u32, rest[skipped]))
    }

    /// The first live key at place `from` or after it: its place, hash and
    /// key. Places are slots, or places in the order of insertion.
    #[inline]
    pub fn next_from(&self, from: u32) -> Option<(u32, i64, K)> {
        if self.order.is_some() {
            let (place, at) = self.next_in_order(from)?;
            let slot = self.slots[at as usize];
            return Some((place, slot.hash, slot.key));
        }
        let rest = self.slots.get(from as usize..)?;
        let skipped = rest.iter().position(|slot| slot.key != K::VACANT)?;
        let slot = rest[skipped];
        Some((from + skipped as u32, slot.hash, slot.key))
    }

    /// The keys in order, with their hashes.
    pub fn iter(&self) -> impl Iterator<Item = (i64, K)> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let (place, hash, key) = self.next_from(from)?;
            from = place + 1;
            Some((hash, key))
        })
    }

    /// `hash()` of the set as a frozenset.
    pub fn frozen_hash(&self) -> i64 {
        hash::frozenset(self.iter().map(|(hash, _)| hash))
    }

    /// Makes room before the keys of a set, or of a dict, of `n` keys are
    /// added: the first step of `update` with one.
    pub fn reserve_for(&mut self, n: usize) {
        if (self.fill + n) * 5 >= self.mask() * 3 {
            self.resize((self.used + n) * 2);
        }
    }

    /// What `set(other)`, `other.copy()` and the first step of a union give:
    /// often another order than the original's.
    pub fn copied(&self) -> Self {
        let mut copy = Self::new();
        copy.absorb(self);
        copy
    }

    /// Copies another set into this one, whose slots are all free: then no two
    /// keys need a comparison. True if this was done; else the caller adds key
    /// by key. The first step of `update` with a set, in place of
    /// `reserve_for`.
    pub fn absorb(&mut self, other: &SetTable<K>) -> bool {
        if other.used == 0 {
            return true;
        }
        self.reserve_for(other.used);
        if self.fill != 0 {
            return false;
        }
        if self.mask() == other.mask() && other.fill == other.used {
            self.slots = other.slots.clone();
            self.order = other.order.clone();
        } else {
            if self.slots.is_empty() {
                self.slots = vec![Slot::FREE; MIN_SIZE].into();
            }
            let slots = std::mem::take(&mut self.slots);
            (self.slots, self.order) = other.laid_out(slots);
        }
        self.fill = other.used;
        self.used = other.used;
        self.layout = self.layout.wrapping_add(1);
        self.version = self.version.wrapping_add(1);
        true
    }

    /// The last step of every `difference_update`: gets rid of the deleted
    /// slots when they are more than a quarter.
    pub fn finish_difference(&mut self) {
        if self.fill - self.used > self.mask() / 4 {
            self.resize(grown(self.used));
        }
    }

    /// Whether `self - other` of CPython copies this set and discards the keys
    /// of the other from the copy (then `finish_difference`), rather than
    /// adding the keys that the other lacks to a new set.
    pub fn difference_copies(&self, other_len: usize) -> bool {
        self.used >> 2 > other_len
    }

    /// Whether `self -= other` of CPython discards only the intersection of
    /// both, made first.
    pub fn difference_intersects(&self, other_len: usize) -> bool {
        other_len >> 3 > self.used
    }

    fn resize(&mut self, min_used: usize) {
        let size = size_above(min_used);
        if size == MIN_SIZE && self.slots.len() <= MIN_SIZE && self.fill == self.used {
            return;
        }
        let slots = vec![Slot::FREE; size].into_boxed_slice();
        (self.slots, self.order) = self.laid_out(slots);
        if self.order.is_some() {
            self.finger = 0;
        }
        self.fill = self.used;
        self.layout = self.layout.wrapping_add(1);
    }

    /// The keys put into slots that are all free, and their order if it is kept.
    fn laid_out(&self, mut slots: Box<[Slot<K>]>) -> (Box<[Slot<K>]>, Option<Box<Order>>) {
        let Some(order) = &self.order else {
            for slot in self.slots.iter().filter(|slot| slot.key != K::VACANT) {
                insert_clean(&mut slots, *slot);
            }
            return (slots, None);
        };
        let mut kept = Order {
            list: Vec::with_capacity(self.used),
            place_of: vec![GONE; slots.len()],
        };
        for &at in order.list.iter().filter(|&&at| at != GONE) {
            kept.push(insert_clean(&mut slots, self.slots[at as usize]));
        }
        (slots, Some(Box::new(kept)))
    }
}

/// What a table of `used` keys asks for when it grows.
fn grown(used: usize) -> usize {
    if used > 50_000 { used * 2 } else { used * 4 }
}

/// The smallest table size above a number.
fn size_above(min_used: usize) -> usize {
    (min_used + 1).next_power_of_two().max(MIN_SIZE)
}

/// Puts a key into a table without deleted slots that lacks it; gives its slot.
fn insert_clean<K: TableKey>(slots: &mut [Slot<K>], new: Slot<K>) -> usize {
    let mask = slots.len() - 1;
    let mut base = new.hash as usize & mask;
    let mut perturb = new.hash as u64;
    loop {
        let candidates = &mut slots[base..=base + group(base, mask)];
        if let Some(skipped) = candidates.iter().position(|slot| slot.key == K::VACANT) {
            candidates[skipped] = new;
            return base + skipped;
        }
        perturb >>= PERTURB_SHIFT;
        base = next_base(base, perturb, mask);
    }
}

/// An equality that runs no script code: (key of the table, other key).
pub trait PureEq<K, E>: FnMut(K, K) -> Result<bool, E> {}
impl<K, E, F: FnMut(K, K) -> Result<bool, E>> PureEq<K, E> for F {}

/// Whole operations, for keys whose equality runs no script code. All report
/// whatever `eq` reports.
impl<K: TableKey> SetTable<K> {
    /// Whether an equal key is in the set.
    ///
    /// # Errors
    /// Whatever `eq` reports; so do all the methods below.
    pub fn contains<E>(&self, hash: i64, key: K, eq: &mut impl PureEq<K, E>) -> Result<bool, E> {
        Ok(self.find(hash, key, |mine| eq(mine, key))?.is_some())
    }

    /// Discards an equal key; says whether there was one.
    pub fn discard<E>(&mut self, hash: i64, key: K, eq: &mut impl PureEq<K, E>) -> Result<bool, E> {
        let found = self.find(hash, key, |mine| eq(mine, key))?;
        if let Some(at) = found {
            self.remove_at(at);
        }
        Ok(found.is_some())
    }

    /// `self.update(other)` with another set.
    pub fn merge<E>(&mut self, other: &Self, eq: &mut impl PureEq<K, E>) -> Result<(), E> {
        if self.absorb(other) {
            return Ok(());
        }
        for (hash, key) in other.iter() {
            self.add(hash, key, |mine| eq(mine, key))?;
        }
        Ok(())
    }

    /// `self & other`: the keys of the smaller set, of `other` where both are
    /// of a size, in its order.
    pub fn intersection<E>(&self, other: &Self, eq: &mut impl PureEq<K, E>) -> Result<Self, E> {
        let (big, small) = if other.used > self.used {
            (other, self)
        } else {
            (self, other)
        };
        let mut result = Self::new();
        for (hash, key) in small.iter() {
            if big.contains(hash, key, eq)? {
                result.add(hash, key, |mine| eq(mine, key))?;
            }
        }
        Ok(result)
    }

    /// `self -= other`.
    pub fn difference_update<E>(
        &mut self,
        other: &Self,
        eq: &mut impl PureEq<K, E>,
    ) -> Result<(), E> {
        let common;
        let mut other = other;
        if self.difference_intersects(other.used) {
            common = self.intersection(other, eq)?;
            other = &common;
        }
        for (hash, key) in other.iter() {
            self.discard(hash, key, eq)?;
        }
        self.finish_difference();
        Ok(())
    }

    /// `self - other`.
    pub fn difference<E>(&self, other: &Self, eq: &mut impl PureEq<K, E>) -> Result<Self, E> {
        if self.difference_copies(other.used) {
            let mut copy = self.copied();
            copy.difference_update(other, eq)?;
            return Ok(copy);
        }
        let mut result = Self::new();
        for (hash, key) in self.iter() {
            if !other.contains(hash, key, eq)? {
                result.add(hash, key, |mine| eq(mine, key))?;
            }
        }
        Ok(result)
    }

    /// `self ^= other`.
    pub fn symmetric_difference_update<E>(
        &mut self,
        other: &Self,
        eq: &mut impl PureEq<K, E>,
    ) -> Result<(), E> {
        for (hash, key) in other.iter() {
            if !self.discard(hash, key, eq)? {
                self.insert_new(hash, key);
            }
        }
        Ok(())
    }

    /// `self ^ other`: a copy of the other with the keys of this one toggled.
    pub fn symmetric_difference<E>(
        &self,
        other: &Self,
        eq: &mut impl PureEq<K, E>,
    ) -> Result<Self, E> {
        let mut result = other.copied();
        result.symmetric_difference_update(self, eq)?;
        Ok(result)
    }

    /// Whether every key of this set is in the other.
    pub fn is_subset<E>(&self, other: &Self, eq: &mut impl PureEq<K, E>) -> Result<bool, E> {
        if self.used > other.used {
            return Ok(false);
        }
        for (hash, key) in self.iter() {
            if !other.contains(hash, key, eq)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the sets have no key in common.
    pub fn is_disjoint<E>(&self, other: &Self, eq: &mut impl PureEq<K, E>) -> Result<bool, E> {
        let (big, small) = if other.used > self.used {
            (other, self)
        } else {
            (self, other)
        };
        for (hash, key) in small.iter() {
            if big.contains(hash, key, eq)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
