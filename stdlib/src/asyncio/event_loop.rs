//! `_asyncio.LoopCore`: what of a loop is written in Rust. The classes of
//! `asyncio.base_events` inherit from it and add the rest in the language.

use lockstep_runtime::event_loop::EventLoop;
use lockstep_runtime::native::{ClassDef, getter, method, static_method};
use lockstep_runtime::protocol::number::BinaryOp;
use lockstep_runtime::{Kind, N, PyResult, Value, Vm};

use super::future::context_argument;
use super::task::new_task;

/// The methods and attributes of a loop that Rust provides.
pub static LOOP_CORE: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", |vm, args| {
            let shape = vm.root_shape(args[0]);
            let this = vm.heap.alloc(shape, EventLoop::default());
            vm.heap.add_event_loop(this);
            vm.note_overrides(this);
            Ok(this)
        }),
        method(
            "call_soon(self, callback, *args, context=None)",
            |vm, args| call_soon(vm, args, "call_soon"),
        ),
        method(
            "call_soon_threadsafe(self, callback, *args, context=None)",
            |vm, args| call_soon(vm, args, "call_soon_threadsafe"),
        ),
        method(
            "call_later(self, delay, callback, *args, context=None)",
            call_later,
        ),
        method(
            "call_at(self, when, callback, *args, context=None)",
            call_at,
        ),
        method("time(self)", |vm, _| {
            let now = vm.monotonic_s();
            Ok(vm.heap.float(now))
        }),
        method("create_future(self)", |vm, args| {
            let future = vm.new_future(args[0]);
            vm.root(future);
            super::handle::note_source(vm, future, args[0])?;
            Ok(future)
        }),
        method(
            "create_task(self, coro, *, name=None, context=None)",
            create_task,
        ),
        method("set_task_factory(self, factory)", set_task_factory),
        method("get_task_factory(self)", |vm, args| {
            Ok(vm.event_loop(args[0]).task_factory)
        }),
        method(
            "set_exception_handler(self, handler)",
            set_exception_handler,
        ),
        method("get_exception_handler(self)", |vm, args| {
            Ok(vm.event_loop(args[0]).exception_handler)
        }),
        method("is_running(self)", |vm, args| {
            Ok(Value::bool(vm.event_loop(args[0]).running))
        }),
        method("is_closed(self)", |vm, args| {
            Ok(Value::bool(vm.event_loop(args[0]).closed))
        }),
        method("stop(self)", |vm, args| {
            vm.event_loop(args[0]).stopping = true;
            Ok(Value::NONE)
        }),
        method("get_debug(self)", |vm, args| {
            Ok(Value::bool(vm.event_loop(args[0]).debug))
        }),
        method("set_debug(self, enabled)", |vm, args| {
            let debug = vm.truth(args[1])?;
            let event_loop = vm.event_loop(args[0]);
            event_loop.debug = debug;
            if event_loop.running {
                let name = vm.heap.intern("_set_coroutine_origin_tracking");
                let track = vm.get_attr(args[0], name)?;
                vm.root(track);
                let enabled = Value::bool(debug);
                vm.call_method(args[0], "call_soon_threadsafe", &[track, enabled])?;
            }
            Ok(Value::NONE)
        }),
        method(
            "_set_coroutine_origin_tracking(self, enabled)",
            |vm, args| {
                let enabled = vm.truth(args[1])?;
                track_origins(vm, args[0], enabled);
                Ok(Value::NONE)
            },
        ),
        method("_check_closed(self)", |vm, args| {
            vm.check_open(args[0])?;
            Ok(Value::NONE)
        }),
        method("_check_callback(self, callback, method)", |vm, args| {
            let method = vm
                .heap
                .as_str(args[2])
                .map_or(String::new(), |m| m.to_lossy());
            check_callback(vm, args[1], &method)?;
            Ok(Value::NONE)
        }),
        method("_check_running(self)", |vm, args| {
            check_running(vm, args[0])?;
            Ok(Value::NONE)
        }),
        method("_run_forever_setup(self)", setup),
        method("_run_forever_cleanup(self)", cleanup),
        method("_run_once(self)", |vm, args| {
            vm.holding(&[], |vm| vm.run_once(args[0]))?;
            Ok(Value::NONE)
        }),
        method("_run(self)", |vm, args| {
            vm.run_loop(args[0])?;
            Ok(Value::NONE)
        }),
        method("_set_main(self, future)", |vm, args| {
            vm.event_loop_storing(args[0], &args[1..2]).main = args[1];
            Ok(Value::NONE)
        }),
        method("_close(self)", |vm, args| {
            vm.close_loop(args[0])?;
            Ok(Value::NONE)
        }),
        method("_take_asyncgens(self)", |vm, args| {
            vm.event_loop(args[0]).async_generators_closed = true;
            let list = vm.take_async_generators(args[0]);
            Ok(vm.heap.list(list))
        }),
        method("_collect_failed(self)", |vm, args| {
            if vm.has_unretrieved(args[0]) {
                vm.collect();
                vm.run_finalizers()?;
            }
            Ok(Value::NONE)
        }),
        method("_push_ready(self, handle)", |vm, args| {
            vm.push_ready_handle(args[0], args[1]);
            Ok(Value::NONE)
        }),
        method("_swap_task(self, task)", |vm, args| {
            let event_loop = vm.event_loop(args[0]);
            Ok(std::mem::replace(&mut event_loop.current_task, args[1]))
        }),
        method("_forget_task(self, task)", |vm, args| {
            vm.forget_task(args[0], args[1]);
            Ok(Value::NONE)
        }),
        method("_asyncgen_firstiter_hook(self, agen)", |vm, args| {
            vm.async_generator_begins_on(args[0], args[1]);
            Ok(Value::NONE)
        }),
        method("_asyncgen_finalizer_hook(self, agen)", |vm, args| {
            vm.close_async_generator(args[0], args[1])?;
            Ok(Value::NONE)
        }),
    ],
    attributes: &[
        getter("_closed", |vm, this| {
            Ok(Value::bool(vm.event_loop(this).closed))
        }),
        getter("_stopping", |vm, this| {
            Ok(Value::bool(vm.event_loop(this).stopping))
        }),
        getter("_drives_itself", |vm, this| {
            let name = vm.heap.intern("_run_once");
            Ok(Value::bool(!vm.class_overrides(this, name)))
        }),
        getter("_has_own_timers", |vm, this| {
            Ok(Value::bool(vm.event_loop(this).overridden))
        }),
        getter("_ready", |vm, this| {
            let list = vm.ready_handles(this);
            Ok(vm.heap.list(list))
        }),
        getter("_scheduled", |vm, this| {
            let list = vm.timer_handles(this);
            Ok(vm.heap.list(list))
        }),
        getter("_debug", |vm, this| {
            Ok(Value::bool(vm.event_loop(this).debug))
        }),
        getter("_exception_handler", |vm, this| {
            Ok(vm.event_loop(this).exception_handler)
        }),
        getter("_task_factory", |vm, this| {
            Ok(vm.event_loop(this).task_factory)
        }),
    ],
    doc: "",
};

