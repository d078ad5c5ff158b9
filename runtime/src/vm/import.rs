//! Imports: names to modules, through `sys.modules`, the finders that the
//! standard library registers, and the host. Takes what an import statement
//! says, gives the module; it never parses or compiles.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use lockstep_lang::bytecode::Code;

use crate::heap::{Kind, Marker};
use crate::host::{FoundModule, LoadError};
use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::object::exception::Exception;
use crate::object::module::Module;
use crate::object::opaque;
use crate::text::os_text;
use crate::text::pystr::{PyStr, StrBuilder};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// Makes the module of that full name, enters it in `sys.modules` and runs its
/// body; None when it knows no such module.
pub type Finder = fn(&mut Vm, &str) -> PyResult<Option<Value>>;

/// Why a module (the first) has no such name, or there is no such module (with no name).
pub type Refusals = fn(&str, Option<&str>) -> Option<String>;

/// What imports remember between statements.
#[derive(Default)]
struct Importer {
    /// Asked in order, before the host.
    finders: Vec<Finder>,
    refusals: Option<Refusals>,
    /// Modules whose body is running.
    initializing: Vec<Value>,
}

impl opaque::Native for Importer {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&self.initializing);
    }
}

impl Vm {
    /// Registers a source of modules.
    pub fn add_finder(&mut self, finder: Finder) {
        self.ext::<Importer>().finders.push(finder);
    }

    /// Registers what tells why names are not there.
    pub fn set_refusals(&mut self, refusals: Refusals) {
        self.ext::<Importer>().refusals = Some(refusals);
    }

    /// Why a module of the library lacks a name of CPython's; None for what it lacks there, too.
    pub fn refused_name(&mut self, module: Value, name: Value) -> Option<String> {
        let own = self.heap.cell::<Module>(module).name;
        let own_text = self.heap.as_str(own)?.to_lossy();
        if self.heap.ns_get(self.modules, own) != Some(module) {
            return None;
        }
        let name = self.heap.as_str(name)?.to_lossy();
        self.ext::<Importer>().refusals?(&own_text, Some(&name))
    }

    /// The import statement: the module `name` (a str), or with `full` false
    /// and no `fromlist` (None or a tuple of strs) its top package.
    ///
    /// # Errors
    /// ModuleNotFoundError, ImportError; what a module's body raises.
    pub fn import_name(
        &mut self,
        name: Value,
        level: u16,
        fromlist: Value,
        full: bool,
    ) -> PyResult {
        let globals = self.current_globals().unwrap_or(Value::NONE);
        self.import(name, i64::from(level), fromlist, globals, full)
    }

    /// As `import_name`, from the module whose variables are `globals` (a dict or None).
    ///
    /// # Errors
    /// As `import_name`.
    pub fn import(
        &mut self,
        name: Value,
        level: i64,
        fromlist: Value,
        globals: Value,
        full: bool,
    ) -> PyResult {
        let Ok(text) = self.heap.text(name).to_utf8() else {
            return self.import_odd_name(name);
        };
        let absolute = if level > 0 {
            self.absolute_name(&text, level, globals)?
        } else {
            text.clone()
        };
        if absolute.is_empty() {
            return Err(self.value_error("Empty module name"));
        }
        let module = self.import_module(&absolute)?;
        let names: Vec<Value> = self
            .heap
            .as_sequence(fromlist)
            .map(<[Value]>::to_vec)
            .unwrap_or_default();
        if !names.is_empty() {
            self.import_submodules(module, &absolute, &names)?;
            return Ok(module);
        }
        if full {
            return Ok(module);
        }
        if level == 0 {
            let top = absolute.split('.').next().unwrap_or(&absolute).to_string();
            return self.import_module(&top);
        }
        let cut = text.find('.').map_or(0, |dot| text.len() - dot);
        let top = absolute[..absolute.len() - cut].to_string();
        self.import_module(&top)
    }

