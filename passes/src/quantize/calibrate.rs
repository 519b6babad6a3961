//! A float graph and samples in, the best integer graph out: every choice is made by what it does to the outputs on samples
//! that the ranges were not taken from.
//!
//! Stages, each kept only if it helps: one method of ranges for all tensors; channels equalised; a range for each tensor; fewer
//! bits for weights, if there is a budget; weights rounded so that layers make nearly what they did; the error that rounded weights
//! make on average taken out of the biases.

use super::adaptive;
use super::apart;
use super::build::{Built, Parameters};
use super::equalize::equalised;
use super::knapsack;
use super::loss::Truth;
use super::observe::observe;
use super::plan::{Plan, Precision, Precisions};
use super::range::Method;
use super::runner::Runner;
use super::search::{Search, State};
use super::statistics::Statistics;
use super::weights::Weights;
use crate::graph::{fold_pad, fuse_activation};
use std::collections::BTreeMap;
use tinyc_ir::graph::Value;
use tinyc_ir::{Diagnostic, Diagnostics, Graph, Tensor};

/// What the user may force or forbid.
#[derive(Clone, Debug)]
pub struct Options {
    /// The methods of ranges that are tried; all of them by default.
    pub methods: Vec<Method>,
    /// Whether activations have zero point 0.
    pub symmetric: bool,
    /// Precisions of layers by name; the name of a layer is that of its ONNX node, or of its result.
    pub precisions: BTreeMap<String, Precision>,
    /// The precision of all other layers.
    pub precision: Precision,
    /// The most bytes that all weights together may take; layers that lose least get four bits.
    pub weight_bytes: Option<WeightBytes>,
    /// Whether inputs and outputs are integers; else the graph converts them.
    pub integer_face: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            methods: Method::ALL.to_vec(),
            symmetric: false,
            precisions: BTreeMap::new(),
            precision: Precision::Int8,
            weight_bytes: None,
            integer_face: true,
        }
    }
}

/// A limit on all weights together.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum WeightBytes {
    /// So many bytes.
    Bytes(u64),
    /// So much of what they take with eight bits.
    Percent(f64),
}

/// What came of it.
#[derive(Clone)]
pub struct Quantised {
    /// The float graph that was quantised: the one that was given, clamps and pads fused.
    pub float: Graph,
    /// Which of its tensors are integers.
    pub plan: Plan,
    /// The chosen numbers.
    pub parameters: Parameters,
    /// How the range of each group was chosen; `None` where the operator knows it, or i16 needs no choice.
    pub methods: Vec<Option<Method>>,
    /// What the samples showed of each group.
    pub statistics: Vec<Statistics>,
    /// The integer graph.
    pub built: Built,
    /// Noise over signal of the outputs after each stage that was kept, and its name.
    pub stages: Vec<(String, f64)>,
    /// What the user should know.
    pub diagnostics: Diagnostics,
}

/// The numbers of the quantiser's messages.
pub mod code {
    /// There is nothing to quantise.
    pub const NOTHING: u16 = 421;
    /// Samples make tensors that are not finite.
    pub const NOT_FINITE: u16 = 422;
    /// A layer of that name does not exist.
    pub const LAYER: u16 = 423;
    /// Weights do not fit their budget.
    pub const BUDGET: u16 = 428;
}

/// What part of the loss a change must take away to be kept: less is chance.
pub(super) const WORTH: f64 = 0.995;

/// Quantises a float graph: ranges come from `fit`, choices from `select`.
///
/// # Errors
/// There is no layer to quantise, a layer that is named does not exist, or samples lead to NaN or infinity.
pub fn calibrate(
    graph: &Graph,
    fit: &[Vec<Tensor>],
    select: &[Vec<Tensor>],
    options: &Options,
    runner: &dyn Runner,
) -> Result<Quantised, Diagnostics> {
    let float = prepared(graph);
    let precisions = precisions(&float, options)?;
    let plan = Plan::of(&float, &precisions);
    if plan.layers.is_empty() {
        return Err(Diagnostic::error(code::NOTHING, "there is no layer of floats to quantise")
            .at(graph.name.clone())
            .note("layers are convolutions and products with constant weights, on float32")
            .help("compile the model without --calibrate")
            .into());
    }
    let truth = Truth::of(runner, &float, select);
    let begin = |graph: Graph| -> Result<(Graph, Vec<Statistics>, State, f64), Diagnostics> {
        let statistics = statistics(runner, &graph, &plan, fit)?;
        let precisions = precisions.clone();
        let search = Search { float: &graph, plan: &plan, precisions, options, runner, statistics };
        let (state, loss) = search.common_method(&truth);
        let statistics = search.statistics;
        Ok((graph, statistics, state, loss))
    };
    let mut stages = Vec::new();
    let (mut own, mut seen, mut state, mut loss) = begin(float.clone())?;
    stages.push((format!("ranges by {}", state.name()), loss));
    let made: Vec<Value> = plan.layers.iter().map(|layer| layer.output).collect();
    if let Some(equal) = equalised(&float, &observe(runner, &float, &made, fit)) {
        let found = begin(equal)?;
        if found.3 < loss * WORTH {
            (own, seen, state, loss) = found;
            stages.push((format!("channels equalised, ranges by {}", state.name()), loss));
        }
    }
    let mut search = Search { float: &own, plan: &plan, precisions, options, runner, statistics: seen };
    if let Some(better) = search.method_for_each(&state, select) {
        let whole = truth.loss(runner, &search.build(&better));
        if whole < loss * WORTH {
            (state, loss) = (better, whole);
            stages.push(("a range for each tensor".into(), loss));
        }
    }
    if let Some(budget) = options.weight_bytes
        && let Some(chosen) = within(budget, &search, &state, &truth, loss)?
    {
        state = search.narrowed(&state, &chosen);
        loss = truth.loss(runner, &search.build(&state));
        let count = chosen.iter().filter(|&&c| c).count();
        stages.push((format!("four bits for the weights of {count} layers"), loss));
    }
    if let Some((better, whole)) = adaptive::better(&search, &truth, fit, &state, loss) {
        (state, loss) = (better, whole);
        stages.push(("weights rounded adaptively".into(), loss));
    }
    let corrected = search.with_corrected_biases(&state);
    let found = truth.loss(runner, &search.build(&corrected));
    if found < loss * WORTH {
        state = corrected;
        stages.push(("biases corrected".into(), found));
    }
    let built = search.build(&state);
    let diagnostics = built.diagnostics.clone();
    let statistics = search.statistics;
    let State { methods, parameters } = state;
    Ok(Quantised { plan, parameters, methods, statistics, built, stages, diagnostics, float: own })
}

