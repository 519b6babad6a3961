//! Moves a transpose in front of a `dense` layer into the columns of its constant weights: a channels-first `Flatten`.
//!
//! `y[n] = Σk W[n,k] · x[π(k)] = Σj W[n,π⁻¹(j)] · x[j]`. Exact on quantised types. On floats the same products are
//! summed in another order, which moves a result by at most about `K · 2^-24 · Σ|w·x|`.

use super::fold_layout::look_through;
use super::view::View;
use tinyc_ir::graph::{Def, Node, Value};
use tinyc_ir::op::{Dequantize, Reshape};
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{Graph, Op, Tensor};

/// Rearranges weights so that `dense` reads its argument in memory order.
pub fn run(graph: &Graph) -> Graph {
    Rewriter::run(graph, |rewriter, node| match graph.nodes[node].op {
        Op::Dense(_) => rewrite(rewriter, node),
        _ => None,
    })
}

fn rewrite(rewriter: &mut Rewriter<'_>, node: Node) -> Option<Value> {
    let inputs = rewriter.inputs(node);
    let new = &mut rewriter.new;
    let x_shape = new.ty(inputs[0]).shape.clone();
    // A view is either right before the layer, or before the dequantize in front of it.
    let dequantize = new.node_of(inputs[0]).filter(|(_, d)| matches!(d.op, Op::Dequantize(_)));
    let (x, origin) = match dequantize {
        Some((_, data)) => (data.inputs[0], Some(data.origin.clone())),
        None => (inputs[0], None),
    };
    let (base, view) = look_through(new, x)?;
    let columns = columns(&view, x_shape[0], x_shape[1])?;
    let weight = permuted_weight(new, inputs[1], &columns)?;
    let name = format!("{}/flat", new.values[x].name);
    let at = rewriter.old.nodes[node].origin.clone();
    let new = &mut rewriter.new;
    let mut flat = match new.ty(base).shape == x_shape {
        true => base,
        false => new.node(Reshape { shape: x_shape.to_vec() }, &[base], name.clone(), at).ok()?,
    };
    if let Some(origin) = origin {
        flat = new.node(Dequantize, &[flat], format!("{name}/real"), origin).ok()?;
    }
    let op = rewriter.old.nodes[node].op.clone();
    rewriter.replace(node, op, &[flat, weight, inputs[2]]).ok()
}

/// For each of `depth` columns of the view, the column of its base in memory order that it is; `None` if nothing moves
/// or if rows mix.
fn columns(view: &View, rows: usize, depth: usize) -> Option<Vec<usize>> {
    if view.keeps_order() {
        return None;
    }
    let positions = view.positions();
    let columns = positions[..depth].to_vec();
    let regular = (0..rows * depth).all(|i| {
        let (row, k) = (i / depth, i % depth);
        columns[k] < depth && positions[i] == row * depth + columns[k]
    });
    regular.then_some(columns)
}

/// The weight (constant, or `dequantize` of one) with column `k` moved to `columns[k]`.
fn permuted_weight(graph: &mut Graph, weight: Value, columns: &[usize]) -> Option<Value> {
    let (stored, origin) = match graph.node_of(weight) {
        Some((_, data)) if matches!(data.op, Op::Dequantize(_)) => {
            (data.inputs[0], Some(data.origin.clone()))
        }
        _ => (weight, None),
    };
    let Def::Const(tensor) = &graph.values[stored].def else { return None };
    let ty = graph.ty(stored).clone();
    if ty.quant.as_ref().is_some_and(|q| q.axis() == Some(1)) {
        return None;
    }
    let depth = columns.len();
    let mut source = vec![0; depth];
    for (k, &column) in columns.iter().enumerate() {
        source[column] = k;
    }
    let positions: Vec<usize> =
        (0..tensor.data.len()).map(|i| i / depth * depth + source[i % depth]).collect();
    let permuted = Tensor::new(ty.shape.clone(), tensor.data.gather(&positions));
    let name = format!("{}/flat", graph.values[stored].name);
    let constant = graph.constant(name, ty, permuted);
    match origin {
        Some(origin) => {
            let name = format!("{}/flat", graph.values[weight].name);
            graph.node(Dequantize, &[constant], name, origin).ok()
        }
        None => Some(constant),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples::{ints, ops, quantized};
    use tinyc_ir::op::{Dense, Quantize, Transpose};
    use tinyc_ir::{Activation, Data, Origin, TensorType, eval::eval};

    #[test]
    fn a_flatten_of_channels_first_data_costs_nothing() {
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let x = graph.input("x", quantized([2, 2, 3, 4], 0.5, 1));
        let turned = graph.node(Transpose { perm: vec![0, 3, 1, 2] }, &[x], "nchw", at()).unwrap();
        let flat = graph.node(Reshape { shape: vec![2, 24] }, &[turned], "flat", at()).unwrap();
        let real = graph.node(Dequantize, &[flat], "real", at()).unwrap();
        let values: Vec<i64> = (0..48).map(|i| i * 5 % 127 - 60).collect();
        let weight = ints(&mut graph, "w", quantized([2, 24], 0.25, 0), &values);
        let weight = graph.node(Dequantize, &[weight], "w/real", at()).unwrap();
        let bias = crate::graph::samples::floats(&mut graph, "b", [2], &[0.0, 1.0]);
        let dense = Dense { act: Activation::NONE };
        let y = graph.node(dense, &[real, weight, bias], "y", at()).unwrap();
        let q = graph.node_typed(Quantize, &[y], "q", quantized([2, 2], 8.0, 0), at()).unwrap();
        graph.outputs = vec![q];
        let after = run(&graph);
        assert_eq!(ops(&after), ["dequantize", "reshape", "dequantize", "dense", "quantize"]);
        let input = Tensor::new([2, 2, 3, 4], Data::I8((0..48).map(|i| (i * 7 % 100) as i8 - 50).collect()));
        let outputs = |g: &Graph| eval(g, std::slice::from_ref(&input)).outputs(g);
        assert_eq!(outputs(&graph), outputs(&after));
    }

    #[test]
    fn rows_that_mix_stay() {
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let x = graph.input("x", TensorType::f32([3, 2]));
        let turned = graph.node(Transpose { perm: vec![1, 0] }, &[x], "t", at()).unwrap();
        let weight = crate::graph::samples::floats(&mut graph, "w", [1, 3], &[1.0, 2.0, 3.0]);
        let bias = crate::graph::samples::floats(&mut graph, "b", [1], &[0.0]);
        let y = graph.node(Dense { act: Activation::NONE }, &[turned, weight, bias], "y", at()).unwrap();
        graph.outputs = vec![y];
        assert_eq!(ops(&run(&graph)), ["transpose", "dense"]);
    }
}
