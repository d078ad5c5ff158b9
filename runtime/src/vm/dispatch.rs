//! The dispatch loop: takes the top frame, runs instructions until the frame
//! that `run` began with is left. Hot cases are here; whatever is rare, may
//! call script code or raises is a method elsewhere.
//!
//! Registers and instructions are reached without checks: the code has been
//! verified (lang's `bytecode::verify`), so every register is within the
//! frame's, every jump lands on an instruction, and the last one leaves. Debug
//! builds check each access ("unchecked": what the verifier let through).
//!
//! A frame's stored `pc` is the instruction after the current one whenever
//! something may raise or call: handlers and lines are looked up by the word
//! before it.

use crate::planted::{self, Bug};
use std::slice;

use lockstep_lang::bytecode::{Op, Word};

use crate::heap::Kind;
use crate::native::{AtOnce, PyResult, Step, StepFrame};
use crate::object::class::{B, Class};
use crate::object::function::{Function, Method, Native};
use crate::object::generator::{Flavor, GenState, Generator};
use crate::object::list::List;
use crate::object::range::Slice;
use crate::protocol::compare::CompareOp;
use crate::protocol::next::NextPair;
use crate::protocol::number::BinaryOp;
use crate::protocol::unary::UnaryOp;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::bind::PLAIN_PARAMS_MAX;
use crate::vm::cache::CacheLine;
use crate::vm::call::Called;
use crate::vm::frame::{Activation, Ret};
use crate::vm::resume::{Input, Outcome, PlainYield};
use crate::vm::unwind::Next;
use crate::vm::with::Entered;

/// Natives with more parameters take the way through `begin_call`.
const NATIVE_PARAMS_MAX: usize = 6;

