//! Floats in float registers.

use super::{Field, Inst, Machine, Op, Selector};
use crate::native;
use crate::thumb::isa::float_immediate;
use regalloc2::{RegClass, VReg};

impl Selector<'_> {
    pub(super) fn float(&mut self, inst: &native::Inst) {
        let d = inst.results[0];
        let binary = [(Field::N, 0), (Field::M, 1)];
        let unary = [(Field::M, 0)];
        let (machine, fields): (Machine, &[(Field, usize)]) = match inst.op {
            Op::FloatAdd => (Machine::Vadd, &binary),
            Op::FloatSub => (Machine::Vsub, &binary),
            Op::FloatMul => (Machine::Vmul, &binary),
            Op::FloatDiv => (Machine::Vdiv, &binary),
            Op::FloatSqrt => (Machine::Vsqrt, &unary),
            Op::FloatNeg => (Machine::Vneg, &unary),
            Op::FloatAbs => (Machine::Vabs, &unary),
            Op::BitsToFloat => (Machine::VmovToFloat, &[(Field::N, 0)]),
            Op::FloatToBits => (Machine::VmovFromFloat, &[(Field::N, 0)]),
            Op::FloatConst(bits) => return self.float_constant(bits, d),
            Op::FloatToSigned | Op::FloatToUnsigned => {
                let signed = inst.op == Op::FloatToSigned;
                let machine = if signed { Machine::VcvtToSigned } else { Machine::VcvtToUnsigned };
                let (m, integer) = (Some(self.read(inst.args[0])), Some(self.float_temporary()));
                self.emit(Inst { d: integer, m, ..Inst::new(machine) });
                let d = Some(self.result(d));
                return self.emit(Inst { d, n: integer, ..Inst::new(Machine::VmovFromFloat) });
            }
            Op::FloatToHalf => {
                // Only the lower half of the float register is written.
                let (m, half) = (Some(self.read(inst.args[0])), Some(self.float_temporary()));
                self.emit(Inst { d: half, m, ..Inst::new(Machine::VcvtbToHalf) });
                let word = Some(self.temporary());
                self.emit(Inst { d: word, n: half, ..Inst::new(Machine::VmovFromFloat) });
                let d = Some(self.result(d));
                return self.emit(Inst { d, m: word, ..Inst::new(Machine::Uxth) });
            }
            Op::HalfToFloat => {
                let (n, half) = (Some(self.read(inst.args[0])), Some(self.float_temporary()));
                self.emit(Inst { d: half, n, ..Inst::new(Machine::VmovToFloat) });
                let d = Some(self.result(d));
                return self.emit(Inst { d, m: half, ..Inst::new(Machine::VcvtbFromHalf) });
            }
            Op::SignedToFloat | Op::UnsignedToFloat => {
                let signed = inst.op == Op::SignedToFloat;
                let machine = if signed { Machine::VcvtFromSigned } else { Machine::VcvtFromUnsigned };
                let (n, integer) = (Some(self.read(inst.args[0])), Some(self.float_temporary()));
                self.emit(Inst { d: integer, n, ..Inst::new(Machine::VmovToFloat) });
                let d = Some(self.result(d));
                return self.emit(Inst { d, m: integer, ..Inst::new(machine) });
            }
            _ => unreachable!("all other operations are covered elsewhere"),
        };
        let operands: Vec<_> = fields.iter().map(|&(field, at)| (field, inst.args[at])).collect();
        self.plain(machine, d, &operands);
    }

    fn float_temporary(&mut self) -> VReg {
        let word = self.temporary();
        VReg::new(word.vreg(), RegClass::Float)
    }

    /// A number: in one instruction if it is one of the 256 that fit, else through a general register.
    fn float_constant(&mut self, bits: u32, d: native::Value) {
        let d = Some(self.result(d));
        if let Some(code) = float_immediate(f32::from_bits(bits)) {
            let imm = i32::from(code);
            return self.emit(Inst { d, imm, ..Inst::new(Machine::VmovImm) });
        }
        let word = self.number(bits as i32);
        self.emit(Inst { d, n: Some(word), ..Inst::new(Machine::VmovToFloat) });
    }
}
