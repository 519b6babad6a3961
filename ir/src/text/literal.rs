//! Typed constants: `5`, `5u32`, `0.5f32`, `inf(f32)`, `nan(f32, 0x7fc00001)`. For kernels and formulas.

use super::cursor::{Cursor, Parse};
use super::data::{f32_text, f64_text};
use crate::loops::Literal;

/// `5`, `5u32`, `5i64`, `5u64`, `0.5f32`, `0.5f64`.
pub(super) fn number(cursor: &mut Cursor<'_>, text: &str, negative: bool) -> Parse<Literal> {
    let suffix = ["u32", "i64", "u64", "f32", "f64"].into_iter().find(|s| text.ends_with(s));
    let digits = &text[..text.len() - suffix.map_or(0, str::len)];
    let signed = if negative { format!("-{digits}") } else { digits.to_string() };
    let literal = match suffix {
        None => signed.parse().ok().map(Literal::I32),
        Some("u32") => signed.parse().ok().map(Literal::U32),
        Some("i64") => signed.parse().ok().map(Literal::I64),
        Some("u64") => signed.parse().ok().map(Literal::U64),
        Some("f32") => signed.parse().ok().filter(|x: &f32| x.is_finite()).map(Literal::F32),
        Some(_) => signed.parse().ok().filter(|x: &f64| x.is_finite()).map(Literal::F64),
    };
    match literal {
        Some(literal) => {
            cursor.advance();
            Ok(literal)
        }
        None => {
            let ty = suffix.unwrap_or("i32");
            let error = cursor.error(605, format!("`{signed}` is not a number that fits {ty}"));
            cursor.help("write the type behind the number: 5, 5u32, 5i64, 5u64, 0.5f32, 0.5f64");
            Err(error)
        }
    }
}

/// Behind `inf(` or `nan(`: `f32)`, `f64)` or `f32, 0x7fc00001)`.
pub(super) fn special(cursor: &mut Cursor<'_>, word: &str, negative: bool) -> Parse<Literal> {
    let start = cursor.position();
    let wide = match cursor.word("`f32` or `f64`")? {
        "f32" => false,
        "f64" => true,
        _ => return Err(cursor.error_at(start, 602, "expected `f32` or `f64`")),
    };
    let mut bits = match (word, wide) {
        ("inf", false) => u64::from(f32::INFINITY.to_bits()),
        ("inf", true) => f64::INFINITY.to_bits(),
        (_, false) => 0x7fc0_0000,
        (_, true) => 0x7ff8_0000_0000_0000,
    };
    if negative {
        bits |= if wide { 1 << 63 } else { 1 << 31 };
    }
    if cursor.eat(",") {
        bits = cursor.int("the bits of a NaN")?;
    }
    cursor.mark(")")?;
    if wide {
        return Ok(Literal::F64(f64::from_bits(bits)));
    }
    match u32::try_from(bits) {
        Ok(bits) => Ok(Literal::F32(f32::from_bits(bits))),
        Err(_) => Err(cursor.error_at(start, 605, "the NaN's bits do not fit f32")),
    }
}

/// i32 bare, others with their type behind; what is not finite as `inf(f32)`, `nan(f32)` or `nan(f32, 0x7fc00001)`.
pub(super) fn literal_text(literal: Literal) -> String {
    let float = |finite: bool, text: String, ty: &str| match text.strip_prefix("nan(") {
        _ if finite => format!("{text}{ty}"),
        Some(bits) => format!("nan({ty}, {bits}"),
        None => format!("{text}({ty})"),
    };
    match literal {
        Literal::Bool(v) => v.to_string(),
        Literal::I32(v) => v.to_string(),
        Literal::U32(v) => format!("{v}u32"),
        Literal::I64(v) => format!("{v}i64"),
        Literal::U64(v) => format!("{v}u64"),
        Literal::F32(v) => float(v.is_finite(), f32_text(v), "f32"),
        Literal::F64(v) => float(v.is_finite(), f64_text(v), "f64"),
    }
}
