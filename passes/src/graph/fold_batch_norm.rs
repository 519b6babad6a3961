//! Folds per-channel `mul` and `add` by constants around `conv2d` and `dense` into weights and bias.
//!
//! Behind: `(W·x + b)·s + t = (s·W)·x + (s·b + t)`. In front: `W·(s·x + t) + b = (W·s)·x + (b + ΣW·t)`, the `t` part only
//! without padding. Not exact on floats: each weight and bias is rounded once more (a relative 2^-24), and an added
//! bias is summed first instead of last. A `dequantize`d i32 bias replaces a bias of zeros as it is.
//! Quantised operators are not touched.

use tinyc_ir::graph::{Node, Value};
use tinyc_ir::op::Dequantize;
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{Activation, Data, Graph, Op, Quant, Tensor, TensorType};

/// Folds affine maps into the weighted sums beside them.
pub fn run(graph: &Graph) -> Graph {
    let uses = graph.use_counts();
    Rewriter::run(graph, |rewriter, node| match graph.nodes[node].op {
        Op::Mul(_) | Op::Add(_) => fold_behind(rewriter, node, &uses),
        Op::Conv2d(_) | Op::Dense(_) => fold_in_front(rewriter, node),
        _ => None,
    })
}

/// The clamp of a weighted sum.
fn act(op: &Op) -> Option<Activation> {
    match op {
        Op::Conv2d(conv) => Some(conv.act),
        Op::Dense(dense) => Some(dense.act),
        _ => None,
    }
}

fn with_act(op: &Op, act: Activation) -> Op {
    let mut op = op.clone();
    match &mut op {
        Op::Conv2d(conv) => conv.act = act,
        Op::Dense(dense) => dense.act = act,
        _ => unreachable!("only weighted sums come here"),
    }
    op
}

fn fold_behind(rewriter: &mut Rewriter<'_>, node: Node, uses: &[u32]) -> Option<Value> {
    use tinyc_ir::entity::Entity;
    let data = &rewriter.old.nodes[node];
    let inputs = rewriter.inputs(node);
    let new = &rewriter.new;
    let side = (0..2).find(|&side| {
        let sum = new.node_of(inputs[side]).and_then(|(_, n)| act(&n.op));
        sum.is_some_and(Activation::is_none) && uses[data.inputs[side].index()] == 1
    })?;
    let (sum, factor) = (inputs[side], inputs[1 - side]);
    let ty = new.ty(sum).clone();
    if ty != *rewriter.ty(node) || ty.is_quantized() {
        return None;
    }
    let (_, producer) = new.node_of(sum)?;
    let (op, origin) = (producer.op.clone(), producer.origin.clone());
    let (x, weight, bias) = (producer.inputs[0], producer.inputs[1], producer.inputs[2]);
    let channels = *ty.shape.last()?;
    let name = rewriter.name(node);
    let (op, weight, bias) = match &data.op {
        Op::Mul(mul) => {
            let scale = per_channel(new, factor, channels)?;
            let (w, b) = (floats(new, weight)?.to_vec(), floats(new, bias)?.to_vec());
            let row = w.len() / channels;
            let w = w.iter().enumerate().map(|(i, w)| w * scale[i / row]).collect();
            let b = b.iter().zip(&scale).map(|(b, s)| b * s).collect();
            let (w, b) = (constant(rewriter, weight, "scaled", w), constant(rewriter, bias, "scaled", b));
            (with_act(&op, mul.act), w, b)
        }
        Op::Add(add) => {
            let none = floats(new, bias)?.iter().all(|b| *b == 0.0);
            let bias = match per_channel(new, factor, channels) {
                Some(shift) => {
                    let b = floats(new, bias)?.iter().zip(&shift).map(|(b, s)| b + s).collect();
                    constant(rewriter, if none { factor } else { bias }, "bias", b)
                }
                None if none => stored_bias(rewriter, factor, channels)?,
                None => return None,
            };
            (with_act(&op, add.act), weight, bias)
        }
        _ => return None,
    };
    rewriter.new.node_typed(op, &[x, weight, bias], name, ty, origin).ok()
}

