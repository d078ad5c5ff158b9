//! `compile`, `exec` and `eval` for CPython's tests, which say with them what they are about: the
//! tool hands the text to the compiler. A script has none of them, since its names are resolved
//! before it runs; what is compiled here finds its variables in a dict, and those of the function
//! around the call in the mapping that `locals()` gives.

use std::collections::HashMap;
use std::sync::Arc;

use lockstep_lang::bytecode::Code;
use lockstep_lang::compile::{CompileOptions, Compiled, FragmentKind, compile_fragment};
use lockstep_lang::diagnostic::Diagnostic;
use lockstep_lang::source::Source;
use lockstep_runtime::native::{NativeDef, function};
use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::object::function::CodeObject;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{B, Kind, Marker, PyResult, Value, Vm};

/// `ast.PyCF_…`: bits of the argument `flags`.
const ONLY_AST: i64 = 0x400;
const TOP_LEVEL_AWAIT: i64 = 0x2000;

static COMPILE: NativeDef = function(
    "compile(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1)",
    compile,
);
static EXEC: NativeDef = function(
    "exec(source, /, globals=None, locals=None, *, closure=None)",
    exec,
);
static EVAL: NativeDef = function("eval(source, /, globals=None, locals=None)", eval);

/// Puts the three among the builtins of a VM.
pub fn install(vm: &mut Vm) {
    for (name, def) in [("compile", &COMPILE), ("exec", &EXEC), ("eval", &EVAL)] {
        let module = vm.heap.intern("builtins");
        let key = vm.heap.intern(name);
        let function = vm.native_function(def, module);
        vm.heap.ns_set(vm.builtins, key, function);
    }
}

/// How a piece of source was asked to be compiled.
#[derive(Clone, Copy)]
enum Mode {
    Exec { awaits: bool },
    Single,
    Eval,
}

/// What `compile` has made, by the address of the code, which the entry keeps alive: to run it
/// apart it is compiled anew.
#[derive(Default)]
struct Made(HashMap<usize, (Arc<Code>, Mode)>);

impl Native for Made {
    fn trace(&self, _: &mut Marker) {}
}

impl Mode {
    fn code(self, source: &Arc<Source>, apart: bool) -> Result<Compiled, Vec<Diagnostic>> {
        let kind = FragmentKind {
            expression: matches!(self, Mode::Eval),
            apart,
        };
        let options = CompileOptions {
            interactive: matches!(self, Mode::Single),
            top_level_await: matches!(self, Mode::Exec { awaits: true }),
            refuse_late: true,
            ..CompileOptions::default()
        };
        compile_fragment(source, kind, options)
    }
}

fn compile(vm: &mut Vm, a: &[Value]) -> PyResult {
    let filename = match vm.heap.get::<Bytes>(a[1]) {
        Some(bytes) => String::from_utf8_lossy(bytes.data.as_slice()).into_owned(),
        None => vm.str_string(a[1])?,
    };
    let Some(mode) = vm.heap.as_str(a[2]) else {
        return Err(vm.type_error("compile() argument 3 must be str"));
    };
    let mode = mode.to_lossy();
    let flags = match a[3].is_empty() {
        true => 0,
        false => vm.index_i64(a[3])?,
    };
    if flags & ONLY_AST != 0 {
        return Err(vm.unsupported("syntax trees are not supported: there is no module ast"));
    }
    let mode = match &*mode {
        "exec" => Mode::Exec {
            awaits: flags & TOP_LEVEL_AWAIT != 0,
        },
        "single" => Mode::Single,
        "eval" => Mode::Eval,
        _ => {
            let message = "compile() mode must be 'exec', 'eval' or 'single'";
            return Err(vm.value_error(message));
        }
    };
    let source = source(vm, a[0], "compile", &filename, mode)?;
    let code = compiled(vm, &source, mode, false)?;
    let dict = vm.heap.dict();
    let value = vm.load_code(code.clone(), dict);
    let key = Arc::as_ptr(&code) as usize;
    vm.ext::<Made>().0.insert(key, (code, mode));
    Ok(value)
}

fn exec(vm: &mut Vm, a: &[Value]) -> PyResult {
    if given(a[3]).is_some() {
        return Err(vm.unsupported("exec with a closure is not supported"));
    }
    run(vm, &a[..3], "exec", Mode::Exec { awaits: false })?;
    Ok(Value::NONE)
}

fn eval(vm: &mut Vm, a: &[Value]) -> PyResult {
    run(vm, a, "eval", Mode::Eval)
}

