//! `next(iter)`: one step of any iterator. Takes an iterator, gives its item or
//! None at its end; a builtin one that has ended holds on to nothing.

use num_bigint::BigInt;
use num_traits::Zero;
use smallvec::SmallVec;

use crate::heap::Kind;
use crate::native::PyResult;
use crate::object::bytes::Bytes;
use crate::object::class::{B, Class};
use crate::object::dict::{Dict, ViewOf};
use crate::object::iter::{Iter, ORDERED};
use crate::object::list::List;
use crate::object::set::Set;
use crate::value::Value;
use crate::vm::names::N;
use crate::vm::{Input, Outcome, Vm};

/// What a step gave that need not make a tuple.
pub(crate) enum NextPair {
    Pair(Value, Value),
    End,
    /// Nothing was done: it is an iterator of something else.
    Other,
}

impl Vm {
    /// The next item of an iterator; None at its end.
    ///
    /// # Errors
    /// TypeError if it is no iterator; whatever its `__next__` raises but
    /// StopIteration.
    pub fn next(&mut self, iter: Value) -> PyResult<Option<Value>> {
        match self.next_fast(iter) {
            None => self.next_slow(iter),
            item => Ok(item),
        }
    }

    /// As `next`, where `next_fast` had none.
    ///
    /// # Errors
    /// As `next`.
    pub fn next_slow(&mut self, iter: Value) -> PyResult<Option<Value>> {
        if let Some(item) = self.native_step(iter) {
            return match item {
                Ok(item) => Ok(item),
                Err(_) => self.ended_by_error(item),
            };
        }
        match self.heap.kind(iter) {
            Some(Kind::Iter) if self.has_own_next(iter) => {
                let item = self.builtin_next(iter);
                if item.is_err() {
                    return self.ended_by_error(item);
                }
                item
            }
            Some(Kind::Generator) if self.heap.is_exact(iter, B::Generator) => {
                match self.resume(iter, Input::Send(Value::NONE))? {
                    Outcome::Yield(item) => Ok(Some(item)),
                    Outcome::Return(_) => Ok(None),
                }
            }
            _ => self.next_by_method(iter),
        }
    }

    /// One step of an iterator of the standard library whose class is none of a script's; None:
    /// it is another iterator.
    #[inline(always)]
    fn native_step(&mut self, iter: Value) -> Option<PyResult<Option<Value>>> {
        match self.heap.get::<Iter>(iter)? {
            &Iter::Native {
                step,
                own_next: true,
                ..
            } => Some(self.deeper(|vm| step(vm, iter))),
            _ => None,
        }
    }

    /// The next item of the commonest builtin iterators; None: ask `next`.
    #[inline(always)]
    pub fn next_fast(&mut self, it: Value) -> Option<Value> {
        match self.heap.get_mut_unnoted::<Iter>(it)? {
            Iter::Range { next, step, left } => {
                if *left == 0 {
                    return None;
                }
                *left -= 1;
                let n = *next;
                *next = n.wrapping_add(*step);
                match Value::try_int(n) {
                    Some(v) => Some(v),
                    None => Some(self.heap.int(n)),
                }
            }
            Iter::Sequence { seq, at } => {
                let (seq, i) = (*seq, *at);
                *at = i + 1;
                let item = match self.heap.kind(seq) {
                    Some(Kind::List) => self.heap.cell::<List>(seq).items.get(i).copied(),
                    Some(Kind::Tuple) => self.heap.tuple_items(seq).get(i).copied(),
                    _ => None,
                };
                if item.is_none()
                    && let Some(Iter::Sequence { at, .. }) = self.heap.get_mut_unnoted::<Iter>(it)
                {
                    *at = i;
                }
                item
            }
            Iter::Dict {
                dict,
                of: ViewOf::Keys,
                at,
                len,
                left,
                reverse: false,
            } if *left > 0 => {
                let (dict, from, n) = (*dict, *at, *len);
                let table = &self.heap.cell::<Dict>(dict).table;
                if table.len() != n {
                    return None;
                }
                let (i, entry) = table.next_from(from)?;
                let key = entry.key;
                if let Some(Iter::Dict { at, left, .. }) = self.heap.get_mut_unnoted::<Iter>(it) {
                    *at = i + 1;
                    *left -= 1;
                }
                Some(key)
            }
            _ => None,
        }
    }

