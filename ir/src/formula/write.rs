//! Writes formulas as Rust expressions: `x * x.sigmoid()`.

use super::{Formula, Term};
use crate::DType;
use crate::loops::{BinaryOp, Literal, UnaryOp};
use std::cell::RefCell;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Sub};

/// A formula being written. Types are the caller's to match; [`Formula::types`] says what does not fit.
pub struct Writer {
    formula: RefCell<Formula>,
    types: RefCell<Vec<DType>>,
}

/// A subexpression: operators write new ones.
#[derive(Clone, Copy)]
pub struct Number<'w> {
    writer: &'w Writer,
    at: usize,
}

impl Formula {
    /// Writes a formula on arguments of the given types.
    pub fn write(arguments: &[DType], body: impl for<'w> FnOnce(&[Number<'w>]) -> Number<'w>) -> Self {
        let writer = Writer { formula: RefCell::default(), types: RefCell::default() };
        let numbers: Vec<Number<'_>> =
            arguments.iter().enumerate().map(|(i, &ty)| writer.push(Term::Argument(i), ty)).collect();
        let result = body(&numbers).at;
        let formula = writer.formula.borrow();
        formula.finish(result)
    }
}

impl Writer {
    fn push(&self, term: Term, ty: DType) -> Number<'_> {
        let at = self.formula.borrow_mut().push(term);
        let mut types = self.types.borrow_mut();
        if at == types.len() {
            types.push(ty);
        }
        Number { writer: self, at }
    }

    /// A constant.
    pub fn literal(&self, literal: Literal) -> Number<'_> {
        self.push(Term::Literal(literal), literal.scalar())
    }
}

impl<'w> Number<'w> {
    /// The type.
    pub fn ty(self) -> DType {
        self.writer.types.borrow()[self.at]
    }

    fn unary(self, op: UnaryOp) -> Self {
        self.writer.push(Term::Unary(op, self.at), self.ty())
    }

    fn binary(self, op: BinaryOp, other: Self) -> Self {
        let ty = if op.is_comparison() { DType::Bool } else { self.ty() };
        self.writer.push(Term::Binary(op, self.at, other.at), ty)
    }

    /// A constant of this number's type, which must be one with arithmetic; integers are cut towards zero.
    pub fn literal(self, value: f64) -> Self {
        self.writer.literal(match self.ty() {
            DType::F32 => Literal::F32(value as f32),
            DType::F64 => Literal::F64(value),
            DType::I64 => Literal::I64(value as i64),
            DType::U32 => Literal::U32(value as u32),
            DType::U64 => Literal::U64(value as u64),
            DType::Bool => Literal::Bool(value != 0.0),
            _ => Literal::I32(value as i32),
        })
    }

    /// A constant of any type, for this number's formula.
    pub fn constant(self, literal: Literal) -> Self {
        self.writer.literal(literal)
    }

    /// The value in another type; itself if it has that type. Half floats go by way of f32, and
    /// integers that share bytes by way of i32, of which they are the low bits: floats are not brought into their range.
    pub fn to(self, ty: DType) -> Self {
        let from = self.ty();
        let arithmetic = |ty: DType| if ty.is_float() { DType::F32 } else { DType::I32 };
        if from == ty {
            self
        } else if (from.is_half() || from.is_packed()) && ty != arithmetic(from) {
            self.to(arithmetic(from)).to(ty)
        } else if (ty.is_half() || ty.is_packed()) && from != arithmetic(ty) {
            self.to(arithmetic(ty)).to(ty)
        } else {
            self.writer.push(Term::Convert(ty, self.at), ty)
        }
    }

    /// The same bits as another type with arithmetic of the same size.
    pub fn bits(self, ty: DType) -> Self {
        if self.ty() == ty { self } else { self.writer.push(Term::Bits(ty, self.at), ty) }
    }

    /// In the type of arithmetic that holds every value: i32 for narrower integers and bool, f32 for half floats.
    pub fn wide(self) -> Self {
        match self.ty() {
            ty if ty.is_half() => self.to(DType::F32),
            ty if ty.size() < 4 => self.to(DType::I32),
            _ => self,
        }
    }

    /// The absolute value.
    pub fn abs(self) -> Self {
        self.unary(UnaryOp::Abs)
    }

