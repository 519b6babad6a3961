//! The figures of one core, and the rules for cores that start one instruction at a time.

use tinyc_targets::{Core, Cycles, Fidelity, Timing};

use super::Cost;
use super::class::{Class, Facts, Registers};
use super::dual::Slots;
use super::price::Placed;
use crate::thumb::isa::{Inst, Reg};

/// The cycle model of a core. Made once; everything it says follows from the core's file.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) timing: Timing,
}

/// A run of instructions in the order of execution, without taken branches. Costs depend on what was issued before.
#[derive(Clone, Debug)]
pub struct Pipeline<'a> {
    model: &'a Model,
    before: Option<(Facts, u32)>,
    slots: Slots,
}

impl Model {
    /// The model of a core.
    pub fn new(core: &Core) -> Self {
        Self { timing: core.timing.clone().expect("a core of this instruction set has figures") }
    }

    /// How far its sums can be trusted.
    pub fn fidelity(&self) -> Fidelity {
        self.timing.fidelity
    }

    /// The figures.
    pub(in crate::thumb) fn timing(&self) -> &Timing {
        &self.timing
    }

    /// An empty pipeline, as behind a taken branch.
    pub fn pipeline(&self) -> Pipeline<'_> {
        Pipeline { model: self, before: None, slots: Slots::default() }
    }

    /// Cycles that a taken branch, call, return, or load of the program counter adds to its own cost. `straddles`: whether
    /// the target does (see [`Placed::straddles`]). Zero for instructions that do not jump.
    pub fn refill(&self, branch: &Inst<Reg>, straddles: bool) -> u32 {
        let facts = Facts::of(branch);
        if !facts.jumps {
            return 0;
        }
        let timing = &self.timing;
        let own = timing.branch_not_taken.cycles;
        let longest = cycles(timing.jump_loaded_extra.as_ref());
        let refill = match facts.class {
            Class::Branch => timing.branch_taken.cycles.saturating_sub(own),
            Class::Call => timing.call.cycles.saturating_sub(own),
            Class::TableBranch => {
                return cycles(timing.table_branch.as_ref()).saturating_sub(TABLE_LOOKUP);
            }
            _ if facts.loads_pc => longest,
            _ => timing.jump_register.cycles.saturating_sub(own),
        };
        let straddle = if straddles { cycles(timing.target_straddle_extra.as_ref()) } else { 0 };
        (refill + straddle).min(longest.max(refill))
    }

    /// The same for a branch to a known instruction.
    pub fn refill_to(&self, branch: &Inst<Reg>, target: &Placed) -> u32 {
        self.refill(branch, target.straddles())
    }

    /// Whether instructions start in pairs.
    pub(super) fn pairs(&self) -> bool {
        self.timing.issue_width.value > 1
    }

    /// The cost of an instruction by itself.
    pub(super) fn base(&self, facts: &Facts) -> Cost {
        let timing = &self.timing;
        let many = |count: u32| {
            cycles(timing.multiple.as_ref()) + count * cycles(timing.multiple_register.as_ref()).max(1)
        };
        let typical = |figure: Option<&Cycles>| Cost::fixed(cycles(figure).max(1));
        let operands = |figure: Option<&Cycles>| Cost {
            cycles: cycles(figure).max(1),
            worst: figure.map_or(1, Cycles::worst),
        };
        match facts.class {
            Class::Alu => typical(Some(&timing.alu)),
            Class::Multiply => typical(timing.multiply.as_ref()),
            Class::MultiplyAccumulate => typical(timing.multiply_accumulate.as_ref()),
            Class::MultiplyLong => operands(timing.multiply_long.as_ref()),
            Class::MultiplyLongAccumulate => operands(timing.multiply_long_accumulate.as_ref()),
            Class::MultiplyHigh => typical(timing.multiply_high.as_ref()),
            Class::Dsp | Class::DspMultiply => typical(timing.dsp.as_ref()),
            Class::Saturate => typical(timing.saturate.as_ref()),
            Class::Divide => operands(timing.divide.as_ref()),
            Class::Load => typical(Some(&timing.load)),
            Class::Store => typical(Some(&timing.store)),
            Class::StoreIndexed => typical(timing.store_register_offset.as_ref()),
            Class::LoadMany(count) | Class::StoreMany(count) => Cost::fixed(many(count)),
            Class::Branch | Class::Call | Class::Jump => typical(Some(&timing.branch_not_taken)),
            Class::TableBranch => Cost::fixed(TABLE_LOOKUP),
            Class::ConditionalBlock => typical(timing.conditional_block.as_ref()),
            Class::Status => typical(timing.status_register.as_ref()),
            Class::FloatAlu => typical(timing.float_alu.as_ref()),
            Class::FloatAccumulate => typical(timing.float_multiply_accumulate.as_ref()),
            Class::FloatDivide => typical(timing.float_divide.as_ref()),
            Class::FloatSqrt => typical(timing.float_sqrt.as_ref()),
            Class::FloatLoad => typical(timing.float_load.as_ref()),
            Class::FloatStore => typical(timing.float_store.as_ref()),
            Class::FloatMove => typical(timing.float_move.as_ref()),
            Class::FloatMovePair => typical(timing.float_move_pair.as_ref().or(timing.float_move.as_ref())),
        }
    }

    /// The cost of an instruction right behind another; `bytes` is the size of that other.
    fn after(&self, before: &Facts, bytes: u32, facts: &Facts) -> Cost {
        let timing = &self.timing;
        let mut cost = self.base(facts);
        let single = before.class == Class::Load && !before.writeback && !before.loads_pc;
        let apart = !before.loaded.meets(facts.address);
        let next = match facts.class {
            Class::Load if single && apart && !facts.writeback && !facts.loads_pc => Some(&timing.load_next),
            Class::StoreIndexed if single && apart => timing.store_register_offset_next.as_ref(),
            Class::ConditionalBlock if bytes == 2 && !before.jumps => {
                timing.conditional_block_folded.as_ref()
            }
            _ => None,
        };
        if let Some(next) = next {
            cost = Cost::fixed(next.cycles);
        }
        let mut stall = |figure: Option<&Cycles>, holds: bool| {
            if holds {
                cost = cost + Cost::fixed(cycles(figure));
            }
        };
        let addresses = facts.class != Class::TableBranch;
        stall(
            timing.address_stall.as_ref(),
            addresses && before.computes() && before.made.meets(facts.address),
        );
        stall(timing.load_use_stall.as_ref(), before.loaded.meets(facts.used.or(facts.address)));
        let product = before.multiplies() || before.class == Class::Dsp;
        stall(timing.multiply_use_stall.as_ref(), product && before.made.meets(facts.used.or(facts.address)));
        stall(timing.float_use_stall.as_ref(), before.float_latency && before.made.meets(facts.used));
        cost
    }
}

/// What TBB and TBH cost before the pipeline refills: the load of the table's entry.
const TABLE_LOOKUP: u32 = 2;

pub(super) fn cycles(figure: Option<&Cycles>) -> u32 {
    figure.map_or(0, |figure| figure.cycles)
}

impl Pipeline<'_> {
    /// Empties the pipeline, as a taken branch does.
    pub fn enter(&mut self) {
        self.before = None;
        self.slots = Slots::default();
    }

    /// Takes the next instruction, whose encoding has `bytes` bytes, and says what it adds to the cycles so far. On a core that
    /// starts two at a time that can be nothing.
    pub fn issue(&mut self, inst: &Inst<Reg>, bytes: u32) -> Cost {
        let facts = Facts::of(inst);
        let cost = if self.model.pairs() {
            self.slots.issue(self.model, &facts)
        } else {
            match &self.before {
                Some((before, bytes)) => self.model.after(before, *bytes, &facts),
                None => self.model.base(&facts),
            }
        };
        self.before = Some((facts, bytes));
        cost
    }
}

impl Registers {
    /// All registers that an instruction writes late or at once.
    pub(super) fn written(facts: &Facts) -> Self {
        facts.made.or(facts.loaded)
    }
}
