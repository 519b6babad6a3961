//! Packed operations: as they are where the machine has them, else as plain operations on words.

use super::kernel::{Number, Writer};
use super::{Class, Cond, Op, Value, Width};
use tinyc_ir::loops::PackedOp;

impl Writer<'_> {
    pub(super) fn packed(&mut self, op: PackedOp, args: &[Number]) -> Number {
        let saturates = matches!(op, PackedOp::SaturateSigned { .. } | PackedOp::SaturateUnsigned { .. });
        let has = if saturates { self.machine.saturate } else { self.machine.dsp };
        if has {
            let words: Vec<Value> = args.iter().flat_map(|a| a.words()).collect();
            if op == PackedOp::Dot2Wide {
                let sum = self.b.pure(Op::Packed(op), &words, &[Class::Word, Class::Word]);
                return Number::Two(sum[0], sum[1]);
            }
            return Number::One(self.b.word(Op::Packed(op), &words));
        }
        if op == PackedOp::Dot2Wide {
            return self.dot2_wide(args[0], args[1].word(), args[2].word());
        }
        let words: Vec<Value> = args.iter().map(|a| a.word()).collect();
        Number::One(self.expanded(op, &words))
    }

    fn expanded(&mut self, op: PackedOp, args: &[Value]) -> Value {
        match op {
            PackedOp::Dot2 => {
                let [acc, a, b] = [args[0], args[1], args[2]];
                let sum = self.add_product(acc, false, a, false, b);
                self.add_product(sum, true, a, true, b)
            }
            PackedOp::Dot2Wide => unreachable!("its operand is a pair"),
            PackedOp::MulHalf { a_high, b_high } => {
                self.add_product(args[0], a_high, args[1], b_high, args[2])
            }
            PackedOp::UnpackSigned { rotate } => {
                let low = self.shifted_right(args[0], u32::from(rotate));
                let low = self.b.word(Op::Extend(Width::S8), &[low]);
                let high = self.shifted_right(args[0], (u32::from(rotate) + 16) % 32);
                let high = self.b.word(Op::Extend(Width::S8), &[high]);
                self.joined(low, high)
            }
            PackedOp::UnpackUnsigned { rotate } => {
                let rotated = self.rotated(args[0], u32::from(rotate));
                let mask = self.b.number(0x00ff_00ff);
                self.b.word(Op::And, &[rotated, mask])
            }
            PackedOp::PackLow => self.joined(args[0], args[1]),
            PackedOp::PackHigh => {
                let low = self.shifted_right(args[0], 16);
                let mask = self.b.number(0xffff_0000_u32 as i32);
                let high = self.b.word(Op::And, &[args[1], mask]);
                self.b.word(Op::Or, &[low, high])
            }
            PackedOp::MulHigh => self.mul_high(args[0], args[1]),
            PackedOp::MulHighAcc => {
                let high = self.mul_high(args[1], args[2]);
                self.b.word(Op::Add, &[high, args[0]])
            }
            PackedOp::SaturateSigned { bits, shift } => {
                let top = ((1_i64 << (bits - 1)) - 1) as i32;
                self.clamped(args[0], shift, -top - 1, top)
            }
            PackedOp::SaturateUnsigned { bits, shift } => {
                self.clamped(args[0], shift, 0, ((1_i64 << bits) - 1) as i32)
            }
            PackedOp::AddBytes => self.add_bytes(args[0], args[1]),
            PackedOp::MaxBytesSigned => self.max_bytes(Width::S8, args[0], args[1]),
            PackedOp::MaxBytesUnsigned => self.max_bytes(Width::U8, args[0], args[1]),
        }
    }

    fn half(&mut self, word: Value, high: bool) -> Value {
        if high {
            let amount = self.b.number(16);
            return self.b.word(Op::ShiftRightSigned, &[word, amount]);
        }
        self.b.word(Op::Extend(Width::S16), &[word])
    }

    fn add_product(&mut self, acc: Value, a_high: bool, a: Value, b_high: bool, b: Value) -> Value {
        let (a, b) = (self.half(a, a_high), self.half(b, b_high));
        let product = self.b.word(Op::Mul, &[a, b]);
        self.b.word(Op::Add, &[acc, product])
    }

    fn dot2_wide(&mut self, acc: Number, a: Value, b: Value) -> Number {
        let mut sum = acc.pair();
        for high in [false, true] {
            let (a, b) = (self.half(a, high), self.half(b, high));
            // Two halves multiply to less than a word.
            let product = self.b.word(Op::Mul, &[a, b]);
            let (low, high) = self.widen(product, true).pair();
            let words = self.b.pure(Op::AddWide, &[sum.0, sum.1, low, high], &[Class::Word, Class::Word]);
            sum = (words[0], words[1]);
        }
        Number::Two(sum.0, sum.1)
    }

    fn mul_high(&mut self, a: Value, b: Value) -> Value {
        if self.machine.multiply_long {
            return self.b.word(Op::MulHighSigned, &[a, b]);
        }
        self.mul_long(true, a, b).pair().1
    }

    /// `x >> shift` within constant ends.
    pub(super) fn clamped(&mut self, x: Value, shift: u8, least: i32, greatest: i32) -> Value {
        let (x, shift) = match self.b.definition(x) {
            Some(d) if shift == 0 && d.op == Op::ShiftRightSigned && d.block == self.b.current() => {
                match self.b.constant(d.args[1]) {
                    Some(amount @ 1..=31) => (d.args[0], amount as u8),
                    _ => (x, shift),
                }
            }
            _ => (x, shift),
        };
        let bits = 32 - greatest.leading_zeros() as u8;
        let op = match (i64::from(least), i64::from(greatest) + 1) {
            (least, end) if least == -end && end.count_ones() == 1 => {
                Some(PackedOp::SaturateSigned { bits: bits + 1, shift })
            }
            (0, end) if end.count_ones() == 1 => Some(PackedOp::SaturateUnsigned { bits, shift }),
            _ => None,
        };
        if let Some(op) = op.filter(|_| self.machine.saturate) {
            return self.b.word(Op::Packed(op), &[x]);
        }
        let amount = self.b.number(i32::from(shift));
        let x = self.b.word(Op::ShiftRightSigned, &[x, amount]);
        let greatest = self.b.number(greatest);
        let x = self.b.select(Cond::Lt, [greatest, x], [greatest, x]);
        let least = self.b.number(least);
        self.b.select(Cond::Lt, [x, least], [least, x])
    }

    fn shifted_right(&mut self, x: Value, amount: u32) -> Value {
        let amount = self.b.number(amount as i32);
        self.b.word(Op::ShiftRight, &[x, amount])
    }

    fn shifted_left(&mut self, x: Value, amount: u32) -> Value {
        let amount = self.b.number(amount as i32);
        self.b.word(Op::ShiftLeft, &[x, amount])
    }

    fn rotated(&mut self, x: Value, amount: u32) -> Value {
        if amount == 0 {
            return x;
        }
        let (low, high) = (self.shifted_right(x, amount), self.shifted_left(x, 32 - amount));
        self.b.word(Op::Or, &[low, high])
    }

    /// The low half of one word and, above it, the low half of another.
    fn joined(&mut self, low: Value, high: Value) -> Value {
        let low = self.b.word(Op::Extend(Width::U16), &[low]);
        let high = self.shifted_left(high, 16);
        self.b.word(Op::Or, &[low, high])
    }

    /// Sums without the top bits, which are then added without a carry.
    fn add_bytes(&mut self, a: Value, b: Value) -> Value {
        let low = self.b.number(0x7f7f_7f7f);
        let (x, y) = (self.b.word(Op::And, &[a, low]), self.b.word(Op::And, &[b, low]));
        let sum = self.b.word(Op::Add, &[x, y]);
        let differ = self.b.word(Op::Xor, &[a, b]);
        let top = self.b.number(0x8080_8080_u32 as i32);
        let top = self.b.word(Op::And, &[differ, top]);
        self.b.word(Op::Xor, &[sum, top])
    }

    fn max_bytes(&mut self, width: Width, a: Value, b: Value) -> Value {
        let mut word = None;
        for byte in 0..4 {
            let (x, y) = (self.shifted_right(a, 8 * byte), self.shifted_right(b, 8 * byte));
            let x = self.b.word(Op::Extend(width), &[x]);
            let y = self.b.word(Op::Extend(width), &[y]);
            let max = self.b.select(Cond::Lt, [x, y], [y, x]);
            let max = self.b.word(Op::Extend(Width::U8), &[max]);
            let placed = self.shifted_left(max, 8 * byte);
            word = Some(word.map_or(placed, |w| self.b.word(Op::Or, &[w, placed])));
        }
        word.expect("four bytes")
    }
}
