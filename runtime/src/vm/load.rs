//! Code objects: from what the compiler gives to what this VM runs.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use lockstep_lang::ast::StrLit;
use lockstep_lang::bytecode::{Code, Const};

use crate::native::PyResult;
use crate::object::class::B;
use crate::object::function::{CodeObject, Function, NOT_LOADED};
use crate::object::module::Module;
use crate::object::set::Set;
use crate::text::pystr::{PyStr, StrBuilder};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// Longest str constant that is interned, as a name would be.
const INTERN_MAX: usize = 64;

/// The text of a str literal.
pub fn literal_text(literal: &StrLit) -> PyStr {
    match literal {
        StrLit::Text(text) => PyStr::from(text.as_str()),
        StrLit::CodePoints(points) => {
            let mut builder = StrBuilder::with_capacity(points.len());
            for &cp in points {
                builder.push_cp(cp);
            }
            builder.finish()
        }
    }
}

impl Vm {
    /// A code object that runs with `globals` (a dict) as its module's variables. What a call
    /// of it needs is loaded by the first one.
    pub fn load_code(&mut self, code: Arc<Code>, globals: Value) -> Value {
        let n_regs = code.n_regs;
        let params = code
            .params
            .iter()
            .map(|p| self.heap.intern(p.as_str()))
            .collect();
        let name = self.heap.intern(code.name.as_str());
        let qualname = self.heap.intern(code.qualname.as_str());
        self.heap.alloc(
            B::Code.shape(),
            CodeObject {
                code,
                name,
                qualname,
                words: Box::default(),
                consts: Box::default(),
                first: &raw const NOT_LOADED,
                n_regs,
                params,
                globals,
                step: None,
                iterable_coroutine: Cell::new(false),
                liveness: OnceCell::new(),
            },
        )
    }

    /// Makes this VM's copy of what a call of a code object needs, unless it has one.
    #[cold]
    pub fn load_body(&mut self, code_value: Value) {
        let co = self.heap.cell::<CodeObject>(code_value);
        if co.is_loaded() {
            return;
        }
        let code = co.code.clone();
        let body = code.body();
        let consts = body.consts.iter();
        let consts = consts.map(|c| Cell::new(self.load_const(c))).collect();
        let words: Box<[_]> = body.words.iter().copied().map(Cell::new).collect();
        self.heap.charge(words.len() * 8);
        let co = self.heap.cell_mut::<CodeObject>(code_value);
        co.consts = consts;
        co.words = words;
        co.first = co.words.as_ptr().cast();
    }

    /// The docstring that a function was made with or was given.
    pub fn function_doc(&mut self, function: Value) -> Value {
        let f = self.heap.cell::<Function>(function);
        let (doc, code) = (f.doc, f.code);
        if !doc.is_empty() {
            return doc;
        }
        self.load_body(code);
        let co = self.heap.cell::<CodeObject>(code);
        let at = co.code.doc.map(|at| at.0 as usize);
        let doc = at.and_then(|at| co.consts.get(at));
        let doc = doc.map_or(Value::NONE, Cell::get);
        self.heap.cell_mut::<Function>(function).doc = doc;
        doc
    }

    fn load_const(&mut self, constant: &Const) -> Value {
        match constant {
            Const::None => Value::NONE,
            Const::True => Value::TRUE,
            Const::False => Value::FALSE,
            Const::Ellipsis => Value::ELLIPSIS,
            Const::Int(n) => self.heap.int(*n),
            Const::BigInt(n) => self.heap.big(n.clone()),
            Const::Float(f) => self.heap.float(*f),
            Const::Str(s) => {
                let text = literal_text(s);
                if text.len() <= INTERN_MAX {
                    self.heap.intern_text(text)
                } else {
                    self.heap.str(text)
                }
            }
            Const::Bytes(b) => self.heap.bytes(b.clone()),
            Const::Tuple(items) => {
                let items: Vec<Value> = items.iter().map(|c| self.load_const(c)).collect();
                self.heap.tuple(&items)
            }
            Const::FrozenSet(items) => {
                let items: Vec<Value> = items.iter().map(|c| self.load_const(c)).collect();
                // CPython 3.13 compile.c merge_consts_recursive makes the set anew from
                // its own items in their order: colliding ones may change places.
                let first = self.frozenset_of(&items);
                let items: Vec<Value> = self
                    .heap
                    .cell::<Set>(first)
                    .table
                    .iter()
                    .map(|(_, key)| key)
                    .collect();
                self.frozenset_of(&items)
            }
            Const::Name(name) => self.heap.intern(name.as_str()),
            Const::Code(_) => Value::EMPTY,
        }
    }

