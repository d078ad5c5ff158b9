//! `_string`: a template of `str.format` taken apart, for `string.Formatter`.
//! Looks nothing up.

use lockstep_runtime::native::{ClassDef, function, method};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::text::pystr::{PyStr, StrBuilder};
use lockstep_runtime::text::strformat::{Accessor, FieldName, First, Numbering, Template};
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

use crate::NativeModule;

pub static MODULE: NativeModule = NativeModule {
    name: "_string",
    functions: &[
        function("formatter_parser(format_string, /)", parser),
        function("formatter_field_name_split(field_name, /)", split),
    ],
    init,
};

/// The pieces still to come.
struct Pieces(Template);

impl Native for Pieces {
    fn trace(&self, _: &mut Marker) {}
}

/// The iterator's class, by VM.
#[derive(Default)]
struct Class(Option<Value>);

impl Native for Class {
    fn trace(&self, marker: &mut Marker) {
        if let Some(class) = self.0 {
            marker.mark(class);
        }
    }
}

static ITER: ClassDef = ClassDef {
    methods: &[
        method("__iter__(self, /)", |_, a| Ok(a[0])),
        method("__next__(self, /)", next),
    ],
    attributes: &[],
    doc: "",
};

fn init(vm: &mut Vm, _: Value) -> PyResult<()> {
    let object = vm.class(B::Object);
    let class = vm.new_native_class("_string", "formatteriterator", object, Kind::Opaque, &ITER);
    vm.ext::<Class>().0 = Some(class);
    Ok(())
}

fn text_of(vm: &mut Vm, v: Value) -> PyResult<PyStr> {
    match vm.heap.as_str(v) {
        Some(text) => Ok(text.clone()),
        None => {
            let found = vm.type_name(v);
            Err(vm.type_error(format!("expected str, got {found}")))
        }
    }
}

fn parser(vm: &mut Vm, a: &[Value]) -> PyResult {
    let template = Template::new(&text_of(vm, a[0])?);
    let Some(class) = vm.ext::<Class>().0 else {
        return Err(vm.runtime_error("_string is not there yet"));
    };
    let shape = vm.root_shape(class);
    Ok(vm.heap.opaque(shape, Pieces(template)))
}

/// `(literal, name, spec, conversion)`; the last three None without a field.
fn next(vm: &mut Vm, a: &[Value]) -> PyResult {
    let piece = match vm.heap.native_mut::<Pieces>(a[0]) {
        Some(pieces) => pieces.0.next(),
        None => None,
    };
    let piece = match piece {
        None => return Err(vm.stop_iteration(Value::NONE)),
        Some(Err(message)) => return Err(vm.value_error(message)),
        Some(Ok(piece)) => piece,
    };
    let literal = vm.heap.str(piece.literal);
    let mut parts = [literal, Value::NONE, Value::NONE, Value::NONE];
    if let Some(field) = piece.field {
        parts[1] = vm.heap.str(field.name);
        parts[2] = vm.heap.str(field.spec);
        if let Some(cp) = field.conversion {
            let mut text = StrBuilder::new();
            text.push_cp(cp);
            parts[3] = vm.heap.str(text.finish());
        }
    }
    Ok(vm.heap.tuple(&parts))
}

/// `(first, [(is_attribute, name), …])`
fn split(vm: &mut Vm, a: &[Value]) -> PyResult {
    let text = text_of(vm, a[0])?;
    let empty = text.is_empty() || matches!(text.char_at(0), Some(0x2e | 0x5b));
    let name = match FieldName::parse(&text, &mut Numbering::Open) {
        Ok(name) => name,
        Err(message) => return Err(vm.value_error(message)),
    };
    let first = match &name.first {
        // A field without a name has not been numbered yet.
        _ if empty => vm.heap.str(""),
        First::Index(index) => vm.heap.usize(*index),
        First::Key(key) => vm.heap.str(key.clone()),
    };
    let mut steps = Vec::new();
    for accessor in name {
        let (attribute, key) = match accessor {
            Err(message) => return Err(vm.value_error(message)),
            Ok(Accessor::Attribute(name)) => (true, vm.heap.str(name)),
            Ok(Accessor::Key(key)) => (false, vm.heap.str(key)),
            Ok(Accessor::Index(index)) => (false, vm.heap.usize(index)),
        };
        steps.push(vm.heap.tuple(&[Value::bool(attribute), key]));
    }
    let steps = vm.heap.list(steps);
    vm.root(steps);
    let steps = vm.iter(steps)?;
    Ok(vm.heap.tuple(&[first, steps]))
}
