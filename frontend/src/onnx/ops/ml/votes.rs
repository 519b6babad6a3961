//! Trees in the attributes of operator sets 1 to 4: parallel lists of nodes, and of the votes at their leaves.

use super::cuts::Test;
use super::forest::{Branch, Child, Forest};
use crate::onnx::attribute::{Attributes, unsupported};
use crate::onnx::context::Step;
use crate::onnx::{code, tensor};
use std::collections::BTreeMap;
use tinyc_ir::{DType, Data, Diagnostic};

/// What went wrong with an attribute.
pub(super) fn wrong(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code::ATTRIBUTE, message)
}

/// The numbers of `name`, or of `name_as_tensor`, which holds doubles; whether they are doubles.
pub(super) fn numbers(attributes: Attributes<'_>, name: &str) -> Step<Option<(Vec<f64>, bool)>> {
    if let Some(values) = attributes.floats(name)? {
        return Ok(Some((values.iter().map(|&v| f64::from(v)).collect(), false)));
    }
    let Some(message) = attributes.tensor(&format!("{name}_as_tensor"))? else { return Ok(None) };
    reals(name, &tensor::read(message, None)?.data).map(Some)
}

/// The numbers of a tensor of floats; whether they are doubles.
pub(super) fn reals(name: &str, data: &Data) -> Step<(Vec<f64>, bool)> {
    match data {
        Data::F32(values) => Ok((values.iter().map(|&v| f64::from(v)).collect(), false)),
        Data::F64(values) => Ok((values.clone(), true)),
        other => Err(wrong(format!("attribute {name} holds {}, not floats", other.dtype()))),
    }
}

/// The elements of an attribute as positions or counts.
pub(super) fn indices(name: &str, values: &[i64]) -> Step<Vec<usize>> {
    let index = |&v: &i64| {
        usize::try_from(v).map_err(|_| wrong(format!("attribute {name} holds {v}, which is no position")))
    };
    values.iter().map(index).collect()
}

/// The trees, and the type of weights: double if they are given so or `wide` is set.
pub(super) fn read(attributes: Attributes<'_>, prefix: &str, wide: bool) -> Step<(Forest, DType)> {
    let required =
        |name: &str| attributes.ints(name)?.ok_or_else(|| wrong(format!("attribute {name} is missing")));
    let trees = required("nodes_treeids")?;
    let ids = required("nodes_nodeids")?;
    let features = required("nodes_featureids")?;
    let (yes, no) = (required("nodes_truenodeids")?, required("nodes_falsenodeids")?);
    let modes =
        attributes.strings("nodes_modes")?.ok_or_else(|| wrong("attribute nodes_modes is missing"))?;
    let (values, _) =
        numbers(attributes, "nodes_values")?.ok_or_else(|| wrong("attribute nodes_values is missing"))?;
    let missing = attributes.ints("nodes_missing_value_tracks_true")?.filter(|m| !m.is_empty());
    let lengths = [trees, ids, features, yes, no].map(<[i64]>::len);
    let count = trees.len();
    let equal = lengths.iter().all(|&l| l == count) && modes.len() == count && values.len() == count;
    if !equal || missing.is_some_and(|m| m.len() != count) {
        return Err(wrong("the attributes nodes_… have different lengths"));
    }
    let mut known = BTreeMap::new();
    for i in 0..count {
        if known.insert((trees[i], ids[i]), i).is_some() {
            return Err(wrong(format!("node {} of tree {} is there twice", ids[i], trees[i])));
        }
    }
    let mut forest = Forest::default();
    // What each node of the lists is in the forest.
    let mut children: Vec<Child> = Vec::with_capacity(count);
    let (mut branches, mut leaves) = (0, 0);
    for mode in &modes {
        children.push(if mode == "LEAF" { Child::Leaf(leaves) } else { Child::Branch(branches) });
        if mode == "LEAF" { leaves += 1 } else { branches += 1 }
    }
    let mut has_parent = vec![false; count];
    for i in (0..count).filter(|&i| modes[i] != "LEAF") {
        let mut child = |id: i64| {
            let at = known.get(&(trees[i], id)).copied();
            let at =
                at.ok_or_else(|| wrong(format!("node {} of tree {} leads to {id}", ids[i], trees[i])))?;
            has_parent[at] = true;
            Ok(children[at])
        };
        let (yes, no) = (child(yes[i])?, child(no[i])?);
        let test = test(&modes[i], values[i])?;
        let feature = indices("nodes_featureids", &features[i..=i])?[0];
        forest.nodes.push(Branch { feature, test, missing: missing.is_some_and(|m| m[i] != 0), yes, no });
    }
    let mut first = BTreeMap::new();
    for i in (0..count).filter(|&i| !has_parent[i]) {
        if first.insert(trees[i], i).is_some() {
            return Err(wrong(format!("tree {} has two roots", trees[i])));
        }
    }
    // A tree without a root would be missed here; it goes round in a circle.
    if let Some(tree) = trees.iter().find(|tree| !first.contains_key(tree)) {
        return Err(wrong(format!("tree {tree} has no root")));
    }
    forest.roots = first.values().map(|&i| children[i]).collect();
    forest.leaves = vec![Vec::new(); leaves];
    let names = ["treeids", "nodeids", "ids"].map(|part| format!("{prefix}_{part}"));
    let [vote_trees, vote_nodes, vote_ids] = [&names[0], &names[1], &names[2]].map(|name| required(name));
    let (vote_trees, vote_nodes) = (vote_trees?, vote_nodes?);
    let vote_ids = indices(&names[2], vote_ids?)?;
    let (weights, double) = numbers(attributes, &format!("{prefix}_weights"))?
        .ok_or_else(|| wrong(format!("attribute {prefix}_weights is missing")))?;
    let votes = weights.len();
    if [vote_trees.len(), vote_nodes.len(), vote_ids.len()] != [votes; 3] {
        return Err(wrong(format!("the attributes {prefix}_… have different lengths")));
    }
    for vote in 0..votes {
        let (tree, node) = (vote_trees[vote], vote_nodes[vote]);
        match known.get(&(tree, node)).map(|&i| children[i]) {
            Some(Child::Leaf(leaf)) => forest.leaves[leaf].push((vote_ids[vote], weights[vote])),
            _ => return Err(wrong(format!("node {node} of tree {tree} has a weight, but is no leaf"))),
        }
    }
    Ok((forest, if double || wide { DType::F64 } else { DType::F32 }))
}

fn test(mode: &str, v: f64) -> Step<Test> {
    Ok(match mode {
        "BRANCH_LEQ" => Test::AtMost(v),
        "BRANCH_LT" => Test::Below(v),
        "BRANCH_GTE" => Test::AtLeast(v),
        "BRANCH_GT" => Test::Above(v),
        "BRANCH_EQ" => Test::Equal(v),
        "BRANCH_NEQ" => Test::Differs(v),
        _ => {
            let supported = "BRANCH_LEQ, BRANCH_LT, BRANCH_GTE, BRANCH_GT, BRANCH_EQ, BRANCH_NEQ, LEAF";
            return Err(unsupported("nodes_modes", mode, supported));
        }
    })
}
