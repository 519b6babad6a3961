//! How types and numbers are spelled in Rust. No operators.

use tinyc_ir::loops::{Literal, Scalar};

/// The Rust type of a value, and of an element of an input, an output or a constant.
pub(super) fn value_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Bool => "bool",
        Scalar::I8 => "i8",
        Scalar::I16 => "i16",
        Scalar::I32 => "i32",
        Scalar::I64 => "i64",
        // Packed integers as the bytes that they share.
        Scalar::U8 | Scalar::I4 | Scalar::U4 | Scalar::I2 | Scalar::U2 => "u8",
        // Half floats by their bits.
        Scalar::U16 | Scalar::F16 | Scalar::BF16 => "u16",
        Scalar::U32 => "u32",
        Scalar::U64 => "u64",
        Scalar::F32 => "f32",
        Scalar::F64 => "f64",
    }
}

/// Whether the Rust type is a float.
pub(super) fn is_float_type(scalar: Scalar) -> bool {
    scalar.is_float() && !scalar.is_half()
}

/// The unsigned integer type of the same width.
pub(super) fn unsigned(scalar: Scalar) -> &'static str {
    match scalar.size() {
        1 => "u8",
        2 => "u16",
        4 => "u32",
        _ => "u64",
    }
}

/// Bits of a value.
pub(super) fn bits(scalar: Scalar) -> u32 {
    8 * scalar.size() as u32
}

/// An f32 in a table, the shortest decimal that reads back as the same bits; with the type behind it if `typed`.
pub(super) fn float32(value: f32, typed: bool) -> String {
    match value {
        _ if value.is_nan() => "f32::from_bits(0x7fc0_0000)".into(),
        f32::INFINITY => "f32::INFINITY".into(),
        f32::NEG_INFINITY => "f32::NEG_INFINITY".into(),
        _ => format!("{value:?}{}", if typed { "f32" } else { "" }),
    }
}

/// An f64; as [`float32`].
pub(super) fn float64(value: f64, typed: bool) -> String {
    match value {
        _ if value.is_nan() => "f64::from_bits(0x7ff8_0000_0000_0000)".into(),
        f64::INFINITY => "f64::INFINITY".into(),
        f64::NEG_INFINITY => "f64::NEG_INFINITY".into(),
        _ => format!("{value:?}{}", if typed { "f64" } else { "" }),
    }
}

/// A constant as an expression. Only an i32 has no type behind it. Negative ones start with a minus sign.
pub(super) fn literal(literal: Literal) -> String {
    match literal {
        Literal::Bool(value) => value.to_string(),
        Literal::I32(i32::MIN) => "i32::MIN".into(),
        Literal::I32(value) => value.to_string(),
        Literal::U32(value) => format!("{value}u32"),
        Literal::I64(i64::MIN) => "i64::MIN".into(),
        Literal::I64(value) => format!("{value}i64"),
        Literal::U64(value) => format!("{value}u64"),
        Literal::F32(value) => float32(value, true),
        Literal::F64(value) => float64(value, true),
    }
}
