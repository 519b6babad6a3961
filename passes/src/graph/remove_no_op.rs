//! Drops operators that return their argument unchanged. Exact: no bit changes.
//!
//! Transposes and reshapes that move nothing are [`fold_layout`](super::fold_layout)'s.

use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{DType, Graph, Op, TensorType};

/// Removes clamps without bounds, pads of nothing, 1×1 max pools of integers, and requantisations to the same quantisation
/// whose clamp cannot bite.
pub fn run(graph: &Graph) -> Graph {
    Rewriter::run(graph, |rewriter, node| {
        let data = &graph.nodes[node];
        let x = *data.inputs.first()?;
        is_no_op(&data.op, graph.ty(x), graph.ty(data.outputs[0])).then(|| rewriter.value(x))
    })
}

/// Whether the operator returns its argument 0, of type `x`, bit by bit as a result of type `y`.
pub(crate) fn is_no_op(op: &Op, x: &TensorType, y: &TensorType) -> bool {
    match op {
        Op::Clamp(clamp) => clamp.act.is_none(),
        Op::Pad(pad) => pad.before.iter().chain(&pad.after).all(|&n| n == 0),
        // Not of floats: a max pool passes NaN over.
        Op::MaxPool2d(pool) => {
            pool.window.kernel == [1, 1] && pool.window.strides == [1, 1] && x.dtype != DType::F32
        }
        Op::Requantize(requantize) => x == y && !bites(requantize.act, y),
        _ => false,
    }
}

/// Whether an activation can change a stored value of a type quantised per tensor.
fn bites(act: tinyc_ir::Activation, ty: &TensorType) -> bool {
    let range = ty.dtype.int_range().map(|(lo, hi)| (lo as i64, hi as i64));
    match (ty.quant.as_ref().and_then(|q| q.tensor_wide()), range) {
        (Some((scale, zero_point)), Some(range)) => act.quantized(scale, zero_point, range) != range,
        _ => !act.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples::{q8, quantized};
    use tinyc_ir::op::{Clamp, Requantize};
    use tinyc_ir::{Activation, Origin};

    #[test]
    fn only_what_changes_bits_stays() {
        let mut graph = Graph::new("g");
        let x = graph.input("x", quantized([1, 4], 0.5, -128));
        let relu = Requantize { act: Activation::RELU };
        let same = graph
            .node_typed(relu.clone(), &[x], "same", quantized([1, 4], 0.5, -128), Origin::default())
            .unwrap();
        let other = graph
            .node_typed(relu, &[same], "other", quantized([1, 4], 0.25, -128), Origin::default())
            .unwrap();
        let capped = Requantize { act: Activation::RELU6 };
        let capped = graph
            .node_typed(capped, &[other], "capped", quantized([1, 4], 0.25, -128), Origin::default())
            .unwrap();
        graph.outputs = vec![capped];
        let names =
            |g: &Graph| g.nodes.values().map(|n| g.values[n.outputs[0]].name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&run(&graph)), ["other", "capped"]);
        assert_eq!(q8(0.5, -128), graph.ty(x).quant.clone().unwrap());
    }

    #[test]
    fn a_clamp_without_bounds_goes() {
        let mut graph = Graph::new("g");
        let x = graph.input("x", TensorType::f32([3]));
        let none = graph.node(Clamp { act: Activation::NONE }, &[x], "none", Origin::default()).unwrap();
        let relu = graph.node(Clamp { act: Activation::RELU }, &[none], "relu", Origin::default()).unwrap();
        graph.outputs = vec![relu];
        assert_eq!(run(&graph).nodes.len(), 1);
    }
}
