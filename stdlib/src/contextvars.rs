//! `contextvars`: variables whose values belong to a context. What is current
//! is the runtime's `task::context`.

use lockstep_runtime::native::{ClassDef, class_method, function, getter, method, static_method};
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::context::{Context, ContextVar, Token};
use lockstep_runtime::{B, Kind, NativeDef, PyResult, Value, Vm};

use crate::NativeModule;

/// The module.
pub static MODULE: NativeModule = NativeModule {
    name: "contextvars",
    functions: FUNCTIONS,
    init,
};

static FUNCTIONS: &[NativeDef] = &[function("copy_context()", |vm, _| {
    let values = vm.capture_context();
    Ok(vm.context_object(values))
})];

/// Makes the classes unless they are there.
pub fn make_classes(vm: &mut Vm) {
    if !vm.tasks.classes.context.is_none() {
        return;
    }
    let object = vm.class(B::Object);
    let mut class =
        |name, def| vm.new_native_class("_contextvars", name, object, Kind::Opaque, def);
    let (context, context_var, token) = (
        class("Context", &CONTEXT),
        class("ContextVar", &CONTEXT_VAR),
        class("Token", &TOKEN),
    );
    let missing = class("Missing", &MISSING);
    for class in [context, context_var, token] {
        let made = vm.heap.cell_mut::<Class>(class);
        made.is_final = true;
        made.named_with_module = true;
    }
    vm.class_attr_init(context, "__hash__", Value::NONE);
    vm.class_changed(context);
    let classes = &mut vm.tasks.classes;
    classes.context = context;
    classes.context_var = context_var;
    classes.token = token;
    let shape = vm.root_shape(missing);
    let missing = vm.heap.opaque(shape, Missing);
    vm.class_attr_init(token, "MISSING", missing);
    vm.class_changed(token);
}

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    make_classes(vm);
    let classes = vm.tasks.classes;
    for (name, class) in [
        ("Context", classes.context),
        ("ContextVar", classes.context_var),
        ("Token", classes.token),
    ] {
        let name = vm.heap.intern(name);
        vm.heap.ns_set(dict, name, class);
    }
    Ok(())
}

// ---- ContextVar ------------------------------------------------------------------

static CONTEXT_VAR: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, default=None)", |vm, args| {
            let (default, positional) = (args[1], args[2]);
            let positional = vm.heap.tuple_items(positional).to_vec();
            let n = positional.len();
            let Some(&name) = positional.first().filter(|_| n == 1) else {
                let n_max = if default.is_empty() { 1 } else { 2 };
                let message = match n {
                    0 => String::from("ContextVar() takes exactly 1 positional argument (0 given)"),
                    2 => String::from("ContextVar() takes at most 1 positional argument (2 given)"),
                    _ => format!(
                        "ContextVar() takes at most 2 arguments ({} given)",
                        n + n_max - 1
                    ),
                };
                return Err(vm.type_error(message));
            };
            if vm.heap.as_str(name).is_none() {
                return Err(vm.type_error("context variable name must be a str"));
            }
            let shape = vm.root_shape(args[0]);
            Ok(vm.heap.opaque(shape, ContextVar { name, default }))
        }),
        method("__init__(self, /, *args, **kwargs)", |_, _| Ok(Value::NONE)),
        method("get(self, default=None, /)", |vm, args| {
            match vm.context_lookup_current(args[0]) {
                Some(value) => Ok(value),
                None => match args[1].given().or_else(|| vm.context_var_get(args[0])) {
                    Some(value) => Ok(value),
                    None => Err(vm.raise_value(B::LookupError, args[0])),
                },
            }
        }),
        method("set(self, value, /)", |vm, args| {
            Ok(vm.context_var_set(args[0], args[1]))
        }),
        method("reset(self, token, /)", |vm, args| {
            vm.context_var_reset(args[0], args[1])?;
            Ok(Value::NONE)
        }),
        method("__repr__(self, /)", var_repr),
        class_method("__class_getitem__(cls, item, /)", |vm, args| {
            crate::asyncio::functions::generic_alias(vm, args[0], args[1])
        }),
    ],
    attributes: &[getter("name", |vm, this| {
        Ok(vm
            .heap
            .native::<ContextVar>(this)
            .map_or(Value::NONE, |v| v.name))
    })],
    doc: "",
};

fn var_repr(vm: &mut Vm, args: &[Value]) -> PyResult {
    let Some(v) = vm.heap.native::<ContextVar>(args[0]) else {
        return Ok(Value::NONE);
    };
    let (name, default) = (v.name, v.default);
    let mut text = format!("<ContextVar name={}", vm.repr_string(name)?);
    if let Some(default) = default.given() {
        text += &format!(" default={}", vm.repr_string(default)?);
    }
    text += &format!(" at {:#x}>", vm.address(args[0]));
    Ok(vm.heap.str(text))
}

// ---- Token -----------------------------------------------------------------------

