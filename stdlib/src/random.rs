//! `_random`: the generator and its real-valued distributions. What picks from
//! sequences is written in the language, in `random`.

use std::hash::{BuildHasher, Hasher, RandomState};

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};

use lockstep_runtime::native::{ClassDef, method, static_method};
use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::random::{self, State};
use lockstep_runtime::{B, Kind, Marker, PyResult, Raised, Value, Vm};

use crate::NativeModule;
use crate::builtins::codec;

pub static MODULE: NativeModule = NativeModule {
    name: "_random",
    functions: &[],
    init,
};

/// A generator as scripts hold it.
struct Generator(random::Random);

impl Native for Generator {
    fn trace(&self, _: &mut Marker) {}
    fn external_bytes(&self) -> usize {
        2500
    }
}

static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new),
        method("random(self, /)", |vm, a| draw(vm, a, |r, _| r.random())),
        method("_seed(self, a, /)", seed),
        method("_legacy_seed(self, text, /)", legacy_seed),
        method("_getstate(self, /)", getstate),
        method("_setstate(self, words, gauss_next, /)", setstate),
        method("getrandbits(self, k, /)", getrandbits),
        method("_randbelow(self, n, /)", randbelow),
        method("uniform(self, a, b)", |vm, a| {
            draw(vm, a, |r, x| r.uniform(x[0], x[1]))
        }),
        method("normalvariate(self, mu=0.0, sigma=1.0)", |vm, a| {
            draw_normal(vm, a, |r, x| r.normalvariate(x[0], x[1]))
        }),
        method("gauss(self, mu=0.0, sigma=1.0)", |vm, a| {
            draw_normal(vm, a, |r, x| r.gauss(x[0], x[1]))
        }),
        method("lognormvariate(self, mu, sigma)", |vm, a| {
            draw(vm, a, |r, x| r.lognormvariate(x[0], x[1]))
        }),
        method("_expovariate(self, lambd, /)", |vm, a| {
            draw(vm, a, |r, x| r.expovariate(x[0]))
        }),
        method("_triangular(self, low, high, mode, /)", triangular),
        method("vonmisesvariate(self, mu, kappa)", |vm, a| {
            draw(vm, a, |r, x| r.vonmisesvariate(x[0], x[1]))
        }),
        method("gammavariate(self, alpha, beta)", |vm, a| {
            let numbers = numbers(vm, &a[1..])?;
            match generator(vm, a[0])?.gammavariate(numbers[0], numbers[1]) {
                Ok(x) => Ok(vm.heap.float(x)),
                Err(_) => Err(vm.value_error("gammavariate: alpha and beta must be > 0.0")),
            }
        }),
        method("betavariate(self, alpha, beta)", |vm, a| {
            let numbers = numbers(vm, &a[1..])?;
            match generator(vm, a[0])?.betavariate(numbers[0], numbers[1]) {
                Ok(x) => Ok(vm.heap.float(x)),
                Err(_) => Err(vm.value_error("gammavariate: alpha and beta must be > 0.0")),
            }
        }),
        method("_paretovariate(self, alpha, /)", |vm, a| {
            draw(vm, a, |r, x| r.paretovariate(x[0]))
        }),
        method("_weibullvariate(self, alpha, beta, /)", |vm, a| {
            draw(vm, a, |r, x| r.weibullvariate(x[0], x[1]))
        }),
        method("binomialvariate(self, n=1, p=0.5)", |vm, a| {
            let n = match a[1].given() {
                Some(n) => vm.index_i64_or(n, B::OverflowError)?,
                None => 1,
            };
            let p = or(vm, a[2], 0.5);
            let p = vm.to_float(p)?;
            match generator(vm, a[0])?.binomialvariate(n, p) {
                Ok(x) => Ok(vm.heap.int(x)),
                Err(e) => Err(vm.value_error(e.message())),
            }
        }),
    ],
    attributes: &[],
    doc: "",
};

