//! Exact requantisation: which instructions compute `clamp(zp + rhe(acc · M))`, chosen from proven bounds.
//!
//! The forms and their conditions are DESIGN's: `M` is a float32, so `M = m · 2^-(32+n)` with an integer m in
//! [2^30, 2^31) holds exactly. Nothing here approximates.

use super::layer::Layer;
use tinyc_ir::Data;
use tinyc_ir::exact::{decompose, round_half_even_mean};
use tinyc_ir::loops::{Affine, BinaryOp, Expr, Literal, PackedOp, Param, Scalar, Var};

/// What is known of one output channel.
#[derive(Clone, Copy, Debug)]
pub struct Channel {
    /// The effective scale `M`: finite, above zero.
    pub scale: f32,
    /// The least and greatest accumulator.
    pub acc: (i64, i64),
}

/// How stored results are bounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Added after rounding.
    pub zero_point: i32,
    /// The least stored result: the type's end or a fused clamp.
    pub lo: i32,
    /// The greatest stored result.
    pub hi: i32,
}

/// One number for all channels, or one each.
#[derive(Clone, Debug, PartialEq)]
pub enum PerChannel {
    /// The same for all.
    All(i64),
    /// As many as channels.
    Each(Vec<i64>),
}

impl PerChannel {
    fn new(values: Vec<i64>) -> Self {
        match values.first() {
            Some(&first) if values.iter().all(|&v| v == first) => Self::All(first),
            _ => Self::Each(values),
        }
    }
}

/// The chosen computation.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// `clamp((high32(acc · m) + offset) >> n)`, 32-bit; the offset holds zero point and rounding.
    High {
        /// m, possibly shifted right by zero bits to make n equal for all channels.
        multiplier: PerChannel,
        /// `(zp << n) + (1 << (n − 1))`.
        offset: PerChannel,
        /// n.
        shift: PerChannel,
    },
    /// `clamp(zp + ((acc · m + half) >> s))` in 64 bits; `half` makes ties go to even if they can occur.
    Wide {
        /// The mantissa of M, at most 24 bits.
        multiplier: PerChannel,
        /// s, 1 to 62.
        shift: PerChannel,
        /// Whether an accumulator in range lies exactly between two results.
        ties: bool,
    },
}

/// A requantisation of all channels of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Requant {
    /// The computation.
    pub form: Form,
    /// Offset and bounds of the result.
    pub target: Target,
}

/// Accumulators beyond this need more than 64 bits in the wide form.
pub const ACC_LIMIT: i64 = 1 << 38;

impl Requant {
    /// The cheapest exact form for all channels together. Every accumulator must lie within ±[`ACC_LIMIT`].
    pub fn choose(channels: &[Channel], target: Target) -> Self {
        let form = Self::uniform_high(channels, target)
            .or_else(|| Self::high(channels, target))
            .unwrap_or_else(|| Self::wide(channels));
        Self { form, target }
    }

    /// A requantisation of a sum of `count` elements that divides by `count` too: `clamp(zp + rhe(acc · M / count))`.
    /// `None` if no multiplier gives the exact result for every sum in range, or there are too many sums to check.
    pub fn mean(channel: Channel, count: u32, target: Target) -> Option<Self> {
        if count.is_power_of_two() {
            let scale = channel.scale / count as f32;
            let exact = scale * count as f32 == channel.scale && scale >= f32::MIN_POSITIVE;
            return exact.then(|| Self::choose(&[Channel { scale, acc: channel.acc }], target));
        }
        let (lo, hi) = channel.acc;
        if hi - lo > 1 << 20 {
            return None;
        }
        let (mantissa, exponent) = decompose(channel.scale);
        let scaled = |up: i32| (i128::from(mantissa) << up) / i128::from(count);
        let up = (0..64).find(|&up| scaled(up) >= 1 << 30)?;
        let shift = up - exponent - 32;
        if !(1..=30).contains(&shift) {
            return None;
        }
        // The truncated multiplier, and the one above it: one of them is usually right on all sums.
        [0, 1].into_iter().map(|more| scaled(up) as i64 + more).find_map(|multiplier| {
            let form = Form::High {
                multiplier: PerChannel::All(multiplier),
                offset: PerChannel::All(offset(shift, target)),
                shift: PerChannel::All(i64::from(shift)),
            };
            let this = Self { form, target };
            let exact = |acc: i64| {
                let rounded = round_half_even_mean(acc, channel.scale, count);
                let stored = rounded.saturating_add(target.zero_point.into());
                this.apply(0, acc) == Some(stored.clamp(target.lo.into(), target.hi.into()))
            };
            (multiplier < 1 << 31 && (lo..=hi).all(exact)).then_some(this)
        })
    }

