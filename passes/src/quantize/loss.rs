//! How far a quantised graph is from the float one: the measure by which everything is chosen.
//!
//! Noise over signal of the outputs, on samples that no range was taken from. Behind a softmax or a sigmoid differences
//! hide, so those are looked at before it.

use super::integer::build::Built;
use super::plan::{Form, form};
use super::runner::{Runner, observing, outputs};
use tinyc_ir::entity::Entity;
use tinyc_ir::graph::Value;
use tinyc_ir::op::Quantize;
use tinyc_ir::{DType, Data, Graph, Op, Tensor, TensorType};

/// The float graph's results on the samples that decide.
pub struct Truth<'a> {
    graph: Graph,
    /// What is compared: outputs, or what they are made of.
    pub watched: Vec<Value>,
    samples: &'a [Vec<Tensor>],
    /// For each sample, its tensors of `watched`, one behind the other.
    floats: Vec<Vec<f32>>,
    /// Where each watched tensor begins.
    starts: Vec<usize>,
    /// The sum of squares of each watched tensor around its mean; where it hardly varies, a part of that around zero.
    signals: Vec<f64>,
}

impl<'a> Truth<'a> {
    /// Runs the float graph.
    pub fn of(runner: &dyn Runner, graph: &Graph, samples: &'a [Vec<Tensor>]) -> Self {
        let watched = watched(graph);
        let mut starts = vec![0];
        for &value in &watched {
            starts.push(starts[starts.len() - 1] + graph.ty(value).shape.elements());
        }
        let join = |tensors: Vec<Tensor>| -> Vec<f32> {
            tensors.iter().flat_map(|t| t.data.as_f32().unwrap_or_default()).copied().collect()
        };
        let floats = outputs(runner, &observing(graph, &watched), samples, join);
        let signals = (0..watched.len()).map(|i| signal(&floats, starts[i]..starts[i + 1])).collect();
        Self { graph: graph.clone(), watched, samples, floats, starts, signals }
    }

    /// Noise over signal, the mean of all watched tensors; infinite if the graph makes no number of one.
    pub fn loss(&self, runner: &dyn Runner, built: &Built) -> f64 {
        self.loss_on(runner, built, &stored_inputs(&self.graph, &built.graph, self.samples))
    }

    /// The same with other inputs of the quantised graph, one for each sample: what it carries itself from one run to the next, say.
    pub fn loss_on(&self, runner: &dyn Runner, built: &Built, samples: &[Vec<Tensor>]) -> f64 {
        let losses = self.losses(runner, built, samples);
        let loss = losses.iter().sum::<f64>() / losses.len().max(1) as f64;
        if loss.is_nan() { f64::INFINITY } else { loss }
    }

    fn losses(&self, runner: &dyn Runner, built: &Built, samples: &[Vec<Tensor>]) -> Vec<f64> {
        let found: Option<Vec<Value>> = self.watched.iter().map(|v| built.stands_for[v.index()]).collect();
        let Some(found) = found else { return vec![f64::INFINITY] };
        let types: Vec<TensorType> = found.iter().map(|&v| built.graph.ty(v).clone()).collect();
        let join = |tensors: Vec<Tensor>| -> Vec<f32> {
            tensors.iter().zip(&types).flat_map(|(tensor, ty)| reals(tensor, ty)).collect()
        };
        let runs = outputs(runner, &observing(&built.graph, &found), samples, join);
        let noise = |at: usize| -> f64 {
            let part = self.starts[at]..self.starts[at + 1];
            let sample = |(float, own): (&Vec<f32>, &Vec<f32>)| -> f64 {
                float[part.clone()]
                    .iter()
                    .zip(&own[part.clone()])
                    .map(|(a, b)| f64::from(a - b).powi(2))
                    .sum()
            };
            self.floats.iter().zip(&runs).map(sample).sum()
        };
        (0..found.len()).map(|at| noise(at) / self.signals[at].max(1e-30)).collect()
    }
}

/// What of a graph is compared: its outputs, or what they are made of.
fn watched(graph: &Graph) -> Vec<Value> {
    let mut watched = Vec::new();
    for &output in &graph.outputs {
        let value = before_squashing(graph, output);
        if graph.node_of(value).is_some() && graph.ty(value).dtype == DType::F32 && !watched.contains(&value)
        {
            watched.push(value);
        }
    }
    watched
}

/// The part of the sum of squares that counts as signal though nothing varies: one sample of one number has no other.
const CONSTANT: f64 = 1e-3;

/// The sum of squares around the mean, and not next to nothing.
fn signal(samples: &[Vec<f32>], part: std::ops::Range<usize>) -> f64 {
    let all = || samples.iter().flat_map(|s| &s[part.clone()]).map(|&x| f64::from(x));
    let mean = all().sum::<f64>() / all().count().max(1) as f64;
    let (varies, whole) =
        all().fold((0.0, 0.0), |(varies, whole), x| (varies + (x - mean).powi(2), whole + x * x));
    f64::max(varies, whole * CONSTANT)
}

/// The value before functions that squash it or only move it.
fn before_squashing(graph: &Graph, mut value: Value) -> Value {
    while let Some((node, data)) = graph.node_of(value) {
        let moves = form(graph, node) == Form::Move && !matches!(data.op, Op::MaxPool2d(_));
        let squashes = matches!(data.op, Op::Softmax(_)) || form(graph, node) == Form::Table;
        if !moves && !squashes || graph.node_of(data.inputs[0]).is_none() {
            break;
        }
        value = data.inputs[0];
    }
    value
}

/// The real numbers that a tensor quantised per tensor, or of floats, stands for.
pub fn reals(tensor: &Tensor, ty: &TensorType) -> Vec<f32> {
    match (&tensor.data, ty.quant.as_ref().and_then(|q| q.tensor_wide())) {
        (Data::F32(values), _) => values.clone(),
        (data, Some((scale, zero))) => {
            (0..data.len()).map(|i| (data.int(i) - i64::from(zero)) as f32 * scale).collect()
        }
        (data, None) => data.to_reals().into_iter().map(|x| x as f32).collect(),
    }
}

/// Samples of floats as the inputs of a quantised graph want them.
pub fn stored_inputs(float: &Graph, graph: &Graph, samples: &[Vec<Tensor>]) -> Vec<Vec<Tensor>> {
    let convert = |sample: &Vec<Tensor>| -> Vec<Tensor> {
        let pairs = sample.iter().zip(float.inputs.iter().zip(&graph.inputs));
        pairs
            .map(|(tensor, (&was, &is))| match graph.ty(is).is_quantized() {
                true => Op::from(Quantize).eval(&[(float.ty(was), tensor)], graph.ty(is)),
                false => tensor.clone(),
            })
            .collect()
    };
    samples.iter().map(convert).collect()
}
