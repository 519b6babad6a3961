//! The names of the routines, and how many words they take and give.
//!
//! A 64-bit number is two words, low word first; an `f32` is a word and an `f64` two, by their bits, on every core. What
//! they compute is what the loop IR says of the operation (`tinyc_ir::loops::expr`), for all arguments; a NaN result is
//! `0x7fc00000` or `0x7ff8_0000_0000_0000`. Which of them a machine needs is the caller's to know: one that has the
//! instruction has a shorter way.

/// One row per routine: constant, name, words taken, words given, what it does.
macro_rules! routines {
    ($($(#[$doc:meta])* $constant:ident = $name:literal: $params:literal -> $results:literal;)*) => {
        $($(#[$doc])* pub const $constant: &str = $name;)*

        /// All routines in the order above: the name, and the numbers of words taken and given.
        pub const ALL: &[(&str, usize, usize)] = &[$(($name, $params, $results)),*];
    };
}

routines! {
    /// `(a, b) → (a / b, a % b)`, unsigned; `(0, a)` if `b` is 0.
    U32_DIV_REM = "u32_div_rem": 2 -> 2;
    /// `(a, b) → (a / b, a % b)`, signed, towards zero; `(0, a)` if `b` is 0, `(MIN, 0)` for `MIN / −1`.
    I32_DIV_REM = "i32_div_rem": 2 -> 2;
    /// As [`U32_DIV_REM`] on pairs: `(a, b) → (quotient, remainder)`.
    U64_DIV_REM = "u64_div_rem": 4 -> 4;
    /// As [`I32_DIV_REM`] on pairs.
    I64_DIV_REM = "i64_div_rem": 4 -> 4;
    /// `(a, b) → a · b`, the low word.
    U32_MUL = "u32_mul": 2 -> 1;
    /// `(a, b) → (low, high)`: the whole product of two unsigned words.
    U32_MUL_LONG = "u32_mul_long": 2 -> 2;
    /// As [`U32_MUL_LONG`], signed.
    I32_MUL_LONG = "i32_mul_long": 2 -> 2;
    /// The low 64 bits of the product of two pairs, signed or not.
    U64_MUL = "u64_mul": 4 -> 2;
    /// `(low, high, amount)`: left. An amount of 64 or more (unsigned) shifts everything out; a 64-bit amount is first
    /// brought into a word, as 64 where its high word is not 0.
    U64_SHL = "u64_shl": 3 -> 2;
    /// `(low, high, amount)`: right, logical; see [`U64_SHL`].
    U64_SHR = "u64_shr": 3 -> 2;
    /// `(low, high, amount)`: right, arithmetic; see [`U64_SHL`].
    I64_SHR = "i64_shr": 3 -> 2;
    /// The leading zeros of a word: 32 for zero.
    U32_LEADING_ZEROS = "u32_leading_zeros": 1 -> 1;

    /// `a + b`.
    F32_ADD = "f32_add": 2 -> 1;
    /// `a − b`.
    F32_SUB = "f32_sub": 2 -> 1;
    /// `a · b`.
    F32_MUL = "f32_mul": 2 -> 1;
    /// `a / b`.
    F32_DIV = "f32_div": 2 -> 1;
    /// `√a`.
    F32_SQRT = "f32_sqrt": 1 -> 1;
    /// The nearest integral value, ties to even.
    F32_ROUND = "f32_round_ties_even": 1 -> 1;
    /// `e^a`, the bits of the runtime's `math::exp`.
    F32_EXP = "f32_exp": 1 -> 1;
    /// The natural logarithm, the bits of the runtime's `math::log`; and so on.
    F32_LOG = "f32_log": 1 -> 1;
    /// `math::sin`.
    F32_SIN = "f32_sin": 1 -> 1;
    /// `math::cos`.
    F32_COS = "f32_cos": 1 -> 1;
    /// `(a, n) → sin(a + n·π/2)` for an `n` of 0 or 1: what sine and cosine share.
    F32_SIN_QUADRANT = "f32_sin_quadrant": 2 -> 1;
    /// `math::tanh`.
    F32_TANH = "f32_tanh": 1 -> 1;
    /// `math::sigmoid`.
    F32_SIGMOID = "f32_sigmoid": 1 -> 1;
    /// `math::erf`.
    F32_ERF = "f32_erf": 1 -> 1;
    /// The lesser; NaN if either is, `−0 < +0`.
    F32_MIN = "f32_min": 2 -> 1;
    /// The greater; NaN if either is, `−0 < +0`.
    F32_MAX = "f32_max": 2 -> 1;
    /// `a == b`: 1 or 0.
    F32_EQ = "f32_eq": 2 -> 1;
    /// `a != b`: 1 or 0.
    F32_NE = "f32_ne": 2 -> 1;
    /// `a < b`: 1 or 0.
    F32_LT = "f32_lt": 2 -> 1;
    /// `a <= b`: 1 or 0.
    F32_LE = "f32_le": 2 -> 1;
    /// From a signed word, nearest, ties to even; so do all that give a float.
    I32_TO_F32 = "i32_to_f32": 1 -> 1;
    /// From an unsigned word.
    U32_TO_F32 = "u32_to_f32": 1 -> 1;
    /// From a signed pair.
    I64_TO_F32 = "i64_to_f32": 2 -> 1;
    /// From an unsigned pair.
    U64_TO_F32 = "u64_to_f32": 2 -> 1;
    /// To a signed word: towards zero, saturating, NaN to 0; so do all that give an integer.
    F32_TO_I32 = "f32_to_i32": 1 -> 1;
    /// To an unsigned word.
    F32_TO_U32 = "f32_to_u32": 1 -> 1;
    /// To a signed pair.
    F32_TO_I64 = "f32_to_i64": 1 -> 2;
    /// To an unsigned pair.
    F32_TO_U64 = "f32_to_u64": 1 -> 2;
    /// From the bits of a binary16, in a word whose upper half is 0.
    F16_TO_F32 = "f16_to_f32": 1 -> 1;
    /// To the bits of a binary16: nearest, ties to even, NaN to the canonical one.
    F32_TO_F16 = "f32_to_f16": 1 -> 1;
    /// To the bits of a bfloat16, alike.
    F32_TO_BF16 = "f32_to_bf16": 1 -> 1;

    /// `(low, high, exponent, sign)`: the end of the other routines on `f64`. The number is `mantissa · 2^(exponent − 1085)`,
    /// the mantissa's highest bit set and its lowest standing for all that follow; `sign` is the sign bit of the high word.
    F64_PACK = "f64_pack": 4 -> 2;
    /// As [`F32_ADD`].
    F64_ADD = "f64_add": 4 -> 2;
    /// As [`F32_SUB`].
    F64_SUB = "f64_sub": 4 -> 2;
    /// As [`F32_MUL`].
    F64_MUL = "f64_mul": 4 -> 2;
    /// As [`F32_DIV`].
    F64_DIV = "f64_div": 4 -> 2;
    /// As [`F32_SQRT`].
    F64_SQRT = "f64_sqrt": 2 -> 2;
    /// As [`F32_ROUND`].
    F64_ROUND = "f64_round_ties_even": 2 -> 2;
    /// `e^a`, the bits of the runtime's `math::exp64`.
    F64_EXP = "f64_exp": 2 -> 2;
    /// The natural logarithm, the bits of the runtime's `math::log64`.
    F64_LOG = "f64_log": 2 -> 2;
    /// As [`F32_MIN`].
    F64_MIN = "f64_min": 4 -> 2;
    /// As [`F32_MAX`].
    F64_MAX = "f64_max": 4 -> 2;
    /// As [`F32_EQ`].
    F64_EQ = "f64_eq": 4 -> 1;
    /// As [`F32_NE`].
    F64_NE = "f64_ne": 4 -> 1;
    /// As [`F32_LT`].
    F64_LT = "f64_lt": 4 -> 1;
    /// As [`F32_LE`].
    F64_LE = "f64_le": 4 -> 1;
    /// Exact.
    I32_TO_F64 = "i32_to_f64": 1 -> 2;
    /// Exact.
    U32_TO_F64 = "u32_to_f64": 1 -> 2;
    /// As [`I64_TO_F32`].
    I64_TO_F64 = "i64_to_f64": 2 -> 2;
    /// As [`U64_TO_F32`].
    U64_TO_F64 = "u64_to_f64": 2 -> 2;
    /// As [`F32_TO_I32`].
    F64_TO_I32 = "f64_to_i32": 2 -> 1;
    /// As [`F32_TO_U32`].
    F64_TO_U32 = "f64_to_u32": 2 -> 1;
    /// As [`F32_TO_I64`].
    F64_TO_I64 = "f64_to_i64": 2 -> 2;
    /// As [`F32_TO_U64`].
    F64_TO_U64 = "f64_to_u64": 2 -> 2;
    /// Exact.
    F32_TO_F64 = "f32_to_f64": 1 -> 2;
    /// Rounded once.
    F64_TO_F32 = "f64_to_f32": 2 -> 1;
}

/// The routine for a function of the runtime's `math` on `f32`, or on `f64`, by the function's name; `None` if none is
/// written yet.
pub fn of_math(function: &str, double: bool) -> Option<&'static str> {
    let prefix = if double { "f64_" } else { "f32_" };
    ALL.iter().map(|row| row.0).find(|name| name.strip_prefix(prefix) == Some(function))
}
