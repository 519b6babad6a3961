//! The graph IR: *what* is computed. Values and nodes in topological order; no loops, no memory.

use crate::entity::Arena;
use crate::op::{Op, TypeError};
use crate::{Origin, Tensor, TensorType};
use std::sync::Arc;

crate::entity! {
    /// A tensor of the graph.
    pub struct Value = "v";
}
crate::entity! {
    /// An operator applied to values.
    pub struct Node = "n";
}

/// A network as operators on tensors. Its meaning is [`eval`](crate::eval::eval).
#[derive(Clone, Default)]
pub struct Graph {
    /// The network's name; a valid identifier in C and Rust is made of it later.
    pub name: String,
    /// All tensors. Names are unique.
    pub values: Arena<Value, ValueData>,
    /// All operators; each comes after the nodes whose results it uses.
    pub nodes: Arena<Node, NodeData>,
    /// What the user supplies, in the model's order. Exactly the values whose definition is [`Def::Input`].
    pub inputs: Vec<Value>,
    /// What the user receives, in the model's order.
    pub outputs: Vec<Value>,
}

/// One tensor of the graph.
#[derive(Clone, Debug)]
pub struct ValueData {
    /// The tensor's name in the model, or one derived from it. Unique in the graph; a pass that changes a tensor's
    /// bits or layout gives it another name, so equal names in two graphs of one model mean equal tensors.
    pub name: String,
    /// Storage, shape, quantisation.
    pub ty: TensorType,
    /// Where it comes from.
    pub def: Def,
}

/// How a value comes to be.
#[derive(Clone, Debug)]
pub enum Def {
    /// Supplied by the user at run time.
    Input,
    /// Known at compile time.
    Const(Arc<Tensor>),
    /// The result of a node with the given position among its outputs.
    Node(Node, usize),
}

/// One operator application.
#[derive(Clone, Debug)]
pub struct NodeData {
    /// The operator with its attributes.
    pub op: Op,
    /// The arguments, as the operator's docs order them.
    pub inputs: Vec<Value>,
    /// The results.
    pub outputs: Vec<Value>,
    /// Where in the user's model this came from.
    pub origin: Origin,
}

impl Graph {
    /// An empty graph.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds a run-time input.
    pub fn input(&mut self, name: impl Into<String>, ty: TensorType) -> Value {
        let value = self.values.push(ValueData { name: name.into(), ty, def: Def::Input });
        self.inputs.push(value);
        value
    }

    /// Adds a constant. Its type's dtype and shape are the tensor's.
    pub fn constant(
        &mut self,
        name: impl Into<String>,
        ty: TensorType,
        tensor: impl Into<Arc<Tensor>>,
    ) -> Value {
        let tensor = tensor.into();
        debug_assert_eq!((ty.dtype, &ty.shape), (tensor.dtype(), &tensor.shape));
        self.values.push(ValueData { name: name.into(), ty, def: Def::Const(tensor) })
    }

    /// Adds a node with one result whose type is inferred; for operators on floats and for those that keep their
    /// operand's quantisation (reshape, transpose, pad, max_pool2d).
    pub fn node(
        &mut self,
        op: impl Into<Op>,
        inputs: &[Value],
        name: impl Into<String>,
        origin: Origin,
    ) -> Result<Value, TypeError> {
        let op = op.into();
        let ty = op.infer(&self.types(inputs))?;
        self.node_typed(op, inputs, name, ty, origin)
    }

    /// Adds a node with one result of the given type, as quantised operators need; the type is checked.
    pub fn node_typed(
        &mut self,
        op: impl Into<Op>,
        inputs: &[Value],
        name: impl Into<String>,
        ty: TensorType,
        origin: Origin,
    ) -> Result<Value, TypeError> {
        let op = op.into();
        op.check(&self.types(inputs), &ty)?;
        let node = self.nodes.next_key();
        let value = self.values.push(ValueData { name: name.into(), ty, def: Def::Node(node, 0) });
        self.nodes.push(NodeData { op, inputs: inputs.to_vec(), outputs: vec![value], origin });
        Ok(value)
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> &TensorType {
        &self.values[value].ty
    }

    /// The types of several values.
    pub fn types(&self, values: &[Value]) -> Vec<&TensorType> {
        values.iter().map(|&v| self.ty(v)).collect()
    }

    /// The constant behind a value, if it is one.
    pub fn const_of(&self, value: Value) -> Option<&Arc<Tensor>> {
        match &self.values[value].def {
            Def::Const(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// The node that computes a value, if one does.
    pub fn node_of(&self, value: Value) -> Option<(Node, &NodeData)> {
        match self.values[value].def {
            Def::Node(node, _) => Some((node, &self.nodes[node])),
            _ => None,
        }
    }

    /// For each value, how many node inputs and graph outputs use it.
    pub fn use_counts(&self) -> Vec<u32> {
        use crate::entity::Entity;
        let mut counts = vec![0; self.values.len()];
        for value in self.nodes.values().flat_map(|n| &n.inputs).chain(&self.outputs) {
            counts[value.index()] += 1;
        }
        counts
    }
}
