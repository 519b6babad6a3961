//! What a calibration has come to, as plain data: for the printed summary, `--json` and pictures.

use super::budget::Budgeted;
use super::measure::{Metric, Scores, sqnr};
use super::sets::{Sets, Split};
use super::trial::values;
use crate::state::States;
use serde::Serialize;
use tinyc_ir::entity::Entity;
use tinyc_ir::{DType, Diagnostics, Graph, Value};
use tinyc_passes::quantize::calibrate::{Quantised, layer_name};
use tinyc_passes::quantize::plan::{Plan, Precisions};
use tinyc_passes::quantize::replay::Decided;
use tinyc_passes::quantize::runner::Runner;

/// A calibrated model.
#[derive(Clone, Debug, Serialize)]
pub struct QuantReport {
    /// How good it is.
    pub scores: Scores,
    /// Which samples were for what.
    pub split: Split,
    /// What was done, in order, and the noise over signal of the outputs after it, on the samples that choices are made by.
    pub stages: Vec<(String, f64)>,
    /// The layers with weights, in order.
    pub layers: Vec<LayerRow>,
    /// The tensors that are stored as integers; those that share parameters are one row.
    pub tensors: Vec<TensorRow>,
    /// Bytes of all weights as they are stored.
    pub weight_bytes: u64,
    /// What else could have been chosen, if there were limits to keep.
    pub budget: Option<Budgeted>,
    /// Operators that compute on floats, by name; empty for a model on integers only.
    pub float_operators: Vec<String>,
    /// All that was decided.
    #[serde(skip)]
    pub decided: Decided,
    /// Seconds taken; not part of what is compared or written to a file.
    #[serde(skip)]
    pub seconds: f64,
}

/// A layer with weights.
#[derive(Clone, Debug, Serialize)]
pub struct LayerRow {
    /// The ONNX node's name, or its result's.
    pub name: String,
    /// Types of input and weights, as `i8 x i8`.
    pub precision: String,
    /// Signal over noise of what it makes, in decibels: what came in before included. `None` without noise.
    pub sqnr_db: Option<f64>,
    /// Bytes of its weights; 0 where a layer before it has the same ones.
    pub weight_bytes: u64,
    /// The row of what it makes among the tensors, if that is stored as integers.
    pub tensor: Option<usize>,
}

/// Tensors that share scale and zero point.
#[derive(Clone, Debug, Serialize)]
pub struct TensorRow {
    /// The first tensor's name.
    pub name: String,
    /// `i8` or `i16`.
    pub dtype: String,
    /// The step.
    pub scale: f32,
    /// What stands for 0.
    pub zero_point: i32,
    /// How the range was chosen; `None` where the operator says it.
    pub method: Option<String>,
    /// The least and the greatest number on the calibration samples.
    pub seen: (f32, f32),
    /// The least and the greatest number that can be stored.
    pub range: (f32, f32),
    /// How many numbers fell into each of [`HISTOGRAM_BINS`] equal parts of `seen`.
    pub histogram: Vec<f64>,
}

/// Bars of a histogram.
pub const HISTOGRAM_BINS: usize = 64;

/// Samples on which layers are measured.
const LAYER_SAMPLES: usize = 32;

/// Measures a quantised model.
pub(super) fn of(
    quantised: &Quantised,
    sets: &Sets,
    states: &States,
    metric: Metric,
    runner: &dyn Runner,
    started: std::time::Instant,
) -> Result<QuantReport, Diagnostics> {
    runner.stage("measuring");
    let (float, built) = (&quantised.float, &quantised.built);
    let trial = sets.evaluation(states);
    let inputs = trial.stored(runner, float, &built.graph);
    let expected = trial.expected(runner, float);
    let scores = trial.scores(runner, metric, (&expected, &built.graph), &inputs);
    let few = sets.evaluate.len().min(LAYER_SAMPLES);
    // Those that stay on floats are layers, too.
    let all = Plan::of(float, &Precisions::new()).layers;
    let made: Vec<(usize, Value, Value)> = all
        .iter()
        .enumerate()
        .filter_map(|(at, layer)| Some((at, layer.output, built.stands_for[layer.output.index()]?)))
        .collect();
    let own: Vec<Value> = made.iter().map(|m| m.1).collect();
    let theirs: Vec<Value> = made.iter().map(|m| m.2).collect();
    let expected = values(runner, float, &own, &sets.evaluate[..few]);
    let got = values(runner, &built.graph, &theirs, &inputs[..few]);
    let column = |runs: &[Vec<Vec<f32>>], at: usize| -> Vec<Vec<Vec<f32>>> {
        runs.iter().map(|run| vec![run[at].clone()]).collect()
    };
    let mut layers = Vec::new();
    let mut shared = std::collections::BTreeSet::new();
    for (at, layer) in all.iter().enumerate() {
        let integer = quantised.plan.layers.iter().position(|other| other.node == layer.node);
        let weights = integer.map(|at| &quantised.parameters.layers[at]);
        let input = quantised.plan.group(layer.input).map(|g| quantised.parameters.groups[g].dtype);
        let row = made.iter().position(|m| m.0 == at);
        let count = float.ty(layer.weight).shape.elements();
        layers.push(LayerRow {
            name: layer_name(float, layer.output).to_owned(),
            precision: match weights {
                Some(weights) => format!("{} x {}", input.map_or("f32", |d| d.name()), weights.dtype),
                None => "f32 x f32".into(),
            },
            sqnr_db: row.and_then(|row| sqnr(&column(&expected, row), &column(&got, row))),
            weight_bytes: match shared.insert(layer.weight) {
                true => weights.map_or(DType::F32, |w| w.dtype).bytes_of(count).unwrap_or_default() as u64,
                false => 0,
            },
            tensor: weights.and_then(|_| quantised.plan.group(layer.output)),
        });
    }
    Ok(QuantReport {
        scores,
        split: sets.split.clone(),
        stages: quantised.stages.clone(),
        weight_bytes: layers.iter().map(|l| l.weight_bytes).sum(),
        layers,
        tensors: tensors(quantised),
        budget: None,
        float_operators: float_operators(&built.graph),
        decided: quantised.decided(),
        seconds: started.elapsed().as_secs_f64(),
    })
}

fn tensors(quantised: &Quantised) -> Vec<TensorRow> {
    let row = |at: usize| {
        let (group, stored, seen) =
            (&quantised.plan.groups[at], &quantised.parameters.groups[at], &quantised.statistics[at]);
        let ends = stored.ends();
        let none = seen.histogram.total() == 0;
        let (lo, hi) = if none { (0.0, 0.0) } else { (seen.min, seen.max) };
        TensorRow {
            name: quantised.float.values[group.values[0]].name.clone(),
            dtype: stored.dtype.to_string(),
            scale: stored.scale,
            zero_point: stored.zero_point,
            method: quantised.methods[at].map(|m| m.to_string()),
            seen: (lo, hi),
            range: (ends.0 as f32, ends.1 as f32),
            histogram: seen.histogram.linear(lo.into(), hi.into(), HISTOGRAM_BINS),
        }
    };
    (0..quantised.plan.groups.len()).map(row).collect()
}

/// Names of what computes on floats.
fn float_operators(graph: &Graph) -> Vec<String> {
    let float = |v: &Value| graph.ty(*v).dtype.is_float();
    graph
        .nodes
        .values()
        .filter(|data| data.outputs.iter().chain(&data.inputs).any(float))
        .map(|data| match data.origin.name.as_str() {
            "" => format!("{} ({})", graph.values[data.outputs[0]].name, data.op.name()),
            name => format!("{name} ({})", data.op.name()),
        })
        .collect()
}
