//! Coroutines written in Rust: real frames, whose bytecode only alternates
//! between the native's step and an await of what the step asked for. Linking,
//! cancelling, reports and garbage collection see an ordinary coroutine.
//!
//! ```text
//!  0: NativeStep  R[n]      the next step; returns, raises or leaves an awaitable in R[n]
//!  1: Await       R[n], R[n]
//!  2: Jump        0
//!  3: NativeStep  R[n] x=1  the step that is told of an exception (handler of word 1)
//!  4: Jump        1
//! ```
//! `n` is the number of parameters; the native's own registers follow. A step
//! that asks for a turn of the loop leaves its frame standing at word 2, as if
//! the Await before it had suspended.

use std::sync::Arc;

use lockstep_lang::ast::Name;
use lockstep_lang::bytecode::{Body, Code, CodeFlags, Handler, Op, Reg, Word};
use lockstep_lang::source::Source;

use crate::native::{AtOnce, CoroutineBody, NativeDef, PyResult, StepFrame};
use crate::object::class::Class;
use crate::object::function::{CodeObject, Function};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

impl Vm {
    /// The function of a native coroutine, as a method of `class`.
    pub(crate) fn native_coroutine_method(
        &mut self,
        class: Value,
        def: &'static NativeDef,
        body: CoroutineBody,
    ) -> Value {
        let (key, attrs) = (self.n(N::module), self.heap.cell::<Class>(class).attrs);
        let module = self.heap.ns_get(attrs, key);
        let module = module.unwrap_or_else(|| self.heap.intern("builtins"));
        let qualname = format!("{}.{}", self.class_name(class), def.name);
        self.native_coroutine(module, &qualname, def, body)
    }

    /// The function of a native coroutine, as that of the module so called.
    pub fn native_coroutine(
        &mut self,
        module: Value,
        qualname: &str,
        def: &'static NativeDef,
        body: CoroutineBody,
    ) -> Value {
        let globals = self.heap.dict();
        let key = self.n(N::name_);
        self.heap.ns_set(globals, key, module);
        let source = Source::new(self.heap.string(module), "");
        let code = code(def, qualname, source, body);
        let code = self.load_code(Arc::new(code), globals);
        // Its frames are also entered behind the first word.
        self.load_body(code);
        self.heap.cell_mut::<CodeObject>(code).step = Some(body.step);
        let function = self.new_function(code);
        let defaults = (def.arity.positional - def.arity.required) as usize;
        if defaults > 0 {
            let none = vec![Value::NONE; defaults];
            let defaults = self.heap.tuple(&none);
            self.heap.cell_mut::<Function>(function).defaults = defaults;
        }
        self.heap.cell_mut::<Function>(function).at_once = body.at_once;
        function
    }
}

impl StepFrame {
    /// One of the frame's registers: the parameters, what was awaited, the
    /// native's own.
    #[inline]
    pub fn get(self, vm: &mut Vm, at: usize) -> Value {
        vm.heap.generator_regs(self.0)[at].get()
    }

    #[inline]
    pub fn set(self, vm: &mut Vm, at: usize, value: Value) {
        vm.heap.will_change(self.0);
        vm.heap.generator_regs(self.0)[at].set(value);
    }
}

impl Vm {
    /// The result of a native coroutine if it needs no suspension; else None.
    ///
    /// # Errors
    /// What it raises.
    #[inline]
    pub(crate) fn finish_at_once(
        &mut self,
        function: Value,
        args: &[Value],
    ) -> PyResult<Option<Value>> {
        let f = self.heap.get::<Function>(function);
        let Some(at_once) = f.and_then(|f| f.at_once) else {
            return Ok(None);
        };
        match at_once(self, args)? {
            AtOnce::Done(value) => Ok(Some(value)),
            AtOnce::Turn | AtOnce::Suspends => Ok(None),
        }
    }
}

impl Vm {
    /// Where the frame of a native coroutine goes on after an await: the word,
    /// and the register of what was awaited.
    pub(crate) fn native_coroutine_after_await(&self, function: Value) -> (u32, u16) {
        let code = self.heap.cell::<Function>(function).code;
        let step = self.heap.cell::<CodeObject>(code).words[0].get();
        (AFTER_AWAIT, step.a())
    }
}

/// The word after the Await.
const AFTER_AWAIT: u32 = 2;

fn code(def: &NativeDef, qualname: &str, source: Source, body: CoroutineBody) -> Code {
    let n_params = def.arity.n_params() as u16;
    let awaited = n_params;
    let back = |words: i32| words as u32;
    Code {
        name: Name::from(def.name),
        qualname: Name::from(qualname),
        source: Arc::new(source),
        flags: CodeFlags {
            coroutine: true,
            varargs: def.arity.varargs,
            varkw: def.arity.varkw,
            ..CodeFlags::default()
        },
        n_posonly: u16::from(def.arity.posonly),
        n_pos: u16::from(def.arity.positional),
        n_kwonly: u16::from(def.arity.kwonly),
        params: def.param_names().into_iter().map(Name::from).collect(),
        n_regs: u32::from(n_params) + 1 + u32::from(body.n_registers),
        body: Body {
            words: vec![
                Word::abc(Op::NativeStep, 0, awaited, 0, 0),
                Word::abc(Op::Await, 0, awaited, awaited, 0),
                Word::abx(Op::Jump, 0, 0, back(-3)),
                Word::abc(Op::NativeStep, 1, awaited, 0, 0),
                Word::abx(Op::Jump, 0, 0, back(-4)),
            ],
            handlers: vec![Handler {
                start: 1,
                end: 2,
                target: 3,
                exc: Reg(awaited),
            }],
            ..Body::default()
        }
        .into(),
        free: Vec::new(),
        captures: Vec::new(),
        doc: None,
        first_line: 0,
    }
}