    /// A frozenset of constants: numbers, strs and tuples of them, which all hash.
    fn frozenset_of(&mut self, items: &[Value]) -> Value {
        let set = self.heap.alloc(B::FrozenSet.shape(), Set::default());
        for &item in items {
            if self.set_add(set, item).is_err() {
                break;
            }
        }
        set
    }

    /// A function without closure, such as a module's body.
    pub fn new_function(&mut self, code: Value) -> Value {
        let co = self.heap.cell::<CodeObject>(code);
        let c = &*co.code;
        let doc = c.doc.map_or(Value::NONE, |_| Value::EMPTY);
        let module = self
            .heap
            .ns_get(co.globals, self.n(N::name_))
            .unwrap_or(Value::NONE);
        let n_free = c.free.len();
        let plain = !c.flags.varargs && !c.flags.varkw && c.n_kwonly == 0;
        let function = Function {
            code,
            name: co.name,
            qualname: co.qualname,
            defaults: Value::NONE,
            kwdefaults: Value::NONE,
            annotations: Value::NONE,
            doc,
            module,
            type_params: Value::NONE,
            plain_args: match c.flags.class_body {
                true => 1,
                false if plain => c.n_pos,
                false => u16::MAX,
            },
            suspends: c.flags.suspends(),
            is_coroutine: c.flags.coroutine,
            at_once: None,
            marked_coroutine: false,
        };
        self.heap
            .alloc_tail(B::Function.shape(), function, n_free, Value::EMPTY)
    }

    /// A new module with its `__name__` and the like set, not entered in `sys.modules`.
    pub fn new_module(&mut self, name: &str) -> Value {
        let dict = self.heap.dict();
        let name = self.heap.intern(name);
        self.heap.ns_set(dict, self.n(N::name_), name);
        for key in [N::doc, N::package, N::loader, N::spec] {
            self.heap.ns_set(dict, self.n(key), Value::NONE);
        }
        self.heap.alloc(B::Module.shape(), Module { name, dict })
    }

    /// The dict of a module's variables.
    pub fn module_dict(&self, module: Value) -> Value {
        self.heap.cell::<Module>(module).dict
    }

    /// Runs a module's code to its end, its variables in `globals`. A module
    /// with top-level await gives its coroutine instead.
    ///
    /// # Errors
    /// What the code raises.
    pub fn run_module_code(&mut self, code: Arc<Code>, globals: Value) -> PyResult {
        let key = self.n(N::builtins);
        if self.heap.ns_get(globals, key).is_none() {
            let name = self.heap.intern("builtins");
            let builtins = self.heap.ns_get(self.modules, name);
            self.heap
                .ns_set(globals, key, builtins.unwrap_or(self.builtins));
        }
        let code = self.load_code(code, globals);
        self.root(code);
        let function = self.new_function(code);
        self.root(function);
        self.call(function, &[])
    }

    /// `__name__` of the module whose code is running.
    pub(crate) fn current_module_name(&self) -> Option<Value> {
        self.heap.ns_get(self.current_globals()?, self.n(N::name_))
    }

    /// The variables of the module whose code is running.
    pub fn current_globals(&self) -> Option<Value> {
        let frame = self.frames.last()?;
        Some(self.heap.cell::<CodeObject>(frame.code_value).globals)
    }
}
