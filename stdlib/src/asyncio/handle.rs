//! `asyncio.Handle` and `TimerHandle`: the classes as scripts see them.

use lockstep_runtime::native::{ClassDef, getter, method, static_method};
use lockstep_runtime::object::handle::Handle;
use lockstep_runtime::{B, PyResult, Value, Vm};

/// What both kinds of handle have.
pub static HANDLE: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, callback, args, loop, context=None, /)", new),
        method("__init__(self, /, *args, **kwargs)", |_, _| Ok(Value::NONE)),
        method("__repr__(self, /)", |vm, args| {
            vm.call(vm.tasks.hooks.handle_repr, &[args[0]])
        }),
        method("_repr_info(self, /)", |vm, args| {
            vm.call(vm.tasks.hooks.handle_repr_info, &[args[0]])
        }),
        method("cancel(self, /)", |vm, args| {
            if !handle(vm, args[0]).cancelled && in_debug_mode(vm, args[0])? {
                vm.heap.cell_mut::<Handle>(args[0]).cancelled = true;
                let shown = vm.repr(args[0]);
                vm.heap.cell_mut::<Handle>(args[0]).cancelled = false;
                let shown = shown?;
                vm.root(shown);
                let dict = vm.attribute_dict(args[0]);
                let name = vm.heap.intern("_repr");
                vm.heap.ns_set(dict, name, shown);
            }
            vm.cancel_handle(args[0]);
            Ok(Value::NONE)
        }),
        method("cancelled(self, /)", |vm, args| {
            Ok(Value::bool(handle(vm, args[0]).cancelled))
        }),
        method(
            "get_context(self, /)",
            |vm, args| Ok(vm.context_of(args[0])),
        ),
        method("_run(self, /)", |vm, args| {
            vm.run_handle(args[0])?;
            Ok(Value::NONE)
        }),
    ],
    attributes: &[
        getter("_callback", |vm, this| Ok(handle(vm, this).callback)),
        getter("_args", |vm, this| Ok(vm.heap.handle_args(this))),
        getter("_cancelled", |vm, this| {
            Ok(Value::bool(handle(vm, this).cancelled))
        }),
        getter("_loop", |vm, this| Ok(handle(vm, this).event_loop)),
        getter("_context", |vm, this| Ok(vm.context_of(this))),
        getter("_repr", |vm, this| {
            let name = vm.heap.intern("_repr");
            Ok(vm.own_attr(this, name).unwrap_or(Value::NONE))
        }),
        getter("_source_traceback", source_traceback),
    ],
    doc: "",
};

/// What a handle with a deadline has besides.
pub static TIMER_HANDLE: ClassDef = ClassDef {
    methods: &[
        static_method(
            "__new__(cls, when, callback, args, loop, context=None, /)",
            new_timer,
        ),
        method("when(self, /)", |vm, args| Ok(handle(vm, args[0]).when)),
        method("__hash__(self, /)", |vm, args| {
            let when = handle(vm, args[0]).when;
            let hash = vm.hash(when)?;
            Ok(vm.heap.int(hash))
        }),
        method("__eq__(self, other, /)", equal),
        method("__lt__(self, other, /)", |vm, args| {
            compare(vm, args, |a, b| a < b, false)
        }),
        method("__le__(self, other, /)", |vm, args| {
            compare(vm, args, |a, b| a < b, true)
        }),
        method("__gt__(self, other, /)", |vm, args| {
            compare(vm, args, |a, b| a > b, false)
        }),
        method("__ge__(self, other, /)", |vm, args| {
            compare(vm, args, |a, b| a > b, true)
        }),
    ],
    attributes: &[
        getter("_when", |vm, this| Ok(handle(vm, this).when)),
        getter("_scheduled", |vm, this| {
            Ok(Value::bool(handle(vm, this).scheduled))
        }),
    ],
    doc: "",
};

