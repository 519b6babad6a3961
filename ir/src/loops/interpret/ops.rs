//! What each unary, binary, conversion and packed operation computes, on the bits of registers.
//!
//! A value of any type is a `u64`: integers sign- or zero-extended, floats in the low bits, bool 0 or 1.

use super::fault::Fault;
use crate::half;
use crate::loops::{BinaryOp, PackedOp, Scalar, UnaryOp, packed};
use tinyc_runtime::math;

/// The 64-bit form of the low bits of an integer type.
pub(crate) fn extend(scalar: Scalar, bits: u64) -> u64 {
    match scalar {
        Scalar::Bool => u64::from(bits as u8 != 0),
        Scalar::I8 => bits as i8 as u64,
        Scalar::I16 => bits as i16 as u64,
        Scalar::I32 => bits as i32 as u64,
        Scalar::U8 => u64::from(bits as u8),
        Scalar::U16 | Scalar::F16 | Scalar::BF16 => u64::from(bits as u16),
        Scalar::I4 => ((bits as i8) << 4 >> 4) as u64,
        Scalar::U4 => bits & 15,
        Scalar::I2 => ((bits as i8) << 6 >> 6) as u64,
        Scalar::U2 => bits & 3,
        Scalar::U32 | Scalar::F32 => u64::from(bits as u32),
        Scalar::I64 | Scalar::U64 | Scalar::F64 => bits,
    }
}

fn f32_of(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}

fn bits_of(value: f32) -> u64 {
    u64::from(value.to_bits())
}

pub(crate) fn unary(op: UnaryOp, scalar: Scalar, x: u64) -> Result<u64, Fault> {
    Ok(match (op, scalar) {
        (UnaryOp::Neg, Scalar::I32) => (x as i32).wrapping_neg() as u64,
        (UnaryOp::Neg, Scalar::I64) => (x as i64).wrapping_neg() as u64,
        (UnaryOp::Neg, Scalar::F32) => bits_of(-f32_of(x)),
        (UnaryOp::Neg, Scalar::F64) => (-f64::from_bits(x)).to_bits(),
        (UnaryOp::Abs, Scalar::I32) => (x as i32).wrapping_abs() as u64,
        (UnaryOp::Abs, Scalar::I64) => (x as i64).wrapping_abs() as u64,
        (UnaryOp::Abs, Scalar::F32) => bits_of(f32_of(x).abs()),
        (UnaryOp::Abs, Scalar::F64) => f64::from_bits(x).abs().to_bits(),
        (UnaryOp::Not, Scalar::Bool) => x ^ 1,
        (UnaryOp::Not, Scalar::I32 | Scalar::U32 | Scalar::I64 | Scalar::U64) => extend(scalar, !x),
        (UnaryOp::Sqrt, Scalar::F32) => bits_of(f32_of(x).sqrt()),
        (UnaryOp::Sqrt, Scalar::F64) => f64::from_bits(x).sqrt().to_bits(),
        (UnaryOp::RoundTiesEven, Scalar::F32) => bits_of(f32_of(x).round_ties_even()),
        (UnaryOp::RoundTiesEven, Scalar::F64) => f64::from_bits(x).round_ties_even().to_bits(),
        (UnaryOp::Exp, Scalar::F32) => bits_of(math::exp(f32_of(x))),
        (UnaryOp::Exp, Scalar::F64) => math::exp64(f64::from_bits(x)).to_bits(),
        (UnaryOp::Log, Scalar::F64) => math::log64(f64::from_bits(x)).to_bits(),
        (UnaryOp::Log, Scalar::F32) => bits_of(math::log(f32_of(x))),
        (UnaryOp::Sin, Scalar::F32) => bits_of(math::sin(f32_of(x))),
        (UnaryOp::Cos, Scalar::F32) => bits_of(math::cos(f32_of(x))),
        (UnaryOp::Tanh, Scalar::F32) => bits_of(math::tanh(f32_of(x))),
        (UnaryOp::Sigmoid, Scalar::F32) => bits_of(math::sigmoid(f32_of(x))),
        (UnaryOp::Erf, Scalar::F32) => bits_of(math::erf(f32_of(x))),
        _ => return Err(Fault::new(format!("{op:?} is not defined on {scalar}"))),
    })
}

