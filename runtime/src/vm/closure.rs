//! Making functions with their captures, and `super()` without arguments.

use crate::planted::{self, Bug};
use lockstep_lang::bytecode::Word;

use crate::native::PyResult;
use crate::object::class::B;
use crate::object::function::{CodeObject, Function};
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// `super()` without arguments.
    pub(crate) fn call_super(
        &mut self,
        callee: Value,
        class: Value,
        this: Value,
        x: u8,
    ) -> PyResult {
        if callee != self.class(B::Super) {
            return self.call(callee, &[]);
        }
        if x & 2 != 0 {
            return Err(self.runtime_error("super(): no arguments"));
        }
        if x & 4 != 0 {
            return Err(self.runtime_error("super(): __class__ cell not found"));
        }
        if this.is_empty() {
            return Err(self.runtime_error("super(): arg[0] deleted"));
        }
        if class.is_empty() {
            return Err(self.runtime_error("super(): empty __class__ cell"));
        }
        self.new_super(class, this)
    }

    /// `MakeFunction`: see the opcode's row.
    pub(crate) fn make_function(&mut self, regs: *mut Value, w: Word, constant: u32) -> Value {
        use lockstep_lang::bytecode::{Capture, Const};
        let Some(frame) = self.frames.last() else {
            return Value::NONE;
        };
        let (maker_code, maker) = (frame.code_value, frame.func);
        let loaded = self.heap.cell::<CodeObject>(maker_code).consts[constant as usize].get();
        let code = if loaded.is_empty() {
            let co = self.heap.cell::<CodeObject>(maker_code);
            let globals = co.globals;
            let child = match &co.code.body().consts[constant as usize] {
                Const::Code(child) => child.clone(),
                _ => return Value::NONE,
            };
            let code = self.load_code(child, globals);
            self.heap.will_change(maker_code);
            self.heap.cell::<CodeObject>(maker_code).consts[constant as usize].set(code);
            code
        } else {
            loaded
        };
        let function = self.new_function(code);
        let captures = self.heap.cell::<CodeObject>(code).code.captures.clone();
        for (i, capture) in captures.iter().enumerate() {
            let cell = match *capture {
                // SAFETY: verified register of the running frame.
                Capture::Local(reg) => unsafe { *regs.add(reg.0 as usize) },
                Capture::Free(at) => self.free_cell(maker, at),
            };
            self.heap.tail_mut::<Function>(function)[i] = cell;
        }
        if planted::is(Bug::SwappedCells) && captures.len() > 1 {
            self.heap.tail_mut::<Function>(function).swap(0, 1);
        }
        let base = w.b() as usize;
        let x = w.x();
        // SAFETY: verified registers of the running frame.
        let reg = |i: usize| unsafe { *regs.add(base + i) };
        let f = self.heap.cell_mut::<Function>(function);
        if x & 1 != 0 {
            f.defaults = reg(0);
        }
        if x & 2 != 0 {
            f.kwdefaults = reg(1);
        }
        if x & 4 != 0 {
            f.annotations = reg(2);
        }
        if x & 8 != 0 {
            f.type_params = reg(3);
        }
        function
    }
}