fn handle(vm: &Vm, this: Value) -> &Handle {
    vm.heap.cell(this)
}

fn in_debug_mode(vm: &mut Vm, this: Value) -> PyResult<bool> {
    let event_loop = handle(vm, this).event_loop;
    super::functions::is_debug(vm, event_loop)
}

/// Where a handle, future or task was made; noted in debug mode only.
pub fn source_traceback(vm: &mut Vm, this: Value) -> PyResult {
    let name = vm.heap.intern("_source_traceback");
    Ok(vm.own_attr(this, name).unwrap_or(Value::NONE))
}

/// In debug mode, notes where a handle, future or task is made.
///
/// # Errors
/// What a script's loop raises when it is asked for its mode.
pub fn note_source(vm: &mut Vm, this: Value, event_loop: Value) -> PyResult<()> {
    if !super::functions::is_debug(vm, event_loop)? {
        return Ok(());
    }
    let module = vm.import_module("asyncio.format_helpers")?;
    vm.root(module);
    let stack = vm.call_method(module, "extract_stack", &[])?;
    vm.root(stack);
    let dict = vm.attribute_dict(this);
    let name = vm.heap.intern("_source_traceback");
    vm.heap.ns_set(dict, name, stack);
    Ok(())
}

fn make(vm: &mut Vm, class: Value, when: Value, rest: &[Value]) -> PyResult {
    let &[callback, args, event_loop, context] = rest else {
        unreachable!("both signatures end in these four parameters")
    };
    let context = super::future::context_argument(vm, context)?;
    let args = match vm.heap.is_exact(args, B::Tuple) {
        true => args,
        false => {
            let items = vm.collect_iterable(args)?;
            vm.heap.tuple(&items)
        }
    };
    let shape = vm.root_shape(class);
    let this = vm.heap.alloc(
        shape,
        Handle {
            callback,
            args,
            one_arg: false,
            cancelled: false,
            scheduled: false,
            context,
            event_loop,
            when,
        },
    );
    vm.root(this);
    note_source(vm, this, event_loop)?;
    Ok(this)
}

fn new(vm: &mut Vm, args: &[Value]) -> PyResult {
    make(vm, args[0], Value::EMPTY, &args[1..])
}

fn new_timer(vm: &mut Vm, args: &[Value]) -> PyResult {
    make(vm, args[0], args[1], &args[2..])
}

fn is_timer(vm: &Vm, v: Value) -> bool {
    vm.heap.get::<Handle>(v).is_some_and(|h| !h.when.is_empty())
}

fn compare(vm: &mut Vm, args: &[Value], before: fn(f64, f64) -> bool, or_equal: bool) -> PyResult {
    if !is_timer(vm, args[1]) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let seconds = |vm: &Vm, v| {
        let when = handle(vm, v).when;
        vm.heap
            .as_float(when)
            .or(vm.heap.as_i64(when).map(|n| n as f64))
            .unwrap_or(f64::NAN)
    };
    if before(seconds(vm, args[0]), seconds(vm, args[1])) {
        return Ok(Value::TRUE);
    }
    if or_equal {
        equal(vm, args)
    } else {
        Ok(Value::FALSE)
    }
}

fn equal(vm: &mut Vm, args: &[Value]) -> PyResult {
    if !is_timer(vm, args[1]) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (a_args, b_args) = (vm.heap.handle_args(args[0]), vm.heap.handle_args(args[1]));
    let (a_args, b_args) = (vm.root(a_args), vm.root(b_args));
    let (a, b) = (handle(vm, args[0]), handle(vm, args[1]));
    let pairs = [(a.when, b.when), (a.callback, b.callback), (a_args, b_args)];
    if a.cancelled != b.cancelled {
        return Ok(Value::FALSE);
    }
    for (a, b) in pairs {
        if !vm.eq(a, b)? {
            return Ok(Value::FALSE);
        }
    }
    Ok(Value::TRUE)
}