    /// A module whose name holds lone surrogates: no file is named so, but `sys.modules` may have it.
    fn import_odd_name(&mut self, name: Value) -> PyResult {
        let key = self.heap.intern_value(name);
        if let Some(module) = self.heap.ns_get(self.modules, key) {
            return Ok(module);
        }
        let text = self.heap.text(name).clone();
        let is_dot = |at: usize| text.char_at(at) == Some(u32::from(b'.'));
        let bad = text.chars().position(|cp| char::from_u32(cp).is_none());
        let bad = bad.unwrap_or_default();
        let end = (bad..text.len()).find(|&at| is_dot(at));
        let missing = text.slice(0..end.unwrap_or(text.len()));
        let mut message = format!("No module named {}", missing.repr().to_lossy());
        if let Some(dot) = (0..bad).rev().find(|&at| is_dot(at)) {
            let parent = text.slice(0..dot).to_lossy();
            let package = self.import_module(&parent)?;
            let path = self.n(N::path);
            if self
                .holding(&[name], |vm| vm.get_attr_opt(package, path))?
                .is_none()
            {
                message.push_str(&format!("; {} is not a package", quoted(&parent)));
            }
        }
        let raised = self.raise(B::ModuleNotFoundError, message);
        let missing = self.heap.str(missing);
        self.heap.cell_mut::<Exception>(raised.0).fields[0] = missing;
        Err(raised)
    }

    /// The full name that a relative import means.
    fn absolute_name(&mut self, name: &str, level: i64, globals: Value) -> PyResult<String> {
        let package = self.package_of(globals);
        if package.is_empty() {
            return Err(self.import_error("attempted relative import with no known parent package"));
        }
        let mut base = package.as_str();
        for _ in 1..level {
            match base.rfind('.') {
                Some(dot) => base = &base[..dot],
                None => {
                    return Err(
                        self.import_error("attempted relative import beyond top-level package")
                    );
                }
            }
        }
        Ok(if name.is_empty() {
            base.to_string()
        } else {
            format!("{base}.{name}")
        })
    }

    /// The package that a module with these variables belongs to; empty when to none.
    fn package_of(&self, globals: Value) -> String {
        if self.heap.kind(globals) != Some(Kind::Dict) {
            return String::new();
        }
        let text = |name: N| {
            let value = self.heap.ns_get(globals, self.n(name))?;
            self.heap.as_str(value).map(|s| s.to_lossy())
        };
        if let Some(package) = text(N::package) {
            return package;
        }
        let Some(name) = text(N::name_) else {
            return String::new();
        };
        if self.heap.ns_get(globals, self.n(N::path)).is_some() {
            return name;
        }
        name.rfind('.')
            .map_or(String::new(), |dot| name[..dot].to_string())
    }

    /// `importlib.import_module` of a full name.
    ///
    /// # Errors
    /// As `import_name`.
    pub fn import_module(&mut self, name: &str) -> PyResult {
        let key = self.heap.intern(name);
        match self.heap.ns_get(self.modules, key) {
            Some(module) if module.is_none() => {
                let message = format!("import of {name} halted; None in sys.modules");
                Err(self.module_not_found(message, name))
            }
            Some(module) => Ok(module),
            None => self.deeper_import(name),
        }
    }

    fn deeper_import(&mut self, name: &str) -> PyResult {
        let (parent, child) = match name.rfind('.') {
            Some(dot) => (Some(&name[..dot]), &name[dot + 1..]),
            None => (None, name),
        };
        let mut package_path = None;
        let mut package = Value::NONE;
        if let Some(parent) = parent {
            package = self.import_module(parent)?;
            self.root(package);
            // The parent's body may have imported it.
            let key = self.heap.intern(name);
            if let Some(module) = self.heap.ns_get(self.modules, key) {
                return Ok(module);
            }
            let path_key = self.n(N::path);
            match self.get_attr_opt(package, path_key)? {
                Some(path) => package_path = Some(self.first_path(path)),
                None => {
                    let message = format!(
                        "No module named {}; {} is not a package",
                        quoted(name),
                        quoted(parent)
                    );
                    return Err(self.module_not_found(message, name));
                }
            }
        }
        let module = self.find_and_load(name, package_path.as_deref())?;
        if !package.is_none() {
            self.root(module);
            let child = self.heap.intern(child);
            self.set_attr(package, child, module)?;
        }
        Ok(module)
    }

    /// The first directory of a `__path__`; empty when it is no text or stands for no directory.
    fn first_path(&self, path: Value) -> OsString {
        let first = self
            .heap
            .as_sequence(path)
            .and_then(|items| items.first().copied());
        first
            .and_then(|dir| self.heap.as_str(dir))
            .and_then(|dir| os_text::to_os(dir).ok())
            .unwrap_or_default()
    }

