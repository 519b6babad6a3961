//! Registers of a RISC-V core, by their names in the calling convention.

use std::fmt;

/// A general register (x0 to x31), or a float register (f0 to f31).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reg(u8);

/// The names of all registers, in the order of their numbers.
const NAMES: [&str; 64] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6",
    "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6", "ft0", "ft1",
    "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4", "fa5", "fa6",
    "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10",
    "ft11",
];

impl Reg {
    /// The return address.
    pub const RA: Self = Self(1);
    /// The stack pointer.
    pub const SP: Self = Self(2);

    /// x0 to x31.
    pub const fn x(number: u8) -> Self {
        assert!(number < 32);
        Self(number)
    }

    /// f0 to f31.
    pub const fn f(number: u8) -> Self {
        assert!(number < 32);
        Self(32 + number)
    }

    /// Whether it is one of f0 to f31.
    pub const fn is_float(self) -> bool {
        self.0 >= 32
    }

    /// The number in its file, 0 to 31.
    pub const fn number(self) -> u8 {
        self.0 & 31
    }

    /// The number among all, floats behind the others.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The name in assembly text.
    pub const fn name(self) -> &'static str {
        NAMES[self.0 as usize]
    }

    /// Whether a function gives it back to its caller as it was: sp and s0 to s11, floats likewise.
    pub const fn is_kept(self) -> bool {
        let number = self.number();
        number == 8 || number == 9 || number >= 18 && number < 28 || number == 2 && !self.is_float()
    }
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