/// The class of one VM.
#[derive(Default)]
struct RandomClass(Option<Value>);

impl Native for RandomClass {
    fn trace(&self, marker: &mut Marker) {
        if let Some(class) = self.0 {
            marker.mark(class);
        }
    }
}

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    let class = match vm.ext::<RandomClass>().0 {
        Some(class) => class,
        None => {
            let object = vm.class(B::Object);
            let class = vm.new_native_class("_random", "Random", object, Kind::Opaque, &CLASS);
            vm.ext::<RandomClass>().0 = Some(class);
            class
        }
    };
    let name = vm.heap.intern("Random");
    vm.heap.ns_set(dict, name, class);
    Ok(())
}

/// A generator that nobody seeded: the host's fixed seed, or the system's entropy.
fn unseeded(vm: &mut Vm) -> random::Random {
    match vm.host.seed() {
        Some(seed) => random::Random::from_int(&seed.into()),
        None => {
            let words: Vec<u8> = (0..8)
                .flat_map(|_| RandomState::new().build_hasher().finish().to_le_bytes())
                .collect();
            random::Random::from_bytes(&words)
        }
    }
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let shape = vm.root_shape(a[0]);
    let random = unseeded(vm);
    Ok(vm.heap.opaque(shape, Generator(random)))
}

fn generator(vm: &mut Vm, this: Value) -> PyResult<&mut random::Random> {
    if vm.heap.native::<Generator>(this).is_none() {
        return Err(vm.type_error("the generator was not initialized"));
    }
    match vm.heap.native_mut::<Generator>(this) {
        Some(g) => Ok(&mut g.0),
        None => unreachable!("it was one a moment ago"),
    }
}

fn or(vm: &mut Vm, v: Value, default: f64) -> Value {
    match v.given() {
        Some(v) => v,
        None => vm.heap.float(default),
    }
}

fn numbers(vm: &mut Vm, values: &[Value]) -> PyResult<Vec<f64>> {
    values.iter().map(|&v| vm.to_float(v)).collect()
}

/// A float drawn from the generator with the other arguments as floats.
fn draw(vm: &mut Vm, a: &[Value], f: impl FnOnce(&mut random::Random, &[f64]) -> f64) -> PyResult {
    let numbers = numbers(vm, &a[1..])?;
    let x = f(generator(vm, a[0])?, &numbers);
    Ok(vm.heap.float(x))
}

/// As `draw`, of a mean (0 unless given) and a deviation (1 unless given).
fn draw_normal(
    vm: &mut Vm,
    a: &[Value],
    f: impl FnOnce(&mut random::Random, &[f64]) -> f64,
) -> PyResult {
    let (mu, sigma) = (or(vm, a[1], 0.0), or(vm, a[2], 1.0));
    draw(vm, &[a[0], mu, sigma], f)
}

fn triangular(vm: &mut Vm, a: &[Value]) -> PyResult {
    let bounds = numbers(vm, &a[1..3])?;
    let mode = match a[3].some() {
        Some(mode) => Some(vm.to_float(mode)?),
        None => None,
    };
    let x = generator(vm, a[0])?.triangular(bounds[0], bounds[1], mode);
    Ok(vm.heap.float(x))
}

fn seed(vm: &mut Vm, a: &[Value]) -> PyResult {
    let seed = a[1];
    let random = if seed.is_none() {
        unseeded(vm)
    } else if let Some(n) = vm.heap.as_big(seed) {
        random::Random::from_int(&n)
    } else if vm.heap.as_str(seed).is_some() {
        random::Random::from_bytes(codec::utf8(vm, seed)?.as_bytes())
    } else if let Some(bytes) = vm.heap.get::<Bytes>(seed) {
        random::Random::from_bytes(&bytes.data)
    } else {
        let hash = vm.hash(seed)?;
        random::Random::from_hash(hash)
    };
    *generator(vm, a[0])? = random;
    Ok(Value::NONE)
}