    /// The square root, correctly rounded.
    pub fn sqrt(self) -> Self {
        self.unary(UnaryOp::Sqrt)
    }

    /// The nearest integral value, ties to even.
    pub fn round(self) -> Self {
        self.unary(UnaryOp::RoundTiesEven)
    }

    /// `runtime::math::exp`, of f64 `exp64`.
    pub fn exp(self) -> Self {
        self.unary(UnaryOp::Exp)
    }

    /// `runtime::math::log`, of f64 `log64`.
    pub fn log(self) -> Self {
        self.unary(UnaryOp::Log)
    }

    /// `runtime::math::sin`.
    pub fn sin(self) -> Self {
        self.unary(UnaryOp::Sin)
    }

    /// `runtime::math::cos`.
    pub fn cos(self) -> Self {
        self.unary(UnaryOp::Cos)
    }

    /// `runtime::math::tanh`.
    pub fn tanh(self) -> Self {
        self.unary(UnaryOp::Tanh)
    }

    /// `runtime::math::sigmoid`.
    pub fn sigmoid(self) -> Self {
        self.unary(UnaryOp::Sigmoid)
    }

    /// `runtime::math::erf`.
    pub fn erf(self) -> Self {
        self.unary(UnaryOp::Erf)
    }

    /// The lesser; NaN if either is NaN.
    pub fn min(self, other: Self) -> Self {
        self.binary(BinaryOp::Min, other)
    }

    /// The greater; NaN if either is NaN.
    pub fn max(self, other: Self) -> Self {
        self.binary(BinaryOp::Max, other)
    }

    /// The remainder of integers, with the dividend's sign.
    pub fn remainder(self, other: Self) -> Self {
        self.binary(BinaryOp::Rem, other)
    }

    /// Shifted left; 0 from the width on.
    pub fn shift_left(self, amount: Self) -> Self {
        self.binary(BinaryOp::Shl, amount)
    }

    /// Shifted right.
    pub fn shift_right(self, amount: Self) -> Self {
        self.binary(BinaryOp::Shr, amount)
    }

    /// `self < other`
    pub fn lt(self, other: Self) -> Self {
        self.binary(BinaryOp::Lt, other)
    }

    /// `self ≤ other`
    pub fn le(self, other: Self) -> Self {
        self.binary(BinaryOp::Le, other)
    }

    /// Equal numbers.
    pub fn equals(self, other: Self) -> Self {
        self.binary(BinaryOp::Eq, other)
    }

    /// Numbers that differ; NaN differs from itself.
    pub fn differs(self, other: Self) -> Self {
        self.binary(BinaryOp::Ne, other)
    }

    /// `then` where this bool holds, else `otherwise`. Choices of a narrow type are made in a wide one.
    pub fn select(self, then: Self, otherwise: Self) -> Self {
        let ty = then.ty();
        if ty.size() < 4 && ty != DType::Bool {
            return self.select(then.wide(), otherwise.wide()).to(ty);
        }
        self.writer.push(Term::Select([self.at, then.at, otherwise.at]), ty)
    }
}

/// An operator of Rust for one of ours, with numbers and with constants on its right.
macro_rules! operator {
    ($trait:ident $method:ident $float:ident $int:ident) => {
        impl<'w> $trait for Number<'w> {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                self.binary(if self.ty().is_int() { BinaryOp::$int } else { BinaryOp::$float }, other)
            }
        }

        impl<'w> $trait<f64> for Number<'w> {
            type Output = Self;
            fn $method(self, other: f64) -> Self {
                let other = self.literal(other);
                $trait::$method(self, other)
            }
        }
    };
}
operator!(Add add Add WrappingAdd);
operator!(Sub sub Sub WrappingSub);
operator!(Mul mul Mul WrappingMul);
operator!(Div div Div Div);
operator!(BitAnd bitand And And);
operator!(BitOr bitor Or Or);
operator!(BitXor bitxor Xor Xor);

impl<'w> Neg for Number<'w> {
    type Output = Self;
    fn neg(self) -> Self {
        self.unary(UnaryOp::Neg)
    }
}

impl<'w> Not for Number<'w> {
    type Output = Self;
    fn not(self) -> Self {
        self.unary(UnaryOp::Not)
    }
}