/// The extra arguments of a call, from the tuple of `*args`.
fn rest(vm: &Vm, args: Value) -> smallvec::SmallVec<[Value; 4]> {
    vm.heap.as_tuple(args).unwrap_or_default().into()
}

/// In debug mode a callback must be callable, and no coroutine.
fn check_callback_if_debug(
    vm: &mut Vm,
    event_loop: Value,
    callback: Value,
    method: &str,
) -> PyResult<()> {
    vm.check_open(event_loop)?;
    if vm.event_loop(event_loop).debug {
        check_callback(vm, callback, method)?;
    }
    Ok(())
}

fn check_callback(vm: &mut Vm, callback: Value, method: &str) -> PyResult<()> {
    if vm.is_coroutine(callback) || super::functions::is_coroutine_function(vm, callback)? {
        return Err(vm.type_error(format!("coroutines cannot be used with {method}()")));
    }
    if !is_callable(vm, callback) {
        let shown = vm.repr_string(callback)?;
        return Err(vm.type_error(format!(
            "a callable object was expected by {method}(), got {shown}"
        )));
    }
    Ok(())
}

fn call_soon(vm: &mut Vm, args: &[Value], name: &str) -> PyResult {
    let &[this, callback, context, more] = args else {
        unreachable!("the signature has four parameters")
    };
    check_callback_if_debug(vm, this, callback, name)?;
    let context = context_argument(vm, context)?;
    let more = rest(vm, more);
    let handle = vm.call_soon_here(this, callback, &more, context)?;
    vm.root(handle);
    super::handle::note_source(vm, handle, this)?;
    Ok(handle)
}

