//! `iter(v)` and walking over iterables: `for_each`, `collect_iterable`,
//! unpacking. What `next` does is in `next`.

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::range::range_len_i64;
use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::bytes::Bytes;
use crate::object::class::B;
use crate::object::dict::{Dict, DictView, MappingProxy, ViewOf};
use crate::object::iter::{Iter, ORDERED};
use crate::object::list::List;
use crate::object::range::Range;
use crate::object::set::Set;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

impl Vm {
    /// A new builtin iterator.
    pub(crate) fn new_iter(&mut self, class: B, iter: Iter) -> Value {
        self.heap.alloc(class.shape(), iter)
    }

    /// `iter(v)`.
    ///
    /// # Errors
    /// TypeError if `v` is not iterable; whatever `__iter__` raises.
    pub fn iter(&mut self, v: Value) -> PyResult {
        match self.iter_opt(v)? {
            Some(iter) => Ok(iter),
            None => Err(self.not_iterable(v)),
        }
    }

    #[cold]
    fn not_iterable(&mut self, v: Value) -> Raised {
        let name = self.type_name(v);
        self.type_error(format!("'{name}' object is not iterable"))
    }

    /// As `iter`, None where `v` is not iterable.
    ///
    /// # Errors
    /// Whatever `__iter__` raises.
    pub fn iter_opt(&mut self, v: Value) -> PyResult<Option<Value>> {
        if self.exact_builtin(v).is_some()
            && let Some(iter) = self.builtin_iter(v)?
        {
            return Ok(Some(iter));
        }
        let class = self.heap.class_of(v);
        if let Some(method) = self.lookup_class(class, self.n(N::iter)) {
            if method.is_none() {
                return Ok(None);
            }
            if self.builtin_owner(method).is_some() {
                return self.builtin_iter(v);
            }
            let iter = self.call_unbound(method, v, &[])?;
            if !self.is_iterator(iter) {
                let name = self.type_name_within(iter, 100);
                return Err(
                    self.type_error(format!("iter() returned non-iterator of type '{name}'"))
                );
            }
            return Ok(Some(iter));
        }
        if let Some(iter) = self.builtin_iter(v)? {
            return Ok(Some(iter));
        }
        if self.has_items_by_number(v) && self.heap.kind(v) != Some(Kind::Dict) {
            return Ok(Some(self.new_iter(
                B::SequenceIterator,
                Iter::GetItem { object: v, at: 0 },
            )));
        }
        Ok(None)
    }

    /// Whether `v` may be a sequence: has a `__getitem__`, but for the native one of what is a
    /// mapping alone, as a match of `re` or a union is. (Native sequences have `__iter__`.)
    fn has_items_by_number(&mut self, v: Value) -> bool {
        self.special(v, N::getitem)
            .is_some_and(|method| self.heap.kind(method) != Some(Kind::Native))
    }

    /// Whether `iter(v)` would find a way, or a class that refuses by `__iter__ = None`.
    pub(crate) fn is_iterable(&mut self, v: Value) -> bool {
        match self.special(v, N::iter) {
            Some(_) => true,
            None => {
                matches!(
                    self.heap.kind(v),
                    Some(
                        Kind::List
                            | Kind::Tuple
                            | Kind::Str
                            | Kind::Bytes
                            | Kind::Dict
                            | Kind::Set
                            | Kind::DictView
                            | Kind::Range
                            | Kind::Iter
                    )
                ) || self.has_items_by_number(v)
            }
        }
    }

    /// Whether `v` has `__next__`.
    pub fn is_iterator(&mut self, v: Value) -> bool {
        matches!(self.heap.kind(v), Some(Kind::Iter))
            || self.is_generator(v)
            || self
                .special(v, N::next)
                .is_some_and(|method| !method.is_none())
    }

    fn is_generator(&self, v: Value) -> bool {
        self.heap.is_exact(v, B::Generator)
    }

