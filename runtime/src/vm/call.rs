//! Calls: of anything callable, from Rust and from the dispatch loop. A
//! script's function called by a script only pushes a frame.

use lockstep_lang::bytecode::Op;
use smallvec::SmallVec;

use crate::heap::{Kind, ShapeId};
use crate::native::{Body, DefKind, Flow, Forward, ForwardFn, NativeDef, PyResult};
use crate::object::class::{B, Class, FastInit, Hooks};
use crate::object::descriptor::StaticMethod;
use crate::object::exception::Exception;
use crate::object::function::{CodeObject, Function, Method, Native};
use crate::object::generator::{Flavor, Generator};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::frame::{Activation, Frame, Ret};
use crate::vm::names::N;
use crate::vm::resume::{Input, Outcome};
use crate::vm::stack::STACK_VALUES;

/// What came of beginning a call.
pub(crate) enum Called {
    /// A frame was pushed (or, for `Flow::Send`, resumed): run it.
    Pushed,
    /// It is done.
    Value(Value),
}

/// Most times a callable may be replaced by another before its call begins.
const REDIRECTS_MAX: usize = 200;

impl Vm {
    /// `callee(*args)`, from Rust.
    ///
    /// # Errors
    /// What it raises.
    pub fn call(&mut self, callee: Value, args: &[Value]) -> PyResult {
        self.call_kw(callee, args, &[])
    }

    /// `callee(argument)`, from Rust: as `call`, but a native function of one parameter, or a
    /// native method that is bound, is run at once.
    ///
    /// # Errors
    /// What it raises.
    pub fn call_one(&mut self, callee: Value, argument: Value) -> PyResult {
        if let Some(native) = self.heap.get::<Native>(callee)
            && let Some((n_params, body)) = native.def.exact
        {
            let (this, kind) = (native.this, native.def.kind);
            match (n_params, kind) {
                (1, DefKind::Function) if this.is_empty() => {
                    return self.holding(&[callee, argument], |vm| {
                        vm.deeper(|vm| body(vm, &[argument]))
                    });
                }
                (2, DefKind::Method) if !this.is_empty() => {
                    return self.holding(&[callee, argument], |vm| {
                        vm.deeper(|vm| body(vm, &[this, argument]))
                    });
                }
                _ => {}
            }
        }
        self.call(callee, &[argument])
    }

    /// `callee(*args, **keywords)`, from Rust; the names are interned strs.
    ///
    /// # Errors
    /// What it raises.
    pub fn call_kw(
        &mut self,
        callee: Value,
        args: &[Value],
        keywords: &[(Value, Value)],
    ) -> PyResult {
        if keywords.is_empty()
            && let Some(result) = self.call_fitting(callee, &[], args)
        {
            return result;
        }
        let n_roots = self.roots.len();
        self.roots.push(callee);
        self.roots.extend_from_slice(args);
        self.roots
            .extend(keywords.iter().flat_map(|&(name, value)| [name, value]));
        let result =
            self.deeper(
                |vm| match vm.begin_call(callee, args, keywords, 0, Ret::Exit)? {
                    Called::Value(value) => Ok(value),
                    Called::Pushed => match vm.run()? {
                        Outcome::Return(value) | Outcome::Yield(value) => Ok(value),
                    },
                },
            );
        self.roots.truncate(n_roots);
        result
    }

    /// `func(*this, *args)`, from Rust, where `func` is a script's function that takes just as
    /// many; None where it is not, and nothing was done.
    pub(crate) fn call_fitting(
        &mut self,
        func: Value,
        this: &[Value],
        args: &[Value],
    ) -> Option<PyResult> {
        let f = self.heap.get::<Function>(func)?;
        let n_args = this.len() + args.len();
        if f.plain_args as usize != n_args || f.suspends {
            return None;
        }
        let code = f.code;
        // Whoever calls may use what it gives afterwards: it lies on the stack twice, once for
        // the frame, which may forget it, and once before that.
        let kept = self.sp;
        let base = kept + n_args + 1;
        if base + n_args > STACK_VALUES {
            return Some(Err(self.recursion_error()));
        }
        // SAFETY: within the stack, above every value in use.
        unsafe {
            self.stack.at(kept).write(func);
            for (i, &arg) in this.iter().chain(args).enumerate() {
                self.stack.at(kept + 1 + i).write(arg);
                self.stack.at(base + i).write(arg);
            }
        }
        self.sp = base;
        let result = self.deeper(|vm| {
            vm.push_frame(func, code, base, n_args, 0, Ret::Exit)?;
            match vm.run()? {
                Outcome::Return(value) | Outcome::Yield(value) => Ok(value),
            }
        });
        self.sp = kept;
        Some(result)
    }