    /// As `next`, but the end may also be a StopIteration: whatever the iterator behind another
    /// one raised, or the value that a generator returned, is what `next` of the outer one shows.
    /// CPython 3.13's `zip`, `map` and their likes leave the exception set and give no item.
    ///
    /// # Errors
    /// As `next`; StopIteration.
    pub fn next_passing(&mut self, iter: Value) -> PyResult<Option<Value>> {
        if let Some(item) = self.next_fast(iter) {
            return Ok(Some(item));
        }
        if let Some(item) = self.native_step(iter) {
            return item;
        }
        match self.heap.kind(iter) {
            Some(Kind::Iter) if self.has_own_next(iter) => self.builtin_next(iter),
            Some(Kind::Generator) if self.heap.is_exact(iter, B::Generator) => {
                match self.resume(iter, Input::Send(Value::NONE))? {
                    Outcome::Yield(item) => Ok(Some(item)),
                    Outcome::Return(value) if value.is_none() => Ok(None),
                    Outcome::Return(value) => Err(self.stop_iteration(value)),
                }
            }
            _ => match self.special(iter, N::next).filter(|m| !m.is_none()) {
                Some(method) => self.call_unbound(method, iter, &[]).map(Some),
                None => self.next_by_method(iter),
            },
        }
    }

    /// As `next`, of a builtin iterator whose items are pairs, of which a script wants the two
    /// parts alone: `for k, v in d.items()`, `enumerate`, `zip`.
    ///
    /// # Errors
    /// As `next`.
    pub(crate) fn next_pair(&mut self, iter: Value) -> PyResult<NextPair> {
        if !self.has_own_next(iter) {
            return Ok(NextPair::Other);
        }
        let pair = match self.heap.cell::<Iter>(iter) {
            Iter::Enumerate { .. } => self.enumerate_next(iter),
            Iter::Dict {
                of: ViewOf::Items, ..
            } => self.dict_entry_next(iter),
            Iter::Zip {
                iters,
                strict: false,
            } if let &[a, b] = &iters[..] => self.next_of_both(a, b),
            _ => return Ok(NextPair::Other),
        };
        match pair {
            Ok(Some((a, b))) => Ok(NextPair::Pair(a, b)),
            Ok(None) => Ok(NextPair::End),
            Err(raised) => self.ended_by_error(Err(raised)).map(|_| NextPair::End),
        }
    }

    fn next_of_both(&mut self, a: Value, b: Value) -> PyResult<Option<(Value, Value)>> {
        let Some(x) = self.next_passing(a)? else {
            return Ok(None);
        };
        let y = self.holding(&[x], |vm| vm.next_passing(b))?;
        Ok(y.map(|y| (x, y)))
    }

    /// Whether no script can have given the iterator another `__next__`: its class is none of
    /// a script's.
    #[inline]
    pub fn has_own_next(&self, iter: Value) -> bool {
        self.exact_builtin(iter).is_some()
            || !self.heap.cell::<Class>(self.heap.class_of(iter)).is_heap
    }

    /// A function that an iterator calls may end it: the StopIteration is as good as the end.
    #[cold]
    fn ended_by_error(&mut self, item: PyResult<Option<Value>>) -> PyResult<Option<Value>> {
        match item {
            Err(raised) if self.is_instance_of(raised.0, B::StopIteration) => Ok(None),
            item => item,
        }
    }

    fn next_by_method(&mut self, iter: Value) -> PyResult<Option<Value>> {
        let Some(method) = self.special(iter, N::next).filter(|m| !m.is_none()) else {
            let name = self.type_name(iter);
            return Err(self.type_error(format!("'{name}' object is not an iterator")));
        };
        if self.heap.kind(iter) == Some(Kind::Iter) && self.is_native_named(method, "__next__") {
            let item = self.builtin_next(iter);
            return self.ended_by_error(item);
        }
        match self.call_unbound(method, iter, &[]) {
            Ok(item) => Ok(Some(item)),
            Err(raised) if self.is_instance_of(raised.0, B::StopIteration) => Ok(None),
            Err(raised) => Err(raised),
        }
    }

