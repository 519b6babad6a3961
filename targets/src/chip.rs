//! A chip: a core with memories, a clock and an appetite, and the boards that carry it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cpu::source_text;
use crate::figure::{Figure, Source};

/// Supply voltage taken where a vendor gives only a current, in volts. An assumption of ours, not a figure of a chip.
pub const SUPPLY_VOLTS_ASSUMED: f64 = 3.0;

/// What a memory can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryKind {
    /// Read-only at run time, on the chip or in its package: code and weights.
    Flash,
    /// Read-only at run time, a separate part on the board, reached through a cache.
    ExternalFlash,
    /// Readable and writable: arena, state, stack.
    Ram,
}

/// One memory of a chip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Its name in the vendor's documents, unique within the chip.
    pub name: String,
    /// What it can hold.
    pub kind: MemoryKind,
    /// Size in bytes. Contiguous: a tensor never spans two memories.
    pub bytes: Figure<u64>,
    /// Cycles that a fetch of one line waits at the chip's `clock_hz`, beyond the core's own timing. Absent: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_states: Option<Figure<u32>>,
    /// Bytes that one access of the memory delivers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_bytes: Option<Figure<u32>>,
}

/// Energy per cycle, measured while the chip ran neural networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Energy {
    /// Lowest published value, in picojoules per cycle.
    pub low_picojoules_per_cycle: f64,
    /// Highest published value, in picojoules per cycle.
    pub high_picojoules_per_cycle: f64,
    /// Supply, regulator and other circumstances.
    pub conditions: String,
    /// Where it was published.
    pub source: Source,
}

/// A board that carries a chip; its name is an alias of the chip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// The name that `--target` takes: lower case, unique among cores, chips and boards.
    pub name: String,
    /// Flash on the board, for chips that have none of their own, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_flash_bytes: Option<Figure<u64>>,
}

/// A chip, read from one file of `chips/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chip {
    /// The name that `--target` takes: lower case, unique among cores, chips and boards.
    pub name: String,
    /// Other names for the same chip; also unique.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Who makes it.
    pub vendor: String,
    /// The name of its core, as in `cores/`.
    pub core: String,
    /// What a user should know before relying on the figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Citations, by the short names that figures use.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// The highest clock, in hertz.
    pub clock_hz: Figure<u64>,
    /// Instruction cache in bytes, where the chip has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction_cache_bytes: Option<Figure<u32>>,
    /// Data cache in bytes, where the chip has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_cache_bytes: Option<Figure<u32>>,
    /// Current in run mode, in microamperes per megahertz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microamps_per_mhz: Option<Figure<f64>>,
    /// Memories; TOML writes them as `[[memory]]`.
    #[serde(rename = "memory")]
    pub memories: Vec<Memory>,
    /// Measured energy, the most typical first; TOML writes them as `[[energy]]`.
    #[serde(default, rename = "energy")]
    pub energies: Vec<Energy>,
    /// Boards that carry the chip; TOML writes them as `[[board]]`.
    #[serde(default, rename = "board")]
    pub boards: Vec<Board>,
}

/// What one cycle costs on a chip, and how far to believe it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EnergyEstimate {
    /// Picojoules per cycle: the middle of the first measurement, else current times assumed supply.
    pub picojoules_per_cycle: f64,
    /// Whether it was measured under neural-network load; if not, it is current × [`SUPPLY_VOLTS_ASSUMED`].
    pub measured: bool,
    /// The source of the measurement or of the current.
    pub source: Source,
}

impl Chip {
    /// All RAM of the chip together, in bytes. One buffer fits only in [`Chip::largest_ram_bytes`].
    pub fn ram_bytes(&self) -> u64 {
        self.bytes_of(MemoryKind::Ram).fold(0, u64::saturating_add)
    }

    /// The largest contiguous RAM, in bytes: the limit of an arena.
    pub fn largest_ram_bytes(&self) -> u64 {
        self.bytes_of(MemoryKind::Ram).max().unwrap_or(0)
    }

    /// Flash on the chip, in bytes; `None` for a chip that has none and runs from a part on the board.
    pub fn flash_bytes(&self) -> Option<u64> {
        self.bytes_of(MemoryKind::Flash).reduce(u64::saturating_add)
    }

    /// What one cycle costs, if anything is known about it.
    pub fn energy(&self) -> Option<EnergyEstimate> {
        let measured = self.energies.first().map(|energy| EnergyEstimate {
            picojoules_per_cycle: (energy.low_picojoules_per_cycle + energy.high_picojoules_per_cycle) / 2.0,
            measured: true,
            source: energy.source.clone(),
        });
        // 1 µA/MHz is 1 pC per cycle, so volts turn it into picojoules.
        measured.or_else(|| {
            self.microamps_per_mhz.as_ref().map(|current| EnergyEstimate {
                picojoules_per_cycle: current.value * SUPPLY_VOLTS_ASSUMED,
                measured: false,
                source: current.source.clone(),
            })
        })
    }

    /// The citation behind a figure's source; `"unsourced"` for one that has none.
    pub fn source_text<'a>(&'a self, source: &'a Source) -> &'a str {
        source_text(&self.sources, source)
    }

    fn bytes_of(&self, kind: MemoryKind) -> impl Iterator<Item = u64> {
        self.memories.iter().filter(move |memory| memory.kind == kind).map(|memory| memory.bytes.value)
    }
}
