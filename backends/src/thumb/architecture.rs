//! Which Arm M-profile instruction sets this backend writes, and how an object file says so to the linker
//! (`.ARM.attributes`, after "Addenda to, and Errata in, the ABI for the Arm Architecture"). Not what instructions cost.

use crate::codegen::elf::{Attributes, Field, Format, Marks};
use object::elf;
use tinyc_targets::{Core, Features};

/// An instruction set; later ones hold all of those before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Architecture {
    /// Armv6-M: 16-bit instructions and BL.
    V6M,
    /// Armv7-M: Thumb-2.
    V7M,
    /// Armv7E-M: with the DSP extension.
    V7EM,
    /// Armv8-M with the main extension; later versions run the same code.
    V8MMain,
}

impl Architecture {
    /// The instruction set for a core; `None` if it is not an Arm M-profile core.
    pub fn of(core: &Core) -> Option<Self> {
        Some(match core.architecture.as_str() {
            "armv6-m" => Self::V6M,
            "armv7-m" => Self::V7M,
            "armv7e-m" => Self::V7EM,
            "armv8-m.main" | "armv8.1-m.main" => Self::V8MMain,
            _ => return None,
        })
    }

    /// How the object file of a core says what it is.
    pub fn format(self, core: &Core) -> Format {
        Format {
            architecture: object::Architecture::Arm,
            flags: elf::EF_ARM_EABI_VER5,
            filler: self.filler().to_vec(),
            attributes: Some(Attributes {
                name: ".ARM.attributes",
                kind: elf::SHT_ARM_ATTRIBUTES,
                bytes: self.attributes(&core.features),
            }),
            // The lowest bit of the address says that a function is Thumb code.
            function_bit: 1,
            marks: Marks { code: "$t", data: "$d" },
        }
    }

    /// A 16-bit instruction that does nothing, to fill gaps between functions.
    fn filler(self) -> [u8; 2] {
        let word: u16 = match self {
            Self::V6M => 0x46c0, // mov r8, r8
            _ => 0xbf00,         // nop
        };
        word.to_le_bytes()
    }

    /// The whole `.ARM.attributes` section for code that uses what the core has.
    ///
    /// The code passes no floats between functions that others can call, so it says that it fits firmware of either
    /// floating-point calling convention.
    fn attributes(self, features: &Features) -> Vec<u8> {
        let mut tags: Vec<(u8, u8)> = vec![
            (tag::CPU_ARCH, self.number()),
            (tag::CPU_ARCH_PROFILE, b'M'),
            (tag::THUMB_ISA_USE, self.thumb()),
        ];
        if features.fpu_f32 {
            // FPv4 came with Armv7E-M's first FPU, FPv5 with the Cortex-M7 and Armv8-M. Only instructions that
            // both have are used.
            tags.push((tag::FP_ARCH, if self == Self::V8MMain { FPV5_D16 } else { FPV4_D16 }));
            tags.push((tag::ABI_FP_DENORMAL, IEEE));
            tags.push((tag::ABI_FP_NUMBER_MODEL, IEEE_NUMBERS));
        }
        tags.push((tag::ABI_ALIGN_NEEDED, EIGHT_BYTES));
        tags.push((tag::ABI_ALIGN_PRESERVED, EIGHT_BYTES));
        if features.fpu_f32 {
            tags.push((tag::ABI_HARDFP_USE, SINGLE_ONLY));
        }
        tags.push((tag::ABI_VFP_ARGS, EITHER));
        if features.unaligned {
            tags.push((tag::CPU_UNALIGNED_ACCESS, 1));
        }
        if features.dsp && self == Self::V8MMain {
            tags.push((tag::DSP_EXTENSION, 1));
        }
        // All numbers are below 128, so that their ULEB128 form is one byte.
        let tags: Vec<u8> = tags.into_iter().flat_map(|(tag, value)| [tag, value]).collect();
        let length = |bytes: usize| u32::try_from(bytes).expect("a few dozen bytes").to_le_bytes();
        let file: Vec<u8> = [&[tag::FILE][..], &length(5 + tags.len()), &tags].concat();
        let vendor = b"aeabi\0";
        [b"A", &length(4 + vendor.len() + file.len())[..], vendor, &file].concat()
    }

    /// `Tag_CPU_arch`.
    fn number(self) -> u8 {
        match self {
            Self::V6M => 11,
            Self::V7M => 10,
            Self::V7EM => 13,
            Self::V8MMain => 17,
        }
    }

    /// `Tag_THUMB_ISA_use`: 16-bit only, Thumb-2, or what the architecture says.
    fn thumb(self) -> u8 {
        match self {
            Self::V6M => 1,
            Self::V7M | Self::V7EM => 2,
            Self::V8MMain => 3,
        }
    }
}

/// What the linker fills in Thumb code.
impl Field {
    /// The immediate of a MOVW: the low half.
    pub const MOVW: Self = Self(elf::R_ARM_THM_MOVW_ABS_NC);
    /// The immediate of a MOVT: the high half.
    pub const MOVT: Self = Self(elf::R_ARM_THM_MOVT_ABS);
    /// A word of a literal pool.
    pub const WORD: Self = Self(elf::R_ARM_ABS32);
}

/// Numbers of the attributes in use.
mod tag {
    pub(super) const FILE: u8 = 1;
    pub(super) const CPU_ARCH: u8 = 6;
    pub(super) const CPU_ARCH_PROFILE: u8 = 7;
    pub(super) const THUMB_ISA_USE: u8 = 9;
    pub(super) const FP_ARCH: u8 = 10;
    pub(super) const ABI_FP_DENORMAL: u8 = 20;
    pub(super) const ABI_FP_NUMBER_MODEL: u8 = 23;
    pub(super) const ABI_ALIGN_NEEDED: u8 = 24;
    pub(super) const ABI_ALIGN_PRESERVED: u8 = 25;
    pub(super) const ABI_HARDFP_USE: u8 = 27;
    pub(super) const ABI_VFP_ARGS: u8 = 28;
    pub(super) const CPU_UNALIGNED_ACCESS: u8 = 34;
    pub(super) const DSP_EXTENSION: u8 = 46;
}

const FPV4_D16: u8 = 6;
const FPV5_D16: u8 = 8;
/// Denormal numbers are numbers.
const IEEE: u8 = 1;
/// Infinities and NaN too.
const IEEE_NUMBERS: u8 = 3;
const EIGHT_BYTES: u8 = 1;
const SINGLE_ONLY: u8 = 1;
/// Compatible with both conventions for floats as arguments.
const EITHER: u8 = 3;
