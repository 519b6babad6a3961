//! The optional parts of the architecture that instructions belong to, and which of them a core has. Not how fast a core is.

use tinyc_targets::{Core, Isa};

/// A part of the M-profile instruction set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Extension {
    /// Armv6-M, which every core has: the 16-bit instructions, BL, MRS, DMB, DSB, ISB.
    Base,
    /// Armv7-M and Armv8-M Mainline: the 32-bit instructions, IT, CBZ, division.
    Main,
    /// The DSP extension: packed and halfword multiplies, SMMUL, UMAAL, saturating arithmetic.
    Dsp,
    /// FPv4 in single precision.
    Float,
    /// What FPv5 adds to it: VRINT, VSEL, VMAXNM, VMINNM.
    Fpv5,
}

/// A set of extensions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Extensions(u8);

impl Extensions {
    /// Everything that the table holds.
    pub const ALL: Self = Self(0b1_1111);
    /// Armv6-M.
    pub const BASE: Self = Self(1);

    /// The set with one more member.
    pub const fn with(self, extension: Extension) -> Self {
        Self(self.0 | 1 << extension as u8)
    }

    /// Whether the extension is there.
    pub const fn has(self, extension: Extension) -> bool {
        self.0 & 1 << extension as u8 != 0
    }

    /// Those of a core; `None` if it is not an Arm core.
    pub fn of(core: &Core) -> Option<Self> {
        if core.isa != Isa::Arm {
            return None;
        }
        let mut set = Self::BASE;
        if core.architecture == "armv6-m" {
            return Some(set);
        }
        set = set.with(Extension::Main);
        if core.features.dsp {
            set = set.with(Extension::Dsp);
        }
        if core.features.fpu_f32 {
            set = set.with(Extension::Float);
            // The architecture's version does not tell: of the Armv7E-M cores the M4 has FPv4 and the M7 has FPv5.
            if core.architecture.starts_with("armv8") || core.gcc.flags.iter().any(|f| f.contains("fpv5")) {
                set = set.with(Extension::Fpv5);
            }
        }
        Some(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_have_what_their_manuals_say() {
        let of = |name: &str| {
            let core = tinyc_targets::cores().find(|core| core.name == name).expect("a core of the list");
            Extensions::of(core)
        };
        let main = Extensions::BASE.with(Extension::Main);
        let m4 = main.with(Extension::Dsp).with(Extension::Float);
        assert_eq!(of("cortex-m0"), Some(Extensions::BASE));
        assert_eq!(of("cortex-m3"), Some(main));
        assert_eq!(of("cortex-m4-nofpu"), Some(main.with(Extension::Dsp)));
        assert_eq!(of("cortex-m4"), Some(m4));
        for name in ["cortex-m7", "cortex-m33", "cortex-m55"] {
            assert_eq!(of(name), Some(m4.with(Extension::Fpv5)), "{name}");
        }
        assert_eq!(of("rv32imac"), None);
    }
}
