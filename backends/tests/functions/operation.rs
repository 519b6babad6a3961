//! One random operation of each kind that the machine has.

use super::{TABLE, WIDTHS, Writer};
use tinyc_backends::native::{Callee, Class, Op, Region, Value, Width, routines};
use tinyc_ir::loops::PackedOp;

impl Writer<'_> {
    /// Appends an operation of words and keeps what it gives.
    fn push(&mut self, op: Op, args: &[Value], results: usize) {
        let simple = results == 1 && self.s.once_in(3) && op.is_pure();
        let made = if simple {
            vec![self.b.word(op, args)]
        } else {
            self.b.push(op, args, &vec![Class::Word; results])
        };
        self.take(&made);
    }

    /// Any operation.
    pub(super) fn operation(&mut self) {
        let machine = self.machine;
        match self.s.below(20) {
            0..=4 => {
                let multiply = if self.machine.multiply { Op::Mul } else { Op::Sub };
                let op =
                    self.s.pick(&[Op::Add, Op::Add, Op::Sub, multiply, Op::And, Op::Or, Op::Xor]).clone();
                let args = self.words::<2>();
                self.push(op, &args, 1);
            }
            5 | 6 => {
                let op = self.s.pick(&[Op::ShiftLeft, Op::ShiftRight, Op::ShiftRightSigned]).clone();
                let value = self.word();
                let amount = if self.s.once_in(4) {
                    let (amount, mask) = (self.word(), self.b.number(31));
                    self.b.push(Op::And, &[amount, mask], &[Class::Word])[0]
                } else {
                    let number = match self.s.below(4) {
                        0 => *self.s.pick(&[0, 1, 8, 16, 24, 31]),
                        _ => self.s.below(32) as i32,
                    };
                    self.b.number(number)
                };
                self.push(op, &[value, amount], 1);
            }
            7 => {
                let width = *self.s.pick(&WIDTHS[..4]);
                let value = self.word();
                self.push(Op::Extend(width), &[value], 1);
            }
            8 => {
                let truth = self.comparison();
                self.words.push(truth);
            }
            9 => {
                let (cond, left, right) = self.condition();
                let class = if machine.float && self.s.once_in(3) { Class::Float } else { Class::Word };
                let args = [left, right, self.value(class), self.value(class)];
                let made = self.b.push(Op::Select(cond), &args, &[class]);
                self.take(&made);
            }
            10 => {
                let op = if self.s.once_in(2) { Op::AddWide } else { Op::SubWide };
                let args = self.words::<4>();
                self.push(op, &args, 2);
            }
            11 if machine.multiply_long => self.long_product(),
            12 if machine.dsp || machine.saturate => self.packed(),
            13 => self.call(),
            14 | 15 if machine.float => self.float_operation(),
            16 if machine.divide => {
                let zeros = if machine.count_leading_zeros { Op::CountLeadingZeros } else { Op::DivSigned };
                let op = self.s.pick(&[Op::DivSigned, Op::DivUnsigned, zeros]).clone();
                let args = self.words::<2>();
                let takes = if op == Op::CountLeadingZeros { 1 } else { 2 };
                self.push(op, &args[..takes], 1);
            }
            17 => {
                if let Some(&value) = self.words.last() {
                    self.keep(Width::Word, value);
                }
            }
            _ => self.access(),
        }
    }

    fn long_product(&mut self) {
        let args = self.words::<4>();
        let (op, takes, gives) = match self.s.below(6) {
            0 => (Op::MulHighSigned, 2, 1),
            1 => (Op::MulHighUnsigned, 2, 1),
            2 => (Op::MulLongSigned, 2, 2),
            3 => (Op::MulLongUnsigned, 2, 2),
            4 => (Op::MulAddLongSigned, 4, 2),
            _ => (Op::MulAddLongUnsigned, 4, 2),
        };
        self.push(op, &args[..takes], gives);
    }

    fn packed(&mut self) {
        let rotate = 8 * self.s.below(4) as u8;
        let shift = self.s.below(32) as u8;
        let (a_high, b_high) = (self.s.once_in(2), self.s.once_in(2));
        let saturating = [
            PackedOp::SaturateSigned { bits: 1 + self.s.below(32) as u8, shift },
            PackedOp::SaturateUnsigned { bits: self.s.below(32) as u8, shift },
        ];
        let all = [
            PackedOp::Dot2,
            PackedOp::Dot2Wide,
            PackedOp::MulHalf { a_high, b_high },
            PackedOp::UnpackSigned { rotate },
            PackedOp::UnpackUnsigned { rotate },
            PackedOp::PackLow,
            PackedOp::PackHigh,
            PackedOp::MulHigh,
            PackedOp::MulHighAcc,
            PackedOp::AddBytes,
            PackedOp::MaxBytesSigned,
            PackedOp::MaxBytesUnsigned,
        ];
        let one = if self.machine.dsp && !self.s.once_in(4) { &all[..] } else { &saturating[..] };
        let op = *self.s.pick(one);
        let (takes, gives) = match op {
            PackedOp::Dot2Wide => (4, 2),
            PackedOp::Dot2 | PackedOp::MulHalf { .. } | PackedOp::MulHighAcc => (3, 1),
            PackedOp::UnpackSigned { .. }
            | PackedOp::UnpackUnsigned { .. }
            | PackedOp::SaturateSigned { .. }
            | PackedOp::SaturateUnsigned { .. } => (1, 1),
            _ => (2, 1),
        };
        let args = self.words::<4>();
        self.push(Op::Packed(op), &args[..takes], gives);
    }

    fn call(&mut self) {
        let (callee, takes, gives) = if self.callees.is_empty() || self.s.once_in(3) {
            use routines::names::{I64_DIV_REM, U32_DIV_REM, U32_LEADING_ZEROS, U64_MUL, U64_SHR};
            let (name, takes, gives) = *self.s.pick(&[
                (I64_DIV_REM, 4, 4),
                (U32_DIV_REM, 2, 2),
                (U32_LEADING_ZEROS, 1, 1),
                (U64_MUL, 4, 2),
                (U64_SHR, 3, 2),
            ]);
            self.routines.insert(name);
            (Callee::Routine(name), takes, gives)
        } else {
            let at = self.s.below(self.callees.len() as u64) as usize;
            (Callee::Kernel(at as u32), self.callees[at].0, self.callees[at].1)
        };
        let args: Vec<Value> = (0..takes).map(|_| self.word()).collect();
        self.push(Op::Call(callee), &args, gives);
    }

    fn float_operation(&mut self) {
        let (a, b) = (self.float(), self.float());
        let (op, args, class) = match self.s.below(14) {
            0 => (Op::FloatAdd, vec![a, b], Class::Float),
            1 => (Op::FloatSub, vec![a, b], Class::Float),
            2 => (Op::FloatMul, vec![a, b], Class::Float),
            3 => (Op::FloatDiv, vec![a, b], Class::Float),
            4 => (Op::FloatSqrt, vec![a], Class::Float),
            5 => (Op::FloatNeg, vec![a], Class::Float),
            6 => (Op::FloatAbs, vec![a], Class::Float),
            7 => (Op::FloatToSigned, vec![a], Class::Word),
            8 => (Op::FloatToUnsigned, vec![a], Class::Word),
            9 => (Op::FloatToBits, vec![self.canonical(a)], Class::Word),
            10 => (Op::SignedToFloat, vec![self.word()], Class::Float),
            11 if self.machine.half => (Op::HalfToFloat, vec![self.word()], Class::Float),
            12 if self.machine.half => (Op::FloatToHalf, vec![self.canonical(a)], Class::Word),
            _ => (Op::UnsignedToFloat, vec![self.word()], Class::Float),
        };
        let made = self.b.push(op, &args, &[class]);
        self.take(&made);
        if self.s.once_in(8) {
            let bits = self.word();
            let made = self.b.push(Op::BitsToFloat, &[bits], &[Class::Float])[0];
            self.floats.push(made);
        }
    }

    /// A load or a store.
    fn access(&mut self) {
        let float = self.machine.float && self.s.once_in(4);
        let width = if float { Width::Float } else { *self.s.pick(&WIDTHS) };
        let bytes = width.bytes() as i32;
        let (least, greatest) = (self.machine.offset)(width);
        let (least, greatest) = (least / bytes, greatest / bytes);
        let offset = bytes
            * match self.s.below(4) {
                0 => 0,
                1 => *self.s.pick(&[least, greatest]),
                _ => self.s.range(least.into(), greatest.into()) as i32,
            };
        let class = if float { Class::Float } else { Class::Word };
        let Some(input) = self.input.filter(|_| !self.s.once_in(5)) else {
            // From the constants.
            let start = bytes * self.s.below(u64::from(TABLE) / 8 / bytes as u64) as i32;
            let base = self.b.push(Op::DataAddress(start as u32), &[], &[Class::Word])[0];
            let offset = offset.clamp(0, TABLE as i32 / 2);
            let made = self.b.push(Op::Load { width, offset, region: Region(2) }, &[base], &[class]);
            return self.take(&made);
        };
        let base = match self.s.below(4) {
            0 => input,
            1 => {
                let number = bytes * self.s.range(-512, 512) as i32;
                let number = self.b.number(number);
                self.b.push(Op::Add, &[input, number], &[Class::Word])[0]
            }
            _ => {
                let (index, mask) = (self.word(), self.b.number(0x1ff));
                let index = self.b.push(Op::And, &[index, mask], &[Class::Word])[0];
                let amount = bytes.trailing_zeros() as i32 + self.s.below(2) as i32;
                let amount = self.b.number(amount);
                let index = self.b.push(Op::ShiftLeft, &[index, amount], &[Class::Word])[0];
                let sides = if self.s.once_in(2) { [index, input] } else { [input, index] };
                self.b.push(Op::Add, &sides, &[Class::Word])[0]
            }
        };
        let offset = if self.s.once_in(2) { 0 } else { offset };
        let region = Region(0);
        if self.s.once_in(3) {
            let value = self.value(class);
            let value = if float { self.canonical(value) } else { value };
            self.b.push(Op::Store { width, offset, region }, &[base, value], &[]);
        } else {
            let made = self.b.push(Op::Load { width, offset, region }, &[base], &[class]);
            self.take(&made);
        }
    }
}
