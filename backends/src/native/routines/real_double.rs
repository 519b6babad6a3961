//! Binary64 numbers with operators, by their bits: every operation is a call of the routine, and rounds once.

use super::binary64::SIGN;
use super::names;
use super::wide::Pair;
use super::word::Word;
use super::write::Writer;
use std::ops::{Add, Div, Mul, Sub};

/// A number of the routine that is written.
#[derive(Clone, Copy)]
pub(super) struct Double<'w> {
    /// Its bits, low word first.
    pub(super) bits: Pair<'w>,
}

impl<'w> Double<'w> {
    /// A constant.
    pub(super) fn constant(writer: &'w Writer, number: f64) -> Self {
        let bits = number.to_bits();
        Self { bits: [bits as u32, (bits >> 32) as u32].map(|word| writer.constant(word as i32)) }
    }

    /// The number of a signed word, exact.
    pub(super) fn from_signed(word: Word<'w>) -> Self {
        Self { bits: word.writer().call(names::I32_TO_F64, &[word]) }
    }

    /// A polynomial of this number, the highest coefficient first: `… c[2] + x·(c[1] + x·c[0])`.
    pub(super) fn polynomial(self, coefficients: &[f64]) -> Self {
        let number = |&c: &f64| Self::constant(self.bits[0].writer(), c);
        let terms = coefficients.iter().map(number);
        terms.reduce(|sum, c| c + self * sum).expect("a polynomial has a coefficient")
    }

    fn routine(self, name: &'static str, [low, high]: Pair<'w>) -> Self {
        let writer = self.bits[0].writer();
        Self { bits: writer.call(name, &[self.bits[0], self.bits[1], low, high]) }
    }
}

impl<'w> Add for Double<'w> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.routine(names::F64_ADD, other.bits)
    }
}

impl<'w> Sub for Double<'w> {
    type Output = Self;
    #[allow(clippy::suspicious_arithmetic_impl, reason = "a difference is a sum with the sign turned")]
    fn sub(self, other: Self) -> Self {
        let [low, high] = other.bits;
        self.routine(names::F64_ADD, [low, high ^ SIGN])
    }
}

impl<'w> Mul for Double<'w> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.routine(names::F64_MUL, other.bits)
    }
}

impl<'w> Div for Double<'w> {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        self.routine(names::F64_DIV, other.bits)
    }
}
