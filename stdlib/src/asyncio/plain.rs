//! What the library asks of tasks, futures, handles and loops: in place where
//! they are of the classes themselves, by their methods where a script's class,
//! attribute or loop may have an answer of its own.

use lockstep_runtime::object::function::Native;
use lockstep_runtime::object::future::{Callback, Future, State};
use lockstep_runtime::object::handle::Handle;
use lockstep_runtime::{B, PyResult, Value, Vm};

/// Whether a future's or task's methods are those of the class itself.
pub fn is_plain(vm: &Vm, future: Value) -> bool {
    let class = vm.heap.class_of(future);
    let classes = &vm.tasks.classes;
    (class == classes.task || class == classes.future) && !vm.heap.has_attrs(future)
}

/// Whether a loop's timers, futures and clock are the runtime's, and nothing is noted for debugging.
pub fn is_plain_loop(vm: &mut Vm, event_loop: Value) -> bool {
    super::event_loop::is_loop(vm, event_loop) && {
        let l = vm.event_loop(event_loop);
        !l.overridden && !l.debug
    }
}

/// The state of a plain future; None where its methods have to be asked.
pub fn state(vm: &Vm, future: Value) -> Option<State> {
    is_plain(vm, future).then(|| vm.heap.cell::<Future>(future).state)
}

/// `future.done()`.
///
/// # Errors
/// What a script's method raises; so do those of all below.
pub fn is_done(vm: &mut Vm, future: Value) -> PyResult<bool> {
    if let Some(state) = state(vm, future) {
        return Ok(state != State::Pending);
    }
    let done = vm.call_method(future, "done", &[])?;
    vm.truth(done)
}

/// The exception that a done future failed with; None where it gave a result or was cancelled.
///
/// # Errors
/// InvalidStateError when it is pending.
pub fn failure(vm: &mut Vm, future: Value) -> PyResult<Option<Value>> {
    match state(vm, future) {
        Some(State::Cancelled) => return Ok(None),
        Some(State::Finished | State::Failed) => return Ok(vm.future_error(future)),
        Some(State::Pending) | None => {}
    }
    let cancelled = vm.call_method(future, "cancelled", &[])?;
    if vm.truth(cancelled)? {
        return Ok(None);
    }
    Ok(vm.call_method(future, "exception", &[])?.some())
}

/// `future.cancel()`.
///
/// # Errors
/// As `is_done`.
pub fn cancel(vm: &mut Vm, future: Value) -> PyResult<()> {
    if is_plain(vm, future) {
        vm.cancel_future(future, Value::NONE)?;
    } else {
        vm.call_method(future, "cancel", &[])?;
    }
    Ok(())
}

/// `task.cancelling()`.
///
/// # Errors
/// As `is_done`.
pub fn cancelling(vm: &mut Vm, task: Value) -> PyResult {
    if is_plain(vm, task) {
        let n = vm.heap.cell::<Future>(task).cancel_requests;
        return Ok(Value::small(n.into()));
    }
    vm.call_method(task, "cancelling", &[])
}

/// `task.uncancel()`.
///
/// # Errors
/// As `is_done`.
pub fn uncancel(vm: &mut Vm, task: Value) -> PyResult {
    if is_plain(vm, task) {
        return super::task::uncancel(vm, &[task]);
    }
    vm.call_method(task, "uncancel", &[])
}

/// `future.set_result(value)` unless it is done.
///
/// # Errors
/// As `is_done`.
pub fn finish(vm: &mut Vm, future: Value, value: Value) -> PyResult<()> {
    match state(vm, future) {
        Some(State::Pending) => vm.finish_future(future, value),
        Some(_) => Ok(()),
        None => {
            if !is_done(vm, future)? {
                vm.call_method(future, "set_result", &[value])?;
            }
            Ok(())
        }
    }
}

/// `future.add_done_callback(callback)`.
///
/// # Errors
/// As `is_done`.
pub fn add_done_callback(vm: &mut Vm, future: Value, callback: Value) -> PyResult<()> {
    if is_plain(vm, future) {
        let context = vm.capture_context();
        let target = callback;
        return vm.add_callback(future, Callback { target, context });
    }
    vm.call_method(future, "add_done_callback", &[callback])?;
    Ok(())
}

/// `future.remove_done_callback(callback)` of a callback that `add_done_callback` above was given.
///
/// # Errors
/// As `is_done`.
pub fn remove_done_callback(vm: &mut Vm, future: Value, callback: Value) -> PyResult<()> {
    if is_plain(vm, future) {
        let f = vm.heap.cell_mut::<Future>(future);
        f.callbacks.retain(|c| c.target != callback);
        return Ok(());
    }
    vm.call_method(future, "remove_done_callback", &[callback])?;
    Ok(())
}

/// `ensure_future(awaitable, loop=event_loop)`; the loop may be None.
///
/// # Errors
/// TypeError when it can't be awaited; ValueError when it belongs to another loop.
pub fn ensure_future(vm: &mut Vm, awaitable: Value, event_loop: Value) -> PyResult {
    if is_plain(vm, awaitable) && (event_loop.is_none() || vm.loop_of(awaitable)? == event_loop) {
        return Ok(awaitable);
    }
    if let Some(task) = super::functions::plain_task(vm, awaitable, event_loop, Value::NONE)? {
        return Ok(task);
    }
    let module = vm.import_module("asyncio.tasks")?;
    let name = vm.heap.intern("ensure_future");
    let ensure_future = vm.get_attr(module, name)?;
    vm.root(ensure_future);
    let key = vm.heap.intern("loop");
    vm.call_kw(ensure_future, &[awaitable], &[(key, event_loop)])
}

/// `loop.create_future()`.
///
/// # Errors
/// What a script's loop raises.
pub fn create_future(vm: &mut Vm, event_loop: Value) -> PyResult {
    if is_plain_loop(vm, event_loop) {
        return Ok(vm.new_future(event_loop));
    }
    vm.call_method(event_loop, "create_future", &[])
}

/// `handle.cancel()`.
///
/// # Errors
/// What a script's handle raises.
pub fn cancel_handle(vm: &mut Vm, handle: Value) -> PyResult<()> {
    let class = vm.heap.class_of(handle);
    let classes = &vm.tasks.classes;
    if (class == classes.timer_handle || class == classes.handle) && !vm.heap.has_attrs(handle) {
        let event_loop = vm.heap.cell::<Handle>(handle).event_loop;
        if is_plain_loop(vm, event_loop) {
            vm.cancel_handle(handle);
            return Ok(());
        }
    }
    vm.call_method(handle, "cancel", &[])?;
    Ok(())
}

/// A method of a native class, found by its name once, bound to an instance.
pub fn bound(vm: &mut Vm, method: Value, this: Value) -> Value {
    let Native {
        def, owner, module, ..
    } = *vm.heap.cell::<Native>(method);
    vm.heap.alloc(
        B::NativeFunction.shape(),
        Native {
            def,
            owner,
            this,
            module,
        },
    )
}

/// A method of a native class, to be bound by `bound`.
pub fn method_of(vm: &mut Vm, class: Value, name: &str) -> Value {
    let name = vm.heap.intern(name);
    match vm.lookup_class(class, name) {
        Some(method) => method,
        None => unreachable!("the class's table has a row of this name"),
    }
}
