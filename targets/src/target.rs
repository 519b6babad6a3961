//! What the user compiles for: a core, perhaps on a chip, perhaps on a board.

use serde::Serialize;

use crate::chip::{Board, Chip, EnergyEstimate};
use crate::cpu::Core;
use crate::error::TargetFileError;
use crate::file;

/// What `--target` names. A bare core has no memory limits, no clock and no energy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// The core; always known.
    pub core: Core,
    /// The chip, if the user named one or a board that carries one.
    pub chip: Option<Chip>,
    /// The board, if the user named one; one of `chip.boards`.
    pub board: Option<Board>,
}

impl Target {
    /// Reads a user's own target: a chip file (`core = "cortex-m4"` and memories), or a core file (`isa = "arm"`).
    ///
    /// # Errors
    /// What is wrong with the text, with line numbers: TOML that does not parse, unknown or missing keys, a core or
    /// source that does not exist, figures that cannot be (zero sizes, `worst` below `cycles`).
    pub fn from_toml(text: &str) -> Result<Target, TargetFileError> {
        file::target(text)
    }

    /// The most specific name: board, else chip, else core.
    pub fn name(&self) -> &str {
        match (&self.board, &self.chip) {
            (Some(board), _) => &board.name,
            (None, Some(chip)) => &chip.name,
            (None, None) => &self.core.name,
        }
    }

    /// All RAM of the chip, in bytes; `None` for a bare core.
    pub fn ram_bytes(&self) -> Option<u64> {
        self.chip.as_ref().map(Chip::ram_bytes)
    }

    /// The largest contiguous RAM, in bytes: the limit of an arena; `None` for a bare core.
    pub fn largest_ram_bytes(&self) -> Option<u64> {
        self.chip.as_ref().map(Chip::largest_ram_bytes)
    }

    /// Flash for code and weights, in bytes: the chip's own, else the board's; `None` where neither is known.
    pub fn flash_bytes(&self) -> Option<u64> {
        let on_board = || self.board.as_ref()?.external_flash_bytes.as_ref().map(|figure| figure.value);
        self.chip.as_ref()?.flash_bytes().or_else(on_board)
    }

    /// The chip's highest clock, in hertz; `None` for a bare core.
    pub fn clock_hz(&self) -> Option<u64> {
        self.chip.as_ref().map(|chip| chip.clock_hz.value)
    }

    /// What one cycle costs, if the chip is known and anything is known about it.
    pub fn energy(&self) -> Option<EnergyEstimate> {
        self.chip.as_ref()?.energy()
    }
}
