//! `str`.

use lockstep_runtime::native::{ClassDef, NativeDef, method, static_method};
use lockstep_runtime::object::str::Str;
use lockstep_runtime::text::pystr::{PyStr, Side, StrBuilder, clamp_range};
use lockstep_runtime::{B, Kind, PyResult, Value, Vm};

use super::{codec, int, operators as op};
use crate::args;

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method(
            "__new__(cls, object='', encoding='utf-8', errors='strict')",
            new,
        ),
        op::REPR,
        op::HASH,
        op::LEN,
        op::GETITEM,
        op::CONTAINS,
        op::ITER,
        op::ADD,
        op::MUL,
        op::RMUL,
        op::MOD,
        op::RMOD,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
        method("__str__(self, /)", |vm, a| vm.builtin_str(a[0])),
        method("__format__(self, format_spec, /)", int::format),
        method("__getnewargs__(self, /)", getnewargs),
        method("capitalize(self, /)", |vm, a| {
            map(vm, a[0], PyStr::capitalize)
        }),
        method("casefold(self, /)", |vm, a| map(vm, a[0], PyStr::casefold)),
        method("center(self, width, fillchar=' ', /)", |vm, a| {
            justify(vm, a, PyStr::center)
        }),
        method("count(self, sub, start=None, end=None, /)", count),
        method("encode(self, /, encoding='utf-8', errors='strict')", encode),
        method("endswith(self, suffix, start=None, end=None, /)", endswith),
        method("expandtabs(self, /, tabsize=8)", expandtabs),
        method("find(self, sub, start=None, end=None, /)", find),
        method("format(self, /, *args, **kwargs)", format),
        method("format_map(self, mapping, /)", |vm, a| {
            vm.str_format_map(a[0], a[1])
        }),
        method("index(self, sub, start=None, end=None, /)", index),
        method("isalnum(self, /)", |vm, a| {
            Ok(Value::bool(vm.heap.text(a[0]).is_alnum()))
        }),
        method("isalpha(self, /)", |vm, a| {
            Ok(Value::bool(vm.heap.text(a[0]).is_alpha()))
        }),
        method("isascii(self, /)", |vm, a| {
            Ok(Value::bool(vm.heap.text(a[0]).is_ascii()))
        }),
        method("isdecimal(self, /)", |vm, a| {
            Ok(Value::bool(vm.heap.text(a[0]).is_decimal()))
        }),
        method("isdigit(self, /)", |vm, a| {
            Ok(Value::bool(vm.heap.text(a[0]).is_digit()))
        }),
        method("isidentifier(self, /)", |vm, a| {
            Ok(Value::bool(vm.heap.text(a[0]).is_identifier()))
        }),
        method("islower(self, /)", |vm, a| {
            Ok(Value::bool(vm.heap.text(a[0]).is_lower()))
        }),
        method("isnumeric(self, /)", |vm, a| {
            Ok(Value::bool(vm.heap.text(a[0]).is_numeric()))
        }),
        method("isprintable(self, /)", |vm, a| {
            Ok(Value::bool(vm.heap.text(a[0]).is_printable()))
        }),
        method("isspace(self, /)", |vm, a| {
            Ok(Value::bool(vm.heap.text(a[0]).is_space()))
        }),
        method("istitle(self, /)", |vm, a| {
            Ok(Value::bool(vm.heap.text(a[0]).is_title()))
        }),
        method("isupper(self, /)", |vm, a| {
            Ok(Value::bool(vm.heap.text(a[0]).is_upper()))
        }),
        method("join(self, iterable, /)", join),
        method("ljust(self, width, fillchar=' ', /)", |vm, a| {
            justify(vm, a, PyStr::ljust)
        }),
        method("lower(self, /)", |vm, a| map(vm, a[0], PyStr::lower)),
        method("lstrip(self, chars=None, /)", |vm, a| {
            strip(vm, a, Side::Left, "lstrip")
        }),
        MAKETRANS,
        method("partition(self, sep, /)", partition),
        method("removeprefix(self, prefix, /)", removeprefix),
        method("removesuffix(self, suffix, /)", removesuffix),
        method("replace(self, old, new, /, count=-1)", replace),
        method("rfind(self, sub, start=None, end=None, /)", rfind),
        method("rindex(self, sub, start=None, end=None, /)", rindex),
        method("rjust(self, width, fillchar=' ', /)", |vm, a| {
            justify(vm, a, PyStr::rjust)
        }),
        method("rpartition(self, sep, /)", rpartition),
        method("rsplit(self, /, sep=None, maxsplit=-1)", |vm, a| {
            split(vm, a, PyStr::rsplit)
        }),
        method("rstrip(self, chars=None, /)", |vm, a| {
            strip(vm, a, Side::Right, "rstrip")
        }),
        method("split(self, /, sep=None, maxsplit=-1)", |vm, a| {
            split(vm, a, PyStr::split)
        }),
        method("splitlines(self, /, keepends=False)", splitlines),
        method(
            "startswith(self, prefix, start=None, end=None, /)",
            startswith,
        ),
        method("strip(self, chars=None, /)", |vm, a| {
            strip(vm, a, Side::Both, "strip")
        }),
        method("swapcase(self, /)", |vm, a| map(vm, a[0], PyStr::swapcase)),
        method("title(self, /)", |vm, a| map(vm, a[0], PyStr::title)),
        method("translate(self, table, /)", translate),
        method("upper(self, /)", |vm, a| map(vm, a[0], PyStr::upper)),
        method("zfill(self, width, /)", zfill),
    ],
    attributes: &[],
    doc: "str(object='') -> str\nstr(bytes_or_buffer[, encoding[, errors]]) -> str\n\nCreate a new string object from the given object.",
};

