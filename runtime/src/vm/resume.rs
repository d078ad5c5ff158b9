//! Suspended frames: resuming them, linking one to another at `await` and
//! `yield from`, suspending a chain.

use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::object::exception::TraceEntry;
use crate::object::function::CodeObject;
use crate::object::future::Future;
use crate::object::generator::{AsyncGenAction, AsyncGenOp, Flavor, GenState, Generator};
use crate::object::iter::Iter;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::frame::{Activation, Frame, Ret};
use crate::vm::names::N;
use crate::vm::unwind::Next;
use lockstep_lang::bytecode::await_of;

/// What a suspended frame is resumed with.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    Send(Value),
    /// The exception object to raise where it stands.
    Throw(Value),
}

/// What a run gave.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    Yield(Value),
    Return(Value),
}

/// Who goes on after a `yield`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlainYield {
    /// The frame below.
    Below,
    /// Whoever called `run`.
    Out,
    /// Nothing was done: `yield_value` knows.
    Other,
}

impl Vm {
    /// Resumes a suspended frame from Rust until it yields or returns.
    ///
    /// # Errors
    /// What it raises; ValueError when it is running; RuntimeError for a
    /// coroutine that has ended.
    pub fn resume(&mut self, generator: Value, input: Input) -> PyResult<Outcome> {
        let g = self.heap.cell::<Generator>(generator);
        if g.state == GenState::Closed
            && g.flavor == Flavor::Generator
            && matches!(input, Input::Send(_))
        {
            return Ok(Outcome::Return(Value::NONE));
        }
        let n_roots = self.roots.len();
        self.roots.push(generator);
        let (Input::Send(v) | Input::Throw(v)) = input;
        self.roots.push(v);
        let result = self.deeper(|vm| {
            if !vm.go_on(generator, input, 0, Ret::ExitGenerator, 0) {
                vm.begin_resume(generator, input, 0, Ret::ExitGenerator)?;
            }
            vm.run()
        });
        self.roots.truncate(n_roots);
        result
    }

    /// Pushes the activation of a suspended frame; `run` carries on with it.
    /// What the input causes (an exception where the frame stands, the result
    /// of a future) is left for `run` to find: see `Vm::take_input`.
    ///
    /// # Errors
    /// As `resume`, before anything was pushed.
    pub(crate) fn begin_resume(
        &mut self,
        root: Value,
        input: Input,
        dst: u16,
        ret: Ret,
    ) -> PyResult<()> {
        self.detach(root);
        let g = self.heap.cell::<Generator>(root);
        let waits = g
            .innermost
            .given()
            .is_some_and(|innermost| innermost != root);
        let input = match input {
            Input::Throw(e)
                if waits && g.state == GenState::Suspended && self.is_generator_exit(e) =>
            {
                Input::Throw(self.close_delegates(root, e))
            }
            input => input,
        };
        let g = self.heap.cell::<Generator>(root);
        let flavor = g.flavor;
        match g.state {
            GenState::Running => return Err(self.already_running(flavor)),
            GenState::Closed => return Err(self.already_closed(flavor, input)),
            GenState::Created => match input {
                Input::Send(v) if !v.is_none() => {
                    let what = flavor_name(flavor);
                    return Err(self.type_error(format!(
                        "can't send non-None value to a just-started {what}"
                    )));
                }
                Input::Send(_) => {}
                Input::Throw(e) => {
                    // It is raised where the frame would have begun.
                    let entry = TraceEntry {
                        code: g.code,
                        pc: TraceEntry::UNSTARTED,
                    };
                    self.add_trace(e, entry);
                    self.close_generator(root);
                    return Err(Raised(e));
                }
            },
            GenState::Suspended if !g.awaiter.is_empty() => {
                return Err(self.already_running(flavor));
            }
            GenState::Suspended => {}
        }
        if self.frames.len() >= self.recursion_limit {
            return Err(self.recursion_error());
        }
        let innermost = g.innermost.given().unwrap_or(root);
        let created = g.state == GenState::Created;
        let frame = self.frame_of(innermost, dst, ret);
        let inner = self.heap.cell_mut_unnoted::<Generator>(innermost);
        inner.state = GenState::Running;
        let handled = inner.handling();
        self.heap.cell_mut_unnoted::<Generator>(root).state = GenState::Running;
        self.frames.push(frame);
        self.activations.push(Activation {
            root,
            instance: Value::EMPTY,
            outer_handled: self.handled,
            n_thrown: 0,
        });
        if let Some(handled) = handled {
            self.handled = handled;
        }
        if !created {
            self.pending_input = Some(input);
        }
        Ok(())
    }

    /// What is thrown into the running frame has for its context what that frame
    /// handles itself, and `unwind` sees to those that await it; what the thrower
    /// handles counts for `raise` alone.
    ///
    /// CPython 3.13 genobject.c gen_send_ex2, errors.c _PyErr_ChainStackItem.
    fn chain_thrown(&mut self, exception: Value) {
        let generator = self.frames.last().map_or(Value::EMPTY, |f| f.generator);
        let Some(g) = self.heap.get::<Generator>(generator) else {
            return;
        };
        let (handled, depth) = (g.handled, g.depth);
        if let Some(activation) = self.activations.last_mut() {
            activation.n_thrown = u32::from(depth) + 1;
        }
        if let Some(handled) = handled.given() {
            self.set_context_of(exception, handled);
        }
    }

