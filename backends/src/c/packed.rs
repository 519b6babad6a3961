//! Packed operations as C functions: the exact scalar meaning in plain C, and one instruction where the core has it.

use super::comment::block;
use tinyc_ir::loops::PackedOp;

/// The function's name behind the program's prefix.
pub(super) fn name(op: PackedOp) -> String {
    let half = |high: bool| if high { "high" } else { "low" };
    match op {
        PackedOp::Dot2 => "dot2".into(),
        PackedOp::Dot2Wide => "dot2_wide".into(),
        PackedOp::MulHalf { a_high, b_high } => format!("mul_{}_{}", half(a_high), half(b_high)),
        PackedOp::UnpackSigned { rotate } => format!("unpack_signed_ror{rotate}"),
        PackedOp::UnpackUnsigned { rotate } => format!("unpack_unsigned_ror{rotate}"),
        PackedOp::PackLow => "pack_low".into(),
        PackedOp::PackHigh => "pack_high".into(),
        PackedOp::MulHigh => "mul_high".into(),
        PackedOp::MulHighAcc => "mul_high_acc".into(),
        PackedOp::SaturateSigned { bits, shift: 0 } => format!("saturate_s{bits}"),
        PackedOp::SaturateUnsigned { bits, shift: 0 } => format!("saturate_u{bits}"),
        PackedOp::SaturateSigned { bits, shift } => format!("saturate_s{bits}_shr{shift}"),
        PackedOp::SaturateUnsigned { bits, shift } => format!("saturate_u{bits}_shr{shift}"),
        PackedOp::AddBytes => "add_bytes".into(),
        PackedOp::MaxBytesSigned => "max_bytes_signed".into(),
        PackedOp::MaxBytesUnsigned => "max_bytes_unsigned".into(),
    }
}

/// One operation in C.
struct Text {
    /// What it computes, for a comment.
    comment: String,
    /// Return type and parameters.
    signature: (&'static str, &'static str),
    /// The macro that says that the core has the instruction.
    feature: &'static str,
    /// Statements for compilers with GNU inline assembly, where intrinsics are missing or poor in GCC 12.
    gnu: Option<String>,
    /// Statements with `<arm_acle.h>`.
    acle: Option<String>,
    /// Statements in plain C.
    plain: String,
}

/// The function's definition, with ARM's instructions if wanted.
pub(super) fn definition(op: PackedOp, name: &str, upper: &str, arm_dsp: bool) -> String {
    let mut text = text(op);
    if !arm_dsp {
        (text.gnu, text.acle) = (None, None);
    }
    let (result, params) = text.signature;
    let feature = format!("{upper}_{}", text.feature);
    let mut out = format!("/* {} */\nstatic inline {result} {name}({params})\n{{\n", text.comment);
    let mut branch = "#if";
    if let Some(gnu) = text.gnu {
        out.push_str(&format!("{branch} defined({feature}) && defined(__GNUC__)\n{gnu}"));
        branch = "#elif";
    }
    if let Some(acle) = text.acle {
        out.push_str(&format!("{branch} defined({feature})\n{acle}"));
        branch = "#elif";
    }
    match branch {
        "#if" => out.push_str(&format!("{}}}\n", text.plain)),
        _ => out.push_str(&format!("#else\n{}#endif\n}}\n", text.plain)),
    }
    out
}

/// The macros that decide whether instructions are used, for the top of the file.
pub(super) fn features(upper: &str, wanted: bool) -> String {
    if !wanted {
        return String::new();
    }
    let text =
        format!("Instructions of ARM's DSP and saturation extensions; {upper}_PLAIN_C switches them off.");
    format!(
        "{}\
         #ifndef {upper}_PLAIN_C\n\
         #ifdef __ARM_FEATURE_DSP\n#include <arm_acle.h>\n#define {upper}_DSP 1\n#endif\n\
         #ifdef __ARM_FEATURE_SAT\n#include <arm_acle.h>\n#define {upper}_SAT 1\n#endif\n\
         #endif\n\n",
        block(&text, 0)
    )
}

const TWO: (&str, &str) = ("int32_t", "int32_t a, int32_t b");
const ACC: (&str, &str) = ("int32_t", "int32_t acc, int32_t a, int32_t b");
const ONE: (&str, &str) = ("int32_t", "int32_t x");

