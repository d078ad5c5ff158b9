//! Functions: of scripts and of Rust, bound methods, code objects and cells.

use lockstep_runtime::native::{
    ClassDef, DefKind, GetSetDef, NativeDef, attribute, getter, method, static_method,
};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::function::{Cell, CodeObject, Function, Method, Native};
use lockstep_runtime::{B, Kind, PyResult, Value, Vm};

use super::{descriptor, iterator_state, object, operators as op};
use crate::args;

pub static FUNCTION: ClassDef = ClassDef {
    methods: &[
        op::REPR,
        method("__get__(self, instance, owner=None, /)", get),
        method("__call__(self, /, *args, **kwargs)", call),
    ],
    attributes: &[
        attribute(
            "__name__",
            |vm, this| Ok(vm.heap.cell::<Function>(this).name),
            |vm, this, v| {
                check_str(vm, v, "__name__ must be set to a string object")?;
                vm.heap.cell_mut::<Function>(this).name = v;
                Ok(())
            },
        ),
        attribute(
            "__qualname__",
            |vm, this| Ok(vm.heap.cell::<Function>(this).qualname),
            |vm, this, v| {
                check_str(vm, v, "__qualname__ must be set to a string object")?;
                vm.heap.cell_mut::<Function>(this).qualname = v;
                Ok(())
            },
        ),
        attribute(
            "__doc__",
            |vm, this| Ok(vm.function_doc(this)),
            |vm, this, v| {
                vm.heap.cell_mut::<Function>(this).doc = v.given().unwrap_or(Value::NONE);
                Ok(())
            },
        ),
        attribute(
            "__module__",
            |vm, this| Ok(vm.heap.cell::<Function>(this).module),
            |vm, this, v| {
                vm.heap.cell_mut::<Function>(this).module = v.given().unwrap_or(Value::NONE);
                Ok(())
            },
        ),
        attribute(
            "__defaults__",
            |vm, this| Ok(vm.heap.cell::<Function>(this).defaults),
            |vm, this, v| {
                let v = v.given().unwrap_or(Value::NONE);
                if !v.is_none() && vm.heap.kind(v) != Some(Kind::Tuple) {
                    return Err(vm.type_error("__defaults__ must be set to a tuple object"));
                }
                vm.heap.cell_mut::<Function>(this).defaults = v;
                Ok(())
            },
        ),
        attribute(
            "__kwdefaults__",
            |vm, this| Ok(vm.heap.cell::<Function>(this).kwdefaults),
            |vm, this, v| {
                let v = v.given().unwrap_or(Value::NONE);
                if !v.is_none() && vm.heap.kind(v) != Some(Kind::Dict) {
                    return Err(vm.type_error("__kwdefaults__ must be set to a dict object"));
                }
                vm.heap.cell_mut::<Function>(this).kwdefaults = v;
                Ok(())
            },
        ),
        attribute("__annotations__", annotations, set_annotations),
        attribute("__type_params__", type_params, set_type_params),
        attribute(
            "__code__",
            |vm, this| Ok(vm.heap.cell::<Function>(this).code),
            |vm, _, _| {
                Err(vm.unsupported(
                    "a function's code object can't be replaced: define a new function",
                ))
            },
        ),
        getter("__globals__", |vm, this| {
            let code = vm.heap.cell::<Function>(this).code;
            Ok(vm.heap.cell::<CodeObject>(code).globals)
        }),
        getter("__builtins__", |vm, _| Ok(vm.builtins)),
        getter("__closure__", closure),
    ],
    doc: "Create a function object.",
};

fn check_str(vm: &mut Vm, v: Value, message: &str) -> PyResult<()> {
    if vm.heap.as_str(v).is_some() {
        Ok(())
    } else {
        Err(vm.type_error(message))
    }
}

fn get(vm: &mut Vm, a: &[Value]) -> PyResult {
    descriptor::check_get(vm, a)?;
    if a[1].is_none() {
        return Ok(a[0]);
    }
    Ok(vm.new_method(a[0], a[1]))
}

/// Calls `a[0]` with the tuple `a[1]` and dict `a[2]`.
fn call(vm: &mut Vm, a: &[Value]) -> PyResult {
    let given = vm.heap.tuple_items(a[1]).to_vec();
    let keywords = args::keywords(vm, a[2])?;
    vm.call_kw(a[0], &given, &keywords)
}

