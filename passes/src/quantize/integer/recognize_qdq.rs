//! Recognises integer operators in a model that says them with `quantize` and `dequantize` around float ones (QDQ).
//!
//! `quantize(clamp(op(dequantize(q)…)))` becomes the same operator on quantised types, with the clamp inside; a
//! `quantize(clamp(dequantize(q)))` becomes `requantize`, and a function of one 8-bit tensor a table, bit by bit the same. Operators that only move or pick elements go before the
//! `dequantize`, which then meets the next `quantize`. Not exact: floats rounded the sums, products and quotients
//! that are exact now, which moves a result by one step, rarely (a few in a million for sums of 8-bit products; ties of
//! averages and adds round the same way). What is not recognised stays a float operator between `dequantize` and
//! `quantize` and means what it meant.

use super::{bias, table};
use crate::graph::fuse_activation::activation;
use crate::graph::remove_no_op::is_no_op;
use tinyc_ir::entity::Entity;
use tinyc_ir::graph::{Node, Value};
use tinyc_ir::op::{Dequantize, Requantize};
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{Activation, DType, Diagnostic, Diagnostics, Graph, Op, TensorType};

/// The graph with all operators on integers that are meant to be, and what the user should know of it.
pub fn run(graph: &Graph) -> (Graph, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let only_quantized = only_quantized(graph);
    let mut known: Vec<Known> = Vec::new();
    let new = Rewriter::run(graph, |rewriter, node| match &graph.nodes[node].op {
        Op::MaxPool2d(_)
        | Op::Reshape(_)
        | Op::Transpose(_)
        | Op::Pad(_)
        | Op::Strided(_)
        | Op::Concat(_) => before_dequantize(rewriter, node),
        Op::Quantize(_) => recognize(rewriter, node, &only_quantized, &mut known, &mut diagnostics),
        _ => None,
    });
    (new, diagnostics)
}

/// An integer operator that stands for a float one; several `quantize` nodes of the same type share it.
struct Known {
    node: Node,
    act: Activation,
    ty: TensorType,
    value: Value,
}

/// For each value, whether it only goes to `quantize` nodes, through clamps or not.
fn only_quantized(graph: &Graph) -> Vec<bool> {
    let mut only = vec![true; graph.values.len()];
    for output in &graph.outputs {
        only[output.index()] = false;
    }
    for data in graph.nodes.values().rev() {
        let passes = match data.op {
            Op::Quantize(_) => true,
            Op::Clamp(_) => only[data.outputs[0].index()],
            _ => false,
        };
        if !passes {
            data.inputs.iter().for_each(|v| only[v.index()] = false);
        }
    }
    only
}

/// What a `dequantize` of the new graph is made of.
fn stored(graph: &Graph, value: Value) -> Option<Value> {
    let (_, data) = graph.node_of(value)?;
    matches!(data.op, Op::Dequantize(_)).then(|| data.inputs[0])
}

/// `op(dequantize(q))` becomes `dequantize(op(q))` for an operator that moves or picks elements: the same numbers.
fn before_dequantize(rewriter: &mut Rewriter<'_>, node: Node) -> Option<Value> {
    let inputs = rewriter.inputs(node);
    let stored: Vec<Value> = inputs.iter().map(|&x| stored(&rewriter.new, x)).collect::<Option<_>>()?;
    let ty = rewriter.new.ty(*stored.first()?);
    let (scale, zero_point) = ty.quant.as_ref()?.tensor_wide()?;
    let alike = |&q: &Value| {
        let other = rewriter.new.ty(q);
        (other.dtype, &other.quant) == (ty.dtype, &ty.quant)
    };
    if !stored.iter().all(alike) {
        return None;
    }
    let op = rewriter.old.nodes[node].op.clone();
    if let Op::Pad(pad) = &op {
        let padding = pad.stored(ty)?;
        // By bits: padding with −0 is none of +0.
        let real = (padding - i64::from(zero_point)) as f32 * scale;
        if real.to_bits() != pad.value.to_bits() {
            return None;
        }
    }
    let (name, origin) = (format!("{}/stored", rewriter.name(node)), rewriter.origin(node));
    let moved = rewriter.new.node(op, &stored, name, origin.clone()).ok()?;
    rewriter.new.node(Dequantize, &[moved], rewriter.name(node), origin).ok()
}

