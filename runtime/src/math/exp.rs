//! The exponential function on binary32. Not here: the binary64 form for tables, see `exp64`.

use super::{INFINITY, LN2_HIGH, LN2_LOW, NAN};

/// `e^x`, within 0.78 ULP (the worst are subnormal results).
///
/// Method: `x = k·ln 2 + r` with `|r| ≤ 0.347`; `k` comes from adding 1.5·2^23, and `ln 2` is split in
/// two so that the first product is exact. Then `e^r = 1 + r + r²·P(r)` with a minimax `P` of degree 4
/// (error 2^-28); the rounding errors of `1 + r` and of `r` are carried along; the scaling by `2^k` is
/// an addition to the exponent.
///
/// Range: from 88.722839 on the result is `+inf`; below -87.336544 it is subnormal (rounded twice, still within the
/// bound), below -103.97208 it is `+0`. NaN gives the canonical NaN.
pub fn exp(x: f32) -> f32 {
    let bits = x.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    if magnitude >= 0x42b1_7218 {
        if magnitude > 0x7f80_0000 {
            return NAN;
        }
        if bits < 0x8000_0000 {
            return INFINITY;
        }
        if magnitude >= 0x42cf_f1b5 {
            return 0.0;
        }
    }
    let shifted = x * core::f32::consts::LOG2_E + 12_582_912.0;
    let k = (shifted.to_bits() & 0x007f_ffff) as i32 - 0x0040_0000;
    let n = shifted - 12_582_912.0;
    let head = x - n * LN2_HIGH;
    let r = head - n * LN2_LOW;
    let tail = (head - r) - n * LN2_LOW;
    let mut p = 0.008_368_716 + r * 0.001_381_869_8;
    p = 0.041_668_292 + r * p;
    p = 0.166_665_21 + r * p;
    p = 0.499_999_94 + r * p;
    let s = 1.0 + r;
    let y = s + (((1.0 - s) + r) + (r * r * p + tail));
    if k >= -125 {
        return f32::from_bits(y.to_bits().wrapping_add((k as u32) << 23));
    }
    // Subnormal: scale in two steps, so that one multiplication rounds.
    let y = f32::from_bits(y.to_bits().wrapping_add(((k + 64) as u32) << 23));
    y * 5.421_011e-20
}
