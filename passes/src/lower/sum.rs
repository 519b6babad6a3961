//! Sums of two rescaled numbers: `clamp(zy + rhe((a − za)·Ma + (b − zb)·Mb))`, exact for all scales.

use super::layer::Layer;
use super::requant::{Shift, Target, clamp, round_shift};
use super::weighted_sum::stored_range;
use tinyc_ir::TensorType;
use tinyc_ir::exact::{decompose, round_half_even_sum};
use tinyc_ir::loops::{BinaryOp, Expr, Scalar};

/// How a sum is computed, in 64 bits.
pub struct Sum {
    form: Form,
    target: Target,
}

enum Form {
    /// `(a·A + b·B + C) >> shift`.
    Shifted {
        factors: [i64; 2],
        /// The zero points' share, and the rounding where no tie can occur.
        constant: i64,
        shift: u8,
        ties: bool,
    },
    /// For scales that leave that no room.
    Wide(Wide),
}

/// Products of 40 bits at most, brought together over the power of two of the smaller scale, or, where that lies too far
/// below, 21 bits under the greater one: what is lost there can only decide a tie, so that one bit keeps it.
#[derive(Clone, Copy)]
struct Wide {
    /// The argument of the greater scale comes second.
    swapped: bool,
    /// Zero points and factors, of the greater scale first; its factor holds the shift to the left.
    zeros: [i64; 2],
    factors: [i64; 2],
    /// How far the second product is shifted right before the sum.
    down: Option<u8>,
    /// The power of two that the sum counts.
    exponent: i32,
}

/// Nothing beyond is inside a stored type, zero point or not.
const BEYOND: i64 = 1 << 17;

impl Sum {
    /// The rule for two arguments with their effective scales and zero points.
    pub fn new(inputs: [&TensorType; 2], scales: [(f32, i32); 2], target: Target) -> Self {
        let small = inputs.iter().all(|t| t.dtype.size() == 1);
        let quick = if small { Self::checked(inputs, scales, target) } else { None };
        let form =
            quick.or_else(|| Form::exact(inputs, scales)).unwrap_or_else(|| Form::Wide(Wide::new(scales)));
        Self { form, target }
    }

    /// 31-bit factors, legal because all pairs of arguments have been tried.
    fn checked(inputs: [&TensorType; 2], scales: [(f32, i32); 2], target: Target) -> Option<Form> {
        let greatest = f64::from(scales[0].0.max(scales[1].0));
        let shift = (1..=60).rev().find(|&s| greatest * f64::from(2f32.powi(s)) < 2_147_483_000.0)?;
        // Scales are f32 and powers of two exact, so the product is exact in f64.
        let factors =
            scales.map(|(m, _)| (f64::from(m) * f64::from(2f32.powi(shift))).round_ties_even() as i64);
        let zeros = factors[0] * i64::from(scales[0].1) + factors[1] * i64::from(scales[1].1);
        let constant = (1i64 << (shift - 1)) - zeros;
        let form = Form::Shifted { factors, constant, shift: shift as u8, ties: false };
        let (a, b) = (stored_range(inputs[0].dtype), stored_range(inputs[1].dtype));
        let exact = |a: i64, b: i64| {
            let terms =
                [(a - i64::from(scales[0].1), scales[0].0), (b - i64::from(scales[1].1), scales[1].0)];
            let bounded =
                |v: i64| v.saturating_add(target.zero_point.into()).clamp(target.lo.into(), target.hi.into());
            bounded(form.apply(a, b)) == bounded(round_half_even_sum(&terms))
        };
        (a.0..=a.1).all(|i| (b.0..=b.1).all(|j| exact(i, j))).then_some(form)
    }