    /// What `type.__call__` does with `class`, whatever its metaclass says.
    ///
    /// # Errors
    /// What `__new__` and `__init__` raise.
    pub fn type_call(
        &mut self,
        class: Value,
        args: &[Value],
        keywords: &[(Value, Value)],
    ) -> PyResult {
        self.deeper(
            |vm| match vm.begin_type_call(class, args, keywords, 0, Ret::Exit)? {
                Called::Value(value) => Ok(value),
                Called::Pushed => match vm.run()? {
                    Outcome::Return(value) | Outcome::Yield(value) => Ok(value),
                },
            },
        )
    }

    /// Whether `v` can be called.
    pub fn is_callable(&mut self, v: Value) -> bool {
        match self.heap.kind(v) {
            Some(
                Kind::Function | Kind::Native | Kind::Method | Kind::Class | Kind::StaticMethod,
            ) => true,
            _ => self.special(v, N::call).is_some(),
        }
    }

    /// Runs `body` one level of Rust deeper: for natives that recurse.
    ///
    /// # Errors
    /// RecursionError when there are too many; whatever `body` raises.
    pub fn enter<T>(&mut self, body: impl FnOnce(&mut Vm) -> PyResult<T>) -> PyResult<T> {
        self.deeper(body)
    }

    /// Begins a call whose result goes where `ret` and `dst` say.
    ///
    /// # Errors
    /// TypeError for bad arguments; what a native raises.
    pub(crate) fn begin_call(
        &mut self,
        mut callee: Value,
        args: &[Value],
        keywords: &[(Value, Value)],
        dst: u16,
        ret: Ret,
    ) -> PyResult<Called> {
        let mut with_self: SmallVec<[Value; 8]>;
        let mut args = args;
        for _ in 0..REDIRECTS_MAX {
            match self.heap.kind(callee) {
                Some(Kind::Function) => {
                    return self.begin_function(callee, args, keywords, dst, ret);
                }
                Some(Kind::Native) => {
                    let native = self.heap.cell::<Native>(callee);
                    let this = native.this;
                    if !this.is_empty() {
                        with_self = std::iter::once(this).chain(args.iter().copied()).collect();
                        args = &with_self;
                    } else if let Some(error) = self.check_self(callee, args) {
                        return Err(error);
                    }
                    return self.begin_native(callee, args, keywords, dst, ret);
                }
                Some(Kind::Method) => {
                    let m = self.heap.cell::<Method>(callee);
                    callee = m.func;
                    let joined = std::iter::once(m.this)
                        .chain(args.iter().copied())
                        .collect();
                    with_self = joined;
                    args = &with_self;
                }
                Some(Kind::StaticMethod) => callee = self.heap.cell::<StaticMethod>(callee).func,
                Some(Kind::Class) => return self.begin_class(callee, args, keywords, dst, ret),
                _ => {
                    let class = self.heap.class_of(callee);
                    let Some(attr) = self.lookup_class(class, self.n(N::call)) else {
                        let message =
                            format!("'{}' object is not callable", self.type_name(callee));
                        return Err(self.type_error(message));
                    };
                    if let Some(native) = self.heap.get::<Native>(attr)
                        && native.this.is_empty()
                        && native.def.kind == DefKind::Method
                    {
                        let with_self: SmallVec<[Value; 8]> = std::iter::once(callee)
                            .chain(args.iter().copied())
                            .collect();
                        return self.begin_native(attr, &with_self, keywords, dst, ret);
                    }
                    callee = match self.heap.kind(attr) {
                        Some(Kind::Function) => self.new_method(attr, callee),
                        _ => self.bind(attr, callee, class)?,
                    };
                    self.root(callee);
                }
            }
        }
        Err(self.recursion_error())
    }

