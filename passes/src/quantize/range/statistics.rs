//! What is known of a tensor from the calibration samples: ends, histogram, means of channels. Made sample by sample; no
//! tensor is kept.

use super::histogram::Histogram;
use tinyc_ir::Tensor;

/// One tensor over all samples.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// The least finite number; above `max` if there was none.
    pub min: f32,
    /// The greatest finite number.
    pub max: f32,
    /// How often which number came.
    pub histogram: Histogram,
    /// The sum of the numbers of each index of the last axis; of all numbers, if there is no axis; nothing, if tensors of
    /// different axes came together.
    pub channel_sums: Vec<f64>,
    /// The least and the greatest number of each index of the last axis.
    pub channel_ends: Vec<(f32, f32)>,
    /// How many numbers were NaN or infinite.
    pub not_finite: u64,
    /// How many samples were seen.
    pub samples: u64,
}

impl Statistics {
    /// Of no sample.
    pub fn new(channels: usize) -> Self {
        let none = (f32::INFINITY, f32::NEG_INFINITY);
        Self {
            min: none.0,
            max: none.1,
            channel_sums: vec![0.0; channels],
            channel_ends: vec![none; channels],
            ..Self::default()
        }
    }

    /// The number of indices of the last axis; 1 without an axis.
    pub fn channels_of(dims: &[usize]) -> usize {
        dims.last().copied().unwrap_or(1).max(1)
    }

    /// Adds a sample's tensor of f32.
    pub fn add(&mut self, tensor: &Tensor) {
        self.samples += 1;
        let channels = self.channel_sums.len().max(1);
        for row in tensor.data.as_f32().unwrap_or_default().chunks(channels) {
            for (channel, &x) in row.iter().enumerate() {
                if !x.is_finite() {
                    self.not_finite += 1;
                    continue;
                }
                self.histogram.add(x);
                self.channel_sums[channel] += f64::from(x);
                let ends = &mut self.channel_ends[channel];
                *ends = (ends.0.min(x), ends.1.max(x));
            }
        }
        // Ends of channels only move outwards, so the sum of all samples is theirs.
        for &(lo, hi) in &self.channel_ends {
            (self.min, self.max) = (self.min.min(lo), self.max.max(hi));
        }
    }

    /// Adds what another saw. The sums are of floats, so the order of the calls is part of the result.
    pub fn merge(&mut self, other: &Self) {
        (self.min, self.max) = (self.min.min(other.min), self.max.max(other.max));
        self.histogram.merge(&other.histogram);
        if self.channel_sums.len() == other.channel_sums.len() {
            self.channel_sums.iter_mut().zip(&other.channel_sums).for_each(|(a, b)| *a += b);
            for (mine, theirs) in self.channel_ends.iter_mut().zip(&other.channel_ends) {
                *mine = (mine.0.min(theirs.0), mine.1.max(theirs.1));
            }
        } else {
            // Channels that are not the same ones have no sums.
            (self.channel_sums, self.channel_ends) = (Vec::new(), Vec::new());
        }
        self.not_finite += other.not_finite;
        self.samples += other.samples;
    }

    /// The means of the channels.
    pub fn channel_means(&self) -> Vec<f64> {
        let count = self.histogram.total() as f64 / self.channel_sums.len().max(1) as f64;
        self.channel_sums.iter().map(|sum| sum / count.max(1.0)).collect()
    }
}