/// An argument that may be left out or None.
fn given(argument: Value) -> Option<Value> {
    (!argument.is_empty() && argument != Value::NONE).then_some(argument)
}

/// Runs source or a code object with the given variables; without any, with those of the caller.
fn run(vm: &mut Vm, a: &[Value], what: &str, mode: Mode) -> PyResult {
    let code = a[0];
    let (globals, locals) = (given(a[1]), given(a[2]));
    if let Some(globals) = globals
        && !vm.is_instance_of(globals, B::Dict)
    {
        let class = vm.heap.class_of(globals);
        let name = vm.class_name(class);
        let message = match what {
            "exec" => format!("exec() globals must be a dict, not {name}"),
            _ => String::from("globals must be a dict"),
        };
        return Err(vm.type_error(message));
    }
    let locals = match (globals, locals) {
        (_, Some(locals)) => locals,
        (Some(globals), None) => globals,
        (None, None) => vm.current_locals(),
    };
    let globals = globals.or_else(|| vm.current_globals());
    let globals = globals.unwrap_or(Value::NONE);
    vm.root(globals);
    vm.root(locals);
    let apart = globals != locals;
    let code = match vm.heap.kind(code) {
        Some(Kind::Code) => {
            let code = vm.heap.cell::<CodeObject>(code).code.clone();
            if !code.free.is_empty() {
                let message =
                    format!("code object passed to {what}() may not contain free variables");
                return Err(vm.type_error(message));
            }
            let key = Arc::as_ptr(&code) as usize;
            match vm.ext::<Made>().0.get(&key) {
                Some(&(_, mode)) if apart => {
                    let source = code.source.clone();
                    quietly_compiled(vm, &source, mode, true)?.code
                }
                _ => code,
            }
        }
        _ => {
            let source = source(vm, code, what, "<string>", mode)?;
            compiled(vm, &source, mode, apart)?
        }
    };
    if code.flags.class_body {
        let builtins = vm.heap.intern("__builtins__");
        if vm.heap.ns_get(globals, builtins).is_none() {
            vm.heap.ns_set(globals, builtins, vm.builtins);
        }
        let body = vm.load_code(code, globals);
        vm.root(body);
        let body = vm.new_function(body);
        vm.root(body);
        return vm.call(body, &[locals]);
    }
    vm.run_module_code(code, globals)
}

/// The text that is to be compiled, from a str or bytes.
fn source(
    vm: &mut Vm,
    text: Value,
    what: &str,
    filename: &str,
    mode: Mode,
) -> PyResult<Arc<Source>> {
    let bytes = match vm.bytes_like(text)? {
        Some(bytes) => bytes,
        None => match vm
            .heap
            .as_str(text)
            .map(|text| text.to_utf8().map(String::into_bytes))
        {
            Some(Ok(bytes)) => bytes,
            Some(Err(_)) => {
                // The error says which character it is.
                let encode = vm.call_method(text, "encode", &[])?;
                vm.root(encode);
                Vec::new()
            }
            None if what == "compile" => {
                let message = "compile() arg 1 must be a string, bytes or AST object";
                return Err(vm.type_error(message));
            }
            None => {
                let message = format!("{what}() arg 1 must be a string, bytes or code object");
                return Err(vm.type_error(message));
            }
        },
    };
    let bytes = match mode {
        // CPython 3.13 bltinmodule.c `builtin_eval_impl`.
        Mode::Eval => bytes.trim_ascii_start(),
        _ => &bytes[..],
    };
    match Source::from_bytes(filename, bytes) {
        Ok(source) => Ok(Arc::new(source)),
        Err(bad) => {
            let (source, diagnostic) = *bad;
            Err(vm.syntax_error(&source, &diagnostic))
        }
    }
}

/// Compiles and warns.
fn compiled(vm: &mut Vm, source: &Arc<Source>, mode: Mode, apart: bool) -> PyResult<Arc<Code>> {
    let Compiled { code, warnings } = quietly_compiled(vm, source, mode, apart)?;
    vm.warn_of_source(source, &warnings)?;
    Ok(code)
}

fn quietly_compiled(
    vm: &mut Vm,
    source: &Arc<Source>,
    mode: Mode,
    apart: bool,
) -> PyResult<Compiled> {
    mode.code(source, apart)
        .map_err(|diagnostics| match diagnostics.first() {
            Some(first) => vm.syntax_error(source, first),
            None => vm.raise(B::SyntaxError, "invalid syntax"),
        })
}
