//! A float model and samples in, an integer model out, with numbers that say how good it is.
//!
//! The choices are made in [`tinyc_passes::quantize`]; here are the data, the metrics and the report.

pub mod budget;
mod inspection;
mod labels;
mod measure;
mod native;
mod numbers;
mod report;
mod sequences;
mod sets;
mod table;
mod trial;

use budget::Refused;
pub use budget::{Budgeted, Joules, Latency, Limits, WeightBytes};
pub use inspection::{Alone, Inspection, OnFloats, inspected};
pub use labels::Labels;
pub use measure::{Metric, Scores};
pub use native::Native;
pub use report::{HISTOGRAM_BINS, LayerRow, QuantReport, TensorRow};
pub use sequences::Runs;
pub use sets::{Sets, Split, load, split};
pub use tinyc_passes::quantize::calibrate::Options;
pub use tinyc_passes::quantize::plan::Precision;
pub use tinyc_passes::quantize::range::Method;
pub use tinyc_passes::quantize::runner::{Evaluator, Runner};

use crate::pipeline::Model;
use crate::state::States;
use tinyc_ir::{DType, Diagnostic, Diagnostics};
use tinyc_passes::lower::state::Kept;
use tinyc_passes::quantize::calibrate::{self, Calibration, Quantised};
use tinyc_passes::quantize::loss::Truth;
use tinyc_passes::quantize::plan::{self, Precisions};
use trial::Trial;

/// The numbers of the messages about calibration data.
pub mod code {
    /// Samples are too few to say how good the result is.
    pub const FEW: u16 = 424;
    /// The model is quantised already.
    pub const ALREADY: u16 = 425;
    /// A file with samples or labels is not what it should be.
    pub const DATA: u16 = 427;
    /// No precisions of the layers keep all limits.
    pub const BUDGET: u16 = 428;
    /// Accuracy drops by more than is allowed.
    pub const DROPS: u16 = 431;
    /// What is limited is not known of this target.
    pub const UNKNOWN_COST: u16 = 432;
    /// Samples have more digits than the model computes with.
    pub const ROUNDED: u16 = 440;
}

/// The model on integers, and how good it is. A model that is quantised already is returned as it is, with a note and no
/// report.
///
/// # Errors
/// There is nothing to quantise; samples lead to NaN.
pub fn quantise(
    model: &Model,
    sets: &Sets,
    options: &Options,
    metric: Option<Metric>,
    runner: &dyn Runner,
) -> Result<(Model, Option<QuantReport>), Diagnostics> {
    quantise_within(model, sets, options, (&Limits::default(), None), metric, runner)
}

