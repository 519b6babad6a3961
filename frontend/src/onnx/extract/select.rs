//! Which nodes are cut out, from names that the user gives.

use super::{Selection, captures};
use crate::onnx::code;
use crate::onnx::ops::close;
use crate::onnx::proto::{GraphProto, ValueInfoProto};
use std::collections::{BTreeMap, BTreeSet};
use tinyc_ir::Diagnostic;

/// What is kept.
pub(super) struct Choice {
    /// Positions of nodes, ascending.
    pub(super) nodes: BTreeSet<usize>,
    /// Names of tensors that become outputs.
    pub(super) outputs: Vec<String>,
}

/// A graph, and who makes and reads each tensor.
struct Wiring<'m> {
    graph: &'m GraphProto,
    reads: Vec<Vec<&'m str>>,
    makers: BTreeMap<&'m str, usize>,
}

/// Chooses nodes, and with them those that make constants for them.
pub(super) fn choose(graph: &GraphProto, selection: &Selection) -> Result<Choice, Diagnostic> {
    let makers = (graph.node.iter().enumerate()).flat_map(|(i, node)| {
        node.output.iter().filter(|name| !name.is_empty()).map(move |name| (name.as_str(), i))
    });
    let wiring =
        Wiring { graph, reads: graph.node.iter().map(captures::reads).collect(), makers: makers.collect() };
    let mut nodes = if selection.nodes.is_empty() {
        wiring.between(&selection.from, &selection.to)?
    } else {
        selection.nodes.iter().map(|name| wiring.named(name)).collect::<Result<_, _>>()?
    };
    let cut: BTreeSet<&str> = selection.from.iter().map(String::as_str).collect();
    let chosen = nodes.clone();
    wiring.add_constants(&mut nodes, &cut);
    let outputs = match selection.to.as_slice() {
        [] => wiring.outputs(&nodes, &chosen),
        to => to.to_vec(),
    };
    Ok(Choice { nodes, outputs })
}

impl<'m> Wiring<'m> {
    /// The node of a name, or the one that makes the tensor of that name.
    fn named(&self, name: &str) -> Result<usize, Diagnostic> {
        let nodes = &self.graph.node;
        let mut same = (0..nodes.len()).filter(|&i| nodes[i].name() == name && !name.is_empty());
        match (same.next(), same.next(), self.makers.get(name)) {
            (Some(index), None, _) => Ok(index),
            (_, _, Some(&index)) => Ok(index),
            (Some(first), Some(_), None) => {
                let result = nodes[first].output.first().map_or("", String::as_str);
                Err(Diagnostic::error(code::SELECTION, format!("several nodes have the name {name:?}"))
                    .help(format!("name the tensor that the node makes; of the first it is {result:?}")))
            }
            (None, _, None) => Err(self.unknown_node(name)),
        }
    }

    fn unknown_node(&self, name: &str) -> Diagnostic {
        let nodes = &self.graph.node;
        let inside = nodes.iter().find(|node| captures::bodies(node).any(|body| contains(body, name)));
        let error = Diagnostic::error(code::SELECTION, format!("no node has the name {name:?}"));
        if let Some(node) = inside {
            let holder = if node.name().is_empty() {
                node.output.first().map_or("", String::as_str)
            } else {
                node.name()
            };
            return error
                .note(format!("one in a body of {} {holder:?} has", node.op_type()))
                .help(format!("cut out the whole: --node {holder:?}"));
        }
        let names = nodes.iter().map(|node| node.name()).chain(self.makers.keys().copied());
        with_close(
            error,
            name,
            names,
            "names are those of messages; `--node` also takes the name of a tensor that the node makes",
        )
    }