    /// Calling a method's descriptor without or with a wrong instance.
    fn check_self(&mut self, native: Value, args: &[Value]) -> Option<crate::native::Raised> {
        let is_method = self.heap.is_exact(native, B::MethodDescriptor)
            || self.heap.is_exact(native, B::WrapperDescriptor);
        if !is_method {
            return self.check_new(native, args);
        }
        let n = self.heap.cell::<Native>(native);
        let (def, owner) = (n.def, n.owner);
        let Some(&this) = args.first() else {
            let owner_name = self.class_name(owner);
            // Where the table's `self` may be given by name, CPython has a function.
            let written_in_python = def.arity.posonly == 0;
            let message = if written_in_python {
                format!(
                    "{owner_name}.{}() missing 1 required positional argument: 'self'",
                    def.name
                )
            } else if def.is_slot {
                let owner_name = self.type_name_of(owner);
                format!(
                    "descriptor '{}' of '{owner_name}' object needs an argument",
                    def.name
                )
            } else {
                format!(
                    "unbound method {owner_name}.{}() needs an argument",
                    def.name
                )
            };
            return Some(self.type_error(message));
        };
        if self.is_subclass(self.heap.class_of(this), owner) {
            return None;
        }
        let (owner_name, found) = (self.type_name_of(owner), self.type_name_within(this, 100));
        let message = if def.is_slot {
            format!(
                "descriptor '{}' requires a '{owner_name}' object but received a '{found}'",
                def.name
            )
        } else {
            format!(
                "descriptor '{}' for '{owner_name}' objects doesn't apply to a '{found}' object",
                def.name
            )
        };
        Some(self.type_error(message))
    }

    /// The error of calling a builtin class's `__new__` with a class that it
    /// can't make instances of.
    fn check_new(&mut self, native: Value, args: &[Value]) -> Option<crate::native::Raised> {
        let n = self.heap.cell::<Native>(native);
        let (def, owner) = (n.def, n.owner);
        if def.kind != DefKind::StaticMethod || def.name != "__new__" || owner.is_empty() {
            return None;
        }
        let of = self.type_name_of(owner);
        let Some(&class) = args.first() else {
            return Some(self.type_error(format!("{of}.__new__(): not enough arguments")));
        };
        if self.heap.kind(class) != Some(Kind::Class) {
            let found = self.type_name(class);
            let message = format!("{of}.__new__(X): X is not a type object ({found})");
            return Some(self.type_error(message));
        }
        let name = self.class_name(class);
        if !self.is_subclass(class, owner) {
            let message = format!("{of}.__new__({name}): {name} is not a subtype of {of}");
            return Some(self.type_error(message));
        }
        // The class that lays the instances out must be made by the same function.
        let key = self.n(N::new);
        let mro = self.heap.cell::<Class>(class).mro.clone();
        let laid_out = mro.into_iter().find(|&c| {
            let c = self.heap.cell::<Class>(c);
            !c.is_heap && self.heap.ns_get(c.attrs, key).is_some()
        })?;
        let maker = self
            .heap
            .ns_get(self.heap.cell::<Class>(laid_out).attrs, key)?;
        let same = self
            .heap
            .get::<Native>(maker)
            .is_none_or(|n| std::ptr::eq(n.def, def));
        if same || owner == laid_out {
            return None;
        }
        let base = self.maker_name(class);
        let message = format!("{of}.__new__({name}) is not safe, use {base}.__new__()");
        Some(self.type_error(message))
    }

    /// Whose `__new__` to use, in the message of one that is not safe: CPython
    /// 3.13 typeobject.c tp_new_wrapper names the first class on the way up for
    /// which no script's `__new__` stands.
    fn maker_name(&mut self, class: Value) -> String {
        let key = self.n(N::new);
        let mut at = class;
        while self
            .lookup_class(at, key)
            .is_some_and(|found| self.heap.get::<Native>(found).is_none())
        {
            match self.heap.cell::<Class>(at).base {
                base if base.is_none() => break,
                base => at = base,
            }
        }
        self.class_name(at)
    }