impl Vm {
    /// Runs until the frame pushed last (its `ret` is `Exit` or
    /// `ExitGenerator`) is left.
    ///
    /// # Errors
    /// The exception that leaves it.
    pub(crate) fn run(&mut self) -> PyResult<Outcome> {
        let mut pc: *const Word;
        let mut regs: *mut Value;
        let mut consts: *const Value;
        let n_roots = self.roots.len();

        // SAFETY (for every block of this function): see the module's text.
        // `frames` is never empty while a frame runs; `frame.code` is kept
        // alive by the frame; register, constant and jump operands are verified.
        macro_rules! load {
            () => {{
                unsafe {
                    let frame = self.frames.last().unwrap_unchecked();
                    pc = frame.pc;
                    regs = frame.regs;
                    consts = (*frame.code).consts.as_ptr().cast();
                }
            }};
        }
        // Debug builds check what the verifier has let through.
        macro_rules! running_code {
            () => {
                (unsafe { &*self.frames.last().unwrap_unchecked().code })
            };
        }
        macro_rules! in_frame {
            ($reg:expr) => {
                debug_assert!($reg < running_code!().n_regs as usize, "unchecked register")
            };
        }
        macro_rules! r {
            ($reg:expr) => {{
                let reg = $reg as usize;
                in_frame!(reg);
                unsafe { *regs.add(reg) }
            }};
        }
        macro_rules! set {
            ($reg:expr, $value:expr) => {{
                let (reg, value) = ($reg as usize, $value);
                in_frame!(reg);
                unsafe { *regs.add(reg) = value }
            }};
        }
        macro_rules! k {
            ($index:expr) => {{
                let index = $index as usize;
                debug_assert!(index < running_code!().consts.len(), "unchecked constant");
                unsafe { *consts.add(index) }
            }};
        }
        macro_rules! word {
            ($i:expr) => {
                (unsafe { *pc.add($i) })
            };
        }
        macro_rules! save {
            ($n:expr) => {{
                let next = unsafe { pc.add($n) };
                unsafe { self.frames.last_mut().unwrap_unchecked().pc = next }
            }};
        }
        macro_rules! next {
            ($n:expr) => {{
                pc = unsafe { pc.add($n) };
                continue;
            }};
        }
        macro_rules! raise {
            ($raised:expr) => {{
                let raised = $raised;
                match self.unwind(raised) {
                    Ok(()) => {
                        load!();
                        continue;
                    }
                    Err(raised) => return Err(raised),
                }
            }};
        }
        // What the operation rooted is reachable from registers now, or garbage.
        macro_rules! unroot {
            () => {
                if self.roots.len() != n_roots {
                    self.roots.truncate(n_roots);
                }
            };
        }
        // An operation that may raise or run script code, in an instruction of `$n` words.
        macro_rules! op {
            ($n:expr, $result:expr) => {{
                save!($n);
                let result = $result;
                unroot!();
                match result {
                    Ok(value) => value,
                    Err(raised) => raise!(raised),
                }
            }};
        }
        macro_rules! after {
            ($result:expr) => {{
                let result = $result;
                unroot!();
                match result {
                    Ok(Next::Continue) => {
                        load!();
                        continue;
                    }
                    Ok(Next::Exit(outcome)) => return Ok(outcome),
                    Ok(Next::ExitRaise(raised)) => return Err(raised),
                    Err(raised) => raise!(raised),
                }
            }};
        }
        // A frame was pushed: it may first have to take what it was resumed with.
        macro_rules! entered {
            () => {{
                if let Some(input) = self.pending_input.take() {
                    after!(self.take_input(input));
                }
                load!();
                continue;
            }};
        }
        macro_rules! called {
            ($dst:expr, $n:expr, $result:expr) => {{
                save!($n);
                let result = $result;
                unroot!();
                match result {
                    Ok(Called::Value(value)) => {
                        set!($dst, value);
                        next!($n);
                    }
                    Ok(Called::Pushed) => entered!(),
                    Err(raised) => raise!(raised),
                }
            }};
        }
        // Jumps `$offset` words from the end of an instruction of `$n` words.
        macro_rules! jump {
            ($n:expr, $offset:expr) => {{
                let offset: i32 = $offset;
                if offset < 0 {
                    self.heap.countdown -= 1;
                    if self.heap.countdown <= 0 {
                        op!($n, self.look_up());
                    }
                }
                pc = unsafe { pc.add($n).offset(offset as isize) };
                continue;
            }};
        }
        macro_rules! arith {
            ($w:expr, $ints:expr, $floats:expr, $op:expr) => {{
                let (x, y) = (r!($w.b()), r!($w.c()));
                if Value::both_ints(x, y) {
                    if let Some(v) = $ints(x, y) {
                        set!($w.a(), v);
                        next!(1);
                    }
                } else if Value::both_inline_floats(x, y) {
                    let f: f64 = $floats(x.float_unchecked(), y.float_unchecked());
                    if let Some(v) = Value::try_float(f) {
                        set!($w.a(), v);
                        next!(1);
                    }
                }
                let v = op!(1, self.binary($op, x, y, $w.x() != 0));
                set!($w.a(), v);
                next!(1);
            }};
        }
        // As `arith`, for operators without a fast case on floats.
        macro_rules! int_arith {
            ($w:expr, $ints:expr, $op:expr) => {{
                let (x, y) = (r!($w.b()), r!($w.c()));
                if Value::both_ints(x, y)
                    && let Some(v) = $ints(x.int_unchecked(), y.int_unchecked())
                {
                    set!($w.a(), v);
                    next!(1);
                }
                let v = op!(1, self.binary($op, x, y, $w.x() != 0));
                set!($w.a(), v);
                next!(1);
            }};
        }
        macro_rules! immediate {
            ($w:expr, $ints:expr, $op:expr) => {{
                let x = r!($w.b());
                let n = $w.ci() as i64;
                if x.is_int()
                    && let Some(v) = $ints(x, n)
                {
                    set!($w.a(), v);
                    next!(1);
                }
                let v = op!(1, self.binary($op, x, Value::small(n), $w.x() != 0));
                set!($w.a(), v);
                next!(1);
            }};
        }
        macro_rules! compare {
            ($w:expr, $rel:tt, $op:expr) => {{
                let (x, y) = (r!($w.b()), r!($w.c()));
                let v = if Value::both_ints(x, y) {
                    Value::bool(x.int_order_key() $rel y.int_order_key())
                } else if Value::both_inline_floats(x, y) {
                    Value::bool(x.float_unchecked() $rel y.float_unchecked())
                } else {
                    op!(1, self.compare($op, x, y))
                };
                set!($w.a(), v);
                next!(1);
            }};
        }
        macro_rules! compare_jump {
            ($w:expr, $y:expr, $rel:tt, $op:expr) => {{
                let (x, y) = (r!($w.a()), $y);
                let truth = if Value::both_ints(x, y) {
                    x.int_order_key() $rel y.int_order_key()
                } else if Value::both_inline_floats(x, y) {
                    x.float_unchecked() $rel y.float_unchecked()
                } else {
                    op!(2, self.compare_bool($op, x, y))
                };
                if truth == ($w.x() != 0) {
                    jump!(2, word!(1).e0i());
                }
                next!(2);
            }};
        }
        macro_rules! truth {
            ($n:expr, $v:expr) => {{
                let v = $v;
                match v.as_bool() {
                    Some(b) => b,
                    None if v.is_none() => false,
                    None if v.is_int() => v != Value::small(0),
                    None => op!($n, self.truth(v)),
                }
            }};
        }
        macro_rules! globals {
            () => {
                (unsafe { (*self.frames.last().unwrap_unchecked().code).globals })
            };
        }
        // A call has pushed a frame: ticks, and goes on in it.
        macro_rules! begin_pushed {
            () => {{
                self.heap.countdown -= 1;
                if self.heap.countdown <= 0
                    && let Err(raised) = self.look_up()
                {
                    raise!(raised);
                }
                load!();
                continue;
            }};
        }
        // Links a new frame of an async function below the running one, which
        // goes on `$n` words further, behind the Await that this answers.
        macro_rules! awaited_call {
            ($n:expr, $callee:expr, $args:expr, $dst:expr) => {{
                save!($n);
                if let Err(raised) = self.await_call($callee, $args, $dst) {
                    raise!(raised);
                }
                begin_pushed!();
            }};
        }
        // Calls `$callee` whose `$argc` arguments begin at register `$first`;
        // `$self_fits`: the first of them is an instance of the class it was
        // found in. The register before them held the callee, or is free.
        macro_rules! call {
            ($w:expr, $n:expr, $callee:expr, $first:expr, $argc:expr, $self_fits:expr) => {{
                let (mut callee, mut first, mut argc): (Value, usize, usize) =
                    ($callee, $first, $argc);
                let self_fits: bool = $self_fits;
                let mut kind = self.heap.kind(callee);
                // Only where a function is bound: there is one free register
                // before the arguments, and other callables may want it too.
                if kind == Some(Kind::Method)
                    && let method = self.heap.cell::<Method>(callee)
                    && let (func, this) = (method.func, method.this)
                    && self.heap.kind(func) == Some(Kind::Function)
                {
                    callee = func;
                    first -= 1;
                    argc += 1;
                    set!(first, this);
                    kind = Some(Kind::Function);
                }
                if kind == Some(Kind::Function)
                    && let f = self.heap.cell::<Function>(callee)
                    && let n_params = f.plain_args as usize
                    && (n_params == argc || self.missing_defaults(callee, argc).is_some())
                {
                    let (code, suspends, is_coroutine) = (f.code, f.suspends, f.is_coroutine);
                    if !suspends {
                        save!($n);
                        let in_cell =
                            unsafe { !self.frames.last().unwrap_unchecked().generator.is_empty() };
                        let base = if in_cell {
                            let base = self.sp;
                            if base + n_params > crate::vm::stack::STACK_VALUES {
                                raise!(self.recursion_error());
                            }
                            for i in 0..argc {
                                unsafe { self.stack.at(base + i).write(*regs.add(first + i)) }
                            }
                            base
                        } else {
                            self.stack.index_of(unsafe { regs.add(first) })
                        };
                        if n_params != argc {
                            if base + n_params > crate::vm::stack::STACK_VALUES {
                                raise!(self.recursion_error());
                            }
                            let missing = self.missing_defaults(callee, argc).unwrap_or_default();
                            for (i, &default) in missing.iter().enumerate() {
                                unsafe { self.stack.at(base + argc + i).write(default) }
                            }
                        }
                        if let Err(raised) =
                            self.push_frame(callee, code, base, n_params, $w.a(), Ret::Value)
                        {
                            raise!(raised);
                        }
                        begin_pushed!();
                    }
                    if is_coroutine && $w.x() & 1 != 0 {
                        let at_once = f.at_once;
                        let args = unsafe { slice::from_raw_parts(regs.add(first), argc) };
                        if let Some(at_once) = at_once {
                            match op!($n, at_once(self, args)) {
                                AtOnce::Done(v) => {
                                    set!($w.a(), v);
                                    next!($n + 1);
                                }
                                AtOnce::Turn => {
                                    save!($n + 1);
                                    after!(Ok(self.await_turn(callee, $w.a())));
                                }
                                AtOnce::Suspends => {}
                            }
                        }
                        awaited_call!($n + 1, callee, args, $w.a());
                    }
                }
                if kind == Some(Kind::Native)
                    && let native = self.heap.cell::<Native>(callee)
                    && let (def, this) = (native.def, native.this)
                    && (self_fits
                        || !this.is_empty()
                        || self.heap.is_exact(callee, B::NativeFunction))
                {
                    let bound = !this.is_empty() as usize;
                    let (first, given) = (first - bound, argc + bound);
                    if bound != 0 {
                        set!(first, this);
                    }
                    let args = unsafe { slice::from_raw_parts(regs.add(first), given) };
                    if let Some(quick) = def.quick
                        && let Some(v) = op!($n, quick(self, args))
                    {
                        set!($w.a(), v);
                        next!($n);
                    }
                    if let Some((n_params, body)) = def.exact
                        && let n_params = n_params as usize
                        && given <= n_params
                        && given >= def.arity.required as usize
                        && n_params <= NATIVE_PARAMS_MAX
                    {
                        let padded;
                        let args = if given == n_params {
                            args
                        } else {
                            let mut all = [Value::EMPTY; NATIVE_PARAMS_MAX];
                            for (i, arg) in all.iter_mut().enumerate().take(given) {
                                *arg = r!(first + i);
                            }
                            padded = all;
                            &padded[..n_params]
                        };
                        let v = op!($n, body(self, args));
                        set!($w.a(), v);
                        next!($n);
                    }
                }
                if kind == Some(Kind::Class)
                    && let Some(constructor) = self.heap.cell::<Class>(callee).constructor
                {
                    let args = unsafe { slice::from_raw_parts(regs.add(first), argc) };
                    if let Some(v) = op!($n, constructor(self, args)) {
                        set!($w.a(), v);
                        next!($n);
                    }
                } else if kind == Some(Kind::Class)
                    && let class = self.heap.cell::<Class>(callee)
                    && class.fast_init.version == class.version
                    && class.fast_init.n_args as usize == argc + 1
                {
                    let (fast, shape, n_slots) =
                        (class.fast_init, class.root_shape, class.slot_hint);
                    save!($n);
                    let instance = self.heap.instance(shape, n_slots);
                    let in_cell =
                        unsafe { !self.frames.last().unwrap_unchecked().generator.is_empty() };
                    let base = if in_cell {
                        let base = self.sp;
                        if base + argc + 1 > crate::vm::stack::STACK_VALUES {
                            raise!(self.recursion_error());
                        }
                        unsafe { self.stack.at(base).write(instance) }
                        for i in 0..argc {
                            unsafe { self.stack.at(base + 1 + i).write(*regs.add(first + i)) }
                        }
                        base
                    } else {
                        // The register before the arguments held the callee.
                        set!(first - 1, instance);
                        self.stack.index_of(unsafe { regs.add(first - 1) })
                    };
                    if let Err(raised) =
                        self.push_frame(fast.func, fast.code, base, argc + 1, $w.a(), Ret::Init)
                    {
                        raise!(raised);
                    }
                    self.activations.push(Activation {
                        root: Value::EMPTY,
                        instance,
                        outer_handled: Value::EMPTY,
                        n_thrown: 0,
                    });
                    load!();
                    continue;
                }
                let args = unsafe { slice::from_raw_parts(regs.add(first), argc) };
                called!(
                    $w.a(),
                    $n,
                    self.begin_call(callee, args, &[], $w.a(), Ret::Value)
                );
            }};
        }
        macro_rules! call_kw {
            ($w:expr, $n:expr, $callee:expr, $first:expr, $argc:expr, $names:expr) => {{
                let (callee, first, argc): (Value, usize, usize) = ($callee, $first, $argc);
                let args = unsafe { slice::from_raw_parts(regs.add(first), argc) };
                let mut bound = [Value::EMPTY; PLAIN_PARAMS_MAX];
                if let Some((code, n_given)) = self.bind_plain(callee, args, $names, &mut bound) {
                    save!($n);
                    let n_params = self.heap.cell::<Function>(callee).plain_args as usize;
                    let in_cell =
                        unsafe { !self.frames.last().unwrap_unchecked().generator.is_empty() };
                    let base = if in_cell {
                        self.sp
                    } else {
                        self.stack.index_of(unsafe { regs.add(first) })
                    };
                    if base + n_params > crate::vm::stack::STACK_VALUES {
                        raise!(self.recursion_error());
                    }
                    bound[..n_given].copy_from_slice(&args[..n_given]);
                    let moved = if in_cell { 0 } else { n_given };
                    for i in moved..n_params {
                        unsafe { self.stack.at(base + i).write(bound[i]) }
                    }
                    if let Err(raised) =
                        self.push_frame(callee, code, base, n_params, $w.a(), Ret::Value)
                    {
                        raise!(raised);
                    }
                    begin_pushed!();
                }
                let keywords = self.keyword_pairs(args, $names);
                let args = &args[..argc - keywords.len()];
                called!(
                    $w.a(),
                    $n,
                    self.begin_call(callee, args, &keywords, $w.a(), Ret::Value)
                );
            }};
        }

        if let Some(input) = self.pending_input.take() {
            match self.take_input(input) {
                Ok(Next::Continue) => {}
                Ok(Next::Exit(outcome)) => return Ok(outcome),
                Ok(Next::ExitRaise(raised)) => return Err(raised),
                Err(raised) => self.unwind(raised)?,
            }
        }
        load!();

        loop {
            debug_assert!(running_code!().contains(pc), "unchecked instruction");
            let w = word!(0);
            self.heap.counts.opcode();
            // SAFETY: verified code holds valid opcode bytes only.
            let opcode: Op = unsafe { std::mem::transmute::<u8, Op>(w.op_byte()) };
            match opcode {
                Op::Nop => next!(1),
                Op::Move => {
                    set!(w.a(), r!(w.b()));
                    next!(1);
                }
                Op::LoadConst => {
                    set!(w.a(), k!(w.bc()));
                    next!(1);
                }
                Op::LoadInt => {
                    set!(w.a(), Value::small(w.bci() as i64));
                    next!(1);
                }
                Op::LoadNone => {
                    set!(w.a(), Value::NONE);
                    next!(1);
                }
                Op::LoadTrue => {
                    set!(w.a(), Value::TRUE);
                    next!(1);
                }
                Op::LoadFalse => {
                    set!(w.a(), Value::FALSE);
                    next!(1);
                }
                Op::LoadUnbound => {
                    set!(w.a(), Value::EMPTY);
                    next!(1);
                }
                Op::CheckBound => {
                    if r!(w.a()).is_empty() {
                        save!(1);
                        let raised = self.unbound_local(w.a());
                        raise!(raised);
                    }
                    next!(1);
                }
                Op::MakeCell => {
                    let cell = self.new_cell(r!(w.a()));
                    set!(w.a(), cell);
                    next!(1);
                }
                Op::LoadCell => {
                    let v = self.cell_value(r!(w.b()));
                    if v.is_empty() {
                        save!(1);
                        let raised = self.unbound_local(w.b());
                        raise!(raised);
                    }
                    set!(w.a(), v);
                    next!(1);
                }
                Op::StoreCell => {
                    self.set_cell(r!(w.a()), r!(w.b()));
                    next!(1);
                }
                Op::DelCell => {
                    let cell = r!(w.a());
                    if self.cell_value(cell).is_empty() {
                        save!(1);
                        let raised = self.unbound_local(w.a());
                        raise!(raised);
                    }
                    self.set_cell(cell, Value::EMPTY);
                    next!(1);
                }
                Op::LoadFree => {
                    let func = unsafe { self.frames.last().unwrap_unchecked().func };
                    let v = self.cell_value(self.free_cell(func, w.b()));
                    if v.is_empty() && w.x() == 0 {
                        save!(1);
                        let raised = self.unbound_free(w.b());
                        raise!(raised);
                    }
                    set!(w.a(), v);
                    next!(1);
                }
                Op::StoreFree => {
                    let func = unsafe { self.frames.last().unwrap_unchecked().func };
                    let cell = self.free_cell(func, w.a());
                    self.set_cell(cell, r!(w.b()));
                    next!(1);
                }
                Op::DelFree => {
                    let func = unsafe { self.frames.last().unwrap_unchecked().func };
                    let cell = self.free_cell(func, w.a());
                    if self.cell_value(cell).is_empty() {
                        save!(1);
                        let raised = self.unbound_free(w.a());
                        raise!(raised);
                    }
                    self.set_cell(cell, Value::EMPTY);
                    next!(1);
                }
                Op::LoadGlobal => {
                    let name = k!(word!(1).e0());
                    let globals = globals!();
                    let v = match self.load_global_cached(pc, globals, name) {
                        Some(v) => v,
                        None => op!(2, self.load_global_slow(pc, globals, name)),
                    };
                    set!(w.a(), v);
                    next!(2);
                }
                Op::StoreGlobal => {
                    let name = k!(word!(1).e0());
                    let globals = globals!();
                    if !self.store_global_cached(pc, globals, name, r!(w.a())) {
                        self.store_global_slow(pc, globals, name, r!(w.a()));
                    }
                    next!(2);
                }
                Op::DelGlobal => {
                    let globals = globals!();
                    op!(2, self.delete_global(globals, k!(word!(1).e0())));
                    next!(2);
                }
                Op::TakeGlobal => {
                    let v = self.heap.ns_get(globals!(), k!(word!(1).e0()));
                    set!(w.a(), v.unwrap_or(Value::EMPTY));
                    next!(2);
                }
                Op::LetGo => {
                    let v = r!(w.a());
                    set!(w.a(), Value::EMPTY);
                    if v.is_ptr() && self.heap.has_watched() {
                        op!(1, self.let_go(v));
                    }
                    next!(1);
                }
                Op::LoadName => {
                    let name = k!(word!(1).e0());
                    let v = match op!(2, self.class_namespace_get(r!(0), name)) {
                        Some(v) => v,
                        None => {
                            let globals = globals!();
                            op!(2, self.load_global_plain(globals, name))
                        }
                    };
                    set!(w.a(), v);
                    next!(2);
                }
                Op::LoadDictGlobal => {
                    let name = k!(word!(1).e0());
                    let v = match op!(2, self.class_namespace_get(r!(w.b()), name)) {
                        Some(v) => v,
                        None => {
                            let globals = globals!();
                            op!(2, self.load_global_plain(globals, name))
                        }
                    };
                    set!(w.a(), v);
                    next!(2);
                }
                Op::LoadClassFree | Op::LoadDictFree => {
                    let (namespace, at) = if opcode == Op::LoadClassFree {
                        (r!(0), w.b())
                    } else {
                        (r!(w.b()), w.c())
                    };
                    let name = self.free_name(at);
                    let name = self.heap.intern(&name);
                    let v = match op!(1, self.class_namespace_get(namespace, name)) {
                        Some(v) => v,
                        None => {
                            let func = unsafe { self.frames.last().unwrap_unchecked().func };
                            let v = self.cell_value(self.free_cell(func, at));
                            if v.is_empty() {
                                save!(1);
                                let raised = self.unbound_free(at);
                                raise!(raised);
                            }
                            v
                        }
                    };
                    set!(w.a(), v);
                    next!(1);
                }
                Op::StoreName => {
                    op!(
                        2,
                        self.class_namespace_set(r!(0), k!(word!(1).e0()), r!(w.a()))
                    );
                    next!(2);
                }
                Op::DelName => {
                    op!(2, self.class_namespace_delete(r!(0), k!(word!(1).e0())));
                    next!(2);
                }

                Op::LoadAttr => {
                    let obj = r!(w.b());
                    let line = CacheLine(pc);
                    let v = match self.load_attr_cached(line, obj) {
                        Some(v) => v,
                        None => {
                            if let Some(getter) = self.cached_getter(line, obj) {
                                called!(
                                    w.a(),
                                    4,
                                    self.begin_call(getter, &[obj], &[], w.a(), Ret::Value)
                                );
                            }
                            op!(4, self.load_attr_slow(line, obj, k!(word!(1).e0())))
                        }
                    };
                    set!(w.a(), v);
                    next!(4);
                }
                Op::StoreAttr => {
                    let (obj, value) = (r!(w.a()), r!(w.b()));
                    let line = CacheLine(pc);
                    if !self.store_attr_cached(line, obj, value) {
                        op!(4, self.store_attr_slow(line, obj, k!(word!(1).e0()), value));
                    }
                    next!(4);
                }
                Op::DelAttr => {
                    op!(2, self.del_attr(r!(w.a()), k!(word!(1).e0())));
                    next!(2);
                }
                Op::LoadItem => {
                    let (obj, key) = (r!(w.b()), r!(w.c()));
                    if key.is_int() {
                        let at = key.int_unchecked();
                        if self.heap.is_exact(obj, B::List)
                            && let Some(list) = self.heap.get::<List>(obj)
                        {
                            let at = if at < 0 {
                                at + list.items.len() as i64
                            } else {
                                at
                            };
                            if let Some(&v) = list.items.get(at as usize) {
                                set!(w.a(), v);
                                next!(1);
                            }
                        } else if let Some(v) = self.char_of(obj, at) {
                            set!(w.a(), v);
                            next!(1);
                        }
                    }
                    let v = op!(1, self.get_item(obj, key));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::LoadItemI => {
                    let obj = r!(w.b());
                    let at = w.ci() as i64;
                    if let Some(shape) = self.heap.shape(obj) {
                        let items = if shape == B::List.shape() {
                            self.heap.get::<List>(obj).map(|l| l.items.as_slice())
                        } else if shape == B::Tuple.shape() {
                            self.heap.as_tuple(obj)
                        } else {
                            None
                        };
                        if let Some(items) = items {
                            let at = if at < 0 { at + items.len() as i64 } else { at };
                            if let Some(&v) = items.get(at as usize) {
                                set!(w.a(), v);
                                next!(1);
                            }
                        } else if let Some(v) = self.char_of(obj, at) {
                            set!(w.a(), v);
                            next!(1);
                        }
                    }
                    let v = op!(1, self.get_item(obj, Value::small(at)));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::StoreItem => {
                    let (obj, key, value) = (r!(w.a()), r!(w.b()), r!(w.c()));
                    if key.is_int() && self.heap.is_exact(obj, B::List) {
                        let at = key.int_unchecked();
                        if let Some(list) = self.heap.get_mut_storing::<List>(obj, &[value]) {
                            let at = if at < 0 {
                                at + list.items.len() as i64
                            } else {
                                at
                            };
                            if let Some(place) = list.items.get_mut(at as usize) {
                                *place = value;
                                next!(1);
                            }
                        }
                    }
                    op!(1, self.set_item(obj, key, value));
                    next!(1);
                }
                Op::DelItem => {
                    op!(1, self.del_item(r!(w.a()), r!(w.b())));
                    next!(1);
                }
                Op::BuildSlice => {
                    let v =
                        self.heap
                            .slice(r!(w.b()), r!(w.b() as usize + 1), r!(w.b() as usize + 2));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::LoadSlice => {
                    let obj = r!(w.b());
                    let at = w.c() as usize;
                    let slice = Slice {
                        start: r!(at),
                        stop: r!(at + 1),
                        step: r!(at + 2),
                    };
                    let v = op!(1, self.load_slice(obj, slice));
                    set!(w.a(), v);
                    next!(1);
                }

                Op::Add => arith!(w, Value::int_add, |x: f64, y: f64| x + y, BinaryOp::Add),
                Op::Sub => arith!(w, Value::int_sub, |x: f64, y: f64| x - y, BinaryOp::Sub),
                Op::Mul => arith!(w, Value::int_mul, |x: f64, y: f64| x * y, BinaryOp::Mul),
                Op::TrueDiv => {
                    let (x, y) = (r!(w.b()), r!(w.c()));
                    if Value::both_inline_floats(x, y) && y.float_unchecked() != 0.0 {
                        let f = x.float_unchecked() / y.float_unchecked();
                        if let Some(v) = Value::try_float(f) {
                            set!(w.a(), v);
                            next!(1);
                        }
                    }
                    let v = op!(1, self.binary(BinaryOp::TrueDiv, x, y, w.x() != 0));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::FloorDiv => int_arith!(w, floor_div, BinaryOp::FloorDiv),
                Op::Mod => int_arith!(w, floor_mod, BinaryOp::Mod),
                Op::Pow => {
                    let v = op!(
                        1,
                        self.binary(BinaryOp::Pow, r!(w.b()), r!(w.c()), w.x() != 0)
                    );
                    set!(w.a(), v);
                    next!(1);
                }
                Op::MatMul => {
                    let v = op!(
                        1,
                        self.binary(BinaryOp::MatMul, r!(w.b()), r!(w.c()), w.x() != 0)
                    );
                    set!(w.a(), v);
                    next!(1);
                }
                Op::LShift => int_arith!(w, shift_left, BinaryOp::LShift),
                Op::RShift => int_arith!(w, shift_right, BinaryOp::RShift),
                Op::And => int_arith!(w, |x: i64, y: i64| Some(Value::small(x & y)), BinaryOp::And),
                Op::Or => int_arith!(w, |x: i64, y: i64| Some(Value::small(x | y)), BinaryOp::Or),
                Op::Xor => int_arith!(w, |x: i64, y: i64| Some(Value::small(x ^ y)), BinaryOp::Xor),
                Op::AddI => immediate!(w, |x, n| Value::int_add(x, Value::small(n)), BinaryOp::Add),
                Op::SubI => immediate!(w, |x, n| Value::int_sub(x, Value::small(n)), BinaryOp::Sub),
                Op::MulI => immediate!(w, |x, n| Value::int_mul(x, Value::small(n)), BinaryOp::Mul),
                Op::FloorDivI => immediate!(
                    w,
                    |x: Value, n| floor_div(x.int_unchecked(), n),
                    BinaryOp::FloorDiv
                ),
                Op::ModI => immediate!(
                    w,
                    |x: Value, n| floor_mod(x.int_unchecked(), n),
                    BinaryOp::Mod
                ),
                Op::AndI => immediate!(
                    w,
                    |x: Value, n| Some(Value::small(x.int_unchecked() & n)),
                    BinaryOp::And
                ),
                Op::LShiftI => immediate!(
                    w,
                    |x: Value, n| shift_left(x.int_unchecked(), n),
                    BinaryOp::LShift
                ),
                Op::RShiftI => immediate!(
                    w,
                    |x: Value, n| shift_right(x.int_unchecked(), n),
                    BinaryOp::RShift
                ),
                Op::Neg => {
                    let x = r!(w.b());
                    let fast = if x.is_int() {
                        Value::try_int(-x.int_unchecked())
                    } else {
                        x.as_inline_float().and_then(|f| Value::try_float(-f))
                    };
                    let v = match fast {
                        Some(v) => v,
                        None => op!(1, self.unary(UnaryOp::Neg, x)),
                    };
                    set!(w.a(), v);
                    next!(1);
                }
                Op::Pos => {
                    let v = op!(1, self.unary(UnaryOp::Pos, r!(w.b())));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::Invert => {
                    let v = op!(1, self.unary(UnaryOp::Invert, r!(w.b())));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::Not => {
                    let b = truth!(1, r!(w.b()));
                    set!(w.a(), Value::bool(!b));
                    next!(1);
                }

                Op::Lt => compare!(w, <, CompareOp::Lt),
                Op::Le => compare!(w, <=, CompareOp::Le),
                Op::Gt => compare!(w, >, CompareOp::Gt),
                Op::Ge => compare!(w, >=, CompareOp::Ge),
                Op::Eq => compare!(w, ==, CompareOp::Eq),
                Op::Ne => compare!(w, !=, CompareOp::Ne),
                Op::Is => {
                    let same = self.is_same(r!(w.b()), r!(w.c()));
                    set!(w.a(), Value::bool(same != (w.x() != 0)));
                    next!(1);
                }
                Op::In => {
                    let found = op!(1, self.contains(r!(w.c()), r!(w.b())));
                    set!(w.a(), Value::bool(found != (w.x() != 0)));
                    next!(1);
                }

                Op::Jump => jump!(1, w.bci()),
                Op::JumpIf => {
                    if truth!(1, r!(w.a())) {
                        jump!(1, w.bci());
                    }
                    next!(1);
                }
                Op::JumpIfNot => {
                    if !truth!(1, r!(w.a())) {
                        jump!(1, w.bci());
                    }
                    next!(1);
                }
                Op::JumpIfNone => {
                    if r!(w.a()).is_none() {
                        jump!(1, w.bci());
                    }
                    next!(1);
                }
                Op::JumpIfNotNone => {
                    if !r!(w.a()).is_none() {
                        jump!(1, w.bci());
                    }
                    next!(1);
                }
                Op::JumpLt => compare_jump!(w, r!(w.b()), <, CompareOp::Lt),
                Op::JumpLe => compare_jump!(w, r!(w.b()), <=, CompareOp::Le),
                Op::JumpGt => compare_jump!(w, r!(w.b()), >, CompareOp::Gt),
                Op::JumpGe => compare_jump!(w, r!(w.b()), >=, CompareOp::Ge),
                Op::JumpEq => compare_jump!(w, r!(w.b()), ==, CompareOp::Eq),
                Op::JumpNe => compare_jump!(w, r!(w.b()), !=, CompareOp::Ne),
                Op::JumpLtI => compare_jump!(w, Value::small(w.ci() as i64), <, CompareOp::Lt),
                Op::JumpLeI => compare_jump!(w, Value::small(w.ci() as i64), <=, CompareOp::Le),
                Op::JumpGtI => compare_jump!(w, Value::small(w.ci() as i64), >, CompareOp::Gt),
                Op::JumpGeI => compare_jump!(w, Value::small(w.ci() as i64), >=, CompareOp::Ge),
                Op::JumpEqI => compare_jump!(w, Value::small(w.ci() as i64), ==, CompareOp::Eq),
                Op::JumpNeI => compare_jump!(w, Value::small(w.ci() as i64), !=, CompareOp::Ne),
                Op::JumpIs => {
                    let same = self.is_same(r!(w.a()), r!(w.b()));
                    if same == (w.x() != 0) {
                        jump!(2, word!(1).e0i());
                    }
                    next!(2);
                }
                Op::JumpIn => {
                    let found = op!(2, self.contains(r!(w.b()), r!(w.a())));
                    if found == (w.x() != 0) {
                        jump!(2, word!(1).e0i());
                    }
                    next!(2);
                }

                Op::GetIter => {
                    let v = r!(w.b());
                    if let Some(g) = self.heap.get_mut::<Generator>(v)
                        && g.flavor == Flavor::Generator
                    {
                        g.fresh &= g.state == GenState::Created;
                        set!(w.a(), v);
                        next!(1);
                    }
                    let iter = op!(1, self.iter(v));
                    set!(w.a(), iter);
                    next!(1);
                }
                Op::ForIter => {
                    let it = r!(w.b());
                    match self.heap.kind(it) {
                        Some(Kind::Iter) => {
                            if let Some(v) = self.next_fast(it) {
                                set!(w.a(), v);
                                jump!(2, word!(1).e0i());
                            }
                            let offset = word!(1).e0i();
                            // SAFETY: where the jump lands an instruction begins.
                            let body = unsafe { *pc.add(2).offset(offset as isize) };
                            // Only where the pair is unpacked at once, and not looked at besides.
                            if body.op_byte() == Op::UnpackSeq as u8
                                && body.x() != 0
                                && (body.a(), body.c()) == (w.a(), 2)
                            {
                                match op!(2, self.next_pair(it)) {
                                    NextPair::Pair(first, second) => {
                                        set!(body.b(), first);
                                        set!(body.b() + 1, second);
                                        jump!(2, offset + 1);
                                    }
                                    NextPair::End => next!(2),
                                    NextPair::Other => {}
                                }
                            }
                        }
                        Some(Kind::Generator) if self.heap.is_exact(it, B::Generator) => {
                            if self.heap.cell::<Generator>(it).state == GenState::Closed {
                                next!(2);
                            }
                            self.heap.countdown -= 1;
                            if self.heap.countdown <= 0 {
                                op!(2, self.look_up());
                            }
                            save!(2);
                            let input = Input::Send(Value::NONE);
                            if self.go_on(it, input, w.a(), Ret::ForIter, word!(1).e0i()) {
                                load!();
                                continue;
                            }
                            match self.begin_resume(
                                it,
                                Input::Send(Value::NONE),
                                w.a(),
                                Ret::ForIter,
                            ) {
                                Ok(()) => {
                                    let jump = word!(1).e0i();
                                    if let Some(frame) = self.frames.last_mut() {
                                        frame.jump = jump;
                                    }
                                    entered!()
                                }
                                Err(raised) => raise!(raised),
                            }
                        }
                        _ => {}
                    }
                    match op!(2, self.next_slow(it)) {
                        Some(v) => {
                            set!(w.a(), v);
                            jump!(2, word!(1).e0i());
                        }
                        None => next!(2),
                    }
                }
                Op::IterClose => {
                    op!(1, self.close_iterator(r!(w.a())));
                    next!(1);
                }
                Op::UnpackSeq => {
                    let v = r!(w.a());
                    let n = w.c() as usize;
                    if (self.heap.is_exact(v, B::Tuple) || self.heap.is_exact(v, B::List))
                        && let Some(items) = self.heap.as_sequence(v)
                        && items.len() == n
                    {
                        for (i, &item) in items.iter().enumerate() {
                            set!(w.b() as usize + i, item);
                        }
                        next!(1);
                    }
                    let items = op!(1, self.unpack(v, n));
                    for (i, item) in items.into_iter().enumerate() {
                        set!(w.b() as usize + i, item);
                    }
                    next!(1);
                }
                Op::UnpackEx => {
                    let items = op!(
                        2,
                        self.unpack_star(r!(w.a()), w.c() as usize, word!(1).e0() as usize)
                    );
                    for (i, item) in items.into_iter().enumerate() {
                        set!(w.b() as usize + i, item);
                    }
                    next!(2);
                }

                Op::BuildList => {
                    let items =
                        unsafe { slice::from_raw_parts(regs.add(w.b() as usize), w.c() as usize) };
                    let v = self.heap.list(items.to_vec());
                    set!(w.a(), v);
                    next!(1);
                }
                Op::BuildTuple => {
                    let items =
                        unsafe { slice::from_raw_parts(regs.add(w.b() as usize), w.c() as usize) };
                    let v = self.heap.tuple(items);
                    set!(w.a(), v);
                    next!(1);
                }
                Op::BuildSet => {
                    let set = self.heap.set();
                    self.root(set);
                    save!(1);
                    let mut result = Ok(());
                    for i in 0..w.c() as usize {
                        let item = r!(w.b() as usize + i);
                        result = self.set_add(set, item).map(|_| ());
                        if result.is_err() {
                            break;
                        }
                    }
                    self.roots.pop();
                    if let Err(raised) = result {
                        raise!(raised);
                    }
                    set!(w.a(), set);
                    next!(1);
                }
                Op::BuildDict => {
                    let dict = self.heap.dict();
                    self.root(dict);
                    save!(1);
                    let mut result = Ok(());
                    for i in 0..w.c() as usize {
                        let at = w.b() as usize + 2 * i;
                        result = self.dict_set(dict, r!(at), r!(at + 1));
                        if result.is_err() {
                            break;
                        }
                    }
                    self.roots.pop();
                    if let Err(raised) = result {
                        raise!(raised);
                    }
                    set!(w.a(), dict);
                    next!(1);
                }
                Op::ListAppend => {
                    op!(1, self.list_append(r!(w.a()), r!(w.b())));
                    next!(1);
                }
                Op::ListExtend => {
                    op!(1, self.extend_display(r!(w.a()), r!(w.b())));
                    next!(1);
                }
                Op::SetAdd => {
                    op!(1, self.set_add(r!(w.a()), r!(w.b())));
                    next!(1);
                }
                Op::SetUpdate => {
                    op!(1, self.set_update(r!(w.a()), r!(w.b())));
                    next!(1);
                }
                Op::DictSet => {
                    op!(1, self.dict_set(r!(w.a()), r!(w.b()), r!(w.c())));
                    next!(1);
                }
                Op::DictUpdate => {
                    op!(1, self.dict_update_display(r!(w.a()), r!(w.b())));
                    next!(1);
                }
                Op::DictMerge => {
                    op!(1, self.dict_merge_keywords(r!(w.a()), r!(w.b()), r!(w.c())));
                    next!(1);
                }
                Op::ListToTuple => {
                    let list = r!(w.b());
                    let items = std::mem::take(&mut self.heap.cell_mut::<List>(list).items);
                    let v = self.heap.tuple_of_vec(items);
                    set!(w.a(), v);
                    next!(1);
                }
                Op::BuildString => {
                    let parts =
                        unsafe { slice::from_raw_parts(regs.add(w.b() as usize), w.c() as usize) };
                    let v = op!(1, self.join_strs(parts));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::FormatValue => {
                    let spec = if w.x() & 4 != 0 {
                        Some(r!(w.c()))
                    } else {
                        None
                    };
                    let v = op!(1, self.format_value(r!(w.b()), w.x() & 3, spec));
                    set!(w.a(), v);
                    next!(1);
                }

                Op::Call => call!(w, 1, r!(w.b()), w.b() as usize + 1, w.c() as usize, false),
                Op::CallKw => {
                    call_kw!(
                        w,
                        2,
                        r!(w.b()),
                        w.b() as usize + 1,
                        w.c() as usize,
                        k!(word!(1).e0())
                    )
                }
                Op::CallEx => {
                    let t = w.b() as usize;
                    let callee = r!(t);
                    let args = op!(1, self.star_args(callee, r!(t + 1), w.x() & 2 != 0));
                    let keywords = match r!(t + 2) {
                        Value::NONE | Value::EMPTY => Vec::new(),
                        dict => op!(1, self.keywords_of(dict)),
                    };
                    called!(
                        w.a(),
                        1,
                        self.begin_call(callee, &args, &keywords, w.a(), Ret::Value)
                    );
                }
                Op::LoadMethod => {
                    let (line, obj) = (CacheLine(pc), r!(w.b()));
                    let (func, this) = match self.cached_method(line, obj) {
                        Some(found) => found,
                        None => op!(4, self.load_method_slow(line, obj, k!(word!(1).e0()))),
                    };
                    set!(w.a() as usize, func);
                    set!(w.a() as usize + 1, this);
                    next!(4);
                }
                Op::CallLoaded => {
                    let t = w.b() as usize;
                    let plain = r!(t + 1).is_empty() as usize;
                    call!(
                        w,
                        1,
                        r!(t),
                        t + 1 + plain,
                        w.c() as usize + 1 - plain,
                        plain == 0
                    )
                }
                Op::CallLoadedKw => {
                    let t = w.b() as usize;
                    let plain = r!(t + 1).is_empty() as usize;
                    call_kw!(
                        w,
                        2,
                        r!(t),
                        t + 1 + plain,
                        w.c() as usize + 1 - plain,
                        k!(word!(1).e0())
                    )
                }
                Op::CallMethod => {
                    let t = w.b() as usize;
                    let (line, obj) = (CacheLine(pc), r!(t + 1));
                    if let Some(body) = self.cached_body(line, obj) {
                        let args =
                            unsafe { slice::from_raw_parts(regs.add(t + 1), w.c() as usize + 1) };
                        let v = op!(5, body(self, args));
                        set!(w.a(), v);
                        next!(5);
                    }
                    let (func, this) = match self.cached_method(line, obj) {
                        Some(found) => found,
                        None => {
                            // The look-up's place in the source is that of the first word.
                            let found = op!(1, self.load_method_slow(line, obj, k!(word!(1).e0())));
                            self.learn_body(line, w.c() as usize + 1);
                            found
                        }
                    };
                    let plain = this.is_empty() as usize;
                    call!(
                        w,
                        5,
                        func,
                        t + 1 + plain,
                        w.c() as usize + 1 - plain,
                        plain == 0
                    )
                }
                Op::CallMethodKw => {
                    let t = w.b() as usize;
                    let (line, obj) = (CacheLine(pc), r!(t + 1));
                    let (func, this) = match self.cached_method(line, obj) {
                        Some(found) => found,
                        None => op!(1, self.load_method_slow(line, obj, k!(word!(1).e0()))),
                    };
                    let plain = this.is_empty() as usize;
                    call_kw!(
                        w,
                        5,
                        func,
                        t + 1 + plain,
                        w.c() as usize + 1 - plain,
                        k!(word!(2).e0())
                    )
                }
                Op::CallSuper => {
                    let t = w.b() as usize;
                    let v = op!(1, self.call_super(r!(t), r!(t + 1), r!(t + 2), w.x()));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::LoadBuildClass => {
                    let name = self.heap.intern("__build_class__");
                    let builtins = self.builtins;
                    let v = op!(1, self.load_global_plain(builtins, name));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::MakeFunction => {
                    let v = self.make_function(regs, w, word!(1).e0());
                    set!(w.a(), v);
                    next!(2);
                }

                Op::Yield => {
                    save!(1);
                    let value = r!(w.b());
                    match self.yield_plainly(value, w.a()) {
                        PlainYield::Below => {
                            load!();
                            continue;
                        }
                        PlainYield::Out => return Ok(Outcome::Yield(value)),
                        PlainYield::Other => after!(self.yield_value(value, w.a())),
                    }
                }
                Op::GetYieldFromIter => {
                    let v = r!(w.b());
                    let iter = match self.heap.get::<Generator>(v) {
                        Some(g) if g.flavor != Flavor::AsyncGenerator => {
                            if g.flavor == Flavor::Coroutine && !self.runs_coroutine() {
                                save!(1);
                                let raised = self.type_error(
                                    "cannot 'yield from' a coroutine object in a non-coroutine generator",
                                );
                                raise!(raised);
                            }
                            v
                        }
                        _ => op!(1, self.iter(v)),
                    };
                    set!(w.a(), iter);
                    next!(1);
                }
                Op::YieldFrom => {
                    save!(1);
                    after!(self.yield_from(r!(w.b()), w.a()));
                }
                Op::Await => {
                    save!(1);
                    after!(self.await_value(r!(w.b()), w.a(), w.x()));
                }
                Op::LoadBody => {
                    let code = unsafe { self.frames.last().unwrap_unchecked() }.code_value;
                    self.load_body(code);
                    let first = running_code!().first_word();
                    unsafe { self.frames.last_mut().unwrap_unchecked() }.pc = first;
                    load!();
                }
                Op::NativeStep => {
                    save!(1);
                    let (step, generator) = unsafe {
                        let frame = self.frames.last().unwrap_unchecked();
                        ((*frame.code).step, frame.generator)
                    };
                    let Some(step) = step else {
                        raise!(self.raise(B::SystemError, "a native step in code without one"));
                    };
                    let input = match w.x() {
                        0 => Input::Send(r!(w.a())),
                        _ => Input::Throw(r!(w.a())),
                    };
                    let result = step(self, StepFrame(generator), input);
                    unroot!();
                    match result {
                        Ok(Step::Return(value)) => after!(self.return_value(value)),
                        Ok(Step::Await(awaitable)) => {
                            set!(w.a(), awaitable);
                            next!(1);
                        }
                        Ok(Step::Turn) => {
                            save!(2);
                            after!(self.yield_value(Value::NONE, w.a()));
                        }
                        Err(raised) => raise!(raised),
                    }
                }
                Op::GetAiter => {
                    let v = op!(1, self.aiter(r!(w.b())));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::GetAnext => {
                    let v = r!(w.b());
                    if self.heap.is_exact(v, B::AsyncGenerator) {
                        // The Await that follows is done by linking the frame.
                        save!(2);
                        match self.await_anext(v, w.a()) {
                            Ok(true) => {
                                load!();
                                continue;
                            }
                            Ok(false) => {}
                            Err(raised) => raise!(raised),
                        }
                    }
                    let v = op!(1, self.anext(r!(w.b())));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::EndAsyncFor => {
                    let e = r!(w.a());
                    if !self.is_instance_of(e, B::StopAsyncIteration) {
                        self.note_reraise();
                        save!(1);
                        raise!(crate::native::Raised(e));
                    }
                    next!(1);
                }
                Op::Return => {
                    let value = r!(w.a());
                    if self.return_fast(value) {
                        load!();
                        continue;
                    }
                    save!(1);
                    after!(self.return_value(value));
                }
                Op::ReturnNone => {
                    if self.return_fast(Value::NONE) || self.return_from_init() {
                        load!();
                        continue;
                    }
                    save!(1);
                    after!(self.return_value(Value::NONE));
                }

                Op::BeforeWith if w.x() != 0 => {
                    let manager = r!(w.b());
                    let (exit, entered) = op!(1, self.enter_async_with(manager));
                    set!(w.a(), exit);
                    match entered {
                        Entered::Done(value) => {
                            set!(w.a() as usize + 1, value);
                            next!(2);
                        }
                        Entered::Function(enter) => {
                            awaited_call!(2, enter, &[manager], w.a() + 1);
                        }
                        Entered::Awaitable(awaitable) => {
                            set!(w.a() as usize + 1, awaitable);
                            next!(1);
                        }
                    }
                }
                Op::BeforeWith => {
                    let (exit, entered) = op!(1, self.enter_with(r!(w.b()), false));
                    set!(w.a() as usize, exit);
                    set!(w.a() as usize + 1, entered);
                    next!(1);
                }
                Op::WithExit => {
                    if w.x() != 0
                        && let Some((exit, this)) = self.plain_async_exit(r!(w.b()))
                    {
                        let args = [this, Value::NONE, Value::NONE, Value::NONE];
                        if let Some(v) = op!(1, self.finish_at_once(exit, &args)) {
                            set!(w.a(), v);
                            next!(2);
                        }
                        awaited_call!(2, exit, &args, w.a());
                    }
                    let args = [Value::NONE; 3];
                    called!(
                        w.a(),
                        1,
                        self.begin_call(r!(w.b()), &args, &[], w.a(), Ret::Value)
                    );
                }
                Op::WithExitExc => {
                    let v = op!(1, self.exit_with_exception(r!(w.b()), r!(w.c())));
                    set!(w.a(), v);
                    next!(1);
                }

                Op::Raise => {
                    save!(1);
                    let raised = self.raise_statement(w.x(), r!(w.a()), r!(w.b()));
                    raise!(raised);
                }
                Op::Reraise => {
                    save!(1);
                    let e = r!(w.a());
                    self.note_reraise();
                    raise!(crate::native::Raised(e));
                }
                Op::EnterHandler => {
                    let saved = self.enter_handler(r!(w.b()));
                    set!(w.a(), saved);
                    next!(1);
                }
                Op::LeaveHandler => {
                    self.leave_handler(r!(w.a()));
                    next!(1);
                }
                Op::JumpIfNoMatch => {
                    if !op!(2, self.exception_matches(r!(w.a()), r!(w.b()))) {
                        jump!(2, word!(1).e0i());
                    }
                    next!(2);
                }
                Op::SplitGroup => {
                    let (matched, rest) = op!(1, self.split_group(r!(w.b()), r!(w.c())));
                    set!(w.a() as usize, matched);
                    set!(w.a() as usize + 1, rest);
                    next!(1);
                }
                Op::JoinGroups => {
                    let v = op!(1, self.join_groups(r!(w.b()), r!(w.c())));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::LoadAssertionError => {
                    set!(w.a(), self.class(B::AssertionError));
                    next!(1);
                }

                Op::MatchSequence => {
                    let b = self.is_match_sequence(r!(w.b()));
                    set!(w.a(), Value::bool(b));
                    next!(1);
                }
                Op::MatchMapping => {
                    let b = self.is_match_mapping(r!(w.b()));
                    set!(w.a(), Value::bool(b));
                    next!(1);
                }
                Op::MatchKeys => {
                    let v = op!(1, self.match_keys(r!(w.b()), r!(w.c())));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::MatchRest => {
                    let v = op!(1, self.match_rest(r!(w.b()), r!(w.c())));
                    set!(w.a(), v);
                    next!(1);
                }
                Op::MatchClass => {
                    let n = word!(1).e0() as usize;
                    let names = k!(word!(2).e0());
                    let v = op!(3, self.match_class(r!(w.b()), r!(w.c()), n, names));
                    set!(w.a(), v);
                    next!(3);
                }
                Op::GetLen => {
                    let n = op!(1, self.len(r!(w.b())));
                    set!(w.a(), Value::small(n as i64));
                    next!(1);
                }

                Op::Import => {
                    let (name, names) = (k!(word!(1).e0()), k!(word!(2).e0()));
                    let v = op!(3, self.import_name(name, w.b(), names, w.x() != 0));
                    set!(w.a(), v);
                    next!(3);
                }
                Op::ImportFrom => {
                    let v = op!(2, self.import_from(r!(w.b()), k!(word!(1).e0())));
                    set!(w.a(), v);
                    next!(2);
                }
                Op::ImportStar => {
                    op!(1, self.import_star(r!(w.a())));
                    next!(1);
                }
                Op::PrintExpr => {
                    op!(1, self.display(r!(w.a())));
                    next!(1);
                }
                Op::Intrinsic => {
                    let v = op!(1, self.intrinsic(w.x(), r!(w.b()), r!(w.c())));
                    set!(w.a(), v);
                    next!(1);
                }
            }
        }
    }

    /// Whether the running frame is a coroutine, or a generator marked as one.
    fn runs_coroutine(&self) -> bool {
        self.frames.last().is_some_and(|f| {
            self.heap.get::<Generator>(f.generator).is_some_and(|g| {
                g.flavor == Flavor::Coroutine
                    || self
                        .heap
                        .get::<Function>(g.func)
                        .is_some_and(|f| f.marked_coroutine)
            })
        })
    }

    /// Leaving a `for` or `async for` early: closes the generator that its
    /// header made (an async one: has the loop close it).
    fn close_iterator(&mut self, v: Value) -> PyResult<()> {
        let Some(g) = self.heap.get::<Generator>(v) else {
            return Ok(());
        };
        if !g.fresh || g.state != GenState::Suspended {
            return Ok(());
        }
        if g.flavor == Flavor::AsyncGenerator {
            return self.abandon_async_generator(v);
        }
        self.close_forgotten(v);
        Ok(())
    }

    /// Shows a value as the interactive prompt does: `sys.displayhook`.
    fn display(&mut self, v: Value) -> PyResult<()> {
        let sys = self.import_module("sys")?;
        let name = self.n(crate::vm::names::N::displayhook);
        match self.get_attr_opt(sys, name)? {
            Some(hook) => self.call(hook, &[v]).map(|_| ()),
            None => Err(self.runtime_error("lost sys.displayhook")),
        }
    }
}

fn floor_div(x: i64, y: i64) -> Option<Value> {
    if y == 0 {
        return None;
    }
    let q = x / y;
    Value::try_int(if x % y != 0 && (x < 0) != (y < 0) {
        q - 1
    } else {
        q
    })
}

fn floor_mod(x: i64, y: i64) -> Option<Value> {
    if y == 0 {
        return None;
    }
    let m = x % y;
    let is_other_sign = m != 0 && (m < 0) != (y < 0);
    Some(Value::small(
        if is_other_sign && !planted::is(Bug::ModuloSign) {
            m + y
        } else {
            m
        },
    ))
}

fn shift_left(x: i64, n: i64) -> Option<Value> {
    if !(0..62).contains(&n) {
        return None;
    }
    let shifted = x << n;
    if shifted >> n == x {
        Value::try_int(shifted)
    } else {
        None
    }
}

fn shift_right(x: i64, n: i64) -> Option<Value> {
    if n < 0 {
        return None;
    }
    Some(Value::small(x >> n.min(63)))
}
