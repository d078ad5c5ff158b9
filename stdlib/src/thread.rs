//! `_thread`: the one thread there is. It gives what a program can do to
//! itself, and starts no others.

use lockstep_runtime::native::{NativeDef, function};
use lockstep_runtime::{PyResult, Value, Vm};

use crate::NativeModule;

pub static MODULE: NativeModule = NativeModule {
    name: "_thread",
    functions: FUNCTIONS,
    init: |_, _| Ok(()),
};

const FUNCTIONS: &[NativeDef] = &[function("interrupt_main(signum=2, /)", interrupt_main)];

const SIGINT: i64 = 2;

/// As if Ctrl-C had been pressed: it is answered at the next safepoint.
fn interrupt_main(vm: &mut Vm, args: &[Value]) -> PyResult {
    let signal = match args[0].given() {
        Some(signal) => vm.index_i64(signal)?,
        None => SIGINT,
    };
    if signal != SIGINT {
        return Err(vm.unsupported("signals but SIGINT are not supported: there are no handlers"));
    }
    vm.interrupt
        .store(true, std::sync::atomic::Ordering::Relaxed);
    vm.heap.countdown = 0;
    Ok(Value::NONE)
}
