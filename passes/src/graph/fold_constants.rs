//! Evaluates nodes whose arguments are all constants. Exact: the reference `eval` computes them. A tensor without elements
//! is known, too, whoever computes or supplies it.
//!
//! `dequantize` is left alone, because [`recognize_qdq`](crate::quantize::recognize_qdq) has to see it; what is still
//! there afterwards is [`fold_dequantize`](super::fold_dequantize)'s.

use std::sync::Arc;
use tinyc_ir::graph::{Def, Node, Value};
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{Graph, Op, Tensor};

/// Evaluates all constant nodes except `dequantize`.
pub fn run(graph: &Graph) -> Graph {
    Rewriter::run(graph, |rewriter, node| match graph.nodes[node].op {
        _ if rewriter.ty(node).shape.elements() == 0 => {
            let (name, ty) = (rewriter.name(node), rewriter.ty(node).clone());
            let tensor = Tensor::without_elements(&ty);
            Some(rewriter.constant(name, ty, tensor))
        }
        Op::Dequantize(_) => None,
        _ => evaluate(rewriter, node),
    })
}

/// The constant that a node computes, if all its arguments are constants in the new graph.
pub(super) fn evaluate(rewriter: &mut Rewriter<'_>, node: Node) -> Option<Value> {
    let inputs = rewriter.inputs(node);
    let new = &rewriter.new;
    let known: Option<Vec<Arc<Tensor>>> = inputs
        .iter()
        .map(|&v| match &new.values[v].def {
            Def::Const(tensor) => Some(Arc::clone(tensor)),
            _ => (new.ty(v).shape.elements() == 0).then(|| Arc::new(Tensor::without_elements(new.ty(v)))),
        })
        .collect();
    let known = known?;
    let arguments: Vec<_> = inputs.iter().zip(&known).map(|(&v, tensor)| (new.ty(v), &**tensor)).collect();
    let op = &rewriter.old.nodes[node].op;
    if op.failure(&arguments).is_some() {
        return None; // every run ends there, with its error
    }
    let (name, ty) = (rewriter.name(node), rewriter.ty(node).clone());
    let tensor = op.eval(&arguments, &ty);
    Some(rewriter.constant(name, ty, tensor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples::{floats, quantized};
    use tinyc_ir::op::{Add, Dequantize, Transpose};
    use tinyc_ir::{Activation, Data, Origin, Tensor, TensorType};

    #[test]
    fn constants_are_evaluated_but_not_dequantised() {
        let mut graph = Graph::new("g");
        let x = graph.input("x", TensorType::f32([2, 2]));
        let stored =
            graph.constant("w", quantized([2, 2], 0.5, 0), Tensor::new([2, 2], Data::I8(vec![1, 2, 3, 4])));
        let turned =
            graph.node(Transpose { perm: vec![1, 0] }, &[stored], "turned", Origin::default()).unwrap();
        let real = graph.node(Dequantize, &[turned], "real", Origin::default()).unwrap();
        let one = floats(&mut graph, "one", [2, 2], &[1.0; 4]);
        let add = Add { act: Activation::NONE };
        let two = graph.node(add.clone(), &[one, one], "two", Origin::default()).unwrap();
        let sum = graph.node(add.clone(), &[x, real], "sum", Origin::default()).unwrap();
        let sum = graph.node(add, &[sum, two], "end", Origin::default()).unwrap();
        graph.outputs = vec![sum];
        let folded = run(&graph);
        let ops: Vec<_> = folded.nodes.values().map(|n| n.op.name()).collect();
        assert_eq!(ops, ["dequantize", "add", "add"]);
        let turned = folded.nodes.values().next().map(|n| n.inputs[0]).unwrap();
        assert_eq!(folded.const_of(turned).unwrap().data, Data::I8(vec![1, 3, 2, 4]));
        let all = super::super::fold_dequantize::run(&folded);
        assert!(all.nodes.values().all(|n| n.op.name() == "add"));
    }
}
