//! Binding arguments to parameters, with CPython's messages.

use crate::planted::{self, Bug};
use smallvec::SmallVec;

use crate::heap::Kind;
use crate::native::{DefKind, NativeDef, PyResult, Raised};
use crate::object::class::{B, Class};
use crate::object::dict::Dict;
use crate::object::function::{CodeObject, Function};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// Parameter registers of a call.
pub type Bound = SmallVec<[Value; 8]>;

impl Vm {
    /// The parameter registers for calling script function `func`.
    ///
    /// # Errors
    /// TypeError.
    pub(crate) fn bind_function(
        &mut self,
        func: Value,
        args: &[Value],
        keywords: &[(Value, Value)],
    ) -> PyResult<Bound> {
        let f = self.heap.cell::<Function>(func);
        let code_value = f.code;
        let code = self.heap.cell::<CodeObject>(code_value).code.clone();
        let (defaults, kwdefaults) = (f.defaults, f.kwdefaults);
        let (n_pos, n_kwonly) = (code.n_pos as usize, code.n_kwonly as usize);
        let mut regs: Bound = SmallVec::from_elem(Value::EMPTY, code.n_params());
        let given = args.len().min(n_pos);
        regs[..given].copy_from_slice(&args[..given]);
        let star = n_pos + n_kwonly;
        if code.flags.varargs {
            regs[star] = self.heap.tuple(&args[given..]);
        }
        let star_star = star + code.flags.varargs as usize;
        if code.flags.varkw {
            regs[star_star] = self.heap.dict();
        }
        for &(name, value) in keywords {
            let name = self.heap.intern_value(name);
            let params = &self.heap.cell::<CodeObject>(code_value).params;
            let found = params[..star].iter().position(|&p| p == name);
            match found {
                Some(i) if i >= code.n_posonly as usize => {
                    if !regs[i].is_empty() {
                        let text = self.heap.string(name);
                        let message = format!(
                            "{}() got multiple values for argument '{text}'",
                            self.qualname(func)
                        );
                        return Err(self.type_error(message));
                    }
                    regs[i] = value;
                }
                _ if code.flags.varkw => {
                    self.heap.ns_set(regs[star_star], name, value);
                }
                _ if self.names_positional_only(code_value, keywords) => {
                    let given_by_name: Vec<String> = code.params[..code.n_posonly as usize]
                        .iter()
                        .filter(|p| {
                            keywords
                                .iter()
                                .any(|&(k, _)| self.heap.text(k).eq_str(p.as_str()))
                        })
                        .map(|p| p.to_string())
                        .collect();
                    let message = format!(
                        "{}() got some positional-only arguments passed as keyword arguments: '{}'",
                        self.qualname(func),
                        given_by_name.join(", ")
                    );
                    return Err(self.type_error(message));
                }
                _ => {
                    let text = self.heap.string(name);
                    let candidates = &code.params[code.n_posonly as usize..star];
                    let hint =
                        crate::text::suggest::closest(&text, candidates.iter().map(|p| p.as_str()))
                            .map_or(String::new(), |hint| format!(". Did you mean '{hint}'?"));
                    let message = format!(
                        "{}() got an unexpected keyword argument '{text}'{hint}",
                        self.qualname(func)
                    );
                    return Err(self.type_error(message));
                }
            }
        }
        if args.len() > n_pos && !code.flags.varargs {
            return Err(self.too_many_positional(func, args.len(), &regs));
        }
        if regs[..n_pos].iter().any(|v| v.is_empty()) {
            let n_defaults = self.heap.as_tuple(defaults).map_or(0, |d| d.len());
            let first_default = n_pos.saturating_sub(n_defaults);
            for i in first_default..n_pos {
                if regs[i].is_empty() {
                    regs[i] = self.heap.tuple_items(defaults)[i + n_defaults - n_pos];
                }
            }
            let missing: Vec<String> = (0..n_pos)
                .filter(|&i| regs[i].is_empty())
                .map(|i| code.params[i].to_string())
                .collect();
            if !missing.is_empty() {
                let qualname = self.qualname(func);
                return Err(self.missing_arguments(&qualname, "positional", &missing));
            }
        }
        if n_kwonly > 0 {
            for i in n_pos..star {
                if regs[i].is_empty() && self.heap.get::<Dict>(kwdefaults).is_some() {
                    let name = self.heap.cell::<CodeObject>(code_value).params[i];
                    regs[i] = self.heap.ns_get(kwdefaults, name).unwrap_or(Value::EMPTY);
                    if planted::is(Bug::LostKeywordDefault) && i + 1 == star {
                        regs[i] = Value::EMPTY;
                    }
                }
            }
            let missing: Vec<String> = (n_pos..star)
                .filter(|&i| regs[i].is_empty())
                .map(|i| code.params[i].to_string())
                .collect();
            if !missing.is_empty() {
                let qualname = self.qualname(func);
                return Err(self.missing_arguments(&qualname, "keyword-only", &missing));
            }
        }
        Ok(regs)
    }

