//! What could have been chosen: measured mixtures of which none is better than another in noise and in cost.

use super::limits::Kind;
use super::point::Point;
use super::search::{Aim, Search};
use super::{Task, cost_kind};
use serde::Serialize;
use tinyc_ir::Diagnostics;
use tinyc_passes::quantize::plan::Precision;

/// A choice within limits, and what else there was.
#[derive(Clone, Debug, Serialize)]
pub struct Budgeted {
    /// The limits, and what the chosen model has of each on the samples for choices.
    pub limits: Vec<Held>,
    /// What is weighed against noise.
    pub cost: Kind,
    /// Whether cycles are those of the chip, waiting for its flash.
    pub on_chip: bool,
    /// Samples, or runs of whole sequences, by which was chosen.
    pub samples: usize,
    /// The choices, the cheapest first.
    pub front: Vec<FrontRow>,
}

/// A limit, as text with its unit.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    /// What is limited.
    pub kind: Kind,
    /// What is allowed.
    pub limit: String,
    /// What it is.
    pub value: String,
}

/// A mixture of precisions, measured on the samples for choices.
#[derive(Clone, Debug, Serialize)]
pub struct FrontRow {
    /// Which layers have what: `2 layers int4`, `all int8`.
    pub name: String,
    /// Whether it was taken.
    pub chosen: bool,
    /// Signal over noise of the outputs, in decibels; `None` without noise.
    pub noise_db: Option<f64>,
    /// The share of accuracy that is lost.
    pub drop: f64,
    /// Cycles of a run.
    pub cycles: Option<u64>,
    /// At the chip's highest clock.
    pub microseconds: Option<f64>,
    /// Weights, tables and code.
    pub flash_bytes: Option<u64>,
    /// Arena, inputs, outputs and state.
    pub ram_bytes: Option<u64>,
    /// All weights.
    pub weight_bytes: u64,
}

impl FrontRow {
    /// What it costs: cycles or bytes.
    pub fn cost(&self, kind: Kind) -> Option<u64> {
        match kind {
            Kind::Latency | Kind::Energy => self.cycles,
            Kind::Flash => self.flash_bytes,
            Kind::Ram => self.ram_bytes,
            Kind::Weights | Kind::Drop => Some(self.weight_bytes),
        }
    }
}

/// Limits that are tried between the cheapest and the most accurate mixture.
const STEPS: usize = 5;

/// Most rows that are told.
const ROWS: usize = 9;

/// What is weighed against noise: what is limited first, else time.
pub(super) fn primary(task: &Task<'_>, first: &Point) -> Kind {
    if let Aim::Cost(kind) = task.aim {
        return kind;
    }
    let limited = task.bounds.iter().map(|bound| bound.kind).filter(|kind| *kind != Kind::Drop).min();
    limited.unwrap_or_else(|| cost_kind(first))
}

/// Measures mixtures between the cheapest and the most accurate one.
pub(super) fn sweep(search: &mut Search<'_>, kind: Kind) -> Result<(), Diagnostics> {
    let cheapest = search.fit(Aim::Cost(kind), &[], None, 2)?;
    let accurate = search.fit(Aim::Loss, &[], None, 2)?;
    let value = |point: &Option<Point>| point.as_ref().and_then(|point| point.value(kind));
    let (Some(least), Some(most)) = (value(&cheapest), value(&accurate)) else { return Ok(()) };
    for step in 1..=STEPS {
        let most = least + (most - least) * step as f64 / (STEPS + 1) as f64;
        search.fit(Aim::Loss, &[super::Bound { kind, most }], None, 2)?;
    }
    Ok(())
}

/// The front of all that was measured.
pub(super) fn budgeted(search: &Search<'_>, task: &Task<'_>, chosen: &Point, kind: Kind) -> Budgeted {
    let mut points: Vec<&Point> =
        search.points.values().filter(|point| point.value(kind).is_some()).collect();
    let cost = |point: &Point| point.value(kind).unwrap_or_default();
    points.sort_by(|a, b| cost(a).total_cmp(&cost(b)).then(a.loss.total_cmp(&b.loss)));
    let mut least = f64::INFINITY;
    points.retain(|point| {
        let better = point.loss < least;
        least = least.min(point.loss);
        better || point.choice == chosen.choice
    });
    while points.len() > ROWS {
        // The one that says least: whose neighbours are nearest to each other in cost.
        let gap = |at: usize| cost(points[at + 1]) - cost(points[at - 1]);
        let inner = (1..points.len() - 1).filter(|&at| points[at].choice != chosen.choice);
        let Some(at) = inner.min_by(|&a, &b| gap(a).total_cmp(&gap(b))) else { break };
        points.remove(at);
    }
    let row = |point: &&Point| FrontRow {
        name: name(search, point),
        chosen: point.choice == chosen.choice,
        noise_db: (point.loss > 0.0).then(|| -10.0 * point.loss.log10()),
        drop: point.scores.drop(),
        cycles: point.cycles,
        microseconds: point.cycles.zip(search.hertz()).map(|(cycles, hz)| cycles as f64 * 1e6 / hz as f64),
        flash_bytes: point.flash,
        ram_bytes: point.ram,
        weight_bytes: point.weights,
    };
    let limits = task.bounds.iter().map(|bound| Held {
        kind: bound.kind,
        limit: task.rates.spelled(bound.kind, bound.most),
        value: task.rates.spelled(bound.kind, chosen.value(bound.kind).unwrap_or_default()),
    });
    Budgeted {
        limits: limits.collect(),
        cost: kind,
        on_chip: search.on_chip(),
        samples: search.samples(),
        front: points.iter().map(row).collect(),
    }
}

/// Which layers have what.
fn name(search: &Search<'_>, point: &Point) -> String {
    let chosen: Vec<Precision> =
        search.candidates.iter().zip(&point.choice).map(|(own, &at)| own[at]).collect();
    let count = |precision: Precision| chosen.iter().filter(|own| **own == precision).count();
    let kinds = [Precision::Int4, Precision::Int8, Precision::Int16, Precision::Float];
    if let Some(one) = kinds.into_iter().find(|&precision| count(precision) == chosen.len()) {
        return format!("all {one}");
    }
    let others = kinds.into_iter().filter(|&p| p != Precision::Int8 && count(p) > 0);
    let parts: Vec<String> = others.map(|precision| format!("{} {precision}", count(precision))).collect();
    match chosen.len() - count(Precision::Int8) {
        1 => format!("1 layer {}", parts.join(", ").trim_start_matches("1 ")),
        _ => format!("layers: {}", parts.join(", ")),
    }
}