    /// One step of a builtin iterator, by its layout.
    ///
    /// # Errors
    /// Whatever a function or an iterator behind it raises.
    pub fn builtin_next(&mut self, iter: Value) -> PyResult<Option<Value>> {
        match self.heap.cell_mut::<Iter>(iter) {
            Iter::Done => Ok(None),
            Iter::Sequence { seq, at } => {
                let (seq, i) = (*seq, *at);
                *at += 1;
                let item = self.sequence_item(seq, i);
                Ok(self.or_done(iter, item))
            }
            Iter::Reverse { seq, at } => {
                let seq = *seq;
                let item = match at.checked_sub(1) {
                    Some(i) => {
                        *at = i;
                        self.sequence_item(seq, i)
                    }
                    None => None,
                };
                Ok(self.or_done(iter, item))
            }
            Iter::Range { next, step, left } => {
                if *left == 0 {
                    return Ok(None);
                }
                let n = *next;
                *left -= 1;
                *next = n.wrapping_add(*step);
                Ok(Some(self.heap.int(n)))
            }
            Iter::BigRange { next, step, left } => {
                if left.is_zero() {
                    return Ok(None);
                }
                let n: BigInt = (**next).clone();
                **left -= 1i32;
                **next += &**step;
                Ok(Some(self.heap.big(n)))
            }
            Iter::Dict { .. } => self.dict_next(iter),
            Iter::Set { .. } => self.set_next(iter),
            Iter::GetItem { object, at } => {
                let (object, i) = (*object, *at);
                *at += 1;
                let item = self.get_item_or_end(object, i)?;
                Ok(self.or_done(iter, item))
            }
            Iter::ReverseGetItem { object, at } => {
                let (object, i) = (*object, *at);
                *at -= 1;
                let item = if i < 0 {
                    None
                } else {
                    self.get_item_or_end(object, i)?
                };
                Ok(self.or_done(iter, item))
            }
            Iter::Call { callable, sentinel } => {
                let (callable, sentinel) = (*callable, *sentinel);
                let item = match self.call(callable, &[]) {
                    Ok(item) => item,
                    Err(raised) if self.is_instance_of(raised.0, B::StopIteration) => {
                        return Ok(self.or_done(iter, None));
                    }
                    Err(raised) => return Err(raised),
                };
                // CPython 3.13 iterobject.c calliter_iternext: the function may have ended it.
                if matches!(self.heap.cell::<Iter>(iter), Iter::Done) {
                    return Ok(None);
                }
                let end = self.holding(&[item], |vm| vm.eq(sentinel, item))?;
                Ok(self.or_done(iter, (!end).then_some(item)))
            }
            Iter::Enumerate { .. } => Ok(self
                .enumerate_next(iter)?
                .map(|(at, item)| self.heap.tuple(&[at, item]))),
            Iter::Zip { .. } => self.zip_next(iter),
            Iter::Map { func, .. } => {
                let func = *func;
                if let Iter::Map { iters, .. } = self.heap.cell::<Iter>(iter)
                    && let &[inner] = &iters[..]
                {
                    return match self.next_passing(inner)? {
                        Some(item) => self.call_one(func, item).map(Some),
                        None => Ok(None),
                    };
                }
                let args = self.heap.list(Vec::new());
                self.holding(&[args], |vm| {
                    let mut at = 0;
                    while let Some(inner) = vm.inner_iter(iter, at) {
                        let Some(item) = vm.next_passing(inner)? else {
                            return Ok(None);
                        };
                        vm.heap.list_push(args, item);
                        at += 1;
                    }
                    let args = std::mem::take(&mut vm.heap.cell_mut::<List>(args).items);
                    vm.call(func, &args).map(Some)
                })
            }
            Iter::Filter { func, iter: inner } => {
                let (func, inner) = (*func, *inner);
                while let Some(item) = self.next_passing(inner)? {
                    if let (true, Some(n)) = (func.is_none(), item.as_int()) {
                        self.tick()?;
                        if n != 0 {
                            return Ok(Some(item));
                        }
                        continue;
                    }
                    let keep = self.holding(&[item], |vm| {
                        vm.tick()?;
                        if func.is_none() || func == vm.class(B::Bool) {
                            return vm.truth(item);
                        }
                        let answer = vm.call_one(func, item)?;
                        match answer.as_bool() {
                            Some(answer) => Ok(answer),
                            None => vm.holding(&[answer], |vm| vm.truth(answer)),
                        }
                    })?;
                    if keep {
                        return Ok(Some(item));
                    }
                }
                Ok(None)
            }
            Iter::Native { step, .. } => {
                let step = *step;
                self.deeper(|vm| step(vm, iter))
            }
            Iter::Await { target } => {
                let target = *target;
                match self.resume(target, Input::Send(Value::NONE))? {
                    Outcome::Yield(item) => Ok(Some(item)),
                    Outcome::Return(value) => Err(self.stop_iteration(value)),
                }
            }
        }
    }

