//! Rounds the weights of a layer, or of several that share them.

use super::Aim;
use super::damping::{Block, choose};
use super::halves::halves;
use super::inputs::inputs;
use super::round::{Limits, Part, Rounded};
use super::taps::Taps;
use crate::quantize::integer::weights::{Weights, least_scale};
use crate::quantize::runner::each;
use crate::quantize::search::{Search, State};
use tinyc_ir::graph::Value;
use tinyc_ir::{DType, Tensor};

/// The most taps of which all products are looked at.
const SIDE: usize = 1024;

/// Numbers that the Gram matrices of a layer may have together.
const NUMBERS: usize = 4 << 20;

/// Products that rounding all weights of a layer once may take.
const PRODUCTS: usize = 1 << 30;

/// A block with fewer taps says nothing that the weights alone do not.
const LEAST: usize = 8;

/// Scales that are tried for four bits, in hundredths of the one that clips nothing. With more bits, that one is it.
const PARTS: [u32; 14] = [100, 105, 96, 92, 88, 84, 80, 76, 72, 68, 64, 60, 55, 50];

/// So many of the scales are looked at more closely: those with the least error when weights are only rounded one after the other.
const STARTS: usize = 3;

/// A channel's scale, integers, and what its bias makes good.
type Channel = (f32, Vec<i8>, f32);

/// Rounds the weights of the layers `same`, which share them, in a state. Layers too large to be looked at stay as they are.
pub(super) fn round(search: &Search<'_>, state: &mut State, fit: &[Vec<Tensor>], same: &[usize], aim: Aim) {
    let layer = &search.plan.layers[same[0]];
    let constant = |value: Value| {
        search.float.const_of(value).and_then(|tensor| tensor.data.as_f32()).unwrap_or_default()
    };
    let weight = constant(layer.weight);
    let before = &state.parameters.layers[same[0]];
    let outputs = before.scales.len();
    let Some(taps) = Taps::of(search.float, layer.node) else { return };
    let Some(side) = side(taps.width(), weight.len()).filter(|_| outputs.is_multiple_of(taps.groups)) else {
        return;
    };
    let Some(rows) = inputs(search, state, fit, same) else { return };
    let threads = search.runner.threads();
    let range = range(before.dtype);
    let halves = halves(&rows, &taps, weight, side, threads);
    let blocks = choose(halves.open, range.1, aim, threads);
    let blocks_of_group = blocks.len() / taps.groups;
    let input_scale = search.plan.group(layer.input).map_or(1.0, |g| state.parameters.groups[g].scale);
    let least = |channel: usize| {
        let biases = same.iter().map(|&at| constant(search.plan.layers[at].bias)[channel]);
        biases.map(|bias| least_scale(bias, input_scale)).fold(f32::MIN_POSITIVE, f32::max)
    };
    let (depth, per_group) = (taps.depth, outputs / taps.groups);
    let made: Vec<Channel> = each(threads, outputs, |channel| {
        let (group, own) = (channel / per_group, channel * depth..(channel + 1) * depth);
        let blocks = &blocks[group * blocks_of_group..(group + 1) * blocks_of_group];
        let limits = Limits { range, scale: least(channel) };
        let old = (&before.stored[own.clone()], before.scales[channel]);
        let found = rounded(blocks, channel % per_group, old, limits);
        let scale = f64::from(found.scale);
        let stored = found.stored.concat();
        let inputs = group * depth..(group + 1) * depth;
        let means = halves.float_means[inputs.clone()].iter().zip(&halves.integer_means[inputs]);
        let weights = weight[own].iter().zip(&stored);
        let lost: f64 =
            weights.zip(means).map(|((&w, &q), (f, i))| f64::from(w) * f - f64::from(q) * scale * i).sum();
        (found.scale, stored.iter().map(|&q| q as i8).collect(), lost as f32)
    });
    let scales: Vec<f32> = made.iter().map(|channel| channel.0).collect();
    let stored: Vec<i8> = made.iter().flat_map(|channel| channel.1.iter().copied()).collect();
    let dtype = before.dtype;
    for &at in same {
        let bias = constant(search.plan.layers[at].bias).iter().zip(&made).map(|(b, channel)| b + channel.2);
        let (scales, stored, bias) = (scales.clone(), stored.clone(), bias.collect());
        state.parameters.layers[at] = Weights { dtype, scales, stored, bias };
    }
}

/// One channel's weights; `old` are integers and scale that they have so far.
fn rounded(blocks: &[Block], channel: usize, old: (&[i8], f32), limits: Limits) -> Rounded {
    let parts: Vec<Part<'_>> = blocks
        .iter()
        .map(|Block { gram, factors, targets, .. }| Part { gram, factors, target: &targets[channel] })
        .collect();
    let (lo, hi) = limits.range;
    let targets = parts.iter().flat_map(|part| part.target);
    let reach = targets.fold(0.0f64, |top, w| top.max(w / f64::from(hi)).max(w / f64::from(lo))) as f32;
    let cut = |block: &Block| old.0[block.taps.clone()].iter().map(|&q| i32::from(q)).collect();
    let mut starts = vec![Rounded::given(&parts, old.1, blocks.iter().map(cut).collect())];
    let tried = if hi > 7 { &PARTS[..1] } else { &PARTS };
    starts.extend(tried.iter().map(|&hundredths| {
        let scale = (reach * hundredths as f32 / 100.0).max(limits.scale);
        Rounded::carried(&parts, scale, limits)
    }));
    starts.sort_by(|a, b| a.error.total_cmp(&b.error));
    let improved = starts.into_iter().take(STARTS).map(|start| start.improved(&parts, limits));
    improved.min_by(|a, b| a.error.total_cmp(&b.error)).expect("there is a start")
}

/// What is stored of a type: with four bits, all of it counts.
fn range(dtype: DType) -> (i32, i32) {
    if dtype == DType::I4 { (-8, 7) } else { (-127, 127) }
}

/// How many taps of a row of `width` numbers, in all groups, are looked at together; `None` if so many `weights` would take too long.
fn side(width: usize, weights: usize) -> Option<usize> {
    let side = SIDE.min(NUMBERS / width.max(1)).min(PRODUCTS / weights.max(1));
    (side >= LEAST).then_some(side)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_layers_are_looked_at_in_blocks_and_larger_ones_not_at_all() {
        assert_eq!(side(576, 576 * 64), Some(1024));
        assert_eq!(side(25_088, 25_088 * 16), Some(167));
        assert_eq!(side(4096, 4096 * 4096), Some(64));
        assert_eq!(side(25_088, 25_088 * 8192), None);
    }
}