/// One binary operation on an integer type.
macro_rules! integer {
    ($t:ty, $op:expr, $a:expr, $b:expr) => {{
        let (a, b) = ($a as $t, $b as $t);
        let overflow = |sign| Fault::new(format!("{a} {sign} {b} overflows {}", stringify!($t)));
        let width = <$t>::BITS;
        let amount = u32::try_from(b).ok().filter(|&n| n < width);
        let value: $t = match $op {
            BinaryOp::Add => a.checked_add(b).ok_or_else(|| overflow('+'))?,
            BinaryOp::Sub => a.checked_sub(b).ok_or_else(|| overflow('-'))?,
            BinaryOp::Mul => a.checked_mul(b).ok_or_else(|| overflow('*'))?,
            BinaryOp::WrappingAdd => a.wrapping_add(b),
            BinaryOp::WrappingSub => a.wrapping_sub(b),
            BinaryOp::WrappingMul => a.wrapping_mul(b),
            BinaryOp::Div if b == 0 => 0,
            BinaryOp::Div => a.wrapping_div(b),
            BinaryOp::Rem if b == 0 => a,
            BinaryOp::Rem => a.wrapping_rem(b),
            BinaryOp::Min => a.min(b),
            BinaryOp::Max => a.max(b),
            BinaryOp::And => a & b,
            BinaryOp::Or => a | b,
            BinaryOp::Xor => a ^ b,
            BinaryOp::Shl => amount.map_or(0, |n| a << n),
            // Two steps shift everything out: the sign is left of a signed number, nothing of an unsigned one.
            BinaryOp::Shr => amount.map_or((a >> (width - 1)) >> 1, |n| a >> n),
            BinaryOp::Eq => return Ok(u64::from(a == b)),
            BinaryOp::Ne => return Ok(u64::from(a != b)),
            BinaryOp::Lt => return Ok(u64::from(a < b)),
            BinaryOp::Le => return Ok(u64::from(a <= b)),
        };
        Ok(value as u64)
    }};
}

/// One binary operation on a float type, given as numbers; the result's bits.
macro_rules! float {
    ($name:ident, $t:ty) => {
        fn $name(op: BinaryOp, a: $t, b: $t) -> Result<u64, Fault> {
            // `total_cmp` puts −0 below +0 and agrees with `<` elsewhere.
            let ordered = |a_first: bool| match (a.is_nan() || b.is_nan(), a_first) {
                (true, _) => <$t>::NAN,
                (false, true) => a,
                (false, false) => b,
            };
            let value = match op {
                BinaryOp::Add => a + b,
                BinaryOp::Sub => a - b,
                BinaryOp::Mul => a * b,
                BinaryOp::Div => a / b,
                BinaryOp::Min => ordered(a.total_cmp(&b).is_le()),
                BinaryOp::Max => ordered(a.total_cmp(&b).is_ge()),
                BinaryOp::Eq => return Ok(u64::from(a == b)),
                BinaryOp::Ne => return Ok(u64::from(a != b)),
                BinaryOp::Lt => return Ok(u64::from(a < b)),
                BinaryOp::Le => return Ok(u64::from(a <= b)),
                _ => return Err(Fault::new(format!("{op:?} is not defined on {}", stringify!($t)))),
            };
            Ok(u64::from(value.to_bits()))
        }
    };
}
float!(float32, f32);
float!(float64, f64);

