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
use tinyc_ir::{DType, Diagnostic, Diagnostics};
use tinyc_passes::lower::state::Kept;
use tinyc_passes::quantize::calibrate::{self, Quantised};
use tinyc_passes::quantize::plan;

/// The numbers of the messages about calibration data.
pub mod code {
    /// Samples are too few to say how good the result is.
    pub const FEW: u16 = 424;
    /// The model is quantised already.
    pub const ALREADY: u16 = 425;
    /// Limits or a lock, and the model keeps states.
    pub const STATES: u16 = 426;
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
            if limits.any() {
                return Err(not_with_states("limits").into());
            }
            let (found, full) = keeping(model, sets, runs, options, runner)?;
            (found, Some(full), None)
        }
        None if limits.any() => {
            let (found, budgeted) = budget::quantise(model, sets, options, (limits, on), metric, runner)?;
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

/// Why a network that keeps states cannot have this.
pub fn not_with_states(what: &str) -> Diagnostic {
    Diagnostic::error(code::STATES, format!("{what} do not go with a network that keeps states"))
        .note("its precisions are chosen over whole sequences")
        .help("say --precision LAYER=int4 where weights are to be smaller")
}

/// How much less noise 16 bits for states must leave over whole sequences to be worth them: a decibel.
const WORTH: f64 = 0.8;

/// A model that keeps states: with 8 bits, or 16 where its own runs drift less with them.
fn keeping(
    model: &Model,
    sets: &Sets,
    [calibrate, evaluate]: &[Runs; 2],
    options: &Options,
    runner: &dyn Runner,
) -> Result<(Quantised, Sets), Diagnostics> {
    let (graph, states) = (&model.reference, &model.states);
    let samples = sequences::carried(runner, graph, states, calibrate);
    let measured = sequences::carried(runner, graph, states, evaluate);
    let mut full = sets::split(samples.clone(), None, Some((measured, sets.labels.clone())));
    full.split.one_file = sets.split.one_file;
    (full.notes, full.sequences) = (sets.notes.clone(), sets.sequences.clone());
    full.finite()?;
    let mut best: Option<(f64, Quantised)> = None;
    for wide in [false, true] {
        let mut options = options.clone();
        options.states = plan::States { kept: states.kept().to_vec(), wide };
        let found = calibrate::calibrate(graph, &full.fit, &full.select, &options, runner)?;
        let (float, integer) = (&found.float, &found.built.graph);
        let alike =
            |kept: &Kept| integer.ty(integer.inputs[kept.input]) == integer.ty(integer.outputs[kept.output]);
        debug_assert!(states.kept().iter().all(alike), "the plan stores both ends of a state alike");
        let types = |found: &Quantised| found.plan.groups.iter().map(|g| g.dtype).collect::<Vec<_>>();
        if best.as_ref().is_some_and(|(_, narrow)| types(narrow) == types(&found)) {
            break;
        }
        let own = sequences::carried_integers(runner, float, integer, states, calibrate);
        let drift = sequences::drift(runner, (float, &samples), (integer, &own));
        if best.as_ref().is_none_or(|(least, _)| drift < least * WORTH) {
            best = Some((drift, found));
        }
    }
    let Some((_, mut found)) = best else { unreachable!("both are tried") };
    let wide = |kept: &Kept| found.built.graph.ty(found.built.graph.inputs[kept.input]).dtype == DType::I16;
    if states.kept().iter().any(wide) {
        let loss = found.stages.last().map_or(0.0, |stage| stage.1);
        found.stages.push(("16 bits for states".into(), loss));
    }
    Ok((found, full))
}

/// A note if the model is quantised already; such a model needs no samples.
pub fn already(model: &Model) -> Option<Diagnostic> {
    model.reference.values.values().any(|value| value.ty.is_quantized()).then(|| {
        Diagnostic::warning(code::ALREADY, "the model is quantised already and stays exactly as it is")
            .help("give the float model to quantise it anew")
    })
}
