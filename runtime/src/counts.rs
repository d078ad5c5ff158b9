//! Counts of what a VM does, for a check of speed that no load of the machine can disturb. They
//! exist only in a build with the feature `counts`; in any other build this is empty and what
//! counts costs nothing.

/// See the module's text.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counts {
    #[cfg(feature = "counts")]
    pub opcodes: u64,
    /// Cells of the heap.
    #[cfg(feature = "counts")]
    pub allocations: u64,
    /// Bytes of cells and of what they hold outside.
    #[cfg(feature = "counts")]
    pub allocated_bytes: u64,
}

impl Counts {
    /// An instruction of the bytecode is executed.
    #[inline(always)]
    pub fn opcode(&mut self) {
        #[cfg(feature = "counts")]
        {
            self.opcodes += 1;
        }
    }

    /// A cell is taken.
    #[inline(always)]
    pub fn allocation(&mut self) {
        #[cfg(feature = "counts")]
        {
            self.allocations += 1;
        }
    }

    /// Bytes are charged to the heap.
    #[inline(always)]
    pub fn bytes(&mut self, _n: usize) {
        #[cfg(feature = "counts")]
        {
            self.allocated_bytes += _n as u64;
        }
    }
}
