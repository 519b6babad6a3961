//! A processor core: features, timing, and how to build for it and simulate it. Memories belong to the chip.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::features::Features;
use crate::figure::Source;
use crate::timing::Timing;
use crate::toolchain::{Gcc, Qemu};

/// The family of instruction sets, which decides the backend, the start-up code and the calling convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isa {
    /// Thumb code of ARMv6-M, ARMv7-M, ARMv7E-M or ARMv8-M.
    Arm,
    /// RV32 with the standard extensions that the core names.
    Riscv32,
    /// RV64 with the extensions of `rv64gc`.
    Riscv64,
    /// A64 code of Armv8-A, with floats and vectors.
    Aarch64,
}

impl Isa {
    /// Whether code is chosen, and cycles are counted, by figures of [`Timing`]. Where not, a core has none.
    pub fn is_timed(self) -> bool {
        match self {
            Self::Arm | Self::Riscv32 => true,
            Self::Riscv64 | Self::Aarch64 => false,
        }
    }
}

/// A processor core, read from one file of `cores/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// The name that `--target` takes: lower case, unique among cores, chips and boards.
    pub name: String,
    /// Other names for the same core; also unique.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// One line for a person who chooses.
    pub description: String,
    /// The family of instruction sets.
    pub isa: Isa,
    /// The architecture's own name, such as `armv7e-m` or `rv32imc`.
    pub architecture: String,
    /// The rustc target triple for the same code.
    pub rust_target: String,
    /// Citations, by the short names that figures use.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// What the instruction set can do.
    pub features: Features,
    /// What instructions cost; there exactly where [`Isa::is_timed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// How to compile for the core.
    pub gcc: Gcc,
    /// How to simulate it.
    pub qemu: Qemu,
}

impl Core {
    /// Whether the high half of a 32×32 product costs one instruction of one cycle, which decides the form of
    /// requantisation.
    pub fn single_cycle_multiply_high(&self) -> bool {
        let cost = self.timing.as_ref().and_then(|timing| timing.multiply_high.as_ref());
        self.features.multiply_high && cost.is_some_and(|cost| cost.cycles == 1)
    }

    /// The citation behind a figure's source; `"unsourced"` for one that has none.
    pub fn source_text<'a>(&'a self, source: &'a Source) -> &'a str {
        source_text(&self.sources, source)
    }
}

/// The citation behind `source` in a file's table.
pub(crate) fn source_text<'a>(sources: &'a BTreeMap<String, String>, source: &'a Source) -> &'a str {
    match source {
        Source::Unsourced => "unsourced",
        Source::Cited(key) => sources.get(key).map_or(key, String::as_str),
    }
}
