//! The stages of a calibration: each proposes numbers, and measures what they do to the outputs.

use super::calibrate::{Options, WORTH};
use super::integer::build::{Built, build};
use super::integer::parameters::Parameters;
use super::integer::weights::Weights;
use super::loss::Truth;
use super::plan::{Layer, Plan, Precision, Precisions};
use super::range::statistics::Statistics;
use super::range::{Method, Stored, range};
use super::runner::Runner;
use tinyc_ir::graph::Value;
use tinyc_ir::{DType, Graph, Tensor};

/// Runs that the choice of single ranges may take, in multiply-accumulates; the rest keeps the best common method.
const SEARCH_MACS: u64 = 5_000_000_000;

/// Samples on which single ranges are compared.
const SEARCH_SAMPLES: usize = 16;

/// By what a single range is made wider or narrower, again and again, as long as that helps.
const STRETCHES: [f64; 2] = [1.2, 0.87];

/// How much noise clipping an output must take away to be worth it: a decibel.
const CLIPPING: f64 = 1.25;

/// How much wider than what the samples showed the ranges of 16-bit tensors are.
const SPARE: f32 = 2.0;

/// One choice of everything.
#[derive(Clone)]
pub(super) struct State {
    pub(super) methods: Vec<Option<Method>>,
    pub(super) parameters: Parameters,
}

impl State {
    pub(super) fn name(&self) -> String {
        self.methods.iter().flatten().next().map_or_else(|| "the operators".into(), ToString::to_string)
    }
}

pub(super) struct Search<'a> {
    pub(super) float: &'a Graph,
    pub(super) plan: &'a Plan,
    pub(super) precisions: Precisions,
    pub(super) options: &'a Options,
    pub(super) runner: &'a dyn Runner,
    pub(super) statistics: Vec<Statistics>,
}

impl Search<'_> {
    pub(super) fn build(&self, state: &State) -> Built {
        build(self.float, self.plan, &state.parameters, self.options.integer_face)
    }

    /// The method with the least loss, the same for all tensors.
    pub(super) fn common_method(&self, truth: &Truth<'_>) -> (State, f64) {
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
        self.with_ranges(chosen, groups)
    }

    /// The ranges of all groups, how they were chosen, and the weights that go with them.
    fn with_ranges(&self, methods: Vec<Option<Method>>, groups: Vec<Stored>) -> State {
        let layers = self.weights(&groups);
        let mut parameters = Parameters { groups, layers };
        parameters.settle(self.plan);
        State { methods, parameters }
    }

    /// The same with another range of one group.
    fn with_range(&self, state: &State, group: usize, method: Method, stored: Stored) -> State {
        let (mut methods, mut groups) = (state.methods.clone(), state.parameters.groups.clone());
        (methods[group], groups[group]) = (Some(method), stored);
        self.with_ranges(methods, groups)
    }

    fn stored(&self, group: usize, method: Method) -> Stored {
        let (plan, seen) = (&self.plan.groups[group], &self.statistics[group]);
        let symmetric = self.options.symmetric;
        let (lo, hi) = range(method, seen, plan.dtype, symmetric);
        // Sixteen bits have room for what the samples did not show.
        let spare = if plan.dtype == DType::I16 { SPARE } else { 1.0 };
        plan.fixed.unwrap_or_else(|| Stored::of((lo * spare, hi * spare), plan.dtype, symmetric))
    }

    fn weights(&self, groups: &[Stored]) -> Vec<Weights> {
        let one = |layer: &Layer| {
            let dtype = match self.precisions.get(&layer.node) {
                Some(Precision::Int4) => DType::I4,
                _ => DType::I8,
            };
            self.layer_weights(layer, groups, dtype)
        };
        self.plan.layers.iter().map(one).collect()
    }

    pub(super) fn layer_weights(&self, layer: &Layer, groups: &[Stored], dtype: DType) -> Weights {
        let constant = |value: Value| -> &[f32] {
            self.float.const_of(value).and_then(|t| t.data.as_f32()).unwrap_or_default()
        };
        let scale = self.plan.group(layer.input).map_or(1.0, |group| groups[group].scale);
        Weights::of(constant(layer.weight), constant(layer.bias), scale, dtype, dtype == DType::I4)
    }

    /// Another method for each tensor where that helps, one tensor after the other. `None` if there is nothing to choose.
    pub(super) fn method_for_each(&self, state: &State, samples: &[Vec<Tensor>]) -> Option<State> {
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
                let next = self.with_range(&best.0, group, method, stored);
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
        Some(best.0)
    }

    /// Ranges of outputs as wide as all that the samples for ranges showed, unless that makes much more noise. What is clipped there is lost,
    /// and the few samples for choices may lack the rare numbers that a narrow range clips.
    pub(super) fn with_wide_outputs(
        &self,
        state: &State,
        loss: f64,
        truth: &Truth<'_>,
    ) -> Option<(State, f64)> {
        if self.options.methods.len() < 2 {
            return None;
        }
        let supplied: Vec<usize> = self.float.inputs.iter().filter_map(|&v| self.plan.group(v)).collect();
        let mut best = None;
        for group in truth.watched.iter().filter_map(|&v| self.plan.group(v)) {
            let now = best.as_ref().map_or(state, |(state, _): &(State, f64)| state);
            let wide = self.stored(group, Method::MinMax);
            let known = now.methods[group].is_none_or(|method| method == Method::MinMax);
            if known || supplied.contains(&group) || wide.scale <= now.parameters.groups[group].scale {
                continue;
            }
            let next = self.with_range(now, group, Method::MinMax, wide);
            let found = truth.loss(self.runner, &self.build(&next));
            if found < loss * CLIPPING {
                best = Some((next, found));
            }
        }
        best
    }

    /// The state of this plan that takes its ranges over from that of another one, whose groups are at least as large.
    pub(super) fn derived(&self, plan: &Plan, state: &State) -> State {
        let mut methods = Vec::new();
        let mut groups = Vec::new();
        for (at, group) in self.plan.groups.iter().enumerate() {
            let other = plan.group(group.values[0]).filter(|&g| plan.groups[g].dtype == group.dtype);
            match other {
                Some(other) => {
                    methods.push(state.methods[other]);
                    groups.push(state.parameters.groups[other]);
                }
                None => {
                    methods.push(None);
                    groups.push(self.stored(at, Method::MinMax));
                }
            }
        }
        self.with_ranges(methods, groups)
    }

    /// Biases less what the rounding of the weights adds on average: `Σ (stored − real) · mean of the input`, over the taps.
    pub(super) fn with_corrected_biases(&self, state: &State) -> State {
        let mut state = state.clone();
        for (layer, weights) in self.plan.layers.iter().zip(&mut state.parameters.layers) {
            let Some(group) = self.plan.group(layer.input) else { continue };
            let real = self.float.const_of(layer.weight).and_then(|t| t.data.as_f32()).unwrap_or_default();
            let means = self.means(layer, group);
            let row = real.len() / weights.bias.len().max(1);
            let stored = weights.reals();
            let biases = self.float.const_of(layer.bias).and_then(|t| t.data.as_f32()).unwrap_or_default();
            for (channel, (bias, float)) in weights.bias.iter_mut().zip(biases).enumerate() {
                let taps = channel * row..(channel + 1) * row;
                let shift: f64 =
                    taps.map(|at| f64::from(stored[at] - real[at]) * means(channel, at % row)).sum();
                *bias = float - shift as f32;
            }
        }
        state
    }

    /// The mean of what the weight at a position of an output channel's row is multiplied with.
    fn means(&self, layer: &Layer, group: usize) -> impl Fn(usize, usize) -> f64 {
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