/// As [`quantise`], with precisions of layers such that the model keeps to limits.
///
/// # Errors
/// See [`quantise`]; limits that no precisions of the layers keep, or that mean nothing for the target.
pub fn quantise_within(
    model: &Model,
    sets: &Sets,
    options: &Options,
    (limits, on): (&Limits, budget::On<'_>),
    metric: Option<Metric>,
    runner: &dyn Runner,
) -> Result<(Model, Option<QuantReport>), Diagnostics> {
    let mut result = model.clone();
    if let Some(note) = already(model) {
        result.warnings.push(note);
        return Ok((result, None));
    }
    let (quantised, full, report) = measured(model, sets, options, (limits, on), metric, runner)?;
    let sets = full.as_ref().unwrap_or(sets);
    result.reference = quantised.built.graph;
    result.reference.name.clone_from(&model.reference.name);
    result.warnings.0.extend(quantised.diagnostics.0);
    result.warnings.0.extend(sets.notes.iter().cloned());
    result.warnings.0.extend(sets.warning());
    Ok((result, Some(report)))
}

/// Calibrates and measures; with the samples of a model that keeps states, which its sequences became.
fn measured(
    model: &Model,
    sets: &Sets,
    options: &Options,
    (limits, on): (&Limits, budget::On<'_>),
    metric: Option<Metric>,
    runner: &dyn Runner,
) -> Result<(Quantised, Option<Sets>, QuantReport), Diagnostics> {
    sets.finite()?;
    let started = std::time::Instant::now();
    let metric = metric.unwrap_or(Metric::of(sets.labels.as_ref()));
    if let Some(labels) = &sets.labels {
        labels.go_with(metric, model.reference.ty(model.reference.outputs[0]).shape.elements())?;
    }
    let (quantised, full, budgeted) = match &sets.sequences {
        Some(runs) => {
            let full = carried(model, sets, runs, runner)?;
            let (found, budgeted) = keeping(model, &full, runs, options, (limits, on), metric, runner)?;
            (found, Some(full), budgeted)
        }
        None if limits.any() => {
            let calibration = Calibration::new(&model.reference, &sets.fit, &sets.select, options, runner)?;
            let (labels, states) = (sets.choices.as_ref(), &model.states);
            let choices = Trial { samples: &sets.select, labels, states, runs: None };
            let trials = [choices, sets.evaluation(states)];
            let (found, budgeted) =
                budget::quantise(model, calibration, trials, (limits, on), metric, runner)
                    .map_err(|refused| refused.why)?;
            (found, None, budgeted)
        }
        None => {
            (calibrate::calibrate(&model.reference, &sets.fit, &sets.select, options, runner)?, None, None)
        }
    };
    let used = full.as_ref().unwrap_or(sets);
    let mut report = report::of(&quantised, used, &model.states, metric, runner, started)?;
    report.budget = budgeted;
    Ok((quantised, full, report))
}

/// How much less noise 16 bits for states must leave over whole sequences to be worth them: a decibel.
const WORTH: f64 = 0.8;

/// Most runs of whole sequences by which is chosen.
const MOST_RUNS: usize = 512;

/// The samples of a model that keeps states: runs of the float model, each with the state that it begins with.
fn carried(
    model: &Model,
    sets: &Sets,
    [calibrate, evaluate]: &[Runs; 2],
    runner: &dyn Runner,
) -> Result<Sets, Diagnostics> {
    let of = |runs: &Runs| sequences::carried(runner, &model.reference, &model.states, runs);
    let mut full = sets::split(of(calibrate), None, Some((of(evaluate), sets.labels.clone())));
    full.split.one_file = sets.split.one_file;
    (full.notes, full.sequences, full.choices) =
        (sets.notes.clone(), sets.sequences.clone(), sets.choices.clone());
    full.finite()?;
    Ok(full)
}

/// A model that keeps states, within limits if there are any: with 8 bits for them, or 16 where its own runs drift less with those.
fn keeping(
    model: &Model,
    full: &Sets,
    [calibrate, _]: &[Runs; 2],
    options: &Options,
    (limits, on): (&Limits, budget::On<'_>),
    metric: Metric,
    runner: &dyn Runner,
) -> Result<(Quantised, Option<Budgeted>), Diagnostics> {
    let (graph, states) = (&model.reference, &model.states);
    let (runs, positions) = calibrate.some(MOST_RUNS);
    let samples = sequences::carried(runner, graph, states, &runs);
    let labels = full.choices.as_ref().map(|labels| labels.of(&positions));
    let choices = Trial { samples: &samples, labels: labels.as_ref(), states, runs: Some(&runs) };
    let widths = [false, true].map(|wide| {
        let states = plan::States { kept: states.kept().to_vec(), wide };
        Options { states, ..options.clone() }
    });
    let mut tried: Vec<(f64, Quantised, Calibration<'_>)> = Vec::new();
    for options in &widths {
        let calibration = Calibration::new(graph, &full.fit, &full.select, options, runner)?;
        let found = calibration.finish(calibration.draft(&Precisions::new()));
        let integer = &found.built.graph;
        let alike =
            |kept: &Kept| integer.ty(integer.inputs[kept.input]) == integer.ty(integer.outputs[kept.output]);
        debug_assert!(states.kept().iter().all(alike), "the plan stores both ends of a state alike");
        let types = |found: &Quantised| found.plan.groups.iter().map(|g| g.dtype).collect::<Vec<_>>();
        if tried.last().is_some_and(|(_, narrow, _)| types(narrow) == types(&found)) {
            break;
        }
        let truth = Truth::of(runner, &found.float, &samples);
        let loss = truth.loss_on(runner, &found.built, &choices.stored(runner, &found.float, integer));
        tried.push((loss, found, calibration));
    }
    // The better one first.
    if let [narrow, wide] = &tried[..]
        && wide.0 < narrow.0 * WORTH
    {
        tried.reverse();
    }
    if !limits.any() {
        return Ok((told(tried.swap_remove(0).1, states), None));
    }
    let mut refusals = Vec::new();
    for (_, _, calibration) in tried {
        // What does not fit with states of one width may fit with the other.
        let trials = [choices, full.evaluation(states)];
        match budget::quantise(model, calibration, trials, (limits, on), metric, runner) {
            Ok((found, budgeted)) => return Ok((told(found, states), budgeted)),
            Err(Refused { why, excess: Some(excess) }) => refusals.push((excess, why)),
            Err(refused) => return Err(refused.why),
        }
    }
    let nearest = refusals.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
    Err(nearest.map(|(_, why)| why).unwrap_or_default())
}

/// The same, 16 bits for states among the stages.
fn told(mut found: Quantised, states: &States) -> Quantised {
    let graph = &found.built.graph;
    let wide = |kept: &Kept| graph.ty(graph.inputs[kept.input]).dtype == DType::I16;
    if states.kept().iter().any(wide) {
        let loss = found.stages.last().map_or(0.0, |stage| stage.1);
        found.stages.push(("16 bits for states".into(), loss));
    }
    found
}

/// A note if the model is quantised already; such a model needs no samples.
pub fn already(model: &Model) -> Option<Diagnostic> {
    model.reference.values.values().any(|value| value.ty.is_quantized()).then(|| {
        Diagnostic::warning(code::ALREADY, "the model is quantised already and stays exactly as it is")
            .help("give the float model to quantise it anew")
    })
}
