//! `_asyncio.Task`: the class as scripts see it.

use lockstep_runtime::native::{ClassDef, attribute, getter, method};
use lockstep_runtime::object::future::{Future, TaskSlot};
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
            Ok(Value::small(task(vm, args[0])?.cancel_requests.into()))
        }),
        method("uncancel(self, /)", uncancel),
        method("get_coro(self, /)", |vm, args| {
            slot(vm, args[0], TaskSlot::Coro)
        }),
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
        getter("_coro", |vm, this| slot(vm, this, TaskSlot::Coro)),
        getter("_fut_waiter", |vm, this| {
            slot(vm, this, TaskSlot::WaitingOn)
        }),
        getter("_must_cancel", |vm, this| {
            Ok(Value::bool(task(vm, this)?.must_cancel()))
        }),
        getter("_num_cancels_requested", |vm, this| {
            Ok(Value::small(task(vm, this)?.cancel_requests.into()))
        }),
        attribute(
            "_log_destroy_pending",
            |vm, this| Ok(Value::bool(task(vm, this)?.log_destroy_pending())),
            |vm, this, value| {
                if value.is_empty() {
                    return Err(vm.attribute_error("cannot delete attribute"));
                }
                let log = vm.truth(value)?;
                task(vm, this)?.set_log_destroy_pending(log);
                Ok(())
            },
        ),
    ],
    doc: "",
};

/// The task, once `__init__` has run.
fn task(vm: &mut Vm, this: Value) -> PyResult<&mut Future> {
    if !vm.heap.cell::<Future>(this).is_task() {
        return Err(vm.runtime_error("Task object is not initialized."));
    }
    Ok(vm.heap.cell_mut(this))
}

/// One of its values, once `__init__` has run.
fn slot(vm: &mut Vm, this: Value, slot: TaskSlot) -> PyResult {
    task(vm, this)?;
    Ok(vm.heap.task_slot(this, slot))
}

fn in_base_tasks(vm: &mut Vm, function: &str, args: &[Value]) -> PyResult {
    task(vm, args[0])?;
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
    task(vm, args[0])?;
    let message = args[1].given().unwrap_or(Value::NONE);
    vm.cancel_task(args[0], message).map(Value::bool)
}

/// `task.uncancel()`.
pub fn uncancel(vm: &mut Vm, args: &[Value]) -> PyResult {
    let task = task(vm, args[0])?;
    if task.cancel_requests > 0 {
        task.cancel_requests -= 1;
        if task.cancel_requests == 0 {
            task.set_must_cancel(false);
        }
    }
    Ok(Value::small(task.cancel_requests.into()))
}

fn get_name(vm: &mut Vm, args: &[Value]) -> PyResult {
    let name = slot(vm, args[0], TaskSlot::Name)?;
    if name.as_int().is_none() {
        return Ok(name);
    }
    let text = vm.task_name(args[0]);
    let name = vm.heap.str(text);
    vm.heap.set_task_slot(args[0], TaskSlot::Name, name);
    Ok(name)
}

fn set_name(vm: &mut Vm, args: &[Value]) -> PyResult {
    task(vm, args[0])?;
    let name = name_text(vm, args[1])?;
    vm.heap.set_task_slot(args[0], TaskSlot::Name, name);
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
    let task = vm.new_task(event_loop);
    let task = vm.root(task);
    super::handle::note_source(vm, task, event_loop)?;
    vm.start_task(task, coro, event_loop, name, context, false)?;
    Ok(task)
}