fn fold_in_front(rewriter: &mut Rewriter<'_>, node: Node) -> Option<Value> {
    let op = rewriter.old.nodes[node].op.clone();
    let mut inputs = rewriter.inputs(node);
    let mut changed = false;
    while let Some([x, weight, bias]) = one_in_front(rewriter, &op, &inputs) {
        inputs = vec![x, weight, bias];
        changed = true;
    }
    if !changed {
        return None;
    }
    rewriter.replace(node, op, &inputs).ok()
}

/// The arguments of a weighted sum after one `mul` or `add` in front of it went into them.
fn one_in_front(rewriter: &mut Rewriter<'_>, op: &Op, inputs: &[Value]) -> Option<[Value; 3]> {
    let new = &rewriter.new;
    let (_, data) = new.node_of(inputs[0])?;
    let (is_mul, inner) = match &data.op {
        Op::Mul(mul) => (true, mul.act),
        Op::Add(add) => (false, add.act),
        _ => return None,
    };
    let ty = new.ty(inputs[0]);
    let (groups, padded) = match op {
        Op::Conv2d(conv) => (conv.groups, conv.pads != [0; 4]),
        _ => (1, false),
    };
    if !inner.is_none() || ty.is_quantized() || (padded && !is_mul) {
        return None;
    }
    let channels = *ty.shape.last()?;
    let side = (0..2).find(|&side| per_channel(new, data.inputs[side], channels).is_some())?;
    let (x, map) = (data.inputs[1 - side], per_channel(new, data.inputs[side], channels)?);
    if new.ty(x) != ty {
        return None;
    }
    let (w, b) = (floats(new, inputs[1])?.to_vec(), floats(new, inputs[2])?.to_vec());
    let (row, depth) = (w.len() / b.len(), channels / groups);
    let channel = |i: usize| i / row / (b.len() / groups) * depth + i % depth;
    if is_mul {
        let w = w.iter().enumerate().map(|(i, w)| w * map[channel(i)]).collect();
        return Some([x, constant(rewriter, inputs[1], "scaled", w), inputs[2]]);
    }
    let mut sums: Vec<f64> = b.iter().map(|&b| f64::from(b)).collect();
    for (i, w) in w.iter().enumerate() {
        sums[i / row] += f64::from(*w) * f64::from(map[channel(i)]);
    }
    let b = sums.into_iter().map(|s| s as f32).collect();
    Some([x, inputs[1], constant(rewriter, inputs[2], "shifted", b)])
}

/// The numbers of an f32 constant.
fn floats(graph: &Graph, value: Value) -> Option<&[f32]> {
    graph.const_of(value)?.data.as_f32()
}

/// An f32 constant that has one number for all or one for each index of the last axis, as one for each.
fn per_channel(graph: &Graph, value: Value, channels: usize) -> Option<Vec<f32>> {
    let numbers = floats(graph, value)?;
    match numbers.len() {
        1 => Some(vec![numbers[0]; channels]),
        n if n == channels && graph.ty(value).shape.last() == Some(&n) => Some(numbers.to_vec()),
        _ => None,
    }
}

/// A changed copy of an f32 constant (flattened, if its shape does not hold as many numbers).
fn constant(rewriter: &mut Rewriter<'_>, like: Value, suffix: &str, numbers: Vec<f32>) -> Value {
    let name = format!("{}/{suffix}", rewriter.new.values[like].name);
    let shape = rewriter.new.ty(like).shape.clone();
    let fits = shape.elements() == numbers.len() && shape.rank() != 0 && suffix != "bias";
    let shape = if fits { shape } else { [numbers.len()].into() };
    rewriter.constant(name, TensorType::f32(shape.clone()), Tensor::f32(shape, numbers))
}