fn annotations(vm: &mut Vm, this: Value) -> PyResult {
    let f = vm.heap.cell::<Function>(this);
    if !f.annotations.is_none() {
        return Ok(f.annotations);
    }
    let dict = vm.heap.dict();
    vm.heap.cell_mut::<Function>(this).annotations = dict;
    Ok(dict)
}

fn set_annotations(vm: &mut Vm, this: Value, v: Value) -> PyResult<()> {
    let v = v.given().unwrap_or(Value::NONE);
    if !v.is_none() && vm.heap.kind(v) != Some(Kind::Dict) {
        return Err(vm.type_error("__annotations__ must be set to a dict object"));
    }
    vm.heap.cell_mut::<Function>(this).annotations = v;
    Ok(())
}

fn type_params(vm: &mut Vm, this: Value) -> PyResult {
    let params = vm.heap.cell::<Function>(this).type_params;
    Ok(if params.is_none() {
        vm.heap.tuple(&[])
    } else {
        params
    })
}

fn set_type_params(vm: &mut Vm, this: Value, v: Value) -> PyResult<()> {
    if vm.heap.kind(v) != Some(Kind::Tuple) {
        return Err(vm.type_error("__type_params__ must be set to a tuple"));
    }
    vm.heap.cell_mut::<Function>(this).type_params = v;
    Ok(())
}

fn closure(vm: &mut Vm, this: Value) -> PyResult {
    let cells = vm.heap.tail::<Function>(this).to_vec();
    Ok(if cells.is_empty() {
        Value::NONE
    } else {
        vm.heap.tuple(&cells)
    })
}

// ---- bound methods ------------------------------------------------------------

pub static METHOD: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, function, instance, /)", method_new),
        op::REPR,
        op::HASH,
        op::GETATTRIBUTE,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
        method("__call__(self, /, *args, **kwargs)", call),
        method("__get__(self, instance, owner=None, /)", |vm, a| {
            descriptor::check_get(vm, a)?;
            Ok(a[0])
        }),
        method("__getattr__(self, name, /)", method_getattr),
        method("__reduce__(self, /)", method_reduce),
    ],
    attributes: &[
        getter("__func__", |vm, this| Ok(vm.heap.cell::<Method>(this).func)),
        getter("__self__", |vm, this| Ok(vm.heap.cell::<Method>(this).this)),
        getter("__doc__", |vm, this| forward(vm, this, "__doc__")),
        getter("__module__", |vm, this| forward(vm, this, "__module__")),
    ],
    doc: "Create a bound instance method object.",
};

fn method_new(vm: &mut Vm, a: &[Value]) -> PyResult {
    if !vm.is_callable(a[1]) {
        return Err(vm.type_error("first argument must be callable"));
    }
    if a[2].is_none() {
        return Err(vm.type_error("instance must not be None"));
    }
    Ok(vm.new_method(a[1], a[2]))
}

fn forward(vm: &mut Vm, this: Value, name: &str) -> PyResult {
    let func = vm.heap.cell::<Method>(this).func;
    let name = vm.heap.intern(name);
    vm.get_attr(func, name)
}

/// A bound method is taken apart as what gives it: its object and its name.
fn method_reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    let this = vm.heap.cell::<Method>(a[0]).this;
    let name = forward(vm, a[0], "__name__")?;
    vm.holding(&[name], |vm| {
        let getattr = iterator_state::builtin(vm, "getattr")?;
        Ok(iterator_state::parts(vm, getattr, &[this, name], None))
    })
}

/// A bound method has the attributes of its function.
fn method_getattr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let func = vm.heap.cell::<Method>(a[0]).func;
    let name = object::attribute_name(vm, a[1])?;
    vm.get_attr(func, name)
}

// ---- natives ------------------------------------------------------------------

const CALL: NativeDef = method("__call__(self, /, *args, **kwargs)", call);
const GET: NativeDef = method("__get__(self, instance, owner=None, /)", native_get);
const REDUCE: NativeDef = method("__reduce__(self, /)", native_reduce);

const NATIVE_ATTRIBUTES: &[GetSetDef] = &[
    getter("__name__", |vm, this| {
        let name = vm.heap.cell::<Native>(this).def.name;
        Ok(vm.heap.intern(name))
    }),
    getter("__qualname__", native_qualname),
    getter("__doc__", native_doc),
    getter("__module__", |vm, this| {
        let native = vm.heap.cell::<Native>(this);
        Ok(native.module)
    }),
    getter("__self__", native_self),
    getter("__objclass__", native_objclass),
    getter("__text_signature__", native_signature),
];

