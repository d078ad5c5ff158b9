//! Binding arguments to parameters. What is wrong with a native's, `native_arguments` says.

use crate::planted::{self, Bug};
use smallvec::SmallVec;

use crate::heap::Kind;
use crate::native::{NativeDef, PyResult, Raised};
use crate::object::class::B;
use crate::object::dict::Dict;
use crate::object::function::{CodeObject, Function, Native};
use crate::text::pystr::PyStr;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// Functions with more parameters are called with keywords by way of `begin_call`.
pub(super) const PLAIN_PARAMS_MAX: usize = 16;

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
        let (code_value, defaults, kwdefaults) = (f.code, f.defaults, f.kwdefaults);
        let code = &self.heap.cell::<CodeObject>(code_value).code;
        let (n_pos, n_kwonly) = (code.n_pos as usize, code.n_kwonly as usize);
        let n_posonly = code.n_posonly as usize;
        let (varargs, varkw) = (code.flags.varargs, code.flags.varkw);
        let mut regs: Bound = SmallVec::from_elem(Value::EMPTY, code.n_params());
        let given = args.len().min(n_pos);
        regs[..given].copy_from_slice(&args[..given]);
        let star = n_pos + n_kwonly;
        if varargs {
            regs[star] = self.heap.tuple(&args[given..]);
        }
        let star_star = star + varargs as usize;
        if varkw {
            regs[star_star] = self.heap.dict();
        }
        for &(name, value) in keywords {
            let name = self.heap.intern_value(name);
            let params = &self.heap.cell::<CodeObject>(code_value).params;
            let found = params[..star].iter().position(|&p| p == name);
            match found {
                Some(i) if i >= n_posonly => {
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
                _ if varkw => {
                    self.heap.ns_set(regs[star_star], name, value);
                }
                _ => return Err(self.unexpected_keyword(func, name, keywords)),
            }
        }
        if args.len() > n_pos && !varargs {
            return Err(self.too_many_positional(func, args.len(), &regs));
        }
        if regs[given..n_pos].iter().any(|v| v.is_empty()) {
            let n_defaults = self.heap.as_tuple(defaults).map_or(0, |d| d.len());
            let first_default = n_pos.saturating_sub(n_defaults);
            for i in first_default..n_pos {
                if regs[i].is_empty() {
                    regs[i] = self.heap.tuple_items(defaults)[i + n_defaults - n_pos];
                }
            }
            let missing: Vec<String> = (0..n_pos)
                .filter(|&i| regs[i].is_empty())
                .map(|i| self.param_name(code_value, i))
                .collect();
            if !missing.is_empty() {
                let qualname = self.qualname(func);
                return Err(self.missing_arguments(&qualname, "positional", &missing));
            }
        }
        if n_kwonly > 0 {
            for i in n_pos..star {
                if regs[i].is_empty() {
                    let name = self.heap.cell::<CodeObject>(code_value).params[i];
                    let default = self.keyword_default(kwdefaults, name, i + 1 == star);
                    regs[i] = default.unwrap_or(Value::EMPTY);
                }
            }
            let missing: Vec<String> = (n_pos..star)
                .filter(|&i| regs[i].is_empty())
                .map(|i| self.param_name(code_value, i))
                .collect();
            if !missing.is_empty() {
                let qualname = self.qualname(func);
                return Err(self.missing_arguments(&qualname, "keyword-only", &missing));
            }
        }
        Ok(regs)
    }

    /// The error of a keyword that is no parameter's, or only that of a positional one's.
    #[cold]
    fn unexpected_keyword(
        &mut self,
        func: Value,
        name: Value,
        keywords: &[(Value, Value)],
    ) -> Raised {
        let code_value = self.heap.cell::<Function>(func).code;
        let code = self.heap.cell::<CodeObject>(code_value).code.clone();
        let (n_posonly, star) = (
            code.n_posonly as usize,
            (code.n_pos + code.n_kwonly) as usize,
        );
        if self.names_positional_only(code_value, keywords) {
            let given_by_name: Vec<String> = code.params[..n_posonly]
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
            return self.type_error(message);
        }
        let text = self.heap.string(name);
        let candidates = &code.params[n_posonly..star];
        let hint = crate::text::suggest::closest(&text, candidates.iter().map(|p| p.as_str()))
            .map_or(String::new(), |hint| format!(". Did you mean '{hint}'?"));
        // The name may hold lone surrogates.
        let before = format!(
            "{}() got an unexpected keyword argument '",
            self.qualname(func)
        );
        let message = PyStr::from(before)
            .concat(self.heap.text(name))
            .concat(&PyStr::from(format!("'{hint}")));
        self.type_error(message)
    }

    fn param_name(&self, code: Value, at: usize) -> String {
        self.heap.cell::<CodeObject>(code).code.params[at].to_string()
    }

    /// The parameters of a call whose last arguments have `names`, from the first on that isn't
    /// given by position: its number, and the function's code. None, where they don't fit, where
    /// the function has other than positional parameters, or where a call doesn't run it.
    #[inline]
    pub(super) fn bind_plain(
        &self,
        callee: Value,
        args: &[Value],
        names: Value,
        bound: &mut [Value; PLAIN_PARAMS_MAX],
    ) -> Option<(Value, usize)> {
        let f = self.heap.get::<Function>(callee)?;
        let n_params = f.plain_args as usize;
        if f.suspends || n_params > PLAIN_PARAMS_MAX || args.len() > n_params {
            return None;
        }
        let code = self.heap.cell::<CodeObject>(f.code);
        let names = self.heap.as_tuple(names)?;
        let n_given = args.len().checked_sub(names.len())?;
        let params = code.params.get(..n_params)?;
        let n_unnamed = n_given.max(code.code.n_posonly as usize);
        for (name, &value) in names.iter().zip(&args[n_given..]) {
            let at = params.iter().position(|param| param == name)?;
            if at < n_unnamed || !bound[at].is_empty() {
                return None;
            }
            bound[at] = value;
        }
        let defaults = self.heap.as_tuple(f.defaults).unwrap_or_default();
        for (i, reg) in bound[..n_params].iter_mut().enumerate().skip(n_given) {
            if reg.is_empty() {
                *reg = *defaults.get((i + defaults.len()).checked_sub(n_params)?)?;
            }
        }
        Some((f.code, n_given))
    }

    /// The default of a keyword-only parameter.
    fn keyword_default(&self, kwdefaults: Value, name: Value, is_last: bool) -> Option<Value> {
        self.heap.get::<Dict>(kwdefaults)?;
        let default = self.heap.ns_get(kwdefaults, name)?;
        (!(planted::is(Bug::LostKeywordDefault) && is_last)).then_some(default)
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
    pub(super) fn missing_arguments(
        &mut self,
        qualname: &str,
        kind: &str,
        missing: &[String],
    ) -> Raised {
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

    /// The parameter values for calling a native.
    ///
    /// # Errors
    /// TypeError.
    pub(crate) fn bind_native(
        &mut self,
        callee: Value,
        args: &[Value],
        keywords: &[(Value, Value)],
    ) -> PyResult<Bound> {
        let def = self.heap.cell::<Native>(callee).def;
        match self.bind_native_values(def, args, keywords) {
            Some(values) => Ok(values),
            None => Err(self.native_argument_error(callee, args, keywords)),
        }
    }

    /// None where the arguments don't fit.
    fn bind_native_values(
        &mut self,
        def: &'static NativeDef,
        args: &[Value],
        keywords: &[(Value, Value)],
    ) -> Option<Bound> {
        let arity = def.arity;
        let n_pos = arity.positional as usize;
        let star = n_pos + arity.kwonly as usize;
        let mut values: Bound = SmallVec::from_elem(Value::EMPTY, arity.n_params());
        if args.len() > n_pos && !arity.varargs {
            return None;
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
        for &(name, value) in keywords {
            let at = self.native_params(def)[..star]
                .iter()
                .position(|&param| param == name);
            match at {
                Some(i) if i >= arity.posonly as usize => {
                    if !values[i].is_empty() {
                        return None;
                    }
                    values[i] = value;
                }
                _ if arity.varkw => {
                    self.heap.ns_set(values[star_star], name, value);
                }
                // CPython leaves keywords to the other of the two where a
                // subclass has its own.
                _ if self.other_takes_keywords(def, args) => {}
                _ => return None,
            }
        }
        let is_whole = values[..arity.required as usize]
            .iter()
            .all(|value| !value.is_empty());
        is_whole.then_some(values)
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
    pub(super) fn native_params(&mut self, def: &'static NativeDef) -> &[Value] {
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
}