fn call_later(vm: &mut Vm, args: &[Value]) -> PyResult {
    let &[this, delay, callback, context, more] = args else {
        unreachable!("the signature has five parameters")
    };
    if delay.is_none() {
        return Err(vm.type_error("delay must not be None"));
    }
    if vm.event_loop(this).overridden {
        return call_later_in_full(vm, args);
    }
    let now = vm.monotonic_s();
    let when = deadline(vm, now, delay)?;
    let when = vm.root(when);
    check_callback_if_debug(vm, this, callback, "call_at")?;
    let context = context_argument(vm, context)?;
    let more = rest(vm, more);
    let handle = vm.call_at(this, when, callback, &more, context)?;
    vm.root(handle);
    super::handle::note_source(vm, handle, this)?;
    Ok(handle)
}

/// `call_later` of a loop whose `time` or `call_at` a script has replaced.
fn call_later_in_full(vm: &mut Vm, args: &[Value]) -> PyResult {
    let &[this, delay, callback, context, more] = args else {
        unreachable!("the signature has five parameters")
    };
    let now = vm.call_method(this, "time", &[])?;
    let now = vm.root(now);
    let when = vm.binary(BinaryOp::Add, now, delay, false)?;
    let when = vm.root(when);
    let name = vm.heap.intern("call_at");
    let call_at = vm.get_attr(this, name)?;
    let call_at = vm.root(call_at);
    let mut positional = vec![when, callback];
    positional.extend(rest(vm, more));
    let key = vm.heap.intern("context");
    let context = context.given().unwrap_or(Value::NONE);
    vm.call_kw(call_at, &positional, &[(key, context)])
}

/// `now + delay` as Python adds them.
pub fn deadline(vm: &mut Vm, now: f64, delay: Value) -> PyResult {
    if let Some(delay) = vm.heap.as_float(delay) {
        return Ok(vm.heap.float(now + delay));
    }
    if let Some(delay) = delay.as_int() {
        return Ok(vm.heap.float(now + delay as f64));
    }
    let now = vm.heap.float(now);
    vm.binary(BinaryOp::Add, now, delay, false)
}

fn call_at(vm: &mut Vm, args: &[Value]) -> PyResult {
    let &[this, when, callback, context, more] = args else {
        unreachable!("the signature has five parameters")
    };
    if when.is_none() {
        return Err(vm.type_error("when cannot be None"));
    }
    check_callback_if_debug(vm, this, callback, "call_at")?;
    let context = context_argument(vm, context)?;
    let more = rest(vm, more);
    let handle = vm.call_at(this, when, callback, &more, context)?;
    vm.root(handle);
    super::handle::note_source(vm, handle, this)?;
    Ok(handle)
}