fn recognize(
    rewriter: &mut Rewriter<'_>,
    node: Node,
    only_quantized: &[bool],
    known: &mut Vec<Known>,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    let old = rewriter.old;
    let ty = rewriter.ty(node).clone();
    ty.quant.as_ref()?.tensor_wide()?;
    // Up through the clamps to the operator, whose clamp comes first.
    let mut act = Activation::NONE;
    let mut value = old.nodes[node].inputs[0];
    while let Some((_, data)) = old.node_of(value)
        && let Op::Clamp(clamp) = &data.op
    {
        act = clamp.act.then(act);
        value = data.inputs[0];
    }
    let real = rewriter.value(value);
    if let Some(q) = stored(&rewriter.new, real) {
        return requantized(rewriter, node, q, act, &ty);
    }
    let (producer, data) = old.node_of(value)?;
    let mut op = data.op.clone();
    let mut after = act;
    if let (Some(own), false) = (activation(&mut op), matches!(data.op, Op::Clamp(_))) {
        *own = own.then(act);
        after = Activation::NONE;
    }
    let inputs = rewriter.inputs(producer);
    if let (Op::Map(map), [x], true) = (&op, inputs.as_slice(), only_quantized[value.index()]) {
        let q = stored(&rewriter.new, *x)?;
        if let Some(same) = known.iter().find(|k| k.node == producer && k.act == act && k.ty == ty) {
            return Some(same.value);
        }
        let result = table::of(rewriter, node, &map.f, q, act, &ty)?;
        known.push(Known { node: producer, act, ty, value: result });
        return Some(result);
    }
    let arguments = integer_inputs(rewriter, producer, &op, &inputs, &ty, diagnostics)?;
    if !only_quantized[value.index()] {
        return None; // Its floats are wanted too: one island rather than the work done twice.
    }
    if let Some(same) = known.iter().find(|k| k.node == producer && k.act == act && k.ty == ty) {
        return Some(same.value);
    }
    let (name, origin) = (rewriter.name(node), data.origin.clone());
    let result = match rewriter.new.node_typed(op, &arguments, name, ty.clone(), origin) {
        Ok(result) => result,
        Err(error) => {
            diagnostics.push(stays_float(&place(rewriter, producer), &error.message));
            return None;
        }
    };
    let result = match after.is_none() {
        true => result,
        false => requantized(rewriter, node, result, after, &ty)?,
    };
    known.push(Known { node: producer, act, ty, value: result });
    Some(result)
}