pub static NATIVE_FUNCTION: ClassDef = ClassDef {
    methods: &[
        op::REPR,
        op::HASH,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
        CALL,
        GET,
        REDUCE,
    ],
    attributes: NATIVE_ATTRIBUTES,
    doc: "",
};
pub static METHOD_DESCRIPTOR: ClassDef = ClassDef {
    methods: &[op::REPR, CALL, GET, REDUCE],
    attributes: NATIVE_ATTRIBUTES,
    doc: "",
};

fn native_get(vm: &mut Vm, a: &[Value]) -> PyResult {
    descriptor::check_get(vm, a)?;
    if a[1].is_none() {
        return Ok(a[0]);
    }
    let class = vm.heap.class_of(a[1]);
    vm.bind(a[0], a[1], class)
}

/// A function of a module is taken apart as its name, a method as what gives it.
fn native_reduce(vm: &mut Vm, a: &[Value]) -> PyResult {
    let native = vm.heap.cell::<Native>(a[0]);
    let (name, owner) = (native.def.name, native.owner);
    let holder = match native.this.given() {
        Some(this) if vm.heap.kind(this) != Some(Kind::Module) => Some(this),
        _ => owner.given(),
    };
    let name = vm.heap.intern(name);
    let Some(holder) = holder else {
        return Ok(name);
    };
    let getattr = iterator_state::builtin(vm, "getattr")?;
    Ok(iterator_state::parts(vm, getattr, &[holder, name], None))
}

/// `list.append` for a method, `len` for a function.
fn native_qualname(vm: &mut Vm, this: Value) -> PyResult {
    let native = vm.heap.cell::<Native>(this);
    let (name, owner) = (native.def.name, native.owner);
    let text = match vm.heap.get::<Class>(owner) {
        Some(class) => format!("{}.{name}", vm.heap.string(class.qualname)),
        None => name.to_string(),
    };
    args::str_value(vm, text)
}

fn native_doc(vm: &mut Vm, this: Value) -> PyResult {
    let sig = vm.heap.cell::<Native>(this).def.sig;
    args::str_value(vm, sig)
}

fn native_self(vm: &mut Vm, this: Value) -> PyResult {
    let native = vm.heap.cell::<Native>(this);
    match native.this.given() {
        Some(this) => Ok(this),
        None if native.def.kind == DefKind::Function => {
            let module = native.module;
            match vm.heap.as_str(module).is_some() {
                true => {
                    let name = vm.heap.intern_value(module);
                    Ok(vm.heap.ns_get(vm.modules, name).unwrap_or(Value::NONE))
                }
                false => Ok(Value::NONE),
            }
        }
        None => {
            let owner = native.owner;
            if native.def.name == "__new__" && !owner.is_empty() {
                return Ok(owner);
            }
            let name = vm.heap.intern("__self__");
            Err(vm.no_attribute(this, name))
        }
    }
}

fn native_objclass(vm: &mut Vm, this: Value) -> PyResult {
    match vm.heap.cell::<Native>(this).owner.given() {
        Some(owner) => Ok(owner),
        None => {
            let name = vm.heap.intern("__objclass__");
            Err(vm.no_attribute(this, name))
        }
    }
}

fn native_signature(vm: &mut Vm, this: Value) -> PyResult {
    let def = vm.heap.cell::<Native>(this).def;
    args::str_value(vm, &def.sig[def.name.len()..])
}

// ---- code objects ---------------------------------------------------------------

