//! From a histogram to the range that is stored, and from that to scale and zero point.
//!
//! What lies outside the range is clipped, what lies inside is rounded; a narrower range clips more and rounds finer. Each
//! [`Method`] is one answer. Which is best for a tensor is not known here: that is measured.

pub mod histogram;
pub mod observe;
pub mod statistics;

use self::histogram::{Bin, Histogram};
use self::statistics::Statistics;
use std::fmt;
use std::str::FromStr;
use tinyc_ir::{DType, Quant};

/// How a range is chosen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Method {
    /// From the least to the greatest number: nothing is clipped.
    MinMax,
    /// The range with the least mean square error of the tensor itself, clipping and rounding together.
    Mse,
    /// All but the outermost numbers, these few in a million at each end.
    Percentile(u32),
    /// The range whose quantised distribution loses the least information (Kullback-Leibler divergence).
    Entropy,
    /// A range of another method, made wider or narrower as long as that made the outputs better.
    Measured,
}

impl Method {
    /// All that are tried, the plainest first.
    pub const ALL: [Self; 7] = [
        Self::MinMax,
        Self::Mse,
        Self::Percentile(10),
        Self::Percentile(100),
        Self::Percentile(1000),
        Self::Percentile(5000),
        Self::Entropy,
    ];
}

impl fmt::Display for Method {
    /// `minmax`, `mse`, `percentile-99.99`, `entropy`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MinMax => f.write_str("minmax"),
            Self::Mse => f.write_str("mse"),
            Self::Percentile(millionths) => {
                write!(f, "percentile-{}", 100.0 - f64::from(*millionths) / 10_000.0)
            }
            Self::Entropy => f.write_str("entropy"),
            Self::Measured => f.write_str("measured"),
        }
    }
}

impl FromStr for Method {
    type Err = String;
    /// As displayed; `percentile` is `percentile-99.99`.
    fn from_str(text: &str) -> Result<Self, String> {
        let percent = |text: &str| {
            let percent: f64 = text.parse().ok().filter(|p| (50.0..=100.0).contains(p))?;
            Some(Self::Percentile(((100.0 - percent) * 10_000.0).round() as u32))
        };
        match text {
            "minmax" => Ok(Self::MinMax),
            "mse" => Ok(Self::Mse),
            "entropy" => Ok(Self::Entropy),
            "percentile" => Ok(Self::Percentile(100)),
            other => other.strip_prefix("percentile-").and_then(percent).ok_or_else(|| {
                "write minmax, mse, entropy, percentile, or percentile-99.9 with a number of 50 to 100".into()
            }),
        }
    }
}

/// Scale and zero point of a stored tensor, and its type.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stored {
    /// i8 or i16.
    pub dtype: DType,
    /// The step.
    pub scale: f32,
    /// What stands for 0.
    pub zero_point: i32,
}

impl Stored {
    /// The storage of a range; it is widened to hold 0. i16 is symmetric, i8 too if `symmetric`.
    pub fn of(range: (f32, f32), dtype: DType, symmetric: bool) -> Self {
        let (lo, hi) = (f64::from(range.0.min(0.0)), f64::from(range.1.max(0.0)));
        if lo == 0.0 && hi == 0.0 || lo > hi {
            return Self { dtype, scale: 1.0, zero_point: 0 };
        }
        // No scale so small that products of it leave the floats.
        let legal = |scale: f64| (scale as f32).clamp(1e-30, 1e30);
        match dtype {
            DType::I16 => Self { dtype, scale: legal(hi.max(-lo) / 32_767.0), zero_point: 0 },
            _ if symmetric => Self { dtype, scale: legal(hi.max(-lo) / 127.0), zero_point: 0 },
            _ => {
                let scale = legal((hi - lo) / 255.0);
                let zero = (-128.0 - lo / f64::from(scale)).round().clamp(-128.0, 127.0);
                Self { dtype, scale, zero_point: zero as i32 }
            }
        }
    }

    /// The same with steps of another size; ends that nothing reaches stay where they are.
    pub fn stretched(&self, factor: f64, seen: (f32, f32), symmetric: bool) -> Self {
        let (lo, hi) = self.ends();
        let end = |end: f64, seen: f32| ((end * factor).abs() as f32).min(seen.abs()).copysign(end as f32);
        Self::of((end(lo, seen.0.min(0.0)), end(hi, seen.1.max(0.0))), self.dtype, symmetric)
    }

    /// As a quantisation.
    pub fn quant(&self) -> Quant {
        Quant::per_tensor(self.scale, self.zero_point).expect("scales are made finite and above zero")
    }

    /// The number that stands for `x`.
    pub fn rounded(&self, x: f32) -> f32 {
        let (lo, hi) = self.dtype.int_range().unwrap_or((-128, 127));
        let zero = f64::from(self.zero_point);
        let stored = (f64::from(x / self.scale).round_ties_even() + zero).clamp(lo as f64, hi as f64);
        (stored - zero) as f32 * self.scale
    }