/// `loop.create_task`: by the factory if there is one.
pub fn create_task(vm: &mut Vm, args: &[Value]) -> PyResult {
    let &[this, coro, name, context] = args else {
        unreachable!("the signature has four parameters")
    };
    let Some(factory) = vm.event_loop(this).task_factory.some() else {
        return new_task(vm, this, coro, name, context);
    };
    vm.check_open(this)?;
    let task = match context.some() {
        None => vm.call(factory, &[this, coro])?,
        Some(context) => {
            let key = vm.heap.intern("context");
            vm.call_kw(factory, &[this, coro], &[(key, context)])?
        }
    };
    let task = vm.root(task);
    vm.call_method(task, "set_name", &[name.given().unwrap_or(Value::NONE)])?;
    Ok(task)
}

fn set_task_factory(vm: &mut Vm, args: &[Value]) -> PyResult {
    if !args[1].is_none() && !is_callable(vm, args[1]) {
        return Err(vm.type_error("task factory must be a callable or None"));
    }
    vm.event_loop_storing(args[0], &args[1..2]).task_factory = args[1];
    Ok(Value::NONE)
}

fn set_exception_handler(vm: &mut Vm, args: &[Value]) -> PyResult {
    if !args[1].is_none() && !is_callable(vm, args[1]) {
        let shown = vm.repr_string(args[1])?;
        return Err(vm.type_error(format!(
            "A callable object or None is expected, got {shown}"
        )));
    }
    vm.event_loop_storing(args[0], &args[1..2])
        .exception_handler = args[1];
    Ok(Value::NONE)
}

fn check_running(vm: &mut Vm, this: Value) -> PyResult<()> {
    if vm.event_loop(this).running {
        return Err(vm.runtime_error("This event loop is already running"));
    }
    if !vm.tasks.running_loop.is_none() {
        return Err(vm.runtime_error("Cannot run the event loop while another loop is running"));
    }
    Ok(())
}

fn setup(vm: &mut Vm, args: &[Value]) -> PyResult {
    vm.check_open(args[0])?;
    check_running(vm, args[0])?;
    let hooks = [vm.asyncgen_firstiter, vm.asyncgen_finalizer];
    (vm.asyncgen_firstiter, vm.asyncgen_finalizer) = (Value::NONE, Value::NONE);
    let event_loop = vm.event_loop_storing(args[0], &hooks);
    event_loop.running = true;
    event_loop.hooks_outside = hooks;
    let debug = event_loop.debug;
    vm.tasks.running_loop = args[0];
    track_origins(vm, args[0], debug);
    Ok(Value::NONE)
}

/// How many frames coroutines note in debug mode.
const DEBUG_STACK_DEPTH: usize = 10;

/// Has coroutines note where they are made, or ends that.
fn track_origins(vm: &mut Vm, this: Value, enabled: bool) {
    let depth = vm.coroutine_origin_depth;
    let outside = &mut vm.event_loop(this).origin_depth_outside;
    vm.coroutine_origin_depth = match (*outside, enabled) {
        (None, true) => {
            *outside = Some(depth);
            DEBUG_STACK_DEPTH
        }
        (Some(before), false) => {
            *outside = None;
            before
        }
        _ => depth,
    };
}

fn cleanup(vm: &mut Vm, args: &[Value]) -> PyResult {
    let event_loop = vm.event_loop(args[0]);
    event_loop.stopping = false;
    event_loop.running = false;
    [vm.asyncgen_firstiter, vm.asyncgen_finalizer] =
        std::mem::replace(&mut event_loop.hooks_outside, [Value::NONE; 2]);
    vm.tasks.running_loop = Value::NONE;
    track_origins(vm, args[0], false);
    Ok(Value::NONE)
}

fn is_callable(vm: &mut Vm, v: Value) -> bool {
    matches!(
        vm.heap.kind(v),
        Some(Kind::Function | Kind::Method | Kind::Native | Kind::Class)
    ) || vm.special(v, N::call).is_some()
}

/// Whether a value is a loop of ours.
pub fn is_loop(vm: &Vm, v: Value) -> bool {
    vm.heap.kind(v) == Some(Kind::EventLoop)
}