    /// What the emitted code computes; `None` if the 32-bit form would overflow.
    pub fn apply(&self, channel: usize, acc: i64) -> Option<i64> {
        let at = |values: &PerChannel| match values {
            PerChannel::All(v) => *v,
            PerChannel::Each(v) => v[channel],
        };
        let target = self.target;
        let value = match &self.form {
            Form::High { multiplier, offset, shift } => {
                let sum = i32::try_from(((acc * at(multiplier)) >> 32) + at(offset)).ok()?;
                i64::from(sum >> at(shift))
            }
            Form::Wide { multiplier, shift, ties } => {
                let (product, s) = (acc * at(multiplier), at(shift));
                let half = (1i64 << (s - 1)) + if *ties { ((product >> s) & 1) - 1 } else { 0 };
                ((product + half) >> s) + i64::from(target.zero_point)
            }
        };
        Some(value.clamp(target.lo.into(), target.hi.into()))
    }

    /// One shift for all channels, so that it and the offset are constants in the code.
    fn uniform_high(channels: &[Channel], target: Target) -> Option<Form> {
        let parts: Vec<_> = channels.iter().map(|c| normalize(c.scale)).collect();
        let most = parts.iter().map(|p| p.1).min()?;
        let least = parts.iter().map(|p| p.1 - p.0.trailing_zeros() as i32).max()?.max(1);
        (least..=most).rev().find_map(|shift| {
            let multipliers: Vec<i64> = parts.iter().map(|&(m, n)| m >> (n - shift)).collect();
            let fits = channels.iter().zip(&multipliers).all(|(c, &m)| high_is_exact(c, m, shift, target));
            fits.then(|| Form::High {
                multiplier: PerChannel::new(multipliers),
                offset: PerChannel::All(offset(shift, target)),
                shift: PerChannel::All(i64::from(shift)),
            })
        })
    }

    /// A shift per channel.
    fn high(channels: &[Channel], target: Target) -> Option<Form> {
        let mut columns = (Vec::new(), Vec::new(), Vec::new());
        for channel in channels {
            let (m, n) = normalize(channel.scale);
            let least = (n - m.trailing_zeros() as i32).max(1);
            let shift = (least..=n).rev().find(|&s| high_is_exact(channel, m >> (n - s), s, target))?;
            columns.0.push(m >> (n - shift));
            columns.1.push(offset(shift, target));
            columns.2.push(i64::from(shift));
        }
        let [multiplier, offset, shift] = [columns.0, columns.1, columns.2].map(PerChannel::new);
        Some(Form::High { multiplier, offset, shift })
    }

    fn wide(channels: &[Channel]) -> Form {
        let mut ties = false;
        let mut columns = (Vec::new(), Vec::new());
        for channel in channels {
            debug_assert!(magnitude(channel) <= ACC_LIMIT);
            // From 2^20 on, any accumulator but 0 saturates every storage type, so a greater scale changes nothing.
            let (mantissa, exponent) = decompose(channel.scale.min(1_048_576.0));
            let shift = -exponent;
            if shift > 62 {
                columns.0.push(0); // |acc · M| < 2^38 · 2^24 / 2^63: always rounds to 0
                columns.1.push(1);
                continue;
            }
            ties |= tie_is_possible(channel, mantissa, shift);
            columns.0.push(mantissa);
            columns.1.push(i64::from(shift));
        }
        Form::Wide { multiplier: PerChannel::new(columns.0), shift: PerChannel::new(columns.1), ties }
    }

    /// Adds the tables to a layer; done once, before the loops.
    pub fn prepare(&self, layer: &mut Layer<'_>) -> Prepared {
        let mut operand = |values: &PerChannel, name: &str, narrow: bool| match values {
            PerChannel::All(value) => Operand::Literal(*value),
            PerChannel::Each(values) if narrow => {
                Operand::Table(layer.constant(name, Data::U8(values.iter().map(|&v| v as u8).collect())))
            }
            PerChannel::Each(values) => {
                Operand::Table(layer.constant(name, Data::I32(values.iter().map(|&v| v as i32).collect())))
            }
        };
        let operands = match &self.form {
            Form::High { multiplier, offset, shift } => [
                operand(multiplier, "multiplier", false),
                operand(offset, "offset", false),
                operand(shift, "shift", true),
            ],
            Form::Wide { multiplier, shift, .. } => {
                [operand(multiplier, "multiplier", false), Operand::Literal(0), operand(shift, "shift", true)]
            }
        };
        Prepared { requant: self.clone(), operands }
    }
}

