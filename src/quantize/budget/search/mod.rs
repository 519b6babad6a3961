//! The search for the precisions that lose least within limits, or cost least of those that lose little enough.
//!
//! What each layer alone costs and loses with another precision is measured; an integer linear program adds that up. Sums are
//! estimates: each mixture that the program finds is built, compiled and measured, and the estimate shifted by what it was off,
//! until the measured mixture holds the limits. Only measured mixtures are chosen.

mod estimate;

use self::estimate::Alone;
use super::costs::{Costs, Meter};
use super::limits::{Bound, Kind};
use super::point::{Choice, Point};
use crate::quantize::measure::Metric;
use crate::quantize::trial::Trial;
use std::collections::{BTreeMap, BTreeSet};
use tinyc_backends::codegen::sim::FlashModel;
use tinyc_ir::Diagnostics;
use tinyc_passes::quantize::calibrate::{Calibration, Quantised};
use tinyc_passes::quantize::integer::build::Built;
use tinyc_passes::quantize::loss::Truth;
use tinyc_passes::quantize::plan::{Precision, Precisions};
use tinyc_passes::quantize::runner::Runner;

/// Times that an estimate is corrected.
const ROUNDS: usize = 6;

/// Steps of a search for the noise that is just small enough.
const HALVINGS: usize = 5;

/// What is to be least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Aim {
    Loss,
    Cost(Kind),
}

pub(super) struct Search<'a> {
    pub(super) calibration: Calibration<'a>,
    /// For each unit, the precisions that it can have.
    pub(super) candidates: Vec<Vec<Precision>>,
    pub(super) points: BTreeMap<Choice, Point>,
    meter: Option<Meter<'a>>,
    /// Whether cycles are to be those of the chip, waiting for its flash.
    on_chip: bool,
    runner: &'a dyn Runner,
    trial: Trial<'a>,
    metric: Metric,
    /// If the model keeps states: what it makes of the trial's sequences, which says more than single runs do.
    truth: Option<Truth<'a>>,
    /// The float model's outputs.
    expected: Vec<Vec<Vec<f32>>>,
    alone: Vec<Vec<Alone>>,
    /// RAM at the layers of each unit, with the first candidates.
    steps: Vec<f64>,
}

impl<'a> Search<'a> {
    /// Begins with the first candidate of each unit.
    pub(super) fn new(
        calibration: Calibration<'a>,
        meter: Option<Meter<'a>>,
        on_chip: bool,
        (trial, metric): (Trial<'a>, Metric),
        runner: &'a dyn Runner,
    ) -> Result<Self, Diagnostics> {
        let candidates: Vec<Vec<Precision>> =
            calibration.units.iter().map(|unit| unit.candidates.clone()).collect();
        let float = &calibration.float;
        let expected = trial.expected(runner, float);
        let truth = trial.runs.map(|_| Truth::of(runner, float, trial.samples));
        let mut search = Self {
            candidates,
            points: BTreeMap::new(),
            meter,
            on_chip,
            runner,
            trial,
            metric,
            truth,
            expected,
            alone: Vec::new(),
            steps: Vec::new(),
            calibration,
        };
        search.measure(&search.first())?;
        Ok(search)
    }

    /// The first candidate of each unit.
    pub(super) fn first(&self) -> Choice {
        vec![0; self.candidates.len()]
    }

    /// What runs the samples.
    pub(super) fn runner(&self) -> &'a dyn Runner {
        self.runner
    }

    /// What is measured.
    pub(super) fn metric(&self) -> Metric {
        self.metric
    }

    /// Samples, or runs of sequences, by which is chosen.
    pub(super) fn samples(&self) -> usize {
        self.trial.samples.len()
    }

    /// Whether cycles are those of a chip, waiting for its flash.
    pub(super) fn on_chip(&self) -> bool {
        let target = self.meter.as_ref().map(|meter| &meter.options.target);
        self.on_chip && target.and_then(|t| t.chip.as_ref()).and_then(FlashModel::of).is_some()
    }

    /// The highest clock of the chip.
    pub(super) fn hertz(&self) -> Option<u64> {
        self.meter.as_ref()?.options.target.clock_hz()
    }

    /// Lets units have only these precisions beside their first one.
    pub(super) fn restrict(&mut self, to: &[Precision]) {
        for own in &mut self.candidates {
            let first = own[0];
            own.retain(|precision| *precision == first || to.contains(precision));
        }
    }

    /// Lets units have all precisions again. Those that they could have so far keep their positions, as int4 comes first.
    pub(super) fn allow_all(&mut self) {
        self.candidates = self.calibration.units.iter().map(|unit| unit.candidates.clone()).collect();
        self.alone.clear();
    }

