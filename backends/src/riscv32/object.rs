//! A program as an object file, with what it costs: the backend's entrance.

use super::architecture::format;
use super::flavor::Flavor;
use super::generate::{self, Functions, Generated};
use super::listing::listing;
use super::timing::Model;
use crate::Object;
use crate::codegen::elf::Assembly;
use crate::native::{self, Function, routines};
use std::collections::BTreeMap;
use tinyc_ir::loops::Program;
use tinyc_targets::{Core, Fidelity};

/// The most code in which a call reaches every function.
const REACH: u32 = 1 << 20;

/// What functions may contain that are compiled for a core; `None` if the core is no RV32.
pub fn machine(core: &Core) -> Option<native::Machine> {
    Some(Flavor::of(core)?.machine())
}

/// Compiles a verified program for a core; `None` if the core is no RV32.
pub fn compile(program: &Program, core: &Core) -> Option<Object> {
    let module = native::build(program, &machine(core)?);
    compile_functions(&program.name, &module, core)
}

/// Compiles functions that are made for the core's [`machine`]; the last one is the entry. `None` if the core is no RV32.
pub fn compile_functions(name: &str, module: &native::Module, core: &Core) -> Option<Object> {
    let mut flavor = Flavor::of(core)?;
    let model = Model::new(core);
    let routines = routines::closure(module.routines.iter().copied(), &flavor.machine());
    let entry = module.functions.len() - 1;
    let functions: Vec<&Function> = module.functions.iter().chain(routines.values()).collect();
    let generate = |flavor: Flavor| -> Vec<Generated> {
        functions.iter().map(|function| generate::function(function, flavor, &model)).collect()
    };
    let mut all = generate(flavor);
    if all.iter().map(|function| function.layout.bytes + 4).sum::<u32>() > REACH {
        flavor.far_calls = true;
        all = generate(flavor);
    }
    let names = routines.keys().enumerate();
    let positions: BTreeMap<_, _> = names.map(|(at, &name)| (name, module.functions.len() + at)).collect();
    let all = Functions::new(all, positions);
    let assembly = Assembly::new(name, all.assemble(entry, flavor), &module.data);
    let comments: Vec<&str> = functions.iter().map(|function| function.comment.as_str()).collect();
    let format = format(flavor, core);
    let known = model.fidelity() == Fidelity::Exact;
    Some(Object {
        elf: assembly.object(&format),
        listing: Some(listing(&all, &assembly, &comments, core)),
        code_bytes: assembly.code(&format.filler).len() as u32,
        ..Object::new(&all, entry, module, known, |layout| layout.bytes)
    })
}