const MAKETRANS: NativeDef = static_method("maketrans(x, y=None, z=None, /)", maketrans);

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let text = match (a[1].given(), a[2].given().or(a[3].given())) {
        (None, None) => vm.heap.str(""),
        (None, Some(_)) => {
            codec::arguments(vm, "str", a[2], a[3], 2)?;
            vm.heap.str("")
        }
        (Some(obj), None) => vm.str(obj)?,
        (Some(obj), Some(_)) => {
            let (encoding, errors) = codec::arguments(vm, "str", a[2], a[3], 2)?;
            let Some(data) = vm.bytes_like(obj)? else {
                let message = if vm.heap.as_str(obj).is_some() {
                    String::from("decoding str is not supported")
                } else {
                    format!(
                        "decoding to str: need a bytes-like object, {} found",
                        vm.type_name(obj)
                    )
                };
                return Err(vm.type_error(message));
            };
            let text = codec::decode_bytes(vm, &data, &encoding, &errors)?;
            vm.heap.str(text)
        }
    };
    if a[0] == vm.class(B::Str) {
        return Ok(text);
    }
    let text = vm.heap.text(text).clone();
    let shape = vm.root_shape(a[0]);
    vm.heap.charge(text.heap_bytes());
    Ok(vm.heap.alloc(
        shape,
        Str {
            text,
            interned: false,
        },
    ))
}

fn map(vm: &mut Vm, this: Value, f: fn(&PyStr) -> PyStr) -> PyResult {
    let text = f(vm.heap.text(this));
    Ok(vm.heap.str(text))
}

fn getnewargs(vm: &mut Vm, a: &[Value]) -> PyResult {
    let text = vm.heap.text(a[0]).clone();
    let plain = vm.heap.str(text);
    Ok(vm.heap.tuple(&[plain]))
}

fn justify(vm: &mut Vm, a: &[Value], f: fn(&PyStr, usize, u32) -> PyStr) -> PyResult {
    let width = vm.to_ssize(a[1])?.max(0) as usize;
    let fill = match a[2].given() {
        None => u32::from(b' '),
        Some(fill) => match vm.heap.as_str(fill) {
            Some(text) => match (text.len(), text.char_at(0)) {
                (1, Some(cp)) => cp,
                _ => {
                    return Err(
                        vm.type_error("The fill character must be exactly one character long")
                    );
                }
            },
            None => {
                let message = format!(
                    "The fill character must be a unicode character, not {}",
                    vm.type_name(fill)
                );
                return Err(vm.type_error(message));
            }
        },
    };
    vm.check_size(width)?;
    let text = f(vm.heap.text(a[0]), width, fill);
    Ok(vm.heap.str(text))
}

fn zfill(vm: &mut Vm, a: &[Value]) -> PyResult {
    let width = vm.to_ssize(a[1])?.max(0) as usize;
    vm.check_size(width)?;
    let text = vm.heap.text(a[0]).zfill(width);
    Ok(vm.heap.str(text))
}

