//! Floats in float registers. Results that are NaN are the canonical one by themselves; conversions to integers say 0 for it.

use super::{Inst, Machine, Op, Selector, VReg};
use crate::native::{self, FloatCond, Value};

impl Selector<'_> {
    pub(super) fn float(&mut self, inst: &native::Inst) {
        let d = Some(self.result(inst.results[0]));
        let mut operand = |at: usize| Some(self.read(inst.args[at]));
        let (op, n, m) = match inst.op {
            Op::FloatAdd => (Machine::Fadd, operand(0), operand(1)),
            Op::FloatSub => (Machine::Fsub, operand(0), operand(1)),
            Op::FloatMul => (Machine::Fmul, operand(0), operand(1)),
            Op::FloatDiv => (Machine::Fdiv, operand(0), operand(1)),
            Op::FloatSqrt => (Machine::Fsqrt, operand(0), None),
            Op::FloatNeg => (Machine::Fsgnjn, operand(0), operand(0)),
            Op::FloatAbs => (Machine::Fsgnjx, operand(0), operand(0)),
            Op::FloatToBits => (Machine::FmvXW, operand(0), None),
            Op::BitsToFloat => (Machine::FmvWX, self.operand(inst.args[0]), None),
            Op::SignedToFloat => (Machine::FcvtSW, self.operand(inst.args[0]), None),
            Op::UnsignedToFloat => (Machine::FcvtSWu, self.operand(inst.args[0]), None),
            Op::FloatConst(bits) => return self.float_constant(bits, d),
            Op::FloatCompare(cond) => return self.float_truth(cond, [inst.args[0], inst.args[1]], d),
            Op::FloatToSigned | Op::FloatToUnsigned => {
                let n = operand(0);
                let op = if inst.op == Op::FloatToSigned { Machine::FcvtWS } else { Machine::FcvtWuS };
                let number = self.made(op, n, None);
                let ordered = self.made(Machine::Feq, n, n);
                return self.unless(ordered, number, d);
            }
            _ => unreachable!("all other operations are covered elsewhere"),
        };
        self.emit(Inst { d, n, m, ..Inst::new(op) });
    }

    fn float_constant(&mut self, bits: u32, d: Option<VReg>) {
        let n = (bits != 0).then(|| {
            let word = self.temporary();
            self.push(super::What::Constant { d: word, value: bits as i32, quiet: false });
            word
        });
        self.emit(Inst { d, n, ..Inst::new(Machine::FmvWX) });
    }

    fn float_truth(&mut self, cond: FloatCond, args: [Value; 2], d: Option<VReg>) {
        let [n, m] = args.map(|value| Some(self.read(value)));
        let op = match cond {
            FloatCond::Eq => Machine::Feq,
            FloatCond::Lt => Machine::Flt,
            FloatCond::Le => Machine::Fle,
            FloatCond::Ne => {
                let equal = self.made(Machine::Feq, n, m);
                return self.emit(Inst { d, n: equal, imm: 1, ..Inst::new(Machine::Xori) });
            }
        };
        self.emit(Inst { d, n, m, ..Inst::new(op) });
    }
}
