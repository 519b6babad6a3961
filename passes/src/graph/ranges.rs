//! Interval analysis: which stored integers each channel of each quantised tensor can hold, whatever the input.
//!
//! A channel is an index of the last axis. Bounds are sound for every input and exact for one operator on
//! independent elements; they are not the tightest for a network, whose elements depend on each other.

use tinyc_ir::entity::Entity;
use tinyc_ir::exact::{round_half_even_product, round_half_even_sum};
use tinyc_ir::graph::{Def, NodeData, Value};
use tinyc_ir::op::conv2d::{Conv2d, effective_scale};
use tinyc_ir::op::{mul::product_scale, requantize::rescale, softmax::quantized_share};
use tinyc_ir::{Activation, DType, Graph, Op, TensorType};

/// The least and the greatest of some integers.
pub type Interval = (i64, i64);

/// For each value, the range of each channel.
pub struct Ranges {
    channels: Vec<Vec<Interval>>,
}

impl Ranges {
    /// The stored integers of each index of the last axis (of a scalar: one). Empty for floats, for empty tensors, and
    /// for integers without a scale that are neither i32 nor constant.
    pub fn of(&self, value: Value) -> &[Interval] {
        &self.channels[value.index()]
    }
}

/// Analyses all values of a graph.
pub fn analyze(graph: &Graph) -> Ranges {
    let mut ranges = Ranges { channels: Vec::with_capacity(graph.values.len()) };
    for (value, data) in graph.values.iter() {
        let channels = match (&data.def, stored_range(&data.ty)) {
            // A bias need not say its scale.
            (Def::Const(tensor), all) if all.is_some() || data.ty.dtype == DType::I32 => {
                let ints = tensor.data.to_ints().expect("an integer type stores integers");
                let mut channels = vec![(i64::MAX, i64::MIN); channel_count(&data.ty)];
                let count = channels.len().max(1);
                ints.iter()
                    .enumerate()
                    .for_each(|(i, &x)| channels[i % count] = hull(channels[i % count], (x, x)));
                channels
            }
            (_, None) => Vec::new(),
            (Def::Input | Def::Const(_), Some(all)) => vec![all; channel_count(&data.ty)],
            (Def::Node(node, _), Some(all)) => {
                let data = &graph.nodes[*node];
                result(graph, &ranges, data, value)
                    .unwrap_or_else(|| vec![all; channel_count(graph.ty(value))])
            }
        };
        ranges.channels.push(channels);
    }
    ranges
}

/// Bounds on the final exact sum `bias + Σ (x − zx)·(w − zw)` of each output channel of a quantised `conv2d` or
/// `dense`; `None` for other nodes.
fn acc_ranges(graph: &Graph, ranges: &Ranges, data: &NodeData) -> Option<Vec<Interval>> {
    let (outside, groups) = match &data.op {
        Op::Conv2d(conv) => (padded_taps(graph, data, conv), conv.groups),
        Op::Dense(_) => (vec![false], 1),
        _ => return None,
    };
    let (xt, wt) = (graph.ty(data.inputs[0]), graph.ty(data.inputs[1]));
    let (_, zx) = xt.quant.as_ref()?.tensor_wide()?;
    let (zx, wq) = (i64::from(zx), wt.quant.as_ref()?);
    let (x, weight) = (ranges.of(data.inputs[0]), graph.const_of(data.inputs[1])?);
    if x.is_empty() {
        return None;
    }
    let mut sums = ranges.of(data.inputs[2]).to_vec();
    let (outputs, depth) = (wt.shape[0], *wt.shape.last()?);
    if sums.len() != outputs {
        return None; // nothing is known of the bias
    }
    for (o, sum) in sums.iter_mut().enumerate() {
        let first = o / (outputs / groups).max(1) * depth;
        let zw = i64::from(wq.zero_point(o));
        for (tap, &may_be_padding) in outside.iter().enumerate() {
            for c in 0..depth {
                let w = weight.data.int((o * outside.len() + tap) * depth + c) - zw;
                // Each product is between its corners; in the padding it is 0.
                let (a, b) = ((x[first + c].0 - zx) * w, (x[first + c].1 - zx) * w);
                let product = hull((a, a), (b, b));
                let product = if may_be_padding { hull(product, (0, 0)) } else { product };
                *sum = (sum.0 + product.0, sum.1 + product.1);
            }
        }
    }
    Some(sums)
}

/// For each kernel tap, rows first, whether it lies in the padding for some output.
pub(super) fn padded_taps(graph: &Graph, data: &NodeData, conv: &Conv2d) -> Vec<bool> {
    let (x, w) = (graph.ty(data.inputs[0]), graph.ty(data.inputs[1]));
    let y = graph.ty(data.outputs[0]);
    let along = |axis: usize, k: usize| {
        let start = k * conv.dilations[axis];
        let end = (y.shape[axis + 1] - 1) * conv.strides[axis] + start;
        start < conv.pads[axis] || end >= x.shape[axis + 1] + conv.pads[axis]
    };
    let taps = (0..w.shape[1]).flat_map(|ky| (0..w.shape[2]).map(move |kx| (ky, kx)));
    taps.map(|(ky, kx)| along(0, ky) || along(1, kx)).collect()
}