/// Where a number of the requantisation comes from.
#[derive(Clone, Copy, Debug)]
enum Operand {
    Literal(i64),
    Table(Param),
}

impl Operand {
    fn get(self, layer: &mut Layer<'_>, scalar: Scalar, channel: &Affine) -> Expr {
        match self {
            Self::Literal(value) => layer.b.int(scalar, value),
            Self::Table(param) => layer.b.load_as(scalar, param, channel.clone()),
        }
    }
}

/// A requantisation whose tables are parameters of a kernel.
#[derive(Clone, Debug)]
pub struct Prepared {
    requant: Requant,
    operands: [Operand; 3],
}

impl Prepared {
    /// The stored result (as an i32) of the accumulator `acc` (i32 or i64) of a channel.
    pub fn emit(&self, layer: &mut Layer<'_>, acc: Var, channel: &Affine) -> Expr {
        match self.requant.form {
            Form::High { .. } => self.emit_high(layer, acc, channel),
            Form::Wide { ties, .. } => self.emit_wide(layer, acc, channel, ties),
        }
    }

    fn emit_high(&self, layer: &mut Layer<'_>, acc: Var, channel: &Affine) -> Expr {
        let [multiplier, offset, shift] = self.operands;
        let offset = offset.get(layer, Scalar::I32, channel);
        let acc = layer.b.var(acc);
        let multiplier = multiplier.get(layer, Scalar::I32, channel);
        let sum = layer.b.packed(PackedOp::MulHighAcc, &[offset, acc, multiplier]);
        let Target { lo, hi, .. } = self.requant.target;
        if let Operand::Literal(shift) = shift {
            let saturation = if layer.features.saturate { saturation(lo, hi, shift as u8) } else { None };
            if let Some(op) = saturation {
                return layer.b.packed(op, &[sum]);
            }
        }
        let shift = shift.get(layer, Scalar::I32, channel);
        let value = layer.b.binary(BinaryOp::Shr, sum, shift);
        let value = layer.b.let_("q", value);
        clamp(layer, value, i64::from(lo), i64::from(hi))
    }

    fn emit_wide(&self, layer: &mut Layer<'_>, acc: Var, channel: &Affine, ties: bool) -> Expr {
        let [multiplier, _, shift] = self.operands;
        let acc = layer.b.var(acc);
        let acc = layer.b.convert(Scalar::I64, acc);
        let multiplier = multiplier.get(layer, Scalar::I64, channel);
        let product = layer.b.mul(acc, multiplier);
        let product = layer.b.let_("product", product);
        let shift = match shift {
            Operand::Literal(shift) => Shift::Literal(shift as u8),
            Operand::Table(param) => Shift::Table(param, channel),
        };
        let rounded = round_shift(layer, product, ties, shift);
        let zero_point = layer.b.literal(Literal::I64(i64::from(self.requant.target.zero_point)));
        let value = layer.b.add(rounded, zero_point);
        let value = layer.b.let_("q", value);
        let Target { lo, hi, .. } = self.requant.target;
        let value = clamp(layer, value, i64::from(lo), i64::from(hi));
        layer.b.convert(Scalar::I32, value)
    }
}

