//! Leaving frames: by a result, by a yield, by an exception.

use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::object::exception::{Exception, TraceEntry};
use crate::object::function::CodeObject;
use crate::object::generator::{Flavor, GenState, Generator};
use crate::planted::{self, Bug};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::frame::Ret;
use crate::vm::resume::Outcome;

/// What the dispatch loop does after a frame was left.
pub(crate) enum Next {
    /// It goes on with the top frame.
    Continue,
    /// It ends.
    Exit(Outcome),
    /// It ends by an exception raised below its frames.
    ExitRaise(Raised),
}

/// Whether a file is that of a library module which is written in C in CPython
/// 3.13: tracebacks there have no lines of it.
fn is_of_native_module(file: &str) -> bool {
    file.strip_prefix("<stdlib>/").is_some_and(|module| {
        matches!(
            module,
            "itertools.async" | "operator.async" | "bisect.async" | "heapq.async"
        )
    })
}

impl Vm {
    /// Ends the top frame with a result if it is the commonest case: a plain
    /// function called by a script for its value.
    #[inline(always)]
    pub(crate) fn return_fast(&mut self, value: Value) -> bool {
        let Some(frame) = self.frames.last() else {
            return false;
        };
        if frame.ret != Ret::Value || !frame.generator.is_empty() {
            return false;
        }
        let (dst, saved_sp) = (frame.dst, frame.saved_sp as usize);
        self.frames.pop();
        self.sp = saved_sp;
        self.set_top_register(dst, value);
        true
    }

    /// Ends the top frame if it is an `__init__` that returns None.
    #[inline(always)]
    pub(crate) fn return_from_init(&mut self) -> bool {
        let Some(frame) = self.frames.last() else {
            return false;
        };
        if frame.ret != Ret::Init {
            return false;
        }
        let (dst, saved_sp) = (frame.dst, frame.saved_sp as usize);
        self.frames.pop();
        self.sp = saved_sp;
        let instance = self.activations.pop().map_or(Value::NONE, |a| a.instance);
        self.set_top_register(dst, instance);
        true
    }

    /// Ends the top frame with a result.
    ///
    /// # Errors
    /// What the result causes: `__init__` must give None, a generator driven by
    /// `next()` raises StopIteration.
    pub(crate) fn return_value(&mut self, value: Value) -> PyResult<Next> {
        let Some(frame) = self.frames.last() else {
            unreachable!("a frame is running")
        };
        if !frame.generator.is_empty() {
            return self.return_from_generator(value);
        }
        let (ret, dst, saved_sp) = (frame.ret, frame.dst, frame.saved_sp as usize);
        self.frames.pop();
        self.sp = saved_sp;
        match ret {
            Ret::Value => self.set_top_register(dst, value),
            Ret::Discard => {}
            Ret::Init => {
                let instance = self.activations.pop().map_or(Value::NONE, |a| a.instance);
                self.check_init_result(value)?;
                self.set_top_register(dst, instance);
            }
            Ret::Then => {
                let then = self.activations.pop().map_or(Value::NONE, |a| a.instance);
                let value = self.finish_call(then, value)?;
                self.set_top_register(dst, value);
            }
            Ret::Exit | Ret::ExitGenerator => return Ok(Next::Exit(Outcome::Return(value))),
            Ret::ForIter | Ret::Send => unreachable!("only generators are driven"),
        }
        Ok(Next::Continue)
    }

    /// Writes a register of the top frame.
    #[inline(always)]
    pub(crate) fn set_top_register(&mut self, reg: u16, value: Value) {
        if let Some(frame) = self.frames.last() {
            // SAFETY: `regs` points to the frame's registers, all within its
            // window or cell; the verifier has checked `reg` against their number.
            unsafe { frame.regs.add(reg as usize).write(value) }
        }
    }

    /// A frame ends: whether it is one of those that an exception was thrown through.
    #[inline(always)]
    fn leave_thrown(&mut self, generator: Value) -> bool {
        let Some(activation) = self.activations.last_mut() else {
            return false;
        };
        if activation.n_thrown == 0 {
            return false;
        }
        let depth = u32::from(self.heap.cell::<Generator>(generator).depth);
        let is_thrown = activation.n_thrown == depth + 1;
        if is_thrown {
            activation.n_thrown = depth;
        }
        is_thrown
    }

