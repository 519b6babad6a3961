//! Expressions of the loop IR: pure, total, typed. What each operation computes is defined here, for all arguments.

use super::index::{Affine, Index};
use super::kernel::{Param, Var};
use super::scalar::Scalar;

crate::entity! {
    /// An expression of a kernel.
    pub struct Expr = "e";
}

/// A node of an expression tree.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprData {
    /// A constant.
    Literal(Literal),
    /// A register's current value.
    Var(Var),
    /// An affine combination of loop counters, as an i32.
    Affine(Affine),
    /// Reads a buffer. `scalar` is the element's type, or an integer of a float's size: its bits; or one that is
    /// wider by a power of two: neighbouring elements, little-endian, where the index is proven to be a multiple that keeps
    /// the load aligned.
    Load {
        /// The buffer.
        param: Param,
        /// The (first) element.
        index: Index,
        /// The result's type.
        scalar: Scalar,
    },
    /// An operation on one operand; the result has the operand's type.
    Unary {
        /// The operation.
        op: UnaryOp,
        /// Its operand.
        value: Expr,
    },
    /// An operation on two operands of equal type.
    Binary {
        /// The operation.
        op: BinaryOp,
        /// The left operand.
        left: Expr,
        /// The right operand.
        right: Expr,
    },
    /// Changes the type. Integer to integer: widened by value or cut to the low bits. Integer to float: nearest, ties
    /// to even. Float to integer: towards zero, saturated, NaN becomes 0. Float to float: nearest. To bool: not zero.
    /// Half floats become f32 only, and come from f32 only, as [`half`](crate::half) says.
    Convert {
        /// The result's type.
        to: Scalar,
        /// What is converted.
        value: Expr,
    },
    /// The same bits as another type with arithmetic of the same size.
    Bits {
        /// The result's type.
        to: Scalar,
        /// What is read anew.
        value: Expr,
    },
    /// `then` where the condition (a bool) holds, `otherwise` where not. Both are evaluated.
    Select {
        /// A bool.
        condition: Expr,
        /// The value if true.
        then: Expr,
        /// The value if false; of the same type.
        otherwise: Expr,
    },
    /// One of the packed operations that decide speed on small cores.
    Packed {
        /// The operation; it fixes the number and the types of the operands and the type of the result.
        op: PackedOp,
        /// Its operands.
        args: Vec<Expr>,
    },
}

/// A typed constant.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "one variant per type")]
pub enum Literal {
    Bool(bool),
    I32(i32),
    U32(u32),
    I64(i64),
    U64(u64),
    F32(f32),
    F64(f64),
}

impl PartialEq for Literal {
    /// Equal bits: NaN equals itself, 0.0 differs from -0.0.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::I32(a), Self::I32(b)) => a == b,
            (Self::U32(a), Self::U32(b)) => a == b,
            (Self::I64(a), Self::I64(b)) => a == b,
            (Self::U64(a), Self::U64(b)) => a == b,
            (Self::F32(a), Self::F32(b)) => a.to_bits() == b.to_bits(),
            (Self::F64(a), Self::F64(b)) => a.to_bits() == b.to_bits(),
            _ => false,
        }
    }
}

impl Literal {
    /// The constant's bits: integers sign- or zero-extended to 64 bits, floats in the low bits, bool 0 or 1.
    pub fn bits(self) -> u64 {
        match self {
            Self::Bool(v) => u64::from(v),
            Self::I32(v) => v as u64,
            Self::U32(v) => u64::from(v),
            Self::I64(v) => v as u64,
            Self::U64(v) => v,
            Self::F32(v) => u64::from(v.to_bits()),
            Self::F64(v) => v.to_bits(),
        }
    }

    /// The constant's type.
    pub fn scalar(self) -> Scalar {
        match self {
            Self::Bool(_) => Scalar::Bool,
            Self::I32(_) => Scalar::I32,
            Self::U32(_) => Scalar::U32,
            Self::I64(_) => Scalar::I64,
            Self::U64(_) => Scalar::U64,
            Self::F32(_) => Scalar::F32,
            Self::F64(_) => Scalar::F64,
        }
    }
}

/// Operations on one operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOp {
    /// `−x`; wraps for the least integer. Signed integers and floats.
    Neg,
    /// Every bit flipped (integers), or logical not (bool).
    Not,
    /// Absolute value; wraps for the least integer. Signed integers and floats.
    Abs,
    /// Square root, correctly rounded; NaN below zero. Floats.
    Sqrt,
    /// Nearest integral value, ties to even. Floats.
    RoundTiesEven,
    /// `runtime::math::exp`, or `exp64`. f32 and f64.
    Exp,
    /// `runtime::math::log`, or `log64`: the natural one; NaN below zero. f32 and f64.
    Log,
    /// `runtime::math::sin`. f32.
    Sin,
    /// `runtime::math::cos`. f32.
    Cos,
    /// `runtime::math::tanh`. f32.
    Tanh,
    /// `runtime::math::sigmoid`. f32.
    Sigmoid,
    /// `runtime::math::erf`. f32.
    Erf,
}

impl UnaryOp {
    /// The name in `runtime::math` of a function on f32; `None` for the other operations.
    pub fn function(self) -> Option<&'static str> {
        Some(match self {
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Erf => "erf",
            Self::Neg | Self::Not | Self::Abs | Self::Sqrt | Self::RoundTiesEven => return None,
        })
    }
}

