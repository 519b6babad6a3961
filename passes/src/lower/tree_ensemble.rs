//! `tree_ensemble`: a loop over trees, and in it a walk of as many steps as the deepest tree has, left at a leaf.
//!
//! Floats are compared as integers, which small cores do in a cycle: the bits of each feature that a node needs are mapped to an
//! integer of the same order once per row, and thresholds are stored mapped. Where no threshold needs the low halves of these
//! integers, they are cut off.

use super::layer::Layer;
use super::tree_keys::{Keys, Sources};
use super::tree_leaves::{Form, Pay, Visit};
use super::tree_tables::{Leaves, Tables, table};
use super::{Lowering, Unsupported};
use tinyc_ir::loops::{Affine, BinaryOp, Dynamic, Expr, Index, Literal, Param, Scalar, Var};
use tinyc_ir::op::TreeEnsemble;
use tinyc_ir::{DType, Data, Node, TensorType};

/// Lowers a `tree_ensemble`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, op: &TreeEnsemble) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let (rows, features, weight) = (inputs[0].shape[0], inputs[0].shape[1], output.dtype);
    if features == 0 {
        return Err(Unsupported::new("rows without features"));
    }
    let values = lowering.graph.nodes[node].inputs.clone();
    let constant = |i: usize, what: &str| {
        let tensor = lowering.graph.const_of(values[i]);
        tensor.ok_or_else(|| Unsupported::new(format!("{what} that are computed at run time")))
    };
    let (thresholds, weights) = (constant(1, "thresholds")?, constant(2, "weights")?);
    let tables = Tables::new(op, &thresholds.data, &weights.data)?;
    let (x, y) = lowering.data_buffers(node);
    let keys = Keys::new(inputs[0].dtype, &tables);
    let scratch = keys.mapped.then(|| {
        let ty = TensorType::new(keys.storage, [tables.slots.len()]);
        lowering.scratch("tree_keys", &ty)
    });
    let comment = format!(
        "{} trees of {} nodes and {} leaves on {features} features, at most {} steps each",
        op.roots.len(),
        tables.node_slots.len(),
        tables.leaf_count,
        tables.depth
    );
    let mut layer = lowering.layer(node, "tree_ensemble".into(), comment);
    let x = layer.read("x", x);
    let scratch = scratch.map(|buffer| layer.read_write("keys", buffer));
    let sources = Sources::new(&mut layer, &tables.slots, features, keys.mapped);
    let walk = Walk::new(&mut layer, &tables, &keys, sources.number_by_feature);
    let pay = Pay::new(&mut layer, &tables, op, weight);
    let single = op.count == 1 && matches!(tables.leaves, Leaves::One { .. });
    let y = if single { layer.write("y", y) } else { layer.read_write("y", y) };
    layer.each("row", rows, &mut |layer, row| {
        if let Some(scratch) = scratch {
            keys.prepare(layer, &tables.slots, &sources, x, row.times(features as i64), scratch);
        }
        let start = |layer: &mut Layer<'_>| match weight {
            DType::F64 => layer.b.literal(Literal::F64(op.aggregate.start())),
            _ => layer.b.f32(op.aggregate.start() as f32),
        };
        let result = row.times(op.count as i64);
        let total = if single {
            let start = start(layer);
            Some(layer.b.let_("total", start))
        } else {
            layer.each("c", op.count, &mut |layer, c| {
                let start = start(layer);
                layer.b.store(y, result.plus(&c), start);
            });
            None
        };
        let Some(pay) = &pay else { return };
        let compared = match scratch {
            Some(scratch) => (scratch, Affine::constant(0)),
            None => (x, row.times(features as i64)),
        };
        let turns = match pay.form {
            Form::One { turns: Some(turns), .. } => turns,
            _ => 1,
        };
        layer.nest(&[("tree", op.roots.len() / turns), ("turn", turns)], &mut |layer, at| {
            let tree = at[0].times(turns as i64).plus(&at[1]);
            let leaf = walk.leaf(layer, &tables, &keys, &tree, &compared);
            if let Some(total) = total {
                let leaf = layer.b.var(leaf);
                let weight = pay.weights.load(layer, dynamic(Affine::constant(0), 1, leaf, pay.leaves));
                let old = layer.b.var(total);
                let new = layer.b.binary(op.aggregate.combine(), old, weight);
                layer.b.assign(total, new);
                return;
            }
            pay.add(layer, op, &Visit { tree, turn: at[1].clone(), leaf }, (y, &result));
        });
        if let Some(total) = total {
            let total = layer.b.var(total);
            layer.b.store(y, result.clone(), total);
        }
    });
    layer.finish(0);
    Ok(())
}

