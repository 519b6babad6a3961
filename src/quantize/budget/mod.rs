//! Limits in, precisions out: which layers get how many bits, so that the model keeps to what the user allows and loses least.

mod costs;
mod front;
mod ilp;
mod limits;
mod point;
mod refusal;
mod search;

pub use front::{Budgeted, FrontRow, Held};
pub use limits::{Joules, Kind, Latency, Limits, WeightBytes};

use super::measure::Metric;
use super::trial::Trial;
use crate::pipeline::{self, Model};
use costs::Meter;
use limits::{Bound, Rates, bounds};
use search::{Aim, Search};
use tinyc_ir::{Diagnostic, Diagnostics};
use tinyc_passes::quantize::calibrate::{Calibration, Quantised};
use tinyc_passes::quantize::plan::Precision;
use tinyc_passes::quantize::runner::Runner;

/// What the limits are for: a core or chip, and the forms of code whose flash counts. Without it only weights and accuracy can
/// be limited.
pub type On<'a> = Option<&'a pipeline::Options>;

/// Why there is no model within the limits.
pub(super) struct Refused {
    /// What is told.
    pub(super) why: Diagnostics,
    /// By what part the limits are exceeded at least, in sum; `None` if it is not for them.
    pub(super) excess: Option<f64>,
}

impl From<Diagnostics> for Refused {
    fn from(why: Diagnostics) -> Self {
        Self { why, excess: None }
    }
}

impl From<Diagnostic> for Refused {
    fn from(why: Diagnostic) -> Self {
        Diagnostics::from(why).into()
    }
}

/// The model within limits: chosen by one trial, looked at again in another.
pub(super) fn quantise<'a>(
    model: &'a Model,
    calibration: Calibration<'a>,
    [choices, evaluation]: [Trial<'a>; 2],
    (limits, on): (&Limits, On<'a>),
    metric: Metric,
    runner: &'a dyn Runner,
) -> Result<(Quantised, Option<Budgeted>), Refused> {
    let whole = calibration.units.iter().map(|unit| unit.weights as u64).sum();
    let target = on.map(|options| &options.target);
    let (bounds, rates) = bounds(limits, target, whole)?;
    let timed = bounds.iter().any(|bound| matches!(bound.kind, Kind::Latency | Kind::Energy));
    // A limit in cycles is one of the core.
    let on_chip = !matches!(limits.latency, Some(Latency::Cycles(_)));
    let meter = on.map(|options| Meter { model, options });
    let mut search = Search::new(calibration, meter, on_chip, (choices, metric), runner)?;
    let first = search.points[&search.first()].clone();
    let fits = bounds.iter().all(|bound| first.keeps(bound));
    let sizes_only = !timed && limits.drop.is_none();
    if sizes_only {
        // More bits than eight mostly take more of all but noise: they are for those who limit time, or accuracy.
        search.restrict(&[Precision::Int4]);
        if fits {
            return Ok((search.finished(&first.choice), None));
        }
    }
    let task = Task { aim: aim(&bounds, &first), bounds, rates, evaluation };
    let mut found = search.within(task.aim, &task.bounds)?;
    if found.is_none() && sizes_only && task.bounds.iter().any(|bound| bound.kind == Kind::Flash) {
        // Mostly: where there are few weights, code decides.
        search.allow_all();
        found = search.within(task.aim, &task.bounds)?;
    }
    let found = match found {
        Some(found) => found,
        None => {
            let refusal = refusal::no_choice(&mut search, &task)?;
            let nearest = search.nearest(&task.bounds);
            let excess = nearest.map(|nearest| nearest.excess(&task.bounds));
            // What each limit needs at least was looked for by itself, which may have found what keeps all of them.
            let found = search.best(task.aim, &task.bounds);
            found.ok_or_else(|| Refused { why: refusal.into(), excess })?
        }
    };
    let primary = front::primary(&task, &first);
    front::sweep(&mut search, primary)?;
    let found = search.best(task.aim, &task.bounds).unwrap_or(found);
    let quantised = search.finished(&found.choice);
    if let Some(drop) = task.bounds.iter().find(|bound| bound.kind == Kind::Drop) {
        let measured = task.evaluated(&search, &quantised);
        if measured > drop.most {
            let why = refusal::drops_more(&mut search, &task, measured)?.into();
            return Err(Refused { why, excess: Some(measured / drop.most.max(1e-6) - 1.0) });
        }
    }
    let budgeted = front::budgeted(&search, &task, &found, primary);
    Ok((quantised, Some(budgeted)))
}

/// What is looked for.
struct Task<'a> {
    aim: Aim,
    bounds: Vec<Bound>,
    rates: Rates,
    evaluation: Trial<'a>,
}

/// The least noise; if it is said how much may be lost, the least time of those, or flash, if time is not known.
fn aim(bounds: &[Bound], first: &point::Point) -> Aim {
    match bounds.iter().any(|bound| bound.kind == Kind::Drop) {
        true => Aim::Cost(cost_kind(first)),
        false => Aim::Loss,
    }
}

fn cost_kind(first: &point::Point) -> Kind {
    let known = [Kind::Latency, Kind::Flash].into_iter().find(|&kind| first.value(kind).is_some());
    known.unwrap_or(Kind::Weights)
}

impl Task<'_> {
    /// How much a model loses on the samples that had no part in making it.
    fn evaluated(&self, search: &Search<'_>, quantised: &Quantised) -> f64 {
        let (float, graph) = (&quantised.float, &quantised.built.graph);
        let (trial, runner) = (&self.evaluation, search.runner());
        let (expected, stored) = (trial.expected(runner, float), trial.stored(runner, float, graph));
        trial.scores(runner, search.metric(), (&expected, graph), &stored).drop()
    }

    /// Whether these limits can be kept, on the samples that had no part in it, too.
    fn possible(&self, search: &mut Search<'_>, bounds: &[Bound]) -> Result<bool, Diagnostics> {
        let Some(found) = search.within(self.aim, bounds)? else { return Ok(false) };
        let Some(drop) = bounds.iter().find(|bound| bound.kind == Kind::Drop) else { return Ok(true) };
        let quantised = search.finished(&found.choice);
        Ok(self.evaluated(search, &quantised) <= drop.most)
    }
}
