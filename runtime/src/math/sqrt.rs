//! The square root, in integers.

use super::NAN;

/// `√x`, correctly rounded (0.5 ULP): identical bits to a hardware square root, which a back end may use instead.
///
/// Method: the mantissa is scaled to an even exponent; 25 steps of digit-by-digit extraction give 24
/// bits and the rounding bit. A tie cannot occur:
/// a root of 25 bits, the last one set, has an odd square, and the scaled mantissa is even.
///
/// Range: ±0 and `+inf` give themselves, a negative number or NaN the canonical NaN.
pub fn sqrt(x: f32) -> f32 {
    let bits = x.to_bits();
    let mut mantissa = bits & 0x007f_ffff;
    let mut exponent = (bits >> 23 & 0xff) as i32;
    if bits & 0x7fff_ffff == 0 || bits == 0x7f80_0000 {
        return x;
    }
    if bits > 0x7f80_0000 {
        return NAN;
    }
    if exponent == 0 {
        exponent = 1;
        while mantissa < 0x0080_0000 {
            mantissa <<= 1;
            exponent -= 1;
        }
    } else {
        mantissa |= 0x0080_0000;
    }
    exponent += 127;
    if exponent & 1 != 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    mantissa <<= 7;
    let (mut root, mut rest) = (0u32, 0u32);
    for _ in 0..25 {
        rest = rest << 2 | mantissa >> 30;
        mantissa <<= 2;
        root <<= 1;
        let trial = root << 1 | 1;
        if rest >= trial {
            rest -= trial;
            root |= 1;
        }
    }
    root = (root >> 1) + (root & 1);
    f32::from_bits(((exponent as u32 >> 1) << 23) + root - 0x0080_0000)
}