    /// The iterator that the builtin classes' own `__iter__` gives, by the
    /// layout of `v`; None where it has none.
    ///
    /// # Errors
    /// Of a mapping proxy's mapping.
    pub fn builtin_iter(&mut self, v: Value) -> PyResult<Option<Value>> {
        let Some(kind) = self.heap.kind(v) else {
            return Ok(None);
        };
        let (class, iter) = match kind {
            Kind::List => (B::ListIterator, Iter::Sequence { seq: v, at: 0 }),
            Kind::Tuple => (B::TupleIterator, Iter::Sequence { seq: v, at: 0 }),
            Kind::Str => {
                // CPython 3.13 unicodeobject.c unicode_iter: a subclass's text is not compact.
                let class = if self.heap.is_exact(v, B::Str) && self.heap.text(v).is_ascii() {
                    B::StrAsciiIterator
                } else {
                    B::StrIterator
                };
                (class, Iter::Sequence { seq: v, at: 0 })
            }
            Kind::Bytes => (B::BytesIterator, Iter::Sequence { seq: v, at: 0 }),
            Kind::Dict => return Ok(Some(self.dict_iter(v, ViewOf::Keys, false))),
            Kind::DictView => {
                let DictView { dict, of } = *self.heap.cell::<DictView>(v);
                return Ok(Some(self.dict_iter(dict, of, false)));
            }
            Kind::MappingProxy => {
                let mapping = self.heap.cell::<MappingProxy>(v).mapping;
                return self.iter_opt(mapping);
            }
            Kind::Set => {
                let len = self.heap.cell::<Set>(v).table.len();
                (B::SetIterator, Iter::Set { set: v, at: 0, len })
            }
            Kind::Range => return Ok(Some(self.range_iter(v))),
            Kind::Iter | Kind::AsyncGenOp => return Ok(Some(v)),
            Kind::Generator if self.is_generator(v) => return Ok(Some(v)),
            _ => return Ok(None),
        };
        Ok(Some(self.new_iter(class, iter)))
    }

    /// An iterator over a part of a dict.
    pub(crate) fn dict_iter(&mut self, dict: Value, of: ViewOf, reverse: bool) -> Value {
        let class = match (of, reverse) {
            (ViewOf::Keys, false) => B::DictKeyIterator,
            (ViewOf::Values, false) => B::DictValueIterator,
            (ViewOf::Items, false) => B::DictItemIterator,
            (ViewOf::Keys, true) => B::DictReverseKeyIterator,
            (ViewOf::Values, true) => B::DictReverseValueIterator,
            (ViewOf::Items, true) => B::DictReverseItemIterator,
        };
        let is_ordered = !self.heap.is_exact(dict, B::Dict) && self.is_ordered_dict(dict);
        let table = &self.heap.cell::<Dict>(dict).table;
        let (left, at) = (table.len() as u32, if reverse { table.end() } else { 0 });
        let len = match is_ordered {
            true => ORDERED | table.version() as usize,
            false => table.len(),
        };
        self.new_iter(
            class,
            Iter::Dict {
                dict,
                of,
                at,
                len,
                left,
                reverse,
            },
        )
    }

    fn range_iter(&mut self, v: Value) -> Value {
        if let Some((start, stop, step)) = self.range_i64(v) {
            let left = range_len_i64(start, stop, step);
            return self.new_iter(
                B::RangeIterator,
                Iter::Range {
                    next: start,
                    step,
                    left,
                },
            );
        }
        let left = self.range_len_big(v);
        self.big_range_iter(v, BigInt::ZERO, left, false)
    }

    fn big_range_iter(&mut self, v: Value, first: BigInt, left: BigInt, backwards: bool) -> Value {
        let next = self.range_at(v, &first);
        let step = self
            .heap
            .as_big(self.heap.cell::<Range>(v).step)
            .unwrap_or_default();
        let step = if backwards { -step } else { step };
        if let (Some(next), Some(step), Some(left)) = (next.to_i64(), step.to_i64(), left.to_u64())
            && (next as i128 + step as i128 * left as i128) as i64 as i128
                == next as i128 + step as i128 * left as i128
        {
            return self.new_iter(B::RangeIterator, Iter::Range { next, step, left });
        }
        let iter = Iter::BigRange {
            next: Box::new(next),
            step: Box::new(step),
            left: Box::new(left),
        };
        self.new_iter(B::LongRangeIterator, iter)
    }

