//! 64-bit integers as pairs of words, low word first.

use super::expressions::cond;
use super::kernel::{Number, Writer};
use super::routines::names;
use super::{Class, Cond, Op, Value};
use tinyc_ir::loops::{BinaryOp, UnaryOp};

const PAIR: [Class; 2] = [Class::Word, Class::Word];

impl Writer<'_> {
    /// A word as a pair.
    pub(super) fn widen(&mut self, low: Value, signed: bool) -> Number {
        let high = if signed { self.sign(low) } else { self.b.number(0) };
        Number::Two(low, high)
    }

    /// −1 for negative words, else 0.
    fn sign(&mut self, word: Value) -> Value {
        let most = self.b.number(31);
        self.b.word(Op::ShiftRightSigned, &[word, most])
    }

    fn pair(&mut self, op: Op, args: &[Value]) -> Number {
        let results = self.b.pure(op, args, &PAIR);
        Number::Two(results[0], results[1])
    }

    fn wide_constant(&self, x: Number) -> Option<u64> {
        let (low, high) = x.pair();
        let (low, high) = (self.b.constant(low)?, self.b.constant(high)?);
        Some(u64::from(low as u32) | u64::from(high as u32) << 32)
    }

    /// Whether the high word of a pair is the sign of the low one.
    fn is_sign_extended(&self, (low, high): (Value, Value)) -> bool {
        if let (Some(low), Some(high)) = (self.b.constant(low), self.b.constant(high)) {
            return high == low >> 31;
        }
        let definition = self.b.definition(high);
        definition.is_some_and(|d| {
            d.op == Op::ShiftRightSigned && d.args[0] == low && self.b.constant(d.args[1]) == Some(31)
        })
    }

    fn wide_add(&mut self, a: Number, b: Number) -> Number {
        for (sum, product) in [(a, b), (b, a)] {
            let ((low, high), (p, q)) = (sum.pair(), product.pair());
            let Some(d) = self.b.definition(p) else { continue };
            let op = match d.op {
                Op::MulLongSigned => Op::MulAddLongSigned,
                Op::MulLongUnsigned => Op::MulAddLongUnsigned,
                _ => continue,
            };
            // The product itself is dropped later, if nothing else uses it.
            let is_pair =
                d.result == 0 && self.b.definition(q).is_some_and(|e| e.args == d.args && e.op == d.op);
            if is_pair && d.block == self.b.current() {
                let args = [low, high, d.args[0], d.args[1]];
                return self.pair(op, &args);
            }
        }
        if self.wide_constant(b) == Some(0) {
            return a;
        }
        let ((a, b), (c, d)) = (a.pair(), b.pair());
        self.pair(Op::AddWide, &[a, b, c, d])
    }

    fn wide_sub(&mut self, a: Number, b: Number) -> Number {
        let ((a, b), (c, d)) = (a.pair(), b.pair());
        self.pair(Op::SubWide, &[a, b, c, d])
    }

    /// The whole product of two words.
    pub(super) fn mul_long(&mut self, signed: bool, a: Value, b: Value) -> Number {
        if self.machine.multiply_long {
            return self.pair(if signed { Op::MulLongSigned } else { Op::MulLongUnsigned }, &[a, b]);
        }
        let name = if signed { names::I32_MUL_LONG } else { names::U32_MUL_LONG };
        let words = self.call(name, &[a, b], 2);
        Number::Two(words[0], words[1])
    }

    fn wide_mul(&mut self, a: Number, b: Number) -> Number {
        let (p, q) = (a.pair(), b.pair());
        if self.is_sign_extended(p) && self.is_sign_extended(q) {
            return self.mul_long(true, p.0, q.0);
        }
        let (p_high, q_high) = (self.b.constant(p.1), self.b.constant(q.1));
        if p_high == Some(0) && q_high == Some(0) {
            return self.mul_long(false, p.0, q.0);
        }
        if let Some(constant) = self.wide_constant(b).filter(|c| c.is_power_of_two()) {
            return self.wide_shift_by(true, false, a, constant.trailing_zeros());
        }
        if !self.machine.multiply_long {
            let words = self.call(names::U64_MUL, &[p.0, p.1, q.0, q.1], 2);
            return Number::Two(words[0], words[1]);
        }
        let (low, high) = self.mul_long(false, p.0, q.0).pair();
        let cross = self.b.word(Op::Mul, &[p.0, q.1]);
        let high = self.b.word(Op::Add, &[high, cross]);
        let cross = self.b.word(Op::Mul, &[p.1, q.0]);
        Number::Two(low, self.b.word(Op::Add, &[high, cross]))
    }

    pub(super) fn wide_unary(&mut self, op: UnaryOp, x: Number) -> Number {
        let (low, high) = x.pair();
        match op {
            UnaryOp::Not => {
                let mask = self.b.number(-1);
                let low = self.b.word(Op::Xor, &[low, mask]);
                Number::Two(low, self.b.word(Op::Xor, &[high, mask]))
            }
            UnaryOp::Abs => {
                // (x ^ sign) − sign
                let sign = self.sign(high);
                let flipped = self.b.word(Op::Xor, &[low, sign]);
                let flipped = Number::Two(flipped, self.b.word(Op::Xor, &[high, sign]));
                self.wide_sub(flipped, Number::Two(sign, sign))
            }
            _ => {
                let zero = self.b.number(0);
                self.wide_sub(Number::Two(zero, zero), x)
            }
        }
    }

    pub(super) fn wide_binary(&mut self, op: BinaryOp, signed: bool, a: Number, b: Number) -> Number {
        let ((a_low, a_high), (b_low, b_high)) = (a.pair(), b.pair());
        let words = [a_low, a_high, b_low, b_high];
        match op {
            BinaryOp::Add | BinaryOp::WrappingAdd => self.wide_add(a, b),
            BinaryOp::Sub | BinaryOp::WrappingSub => self.wide_sub(a, b),
            BinaryOp::Mul | BinaryOp::WrappingMul => self.wide_mul(a, b),
            BinaryOp::Div | BinaryOp::Rem => {
                if let (false, Some(b)) = (signed, self.wide_constant(b).filter(|b| b.is_power_of_two())) {
                    if op == BinaryOp::Div {
                        return self.wide_shift_by(false, false, a, b.trailing_zeros());
                    }
                    let masks = [(b - 1) as i32, ((b - 1) >> 32) as i32].map(|m| self.b.number(m));
                    let low = self.b.word(Op::And, &[a_low, masks[0]]);
                    return Number::Two(low, self.b.word(Op::And, &[a_high, masks[1]]));
                }
                let name = if signed { names::I64_DIV_REM } else { names::U64_DIV_REM };
                let results = self.call(name, &words, 4);
                let at = if op == BinaryOp::Div { 0 } else { 2 };
                Number::Two(results[at], results[at + 1])
            }
            BinaryOp::Min | BinaryOp::Max => {
                let less = Op::CompareWide(if signed { Cond::Lt } else { Cond::LtU });
                let order = if op == BinaryOp::Min { words } else { [b_low, b_high, a_low, a_high] };
                let first = self.b.word(less, &order);
                let zero = self.b.number(0);
                self.choose(Cond::Ne, [first, zero], a, b)
            }
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
                let op = match op {
                    BinaryOp::And => Op::And,
                    BinaryOp::Or => Op::Or,
                    _ => Op::Xor,
                };
                let low = self.b.word(op.clone(), &[a_low, b_low]);
                Number::Two(low, self.b.word(op, &[a_high, b_high]))
            }
            BinaryOp::Shl | BinaryOp::Shr => self.wide_shift(op == BinaryOp::Shl, signed, a, b),
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le => {
                Number::One(self.b.word(Op::CompareWide(cond(op, signed)), &words))
            }
        }
    }

    /// A pair within ends that are words: it becomes a word that saturates, which is cheap to clamp.
    pub(super) fn wide_clamp(&mut self, x: Number, least: i32, greatest: i32) -> Number {
        let (low, high) = x.pair();
        let sign = self.sign(low);
        let top = self.b.number(i32::MAX);
        let beyond = self.sign(high);
        let beyond = self.b.word(Op::Xor, &[beyond, top]);
        let word = self.b.select(Cond::Eq, [high, sign], [low, beyond]);
        let word = self.clamped(word, 0, least, greatest);
        self.widen(word, true)
    }

    fn wide_shift(&mut self, left: bool, signed: bool, a: Number, amount: Number) -> Number {
        if let Some(amount) = self.wide_constant(amount) {
            return self.wide_shift_by(left, signed, a, u32::try_from(amount).unwrap_or(64).min(64));
        }
        // What does not fit a word is as good as 64.
        let (low, high) = amount.pair();
        let (zero, width) = (self.b.number(0), self.b.number(64));
        let amount = self.b.select(Cond::Eq, [high, zero], [low, width]);
        let name = match (left, signed) {
            (true, _) => names::U64_SHL,
            (false, true) => names::I64_SHR,
            (false, false) => names::U64_SHR,
        };
        let (low, high) = a.pair();
        let words = self.call(name, &[low, high, amount], 2);
        Number::Two(words[0], words[1])
    }

    /// A shift by 0 to 64.
    fn wide_shift_by(&mut self, left: bool, signed: bool, a: Number, amount: u32) -> Number {
        let (low, high) = a.pair();
        let amount_of = |w: &mut Self, n: u32| w.b.number(n as i32);
        let right = if signed { Op::ShiftRightSigned } else { Op::ShiftRight };
        let fill = |w: &mut Self| if signed && !left { w.sign(high) } else { w.b.number(0) };
        match (amount, left) {
            (0, _) => a,
            (1..=31, true) => {
                let (n, rest) = (amount_of(self, amount), amount_of(self, 32 - amount));
                let upper = self.b.word(Op::ShiftLeft, &[high, n]);
                let carried = self.b.word(Op::ShiftRight, &[low, rest]);
                let high = self.b.word(Op::Or, &[upper, carried]);
                Number::Two(self.b.word(Op::ShiftLeft, &[low, n]), high)
            }
            (1..=31, false) => {
                let (n, rest) = (amount_of(self, amount), amount_of(self, 32 - amount));
                let lower = self.b.word(Op::ShiftRight, &[low, n]);
                let carried = self.b.word(Op::ShiftLeft, &[high, rest]);
                let low = self.b.word(Op::Or, &[lower, carried]);
                Number::Two(low, self.b.word(right, &[high, n]))
            }
            (32..=63, true) => {
                let n = amount_of(self, amount - 32);
                let high = self.b.word(Op::ShiftLeft, &[low, n]);
                Number::Two(self.b.number(0), high)
            }
            (32..=63, false) => {
                let n = amount_of(self, amount - 32);
                let low = self.b.word(right, &[high, n]);
                Number::Two(low, fill(self))
            }
            _ => {
                let all = fill(self);
                Number::Two(all, all)
            }
        }
    }
}
