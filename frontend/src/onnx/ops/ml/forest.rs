//! Trees as they were read, and what the operator `tree_ensemble` is given for them. Not here: ONNX's attributes.

use super::cuts::{Goal, Order, Test};
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::TreeEnsemble;
use tinyc_ir::op::tree_ensemble::Aggregate;
use tinyc_ir::{DType, Data, Diagnostic, Tensor, Value};

/// Nodes of trees, which their leaves' entries follow.
#[derive(Clone, Debug, Default)]
pub(super) struct Forest {
    pub(super) nodes: Vec<Branch>,
    /// What each leaf adds: results and weights.
    pub(super) leaves: Vec<Vec<(usize, f64)>>,
    /// Where each tree begins.
    pub(super) roots: Vec<Child>,
}

/// An inner node.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) feature: usize,
    pub(super) test: Test,
    /// Whether NaN goes where the test holds.
    pub(super) missing: bool,
    pub(super) yes: Child,
    pub(super) no: Child,
}

/// Where a branch leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Child {
    Branch(usize),
    Leaf(usize),
}

/// How far the search of [`Forest::order`] is with a branch.
#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

impl Forest {
    /// The branches that trees reach, each after those that it leads to.
    fn order(&self) -> Step<Vec<usize>> {
        let (mut order, mut states) = (Vec::new(), vec![State::New; self.nodes.len()]);
        for &root in &self.roots {
            let mut open: Vec<(Child, u8)> = vec![(root, 0)];
            while let Some((child, turn)) = open.last_mut() {
                let &mut Child::Branch(node) = child else {
                    open.pop();
                    continue;
                };
                *turn += 1;
                match (*turn, states[node]) {
                    (1, State::Done) => {
                        open.pop();
                    }
                    (1, State::Open) => {
                        let message = format!("node {node} of the trees leads back to itself");
                        return Err(Diagnostic::error(code::ATTRIBUTE, message));
                    }
                    (1, State::New) => {
                        states[node] = State::Open;
                        open.push((self.nodes[node].no, 0));
                    }
                    (2, _) => open.push((self.nodes[node].yes, 0)),
                    _ => {
                        states[node] = State::Done;
                        order.push(node);
                        open.pop();
                    }
                }
            }
        }
        Ok(order)
    }

    /// The operator and its thresholds and weights, for features of a type.
    fn operator(
        &self,
        features: DType,
        weights: DType,
        count: usize,
        aggregate: Aggregate,
    ) -> Step<(TreeEnsemble, Data, Data)> {
        // From behind: each node's place is known before those that lead to it.
        let order = Order(features);
        let mut entries = vec![Child::Leaf(0); self.nodes.len()];
        let (mut numbers, mut places, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        let mut ways: Vec<[Child; 2]> = Vec::new();
        for node in self.order()? {
            let branch = &self.nodes[node];
            let entry = |child: Child| match child {
                Child::Branch(node) => entries[node],
                leaf @ Child::Leaf(_) => leaf,
            };
            let (cuts, start) = order.cuts(&branch.test, branch.missing);
            let base = ways.len();
            let goal = |goal: Goal| match goal {
                Goal::Cut(i) => Child::Branch(base + cuts.len() - 1 - i),
                Goal::Answer(true) => entry(branch.yes),
                Goal::Answer(false) => entry(branch.no),
            };
            for cut in cuts.iter().rev() {
                numbers.push(branch.feature);
                places.push(cut.at);
                missing.push(cut.missing);
                ways.push([goal(cut.yes), goal(cut.no)]);
            }
            entries[node] = goal(start);
        }
        let root = |&root: &Child| match root {
            Child::Branch(node) => entries[node],
            leaf @ Child::Leaf(_) => leaf,
        };
        let roots: Vec<Child> = self.roots.iter().map(root).collect();
        if ways.is_empty() {
            // A tensor of thresholds has an element.
            numbers.push(0);
            places.push(0);
            missing.push(false);
            ways.push([roots[0], roots[0]]);
        }
        let inner = ways.len();
        let place = |child: Child| match child {
            Child::Branch(i) => inner - 1 - i,
            Child::Leaf(leaf) => inner + leaf,
        };
        let (mut leaves, mut targets, mut paid) = (vec![0], Vec::new(), Vec::new());
        for entries in &self.leaves {
            for &(target, weight) in entries {
                targets.push(target);
                paid.push(weight);
            }
            leaves.push(targets.len());
        }
        if paid.is_empty() {
            return Err(Diagnostic::error(code::ATTRIBUTE, "no leaf of the trees has a weight"));
        }
        numbers.reverse();
        places.reverse();
        let op = TreeEnsemble {
            roots: roots.iter().map(|&root| place(root)).collect(),
            features: numbers,
            yes: ways.iter().rev().map(|way| place(way[0])).collect(),
            no: ways.iter().rev().map(|way| place(way[1])).collect(),
            missing: (0..inner).filter(|&i| missing[inner - 1 - i]).collect(),
            leaves,
            targets,
            count,
            aggregate,
        };
        let weights = match weights {
            DType::F64 => Data::F64(paid),
            _ => Data::F32(paid.into_iter().map(|w| w as f32).collect()),
        };
        Ok((op, order.numbers(&places), weights))
    }

    /// Adds the trees over features `[N, F]`; the aggregated weights `[N, count]`.
    pub(super) fn add(
        &self,
        cx: &mut Context<'_, '_>,
        x: Value,
        weights: DType,
        count: usize,
        aggregate: Aggregate,
    ) -> Step<Value> {
        let features = cx.dims(x)[1];
        if let Some(node) = self.nodes.iter().find(|node| node.feature >= features) {
            let message = format!("a tree compares feature {} of {features}", node.feature);
            return Err(Diagnostic::error(code::SHAPE, message));
        }
        if aggregate != Aggregate::Sum {
            self.require_scores(count)?;
        }
        let dtype = cx.ty(x).dtype;
        let (op, thresholds, weights) = self.operator(dtype, weights, count, aggregate)?;
        let thresholds =
            cx.part_constant("thresholds", Tensor::new(vec![op.features.len()], thresholds), None)?;
        let weights = cx.part_constant("weights", Tensor::new(vec![op.targets.len()], weights), None)?;
        cx.part("trees", op, &[x, thresholds, weights])
    }

    /// Fails if the least or the greatest weight of a result may be one of none.
    fn require_scores(&self, count: usize) -> Step<()> {
        for target in 0..count {
            let always = |leaf: usize| self.leaves[leaf].iter().any(|e| e.0 == target);
            let some_tree = self.roots.iter().any(|&root| {
                let mut open = vec![root];
                let mut seen = std::collections::BTreeSet::new();
                while let Some(child) = open.pop() {
                    match child {
                        Child::Leaf(leaf) if !always(leaf) => return false,
                        Child::Branch(node) if seen.insert(node) => {
                            open.extend([self.nodes[node].yes, self.nodes[node].no]);
                        }
                        _ => {}
                    }
                }
                true
            });
            if !some_tree {
                let message =
                    format!("result {target} is the least or greatest of leaves, but may have none");
                return Err(Diagnostic::error(code::ATTRIBUTE, message)
                    .help("supported are MIN and MAX where a tree has all its leaves for the result"));
            }
        }
        Ok(())
    }
}