fn legacy_seed(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(text) = vm.heap.as_str(a[1]) else {
        return seed(vm, a);
    };
    let random = random::Random::from_int(&random::legacy_str_seed(text));
    *generator(vm, a[0])? = random;
    Ok(Value::NONE)
}

/// The words and how many are used, as one tuple of ints; and the spare gauss.
fn getstate(vm: &mut Vm, a: &[Value]) -> PyResult {
    let state = generator(vm, a[0])?.state();
    let mut words: Vec<Value> = state
        .words
        .iter()
        .map(|&word| Value::small(i64::from(word)))
        .collect();
    words.push(vm.heap.usize(state.used));
    let words = vm.heap.tuple(&words);
    vm.root(words);
    let gauss_next = match state.gauss_next {
        Some(x) => vm.heap.float(x),
        None => Value::NONE,
    };
    Ok(vm.heap.tuple(&[words, gauss_next]))
}

fn setstate(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(items) = vm.heap.as_tuple(a[1]).map(<[Value]>::to_vec) else {
        return Err(vm.type_error("state vector must be a tuple"));
    };
    let Some((&used, words)) = items.split_last() else {
        return Err(vm.value_error("state vector is the wrong size"));
    };
    let words: Option<Vec<u32>> = words
        .iter()
        .map(|&w| vm.heap.as_i64(w).and_then(|w| u32::try_from(w).ok()))
        .collect();
    let used = vm.heap.as_i64(used).and_then(|n| usize::try_from(n).ok());
    let gauss_next = match a[2].some() {
        Some(x) => Some(vm.to_float(x)?),
        None => None,
    };
    let state = match (words, used) {
        (Some(words), Some(used)) => State {
            words,
            used,
            gauss_next,
        },
        _ => return Err(vm.value_error("invalid state")),
    };
    match random::Random::from_state(&state) {
        Some(random) => {
            *generator(vm, a[0])? = random;
            Ok(Value::NONE)
        }
        None => Err(vm.value_error("state vector is the wrong size")),
    }
}

fn getrandbits(vm: &mut Vm, a: &[Value]) -> PyResult {
    let bits = vm.index_i64_or(a[1], B::OverflowError)?;
    match u32::try_from(bits) {
        Ok(bits @ 0..=61) => {
            let n = generator(vm, a[0])?.getrandbits_u64(bits);
            Ok(vm.heap.int(n.to_i64().unwrap_or(i64::MAX)))
        }
        _ if bits < 0 => Err(vm.value_error("number of bits must be non-negative")),
        _ => {
            let bits = usize::try_from(bits).unwrap_or(usize::MAX);
            vm.check_size(bits / 8)?;
            let n = generator(vm, a[0])?.getrandbits(bits);
            Ok(vm.heap.big(n))
        }
    }
}

fn randbelow(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.heap.as_i64(a[1]) {
        Some(n) if n > 0 => {
            let n = generator(vm, a[0])?.randbelow(n.unsigned_abs());
            Ok(vm.heap.int(n.to_i64().unwrap_or(i64::MAX)))
        }
        Some(0) => Ok(Value::small(0)),
        _ => {
            let n = positive(vm, a[1])?;
            let n = generator(vm, a[0])?.randbelow_big(&n);
            Ok(vm.heap.big(n))
        }
    }
}

fn positive(vm: &mut Vm, v: Value) -> PyResult<BigInt> {
    match vm.heap.as_big(v) {
        Some(n) if n.is_positive() => Ok(n),
        Some(_) => Err(vm.value_error("number of bits must be non-negative")),
        None => Err(not_an_int(vm, v)),
    }
}

fn not_an_int(vm: &mut Vm, v: Value) -> Raised {
    let found = vm.type_name(v);
    vm.type_error(format!(
        "'{found}' object cannot be interpreted as an integer"
    ))
}