/// `dequantize` of an integer constant, with one number for each channel or one for all, as a bias `[channels]`.
fn stored_bias(rewriter: &mut Rewriter<'_>, value: Value, channels: usize) -> Option<Value> {
    let new = &rewriter.new;
    let (_, data) = new.node_of(value)?;
    if !matches!(data.op, Op::Dequantize(_)) {
        return None;
    }
    let (stored, origin) = (data.inputs[0], data.origin.clone());
    let (tensor, ty) = (new.const_of(stored)?, new.ty(stored).clone());
    let quant = ty.quant.as_ref()?;
    let count = tensor.data.len();
    if ty.dtype != tinyc_ir::DType::I32
        || (count != 1 && (count != channels || ty.shape.last() != Some(&count)))
    {
        return None;
    }
    let numbers = Data::from_ints(ty.dtype, (0..channels).map(|i| tensor.data.int(i % count)));
    let quant = match quant.axis() {
        Some(_) if quant.scales().len() == channels => {
            Quant::per_axis(0, quant.scales().to_vec(), quant.zero_points().to_vec()).ok()?
        }
        _ => Quant::per_tensor(quant.scales()[0], quant.zero_points()[0]).ok()?,
    };
    let (name, real) = (new.values[stored].name.clone(), format!("{}/bias", new.values[value].name));
    let ty = TensorType::quantized(ty.dtype, [channels], quant);
    let constant = rewriter.constant(name, ty, Tensor::new([channels], numbers));
    rewriter.new.node(Dequantize, &[constant], real, origin).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples::{self, ints, ops, q8};
    use tinyc_ir::op::{Add, Conv2d, Dense, Mul};
    use tinyc_ir::{DType, Origin, eval::eval};

    const NONE: Activation = Activation::NONE;

    fn ramp(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * 1.7 + 0.3).sin()).collect()
    }

    #[test]
    fn batch_norm_on_both_sides_of_a_grouped_convolution() {
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let x = graph.input("x", TensorType::f32([1, 3, 3, 4]));
        let named = |graph: &mut Graph, name: &str, n: usize| samples::floats(graph, name, [n], &ramp(n));
        let (s, t) = (named(&mut graph, "s", 4), named(&mut graph, "t", 4));
        let y = graph.node(Mul { act: NONE }, &[x, s], "xs", at()).unwrap();
        let y = graph.node(Add { act: NONE }, &[t, y], "xst", at()).unwrap();
        let w = samples::floats(&mut graph, "w", [6, 2, 2, 2], &ramp(48));
        let b = named(&mut graph, "b", 6);
        let conv = Conv2d { strides: [1, 1], pads: [0; 4], dilations: [1, 1], groups: 2, act: NONE };
        let y = graph.node(conv, &[y, w, b], "conv", at()).unwrap();
        let (s, t) = (named(&mut graph, "s2", 6), named(&mut graph, "t2", 6));
        let y = graph.node(Mul { act: NONE }, &[y, s], "ys", at()).unwrap();
        let y = graph.node(Add { act: Activation::RELU }, &[y, t], "y", at()).unwrap();
        graph.outputs = vec![y];
        let after = run(&graph);
        assert_eq!(ops(&after), ["conv2d"]);
        let input = Tensor::f32([1, 3, 3, 4], ramp(36));
        let outputs = |g: &Graph| eval(g, std::slice::from_ref(&input)).outputs(g).remove(0);
        let (expected, got) = (outputs(&graph), outputs(&after));
        for (a, b) in expected.data.as_f32().unwrap().iter().zip(got.data.as_f32().unwrap()) {
            assert!((a - b).abs() <= 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn a_stored_bias_replaces_zeros() {
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let x = graph.input("x", TensorType::f32([1, 4]));
        let w = samples::floats(&mut graph, "w", [3, 4], &ramp(12));
        let zero = samples::floats(&mut graph, "zero", [3], &[0.0; 3]);
        let y = graph.node(Dense { act: NONE }, &[x, w, zero], "dense", at()).unwrap();
        let stored =
            ints(&mut graph, "b", TensorType::quantized(DType::I32, [1, 3], q8(0.01, 0)), &[100, -200, 300]);
        let bias = graph.node(Dequantize, &[stored], "b/real", at()).unwrap();
        let y = graph.node(Add { act: NONE }, &[y, bias], "y", at()).unwrap();
        graph.outputs = vec![y];
        let after = run(&graph);
        assert_eq!(ops(&after), ["dequantize", "dense"]);
        assert_eq!(after.values[after.outputs[0]].name, "y");
    }
}
