//! Exact integer and rational arithmetic: the one place that defines how a real result is rounded.
//!
//! `rhe` rounds to the nearest integer, ties to even. Everything is computed on integers; no float rounds on the way.

/// A finite f32 as `mantissa · 2^exponent` with an integer mantissa of at most 24 bits.
pub fn decompose(x: f32) -> (i64, i32) {
    debug_assert!(x.is_finite());
    let bits = x.to_bits();
    let sign = if bits >> 31 == 1 { -1 } else { 1 };
    let field = ((bits >> 23) & 0xff) as i32;
    let fraction = i64::from(bits & 0x7f_ffff);
    match field {
        0 => (sign * fraction, -149),
        _ => (sign * (fraction | 0x80_0000), field - 150),
    }
}

/// `rhe(value · 2^exponent)`, saturated to i64.
pub fn round_half_even_scaled(value: i128, exponent: i32) -> i64 {
    let saturate = |v: i128| v.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
    if value == 0 {
        return 0;
    }
    if exponent >= 0 {
        let room = value.unsigned_abs().leading_zeros() as i32 - 1;
        return if exponent < room {
            saturate(value << exponent)
        } else if value > 0 {
            i64::MAX
        } else {
            i64::MIN
        };
    }
    let shift = -exponent;
    if shift > 126 {
        return 0; // |value| < 2^125, so the result is below one half
    }
    let floor = value >> shift;
    let rest = value - (floor << shift);
    let half = 1i128 << (shift - 1);
    let up = rest > half || (rest == half && floor & 1 == 1);
    saturate(floor + i128::from(up))
}

/// `rhe(acc · m)`: the product exact, one rounding. DESIGN's requantisation before zero point and clamp.
pub fn round_half_even_product(acc: i64, m: f32) -> i64 {
    let (mantissa, exponent) = decompose(m);
    round_half_even_scaled(i128::from(acc) * i128::from(mantissa), exponent)
}

/// `rhe(Σ qi · mi)`: all products and the sum exact, one rounding.
///
/// Each `|qi|` must be below 2^40.
pub fn round_half_even_sum(terms: &[(i64, f32)]) -> i64 {
    let parts: Vec<(i128, i32)> = terms
        .iter()
        .filter(|(q, m)| *q != 0 && *m != 0.0)
        .map(|&(q, m)| {
            let (mantissa, exponent) = decompose(m);
            (i128::from(q) * i128::from(mantissa), exponent)
        })
        .collect();
    let Some(top) = parts.iter().map(|p| p.1).max() else { return 0 };
    // A term is below 2^64 · 2^exponent. 56 bits under the greatest exponent keep sums below 2^125; what lies
    // lower can only decide a tie, so its sign is kept as a sticky unit one place further down.
    let low = top - 56;
    let mut sum = 0i128;
    let mut sticky = 0i128;
    for (value, exponent) in parts {
        if exponent >= low {
            sum += value << (exponent - low);
        } else {
            let shift = (low - exponent).min(126);
            sum += value >> shift;
            sticky |= i128::from(value & ((1i128 << shift) - 1) != 0);
        }
    }
    round_half_even_scaled((sum << 1) | sticky, low - 1)
}

/// `rhe(a / b)` for positive `b`, on integers.
pub fn round_half_even_div(a: i128, b: i128) -> i128 {
    let floor = a.div_euclid(b);
    let twice = 2 * a.rem_euclid(b);
    floor + i128::from(twice > b || (twice == b && floor & 1 == 1))
}

/// `rhe(acc · m / count)`, exact, for averages: `count` is the number of summed elements, above zero.
pub fn round_half_even_mean(acc: i64, m: f32, count: u32) -> i64 {
    let (mantissa, exponent) = decompose(m);
    let product = i128::from(acc) * i128::from(mantissa);
    let count = i128::from(count);
    if exponent >= 0 {
        // m ≥ 2^23: any nonzero sum saturates every storage type long before i128 does.
        let scaled = if exponent < 40 { product << exponent } else { product.signum() << 100 };
        return round_half_even_div(scaled, count).clamp(i64::MIN.into(), i64::MAX.into()) as i64;
    }
    let shift = -exponent;
    let quotient = product.div_euclid(count);
    let sticky = i128::from(product.rem_euclid(count) != 0);
    round_half_even_scaled((quotient << 1) | sticky, -shift - 1)
}

/// `rhe(x / scale)` of two floats as exact numbers, saturated to i64: how a float is quantised.
///
/// `x` may be infinite (saturates) or NaN (0); `scale` is finite and above zero.
pub fn round_half_even_ratio(x: f32, scale: f32) -> i64 {
    if x.is_nan() {
        return 0;
    }
    if x.is_infinite() {
        return if x > 0.0 { i64::MAX } else { i64::MIN };
    }
    let ((a, ea), (b, eb)) = (decompose(x), decompose(scale));
    let exponent = ea - eb;
    if a == 0 {
        0
    } else if exponent > 64 {
        if a > 0 { i64::MAX } else { i64::MIN }
    } else if exponent < -64 {
        0 // |a/b| < 2^24, so the quotient is below one half
    } else if exponent >= 0 {
        let quotient = round_half_even_div(i128::from(a) << exponent, i128::from(b));
        quotient.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    } else {
        round_half_even_div(i128::from(a), i128::from(b) << -exponent) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_even() {
        let halves: Vec<i64> = (-5..=5).map(|acc| round_half_even_product(acc, 0.5)).collect();
        assert_eq!(halves, [-2, -2, -2, -1, 0, 0, 0, 1, 2, 2, 2]);
        assert_eq!(round_half_even_ratio(2.5, 1.0), 2);
        assert_eq!(round_half_even_ratio(-3.5, 1.0), -4);
    }

    #[test]
    fn averages_round_once() {
        // 7/2 = 3.5 → 4 and 5/2 = 2.5 → 2; 1/3 of 4 is below one half of 3.
        assert_eq!([7, 5, -5, -7].map(|a| round_half_even_mean(a, 1.0, 2)), [4, 2, -2, -4]);
        assert_eq!(round_half_even_mean(4, 1.0, 3), 1);
        assert_eq!(round_half_even_mean(3, 0.5, 3), 0);
        assert_eq!(round_half_even_mean(9, 0.5, 3), 2);
    }

    #[test]
    fn sums_keep_what_decides_a_tie() {
        assert_eq!(round_half_even_sum(&[(1, 0.5), (1, f32::MIN_POSITIVE)]), 1);
        assert_eq!(round_half_even_sum(&[(1, 0.5), (-1, f32::MIN_POSITIVE)]), 0);
        assert_eq!(round_half_even_sum(&[(1, 0.5), (2, 0.5)]), 2);
        assert_eq!(round_half_even_sum(&[]), 0);
    }

    #[test]
    fn extremes_saturate() {
        assert_eq!(round_half_even_product(i64::MAX, f32::MAX), i64::MAX);
        assert_eq!(round_half_even_product(i64::MIN, f32::MAX), i64::MIN);
        assert_eq!(round_half_even_product(i64::MAX, f32::from_bits(1)), 0);
    }
}
