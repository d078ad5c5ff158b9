//! What is wrong with the arguments of a call of a native. Takes a call that didn't fit, gives
//! the TypeError that CPython 3.13 has for it; never binds anything.
//!
//! CPython has three ways to take arguments, each with words of its own: a slot's wrapper
//! (typeobject.c `wrap_binaryfunc` and its likes), arguments by position alone (methodobject.c,
//! getargs.c `_PyArg_CheckPositional`), and arguments by keyword (getargs.c
//! `_PyArg_UnpackKeywords`). Each checks in an order of its own.

use crate::heap::Kind;
use crate::native::{DefKind, NativeDef, Raised};
use crate::object::class::{B, Class};
use crate::object::function::Native;
use crate::text::suggest;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// A call, as messages see it: the instance or class that a method is bound to counts for nothing.
struct Call<'a> {
    def: &'static NativeDef,
    /// The parameters that scripts give.
    names: Vec<&'static str>,
    /// Of them, those by position.
    n_positional: usize,
    n_posonly: usize,
    n_required: usize,
    n_given: usize,
    keywords: &'a [(Value, Value)],
}

fn s(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

impl Vm {
    /// The error of a call that `bind_native` had no values for.
    #[cold]
    pub(super) fn native_argument_error(
        &mut self,
        callee: Value,
        args: &[Value],
        keywords: &[(Value, Value)],
    ) -> Raised {
        let def = self.heap.cell::<Native>(callee).def;
        if let Some(qualname) = self.python_qualname(callee, args) {
            return self.python_bind_error(&qualname, def, args, keywords);
        }
        let is_constructor = matches!(def.name, "__new__" | "__init__");
        let is_bound = match def.kind {
            DefKind::Function => false,
            DefKind::StaticMethod => is_constructor,
            DefKind::Method | DefKind::ClassMethod => true,
        };
        let n_bound = usize::from(is_bound);
        let arity = def.arity;
        let call = Call {
            def,
            names: def.param_names()[n_bound..].to_vec(),
            n_positional: (arity.positional as usize).saturating_sub(n_bound),
            n_posonly: (arity.posonly as usize).saturating_sub(n_bound),
            n_required: (arity.required as usize).saturating_sub(n_bound),
            n_given: args.len().saturating_sub(n_bound),
            keywords,
        };
        let message = if def.is_slot && !is_constructor && def.name != "__call__" {
            self.slot_argument_message(&call, args)
        } else if call.n_posonly == call.n_positional && arity.kwonly == 0 && !arity.varkw {
            self.positional_argument_message(&call, callee, args)
        } else {
            self.keyword_argument_message(&call, args)
        };
        // CPython 3.13 bltinmodule.c builtin_sorted has the list before it looks at keywords.
        if let ("sorted", &[items]) = (def.name, args)
            && let Err(raised) = self.holding(&[items], |vm| vm.collect_iterable(items))
        {
            return raised;
        }
        self.type_error(message)
    }

    fn slot_argument_message(&self, call: &Call, args: &[Value]) -> String {
        let (def, given) = (call.def, call.n_given);
        if !call.keywords.is_empty() {
            return format!("wrapper {}() takes no keyword arguments", def.name);
        }
        // These are unpacked under an empty name.
        let is_unpacked = match def.name {
            "__setattr__" | "__setitem__" | "__get__" | "__set__" | "__pow__" | "__rpow__" => true,
            "__mul__" | "__rmul__" | "__imul__" => args.first().is_some_and(|&this| {
                let class = self.heap.class_of(this);
                let mut numbers = [B::Int, B::Float].into_iter();
                !numbers.any(|number| self.is_subclass(class, self.class(number)))
            }),
            _ => false,
        };
        let lead = if is_unpacked { " " } else { "" };
        let (bound, n) = match (call.n_required, call.n_positional) {
            (required, positional) if required == positional => ("", required),
            (required, _) if given < required => ("at least ", required),
            (_, positional) => ("at most ", positional),
        };
        format!("{lead}expected {bound}{n} argument{}, got {given}", s(n))
    }

    fn positional_argument_message(&self, call: &Call, callee: Value, args: &[Value]) -> String {
        let (def, given) = (call.def, call.n_given);
        let (min, max) = (call.n_required, call.n_positional);
        let is_constructor = matches!(def.name, "__new__" | "__init__");
        let mut name = self.constructor_name(def, args);
        let qualified = match is_constructor {
            true => name.clone(),
            false => self.qualified_native_name(callee, args),
        };
        if !call.keywords.is_empty() {
            return format!("{qualified}() takes no keyword arguments");
        }
        if min == max && max < 2 && !is_constructor && !def.arity.varargs {
            return match max {
                0 => format!("{qualified}() takes no arguments ({given} given)"),
                _ => format!("{qualified}() takes exactly one argument ({given} given)"),
            };
        }
        let (bound, n) = match given < min {
            _ if min == max && !def.arity.varargs => ("", max),
            true => ("at least ", min),
            false => ("at most ", max),
        };
        // CPython 3.13 setobject.c is alone in naming a script's subclass.
        if (name == "set" && def.name == "__init__")
            || (name == "frozenset" && def.name == "__new__")
        {
            let class = args.first().map(|&a| match self.heap.get::<Class>(a) {
                Some(_) => a,
                None => self.heap.class_of(a),
            });
            name = class.map_or(name, |class| self.class_name(class));
        }
        let parens = if name == "super" { "()" } else { "" };
        format!(
            "{name}{parens} expected {bound}{n} argument{}, got {given}",
            s(n)
        )
    }

    /// What counts its positional arguments before it looks at keywords.
    fn by_position_first(&self, call: &Call, name: &str, args: &[Value]) -> Option<String> {
        let given = call.n_given;
        let (bound, n) = match name {
            "sorted" if given != 1 => ("", 1),
            "max" | "min" if given == 0 => ("at least ", 1),
            "int" | "str" if call.keywords.is_empty() && given > call.n_positional => {
                // A subclass goes another way.
                if !self.is_called_by_position(args) {
                    return None;
                }
                ("at most ", call.n_positional)
            }
            _ => return None,
        };
        let plural = s(n);
        Some(format!(
            "{name} expected {bound}{n} argument{plural}, got {given}"
        ))
    }

    fn keyword_argument_message(&mut self, call: &Call, args: &[Value]) -> String {
        let name = self.constructor_name(call.def, args);
        let (given, arity) = (call.n_given, call.def.arity);
        if let Some(message) = self.by_position_first(call, &name, args) {
            return message;
        }
        let n_named = call.n_positional + arity.kwonly as usize;
        let n_total = given + call.keywords.len();
        if n_total > n_named && !arity.varargs && !arity.varkw {
            let kind = if given == 0 { "keyword " } else { "" };
            return format!(
                "{name}() takes at most {n_named} {kind}argument{} ({n_total} given)",
                s(n_named)
            );
        }
        if given > call.n_positional && !arity.varargs {
            let max = call.n_positional;
            if max == 0 {
                return format!("{name}() takes no positional arguments");
            }
            let bound = match call.n_required == max {
                true => "exactly",
                false => "at most",
            };
            return format!(
                "{name}() takes {bound} {max} positional argument{} ({given} given)",
                s(max)
            );
        }
        if name == "enumerate" {
            // CPython 3.13 enumobject.c enumerate_vectorcall looks at its keywords by hand.
            let words = call
                .keywords
                .iter()
                .map(|&(word, _)| self.heap.string(word));
            let is_taken = |word: &String| call.names[given..].contains(&word.as_str());
            if let Some(word) = words.into_iter().find(|word| !is_taken(word)) {
                return format!("'{word}' is an invalid keyword argument for enumerate()");
            }
        }
        let n_least = call.n_required.min(call.n_posonly);
        if given < n_least {
            let bound = match n_least < call.n_positional || arity.varargs {
                true => "at least",
                false => "exactly",
            };
            return format!(
                "{name}() takes {bound} {n_least} positional argument{} ({given} given)",
                s(n_least)
            );
        }
        let words: Vec<String> = call
            .keywords
            .iter()
            .map(|&(word, _)| self.heap.string(word))
            .collect();
        let is_named = |param: &&&str| words.iter().any(|word| word == *param);
        let missing =
            (given.max(call.n_posonly)..call.n_required).find(|&at| !is_named(&&call.names[at]));
        if let Some(at) = missing {
            return format!(
                "{name}() missing required argument '{}' (pos {})",
                call.names[at],
                at + 1
            );
        }
        let twice =
            (call.n_posonly..given.min(call.n_positional)).find(|&at| is_named(&&call.names[at]));
        if let Some(at) = twice {
            return format!(
                "argument for {name}() given by name ('{}') and position ({})",
                call.names[at],
                at + 1
            );
        }
        let is_known = |word: &&String| {
            call.names[call.n_posonly..n_named]
                .iter()
                .any(|name| name == *word)
        };
        let unknown = words.iter().find(|word| !is_known(word));
        let unknown = unknown.map_or("", String::as_str);
        // CPython 3.13 bltinmodule.c builtin_sorted hands its keywords to list.sort.
        let name = if name == "sorted" { "sort" } else { &name };
        let hint = suggest::keyword_hint(unknown, &call.names[call.n_posonly..n_named]);
        format!("{name}() got an unexpected keyword argument '{unknown}'{hint}")
    }

    /// The qualified name of a method that CPython has in Python, not in C:
    /// its argument errors read differently.
    #[cold]
    fn python_qualname(&mut self, callee: Value, args: &[Value]) -> Option<String> {
        let native = self.heap.cell::<Native>(callee);
        let (def, module) = (native.def, native.module);
        if def.kind == DefKind::Function {
            let is_python = self.is_python_module(module);
            return is_python.then(|| String::from(def.name));
        }
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
        module.is_some_and(|module| self.is_python_module(module))
    }

    /// Whether CPython has the module so called in Python.
    fn is_python_module(&self, module: Value) -> bool {
        self.heap
            .as_str(module)
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
                    let candidates = &names[def.arity.posonly as usize..];
                    let hint = suggest::keyword_hint(&text, candidates);
                    return self.type_error(format!(
                        "{qualname}() got an unexpected keyword argument '{text}'{hint}"
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

    /// Whether it is `int` or `str` itself that is called, not a subclass: CPython
    /// 3.13 takes the arguments of these by position first, and counts them there.
    fn is_called_by_position(&self, args: &[Value]) -> bool {
        [B::Int, B::Str]
            .into_iter()
            .any(|class| args.first() == Some(&self.class(class)))
    }

    /// `list.append` for a method, `len` for a builtin function, `math.sqrt` for another module's.
    fn qualified_native_name(&self, callee: Value, args: &[Value]) -> String {
        let native = self.heap.cell::<Native>(callee);
        let name = native.def.name;
        if let Some(module) = self.heap.as_str(native.module) {
            let module = module.to_lossy();
            return match &*module {
                // CPython 3.13 _functoolsmodule.c reads the arguments of `reduce` by itself.
                "builtins" | "_functools" => name.to_owned(),
                module => format!("{module}.{name}"),
            };
        }
        // CPython 3.13 methodobject.c meth_get__qualname__: what is bound goes by its own class.
        let class = match (native.this.is_empty(), args.first()) {
            (_, Some(&class)) if native.def.kind == DefKind::ClassMethod => class,
            (false, _) if self.heap.kind(native.this) == Some(Kind::Class) => native.this,
            (false, _) => self.heap.class_of(native.this),
            (true, _) => native.owner,
        };
        match class.is_empty() {
            true => name.to_owned(),
            false => {
                let qualname = self.heap.cell::<Class>(class).qualname;
                format!("{}.{name}", self.heap.string(qualname))
            }
        }
    }
}
