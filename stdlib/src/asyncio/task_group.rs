//! `asyncio.TaskGroup`: tasks that live and die together. The block ends when
//! all of them have; the first error cancels the rest and the block.

use lockstep_runtime::native::{
    AtOnce, ClassDef, CoroutineBody, Step, StepFrame, attribute, coroutine, getter, method,
    static_method,
};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::object::set::Set;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::{B, Input, Kind, Marker, PyResult, Raised, Value, Vm};

use smallvec::SmallVec;

use super::plain;
use crate::builtins::isinstance::issubclass;

/// The group. Invariant: a task is in `few` or in `tasks` until its done
/// callback has run.
struct TaskGroup {
    entered: bool,
    exiting: bool,
    /// Its tasks were cancelled.
    aborting: bool,
    /// An error cancelled the task of the block: `__aexit__` takes that back.
    parent_cancel_requested: bool,
    /// None before it is entered.
    event_loop: Value,
    /// The task of the block; None before it is entered.
    parent_task: Value,
    /// The tasks that are not done, in the order in which they were made, while
    /// they are few and plain. Invariant: empty where `tasks` is given.
    few: SmallVec<[Value; 4]>,
    /// Them as a set, once it is needed; unbound before.
    tasks: Value,
    /// The exceptions of tasks, a list; unbound before the first, None once
    /// they are raised.
    errors: Value,
    /// The first SystemExit or KeyboardInterrupt.
    base_error: Value,
    /// What `__aexit__` waits for; None when it doesn't.
    on_completed: Value,
    /// `_on_task_done` bound to the group; unbound before the first task.
    on_task_done: Value,
}

impl Native for TaskGroup {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[
            self.event_loop,
            self.parent_task,
            self.tasks,
            self.errors,
            self.base_error,
            self.on_completed,
            self.on_task_done,
        ]);
        marker.mark_all(&self.few);
    }
    fn external_bytes(&self) -> usize {
        match self.few.spilled() {
            true => self.few.capacity() * size_of::<Value>(),
            false => 0,
        }
    }
}

/// How many tasks are looked for one by one.
const FEW_MAX: usize = 16;

/// The class of one VM, and the method that its tasks call.
struct Classes {
    task_group: Value,
    on_task_done: Value,
}

impl Default for Classes {
    fn default() -> Classes {
        Classes {
            task_group: Value::NONE,
            on_task_done: Value::NONE,
        }
    }
}

impl Native for Classes {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.task_group, self.on_task_done]);
    }
}

/// Notes the class, which was just made.
pub fn note_class(vm: &mut Vm, task_group: Value) {
    let on_task_done = plain::method_of(vm, task_group, "_on_task_done");
    *vm.ext::<Classes>() = Classes {
        task_group,
        on_task_done,
    };
}

macro_rules! flag {
    ($name:literal, $field:ident) => {
        attribute(
            $name,
            |vm, this| Ok(Value::bool(group(vm, this).$field)),
            |vm, this, value| {
                let on = vm.truth(value.given().unwrap_or(Value::FALSE))?;
                group(vm, this).$field = on;
                Ok(())
            },
        )
    };
}

macro_rules! slot {
    ($name:literal, $field:ident) => {
        attribute(
            $name,
            |vm, this| Ok(group(vm, this).$field),
            |vm, this, value| {
                group(vm, this).$field = value.given().unwrap_or(Value::NONE);
                Ok(())
            },
        )
    };
}

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", |vm, args| {
            let shape = vm.root_shape(args[0]);
            Ok(vm.heap.opaque(shape, new()))
        }),
        method("__init__(self)", |vm, args| {
            *group(vm, args[0]) = new();
            Ok(Value::NONE)
        }),
        method("__repr__(self, /)", repr),
        method(
            "create_task(self, coro, *, name=None, context=None)",
            |vm, args| create_task(vm, args[0], args[1], args[2], args[3]),
        )
        .quick(|vm, args| match args {
            &[this, coro] => create_task(vm, this, coro, Value::NONE, Value::NONE).map(Some),
            _ => Ok(None),
        }),
        method("_is_base_error(self, exc)", |vm, args| {
            Ok(Value::bool(is_exit(vm, args[1])))
        }),
        method("_abort(self)", |vm, args| {
            abort(vm, args[0])?;
            Ok(Value::NONE)
        }),
        method("_on_task_done(self, task)", |vm, args| {
            on_task_done(vm, args[0], args[1])?;
            Ok(Value::NONE)
        }),
        coroutine("__aenter__(self)", ENTER),
        coroutine("__aexit__(self, et, exc, tb)", EXIT),
    ],
    attributes: &[
        flag!("_entered", entered),
        flag!("_exiting", exiting),
        flag!("_aborting", aborting),
        flag!("_parent_cancel_requested", parent_cancel_requested),
        slot!("_loop", event_loop),
        slot!("_parent_task", parent_task),
        slot!("_base_error", base_error),
        slot!("_on_completed_fut", on_completed),
        getter("_tasks", tasks),
        attribute(
            "_errors",
            |vm, this| Ok(errors(vm, this)),
            |vm, this, value| {
                group(vm, this).errors = value.given().unwrap_or(Value::NONE);
                Ok(())
            },
        ),
    ],
    doc: "An async context manager that waits for the tasks made in it; an error in one cancels the rest.",
};

