//! Sine and cosine of any float, however large.

use super::NAN;

/// 2/π: 32 zero bits, then the first 224 bits of the fraction.
#[rustfmt::skip]
const TWO_OVER_PI: [u32; 8] =
    [0x0000_0000, 0xa2f9_836e, 0x4e44_1529, 0xfc27_57d1, 0xf534_ddc0, 0xdb62_9599, 0x3c43_9041, 0xfe51_63ab];

/// `sin x`, within 0.82 ULP.
///
/// Method: from π/4 on, the mantissa is multiplied by the 96 bits of 2/π that matter at its exponent (whole turns
/// drop out), which leaves the quadrant and 62 bits of fraction; times π/2 in integers, that is `r` and a tail. Then
/// minimax polynomials on `|r| ≤ π/4` (errors 2^-32.5 for sine, 2^-33 for cosine).
///
/// Range: ±0 is kept; ±inf and NaN give the canonical NaN.
pub fn sin(x: f32) -> f32 {
    sin_quadrant(x, 0)
}

/// `cos x`, within 0.83 ULP. Method and range as in [`sin`].
pub fn cos(x: f32) -> f32 {
    sin_quadrant(x, 1)
}

/// `sin(x + offset·π/2)`.
fn sin_quadrant(x: f32, offset: u32) -> f32 {
    let bits = x.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    let mut quadrant = offset;
    let mut sign = bits & 0x8000_0000;
    if magnitude >= 0x7f80_0000 {
        return NAN;
    }
    let (mut r, mut tail) = (f32::from_bits(magnitude), 0.0);
    if magnitude >= 0x3f49_0fdb {
        let turns;
        let negative;
        (turns, negative, r, tail) = reduce(magnitude);
        quadrant += if sign != 0 { 4 - turns } else { turns };
        sign ^= u32::from(negative) << 31;
    }
    let z = r * r;
    let y;
    if quadrant & 1 == 0 {
        let mut p = -0.000_198_530_79 + z * 2.832_805_4e-6;
        p = 0.008_333_379 + z * p;
        p = -0.166_666_67 + z * p;
        y = r + (r * z * p + tail * (1.0 - 0.5 * z));
    } else {
        let h = 0.5 * z;
        let w = 1.0 - h;
        let mut p = -0.001_388_730_1 + z * 2.443_066_1e-5;
        p = 0.041_666_646 + z * p;
        y = w + (((1.0 - w) - h) + (z * z * p - r * tail));
        sign = 0;
    }
    f32::from_bits(y.to_bits() ^ sign ^ ((quadrant & 2) << 30))
}

/// Nearest quarter turn of a positive float of at least π/4, given as bits: quadrant, whether the rest is
/// negative, and the rest's absolute value in radians as head and tail.
fn reduce(magnitude: u32) -> (u32, bool, f32, f32) {
    let mantissa = u64::from(magnitude & 0x007f_ffff | 0x0080_0000);
    let skip = (magnitude >> 23) - 120;
    let window = |i: usize| {
        let word = (skip >> 5) as usize + i;
        let pair = u64::from(TWO_OVER_PI[word]) << 32 | u64::from(TWO_OVER_PI[word + 1]);
        pair >> (32 - (skip & 31)) & 0xffff_ffff
    };
    // In units of 2^-62 quarter turns, modulo four of them.
    let turn = ((mantissa * window(0)) << 32)
        .wrapping_add(mantissa * window(1))
        .wrapping_add((mantissa * window(2)) >> 32);
    let turns = (turn.wrapping_add(1 << 61) >> 62) as u32;
    let rest = turn.wrapping_sub(u64::from(turns) << 62) as i64;
    let zeros = rest.unsigned_abs().leading_zeros();
    let product = (rest.unsigned_abs() << zeros >> 32) * 0xc90f_daa2; // π/2 in Q31
    let more = product.leading_zeros();
    let product = product << more;
    let zeros = zeros + more;
    let head = (product >> 40) as u32 as f32 * f32::from_bits((106 - zeros) << 23);
    let low = (product >> 16 & 0x00ff_ffff) as u32;
    let tail = low as f32 * f32::from_bits((82 - zeros) << 23);
    (turns, rest < 0, head, tail)
}
