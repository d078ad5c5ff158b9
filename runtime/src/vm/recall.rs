//! What inline caches have learnt, kept for the places that see objects of
//! several shapes: by shape and name, for all instructions together. An inline
//! cache that misses asks here before it learns anew.

use crate::heap::ShapeId;
use crate::value::Value;

/// What an instruction does with the attribute; each learns its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    Load,
    Method,
    Store,
}

/// What a cache line holds besides its name.
#[derive(Clone, Copy)]
pub(crate) struct Learnt {
    pub state: u8,
    pub word2: u64,
    pub word3: u64,
}

/// The name's bits, the shape and the access.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key(u64, u64);

impl Key {
    #[inline(always)]
    fn new(shape: ShapeId, name: Value, access: Access) -> Key {
        Key(name.bits(), u64::from(shape.0) << 2 | access as u64)
    }

    /// Its set.
    #[inline(always)]
    fn place(self) -> usize {
        /// 2^64 divided by the golden ratio: neighbours are scattered.
        const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;
        let mixed = (self.0 >> 4) ^ (self.1 << 32);
        (mixed.wrapping_mul(SCATTER) >> (64 - SET_BITS)) as usize
    }
}

#[derive(Clone, Copy)]
struct Entry {
    key: Key,
    learnt: Learnt,
}

/// No name is `Value::EMPTY`.
const NOTHING: Entry = Entry {
    key: Key(Value::EMPTY.bits(), 0),
    learnt: Learnt {
        state: 0,
        word2: 0,
        word3: 0,
    },
};

/// Each shape and name belongs in one set, which holds the last two that were put there: with one
/// place for each, a program whose two names met there would learn them at every turn.
type Set = [Entry; 2];
const SET_BITS: u32 = 9;
const N_SETS: usize = 1 << SET_BITS;

/// The table. Names are compared by identity, so each collection empties it.
pub(crate) struct Recall {
    sets: Box<[Set; N_SETS]>,
}

impl Default for Recall {
    fn default() -> Recall {
        Recall {
            sets: Box::new([[NOTHING; 2]; N_SETS]),
        }
    }
}

impl Recall {
    #[inline(always)]
    pub fn get(&self, shape: ShapeId, name: Value, access: Access) -> Option<&Learnt> {
        let key = Key::new(shape, name, access);
        let [first, second] = &self.sets[key.place()];
        if first.key == key {
            Some(&first.learnt)
        } else if second.key == key {
            Some(&second.learnt)
        } else {
            None
        }
    }

    pub fn put(&mut self, shape: ShapeId, name: Value, access: Access, learnt: Learnt) {
        let key = Key::new(shape, name, access);
        let entry = Entry { key, learnt };
        let set = &mut self.sets[key.place()];
        match set.iter().position(|e| e.key == key) {
            Some(at) => set[at] = entry,
            None => *set = [entry, set[0]],
        }
    }

    pub fn forget(&mut self) {
        self.sets.fill([NOTHING; 2]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_that_meet_are_both_kept() {
        let mut recall = Recall::default();
        let learnt = |n: u64| Learnt {
            state: 1,
            word2: n,
            word3: 0,
        };
        let shape = ShapeId(7);
        let place = |n: i64| Key::new(shape, Value::small(n), Access::Load).place();
        let mut same = (0..100_000).filter(|&n| place(n) == place(0));
        let [a, b, c] = [(); 3].map(|()| same.next().expect("many share a set"));
        let get = |recall: &Recall, n: i64| {
            let found = recall.get(shape, Value::small(n), Access::Load);
            found.map(|learnt| learnt.word2)
        };
        for n in [a, b, a] {
            recall.put(shape, Value::small(n), Access::Load, learnt(n as u64));
        }
        assert_eq!(
            [a, b].map(|n| get(&recall, n)),
            [Some(a as u64), Some(b as u64)]
        );
        recall.put(shape, Value::small(c), Access::Load, learnt(c as u64));
        assert_eq!(get(&recall, c), Some(c as u64));
        assert!(recall.get(shape, Value::small(c), Access::Store).is_none());
        recall.forget();
        assert_eq!([a, b, c].map(|n| get(&recall, n)), [None; 3]);
    }
}
