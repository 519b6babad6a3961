//! Binary32 numbers with operators: instructions where the core has an FPU, else calls of the routines. Each operation
//! rounds once.

use super::binary32::SIGN;
use super::names;
use super::word::Word;
use super::write::Writer;
use crate::native::{Op, Value};
use std::ops::{Add, Div, Mul, Sub};

/// A number of the routine that is written: in a float register if there are any, else by its bits.
#[derive(Clone, Copy)]
pub(super) struct Real<'w> {
    writer: &'w Writer,
    value: Value,
}

impl<'w> Real<'w> {
    /// The number with these bits.
    pub(super) fn from_bits(bits: Word<'w>) -> Self {
        let writer = bits.writer();
        if writer.machine().float {
            Self { writer, value: writer.float(Op::BitsToFloat, &[bits.value()]) }
        } else {
            Self { writer, value: bits.value() }
        }
    }

    /// A constant.
    pub(super) fn constant(writer: &'w Writer, number: f32) -> Self {
        if writer.machine().float {
            Self { writer, value: writer.float(Op::FloatConst(number.to_bits()), &[]) }
        } else {
            Self::from_bits(writer.constant(number.to_bits() as i32))
        }
    }

    /// Its bits.
    pub(super) fn bits(self) -> Word<'w> {
        if self.writer.machine().float { self.writer.float_bits(self.value) } else { self.word() }
    }

    /// The number nearest to a signed word.
    pub(super) fn from_signed(word: Word<'w>) -> Self {
        Self::converted(word, Op::SignedToFloat, names::I32_TO_F32)
    }

    /// The number nearest to an unsigned word.
    pub(super) fn from_unsigned(word: Word<'w>) -> Self {
        Self::converted(word, Op::UnsignedToFloat, names::U32_TO_F32)
    }

    fn converted(word: Word<'w>, op: Op, routine: &'static str) -> Self {
        let writer = word.writer();
        if writer.machine().float {
            Self { writer, value: writer.float(op, &[word.value()]) }
        } else {
            Self::from_bits(writer.call::<1>(routine, &[word])[0])
        }
    }

    /// A function that is a routine on every core.
    pub(super) fn through(self, routine: &'static str) -> Self {
        Self::from_bits(self.writer.call::<1>(routine, &[self.bits()])[0])
    }

    /// A polynomial of this number, the highest coefficient first: `… c[2] + x·(c[1] + x·c[0])`.
    pub(super) fn polynomial(self, coefficients: &[f32]) -> Self {
        let number = |&c: &f32| Self::constant(self.writer, c);
        let terms = coefficients.iter().map(number);
        terms.reduce(|sum, c| c + self * sum).expect("a polynomial has a coefficient")
    }

    fn word(self) -> Word<'w> {
        Word::new(self.writer, self.value)
    }

    fn float(self, op: Op, other: Self) -> Self {
        Self { value: self.writer.float(op, &[self.value, other.value]), ..self }
    }

    fn routine(self, name: &'static str, other: Word<'w>) -> Self {
        Self::from_bits(self.writer.call::<1>(name, &[self.word(), other])[0])
    }
}

impl<'w> Add for Real<'w> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        if self.writer.machine().float {
            return self.float(Op::FloatAdd, other);
        }
        self.routine(names::F32_ADD, other.word())
    }
}

impl<'w> Sub for Real<'w> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        if self.writer.machine().float {
            return self.float(Op::FloatSub, other);
        }
        self.routine(names::F32_ADD, negated(other.word()))
    }
}

impl<'w> Mul for Real<'w> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        if self.writer.machine().float {
            return self.float(Op::FloatMul, other);
        }
        self.routine(names::F32_MUL, other.word())
    }
}

impl<'w> Div for Real<'w> {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        if self.writer.machine().float {
            return self.float(Op::FloatDiv, other);
        }
        self.routine(names::F32_DIV, other.word())
    }
}

/// The bits of the negative number.
fn negated(bits: Word<'_>) -> Word<'_> {
    bits ^ SIGN
}
