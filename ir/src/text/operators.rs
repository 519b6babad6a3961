//! How operations of the loop IR are spelled, for its printer and its parser.

use crate::DType;
use crate::loops::{BinaryOp, PackedOp, UnaryOp};

/// Operations between their operands, with their precedence: higher binds tighter, all associate to the left.
pub(super) const INFIX: &[(&str, BinaryOp, u8)] = &[
    ("==", BinaryOp::Eq, 1),
    ("!=", BinaryOp::Ne, 1),
    ("<", BinaryOp::Lt, 1),
    ("<=", BinaryOp::Le, 1),
    ("|", BinaryOp::Or, 2),
    ("^", BinaryOp::Xor, 3),
    ("&", BinaryOp::And, 4),
    ("<<", BinaryOp::Shl, 5),
    (">>", BinaryOp::Shr, 5),
    ("+", BinaryOp::Add, 6),
    ("-", BinaryOp::Sub, 6),
    ("+%", BinaryOp::WrappingAdd, 6),
    ("-%", BinaryOp::WrappingSub, 6),
    ("*", BinaryOp::Mul, 7),
    ("*%", BinaryOp::WrappingMul, 7),
    ("/", BinaryOp::Div, 7),
    ("%", BinaryOp::Rem, 7),
];

/// Precedence of `-x` and `!x`.
pub(super) const PREFIX: u8 = 8;

/// Binary operations that are written as calls.
pub(super) const BINARY_CALLS: &[(&str, BinaryOp)] = &[("min", BinaryOp::Min), ("max", BinaryOp::Max)];

/// Unary operations that are written as calls.
pub(super) const UNARY_CALLS: &[(&str, UnaryOp)] = &[
    ("abs", UnaryOp::Abs),
    ("sqrt", UnaryOp::Sqrt),
    ("round_ties_even", UnaryOp::RoundTiesEven),
    ("exp", UnaryOp::Exp),
    ("log", UnaryOp::Log),
    ("sin", UnaryOp::Sin),
    ("cos", UnaryOp::Cos),
    ("tanh", UnaryOp::Tanh),
    ("sigmoid", UnaryOp::Sigmoid),
    ("erf", UnaryOp::Erf),
];

/// Packed operations, with zeros for their numbers.
const PACKED: &[(&str, PackedOp)] = &[
    ("dot2", PackedOp::Dot2),
    ("dot2_wide", PackedOp::Dot2Wide),
    ("mul_half_ll", PackedOp::MulHalf { a_high: false, b_high: false }),
    ("mul_half_lh", PackedOp::MulHalf { a_high: false, b_high: true }),
    ("mul_half_hl", PackedOp::MulHalf { a_high: true, b_high: false }),
    ("mul_half_hh", PackedOp::MulHalf { a_high: true, b_high: true }),
    ("unpack_signed", PackedOp::UnpackSigned { rotate: 0 }),
    ("unpack_unsigned", PackedOp::UnpackUnsigned { rotate: 0 }),
    ("pack_low", PackedOp::PackLow),
    ("pack_high", PackedOp::PackHigh),
    ("mul_high", PackedOp::MulHigh),
    ("mul_high_acc", PackedOp::MulHighAcc),
    ("saturate_signed", PackedOp::SaturateSigned { bits: 0, shift: 0 }),
    ("saturate_unsigned", PackedOp::SaturateUnsigned { bits: 0, shift: 0 }),
    ("add_bytes", PackedOp::AddBytes),
    ("max_bytes_signed", PackedOp::MaxBytesSigned),
    ("max_bytes_unsigned", PackedOp::MaxBytesUnsigned),
];

/// The names of a packed operation's numbers, as `saturate_signed(x, bits=8, shift=3)` writes them.
pub(super) fn numbers_mut(op: &mut PackedOp) -> Vec<(&'static str, &mut u8)> {
    match op {
        PackedOp::UnpackSigned { rotate } | PackedOp::UnpackUnsigned { rotate } => vec![("rotate", rotate)],
        PackedOp::SaturateSigned { bits, shift } | PackedOp::SaturateUnsigned { bits, shift } => {
            vec![("bits", bits), ("shift", shift)]
        }
        PackedOp::Dot2
        | PackedOp::Dot2Wide
        | PackedOp::MulHalf { .. }
        | PackedOp::PackLow
        | PackedOp::PackHigh
        | PackedOp::MulHigh
        | PackedOp::MulHighAcc
        | PackedOp::AddBytes
        | PackedOp::MaxBytesSigned
        | PackedOp::MaxBytesUnsigned => Vec::new(),
    }
}

/// The spelling of a packed operation.
pub(super) fn packed_name(op: PackedOp) -> &'static str {
    let mut plain = op;
    for (_, number) in numbers_mut(&mut plain) {
        *number = 0;
    }
    PACKED.iter().find(|p| p.1 == plain).map(|p| p.0).expect("the table has every operation")
}

/// The packed operation of that spelling, with zeros for its numbers.
pub(super) fn packed_named(name: &str) -> Option<PackedOp> {
    PACKED.iter().find(|p| p.0 == name).map(|p| p.1)
}

/// The type of `bits_f32` and its like: a number read anew by its bits.
pub(super) fn bits_named(word: &str) -> Option<DType> {
    word.strip_prefix("bits_")?.parse().ok()
}
