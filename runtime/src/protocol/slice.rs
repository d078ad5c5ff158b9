//! Slices: what a slice object selects of a sequence of some length, and
//! reading, storing and deleting by it.

use crate::heap::Kind;
use crate::native::PyResult;
use crate::object::bytes::Bytes;
use crate::object::class::B;
use crate::object::list::List;
use crate::object::range::{Range, Slice};
use crate::planted::{self, Bug};
use crate::value::Value;
use crate::vm::{UNCHECKED_BYTES, Vm};

/// What a slice selects: `count` items from `start` on, each `step` further.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Selection {
    pub start: i64,
    /// Where a slice of step 1 ends; never before `start` then.
    pub stop: i64,
    pub step: i64,
    pub count: usize,
}

impl Selection {
    /// The indexes in order.
    pub fn indexes(self) -> impl DoubleEndedIterator<Item = usize> {
        (0..self.count as i64).map(move |i| (self.start + i * self.step) as usize)
    }
}

/// Resolves bounds that are already numbers; None stands for an omitted one.
pub fn select(start: Option<i64>, stop: Option<i64>, step: i64, len: usize) -> Selection {
    let n = len as i64;
    // The first and the last place a bound can name.
    let (low, high) = if step < 0 { (-1, n - 1) } else { (0, n) };
    let place = |bound: Option<i64>, omitted: i64| match bound {
        None => omitted,
        Some(at) if at < 0 => at.saturating_add(n).max(low),
        Some(at) => at.min(high),
    };
    let start = place(start, if step < 0 { high } else { low });
    let stop = place(stop, if step < 0 { low } else { high });
    let stop = stop + i64::from(step < 0 && planted::is(Bug::SliceStopsEarly));
    let distance = if step < 0 { start - stop } else { stop - start };
    let count = if distance <= 0 {
        0
    } else {
        (distance as u64 - 1) / step.unsigned_abs() + 1
    };
    let stop = if step == 1 { stop.max(start) } else { stop };
    Selection {
        start,
        stop,
        step,
        count: count as usize,
    }
}

impl Vm {
    /// What a slice object selects of a sequence of `len` items. Its bounds are
    /// asked for `__index__`; the sequence may have another length afterwards.
    ///
    /// # Errors
    /// ValueError for a step of 0, TypeError for bounds that are no ints.
    pub fn slice_bounds(&mut self, slice: Value) -> PyResult<(Option<i64>, Option<i64>, i64)> {
        let slice = *self.heap.cell::<Slice>(slice);
        self.bounds_of(slice)
    }

    fn bounds_of(&mut self, slice: Slice) -> PyResult<(Option<i64>, Option<i64>, i64)> {
        let Slice { start, stop, step } = slice;
        let step = match self.slice_part(step)? {
            None => 1,
            Some(0) => return Err(self.value_error("slice step cannot be zero")),
            // So that its negation is a number too.
            Some(n) => n.max(-i64::MAX),
        };
        Ok((self.slice_part(start)?, self.slice_part(stop)?, step))
    }

    fn slice_part(&mut self, v: Value) -> PyResult<Option<i64>> {
        if v.is_none() {
            return Ok(None);
        }
        if let Some(n) = v.as_int() {
            return Ok(Some(n));
        }
        if !self.has_index(v) {
            return Err(self
                .type_error("slice indices must be integers or None or have an __index__ method"));
        }
        self.index_clamped(v).map(Some)
    }

    /// As `slice_bounds`, resolved for `len` items.
    ///
    /// # Errors
    /// As `slice_bounds`.
    pub fn slice_indices(&mut self, slice: Value, len: usize) -> PyResult<Selection> {
        let (start, stop, step) = self.slice_bounds(slice)?;
        Ok(select(start, stop, step, len))
    }

    /// `seq[slice]` of a builtin sequence, by its layout.
    pub(crate) fn get_slice(&mut self, seq: Value, slice: Value) -> PyResult<Option<Value>> {
        let kind = self.heap.kind(seq);
        if kind == Some(Kind::Range) {
            return self.range_slice(seq, slice).map(Some);
        }
        let slice = *self.heap.cell::<Slice>(slice);
        self.part_of(seq, slice)
    }

