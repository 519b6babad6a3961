//! Rounding to integers: as a float, and as a saturating `i32`.

use super::NAN;

/// The nearest integer, ties to the even one. Exact for every float; ±0, ±inf and the sign of a zero
/// result are kept. NaN gives the canonical NaN.
///
/// Method: below 2^23, adding and subtracting 2^23 leaves the rounding to the addition.
pub fn round_ties_even(x: f32) -> f32 {
    let bits = x.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return NAN;
    }
    if magnitude >= 0x4b00_0000 {
        return x;
    }
    let t = (f32::from_bits(magnitude) + 8_388_608.0) - 8_388_608.0;
    f32::from_bits(t.to_bits() | (bits & 0x8000_0000))
}

/// The integer part (towards zero); saturates at the ends of `i32`, NaN gives 0.
/// Same as `x as i32`, which C leaves undefined.
pub fn to_i32(x: f32) -> i32 {
    x as i32
}

/// The nearest integer, ties to the even one; saturates at the ends of `i32`, NaN gives 0.
pub fn round_to_i32(x: f32) -> i32 {
    to_i32(round_ties_even(x))
}