    fn return_from_generator(&mut self, value: Value) -> PyResult<Next> {
        let Some(frame) = self.frames.last() else {
            unreachable!("a frame is running")
        };
        let generator = frame.generator;
        self.leave_thrown(generator);
        let g = self.heap.cell::<Generator>(generator);
        if g.anonymous
            && let Some(awaiter) = g.awaiter.given()
        {
            // Nobody sees it end.
            let dst = self.switch_to(awaiter);
            self.set_top_register(dst, value);
            self.heap.free_now::<Generator>(generator);
            return Ok(Next::Continue);
        }
        let awaiter = self.close_generator(generator);
        let flavor = self.heap.cell::<Generator>(generator).flavor;
        if flavor == Flavor::AsyncGenerator {
            let stop = self.raise(B::StopAsyncIteration, "");
            return match awaiter.given() {
                Some(awaiter) => {
                    self.switch_to(awaiter);
                    Err(stop)
                }
                None => match self.pop_activation() {
                    (Ret::Exit | Ret::ExitGenerator, _) => Ok(Next::ExitRaise(stop)),
                    _ => Err(stop),
                },
            };
        }
        match awaiter.given() {
            Some(awaiter) => {
                let dst = self.switch_to(awaiter);
                self.set_top_register(dst, value);
                Ok(Next::Continue)
            }
            None => match self.pop_activation() {
                (Ret::ForIter, _) => Ok(Next::Continue),
                (Ret::Send, _) if planted::is(Bug::LostReturnValue) => {
                    Err(self.stop_iteration(Value::NONE))
                }
                (Ret::Send, _) => Err(self.stop_iteration(value)),
                (Ret::Value, dst) => {
                    self.set_top_register(dst, value);
                    Ok(Next::Continue)
                }
                (Ret::Discard | Ret::Init | Ret::Then, _) => Ok(Next::Continue),
                (Ret::Exit | Ret::ExitGenerator, _) => Ok(Next::Exit(Outcome::Return(value))),
            },
        }
    }

    /// Marks a frame as run to its end and drops what its registers hold;
    /// gives who awaited it.
    pub(crate) fn close_generator(&mut self, generator: Value) -> Value {
        for reg in self.heap.generator_regs(generator) {
            reg.set(Value::EMPTY);
        }
        let g = self.heap.cell_mut::<Generator>(generator);
        g.state = GenState::Closed;
        g.agen_closed = true;
        g.op_running = false;
        g.handled = Value::EMPTY;
        g.set_inherited(Value::EMPTY);
        g.delegate = Value::EMPTY;
        g.innermost = Value::EMPTY;
        std::mem::replace(&mut g.awaiter, Value::EMPTY)
    }

    /// Makes the top activation run `awaiter`, which waited for the frame that
    /// ran until now; gives the register it wants the result in.
    pub(crate) fn switch_to(&mut self, awaiter: Value) -> u16 {
        self.enter_frame_of(awaiter);
        let g = self.heap.cell_mut_unnoted::<Generator>(awaiter);
        g.delegate = Value::EMPTY;
        let (dst, handled) = (g.dst, g.handling());
        self.handled = handled.unwrap_or_else(|| self.outer_handled());
        dst
    }

    /// The exception that was being handled where the running chain was resumed.
    pub(crate) fn outer_handled(&self) -> Value {
        self.activations
            .last()
            .map_or(Value::EMPTY, |a| a.outer_handled)
    }

    /// Pops a generator's activation; gives what its driver wants.
    pub(crate) fn pop_activation(&mut self) -> (Ret, u16) {
        let Some(frame) = self.frames.pop() else {
            unreachable!("an activation is running")
        };
        self.sp = frame.saved_sp as usize;
        if let Some(activation) = self.activations.pop() {
            self.handled = activation.outer_handled;
            let root = self.heap.cell_mut_unnoted::<Generator>(activation.root);
            if root.state == GenState::Running {
                root.state = GenState::Suspended;
            }
        }
        (frame.ret, frame.dst)
    }

