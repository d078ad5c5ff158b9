//! The wrapper that `lru_cache` makes: a function and the results of its calls, the least recently
//! used of which go first. A hit runs nothing of a script but `__hash__` and `__eq__` of the
//! arguments; a miss calls the function without a frame of Rust's. Follows CPython 3.13
//! _functoolsmodule.c: a key is hashed once, and a result that was added meanwhile stays.

use lockstep_runtime::native::{ClassDef, Forward, forward_method, method, static_method};
use lockstep_runtime::object::dict::Dict;
use lockstep_runtime::object::opaque::{FinishFn, Native};
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

/// How many results are kept.
#[derive(Clone, Copy, PartialEq)]
enum Limit {
    None,
    Count(usize),
}

/// A result on its way from newest to oldest. Invariant: `older` and `newer` of two neighbours
/// name each other; the ends name `NOBODY`.
struct Link {
    key: Value,
    hash: i64,
    result: Value,
    newer: u32,
    older: u32,
}

const NOBODY: u32 = u32::MAX;

/// The results in the order of their last use.
struct Recency {
    links: Vec<Link>,
    newest: u32,
    oldest: u32,
}

impl Default for Recency {
    fn default() -> Recency {
        Recency {
            links: Vec::new(),
            newest: NOBODY,
            oldest: NOBODY,
        }
    }
}

impl Recency {
    fn take_out(&mut self, at: u32) {
        let Link { newer, older, .. } = self.links[at as usize];
        match self.links.get_mut(newer as usize) {
            Some(link) => link.older = older,
            None => self.newest = older,
        }
        match self.links.get_mut(older as usize) {
            Some(link) => link.newer = newer,
            None => self.oldest = newer,
        }
    }

    fn put_first(&mut self, at: u32) {
        let before = self.newest;
        let link = &mut self.links[at as usize];
        (link.newer, link.older) = (NOBODY, before);
        match self.links.get_mut(before as usize) {
            Some(link) => link.newer = at,
            None => self.oldest = at,
        }
        self.newest = at;
    }
}

struct Cache {
    function: Value,
    limit: Limit,
    is_typed: bool,
    /// From key to result, or where there is a limit to the number of a link.
    found: Value,
    recency: Recency,
    n_hits: u64,
    n_misses: u64,
    /// Makes what `cache_info` gives.
    make_info: Value,
    /// Stands in a key between arguments and keywords.
    mark: Value,
}

impl Native for Cache {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.function, self.found, self.make_info, self.mark]);
        for link in &self.recency.links {
            marker.mark_all(&[link.key, link.result]);
        }
    }
    fn external_bytes(&self) -> usize {
        self.recency.links.capacity() * size_of::<Link>()
    }
}

/// A call whose result is to be kept.
struct Pending {
    cache: Value,
    key: Value,
    hash: i64,
}

impl Native for Pending {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.cache, self.key]);
    }
    fn finish(&self) -> Option<FinishFn> {
        Some(keep)
    }
}

/// The class of `Pending` of one VM.
#[derive(Default)]
struct PendingClass(Option<Value>);

impl Native for PendingClass {
    fn trace(&self, marker: &mut Marker) {
        if let Some(class) = self.0 {
            marker.mark(class);
        }
    }
}

static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method(
            "__new__(cls, /, user_function, maxsize, typed, cache_info_type)",
            new,
        ),
        forward_method("__call__(self, /, *args, **kwargs)", call),
        method("__get__(self, instance, owner=None, /)", |vm, a| {
            Ok(match a[1].is_none() {
                true => a[0],
                false => vm.new_method(a[0], a[1]),
            })
        }),
        method("cache_info(self, /)", info),
        method("cache_clear(self, /)", clear),
        method("__reduce__(self, /)", |vm, a| {
            let name = vm.heap.intern("__qualname__");
            vm.get_attr(a[0], name)
        }),
        method("__copy__(self, /)", |_, a| Ok(a[0])),
        method("__deepcopy__(self, memo, /)", |_, a| Ok(a[0])),
    ],
    attributes: &[],
    doc: "Create a cached callable that wraps another function.",
};