/// The layers that get weights of four bits so that all weights fit a budget; `None` if they fit as they are.
fn within(
    budget: WeightBytes,
    search: &Search<'_>,
    state: &State,
    truth: &Truth<'_>,
    loss: f64,
) -> Result<Option<Vec<bool>>, Diagnostics> {
    let bytes = |w: &Weights| w.dtype.bytes_of(w.stored.len()).unwrap_or_default() as u64;
    let now: u64 = state.parameters.layers.iter().map(bytes).sum();
    // Shares are of weights of eight bits.
    let whole: u64 = state.parameters.layers.iter().map(|w| w.stored.len() as u64).sum();
    let most = match budget {
        WeightBytes::Bytes(bytes) => bytes,
        WeightBytes::Percent(percent) => (whole as f64 * percent / 100.0) as u64,
    };
    if now <= most {
        return Ok(None);
    }
    let items = search.sensitivities(state, truth, loss);
    knapsack::choose(&items, now - most).map(Some).ok_or_else(|| {
        let least = now - items.iter().map(|item| item.saved).sum::<u64>();
        Diagnostic::error(code::BUDGET, format!("the weights do not fit {most} bytes"))
            .note(format!("they take {now} bytes, and {least} with four bits in every layer"))
            .help(format!("allow {least} bytes, or make the model smaller"))
            .into()
    })
}

/// The graph with clamps and pads where the operators before and behind them take them in: ranges are those after the clamp. Products with
/// constants are layers.
pub fn prepared(graph: &Graph) -> Graph {
    fold_pad::run(&fuse_activation::run(&apart::run(graph)))
}

/// The name of a layer for the user: that of its ONNX node, else of its result.
pub fn layer_name(graph: &Graph, output: Value) -> &str {
    let origin = graph.node_of(output).map(|(_, data)| data.origin.name.as_str()).unwrap_or_default();
    if origin.is_empty() { &graph.values[output].name } else { origin }
}

/// The precision of each layer.
fn precisions(graph: &Graph, options: &Options) -> Result<Precisions, Diagnostics> {
    let plan = Plan::of(graph, &Precisions::new());
    let mut precisions = Precisions::new();
    let mut unknown: Vec<&String> = options.precisions.keys().collect();
    for layer in &plan.layers {
        let name = layer_name(graph, layer.output);
        unknown.retain(|n| *n != name);
        precisions.insert(layer.node, options.precisions.get(name).copied().unwrap_or(options.precision));
    }
    let problems: Vec<Diagnostic> = unknown
        .into_iter()
        .map(|name| {
            let names: Vec<&str> = plan.layers.iter().map(|l| layer_name(graph, l.output)).collect();
            Diagnostic::error(code::LAYER, format!("there is no layer \"{name}\""))
                .help(format!("the layers are {}", names.join(", ")))
        })
        .collect();
    if problems.is_empty() { Ok(precisions) } else { Err(Diagnostics(problems)) }
}

/// What the samples show of each group.
fn statistics(
    runner: &dyn Runner,
    graph: &Graph,
    plan: &Plan,
    samples: &[Vec<Tensor>],
) -> Result<Vec<Statistics>, Diagnostics> {
    let values: Vec<Value> = plan.groups.iter().flat_map(|g| g.values.iter().copied()).collect();
    let seen = observe(runner, graph, &values, samples);
    let mut problems = Vec::new();
    for &value in &values {
        let Some(one) = seen.get(&value).filter(|one| one.not_finite > 0) else { continue };
        let name = &graph.values[value].name;
        problems.push(
            Diagnostic::error(
                code::NOT_FINITE,
                format!("\"{name}\" is not finite on the calibration samples"),
            )
            .note(format!("{} of its numbers are NaN or infinite", one.not_finite))
            .help(
                "look for NaN in the samples, and for their scale: the model wants what it was trained with",
            ),
        );
        break;
    }
    if !problems.is_empty() {
        return Err(Diagnostics(problems));
    }
    let whole = |group: &super::plan::Group| {
        let mut values = group.values.iter().filter_map(|v| seen.get(v));
        let mut sum = values.next().cloned().unwrap_or_default();
        values.for_each(|other| sum.merge(other));
        sum
    };
    Ok(plan.groups.iter().map(whole).collect())
}
