//! `_asyncio.Future`: the class as scripts see it. What finishing and
//! cancelling do is in the runtime's `task`.

use lockstep_runtime::native::{ClassDef, attribute, class_method, getter, method, static_method};
use lockstep_runtime::object::context::Context;
use lockstep_runtime::object::future::{Callback, Future, State};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{B, Kind, Marker, PyResult, Raised, Value, Vm};

/// The methods and attributes of Future; Task inherits them.
pub static FUTURE: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new),
        method("__init__(self, /, *args, loop=None)", init),
        method("__repr__(self, /)", repr),
        method("__await__(self, /)", iter),
        method("__iter__(self, /)", iter),
        method("result(self, /)", result),
        method("exception(self, /)", exception),
        method("set_result(self, result, /)", set_result),
        method("set_exception(self, exception, /)", set_exception),
        method("done(self, /)", done),
        method("cancelled(self, /)", cancelled),
        method("cancel(self, /, msg=None)", cancel),
        method(
            "add_done_callback(self, fn, /, *, context=None)",
            add_done_callback,
        ),
        method("remove_done_callback(self, fn, /)", remove_done_callback),
        method("get_loop(self, /)", get_loop),
        method("_make_cancelled_error(self, /)", make_cancelled_error),
        class_method("__class_getitem__(cls, item, /)", class_getitem),
    ],
    attributes: &[
        getter("_state", |vm, this| {
            let text = match future(vm, this).state {
                State::Pending => "PENDING",
                State::Cancelled => "CANCELLED",
                State::Finished | State::Failed => "FINISHED",
            };
            Ok(vm.heap.intern(text))
        }),
        getter("_result", |vm, this| {
            let f = future(vm, this);
            Ok(if f.state == State::Finished {
                f.value
            } else {
                Value::NONE
            })
        }),
        getter("_exception", |vm, this| {
            let f = future(vm, this);
            Ok(if f.state == State::Failed {
                f.value
            } else {
                Value::NONE
            })
        }),
        getter("_loop", |vm, this| {
            Ok(future(vm, this).event_loop.given().unwrap_or(Value::NONE))
        }),
        getter("_callbacks", callbacks),
        attribute(
            "_cancel_message",
            |vm, this| Ok(future(vm, this).cancel_message),
            |vm, this, value| {
                let message = value.given().unwrap_or(Value::NONE);
                vm.heap.cell_mut::<Future>(this).cancel_message = message;
                Ok(())
            },
        ),
        getter("_source_traceback", super::handle::source_traceback),
        attribute(
            "_asyncio_future_blocking",
            |vm, this| Ok(Value::bool(future(vm, this).blocking)),
            |vm, this, value| {
                if value.is_empty() {
                    return Err(vm.attribute_error("cannot delete attribute"));
                }
                let blocking = vm.truth(value)?;
                vm.heap.cell_mut::<Future>(this).blocking = blocking;
                Ok(())
            },
        ),
        attribute(
            "_log_traceback",
            |vm, this| Ok(Value::bool(future(vm, this).log_traceback)),
            |vm, this, value| {
                if value.is_empty() {
                    return Err(vm.attribute_error("cannot delete attribute"));
                }
                if vm.truth(value)? {
                    return Err(vm.value_error("_log_traceback can only be set to False"));
                }
                vm.heap.cell_mut::<Future>(this).log_traceback = false;
                Ok(())
            },
        ),
    ],
    doc: "",
};

fn future(vm: &Vm, this: Value) -> &Future {
    vm.heap.cell(this)
}

/// The loop, once `__init__` has run.
fn loop_of(vm: &mut Vm, this: Value) -> PyResult {
    match future(vm, this).event_loop.given() {
        Some(event_loop) => Ok(event_loop),
        None => Err(vm.runtime_error("Future object is not initialized.")),
    }
}

fn new(vm: &mut Vm, args: &[Value]) -> PyResult {
    let class = args[0];
    let shape = vm.root_shape(class);
    let future = Future::new(Value::EMPTY);
    Ok(if vm.is_subclass(class, vm.tasks.classes.task) {
        vm.heap.task(shape, future)
    } else {
        vm.heap.alloc(shape, future)
    })
}

