//! `asyncio.sleep`: waits for a time, or for one turn of the loop.

use lockstep_runtime::native::{
    AtOnce, CoroutineBody, NativeDef, Step, StepFrame, coroutine_function,
};
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::{Input, PyResult, Raised, Value, Vm};

pub static SLEEP: NativeDef = coroutine_function("sleep(delay, result=None)", BODY);

pub const BODY: CoroutineBody = CoroutineBody {
    n_registers: 1,
    step,
    at_once: Some(|_, args| {
        let no_result = args.get(1).is_none_or(|result| result.is_none());
        match no_result && is_over_at_once(args[0]) {
            true => Ok(AtOnce::Turn),
            false => Ok(AtOnce::Suspends),
        }
    }),
};

/// Whether a delay is a number that is not above zero; no script code is asked.
fn is_over_at_once(delay: Value) -> bool {
    match delay.as_int() {
        Some(n) => n <= 0,
        None => delay
            .as_inline_float()
            .is_some_and(|seconds| seconds <= 0.0),
    }
}

/// Registers: 0 the delay, 1 the result, 2 what was awaited, 3 the future that
/// the loop finishes when the time has come.
fn step(vm: &mut Vm, frame: StepFrame, input: Input) -> PyResult<Step> {
    let future = frame.get(vm, 3);
    let awaited = match input {
        Input::Send(awaited) => awaited,
        Input::Throw(e) => {
            if !future.is_empty() {
                vm.cancel_plain_future(future, Value::NONE)?;
            }
            return Err(Raised(e));
        }
    };
    if !future.is_empty() {
        return Ok(Step::Return(awaited));
    }
    let result = frame.get(vm, 1).given().unwrap_or(Value::NONE);
    if !awaited.is_empty() {
        // A turn has gone by, or a sleep elsewhere.
        return Ok(Step::Return(result));
    }
    let delay = frame.get(vm, 0);
    if vm.compare_bool(CompareOp::Le, delay, Value::small(0))? {
        return Ok(Step::Turn);
    }
    if vm.to_float(delay)?.is_nan() {
        return Err(vm.value_error("Invalid delay: NaN (not a number)"));
    }
    let event_loop = vm.running_loop()?;
    if !super::event_loop::is_loop(vm, event_loop) || vm.event_loop(event_loop).overridden {
        return sleep_elsewhere(vm, delay, result).map(Step::Await);
    }
    let future = vm.new_future(event_loop);
    let future = vm.root(future);
    let now_s = vm.monotonic_s();
    let when = super::event_loop::deadline(vm, now_s, delay)?;
    let when_s = vm.to_float(when)?;
    vm.finish_at(event_loop, when_s, future, result)?;
    frame.set(vm, 3, future);
    Ok(Step::Await(future))
}

/// The coroutine that sleeps on a loop whose timers a script has written.
fn sleep_elsewhere(vm: &mut Vm, delay: Value, result: Value) -> PyResult {
    let module = vm.import_module("asyncio.tasks")?;
    let name = vm.heap.intern("_sleep_elsewhere");
    let sleep = vm.get_attr(module, name)?;
    vm.call(sleep, &[delay, result])
}