const ENTER: CoroutineBody = CoroutineBody {
    n_registers: 0,
    step: |vm, frame, _| {
        let this = frame.get(vm, 0);
        enter(vm, this).map(Step::Return)
    },
    at_once: Some(|vm, args| enter(vm, args[0]).map(AtOnce::Done)),
};

const EXIT: CoroutineBody = CoroutineBody {
    n_registers: 2,
    step: exit_step,
    at_once: Some(|vm, args| {
        let this = args[0];
        if !args[1].is_none()
            || vm.heap.native::<TaskGroup>(this).is_none()
            || n_tasks(vm, this) > 0
        {
            return Ok(AtOnce::Suspends);
        }
        group(vm, this).exiting = true;
        end(vm, this, Value::NONE, Value::NONE, Value::NONE)?;
        Ok(AtOnce::Done(Value::NONE))
    }),
};

fn new() -> TaskGroup {
    TaskGroup {
        entered: false,
        exiting: false,
        aborting: false,
        parent_cancel_requested: false,
        event_loop: Value::NONE,
        parent_task: Value::NONE,
        few: SmallVec::new(),
        tasks: Value::EMPTY,
        errors: Value::EMPTY,
        base_error: Value::NONE,
        on_completed: Value::NONE,
        on_task_done: Value::EMPTY,
    }
}

fn group(vm: &mut Vm, this: Value) -> &mut TaskGroup {
    match vm.heap.native_mut::<TaskGroup>(this) {
        Some(group) => group,
        None => unreachable!("a method is called with an instance of its class"),
    }
}

/// Checks the receiver of a coroutine, which the call has not done.
fn check(vm: &mut Vm, this: Value, method: &str) -> PyResult<()> {
    if vm.heap.native::<TaskGroup>(this).is_some() {
        return Ok(());
    }
    let found = vm.type_name(this);
    Err(vm.type_error(format!(
        "descriptor '{method}' doesn't apply to a '{found}' object"
    )))
}

/// Whether no script's method stands in for one of this file.
fn is_plain(vm: &mut Vm, this: Value) -> bool {
    vm.heap.class_of(this) == vm.ext::<Classes>().task_group && !vm.heap.has_attrs(this)
}

/// The set of tasks: from now on they are kept in it.
fn tasks(vm: &mut Vm, this: Value) -> PyResult {
    if let Some(tasks) = group(vm, this).tasks.given() {
        return Ok(tasks);
    }
    let tasks = vm.heap.set();
    let few = std::mem::take(&mut group(vm, this).few);
    group(vm, this).tasks = tasks;
    for task in few {
        vm.set_add(tasks, task)?;
    }
    Ok(tasks)
}

fn n_tasks(vm: &mut Vm, this: Value) -> usize {
    let group = group(vm, this);
    match group.tasks.given() {
        Some(tasks) => vm.set_len(tasks),
        None => group.few.len(),
    }
}

fn add_task(vm: &mut Vm, this: Value, task: Value) -> PyResult<()> {
    let is_plain = plain::is_plain(vm, task);
    let group = group(vm, this);
    if group.tasks.is_empty() && is_plain && group.few.len() < FEW_MAX {
        // A factory may give the same one again.
        if !group.few.contains(&task) {
            group.few.push(task);
        }
        return Ok(());
    }
    let tasks = tasks(vm, this)?;
    vm.set_add(tasks, task)?;
    Ok(())
}