fn init(vm: &mut Vm, args: &[Value]) -> PyResult {
    let (this, event_loop, positional) = (args[0], args[1], args[2]);
    if vm.heap.as_tuple(positional).is_some_and(|p| !p.is_empty()) {
        let name = vm.type_name(this);
        return Err(vm.type_error(format!("{name}() takes no positional arguments")));
    }
    let event_loop = match event_loop.some() {
        Some(event_loop) => event_loop,
        None => super::functions::get_event_loop(vm, &[])?,
    };
    *vm.heap.cell_mut::<Future>(this) = Future::new(event_loop);
    super::handle::note_source(vm, this, event_loop)?;
    Ok(Value::NONE)
}

fn repr(vm: &mut Vm, args: &[Value]) -> PyResult {
    let hooks = vm.tasks.hooks;
    let hook = if future(vm, args[0]).is_task() {
        hooks.task_repr
    } else {
        hooks.future_repr
    };
    vm.call(hook, &[args[0]])
}

fn result(vm: &mut Vm, args: &[Value]) -> PyResult {
    vm.future_result(args[0])
}

fn exception(vm: &mut Vm, args: &[Value]) -> PyResult {
    match future(vm, args[0]).state {
        State::Pending => Err(vm.invalid_state("Exception is not set.")),
        State::Cancelled => Err(vm.cancelled_error_of(args[0])),
        State::Finished | State::Failed => Ok(vm.future_error(args[0]).unwrap_or(Value::NONE)),
    }
}

fn check_pending(vm: &mut Vm, this: Value) -> PyResult<()> {
    loop_of(vm, this)?;
    if future(vm, this).is_done() {
        return Err(vm.invalid_state("invalid state"));
    }
    Ok(())
}

fn set_result(vm: &mut Vm, args: &[Value]) -> PyResult {
    check_pending(vm, args[0])?;
    vm.finish_future(args[0], args[1])?;
    Ok(Value::NONE)
}

fn set_exception(vm: &mut Vm, args: &[Value]) -> PyResult {
    check_pending(vm, args[0])?;
    let exception = vm.exception_for_future(args[1])?;
    vm.fail_future(args[0], exception)?;
    Ok(Value::NONE)
}

fn done(vm: &mut Vm, args: &[Value]) -> PyResult {
    Ok(Value::bool(future(vm, args[0]).is_done()))
}

fn cancelled(vm: &mut Vm, args: &[Value]) -> PyResult {
    Ok(Value::bool(future(vm, args[0]).state == State::Cancelled))
}

fn cancel(vm: &mut Vm, args: &[Value]) -> PyResult {
    loop_of(vm, args[0])?;
    let message = args[1].given().unwrap_or(Value::NONE);
    vm.cancel_plain_future(args[0], message).map(Value::bool)
}

/// The context that a `context=` argument names: itself, or a copy of the current one.
pub fn context_argument(vm: &mut Vm, given: Value) -> PyResult {
    match given.some() {
        None => Ok(vm.capture_context()),
        Some(context) if vm.heap.native::<Context>(context).is_some() => Ok(context),
        Some(other) => {
            let name = vm.type_name(other);
            Err(vm.attribute_error(format!("'{name}' object has no attribute 'run'")))
        }
    }
}

fn add_done_callback(vm: &mut Vm, args: &[Value]) -> PyResult {
    loop_of(vm, args[0])?;
    let context = context_argument(vm, args[2])?;
    vm.add_callback(
        args[0],
        Callback {
            target: args[1],
            context,
        },
    )?;
    Ok(Value::NONE)
}

fn remove_done_callback(vm: &mut Vm, args: &[Value]) -> PyResult {
    let (this, wanted) = (args[0], args[1]);
    loop_of(vm, this)?;
    let mut kept = smallvec::SmallVec::<[Callback; 1]>::new();
    let all = future(vm, this).callbacks.clone();
    for &callback in &all {
        let shown = shown_callback(vm, callback);
        let shown = vm.root(shown);
        if !vm.eq(shown, wanted)? {
            kept.push(callback);
        }
    }
    let removed = all.len() - kept.len();
    if removed > 0 {
        vm.heap.cell_mut::<Future>(this).callbacks = kept;
    }
    Ok(Value::small(removed as i64))
}

/// A callback as a callable.
fn shown_callback(vm: &mut Vm, callback: Callback) -> Value {
    if callback.context.is_empty() {
        vm.task_wakeup_method(callback.target)
    } else {
        callback.target
    }
}

