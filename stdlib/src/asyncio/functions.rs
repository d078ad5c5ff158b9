//! The functions of `_asyncio`: the running loop, its tasks, and what the
//! modules written in the language need of the runtime.

use lockstep_runtime::native::function;
use lockstep_runtime::object::function::{CodeObject, Function, Method};
use lockstep_runtime::object::generator::{Flavor, Generator};
use lockstep_runtime::{Kind, NativeDef, PyResult, Value, Vm};

/// One row per function.
pub static FUNCTIONS: &[NativeDef] = &[
    function("get_running_loop()", |vm, _| vm.running_loop()),
    function("_get_running_loop()", |vm, _| Ok(vm.tasks.running_loop)),
    function("_set_running_loop(loop, /)", |vm, args| {
        vm.tasks.running_loop = args[0];
        Ok(Value::NONE)
    }),
    function("get_event_loop()", get_event_loop),
    function("current_task(loop=None)", current_task),
    function("_task_or_none()", |vm, _| {
        let running = vm.tasks.running_loop;
        if !super::event_loop::is_loop(vm, running) {
            return Ok(Value::NONE);
        }
        Ok(vm.event_loop(running).current_task)
    }),
    function("_pending_tasks(loop, /)", |vm, args| {
        let tasks = vm.pending_tasks(args[0]);
        Ok(vm.heap.list(tasks))
    }),
    function("create_task(coro, *, name=None, context=None)", create_task).quick(|vm, args| {
        match args {
            &[coro] => plain_task(vm, coro, vm.tasks.running_loop, Value::NONE),
            _ => Ok(None),
        }
    }),
    function("isfuture(obj)", |vm, args| {
        is_future(vm, args[0]).map(Value::bool)
    }),
    function("iscoroutine(obj)", |vm, args| {
        Ok(Value::bool(vm.is_coroutine(args[0])))
    }),
    function("_is_coroutine_function(func, /)", |vm, args| {
        is_coroutine_function(vm, args[0]).map(Value::bool)
    }),
    function("_isawaitable(obj, /)", |vm, args| {
        Ok(Value::bool(vm.is_awaitable(args[0])))
    }),
    function("_plain_task(coro, loop, name, /)", |vm, args| {
        let task = plain_task(vm, args[0], args[1], args[2])?;
        Ok(task.unwrap_or(Value::NONE))
    }),
    function(
        "_gather(awaitables, return_exceptions, outer_class, /)",
        super::gather::gather,
    ),
    function("_get_loop(future, /)", |vm, args| vm.loop_of(args[0])),
    function("_set_foreign_current(tasks, /)", |vm, args| {
        if vm.heap.kind(args[0]) != Some(Kind::Dict) {
            return Err(vm.type_error("a dict is required"));
        }
        vm.tasks.foreign_current = args[0];
        Ok(Value::NONE)
    }),
    function("_is_loop(loop, /)", |vm, args| {
        Ok(Value::bool(super::event_loop::is_loop(vm, args[0])))
    }),
    function("_code_place(func, /)", code_place),
    function("_suspended_line(coro, /)", suspended_line),
    function("_catch_interrupts(task, /)", |vm, args| {
        vm.catch_interrupts(args[0]);
        Ok(Value::NONE)
    }),
    function("_interrupt_count()", |vm, _| {
        Ok(Value::small(vm.tasks.interrupts.count.into()))
    }),
    function(
        "_set_hooks(future_repr, task_repr, handle_repr, handle_repr_info, callback_source, default_loop, invalid_state, /)",
        set_hooks,
    ),
    function("_write_error(text, exception, /)", write_error),
];

/// `asyncio.get_event_loop`: the running loop, else the policy's.
pub fn get_event_loop(vm: &mut Vm, _: &[Value]) -> PyResult {
    if !vm.tasks.running_loop.is_none() {
        return Ok(vm.tasks.running_loop);
    }
    let hook = vm.tasks.hooks.default_loop;
    if hook.is_none() {
        return vm.running_loop();
    }
    vm.call(hook, &[])
}

/// `asyncio.current_task`.
pub fn current_task(vm: &mut Vm, args: &[Value]) -> PyResult {
    let event_loop = match args[0].some() {
        Some(event_loop) => event_loop,
        None => vm.running_loop()?,
    };
    if !super::event_loop::is_loop(vm, event_loop) {
        let current = vm.tasks.foreign_current;
        let found = if current.is_none() {
            None
        } else {
            vm.dict_get(current, event_loop)?
        };
        return Ok(found.unwrap_or(Value::NONE));
    }
    Ok(vm.event_loop(event_loop).current_task)
}

/// `asyncio.create_task`: `create_task` of the running loop.
fn create_task(vm: &mut Vm, args: &[Value]) -> PyResult {
    let &[coro, name, context] = args else {
        unreachable!("the signature has three parameters")
    };
    let event_loop = vm.running_loop()?;
    if super::event_loop::is_loop(vm, event_loop) && !vm.has_own_create_task(event_loop) {
        return super::event_loop::create_task(vm, &[event_loop, coro, name, context]);
    }
    let key = vm.heap.intern("create_task");
    let method = vm.get_attr(event_loop, key)?;
    let method = vm.root(method);
    let mut keywords = vec![(vm.heap.intern("name"), name.given().unwrap_or(Value::NONE))];
    if let Some(context) = context.some() {
        keywords.push((vm.heap.intern("context"), context));
    }
    vm.call_kw(method, &[coro], &keywords)
}

