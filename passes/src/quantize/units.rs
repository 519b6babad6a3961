//! What can be chosen: layers, each with the precisions that it could have.
//!
//! Which of them is worth its cost is not known here.

use super::calibrate::{Options, asked, layer_name};
use super::plan::{Plan, Precision, Precisions, States};
use std::collections::BTreeMap;
use tinyc_ir::graph::{Node, Value};
use tinyc_ir::{DType, Graph};

/// Layers that get their precision together: one, or all that share weights.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The layers.
    pub nodes: Vec<Node>,
    /// The name of the first.
    pub name: String,
    /// Weights, biases not counted.
    pub weights: usize,
    /// What it can have: first what it has if nothing else is said.
    pub candidates: Vec<Precision>,
}

impl Unit {
    /// The precisions of its layers, if it has this one.
    pub fn precisions(&self, precision: Precision) -> impl Iterator<Item = (Node, Precision)> {
        self.nodes.iter().map(move |&node| (node, precision))
    }
}

/// The layers of a plan, in the graph's order.
pub(super) fn units(graph: &Graph, plan: &Plan, precisions: &Precisions, options: &Options) -> Vec<Unit> {
    let mut by_weight: BTreeMap<Value, usize> = BTreeMap::new();
    let mut units: Vec<Unit> = Vec::new();
    let mut free: Vec<bool> = Vec::new();
    for layer in &plan.layers {
        let name = layer_name(graph, layer.output);
        let is_free = asked(options, name).is_none();
        let at = *by_weight.entry(layer.weight).or_insert(units.len());
        if at == units.len() {
            let weights = graph.ty(layer.weight).shape.elements();
            let candidates = vec![precisions.get(&layer.node).copied().unwrap_or_default()];
            units.push(Unit { nodes: Vec::new(), name: name.to_owned(), weights, candidates });
            free.push(true);
        }
        units[at].nodes.push(layer.node);
        free[at] &= is_free;
    }
    for (unit, _) in units.iter_mut().zip(free).filter(|(_, free)| *free) {
        let narrower = DType::I4.bytes_of(unit.weights) < DType::I8.bytes_of(unit.weights);
        let others = [
            (Precision::Int4, narrower),
            (Precision::Int16, widens(graph, plan, precisions, unit, &options.states)),
            (Precision::Float, true),
        ];
        unit.candidates.extend(others.into_iter().filter(|(_, can)| *can).map(|(precision, _)| precision));
    }
    units
}

/// Whether 16 bits before the layers change anything: some tensors have 8 bits whatever is asked, some have 16 anyway.
fn widens(graph: &Graph, plan: &Plan, precisions: &Precisions, unit: &Unit, states: &States) -> bool {
    let mut wide = precisions.clone();
    wide.extend(unit.precisions(Precision::Int16));
    let wide = Plan::keeping(graph, &wide, states);
    let types = |plan: &Plan| -> Vec<Option<DType>> {
        let inputs = unit.nodes.iter().map(|&node| graph.nodes[node].inputs[0]);
        inputs.map(|v| plan.group(v).map(|g| plan.groups[g].dtype)).collect()
    };
    types(&wide) != types(plan)
}
