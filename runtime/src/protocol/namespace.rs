//! Dicts keyed by names: the variables of modules, the attributes of classes
//! and instances. No script code runs here: a key that is not a str is never
//! equal to a name.

use crate::heap::Heap;
use crate::object::dict::Dict;
use crate::table::{Lookup, ProbeStep};
use crate::value::Value;

impl Heap {
    /// Where `name`, an interned str, stands in dict `dict`.
    #[inline]
    pub fn ns_find(&self, dict: Value, name: Value) -> Option<u32> {
        let table = &self.cell::<Dict>(dict).table;
        match table.lookup(self.str_hash(name), name) {
            Lookup::Found(at) => Some(at),
            Lookup::Absent => None,
            Lookup::Ask(mut probe) => loop {
                match table.probe_next(&mut probe) {
                    ProbeStep::Vacant(_) => return None,
                    ProbeStep::Same(at) => return Some(at),
                    ProbeStep::Candidate(at, key) => {
                        if self.as_str(key).is_some_and(|k| k == self.text(name)) {
                            return Some(at);
                        }
                    }
                }
            },
        }
    }

    /// The value of `name`, an interned str.
    #[inline]
    pub fn ns_get(&self, dict: Value, name: Value) -> Option<Value> {
        self.ns_find(dict, name)
            .map(|at| self.cell::<Dict>(dict).table.value_at(at))
    }

    /// Sets `name`, an interned str; gives its entry's index.
    pub fn ns_set(&mut self, dict: Value, name: Value, value: Value) -> u32 {
        if let Some(at) = self.ns_find(dict, name) {
            self.cell_mut_storing::<Dict>(dict, &[value])
                .table
                .set_value_at(at, value);
            return at;
        }
        let hash = self.str_hash(name);
        self.dict_push(dict, hash, name, value)
    }

    /// Removes `name`, an interned str; gives what it was.
    pub fn ns_remove(&mut self, dict: Value, name: Value) -> Option<Value> {
        let at = self.ns_find(dict, name)?;
        Some(self.dict_take(dict, at))
    }

    /// The entries of a dict, in order.
    pub fn dict_entries(&self, dict: Value) -> Vec<(Value, Value)> {
        self.cell::<Dict>(dict)
            .table
            .iter()
            .map(|e| (e.key, e.value))
            .collect()
    }
}