/// The bounds of a search, clipped to the text.
fn bounds(vm: &mut Vm, this: Value, start: Value, end: Value) -> PyResult<(usize, usize)> {
    let start = args::bound_or(vm, start, 0)?;
    let end = args::bound_or(vm, end, i64::MAX)?;
    Ok(clamp_range(vm.heap.text(this).len(), start, end))
}

fn needle(vm: &mut Vm, v: Value, name: &str) -> PyResult<()> {
    if vm.heap.as_str(v).is_some() {
        return Ok(());
    }
    let message = format!(
        "{name}() argument 1 must be str, not {}",
        args::shown_type(vm, v)
    );
    Err(vm.type_error(message))
}

fn count(vm: &mut Vm, a: &[Value]) -> PyResult {
    needle(vm, a[1], "count")?;
    let (start, end) = bounds(vm, a[0], a[2], a[3])?;
    let n = vm.heap.text(a[0]).count(vm.heap.text(a[1]), start, end);
    Ok(vm.heap.usize(n))
}

fn search(vm: &mut Vm, a: &[Value], name: &str, last: bool) -> PyResult<Option<usize>> {
    needle(vm, a[1], name)?;
    let (start, end) = bounds(vm, a[0], a[2], a[3])?;
    let (text, sub) = (vm.heap.text(a[0]), vm.heap.text(a[1]));
    Ok(if last {
        text.rfind(sub, start, end)
    } else {
        text.find(sub, start, end)
    })
}

fn find(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(Value::small(
        search(vm, a, "find", false)?.map_or(-1, |at| at as i64),
    ))
}

fn rfind(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(Value::small(
        search(vm, a, "rfind", true)?.map_or(-1, |at| at as i64),
    ))
}

fn index(vm: &mut Vm, a: &[Value]) -> PyResult {
    match search(vm, a, "index", false)? {
        Some(at) => Ok(Value::small(at as i64)),
        None => Err(vm.value_error("substring not found")),
    }
}

fn rindex(vm: &mut Vm, a: &[Value]) -> PyResult {
    match search(vm, a, "rindex", true)? {
        Some(at) => Ok(Value::small(at as i64)),
        None => Err(vm.value_error("substring not found")),
    }
}

/// `startswith` and `endswith`: a str, or a tuple of them.
fn affix(
    vm: &mut Vm,
    a: &[Value],
    name: &str,
    f: fn(&PyStr, &PyStr, usize, usize) -> bool,
) -> PyResult {
    let (start, end) = bounds(vm, a[0], a[2], a[3])?;
    if let Some(items) = vm.heap.as_tuple(a[1]).map(<[Value]>::to_vec) {
        for item in items {
            if vm.heap.as_str(item).is_none() {
                let message = format!(
                    "tuple for {name} must only contain str, not {}",
                    vm.type_name(item)
                );
                return Err(vm.type_error(message));
            }
            if f(vm.heap.text(a[0]), vm.heap.text(item), start, end) {
                return Ok(Value::TRUE);
            }
        }
        return Ok(Value::FALSE);
    }
    if vm.heap.as_str(a[1]).is_none() {
        let message = format!(
            "{name} first arg must be str or a tuple of str, not {}",
            vm.type_name(a[1])
        );
        return Err(vm.type_error(message));
    }
    Ok(Value::bool(f(
        vm.heap.text(a[0]),
        vm.heap.text(a[1]),
        start,
        end,
    )))
}

fn startswith(vm: &mut Vm, a: &[Value]) -> PyResult {
    affix(vm, a, "startswith", PyStr::starts_with)
}

fn endswith(vm: &mut Vm, a: &[Value]) -> PyResult {
    affix(vm, a, "endswith", PyStr::ends_with)
}

fn encode(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (encoding, errors) = codec::arguments(vm, "encode", a[1], a[2], 1)?;
    let data = codec::encode_str(vm, a[0], &encoding, &errors)?;
    Ok(vm.heap.bytes(data))
}

fn expandtabs(vm: &mut Vm, a: &[Value]) -> PyResult {
    let size = match a[1].given() {
        Some(size) => vm.to_c_int(size)?.max(0) as usize,
        None => 8,
    };
    let limit = vm.room();
    match vm.heap.text(a[0]).expand_tabs(size, limit) {
        Ok(text) => Ok(vm.heap.str(text)),
        Err(_) => Err(vm.raise(B::MemoryError, "")),
    }
}