    /// Whether any keyword is the name of a positional-only parameter.
    #[cold]
    fn names_positional_only(&self, code: Value, keywords: &[(Value, Value)]) -> bool {
        let code = &self.heap.cell::<CodeObject>(code).code;
        let params = &code.params[..code.n_posonly as usize];
        params.iter().any(|param| {
            let mut names = keywords.iter();
            names.any(|&(name, _)| self.heap.text(name).eq_str(param.as_str()))
        })
    }

    fn qualname(&self, func: Value) -> String {
        self.heap.string(self.heap.cell::<Function>(func).qualname)
    }

    #[cold]
    fn missing_arguments(&mut self, qualname: &str, kind: &str, missing: &[String]) -> Raised {
        let names = match missing {
            [one] => format!("'{one}'"),
            [a, b] => format!("'{a}' and '{b}'"),
            [rest @ .., last] => {
                let rest: Vec<String> = rest.iter().map(|n| format!("'{n}'")).collect();
                format!("{}, and '{last}'", rest.join(", "))
            }
            [] => String::new(),
        };
        let plural = if missing.len() == 1 { "" } else { "s" };
        let message = format!(
            "{qualname}() missing {} required {kind} argument{plural}: {names}",
            missing.len()
        );
        self.type_error(message)
    }

    #[cold]
    fn too_many_positional(&mut self, func: Value, given: usize, regs: &[Value]) -> Raised {
        let f = self.heap.cell::<Function>(func);
        let code = self.heap.cell::<CodeObject>(f.code).code.clone();
        let n_defaults = self.heap.as_tuple(f.defaults).map_or(0, |d| d.len());
        let n_pos = code.n_pos as usize;
        let kwonly_given = regs[n_pos..n_pos + code.n_kwonly as usize]
            .iter()
            .filter(|v| !v.is_empty())
            .count();
        let (takes, plural) = if n_defaults > 0 {
            (
                // A script may give a function more defaults than it has parameters.
                format!("from {} to {n_pos}", n_pos as i64 - n_defaults as i64),
                true,
            )
        } else {
            (format!("{n_pos}"), n_pos != 1)
        };
        let s = |many: bool| if many { "s" } else { "" };
        let message = if kwonly_given > 0 {
            format!(
                "{}() takes {takes} positional argument{} but {given} positional argument{} (and {kwonly_given} keyword-only argument{}) were given",
                self.qualname(func),
                s(plural),
                s(given != 1),
                s(kwonly_given != 1),
            )
        } else {
            format!(
                "{}() takes {takes} positional argument{} but {given} {} given",
                self.qualname(func),
                s(plural),
                if given == 1 { "was" } else { "were" }
            )
        };
        self.type_error(message)
    }

    /// The parameter values for calling a native; `name` is how messages call it.
    ///
    /// # Errors
    /// TypeError.
    pub(crate) fn bind_native(
        &mut self,
        def: &'static NativeDef,
        args: &[Value],
        keywords: &[(Value, Value)],
    ) -> PyResult<Bound> {
        let bound = self.bind_native_values(def, args, keywords);
        if bound.is_err()
            && let Some(qualname) = self.python_qualname(def, args)
        {
            return Err(self.python_bind_error(&qualname, def, args, keywords));
        }
        bound
    }

    /// The qualified name of a method that CPython has in Python, not in C:
    /// its argument errors read differently.
    #[cold]
    fn python_qualname(&mut self, def: &'static NativeDef, args: &[Value]) -> Option<String> {
        let &this = args.first().filter(|_| def.kind == DefKind::Method)?;
        let name = self.heap.intern(def.name);
        let (owner, _) = self.lookup_class_where(self.heap.class_of(this), name)?;
        self.is_python_in_cpython(owner)
            .then(|| format!("{}.{}", self.class_name(owner), def.name))
    }

    /// Whether CPython has this native class in Python.
    pub(crate) fn is_python_in_cpython(&self, class: Value) -> bool {
        let attrs = self.heap.cell::<Class>(class).attrs;
        let module = self.heap.ns_get(attrs, self.n(N::module));
        // A metaclass has a descriptor there.
        module
            .and_then(|module| self.heap.as_str(module))
            .is_some_and(|module| module.to_lossy().starts_with("asyncio."))
    }

