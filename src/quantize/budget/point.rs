//! A mixture of precisions that was measured.

use super::limits::{Bound, Kind};
use crate::quantize::measure::Scores;

/// For each unit, the position of its candidate.
pub(super) type Choice = Vec<usize>;

/// A mixture of precisions, built and measured on the samples for choices.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) choice: Choice,
    /// Noise over signal of the outputs.
    pub(super) loss: f64,
    pub(super) scores: Scores,
    pub(super) weights: u64,
    /// With a target: cycles of a run, waiting for flash where that is known; flash; RAM.
    pub(super) cycles: Option<u64>,
    pub(super) flash: Option<u64>,
    pub(super) ram: Option<u64>,
}

impl Point {
    /// What is limited; `None` if it is not known.
    pub(super) fn value(&self, kind: Kind) -> Option<f64> {
        match kind {
            Kind::Latency | Kind::Energy => self.cycles.map(|x| x as f64),
            Kind::Flash => self.flash.map(|x| x as f64),
            Kind::Weights => Some(self.weights as f64),
            Kind::Ram => self.ram.map(|x| x as f64),
            Kind::Drop => Some(self.scores.drop()),
        }
    }

    /// Whether a limit is kept.
    pub(super) fn keeps(&self, bound: &Bound) -> bool {
        self.value(bound.kind).is_some_and(|value| value <= bound.most)
    }

    /// By what part it exceeds limits, in sum.
    pub(super) fn excess(&self, bounds: &[Bound]) -> f64 {
        let over = |bound: &Bound| {
            (self.value(bound.kind).unwrap_or_default() / bound.most.max(1e-6) - 1.0).max(0.0)
        };
        bounds.iter().map(over).sum()
    }
}
