//! Calls between the functions of an object, resolved, and addresses of constants, which the linker fills in.

use super::collect::{Collector, callee};
use crate::codegen::elf::{Assembly, Constants, Field, Function, Reference, Target};
use crate::cranelift::Error;
use cranelift_codegen::binemit::Reloc;
use cranelift_module::{FuncId, Module, ModuleReloc, ModuleRelocTarget};
use object::elf;

/// The functions of an object in the order of their definitions; `entry` is the one that others call.
///
/// # Errors
/// Something that is not in the object: a function of a library, say.
pub(super) fn functions(collector: Collector, entry: FuncId) -> Result<Vec<Function>, Error> {
    let mut ids = Vec::new();
    let mut relocations = Vec::new();
    let mut functions = Vec::new();
    for function in &collector.functions {
        let name = collector.declarations().get_function_decl(function.id).linkage_name(function.id);
        ids.push(function.id);
        relocations.push(function.relocations.as_slice());
        functions.push(Function {
            name: name.into_owned(),
            global: function.id == entry,
            align: function.align,
            bytes: function.bytes.clone(),
            data: Vec::new(),
            references: Vec::new(),
        });
    }
    let mut assembly = Assembly { name: String::new(), functions, constants: Constants::default() };
    let positions = assembly.positions();
    for (at, function) in assembly.functions.iter_mut().enumerate() {
        for relocation in relocations[at] {
            let place = callee(&relocation.name).and_then(|callee| ids.iter().position(|&id| id == callee));
            let here = i64::from(positions[at]) + i64::from(relocation.offset);
            let distance = place.map(|place| i64::from(positions[place]) - here + relocation.addend);
            match distance.zip(call(relocation.kind)) {
                Some((distance, fill)) => {
                    fill(&mut function.bytes[relocation.offset as usize..], distance as i32)
                }
                None => function.references.push(reference(relocation)?),
            }
        }
    }
    Ok(assembly.functions)
}

/// How a call is filled with the distance to its callee, if the relocation is one of a call.
fn call(kind: Reloc) -> Option<fn(&mut [u8], i32)> {
    match kind {
        // AUIPC and JALR, whose immediate is signed.
        Reloc::RiscvCallPlt => Some(|code, distance| {
            let upper = distance.wrapping_add(0x800) & !0xfff;
            set(code, 0, upper as u32);
            set(code, 4, ((distance - upper) as u32) << 20);
        }),
        // BL.
        Reloc::Arm64Call => Some(|code, distance| set(code, 0, (distance as u32 >> 2) & 0x03ff_ffff)),
        _ => None,
    }
}

/// Sets bits that are 0 of an instruction.
fn set(code: &mut [u8], at: usize, bits: u32) {
    for (byte, bits) in code[at..at + 4].iter_mut().zip(bits.to_le_bytes()) {
        *byte |= bits;
    }
}

/// What is left to the linker.
fn reference(relocation: &ModuleReloc) -> Result<Reference, Error> {
    let field = match relocation.kind {
        Reloc::RiscvPCRelHi20 => elf::R_RISCV_PCREL_HI20,
        Reloc::RiscvPCRelLo12I => elf::R_RISCV_PCREL_LO12_I,
        Reloc::Aarch64AdrPrelPgHi21 => elf::R_AARCH64_ADR_PREL_PG_HI21,
        Reloc::Aarch64AddAbsLo12Nc => elf::R_AARCH64_ADD_ABS_LO12_NC,
        kind => return Err(Error::Foreign(format!("{} by {kind:?}", relocation.name))),
    };
    let to = match relocation.name {
        ModuleRelocTarget::FunctionOffset(_, offset) => Target::Code(offset),
        ModuleRelocTarget::User { namespace: 1, .. } => Target::Constant(relocation.addend as u32),
        _ => return Err(Error::Foreign(relocation.name.to_string())),
    };
    Ok(Reference { offset: relocation.offset, field: Field(field), to })
}