    /// A script may drive a generator that another waits for, as long as neither runs: it leads a
    /// chain of its own from now on, and the other asks it as it asks any iterator. Differs from
    /// CPython in that coroutines stay where they are; spec.md [async.differs.by_hand].
    fn detach(&mut self, inner: Value) {
        let g = self.heap.cell::<Generator>(inner);
        let outer = g.awaiter;
        if outer.is_empty() || g.flavor != Flavor::Generator {
            return;
        }
        let mut root = outer;
        while let Some(above) = self.heap.cell::<Generator>(root).awaiter.given() {
            root = above;
        }
        let g = self.heap.cell_mut::<Generator>(root);
        if g.state != GenState::Suspended {
            return;
        }
        let innermost = g.innermost.given().unwrap_or(root);
        g.innermost = outer;
        self.heap.cell_mut::<Generator>(outer).state = GenState::Suspended;
        let g = self.heap.cell_mut::<Generator>(inner);
        g.state = GenState::Suspended;
        g.awaiter = Value::EMPTY;
        g.set_inherited(Value::EMPTY);
        g.innermost = innermost;
    }

    fn is_generator_exit(&self, exception: Value) -> bool {
        self.is_instance_of(exception, B::GeneratorExit)
    }

    /// GeneratorExit thrown into a frame that waits for others closes those
    /// first, from the inside, each by a GeneratorExit of its own. Gives what is
    /// then to be raised in `root`: `exit`, or what went wrong.
    ///
    /// CPython 3.13 genobject.c _gen_throw and gen_close, which recurse.
    fn close_delegates(&mut self, root: Value, exit: Value) -> Value {
        let mut chain = vec![root];
        let mut last = root;
        loop {
            let inner = self.heap.cell::<Generator>(last).delegate;
            match self.heap.get::<Generator>(inner) {
                Some(g) if g.awaiter == last => chain.push(inner),
                _ => break,
            }
            last = inner;
        }
        for &frame in &chain {
            let g = self.heap.cell_mut::<Generator>(frame);
            if frame != last {
                g.delegate = Value::EMPTY;
                // Whoever is closed finds those around it at work.
                g.state = GenState::Running;
            }
            g.innermost = Value::EMPTY;
            g.set_inherited(Value::EMPTY);
            if frame != root {
                g.awaiter = Value::EMPTY;
            }
        }
        let n_roots = self.roots.len();
        self.roots.extend_from_slice(&chain);
        self.roots.push(exit);
        let mut failure = None;
        for &frame in chain[1..].iter().rev() {
            let thrown = failure.unwrap_or_else(|| self.raise(B::GeneratorExit, "").0);
            self.heap.cell_mut::<Generator>(frame).state = GenState::Suspended;
            failure = match self.resume(frame, Input::Throw(thrown)) {
                Ok(Outcome::Return(_)) => None,
                Ok(Outcome::Yield(_)) => {
                    let what = flavor_name(self.heap.cell::<Generator>(frame).flavor);
                    Some(
                        self.runtime_error(format!("{what} ignored GeneratorExit"))
                            .0,
                    )
                }
                Err(Raised(e))
                    if self.is_generator_exit(e) || self.is_instance_of(e, B::StopIteration) =>
                {
                    None
                }
                Err(Raised(e)) => Some(e),
            };
            // Rooted until the next frame has it.
            self.roots.extend(failure);
        }
        self.roots.truncate(n_roots);
        self.heap.cell_mut::<Generator>(root).state = GenState::Suspended;
        failure.unwrap_or(exit)
    }

    fn already_running(&mut self, flavor: Flavor) -> Raised {
        self.value_error(format!("{} already executing", flavor_name(flavor)))
    }

    fn already_closed(&mut self, flavor: Flavor, input: Input) -> Raised {
        match (flavor, input) {
            (Flavor::Coroutine, _) => self.runtime_error("cannot reuse already awaited coroutine"),
            (Flavor::Generator, Input::Send(_)) => self.stop_iteration(Value::NONE),
            (Flavor::AsyncGenerator, Input::Send(_)) => self.raise(B::StopAsyncIteration, ""),
            (_, Input::Throw(e)) => Raised(e),
        }
    }

    fn frame_of(&mut self, generator: Value, dst: u16, ret: Ret) -> Frame {
        let g = self.heap.cell::<Generator>(generator);
        let (code_value, func, pc) = (g.code, g.func, g.pc as usize);
        let code: *const CodeObject = self.heap.cell::<CodeObject>(code_value);
        let regs = self.heap.generator_regs(generator).as_ptr();
        let regs = regs.cast::<Value>().cast_mut();
        Frame {
            // SAFETY: the code object is alive, and `pc` was inside it when saved.
            pc: unsafe { (*code).first_word().add(pc) },
            regs,
            code,
            code_value,
            func,
            generator,
            saved_sp: self.sp as u32,
            jump: 0,
            dst,
            ret,
        }
    }