    /// The iterator of `reversed(v)` for builtin layouts; None for others.
    pub fn builtin_reversed(&mut self, v: Value) -> Option<Value> {
        let (class, at) = match self.heap.kind(v)? {
            Kind::List => (
                B::ListReverseIterator,
                self.heap.cell::<List>(v).items.len(),
            ),
            Kind::Tuple => (B::Reversed, self.heap.tuple_items(v).len()),
            Kind::Str => (B::Reversed, self.heap.text(v).len()),
            Kind::Bytes => (B::Reversed, self.heap.cell::<Bytes>(v).data.len()),
            Kind::Dict => return Some(self.dict_iter(v, ViewOf::Keys, true)),
            Kind::DictView => {
                let DictView { dict, of } = *self.heap.cell::<DictView>(v);
                return Some(self.dict_iter(dict, of, true));
            }
            Kind::Range => {
                let left = self.range_len_big(v);
                return Some(self.big_range_iter(v, &left - 1i32, left, true));
            }
            _ => return None,
        };
        Some(self.new_iter(class, Iter::Reverse { seq: v, at }))
    }

    /// `reversed(v)`.
    ///
    /// # Errors
    /// TypeError if `v` can't be walked backwards; whatever methods raise.
    pub fn reversed(&mut self, v: Value) -> PyResult {
        let exact = self.exact_builtin(v).is_some();
        if exact && let Some(iter) = self.builtin_reversed(v) {
            return Ok(iter);
        }
        if let Some(&MappingProxy { mapping }) = self.heap.get(v) {
            return self.deeper(|vm| vm.reversed(mapping));
        }
        if let Some(method) = self.special(v, N::reversed) {
            if method.is_none() {
                let name = self.type_name(v);
                return Err(self.type_error(format!("'{name}' object is not reversible")));
            }
            if self.builtin_owner(method).is_none() {
                return self.call_unbound(method, v, &[]);
            }
            // The class has a `__reversed__`, whatever became of its `__getitem__`.
            if let Some(iter) = self.builtin_reversed(v) {
                return Ok(iter);
            }
        }
        // CPython 3.13 enumobject.c reversed_new_impl: any sequence is asked for its length.
        let is_sequence = self.heap.as_sequence(v).is_some()
            || matches!(self.heap.kind(v), Some(Kind::Str | Kind::Bytes));
        let names = [N::getitem, N::len];
        let names = &names[..if is_sequence { 2 } else { 1 }];
        let overridden = names.iter().any(|&name| {
            self.special(v, name)
                .is_some_and(|method| self.builtin_owner(method).is_none())
        });
        if !overridden && let Some(iter) = self.builtin_reversed(v) {
            return Ok(iter);
        }
        let is_sequence =
            is_sequence || self.has_items_by_number(v) || self.special(v, N::len).is_some();
        if overridden && is_sequence && self.heap.kind(v) != Some(Kind::Dict) {
            let at = self.len(v)? as i64 - 1;
            return Ok(self.new_iter(B::Reversed, Iter::ReverseGetItem { object: v, at }));
        }
        let name = self.type_name(v);
        Err(self.type_error(format!("'{name}' object is not reversible")))
    }

    /// Passes each item of an iterable on. The item is kept alive while `body` runs.
    ///
    /// # Errors
    /// TypeError if it is not iterable; whatever `__next__` or `body` raises.
    pub fn for_each(
        &mut self,
        iterable: Value,
        mut body: impl FnMut(&mut Vm, Value) -> PyResult<()>,
    ) -> PyResult<()> {
        self.for_each_until(iterable, |vm, item| body(vm, item).map(|()| false))?;
        Ok(())
    }

