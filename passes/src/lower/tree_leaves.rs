//! What leaves of a tree ensemble add to the results.

use super::layer::Layer;
use super::tree_ensemble::dynamic;
use super::tree_tables::{Leaves, Tables, storage, table};
use tinyc_ir::loops::{Affine, Expr, Index, Param, Scalar, Var};
use tinyc_ir::op::TreeEnsemble;
use tinyc_ir::{DType, Data};

/// The tables of leaves.
pub(super) struct Pay {
    pub(super) form: Form,
    pub(super) weights: Weights,
    /// Entries of all leaves.
    entries: usize,
    pub(super) leaves: usize,
}

/// Weights of entries: each stored, or by its number in a list of those that occur.
pub(super) struct Weights {
    values: Param,
    numbers: Option<Param>,
    /// How many values are stored.
    count: usize,
}

impl Weights {
    /// In the form that takes fewer bytes.
    fn new(layer: &mut Layer<'_>, dtype: DType, bits: &[u64]) -> Self {
        let mut values = bits.to_vec();
        values.sort_unstable();
        values.dedup();
        let number = |bits: &u64| values.binary_search(bits).expect("it is one of them");
        let numbers: Vec<usize> = bits.iter().map(number).collect();
        let numbered = values.len() * dtype.size() + numbers.len() * storage(&numbers).size();
        let shorter = numbered < bits.len() * dtype.size();
        let stored = if shorter { &values[..] } else { bits };
        Self {
            numbers: shorter.then(|| layer.constant("weight_numbers", table(&numbers))),
            values: layer.constant("weights", Data::from_bits(dtype, stored.iter().copied())),
            count: stored.len(),
        }
    }

    /// The weight of an entry.
    pub(super) fn load(&self, layer: &mut Layer<'_>, entry: Index) -> Expr {
        match self.numbers {
            Some(numbers) => {
                let number = layer.b.load_as(Scalar::I32, numbers, entry);
                layer.b.load(self.values, dynamic(Affine::constant(0), 1, number, self.count))
            }
            None => layer.b.load(self.values, entry),
        }
    }
}

/// How many entries a leaf has, and for which results.
pub(super) enum Form {
    /// One, for the result of its tree; trees may take turns, each of so many results in order.
    One { targets: Option<Param>, turns: Option<usize> },
    /// One for each result.
    All,
    /// Some, at most so many; without a table of starts, so many.
    Some { starts: Option<Param>, targets: Param, most: usize },
}

impl Pay {
    /// `None` for the weights of leaves that add nothing.
    pub(super) fn new(
        layer: &mut Layer<'_>,
        tables: &Tables,
        op: &TreeEnsemble,
        weight: DType,
    ) -> Option<Self> {
        let (form, weights) = match &tables.leaves {
            Leaves::One { targets, weights } => {
                let in_turn = targets.len().is_multiple_of(op.count)
                    && targets.iter().enumerate().all(|(tree, &target)| target == tree % op.count);
                let turns = in_turn.then_some(op.count);
                let targets = (!in_turn).then(|| layer.constant("targets", table(targets)));
                (Form::One { targets, turns }, weights)
            }
            Leaves::All { weights } => (Form::All, weights),
            Leaves::Some { starts, targets, weights } => {
                let sizes: Vec<usize> = starts.windows(2).map(|w| w[1] - w[0]).collect();
                let most = sizes.iter().copied().max().unwrap_or(0);
                let equal = sizes.iter().all(|&size| size == most);
                let starts = (!equal).then(|| layer.constant("starts", table(starts)));
                if weights.is_empty() {
                    return None;
                }
                (Form::Some { starts, targets: layer.constant("targets", table(targets)), most }, weights)
            }
        };
        let entries = weights.len();
        let weights = Weights::new(layer, weight, weights);
        Some(Self { form, weights, entries, leaves: tables.leaf_count })
    }

