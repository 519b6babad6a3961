//! Binary32 numbers with operators: instructions where the core has an FPU, else calls of the routines. Each operation
//! rounds once.

use super::binary32::SIGN;
use super::names;
use super::word::Word;
use super::write::Writer;
use crate::native::{Op, Value};
use std::ops::{Add, Mul, Sub};

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

/// The bits of the negative number.
fn negated(bits: Word<'_>) -> Word<'_> {
    bits ^ SIGN
}
