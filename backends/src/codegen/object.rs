//! A program as an object file, with what it costs: what every native backend makes.

use super::elf::{Assembly, Constants, Function, Label};
use super::total::{Functions, Total};
use crate::native::Module;

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
    /// Instructions executed; the most, on a core that branches over an instruction to choose between two values.
    pub instructions: u64,
    /// Cycles; where they depend on data, typical ones for each instruction and the longest way.
    pub cycles: u64,
    /// The most cycles that data can make of it.
    pub worst: u64,
    /// Whether every run takes just these cycles.
    pub exact: bool,
}

impl Cost {
    /// What was counted; `known` if the core's timing is documented.
    fn new(total: Total, known: bool) -> Self {
        let Total { instructions, cycles, worst, exact } = total;
        Self { instructions, cycles, worst, exact: exact && known }
    }
}

impl Object {
    /// An object without its file and listing: `entry` is the position of the function that others call, `code_bytes` what all
    /// functions take, `bytes` what one takes.
    pub(crate) fn new<L>(
        functions: &Functions<L>,
        entry: usize,
        module: &Module,
        known: bool,
        bytes: impl Fn(&L) -> u32,
    ) -> Self {
        let layers = functions.kernels_called(entry).map(|(at, total)| Layer {
            cost: Cost::new(total, known),
            code_bytes: bytes(&functions.all[at].layout),
        });
        Self {
            elf: Vec::new(),
            listing: String::new(),
            entry: functions.all[entry].name.clone(),
            layers: layers.collect(),
            total: Cost::new(functions.total(entry), known),
            code_bytes: 0,
            constant_bytes: module.data.bytes.len() as u32,
            stack_bytes: functions.stack(entry),
        }
    }
}

impl Assembly {
    /// A module's functions, encoded, with its constants.
    pub(crate) fn new(name: &str, functions: Vec<Function>, module: &Module) -> Self {
        let labels = module.data.labels.iter();
        let constants = Constants {
            bytes: module.data.bytes.clone(),
            align: module.data.align,
            labels: labels
                .map(|label| Label { name: label.name.clone(), offset: label.offset, bytes: label.len })
                .collect(),
        };
        Self { name: name.to_owned(), functions, constants }
    }
}