    /// Makes the top activation run another frame of its chain.
    pub(crate) fn enter_frame_of(&mut self, generator: Value) {
        let g = self.heap.cell_mut_unnoted::<Generator>(generator);
        g.state = GenState::Running;
        let (code_value, func, pc) = (g.code, g.func, g.pc as usize);
        let code: *const CodeObject = self.heap.cell::<CodeObject>(code_value);
        let regs = self.heap.generator_regs(generator).as_ptr();
        let regs = regs.cast::<Value>().cast_mut();
        let Some(frame) = self.frames.last_mut() else {
            unreachable!("an activation is running")
        };
        // SAFETY: as in `frame_of`.
        frame.pc = unsafe { (*code).first_word().add(pc) };
        frame.regs = regs;
        frame.code = code;
        frame.code_value = code_value;
        frame.func = func;
        frame.generator = generator;
    }

    /// Hands a just-resumed frame its input: `Continue` when it goes on.
    ///
    /// # Errors
    /// The exception thrown in, or that of the future awaited, to be unwound
    /// from the top frame.
    pub(crate) fn take_input(&mut self, input: Input) -> PyResult<Next> {
        let Some(frame) = self.frames.last() else {
            unreachable!("an activation is running")
        };
        let g = self.heap.cell_mut_unnoted::<Generator>(frame.generator);
        let (delegate, dst) = (g.delegate, g.dst);
        if delegate.is_empty() {
            return match input {
                Input::Send(value) => {
                    self.set_top_register(dst, value);
                    Ok(Next::Continue)
                }
                Input::Throw(e) => {
                    self.chain_thrown(e);
                    Err(Raised(e))
                }
            };
        }
        let kind = self.heap.kind(delegate);
        if kind == Some(Kind::Function) {
            // One turn of the loop has gone by: see `await_turn`.
            self.heap
                .cell_mut_unnoted::<Generator>(frame.generator)
                .delegate = Value::EMPTY;
            return match input {
                Input::Throw(e) => {
                    self.set_context(e);
                    Err(Raised(e))
                }
                Input::Send(_) => {
                    self.set_top_register(dst, Value::NONE);
                    Ok(Next::Continue)
                }
            };
        }
        if kind == Some(Kind::Future) {
            self.heap
                .cell_mut_unnoted::<Generator>(frame.generator)
                .delegate = Value::EMPTY;
            return match input {
                Input::Throw(e) => {
                    self.chain_thrown(e);
                    Err(Raised(e))
                }
                Input::Send(_) => {
                    if !self.heap.cell::<Future>(delegate).is_done() {
                        return Err(self.runtime_error("await wasn't used with future"));
                    }
                    let value = self.future_result(delegate)?;
                    self.set_top_register(dst, value);
                    Ok(Next::Continue)
                }
            };
        }
        let step = self.drive_foreign(delegate, input);
        // CPython 3.13 genobject.c _gen_throw: what the iterator leaves of it is thrown here. A
        // StopIteration is the result, as bytecodes.c CLEANUP_THROW has it.
        if let (Input::Throw(_), Err(Raised(e))) = (input, &step)
            && !self.is_instance_of(*e, B::StopIteration)
        {
            self.chain_thrown(*e);
        }
        self.after_foreign(step, delegate, dst)
    }

    /// One step of an iterator that is not a frame of ours: `Ok(Yield)` what it
    /// yielded, `Ok(Return)` its StopIteration's value.
    fn drive_foreign(&mut self, iterator: Value, input: Input) -> PyResult<Outcome> {
        let result = match input {
            Input::Send(value) if value.is_none() => {
                return self.next_or_return(iterator);
            }
            Input::Send(value) => self.call_method(iterator, "send", &[value]),
            Input::Throw(e) => {
                if self.is_instance_of(e, B::GeneratorExit) {
                    let name = self.n(N::close);
                    if let Some(close) = self.get_attr_opt(iterator, name)? {
                        self.call(close, &[])?;
                    }
                    return Err(Raised(e));
                }
                let name = self.n(N::throw);
                match self.get_attr_opt(iterator, name)? {
                    Some(throw) => self.call(throw, &[e]),
                    None => return Err(Raised(e)),
                }
            }
        };
        self.stop_as_return(result)
    }

    /// Turns a raised StopIteration into a return.
    pub(crate) fn stop_as_return(&mut self, result: PyResult) -> PyResult<Outcome> {
        match result {
            Ok(value) => Ok(Outcome::Yield(value)),
            Err(Raised(e)) if self.is_instance_of(e, B::StopIteration) => {
                Ok(Outcome::Return(self.stop_value(e)))
            }
            Err(raised) => Err(raised),
        }
    }

    /// `value` of a StopIteration.
    pub fn stop_value(&self, exception: Value) -> Value {
        let e = self
            .heap
            .cell::<crate::object::exception::Exception>(exception);
        e.fields[0].given().unwrap_or(Value::NONE)
    }

    /// `next(iterator)`, with the value of StopIteration.
    fn next_or_return(&mut self, iterator: Value) -> PyResult<Outcome> {
        if let Some(Iter::Await { target }) = self.heap.get::<Iter>(iterator) {
            let target = *target;
            return self.resume(target, Input::Send(Value::NONE));
        }
        if self.heap.kind(iterator) == Some(Kind::AsyncGenOp) {
            return self.drive_async_op(iterator, Input::Send(Value::NONE));
        }
        match self.heap.kind(iterator) {
            Some(Kind::Iter) => match self.next_passing(iterator)? {
                Some(value) => Ok(Outcome::Yield(value)),
                None => Ok(Outcome::Return(Value::NONE)),
            },
            _ => {
                let result = match self.call_special(iterator, N::next, &[])? {
                    Some(value) => Ok(value),
                    None => Err(self.type_error(format!(
                        "'{}' object is not an iterator",
                        self.type_name(iterator)
                    ))),
                };
                Ok(Outcome::Yield(result?))
            }
        }
    }