    /// The least and the greatest number that can be stored.
    pub fn ends(&self) -> (f64, f64) {
        let (lo, hi) = self.dtype.int_range().unwrap_or((-128, 127));
        let real = |stored: i128| (stored as f64 - f64::from(self.zero_point)) * f64::from(self.scale);
        (real(lo), real(hi))
    }

    /// The sum of the squares of what storing changes.
    pub fn square_error(&self, bins: &[Bin]) -> f64 {
        let (lo, hi) = self.ends();
        let step = f64::from(self.scale);
        bins.iter().map(|bin| bin.count as f64 * cell_error(bin, step, lo, hi)).sum()
    }
}

/// The mean square error of the numbers of a bin, stored in steps between two ends.
fn cell_error(bin: &Bin, step: f64, lo: f64, hi: f64) -> f64 {
    let x = bin.centre();
    if x < lo - step / 2.0 || x > hi + step / 2.0 {
        return (x - x.clamp(lo, hi)).powi(2);
    }
    if bin.hi - bin.lo > step / 2.0 {
        return step * step / 12.0;
    }
    let stored = (x / step).round_ties_even() * step;
    (x - stored).powi(2)
}

/// The range of a method for a tensor that is stored as `dtype`.
pub fn range(method: Method, seen: &Statistics, dtype: DType, symmetric: bool) -> (f32, f32) {
    let ends = (seen.min.min(0.0), seen.max.max(0.0));
    // Sixteen bits round finely enough for anything that is not clipped.
    if dtype != DType::I8 || ends.0 > ends.1 || seen.histogram.total() == 0 {
        return ends;
    }
    let found = match method {
        Method::MinMax | Method::Measured => ends,
        Method::Percentile(millionths) => percentile(&seen.histogram, f64::from(millionths) * 1e-6),
        Method::Mse => least_square(&seen.histogram.bins(), ends, symmetric),
        Method::Entropy => entropy(&seen.histogram, ends),
    };
    (found.0.clamp(ends.0, 0.0), found.1.clamp(0.0, ends.1))
}

/// The numbers below and above which this share of all lies.
fn percentile(histogram: &Histogram, share: f64) -> (f32, f32) {
    let bins = histogram.bins();
    let spare = histogram.total() as f64 * share;
    let reach = |bins: &mut dyn Iterator<Item = &Bin>, end: fn(&Bin) -> f64| {
        let mut passed = 0.0;
        for bin in bins {
            passed += bin.count as f64;
            if passed > spare {
                return end(bin) as f32;
            }
        }
        0.0
    };
    (reach(&mut bins.iter(), |bin| bin.lo), reach(&mut bins.iter().rev(), |bin| bin.hi))
}

/// Ends with the least mean square error: one end after the other, each on a geometric grid that is refined twice.
fn least_square(bins: &[Bin], ends: (f32, f32), symmetric: bool) -> (f32, f32) {
    let error = |range: (f32, f32)| Stored::of(range, DType::I8, symmetric).square_error(bins);
    let mut best = (error(ends), ends);
    for _ in 0..3 {
        let before = best.0;
        for upper in [true, false] {
            // Around the whole range, then around the best so far, finer each time.
            for (ratio, steps) in [(0.85f32, 0..=100), (0.96, -4..=4), (0.99, -4..=4)] {
                let own = |range: (f32, f32)| if upper { range.1 } else { range.0 };
                let around = if ratio == 0.85 { own(ends) } else { own(best.1) };
                for power in steps {
                    let end = around * ratio.powi(power);
                    let range = match upper {
                        true => (best.1.0, end.min(ends.1)),
                        false => (end.max(ends.0), best.1.1),
                    };
                    let found = error(range);
                    if found < best.0 {
                        best = (found, range);
                    }
                }
            }
        }
        if best.0 >= before {
            break;
        }
    }
    best.1
}

/// Bins of absolute values that the entropy method looks at, and levels that they are squeezed into.
const ENTROPY_BINS: usize = 2048;
const ENTROPY_LEVELS: usize = 128;

/// The threshold on absolute values whose clipped and squeezed distribution is closest to the real one.
fn entropy(histogram: &Histogram, ends: (f32, f32)) -> (f32, f32) {
    let most = f64::from(ends.1.max(-ends.0));
    let mut counts = histogram.linear(0.0, most, ENTROPY_BINS);
    // `linear` puts what is below 0 into the first bin; negative numbers are added by their absolute value instead.
    let both = histogram.linear(-most, most, 2 * ENTROPY_BINS);
    for (at, count) in counts.iter_mut().enumerate() {
        *count = both[ENTROPY_BINS + at] + both[ENTROPY_BINS - 1 - at];
    }
    // Zeros are stored exactly at any threshold.
    counts[0] = counts[1];
    let mut best = (f64::INFINITY, ENTROPY_BINS);
    for kept in (ENTROPY_LEVELS..=ENTROPY_BINS).step_by(16) {
        let divergence = divergence(&counts, kept);
        if divergence < best.0 {
            best = (divergence, kept);
        }
    }
    let threshold = (most * best.1 as f64 / ENTROPY_BINS as f64) as f32;
    (ends.0.max(-threshold), ends.1.min(threshold))
}