    /// Adds what a leaf has to the results at `result`.
    pub(super) fn add(
        &self,
        layer: &mut Layer<'_>,
        op: &TreeEnsemble,
        at: &Visit,
        (y, result): (Param, &Affine),
    ) {
        let zero = Affine::constant(0);
        match self.form {
            Form::One { targets, turns } => {
                let target = match (targets, turns) {
                    (Some(targets), _) => {
                        let target = layer.b.load_as(Scalar::I32, targets, at.tree.clone());
                        Target::Loaded(layer.b.let_("target", target), op.count)
                    }
                    (None, _) => Target::Known(at.turn.clone()),
                };
                let leaf = layer.b.var(at.leaf);
                let weight = self.weights.load(layer, dynamic(zero, 1, leaf, self.leaves));
                target.combine(layer, op, y, result, weight);
            }
            Form::All => layer.each("c", op.count, &mut |layer, c| {
                let leaf = layer.b.var(at.leaf);
                let index = dynamic(c.clone(), op.count, leaf, self.leaves);
                let weight = self.weights.load(layer, index);
                Target::Known(c).combine(layer, op, y, result, weight);
            }),
            Form::Some { starts, targets, most } => {
                let start = |layer: &mut Layer<'_>, table: Param, offset: i64| {
                    let leaf = layer.b.var(at.leaf);
                    let index = dynamic(Affine::constant(offset), 1, leaf, self.leaves);
                    layer.b.load_as(Scalar::I32, table, index)
                };
                let first = match starts {
                    Some(table) => start(layer, table, 0),
                    None => {
                        let (leaf, most) = (layer.b.var(at.leaf), layer.b.i32(most as i32));
                        layer.b.mul(leaf, most)
                    }
                };
                let first = layer.b.let_("entry", first);
                let end = starts.map(|table| {
                    let end = start(layer, table, 1);
                    layer.b.let_("end", end)
                });
                layer.each("e", most, &mut |layer, e| {
                    let (entry, step) = (layer.b.var(first), layer.b.affine(e));
                    let place = layer.b.add(entry, step);
                    let place = layer.b.let_("place", place);
                    let add = |layer: &mut Layer<'_>| {
                        let value = layer.b.var(place);
                        let index = dynamic(Affine::constant(0), 1, value, self.entries);
                        let target = layer.b.load_as(Scalar::I32, targets, index);
                        let target = Target::Loaded(layer.b.let_("target", target), op.count);
                        let value = layer.b.var(place);
                        let index = dynamic(Affine::constant(0), 1, value, self.entries);
                        let weight = self.weights.load(layer, index);
                        target.combine(layer, op, y, result, weight);
                    };
                    match end {
                        Some(end) => {
                            let (place, end) = (layer.b.var(place), layer.b.var(end));
                            let inside = layer.b.less(place, end);
                            layer.b.begin_block();
                            add(layer);
                            let then = layer.b.end_block();
                            layer.b.begin_block();
                            if most > 1 {
                                layer.b.break_();
                            }
                            let otherwise = layer.b.end_block();
                            layer.b.if_else(inside, then, otherwise);
                        }
                        None => add(layer),
                    }
                });
            }
        }
    }
}

/// The end of a walk.
pub(super) struct Visit {
    pub(super) tree: Affine,
    /// The result whose turn it is.
    pub(super) turn: Affine,
    pub(super) leaf: Var,
}

/// The result that an entry is for.
enum Target {
    Known(Affine),
    /// In a register, below a number.
    Loaded(Var, usize),
}

impl Target {
    /// The result becomes what it was, combined with a weight.
    fn combine(&self, layer: &mut Layer<'_>, op: &TreeEnsemble, y: Param, result: &Affine, weight: Expr) {
        let index = |layer: &mut Layer<'_>| match self {
            Self::Known(target) => result.plus(target).into(),
            Self::Loaded(target, count) => {
                let target = layer.b.var(*target);
                dynamic(result.clone(), 1, target, *count)
            }
        };
        let at = index(layer);
        let old = layer.b.load(y, at);
        let new = layer.b.binary(op.aggregate.combine(), old, weight);
        let at = index(layer);
        layer.b.store(y, at, new);
    }
}
