//! What `asyncio.gather` does with its arguments: a future for each, and one
//! for the results of all in the order given. The class of that one is written
//! in the language.

use lockstep_runtime::native::{ClassDef, method};
use lockstep_runtime::object::future::{Future, State};
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{B, Marker, PyResult, Raised, Value, Vm};

use super::plain;

/// What the children's callback knows.
struct Gathering {
    /// The children in the order given, a list: one may stand there more than once.
    children: Value,
    /// The future for the results; None before it is made.
    outer: Value,
    return_exceptions: bool,
    /// How many different children there are.
    n_futures: usize,
    n_finished: usize,
}

impl Native for Gathering {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.children, self.outer]);
    }
}

/// The class of one VM, and its method.
struct Classes {
    gathering: Value,
    done_callback: Value,
}

impl Default for Classes {
    fn default() -> Classes {
        Classes {
            gathering: Value::NONE,
            done_callback: Value::NONE,
        }
    }
}

impl Native for Classes {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.gathering, self.done_callback]);
    }
}

/// The name of the class of the callback's object: a child shows the callback
/// as CPython's does, where it is a function inside of `gather`.
pub const CLASS_NAME: &str = "gather.<locals>";

pub static CLASS: ClassDef = ClassDef {
    methods: &[method("_done_callback(self, fut)", |vm, args| {
        done_callback(vm, args[0], args[1])?;
        Ok(Value::NONE)
    })],
    attributes: &[],
    doc: "",
};

/// Notes the class, which was just made.
pub fn note_class(vm: &mut Vm, gathering: Value) {
    let done_callback = plain::method_of(vm, gathering, "_done_callback");
    *vm.ext::<Classes>() = Classes {
        gathering,
        done_callback,
    };
}

fn gathering(vm: &mut Vm, this: Value) -> &mut Gathering {
    match vm.heap.native_mut::<Gathering>(this) {
        Some(gathering) => gathering,
        None => unreachable!("a method is called with an instance of its class"),
    }
}

/// `gather` of at least one thing; arguments: a tuple of them, whether
/// exceptions count as results, the class of the future to give.
pub fn gather(vm: &mut Vm, args: &[Value]) -> PyResult {
    let &[awaitables, return_exceptions, outer_class] = args else {
        unreachable!("the signature has three parameters")
    };
    let return_exceptions = vm.truth(return_exceptions)?;
    let children = vm.heap.list(Vec::new());
    let children = vm.root(children);
    let &mut Classes {
        gathering: class,
        done_callback: method,
    } = vm.ext();
    let shape = vm.root_shape(class);
    let this = vm.heap.opaque(
        shape,
        Gathering {
            children,
            outer: Value::NONE,
            return_exceptions,
            n_futures: 0,
            n_finished: 0,
        },
    );
    let this = vm.root(this);
    let callback = plain::bound(vm, method, this);
    vm.root(callback);
    let future_of = vm.heap.dict();
    let future_of = vm.root(future_of);
    let mut event_loop = Value::NONE;
    let mut done_already = Vec::new();
    let awaitables = vm.heap.as_sequence(awaitables).unwrap_or_default().to_vec();
    for awaitable in awaitables {
        match vm.dict_get(future_of, awaitable)? {
            Some(future) => vm.heap.list_push(children, future),
            None => {
                let future = plain::ensure_future(vm, awaitable, event_loop)?;
                vm.heap.list_push(children, future);
                if event_loop.is_none() {
                    event_loop = vm.loop_of(future)?;
                    vm.root(event_loop);
                }
                if future != awaitable {
                    // Who awaits the outer future is told of the child's end.
                    mute_destruction(vm, future)?;
                }
                gathering(vm, this).n_futures += 1;
                vm.dict_set(future_of, awaitable, future)?;
                if plain::is_done(vm, future)? {
                    done_already.push(future);
                } else {
                    plain::add_done_callback(vm, future, callback)?;
                }
            }
        }
    }
    let key = vm.heap.intern("loop");
    let outer = vm.call_kw(outer_class, &[children], &[(key, event_loop)])?;
    gathering(vm, this).outer = outer;
    for future in done_already {
        done_callback(vm, this, future)?;
    }
    Ok(outer)
}

