//! What the quantiser would do to a model, without compiling it: how much each layer alone costs, and what stays on floats, and why.

use super::{Limits, Metric, QuantReport, Sets, measured};
use crate::pipeline::Model;
use serde::Serialize;
use std::collections::BTreeMap;
use tinyc_ir::graph::{Node, Value};
use tinyc_ir::{Diagnostic, Diagnostics};
use tinyc_passes::quantize::calibrate::{Options, Quantised, layer_name};
use tinyc_passes::quantize::integer::build::build;
use tinyc_passes::quantize::integer::parameters::Parameters;
use tinyc_passes::quantize::loss::Truth;
use tinyc_passes::quantize::plan::reason::why;
use tinyc_passes::quantize::plan::{Plan, Precision, Precisions};
use tinyc_passes::quantize::runner::Runner;

/// A calibrated model, looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Scores, layers, tensors.
    pub report: QuantReport,
    /// Layers, those that share weights as one, in the graph's order.
    pub alone: Vec<Alone>,
    /// Operators on floats, in the graph's order.
    pub floats: Vec<OnFloats>,
    /// What the user should know.
    #[serde(skip)]
    pub notes: Vec<Diagnostic>,
}

/// The only layer on integers.
#[derive(Clone, Debug, Serialize)]
pub struct Alone {
    /// The layer, by the names of its row in the report.
    pub name: String,
    /// How many layers share its weights, itself included.
    pub steps: usize,
    /// Signal over noise of the outputs then, in decibels, before a final softmax or sigmoid; `None` without noise.
    pub sqnr_db: Option<f64>,
}

/// An operator that stays on floats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OnFloats {
    /// The ONNX node's name, or its result's.
    pub name: String,
    /// The operator of the graph.
    pub operator: &'static str,
    /// Why.
    pub why: &'static str,
}

/// Calibrates a model and looks at what came of it.
///
/// # Errors
/// See [`quantise`](super::quantise).
pub fn inspected(
    model: &Model,
    sets: &Sets,
    options: &Options,
    metric: Option<Metric>,
    runner: &dyn Runner,
) -> Result<Inspection, Diagnostics> {
    let (quantised, full, mut report) =
        measured(model, sets, options, (&Limits::default(), None), metric, runner)?;
    // The same model and samples are described by the same text.
    report.seconds = 0.0;
    let sets = full.as_ref().unwrap_or(sets);
    let truth = Truth::of(runner, &quantised.float, &sets.select);
    let mut shared: BTreeMap<Value, Vec<Node>> = BTreeMap::new();
    let mut order: Vec<Value> = Vec::new();
    for layer in &quantised.plan.layers {
        let nodes = shared.entry(layer.weight).or_default();
        if nodes.is_empty() {
            order.push(layer.weight);
        }
        nodes.push(layer.node);
    }
    let alone = order.iter().map(|weight| alone(&quantised, &shared[weight], &truth, runner)).collect();
    let mut notes: Vec<Diagnostic> = quantised.diagnostics.0.clone();
    notes.extend(sets.notes.iter().cloned().chain(sets.warning()));
    let floats = floats(&quantised, options);
    Ok(Inspection { report, alone, floats, notes })
}

/// What the model would lose if only these layers computed on integers, with the numbers that were chosen for all.
fn alone(quantised: &Quantised, nodes: &[Node], truth: &Truth<'_>, runner: &dyn Runner) -> Alone {
    let float = &quantised.float;
    let others = quantised.plan.layers.iter().filter(|layer| !nodes.contains(&layer.node));
    let precisions: Precisions = others.map(|layer| (layer.node, Precision::Float)).collect();
    let plan = Plan::keeping(float, &precisions, &quantised.states);
    let stored = |values: &[Value]| {
        let group = values.iter().find_map(|&v| quantised.plan.group(v))?;
        Some(quantised.parameters.groups[group])
    };
    let groups: Option<Vec<_>> = plan.groups.iter().map(|group| stored(&group.values)).collect();
    let weights = |node: Node| {
        let at = quantised.plan.layers.iter().position(|layer| layer.node == node)?;
        Some(quantised.parameters.layers[at].clone())
    };
    let layers: Option<Vec<_>> = plan.layers.iter().map(|layer| weights(layer.node)).collect();
    let loss = groups.zip(layers).map(|(groups, layers)| {
        truth.loss(runner, &build(float, &plan, &Parameters { groups, layers }, false))
    });
    let name = layer_name(float, float.nodes[nodes[0]].outputs[0]).to_owned();
    let sqnr_db = loss.filter(|&loss| loss > 0.0 && loss.is_finite()).map(|loss| -10.0 * loss.log10());
    Alone { name, steps: nodes.len(), sqnr_db }
}

fn floats(quantised: &Quantised, options: &Options) -> Vec<OnFloats> {
    let float = &quantised.float;
    let name = |node: Node| layer_name(float, float.nodes[node].outputs[0]);
    let asked = |node: Node| options.precisions.get(name(node)).copied();
    let precisions: Precisions = float.nodes.keys().filter_map(|node| Some((node, asked(node)?))).collect();
    let row = |node: Node| {
        let why = why(float, &quantised.plan, &precisions, node)?;
        Some(OnFloats { name: name(node).to_owned(), operator: float.nodes[node].op.name(), why })
    };
    float.nodes.keys().filter_map(row).collect()
}