    /// Ends a builtin iterator that has no item.
    #[inline]
    fn or_done(&mut self, iter: Value, item: Option<Value>) -> Option<Value> {
        if item.is_none() {
            *self.heap.cell_mut::<Iter>(iter) = Iter::Done;
        }
        item
    }

    /// Item `at` of a list, tuple, str or bytes.
    #[inline]
    fn sequence_item(&mut self, seq: Value, at: usize) -> Option<Value> {
        match self.heap.kind(seq)? {
            Kind::List => self.heap.cell::<List>(seq).items.get(at).copied(),
            Kind::Tuple => self.heap.tuple_items(seq).get(at).copied(),
            Kind::Str => {
                let cp = self.heap.text(seq).char_at(at)?;
                Some(self.char(cp))
            }
            Kind::Bytes => self
                .heap
                .cell::<Bytes>(seq)
                .data
                .get(at)
                .map(|&b| Value::small(b as i64)),
            _ => None,
        }
    }

    /// The str of one code point.
    pub(crate) fn char(&mut self, cp: u32) -> Value {
        if let Ok(byte) = u8::try_from(cp) {
            return self.heap.latin1_char(byte);
        }
        let text = crate::text::pystr::PyStr::from_code_point(cp).unwrap_or_default();
        self.heap.str(text)
    }

    fn get_item_or_end(&mut self, object: Value, at: i64) -> PyResult<Option<Value>> {
        match self.get_item(object, Value::small(at)) {
            Ok(item) => Ok(Some(item)),
            Err(raised)
                if self.is_instance_of(raised.0, B::IndexError)
                    || self.is_instance_of(raised.0, B::StopIteration) =>
            {
                Ok(None)
            }
            Err(raised) => Err(raised),
        }
    }

    fn dict_next(&mut self, iter: Value) -> PyResult<Option<Value>> {
        let &Iter::Dict { of, .. } = self.heap.cell::<Iter>(iter) else {
            return Ok(None);
        };
        Ok(self.dict_entry_next(iter)?.map(|(key, value)| match of {
            ViewOf::Keys => key,
            ViewOf::Values => value,
            ViewOf::Items => self.heap.tuple(&[key, value]),
        }))
    }

    fn dict_entry_next(&mut self, iter: Value) -> PyResult<Option<(Value, Value)>> {
        let &Iter::Dict {
            dict,
            at,
            len,
            left,
            reverse,
            ..
        } = self.heap.cell::<Iter>(iter)
        else {
            return Ok(None);
        };
        let table = &self.heap.cell::<Dict>(dict).table;
        if table.len() != len && ORDERED | table.version() as usize != len {
            return self
                .dict_has_changed(iter, len & ORDERED != 0, left)
                .map(|()| None);
        }
        let table = &self.heap.cell::<Dict>(dict).table;
        let found = if reverse {
            table.prev_before(at)
        } else {
            table.next_from(at)
        };
        let Some((found, entry)) = found else {
            *self.heap.cell_mut::<Iter>(iter) = Iter::Done;
            return Ok(None);
        };
        if left == 0 {
            *self.heap.cell_mut::<Iter>(iter) = Iter::Done;
            return Err(self.runtime_error("dictionary keys changed during iteration"));
        }
        let (key, value) = (entry.key, entry.value);
        if let Iter::Dict { at, left, .. } = self.heap.cell_mut::<Iter>(iter) {
            *at = if reverse { found } else { found + 1 };
            *left -= 1;
        }
        Ok(Some((key, value)))
    }

    /// The end of an iteration over a dict that is no longer what it was.
    #[cold]
    fn dict_has_changed(&mut self, iter: Value, is_ordered: bool, left: u32) -> PyResult<()> {
        if !is_ordered {
            // From now on no length is the right one.
            if let Iter::Dict { len, .. } = self.heap.cell_mut::<Iter>(iter) {
                *len = ORDERED - 1;
            }
            return Err(self.runtime_error("dictionary changed size during iteration"));
        }
        *self.heap.cell_mut::<Iter>(iter) = Iter::Done;
        // CPython 3.13 odictobject.c odictiter_nextkey: after its last key it looks no more.
        match left {
            0 => Ok(()),
            _ => Err(self.runtime_error("OrderedDict mutated during iteration")),
        }
    }

