//! A program as an object file for a 64-bit machine. The same face, sections and constants as the other native backends have, without
//! a count of cycles.

mod architecture;
mod body;
mod collect;
mod link;
mod routine;

use super::{Checks, Definition, Entry, Error};
use crate::Layer;
use crate::Object;
use crate::codegen::elf::Assembly;
use architecture::Architecture;
use collect::Collector;
use cranelift_module::Module;
use std::collections::BTreeMap;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::Program;
use tinyc_targets::Core;

/// Compiles a verified program.
///
/// # Errors
/// What Cranelift has against it; no user can mend that.
///
/// # Panics
/// For a core that has no 64-bit instructions.
pub fn compile(program: &Program, core: &Core) -> Result<Object, Error> {
    let architecture = Architecture::of(core.isa);
    let mut collector = Collector::new(architecture.isa());
    let mut routines = BTreeMap::new();
    let mut math = BTreeMap::new();
    for (name, routine) in routine::math() {
        math.insert(name, routine::declare(&mut collector, &mut routines, routine)?);
    }
    let definition = Definition {
        module: &mut collector,
        program,
        checks: Checks::None,
        vectors: architecture.vectors,
        entry: Entry::Arguments,
        math,
    };
    let defined = definition.define("")?;
    let wanted = routine::math().filter(|(name, _)| defined.math.contains(name)).map(|(_, routine)| routine);
    routine::define(&mut collector, &mut routines, wanted.collect())?;

    let name =
        collector.declarations().get_function_decl(defined.entry).linkage_name(defined.entry).into_owned();
    let stack_bytes = collector.stack(defined.entry);
    // Kernels come first, in the program's order.
    let kernel_bytes: Vec<u32> = collector.functions.iter().map(|f| f.bytes.len() as u32).collect();
    let layers =
        program.calls.iter().map(|call| Layer { cost: None, code_bytes: kernel_bytes[call.kernel.index()] });
    let functions = link::functions(collector, defined.entry)?;
    let assembly = Assembly::new(&program.name, functions, &defined.data);
    let format = architecture.format();
    Ok(Object {
        elf: assembly.object(&format),
        listing: None,
        entry: name,
        layers: layers.collect(),
        total: None,
        code_bytes: assembly.code(&format.filler).len() as u32,
        constant_bytes: defined.data.bytes.len() as u32,
        stack_bytes,
    })
}
