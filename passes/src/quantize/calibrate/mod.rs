//! A float graph and samples in, the best integer graph out: every choice is made by what it does to the outputs on samples
//! that the ranges were not taken from.
//!
//! Stages, each kept only if it helps: one method of ranges for all tensors; channels equalised; a range for each tensor, outputs clipped
//! only if that is worth it. Then layers may get other precisions. Then weights rounded so that layers make nearly what they did, and the error that
//! rounded weights make on average taken out of the biases.

mod finish;

use crate::graph::{fold_pad, fuse_activation};
use crate::quantize::adaptive;
use crate::quantize::equalize::{Exponents, equalised};
use crate::quantize::integer::build::Built;
use crate::quantize::integer::parameters::Parameters;
use crate::quantize::integer::weights::Weights;
use crate::quantize::loss::Truth;
use crate::quantize::plan::{self, Plan, Precision, Precisions, States};
use crate::quantize::range::Method;
use crate::quantize::range::observe::observe;
use crate::quantize::range::statistics::Statistics;
use crate::quantize::runner::Runner;
use crate::quantize::search::{Search, State};
use crate::quantize::units::{Unit, units};
use std::cell::OnceCell;
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
    /// The precision of all other layers; 8 bits if nothing is said, and then it may be chosen.
    pub precision: Option<Precision>,
    /// Whether inputs and outputs are integers; else the graph converts them.
    pub integer_face: bool,
    /// What the model keeps between runs.
    pub states: States,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            methods: Method::ALL.to_vec(),
            symmetric: false,
            precisions: BTreeMap::new(),
            precision: None,
            integer_face: true,
            states: States::default(),
        }
    }
}

/// What came of it.
#[derive(Clone)]
pub struct Quantised {
    /// The float graph that was quantised: the one that was given, clamps and pads fused.
    pub float: Graph,
    /// Powers of two by which its channels were divided.
    pub channels: Exponents,
    /// Which of its tensors are integers.
    pub plan: Plan,
    /// The precisions of its layers.
    pub precisions: Precisions,
    /// What it keeps between runs.
    pub states: States,
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

/// What part of the loss a change must take away to be kept: less is chance.
pub(in crate::quantize) const WORTH: f64 = 0.995;

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
    let calibration = Calibration::new(graph, fit, select, options, runner)?;
    Ok(calibration.finish(calibration.draft(&Precisions::new())))
}

/// A float model whose ranges are chosen. From here on, it can be built with any precisions.
pub struct Calibration<'a> {
    /// The float graph that is quantised: clamps and pads fused, channels equalised if that helped.
    pub float: Graph,
    /// The layers whose precision can be chosen, in the graph's order.
    pub units: Vec<Unit>,
    /// Noise over signal of the outputs with the precisions that are asked for, before the last stages.
    pub loss: f64,
    channels: Exponents,
    options: &'a Options,
    runner: &'a dyn Runner,
    fit: &'a [Vec<Tensor>],
    truth: Truth<'a>,
    precisions: Precisions,
    plan: Plan,
    seen: BTreeMap<Value, Statistics>,
    state: State,
    stages: Vec<(String, f64)>,
    /// Weights of four bits, by what their layers make; computed when first wanted.
    narrow: OnceCell<BTreeMap<Value, Weights>>,
}

/// A model with some precisions, before the last stages of its calibration.
pub struct Draft {
    /// The integer graph.
    pub built: Built,
    /// Noise over signal of its outputs.
    pub loss: f64,
    precisions: Precisions,
    plan: Plan,
    state: State,
    stages: Vec<(String, f64)>,
}

impl<'a> Calibration<'a> {
    /// Chooses ranges.
    ///
    /// # Errors
    /// See [`calibrate`].
    pub fn new(
        graph: &Graph,
        fit: &'a [Vec<Tensor>],
        select: &'a [Vec<Tensor>],
        options: &'a Options,
        runner: &'a dyn Runner,
    ) -> Result<Self, Diagnostics> {
        let float = prepared(graph);
        let precisions = precisions(&float, options)?;
        let plan = Plan::keeping(&float, &precisions, &options.states);
        if plan.layers.is_empty() {
            return Err(Diagnostic::error(code::NOTHING, "there is no layer of floats to quantise")
                .at(graph.name.clone())
                .note("layers are convolutions and products with constant weights, on float32")
                .help("compile the model without --calibrate")
                .into());
        }
        runner.stage("ranges");
        let truth = Truth::of(runner, &float, select);
        let begin = |graph: Graph| -> Result<(Graph, BTreeMap<Value, Statistics>, State, f64), Diagnostics> {
            let seen = seen(runner, &graph, &plan, fit)?;
            let statistics = of_groups(&plan, &seen);
            let precisions = precisions.clone();
            let search = Search { float: &graph, plan: &plan, precisions, options, runner, statistics };
            let (state, loss) = search.common_method(&truth);
            Ok((graph, seen, state, loss))
        };
        let mut stages = Vec::new();
        let mut channels = Exponents::new();
        let (mut own, mut seen, mut state, mut loss) = begin(float.clone())?;
        stages.push((format!("ranges by {}", state.name()), loss));
        let made: Vec<Value> = plan.layers.iter().map(|layer| layer.output).collect();
        runner.stage("equalising channels");
        if let Some((equal, exponents)) = equalised(&float, &observe(runner, &float, &made, fit)) {
            let found = begin(equal)?;
            if found.3 < loss * WORTH {
                (own, seen, state, loss) = found;
                channels = exponents;
                stages.push((format!("channels equalised, ranges by {}", state.name()), loss));
            }
        }
        let statistics = of_groups(&plan, &seen);
        let search =
            Search { float: &own, plan: &plan, precisions: precisions.clone(), options, runner, statistics };
        runner.stage("a range for each tensor");
        if let Some(better) = search.method_for_each(&state, select) {
            let whole = truth.loss(runner, &search.build(&better));
            if whole < loss * WORTH {
                (state, loss) = (better, whole);
                stages.push(("a range for each tensor".into(), loss));
            }
        }
        if let Some((wider, whole)) = search.with_wide_outputs(&state, loss, &truth) {
            (state, loss) = (wider, whole);
            stages.push(("outputs not clipped".into(), loss));
        }
        let units = units(&own, &plan, &precisions, options);
        Ok(Self {
            float: own,
            channels,
            units,
            loss,
            options,
            runner,
            fit,
            truth,
            precisions,
            plan,
            seen,
            state,
            stages,
            narrow: OnceCell::new(),
        })
    }