    /// The nodes that lead from some tensors to others; without any, from inputs or to outputs of the model.
    fn between(&self, from: &[String], to: &[String]) -> Result<BTreeSet<usize>, Diagnostic> {
        let cut: BTreeSet<&str> = from.iter().map(String::as_str).collect();
        for name in from {
            let read = self.reads.iter().any(|reads| reads.contains(&name.as_str()));
            if !read {
                let error = Diagnostic::error(code::SELECTION, format!("no node reads a tensor {name:?}"));
                let names = self.reads.iter().flatten().copied();
                return Err(with_close(error, name, names, "`--from` takes names of tensors"));
            }
        }
        let ends: Vec<&str> = match to {
            [] => self.graph.output.iter().map(ValueInfoProto::name).collect(),
            to => to.iter().map(String::as_str).collect(),
        };
        let mut open = Vec::new();
        for name in ends {
            match self.makers.get(name) {
                Some(&index) => open.push(index),
                None if to.is_empty() => {}
                None => {
                    let error =
                        Diagnostic::error(code::SELECTION, format!("no node makes a tensor {name:?}"));
                    let names = self.makers.keys().copied();
                    return Err(with_close(error, name, names, "`--to` takes names of tensors"));
                }
            }
        }
        let mut behind = BTreeSet::new();
        while let Some(index) = open.pop() {
            if behind.insert(index) {
                let reads = self.reads[index].iter().filter(|name| !cut.contains(*name));
                open.extend(reads.filter_map(|name| self.makers.get(name)));
            }
        }
        let nodes = if cut.is_empty() { behind } else { self.after(&cut, &behind) };
        if nodes.is_empty() {
            return Err(Diagnostic::error(code::SELECTION, "no node lies between these tensors")
                .help("`--from` names what is read, `--to` what is computed from it"));
        }
        Ok(nodes)
    }

    /// The nodes of a set that depend on certain tensors.
    fn after(&self, tensors: &BTreeSet<&str>, among: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut readers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for &index in among {
            for &name in &self.reads[index] {
                readers.entry(name).or_default().push(index);
            }
        }
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = tensors.iter().copied().collect();
        while let Some(name) = open.pop() {
            for &index in readers.get(name).into_iter().flatten() {
                if found.insert(index) {
                    open.extend(self.graph.node[index].output.iter().map(String::as_str));
                }
            }
        }
        found
    }

    /// Adds the nodes that make constants of constants for the chosen ones (a dequantised weight, a shape).
    fn add_constants(&self, nodes: &mut BTreeSet<usize>, cut: &BTreeSet<&str>) {
        let inputs: BTreeSet<&str> = self.graph.input.iter().map(ValueInfoProto::name).collect();
        let stored: BTreeSet<&str> = self.graph.initializer.iter().map(|t| t.name()).collect();
        let supplied = |name: &&str| inputs.contains(name) && !stored.contains(name);
        // What depends on an input is not constant; a cycle depends on nothing, and does no harm.
        let all = (0..self.reads.len()).collect();
        let varying = self.after(&inputs.iter().copied().filter(supplied).collect(), &all);
        let mut open: Vec<usize> = nodes.iter().copied().collect();
        while let Some(index) = open.pop() {
            for name in self.reads[index].iter().filter(|name| !cut.contains(*name)) {
                if let Some(&maker) = self.makers.get(name)
                    && !varying.contains(&maker)
                    && nodes.insert(maker)
                {
                    open.push(maker);
                }
            }
        }
    }

    /// What others than the kept nodes read; where nobody reads a chosen node's results, its first.
    fn outputs(&self, nodes: &BTreeSet<usize>, chosen: &BTreeSet<usize>) -> Vec<String> {
        let rest = (0..self.reads.len()).filter(|index| !nodes.contains(index));
        let mut wanted: BTreeSet<&str> = rest.flat_map(|index| self.reads[index].iter().copied()).collect();
        wanted.extend(self.graph.output.iter().map(ValueInfoProto::name));
        let read: BTreeSet<&str> =
            nodes.iter().flat_map(|&index| self.reads[index].iter().copied()).collect();
        let mut outputs = Vec::new();
        for &index in chosen {
            let named = || self.graph.node[index].output.iter().filter(|name| !name.is_empty());
            let before = outputs.len();
            outputs.extend(named().filter(|name| wanted.contains(name.as_str())).cloned());
            if outputs.len() == before && !named().any(|name| read.contains(name.as_str())) {
                outputs.extend(named().next().cloned());
            }
        }
        outputs
    }
}

/// Whether a node of a body, or of a body in it, has a name or makes the tensor of that name.
fn contains(body: &GraphProto, name: &str) -> bool {
    body.node.iter().any(|node| {
        node.name() == name
            || node.output.iter().any(|made| made == name)
            || captures::bodies(node).any(|inner| contains(inner, name))
    })
}

/// An error with the known names that are spelled alike.
fn with_close<'n>(
    error: Diagnostic,
    name: &str,
    known: impl Iterator<Item = &'n str>,
    help: &str,
) -> Diagnostic {
    let known: BTreeSet<&str> = known.filter(|known| !known.is_empty()).collect();
    let near = close(name, known.into_iter());
    match near.as_slice() {
        [] => error.help(help),
        near => {
            let near: Vec<String> = near.iter().map(|name| format!("{name:?}")).collect();
            error.note(format!("similar names: {}", near.join(", "))).help(help)
        }
    }
}
