//! Steps of an unrolled loop, and the gates in them: what plays the same part in each step shares scale and zero point, so that steps
//! share their code and the state is one thing.

use super::{Form, form, unmoved};
use std::collections::BTreeMap;
use tinyc_ir::entity::Entity;
use tinyc_ir::formula::Term;
use tinyc_ir::graph::{Node, Value};
use tinyc_ir::loops::UnaryOp;
use tinyc_ir::{Graph, Op};

/// Formulas of several tensors on integers that are one formula of one ONNX node, repeated for each step.
fn repeated(graph: &Graph, integer: &dyn Fn(Node) -> bool) -> Vec<Vec<Node>> {
    let mut found: BTreeMap<String, Vec<Node>> = BTreeMap::new();
    for (node, data) in graph.nodes.iter() {
        let Op::Map(map) = &data.op else { continue };
        if !integer(node) || form(graph, node) != Form::Formula {
            continue;
        }
        let shapes: Vec<_> = data.inputs.iter().map(|&v| graph.ty(v).shape.to_string()).collect();
        let key = format!("{:?} {:?} {} {shapes:?}", data.origin.onnx, data.origin.name, map.f);
        found.entry(key).or_default().push(node);
    }
    found.into_values().filter(|nodes| nodes.len() > 1).collect()
}

/// Pairs of values that play the same part in two steps.
pub(super) fn alike(graph: &Graph, integer: &dyn Fn(Node) -> bool) -> Vec<(Value, Value)> {
    let variable = |v: Value| graph.const_of(v).is_none();
    let mut pairs = Vec::new();
    for nodes in repeated(graph, integer) {
        let data = |node: Node| &graph.nodes[node];
        let first = data(nodes[0]);
        for &other in &nodes[1..] {
            let other = data(other);
            let arguments = first.inputs.iter().zip(&other.inputs);
            pairs.extend(arguments.map(|(&a, &b)| (a, b)).filter(|&(a, b)| variable(a) && variable(b)));
            pairs.push((first.outputs[0], other.outputs[0]));
        }
    }
    pairs
}

/// Zeros with which a state begins, by the node that reads them and the argument's position, with what plays their part in another step:
/// stored alike, the first step shares the code of the others.
pub(super) fn starts(graph: &Graph, integer: &dyn Fn(Node) -> bool) -> Vec<((Node, usize), Value)> {
    let zero = |v: Value| {
        graph
            .const_of(v)
            .is_some_and(|t| t.data.as_f32().is_some_and(|numbers| numbers.iter().all(|x| *x == 0.0)))
    };
    let mut found = Vec::new();
    for nodes in repeated(graph, integer) {
        for position in 0..graph.nodes[nodes[0]].inputs.len() {
            let read = |node: &Node| graph.nodes[*node].inputs[position];
            let Some(other) = nodes.iter().map(read).find(|&v| graph.const_of(v).is_none()) else { continue };
            let begins = nodes.iter().filter(|node| zero(read(node)));
            found.extend(begins.map(|&node| ((node, position), other)));
        }
    }
    found
}

/// What gates of recurrent layers read and make: states change little in a step, which eight bits would lose. Sums that gates are made of are parts of
/// them, also where a network makes one step in each run and keeps its state.
pub(super) fn gates(graph: &Graph, integer: &dyn Fn(Node) -> bool) -> Vec<Value> {
    let steps: Vec<Node> = repeated(graph, integer).concat();
    let mut is_step = vec![false; graph.nodes.len()];
    steps.iter().for_each(|node| is_step[node.index()] = true);
    let squashes = |op: &Op| match op {
        Op::Map(map) => {
            let terms = map.f.terms().iter();
            terms.into_iter().any(|t| matches!(t, Term::Unary(UnaryOp::Sigmoid | UnaryOp::Tanh, _)))
        }
        _ => false,
    };
    let formula = |node: Node| integer(node) && form(graph, node) == Form::Formula;
    let mut gate = vec![false; graph.nodes.len()];
    for (node, data) in graph.nodes.iter().rev() {
        gate[node.index()] |= formula(node) && (is_step[node.index()] || squashes(&data.op));
        if !gate[node.index()] {
            continue;
        }
        for &input in &data.inputs {
            let made = graph.node_of(unmoved(graph, input)).map(|(node, _)| node);
            made.filter(|&made| formula(made)).into_iter().for_each(|made| gate[made.index()] = true);
        }
    }
    let ends = |(_, data): (Node, &tinyc_ir::graph::NodeData)| [&data.inputs[..], &data.outputs[..]].concat();
    let gates = graph.nodes.iter().filter(|(node, _)| gate[node.index()]);
    gates.flat_map(ends).filter(|&v| graph.const_of(v).is_none()).collect()
}
