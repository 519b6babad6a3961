//! Words with operators, and tests between them, as [`Writer`] takes them. Pairs of words: `wide`.

use super::write::Writer;
use crate::native::{Cond, Op, Value, Width};
use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Shl, Shr, Sub};

/// A word of the routine that is written. `>>` is logical; shifts take 0 to 31.
#[derive(Clone, Copy)]
pub(super) struct Word<'w> {
    writer: &'w Writer,
    value: Value,
}

/// What can stand beside a word: a word, or a number.
pub(super) trait Operand<'w>: Copy {
    /// The word itself.
    fn word(self, writer: &'w Writer) -> Word<'w>;
}

impl<'w> Operand<'w> for Word<'w> {
    fn word(self, _: &'w Writer) -> Word<'w> {
        self
    }
}

impl<'w> Operand<'w> for i32 {
    fn word(self, writer: &'w Writer) -> Word<'w> {
        writer.constant(self)
    }
}

impl<'w> Operand<'w> for u32 {
    fn word(self, writer: &'w Writer) -> Word<'w> {
        writer.constant(self as i32)
    }
}

/// A comparison of two words.
#[derive(Clone, Copy)]
pub(super) struct Test<'w> {
    pub(super) cond: Cond,
    pub(super) left: Word<'w>,
    pub(super) right: Word<'w>,
}

impl<'w> Word<'w> {
    pub(super) fn new(writer: &'w Writer, value: Value) -> Self {
        Self { writer, value }
    }

    pub(super) fn value(self) -> Value {
        self.value
    }

    pub(super) fn writer(self) -> &'w Writer {
        self.writer
    }

    fn binary(self, op: Op, other: impl Operand<'w>) -> Self {
        self.writer.words::<1>(op, &[self, other.word(self.writer)])[0]
    }

    /// An arithmetic shift to the right.
    pub(super) fn sar(self, amount: impl Operand<'w>) -> Self {
        self.binary(Op::ShiftRightSigned, amount)
    }

    /// `−x`.
    pub(super) fn negated(self) -> Self {
        self.writer.constant(0) - self
    }

    /// The low halfword.
    pub(super) fn low_half(self) -> Self {
        self.writer.words::<1>(Op::Extend(Width::U16), &[self])[0]
    }

    fn test(self, cond: Cond, other: impl Operand<'w>) -> Test<'w> {
        Test { cond, left: self, right: other.word(self.writer) }
    }

    /// `self == other`.
    pub(super) fn eq(self, other: impl Operand<'w>) -> Test<'w> {
        self.test(Cond::Eq, other)
    }

    /// `self != other`.
    pub(super) fn ne(self, other: impl Operand<'w>) -> Test<'w> {
        self.test(Cond::Ne, other)
    }

    /// `self < other`, signed.
    pub(super) fn lt(self, other: impl Operand<'w>) -> Test<'w> {
        self.test(Cond::Lt, other)
    }

    /// `self <= other`, signed.
    pub(super) fn le(self, other: impl Operand<'w>) -> Test<'w> {
        self.test(Cond::Le, other)
    }

    /// `self < other`, unsigned.
    pub(super) fn below(self, other: impl Operand<'w>) -> Test<'w> {
        self.test(Cond::LtU, other)
    }

    /// `self >= other`, signed.
    pub(super) fn ge(self, other: impl Operand<'w>) -> Test<'w> {
        self.lt(other).not()
    }

    /// `self <= other`, unsigned.
    pub(super) fn at_most(self, other: impl Operand<'w>) -> Test<'w> {
        self.test(Cond::LeU, other)
    }

    /// `self > other`, unsigned.
    pub(super) fn above(self, other: impl Operand<'w>) -> Test<'w> {
        self.at_most(other).not()
    }

    /// `self >= other`, unsigned.
    pub(super) fn at_least(self, other: impl Operand<'w>) -> Test<'w> {
        self.below(other).not()
    }
}

impl<'w> Test<'w> {
    /// Holds where this does not.
    pub(super) fn not(self) -> Self {
        let (cond, swap) = match self.cond {
            Cond::Eq => (Cond::Ne, false),
            Cond::Ne => (Cond::Eq, false),
            Cond::Lt => (Cond::Le, true),
            Cond::Le => (Cond::Lt, true),
            Cond::LtU => (Cond::LeU, true),
            Cond::LeU => (Cond::LtU, true),
        };
        let (left, right) = if swap { (self.right, self.left) } else { (self.left, self.right) };
        Self { cond, left, right }
    }

    /// One of two words.
    pub(super) fn select(self, then: impl Operand<'w>, otherwise: impl Operand<'w>) -> Word<'w> {
        self.left.writer.select(self, then, otherwise)
    }

    /// 1 or 0.
    pub(super) fn truth(self) -> Word<'w> {
        self.left.writer.truth(self)
    }
}

macro_rules! operators {
    ($($operator:ident $method:ident $op:ident;)*) => {
        $(impl<'w, T: Operand<'w>> $operator<T> for Word<'w> {
            type Output = Self;
            fn $method(self, other: T) -> Self {
                self.binary(Op::$op, other)
            }
        })*
    };
}

operators! {
    Add add Add;
    Sub sub Sub;
    Mul mul Mul;
    BitAnd bitand And;
    BitOr bitor Or;
    BitXor bitxor Xor;
    Shl shl ShiftLeft;
    Shr shr ShiftRight;
}
