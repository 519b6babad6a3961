//! Weights as integers: symmetric, with a scale for each output channel.

use tinyc_ir::DType;

/// A layer's weights and bias as they will be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// i8 or i4.
    pub dtype: DType,
    /// One for each output channel.
    pub scales: Vec<f32>,
    /// The stored integers, in the order of the floats.
    pub stored: Vec<i8>,
    /// The bias in real numbers; it is rounded to steps of input scale times weight scale.
    pub bias: Vec<f32>,
}

/// Scales that are tried for a channel, as parts of the one that clips nothing: coarser steps for more bits gain nothing.
const PARTS: std::ops::RangeInclusive<u32> = 30..=100;

impl Weights {
    /// Weights in `dtype`, `input_scale` being that of what they are multiplied with. With `clip`, each channel's scale is the one
    /// with the least square error, else none of its weights is clipped.
    pub fn of(weight: &[f32], bias: &[f32], input_scale: f32, dtype: DType, clip: bool) -> Self {
        let channels = bias.len().max(1);
        let row = weight.len() / channels;
        let most = most(dtype);
        let mut scales = Vec::with_capacity(channels);
        let mut stored = Vec::with_capacity(weight.len());
        let own = |channel: usize| &weight[channel * row..(channel + 1) * row];
        let known: Vec<Option<f32>> =
            (0..bias.len()).map(|channel| scale(own(channel), most, clip)).collect();
        // Where all weights are zero only the bias counts: in steps as fine as that of any other channel.
        let finest = known.iter().flatten().copied().reduce(f32::min).unwrap_or(1.0);
        for (channel, &bias) in bias.iter().enumerate() {
            let own = own(channel);
            let scale = known[channel].unwrap_or(finest).max(least_scale(bias, input_scale));
            stored.extend(own.iter().map(|&w| nearest(w, scale, most)));
            scales.push(scale);
        }
        Self { dtype, scales, stored, bias: bias.to_vec() }
    }

    /// The nearest integers to weights, with a scale for each channel.
    pub fn nearest(weight: &[f32], scales: &[f32], dtype: DType) -> Vec<i8> {
        let row = weight.len() / scales.len().max(1);
        weight.iter().enumerate().map(|(i, &w)| nearest(w, scales[i / row.max(1)], most(dtype))).collect()
    }

    /// What the stored integers stand for.
    pub fn reals(&self) -> Vec<f32> {
        let row = self.stored.len() / self.scales.len().max(1);
        self.stored.iter().enumerate().map(|(i, &q)| f32::from(q) * self.scales[i / row.max(1)]).collect()
    }
}

/// The greatest magnitude that is used of a type: symmetric, so that negation is exact and sums are smaller.
pub(crate) fn most(dtype: DType) -> i32 {
    if dtype == DType::I4 { 7 } else { 127 }
}

/// The nearest integer within the type.
fn nearest(w: f32, scale: f32, most: i32) -> i8 {
    ((w / scale).round_ties_even() as i32).clamp(-most, most) as i8
}

/// The least scale with which a channel's bias fits 30 bits: channels of small weights have large biases, beside which their
/// weights hardly count.
pub(in crate::quantize) fn least_scale(bias: f32, input_scale: f32) -> f32 {
    bias.abs() / (input_scale * (1u32 << 30) as f32)
}

/// The scale of a channel's weights; `None` if all are zero.
fn scale(row: &[f32], most: i32, clip: bool) -> Option<f32> {
    let top = row.iter().fold(0.0f32, |top, w| top.max(w.abs()));
    if top == 0.0 {
        return None;
    }
    // Not so small that a product of scales leaves the normal floats.
    let whole = (top / most as f32).max(1e-20);
    if !clip {
        return Some(whole);
    }
    let error = |scale: f32| -> f64 {
        row.iter().map(|&w| f64::from(w - f32::from(nearest(w, scale, most)) * scale).powi(2)).sum()
    };
    let mut best = (error(whole), whole);
    for part in PARTS.rev() {
        let scale = whole * part as f32 / 100.0;
        let found = error(scale);
        if found < best.0 {
            best = (found, scale);
        }
    }
    Some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_have_scales_of_their_own() {
        let weight = [1.27, -0.5, 0.0, 0.01, 0.02, -0.0127, 0.0, 0.0, 0.0];
        let weights = Weights::of(&weight, &[0.5, 0.0, 3.0], 0.1, DType::I8, false);
        assert_eq!(&weights.stored[..3], [127, -50, 0]);
        assert_eq!(weights.stored[6..], [0, 0, 0]);
        let worst = weight.iter().zip(weights.reals()).map(|(a, b)| (a - b).abs());
        assert!(worst.enumerate().all(|(i, e)| e <= weights.scales[i / 3] * 0.5001));
    }

    #[test]
    fn a_large_bias_beside_small_weights_fits() {
        let weights = Weights::of(&[1e-12, -1e-12], &[5.0], 0.05, DType::I8, false);
        assert!(5.0 / (0.05 * weights.scales[0]) < 2f32.powi(31));
        let zero = Weights::of(&[0.0; 4], &[1e9, 0.0], 1e-3, DType::I8, true);
        assert!(1e9 / (1e-3 * zero.scales[0]) < 2f32.powi(31));
    }

    #[test]
    fn a_bias_without_weights_is_as_fine_as_others() {
        let weights = Weights::of(&[0.0, 0.0, 0.2, -0.1], &[0.3, 0.4], 0.05, DType::I8, false);
        assert_eq!((weights.scales[0], &weights.stored[..2]), (weights.scales[1], &[0, 0][..]));
    }

    #[test]
    fn four_bits_clip_where_that_helps() {
        let mut row: Vec<f32> = (0..64).map(|i| ((i * 37 % 64) as f32 - 31.5) / 31.5 * 0.2).collect();
        row[5] = 1.0;
        let error = |w: &Weights| row.iter().zip(w.reals()).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        let [plain, clipped] = [false, true].map(|clip| Weights::of(&row, &[0.0], 1.0, DType::I4, clip));
        assert!(error(&clipped) < error(&plain));
        assert!(clipped.stored.iter().all(|q| (-7..=7).contains(q)));
    }
}