/// The range of a quantised result; `None` if nothing better than the storage type is known.
fn result(graph: &Graph, ranges: &Ranges, data: &NodeData, value: Value) -> Option<Vec<Interval>> {
    let y = graph.ty(value);
    let x = ranges.of(*data.inputs.first()?);
    let xt = graph.ty(data.inputs[0]);
    let channels = channel_count(y);
    if x.is_empty() {
        return None; // quantize: any stored value
    }
    match &data.op {
        Op::Conv2d(_) | Op::Dense(_) => {
            let wt = graph.ty(data.inputs[1]);
            let act = match &data.op {
                Op::Conv2d(conv) => conv.act,
                Op::Dense(dense) => dense.act,
                _ => return None,
            };
            let scaled = acc_ranges(graph, ranges, data)?.into_iter().enumerate();
            scaled.map(|(o, sum)| Some(requantized(sum, effective_scale(xt, wt, y, o)?, y, act))).collect()
        }
        Op::Requantize(op) => {
            let (m, zx) = rescale(xt, y)?;
            Some(x.iter().map(|&x| requantized(offset(x, zx), m, y, op.act)).collect())
        }
        Op::AvgPool2d(op) => {
            let (m, zx) = rescale(xt, y)?;
            let padding = op.count_include_pad && op.window.pads != [0; 4];
            let mean = |&x: &Interval| if padding { hull(offset(x, zx), (0, 0)) } else { offset(x, zx) };
            Some(x.iter().map(|x| requantized(mean(x), m, y, op.act)).collect())
        }
        Op::MaxPool2d(_) => Some(x.to_vec()),
        Op::Add(op) => {
            let b = ranges.of(data.inputs[1]);
            if b.is_empty() {
                return None;
            }
            let ((ma, za), (mb, zb)) = (rescale(xt, y)?, rescale(graph.ty(data.inputs[1]), y)?);
            let sum = |i: usize| {
                let (a, b) = (offset(broadcast(x, i), za), offset(broadcast(b, i), zb));
                stored(
                    (
                        round_half_even_sum(&[(a.0, ma), (b.0, mb)]),
                        round_half_even_sum(&[(a.1, ma), (b.1, mb)]),
                    ),
                    y,
                    op.act,
                )
            };
            Some((0..channels).map(sum).collect())
        }
        Op::Mul(op) => {
            let b = ranges.of(data.inputs[1]);
            if b.is_empty() {
                return None;
            }
            let (m, [za, zb]) = product_scale(xt, graph.ty(data.inputs[1]), y)?;
            let product = |i: usize| {
                let (a, b) = (offset(broadcast(x, i), za), offset(broadcast(b, i), zb));
                let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
                let all = corners.iter().fold((i64::MAX, i64::MIN), |all, &p| hull(all, (p, p)));
                requantized(all, m, y, op.act)
            };
            Some((0..channels).map(product).collect())
        }
        Op::Pad(pad) => {
            let padding = pad.stored(xt)?;
            let last = xt.shape.rank().checked_sub(1)?;
            let around = (0..last).any(|i| pad.before[i] + pad.after[i] != 0);
            let inside = |i: usize| {
                let x = *x.get(i.checked_sub(pad.before[last])?)?;
                Some(if around { hull(x, (padding, padding)) } else { x })
            };
            Some((0..channels).map(|i| inside(i).unwrap_or((padding, padding))).collect())
        }
        Op::Reshape(_) => Some((0..channels).map(|i| regrouped(x, channels, i)).collect()),
        Op::Transpose(op) => {
            let last = xt.shape.rank().checked_sub(1)?;
            let same = op.perm.last() == Some(&last);
            let all = x.iter().copied().reduce(hull)?;
            Some(if same { x.to_vec() } else { vec![all; channels] })
        }
        Op::Softmax(_) => {
            let (scale, _) = y.quant.as_ref()?.tensor_wide()?;
            Some(vec![stored((0, quantized_share(1, 1, scale)), y, Activation::NONE); channels])
        }
        _ => None,
    }
}

/// The range of channel `i` of `channels` after a reshape of a tensor with channels `x`.
fn regrouped(x: &[Interval], channels: usize, i: usize) -> Interval {
    if channels.is_multiple_of(x.len()) {
        return x[i % x.len()];
    }
    let step = if x.len().is_multiple_of(channels) { channels } else { 1 };
    let first = if step == 1 { 0 } else { i };
    x[first..].iter().step_by(step).copied().reduce(hull).unwrap_or(x[0])
}

/// The smallest interval that holds both.
fn hull(a: Interval, b: Interval) -> Interval {
    (a.0.min(b.0), a.1.max(b.1))
}

/// `x − zero_point`.
fn offset(x: Interval, zero_point: i32) -> Interval {
    (x.0 - i64::from(zero_point), x.1 - i64::from(zero_point))
}

/// A channel of an operand that may have only one.
fn broadcast(x: &[Interval], i: usize) -> Interval {
    if x.len() == 1 { x[0] } else { x[i] }
}

/// `clamp(zp + rhe(acc · m))` at both ends: rounding is monotone.
fn requantized(acc: Interval, m: f32, y: &TensorType, act: Activation) -> Interval {
    stored((round_half_even_product(acc.0, m), round_half_even_product(acc.1, m)), y, act)
}

/// `clamp(zp + steps)` at both ends.
fn stored(steps: Interval, y: &TensorType, act: Activation) -> Interval {
    let (scale, zero_point) = y.quant.as_ref().and_then(|q| q.tensor_wide()).expect("checked: per tensor");
    let (lo, hi) = act.quantized(scale, zero_point, stored_range(y).expect("checked: integers"));
    let one = |v: i64| v.saturating_add(i64::from(zero_point)).clamp(lo, hi);
    (one(steps.0), one(steps.1))
}

/// What the storage of a quantised type holds at all.
fn stored_range(ty: &TensorType) -> Option<Interval> {
    ty.quant.as_ref()?;
    ty.dtype.int_range().map(|(lo, hi)| (lo as i64, hi as i64))
}

fn channel_count(ty: &TensorType) -> usize {
    if ty.shape.elements() == 0 { 0 } else { ty.shape.last().copied().unwrap_or(1) }
}
