//! The choice of RISC-V instructions for the operations of functions.

mod arithmetic;
mod compare;
mod float;
mod wide;

use super::code::{Line, Riscv, Test, What};
use super::flavor::Flavor;
use super::isa::{Extension, Inst, Op as Machine};
use crate::codegen::{self, Select};
use crate::native::{self, Op, Value, Width};
use regalloc2::VReg;
use tinyc_ir::entity::Entity;

type Selector<'a> = codegen::Selector<'a, Riscv>;

impl Select for Riscv {
    type Flavor = Flavor;

    fn arguments(flavor: Flavor) -> usize {
        flavor.arguments()
    }

    fn inst(selector: &mut Selector<'_>, inst: &native::Inst) {
        selector.cover(inst);
    }

    fn test(selector: &mut Selector<'_>, cond: native::Cond, left: Value, right: Value) -> Test<VReg> {
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
            Op::Mul => self.plain(Machine::Mul, inst.results[0], a, b),
            Op::ShiftLeft | Op::ShiftRight | Op::ShiftRightSigned => {
                self.shift(&inst.op, a, b, inst.results[0]);
            }
            Op::Extend(width) => self.extend(*width, a, inst.results[0]),
            Op::CountLeadingZeros => {
                let (d, n) = (Some(self.result(inst.results[0])), self.operand(a));
                self.emit(Inst { d, n, ..Inst::new(Machine::Clz) });
            }
            Op::MulHighSigned => self.plain(Machine::Mulh, inst.results[0], a, b),
            Op::MulHighUnsigned => self.plain(Machine::Mulhu, inst.results[0], a, b),
            Op::MulLongSigned | Op::MulLongUnsigned => self.multiply_long(inst),
            Op::MulAddLongSigned | Op::MulAddLongUnsigned => self.multiply_add_long(inst),
            Op::DivSigned => self.divide(Machine::Div, a, b, inst.results[0]),
            Op::DivUnsigned => self.divide(Machine::Divu, a, b, inst.results[0]),
            Op::AddWide | Op::SubWide => self.add_wide(inst),
            Op::Compare(cond) => self.truth(*cond, a, b, inst.results[0]),
            Op::CompareWide(cond) => self.truth_wide(*cond, inst),
            Op::Select(cond) => self.choose(*cond, inst),
            Op::Load { width, offset, region } => {
                let (base, offset) = self.address(a, *offset);
                let op = match width {
                    Width::S8 => Machine::Lb,
                    Width::U8 => Machine::Lbu,
                    Width::S16 => Machine::Lh,
                    Width::U16 => Machine::Lhu,
                    Width::Word => Machine::Lw,
                    Width::Float => Machine::Flw,
                };
                let d = Some(self.result(inst.results[0]));
                let load = Inst { d, n: base, imm: offset, ..Inst::new(op) };
                self.emit_access(load, *region, false);
            }
            Op::Store { width, offset, region } => {
                let m = if *width == Width::Float { Some(self.read(b)) } else { self.stored(*width, b) };
                let (base, offset) = self.address(a, *offset);
                let op = match width {
                    Width::S8 | Width::U8 => Machine::Sb,
                    Width::S16 | Width::U16 => Machine::Sh,
                    Width::Word => Machine::Sw,
                    Width::Float => Machine::Fsw,
                };
                let store = Inst { n: base, m, imm: offset, ..Inst::new(op) };
                self.emit_access(store, *region, true);
            }
            _ => self.float(inst),
        }
    }

    /// A base and an offset from it: a sum with a number that nobody else needs goes into the offset.
    fn address(&mut self, base: Value, offset: i32) -> (Option<VReg>, i32) {
        if let Some(inst) = self.absorbable(base)
            && inst.op == Op::Add
            && let Some(more) = self.constant(inst.args[1])
            && let Some(sum) = offset.checked_add(more).filter(|&sum| is_short(sum))
        {
            return (self.operand(inst.args[0]), sum);
        }
        (self.operand(base), offset)
    }

    /// The register to store: an extension that the store's width makes void is left out.
    fn stored(&mut self, width: Width, value: Value) -> Option<VReg> {
        if let Some(inst) = self.absorbable(value)
            && let Op::Extend(extended) = inst.op
            && extended.bytes() >= width.bytes()
        {
            return self.operand(inst.args[0]);
        }
        self.operand(value)
    }

    /// A value as an operand: 0 is x0.
    fn operand(&mut self, value: Value) -> Option<VReg> {
        if self.constant(value) == Some(0) { None } else { Some(self.read(value)) }
    }

    /// Appends `d = n op m`.
    fn plain(&mut self, op: Machine, d: Value, a: Value, b: Value) {
        let (d, n, m) = (Some(self.result(d)), self.operand(a), self.operand(b));
        self.emit(Inst { d, n, m, ..Inst::new(op) });
    }

    /// Appends `n op m` into a register of its own.
    fn made(&mut self, op: Machine, n: Option<VReg>, m: Option<VReg>) -> Option<VReg> {
        let d = Some(self.temporary());
        self.emit(Inst { d, n, m, ..Inst::new(op) });
        d
    }

    /// Appends `n op imm` into a register of its own.
    fn made_by(&mut self, op: Machine, n: Option<VReg>, imm: i32) -> Option<VReg> {
        let d = Some(self.temporary());
        self.emit(Inst { d, n, imm, ..Inst::new(op) });
        d
    }

    fn has(&self, extension: Extension) -> bool {
        self.flavor.has(extension)
    }
}

/// Whether a number fits the immediate of most instructions.
fn is_short(number: i32) -> bool {
    (-2048..2048).contains(&number)
}
