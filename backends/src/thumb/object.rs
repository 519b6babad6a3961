//! A program as an object file, with what it costs: the backend's entrance.

use super::Architecture;
use super::flavor::Flavor;
use super::generate::{self, Functions, Generated};
use super::listing::listing;
use super::timing::Model;
use crate::Object;
use crate::codegen::elf::Assembly;
use crate::native::{self, routines};
use std::collections::BTreeMap;
use tinyc_ir::loops::Program;
use tinyc_targets::{Core, Fidelity};

/// What functions may contain that are compiled for a core; `None` if the core is not an Arm Cortex-M.
pub fn machine(core: &Core) -> Option<native::Machine> {
    Some(Flavor::of(core)?.machine())
}

/// Compiles a verified program for a core; `None` if the core is not an Arm Cortex-M.
pub fn compile(program: &Program, core: &Core) -> Option<Object> {
    let module = native::build(program, &machine(core)?);
    compile_functions(&program.name, &module, core)
}

/// Compiles functions that are made for the core's [`machine`]; the last one is the entry. `None` if the core is
/// not an Arm Cortex-M.
pub fn compile_functions(name: &str, module: &native::Module, core: &Core) -> Option<Object> {
    let (flavor, architecture) = (Flavor::of(core)?, Architecture::of(core)?);
    let machine = flavor.machine();
    let model = Model::new(core);
    let mut all: Vec<Generated> =
        module.functions.iter().map(|function| generate::function(function, flavor, &model)).collect();
    let entry = all.len() - 1;
    let mut comments: Vec<String> = module.functions.iter().map(|f| f.comment.clone()).collect();
    let mut positions = BTreeMap::new();
    for routine in routines::closure(module.routines.iter().copied(), &machine) {
        positions.insert(routine.0, all.len());
        comments.push(routine.1.comment.clone());
        all.push(generate::function(&routine.1, flavor, &model));
    }
    let functions = Functions::new(all, positions);
    let assembly = Assembly::new(name, functions.assemble(entry, flavor), &module.data);
    let known = model.fidelity() == Fidelity::Exact;
    let format = architecture.format(core);
    Some(Object {
        elf: assembly.object(&format),
        listing: Some(listing(&functions, &assembly, &comments, core)),
        code_bytes: assembly.code(&format.filler).len() as u32,
        ..Object::new(&functions, entry, module, known, |layout| layout.bytes)
    })
}
