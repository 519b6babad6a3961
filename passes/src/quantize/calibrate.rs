//! A float graph and samples in, the best integer graph out: every choice is made by what it does to the outputs on samples
//! that the ranges were not taken from.
//!
//! Stages, each kept only if it helps: one method of ranges for all tensors, then a method for each tensor; the error that
//! rounded weights make on average taken out of the biases.

use super::build::{Built, Parameters, build};
use super::loss::Truth;
use super::observe::observe;
use super::plan::{Plan, Precision, Precisions};
use super::range::{Method, Stored, range};
use super::runner::Runner;
use super::statistics::Statistics;
use super::weights::Weights;
use crate::graph::{fold_pad, fuse_activation};
use std::collections::BTreeMap;
use tinyc_ir::graph::Value;
use tinyc_ir::{DType, Diagnostic, Diagnostics, Graph, Tensor};

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
            integer_face: true,
        }
    }
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
}

/// Runs that the choice of single ranges may take, in multiply-accumulates; the rest keeps the best common method.
const SEARCH_MACS: u64 = 1_000_000_000;

/// Samples on which single ranges are compared.
const SEARCH_SAMPLES: usize = 16;

/// By what a single range is made wider or narrower, again and again, as long as that helps.
const STRETCHES: [f64; 2] = [1.2, 0.87];

/// What part of the loss a change must take away to be kept: less is chance.
const WORTH: f64 = 0.995;

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
    let statistics = statistics(runner, &float, &plan, fit)?;
    let truth = Truth::of(runner, &float, select);
    let mut search =
        Search { float: &float, plan: &plan, precisions: &precisions, options, runner, statistics };
    let mut stages = Vec::new();
    let (mut state, mut loss) = search.common_method(&truth);
    stages.push((format!("ranges by {}", state.name()), loss));
    if let Some((better, less)) = search.method_for_each(&state, select) {
        let whole = truth.loss(runner, &search.build(&better));
        if whole < loss * WORTH && less < f64::INFINITY {
            (state, loss) = (better, whole);
            stages.push(("a range for each tensor".into(), loss));
        }
    }
    let corrected = search.with_corrected_biases(&state);
    let found = truth.loss(runner, &search.build(&corrected));
    if found < loss * WORTH {
        (state, loss) = (corrected, found);
        stages.push(("biases corrected".into(), loss));
    }
    let built = search.build(&state);
    let diagnostics = built.diagnostics.clone();
    let statistics = std::mem::take(&mut search.statistics);
    let State { methods, parameters } = state;
    Ok(Quantised { plan, parameters, methods, statistics, built, stages, diagnostics, float })
}

/// The graph with clamps and pads where the operators before and behind them take them in: ranges are those after the clamp.
pub fn prepared(graph: &Graph) -> Graph {
    fold_pad::run(&fuse_activation::run(graph))
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

/// One choice of everything.
#[derive(Clone)]
struct State {
    methods: Vec<Option<Method>>,
    parameters: Parameters,
}

impl State {
    fn name(&self) -> String {
        self.methods.iter().flatten().next().map_or_else(|| "the operators".into(), ToString::to_string)
    }
}

struct Search<'a> {
    float: &'a Graph,
    plan: &'a Plan,
    precisions: &'a Precisions,
    options: &'a Options,
    runner: &'a dyn Runner,
    statistics: Vec<Statistics>,
}

