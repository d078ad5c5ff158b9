//! `_hash`: the hash functions that `hashlib` wraps. A state takes bytes and gives digests; it
//! never writes into anything.

use blake2::{Blake2b512, Blake2s256};
use lockstep_runtime::native::{ClassDef, NativeDef, function, method};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};
use sha2::digest::DynDigest;

use crate::builtins::bytes::data_of;
use crate::builtins::codec;
use crate::{NativeModule, args};

pub static MODULE: NativeModule = NativeModule {
    name: "_hash",
    functions: FUNCTIONS,
    init: |_, _| Ok(()),
};

const FUNCTIONS: &[NativeDef] = &[
    function("new(name, /)", new),
    function("pbkdf2(name, password, salt, iterations, dklen, /)", pbkdf2),
];

static CLASS: ClassDef = ClassDef {
    methods: &[
        method("update(self, data, /)", update),
        method("digest(self, /)", digest),
        method("copy(self, /)", copy),
    ],
    attributes: &[],
    doc: "",
};

/// The bytes that one look-up of the VM is taken for.
const BYTES_PER_TICK: usize = 1 << 16;
/// Rounds between two look-ups.
const ROUNDS_PER_TICK: u64 = 1 << 8;

struct State(Box<dyn DynDigest>);

impl Native for State {
    fn trace(&self, _: &mut Marker) {}
    fn external_bytes(&self) -> usize {
        512
    }
}

/// The class of one VM.
#[derive(Default)]
struct StateClass(Option<Value>);

impl Native for StateClass {
    fn trace(&self, marker: &mut Marker) {
        if let Some(class) = self.0 {
            marker.mark(class);
        }
    }
}

fn by_name(name: &str) -> Option<Box<dyn DynDigest>> {
    Some(match name {
        "md5" => Box::new(md5::Md5::default()),
        "sha1" => Box::new(sha1::Sha1::default()),
        "sha224" => Box::new(sha2::Sha224::default()),
        "sha256" => Box::new(sha2::Sha256::default()),
        "sha384" => Box::new(sha2::Sha384::default()),
        "sha512" => Box::new(sha2::Sha512::default()),
        "sha3_224" => Box::new(sha3::Sha3_224::default()),
        "sha3_256" => Box::new(sha3::Sha3_256::default()),
        "sha3_384" => Box::new(sha3::Sha3_384::default()),
        "sha3_512" => Box::new(sha3::Sha3_512::default()),
        "blake2b" => Box::new(Blake2b512::default()),
        "blake2s" => Box::new(Blake2s256::default()),
        _ => return None,
    })
}

fn wrapped(vm: &mut Vm, state: Box<dyn DynDigest>) -> Value {
    let class = match vm.ext::<StateClass>().0 {
        Some(class) => class,
        None => {
            let object = vm.class(B::Object);
            let class = vm.new_native_class("_hash", "State", object, Kind::Opaque, &CLASS);
            vm.ext::<StateClass>().0 = Some(class);
            class
        }
    };
    let shape = vm.root_shape(class);
    vm.heap.opaque(shape, State(state))
}

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let name = args::only_text(vm, "new", a[0])?;
    match by_name(&name.to_lossy()) {
        Some(state) => Ok(wrapped(vm, state)),
        None => Err(vm.value_error(format!("unsupported hash type {name}"))),
    }
}

fn data(vm: &mut Vm, v: Value) -> PyResult<Vec<u8>> {
    match vm.bytes_like(v)? {
        Some(data) => Ok(data),
        None if vm.heap.as_str(v).is_some() => {
            Err(vm.type_error("Strings must be encoded before hashing"))
        }
        None => Err(vm.type_error("object supporting the buffer API required")),
    }
}

fn update(vm: &mut Vm, a: &[Value]) -> PyResult {
    let data = data(vm, a[1])?;
    for part in data.chunks(BYTES_PER_TICK) {
        if let Some(state) = vm.heap.native_mut::<State>(a[0]) {
            state.0.update(part);
        }
        vm.tick()?;
    }
    Ok(Value::NONE)
}