    // ---- functions of scripts --------------------------------------------------

    fn begin_function(
        &mut self,
        func: Value,
        args: &[Value],
        keywords: &[(Value, Value)],
        dst: u16,
        ret: Ret,
    ) -> PyResult<Called> {
        let f = self.heap.cell::<Function>(func);
        let (code, suspends) = (f.code, f.suspends);
        let fits = f.plain_args as usize == args.len();
        if keywords.is_empty() && (fits || self.missing_defaults(func, args.len()).is_some()) {
            if suspends {
                return Ok(Called::Value(self.made_generator(func, args, ret)));
            }
            if fits {
                self.push_copied(func, code, args, dst, ret)?;
            } else {
                let missing = self.missing_defaults(func, args.len()).unwrap_or_default();
                let args: SmallVec<[Value; 8]> = args.iter().chain(missing).copied().collect();
                self.push_copied(func, code, &args, dst, ret)?;
            }
        } else {
            let regs = self.bind_function(func, args, keywords)?;
            if suspends {
                return Ok(Called::Value(self.made_generator(func, &regs, ret)));
            }
            self.push_copied(func, code, &regs, dst, ret)?;
        }
        Ok(Called::Pushed)
    }

    /// Pushes a frame whose first registers are copies of `args`.
    fn push_copied(
        &mut self,
        func: Value,
        code: Value,
        args: &[Value],
        dst: u16,
        ret: Ret,
    ) -> PyResult<()> {
        let base = self.sp;
        if base + args.len() > STACK_VALUES {
            return Err(self.recursion_error());
        }
        for (i, &arg) in args.iter().enumerate() {
            // SAFETY: within the stack, above every value in use.
            unsafe { self.stack.at(base + i).write(arg) }
        }
        self.push_frame(func, code, base, args.len(), dst, ret)
    }

    /// Pushes a frame whose window begins at stack value `base`, its first
    /// `given` registers already there.
    ///
    /// # Errors
    /// RecursionError.
    #[inline]
    pub(crate) fn push_frame(
        &mut self,
        func: Value,
        code_value: Value,
        base: usize,
        given: usize,
        dst: u16,
        ret: Ret,
    ) -> PyResult<()> {
        let code: *const CodeObject = self.heap.cell::<CodeObject>(code_value);
        // SAFETY: the code object is alive: the function holds it, and the
        // frame will; cells don't move.
        let (n_regs, pc) = unsafe { ((*code).n_regs as usize, (*code).first_word()) };
        let end = base + n_regs;
        if self.frames.len() >= self.recursion_limit || end > STACK_VALUES {
            return Err(self.recursion_error());
        }
        let regs = self.stack.at(base);
        let mut i = given;
        while i < n_regs {
            // Four at a time, past the end if need be: half the instructions of
            // a loop over single values, which would be vectorised (decision 0001).
            // SAFETY: the stack has a margin beyond STACK_VALUES for the overshoot.
            unsafe { regs.add(i).cast::<[Value; 4]>().write([Value::EMPTY; 4]) }
            i += 4;
        }
        let saved_sp = self.sp;
        self.sp = end;
        self.frames.push(Frame {
            pc,
            regs,
            code,
            code_value,
            func,
            generator: Value::EMPTY,
            saved_sp: saved_sp as u32,
            jump: 0,
            dst,
            ret,
        });
        Ok(())
    }

    /// What a script gets from a call of `func`: as `new_generator`, but that a coroutine is
    /// remembered, to warn of it if it is never awaited or to close it, a generator to be closed,
    /// unless it is made for a `for`, which sees to that.
    fn made_generator(&mut self, func: Value, args: &[Value], ret: Ret) -> Value {
        let generator = self.new_generator(func, args);
        let code = self.heap.cell::<Function>(func).code;
        let flags = self.heap.cell::<CodeObject>(code).code.flags;
        if flags.coroutine {
            self.heap.add_finalizable(generator);
            if self.coroutine_origin_depth > 0 {
                self.note_origin(generator);
            }
        } else if self.is_called_for_loop(ret) {
            self.heap.cell_mut::<Generator>(generator).fresh = true;
        } else if flags.closes && flags.generator {
            self.heap.add_finalizable(generator);
        }
        generator
    }

