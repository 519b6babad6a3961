//! A program as an object file, with what it costs: the backend's entrance.

use super::Architecture;
use super::count::Total;
use super::elf::{Assembly, Constants, Label};
use super::flavor::Flavor;
use super::generate::{self, Functions, Generated};
use super::listing::listing;
use super::timing::Model;
use crate::native::{self, routines};
use std::collections::BTreeMap;
use tinyc_ir::loops::Program;
use tinyc_targets::{Core, Fidelity};

/// A compiled program.
#[derive(Clone, Debug)]
pub struct Object {
    /// The ELF file.
    pub elf: Vec<u8>,
    /// The same as assembly text, each instruction with its cycles.
    pub listing: String,
    /// The symbol of the entry function.
    pub entry: String,
    /// One row per call of the program, in order.
    pub layers: Vec<Layer>,
    /// One run of the network, the calls and the entry function included.
    pub total: Cost,
    /// Bytes of instructions and of the words among them.
    pub code_bytes: u32,
    /// Bytes of weights and tables.
    pub constant_bytes: u32,
    /// The most stack that a run takes, in bytes.
    pub stack_bytes: u32,
}

/// One layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What its kernel takes.
    pub cost: Cost,
    /// Bytes of its kernel's code; layers that share a kernel share them.
    pub code_bytes: u32,
}

/// What something takes with memory that never waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Instructions executed; on Armv6-M the most, because it branches over an instruction to choose between two values.
    pub instructions: u64,
    /// Cycles; where they depend on data, typical ones for each instruction and the longest way.
    pub cycles: u64,
    /// The most cycles that data can make of it.
    pub worst: u64,
    /// Whether every run takes just these cycles.
    pub exact: bool,
}

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
    let labels = module.data.labels.iter();
    let assembly = Assembly {
        name: name.to_owned(),
        functions: functions.assemble(entry, flavor),
        constants: Constants {
            bytes: module.data.bytes.clone(),
            align: module.data.align,
            labels: labels
                .map(|label| Label { name: label.name.clone(), offset: label.offset, bytes: label.len })
                .collect(),
        },
    };
    let known = model.fidelity() == Fidelity::Exact;
    let layers = functions.kernels_called(entry).map(|(at, total)| Layer {
        cost: Cost::new(total, known),
        code_bytes: functions.all[at].layout.bytes,
    });
    Some(Object {
        elf: assembly.object(core, architecture),
        listing: listing(&functions, &assembly, &comments, core),
        entry: assembly.functions[entry].name.clone(),
        layers: layers.collect(),
        total: Cost::new(functions.total(entry), known),
        code_bytes: assembly.code(architecture).len() as u32,
        constant_bytes: module.data.bytes.len() as u32,
        stack_bytes: functions.stack(entry),
    })
}

impl Cost {
    fn new(total: Total, known: bool) -> Self {
        let Total { instructions, cycles, worst, exact } = total;
        Self { instructions, cycles, worst, exact: exact && known }
    }
}