    /// `obj[start:stop:step]`, without a slice object where nobody can see it.
    ///
    /// # Errors
    /// As `get_item`.
    pub(crate) fn load_slice(&mut self, obj: Value, slice: Slice) -> PyResult {
        if let Some(part) = self.plain_part(obj, &slice) {
            return Ok(part);
        }
        let is_sequence = [B::Str, B::List, B::Tuple, B::Bytes]
            .into_iter()
            .any(|class| self.heap.is_exact(obj, class));
        if is_sequence && let Some(part) = self.part_of(obj, slice)? {
            return Ok(part);
        }
        let slice = self.heap.slice(slice.start, slice.stop, slice.step);
        self.root(slice);
        self.get_item(obj, slice)
    }

    /// `obj[start:stop]` of a str or list whose bounds are small ints or left out; None where it
    /// is anything else, or all of a str, or so much that memory may lack.
    fn plain_part(&mut self, obj: Value, slice: &Slice) -> Option<Value> {
        if !slice.step.is_none() {
            return None;
        }
        let bound = |v: Value| match v.is_none() {
            true => Some(None),
            false => v.as_int().map(Some),
        };
        let (start, stop) = (bound(slice.start)?, bound(slice.stop)?);
        let range = |len: usize| {
            let s = select(start, stop, 1, len);
            s.start as usize..s.start as usize + s.count
        };
        if self.heap.is_exact(obj, B::Str) {
            let text = self.heap.as_str(obj)?;
            let part = range(text.len());
            let part = (part.len() < text.len()).then(|| text.slice(part))?;
            return Some(self.heap.str(part));
        }
        if self.heap.is_exact(obj, B::List) {
            let items = &self.heap.get::<List>(obj)?.items;
            let part = range(items.len());
            let part = (part.len() <= UNCHECKED_BYTES / size_of::<Value>())
                .then(|| items[part].to_vec())?;
            return Some(self.heap.list(part));
        }
        None
    }

    /// As `get_slice`, of a sequence that isn't a range.
    fn part_of(&mut self, seq: Value, slice: Slice) -> PyResult<Option<Value>> {
        let kind = self.heap.kind(seq);
        let (start, stop, step) = self.bounds_of(slice)?;
        let Some(len) = self.builtin_len(seq)? else {
            return Ok(None);
        };
        let s = select(start, stop, step, len);
        let part = s.start.max(0) as usize..(s.start.max(0) as usize + s.count);
        if matches!(kind, Some(Kind::List | Kind::Tuple)) {
            self.check_items(s.count)?;
        }
        Ok(Some(match kind {
            Some(Kind::List) => {
                let items = &self.heap.cell::<List>(seq).items;
                let items: Vec<Value> = if step == 1 {
                    items[part].to_vec()
                } else {
                    s.indexes().map(|i| items[i]).collect()
                };
                self.heap.list(items)
            }
            Some(Kind::Tuple) => {
                if step == 1 && s.count == len && self.heap.is_exact(seq, B::Tuple) {
                    return Ok(Some(seq));
                }
                let items = self.heap.tuple_items(seq);
                let items: Vec<Value> = if step == 1 {
                    items[part].to_vec()
                } else {
                    s.indexes().map(|i| items[i]).collect()
                };
                self.heap.tuple_of_vec(items)
            }
            Some(Kind::Str) => {
                if step == 1 && s.count == len && self.heap.is_exact(seq, B::Str) {
                    return Ok(Some(seq));
                }
                let text = self.heap.text(seq);
                let text = if step == 1 {
                    text.slice(part)
                } else {
                    text.slice_step(s.start.max(0) as usize, step as isize, s.count)
                };
                self.heap.str(text)
            }
            Some(Kind::Bytes) => {
                let data = &self.heap.cell::<Bytes>(seq).data;
                let data: Vec<u8> = if step == 1 {
                    data[part].to_vec()
                } else {
                    s.indexes().map(|i| data[i]).collect()
                };
                let class = self.bytes_class(seq);
                self.heap.bytes_of(class, data)
            }
            _ => return Ok(None),
        }))
    }

    /// A range's slice is a range: bounds of any size.
    fn range_slice(&mut self, range: Value, slice: Value) -> PyResult {
        let len = self.range_len(range);
        let (start, stop, step) = self.slice_indices_big(slice, len)?;
        let Range {
            start: first,
            step: stride,
            ..
        } = *self.heap.cell::<Range>(range);
        let first = self.heap.as_big(first).unwrap_or_default();
        let stride = self.heap.as_big(stride).unwrap_or_default();
        let (new_start, new_stop, new_step) = (
            &first + &start * &stride,
            &first + &stop * &stride,
            &step * &stride,
        );
        let (start, stop, step) = (
            self.heap.big(new_start),
            self.heap.big(new_stop),
            self.heap.big(new_step),
        );
        self.range(start, stop, step)
    }

