//! `sys`.

use std::ffi::OsString;
use std::path::Path;

use lockstep_runtime::native::{NativeDef, function};
use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::object::exception::Exception;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::text::library_names::LIBRARY_NAMES;
use lockstep_runtime::text::os_text;
use lockstep_runtime::text::pystr::PyStr;
use lockstep_runtime::{B, Kind, Marker, PyResult, Raised, Value, Vm};

use crate::builtins::{file, frame};
use crate::{NativeModule, args};

pub static MODULE: NativeModule = NativeModule {
    name: "sys",
    functions: FUNCTIONS,
    init,
};

const FUNCTIONS: &[NativeDef] = &[
    function("exit(status=None, /)", exit),
    function("exc_info()", exc_info),
    function("exception()", |vm, _| Ok(vm.handled_exception())),
    function("getrecursionlimit()", |vm, _| {
        Ok(Value::small(vm.recursion_limit as i64))
    }),
    function("setrecursionlimit(limit, /)", setrecursionlimit),
    function("getsizeof(object, default=None)", getsizeof),
    function("intern(string, /)", intern),
    function("getdefaultencoding()", |vm, _| args::str_value(vm, "utf-8")),
    function("getfilesystemencoding()", |vm, _| {
        args::str_value(vm, "utf-8")
    }),
    function("getfilesystemencodeerrors()", |vm, _| {
        args::str_value(vm, "surrogateescape")
    }),
    function("getrefcount(object, /)", |_, _| Ok(Value::small(2))),
    function("is_finalizing()", |_, _| Ok(Value::FALSE)),
    function("_getframe(depth=0, /)", getframe),
    function("get_int_max_str_digits()", |vm, _| {
        let n = vm.int_digits_max();
        Ok(vm.heap.usize(n))
    }),
    function("set_int_max_str_digits(maxdigits)", |vm, a| {
        let n = vm.to_c_int(a[0])?;
        if n != 0 && n < DIGITS_MIN {
            let message = format!("maxdigits must be 0 or larger than {DIGITS_MIN}");
            return Err(vm.value_error(message));
        }
        vm.set_int_digits_max(n.unsigned_abs() as usize);
        Ok(Value::NONE)
    }),
    function("settrace(function, /)", |vm, a| {
        no_tracing(vm, a, "settrace")
    }),
    function("setprofile(function, /)", |vm, a| {
        no_tracing(vm, a, "setprofile")
    }),
    function("gettrace()", |_, _| Ok(Value::NONE)),
    function("getprofile()", |_, _| Ok(Value::NONE)),
    function("excepthook(exctype, value, traceback, /)", excepthook),
    function("unraisablehook(unraisable, /)", unraisablehook),
    function(
        "_report_unraisable(exception, object, /)",
        report_unraisable,
    ),
    function("displayhook(object, /)", displayhook),
    function("get_asyncgen_hooks()", get_asyncgen_hooks),
    function(
        "set_asyncgen_hooks(firstiter=None, finalizer=None)",
        set_asyncgen_hooks,
    ),
    function("get_coroutine_origin_tracking_depth()", |vm, _| {
        Ok(vm.heap.usize(vm.coroutine_origin_depth))
    }),
    function("set_coroutine_origin_tracking_depth(depth)", |vm, a| {
        let depth = vm.index_i64(a[0])?;
        let Ok(depth) = usize::try_from(depth) else {
            return Err(vm.value_error("depth must be >= 0"));
        };
        vm.coroutine_origin_depth = depth;
        Ok(Value::NONE)
    }),
    function("_coroutine_origin(coroutine, /)", |vm, a| {
        Ok(vm.origin_of(a[0]).unwrap_or(Value::NONE))
    }),
    function("getswitchinterval()", |vm, _| Ok(vm.heap.float(0.005))),
];

/// The command line of the script: kept for `sys.argv` until `sys` is imported.
#[derive(Default)]
struct CommandLine {
    argv: Vec<PyStr>,
    /// The directory of the script, `sys.path[0]`.
    directory: PyStr,
}

