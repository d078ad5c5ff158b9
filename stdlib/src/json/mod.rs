//! `_json`: the scanner and the encoder of module `json`. Neither recurses: what is nested is
//! kept on stacks of their own, whose depth is counted.

mod encode;
mod scan;
mod text;
mod token;

use lockstep_runtime::native::{ClassDef, NativeDef, function, getter, method, static_method};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

use crate::{NativeModule, args};

pub static MODULE: NativeModule = NativeModule {
    name: "_json",
    functions: FUNCTIONS,
    init,
};

const FUNCTIONS: &[NativeDef] = &[
    function("scanstring(string, end, strict=True, /)", scan::scanstring),
    function("encode_basestring(object, /)", |vm, a| {
        text::quoted_value(vm, a[0], false)
    }),
    function("encode_basestring_ascii(object, /)", |vm, a| {
        text::quoted_value(vm, a[0], true)
    }),
];

/// How deep CPython 3.13 nests before it raises RecursionError.
const DEPTH_MAX: usize = 9998;

static SCANNER: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, context)", new_scanner),
        method("__call__(self, /, string, idx)", scan::call),
    ],
    attributes: &[
        getter("strict", |vm, v| Ok(Value::bool(scanner(vm, v)?.strict))),
        getter("object_hook", |vm, v| Ok(scanner(vm, v)?.object_hook)),
        getter("object_pairs_hook", |vm, v| Ok(scanner(vm, v)?.pairs_hook)),
        getter("parse_float", |vm, v| Ok(scanner(vm, v)?.parse_float)),
        getter("parse_int", |vm, v| Ok(scanner(vm, v)?.parse_int)),
        getter("parse_constant", |vm, v| Ok(scanner(vm, v)?.parse_constant)),
    ],
    doc: "JSON scanner object",
};

static ENCODER: ClassDef = ClassDef {
    methods: &[
        static_method(
            "__new__(cls, /, markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)",
            encode::new,
        ),
        method(
            "__call__(self, /, obj, _current_indent_level)",
            encode::call,
        ),
    ],
    attributes: &[],
    doc: "Encoder(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)",
};

/// What a decoder asks for.
#[derive(Clone, Copy)]
struct Scanner {
    strict: bool,
    object_hook: Value,
    pairs_hook: Value,
    parse_float: Value,
    parse_int: Value,
    parse_constant: Value,
}

impl Native for Scanner {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.object_hook, self.pairs_hook, self.parse_float]);
        marker.mark_all(&[self.parse_int, self.parse_constant]);
    }
}

fn scanner(vm: &mut Vm, v: Value) -> PyResult<Scanner> {
    match vm.heap.native::<Scanner>(v) {
        Some(scanner) => Ok(*scanner),
        None => Err(vm.type_error("not a scanner")),
    }
}

fn new_scanner(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mut read = |name: &str| -> PyResult {
        let name = vm.heap.intern(name);
        let value = vm.get_attr(a[1], name)?;
        Ok(vm.root(value))
    };
    let strict = read("strict")?;
    let mut scanner = Scanner {
        strict: true,
        object_hook: read("object_hook")?,
        pairs_hook: read("object_pairs_hook")?,
        parse_float: read("parse_float")?,
        parse_int: read("parse_int")?,
        parse_constant: read("parse_constant")?,
    };
    scanner.strict = vm.truth(strict)?;
    let shape = vm.root_shape(a[0]);
    Ok(vm.heap.opaque(shape, scanner))
}

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    let object = vm.class(B::Object);
    for (name, class_name, def) in [
        ("make_scanner", "Scanner", &SCANNER),
        ("make_encoder", "Encoder", &ENCODER),
    ] {
        let class = vm.new_native_class("_json", class_name, object, Kind::Opaque, def);
        let name = vm.heap.intern(name);
        vm.heap.ns_set(dict, name, class);
    }
    Ok(())
}

/// The TypeError of a first argument that is no str.
fn first_not_str(vm: &mut Vm, v: Value) -> lockstep_runtime::Raised {
    let found = args::shown_type(vm, v);
    vm.type_error(format!("first argument must be a string, not {found}"))
}
