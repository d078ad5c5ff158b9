//! What `__reduce__` of the builtin iterators gives, and `__setstate__` takes: how `copy` and
//! `pickle` take an iterator apart. Follows the `__reduce__` of each iterator of CPython 3.13.

use lockstep_runtime::native::{NativeDef, method};
use lockstep_runtime::object::iter::Iter;
use lockstep_runtime::{B, Kind, PyResult, Value, Vm};
use num_bigint::BigInt;

use crate::args;

pub const REDUCE: NativeDef = method("__reduce__(self, /)", reduce);
pub const SETSTATE: NativeDef = method("__setstate__(self, state, /)", set_state);

/// A function of the builtins, as they are now.
pub fn builtin(vm: &mut Vm, name: &str) -> PyResult {
    let key = vm.heap.intern(name);
    match vm.heap.ns_get(vm.builtins, key) {
        Some(function) => Ok(function),
        None => {
            let key = vm.heap.str(name);
            Err(vm.key_error(key))
        }
    }
}

/// What stands for the items of an iterator that has ended: an empty value of its kind.
fn nothing(vm: &mut Vm, this: Value) -> Value {
    match vm.exact_builtin(this) {
        Some(B::StrIterator | B::StrAsciiIterator) => vm.heap.str(""),
        Some(
            B::ListIterator
            | B::ListReverseIterator
            | B::SetIterator
            | B::DictKeyIterator
            | B::DictValueIterator
            | B::DictItemIterator
            | B::DictReverseKeyIterator
            | B::DictReverseValueIterator
            | B::DictReverseItemIterator,
        ) => vm.heap.list(Vec::new()),
        _ => vm.heap.tuple(&[]),
    }
}

/// `(function, arguments)` or `(function, arguments, state)`.
pub fn parts(vm: &mut Vm, function: Value, arguments: &[Value], state: Option<Value>) -> Value {
    let arguments = vm.heap.tuple(arguments);
    match state {
        Some(state) => vm.heap.tuple(&[function, arguments, state]),
        None => vm.heap.tuple(&[function, arguments]),
    }
}

fn reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (this, class) = (a[0], vm.heap.class_of(a[0]));
    Ok(match vm.heap.cell::<Iter>(this) {
        Iter::Done => {
            let function = match vm.exact_builtin(this) {
                Some(B::ListReverseIterator) => builtin(vm, "reversed")?,
                Some(B::Reversed) => class,
                _ => builtin(vm, "iter")?,
            };
            let nothing = nothing(vm, this);
            parts(vm, function, &[nothing], None)
        }
        &Iter::Sequence { seq, at } => {
            let (function, at) = (builtin(vm, "iter")?, vm.heap.usize(at));
            parts(vm, function, &[seq], Some(at))
        }
        &Iter::Reverse { seq, at } => {
            let function = match vm.exact_builtin(this) {
                Some(B::ListReverseIterator) => builtin(vm, "reversed")?,
                _ => class,
            };
            parts(vm, function, &[seq], Some(Value::small(at as i64 - 1)))
        }
        &Iter::Range { next, step, left } => {
            let stop = BigInt::from(next) + BigInt::from(step) * BigInt::from(left);
            let (next, stop, step) = (vm.heap.int(next), vm.heap.big(stop), vm.heap.int(step));
            range_parts(vm, next, stop, step)?
        }
        Iter::BigRange { next, step, left } => {
            let (next, step, left) = ((**next).clone(), (**step).clone(), (**left).clone());
            let stop = &next + &step * left;
            let (next, stop, step) = (vm.heap.big(next), vm.heap.big(stop), vm.heap.big(step));
            range_parts(vm, next, stop, step)?
        }
        Iter::Dict { .. } | Iter::Set { .. } => {
            // The iterator itself stays where it is.
            let copy = copied(vm, this);
            let rest = vm.holding(&[copy], |vm| vm.list_from(copy))?;
            let function = builtin(vm, "iter")?;
            parts(vm, function, &[rest], None)
        }
        &Iter::GetItem { object, at } => {
            let (function, at) = (builtin(vm, "iter")?, vm.heap.int(at));
            parts(vm, function, &[object], Some(at))
        }
        &Iter::ReverseGetItem { object, at } => {
            let at = vm.heap.int(at);
            parts(vm, class, &[object], Some(at))
        }
        &Iter::Call { callable, sentinel } => {
            let function = builtin(vm, "iter")?;
            parts(vm, function, &[callable, sentinel], None)
        }
        &Iter::Enumerate { iter, count } => parts(vm, class, &[iter, count], None),
        Iter::Zip { iters, strict } => {
            let (iters, strict) = (iters.clone(), *strict);
            parts(vm, class, &iters, strict.then_some(Value::TRUE))
        }
        Iter::Map { func, iters } => {
            let arguments: Vec<Value> = [*func].iter().chain(iters).copied().collect();
            parts(vm, class, &arguments, None)
        }
        &Iter::Filter { func, iter } => parts(vm, class, &[func, iter], None),
        Iter::Await { .. } | Iter::Native { .. } => {
            let message = format!("cannot pickle '{}' object", vm.type_name(this));
            return Err(vm.type_error(message));
        }
    })
}