    /// Suspends the running chain; what drives it gets `value`.
    pub(crate) fn suspend(&mut self, value: Value) -> Next {
        let Some(frame) = self.frames.last() else {
            unreachable!("an activation is running")
        };
        let (innermost, jump) = (frame.generator, frame.jump);
        let root = self.activations.last().map_or(innermost, |a| a.root);
        self.heap.cell_mut::<Generator>(innermost).state = GenState::Suspended;
        self.heap.cell_mut::<Generator>(root).innermost = innermost;
        let (ret, dst) = self.pop_activation();
        match ret {
            Ret::ForIter => {
                self.set_top_register(dst, value);
                if let Some(frame) = self.frames.last_mut() {
                    // SAFETY: the verifier has checked the jump's target.
                    frame.pc = unsafe { frame.pc.offset(jump as isize) };
                }
                Next::Continue
            }
            Ret::Send | Ret::Value => {
                self.set_top_register(dst, value);
                Next::Continue
            }
            Ret::Discard | Ret::Init | Ret::Then => Next::Continue,
            Ret::Exit | Ret::ExitGenerator => Next::Exit(Outcome::Yield(value)),
        }
    }

    /// Finds who handles an exception raised in the top frame. `Ok`: the top
    /// frame goes on at its handler.
    ///
    /// # Errors
    /// The exception, when it leaves the frames of this `run`.
    pub(crate) fn unwind(&mut self, raised: Raised) -> PyResult<()> {
        let mut exception = raised.0;
        loop {
            let is_lost =
                planted::is(Bug::LostFinally) && self.is_instance_of(exception, B::GeneratorExit);
            let Some(frame) = self.frames.last_mut() else {
                return Err(Raised(exception));
            };
            // SAFETY: `code` is kept alive by `code_value`.
            let code = unsafe { &*frame.code };
            let pc = code.index_of(frame.pc);
            let pc = (pc as u32).saturating_sub(1);
            let entry = TraceEntry {
                code: frame.code_value,
                pc,
            };
            let again = std::mem::take(&mut self.is_reraised);
            let handler = code
                .code
                .body()
                .handlers
                .iter()
                .find(|h| h.start <= pc && pc < h.end && !is_lost)
                .copied();
            if let Some(handler) = handler {
                // SAFETY: verified register and target; see `set_top_register`.
                unsafe {
                    frame.regs.add(handler.exc.0 as usize).write(exception);
                    frame.pc = code.first_word().add(handler.target as usize);
                }
                if !again {
                    self.note_self(exception);
                    self.add_trace(exception, entry);
                }
                return Ok(());
            }
            let (ret, generator) = (frame.ret, frame.generator);
            if !again {
                self.note_self(exception);
                self.add_trace(exception, entry);
            }
            if generator.is_empty() {
                let saved_sp = self.frames.pop().map_or(0, |f| f.saved_sp);
                self.sp = saved_sp as usize;
                if matches!(ret, Ret::Init | Ret::Then) {
                    self.activations.pop();
                }
                if matches!(ret, Ret::Exit | Ret::ExitGenerator) {
                    return Err(Raised(exception));
                }
                continue;
            }
            exception = self.convert_stop(generator, exception);
            let is_thrown = self.leave_thrown(generator);
            let awaiter = self.close_generator(generator);
            if let Some(awaiter) = awaiter.given() {
                self.switch_to(awaiter);
                if is_thrown {
                    // As if thrown there: see `chain_thrown`.
                    let handled = self.heap.cell::<Generator>(awaiter).handled;
                    if let Some(handled) = handled.given() {
                        self.set_context_of(exception, handled);
                    }
                }
                continue;
            }
            let (ret, _) = self.pop_activation();
            if matches!(ret, Ret::Exit | Ret::ExitGenerator) {
                return Err(Raised(exception));
            }
        }
    }

    /// Keeps what `self` is in the frame where a name or an attribute was missed, for the
    /// report's "Did you mean": the frame's variables are gone by then.
    fn note_self(&mut self, exception: Value) {
        let Some(e) = self.heap.get::<Exception>(exception) else {
            return;
        };
        let is_first = e.trace.is_empty() && e.traceback.is_none();
        if !is_first || e.fields[0].some().is_none() || !e.fields[2].is_empty() {
            return;
        }
        let lacks_name = self.is_instance_of(exception, B::NameError)
            || self.is_instance_of(exception, B::AttributeError);
        if let Some(found) = self.variable_of_frame("self").filter(|_| lacks_name) {
            self.heap.cell_mut::<Exception>(exception).fields[2] = found;
        }
    }