    fn find_and_load(&mut self, name: &str, package_path: Option<&OsStr>) -> PyResult {
        let n_finders = self.ext::<Importer>().finders.len();
        for i in 0..n_finders {
            let finder = self.ext::<Importer>().finders[i];
            if let Some(module) = finder(self, name)? {
                return Ok(module);
            }
        }
        match self.host.load_module(name, package_path) {
            Ok(FoundModule {
                code,
                warnings,
                file,
                package_dir,
            }) => {
                self.warn_of_source(&code.source, &warnings)?;
                self.load_module(name, code, &file, package_dir.as_deref())
            }
            Err(LoadError::NotFound) => {
                let refusals = self.ext::<Importer>().refusals;
                let message = match refusals.and_then(|of| of(name, None)) {
                    Some(refusal) => format!("No module named {}: {refusal}", quoted(name)),
                    None => format!("No module named {}", quoted(name)),
                };
                Err(self.module_not_found(message, name))
            }
            Err(LoadError::Syntax(bad)) => Err(self.syntax_error(&bad.0, &bad.1)),
            Err(LoadError::Io(message)) => Err(self.import_error(message)),
        }
    }

    /// Makes a module from its code, enters it in `sys.modules` and runs it.
    /// When its body raises it is taken out again.
    ///
    /// # Errors
    /// What the body raises.
    pub fn load_module(
        &mut self,
        name: &str,
        code: Arc<Code>,
        file: &OsStr,
        package_dir: Option<&OsStr>,
    ) -> PyResult {
        let module = self.new_module(name);
        self.root(module);
        let dict = self.module_dict(module);
        let package = match (package_dir, name.rfind('.')) {
            (Some(_), _) => name,
            (None, Some(dot)) => &name[..dot],
            (None, None) => "",
        };
        let package = self.heap.intern(package);
        self.heap.ns_set(dict, self.n(N::package), package);
        let file = self.heap.str(os_text::from_os(file));
        self.heap.ns_set(dict, self.n(N::file), file);
        if let Some(dir) = package_dir {
            let dir = self.heap.str(os_text::from_os(dir));
            let path = self.heap.list(vec![dir]);
            self.heap.ns_set(dict, self.n(N::path), path);
        }
        if let Some(doc) = code.doc {
            let text = match &code.body().consts[doc.0 as usize] {
                lockstep_lang::bytecode::Const::Str(s) => crate::vm::load::literal_text(s),
                _ => Default::default(),
            };
            let doc = self.heap.str(text);
            self.heap.ns_set(dict, self.n(N::doc), doc);
        }
        let key = self.heap.intern(name);
        self.heap.ns_set(self.modules, key, module);
        self.ext::<Importer>().initializing.push(module);
        let result = self.run_module_code(code, dict);
        self.ext::<Importer>().initializing.retain(|&m| m != module);
        match result {
            Ok(_) => {
                // The body may have put something else in its place.
                Ok(self.heap.ns_get(self.modules, key).unwrap_or(module))
            }
            Err(raised) => {
                self.heap.ns_remove(self.modules, key);
                Err(raised)
            }
        }
    }

    /// Whether the body of a module is still running.
    pub fn is_initializing(&mut self, module: Value) -> bool {
        self.ext::<Importer>().initializing.contains(&module)
    }

    /// Imports those of `names` that are submodules of package `module` not
    /// yet there.
    fn import_submodules(&mut self, module: Value, name: &str, names: &[Value]) -> PyResult<()> {
        let path = self.n(N::path);
        if self.get_attr_opt(module, path)?.is_none() {
            return Ok(());
        }
        for &item in names {
            let Some(text) = self.heap.as_str(item).map(|s| s.to_lossy()) else {
                let found = self.type_name(item);
                return Err(
                    self.type_error(format!("Item in ``from list'' must be str, not {found}"))
                );
            };
            if text == "*" {
                let all = self.n(N::all);
                if let Some(all) = self.get_attr_opt(module, all)? {
                    let all = self.collect_iterable(all)?;
                    let held = self.heap.list(all.clone());
                    self.root(held);
                    self.import_submodules(module, name, &all)?;
                }
                continue;
            }
            let key = self.heap.intern(&text);
            if self.get_attr_opt(module, key)?.is_some() {
                continue;
            }
            let full = format!("{name}.{text}");
            if let Err(Raised(e)) = self.import_module(&full) {
                let is_it = self.is_instance_of(e, B::ModuleNotFoundError) && {
                    let missing = self.heap.cell::<Exception>(e).fields[0];
                    self.heap.as_str(missing).is_some_and(|m| m.eq_str(&full))
                };
                if !is_it {
                    return Err(Raised(e));
                }
            }
        }
        Ok(())
    }