    fn after_foreign(
        &mut self,
        step: PyResult<Outcome>,
        iterator: Value,
        dst: u16,
    ) -> PyResult<Next> {
        let Some(frame) = self.frames.last() else {
            unreachable!("an activation is running")
        };
        let generator = frame.generator;
        let step = match step {
            Err(Raised(e)) if self.is_instance_of(e, B::StopIteration) => {
                Ok(Outcome::Return(self.stop_value(e)))
            }
            step => step,
        };
        match step {
            Ok(Outcome::Yield(value)) => {
                self.heap.cell_mut::<Generator>(generator).delegate = iterator;
                Ok(self.suspend(value))
            }
            Ok(Outcome::Return(value)) => {
                self.heap.cell_mut::<Generator>(generator).delegate = Value::EMPTY;
                self.set_top_register(dst, value);
                Ok(Next::Continue)
            }
            Err(raised) => {
                self.heap.cell_mut::<Generator>(generator).delegate = Value::EMPTY;
                Err(raised)
            }
        }
    }

    // ---- yield, yield from, await ------------------------------------------------

    /// Saves where the running frame goes on; `pc` counts words.
    fn save_position(&mut self, dst: u16) -> Value {
        self.running_frame_saved(dst).0
    }

    /// As `save_position`; gives the frame's cell and what is in it.
    #[inline(always)]
    fn running_frame_saved(&mut self, dst: u16) -> (Value, &mut Generator) {
        let Some(frame) = self.frames.last() else {
            unreachable!("an activation is running")
        };
        // SAFETY: `code` is kept alive by `code_value`.
        let pc = unsafe { (*frame.code).index_of(frame.pc) } as u32;
        let generator = frame.generator;
        let g = self.heap.cell_mut::<Generator>(generator);
        g.pc = pc;
        g.dst = dst;
        (generator, g)
    }

    /// The usual case of `begin_resume` and `take_input`: something is sent to a generator that was
    /// suspended at a `yield` of its own. Where it is another case nothing is done, and the answer
    /// is false.
    pub(crate) fn go_on(
        &mut self,
        generator: Value,
        input: Input,
        dst: u16,
        ret: Ret,
        jump: i32,
    ) -> bool {
        let Input::Send(sent) = input else {
            return false;
        };
        let g = self.heap.cell::<Generator>(generator);
        let is_usual = g.state == GenState::Suspended
            && g.flavor == Flavor::Generator
            && g.delegate.is_empty()
            && g.awaiter.is_empty()
            && self.frames.len() < self.recursion_limit;
        if !is_usual {
            return false;
        }
        let sent_to = g.dst;
        let handled = g.handling();
        let mut frame = self.frame_of(generator, dst, ret);
        frame.jump = jump;
        self.heap.cell_mut_unnoted::<Generator>(generator).state = GenState::Running;
        self.frames.push(frame);
        self.set_top_register(sent_to, sent);
        self.activations.push(Activation {
            root: generator,
            instance: Value::EMPTY,
            outer_handled: self.handled,
            n_thrown: 0,
        });
        if let Some(handled) = handled {
            self.handled = handled;
        }
        true
    }

    /// The usual case of `yield_value`: a generator that a `for`, `next` or `send` of a script
    /// drives, or `resume`, yields itself. Where it is another case nothing is done.
    pub(crate) fn yield_plainly(&mut self, value: Value, dst: u16) -> PlainYield {
        let ([.., below, frame], Some(activation)) =
            (self.frames.as_mut_slice(), self.activations.last())
        else {
            return PlainYield::Other;
        };
        let generator = frame.generator;
        if activation.root != generator
            || self.heap.cell::<Generator>(generator).flavor != Flavor::Generator
        {
            return PlainYield::Other;
        }
        let yielded = match frame.ret {
            Ret::ForIter | Ret::Send => PlainYield::Below,
            Ret::ExitGenerator => PlainYield::Out,
            _ => return PlainYield::Other,
        };
        if yielded == PlainYield::Below {
            // SAFETY: the verifier has checked the register and the jump's target in the frame
            // below, whose `for` pushed this one; a call has no jump.
            unsafe {
                below.regs.add(frame.dst as usize).write(value);
                below.pc = below.pc.offset(frame.jump as isize);
            }
        }
        // SAFETY: `code` is kept alive by `code_value`.
        let words = unsafe { (*frame.code).first_word() };
        let g = self.heap.cell_mut::<Generator>(generator);
        g.pc = ((frame.pc as usize - words as usize) / 8) as u32;
        g.dst = dst;
        g.state = GenState::Suspended;
        g.innermost = generator;
        self.sp = frame.saved_sp as usize;
        self.handled = activation.outer_handled;
        self.frames.pop();
        self.activations.pop();
        yielded
    }

