//! Half floats in C: conversions to and from float by their bits, for the source and, under other names, for the header.

use tinyc_ir::loops::Scalar;

/// A function that reads the memory of one type as another.
pub(super) fn view(name: &str, from: &str, to: &str) -> String {
    format!(
        "static inline {to} {name}({from} x)\n{{\n    union {{ {from} from; {to} to; }} view;\n    \
         view.from = x;\n    return view.to;\n}}\n"
    )
}

/// The conversion from a half float or to one. `bits` and `back` are the functions between a float and its bits.
pub(super) fn conversion(from: Scalar, to: Scalar, name: &str, bits: &str, back: &str) -> String {
    match (from, to) {
        (Scalar::F16, _) => format!(
            "/* The number that a half float stands for. */\n\
             static inline float {name}(uint16_t half)\n{{\n    \
                 const uint32_t sign = (uint32_t)(half & 0x8000) << 16;\n    \
                 const uint32_t rest = (uint32_t)(half & 0x7fff);\n    \
                 uint32_t number = (rest << 13) + (rest < 0x7c00u ? 0x38000000u : 0x70000000u);\n    \
                 if (rest > 0x7c00u) {{\n        number |= 0x00400000u;\n    }}\n    \
                 if (rest < 0x0400u) {{\n        \
                     number = {bits}((float)(int32_t)rest / 16777216.0f);\n    }}\n    \
                 return {back}(sign | number);\n}}\n"
        ),
        (Scalar::BF16, _) => format!(
            "/* The number that a half float stands for. */\n\
             static inline float {name}(uint16_t half)\n{{\n    return {back}((uint32_t)half << 16);\n}}\n"
        ),
        (_, Scalar::F16) => format!(
            "/* The nearest half float, ties to even. */\n\
             static inline uint16_t {name}(float x)\n{{\n    \
                 const uint32_t bits = {bits}(x);\n    \
                 const uint32_t sign = bits >> 16 & 0x8000u;\n    \
                 const uint32_t rest = bits & 0x7fffffffu;\n    \
                 if (rest > 0x7f800000u) {{\n        return 0x7e00u;\n    }}\n    \
                 if (rest >= 0x477ff000u) {{\n        return (uint16_t)(sign | 0x7c00u);\n    }}\n    \
                 if (rest >= 0x38800000u) {{\n        \
                     return (uint16_t)(sign | ((rest - 0x37fff001u + (rest >> 13 & 1u)) >> 13));\n    }}\n    \
                 if (rest >= 0x33000000u) {{\n        \
                     const uint32_t shift = 126u - (rest >> 23);\n        \
                     const uint32_t mantissa = (rest & 0x007fffffu) | 0x00800000u;\n        \
                     const uint32_t whole = mantissa >> shift;\n        \
                     const uint32_t lost = (mantissa << (32u - shift)) + (whole & 1u);\n        \
                     return (uint16_t)(sign | (whole + (lost > 0x80000000u ? 1u : 0u)));\n    }}\n    \
                 return (uint16_t)sign;\n}}\n"
        ),
        _ => format!(
            "/* The nearest half float, ties to even. */\n\
             static inline uint16_t {name}(float x)\n{{\n    \
                 const uint32_t bits = {bits}(x);\n    \
                 if (x != x) {{\n        return 0x7fc0u;\n    }}\n    \
                 return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);\n}}\n"
        ),
    }
}