fn text(op: PackedOp) -> Text {
    match op {
        PackedOp::Dot2 => Text {
            comment: "acc + a.low * b.low + a.high * b.high, wrapping.".into(),
            signature: ACC,
            feature: "DSP",
            gnu: None,
            acle: Some("    return __smlad(a, b, acc);\n".into()),
            plain: "    const int32_t low = (int16_t)a * (int16_t)b;\n    \
                    const int32_t high = (a >> 16) * (b >> 16);\n    \
                    return (int32_t)((uint32_t)acc + (uint32_t)low + (uint32_t)high);\n"
                .into(),
        },
        PackedOp::Dot2Wide => Text {
            comment: "acc + a.low * b.low + a.high * b.high, wrapping at 64 bits.".into(),
            signature: ("int64_t", "int64_t acc, int32_t a, int32_t b"),
            feature: "DSP",
            gnu: None,
            acle: Some("    return __smlald(a, b, acc);\n".into()),
            plain: "    const int32_t low = (int16_t)a * (int16_t)b;\n    \
                    const int32_t high = (a >> 16) * (b >> 16);\n    \
                    return (int64_t)((uint64_t)acc + (uint64_t)((int64_t)low + high));\n"
                .into(),
        },
        PackedOp::MulHalf { a_high, b_high } => mul_half(a_high, b_high),
        PackedOp::UnpackSigned { rotate } => unpack(true, rotate),
        PackedOp::UnpackUnsigned { rotate } => unpack(false, rotate),
        PackedOp::PackLow => Text {
            comment: "The low halves of a (below) and b (above).".into(),
            signature: TWO,
            feature: "DSP",
            gnu: Some(asm("pkhbt %0, %1, %2, lsl #16", "\"r\"(a), \"r\"(b)")),
            acle: None,
            plain: "    return (int32_t)(((uint32_t)a & 0xffffu) | ((uint32_t)b << 16));\n".into(),
        },
        PackedOp::PackHigh => Text {
            comment: "The high halves of a (below) and b (above).".into(),
            signature: TWO,
            feature: "DSP",
            gnu: Some(asm("pkhtb %0, %2, %1, asr #16", "\"r\"(a), \"r\"(b)")),
            acle: None,
            plain: "    return (int32_t)(((uint32_t)a >> 16) | ((uint32_t)b & 0xffff0000u));\n".into(),
        },
        PackedOp::MulHigh => Text {
            comment: "The high word of the 64-bit product.".into(),
            signature: TWO,
            feature: "DSP",
            gnu: Some(asm("smmul %0, %1, %2", "\"r\"(a), \"r\"(b)")),
            acle: None,
            plain: "    return (int32_t)(((int64_t)a * b) >> 32);\n".into(),
        },
        PackedOp::MulHighAcc => Text {
            comment: "acc + the high word of the 64-bit product, wrapping.".into(),
            signature: ACC,
            feature: "DSP",
            gnu: Some(asm("smmla %0, %1, %2, %3", "\"r\"(a), \"r\"(b), \"r\"(acc)")),
            acle: None,
            plain: "    const int32_t high = (int32_t)(((int64_t)a * b) >> 32);\n    \
                    return (int32_t)((uint32_t)acc + (uint32_t)high);\n"
                .into(),
        },
        PackedOp::SaturateSigned { bits, shift } => saturate(true, bits, shift),
        PackedOp::SaturateUnsigned { bits, shift } => saturate(false, bits, shift),
        PackedOp::AddBytes => Text {
            comment: "Four sums of bytes, each wrapping.".into(),
            signature: TWO,
            feature: "DSP",
            gnu: Some(asm("sadd8 %0, %1, %2", "\"r\"(a), \"r\"(b)")),
            acle: Some("    return (int32_t)__sadd8(a, b);\n".into()),
            plain: "    const uint32_t x = (uint32_t)a;\n    const uint32_t y = (uint32_t)b;\n    \
                    return (int32_t)(((x & 0x7f7f7f7fu) + (y & 0x7f7f7f7fu)) ^ ((x ^ y) & 0x80808080u));\n"
                .into(),
        },
        PackedOp::MaxBytesSigned => max_bytes(true),
        PackedOp::MaxBytesUnsigned => max_bytes(false),
    }
}

/// One instruction with a word as result.
fn asm(instruction: &str, inputs: &str) -> String {
    format!("    int32_t y;\n    __asm__(\"{instruction}\" : \"=r\"(y) : {inputs});\n    return y;\n")
}

fn mul_half(a_high: bool, b_high: bool) -> Text {
    let half = |x: &str, high: bool| if high { format!("({x} >> 16)") } else { format!("(int16_t){x}") };
    let letter = |high: bool| if high { 't' } else { 'b' };
    let word = |high: bool| if high { "high" } else { "low" };
    Text {
        comment: format!("acc + a.{} * b.{}, wrapping.", word(a_high), word(b_high)),
        signature: ACC,
        feature: "DSP",
        gnu: None,
        acle: Some(format!("    return __smla{}{}(a, b, acc);\n", letter(a_high), letter(b_high))),
        plain: format!(
            "    const int32_t product = {} * {};\n    return (int32_t)((uint32_t)acc + (uint32_t)product);\n",
            half("a", a_high),
            half("b", b_high)
        ),
    }
}

