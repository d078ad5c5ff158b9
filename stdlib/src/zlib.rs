//! `_zlib`: zlib's streams, for the module `zlib`, and its checksums. Takes and gives whole pieces
//! of bytes; what scripts see of it, messages included, is `py/zlib.async`.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use lockstep_runtime::native::{ClassDef, function, method};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

use crate::NativeModule;
use crate::builtins::bytes;

pub static MODULE: NativeModule = NativeModule {
    name: "_zlib",
    functions: &[
        function("adler32(data, value, /)", |vm, a| {
            let data = bytes::data_of(vm, a[0])?;
            let value = low_bits(vm, a[1])?;
            Ok(vm.heap.int(i64::from(adler32(&data, value))))
        }),
        function("crc32(data, value, /)", |vm, a| {
            let data = bytes::data_of(vm, a[0])?;
            let mut hasher = crc32fast::Hasher::new_with_initial(low_bits(vm, a[1])?);
            hasher.update(&data);
            Ok(vm.heap.int(i64::from(hasher.finalize())))
        }),
        function("deflater(level, format, bits, /)", deflater),
        function("inflater(format, bits, /)", inflater),
    ],
    init,
};

/// A compressor.
struct Deflater(Compress);
/// A decompressor.
struct Inflater(Decompress);

/// What a stream of zlib's keeps for itself, about.
const STATE_BYTES: usize = 300_000;

impl Native for Deflater {
    fn trace(&self, _: &mut Marker) {}
    fn external_bytes(&self) -> usize {
        STATE_BYTES
    }
}

impl Native for Inflater {
    fn trace(&self, _: &mut Marker) {}
    fn external_bytes(&self) -> usize {
        STATE_BYTES / 6
    }
}

/// The classes of one VM.
#[derive(Default)]
struct Classes {
    deflater: Option<Value>,
    inflater: Option<Value>,
}

impl Native for Classes {
    fn trace(&self, marker: &mut Marker) {
        for class in [self.deflater, self.inflater].into_iter().flatten() {
            marker.mark(class);
        }
    }
}

static DEFLATER: ClassDef = ClassDef {
    methods: &[
        method("run(self, data, flush, /)", deflate),
        method("set_dictionary(self, data, /)", |vm, a| {
            let data = bytes::data_of(vm, a[1])?;
            let set = vm
                .heap
                .native_mut::<Deflater>(a[0])
                .is_some_and(|state| state.0.set_dictionary(&data).is_ok());
            Ok(Value::bool(set))
        }),
    ],
    attributes: &[],
    doc: "",
};

static INFLATER: ClassDef = ClassDef {
    methods: &[
        method("run(self, data, max_length, /)", inflate),
        method("set_dictionary(self, data, /)", |vm, a| {
            let data = bytes::data_of(vm, a[1])?;
            let set = vm
                .heap
                .native_mut::<Inflater>(a[0])
                .is_some_and(|state| state.0.set_dictionary(&data).is_ok());
            Ok(Value::bool(set))
        }),
    ],
    attributes: &[],
    doc: "",
};

fn init(vm: &mut Vm, _: Value) -> PyResult<()> {
    let object = vm.class(B::Object);
    let deflater = vm.new_native_class("_zlib", "Deflater", object, Kind::Opaque, &DEFLATER);
    vm.ext::<Classes>().deflater = Some(deflater);
    let inflater = vm.new_native_class("_zlib", "Inflater", object, Kind::Opaque, &INFLATER);
    vm.ext::<Classes>().inflater = Some(inflater);
    for class in [deflater, inflater] {
        vm.heap.cell_mut::<Class>(class).is_final = true;
        vm.class_changed(class);
    }
    Ok(())
}

/// The 32 low bits of an int.
fn low_bits(vm: &mut Vm, v: Value) -> PyResult<u32> {
    Ok(vm.index_i64(v)? as u32)
}

/// RFC 1950: two sums modulo the largest prime below 2^16.
fn adler32(data: &[u8], value: u32) -> u32 {
    const MODULUS: u32 = 65_521;
    /// So many bytes can't make the second sum overflow.
    const BLOCK_BYTES: usize = 5552;
    let (mut low, mut high) = (value & 0xffff, value >> 16);
    for block in data.chunks(BLOCK_BYTES) {
        for &byte in block {
            low += u32::from(byte);
            high += low;
        }
        low %= MODULUS;
        high %= MODULUS;
    }
    high << 16 | low
}

/// How a stream is wrapped.
enum Format {
    Zlib,
    Raw,
    Gzip,
}

fn format(vm: &mut Vm, format: Value, bits: Value) -> PyResult<(Format, u8)> {
    let bits = vm.index_i64(bits)?;
    let Some(bits) = u8::try_from(bits)
        .ok()
        .filter(|bits| (9..=15).contains(bits))
    else {
        return Err(vm.value_error("bits of a window are 9 to 15"));
    };
    let format = match vm.index_i64(format)? {
        0 => Format::Zlib,
        1 => Format::Raw,
        _ => Format::Gzip,
    };
    Ok((format, bits))
}

