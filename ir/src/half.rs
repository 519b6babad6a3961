//! Half floats: stored in 16 bits, computed on as f32. The two conversions here define what they mean, bit for bit.
//!
//! To f32 every number is exact; a NaN keeps its sign and payload, and one of f16 becomes quiet. From f32 the nearest is taken, ties to even, beyond the
//! greatest it is infinity, small ones become subnormal; every NaN becomes the canonical one.

use crate::DType;

/// The canonical NaN of f16.
pub const F16_NAN: u16 = 0x7e00;

/// The canonical NaN of bf16.
pub const BF16_NAN: u16 = 0x7fc0;

/// The number that 16 bits stand for.
pub fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let rest = u32::from(bits & 0x7fff);
    let magnitude = match rest {
        0..0x400 => (rest as f32 * f32::from_bits(0x3380_0000)).to_bits(), // times 2^-24, exact
        0x400..0x7c00 => (rest << 13) + (112 << 23),
        0x7c00 => 0x7f80_0000,
        _ => 0x7fc0_0000 | rest << 13,
    };
    f32::from_bits(sign | magnitude)
}

/// The nearest number of 16 bits.
pub fn f32_to_f16(x: f32) -> u16 {
    let bits = x.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    let rest = bits & 0x7fff_ffff;
    if rest > 0x7f80_0000 {
        return F16_NAN;
    }
    // From 65520 on the nearest is infinity.
    if rest >= 0x477f_f000 {
        return sign | 0x7c00;
    }
    // Below the least normal number, 2^-14, the steps are 2^-24; else 13 bits of the mantissa go.
    let (mantissa, shift) = match rest >> 23 {
        113.. => (rest - (112 << 23), 13),
        exponent @ 102..113 => (rest & 0x7f_ffff | 0x80_0000, 126 - exponent),
        _ => return sign, // below half a step
    };
    let floor = mantissa >> shift;
    let lost = mantissa & ((1 << shift) - 1);
    let half = 1 << (shift - 1);
    let up = lost > half || lost == half && floor & 1 == 1;
    sign | (floor + u32::from(up)) as u16
}

/// The number that 16 bits stand for.
pub fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The nearest number of 16 bits.
pub fn f32_to_bf16(x: f32) -> u16 {
    if x.is_nan() {
        return BF16_NAN;
    }
    let bits = x.to_bits();
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

/// The number that the bits of a half float stand for.
pub fn widen(half: DType, bits: u16) -> f32 {
    if half == DType::F16 { f16_to_f32(bits) } else { bf16_to_f32(bits) }
}

/// The bits of the nearest half float.
pub fn narrow(half: DType, x: f32) -> u16 {
    if half == DType::F16 { f32_to_f16(x) } else { f32_to_bf16(x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nearest of all 2^16 numbers, the even one of two, found by looking.
    fn nearest(half: DType, x: f32) -> u16 {
        let infinity = if half == DType::F16 { 0x7c00u16 } else { 0x7f80 };
        let value = |bits: u16| -> f64 {
            if bits < infinity {
                return widen(half, bits).into();
            }
            // Infinity stands where the next number would.
            2.0 * f64::from(widen(half, infinity - 1)) - f64::from(widen(half, infinity - 2))
        };
        let magnitude = f64::from(x.abs());
        let (mut lo, mut hi) = (0, infinity);
        while hi - lo > 1 {
            let middle = lo + (hi - lo) / 2;
            if value(middle) <= magnitude { lo = middle } else { hi = middle }
        }
        let (below, above) = (magnitude - value(lo), value(hi) - magnitude);
        let bits = if below < above || below == above && lo & 1 == 0 { lo } else { hi };
        bits | if x.is_sign_negative() { 0x8000 } else { 0 }
    }

    #[test]
    fn every_half_comes_back() {
        for bits in 0..=u16::MAX {
            for (half, nan) in [(DType::F16, F16_NAN), (DType::BF16, BF16_NAN)] {
                let wide = widen(half, bits);
                let expected = if wide.is_nan() { nan } else { bits };
                assert_eq!(narrow(half, wide), expected, "{half} {bits:#06x}");
            }
        }
        assert_eq!(f16_to_f32(0x3c00), 1.0);
        assert_eq!(f16_to_f32(0x7bff), 65504.0);
        assert_eq!(f16_to_f32(0x8001), -1.0 / 16_777_216.0);
        assert_eq!(f16_to_f32(0xfc01).to_bits(), 0xffc0_2000);
    }

    #[test]
    fn the_nearest_is_taken() {
        let mut random = crate::seeded::Seeded::new(5);
        for i in 0..400_000u32 {
            // Random bits, and the neighbourhood of each border between two numbers.
            let bits = match i % 2 {
                0 => random.bits() as u32,
                _ => (random.bits() as u32 & 0xffff_e000) + random.below(5) as u32 + 0x0ffe,
            };
            let x = f32::from_bits(bits);
            for half in [DType::F16, DType::BF16] {
                if x.is_finite() {
                    assert_eq!(narrow(half, x), nearest(half, x), "{half} {x:?}");
                }
            }
        }
        for (x, bits) in
            [(65519.99, 0x7bff), (65520.0, 0x7c00), (f32::INFINITY, 0x7c00), (2.0f32.powi(-25), 0)]
        {
            assert_eq!(f32_to_f16(x), bits);
        }
        assert_eq!(f32_to_bf16(f32::MAX), 0x7f80);
    }
}
