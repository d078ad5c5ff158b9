//! Runs code in a VM of its own, with little fuel and memory, in a world
//! without files, network or input: what it prints goes nowhere.

use std::sync::Arc;

use lockstep_lang::bytecode::Code;
use lockstep_lang::compile::{CompileOptions, compile_source};
use lockstep_lang::source::Source;
use lockstep_runtime::heap::Stress;
use lockstep_runtime::host::Nowhere;
use lockstep_runtime::{PyResult, Value, Vm};

/// Looks up of the VM that a program has: 20,000 jumps and calls each, and one
/// for each collection.
const FUEL: u64 = 30;

const MEMORY_MAX_BYTES: usize = 32 << 20;

/// Under stress a collection comes after so many jumps and calls.
const STRESS_TICKS: i32 = 7;
const STRESS_FUEL: u64 = 300;

/// What `lockstep run` makes of a text, if it is a program.
pub fn compile(text: &str) -> Option<Arc<Code>> {
    let options = CompileOptions {
        top_level_await: true,
        refuse_late: true,
        ..CompileOptions::default()
    };
    let compiled = compile_source(Arc::new(Source::new("fuzz.async", text)), options).ok()?;
    Some(compiled.code)
}

/// The stress for an input of this length: every fourth runs with whole collections, every fourth
/// with small steps of them.
pub fn stress_of(len: usize) -> Stress {
    match len % 4 {
        0 => Stress::Whole(STRESS_TICKS),
        2 => Stress::Steps(STRESS_TICKS),
        _ => Stress::Off,
    }
}

/// Runs a module's code until it ends or its fuel is spent, reports what it
/// raises, and collects. The caller vouches for the code: compiled or verified.
pub fn run(code: Arc<Code>, stress: Stress) {
    let mut vm = lockstep_stdlib::new_vm(Box::new(Nowhere::default()));
    vm.fuel = FUEL;
    if stress != Stress::Off {
        vm.heap.set_stress(stress);
        vm.fuel = STRESS_FUEL;
    }
    vm.memory_max = MEMORY_MAX_BYTES;
    if let Err(raised) = run_module(&mut vm, code) {
        let _ = vm.format_exception(raised.0);
    }
    vm.finalize_what_is_left();
    vm.collect();
}

fn run_module(vm: &mut Vm, code: Arc<Code>) -> PyResult<()> {
    // The real files of the machine are out of reach.
    for module in ["_os", "builtins"] {
        let name = vm.heap.intern(module);
        if module == "builtins" {
            let builtins = vm.import_name(name, 0, Value::NONE, true)?;
            let open = vm.heap.intern("open");
            vm.del_attr(builtins, open)?;
        } else {
            let modules = vm.modules;
            vm.heap.ns_set(modules, name, Value::NONE);
        }
    }
    let awaits = code.flags.coroutine;
    let module = vm.new_module("__main__");
    vm.root(module);
    let name = vm.heap.intern("__main__");
    let modules = vm.modules;
    vm.heap.ns_set(modules, name, module);
    let globals = vm.module_dict(module);
    let result = vm.run_module_code(code, globals)?;
    if awaits {
        vm.root(result);
        let name = vm.heap.intern("asyncio");
        let asyncio = vm.import_name(name, 0, Value::NONE, true)?;
        vm.call_method(asyncio, "run", &[result])?;
    }
    Ok(())
}