    /// Whether what a call gives, whose result goes by `ret`, goes to a `for` and nowhere else: the
    /// frame that calls iterates over it next, or returns it to one that does. A native that calls
    /// (`list(map(f, x))`) may keep what it gets.
    fn is_called_for_loop(&self, ret: Ret) -> bool {
        let mut ret = ret;
        for frame in self.frames.iter().rev() {
            if ret != Ret::Value {
                return false;
            }
            // SAFETY: a frame that calls has stored where it goes on, within its code.
            let next = unsafe { (*frame.pc).op_byte() };
            if next != Op::Return as u8 {
                return next == Op::GetIter as u8 || next == Op::GetAiter as u8;
            }
            if !frame.generator.is_empty() {
                return false;
            }
            ret = frame.ret;
        }
        false
    }

    /// A suspended frame of `func`, its first registers set to `args`.
    pub(crate) fn new_generator(&mut self, func: Value, args: &[Value]) -> Value {
        let code = self.heap.cell::<Function>(func).code;
        let flags = self.heap.cell::<CodeObject>(code).code.flags;
        let flavor = if flags.async_generator {
            Flavor::AsyncGenerator
        } else if flags.coroutine {
            Flavor::Coroutine
        } else {
            Flavor::Generator
        };
        self.new_frame(func, args, |code| Generator::new(flavor, code, func))
    }

    /// A cell for a frame of `func`, its first registers set to `args`; `generator` makes what
    /// is in it besides, from the function's code.
    #[inline(always)]
    pub(crate) fn new_frame(
        &mut self,
        func: Value,
        args: &[Value],
        generator: impl FnOnce(Value) -> Generator,
    ) -> Value {
        let f = self.heap.cell::<Function>(func);
        let (code, name, qualname) = (f.code, f.name, f.qualname);
        let n_params = f.plain_args as usize;
        let co = self.heap.cell::<CodeObject>(code);
        let n_regs = co.n_regs as usize;
        let is_renamed = co.name != name || co.qualname != qualname;
        let cell = self.heap.generator(generator(code), n_regs);
        if is_renamed {
            self.heap.set_generator_names(cell, name, qualname);
        }
        let regs = &self.heap.generator_regs(cell)[..args.len()];
        for (reg, &arg) in regs.iter().zip(args) {
            reg.set(arg);
        }
        if args.len() < n_params
            && let Some(defaults) = self.missing_defaults(func, args.len())
        {
            let regs = &self.heap.generator_regs(cell)[args.len()..n_params];
            for (reg, &default) in regs.iter().zip(defaults) {
                reg.set(default);
            }
        }
        cell
    }

    /// The defaults of the parameters that a call with `argc` positional
    /// arguments leaves out; None where a function has other than positional
    /// parameters, or not enough defaults.
    #[inline]
    pub(crate) fn missing_defaults(&self, func: Value, argc: usize) -> Option<&[Value]> {
        let f = self.heap.cell::<Function>(func);
        let n_missing = (f.plain_args as usize).checked_sub(argc)?;
        if f.plain_args == u16::MAX || f.defaults.is_none() {
            return None;
        }
        let defaults = self.heap.tuple_items(f.defaults);
        defaults.get(defaults.len().checked_sub(n_missing)?..)
    }

    // ---- natives -----------------------------------------------------------------