/// An operation on two operands of type `scalar`.
pub(crate) fn binary(op: BinaryOp, scalar: Scalar, a: u64, b: u64) -> Result<u64, Fault> {
    match scalar {
        Scalar::I32 => integer!(i32, op, a, b),
        Scalar::U32 => integer!(u32, op, a, b),
        Scalar::I64 => integer!(i64, op, a, b),
        Scalar::U64 => integer!(u64, op, a, b),
        Scalar::F32 => float32(op, f32_of(a), f32_of(b)),
        Scalar::F64 => float64(op, f64::from_bits(a), f64::from_bits(b)),
        Scalar::Bool => match op {
            BinaryOp::And => Ok(a & b),
            BinaryOp::Or => Ok(a | b),
            BinaryOp::Xor | BinaryOp::Ne => Ok(a ^ b),
            BinaryOp::Eq => Ok(a ^ b ^ 1),
            _ => Err(Fault::new(format!("{op:?} is not defined on bool"))),
        },
        _ => Err(Fault::new(format!("{op:?} is not defined on {scalar}"))),
    }
}

pub(crate) fn convert(from: Scalar, to: Scalar, x: u64) -> u64 {
    // The verifiers let half floats become f32 only, and only f32 become half floats.
    if to.is_half() {
        return u64::from(half::narrow(to, f32_of(x)));
    }
    let from_float = match from {
        Scalar::F16 | Scalar::BF16 => Some(f64::from(half::widen(from, x as u16))),
        Scalar::F32 => Some(f64::from(f32_of(x))), // exact
        Scalar::F64 => Some(f64::from_bits(x)),
        _ => None,
    };
    match (from_float, to) {
        (Some(v), Scalar::Bool) => u64::from(v != 0.0),
        (Some(v), Scalar::I8) => v as i8 as u64,
        (Some(v), Scalar::I16) => v as i16 as u64,
        (Some(v), Scalar::I32) => v as i32 as u64,
        (Some(v), Scalar::I64) => v as i64 as u64,
        (Some(v), Scalar::U8) => u64::from(v as u8),
        (Some(v), Scalar::U16) => u64::from(v as u16),
        (Some(v), Scalar::U32) => u64::from(v as u32),
        (Some(v), Scalar::U64) => v as u64,
        (Some(_), Scalar::F32) if from.is_half() => bits_of(half::widen(from, x as u16)),
        (Some(v), Scalar::F32) => bits_of(v as f32),
        (Some(v), Scalar::F64) => v.to_bits(),
        // Only a u64 can have the top bit set without being negative.
        (None, Scalar::F32) if from == Scalar::U64 => bits_of(x as f32),
        (None, Scalar::F64) if from == Scalar::U64 => (x as f64).to_bits(),
        (None, Scalar::F32) => bits_of(x as i64 as f32),
        (None, Scalar::F64) => (x as i64 as f64).to_bits(),
        (None, Scalar::Bool) => u64::from(x != 0),
        (_, _) => extend(to, x),
    }
}

/// A packed operation; `args` has at least as many operands as its signature.
pub(super) fn packed(op: PackedOp, args: [u64; 3]) -> u64 {
    let [x, y, z] = args.map(|bits| bits as i32);
    let word = match op {
        PackedOp::Dot2 => packed::dot2(x, y, z),
        PackedOp::Dot2Wide => return packed::dot2_wide(args[0] as i64, y, z) as u64,
        PackedOp::MulHalf { a_high, b_high } => packed::mul_half(x, y, z, a_high, b_high),
        PackedOp::UnpackSigned { rotate } => packed::unpack_signed(x, rotate),
        PackedOp::UnpackUnsigned { rotate } => packed::unpack_unsigned(x, rotate),
        PackedOp::PackLow => packed::pack_low(x, y),
        PackedOp::PackHigh => packed::pack_high(x, y),
        PackedOp::MulHigh => packed::mul_high(x, y),
        PackedOp::MulHighAcc => packed::mul_high_acc(x, y, z),
        PackedOp::SaturateSigned { bits, shift } => packed::saturate_signed(x, bits, shift),
        PackedOp::SaturateUnsigned { bits, shift } => packed::saturate_unsigned(x, bits, shift),
        PackedOp::AddBytes => packed::add_bytes(x, y),
        PackedOp::MaxBytesSigned => packed::max_bytes_signed(x, y),
        PackedOp::MaxBytesUnsigned => packed::max_bytes_unsigned(x, y),
    };
    word as u64
}
