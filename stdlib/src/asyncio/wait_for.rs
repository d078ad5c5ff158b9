//! `asyncio.wait_for`: waits for one thing, no longer than so many seconds.

use lockstep_runtime::native::{CoroutineBody, NativeDef, Step, StepFrame, coroutine_function};
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::{Input, PyResult, Raised, Value, Vm};

use super::timeout;

pub static WAIT_FOR: NativeDef = coroutine_function("wait_for(fut, timeout)", BODY);

pub const BODY: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step,
    at_once: None,
};

/// The time limit around the await; None where there is none, as no time was
/// given; unbound before the first step.
const LIMIT: usize = 3;

/// Registers: 0 what to wait for, 1 the seconds, 2 what was awaited.
fn step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let limit = frame.get(vm, LIMIT);
    if limit.is_empty() {
        return begin(vm, frame);
    }
    let end = |vm: &mut Vm, class, exception| match limit.some() {
        Some(limit) => timeout::exit(vm, limit, class, exception),
        None => Ok(()),
    };
    match input {
        Input::Send(result) => {
            end(vm, Value::NONE, Value::NONE)?;
            Ok(Step::Return(result))
        }
        Input::Throw(e) => {
            let class = vm.heap.class_of(e);
            match end(vm, class, e) {
                Ok(()) => Err(Raised(e)),
                Err(Raised(error)) => {
                    vm.set_context_of(error, e);
                    Err(Raised(error))
                }
            }
        }
    }
}

fn begin(vm: &mut Vm, frame: StepFrame) -> PyResult<Step> {
    let [awaited, delay] = [0, 1].map(|at| frame.get(vm, at));
    if !delay.is_none() && vm.compare_bool(CompareOp::Le, delay, Value::small(0))? {
        frame.set(vm, LIMIT, Value::NONE);
        return without_waiting(vm, awaited).map(Step::Await);
    }
    let limit = timeout::new(vm, delay)?;
    frame.set(vm, LIMIT, limit);
    timeout::enter(vm, limit)?;
    Ok(Step::Await(awaited))
}

/// The coroutine that gives the result if it is there, and cancels if not.
fn without_waiting(vm: &mut Vm, awaited: Value) -> PyResult {
    let module = vm.import_module("asyncio.tasks")?;
    let name = vm.heap.intern("_result_or_cancel");
    let function = vm.get_attr(module, name)?;
    vm.call(function, &[awaited])
}