impl Native for CommandLine {
    fn trace(&self, _: &mut Marker) {}
}

/// Says what `sys.argv` and `sys.path[0]` will be. Before `sys` is imported.
pub fn set_command_line(vm: &mut Vm, argv: &[OsString], directory: &Path) {
    *vm.ext::<CommandLine>() = CommandLine {
        argv: argv.iter().map(|arg| os_text::from_os(arg)).collect(),
        directory: os_text::from_os(directory.as_os_str()),
    };
}

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    vm.ext::<file::Streams>().sys_dict = Some(dict);
    let line = vm.ext::<CommandLine>();
    let (argv, directory) = (line.argv.clone(), line.directory.clone());
    let argv: Vec<Value> = argv.into_iter().map(|arg| vm.heap.str(arg)).collect();
    let argv = vm.heap.list(argv);
    let directory = vm.heap.str(directory);
    let path = vm.heap.list(vec![directory]);
    let modules = vm.modules;
    let streams = ["<stdin>", "<stdout>", "<stderr>"].map(|name| file::standard(vm, name));
    let version_parts = ["final"].map(|s| vm.heap.str(s));
    let version_info = named_tuple(
        vm,
        "version_info",
        &["major", "minor", "micro", "releaselevel", "serial"],
        &[
            Value::small(3),
            Value::small(13),
            Value::small(0),
            version_parts[0],
            Value::small(0),
        ],
    );
    let texts = [
        ("version", "3.13.0 (lockstep)"),
        ("platform", "linux"),
        ("byteorder", "little"),
        ("executable", "lockstep"),
        ("prefix", ""),
        ("base_prefix", ""),
        ("exec_prefix", ""),
        ("copyright", "Copyright (c) the Lockstep authors."),
        ("ps1", ">>> "),
        ("ps2", "... "),
        ("float_repr_style", "short"),
    ]
    .map(|(name, text)| (name, vm.heap.str(text)));
    let float_info = float_info(vm);
    let int_info = named_tuple(
        vm,
        "int_info",
        &[
            "bits_per_digit",
            "sizeof_digit",
            "default_max_str_digits",
            "str_digits_check_threshold",
        ],
        &[
            Value::small(30),
            Value::small(4),
            Value::small(4300),
            Value::small(640),
        ],
    );
    let siphash = vm.heap.str("siphash13");
    let hash_info = named_tuple(
        vm,
        "hash_info",
        &[
            "width",
            "modulus",
            "inf",
            "nan",
            "imag",
            "algorithm",
            "hash_bits",
            "seed_bits",
            "cutoff",
        ],
        &[
            Value::small(64),
            Value::small((1 << 61) - 1),
            Value::small(314_159),
            Value::small(0),
            Value::small(1_000_003),
            siphash,
            Value::small(64),
            Value::small(128),
            Value::small(0),
        ],
    );
    let no: Value = Value::small(0);
    let flags = named_tuple(
        vm,
        "flags",
        &[
            "debug",
            "inspect",
            "interactive",
            "optimize",
            "dont_write_bytecode",
            "no_user_site",
            "no_site",
            "ignore_environment",
            "verbose",
            "bytes_warning",
            "quiet",
            "hash_randomization",
            "isolated",
            "dev_mode",
            "utf8_mode",
            "warn_default_encoding",
            "safe_path",
            "int_max_str_digits",
        ],
        &[
            no,
            no,
            no,
            no,
            no,
            no,
            no,
            no,
            no,
            no,
            no,
            no,
            no,
            Value::FALSE,
            Value::small(1),
            no,
            Value::FALSE,
            Value::small(4300),
        ],
    );
    let implementation = implementation(vm, version_info)?;
    let maxsize = vm.heap.int(i64::MAX);
    let builtin_names: Vec<Value> = ["builtins", "sys"].map(|n| vm.heap.str(n)).to_vec();
    let builtin_names = vm.heap.tuple(&builtin_names);
    let stdlib_names = vm.heap.alloc(
        B::FrozenSet.shape(),
        lockstep_runtime::object::set::Set::default(),
    );
    // Ours has one more.
    for name in LIBRARY_NAMES.into_iter().chain(["sync"]) {
        let name = vm.heap.str(name);
        vm.set_add(stdlib_names, name)?;
    }
    let warnoptions = vm.heap.list(Vec::new());
    let mut entries = vec![
        ("argv", argv),
        ("orig_argv", argv),
        ("path", path),
        ("modules", modules),
        ("stdin", streams[0]),
        ("stdout", streams[1]),
        ("stderr", streams[2]),
        ("__stdin__", streams[0]),
        ("__stdout__", streams[1]),
        ("__stderr__", streams[2]),
        ("version_info", version_info),
        ("hexversion", Value::small(0x030d_00f0)),
        ("api_version", Value::small(1013)),
        ("maxsize", maxsize),
        ("maxunicode", Value::small(0x10_ffff)),
        ("float_info", float_info),
        ("int_info", int_info),
        ("hash_info", hash_info),
        ("flags", flags),
        ("implementation", implementation),
        ("builtin_module_names", builtin_names),
        ("stdlib_module_names", stdlib_names),
        ("dont_write_bytecode", Value::TRUE),
        ("tracebacklimit", Value::small(1000)),
        ("warnoptions", warnoptions),
    ];
    entries.extend(texts);
    for (name, value) in entries {
        let key = vm.heap.intern(name);
        vm.heap.ns_set(dict, key, value);
    }
    for (alias, name) in [
        ("__excepthook__", "excepthook"),
        ("__displayhook__", "displayhook"),
        ("__unraisablehook__", "unraisablehook"),
    ] {
        let (alias, name) = (vm.heap.intern(alias), vm.heap.intern(name));
        if let Some(value) = vm.heap.ns_get(dict, name) {
            vm.heap.ns_set(dict, alias, value);
        }
    }
    Ok(())
}

