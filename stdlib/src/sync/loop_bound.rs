//! The loop that a primitive belongs to: the one in which a task first had to
//! wait for it. And the form of the primitives' reprs.

use lockstep_runtime::{PyResult, Value, Vm};

/// Binds `owner` to the running loop, or checks that it is the one it is bound
/// to; gives that loop. `bound` finds the field.
///
/// # Errors
/// RuntimeError: it is bound to another loop.
pub fn bind_loop(vm: &mut Vm, owner: Value, bound: fn(&mut Vm, Value) -> &mut Value) -> PyResult {
    let running = vm.tasks.running_loop;
    let field = bound(vm, owner);
    if field.is_none() {
        *field = running;
    } else if *field != running {
        let shown = vm.repr_string(owner)?;
        return Err(vm.runtime_error(format!("{shown} is bound to a different event loop")));
    }
    Ok(running)
}

/// `<asyncio.locks.Lock object at 0x… [locked, waiters:1]>`.
///
/// # Errors
/// None of its own.
pub fn repr_with(vm: &mut Vm, owner: Value, state: &str, n_waiting: usize) -> PyResult {
    let plain = vm.default_repr(owner)?;
    let plain = vm.heap.string(plain);
    let plain = plain.trim_end_matches('>');
    let waiters = match n_waiting {
        0 => String::new(),
        n => format!(", waiters:{n}"),
    };
    Ok(vm.heap.str(format!("{plain} [{state}{waiters}]>")))
}