/// Whether it is a future or says that it is like one.
pub fn is_future(vm: &mut Vm, v: Value) -> PyResult<bool> {
    if vm.heap.kind(v) == Some(Kind::Future) {
        return Ok(true);
    }
    let name = vm.heap.intern("_asyncio_future_blocking");
    let class = vm.heap.class_of(v);
    if vm.lookup_class(class, name).is_none() {
        // An object may say that it is of another class.
        let class_name = vm.heap.intern("__class__");
        let said = vm.get_attr(v, class_name)?;
        if said == class || vm.heap.kind(said) != Some(Kind::Class) {
            return Ok(false);
        }
        if vm.lookup_class(said, name).is_none() {
            return Ok(false);
        }
    }
    Ok(!vm.get_attr(v, name)?.is_none())
}

/// Whether calling it gives a coroutine.
pub fn is_coroutine_function(vm: &mut Vm, v: Value) -> PyResult<bool> {
    let mut func = v;
    while let Some(method) = vm.heap.get::<Method>(func) {
        func = method.func;
    }
    let Some(f) = vm.heap.get::<Function>(func) else {
        return Ok(false);
    };
    Ok(vm.heap.cell::<CodeObject>(f.code).code.flags.coroutine)
}

/// Whether a loop is in debug mode. One that a script has written is asked.
///
/// # Errors
/// What its `get_debug` raises.
pub fn is_debug(vm: &mut Vm, event_loop: Value) -> PyResult<bool> {
    if super::event_loop::is_loop(vm, event_loop) {
        return Ok(vm.event_loop(event_loop).debug);
    }
    if event_loop.is_none() || event_loop.is_empty() {
        return Ok(false);
    }
    let debug = vm.call_method(event_loop, "get_debug", &[])?;
    vm.truth(debug)
}

/// A task for a coroutine on a loop (None: the one that runs), made without
/// calls; None where `create_task`, a factory or an awaitable of the script's
/// has to be asked.
pub fn plain_task(
    vm: &mut Vm,
    coro: Value,
    event_loop: Value,
    name: Value,
) -> PyResult<Option<Value>> {
    let event_loop = event_loop.some().unwrap_or(vm.tasks.running_loop);
    let is_coroutine = vm
        .heap
        .get::<Generator>(coro)
        .is_some_and(|g| g.flavor == Flavor::Coroutine);
    if !is_coroutine
        || !super::event_loop::is_loop(vm, event_loop)
        || !vm.event_loop(event_loop).task_factory.is_none()
        || vm.event_loop(event_loop).closed
        || vm.has_own_create_task(event_loop)
    {
        return Ok(None);
    }
    super::task::new_task(vm, event_loop, coro, name, Value::NONE).map(Some)
}

/// File and first line of a script's function; None for anything else.
fn code_place(vm: &mut Vm, args: &[Value]) -> PyResult {
    let Some(f) = vm.heap.get::<Function>(args[0]) else {
        return Ok(Value::NONE);
    };
    let code = &vm.heap.cell::<CodeObject>(f.code).code;
    let (file, line) = (code.source.name().to_string(), code.first_line);
    let file = vm.heap.str(file);
    Ok(vm.heap.tuple(&[file, Value::small(line.into())]))
}

/// File and line where a coroutine stands, and whether it has ended; None for
/// what is no coroutine of ours.
fn suspended_line(vm: &mut Vm, args: &[Value]) -> PyResult {
    use lockstep_runtime::object::generator::{GenState, Generator};
    let Some(g) = vm.heap.get::<Generator>(args[0]) else {
        return Ok(Value::NONE);
    };
    let state = g.state;
    let code = &vm.heap.cell::<CodeObject>(g.code).code;
    let first_line = code.first_line;
    let file = code.source.name().to_string();
    let line = match state {
        GenState::Closed | GenState::Created => first_line,
        GenState::Suspended | GenState::Running => {
            vm.line_where(args[0]).map_or(first_line, |at| at.line)
        }
    };
    let file = vm.heap.str(file);
    Ok(vm.heap.tuple(&[
        file,
        Value::small(line.into()),
        Value::bool(state == GenState::Closed),
    ]))
}

fn set_hooks(vm: &mut Vm, args: &[Value]) -> PyResult {
    let &[
        future_repr,
        task_repr,
        handle_repr,
        handle_repr_info,
        callback_source,
        default_loop,
        invalid_state,
    ] = args
    else {
        unreachable!("the signature has seven parameters")
    };
    vm.tasks.hooks = lockstep_runtime::task::Hooks {
        future_repr,
        task_repr,
        handle_repr,
        handle_repr_info,
        callback_source,
        default_loop,
    };
    vm.invalid_state_error = invalid_state;
    Ok(Value::NONE)
}

/// Writes a message and an exception's traceback to standard error.
fn write_error(vm: &mut Vm, args: &[Value]) -> PyResult {
    let mut text = vm
        .heap
        .as_str(args[0])
        .map_or(String::new(), |t| t.to_lossy());
    text.push('\n');
    if vm.heap.is_exception(args[1]) {
        text += &vm.format_exception(args[1]);
    }
    // There is nowhere left to say that standard error is closed.
    let _ = vm.host.flush_stdout();
    let _ = vm.host.write_stderr(text.as_bytes());
    Ok(Value::NONE)
}

/// `cls[item]`.
pub fn generic_alias(vm: &mut Vm, class: Value, item: Value) -> PyResult {
    let types = vm.import_module("types")?;
    vm.root(types);
    vm.call_method(types, "GenericAlias", &[class, item])
}
