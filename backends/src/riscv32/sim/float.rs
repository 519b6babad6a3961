//! Operations of the F extension on bits, apart from those that are one of the host's operations.

/// The only NaN that operations make.
const NAN: u32 = 0x7fc0_0000;

pub(super) fn of(bits: u32) -> f32 {
    f32::from_bits(bits)
}

/// The bits of a result: every NaN is the canonical one.
pub(super) fn bits(value: f32) -> u32 {
    if value.is_nan() { NAN } else { value.to_bits() }
}

/// The lesser or greater of two, −0 below +0; the other one if one is NaN.
pub(super) fn extreme(a: u32, b: u32, least: bool) -> u32 {
    match (of(a).is_nan(), of(b).is_nan()) {
        (true, true) => NAN,
        (true, false) => b,
        (false, true) => a,
        (false, false) => {
            let first = match of(a).partial_cmp(&of(b)) {
                Some(std::cmp::Ordering::Less) => true,
                Some(std::cmp::Ordering::Equal) => a >> 31 >= b >> 31,
                _ => false,
            };
            if first == least { a } else { b }
        }
    }
}

/// Towards zero, saturating; NaN is the greatest number.
pub(super) fn to_signed(a: u32) -> u32 {
    if of(a).is_nan() { i32::MAX as u32 } else { of(a) as i32 as u32 }
}

/// The same without a sign.
pub(super) fn to_unsigned(a: u32) -> u32 {
    if of(a).is_nan() { u32::MAX } else { of(a) as u32 }
}

/// One bit for what kind of number it is.
pub(super) fn class(a: u32) -> u32 {
    let (negative, quiet) = (a >> 31 == 1, a >> 22 & 1 == 1);
    let bit = match (of(a).classify(), negative) {
        (std::num::FpCategory::Infinite, true) => 0,
        (std::num::FpCategory::Normal, true) => 1,
        (std::num::FpCategory::Subnormal, true) => 2,
        (std::num::FpCategory::Zero, true) => 3,
        (std::num::FpCategory::Zero, false) => 4,
        (std::num::FpCategory::Subnormal, false) => 5,
        (std::num::FpCategory::Normal, false) => 6,
        (std::num::FpCategory::Infinite, false) => 7,
        (std::num::FpCategory::Nan, _) => 8 + u32::from(quiet),
    };
    1 << bit
}
