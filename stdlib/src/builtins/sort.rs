//! Sorting: stable, by `<` alone, with `key` and `reverse`. While it runs the
//! list is empty, so that what a script does to it meanwhile is noticed.
//!
//! Ascending and descending runs are found as they stand, short ones are
//! extended by binary insertion, neighbours are merged: sorted input costs one
//! comparison per item.

use lockstep_runtime::object::list::List;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::{B, PyResult, Value, Vm};

/// `list.sort(key=key, reverse=reverse)`.
///
/// # Errors
/// What the comparisons and `key` raise; ValueError when the list was changed
/// meanwhile.
pub fn sort_list(vm: &mut Vm, list: Value, key: Option<Value>, reverse: bool) -> PyResult<()> {
    let mut items = std::mem::take(&mut vm.heap.cell_mut::<List>(list).items);
    // A hidden list keeps the items alive and in view of the collector.
    let held = vm.heap.list(items.clone());
    let result = vm.holding(&[held], |vm| sorted(vm, &mut items, key, reverse));
    let now = std::mem::replace(&mut vm.heap.cell_mut::<List>(list).items, items);
    result?;
    if !now.is_empty() || now.capacity() > 0 {
        return Err(vm.value_error("list modified during sort"));
    }
    Ok(())
}

/// Sorts values that the caller holds.
fn sorted(vm: &mut Vm, items: &mut Vec<Value>, key: Option<Value>, reverse: bool) -> PyResult<()> {
    let keys = match key {
        None => items.clone(),
        Some(key) => {
            let keys = vm.heap.list(Vec::with_capacity(items.len()));
            vm.root(keys);
            for &item in items.iter() {
                let k = vm.call(key, &[item])?;
                vm.heap.list_push(keys, k);
            }
            vm.heap.cell::<List>(keys).items.clone()
        }
    };
    let mut pairs: Vec<(Value, Value)> = keys.into_iter().zip(items.iter().copied()).collect();
    // Reversed before and after, equal items keep their order.
    if reverse {
        pairs.reverse();
    }
    let result = sort_pairs(vm, &mut pairs);
    if reverse {
        pairs.reverse();
    }
    items.clear();
    items.extend(pairs.into_iter().map(|(_, item)| item));
    result
}

fn sort_pairs(vm: &mut Vm, pairs: &mut [(Value, Value)]) -> PyResult<()> {
    if pairs.len() < 2 {
        return Ok(());
    }
    if pairs.iter().all(|(k, _)| k.is_int()) {
        pairs.sort_by_key(|(k, _)| k.int_order_key());
        return Ok(());
    }
    if pairs.iter().all(|(k, _)| vm.heap.is_exact(*k, B::Str)) {
        pairs.sort_by(|(a, _), (b, _)| vm.heap.text(*a).cmp(vm.heap.text(*b)));
        return Ok(());
    }
    if pairs
        .iter()
        .all(|(k, _)| k.as_inline_float().is_some_and(|f| !f.is_nan()))
    {
        let number = |v: Value| v.as_inline_float().unwrap_or(0.0);
        pairs.sort_by(|(a, _), (b, _)| {
            number(*a)
                .partial_cmp(&number(*b))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        return Ok(());
    }
    merge_sort(vm, pairs)
}

fn less(vm: &mut Vm, a: Value, b: Value) -> PyResult<bool> {
    vm.compare_bool(CompareOp::Lt, a, b)
}

/// Whatever is raised, `pairs` stays a permutation of what it was.
fn merge_sort(vm: &mut Vm, pairs: &mut [(Value, Value)]) -> PyResult<()> {
    let n = pairs.len();
    let shortest = shortest_run(n);
    let mut runs = vec![0];
    let mut at = 0;
    while at < n {
        let mut end = at + run(vm, &mut pairs[at..])?;
        let wanted = (at + shortest).min(n);
        while end < wanted {
            insert(vm, &mut pairs[at..=end])?;
            end += 1;
        }
        runs.push(end);
        at = end;
    }
    let mut buffer = Vec::with_capacity(n / 2 + 1);
    while runs.len() > 2 {
        let mut merged = vec![0];
        let mut i = 0;
        while i + 1 < runs.len() {
            let (start, middle) = (runs[i], runs[i + 1]);
            match runs.get(i + 2) {
                Some(&end) => {
                    merge(vm, &mut pairs[start..end], middle - start, &mut buffer)?;
                    merged.push(end);
                }
                None => merged.push(middle),
            }
            i += 2;
        }
        runs = merged;
    }
    Ok(())
}

/// Runs shorter than this are extended: between 32 and 64, so that the number
/// of runs is close to a power of two.
fn shortest_run(n: usize) -> usize {
    let (mut n, mut rest) = (n, 0);
    while n >= 64 {
        rest |= n & 1;
        n >>= 1;
    }
    n + rest
}

/// Finds the run at the beginning and makes it ascending; gives its length.
/// Asks what CPython 3.13 listobject.c count_run asks, in its order: equal
/// items belong to a descending run too, and keep their order in it.
fn run(vm: &mut Vm, pairs: &mut [(Value, Value)]) -> PyResult<usize> {
    let total = pairs.len();
    let smaller =
        |vm: &mut Vm, pairs: &[(Value, Value)], n: usize| less(vm, pairs[n].0, pairs[n - 1].0);
    let mut n = 1;
    while n < total && !smaller(vm, pairs, n)? {
        n += 1;
    }
    if n == total {
        return Ok(n);
    }
    if n > 1 {
        if less(vm, pairs[0].0, pairs[n - 1].0)? {
            return Ok(n);
        }
        // All equal so far: turned round now, they are in order at the end.
        pairs[..n].reverse();
    }
    n += 1;
    let mut equal = 0;
    while n < total {
        if smaller(vm, pairs, n)? {
            pairs[n - 1 - equal..n].reverse();
            equal = 0;
        } else if less(vm, pairs[n - 1].0, pairs[n].0)? {
            break;
        } else {
            equal += 1;
        }
        n += 1;
    }
    pairs[n - 1 - equal..n].reverse();
    pairs[..n].reverse();
    while n < total && !smaller(vm, pairs, n)? {
        n += 1;
    }
    Ok(n)
}

/// Puts the last pair where it belongs among the others, which are sorted.
fn insert(vm: &mut Vm, pairs: &mut [(Value, Value)]) -> PyResult<()> {
    let last = pairs.len() - 1;
    let pivot = pairs[last].0;
    let (mut low, mut high) = (0, last);
    while low < high {
        let middle = low + (high - low) / 2;
        if less(vm, pivot, pairs[middle].0)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    pairs[low..].rotate_right(1);
    Ok(())
}

/// Merges two sorted neighbours, the first of length `left`.
fn merge(
    vm: &mut Vm,
    pairs: &mut [(Value, Value)],
    left: usize,
    buffer: &mut Vec<(Value, Value)>,
) -> PyResult<()> {
    buffer.clear();
    buffer.extend_from_slice(&pairs[..left]);
    let (mut from_left, mut from_right, mut to) = (0, left, 0);
    let mut result = Ok(());
    while from_left < left && from_right < pairs.len() {
        match less(vm, pairs[from_right].0, buffer[from_left].0) {
            Ok(true) => {
                pairs[to] = pairs[from_right];
                from_right += 1;
            }
            Ok(false) => {
                pairs[to] = buffer[from_left];
                from_left += 1;
            }
            Err(raised) => {
                result = Err(raised);
                break;
            }
        }
        to += 1;
    }
    // What is left of the first part goes before what is left of the second.
    pairs[to..to + left - from_left].copy_from_slice(&buffer[from_left..]);
    result
}