fn format(vm: &mut Vm, a: &[Value]) -> PyResult {
    let given = vm.heap.tuple_items(a[1]).to_vec();
    vm.str_format(a[0], &given, a[2])
}

fn join(vm: &mut Vm, a: &[Value]) -> PyResult {
    let items = args::joined_items(vm, a[1])?;
    let items = vm.heap.as_sequence(items).unwrap_or_default();
    let other = |&item: &Value| vm.heap.as_str(item).is_none();
    if let Some(i) = items.iter().position(other) {
        let found = vm.type_name_within(items[i], 80);
        let message = format!("sequence item {i}: expected str instance, {found} found");
        return Err(vm.type_error(message));
    }
    if let [one] = *items
        && vm.heap.is_exact(one, B::Str)
    {
        return Ok(one);
    }
    let limit = vm.room();
    let joined = PyStr::join(
        vm.heap.text(a[0]),
        items.iter().map(|&v| vm.heap.text(v)),
        limit,
    );
    match joined {
        Ok(text) => Ok(vm.heap.str(text)),
        Err(_) => Err(vm.raise(B::MemoryError, "")),
    }
}

fn strip(vm: &mut Vm, a: &[Value], side: Side, name: &str) -> PyResult {
    let chars = match a[1].some() {
        None => None,
        Some(v) => match vm.heap.as_str(v) {
            Some(text) => Some(text),
            None => {
                return Err(vm.type_error(format!("{name} arg must be None or str")));
            }
        },
    };
    let text = vm.heap.text(a[0]);
    let stripped = text.strip(chars, side);
    if stripped.len() == text.len() && vm.heap.is_exact(a[0], B::Str) {
        return Ok(a[0]);
    }
    Ok(vm.heap.str(stripped))
}

/// A separator: a str that isn't empty.
fn separator(vm: &mut Vm, v: Value) -> PyResult<()> {
    match vm.heap.as_str(v) {
        Some(text) if text.is_empty() => Err(vm.value_error("empty separator")),
        Some(_) => Ok(()),
        None => {
            let message = format!("must be str, not {}", vm.type_name(v));
            Err(vm.type_error(message))
        }
    }
}

fn triple(vm: &mut Vm, before: PyStr, sep: PyStr, after: PyStr) -> Value {
    let parts = [before, sep, after].map(|part| vm.heap.str(part));
    vm.heap.tuple(&parts)
}

fn partition(vm: &mut Vm, a: &[Value]) -> PyResult {
    separator(vm, a[1])?;
    let (text, sep) = (vm.heap.text(a[0]), vm.heap.text(a[1]).clone());
    Ok(match text.partition(&sep) {
        Some((before, after)) => triple(vm, before, sep, after),
        None => {
            let text = text.clone();
            triple(vm, text, PyStr::default(), PyStr::default())
        }
    })
}

fn rpartition(vm: &mut Vm, a: &[Value]) -> PyResult {
    separator(vm, a[1])?;
    let (text, sep) = (vm.heap.text(a[0]), vm.heap.text(a[1]).clone());
    Ok(match text.rpartition(&sep) {
        Some((before, after)) => triple(vm, before, sep, after),
        None => {
            let text = text.clone();
            triple(vm, PyStr::default(), PyStr::default(), text)
        }
    })
}

fn removeprefix(vm: &mut Vm, a: &[Value]) -> PyResult {
    let prefix = args::only_text(vm, "removeprefix", a[1])?;
    let text = vm.heap.text(a[0]).remove_prefix(&prefix);
    Ok(vm.heap.str(text))
}

fn removesuffix(vm: &mut Vm, a: &[Value]) -> PyResult {
    let suffix = args::only_text(vm, "removesuffix", a[1])?;
    let text = vm.heap.text(a[0]).remove_suffix(&suffix);
    Ok(vm.heap.str(text))
}

fn replace(vm: &mut Vm, a: &[Value]) -> PyResult {
    let old = args::text(vm, "replace", 1, a[1])?;
    let new = args::text(vm, "replace", 2, a[2])?;
    let count = usize::try_from(args::ssize_or(vm, a[3], -1)?).ok();
    let limit = vm.room();
    match vm.heap.text(a[0]).replace(&old, &new, count, limit) {
        Ok(Some(text)) => Ok(vm.heap.str(text)),
        Ok(None) => vm.builtin_str(a[0]),
        Err(_) => Err(vm.raise(B::MemoryError, "")),
    }
}

