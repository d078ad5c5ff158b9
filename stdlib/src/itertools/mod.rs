//! `itertools`: iterators that are steps of Rust over what they hold. Each follows the `next`
//! function of its type in CPython 3.13 itertoolsmodule.c: when it lets go of its source, and
//! what stays as it was when the source or a function raises.

/// A class of iterators that is nothing but what makes them.
macro_rules! class {
    ($sig:literal, $new:ident, $doc:literal) => {
        lockstep_runtime::native::ClassDef {
            methods: &[
                lockstep_runtime::native::static_method($sig, $new),
                super::ITER,
                super::NEXT,
            ],
            attributes: &[],
            doc: $doc,
        }
    };
}

mod count;
mod filter;
mod group;
mod select;
mod tee;
mod walk;

use lockstep_runtime::native::{ClassDef, NativeDef, function};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::list::List;
use lockstep_runtime::{B, Kind, PyResult, Value, Vm};

use crate::NativeModule;
use crate::builtins::iterator;

pub static MODULE: NativeModule = NativeModule {
    name: "itertools",
    functions: &[function("tee(iterable, n=2, /)", tee::tee)],
    init,
};

const ITER: NativeDef = iterator::ITER;
const NEXT: NativeDef = iterator::NEXT;

static CLASSES: &[(&str, &ClassDef)] = &[
    ("accumulate", &walk::ACCUMULATE),
    ("batched", &walk::BATCHED),
    ("chain", &walk::CHAIN),
    ("combinations", &select::COMBINATIONS),
    (
        "combinations_with_replacement",
        &select::COMBINATIONS_WITH_REPLACEMENT,
    ),
    ("compress", &filter::COMPRESS),
    ("count", &count::COUNT),
    ("cycle", &walk::CYCLE),
    ("dropwhile", &filter::DROPWHILE),
    ("filterfalse", &filter::FILTERFALSE),
    ("groupby", &group::GROUPBY),
    ("islice", &walk::ISLICE),
    ("pairwise", &walk::PAIRWISE),
    ("permutations", &select::PERMUTATIONS),
    ("product", &select::PRODUCT),
    ("repeat", &count::REPEAT),
    ("starmap", &filter::STARMAP),
    ("takewhile", &filter::TAKEWHILE),
    ("zip_longest", &walk::ZIP_LONGEST),
];

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    for &(name, def) in CLASSES {
        let class = class(vm, name, def);
        let name = vm.heap.intern(name);
        vm.heap.ns_set(dict, name, class);
    }
    let grouper = class(vm, "_grouper", &group::GROUPER);
    let tee = class(vm, "_tee", &tee::TEE);
    let data = class(vm, "_tee_dataobject", &tee::DATA);
    for class in [grouper, tee, data] {
        vm.heap.cell_mut::<Class>(class).is_final = true;
    }
    vm.heap.cell_mut::<Class>(tee).has_weakref = true;
    group::remember(vm, grouper);
    tee::remember(vm, tee, data);
    for (name, class) in [
        ("_grouper", grouper),
        ("_tee", tee),
        ("_tee_dataobject", data),
    ] {
        let name = vm.heap.intern(name);
        vm.heap.ns_set(dict, name, class);
    }
    let doc = vm.heap.str("Iterators for efficient looping.");
    let key = vm.heap.intern("__doc__");
    vm.heap.ns_set(dict, key, doc);
    Ok(())
}

fn class(vm: &mut Vm, name: &str, def: &'static ClassDef) -> Value {
    let object = vm.class(B::Object);
    let layout = if name == "_tee_dataobject" {
        Kind::Opaque
    } else {
        Kind::Iter
    };
    let class = vm.new_native_class("itertools", name, object, layout, def);
    vm.root(class);
    let made = vm.heap.cell_mut::<Class>(class);
    made.has_dict = false;
    made.named_with_module = true;
    class
}

/// The next item of an iterator that the stepping one may let go of meanwhile.
#[inline]
fn next_of(vm: &mut Vm, inner: Value) -> PyResult<Option<Value>> {
    match vm.next_fast(inner) {
        None => vm.holding(&[inner], |vm| vm.next_slow(inner)),
        item => Ok(item),
    }
}

/// Whether `predicate(item)` is true; the item outlives the call.
fn holds(vm: &mut Vm, predicate: Value, item: Value) -> PyResult<bool> {
    vm.holding(&[item], |vm| {
        let answer = vm.call_one(predicate, item)?;
        match answer.as_bool() {
            Some(answer) => Ok(answer),
            None => vm.holding(&[answer], |vm| vm.truth(answer)),
        }
    })
}

/// `iter()` of each; they are held until the native returns.
fn iters_of(vm: &mut Vm, iterables: &[Value]) -> PyResult<Box<[Value]>> {
    let list = vm.heap.list(Vec::with_capacity(iterables.len()));
    vm.root(list);
    for &iterable in iterables {
        let iter = vm.iter(iterable)?;
        vm.heap.list_push(list, iter);
    }
    Ok(vm.heap.cell::<List>(list).items.as_slice().into())
}

/// What each `__reduce__` of the module says first, as in CPython 3.13.
fn warn_copies(vm: &mut Vm) -> PyResult<()> {
    vm.warn(
        B::DeprecationWarning,
        "Pickle, copy, and deepcopy support will be removed from itertools in Python 3.14.",
    )
}