fn deflater(vm: &mut Vm, a: &[Value]) -> PyResult {
    // zlib's level -1 is its level 6.
    let level = u32::try_from(vm.index_i64(a[0])?).unwrap_or(6).min(9);
    let (format, bits) = format(vm, a[1], a[2])?;
    let level = Compression::new(level);
    let state = Deflater(match format {
        Format::Zlib => Compress::new_with_window_bits(level, true, bits),
        Format::Raw => Compress::new_with_window_bits(level, false, bits),
        Format::Gzip => Compress::new_gzip(level, bits),
    });
    let Some(class) = vm.ext::<Classes>().deflater else {
        unreachable!("its module has been made");
    };
    let shape = vm.root_shape(class);
    Ok(vm.heap.opaque(shape, state))
}

fn inflater(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (format, bits) = format(vm, a[0], a[1])?;
    let state = Inflater(match format {
        Format::Zlib => Decompress::new_with_window_bits(true, bits),
        Format::Raw => Decompress::new_with_window_bits(false, bits),
        Format::Gzip => Decompress::new_gzip(bits),
    });
    let Some(class) = vm.ext::<Classes>().inflater else {
        unreachable!("its module has been made");
    };
    let shape = vm.root_shape(class);
    Ok(vm.heap.opaque(shape, state))
}

/// The room that compressed bytes are given, block by block: CPython 3.13 pycore_blocks_output_buffer.h
/// `BUFFER_BLOCK_SIZE`. Bytes that are stored as they are come in pieces of what room there is.
const OUTPUT_BLOCKS_KIB: &[usize] = &[
    32, 64, 256, 1024, 4096, 8192, 16384, 16384, 32768, 32768, 32768, 32768, 65536, 65536, 131_072,
    131_072, 262_144,
];

/// How much room decompressed bytes are given at a time.
const ROOM_BYTES: usize = 64 * 1024;

/// The bytes that come out when these go in; `flush` is zlib's number for how much is held back.
fn deflate(vm: &mut Vm, a: &[Value]) -> PyResult {
    let data = bytes::data_of(vm, a[1])?;
    let flush = match vm.index_i64(a[2])? {
        0 => FlushCompress::None,
        1 => FlushCompress::Partial,
        2 => FlushCompress::Sync,
        3 => FlushCompress::Full,
        _ => FlushCompress::Finish,
    };
    let (mut out, mut at) = (Vec::new(), 0);
    for n_blocks in 0.. {
        let last = OUTPUT_BLOCKS_KIB.len() - 1;
        let room = OUTPUT_BLOCKS_KIB[n_blocks.min(last)] * 1024;
        vm.check_size(out.len() + room)?;
        vm.tick()?;
        let Some(state) = vm.heap.native_mut::<Deflater>(a[0]) else {
            break;
        };
        let start = out.len();
        out.resize(start + room, 0);
        let (taken, given) = (state.0.total_in(), state.0.total_out());
        let Ok(status) = state.0.compress(&data[at..], &mut out[start..], flush) else {
            return Err(vm.value_error("inconsistent stream state"));
        };
        at += (state.0.total_in() - taken) as usize;
        let n = (state.0.total_out() - given) as usize;
        out.truncate(start + n);
        // Done when there was room left, for then nothing waits inside.
        if status == Status::StreamEnd || n < room {
            break;
        }
    }
    out.shrink_to_fit();
    Ok(vm.heap.bytes(out))
}

/// `(bytes, taken, state, error)`: what comes out when these go in, `max_length` bytes at most
/// unless that is 0; how many went in; 1 at the end of the stream, 2 where a dictionary is needed,
/// 3 for a broken stream with zlib's word for it, else 0.
fn inflate(vm: &mut Vm, a: &[Value]) -> PyResult {
    let data = bytes::data_of(vm, a[1])?;
    let max = match usize::try_from(vm.index_i64(a[2])?) {
        Ok(max @ 1..) => max,
        _ => usize::MAX,
    };
    let (mut out, mut at) = (Vec::new(), 0);
    let (mut state_now, mut error) = (0, None);
    while out.len() < max {
        vm.check_size(out.len() + ROOM_BYTES)?;
        vm.tick()?;
        let Some(state) = vm.heap.native_mut::<Inflater>(a[0]) else {
            break;
        };
        let mut piece = vec![0; ROOM_BYTES.min(max - out.len())];
        let (taken, given) = (state.0.total_in(), state.0.total_out());
        let result = state
            .0
            .decompress(&data[at..], &mut piece, FlushDecompress::Sync);
        at += (state.0.total_in() - taken) as usize;
        let n = (state.0.total_out() - given) as usize;
        out.extend_from_slice(&piece[..n]);
        match result {
            Ok(Status::StreamEnd) => state_now = 1,
            Ok(_) if n == piece.len() => continue,
            Ok(_) => {}
            Err(e) if e.needs_dictionary().is_some() => state_now = 2,
            Err(e) => {
                state_now = 3;
                error = e.message().map(String::from);
            }
        }
        break;
    }
    let out = vm.heap.bytes(out);
    vm.root(out);
    let error = match error {
        Some(error) => vm.heap.str(error),
        None => Value::NONE,
    };
    vm.root(error);
    let taken = vm.heap.usize(at);
    Ok(vm.heap.tuple(&[out, taken, Value::small(state_now), error]))
}