/// The divergence between the first `kept` bins, all others clipped to the last, and the same in fewer levels.
fn divergence(counts: &[f64], kept: usize) -> f64 {
    let clipped: f64 = counts[kept..].iter().sum();
    let mut real = counts[..kept].to_vec();
    real[kept - 1] += clipped;
    let mut squeezed = vec![0.0; kept];
    for level in 0..ENTROPY_LEVELS {
        let cells = level * kept / ENTROPY_LEVELS..(level + 1) * kept / ENTROPY_LEVELS;
        let sum: f64 = counts[cells.clone()].iter().sum();
        let filled = counts[cells.clone()].iter().filter(|&&c| c > 0.0).count().max(1) as f64;
        for cell in cells.filter(|&cell| counts[cell] > 0.0) {
            squeezed[cell] = sum / filled;
        }
    }
    let (p, q): (f64, f64) = (real.iter().sum(), squeezed.iter().sum());
    if p == 0.0 || q == 0.0 {
        return f64::INFINITY;
    }
    let least = 1e-9;
    real.iter()
        .zip(&squeezed)
        .filter(|(real, _)| **real > 0.0)
        .map(|(real, squeezed)| {
            let (p, q) = (real / p, (squeezed / q).max(least));
            p * (p / q).ln()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_ir::seeded::Seeded;
    use tinyc_ir::{Shape, Tensor};

    /// Sums of twelve uniform numbers: close to a normal distribution.
    fn normal(count: usize) -> Vec<f32> {
        let mut stream = Seeded::new(7);
        (0..count).map(|_| (0..12).map(|_| stream.unit()).sum::<f32>() / 2.0).collect()
    }

    fn seen(values: Vec<f32>) -> Statistics {
        let mut seen = Statistics::new(1);
        seen.add(&Tensor::f32(Shape::new([values.len(), 1]), values));
        seen
    }

    fn error(values: &[f32], stored: &Stored) -> f64 {
        let (lo, hi) = stored.ends();
        let step = f64::from(stored.scale);
        let one = |&x: &f32| (f64::from(x) - ((f64::from(x) / step).round() * step).clamp(lo, hi)).powi(2);
        values.iter().map(one).sum::<f64>() / values.len() as f64
    }

    #[test]
    fn an_outlier_does_not_cost_the_rest_its_resolution() {
        let mut values = normal(20_000);
        values[77] = 60.0;
        let seen = seen(values.clone());
        let stored = |method| Stored::of(range(method, &seen, DType::I8, false), DType::I8, false);
        // In square error, one number of sixty weighs as much as the rest's rounding; the rest alone is better off without it.
        let rest = [&values[..77], &values[78..]].concat();
        let [wide, least, narrow] = [Method::MinMax, Method::Mse, Method::Percentile(100)].map(stored);
        assert!(error(&values, &least) < error(&values, &wide));
        assert!(error(&rest, &narrow) < error(&rest, &wide) / 10.0);
        let (_, hi) = range(Method::Percentile(1000), &seen, DType::I8, false);
        assert!((2.0..6.0).contains(&hi), "{hi}");
        let (_, hi) = range(Method::Entropy, &seen, DType::I8, false);
        assert!((1.0..20.0).contains(&hi), "{hi}");
    }

    #[test]
    fn the_estimate_of_the_error_is_right() {
        let values = normal(20_000);
        let seen = seen(values.clone());
        for hi in [4.0, 3.0, 2.0, 1.0] {
            let stored = Stored::of((-hi, hi), DType::I8, false);
            let estimate = stored.square_error(&seen.histogram.bins()) / values.len() as f64;
            let exact = error(&values, &stored);
            assert!((estimate / exact - 1.0).abs() < 0.05, "{estimate} {exact}");
        }
    }

    #[test]
    fn ranges_hold_zero_and_nothing_is_a_legal_range() {
        let stored = Stored::of((2.0, 5.0), DType::I8, false);
        assert_eq!((stored.zero_point, stored.ends().0), (-128, 0.0));
        assert_eq!(Stored::of((0.0, 0.0), DType::I8, false).scale, 1.0);
        let none = Statistics::new(4);
        for method in Method::ALL {
            let (lo, hi) = range(method, &none, DType::I8, false);
            assert!(Stored::of((lo, hi), DType::I8, false).scale > 0.0);
        }
        let zeros = seen(vec![0.0; 50]);
        for method in Method::ALL {
            assert_eq!(range(method, &zeros, DType::I8, false), (0.0, 0.0), "{method}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for method in Method::ALL {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        assert!("percentile-20".parse::<Method>().is_err());
    }
}
