//! What sums of single changes say of a mixture of precisions, and the best mixture by them.

use super::{Aim, Search};
use crate::quantize::budget::ilp::{self, Row};
use crate::quantize::budget::limits::{Bound, Kind};
use crate::quantize::budget::point::Choice;
use std::collections::BTreeMap;

/// What one candidate adds to the whole, if it alone is other than at first.
#[derive(Clone, Debug, Default)]
pub(super) struct Alone {
    pub(super) loss: f64,
    pub(super) cycles: f64,
    pub(super) flash: f64,
    pub(super) weights: f64,
    /// RAM at the layers of each unit.
    pub(super) steps: Vec<f64>,
}

impl Search<'_> {
    /// What the sums say of a choice.
    pub(super) fn estimate(&self, kind: Kind, choice: &Choice) -> f64 {
        let own = || self.alone.iter().zip(choice).map(|(own, &at)| &own[at]);
        let base = self.points[&self.first()].value(kind).unwrap_or_default();
        match kind {
            Kind::Latency | Kind::Energy => base + own().map(|alone| alone.cycles).sum::<f64>(),
            Kind::Flash => base + own().map(|alone| alone.flash).sum::<f64>(),
            Kind::Weights => base + own().map(|alone| alone.weights).sum::<f64>(),
            Kind::Ram => {
                let at = |step: usize| own().map(|alone| alone.steps[step]).sum::<f64>() + self.steps[step];
                (0..self.steps.len()).map(at).fold(0.0, f64::max)
            }
            Kind::Drop => self.points[&self.first()].loss + own().map(|alone| alone.loss).sum::<f64>(),
        }
    }

    fn adds(&self, of: impl Fn(&Alone) -> f64) -> Vec<Vec<f64>> {
        self.alone.iter().map(|own| own.iter().map(&of).collect()).collect()
    }

    /// The best by the sums; `most_loss` limits the noise, and `shift` is by how much the sums are too small.
    pub(super) fn solve(
        &self,
        aim: Aim,
        bounds: &[Bound],
        most_loss: Option<f64>,
        shift: &BTreeMap<Kind, f64>,
    ) -> Option<Choice> {
        let first = &self.points[&self.first()];
        let off = |kind: Kind| shift.get(&kind).copied().unwrap_or_default();
        let mut rows = Vec::new();
        let steps = |most: f64, peak: bool| -> Vec<Row> {
            let row = |step: usize| Row {
                adds: self.adds(|alone| alone.steps[step]),
                most: most - self.steps[step],
                peak,
            };
            (0..self.steps.len()).map(row).collect()
        };
        for bound in bounds.iter().filter(|bound| bound.kind != Kind::Drop) {
            let most = bound.most - off(bound.kind);
            match bound.kind {
                Kind::Ram => rows.extend(steps(most, false)),
                kind => rows.push(Row {
                    adds: self.cost(kind),
                    most: most - first.value(kind).unwrap_or_default(),
                    peak: false,
                }),
            }
        }
        if let Some(most) = most_loss {
            let most = most - first.loss - off(Kind::Drop);
            rows.push(Row { adds: self.adds(|alone| alone.loss), most, peak: false });
        }
        let costs = match aim {
            Aim::Loss => self.adds(|alone| alone.loss),
            Aim::Cost(Kind::Ram) => {
                rows.extend(steps(0.0, true));
                self.adds(|_| 0.0)
            }
            Aim::Cost(kind) => self.cost(kind),
        };
        ilp::choose(&costs, &rows)
    }

    fn cost(&self, kind: Kind) -> Vec<Vec<f64>> {
        match kind {
            Kind::Latency | Kind::Energy => self.adds(|alone| alone.cycles),
            Kind::Flash => self.adds(|alone| alone.flash),
            Kind::Weights => self.adds(|alone| alone.weights),
            Kind::Ram | Kind::Drop => self.adds(|_| 0.0),
        }
    }
}
