//! The packed operations: each is one instruction, or two.

use super::{Field, Inst, Machine, Selector, Shift};
use crate::native;
use tinyc_ir::loops::PackedOp;

impl Selector<'_> {
    pub(super) fn packed(&mut self, op: PackedOp, inst: &native::Inst) {
        let (args, results) = (&inst.args, &inst.results);
        let accumulate = [(Field::A, 0), (Field::N, 1), (Field::M, 2)];
        let binary = [(Field::N, 0), (Field::M, 1)];
        let (machine, fields): (Machine, &[(Field, usize)]) = match op {
            PackedOp::Dot2Wide => return self.accumulate_wide(Machine::Smlald, inst),
            PackedOp::Dot2 => (Machine::Smlad, &accumulate),
            PackedOp::MulHalf { a_high, b_high } => {
                let machine = match (a_high, b_high) {
                    (false, false) => Machine::Smlabb,
                    (false, true) => Machine::Smlabt,
                    (true, false) => Machine::Smlatb,
                    (true, true) => Machine::Smlatt,
                };
                (machine, &accumulate)
            }
            PackedOp::MulHigh => (Machine::Smmul, &binary),
            PackedOp::MulHighAcc => (Machine::Smmla, &accumulate),
            PackedOp::AddBytes => (Machine::Sadd8, &binary),
            PackedOp::UnpackSigned { rotate } | PackedOp::UnpackUnsigned { rotate } => {
                let signed = matches!(op, PackedOp::UnpackSigned { .. });
                let machine = if signed { Machine::Sxtb16 } else { Machine::Uxtb16 };
                let m = Some(self.read(args[0]));
                let d = Some(self.result(results[0]));
                return self.emit(Inst { d, m, shift: ror(rotate), ..Inst::new(machine) });
            }
            PackedOp::PackLow | PackedOp::PackHigh => {
                // PKHTB takes its low half from the shifted operand.
                let (machine, shift, n, m) = match op {
                    PackedOp::PackLow => (Machine::Pkhbt, Shift::Lsl(16), args[0], args[1]),
                    _ => (Machine::Pkhtb, Shift::Asr(16), args[1], args[0]),
                };
                let (n, m) = (Some(self.read(n)), Some(self.read(m)));
                let d = Some(self.result(results[0]));
                return self.emit(Inst { d, n, m, shift, ..Inst::new(machine) });
            }
            PackedOp::SaturateSigned { bits, shift } | PackedOp::SaturateUnsigned { bits, shift } => {
                let signed = matches!(op, PackedOp::SaturateSigned { .. });
                let machine = if signed { Machine::Ssat } else { Machine::Usat };
                let n = Some(self.read(args[0]));
                let d = Some(self.result(results[0]));
                let shift = if shift == 0 { Shift::NONE } else { Shift::Asr(shift) };
                return self.emit(Inst { d, n, imm: i32::from(bits), shift, ..Inst::new(machine) });
            }
            PackedOp::MaxBytesSigned | PackedOp::MaxBytesUnsigned => {
                let signed = op == PackedOp::MaxBytesSigned;
                let (n, m) = (Some(self.read(args[0])), Some(self.read(args[1])));
                // The difference only sets the GE flags.
                let difference = Some(self.temporary());
                let subtract = if signed { Machine::Ssub8 } else { Machine::Usub8 };
                self.emit(Inst { d: difference, n, m, ..Inst::new(subtract) });
                let d = Some(self.result(results[0]));
                return self.emit(Inst { d, n, m, ..Inst::new(Machine::Sel) });
            }
        };
        let operands: Vec<_> = fields.iter().map(|&(field, at)| (field, args[at])).collect();
        self.plain(machine, results[0], &operands);
    }
}

fn ror(amount: u8) -> Shift {
    if amount == 0 { Shift::NONE } else { Shift::Ror(amount) }
}
