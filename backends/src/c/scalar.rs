//! How types and numbers are spelled in C. No operators.

use super::helper::Helpers;
use tinyc_ir::loops::{Literal, Scalar};

/// The C type of a register or a buffer's element. A bool in memory is a byte, so that the header serves C++ too.
pub(super) fn memory_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Bool => "uint8_t",
        other => value_type(other),
    }
}

/// The C type of a value.
pub(super) fn value_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Bool => "_Bool",
        Scalar::I8 => "int8_t",
        Scalar::I16 => "int16_t",
        Scalar::I32 => "int32_t",
        Scalar::I64 => "int64_t",
        Scalar::U8 => "uint8_t",
        Scalar::U16 => "uint16_t",
        Scalar::U32 => "uint32_t",
        Scalar::U64 => "uint64_t",
        Scalar::F32 => "float",
        Scalar::F64 => "double",
        // By their bits.
        Scalar::F16 | Scalar::BF16 => "uint16_t",
        Scalar::I4 | Scalar::U4 | Scalar::I2 | Scalar::U2 => "uint8_t",
    }
}

/// The unsigned integer type of the same width.
pub(super) fn unsigned(scalar: Scalar) -> Scalar {
    match scalar {
        Scalar::I8 | Scalar::U8 | Scalar::Bool | Scalar::I4 | Scalar::U4 | Scalar::I2 | Scalar::U2 => {
            Scalar::U8
        }
        Scalar::I16 | Scalar::U16 | Scalar::F16 | Scalar::BF16 => Scalar::U16,
        Scalar::I32 | Scalar::U32 | Scalar::F32 => Scalar::U32,
        Scalar::I64 | Scalar::U64 | Scalar::F64 => Scalar::U64,
    }
}

/// Bits of a value.
pub(super) fn bits(scalar: Scalar) -> u32 {
    8 * scalar.size() as u32
}

/// The greatest or least value as `<stdint.h>` names it.
pub(super) fn limit(scalar: Scalar, end: &str) -> String {
    format!("{}INT{}_{end}", if scalar.is_signed() { "" } else { "U" }, bits(scalar))
}

/// An i32 constant.
pub(super) fn int32(value: i32) -> String {
    if value == i32::MIN { "INT32_MIN".into() } else { value.to_string() }
}

/// An i64 constant.
pub(super) fn int64(value: i64) -> String {
    if value == i64::MIN { "INT64_MIN".into() } else { format!("INT64_C({value})") }
}

/// An f32 constant: the shortest decimal that reads back as the same bits.
pub(super) fn float32(value: f32, helpers: &mut Helpers) -> String {
    if value.is_finite() { format!("{value:?}f") } else { non_finite(f64::from(value), helpers) }
}

/// An f64 constant.
pub(super) fn float64(value: f64, helpers: &mut Helpers) -> String {
    if value.is_finite() { format!("{value:?}") } else { non_finite(value, helpers) }
}

fn non_finite(value: f64, helpers: &mut Helpers) -> String {
    let name = helpers.non_finite(if value.is_nan() { "NAN" } else { "INFINITY" });
    if value.is_sign_negative() { format!("-{name}") } else { name }
}

/// A constant as an expression. Negative ones start with a minus sign.
pub(super) fn literal(literal: Literal, helpers: &mut Helpers) -> String {
    match literal {
        Literal::Bool(value) => u8::from(value).to_string(),
        Literal::I32(value) => int32(value),
        Literal::U32(value) => format!("{value}u"),
        Literal::I64(value) => int64(value),
        Literal::U64(value) => format!("UINT64_C({value})"),
        Literal::F32(value) => float32(value, helpers),
        Literal::F64(value) => float64(value, helpers),
    }
}