fn callbacks(vm: &mut Vm, this: Value) -> PyResult {
    let all = future(vm, this).callbacks.clone();
    if all.is_empty() {
        return Ok(Value::NONE);
    }
    let mut items = Vec::with_capacity(all.len());
    for callback in all {
        let shown = shown_callback(vm, callback);
        let context = match callback.context.given() {
            Some(context) => vm.context_object(context),
            None => vm.context_of(callback.target),
        };
        items.push(vm.heap.tuple(&[shown, context]));
    }
    Ok(vm.heap.list(items))
}

fn get_loop(vm: &mut Vm, args: &[Value]) -> PyResult {
    loop_of(vm, args[0])
}

fn make_cancelled_error(vm: &mut Vm, args: &[Value]) -> PyResult {
    let Raised(exception) = vm.cancelled_error_of(args[0]);
    Ok(exception)
}

fn class_getitem(vm: &mut Vm, args: &[Value]) -> PyResult {
    super::functions::generic_alias(vm, args[0], args[1])
}

// ---- iteration -------------------------------------------------------------------

/// What `Future.__await__` gives to those who drive it by hand: `await` and
/// `yield from` in a coroutine need none.
struct FutureIter {
    /// None once it has given its result.
    future: Value,
}

impl Native for FutureIter {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.future);
    }
}

/// The methods of a future's iterator.
pub static FUTURE_ITER: ClassDef = ClassDef {
    methods: &[
        method("__iter__(self, /)", |_, args| Ok(args[0])),
        method("__next__(self, /)", iter_next),
        method("send(self, value, /)", iter_next),
        method("throw(self, type, val=None, tb=None, /)", iter_throw),
        method("close(self, /)", |vm, args| {
            if let Some(iter) = vm.heap.native_mut::<FutureIter>(args[0]) {
                iter.future = Value::NONE;
            }
            Ok(Value::NONE)
        }),
    ],
    attributes: &[],
    doc: "",
};

fn iter(vm: &mut Vm, args: &[Value]) -> PyResult {
    loop_of(vm, args[0])?;
    let shape = vm.root_shape(vm.tasks.classes.future_iter);
    Ok(vm.heap.opaque(shape, FutureIter { future: args[0] }))
}

fn iter_next(vm: &mut Vm, args: &[Value]) -> PyResult {
    let waited = vm
        .heap
        .native::<FutureIter>(args[0])
        .map_or(Value::NONE, |iter| iter.future);
    let Some(f) = vm.heap.get_mut::<Future>(waited) else {
        return Err(vm.stop_iteration(Value::NONE));
    };
    if !f.is_done() {
        if f.blocking {
            return Err(vm.runtime_error("await wasn't used with future"));
        }
        f.blocking = true;
        return Ok(waited);
    }
    if let Some(iter) = vm.heap.native_mut::<FutureIter>(args[0]) {
        iter.future = Value::NONE;
    }
    let value = vm.future_result(waited)?;
    Err(vm.stop_iteration(value))
}

fn iter_throw(vm: &mut Vm, args: &[Value]) -> PyResult {
    let (given, value) = (args[1], args[2].some());
    if args[3]
        .some()
        .is_some_and(|tb| !vm.heap.is_exact(tb, B::Traceback))
    {
        return Err(vm.type_error("throw() third argument must be a traceback"));
    }
    if vm.heap.is_exception(given) && value.is_some() {
        return Err(vm.type_error("instance exception may not have a separate value"));
    }
    if !args[2].is_empty() || !args[3].is_empty() {
        let warnings = vm.import_module("warnings")?;
        vm.root(warnings);
        let message = vm.heap.str(
            "the (type, exc, tb) signature of throw() is deprecated, \
             use the single-arg signature instead.",
        );
        let category = vm.class(B::DeprecationWarning);
        vm.call_method(warnings, "warn", &[message, category])?;
    }
    let exception = if vm.heap.kind(given) == Some(Kind::Class) {
        match value {
            Some(value) if vm.heap.is_exception(value) => value,
            Some(value) => vm.call(given, &[value])?,
            None => vm.call(given, &[])?,
        }
    } else {
        given
    };
    if !vm.heap.is_exception(exception) {
        return Err(vm.raise(
            B::TypeError,
            "exceptions must be classes deriving BaseException or instances of such a class",
        ));
    }
    if let Some(iter) = vm.heap.native_mut::<FutureIter>(args[0]) {
        iter.future = Value::NONE;
    }
    Err(Raised(exception))
}
