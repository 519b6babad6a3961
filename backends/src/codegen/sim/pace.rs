//! Cycles of one instruction, in the form that adds up fast: worked out when code is loaded.

use crate::codegen::Cycles;

/// What a step takes, and what jumping from it or to it changes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// Cycles, if the instruction before it ran before it.
    pub(crate) cycles: u8,
    /// What operands can add to them.
    pub(crate) slack: u8,
    /// What changes in its cycles if a branch led to it.
    pub(crate) entered: i8,
    /// Cycles that jumping adds, if the target is in one word, and if it straddles two.
    pub(crate) refill: [u8; 2],
    /// Whether it straddles two words.
    pub(crate) straddles: bool,
    /// For a direct branch: the refill and what changes in the cycles of the target.
    pub(crate) taken: i16,
}

impl Pace {
    /// From the price behind another instruction and behind a branch; `taken` is left to whoever knows the targets.
    pub(crate) fn new(after: Cycles, entered: Cycles, refill: [u32; 2], straddles: bool) -> Self {
        let byte = |cycles: u32| cycles.min(255) as u8;
        Self {
            cycles: byte(after.cycles),
            slack: byte(after.worst.saturating_sub(after.cycles)),
            entered: (entered.cycles as i32 - after.cycles as i32).clamp(-128, 127) as i8,
            refill: refill.map(byte),
            straddles,
            taken: 0,
        }
    }

    /// What jumping to another step costs beyond the cycles of both; the refill alone, where nothing is.
    #[inline(always)]
    pub(crate) fn jump(&self, to: Option<&Self>) -> i16 {
        let nowhere = i16::from(self.refill[0]);
        to.map_or(nowhere, |to| i16::from(self.refill[usize::from(to.straddles)]) + i16::from(to.entered))
    }
}
