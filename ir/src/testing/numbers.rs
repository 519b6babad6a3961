//! Random numbers of the kinds that networks and adversaries use: scales, zero points, weights, bounds.

use crate::seeded::Seeded;
use crate::{Activation, DType, Data, Quant};

/// A float of everyday size.
pub(super) fn float(random: &mut Seeded) -> f32 {
    random.unit() * 2.0f32.powi(random.range(-3, 3) as i32)
}

/// A storage type of quantised activations.
pub(super) fn storage(random: &mut Seeded) -> DType {
    *random.pick(&[DType::I8, DType::I8, DType::I8, DType::U8, DType::U8, DType::I16])
}

/// Mostly everyday, often a power of two, now and then tiny or huge.
pub(super) fn scale(random: &mut Seeded) -> f32 {
    let mantissa = 1.0 + random.unit().abs();
    match random.below(12) {
        0 => mantissa * 2.0f32.powi(random.range(-40, -20) as i32),
        1 => mantissa * 2.0f32.powi(random.range(4, 20) as i32),
        2 => f32::from_bits(1 + random.below(0x0100_0000) as u32), // subnormal, or barely not
        3..=5 => 2.0f32.powi(random.range(-9, 1) as i32),
        _ => mantissa * 2.0f32.powi(random.range(-9, -1) as i32),
    }
}

/// The middle, zero, an end or any.
pub(super) fn zero_point(random: &mut Seeded, dtype: DType) -> i32 {
    let (lo, hi) = dtype.int_range().expect("storage is an integer");
    let (lo, hi) = (lo as i64, hi as i64);
    let any = random.range(lo, hi);
    *random.pick(&[(lo + hi + 1) / 2, lo.max(0), lo, hi, any, any]) as i32
}

/// Scale and zero point of a whole tensor.
pub(super) fn quant(random: &mut Seeded, dtype: DType) -> Quant {
    let zero_point = zero_point(random, dtype);
    Quant::per_tensor(scale(random), zero_point).expect("random scales are legal")
}

/// A result's quantisation for sums of about `terms` products of scale `unit`: mostly one that uses the range.
pub(super) fn result_quant(random: &mut Seeded, dtype: DType, unit: f32, terms: usize) -> Option<Quant> {
    let spread = unit * (terms as f32).sqrt();
    let scale = match random.below(10) {
        0 => scale(random),
        1 | 2 => 2.0f32.powi(spread.log2().round() as i32 + random.range(-2, 7) as i32),
        _ => spread * (1.0 + random.unit().abs()) * 2.0f32.powi(random.range(-3, 7) as i32),
    };
    Quant::per_tensor(scale, zero_point(random, dtype)).ok()
}

/// Mostly none, else ReLU, ReLU6 or any range.
pub(super) fn activation(random: &mut Seeded) -> Activation {
    match random.below(10) {
        0 | 1 => Activation::RELU,
        2 => Activation::RELU6,
        3 | 4 => {
            let (a, b) = (float(random), float(random));
            let hi = if random.once_in(4) { f32::INFINITY } else { a.max(b) };
            Activation { lo: a.min(b), hi }
        }
        _ => Activation::NONE,
    }
}

/// Weights of `channels` on the outermost axis: whole range, small, only ends, and channels of the zero point alone.
pub(super) fn weights(
    random: &mut Seeded,
    dtype: DType,
    channels: usize,
    per_channel: usize,
    quant: &Quant,
) -> Data {
    let (lo, hi) = dtype.int_range().expect("storage is an integer");
    let (lo, hi) = (lo as i64, hi as i64);
    let mut values = Vec::with_capacity(channels * per_channel);
    for channel in 0..channels {
        let manner = random.below(8);
        let zero = i64::from(quant.zero_point(channel));
        values.extend((0..per_channel).map(|_| match manner {
            0 => zero,
            1 => *random.pick(&[lo, hi]),
            2 | 3 => (zero + random.range(-9, 9)).clamp(lo, hi),
            _ => random.range(lo, hi),
        }));
    }
    Data::from_ints(dtype, values)
}

/// Biases: zero, everyday, or near the ends that VWW reaches.
pub(super) fn biases(random: &mut Seeded, channels: usize) -> Data {
    let manner = random.below(4);
    let value = |random: &mut Seeded| match manner {
        0 => 0,
        1 if random.once_in(3) => *random.pick(&[-1, 1]) * random.range((1 << 30) - 9, (1 << 30) + 9),
        _ => random.range(-3000, 3000),
    };
    Data::from_ints(DType::I32, (0..channels).map(|_| value(random)))
}
