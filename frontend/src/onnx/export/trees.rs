//! Decision trees as `TreeEnsembleRegressor`, whose trees share no node: where ways join, what follows is written twice.

use super::order::Order;
use super::unsayable;
use super::writer::{Writer, floats, int, ints, string, strings};
use crate::onnx::context::Step;
use tinyc_ir::op::TreeEnsemble;
use tinyc_ir::op::tree_ensemble::Aggregate;
use tinyc_ir::{Data, Value};

/// The most nodes that trees are written with.
const NODES: usize = 1 << 20;

/// The columns of the operator's table.
#[derive(Default)]
struct Table {
    tree: Vec<i64>,
    node: Vec<i64>,
    feature: Vec<i64>,
    value: Vec<f32>,
    leaf: Vec<bool>,
    yes: Vec<i64>,
    no: Vec<i64>,
    missing: Vec<i64>,
    /// Tree, node, result and weight of each entry.
    entries: Vec<(i64, i64, usize, f32)>,
}

impl Writer<'_> {
    /// `TreeEnsembleRegressor`
    pub(super) fn tree_ensemble(&mut self, op: &TreeEnsemble, inputs: &[Value], y: Value) -> Step<()> {
        let graph = self.graph;
        let known = |v: Value| graph.const_of(v).and_then(|tensor| single(&tensor.data));
        let (Some(thresholds), Some(weights)) = (known(inputs[1]), known(inputs[2])) else {
            let types = format!("{} and {}", graph.ty(inputs[1]), graph.ty(inputs[2]));
            return Err(unsayable(format!("trees with thresholds and weights {types} are not written"))
                .help("supported are constants: 32-bit floats, and thresholds of integers below 2^24"));
        };
        if op.aggregate != Aggregate::Sum && (0..op.count).any(|target| !always(op, target)) {
            return Err(unsayable(
                "the least or greatest of leaves, of which there may be none, is not written",
            ));
        }
        let (thresholds, weights) = (thresholds.as_slice(), weights.as_slice());
        let x = self.stored(inputs[0], Order::Last)?;
        let mut table = Table::default();
        for (tree, &root) in op.roots.iter().enumerate() {
            table.add(op, (thresholds, weights), super::int(tree), root)?;
        }
        if table.entries.is_empty() {
            return Err(unsayable("trees without a weight are not written"));
        }
        let modes: Vec<&str> =
            table.leaf.iter().map(|&leaf| if leaf { "LEAF" } else { "BRANCH_LEQ" }).collect();
        let column = |f: fn(&(i64, i64, usize, f32)) -> i64| table.entries.iter().map(f).collect();
        let aggregate = match op.aggregate {
            Aggregate::Sum => "SUM",
            Aggregate::Min => "MIN",
            Aggregate::Max => "MAX",
        };
        let attributes = vec![
            string("aggregate_function", aggregate),
            int("n_targets", super::int(op.count)),
            ints("nodes_treeids", table.tree.clone()),
            ints("nodes_nodeids", table.node.clone()),
            ints("nodes_featureids", table.feature.clone()),
            floats("nodes_values", table.value.clone()),
            strings("nodes_modes", &modes),
            ints("nodes_truenodeids", table.yes.clone()),
            ints("nodes_falsenodeids", table.no.clone()),
            ints("nodes_missing_value_tracks_true", table.missing.clone()),
            ints("target_treeids", column(|e| e.0)),
            ints("target_nodeids", column(|e| e.1)),
            ints("target_ids", column(|e| super::int(e.2))),
            floats("target_weights", table.entries.iter().map(|e| e.3).collect()),
        ];
        self.give_stored(y, |writer, y| {
            writer.node_of("ai.onnx.ml", "TreeEnsembleRegressor", &[&x], y, attributes);
            Ok(())
        })
    }
}

/// Numbers that are 32-bit floats, or integers so small that comparing other integers with them as such floats is exact.
fn single(data: &Data) -> Option<Vec<f32>> {
    if let Some(floats) = data.as_f32() {
        return Some(floats.to_vec());
    }
    let small = |v: &i64| v.unsigned_abs() < 1 << 24;
    data.to_ints()
        .filter(|ints| ints.iter().all(small))
        .map(|ints| ints.into_iter().map(|v| v as f32).collect())
}

/// Whether one of the trees has an entry for a result in each of its leaves.
fn always(op: &TreeEnsemble, target: usize) -> bool {
    let inner = op.features.len();
    let has = |leaf: usize| op.targets[op.leaves[leaf]..op.leaves[leaf + 1]].contains(&target);
    // Whether each place leads to such leaves only; from behind, as ways lead forward.
    let mut sure = vec![false; inner + op.leaf_count()];
    for place in (0..sure.len()).rev() {
        sure[place] = match place.checked_sub(inner) {
            Some(leaf) => has(leaf),
            None => sure[op.yes[place]] && sure[op.no[place]],
        };
    }
    op.roots.iter().any(|&root| sure[root])
}

impl Table {
    /// Adds the tree below a place, its root first.
    fn add(
        &mut self,
        op: &TreeEnsemble,
        (thresholds, weights): (&[f32], &[f32]),
        tree: i64,
        root: usize,
    ) -> Step<()> {
        let inner = op.features.len();
        let first = self.tree.len();
        // Places to write, each with the row whose column is to name it.
        let mut open: Vec<(usize, Option<(usize, bool)>)> = vec![(root, None)];
        while let Some((place, from)) = open.pop() {
            let row = self.tree.len();
            let number = super::int(row - first);
            match from {
                Some((parent, true)) => self.yes[parent] = number,
                Some((parent, false)) => self.no[parent] = number,
                None => {}
            }
            if row >= NODES {
                return Err(unsayable(format!("trees that come to more than {NODES} nodes are not written")));
            }
            let leaf = place >= inner;
            self.tree.push(tree);
            self.node.push(number);
            self.leaf.push(leaf);
            self.feature.push(if leaf { 0 } else { super::int(op.features[place]) });
            self.value.push(if leaf { 0.0 } else { thresholds[place] });
            self.missing.push(i64::from(!leaf && op.missing.binary_search(&place).is_ok()));
            self.yes.push(0);
            self.no.push(0);
            if leaf {
                let own = op.leaves[place - inner]..op.leaves[place - inner + 1];
                let entries = own.clone().zip(&weights[own]);
                self.entries
                    .extend(entries.map(|(entry, &weight)| (tree, number, op.targets[entry], weight)));
            } else {
                open.push((op.no[place], Some((row, false))));
                open.push((op.yes[place], Some((row, true))));
            }
        }
        Ok(())
    }
}
