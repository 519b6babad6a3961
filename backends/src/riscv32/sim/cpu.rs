//! Registers of a core. No memory, no order of execution.

use crate::riscv32::isa::Reg;

/// The state of a core.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cpu {
    /// x0 to x31; what is written to x0 goes to one more.
    pub(super) x: [u32; 33],
    /// f0 to f31, as bits.
    pub(super) f: [u32; 32],
    /// Arguments that calls bring in registers: 6 on RV32E, else 8.
    pub(super) arguments: usize,
    /// To what the stack pointer is aligned where functions are called.
    pub(super) stack_align: u32,
}

/// Where what x0 should hold goes.
pub(super) const NOWHERE: u8 = 32;

impl Default for Cpu {
    fn default() -> Self {
        Self { x: [0; 33], f: [0; 32], arguments: 8, stack_align: 16 }
    }
}

impl Cpu {
    /// What a register holds, floats by their bits.
    pub fn get(&self, reg: Reg) -> u32 {
        let number = usize::from(reg.number());
        if reg.is_float() { self.f[number] } else { self.x[number] }
    }

    /// Sets a register, to prepare a test.
    pub fn set(&mut self, reg: Reg, value: u32) {
        let number = usize::from(reg.number());
        match reg.is_float() {
            true => self.f[number] = value,
            false if number > 0 => self.x[number] = value,
            false => {}
        }
    }
}