    /// Begins a call of a native, its instance already among `args`.
    pub(crate) fn begin_native(
        &mut self,
        callee: Value,
        args: &[Value],
        keywords: &[(Value, Value)],
        dst: u16,
        ret: Ret,
    ) -> PyResult<Called> {
        let def = self.heap.cell::<Native>(callee).def;
        if let Body::Forward(body) = def.body {
            return self.begin_forward(body, args, keywords, dst, ret);
        }
        let n_roots = self.roots.len();
        let arity = &def.arity;
        let exact = keywords.is_empty()
            && args.len() == arity.positional as usize
            && arity.n_params() == arity.positional as usize;
        let result = if exact {
            self.run_native(def, args)
        } else {
            self.bind_native(callee, args, keywords).and_then(|bound| {
                self.roots.extend_from_slice(&bound);
                self.run_native(def, &bound)
            })
        };
        self.roots.truncate(n_roots);
        match result? {
            Flow::Return(value) => Ok(Called::Value(value)),
            Flow::Call { callee, args } => self.begin_call(callee, &args, &[], dst, ret),
            Flow::Send { generator, value } => {
                self.begin_send(generator, Input::Send(value), dst, ret)
            }
            Flow::Throw {
                generator,
                exception,
            } => self.begin_send(generator, Input::Throw(exception), dst, ret),
        }
    }

    #[inline(always)]
    fn run_native(&mut self, def: &'static NativeDef, args: &[Value]) -> PyResult<Flow> {
        match def.body {
            Body::Plain(body) => body(self, args).map(Flow::Return),
            Body::Flow(body) => body(self, args),
            Body::Forward(_) => unreachable!("it is called with what is not bound"),
            Body::Coroutine(_) => unreachable!("a coroutine's function is no Native"),
        }
    }

    /// Begins a call of a native that may hand it on. How often that may happen is limited as
    /// all that recurses in Rust.
    fn begin_forward(
        &mut self,
        body: ForwardFn,
        args: &[Value],
        keywords: &[(Value, Value)],
        dst: u16,
        ret: Ret,
    ) -> PyResult<Called> {
        let n_roots = self.roots.len();
        let forward = body(self, args, keywords);
        self.roots.truncate(n_roots);
        let (callee, args, keywords, then) = match forward? {
            Forward::Return(value) => return Ok(Called::Value(value)),
            Forward::Call {
                callee,
                args,
                keywords,
                then,
            } => (callee, args, keywords, then),
        };
        self.roots.push(callee);
        self.roots.extend_from_slice(&args);
        self.roots
            .extend(keywords.iter().flat_map(|&(name, value)| [name, value]));
        let called = match then {
            None => self.deeper(|vm| vm.begin_call(callee, &args, &keywords, dst, ret)),
            Some(then) => self.begin_call_then(then, callee, &args, &keywords, dst, ret),
        };
        self.roots.truncate(n_roots);
        called
    }

    /// Begins a call whose result goes through `then` first.
    fn begin_call_then(
        &mut self,
        then: Value,
        callee: Value,
        args: &[Value],
        keywords: &[(Value, Value)],
        dst: u16,
        ret: Ret,
    ) -> PyResult<Called> {
        self.roots.push(then);
        // A script that waits for the result does so without a frame of Rust's.
        let called = if ret == Ret::Value {
            self.deeper(|vm| vm.begin_call(callee, args, keywords, dst, Ret::Then))?
        } else {
            Called::Value(self.call_kw(callee, args, keywords)?)
        };
        match called {
            Called::Value(value) => self.finish_call(then, value).map(Called::Value),
            Called::Pushed => {
                self.activations.push(Activation {
                    root: Value::EMPTY,
                    instance: then,
                    outer_handled: Value::EMPTY,
                    n_thrown: 0,
                });
                Ok(Called::Pushed)
            }
        }
    }

    /// What a call comes to whose result `then` takes.
    pub(crate) fn finish_call(&mut self, then: Value, value: Value) -> PyResult {
        match self.heap.finish_of(then) {
            Some(finish) => self.holding(&[then, value], |vm| finish(vm, then, value)),
            None => Ok(value),
        }
    }

    /// `send`, `next` and `throw` of a generator, called by a script.
    fn begin_send(
        &mut self,
        generator: Value,
        input: Input,
        dst: u16,
        ret: Ret,
    ) -> PyResult<Called> {
        if ret == Ret::Value {
            if !self.go_on(generator, input, dst, Ret::Send, 0) {
                self.begin_resume(generator, input, dst, Ret::Send)?;
            }
            return Ok(Called::Pushed);
        }
        match self.resume(generator, input)? {
            Outcome::Yield(value) => Ok(Called::Value(value)),
            Outcome::Return(value) => Err(self.stop_iteration(value)),
        }
    }

