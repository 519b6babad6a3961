//! Adaptive rounding: weights are rounded up or down so that what a layer makes changes least, not the weights themselves.
//!
//! Nagel et al. (*Up or Down? Adaptive Rounding for Post-Training Quantization*, 2020) learn the directions by gradients. Here the same error,
//! a quadratic form, is made small without randomness: one weight after the other is rounded with the errors of those before
//! carried on (GPTQ, Frantar et al., 2022), then single weights and pairs move as long as the error falls. Layers come one after the
//! other, each with what it reads in the integer model as it is by then. Biases take what is left on average.
//!
//! Whether the model gets better is measured on samples that had no part in this.

mod damping;
mod gram;
mod halves;
mod inputs;
mod layer;
mod round;
mod taps;

use super::calibrate::WORTH;
use super::integer::weights::Weights;
use super::loss::Truth;
use super::plan::Layer;
use super::search::{Search, State};
use std::collections::BTreeMap;
use tinyc_ir::graph::Value;
use tinyc_ir::{DType, Tensor};

/// What layers aim at.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Aim {
    /// To make of their inputs what the float weights would.
    Weights,
    /// To make what the float model makes, though their inputs are not quite those of the float model.
    Outputs,
}

/// The state with weights rounded adaptively and its loss, if it is better; rows come from the samples `fit`.
pub(super) fn better(
    search: &Search<'_>,
    truth: &Truth<'_>,
    fit: &[Vec<Tensor>],
    state: &State,
    loss: f64,
) -> Option<(State, f64)> {
    let mut best: Option<(State, f64)> = None;
    for aim in [Aim::Weights, Aim::Outputs] {
        let found = adapted(search, state, fit, aim);
        let least = best.as_ref().map_or(loss, |(_, least)| *least);
        let own = truth.loss(search.runner, &search.build(&found));
        if own < least * WORTH {
            best = Some((found, own));
        }
    }
    best
}

/// The state with the weights of all layers rounded, in the graph's order.
fn adapted(search: &Search<'_>, state: &State, fit: &[Vec<Tensor>], aim: Aim) -> State {
    let mut state = state.clone();
    for same in sharing(&search.plan.layers) {
        layer::round(search, &mut state, fit, &same, aim);
    }
    state.parameters.settle(search.plan);
    state
}

/// The weights of each layer as they would be if it alone had four bits, the others being as they are in a state.
pub(super) fn narrowed(search: &Search<'_>, state: &State, fit: &[Vec<Tensor>]) -> BTreeMap<Value, Weights> {
    let mut all = BTreeMap::new();
    for same in sharing(&search.plan.layers) {
        let mut alone = state.clone();
        for &at in &same {
            let layer = &search.plan.layers[at];
            alone.parameters.layers[at] = search.layer_weights(layer, &state.parameters.groups, DType::I4);
        }
        layer::round(search, &mut alone, fit, &same, Aim::Weights);
        let layers =
            same.iter().map(|&at| (search.plan.layers[at].output, alone.parameters.layers[at].clone()));
        all.extend(layers);
    }
    all
}

/// Layers that share weights, in the order of the first of them.
fn sharing(layers: &[Layer]) -> Vec<Vec<usize>> {
    let mut by_weight: BTreeMap<Value, usize> = BTreeMap::new();
    let mut all: Vec<Vec<usize>> = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        let set = *by_weight.entry(layer.weight).or_insert(all.len());
        if set == all.len() {
            all.push(Vec::new());
        }
        all[set].push(at);
    }
    all
}