    /// The model with other precisions of some layers. Ranges stay as they were chosen; those of tensors that become wider are
    /// all that the samples showed.
    pub fn draft(&self, changed: &Precisions) -> Draft {
        let mut precisions = self.precisions.clone();
        precisions.extend(changed);
        if precisions == self.precisions {
            let (plan, state, stages) = (self.plan.clone(), self.state.clone(), self.stages.clone());
            let built = self.search(&plan, &precisions).build(&state);
            return Draft { built, loss: self.loss, precisions, plan, state, stages };
        }
        let plan = Plan::keeping(&self.float, &precisions, &self.options.states);
        let search = self.search(&plan, &precisions);
        let mut state = search.derived(&self.plan, &self.state);
        self.round_narrow(&plan, &mut state);
        let built = search.build(&state);
        let loss = self.truth.loss(self.runner, &built);
        let stages = [self.stages.clone(), vec![("precisions of layers".into(), loss)]].concat();
        Draft { built, loss, precisions, plan, state, stages }
    }

    /// Weights of four bits as they will be, not just the nearest ones: else a draft would say too little of its layers. Where what a
    /// layer reads is stored as it was.
    fn round_narrow(&self, plan: &Plan, state: &mut State) {
        for (layer, weights) in plan.layers.iter().zip(&mut state.parameters.layers) {
            let stored = plan.group(layer.input).map(|group| state.parameters.groups[group]);
            let before = self.plan.group(layer.input).map(|group| self.state.parameters.groups[group]);
            if weights.dtype != DType::I4 || stored != before {
                continue;
            }
            let all = self.narrow.get_or_init(|| {
                let search = self.search(&self.plan, &self.precisions);
                adaptive::narrowed(&search, &self.state, self.fit)
            });
            if let Some(rounded) = all.get(&layer.output) {
                weights.clone_from(rounded);
            }
        }
    }

    fn search<'s>(&'s self, plan: &'s Plan, precisions: &Precisions) -> Search<'s> {
        Search {
            float: &self.float,
            plan,
            precisions: precisions.clone(),
            options: self.options,
            runner: self.runner,
            statistics: of_groups(plan, &self.seen),
        }
    }
}

/// The graph with clamps and pads where the operators before and behind them take them in: ranges are those after the clamp. Products with
/// constants are layers, powers are parts of what is made of them.
pub fn prepared(graph: &Graph) -> Graph {
    fold_pad::run(&fuse_activation::run(&plan::squares::run(&plan::apart::run(graph))))
}

/// The name of a layer for the user: that of its ONNX node, else of its result.
pub fn layer_name(graph: &Graph, output: Value) -> &str {
    let origin = graph.node_of(output).map(|(_, data)| data.origin.name.as_str()).unwrap_or_default();
    if origin.is_empty() { &graph.values[output].name } else { origin }
}

/// What is asked of a layer.
pub(in crate::quantize) fn asked(options: &Options, name: &str) -> Option<Precision> {
    options.precisions.get(name).copied().or(options.precision)
}

/// The precision of each layer.
fn precisions(graph: &Graph, options: &Options) -> Result<Precisions, Diagnostics> {
    let plan = Plan::of(graph, &Precisions::new());
    let mut precisions = Precisions::new();
    let mut unknown: Vec<&String> = options.precisions.keys().collect();
    for layer in &plan.layers {
        let name = layer_name(graph, layer.output);
        unknown.retain(|n| *n != name);
        precisions.insert(layer.node, asked(options, name).unwrap_or_default());
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

/// What the samples show of each tensor that is stored as integers.
fn seen(
    runner: &dyn Runner,
    graph: &Graph,
    plan: &Plan,
    samples: &[Vec<Tensor>],
) -> Result<BTreeMap<Value, Statistics>, Diagnostics> {
    let values: Vec<Value> = plan.groups.iter().flat_map(|g| g.values.iter().copied()).collect();
    let seen = observe(runner, graph, &values, samples);
    for &value in &values {
        let Some(one) = seen.get(&value).filter(|one| one.not_finite > 0) else { continue };
        let name = &graph.values[value].name;
        return Err(Diagnostic::error(
            code::NOT_FINITE,
            format!("\"{name}\" is not finite on the calibration samples"),
        )
        .note(format!("{} of its numbers are NaN or infinite", one.not_finite))
        .help("look for NaN in the samples, and for their scale: the model wants what it was trained with")
        .into());
    }
    Ok(seen)
}

/// What was seen of each group's tensors together.
fn of_groups(plan: &Plan, seen: &BTreeMap<Value, Statistics>) -> Vec<Statistics> {
    let whole = |group: &plan::Group| {
        let mut values = group.values.iter().filter_map(|v| seen.get(v));
        let mut sum = values.next().cloned().unwrap_or_default();
        values.for_each(|other| sum.merge(other));
        sum
    };
    plan.groups.iter().map(whole).collect()
}
