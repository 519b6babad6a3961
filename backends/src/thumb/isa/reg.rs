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

    /// The number in its file: 0 to 15, or 0 to 31 for floats.
    pub const fn number(self) -> u8 {
        if self.is_float() { self.0 - 16 } else { self.0 }
    }
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            13 => f.write_str("sp"),
            14 => f.write_str("lr"),
            15 => f.write_str("pc"),
            n @ 0..16 => write!(f, "r{n}"),
            n => write!(f, "s{}", n - 16),
        }
    }
}

impl fmt::Debug for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
