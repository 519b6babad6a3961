//! The choice of Thumb instructions for the operations of functions.

mod arithmetic;
mod branch;
mod float;
mod memory;
mod packed;

use super::code::{Line, Thumb, What};
use super::flavor::Flavor;
use super::isa::{self, Field, Inst, Op as Machine, Shift, modified_immediate};
use crate::codegen::{self, Select};
use crate::native::{self, Op, Value};
use regalloc2::VReg;
use tinyc_ir::entity::Entity;

type Selector<'a> = codegen::Selector<'a, Thumb>;

/// Arguments in registers.
pub(super) const ARGUMENTS: usize = 4;

impl Select for Thumb {
    type Flavor = Flavor;

    fn arguments(_: Flavor) -> usize {
        ARGUMENTS
    }

    fn inst(selector: &mut Selector<'_>, inst: &native::Inst) {
        selector.cover(inst);
    }

    fn test(selector: &mut Selector<'_>, cond: native::Cond, left: Value, right: Value) -> isa::Cond {
        selector.branch(cond, left, right)
    }
}

impl Selector<'_> {
    fn cover(&mut self, inst: &native::Inst) {
        let [a, b] = [0, 1].map(|i| inst.args.get(i).copied().unwrap_or(Value::new(0)));
        match &inst.op {
            Op::Add | Op::Sub | Op::And | Op::Or | Op::Xor => {
                self.arithmetic(&inst.op, a, b, inst.results[0])
            }
            Op::Mul => self.multiply(a, b, inst.results[0]),
            Op::ShiftLeft | Op::ShiftRight | Op::ShiftRightSigned => {
                self.shift(&inst.op, a, b, inst.results[0]);
            }
            Op::Extend(width) => self.extend(*width, a, inst.results[0]),
            Op::CountLeadingZeros => self.plain(Machine::Clz, inst.results[0], &[(Field::M, a)]),
            Op::MulHighSigned if self.flavor.dsp => {
                self.plain(Machine::Smmul, inst.results[0], &[(Field::N, a), (Field::M, b)]);
            }
            Op::MulHighSigned | Op::MulHighUnsigned | Op::MulLongSigned | Op::MulLongUnsigned => {
                self.multiply_long(inst)
            }
            Op::MulAddLongSigned | Op::MulAddLongUnsigned => self.multiply_add_long(inst),
            Op::DivSigned => self.plain(Machine::Sdiv, inst.results[0], &[(Field::N, a), (Field::M, b)]),
            Op::DivUnsigned => self.plain(Machine::Udiv, inst.results[0], &[(Field::N, a), (Field::M, b)]),
            Op::AddWide | Op::SubWide => self.wide(inst),
            Op::Compare(_) | Op::CompareWide(_) | Op::FloatCompare(_) => self.truth(inst),
            Op::Select(cond) => self.choose(*cond, inst),
            Op::Packed(op) => self.packed(*op, inst),
            Op::Load { .. } | Op::Store { .. } => self.memory(inst),
            _ => self.float(inst),
        }
    }

    /// A register that holds a number, set right here.
    fn number(&mut self, value: i32) -> VReg {
        let d = self.temporary();
        self.push(What::Constant { d, value, quiet: false });
        d
    }

    /// Appends an instruction of registers only.
    fn plain(&mut self, op: Machine, d: Value, operands: &[(Field, Value)]) {
        let mut inst = Inst { d: Some(self.result(d)), ..Inst::new(op) };
        for &(field, value) in operands {
            let value = Some(self.read(value));
            match field {
                Field::D => inst.d = value,
                Field::N => inst.n = value,
                Field::M => inst.m = value,
                Field::A => inst.a = value,
            }
        }
        self.emit(inst);
    }

    /// A value as the second operand: shifted for free, where only this user needs the shift.
    fn shifted(&mut self, value: Value) -> (VReg, Shift) {
        if self.flavor.thumb2
            && let Some(inst) = self.absorbable(value)
            && let Some(amount) = inst.args.get(1).and_then(|&v| self.constant(v))
            && let amount @ 1..=31 = amount
        {
            let amount = amount as u8;
            let shift = match inst.op {
                Op::ShiftLeft => Some(Shift::Lsl(amount)),
                Op::ShiftRight => Some(Shift::Lsr(amount)),
                Op::ShiftRightSigned => Some(Shift::Asr(amount)),
                _ => None,
            };
            if let Some(shift) = shift {
                return (self.read(inst.args[0]), shift);
            }
        }
        (self.read(value), Shift::NONE)
    }
}

/// Whether a number is a modified immediate of Thumb-2.
fn modified(number: i32) -> bool {
    modified_immediate(number as u32).is_some()
}