    /// `from module import name`: the attribute, or the submodule.
    ///
    /// # Errors
    /// ImportError: cannot import name.
    pub fn import_from(&mut self, module: Value, name: Value) -> PyResult {
        if let Some(value) = self.get_attr_opt(module, name)? {
            return Ok(value);
        }
        let own = self.n(N::name_);
        let module_name = self
            .get_attr_opt(module, own)?
            .filter(|&n| self.heap.as_str(n).is_some());
        let text = self.heap.string(name);
        if let Some(module_name) = module_name {
            let full = format!("{}.{text}", self.heap.string(module_name));
            let key = self.heap.intern(&full);
            if let Some(submodule) = self.heap.ns_get(self.modules, key) {
                return Ok(submodule);
            }
        }
        let shown = match module_name {
            Some(module_name) => format!("'{}'", self.heap.string(module_name)),
            None => String::from("<unknown module name>"),
        };
        let file = self.n(N::file);
        let file = self
            .get_attr_opt(module, file)?
            .filter(|&f| self.heap.as_str(f).is_some());
        let mut message = StrBuilder::new();
        message.push_str(&if self.is_initializing(module) {
            format!(
                "cannot import name '{text}' from partially initialized module {shown} (most likely due to a circular import) ("
            )
        } else {
            format!("cannot import name '{text}' from {shown} (")
        });
        match file {
            Some(file) => message.push(self.heap.text(file)),
            None => message.push_str("unknown location"),
        }
        message.push_str(")");
        let refusal = match self.heap.kind(module) {
            Some(Kind::Module) => self.refused_name(module, name),
            _ => None,
        };
        let raised = match refusal {
            Some(refusal) => self.raise(B::UnsupportedImport, refusal),
            None => self.import_error(message.finish()),
        };
        let e = self.heap.cell_mut::<Exception>(raised.0);
        e.fields[0] = module_name.unwrap_or(Value::NONE);
        e.fields[1] = file.unwrap_or(Value::NONE);
        e.fields[3] = name;
        Err(raised)
    }

    /// `from module import *` into the variables of the running module.
    ///
    /// # Errors
    /// AttributeError for a name of `__all__` that isn't there; TypeError.
    pub fn import_star(&mut self, module: Value) -> PyResult<()> {
        let Some(globals) = self.current_globals() else {
            return Ok(());
        };
        let all = self.n(N::all);
        if let Some(all) = self.get_attr_opt(module, all)? {
            let names = self.collect_iterable(all)?;
            let held = self.heap.list(names.clone());
            self.root(held);
            for name in names {
                if self.heap.as_str(name).is_none() {
                    let own = self.n(N::name_);
                    let own = self.get_attr(module, own)?;
                    let own = self
                        .heap
                        .as_str(own)
                        .map_or(String::from("?"), |s| s.to_lossy());
                    let found = self.type_name(name);
                    return Err(
                        self.type_error(format!("Item in {own}.__all__ must be str, not {found}"))
                    );
                }
                let name = self.heap.intern_value(name);
                let value = self.get_attr(module, name)?;
                self.heap.ns_set(globals, name, value);
            }
            return Ok(());
        }
        let dict = match self.heap.kind(module) {
            Some(Kind::Module) => self.module_dict(module),
            _ => {
                let key = self.n(N::dict);
                match self.get_attr_opt(module, key)? {
                    Some(dict) if self.heap.kind(dict) == Some(Kind::Dict) => dict,
                    _ => {
                        return Err(self
                            .import_error("from-import-* object has no __dict__ and no __all__"));
                    }
                }
            }
        };
        for (name, value) in self.heap.dict_entries(dict) {
            let public = self
                .heap
                .as_str(name)
                .is_some_and(|n| n.char_at(0) != Some(u32::from(b'_')));
            if public {
                let name = self.heap.intern_value(name);
                self.heap.ns_set(globals, name, value);
            }
        }
        Ok(())
    }

    #[cold]
    fn module_not_found(&mut self, message: String, name: &str) -> Raised {
        let raised = self.raise(B::ModuleNotFoundError, message);
        let name = self.heap.str(name);
        self.heap.cell_mut::<Exception>(raised.0).fields[0] = name;
        raised
    }
}

/// A name as messages show it.
fn quoted(name: &str) -> String {
    PyStr::from(name).repr().to_lossy()
}
