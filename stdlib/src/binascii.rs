//! `binascii`: bytes as ASCII text and back: hexadecimal, base64, uuencode, checksums. Takes whole
//! pieces of bytes and gives whole pieces; it keeps nothing between calls.

use lockstep_runtime::native::function;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{B, Marker, N, PyResult, Raised, Value, Vm};
use num_bigint::BigInt;

use crate::NativeModule;
use crate::args;
use crate::builtins::bytes;

pub static MODULE: NativeModule = NativeModule {
    name: "binascii",
    functions: &[
        function("a2b_base64(data, /, *, strict_mode=False)", a2b_base64),
        function("a2b_hex(hexstr, /)", unhexlify),
        function("a2b_uu(data, /)", a2b_uu),
        function("b2a_base64(data, /, *, newline=True)", b2a_base64),
        function("b2a_hex(data, sep=None, bytes_per_sep=1)", hexlify),
        function("b2a_uu(data, /, *, backtick=False)", b2a_uu),
        function("crc32(data, crc=0, /)", crc32),
        function("crc_hqx(data, crc, /)", crc_hqx),
        function("hexlify(data, sep=None, bytes_per_sep=1)", hexlify),
        function("unhexlify(hexstr, /)", unhexlify),
    ],
    init,
};

/// The exception of one VM.
#[derive(Default)]
struct Error(Option<Value>);

impl Native for Error {
    fn trace(&self, marker: &mut Marker) {
        if let Some(class) = self.0 {
            marker.mark(class);
        }
    }
}

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    for (name, base) in [("Error", B::ValueError), ("Incomplete", B::Exception)] {
        let name = vm.heap.intern(name);
        let (ns, module) = (vm.heap.dict(), vm.heap.intern("binascii"));
        let module_key = vm.n(N::module);
        vm.heap.ns_set(ns, module_key, module);
        vm.root(ns);
        let (meta, base_class) = (vm.class(B::Type), vm.class(base));
        let class = vm.new_class(meta, name, &[base_class], ns, &[])?;
        vm.heap.ns_set(dict, name, class);
        if base == B::ValueError {
            vm.ext::<Error>().0 = Some(class);
        }
    }
    Ok(())
}

/// A `binascii.Error`.
#[cold]
fn error(vm: &mut Vm, message: &str) -> Raised {
    let Some(class) = vm.ext::<Error>().0 else {
        unreachable!("its module has been made");
    };
    let message = vm.heap.str(message);
    match vm.call(class, &[message]) {
        Ok(exception) => vm.raise_given(exception),
        Err(raised) => raised,
    }
}

/// The bytes of an ASCII text or of a bytes-like object.
fn ascii(vm: &mut Vm, v: Value) -> PyResult<Vec<u8>> {
    if let Some(text) = vm.heap.as_str(v) {
        if text.is_ascii() {
            return Ok(text.to_lossy().into_bytes());
        }
        return Err(vm.value_error("string argument should contain only ASCII characters"));
    }
    if let Some(data) = vm.bytes_or_none(v) {
        return Ok(data);
    }
    let found = vm.type_name_within(v, 100);
    Err(vm.type_error(format!(
        "argument should be bytes, buffer or ASCII string, not '{found}'"
    )))
}

// ---- hexadecimal -------------------------------------------------------------------

fn hexlify(vm: &mut Vm, a: &[Value]) -> PyResult {
    let data = bytes::data_of(vm, a[0])?;
    let digits = bytes::hex_digits(vm, &data, a[1], a[2], u8::MAX)?;
    Ok(vm.heap.bytes(digits))
}

fn unhexlify(vm: &mut Vm, a: &[Value]) -> PyResult {
    let text = ascii(vm, a[0])?;
    if !text.len().is_multiple_of(2) {
        return Err(error(vm, "Odd-length string"));
    }
    let mut out = Vec::with_capacity(text.len() / 2);
    for pair in text.chunks_exact(2) {
        let (high, low) = (HEX_VALUES[pair[0] as usize], HEX_VALUES[pair[1] as usize]);
        if high == NO_DIGIT || low == NO_DIGIT {
            return Err(error(vm, "Non-hexadecimal digit found"));
        }
        out.push(high << 4 | low);
    }
    Ok(vm.heap.bytes(out))
}

/// The value of what is no digit.
pub const NO_DIGIT: u8 = 255;

