//! What the library keeps per VM: one value of each type that asks for it, found by the type.

use std::any::TypeId;
use std::hash::{Hash, Hasher};
use std::mem;

use crate::heap::Marker;
use crate::object::opaque::Native;
use crate::typed::Typed;

/// An open-addressed table that is never more than half full. A type's first place is a constant
/// where the look-up was compiled, so that it takes a few instructions.
#[derive(Default)]
pub(super) struct States {
    /// A power of two, or none yet.
    entries: Vec<Option<Typed>>,
    n: usize,
}

const N_AT_FIRST: usize = 64;

impl States {
    /// The state of type `T`, made at the first call.
    #[inline(always)]
    pub fn get<T: Native + Default>(&mut self) -> &mut T {
        let id = TypeId::of::<T>();
        let mut at = first_place(id) & self.entries.len().wrapping_sub(1);
        if !matches!(self.entries.get(at), Some(Some(entry)) if entry.id() == id) {
            at = self
                .find(id)
                .unwrap_or_else(|| self.add(Typed::new(T::default())));
        }
        match self.entries[at].as_mut().and_then(Typed::get_mut) {
            Some(state) => state,
            None => unreachable!("it was found or added"),
        }
    }

    /// Where a type's state is that another has the first place of.
    #[inline(never)]
    fn find(&self, id: TypeId) -> Option<usize> {
        let mask = self.entries.len().wrapping_sub(1);
        let mut at = first_place(id) & mask;
        loop {
            match self.entries.get(at)? {
                Some(entry) if entry.id() == id => return Some(at),
                Some(_) => at = (at + 1) & mask,
                None => return None,
            }
        }
    }

    #[cold]
    fn add(&mut self, state: Typed) -> usize {
        self.n += 1;
        if 2 * self.n > self.entries.len() {
            let length = (2 * self.entries.len()).max(N_AT_FIRST);
            let fresh = (0..length).map(|_| None).collect();
            for entry in mem::replace(&mut self.entries, fresh).into_iter().flatten() {
                self.put(entry);
            }
        }
        self.put(state)
    }

    /// Puts an entry that isn't there into its place.
    fn put(&mut self, entry: Typed) -> usize {
        let mask = self.entries.len() - 1;
        let mut at = first_place(entry.id()) & mask;
        while self.entries[at].is_some() {
            at = (at + 1) & mask;
        }
        self.entries[at] = Some(entry);
        at
    }

    pub fn trace(&self, marker: &mut Marker) {
        for entry in self.entries.iter().flatten() {
            entry.trace(marker);
        }
    }
}

/// A type's id is a hash already: its first eight bytes are.
#[inline(always)]
fn first_place(id: TypeId) -> usize {
    struct Taken(u64);
    impl Hasher for Taken {
        #[inline(always)]
        fn write(&mut self, bytes: &[u8]) {
            for &byte in bytes {
                self.0 = self.0.rotate_left(8) ^ u64::from(byte);
            }
        }
        #[inline(always)]
        fn write_u64(&mut self, n: u64) {
            self.0 = n;
        }
        #[inline(always)]
        fn finish(&self) -> u64 {
            self.0
        }
    }
    let mut taken = Taken(0);
    id.hash(&mut taken);
    taken.finish() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! types {
        ($($name:ident)*) => {
            $(
                #[derive(Default)]
                struct $name(usize);
                impl Native for $name {
                    fn trace(&self, _marker: &mut Marker) {}
                }
            )*
            fn count_all(states: &mut States) -> Vec<usize> {
                vec![$({
                    let state = states.get::<$name>();
                    state.0 += 1;
                    state.0
                }),*]
            }
        };
    }

    types!(A B C D E F G H I J K L M N O P Q R S T U V W X Y Z
        Aa Ba Ca Da Ea Fa Ga Ha Ia Ja Ka La Ma Na Oa Pa Qa Ra Sa Ta Ua Va Wa Xa Ya Za);

    #[test]
    fn each_type_has_its_own() {
        let mut states = States::default();
        for turn in 1..4 {
            assert!(count_all(&mut states).iter().all(|&n| n == turn));
        }
        assert_eq!(states.n, 52, "the table has grown once");
        assert_eq!(states.entries.len(), 128);
    }
}