fn float_info(vm: &mut Vm) -> Value {
    let [max, min, epsilon] = [f64::MAX, f64::MIN_POSITIVE, f64::EPSILON].map(|f| vm.heap.float(f));
    named_tuple(
        vm,
        "float_info",
        &[
            "max",
            "max_exp",
            "max_10_exp",
            "min",
            "min_exp",
            "min_10_exp",
            "dig",
            "mant_dig",
            "epsilon",
            "radix",
            "rounds",
        ],
        &[
            max,
            Value::small(1024),
            Value::small(308),
            min,
            Value::small(-1021),
            Value::small(-307),
            Value::small(15),
            Value::small(53),
            epsilon,
            Value::small(2),
            Value::small(1),
        ],
    )
}

/// `sys.implementation`: an object with attributes.
fn implementation(vm: &mut Vm, version: Value) -> PyResult {
    let object = vm.class(B::Object);
    let name = vm.heap.intern("SimpleNamespace");
    let ns = vm.heap.dict();
    let module = vm.heap.intern("types");
    let module_key = vm.n(lockstep_runtime::N::module);
    vm.heap.ns_set(ns, module_key, module);
    let meta = vm.class(B::Type);
    let class = vm.new_class(meta, name, &[object], ns, &[])?;
    vm.root(class);
    let made = vm.new_instance(class)?;
    vm.root(made);
    let lockstep = vm.heap.str("lockstep");
    for (name, value) in [
        ("name", lockstep),
        ("cache_tag", Value::NONE),
        ("version", version),
        ("hexversion", Value::small(0x030d_00f0)),
    ] {
        let name = vm.heap.intern(name);
        vm.set_attr(made, name, value)?;
    }
    Ok(made)
}

// ---- tuples with names -------------------------------------------------------------

/// A tuple of a class whose instances have names for their items, such as
/// `sys.version_info`.
pub fn named_tuple(vm: &mut Vm, name: &str, fields: &[&str], items: &[Value]) -> Value {
    named_tuple_of(vm, "sys", name, fields, items)
}

