//! `hash(v)`: CPython's numbers for builtin values, a stable identity for
//! others, `__hash__` where a class has its own.

use num_bigint::BigInt;

use super::arith::Num;
use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::bytes::Bytes;
use crate::object::class::{B, Class};
use crate::object::function::{Method, Native};
use crate::object::range::{Range, Slice};
use crate::object::set::Set;
use crate::object::weak::WeakRef;
use crate::text::hash;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// Where the made-up addresses of objects begin.
const ADDRESS_BASE: u64 = hash::IDENTITY_BASE as u64;

impl Vm {
    /// `hash(v)`.
    ///
    /// # Errors
    /// TypeError if `v` is not hashable; whatever `__hash__` raises.
    #[inline]
    pub fn hash(&mut self, v: Value) -> PyResult<i64> {
        if let Some(n) = v.as_int() {
            return Ok(hash::small_int(n));
        }
        if self.heap.is_exact(v, B::Str) {
            return Ok(self.heap.text(v).hash());
        }
        self.hash_slow(v)
    }

    fn hash_slow(&mut self, v: Value) -> PyResult<i64> {
        if self.exact_builtin(v).is_some() {
            return self.builtin_hash(v);
        }
        let class = self.heap.class_of(v);
        if self.heap.kind(v) == Some(Kind::Instance)
            && !self.heap.cell::<Class>(class).hooks.custom_hash
        {
            return Ok(self.identity_hash(v));
        }
        if class == self.tasks.classes.task || class == self.tasks.classes.future {
            return Ok(self.identity_hash(v));
        }
        let Some(method) = self.lookup_class(class, self.n(N::hash)) else {
            return self.builtin_hash(v);
        };
        if method.is_none() {
            return Err(self.unhashable(v));
        }
        match self.builtin_owner(method) {
            Some(B::Object) => Ok(self.identity_hash(v)),
            Some(_) => self.builtin_hash(v),
            None => {
                let result = self.call_unbound(method, v, &[])?;
                match self.heap.num(result) {
                    Some(Num::Int(-1)) => Ok(-2),
                    Some(Num::Int(n)) => Ok(n),
                    // CPython 3.13 typeobject.c slot_tp_hash: a result too large
                    // for a machine word is hashed as the int it is.
                    Some(Num::Big(n)) => Ok(i64::try_from(n).unwrap_or_else(|_| hash::int(n))),
                    _ => Err(self.type_error("__hash__ method should return an integer")),
                }
            }
        }
    }

