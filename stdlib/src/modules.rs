//! The one list of the standard library's modules, and the finder that makes
//! them when they are imported.

use std::ffi::OsStr;
use std::sync::Arc;

use lockstep_lang::bytecode::image;
use lockstep_lang::refused_names;
use lockstep_lang::source::Source;
use lockstep_runtime::{B, PyResult, Value, Vm};

use crate::{
    NativeModule, PyModule, array, asyncio, base64, binascii, bisect, buffers, contextvars,
    csv_line, dataclass_code, datetime, decimal, deque, expression_text, floats, function_marks,
    functools, gc, hash, heapq, itertools, json, math, operator, os, pickle, random, re,
    struct_module, sync, sys, template_parts, thread, time, traceback, unicodedata, weakref, zlib,
};

static NATIVE: &[&NativeModule] = &[
    &array::MODULE,
    &asyncio::NATIVE,
    &base64::MODULE,
    &binascii::MODULE,
    &bisect::MODULE,
    &buffers::MODULE,
    &contextvars::MODULE,
    &csv_line::MODULE,
    &dataclass_code::MODULE,
    &decimal::MODULE,
    &datetime::MODULE,
    &expression_text::MODULE,
    &deque::MODULE,
    &floats::MODULE,
    &function_marks::MODULE,
    &functools::MODULE,
    &gc::MODULE,
    &hash::MODULE,
    &heapq::MODULE,
    &itertools::MODULE,
    &json::MODULE,
    &math::MODULE,
    &operator::MODULE,
    &os::MODULE,
    &pickle::MODULE,
    &random::MODULE,
    &re::MODULE,
    &struct_module::MODULE,
    &sync::MODULE,
    &sys::MODULE,
    &template_parts::MODULE,
    &thread::MODULE,
    &time::MODULE,
    &traceback::MODULE,
    &unicodedata::MODULE,
    &weakref::MODULE,
    &zlib::MODULE,
];

static PY: &[PyModule] = &[
    py!("__future__", "__future__.async"),
    py!("_charmaps", "_charmaps.async"),
    py!("_codecs", "_codecs.async"),
    py!("_encodings", "_encodings.async"),
    py!("_help", "_help.async"),
    py!("_io", "_io.async"),
    py!("_normal", "_normal.async"),
    py!("_strptime", "_strptime.async"),
    py!("_textio", "_textio.async"),
    py!("_weakproxy", "_weakproxy.async"),
    py!("abc", "abc.async"),
    py!("argparse", "argparse/__init__.async", package),
    py!("argparse._actions", "argparse/_actions.async"),
    py!("argparse._help", "argparse/_help.async"),
    py!("argparse._parser", "argparse/_parser.async"),
    py!("array", "array.async"),
    py!("atexit", "atexit.async"),
    py!("base64", "base64.async"),
    py!("bisect", "bisect.async"),
    py!("calendar", "calendar.async"),
    py!("codecs", "codecs.async"),
    py!("collections", "collections/__init__.async", package),
    py!("collections._user", "collections/_user.async"),
    py!("collections.abc", "collections/abc.async"),
    py!("colorsys", "colorsys.async"),
    py!("concurrent", "concurrent/__init__.async", package),
    py!("concurrent.futures", "concurrent/futures.async"),
    py!("configparser", "configparser/__init__.async", package),
    py!("configparser._errors", "configparser/_errors.async"),
    py!(
        "configparser._interpolation",
        "configparser/_interpolation.async"
    ),
    py!("configparser._proxies", "configparser/_proxies.async"),
    py!("configparser._reader", "configparser/_reader.async"),
    py!("contextlib", "contextlib.async"),
    py!("copy", "copy.async"),
    py!("copyreg", "copyreg.async"),
    py!("csv", "csv.async"),
    py!("dataclasses", "dataclasses.async"),
    py!("datetime", "datetime.async"),
    py!("decimal", "decimal.async"),
    py!("difflib", "difflib/__init__.async", package),
    py!("difflib._differ", "difflib/_differ.async"),
    py!("difflib._files", "difflib/_files.async"),
    py!("difflib._matcher", "difflib/_matcher.async"),
    py!("enum", "enum.async"),
    py!("errno", "errno.async"),
    py!("fnmatch", "fnmatch.async"),
    py!("fractions", "fractions.async"),
    py!("functools", "functools.async"),
    py!("getopt", "getopt.async"),
    py!("getpass", "getpass.async"),
    py!("glob", "glob.async"),
    py!("graphlib", "graphlib.async"),
    py!("gzip", "gzip.async"),
    py!("hashlib", "hashlib.async"),
    py!("heapq", "heapq.async"),
    py!("hmac", "hmac.async"),
    py!("html", "html/__init__.async", package),
    py!("html.entities", "html/entities.async"),
    py!("inspect", "inspect.async"),
    py!("io", "io.async"),
    py!("ipaddress", "ipaddress/__init__.async", package),
    py!("ipaddress._address", "ipaddress/_address.async"),
    py!("ipaddress._family", "ipaddress/_family.async"),
    py!("ipaddress._network", "ipaddress/_network.async"),
    py!("json", "json/__init__.async", package),
    py!("json.decoder", "json/decoder.async"),
    py!("json.encoder", "json/encoder.async"),
    py!("json.scanner", "json/scanner.async"),
    py!("keyword", "keyword.async"),
    py!("logging", "logging/__init__.async", package),
    py!("logging.config", "logging/config.async"),
    py!("logging.handlers", "logging/handlers.async"),
    py!("numbers", "numbers.async"),
    py!("operator", "operator.async"),
    py!("os", "os/__init__.async", package),
    py!("os.path", "os/path.async"),
    py!("pathlib", "pathlib/__init__.async", package),
    py!("pathlib._local", "pathlib/_local.async"),
    py!("pickle", "pickle.async"),
    py!("pprint", "pprint.async"),
    py!("queue", "queue.async"),
    py!("random", "random.async"),
    py!("re", "re.async"),
    py!("reprlib", "reprlib.async"),
    py!("sched", "sched.async"),
    py!("secrets", "secrets.async"),
    py!("shlex", "shlex.async"),
    py!("shutil", "shutil.async"),
    py!("signal", "signal.async"),
    py!("statistics", "statistics.async"),
    py!("string", "string.async"),
    py!("struct", "struct.async"),
    py!("tempfile", "tempfile.async"),
    py!("textwrap", "textwrap.async"),
    py!("timeit", "timeit.async"),
    py!("tomllib", "tomllib/__init__.async", package),
    py!("tomllib._parser", "tomllib/_parser.async"),
    py!("traceback", "traceback.async"),
    py!("types", "types.async"),
    py!("typing", "typing.async"),
    py!("unittest", "unittest/__init__.async", package),
    py!("unittest._assertions", "unittest/_assertions.async"),
    py!("unittest._contexts", "unittest/_contexts.async"),
    py!("unittest._log", "unittest/_log.async"),
    py!("unittest._patterns", "unittest/_patterns.async"),
    py!("unittest._skips", "unittest/_skips.async"),
    py!("unittest.async_case", "unittest/async_case.async"),
    py!("unittest.case", "unittest/case.async"),
    py!("unittest.loader", "unittest/loader.async"),
    py!("unittest.main", "unittest/main.async"),
    py!("unittest.mock", "unittest/mock/__init__.async", package),
    py!("unittest.mock._async", "unittest/mock/_async.async"),
    py!("unittest.mock._autospec", "unittest/mock/_autospec.async"),
    py!("unittest.mock._call", "unittest/mock/_call.async"),
    py!("unittest.mock._magic", "unittest/mock/_magic.async"),
    py!("unittest.mock._magics", "unittest/mock/_magics.async"),
    py!("unittest.mock._mock", "unittest/mock/_mock.async"),
    py!("unittest.mock._open", "unittest/mock/_open.async"),
    py!("unittest.mock._patch", "unittest/mock/_patch.async"),
    py!(
        "unittest.mock._patch_dict",
        "unittest/mock/_patch_dict.async"
    ),
    py!("unittest.mock._sentinel", "unittest/mock/_sentinel.async"),
    py!("unittest.mock._specs", "unittest/mock/_specs.async"),
    py!("unittest.result", "unittest/result.async"),
    py!("unittest.runner", "unittest/runner.async"),
    py!("unittest.signals", "unittest/signals.async"),
    py!("unittest.suite", "unittest/suite.async"),
    py!("unittest.util", "unittest/util.async"),
    py!("urllib", "urllib/__init__.async", package),
    py!("urllib.parse", "urllib/parse.async"),
    py!("uuid", "uuid.async"),
    py!("warnings", "warnings.async"),
    py!("weakref", "weakref.async"),
    py!("zlib", "zlib.async"),
];