/// `rhe(value / 2^shift)` of an i64 register, or round-half-up where no tie can occur.
pub fn round_shift(layer: &mut Layer<'_>, value: Var, ties: bool, shift: Shift<'_>) -> Expr {
    let half = match shift {
        Shift::Literal(shift) => layer.b.literal(Literal::I64((1 << (shift - 1)) - i64::from(ties))),
        Shift::Table(param, index) => {
            let one = layer.b.literal(Literal::I64(1));
            let amount = layer.b.load_as(Scalar::I64, param, index.clone());
            let half = layer.b.binary(BinaryOp::Shl, one, amount);
            let one = layer.b.literal(Literal::I64(1));
            let half = layer.b.binary(BinaryOp::Shr, half, one);
            let less = layer.b.literal(Literal::I64(i64::from(ties)));
            layer.b.sub(half, less)
        }
    };
    let base = layer.b.var(value);
    let mut sum = layer.b.add(base, half);
    if ties {
        // Half minus one, plus the floor's parity: only a tie above an odd floor is carried over.
        let (floor, amount) = (layer.b.var(value), shift.amount(layer));
        let floor = layer.b.binary(BinaryOp::Shr, floor, amount);
        let one = layer.b.literal(Literal::I64(1));
        let parity = layer.b.binary(BinaryOp::And, floor, one);
        sum = layer.b.add(sum, parity);
    }
    let amount = shift.amount(layer);
    layer.b.binary(BinaryOp::Shr, sum, amount)
}

/// An amount to shift by, 1 to 62: the same for all channels, or a table's entry.
#[derive(Clone, Copy)]
pub enum Shift<'a> {
    /// The same for all.
    Literal(u8),
    /// This entry of a table.
    Table(Param, &'a Affine),
}

impl Shift<'_> {
    fn amount(self, layer: &mut Layer<'_>) -> Expr {
        match self {
            Self::Literal(shift) => layer.b.literal(Literal::I64(shift.into())),
            Self::Table(param, index) => layer.b.load_as(Scalar::I64, param, index.clone()),
        }
    }
}

/// `max(lo, min(hi, value))` of an integer register.
pub fn clamp(layer: &mut Layer<'_>, value: Var, lo: i64, hi: i64) -> Expr {
    let value = layer.b.var(value);
    let scalar = layer.b.scalar(value);
    let lo = layer.b.int(scalar, lo);
    let hi = layer.b.int(scalar, hi);
    let value = layer.b.binary(BinaryOp::Max, value, lo);
    layer.b.binary(BinaryOp::Min, value, hi)
}

/// The saturating shift that clamps to exactly `lo..=hi`, if there is one.
fn saturation(lo: i32, hi: i32, shift: u8) -> Option<PackedOp> {
    let count = i64::from(hi) + 1;
    if shift > 31 || count < 1 || !(count as u64).is_power_of_two() {
        return None;
    }
    let bits = count.trailing_zeros() as u8;
    if lo == 0 && bits > 0 {
        Some(PackedOp::SaturateUnsigned { bits, shift })
    } else if i64::from(lo) == -count {
        Some(PackedOp::SaturateSigned { bits: bits + 1, shift })
    } else {
        None
    }
}

/// `M` as `m · 2^-(32+n)` with m in [2^30, 2^31).
fn normalize(scale: f32) -> (i64, i32) {
    let (mantissa, exponent) = decompose(scale);
    let up = mantissa.leading_zeros() as i32 - 33;
    (mantissa << up, up - exponent - 32)
}

fn offset(shift: i32, target: Target) -> i64 {
    (i64::from(target.zero_point) << shift) + (1i64 << (shift - 1))
}

fn magnitude(channel: &Channel) -> i64 {
    channel.acc.0.abs().max(channel.acc.1.abs())
}

/// Whether the 32-bit form equals the definition for every accumulator of the channel.
fn high_is_exact(channel: &Channel, multiplier: i64, shift: i32, target: Target) -> bool {
    let acc = magnitude(channel);
    if !(1..=30).contains(&shift) || acc > i64::from(i32::MAX) {
        return false;
    }
    let high = ((i128::from(acc) * i128::from(multiplier)) >> 32) as i64 + 1;
    let bound = (i64::from(target.zero_point).abs() << shift) + (1i64 << (shift - 1)) + high;
    bound < 1 << 31 && !tie_is_possible(channel, multiplier, 32 + shift)
}

