//! How an object file for RV32 says to the linker what its code needs: flags of the header and `.riscv.attributes`, after the
//! RISC-V ELF psABI specification. Not what instructions cost.

use super::flavor::Flavor;
use super::isa::Extension;
use crate::codegen::elf::{Attributes, Field, Format, Marks};
use object::elf;
use tinyc_targets::Core;

/// What the linker fills in RISC-V code.
impl Field {
    /// The immediate of a LUI: the upper part of an address.
    pub const HI20: Self = Self(elf::R_RISCV_HI20);
    /// The immediate of an ADDI: its lower part.
    pub const LO12: Self = Self(elf::R_RISCV_LO12_I);
}

/// Tags of attributes.
const FILE: u8 = 1;
const STACK_ALIGN: u8 = 4;
const ARCH: u8 = 5;

/// How the object file of a core says what it is.
pub(super) fn format(flavor: Flavor, core: &Core) -> Format {
    let compressed = flavor.has(Extension::C);
    Format {
        architecture: object::Architecture::Riscv32,
        flags: flags(flavor, core),
        // C.NOP, or ADDI x0, x0, 0.
        filler: if compressed { vec![0x01, 0x00] } else { vec![0x13, 0x00, 0x00, 0x00] },
        attributes: Some(attributes(flavor.stack_align() as u8, &architecture(flavor))),
        function_bit: 0,
        marks: Marks { code: "$x", data: "$d" },
    }
}

/// The calling convention is that of the core's compiler, although no float is ever passed: linkers insist on one.
fn flags(flavor: Flavor, core: &Core) -> u32 {
    let mut flags = 0;
    if flavor.has(Extension::C) {
        flags |= elf::EF_RISCV_RVC;
    }
    if core.gcc.flags.iter().any(|flag| flag == "-mabi=ilp32f") {
        flags |= elf::EF_RISCV_FLOAT_ABI_SINGLE;
    }
    if !flavor.has(Extension::Registers) {
        flags |= elf::EF_RISCV_RVE;
    }
    flags
}

/// The section of code that keeps the stack aligned to so many bytes and needs this architecture.
pub(crate) fn attributes(stack_align: u8, architecture: &str) -> Attributes {
    let mut tags = vec![STACK_ALIGN, stack_align, ARCH];
    tags.extend(architecture.bytes());
    tags.push(0);
    let length = |bytes: usize| u32::try_from(bytes).expect("a few dozen bytes").to_le_bytes();
    let file: Vec<u8> = [&[FILE][..], &length(5 + tags.len()), &tags].concat();
    let vendor = b"riscv\0";
    let bytes = [b"A", &length(4 + vendor.len() + file.len())[..], vendor, &file].concat();
    Attributes { name: ".riscv.attributes", kind: elf::SHT_RISCV_ATTRIBUTES, bytes }
}

/// What the code uses, with versions: `rv32i2p0_m2p0_c2p0`. They are the oldest ones, which all linkers know.
fn architecture(flavor: Flavor) -> String {
    let mut name = String::from(if flavor.has(Extension::Registers) { "rv32i2p0" } else { "rv32e1p9" });
    for (extension, part) in [
        (Extension::M, "_m2p0"),
        (Extension::F, "_f2p0"),
        (Extension::C, "_c2p0"),
        (Extension::Zba, "_zba1p0"),
        (Extension::Zbb, "_zbb1p0"),
    ] {
        if flavor.has(extension) {
            name.push_str(part);
        }
    }
    name
}