fn discard_task(vm: &mut Vm, this: Value, task: Value) -> PyResult<()> {
    let group = group(vm, this);
    if let Some(tasks) = group.tasks.given() {
        vm.set_discard(tasks, task)?;
    } else if let Some(at) = group.few.iter().position(|&other| other == task) {
        group.few.remove(at);
    }
    Ok(())
}

/// The list of exceptions; None once they were raised.
fn errors(vm: &mut Vm, this: Value) -> Value {
    if let Some(errors) = group(vm, this).errors.given() {
        return errors;
    }
    let errors = vm.heap.list(Vec::new());
    group(vm, this).errors = errors;
    errors
}

fn has_errors(vm: &mut Vm, this: Value) -> PyResult<bool> {
    match group(vm, this).errors.given() {
        Some(errors) => vm.truth(errors),
        None => Ok(false),
    }
}

fn add_error(vm: &mut Vm, this: Value, exception: Value) -> PyResult<()> {
    let errors = errors(vm, this);
    if vm.heap.kind(errors) == Some(Kind::List) {
        vm.heap.list_push(errors, exception);
    } else {
        vm.call_method(errors, "append", &[exception])?;
    }
    Ok(())
}

fn is_exit(vm: &Vm, exception: Value) -> bool {
    vm.is_instance_of(exception, B::SystemExit)
        || vm.is_instance_of(exception, B::KeyboardInterrupt)
}

/// Notes the first exception that is to leave the loop.
fn note_base_error(vm: &mut Vm, this: Value, exception: Value) -> PyResult<()> {
    let is_base_error = if is_plain(vm, this) {
        is_exit(vm, exception)
    } else {
        let answer = vm.call_method(this, "_is_base_error", &[exception])?;
        vm.truth(answer)?
    };
    let group = group(vm, this);
    if is_base_error && group.base_error.is_none() {
        group.base_error = exception;
    }
    Ok(())
}

fn misuse(vm: &mut Vm, this: Value, what: &str) -> Raised {
    match vm.repr_string(this) {
        Ok(shown) => vm.runtime_error(format!("TaskGroup {shown} {what}")),
        Err(raised) => raised,
    }
}

fn enter(vm: &mut Vm, this: Value) -> PyResult {
    check(vm, this, "__aenter__")?;
    if group(vm, this).entered {
        return Err(misuse(vm, this, "has already been entered"));
    }
    let event_loop = match group(vm, this).event_loop.some() {
        Some(event_loop) => event_loop,
        None => vm.running_loop()?,
    };
    group(vm, this).event_loop = event_loop;
    let parent_task = super::functions::current_task(vm, &[event_loop])?;
    group(vm, this).parent_task = parent_task;
    if parent_task.is_none() {
        return Err(misuse(vm, this, "cannot determine the parent task"));
    }
    group(vm, this).entered = true;
    Ok(this)
}

fn create_task(vm: &mut Vm, this: Value, coro: Value, name: Value, context: Value) -> PyResult {
    let g = group(vm, this);
    let (entered, exiting, aborting, event_loop) = (g.entered, g.exiting, g.aborting, g.event_loop);
    let refused = if !entered {
        Some("has not been entered")
    } else if exiting && n_tasks(vm, this) == 0 {
        Some("is finished")
    } else if aborting {
        Some("is shutting down")
    } else {
        None
    };
    if let Some(refused) = refused {
        vm.call_method(coro, "close", &[])?;
        return Err(misuse(vm, this, refused));
    }
    let task = new_task(vm, event_loop, coro, name, context)?;
    let task = vm.root(task);
    if plain::is_done(vm, task)? {
        if is_plain(vm, this) {
            on_task_done(vm, this, task)?;
        } else {
            vm.call_method(this, "_on_task_done", &[task])?;
        }
        return Ok(task);
    }
    add_task(vm, this, task)?;
    let callback = match group(vm, this).on_task_done.given() {
        Some(callback) => callback,
        None => bound_callback(vm, this)?,
    };
    plain::add_done_callback(vm, task, callback)?;
    Ok(task)
}

