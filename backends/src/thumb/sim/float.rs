//! binary32 arithmetic as the FPU does it: round to nearest, denormals kept, and its choice among NaNs, which the host's
//! arithmetic makes differently. Numbers are bits.

use std::cmp::Ordering;
use tinyc_ir::half;

/// The NaN of invalid operations.
const DEFAULT_NAN: u32 = 0x7fc0_0000;
const QUIET: u32 = 1 << 22;
const SIGN: u32 = 1 << 31;

fn is_nan(x: u32) -> bool {
    x & !SIGN > 0x7f80_0000
}

fn is_signalling(x: u32) -> bool {
    is_nan(x) && x & QUIET == 0
}

fn float(x: u32) -> f32 {
    f32::from_bits(x)
}

/// The result, or where it is NaN, the operand that the FPU hands on: the first signalling one made quiet, else the first
/// quiet one, else the default.
#[inline(always)]
fn settle(result: f32, operands: &[u32]) -> u32 {
    if result.is_nan() { chosen(operands) } else { result.to_bits() }
}

#[cold]
fn chosen(operands: &[u32]) -> u32 {
    let signalling = operands.iter().find(|&&x| is_signalling(x));
    let any = signalling.or_else(|| operands.iter().find(|&&x| is_nan(x)));
    any.map_or(DEFAULT_NAN, |&x| x | QUIET)
}

pub(super) fn add(x: u32, y: u32) -> u32 {
    settle(float(x) + float(y), &[x, y])
}

pub(super) fn sub(x: u32, y: u32) -> u32 {
    settle(float(x) - float(y), &[x, y])
}

pub(super) fn mul(x: u32, y: u32) -> u32 {
    settle(float(x) * float(y), &[x, y])
}

pub(super) fn div(x: u32, y: u32) -> u32 {
    settle(float(x) / float(y), &[x, y])
}

pub(super) fn sqrt(x: u32) -> u32 {
    settle(float(x).sqrt(), &[x])
}

pub(super) fn neg(x: u32) -> u32 {
    x ^ SIGN
}

pub(super) fn abs(x: u32) -> u32 {
    x & !SIGN
}

/// `sum + x · y` with one rounding.
pub(super) fn fused(sum: u32, x: u32, y: u32) -> u32 {
    let result = float(x).mul_add(float(y), float(sum));
    if !result.is_nan() {
        return result.to_bits();
    }
    let infinite = |x: u32| x & !SIGN == 0x7f80_0000;
    let zero = |x: u32| x & !SIGN == 0;
    let invalid = infinite(x) && zero(y) || zero(x) && infinite(y);
    // A product without meaning beats a quiet NaN to which it is added.
    if invalid && is_nan(sum) && !is_signalling(sum) {
        return DEFAULT_NAN;
    }
    chosen(&[sum, x, y])
}

/// N, Z, C, V of a comparison, in bits 3 to 0.
pub(super) fn compare(x: u32, y: u32) -> u32 {
    match float(x).partial_cmp(&float(y)) {
        Some(Ordering::Less) => 0b1000,
        Some(Ordering::Equal) => 0b0110,
        Some(Ordering::Greater) => 0b0010,
        None => 0b0011,
    }
}

/// An integer near the number: saturating, 0 for NaN.
pub(super) fn to_signed(x: u32) -> u32 {
    (float(x) as i32).cast_unsigned()
}

pub(super) fn to_unsigned(x: u32) -> u32 {
    float(x) as u32
}

pub(super) fn to_signed_nearest(x: u32) -> u32 {
    (float(x).round_ties_even() as i32).cast_unsigned()
}

pub(super) fn from_signed(x: u32) -> u32 {
    (x.cast_signed() as f32).to_bits()
}

pub(super) fn from_unsigned(x: u32) -> u32 {
    (x as f32).to_bits()
}

/// The float of a binary16 in the lower half.
pub(super) fn from_half(x: u32) -> u32 {
    half::f16_to_f32(x as u16).to_bits()
}

/// The binary16 of a float; a NaN keeps what fits of its payload.
pub(super) fn to_half(x: u32) -> u32 {
    if float(x).is_nan() {
        x >> 16 & 0x8000 | 0x7e00 | x >> 13 & 0x1ff
    } else {
        half::f32_to_f16(float(x)).into()
    }
}

/// A float rounded to an integer by `how`.
pub(super) fn round(x: u32, how: fn(f32) -> f32) -> u32 {
    settle(how(float(x)), &[x])
}

/// The larger number; a number beats a quiet NaN.
pub(super) fn max(x: u32, y: u32) -> u32 {
    number_of(x, y, Ordering::Greater)
}

/// The smaller number; a number beats a quiet NaN.
pub(super) fn min(x: u32, y: u32) -> u32 {
    number_of(x, y, Ordering::Less)
}

fn number_of(x: u32, y: u32, wanted: Ordering) -> u32 {
    if is_signalling(x) || is_signalling(y) {
        return chosen(&[x, y]);
    }
    match (is_nan(x), is_nan(y)) {
        (true, true) => x,
        (true, false) => y,
        (false, true) => x,
        // The order that has −0 below +0.
        (false, false) => {
            if float(x).total_cmp(&float(y)) == wanted {
                x
            } else {
                y
            }
        }
    }
}