    /// `yield value`.
    ///
    /// # Errors
    /// Never of itself; in an async generator what its driver must see.
    pub(crate) fn yield_value(&mut self, value: Value, dst: u16) -> PyResult<Next> {
        let generator = self.save_position(dst);
        let g = self.heap.cell_mut::<Generator>(generator);
        g.delegate = Value::EMPTY;
        if g.flavor != Flavor::AsyncGenerator {
            return Ok(self.suspend(value));
        }
        g.state = GenState::Suspended;
        g.op_running = false;
        let awaiter = std::mem::replace(&mut g.awaiter, Value::EMPTY);
        g.set_inherited(Value::EMPTY);
        g.innermost = Value::EMPTY;
        match awaiter.given() {
            Some(awaiter) => {
                let dst = self.switch_to(awaiter);
                self.set_top_register(dst, value);
                Ok(Next::Continue)
            }
            None => {
                // Driven by hand: the yield is the result of the operation.
                let (ret, dst) = self.pop_activation();
                match ret {
                    Ret::Exit | Ret::ExitGenerator => Ok(Next::Exit(Outcome::Return(value))),
                    _ => {
                        self.set_top_register(dst, value);
                        Ok(Next::Continue)
                    }
                }
            }
        }
    }

    /// `await v` in the running frame; `given_by` says what gave it, as the
    /// opcode Await does.
    ///
    /// # Errors
    /// TypeError; what the awaited thing raises at once.
    pub(crate) fn await_value(&mut self, v: Value, dst: u16, given_by: u8) -> PyResult<Next> {
        match self.heap.kind(v) {
            Some(Kind::Generator) => {
                let g = self.heap.cell::<Generator>(v);
                if g.flavor == Flavor::Coroutine {
                    let waits = g.state == GenState::Suspended
                        && (!g.delegate.is_empty() || !g.innermost.is_empty() && g.innermost != v);
                    if !g.awaiter.is_empty() || g.state == GenState::Running || waits {
                        if self.is_executing(v) {
                            return Err(self.already_running(Flavor::Coroutine));
                        }
                        return Err(self.runtime_error("coroutine is being awaited already"));
                    }
                    return self.delegate_to(v, dst);
                }
                if g.flavor == Flavor::Generator && self.is_marked_coroutine(v) {
                    return self.delegate_to(v, dst);
                }
            }
            Some(Kind::Future) if !self.awaits_in_its_own_way(v) => {
                return self.await_future(v, dst);
            }
            Some(Kind::AsyncGenOp) => return self.await_async_op(v, dst),
            _ => {}
        }
        let iterator = match self.await_iterator(v, given_by) {
            Ok(iterator) => iterator,
            Err(Raised(e)) if given_by == await_of::ANEXT => {
                return Err(self.invalid_anext(v, e));
            }
            Err(raised) => return Err(raised),
        };
        self.yield_from(iterator, dst)
    }

    /// Whether a frame belongs to a chain that runs, wherever in it.
    fn is_executing(&self, generator: Value) -> bool {
        let mut root = generator;
        while let Some(above) = self.heap.cell::<Generator>(root).awaiter.given() {
            root = above;
        }
        self.activations.iter().any(|a| a.root == root)
    }

    /// Whether a script's heir of Future or Task has an `__await__`.
    fn awaits_in_its_own_way(&mut self, future: Value) -> bool {
        let class = self.heap.class_of(future);
        let classes = &self.tasks.classes;
        class != classes.future
            && class != classes.task
            && self
                .special(future, N::await_)
                .is_some_and(|method| self.heap.kind(method) != Some(Kind::Native))
    }

    /// The iterator that drives an awaitable that is no coroutine or future of ours.
    ///
    /// # Errors
    /// TypeError; what `__await__` raises.
    pub fn await_iterator(&mut self, v: Value, given_by: u8) -> PyResult {
        let Some(method) = self.special(v, N::await_) else {
            let name = self.type_name_within(v, 100);
            let without = |method: &str| {
                format!(
                    "'async with' received an object from {method} that does not implement __await__: {name}"
                )
            };
            return Err(self.type_error(match given_by {
                await_of::AENTER => without("__aenter__"),
                await_of::AEXIT => without("__aexit__"),
                _ => format!("object {name} can't be used in 'await' expression"),
            }));
        };
        let class = self.heap.class_of(v);
        let iterator = self.call_attr(method, v, class, &[])?;
        let flavor = self.heap.get::<Generator>(iterator).map(|g| g.flavor);
        let is_coroutine = flavor == Some(Flavor::Coroutine)
            || flavor.is_some() && self.is_marked_coroutine(iterator);
        if is_coroutine {
            return Err(self.type_error("__await__() returned a coroutine"));
        }
        let is_native = matches!(
            self.heap.kind(iterator),
            Some(Kind::Iter | Kind::Future | Kind::AsyncGenOp)
        );
        if flavor.is_some() || is_native || self.special(iterator, N::next).is_some() {
            return Ok(iterator);
        }
        let message = format!(
            "__await__() returned non-iterator of type '{}'",
            self.type_name(iterator)
        );
        Err(self.type_error(message))
    }

    fn is_marked_coroutine(&self, generator: Value) -> bool {
        let func = self.heap.cell::<Generator>(generator).func;
        self.heap
            .get::<crate::object::function::Function>(func)
            .is_some_and(|f| f.marked_coroutine)
    }

