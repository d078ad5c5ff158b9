//! The iterators that ask a function, or another iterable, about each item: `compress`,
//! `dropwhile`, `filterfalse`, `starmap`, `takewhile`.

use lockstep_runtime::native::{ClassDef, method, static_method};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{B, Marker, PyResult, Value, Vm};

use super::{ITER, NEXT, holds};

macro_rules! copied_class {
    ($sig:literal, $new:ident, $doc:literal) => {
        ClassDef {
            methods: &[
                static_method($sig, $new),
                ITER,
                NEXT,
                method("__reduce__(self, /)", reduce),
                method("__setstate__(self, state, /)", set_state),
            ],
            attributes: &[],
            doc: $doc,
        }
    };
}

pub static COMPRESS: ClassDef = copied_class!(
    "__new__(cls, /, data, selectors)",
    compress,
    "Return data elements corresponding to true selector elements."
);
pub static DROPWHILE: ClassDef = copied_class!(
    "__new__(cls, predicate, iterable, /)",
    dropwhile,
    "Drop items from the iterable while predicate(item) is true."
);
pub static FILTERFALSE: ClassDef = copied_class!(
    "__new__(cls, function, iterable, /)",
    filterfalse,
    "Return those items of iterable for which function(item) is false."
);
pub static STARMAP: ClassDef = copied_class!(
    "__new__(cls, function, iterable, /)",
    starmap,
    "Return an iterator whose values are returned from the function evaluated with an argument tuple taken from the given sequence."
);
pub static TAKEWHILE: ClassDef = copied_class!(
    "__new__(cls, predicate, iterable, /)",
    takewhile,
    "Return successive entries from an iterable as long as the predicate evaluates to true for each entry."
);

/// What all five hold: a function, or the iterator of selectors, and the source.
struct Asking {
    asked: Value,
    iter: Value,
    /// `dropwhile`: items come as they are from now on. `takewhile`: none comes any more.
    turned: bool,
}

impl Native for Asking {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.asked, self.iter]);
    }
}

fn parts(vm: &Vm, this: Value) -> Option<(Value, Value, bool)> {
    let Asking {
        asked,
        iter,
        turned,
    } = vm.heap.iter_state::<Asking>(this)?;
    Some((*asked, *iter, *turned))
}

fn turn(vm: &mut Vm, this: Value) {
    if let Some(state) = vm.heap.iter_state_mut::<Asking>(this) {
        state.turned = true;
    }
}

fn make(vm: &mut Vm, a: &[Value], step: lockstep_runtime::object::iter::StepIterFn) -> PyResult {
    let iter = vm.iter(a[2])?;
    let shape = vm.root_shape(a[0]);
    let state = Asking {
        asked: a[1],
        iter,
        turned: false,
    };
    Ok(vm.heap.native_iter(shape, step, state))
}

fn compress(vm: &mut Vm, a: &[Value]) -> PyResult {
    let data = vm.iter(a[1])?;
    vm.root(data);
    let selectors = vm.iter(a[2])?;
    let shape = vm.root_shape(a[0]);
    let state = Asking {
        asked: selectors,
        iter: data,
        turned: false,
    };
    Ok(vm.heap.native_iter(shape, compress_next, state))
}

fn compress_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some((selectors, data, _)) = parts(vm, this) else {
        return Ok(None);
    };
    loop {
        let Some(item) = vm.next(data)? else {
            return Ok(None);
        };
        let selected = vm.holding(&[item], |vm| {
            vm.tick()?;
            let Some(selector) = vm.next(selectors)? else {
                return Ok(None);
            };
            vm.holding(&[selector], |vm| vm.truth(selector)).map(Some)
        })?;
        match selected {
            Some(true) => return Ok(Some(item)),
            Some(false) => {}
            None => return Ok(None),
        }
    }
}

fn dropwhile(vm: &mut Vm, a: &[Value]) -> PyResult {
    make(vm, a, dropwhile_next)
}

fn dropwhile_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some((predicate, iter, started)) = parts(vm, this) else {
        return Ok(None);
    };
    loop {
        let Some(item) = vm.next(iter)? else {
            return Ok(None);
        };
        if started {
            return Ok(Some(item));
        }
        if !holds(vm, predicate, item)? {
            turn(vm, this);
            return Ok(Some(item));
        }
        vm.tick()?;
    }
}

fn takewhile(vm: &mut Vm, a: &[Value]) -> PyResult {
    make(vm, a, takewhile_next)
}

fn takewhile_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some((predicate, iter, stopped)) = parts(vm, this) else {
        return Ok(None);
    };
    if stopped {
        return Ok(None);
    }
    let Some(item) = vm.next(iter)? else {
        return Ok(None);
    };
    if holds(vm, predicate, item)? {
        return Ok(Some(item));
    }
    turn(vm, this);
    Ok(None)
}

fn filterfalse(vm: &mut Vm, a: &[Value]) -> PyResult {
    make(vm, a, filterfalse_next)
}

fn filterfalse_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some((function, iter, _)) = parts(vm, this) else {
        return Ok(None);
    };
    let by_truth = function.is_none() || function == vm.class(B::Bool);
    while let Some(item) = vm.next(iter)? {
        let is_true = if by_truth {
            vm.holding(&[item], |vm| vm.truth(item))?
        } else {
            holds(vm, function, item)?
        };
        if !is_true {
            return Ok(Some(item));
        }
        vm.holding(&[item], Vm::tick)?;
    }
    Ok(None)
}

fn starmap(vm: &mut Vm, a: &[Value]) -> PyResult {
    make(vm, a, starmap_next)
}

fn starmap_next(vm: &mut Vm, this: Value) -> PyResult<Option<Value>> {
    let Some((function, iter, _)) = parts(vm, this) else {
        return Ok(None);
    };
    let Some(item) = vm.next(iter)? else {
        return Ok(None);
    };
    let args: smallvec::SmallVec<[Value; 6]> = match vm.heap.as_tuple(item) {
        Some(args) => args.into(),
        None => vm.holding(&[item], |vm| vm.collect_iterable(item))?.into(),
    };
    vm.call(function, &args).map(Some)
}

fn reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    super::warn_copies(vm)?;
    let class = vm.heap.class_of(a[0]);
    let Some((asked, iter, turned)) = parts(vm, a[0]) else {
        return Err(vm.type_error("cannot copy an iterator that has ended"));
    };
    let name = vm.class_name(class);
    let args = if name == "compress" {
        vm.heap.tuple(&[iter, asked])
    } else {
        vm.heap.tuple(&[asked, iter])
    };
    Ok(if name == "dropwhile" || name == "takewhile" {
        vm.heap.tuple(&[class, args, Value::bool(turned)])
    } else {
        vm.heap.tuple(&[class, args])
    })
}

fn set_state(vm: &mut Vm, a: &[Value]) -> PyResult {
    super::warn_copies(vm)?;
    let turned = vm.truth(a[1])?;
    if let Some(state) = vm.heap.iter_state_mut::<Asking>(a[0]) {
        state.turned = turned;
    }
    Ok(Value::NONE)
}
