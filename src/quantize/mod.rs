//! A float model and samples in, an integer model out, with numbers that say how good it is.
//!
//! The choices are made in [`tinyc_passes::quantize`]; here are the data, the metrics and the report.

pub mod budget;
mod labels;
mod measure;
mod native;
mod numbers;
mod report;
mod sets;
mod table;

pub use budget::{Budgeted, Joules, Latency, Limits, WeightBytes};
pub use labels::Labels;
pub use measure::{Metric, Scores};
pub use native::Native;
pub use report::{HISTOGRAM_BINS, LayerRow, QuantReport, TensorRow};
pub use sets::{Sets, Split, load, split};
pub use tinyc_passes::quantize::calibrate::Options;
pub use tinyc_passes::quantize::plan::Precision;
pub use tinyc_passes::quantize::range::Method;
pub use tinyc_passes::quantize::runner::{Evaluator, Runner};

use crate::pipeline::Model;
use tinyc_ir::{Diagnostic, Diagnostics};
use tinyc_passes::quantize::calibrate;

/// The numbers of the messages about calibration data.
pub mod code {
    /// Samples are too few to say how good the result is.
    pub const FEW: u16 = 424;
    /// The model is quantised already.
    pub const ALREADY: u16 = 425;
    /// Calibration does not go with what else is asked for.
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
/// There is nothing to quantise; samples lead to NaN; the model keeps states.
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
    if !model.states.is_empty() {
        return Err(Diagnostic::error(code::STATES, "a network that keeps states is not calibrated yet")
            .note("samples of a sequence belong together, and ranges of states come from whole sequences")
            .help("compile it without --calibrate, or unroll the sequence in the model")
            .into());
    }
    sets.finite()?;
    let started = std::time::Instant::now();
    let metric = metric.unwrap_or(Metric::of(sets.labels.as_ref()));
    if let Some(labels) = &sets.labels {
        labels.go_with(metric, model.reference.ty(model.reference.outputs[0]).shape.elements())?;
    }
    let (quantised, budgeted) = match limits.any() {
        true => budget::quantise(model, sets, options, (limits, on), metric, runner)?,
        false => (calibrate::calibrate(&model.reference, &sets.fit, &sets.select, options, runner)?, None),
    };
    let mut report = report::of(&quantised, sets, metric, runner, started)?;
    report.budget = budgeted;
    result.reference = quantised.built.graph;
    result.reference.name.clone_from(&model.reference.name);
    result.warnings.0.extend(quantised.diagnostics.0);
    result.warnings.0.extend(sets.notes.iter().cloned());
    result.warnings.0.extend(sets.warning());
    Ok((result, Some(report)))
}

/// A note if the model is quantised already; such a model needs no samples.
pub fn already(model: &Model) -> Option<Diagnostic> {
    model.reference.values.values().any(|value| value.ty.is_quantized()).then(|| {
        Diagnostic::warning(code::ALREADY, "the model is quantised already and stays exactly as it is")
            .help("give the float model to quantise it anew")
    })
}