    /// Whether a dict is a `collections.OrderedDict`.
    pub fn is_ordered_dict(&self, dict: Value) -> bool {
        let is_named = |name: Option<Value>, text: &str| {
            name.and_then(|name| self.heap.as_str(name))
                .is_some_and(|name| name.eq_str(text))
        };
        let class = self.heap.class_of(dict);
        self.heap.cell::<Class>(class).mro.iter().any(|&class| {
            let class = self.heap.cell::<Class>(class);
            is_named(Some(class.name), "OrderedDict")
                && is_named(
                    self.heap.ns_get(class.attrs, self.n(N::module)),
                    "collections",
                )
        })
    }

    fn enumerate_next(&mut self, iter: Value) -> PyResult<Option<(Value, Value)>> {
        let &Iter::Enumerate { iter: inner, .. } = self.heap.cell::<Iter>(iter) else {
            return Ok(None);
        };
        let Some(item) = self.next_passing(inner)? else {
            return Ok(None);
        };
        let &Iter::Enumerate { count: at, .. } = self.heap.cell::<Iter>(iter) else {
            return Ok(None);
        };
        let after = match at.as_int() {
            Some(n) => self.heap.int(n + 1),
            None => {
                let n = self.heap.as_big(at).unwrap_or_default() + 1i32;
                self.heap.big(n)
            }
        };
        if let Iter::Enumerate { count, .. } = self.heap.cell_mut::<Iter>(iter) {
            *count = after;
        }
        Ok(Some((at, item)))
    }

    fn set_next(&mut self, iter: Value) -> PyResult<Option<Value>> {
        let &Iter::Set { set, at, len } = self.heap.cell::<Iter>(iter) else {
            return Ok(None);
        };
        let table = &self.heap.cell::<Set>(set).table;
        if table.len() != len {
            if let Iter::Set { len, .. } = self.heap.cell_mut::<Iter>(iter) {
                *len = usize::MAX;
            }
            return Err(self.runtime_error("Set changed size during iteration"));
        }
        let found = u32::try_from(at).ok().and_then(|at| table.next_from(at));
        let Some((found, _, key)) = found else {
            return Ok(self.or_done(iter, None));
        };
        if let Iter::Set { at, .. } = self.heap.cell_mut::<Iter>(iter) {
            *at = found as usize + 1;
        }
        Ok(Some(key))
    }

    /// Iterator `at` of a zip or map.
    fn inner_iter(&self, iter: Value, at: usize) -> Option<Value> {
        match self.heap.cell::<Iter>(iter) {
            Iter::Zip { iters, .. } | Iter::Map { iters, .. } => iters.get(at).copied(),
            _ => None,
        }
    }

    fn zip_next(&mut self, iter: Value) -> PyResult<Option<Value>> {
        let Iter::Zip { iters, strict } = self.heap.cell::<Iter>(iter) else {
            return Ok(None);
        };
        let (n, strict) = (iters.len(), *strict);
        if n == 0 {
            return Ok(None);
        }
        self.holding(&[], |vm| {
            let mut items: SmallVec<[Value; 4]> = SmallVec::with_capacity(n);
            for at in 0..n {
                let Some(inner) = vm.inner_iter(iter, at) else {
                    return Ok(None);
                };
                let item = if strict {
                    vm.next(inner)?
                } else {
                    vm.next_passing(inner)?
                };
                match item {
                    Some(item) => items.push(item),
                    None if strict => return vm.zip_strict_end(iter, at, n),
                    None => return Ok(None),
                }
                vm.root(items[at]);
            }
            Ok(Some(vm.heap.tuple(&items)))
        })
    }

    /// `zip(strict=True)` when iterator `at` has ended: all must end together.
    fn zip_strict_end(&mut self, iter: Value, at: usize, n: usize) -> PyResult<Option<Value>> {
        if at > 0 {
            let plural = if at == 1 { " " } else { "s 1-" };
            return Err(self.value_error(format!(
                "zip() argument {} is shorter than argument{plural}{at}",
                at + 1
            )));
        }
        for other in 1..n {
            let Some(inner) = self.inner_iter(iter, other) else {
                break;
            };
            if self.next(inner)?.is_some() {
                let plural = if other == 1 { " " } else { "s 1-" };
                return Err(self.value_error(format!(
                    "zip() argument {} is longer than argument{plural}{other}",
                    other + 1
                )));
            }
        }
        Ok(None)
    }
}