/// Whether `acc · multiplier` can be an odd multiple of `2^(shift−1)` for an accumulator in range.
fn tie_is_possible(channel: &Channel, multiplier: i64, shift: i32) -> bool {
    let exponent = shift - 1 - multiplier.trailing_zeros() as i32;
    (0..63).contains(&exponent) && magnitude(channel) >= 1i64 << exponent
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_ir::exact::round_half_even_product;

    const I8: Target = Target { zero_point: -128, lo: -128, hi: 127 };

    fn expected(scale: f32, acc: i64, target: Target) -> i64 {
        round_half_even_product(acc, scale)
            .saturating_add(target.zero_point.into())
            .clamp(target.lo.into(), target.hi.into())
    }

    fn check(scales: &[f32], bound: i64, target: Target) -> Requant {
        let channels: Vec<_> = scales.iter().map(|&scale| Channel { scale, acc: (-bound, bound) }).collect();
        let requant = Requant::choose(&channels, target);
        for (i, &scale) in scales.iter().enumerate() {
            let step = (bound / 4999).max(1);
            // A grid over the range, and the neighbourhood of every rounding boundary near it.
            let boundaries = (-130..=130).flat_map(|y| {
                let acc =
                    ((f64::from(y) + 0.5) / f64::from(scale)).clamp(-(bound as f64), bound as f64) as i64;
                (acc - 2..=acc + 2).filter(|a| a.abs() <= bound)
            });
            for acc in (0..=2 * bound / step).map(|k| k * step - bound).chain(boundaries) {
                let (got, want) = (requant.apply(i, acc), Some(expected(scale, acc, target)));
                assert_eq!(got, want, "acc {acc} · {scale:e}, {requant:?}");
            }
        }
        requant
    }

    #[test]
    fn ordinary_scales_take_two_instructions() {
        let requant = check(&[0.0021, 0.0007, 0.00035], 200_000, I8);
        assert!(matches!(requant.form, Form::High { shift: PerChannel::All(_), .. }), "{requant:?}");
    }

    #[test]
    fn scales_far_apart_take_a_shift_each() {
        let requant = check(&[0.03, 0.000_000_3], 1 << 20, I8);
        assert!(matches!(requant.form, Form::High { shift: PerChannel::Each(_), .. }), "{requant:?}");
    }

    #[test]
    fn tiny_scales_and_huge_biases_are_exact() {
        for scale in [1e-9, 3.7e-10, 2.2e-13, 1e-38, f32::from_bits(1), f32::from_bits(77_777)] {
            check(&[scale, 0.001], (1 << 30) + 12_345, I8);
        }
    }

    #[test]
    fn large_scales_and_ties_are_exact() {
        for scale in [0.25, 0.3, 0.5, 0.75, 1.0, 1.5, 3.0, 1e6, 3e38, 0.125, 0.015_625, 1.0 / 3.0] {
            for target in
                [I8, Target { zero_point: 3, lo: 3, hi: 101 }, Target { zero_point: 128, lo: 0, hi: 255 }]
            {
                check(&[scale], 3000, target);
            }
        }
    }

    #[test]
    fn every_accumulator_of_a_small_range_is_exact() {
        let mut state = 1u64;
        for _ in 0..400 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let scale = f32::from_bits((state >> 33) as u32 % 0x7f80_0000).max(f32::from_bits(1));
            check(&[scale], 300 + (state >> 20) as i64 % 100_000, I8);
        }
    }

    #[test]
    fn wide_accumulators_are_exact() {
        let target = Target { zero_point: 0, lo: -32768, hi: 32767 };
        for scale in [1e-6, 2.5e-7, 0.000_003_814_697_3] {
            assert!(matches!(check(&[scale], 1 << 37, target).form, Form::Wide { .. }));
        }
    }

    #[test]
    fn averages_are_exact() {
        for count in [3, 4, 5, 6, 9, 25, 49, 64, 125] {
            for scale in [1.0, 0.5, 0.731, 1.37] {
                let channel = Channel { scale, acc: (-255 * i64::from(count), 255 * i64::from(count)) };
                let Some(requant) = Requant::mean(channel, count, I8) else { continue };
                for acc in channel.acc.0..=channel.acc.1 {
                    let want = (round_half_even_mean(acc, scale, count) - 128).clamp(-128, 127);
                    assert_eq!(requant.apply(0, acc), Some(want), "{acc} · {scale} / {count}");
                }
            }
        }
    }

    #[test]
    fn saturation_needs_a_range_of_a_power_of_two() {
        assert_eq!(saturation(-128, 127, 5), Some(PackedOp::SaturateSigned { bits: 8, shift: 5 }));
        assert_eq!(saturation(0, 255, 5), Some(PackedOp::SaturateUnsigned { bits: 8, shift: 5 }));
        assert_eq!(saturation(0, 127, 3), Some(PackedOp::SaturateUnsigned { bits: 7, shift: 3 }));
        assert_eq!(saturation(-100, 127, 5), None);
        assert_eq!(saturation(-128, 100, 5), None);
    }
}
