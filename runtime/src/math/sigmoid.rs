//! The logistic function.

use super::{NAN, exp};

/// `1 / (1 + e^-x)`, within 2.41 ULP.
///
/// Method: `e = e^-|x|`, which cannot overflow, and `q = e / (1 + e)`; the result is `q` for negative
/// `x` and `1 - q` otherwise. Subnormal below -87.336544, `+0` below -103.97208. NaN gives the canonical NaN.
pub fn sigmoid(x: f32) -> f32 {
    let bits = x.to_bits();
    if bits & 0x7fff_ffff > 0x7f80_0000 {
        return NAN;
    }
    let e = exp(f32::from_bits(bits | 0x8000_0000));
    let q = e / (1.0 + e);
    if bits >= 0x8000_0000 {
        return q;
    }
    1.0 - q
}
