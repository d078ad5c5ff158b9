//! Hands out the registers of one frame: variables first, temporaries above
//! them as a stack. Never hands out more than a frame can have.

use crate::bytecode::Reg;

/// Registers are 16-bit operands; a few stay free for windows at the top.
const REGISTERS_MAX: u32 = u16::MAX as u32 - 8;

/// How many temporaries are in use, to be given back to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mark(u32);

#[derive(Default)]
pub(super) struct Registers {
    next: u32,
    /// Registers below this hold the frame's variables.
    n_vars: u32,
    /// Variables of inner scopes, which stand among the temporaries.
    // Invariant: ascending, and all below `next`.
    inner_vars: Vec<u32>,
    max: u32,
    pub overflowed: bool,
}

impl Registers {
    /// A register for a variable of the frame; before any temporary.
    pub fn variable(&mut self) -> Reg {
        let reg = self.alloc();
        self.n_vars = self.next;
        reg
    }

    /// A register for a variable of a scope within the frame: given back as a
    /// temporary, but no temporary for who asks.
    pub fn inner_variable(&mut self) -> Reg {
        let reg = self.alloc();
        if !self.overflowed {
            self.inner_vars.push(u32::from(reg.0));
        }
        reg
    }

    pub fn alloc(&mut self) -> Reg {
        self.alloc_n(1)
    }

    /// The first of `n` adjacent registers.
    pub fn alloc_n(&mut self, n: u32) -> Reg {
        if self.next + n > REGISTERS_MAX {
            // The code is thrown away: compile_function reports it.
            self.overflowed = true;
            return Reg(0);
        }
        let first = self.next;
        self.next += n;
        self.max = self.max.max(self.next);
        Reg(first as u16)
    }

    pub fn mark(&self) -> Mark {
        Mark(self.next)
    }

    /// Gives back every temporary handed out since the mark.
    pub fn release(&mut self, mark: Mark) {
        debug_assert!(mark.0 >= self.n_vars, "variables are never given back");
        self.next = self.next.min(mark.0);
        while self.inner_vars.last().is_some_and(|reg| *reg >= self.next) {
            self.inner_vars.pop();
        }
    }

    /// Whether the register is a temporary, which nothing but the expression
    /// that asked for it reads.
    pub fn is_temp(&self, reg: Reg) -> bool {
        let reg = u32::from(reg.0);
        reg >= self.n_vars && self.inner_vars.binary_search(&reg).is_err()
    }

    /// Whether the register is the temporary that was handed out last.
    pub fn is_topmost(&self, reg: Reg) -> bool {
        self.is_temp(reg) && u32::from(reg.0) + 1 == self.next
    }

    /// How many registers the frame needs.
    pub fn n_regs(&self) -> u32 {
        self.max
    }
}
