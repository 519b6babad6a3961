//! The error function.

use super::{NAN, exp};

/// `erf x`, within 1.29 ULP.
///
/// Method: below 0.875, `x + x·P(x²)` with a minimax `P` of degree 6 (error 2^-30); from there
/// `1 - e^-g(x)` with `g ≈ -ln erfc x` of degree 7 (error 2^-33.6 in the result); from 3.875 on exactly 1.
/// Odd in every bit; ±0 is kept. NaN gives the canonical NaN.
pub fn erf(x: f32) -> f32 {
    let bits = x.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    let a = f32::from_bits(magnitude);
    if magnitude > 0x7f80_0000 {
        return NAN;
    }
    let y = if magnitude < 0x3f60_0000 {
        let z = a * a;
        let mut p = -0.000_802_172_35 + z * 7.842_242e-5;
        p = 0.005_190_635_6 + z * p;
        p = -0.026_855_282 + z * p;
        p = 0.112_836_22 + z * p;
        p = -0.376_126_3 + z * p;
        p = 0.128_379_17 + z * p;
        a + a * p
    } else if magnitude < 0x4078_0000 {
        let mut p = -0.000_428_299_97 + a * 2.056_233_1e-5;
        p = 0.004_141_222_7 + a * p;
        p = -0.025_041_003 + a * p;
        p = 0.108_159_214 + a * p;
        p = 0.633_456_23 + a * p;
        p = 1.129_461_2 + a * p;
        p = -0.000_163_586_42 + a * p;
        1.0 - exp(0.0 - p)
    } else {
        1.0
    };
    f32::from_bits(y.to_bits() | (bits & 0x8000_0000))
}
