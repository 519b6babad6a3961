//! Floats: in float registers where the machine has them for 32 bits, else by their bits in words and through routines.
//! 64-bit floats are always pairs of words.

use super::kernel::{Number, Writer};
use super::routines::names;
use super::{Class, Cond, FloatCond, Op, Value};
use tinyc_ir::loops::{BinaryOp, Scalar, UnaryOp};

impl Writer<'_> {
    /// The bits of a 32-bit float as a word.
    fn bits(&mut self, x: Value) -> Value {
        match self.b.class(x) {
            Class::Float => self.b.word(Op::FloatToBits, &[x]),
            Class::Word => x,
        }
    }

    /// A 32-bit float from its bits, where this machine keeps floats.
    fn float_of(&mut self, bits: Value) -> Value {
        if self.machine.float { self.b.float(Op::BitsToFloat, &[bits]) } else { bits }
    }

    /// A number's bits as another type of the same size.
    pub(super) fn float_bits(&mut self, to: Scalar, x: Number) -> Number {
        match x {
            Number::One(x) => {
                let word = self.bits(x);
                Number::One(if to == Scalar::F32 { self.float_of(word) } else { word })
            }
            pair => pair,
        }
    }

    /// Calls a routine on floats by their bits; a single float comes back as this machine keeps it.
    fn float_call(&mut self, name: &'static str, args: &[Number], to: Scalar) -> Number {
        let mut words = Vec::new();
        for arg in args {
            match *arg {
                Number::One(x) => words.push(self.bits(x)),
                Number::Two(low, high) => words.extend([low, high]),
            }
        }
        let results = self.call(name, &words, if to.size() == 8 { 2 } else { 1 });
        match (&results[..], to) {
            (&[low, high], _) => Number::Two(low, high),
            (results, Scalar::F32) => Number::One(self.float_of(results[0])),
            (results, _) => Number::One(results[0]),
        }
    }

    pub(super) fn float_unary(&mut self, op: UnaryOp, scalar: Scalar, x: Number) -> Number {
        if scalar == Scalar::F32 && self.machine.float {
            let op = match op {
                UnaryOp::Neg => Op::FloatNeg,
                UnaryOp::Abs => Op::FloatAbs,
                UnaryOp::Sqrt => Op::FloatSqrt,
                UnaryOp::RoundTiesEven => return self.float_call(names::F32_ROUND, &[x], scalar),
                other => return self.float_call(math(other, false), &[x], scalar),
            };
            return Number::One(self.b.float(op, &[x.word()]));
        }
        if matches!(op, UnaryOp::Neg | UnaryOp::Abs) {
            // The sign is the top bit of the highest word.
            let mask = self.b.number(if op == UnaryOp::Neg { i32::MIN } else { i32::MAX });
            let op = if op == UnaryOp::Neg { Op::Xor } else { Op::And };
            return match x {
                Number::One(word) => Number::One(self.b.word(op, &[word, mask])),
                Number::Two(low, high) => Number::Two(low, self.b.word(op, &[high, mask])),
            };
        }
        let double = scalar == Scalar::F64;
        let name = match op {
            UnaryOp::Sqrt if double => names::F64_SQRT,
            UnaryOp::Sqrt => names::F32_SQRT,
            UnaryOp::RoundTiesEven if double => names::F64_ROUND,
            UnaryOp::RoundTiesEven => names::F32_ROUND,
            other => math(other, double),
        };
        self.float_call(name, &[x], scalar)
    }

    pub(super) fn float_binary(&mut self, op: BinaryOp, scalar: Scalar, a: Number, b: Number) -> Number {
        if matches!(op, BinaryOp::Min | BinaryOp::Max) {
            return self.float_extreme(op == BinaryOp::Min, scalar, a, b);
        }
        if scalar == Scalar::F32 && self.machine.float {
            return self.hard(op, a.word(), b.word());
        }
        if scalar == Scalar::F32 && op == BinaryOp::Sub {
            // The routine does no more than this, in a call more. A NaN's sign does not matter.
            let sign = self.b.number(i32::MIN);
            let negative = self.b.word(Op::Xor, &[b.word(), sign]);
            return self.float_call(names::F32_ADD, &[a, Number::One(negative)], scalar);
        }
        use BinaryOp::{Add, Div, Eq, Le, Lt, Mul, Sub};
        let (single, double) = match op {
            Add => (names::F32_ADD, names::F64_ADD),
            Sub => (names::F32_SUB, names::F64_SUB),
            Mul => (names::F32_MUL, names::F64_MUL),
            Div => (names::F32_DIV, names::F64_DIV),
            Eq => (names::F32_EQ, names::F64_EQ),
            Lt => (names::F32_LT, names::F64_LT),
            Le => (names::F32_LE, names::F64_LE),
            _ => (names::F32_NE, names::F64_NE),
        };
        let name = if scalar == Scalar::F64 { double } else { single };
        self.float_call(name, &[a, b], if op.is_comparison() { Scalar::Bool } else { scalar })
    }

    fn hard(&mut self, op: BinaryOp, a: Value, b: Value) -> Number {
        let op = match op {
            BinaryOp::Add => Op::FloatAdd,
            BinaryOp::Sub => Op::FloatSub,
            BinaryOp::Mul => Op::FloatMul,
            BinaryOp::Div => Op::FloatDiv,
            BinaryOp::Eq => return self.compared(FloatCond::Eq, a, b),
            BinaryOp::Lt => return self.compared(FloatCond::Lt, a, b),
            BinaryOp::Le => return self.compared(FloatCond::Le, a, b),
            _ => return self.compared(FloatCond::Ne, a, b),
        };
        Number::One(self.b.float(op, &[a, b]))
    }

    fn compared(&mut self, cond: FloatCond, a: Value, b: Value) -> Number {
        Number::One(self.b.word(Op::FloatCompare(cond), &[a, b]))
    }

    /// The value of a constant 32-bit float.
    fn float_constant(&self, x: Number) -> Option<f32> {
        let Number::One(x) = x else { return None };
        if let Some(bits) = self.b.constant(x) {
            return Some(f32::from_bits(bits as u32));
        }
        match self.b.definition(x)?.op {
            Op::FloatConst(bits) => Some(f32::from_bits(bits)),
            _ => None,
        }
    }

    fn float_extreme(&mut self, min: bool, scalar: Scalar, a: Number, b: Number) -> Number {
        let single = scalar == Scalar::F32;
        // With a constant that is no NaN and not the zero that loses, one comparison says all: a NaN on the other side
        // fails it and stays.
        let decides = |c: f32| !(c.is_nan() || c == 0.0 && c.is_sign_negative() != min);
        if single && self.float_constant(b).is_some_and(decides) {
            let ends = if min { [b, a] } else { [a, b] };
            let first = self.float_binary(BinaryOp::Le, scalar, ends[0], ends[1]).word();
            let zero = self.b.number(0);
            return self.choose(Cond::Ne, [first, zero], b, a);
        }
        let name = match (min, single) {
            (true, true) => names::F32_MIN,
            (true, false) => names::F64_MIN,
            (false, true) => names::F32_MAX,
            (false, false) => names::F64_MAX,
        };
        self.float_call(name, &[a, b], scalar)
    }

    pub(super) fn float_convert(&mut self, from: Scalar, to: Scalar, x: Number) -> Number {
        if from.is_float() && to == Scalar::Bool {
            let zero = self.b.number(0);
            let zero = match x {
                Number::One(_) => Number::One(self.float_of(zero)),
                Number::Two(..) => Number::Two(zero, zero),
            };
            return self.float_binary(BinaryOp::Ne, from, x, zero);
        }
        match (from, to) {
            (Scalar::BF16, _) => {
                let sixteen = self.b.number(16);
                let bits = self.b.word(Op::ShiftLeft, &[x.word(), sixteen]);
                Number::One(self.float_of(bits))
            }
            (Scalar::F16, _) if self.machine.half => Number::One(self.b.float(Op::HalfToFloat, &[x.word()])),
            (_, Scalar::F16) if self.machine.half => {
                let half = self.b.word(Op::FloatToHalf, &[x.word()]);
                let is_nan = self.b.word(Op::FloatCompare(FloatCond::Ne), &[x.word(), x.word()]);
                let (zero, nan) = (self.b.number(0), self.b.number(tinyc_ir::half::F16_NAN.into()));
                Number::One(self.b.select(Cond::Ne, [is_nan, zero], [nan, half]))
            }
            (Scalar::F16, _) => self.float_call(names::F16_TO_F32, &[x], to),
            (_, Scalar::F16) => self.float_call(names::F32_TO_F16, &[x], to),
            (_, Scalar::BF16) => self.float_call(names::F32_TO_BF16, &[x], to),
            (Scalar::F32, Scalar::F64) => self.float_call(names::F32_TO_F64, &[x], to),
            (Scalar::F64, Scalar::F32) => self.float_call(names::F64_TO_F32, &[x], to),
            _ if from.is_float() => self.float_to_int(from, to, x),
            _ => self.int_to_float(from, to, x),
        }
    }

    fn int_to_float(&mut self, from: Scalar, to: Scalar, x: Number) -> Number {
        let wide = from.size() == 8;
        let signed = from.is_signed();
        if to == Scalar::F32 && self.machine.float && !wide {
            let op = if signed { Op::SignedToFloat } else { Op::UnsignedToFloat };
            return Number::One(self.b.float(op, &[x.word()]));
        }
        let name = match (wide, signed, to == Scalar::F64) {
            (false, true, false) => names::I32_TO_F32,
            (false, false, false) => names::U32_TO_F32,
            (true, true, false) => names::I64_TO_F32,
            (true, false, false) => names::U64_TO_F32,
            (false, true, true) => names::I32_TO_F64,
            (false, false, true) => names::U32_TO_F64,
            (true, true, true) => names::I64_TO_F64,
            (true, false, true) => names::U64_TO_F64,
        };
        self.float_call(name, &[x], to)
    }

    fn float_to_int(&mut self, from: Scalar, to: Scalar, x: Number) -> Number {
        let wide = to.size() == 8;
        // Narrow integers saturate at their own ends: through a word, and clamped.
        let signed = to.is_signed();
        let double = from == Scalar::F64;
        let number = if !double && self.machine.float && !wide {
            let op = if signed { Op::FloatToSigned } else { Op::FloatToUnsigned };
            Number::One(self.b.word(op, &[x.word()]))
        } else {
            let name = match (double, wide, signed) {
                (false, false, true) => names::F32_TO_I32,
                (false, false, false) => names::F32_TO_U32,
                (false, true, true) => names::F32_TO_I64,
                (false, true, false) => names::F32_TO_U64,
                (true, false, true) => names::F64_TO_I32,
                (true, false, false) => names::F64_TO_U32,
                (true, true, true) => names::F64_TO_I64,
                (true, true, false) => names::F64_TO_U64,
            };
            self.float_call(name, &[x], if wide { Scalar::I64 } else { Scalar::I32 })
        };
        let Some((least, greatest)) = to.int_range().filter(|_| to.size() < 4) else { return number };
        let word = number.word();
        let greatest = self.b.number(greatest as i32);
        let cond = if signed { Cond::Lt } else { Cond::LtU };
        let word = self.b.select(cond, [greatest, word], [greatest, word]);
        if !signed {
            return Number::One(word);
        }
        let least = self.b.number(least as i32);
        Number::One(self.b.select(cond, [word, least], [least, word]))
    }
}

/// The routine for an operation that is a function of the runtime's `math`.
fn math(op: UnaryOp, double: bool) -> &'static str {
    op.function()
        .and_then(|function| names::of_math(function, double))
        .expect("every function of the runtime is a routine")
}
