//! asyncio. Futures, tasks, handles and the loop are the runtime's; here they
//! become the classes and functions of `_asyncio`. All else is written in the
//! language, in `py/asyncio`, on top of them.

mod event_loop;
pub mod functions;
mod future;
mod handle;
mod sleep;
mod task;

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
    let event_loop = new(
        vm,
        "_asyncio",
        "LoopCore",
        object,
        Kind::EventLoop,
        &event_loop::LOOP_CORE,
    );
    let future_iter = new(
        vm,
        "_asyncio",
        "FutureIter",
        object,
        Kind::Opaque,
        &future::FUTURE_ITER,
    );
    let module = vm.heap.intern("asyncio.tasks");
    let sleep = vm.native_coroutine(module, "sleep", &sleep::SLEEP, sleep::BODY);
    let key = vm.heap.intern("sleep");
    vm.heap.ns_set(dict, key, sleep);
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