    /// What calling a function of the language with this signature would raise.
    fn python_bind_error(
        &mut self,
        qualname: &str,
        def: &'static NativeDef,
        args: &[Value],
        keywords: &[(Value, Value)],
    ) -> Raised {
        let names = def.param_names();
        let (required, n_pos) = (def.arity.required as usize, def.arity.positional as usize);
        let mut missing: Vec<usize> = (args.len()..required).collect();
        for &(name, _) in keywords {
            let text = self.heap.string(name);
            match names.iter().position(|&param| param == text) {
                None => {
                    return self.type_error(format!(
                        "{qualname}() got an unexpected keyword argument '{text}'"
                    ));
                }
                Some(at) if at < args.len() => {
                    return self.type_error(format!(
                        "{qualname}() got multiple values for argument '{text}'"
                    ));
                }
                Some(at) => missing.retain(|&i| i != at),
            }
        }
        if args.len() > n_pos {
            let takes = match required == n_pos {
                true => n_pos.to_string(),
                false => format!("from {required} to {n_pos}"),
            };
            let plural = if takes == "1" { "" } else { "s" };
            let given = args.len();
            let was = if given == 1 { "was" } else { "were" };
            return self.type_error(format!(
                "{qualname}() takes {takes} positional argument{plural} but {given} {was} given"
            ));
        }
        let missing: Vec<String> = missing.into_iter().map(|i| names[i].to_string()).collect();
        self.missing_arguments(qualname, "positional", &missing)
    }

    fn bind_native_values(
        &mut self,
        def: &'static NativeDef,
        args: &[Value],
        keywords: &[(Value, Value)],
    ) -> PyResult<Bound> {
        let arity = def.arity;
        let n_pos = arity.positional as usize;
        let star = n_pos + arity.kwonly as usize;
        let mut values: Bound = SmallVec::from_elem(Value::EMPTY, arity.n_params());
        if args.len() > n_pos && !arity.varargs {
            return Err(self.native_arity_error(def, args, args.len()));
        }
        let given = args.len().min(n_pos);
        values[..given].copy_from_slice(&args[..given]);
        if arity.varargs {
            values[star] = self.heap.tuple(&args[given..]);
        }
        let star_star = star + arity.varargs as usize;
        if arity.varkw {
            values[star_star] = self.heap.dict();
        }
        if !keywords.is_empty() {
            for &(name, value) in keywords {
                let at = self.native_params(def)[..star]
                    .iter()
                    .position(|&param| param == name);
                match at {
                    Some(i) if i >= arity.posonly as usize => {
                        if !values[i].is_empty() {
                            let text = self.heap.string(name);
                            let message = format!(
                                "argument for {}() given by name ('{text}') and position ({})",
                                def.name,
                                i + 1
                            );
                            return Err(self.type_error(message));
                        }
                        values[i] = value;
                    }
                    _ if arity.varkw => {
                        self.heap.ns_set(values[star_star], name, value);
                    }
                    // CPython leaves keywords to the other of the two where a
                    // subclass has its own.
                    _ if self.other_takes_keywords(def, args) => {}
                    _ if arity.kwonly == 0 && arity.posonly == arity.positional => {
                        let shown = match def.name {
                            "__new__" | "__init__" => self.constructor_name(def, args),
                            _ => self.qualified_native_name(def, args),
                        };
                        let message = format!("{shown}() takes no keyword arguments");
                        return Err(self.type_error(message));
                    }
                    _ => {
                        let text = self.heap.string(name);
                        let shown = self.constructor_name(def, args);
                        let message =
                            format!("{shown}() got an unexpected keyword argument '{text}'");
                        return Err(self.type_error(message));
                    }
                }
            }
        }
        // The instance or class that a method is bound to counts for nothing.
        let bound = (def.kind != DefKind::Function) as usize;
        for i in 0..arity.required as usize {
            if values[i].is_empty() {
                if i < arity.posonly as usize
                    || keywords.is_empty() && arity.posonly as usize > bound
                {
                    return Err(self.native_arity_error(def, args, args.len()));
                }
                let name = def.param_names()[i];
                let message = format!(
                    "{}() missing required argument '{name}' (pos {})",
                    self.constructor_name(def, args),
                    i + 1 - bound
                );
                return Err(self.type_error(message));
            }
        }
        Ok(values)
    }

    /// Whether `def` is a `__new__` or `__init__` without named parameters, and
    /// the class's own other one is a script's.
    fn other_takes_keywords(&mut self, def: &'static NativeDef, args: &[Value]) -> bool {
        let arity = def.arity;
        if arity.kwonly > 0 || arity.posonly != arity.positional {
            return false;
        }
        let (class, other) = match (def.name, args.first()) {
            ("__new__", Some(&class)) => (class, N::init),
            ("__init__", Some(&this)) => (self.heap.class_of(this), N::new),
            _ => return false,
        };
        // A set's `__init__` is strict even then.
        if self.heap.kind(class) != Some(Kind::Class)
            || def.name == "__init__" && self.is_subclass(class, self.class(B::Set))
        {
            return false;
        }
        let other = self.n(other);
        self.lookup_class(class, other)
            .is_some_and(|f| self.heap.kind(f) != Some(Kind::Native))
    }