    /// `yield from iterator` in the running frame.
    ///
    /// # Errors
    /// What the iterator raises at once.
    pub(crate) fn yield_from(&mut self, iterator: Value, dst: u16) -> PyResult<Next> {
        match self.heap.kind(iterator) {
            Some(Kind::Generator)
                if self.heap.cell::<Generator>(iterator).flavor != Flavor::AsyncGenerator =>
            {
                return self.delegate_to(iterator, dst);
            }
            Some(Kind::Future) => return self.await_future(iterator, dst),
            _ => {}
        }
        if let Some(Iter::Await { target }) = self.heap.get::<Iter>(iterator) {
            let target = *target;
            return self.delegate_to(target, dst);
        }
        self.save_position(dst);
        self.root(iterator);
        let step = self.drive_foreign(iterator, Input::Send(Value::NONE));
        self.after_foreign(step, iterator, dst)
    }

    /// Links frame `inner` below the running one and goes on in it.
    fn delegate_to(&mut self, inner: Value, dst: u16) -> PyResult<Next> {
        self.detach(inner);
        let g = self.heap.cell::<Generator>(inner);
        let flavor = g.flavor;
        match g.state {
            GenState::Running => return Err(self.already_running(flavor)),
            GenState::Closed => {
                if flavor == Flavor::Generator {
                    self.set_top_register(dst, Value::NONE);
                    return Ok(Next::Continue);
                }
                return Err(self.already_closed(flavor, Input::Send(Value::NONE)));
            }
            GenState::Suspended if !g.awaiter.is_empty() => {
                return Err(self.already_running(flavor));
            }
            _ => {}
        }
        let created = g.state == GenState::Created;
        let innermost = g.innermost.given().unwrap_or(inner);
        self.link_below(inner, dst)?.innermost = Value::EMPTY;
        self.enter_frame_of(innermost);
        let handled = self.heap.cell::<Generator>(innermost).handled;
        if let Some(handled) = handled.given() {
            self.handled = handled;
        }
        if created {
            Ok(Next::Continue)
        } else {
            self.take_input(Input::Send(Value::NONE))
        }
    }

    /// Starts a new coroutine of `func` in place, as the running frame's
    /// `await` of a call: no script sees the coroutine. What `link_below` does, with the new
    /// frame written once.
    #[inline]
    pub(crate) fn await_call(&mut self, func: Value, args: &[Value], dst: u16) -> PyResult<()> {
        let depth = self.chain_depth()?;
        let outer = self.frames.last().map_or(Value::EMPTY, |f| f.generator);
        let inner = self.new_frame(func, args, |code| {
            let mut g = Generator::new(Flavor::Coroutine, code, func);
            g.state = GenState::Running;
            g.anonymous = true;
            g.awaiter = outer;
            g.depth = depth;
            g
        });
        let (_, o) = self.running_frame_saved(dst);
        o.delegate = inner;
        o.state = GenState::Suspended;
        if let Some(handled) = o.handling() {
            self.heap
                .cell_mut::<Generator>(inner)
                .set_inherited(handled);
        }
        self.enter_frame_of(inner);
        Ok(())
    }

    /// Suspends the running chain for one turn of the loop, in the name of the
    /// native coroutine `func`, whose frame is not made: the running frame
    /// goes on with None in `dst`. The function is its delegate meanwhile.
    pub(crate) fn await_turn(&mut self, func: Value, dst: u16) -> Next {
        let generator = self.save_position(dst);
        self.heap.cell_mut::<Generator>(generator).delegate = func;
        self.suspend(Value::NONE)
    }

    /// What a suspended frame waits for: a frame, an iterator, a future; none
    /// where it has just yielded. A frame that `await_turn` left out is made
    /// now, and one made for an await of a call is no longer the VM's alone.
    pub fn delegate_of(&mut self, outer: Value) -> Option<Value> {
        let o = self.heap.cell::<Generator>(outer);
        let (func, handling, depth) = (o.delegate.given()?, o.handling(), o.depth);
        if let Some(inner) = self.heap.get_mut::<Generator>(func) {
            inner.anonymous = false;
        }
        if self.heap.kind(func) != Some(Kind::Function) {
            return Some(func);
        }
        let inner = self.new_generator(func, &[]);
        let (pc, dst) = self.native_coroutine_after_await(func);
        let i = self.heap.cell_mut::<Generator>(inner);
        i.state = GenState::Suspended;
        (i.pc, i.dst) = (pc, dst);
        i.awaiter = outer;
        i.set_inherited(handling.unwrap_or(Value::EMPTY));
        i.depth = depth.saturating_add(1);
        self.heap.cell_mut::<Generator>(outer).delegate = inner;
        let mut root = outer;
        while let Some(above) = self.heap.cell::<Generator>(root).awaiter.given() {
            root = above;
        }
        self.heap.cell_mut::<Generator>(root).innermost = inner;
        Some(inner)
    }

    /// Suspends the running frame, to be resumed with the result of `inner` in
    /// register `dst`; gives `inner`, which is to be entered next.
    ///
    /// # Errors
    /// RecursionError.
    #[inline(always)]
    fn link_below(&mut self, inner: Value, dst: u16) -> PyResult<&mut Generator> {
        let depth = self.chain_depth()?;
        let (outer, o) = self.running_frame_saved(dst);
        o.delegate = inner;
        o.state = GenState::Suspended;
        let inherited = o.handling().unwrap_or(Value::EMPTY);
        let i = self.heap.cell_mut::<Generator>(inner);
        i.awaiter = outer;
        i.set_inherited(inherited);
        i.depth = depth;
        Ok(i)
    }

