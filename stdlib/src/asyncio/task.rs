//! `_asyncio.Task`: the class as scripts see it.

use lockstep_runtime::native::{ClassDef, attribute, getter, method};
use lockstep_runtime::object::future::{Future, TaskPart};
use lockstep_runtime::{PyResult, Raised, Value, Vm};

/// What Task has besides what it inherits from Future.
pub static TASK: ClassDef = ClassDef {
    methods: &[
        method(
            "__init__(self, /, coro, *, loop=None, name=None, context=None, eager_start=False)",
            init,
        ),
        method("cancel(self, /, msg=None)", cancel),
        method("cancelling(self, /)", |vm, args| {
            Ok(Value::small(part(vm, args[0])?.cancel_requests.into()))
        }),
        method("uncancel(self, /)", uncancel),
        method("get_coro(self, /)", |vm, args| Ok(part(vm, args[0])?.coro)),
        method(
            "get_context(self, /)",
            |vm, args| Ok(vm.context_of(args[0])),
        ),
        method("get_name(self, /)", get_name),
        method("set_name(self, value, /)", set_name),
        method("set_result(self, result, /)", |vm, _| {
            Err(vm.runtime_error("Task does not support set_result operation"))
        }),
        method("set_exception(self, exception, /)", |vm, _| {
            Err(vm.runtime_error("Task does not support set_exception operation"))
        }),
        method("get_stack(self, /, *, limit=None)", |vm, args| {
            let limit = args[1].given().unwrap_or(Value::NONE);
            in_base_tasks(vm, "_task_get_stack", &[args[0], limit])
        }),
        method(
            "print_stack(self, /, *, limit=None, file=None)",
            |vm, args| {
                let (limit, file) = (args[1].given(), args[2].given());
                let [limit, file] = [limit, file].map(|v| v.unwrap_or(Value::NONE));
                in_base_tasks(vm, "_task_print_stack", &[args[0], limit, file])
            },
        ),
        lockstep_runtime::task::STEP,
        lockstep_runtime::task::WAKEUP,
    ],
    attributes: &[
        getter("_coro", |vm, this| Ok(part(vm, this)?.coro)),
        getter("_fut_waiter", |vm, this| Ok(part(vm, this)?.waiting_on)),
        getter("_must_cancel", |vm, this| {
            Ok(Value::bool(part(vm, this)?.must_cancel))
        }),
        getter("_num_cancels_requested", |vm, this| {
            Ok(Value::small(part(vm, this)?.cancel_requests.into()))
        }),
        attribute(
            "_log_destroy_pending",
            |vm, this| Ok(Value::bool(part(vm, this)?.log_destroy_pending)),
            |vm, this, value| {
                if value.is_empty() {
                    return Err(vm.attribute_error("cannot delete attribute"));
                }
                let log = vm.truth(value)?;
                part(vm, this)?.log_destroy_pending = log;
                Ok(())
            },
        ),
    ],
    doc: "",
};

/// The task's part of the cell, once `__init__` has run.
fn part(vm: &mut Vm, this: Value) -> PyResult<&mut TaskPart> {
    if vm.heap.cell::<Future>(this).task.is_none() {
        return Err(vm.runtime_error("Task object is not initialized."));
    }
    match vm.heap.cell_mut::<Future>(this).task.as_deref_mut() {
        Some(part) => Ok(part),
        None => unreachable!("checked above"),
    }
}

fn in_base_tasks(vm: &mut Vm, function: &str, args: &[Value]) -> PyResult {
    part(vm, args[0])?;
    let module = vm.import_module("asyncio.base_tasks")?;
    vm.root(module);
    vm.call_method(module, function, args)
}

fn init(vm: &mut Vm, args: &[Value]) -> PyResult {
    let &[this, coro, event_loop, name, context, eager] = args else {
        unreachable!("the signature has six parameters")
    };
    let event_loop = match event_loop.some() {
        Some(event_loop) => event_loop,
        None => super::functions::get_event_loop(vm, &[])?,
    };
    *vm.heap.cell_mut::<Future>(this) = Future::new(event_loop);
    super::handle::note_source(vm, this, event_loop)?;
    let name = match name.some() {
        Some(name) => name_text(vm, name)?,
        None => Value::NONE,
    };
    vm.root(name);
    let context = super::future::context_argument(vm, context)?;
    let eager = !eager.is_empty() && vm.truth(eager)?;
    vm.start_task(this, coro, event_loop, name, context, eager)?;
    Ok(Value::NONE)
}

/// A task's name as a str, whatever a script gave.
pub fn name_text(vm: &mut Vm, name: Value) -> PyResult {
    if vm.heap.is_exact(name, lockstep_runtime::B::Str) {
        return Ok(name);
    }
    let class = vm.class(lockstep_runtime::B::Str);
    vm.call(class, &[name])
}

fn cancel(vm: &mut Vm, args: &[Value]) -> PyResult {
    part(vm, args[0])?;
    let message = args[1].given().unwrap_or(Value::NONE);
    vm.cancel_task(args[0], message).map(Value::bool)
}

fn uncancel(vm: &mut Vm, args: &[Value]) -> PyResult {
    let part = part(vm, args[0])?;
    if part.cancel_requests > 0 {
        part.cancel_requests -= 1;
        if part.cancel_requests == 0 {
            part.must_cancel = false;
        }
    }
    Ok(Value::small(part.cancel_requests.into()))
}

fn get_name(vm: &mut Vm, args: &[Value]) -> PyResult {
    let name = part(vm, args[0])?.name;
    if name.as_int().is_none() {
        return Ok(name);
    }
    let text = vm.task_name(args[0]);
    let name = vm.heap.str(text);
    part(vm, args[0])?.name = name;
    Ok(name)
}

fn set_name(vm: &mut Vm, args: &[Value]) -> PyResult {
    part(vm, args[0])?;
    let name = name_text(vm, args[1])?;
    part(vm, args[0])?.name = name;
    Ok(Value::NONE)
}

/// A new task of a loop, its factory left aside.
pub fn new_task(
    vm: &mut Vm,
    event_loop: Value,
    coro: Value,
    name: Value,
    context: Value,
) -> Result<Value, Raised> {
    vm.check_open(event_loop)?;
    let name = match name.some() {
        Some(name) => name_text(vm, name)?,
        None => Value::NONE,
    };
    vm.root(name);
    let context = super::future::context_argument(vm, context)?;
    let shape = vm.root_shape(vm.tasks.classes.task);
    let task = vm.heap.alloc(shape, Future::new(event_loop));
    let task = vm.root(task);
    super::handle::note_source(vm, task, event_loop)?;
    vm.start_task(task, coro, event_loop, name, context, false)?;
    Ok(task)
}
