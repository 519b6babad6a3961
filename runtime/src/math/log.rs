//! The natural logarithm.

use super::{INFINITY, LN2_HIGH, LN2_LOW, NAN};

/// `ln x`, within 0.84 ULP.
///
/// Method: `x = 2^k·(1 + f)` with `1 + f` in [√½, √2), `s = f/(2 + f)`, and
/// `ln(1 + f) = f - (f²/2 - s·(f²/2 + R))` with `R = s²·P(s²)`, `P` minimax of degree 2 (error 2^-30);
/// `k·ln 2` is added in two parts, the first product exact.
///
/// Range: ±0 gives `-inf`, `+inf` itself, a negative number or NaN the canonical NaN; subnormal arguments are
/// scaled exactly first.
pub fn log(x: f32) -> f32 {
    let mut bits = x.to_bits();
    let mut k = -127;
    if bits & 0x7fff_ffff == 0 {
        return -INFINITY;
    }
    if bits > 0x7f80_0000 {
        return NAN;
    }
    if bits == 0x7f80_0000 {
        return x;
    }
    if bits < 0x0080_0000 {
        bits = (x * 16_777_216.0).to_bits();
        k -= 24;
    }
    bits += 0x3f80_0000 - 0x3f35_04f3;
    k += (bits >> 23) as i32;
    let n = k as f32;
    let f = f32::from_bits((bits & 0x007f_ffff) + 0x3f35_04f3) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let h = 0.5 * f * f;
    let mut p = 0.399_775_77 + z * 0.298_710_53;
    p = 0.666_667_76 + z * p;
    p = s * (h + z * p);
    n * LN2_HIGH + (f - (h - (p + n * LN2_LOW)))
}
