//! Objects for Arm: relocations, and code into instructions. No execution.

use object::elf;
use tinyc_targets::Core;

use crate::codegen::sim::{Decoded, Decoder, Memory, Reader, Relocation};
use crate::thumb::isa::{Cond, Extensions, Op, decode, encode_for};
use crate::thumb::timing::Placed;

pub(super) type Image = crate::codegen::sim::Image<Placed>;

/// Instructions without a file.
pub(super) fn of_code(mut code: Vec<Placed>) -> Image {
    code.retain(|placed| placed.address & 1 == 0 && (placed.bytes == 2 || placed.bytes == 4));
    code.sort_by_key(|placed| placed.address);
    code.dedup_by(|next, before| next.address < before.end());
    Image {
        start: code.first().map_or(0, |placed| placed.address),
        end: code.last().map_or(0, Placed::end),
        code,
        ..Image::default()
    }
}

/// Loads an object file into memory.
pub(super) fn read(object: &[u8], core: &Core, memory: &mut Memory) -> Result<Image, String> {
    let extensions = Extensions::of(core).ok_or_else(|| format!("{} is not an Arm core", core.name))?;
    let reader = Reader {
        architecture: object::Architecture::Arm,
        function_bit: 1,
        fill: &fill,
        decoder: &|| decoder(extensions),
        is_long: |first| first >= 0xe800,
        address: |placed: &Placed| placed.address,
    };
    reader.read(object, memory)
}

/// Decodes instruction by instruction; in an IT block, under its conditions.
fn decoder<'r>(extensions: Extensions) -> Decoder<'r, Placed> {
    let mut in_it: Vec<Cond> = Vec::new();
    Box::new(move |address, halfwords| {
        let cond = in_it.pop().filter(|&cond| cond != Cond::Al);
        let (inst, bytes) = decode(halfwords, cond)?;
        if inst.op == Op::It {
            in_it = inst.cond.of_block(inst.imm as u8).collect();
            in_it.reverse();
        }
        let supported = encode_for(&inst, extensions).is_ok();
        Some(Decoded { placed: Placed { address, bytes, inst }, bytes, supported })
    })
}

/// The word of a place with its address filled in.
fn fill(relocation: &Relocation<'_>, old: u32) -> Result<Option<u32>, String> {
    let &Relocation { kind, place, symbol: value, is_function, addend: explicit, name } = relocation;
    let thumb = u32::from(is_function);
    Ok(Some(match kind {
        elf::R_ARM_NONE | elf::R_ARM_V4BX => return Ok(None),
        elf::R_ARM_ABS32 | elf::R_ARM_TARGET1 => (value | thumb).wrapping_add(explicit.unwrap_or(old)),
        elf::R_ARM_REL32 => (value | thumb).wrapping_add(explicit.unwrap_or(old)).wrapping_sub(place),
        elf::R_ARM_THM_PC22 | elf::R_ARM_THM_JUMP24 => {
            let addend = explicit.unwrap_or_else(|| branch_offset(old));
            with_branch_offset(old, (value & !1).wrapping_add(addend).wrapping_sub(place))
        }
        elf::R_ARM_THM_MOVW_ABS_NC | elf::R_ARM_THM_MOVT_ABS => {
            let addend = explicit.unwrap_or_else(|| (half(old) as u16 as i16) as u32);
            let address = value.wrapping_add(addend);
            match kind {
                elf::R_ARM_THM_MOVT_ABS => with_half(old, address >> 16),
                _ => with_half(old, (address | thumb) & 0xffff),
            }
        }
        other => return Err(format!("a relocation of type {other} against `{name}`")),
    }))
}

/// The number in MOVW and MOVT; the first halfword of an instruction is the lower one of the word.
fn half(word: u32) -> u32 {
    let (first, second) = (word & 0xffff, word >> 16);
    (first & 15) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xff
}

fn with_half(word: u32, number: u32) -> u32 {
    let first = word & 0xfbf0 | number >> 12 & 15 | (number >> 11 & 1) << 10;
    let second = word >> 16 & 0x8f00 | (number >> 8 & 7) << 12 | number & 0xff;
    second << 16 | first
}

/// The offset in BL and the widest B.
fn branch_offset(word: u32) -> u32 {
    let (first, second) = (word & 0xffff, word >> 16);
    let sign = first >> 10 & 1;
    let bit = |at: u32| 1 ^ (second >> at & 1) ^ sign;
    let offset = sign << 24 | bit(13) << 23 | bit(11) << 22 | (first & 0x3ff) << 12 | (second & 0x7ff) << 1;
    (((offset << 7) as i32) >> 7) as u32
}

fn with_branch_offset(word: u32, offset: u32) -> u32 {
    let sign = offset >> 24 & 1;
    let bit = |at: u32| 1 ^ (offset >> at & 1) ^ sign;
    let first = word & 0xf800 | sign << 10 | offset >> 12 & 0x3ff;
    let second = word >> 16 & 0xd000 | bit(23) << 13 | bit(22) << 11 | offset >> 1 & 0x7ff;
    second << 16 | first
}
