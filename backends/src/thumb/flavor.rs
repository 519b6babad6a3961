//! What code generation asks of a core: the questions of a Thumb instruction set, answered from the target's features.

use super::isa::{self, Extension, Extensions, Inst, Reg};
use crate::native::{Machine, Width};
use tinyc_targets::Core;

/// A Thumb instruction set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Flavor {
    /// What the table of instructions knows it by.
    pub extensions: Extensions,
    /// The 32-bit instructions of Armv7-M; without it, Armv6-M.
    pub thumb2: bool,
    /// The packed instructions.
    pub dsp: bool,
    /// Single-precision floats.
    pub float: bool,
    /// Whether fetching a 32-bit instruction across a word border can cost time.
    pub fetches_words: bool,
}

impl Flavor {
    /// The instruction set of a core; `None` if it is no Cortex-M.
    pub(super) fn of(core: &Core) -> Option<Self> {
        let extensions = Extensions::of(core)?;
        Some(Self {
            extensions,
            thumb2: extensions.has(Extension::Main),
            dsp: extensions.has(Extension::Dsp),
            float: extensions.has(Extension::Float),
            fetches_words: core.timing.as_ref().is_some_and(|timing| timing.target_straddle_extra.is_some()),
        })
    }

    /// Bytes of an instruction's encoding, if it has one here.
    pub(super) fn fits(self, inst: &Inst<Reg>) -> Option<u32> {
        isa::encode_for(inst, self.extensions).ok().map(|encoding| encoding.size())
    }

    /// Bytes of the encoding of an instruction that selection chose for this instruction set.
    pub(super) fn bytes(self, inst: &Inst<Reg>) -> u32 {
        self.fits(inst).unwrap_or_else(|| unreachable!("selection emits what the core has: {inst}"))
    }

    /// What functions may contain.
    pub(super) fn machine(self) -> Machine {
        Machine {
            multiply: true,
            multiply_long: self.thumb2,
            divide: self.thumb2,
            count_leading_zeros: self.thumb2,
            saturate: self.thumb2,
            dsp: self.dsp,
            float: self.float,
            half: self.float,
            registers: if self.thumb2 { 14 } else { 8 },
            add: if self.thumb2 { (-4095, 4095) } else { (-255, 255) },
            offset: if self.thumb2 { wide_offset } else { narrow_offset },
        }
    }
}

/// Offsets of the 32-bit loads and stores.
fn wide_offset(width: Width) -> (i32, i32) {
    match width {
        Width::Float => (-1020, 1020),
        _ => (-255, 4095),
    }
}

/// Offsets of the 16-bit loads and stores; a signed load is an unsigned one and an extension.
fn narrow_offset(width: Width) -> (i32, i32) {
    (0, 31 * width.bytes() as i32)
}
