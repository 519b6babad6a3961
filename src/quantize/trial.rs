//! Samples on which models are tried: each by itself, or whole sequences in which a model carries its own state.

use super::labels::Labels;
use super::measure::{Metric, Scores};
use super::sequences::{self, Runs};
use crate::state::States;
use tinyc_ir::graph::Value;
use tinyc_ir::{Graph, Tensor, TensorType};
use tinyc_passes::quantize::loss::{reals, stored_inputs};
use tinyc_passes::quantize::runner::{Runner, observing, outputs};

/// Samples, and what is known of the answers.
#[derive(Clone, Copy)]
pub(super) struct Trial<'a> {
    /// One tensor for each input of the float model, states as it carries them.
    pub(super) samples: &'a [Vec<Tensor>],
    /// The answers, if they are known.
    pub(super) labels: Option<&'a Labels>,
    /// What the model keeps.
    pub(super) states: &'a States,
    /// If it keeps something: the runs that the samples are made of.
    pub(super) runs: Option<&'a Runs>,
}

impl Trial<'_> {
    /// The inputs of an integer model of `float`: what the user supplies, and what the model itself carries.
    pub(super) fn stored(&self, runner: &dyn Runner, float: &Graph, integer: &Graph) -> Vec<Vec<Tensor>> {
        match self.runs {
            Some(runs) => sequences::carried_integers(runner, float, integer, self.states, runs),
            None => stored_inputs(float, integer, self.samples),
        }
    }

    /// For each sample, the real numbers of each output that the user receives.
    pub(super) fn received(
        &self,
        runner: &dyn Runner,
        graph: &Graph,
        inputs: &[Vec<Tensor>],
    ) -> Vec<Vec<Vec<f32>>> {
        let wanted: Vec<Value> = self.states.received(graph).map(|(_, value)| value).collect();
        values(runner, graph, &wanted, inputs)
    }

    /// The same of the float model.
    pub(super) fn expected(&self, runner: &dyn Runner, float: &Graph) -> Vec<Vec<Vec<f32>>> {
        self.received(runner, float, self.samples)
    }

    /// How good an integer model is, whose inputs are `stored`; `expected` is what the float model makes.
    pub(super) fn scores(
        &self,
        runner: &dyn Runner,
        metric: Metric,
        (expected, integer): (&[Vec<Vec<f32>>], &Graph),
        stored: &[Vec<Tensor>],
    ) -> Scores {
        Scores::of(metric, expected, &self.received(runner, integer, stored), self.labels)
    }
}

/// For each sample, the real numbers of some of a graph's values.
pub(super) fn values(
    runner: &dyn Runner,
    graph: &Graph,
    values: &[Value],
    samples: &[Vec<Tensor>],
) -> Vec<Vec<Vec<f32>>> {
    let types: Vec<TensorType> = values.iter().map(|&v| graph.ty(v).clone()).collect();
    let keep = |tensors: Vec<Tensor>| tensors.iter().zip(&types).map(|(t, ty)| reals(t, ty)).collect();
    outputs(runner, &observing(graph, values), samples, keep)
}