pub static CODE: ClassDef = ClassDef {
    methods: &[
        op::REPR,
        op::HASH,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
    ],
    attributes: &[
        getter("co_name", |vm, this| {
            let name = vm.heap.cell::<CodeObject>(this).code.name.to_string();
            Ok(vm.heap.intern(&name))
        }),
        getter("co_qualname", |vm, this| {
            let name = vm.heap.cell::<CodeObject>(this).code.qualname.to_string();
            Ok(vm.heap.intern(&name))
        }),
        getter("co_filename", |vm, this| {
            let file = vm
                .heap
                .cell::<CodeObject>(this)
                .code
                .source
                .name()
                .to_string();
            args::str_value(vm, file)
        }),
        getter("co_firstlineno", |vm, this| {
            Ok(Value::small(i64::from(
                vm.heap.cell::<CodeObject>(this).code.first_line,
            )))
        }),
        getter("co_argcount", |vm, this| {
            Ok(Value::small(i64::from(
                vm.heap.cell::<CodeObject>(this).code.n_pos,
            )))
        }),
        getter("co_posonlyargcount", |vm, this| {
            Ok(Value::small(i64::from(
                vm.heap.cell::<CodeObject>(this).code.n_posonly,
            )))
        }),
        getter("co_kwonlyargcount", |vm, this| {
            Ok(Value::small(i64::from(
                vm.heap.cell::<CodeObject>(this).code.n_kwonly,
            )))
        }),
        getter("co_nlocals", |vm, this| {
            let names = variable_names(vm, this);
            Ok(vm.heap.usize(names.len()))
        }),
        getter("co_varnames", |vm, this| {
            let names = variable_names(vm, this);
            Ok(vm.heap.tuple(&names))
        }),
        getter("co_cellvars", cell_names),
        getter("co_freevars", free_names),
        getter("co_flags", flags),
        getter("co_names", |vm, _| Ok(vm.heap.tuple(&[]))),
        getter("co_consts", consts),
    ],
    doc: "Create a code object.  Not for mere mortals.",
};

/// Parameters and local variables, cells of inner functions aside.
fn variable_names(vm: &mut Vm, this: Value) -> Vec<Value> {
    let code = vm.heap.cell::<CodeObject>(this).code.clone();
    let mut names: Vec<Value> = code
        .params
        .iter()
        .map(|p| vm.heap.intern(p.as_str()))
        .collect();
    for var in code
        .body()
        .locals
        .iter()
        .filter(|v| !v.hidden && !v.is_cell)
    {
        let name = vm.heap.intern(var.name.as_str());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn cell_names(vm: &mut Vm, this: Value) -> PyResult {
    let code = vm.heap.cell::<CodeObject>(this).code.clone();
    let names: Vec<Value> = code
        .body()
        .locals
        .iter()
        .filter(|v| !v.hidden && v.is_cell)
        .map(|v| vm.heap.intern(v.name.as_str()))
        .collect();
    Ok(vm.heap.tuple(&names))
}

fn free_names(vm: &mut Vm, this: Value) -> PyResult {
    let code = vm.heap.cell::<CodeObject>(this).code.clone();
    let names: Vec<Value> = code
        .free
        .iter()
        .map(|n| vm.heap.intern(n.as_str()))
        .collect();
    Ok(vm.heap.tuple(&names))
}

/// CPython's `CO_…` bits.
fn flags(vm: &mut Vm, this: Value) -> PyResult {
    let object = vm.heap.cell::<CodeObject>(this);
    let marked = object.iterable_coroutine.get();
    let code = &object.code;
    let f = code.flags;
    let bits = [
        (!f.module && !f.class_body, 0x3),
        (f.varargs, 0x4),
        (f.varkw, 0x8),
        (!code.free.is_empty(), 0x10),
        (f.generator, 0x20),
        (f.coroutine, 0x80),
        (marked, 0x100),
        (f.async_generator, 0x200),
    ];
    Ok(Value::small(
        bits.iter().filter(|(on, _)| *on).map(|(_, bit)| bit).sum(),
    ))
}

fn consts(vm: &mut Vm, this: Value) -> PyResult {
    vm.load_body(this);
    let consts: Vec<Value> = vm
        .heap
        .cell::<CodeObject>(this)
        .consts
        .iter()
        .map(std::cell::Cell::get)
        .filter(|c| !c.is_empty())
        .collect();
    Ok(vm.heap.tuple(&consts))
}

// ---- cells ------------------------------------------------------------------------

pub static CELL: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, contents=None, /)", cell_new),
        op::REPR,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
    ],
    attributes: &[attribute("cell_contents", cell_contents, |vm, this, v| {
        vm.heap.cell_mut::<Cell>(this).value = v;
        Ok(())
    })],
    doc: "Create a new cell object.",
};

fn cell_new(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(vm.heap.alloc(B::Cell.shape(), Cell { value: a[1] }))
}

fn cell_contents(vm: &mut Vm, this: Value) -> PyResult {
    match vm.heap.cell::<Cell>(this).value.given() {
        Some(value) => Ok(value),
        None => Err(vm.value_error("cell is empty")),
    }
}