/// The values that an alphabet's digits have.
pub const fn values(alphabet: &[u8]) -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut i = 0;
    while i < alphabet.len() {
        values[alphabet[i] as usize] = i as u8;
        i += 1;
    }
    values
}

static HEX_VALUES: [u8; 256] = {
    let mut values = values(b"0123456789abcdef");
    let mut i = 10;
    while i < 16 {
        values[b"ABCDEF"[i - 10] as usize] = i as u8;
        i += 1;
    }
    values
};

// ---- base64 ------------------------------------------------------------------------

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static BASE64_VALUES: [u8; 256] = values(BASE64);

fn b2a_base64(vm: &mut Vm, a: &[Value]) -> PyResult {
    let data = bytes::data_of(vm, a[0])?;
    let newline = args::flag_or(vm, a[1], true)?;
    let n_bytes = data.len().div_ceil(3) * 4 + 1;
    vm.check_size(n_bytes)?;
    let mut out = Vec::with_capacity(n_bytes);
    let digit = |n: u32| BASE64[(n & 63) as usize];
    let pieces = data.chunks_exact(3);
    let rest = pieces.remainder();
    for piece in pieces {
        let n = u32::from_be_bytes([0, piece[0], piece[1], piece[2]]);
        out.extend_from_slice(&[digit(n >> 18), digit(n >> 12), digit(n >> 6), digit(n)]);
    }
    match *rest {
        [x] => {
            let n = u32::from(x) << 4;
            out.extend_from_slice(&[digit(n >> 6), digit(n), b'=', b'=']);
        }
        [x, y] => {
            let n = (u32::from(x) << 8 | u32::from(y)) << 2;
            out.extend_from_slice(&[digit(n >> 12), digit(n >> 6), digit(n), b'=']);
        }
        _ => {}
    }
    if newline {
        out.push(b'\n');
    }
    Ok(vm.heap.bytes(out))
}

fn a2b_base64(vm: &mut Vm, a: &[Value]) -> PyResult {
    let text = ascii(vm, a[0])?;
    let strict = args::flag_or(vm, a[1], false)?;
    match from_base64(&text, strict) {
        Ok(out) => Ok(vm.heap.bytes(out)),
        Err(message) => Err(error(vm, &message)),
    }
}

/// The bytes of base64; what is none of it is passed over, unless strict.
fn from_base64(text: &[u8], strict: bool) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    if strict && text.first() == Some(&b'=') {
        return Err(String::from("Leading padding not allowed"));
    }
    // Of four digits the `n` that are there, and what bits of them are not yet given.
    let (mut n, mut bits) = (0, 0);
    let mut n_pads = 0;
    let mut at = 0;
    while at < text.len() {
        if n == 0 && n_pads == 0 {
            at += whole_groups(&text[at..], &mut out);
            if at == text.len() {
                break;
            }
        }
        let c = text[at];
        at += 1;
        if c == b'=' {
            n_pads += 1;
            if n >= 2 && n + n_pads >= 4 {
                // A full group: what follows is no part of the text.
                if strict && at < text.len() {
                    return Err(String::from("Excess data after padding"));
                }
                return Ok(out);
            }
            // CPython 3.13 binascii.c a2b_base64: padding after whole groups is told apart.
            if strict && n == 0 {
                return Err(String::from("Excess padding not allowed"));
            }
            continue;
        }
        let value = BASE64_VALUES[c as usize];
        if value == NO_DIGIT {
            if strict {
                return Err(String::from("Only base64 data is allowed"));
            }
            continue;
        }
        if strict && n_pads > 0 {
            return Err(String::from("Discontinuous padding not allowed"));
        }
        n_pads = 0;
        match n {
            0 => {}
            1 => out.push(bits << 2 | value >> 4),
            2 => out.push(bits << 4 | value >> 2),
            _ => out.push(bits << 6 | value),
        }
        bits = value;
        n = (n + 1) % 4;
    }
    match n {
        0 => Ok(out),
        1 => {
            let n_digits = out.len() / 3 * 4 + 1;
            Err(format!(
                "Invalid base64-encoded string: number of data characters ({n_digits}) cannot be 1 \
                 more than a multiple of 4"
            ))
        }
        _ => Err(String::from("Incorrect padding")),
    }
}

