//! Moves a clamp into the operator before it: a float `clamp`, or a `requantize` that keeps the quantisation and only
//! clamps. Exact: the operator clamps the same number, and rounding is monotone.

use tinyc_ir::entity::Entity;
use tinyc_ir::graph::{Node, Value};
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{Activation, Graph, Op};

/// Fuses clamps whose argument has no other use.
pub fn run(graph: &Graph) -> Graph {
    let uses = graph.use_counts();
    Rewriter::run(graph, |rewriter, node| {
        let data = &graph.nodes[node];
        let act = match &data.op {
            Op::Clamp(clamp) => clamp.act,
            Op::Requantize(requantize) => requantize.act,
            _ => return None,
        };
        let x = data.inputs[0];
        if uses[x.index()] != 1 || graph.ty(x) != graph.ty(data.outputs[0]) {
            return None;
        }
        fuse(rewriter, node, act)
    })
}

fn fuse(rewriter: &mut Rewriter<'_>, node: Node, next: Activation) -> Option<Value> {
    let x = rewriter.inputs(node)[0];
    let (_, producer) = rewriter.new.node_of(x)?;
    let mut op = producer.op.clone();
    let act = activation(&mut op)?;
    *act = act.then(next);
    let (inputs, origin) = (producer.inputs.clone(), producer.origin.clone());
    let (name, ty) = (rewriter.name(node), rewriter.ty(node).clone());
    rewriter.new.node_typed(op, &inputs, name, ty, origin).ok()
}

/// The clamp that an operator applies to its result, if it can.
pub(crate) fn activation(op: &mut Op) -> Option<&mut Activation> {
    match op {
        Op::Conv2d(op) => Some(&mut op.act),
        Op::Dense(op) => Some(&mut op.act),
        Op::AvgPool2d(op) => Some(&mut op.act),
        Op::Add(op) => Some(&mut op.act),
        Op::Mul(op) => Some(&mut op.act),
        Op::Requantize(op) => Some(&mut op.act),
        Op::Clamp(op) => Some(&mut op.act),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples::{ops, quantized};
    use tinyc_ir::op::{Add, Clamp, Requantize};
    use tinyc_ir::{Data, Origin, Tensor, TensorType, eval::eval};

    #[test]
    fn clamps_go_into_single_use_producers() {
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let x = graph.input("x", TensorType::f32([4]));
        let sum = graph.node(Add { act: Activation::NONE }, &[x, x], "sum", at()).unwrap();
        let relu = graph.node(Clamp { act: Activation::RELU }, &[sum], "relu", at()).unwrap();
        let cap = Activation { lo: -1.0, hi: 3.0 };
        let capped = graph.node(Clamp { act: cap }, &[relu], "capped", at()).unwrap();
        let other = graph.node(Clamp { act: Activation::RELU6 }, &[x], "other", at()).unwrap();
        graph.outputs = vec![capped, other];
        let after = run(&graph);
        assert_eq!(ops(&after), ["add", "clamp"]);
        let input = Tensor::f32([4], vec![-2.0, 0.5, 1.25, 9.0]);
        let outputs = |g: &Graph| eval(g, std::slice::from_ref(&input)).outputs(g);
        assert_eq!(outputs(&graph), outputs(&after));
    }

    #[test]
    fn a_clamp_on_integers_is_a_requantize_that_keeps_the_scale() {
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let x = graph.input("x", quantized([256], 0.5, 3));
        let ty = quantized([256], 0.3, 7);
        let sum = graph.node_typed(Add { act: Activation::NONE }, &[x, x], "sum", ty.clone(), at()).unwrap();
        let relu = graph.node_typed(Requantize { act: Activation::RELU6 }, &[sum], "relu", ty, at()).unwrap();
        let finer = Requantize { act: Activation::NONE };
        let finer = graph.node_typed(finer, &[relu], "finer", quantized([256], 0.2, 0), at()).unwrap();
        graph.outputs = vec![finer];
        let after = run(&graph);
        assert_eq!(ops(&after), ["add", "requantize"]);
        let input = Tensor::new([256], Data::I8((-128..=127).collect()));
        let outputs = |g: &Graph| eval(g, std::slice::from_ref(&input)).outputs(g);
        assert_eq!(outputs(&graph), outputs(&after));
    }
}
