//! What the 64-bit machines are: for Cranelift, which code to make; for linkers, what the object file says of itself, after the
//! ELF psABI specifications of RISC-V and Arm.

use crate::codegen::elf::{Format, Marks};
use crate::cranelift::flags;
use crate::riscv32::attributes;
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::Configurable;
use object::elf;
use tinyc_targets::Isa;

/// A machine.
#[derive(Clone, Copy)]
pub(super) struct Architecture {
    isa: Isa,
    /// Whether it has vectors of 128 bits.
    pub(super) vectors: bool,
}

impl Architecture {
    pub(super) fn of(isa: Isa) -> Self {
        Self { isa, vectors: isa == Isa::Aarch64 }
    }

    /// Cranelift's machine.
    pub(super) fn isa(self) -> OwnedTargetIsa {
        let (name, settings): (_, &[&str]) = match self.isa {
            Isa::Riscv64 => ("riscv64gc-unknown-none-elf", &["has_c"]),
            Isa::Aarch64 => ("aarch64-unknown-none-elf", &[]),
            Isa::Arm | Isa::Riscv32 => unreachable!("Cranelift has 64-bit machines only"),
        };
        let mut builder = isa::lookup_by_name(name).expect("Cranelift is built with this machine");
        for setting in settings {
            builder.enable(setting).expect("the machine has this setting");
        }
        builder.finish(flags()).expect("the settings agree with each other")
    }

    /// How an object file says what it is.
    pub(super) fn format(self) -> Format {
        match self.isa {
            Isa::Riscv64 => Format {
                architecture: object::Architecture::Riscv64,
                // The calling convention lp64d, although no float is ever passed: linkers insist on one.
                flags: elf::EF_RISCV_RVC | elf::EF_RISCV_FLOAT_ABI_DOUBLE,
                // C.NOP.
                filler: vec![0x01, 0x00],
                // Versions are the oldest ones, which all linkers know.
                attributes: Some(attributes(16, "rv64i2p0_m2p0_a2p0_f2p0_d2p0_c2p0")),
                function_bit: 0,
                marks: Marks { code: "$x", data: "$d" },
            },
            _ => Format {
                architecture: object::Architecture::Aarch64,
                flags: 0,
                // NOP.
                filler: 0xd503_201f_u32.to_le_bytes().to_vec(),
                attributes: None,
                function_bit: 0,
                marks: Marks { code: "$x", data: "$d" },
            },
        }
    }
}
