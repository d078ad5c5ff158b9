//! The hash tables behind dict and set. They take hashes and keys that are
//! compared by identity, and give slots; where equal hashes need an `__eq__`
//! they hand the candidate to the caller and are resumed. They never run
//! script code and never look inside a key.

pub mod dict_table;
pub mod set_table;

/// A key of a table: a small copyable handle whose `==` is identity, not the
/// script's equality.
pub trait TableKey: Copy + Eq {
    /// A bit pattern that no real key has; it marks empty and deleted places.
    const VACANT: Self;
}

/// What one resumption of a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeStep<K> {
    /// The key isn't in the table. A set inserts at this slot; a dict ignores it.
    Vacant(u32),
    /// The identical key stands at this place.
    Same(u32),
    /// A key with an equal hash stands at this place: the caller compares, and
    /// either accepts the place or calls `probe_next` again. After an equality
    /// that could run script code it asks `probe_valid` first, and starts over
    /// if the answer is no.
    Candidate(u32, K),
}

/// The answer of a lookup that needs no script code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<P> {
    /// The identical key stands at this place.
    Found(u32),
    /// No key of the table has this hash.
    Absent,
    /// Keys with an equal hash have to be compared: go on with `probe_next`.
    Ask(P),
}

/// Hashes and identities that the tables' own tests use as keys.
#[cfg(test)]
pub(crate) mod test_key {
    /// A key with an identity; equality by `value` is the test's business.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Key(pub u64);
    impl super::TableKey for Key {
        const VACANT: Self = Key(u64::MAX);
    }
}