static PENDING: ClassDef = ClassDef {
    methods: &[],
    attributes: &[],
    doc: "",
};

pub fn init(vm: &mut Vm, dict: Value) {
    let name = "_lru_cache_wrapper";
    let class = super::class(vm, name, &CLASS);
    vm.heap
        .cell_mut::<lockstep_runtime::object::class::Class>(class)
        .has_weakref = true;
    super::show(vm, dict, name, class);
    let pending = super::class(vm, "_pending", &PENDING);
    vm.ext::<PendingClass>().0 = Some(pending);
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (class, function, maxsize) = (a[0], a[1], a[2]);
    if !vm.is_callable(function) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    let limit = if maxsize.is_none() {
        Limit::None
    } else if vm.heap.is_int(maxsize) {
        Limit::Count(usize::try_from(vm.index_clamped(maxsize)?).unwrap_or(0))
    } else {
        return Err(vm.type_error("maxsize should be integer or None"));
    };
    let is_typed = vm.truth(a[3])?;
    let found = vm.heap.dict();
    vm.root(found);
    let object = vm.class(B::Object);
    let mark = vm.new_instance(object)?;
    let cache = Cache {
        function,
        limit,
        is_typed,
        found,
        recency: Recency::default(),
        n_hits: 0,
        n_misses: 0,
        make_info: a[4],
        mark,
    };
    let shape = vm.root_shape(class);
    Ok(vm.heap.opaque(shape, cache))
}

/// The cache of a method's `self`, which its class guarantees.
fn cache(vm: &mut Vm, this: Value) -> PyResult<&mut Cache> {
    if vm.heap.native::<Cache>(this).is_none() {
        return Err(vm.type_error("it is no cache"));
    }
    match vm.heap.native_mut::<Cache>(this) {
        Some(cache) => Ok(cache),
        None => unreachable!("it was there"),
    }
}

/// CPython's lru_cache_make_key: one argument that can be nothing else is a key by itself.
fn make_key(
    vm: &mut Vm,
    args: &[Value],
    keywords: &[(Value, Value)],
    is_typed: bool,
    mark: Value,
) -> Value {
    if !is_typed
        && keywords.is_empty()
        && let &[one] = args
        && matches!(vm.exact_builtin(one), Some(B::Int | B::Str))
    {
        return one;
    }
    let mut key = args.to_vec();
    if !keywords.is_empty() {
        key.push(mark);
        key.extend(keywords.iter().flat_map(|&(name, value)| [name, value]));
    }
    if is_typed {
        let values = args.iter().copied().chain(keywords.iter().map(|&(_, v)| v));
        key.extend(values.map(|v| vm.heap.class_of(v)));
    }
    vm.heap.tuple(&key)
}

fn call(vm: &mut Vm, a: &[Value], keywords: &[(Value, Value)]) -> PyResult<Forward> {
    let Some((&this, args)) = a.split_first() else {
        let name = "functools._lru_cache_wrapper";
        return Err(vm.type_error(format!(
            "descriptor '__call__' of '{name}' object needs an argument"
        )));
    };
    let cache_of = cache(vm, this)?;
    let (function, limit, found) = (cache_of.function, cache_of.limit, cache_of.found);
    let (is_typed, mark) = (cache_of.is_typed, cache_of.mark);
    let mut then = None;
    if limit != Limit::Count(0) {
        let key = make_key(vm, args, keywords, is_typed, mark);
        vm.root(key);
        let hash = vm.hash(key)?;
        if let Some(at) = vm.dict_find(found, key, hash)? {
            return Ok(Forward::Return(hit(vm, this, at)?));
        }
        let Some(class) = vm.ext::<PendingClass>().0 else {
            return Err(vm.runtime_error("functools is not loaded"));
        };
        let shape = vm.root_shape(class);
        let pending = Pending {
            cache: this,
            key,
            hash,
        };
        then = Some(vm.heap.opaque(shape, pending));
    }
    cache(vm, this)?.n_misses += 1;
    Ok(Forward::Call {
        callee: function,
        args: args.into(),
        keywords: keywords.into(),
        then,
    })
}

