//! What layers read on the samples: in the float model, and in the integer one as far as it is made.

use super::taps::{Taps, spread};
use crate::quantize::loss::{reals, stored_inputs};
use crate::quantize::range::Stored;
use crate::quantize::runner::{Runner, chunks, observing};
use crate::quantize::search::{Search, State};
use tinyc_ir::entity::Entity;
use tinyc_ir::graph::Value;
use tinyc_ir::{Graph, Tensor, TensorType};

/// Samples whose tensors are looked at.
const SAMPLES: usize = 256;

/// Numbers that are kept of each model; positions are picked evenly.
const NUMBERS: usize = 4 << 20;

/// Products that a sum over all rows may take.
const PRODUCTS: usize = 1 << 30;

/// Rows of what a layer reads, one for each position of its output that is looked at, as [`Taps::row`] makes them.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) count: usize,
    pub(super) float: Vec<f32>,
    pub(super) integer: Vec<f32>,
}

/// Rows of layers that share weights, in two halves of different samples; `None` if a tensor cannot be looked at.
pub(super) fn inputs(
    search: &Search<'_>,
    state: &State,
    samples: &[Vec<Tensor>],
    same: &[usize],
) -> Option<[Rows; 2]> {
    let samples = &samples[..samples.len().min(SAMPLES)];
    let layers = || same.iter().map(|&at| &search.plan.layers[at]);
    let taps: Vec<Taps> = layers().map(|layer| Taps::of(search.float, layer.node)).collect::<Option<_>>()?;
    let read: Vec<Value> = layers().map(|layer| layer.input).collect();
    let groups = &state.parameters.groups;
    let kinds: Vec<Stored> =
        read.iter().map(|&v| Some(groups[search.plan.group(v)?])).collect::<Option<_>>()?;
    let weights = state.parameters.layers[same[0]].stored.len();
    let picked = Picked::of(taps, samples.len(), weights);
    let real = |tensor: &Tensor| tensor.data.as_f32().unwrap_or_default().to_vec();
    let float = observed(search.runner, search.float, &read, samples, |tensors, at| {
        picked.rows(&tensors.iter().map(real).collect::<Vec<_>>(), at)
    });
    let built = search.build(state);
    let stored: Vec<Value> = read.iter().map(|v| built.stands_for[v.index()]).collect::<Option<_>>()?;
    let types: Vec<TensorType> = stored.iter().map(|&v| built.graph.ty(v).clone()).collect();
    let own = stored_inputs(search.float, &built.graph, samples);
    let integer = observed(search.runner, &built.graph, &stored, &own, |tensors, at| {
        let rounded = |((tensor, ty), kind): ((&Tensor, &TensorType), &Stored)| match ty.is_quantized() {
            true => reals(tensor, ty),
            // Made as floats, and rounded for this layer.
            false => reals(tensor, ty).into_iter().map(|x| kind.rounded(x)).collect(),
        };
        picked.rows(&tensors.iter().zip(&types).zip(&kinds).map(rounded).collect::<Vec<_>>(), at)
    });
    Some([0, 1].map(|half| {
        let every = |rows: &[Vec<f32>]| rows.iter().skip(half).step_by(2).flatten().copied().collect();
        let count = picked.positions.iter().skip(half).step_by(2).map(Vec::len).sum();
        Rows { count, float: every(&float), integer: every(&integer) }
    }))
}

/// Positions that are looked at.
struct Picked {
    /// How each of the layers reads.
    taps: Vec<Taps>,
    /// Of each sample: those of the first layer, then those of the next.
    positions: Vec<Vec<usize>>,
}

impl Picked {
    fn of(taps: Vec<Taps>, samples: usize, weights: usize) -> Self {
        let (width, depth) = (taps[0].width(), taps[0].depth);
        let of_sample: usize = taps.iter().map(|taps| taps.positions).sum();
        // A row costs its products with itself, group by group, and with all weights.
        let most = (NUMBERS / width.max(1)).min(PRODUCTS / (width * depth).max(weights).max(1)).max(1);
        let mut positions = vec![Vec::new(); samples];
        for at in spread(of_sample * samples, most) {
            positions[at / of_sample].push(at % of_sample);
        }
        Self { taps, positions }
    }

    /// The rows of a sample, of one tensor for each layer.
    fn rows(&self, tensors: &[Vec<f32>], sample: usize) -> Vec<f32> {
        let mut rows = Vec::with_capacity(self.positions[sample].len() * self.taps[0].width());
        for &(mut position) in &self.positions[sample] {
            for (taps, tensor) in self.taps.iter().zip(tensors) {
                if position < taps.positions {
                    taps.row(tensor, position, &mut rows);
                    break;
                }
                position -= taps.positions;
            }
        }
        rows
    }
}

/// What `keep` makes of some values, computed or supplied, for each sample.
fn observed(
    runner: &dyn Runner,
    graph: &Graph,
    values: &[Value],
    samples: &[Vec<Tensor>],
    keep: impl Fn(Vec<Tensor>, usize) -> Vec<f32> + Sync,
) -> Vec<Vec<f32>> {
    let supplied = |v: Value| graph.inputs.iter().position(|&input| input == v);
    let all = |at: usize, computed: Vec<Tensor>| -> Vec<Tensor> {
        let mut computed = computed.into_iter();
        let one = |&v: &Value| match supplied(v) {
            Some(input) => samples[at][input].clone(),
            None => computed.next().expect("one output for each computed value"),
        };
        values.iter().map(one).collect()
    };
    let computed: Vec<Value> = values.iter().copied().filter(|&v| supplied(v).is_none()).collect();
    if computed.is_empty() {
        return (0..samples.len()).map(|at| keep(all(at, Vec::new()), at)).collect();
    }
    let watched = observing(graph, &computed);
    let run = runner.prepare(&watched);
    let fold = |kept: &mut Vec<Vec<f32>>, at: usize, outputs| kept.push(keep(all(at, outputs), at));
    chunks(runner, &run, samples, Vec::new, fold).into_iter().flatten().collect()
}
