//! Statistics of the tensors of a float graph over samples.

use super::statistics::Statistics;
use crate::quantize::runner::{Runner, chunks, observing};
use std::collections::BTreeMap;
use tinyc_ir::graph::Value;
use tinyc_ir::{Graph, Tensor};

/// Samples between two sums: so many may be under way at once.
const BLOCK: usize = 64;

/// Statistics of values that are computed or supplied.
pub fn observe(
    runner: &dyn Runner,
    graph: &Graph,
    values: &[Value],
    samples: &[Vec<Tensor>],
) -> BTreeMap<Value, Statistics> {
    let computed: Vec<Value> = values.iter().copied().filter(|&v| graph.node_of(v).is_some()).collect();
    let supplied: Vec<(usize, Value)> =
        graph.inputs.iter().copied().enumerate().filter(|(_, v)| values.contains(v)).collect();
    let new = |&v: &Value| Statistics::new(Statistics::channels_of(&graph.ty(v).shape));
    let watched = observing(graph, &computed);
    let run = runner.prepare(&watched);
    let mut sums: Vec<Statistics> = computed.iter().map(new).collect();
    let mut ends: Vec<Statistics> = supplied.iter().map(|(_, v)| new(v)).collect();
    for block in samples.chunks(BLOCK) {
        let none = || computed.iter().map(new).collect::<Vec<_>>();
        let fold = |all: &mut Vec<Statistics>, _, tensors: Vec<Tensor>| {
            all.iter_mut().zip(&tensors).for_each(|(seen, tensor)| seen.add(tensor));
        };
        for part in chunks(runner, &run, block, none, fold) {
            sums.iter_mut().zip(&part).for_each(|(sum, part)| sum.merge(part));
        }
        for sample in block {
            ends.iter_mut().zip(&supplied).for_each(|(seen, &(at, _))| seen.add(&sample[at]));
        }
    }
    let supplied = supplied.into_iter().map(|(_, v)| v);
    computed.into_iter().zip(sums).chain(supplied.zip(ends)).collect()
}
