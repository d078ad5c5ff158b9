//! `product`, `combinations`, `combinations_with_replacement` and `permutations`: tuples of
//! items that were read when the iterator was made, chosen by indices that count up.

use lockstep_runtime::native::ClassDef;
use lockstep_runtime::object::iter::StepIterFn;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{B, Marker, PyResult, Value, Vm};
use smallvec::SmallVec;

pub static PRODUCT: ClassDef = class!(
    "__new__(cls, /, *iterables, repeat=1)",
    product,
    "Cartesian product of input iterables.  Equivalent to nested for-loops."
);
pub static COMBINATIONS: ClassDef = class!(
    "__new__(cls, /, iterable, r)",
    combinations,
    "Return successive r-length combinations of elements in the iterable."
);
pub static COMBINATIONS_WITH_REPLACEMENT: ClassDef = class!(
    "__new__(cls, /, iterable, r)",
    combinations_with_replacement,
    "Return successive r-length combinations of elements in the iterable allowing individual elements to have successive repeats."
);
pub static PERMUTATIONS: ClassDef = class!(
    "__new__(cls, /, iterable, r=None)",
    permutations,
    "Return successive r-length permutations of elements in the iterable."
);

/// The tuples of a `Selection` or `Product` are short more often than not.
type Chosen = SmallVec<[Value; 8]>;

struct Product {
    pools: Box<[Box<[Value]>]>,
    /// One index for each place; place `i` chooses from pool `i % pools.len()`.
    indices: Box<[usize]>,
    started: bool,
}

impl Native for Product {
    fn trace(&self, marker: &mut Marker) {
        for pool in &self.pools {
            marker.mark_all(pool);
        }
    }
    fn external_bytes(&self) -> usize {
        let items: usize = self.pools.iter().map(|pool| pool.len() + 2).sum();
        (items + self.indices.len()) * 8
    }
}

fn product(vm: &mut Vm, a: &[Value]) -> PyResult {
    let repeat = match a[1].given() {
        Some(n) => vm.to_ssize(n)?,
        None => 1,
    };
    let Ok(repeat) = usize::try_from(repeat) else {
        return Err(vm.value_error("repeat argument cannot be negative"));
    };
    let iterables = vm.heap.tuple_items(a[2]).to_vec();
    let n_places = iterables.len().saturating_mul(repeat);
    if n_places > isize::MAX as usize / 8 {
        return Err(vm.raise(B::OverflowError, "repeat argument too large"));
    }
    vm.check_size(n_places * 8)?;
    let mut pools = Vec::with_capacity(iterables.len());
    if repeat > 0 {
        for &iterable in &iterables {
            let (_, items) = crate::args::held_items(vm, iterable)?;
            pools.push(items.into_boxed_slice());
        }
    }
    let state = Product {
        pools: pools.into(),
        indices: vec![0; n_places].into(),
        started: false,
    };
    let shape = vm.root_shape(a[0]);
    Ok(vm.heap.native_iter(shape, product_next, state))
}

fn product_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some(state) = vm.heap.iter_state_mut::<Product>(this) else {
        return Ok(None);
    };
    if !product_advance(state) {
        vm.heap.end_iter(this);
        return Ok(None);
    }
    let pools = state.pools.iter().cycle();
    let chosen: Chosen = pools
        .zip(&state.indices)
        .map(|(pool, &at)| pool[at])
        .collect();
    Ok(Some(vm.heap.tuple(&chosen)))
}

/// Goes on to the next choice; false when there is none.
fn product_advance(state: &mut Product) -> bool {
    if !state.started {
        state.started = true;
        return state.pools.iter().all(|pool| !pool.is_empty());
    }
    let n_pools = state.pools.len();
    for (place, at) in state.indices.iter_mut().enumerate().rev() {
        *at += 1;
        if *at < state.pools[place % n_pools].len() {
            return true;
        }
        *at = 0;
    }
    false
}

struct Selection {
    pool: Box<[Value]>,
    /// The places of the chosen items; `permutations` keeps the others behind them.
    indices: Box<[usize]>,
    /// How many are chosen.
    r: usize,
    /// `permutations`: how many turns each place has left.
    cycles: Box<[usize]>,
    started: bool,
}

