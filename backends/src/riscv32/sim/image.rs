//! Objects for RISC-V: relocations, and code into instructions. No execution.

use object::elf;
use tinyc_targets::Core;

use crate::codegen::sim::{Decoded, Memory, Reader, Relocation};
use crate::riscv32::isa::{Extensions, decode, encode};
use crate::riscv32::timing::Placed;

pub(super) type Image = crate::codegen::sim::Image<Placed>;

/// Loads an object file into memory.
pub(super) fn read(object: &[u8], core: &Core, memory: &mut Memory) -> Result<Image, String> {
    let extensions = Extensions::of(core).ok_or_else(|| format!("{} is not an RV32 core", core.name))?;
    let reader = Reader {
        architecture: object::Architecture::Riscv32,
        function_bit: 0,
        fill: &fill,
        decoder: &|| {
            Box::new(move |address, halfwords| {
                let (inst, bytes) = decode(halfwords)?;
                let supported = encode(&inst, extensions).is_ok();
                Some(Decoded { placed: Placed { address, bytes, inst }, bytes, supported })
            })
        },
        is_long: |first| first & 3 == 3,
        address: |placed: &Placed| placed.address,
    };
    reader.read(object, memory)
}

/// The word of a place with its address filled in.
fn fill(relocation: &Relocation<'_>, old: u32) -> Result<Option<u32>, String> {
    let address = relocation.symbol.wrapping_add(relocation.addend.unwrap_or(0));
    Ok(Some(match relocation.kind {
        elf::R_RISCV_NONE | elf::R_RISCV_RELAX => return Ok(None),
        elf::R_RISCV_32 => address,
        elf::R_RISCV_HI20 => old & 0xfff | address.wrapping_add(0x800) & 0xffff_f000,
        elf::R_RISCV_LO12_I => old & 0x000f_ffff | address << 20,
        other => return Err(format!("a relocation of type {other} against `{}`", relocation.name)),
    }))
}
