//! The numbers of an integer graph.

use super::weights::Weights;
use crate::quantize::plan::Plan;
use crate::quantize::range::Stored;
use tinyc_ir::DType;

/// All numbers that a plan leaves open.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Of each group.
    pub groups: Vec<Stored>,
    /// Of each layer.
    pub layers: Vec<Weights>,
}

/// Steps of what a layer makes, in steps of its sums, at least: products of rounded numbers are not known more exactly. No power of two, with which
/// sums could lie exactly between two results.
const SUMS: f32 = 11.3;

/// By how much less a step adds to a channel's noise than the rounding of what its layer reads, at least: a quarter of a decibel comes of it.
const BELOW: f32 = 4.0;

/// The part of the channels that may lose more: those with hardly any weights.
const SPARED: usize = 10;

impl Parameters {
    /// Makes steps of 16-bit results no finer than what their layers know: a coarser step costs nothing, and is rounded to more cheaply. And takes care
    /// that large sums of 16-bit numbers are never exactly between two results.
    pub(in crate::quantize) fn settle(&mut self, plan: &Plan) {
        let groups = &mut self.groups;
        for (layer, weights) in plan.layers.iter().zip(&mut self.layers) {
            let (Some(input), Some(output)) = (plan.group(layer.input), plan.group(layer.output)) else {
                continue;
            };
            let least = groups[input].scale * coarsest(weights);
            if groups[output].dtype == DType::I16 {
                groups[output].scale = groups[output].scale.max(least.min(1e30));
            }
        }
        for (layer, weights) in plan.layers.iter().zip(&mut self.layers) {
            let (Some(input), Some(output)) = (plan.group(layer.input), plan.group(layer.output)) else {
                continue;
            };
            let (input, output) = (groups[input], groups[output]);
            if input.dtype == DType::I16 {
                weights
                    .scales
                    .iter_mut()
                    .for_each(|scale| *scale = without_ties(*scale, input.scale, output.scale));
            }
        }
    }
}

/// The step of a layer's results that costs nothing, in steps of what it reads: some of the largest step of its sums, unless channels with much smaller
/// weights would lose by that.
fn coarsest(weights: &Weights) -> f32 {
    let row = weights.stored.len() / weights.scales.len().max(1);
    let (mut most, mut known) = (0.0f32, Vec::with_capacity(weights.scales.len()));
    for (scale, stored) in weights.scales.iter().zip(weights.stored.chunks(row.max(1))) {
        let square: f32 = stored.iter().map(|&q| f32::from(q).powi(2)).sum();
        if square > 0.0 {
            most = most.max(*scale);
            known.push(scale * square.sqrt());
        }
    }
    known.sort_unstable_by(f32::total_cmp);
    known.get(known.len() / SPARED).map_or(0.0, |noise| (noise / BELOW).min(most * SUMS))
}

/// The next greater scale of weights with which the factor from a sum to a result has an odd mantissa: a change far below
/// what any weight is rounded by.
fn without_ties(scale: f32, input: f32, output: f32) -> f32 {
    let odd = |scale: &f32| ((input * *scale) / output).to_bits() & 1 == 1;
    std::iter::successors(Some(scale), |scale| Some(scale.next_up())).take(64).find(odd).unwrap_or(scale)
}