impl Native for Selection {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&self.pool);
    }
    fn external_bytes(&self) -> usize {
        (self.pool.len() + self.indices.len() + self.cycles.len()) * 8
    }
}

/// The pool and `r`.
fn pool_and_r(vm: &mut Vm, a: &[Value]) -> PyResult<(Vec<Value>, usize)> {
    let r = vm.to_ssize(a[2])?;
    let (_, pool) = crate::args::held_items(vm, a[1])?;
    let Ok(r) = usize::try_from(r) else {
        return Err(vm.value_error("r must be non-negative"));
    };
    vm.check_size(r.saturating_mul(8))?;
    Ok((pool, r))
}

fn make(vm: &mut Vm, class: Value, step: StepIterFn, is_empty: bool, state: Selection) -> PyResult {
    let shape = vm.root_shape(class);
    let iter = vm.heap.native_iter(shape, step, state);
    if is_empty {
        vm.heap.end_iter(iter);
    }
    Ok(iter)
}

fn combinations(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (pool, r) = pool_and_r(vm, a)?;
    let is_empty = r > pool.len();
    let state = Selection {
        pool: pool.into(),
        indices: (0..r).collect(),
        r,
        cycles: Box::new([]),
        started: false,
    };
    make(vm, a[0], combinations_next, is_empty, state)
}

fn combinations_with_replacement(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (pool, r) = pool_and_r(vm, a)?;
    let is_empty = pool.is_empty() && r > 0;
    let state = Selection {
        pool: pool.into(),
        indices: vec![0; r].into(),
        r,
        cycles: Box::new([]),
        started: false,
    };
    make(vm, a[0], replacing_next, is_empty, state)
}

fn permutations(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (_, pool) = crate::args::held_items(vm, a[1])?;
    let n = pool.len();
    let r = match a[2].some() {
        None => n,
        Some(r) if vm.heap.is_int(r) => {
            let r = vm.to_ssize(r)?;
            let Ok(r) = usize::try_from(r) else {
                return Err(vm.value_error("r must be non-negative"));
            };
            r
        }
        Some(_) => return Err(vm.type_error("Expected int as r")),
    };
    vm.check_size(r.saturating_mul(8))?;
    let state = Selection {
        pool: pool.into(),
        indices: (0..n).collect(),
        r: r.min(n),
        cycles: (0..r.min(n)).map(|i| n - i).collect(),
        started: false,
    };
    make(vm, a[0], permutations_next, r > n, state)
}

/// Takes one step by `advance` and gives what is chosen then.
fn step(vm: &mut Vm, this: Value, advance: fn(&mut Selection) -> bool) -> PyResult<Option<Value>> {
    let Some(state) = vm.heap.iter_state_mut::<Selection>(this) else {
        return Ok(None);
    };
    if state.started && !advance(state) {
        vm.heap.end_iter(this);
        return Ok(None);
    }
    state.started = true;
    let chosen: Chosen = state.indices[..state.r]
        .iter()
        .map(|&at| state.pool[at])
        .collect();
    Ok(Some(vm.heap.tuple(&chosen)))
}

fn combinations_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    step(vm, this, |state| {
        let spare = state.pool.len() - state.r;
        let Some(place) = (0..state.r).rfind(|&i| state.indices[i] != i + spare) else {
            return false;
        };
        let first = state.indices[place] + 1;
        for (offset, at) in state.indices[place..].iter_mut().enumerate() {
            *at = first + offset;
        }
        true
    })
}

fn replacing_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    step(vm, this, |state| {
        let n = state.pool.len();
        let Some(place) = state.indices.iter().rposition(|&at| at + 1 < n) else {
            return false;
        };
        let at = state.indices[place] + 1;
        state.indices[place..].fill(at);
        true
    })
}

fn permutations_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    step(vm, this, |state| {
        let n = state.indices.len();
        for place in (0..state.r).rev() {
            state.cycles[place] -= 1;
            if state.cycles[place] > 0 {
                state.indices.swap(place, n - state.cycles[place]);
                return true;
            }
            state.indices[place..].rotate_left(1);
            state.cycles[place] = n - place;
        }
        false
    })
}
