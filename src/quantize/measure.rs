//! How good a model is on samples, in numbers that a person can compare.

use super::labels::Labels;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// What is reported first, and decides what "as accurate" means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// The share of samples whose greatest first output is the label's.
    Top1,
    /// The mean square of the difference between the first output and the labels.
    Mse,
    /// The mean of the absolute difference between the first output and the labels.
    Mae,
    /// Signal over noise of the outputs, in decibels: the float model is the signal, so it has no number of its own.
    Sqnr,
}

impl Metric {
    /// The spelling on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Top1 => "top1",
            Self::Mse => "mse",
            Self::Mae => "mae",
            Self::Sqnr => "sqnr",
        }
    }

    /// A number of this metric as a person reads it.
    pub fn spelled(self, value: f64) -> String {
        match self {
            Self::Top1 => format!("{:.2} %", value * 100.0),
            Self::Sqnr => format!("{value:.1} dB"),
            Self::Mse | Self::Mae => format!("{value:.4e}"),
        }
    }

    /// What the labels are good for.
    pub fn of(labels: Option<&Labels>) -> Self {
        match labels {
            Some(Labels::Classes(_)) => Self::Top1,
            Some(Labels::Targets(_)) => Self::Mse,
            None => Self::Sqnr,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Top1, Self::Mse, Self::Mae, Self::Sqnr]
            .into_iter()
            .find(|m| m.name() == text)
            .ok_or_else(|| "write top1, mse, mae or sqnr".into())
    }
}

/// A float model and its integer form on the same samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// What `float` and `integer` are.
    pub metric: Metric,
    /// Of the float model; `None` for a metric that compares with it.
    pub float: Option<f64>,
    /// Of the integer model.
    pub integer: f64,
    /// Samples.
    pub samples: usize,
    /// For `top1`: how many each has right.
    pub correct: Option<(usize, usize)>,
    /// Signal over noise of all outputs together, in decibels; `None` if there is no noise at all.
    pub sqnr_db: Option<f64>,
    /// Samples whose greatest first output is the same in both, where it has several elements.
    pub same_top1: Option<usize>,
}

impl Scores {
    /// Of real outputs: for each sample, one list for each output.
    pub fn of(
        metric: Metric,
        float: &[Vec<Vec<f32>>],
        integer: &[Vec<Vec<f32>>],
        labels: Option<&Labels>,
    ) -> Self {
        let first = |run: &[Vec<Vec<f32>>]| -> Vec<Vec<f32>> {
            run.iter().map(|outputs| outputs.first().cloned().unwrap_or_default()).collect()
        };
        let (own, theirs) = (first(integer), first(float));
        let sqnr_db = sqnr(float, integer);
        let several = theirs.first().is_some_and(|values| values.len() > 1);
        let same = own.iter().zip(&theirs).filter(|(a, b)| greatest(a) == greatest(b)).count();
        let correct = match labels {
            Some(Labels::Classes(classes)) => {
                let right = |run: &[Vec<f32>]| {
                    run.iter().zip(classes).filter(|(y, label)| greatest(y) as i64 == **label).count()
                };
                Some((right(&theirs), right(&own)))
            }
            _ => None,
        };
        let samples = own.len();
        let differ = |run: &[Vec<f32>], f: fn(f64) -> f64| {
            let wanted: Vec<Vec<f32>> = match labels {
                Some(Labels::Targets(targets)) => targets.clone(),
                Some(Labels::Classes(classes)) => classes.iter().map(|&c| vec![c as f32]).collect(),
                None => theirs.clone(),
            };
            let pairs = run.iter().zip(&wanted).flat_map(|(a, b)| a.iter().zip(b));
            let (sum, count) =
                pairs.fold((0.0, 0usize), |(sum, n), (a, b)| (sum + f(f64::from(a - b)), n + 1));
            sum / count.max(1) as f64
        };
        let (float, integer) = match (metric, correct) {
            (Metric::Top1, Some((float, integer))) => {
                let share = |n: usize| n as f64 / samples.max(1) as f64;
                (Some(share(float)), share(integer))
            }
            // Without labels: how often both agree.
            (Metric::Top1, None) => (None, same as f64 / samples.max(1) as f64),
            (Metric::Mse, _) => (Some(differ(&theirs, |d| d * d)), differ(&own, |d| d * d)),
            (Metric::Mae, _) => (Some(differ(&theirs, f64::abs)), differ(&own, f64::abs)),
            (Metric::Sqnr, _) => (None, sqnr_db.unwrap_or(f64::INFINITY)),
        };
        Self { metric, float, integer, samples, correct, sqnr_db, same_top1: several.then_some(same) }
    }
}

impl Scores {
    /// How much accuracy is lost, as a share: of all samples those that the float model has right and this one has not, on balance
    /// (`top1`; without labels, those with another class than the float model's); by what the error grew (`mse`, `mae`, with
    /// labels); else noise over signal of the outputs. Negative if the integer model is better.
    pub fn drop(&self) -> f64 {
        match (self.metric, self.float) {
            (Metric::Top1, Some(float)) => float - self.integer,
            (Metric::Top1, None) => 1.0 - self.integer,
            (Metric::Mse | Metric::Mae, Some(float)) if float > 0.0 => self.integer / float - 1.0,
            _ => self.sqnr_db.map_or(0.0, |db| 10f64.powf(-db / 10.0)),
        }
    }
}

/// The position of the greatest element, the first of equals.
fn greatest(values: &[f32]) -> usize {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = at;
        }
    }
    best
}

/// Signal over noise in decibels, over all outputs and samples; `None` without noise.
pub(super) fn sqnr(float: &[Vec<Vec<f32>>], integer: &[Vec<Vec<f32>>]) -> Option<f64> {
    let pairs =
        float.iter().zip(integer).flat_map(|(a, b)| a.iter().zip(b)).flat_map(|(a, b)| a.iter().zip(b));
    let (signal, noise) = pairs.fold((0.0f64, 0.0f64), |(signal, noise), (&a, &b)| {
        (signal + f64::from(a).powi(2), noise + f64::from(a - b).powi(2))
    });
    (noise > 0.0).then(|| 10.0 * (signal.max(1e-30) / noise).log10())
}