    /// As `for_each`, up to and with the first item for which `body` gives true; whether there was
    /// one.
    ///
    /// # Errors
    /// As `for_each`.
    pub fn for_each_until(
        &mut self,
        iterable: Value,
        mut body: impl FnMut(&mut Vm, Value) -> PyResult<bool>,
    ) -> PyResult<bool> {
        if self.heap.is_exact(iterable, B::List) || self.heap.is_exact(iterable, B::Tuple) {
            return self.holding(&[iterable], |vm| {
                let mut at = 0;
                while let Some(item) = vm
                    .heap
                    .as_sequence(iterable)
                    .and_then(|items| items.get(at).copied())
                {
                    at += 1;
                    vm.tick()?;
                    if vm.holding(&[item], |vm| body(vm, item))? {
                        return Ok(true);
                    }
                }
                Ok(false)
            });
        }
        let iter = self.iter(iterable)?;
        self.holding(&[iter], |vm| {
            while let Some(item) = vm.next(iter)? {
                let is_last = vm.holding(&[item], |vm| {
                    vm.tick()?;
                    body(vm, item)
                })?;
                if is_last {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// The items of an iterable. They are not rooted by it.
    ///
    /// # Errors
    /// TypeError if it is not iterable; whatever `__next__` raises; MemoryError.
    pub fn collect_iterable(&mut self, v: Value) -> PyResult<Vec<Value>> {
        if (self.heap.is_exact(v, B::List) || self.heap.is_exact(v, B::Tuple))
            && let Some(n) = self.heap.as_sequence(v).map(<[Value]>::len)
        {
            self.check_items(n)?;
            return Ok(self.heap.as_sequence(v).unwrap_or_default().to_vec());
        }
        let list = self.heap.list(Vec::new());
        self.holding(&[list], |vm| vm.list_extend(list, v))?;
        Ok(std::mem::take(&mut self.heap.cell_mut::<List>(list).items))
    }

    /// The items of an iterable, with a TypeError of this message in the place of any other where
    /// it can't be iterated over: CPython's PySequence_Fast. They are not rooted by it.
    ///
    /// # Errors
    /// As `collect_iterable`.
    pub fn collect_or(&mut self, v: Value, message: &str) -> PyResult<Vec<Value>> {
        let iter = match self.iter_opt(v) {
            Ok(Some(iter)) => iter,
            Err(raised) if !self.is_instance_of(raised.0, B::TypeError) => return Err(raised),
            Ok(None) | Err(_) => return Err(self.type_error(message)),
        };
        let is_plain = self.heap.is_exact(v, B::List) || self.heap.is_exact(v, B::Tuple);
        self.holding(&[iter], |vm| {
            vm.collect_iterable(if is_plain { v } else { iter })
        })
    }

    /// A new list of the items of an iterable.
    ///
    /// # Errors
    /// As `collect_iterable`.
    pub fn list_from(&mut self, v: Value) -> PyResult {
        let list = self.heap.list(Vec::new());
        self.holding(&[list], |vm| vm.list_extend(list, v))?;
        Ok(list)
    }

    /// Appends each item of an iterable to a list.
    ///
    /// # Errors
    /// As `collect_iterable`.
    pub fn list_extend(&mut self, list: Value, v: Value) -> PyResult<()> {
        // CPython 3.13 listobject.c list_extend asks no method of the list itself either.
        if (self.heap.is_exact(v, B::List) || self.heap.is_exact(v, B::Tuple) || v == list)
            && let Some(n) = self.heap.as_sequence(v).map(<[Value]>::len)
        {
            self.check_list_growth(list, n)?;
            let items = self.heap.as_sequence(v).unwrap_or_default().to_vec();
            self.list_append_all(list, &items);
            return Ok(());
        }
        if let Some((start, stop, step)) = self
            .heap
            .is_exact(v, B::Range)
            .then(|| self.range_i64(v))
            .flatten()
        {
            let n = range_len_i64(start, stop, step) as usize;
            self.check_list_growth(list, n)?;
            let items = &mut self.heap.cell_mut::<List>(list).items;
            let before = items.capacity();
            items.reserve(n);
            items.extend((0..n as i64).map(|i| Value::small(start + i * step)));
            let grown = items.capacity() - before;
            self.heap.charge(grown * 8);
            return Ok(());
        }
        let iter = self.iter(v)?;
        self.holding(&[list, iter], |vm| {
            let n_held = vm.heap.cell::<List>(list).items.len();
            if let Some(n) = vm.ask_length_hint(v)?
                && n_held.saturating_add(n) <= isize::MAX as usize
            {
                vm.check_items(n)?;
            }
            while let Some(item) = vm.next(iter)? {
                vm.list_append(list, item)?;
                vm.tick()?;
            }
            Ok(())
        })
    }

    /// Asks how many items there are, as CPython 3.13 does before it collects them, and makes room
    /// for so many (listobject.c list_extend, bytesobject.c _PyBytes_FromIterator): only where a
    /// script may see it.
    ///
    /// # Errors
    /// As `length_hint`.
    pub fn ask_length_hint(&mut self, v: Value) -> PyResult<Option<usize>> {
        let asks_script = self.exact_builtin(v).is_none()
            || matches!(
                self.heap.get::<Iter>(v),
                Some(Iter::GetItem { .. } | Iter::ReverseGetItem { .. })
            );
        match asks_script {
            true => self.length_hint(v),
            false => Ok(None),
        }
    }

    fn list_append_all(&mut self, list: Value, more: &[Value]) {
        let items = &mut self.heap.cell_mut::<List>(list).items;
        let before = items.capacity();
        items.extend_from_slice(more);
        let grown = items.capacity() - before;
        if grown > 0 {
            self.heap.charge(grown * 8);
        }
    }

    /// The `n` items of an iterable.
    ///
    /// # Errors
    /// ValueError on another number; TypeError if it is not iterable.
    pub fn unpack(&mut self, v: Value, n: usize) -> PyResult<Vec<Value>> {
        if (self.heap.is_exact(v, B::List) || self.heap.is_exact(v, B::Tuple))
            && let Some(items) = self.heap.as_sequence(v)
        {
            let found = items.len();
            if found == n {
                return Ok(items.to_vec());
            }
            return Err(self.unpack_error(n, found));
        }
        let iter = self.unpack_iter(v)?;
        let list = self.heap.list(Vec::with_capacity(n.min(64)));
        self.holding(&[iter, list], |vm| {
            for found in 0..n {
                match vm.next(iter)? {
                    Some(item) => vm.heap.list_push(list, item),
                    None => return Err(vm.unpack_error(n, found)),
                }
            }
            match vm.next(iter)? {
                None => Ok(std::mem::take(&mut vm.heap.cell_mut::<List>(list).items)),
                Some(_) => Err(vm.unpack_error(n, n + 1)),
            }
        })
    }

    fn unpack_iter(&mut self, v: Value) -> PyResult {
        match self.iter_opt(v)? {
            Some(iter) => Ok(iter),
            None => {
                let name = self.type_name(v);
                // CPython 3.13 ceval.c: `__iter__ = None` is a class's own refusal.
                if self.special(v, N::iter).is_some() {
                    return Err(self.type_error(format!("'{name}' object is not iterable")));
                }
                Err(self.type_error(format!("cannot unpack non-iterable {name} object")))
            }
        }
    }

    #[cold]
    fn unpack_error(&mut self, wanted: usize, found: usize) -> Raised {
        if found > wanted {
            return self.value_error(format!("too many values to unpack (expected {wanted})"));
        }
        self.value_error(format!(
            "not enough values to unpack (expected {wanted}, got {found})"
        ))
    }

    /// `before` items of an iterable, a list of those between, and `after` items
    /// of its end.
    ///
    /// # Errors
    /// ValueError when there are too few; TypeError if it is not iterable.
    pub fn unpack_star(&mut self, v: Value, before: usize, after: usize) -> PyResult<Vec<Value>> {
        let mut items = if self.heap.is_exact(v, B::List) || self.heap.is_exact(v, B::Tuple) {
            self.collect_iterable(v)?
        } else {
            // CPython 3.13 ceval.c _PyEval_UnpackIterableStackRef: what stands before the star comes
            // item by item; only then is the rest asked for its length.
            let iter = self.unpack_iter(v)?;
            let list = self.heap.list(Vec::new());
            self.holding(&[iter, list], |vm| {
                for _ in 0..before {
                    match vm.next(iter)? {
                        Some(item) => vm.heap.list_push(list, item),
                        None => return Ok(()),
                    }
                }
                vm.list_extend(list, iter)
            })?;
            std::mem::take(&mut self.heap.cell_mut::<List>(list).items)
        };
        let found = items.len();
        let wanted = before + after;
        if found < wanted {
            return Err(self.value_error(format!(
                "not enough values to unpack (expected at least {wanted}, got {found})"
            )));
        }
        let middle: Vec<Value> = items.drain(before..found - after).collect();
        let middle = self.heap.list(middle);
        items.insert(before, middle);
        Ok(items)
    }
}