/// The result in entry `at` of the dict, which is the newest from now on.
fn hit(vm: &mut Vm, this: Value, at: u32) -> PyResult {
    let found = cache(vm, this)?.found;
    let value = vm.heap.cell::<Dict>(found).table.value_at(at);
    let cache = cache(vm, this)?;
    cache.n_hits += 1;
    if cache.limit == Limit::None {
        return Ok(value);
    }
    let link = value.as_int().and_then(|n| u32::try_from(n).ok());
    let link = link.unwrap_or(NOBODY);
    if cache.recency.newest != link {
        cache.recency.take_out(link);
        cache.recency.put_first(link);
    }
    Ok(cache.recency.links[link as usize].result)
}

/// Keeps the result of a call that was no hit.
fn keep(vm: &mut Vm, pending: Value, result: Value) -> PyResult {
    let Some(&Pending {
        cache: this,
        key,
        hash,
    }) = vm.heap.native::<Pending>(pending)
    else {
        return Ok(result);
    };
    let (found, limit) = (cache(vm, this)?.found, cache(vm, this)?.limit);
    let Limit::Count(maxsize) = limit else {
        vm.dict_set_hashed(found, key, hash, result)?;
        return Ok(result);
    };
    // The function itself, or what ran meanwhile, may have added it.
    if vm.dict_find(found, key, hash)?.is_some() {
        return Ok(result);
    }
    let recency = &cache(vm, this)?.recency;
    let link = Link {
        key,
        hash,
        result,
        newer: NOBODY,
        older: NOBODY,
    };
    let at = if recency.links.len() < maxsize {
        let (at, before) = (recency.links.len() as u32, recency.links.capacity());
        let links = &mut cache(vm, this)?.recency.links;
        links.push(link);
        let grown = links.capacity() - before;
        vm.heap.charge(grown * size_of::<Link>());
        at
    } else {
        let at = recency.oldest;
        let Some(&Link { key, hash, .. }) = recency.links.get(at as usize) else {
            return Ok(result);
        };
        // What `__eq__` does may have taken the oldest out, or used it.
        let entry = vm.dict_find(found, key, hash)?;
        if cache(vm, this)?.recency.oldest != at {
            return Ok(result);
        }
        if let Some(entry) = entry {
            vm.heap.cell_mut::<Dict>(found).table.remove_at(entry);
        }
        let recency = &mut cache(vm, this)?.recency;
        recency.take_out(at);
        recency.links[at as usize] = link;
        at
    };
    cache(vm, this)?.recency.put_first(at);
    vm.dict_set_hashed(found, key, hash, Value::small(i64::from(at)))?;
    Ok(result)
}

fn info(vm: &mut Vm, a: &[Value]) -> PyResult {
    let cache = cache(vm, a[0])?;
    let (make, found, limit) = (cache.make_info, cache.found, cache.limit);
    let counts = [cache.n_hits as usize, cache.n_misses as usize];
    let [hits, misses] = counts.map(|n| vm.heap.usize(n));
    let maxsize = match limit {
        Limit::None => Value::NONE,
        Limit::Count(n) => vm.heap.usize(n),
    };
    let n = vm.heap.cell::<Dict>(found).table.len();
    let n = vm.heap.usize(n);
    vm.call(make, &[hits, misses, maxsize, n])
}

fn clear(vm: &mut Vm, a: &[Value]) -> PyResult {
    let cache = cache(vm, a[0])?;
    cache.recency = Recency::default();
    (cache.n_hits, cache.n_misses) = (0, 0);
    let found = cache.found;
    debug_assert_eq!(vm.heap.kind(found), Some(Kind::Dict));
    vm.dict_clear(found);
    Ok(Value::NONE)
}