    /// The hash by the layout of `v`.
    ///
    /// # Errors
    /// TypeError if `v` or an item of it is not hashable.
    pub fn builtin_hash(&mut self, v: Value) -> PyResult<i64> {
        if !v.is_ptr() {
            return Ok(self.special_hash(v));
        }
        match self.heap.kind(v) {
            Some(Kind::Str) => Ok(self.heap.text(v).hash()),
            Some(Kind::BigInt) => Ok(self.heap.big_ref(v).map_or(0, |n| hash::int(&n))),
            Some(Kind::Float) => match self.heap.as_float(v).and_then(hash::float) {
                Some(hash) => Ok(hash),
                None => Ok(self.identity_hash(v)),
            },
            Some(Kind::Bytes) if self.bytes_class(v) == B::Bytes => {
                Ok(hash::bytes(&self.heap.cell::<Bytes>(v).data))
            }
            Some(Kind::Tuple) => {
                let mut hasher = hash::TupleHasher::default();
                for at in 0..self.heap.tuple_items(v).len() {
                    let item = self.heap.tuple_items(v)[at];
                    let hash = match self.heap.is_exact(item, B::Str) || item.is_int() {
                        true => self.hash(item)?,
                        false => self.deeper(|vm| vm.hash(item))?,
                    };
                    hasher.item(hash);
                }
                Ok(hasher.finish())
            }
            Some(Kind::Set) if self.is_instance_of(v, B::FrozenSet) => {
                let set = self.heap.cell_mut::<Set>(v);
                if let Some(hash) = set.hash {
                    return Ok(hash);
                }
                let hash = set.table.frozen_hash();
                set.hash = Some(hash);
                Ok(hash)
            }
            Some(Kind::Range) => self.range_hash(v),
            Some(Kind::Slice) => {
                let Slice { start, stop, step } = *self.heap.cell::<Slice>(v);
                let (start, stop, step) = (self.hash(start)?, self.hash(stop)?, self.hash(step)?);
                Ok(hash::slice(start, stop, step))
            }
            Some(Kind::Method) => {
                let Method { func, this } = *self.heap.cell::<Method>(v);
                Ok(self.identity_hash(this) ^ self.hash(func)?)
            }
            Some(Kind::Native) => {
                let native = self.heap.cell::<Native>(v);
                let (this, def) = (native.this, native.def);
                if this.is_empty() {
                    return Ok(self.identity_hash(v));
                }
                Ok(self.identity_hash(this) ^ hash::bytes(def.sig.as_bytes()))
            }
            Some(Kind::WeakRef) => {
                let weak = self.heap.cell::<WeakRef>(v);
                match (weak.hash, weak.target.given()) {
                    (Some(hash), _) => Ok(hash),
                    (None, Some(target)) => {
                        let hash = self.hash(target)?;
                        self.heap.cell_mut::<WeakRef>(v).hash = Some(hash);
                        Ok(hash)
                    }
                    (None, None) => Err(self.type_error("weak object has gone away")),
                }
            }
            Some(Kind::MappingProxy) => {
                let mapping = self
                    .heap
                    .cell::<crate::object::dict::MappingProxy>(v)
                    .mapping;
                self.hash(mapping)
            }
            Some(Kind::List | Kind::Dict | Kind::Set | Kind::Bytes | Kind::Cell) => {
                Err(self.unhashable(v))
            }
            Some(Kind::DictView) => {
                let of = self.heap.cell::<crate::object::dict::DictView>(v).of;
                if of == crate::object::dict::ViewOf::Values {
                    return Ok(self.identity_hash(v));
                }
                Err(self.unhashable(v))
            }
            _ => Ok(self.identity_hash(v)),
        }
    }

    fn special_hash(&self, v: Value) -> i64 {
        match self.heap.num(v) {
            Some(Num::Int(n)) => hash::small_int(n),
            Some(Num::Float(f)) => hash::float(f).unwrap_or(0),
            _ if v.is_none() => hash::NONE,
            _ => hash::identity(ADDRESS_BASE - 16 * (v.bits() >> 3)),
        }
    }

    fn range_hash(&mut self, v: Value) -> PyResult<i64> {
        let Range { start, step, .. } = *self.heap.cell::<Range>(v);
        let len: BigInt = self.range_len_big(v);
        let (start, step) = (self.hash(start)?, self.hash(step)?);
        Ok(hash::range(&len, start, step))
    }

    /// The hash of an object by what it is, not what it holds.
    pub fn identity_hash(&mut self, v: Value) -> i64 {
        hash::identity(self.address(v))
    }

    /// The address that scripts are shown for `v`: made up, but the same in
    /// every run, and unique while it lives.
    pub fn address(&mut self, v: Value) -> u64 {
        if v.is_ptr() {
            return ADDRESS_BASE + 16 * self.heap.id(v) as u64;
        }
        // Ints and floats kept in the value itself: equal ones are identical.
        match v.is_special() {
            true => ADDRESS_BASE - 16 * (v.bits() >> 3),
            false => ADDRESS_BASE / 2 + (v.bits() & 0xffff_ffff_ffff),
        }
    }

    #[cold]
    pub(crate) fn unhashable(&mut self, v: Value) -> Raised {
        let name = self.type_name(v);
        self.type_error(format!("unhashable type: '{name}'"))
    }
}