static TOKEN: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", |vm, _| {
            Err(vm.runtime_error("Tokens can only be created by ContextVars"))
        }),
        method("__repr__(self, /)", |vm, args| {
            let Some(token) = vm.heap.native::<Token>(args[0]) else {
                return Ok(Value::NONE);
            };
            let (variable, used) = (token.variable, token.used);
            let variable = vm.repr_string(variable)?;
            let used = if used { " used" } else { "" };
            let text = format!("<Token{used} var={variable} at {:#x}>", vm.address(args[0]));
            Ok(vm.heap.str(text))
        }),
        class_method("__class_getitem__(cls, item, /)", |vm, args| {
            crate::asyncio::functions::generic_alias(vm, args[0], args[1])
        }),
    ],
    attributes: &[
        getter("var", |vm, this| {
            Ok(vm
                .heap
                .native::<Token>(this)
                .map_or(Value::NONE, |t| t.variable))
        }),
        getter("old_value", |vm, this| {
            match vm.heap.native::<Token>(this).and_then(|t| t.old.given()) {
                Some(old) => Ok(old),
                None => {
                    let name = vm.heap.intern("MISSING");
                    vm.get_attr(this, name)
                }
            }
        }),
    ],
    doc: "",
};

/// `Token.MISSING`.
struct Missing;

impl lockstep_runtime::object::opaque::Native for Missing {
    fn trace(&self, _: &mut lockstep_runtime::Marker) {}
}

static MISSING: ClassDef = ClassDef {
    methods: &[method("__repr__(self, /)", |vm, _| {
        Ok(vm.heap.str("<Token.MISSING>"))
    })],
    attributes: &[],
    doc: "",
};

// ---- Context ---------------------------------------------------------------------

static CONTEXT: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", |vm, args| {
            let keywords = vm.keywords_of(args[2])?;
            if !keywords.is_empty() || !vm.heap.tuple_items(args[1]).is_empty() {
                return Err(vm.type_error("Context() does not accept any arguments"));
            }
            let shape = vm.root_shape(args[0]);
            Ok(vm.heap.opaque(
                shape,
                Context {
                    values: Value::NONE,
                    entered: false,
                },
            ))
        }),
        method("__init__(self, /, *args, **kwargs)", |_, _| Ok(Value::NONE)),
        method("__eq__(self, value, /)", equal),
        method("run(self, /, *args, **kwargs)", run),
        method("copy(self, /)", |vm, args| {
            let values = vm.context_values(args[0]);
            Ok(vm.context_object(values))
        }),
        method("get(self, key, default=None, /)", |vm, args| {
            check_key(vm, args[1])?;
            Ok(vm
                .context_lookup(args[0], args[1])
                .or(args[2].given())
                .unwrap_or(Value::NONE))
        }),
        method("__getitem__(self, key, /)", |vm, args| {
            check_key(vm, args[1])?;
            match vm.context_lookup(args[0], args[1]) {
                Some(value) => Ok(value),
                None => Err(vm.key_error(args[1])),
            }
        }),
        method("__contains__(self, key, /)", |vm, args| {
            check_key(vm, args[1])?;
            Ok(Value::bool(vm.context_lookup(args[0], args[1]).is_some()))
        }),
        method("__len__(self, /)", |vm, args| {
            Ok(Value::small(pairs(vm, args[0]).len() as i64 / 2))
        }),
        method("__iter__(self, /)", |vm, args| {
            let keys = half(vm, args[0], 0);
            vm.iter(keys)
        }),
        method("keys(self, /)", |vm, args| Ok(half(vm, args[0], 0))),
        method("values(self, /)", |vm, args| Ok(half(vm, args[0], 1))),
        method("items(self, /)", |vm, args| {
            let pairs = pairs(vm, args[0]);
            let items = pairs
                .chunks_exact(2)
                .map(|pair| vm.heap.tuple(pair))
                .collect();
            Ok(vm.heap.list(items))
        }),
    ],
    attributes: &[],
    doc: "",
};

fn check_key(vm: &mut Vm, key: Value) -> PyResult<()> {
    if vm.heap.native::<ContextVar>(key).is_some() {
        return Ok(());
    }
    let shown = vm.repr_string(key)?;
    Err(vm.type_error(format!("a ContextVar key was expected, got {shown}")))
}

fn pairs(vm: &Vm, context: Value) -> Vec<Value> {
    vm.heap
        .as_tuple(vm.context_values(context))
        .map_or(Vec::new(), <[Value]>::to_vec)
}

fn half(vm: &mut Vm, context: Value, which: usize) -> Value {
    let items = pairs(vm, context)
        .chunks_exact(2)
        .map(|pair| pair[which])
        .collect();
    vm.heap.list(items)
}

fn run(vm: &mut Vm, args: &[Value]) -> PyResult {
    let &[this, positional, keywords] = args else {
        unreachable!("the signature has three parameters")
    };
    let positional = vm.heap.tuple_items(positional).to_vec();
    let [callable, more @ ..] = positional.as_slice() else {
        return Err(vm.type_error("run() missing 1 required positional argument"));
    };
    let keywords = vm.keywords_of(keywords)?;
    vm.in_context(this, this, |vm| vm.call_kw(*callable, more, &keywords))
}

/// Whether two contexts hold the same variables with equal values.
fn equal(vm: &mut Vm, args: &[Value]) -> PyResult {
    if vm.heap.native::<Context>(args[1]).is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (ours, theirs) = (pairs(vm, args[0]), pairs(vm, args[1]));
    if ours.len() != theirs.len() {
        return Ok(Value::FALSE);
    }
    // A script's __eq__ may change either.
    vm.holding(&[ours.as_slice(), &theirs].concat(), |vm| {
        for pair in ours.chunks_exact(2) {
            let theirs = theirs.chunks_exact(2).find(|other| other[0] == pair[0]);
            let Some(other) = theirs else {
                return Ok(Value::FALSE);
            };
            if !vm.eq(pair[1], other[1])? {
                return Ok(Value::FALSE);
            }
        }
        Ok(Value::TRUE)
    })
}