/// The arguments on integers of a float operator; `None` if they are not all dequantised, or the operator has no
/// integer form.
fn integer_inputs(
    rewriter: &mut Rewriter<'_>,
    node: Node,
    op: &Op,
    inputs: &[Value],
    ty: &TensorType,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Value>> {
    match op {
        Op::Conv2d(_) | Op::Dense(_) => {
            let (x, weight) = (stored(&rewriter.new, inputs[0])?, stored(&rewriter.new, inputs[1])?);
            let place = place(rewriter, node);
            let (xt, wt) = (rewriter.new.ty(x).clone(), rewriter.new.ty(weight).clone());
            let bias = bias::quantized(&mut rewriter.new, inputs[2], &xt, &wt, &place, diagnostics);
            if bias.is_none() {
                let why = format!("its bias has no integer form with {xt} and {wt}");
                diagnostics.push(stays_float(&place, &why));
            }
            Some(vec![x, weight, bias?])
        }
        Op::Add(_) | Op::Mul(_) | Op::AvgPool2d(_) | Op::Softmax(_) => {
            inputs.iter().map(|&v| stored(&rewriter.new, v)).collect()
        }
        // Parts of different quantisation take that of the whole.
        Op::Concat(_) => inputs.iter().map(|&v| part(rewriter, node, v, ty)).collect(),
        _ => None,
    }
}

/// A dequantised part of a whole of type `ty`, as it is stored there.
fn part(rewriter: &mut Rewriter<'_>, node: Node, real: Value, ty: &TensorType) -> Option<Value> {
    let q = stored(&rewriter.new, real)?;
    let own = rewriter.new.ty(q);
    own.quant.as_ref()?.tensor_wide()?;
    let ty = TensorType { shape: own.shape.clone(), ..ty.clone() };
    let op = Op::from(Requantize { act: Activation::NONE });
    if is_no_op(&op, own, &ty) {
        return Some(q);
    }
    let (name, origin) = (format!("{}/part", rewriter.name(node)), rewriter.origin(node));
    rewriter.new.node_typed(op, &[q], name, ty, origin).ok()
}

/// `x` with the quantisation of `ty` and a clamp.
fn requantized(
    rewriter: &mut Rewriter<'_>,
    node: Node,
    x: Value,
    act: Activation,
    ty: &TensorType,
) -> Option<Value> {
    if !matches!(ty.dtype, DType::I8 | DType::U8 | DType::I16) {
        return None;
    }
    let op = Op::from(Requantize { act });
    if is_no_op(&op, rewriter.new.ty(x), ty) {
        return Some(x);
    }
    rewriter.replace(node, op, &[x]).ok()
}

fn place(rewriter: &Rewriter<'_>, node: Node) -> String {
    let data = &rewriter.old.nodes[node];
    format!("node {:?} ({})", data.origin.name, data.op.name())
}

fn stays_float(place: &str, why: &str) -> Diagnostic {
    Diagnostic::warning(413, "an operator between quantised tensors stays on floats").at(place).note(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples::{floats, ints, ops, q8, quantized};
    use tinyc_ir::op::{Add, AvgPool2d, Clamp, Dense, MaxPool2d, Quantize, Softmax, window::Window};
    use tinyc_ir::{Data, Origin, Tensor, eval::eval};

    const NONE: Activation = Activation::NONE;

    fn real(graph: &mut Graph, q: Value) -> Value {
        let name = format!("{}/real", graph.values[q].name);
        graph.node(Dequantize, &[q], name, Origin::default()).unwrap()
    }

    fn quantize(graph: &mut Graph, x: Value, name: &str, scale: f32, zero_point: i32) -> Value {
        let ty = quantized(graph.ty(x).shape.clone(), scale, zero_point);
        graph.node_typed(Quantize, &[x], name, ty, Origin::default()).unwrap()
    }

    /// A dense layer on `x: i8[2,8] q(0.5, -3)` with this bias, its clamp, and `quantize`.
    fn layer(graph: &mut Graph, bias: impl FnOnce(&mut Graph) -> Value) -> Value {
        let x = graph.input("x", quantized([2, 8], 0.5, -3));
        let values: Vec<i64> = (0..32).map(|i| i * 37 % 255 - 127).collect();
        let weight = ints(graph, "w", quantized([4, 8], 0.25, 0), &values);
        let (x, weight, bias) = (real(graph, x), real(graph, weight), bias(graph));
        let y = graph.node(Dense { act: NONE }, &[x, weight, bias], "y", Origin::default()).unwrap();
        let relu = graph.node(Clamp { act: Activation::RELU }, &[y], "relu", Origin::default()).unwrap();
        quantize(graph, relu, "q", 3.0, -100)
    }

    fn close(before: &Graph, after: &Graph, inputs: &[Tensor]) {
        let (expected, got) = (eval(before, inputs).outputs(before), eval(after, inputs).outputs(after));
        for (a, b) in expected.iter().zip(&got) {
            let differ = (0..a.data.len()).filter(|&i| a.data.int(i) != b.data.int(i)).count();
            assert!((0..a.data.len()).all(|i| a.data.int(i).abs_diff(b.data.int(i)) <= 1));
            assert!(differ * 20 <= a.data.len(), "{differ} of {} differ", a.data.len());
        }
    }

    fn input(n: usize, shape: &[usize]) -> Tensor {
        Tensor::new(shape.to_vec(), Data::I8((0..n).map(|i| (i * 53 % 256) as u8 as i8).collect()))
    }

    #[test]
    fn a_layer_with_a_stored_bias() {
        let mut graph = Graph::new("g");
        let q = layer(&mut graph, |graph| {
            let ty = TensorType::quantized(DType::I32, [4], q8(0.125, 0));
            let bias = ints(graph, "b", ty, &[1 << 30, -5, 700, -80]);
            real(graph, bias)
        });
        graph.outputs = vec![q];
        let (after, diagnostics) = run(&graph);
        assert_eq!(ops(&after), ["dense"]);
        assert!(diagnostics.0.is_empty(), "{diagnostics}");
        assert_eq!(after.values[after.outputs[0]].name, "q");
        close(&graph, &after, &[input(16, &[2, 8])]);
    }

    #[test]
    fn other_biases_are_rounded_and_reported() {
        for (bias, code) in [(None, 411), (Some(1e9), 412)] {
            let mut graph = Graph::new("g");
            let q = layer(&mut graph, |graph| match bias {
                Some(value) => floats(graph, "b", [4], &[value, 0.0, 1.0, 2.0]),
                None => {
                    let ty = TensorType::quantized(DType::I32, [4], q8(0.12, 0));
                    let bias = ints(graph, "b", ty, &[100, -5, 700, -80]);
                    real(graph, bias)
                }
            });
            graph.outputs = vec![q];
            let (after, diagnostics) = run(&graph);
            assert_eq!(ops(&after), ["dense"]);
            assert_eq!(diagnostics.0.iter().map(|d| d.code).collect::<Vec<_>>(), [code]);
            close(&graph, &after, &[input(16, &[2, 8])]);
        }
    }

    #[test]
    fn a_scale_out_of_range_stays_float() {
        let mut graph = Graph::new("g");
        let x = graph.input("x", quantized([1, 1], 1e-30, 0));
        let weight = ints(&mut graph, "w", quantized([1, 1], 1e-30, 0), &[3]);
        let (x, weight) = (real(&mut graph, x), real(&mut graph, weight));
        let bias = floats(&mut graph, "b", [1], &[0.0]);
        let y = graph.node(Dense { act: NONE }, &[x, weight, bias], "y", Origin::default()).unwrap();
        let q = quantize(&mut graph, y, "q", 1.0, 0);
        graph.outputs = vec![q];
        let (after, diagnostics) = run(&graph);
        assert_eq!(ops(&after), ops(&graph));
        assert_eq!(diagnostics.0.iter().map(|d| d.code).collect::<Vec<_>>(), [413]);
    }

    #[test]
    fn a_residual_block_with_pools_and_softmax() {
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let x = graph.input("x", quantized([1, 4, 4, 8], 0.1, 5));
        let r = real(&mut graph, x);
        let window = Window { kernel: [2, 2], strides: [2, 2], pads: [0; 4] };
        let max = graph.node(MaxPool2d { window: window.clone() }, &[r], "max", at()).unwrap();
        let mean = AvgPool2d { window, count_include_pad: false, act: NONE };
        let mean = graph.node(mean, &[r], "mean", at()).unwrap();
        let mean = quantize(&mut graph, mean, "mean/q", 0.07, -9);
        let mean = real(&mut graph, mean);
        let sum = graph.node(Add { act: NONE }, &[max, mean], "sum", at()).unwrap();
        let relu = graph.node(Clamp { act: Activation::RELU6 }, &[sum], "relu", at()).unwrap();
        // Two users of one sum, quantised differently, and a third like the first.
        let fine = quantize(&mut graph, relu, "fine", 0.05, -128);
        let coarse = quantize(&mut graph, relu, "coarse", 0.2, 0);
        let again = quantize(&mut graph, relu, "again", 0.05, -128);
        let r = real(&mut graph, fine);
        let shares = graph.node(Softmax, &[r], "softmax", at()).unwrap();
        let shares = quantize(&mut graph, shares, "shares", 1.0 / 256.0, -128);
        graph.outputs = vec![shares, coarse, again];
        let (after, diagnostics) = run(&graph);
        assert!(diagnostics.0.is_empty());
        assert_eq!(ops(&after), ["max_pool2d", "avg_pool2d", "add", "add", "softmax"]);
        close(&graph, &after, &[input(128, &[1, 4, 4, 8])]);
    }

    #[test]
    fn islands_stay_where_floats_are_wanted() {
        let mut graph = Graph::new("g");
        let x = graph.input("x", quantized([4], 0.1, 5));
        let r = real(&mut graph, x);
        let sum = graph.node(Add { act: NONE }, &[r, r], "sum", Origin::default()).unwrap();
        let q = quantize(&mut graph, sum, "q", 0.2, 0);
        let relu = graph.node(Clamp { act: Activation::RELU }, &[r], "relu", Origin::default()).unwrap();
        let relu = quantize(&mut graph, relu, "relu/q", 0.1, 5);
        let same = real(&mut graph, x);
        let same = quantize(&mut graph, same, "same", 0.1, 5);
        graph.outputs = vec![q, sum, relu, same];
        let (after, _) = run(&graph);
        assert_eq!(ops(&after), ["dequantize", "add", "quantize", "requantize"]);
        assert_eq!(after.outputs[3], after.inputs[0]);
    }
}