    // ---- classes -------------------------------------------------------------------

    fn begin_class(
        &mut self,
        class: Value,
        args: &[Value],
        keywords: &[(Value, Value)],
        dst: u16,
        ret: Ret,
    ) -> PyResult<Called> {
        let meta = self.heap.class_of(class);
        if meta != self.class(B::Type)
            && let Some(attr) = self.lookup_class(meta, self.n(N::call))
            && self.heap.kind(attr) != Some(Kind::Native)
        {
            let bound = self.bind(attr, class, meta)?;
            self.root(bound);
            return self.begin_call(bound, args, keywords, dst, ret);
        }
        self.begin_type_call(class, args, keywords, dst, ret)
    }

    /// What `type.__call__` does: `__new__`, then `__init__`.
    fn begin_type_call(
        &mut self,
        class: Value,
        args: &[Value],
        keywords: &[(Value, Value)],
        dst: u16,
        ret: Ret,
    ) -> PyResult<Called> {
        if class == self.class(B::Type) && args.len() == 1 && keywords.is_empty() {
            return Ok(Called::Value(self.heap.class_of(args[0])));
        }
        if keywords.is_empty() {
            let c = self.heap.cell::<Class>(class);
            let (constructor, hooks, shape) = (c.constructor, c.hooks, c.root_shape);
            if let Some(constructor) = constructor
                && let Some(instance) = constructor(self, args)?
            {
                return Ok(Called::Value(instance));
            }
            if hooks.keeps_args {
                return Ok(Called::Value(self.plain_exception(shape, hooks, args)));
            }
        }
        let c = self.heap.cell::<Class>(class);
        let (hooks, shape) = (c.hooks, c.root_shape);
        let plain_new = hooks.plain_new;
        let instance = if hooks.plain_exception_new {
            self.plain_exception(shape, hooks, args)
        } else if plain_new {
            let c = self.heap.cell::<Class>(class);
            if !c.is_heap && !matches!(c.layout, Kind::Instance | Kind::Exception) {
                // A class of the library that makes its instances by itself.
                let name = self.qualified_class_name(class);
                return Err(self.type_error(format!("cannot create '{name}' instances")));
            }
            if (!args.is_empty() || !keywords.is_empty()) && !self.has_own_init(class) {
                let name = self.class_name_within(class, 200);
                return Err(self.type_error(format!("{name}() takes no arguments")));
            }
            self.new_instance(class)?
        } else {
            let Some(new) = self.lookup_class(class, self.n(N::new)) else {
                let message = format!("cannot create '{}' instances", self.class_name(class));
                return Err(self.type_error(message));
            };
            let new = self.bind(new, Value::EMPTY, class)?;
            let all: SmallVec<[Value; 8]> =
                std::iter::once(class).chain(args.iter().copied()).collect();
            let instance = self.call_kw(new, &all, keywords)?;
            let found = self.heap.class_of(instance);
            if !self.is_subclass(found, class) {
                return Ok(Called::Value(instance));
            }
            // `new_instance` knows of those that it makes.
            let c = self.heap.cell::<Class>(found);
            if c.hooks.has_del && !matches!(c.layout, Kind::Instance | Kind::Future) {
                self.heap.add_finalizable(instance);
            }
            instance
        };
        let instance_class = self.heap.class_of(instance);
        let init = self.lookup_class(instance_class, self.n(N::init));
        let Some(init) = init else {
            return Ok(Called::Value(instance));
        };
        if self.is_init_of_object(init) {
            return Ok(Called::Value(instance));
        }
        let all: SmallVec<[Value; 8]> = std::iter::once(instance)
            .chain(args.iter().copied())
            .collect();
        if ret == Ret::Value
            && self.heap.kind(init) == Some(Kind::Function)
            && !self.heap.cell::<Function>(init).suspends
        {
            self.learn_fast_init(class, init);
            self.begin_function(init, &all, keywords, dst, Ret::Init)?;
            self.activations.push(Activation {
                root: Value::EMPTY,
                instance,
                outer_handled: Value::EMPTY,
                n_thrown: 0,
            });
            return Ok(Called::Pushed);
        }
        self.root(instance);
        let result = match self.heap.kind(init) {
            Some(Kind::Function | Kind::Native) => self.call_kw(init, &all, keywords)?,
            _ => {
                let bound = self.bind(init, instance, instance_class)?;
                self.call_kw(bound, args, keywords)?
            }
        };
        self.check_init_result(result)?;
        Ok(Called::Value(instance))
    }