fn digest(vm: &mut Vm, a: &[Value]) -> PyResult {
    let digest = match vm.heap.native::<State>(a[0]) {
        Some(state) => state.0.box_clone().finalize().to_vec(),
        None => Vec::new(),
    };
    Ok(vm.heap.bytes(digest))
}

fn copy(vm: &mut Vm, a: &[Value]) -> PyResult {
    let state = match vm.heap.native::<State>(a[0]) {
        Some(state) => state.0.box_clone(),
        None => return Ok(a[0]),
    };
    Ok(wrapped(vm, state))
}

/// A keyed hash ready for its text: RFC 2104.
struct Keyed {
    inner: Box<dyn DynDigest>,
    outer: Box<dyn DynDigest>,
}

impl Keyed {
    fn new(plain: &dyn DynDigest, block_bytes: usize, key: &[u8]) -> Keyed {
        let mut block = vec![0; block_bytes];
        if key.len() > block_bytes {
            let mut hash = plain.box_clone();
            hash.update(key);
            let digest = hash.finalize();
            block[..digest.len()].copy_from_slice(&digest);
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let with = |pad: u8| {
            let mut state = plain.box_clone();
            state.update(&block.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>());
            state
        };
        Keyed {
            inner: with(0x36),
            outer: with(0x5c),
        }
    }

    fn of(&self, parts: &[&[u8]]) -> Box<[u8]> {
        let mut inner = self.inner.box_clone();
        for part in parts {
            inner.update(part);
        }
        let mut outer = self.outer.box_clone();
        outer.update(&inner.finalize());
        outer.finalize()
    }
}

/// How many bytes a hash function works on at once.
fn block_bytes(name: &str) -> usize {
    match name {
        "sha384" | "sha512" | "blake2b" => 128,
        "sha3_224" => 144,
        "sha3_256" => 136,
        "sha3_384" => 104,
        "sha3_512" => 72,
        _ => 64,
    }
}

/// RFC 2898; None for the key if there is no such hash function.
fn pbkdf2(vm: &mut Vm, a: &[Value]) -> PyResult {
    let name = codec::c_text(vm, a[0], ("pbkdf2_hmac", "hash_name"), "str")?;
    let (password, salt) = (data_of(vm, a[1])?, data_of(vm, a[2])?);
    let rounds = args::c_long(vm, a[3])?;
    let Some(plain) = by_name(&name) else {
        return Ok(Value::NONE);
    };
    if rounds < 1 {
        return Err(vm.value_error("iteration value must be greater than 0."));
    }
    if rounds > i64::from(i32::MAX) {
        return Err(vm.overflow_error("iteration value is too great."));
    }
    let length = match a[4].some() {
        Some(v) => args::c_long(vm, v)?,
        None => plain.output_size() as i64,
    };
    if length < 1 {
        return Err(vm.value_error("key length must be greater than 0."));
    }
    if length > i64::from(i32::MAX) {
        return Err(vm.overflow_error("key length is too great."));
    }
    let length = length as usize;
    vm.check_size(length)?;
    let keyed = Keyed::new(plain.as_ref(), block_bytes(&name), &password);
    let mut out = Vec::new();
    let mut number = 1u32;
    while out.len() < length {
        let mut last = keyed.of(&[&salt, &number.to_be_bytes()]);
        let mut sum = last.clone();
        for round in 1..rounds {
            last = keyed.of(&[&last]);
            for (byte, other) in sum.iter_mut().zip(&last) {
                *byte ^= other;
            }
            if (round as u64).is_multiple_of(ROUNDS_PER_TICK) {
                vm.tick()?;
            }
        }
        out.extend_from_slice(&sum);
        number += 1;
        if u64::from(number).is_multiple_of(ROUNDS_PER_TICK) {
            vm.tick()?;
        }
    }
    out.truncate(length);
    Ok(vm.heap.bytes(out))
}