    /// The names of a native's parameters as interned strs, as keywords are.
    fn native_params(&mut self, def: &'static NativeDef) -> &[Value] {
        let Vm {
            heap,
            native_params,
            ..
        } = self;
        native_params
            .entry(std::ptr::from_ref(def).addr())
            .or_insert_with(|| {
                def.param_names()
                    .into_iter()
                    .map(|p| heap.intern(p))
                    .collect()
            })
    }

    /// The class's name for `__new__` and `__init__`, else the function's.
    #[cold]
    fn constructor_name(&self, def: &'static NativeDef, args: &[Value]) -> String {
        let class = match (def.name, args.first()) {
            ("__new__", Some(&class)) => class,
            ("__init__", Some(&this)) => self.heap.class_of(this),
            _ => return def.name.to_string(),
        };
        // It goes by the class it was made for, not by a script's subclass.
        let mro = self.heap.get::<Class>(class).map(|c| &c.mro);
        let own = mro.and_then(|mro| {
            let builtin = |&&c: &&Value| !self.heap.cell::<Class>(c).is_heap;
            mro.iter().find(builtin)
        });
        self.class_name(own.copied().unwrap_or(class))
    }

    #[cold]
    fn native_arity_error(
        &mut self,
        def: &'static NativeDef,
        args: &[Value],
        given: usize,
    ) -> Raised {
        let bound = (def.kind != DefKind::Function) as usize;
        let given = given.saturating_sub(bound);
        let arity = def.arity;
        let (min, max) = (
            (arity.required as usize).saturating_sub(bound),
            (arity.positional as usize).saturating_sub(bound),
        );
        let is_new = matches!(def.name, "__new__" | "__init__");
        let mut name = self.constructor_name(def, args);
        // CPython 3.13 setobject.c is alone in naming a script's subclass.
        if (name == "set" && def.name == "__init__")
            || (name == "frozenset" && def.name == "__new__")
        {
            let class = args.first().map(|&a| match self.heap.kind(a) {
                Some(Kind::Class) => a,
                _ => self.heap.class_of(a),
            });
            name = class.map_or(name, |class| self.class_name(class));
        }
        let s = |n: usize| if n == 1 { "" } else { "s" };
        let by_name = arity.posonly < arity.positional;
        let message = if min == max && def.name.starts_with("__") && !is_new {
            format!("expected {min} argument{}, got {given}", s(min))
        } else if arity.kwonly > 0 && max == 0 {
            format!("{name}() takes no positional arguments")
        } else if min == max && max < 2 && arity.kwonly == 0 && !is_new {
            let name = self.qualified_native_name(def, args);
            match max {
                0 => format!("{name}() takes no arguments ({given} given)"),
                _ => format!("{name}() takes exactly one argument ({given} given)"),
            }
        } else if by_name && given < min {
            format!(
                "{name}() takes at least {min} positional argument{} ({given} given)",
                s(min)
            )
        } else if by_name && !(is_new && self.is_called_by_position(args)) {
            format!(
                "{name}() takes at most {max} argument{} ({given} given)",
                s(max)
            )
        } else if min == max {
            format!("{name} expected {max} argument{}, got {given}", s(max))
        } else if given < min {
            format!(
                "{name} expected at least {min} argument{}, got {given}",
                s(min)
            )
        } else {
            format!(
                "{name} expected at most {max} argument{}, got {given}",
                s(max)
            )
        };
        self.type_error(message)
    }

    /// Whether it is `int` or `str` itself that is called, not a subclass: CPython
    /// 3.13 takes the arguments of these by position first, and counts them there.
    fn is_called_by_position(&self, args: &[Value]) -> bool {
        [B::Int, B::Str]
            .into_iter()
            .any(|class| args.first() == Some(&self.class(class)))
    }

    /// `list.append` for a method, `len` for a function.
    fn qualified_native_name(&mut self, def: &'static NativeDef, args: &[Value]) -> String {
        if def.kind == DefKind::Method
            && let Some(&this) = args.first()
        {
            let name = self.heap.intern(def.name);
            let class = self.heap.class_of(this);
            if let Some((owner, _)) = self.lookup_class_where(class, name) {
                return format!("{}.{}", self.class_name(owner), def.name);
            }
        }
        def.name.to_string()
    }
}