/// As `named_tuple`, of another module.
pub fn named_tuple_of(
    vm: &mut Vm,
    module: &str,
    name: &str,
    fields: &[&str],
    items: &[Value],
) -> Value {
    let class = named_tuple_class(vm, module, name, fields);
    let shape = vm.root_shape(class);
    vm.heap.tuple_of_shape(shape, items)
}

/// The class of such tuples.
pub fn named_tuple_class(vm: &mut Vm, module: &str, name: &str, fields: &[&str]) -> Value {
    use lockstep_runtime::object::descriptor::Property;
    let tuple = vm.class(B::Tuple);
    let class = vm.new_native_class(module, name, tuple, Kind::Tuple, &NAMED_TUPLE);
    let getter_class = vm.class(B::Tuple);
    debug_assert!(getter_class == tuple);
    let names: Vec<Value> = fields.iter().map(|f| vm.heap.intern(f)).collect();
    let names_tuple = vm.heap.tuple(&names);
    vm.class_attr_init(class, "__match_args__", names_tuple);
    let module_name = vm.heap.intern(module);
    for (i, field) in fields.iter().enumerate() {
        let Some(def) = ITEM_GETTERS.get(i) else {
            break;
        };
        let get = vm.native_function(def, module_name);
        let none = Value::NONE;
        let property = Property {
            get,
            set: none,
            del: none,
            doc: none,
            getter_doc: false,
            name: names[i],
        };
        let property = vm.heap.alloc(B::Property.shape(), property);
        vm.class_attr_init(class, field, property);
    }
    vm.class_changed(class);
    class
}

static NAMED_TUPLE: lockstep_runtime::native::ClassDef = lockstep_runtime::native::ClassDef {
    methods: &[lockstep_runtime::native::method(
        "__repr__(self, /)",
        named_repr,
    )],
    attributes: &[],
    doc: "",
};

/// `module.name(field=value, …)`.
fn named_repr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let class = vm.heap.class_of(a[0]);
    let name = vm.class_full_name(class);
    let key = vm.heap.intern("__match_args__");
    let fields = vm.get_attr(class, key)?;
    let fields = vm.heap.tuple_items(fields).to_vec();
    let items = vm.heap.tuple_items(a[0]).to_vec();
    let mut parts = Vec::new();
    for (&field, &item) in fields.iter().zip(&items) {
        let field = vm.heap.string(field);
        parts.push(format!("{field}={}", vm.repr_string(item)?));
    }
    args::str_value(vm, format!("{name}({})", parts.join(", ")))
}

macro_rules! item_getters {
    ($($at:literal)*) => {
        static ITEM_GETTERS: &[NativeDef] = &[$(
            function("item(self, /)", |vm, a| {
                let items = vm.heap.tuple_items(a[0]);
                Ok(items.get($at).copied().unwrap_or(Value::NONE))
            }),
        )*];
    };
}

item_getters! { 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 }

// ---- functions -----------------------------------------------------------------------

fn exit(vm: &mut Vm, a: &[Value]) -> PyResult {
    let status = a[0].given().unwrap_or(Value::NONE);
    let class = vm.class(B::SystemExit);
    let given: &[Value] = if status.is_none() { &[] } else { &[status] };
    let exception = vm.call(class, given)?;
    let context = vm.handled_exception();
    let e = vm.heap.cell_mut::<Exception>(exception);
    if context != exception {
        e.context = context;
    }
    Err(Raised(exception))
}

fn exc_info(vm: &mut Vm, _: &[Value]) -> PyResult {
    let exception = vm.handled_exception();
    if exception.is_none() {
        return Ok(vm.heap.tuple(&[Value::NONE; 3]));
    }
    let class = vm.heap.class_of(exception);
    let traceback = vm.traceback_of(exception);
    Ok(vm.heap.tuple(&[class, exception, traceback]))
}

