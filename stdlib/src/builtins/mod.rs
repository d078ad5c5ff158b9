//! The builtin classes' methods and the namespace of builtin names.

pub mod anext;
pub mod bytes;
pub mod class;
pub mod codec;
pub mod construct;
mod descriptor;
pub mod dict;
pub mod exception;
pub mod file;
pub mod float;
pub mod frame;
pub mod function;
pub mod functions;
pub mod generator;
pub mod generic_alias;
pub mod group;
pub mod int;
pub mod isinstance;
pub mod iterator;
mod iterator_state;
pub mod list;
pub mod memoryview;
pub mod module;
pub mod object;
pub mod operators;
pub mod print;
pub mod range;
pub mod set;
pub mod sort;
pub mod str;
pub mod tuple;
pub mod union;
mod without_instances;

use lockstep_runtime::native::ClassDef;
use lockstep_runtime::{B, Kind, N, Value, Vm};

/// What each builtin class has of its own.
static CLASSES: &[(B, &ClassDef)] = &[
    (B::Object, &object::CLASS),
    (B::Type, &class::CLASS),
    (B::NoneType, &object::NONE),
    (B::Ellipsis, &object::ELLIPSIS),
    (B::NotImplemented, &object::NOT_IMPLEMENTED),
    (B::Int, &int::CLASS),
    (B::Bool, &int::BOOL),
    (B::Float, &float::CLASS),
    (B::Str, &str::CLASS),
    (B::Bytes, &bytes::BYTES),
    (B::ByteArray, &bytes::BYTEARRAY),
    (B::List, &list::CLASS),
    (B::Tuple, &tuple::CLASS),
    (B::Dict, &dict::CLASS),
    (B::DictKeys, &dict::KEYS),
    (B::DictValues, &dict::VALUES),
    (B::DictItems, &dict::ITEMS),
    (B::MappingProxy, &dict::PROXY),
    (B::Set, &set::SET),
    (B::FrozenSet, &set::FROZEN),
    (B::Range, &range::CLASS),
    (B::Slice, &range::SLICE),
    (B::Function, &function::FUNCTION),
    (B::Method, &function::METHOD),
    (B::NativeFunction, &function::NATIVE_FUNCTION),
    (B::MethodDescriptor, &function::METHOD_DESCRIPTOR),
    (B::WrapperDescriptor, &function::METHOD_DESCRIPTOR),
    (B::MethodWrapper, &function::NATIVE_FUNCTION),
    (B::Cell, &function::CELL),
    (B::Code, &function::CODE),
    (B::Property, &descriptor::PROPERTY),
    (B::StaticMethod, &descriptor::STATIC),
    (B::ClassMethod, &descriptor::CLASS),
    (B::GetSet, &descriptor::GETSET),
    (B::Member, &descriptor::MEMBER),
    (B::Super, &descriptor::SUPER),
    (B::Module, &module::CLASS),
    (B::Generator, &generator::GENERATOR),
    (B::Coroutine, &generator::COROUTINE),
    (B::AsyncGenerator, &generator::ASYNC_GENERATOR),
    (B::AsyncGenAsend, &generator::ASYNC_OP),
    (B::AsyncGenAthrow, &generator::ASYNC_OP),
    (B::CoroutineWrapper, &generator::COROUTINE_WRAPPER),
    (B::Traceback, &exception::TRACEBACK),
    (B::Enumerate, &iterator::ENUMERATE),
    (B::Zip, &iterator::ZIP),
    (B::Map, &iterator::MAP),
    (B::Filter, &iterator::FILTER),
    (B::Reversed, &iterator::REVERSED),
    (B::BaseException, &exception::BASE),
    (B::StopIteration, &exception::STOP_ITERATION),
    (B::SystemExit, &exception::SYSTEM_EXIT),
    (B::ImportError, &exception::IMPORT_ERROR),
    (B::KeyError, &exception::KEY_ERROR),
    (B::NameError, &exception::NAME_ERROR),
    (B::AttributeError, &exception::ATTRIBUTE_ERROR),
    (B::OSError, &exception::OS_ERROR),
    (B::SyntaxError, &exception::SYNTAX_ERROR),
    (B::UnicodeDecodeError, &exception::UNICODE_DECODE_ERROR),
    (B::UnicodeEncodeError, &exception::UNICODE_ENCODE_ERROR),
    (
        B::UnicodeTranslateError,
        &exception::UNICODE_TRANSLATE_ERROR,
    ),
    (B::BaseExceptionGroup, &group::CLASS),
];