fn py_modules() -> impl Iterator<Item = &'static PyModule> {
    PY.iter().chain(asyncio::MODULES)
}

/// Finds a module of the standard library.
///
/// # Errors
/// What the module's body raises.
pub fn find(vm: &mut Vm, name: &str) -> PyResult<Option<Value>> {
    if let Some(module) = NATIVE.iter().find(|m| m.name == name) {
        return make_native(vm, module).map(Some);
    }
    match py_modules().find(|m| m.name == name) {
        Some(module) => load(vm, module).map(Some),
        None => Ok(None),
    }
}

/// Why a module lacks a name of CPython's, or the library a module.
pub fn refusal(module: &str, name: Option<&str>) -> Option<String> {
    match name {
        Some(name) => refused_names::of_module(module, name)
            .map(|section| section.message(&format!("{module}.{name}"))),
        None => refused_names::module(module)
            .map(|section| format!("{}; {}", section.reason, section.way_out)),
    }
}

/// The names of all modules that there are.
pub fn names() -> impl Iterator<Item = &'static str> {
    NATIVE
        .iter()
        .map(|m| m.name)
        .chain(py_modules().map(|m| m.name))
}

fn make_native(vm: &mut Vm, module: &NativeModule) -> PyResult {
    let made = vm.new_module(module.name);
    vm.root(made);
    let dict = vm.module_dict(made);
    let name = vm.heap.intern(module.name);
    for def in module.functions {
        let function = vm.native_function(def, name);
        let key = vm.heap.intern(def.name);
        vm.heap.ns_set(dict, key, function);
    }
    let modules = vm.modules;
    vm.heap.ns_set(modules, name, made);
    if let Err(raised) = (module.init)(vm, dict) {
        vm.heap.ns_remove(modules, name);
        return Err(raised);
    }
    Ok(made)
}

fn load(vm: &mut Vm, module: &PyModule) -> PyResult {
    let file = format!("<stdlib>/{}.async", module.name.replace('.', "/"));
    let source = Arc::new(Source::embedded(file.as_str(), module.source));
    let Ok(code) = image::decode_lazily(module.image, &source) else {
        let message = format!("the image of the library's {} is damaged", module.name);
        return Err(vm.raise(B::SystemError, message));
    };
    let file = OsStr::new(&file);
    vm.load_module(module.name, code, file, module.package.then_some(file))
}