/// `_on_task_done` bound to the group, which keeps it if it is this file's.
fn bound_callback(vm: &mut Vm, this: Value) -> PyResult {
    if !is_plain(vm, this) {
        let name = vm.heap.intern("_on_task_done");
        let callback = vm.get_attr(this, name)?;
        return Ok(vm.root(callback));
    }
    let method = vm.ext::<Classes>().on_task_done;
    let callback = plain::bound(vm, method, this);
    group(vm, this).on_task_done = callback;
    Ok(callback)
}

/// `loop.create_task`, called only where it may be a script's or a factory is asked.
fn new_task(vm: &mut Vm, event_loop: Value, coro: Value, name: Value, context: Value) -> PyResult {
    let name = name.given().unwrap_or(Value::NONE);
    if context.some().is_none()
        && let Some(task) = super::functions::plain_task(vm, coro, event_loop, name)?
    {
        return Ok(task);
    }
    let key = vm.heap.intern("create_task");
    let create_task = vm.get_attr(event_loop, key)?;
    let create_task = vm.root(create_task);
    let mut keywords = vec![(vm.heap.intern("name"), name)];
    if let Some(context) = context.some() {
        keywords.push((vm.heap.intern("context"), context));
    }
    vm.call_kw(create_task, &[coro], &keywords)
}

/// Cancels the tasks in the order in which they were made.
fn abort(vm: &mut Vm, this: Value) -> PyResult<()> {
    group(vm, this).aborting = true;
    let tasks: Vec<Value> = match group(vm, this).tasks.given() {
        Some(tasks) => {
            let table = &vm.heap.cell::<Set>(tasks).table;
            table.iter().map(|(_, task)| task).collect()
        }
        None => group(vm, this).few.to_vec(),
    };
    vm.holding(&tasks, |vm| {
        for &task in &tasks {
            if !plain::is_done(vm, task)? {
                plain::cancel(vm, task)?;
            }
        }
        Ok(())
    })
}

/// `_abort` as the instance has it.
fn abort_by_method(vm: &mut Vm, this: Value) -> PyResult<()> {
    if is_plain(vm, this) {
        return abort(vm, this);
    }
    vm.call_method(this, "_abort", &[])?;
    Ok(())
}

fn on_task_done(vm: &mut Vm, this: Value, task: Value) -> PyResult<()> {
    discard_task(vm, this, task)?;
    if let Some(on_completed) = group(vm, this).on_completed.some()
        && n_tasks(vm, this) == 0
    {
        plain::finish(vm, on_completed, Value::TRUE)?;
    }
    let Some(error) = plain::failure(vm, task)? else {
        return Ok(());
    };
    vm.root(error);
    add_error(vm, this, error)?;
    note_base_error(vm, this, error)?;
    let parent_task = group(vm, this).parent_task;
    if plain::is_done(vm, parent_task)? {
        return tell_of_late_error(vm, this, task, error);
    }
    let g = group(vm, this);
    if !g.aborting && !g.parent_cancel_requested {
        // The parent may be waiting for anything in its block. Its request is
        // taken back in `__aexit__`.
        abort_by_method(vm, this)?;
        group(vm, this).parent_cancel_requested = true;
        plain::cancel(vm, parent_task)?;
    }
    Ok(())
}

/// An error of a task whose group nobody is in any more goes to the loop's
/// exception handler.
#[cold]
fn tell_of_late_error(vm: &mut Vm, this: Value, task: Value, error: Value) -> PyResult<()> {
    let g = group(vm, this);
    let (event_loop, parent_task) = (g.event_loop, g.parent_task);
    let message = format!(
        "Task {} has errored out but its parent task {} is already completed",
        vm.repr_string(task)?,
        vm.str_string(parent_task)?
    );
    let context = vm.heap.dict();
    let context = vm.root(context);
    let message = vm.heap.str(message);
    for (name, value) in [("message", message), ("exception", error), ("task", task)] {
        let name = vm.heap.intern(name);
        vm.heap.ns_set(context, name, value);
    }
    vm.call_method(event_loop, "call_exception_handler", &[context])?;
    Ok(())
}

/// The exception to raise once all tasks are done; None for none. Unbound
/// before the first wait.
const CANCELLATION: usize = 5;