fn range_parts(vm: &mut Vm, next: Value, stop: Value, step: Value) -> PyResult {
    let rest = vm.range(next, stop, step)?;
    vm.root(rest);
    let function = builtin(vm, "iter")?;
    Ok(parts(vm, function, &[rest], Some(Value::NONE)))
}

/// An iterator over a dict or set that stands where this one does.
fn copied(vm: &mut Vm, this: Value) -> Value {
    let copy = match *vm.heap.cell::<Iter>(this) {
        Iter::Dict {
            dict,
            of,
            at,
            len,
            left,
            reverse,
        } => Iter::Dict {
            dict,
            of,
            at,
            len,
            left,
            reverse,
        },
        Iter::Set { set, at, len } => Iter::Set { set, at, len },
        _ => Iter::Done,
    };
    let class = vm.heap.class_of(this);
    let shape = vm.root_shape(class);
    vm.heap.alloc(shape, copy)
}

fn set_state(vm: &mut Vm, a: &[Value]) -> PyResult {
    let this = a[0];
    if let Iter::Zip { .. } = vm.heap.cell::<Iter>(this) {
        let truth = vm.truth(a[1])?;
        if let Iter::Zip { strict, .. } = vm.heap.cell_mut::<Iter>(this) {
            *strict = truth;
        }
        return Ok(Value::NONE);
    }
    if let Iter::Range { next, step, left } = *vm.heap.cell::<Iter>(this) {
        let skipped = args::c_long(vm, a[1])?.max(0) as u64;
        let skipped = skipped.min(left);
        *vm.heap.cell_mut::<Iter>(this) = Iter::Range {
            // The place after the last one may not be an i64; nobody reads it then.
            next: next.wrapping_add(step.wrapping_mul(skipped as i64)),
            step,
            left: left - skipped,
        };
        return Ok(Value::NONE);
    }
    if let Iter::BigRange { .. } = vm.heap.cell::<Iter>(this) {
        let skipped = vm.index(a[1])?;
        let skipped = vm.heap.as_big(skipped).unwrap_or_default();
        if let Iter::BigRange { next, step, left } = vm.heap.cell_mut::<Iter>(this) {
            let skipped = skipped.clamp(BigInt::ZERO, (**left).clone());
            **next += &**step * &skipped;
            **left -= skipped;
        }
        return Ok(Value::NONE);
    }
    if !vm.heap.is_int(a[1]) {
        return Err(vm.type_error("an integer is required"));
    }
    let state = vm.to_ssize(a[1])?;
    let length = match *vm.heap.cell::<Iter>(this) {
        Iter::Sequence { seq, .. } | Iter::Reverse { seq, .. } => vm.len(seq)?,
        Iter::ReverseGetItem { object, .. } => vm.len(object)?,
        _ => 0,
    } as i64;
    let is_over = state < 0 && is_of_list(vm, this);
    match vm.heap.cell_mut::<Iter>(this) {
        // CPython marks a list's iterator that is at its end with -1.
        Iter::Sequence { at, .. } if is_over => *at = length as usize,
        Iter::Sequence { at, .. } => *at = state.clamp(0, length) as usize,
        Iter::Reverse { at, .. } => *at = (state.clamp(-1, length - 1) + 1) as usize,
        Iter::GetItem { at, .. } => *at = state.max(0),
        Iter::ReverseGetItem { at, .. } => *at = state.clamp(-1, length - 1),
        _ => {}
    }
    Ok(Value::NONE)
}

fn is_of_list(vm: &Vm, iter: Value) -> bool {
    match *vm.heap.cell::<Iter>(iter) {
        Iter::Sequence { seq, .. } => vm.heap.kind(seq) == Some(Kind::List),
        _ => false,
    }
}