/// Operations on two operands of one type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinaryOp {
    /// Sum. Integers: proven by the lowering not to overflow (the interpreter checks it). Floats: rounded once.
    Add,
    /// Difference; as [`Add`](Self::Add).
    Sub,
    /// Product; as [`Add`](Self::Add).
    Mul,
    /// Sum of integers, wrapping.
    WrappingAdd,
    /// Difference of integers, wrapping.
    WrappingSub,
    /// Product of integers, wrapping.
    WrappingMul,
    /// Quotient. Integers: towards zero, 0 if the divisor is 0, wraps for `MIN / −1`. Floats: IEEE.
    Div,
    /// Remainder of [`Div`](Self::Div) on integers: the dividend if the divisor is 0, 0 for `MIN % −1`.
    Rem,
    /// The lesser. Floats: NaN if either is NaN; −0 below +0.
    Min,
    /// The greater. Floats: NaN if either is NaN; −0 below +0.
    Max,
    /// Bitwise and; logical on bool.
    And,
    /// Bitwise or; logical on bool.
    Or,
    /// Bitwise exclusive or; logical on bool.
    Xor,
    /// Left shift of integers, high bits lost; 0 if the amount is negative or not less than the width.
    Shl,
    /// Right shift: arithmetic for signed, logical for unsigned; amounts outside the width shift everything out.
    Shr,
    /// Equal; the result is a bool. As all comparisons, false if an operand is NaN.
    Eq,
    /// Not equal; the result is a bool. True if an operand is NaN.
    Ne,
    /// Less; the result is a bool.
    Lt,
    /// Less or equal; the result is a bool.
    Le,
}

impl BinaryOp {
    /// Whether the result is a bool.
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le)
    }
}

/// Packed and wide operations. Words are i32; a pair is two signed 16-bit halves of a word, low half first.
/// Arithmetic wraps unless said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PackedOp {
    /// `dot2(acc: i32, a: i32, b: i32) → i32`: `acc + a.lo·b.lo + a.hi·b.hi`. ARM `SMLAD`.
    Dot2,
    /// `dot2_wide(acc: i64, a: i32, b: i32) → i64`: as [`Dot2`](Self::Dot2) with a 64-bit sum. ARM `SMLALD`.
    Dot2Wide,
    /// `mul_half(acc: i32, a: i32, b: i32) → i32`: `acc + a.half·b.half` with chosen halves. ARM `SMLAxy`.
    MulHalf {
        /// The high half of `a`, else the low one.
        a_high: bool,
        /// The high half of `b`, else the low one.
        b_high: bool,
    },
    /// `unpack_signed(x: i32) → i32`: bytes 0 and 2 of `x` rotated right by `rotate` bits, sign-extended to a pair. ARM `SXTB16`.
    UnpackSigned {
        /// 0, 8, 16 or 24.
        rotate: u8,
    },
    /// As [`UnpackSigned`](Self::UnpackSigned), zero-extended. ARM `UXTB16`.
    UnpackUnsigned {
        /// 0, 8, 16 or 24.
        rotate: u8,
    },
    /// `pack_low(a: i32, b: i32) → i32`: low half of `a`, and in the high half the low half of `b`. ARM `PKHBT … LSL #16`.
    PackLow,
    /// `pack_high(a: i32, b: i32) → i32`: high half of `a` into the low half, high half of `b` kept. ARM `PKHTB … ASR #16`.
    PackHigh,
    /// `mul_high(a: i32, b: i32) → i32`: bits 63..32 of the signed 64-bit product. ARM `SMMUL`, RISC-V `mulh`.
    MulHigh,
    /// `mul_high_acc(acc: i32, a: i32, b: i32) → i32`: `acc` plus [`MulHigh`](Self::MulHigh). ARM `SMMLA`.
    MulHighAcc,
    /// `saturate_signed(x: i32) → i32`: `x >> shift` (arithmetic) clamped to a signed integer of `bits`. ARM `SSAT`.
    SaturateSigned {
        /// 1 to 32.
        bits: u8,
        /// 0 to 31.
        shift: u8,
    },
    /// `saturate_unsigned(x: i32) → i32`: `x >> shift` (arithmetic) clamped to `0 .. 2^bits − 1`. ARM `USAT`.
    SaturateUnsigned {
        /// 0 to 31.
        bits: u8,
        /// 0 to 31.
        shift: u8,
    },
    /// `add_bytes(a: i32, b: i32) → i32`: four sums of bytes, each wrapping. ARM `SADD8`.
    AddBytes,
    /// `max_bytes_signed(a: i32, b: i32) → i32`: four maxima of signed bytes. ARM `SSUB8` and `SEL`.
    MaxBytesSigned,
    /// `max_bytes_unsigned(a: i32, b: i32) → i32`: four maxima of unsigned bytes. ARM `USUB8` and `SEL`.
    MaxBytesUnsigned,
}

impl PackedOp {
    /// The operands' types in order, and the result's.
    pub fn signature(self) -> (&'static [Scalar], Scalar) {
        const WORD: Scalar = Scalar::I32;
        match self {
            Self::Dot2Wide => (&[Scalar::I64, WORD, WORD], Scalar::I64),
            Self::Dot2 | Self::MulHalf { .. } | Self::MulHighAcc => (&[WORD; 3], WORD),
            Self::PackLow
            | Self::PackHigh
            | Self::MulHigh
            | Self::AddBytes
            | Self::MaxBytesSigned
            | Self::MaxBytesUnsigned => (&[WORD; 2], WORD),
            Self::UnpackSigned { .. }
            | Self::UnpackUnsigned { .. }
            | Self::SaturateSigned { .. }
            | Self::SaturateUnsigned { .. } => (&[WORD], WORD),
        }
    }
}