/// Registers: 0 the group, 1 to 3 what has left the block, 4 what was awaited.
fn exit_step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let [this, class, exception] = [0, 1, 2].map(|at| frame.get(vm, at));
    let mut cancellation = frame.get(vm, CANCELLATION);
    if cancellation.is_empty() {
        check(vm, this, "__aexit__")?;
        cancellation = begin_exit(vm, this, class, exception)?;
        frame.set(vm, CANCELLATION, cancellation);
    } else {
        if let Input::Throw(e) = input {
            if !vm.is_instance_of(e, B::CancelledError) {
                return Err(Raised(e));
            }
            if !group(vm, this).aborting {
                cancellation = e;
                frame.set(vm, CANCELLATION, e);
                abort_by_method(vm, this)?;
            }
        }
        group(vm, this).on_completed = Value::NONE;
    }
    if n_tasks(vm, this) > 0 {
        let on_completed = match group(vm, this).on_completed.some() {
            Some(future) => future,
            None => {
                let event_loop = group(vm, this).event_loop;
                let future = plain::create_future(vm, event_loop)?;
                group(vm, this).on_completed = future;
                future
            }
        };
        return Ok(Step::Await(on_completed));
    }
    end(vm, this, class, exception, cancellation)?;
    Ok(Step::Return(Value::NONE))
}

/// What of `__aexit__` comes before the wait. Gives the cancellation that left
/// the block, or None.
fn begin_exit(vm: &mut Vm, this: Value, class: Value, exception: Value) -> PyResult {
    group(vm, this).exiting = true;
    if !exception.is_none() {
        note_base_error(vm, this, exception)?;
    }
    if class.is_none() {
        return Ok(Value::NONE);
    }
    let cancelled_error = vm.class(B::CancelledError);
    let is_cancellation = issubclass(vm, class, cancelled_error)?;
    if !group(vm, this).aborting {
        abort_by_method(vm, this)?;
    }
    Ok(if is_cancellation {
        exception
    } else {
        Value::NONE
    })
}

/// What of `__aexit__` comes when all tasks are done.
///
/// # Errors
/// What the block or the tasks have raised.
fn end(
    vm: &mut Vm,
    this: Value,
    class: Value,
    exception: Value,
    mut cancellation: Value,
) -> PyResult<()> {
    let g = group(vm, this);
    let (parent_task, requested) = (g.parent_task, g.parent_cancel_requested);
    if let Some(base_error) = g.base_error.some() {
        return Err(vm.raise_given(base_error));
    }
    if requested {
        // The request was our own. What remains came from elsewhere.
        let left = plain::uncancel(vm, parent_task)?;
        if vm.compare_bool(CompareOp::Eq, left, Value::small(0))? {
            cancellation = Value::NONE;
        }
    }
    if !cancellation.is_none() && !has_errors(vm, this)? {
        return Err(vm.raise_given(cancellation));
    }
    if !class.is_none() {
        let cancelled_error = vm.class(B::CancelledError);
        if !issubclass(vm, class, cancelled_error)? {
            add_error(vm, this, exception)?;
        }
    }
    if !has_errors(vm, this)? {
        return Ok(());
    }
    let cancelling = plain::cancelling(vm, parent_task)?;
    if vm.truth(cancelling)? {
        // The group goes up now, the cancellation at the next await.
        plain::uncancel(vm, parent_task)?;
        plain::cancel(vm, parent_task)?;
    }
    let errors = errors(vm, this);
    let errors = vm.root(errors);
    let message = vm.heap.str("unhandled errors in a TaskGroup");
    let class = vm.class(B::BaseExceptionGroup);
    let group_of_errors = vm.call(class, &[message, errors]);
    group(vm, this).errors = Value::NONE;
    Err(vm.raise_from(group_of_errors?, Value::NONE))
}

fn repr(vm: &mut Vm, args: &[Value]) -> PyResult {
    let this = args[0];
    let mut info = String::new();
    match n_tasks(vm, this) {
        0 => {}
        n => info += &format!(" tasks={n}"),
    }
    if has_errors(vm, this)? {
        let errors = errors(vm, this);
        info += &format!(" errors={}", vm.len(errors)?);
    }
    let group = group(vm, this);
    if group.aborting {
        info += " cancelling";
    } else if group.entered {
        info += " entered";
    }
    Ok(vm.heap.str(format!("<TaskGroup{info}>")))
}
