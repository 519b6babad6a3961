//! An instruction decoded once, in the form that runs fast: plain bytes, targets as indices, cycles counted before.

use super::cpu::NOWHERE;
use crate::codegen::sim::Pace;
use crate::riscv32::isa::{Class, Inst, Op, Reg};
use crate::riscv32::timing::{Model, Placed, Price};

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub(super) op: Op,
    pub(super) d: u8,
    pub(super) n: u8,
    pub(super) m: u8,
    pub(super) a: u8,
    /// Why it cannot run; 0 if it can.
    pub(super) why: u8,
    /// Halfwords of the encoding.
    pub(super) size: u8,
    /// Its cycles.
    pub(super) pace: Pace,
    /// Whether it writes the stack pointer.
    pub(super) moves_stack: bool,
    pub(super) imm: u32,
    /// For a direct branch: the index of the target.
    pub(super) target: u32,
}

/// No instruction begins here.
pub(super) const MIDDLE: u8 = 1;
/// Not an instruction.
pub(super) const UNDEFINED: u8 = 2;
/// One that the core lacks.
pub(super) const UNSUPPORTED: u8 = 3;

impl Step {
    /// What stands where no instruction begins, or one that cannot run.
    pub(super) fn none(why: u8) -> Self {
        Self {
            op: Op::Ebreak,
            d: NOWHERE,
            n: 0,
            m: 0,
            a: 0,
            why,
            size: 1,
            pace: Pace::default(),
            moves_stack: false,
            imm: 0,
            target: 0,
        }
    }

    /// The instruction; branches to addresses relative to `base` get indices. `taken` is left to [`link`].
    pub(super) fn new(placed: &Placed, price: &Price, model: &Model, base: u32) -> Self {
        let inst: &Inst<Reg> = &placed.inst;
        let refill = [false, true].map(|straddles| model.refill(inst, straddles).cycles);
        let read = |reg: Option<Reg>| reg.map_or(0, Reg::number);
        let mut step = Self {
            op: inst.op,
            d: inst.d.map_or(NOWHERE, Reg::number),
            n: read(inst.n),
            m: read(inst.m),
            a: read(inst.a),
            why: 0,
            size: (placed.bytes / 2) as u8,
            pace: Pace::new(price.after, price.entered, refill, placed.straddles()),
            moves_stack: inst.d == Some(Reg::SP),
            imm: inst.imm.cast_unsigned(),
            target: 0,
        };
        if inst.op == Op::Auipc {
            step.imm = placed.address.wrapping_add(step.imm);
        }
        if let Some(target) = placed.target() {
            // An odd or far target gives an index at which nothing is.
            step.target = if target & 1 == 0 { target.wrapping_sub(base) / 2 } else { u32::MAX };
        }
        step
    }

    fn branches(&self) -> bool {
        self.why == 0 && matches!(self.op.info().class, Class::Branch | Class::Jump)
    }
}

/// Counts what direct branches cost when taken.
pub(super) fn link(steps: &mut [Step]) {
    for index in 0..steps.len() {
        let from = steps[index];
        if from.branches()
            && let Some(to) = steps.get(from.target as usize)
        {
            steps[index].pace.taken = from.pace.jump(Some(&to.pace));
        }
    }
}
