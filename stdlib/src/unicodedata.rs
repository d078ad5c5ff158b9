//! `unicodedata`: names of characters and normal forms. Takes and gives texts; categories, widths
//! and decompositions of single characters are not there.

use lockstep_runtime::native::function;
use lockstep_runtime::text::pystr::{PyStr, StrBuilder};
use lockstep_runtime::text::unicode;
use lockstep_runtime::{B, PyResult, Value, Vm};
use unicode_normalization::UnicodeNormalization;

use crate::NativeModule;
use crate::args;
use crate::builtins::codec;

/// CPython 3.13 unicodedata.c `NAME_MAXLEN`.
const NAME_BYTES_MAX: usize = 256;

pub static MODULE: NativeModule = NativeModule {
    name: "unicodedata",
    functions: &[
        function("lookup(name, /)", lookup),
        function("name(chr, default=None, /)", name),
        function("decimal(chr, default=None, /)", decimal),
        function("normalize(form, unistr, /)", normalize),
        function("is_normalized(form, unistr, /)", is_normalized),
    ],
    init,
};

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    let (key, version) = (vm.heap.intern("unidata_version"), vm.heap.str("15.1.0"));
    vm.heap.ns_set(dict, key, version);
    Ok(())
}

fn text_arg(vm: &mut Vm, v: Value, what: &str) -> PyResult<PyStr> {
    match vm.heap.as_str(v) {
        Some(text) => Ok(text.clone()),
        None => {
            let found = args::shown_type(vm, v);
            Err(vm.type_error(format!("{what} must be str, not {found}")))
        }
    }
}

/// The code point of a text of one.
fn char_arg(vm: &mut Vm, v: Value, function: &str) -> PyResult<u32> {
    let text = vm.heap.as_str(v).filter(|text| text.len() == 1);
    if let Some(code_point) = text.and_then(|text| text.char_at(0)) {
        return Ok(code_point);
    }
    let found = args::shown_type(vm, v);
    Err(vm.type_error(format!(
        "{function}() argument 1 must be a unicode character, not {found}"
    )))
}

fn lookup(vm: &mut Vm, a: &[Value]) -> PyResult {
    text_arg(vm, a[0], "lookup() argument")?;
    let text = codec::utf8(vm, a[0])?;
    if text.len() > NAME_BYTES_MAX {
        let message = vm.heap.str("name too long");
        return Err(vm.key_error(message));
    }
    match unicode_names2::character(&text) {
        Some(c) => Ok(vm
            .heap
            .str(PyStr::from_code_point(c as u32).unwrap_or_default())),
        None => {
            let shown = text.split('\0').next().unwrap_or_default();
            let message = format!("undefined character name '{shown}'");
            let message = vm.heap.str(message);
            Err(vm.key_error(message))
        }
    }
}

fn name(vm: &mut Vm, a: &[Value]) -> PyResult {
    let cp = char_arg(vm, a[0], "name")?;
    match char::from_u32(cp).and_then(unicode_names2::name) {
        Some(name) => Ok(vm.heap.str(name.to_string().as_str())),
        None => or_default(vm, a[1], "no such name"),
    }
}

fn decimal(vm: &mut Vm, a: &[Value]) -> PyResult {
    let cp = char_arg(vm, a[0], "decimal")?;
    match unicode::decimal_value(cp) {
        Some(n) => Ok(Value::small(i64::from(n))),
        None => or_default(vm, a[1], "not a decimal"),
    }
}

fn or_default(vm: &mut Vm, default: Value, message: &str) -> PyResult {
    match default.given() {
        Some(default) => Ok(default),
        None => Err(vm.raise(B::ValueError, message)),
    }
}

fn normalize(vm: &mut Vm, a: &[Value]) -> PyResult {
    let made = normalized(vm, a)?;
    Ok(vm.heap.str(made))
}

fn is_normalized(vm: &mut Vm, a: &[Value]) -> PyResult {
    let made = normalized(vm, a)?;
    let same = vm.heap.as_str(a[1]).is_some_and(|text| *text == made);
    Ok(Value::bool(same))
}

/// The text in a normal form. Lone surrogates stay, and part what stands around them.
fn normalized(vm: &mut Vm, a: &[Value]) -> PyResult<PyStr> {
    let form = text_arg(vm, a[0], "normalize() argument 1")?.to_lossy();
    let text = text_arg(vm, a[1], "normalize() argument 2")?;
    let form: fn(&str) -> String = match form.as_str() {
        "NFC" => |piece| piece.nfc().collect(),
        "NFD" => |piece| piece.nfd().collect(),
        "NFKC" => |piece| piece.nfkc().collect(),
        "NFKD" => |piece| piece.nfkd().collect(),
        _ => return Err(vm.value_error("invalid normalization form")),
    };
    let (mut out, mut piece) = (StrBuilder::new(), String::new());
    for cp in text.chars() {
        match char::from_u32(cp) {
            Some(c) => piece.push(c),
            None => {
                out.push_str(&form(&piece));
                piece.clear();
                out.push_cp(cp);
            }
        }
    }
    out.push_str(&form(&piece));
    Ok(out.finish())
}