/// An index `affine + stride · value` for a value among `count`.
pub(super) fn dynamic(affine: Affine, stride: usize, value: Expr, count: usize) -> Index {
    let dynamic = Dynamic { stride: stride as i64, value, lo: 0, hi: count as i64 - 1 };
    Index { affine, ring: None, dynamic: Some(dynamic) }
}

/// The tables of nodes.
struct Walk {
    slots: Param,
    thresholds: Param,
    steps: Param,
    first_nodes: Option<Param>,
    first_leaves: Option<Param>,
    /// What may be compared.
    compared: usize,
}

impl Walk {
    fn new(layer: &mut Layer<'_>, tables: &Tables, keys: &Keys, by_feature: bool) -> Self {
        let number = |slot: usize| if by_feature { tables.slots[slot].feature } else { slot };
        let numbers: Vec<usize> = tables.node_slots.iter().map(|&slot| number(slot)).collect();
        let features = tables.slots.iter().map(|slot| slot.feature + 1).max().unwrap_or(1);
        let (name, compared) =
            if by_feature { ("features", features) } else { ("slots", tables.slots.len()) };
        let many = tables.first_nodes.len() > 1;
        Self {
            slots: layer.constant(name, table(&numbers)),
            thresholds: layer
                .constant("thresholds", Data::from_ints(keys.storage, keys.thresholds.iter().copied())),
            steps: layer.constant("steps", table(&tables.steps)),
            first_nodes: many.then(|| layer.constant("first_nodes", table(&tables.first_nodes))),
            first_leaves: (many && !tables.first_leaves.is_empty())
                .then(|| layer.constant("first_leaves", table(&tables.first_leaves))),
            compared,
        }
    }

    /// Walks a tree; the leaf that it ends at.
    fn leaf(
        &self,
        layer: &mut Layer<'_>,
        tables: &Tables,
        keys: &Keys,
        tree: &Affine,
        (x, row): &(Param, Affine),
    ) -> Var {
        let nodes = tables.node_slots.len();
        let first = |layer: &mut Layer<'_>, table: Option<Param>| match table {
            Some(table) => layer.b.load_as(Scalar::I32, table, tree.clone()),
            None => layer.b.i32(0),
        };
        let root = first(layer, self.first_nodes);
        let node = layer.b.let_("node", root);
        let none = layer.b.i32(0);
        let step = layer.b.let_("step", none);
        let walk = layer.b.begin_for("depth");
        let at = layer.b.var(node);
        let slot = layer.b.load_as(Scalar::I32, self.slots, dynamic(Affine::constant(0), 1, at, nodes));
        let key = layer.b.load_as(keys.scalar, *x, dynamic(row.clone(), 1, slot, self.compared));
        let at = layer.b.var(node);
        let threshold =
            layer.b.load_as(keys.scalar, self.thresholds, dynamic(Affine::constant(0), 1, at, nodes));
        let beyond = layer.b.less(threshold, key);
        let beyond = layer.b.convert(Scalar::I32, beyond);
        let (at, two) = (layer.b.var(node), layer.b.i32(2));
        let pair = layer.b.mul(at, two);
        let at = layer.b.add(pair, beyond);
        let taken = layer.b.load_as(Scalar::I32, self.steps, dynamic(Affine::constant(0), 1, at, 2 * nodes));
        layer.b.assign(step, taken);
        let (split, taken) = (layer.b.i32(tables.split as i32), layer.b.var(step));
        let ends = layer.b.binary(BinaryOp::Le, split, taken);
        layer.b.begin_block();
        layer.b.break_();
        let then = layer.b.end_block();
        layer.b.if_else(ends, then, Vec::new());
        let taken = layer.b.var(step);
        layer.b.accumulate(node, taken);
        layer.b.end_for(walk, 0, tables.depth as i64, 1);
        let (taken, split) = (layer.b.var(step), layer.b.i32(tables.split as i32));
        let own = layer.b.sub(taken, split);
        let leaf = match self.first_leaves {
            Some(_) => {
                let first = first(layer, self.first_leaves);
                layer.b.add(first, own)
            }
            None => own,
        };
        layer.b.let_("leaf", leaf)
    }
}