    /// The stored result (as an i32) of two i32 numbers.
    pub fn emit(&self, layer: &mut Layer<'_>, a: Expr, b: Expr) -> Expr {
        let rounded = match &self.form {
            &Form::Shifted { factors, constant, shift, ties } => {
                let [a, b] = [(a, factors[0]), (b, factors[1])]
                    .map(|(value, factor)| product(layer, value, 0, factor));
                let sum = layer.b.add(a, b);
                let constant = layer.b.int(Scalar::I64, constant);
                let sum = layer.b.add(sum, constant);
                if ties {
                    let sum = layer.b.let_("sum", sum);
                    round_shift(layer, sum, true, Shift::Literal(shift))
                } else {
                    let shift = layer.b.int(Scalar::I64, shift.into());
                    layer.b.binary(BinaryOp::Shr, sum, shift)
                }
            }
            Form::Wide(wide) => wide.emit(layer, a, b),
        };
        let zero = layer.b.int(Scalar::I64, self.target.zero_point.into());
        let value = layer.b.add(rounded, zero);
        let value = layer.b.let_("q", value);
        let value = clamp(layer, value, self.target.lo.into(), self.target.hi.into());
        layer.b.convert(Scalar::I32, value)
    }
}

/// `(value − zero) · factor` in 64 bits.
fn product(layer: &mut Layer<'_>, value: Expr, zero: i64, factor: i64) -> Expr {
    let mut value = layer.b.convert(Scalar::I64, value);
    if zero != 0 {
        let zero = layer.b.int(Scalar::I64, zero);
        value = layer.b.sub(value, zero);
    }
    let factor = layer.b.int(Scalar::I64, factor);
    layer.b.mul(value, factor)
}

impl Form {
    /// Both scales over one power of two; `None` if that takes more than 62 bits.
    fn exact(inputs: [&TensorType; 2], scales: [(f32, i32); 2]) -> Option<Self> {
        let parts = scales.map(|(m, _)| decompose(m));
        let least = parts[0].1.min(parts[1].1);
        let reach = |i: usize| {
            let (lo, hi) = stored_range(inputs[i].dtype);
            let zero = i64::from(scales[i].1);
            i128::from((lo - zero).abs().max((hi - zero).abs()).max(lo.abs()).max(hi))
        };
        let fits = (-62..=-1).contains(&least) && {
            let share = |i: usize| (2 * reach(i) * i128::from(parts[i].0)) << (parts[i].1 - least).min(60);
            let total = share(0) + share(1);
            total + (1i128 << -least) < 1 << 62
        };
        let factor = |(mantissa, exponent): (i64, i32)| mantissa << (exponent - least);
        fits.then(|| {
            let factors = parts.map(factor);
            let zeros = factors[0] * i64::from(scales[0].1) + factors[1] * i64::from(scales[1].1);
            Self::Shifted { factors, constant: -zeros, shift: -least as u8, ties: true }
        })
    }

    /// The sum before the zero point.
    fn apply(&self, a: i64, b: i64) -> i64 {
        match self {
            &Self::Shifted { factors, constant, shift, ties } => {
                let sum = a * factors[0] + b * factors[1] + constant;
                if ties { round(sum, shift) } else { sum >> shift }
            }
            Self::Wide(wide) => wide.apply(a, b),
        }
    }
}

/// `rhe(value / 2^shift)`, as [`round_shift`] computes it.
fn round(value: i64, shift: u8) -> i64 {
    (value + (1 << (shift - 1)) - 1 + ((value >> shift) & 1)) >> shift
}

impl Wide {
    fn new(scales: [(f32, i32); 2]) -> Self {
        // Mantissas of 24 bits, those of subnormal scales too.
        let part = |(m, zero): (f32, i32)| {
            let (mantissa, exponent) = decompose(m);
            let up = mantissa.leading_zeros() as i32 - 40;
            (exponent - up, mantissa << up, i64::from(zero))
        };
        let mut parts = scales.map(part);
        let swapped = parts[0].0 < parts[1].0;
        if swapped {
            parts.swap(0, 1);
        }
        let [(mut high, high_factor, high_zero), (mut low, low_factor, low_zero)] = parts;
        // Every sum of such scales but 0 saturates, whatever they are.
        let beyond = (low - 20).max(0);
        (high, low) = (high - beyond, low - beyond);
        // So does every product of the greater one, which the other cannot reach. Steps of the sum must be halves at most,
        // so that what is lost stays beside a tie.
        high = high.min(19.max(low + 21));
        let (up, down, exponent) = match high - low {
            apart @ ..=21 => (apart, None, low),
            apart => (20, Some((apart - 20).min(62) as u8), high - 21),
        };
        Self {
            swapped,
            zeros: [high_zero, low_zero],
            factors: [high_factor << up, low_factor],
            down,
            exponent,
        }
    }