    /// The precisions of a choice.
    pub(super) fn precisions(&self, choice: &Choice) -> Precisions {
        let units = self.calibration.units.iter().zip(&self.candidates).zip(choice);
        units.flat_map(|((unit, own), &at)| unit.precisions(own[at])).collect()
    }

    /// The finished model of a choice.
    pub(super) fn finished(&self, choice: &Choice) -> Quantised {
        self.calibration.finish(self.calibration.draft(&self.precisions(choice)))
    }

    /// Noise over signal of a model that loses `own` in single runs: if it keeps states, over whole sequences in which it carries its own.
    fn loss(&self, built: &Built, own: f64) -> f64 {
        let Some(truth) = &self.truth else { return own };
        let stored = self.trial.stored(self.runner, &self.calibration.float, &built.graph);
        truth.loss_on(self.runner, built, &stored)
    }

    fn measure(&mut self, choice: &Choice) -> Result<&Point, Diagnostics> {
        if !self.points.contains_key(choice) {
            let quantised = self.finished(choice);
            let costs =
                self.meter.as_ref().map(|m| m.costs(&quantised.built.graph, self.on_chip)).transpose()?;
            if self.points.is_empty() {
                self.steps = costs.as_ref().map(|costs| self.unit_steps(costs)).unwrap_or_default();
            }
            let (trial, runner, built) = (&self.trial, self.runner, &quantised.built);
            let stored = trial.stored(runner, &quantised.float, &built.graph);
            let own = quantised.stages.last().map_or(f64::INFINITY, |stage| stage.1);
            let point = Point {
                choice: choice.clone(),
                loss: self.truth.as_ref().map_or(own, |truth| truth.loss_on(runner, built, &stored)),
                scores: trial.scores(runner, self.metric, (&self.expected, &built.graph), &stored),
                weights: self.weights(choice),
                cycles: costs.as_ref().and_then(|costs| costs.on_chip.or(costs.cycles)),
                flash: costs.as_ref().map(|costs| costs.flash),
                ram: costs.as_ref().map(|costs| costs.ram),
            };
            self.points.insert(choice.clone(), point);
        }
        Ok(&self.points[choice])
    }

    /// Bytes of the weights of all units.
    fn weights(&self, choice: &Choice) -> u64 {
        let units = self.calibration.units.iter().zip(&self.candidates).zip(choice);
        units.map(|((unit, own), &at)| weight_bytes(unit.weights, own[at])).sum()
    }

    /// The most RAM in use at the layers of each unit.
    fn unit_steps(&self, costs: &Costs) -> Vec<f64> {
        let of =
            |name: &str| costs.steps.iter().filter(|(own, _)| own == name).map(|(_, bytes)| *bytes).max();
        self.calibration.units.iter().map(|unit| of(&unit.name).unwrap_or_default() as f64).collect()
    }

    /// Measures what each candidate alone would change; those that do not compile are no candidates. Once is enough.
    fn look_around(&mut self) -> Result<(), Diagnostics> {
        if !self.alone.is_empty() {
            return Ok(());
        }
        let draft = self.calibration.draft(&self.precisions(&self.first()));
        let (graph, draft_loss) = (&draft.built.graph, self.loss(&draft.built, draft.loss));
        let whole = self.meter.as_ref().map(|meter| meter.costs(graph, false)).transpose()?;
        let measured = &self.points[&self.first()];
        // Waiting for flash takes a share that hardly depends on the layer.
        let waits = match (measured.cycles, whole.as_ref().and_then(|costs| costs.cycles)) {
            (Some(own), Some(cycles)) if cycles > 0 => own as f64 / cycles as f64,
            _ => 1.0,
        };
        let mut alone = Vec::new();
        let mut candidates = self.candidates.clone();
        for (at, own) in self.candidates.iter().enumerate() {
            let mut adds = vec![Alone { steps: vec![0.0; self.steps.len()], ..Alone::default() }];
            candidates[at].truncate(1);
            for (position, &precision) in own.iter().enumerate().skip(1) {
                let mut choice = self.first();
                choice[at] = position;
                let other = self.calibration.draft(&self.precisions(&choice));
                let costs = self.meter.as_ref().map(|meter| meter.costs(&other.built.graph, false));
                let Ok(costs) = costs.transpose() else { continue };
                let loss = self.loss(&other.built, other.loss);
                if !loss.is_finite() {
                    continue;
                }
                let change = |of: &dyn Fn(&Costs) -> f64| match (&costs, &whole) {
                    (Some(costs), Some(whole)) => of(costs) - of(whole),
                    _ => 0.0,
                };
                let steps = costs.as_ref().map(|costs| self.unit_steps(costs)).unwrap_or_default();
                let before = whole.as_ref().map(|costs| self.unit_steps(costs)).unwrap_or_default();
                candidates[at].push(precision);
                adds.push(Alone {
                    loss: loss - draft_loss,
                    cycles: change(&|costs| costs.cycles.unwrap_or_default() as f64) * waits,
                    flash: change(&|costs| costs.flash as f64),
                    weights: self.weights(&choice) as f64 - self.weights(&self.first()) as f64,
                    steps: steps.iter().zip(&before).map(|(now, before)| now - before).collect(),
                });
            }
            alone.push(adds);
        }
        (self.alone, self.candidates) = (alone, candidates);
        // Neighbours of one precision need no conversion between them, which sums do not see.
        for precision in [Precision::Int4, Precision::Int16, Precision::Float] {
            let position = |own: &Vec<Precision>| own.iter().position(|other| *other == precision);
            let uniform = self.candidates.iter().map(|own| position(own).unwrap_or_default()).collect();
            self.measure(&uniform)?;
        }
        Ok(())
    }

