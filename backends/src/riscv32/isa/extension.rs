//! The parts of the architecture that instructions belong to, and which of them a core has. Not how fast a core is.

use tinyc_targets::{Core, Isa};

/// A part of the instruction set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Extension {
    /// RV32I, which every core has; RV32E lacks x16 to x31.
    Base,
    /// x16 to x31.
    Registers,
    /// Multiplication and division.
    M,
    /// 16-bit encodings.
    C,
    /// Floats in single precision.
    F,
    /// Shift and add.
    Zba,
    /// Minimum, maximum, extensions, counts of bits.
    Zbb,
}

/// A set of extensions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Extensions(u8);

impl Extensions {
    /// Everything that the table holds.
    pub const ALL: Self = Self(0x7f);
    /// RV32E.
    pub const BASE: Self = Self(1);

    /// The set with one more member.
    #[must_use]
    pub const fn with(self, extension: Extension) -> Self {
        Self(self.0 | 1 << extension as u8)
    }

    /// Whether the extension is there.
    pub const fn has(self, extension: Extension) -> bool {
        self.0 & 1 << extension as u8 != 0
    }

    /// Those of a core; `None` if it is no RV32 core.
    pub fn of(core: &Core) -> Option<Self> {
        (core.isa == Isa::Riscv32).then(|| Self::named(&core.architecture)).flatten()
    }

    /// Those of an architecture's name, such as `rv32imac_zba`; parts that no code needs are passed over.
    pub fn named(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix("rv32")?.split('_');
        let mut set = Self::BASE;
        for letter in parts.next()?.chars() {
            set = match letter {
                'i' => set.with(Extension::Registers),
                'm' => set.with(Extension::M),
                'c' => set.with(Extension::C),
                'f' => set.with(Extension::F),
                'g' => set.with(Extension::Registers).with(Extension::M).with(Extension::F),
                _ => set,
            };
        }
        Some(parts.fold(set, |set, part| match part {
            "zba" => set.with(Extension::Zba),
            "zbb" => set.with(Extension::Zbb),
            _ => set,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_there_is() {
        let i = Extensions::BASE.with(Extension::Registers);
        let imc = i.with(Extension::M).with(Extension::C);
        assert_eq!(Extensions::named("rv32ec"), Some(Extensions::BASE.with(Extension::C)));
        assert_eq!(Extensions::named("rv32i"), Some(i));
        assert_eq!(Extensions::named("rv32imac"), Some(imc));
        assert_eq!(Extensions::named("rv32imafc"), Some(imc.with(Extension::F)));
        let hazard3 = imc.with(Extension::Zba).with(Extension::Zbb);
        assert_eq!(Extensions::named("rv32imac_zba_zbb_zbs"), Some(hazard3));
        assert_eq!(Extensions::named("armv7-m"), None);
    }
}