fn setrecursionlimit(vm: &mut Vm, a: &[Value]) -> PyResult {
    let limit = vm.index_i64(a[0])?;
    if limit < 1 {
        return Err(vm.value_error("recursion limit must be greater or equal than 1"));
    }
    if vm.depth() as i64 >= limit {
        let message = format!(
            "cannot set the recursion limit to {limit} at the recursion depth {}: the limit is too low",
            vm.depth()
        );
        return Err(vm.raise(B::RecursionError, message));
    }
    vm.recursion_limit = limit as usize;
    Ok(Value::NONE)
}

/// The least limit on the digits of ints as text.
const DIGITS_MIN: i32 = 640;

/// Roughly what CPython 3.13 says: a header and the contents.
fn getsizeof(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (key, class) = (vm.heap.intern("__sizeof__"), vm.heap.class_of(a[0]));
    if let Some(method) = vm.lookup_class(class, key)
        && vm.heap.kind(method) != Some(Kind::Native)
    {
        // CPython adds what the collector keeps before each object.
        let n = vm.call_attr(method, a[0], class, &[])?;
        if !vm.heap.is_int(n) {
            let found = vm.type_name(n);
            return Err(vm.type_error(format!(
                "'{found}' object cannot be interpreted as an integer"
            )));
        }
        return match vm.heap.as_i64(n) {
            Some(n) if n < 0 => Err(vm.value_error("__sizeof__() should return >= 0")),
            Some(n) => Ok(Value::small(n + 16)),
            None => Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
        };
    }
    let n = match vm.heap.kind(a[0]) {
        None if a[0].is_int() => 28,
        None => 24,
        Some(Kind::Str) => {
            let text = vm.heap.text(a[0]);
            let header = if text.is_ascii() { 41 } else { 57 };
            header + text.len() * text.unit_bytes()
        }
        Some(Kind::Bytes) => 33 + vm.heap.cell::<Bytes>(a[0]).data.len(),
        Some(Kind::List) => 56 + 8 * vm.builtin_len(a[0])?.unwrap_or(0),
        Some(Kind::Tuple) => 40 + 8 * vm.builtin_len(a[0])?.unwrap_or(0),
        Some(Kind::Dict) => 64 + 40 * vm.builtin_len(a[0])?.unwrap_or(0),
        Some(Kind::Set) => 216 + 16 * vm.builtin_len(a[0])?.unwrap_or(0),
        Some(_) => 48,
    };
    Ok(vm.heap.usize(n))
}

fn intern(vm: &mut Vm, a: &[Value]) -> PyResult {
    if !vm.heap.is_exact(a[0], B::Str) {
        let message = format!(
            "intern() argument must be str, not {}",
            args::shown_type(vm, a[0])
        );
        return Err(vm.type_error(message));
    }
    Ok(vm.heap.intern_value(a[0]))
}

fn getframe(vm: &mut Vm, a: &[Value]) -> PyResult {
    let depth = args::ssize_or(vm, a[0], 0)?.max(0);
    frame::running(vm, depth as usize)
}

fn no_tracing(vm: &mut Vm, a: &[Value], name: &str) -> PyResult {
    if a[0].is_none() {
        return Ok(Value::NONE);
    }
    Err(vm.unsupported(format!(
        "sys.{name} is not supported: a script can't watch frames"
    )))
}

fn excepthook(vm: &mut Vm, a: &[Value]) -> PyResult {
    if !vm.heap.is_exception(a[1]) {
        let found = vm.type_name(a[1]);
        let text =
            format!("TypeError: print_exception(): Exception expected for value, {found} found\n");
        return write_stderr(vm, &text);
    }
    let text = vm.format_exception(a[1]);
    write_stderr(vm, &text)
}

fn write_stderr(vm: &mut Vm, text: &str) -> PyResult {
    write_stream(vm, "stderr", text)
}

/// Writes to what `sys.stdout` or `sys.stderr` is now; None takes nothing.
fn write_stream(vm: &mut Vm, name: &str, text: &str) -> PyResult {
    let sys = vm.import_module("sys")?;
    let name = vm.heap.intern(name);
    let stream = vm.get_attr(sys, name)?;
    let text = vm.heap.str(text);
    if !stream.is_none() {
        vm.holding(&[stream, text], |vm| {
            vm.call_method(stream, "write", &[text])
        })?;
    }
    Ok(Value::NONE)
}

