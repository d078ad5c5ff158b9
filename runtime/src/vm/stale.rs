//! Temporaries that a stopped frame has done with: cleared before a collection,
//! so that they keep nothing alive.

use lockstep_lang::bytecode::liveness::Liveness;

use crate::object::function::CodeObject;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::frame::Frame;

impl Vm {
    /// Unbinds the registers of running frames that no instruction to come can
    /// read. Suspended frames keep theirs.
    pub(super) fn clear_dead_registers(&mut self) {
        let Vm { heap, frames, .. } = self;
        for (i, frame) in frames.iter().enumerate() {
            // A callee's window begins within its caller's: from there on the
            // registers are the callee's. Those of a generator are its own.
            let on_stack = |f: &&Frame| f.generator.is_empty();
            let callee = frames
                .get(i + 1)
                .filter(|f| on_stack(f) && on_stack(&frame));
            let end = callee.map_or(usize::MAX, |f| f.regs.addr());
            let code = heap.cell::<CodeObject>(frame.code_value);
            if code.step.is_some() {
                // Rust knows what it does with its registers.
                continue;
            }
            let pc = code.index_of(frame.pc);
            let n_regs = code.n_regs;
            let source = &code.code;
            let liveness = code.liveness.get_or_init(|| Box::new(Liveness::of(source)));
            liveness.dead_registers(pc as u32, n_regs, |reg| {
                let at = frame.regs.wrapping_add(reg as usize);
                if at.addr() < end {
                    // SAFETY: a register of the frame, whose window lies within
                    // the stack; the frame has stopped where its `pc` says.
                    unsafe { at.write(Value::EMPTY) }
                }
            });
        }
    }
}
