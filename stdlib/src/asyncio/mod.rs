//! asyncio. Futures, tasks, handles and the loop are the runtime's; here they
//! become the classes and functions of `_asyncio`. Time limits, task groups and
//! what waits for several things are written here too, all else in the
//! language, in `py/asyncio`, on top of them.

mod as_completed;
mod event_loop;
pub mod functions;
mod future;
mod gather;
mod handle;
mod plain;
mod sleep;
mod task;
mod task_group;
mod timeout;
mod wait;
mod wait_for;

use lockstep_runtime::object::class::Class;
use lockstep_runtime::{B, Kind, PyResult, Value, Vm};

use crate::{NativeModule, PyModule};

/// `_asyncio`: what is written in Rust.
pub static NATIVE: NativeModule = NativeModule {
    name: "_asyncio",
    functions: functions::FUNCTIONS,
    init,
};

/// The package and its modules.
pub static MODULES: &[PyModule] = &[
    py!("asyncio", "asyncio/__init__.async", package),
    py!("asyncio.base_events", "asyncio/base_events.async"),
    py!("asyncio.base_futures", "asyncio/base_futures.async"),
    py!("asyncio.base_tasks", "asyncio/base_tasks.async"),
    py!("asyncio.constants", "asyncio/constants.async"),
    py!("asyncio.coroutines", "asyncio/coroutines.async"),
    py!("asyncio.events", "asyncio/events.async"),
    py!("asyncio.exceptions", "asyncio/exceptions.async"),
    py!("asyncio.format_helpers", "asyncio/format_helpers.async"),
    py!("asyncio.futures", "asyncio/futures.async"),
    py!("asyncio.log", "asyncio/log.async"),
    py!("asyncio.locks", "asyncio/locks.async"),
    py!("asyncio.mixins", "asyncio/mixins.async"),
    py!("asyncio.protocols", "asyncio/protocols.async"),
    py!("asyncio.queues", "asyncio/queues.async"),
    py!("asyncio.runners", "asyncio/runners.async"),
    py!("asyncio.selector_events", "asyncio/selector_events.async"),
    py!("asyncio.staggered", "asyncio/staggered.async"),
    py!("asyncio.streams", "asyncio/streams.async"),
    py!("asyncio.subprocess", "asyncio/subprocess.async"),
    py!("asyncio.taskgroups", "asyncio/taskgroups.async"),
    py!("asyncio.tasks", "asyncio/tasks.async"),
    py!("asyncio.threads", "asyncio/threads.async"),
    py!("asyncio.timeouts", "asyncio/timeouts.async"),
    py!("asyncio.transports", "asyncio/transports.async"),
    py!("asyncio.unix_events", "asyncio/unix_events.async"),
    py!("sync", "sync.async"),
];

fn init(vm: &mut Vm, dict: Value) -> PyResult<()> {
    crate::contextvars::make_classes(vm);
    let object = vm.class(B::Object);
    let new = |vm: &mut Vm, module, name, base, kind, def| {
        let class = vm.new_native_class(module, name, base, kind, def);
        let key = vm.heap.intern(name);
        vm.heap.ns_set(dict, key, class);
        class
    };
    let future = new(
        vm,
        "_asyncio",
        "Future",
        object,
        Kind::Future,
        &future::FUTURE,
    );
    let task = new(vm, "_asyncio", "Task", future, Kind::Future, &task::TASK);
    let handle = new(
        vm,
        "asyncio.events",
        "Handle",
        object,
        Kind::Handle,
        &handle::HANDLE,
    );
    let timer_handle = new(
        vm,
        "asyncio.events",
        "TimerHandle",
        handle,
        Kind::Handle,
        &handle::TIMER_HANDLE,
    );
    // Its methods go by the name that they have in CPython, whose loop is one class.
    let event_loop = vm.new_native_class(
        "asyncio.base_events",
        "BaseEventLoop",
        object,
        Kind::EventLoop,
        &event_loop::LOOP_CORE,
    );
    let key = vm.heap.intern("LoopCore");
    vm.heap.ns_set(dict, key, event_loop);
    let future_iter = new(
        vm,
        "_asyncio",
        "FutureIter",
        object,
        Kind::Opaque,
        &future::FUTURE_ITER,
    );
    let timeout = new(
        vm,
        "asyncio.timeouts",
        "Timeout",
        object,
        Kind::Opaque,
        &timeout::CLASS,
    );
    timeout::note_class(vm, timeout);
    let task_group = new(
        vm,
        "asyncio.taskgroups",
        "TaskGroup",
        object,
        Kind::Opaque,
        &task_group::CLASS,
    );
    task_group::note_class(vm, task_group);
    let waiting = new(
        vm,
        "asyncio.tasks",
        wait::CLASS_NAME,
        object,
        Kind::Opaque,
        &wait::CLASS,
    );
    wait::note_class(vm, waiting);
    let gathering = new(
        vm,
        "asyncio.tasks",
        gather::CLASS_NAME,
        object,
        Kind::Opaque,
        &gather::CLASS,
    );
    gather::note_class(vm, gathering);
    let as_completed = new(
        vm,
        "asyncio.tasks",
        "_AsCompletedIterator",
        object,
        Kind::Opaque,
        &as_completed::CLASS,
    );
    as_completed::note_class(vm, as_completed);
    let module = vm.heap.intern("asyncio.timeouts");
    for def in [&timeout::TIMEOUT, &timeout::TIMEOUT_AT] {
        let function = vm.native_function(def, module);
        let key = vm.heap.intern(def.name);
        vm.heap.ns_set(dict, key, function);
    }
    let module = vm.heap.intern("asyncio.tasks");
    for (def, body) in [
        (&sleep::SLEEP, sleep::BODY),
        (&wait::WAIT, wait::BODY),
        (&wait_for::WAIT_FOR, wait_for::BODY),
    ] {
        let function = vm.native_coroutine(module, def.name, def, body);
        let key = vm.heap.intern(def.name);
        vm.heap.ns_set(dict, key, function);
    }
    // CPython has these in the language, and so they are called.
    for (name, module) in [
        ("create_task", "asyncio.tasks"),
        ("iscoroutine", "asyncio.coroutines"),
        ("isfuture", "asyncio.base_futures"),
    ] {
        let module = vm.heap.intern(module);
        for def in functions::FUNCTIONS.iter().filter(|def| def.name == name) {
            let function = vm.native_function(def, module);
            let key = vm.heap.intern(name);
            vm.heap.ns_set(dict, key, function);
        }
    }
    for class in [future, task, future_iter] {
        vm.heap.cell_mut::<Class>(class).named_with_module = true;
    }
    let cancelled = vm.class(B::CancelledError);
    let key = vm.heap.intern("CancelledError");
    vm.heap.ns_set(dict, key, cancelled);
    let classes = &mut vm.tasks.classes;
    classes.future = future;
    classes.task = task;
    classes.handle = handle;
    classes.timer_handle = timer_handle;
    classes.event_loop = event_loop;
    classes.future_iter = future_iter;
    Ok(())
}

/// Runs a coroutine as `asyncio.run` does: the body of a script with top-level await.
///
/// # Errors
/// What it raises.
pub fn run_main(vm: &mut Vm, coroutine: Value) -> PyResult {
    vm.root(coroutine);
    let asyncio = vm.import_module("asyncio")?;
    vm.root(asyncio);
    vm.call_method(asyncio, "run", &[coroutine])
}