    /// An exception that keeps its arguments.
    fn plain_exception(&mut self, shape: ShapeId, hooks: Hooks, args: &[Value]) -> Value {
        let args = self.heap.tuple(args);
        let instance = self.heap.alloc(shape, Exception::new(args));
        if hooks.has_del {
            self.heap.add_finalizable(instance);
        }
        instance
    }

    /// Remembers that calling `class` is no more than its function `init`.
    fn learn_fast_init(&mut self, class: Value, init: Value) {
        let f = self.heap.cell::<Function>(init);
        let (n_args, code) = (f.plain_args, f.code);
        let c = self.heap.cell::<Class>(class);
        let version = c.version;
        if !c.hooks.plain_new
            || c.hooks.has_del
            || c.layout != Kind::Instance
            || n_args == u16::MAX
            || self.heap.class_of(class) != self.class(B::Type)
            || self
                .lookup_class(class, self.n(N::abstractmethods))
                .is_some()
        {
            return;
        }
        self.heap.cell_mut::<Class>(class).fast_init = FastInit {
            version,
            n_args,
            func: init,
            code,
        };
    }

    /// # Errors
    /// TypeError unless `__init__` returned None.
    pub(crate) fn check_init_result(&mut self, result: Value) -> PyResult<()> {
        if result.is_none() {
            return Ok(());
        }
        let message = format!(
            "__init__() should return None, not '{}'",
            self.type_name(result)
        );
        Err(self.type_error(message))
    }

    /// `object.__new__(class)`.
    ///
    /// # Errors
    /// TypeError for an abstract class, or one that is not a plain object's.
    pub fn new_instance(&mut self, class: Value) -> PyResult {
        let c = self.heap.cell::<Class>(class);
        let (shape, hint, layout, is_heap) = (c.root_shape, c.slot_hint, c.layout, c.is_heap);
        let has_del = c.hooks.has_del;
        if layout == Kind::Exception {
            let args = self.heap.tuple(&[]);
            return Ok(self
                .heap
                .alloc(shape, crate::object::exception::Exception::new(args)));
        }
        if layout != Kind::Instance {
            let (name, maker) = (self.class_name(class), self.maker_name(class));
            return Err(self.type_error(format!(
                "object.__new__({name}) is not safe, use {maker}.__new__()"
            )));
        }
        if is_heap && let Some(abstracts) = self.lookup_class(class, self.n(N::abstractmethods)) {
            self.refuse_abstract(class, abstracts)?;
        }
        let instance = self.heap.instance(shape, hint);
        if has_del {
            self.heap.add_finalizable(instance);
        }
        Ok(instance)
    }

    /// Whether `object.__init__` is what a look-up of `__init__` found.
    fn is_init_of_object(&self, init: Value) -> bool {
        self.is_native_named(init, "__init__")
            && self.heap.cell::<Native>(init).owner == self.class(B::Object)
    }

    /// Whether a class, or a base of it, says how its instances are initialized.
    fn has_own_init(&mut self, class: Value) -> bool {
        let init = self.lookup_class(class, self.n(N::init));
        init.is_some_and(|init| !self.is_init_of_object(init))
    }

    fn refuse_abstract(&mut self, class: Value, abstracts: Value) -> PyResult<()> {
        let mut names: Vec<String> = Vec::new();
        for name in self.collect_iterable(abstracts)? {
            if self.heap.as_str(name).is_some() {
                names.push(format!("'{}'", self.heap.string(name)));
            }
        }
        if names.is_empty() {
            return Ok(());
        }
        names.sort();
        let message = format!(
            "Can't instantiate abstract class {} without an implementation for abstract method{} {}",
            self.class_name(class),
            if names.len() == 1 { "" } else { "s" },
            names.join(", ")
        );
        Err(self.type_error(message))
    }
}