    pub(crate) fn add_trace(&mut self, exception: Value, entry: TraceEntry) {
        // What is written in Rust has no lines, nor has what CPython has in C.
        let code = self.heap.cell::<CodeObject>(entry.code);
        if code.step.is_some() || is_of_native_module(code.code.source.name()) {
            return;
        }
        if let Some(e) = self.heap.get_mut::<Exception>(exception) {
            e.trace.push(entry);
        }
    }

    /// PEP 479: StopIteration (and in an async generator StopAsyncIteration)
    /// must not leave a suspended frame as it is.
    fn convert_stop(&mut self, generator: Value, exception: Value) -> Value {
        let flavor = self.heap.cell::<Generator>(generator).flavor;
        let what = match flavor {
            Flavor::Generator => "generator",
            Flavor::Coroutine => "coroutine",
            Flavor::AsyncGenerator => "async generator",
        };
        let name = if self.is_instance_of(exception, B::StopIteration) {
            "StopIteration"
        } else if flavor == Flavor::AsyncGenerator
            && self.is_instance_of(exception, B::StopAsyncIteration)
        {
            "StopAsyncIteration"
        } else {
            return exception;
        };
        let wrapped = self.runtime_error(format!("{what} raised {name}"));
        let e = self.heap.cell_mut::<Exception>(wrapped.0);
        e.cause = exception;
        e.context = exception;
        e.suppress_context = true;
        wrapped.0
    }

    /// Sets `__context__` of an exception about to be raised to the one being
    /// handled, as CPython 3.13 errors.c _PyErr_SetObject: a chain that already
    /// leads back to it is cut first.
    pub(crate) fn set_context(&mut self, exception: Value) {
        if let Some(handled) = self.handled.given()
            && !planted::is(Bug::LostContext)
        {
            self.set_context_of(exception, handled);
        }
    }

    /// As if `exception` had been raised while `handled` was being handled.
    pub fn set_context_of(&mut self, exception: Value, handled: Value) {
        if handled == exception {
            return;
        }
        let mut at = handled;
        let mut slow = handled;
        let mut step = false;
        while let Some(e) = self.heap.get::<Exception>(at) {
            let next = e.context;
            if next.is_none() {
                break;
            }
            if next == exception {
                self.heap.cell_mut::<Exception>(at).context = Value::NONE;
                break;
            }
            at = next;
            if step && let Some(e) = self.heap.get::<Exception>(slow) {
                slow = e.context;
            }
            step = !step;
            if at == slow {
                break;
            }
        }
        if let Some(e) = self.heap.get_mut::<Exception>(exception) {
            e.context = handled;
        }
    }

    /// The exception of a `raise` statement: an instance, or a class to call.
    ///
    /// # Errors
    /// TypeError: exceptions must derive from BaseException.
    pub(crate) fn exception_to_raise(&mut self, v: Value) -> PyResult {
        if self.heap.is_exception(v) {
            return Ok(v);
        }
        if self.heap.kind(v) == Some(Kind::Class)
            && self.is_subclass(v, self.class(B::BaseException))
        {
            let exception = self.call(v, &[])?;
            if self.heap.is_exception(exception) {
                return Ok(exception);
            }
            let message = format!(
                "calling {} should have returned an instance of BaseException, not {}",
                self.repr_string(v)?,
                self.repr_string(self.heap.class_of(exception))?
            );
            return Err(self.type_error(message));
        }
        Err(self.type_error("exceptions must derive from BaseException"))
    }

    /// The exception being handled, as `sys.exception()` gives it.
    pub fn handled_exception(&self) -> Value {
        self.handled.given().unwrap_or(Value::NONE)
    }

    /// The line of code object `code` that the word `pc` belongs to.
    pub fn line_of(&self, code: Value, pc: u32) -> u32 {
        let code = &self.heap.cell::<CodeObject>(code).code;
        match pc {
            TraceEntry::UNSTARTED => code.first_line,
            pc => code.line_at(pc),
        }
    }
}