    /// `slice.indices(len)` with ints of any size.
    ///
    /// # Errors
    /// As `slice_bounds`.
    pub fn slice_indices_big(
        &mut self,
        slice: Value,
        len: Value,
    ) -> PyResult<(num_bigint::BigInt, num_bigint::BigInt, num_bigint::BigInt)> {
        use num_bigint::BigInt;
        use num_traits::{Signed, Zero};
        let Slice { start, stop, step } = *self.heap.cell::<Slice>(slice);
        let len = self.heap.as_big(len).unwrap_or_default();
        let step = match self.slice_part_big(step)? {
            None => BigInt::from(1),
            Some(step) if step.is_zero() => {
                return Err(self.value_error("slice step cannot be zero"));
            }
            Some(step) => step,
        };
        let backwards = step.is_negative();
        let (low, high) = if backwards {
            (BigInt::from(-1), &len - 1i32)
        } else {
            (BigInt::zero(), len.clone())
        };
        let place = |bound: Option<BigInt>, omitted: &BigInt| match bound {
            None => omitted.clone(),
            Some(at) if at.is_negative() => (at + &len).max(low.clone()),
            Some(at) => at.min(high.clone()),
        };
        let start = place(
            self.slice_part_big(start)?,
            if backwards { &high } else { &low },
        );
        let stop = place(
            self.slice_part_big(stop)?,
            if backwards { &low } else { &high },
        );
        Ok((start, stop, step))
    }

    fn slice_part_big(&mut self, v: Value) -> PyResult<Option<num_bigint::BigInt>> {
        if v.is_none() {
            return Ok(None);
        }
        if !self.has_index(v) {
            return Err(self
                .type_error("slice indices must be integers or None or have an __index__ method"));
        }
        let n = self.index(v)?;
        Ok(self.heap.as_big(n))
    }

    /// `list[slice] = items`.
    pub(crate) fn set_list_slice(
        &mut self,
        list: Value,
        slice: Value,
        value: Value,
    ) -> PyResult<()> {
        let bounds = self.slice_bounds(slice)?;
        let items = self.collect_or(value, "must assign iterable to extended slice")?;
        let len = self.heap.cell::<List>(list).items.len();
        let s = select(bounds.0, bounds.1, bounds.2, len);
        if s.step == 1 {
            self.check_items(len + items.len())?;
            let start = s.start as usize;
            let place = &mut self.heap.cell_mut::<List>(list).items;
            let before = place.capacity();
            place.splice(start..start + s.count, items);
            let grown = place.capacity().saturating_sub(before);
            self.heap.charge(grown * 8);
            return Ok(());
        }
        if items.len() != s.count {
            return Err(self.value_error(format!(
                "attempt to assign sequence of size {} to extended slice of size {}",
                items.len(),
                s.count
            )));
        }
        let place = &mut self.heap.cell_mut::<List>(list).items;
        for (at, item) in s.indexes().zip(items) {
            place[at] = item;
        }
        Ok(())
    }

    /// `del list[slice]`.
    pub(crate) fn del_list_slice(&mut self, list: Value, slice: Value) -> PyResult<()> {
        let (start, stop, step) = self.slice_bounds(slice)?;
        let items = &mut self.heap.cell_mut::<List>(list).items;
        remove_selected(items, select(start, stop, step, items.len()));
        Ok(())
    }