    /// The depth of a frame that the running one is about to await.
    ///
    /// # Errors
    /// RecursionError: CPython resumes each frame of a chain by a call.
    #[inline(always)]
    fn chain_depth(&mut self) -> PyResult<u16> {
        let generator = self.frames.last().map_or(Value::EMPTY, |f| f.generator);
        let depth = self
            .heap
            .get::<Generator>(generator)
            .map_or(0, |g| g.depth)
            .saturating_add(1);
        if self.frames.len() + depth as usize > self.recursion_limit {
            return Err(self.recursion_error());
        }
        Ok(depth)
    }

    fn await_future(&mut self, future: Value, dst: u16) -> PyResult<Next> {
        let f = self.heap.cell_mut::<Future>(future);
        if f.is_done() {
            let value = self.future_result(future)?;
            self.set_top_register(dst, value);
            return Ok(Next::Continue);
        }
        f.blocking = true;
        let generator = self.save_position(dst);
        self.heap.cell_mut::<Generator>(generator).delegate = future;
        Ok(self.suspend(future))
    }

    /// The result of a finished future.
    ///
    /// # Errors
    /// Its exception, or CancelledError.
    pub fn future_result(&mut self, future: Value) -> PyResult {
        use crate::object::future::State;
        let f = self.heap.cell_mut::<Future>(future);
        f.log_traceback = false;
        match f.state {
            State::Finished => {
                let value = f.value;
                Ok(value)
            }
            State::Failed => {
                let exception = f.value;
                self.restore_traceback(future);
                self.set_context(exception);
                Err(Raised(exception))
            }
            State::Cancelled => {
                let raised = self.cancelled_error_of(future);
                self.set_context(raised.0);
                Err(raised)
            }
            State::Pending => Err(self.invalid_state("Result is not set.")),
        }
    }

    /// The CancelledError of a cancelled future: made once, with its message.
    pub fn cancelled_error_of(&mut self, future: Value) -> Raised {
        let f = self.heap.cell_mut::<Future>(future);
        let message = f.cancel_message;
        let made = match f.state {
            crate::object::future::State::Failed => Value::EMPTY,
            _ => std::mem::replace(&mut f.cancelled_exception, Value::EMPTY),
        };
        if let Some(e) = made.given() {
            return Raised(e);
        }
        match message.some() {
            Some(message) => self.raise_value(B::CancelledError, message),
            None => self.raise(B::CancelledError, ""),
        }
    }

    // ---- async generators ----------------------------------------------------------

    /// The awaited `__anext__()` of the running frame's `async for`: links the
    /// generator's frame below the running one and goes on in it, so that no
    /// awaitable is made. False when it takes the longer way: an operation is
    /// under way, the generator has ended, or nobody has told the loop of it.
    ///
    /// # Errors
    /// RecursionError.
    pub(crate) fn await_anext(&mut self, generator: Value, dst: u16) -> PyResult<bool> {
        let g = self.heap.cell::<Generator>(generator);
        if g.op_running || g.agen_closed || !g.hooked {
            return Ok(false);
        }
        let next = self.link_async_generator(generator, Value::NONE, dst)?;
        debug_assert!(matches!(next, Next::Continue), "a value was sent in");
        Ok(true)
    }

    /// Links an idle async generator below the running frame, whose `await`
    /// it answers by its next `yield`, and sends `value` in.
    fn link_async_generator(&mut self, generator: Value, value: Value, dst: u16) -> PyResult<Next> {
        let g = self.link_below(generator, dst)?;
        g.op_running = true;
        let (created, handled) = (g.state == GenState::Created, g.handled);
        self.enter_frame_of(generator);
        if let Some(handled) = handled.given() {
            self.handled = handled;
        }
        if created {
            return Ok(Next::Continue);
        }
        self.take_input(Input::Send(value))
    }

    /// `await` of an async generator's anext, asend, athrow or aclose.
    fn await_async_op(&mut self, op: Value, dst: u16) -> PyResult<Next> {
        let o = self.heap.cell_mut::<AsyncGenOp>(op);
        let (generator, value) = (o.generator, o.value);
        if o.action == AsyncGenAction::Send && o.state == GenState::Created {
            let g = self.heap.cell::<Generator>(generator);
            let idle = !g.op_running && !g.agen_closed;
            if idle && (g.state == GenState::Suspended || value.is_none()) {
                self.heap.cell_mut::<AsyncGenOp>(op).state = GenState::Closed;
                return self.link_async_generator(generator, value, dst);
            }
        }
        self.save_position(dst);
        let step = self.drive_async_op(op, Input::Send(Value::NONE));
        self.after_foreign(step, op, dst)
    }

    /// Whether an operation that has not begun may begin.
    ///
    /// # Errors
    /// RuntimeError when another one is under way.
    pub fn check_async_op(&mut self, op: Value) -> PyResult<()> {
        let o = self.heap.cell::<AsyncGenOp>(op);
        let (action, state) = (o.action, o.state);
        if state != GenState::Created || !self.heap.cell::<Generator>(o.generator).op_running {
            return Ok(());
        }
        self.close_async_op(op);
        let what = match action {
            AsyncGenAction::Send => "anext()",
            AsyncGenAction::Throw => "athrow()",
            AsyncGenAction::Close => "aclose()",
        };
        Err(self.runtime_error(format!("{what}: asynchronous generator is already running")))
    }

    fn close_async_op(&mut self, op: Value) {
        self.heap.cell_mut::<AsyncGenOp>(op).state = GenState::Closed;
    }