fn unpack(signed: bool, rotate: u8) -> Text {
    // After a rotation to the right by n bits, byte 0 is byte n/8 of the word.
    let (low, high) = (rotate, (rotate + 16) % 32);
    let byte = |at: u8| match (signed, at) {
        (true, 0) => "(int8_t)x".to_string(),
        (true, _) => format!("(int8_t)(x >> {at})"),
        (false, 0) => "(uint8_t)x".to_string(),
        (false, _) => format!("(uint8_t)((uint32_t)x >> {at})"),
    };
    let letter = if signed { 's' } else { 'u' };
    let ror = if rotate == 0 { String::new() } else { format!(", ror #{rotate}") };
    let word = match rotate {
        0 => "(uint32_t)x".to_string(),
        n => format!("((uint32_t)x >> {n}) | ((uint32_t)x << {})", 32 - n),
    };
    let intrinsic = match signed {
        true => "(int32_t)__sxtb16((int32_t)word)",
        false => "(int32_t)__uxtb16(word)",
    };
    Text {
        comment: format!(
            "Bytes {} and {} as a pair of {} 16-bit numbers.",
            low / 8,
            high / 8,
            if signed { "signed" } else { "unsigned" }
        ),
        signature: ONE,
        feature: "DSP",
        gnu: Some(asm(&format!("{letter}xtb16 %0, %1{ror}"), "\"r\"(x)")),
        acle: Some(format!("    const uint32_t word = {word};\n    return {intrinsic};\n")),
        plain: format!(
            "    const uint32_t low = (uint32_t){} & 0xffffu;\n    const uint32_t high = (uint32_t){};\n    \
             return (int32_t)(low | (high << 16));\n",
            byte(low),
            byte(high)
        ),
    }
}

fn saturate(signed: bool, bits: u8, shift: u8) -> Text {
    let (lo, hi) =
        if signed { (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1) } else { (0, (1i64 << bits) - 1) };
    let letter = if signed { 's' } else { 'u' };
    let shifted = if shift == 0 { "x".to_string() } else { format!("x >> {shift}") };
    let asr = if shift == 0 { String::new() } else { format!(", asr #{shift}") };
    // Every word fits 32 signed bits.
    let whole = signed && bits == 32;
    Text {
        comment: format!("{shifted}, clamped to {lo} .. {hi}."),
        signature: ONE,
        feature: "SAT",
        gnu: (!whole).then(|| asm(&format!("{letter}sat %0, #{bits}, %1{asr}"), "\"r\"(x)")),
        acle: (!whole).then(|| format!("    return (int32_t)__{letter}sat({shifted}, {bits});\n")),
        plain: if whole {
            format!("    return {shifted};\n")
        } else if hi == i64::from(i32::MAX) {
            // A comparison that cannot hold would be warned about.
            format!("    const int32_t y = {shifted};\n    return y < 0 ? 0 : y;\n")
        } else {
            format!("    const int32_t y = {shifted};\n    return y < {lo} ? {lo} : y > {hi} ? {hi} : y;\n")
        },
    }
}

fn max_bytes(signed: bool) -> Text {
    let (letter, byte) = if signed { ('s', "int8_t") } else { ('u', "uint8_t") };
    let cast = if signed { "int8x4_t" } else { "uint8x4_t" };
    Text {
        comment: format!("Four maxima of {} bytes.", if signed { "signed" } else { "unsigned" }),
        signature: TWO,
        feature: "DSP",
        // One block: the comparison's result lies in flags that the compiler does not model.
        gnu: Some(format!(
            "    int32_t y;\n    __asm__(\"{letter}sub8 %0, %1, %2\\n\\tsel %0, %1, %2\" : \"=&r\"(y) : \
             \"r\"(a), \"r\"(b));\n    return y;\n"
        )),
        acle: Some(format!(
            "    (void)__{letter}sub8(({cast})a, ({cast})b);\n    \
             return (int32_t)__sel((uint8x4_t)a, (uint8x4_t)b);\n"
        )),
        plain: format!(
            "    uint32_t y = 0;\n    for (uint32_t at = 0; at < 32u; at += 8u) {{\n        \
             const {byte} p = ({byte})((uint32_t)a >> at);\n        \
             const {byte} q = ({byte})((uint32_t)b >> at);\n        \
             y |= (uint32_t)(uint8_t)(p > q ? p : q) << at;\n    }}\n    return (int32_t)y;\n"
        ),
    }
}