impl Search<'_> {
    fn build(&self, state: &State) -> Built {
        build(self.float, self.plan, &state.parameters, self.options.integer_face)
    }

    /// The method with the least loss, the same for all tensors.
    fn common_method(&self, truth: &Truth<'_>) -> (State, f64) {
        let mut best: Option<(State, f64)> = None;
        for &method in &self.options.methods {
            let state = self.state(&vec![method; self.plan.groups.len()]);
            // One way only: nothing is to be compared.
            let loss = truth.loss(self.runner, &self.build(&state));
            if best.as_ref().is_none_or(|(_, least)| loss < least * WORTH) {
                best = Some((state, loss));
            }
        }
        best.unwrap_or_else(|| (self.state(&vec![Method::MinMax; self.plan.groups.len()]), f64::INFINITY))
    }

    /// Parameters by these methods.
    fn state(&self, methods: &[Method]) -> State {
        let mut chosen = Vec::new();
        let mut groups = Vec::new();
        for (at, group) in self.plan.groups.iter().enumerate() {
            let choice = group.fixed.is_none() && group.dtype == DType::I8;
            chosen.push(choice.then_some(methods[at]));
            groups.push(self.stored(at, methods[at]));
        }
        let layers = self.weights(&groups);
        State { methods: chosen, parameters: Parameters { groups, layers } }
    }

    fn stored(&self, group: usize, method: Method) -> Stored {
        let (plan, seen) = (&self.plan.groups[group], &self.statistics[group]);
        let symmetric = self.options.symmetric;
        plan.fixed
            .unwrap_or_else(|| Stored::of(range(method, seen, plan.dtype, symmetric), plan.dtype, symmetric))
    }

    fn weights(&self, groups: &[Stored]) -> Vec<Weights> {
        let constant = |value: Value| -> &[f32] {
            self.float.const_of(value).and_then(|t| t.data.as_f32()).unwrap_or_default()
        };
        let one = |layer: &super::plan::Layer| {
            let scale = self.plan.group(layer.input).map_or(1.0, |group| groups[group].scale);
            let dtype = match self.precisions.get(&layer.node) {
                Some(Precision::Int4) => DType::I4,
                _ => DType::I8,
            };
            Weights::of(constant(layer.weight), constant(layer.bias), scale, dtype, dtype == DType::I4)
        };
        self.plan.layers.iter().map(one).collect()
    }

    /// Another method for each tensor where that helps, one tensor after the other, and the loss on the samples that it was
    /// chosen by. `None` if there is nothing to choose.
    fn method_for_each(&self, state: &State, samples: &[Vec<Tensor>]) -> Option<(State, f64)> {
        let samples = &samples[..samples.len().min(SEARCH_SAMPLES)];
        if self.options.methods.len() < 2 || samples.is_empty() {
            return None;
        }
        let truth = Truth::of(self.runner, self.float, samples);
        let cost = crate::graph::macs(self.float).max(1) * samples.len() as u64;
        let mut runs = SEARCH_MACS / cost;
        let mut best = (state.clone(), truth.loss(self.runner, &self.build(state)));
        for group in 0..self.plan.groups.len() {
            let Some(own) = best.0.methods[group] else { continue };
            let mut tried = vec![self.stored(group, own)];
            let mut attempt = |best: &mut (State, f64), method: Method, stored: Stored| {
                if runs == 0 || tried.iter().any(|other| alike(other, &stored)) {
                    return false;
                }
                runs -= 1;
                tried.push(stored);
                let mut next = best.0.clone();
                next.methods[group] = Some(method);
                next.parameters.groups[group] = stored;
                next.parameters.layers = self.weights(&next.parameters.groups);
                let loss = truth.loss(self.runner, &self.build(&next));
                let better = loss < best.1 * WORTH;
                if better {
                    *best = (next, loss);
                }
                better
            };
            for &method in self.options.methods.iter().filter(|&&m| m != own) {
                attempt(&mut best, method, self.stored(group, method));
            }
            let seen = (self.statistics[group].min, self.statistics[group].max);
            for factor in STRETCHES {
                loop {
                    let stored = best.0.parameters.groups[group];
                    let stored = stored.stretched(factor, seen, self.options.symmetric);
                    if !attempt(&mut best, Method::Measured, stored) {
                        break;
                    }
                }
            }
        }
        Some(best)
    }

    /// Biases less what the rounding of the weights adds on average: `Σ (stored − real) · mean of the input`, over the taps.
    fn with_corrected_biases(&self, state: &State) -> State {
        let mut state = state.clone();
        for (layer, weights) in self.plan.layers.iter().zip(&mut state.parameters.layers) {
            let Some(group) = self.plan.group(layer.input) else { continue };
            let real = self.float.const_of(layer.weight).and_then(|t| t.data.as_f32()).unwrap_or_default();
            let means = self.means(layer, group);
            let row = real.len() / weights.bias.len().max(1);
            let stored = weights.reals();
            for (channel, bias) in weights.bias.iter_mut().enumerate() {
                let taps = channel * row..(channel + 1) * row;
                let shift: f64 =
                    taps.map(|at| f64::from(stored[at] - real[at]) * means(channel, at % row)).sum();
                *bias -= shift as f32;
            }
        }
        state
    }

    /// The mean of what the weight at a position of an output channel's row is multiplied with.
    fn means(&self, layer: &super::plan::Layer, group: usize) -> impl Fn(usize, usize) -> f64 {
        let dims = self.float.ty(layer.weight).shape.to_vec();
        let input = Statistics::channels_of(&self.float.ty(layer.input).shape);
        let own = self.statistics[group].channel_means();
        // A group of tensors with different channels knows the mean of all only.
        let means = if own.len() == input { own } else { vec![0.0; input] };
        let (outputs, depth) = (dims[0], dims[dims.len() - 1]);
        move |channel, at| {
            let groups = input / depth.max(1);
            let first = if groups > 1 { channel * groups / outputs * depth } else { 0 };
            means.get(first + at % depth).copied().unwrap_or(0.0)
        }
    }
}

/// Whether two storages differ by less than what could be measured.
fn alike(a: &Stored, b: &Stored) -> bool {
    (a.scale / b.scale - 1.0).abs() < 0.01 && a.zero_point.abs_diff(b.zero_point) <= 1
}
