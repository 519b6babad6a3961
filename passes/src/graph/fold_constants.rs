//! Evaluates nodes whose arguments are all constants. Exact: the reference `eval` computes them. A tensor without elements
//! is known, too, whoever computes or supplies it.
//!
//! `dequantize` is left alone, because [`recognize_qdq`](crate::quantize::integer::recognize_qdq) has to see it; what is still
//! there afterwards is [`fold_dequantize`](super::fold_dequantize)'s.

use std::sync::Arc;
use tinyc_ir::graph::{Def, Node, Value};
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{Graph, Op, Tensor, TensorType};

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

/// The most multiply-accumulates that are done at compile time: some seconds of the evaluator.
const MOST_MACS: u64 = 1 << 30;

/// The most bytes of a constant that is larger than all it is made of.
const MOST_BYTES: usize = 64 << 20;

/// Whether what a node computes is not worth a constant: it takes too long, or a small file would become a huge one.
fn is_too_much(op: &Op, arguments: &[(&TensorType, &Tensor)], ty: &TensorType) -> bool {
    let bytes = |ty: &TensorType| ty.dtype.bytes_of(ty.shape.elements()).unwrap_or(usize::MAX);
    let types: Vec<&TensorType> = arguments.iter().map(|argument| argument.0).collect();
    let made_of: usize = types.iter().map(|ty| bytes(ty)).fold(0, usize::saturating_add);
    op.macs(&types, ty) > MOST_MACS || bytes(ty) > MOST_BYTES.max(made_of)
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
    let (name, ty) = (rewriter.name(node), rewriter.ty(node).clone());
    if is_too_much(op, &arguments, &ty) || op.failure(&arguments).is_some() {
        return None; // what fails ends every run there, with its error
    }
    let tensor = op.eval(&arguments, &ty);
    Some(rewriter.constant(name, ty, tensor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples::{floats, quantized};
    use tinyc_ir::op::{Add, Dequantize, Matmul, Transpose};
    use tinyc_ir::{Activation, Data, Origin, Tensor, TensorType};

    #[test]
    fn a_product_of_billions_of_terms_is_left_to_the_device() {
        let mut graph = Graph::new("g");
        let small = floats(&mut graph, "small", [1, 8, 8], &[0.5; 64]);
        let square = TensorType::f32([1, 1100, 1100]);
        let large =
            graph.constant("large", square.clone(), Tensor::f32([1, 1100, 1100], vec![0.5; 1_210_000]));
        let few = graph.node(Matmul, &[small, small], "few", Origin::default()).unwrap();
        let many = graph.node(Matmul, &[large, large], "many", Origin::default()).unwrap();
        graph.outputs = vec![few, many];
        let folded = run(&graph);
        assert!(folded.const_of(folded.outputs[0]).is_some());
        assert_eq!(folded.nodes.len(), 1);
    }

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