fn mute_destruction(vm: &mut Vm, future: Value) -> PyResult<()> {
    if plain::is_plain(vm, future) {
        vm.heap
            .cell_mut::<Future>(future)
            .set_log_destroy_pending(false);
        return Ok(());
    }
    let name = vm.heap.intern("_log_destroy_pending");
    vm.set_attr(future, name, Value::FALSE)
}

/// A child is done.
fn done_callback(vm: &mut Vm, this: Value, child: Value) -> PyResult<()> {
    let g = gathering(vm, this);
    g.n_finished += 1;
    let is_last = g.n_finished == g.n_futures;
    let (outer, return_exceptions) = (g.outer, g.return_exceptions);
    let is_over = match vm.heap.get::<Future>(outer) {
        Some(outer) => outer.is_done(),
        None => true,
    };
    if is_over {
        // Its exception counts as looked at.
        plain::failure(vm, child)?;
        return Ok(());
    }
    if !return_exceptions {
        let error = match is_cancelled(vm, child)? {
            true => Some(cancelled_error(vm, child)?),
            false => plain::failure(vm, child)?,
        };
        if let Some(error) = error {
            return fail(vm, outer, error);
        }
    }
    if !is_last {
        return Ok(());
    }
    let children = gathering(vm, this).children;
    let results = results(vm, children)?;
    let results = vm.root(results);
    let name = vm.heap.intern("_cancel_requested");
    let requested = vm.get_attr(outer, name)?;
    if vm.truth(requested)? {
        // CPython 3.13 tasks.py gather: the last child's in the order given,
        // whichever ended last; its message may be none.
        let children = vm.heap.as_sequence(children).unwrap_or_default();
        let last = children.last().copied().unwrap_or(child);
        let error = cancelled_error(vm, last)?;
        return fail(vm, outer, error);
    }
    tell(vm, outer, "set_result", results)
}

/// Calls a method of the outer future: its class is the script's, as it were.
fn tell(vm: &mut Vm, outer: Value, method: &str, value: Value) -> PyResult<()> {
    vm.call_method(outer, method, &[value])?;
    Ok(())
}

fn fail(vm: &mut Vm, outer: Value, error: Value) -> PyResult<()> {
    vm.root(error);
    tell(vm, outer, "set_exception", error)
}

fn is_cancelled(vm: &mut Vm, child: Value) -> PyResult<bool> {
    if let Some(state) = plain::state(vm, child) {
        return Ok(state == State::Cancelled);
    }
    let cancelled = vm.call_method(child, "cancelled", &[])?;
    vm.truth(cancelled)
}

fn cancelled_error(vm: &mut Vm, child: Value) -> PyResult {
    if plain::is_plain(vm, child) {
        let Raised(error) = vm.cancelled_error_of(child);
        return Ok(error);
    }
    vm.call_method(child, "_make_cancelled_error", &[])
}

/// What finished futures gave: each one's result, or its exception as a value.
fn results(vm: &mut Vm, children: Value) -> PyResult {
    let children = vm.heap.as_sequence(children).unwrap_or_default().to_vec();
    let list = vm.heap.list(Vec::with_capacity(children.len()));
    vm.root(list);
    for child in children {
        let result = if is_cancelled(vm, child)? {
            let message = if plain::is_plain(vm, child) {
                vm.heap.cell::<Future>(child).cancel_message
            } else {
                let name = vm.heap.intern("_cancel_message");
                vm.get_attr(child, name)?
            };
            let message = message.some().unwrap_or_else(|| vm.heap.str(""));
            vm.raise_value(B::CancelledError, message).0
        } else if let Some(error) = plain::failure(vm, child)? {
            error
        } else if plain::is_plain(vm, child) {
            vm.heap.cell::<Future>(child).value
        } else {
            vm.call_method(child, "result", &[])?
        };
        vm.heap.list_push(list, result);
    }
    Ok(list)
}