fn split(
    vm: &mut Vm,
    a: &[Value],
    f: fn(&PyStr, Option<&PyStr>, Option<usize>) -> Vec<PyStr>,
) -> PyResult {
    let limit = usize::try_from(args::ssize_or(vm, a[2], -1)?).ok();
    let sep = match a[1].some() {
        None => None,
        Some(v) => {
            match vm.heap.as_str(v) {
                Some(text) if text.is_empty() => return Err(vm.value_error("empty separator")),
                Some(_) => {}
                None => {
                    let message = format!("must be str or None, not {}", args::shown_type(vm, v));
                    return Err(vm.type_error(message));
                }
            }
            Some(vm.heap.text(v))
        }
    };
    let parts = f(vm.heap.text(a[0]), sep, limit);
    let parts = parts.into_iter().map(|part| vm.heap.str(part)).collect();
    Ok(vm.heap.list(parts))
}

fn splitlines(vm: &mut Vm, a: &[Value]) -> PyResult {
    let keep = args::flag_or(vm, a[1], false)?;
    let lines = vm.heap.text(a[0]).split_lines(keep);
    let lines = lines.into_iter().map(|line| vm.heap.str(line)).collect();
    Ok(vm.heap.list(lines))
}

fn maketrans(vm: &mut Vm, a: &[Value]) -> PyResult {
    let table = vm.heap.dict();
    vm.root(table);
    let Some(y) = a[1].given() else {
        if vm.heap.kind(a[0]) != Some(Kind::Dict) {
            return Err(
                vm.type_error("if you give only one argument to maketrans it must be a dict")
            );
        }
        for (key, value) in vm.heap.dict_entries(a[0]) {
            let key = match vm.heap.as_str(key) {
                Some(text) => match (text.len(), text.char_at(0)) {
                    (1, Some(cp)) => Value::small(i64::from(cp)),
                    _ => {
                        return Err(
                            vm.value_error("string keys in translate table must be of length 1")
                        );
                    }
                },
                None if vm.heap.is_int(key) => key,
                None => {
                    return Err(
                        vm.type_error("keys in translate table must be strings or integers")
                    );
                }
            };
            vm.dict_set(table, key, value)?;
        }
        return Ok(table);
    };
    let to = args::text(vm, "maketrans", 2, y)?;
    let gone = match a[2].given() {
        Some(z) => Some(args::text(vm, "maketrans", 3, z)?),
        None => None,
    };
    let Some(from) = vm.heap.as_str(a[0]).cloned() else {
        return Err(vm.type_error(
            "first maketrans argument must be a string if there is a second argument",
        ));
    };
    if from.len() != to.len() {
        return Err(vm.value_error("the first two maketrans arguments must have equal length"));
    }
    for (x, y) in from.chars().zip(to.chars()) {
        vm.dict_set(
            table,
            Value::small(i64::from(x)),
            Value::small(i64::from(y)),
        )?;
    }
    if let Some(gone) = gone {
        for cp in gone.chars() {
            vm.dict_set(table, Value::small(i64::from(cp)), Value::NONE)?;
        }
    }
    Ok(table)
}

fn translate(vm: &mut Vm, a: &[Value]) -> PyResult {
    let text = vm.heap.text(a[0]).clone();
    let mut out = StrBuilder::with_capacity(text.len());
    for cp in text.chars() {
        let key = Value::small(i64::from(cp));
        let found = if vm.heap.is_exact(a[1], B::Dict) {
            vm.dict_get(a[1], key)?
        } else {
            match vm.get_item(a[1], key) {
                Ok(v) => Some(v),
                Err(raised) if vm.is_instance_of(raised.0, B::LookupError) => None,
                Err(raised) => return Err(raised),
            }
        };
        match found {
            None => out.push_cp(cp),
            Some(v) if v.is_none() => {}
            Some(v) => {
                if let Some(text) = vm.heap.as_str(v) {
                    out.push(text);
                } else if vm.heap.is_int(v) {
                    let cp = vm.heap.as_i64(v).and_then(|n| u32::try_from(n).ok());
                    match cp.and_then(PyStr::from_code_point) {
                        Some(c) => out.push(&c),
                        None => {
                            return Err(
                                vm.value_error("character mapping must be in range(0x110000)")
                            );
                        }
                    }
                } else {
                    return Err(vm.type_error("character mapping must return integer, None or str"));
                }
            }
        }
    }
    Ok(vm.heap.str(out.finish()))
}