/// Decodes groups of four digits as long as there is nothing else; says how much of the text they
/// are.
fn whole_groups(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut n_taken = 0;
    for group in text.chunks_exact(4) {
        let [x, y, z, w] =
            [group[0], group[1], group[2], group[3]].map(|c| u32::from(BASE64_VALUES[c as usize]));
        // No digit's value has either of these bits.
        if (x | y | z | w) & 0xc0 != 0 {
            break;
        }
        let bytes = (x << 18 | y << 12 | z << 6 | w).to_be_bytes();
        out.extend_from_slice(&bytes[1..]);
        n_taken += 4;
    }
    n_taken
}

// ---- uuencode ----------------------------------------------------------------------

/// A line holds so many bytes at most.
const UU_LINE_BYTES: usize = 45;

fn a2b_uu(vm: &mut Vm, a: &[Value]) -> PyResult {
    let text = ascii(vm, a[0])?;
    // CPython 3.13 binascii.c a2b_uu: of no text at all the first byte is the NUL behind it.
    let (&first, rest) = text.split_first().unwrap_or((&0, &[]));
    let n_bytes = usize::from(first.wrapping_sub(b' ') & 63);
    let mut out = Vec::with_capacity(n_bytes);
    let (mut bits, mut n_bits) = (0u32, 0);
    let mut at = 0;
    while out.len() < n_bytes {
        // Lines are cut short where they end in zeros.
        let value = match rest.get(at) {
            None | Some(b'\n' | b'\r') => 0,
            Some(&c @ b' '..=b'`') => (c - b' ') & 63,
            Some(_) => return Err(error(vm, "Illegal char")),
        };
        at += 1;
        bits = bits << 6 | u32::from(value);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            out.push((bits >> n_bits) as u8);
            bits &= (1 << n_bits) - 1;
        }
    }
    let behind = rest.get(at..).unwrap_or_default();
    if behind.iter().any(|c| !b" `\n\r".contains(c)) {
        return Err(error(vm, "Trailing garbage"));
    }
    Ok(vm.heap.bytes(out))
}

fn b2a_uu(vm: &mut Vm, a: &[Value]) -> PyResult {
    let data = bytes::data_of(vm, a[0])?;
    let backtick = args::flag_or(vm, a[1], false)?;
    if data.len() > UU_LINE_BYTES {
        return Err(error(vm, "At most 45 bytes at once"));
    }
    let digit = |n: usize| match (n & 63) as u8 {
        0 if backtick => b'`',
        n => n + b' ',
    };
    let mut out = vec![digit(data.len())];
    for piece in data.chunks(3) {
        let byte = |i: usize| usize::from(*piece.get(i).unwrap_or(&0));
        let n = byte(0) << 16 | byte(1) << 8 | byte(2);
        out.extend_from_slice(&[digit(n >> 18), digit(n >> 12), digit(n >> 6), digit(n)]);
    }
    out.push(b'\n');
    Ok(vm.heap.bytes(out))
}

// ---- checksums ---------------------------------------------------------------------

fn crc32(vm: &mut Vm, a: &[Value]) -> PyResult {
    let data = bytes::data_of(vm, a[0])?;
    let start = match a[1].given() {
        Some(v) => low_bits(vm, v)?,
        None => 0,
    };
    let mut hasher = crc32fast::Hasher::new_with_initial(start);
    hasher.update(&data);
    Ok(vm.heap.int(i64::from(hasher.finalize())))
}

/// CRC-CCITT, most significant bit first.
fn crc_hqx(vm: &mut Vm, a: &[Value]) -> PyResult {
    let data = bytes::data_of(vm, a[0])?;
    let mut crc = low_bits(vm, a[1])? as u16;
    for &byte in &data {
        crc = crc << 8 ^ CCITT[usize::from((crc >> 8) as u8 ^ byte)];
    }
    Ok(Value::small(i64::from(crc)))
}

static CCITT: [u16; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = (i as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            let carry = crc & 0x8000 != 0;
            crc <<= 1;
            if carry {
                crc ^= 0x1021;
            }
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
};

/// The 32 low bits of an int of any size.
fn low_bits(vm: &mut Vm, v: Value) -> PyResult<u32> {
    let n = vm.index(v)?;
    if let Some(n) = vm.heap.as_i64(n) {
        return Ok(n as u32);
    }
    let low = vm.heap.as_big(n).unwrap_or_default() & BigInt::from(u32::MAX);
    Ok(u32::try_from(low).unwrap_or(0))
}
