//! The functions under test, each with its reference value in binary64 and its promised error.

use tinyc_runtime::math;

/// Bits in, bits out: floats and integers alike.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) compute: fn(u32) -> u32,
    pub(crate) accuracy: Option<Accuracy>,
}

/// How good the result must be.
pub(crate) struct Accuracy {
    pub(crate) exact: fn(f64) -> f64,
    /// Largest allowed error in ULP.
    pub(crate) bound: f64,
}

macro_rules! float {
    ($name:ident, $exact:expr, $bound:literal) => {
        Function {
            name: stringify!($name),
            compute: |x| math::$name(f32::from_bits(x)).to_bits(),
            accuracy: Some(Accuracy { exact: $exact, bound: $bound }),
        }
    };
}

macro_rules! integer {
    ($name:ident) => {
        Function {
            name: stringify!($name),
            compute: |x| math::$name(f32::from_bits(x)) as u32,
            accuracy: None,
        }
    };
}

pub(crate) const FUNCTIONS: &[Function] = &[
    float!(exp, f64::exp, 0.78),
    float!(tanh, f64::tanh, 1.48),
    float!(sigmoid, |x| 1.0 / (1.0 + (-x).exp()), 2.41),
    float!(log, f64::ln, 0.84),
    float!(sqrt, f64::sqrt, 0.5),
    float!(erf, erf, 1.29),
    float!(sin, f64::sin, 0.82),
    float!(cos, f64::cos, 0.83),
    float!(round_ties_even, f64::round_ties_even, 0.0),
    integer!(to_i32),
    integer!(round_to_i32),
];

/// Error function: `2/√π·e^(-x²)·Σ 2^n·x^(2n+1)/(2n+1)!!`, whose terms are all of one sign.
fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    let mut odd = 1.0;
    while term.abs() > sum.abs() * 1e-18 {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    sum * (-x * x).exp() * core::f64::consts::FRAC_2_SQRT_PI
}

/// Error of `got` in ULP of the binade of `exact`; 0 where both are the same NaN or infinity. Overflow counts as
/// if the exponent had no upper end.
pub(crate) fn error_in_ulp(got: u32, exact: f64) -> f64 {
    if exact.is_nan() {
        return if got == 0x7fc0_0000 { 0.0 } else { f64::INFINITY };
    }
    let got = f32::from_bits(got);
    if exact.is_infinite() || exact == 0.0 {
        let same = f64::from(got) == exact && got.is_sign_negative() == exact.is_sign_negative();
        return if same { 0.0 } else { f64::INFINITY };
    }
    let exponent = ((exact.to_bits() >> 52 & 0x7ff) as i64 - 1023).clamp(-126, 127);
    let ulp = f64::from_bits(((exponent - 23 + 1023) as u64) << 52);
    let value = if got.is_infinite() { (2.0f64).powi(128).copysign(f64::from(got)) } else { f64::from(got) };
    if got.is_infinite() && exact.abs() >= value.abs() && exact.is_sign_negative() == got.is_sign_negative() {
        return 0.0;
    }
    if value == 0.0 && got.is_sign_negative() != exact.is_sign_negative() {
        return f64::INFINITY;
    }
    (value - exact).abs() / ulp
}
