//! What instructions cost, from the figures of `targets/cores`, with memory that never waits: the same prices for the static
//! count and the simulator.
//!
//! One instruction starts at a time, in order. The next one waits for a loaded value (but for what it stores), a product or
//! a float result by the core's stalls. A taken branch costs `branch_taken` in place of `branch_not_taken`, and more where the
//! target is a 32-bit instruction across a word boundary. Predictors are not modelled: their figures have a range.

use super::isa::{Class, Inst, Op, Reg};
use crate::codegen::{Cycles as Cost, Field, Role};
use tinyc_targets::{Core, Cycles, Fidelity, Timing};

/// The cycle model of a core.
#[derive(Clone, Debug)]
pub struct Model {
    timing: Timing,
}

/// An instruction at its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placed {
    /// Where it begins; even.
    pub address: u32,
    /// Bytes of its encoding: 2 or 4.
    pub bytes: u32,
    /// What it is.
    pub inst: Inst<Reg>,
}

/// What one instruction costs, by the way that leads to it. A taken branch costs [`Model::refill`] besides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Price {
    /// After the instruction before it in the code.
    pub after: Cost,
    /// After a taken branch, call or return.
    pub entered: Cost,
}

impl Placed {
    /// The address behind it.
    pub const fn end(&self) -> u32 {
        self.address.wrapping_add(self.bytes)
    }

    /// Whether it is a 32-bit instruction across a word boundary.
    pub const fn straddles(&self) -> bool {
        self.bytes == 4 && self.address & 2 != 0
    }

    /// Where a direct branch or call leads; `None` for other instructions.
    pub fn target(&self) -> Option<u32> {
        let leads = matches!(self.inst.op.info().class, Class::Branch | Class::Jump);
        leads.then(|| self.address.wrapping_add_signed(self.inst.imm))
    }
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
    pub(super) fn timing(&self) -> &Timing {
        &self.timing
    }

    /// What a jump, call, return or taken branch costs besides its price.
    pub fn refill(&self, inst: &Inst<Reg>, straddles: bool) -> Cost {
        let timing = &self.timing;
        let class = inst.op.info().class;
        let jumps = match class {
            Class::Branch => {
                let (taken, not) = (cost(Some(&timing.branch_taken)), cost(Some(&timing.branch_not_taken)));
                Cost {
                    cycles: taken.cycles.saturating_sub(not.cycles),
                    worst: taken.worst.saturating_sub(not.worst),
                }
            }
            Class::Jump | Class::JumpRegister => Cost::default(),
            _ => return Cost::default(),
        };
        let late = if straddles { timing.target_straddle_extra.as_ref() } else { None };
        jumps + Cost::fixed(late.map_or(0, |figure| figure.cycles))
    }

    /// The cost of an instruction by itself.
    fn base(&self, inst: &Inst<Reg>) -> Cost {
        let timing = &self.timing;
        match inst.op.info().class {
            Class::Alu | Class::System => cost(Some(&timing.alu)),
            Class::Multiply => cost(timing.multiply.as_ref()),
            Class::MultiplyHigh => cost(timing.multiply_high.as_ref().or(timing.multiply.as_ref())),
            Class::Divide => cost(timing.divide.as_ref()),
            Class::Load => cost(Some(&timing.load)),
            Class::Store => cost(Some(&timing.store)),
            Class::Branch => cost(Some(&timing.branch_not_taken)),
            Class::Jump => cost(Some(&timing.call)),
            Class::JumpRegister => cost(Some(&timing.jump_register)),
            Class::FloatAlu => cost(timing.float_alu.as_ref()),
            Class::FloatMultiplyAccumulate => cost(timing.float_multiply_accumulate.as_ref()),
            Class::FloatDivide => cost(timing.float_divide.as_ref()),
            Class::FloatSqrt => cost(timing.float_sqrt.as_ref()),
            Class::FloatLoad => cost(timing.float_load.as_ref()),
            Class::FloatStore => cost(timing.float_store.as_ref()),
            Class::FloatMove => cost(timing.float_move.as_ref()),
        }
    }

    /// The cost of an instruction right behind another.
    fn after(&self, before: &Inst<Reg>, inst: &Inst<Reg>) -> Cost {
        let timing = &self.timing;
        let stall = match before.op.info().class {
            Class::Load | Class::FloatLoad => timing.load_use_stall.as_ref(),
            Class::Multiply | Class::MultiplyHigh => timing.multiply_use_stall.as_ref(),
            Class::FloatAlu | Class::FloatMultiplyAccumulate | Class::FloatDivide | Class::FloatSqrt => {
                timing.float_use_stall.as_ref()
            }
            _ => None,
        };
        let class = inst.op.info().class;
        let waits = |field: Field| {
            let late = field == Field::M && matches!(class, Class::Store | Class::FloatStore);
            inst.op.info().role(field) == Role::Use
                && !late
                && inst.register(field).is_some_and(|reg| before.d == Some(*reg))
        };
        let base = self.base(inst);
        match stall {
            Some(figure) if Field::ALL.into_iter().any(waits) => base + cost(Some(figure)),
            _ => base,
        }
    }

    /// Prices of one function's instructions, in the order of their addresses.
    pub fn prices(&self, code: &[Placed]) -> Vec<Price> {
        let mut before: Option<&Placed> = None;
        let mut prices = Vec::with_capacity(code.len());
        for placed in code {
            let entered = self.base(&placed.inst);
            let after = match before.filter(|before| before.end() == placed.address) {
                Some(before) => self.after(&before.inst, &placed.inst),
                None => entered,
            };
            prices.push(Price { after, entered });
            before = Some(placed);
        }
        prices
    }
}

/// A figure of the core's file.
fn cost(figure: Option<&Cycles>) -> Cost {
    Cost { cycles: figure.map_or(1, |figure| figure.cycles), worst: figure.map_or(1, Cycles::worst) }
}

/// Whether control never goes on behind an instruction.
pub(super) fn is_final(inst: &Inst<Reg>) -> bool {
    matches!(inst.op, Op::Jal | Op::Jalr) && inst.d.is_none()
}