/// The builtin classes that scripts know by name, exceptions aside.
static NAMED: &[B] = &[
    B::Object,
    B::Type,
    B::Int,
    B::Bool,
    B::Float,
    B::Str,
    B::Bytes,
    B::ByteArray,
    B::List,
    B::Tuple,
    B::Dict,
    B::Set,
    B::FrozenSet,
    B::Range,
    B::Slice,
    B::Property,
    B::StaticMethod,
    B::ClassMethod,
    B::Super,
    B::Enumerate,
    B::Zip,
    B::Map,
    B::Filter,
    B::Reversed,
];

/// Gives the builtin classes their methods and fills the builtins' namespace.
pub fn install(vm: &mut Vm) {
    for &(class, def) in CLASSES {
        vm.install(class, def);
    }
    for &class in B::ALL {
        if class.layout() == Kind::Iter && !CLASSES.iter().any(|&(c, _)| c == class) {
            vm.install(class, &iterator::ITERATOR);
        }
        // CPython 3.13 exceptions.c gives each a slot of its own, which messages name.
        let has_two_bases = matches!(
            class,
            B::ExceptionGroup | B::UnsupportedAttribute | B::UnsupportedImport
        );
        if class.layout() == Kind::Exception && !has_two_bases {
            vm.own_native(class, N::init);
            if exception::has_own_new(vm, class) {
                vm.own_native(class, N::new);
            }
        }
    }
    construct::install(vm);
    unhashable(vm);
    modules_of_classes(vm);

    let dict = vm.builtins;
    let module = vm.heap.intern("builtins");
    let set = |vm: &mut Vm, name: &str, value: Value| {
        let name = vm.heap.intern(name);
        vm.heap.ns_set(dict, name, value);
    };
    let name_key = N::name_.text();
    set(vm, name_key, module);
    let doc = vm
        .heap
        .str("Built-in functions, types, exceptions, and other objects.");
    set(vm, N::doc.text(), doc);
    for def in functions::FUNCTIONS {
        let function = vm.native_function(def, module);
        set(vm, def.name, function);
    }
    let complex = without_instances::complex(vm);
    set(vm, "complex", complex);
    let view = memoryview::class(vm);
    set(vm, "memoryview", view);
    for &class in NAMED {
        let value = vm.class(class);
        set(vm, class.name(), value);
    }
    for &class in B::ALL {
        if class.layout() == Kind::Exception && class != B::CancelledError {
            let value = vm.class(class);
            set(vm, class.name(), value);
        }
    }
    let os_error = vm.class(B::OSError);
    for alias in ["IOError", "EnvironmentError"] {
        set(vm, alias, os_error);
    }
    for (name, value) in [
        ("None", Value::NONE),
        ("True", Value::TRUE),
        ("False", Value::FALSE),
        ("Ellipsis", Value::ELLIPSIS),
        ("NotImplemented", Value::NOT_IMPLEMENTED),
        ("__debug__", Value::TRUE),
    ] {
        set(vm, name, value);
    }
    let object = vm.heap.alloc(
        B::Module.shape(),
        lockstep_runtime::object::module::Module { name: module, dict },
    );
    let modules = vm.modules;
    vm.heap.ns_set(modules, module, object);
}

/// Classes with an equality of their own by value, which can change, have no hash.
fn unhashable(vm: &mut Vm) {
    for class in [
        B::List,
        B::Dict,
        B::Set,
        B::ByteArray,
        B::DictKeys,
        B::DictItems,
    ] {
        let class = vm.class(class);
        vm.class_attr_init(class, N::hash.text(), Value::NONE);
        vm.class_changed(class);
    }
}

/// `__module__` of the builtin classes that belong to another module.
fn modules_of_classes(vm: &mut Vm) {
    for (class, module) in [
        (B::CancelledError, "asyncio.exceptions"),
        (B::WeakRef, "weakref"),
    ] {
        let module = vm.heap.intern(module);
        let class = vm.class(class);
        vm.class_attr_init(class, N::module.text(), module);
        vm.class_changed(class);
    }
}