    /// The sum before the zero point; beyond [`BEYOND`] only its sign counts.
    fn apply(&self, a: i64, b: i64) -> i64 {
        let [high, low] = if self.swapped { [b, a] } else { [a, b] };
        let high = (high - self.zeros[0]) * self.factors[0];
        let low = (low - self.zeros[1]) * self.factors[1];
        let sum = match self.down {
            None => high + low,
            Some(down) => 2 * (high + (low >> down)) + i64::from(low & ((1 << down) - 1) != 0),
        };
        match self.exponent {
            up @ 0.. => sum.clamp(-BEYOND, BEYOND) << up.min(17),
            down @ -62..0 => round(sum, -down as u8),
            _ => 0,
        }
    }

    fn emit(&self, layer: &mut Layer<'_>, a: Expr, b: Expr) -> Expr {
        let [high, low] = if self.swapped { [b, a] } else { [a, b] };
        let high = product(layer, high, self.zeros[0], self.factors[0]);
        let low = product(layer, low, self.zeros[1], self.factors[1]);
        let sum = match self.down {
            None => layer.b.add(high, low),
            Some(down) => {
                let low = layer.b.let_("low", low);
                let (value, amount) = (layer.b.var(low), layer.b.int(Scalar::I64, down.into()));
                let whole = layer.b.binary(BinaryOp::Shr, value, amount);
                let sum = layer.b.add(high, whole);
                let two = layer.b.int(Scalar::I64, 2);
                let twice = layer.b.mul(sum, two);
                let (value, mask) = (layer.b.var(low), layer.b.int(Scalar::I64, (1 << down) - 1));
                let rest = layer.b.binary(BinaryOp::And, value, mask);
                let zero = layer.b.int(Scalar::I64, 0);
                let lost = layer.b.binary(BinaryOp::Ne, rest, zero);
                let (one, none) = (layer.b.int(Scalar::I64, 1), layer.b.int(Scalar::I64, 0));
                let sticky = layer.b.select(lost, one, none);
                layer.b.add(twice, sticky)
            }
        };
        let sum = layer.b.let_("sum", sum);
        match self.exponent {
            up @ 0.. => {
                let bounded = clamp(layer, sum, -BEYOND, BEYOND);
                let amount = layer.b.int(Scalar::I64, up.min(17).into());
                layer.b.binary(BinaryOp::Shl, bounded, amount)
            }
            down @ -62..0 => round_shift(layer, sum, true, Shift::Literal(-down as u8)),
            _ => {
                // Too small for anything; the sum is named all the same.
                let (sum, zero) = (layer.b.var(sum), layer.b.int(Scalar::I64, 0));
                layer.b.binary(BinaryOp::And, sum, zero)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number with every exponent of f32 as likely as another, from a seed that is moved on.
    fn scale(state: &mut u64) -> f32 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f32::from_bits((*state >> 33) as u32 % 0x7f80_0000).max(f32::from_bits(1))
    }

    #[test]
    fn sums_of_any_scales_are_exact() {
        let mut state = 7u64;
        let ends = [-65_535, -40_001, -32_768, -3, -1, 0, 1, 2, 777, 32_767, 65_535i64];
        for round in 0..60_000 {
            let first = scale(&mut state);
            let second = match round % 4 {
                0 => scale(&mut state),
                // Near the first, where sums cancel and ties occur.
                near => (first * 2f32.powi((round / 4 % 90 - 45) * if near == 1 { 0 } else { 1 }))
                    .clamp(1e-45, f32::MAX),
            };
            let wide = Wide::new([(first, 0), (second, 0)]);
            for a in ends {
                for b in ends {
                    let want = round_half_even_sum(&[(a, first), (b, second)]);
                    let bounded = |v: i64| v.clamp(-BEYOND, BEYOND);
                    assert_eq!(bounded(wide.apply(a, b)), bounded(want), "{a}·{first:e} + {b}·{second:e}");
                }
            }
        }
    }
}
