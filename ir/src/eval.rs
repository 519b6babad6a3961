//! The reference evaluator: a graph's meaning, one node at a time. Slow and obvious, never optimised.

use crate::entity::Entity;
use crate::graph::{Def, Graph, Node};
use crate::{Tensor, Value};
use std::sync::Arc;

/// Every tensor of a graph after one run; indexed by value.
pub struct Evaluation {
    tensors: Vec<Option<Arc<Tensor>>>,
    failure: Option<(Node, String)>,
}

impl Evaluation {
    /// The tensor of a value.
    pub fn tensor(&self, value: Value) -> &Tensor {
        self.tensors[value.index()].as_ref().expect("every value of a verified graph is computed")
    }

    /// The first node at which a compiled network ends the run with an error, and why: the given data select what does not
    /// exist. The tensors from there on are those of the nearest data that do.
    pub fn failure(&self) -> Option<(Node, &str)> {
        self.failure.as_ref().map(|(node, why)| (*node, why.as_str()))
    }

    /// The graph's outputs, in order.
    pub fn outputs(&self, graph: &Graph) -> Vec<Tensor> {
        graph.outputs.iter().map(|&v| self.tensor(v).clone()).collect()
    }
}

/// Evaluates a verified graph on inputs in the graph's order.
///
/// The inputs' types must be those of the graph; a mismatch is a programming error.
pub fn eval(graph: &Graph, inputs: &[Tensor]) -> Evaluation {
    assert_eq!(inputs.len(), graph.inputs.len(), "one tensor per graph input");
    let mut tensors: Vec<Option<Arc<Tensor>>> = vec![None; graph.values.len()];
    for (&value, tensor) in graph.inputs.iter().zip(inputs) {
        let ty = graph.ty(value);
        assert_eq!(
            (ty.dtype, &ty.shape),
            (tensor.dtype(), &tensor.shape),
            "input {}",
            graph.values[value].name
        );
        tensors[value.index()] = Some(Arc::new(tensor.clone()));
    }
    for (value, data) in graph.values.iter() {
        if let Def::Const(tensor) = &data.def {
            tensors[value.index()] = Some(Arc::clone(tensor));
        }
    }
    let mut failure = None;
    for (id, node) in graph.nodes.iter() {
        let arguments: Vec<_> = node
            .inputs
            .iter()
            .map(|&v| (graph.ty(v), tensors[v.index()].as_deref().expect("nodes are in topological order")))
            .collect();
        if failure.is_none() {
            failure = node.op.failure(&arguments).map(|why| (id, why));
        }
        let result = node.op.eval(&arguments, graph.ty(node.outputs[0]));
        tensors[node.outputs[0].index()] = Some(Arc::new(result));
    }
    Evaluation { tensors, failure }
}
