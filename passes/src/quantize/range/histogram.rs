//! How often a tensor holds which numbers: bins of 1/128 of an octave, from the bits of the floats, so that one sweep over
//! the samples is enough, no range must be known before it, and one huge outlier takes nothing away from the rest.
//!
//! Counts are integers: histograms of parts of the samples add up to the same whole in any order.

use std::fmt;

/// Bins of one octave: that many of the mantissa's leading bits tell them apart.
const PER_OCTAVE: usize = 1 << MANTISSA_BITS;
const MANTISSA_BITS: u32 = 7;
/// Bits of a binary32 below those that choose the bin.
const BELOW: u32 = 23 - MANTISSA_BITS;

/// Counts of finite numbers by sign, exponent and leading bits of the mantissa.
#[derive(Clone, Default)]
pub struct Histogram {
    /// By sign and exponent, the upper nine bits of a float; octaves without a number are absent. Exponent 0 is zero.
    octaves: Vec<Option<Box<[u64; PER_OCTAVE]>>>,
    zeros: u64,
    total: u64,
}

/// Numbers that are counted together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The least number, by value.
    pub lo: f64,
    /// The number above the greatest.
    pub hi: f64,
    /// How many there were.
    pub count: u64,
}

impl Bin {
    /// The number in the middle.
    pub fn centre(&self) -> f64 {
        (self.lo + self.hi) / 2.0
    }
}

impl Histogram {
    /// Counts one finite number. Those below 2^-126 count as zero.
    pub fn add(&mut self, x: f32) {
        let bits = x.to_bits();
        self.total += 1;
        if bits & 0x7f80_0000 == 0 {
            self.zeros += 1;
            return;
        }
        if self.octaves.is_empty() {
            self.octaves.resize(512, None);
        }
        let octave = self.octaves[(bits >> 23) as usize].get_or_insert_with(|| Box::new([0; PER_OCTAVE]));
        octave[(bits >> BELOW) as usize % PER_OCTAVE] += 1;
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        self.zeros += other.zeros;
        self.total += other.total;
        if self.octaves.is_empty() {
            self.octaves.resize(other.octaves.len(), None);
        }
        for (mine, theirs) in self.octaves.iter_mut().zip(&other.octaves) {
            let Some(theirs) = theirs else { continue };
            let mine = mine.get_or_insert_with(|| Box::new([0; PER_OCTAVE]));
            mine.iter_mut().zip(theirs.iter()).for_each(|(a, b)| *a += b);
        }
    }

    /// How many numbers were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The bins with numbers in them, ascending by value.
    pub fn bins(&self) -> Vec<Bin> {
        let mut bins = Vec::new();
        let octave = |key: usize| self.octaves.get(key).and_then(Option::as_ref);
        let edge = |key: usize, part: usize| {
            let bits = ((key as u32) << 23) + ((part as u32) << BELOW);
            let edge = f64::from(f32::from_bits(bits));
            if edge.is_finite() { edge } else { f64::from(f32::MAX).copysign(edge) }
        };
        for key in (256..512).rev() {
            let Some(counts) = octave(key) else { continue };
            for part in (0..PER_OCTAVE).rev().filter(|&part| counts[part] > 0) {
                bins.push(Bin { lo: edge(key, part + 1), hi: edge(key, part), count: counts[part] });
            }
        }
        if self.zeros > 0 {
            bins.push(Bin { lo: 0.0, hi: 0.0, count: self.zeros });
        }
        for key in 0..256 {
            let Some(counts) = octave(key) else { continue };
            for part in (0..PER_OCTAVE).filter(|&part| counts[part] > 0) {
                bins.push(Bin { lo: edge(key, part), hi: edge(key, part + 1), count: counts[part] });
            }
        }
        bins
    }

    /// The same counts in `count` equal bins over `lo..hi`, for pictures and for methods that want them; what lies outside goes
    /// to the first and the last. A bin that spans several is shared out evenly.
    pub fn linear(&self, lo: f64, hi: f64, count: usize) -> Vec<f64> {
        let mut linear = vec![0.0; count];
        let width = (hi - lo) / count as f64;
        if count == 0 || width <= 0.0 || !width.is_finite() {
            return linear;
        }
        let place = |x: f64| (((x - lo) / width).max(0.0) as usize).min(count - 1);
        for bin in self.bins() {
            let (first, last) = (place(bin.lo), place(bin.hi));
            if first == last {
                linear[first] += bin.count as f64;
                continue;
            }
            let span = bin.hi - bin.lo;
            for (at, slot) in linear.iter_mut().enumerate().take(last + 1).skip(first) {
                let left = if at == 0 { f64::NEG_INFINITY } else { lo + at as f64 * width };
                let right = if at == count - 1 { f64::INFINITY } else { lo + (at + 1) as f64 * width };
                let part = (right.min(bin.hi) - left.max(bin.lo)).max(0.0) / span;
                *slot += part * bin.count as f64;
            }
        }
        linear
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.bins()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_ascend_and_hold_what_was_counted() {
        let numbers = [-1e6, -3.0, -3.0, -0.5, 0.0, -0.0, 1e-40, 0.5, 0.501, 7.0, f32::MAX];
        let mut histogram = Histogram::default();
        numbers.iter().for_each(|&x| histogram.add(x));
        let bins = histogram.bins();
        assert!(bins.windows(2).all(|w| w[0].hi <= w[1].lo), "{bins:?}");
        assert_eq!(bins.iter().map(|b| b.count).sum::<u64>(), histogram.total());
        for &x in &numbers {
            let x = f64::from(x);
            // At the negative end of a bin the number itself belongs to it, at the positive one the next.
            assert!(bins.iter().any(|b| b.lo <= x && x <= b.hi || x.abs() < 1e-30), "{x}");
        }
        let wide = bins.iter().filter(|b| b.hi - b.lo > b.hi.abs().max(b.lo.abs()) / 127.0).count();
        assert_eq!(wide, 0, "{bins:?}");
    }

    #[test]
    fn parts_add_up() {
        let numbers: Vec<f32> = (0..1000).map(|i| (i as f32 - 300.0).powi(3) * 1e-3).collect();
        let mut whole = Histogram::default();
        numbers.iter().for_each(|&x| whole.add(x));
        let mut sum = Histogram::default();
        for part in numbers.chunks(77).rev() {
            let mut one = Histogram::default();
            part.iter().for_each(|&x| one.add(x));
            sum.merge(&one);
        }
        assert_eq!(whole.bins(), sum.bins());
        let linear = whole.linear(-30_000.0, 400_000.0, 64);
        assert!((linear.iter().sum::<f64>() - 1000.0).abs() < 1e-6);
    }
}