    /// How good a measured mixture is: less is better.
    fn worth(point: &Point, aim: Aim) -> f64 {
        match aim {
            Aim::Loss => point.loss,
            Aim::Cost(kind) => point.value(kind).unwrap_or_default(),
        }
    }

    /// A measured mixture within limits on costs, the best that is found in some rounds.
    pub(super) fn fit(
        &mut self,
        aim: Aim,
        bounds: &[Bound],
        most_loss: Option<f64>,
        rounds: usize,
    ) -> Result<Option<Point>, Diagnostics> {
        self.look_around()?;
        let mut shift = BTreeMap::new();
        let mut tried = BTreeSet::new();
        let mut best: Option<Point> = None;
        for _ in 0..rounds {
            let Some(choice) = self.solve(aim, bounds, most_loss, &shift) else { break };
            if !tried.insert(choice.clone()) {
                break;
            }
            let point = self.measure(&choice)?.clone();
            for kind in Kind::ALL {
                let value = if kind == Kind::Drop { Some(point.loss) } else { point.value(kind) };
                shift.insert(kind, value.unwrap_or_default() - self.estimate(kind, &choice));
            }
            let within = bounds.iter().all(|bound| bound.kind == Kind::Drop || point.keeps(bound))
                && most_loss.is_none_or(|most| point.loss <= most);
            let better = |best: &Point| Self::worth(&point, aim) < Self::worth(best, aim);
            if within && best.as_ref().is_none_or(better) {
                best = Some(point);
            }
        }
        Ok(best)
    }

    /// A measured mixture that holds all limits, the best for `aim` that is found.
    pub(super) fn within(&mut self, aim: Aim, bounds: &[Bound]) -> Result<Option<Point>, Diagnostics> {
        let Some(drop) = bounds.iter().find(|bound| bound.kind == Kind::Drop).copied() else {
            self.fit(aim, bounds, None, ROUNDS)?;
            return Ok(self.best(aim, bounds));
        };
        let (cheapest, accurate) =
            (self.fit(aim, bounds, None, ROUNDS)?, self.fit(Aim::Loss, bounds, None, ROUNDS)?);
        if let (Some(cheapest), Some(accurate)) = (cheapest, accurate)
            && !cheapest.keeps(&drop)
            && accurate.keeps(&drop)
        {
            // How much noise costs how many answers is not known; between both ends, the limit is looked for.
            let (mut good, mut bad) = (accurate.loss.max(1e-12), cheapest.loss);
            for _ in 0..HALVINGS {
                let middle = (good * bad).sqrt();
                match self.fit(aim, bounds, Some(middle), 2)? {
                    Some(point) if point.keeps(&drop) => good = middle,
                    Some(_) => bad = middle,
                    None => break,
                }
            }
        }
        Ok(self.best(aim, bounds))
    }

    /// Of all that was measured, what exceeds limits least.
    pub(super) fn nearest(&self, bounds: &[Bound]) -> Option<Point> {
        let points = self.points.values();
        points.min_by(|a, b| a.excess(bounds).total_cmp(&b.excess(bounds))).cloned()
    }

    /// Of all that was measured, the best that holds all limits.
    pub(super) fn best(&self, aim: Aim, bounds: &[Bound]) -> Option<Point> {
        let fitting = self.points.values().filter(|point| bounds.iter().all(|bound| point.keeps(bound)));
        let order = |a: &&Point, b: &&Point| {
            let worth = |point: &Point| Self::worth(point, aim);
            worth(a).total_cmp(&worth(b)).then(a.loss.total_cmp(&b.loss))
        };
        fitting.min_by(order).cloned()
    }
}

/// Bytes of so many weights.
fn weight_bytes(weights: usize, precision: Precision) -> u64 {
    match precision {
        Precision::Int4 => weights.div_ceil(2) as u64,
        Precision::Int8 | Precision::Int16 => weights as u64,
        Precision::Float => 4 * weights as u64,
    }
}
