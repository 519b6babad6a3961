//! Functions that the runtime does not have, as formulas. Arguments are f32 unless said otherwise; an error bound is in units of
//! the last place (ULP), measured by the tests here.

use tinyc_ir::formula::Number;

/// `sign · magnitude` with the sign of `x`.
fn signed<'w>(x: Number<'w>, magnitude: Number<'w>) -> Number<'w> {
    x.lt(x.literal(0.0)).select(-magnitude, magnitude)
}

/// `x·P(z) + …` with coefficients from the highest power down.
fn polynomial<'w>(z: Number<'w>, coefficients: &[f64]) -> Number<'w> {
    let first = z.literal(coefficients[0]);
    coefficients[1..].iter().fold(first, |p, &c| p * z + c)
}

/// `|x|`, of any type with arithmetic.
pub(super) fn abs(x: Number<'_>) -> Number<'_> {
    if x.ty().is_signed() || x.ty().is_float() { x.abs() } else { x }
}

/// −1, 0 or 1, of any type with arithmetic; NaN stays.
pub(super) fn sign(x: Number<'_>) -> Number<'_> {
    let (zero, one) = (x.literal(0.0), x.literal(1.0));
    let above = zero.lt(x).select(one, x);
    if x.ty().is_signed() || x.ty().is_float() { x.lt(zero).select(x.literal(-1.0), above) } else { above }
}

/// The greatest integral value that is not above `x`.
pub(super) fn floor(x: Number<'_>) -> Number<'_> {
    let rounded = x.round();
    x.lt(rounded).select(rounded - 1.0, rounded)
}

/// The least integral value that is not below `x`.
pub(super) fn ceil(x: Number<'_>) -> Number<'_> {
    let rounded = x.round();
    rounded.lt(x).select(rounded + 1.0, rounded)
}

/// The integral part of f32 or f64.
pub(super) fn truncate(x: Number<'_>) -> Number<'_> {
    x.lt(x.literal(0.0)).select(ceil(x), floor(x))
}

/// `ln(1 + y)` for `y ≥ 0`: the rounding error of `1 + y` is taken out again.
fn log1p(y: Number<'_>) -> Number<'_> {
    let one_more = y + 1.0;
    let part = one_more - 1.0;
    part.equals(part.literal(0.0)).select(y, one_more.log() * (y / part))
}

/// `ln(1 + eˣ)`, which cannot overflow.
pub(super) fn softplus(x: Number<'_>) -> Number<'_> {
    x.max(x.literal(0.0)) + log1p((-x.abs()).exp())
}

/// `x·Φ(x)`.
pub(super) fn gelu(x: Number<'_>) -> Number<'_> {
    x * 0.5 * ((x * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0)
}

/// `x·Φ(x)`, approximated with a hyperbolic tangent as BERT has it.
pub(super) fn gelu_tanh(x: Number<'_>) -> Number<'_> {
    let inner = (x + x * x * x * 0.044_715) * (2.0 / std::f64::consts::PI).sqrt();
    x * 0.5 * (inner.tanh() + 1.0)
}

/// `α·x + β` between 0 and 1.
pub(super) fn hard_sigmoid(x: Number<'_>, alpha: f64, beta: f64) -> Number<'_> {
    (x * alpha + beta).min(x.literal(1.0)).max(x.literal(0.0))
}

/// Below 1 a polynomial (error 2^-32), from there by halves of the exponential, so that nothing overflows early.
pub(super) fn sinh(x: Number<'_>) -> Number<'_> {
    let (a, z) = (x.abs(), x * x);
    let near = x + x * z * polynomial(z, &[2.806_290_5e-6, 1.983_810_1e-4, 8.333_339e-3, 0.166_666_67]);
    let half = (a * 0.5).exp();
    let far = signed(x, half * 0.5 * half - half.literal(0.5) / half / half);
    a.lt(a.literal(1.0)).select(near, far)
}

/// By halves of the exponential, so that nothing overflows early.
pub(super) fn cosh(x: Number<'_>) -> Number<'_> {
    let half = (x.abs() * 0.5).exp();
    half * 0.5 * half + half.literal(0.5) / half / half
}

/// From 2^12 on `ln 2|x|`, whose error there is far below an ULP.
pub(super) fn asinh(x: Number<'_>) -> Number<'_> {
    let a = x.abs();
    let near = log1p(a + a * a / ((a * a + 1.0).sqrt() + 1.0));
    signed(x, a.literal(4096.0).lt(a).select(a.log() + std::f64::consts::LN_2, near))
}

/// NaN below 1; from 2^12 on `ln 2x`.
pub(super) fn acosh(x: Number<'_>) -> Number<'_> {
    let t = x - 1.0;
    let near = log1p(t + (t * 2.0 + t * t).sqrt());
    let inside = x.literal(4096.0).lt(x).select(x.log() + std::f64::consts::LN_2, near);
    x.lt(x.literal(1.0)).select(x.literal(f64::NAN), inside)
}

/// `½·ln((1 + x)/(1 − x))`; infinite at ±1, NaN beyond.
pub(super) fn atanh(x: Number<'_>) -> Number<'_> {
    let a = x.abs();
    let inside = signed(x, log1p(a * 2.0 / (a.literal(1.0) - a)) * 0.5);
    let edge = a.equals(a.literal(1.0)).select(signed(x, a.literal(f64::INFINITY)), inside);
    a.literal(1.0).lt(a).select(a.literal(f64::NAN), edge)
}

/// Brought below tan π/8 by `π/2 − atan 1/x` and `π/4 + atan (x−1)/(x+1)`, there a polynomial (error 2^-28).
pub(super) fn atan(x: Number<'_>) -> Number<'_> {
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};
    let a = x.abs();
    let (one, zero) = (a.literal(1.0), a.literal(0.0));
    let large = one.lt(a);
    let inner = large.select(one / a, a);
    let middle = inner.literal(0.414_213_57).lt(inner);
    let r = middle.select((inner - 1.0) / (inner + 1.0), inner);
    let z = r * r;
    let p = polynomial(z, &[-0.064_593_762, 0.107_462_99, -0.142_642_32, 0.199_995_5, -0.333_333_3]);
    let small = middle.select(a.literal(FRAC_PI_4), zero) + (r + r * z * p);
    signed(x, large.select(a.literal(FRAC_PI_2) - small, small))
}

/// On `0 ≤ x ≤ ½` (error 2^-29).
fn asin_small(x: Number<'_>) -> Number<'_> {
    let z = x * x;
    let coefficients = [0.033_805_747, 0.017_077_86, 0.031_116_156, 0.044_598_03, 0.075_000_99, 0.166_666_66];
    x + x * z * polynomial(z, &coefficients)
}

/// Above ½ by `π/2 − 2·asin √((1 − x)/2)`; NaN beyond ±1.
pub(super) fn asin(x: Number<'_>) -> Number<'_> {
    let a = x.abs();
    let far = a.literal(0.5).lt(a);
    let r = far.select(((a.literal(1.0) - a) * 0.5).sqrt(), a);
    let s = asin_small(r);
    signed(x, far.select(a.literal(std::f64::consts::FRAC_PI_2) - s * 2.0, s))
}

/// Above ½ by `2·asin √((1 − |x|)/2)`, and its complement to π; NaN beyond ±1.
pub(super) fn acos(x: Number<'_>) -> Number<'_> {
    use std::f64::consts::{FRAC_PI_2, PI};
    let a = x.abs();
    let far = a.literal(0.5).lt(a);
    let s = asin_small(far.select(((a.literal(1.0) - a) * 0.5).sqrt(), a));
    let negative = x.lt(x.literal(0.0));
    let near = x.literal(FRAC_PI_2) - negative.select(-s, s);
    let twice = s * 2.0;
    far.select(negative.select(x.literal(PI) - twice, twice), near)
}

/// `xʸ` of f32 or f64 as `e^(y·ln|x|)`, negative where x is and y is odd, NaN where x is negative and y not integral.
///
/// An error of the logarithm is multiplied by y: the result is within `2.7·|y·ln x| + 0.8` ULP, where it is normal.
pub(super) fn pow<'w>(x: Number<'w>, y: Number<'w>) -> Number<'w> {
    let (zero, one) = (x.literal(0.0), x.literal(1.0));
    let magnitude = (y * x.abs().log()).exp();
    let whole = y.round().equals(y);
    let half = y * 0.5;
    let odd = whole & half.round().differs(half);
    let negative = whole.select(odd.select(-magnitude, magnitude), x.literal(f64::NAN));
    let any = x.lt(zero).select(negative, magnitude);
    (y.equals(zero) | x.equals(one)).select(one, any)
}

/// `xʸ` of integers by squaring: exact as long as it fits and y is below 64; for negative y what is left of the fraction.
pub(super) fn int_pow<'w>(x: Number<'w>, y: Number<'w>) -> Number<'w> {
    let (zero, one) = (x.literal(0.0), x.literal(1.0));
    let (mut result, mut square) = (one, x);
    for bit in 0..6 {
        let set = ((y.shift_right(y.literal(f64::from(bit)))) & 1.0).differs(y.literal(0.0));
        result = set.select(result * square, result);
        square = square * square;
    }
    if !y.ty().is_signed() {
        return result;
    }
    let minus_one = x.ty().is_signed().then(|| x.equals(x.literal(-1.0)));
    let fraction = x.equals(one).select(one, zero);
    let odd = (y & 1.0).differs(y.literal(0.0));
    let fraction = match minus_one {
        Some(is) => is.select(odd.select(x.literal(-1.0), one), fraction),
        None => fraction,
    };
    y.lt(y.literal(0.0)).select(fraction, result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_ir::DType;
    use tinyc_ir::formula::{Applied, Formula};

    /// The greatest error of a function over arguments of all sizes in `lo..=hi`, in ULP of the exact result.
    fn error(f: for<'w> fn(Number<'w>) -> Number<'w>, exact: fn(f64) -> f64, lo: f32, hi: f32) -> f64 {
        let formula = Formula::write(&[DType::F32], |x| f(x[0]));
        let mut applied = Applied::new(&formula, &[DType::F32]).unwrap();
        let mut worst = 0.0f64;
        for step in 0..40_000u32 {
            let spread = lo + (hi - lo) * (step as f32 / 39_999.0);
            for x in [spread, spread * 2f32.powi(-(step as i32 % 20))] {
                if !(lo..=hi).contains(&x) {
                    continue;
                }
                let y = f32::from_bits(applied.apply(&[u64::from(x.to_bits())]) as u32);
                let want = exact(f64::from(x));
                let ulp = 2f64.powi((want.abs().max(1.2e-38).log2().floor() as i32) - 23);
                worst = worst.max((f64::from(y) - want).abs() / ulp);
            }
        }
        worst
    }

    #[test]
    fn composed_functions_are_exact_to_a_few_ulp() {
        type Case = (&'static str, for<'w> fn(Number<'w>) -> Number<'w>, fn(f64) -> f64, f32, f32, f64);
        let cases: [Case; 12] = [
            ("sinh", sinh, f64::sinh, -88.0, 88.0, 4.0),
            ("cosh", cosh, f64::cosh, -88.0, 88.0, 4.0),
            ("asinh", asinh, f64::asinh, -1e4, 1e4, 5.0),
            ("acosh", acosh, f64::acosh, 1.0, 1e4, 5.0),
            ("atanh", atanh, f64::atanh, -0.999, 0.999, 5.0),
            ("atan", atan, f64::atan, -50.0, 50.0, 3.0),
            ("asin", asin, f64::asin, -1.0, 1.0, 3.0),
            ("acos", acos, f64::acos, -1.0, 0.9, 3.0),
            ("floor", floor, f64::floor, -300.0, 300.0, 0.0),
            ("ceil", ceil, f64::ceil, -300.0, 300.0, 0.0),
            ("trunc", truncate, f64::trunc, -300.0, 300.0, 0.0),
            ("softplus", softplus, |x| x.exp().ln_1p(), -80.0, 80.0, 6.0),
        ];
        for (name, f, exact, lo, hi, bound) in cases {
            let found = error(f, exact, lo, hi);
            assert!(found <= bound, "{name}: {found} ULP");
        }
    }

    /// Arguments of many sizes whose power is a normal number; exponents of all kinds.
    fn bases_and_exponents(most: f64) -> impl Iterator<Item = (f64, f64)> {
        let bases = (1..400).map(|i| (f64::from(i) * 0.37 - 74.0).exp2());
        bases.flat_map(move |x| {
            let ends = (most / x.ln().abs().max(1e-3)).min(1e4);
            let spread = (-40..=40).map(move |k| f64::from(k) / 40.0 * ends);
            spread
                .chain(
                    [0.5, -0.5, 1.0, 2.0, 3.0, -2.0, 1.0 / 3.0]
                        .into_iter()
                        .filter(move |y: &f64| y.abs() <= ends),
                )
                .map(move |y| (x, y))
        })
    }

    #[test]
    fn powers_err_with_the_size_of_the_exponent() {
        let formula = |dtype| Formula::write(&[dtype; 2], |x| pow(x[0], x[1]));
        let (narrow, wide) = (formula(DType::F32), formula(DType::F64));
        let mut narrow = Applied::new(&narrow, &[DType::F32; 2]).unwrap();
        let mut wide = Applied::new(&wide, &[DType::F64; 2]).unwrap();
        let mut worst = [0.0f64; 2];
        for (x, y) in bases_and_exponents(85.0) {
            let (x, y) = (f64::from(x as f32), f64::from(y as f32));
            let (want, size) = (x.powf(y), (y * x.ln()).abs());
            let got = f32::from_bits(
                narrow.apply(&[(x as f32).to_bits(), (y as f32).to_bits()].map(u64::from)) as u32,
            );
            let ulp = (want.log2().floor() as i32 - 23).max(-149);
            worst[0] = worst[0].max((f64::from(got) - want).abs() / 2f64.powi(ulp) / (2.7 * size + 0.8));
            // The host's own power is within one ULP.
            let got = f64::from_bits(wide.apply(&[x.to_bits(), y.to_bits()]));
            let ulp = want.log2().floor() as i32 - 52;
            worst[1] = worst[1].max(((got - want).abs() / 2f64.powi(ulp) - 1.0) / (2.7 * size + 0.8));
        }
        assert!(worst.iter().all(|w| *w <= 1.0), "{worst:?} of the promised errors");
        assert!(worst.iter().all(|w| *w > 0.3), "{worst:?}: the promise is far too weak");
        let mut power =
            |x: f32, y: f32| f32::from_bits(narrow.apply(&[x.to_bits(), y.to_bits()].map(u64::from)) as u32);
        assert_eq!((power(-2.0, 3.0), power(-2.0, 2.0), power(0.0, 2.0)), (-8.0, 4.0, 0.0));
        assert_eq!((power(0.0, 0.0), power(f32::NAN, 0.0), power(1.0, f32::NAN)), (1.0, 1.0, 1.0));
        assert!(power(-2.0, 0.5).is_nan() && power(0.0, -1.0) == f32::INFINITY);
    }

    #[test]
    fn powers_of_integers_are_exact() {
        let formula = Formula::write(&[DType::I64; 2], |x| int_pow(x[0], x[1]));
        let mut applied = Applied::new(&formula, &[DType::I64; 2]).unwrap();
        for (x, y, want) in
            [(3i64, 4i64, 81i64), (-2, 63, i64::MIN), (7, 0, 1), (-1, -3, -1), (5, -1, 0), (1, -9, 1)]
        {
            assert_eq!(applied.apply(&[x as u64, y as u64]) as i64, want, "{x}^{y}");
        }
    }
}