    /// One step of an async generator's operation. Its yield is the result.
    ///
    /// # Errors
    /// StopAsyncIteration at its end; what it raises; RuntimeError when another
    /// operation is under way.
    pub fn drive_async_op(&mut self, op: Value, input: Input) -> PyResult<Outcome> {
        let o = self.heap.cell::<AsyncGenOp>(op);
        let (action, state) = (o.action, o.state);
        if state == GenState::Closed {
            let what = match action {
                AsyncGenAction::Send => "__anext__()/asend()",
                AsyncGenAction::Throw | AsyncGenAction::Close => "aclose()/athrow()",
            };
            return Err(self.runtime_error(format!("cannot reuse already awaited {what}")));
        }
        match action {
            AsyncGenAction::Send => self.drive_asend(op, input),
            AsyncGenAction::Throw | AsyncGenAction::Close => self.drive_athrow(op, input),
        }
    }

    /// CPython 3.13 genobject.c async_gen_asend_send and async_gen_asend_throw.
    fn drive_asend(&mut self, op: Value, input: Input) -> PyResult<Outcome> {
        self.check_async_op(op)?;
        let o = self.heap.cell_mut::<AsyncGenOp>(op);
        let (generator, value) = (o.generator, o.value);
        let first = o.state == GenState::Created;
        o.state = GenState::Suspended;
        let input = match input {
            // What a script sends by hand comes before what asend was given.
            Input::Send(sent) if first => Input::Send(sent.some().unwrap_or(value)),
            input => input,
        };
        self.heap.cell_mut::<Generator>(generator).op_running = true;
        let result = self.resume(generator, input);
        if self.ends_async_step(generator, &result) {
            self.close_async_op(op);
        }
        result
    }

    /// CPython 3.13 genobject.c async_gen_athrow_send and async_gen_athrow_throw, of `athrow` and
    /// `aclose`.
    fn drive_athrow(&mut self, op: Value, input: Input) -> PyResult<Outcome> {
        let o = self.heap.cell::<AsyncGenOp>(op);
        let (generator, action, value) = (o.generator, o.action, o.value);
        let first = o.state == GenState::Created;
        let is_close = action == AsyncGenAction::Close;
        let is_sent = matches!(input, Input::Send(_));
        let g = self.heap.cell::<Generator>(generator);
        let (gen_state, was_closed) = (g.state, g.agen_closed);
        if is_sent && gen_state == GenState::Closed {
            self.close_async_op(op);
            return Ok(Outcome::Return(Value::NONE));
        }
        self.check_async_op(op)?;
        let input = match input {
            Input::Send(sent) if first => {
                if was_closed {
                    self.close_async_op(op);
                    return Err(self.raise(B::StopAsyncIteration, ""));
                }
                if !sent.is_none() {
                    return Err(
                        self.runtime_error("can't send non-None value to a just-started coroutine")
                    );
                }
                match is_close {
                    true if gen_state == GenState::Created => {
                        self.close_generator(generator);
                        self.close_async_op(op);
                        return Ok(Outcome::Return(Value::NONE));
                    }
                    true => {
                        self.heap.cell_mut::<Generator>(generator).agen_closed = true;
                        Input::Throw(self.raise(B::GeneratorExit, "").0)
                    }
                    false => match self.exception_of_athrow(value) {
                        Ok(e) => Input::Throw(e),
                        Err(raised) => {
                            self.close_async_op(op);
                            return Err(raised);
                        }
                    },
                }
            }
            input => input,
        };
        self.heap.cell_mut::<AsyncGenOp>(op).state = GenState::Suspended;
        self.heap.cell_mut::<Generator>(generator).op_running = true;
        let result = self.resume(generator, input);
        let is_over = self.ends_async_step(generator, &result);
        // An `athrow` that was under way can be sent to again.
        if is_over && (is_close || first || !is_sent) {
            self.close_async_op(op);
        }
        match result {
            Ok(Outcome::Return(_)) if is_close => {
                Err(self.runtime_error("async generator ignored GeneratorExit"))
            }
            Err(raised) if is_close && self.ends_async_generator(raised) => {
                Ok(Outcome::Return(Value::NONE))
            }
            result => result,
        }
    }

    /// The exception that an `athrow` was given.
    fn exception_of_athrow(&mut self, value: Value) -> PyResult {
        let parts = self.heap.as_tuple(value).map(<[Value]>::to_vec);
        match parts.as_deref() {
            Some(&[class, value, traceback]) => self.exception_to_throw(class, value, traceback),
            _ => Ok(value),
        }
    }

    /// Notes that a step of an operation was its last one, unless the generator still awaits.
    fn ends_async_step(&mut self, generator: Value, result: &PyResult<Outcome>) -> bool {
        if matches!(result, Ok(Outcome::Yield(_))) {
            return false;
        }
        let is_end = matches!(*result, Err(raised) if self.ends_async_generator(raised));
        let g = self.heap.cell_mut::<Generator>(generator);
        g.op_running = false;
        g.agen_closed |= is_end;
        true
    }

    fn ends_async_generator(&self, Raised(e): Raised) -> bool {
        self.is_instance_of(e, B::StopAsyncIteration) || self.is_instance_of(e, B::GeneratorExit)
    }
}

pub(super) fn flavor_name(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::Generator => "generator",
        Flavor::Coroutine => "coroutine",
        Flavor::AsyncGenerator => "async generator",
    }
}