    /// `bytearray[slice] = data`.
    pub(crate) fn set_bytes_slice(
        &mut self,
        bytes: Value,
        slice: Value,
        value: Value,
    ) -> PyResult<()> {
        // CPython 3.13 bytearrayobject.c bytearray_ass_subscript: the slice is looked at first.
        let (start, stop, step) = self.slice_bounds(slice)?;
        let given = self.bytes_gathered(value)?;
        let data = match given {
            Some(data) => data,
            None if self.is_number(value) || self.heap.as_str(value).is_some() => {
                return Err(self.type_error(
                    "can assign only bytes, buffers, or iterables of ints in range(0, 256)",
                ));
            }
            None => {
                let Some(items) = self.iter_opt(value)? else {
                    let name = self.type_name(value);
                    let message = format!("cannot convert '{name}' object to bytearray");
                    return Err(self.type_error(message));
                };
                let mut data = Vec::new();
                self.for_each(items, |vm, item| {
                    data.push(vm.byte_value(item)?);
                    Ok(())
                })?;
                data
            }
        };
        let len = self.heap.cell::<Bytes>(bytes).data.len();
        let s = select(start, stop, step, len);
        if s.step == 1 {
            self.check_size(len + data.len())?;
            if data.len() != s.count {
                self.check_bytearray_resizable(bytes)?;
            }
            let start = s.start as usize;
            self.heap.charge(data.len());
            self.heap
                .cell_mut::<Bytes>(bytes)
                .data
                .splice(start..start + s.count, data);
            return Ok(());
        }
        if data.is_empty() {
            if s.count > 0 {
                self.check_bytearray_resizable(bytes)?;
            }
            remove_selected(&mut self.heap.cell_mut::<Bytes>(bytes).data, s);
            return Ok(());
        }
        if data.len() != s.count {
            return Err(self.value_error(format!(
                "attempt to assign bytes of size {} to extended slice of size {}",
                data.len(),
                s.count
            )));
        }
        let place = &mut self.heap.cell_mut::<Bytes>(bytes).data;
        for (at, byte) in s.indexes().zip(data) {
            place[at] = byte;
        }
        Ok(())
    }

    /// `del bytearray[slice]`.
    pub(crate) fn del_bytes_slice(&mut self, bytes: Value, slice: Value) -> PyResult<()> {
        let (start, stop, step) = self.slice_bounds(slice)?;
        let len = self.heap.cell::<Bytes>(bytes).data.len();
        if select(start, stop, step, len).count > 0 {
            self.check_bytearray_resizable(bytes)?;
        }
        let data = &mut self.heap.cell_mut::<Bytes>(bytes).data;
        remove_selected(data, select(start, stop, step, data.len()));
        Ok(())
    }
}

/// Takes the selected items out, in one pass.
fn remove_selected<T>(items: &mut Vec<T>, s: Selection) {
    if s.count == 0 {
        return;
    }
    if s.step == 1 {
        let start = s.start as usize;
        items.drain(start..start + s.count);
        return;
    }
    let first = s.start.min(s.start + (s.count as i64 - 1) * s.step) as usize;
    let (step, count) = (s.step.unsigned_abs() as usize, s.count);
    let mut at = 0;
    items.retain(|_| {
        let selected =
            at >= first && (at - first).is_multiple_of(step) && (at - first) / step < count;
        at += 1;
        !selected
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(start: Option<i64>, stop: Option<i64>, step: i64) -> Vec<usize> {
        select(start, stop, step, 5).indexes().collect()
    }

    #[test]
    fn bounds_resolve_as_pythons() {
        assert_eq!(picked(None, None, 1), [0, 1, 2, 3, 4]);
        assert_eq!(picked(Some(1), Some(-1), 1), [1, 2, 3]);
        assert_eq!(picked(Some(-2), None, 1), [3, 4]);
        assert_eq!(picked(Some(-99), Some(99), 2), [0, 2, 4]);
        assert_eq!(picked(None, None, -1), [4, 3, 2, 1, 0]);
        assert_eq!(picked(Some(3), Some(0), -2), [3, 1]);
        assert_eq!(picked(Some(99), Some(-99), -3), [4, 1]);
        assert_eq!(picked(Some(4), Some(1), 1), [0; 0]);
        assert_eq!(picked(None, None, i64::MAX), [0]);
        assert_eq!(
            select(Some(4), Some(1), 1, 5),
            Selection {
                start: 4,
                stop: 4,
                step: 1,
                count: 0
            }
        );
    }

    #[test]
    fn extended_slices_are_removed_in_one_pass() {
        let mut items = vec![0, 1, 2, 3, 4, 5, 6];
        remove_selected(&mut items, select(None, None, -3, 7));
        assert_eq!(items, [1, 2, 4, 5]);
        let mut items = vec![0, 1, 2, 3, 4];
        remove_selected(&mut items, select(Some(1), None, 2, 5));
        assert_eq!(items, [0, 2, 4]);
    }
}
