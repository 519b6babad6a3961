//! Which tensors a node reads: its operands, and what the bodies in its attributes take from around it.

use super::proto::{GraphProto, NodeProto};
use std::collections::BTreeSet;

/// The names a node reads, operands first, each once; empty names left out. Nesting is bounded by the decoder.
pub(super) fn reads(node: &NodeProto) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    let operands = node.input.iter().map(String::as_str).filter(|name| !name.is_empty());
    let captured = bodies(node).flat_map(captures);
    for name in operands.chain(captured) {
        if seen.insert(name) {
            names.push(name);
        }
    }
    names
}

/// The graphs in a node's attributes.
pub(super) fn bodies(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(|a| a.g.iter().chain(&a.graphs))
}

/// What a body reads and does not define.
fn captures(body: &GraphProto) -> Vec<&str> {
    let own = defines(body);
    let inner = body.node.iter().flat_map(reads);
    let results = body.output.iter().map(|info| info.name());
    inner.chain(results).filter(|name| !name.is_empty() && !own.contains(name)).collect()
}

/// The names that a body gives to tensors.
pub(super) fn defines(body: &GraphProto) -> BTreeSet<&str> {
    let inputs = body.input.iter().map(|info| info.name());
    let stored = body.initializer.iter().map(|tensor| tensor.name());
    let sparse = body.sparse_initializer.iter().filter_map(|s| s.values.as_ref()).map(|t| t.name());
    let made = body.node.iter().flat_map(|node| &node.output).map(String::as_str);
    inputs.chain(stored).chain(sparse).chain(made).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::proto::{AttributeProto, ValueInfoProto};
    use super::*;

    fn node(inputs: &[&str], outputs: &[&str]) -> NodeProto {
        let own = |names: &[&str]| names.iter().map(|s| (*s).to_owned()).collect();
        NodeProto { input: own(inputs), output: own(outputs), ..NodeProto::default() }
    }

    #[test]
    fn bodies_see_what_is_around_them() {
        let named = |name: &str| ValueInfoProto { name: Some(name.to_owned()), ..ValueInfoProto::default() };
        let inner = GraphProto {
            node: vec![node(&["a", "local", "outer"], &["r"])],
            output: vec![named("r"), named("straight")],
            ..GraphProto::default()
        };
        let mut holder = node(&["local"], &["s"]);
        holder.attribute.push(AttributeProto { g: Some(inner), ..AttributeProto::default() });
        let body = GraphProto {
            input: vec![named("a")],
            node: vec![node(&["a"], &["local"]), holder],
            output: vec![named("s")],
            ..GraphProto::default()
        };
        let mut top = node(&["x", "", "x"], &["y"]);
        top.attribute.push(AttributeProto { g: Some(body), ..AttributeProto::default() });
        assert_eq!(reads(&top), ["x", "outer", "straight"]);
    }
}
