//! Registers of a Cortex-M core.

use std::fmt;

/// A general register (r0 to r15), or a single-precision register (s0 to s31).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reg(u8);

impl Reg {
    /// The stack pointer.
    pub const SP: Self = Self(13);
    /// The link register.
    pub const LR: Self = Self(14);
    /// The program counter.
    pub const PC: Self = Self(15);

    /// r0 to r15.
    pub const fn r(number: u8) -> Self {
        assert!(number < 16);
        Self(number)
    }

    /// s0 to s31.
    pub const fn s(number: u8) -> Self {
        assert!(number < 32);
        Self(16 + number)
    }

    /// Whether it is one of s0 to s31.
    pub const fn is_float(self) -> bool {
        self.0 >= 16
    }

    /// Whether every 16-bit instruction can name it: r0 to r7.
    pub const fn is_low(self) -> bool {
        self.0 < 8
    }

    /// The name in assembly text.
    pub const fn name(self) -> &'static str {
        NAMES[self.0 as usize]
    }

    /// The number in its file: 0 to 15, or 0 to 31 for floats.
    pub const fn number(self) -> u8 {
        if self.is_float() { self.0 - 16 } else { self.0 }
    }
}

/// The names of all registers, in the order of their numbers.
const NAMES: [&str; 48] = [
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp", "lr", "pc", "s0",
    "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", "s16",
    "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "s28", "s29", "s30", "s31",
];

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
