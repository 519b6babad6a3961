//! Builds a new graph from an old one, node by node: the shape of every graph pass.
//!
//! Origins are copied, unused nodes and constants are dropped, and ids come out dense.

use crate::entity::Entity;
use crate::graph::{Def, Graph, Node, Value};
use crate::op::TypeError;
use crate::{Op, Origin, Tensor, TensorType};
use std::sync::Arc;

/// The old graph, the new graph under construction, and which new value stands for which old one.
pub struct Rewriter<'a> {
    /// The graph that is read.
    pub old: &'a Graph,
    /// The graph that is built.
    pub new: Graph,
    map: Vec<Option<Value>>,
}

impl<'a> Rewriter<'a> {
    /// Runs `rewrite` on every node of `old` in order. It returns the new value that stands for the node's result,
    /// or `None` to copy the node as it is. What nothing uses is then dropped, inputs excepted.
    pub fn run(old: &'a Graph, mut rewrite: impl FnMut(&mut Self, Node) -> Option<Value>) -> Graph {
        let mut this = Self { old, new: Graph::new(&old.name), map: vec![None; old.values.len()] };
        for &input in &old.inputs {
            let data = &old.values[input];
            let value = this.new.input(&data.name, data.ty.clone());
            this.map[input.index()] = Some(value);
        }
        for node in old.nodes.keys() {
            let value = match rewrite(&mut this, node) {
                Some(value) => value,
                None => this.copy(node),
            };
            let result = old.nodes[node].outputs[0];
            this.map[result.index()] = Some(value);
        }
        this.new.outputs = old.outputs.iter().map(|&v| this.value(v)).collect();
        compact(&this.new)
    }

    /// The new value that stands for an old one. Constants are copied when first asked for.
    pub fn value(&mut self, old: Value) -> Value {
        if let Some(value) = self.map[old.index()] {
            return value;
        }
        let data = &self.old.values[old];
        let Def::Const(tensor) = &data.def else { unreachable!("nodes are rewritten in topological order") };
        let value = self.new.constant(&data.name, data.ty.clone(), Arc::clone(tensor));
        self.map[old.index()] = Some(value);
        value
    }

    /// The new values that stand for a node's arguments.
    pub fn inputs(&mut self, node: Node) -> Vec<Value> {
        let old = self.old;
        old.nodes[node].inputs.iter().map(|&v| self.value(v)).collect()
    }

    /// The name of a node's (first) result in the old graph.
    pub fn name(&self, node: Node) -> &'a str {
        &self.old.values[self.old.nodes[node].outputs[0]].name
    }

    /// The type of a node's (first) result in the old graph.
    pub fn ty(&self, node: Node) -> &'a TensorType {
        self.old.ty(self.old.nodes[node].outputs[0])
    }

    /// Where a node came from.
    pub fn origin(&self, node: Node) -> Origin {
        self.old.nodes[node].origin.clone()
    }

    /// Copies a node with its rewritten arguments.
    pub fn copy(&mut self, node: Node) -> Value {
        let inputs = self.inputs(node);
        let op = self.old.nodes[node].op.clone();
        self.replace(node, op, &inputs).expect("a copied node keeps its types")
    }

    /// A new node in the place of an old one: same result name, type and origin, another operator or other arguments.
    pub fn replace(&mut self, node: Node, op: impl Into<Op>, inputs: &[Value]) -> Result<Value, TypeError> {
        let (name, ty, origin) = (self.name(node), self.ty(node).clone(), self.origin(node));
        self.new.node_typed(op, inputs, name, ty, origin)
    }

    /// A constant in the new graph.
    pub fn constant(&mut self, name: impl Into<String>, ty: TensorType, tensor: Tensor) -> Value {
        self.new.constant(name, ty, tensor)
    }
}

/// The same graph without nodes and constants that no output needs; ids dense, names unique, order kept.
pub fn compact(graph: &Graph) -> Graph {
    let mut needed = vec![false; graph.values.len()];
    for &output in &graph.outputs {
        needed[output.index()] = true;
    }
    for node in graph.nodes.values().rev() {
        if node.outputs.iter().any(|o| needed[o.index()]) {
            for input in &node.inputs {
                needed[input.index()] = true;
            }
        }
    }
    let mut new = Graph::new(&graph.name);
    let mut map: Vec<Option<Value>> = vec![None; graph.values.len()];
    let mut names = std::collections::BTreeSet::new();
    let mut unique = |name: &str| {
        let mut chosen = name.to_string();
        let mut suffix = 1;
        while !names.insert(chosen.clone()) {
            suffix += 1;
            chosen = format!("{name}#{suffix}");
        }
        chosen
    };
    for &input in &graph.inputs {
        let data = &graph.values[input];
        map[input.index()] = Some(new.input(unique(&data.name), data.ty.clone()));
    }
    let constants = |new: &mut Graph,
                     map: &mut Vec<Option<Value>>,
                     values: &[Value],
                     unique: &mut dyn FnMut(&str) -> String| {
        for &v in values {
            if let (None, Def::Const(tensor)) = (map[v.index()], &graph.values[v].def) {
                let data = &graph.values[v];
                map[v.index()] = Some(new.constant(unique(&data.name), data.ty.clone(), Arc::clone(tensor)));
            }
        }
    };
    for node in graph.nodes.values() {
        if !node.outputs.iter().any(|o| needed[o.index()]) {
            continue;
        }
        constants(&mut new, &mut map, &node.inputs, &mut unique);
        let inputs: Vec<Value> =
            node.inputs.iter().map(|v| map[v.index()].expect("nodes are in topological order")).collect();
        let result = &graph.values[node.outputs[0]];
        let value = new
            .node_typed(
                node.op.clone(),
                &inputs,
                unique(&result.name),
                result.ty.clone(),
                node.origin.clone(),
            )
            .expect("a copied node keeps its types");
        map[node.outputs[0].index()] = Some(value);
    }
    constants(&mut new, &mut map, &graph.outputs, &mut unique);
    new.outputs = graph.outputs.iter().map(|v| map[v.index()].expect("outputs are computed")).collect();
    new
}
