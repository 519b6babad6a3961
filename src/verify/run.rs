//! What a machine hands back after it ran a network: bytes to compare and counts. With it what a network takes of memory.

use crate::report::ChipCycles;
use object::{Object, ObjectSection, SectionKind};

/// Results of some samples.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// The outputs, sample by sample.
    pub(super) outputs: Vec<u8>,
    /// Every tensor that is compared, for each traced sample, in the order in which layers complete them.
    pub(super) traced: Vec<u8>,
    /// Instructions of each sample; empty if they are not counted.
    pub(super) instructions: Vec<u64>,
    /// Cycles of each sample; empty if they are not counted.
    pub(super) cycles: Vec<u64>,
    /// Cycles of the first sample with the flash of the target's chip, if both are known.
    pub(super) on_chip: Option<ChipCycles>,
    /// Bytes of stack below the caller of `run`.
    pub(super) stack: u64,
    /// Cycles and instructions of each layer in the first sample; empty if they are not counted.
    pub(super) layers: Vec<Spent>,
}

/// Time that a layer took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    /// Cycles.
    pub(super) cycles: u64,
    /// Instructions.
    pub(super) instructions: u64,
}

/// Memory that a network takes in a firmware, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Footprint {
    /// Code, with what it needs of the compiler's support library.
    pub(super) code: u64,
    /// Weights and tables.
    pub(super) constants: u64,
    /// Variables of its own.
    pub(super) variables: u64,
}

impl Run {
    /// Adds the results of later samples. Layers stay those of the first, the stack is the deepest.
    pub(super) fn add(&mut self, later: Self) {
        self.outputs.extend(later.outputs);
        self.traced.extend(later.traced);
        self.instructions.extend(later.instructions);
        self.cycles.extend(later.cycles);
        self.stack = self.stack.max(later.stack);
        if self.layers.is_empty() {
            self.layers = later.layers;
            self.on_chip = later.on_chip;
        }
    }
}

impl Footprint {
    /// The sizes of an object's sections.
    pub(super) fn of_object(elf: &[u8]) -> Result<Self, object::Error> {
        let mut taken = Self::default();
        for section in object::File::parse(elf)?.sections() {
            match section.kind() {
                SectionKind::Text => taken.code += section.size(),
                SectionKind::ReadOnlyData | SectionKind::ReadOnlyString => taken.constants += section.size(),
                SectionKind::Data | SectionKind::UninitializedData => taken.variables += section.size(),
                _ => {}
            }
        }
        Ok(taken)
    }
}