/// What the script does not see: an exception of a finalizer, with what raised it.
fn report_unraisable(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (exception, object) = (a[0], a[1]);
    if !vm.heap.is_exception(exception) {
        return Err(vm.type_error("an exception is required"));
    }
    let traceback = vm.traceback_of(exception);
    let class = vm.heap.class_of(exception);
    let sys = vm.import_module("sys")?;
    let unraisable = named_tuple(
        vm,
        "UnraisableHookArgs",
        &[
            "exc_type",
            "exc_value",
            "exc_traceback",
            "err_msg",
            "object",
        ],
        &[class, exception, traceback, Value::NONE, object],
    );
    vm.holding(&[unraisable], |vm| {
        vm.call_method(sys, "unraisablehook", &[unraisable])
    })
}

fn unraisablehook(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mut parts = Vec::new();
    for name in ["exc_value", "err_msg", "object"] {
        let name = vm.heap.intern(name);
        let part = vm.get_attr(a[0], name)?;
        parts.push(vm.root(part));
    }
    let what = if parts[1].is_none() {
        String::from("Exception ignored in")
    } else {
        vm.str_string(parts[1])?
    };
    let mut text = what;
    if !parts[2].is_none() {
        let object = match vm.repr_string(parts[2]) {
            Ok(object) => object,
            Err(_) => String::from("<object repr() failed>"),
        };
        text = format!("{text}: {object}");
    }
    text.push('\n');
    if vm.heap.is_exception(parts[0]) {
        text.push_str(&vm.format_unraisable(parts[0]));
    }
    write_stderr(vm, &text)
}

fn displayhook(vm: &mut Vm, a: &[Value]) -> PyResult {
    if a[0].is_none() {
        return Ok(Value::NONE);
    }
    let name = vm.heap.intern("_");
    let builtins = vm.builtins;
    vm.heap.ns_set(builtins, name, Value::NONE);
    let mut text = vm.repr_string(a[0])?;
    text.push('\n');
    write_stream(vm, "stdout", &text)?;
    vm.heap.ns_set(builtins, name, a[0]);
    Ok(Value::NONE)
}

fn get_asyncgen_hooks(vm: &mut Vm, _: &[Value]) -> PyResult {
    let mut hooks = [vm.asyncgen_firstiter, vm.asyncgen_finalizer];
    let running = vm.tasks.running_loop;
    if vm.heap.kind(running) == Some(Kind::EventLoop) {
        // While a loop runs, its own hooks stand in for those that are not set.
        let names = ["_asyncgen_firstiter_hook", "_asyncgen_finalizer_hook"];
        for (hook, name) in hooks.iter_mut().zip(names) {
            if hook.is_none() {
                let name = vm.heap.intern(name);
                *hook = vm.get_attr(running, name)?;
                vm.root(*hook);
            }
        }
    }
    // CPython 3.13 sysmodule.c asyncgen_hooks_desc: alone among these it goes without `sys`.
    Ok(named_tuple_of(
        vm,
        "builtins",
        "asyncgen_hooks",
        &["firstiter", "finalizer"],
        &hooks,
    ))
}

fn set_asyncgen_hooks(vm: &mut Vm, a: &[Value]) -> PyResult {
    for (v, name) in [(a[0], "firstiter"), (a[1], "finalizer")] {
        if let Some(hook) = v.some()
            && !vm.is_callable(hook)
        {
            let message = format!("callable {name} expected, got {}", vm.type_name(hook));
            return Err(vm.type_error(message));
        }
    }
    if let Some(hook) = a[0].given() {
        vm.asyncgen_firstiter = hook;
    }
    if let Some(hook) = a[1].given() {
        vm.asyncgen_finalizer = hook;
    }
    Ok(Value::NONE)
}
