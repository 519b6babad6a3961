//! Half floats: conversions to and from f32 by their bits, in integers but for one exact division.

use tinyc_ir::loops::Scalar;

/// The name of a conversion, one side of which is f32.
pub(super) fn name(from: Scalar, to: Scalar) -> String {
    format!("{from}_to_{to}")
}

/// The conversion from a half float or to one.
pub(super) fn conversion(from: Scalar, to: Scalar, name: &str) -> String {
    match (from, to) {
        (Scalar::F16, _) => format!(
            "/// The number that a half float stands for.\n#[inline(always)]\nfn {name}(half: u16) -> f32 {{\n    \
                 let sign = ((half & 0x8000) as u32) << 16;\n    \
                 let rest = (half & 0x7fff) as u32;\n    \
                 if rest < 0x0400 {{\n        \
                     return f32::from_bits(sign | (rest as f32 / 16777216.0).to_bits());\n    }}\n    \
                 if rest < 0x7c00 {{\n        \
                     return f32::from_bits(sign | ((rest << 13) + 0x3800_0000));\n    }}\n    \
                 let quiet = if rest > 0x7c00 {{ 0x0040_0000 }} else {{ 0 }};\n    \
                 f32::from_bits(sign | ((rest << 13) + 0x7000_0000) | quiet)\n}}\n"
        ),
        (Scalar::BF16, _) => format!(
            "/// The number that a half float stands for.\n#[inline(always)]\nfn {name}(half: u16) -> f32 {{\n    \
                 f32::from_bits((half as u32) << 16)\n}}\n"
        ),
        (_, Scalar::F16) => format!(
            "/// The nearest half float, ties to even.\nfn {name}(x: f32) -> u16 {{\n    \
                 let bits = x.to_bits();\n    \
                 let sign = (bits >> 16) & 0x8000;\n    \
                 let rest = bits & 0x7fff_ffff;\n    \
                 if rest > 0x7f80_0000 {{\n        return 0x7e00;\n    }}\n    \
                 if rest >= 0x477f_f000 {{\n        return (sign | 0x7c00) as u16;\n    }}\n    \
                 if rest >= 0x3880_0000 {{\n        \
                     let rounded = (rest - 0x37ff_f001 + ((rest >> 13) & 1)) >> 13;\n        \
                     return (sign | rounded) as u16;\n    }}\n    \
                 if rest < 0x3300_0000 {{\n        return sign as u16;\n    }}\n    \
                 let shift = 126 - (rest >> 23);\n    \
                 let mantissa = (rest & 0x007f_ffff) | 0x0080_0000;\n    \
                 let whole = mantissa >> shift;\n    \
                 let lost = (mantissa << (32 - shift)) + (whole & 1);\n    \
                 (sign | (whole + (lost > 0x8000_0000) as u32)) as u16\n}}\n"
        ),
        _ => format!(
            "/// The nearest half float, ties to even.\nfn {name}(x: f32) -> u16 {{\n    \
                 if x.is_nan() {{\n        return 0x7fc0;\n    }}\n    \
                 let bits = x.to_bits();\n    \
                 ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16\n}}\n"
        ),
    }
}
