//! Fused regions: nodes that share one kernel, so that no tensor between them is ever stored.
//!
//! A weighted sum (`conv2d`, `dense`) takes in the `requantize` that alone reads its 8-bit result: each stored value goes
//! through a table on its way to memory. Both roundings are still made, so no bit changes.

use tinyc_ir::entity::Entity;
use tinyc_ir::{Def, Graph, Node, Op, Value};

/// For each node, what its kernel also computes, and which nodes have no kernel of their own.
pub struct Regions {
    follower: Vec<Option<Node>>,
    absorbed: Vec<bool>,
}

impl Regions {
    /// Finds the regions of a graph.
    pub fn new(graph: &Graph) -> Self {
        let mut this =
            Self { follower: vec![None; graph.nodes.len()], absorbed: vec![false; graph.nodes.len()] };
        let uses = graph.use_counts();
        for (node, data) in graph.nodes.iter() {
            let Op::Requantize(_) = data.op else { continue };
            let Def::Node(producer, _) = graph.values[data.inputs[0]].def else { continue };
            let sums = matches!(graph.nodes[producer].op, Op::Conv2d(_) | Op::Dense(_));
            if sums && uses[data.inputs[0].index()] == 1 && graph.ty(data.inputs[0]).dtype.size() == 1 {
                this.follower[producer.index()] = Some(node);
                this.absorbed[node.index()] = true;
            }
        }
        this
    }

    /// The node whose work the kernel of this one also does.
    pub fn follower(&self, node: Node) -> Option<Node> {
        self.follower[node.index()]
    }

    /// Whether another node's kernel does this one's work.
    pub fn is_absorbed(&self, node: Node) -> bool {
        self.absorbed[node.index()]
    }

    /// What the kernel of a node writes: the result of its region.
    pub fn result(&self, graph: &Graph, node: Node) -> Value {
        graph.nodes[self.follower(node).unwrap_or(node)].outputs[0]
    }
}
